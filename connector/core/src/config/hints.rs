//! dlt's hints on a resource that speak of tables: what asks for what is done anyway, and what is refused for now.

use serde_json::Value;

use crate::diagnostic::{Problems, did_you_mean};
use crate::document::{At, Fields, Node};

/// How a schema may change, in dlt's words.
const MODES: [&str; 4] = ["evolve", "freeze", "discard_row", "discard_value"];

/// What such a mode is of.
const CONTRACTS: [&str; 3] = ["tables", "columns", "data_type"];

/// Refused whatever they say; each with what can be done instead.
const LATER: [(&str, &str); 4] = [
    ("table_format", "the destination decides: `to` names it"),
    ("file_format", "the destination decides: `to` names it"),
    ("references", "leave it out: nothing would come of it"),
    ("nested_hints", "leave it out: nested values are kept as JSON"),
];

/// Takes them all, and returns the name of the resource's table where it has one of its own.
pub(super) fn read(name: &str, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<At<String>> {
    for (key, instead) in LATER {
        if let Some(node) = fields.take(key) {
            problems.later_but(&node.pointer, &format!("`{key}`"), instead);
        }
    }
    let table_name = fields
        .take("table_name")
        .and_then(|node| node.name("a table's name", problems))
        .filter(|table| table.value != name);
    if let Some(node) = fields.take("max_table_nesting")
        && node.count(problems).is_some_and(|depth| depth > 0)
    {
        let instead = "0 says what is done: nested values are kept as JSON";
        problems.later_but(&node.pointer, "`max_table_nesting` above 0", instead);
    }
    if let Some(node) = fields.take("schema_contract") {
        contract(&node, problems);
    }
    table_name
}

/// One mode, or one for each part of a schema. New tables and columns are taken as they come.
fn contract(node: &Node<'_>, problems: &mut Problems) {
    if !node.value.is_object() {
        return mode(node, problems);
    }
    let fields = node.object("a schema contract", problems).unwrap_or_default();
    for (part, node) in fields.into_iter() {
        match node.value {
            _ if !CONTRACTS.contains(&part) => {
                let hint = did_you_mean(part, CONTRACTS)
                    .unwrap_or_else(|| "`tables`, `columns` or `data_type`".to_owned());
                problems.hint(&node.pointer, format!("unknown key `{part}` in a schema contract"), hint);
            }
            Value::Null => {}
            _ => mode(&node, problems),
        }
    }
}

fn mode(node: &Node<'_>, problems: &mut Problems) {
    let Some(text) = node.name("a mode of a schema contract", problems) else {
        return;
    };
    match text.value.as_str() {
        "evolve" => {}
        known if MODES.contains(&known) => {
            let instead = "`columns` with `data_type` and `nullable` refuse rows that break them";
            problems.later_but(&node.pointer, &format!("the schema contract `{known}`"), instead);
        }
        other => {
            let hint =
                did_you_mean(other, MODES).unwrap_or_else(|| "\"schema_contract\": \"evolve\"".to_owned());
            problems.hint(&node.pointer, format!("unknown schema contract `{other}`"), hint);
        }
    }
}
