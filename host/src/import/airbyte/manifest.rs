//! A manifest as its reader sees it: references followed, parameters handed down, and the line of everything.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::{Document, Part};

/// References that lead on to references end here.
const MAX_HOPS: usize = 20;

/// A manifest.
pub(super) struct Manifest<'d> {
    pub(super) document: &'d Document,
}

/// A part of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// JSON pointers: to the part, then to what its `$ref` fills in.
    layers: Vec<String>,
    /// `$parameters` of everything around it, by pointers to their values. They stand in for fields that are missing.
    parameters: BTreeMap<String, String>,
}

impl Manifest<'_> {
    /// The whole.
    pub(super) fn root(&self) -> Node {
        self.open(String::new(), &BTreeMap::new())
    }

    /// What a part holds, as far as it is no object that several places make up.
    pub(super) fn value(&self, node: &Node) -> &Value {
        node.layers.first().and_then(|pointer| self.at(pointer)).unwrap_or(&Value::Null)
    }

    /// Its line, from 1.
    pub(super) fn line(&self, node: &Node) -> usize {
        let pointer = node.layers.first().map(String::as_str).unwrap_or_default();
        self.document.locate(pointer, Part::Key).map_or(1, |span| span.line)
    }

    /// A field of a component.
    pub(super) fn get(&self, node: &Node, key: &str) -> Option<Node> {
        let own = self.own(node, key);
        // What is empty counts as missing.
        let is_there = |found: &Node| !matches!(self.value(found), Value::Null) && self.value(found) != "";
        own.filter(is_there).or_else(|| {
            let pointer = node.parameters.get(key).filter(|_| key != "type")?;
            Some(self.open(pointer.clone(), &node.parameters))
        })
    }

    /// A text of a component.
    pub(super) fn text(&self, node: &Node, key: &str) -> Option<&str> {
        self.get(node, key).and_then(|found| self.at(found.layers.first()?)?.as_str())
    }

    /// The kind of a component, which may go without saying.
    pub(super) fn kind<'a>(&'a self, node: &Node, usual: &'a str) -> &'a str {
        let own = self.own(node, "type");
        own.and_then(|own| self.at(own.layers.first()?)?.as_str()).unwrap_or(usual)
    }

    /// A parameter that holds for a part.
    pub(super) fn parameter(&self, node: &Node, name: &str) -> Option<&Value> {
        self.at(node.parameters.get(name)?)
    }

    /// The items of a list.
    pub(super) fn items(&self, node: &Node) -> Vec<Node> {
        let Value::Array(items) = self.value(node) else { return Vec::new() };
        let pointer = node.layers.first().map(String::as_str).unwrap_or_default();
        (0..items.len()).map(|at| self.open(format!("{pointer}/{at}"), &node.parameters)).collect()
    }

    /// The items of a list under a key.
    pub(super) fn list(&self, node: &Node, key: &str) -> Vec<Node> {
        self.get(node, key).map(|list| self.items(&list)).unwrap_or_default()
    }

    /// The entries of an object, whatever fills them in.
    pub(super) fn entries(&self, node: &Node) -> Vec<(String, Node)> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        for layer in &node.layers {
            let Some(Value::Object(members)) = self.at(layer) else { continue };
            for key in members.keys().filter(|key| !key.starts_with('$')) {
                if !entries.iter().any(|(known, _)| known == key) {
                    entries.push((key.clone(), self.open(below(layer, key), &node.parameters)));
                }
            }
        }
        entries
    }

    fn own(&self, node: &Node, key: &str) -> Option<Node> {
        let layer =
            node.layers.iter().find(|layer| self.at(layer).is_some_and(|value| value.get(key).is_some()))?;
        Some(self.open(below(layer, key), &node.parameters))
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.document.value.pointer(pointer)
    }

    fn open(&self, pointer: String, parameters: &BTreeMap<String, String>) -> Node {
        let mut node = Node { layers: Vec::new(), parameters: parameters.clone() };
        let mut next = Some(pointer);
        for _ in 0..MAX_HOPS {
            let Some(pointer) = next.take() else { break };
            match self.at(&pointer) {
                Some(Value::String(text)) if text.starts_with("#/") => next = Some(text[1..].to_owned()),
                Some(value) => {
                    let target = value.get("$ref").and_then(Value::as_str);
                    next = target.and_then(|target| target.strip_prefix('#')).map(str::to_owned);
                    node.layers.push(pointer);
                }
                None => {}
            }
        }
        let own = node.layers.iter().find_map(|layer| {
            let pointer = below(layer, "$parameters");
            Some((self.at(&pointer)?.as_object()?, pointer))
        });
        if let Some((members, pointer)) = own {
            let members = members.keys().map(|key| (key.clone(), below(&pointer, key)));
            node.parameters.extend(members);
        }
        node
    }
}

fn below(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
