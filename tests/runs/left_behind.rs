//! What broken runs leave behind of resources that are not read any more, and of partitions that come again.

use sanderling_demo::{Action, Fault, Options, Reply, When, start};

use crate::breaking::{Breaking, DISPOSITIONS, To, sorted};
use crate::program::Folder;

#[test]
fn a_resource_that_is_removed_while_half_read_is_taken_back() {
    for (to, disposition) in
        [To::Sqlite, To::Jsonl].into_iter().flat_map(|to| DISPOSITIONS.map(|how| (to, how)))
    {
        let it = Breaking::new(to, disposition, 1);
        let fault = Fault::new("/v1/expenses", When::Always, Action::status(500));
        it.server.add_fault(Fault { query: vec![("offset".into(), "2".into())], ..fault });
        it.folder.run(&it.args()).expect(4);
        it.mend();
        let config = it.folder.read("broken.json");
        let without = config.replace(",\n    \"expenses\": \"/v1/expenses\"", "");
        assert_ne!(config, without);
        it.folder.write("broken.json", &without);
        let said = "expenses: it is not read any more; 2 rows of the run that broke off are taken back";
        it.folder.run(&it.args()).expect(0).says(&[said]);
        assert_eq!(it.server.count("/v1/expenses"), 0);
        match (to, disposition) {
            (To::Sqlite, "replace" | "merge") => {
                let tables = "select count(*) from sqlite_master where name like '%expenses'";
                assert_eq!(it.folder.count("out.db", tables), 0);
            }
            (To::Jsonl, "replace" | "merge") => assert!(!it.folder.path("out/expenses.jsonl").exists()),
            _ => assert_eq!(it.table("expenses").len(), 0),
        }
        if to == To::Sqlite {
            assert_eq!(
                it.folder.count(
                    "out.db",
                    "select count(*) from _sanderling_state where entry like '{\"pending\"%'"
                ),
                0
            );
        }
        // It is told once, and comes back as any other.
        let ran = it.folder.run(&it.args()).expect(0);
        assert!(!ran.stderr.contains("expenses"), "{}", ran.stderr);
        it.folder.write("broken.json", &config);
        it.folder.run(&it.args()).expect(0);
        assert_eq!(it.table("expenses").len(), 3);
    }
}

/// A parent that comes again on a page behind a break is not read again, though its first page was done before it.
#[test]
fn a_partition_that_was_finished_before_a_break_is_not_read_again() {
    let list =
        |rows: &str, total: usize| Reply::json(200, format!("{{\"data\":[{rows}],\"total\":{total}}}"));
    for target in ["sqlite:x.db", "jsonl:out"] {
        let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
        for id in 1..=3 {
            server.set_route(&format!("/p/{id}/c"), move |_| list(&format!("{{\"n\":{id}}}"), 1));
        }
        server.set_route("/p", move |request| match request.number_param("offset") {
            Some(0) => list(r#"{"id":1},{"id":2}"#, 4),
            _ => list(r#"{"id":2},{"id":3}"#, 4),
        });
        let fault = Fault::new("/p", When::Always, Action::status(404));
        server.add_fault(Fault { query: vec![("offset".into(), "2".into())], ..fault });
        folder.write(
            "x.json",
            &format!(
                r#"{{"client": {{"base_url": "{}"}}, "resource_defaults": {{"endpoint": {{"data_selector": "data",
                "paginator": {{"type": "offset", "limit": 2}}}}}},
                "resources": ["p", {{"name": "c", "endpoint": "/p/{{resources.p.id}}/c"}}]}}"#,
                server.base_url()
            ),
        );
        folder.run(&["run", "x.json", "--to", target]).expect(1);
        assert_eq!(server.count("/p/*/c"), 2);
        server.clear_faults();
        let ran = folder.run(&["run", "x.json", "--to", target]).expect(0);
        ran.says(&["going on where", "note: c: parent rows came twice"]);
        assert_eq!((server.count("/p/2/c"), server.count("/p/*/c")), (1, 3));
        let rows = match target {
            "jsonl:out" => folder.lines("out/c.jsonl").len(),
            _ => folder.count("x.db", "select count(*) from c") as usize,
        };
        assert_eq!(rows, 3);
        // Once it is complete, nothing of it is remembered.
        folder.run(&["run", "x.json", "--to", target]).expect(0);
        assert_eq!(server.count("/p/2/c"), 2);
    }
}

/// A child that is read alone between a broken run and the next one, tree by tree: whole runs count once each.
#[test]
fn a_child_alone_between_a_broken_run_and_the_next_doubles_no_parent() {
    for to in [To::Sqlite, To::Jsonl] {
        let it = Breaking::new(to, "append", 1);
        // The first tree is read whole, the parent of the second too; the last child breaks off.
        it.server.add_fault(Fault::new("/v1/projects/103/time", When::Always, Action::status(500)));
        it.folder.run(&it.args()).expect(4);
        it.mend();
        let alone = [&it.args()[..], &["--resource", "tasks"]].concat();
        it.folder.run(&alone).expect(0);
        it.folder.run(&alone).expect(0);
        it.folder.run(&it.args()).expect(0);
        assert_eq!(it.table("projects").len(), 3, "{to:?}");
        let time = sorted(it.table("time"));
        assert_eq!((time.len(), it.table("tasks").len()), (12, 45), "{to:?}");
    }
}
