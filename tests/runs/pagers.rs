//! The paginators beside offset, as whole runs: what was asked, which rows came, what was said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sanderling_demo::{Options, Reply, Request, Server, start};
use serde_json::{Value, json};

use crate::leaks;
use crate::program::{Folder, Ran};

const KEY: &str = "pager-k3y/Zx9+uVw=7731";

/// A config of one resource `rows`.
fn config(server: &Server, more: Value, paginator: Value) -> String {
    let mut config = json!({
        "client": {"base_url": server.base_url()},
        "resources": [{"name": "rows", "endpoint": {
            "path": "/rows", "data_selector": "data", "error_handler": {"max_retries": 0}
        }}],
    });
    if !paginator.is_null() {
        config["resources"][0]["endpoint"]["paginator"] = paginator;
    }
    for (key, value) in more.as_object().unwrap() {
        match key.as_str() {
            "auth" => config["client"]["auth"] = value.clone(),
            _ => config[key] = value.clone(),
        }
    }
    config.to_string()
}

fn read(text: &str) -> (Folder, Ran) {
    let folder = Folder::with_key(KEY);
    folder.write("c.json", text);
    let ran = folder.run(&["run", "c.json", "--to", "jsonl:out", "--progress", "none"]);
    (folder, ran)
}

fn ids(folder: &Folder) -> Vec<i64> {
    let id = |line: &String| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap();
    folder.lines("out/rows.jsonl").iter().map(id).collect()
}

fn queries(server: &Server) -> Vec<String> {
    let query = |request: &Request| request.target.trim_start_matches("/rows").to_owned();
    server.requests().iter().map(query).collect()
}

/// Three pages of two rows, which lead from one to the next by what `beside` says of the page after.
fn three_pages(server: &Server, beside: impl Fn(usize) -> Value + Send + Sync + 'static) {
    server.set_route("/rows", move |request| {
        let page = request.number_param("page").unwrap_or(1);
        let mut body = json!({"data": [{"id": page * 2 - 1}, {"id": page * 2}]});
        if page < 3 {
            body["next"] = beside(page + 1);
        }
        Reply::json(200, body.to_string())
    });
}

#[test]
fn links_are_followed_relative_or_absolute() {
    let server = start(Options::default()).unwrap();
    let base = server.base_url();
    let absolute = move |page: usize| json!(format!("{base}/rows?page={page}#top"));
    for paginator in [Value::Null, json!("json_link")] {
        three_pages(&server, absolute.clone());
        let (folder, ran) = read(&config(&server, json!({}), paginator.clone()));
        let ran = ran.expect(0);
        assert_eq!(ids(&folder), [1, 2, 3, 4, 5, 6]);
        assert_eq!(queries(&server), ["", "?page=2", "?page=3"]);
        if paginator.is_null() {
            ran.says(&[
                "no paginator is named: the next page is taken to be the link at `next`",
                "\"paginator\": \"json_link\"",
            ]);
        }
        server.clear_log();
        three_pages(&server, |page| json!(format!("?page={page}")));
        let (folder, ran) = read(&config(&server, json!({}), paginator));
        ran.expect(0);
        assert_eq!((ids(&folder).len(), queries(&server).len()), (6, 3));
        server.clear_log();
    }
}

#[test]
fn a_link_to_another_origin_is_refused_until_it_is_allowed_and_takes_no_credential_along() {
    let (home, other) = (start(Options::default()).unwrap(), start(Options::default()).unwrap());
    let elsewhere = other.base_url();
    let link = move |page: usize| json!(format!("{elsewhere}/rows?page={page}"));
    three_pages(&home, link.clone());
    three_pages(&other, link);
    for auth in [
        json!({"type": "bearer", "token": "${secrets.api_key}"}),
        json!({"type": "api_key", "api_key": "${secrets.api_key}", "name": "key", "location": "query"}),
    ] {
        for paginator in [Value::Null, json!("json_link")] {
            let (_, ran) = read(&config(&home, json!({"auth": auth}), paginator.clone()));
            ran.expect(2).says(&[
                &format!("{} is not among the origins", other.base_url()),
                &format!("\"allow\": [\"{}\"]", other.base_url()),
            ]);
            assert!(other.requests().is_empty());
            let allow = json!([other.base_url()]);
            let (folder, ran) = read(&config(&home, json!({"auth": auth, "allow": allow}), paginator));
            let ran = ran.expect(0);
            assert_eq!(ids(&folder), [1, 2, 3, 4, 5, 6]);
            let seen = other.requests();
            assert_eq!(seen.len(), 2);
            for request in seen {
                assert_eq!((request.header("authorization"), request.param("key")), (None, None));
            }
            leaks::assert_none(&folder, &[&ran], KEY, &[]);
            other.clear_log();
        }
    }
}

#[test]
fn a_circle_of_cursors_is_found_whatever_its_length() {
    for length in [1, 2, 7] {
        let server = start(Options::default()).unwrap();
        let given = AtomicUsize::new(0);
        server.set_route("/rows", move |request| {
            // New rows for ever, so that nothing but the cursor repeats.
            let id = given.fetch_add(1, Ordering::SeqCst);
            let next = request.number_param("cursor").map_or(0, |at| (at + 1) % length);
            let body = json!({"data": [{"id": id}], "meta": {"next": format!("{next}")}});
            Reply::json(200, body.to_string())
        });
        let cursor = json!({"type": "cursor", "cursor_path": "meta.next"});
        let (_, ran) = read(&config(&server, json!({}), cursor));
        ran.expect(5).says(&["in a circle"]);
        assert!(server.requests().len() < 40);
    }
}

#[test]
fn numbered_pages_are_read_side_by_side() {
    let server = start(Options::default()).unwrap();
    let (flying, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    server.set_route("/rows", {
        let most = most.clone();
        move |request| {
            let page = request.number_param("page").unwrap();
            most.fetch_max(flying.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            flying.fetch_sub(1, Ordering::SeqCst);
            let rows: Vec<_> = (0..10).map(|row| json!({"id": page * 10 + row})).collect();
            Reply::json(200, json!({"data": rows, "pages": 25}).to_string())
        }
    });
    let paginator = json!({"type": "page_number", "base_page": 1, "total_path": "pages"});
    let (folder, ran) = read(&config(&server, json!({}), paginator));
    ran.expect(0);
    assert_eq!(ids(&folder), (10..260).collect::<Vec<_>>());
    assert_eq!(server.requests().len(), 25);
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)), "{most:?} at once");
}

#[test]
fn a_page_that_is_empty_in_the_middle_is_tried_again_and_then_an_error() {
    let server = start(Options::default()).unwrap();
    let again = Arc::new(AtomicUsize::new(1));
    server.set_route("/rows", {
        let again = again.clone();
        move |request| {
            let page = request.number_param("page").unwrap();
            let spoilt = page == 2 && again.fetch_sub(1, Ordering::SeqCst) > 0;
            let rows = if spoilt { json!([]) } else { json!([{"id": page * 2}, {"id": page * 2 + 1}]) };
            Reply::json(200, json!({"data": rows, "pages": 3}).to_string())
        }
    });
    let paginator = json!({"type": "page_number", "base_page": 1, "total_path": "pages"});
    let mut text = config(&server, json!({"limits": {"concurrency": 1}}), paginator);
    let (_, ran) = read(&text);
    ran.expect(5).says(&["page 2 is empty while `pages` says 3"]);
    again.store(1, Ordering::SeqCst);
    text = text.replace("\"max_retries\":0", "\"max_retries\":1,\"backoff_factor\":0.01");
    let (folder, ran) = read(&text);
    ran.expect(0);
    assert_eq!(ids(&folder), [2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_guess_is_carried_through_a_run_that_breaks_off() {
    let server = start(Options::default()).unwrap();
    three_pages(&server, |page| json!(format!("/rows?page={page}")));
    let folder = Folder::new();
    folder.write("c.json", &config(&server, json!({}), Value::Null));
    // The second page fails once: the next run goes on there, and does not guess anew.
    server.add_fault(sanderling_demo::Fault::new(
        "/rows",
        sanderling_demo::When::Nth(2),
        sanderling_demo::Action::status(503),
    ));
    let args = ["run", "c.json", "--to", "jsonl:out", "--progress", "none"];
    folder.run(&args).expect(4).says(&["no paginator is named"]);
    let ran = folder.run(&args).expect(0).says(&["going on where the last run broke off"]);
    assert!(!ran.stderr.contains("no paginator is named"), "{}", ran.stderr);
    assert_eq!(ids(&folder), [1, 2, 3, 4, 5, 6]);
    assert_eq!(queries(&server), ["", "?page=2", "?page=2", "?page=3"]);
}
