//! Reads JSON with the place of every part.
//!
//! The values are serde_json's; the places, and the messages about broken text, come from a parser that keeps them.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::Value as Node;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::span::{Lines, Place, Places, child};
use super::{EMPTY, EMPTY_HINT, Problem};

/// Plain JSON: everything that some JSON dialect adds is refused.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The value of a JSON text and where its parts stand. A byte order mark at its start is skipped.
pub(super) fn read(text: &str) -> Result<(Value, Places), Vec<Problem>> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - body.len();
    let parsed =
        parse_to_ast(body, &CollectOptions::default(), &STRICT).map_err(|e| vec![syntax(&e, skipped)])?;
    let Some(root) = parsed.value else {
        return Err(vec![Problem::in_text(0..0, EMPTY).hint(EMPTY_HINT)]);
    };
    let value = serde_json::from_str(body).map_err(|e| vec![second_opinion(&e, body, skipped)])?;
    let mut walk = Walk { text, skipped, places: Places::default(), problems: Vec::new() };
    walk.node(&root, "", None);
    if walk.problems.is_empty() { Ok((value, walk.places)) } else { Err(walk.problems) }
}

struct Walk<'a> {
    text: &'a str,
    skipped: usize,
    places: Places,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    /// Goes as deep as the text is nested, which serde_json has bounded by then.
    fn node(&mut self, node: &Node<'_>, pointer: &str, key: Option<Range<usize>>) {
        self.places.set(pointer, Place { key, value: self.range(node) });
        match node {
            Node::Array(array) => {
                for (at, item) in array.elements.iter().enumerate() {
                    self.node(item, &child(pointer, &at.to_string()), None);
                }
            }
            Node::Object(object) => {
                let mut first = HashMap::new();
                for property in &object.properties {
                    let (name, key) = (property.name.as_str(), self.range(&property.name));
                    if let Some(earlier) = first.insert(name, key.start) {
                        let line = Lines::new(self.text).span(earlier..earlier).line;
                        let message = format!("`{name}` stands twice in one object, first in line {line}");
                        self.problems.push(Problem::in_text(key.clone(), message));
                    }
                    self.node(&property.value, &child(pointer, name), Some(key));
                }
            }
            _ => {}
        }
    }

    fn range(&self, part: &impl Ranged) -> Range<usize> {
        part.start() + self.skipped..part.end() + self.skipped
    }
}

fn syntax(error: &ParseError, skipped: usize) -> Problem {
    let range = error.range();
    let hint = match error.kind() {
        ParseErrorKind::CommentsNotAllowed => Some("JSON has no comments; in a .yaml file they start with #"),
        ParseErrorKind::TrailingCommasNotAllowed => Some("take the last comma away"),
        ParseErrorKind::ExpectedStringObjectProperty
        | ParseErrorKind::SingleQuotedStringsNotAllowed
        | ParseErrorKind::UnexpectedToken
        | ParseErrorKind::UnexpectedWord => Some("names and texts stand in double quotes"),
        _ => None,
    };
    let said = match error.kind() {
        // The parser's own words quote the text.
        ParseErrorKind::String(_) => "a text that does not end, or has an escape that is none".to_owned(),
        other => other.to_string(),
    };
    let mut letters = said.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    let message: String = "this is not JSON: ".chars().chain(first).chain(letters).collect();
    let problem = Problem::in_text(range.start + skipped..range.end.max(range.start + 1) + skipped, message);
    Problem { hint: hint.map(str::to_owned), ..problem }
}

/// What serde_json alone refuses, such as nesting beyond its bound.
fn second_opinion(error: &serde_json::Error, body: &str, skipped: usize) -> Problem {
    let start = Lines::new(body).start(error.line()) + error.column().saturating_sub(1) + skipped;
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    Problem::in_text(start..start + 1, format!("this is not JSON: {said}"))
}
