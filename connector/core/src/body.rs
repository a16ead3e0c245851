//! A request's body as bytes: every value safe in its place, numbers in the API's own digits.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::contract::Fault;
use crate::partition::Bindings;
use crate::plan::{Body, Json, Members, Piece};
use crate::request::fill;

/// A body, and what a request says of it unless the config does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: Option<&'static str>,
}

/// The body of one request. `set` are JSON values that a paginator puts in, each at its path of plain names, which is
/// made where it is not there.
pub(crate) fn render(
    body: Option<&Body<Piece>>,
    bindings: &Bindings,
    set: &[(Vec<String>, String)],
) -> Result<Rendered, Fault> {
    let text = |pieces: &Vec<Piece>| fill(pieces, bindings, str::to_owned);
    let mut members = match body {
        None if set.is_empty() => return Ok(Rendered::default()),
        None => Vec::new(),
        Some(Body::Json(members)) => object(members, bindings)?,
        Some(Body::Form(fields)) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(&text(name)?, &text(value)?);
            }
            let bytes = form.finish().into_bytes();
            let content_type = (!bytes.is_empty()).then_some("application/x-www-form-urlencoded");
            return Ok(Rendered { bytes, content_type });
        }
        Some(Body::Text(pieces)) => {
            return Ok(Rendered { bytes: text(pieces)?.into_bytes(), content_type: None });
        }
    };
    for (path, value) in set {
        put(&mut members, path, value);
    }
    let mut out = String::new();
    write(&Tree::Object(members), &mut out);
    Ok(Rendered { bytes: out.into_bytes(), content_type: Some("application/json") })
}

/// JSON that is about to be written.
enum Tree {
    /// JSON text.
    Raw(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

fn object(members: &Members<Piece>, bindings: &Bindings) -> Result<Vec<(String, Tree)>, Fault> {
    let mut out: Vec<(String, Tree)> = Vec::new();
    for (key, value) in members {
        let key = fill(key, bindings, str::to_owned)?;
        let value = tree(value, bindings)?;
        // Two templates may come to one name: the last wins, as in a dictionary.
        match out.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => out.push((key, value)),
        }
    }
    Ok(out)
}

fn tree(json: &Json<Piece>, bindings: &Bindings) -> Result<Tree, Fault> {
    Ok(match json {
        Json::Plain(value) => Tree::Raw(value.to_string()),
        Json::Text(pieces) => Tree::Raw(quoted(&fill(pieces, bindings, str::to_owned)?)),
        Json::Whole(Piece::Text(text)) => Tree::Raw(quoted(text)),
        Json::Whole(Piece::Bound(index, _)) => {
            let lacking = || Fault::Other("the partition lacks a value".to_owned());
            Tree::Raw(bindings.bound.get(*index).cloned().ok_or_else(lacking)?)
        }
        Json::Whole(Piece::Incremental(value, _)) => {
            Tree::Raw(bindings.sent.json(*value).unwrap_or("null").to_owned())
        }
        Json::List(items) => {
            Tree::List(items.iter().map(|item| tree(item, bindings)).collect::<Result<_, _>>()?)
        }
        Json::Object(members) => Tree::Object(object(members, bindings)?),
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Puts a value at a path; what stands in the way and is no object gives way, as in dlt.
fn put(members: &mut Vec<(String, Tree)>, path: &[String], value: &str) {
    let Some((key, rest)) = path.split_first() else { return };
    let index = members.iter().position(|(other, _)| other == key).unwrap_or_else(|| {
        members.push((key.clone(), Tree::Object(Vec::new())));
        members.len() - 1
    });
    let Some((_, place)) = members.get_mut(index) else { return };
    if rest.is_empty() {
        *place = Tree::Raw(value.to_owned());
        return;
    }
    if let Tree::Raw(text) = place {
        let inner: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
        *place = Tree::Object(
            inner.into_iter().map(|(key, raw)| (key, Tree::Raw(raw.get().to_owned()))).collect(),
        );
    }
    if matches!(place, Tree::List(_)) {
        *place = Tree::Object(Vec::new());
    }
    if let Tree::Object(inner) = place {
        put(inner, rest, value);
    }
}

fn write(tree: &Tree, out: &mut String) {
    match tree {
        Tree::Raw(text) => out.push_str(text),
        Tree::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Tree::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}
