//! `adopt`: files that dlt made (`tests/dlt/adopted/make.py`) are gone on with.

use std::io::Read as _;

use flate2::read::GzDecoder;
use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::duckdb;
use crate::program::Folder;

const DUCKDB: &[u8] = include_bytes!("../dlt/adopted/tracker.duckdb.gz");

/// dlt has read four events, the last two at one moment, and five issues.
fn config(server: &Server, more: &Value) -> Value {
    let mut config = json!({
        "name": "tracker",
        "nested": {"tables": {"system": "dlt"}},
        "client": {"base_url": server.base_url(), "paginator": "single_page"},
        "resources": [
            {"name": "events", "endpoint": {"path": "events", "data_selector": "$", "params": {
                "since": {"type": "incremental", "cursor_path": "at", "initial_value": "2024-01-01T00:00:00Z"}
            }}},
            {"name": "issues", "primary_key": "id", "write_disposition": "merge", "endpoint": {
                "path": "issues", "data_selector": "$",
                "incremental": {"cursor_path": "updatedAt", "initial_value": 0, "start_param": "from"}
            }}
        ]
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn event(id: u64, at: &str, labels: &[&str]) -> Value {
    let labels: Vec<Value> = labels.iter().map(|name| json!({"name": name, "n": id})).collect();
    let user = json!({"loginName": format!("u{id}")});
    json!({"id": id, "at": at, "kind": "made", "size": id as f64 * 1.5, "labels": labels, "user": user})
}

#[test]
fn tables_and_watermarks_of_dlt_are_gone_on_with() {
    let Some(library) = duckdb::library() else { return };
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    let mut bytes = Vec::new();
    GzDecoder::new(DUCKDB).read_to_end(&mut bytes).unwrap();
    std::fs::write(folder.path("tracker.duckdb"), bytes).unwrap();
    let to = format!("duckdb:tracker.duckdb?schema=tracker&driver={}", library.display());
    let command = |command: &str| folder.run(&[command, "c.json", "--to", &to]);
    let write = |more: &Value| folder.write("c.json", &config(&server, more).to_string());
    let column = |table: &str, name: &str| {
        let mut values =
            duckdb::column(&folder.path("tracker.duckdb"), &format!("tracker\".\"tracker\".\"{table}"), name);
        values.sort();
        values
    };

    write(&json!({"nested": "json"}));
    command("adopt").expect(2).says(&["resource `events` would not be written as dlt's tables are"]);
    write(&json!({"resources": [{"name": "other", "endpoint": "other"}]}));
    command("adopt")
        .expect(2)
        .says(&["no resource of the config has a table of dlt's pipeline duck", "events"]);
    write(&json!({}));
    let ran = folder.run(&["adopt", "c.json", "--to", &to.replace("schema=tracker", "schema=none")]);
    ran.expect(2).says(&["dlt has left no state in duckdb:tracker.duckdb?schema=none"]);
    let ran = folder.run(&["adopt", "c.json", "--to", &to, "--pipeline", "dack"]);
    ran.expect(2).says(&["it is not clear which of dlt's pipelines", "there are duck"]);
    // Without being taken over they are somebody else's.
    let ran = folder.run(&["run", "c.json", "--to", &to, "--resource", "issues"]).expect(2);
    insta::assert_snapshot!("dlts_own", ran.stderr);

    let ran = command("adopt").expect(0);
    insta::assert_snapshot!(ran.stderr);
    command("adopt").expect(2).says(&["resource `events` has been loaded into"]);

    let old = |id| event(id, "2024-01-03T10:00:00Z", &["a", "b"]);
    let events = json!([
        old(3),
        event(4, "2024-01-03T10:00:00Z", &[]),
        old(6),
        event(7, "2024-01-05T00:00:00Z", &["c"])
    ]);
    server.set_route("/events", move |_| Reply::json(200, events.to_string()));
    let issues = json!([
        {"id": 5, "title": "issue 5", "updatedAt": 1_700_000_005},
        {"id": 2, "title": "changed", "updatedAt": 1_700_000_006},
        {"id": 9, "title": "new", "updatedAt": 1_700_000_007, "closedAt": "2024-02-01T00:00:00Z"}
    ]);
    server.set_route("/issues", move |_| Reply::json(200, issues.to_string()));
    for _ in 0..2 {
        command("run").expect(0);
        // Two were known by dlt's hashes of them, one of the same moment was not.
        assert_eq!(column("events", "id"), ["1", "2", "3", "4", "6", "7"]);
        assert_eq!(column("events__labels", "n"), ["1", "1", "2", "2", "3", "3", "6", "6", "7"]);
        assert_eq!(column("issues", "id"), ["1", "2", "3", "4", "5", "9"]);
    }
    assert_eq!(column("issues", "title"), ["changed", "issue 1", "issue 3", "issue 4", "issue 5", "new"]);
    assert_eq!(column("events", "user__login_name"), ["u1", "u2", "u3", "u4", "u6", "u7"]);
    let requests = server.requests();
    let sent: Vec<&str> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(sent[..2], ["/events?since=2024-01-03T10%3A00%3A00Z", "/issues?from=1700000005"]);
    // What hangs on a row still does.
    let ids: std::collections::HashSet<String> = column("events", "_dlt_id").into_iter().collect();
    assert_eq!(ids.len(), 6);
    assert!(column("events__labels", "_dlt_parent_id").iter().all(|id| ids.contains(id)));
}
