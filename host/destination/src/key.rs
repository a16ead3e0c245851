//! The identity of a row: its primary key, comparable across rows and runs.

use sha2::{Digest as _, Sha256};

use crate::error::DataErrorKind;
use crate::value::Value;

/// 128 bits that stand for a key: two keys that differ share them with a chance of one in 10^20 among a billion.
pub(crate) type KeyDigest = [u8; 16];

/// The digest of a key's values, each as JSON.
pub(crate) fn digest(values: &[&str]) -> KeyDigest {
    let mut digest = KeyDigest::default();
    for (byte, hashed) in digest.iter_mut().zip(Sha256::digest(canonical(values))) {
        *byte = hashed;
    }
    digest
}

/// One text for all keys that are equal as numbers (1, 1.0 and true), and for no others.
fn canonical(values: &[&str]) -> String {
    let mut text = String::new();
    for json in values {
        text += &match Value::of(json) {
            Value::Null => "null,".to_owned(),
            Value::Integer(integer) => format!("{integer},"),
            Value::Real(real) => match as_integer(real) {
                Some(integer) => format!("{integer},"),
                None => format!("{real:e},"),
            },
            Value::Text(string) => format!("{}:{string},", string.len()),
        };
    }
    text
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "checked by the way back")]
fn as_integer(real: f64) -> Option<i64> {
    let integer = real as i64;
    // At 2^63 the cast saturates, and the way back would agree by rounding.
    (integer as f64 == real && integer != i64::MAX).then_some(integer)
}

/// The JSON of a key field, which must be there and not null.
pub(crate) fn require<'a>(column: &str, json: Option<&'a str>) -> Result<&'a str, DataErrorKind> {
    match json {
        None => Err(DataErrorKind::KeyMissing { field: column.to_owned() }),
        Some("null") => Err(DataErrorKind::KeyNull { field: column.to_owned() }),
        Some(json) => Ok(json),
    }
}

/// The same of a field of the merge key.
pub(crate) fn require_to_merge(column: &str, json: Option<&str>) -> Result<(), DataErrorKind> {
    match json {
        None => Err(DataErrorKind::MergeKeyMissing { field: column.to_owned() }),
        Some("null") => Err(DataErrorKind::MergeKeyNull { field: column.to_owned() }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_as_sqlite_compares() {
        for (one, other, equal) in [
            (&["1"][..], &["1.0"][..], true),
            (&["1"], &["true"], true),
            (&["0"], &["-0.0"], true),
            (&["1"], &["\"1\""], false),
            (&["1.5"], &["1.50"], true),
            (&["9223372036854775807"], &["9223372036854775808.0"], false),
            (&["\"ab\"", "\"c\""], &["\"a\"", "\"bc\""], false),
            (&["\"\\u0061\""], &["\"a\""], true),
        ] {
            assert_eq!(digest(one) == digest(other), equal, "{one:?} {other:?}");
        }
    }
}
