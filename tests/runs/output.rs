//! What programs read: the result document against its schema, and progress as JSON lines.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use sanderling_demo::{Action, Fault, KEY, Options, Reply, Server, When, demo_config, start};
use serde_json::Value;

use crate::json_schema::breaches;
use crate::program::{Folder, Ran};

fn demo() -> (Server, Folder) {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    (server, folder)
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/run-result.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[track_caller]
fn valid(ran: &Ran) -> Value {
    let document =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", ran.stdout));
    let (schema, mut found) = (schema(), Vec::new());
    breaches(&document, &schema, &schema, "", &mut found);
    assert!(found.is_empty(), "{found:#?}\n{document:#}");
    assert_eq!(ran.code, document["exit_code"].as_i64().map(|code| code as i32));
    document
}

#[test]
fn the_schema_tells_what_is_wrong() {
    let schema = schema();
    let judge = |value: &Value| {
        let mut found = Vec::new();
        breaches(value, &schema, &schema, "", &mut found);
        found
    };
    let (_server, folder) = demo();
    let good = valid(&folder.run(&["run", "demo.yaml", "--json"]));
    type Spoil = fn(&mut Value);
    let cases: [(Spoil, &str); 6] = [
        (|it| it["version"] = 2.into(), "/version: 2 is not 1"),
        (|it| it["more"] = true.into(), ": `more` is not in the schema"),
        (|it| drop(it.as_object_mut().unwrap().remove("load_id")), ": \"load_id\" is missing"),
        (|it| it["resources"][1]["rows"] = (-1).into(), "/resources/1/rows: -1 is less than 0"),
        (|it| it["resources"][0]["status"] = "done".into(), "/resources/0/status: \"done\" is none of"),
        (|it| it["notices"][0]["hint"] = 3.into(), "/notices/0/hint: 3 is no"),
    ];
    for (spoil, expected) in cases {
        let mut document = good.clone();
        spoil(&mut document);
        let found = judge(&document);
        assert!(found.iter().any(|one| one.starts_with(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn every_kind_of_result_is_as_the_schema_says() {
    let (server, folder) = demo();
    folder.write("typo.yaml", "client: {}\nresourcs: []\n");
    folder.write("broken.json", "{");
    let run = |args: &[&str]| folder.run(&[&["run"], args, &["--json", "--progress", "none"]].concat());
    let complete = valid(&run(&["demo.yaml"]).expect(0));
    assert_eq!(
        (&complete["version"], &complete["sanderling"]),
        (&1.into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert!(!complete["notices"][0]["settles"].as_array().unwrap().is_empty(), "{complete:#}");
    valid(&run(&["demo.yaml", "--max-pages", "1", "--to", "sqlite:few.db"]).expect(0));
    server.add_fault(Fault::new("/v1/expenses", When::From(2), Action::status(404)));
    server.add_fault(Fault::new("/v1/projects/*", When::Nth(3), Action::Answer(Reply::status(403))));
    let failed = run(&["demo.yaml", "--to", "sqlite:failed.db"]);
    let failed = valid(&failed);
    let failure =
        failed["failures"].as_array().unwrap().iter().find(|one| one["resource"] == "expenses").unwrap();
    assert_eq!((&failure["status"], &failure["page"]), (&404.into(), &2.into()));
    for args in [
        &["typo.yaml"][..],
        &["broken.json"],
        &["none.yaml"],
        &["demo.yaml", "--resource", "x"],
        &["demo.yaml", "--nonsense"],
        &[],
    ] {
        let document = valid(&run(args).expect(2));
        assert_eq!(document["pipeline"], Value::Null, "{args:?}");
        assert_eq!(document["failures"].as_array().unwrap().len(), 1, "{args:?}");
    }
    folder.run(&["demo", "--json", "--progress", "none", "--qq"]).expect(2);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_has_a_result_too() {
    let (server, folder) = demo();
    let held = Reply::status(429).header("Retry-After", "100");
    server.add_fault(Fault::new("/v1/expenses", When::Nth(2), Action::Answer(held)));
    let args = ["run", "demo.yaml", "--resource", "expenses", "--json", "--progress", "json"];
    let mut child = folder.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let mut events = Vec::new();
    loop {
        let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        events.push(event.clone());
        if event["event"] == "waiting" {
            assert_eq!((&event["status"], &event["attempt"]), (&429.into(), &2.into()));
            let wait_ms = event["until_ms"].as_u64().unwrap() - event["time_ms"].as_u64().unwrap();
            // A wait ends behind the millisecond that has begun.
            assert!((90_000..=100_001).contains(&wait_ms), "{wait_ms}");
            break;
        }
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let rest: Vec<Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let ran = Ran::from(child.wait_with_output().unwrap());
    let document = valid(&ran);
    assert_eq!((ran.code, &document["interrupted"]), (Some(130), &true.into()));
    assert_eq!(document["resources"][0]["status"], "unfinished");
    let last = rest.last().unwrap();
    assert_eq!(
        (&last["event"], &last["exit_code"], &last["interrupted"]),
        (&"finished".into(), &130.into(), &true.into())
    );
}

#[test]
fn progress_as_json_is_one_object_a_line() {
    let (server, folder) = demo();
    server.add_fault(Fault::new("/v1/users", When::Always, Action::status(404)));
    let ran = folder.run(&["run", "demo.yaml", "--progress", "json", "-vv"]).expect(1);
    let events: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let described =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/output.md")).unwrap();
    let mut seen = BTreeSet::new();
    for event in &events {
        let name = event["event"].as_str().unwrap();
        seen.insert(name);
        assert!(event["time_ms"].as_u64() > Some(1_600_000_000_000), "{event}");
        let line = described.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).expect(name);
        let known = ["event", "time_ms", "resource"];
        for key in event.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())) {
            assert!(line.contains(&format!("`{key}`")) || name == "failure", "{name} {key}");
        }
    }
    let all = ["ended", "failure", "finished", "notice", "page", "progress", "request", "started"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
    let of = |name: &str, resource: &str| {
        events.iter().rfind(|event| event["event"] == name && event["resource"] == resource).unwrap()
    };
    let tasks = of("progress", "tasks");
    assert_eq!(
        (&tasks["rows"], &tasks["parents"]["done"], &tasks["parents"]["known"]),
        (&200.into(), &20.into(), &20.into())
    );
    assert_eq!(of("ended", "tasks")["status"], "complete");
    assert_eq!(of("ended", "users")["status"], "failed");
    assert_eq!(events.last().unwrap()["exit_code"], 1);
    assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);

    let quiet = folder.run(&["run", "demo.yaml", "--progress", "json", "-q", "--fresh"]).expect(1).stderr;
    let quiet: Vec<Value> = quiet.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        quiet.iter().map(|event| event["event"].as_str().unwrap()).collect::<Vec<_>>(),
        ["failure", "finished"]
    );
    let error = folder.run(&["run", "none.yaml", "--progress", "json"]).expect(2).stderr;
    let error: Value = serde_json::from_str(&error).unwrap();
    assert_eq!((&error["event"], &error["exit_code"]), (&"error".into(), &2.into()));
}

#[test]
fn rows_for_the_next_program() {
    let (_server, folder) = demo();
    folder.run(&["run", "demo.yaml", "--to", "jsonl:out", "--resource", "tasks"]).expect(0);
    let ran = folder.run(&["run", "demo.yaml", "--to", "-", "--resource", "tasks"]).expect(0);
    assert_eq!(ran.stdout, folder.read("out/tasks.jsonl"));
    assert!(ran.stdout.lines().count() > 1 && ran.stderr.contains("tasks"), "{}", ran.stderr);
    let again = folder.run(&["run", "demo.yaml", "--to", "-", "--resource", "tasks"]).expect(0);
    assert_eq!(again.stdout, ran.stdout);

    let several = folder.run(&["run", "demo.yaml", "--to", "-"]).expect(2);
    assert_eq!(several.stdout, "");
    assert!(several.stderr.contains("--resource "), "{}", several.stderr);
    for (option, value) in [("--json", None), ("--state", Some("s"))] {
        let args = ["run", "demo.yaml", "--to", "-", "--resource", "tasks", option];
        let args: Vec<&str> = args.into_iter().chain(value).collect();
        assert!(folder.run(&args).expect(2).stderr.contains(option));
    }
}

#[test]
fn a_reader_that_goes_away_is_told_of() {
    let (_server, folder) = demo();
    let mut command = folder.command(&["run", "demo.yaml", "--to", "-", "--resource", "tasks"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output"), "{said}");
}
