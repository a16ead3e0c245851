//! Which of a load's rows stay under merge: the one of each key, and none that is deleted.

use std::cmp::Ordering;

use crate::table::DedupSort;
use crate::value::Value;

/// Whether a row with this in its `hard_delete` field is to be deleted. dlt's rule, but that 0 and "false" say no too.
pub(crate) fn is_deleted(json: Option<&str>) -> bool {
    match json.map_or(Value::Null, Value::of) {
        Value::Null => false,
        Value::Integer(integer) => integer != 0,
        Value::Real(real) => real != 0.0,
        Value::Text(text) => !text.eq_ignore_ascii_case("false"),
    }
}

/// How well a row of a key does by its `dedup_sort` field: of two rows the greater stays, of equals the later.
pub(crate) fn rank(sort: &DedupSort, one: Option<&str>, other: Option<&str>) -> Ordering {
    let [one, other] = [one, other].map(|json| json.map_or(Value::Null, Value::of));
    match (&one, &other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ if sort.greatest => compare(&one, &other),
        _ => compare(&other, &one),
    }
}

/// As SQLite orders values: numbers before texts.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        (Value::Text(_), _) => Ordering::Greater,
        (_, Value::Text(_)) => Ordering::Less,
        _ => number(one).total_cmp(&number(other)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a double, which has no more")]
fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(integer) => *integer as f64,
        // Without its sign, a zero is as any other.
        Value::Real(real) => *real + 0.0,
        Value::Null | Value::Text(_) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deletes_a_row() {
        for json in ["true", "1", "\"2026-01-01\"", "{}", "-0.5", "\"\""] {
            assert!(is_deleted(Some(json)), "{json}");
        }
        for json in ["null", "false", "0", "0.0", "\"False\""] {
            assert!(!is_deleted(Some(json)), "{json}");
        }
        assert!(!is_deleted(None));
    }

    #[test]
    fn null_loses_either_way() {
        let by = |greatest| DedupSort { field: "v".to_owned(), greatest };
        for (one, other, by_greatest, by_least) in [
            (Some("1"), Some("2"), Ordering::Less, Ordering::Greater),
            (Some("1.5"), Some("1"), Ordering::Greater, Ordering::Less),
            (Some("-0.0"), Some("0"), Ordering::Equal, Ordering::Equal),
            (Some("\"a\""), Some("9"), Ordering::Greater, Ordering::Less),
            (Some("\"a\""), Some("\"b\""), Ordering::Less, Ordering::Greater),
            (Some("null"), Some("1"), Ordering::Less, Ordering::Less),
            (Some("1"), None, Ordering::Greater, Ordering::Greater),
            (None, Some("null"), Ordering::Equal, Ordering::Equal),
        ] {
            assert_eq!(rank(&by(true), one, other), by_greatest, "{one:?} {other:?}");
            assert_eq!(rank(&by(false), one, other), by_least, "{one:?} {other:?}");
        }
    }
}
