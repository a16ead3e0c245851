//! Response actions, as whole runs: what is asked again and what is not, and how runs end.

use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::program::{Folder, Ran};

fn run(server: &Server, folder: &Folder, endpoint: Value) -> Ran {
    let config = json!({"client": {"base_url": server.base_url()}, "resource_defaults": {"endpoint": {
        "data_selector": "data", "error_handler": {"backoff_factor": 0}}},
        "resources": [{"name": "t", "endpoint": endpoint}]});
    folder.write("c.json", &config.to_string());
    folder.run(&["run", "c.json", "--to", "jsonl:out"])
}

/// Answers the `n`-th request (from 0) as `reply` says.
fn api(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Server {
    let server = start(Options::default()).unwrap();
    let count = std::sync::atomic::AtomicUsize::new(0);
    server.set_route("/t", move |_| reply(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst)));
    server
}

#[test]
fn a_well_looking_answer_that_says_error_is_asked_again() {
    let body = |nth| if nth < 2 { r#"{"error": "busy", "data": []}"# } else { r#"{"data": [{"id": 1}]}"# };
    let (server, folder) = (api(move |nth| Reply::json(200, body(nth))), Folder::new());
    let actions = json!([{"content": "\"busy\"", "action": "retry"}]);
    let ran =
        run(&server, &folder, json!({"paginator": "single_page", "response_actions": actions})).expect(0);
    ran.says(&["t: the API answered 200 with `\"busy\"` in it"]);
    assert_eq!((server.requests().len(), folder.lines("out/t.jsonl").len()), (3, 1));
}

#[test]
fn one_that_says_it_for_good_is_for_later() {
    let (server, folder) = (api(|_| Reply::json(200, r#"{"error": "busy"}"#)), Folder::new());
    let actions = json!([{"content": "busy", "action": "retry"}]);
    let ran =
        run(&server, &folder, json!({"paginator": "single_page", "response_actions": actions})).expect(4);
    ran.says(&["(4 tries)"]);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn what_is_to_fail_fails_at_once_in_its_own_words() {
    for (status, code) in [(200, 5), (503, 4), (403, 3), (404, 1)] {
        let (server, folder) = (api(move |_| Reply::json(status, "{}")), Folder::new());
        let actions = json!([{"status_code": status, "action": "fail", "message": "the plan is used up"}]);
        let ran = run(&server, &folder, json!({"paginator": "single_page", "response_actions": actions}));
        ran.expect(code).says(&["t, page 1: the plan is used up"]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn an_ignored_answer_ends_its_chain_with_the_rows_so_far() {
    let page = |nth| match nth {
        0 => Reply::json(200, r#"{"data": [{"id": 1}, {"id": 2}]}"#),
        _ => Reply::json(500, "no page like this"),
    };
    let (server, folder) = (api(page), Folder::new());
    let endpoint = json!({"paginator": {"type": "page_number", "total_path": null},
        "response_actions": [{"status_code": 500, "content": "no page", "action": "ignore"}]});
    run(&server, &folder, endpoint).expect(0).says(&["an answer with status 500 was ignored", "t: complete"]);
    assert_eq!((server.requests().len(), folder.lines("out/t.jsonl").len()), (2, 2));
}

#[test]
fn rows_that_are_known_of_and_ignored_are_not_called_complete() {
    let page = |nth| match nth {
        0 => Reply::json(200, r#"{"data": [{"id": 1}, {"id": 2}], "total": 9}"#),
        _ => Reply::json(404, "{}"),
    };
    let (server, folder) = (api(page), Folder::new());
    let endpoint = json!({"paginator": {"type": "offset", "limit": 2},
        "response_actions": [{"status_code": 404, "action": "ignore"}]});
    let ran = run(&server, &folder, endpoint).expect(0);
    ran.says(&["t: stopped at an answer that `response_actions` ignores; there may be more rows"]);
    assert_eq!(folder.lines("out/t.jsonl").len(), 2);
}

#[test]
fn a_parent_that_is_gone_fails_where_the_config_says_so() {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    server.set_route("/p", |_| Reply::json(200, r#"{"data": [{"id": 1}]}"#));
    server.set_route("/p/1/c", |_| Reply::json(404, "{}"));
    let run = |action: &str| {
        let config = json!({"client": {"base_url": server.base_url(), "paginator": "single_page"},
            "resource_defaults": {"endpoint": {"data_selector": "data"}},
            "resources": ["p", {"name": "c", "endpoint": {"path": "p/{resources.p.id}/c",
                "response_actions": [{"status_code": 404, "action": action}]}}]});
        folder.write("c.json", &config.to_string());
        folder.run(&["run", "c.json", "--to", "jsonl:out"])
    };
    run("fail").expect(1).says(&["c of parent [1], page 1"]);
    run("ignore").expect(0);
}
