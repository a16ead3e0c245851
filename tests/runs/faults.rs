//! Servers that fail in every way, as whole runs: what is tried again and when, what is kept, what is said, the exit code.

use std::time::{Duration, SystemTime};

use sanderling_demo::{Action, Coding, Fault, Options, Pace, Reply, Request, Server, When, start};
use serde_json::{Value, json};

use crate::program::{Folder, Ran};

/// A list of six rows, three pages long.
struct List {
    server: Server,
    folder: Folder,
    started: SystemTime,
}

impl List {
    /// Reads with these retries, and `limits` of the host.
    fn new(error_handler: &Value, limits: &Value) -> Self {
        let started = SystemTime::now();
        let server = start(Options { expenses: 6, clients: 2, ..Options::default() }).unwrap();
        let folder = Folder::new();
        let config = json!({
            "name": "list",
            "limits": limits,
            "client": {"base_url": server.base_url()},
            "resource_defaults": {
                "primary_key": "id",
                "write_disposition": "append",
                "endpoint": {
                    "data_selector": "data",
                    "paginator": {"type": "offset", "limit": 2},
                    "error_handler": error_handler,
                },
            },
            "resources": {"expenses": "/v1/expenses", "clients": "/v1/clients"},
        });
        folder.write("list.json", &config.to_string());
        Self { server, folder, started }
    }

    /// The same, without patience.
    fn quick(max_retries: u32) -> Self {
        let limits = json!({"concurrency": 1, "first_byte_timeout_ms": 300, "idle_timeout_ms": 200});
        Self::new(&json!({"max_retries": max_retries, "backoff_factor": 0.01}), &limits)
    }

    /// Spoils the second page of expenses, so many times.
    fn spoil(&self, action: Action, times: Option<u64>) {
        let fault = Fault::new("/v1/expenses", When::Always, action);
        self.server.add_fault(Fault { query: vec![("offset".into(), "2".into())], times, ..fault });
    }

    fn run(&self) -> Ran {
        self.folder.run(&["run", "list.json", "--to", "sqlite:list.db"])
    }

    /// Requests for the second page of expenses.
    fn second(&self) -> Vec<Request> {
        let of_page =
            |request: &Request| request.path == "/v1/expenses" && request.number_param("offset") == Some(2);
        self.server.requests().into_iter().filter(of_page).collect()
    }

    fn rows(&self, table: &str) -> i64 {
        self.folder.count("list.db", &format!("select count(*) from {table}"))
    }
}

/// A way to fail, its name, and what is seen of it.
type Case = (&'static str, Action, i32, usize, &'static str);

fn passing() -> Vec<(&'static str, Action)> {
    vec![
        ("503", Action::status(503)),
        ("500", Action::status(500)),
        ("429", Action::status(429)),
        ("reset", Action::Reset),
        ("reset in the body", Action::ResetAfter { bytes: 20 }),
        ("closed", Action::Close),
        ("no answer", Action::Hang),
        ("slow-loris", Action::Slow(Pace { bytes: 1, pause_ms: 1_000 })),
        ("body cut short", Action::Truncate { after_bytes: 40 }),
        ("JSON cut short", Action::CutJson { bytes: 40 }),
        ("junk after the body", Action::JunkAfter("}".into())),
        ("not HTTP", Action::Garbage("hello\r\n\r\n".into())),
        ("gzip that is none", Action::Coded(Coding::GzipFalsely)),
        ("empty page", Action::EmptyPage),
    ]
}

#[test]
fn what_fails_once_is_tried_again() {
    for (name, action) in passing() {
        let list = List::quick(1);
        list.spoil(action, Some(1));
        let ran = list.run();
        assert_eq!(ran.code, Some(0), "{name}\n{}", ran.stderr);
        assert_eq!(list.second().len(), 2, "{name}\n{}", ran.stderr);
        assert_eq!((list.rows("expenses"), list.rows("_sanderling_errors")), (6, 0), "{name}");
        let retries =
            list.folder.count("list.db", "select retries from _sanderling_loads where resource = 'expenses'");
        assert_eq!(retries, 1, "{name}");
    }
}

#[test]
fn what_fails_for_good_keeps_what_came_before_and_goes_on_there() {
    let tries = 3;
    let cases: Vec<Case> = vec![
        ("500", Action::status(500), 4, tries, "the API answered 500"),
        ("reset", Action::Reset, 4, tries, "expenses, page 2"),
        ("closed", Action::Close, 4, tries, "expenses, page 2"),
        ("no answer", Action::Hang, 4, tries, "expenses, page 2"),
        ("slow-loris", Action::Slow(Pace { bytes: 1, pause_ms: 1_000 }), 4, tries, "expenses, page 2"),
        ("body cut short", Action::Truncate { after_bytes: 40 }, 4, tries, "expenses, page 2"),
        ("JSON cut short", Action::CutJson { bytes: 40 }, 5, tries, "cut short at byte 40"),
        ("junk after", Action::JunkAfter("}".into()), 5, tries, "the answer is damaged"),
        ("empty page", Action::EmptyPage, 5, tries, "empty page at offset 2 while the total says 6"),
        ("HTML", Action::Html, 5, 1, "an HTML page"),
        ("no record path", Action::DropRecordPath, 5, 1, "nothing at data_selector `data`"),
        ("404", Action::status(404), 1, 1, "hint: check `path`"),
        ("400", Action::status(400), 1, 1, "bad request"),
        ("401", Action::status(401), 3, 1, "the API refuses the credential (401)"),
        ("403", Action::status(403), 3, 1, "the API refuses the credential (403)"),
    ];
    for (name, action, code, asked, said) in cases {
        let list = List::quick(2);
        list.spoil(action, None);
        let ran = list.run();
        assert_eq!(ran.code, Some(code), "{name}\n{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{name}: {said}\n{}", ran.stderr);
        assert_eq!(list.second().len(), asked, "{name}\n{}", ran.stderr);
        // The resource after it is complete.
        assert_eq!((list.rows("expenses"), list.rows("clients")), (2, 2), "{name}");
        let error = "select count(*) from _sanderling_errors where resource = 'expenses' and message <> '' \
                     and url like '%/v1/expenses?offset=2&limit=2' and attempts = ";
        assert_eq!(list.folder.count("list.db", &format!("{error}{asked}")), 1, "{name}");

        list.server.clear_faults();
        list.server.clear_log();
        let ran = list.run();
        assert_eq!(ran.code, Some(0), "{name}, mended\n{}", ran.stderr);
        assert_eq!((list.rows("expenses"), list.rows("clients")), (6, 2), "{name}, mended");
        assert_eq!(list.server.requests().len(), 2, "{name}: what was kept is not asked for again");
    }
}

/// An IMF-fixdate (RFC 9110, 5.6.7), whole seconds after 1970.
fn http_date(at: SystemTime) -> (String, SystemTime) {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days, by the era of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let name = &names[(month as usize - 1) * 3..month as usize * 3];
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    (format!("{weekday}, {day:02} {name} {year} {hour:02}:{minute:02}:{second:02} GMT"), whole)
}

/// Seconds between the request that was answered 429 and its retry, and when the retry came.
fn gap(retry_after: Option<&str>, status: u16) -> (f64, SystemTime) {
    let list = List::new(&json!({"max_retries": 2, "backoff_factor": 1.0}), &json!({"concurrency": 4}));
    let reply = Reply::status(status);
    let reply = match retry_after {
        Some(value) => reply.header("Retry-After", value),
        None => reply,
    };
    list.spoil(Action::Answer(reply), Some(1));
    list.run().expect(0);
    assert_eq!(list.rows("expenses"), 6);
    let [first, second] = list.second().try_into().unwrap();
    ((second.at - first.at).as_secs_f64(), list.started + second.at)
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let (date, at) = http_date(SystemTime::now() + Duration::from_secs(4));
    std::thread::scope(|scope| {
        let seconds = scope.spawn(|| gap(Some("2"), 429).0);
        let zero = scope.spawn(|| gap(Some("0"), 429).0);
        let nothing = scope.spawn(|| gap(None, 429).0);
        let unavailable = scope.spawn(|| gap(Some("2"), 503).0);
        let dated = scope.spawn(|| gap(Some(&date), 429).1);
        for (name, gap, least, most) in [
            ("2", seconds, 2.0, 3.0),
            // Zero is no hint: the backoff of a second, with jitter.
            ("0", zero, 1.0, 2.0),
            ("none", nothing, 1.0, 2.0),
            ("2 with 503", unavailable, 2.0, 3.0),
        ] {
            let gap = gap.join().unwrap();
            assert!((least..most).contains(&gap), "Retry-After {name}: {gap} s");
        }
        let came = dated.join().unwrap();
        assert!(came >= at, "Retry-After {date}: {:?} too early", at.duration_since(came));
        assert!(came < at + Duration::from_secs(2), "Retry-After {date}: {:?} late", came.duration_since(at));
    });
}

#[test]
fn a_wait_beyond_the_budget_stops_the_origin() {
    for status in [429, 503] {
        let list = List::new(&json!({"max_retries": 3}), &json!({"concurrency": 1}));
        list.spoil(Action::Answer(Reply::status(status).header("Retry-After", "3600")), None);
        let ran = list.run().expect(4);
        assert!(
            ran.stderr.contains("wants to be asked again at ") && ran.stderr.contains(" UTC"),
            "{}",
            ran.stderr
        );
        // Nothing more is asked, not even of another resource.
        assert_eq!(
            (list.server.requests().len(), list.server.count("/v1/clients")),
            (2, 0),
            "{}",
            ran.stderr
        );
        assert_eq!(list.rows("expenses"), 2);
        // Too early: one request, and the same answer.
        list.server.clear_log();
        let ran = list.run().expect(4).says(&["wants to be asked again at "]);
        assert_eq!(list.server.requests().len(), 1, "{}", ran.stderr);
        list.server.clear_faults();
        list.run().expect(0);
        assert_eq!((list.rows("expenses"), list.rows("clients")), (6, 2));
    }
}

/// Three projects with five tasks each, read two by two.
fn family(to: &str) -> (Server, Folder, [String; 4]) {
    let server = start(Options { projects: 3, tasks_per_project: 5, ..Options::default() }).unwrap();
    let folder = Folder::new();
    let config = json!({
        "name": "family",
        "limits": {"concurrency": 1},
        "client": {"base_url": server.base_url()},
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "append",
            "endpoint": {
                "data_selector": "data",
                "paginator": {"type": "offset", "limit": 2},
                "error_handler": {"max_retries": 1, "backoff_factor": 0.01},
            },
        },
        "resources": {"projects": "/v1/projects", "tasks": "/v1/projects/{parent_id}/tasks"},
    });
    folder.write("family.json", &config.to_string());
    (server, folder, ["run", "family.json", "--to", to].map(str::to_owned))
}

fn run(folder: &Folder, args: &[String]) -> Ran {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    folder.run(&args)
}

#[test]
fn a_parent_that_is_gone_is_counted_and_listed_and_no_failure() {
    for status in [404, 410] {
        let (server, folder, args) = family("sqlite:family.db");
        server.add_fault(Fault::new("/v1/projects/102/tasks", When::Always, Action::status(status)));
        let ran = run(&folder, &args).expect(0);
        assert!(ran.stderr.contains("gone"), "{}", ran.stderr);
        assert_eq!(server.count("/v1/projects/102/tasks"), 1);
        let count = |query| folder.count("family.db", query);
        assert_eq!(count("select count(*) from tasks"), 10);
        assert_eq!(
            count(
                "select value ->> 'missing_parents' from _sanderling_state where entry = '{\"load\":\"tasks\"}'"
            ),
            1
        );
        let listed = format!(
            "select count(*) from _sanderling_errors where resource = 'tasks' and partition_key = '[102]' \
             and status = {status} and attempts = 1"
        );
        assert_eq!(folder.count("family.db", &listed), 1);
        assert_eq!(count("select count(*) from _sanderling_errors"), 1);
    }
}

#[test]
fn a_parent_that_fails_leaves_its_siblings_and_is_read_by_the_next_run() {
    for (to, offset) in [("sqlite:family.db", "0"), ("sqlite:family.db", "2"), ("jsonl:family", "2")] {
        let (server, folder, args) = family(to);
        let fault = Fault::new("/v1/projects/102/tasks", When::Always, Action::status(500));
        server.add_fault(Fault { query: vec![("offset".into(), offset.into())], ..fault });
        let ran = run(&folder, &args).expect(4);
        let ran = ran.says(&["tasks of parent [102], page ", "the API answered 500", "1 parent"]);
        let whole = if offset == "0" { 0 } else { 2 };
        let tasks = || match to {
            "jsonl:family" => folder.lines("family/tasks.jsonl").len(),
            _ => folder.count("family.db", "select count(*) from tasks") as usize,
        };
        assert_eq!(tasks(), 10 + whole, "{}", ran.stderr);

        server.clear_faults();
        server.clear_log();
        let ran = run(&folder, &args).expect(0);
        assert_eq!(tasks(), 15, "{}", ran.stderr);
        let mut asked: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
        asked.sort();
        let page = |offset| format!("/v1/projects/102/tasks?offset={offset}&limit=2");
        let missing: Vec<String> = [0, 2, 4].into_iter().skip(whole / 2).map(page).collect();
        assert_eq!(asked, missing, "just what failed is read");
        // All is there: the run after it begins a pass of its own.
        server.clear_log();
        run(&folder, &args).expect(0);
        assert_eq!(server.requests().len(), 2 + 9);
    }
}

#[test]
fn errors_are_kept_with_all_that_is_known_of_them() {
    let server = start(Options { key: Some("s3cret-key-77".into()), ..Options::default() }).unwrap();
    let refusal =
        Reply::json(500, r#"{"error": "the key s3cret-key-77 is tired"}"#).header("X-Request-Id", "r-17");
    server.add_fault(Fault::new("/v1/expenses", When::Always, Action::Answer(refusal)));
    for to in ["sqlite:errors.db", "jsonl:errors"] {
        let folder = Folder::with_key("s3cret-key-77");
        let config = json!({
            "name": "errors",
            "client": {
                "base_url": server.base_url(),
                "auth": {"type": "api_key", "name": "api_key", "api_key": "${secrets.api_key}", "location": "query"},
            },
            "resources": [{"name": "expenses", "endpoint": {
                "path": "/v1/expenses", "data_selector": "data", "paginator": {"type": "offset", "limit": 2},
                "error_handler": {"max_retries": 1, "backoff_factor": 0.01},
            }}],
        });
        folder.write("errors.json", &config.to_string());
        folder.run(&["run", "errors.json", "--to", to]).expect(4);
        let error: Value = if to.starts_with("sqlite") {
            let query = "select json_object('resource', resource, 'url', url, 'status', status, 'attempts', attempts, \
                         'message', message, 'excerpt', excerpt, 'request_id', request_id, 'at', at) \
                         from _sanderling_errors";
            let text: String = folder.database("errors.db").query_row(query, [], |row| row.get(0)).unwrap();
            serde_json::from_str(&text).unwrap()
        } else {
            let lines = folder.lines("errors/.sanderling/errors.jsonl");
            assert_eq!(lines.len(), 1);
            serde_json::from_str(&lines[0]).unwrap()
        };
        let known = ["resource", "status", "attempts", "request_id"].map(|key| error[key].clone());
        assert_eq!(known, [json!("expenses"), json!(500), json!(2), json!("r-17")]);
        let text = error.to_string();
        assert!(!text.contains("s3cret"), "{text}");
        assert!(error["url"].as_str().unwrap().contains("/v1/expenses?"), "{text}");
        assert!(error["excerpt"].as_str().unwrap().contains("is tired"), "{text}");
        assert!(error["message"].as_str().unwrap().contains("500"), "{text}");
        assert!(error["at"].as_str().unwrap().starts_with("20"), "{text}");
    }
}

#[test]
fn of_several_failures_the_first_of_2_3_5_4_1_is_the_exit_code() {
    let failing = |code: i32| match code {
        2 => Reply::status(302).header("Location", "http://localhost:1/"),
        3 => Reply::status(401),
        5 => Reply::html(200, "<html>"),
        4 => Reply::status(500),
        _ => Reply::status(404),
    };
    let order = [2, 3, 5, 4, 1];
    for (rank, first) in order.into_iter().enumerate() {
        for second in order.into_iter().skip(rank) {
            // The graver one comes last.
            let server = start(Options { clients: 2, ..Options::default() }).unwrap();
            server.script("/second", vec![failing(second)]);
            server.script("/first", vec![failing(first)]);
            let folder = Folder::new();
            let config = json!({
                "client": {"base_url": server.base_url()},
                "resource_defaults": {"endpoint": {
                    "data_selector": "data", "paginator": "single_page", "error_handler": {"max_retries": 0},
                }},
                "resources": {"second": "/second", "first": "/first", "clients": "/v1/clients"},
            });
            folder.write("codes.json", &config.to_string());
            let ran = folder.run(&["run", "codes.json", "--to", "sqlite:codes.db", "--json"]).expect(first);
            let document: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(document["exit_code"], json!(first));
            let statuses = document["resources"].as_array().unwrap().iter().map(|it| it["status"].clone());
            assert_eq!(statuses.collect::<Vec<_>>(), ["failed", "failed", "complete"], "{}", ran.stderr);
            assert_eq!(folder.count("codes.db", "select count(*) from clients"), 2);
        }
    }
}

#[test]
fn parents_that_are_all_gone_are_a_sign_of_a_wrong_path() {
    let (server, folder, args) = family("sqlite:family.db");
    server.add_fault(Fault::new("/v1/projects/*/tasks", When::Always, Action::status(404)));
    run(&folder, &args).expect(0).says(&["tasks: not one of its parents (3) was there", "check `path`"]);
    let (server, folder, args) = family("sqlite:family.db");
    server.add_fault(Fault::new("/v1/projects/102/tasks", When::Always, Action::status(404)));
    let ran = run(&folder, &args).expect(0);
    assert!(!ran.stderr.contains("not one of its parents"), "{}", ran.stderr);
}
