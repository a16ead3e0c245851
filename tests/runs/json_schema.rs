//! The part of JSON Schema that our schemas use.

use serde_json::Value;

/// Holds a value against the part of JSON Schema that our schema uses; a keyword that is not known here fails.
pub(crate) fn breaches(value: &Value, schema: &Value, root: &Value, at: &str, found: &mut Vec<String>) {
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("type {other}"),
    };
    let schema = schema.as_object().unwrap();
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "pattern" | "contentEncoding" => {}
            "format" => {
                let length = if rule == "date" { 10 } else { 20 };
                if value.as_str().is_some_and(|text| text.len() < length || !text.is_ascii()) {
                    found.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                breaches(value, target, root, at, found);
            }
            "const" => {
                if value != rule {
                    found.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    found.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "type" => {
                let kinds = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !kinds.iter().any(|kind| is(kind.as_str().unwrap())) {
                    found.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "anyOf" => {
                let fits = |rule: &Value| {
                    let mut found = Vec::new();
                    breaches(value, rule, root, at, &mut found);
                    found.is_empty()
                };
                if !rule.as_array().unwrap().iter().any(fits) {
                    found.push(format!("{at}: {value} fits none"));
                }
            }
            "minLength" => {
                if value.as_str().is_some_and(|text| text.is_empty()) {
                    found.push(format!("{at}: it is empty"));
                }
            }
            "maximum" => {
                if value.as_f64().is_some_and(|number| number > rule.as_f64().unwrap()) {
                    found.push(format!("{at}: {value} is more than {rule}"));
                }
            }
            "minimum" => {
                if value.as_f64().is_some_and(|number| number < rule.as_f64().unwrap()) {
                    found.push(format!("{at}: {value} is less than {rule}"));
                }
            }
            // What is no object is told by its type.
            "required" if !value.is_object() => {}
            "required" => {
                for key in
                    rule.as_array().unwrap().iter().filter(|key| value.get(key.as_str().unwrap()).is_none())
                {
                    found.push(format!("{at}: {key} is missing"));
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (key, value) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.contains_key(key)) {
                        continue;
                    }
                    match rule {
                        Value::Bool(false) => found.push(format!("{at}: `{key}` is not in the schema")),
                        rule => breaches(value, rule, root, &format!("{at}/{key}"), found),
                    }
                }
            }
            "properties" => {
                for (key, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        breaches(value, rule, root, &format!("{at}/{key}"), found);
                    }
                }
            }
            "items" => {
                for (position, item) in value.as_array().into_iter().flatten().enumerate() {
                    breaches(item, rule, root, &format!("{at}/{position}"), found);
                }
            }
            other => panic!("keyword {other}"),
        }
    }
}
