//! A small pipeline for looking at what a run tells of its database, and what it must not.

use sanderling_demo::{Options, Server, start};

use crate::postgres_server::PASSWORD;
use crate::program::Folder;

/// Three clients by two pages, into `to`, which may refer to the secret `db_password`; and the folder of the config.
pub(crate) fn demo(to: &str) -> (Server, Folder) {
    let demo = start(Options { clients: 3, ..Options::default() }).unwrap();
    let mut folder = Folder::new();
    folder.env("SANDERLING_SECRET_DB_PASSWORD", PASSWORD);
    let config = format!(
        r#"{{"name": "people", "to": "{to}", "client": {{"base_url": "{}"}},
            "resources": [{{"name": "clients", "primary_key": "id", "write_disposition": "merge",
                "endpoint": {{"path": "/v1/clients", "data_selector": "data",
                    "paginator": {{"type": "offset", "limit": 2}}}}}}]}}"#,
        demo.base_url()
    );
    folder.write("people.json", &config);
    (demo, folder)
}

/// Checks the pipeline, runs it twice, and looks at what it has left. `shown` is how its destination is named; the answer is what
/// the runs said.
pub(crate) fn run_and_look(folder: &Folder, shown: &str, rows: impl Fn() -> usize) -> String {
    let mut told = Vec::new();
    told.push(folder.run(&["check", "people.json"]).expect(0));
    told.push(folder.run(&["status", "people.json"]).expect(0));
    let mut said = String::new();
    for round in 0..2 {
        let ran = folder.run(&["run", "people.json", "--json"]).expect(0);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["destination"], shown);
        assert_eq!(rows(), 3, "round {round}");
        said.push_str(&ran.stderr);
        told.push(ran);
    }
    let status = folder.run(&["status", "people.json"]).expect(0);
    assert!(status.stdout.contains("clients") && status.stdout.contains(shown), "{}", status.stdout);
    let state = folder.run(&["state", "show", "people.json", "--json"]).expect(0);
    assert!(state.stdout.contains("complete"), "{}", state.stdout);
    told.extend([status, state]);
    told.push(folder.run(&["state", "reset", "people.json"]).expect(0));
    told.push(folder.run(&["run", "people.json"]).expect(0));
    assert_eq!(rows(), 3);
    for ran in told {
        let all = ran.stdout + &ran.stderr;
        assert!(!all.contains(PASSWORD) && !all.contains("p%40ss"), "{all}");
    }
    said
}
