//! Configs looked at without a secret or a request: `resources` and `config show`; the same config in each format.

use insta::assert_snapshot;
use sanderling_demo::{KEY, Options, start};
use serde_json::{Value, json};

use crate::program::Folder;

const TOML: &str = r#"
name = "time"
limits.concurrency = 2

[client]
base_url = "BASE"
auth = { type = "api_key", name = "X-Api-Key", api_key = "${secrets.api_key}", location = "header" }

[resource_defaults]
primary_key = "id"
write_disposition = "merge"

[resource_defaults.endpoint]
data_selector = "data"
paginator = { type = "offset", limit = 100 }

[[resources]]
name = "users"
endpoint.path = "/v1/users"
write_disposition = "replace"

[[resources]]
name = "projects"
endpoint.path = "/v1/projects"
selected = false

[[resources]]
name = "clients"
endpoint.path = "/v1/clients"
primary_key = []
write_disposition = "append"

[[resources]]
name = "tasks"
include_from_parent = ["id"]
primary_key = ["_projects_id", "id"]
[resources.endpoint]
path = "/v1/projects/{resources.projects.id}/tasks"
"#;

fn toml() -> String {
    TOML.replace("BASE", "https://api.example.com")
}

#[test]
fn resources_are_listed_as_they_are_read_with_no_secret_at_hand() {
    let folder = Folder::new();
    folder.write("time.toml", &toml());
    let ran = folder.run(&["resources", "time.toml"]).expect(0);
    assert_eq!(ran.stderr, "");
    assert_snapshot!(ran.stdout, @r"
    resource  write    primary key       origin
    users     replace  id                https://api.example.com
    projects  merge    id                https://api.example.com  not written
      tasks   merge    _projects_id, id  https://api.example.com
    clients   append   -                 https://api.example.com
    ");
    let ran = folder.run(&["resources", "time.toml", "--json"]).expect(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["pipeline"], "time");
    assert_eq!(
        document["resources"][3],
        json!({
            "name": "tasks",
            "parent": "projects",
            "write_disposition": "merge",
            "primary_key": ["_projects_id", "id"],
            "selected": true,
            "incremental": false,
            "origins": ["https://api.example.com"],
            "columns": {},
        })
    );
    assert_eq!(folder.names(), ["time.toml"]);
}

#[test]
fn what_was_guessed_is_said_beside_the_list() {
    let folder = Folder::new();
    folder.write("c.yaml", "client: {base_url: https://a.example}\nresources: {a: /a, b: '/a/{parent_id}/b'}\nresource_defaults: {primary_key: id, endpoint: {paginator: single_page}}\n");
    folder
        .run(&["resources", "c.yaml"])
        .expect(0)
        .says(&["note: `{parent_id}` in the path of `b` is taken to be"]);
    let quiet = folder.run(&["resources", "c.yaml", "-q"]).expect(0);
    assert_eq!(quiet.stderr, "");
    folder.write("c.yaml", "client: {}\n");
    let ran = folder.run(&["resources", "c.yaml", "--json"]).expect(2).says(&["`resources` is missing"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["exit_code"], 2);
}

#[test]
fn a_config_is_shown_as_it_is_understood_and_reads_as_the_same_again() {
    let folder = Folder::new();
    folder.write("time.toml", &(toml() + "[resources.endpoint.headers]\nX-Api-Key = \"hunter2hunter2\"\n"));
    let shown = folder.run(&["config", "show", "time.toml"]).expect(0);
    assert!(!shown.stdout.contains("hunter2"), "{}", shown.stdout);
    let config: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(config["client"]["auth"]["api_key"], "${secrets.api_key}");
    assert_eq!(config["resources"][3]["endpoint"]["headers"]["X-Api-Key"], "***");
    assert_eq!(config["limits"]["concurrency"], 2);
    assert_eq!(config["to"], "sqlite:time.db");
    assert_eq!(config["resume_within"], 3_600);
    folder.write("again.json", &shown.stdout);
    assert_eq!(folder.run(&["config", "show", "again.json"]).expect(0).stdout, shown.stdout);
    folder.write("full.yaml", "name: x\nto: jsonl:out\nallow: 'https://b.example'\nresume_within: 90s\nlimits: {max_body_mib: 8, memory_mib: 100, cpu_time_ms: 5}\nclient: {base_url: 'https://a.example', auth: {type: bearer, token: hunter2}}\nresources: [a]\n");
    let shown = folder.run(&["config", "show", "full.yaml"]).expect(0).stdout;
    let config: Value = serde_json::from_str(&shown).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(config["client"]["auth"]["token"], "***");
    assert_eq!((&config["name"], &config["to"]), (&json!("x"), &json!("jsonl:out")));
    assert_eq!((&config["allow"], &config["resume_within"]), (&json!(["https://b.example"]), &json!(90)));
    let limits = &config["limits"];
    assert_eq!(
        (&limits["max_body_mib"], &limits["memory_mib"], &limits["cpu_time_ms"]),
        (&json!(8), &json!(100), &json!(5))
    );
}

/// One config in three formats is one config: the same rows, by the same checkpoint.
#[test]
fn a_run_from_toml_is_that_from_json_and_yaml() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("time.toml", &TOML.replace("BASE", &server.base_url()));
    folder.run(&["run", "time.toml", "--to", "sqlite:a.db"]).expect(0).says(&["tasks: complete, 200 rows"]);
    assert_eq!(folder.count("a.db", "select count(*) from tasks"), 200);
    let json = folder.run(&["config", "show", "time.toml"]).expect(0).stdout;
    folder.write("other.json", &json);
    folder.write("other.yaml", &json);
    for (config, database) in [("other.json", "b.db"), ("other.yaml", "c.db")] {
        folder.run(&["run", config, "--to", &format!("sqlite:{database}")]).expect(0);
        for table in ["users", "clients", "tasks"] {
            assert_eq!(folder.table(database, table), folder.table("a.db", table), "{config} {table}");
        }
    }
    folder.write(
        "typo.toml",
        &TOML.replace("BASE", &server.base_url()).replace("data_selector", "data_selectr"),
    );
    assert_snapshot!(folder.run(&["run", "typo.toml"]).expect(2).stderr, @r#"
    error: the config has a problem
      error: unknown key `data_selectr` in an endpoint
        --> typo.toml:14:1
         |
      14 | data_selectr = "data"
         | ^^^^^^^^^^^^
         |
         = hint: did you mean `data_selector`?
    "#);
}
