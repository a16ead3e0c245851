//! Placeholders, and the shape of a path that has them: what is compared to find a parent by its path.

use super::draft::{Draft, DraftPart};
use crate::diagnostic::{Problems, did_you_mean, list};
use crate::document::At;
use crate::incremental;

/// A placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hole {
    /// `{resources.projects.id}`, or `{x}` with a parameter of type `resolve`.
    Field { resource: At<String>, field: String, pointer: String },
    /// `{parent_id}` with nothing said about it.
    Plain { name: String, pointer: String },
    /// `{incremental.start_value}`.
    Incremental { value: incremental::Value, pointer: String },
    /// One that has been reported.
    Faulty,
}

impl Hole {
    pub(super) fn new(name: &str, pointer: &str, problems: &mut Problems) -> Self {
        let pointer = pointer.to_owned();
        if name == "resources" || name.starts_with("resources.") {
            let rest = name.strip_prefix("resources.").unwrap_or_default();
            // A resource's name may hold dots; which one is meant shows only when all names are known.
            if rest.split_once('.').is_none_or(|(resource, field)| resource.is_empty() || field.is_empty()) {
                let hint = "{resources.projects.id}";
                problems.hint(&pointer, format!("`{{{name}}}` names no field of a resource"), hint);
                return Self::Faulty;
            }
            let resource = At { value: rest.to_owned(), pointer: pointer.clone() };
            return Self::Field { resource, field: String::new(), pointer };
        }
        if let Some(value) = name.strip_prefix("incremental.") {
            let known = incremental::VALUES;
            return match known.iter().find(|(name, _)| *name == value) {
                Some((_, value)) => Self::Incremental { value: *value, pointer },
                None => {
                    let names = || known.iter().map(|(name, _)| *name);
                    let hint = did_you_mean(value, names())
                        .unwrap_or_else(|| format!("there are {}", list(names())));
                    problems.hint(&pointer, format!("`{{{name}}}` is no value of `incremental`"), hint);
                    Self::Faulty
                }
            };
        }
        if name.contains('.') {
            let hint = "a field of a resource's rows is `{resources.NAME.FIELD}`";
            problems.hint(&pointer, format!("`{{{name}}}` refers to nothing"), hint);
            return Self::Faulty;
        }
        Self::Plain { name: name.to_owned(), pointer }
    }

    /// The resource's name and the field's path; `resources.a.b.c` is split by the longest name that there is.
    pub(super) fn field<'a>(&'a self, names: &[&str]) -> Option<(&'a str, &'a str, &'a str)> {
        let Self::Field { resource, field, pointer } = self else {
            return None;
        };
        if !field.is_empty() {
            return Some((&resource.value, field, pointer));
        }
        let longest = names
            .iter()
            .filter_map(|name| Some((name.len(), resource.value.strip_prefix(name)?.strip_prefix('.')?)))
            .max_by_key(|(length, _)| *length);
        match longest {
            Some((length, field)) => Some((resource.value.get(..length)?, field, pointer)),
            None => resource.value.split_once('.').map(|(name, field)| (name, field, pointer.as_str())),
        }
    }
}

/// A URL's path with a mark for each placeholder, and what stands before each of them.
pub(super) struct Shape {
    pub(super) text: String,
    /// For each placeholder: the shape up to it, and which one it is.
    pub(super) before: Vec<(String, Hole)>,
}

const MARK: char = '\u{0}';

impl Shape {
    pub(super) fn of(draft: &Draft) -> Self {
        let mut shape = Self { text: String::new(), before: Vec::new() };
        for part in &draft.path {
            match part {
                DraftPart::Text(text) => shape.text.push_str(text),
                DraftPart::Hole(hole, _) => {
                    shape.before.push((shape.text.clone(), hole.clone()));
                    shape.text.push(MARK);
                }
            }
        }
        shape.text.truncate(shape.text.trim_end_matches('/').len());
        shape
    }
}

/// The collection that a placeholder picks from: the segments before its own.
pub(super) fn collection(before: &str) -> &str {
    before.rsplit_once('/').map_or("", |(path, _)| path).trim_end_matches('/')
}

/// A shape without scheme and host.
pub(super) fn path_of(shape: &str) -> &str {
    let after_scheme = shape.split_once("://").map_or(shape, |(_, rest)| rest);
    after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or("/")
}

/// A shape as a person would write it.
pub(super) fn shown(shape: &str) -> String {
    shape.replace(MARK, "{…}")
}
