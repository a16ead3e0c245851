//! Keys that do not tell rows apart, and parents that come twice.

use sanderling_demo::{Options, Reply, start};

use crate::program::Folder;

fn list(rows: &str, total: usize) -> Reply {
    Reply::new(200, "application/json", format!("{{\"data\":[{rows}],\"total\":{total}}}"))
}

fn config(base_url: &str, resources: &str) -> String {
    format!(
        r#"{{"client": {{"base_url": "{base_url}"}}, "resource_defaults": {{"endpoint": {{"data_selector": "data",
        "paginator": {{"type": "offset", "limit": 2}}}}}}, "resources": [{resources}]}}"#
    )
}

#[test]
fn a_merge_that_loses_rows_to_its_key_is_refused() {
    let server = start(Options::default()).unwrap();
    server.script("/x", vec![list(r#"{"id":1,"p":7},{"id":2,"p":7}"#, 3), list(r#"{"id":3,"p":7}"#, 3)]);
    let resource =
        |extra: &str| format!(r#"{{"name": "x", "primary_key": "p", "write_disposition": "merge"{extra}}}"#);
    for target in ["sqlite:x.db", "jsonl:out"] {
        let folder = Folder::new();
        folder.write("x.json", &config(&server.base_url(), &resource("")));
        let ran = folder.run(&["run", "x.json", "--to", target]).expect(5);
        ran.says(&[
            "3 rows came and the API counts 3, but they have only 1 keys (p)",
            "hint: name a `primary_key`",
        ]);
        server.script("/x", vec![list(r#"{"id":1,"p":7},{"id":2,"p":7}"#, 3), list(r#"{"id":3,"p":7}"#, 3)]);
        folder.write("x.json", &config(&server.base_url(), &resource(r#", "total": "estimate""#)));
        server.script(
            "/x",
            vec![list(r#"{"id":1,"p":7},{"id":2,"p":7}"#, 3), list(r#"{"id":3,"p":7}"#, 3), list("", 3)],
        );
        let ran = folder.run(&["run", "x.json", "--to", target]).expect(0);
        ran.says(&["note: x: 3 rows have 1 keys (p); of rows with one key the last is kept"]);
        server.script("/x", vec![list(r#"{"id":1,"p":7},{"id":2,"p":7}"#, 3), list(r#"{"id":3,"p":7}"#, 3)]);
    }
}

#[test]
fn a_parent_that_comes_twice_has_its_children_read_once() {
    let server = start(Options::default()).unwrap();
    let pages = || vec![list(r#"{"id":1},{"id":2}"#, 4), list(r#"{"id":2},{"id":3}"#, 4)];
    for target in ["sqlite:x.db", "jsonl:out"] {
        server.script("/p", pages());
        for id in 1..=3 {
            server.script(&format!("/p/{id}/c"), vec![list(&format!("{{\"n\":{id}}}"), 1)]);
        }
        let folder = Folder::new();
        let resources = r#""p", {"name": "c", "endpoint": "/p/{resources.p.id}/c"}"#;
        folder.write("x.json", &config(&server.base_url(), resources));
        let ran = folder.run(&["run", "x.json", "--to", target]).expect(0);
        ran.says(&["note: c: parent rows came twice, or share what binds it; each is read once"]);
        assert_eq!(server.count("/p/2/c"), 1);
        server.clear_log();
        match target {
            "jsonl:out" => {
                assert_eq!(folder.lines("out/c.jsonl"), [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#])
            }
            _ => assert_eq!(folder.count("x.db", "select count(*) from c"), 3),
        }
    }
}
