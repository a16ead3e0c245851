//! Reads TOML with the place of every part.
//!
//! Dates and times, which JSON has not, are texts. A table that stands in several pieces, or that only dotted keys make,
//! is said to stand where it was first named.

use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue, Error};

use super::span::{Lines, Place, Places, child};
use super::{MAX_DEPTH, NO_NUMBER, Problem};

/// The value of a TOML text and where its parts stand. A byte order mark at its start is skipped.
pub(super) fn read(text: &str) -> Result<(Value, Places), Vec<Problem>> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - body.len();
    let (table, errors) = DeTable::parse_recoverable(body);
    if !errors.is_empty() {
        return Err(syntax(&errors, text, skipped));
    }
    let mut reader = Reader { skipped, places: Places::default(), problems: Vec::new() };
    let whole = skipped..skipped + body.trim_end().len();
    reader.places.set("", Place { key: None, value: whole });
    let value = reader.table(table.get_ref(), "", 0);
    if reader.problems.is_empty() { Ok((value, reader.places)) } else { Err(reader.problems) }
}

struct Reader {
    skipped: usize,
    places: Places,
    problems: Vec<Problem>,
}

impl Reader {
    fn table(&mut self, table: &DeTable<'_>, pointer: &str, depth: usize) -> Value {
        let mut map = Map::new();
        for (name, entry) in table {
            let pointer = child(pointer, name.get_ref());
            let value = self.value(entry, &pointer, depth + 1);
            let place = Place { key: Some(self.range(name.span())), value: self.range(entry.span()) };
            self.places.set(&pointer, place);
            map.insert(name.get_ref().to_string(), value);
        }
        Value::Object(map)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, pointer: &str, depth: usize) -> Value {
        let range = self.range(value.span());
        if depth >= MAX_DEPTH {
            self.problems.push(Problem::in_text(range, format!("nested more than {MAX_DEPTH} deep")));
            return Value::Null;
        }
        let number = match value.get_ref() {
            DeValue::String(text) => return Value::String(text.to_string()),
            DeValue::Boolean(boolean) => return Value::Bool(*boolean),
            DeValue::Datetime(time) => return Value::String(time.to_string()),
            DeValue::Table(table) => return self.table(table, pointer, depth),
            DeValue::Array(items) => {
                let mut array = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    let pointer = child(pointer, &at.to_string());
                    array.push(self.value(item, &pointer, depth + 1));
                    self.places.set(&pointer, Place { key: None, value: self.range(item.span()) });
                }
                return Value::Array(array);
            }
            DeValue::Integer(integer) => whole(integer),
            DeValue::Float(float) => float.as_str().parse().ok().and_then(Number::from_f64),
        };
        number.map_or_else(
            || {
                self.problems.push(Problem::in_text(range, NO_NUMBER));
                Value::Null
            },
            Value::Number,
        )
    }

    fn range(&self, range: Range<usize>) -> Range<usize> {
        range.start + self.skipped..range.end + self.skipped
    }
}

/// None if it does not fit 64 bits.
fn whole(integer: &DeInteger<'_>) -> Option<Number> {
    let (digits, radix) = (integer.as_str(), integer.radix());
    i64::from_str_radix(digits, radix)
        .map(Number::from)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Number::from))
        .ok()
}

/// Of each line the first thing that is wrong: what the parser finds behind it comes of it.
fn syntax(errors: &[Error], text: &str, skipped: usize) -> Vec<Problem> {
    let end = text.len();
    let place = |error: &Error| error.span().map_or(end..end, |at| at.start + skipped..at.end + skipped);
    let mut places: Vec<_> = errors.iter().map(|error| (place(error), error)).collect();
    places.sort_by_key(|(at, _)| at.start);
    let lines = Lines::new(text);
    places.dedup_by_key(|(at, _)| lines.span(at.clone()).line);
    places.into_iter().map(|(at, error)| explain(error.message(), text, at)).collect()
}

/// The parser's own words, which quote nothing, and what would mend it.
fn explain(said: &str, text: &str, at: Range<usize>) -> Problem {
    let found = text.get(at.clone()).unwrap_or_default();
    if said == "duplicate key" {
        let problem = Problem::in_text(at, format!("`{found}` stands twice"));
        return problem.hint("a name is given once, and a table is written in one place");
    }
    let hint = if said.contains("must be quoted") {
        Some("texts stand in quotes: \"…\"")
    } else if found.starts_with(':') {
        Some("write `name = value`")
    } else {
        None
    };
    let problem = Problem::in_text(at, format!("this is not TOML: {said}"));
    Problem { hint: hint.map(str::to_owned), ..problem }
}
