//! What tells one version of a row from another: one text for all ways to write the same values.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::number::Decimal;
use crate::options::Version;

/// What is nested deeper counts as it is written.
const MAX_DEPTH: u32 = 64;

/// The same text for the same values.
pub(crate) fn version(row: &str, of: &Version) -> String {
    let mut text = String::new();
    match of {
        Version::Row => write(row, MAX_DEPTH, &mut text),
        Version::Field(field) => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(row).unwrap_or_default();
            write(fields.get(field).map_or("null", |value| value.get()), MAX_DEPTH, &mut text);
        }
    }
    text
}

/// Fields sorted by name, without those that are null; numbers by their value; texts by what they say.
fn write(json: &str, depth: u32, to: &mut String) {
    let json = json.trim_ascii();
    match (json.as_bytes().first(), depth.checked_sub(1)) {
        (Some(b'{'), Some(depth)) => match serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
            Ok(fields) => {
                to.push('{');
                for (field, value) in fields.iter().filter(|(_, value)| value.get() != "null") {
                    quote(field, to);
                    to.push(':');
                    write(value.get(), depth, to);
                    to.push(',');
                }
                to.push('}');
            }
            Err(_) => to.push_str(json),
        },
        (Some(b'['), Some(depth)) => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => {
                to.push('[');
                for item in items {
                    write(item.get(), depth, to);
                    to.push(',');
                }
                to.push(']');
            }
            Err(_) => to.push_str(json),
        },
        (Some(b'"'), _) => match serde_json::from_str::<String>(json) {
            Ok(text) => quote(&text, to),
            Err(_) => to.push_str(json),
        },
        (Some(b'-' | b'0'..=b'9'), _) => match Decimal::read(json) {
            Some(number) => to.push_str(&number.canonical()),
            None => to.push_str(json),
        },
        _ => to.push_str(json),
    }
}

/// A text, told apart from what stands behind it by its length.
fn quote(text: &str, to: &mut String) {
    to.push_str(&text.len().to_string());
    to.push('"');
    to.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_however_it_is_written() {
        for (one, other, same) in [
            (r#"{"a":1,"b":"x"}"#, r#" { "b" : "\u0078", "a" : 1.0 } "#, true),
            (r#"{"a":1,"b":null}"#, r#"{"a":1}"#, true),
            (r#"{"a":{"x":1,"y":[1,{"p":1,"q":2}]}}"#, r#"{"a":{"y":[1.0,{"q":2,"p":1}],"x":1}}"#, true),
            (r#"{"a":[1,null]}"#, r#"{"a":[1]}"#, false),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            (r#"{"a":0.1}"#, r#"{"a":0.10000000000000000001}"#, false),
            (r#"{"a":"b,1\"c"}"#, r#"{"a":"b","c":""}"#, false),
            ("7", "7.0", true),
        ] {
            let of = |row| version(row, &Version::Row);
            assert_eq!(of(one) == of(other), same, "{one} {other}");
        }
        let field = Version::Field("v".to_owned());
        assert_eq!(version(r#"{"v":"a","x":1}"#, &field), version(r#"{"x":2,"v":"a"}"#, &field));
        assert_ne!(version(r#"{"v":"a"}"#, &field), version(r#"{"v":"b"}"#, &field));
        assert_eq!(version(r#"{"v":null}"#, &field), version("{}", &field));
    }
}
