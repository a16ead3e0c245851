//! How a config refers to secrets: `${secrets.NAME}` in any of its texts.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::contract::Diagnostic;

/// Names in `${secrets.NAME}`, wherever a text of the config holds them.
pub fn references(config: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut collect = |text: &str| {
        replace(text, &mut |name| {
            names.insert(name.to_owned());
            None
        });
    };
    visit(config, &mut collect);
    names
}

/// `config` with each `${secrets.NAME}` replaced by what `placeholder` gives for it.
pub fn substitute(config: &Value, placeholder: &dyn Fn(&str) -> Option<String>) -> Value {
    match config {
        Value::String(text) => Value::String(replace(text, &mut |name| placeholder(name))),
        Value::Array(items) => items.iter().map(|item| substitute(item, placeholder)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), substitute(value, placeholder)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn visit(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        Value::Object(fields) => fields.values().for_each(|field| visit(field, see)),
        _ => {}
    }
}

/// Whether the text is one reference and nothing else.
pub fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("${secrets.").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(is_name)
}

/// `text` with each `${secrets.NAME}` replaced by what `with` gives for it.
pub(super) fn replace(text: &str, with: &mut dyn FnMut(&str) -> Option<String>) -> String {
    const OPEN: &str = "${secrets.";
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(OPEN) {
        let (before, after) = (&rest[..start], &rest[start + OPEN.len()..]);
        let name = after.split('}').next().unwrap_or_default();
        let closed = after.len() > name.len();
        let replacement = (closed && is_name(name)).then(|| with(name)).flatten();
        out.push_str(before);
        match replacement {
            Some(replacement) => {
                out.push_str(&replacement);
                rest = &after[name.len() + 1..];
            }
            None => {
                out.push_str(OPEN);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether the text has a `${secret…` that is no reference, in whatever case it is written: sent as it stands, it would
/// be taken for a wrong credential.
fn is_malformed(text: &str) -> bool {
    text.split("${").skip(1).any(|inner| {
        let name = inner.split('}').next().unwrap_or_default();
        let meant = name.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("secret"));
        let closed = inner.len() > name.len();
        meant && !(closed && name.strip_prefix("secrets.").is_some_and(is_name))
    })
}

/// JSON pointers to texts of the config that look like references and are none.
pub fn malformed_references(config: &Value) -> Vec<String> {
    fn walk(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) if is_malformed(text) => found.push(pointer.to_owned()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{pointer}/{index}"), found);
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(field, &format!("{pointer}/{key}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(config, "", &mut found);
    found
}

/// What is said of each of them.
pub fn malformed_reference(pointer: String) -> Diagnostic {
    Diagnostic {
        path: pointer,
        message: "this looks like a reference to a secret, and is none".into(),
        hint: Some("write `${secrets.NAME}`; a name has letters, digits, `_`, `-` and `.`".into()),
    }
}

/// `text` with something in the place of each reference that can stand in any part of a destination's address.
pub fn blank(text: &str) -> String {
    replace(text, &mut |_| Some("1".to_owned()))
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
