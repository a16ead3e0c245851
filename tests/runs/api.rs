//! The API asked directly, without the program: what every run is compared with.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use rusqlite::types::ValueRef;
use sanderling_demo::{Options, start};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

/// All rows of a list, each as the bytes that the API writes, from a server of the same options. The data is
/// deterministic, and the log and faults of the server under test stay untouched.
pub(crate) fn rows(options: &Options, path: &str) -> Vec<String> {
    let twin = start(Options { key: None, faults: Vec::new(), max_limit: None, port: 0, ..options.clone() })
        .unwrap();
    let mut stream = TcpStream::connect(twin.address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let page: Page<'_> = serde_json::from_str(body).unwrap();
    page.data.iter().map(|row| row.get().to_owned()).collect()
}

/// Fails unless the columns of a database's row hold what the API's row says, field by field.
#[track_caller]
pub(crate) fn assert_stored(row: &str, columns: &BTreeMap<String, rusqlite::types::Value>) {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(row).unwrap();
    for (name, json) in &fields {
        let column = columns.get(name).unwrap_or_else(|| panic!("no column {name}"));
        let json = json.get();
        let same = match (serde_json::from_str(json).unwrap(), ValueRef::from(column)) {
            (serde_json::Value::Null, ValueRef::Null) => true,
            (serde_json::Value::Bool(flag), ValueRef::Integer(kept)) => kept == i64::from(flag),
            (serde_json::Value::Number(number), ValueRef::Integer(kept)) => number.as_i64() == Some(kept),
            (serde_json::Value::Number(number), ValueRef::Real(kept)) => number.as_f64() == Some(kept),
            (serde_json::Value::String(text), ValueRef::Text(kept)) => {
                kept == text.as_bytes() || kept == with_micros(&text).as_bytes()
            }
            // Nested values are kept as the API wrote them.
            (_, ValueRef::Text(kept)) => kept == json.as_bytes(),
            _ => false,
        };
        assert!(same, "{name}: the API says {json}, the database {column:?}, in {row}");
    }
}

/// A moment in UTC as SQLite has it: always with six digits behind the second.
fn with_micros(text: &str) -> String {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (second, digits) = text.split_once('.').unwrap_or((text, ""));
    format!("{second}.{digits:0<6}Z")
}
