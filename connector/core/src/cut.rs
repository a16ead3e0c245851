//! Fields taken out of a row by its bytes: `drop` and `keep`, on paths that go through objects and lists.

use std::collections::BTreeMap;

use crate::json::{Item, Kind, Scanner, Span, Step, decode_string, members};

/// Which fields go, or stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Takes these out.
    Drop(Fields),
    /// Takes all others out.
    Keep(Fields),
}

/// Names, and what of their values is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(BTreeMap<String, Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Whole,
    Inner(Fields),
}

impl Fields {
    /// Adds a path of names. What is there of a shorter path stands for all below it.
    pub(crate) fn add(&mut self, path: &[Step]) {
        let Some((Step::Member(name), rest)) = path.split_first() else {
            return;
        };
        let part = self.0.entry(name.clone()).or_insert_with(|| Part::Inner(Self::default()));
        match part {
            _ if rest.is_empty() => *part = Part::Whole,
            Part::Whole => {}
            Part::Inner(fields) => fields.add(rest),
        }
    }

    /// Whether the field of that name is meant as a whole.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Part::Whole)
    }
}

impl Cut {
    /// The row without what is to go; `row` is an object that has been checked.
    pub(crate) fn apply(&self, row: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Drop(fields) => value(row, fields, false, out),
            Self::Keep(fields) => value(row, fields, true, out),
        }
    }
}

/// Copies a value, cutting within objects, and within those that stand in lists. `keep`: the fields are what stays.
fn value(json: &[u8], fields: &Fields, keep: bool, out: &mut Vec<u8>) {
    match json.first() {
        Some(b'{') => object(json, fields, keep, out),
        Some(b'[') => {
            out.push(b'[');
            for (index, item) in items(json).into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value(item.of(json), fields, keep, out);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(json),
    }
}

fn object(json: &[u8], fields: &Fields, keep: bool, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (key, span) in members(json) {
        // A name with half a surrogate pair is none that a config can hold.
        let part = decode_string(key.of(json)).and_then(|name| fields.0.get(name.as_ref()));
        let inner = match part {
            Some(Part::Inner(inner)) => Some(inner),
            Some(Part::Whole) if !keep => continue,
            None if keep => continue,
            _ => None,
        };
        if !std::mem::replace(&mut first, false) {
            out.push(b',');
        }
        out.extend_from_slice(key.of(json));
        out.push(b':');
        match inner {
            Some(inner) => value(span.of(json), inner, keep, out),
            None => out.extend_from_slice(span.of(json)),
        }
    }
    out.push(b'}');
}

/// The items of a list that has been checked.
fn items(json: &[u8]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut scan = Scanner::new(json);
    let mut more = scan.open(b']', 0) == Ok(true);
    while more {
        let start = scan.at;
        if scan.skip(1).is_err() {
            break;
        }
        found.push(Span { start, end: scan.at });
        more = scan.more(b']') == Ok(true);
    }
    found
}

/// A whole text as an item.
pub(crate) fn item(text: &[u8], start: usize) -> Item {
    Item {
        span: Span { start, end: start + text.len() },
        kind: Kind::of(text.first().copied()),
        line_breaks: false,
    }
}
