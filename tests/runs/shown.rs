//! How much is shown, and in which colours.

use insta::assert_snapshot;
use sanderling_demo::{KEY, Options, Server, demo_config, start};

use crate::program::Folder;

fn demo() -> (Server, Folder) {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    (server, folder)
}

/// The text without what differs from run to run.
fn settled(text: &str, server: &Server) -> String {
    let text = text.replace(&server.base_url(), "http://[DEMO]");
    let ms = |line: &str| match line.rsplit_once(", ") {
        Some((before, ms)) if ms.ends_with(" ms") => format!("{before}, [MS]"),
        _ => line.to_owned(),
    };
    // The table of the result has times.
    text.lines().filter(|line| !line.starts_with(' ')).map(ms).collect::<Vec<_>>().join("\n")
}

#[test]
fn verbose_shows_requests_and_twice_shows_pages() {
    let (server, folder) = demo();
    // One request after the other, so that they end in their order.
    folder.write("demo.yaml", &(demo_config(&server.base_url()) + "limits: {concurrency: 1}\n"));
    let run = |flags: &[&str]| {
        let args = [&["run", "demo.yaml", "--resource", "expenses", "--progress", "none", "--fresh"], flags]
            .concat();
        settled(&folder.run(&args).expect(0).stderr, &server)
    };
    assert!(!run(&[]).contains("GET"), "{}", run(&[]));
    assert_snapshot!(run(&["-v"]), @r#"
    note: `{parent_id}` in the path of `tasks` is taken to be `id` of `projects`; its rows carry it as `_projects_id`
    hint: in demo.yaml:20 write `tasks: {endpoint: "/v1/projects/{resources.projects.id}/tasks", include_from_parent: [id]}`
    expenses: GET http://[DEMO]/v1/expenses?offset=0&limit=100&api_key=*** -> 200, 30655 bytes, [MS]
    expenses: GET http://[DEMO]/v1/expenses?offset=100&limit=100&api_key=*** -> 200, 30790 bytes, [MS]
    expenses: GET http://[DEMO]/v1/expenses?offset=200&limit=100&api_key=*** -> 200, 30793 bytes, [MS]
    expenses: GET http://[DEMO]/v1/expenses?offset=300&limit=100&api_key=*** -> 200, 12339 bytes, [MS]
    look at it: sqlite3 demo.db 'select * from "expenses" limit 5'
    "#);
    assert_snapshot!(run(&["--max-pages", "2", "-vv"]), @r#"
    note: `{parent_id}` in the path of `tasks` is taken to be `id` of `projects`; its rows carry it as `_projects_id`
    hint: in demo.yaml:20 write `tasks: {endpoint: "/v1/projects/{resources.projects.id}/tasks", include_from_parent: [id]}`
    expenses: GET http://[DEMO]/v1/expenses?offset=0&limit=100&api_key=*** -> 200, 30655 bytes, [MS]
    expenses: page at the start: 100 rows came, 100 kept, then 3 more pages
    expenses: GET http://[DEMO]/v1/expenses?offset=100&limit=100&api_key=*** -> 200, 30790 bytes, [MS]
    expenses: page at {"o":100,"e":200,"t":340}: 100 rows came, 100 kept, then the end
    note: expenses: stopped at --max-pages 2; there may be more rows
    look at it: sqlite3 demo.db 'select * from "expenses" limit 5'
    "#);
}

#[test]
fn quiet_shows_the_result_and_twice_nothing() {
    let (_server, folder) = demo();
    let ran = folder.run(&["-q", "run", "demo.yaml"]).expect(0);
    assert!(!ran.stderr.contains("note:") && !ran.stderr.contains("projects: "), "{}", ran.stderr);
    assert!(ran.stderr.trim_start().starts_with("resource "), "{}", ran.stderr);
    let ran = folder.run(&["run", "demo.yaml", "-qq"]).expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = folder.run(&["run", "demo.yaml", "-qq", "--json"]).expect(0);
    assert!(ran.stdout.starts_with('{') && ran.stderr.is_empty());
    folder.run(&["run", "none.yaml", "-q"]).expect(2).says(&["error: none.yaml"]);
    let ran = folder.run(&["run", "none.yaml", "-qq"]).expect(2);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = folder.run(&["check", "demo.yaml", "-q"]).expect(0);
    assert!(!ran.stderr.contains("note:"), "{}", ran.stderr);
}

#[test]
fn colors_mark_errors_hints_and_the_place_in_the_config() {
    let (_server, folder) = demo();
    folder.write("typo.yaml", "client: {base_url: 'https://a.example'}\nresourcs: [x]\n");
    let shown = |args: &[&str]| folder.run(args).stderr.replace('\u{1b}', "␛");
    assert_snapshot!(shown(&["check", "typo.yaml", "--color", "always"]), @r"
    ␛[1m␛[31merror:␛[0m the config has 2 problems
      ␛[1m␛[91merror␛[0m␛[1m: `resources` is missing␛[0m
       ␛[1m␛[94m--> ␛[0mtypo.yaml:1:1
        ␛[1m␛[94m|␛[0m
      ␛[1m␛[94m1␛[0m ␛[1m␛[94m|␛[0m client: {base_url: 'https://a.example'}
        ␛[1m␛[94m|␛[0m ␛[1m␛[91m^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^␛[0m
        ␛[1m␛[94m|␛[0m
        ␛[1m␛[94m= ␛[0m␛[1mhint␛[0m: resources: [posts]
      
      ␛[1m␛[91merror␛[0m␛[1m: unknown key `resourcs` in the config␛[0m
       ␛[1m␛[94m--> ␛[0mtypo.yaml:2:1
        ␛[1m␛[94m|␛[0m
      ␛[1m␛[94m2␛[0m ␛[1m␛[94m|␛[0m resourcs: [x]
        ␛[1m␛[94m|␛[0m ␛[1m␛[91m^^^^^^^^␛[0m
        ␛[1m␛[94m|␛[0m
        ␛[1m␛[94m= ␛[0m␛[1mhint␛[0m: did you mean `resources`?
    ");
    assert_snapshot!(shown(&["run", "nosuch.yaml", "--color", "always"]), @r"
    ␛[1m␛[31merror:␛[0m nosuch.yaml cannot be read: there is no such file
    ");
    let table =
        shown(&["run", "demo.yaml", "--resource", "users", "--color", "always", "--progress", "none"]);
    assert!(table.contains("␛[1m resource  rows"), "{table}");
    for args in [&["check", "typo.yaml"][..], &["run", "demo.yaml", "--color", "auto"]] {
        assert!(!shown(args).contains('␛'), "{}", shown(args));
    }
}

/// A config cannot steer the terminal that shows what is wrong with it.
#[test]
fn what_a_config_says_is_harmless_in_color_too() {
    let folder = Folder::new();
    folder.write(
        "bad.json",
        "{\"\\u001b[2Jx\": 1, \"client\": \"\u{9b}2J\", \"limits\": {\"\\u001b[31mred\": 1}}",
    );
    let shown = folder.run(&["check", "bad.json", "--color", "always"]).expect(2).stderr;
    assert!(!shown.contains("\u{1b}[2J") && !shown.contains('\u{9b}'), "{shown:?}");
    assert!(!shown.contains("\u{1b}[31mred"), "{shown:?}");
}

#[test]
fn a_config_that_is_not_named_is_looked_for() {
    let folder = Folder::new();
    let said = |args: &[&str]| folder.run(args).expect(2).stderr;
    assert!(!said(&["run"]).contains("hint:"), "{}", said(&["run"]));
    folder.write("package.json", "{\"name\": \"x\"}");
    folder.write("broken.yaml", "client: {");
    folder.write("time.yaml", "client: {}");
    assert_snapshot!(said(&["run"]), @r"
    error: the following required arguments were not provided:
      <CONFIG>

    Usage: sanderling run <CONFIG>

    For more information, try '--help'.

    hint: `time.yaml` looks like one
    ");
    folder.write("money.json", "{\"resources\": []}");
    assert!(
        said(&["check"]).ends_with("\nhint: these look like one: `money.json`, `time.yaml`\n"),
        "{}",
        said(&["check"])
    );
    for (meant, near) in [("tme.yaml", "time.yaml"), ("time.yml", "time.yaml"), ("money.yaml", "money.json")]
    {
        let said = said(&["run", meant]);
        assert_eq!(
            said,
            format!("error: {meant} cannot be read: there is no such file\nhint: did you mean `{near}`?\n")
        );
    }
    assert!(!said(&["run", "nothing.yaml"]).contains("hint:"));
}
