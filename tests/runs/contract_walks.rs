//! Walks that the contract must survive: capped pages, very many parents, crashes, lying totals, echoed keys, and
//! pages that come back out of order.

use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sanderling_demo::{Action, Fault, Options, Reply, Request, Server, When, start};

use crate::api;
use crate::leaks;
use crate::program::{Folder, Ran};

/// Long enough that it is not found by chance.
const KEY: &str = "walk-k3y/Qw7+rTy=0042";

fn open() -> Server {
    start(Options { time_entries: 500, ..Options::default() }).unwrap()
}

/// A config of these resources (YAML, a map), each read by pages of 100 unless it says otherwise.
fn config(server: &Server, defaults: &str, resources: &str) -> String {
    format!(
        "client: {{base_url: \"{}\"}}\n\
         resource_defaults:\n  primary_key: id\n  {defaults}\n  endpoint:\n    data_selector: data\n    \
         paginator: {{type: offset, limit: 100}}\n    error_handler: {{max_retries: 1, backoff_factor: 0.01}}\n\
         resources:\n{resources}",
        server.base_url()
    )
}

/// The window that a request asks for, out of so many rows.
fn window(request: &Request, total: usize) -> std::ops::Range<usize> {
    let offset = request.number_param("offset").unwrap().min(total);
    offset..(offset + request.number_param("limit").unwrap()).min(total)
}

/// A page of rows, and what the API says of its total (JSON).
fn page(rows: impl Iterator<Item = String>, total: impl std::fmt::Display) -> Reply {
    let rows: Vec<String> = rows.collect();
    Reply::json(200, format!("{{\"data\":[{}],\"total\":{total}}}", rows.join(",")))
}

/// The ids of a table in the order in which its rows were written.
fn ids_as_written(folder: &Folder, table: &str) -> Vec<i64> {
    let database = folder.database("out.db");
    let mut statement = database.prepare(&format!("select id from \"{table}\" order by rowid")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn id(row: &str) -> i64 {
    serde_json::from_str::<serde_json::Value>(row).unwrap()["id"].as_i64().unwrap()
}

/// Waits until something holds, but not for ever.
#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to that");
        // The log is long: looking at it must not be what takes the time.
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[track_caller]
fn kill(mut child: Child) {
    child.kill().unwrap();
    assert_eq!(Ran::from(child.wait_with_output().unwrap()).code, None, "it was not killed in time");
}

#[test]
fn a_server_that_caps_the_limit() {
    let options = Options { time_entries: 500, max_limit: Some(30), ..Options::default() };
    let told = api::rows(&options, "/v1/time_entries");
    // Also one that gives less than its own cap once.
    for short in [false, true] {
        let server = start(options.clone()).unwrap();
        if short {
            let fault = Action::ShortPage { rows: 7 };
            server.add_fault(Fault::new("/v1/time_entries", When::Nth(4), fault));
        }
        let folder = Folder::new();
        let text = config(&server, "write_disposition: append", "  time_entries: /v1/time_entries\n");
        folder.write("c.yaml", &text);
        folder.run(&["run", "c.yaml", "--to", "sqlite:out.db"]).expect(0);
        assert_eq!(
            ids_as_written(&folder, "time_entries"),
            told.iter().map(|row| id(row)).collect::<Vec<_>>()
        );
        // 16 full pages and one of 20 rows; what a short one left out is asked for by itself.
        let seen = server.requests();
        assert_eq!(seen.len(), 17 + usize::from(short));
        let mut asked: Vec<usize> = seen.iter().map(|it| it.number_param("offset").unwrap()).collect();
        asked.sort_unstable();
        let gap = asked.iter().filter(|offset| *offset % 30 != 0).count();
        assert_eq!(gap, usize::from(short), "{asked:?}");
        asked.dedup();
        assert_eq!(asked.len(), seen.len(), "a page was asked for twice");

        server.clear_faults();
        folder.run(&["run", "c.yaml", "--to", "jsonl:out"]).expect(0);
        assert_eq!(folder.lines("out/time_entries.jsonl"), told);
    }
}

const PARENTS: usize = 100_000;

/// How many children a parent has: pages are of two, so that every tenth parent has two pages.
fn children(parent: usize) -> usize {
    if parent.is_multiple_of(10) { 3 } else { 1 }
}

fn very_many_parents(to: &str) -> (Server, Folder) {
    let server = start(Options::default()).unwrap();
    server.set_route("/parents", |request| {
        page(window(request, PARENTS).map(|id| format!("{{\"id\":{id}}}")), PARENTS)
    });
    server.set_route("/parents/*/kids", |request| {
        let parent: usize = request.path.split('/').nth(2).unwrap().parse().unwrap();
        let total = children(parent);
        page(window(request, total).map(|kid| format!("{{\"id\":{}}}", parent * 10 + kid)), total)
    });
    let resources = "  parents:\n    endpoint: {path: /parents, paginator: {type: offset, limit: 1000}}\n  kids:\n    \
                     endpoint: {path: \"/parents/{parent_id}/kids\", paginator: {type: offset, limit: 2}}\n";
    let folder = Folder::new();
    folder.write("c.yaml", &config(&server, "write_disposition: append", resources));
    let child = folder.spawn(&["run", "c.yaml", "--to", to, "--progress", "none"]);
    wait_until(|| server.count("/parents/*/kids") > 55_000);
    kill(child);
    (server, folder)
}

/// What both destinations must come to: everything once, and next to nothing asked for twice.
#[track_caller]
fn goes_on_among_parents(server: &Server, folder: &Folder, to: &str) {
    let before = server.count("*");
    server.clear_log();
    let ran = folder.run(&["run", "c.yaml", "--to", to, "--progress", "none"]).expect(0);
    ran.says(&["going on where the last run broke off"]);
    let (again, pages) = (server.count("*"), 100 + PARENTS + PARENTS / 10);
    // What was read in the last second before the end was not committed.
    let twice = before + again - pages;
    assert!(before > 55_000 && twice < 25_000, "{before} pages, then {again}, of {pages}");
}

#[test]
fn a_hundred_thousand_parents_into_a_database() {
    let to = "sqlite:out.db";
    let (server, folder) = very_many_parents(to);
    goes_on_among_parents(&server, &folder, to);
    let kids: usize = (0..PARENTS).map(children).sum();
    for count in ["count(*)", "count(distinct id)"] {
        let query = format!("select {count} from kids where _parents_id = id / 10");
        assert_eq!(folder.count("out.db", &query), kids as i64);
        assert_eq!(folder.count("out.db", &format!("select {count} from parents")), PARENTS as i64);
    }
    // Nothing is left of the way.
    assert_eq!(
        folder.count("out.db", "select count(*) from _sanderling_state where entry like '{\"pending\"%'"),
        0
    );
    assert_eq!(
        folder.count("out.db", "select count(*) from _sanderling_state where entry like '{\"chain\"%'"),
        0
    );
}

#[test]
fn a_hundred_thousand_parents_into_files() {
    let to = "jsonl:out";
    let (server, folder) = very_many_parents(to);
    goes_on_among_parents(&server, &folder, to);
    let kids = (0..PARENTS).flat_map(|parent| {
        (0..children(parent))
            .map(move |kid| format!("{{\"id\":{},\"_parents_id\":{parent}}}", parent * 10 + kid))
    });
    assert!(folder.lines("out/kids.jsonl").into_iter().eq(kids));
    let parents = (0..PARENTS).map(|id| format!("{{\"id\":{id}}}"));
    assert!(folder.lines("out/parents.jsonl").into_iter().eq(parents));
}

#[test]
fn a_replace_is_resumed_after_a_crash() {
    for to in ["sqlite:out.db", "jsonl:out"] {
        let server = open();
        let version = Arc::new(AtomicUsize::new(1));
        // From the third page on the second version comes slowly enough to be killed.
        let slow = Arc::new(AtomicBool::new(false));
        server.set_route("/items", {
            let (version, slow) = (version.clone(), slow.clone());
            move |request| {
                let version = version.load(Ordering::Relaxed);
                let total = 100 + 700 * (version - 1);
                let rows = window(request, total).map(|id| format!("{{\"id\":{id},\"version\":{version}}}"));
                let mut reply = page(rows, total);
                if slow.load(Ordering::Relaxed) && request.number_param("offset") >= Some(300) {
                    reply.delay_ms = 60_000;
                }
                reply
            }
        });
        let folder = Folder::new();
        folder.write("c.yaml", &config(&server, "write_disposition: replace", "  items: /items\n"));
        let args = ["run", "c.yaml", "--to", to, "--progress", "none"];
        let versions = |version: usize, total: usize| -> Vec<String> {
            (0..total).map(|id| format!("{{\"id\":{id},\"version\":{version}}}")).collect()
        };
        let stored = || {
            if to == "jsonl:out" {
                return folder.lines("out/items.jsonl");
            }
            let database = folder.database("out.db");
            let mut statement = database
                .prepare("select json_object('id', id, 'version', version) from items order by rowid")
                .unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        folder.run(&args).expect(0);
        assert_eq!(stored(), versions(1, 100));

        version.store(2, Ordering::Relaxed);
        slow.store(true, Ordering::Relaxed);
        server.clear_log();
        let child = folder.spawn(&args);
        wait_until(|| server.requests().iter().any(|request| request.number_param("offset") >= Some(300)));
        // Long enough for a commit that is due after a second.
        std::thread::sleep(Duration::from_millis(1_300));
        assert_eq!(stored(), versions(1, 100), "the old rows stay until the new ones are whole");
        kill(child);
        assert_eq!(stored(), versions(1, 100));

        slow.store(false, Ordering::Relaxed);
        server.clear_log();
        folder.run(&args).expect(0).says(&["going on where the last run broke off, with 300 rows there"]);
        assert_eq!(stored(), versions(2, 800));
        let mut asked: Vec<_> =
            server.requests().iter().map(|request| request.number_param("offset").unwrap()).collect();
        asked.sort_unstable();
        assert_eq!(asked, [300, 400, 500, 600, 700]);

        folder.run(&args).expect(0);
        assert_eq!(stored(), versions(2, 800));
    }
}

/// Runs to the end, and tells the most memory that the process ever held, in MiB.
fn run_measured(folder: &Folder, args: &[&str]) -> (Ran, u64) {
    let mut child = folder.spawn(args);
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let read = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = read.unwrap_or(peak_kib);
        std::thread::sleep(Duration::from_millis(1));
    }
    (Ran::from(child.wait_with_output().unwrap()), peak_kib >> 10)
}

const BILLIONS: u64 = 1_000_000_000_000;

#[test]
fn a_total_of_billions_is_read_as_far_as_asked() {
    let server = open();
    server.set_route("/rows", |request| {
        page(window(request, usize::MAX).map(|id| format!("{{\"id\":{id}}}")), BILLIONS)
    });
    let folder = Folder::new();
    folder.write("c.yaml", &config(&server, "write_disposition: append", "  rows: /rows\n"));
    for to in ["sqlite:out.db", "jsonl:out"] {
        server.clear_log();
        let args = ["run", "c.yaml", "--to", to, "--max-pages", "30"];
        let (ran, peak_mib) = run_measured(&folder, &args);
        ran.expect(0).says(&["--max-pages 30", "there may be more rows"]);
        assert_eq!(server.requests().len(), 30);
        assert!((1..200).contains(&peak_mib), "{peak_mib} MiB");
    }
    assert_eq!(ids_as_written(&folder, "rows"), (0..3_000).collect::<Vec<_>>());
    assert_eq!(folder.lines("out/rows.jsonl").len(), 3_000);
}

#[test]
fn a_total_of_billions_that_is_not_there() {
    let server = open();
    server.set_route("/rows", |request| {
        page(window(request, 300).map(|id| format!("{{\"id\":{id}}}")), BILLIONS)
    });
    for to in ["sqlite:out.db", "jsonl:out"] {
        server.clear_log();
        let folder = Folder::new();
        folder.write("c.yaml", &config(&server, "write_disposition: append", "  rows: /rows\n"));
        let (ran, peak_mib) = run_measured(&folder, &["run", "c.yaml", "--to", to]);
        ran.expect(5).says(&["offset 300", "total says 1000000000000"]);
        // Three pages, the empty one twice, and what was asked for beside it.
        assert!(server.requests().len() <= 12, "{} requests", server.requests().len());
        assert!((1..200).contains(&peak_mib), "{peak_mib} MiB");
    }
}

#[test]
fn a_key_in_rows_and_partitions_is_stored_as_a_reference() {
    let config = |server: &Server| {
        let resources = "  projects: /v1/projects\n  tasks:\n    include_from_parent: [link]\n    endpoint:\n      \
                         path: /v1/projects/{resources.projects.id}/tasks\n      \
                         params: {ref: \"{resources.projects.link}\"}\n";
        let auth = "{type: api_key, name: api_key, api_key: \"${secrets.api_key}\", location: query}";
        let text = config(server, "write_disposition: append", resources);
        text.replacen("\"}\n", &format!("\", auth: {auth}}}\n"), 1)
    };
    let serve = || {
        let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
        let json = serde_json::Value::from(KEY).to_string();
        // The link of a project is what its tasks are asked for by.
        let row = move |id: usize| format!("{{\"id\":{id},\"link\":{json},\"text\":{json}}}");
        server.set_route("/v1/projects", {
            let row = row.clone();
            move |request| page(window(request, 8).map(&row), 8)
        });
        server.set_route("/v1/projects/*/tasks", move |request| {
            if request.param("ref") != Some(KEY) || request.param("api_key") != Some(KEY) {
                return Reply::status(400);
            }
            let project: usize = request.path.split('/').nth(3).unwrap().parse().unwrap();
            page(window(request, 2).map(|task| row(project * 10 + task)), 2)
        });
        server
    };
    for to in ["sqlite:out.db", "jsonl:out"] {
        let (clean_server, clean) = (serve(), Folder::with_key(KEY));
        clean.write("c.yaml", &config(&clean_server));
        clean.run(&["run", "c.yaml", "--to", to]).expect(0);

        let (server, folder) = (serve(), Folder::with_key(KEY));
        folder.write("c.yaml", &config(&server));
        server.add_fault(Fault::new("/v1/projects/4/tasks", When::Always, Action::Hang));
        let child = folder.spawn(&["run", "c.yaml", "--to", to]);
        wait_until(|| server.count("/v1/projects/4/tasks") > 0);
        std::thread::sleep(Duration::from_millis(1_300));
        kill(child);
        leaks::assert_none(&folder, &[], KEY, &[]);
        let pending = if to == "jsonl:out" {
            folder.read("out/.sanderling/journal.jsonl")
        } else {
            let query = "select group_concat(value) from _sanderling_state where entry like '{\"pending\"%'";
            folder.database("out.db").query_row(query, [], |row| row.get(0)).unwrap()
        };
        assert!(
            pending.contains("${secrets.api_key}") && !pending.contains("sanderling-secret"),
            "{pending}"
        );

        server.clear_faults();
        let ran = folder.run(&["run", "c.yaml", "--to", to]).expect(0);
        leaks::assert_none(&folder, &[&ran], KEY, &[]);
        let tables = |folder: &Folder| -> Vec<Vec<String>> {
            let table = |name: &&str| match to {
                "jsonl:out" => folder.lines(&format!("out/{name}.jsonl")),
                _ => folder.table("out.db", name),
            };
            ["projects", "tasks"].iter().map(table).collect()
        };
        let rows = tables(&folder);
        assert_eq!(rows, tables(&clean));
        assert_eq!((rows[0].len(), rows[1].len()), (8, 16));
        match to {
            "jsonl:out" => assert!(rows.concat().iter().all(|row| row.contains("${secrets.api_key}"))),
            _ => {
                let query =
                    "select count(*) from tasks where _projects_link = '${secrets.api_key}' and link = text";
                assert_eq!(folder.count("out.db", query), 16);
            }
        }
    }
}

#[test]
fn a_redirect_that_carries_the_key() {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let percent = utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string();
    server.set_route("/moved", move |request| {
        // The key is in the header; the API puts it into the URL of the next hop.
        assert_eq!(request.header("Authorization"), Some(format!("Bearer {KEY}").as_str()));
        let to = format!("/v1/time_entries?{}&api_key={percent}", request.target.split_once('?').unwrap().1);
        Reply::status(302).header("Location", &to)
    });
    let folder = Folder::with_key(KEY);
    let text = config(&server, "write_disposition: append", "  entries: /moved\n");
    folder.write("c.yaml", &text.replacen("\"}\n", "\", auth: {token: \"${secrets.api_key}\"}}\n", 1));
    let ran = folder.run(&["run", "c.yaml", "--to", "sqlite:out.db", "--json"]).expect(0);
    assert_eq!(ids_as_written(&folder, "entries"), (500_001..503_001 - 500).collect::<Vec<_>>());
    assert_eq!((server.count("/moved"), server.count("/v1/time_entries")), (25, 25));
    let landed = server.requests().into_iter().filter(|request| request.path != "/moved");
    assert!(landed.into_iter().all(|request| request.param("api_key") == Some(KEY)));
    leaks::assert_none(&folder, &[&ran], KEY, &[]);
}

#[test]
fn a_next_url_that_carries_the_key() {
    let server = start(Options::default()).unwrap();
    let next = format!("{}/items?page=2&api_key={KEY}", server.base_url());
    server.set_route("/items", move |request| {
        // One key, whether the link brought it or the config.
        let keys: Vec<_> = request.query.iter().filter(|(name, _)| name == "api_key").collect();
        assert_eq!(keys, [&("api_key".to_owned(), KEY.to_owned())]);
        let page = request.number_param("page").unwrap_or(1);
        let next = if page == 1 { format!("\"{next}\"") } else { "null".to_owned() };
        let body = format!("{{\"data\":[{{\"id\":{page}}}],\"links\":{{\"next\":{next}}}}}");
        let reply = Reply::json(200, body);
        if page == 1 {
            reply.header("Link", &format!("<{next}>; rel=\"next\"").replace('"', ""))
        } else {
            reply
        }
    });
    let auth = "{type: api_key, name: api_key, api_key: \"${secrets.api_key}\", location: query}";
    for paginator in ["auto", "header_link", "{type: json_link, next_url_path: links.next}"] {
        server.clear_log();
        let folder = Folder::with_key(KEY);
        let text = format!(
            "client: {{base_url: \"{}\", auth: {auth}, paginator: {paginator}}}\nresources:\n  - {{name: items, \
             endpoint: {{path: items, data_selector: data}}}}\n",
            server.base_url()
        );
        folder.write("c.yaml", &text);
        let ran = folder.run(&["run", "c.yaml", "--to", "sqlite:out.db", "--json", "-vv"]).expect(0);
        assert_eq!(
            (ids_as_written(&folder, "items"), server.count("/items")),
            (vec![1, 2], 2),
            "{paginator}"
        );
        leaks::assert_none(&folder, &[&ran], KEY, &[]);
    }
}

#[test]
fn pages_that_come_out_of_order_are_committed_in_order() {
    let server = open();
    // Of each four pages that are asked for together, the first takes longest.
    let ended: Arc<Mutex<Vec<usize>>> = Arc::default();
    let (flying, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    server.set_route("/rows", {
        let (ended, flying, most) = (ended.clone(), flying.clone(), most.clone());
        move |request| {
            most.fetch_max(flying.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let rows = window(request, 4_000);
            std::thread::sleep(Duration::from_millis(40 - 10 * (rows.start / 100 % 4) as u64));
            flying.fetch_sub(1, Ordering::SeqCst);
            ended.lock().unwrap().push(rows.start);
            page(rows.map(|id| format!("{{\"id\":{id}}}")), 4_000)
        }
    });
    for disposition in ["append", "replace", "merge"] {
        let folder = Folder::new();
        let text = config(&server, &format!("write_disposition: {disposition}"), "  rows: /rows\n");
        folder.write("c.yaml", &text);
        folder.run(&["run", "c.yaml", "--to", "sqlite:out.db"]).expect(0);
        assert_eq!(ids_as_written(&folder, "rows"), (0..4_000).collect::<Vec<_>>(), "{disposition}");
        folder.run(&["run", "c.yaml", "--to", "jsonl:out"]).expect(0);
        let lines: Vec<i64> = folder.lines("out/rows.jsonl").iter().map(|row| id(row)).collect();
        assert_eq!(lines, (0..4_000).collect::<Vec<_>>(), "{disposition}");
        let ended = std::mem::take(&mut *ended.lock().unwrap());
        assert_eq!(ended.len(), 80);
        assert!(!ended.is_sorted(), "the server did not answer out of order");
        assert_eq!(most.swap(0, Ordering::SeqCst), 4, "pages were not asked for side by side");
    }
}
