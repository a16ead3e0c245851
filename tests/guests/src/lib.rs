//! A connector that misbehaves: its config is the name of what it does, with a word after it where it needs one.

mod bindings;

use std::fmt::Write as _;
use std::hint::black_box;

use bindings::{
    ChildPartitions, Continuation, Error, Page, PageRequest, Partition, ResourceInfo, SourceInfo,
};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{ErrorCode, Fields, Method, OutgoingRequest, Scheme};

fn list_resources(config: &str) -> Result<SourceInfo, Error> {
    match split(config) {
        ("list-spin", _) => spin(),
        ("list-panic", _) => panic!("told you so"),
        ("list-fetch", authority) => fetch(authority, &Method::Get).map(|()| SourceInfo::default()),
        ("list-twice", _) => Ok(SourceInfo { resources: vec![resource("r", None), resource("r", None)] }),
        ("list-self", _) => Ok(SourceInfo { resources: vec![resource("r", Some("r"))] }),
        ("list-deep", _) => {
            let names: Vec<String> = (0..50_000).map(|depth| depth.to_string()).collect();
            let below = names.windows(2).map(|pair| resource(&pair[1], Some(&pair[0])));
            Ok(SourceInfo { resources: std::iter::once(resource("0", None)).chain(below).collect() })
        }
        ("list-orphan", _) => Ok(SourceInfo { resources: vec![resource("c", Some("r"))] }),
        _ => Ok(SourceInfo {
            resources: vec![resource("r", None), resource("c", Some("r")), resource("d", None)],
        }),
    }
}

fn fetch_page(config: &str, request: &PageRequest) -> Result<Page, Error> {
    if request.name != "r" {
        return Ok(page("{\"id\":1}\n", 1));
    }
    let (what, word) = split(config);
    let step: u64 = request.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    let empty = |continuation| Ok(Page { continuation, ..page("", 0) });
    let opens = |name: &str| {
        let partition = Partition { key: "[1]".into(), data: "1".into() };
        let children = vec![ChildPartitions { name: name.into(), partitions: vec![partition] }];
        Ok(Page { children, ..page("{\"id\":1}\n", 1) })
    };
    match what {
        "spin" => spin(),
        "grow" => grow(),
        "deep" => Err(Error::Other(deep(1).to_string())),
        "panic" => panic!("told you so"),
        "handles" => handles(),
        "look" => Ok(page(&look(word), 1)),
        "fetch" => fetch(word, &Method::Get).map(|()| page("", 0)),
        "post" => fetch(word, &Method::Post).map(|()| page("", 0)),
        "huge" => Ok(page(&format!("\"{}\"\n", "x".repeat(2 << 20)), 1)),
        "more-lines" => Ok(page("1\n2\n3\n", 2)),
        "fewer-lines" => Ok(page("1\n", 2)),
        "not-json" => Ok(page("{\"id\":\n", 1)),
        "not-utf8" => Ok(Page { rows: b"\"\xff\"\n".to_vec(), ..page("", 1) }),
        "null" => Ok(page("null\n", 1)),
        "count-overflow" if step == 0 => Ok(Page {
            received: u64::MAX,
            total: Some(u64::MAX),
            continuation: Continuation::Next("1".into()),
            ..page("", 0)
        }),
        "count-overflow" => Ok(Page { total: Some(u64::MAX), ..page("{\"id\":1}\n", 1) }),
        "rest-many" => empty(Continuation::Rest((1..=300).map(|cursor| cursor.to_string()).collect())),
        "rest-none" => empty(Continuation::Rest(Vec::new())),
        "stuck" => empty(Continuation::Next("1".into())),
        "circle" => empty(Continuation::Next(((step + 1) % 5).to_string())),
        "circle-with-rows" => {
            let rows = format!("{{\"id\":{}}}\n", step % 7);
            Ok(Page { continuation: Continuation::Next((step % 7 + 1).to_string()), ..page(&rows, 1) })
        }
        "rest-circle" => empty(Continuation::Rest(vec!["1".into(), "2".into()])),
        "child" => opens("c"),
        "child-unknown" => opens("nowhere"),
        "child-of-another" => opens("d"),
        "escape" => Err(Error::Other("\x1b]0;owned\x07\x1b[2Jgone".into())),
        other => Err(Error::Other(format!("no such misbehaviour: {other}"))),
    }
}

/// What a config asks for, and the word after it. The program hands over JSON: `{"do":"fetch 127.0.0.1:80"}`.
fn split(config: &str) -> (&str, &str) {
    let inner = config.strip_prefix("{\"do\":\"").and_then(|rest| rest.strip_suffix("\"}"));
    let config = inner.unwrap_or(config);
    config.split_once(' ').unwrap_or((config, ""))
}

fn resource(name: &str, parent: Option<&str>) -> ResourceInfo {
    #[cfg(feature = "unknown-import")]
    bindings::steal();
    ResourceInfo { name: name.into(), parent: parent.map(Into::into) }
}

fn page(rows: &str, kept: u64) -> Page {
    Page {
        rows: rows.as_bytes().to_vec(),
        received: kept,
        kept,
        total: None,
        continuation: Continuation::End,
        children: Vec::new(),
    }
}

fn spin() -> ! {
    let mut count = 0u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn grow() -> ! {
    let mut all = Vec::new();
    loop {
        all.push(vec![1u8; 1 << 20]);
        black_box(&all);
    }
}

fn deep(depth: u64) -> u64 {
    if depth == 0 { 0 } else { black_box(deep(black_box(depth + 1)) + depth) }
}

fn handles() -> ! {
    let mut all = Vec::new();
    loop {
        all.push(Fields::new());
    }
}

/// What can be seen of the machine, as a row.
fn look(address: &str) -> String {
    let mut row = String::new();
    let year = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() / 31_556_952);
    let files = ["/", ".", "/etc/passwd", "/proc/self/environ"];
    let files = files.iter().filter(|path| std::fs::metadata(path).is_ok()).count();
    let wrote = std::fs::write("left-behind", "x").is_ok();
    let socket = std::net::TcpStream::connect(address).is_ok();
    let _ = writeln!(
        row,
        "{{\"variables\":{},\"arguments\":{},\"files\":{files},\"wrote\":{wrote},\"socket\":{socket},\"year\":{year}}}",
        std::env::vars().count(),
        std::env::args().count(),
    );
    row
}

fn fetch(authority: &str, method: &Method) -> Result<(), Error> {
    let request = OutgoingRequest::new(Fields::new());
    let set = request
        .set_method(method)
        .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some("/stolen")));
    set.map_err(|()| Error::Other("the request cannot be made".into()))?;
    let refused = |code: ErrorCode| match code {
        ErrorCode::HttpRequestDenied => Error::Denied("denied".into()),
        other => Error::Transport(other.to_string()),
    };
    let future = handle(request, None).map_err(refused)?;
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(_))) => Ok(()),
        Some(Ok(Err(code))) => Err(refused(code)),
        _ => Err(Error::Other("no answer".into())),
    }
}
