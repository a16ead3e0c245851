//! The command line: usage, the result document, what is shown, what each option does and leaves undone.

use std::collections::BTreeSet;
use std::process::Stdio;

use sanderling_demo::{KEY, Options, Reply, Server, demo_config, start};
use serde_json::Value;

use crate::program::{Folder, Ran};

/// A small API of projects and tasks, and a folder with `demo.yaml` for it.
fn demo() -> (Server, Folder) {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    (server, folder)
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", ran.stdout))
}

#[test]
fn the_version_is_that_of_the_package() {
    let ran = Folder::new().run(&["--version"]).expect(0);
    assert_eq!(ran.stdout, concat!("sanderling ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    for (args, words) in [
        (&[][..], "Usage: sanderling [OPTIONS] <COMMAND>"),
        (&["rum", "c.yaml"], "a similar subcommand exists: 'run'"),
        (&["run"], "<CONFIG>"),
        (&["run", "c.yaml", "--prgress", "bar"], "a similar argument exists: '--progress'"),
        (&["run", "c.yaml", "--progress", "loud"], "[possible values: auto, bar, plain, json, none]"),
        (&["run", "c.yaml", "--colr", "never"], "a similar argument exists: '--color'"),
        (&["--quite", "run", "c.yaml"], "a similar argument exists: '--quiet'"),
        (&["run", "c.yaml", "--max-pages", "0"], "invalid value '0' for '--max-pages <N>'"),
        (&["run", "c.yaml", "--to"], "a value is required for '--to <TARGET>'"),
        (&["check", "c.yaml", "--to", "sqlite:x"], "unexpected argument '--to'"),
        (&["demo", "serve", "--port", "99999"], "invalid value '99999' for '--port <PORT>'"),
    ] {
        let ran = Folder::new().run(args).expect(2).says(&[words]);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}

#[test]
fn json_is_one_document_of_the_same_keys_whatever_happens() {
    let (server, folder) = demo();
    let bad = start(Options::default()).unwrap();
    bad.set_route("/v1/*", |_| Reply::status(404));
    folder.write("bad.yaml", &demo_config(&bad.base_url()));
    folder.write("typo.yaml", "client: {}\nresourcs: []\n");
    folder.write("locked.db", "no database");
    let cases: [(&[&str], i32, &str); 8] = [
        (&["run", "demo.yaml", "--json"], 0, ""),
        (&["run", "demo.yaml", "--json", "--progress", "bar"], 0, ""),
        (&["run", "bad.yaml", "--json", "--to", "sqlite:bad.db"], 1, "the API answered 404 (not found)"),
        (&["run", "typo.yaml", "--json"], 2, "the config has 3 problems"),
        (&["run", "none.yaml", "--json"], 2, "none.yaml cannot be read: there is no such file"),
        (&["run", "demo.yaml", "--json", "--to", "sqlite:locked.db"], 2, "locked.db: the file is not"),
        (&["run", "demo.yaml", "--json", "--resource", "user"], 2, "no resource is called `user`"),
        (&["run", "demo.yaml", "--json", "--prgress"], 2, "unexpected argument '--prgress' found"),
    ];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    let mut shapes = BTreeSet::new();
    let mut failure_shapes = BTreeSet::new();
    for (args, code, message) in cases {
        let ran = folder.run(args).expect(code);
        let document = document(&ran);
        assert_eq!(document["exit_code"], code, "{args:?}");
        let failures = document["failures"].as_array().unwrap();
        assert_eq!(failures.is_empty(), code == 0);
        for failure in failures {
            assert!(failure["message"].as_str().unwrap().starts_with(message), "{failure:#}");
            failure_shapes.insert(keys(failure));
        }
        shapes.insert(keys(&document));
    }
    assert_eq!((shapes.len(), failure_shapes.len()), (1, 1), "{shapes:?}\n{failure_shapes:?}");
    let ran = folder.run(&["run", "demo.yaml", "--json"]).expect(0);
    let document = document(&ran);
    assert_eq!(document["destination"], "sqlite:demo.db");
    assert_eq!(document["resources"][0]["name"], "projects");
    assert_eq!(document["resources"][0]["rows"], 20);
    assert_eq!(document["notices"].as_array().unwrap().len(), 1);
    drop(server);
}

#[test]
fn progress_is_shown_as_asked_and_notices_always() {
    let (_server, folder) = demo();
    for (how, lines) in [("auto", true), ("plain", true), ("bar", true), ("none", false)] {
        let ran = folder.run(&["run", "demo.yaml", "--progress", how]).expect(0);
        assert_eq!(ran.stderr.contains("projects: 20 of 20 rows, 1 page\n"), lines, "{how}:\n{}", ran.stderr);
        assert_eq!(ran.stderr.contains("users: complete, 8 rows\n"), lines, "{how}:\n{}", ran.stderr);
        // Where bars cannot be shown, lines are; and what must be known is told in any case.
        let ran = ran.says(&["note: `{parent_id}` in the path of `tasks`", "look at it: sqlite3 demo.db"]);
        assert!(!ran.stderr.contains('\x1b') && ran.stdout.is_empty(), "{how}:\n{}", ran.stderr);
    }
}

#[test]
fn max_pages_stops_cleanly_and_says_so() {
    let (server, folder) = demo();
    let args = ["run", "demo.yaml", "--max-pages", "2", "--resource", "time_entries"];
    folder
        .run(&args)
        .expect(0)
        .says(&["note: time_entries: stopped at --max-pages 2; there may be more rows"]);
    assert_eq!(folder.count("demo.db", "select count(*) from time_entries"), 200);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn state_of_files_goes_where_it_is_told() {
    let (_server, folder) = demo();
    folder.run(&["run", "demo.yaml", "--to", "jsonl:out", "--state", "kept"]).expect(0);
    assert!(folder.path("kept").is_dir() && !folder.path("out/.sanderling").exists());
    folder.run(&["run", "demo.yaml", "--to", "jsonl:out"]).expect(0);
    assert!(folder.path("out/.sanderling").is_dir());
    folder.run(&["run", "demo.yaml", "--state", "kept"]).expect(2).says(&["--state would do nothing"]);
}

#[test]
fn a_child_alone_is_read_by_its_parent_which_is_not_written() {
    let (server, folder) = demo();
    let ran = folder.run(&["run", "demo.yaml", "--resource", "tasks", "--json"]).expect(0);
    assert_eq!(folder.count("demo.db", "select count(*) from tasks"), 200);
    let tables = "select count(*) from sqlite_master where type = 'table' and name = 'projects'";
    assert_eq!(folder.count("demo.db", tables), 0);
    assert_eq!((server.count("/v1/projects"), server.requests().len()), (1, 21));
    let document = document(&ran);
    let written: Vec<(&str, bool)> = document["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| (resource["name"].as_str().unwrap(), resource["written"].as_bool().unwrap()))
        .collect();
    assert_eq!(written, [("projects", false), ("tasks", true)]);
}

#[test]
fn allow_opens_another_origin_on_the_line_or_in_the_config() {
    let (server, files) = (start(Options::default()).unwrap(), start(Options::default()).unwrap());
    files.set_route("/x", |_| Reply::json(200, r#"[{"id":1}]"#));
    let elsewhere = format!("{}/x", files.base_url());
    server.set_route("/x", move |_| Reply::status(302).header("Location", &elsewhere));
    let folder = Folder::new();
    let config = format!("client: {{base_url: \"{}\"}}\nresources: [x]\n", server.base_url());
    folder.write("c.yaml", &config);
    let line = format!("allow: [\"{}\"]", files.base_url());
    folder.run(&["run", "c.yaml"]).expect(2).says(&[&line]);
    assert_eq!(files.requests().len(), 0);
    folder.run(&["run", "c.yaml", "--allow", &files.base_url()]).expect(0);
    assert_eq!(files.requests().len(), 1);
    folder.write("c.yaml", &format!("{config}{line}\n"));
    folder.run(&["run", "c.yaml"]).expect(0);
    assert_eq!(files.requests().len(), 2);
}

#[test]
fn the_database_is_named_by_the_config_or_its_file() {
    let server = start(Options::default()).unwrap();
    let source = format!("client: {{base_url: \"{}\"}}\nresources: [v1/users]\n", server.base_url());
    for (config, database) in [
        (source.clone(), "my.api.db"),
        (format!("name: pipeline\n{source}"), "pipeline.db"),
        (format!("name: pipeline\nto: sqlite:data/out.db\n{source}"), "data/out.db"),
        (format!("to: jsonl:rows\n{source}"), "rows"),
    ] {
        let folder = Folder::new();
        folder.write("my.api.yaml", &config);
        folder.run(&["run", "my.api.yaml"]).expect(0);
        assert!(folder.path(database).exists(), "{database}: {:?}", folder.names());
        let to = folder.run(&["run", "my.api.yaml", "--to", "sqlite:flag.db"]).expect(0);
        to.says(&["sqlite3 flag.db"]);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let (_server, folder) = demo();
    let gone = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let run = ["run", "demo.yaml", "--json"];
    // Who waits for the document does not get it, which is no success.
    let ran = Ran::from(folder.command(&run).stdout(gone()).output().unwrap());
    ran.expect(1).says(&["error: all is read, but the result cannot be printed on stdout: Broken pipe\n"]);
    let ran = Ran::from(folder.command(&run).stderr(gone()).output().unwrap()).expect(0);
    assert_eq!(document(&ran)["exit_code"], 0);
    let ran = Ran::from(folder.command(&run).stdout(gone()).stderr(gone()).output().unwrap());
    assert_eq!(ran.code, Some(1));
    for args in [&["--help"][..], &["check", "demo.yaml"], &["check", "none.yaml"], &["nonsense"]] {
        let ran = Ran::from(folder.command(args).stdout(gone()).stderr(gone()).output().unwrap());
        assert_ne!(ran.code, Some(101), "{args:?}");
    }
    assert_eq!(folder.count("demo.db", "select count(*) from time_entries"), 2_500);
}
