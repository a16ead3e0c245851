//! `delete_absent`: what becomes of rows that a whole read did not bring.

use serde_json::{Value, json};

use crate::diagnostic::Problems;
use crate::document::{At, Fields, Keys, Node};

/// As it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeleteAbsent {
    /// Whether they stay, marked.
    pub(crate) mark: bool,
    /// Of a hundred, how many may go in one load.
    pub(crate) max_percent: u64,
}

const OBJECT: Keys =
    Keys { of: "`delete_absent`", known: &["mark", "max_percent"], later: &[], elsewhere: &[] };

const MAX_PERCENT: u64 = 5;

impl DeleteAbsent {
    /// As a host is told of it.
    pub(crate) fn settings(self) -> Value {
        json!({"mark": self.mark, "max_percent": self.max_percent})
    }
}

/// Takes it; `merges`: whether rows are merged by a primary key, in a way that keeps no versions of them.
pub(super) fn read(
    fields: &mut Fields<'_>,
    merges: bool,
    problems: &mut Problems,
) -> Option<At<DeleteAbsent>> {
    let node = fields.take("delete_absent")?;
    let asked = asked(&node, problems)?;
    if !merges {
        let message = "absent rows can be told where rows are merged by a primary key, and are not versions";
        let hint = "\"write_disposition\": \"merge\", \"primary_key\": \"id\"";
        problems.hint(&node.pointer, message, hint);
    }
    Some(node.at(asked))
}

fn asked(node: &Node<'_>, problems: &mut Problems) -> Option<DeleteAbsent> {
    let plain = |mark| DeleteAbsent { mark, max_percent: MAX_PERCENT };
    match node.value {
        Value::Bool(asked) => asked.then_some(plain(false)),
        Value::String(word) if word == "mark" => Some(plain(true)),
        Value::Object(_) => {
            let mut fields = node.object("`delete_absent`", problems)?;
            let mark = fields.take("mark").and_then(|node| node.boolean(problems));
            let percent = fields.take("max_percent");
            let max_percent = percent.as_ref().and_then(|node| node.count(problems)).unwrap_or(MAX_PERCENT);
            if let Some(node) = percent.filter(|_| max_percent > 100) {
                problems.hint(&node.pointer, "more than 100 of a hundred cannot go", "\"max_percent\": 50");
            }
            fields.close(&OBJECT, problems);
            Some(DeleteAbsent { mark: mark.unwrap_or(false), max_percent })
        }
        _ => {
            let message = "true, \"mark\", or an object with `mark` and `max_percent` is expected here";
            problems.hint(&node.pointer, message, "\"delete_absent\": true");
            None
        }
    }
}
