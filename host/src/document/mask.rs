//! Hides what looks like a credential in a line that is about to be shown.
//!
//! A file that cannot be parsed says nothing about which of its values are credentials, so names decide.

use serde_json::Value;

/// Names whose values are not shown. Compared without regard to case, and with `-` as `_`.
const NAMES: [&str; 16] = [
    "access_token",
    "api_key",
    "apikey",
    "auth_token",
    "authorization",
    "bearer",
    "client_secret",
    "cookie",
    "key",
    "passphrase",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "token",
    "x_api_key",
];

const HIDDEN: &str = "***";

/// The line `at` (from 0) of a text, credentials hidden. References, `${…}`, stay.
pub(super) fn line(lines: &[&str], at: usize) -> String {
    let Some(line) = lines.get(at) else {
        return String::new();
    };
    if continues_credential(lines, at) {
        return HIDDEN.to_owned();
    }
    let line = without_userinfo(line);
    let mut shown = String::new();
    let mut rest = line.as_str();
    while let Some((before, value)) = rest.find([':', '=']).and_then(|colon| rest.split_at_checked(colon + 1))
    {
        shown.push_str(before);
        rest = value;
        if names_credential(before) {
            let (blank, value) =
                value.split_at_checked(value.len() - value.trim_start().len()).unwrap_or(("", value));
            shown.push_str(blank);
            let end = credential_end(value);
            shown.push_str(if end > 0 { HIDDEN } else { "" });
            rest = value.get(end..).unwrap_or_default();
        }
    }
    shown + rest
}

/// The line with what stands before the `@` of each URL hidden: `https://***@host/`.
fn without_userinfo(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let authority = after.get(..after.find(ends).unwrap_or(after.len())).unwrap_or_default();
        rest = after;
        if let Some(at) = authority.rfind('@') {
            shown.push_str(HIDDEN);
            rest = after.get(at..).unwrap_or_default();
        }
    }
    shown + rest
}

/// Whether a text up to a colon or equals sign ends in a credential's name.
fn names_credential(before: &str) -> bool {
    let before = before.trim_end_matches([':', '=']).trim_end();
    let before = before.trim_end_matches(['"', '\'']);
    let start = before
        .rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'))
        .map_or(0, |at| at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    let name = before.get(start..).unwrap_or_default().to_ascii_lowercase().replace('-', "_");
    NAMES.contains(&name.as_str())
}

/// Texts of several lines in TOML.
const LONG_QUOTES: [&str; 2] = ["\"\"\"", "'''"];

/// A config's value with its credentials hidden: those that `pointers` name, and what looks like one by its name.
pub fn without_credentials(mut config: Value, pointers: &[String]) -> Value {
    for pointer in pointers {
        if let Some(credential) = config.pointer_mut(pointer) {
            *credential = HIDDEN.into();
        }
    }
    hide(&mut config, "");
    config
}

fn hide(value: &mut Value, name: &str) {
    match value {
        Value::String(text) => {
            let is_reference = text.contains("${");
            *text = if !is_reference && !text.is_empty() && names_credential(name) {
                HIDDEN.to_owned()
            } else {
                without_userinfo(text)
            };
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, name)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| hide(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How many bytes of `value` are the credential; 0 for none.
fn credential_end(value: &str) -> usize {
    if LONG_QUOTES.iter().any(|quotes| value.starts_with(quotes)) {
        return value.len();
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = value.get(quote.map_or(0, char::len_utf8)..).unwrap_or_default();
    let is_whole_reference = || {
        let (_, after) = inner.split_once('}')?;
        Some(after.starts_with(['"', '\'', ',', '}', ']', ' ']) || after.is_empty())
    };
    if inner.starts_with("${") && is_whole_reference() == Some(true)
        || value.starts_with(['{', '[', '|', '>', '*', '&', '#'])
    {
        return 0;
    }
    let Some(quote) = quote else { return value.len() };
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        if c == quote && !escaped {
            return at + 2 * quote.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    value.len()
}

/// Whether a line belongs to the value of a credential that stands further up: `token: |` and what is indented below, or
/// `token = """` and what comes until the next `"""`.
fn continues_credential(lines: &[&str], at: usize) -> bool {
    continues_long_text(lines, at) || continues_block(lines, at)
}

fn continues_long_text(lines: &[&str], at: usize) -> bool {
    let mut open: Option<(&str, bool)> = None;
    for line in lines.iter().take(at) {
        let mut rest = *line;
        loop {
            let quotes: Vec<&str> = open.map_or(LONG_QUOTES.to_vec(), |(quotes, _)| vec![quotes]);
            let found = quotes.iter().filter_map(|quotes| Some((rest.find(quotes)?, *quotes))).min();
            let Some((start, quotes)) = found else { break };
            let (before, after) = rest.split_at(start);
            open = match open {
                None => Some((quotes, names_credential(before.trim_end()))),
                Some(_) => None,
            };
            rest = after.get(quotes.len()..).unwrap_or_default();
        }
    }
    open.is_some_and(|(_, credential)| credential)
}

fn continues_block(lines: &[&str], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(line) = lines.get(at) else { return false };
    let above = lines.get(..at).unwrap_or_default();
    let parent = above.iter().rev().find(|other| !other.trim().is_empty() && indent(other) < indent(line));
    parent.is_some_and(|parent| {
        let parent = parent.trim_end();
        let opened =
            parent.trim_end_matches(|c: char| matches!(c, '|' | '>' | '-' | '+') || c.is_ascii_digit());
        opened.trim_end().ends_with(':') && names_credential(opened.trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn hides_values_by_name() {
        let cases = [
            ("token: abc", "token: ***"),
            ("  api_key: abc # note", "  api_key: ***"),
            ("- password:  'it''s' x", "- password:  ***'s' x"),
            ("\"X-Api-Key\": \"ab\\\"c\", \"b\": 1", "\"X-Api-Key\": ***, \"b\": 1"),
            ("auth: {type: bearer, token: abc, b: ]}", "auth: {type: bearer, token: ***"),
            ("auth: {token: \"abc\", b: ]}", "auth: {token: ***, b: ]}"),
            ("token: \"abc", "token: ***"),
            ("url: https://h/?api_key=abc&x=1", "url: https://h/?api_key=***"),
            ("{url: \"http://ana:abc@h:8/x\"}", "{url: \"http://***@h:8/x\"}"),
            ("url: https://p@ss@h", "url: https://***@h"),
            ("url: https://h/a@b and c@d", "url: https://h/a@b and c@d"),
            ("urls: [http://a@h, http://b@h/?token=c]", "urls: [http://***@h, http://***@h/?token=***"),
            ("token: ${secrets.a}", "token: ${secrets.a}"),
            ("token: \"${secrets.a}\"", "token: \"${secrets.a}\""),
            ("{token: ${secrets.a}}", "{token: ${secrets.a}}"),
            ("token: ${secrets.a}abc", "token: ***"),
            ("token:", "token:"),
            ("token: {a: b}", "token: {a: b}"),
            ("name: api_key", "name: api_key"),
            ("primary_key: id", "primary_key: id"),
            ("type: api_key: x", "type: api_key: ***"),
            ("žtoken: a", "žtoken: a"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(line(&[text], 0), expected, "{text}");
        }
    }

    #[test]
    fn hides_what_stands_below_the_name() {
        let lines = ["auth:", "  token: |", "    abc", "", "    def", "  type: x", "\"key\":", "  \"abc\""];
        let shown: Vec<String> = (0..lines.len()).map(|at| line(&lines, at)).collect();
        assert_eq!(shown, ["auth:", "  token: |", "***", "", "***", "  type: x", "\"key\":", "***"]);
        assert_eq!(line(&lines, 99), "");
        let lines =
            ["a = '''b'''", "token = \"\"\"", "abc", "= ''' d", "e\"\"\"", "b = 1", "note = '''", "x", "'''"];
        let shown: Vec<String> = (0..lines.len()).map(|at| line(&lines, at)).collect();
        let expected = ["a = '''b'''", "token = ***", "***", "***", "***", "b = 1", "note = '''", "x", "'''"];
        assert_eq!(shown, expected);
        assert_eq!(line(&["api_key = \"\"\"abc\"\"\""], 0), "api_key = ***");
    }
}
