//! What a document holds near its top: lists and telling scalars, for guesses about rows and about further pages.

use super::scan::{JsonError, Kind, Scanner, Span, decode_string};
use super::without_bom;

/// A value found near the top, reached through objects only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<String>,
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

impl Entry {
    /// The last name of the path; empty for the root.
    pub(crate) fn key(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }
}

/// The root, then each value no more than `max_path` names deep that `keep` wants, in document order. Lists are not entered.
///
/// # Errors
/// The first thing that RFC 8259 does not allow.
pub(crate) fn survey(
    bytes: &[u8],
    max_path: usize,
    keep: fn(&str, Kind) -> bool,
) -> Result<Vec<Entry>, JsonError> {
    let bytes = without_bom(bytes);
    let mut walk =
        Walk { bytes, scan: Scanner::new(bytes), max_path, keep, path: Vec::new(), entries: Vec::new() };
    walk.scan.space();
    let root = Entry {
        path: Vec::new(),
        span: Span { start: walk.scan.at, end: bytes.len() },
        kind: Kind::of(walk.scan.peek()),
    };
    walk.entries.push(root);
    walk.visit()?;
    walk.scan.end()?;
    Ok(walk.entries)
}

struct Walk<'a> {
    bytes: &'a [u8],
    scan: Scanner<'a>,
    max_path: usize,
    keep: fn(&str, Kind) -> bool,
    path: Vec<String>,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    fn visit(&mut self) -> Result<(), JsonError> {
        let depth = self.path.len();
        if self.scan.peek() != Some(b'{') || depth >= self.max_path {
            return self.scan.skip(depth);
        }
        if !self.scan.open(b'}', depth)? {
            return Ok(());
        }
        loop {
            let key = self.scan.key()?;
            let name = decode_string(key.of(self.bytes)).unwrap_or_default().into_owned();
            let (start, kind) = (self.scan.at, Kind::of(self.scan.peek()));
            let kept = (self.keep)(&name, kind).then_some(self.entries.len());
            self.path.push(name);
            if kept.is_some() {
                self.entries.push(Entry { path: self.path.clone(), span: Span { start, end: start }, kind });
            }
            self.visit()?;
            self.path.pop();
            if let Some(entry) = kept.and_then(|index| self.entries.get_mut(index)) {
                entry.span.end = self.scan.at;
            }
            if !self.scan.more(b'}')? {
                return Ok(());
            }
        }
    }
}
