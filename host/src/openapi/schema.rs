//! Reads the schemas of an OpenAPI file: references, and schemas made of others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Documented, Kind};

/// References that lead to one another further than this lead round.
const MAX_REFERENCES: usize = 32;

/// What `value` is, or what it refers to. `None`: it leads nowhere, round, or out of the file.
pub(super) fn target<'a>(spec: &'a Value, mut value: &'a Value) -> Option<&'a Value> {
    for _ in 0..MAX_REFERENCES {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => value = spec.pointer(&decoded(reference.strip_prefix('#')?))?,
            None => return Some(value),
        }
    }
    None
}

/// A fragment of a URI, without its escapes.
fn decoded(fragment: &str) -> String {
    percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned()
}

/// All schemas that `schema` is made of, itself among them: what it refers to, `allOf`, and each alternative. One that
/// contains itself is there once.
pub(super) fn parts<'a>(spec: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut parts: Vec<&Value> = Vec::new();
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        if parts.iter().any(|known| std::ptr::eq(*known, schema)) {
            continue;
        }
        parts.push(schema);
        // A reference may have something beside it since 3.1, and mostly has a `nullable` before.
        open.extend(target(spec, schema));
        for key in ["allOf", "oneOf", "anyOf"] {
            open.extend(schema.get(key).and_then(Value::as_array).into_iter().flatten());
        }
    }
    parts
}

/// The field `name` of what `schema` describes.
pub(super) fn member<'a>(spec: &'a Value, schema: &'a Value, name: &str) -> Option<&'a Value> {
    let parts = parts(spec, schema);
    let named = parts.iter().find_map(|part| part.get("properties")?.get(name));
    named.or_else(|| {
        parts.iter().find_map(|part| part.get("additionalProperties").filter(|any| any.is_object()))
    })
}

/// The items of the list that `schema` describes.
pub(super) fn items<'a>(spec: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    parts(spec, schema).iter().find_map(|part| part.get("items"))
}

/// What a row is like that `schema` describes. One that is no object has a field `value`, as in a destination.
pub(super) fn documented(spec: &Value, schema: &Value) -> Documented {
    let parts = parts(spec, schema);
    let mut documented = Documented::default();
    for part in &parts {
        documented.open |= part.get("additionalProperties").is_some_and(|any| any.is_object() || any == true);
        for (name, field) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let hidden =
                target(spec, field).and_then(|field| field.get("writeOnly")) == Some(&Value::Bool(true));
            if hidden {
                continue;
            }
            let kinds = kinds(spec, field);
            documented
                .fields
                .entry(name.clone())
                .and_modify(|known| {
                    // Alternatives that differ allow what either does; of none, anything.
                    if known.is_empty() || kinds.is_empty() {
                        known.clear();
                    } else {
                        known.extend(&kinds);
                    }
                })
                .or_insert(kinds);
        }
    }
    let of_row = kinds(spec, schema);
    if documented.fields.is_empty() && !of_row.is_empty() && !of_row.contains(&Kind::Object) {
        documented.fields.insert("value".into(), of_row);
    }
    documented
}

/// The kinds of value that a schema allows; none: any.
fn kinds(spec: &Value, schema: &Value) -> BTreeSet<Kind> {
    let mut seen = Vec::new();
    let mut kinds = own_kinds(spec, schema, &mut seen).unwrap_or_default();
    let says = |part: &&Value, key: &str| part.get(key) == Some(&Value::Bool(true));
    let null = parts(spec, schema).iter().any(|part| says(part, "nullable") || says(part, "x-nullable"));
    if null && !kinds.is_empty() {
        kinds.insert(Kind::Null);
    }
    kinds
}

/// `None`: any.
fn own_kinds<'a>(spec: &'a Value, schema: &'a Value, seen: &mut Vec<&'a Value>) -> Option<BTreeSet<Kind>> {
    if seen.iter().any(|known| std::ptr::eq(*known, schema)) {
        return None;
    }
    seen.push(schema);
    let named: Option<BTreeSet<Kind>> = match schema.get("type") {
        Some(Value::String(name)) => Kind::named(name).map(|kind| BTreeSet::from([kind])),
        Some(Value::Array(names)) => names.iter().map(|name| Kind::named(name.as_str()?)).collect(),
        _ => None,
    };
    let listed = || {
        let values = schema.get("enum").and_then(Value::as_array)?;
        Some(values.iter().map(Kind::of).collect())
    };
    let mut shaped = || {
        if schema.get("$ref").is_some() {
            return own_kinds(spec, target(spec, schema)?, seen);
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return parts.iter().find_map(|part| own_kinds(spec, part, seen));
        }
        let either = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)?.as_array());
        if let Some(either) = either {
            // One that allows anything makes all of it allow anything.
            let either: Option<Vec<BTreeSet<Kind>>> =
                either.iter().map(|part| own_kinds(spec, part, seen)).collect();
            return either.map(|kinds| kinds.into_iter().flatten().collect());
        }
        let has = |key: &str| schema.get(key).is_some();
        match (has("properties"), has("items")) {
            (true, _) => Some(BTreeSet::from([Kind::Object])),
            (false, true) => Some(BTreeSet::from([Kind::Array])),
            (false, false) => None,
        }
    };
    named.or_else(listed).or_else(&mut shaped).filter(|kinds: &BTreeSet<Kind>| !kinds.is_empty())
}
