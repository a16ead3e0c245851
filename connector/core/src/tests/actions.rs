//! Response actions: which one counts, and what it makes of an answer.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn with(actions: Value) -> Plan {
    planned(&endpoint(json!({"path": "x", "data_selector": "data", "paginator": "single_page",
        "response_actions": actions})))
}

fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: vec![("Retry-After".into(), "7".into())], body: body.into() }
}

/// What an answer comes to, in a word.
fn outcome(actions: &Value, status: u16, body: &str) -> String {
    match page(&with(actions.clone()), &first_page("r"), &answer(status, body)) {
        Ok(page) if page.notices.iter().any(|notice| notice.code == "answer-ignored") => {
            assert_eq!((page.kept, page.received, page.continuation), (0, 0, Continuation::End));
            "ignored".into()
        }
        Ok(page) => format!("{} rows", page.kept),
        Err(Fault::Http(failure)) => match failure.retry {
            Some(true) => format!("retry after {}", failure.retry_after.unwrap()),
            Some(false) => format!("fail: {}", failure.message),
            None => format!("{}", failure.status),
        },
        Err(Fault::BadResponse(_)) => "bad".into(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_first_action_that_fits_counts() {
    let rows = r#"{"data": [1, 2]}"#;
    let ignore = |status: u16| json!([{"status_code": status, "action": "ignore"}]);
    let cases = [
        (ignore(404), 404, "<html>", "ignored"),
        (ignore(404), 422, "", "422"),
        (ignore(404), 200, rows, "2 rows"),
        (ignore(204), 204, "", "ignored"),
        (ignore(204), 200, "", "bad"),
        (ignore(500), 500, "", "ignored"),
        (ignore(429), 429, "", "ignored"),
        (json!([{"status_code": "404", "action": "ignore"}]), 404, "", "ignored"),
        (json!([{"content": "not here", "action": "ignore"}]), 200, "not here", "ignored"),
        (json!([{"content": "not here", "action": "ignore"}]), 404, "nothing", "404"),
        (json!([{"status_code": 404, "content": "gone", "action": "ignore"}]), 404, "it is gone", "ignored"),
        (json!([{"status_code": 404, "content": "gone", "action": "ignore"}]), 404, "it is not", "404"),
        (
            json!([{"status_code": 404, "content": "gone", "action": "ignore"}]),
            200,
            r#"{"data": ["gone"]}"#,
            "1 rows",
        ),
        (
            json!([{"content": "busy", "action": "retry"}]),
            200,
            r#"{"data": [], "error": "busy"}"#,
            "retry after 7",
        ),
        (json!([{"status_code": 403, "action": "retry"}]), 403, "", "retry after 7"),
        (
            json!([{"status_code": 200, "content": "error", "action": "fail", "message": "it said so"}]),
            200,
            r#"{"error": 1}"#,
            "fail: it said so",
        ),
        (
            json!([{"status_code": 503, "action": "fail"}]),
            503,
            "",
            "fail: the API answered 503, which `response_actions` makes a failure",
        ),
        (
            json!([{"status_code": 404, "action": "ignore"}, {"status_code": 404, "action": "fail"}]),
            404,
            "",
            "ignored",
        ),
        (
            json!([{"content": "é", "action": "ignore"}, {"status_code": 404, "action": "fail", "message": "no"}]),
            404,
            "e",
            "fail: no",
        ),
        (json!([]), 404, "", "404"),
    ];
    for (actions, status, body, expected) in cases {
        assert_eq!(outcome(&actions, status, body), expected, "{actions} on {status} {body}");
    }
}

#[test]
fn an_ignored_answer_is_an_end_unless_rows_are_known_to_follow() {
    let ends = |paginator: Value, cursor: Option<&str>| {
        let mut config = offset_config(paginator);
        config["resources"][0]["endpoint"]["response_actions"] =
            json!([{"status_code": 404, "action": "ignore"}]);
        let wanted = PageRequest { cursor: cursor.map(Into::into), ..first_page("r") };
        match page(&planned(&config), &wanted, &answer(404, "")).unwrap().continuation {
            Continuation::End => true,
            Continuation::Limit(_) => false,
            other => panic!("{other:?}"),
        }
    };
    let offset = || json!({"type": "offset", "limit": 2});
    assert!(ends(offset(), None));
    assert!(ends(offset(), Some(r#"{"o":2}"#)));
    assert!(!ends(offset(), Some(r#"{"o":2,"t":9}"#)));
    assert!(!ends(offset(), Some(r#"{"o":2,"e":4,"t":4}"#)));
    assert!(ends(offset(), Some(r#"{"o":9,"t":9}"#)));
    assert!(ends(json!("cursor"), None));
    assert!(ends(json!("page_number"), None));
}

#[test]
fn actions_of_the_defaults_are_replaced_as_a_whole() {
    let config = json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resource_defaults": {"endpoint": {"response_actions": [{"status_code": 404, "action": "ignore"}]}},
        "resources": ["d", {"name": "o", "endpoint": {"response_actions": [{"status_code": 410, "action": "ignore"}]}}]
    });
    let plan = planned(&config);
    let taken = |name: &str, status| page(&plan, &first_page(name), &answer(status, "")).is_ok();
    assert_eq!(
        [taken("d", 404), taken("d", 410), taken("o", 404), taken("o", 410)],
        [true, false, false, true]
    );
}
