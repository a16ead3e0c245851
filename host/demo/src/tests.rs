//! The server over raw sockets: routes, key, faults, log, shutting down.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fault::{Action, Fault, When};
use crate::options::{KEY, Options};
use crate::reply::{Coding, Ending, Framing, Pace, Reply, Then};
use crate::server::{Server, start};

/// A whole answer, read by its `Content-Length`.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn rows(&self) -> usize {
        self.json()["data"].as_array().map_or(usize::MAX, Vec::len)
    }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

fn send(stream: &mut TcpStream, target: &str, headers: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: demo\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
}

fn receive(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Answer { status: head[9..12].parse().unwrap(), head, body }
}

fn get(server: &Server, target: &str) -> Answer {
    get_with(server, target, "")
}

fn get_with(server: &Server, target: &str, headers: &str) -> Answer {
    let mut stream = connect(server);
    send(&mut stream, target, headers);
    receive(&mut stream)
}

/// All bytes until the peer closes, and whether it reset the connection.
fn drain(server: &Server, target: &str) -> (String, bool) {
    let mut stream = connect(server);
    send(&mut stream, target, "");
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return (String::from_utf8_lossy(&bytes).into_owned(), false),
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                return (String::from_utf8_lossy(&bytes).into_owned(), true);
            }
        }
    }
}

fn open() -> Server {
    start(Options::default()).unwrap()
}

fn faulty(path: &str, when: When, action: Action) -> Server {
    start(Options { faults: vec![Fault::new(path, when, action)], ..Options::default() }).unwrap()
}

#[test]
fn lists_and_their_windows() {
    let server = open();
    let cases = [
        ("/v1/projects", 20, 20, json!(null)),
        ("/v1/projects?offset=0&limit=7", 7, 20, json!(7)),
        ("/v1/projects?offset=14&limit=7", 6, 20, json!(7)),
        ("/v1/projects?offset=20&limit=7", 0, 20, json!(7)),
        ("/v1/projects?offset=99999999999&limit=7", 0, 20, json!(7)),
        ("/v1/projects?limit=0", 0, 20, json!(0)),
        ("/v1/time_entries?offset=2400&limit=100", 100, 2_500, json!(100)),
        ("/v1/time_entries", 2_500, 2_500, json!(null)),
        ("/v1/team/time", 400, 400, json!(null)),
        ("/v1/team/users", 8, 8, json!(null)),
        ("/v1/users", 8, 8, json!(null)),
        ("/v1/clients", 12, 12, json!(null)),
        ("/v1/expenses?limit=100", 100, 340, json!(100)),
        ("/v1/resource", 250, 250, json!(null)),
        ("/v1/tasks", 200, 200, json!(null)),
        ("/v1/projects/101/tasks", 10, 10, json!(null)),
        ("/v1/projects/120/tasks?offset=8&limit=5", 2, 10, json!(5)),
        ("/v1/projects/107/time?offset=100&limit=50", 25, 125, json!(50)),
    ];
    for (target, rows, total, limit) in cases {
        let answer = get(&server, target);
        assert_eq!((answer.status, answer.rows()), (200, rows), "{target}");
        let body = answer.json();
        assert_eq!((&body["total"], &body["limit"]), (&json!(total), &limit), "{target}");
        assert!(answer.head.contains("Content-Type: application/json\r\n"));
    }
}

#[test]
fn pages_join_to_the_whole_list() {
    let server = open();
    for path in ["/v1/time_entries", "/v1/projects/103/time"] {
        let whole = get(&server, path).json();
        let mut rows = Vec::new();
        for offset in (0..).step_by(30).take_while(|&offset| offset < whole["total"].as_u64().unwrap()) {
            let page = get(&server, &format!("{path}?offset={offset}&limit=30")).json();
            assert_eq!(page["offset"], offset);
            rows.extend(page["data"].as_array().unwrap().clone());
        }
        assert_eq!(Value::from(rows), whole["data"]);
    }
}

#[test]
fn what_is_refused() {
    let server = open();
    let cases = [
        ("/", 404),
        ("/v1/projects/", 404),
        ("/v1/nothing", 404),
        ("/v1/projects/99/tasks", 404),
        ("/v1/projects/x/tasks", 404),
        ("/v1/projects/101/nothing", 404),
        ("/bench/rows", 404),
        ("/v1/users?limit=ten", 400),
        ("/v1/users?offset=-1", 400),
    ];
    for (target, status) in cases {
        let answer = get(&server, target);
        assert_eq!(answer.status, status, "{target}");
        assert!(answer.json()["error"]["message"].is_string());
    }
    for (request, status) in [
        ("POST /v1/users HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 405),
        ("POST /v1/users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        ("POST /v1/users HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        ("POST /v1/users HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        ("no request\r\n\r\n", 400),
    ] {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(receive(&mut stream).status, status, "{request}");
    }
}

#[test]
fn the_page_limit_is_capped() {
    let server = start(Options { max_limit: Some(40), ..Options::default() }).unwrap();
    for (query, rows) in [("?limit=100", 40), ("?limit=10", 10), ("", 40), ("?offset=2490&limit=100", 10)] {
        let answer = get(&server, &format!("/v1/time_entries{query}"));
        assert_eq!((answer.rows(), &answer.json()["total"]), (rows, &json!(2_500)), "{query}");
    }
}

#[test]
fn the_key_and_its_places() {
    let key = "a&\u{e9} /+=k";
    let server = start(Options { key: Some(key.to_owned()), ..Options::default() }).unwrap();
    let basic = STANDARD.encode(format!("anyone:{key}"));
    let no_password = STANDARD.encode(key);
    let cases = [
        ("", String::new(), 401),
        ("?api_key=a%26%C3%A9%20%2F%2B%3Dk", String::new(), 200),
        ("?api_key=a%26%C3%A9+/%2B=k", String::new(), 200),
        ("?api_key=a%26%C3%A9+/+=k", String::new(), 403),
        ("?api_key=", String::new(), 403),
        ("", format!("X-Api-Key: {key}\r\n"), 200),
        ("", format!("x-api-key: {key}\r\n"), 200),
        ("", format!("api_key: {key}\r\n"), 200),
        ("", "X-Api-Key: a\r\n".to_owned(), 403),
        ("", format!("Authorization: Bearer {key}\r\n"), 200),
        ("", format!("authorization: bearer {key}\r\n"), 200),
        ("", "Authorization: Bearer no\r\n".to_owned(), 403),
        ("", format!("Authorization: Basic {basic}\r\n"), 200),
        ("", format!("Authorization: Basic {no_password}\r\n"), 403),
        ("", "Authorization: Basic ???\r\n".to_owned(), 403),
        ("", format!("Authorization: Digest {key}\r\n"), 401),
    ];
    for (query, headers, status) in cases {
        let answer = get_with(&server, &format!("/v1/users{query}"), &headers);
        assert_eq!(answer.status, status, "{query} {headers}");
        assert_eq!(answer.head.contains("WWW-Authenticate"), status == 401);
        assert!(!answer.head.contains("Echo"));
    }
    let seen = server.requests();
    assert_eq!(seen[1].param("api_key"), Some(key));
    assert_eq!(seen[5].header("X-API-KEY"), Some(key));
}

#[test]
fn the_key_is_shown_where_asked_for() {
    let key = "se&\u{e9}cr et/\"1";
    let fault = Fault::new("/v1/users", When::Nth(2), Action::status(503));
    let options =
        Options { key: Some(key.to_owned()), echo_key: true, faults: vec![fault], ..Options::default() };
    let server = start(options).unwrap();
    server.set_route("/login", |_| Reply::html(200, "<p>"));
    let target = "/v1/users?limit=2&api_key=se%26%C3%A9cr+et%2F%221";
    let page = get(&server, target);
    for echo in [&page.json()["echo"], &page.json()["data"][0]["echo"], &page.json()["data"][1]["echo"]] {
        assert_eq!((&echo["key"], &echo["ascii"]), (&json!(key), &json!(key)));
    }
    assert!(page.head.contains(&format!("X-Echo-Key: {key}\r\n")));
    assert!(page.head.contains("X-Echo-Percent: se%26%C3%A9cr%20et%2F%221\r\n"));
    let down = get(&server, target);
    assert_eq!((down.status, &down.json()["echo"]["base64"]), (503, &json!(STANDARD.encode(key))));
    assert!(String::from_utf8(get(&server, "/login").body).unwrap().contains(key));
    assert_eq!(get(&server, "/v1/users?api_key=wrong").json()["echo"]["key"], key);
}

#[test]
fn keep_alive_pipelining_and_closing() {
    let server = open();
    let mut stream = connect(&server);
    for limit in 1..=3 {
        send(&mut stream, &format!("/v1/users?limit={limit}"), "");
        assert_eq!(receive(&mut stream).rows(), limit);
    }
    let one = |limit: usize| format!("GET /v1/users?limit={limit} HTTP/1.1\r\n\r\n");
    let body = "POST /v1/users HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    let head = "HEAD /v1/users HTTP/1.1\r\n\r\n";
    stream.write_all(format!("{}{body}{}{head}{}GET", one(4), one(5), one(6)).as_bytes()).unwrap();
    assert_eq!(receive(&mut stream).rows(), 4);
    assert_eq!(receive(&mut stream).status, 405);
    assert_eq!(receive(&mut stream).rows(), 5);
    let mut headed = Vec::new();
    while !headed.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        headed.push(byte[0]);
    }
    assert_eq!(receive(&mut stream).rows(), 6);
    stream.write_all(b" /v1/users HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    assert!(receive(&mut stream).head.contains("Connection: close\r\n"));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let seen = server.requests();
    assert_eq!(seen.len(), 9);
    assert!(seen.iter().all(|request| request.connection == seen[0].connection));
    assert_eq!(seen[4].body, b"hello");

    let mut old = connect(&server);
    old.write_all(b"GET /v1/users?limit=1 HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(receive(&mut old).rows(), 1);
    assert_eq!(old.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_log() {
    let server = open();
    get_with(&server, "/v1/users?a=1%202&a=+&b", "X-One: two\r\n");
    get(&server, "/no?x=%");
    let seen = server.requests();
    assert_eq!(seen.len(), 2);
    let first = &seen[0];
    assert_eq!((first.number, first.method.as_str(), first.path.as_str()), (1, "GET", "/v1/users"));
    assert_eq!(first.target, "/v1/users?a=1%202&a=+&b");
    let pairs = [("a", "1 2"), ("a", " "), ("b", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(first.query, pairs);
    assert_eq!((first.header("x-one"), first.header("x-two")), (Some("two"), None));
    assert_eq!((first.status, seen[1].status), (Some(200), Some(404)));
    assert!(first.at <= seen[1].at && seen[1].connection == 2);
    assert_eq!((server.count("/v1/*"), server.count("*"), server.count("/v2")), (1, 2, 0));
    server.clear_log();
    get(&server, "/v1/users");
    assert_eq!(server.requests()[0].number, 3);
}

#[test]
fn when_faults_are_due() {
    let statuses = |fault: Fault| -> Vec<u16> {
        let server = start(Options { faults: vec![fault], ..Options::default() }).unwrap();
        (0..6).map(|i| get(&server, &format!("/v1/users?limit=1&offset={}", i % 2)).status).collect()
    };
    let fault = |path, when| Fault::new(path, when, Action::status(503));
    let cases = [
        (fault("/v1/users", When::Always), [503; 6]),
        (fault("*", When::Nth(1)), [503, 200, 200, 200, 200, 200]),
        (fault("/v1/*", When::Nth(6)), [200, 200, 200, 200, 200, 503]),
        (fault("*", When::From(4)), [200, 200, 200, 503, 503, 503]),
        (fault("*", When::Every(2)), [200, 503, 200, 503, 200, 503]),
        (fault("*", When::Every(0)), [200; 6]),
        (fault("/v1/projects", When::Always), [200; 6]),
        (Fault { times: Some(2), ..fault("*", When::From(2)) }, [200, 503, 503, 200, 200, 200]),
        (
            Fault { query: vec![("offset".to_owned(), "1".to_owned())], ..fault("*", When::From(2)) },
            [200, 200, 200, 503, 200, 503],
        ),
    ];
    for (fault, expected) in cases {
        assert_eq!(statuses(fault.clone()), expected, "{fault:?}");
    }
}

#[test]
fn faults_come_and_go() {
    let server = faulty("/v1/users", When::Nth(2), Action::status(500));
    server.add_fault(Fault::new(
        "/v1/users",
        When::From(2),
        Action::Answer(Reply::status(429).header("Retry-After", "1")),
    ));
    assert_eq!(get(&server, "/v1/users").status, 200);
    assert_eq!(get(&server, "/v1/users").status, 500);
    let slow = get(&server, "/v1/users");
    assert_eq!((slow.status, slow.head.contains("Retry-After: 1\r\n")), (429, true));
    server.clear_faults();
    assert_eq!(get(&server, "/v1/users").status, 200);
}

#[test]
fn spoilt_pages() {
    let rows_and_total = |action: Action| {
        let body = get(&faulty("*", When::Always, action), "/v1/users?offset=2&limit=3").json();
        let ids =
            body["data"].as_array().map(|rows| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>());
        (ids.map(Value::from), body.get("total").cloned())
    };
    let (all, total) = (json!([13, 14, 15]), json!(8));
    let cases = [
        (Action::EmptyPage, Some(json!([])), Some(total.clone())),
        (Action::ShortPage { rows: 2 }, Some(json!([13, 14])), Some(total.clone())),
        (Action::ShortPage { rows: 9 }, Some(all.clone()), Some(total.clone())),
        (Action::IgnoreOffset, Some(json!([11, 12, 13])), Some(total.clone())),
        (Action::DropRecordPath, None, Some(total.clone())),
        (Action::NullRecords, None, Some(total.clone())),
        (Action::NullRow { at: 1 }, Some(json!([13, null, 15])), Some(total.clone())),
        (Action::NullRow { at: 7 }, Some(json!([13, 14, 15, null])), Some(total)),
        (Action::Total("\"8\"".to_owned()), Some(all.clone()), Some(json!("8"))),
        (Action::Total("null".to_owned()), Some(all.clone()), Some(json!(null))),
        (Action::NoTotal, Some(all), None),
    ];
    for (action, rows, total) in cases {
        assert_eq!(rows_and_total(action.clone()), (rows, total), "{action:?}");
    }
    let null = get(&faulty("*", When::Always, Action::NullRecords), "/v1/users").json();
    assert_eq!(null.get("data"), Some(&Value::Null));
}

#[test]
fn a_page_fault_elsewhere_is_an_error() {
    let server = faulty("*", When::Always, Action::EmptyPage);
    server.set_route("/mine", |_| Reply::json(200, "[]"));
    for target in ["/mine", "/v1/none", "/v1/users?limit=x"] {
        let answer = get(&server, target);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (500, &json!("fault")), "{target}");
    }
}

#[test]
fn broken_answers() {
    let whole = String::from_utf8(get(&open(), "/v1/users?limit=1").body).unwrap();
    let length = format!("Content-Length: {}\r\n", whole.len());
    let play = |action: Action| drain(&faulty("*", When::Always, action), "/v1/users?limit=1");

    let (text, reset) = play(Action::Truncate { after_bytes: 20 });
    assert!(
        !reset && text.contains(&length) && text.ends_with(&format!("\r\n\r\n{}", &whole[..20])),
        "{text}"
    );
    let (text, _) = play(Action::Truncate { after_bytes: 9_999 });
    assert!(text.contains(&length) && text.ends_with(&whole[..whole.len() - 1]), "{text}");
    let (_, reset) = play(Action::ResetAfter { bytes: 20 });
    assert!(reset);
    assert_eq!(play(Action::Reset), (String::new(), true));
    assert_eq!(play(Action::Close), (String::new(), false));
    assert_eq!(play(Action::Garbage("\x16\x03".into())), ("\x16\x03".to_owned(), false));

    let get = |action: Action| get(&faulty("*", When::Always, action), "/v1/users?limit=1");
    assert_eq!(get(Action::CutJson { bytes: 20 }).body, &whole.as_bytes()[..20]);
    assert_eq!(get(Action::JunkAfter("}\n".into())).body, format!("{whole}}}\n").as_bytes());
    let html = get(Action::Html);
    assert!(
        html.status == 200 && html.head.contains("text/html") && html.body.starts_with(b"<!DOCTYPE html>")
    );
}

#[test]
fn silent_endings_have_no_status() {
    let server = open();
    for (action, status) in
        [(Action::Close, None), (Action::Reset, None), (Action::Truncate { after_bytes: 1 }, Some(200))]
    {
        server.clear_faults();
        server.clear_log();
        server.add_fault(Fault::new("*", When::Always, action));
        drain(&server, "/v1/users");
        assert_eq!(server.requests()[0].status, status);
    }
}

#[test]
fn slow_and_late() {
    let slow = Pace { bytes: 100, pause_ms: 20 };
    let server = faulty("/v1/users", When::Nth(1), Action::Delay { ms: 60 });
    server.add_fault(Fault::new("/v1/users", When::Nth(2), Action::Slow(slow)));
    for least_ms in [60, 60] {
        let start = Instant::now();
        assert_eq!(get(&server, "/v1/users?limit=1").rows(), 1);
        assert!(start.elapsed() >= Duration::from_millis(least_ms));
    }
}

#[test]
fn framings_and_codings() {
    let server = open();
    let text = "abcdefghij".repeat(20);
    let gunzip = |body: &[u8]| {
        let mut out = String::new();
        flate2::read::GzDecoder::new(body).read_to_string(&mut out).unwrap();
        out
    };
    let serve = |framing, coding, ending| {
        let reply = Reply { framing, coding, ending, ..Reply::json(200, text.clone()) };
        server.set_route("/r", move |_| reply.clone());
    };

    serve(Framing::Length, Coding::Gzip, Ending::Whole);
    let answer = get(&server, "/r");
    assert!(answer.head.contains("Content-Encoding: gzip\r\n") && gunzip(&answer.body) == text);
    serve(Framing::Length, Coding::GzipUnsaid, Ending::Whole);
    let answer = get(&server, "/r");
    assert!(!answer.head.contains("Content-Encoding") && gunzip(&answer.body) == text);
    serve(Framing::Length, Coding::GzipFalsely, Ending::Whole);
    let answer = get(&server, "/r");
    assert!(answer.head.contains("Content-Encoding: gzip\r\n") && answer.body == text.as_bytes());

    serve(Framing::UntilClose, Coding::Identity, Ending::Whole);
    let (got, reset) = drain(&server, "/r");
    assert!(
        !reset && !got.contains("Content-Length") && got.ends_with(&format!("close\r\n\r\n{text}")),
        "{got}"
    );

    serve(Framing::Chunked { chunk_bytes: 150 }, Coding::Identity, Ending::Whole);
    let mut stream = connect(&server);
    send(&mut stream, "/r", "Connection: close\r\n");
    let mut got = String::new();
    stream.read_to_string(&mut got).unwrap();
    let chunks = format!("\r\n\r\n96\r\n{}\r\n32\r\n{}\r\n0\r\n\r\n", &text[..150], &text[150..]);
    assert!(got.contains("Transfer-Encoding: chunked\r\n") && got.ends_with(&chunks), "{got}");
    let late_cut = Ending::Cut { after_bytes: usize::MAX, then: Then::Close };
    serve(Framing::Chunked { chunk_bytes: 150 }, Coding::Identity, late_cut);
    assert!(drain(&server, "/r").0.ends_with(&format!("{}\r\n", &text[150..])));
}

#[test]
fn routes_of_tests() {
    let server = start(Options { key: Some("k".to_owned()), ..Options::default() }).unwrap();
    server.set_route("/v1/users", |request| Reply::json(200, format!("{:?}", request.param("n"))));
    server.set_route("/mine/*/x", |request| Reply::html(201, request.path.clone()));
    assert_eq!(get(&server, "/v1/users?n=1").body, b"Some(\"1\")");
    let answer = get(&server, "/mine/7/x");
    assert_eq!((answer.status, answer.body.as_slice()), (201, &b"/mine/7/x"[..]));
    server.set_route("/v1/users", |_| Reply::new(204, "text/plain", ""));
    let empty = get(&server, "/v1/users");
    assert!(empty.status == 204 && !empty.head.contains("Content-Length"));
    assert_eq!(get(&server, "/v1/clients").status, 401);

    server.script("/s", vec![Reply::status(500), Reply::json(200, "1"), Reply::json(200, "2")]);
    let bodies: Vec<_> = (0..4).map(|_| get(&server, "/s")).map(|a| (a.status, a.body.len())).collect();
    assert_eq!(bodies[1..], [(200, 1); 3]);
    assert_eq!((bodies[0].0, get(&server, "/s").body.as_slice()), (500, &b"2"[..]));
    server.script("/s", Vec::new());
    assert_eq!(get(&server, "/s").status, 404);
}

#[test]
fn a_panic_in_a_route_ends_just_its_connection() {
    let server = open();
    server.set_route("/bad", |_| panic!("on purpose"));
    assert_eq!(drain(&server, "/bad").0, "");
    assert_eq!(get(&server, "/v1/users").status, 200);
}

#[test]
fn stops_at_once_whatever_hangs() {
    let server = faulty("/v1/users", When::Always, Action::Hang);
    server.add_fault(Fault::new("/v1/clients", When::Always, Action::Delay { ms: 60_000 }));
    let mut streams: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    send(&mut streams[1], "/v1/users", "");
    send(&mut streams[2], "/v1/clients", "");
    while server.requests().len() < 2 {
        std::thread::yield_now();
    }
    let (address, start) = (server.address(), Instant::now());
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(2));
    for stream in &mut streams {
        // Whatever was on the way, the connection is over.
        while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
    }
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn the_demo() {
    let server = start(Options::demo()).unwrap();
    let fetch =
        |path: &str, offset: usize| get(&server, &format!("{path}?offset={offset}&limit=100&api_key={KEY}"));
    let statuses =
        |path: &str, pages: usize| -> Vec<u16> { (0..pages).map(|p| fetch(path, p * 100).status).collect() };
    let entries = statuses("/v1/time_entries", 25);
    assert_eq!(entries.iter().filter(|&&status| status == 200).count(), 24);
    assert_eq!(entries[6], 429);
    assert_eq!(statuses("/v1/expenses", 4), [200, 503, 200, 200]);
    assert_eq!(get(&server, "/v1/users").status, 401);
    let config = crate::demo_config(&server.base_url());
    assert!(config.contains(&format!("base_url: http://{}\n", server.address())));
    assert!(config.contains("\"${secrets.api_key}\"") && config.contains("/v1/projects/{parent_id}/tasks"));
    assert!(!config.contains(KEY));
}

#[test]
fn bench_rows() {
    let server = start(crate::bench_options(2_050)).unwrap();
    for (offset, rows) in [(0, 1_000), (1_000, 1_000), (2_000, 50), (0, 1_000)] {
        let page = get(&server, &format!("/bench/rows?offset={offset}&limit=1000"));
        assert_eq!((page.rows(), &page.json()["total"]), (rows, &json!(2_050)));
    }
    assert_eq!(get(&server, "/v1/users").rows(), 0);
}

/// Not a check: `cargo test --release -p sanderling-demo -- --ignored --nocapture rate`.
#[test]
#[ignore = "measures"]
#[allow(clippy::print_stdout, reason = "it reports what it measured")]
fn rate() {
    let rows = 200_000;
    for (path, options) in [
        ("/bench/rows", crate::bench_options(rows)),
        ("/v1/time_entries", Options { time_entries: rows, ..Options::default() }),
    ] {
        let server = start(options).unwrap();
        for pass in ["first", "second"] {
            let (mut stream, mut bytes, start) = (connect(&server), 0, Instant::now());
            for offset in (0..rows).step_by(1_000) {
                send(&mut stream, &format!("{path}?offset={offset}&limit=1000"), "");
                bytes += receive(&mut stream).body.len();
            }
            println!("{path} {pass}: {:.0} MB/s", bytes as f64 / 1e6 / start.elapsed().as_secs_f64());
        }
    }
}
