//! Values of jq from JSON and back: numbers keep their text, and what is no JSON is refused.

use jaq_json::{Num, Val};

use crate::json::MAX_DEPTH;

/// A JSON text that has been checked before, as a value.
///
/// # Errors
/// Half of a surrogate pair, which no text can hold.
pub(crate) fn read(json: &[u8]) -> Result<Val, String> {
    jaq_json::read::parse_single(json).map_err(|error| error.to_string())
}

/// Appends a value as JSON, without a space or a line break.
///
/// # Errors
/// What JSON has no text for; jaq itself would write it all the same.
pub(crate) fn write(value: &Val, out: &mut Vec<u8>) -> Result<(), &'static str> {
    nested(value, 0, out)
}

fn nested(value: &Val, depth: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
    if depth >= MAX_DEPTH && matches!(value, Val::Arr(_) | Val::Obj(_)) {
        return Err("a value that is nested too deep");
    }
    match value {
        Val::Null => out.extend_from_slice(b"null"),
        Val::Bool(true) => out.extend_from_slice(b"true"),
        Val::Bool(false) => out.extend_from_slice(b"false"),
        Val::Num(Num::Float(number)) if !number.is_finite() => {
            return Err("a number that JSON does not have (not a number, or infinite)");
        }
        Val::Num(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Val::TStr(text) => string(text, out)?,
        Val::BStr(_) => return Err("bytes, which JSON does not have"),
        Val::Arr(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                nested(item, depth + 1, out)?;
            }
            out.push(b']');
        }
        Val::Obj(members) => {
            out.push(b'{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let Val::TStr(name) = name else {
                    return Err("an object with a name that is no text");
                };
                string(name, out)?;
                out.push(b':');
                nested(value, depth + 1, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn string(text: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "a text that is not UTF-8")?;
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    Ok(())
}
