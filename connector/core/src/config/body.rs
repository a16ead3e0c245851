//! `json` and `data`: what an endpoint's request carries.

use serde_json::Value;

use crate::diagnostic::Problems;
use crate::document::{At, Fields, Node};

/// A body as written, its placeholders unread.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// `json`: the members of an object.
    Json(Vec<(String, At<Value>)>),
    /// `data` as an object or a list of pairs: a form, in order, names repeated where they were.
    Form(Vec<(At<String>, At<String>)>),
    /// `data` as text: sent as it is, without a `Content-Type`.
    Text(At<String>),
}

/// The members of `json`, for the merge with those of the defaults.
pub(crate) fn json<'a>(node: &Node<'a>, problems: &mut Problems) -> Option<Fields<'a>> {
    node.object("a JSON body", problems)
}

pub(crate) fn read(
    json: Option<Fields<'_>>,
    data: Option<Node<'_>>,
    problems: &mut Problems,
) -> Option<Body> {
    let json = json.map(|fields| {
        Body::Json(
            fields.into_iter().map(|(key, node)| (key.to_owned(), node.at(node.value.clone()))).collect(),
        )
    });
    let Some(node) = data else { return json };
    if json.is_some() {
        problems.add(&node.pointer, "a request has one body: `json` or `data`, not both");
        return None;
    }
    match node.value {
        Value::String(text) => Some(Body::Text(node.at(text.clone()))),
        Value::Object(_) | Value::Array(_) => Some(Body::Form(form(&node, problems))),
        _ => {
            problems.add(&node.pointer, "`data` is a form (an object or a list of pairs) or text");
            None
        }
    }
}

/// The fields of a form that is written as an object, or as a list of pairs.
pub(super) fn form(node: &Node<'_>, problems: &mut Problems) -> Vec<(At<String>, At<String>)> {
    if node.value.is_array() {
        let pairs = node.items("a form", problems).unwrap_or_default();
        return pairs.iter().flat_map(|node| pair(node, problems)).collect();
    }
    let Some(fields) = node.object("a form", problems) else { return Vec::new() };
    let fields = fields.into_iter().flat_map(|(name, node)| {
        let texts = values(&node, problems);
        texts
            .into_iter()
            .map(move |text| (At { value: name.to_owned(), pointer: text.pointer.clone() }, text))
    });
    fields.collect()
}

/// The texts of one field: a list is sent as a field for each of its values, null is not sent.
fn values(node: &Node<'_>, problems: &mut Problems) -> Vec<At<String>> {
    let items = match node.value {
        Value::Array(_) => node.items("a form", problems).unwrap_or_default(),
        _ => vec![node.clone()],
    };
    items.iter().filter_map(|item| text(item, problems)).collect()
}

fn pair(node: &Node<'_>, problems: &mut Problems) -> Vec<(At<String>, At<String>)> {
    let Some([name, value]) =
        node.items("a field's name and value", problems).and_then(|items| <[_; 2]>::try_from(items).ok())
    else {
        if node.value.is_array() {
            problems.add(&node.pointer, "a field of a form is a name and a value");
        }
        return Vec::new();
    };
    let Some(name) = name.string("a field's name", problems) else { return Vec::new() };
    values(&value, problems).into_iter().map(|text| (name.clone(), text)).collect()
}

fn text(node: &Node<'_>, problems: &mut Problems) -> Option<At<String>> {
    match node.value {
        Value::Null => None,
        Value::String(text) => Some(node.at(text.clone())),
        Value::Number(number) => Some(node.at(number.to_string())),
        Value::Bool(value) => Some(node.at(value.to_string())),
        Value::Array(_) | Value::Object(_) => {
            let hint = "write `json` for a body of JSON";
            problems.hint(
                &node.pointer,
                "a form's value is text, a number, a boolean, or a list of these",
                hint,
            );
            None
        }
    }
}
