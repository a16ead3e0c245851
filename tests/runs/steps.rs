//! Processing steps, as whole runs: what lands, what totals and keys go by, and how a program that does not end is ended.

use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::program::{Folder, Ran};

/// `/t` has `rows` rows `{id, on, tags}` in pages of 10, with their number.
fn api(rows: usize) -> Server {
    let server = start(Options::default()).unwrap();
    server.set_route("/t", move |request| {
        let number = |name| request.number_param(name).unwrap_or_default();
        let (offset, limit) = (number("offset"), number("limit").max(1));
        let page: Vec<Value> = (offset..rows.min(offset + limit))
            .map(|id| json!({"id": id, "on": id % 3 == 0, "kind": "row", "tags": ["a", "b"]}))
            .collect();
        Reply::json(200, json!({"data": page, "total": rows}).to_string())
    });
    server
}

fn run(server: &Server, folder: &Folder, more: Value, flags: &[&str]) -> Ran {
    folder.write("c.json", &config(server, more).to_string());
    folder.run(&[&["run", "c.json"], flags].concat())
}

fn run_within(server: &Server, folder: &Folder, steps: Value, limits: Value) -> Ran {
    let mut config = config(server, json!({"processing_steps": steps}));
    config["limits"] = limits;
    folder.write("c.json", &config.to_string());
    folder.run(&["run", "c.json", "--to", "jsonl:out"])
}

fn config(server: &Server, more: Value) -> Value {
    let mut resource = json!({
        "name": "t", "endpoint": {"data_selector": "data", "paginator": {"type": "offset", "limit": 10}}
    });
    for (key, value) in more.as_object().unwrap() {
        resource[key] = value.clone();
    }
    json!({"client": {"base_url": server.base_url()}, "resources": [resource]})
}

const JSONL: &[&str] = &["--to", "jsonl:out"];

#[test]
fn rows_that_a_filter_drops_are_not_missed() {
    let (server, folder) = (api(35), Folder::new());
    run(&server, &folder, json!({"processing_steps": [{"filter": ".on"}, {"map": "{id}"}]}), JSONL).expect(0);
    let rows: Vec<String> = (0..35).step_by(3).map(|id| format!("{{\"id\":{id}}}")).collect();
    assert_eq!(folder.lines("out/t.jsonl"), rows);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn one_row_may_become_many_or_none() {
    let (server, folder) = (api(25), Folder::new());
    let steps = json!([{"yield_map": "if .on then .tags[] as $t | {id, t: $t} else empty end"}]);
    run(&server, &folder, json!({"processing_steps": steps}), JSONL).expect(0);
    assert_eq!(folder.lines("out/t.jsonl").len(), 18);
}

#[test]
fn pages_that_become_alike_are_no_repetition() {
    let (server, folder) = (api(30), Folder::new());
    run(&server, &folder, json!({"keep": "kind"}), JSONL).expect(0);
    assert_eq!(folder.lines("out/t.jsonl"), vec!["{\"kind\":\"row\"}"; 30]);
}

#[test]
fn a_page_that_comes_again_shows_though_nothing_of_it_is_kept() {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    server.set_route("/t", |_| Reply::json(200, r#"{"data": [{"id": 1}, {"id": 2}]}"#));
    let endless = json!({"data_selector": "data",
        "paginator": {"type": "offset", "limit": 2, "total_path": null}});
    let more = json!({"endpoint": endless, "processing_steps": [{"filter": "false"}]});
    run(&server, &folder, more, JSONL).expect(5).says(&["the very rows of the page before it"]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn under_merge_a_filter_is_no_sign_of_shared_keys() {
    let (server, folder) = (api(30), Folder::new());
    let more = json!({"primary_key": "k", "write_disposition": "merge",
        "processing_steps": [{"filter": ".on"}, {"map": "{k: (.id / 6 | floor)}"}]});
    let ran = run(&server, &folder, more, &["--to", "sqlite:out.db"]).expect(0);
    ran.says(&["of rows with one key the last is kept"]);
    assert_eq!(folder.count("out.db", "select count(*) from t"), 5);
}

#[test]
fn a_row_that_a_step_fails_on_fails_its_resource() {
    let (server, folder) = (api(30), Folder::new());
    let steps = json!([{"map": "if .id == 14 then error(\"no 14\") else . end"}]);
    let ran = run(&server, &folder, json!({"processing_steps": steps}), JSONL).expect(5);
    ran.says(&["t, page 2", "row 5 of the page fails in step 1 (`map`): no 14"]);
}

#[test]
fn a_program_without_an_end_is_ended() {
    let (server, folder) = (api(5), Folder::new());
    for (program, limit, said) in [
        ("[range(infinite) | select(. < 0)] | length > 0", json!({"cpu_time_ms": 300}), "0.3 s"),
        ("[range(infinite)] | length > 0", json!({"memory_mib": 32}), "32 MiB of memory"),
        ("def f: [f]; f", json!({"memory_mib": 32}), "the connector broke"),
    ] {
        let ran = run_within(&server, &folder, json!([{"filter": program}]), limit);
        ran.expect(1).says(&["t: ", said, "a program in `processing_steps` that has no end"]);
    }
}
