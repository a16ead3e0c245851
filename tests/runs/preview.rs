//! `preview`: the first rows of a resource.

use std::process::Stdio;

use insta::assert_snapshot;
use sanderling_demo::{Action, Fault, KEY, Options, Reply, Server, When, demo_config, start};

use crate::program::{Folder, Ran};

fn demo(options: Options) -> (Server, Folder) {
    let server = start(Options { key: Some(KEY.into()), ..options }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    (server, folder)
}

#[test]
fn in_a_pipe_rows_are_the_lines_that_a_run_would_write() {
    let (server, folder) = demo(Options::default());
    folder.run(&["run", "demo.yaml", "--to", "jsonl:out"]).expect(0);
    let written = |resource: &str| folder.lines(&format!("out/{resource}.jsonl"));
    server.clear_log();
    for (resource, rows, asked) in
        [("users", 8, 1), ("users", 3, 1), ("time_entries", 150, 2), ("tasks", 25, 4), ("tasks", 10, 2)]
    {
        let ran = folder.run(&["preview", "demo.yaml", resource, "-n", &rows.to_string()]).expect(0);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!(lines, written(resource)[..rows], "{resource}");
        assert_eq!(server.requests().len(), asked, "{resource} {rows}");
        server.clear_log();
    }
    let ran = folder.run(&["preview", "demo.yaml", "users", "-q"]).expect(0);
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (8, ""));
    assert_eq!(folder.names(), ["demo.yaml", "out"], "nothing is written");
}

#[test]
fn what_cannot_be_shown_is_told() {
    let (server, folder) = demo(Options::default());
    let ran = folder.run(&["preview", "demo.yaml", "task", "-q"]).expect(2);
    assert_snapshot!(ran.stderr, @r"
    error: no resource is called `task`
    hint: did you mean `tasks`?
    hint: the config has projects, tasks, time_entries, expenses, clients, users
    ");
    folder.run(&["preview", "demo.yaml", "users", "-n", "0"]).expect(2).says(&["invalid value '0'"]);
    folder.run(&["preview", "demo.yaml"]).expect(2).says(&["<RESOURCE>"]);
    assert_eq!(server.requests().len(), 0);

    // What was read before a failure is shown.
    server.add_fault(Fault::new("/v1/time_entries", When::Nth(2), Action::status(503)));
    let ran = folder.run(&["preview", "demo.yaml", "time_entries", "-n", "150"]).expect(4);
    assert_eq!(ran.stdout.lines().count(), 100);
    ran.says(&["error: time_entries, page 2: the API answered 503"]);
    server.add_fault(Fault::new("/v1/projects", When::Always, Action::status(401)));
    folder
        .run(&["preview", "demo.yaml", "tasks"])
        .expect(3)
        .says(&["error: projects, page 1: the API refuses"]);
}

#[test]
fn parents_without_rows_are_passed_over() {
    let (server, folder) = demo(Options::default());
    server.set_route("/v1/projects/*/tasks", |request| match request.path.as_str() {
        "/v1/projects/103/tasks" => Reply::status(404),
        "/v1/projects/105/tasks" => Reply::json(200, r#"{"data":[{"id":1}],"total":1}"#),
        _ => Reply::json(200, r#"{"data":[],"total":0}"#),
    });
    let ran = folder.run(&["preview", "demo.yaml", "tasks", "-n", "1"]).expect(0);
    assert_eq!(ran.stdout, "{\"id\":1,\"_projects_id\":105}\n");
    let ran = folder.run(&["preview", "demo.yaml", "tasks", "-n", "2"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 1);
    server.set_route("/v1/users", |_| Reply::json(200, r#"{"data":[],"total":0}"#));
    let ran = folder.run(&["preview", "demo.yaml", "users"]).expect(0);
    assert_snapshot!(ran.stderr.lines().last().unwrap(), @"users: there are no rows");
}

#[test]
fn after_many_pages_without_rows_no_more_are_asked_for() {
    let server = start(Options::default()).unwrap();
    let parents: Vec<String> = (0..60).map(|id| format!("{{\"id\":{id}}}")).collect();
    let parents = format!("[{}]", parents.join(","));
    server.set_route("/p", move |_| Reply::json(200, parents.clone()));
    server.set_route("/p/*/c", |_| Reply::json(200, "[]"));
    let folder = Folder::new();
    let resources = "{p: {endpoint: {path: p, paginator: single_page, data_selector: $}}, \
         c: {endpoint: {path: \"p/{resources.p.id}/c\", paginator: single_page, data_selector: $}}}";
    folder.write(
        "c.yaml",
        &format!("client: {{base_url: \"{}\"}}\nresources: {resources}\n", server.base_url()),
    );
    let ran = folder.run(&["preview", "c.yaml", "c"]).expect(0);
    assert_snapshot!(ran.stderr, @"c: no more rows in 50 pages, and not looked further");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let (_server, folder) = demo(Options::default());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let args = ["preview", "demo.yaml", "time_entries", "-n", "2000"];
    let ran = Ran::from(folder.command(&args).stdout(Stdio::from(writer)).output().unwrap());
    ran.expect(0);
}

#[test]
fn keys_that_an_api_echoes_are_not_shown() {
    let (_server, folder) = demo(Options { echo_key: true, ..Options::default() });
    for resource in ["users", "tasks"] {
        let ran = folder.run(&["preview", "demo.yaml", resource, "-v"]).expect(0);
        assert!(ran.stdout.contains("${secrets.api_key}"), "{}", ran.stdout);
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{}{}", ran.stdout, ran.stderr);
    }
}
