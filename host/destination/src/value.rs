//! One JSON value as the scalar that stores it exactly.

use std::borrow::Cow;

use sanderling_columns::exact_double_of;

/// What a column or a key holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    /// Also `true` and `false`, as 1 and 0.
    Integer(i64),
    /// Only what a double keeps.
    Real(f64),
    /// A string; an object or array as its JSON; a number that neither type keeps, as its digits.
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// The value of `json`, one whole JSON value without space around it.
    pub(crate) fn of(json: &'a str) -> Self {
        match json.as_bytes().first() {
            Some(b'"') => Self::Text(string(json)),
            Some(b'n') => Self::Null,
            Some(b't') => Self::Integer(1),
            Some(b'f') => Self::Integer(0),
            Some(b'-' | b'0'..=b'9') => number(json),
            _ => Self::Text(Cow::Borrowed(json)),
        }
    }
}

/// The text that a JSON string stands for.
pub(crate) fn string(json: &str) -> Cow<'_, str> {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    // Half of a surrogate pair is JSON, but no Unicode text: the JSON itself is then what can be kept.
    serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned)
}

fn number(json: &str) -> Value<'_> {
    let integral = memchr::memchr3(b'.', b'e', b'E', json.as_bytes()).is_none();
    let kept =
        if integral { json.parse().ok().map(Value::Integer) } else { exact_double_of(json).map(Value::Real) };
    kept.unwrap_or(Value::Text(Cow::Borrowed(json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind() {
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        for (json, value) in [
            ("null", Value::Null),
            ("true", Value::Integer(1)),
            ("false", Value::Integer(0)),
            ("-0", Value::Integer(0)),
            ("9223372036854775807", Value::Integer(i64::MAX)),
            ("9223372036854775808", text("9223372036854775808")),
            ("-9223372036854775808", Value::Integer(i64::MIN)),
            ("1234567890123456789012345678901234567890", text("1234567890123456789012345678901234567890")),
            ("1.10", Value::Real(1.1)),
            ("0.1234567890123456789", text("0.1234567890123456789")),
            ("1e400", text("1e400")),
            (r#""007""#, text("007")),
            (r#""""#, text("")),
            (r#""a\nb\u00e9\ud83d\ude00""#, text("a\nbé😀")),
            (r#""x\u0000y""#, text("x\0y")),
            (r#""\ud800 half""#, text(r#""\ud800 half""#)),
            (r#"{"a": [1, 2.50]}"#, text(r#"{"a": [1, 2.50]}"#)),
            ("[]", text("[]")),
        ] {
            assert_eq!(Value::of(json), value, "{json}");
        }
    }
}
