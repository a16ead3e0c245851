//! Shows settings as the lines to write, in the config's own format, and where they go.

use serde_json::Value;

use crate::contract::{Notice, Setting};
use crate::document::{self, Document, Part};

/// A notice whose hint says what would settle it, where that is settings and no hint is there.
pub fn settled(mut notice: Notice, config: &Document) -> Notice {
    if notice.hint.is_none() && !notice.settles.is_empty() {
        notice.hint = Some(to_write(&notice.settles, config));
    }
    notice
}

/// ``in `users` (time.yaml:14) write `paginator: single_page` ``, for as many settings as there are.
pub fn to_write(settings: &[Setting], config: &Document) -> String {
    let mut places: Vec<(String, Vec<String>)> = Vec::new();
    for setting in settings {
        let (place, line) = (place(setting, config), format!("`{}`", line(setting, config)));
        match places.last_mut().filter(|(last, _)| *last == place) {
            Some((_, lines)) => lines.push(line),
            None => places.push((place, vec![line])),
        }
    }
    let parts: Vec<String> =
        places.into_iter().map(|(place, lines)| format!("{place} write {}", lines.join(" and "))).collect();
    parts.join(", and ")
}

/// The line of a setting.
fn line(setting: &Setting, config: &Document) -> String {
    let value: Value = serde_json::from_str(&setting.value).unwrap_or_else(|_| setting.value.clone().into());
    let (around, name) = setting.path.rsplit_once('/').unwrap_or_default();
    if config.value.pointer(around).is_some_and(Value::is_array) {
        return document::inline(config.format(), &value, false);
    }
    document::entry(config.format(), &unescaped(name), &value)
}

/// Where it goes: the line whose value it replaces, or the object that it is added to.
fn place(setting: &Setting, config: &Document) -> String {
    let at = |pointer: &str| match config.locate(pointer, Part::Key) {
        Some(span) => format!("{}:{}", config.file_name(), span.line),
        None => config.file_name().to_owned(),
    };
    if config.value.pointer(&setting.path).is_some() {
        return format!("in {}", at(&setting.path));
    }
    let around = setting.path.rsplit_once('/').map_or("", |(around, _)| around);
    match label(around, config) {
        label if label.is_empty() => format!("in {}", config.file_name()),
        label => format!("in `{label}` ({})", at(around)),
    }
}

/// An object as people call it: a resource by its name, what is in it behind a dot.
fn label(pointer: &str, config: &Document) -> String {
    let mut names = Vec::new();
    let mut at = String::new();
    for part in pointer.split('/').skip(1) {
        at = format!("{at}/{part}");
        let in_list = part.bytes().all(|byte| byte.is_ascii_digit());
        let own = config.value.pointer(&format!("{at}/name")).and_then(Value::as_str);
        names.push(own.filter(|_| in_list).map_or_else(|| unescaped(part), str::to_owned));
    }
    let skipped = usize::from(names.len() > 1 && names.first().is_some_and(|first| first == "resources"));
    names.split_off(skipped).join(".")
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Format, parse};

    const YAML: &str = "\
client: {base_url: x}
resources:
  users: /v1/users
  tasks:
    endpoint:
      path: /v1/tasks
";

    const JSON: &str = r#"{
  "resources": [
    "users",
    {"name": "tasks", "endpoint": {}}
  ]
}"#;

    #[test]
    fn lines_are_in_the_configs_format_with_their_place() {
        let cases = [
            (
                YAML,
                vec![("/resources/tasks/endpoint/paginator", r#""single_page""#)],
                "in `tasks.endpoint` (c:5) write `paginator: single_page`",
            ),
            (
                YAML,
                vec![("/resources/users", r#"{"endpoint": {"path": "/v1/{a.b}"}}"#)],
                "in c:3 write `users: {endpoint: {path: \"/v1/{a.b}\"}}`",
            ),
            (
                YAML,
                vec![
                    ("/resources/tasks/endpoint/path", r#""/v1/{a.b}""#),
                    ("/resources/tasks/primary_key", r#"["a", "b"]"#),
                    ("/resources/tasks/total", r#""exact""#),
                ],
                "in c:6 write `path: /v1/{a.b}`, and in `tasks` (c:4) write `primary_key: [a, b]` and `total: exact`",
            ),
            (YAML, vec![("/limits", r#"{"concurrency": 2}"#)], "in c write `limits: {concurrency: 2}`"),
            (
                JSON,
                vec![("/resources/1/endpoint/paginator", r#""single_page""#)],
                r#"in `tasks.endpoint` (c:4) write `"paginator": "single_page"`"#,
            ),
            (JSON, vec![("/resources/0", r#"{"name":"users"}"#)], r#"in c:3 write `{"name": "users"}`"#),
        ];
        for (text, settings, expected) in cases {
            let format = if text == YAML { Format::Yaml } else { Format::Json };
            let config = parse("c", text, format).unwrap();
            let settings: Vec<Setting> = settings
                .into_iter()
                .map(|(path, value)| Setting { path: path.into(), value: value.into() })
                .collect();
            assert_eq!(to_write(&settings, &config), expected);
        }
    }
}
