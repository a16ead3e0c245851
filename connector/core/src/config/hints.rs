//! dlt's hints on a resource that speak of tables: what goes on to the host, and what is refused for now.

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
    ("nested_hints", "leave it out: `max_table_nesting` says what becomes of nested values"),
];

/// What they say of a resource's tables.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// The name of its own, where it is not the resource's.
    pub(crate) name: Option<At<String>>,
    /// How deep lists become tables of their own; 0: nested values are JSON.
    pub(crate) max_nesting: Option<u64>,
    /// How they may change: a mode, or one for each part of a schema.
    pub(crate) contract: Option<Value>,
}

/// Takes them all.
pub(super) fn read(name: &str, fields: &mut Fields<'_>, problems: &mut Problems) -> Tables {
    for (key, instead) in LATER {
        if let Some(node) = fields.take(key) {
            problems.later_but(&node.pointer, &format!("`{key}`"), instead);
        }
    }
    let table_name = fields
        .take("table_name")
        .and_then(|node| node.name("a table's name", problems))
        .filter(|table| table.value != name);
    let max_nesting = fields.take("max_table_nesting").and_then(|node| node.count(problems));
    let contract = fields.take("schema_contract").map(|node| {
        contract(&node, problems);
        node.value.clone()
    });
    Tables { name: table_name, max_nesting, contract }
}

/// One mode, or one for each part of a schema.
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
    if !MODES.contains(&text.value.as_str()) {
        let other = &text.value;
        let hint = did_you_mean(other, MODES).unwrap_or_else(|| "\"schema_contract\": \"evolve\"".to_owned());
        problems.hint(&node.pointer, format!("unknown schema contract `{other}`"), hint);
    }
}
