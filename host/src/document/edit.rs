//! Sets values in a config's text, and leaves all else in it as it stands: comments, order, quotes, indentation.
//!
//! Whatever the text looks like, an edit is one of two things: what was meant, or refused. The edited text is read again
//! and compared with the value that it should have.

mod block;
mod changes;
mod flow;
mod table;

use std::ops::Range;

use serde_json::Value;

pub use changes::{Change, changes};

use super::span::{Place, child};
use super::{Document, Format, parse};

/// Why a value cannot be set; the config is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Neither the place nor an object around it is there.
    #[error("there is nothing to write it into")]
    NoPlace,
    /// What stands there stands elsewhere too.
    #[error("an alias or a merge key stands there")]
    Shared,
    /// What stands there has comments in it, which would be lost.
    #[error("comments stand in what it would replace")]
    Commented,
    /// The text is written in a way that these edits do not know.
    #[error("the text around it is not simple enough")]
    Unfit,
}

/// The config with the value at `pointer` (RFC 6901) set: replaced where there is one, else added to the object around
/// it. Of an object that keeps all its names only the members that differ are written.
///
/// # Errors
/// The value cannot be set without a risk to the rest of the text.
pub fn set(document: &Document, pointer: &str, value: &Value) -> Result<Document, EditError> {
    let mut edited = document.clone();
    for (pointer, value) in steps(document.value.pointer(pointer), pointer, value) {
        edited = set_one(&edited, &pointer, &value)?;
    }
    Ok(edited)
}

/// The smallest settings that make `new` of `old`.
fn steps(old: Option<&Value>, pointer: &str, new: &Value) -> Vec<(String, Value)> {
    match (old, new) {
        (Some(old), new) if old == new => Vec::new(),
        (Some(Value::Object(old)), Value::Object(new)) if old.keys().all(|name| new.contains_key(name)) => {
            new.iter().flat_map(|(name, value)| steps(old.get(name), &child(pointer, name), value)).collect()
        }
        _ => vec![(pointer.to_owned(), new.clone())],
    }
}

fn set_one(document: &Document, pointer: &str, value: &Value) -> Result<Document, EditError> {
    let (around, name) = parent(pointer).ok_or(EditError::NoPlace)?;
    let mut meant = document.value.clone();
    match (meant.pointer(pointer).is_some(), meant.pointer_mut(around)) {
        (true, _) => meant.pointer_mut(pointer).map(|place| *place = value.clone()),
        (false, Some(Value::Object(members))) => members.insert(name.clone(), value.clone()).map(|_| ()),
        (false, _) => return Err(EditError::NoPlace),
    };
    let text = match document.format {
        Format::Toml => table::set(&document.text, pointer, value)?,
        Format::Json | Format::Yaml => spliced(&document.text, splices(document, pointer, value)?)?,
    };
    let edited = parse(&document.file_name, &text, document.format).map_err(|_| EditError::Unfit)?;
    if edited.value == meant { Ok(edited) } else { Err(EditError::Unfit) }
}

/// What is to change in the text of JSON and YAML.
fn splices(document: &Document, pointer: &str, value: &Value) -> Result<Vec<Splice>, EditError> {
    let (around, name) = parent(pointer).ok_or(EditError::NoPlace)?;
    let view = View { document };
    if document.value.pointer(pointer).is_some() {
        let place = view.own_place(pointer)?;
        return match view.is_flow(around) {
            true => flow::replace(&view, pointer, &place, value),
            false => block::replace(&view, pointer, &place, value),
        };
    }
    let place = view.own_place(around)?;
    match view.is_flow(around) {
        true => flow::insert(&view, around, &place, &name, value),
        false => block::insert(&view, around, &name, value),
    }
}

/// A pointer to what is around, and the name within it.
fn parent(pointer: &str) -> Option<(&str, String)> {
    let (around, name) = pointer.rsplit_once('/')?;
    Some((around, name.replace("~1", "/").replace("~0", "~")))
}

/// Bytes of a text and what takes their place.
struct Splice {
    range: Range<usize>,
    text: String,
}

fn spliced(text: &str, mut splices: Vec<Splice>) -> Result<String, EditError> {
    splices.sort_by_key(|splice| splice.range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for splice in splices {
        out.push_str(text.get(at..splice.range.start).ok_or(EditError::Unfit)?);
        out.push_str(&splice.text);
        at = splice.range.end;
    }
    out.push_str(text.get(at..).ok_or(EditError::Unfit)?);
    Ok(out)
}

/// What edits need to know of a config's text.
struct View<'a> {
    document: &'a Document,
}

impl View<'_> {
    fn text(&self) -> &str {
        &self.document.text
    }

    fn format(&self) -> Format {
        self.document.format
    }

    /// Where a part stands, if it stands there alone: what came through an alias or a merge key stands outside of what
    /// it is a part of.
    fn own_place(&self, pointer: &str) -> Result<Place, EditError> {
        let place = self.document.places.get(pointer).ok_or(EditError::Unfit)?;
        let text = self.text().get(place.value.clone()).unwrap_or_default();
        if self.format() == Format::Yaml && text.starts_with(['*', '&']) {
            return Err(EditError::Shared);
        }
        if let Some((around, _)) = parent(pointer) {
            let outer = self.own_place(around)?;
            let start = place.key.as_ref().map_or(place.value.start, |key| key.start);
            let end = place.key.as_ref().map_or(place.value.end, |key| key.end);
            if start < outer.value.start || end > outer.value.end {
                return Err(EditError::Shared);
            }
        }
        Ok(place.clone())
    }

    /// Whether what stands in this object or list is between brackets.
    fn is_flow(&self, pointer: &str) -> bool {
        let opens = |pointer: &str| {
            let collection =
                self.document.value.pointer(pointer).is_some_and(|v| v.is_object() || v.is_array());
            let start = self.document.places.get(pointer).map_or(0, |place| place.value.start);
            collection && self.text().get(start..).is_some_and(|rest| rest.starts_with(['{', '[']))
        };
        opens(pointer) || parent(pointer).is_some_and(|(around, _)| self.is_flow(around))
    }

    /// The members of an object or list that stand in it, in the order of the text.
    fn members(&self, pointer: &str) -> Vec<(String, Place)> {
        let names: Vec<String> = match self.document.value.pointer(pointer) {
            Some(Value::Object(members)) => members.keys().map(|name| child(pointer, name)).collect(),
            Some(Value::Array(items)) => (0..items.len()).map(|at| child(pointer, &at.to_string())).collect(),
            _ => Vec::new(),
        };
        let own = |name: String| self.own_place(&name).ok().map(|place| (name, place));
        let mut members: Vec<(String, Place)> = names.into_iter().filter_map(own).collect();
        members.sort_by_key(|(_, place)| place.key.as_ref().map_or(place.value.start, |key| key.start));
        members
    }

    /// Where a part ends. The place of a value that is not written is of no use: its name ends it, with the colon.
    fn end(&self, pointer: &str, place: &Place) -> usize {
        match &place.key {
            Some(key) if place.value.is_empty() => self.after_colon(key.end),
            _ if self.is_flow(pointer) => place.value.end,
            _ => self
                .members(pointer)
                .last()
                .map_or(place.value.end, |(pointer, place)| self.end(pointer, place)),
        }
    }

    /// The byte after the colon that follows a name.
    fn after_colon(&self, key_end: usize) -> usize {
        let rest = self.text().get(key_end..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        if rest.trim_start_matches(' ').starts_with(':') { key_end + blank + 1 } else { key_end }
    }

    /// Where the line of a byte begins.
    fn line_start(&self, at: usize) -> usize {
        self.text().get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
    }

    /// Where the line of a byte ends, before its line break.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text().get(at..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// What stands between a byte and the end of its line.
    fn rest_of_line(&self, at: usize) -> &str {
        self.text().get(at..self.line_end(at)).unwrap_or_default()
    }

    /// Whether nothing but a comment follows in the line.
    fn is_last_in_line(&self, at: usize) -> bool {
        let rest = self.rest_of_line(at);
        let bare = rest.trim_start();
        bare.is_empty() || (self.format() == Format::Yaml && bare.starts_with('#') && bare.len() < rest.len())
    }

    /// What stands before a byte in its line, if that is blank.
    fn indent(&self, at: usize) -> Option<&str> {
        let before = self.text().get(self.line_start(at)..at)?;
        before.trim_matches([' ', '\t']).is_empty().then_some(before)
    }

    /// How far a byte is from the start of its line, in characters.
    fn column(&self, at: usize) -> usize {
        self.text().get(self.line_start(at)..at).unwrap_or_default().chars().count()
    }

    /// What the file indents by.
    fn indent_unit(&self) -> String {
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let bare = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let first = self.text().lines().filter(bare).map(indent).find(|indent| *indent > 0);
        if self.text().lines().any(|line| line.starts_with('\t')) {
            return "\t".to_owned();
        }
        " ".repeat(first.unwrap_or(2).clamp(1, 8))
    }

    fn line_break(&self) -> &'static str {
        if self.text().contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Refuses to replace what has comments in it.
    fn refuse_comments(&self, pointer: &str, range: &Range<usize>) -> Result<(), EditError> {
        let collection = self.document.value.pointer(pointer).is_some_and(|v| v.is_object() || v.is_array());
        let text = self.text().get(range.clone()).unwrap_or_default();
        if self.format() == Format::Yaml && collection && text.contains('#') {
            return Err(EditError::Commented);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
