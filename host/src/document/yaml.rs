//! Reads YAML with the place of every part.
//!
//! It builds the value from the parser's events itself, since only they tell where a name stands, that a name stands
//! twice, and what was a tag or an alias.

mod scalar;
mod syntax;

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};
use serde_json::{Map, Value};

use super::span::{Lines, Place, Places, child};
use super::{EMPTY, EMPTY_HINT, MAX_DEPTH, NO_NUMBER, Names, Problem};

/// Whether an unquoted scalar of this text is a text, and not a number or a word of YAML's own.
pub(super) fn is_plain_text(text: &str) -> bool {
    matches!(scalar::resolve(text), Some(Value::String(_)))
}

/// Aliases may add this many values to a document, so that a few lines cannot fill the memory.
const MAX_ALIASED: usize = 10_000;

/// The value of a YAML text and where its parts stand.
pub(super) fn read(text: &str, names: Names) -> Result<(Value, Places), Vec<Problem>> {
    let mut reader = Reader {
        text,
        names,
        events: Parser::new_from_str(text),
        offsets: Offsets::new(text),
        last_plain: None,
        places: Places::default(),
        anchors: HashMap::new(),
        aliased: 0,
        problems: Vec::new(),
    };
    let value = reader.document();
    match value {
        Ok(value) if reader.problems.is_empty() => Ok((value, reader.places)),
        Ok(_) => Err(reader.problems),
        Err(fatal) => {
            reader.problems.push(fatal);
            Err(reader.problems)
        }
    }
}

/// Reads events in order. A [`Problem`] as error ends the reading; others are gathered in `problems`.
struct Reader<'a> {
    text: &'a str,
    names: Names,
    events: Parser<'a, StrInput<'a>>,
    offsets: Offsets,
    /// The last unquoted scalar, to tell what a syntax error is about.
    last_plain: Option<Range<usize>>,
    places: Places,
    anchors: HashMap<usize, Anchor>,
    aliased: usize,
    problems: Vec<Problem>,
}

/// A value that aliases can name.
struct Anchor {
    value: Value,
    pointer: String,
    /// Values in it, itself included.
    size: usize,
}

/// A value and where it stands.
struct Node {
    value: Value,
    range: Range<usize>,
    size: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Value, Problem> {
        let empty = || Problem::in_text(0..0, EMPTY).hint(EMPTY_HINT);
        loop {
            match self.next()?.ok_or_else(empty)? {
                (Event::StreamEnd, _) => return Err(empty()),
                (Event::DocumentStart(_), _) => break,
                _ => {}
            }
        }
        let (event, range) = self.next()?.ok_or_else(empty)?;
        let node = self.node(event, range, "", 0)?;
        self.places.set("", Place { key: None, value: node.range });
        while let Some((event, range)) = self.next()? {
            if let Event::DocumentStart(_) = event {
                let message = "a second document starts here; a config is one document";
                return Err(Problem::in_text(range, message).hint("put it into a file of its own"));
            }
        }
        Ok(node.value)
    }

    /// The next event and its bytes.
    fn next(&mut self) -> Result<Option<(Event<'a>, Range<usize>)>, Problem> {
        let Some(next) = self.events.next_event() else {
            return Ok(None);
        };
        let (event, span) = next.map_err(|error| self.syntax(&error))?;
        let range = self.offsets.byte(span.start.index())..self.offsets.byte(span.end.index());
        if let Event::Scalar(_, ScalarStyle::Plain, ..) = event {
            self.last_plain = Some(range.clone());
        }
        Ok(Some((event, range)))
    }

    /// The next event of a collection that starts at `start`. The parser ends each that it starts.
    fn inside(&mut self, start: usize) -> Result<(Event<'a>, Range<usize>), Problem> {
        self.next()?.ok_or_else(|| Problem::in_text(start..start, syntax::NOT_YAML))
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let at = self.offsets.byte(error.marker().index());
        syntax::explain(self.text, error.info(), at, self.last_plain.clone())
    }

    /// The value that `event` starts, with the places of what is in it; its own place is the caller's to set.
    fn node(
        &mut self,
        event: Event<'a>,
        range: Range<usize>,
        pointer: &str,
        depth: usize,
    ) -> Result<Node, Problem> {
        if depth >= MAX_DEPTH {
            return Err(Problem::in_text(range, format!("nested more than {MAX_DEPTH} deep")));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tag {
            let problem = Problem::in_text(range.clone(), "tags (`!…`) are not used in a config");
            self.problems.push(problem.hint("to make a text of a value, put it in quotes"));
        }
        let node = match event {
            Event::Scalar(text, style, ..) => self.scalar(&text, style, range),
            Event::SequenceStart(..) => self.sequence(range, pointer, depth)?,
            Event::MappingStart(..) => self.mapping(range, pointer, depth)?,
            Event::Alias(id) => return self.alias(id, range, pointer),
            _ => return Err(Problem::in_text(range, syntax::NOT_YAML)),
        };
        if anchor != 0 {
            let kept = Anchor { value: node.value.clone(), pointer: pointer.to_owned(), size: node.size };
            self.anchors.insert(anchor, kept);
        }
        Ok(node)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, range: Range<usize>) -> Node {
        let value = match style {
            ScalarStyle::Plain => scalar::resolve(text).unwrap_or_else(|| {
                self.problems.push(Problem::in_text(range.clone(), NO_NUMBER));
                Value::Null
            }),
            _ => Value::String(text.to_owned()),
        };
        let range = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => self.quoted(range),
            // What is not written has no length; the parser counts what follows it.
            ScalarStyle::Plain if text.is_empty() => range.start..range.start,
            _ => self.trimmed(range),
        };
        Node { value, range, size: 1 }
    }

    fn sequence(&mut self, start: Range<usize>, pointer: &str, depth: usize) -> Result<Node, Problem> {
        let (mut items, mut range, mut size) = (Vec::new(), start, 1);
        loop {
            let (event, at) = self.inside(range.start)?;
            if event == Event::SequenceEnd {
                range.end = range.end.max(closing(&at));
                return Ok(Node { value: Value::Array(items), range, size });
            }
            let pointer = child(pointer, &items.len().to_string());
            let item = self.node(event, at, &pointer, depth + 1)?;
            range.end = range.end.max(item.range.end);
            size += item.size;
            self.places.set(&pointer, Place { key: None, value: item.range });
            items.push(item.value);
        }
    }

    fn mapping(&mut self, start: Range<usize>, pointer: &str, depth: usize) -> Result<Node, Problem> {
        let (mut map, mut range, mut size) = (Map::new(), start, 1);
        let (mut first, mut merged) = (HashMap::new(), None);
        loop {
            let (event, at) = self.inside(range.start)?;
            if event == Event::MappingEnd {
                range.end = range.end.max(closing(&at));
                break;
            }
            let key_range = match &event {
                Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) => {
                    self.quoted(at.clone())
                }
                _ => self.trimmed(at.clone()),
            };
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let name = self.key(event, at, pointer, depth)?;
            let (event, at) = self.inside(range.start)?;
            // A key that is none of ours still has a value, which may hold more to say something about.
            let entry = child(pointer, name.as_deref().unwrap_or_default());
            let node = self.node(event, at, &entry, depth + 1)?;
            range.end = range.end.max(node.range.end).max(key_range.end);
            size += node.size;
            let Some(name) = name else { continue };
            if let Some(earlier) = first.insert(name.clone(), key_range.start) {
                let line = Lines::new(self.text).span(earlier..earlier).line;
                let message = format!("`{name}` stands twice in one mapping, first in line {line}");
                self.problems.push(Problem::in_text(key_range.clone(), message));
            }
            if is_merge {
                merged = Some((entry, node));
            } else {
                self.places.set(&entry, Place { key: Some(key_range), value: node.range });
                map.insert(name, node.value);
            }
        }
        if let Some((from, node)) = merged {
            self.merge(&mut map, node, &from, pointer);
        }
        Ok(Node { value: Value::Object(map), range, size })
    }

    /// The name of an entry; `None`, and a problem, where it is not a text.
    fn key(
        &mut self,
        event: Event<'a>,
        at: Range<usize>,
        pointer: &str,
        depth: usize,
    ) -> Result<Option<String>, Problem> {
        let problem = match &event {
            // Said by `node`.
            Event::Scalar(_, _, _, Some(_)) => None,
            Event::Scalar(text, style, anchor, None) => {
                let text_anyway = *style != ScalarStyle::Plain || self.names == Names::AsWritten;
                if text_anyway || matches!(scalar::resolve(text), Some(Value::String(_))) {
                    if *anchor != 0 {
                        let value = Value::String(text.to_string());
                        self.anchors
                            .insert(*anchor, Anchor { value, pointer: child(pointer, text), size: 1 });
                    }
                    return Ok(Some(text.to_string()));
                }
                Some(Problem::in_text(at.clone(), "a name is a text").hint("put it in quotes"))
            }
            _ => Some(Problem::in_text(at.clone(), "a name is a text, not a list, a mapping or an alias")),
        };
        self.problems.extend(problem);
        // The key's own events are to be read, whatever they are.
        self.node(event, at, &child(pointer, ""), depth + 1)?;
        Ok(None)
    }

    /// What `<<` brings in: entries that the mapping does not have itself, of one mapping or of several in a list,
    /// where the first one wins.
    fn merge(&mut self, map: &mut Map<String, Value>, node: Node, from: &str, pointer: &str) {
        let sources = match node.value {
            Value::Array(items) => {
                items.into_iter().enumerate().map(|(at, item)| (child(from, &at.to_string()), item)).collect()
            }
            other => vec![(from.to_owned(), other)],
        };
        for (from, source) in sources {
            let Value::Object(entries) = source else {
                let message = "`<<` takes a mapping, or a list of mappings";
                self.problems.push(Problem::in_text(node.range.clone(), message));
                return;
            };
            self.places.copy_below(&from, pointer);
            for (name, value) in entries {
                map.entry(name).or_insert(value);
            }
        }
    }

    fn alias(&mut self, id: usize, range: Range<usize>, pointer: &str) -> Result<Node, Problem> {
        let Some(anchor) = self.anchors.get(&id) else {
            return Err(Problem::in_text(range, "an alias cannot stand inside what it names"));
        };
        self.aliased += anchor.size;
        if self.aliased > MAX_ALIASED {
            return Err(Problem::in_text(range, format!("aliases repeat more than {MAX_ALIASED} values")));
        }
        self.places.copy_below(&anchor.pointer, pointer);
        Ok(Node { value: anchor.value.clone(), range, size: anchor.size })
    }

    /// Up to the quote that ends it: the parser's own end lies behind the blanks and the comment that follow.
    fn quoted(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        // An anchor may stand before it.
        let start = if text.starts_with('&') { text.find(char::is_whitespace).unwrap_or(0) } else { 0 };
        let mut letters =
            text.char_indices().skip_while(|(at, c)| *at < start || c.is_whitespace()).peekable();
        let Some((_, quote)) = letters.next() else { return range };
        while let Some((at, c)) = letters.next() {
            if c == '\\' && quote == '"' {
                letters.next();
            } else if c == quote && (quote == '"' || letters.next_if(|(_, c)| *c == quote).is_none()) {
                return range.start..range.start + at + c.len_utf8();
            }
        }
        self.trimmed(range)
    }

    /// Without the line breaks at its end that belong to a block of text.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        range.start..range.start + text.trim_end().len()
    }
}

/// Where a collection ends by its closing bracket. One without brackets is said to end where the next thing starts,
/// which is no use: it ends with its last item.
fn closing(end: &Range<usize>) -> usize {
    if end.is_empty() { 0 } else { end.start + 1 }
}

/// Byte offsets of a text's characters: the parser counts characters.
enum Offsets {
    /// All are of one byte.
    Ascii(usize),
    Wide(Vec<usize>),
}

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Offsets::Ascii(text.len());
        }
        Offsets::Wide(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn byte(&self, character: usize) -> usize {
        match self {
            Offsets::Ascii(len) => character.min(*len),
            Offsets::Wide(bytes) => bytes.get(character).or(bytes.last()).copied().unwrap_or(0),
        }
    }
}
