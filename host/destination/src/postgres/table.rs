//! Tables of rows: making them, growing them, putting one in another's place.

use sanderling_columns::{Column, ColumnType, Role, TableSchema};
use sha2::{Digest, Sha256};

use super::stand_in::{Scalar, SqlError, TableName};
use super::{Postgres, qualified, quoted};

/// Columns of every table, also of one that no row has come to.
const SYSTEM: &str = "_load_id text, ADD COLUMN IF NOT EXISTS _loaded_at timestamp with time zone";

/// The order in which rows came, in tables where they wait for their place.
pub(super) const ARRIVAL: &str = "_sanderling_row";

/// What PostgreSQL calls a column's type. Decimals have as many digits as they come with.
pub(super) fn type_name(data_type: &ColumnType) -> &'static str {
    match data_type {
        ColumnType::Bool => "boolean",
        ColumnType::Int64 => "bigint",
        ColumnType::Decimal { .. } => "numeric",
        ColumnType::Double => "double precision",
        ColumnType::Text => "text",
        ColumnType::Timestamp { utc: true } => "timestamp with time zone",
        ColumnType::Timestamp { utc: false } => "timestamp without time zone",
        ColumnType::Date => "date",
        ColumnType::Time => "time without time zone",
        ColumnType::Binary => "bytea",
        ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_) => "jsonb",
    }
}

/// Makes a table with these columns, or gives the one that is there those which it lacks.
pub(super) fn ensure(
    session: &mut Postgres,
    table: &TableName,
    columns: &[Column],
    arrival: bool,
) -> Result<(), SqlError> {
    let Some(there) = session.columns(table)? else {
        let mut parts: Vec<String> = columns.iter().map(definition).collect();
        if arrival {
            parts.push(format!("{ARRIVAL} bigserial"));
        }
        let table = qualified(table);
        return session.batch(&format!(
            "CREATE TABLE {table} ({}); ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {SYSTEM}",
            parts.join(", ")
        ));
    };
    let missing: Vec<&Column> =
        columns.iter().filter(|column| !there.iter().any(|(name, _)| *name == column.name)).collect();
    add(session, table, &missing)
}

/// Adds columns; one that is there stays as it is.
pub(super) fn add(session: &mut Postgres, table: &TableName, columns: &[&Column]) -> Result<(), SqlError> {
    if columns.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> =
        columns.iter().map(|column| format!("ADD COLUMN IF NOT EXISTS {}", definition(column))).collect();
    session.batch(&format!("ALTER TABLE {} {}", qualified(table), parts.join(", ")))
}

fn definition(column: &Column) -> String {
    format!("{} {}", quoted(&column.name), type_name(&column.data_type))
}

pub(super) fn drop_table(session: &mut Postgres, table: &TableName) -> Result<(), SqlError> {
    session.batch(&format!("DROP TABLE IF EXISTS {}", qualified(table)))
}

/// Puts `new` in the place of `table`. What hangs on the old one (views, foreign keys, rights that were granted) must not
/// be lost or stand in the way: where there is any, the old table stays and only its rows are replaced.
pub(super) fn swap(
    session: &mut Postgres,
    new: &TableName,
    table: &TableName,
    columns: &[Column],
) -> Result<(), SqlError> {
    let plain = session.query(
        "SELECT c.relacl IS NULL AND c.relkind = 'r' AND NOT EXISTS (
             SELECT 1 FROM pg_depend d LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
             WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n' AND a.oid IS NULL
         ) AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
         AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
         FROM pg_class c WHERE c.oid = to_regclass($1)",
        &[Scalar::Text(qualified(table))],
    )?;
    let (from, to) = (qualified(new), qualified(table));
    match plain.first().map(Vec::as_slice) {
        None | Some([Scalar::Int(1)]) => {
            drop_table(session, table)?;
            session.batch(&format!("ALTER TABLE {from} RENAME TO {}", quoted(&table.name)))
        }
        Some(_) => {
            ensure(session, table, columns, false)?;
            let names = list(columns.iter().map(|column| column.name.as_str()));
            session.batch(&format!(
                "DELETE FROM {to}; INSERT INTO {to} ({names}) SELECT {names} FROM {from}; DROP TABLE {from}"
            ))
        }
    }
}

/// What the unique index over a table's primary key is called: by the key, so that another key has another.
pub(super) fn key_index(table: &str, key: &[String]) -> String {
    format!("{KEY_INDEX}{}", hashed(std::iter::once(table).chain(key.iter().map(String::as_str))))
}

const KEY_INDEX: &str = "_sanderling_key_";

/// The unique indexes over keys that were made here.
pub(super) fn key_indexes(session: &mut Postgres, table: &TableName) -> Result<Vec<String>, SqlError> {
    let rows = session.query(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE i.indrelid = to_regclass($1) AND starts_with(c.relname, $2)",
        &[Scalar::Text(qualified(table)), Scalar::Text(KEY_INDEX.to_owned())],
    )?;
    Ok(rows
        .into_iter()
        .flatten()
        .filter_map(|name| match name {
            Scalar::Text(name) => Some(name),
            _ => None,
        })
        .collect())
}

/// The table in which a load's rows are gathered beside their own: each pipeline has its own.
pub(super) fn beside(pipeline: &str, table: &str) -> String {
    format!("_sanderling_new_{}", hashed([pipeline, table].into_iter()))
}

fn hashed<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update(b"\0");
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Names, quoted, with commas.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(", ")
}

/// The columns that hold a field of the rows: its own, and those of values that did not fit that.
pub(super) fn columns_of<'s>(
    schema: Option<&'s TableSchema>,
    field: &'s str,
) -> impl Iterator<Item = &'s Column> {
    let columns = schema.map(|schema| schema.columns.as_slice()).unwrap_or_default();
    columns.iter().filter(move |column| column.is_of_rows() && column.field == field)
}

/// The column that holds a field of the rows; none before a row has brought it.
pub(super) fn column_of<'s>(schema: Option<&'s TableSchema>, field: &str) -> Option<&'s Column> {
    schema?.columns.iter().find(|column| column.role == Role::Field && column.field == field)
}
