//! What an OpenAPI file (3.x, or Swagger 2) documents of the rows that a request is answered with.

mod operation;
mod rows;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What is documented of a list of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documented {
    /// The kinds of value that each field may hold; none: any.
    pub fields: BTreeMap<String, BTreeSet<Kind>>,
    /// Whether rows may have other fields too, as the file says.
    pub open: bool,
}

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// A text.
    String,
    /// An object.
    Object,
    /// A list.
    Array,
    /// `null`.
    Null,
}

/// Why nothing is known of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// The file has no such path, or not with this method.
    Path,
    /// It has `path`, and does not say what rows its answer has.
    Rows {
        /// As the file writes it.
        path: String,
    },
}

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its URL; what stands in the place of secrets does not matter.
    pub url: &'a str,
    /// The answer's status.
    pub status: u16,
}

impl Kind {
    /// Of a value; a number without a fraction is an integer, however it is written.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
                Self::Number
            }
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// By the name that JSON Schema gives it.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name that JSON Schema gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Object => "object",
            Self::Array => "array",
            Self::Null => "null",
        }
    }

    const ALL: [Self; 7] =
        [Self::Boolean, Self::Integer, Self::Number, Self::String, Self::Object, Self::Array, Self::Null];
}

/// What `spec` documents of the rows of an answer: the path as the file writes it, and the fields.
///
/// The rows stand at `selector`, a JSONPath. Where it is not known, or does more than walk down, they are the list whose
/// items share the most names with `seen`.
///
/// # Errors
/// The file does not know the request, or not what rows it is answered with.
pub fn documented(
    spec: &Value,
    asked: &Asked<'_>,
    selector: Option<&str>,
    seen: &BTreeSet<String>,
) -> Result<(String, Documented), Unknown> {
    let (path, operation) = operation::find(spec, asked).ok_or(Unknown::Path)?;
    let answer = operation::answer(spec, operation, asked.status);
    let item = answer.and_then(|answer| match selector.and_then(rows::steps) {
        Some(steps) => rows::at(spec, answer, &steps),
        None => Some(rows::most_alike(spec, answer, seen)),
    });
    match item.map(|item| schema::documented(spec, item)) {
        Some(documented) if documented.open || !documented.fields.is_empty() => Ok((path, documented)),
        _ => Err(Unknown::Rows { path }),
    }
}

#[cfg(test)]
mod tests;
