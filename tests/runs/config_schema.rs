//! The schema of configs against configs: what the program takes is as the schema says.

use std::path::Path;

use sanderling_demo::demo_config;
use serde_json::{Value, json};

use crate::dlt;
use crate::json_schema::breaches;
use crate::program::Folder;

fn schema() -> Value {
    let folder = Folder::new();
    serde_json::from_str(&folder.run(&["config", "schema"]).expect(0).stdout).unwrap()
}

fn judge(schema: &Value, config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    breaches(config, schema, schema, "", &mut found);
    found
}

/// Needs no secret and sends nothing.
fn taken(folder: &Folder, config: &Value) -> bool {
    folder.write("c.json", &config.to_string());
    folder.run(&["resources", "c.json"]).code == Some(0)
}

#[test]
fn what_the_program_takes_is_in_the_schema() {
    let (schema, folder) = (schema(), Folder::new());
    let mut taken_too = 0;
    for (id, config) in dlt::configs() {
        if taken(&folder, &config) {
            taken_too += 1;
            assert_eq!(judge(&schema, &config), Vec::<String>::new(), "{id}: {config:#}");
        }
    }
    assert!(taken_too == 0 || taken_too > 100, "{taken_too}");
    folder.write("demo.yaml", &demo_config("http://127.0.0.1:1"));
    let shown = folder.run(&["config", "show", "demo.yaml"]).expect(0).stdout;
    assert_eq!(judge(&schema, &serde_json::from_str(&shown).unwrap()), Vec::<String>::new());
}

#[test]
fn what_is_not_in_the_schema_is_not_taken() {
    let (schema, folder) = (schema(), Folder::new());
    let good = json!({
        "$schema": "sanderling.schema.json",
        "to": "jsonl:rows",
        "limits": {"concurrency": 2},
        "client": {"base_url": "https://a.test", "auth": {"token": "${secrets.token}"}, "paginator": "page_number"},
        "resources": {"a": "x", "b": {"endpoint": {"path": "y", "method": "POST", "json": {"q": [1]}}}}
    });
    assert!(taken(&folder, &good));
    assert_eq!(judge(&schema, &good), Vec::<String>::new());
    let spoilt: [(&str, Value); 11] = [
        ("/client/base_url", json!(null)),
        ("/client/paginator", json!("pages")),
        ("/client/paginator", json!({"type": "offset"})),
        ("/client/paginator", json!({"type": "offset", "limit": -1})),
        ("/client/auth", json!({"type": "api_key", "token": "x"})),
        ("/client", json!({"base_url": "https://a.test", "auht": {}})),
        ("/resources", json!(5)),
        ("/resources", json!([{"endpoint": "x"}])),
        ("/resources/b", json!({"endpoint": {"method": "post"}})),
        ("/resources/b", json!({"endpoint": {"data": 5}})),
        ("/limits/concurrency", json!(0)),
    ];
    for (place, value) in spoilt {
        let mut config = good.clone();
        *config.pointer_mut(place).unwrap() = value.clone();
        assert_ne!(judge(&schema, &config), Vec::<String>::new(), "{place} {value}");
        assert!(!taken(&folder, &config), "{place} {value}");
    }
}

#[test]
fn the_reference_has_a_line_for_each_key() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/config.md");
    let page = std::fs::read_to_string(docs).unwrap();
    let schema = schema();
    let own = schema["properties"].as_object().unwrap().keys();
    let limits = schema["properties"]["limits"]["properties"].as_object().unwrap().keys();
    let limits = limits.map(|key| format!("limits.{key}"));
    let defs = schema["$defs"].as_object().unwrap().values();
    let deep = defs.filter_map(|of| of["properties"].as_object()).flat_map(|of| of.keys());
    for key in own
        .chain(deep)
        .cloned()
        .chain(limits)
        .filter(|key| !["$schema", "limits", "name"].contains(&key.as_str()))
    {
        assert!(page.contains(&format!("\n| `{key}` |")), "{key}");
    }
}
