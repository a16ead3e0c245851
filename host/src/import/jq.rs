//! Pieces of jq that stand for what other languages say of a row.

use serde_json::Value;

/// What Python takes for false; jq only the first two.
const FALSE: [&str; 6] = ["null", "false", "0", "\"\"", "[]", "{}"];

/// Words that jq does not take behind a dot.
const KEYWORDS: [&str; 17] = [
    "and", "or", "not", "if", "then", "else", "elif", "end", "as", "def", "reduce", "foreach", "try",
    "catch", "label", "import", "include",
];

/// A field of what a path leads to; the path of the row itself is empty.
pub(super) fn field(path: &str, key: &str) -> String {
    let is_word = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&key);
    if is_word {
        return format!("{path}.{key}");
    }
    let dot = if path.is_empty() { "." } else { "" };
    format!("{path}{dot}[{}]", literal(key))
}

/// Whether a value is what Python takes for true.
pub(super) fn truth(value: &str) -> String {
    let is_none: Vec<String> = FALSE.iter().map(|of| format!(". != {of}")).collect();
    format!("{value} | {}", is_none.join(" and "))
}

/// Whether a value is what Python takes for equal to a literal, or (`is_equal` false) what it does not: to it, true is 1
/// and false is 0.
pub(super) fn equality(value: &str, is_equal: bool, literal: &str) -> String {
    let (sign, both) = if is_equal { ("==", "or") } else { ("!=", "and") };
    let bool = match literal.parse::<f64>() {
        _ if value.ends_with("| length)") => None,
        Ok(1.0) => Some("true"),
        Ok(0.0) => Some("false"),
        _ => None,
    };
    match bool {
        Some(bool) => format!("({value} {sign} {literal} {both} {value} {sign} {bool})"),
        None => format!("{value} {sign} {literal}"),
    }
}

/// A text. JSON never writes `\(`, which would begin a hole in jq.
pub(super) fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
