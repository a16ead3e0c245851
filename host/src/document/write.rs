//! Writes a value in a config's format, on one line.

use serde_json::Value;

use super::Format;
use super::yaml::is_plain_text;

/// `name: value`, as a line of a config of this format has it. A null has no spelling in TOML and is left out there.
pub fn entry(format: Format, name: &str, value: &Value) -> String {
    member(format, name, value, false)
}

/// A hint of a connector, which knows JSON alone, in this format: `"name": value` or an object. Other texts stay.
pub fn respelled(format: Format, hint: &str) -> String {
    if let Ok(Value::Object(members)) = serde_json::from_str(&format!("{{{hint}}}")) {
        let entries: Vec<String> = members.iter().map(|(name, value)| entry(format, name, value)).collect();
        return entries.join(", ");
    }
    match serde_json::from_str(hint) {
        Ok(value @ Value::Object(_)) => inline(format, &value, false),
        _ => hint.to_owned(),
    }
}

/// A value on one line. `in_flow`: within `{ }` or `[ ]`, where YAML lets fewer texts go without quotes.
pub fn inline(format: Format, value: &Value, in_flow: bool) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(format, item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| member(format, name, value, true)).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::String(text) => self::text(format, text, in_flow),
        other => other.to_string(),
    }
}

/// A member of an object.
pub(super) fn member(format: Format, name: &str, value: &Value, in_flow: bool) -> String {
    let sign = if format == Format::Toml { " =" } else { ":" };
    format!("{}{sign} {}", self::name(format, name, in_flow), inline(format, value, in_flow))
}

/// The name of a member.
pub(super) fn name(format: Format, name: &str, in_flow: bool) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if format == Format::Toml && !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    self::text(format, name, in_flow)
}

fn text(format: Format, text: &str, in_flow: bool) -> String {
    match format {
        Format::Yaml if needs_no_quotes(text, in_flow) => text.to_owned(),
        // JSON's escapes are YAML's and TOML's too; TOML wants one more.
        Format::Yaml | Format::Json => Value::from(text).to_string(),
        Format::Toml => Value::from(text).to_string().replace('\u{7f}', "\\u007F"),
    }
}

/// Whether a YAML text means the same without quotes, to readers of YAML 1.1 as well. More could go without than this
/// says.
fn needs_no_quotes(text: &str, in_flow: bool) -> bool {
    const WORDS_OF_1_1: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let starts = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/' | '.');
    let goes_on =
        |c: char| c.is_ascii_alphanumeric() || "_/.-+$".contains(c) || (!in_flow && matches!(c, '{' | '}'));
    text.starts_with(starts)
        && text.chars().all(goes_on)
        && !WORDS_OF_1_1.contains(&text.to_ascii_lowercase().as_str())
        && is_plain_text(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hints_of_connectors_are_spelled_anew() {
        let cases = [
            ("\"api_key\": \"${secrets.k}\"", "api_key: \"${secrets.k}\""),
            ("{\"type\": \"offset\", \"limit\": 100}", "{type: offset, limit: 100}"),
            ("did you mean `type`?", "did you mean `type`?"),
            ("\"path\"", "\"path\""),
            ("", ""),
        ];
        for (hint, yaml) in cases {
            assert_eq!(respelled(Format::Yaml, hint), yaml);
            assert_eq!(respelled(Format::Json, hint), hint);
        }
    }

    #[test]
    fn each_format_has_its_own_spelling() {
        let cases = [
            (json!("single_page"), "k: single_page", "\"k\": \"single_page\""),
            (json!(["id", "a b"]), "k: [id, \"a b\"]", "\"k\": [\"id\", \"a b\"]"),
            (
                json!({"type": "offset", "limit": 100}),
                "k: {type: offset, limit: 100}",
                "\"k\": {\"type\": \"offset\", \"limit\": 100}",
            ),
            (json!("/a/{x.id}/b"), "k: /a/{x.id}/b", "\"k\": \"/a/{x.id}/b\""),
            (json!({"p": "/a/{x.id}/b"}), "k: {p: \"/a/{x.id}/b\"}", "\"k\": {\"p\": \"/a/{x.id}/b\"}"),
            (json!("yes"), "k: \"yes\"", "\"k\": \"yes\""),
            (json!("1.5"), "k: \"1.5\"", "\"k\": \"1.5\""),
            (json!(".5"), "k: \".5\"", "\"k\": \".5\""),
            (json!("null"), "k: \"null\"", "\"k\": \"null\""),
            (json!("a: b"), "k: \"a: b\"", "\"k\": \"a: b\""),
            (json!("${secrets.k}"), "k: \"${secrets.k}\"", "\"k\": \"${secrets.k}\""),
            (json!("a\n\"b\""), "k: \"a\\n\\\"b\\\"\"", "\"k\": \"a\\n\\\"b\\\"\""),
            (json!(""), "k: \"\"", "\"k\": \"\""),
            (json!(true), "k: true", "\"k\": true"),
            (json!(null), "k: null", "\"k\": null"),
        ];
        for (value, yaml, json) in cases {
            assert_eq!(entry(Format::Yaml, "k", &value), yaml);
            assert_eq!(entry(Format::Json, "k", &value), json);
        }
        assert_eq!(entry(Format::Yaml, "a b", &json!(1)), "\"a b\": 1");
        let value = json!({"a-b": [1, "x"], "a.b": {"c": true, "d": "\u{7f}\n"}});
        let toml = r#"k = {a-b = [1, "x"], "a.b" = {c = true, d = "\u007F\n"}}"#;
        assert_eq!(entry(Format::Toml, "k", &value), toml);
        assert_eq!(toml.parse::<toml::Table>().map(|_| ()), Ok(()));
    }
}
