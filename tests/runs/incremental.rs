//! Incremental reading as whole runs: what a second run asks for and writes, and what one that broke off leaves.

use std::sync::{Arc, Mutex};

use sanderling_demo::{Action, Fault, Options, Reply, Request, Server, When, start};
use serde_json::{Value, json};

use crate::program::{Folder, Ran};

const TARGETS: [&str; 2] = ["sqlite:out.db", "jsonl:out"];

/// Rows by path, shared with the server.
type Lists = Arc<Mutex<Vec<(String, Vec<Value>)>>>;

/// An API whose lists may be changed between runs, read in pages of 3.
struct Api {
    server: Server,
    folder: Folder,
    lists: Lists,
}

/// The page of a list that a request asks for; what is older than its `since` is left out.
fn page(list: &[Value], request: &Request) -> Reply {
    let number = |name| request.number_param(name).unwrap_or_default();
    let since: Option<Value> =
        request.param("since").map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
    let is_meant = |row: &&Value| match (&since, &row["at"]) {
        (Some(Value::Number(since)), Value::Number(at)) => at.as_f64() >= since.as_f64(),
        (Some(Value::String(since)), Value::String(at)) => at >= since,
        _ => true,
    };
    let rows: Vec<&Value> = list.iter().filter(is_meant).collect();
    let total = rows.len();
    let data: Vec<&Value> = rows.into_iter().skip(number("offset")).take(number("limit")).collect();
    Reply::json(200, json!({"data": data, "total": total}).to_string())
}

impl Api {
    /// A resource `items` with this `incremental`; `more` goes into the resource.
    fn new(incremental: Value, more: Value) -> Self {
        let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
        let lists: Lists = Arc::default();
        for path in ["/items", "/parents", "/parents/*/items"] {
            let lists = lists.clone();
            server.set_route(path, move |request| {
                let lists = lists.lock().unwrap();
                let list = lists.iter().find(|(path, _)| *path == request.path);
                page(list.map_or(&[], |(_, rows)| rows), request)
            });
        }
        let api = Self { server, folder, lists };
        api.config(incremental, more);
        api
    }

    fn config(&self, incremental: Value, more: Value) {
        let mut items = json!({"name": "items", "primary_key": "id", "endpoint": {"path": "items"}});
        items["endpoint"]["incremental"] = incremental;
        let mut resources = vec![];
        for (key, value) in more.as_object().unwrap() {
            match key.as_str() {
                "resources" => resources.extend(value.as_array().unwrap().clone()),
                "endpoint" => {
                    for (key, value) in value.as_object().unwrap() {
                        items["endpoint"][key] = value.clone();
                    }
                }
                _ => items[key] = value.clone(),
            }
        }
        resources.push(items);
        let config = json!({
            "name": "api",
            "client": {"base_url": self.server.base_url()},
            "resource_defaults": {"endpoint": {
                "data_selector": "data", "paginator": {"type": "offset", "limit": 3},
                "error_handler": {"max_retries": 0}
            }},
            "resources": resources
        });
        self.folder.write("c.json", &config.to_string());
    }

    fn list(&self, path: &str, rows: Vec<Value>) {
        let mut lists = self.lists.lock().unwrap();
        lists.retain(|(other, _)| other != path);
        lists.push((path.to_owned(), rows));
    }

    fn items(&self, rows: &[(u64, Value)]) {
        self.list("/items", rows.iter().map(|(id, at)| json!({"id": id, "at": at})).collect());
    }

    fn run(&self, target: &str, flags: &[&str]) -> Ran {
        self.server.clear_log();
        self.folder.run(&[&["run", "c.json", "--to", target], flags].concat())
    }

    /// The ids of a table, in order.
    fn ids(&self, target: &str, table: &str) -> Vec<u64> {
        let mut ids: Vec<u64> = match target {
            "jsonl:out" => {
                let id = |line: String| serde_json::from_str::<Value>(&line).unwrap()["id"].as_u64().unwrap();
                self.folder.lines(&format!("out/{table}.jsonl")).into_iter().map(id).collect()
            }
            _ => {
                let database = self.folder.database("out.db");
                let mut select = database.prepare(&format!("select id from \"{table}\"")).unwrap();
                select
                    .query_map([], |row| row.get::<_, i64>(0))
                    .unwrap()
                    .map(|id| id.unwrap() as u64)
                    .collect()
            }
        };
        ids.sort_unstable();
        ids
    }

    /// What each request sent as a parameter.
    fn sent(&self, name: &str) -> Vec<Option<String>> {
        self.server.requests().iter().map(|request| request.param(name).map(str::to_owned)).collect()
    }

    fn watermark(&self, target: &str) -> Value {
        let shown = self.folder.run(&["state", "show", "--to", target, "--json"]).expect(0);
        let document: Value = serde_json::from_str(&shown.stdout).unwrap();
        document["pipelines"][0]["watermarks"]["items"].clone()
    }
}

fn since() -> Value {
    json!({"cursor_path": "at", "start_param": "since"})
}

fn day(day: u64) -> Value {
    json!(format!("2024-05-{day:02}T00:00:00Z"))
}

#[test]
fn each_run_adds_what_is_new_and_repeats_nothing() {
    for target in TARGETS {
        let api = Api::new(since(), json!({}));
        api.items(&[(1, day(3)), (2, day(1)), (3, day(3)), (4, day(2))]);
        api.run(target, &[]).expect(0);
        assert_eq!(api.sent("since"), [None, None]);
        api.run(target, &[]).expect(0);
        assert_eq!(api.sent("since"), [Some("2024-05-03T00:00:00Z".to_owned())]);
        assert_eq!(api.ids(target, "items"), [1, 2, 3, 4]);
        // One more of the newest value, and one beyond.
        api.items(&[(1, day(3)), (2, day(1)), (3, day(3)), (4, day(2)), (5, day(3)), (6, day(9))]);
        let ran = api.run(target, &["--json"]).expect(0);
        assert_eq!(api.ids(target, "items"), [1, 2, 3, 4, 5, 6]);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            document["resources"][0]["watermark"],
            json!({"cursor": "at", "value": "2024-05-09T00:00:00Z", "parents": 0})
        );
        assert_eq!(api.watermark(target), document["resources"][0]["watermark"]);
        let status = api.folder.run(&["status", "c.json", "--to", target]).expect(0);
        assert!(status.stdout.contains("read up to at 2024-05-09T00:00:00Z"), "{}", status.stdout);
    }
}

#[test]
fn an_api_that_does_not_filter_is_filtered_here() {
    for target in TARGETS {
        let api = Api::new(json!({"cursor_path": "at", "initial_value": 2}), json!({}));
        api.items(&[(1, json!(1)), (2, json!(2)), (3, json!(3)), (4, json!(4))]);
        api.run(target, &[]).expect(0);
        api.items(&[
            (1, json!(1)),
            (2, json!(2)),
            (3, json!(3)),
            (4, json!(4)),
            (5, json!(4)),
            (6, json!(1)),
        ]);
        api.run(target, &[]).expect(0);
        assert_eq!(api.ids(target, "items"), [2, 3, 4, 5]);
        assert_eq!(api.server.requests().len(), 2, "each page is read");
    }
}

#[test]
fn rows_are_merged_into_a_database_and_added_to_a_file() {
    let changed = [(1, day(1)), (2, day(4))];
    for target in TARGETS {
        let api = Api::new(since(), json!({"write_disposition": "merge"}));
        api.items(&[(1, day(1)), (2, day(2))]);
        api.run(target, &[]).expect(0);
        api.items(&changed);
        let ran = api.run(target, &[]).expect(0);
        let adds = "a part of the rows cannot be merged into a file, so they are added to it";
        assert_eq!(ran.stderr.contains(adds), target == "jsonl:out", "{}", ran.stderr);
        let expected: &[u64] = if target == "jsonl:out" { &[1, 2, 2] } else { &[1, 2] };
        assert_eq!(api.ids(target, "items"), expected);
        let strict = api.run(target, &["--strict"]);
        assert_eq!(strict.code, Some(if target == "jsonl:out" { 2 } else { 0 }), "{}", strict.stderr);
        // All of it anew is one file again.
        api.run(target, &["--full-refresh"]).expect(0);
        assert_eq!(api.sent("since"), [None]);
        assert_eq!(api.ids(target, "items"), [1, 2]);
        assert_eq!(api.watermark(target)["value"], "2024-05-04T00:00:00Z");
    }
}

#[test]
fn what_is_replaced_is_read_whole() {
    for target in TARGETS {
        let api = Api::new(since(), json!({"write_disposition": "replace"}));
        api.items(&[(1, day(1)), (2, day(2))]);
        for _ in 0..2 {
            api.run(target, &[]).expect(0);
            assert_eq!((api.sent("since"), api.ids(target, "items")), (vec![None], vec![1, 2]));
        }
    }
}

#[test]
fn a_run_that_broke_off_goes_on_from_the_same_start_and_skips_nothing() {
    for target in TARGETS {
        let api = Api::new(since(), json!({}));
        api.items(&[(1, day(1))]);
        api.run(target, &[]).expect(0);
        // The newest row comes first, and the read breaks off behind it.
        let rows: Vec<(u64, Value)> = (2..10).map(|id| (id, day(12 - id))).collect();
        api.items(&rows);
        api.server.add_fault(Fault::new("/items", When::From(2), Action::status(500)));
        api.run(target, &[]).expect(4);
        assert_eq!(api.watermark(target)["value"], "2024-05-01T00:00:00Z", "what it has seen is a candidate");
        api.server.clear_faults();
        api.run(target, &[]).expect(0);
        assert!(api.sent("since").iter().all(|sent| sent.as_deref() == Some("2024-05-01T00:00:00Z")));
        assert_eq!(api.ids(target, "items"), (1..10).collect::<Vec<u64>>());
        assert_eq!(api.watermark(target)["value"], "2024-05-10T00:00:00Z");

        // Started again: what was added is taken back, and so is how far it came.
        let rows: Vec<(u64, Value)> = (10..18).map(|id| (id, day(id + 2))).collect();
        api.items(&rows);
        api.server.add_fault(Fault::new("/items", When::From(2), Action::status(500)));
        api.run(target, &[]).expect(4);
        api.server.clear_faults();
        api.run(target, &["--fresh"]).expect(0);
        assert_eq!(api.sent("since")[0].as_deref(), Some("2024-05-10T00:00:00Z"));
        assert_eq!(api.ids(target, "items"), (1..18).collect::<Vec<u64>>());
    }
}

/// Parents 1 and 2, whose items are read.
fn family(incremental: Value, more: Value) -> Api {
    let mut part = json!({
        "endpoint": {"path": "parents/{resources.parents.id}/items"},
        "include_from_parent": ["id"],
        "resources": [{"name": "parents", "primary_key": "id", "write_disposition": "replace"}]
    });
    for (key, value) in more.as_object().unwrap() {
        part[key] = value.clone();
    }
    let api = Api::new(incremental, part);
    api.list("/parents", vec![json!({"id": 1}), json!({"id": 2})]);
    api
}

fn items(rows: &[(u64, u64)]) -> Vec<Value> {
    rows.iter().map(|(id, of_day)| json!({"id": id, "at": day(*of_day)})).collect()
}

#[test]
fn each_parent_has_a_watermark_of_its_own() {
    for target in TARGETS {
        let api = family(since(), json!({}));
        api.list("/parents/1/items", items(&[(1, 20), (2, 1), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6)]));
        api.list("/parents/2/items", items(&[(11, 5)]));
        api.run(target, &[]).expect(0);
        assert_eq!(api.watermark(target), json!({"cursor": "at", "value": null, "parents": 2}));
        // Of parent 2 comes what is older than all of parent 1's. A third parent is new.
        api.list("/parents/2/items", items(&[(11, 5), (12, 6)]));
        api.list("/parents", vec![json!({"id": 1}), json!({"id": 2}), json!({"id": 3})]);
        api.list("/parents/3/items", items(&[(21, 1)]));
        api.run(target, &[]).expect(0);
        let of = |path: &str| {
            let requests = api.server.requests();
            let of_path: Vec<_> = requests.iter().filter(|request| request.path == path).collect();
            of_path.iter().map(|request| request.param("since").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(of("/parents/1/items"), [Some("2024-05-20T00:00:00Z".to_owned())]);
        assert_eq!(of("/parents/2/items"), [Some("2024-05-05T00:00:00Z".to_owned())]);
        assert_eq!(of("/parents/3/items"), [None]);
        assert_eq!(api.ids(target, "items"), [1, 2, 3, 4, 5, 6, 7, 11, 12, 21]);
    }
}

#[test]
fn a_parent_that_fails_moves_no_watermark_until_all_is_read() {
    for target in TARGETS {
        let api = family(since(), json!({}));
        api.list("/parents/1/items", items(&[(1, 1), (2, 2), (3, 3), (4, 4)]));
        api.list("/parents/2/items", items(&[(11, 5)]));
        api.server.add_fault(Fault::new("/parents/1/items", When::From(2), Action::status(400)));
        api.run(target, &[]).expect(1);
        assert_eq!(api.watermark(target)["parents"], 1, "the other is whole");
        api.server.clear_faults();
        api.run(target, &["--retry-failed"]).expect(0);
        assert_eq!(api.ids(target, "items"), [1, 2, 3, 4, 11]);
        api.run(target, &[]).expect(0);
        assert_eq!(api.ids(target, "items"), [1, 2, 3, 4, 11]);
        assert_eq!(api.watermark(target)["parents"], 2);
    }
}

#[test]
fn row_order_ends_the_read_early() {
    let api =
        Api::new(json!({"cursor_path": "at", "initial_value": "2024-05-01", "row_order": "desc"}), json!({}));
    let rows: Vec<(u64, Value)> = (1..28).rev().map(|id| (id, day(id))).collect();
    api.items(&rows);
    api.run("sqlite:out.db", &[]).expect(0);
    assert_eq!(api.server.requests().len(), 9);
    let rows: Vec<(u64, Value)> = (1..30).rev().map(|id| (id, day(id))).collect();
    api.items(&rows);
    let ran = api.run("sqlite:out.db", &["--json"]).expect(0);
    assert_eq!(api.server.requests().len(), 2, "nothing behind the first old row is asked for");
    assert_eq!(api.ids("sqlite:out.db", "items"), (1..30).collect::<Vec<u64>>());
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["resources"][0]["status"], "complete");
}

#[test]
fn a_backfill_reads_its_range_and_nothing_else_changes() {
    for target in TARGETS {
        let incremental = json!({"cursor_path": "at", "initial_value": "2024-05-10", "start_param": "since", "end_param": "until"});
        let api = Api::new(incremental, json!({"resources": ["parents"]}));
        api.items(&[(1, day(1)), (2, day(5)), (3, day(9)), (4, day(12))]);
        api.run(target, &[]).expect(0);
        api.run(target, &["--since", "2024-05-01", "--until", "2024-05-09"]).expect(0);
        assert_eq!(api.server.count("/parents"), 0, "only what is incremental is read");
        assert_eq!(api.sent("since")[0].as_deref(), Some("2024-05-01"));
        assert_eq!(api.sent("until")[0].as_deref(), Some("2024-05-09"));
        assert_eq!(api.ids(target, "items"), [1, 2, 4]);
        assert_eq!(api.watermark(target)["value"], "2024-05-12T00:00:00Z");
        api.run(target, &["--resource", "items"]).expect(0);
        assert_eq!(api.ids(target, "items"), [1, 2, 4]);
        api.run(target, &["--resource", "parents", "--since", "1"])
            .expect(2)
            .says(&["resource `parents` is not incremental: a range of it cannot be read"]);
        assert_eq!(api.server.requests().len(), 0);
    }
}

#[test]
fn a_full_refresh_takes_the_place_of_what_was_there() {
    for target in TARGETS {
        let api = Api::new(since(), json!({}));
        api.items(&[(1, day(1)), (2, day(2))]);
        api.run(target, &[]).expect(0);
        let rows: Vec<(u64, Value)> = (2..9).map(|id| (id, day(id))).collect();
        api.items(&rows);
        api.server.add_fault(Fault::new("/items", When::From(2), Action::status(500)));
        api.run(target, &["--full-refresh"]).expect(4);
        assert_eq!(api.ids(target, "items"), [1, 2], "until all is read, the old rows stay");
        api.server.clear_faults();
        // Without the flag it is another run, which goes on from the old watermark.
        api.run(target, &[]).expect(0);
        assert_eq!(api.sent("since")[0].as_deref(), Some("2024-05-02T00:00:00Z"));
        assert_eq!(api.ids(target, "items"), [1, 2, 3, 4, 5, 6, 7, 8]);
        let ran = api.run(target, &["--full-refresh"]).expect(0);
        ran.says(&["it takes the place of the rows that are there"]);
        assert_eq!(api.sent("since")[0], None);
        assert_eq!(api.ids(target, "items"), [2, 3, 4, 5, 6, 7, 8]);
        api.run(target, &[]).expect(0);
        assert_eq!(api.ids(target, "items"), [2, 3, 4, 5, 6, 7, 8]);
    }
}

#[test]
fn a_limit_moves_the_watermark_only_where_rows_are_sorted() {
    for (order, moves) in [(Value::Null, false), (json!("asc"), true)] {
        let mut incremental = since();
        incremental["row_order"] = order;
        let api = Api::new(incremental, json!({}));
        let rows: Vec<(u64, Value)> = (1..9).map(|id| (id, day(id))).collect();
        api.items(&rows);
        let ran = api.run("sqlite:out.db", &["--max-pages", "1"]).expect(0);
        let said = "the next run starts from where this one did";
        assert_eq!(ran.stderr.contains(said), !moves, "{}", ran.stderr);
        let expected = if moves { json!("2024-05-03T00:00:00Z") } else { Value::Null };
        assert_eq!(api.watermark("sqlite:out.db")["value"], expected);
    }
}

#[test]
fn rows_in_another_order_than_said_are_not_left_out_by_a_limit() {
    // Within a page; from page to page.
    for (limit, pages, days) in [(3, "1", [9, 8, 7, 1, 2]), (2, "2", [7, 8, 5, 6, 1])] {
        let api = Api::new(
            json!({"cursor_path": "at", "start_param": "since", "row_order": "asc"}),
            json!({"write_disposition": "merge", "endpoint": {"paginator": {"type": "offset", "limit": limit}}}),
        );
        let rows: Vec<(u64, Value)> = (1..).zip(days).map(|(id, at)| (id, day(at))).collect();
        api.items(&rows);
        let ran = api.run("sqlite:out.db", &["--max-pages", pages]).expect(0);
        ran.says(&["the next run starts from where this one did"]);
        assert_eq!(api.watermark("sqlite:out.db")["value"], Value::Null, "{days:?}");
        api.run("sqlite:out.db", &[]).expect(0);
        assert_eq!(api.ids("sqlite:out.db", "items"), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_range_without_anything_in_it_is_refused_before_anything_is_asked() {
    let api = Api::new(since(), json!({}));
    api.items(&[(1, day(1))]);
    let ran = api.run("sqlite:out.db", &["--since", "2024-05-02", "--until", "2024-05-01"]).expect(2);
    ran.says(&["nothing lies between \"2024-05-02\" and \"2024-05-01\""]);
    assert_eq!(api.server.requests().len(), 0);
}

#[test]
fn many_rows_of_one_value_come_once() {
    for target in TARGETS {
        let api = Api::new(since(), json!({"endpoint": {"paginator": {"type": "offset", "limit": 1_000}}}));
        let rows = |to: u64| (1..=to).map(|id| (id, day(1))).collect::<Vec<_>>();
        api.items(&rows(25_000));
        api.run(target, &[]).expect(0);
        api.items(&rows(25_003));
        api.run(target, &[]).expect(0);
        assert_eq!(api.ids(target, "items"), (1..=25_003).collect::<Vec<u64>>());
    }
}

#[test]
fn a_watermark_of_another_cursor_is_not_used() {
    let api = Api::new(since(), json!({"write_disposition": "merge"}));
    api.items(&[(1, day(1)), (2, day(2))]);
    api.run("sqlite:out.db", &[]).expect(0);
    api.config(json!({"cursor_path": "id", "start_param": "since"}), json!({"write_disposition": "merge"}));
    let ran = api.run("sqlite:out.db", &[]).expect(0);
    ran.says(&["items: it was read by `at` and is now read by `id`"]);
    assert_eq!(api.sent("since"), [None]);
    assert_eq!(api.watermark("sqlite:out.db"), json!({"cursor": "id", "value": 2, "parents": 0}));
    let ran = api.run("sqlite:out.db", &[]).expect(0);
    assert!(!ran.stderr.contains("was read by"), "{}", ran.stderr);
}

#[test]
fn a_reset_forgets_the_watermark() {
    for target in TARGETS {
        let api = Api::new(since(), json!({"write_disposition": "merge"}));
        api.items(&[(1, day(1))]);
        api.run(target, &[]).expect(0);
        api.folder.run(&["state", "reset", "c.json", "--to", target]).expect(0);
        assert_eq!(api.watermark(target), Value::Null);
        api.run(target, &[]).expect(0);
        assert_eq!((api.sent("since"), api.ids(target, "items")), (vec![None], vec![1]));
    }
}

#[test]
fn a_page_that_comes_again_is_found_though_no_row_of_it_is_kept() {
    let paginator = json!({"type": "page_number", "base_page": 1, "total_path": null});
    let api = Api::new(
        json!({"cursor_path": "at", "initial_value": 9}),
        json!({"endpoint": {"paginator": paginator}}),
    );
    api.server
        .set_route("/items", |_| Reply::json(200, r#"{"data": [{"id": 1, "at": 1}, {"id": 2, "at": 2}]}"#));
    let ran = api.run("sqlite:out.db", &[]).expect(5);
    ran.says(&["holds the very rows of the page before it"]);
    assert_eq!(api.server.requests().len(), 2);
}

#[test]
fn a_row_without_its_cursor_is_an_error_that_names_it() {
    let api = Api::new(since(), json!({}));
    api.list("/items", vec![json!({"id": 1, "at": 1}), json!({"id": 2})]);
    let ran = api.run("sqlite:out.db", &[]).expect(5);
    ran.says(&["items, page 1", "row 2 of the page has no `at`", "`on_cursor_value_missing`"]);
}

#[test]
fn a_child_that_is_read_alone_leaves_its_parents_watermark() {
    let parents = json!({
        "name": "parents", "primary_key": "id",
        "endpoint": {"path": "parents", "incremental": {"cursor_path": "at"}}
    });
    let api = family(since(), json!({"resources": [parents]}));
    api.list("/parents", vec![json!({"id": 1, "at": 5})]);
    api.list("/parents/1/items", items(&[(1, 1)]));
    api.run("sqlite:out.db", &["--resource", "items"]).expect(0);
    api.run("sqlite:out.db", &[]).expect(0);
    assert_eq!(api.ids("sqlite:out.db", "parents"), [1]);
    assert_eq!(api.ids("sqlite:out.db", "items"), [1]);
}

#[test]
fn a_watermark_is_set_by_hand() {
    for target in TARGETS {
        let api = Api::new(json!({"cursor_path": "at", "start_param": "since"}), json!({}));
        let edit = |flags: &[&str]| {
            let words = ["state", "edit", "c.json", "--to", target, "--resource"];
            api.folder.run(&[&words[..], flags].concat())
        };
        api.items(&[(1, json!(10)), (2, json!(20)), (3, json!(30))]);
        api.run(target, &[]).expect(0);
        let ran = edit(&["items", "--watermark", "20"]).expect(0);
        assert_eq!(ran.stderr, "items: counts as read up to at 20; the next run reads from there on\n");
        api.run(target, &[]).expect(0);
        assert_eq!(api.ids(target, "items"), [1, 2, 2, 3, 3]);
        // What lies before it is passed over, and it moves on from there as ever.
        edit(&["items", "--watermark", "100"]).expect(0);
        api.items(&[(4, json!(50)), (5, json!(100)), (6, json!(110))]);
        api.run(target, &[]).expect(0);
        api.run(target, &[]).expect(0);
        assert_eq!(api.ids(target, "items"), [1, 2, 2, 3, 3, 5, 6]);

        edit(&["items", "--watermark", "1", "--parent", "7"]).expect(2).says(&["no such parent of `items`"]);
        edit(&["itms", "--watermark", "1"]).expect(2).says(&["no resource is called `itms`", "`items`?"]);
        api.server.add_fault(Fault::new("/items", When::Always, Action::status(500)));
        api.run(target, &["--fresh"]).expect(4);
        edit(&["items", "--watermark", "1"]).expect(2).says(&["the last load of `items` is not finished"]);
        api.config(json!(null), json!({}));
        edit(&["items", "--watermark", "1"]).expect(2).says(&["resource `items` is not incremental"]);
        let ran = api.folder.run(&["state", "edit", "--to", target, "--resource", "a", "--watermark", "1"]);
        ran.expect(2).says(&["it is not clear which pipeline is meant"]);
    }
}

#[test]
fn the_watermarks_of_parents_are_set_by_hand() {
    let parent = json!({
        "name": "parents", "primary_key": "id", "endpoint": {"path": "parents"}
    });
    let api = Api::new(
        json!({"cursor_path": "at", "start_param": "since"}),
        json!({"endpoint": {"path": "parents/{resources.parents.id}/items"}, "resources": [parent]}),
    );
    api.list("/parents", vec![json!({"id": 1}), json!({"id": 2})]);
    api.list("/parents/1/items", vec![json!({"id": 1, "at": 10})]);
    api.list("/parents/2/items", vec![json!({"id": 2, "at": 10})]);
    let target = "sqlite:out.db";
    let edit = |flags: &[&str]| {
        let words = ["state", "edit", "c.json", "--to", target, "--resource", "items"];
        api.folder.run(&[&words[..], flags].concat())
    };
    edit(&["--watermark", "20"]).expect(2).says(&["no such parent of `items` has been read"]);
    api.run(target, &[]).expect(0);
    let ran = edit(&["--watermark", "20"]).expect(0);
    assert_eq!(
        ran.stderr,
        "items: counts as read up to at 20 for 2 parents; the next run reads from there on\n"
    );
    for parent in [1, 2] {
        let rows = vec![json!({"id": parent + 2, "at": 19}), json!({"id": parent + 4, "at": 21})];
        api.list(&format!("/parents/{parent}/items"), rows);
    }
    api.run(target, &[]).expect(0);
    assert_eq!(api.ids(target, "items"), [1, 2, 5, 6]);
    edit(&["--watermark", "0", "--parent", "2"]).expect(0).says(&["for 1 parent;"]);
    api.run(target, &[]).expect(0);
    assert_eq!(api.ids(target, "items"), [1, 2, 4, 5, 6, 6]);
}
