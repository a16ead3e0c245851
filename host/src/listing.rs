//! Lays out what a config reads: the table for people, the JSON document for programs.

use serde_json::{Map, Value, json};

use crate::contract::{ResourceInfo, SourceInfo, WriteDisposition};
use crate::report;
use crate::run::outcome::RunNotice;
use crate::show::Paint;
use crate::{table, words};

/// The resources in the order in which they are read: each parent before its children, which stand below it, indented.
pub fn tree(resources: &[ResourceInfo], paint: Paint) -> String {
    let mut rows = Vec::new();
    for resource in resources.iter().filter(|resource| resource.parent.is_none()) {
        add_rows(resource, 0, resources, &mut rows);
    }
    table::lay_out(["resource", "write", "primary key", "origin", ""], &rows, &[], paint)
}

fn add_rows(resource: &ResourceInfo, depth: usize, all: &[ResourceInfo], rows: &mut Vec<[String; 5]>) {
    rows.push(
        [
            format!("{}{}", "  ".repeat(depth), resource.name),
            word(&resource.write_disposition).to_owned(),
            some(resource.primary_key.join(", ")),
            some(resource.origins.join(", ")),
            if resource.selected { String::new() } else { "not written".to_owned() },
        ]
        .map(|cell| words::printable(&cell)),
    );
    // A parent stands before its children, so that none is below itself.
    for child in all.iter().filter(|child| child.parent.as_ref() == Some(&resource.name)) {
        add_rows(child, depth + 1, all, rows);
    }
}

fn some(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The document of `resources --json`.
pub fn document(pipeline: &str, info: &SourceInfo) -> Value {
    json!({
        "version": report::VERSION,
        "sanderling": env!("CARGO_PKG_VERSION"),
        "pipeline": pipeline,
        "resources": info.resources.iter().map(resource).collect::<Vec<_>>(),
        "notices": info.notices.iter().map(|notice| {
            report::of_notice(&RunNotice::Connector { resource: String::new(), notice: notice.clone() })
        }).collect::<Vec<_>>(),
    })
}

fn resource(resource: &ResourceInfo) -> Value {
    let columns = resource.columns.as_deref().and_then(|columns| serde_json::from_str(columns).ok());
    json!({
        "name": resource.name,
        "parent": resource.parent,
        "write_disposition": word(&resource.write_disposition),
        "primary_key": resource.primary_key,
        "selected": resource.selected,
        "incremental": resource.incremental.is_some(),
        "origins": resource.origins,
        "columns": columns.unwrap_or_else(|| Value::Object(Map::new())),
    })
}

fn word(disposition: &WriteDisposition) -> &str {
    match disposition {
        WriteDisposition::Append => "append",
        WriteDisposition::Replace => "replace",
        WriteDisposition::Merge => "merge",
        WriteDisposition::Other(word) => word,
    }
}
