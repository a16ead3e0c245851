//! Rate limits, as whole runs: what an API says of its own before it answers 429, and what a config says.

use std::sync::Mutex;
use std::time::Instant;

use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::program::Folder;

const ROWS: usize = 6;

/// Pages of one row; the answer to the `n`-th request (from 1) has these headers. A 429 where `busy` says so.
fn api(
    headers: impl Fn(usize) -> Vec<(String, String)> + Send + Sync + 'static,
    busy: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> Server {
    let server = start(Options::default()).unwrap();
    let count = Mutex::new(0);
    server.set_route("/t", move |request| {
        let nth = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count
        };
        if busy(nth) {
            return Reply::json(429, "{}");
        }
        let offset = request.number_param("offset").unwrap();
        let rows: Vec<Value> = (offset..ROWS.min(offset + 1)).map(|id| json!({"id": id})).collect();
        let mut reply = Reply::json(200, json!({"data": rows, "total": ROWS}).to_string());
        reply.headers.extend(headers(nth));
        reply
    });
    server
}

fn config(server: &Server, limits: Value) -> String {
    json!({
        "client": {"base_url": server.base_url()}, "limits": limits,
        "resources": [{"name": "t", "endpoint": {"data_selector": "data",
            "paginator": {"type": "offset", "limit": 1}}}]
    })
    .to_string()
}

#[test]
fn what_an_api_has_left_is_not_overdrawn() {
    // Three requests a window: a fourth within it is answered 429.
    let window = Mutex::new((Instant::now(), 0));
    let windows = std::sync::Arc::new(window);
    let (counted, told) = (windows.clone(), windows);
    let busy = move |_| {
        let mut window = counted.lock().unwrap();
        if window.0.elapsed().as_millis() >= 1_500 {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        window.1 > 3
    };
    let headers = move |_| {
        let window = told.lock().unwrap();
        let left_s = 1.5 - window.0.elapsed().as_secs_f64();
        vec![
            ("X-RateLimit-Remaining".to_owned(), 3i32.saturating_sub(window.1).max(0).to_string()),
            ("X-RateLimit-Reset".to_owned(), format!("{:.3}", left_s.max(0.01))),
        ]
    };
    let (server, folder) = (api(headers, busy), Folder::new());
    folder.write("c.json", &config(&server, json!({})));
    let ran = folder.run(&["run", "c.json", "--to", "jsonl:out"]).expect(0);
    assert_eq!(server.requests().len(), ROWS, "no request was answered 429");
    assert_eq!(folder.lines("out/t.jsonl").len(), ROWS);
    ran.says(&["t: the API's own limit is used up; going on in"]);
}

#[test]
fn a_limit_far_away_is_left_to_the_api() {
    let headers = |_| vec![("RateLimit".to_owned(), "\"day\";r=0;t=86000".to_owned())];
    let (server, folder) = (api(headers, |_| false), Folder::new());
    folder.write("c.json", &config(&server, json!({})));
    folder.run(&["run", "c.json", "--to", "jsonl:out"]).expect(0);
    assert_eq!(server.requests().len(), ROWS);
}

#[test]
fn a_pace_is_kept_by_runs_together() {
    let (server, folder) = (api(|_| Vec::new(), |_| false), Folder::new());
    folder.write("c.json", &config(&server, json!({"requests_per_s": 20})));
    let begun_ms = sanderling::clock::now_ms();
    let cache = folder.path("cache");
    let run = |out: &str| {
        let mut command = folder.command(&["run", "c.json", "--to", &format!("jsonl:{out}")]);
        command.env("XDG_CACHE_HOME", &cache).spawn().unwrap()
    };
    for mut child in ["one", "two"].map(run) {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(server.requests().len(), 2 * ROWS);
    // Both took their slots, a twentieth of a second each, from one file.
    let [file] = &std::fs::read_dir(cache.join("sanderling/paces")).unwrap().collect::<Vec<_>>()[..] else {
        panic!()
    };
    let free_ms: f64 = std::fs::read_to_string(file.as_ref().unwrap().path()).unwrap().parse().unwrap();
    let slots = (free_ms - begun_ms as f64) / 50.0;
    assert!(slots >= (2 * ROWS - 1) as f64, "{slots}");
}

#[test]
fn what_is_held_back_for_long_is_told() {
    let (server, folder) = (api(|_| Vec::new(), |_| false), Folder::new());
    let origin = server.base_url();
    folder.write(
        "c.json",
        &config(&server, json!({"origins": {origin: {"requests_per_s": 0.7, "concurrency": 1}}})),
    );
    let ran = folder
        .run(&["run", "c.json", "--to", "jsonl:out", "--max-pages", "2", "--progress", "json"])
        .expect(0);
    ran.says(&["`requests_per_s` holds it back"]);
    assert_eq!(server.requests().len(), 2);
}
