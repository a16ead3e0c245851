//! The surface as JSON Schema (draft 2020-12), for editors that complete and check.

use serde_json::{Map, Value, json};

use super::sections::{NAMED, SECTIONS, members};
use super::{Default, Row, Section, Shape};

/// The schema of a config, without the host's own keys: `properties`, `required` and `$defs` of an object.
pub fn schema() -> Value {
    let mut defs = Map::new();
    for section in SECTIONS {
        defs.insert(section.name.to_owned(), object(section));
    }
    for (name, of) in NAMED {
        let mut named = defs.get(of).cloned().unwrap_or_default();
        if let Some(properties) = named.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("name".to_owned(), json!({"type": "string", "description": "its name"}));
        }
        if let Some(named) = named.as_object_mut() {
            named.insert("required".to_owned(), json!(["name"]));
        }
        defs.insert(name.to_owned(), named);
    }
    for union in ["auth", "paginator"] {
        let of = members(union).iter().map(|name| json!({"$ref": format!("#/$defs/{name}")}));
        defs.insert(union.to_owned(), json!({"anyOf": of.collect::<Vec<_>>()}));
    }
    let mut root = defs.remove("config").unwrap_or_default();
    if let Some(root) = root.as_object_mut() {
        root.insert("$defs".to_owned(), Value::Object(defs));
    }
    root
}

fn object(section: &Section) -> Value {
    let properties: Map<String, Value> =
        section.rows.iter().map(|row| (row.key.to_owned(), property(row))).collect();
    let required: Vec<&str> = section
        .rows
        .iter()
        .filter(|row| matches!(row.default, Default::Required))
        .map(|row| row.key)
        .collect();
    let mut object = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

/// A value; `null` counts as not written.
fn property(row: &Row) -> Value {
    let mut property = match (&row.default, shape(&row.shape)) {
        (Default::Required, shape) => shape,
        (_, shape) => or_null(shape),
    };
    if let Some(property) = property.as_object_mut() {
        property.insert("description".to_owned(), json!(row.says));
        if let Default::Json(text) = row.default
            && let Ok(default) = serde_json::from_str::<Value>(text)
        {
            property.insert("default".to_owned(), default);
        }
    }
    property
}

fn or_null(shape: Value) -> Value {
    match shape.get("anyOf").and_then(Value::as_array) {
        Some(of) => json!({"anyOf": of.iter().cloned().chain([json!({"type": "null"})]).collect::<Vec<_>>()}),
        None if shape == json!({}) => shape,
        None => json!({"anyOf": [shape, {"type": "null"}]}),
    }
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Any => json!({}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Number => json!({"type": "number", "minimum": 0}),
        Shape::Text => json!({"type": "string"}),
        Shape::Scalar => json!({"type": ["string", "number", "boolean", "null"]}),
        Shape::Words(words) => json!({"enum": words}),
        Shape::List(item) => json!({"type": "array", "items": shape(item)}),
        Shape::Map(value) => json!({"type": "object", "additionalProperties": shape(value)}),
        Shape::Either(several) => json!({"anyOf": several.iter().map(shape).collect::<Vec<_>>()}),
        Shape::Section(name) => json!({"$ref": format!("#/$defs/{name}")}),
        Shape::Union(name, []) => json!({"$ref": format!("#/$defs/{name}")}),
        Shape::Union(name, words) => {
            json!({"anyOf": [{"enum": words}, {"$ref": format!("#/$defs/{name}")}]})
        }
    }
}
