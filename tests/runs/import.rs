//! Configs made of what other tools read: what is printed and written, and what is said of the rest.

use insta::assert_snapshot;
use sanderling_demo::{Options, Reply, start};
use serde_json::Value;

use crate::api;
use crate::program::{Folder, Ran};

fn printed(ran: &Ran) -> String {
    format!("[exit {}]\n{}\n[stderr]\n{}", ran.code.unwrap_or_default(), ran.stdout, ran.stderr)
}

#[track_caller]
fn import(file: &str, text: &str) -> String {
    let folder = Folder::new();
    folder.write(file, text);
    printed(&folder.run(&["import", "dlt", file]))
}

/// A pipeline as people write it, with what a config can say.
const PIPELINE: &str = r#"
import os
import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_resources
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator, OffsetPaginator as Paged

BASE = "https://api.example.com"
VERSION = 2


def listed(path, selector="data"):
    return {"path": path, "data_selector": selector}


@dlt.source
def api(token: str = dlt.secrets.value):
    config: RESTAPIConfig = {
        # Comments are Python's.
        "client": {
            "base_url": f"{BASE}/v{VERSION}/",
            "auth": BearerTokenAuth(token=token),
            "headers": {"X-Tenant": os.environ["TENANT"]},
            "paginator": HeaderLinkPaginator(),
        },
        "resource_defaults": dict(primary_key="id", write_disposition="merge"),
        "resources": [
            "posts",
            {"name": "users", "endpoint": listed("users")},
            {"name": "tasks", "endpoint": {**listed("all" "/tasks", "items"), "paginator": Paged(50 * 2)}},
            *[{"name": name, "endpoint": f"by/{name}"} for name in ("day", "week")],
        ],
    }
    yield from rest_api_resources(config)


if __name__ == "__main__":
    pipeline = dlt.pipeline(
        pipeline_name="example",
        destination=dlt.destinations.filesystem("file:///data/out"),
        dataset_name="raw",
    )
    pipeline.run(api())
"#;

#[test]
fn a_pipeline_is_carried_over_whole() {
    assert_snapshot!(import("pipeline.py", PIPELINE));
}

/// Everything that has no form in a config.
const LEFT: &str = r#"
import dlt, os
from datetime import date
from settings import HOST
from dlt.sources.rest_api import rest_api_source

class Own(AuthBase):
    pass

def keep(row):
    return row["x"] > limit()

def token():
    global seen
    return read("token")

if os.name == "nt":
    PAGE = 10

def client(url, secret=dlt.secrets[7]):
    return {"base_url": url, "headers": {"a": secret, 1: "x"}}

def tail(rest):
    return rest_api_source({"client": client("https://b"), "resources": rest})

config = {
    "client": {
        "base_url": os.getenv("BASE", "https://api.example.com"),
        "auth": {"type": "bearer", "token": token()},
        "headers": {"X-Host": HOST, "X-Key": dlt.secrets["my key"]},
        "paginator": OffsetPaginator(100, 0, "o", "l", "total", 500),
    },
    "resources": [
        {
            "name": "tasks",
            "endpoint": {
                "path": "tasks",
                "auth": Own,
                "params": {"day": date.today(), "size": PAGE, "n": 123456789012345678901234567890, "u": undefined},
                "response_actions": [{"status_code": 404, "action": keep}],
            },
            "processing_steps": [{"filter": keep}, {"map": lambda row: clean(row)}],
        },
        own_resource(),
    ],
}
config["resources"] += ["late"]
source = rest_api_source(config).add_limit(10)
pipeline = dlt.pipeline("p", None, "duckdb")
pipeline.run(source, write_disposition="append")
"#;

#[test]
fn what_is_not_carried_over_is_named_line_by_line() {
    assert_snapshot!(import("pipeline.py", LEFT));
}

#[test]
fn a_part_of_a_config_stays_one() {
    assert_snapshot!(import("part.py", "'endpoint': {'path': 'tasks', 'method': verb()}"));
}

#[test]
fn what_cannot_be_imported_is_refused() {
    let cases = [
        ("broken.py", "config = {\n  'a': 1,\n"),
        ("other.py", "print('no source here')\n"),
        ("empty.py", ""),
    ];
    let mut told: Vec<String> = cases.iter().map(|(file, text)| import(file, text)).collect();
    told.push(import("deep.py", &format!("rest_api_source({}{{}}{})\n", "[".repeat(600), "]".repeat(600))));
    let circle = "definitions: {x: {b: {$ref: '#/definitions/x'}}}\nstreams: [{name: s, retriever: {requester: {url_base: \"https://a.io\", path: x, request_parameters: {$ref: '#/definitions/x'}}}}]";
    told.extend(["a: [", "client: {}", "streams: []", circle].map(|text| printed(&import_manifest(text))));
    assert_snapshot!(told.join("\n"));
}

const MANIFEST: &str = include_str!("import/manifest.yaml");

fn import_manifest(text: &str) -> Ran {
    let folder = Folder::new();
    folder.write("manifest.yaml", text);
    folder.run(&["import", "airbyte", "manifest.yaml"])
}

#[test]
fn a_manifest_is_carried_over() {
    assert_snapshot!(printed(&import_manifest(MANIFEST)));
}

#[test]
fn what_is_imported_of_a_manifest_runs() {
    let server = start(Options { key: Some("manifest-key-7c".into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key("manifest-key-7c");
    let text = MANIFEST.replace("https://api.example.com", &server.base_url());
    folder.write("api.yaml", &import_manifest(&text).stdout);
    folder.run(&["run", "api.yaml", "--to", "jsonl:out"]).expect(0);
    assert_eq!(folder.lines("out/projects.jsonl"), api::rows(&Options::default(), "/v1/projects"));
    assert_eq!(folder.lines("out/users.jsonl"), api::rows(&Options::default(), "/v1/users"));
    let tasks = folder.lines("out/tasks.jsonl");
    assert_eq!(tasks.len(), 200);
    assert!(tasks[0].ends_with(",\"project\":101}"), "{}", tasks[0]);
    let requests = server.requests();
    let users = requests.iter().find(|request| request.path == "/v1/users").unwrap();
    assert_eq!((users.param("team"), users.param("braces")), (Some("all"), Some("{x}")));
}

/// A login and its session, and a stream that is read for each value of a list.
#[test]
fn logins_and_lists_that_are_imported_run() {
    const MANIFEST: &str = r#"
streams:
  - name: rows
    retriever:
      requester:
        url_base: BASE
        path: "of/{{ stream_partition['team'] }}"
        authenticator:
          type: SessionTokenAuthenticator
          login_requester: { url_base: BASE, path: login, http_method: POST, request_body_json: { key: "{{ config['api_key'] }}" } }
          session_token_path: [session, token]
          request_authentication: { type: ApiKey, inject_into: { inject_into: header, field_name: X-Session } }
      record_selector: { extractor: { field_path: [data] } }
      partition_router: { type: ListPartitionRouter, cursor_field: team, values: [red, blue] }
    transformations:
      - { type: AddFields, fields: [{ path: [team], value: "{{ stream_partition['team'] }}" }] }
"#;
    let (server, folder) = (start(Options::default()).unwrap(), Folder::with_key("login-key-7c"));
    server.set_route("/login", |request| {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        let known = sent == r#"{"key":"login-key-7c"}"#;
        if known { Reply::json(200, r#"{"session": {"token": "s-1"}}"#) } else { Reply::status(401) }
    });
    for (path, id) in [("/of/red", 1), ("/of/blue", 2)] {
        server.set_route(path, move |request| match request.header("x-session") {
            Some("s-1") => Reply::json(200, format!(r#"{{"data": [{{"id": {id}}}]}}"#)),
            _ => Reply::status(401),
        });
    }
    folder.write("manifest.yaml", &MANIFEST.replace("BASE", &server.base_url()));
    let ran = folder.run(&["import", "airbyte", "manifest.yaml", "-o", "api.yaml"]).expect(5);
    ran.says(&["each of 2 values of a list is a resource of its own"]);
    folder.run(&["run", "api.yaml", "--frozen", "--to", "jsonl:out"]).expect(0);
    assert_eq!(folder.lines("out/rows_red.jsonl"), [r#"{"id":1,"team":"red"}"#]);
    assert_eq!(folder.lines("out/rows_blue.jsonl"), [r#"{"id":2,"team":"blue"}"#]);
    assert_eq!(server.count("/login"), 1);
}

/// A filter, a field more and actions, in Python and in a manifest: what both keep, and add, is what Python would.
#[test]
fn steps_that_are_imported_do_what_they_did() {
    const PYTHON: &str = r#"
def open_ended(row):
    return row["end_time"] is None

rest_api_source({
    "client": {"base_url": "BASE/v1", "auth": {"type": "bearer", "token": dlt.secrets["api_key"]}},
    "resources": [{
        "name": "time_entries",
        "endpoint": {
            "path": "time_entries",
            "data_selector": "data",
            "paginator": OffsetPaginator(limit=500),
            "response_actions": [{"status_code": 404, "action": "ignore"}],
        },
        "processing_steps": [
            {"filter": lambda row: not row["billable"] and row["user"]["id"] in (12, 13)},
            {"filter": open_ended},
            {"map": lambda row: {**row, "long": row["duration"] > 2000}},
        ],
    }],
})
"#;
    const STREAM: &str = r#"
streams:
  - name: time_entries
    retriever:
      requester:
        url_base: BASE/v1
        path: time_entries
        authenticator: { type: BearerAuthenticator, api_token: "{{ config['api_key'] }}" }
        error_handler: { response_filters: [{ http_codes: [404], action: IGNORE }, { error_message_contains: busy, action: RETRY }] }
      record_selector:
        extractor: { field_path: [data] }
        record_filter: { condition: "{{ not record.billable and record.user.id in [12, 13] and record.end_time is none }}" }
    transformations:
      - { type: AddFields, fields: [{ path: [who, id], value: "{{ record['user']['id'] }}" }, { path: [duration, deep, er], value: x }] }
      - { type: RemoveFields, field_pointers: [[user, name], [hours], [hours, x], [none, x, y]] }
"#;
    let server = start(Options { key: Some("steps-key-7c".into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key("steps-key-7c");
    folder.write("pipeline.py", &PYTHON.replace("BASE", &server.base_url()));
    folder.write("manifest.yaml", &STREAM.replace("BASE", &server.base_url()));
    for (from, file) in [("dlt", "pipeline.py"), ("airbyte", "manifest.yaml")] {
        folder.run(&["import", from, file, "-o", &format!("{from}.yaml")]).expect(0);
        folder.run(&["run", &format!("{from}.yaml"), "--to", &format!("jsonl:{from}")]).expect(0);
    }
    let rows = |from: &str| -> Vec<Value> {
        let lines = folder.lines(&format!("{from}/time_entries.jsonl"));
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = api::rows(&Options::default(), "/v1/time_entries");
    let kept: Vec<Value> = all
        .iter()
        .map(|row| serde_json::from_str::<Value>(row).unwrap())
        .filter(|row| row["billable"] == false && [12, 13].map(Value::from).contains(&row["user"]["id"]))
        .filter(|row| row["end_time"].is_null())
        .collect();
    assert!(!kept.is_empty() && kept.len() < 2_500);
    let long: Vec<Value> = kept
        .iter()
        .cloned()
        .map(|mut row| {
            row["long"] = (row["duration"].as_i64().unwrap() > 2_000).into();
            row
        })
        .collect();
    assert_eq!(rows("dlt"), long);
    let changed: Vec<Value> = kept
        .into_iter()
        .map(|mut row| {
            row["who"] = serde_json::json!({"id": row["user"]["id"]});
            row["duration"] = serde_json::json!({"deep": {"er": "x"}});
            row["user"].as_object_mut().unwrap().remove("name");
            row.as_object_mut().unwrap().remove("hours");
            row
        })
        .collect();
    assert_eq!(rows("airbyte"), changed);
}

#[test]
fn what_is_not_carried_over_of_a_manifest_is_named_line_by_line() {
    let ran = import_manifest(include_str!("import/left.yaml"));
    let named: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("manifest.yaml")).collect();
    assert_snapshot!(format!("{}\n[stderr]\n{}", ran.stdout, named.join("\n")));
}

#[test]
fn a_file_is_not_overwritten_unasked() {
    let folder = Folder::new();
    folder.write("pipeline.py", PIPELINE);
    folder.write("two.py", "rest_api_source({'client': {'base_url': 'https://a'}, 'resources': ['x']})\nrest_api_source({'client': {'base_url': 'https://b'}, 'resources': ['x']}, name='b')\n");
    folder.write("there.yaml", "mine");
    let cases: [&[&str]; 6] = [
        &["pipeline.py", "-o", "api.yaml"],
        &["pipeline.py", "-o", "there.yaml"],
        &["pipeline.py", "-o", "there.yaml", "--force"],
        &["pipeline.py", "-o", "api.toml"],
        &["two.py", "-o", "two.yaml"],
        &["two.py", "-o", "configs/"],
    ];
    let mut told = String::new();
    for args in cases {
        let ran = folder.run(&[&["import", "dlt"][..], args].concat());
        told.push_str(&format!("$ {}\n{}\n", args.join(" "), printed(&ran)));
        if args == ["pipeline.py", "-o", "there.yaml"] {
            assert_eq!(folder.read("there.yaml"), "mine");
        }
    }
    assert_snapshot!(told);
    assert_eq!(folder.read("there.yaml"), folder.read("api.yaml"));
    assert!(
        folder.read("configs/two.yaml").contains("https://a")
            && folder.read("configs/b.yaml").contains("https://b")
    );
    assert!(folder.read("api.yaml").starts_with("# Imported from pipeline.py, line 18."));
}
