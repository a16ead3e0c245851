//! One pass over a document that finds the values at a set of paths, and the items of one list among them.

use std::collections::BTreeMap;

use super::scan::{JsonError, Kind, Scanner, Span, decode_string, members};
use super::without_bom;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Index(usize),
}

#[derive(Debug, Clone, Default)]
struct Node {
    members: BTreeMap<String, usize>,
    indexes: BTreeMap<usize, usize>,
    slot: Option<usize>,
}

/// The paths that are wanted, as a tree, so that one walk serves them all.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    nodes: Vec<Node>,
    slots: usize,
    items_of: Option<usize>,
}

impl Wanted {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()], slots: 0, items_of: None }
    }

    fn node(&mut self, steps: &[Step]) -> usize {
        let mut here = 0;
        for step in steps {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(here) else {
                return here;
            };
            let next = match step {
                Step::Member(name) => node.members.entry(name.clone()).or_insert(fresh),
                Step::Index(index) => node.indexes.entry(*index).or_insert(fresh),
            };
            here = *next;
            if here == fresh {
                self.nodes.push(Node::default());
            }
        }
        here
    }

    /// Wants the value at `steps`; gives the slot of [`Found::value`] that it will stand in.
    pub(crate) fn add(&mut self, steps: &[Step]) -> usize {
        let node = self.node(steps);
        let fresh = self.slots;
        let Some(node) = self.nodes.get_mut(node) else {
            return fresh;
        };
        let slot = *node.slot.get_or_insert(fresh);
        self.slots = self.slots.max(slot + 1);
        slot
    }

    /// Wants the value at `steps`, and, if it is a list, each of its items.
    pub(crate) fn add_items(&mut self, steps: &[Step]) -> usize {
        let slot = self.add(steps);
        self.items_of = Some(self.node(steps));
        slot
    }
}

/// A value of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
    /// Whether line breaks stand between its tokens.
    pub(crate) line_breaks: bool,
}

/// What a walk found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    values: Vec<Option<Item>>,
    /// The items of the list that [`Wanted::add_items`] named.
    pub(crate) items: Vec<Item>,
}

impl Found {
    pub(crate) fn value(&self, slot: usize) -> Option<Item> {
        self.values.get(slot).copied().flatten()
    }
}

struct Finder<'a, 'w> {
    bytes: &'a [u8],
    scan: Scanner<'a>,
    wanted: &'w Wanted,
    seen: Vec<bool>,
    found: Found,
}

impl Finder<'_, '_> {
    fn item(&self, start: usize, breaks: usize) -> Item {
        Item {
            span: Span { start, end: self.scan.at },
            kind: Kind::of(self.bytes.get(start).copied()),
            line_breaks: self.scan.line_breaks > breaks,
        }
    }

    fn visit(&mut self, index: usize, depth: usize) -> Result<Item, JsonError> {
        let wanted = self.wanted;
        let (start, breaks) = (self.scan.at, self.scan.line_breaks);
        let Some(node) = wanted.nodes.get(index) else {
            self.scan.skip(depth)?;
            return Ok(self.item(start, breaks));
        };
        let collect = wanted.items_of == Some(index);
        match self.scan.peek() {
            Some(b'{') if !node.members.is_empty() => self.object(node, depth)?,
            Some(b'[') if collect || !node.indexes.is_empty() => self.array(node, collect, depth)?,
            _ => self.scan.skip(depth)?,
        }
        let item = self.item(start, breaks);
        if let Some(value) = node.slot.and_then(|slot| self.found.values.get_mut(slot)) {
            *value = Some(item);
        }
        Ok(item)
    }

    fn object(&mut self, node: &Node, depth: usize) -> Result<(), JsonError> {
        if !self.scan.open(b'}', depth)? {
            return Ok(());
        }
        loop {
            let key = self.scan.key()?;
            let name = decode_string(key.of(self.bytes));
            match name.as_deref().and_then(|name| node.members.get(name)) {
                None => self.scan.skip(depth + 1)?,
                Some(&child) => {
                    let again = self.seen.get_mut(child).map(|seen| std::mem::replace(seen, true));
                    if again == Some(true) {
                        let key = name.unwrap_or_default().into_owned();
                        return Err(JsonError::Twice { at: self.scan.at, key });
                    }
                    self.visit(child, depth + 1)?;
                }
            }
            if !self.scan.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, node: &Node, collect: bool, depth: usize) -> Result<(), JsonError> {
        if !self.scan.open(b']', depth)? {
            return Ok(());
        }
        for index in 0.. {
            let item = match node.indexes.get(&index) {
                Some(&child) => self.visit(child, depth + 1)?,
                None => {
                    let (start, breaks) = (self.scan.at, self.scan.line_breaks);
                    self.scan.skip(depth + 1)?;
                    self.item(start, breaks)
                }
            };
            if collect {
                self.found.items.push(item);
            }
            if !self.scan.more(b']')? {
                break;
            }
        }
        Ok(())
    }
}

/// Walks `bytes` to its last byte. Spans count from the first byte behind a byte order mark.
///
/// # Errors
/// The first thing that RFC 8259 does not allow, or a wanted name that stands twice in one object.
pub(crate) fn find(bytes: &[u8], wanted: &Wanted) -> Result<Found, JsonError> {
    let bytes = without_bom(bytes);
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(match error.error_len() {
            Some(_) => JsonError::NotUtf8 { at: error.valid_up_to() },
            None => JsonError::Cut { at: bytes.len() },
        });
    }
    let mut finder = Finder {
        bytes,
        scan: Scanner::new(bytes),
        wanted,
        seen: vec![false; wanted.nodes.len()],
        found: Found { values: vec![None; wanted.slots], items: Vec::new() },
    };
    finder.scan.space();
    finder.visit(0, 0)?;
    finder.scan.end()?;
    Ok(finder.found)
}

/// What is at the deepest place that `steps` reaches in a checked document, for a message: how many steps were taken,
/// the names there, and whether it is a list.
pub(crate) fn keys_at(bytes: &[u8], steps: &[Step]) -> (usize, Vec<String>, bool) {
    let bytes = without_bom(bytes);
    let mut here = bytes;
    for (taken, step) in steps.iter().enumerate() {
        let found = members(here);
        let next = found.iter().find(|(key, _)| match step {
            Step::Member(name) => decode_string(key.of(here)).as_deref() == Some(name),
            Step::Index(_) => false,
        });
        match next {
            Some((_, value)) => here = value.of(here),
            None => return (taken, names(here, &found), is_list(here)),
        }
    }
    (steps.len(), names(here, &members(here)), is_list(here))
}

fn is_list(value: &[u8]) -> bool {
    value.trim_ascii_start().starts_with(b"[")
}

fn names(object: &[u8], found: &[(Span, Span)]) -> Vec<String> {
    found.iter().filter_map(|(key, _)| decode_string(key.of(object))).map(|name| name.into_owned()).collect()
}
