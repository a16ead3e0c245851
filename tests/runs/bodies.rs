//! Requests with a body, as whole runs: what the API gets, and that a secret in it goes nowhere else.

use std::os::unix::fs::PermissionsExt as _;

use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::leaks;
use crate::program::{Folder, Ran};

/// With everything that JSON and forms must escape.
const KEY: &str = "b0dy-k3y&é /+=%\"\\x91";

/// An API that answers a POST to `/search` with one row, its own request.
fn api() -> Server {
    let server = start(Options::default()).unwrap();
    server.set_route("/search", |request| {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        let kind = request.header("content-type").unwrap_or("none");
        let length = request.header("content-length").unwrap_or("none");
        Reply::json(
            200,
            json!({"data": [{"id": 1, "sent": sent, "kind": kind, "length": length}]}).to_string(),
        )
    });
    server
}

fn read(server: &Server, folder: &Folder, part: Value) -> Ran {
    let mut endpoint = json!({
        "path": "/search", "method": "POST", "data_selector": "data", "paginator": "single_page",
        "error_handler": {"max_retries": 0}
    });
    for (key, value) in part.as_object().unwrap() {
        endpoint[key] = value.clone();
    }
    let config = json!({
        "client": {"base_url": server.base_url()}, "resources": [{"name": "found", "endpoint": endpoint}]
    });
    folder.write("c.json", &config.to_string());
    folder.run(&["run", "c.json", "--to", "jsonl:out"])
}

#[test]
fn a_secret_arrives_in_json_and_is_nowhere_else() {
    let (server, folder) = (api(), Folder::with_key(KEY));
    let ran =
        read(&server, &folder, json!({"json": {"auth": {"key": "k=${secrets.api_key}"}, "n": 1}})).expect(0);
    let [request] = &server.requests()[..] else { panic!() };
    let got: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(got, json!({"auth": {"key": format!("k={KEY}")}, "n": 1}));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-length"), Some(request.body.len().to_string().as_str()));
    leaks::assert_none(&folder, &[&ran], KEY, &[]);
}

#[test]
fn a_secret_arrives_in_a_form_and_is_nowhere_else() {
    let (server, folder) = (api(), Folder::with_key(KEY));
    let ran = read(&server, &folder, json!({"data": {"q": "a b", "key": "${secrets.api_key}"}})).expect(0);
    let [request] = &server.requests()[..] else { panic!() };
    let got: Vec<_> = form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!(got, [("q".to_owned(), "a b".to_owned()), ("key".to_owned(), KEY.to_owned())]);
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    leaks::assert_none(&folder, &[&ran], KEY, &[]);
}

#[test]
fn a_credential_that_is_written_out_is_sealed_too() {
    let (server, folder) = (api(), Folder::new());
    let ran = read(&server, &folder, json!({"json": {"api_key": KEY, "q": 1}})).expect(0);
    let ran = ran.says(&["a credential is written into the config at /resources/0/endpoint/json/api_key"]);
    let got: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(got["api_key"], KEY);
    leaks::assert_none(&folder, &[&ran], KEY, &["c.json"]);
}

#[test]
fn a_body_that_is_neither_takes_no_secret() {
    let (server, folder) = (api(), Folder::with_key(KEY));
    let ran = read(&server, &folder, json!({"data": "key ${secrets.api_key}"})).expect(2);
    ran.says(&["the secret `api_key` cannot be placed in the body, which is neither JSON nor a form"]);
    assert_eq!(server.requests().len(), 0);
    read(&server, &folder, json!({"data": "plain"})).expect(0);
    let [request] = &server.requests()[..] else { panic!() };
    assert_eq!((&request.body[..], request.header("content-type")), (&b"plain"[..], None));
}

#[test]
fn a_secret_is_bound_to_a_field() {
    let (server, folder) = (api(), Folder::new());
    let bound = |place: &str| {
        let text = format!("[api_key]\nvalue = 'plain-k3y-77'\nplace = \"{place}\"\n");
        folder.write(".sanderling/secrets.toml", &text);
        let file = folder.path(".sanderling/secrets.toml");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let part = json!({"json": {"key": "${secrets.api_key}"}});
    for place in ["body:other", "header:X-Api-Key", "basic"] {
        bound(place);
        let ran = read(&server, &folder, part.clone()).expect(2);
        ran.says(&["the secret `api_key` is not bound to the field `key` of the body"]);
    }
    assert_eq!(server.requests().len(), 0);
    bound("body:key");
    read(&server, &folder, part).expect(0);
}

#[test]
fn a_post_that_failed_is_sent_again_and_large_bodies_arrive() {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    let replies = [Reply::status(503), Reply::json(200, r#"{"data": [{"id": 1}]}"#)];
    server.script("/search", replies.to_vec());
    let text = "x".repeat(300_000);
    let part = json!({"json": {"q": text}, "error_handler": {"max_retries": 1, "backoff_factor": 0.01}});
    read(&server, &folder, part).expect(0);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.method == "POST" && request.body == requests[0].body));
    assert_eq!(requests[0].body.len(), text.len() + 8);
}
