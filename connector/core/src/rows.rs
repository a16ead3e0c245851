//! Rows out of a body: the API's own bytes as NDJSON, with keys added and renamed by splicing.

use crate::json::{Item, Kind, decode_string, members};

/// A row that cannot be passed on; `index` counts the page's rows from 0, and people from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {} of the page {message}", .index + 1)]
pub(crate) struct RowError {
    pub(crate) index: usize,
    pub(crate) message: String,
}

/// What is done to the top level of each row.
#[derive(Debug, Default)]
pub(crate) struct Edit<'a> {
    /// Keys as the config names them, and their values as JSON.
    pub(crate) added: Vec<(&'a str, &'a str)>,
    /// The API's name, the output's name. Applied last, to added keys too.
    pub(crate) rename: &'a [(String, String)],
}

/// Appends `bytes` without their line breaks, all of which stand between tokens.
pub(crate) fn push_without_breaks(out: &mut Vec<u8>, mut bytes: &[u8], line_breaks: bool) {
    if line_breaks {
        while let Some(at) = memchr::memchr2(b'\n', b'\r', bytes) {
            let (before, rest) = bytes.split_at(at);
            out.extend_from_slice(before);
            bytes = rest.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(bytes);
}

/// One row with its keys added and renamed, and without line breaks.
///
/// # Errors
/// As [`render`].
pub(crate) fn spliced(text: &[u8], row: &Item, edit: &Edit<'_>) -> Result<Vec<u8>, String> {
    if row.kind != Kind::Object {
        return Err(no_object(row.kind));
    }
    let mut out = Vec::with_capacity(text.len());
    splice(&mut out, text, row.line_breaks, edit, &tail(edit))?;
    Ok(out)
}

fn no_object(kind: Kind) -> String {
    format!("is {}: only an object can be given keys or new names", kind.noun())
}

/// The rows as NDJSON, in one allocation. A row that is `null` stays one: it is refused where rows are written, and the
/// others are not.
///
/// # Errors
/// With anything to edit, one that is no object, or has a key of that name already.
pub(crate) fn render(body: &[u8], rows: &[Item], edit: &Edit<'_>) -> Result<Vec<u8>, RowError> {
    let tail = tail(edit);
    let renames: usize = edit.rename.iter().map(|(_, to)| to.len() * 2 + 2).sum();
    let size: usize = rows.iter().map(|row| row.span.len() + 1 + tail.len() + renames).sum();
    let mut out = Vec::with_capacity(size);
    for (index, row) in rows.iter().enumerate() {
        let error = |message| RowError { index, message };
        let bytes = row.span.of(body);
        if row.kind == Kind::Null || (edit.added.is_empty() && edit.rename.is_empty()) {
            push_without_breaks(&mut out, bytes, row.line_breaks);
        } else if row.kind == Kind::Object {
            splice(&mut out, bytes, row.line_breaks, edit, &tail).map_err(error)?;
        } else {
            return Err(error(no_object(row.kind)));
        }
        out.push(b'\n');
    }
    Ok(out)
}

/// The added members, each with a comma before it.
fn tail(edit: &Edit<'_>) -> Vec<u8> {
    let mut tail = Vec::new();
    for (key, value) in &edit.added {
        let name = edit.rename.iter().find(|(from, _)| from == key).map_or(*key, |(_, to)| to);
        tail.push(b',');
        tail.extend_from_slice(quoted(name).as_bytes());
        tail.push(b':');
        tail.extend_from_slice(value.as_bytes());
    }
    tail
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn splice(out: &mut Vec<u8>, row: &[u8], breaks: bool, edit: &Edit<'_>, tail: &[u8]) -> Result<(), String> {
    let mut copied = 0;
    let members = members(row);
    for (key, _) in &members {
        let Some(name) = decode_string(key.of(row)) else {
            continue;
        };
        if edit.added.iter().any(|(added, _)| *added == name) {
            return Err(format!("has a `{name}` of its own, which the parent's key would hide"));
        }
        if let Some((_, to)) = edit.rename.iter().find(|(from, _)| *from == name) {
            push_without_breaks(out, row.get(copied..key.start).unwrap_or_default(), breaks);
            out.extend_from_slice(quoted(to).as_bytes());
            copied = key.end;
        } else if let Some((from, _)) = edit.rename.iter().find(|(_, to)| *to == name) {
            return Err(format!("has a `{name}` already, and `{from}` is to take that name"));
        }
    }
    let rest = row.get(copied..).unwrap_or_default();
    let Some(inner) = rest.strip_suffix(b"}").filter(|_| !tail.is_empty()) else {
        push_without_breaks(out, rest, breaks);
        return Ok(());
    };
    push_without_breaks(out, inner, breaks);
    let tail = if members.is_empty() { tail.get(1..).unwrap_or_default() } else { tail };
    out.extend_from_slice(tail);
    out.push(b'}');
    Ok(())
}
