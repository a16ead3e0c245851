//! Which column of sampled rows could be their key.

use serde_json::{Map, Value};

/// Names of keys, the likeliest first.
const NAMES: [&str; 7] = ["id", "_id", "uuid", "guid", "gid", "key", "code"];

/// The column that looks like a key: its name says so, and each row has a value of its own in it. `resource` names them:
/// `task_id` is the key of `tasks`.
pub fn primary_key(resource: &str, rows: &[u8]) -> Option<String> {
    let lines = rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows: Option<Vec<Map<String, Value>>> = lines.map(|line| serde_json::from_slice(line).ok()).collect();
    let rows = rows?;
    let of_resource = |name: &str| {
        let stem =
            name.strip_suffix("_id").or_else(|| name.strip_suffix("Id")).or_else(|| name.strip_suffix("ID"));
        stem.is_some_and(|stem| {
            let stem = stem.trim_end_matches('_').to_ascii_lowercase();
            // `company` and `companies`
            let stem = stem.strip_suffix('y').unwrap_or(&stem);
            !stem.is_empty() && resource.to_ascii_lowercase().starts_with(stem)
        })
    };
    let first = rows.first()?;
    let named =
        NAMES.iter().filter_map(|name| first.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned());
    let own = first.keys().filter(|key| of_resource(key)).cloned();
    named.chain(own).find(|name| is_unique(&rows, name))
}

fn is_unique(rows: &[Map<String, Value>], name: &str) -> bool {
    let mut values: Vec<String> = Vec::new();
    for row in rows {
        match row.get(name) {
            Some(value @ (Value::String(_) | Value::Number(_))) => values.push(value.to_string()),
            _ => return false,
        }
    }
    let count = values.len();
    values.sort_unstable();
    values.dedup();
    values.len() == count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_like_one_and_has_no_value_twice() {
        let cases = [
            ("tasks", r#"{"name":"a","id":1}"#, r#"{"name":"a","id":2}"#, Some("id")),
            ("tasks", r#"{"ID":"x"}"#, r#"{"ID":"y"}"#, Some("ID")),
            ("tasks", r#"{"id":1,"task_id":5}"#, r#"{"id":1,"task_id":6}"#, Some("task_id")),
            (
                "companies",
                r#"{"user_id":1,"companyId":5}"#,
                r#"{"user_id":2,"companyId":6}"#,
                Some("companyId"),
            ),
            ("tasks", r#"{"user_id":1}"#, r#"{"user_id":2}"#, None),
            ("tasks", r#"{"id":1}"#, r#"{"id":1}"#, None),
            ("tasks", r#"{"id":1}"#, r#"{"id":null}"#, None),
            ("tasks", r#"{"id":1}"#, r#"{}"#, None),
            ("tasks", r#"{"id":{}}"#, r#"{"id":2}"#, None),
            ("tasks", r#"{"id":1}"#, "7", None),
            ("tasks", r#"{"é_id":1}"#, r#"{"é_id":2}"#, None),
        ];
        for (resource, one, other, expected) in cases {
            let rows = format!("{one}\n{other}\n");
            assert_eq!(primary_key(resource, rows.as_bytes()).as_deref(), expected, "{one} {other}");
        }
        assert_eq!(primary_key("tasks", b""), None);
    }
}
