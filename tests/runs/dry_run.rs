//! `run --dry-run`: what it says of a run is what the run does, and it leaves everything as it was.

use std::collections::BTreeMap;
use std::path::Path;

use insta::assert_snapshot;
use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::program::{Folder, Ran};
use crate::{adbc, duckdb, postgres, postgres_server};

/// A config of `orders`, by a cursor, and of `tags`, which are replaced.
fn config(server: &Server, more: Value) -> Value {
    let mut config = json!({
        "name": "shop", "nested": "tables",
        "client": {"base_url": server.base_url(), "paginator": "single_page"},
        "resources": [
            {"name": "orders", "primary_key": "id", "write_disposition": "merge", "endpoint": {
                "path": "orders", "data_selector": "$",
                "incremental": {"cursor_path": "at", "initial_value": 0, "start_param": "from"}}},
            {"name": "tags", "write_disposition": "replace", "endpoint": {"path": "tags", "data_selector": "$"},
                "columns": {"n": {"data_type": "bigint"}}}
        ]
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn serve(server: &Server, orders: Value, tags: Value) {
    server.set_route("/orders", move |_| Reply::json(200, orders.to_string()));
    server.set_route("/tags", move |_| Reply::json(200, tags.to_string()));
}

/// Every file below a folder, with its bytes.
fn all(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            into.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default());
            if path.is_dir() {
                walk(&path, into);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder.dir(), &mut found);
    found
}

/// Runs dry, and fails if that changes anything.
fn dry(folder: &Folder, args: &[&str]) -> Ran {
    let before = all(folder);
    let ran = folder.run(&[&["run", "shop.json", "--dry-run"], args].concat());
    let after = all(folder);
    let changed: Vec<&String> =
        before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).collect();
    assert_eq!(changed, [""; 0], "{args:?}");
    ran
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// By table, the names and types of its columns.
fn columns(folder: &Folder, to: &str) -> BTreeMap<String, Vec<String>> {
    let ran = folder.run(&["schema", "shop.json", "--to", to, "--json"]);
    if ran.code != Some(0) {
        return BTreeMap::new();
    }
    let document = document(&ran);
    let tables =
        document["resources"].as_array().unwrap().iter().flat_map(|it| it["tables"].as_array().unwrap());
    tables.map(|table| (table["name"].as_str().unwrap().to_owned(), named(&table["columns"]))).collect()
}

fn named(columns: &Value) -> Vec<String> {
    let columns = columns.as_array().unwrap().iter();
    columns.map(|it| format!("{} {}", it["name"].as_str().unwrap(), it["type"].as_str().unwrap())).collect()
}

fn targets() -> Vec<String> {
    let mut targets = vec!["sqlite:shop.db".to_owned(), "parquet:out".to_owned()];
    if let Some(library) = duckdb::library() {
        targets.push(format!("duckdb:shop.duckdb?schema=mine&driver={}", library.display()));
    }
    if postgres_server::shared().is_some() {
        targets.push(postgres::url(&postgres::new_schema()));
    }
    targets.extend(adbc::sqlite("driven.db"));
    targets.extend(adbc::postgresql(&postgres::new_schema()));
    targets
}

#[test]
fn what_is_said_of_tables_is_what_a_run_makes_of_them() {
    let server = start(Options::default()).unwrap();
    for to in targets() {
        let folder = Folder::new();
        folder.write("shop.json", &config(&server, json!({})).to_string());
        for (orders, tags) in [
            (json!([{"id": 1, "at": 1, "lines": [{"sku": "a"}]}]), json!([{"n": 1}])),
            (json!([{"id": 1, "at": 1, "lines": [{"sku": "a"}]}]), json!([{"n": 1}])),
            (
                json!([{"id": 2, "at": 2, "who": {"name": "x"}, "lines": [{"sku": 5, "n": 1.5, "of": ["y"]}]}]),
                json!([{"n": 1, "color": "red"}]),
            ),
        ] {
            serve(&server, orders, tags);
            let before = columns(&folder, &to);
            let said = document(&dry(&folder, &["--to", &to, "--json"]).expect(0));
            folder.run(&["run", "shop.json", "--to", &to]).expect(0);
            let after = columns(&folder, &to);
            for resource in said["resources"].as_array().unwrap() {
                for table in resource["tables"].as_array().unwrap() {
                    let name = table["name"].as_str().unwrap();
                    let had = before.get(name).cloned().unwrap_or_default();
                    let mut new = after[name].clone();
                    new.retain(|column| !had.contains(column));
                    assert_eq!(named(&table["new_columns"]), new, "{to} {name}");
                    assert_eq!(table["is_there"], before.contains_key(name), "{to} {name}");
                }
            }
            let told = said["resources"].as_array().unwrap().iter();
            let told = told.map(|resource| resource["tables"].as_array().unwrap().len()).sum::<usize>();
            assert_eq!(told, after.len(), "{to}: {said:#}");
        }
    }
}

#[test]
fn for_people() {
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    folder.write("shop.json", &config(&server, json!({})).to_string());
    let mut told = String::new();
    let mut say = |what: &str, ran: Ran, code: i32| {
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let text = format!("=== {what}\n{}\n{}\n", ran.stdout, ran.stderr);
        told += &text.replace(&server.base_url(), "http://API");
    };
    serve(&server, json!([{"id": 1, "at": 1, "lines": [{"sku": "a"}]}]), json!([{"n": 1}, {"n": 2}]));
    say("first", dry(&folder, &[]), 0);
    say("lines", dry(&folder, &["--to", "jsonl:out", "--resource", "tags"]), 0);
    say("standard output", dry(&folder, &["--to", "-", "--resource", "tags"]), 0);
    assert_eq!(folder.names(), ["shop.json"]);
    folder.run(&["run", "shop.json"]).expect(0);
    say("nothing new", dry(&folder, &["--resource", "tags"]), 0);
    serve(
        &server,
        json!([{"id": 2, "at": 7, "who": "x", "lines": [{"sku": 5}]}]),
        json!([{"n": 1}, {"n": "x"}]),
    );
    say("later", dry(&folder, &[]), 5);
    say("a range", dry(&folder, &["--since", "3", "--until", "9"]), 0);
    say("anew", dry(&folder, &["--full-refresh", "--resource", "orders"]), 0);
    let marked = json!({"resources": [{"name": "tags", "primary_key": "n", "write_disposition": "merge",
        "delete_absent": "mark", "schema_contract": "discard_value", "endpoint": {"path": "tags", "data_selector": "$"}}]});
    folder.write("shop.json", &config(&server, marked).to_string());
    serve(&server, json!([]), json!([{"n": 1, "new": 1}]));
    say("marked", dry(&folder, &[]), 0);
    let versions = json!({"resources": [{"name": "tags", "write_disposition": {"disposition": "merge", "strategy": "scd2"},
        "endpoint": {"path": "tags", "data_selector": "$"}}]});
    folder.write("shop.json", &config(&server, versions).to_string());
    say("versions", dry(&folder, &["--to", "sqlite:other.db"]), 0);
    let bad: Vec<Value> = (0..12).map(|at| json!({"n": format!("x{at}")})).collect();
    serve(&server, json!([]), json!(bad));
    let single = |name: &str, more: Value| {
        let mut resource = json!({"name": name, "primary_key": "n", "write_disposition": "merge",
            "columns": {"n": {"data_type": "bigint"}}, "endpoint": {"path": "tags", "data_selector": "$"}});
        resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resource
    };
    let several = json!({"resources": [
        single("tags", json!({"delete_absent": true})),
        single("new", json!({"write_disposition": {"disposition": "merge", "strategy": "insert-only"}})),
        {"name": "none", "endpoint": {"path": "orders", "data_selector": "$"}},
        {"name": "below", "endpoint": {"path": "below/{resources.none.id}", "data_selector": "$"}}
    ]});
    folder.write("shop.json", &config(&server, several).to_string());
    say("several", dry(&folder, &["--to", "sqlite:other.db"]), 5);
    assert_snapshot!(told);
}

#[test]
fn what_a_run_would_be_refused_is_told() {
    let server = start(Options::default()).unwrap();
    serve(&server, json!([]), json!([{"n": 1}]));
    let folder = Folder::new();
    let tags = |more: Value| {
        let mut tags = json!({"name": "tags", "endpoint": {"path": "tags", "data_selector": "$"}});
        tags.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        folder.write("shop.json", &config(&server, json!({"resources": [tags]})).to_string());
    };
    let mut told = String::new();
    let mut say = |ran: Ran, code: i32| {
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        told += &format!("{}{}\n", ran.stdout, ran.stderr.replace(&server.base_url(), "http://API"));
    };
    folder.database("shop.db").execute_batch("create table tags (theirs)").unwrap();
    tags(json!({}));
    say(dry(&folder, &[]), 2);
    let run = folder.run(&["run", "shop.json"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    // What files cannot do is refused before there are any: also by a run.
    tags(json!({"write_disposition": {"disposition": "merge", "strategy": "scd2"}}));
    let before = all(&folder);
    for to in ["parquet:out", "jsonl:out", "-"] {
        say(dry(&folder, &["--to", to]), 2);
        folder
            .run(&["run", "shop.json", "--to", to])
            .expect(2)
            .says(&["the merge strategy `scd2` needs a database"]);
        assert!(all(&folder) == before, "{to}");
    }
    tags(json!({"endpoint": {"path": "gone", "data_selector": "$"}}));
    say(dry(&folder, &["--to", "sqlite:new.db"]), 1);
    say(dry(&folder, &["--max-pages", "1"]), 2);
    assert_snapshot!(told);
}

#[test]
fn the_api_is_asked_from_the_watermark_on() {
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    folder.write("shop.json", &config(&server, json!({})).to_string());
    serve(&server, json!([{"id": 1, "at": 41}]), json!([]));
    folder.run(&["run", "shop.json"]).expect(0);
    for (args, from) in [(&[][..], "from=41"), (&["--since", "7"], "from=7"), (&["--full-refresh"], "from=0")]
    {
        server.clear_log();
        dry(&folder, &[&["--resource", "orders"], args].concat()).expect(0);
        let asked: Vec<String> = server.requests().iter().map(|request| request.target.clone()).collect();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].ends_with(from), "{asked:?} {from}");
    }
}

/// Fields that structs would get are told as columns are.
#[test]
fn structs_that_would_grow() {
    let library = duckdb::library();
    let duckdb = library.map(|library| format!("duckdb:shop.duckdb?driver={}", library.display()));
    for to in ["parquet:out".to_owned()].into_iter().chain(duckdb) {
        let server = start(Options::default()).unwrap();
        let folder = Folder::new();
        folder.write("shop.json", &config(&server, json!({"nested": "json"})).to_string());
        serve(&server, json!([{"id": 1, "at": 1, "by": {"name": "a"}, "lines": [{"sku": "x"}]}]), json!([]));
        folder.run(&["run", "shop.json", "--to", &to]).expect(0);
        let kept = columns(&folder, &to);
        assert!(kept["orders"].contains(&"by struct(name text)".to_owned()), "{kept:?}");
        let by = json!({"name": "b", "geo": {"lat": 1.5}, "on": "2026-01-02"});
        serve(&server, json!([{"id": 2, "at": 2, "by": by, "lines": [{"n": 1}]}]), json!([]));
        let ran = dry(&folder, &["--to", &to, "--json"]).expect(0);
        let orders = &document(&ran)["resources"][0]["tables"][0];
        assert_eq!(
            named(&orders["new_columns"]),
            ["by.geo struct(lat double)", "by.on date", "lines[].n bigint"],
            "{to}: {}",
            ran.stdout
        );
        folder.run(&["run", "shop.json", "--to", &to]).expect(0);
        let grown = columns(&folder, &to);
        assert!(
            grown["orders"].contains(&"by struct(name text, geo struct(lat double), on date)".to_owned()),
            "{grown:?}"
        );
        assert!(grown["orders"].contains(&"lines struct(sku text, n bigint)[]".to_owned()), "{grown:?}");
    }
}
