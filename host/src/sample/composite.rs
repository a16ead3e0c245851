//! The settings that make a child's key unique over all its parents.

use serde_json::{Map, Value, json};

use crate::contract::Setting;
use crate::document::Document;

/// What a composite key is made of.
pub(super) struct Key<'a> {
    /// The child.
    pub(super) resource: &'a str,
    /// Its key as it is.
    pub(super) columns: &'a [String],
    /// The parent.
    pub(super) parent: &'a str,
    /// What identifies the parent's rows.
    pub(super) parent_key: &'a [String],
    /// Fields of the child's rows that hold it already.
    pub(super) carried: &'a [String],
}

/// The settings, if the config is in a shape that the resource can be found in, and the parent has a key.
pub(super) fn settings(key: &Key<'_>, config: &Document) -> Option<Vec<Setting>> {
    let mut added: Vec<String> = key.carried.to_vec();
    if added.is_empty() {
        added.extend(key.parent_key.iter().map(|field| format!("_{}_{field}", key.parent)));
    }
    if added.is_empty() {
        return None;
    }
    let own = key.columns.iter().filter(|column| !added.contains(column));
    let columns: Vec<&String> = added.iter().chain(own).collect();
    let (pointer, written) = find(key.resource, config)?;
    let included = |written: Option<&Value>| {
        let mut fields: Vec<String> = match written {
            Some(Value::Array(fields)) => {
                fields.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::String(field)) => vec![field.clone()],
            _ => Vec::new(),
        };
        let missing: Vec<String> =
            key.parent_key.iter().filter(|field| !fields.contains(field)).cloned().collect();
        fields.extend(missing);
        json!(fields)
    };
    let mut new = Map::from_iter([("primary_key".to_owned(), json!(columns))]);
    if key.carried.is_empty() {
        new.insert("include_from_parent".into(), included(written.get("include_from_parent")));
    }
    let setting = |path: String, value: Value| Setting { path, value: value.to_string() };
    Some(match written {
        Value::Object(_) => {
            new.into_iter().map(|(name, value)| setting(format!("{pointer}/{name}"), value)).collect()
        }
        short => {
            let mut whole = Map::new();
            if config.value.get("resources").is_some_and(Value::is_array) {
                whole.insert("name".into(), json!(key.resource));
            }
            if short.is_string() {
                whole.insert("endpoint".into(), json!({ "path": short }));
            }
            whole.extend(new);
            vec![setting(pointer, whole.into())]
        }
    })
}

/// Where a resource is written, and what is written there.
pub(super) fn find<'a>(name: &str, config: &'a Document) -> Option<(String, &'a Value)> {
    let resources = config.value.get("resources")?;
    if let Some(written) = resources.get(name) {
        return Some((format!("/resources/{}", name.replace('~', "~0").replace('/', "~1")), written));
    }
    let is_named = |item: &Value| item.get("name").or(Some(item)).and_then(Value::as_str) == Some(name);
    let at = resources.as_array()?.iter().position(is_named)?;
    Some((format!("/resources/{at}"), resources.get(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Format, parse};

    #[test]
    fn the_parents_key_goes_first_and_is_taken_along() {
        let none: &[String] = &[];
        let carried = &["_p_id".to_owned()][..];
        let cases = [
            (
                "resources: {t: {endpoint: /t}}",
                carried,
                vec![("/resources/t/primary_key", r#"["_p_id","id"]"#)],
            ),
            (
                "resources: {t: /t}",
                carried,
                vec![("/resources/t", r#"{"endpoint":{"path":"/t"},"primary_key":["_p_id","id"]}"#)],
            ),
            (
                "resources: [a, {name: t, include_from_parent: name}]",
                none,
                vec![
                    ("/resources/1/primary_key", r#"["_p_id","id"]"#),
                    ("/resources/1/include_from_parent", r#"["name","id"]"#),
                ],
            ),
            (
                "resources: [t]",
                carried,
                vec![(
                    "/resources/0",
                    r#"{"name":"t","endpoint":{"path":"t"},"primary_key":["_p_id","id"]}"#,
                )],
            ),
            ("resources: [u]", carried, vec![]),
            ("streams: [t]", carried, vec![]),
        ];
        for (text, carried, expected) in cases {
            let config = parse("c", text, Format::Yaml).unwrap();
            let id = ["id".to_owned()];
            let key = Key { resource: "t", columns: &id, parent: "p", parent_key: &id, carried };
            let settings = settings(&key, &config).unwrap_or_default();
            let settings: Vec<(&str, &str)> =
                settings.iter().map(|setting| (setting.path.as_str(), setting.value.as_str())).collect();
            assert_eq!(settings, expected, "{text}");
        }
    }
}
