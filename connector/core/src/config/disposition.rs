//! `write_disposition`: what becomes of the rows that are there, as a word or an object with a merge strategy.

use serde_json::Value;

use crate::contract::WriteDisposition;
use crate::diagnostic::{Problems, did_you_mean};
use crate::document::{Keys, Node};

/// As it was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) disposition: WriteDisposition,
    /// Whether the strategy is `upsert`, which goes by the primary key alone. Its place.
    pub(super) upsert: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Self { disposition: WriteDisposition::Append, upsert: None }
    }
}

const OBJECT: Keys = Keys {
    of: "a write disposition",
    known: &["disposition", "strategy", "deduplicated"],
    later: &["active_record_timestamp", "boundary_timestamp"],
    elsewhere: &[],
};

/// The strategies of dlt.
const STRATEGIES: [&str; 5] = ["delete-insert", "upsert", "scd2", "insert-only", "cdc"];

pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Written> {
    if !node.value.is_object() {
        let disposition = word(node, problems)?;
        return Some(Written { disposition, upsert: None });
    }
    let mut fields = node.object("a write disposition", problems)?;
    let disposition = match fields.take("disposition") {
        Some(node) => word(&node, problems),
        None => {
            problems.hint(&node.pointer, "`disposition` is missing", "\"disposition\": \"merge\"");
            None
        }
    };
    let strategy = fields.take("strategy");
    // dlt's promise that no two rows of a load have one key: to look all the same costs nothing here.
    let deduplicated = fields.take("deduplicated");
    if let Some(node) = &deduplicated {
        node.boolean(problems);
    }
    fields.close(&OBJECT, problems);
    let disposition = disposition?;
    if disposition != WriteDisposition::Merge {
        for (node, key) in [(&strategy, "strategy"), (&deduplicated, "deduplicated")] {
            if let Some(node) = node.as_ref().filter(|node| *node.value != Value::Null) {
                let message = format!("`{key}` is of the write disposition `merge`");
                problems.hint(&node.pointer, message, "leave it out");
            }
        }
        return Some(Written { disposition, upsert: None });
    }
    let upsert = match strategy {
        Some(node) => is_upsert(&node, problems)?.then_some(node.pointer),
        None => None,
    };
    Some(Written { disposition, upsert })
}

fn is_upsert(node: &Node<'_>, problems: &mut Problems) -> Option<bool> {
    let text = node.name("a merge strategy", problems)?;
    match text.value.as_str() {
        "delete-insert" => Some(false),
        "upsert" => Some(true),
        known if STRATEGIES.contains(&known) => {
            let instead = "`delete-insert` or `upsert`";
            problems.later_but(&node.pointer, &format!("the merge strategy `{known}`"), instead);
            None
        }
        other => {
            let hint =
                did_you_mean(other, STRATEGIES).unwrap_or_else(|| "`delete-insert` or `upsert`".to_owned());
            problems.hint(&node.pointer, format!("unknown merge strategy `{other}`"), hint);
            None
        }
    }
}

/// Merge goes by keys.
pub(super) fn check_keys(
    resource: &str,
    node: &Node<'_>,
    written: &Written,
    primary_key: &[String],
    merge_key: &[String],
    problems: &mut Problems,
) {
    match &written.upsert {
        Some(strategy) if primary_key.is_empty() => {
            let message = format!("`{resource}` is to be upserted, but has no `primary_key` to do it by");
            problems.hint(strategy, message, "\"primary_key\": \"id\"");
        }
        Some(strategy) if !merge_key.is_empty() => {
            let message = "`upsert` goes by the primary key alone, and there is a `merge_key`";
            problems.hint(strategy, message, "write `delete-insert`, or leave `merge_key` out");
        }
        None if primary_key.is_empty() && merge_key.is_empty() => {
            let message = format!("`{resource}` is to be merged, but has no `primary_key` to merge by");
            problems.hint(&node.pointer, message, "\"primary_key\": \"id\"");
        }
        _ => {}
    }
}

fn word(node: &Node<'_>, problems: &mut Problems) -> Option<WriteDisposition> {
    let text = node.name("a write disposition", problems)?;
    match text.value.as_str() {
        "append" => Some(WriteDisposition::Append),
        "replace" => Some(WriteDisposition::Replace),
        "merge" => Some(WriteDisposition::Merge),
        "skip" => {
            problems.later(&text.pointer, "the write disposition `skip`");
            None
        }
        other => {
            let known = ["append", "replace", "merge"];
            let hint =
                did_you_mean(other, known).unwrap_or_else(|| "`append`, `replace` or `merge`".to_owned());
            problems.hint(&text.pointer, format!("unknown write disposition `{other}`"), hint);
            None
        }
    }
}
