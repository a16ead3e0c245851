//! `response_actions`: what a config has done about answers.

use super::endpoint::status;
use super::inside;
use crate::actions::{Action, ResponseAction};
use crate::diagnostic::{Problems, did_you_mean};
use crate::document::{Keys, Node};

const KEYS: Keys = Keys {
    of: "a response action",
    known: &["status_code", "content", "action", "message"],
    later: &[],
    elsewhere: &[],
};

/// Reads them all.
pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Vec<ResponseAction> {
    let items = node.items("response actions", problems).unwrap_or_default();
    items.iter().filter_map(|item| one(item, problems)).collect()
}

fn one(node: &Node<'_>, problems: &mut Problems) -> Option<ResponseAction> {
    let mut fields = node.object("a response action", problems)?;
    let (code, content) = (fields.take("status_code"), fields.take("content"));
    if code.is_none() && content.is_none() {
        let hint = "\"status_code\": 404, or \"content\": \"not found\"";
        problems.hint(&node.pointer, "this matches no answer: neither a status nor a content is named", hint);
    }
    let code = code.map(|node| status(&node, problems));
    let content = content.map(|node| node.name("a part of an answer", problems));
    let message = fields.take("message");
    let action = match fields.take("action") {
        Some(node) => action(&node, problems),
        None => {
            let hint = "\"action\": \"ignore\"";
            problems.hint(&inside(node, "action"), "`action` is missing", hint);
            None
        }
    };
    let action = match (action, message) {
        (Some(Action::Fail(_)), Some(node)) => {
            node.name("a message", problems).map(|message| Action::Fail(Some(message.value)))
        }
        (Some(_), Some(node)) => {
            problems.hint(&node.pointer, "a message is for `fail`", "leave it out");
            None
        }
        (action, _) => action,
    };
    fields.close(&KEYS, problems);
    // What was written and could not be read has been reported, and matches nothing.
    Some(ResponseAction {
        status: code.map(Option::unwrap_or_default),
        content: content.map(|text| text.map(|text| text.value).unwrap_or_default()),
        action: action?,
    })
}

fn action(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = node.name("an action", problems)?;
    match text.value.as_str() {
        "ignore" => Some(Action::Ignore),
        "retry" => Some(Action::Retry),
        "fail" => Some(Action::Fail(None)),
        other => {
            let known = ["ignore", "retry", "fail"];
            let hint = did_you_mean(other, known).unwrap_or_else(|| {
                "`ignore`, `retry` or `fail`; what Python did to rows, `processing_steps` do".to_owned()
            });
            problems.hint(&node.pointer, format!("unknown action `{other}`"), hint);
            None
        }
    }
}
