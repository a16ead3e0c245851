//! Tables as a JSON Schema (draft 2020-12): a definition for each, of its rows as JSON objects.

use sanderling_destination::{ColumnType, Engine, Role, StoredColumn, TableSchema};
use serde_json::{Map, Value, json};

use super::Found;

/// One document. What is text in `engine` is text here.
pub fn json_schema(pipeline: &str, engine: Engine, found: &[Found]) -> Value {
    let mut definitions = Map::new();
    for of in found {
        for (is_own, table) in of.tables() {
            definitions.insert(table.name.clone(), definition(of, is_own, table, engine));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": pipeline,
        "$defs": definitions,
    })
}

fn definition(of: &Found, is_own: bool, table: &TableSchema, engine: Engine) -> Value {
    let is_required = |column: &&StoredColumn| super::is_required(of.resource, is_own, column);
    let mut properties = Map::new();
    for column in &table.columns {
        let described = value(&column.data_type, !is_required(&column), engine);
        properties.insert(column.name.clone(), with_note(described, column));
    }
    for time in of.discovered.times.iter().filter(|_| is_own) {
        properties.insert(time.clone(), value(&ColumnType::Timestamp { utc: true }, true, engine));
    }
    let required: Vec<&str> =
        table.columns.iter().filter(is_required).map(|column| column.name.as_str()).collect();
    let title = match &table.parent {
        Some(parent) => format!("an item of `{}` in a row of `{parent}`", table.field),
        None => format!("a row of `{}`", of.resource.name),
    };
    json!({"title": title, "type": "object", "properties": properties, "required": required})
}

fn with_note(mut described: Value, column: &StoredColumn) -> Value {
    if column.role == Role::Variant
        && let Some(described) = described.as_object_mut()
    {
        let note = format!("what `{}` held that its own column does not take", column.field);
        described.insert("description".to_owned(), note.into());
    }
    described
}

/// What a value is. Times without a zone have no format that JSON Schema knows.
fn value(data_type: &ColumnType, nullable: bool, engine: Engine) -> Value {
    let (name, more) = match data_type {
        ColumnType::Bool => ("boolean", json!({})),
        ColumnType::Int64 => ("integer", json!({})),
        ColumnType::Double => ("number", json!({})),
        ColumnType::Decimal { .. } if engine.has_no_decimals() => {
            ("string", json!({"description": format!("{data_type}, as text")}))
        }
        ColumnType::Decimal { scale: 0, .. } => ("integer", json!({"description": data_type.to_string()})),
        ColumnType::Decimal { .. } => ("number", json!({"description": data_type.to_string()})),
        ColumnType::Text => ("string", json!({})),
        ColumnType::Timestamp { utc: true } => ("string", json!({"format": "date-time"})),
        ColumnType::Timestamp { utc: false } => {
            ("string", json!({"description": "a date and a time, without a zone"}))
        }
        ColumnType::Date => ("string", json!({"format": "date"})),
        ColumnType::Time => ("string", json!({"description": "a time of day, without a zone"})),
        ColumnType::Binary => ("string", json!({"contentEncoding": "base64"})),
        // Whatever JSON there is, null among it.
        ColumnType::Json => return json!({"description": "any JSON"}),
        ColumnType::Struct(fields) => {
            let fields: Map<String, Value> = fields
                .iter()
                .map(|field| (field.name.clone(), value(&field.data_type, field.nullable, engine)))
                .collect();
            ("object", json!({"properties": fields}))
        }
        ColumnType::List(item) => ("array", json!({"items": value(item, true, engine)})),
    };
    let mut described = Map::new();
    let name = if nullable { json!([name, "null"]) } else { json!(name) };
    described.insert("type".to_owned(), name);
    if let Value::Object(more) = more {
        described.extend(more);
    }
    Value::Object(described)
}
