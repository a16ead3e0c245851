//! Columns as hints of dlt's, in YAML: what `columns` of a config takes.

use sanderling_destination::{ColumnType, Role, StoredColumn};
use serde_json::{Map, Value};

use super::Found;
use crate::document::{Format, entry};

/// A list of `resources` with the `columns` of each: what rows bring to its own table. What has no place there is said in
/// comments: lists that are tables of their own, and values that stand beside their column, which goes without a type, since
/// a declared one refuses them.
pub fn hints(found: &[Found]) -> String {
    let mut text = "resources:\n".to_owned();
    for of in found {
        text.push_str(&format!(
            "  - {}\n    columns:\n",
            entry(Format::Yaml, "name", &of.resource.name.clone().into())
        ));
        for (is_own, table) in of.tables() {
            if !is_own {
                // A name with a line's end in it would end the comment.
                let name = table.name.replace(char::is_control, " ");
                text.push_str(&format!("      # {name} is a table of its own\n"));
                continue;
            }
            for column in table.columns.iter().filter(|column| column.role == Role::Field) {
                let beside: Vec<String> = table
                    .columns
                    .iter()
                    .filter(|it| it.role == Role::Variant && it.field == column.field)
                    .map(|it| super::type_name(&it.data_type))
                    .collect();
                let hints = hints_of(of, column, beside.is_empty());
                let line = entry(Format::Yaml, name(of, column), &Value::Object(hints));
                let also = match beside.as_slice() {
                    [] => String::new(),
                    kinds => {
                        format!(" # {} and {}", super::type_name(&column.data_type), kinds.join(" and "))
                    }
                };
                text.push_str(&format!("      {line}{also}\n"));
            }
        }
    }
    text
}

/// The field, as rows have it; the column, where that was made of an object's field or nothing is known of the field.
fn name<'a>(of: &Found, column: &'a StoredColumn) -> &'a str {
    let is_key = super::keys(of.resource, column).iter().any(|key| *key != "cursor");
    let is_plain = !column.field.is_empty() && !column.field.contains('.');
    if is_plain || (is_key && !column.field.is_empty()) { &column.field } else { &column.name }
}

fn hints_of(of: &Found, column: &StoredColumn, typed: bool) -> Map<String, Value> {
    let mut hints = Map::new();
    let mut say = |name: &str, value: Value| hints.insert(name.to_owned(), value);
    match &column.data_type {
        _ if !typed => {}
        ColumnType::Decimal { precision, scale } => {
            say("data_type", "decimal".into());
            say("precision", (*precision).into());
            say("scale", (*scale).into());
        }
        ColumnType::Timestamp { utc } => {
            say("data_type", "timestamp".into());
            if !utc {
                say("timezone", false.into());
            }
        }
        // Declared, it would be JSON, and another column.
        ColumnType::Struct(_) | ColumnType::List(_) => {}
        other => {
            say("data_type", other.to_string().into());
        }
    }
    say("nullable", (!super::is_required(of.resource, true, column)).into());
    let table = &of.resource.table;
    for (hint, fields) in [("primary_key", &table.primary_key), ("merge_key", &table.merge_key)] {
        if fields.iter().any(|field| super::is_of(column, field)) {
            say(hint, true.into());
        }
    }
    hints
}
