//! Writes the schema and the reference: the connector's part, with the host's own keys in it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::settings;

/// What the built-in connector's configs may say, written by that crate's tests.
const CONNECTOR: &str = include_str!("../../../connector/core/config.schema.json");

/// A key of the host's: its name, its type as JSON Schema and in words, its default, and what it says.
struct Row {
    /// The key.
    key: &'static str,
    schema: &'static str,
    noun: &'static str,
    /// As JSON; empty for none.
    default: &'static str,
    says: &'static str,
}

const fn row(
    key: &'static str,
    schema: &'static str,
    noun: &'static str,
    default: &'static str,
    says: &'static str,
) -> Row {
    Row { key, schema, noun, default, says }
}

const TEXT: &str = r#"{"type": "string", "minLength": 1}"#;
const POSITIVE: &str = r#"{"type": "integer", "minimum": 1}"#;
const NUMBER: &str = "whole number above 0";

/// The host's keys, beside `limits`.
const ROWS: &[Row] = &[
    row("name", TEXT, "text", "", "under which the state is kept; the file's name where it is not written"),
    row(
        "connector",
        TEXT,
        "text",
        "",
        "the file of a connector that is not built in, from the config's folder",
    ),
    row(
        "to",
        TEXT,
        "text",
        "",
        "the destination: `sqlite:FILE`, `duckdb:FILE`, `postgresql://…`, `adbc:DRIVER?…`, `jsonl:DIR`, `parquet:DIR` (or `jsonl:s3://…`, `parquet:gs://…`, `az://…`: a prefix of a bucket) or `-`",
    ),
    row(
        "allow",
        r#"{"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}"#,
        "text; or list of text",
        "",
        "origins beside the config's own: `https://files.example.com`, `private:https://intra.example.com`",
    ),
    row(
        "on_bad_row",
        r#"{"enum": ["quarantine", "fail"]}"#,
        "`quarantine` or `fail`",
        "\"quarantine\"",
        "what becomes of a row that does not fit: it is kept aside with the reason, or its resource fails",
    ),
    row(
        "nested",
        r#"{"anyOf": [{"enum": ["json", "tables"]}, {"type": "object", "required": ["tables"], "additionalProperties": false, "properties": {
            "tables": {"type": ["object", "null"], "additionalProperties": false, "properties": {
                "max_depth": {"type": "integer", "minimum": 0, "maximum": 64},
                "system": {"enum": ["sanderling", "dlt"]}}}}}]}"#,
        "`json` or `tables`; or `{tables: {max_depth, system}}`",
        "\"json\"",
        "what becomes of objects and lists: one column each, or flattened columns and tables like dlt's (`parent__field`), down to `max_depth`; `system: dlt` names what is added as dlt does, and keeps a day (`2026-03-01`) as a text",
    ),
    row(
        "names",
        r#"{"enum": ["snake_case", "as_is"]}"#,
        "`snake_case` or `as_is`",
        "\"snake_case\"",
        "how fields name columns: by dlt's rule (`firstName` is `first_name`), or as they stand",
    ),
    row(
        "total",
        r#"{"enum": ["exact", "estimate", "ignore"]}"#,
        "`exact`, `estimate` or `ignore`",
        "\"exact\"",
        "what the API's totals are worth, where a resource does not say",
    ),
    row(
        "resume_within",
        r#"{"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^\\s*[0-9]+\\s*[smhd]?\\s*$"}]}"#,
        "seconds, or `90s`, `30m`, `1h`, `1d`",
        "\"1h\"",
        "how old a run that broke off may be to go on",
    ),
];

/// The keys of `limits`.
const LIMITS: &[Row] = &[
    row(
        "concurrency",
        r#"{"type": "integer", "minimum": 1, "maximum": 64}"#,
        NUMBER,
        "4",
        "requests at once to one origin",
    ),
    row(
        "requests_per_s",
        r#"{"type": "number", "minimum": 0.001, "maximum": 1000}"#,
        "number from 0.001 to 1000",
        "",
        "requests per second to one origin, of all runs on this machine together",
    ),
    row(
        "origins",
        r#"{"type": "object", "additionalProperties": {"type": "object", "additionalProperties": false, "properties": {
            "concurrency": {"type": "integer", "minimum": 1, "maximum": 64},
            "requests_per_s": {"type": "number", "minimum": 0.001, "maximum": 1000}}}}"#,
        "map from origins",
        "",
        "`concurrency` and `requests_per_s` of an origin, in the place of those for all",
    ),
    row("connect_timeout_ms", POSITIVE, NUMBER, "10000", "to connect"),
    row(
        "first_byte_timeout_ms",
        POSITIVE,
        NUMBER,
        "60000",
        "from the request to the first byte of its answer",
    ),
    row("idle_timeout_ms", POSITIVE, NUMBER, "30000", "between two pieces of an answer"),
    row("total_timeout_ms", POSITIVE, NUMBER, "300000", "for the whole of a request"),
    row(
        "max_body_mib",
        r#"{"type": "integer", "minimum": 1, "maximum": 2048}"#,
        NUMBER,
        "64",
        "an answer, unpacked",
    ),
    row(
        "memory_mib",
        r#"{"type": "integer", "minimum": 1, "maximum": 2048}"#,
        NUMBER,
        "256",
        "memory of a connector",
    ),
    row("cpu_time_ms", POSITIVE, NUMBER, "30000", "for one call of a connector, waiting aside"),
];

/// The whole schema (draft 2020-12).
fn schema() -> Value {
    let mut root: Map<String, Value> = serde_json::from_str(CONNECTOR).unwrap();
    let mut own = properties(ROWS);
    own.insert(
        "$schema".to_owned(),
        json!({"type": "string", "description": "the schema of this file, for editors"}),
    );
    let limits = json!({
        "type": "object",
        "description": "what a connector and its requests may use",
        "properties": properties(LIMITS),
        "additionalProperties": false,
    });
    own.insert("limits".to_owned(), limits);
    let mut all = root.remove("properties").unwrap_or_default();
    if let Some(all) = all.as_object_mut() {
        all.extend(own);
    }
    let head = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!("A Sanderling config")),
        ("properties", all),
    ];
    let head = head.into_iter().map(|(key, value)| (key.to_owned(), value));
    Value::Object(head.chain(root).collect())
}

fn properties(rows: &[Row]) -> Map<String, Value> {
    rows.iter()
        .map(|row| {
            let mut schema: Map<String, Value> = serde_json::from_str(row.schema).unwrap();
            schema.insert("description".to_owned(), row.says.into());
            if !row.default.is_empty() {
                schema.insert("default".to_owned(), serde_json::from_str(row.default).unwrap());
            }
            (row.key.to_owned(), Value::Object(schema))
        })
        .collect()
}

/// The host's keys as the tables of the reference, in Markdown.
fn table() -> String {
    let lines = |rows: &[Row], within: &str| -> String {
        let line = |row: &Row| {
            let default = row.default.trim_matches('"');
            let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
            format!("| `{within}{}` | {} | {default} | {} |\n", row.key, row.noun, row.says)
        };
        rows.iter().map(line).collect()
    };
    let head = "| key | type | default | what it says |\n|---|---|---|---|\n";
    format!("{head}{}{}", lines(ROWS, ""), lines(LIMITS, "limits."))
}

#[test]
fn the_keys_and_defaults_are_those_that_are_read() {
    let keys: Vec<&str> = ROWS.iter().map(|row| row.key).chain(["limits"]).collect();
    assert_eq!(keys, settings::KEYS);
    let (read, _, problems) = settings::split(&Map::new());
    assert!(problems.is_empty());
    let read = read.to_json("n");
    let limits: Vec<&str> = LIMITS.iter().map(|row| row.key).collect();
    assert_eq!(limits, settings::LIMIT_KEYS);
    for row in LIMITS {
        let default = read["limits"].get(row.key).map(Value::to_string).unwrap_or_default();
        assert_eq!(default, row.default, "{}", row.key);
    }
}

#[test]
fn the_files_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let check = |path: PathBuf, text: String| {
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{} is out of date; INSTA_UPDATE=always writes it", path.display());
    };
    check(docs.join("config.schema.json"), format!("{:#}\n", schema()));
    let page = std::fs::read_to_string(docs.join("config.md")).unwrap();
    let (begin, end) = ("<!-- host: begin -->\n", "<!-- host: end -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    check(docs.join("config.md"), format!("{before}{begin}\n{}\n{end}{after}", table()));
}
