//! The tables that dlt makes of the same rows, system columns aside.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so, and one that fails what it saw")]

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{decode_all, options, read_back};
use crate::{Nested, Options, SystemNames};

/// Where ours differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("norm_int_over_64bit", "dlt fails; here the number is a decimal"),
    (
        "norm_variant_int_text",
        "a text of digits stays text, beside the numbers; whole numbers widen with the first page",
    ),
    ("norm_variant_text_int", "a number stays a number, beside the texts"),
    ("norm_variant_bool_int", "1 and \"yes\" are not made true"),
    ("norm_variant_ts_text", "5 and \"2024-01-02\" are not made moments"),
];

#[test]
fn the_tables_of_its_cases() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dlt-cases");
    let Ok(cases) = fs::read_to_string(shared.join("cases.json")) else {
        eprintln!("skipped: {} is not there", shared.display());
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&cases).unwrap();
    let (mut same, mut different) = (0, Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        // Dispositions are a destination's.
        if !id.starts_with("norm_") || id.starts_with("norm_wd_") {
            continue;
        }
        let options = Options { system: SystemNames::Dlt, ..options(Nested::Tables { max_depth: None }) };
        let options = Options { table: "items".into(), ..options };
        let scripts = case.get("scripts").and_then(Value::as_array).cloned();
        let scripts = scripts.unwrap_or_else(|| vec![case["script"].clone()]);
        let key = case["config"]["resources"][0]["primary_key"].as_str();
        let options = Options { key: key.map(ToOwned::to_owned).into_iter().collect(), ..options };
        let pages: Vec<String> = scripts
            .iter()
            .flat_map(|script| script["/seq/n"].as_array().unwrap())
            .map(|answer| {
                answer["body"]["data"].as_array().unwrap().iter().map(|row| format!("{row}\n")).collect()
            })
            .collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        let (_, decoded) = decode_all(&pages, &options);
        let ours = ours(&decoded);
        if ours == theirs(&shared.join("expected").join(id)) {
            same += 1;
        } else {
            eprintln!("{id}\n  {ours:?}\n  {:?}", theirs(&shared.join("expected").join(id)));
            different.push(id);
        }
    }
    let listed: Vec<&str> =
        DIFFERENT.iter().map(|(id, _)| *id).filter(|id| cases.iter().any(|case| case["id"] == *id)).collect();
    different.sort_unstable();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(different, sorted);
    assert!(same > 5);
}

type Tables = std::collections::BTreeMap<String, Vec<Map<String, Value>>>;

fn ours(decoded: &[crate::Decoded]) -> Tables {
    let mut tables = Tables::new();
    for table in decoded.iter().flat_map(|decoded| &decoded.tables) {
        let rows = tables.entry(table.table.clone()).or_default();
        for mut row in read_back::rows(&table.batch) {
            row.retain(|name, _| !name.starts_with("_dlt_") && name != "_loaded_at");
            rows.push(row);
        }
    }
    tables
}

fn theirs(dir: &Path) -> Tables {
    let mut tables = Tables::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let file = entry.file_name().into_string().unwrap();
        let Some(table) = file.strip_prefix("table.").and_then(|name| name.strip_suffix(".jsonl")) else {
            continue;
        };
        let text = fs::read_to_string(entry.path()).unwrap();
        let rows = text.lines().map(|line| {
            let mut row: Map<String, Value> = serde_json::from_str(line).unwrap();
            row.retain(|name, value| {
                !name.starts_with("_dlt_") && name != "_row" && name != "_parent_row" && !value.is_null()
            });
            // dlt's ways to write moments.
            for value in row.values_mut() {
                if let Some(text) = value.as_str().and_then(|text| text.strip_suffix("+00:00")) {
                    *value = Value::from(format!("{}Z", text.replace(' ', "T")));
                }
                if value.as_u64().is_some_and(|int| int > i64::MAX as u64) {
                    *value = serde_json::json!({"decimal": value.to_string()});
                }
            }
            row
        });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            tables.insert(table.to_owned(), rows);
        }
    }
    tables
}
