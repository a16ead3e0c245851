//! `status`, `state show` and `state reset`: what checkpoints say, without a request.

use std::process::Stdio;

use sanderling_demo::{Action, Fault, Reply, When};
use serde_json::Value;

use crate::breaking::{Breaking, DISPOSITIONS, To};
use crate::program::{Folder, Ran};

/// The config, where its rows go, and how a command is told both.
fn told<'a>(it: &Breaking, command: &[&'a str]) -> Vec<&'a str> {
    let to = if it.args()[3] == "jsonl:out" { "jsonl:out" } else { "sqlite:out.db" };
    [command, &["broken.json", "--to", to]].concat()
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// What a next run would do, by resource.
fn next(it: &Breaking) -> Vec<(String, String)> {
    let ran = it.folder.run(&[&told(it, &["status"])[..], &["--json"]].concat()).expect(0);
    let document = document(&ran);
    let resources = document["pipelines"][0]["resources"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    resources.iter().map(|resource| (text(&resource["name"]), text(&resource["next"]))).collect()
}

/// Its lines with the parts that every run has of its own taken out.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        while let Some(at) = line.find(" UTC (") {
            let end = line[at..].find(" ago)").unwrap() + at + 5;
            line.replace_range(at - 16..end, "[AGO]");
        }
        masked.push_str(&line.split_whitespace().collect::<Vec<_>>().join(" "));
        masked.push('\n');
    }
    masked
}

#[test]
fn where_a_pipeline_stands_before_while_and_after() {
    for to in [To::Sqlite, To::Jsonl] {
        let it = Breaking::new(to, "append", 1);
        let asked = |nexts: [&str; 5]| -> Vec<(String, String)> {
            crate::breaking::TABLES
                .iter()
                .zip(nexts)
                .map(|(name, next)| ((*name).into(), next.into()))
                .collect()
        };
        assert_eq!(next(&it), asked(["first"; 5]));
        assert_eq!(it.folder.names(), ["broken.json"], "looking makes nothing");
        it.server.add_fault(Fault::new("/v1/projects/102/time", When::Always, Action::status(500)));
        it.folder.run(&it.args()).expect(4);
        it.mend();
        assert_eq!(next(&it), asked(["done", "done", "done", "goes_on", "done"]));
        let ran = it.folder.run(&told(&it, &["status"])).expect(0);
        let place = if to == To::Sqlite { "sqlite:out.db" } else { "jsonl:out" };
        let expected = format!(
            "broken in {place}
resource last complete rows API's total next run
clients [AGO] 3 3 leaves it: what broke off goes on
projects [AGO] 3 3 leaves it: what broke off goes on
tasks [AGO] 15 15 leaves it: what broke off goes on
time never 8 - goes on where it broke off, 1 page known to be left; with --retry-failed just 1 parent broke off at 8 rows, 1 parent failed
expenses [AGO] 3 3 leaves it: what broke off goes on
"
        );
        assert_eq!(masked(&ran.stdout), expected);
        assert!(ran.stdout.lines().all(|line| line.trim_end() == line) && ran.stderr.is_empty(), "{ran:?}");
        assert_eq!(it.server.requests().len(), 0);
        // Another config, then none that opens.
        let config = it.folder.read("broken.json");
        it.folder.write("broken.json", &config.replace("\"limit\": 2", "\"limit\": 3"));
        assert_eq!(next(&it), asked(["anew", "again", "again", "again", "anew"]));
        it.folder.write("broken.json", "{\"client\": 1}");
        let ran = it.folder.run(&told(&it, &["status"])).expect(0).says(&["the config has"]);
        assert!(ran.stdout.contains("goes on or starts again, as the config says"), "{}", ran.stdout);
        it.folder.write("broken.json", &config);
        it.folder.run(&it.args()).expect(0);
        assert_eq!(next(&it), asked(["anew"; 5]));
        // A load that breaks off does not hide the one before it.
        it.server.add_fault(Fault::new("/v1/clients", When::Always, Action::status(500)));
        it.folder.run(&it.args()).expect(4);
        let ran = it.folder.run(&told(&it, &["status"])).expect(0);
        assert!(
            masked(&ran.stdout).contains("clients [AGO] 3 3 goes on where it broke off"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn what_is_said_of_limits_and_of_resources_that_are_gone() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    let limited = it.folder.run(&[&it.args()[..], &["--max-pages", "1", "--json"]].concat()).expect(0);
    let limited = limited.says(&["clients: stopped at --max-pages 1, 2 rows"]);
    let resources = document(&limited)["resources"].clone();
    assert_eq!(
        (&resources[0]["status"], &resources[0]["limit"]),
        (&"limited".into(), &"--max-pages 1".into())
    );
    let ran = it.folder.run(&told(&it, &["status"])).expect(0);
    assert!(
        masked(&ran.stdout).contains("clients [AGO] 2 3 reads it anew stopped at --max-pages 1"),
        "{}",
        ran.stdout
    );
    let config = it.folder.read("broken.json");
    it.folder.write("broken.json", &config.replace(",\n    \"expenses\": \"/v1/expenses\"", ""));
    let gone = next(&it).pop().unwrap();
    assert_eq!(gone, ("expenses".to_owned(), "gone".to_owned()));
}

#[test]
fn every_pipeline_below_a_folder_or_in_a_target() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    it.folder.run(&["status"]).expect(0).says(&["no run has left anything"]);
    it.folder
        .run(&["status", "--to", "sqlite:none.db"])
        .expect(0)
        .says(&["nothing has been loaded into sqlite:none.db"]);
    let config = it.folder.read("broken.json");
    it.folder.write("other.json", &config.replace("\"broken\"", "\"other\"").replace("clients", "people"));
    it.folder.run(&["run", "broken.json", "--to", "sqlite:out.db", "--resource", "clients"]).expect(0);
    it.folder.run(&["run", "other.json", "--to", "sqlite:out.db", "--resource", "expenses"]).expect(0);
    it.folder.run(&["run", "other.json", "--to", "jsonl:deep/down", "--resource", "expenses"]).expect(0);
    it.folder.write("notes.db", "no database");
    let heads = |args: &[&str]| -> Vec<String> {
        let ran = it.folder.run(args).expect(0);
        ran.stdout.lines().filter(|line| line.contains(" in ")).map(str::to_owned).collect()
    };
    let both = ["broken in sqlite:out.db", "other in sqlite:out.db"];
    let all = ["other in jsonl:deep/down", both[0], both[1]];
    assert_eq!(heads(&["status"]), all);
    assert_eq!(heads(&["status", "--all"]), all);
    assert_eq!(heads(&["status", "--to", "sqlite:out.db"]), both);
    assert_eq!(heads(&["status", "broken.json", "--to", "sqlite:out.db"]), both[..1]);
    assert_eq!(heads(&["status", "broken.json", "--to", "sqlite:out.db", "--all"]), both);
}

/// DuckDB's driver is found where drivers are installed: nothing below a folder says where else it could be.
#[test]
fn duckdb_files_are_found_with_all_their_schemas() {
    let Some(library) = crate::duckdb::library() else { return };
    let mut it = Breaking::new(To::Sqlite, "append", 1);
    let manifest = format!("[Driver]\nentrypoint = 'duckdb_adbc_init'\nshared = '{}'\n", library.display());
    it.folder.write("drivers/duckdb.toml", &manifest);
    for to in ["duckdb:all.duckdb", "duckdb:deep/all.db?schema=one", "duckdb:deep/all.db?schema=two"] {
        let mark = if to.contains('?') { '&' } else { '?' };
        let to = format!("{to}{mark}driver={}", library.display());
        it.folder.run(&["run", "broken.json", "--to", &to, "--resource", "clients"]).expect(0);
    }
    // Without a driver the reason is told, and what can be read is shown.
    it.folder.run(&["run", "broken.json", "--to", "sqlite:out.db", "--resource", "clients"]).expect(0);
    let heads = |ran: &Ran| -> Vec<String> {
        ran.stdout.lines().filter(|line| line.contains(" in ")).map(str::to_owned).collect()
    };
    let ran = it.folder.run(&["status"]).expect(0).says(&["dbc install duckdb"]);
    assert_eq!(heads(&ran), ["broken in sqlite:out.db"]);
    it.folder.env("ADBC_DRIVER_PATH", it.folder.path("drivers").to_str().unwrap());
    let ran = it.folder.run(&["status"]).expect(0);
    let all = [
        "broken in duckdb:all.duckdb",
        "broken in duckdb:deep/all.db?schema=one",
        "broken in duckdb:deep/all.db?schema=two",
        "broken in sqlite:out.db",
    ];
    assert_eq!(heads(&ran), all, "{}", ran.stderr);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_run_that_is_under_way_is_looked_at() {
    for to in [To::Sqlite, To::Jsonl] {
        let it = Breaking::new(to, "append", 1);
        it.server.add_fault(Fault::new("/v1/expenses", When::Always, Action::Hang));
        let mut run = it.folder.command(&it.args()).stderr(Stdio::null()).spawn().unwrap();
        while it.server.count("/v1/expenses") == 0 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        // A commit comes once a second; until then there may be nothing to see.
        let seen = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            next(&it)[0].1 == "done"
        });
        it.folder
            .run(&[&told(&it, &["state", "reset"])[..]].concat())
            .expect(4)
            .says(&["in use by another run"]);
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(seen, "{to:?}");
    }
}

#[test]
fn what_is_remembered_is_shown_without_secrets() {
    let key = "the-very-secret-key-0123456789";
    let mut folder = Folder::new();
    folder.env("SANDERLING_SECRET_API_KEY", key);
    let it = Breaking::new(To::Sqlite, "append", 1);
    // The API echoes the key in the parent's row, which is in the child's bindings.
    it.server.set_route("/p", move |_| {
        Reply::json(200, format!("{{\"data\":[{{\"id\":\"{key}\"}}],\"total\":1}}"))
    });
    it.server.set_route("/p/*", |_| Reply::status(500));
    folder.write(
        "s.json",
        &format!(
            r#"{{"client": {{"base_url": "{}", "auth": {{"type": "bearer", "token": "${{secrets.api_key}}"}}}},
            "resource_defaults": {{"endpoint": {{"data_selector": "data", "paginator": {{"type": "offset", "limit": 1}},
            "error_handler": {{"max_retries": 0}}}}}}, "resources": ["p", {{"name": "c", "endpoint": "/p/{{resources.p.id}}"}}]}}"#,
            it.server.base_url()
        ),
    );
    folder.run(&["run", "s.json"]).expect(2);
    for args in [&["state", "show", "s.json"][..], &["state", "show", "--to", "sqlite:s.db", "--json"]] {
        let ran = folder.run(args).expect(0);
        assert!(ran.stdout.contains("${secrets.api_key}") && !ran.stdout.contains(key), "{}", ran.stdout);
        assert!(ran.stdout.contains("pending") || ran.stdout.contains("still to be read"), "{}", ran.stdout);
    }
    let ran = folder.run(&["state", "show", "s.json", "--json"]).expect(0);
    let shown = &document(&ran)["pipelines"][0];
    assert_eq!((&shown["pending_pages"], &shown["pending"][0]["failed"]), (&1.into(), &true.into()));
    assert_eq!(shown["loads"]["c"]["status"], "unfinished");
}

#[test]
fn a_reset_takes_back_what_is_half_written_and_the_next_run_reads_anew() {
    for (to, disposition) in
        [To::Sqlite, To::Jsonl].into_iter().flat_map(|to| DISPOSITIONS.map(|how| (to, how)))
    {
        let it = Breaking::new(to, disposition, 1);
        it.server.add_fault(Fault::new("/v1/projects/102/time", When::Always, Action::status(500)));
        it.folder.run(&it.args()).expect(4);
        it.mend();
        let reset = told(&it, &["state", "reset"]);
        it.folder
            .run(&[&reset[..], &["--resource", "tim"]].concat())
            .expect(2)
            .says(&["did you mean `time`?"]);
        it.folder.run(&[&reset[..], &["--resource", "time"]].concat()).expect(0).says(&[
            "time: forgotten: its last load was not finished; 8 rows were taken back",
            "the next run reads from the start",
        ]);
        if disposition == "append" {
            assert_eq!(it.table("time").len(), 0);
        }
        assert_eq!(it.table("tasks").len(), 15);
        it.folder.run(&it.args()).expect(0);
        assert_eq!(it.table("time").len(), 12, "{to:?} {disposition}");
        // All of it.
        it.folder
            .run(&reset)
            .expect(0)
            .says(&["clients: forgotten: its last load was complete; 3 rows stay"]);
        it.folder.run(&reset).expect(0).says(&["nothing is remembered of broken"]);
        let rows = it.table("clients").len();
        it.folder.run(&it.args()).expect(0);
        let twice = if disposition == "append" { rows + 3 } else { 3 };
        assert_eq!(it.table("clients").len(), twice);
    }
    let folder = Folder::new();
    folder.run(&["state", "reset"]).expect(2).says(&["it is not clear which pipeline is meant", "--to"]);
}

/// A parent that is reset while its child is half-read: the child starts again with it.
#[test]
fn a_tree_that_is_reset_in_part_starts_again() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    it.server.add_fault(Fault::new("/v1/projects/102/time", When::Always, Action::status(500)));
    it.folder.run(&it.args()).expect(4);
    it.mend();
    it.folder.run(&[&told(&it, &["state", "reset"])[..], &["--resource", "projects"]].concat()).expect(0);
    let ran = it.folder.run(&it.args()).expect(0);
    ran.says(&["projects: the last run broke off and is started again: a part of its state has been reset"]);
    assert_eq!((it.table("time").len(), it.table("tasks").len()), (12, 15));
}
