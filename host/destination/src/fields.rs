//! The fields of one row, found in its text without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::DataErrorKind;

/// The field that stands for a row which is no object.
pub(crate) const VALUE: &str = "value";

/// Calls `each` with the name and the JSON of every field of `line`, in their order. A row that is a scalar or an array
/// has one field, `value`. The line is read to its end: anything but one JSON value is an error.
pub(crate) fn for_each<'a>(
    line: &'a str,
    mut each: impl FnMut(Cow<'a, str>, &'a str) -> Result<(), DataErrorKind>,
) -> Result<(), DataErrorKind> {
    let mut json = serde_json::Deserializer::from_str(line);
    if !line.trim_ascii_start().starts_with('{') {
        let row: &RawValue = serde::Deserialize::deserialize(&mut json).map_err(not_json)?;
        json.end().map_err(not_json)?;
        if row.get() == "null" {
            return Err(DataErrorKind::NullRow);
        }
        return each(Cow::Borrowed(VALUE), row.get());
    }
    let mut refusal = None;
    let read = json.deserialize_map(Row { each: &mut each, refusal: &mut refusal });
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    read.and_then(|()| json.end()).map_err(not_json)
}

/// The JSON of the fields `names` of `line`, in the order of `names`. The line is read to its end.
pub(crate) fn find<'a>(line: &'a str, names: &[&str]) -> Result<Vec<Option<&'a str>>, DataErrorKind> {
    let mut found: Vec<Option<&'a str>> = vec![None; names.len()];
    for_each(line, |name, json| {
        for (wanted, slot) in names.iter().zip(&mut found) {
            if *wanted == name && slot.replace(json).is_some() {
                return Err(DataErrorKind::FieldTwice { field: name.into_owned() });
            }
        }
        Ok(())
    })?;
    Ok(found)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn not_json(error: serde_json::Error) -> DataErrorKind {
    DataErrorKind::NotJson { message: error.to_string() }
}

struct Row<'r, F> {
    each: &'r mut F,
    // serde's errors carry text only; the typed one waits here.
    refusal: &'r mut Option<DataErrorKind>,
}

impl<'a, F> Visitor<'a> for Row<'_, F>
where
    F: FnMut(Cow<'a, str>, &'a str) -> Result<(), DataErrorKind>,
{
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &'a RawValue = map.next_value()?;
            if let Err(refusal) = (self.each)(name, value.get()) {
                *self.refusal = Some(refusal);
                return Err(M::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// A field's name, borrowed from the row unless it holds an escape.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Result<Vec<(String, String)>, DataErrorKind> {
        let mut found = Vec::new();
        for_each(line, |name, json| {
            found.push((name.into_owned(), json.to_owned()));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn names_and_json_as_they_stand() {
        let found = fields(r#" {"a" : 1.50, "\u0062":{ "x":[ ] },"a":null} "#).unwrap();
        let expected = [("a", "1.50"), ("b", r#"{ "x":[ ] }"#), ("a", "null")];
        assert_eq!(found, expected.map(|(name, json)| (name.to_owned(), json.to_owned())));
        assert_eq!(fields("{}").unwrap(), []);
        assert_eq!(fields("[1]").unwrap(), [("value".to_owned(), "[1]".to_owned())]);
        assert_eq!(fields("\"x\"").unwrap(), [("value".to_owned(), "\"x\"".to_owned())]);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(fields(&deep).unwrap().len(), 1);
    }

    #[test]
    fn anything_else_is_an_error() {
        assert_eq!(fields(" null"), Err(DataErrorKind::NullRow));
        for line in
            ["", "{", "{} {}", "{\"a\":}", "nul", "1 2", "{\"a\":1}x", "{\"\\ud800\":1}", "{a:1}", "\"a"]
        {
            assert!(matches!(fields(line), Err(DataErrorKind::NotJson { .. })), "{line}");
        }
    }
}
