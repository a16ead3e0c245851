//! `schema`: what was discovered, in each form, held against what takes it.

use insta::assert_snapshot;
use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Map, Value, json};

use crate::json_schema::breaches;
use crate::program::{Folder, Ran};
use crate::{duckdb, postgres, postgres_server};

/// One of everything, a variant, and a list.
const ROWS: &str = r#"[
    {"Id": 1, "ok": true, "price": 1.5, "big": 123456789012345678901.25, "name": "a", "v": 1, "when": "2026-03-01T09:30:00Z",
     "local": "2026-03-01T09:30:00", "day": "2026-03-01", "at": "09:30:00", "raw": "AQI=", "due": "12.50",
     "owner": {"city": "Oslo"}, "tags": [{"n": 1}, {"n": 2}]},
    {"Id": 2, "v": "x", "changed_at": "2026-03-01T09:30:00Z"}
]"#;

/// A config of `orders`, which is what `ROWS` has, and of `none`, of which there are no rows.
fn config(server: &Server, host: Value, orders: Value) -> Value {
    let single = |path: &str| json!({"path": path, "data_selector": "$", "paginator": "single_page"});
    let mut resource = json!({"name": "orders", "primary_key": "Id", "write_disposition": "merge",
        "endpoint": single("orders"),
        "columns": {"due": {"data_type": "decimal", "precision": 10, "scale": 2}, "raw": {"data_type": "binary"},
                    "at": {"data_type": "time"}, "name": {"nullable": true}}});
    resource.as_object_mut().unwrap().extend(orders.as_object().unwrap().clone());
    resource["endpoint"]["incremental"] = json!({"cursor_path": "when", "initial_value": "2020-01-01T00:00:00Z",
        "on_cursor_value_missing": "include"});
    let mut config = json!({"name": "shop", "client": {"base_url": server.base_url()},
        "resources": [resource, {"name": "none", "endpoint": single("none")}]});
    config.as_object_mut().unwrap().extend(host.as_object().unwrap().clone());
    config
}

fn serve() -> Server {
    let server = start(Options::default()).unwrap();
    server.set_route("/orders", |_| Reply::json(200, ROWS));
    server.set_route("/none", |_| Reply::json(200, "[]"));
    server
}

/// A folder in which everything has been loaded into `to`.
fn loaded(config: &Value, to: &str) -> Folder {
    let folder = Folder::new();
    folder.write("shop.json", &config.to_string());
    folder.run(&["run", "shop.json", "--to", to]).expect(0);
    folder
}

fn schema(folder: &Folder, to: &str, more: &[&str]) -> Ran {
    folder.run(&[&["schema", "shop.json", "--to", to], more].concat())
}

const SQLITE: &str = "sqlite:shop.db";

#[test]
fn each_form_without_asking_the_api() {
    let server = serve();
    let host = json!({"nested": {"tables": {"max_depth": 1}}});
    let folder = loaded(&config(&server, host, json!({})), SQLITE);
    drop(server);
    let before = folder.read_bytes("shop.db");
    let mut told = String::new();
    for more in [
        &[][..],
        &["orders", "--format", "json-schema"],
        &["--format", "sql"],
        &["--format", "dlt"],
        &["orders", "--json"],
    ] {
        let ran = schema(&folder, SQLITE, more).expect(0);
        told += &format!("schema {}\n{}\n{}\n", more.join(" "), ran.stderr, ran.stdout);
    }
    assert_eq!(folder.read_bytes("shop.db"), before);
    let server = serve();
    for (to, nested) in [("parquet:out", json!({})), (SQLITE, json!({"nested": "json"}))] {
        let folder = loaded(&config(&server, nested, json!({})), to);
        let ran = schema(&folder, to, &[]).expect(0);
        let schema = schema(&folder, to, &["--format", "json-schema"]).expect(0).stdout;
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let nested: Vec<String> = ["owner", "tags", "big"]
            .map(|name| schema["$defs"]["orders"]["properties"][name].to_string())
            .into();
        told += &format!("schema --to {to}\n{}\n{}\n\n", ran.stdout, nested.join("\n"));
    }
    assert_snapshot!(told);
}

#[test]
fn what_has_no_columns_is_told() {
    let server = serve();
    let folder = Folder::new();
    folder.write("shop.json", &config(&server, json!({}), json!({})).to_string());
    let mut told = String::new();
    let mut say = |ran: Ran, code: i32| {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{}", ran.stderr);
        told += &format!("{}\n", ran.stderr);
    };
    say(schema(&folder, SQLITE, &[]), 1);
    assert_eq!(folder.names(), [".cache", "shop.json"][1..]);
    folder.run(&["run", "shop.json", "--to", SQLITE]).expect(0);
    folder.run(&["run", "shop.json", "--to", "jsonl:out"]).expect(0);
    say(schema(&folder, SQLITE, &["none"]), 1);
    say(schema(&folder, SQLITE, &["order"]), 2);
    say(schema(&folder, SQLITE, &["--dialect", "duckdb"]), 2);
    say(schema(&folder, "jsonl:out", &[]), 2);
    say(schema(&folder, "-", &[]), 2);
    assert_snapshot!(told);
}

/// The first column of what a query gives, and the next, with a blank between.
fn pairs(database: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut select = database.prepare(sql).unwrap();
    let pair = |row: &rusqlite::Row| Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    select.query_map([], pair).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_statements_make_the_tables_anywhere() {
    let server = serve();
    let host = json!({"nested": "tables"});
    let orders = json!({"write_disposition": {"disposition": "merge", "strategy": "scd2"}});
    let folder = loaded(&config(&server, host, orders), SQLITE);
    let statements = |dialect: &[&str]| {
        schema(&folder, SQLITE, &[&["orders", "--format", "sql"], dialect].concat()).expect(0).stdout
    };
    let empty = rusqlite::Connection::open_in_memory().unwrap();
    empty.execute_batch(&statements(&[])).unwrap();
    assert_eq!(statements(&[]), statements(&["--dialect", "sqlite"]));
    for table in ["orders", "orders__tags"] {
        let sql = format!("select name, type from pragma_table_info('{table}') order by name");
        let made = pairs(&empty, &sql);
        assert_eq!(made, pairs(&folder.database("shop.db"), &sql), "{table}");
        assert!(made.len() > 4, "{made:?}");
    }
    if duckdb::library().is_some() {
        let path = folder.path("empty.duckdb");
        duckdb::batch(&path, &statements(&["--dialect", "duckdb"]));
        let columns = duckdb::column(&path, "information_schema\".\"columns", "column_name");
        assert!(columns.contains(&"_valid_to".to_owned()) && columns.contains(&"_list_idx".to_owned()));
    }
    if let Some(server) = postgres_server::shared() {
        let name = postgres::new_schema();
        let sql = statements(&["--dialect", "postgresql"]);
        let mut client = postgres::client(server);
        client.batch_execute(&format!("CREATE SCHEMA {name}; SET search_path TO {name}; {sql}")).unwrap();
        let of = "SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                  FROM pg_attribute WHERE attnum > 0 AND attrelid = 'orders'::regclass";
        let types: String = client.query_one(of, &[]).unwrap().get(0);
        for kind in
            ["numeric(10,2)", "bytea", "timestamp without time zone", "timestamp with time zone", "time"]
        {
            assert!(types.contains(kind), "{types}");
        }
    }
}

/// Columns come in the order in which rows brought them.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn the_hints_are_what_the_config_takes() {
    let server = serve();
    for (to, host) in [
        (SQLITE, json!({"nested": "tables"})),
        (SQLITE, json!({"nested": "json", "names": "as_is"})),
        ("parquet:out", json!({})),
        ("parquet:out", json!({"nested": "tables"})),
    ] {
        let bare = config(&server, host, json!({}));
        let folder = loaded(&bare, to);
        let hints = |folder: &Folder| schema(folder, to, &["orders", "--format", "dlt"]).expect(0).stdout;
        let first = hints(&folder);
        // As a person would: into the resource, in place of what it had.
        let columns: String = first.lines().skip(2).map(|line| format!("{line}\n")).collect();
        let resource = &bare["resources"][0];
        let mut yaml = String::new();
        for (key, value) in bare.as_object().unwrap().iter().filter(|(key, _)| *key != "resources") {
            yaml += &format!("{key}: {value}\n");
        }
        yaml += "resources:\n  - name: orders\n";
        for key in ["primary_key", "write_disposition", "endpoint"] {
            yaml += &format!("    {key}: {}\n", resource[key]);
        }
        yaml += &columns;
        folder.write("pasted.yaml", &yaml);
        folder.run(&["check", "pasted.yaml"]).expect(0);
        folder.run(&["run", "pasted.yaml", "--to", to, "--full-refresh"]).expect(0);
        folder.write("shop.json", &bare.to_string());
        assert_eq!(sorted(&hints(&folder)), sorted(&first), "{to}");
        // What was never loaded gets the same columns by what is declared.
        let fresh = Folder::new();
        fresh.write("shop.yaml", &yaml);
        fresh.run(&["run", "shop.yaml", "--to", to]).expect(0);
        let again = fresh.run(&["schema", "shop.yaml", "--to", to, "--format", "dlt"]).expect(0).stdout;
        assert_eq!(sorted(&again), sorted(&first), "{to}");
    }
}

#[test]
fn rows_are_what_the_json_schema_says() {
    let server = serve();
    let host = json!({"nested": "tables"});
    let folder = loaded(&config(&server, host, json!({})), SQLITE);
    let schema = schema(&folder, SQLITE, &["--format", "json-schema"]).expect(0).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let database = folder.database("shop.db");
    for table in ["orders", "orders__tags"] {
        let of = &schema["$defs"][table];
        let properties = of["properties"].as_object().unwrap();
        let pairs: Vec<String> = properties
            .iter()
            .map(|(name, rule)| {
                let value = match (rule["type"].to_string(), rule.get("contentEncoding")) {
                    (kind, _) if kind.contains("boolean") => {
                        format!(
                            "json(case \"{name}\" when 1 then 'true' when 0 then 'false' else 'null' end)"
                        )
                    }
                    (_, Some(_)) => format!("hex(\"{name}\")"),
                    _ => format!("\"{name}\""),
                };
                format!("'{name}', {value}")
            })
            .collect();
        let sql = format!("select json_object({}), '' from \"{table}\"", pairs.join(", "));
        let rows: Vec<Value> =
            self::pairs(&database, &sql).iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        for row in rows {
            let mut found = Vec::new();
            breaches(&row, of, &schema, table, &mut found);
            assert_eq!(found, [""; 0], "{row}");
            // And it is not all the same to it.
            let broken: Map<String, Value> =
                row.as_object().unwrap().iter().map(|(name, _)| (name.clone(), json!([]))).collect();
            let mut found = Vec::new();
            breaches(&Value::Object(broken), of, &schema, table, &mut found);
            assert_eq!(found.len(), properties.len(), "{found:?}");
        }
    }
}

#[test]
fn each_destination_tells_what_it_has() {
    let server = serve();
    let bare = config(&server, json!({"nested": "tables"}), json!({}));
    let sqlite = loaded(&bare, SQLITE);
    let lines = |ran: Ran| ran.expect(0).stdout;
    let expected = lines(schema(&sqlite, SQLITE, &["--format", "dlt"]));
    let mut targets = vec!["parquet:out".to_owned()];
    if let Some(library) = duckdb::library() {
        targets.push(format!("duckdb:shop.duckdb?schema=mine&driver={}", library.display()));
    }
    if postgres_server::shared().is_some() {
        targets.push(postgres::url(&postgres::new_schema()));
    }
    for to in targets {
        let folder = loaded(&bare, &to);
        assert_eq!(lines(schema(&folder, &to, &["--format", "dlt"])), expected, "{to}");
        let own = lines(schema(&folder, &to, &["--format", "sql"]));
        let of = if to.starts_with("duckdb") { "duckdb" } else { "postgresql" };
        assert_eq!(own, lines(schema(&folder, &to, &["--format", "sql", "--dialect", of])), "{to}");
    }
}
