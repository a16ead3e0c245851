//! Where things stand in a text: byte ranges by JSON pointer, and lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Part;

/// A place in a text, for people and for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In bytes.
    pub range: Range<usize>,
}

/// Where an entry's name and value stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `None` for the document and for items of lists.
    pub(super) key: Option<Range<usize>>,
    pub(super) value: Range<usize>,
}

/// The places of all parts of a value, by JSON pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(BTreeMap<String, Place>);

impl Places {
    pub(super) fn set(&mut self, pointer: &str, place: Place) {
        self.0.insert(pointer.to_owned(), place);
    }

    /// Gives what stands below `from` to `to` too, as an alias does. What `to` has already stays.
    pub(super) fn copy_below(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        let copied: Vec<(String, Place)> = self
            .0
            .range(below.clone()..)
            .map_while(|(pointer, place)| Some((pointer.strip_prefix(&below)?, place)))
            .map(|(rest, place)| (format!("{to}/{rest}"), place.clone()))
            .collect();
        for (pointer, place) in copied {
            self.0.entry(pointer).or_insert(place);
        }
    }

    /// The very part.
    pub(super) fn get(&self, pointer: &str) -> Option<&Place> {
        self.0.get(pointer)
    }

    /// The part, or the nearest one around it. Of what is around it the name is shown, since that is short.
    pub(super) fn find(&self, pointer: &str, part: Part) -> Option<Range<usize>> {
        let (mut pointer, mut part) = (pointer, part);
        loop {
            if let Some(Place { key, value }) = self.0.get(pointer) {
                let key = key.clone().filter(|_| part == Part::Key);
                return Some(key.unwrap_or_else(|| value.clone()));
            }
            pointer = pointer.rsplit_once('/')?.0;
            part = Part::Key;
        }
    }
}

/// A pointer to an entry of what `parent` points to (RFC 6901, 3).
pub(super) fn child(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The lines of a text. They end in `\n` or `\r\n`.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The line and column of a range's start. A range beyond the text is moved to its end.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let start = self.floor(range.start);
        let end = self.floor(range.end).max(start);
        let line = self.line_of(start);
        let before = self.text.get(self.start(line)..start).unwrap_or_default();
        Span { line, column: before.chars().count() + 1, range: start..end }
    }

    /// A line (from 1) without its end; empty beyond the text.
    pub(super) fn line(&self, line: usize) -> &'a str {
        let end = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let text = self.text.get(self.start(line)..end).unwrap_or_default();
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// Where a line (from 1) starts, in bytes.
    pub(super) fn start(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns() {
        let text = "ab\nčd: x\r\n\nlast";
        let lines = Lines::new(text);
        let cases = [
            (0, 1, 1),
            (2, 1, 3),
            (3, 2, 1),
            (4, 2, 1),
            (5, 2, 2),
            (8, 2, 5),
            (11, 3, 1),
            (12, 4, 1),
            (99, 4, 5),
        ];
        for (offset, line, column) in cases {
            let span = lines.span(offset..offset + 1);
            assert_eq!((span.line, span.column), (line, column), "{offset}");
            assert!(text.get(span.range).is_some());
        }
        assert_eq!([1, 2, 3, 4, 5].map(|n| lines.line(n)), ["ab", "čd: x", "", "last", ""]);
        let empty = Lines::new("");
        assert_eq!((empty.span(0..0).line, empty.line(1)), (1, ""));
    }

    #[test]
    fn finds_the_nearest_part() {
        let mut places = Places::default();
        let place = |key, value| Place { key, value };
        places.set("", place(None, 0..50));
        places.set("/a~1b", place(Some(1..2), 3..20));
        places.set("/a~1b/0", place(None, 5..6));
        let cases = [
            ("", Part::Key, Some(0..50)),
            ("/a~1b", Part::Key, Some(1..2)),
            ("/a~1b", Part::Value, Some(3..20)),
            ("/a~1b/0", Part::Key, Some(5..6)),
            ("/a~1b/0/x/y", Part::Value, Some(5..6)),
            ("/a~1b/1", Part::Value, Some(1..2)),
            ("/c", Part::Value, Some(0..50)),
            ("no pointer", Part::Value, None),
        ];
        for (pointer, part, expected) in cases {
            assert_eq!(places.find(pointer, part), expected, "{pointer}");
        }
        assert_eq!(child("/x", "a/b~c"), "/x/a~1b~0c");
    }

    #[test]
    fn copies_what_stands_below() {
        let mut places = Places::default();
        for (pointer, at) in [("/a", 1), ("/a/x", 2), ("/a/x/y", 3), ("/a0", 4), ("/b/x", 5)] {
            places.set(pointer, Place { key: None, value: at..at });
        }
        places.copy_below("/a", "/b");
        assert_eq!(places.find("/b/x", Part::Value), Some(5..5));
        assert_eq!(places.find("/b/x/y", Part::Value), Some(3..3));
        assert_eq!(places.find("/b0", Part::Value), None);
    }
}
