//! What an API says of its pages, as it is written: counts, flags, and the next cursor or link.

use serde_json::Value;

use super::PagingError;
use crate::json::{Kind, decode_string};
use crate::select::ValuePath;

/// A total as the API writes it: a whole number, also as text or with a zero fraction. Anything else says nothing.
pub(crate) fn count(json: &[u8]) -> Option<u64> {
    let text = match serde_json::from_slice(json).ok()? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let Ok(count) = text.parse() {
        return Some(count);
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    // Casting saturates: a total beyond u64 is still more than any page.
    (number.fract() == 0.0).then_some(number as u64)
}

/// dlt's reading of a flag: a boolean, or one of the words of Python's `strtobool`.
fn flag(json: &[u8]) -> Option<bool> {
    match serde_json::from_slice(json).ok()? {
        Value::Bool(flag) => Some(flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" | "t" | "y" | "1" | "on" => Some(true),
            "no" | "false" | "f" | "n" | "0" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The flag at `has_more_path`, where the config has one; it must be there then.
pub(super) fn has_more(path: Option<&ValuePath>, found: Option<&[u8]>) -> Result<Option<bool>, PagingError> {
    let Some(path) = path else { return Ok(None) };
    found.and_then(flag).map(Some).ok_or_else(|| PagingError::HasMore {
        path: path.text.clone(),
        found: found.map_or_else(|| "it is missing".to_owned(), shown),
    })
}

/// The next cursor or link, as text. By dlt's rule a value that Python takes for false is none.
pub(super) fn next(
    json: Option<&[u8]>,
    place: &str,
    what: &'static str,
) -> Result<Option<String>, PagingError> {
    let Some(json) = json else { return Ok(None) };
    let kind = Kind::of(json.first().copied());
    let refuse = |found: String| Err(PagingError::NotNext { place: place.to_owned(), found, what });
    match kind {
        Kind::Null => Ok(None),
        Kind::Bool if json == b"false" => Ok(None),
        Kind::Number if serde_json::from_slice::<f64>(json).is_ok_and(|number| number == 0.0) => Ok(None),
        Kind::String => match decode_string(json) {
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => Ok(Some(text.into_owned())),
            None => refuse("broken text".to_owned()),
        },
        Kind::Number => Ok(Some(String::from_utf8_lossy(json).into_owned())),
        Kind::Array | Kind::Object if is_bare(json) => Ok(None),
        Kind::Bool => refuse("a flag".to_owned()),
        Kind::Array | Kind::Object => refuse(kind.noun().to_owned()),
    }
}

fn is_bare(json: &[u8]) -> bool {
    json.get(1..json.len().saturating_sub(1)).is_none_or(|inner| inner.iter().all(u8::is_ascii_whitespace))
}

/// The start of a value, for a message.
pub(super) fn shown(json: &[u8]) -> String {
    String::from_utf8_lossy(json).chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_total_is_read_in_any_spelling() {
        let cases = [
            ("3", Some(3)),
            ("\"3\"", Some(3)),
            ("\" 3 \"", Some(3)),
            ("3.0", Some(3)),
            ("1e3", Some(1000)),
            ("3.5", None),
            ("-1", None),
            ("null", None),
            ("[]", None),
        ];
        for (json, total) in cases {
            assert_eq!(count(json.as_bytes()), total, "{json}");
        }
    }

    #[test]
    fn what_python_takes_for_false_leads_nowhere() {
        for json in ["null", "false", "0", "0.0", "-0", "\"\"", "[]", "{ }"] {
            assert_eq!(next(Some(json.as_bytes()), "`c`", "cursor"), Ok(None), "{json}");
        }
        assert_eq!(next(None, "`c`", "cursor"), Ok(None));
        let there = [("\"0\"", "0"), ("7", "7"), ("12345678901234567890123", "12345678901234567890123")];
        for (json, text) in there.into_iter().chain([("\"a\\u0062\"", "ab"), ("\" \"", " ")]) {
            assert_eq!(next(Some(json.as_bytes()), "`c`", "cursor"), Ok(Some(text.to_owned())), "{json}");
        }
        for json in ["true", "[1]", "{\"href\":\"/x\"}"] {
            assert!(next(Some(json.as_bytes()), "`c`", "cursor").is_err(), "{json}");
        }
    }
}
