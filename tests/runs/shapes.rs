//! What a config says of nested data, names and contracts, in whole runs.

use insta::assert_snapshot;
use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::program::Folder;

/// A config of one resource, `orders`, whose rows are what `serve` was given last.
fn config(server: &Server, host: Value, resource: Value) -> String {
    let mut orders = json!({"name": "orders", "primary_key": "id",
        "endpoint": {"path": "orders", "data_selector": "data", "paginator": "single_page"}});
    orders.as_object_mut().unwrap().extend(resource.as_object().unwrap().clone());
    let mut config =
        json!({"name": "shop", "client": {"base_url": server.base_url()}, "resources": [orders]});
    config.as_object_mut().unwrap().extend(host.as_object().unwrap().clone());
    config.to_string()
}

fn serve(server: &Server, rows: Value) {
    server.set_route("/orders", move |_| Reply::json(200, json!({"data": rows}).to_string()));
}

const ROW: &str =
    r#"{"id": 1, "shipTo": {"city": "Oslo"}, "items": [{"sku": "a", "tags": ["x", "y"]}, {"sku": "b"}]}"#;

/// The tables that a run has made in a folder of Parquet files, each with its columns.
fn tables(folder: &Folder) -> String {
    let manifest: Value = serde_json::from_str(&folder.read("out/manifest.json")).unwrap();
    let mut tables = Vec::new();
    for (name, resource) in manifest["resources"].as_object().unwrap() {
        let lists = resource["lists"].as_object().into_iter().flatten();
        for (name, table) in std::iter::once((name, resource)).chain(lists) {
            let columns: Vec<&str> =
                table["columns"].as_object().unwrap().keys().map(String::as_str).collect();
            assert!(!table["files"].as_array().unwrap().is_empty());
            tables.push(format!("{name}: {}", columns.join(", ")));
        }
    }
    tables.join("\n")
}

#[test]
fn lists_are_tables_as_deep_as_the_config_says() {
    let server = start(Options::default()).unwrap();
    serve(&server, json!([serde_json::from_str::<Value>(ROW).unwrap()]));
    let mut told = String::new();
    for (host, resource) in [
        (json!({"nested": "json"}), json!({})),
        (json!({"nested": "tables"}), json!({})),
        (json!({"nested": {"tables": {"max_depth": 1, "system": "dlt"}}}), json!({})),
        (json!({}), json!({"max_table_nesting": 1})),
        (json!({"nested": "tables"}), json!({"max_table_nesting": 0})),
        (json!({"nested": "tables", "names": "as_is"}), json!({})),
    ] {
        let folder = Folder::new();
        folder.write("shop.json", &config(&server, host.clone(), resource.clone()));
        let ran = folder.run(&["run", "shop.json", "--to", "parquet:out"]).expect(0);
        assert!(!ran.stderr.contains("does nothing"), "{}", ran.stderr);
        told += &format!("{host} {resource}\n{}\n\n", tables(&folder));
    }
    assert_snapshot!(told);
}

#[test]
fn lines_have_no_columns_and_that_is_told_once() {
    let server = start(Options::default()).unwrap();
    serve(&server, json!([{"id": 1}]));
    let folder = Folder::new();
    let said = |host: Value, resource: Value| {
        folder.write("shop.json", &config(&server, host, resource));
        let ran = folder.run(&["run", "shop.json", "--to", "jsonl:out"]).expect(0);
        let lines = ran.stderr.lines().filter(|line| line.contains("nothing here"));
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said(json!({}), json!({"schema_contract": "evolve"})), "");
    let all = json!({"max_table_nesting": 2, "schema_contract": {"columns": "freeze"}});
    assert_snapshot!(said(json!({"nested": "tables", "names": "as_is"}), all));
}

#[test]
fn a_contract_freezes_or_leaves_out_and_counts() {
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    let contract = |mode: &str| json!({"schema_contract": mode, "write_disposition": "merge"});
    let mut told = String::new();
    for mode in ["evolve", "discard_value", "discard_row", "freeze"] {
        folder.write("shop.json", &config(&server, json!({}), contract(mode)));
        serve(&server, json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]));
        folder.run(&["run", "shop.json", "--to", "parquet:out", "--fresh"]).expect(0);
        serve(&server, json!([{"id": 1, "n": 1}, {"id": 2, "n": "x", "new": 5}, {"id": 3, "new": 6}]));
        let ran = folder.run(&["run", "shop.json", "--to", "parquet:out", "--json"]);
        let result: Value = serde_json::from_str(&ran.stdout).unwrap();
        let of = &result["resources"][0];
        // What is remembered says the same.
        let status = folder.run(&["status", "shop.json", "--to", "parquet:out", "--json"]).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let load = &status["pipelines"][0]["resources"][0]["load"];
        for count in ["discarded_rows", "discarded_values"] {
            assert_eq!(load[count], of[count], "{mode}");
        }
        told += &format!(
            "{mode}: exit {}, {} rows, {} rows and {} values left out\n",
            ran.code.unwrap(),
            of["rows"],
            of["discarded_rows"],
            of["discarded_values"]
        );
        let shown = ran.stderr.lines().filter(|line| {
            line.contains("left out") || line.contains("freezes") || line.starts_with("hint:")
        });
        for line in shown {
            // Not how long it took.
            let line: Vec<&str> =
                line.split_whitespace().filter(|word| word.parse::<f64>().is_err()).collect();
            told += &format!("  {}\n", line.join(" "));
        }
        std::fs::remove_dir_all(folder.path("out")).unwrap();
    }
    assert_snapshot!(told);
}
