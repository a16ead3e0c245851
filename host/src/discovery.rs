//! Lays out the tables that rows have turned out to be: as tables, as JSON Schema, as SQL, as hints of dlt's.

mod hints;
mod json_schema;

use sanderling_destination::{ColumnType, Discovered, Engine, Role, StoredColumn, TableSchema};
use serde_json::{Value, json};

pub use hints::hints;
pub use json_schema::json_schema;

use crate::report;
use crate::run::plan::Resource;
use crate::show::Paint;
use crate::{table, words};

/// A resource, and what its rows have turned out to be.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// As the config has it.
    pub resource: &'a Resource,
    /// Its tables.
    pub discovered: &'a Discovered,
}

impl<'a> Found<'a> {
    /// Its tables, each with whether it is the resource's own.
    fn tables(&self) -> impl Iterator<Item = (bool, &'a TableSchema)> + use<'a> {
        self.discovered.schema.tables.iter().enumerate().map(|(at, table)| (at == 0, table))
    }
}

/// What a column of a resource's own table is for a run.
fn keys(resource: &Resource, column: &StoredColumn) -> Vec<&'static str> {
    let table = &resource.table;
    // A connector may say more than the path: `min updated_at`.
    let cursor = resource.incremental.as_ref().and_then(|it| it.cursor.rsplit(' ').next());
    let any = |fields: &[String]| fields.iter().any(|field| is_of(column, field));
    let keys = [
        ("primary", any(&table.primary_key)),
        ("merge", any(&table.merge_key)),
        ("cursor", cursor.is_some_and(|path| is_of(column, path))),
    ];
    keys.into_iter().filter_map(|(key, is_it)| is_it.then_some(key)).collect()
}

/// Whether no row can lack a column, of a resource's own table or of one of its lists: by what the config says.
fn is_required(resource: &Resource, is_own: bool, column: &StoredColumn) -> bool {
    if !column.is_of_rows() {
        return !column.nullable;
    }
    let mut declared = resource.table.columns.iter().filter(|it| !it.nullable);
    let is_declared = declared.any(|it| column.role == Role::Field && is_named(column, &it.name));
    is_own && (is_declared || keys(resource, column).iter().any(|key| *key != "cursor"))
}

/// Whether a row has lacked a column so far, or had null in it.
fn is_nullable(resource: &Resource, is_own: bool, column: &StoredColumn) -> bool {
    column.nullable && !is_required(resource, is_own, column)
}

fn is_declared(resource: &Resource, column: &StoredColumn) -> bool {
    let mut declared = resource.table.columns.iter().filter(|it| it.data_type.is_some());
    column.role == Role::Field && declared.any(|it| is_named(column, &it.name))
}

/// Whether a config means a column by a name: that of its field, or its own.
fn is_named(column: &StoredColumn, name: &str) -> bool {
    is_of(column, name) || column.name == name
}

/// Whether a column holds a field of rows. What was taken over from another program does not say which field it was.
fn is_of(column: &StoredColumn, field: &str) -> bool {
    let own = if column.field.is_empty() { &column.name } else { &column.field };
    column.role == Role::Field && own == field
}

/// A table for each table, under its name.
pub fn tables(found: &[Found], paint: Paint) -> String {
    let mut shown = Vec::new();
    for of in found {
        for (is_own, table) in of.tables() {
            let times: &[String] = if is_own { &of.discovered.times } else { &[] };
            let laid_out = columns(of.resource, is_own, &table.columns, times, paint).unwrap_or_default();
            shown.push(format!("{}\n{laid_out}", paint.head(&words::printable(&table.name))));
        }
    }
    shown.join("\n")
}

/// Columns of a table, a line each; none if there are none. `is_own`: of the resource's own table.
pub fn columns(
    resource: &Resource,
    is_own: bool,
    columns: &[StoredColumn],
    times: &[String],
    paint: Paint,
) -> Option<String> {
    let mut rows: Vec<[String; 6]> = columns.iter().map(|column| row(resource, is_own, column)).collect();
    rows.extend(
        times.iter().map(|name| [name.as_str(), "timestamp", "yes", "", "", "added"].map(words::printable)),
    );
    let head = ["column", "type", "nullable", "key", "field", ""];
    (!rows.is_empty()).then(|| table::lay_out(head, &rows, &[], paint))
}

fn row(resource: &Resource, is_own: bool, column: &StoredColumn) -> [String; 6] {
    let differs = column.role == Role::Field && column.field != column.name;
    [
        column.name.clone(),
        type_name(&column.data_type),
        if is_nullable(resource, is_own, column) { "yes" } else { "no" }.to_owned(),
        if is_own { keys(resource, column).join(", ") } else { String::new() },
        if differs { column.field.clone() } else { String::new() },
        note(resource, is_own, column),
    ]
    .map(|cell| words::printable(&cell))
}

/// A type as `columns` of a config names it, with a decimal's digits.
fn type_name(data_type: &ColumnType) -> String {
    match data_type {
        ColumnType::Timestamp { .. } => "timestamp".to_owned(),
        ColumnType::Struct(_) | ColumnType::List(_) => "json".to_owned(),
        other => other.to_string(),
    }
}

fn note(resource: &Resource, is_own: bool, column: &StoredColumn) -> String {
    let mut notes = Vec::new();
    match column.role {
        Role::Field => {}
        Role::Variant => notes.push(format!("variant of {}", column.field)),
        _ => notes.push("added".to_owned()),
    }
    if is_own && is_declared(resource, column) {
        notes.push("declared".to_owned());
    }
    match &column.data_type {
        ColumnType::Timestamp { utc: false } => notes.push("without a time zone".to_owned()),
        nested @ (ColumnType::Struct(_) | ColumnType::List(_)) => {
            notes.push(format!("kept as {}", words::short(&nested.to_string())));
        }
        _ => {}
    }
    notes.join(", ")
}

/// The statements that make the tables, as a database of this kind takes them.
pub fn statements(engine: Engine, found: &[Found]) -> String {
    let all = found.iter().flat_map(|of| engine.definitions(of.discovered));
    let all: Vec<String> = all.map(|statement| format!("{statement};\n")).collect();
    all.join("\n")
}

/// The document of `schema --json`.
pub fn document(pipeline: &str, destination: &str, found: &[Found]) -> Value {
    let resource = |of: &Found| {
        let tables: Vec<Value> =
            of.tables().map(|(is_own, table)| table_document(of, is_own, table)).collect();
        json!({"name": of.resource.name, "tables": tables})
    };
    json!({
        "version": report::VERSION,
        "pipeline": pipeline,
        "destination": destination,
        "resources": found.iter().map(resource).collect::<Vec<_>>(),
    })
}

fn table_document(of: &Found, is_own: bool, table: &TableSchema) -> Value {
    let columns = table.columns.iter().map(|column| column_document(of.resource, is_own, column));
    let times: &[String] = if is_own { &of.discovered.times } else { &[] };
    let times = times.iter().map(|name| time_document(name));
    json!({
        "name": table.name,
        "parent": table.parent,
        "field": Some(&table.field).filter(|field| !field.is_empty()),
        "columns": columns.chain(times).collect::<Vec<_>>(),
    })
}

/// A column for programs: its type is the whole of it, `struct(…)` and `datetime` among them.
pub fn column_document(resource: &Resource, is_own: bool, column: &StoredColumn) -> Value {
    json!({
        "name": column.name,
        "field": Some(&column.field).filter(|field| !field.is_empty()),
        "type": column.data_type.to_string(),
        "nullable": is_nullable(resource, is_own, column),
        "keys": if is_own { keys(resource, column) } else { Vec::new() },
        "role": column.role,
    })
}

/// The same of a column of times that a database has behind those of rows.
pub fn time_document(name: &str) -> Value {
    json!({"name": name, "field": null, "type": "timestamp", "nullable": true, "keys": [], "role": "time"})
}
