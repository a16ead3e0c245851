//! Tables and columns: reading them, making them, growing them, putting one in another's place.
//!
//! Columns are declared without a type: SQLite then has no affinity to rewrite a value by, and "007" stays text.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _};

use super::failure;
use crate::error::{DataErrorKind, DestinationError, NameError};
use crate::file_name;
use crate::table::Table;

/// When a row came.
pub(super) const LOADED_AT: &str = "_loaded_at";
/// Which load wrote it.
pub(super) const LOAD_ID: &str = "_load_id";

/// What SQLite allows a table, unless it is built otherwise.
pub(super) const MAX_COLUMNS: usize = 2_000;

/// A table's columns.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) columns: Vec<String>,
    places: HashMap<String, usize>,
    /// Whether the unique index that merge needs is there.
    pub(super) keyed: bool,
    /// Whether the columns that the config declares are there.
    pub(super) declared: bool,
}

impl Shape {
    fn new(columns: Vec<String>, keyed: bool) -> Self {
        let places = columns.iter().cloned().zip(0..).collect();
        Self { columns, places, keyed, declared: false }
    }

    /// Where column `name` is; `guess` is tried first.
    pub(super) fn place(&self, name: &str, guess: usize) -> Option<usize> {
        if self.columns.get(guess).is_some_and(|column| column == name) {
            return Some(guess);
        }
        self.places.get(name).copied()
    }

    /// Notes a column that is yet to be made, and returns its place.
    pub(super) fn add(&mut self, name: &str) -> Result<usize, DataErrorKind> {
        if let Some(first) = self.columns.iter().find(|column| column.eq_ignore_ascii_case(name)) {
            let (first, second) = (first.clone(), name.to_owned());
            return Err(if is_system(&first) {
                DataErrorKind::ReservedField { field: second }
            } else {
                DataErrorKind::FieldsDifferInCase { first, second }
            });
        }
        if name.contains('\0') {
            return Err(DataErrorKind::BadFieldName { field: name.escape_debug().to_string() });
        }
        if self.columns.len() >= MAX_COLUMNS {
            return Err(DataErrorKind::TooManyColumns { limit: MAX_COLUMNS });
        }
        let place = self.columns.len();
        self.columns.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        Ok(place)
    }

    /// Whether no row has brought a column yet.
    pub(super) fn is_bare(&self) -> bool {
        self.columns.iter().all(|column| is_system(column))
    }
}

/// Whether every table gets this column.
pub(super) fn is_system(column: &str) -> bool {
    column == LOADED_AT || column == LOAD_ID
}

/// `name` as an SQL identifier.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The table that a load fills which is put in its place at its end. Each pipeline has its own, so that a broken load of
/// one is not taken for another's.
pub(super) fn beside(pipeline: &str, resource: &str) -> String {
    format!("_sanderling_new:{}:{resource}", file_name::encode(pipeline))
}

fn key_index(table: &str) -> String {
    format!("_sanderling_key:{table}")
}

/// Refuses a table, view or index of that name which was not made here, and a name that differs in case only.
pub(super) fn check_ours(
    conn: &Connection,
    path: &Path,
    resource: &str,
    wanted: &str,
) -> Result<(), DestinationError> {
    let sort = |cause| failure::sort(path, cause);
    let mut found = conn
        .prepare_cached("SELECT name, type FROM sqlite_master WHERE name = ?1 COLLATE NOCASE")
        .map_err(sort)?;
    let found: Option<(String, String)> =
        found.query_row([wanted], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(sort)?;
    let Some((name, kind)) = found else { return Ok(()) };
    let columns = columns(conn, &name).map_err(sort)?;
    if kind != "table" || !columns.iter().any(|column| column == LOAD_ID) {
        return Err(DestinationError::NotOurs {
            name: format!("{kind} `{name}` in {}", path.display()),
            reason: format!("it was not made by this program: it has no column `{LOAD_ID}`"),
        });
    }
    if name != wanted {
        let reason = format!("it differs from table `{name}` in case only");
        return Err(DestinationError::Name(NameError { resource: resource.to_owned(), reason }));
    }
    Ok(())
}

/// The columns of table `name`, with the key index made or taken away as its disposition wants.
pub(super) fn read(
    conn: &Connection,
    path: &Path,
    table: &Table,
    name: &str,
) -> Result<Shape, DestinationError> {
    let sort = |cause| failure::sort(path, cause);
    let mut shape = Shape::new(columns(conn, name).map_err(sort)?, false);
    if shape.place(LOADED_AT, 0).is_none() {
        add_column(conn, name, LOADED_AT).map_err(sort)?;
        shape = Shape::new(columns(conn, name).map_err(sort)?, false);
    }
    if name != table.name {
        return Ok(shape);
    }
    let index = key_index(&table.name);
    let indexed = names(conn, "SELECT name FROM pragma_index_info(?1)", &index).map_err(sort)?;
    shape.keyed = table.is_keyed() && indexed == table.primary_key;
    if !shape.keyed {
        conn.execute_batch(&format!("DROP INDEX IF EXISTS {}", quote(&index))).map_err(sort)?;
    }
    Ok(shape)
}

/// Whether the rows that are there were merged by another primary key than the table's.
pub(super) fn has_other_key(conn: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let indexed = names(conn, "SELECT name FROM pragma_index_info(?1)", &key_index(&table.name))?;
    Ok(!indexed.is_empty() && indexed != table.primary_key)
}

/// Makes the unique index over the primary key, whose columns are all there.
pub(super) fn make_key(conn: &Connection, path: &Path, table: &Table) -> Result<(), DestinationError> {
    let columns = list(&table.primary_key);
    let (index, name) = (quote(&key_index(&table.name)), quote(&table.name));
    conn.execute_batch(&format!("CREATE UNIQUE INDEX {index} ON {name} ({columns})")).map_err(|cause| {
        if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
            let kind = DataErrorKind::ExistingDuplicates { columns: table.primary_key.clone() };
            return DestinationError::data(&table.resource, None, kind);
        }
        failure::sort(path, cause)
    })
}

/// Quoted names with commas between them.
pub(super) fn list(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

pub(super) fn create_if_missing(conn: &Connection, name: &str, columns: &[String]) -> rusqlite::Result<()> {
    let columns: String = columns.iter().map(|column| format!("{}, ", quote(column))).collect();
    conn.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {} ({columns}{LOADED_AT}, {LOAD_ID})",
        quote(name)
    ))
}

/// Makes the empty, bare table `name` anew with `columns` in front of the system's, where a person wants them.
pub(super) fn recreate(conn: &Connection, name: &str, columns: &[String]) -> rusqlite::Result<Shape> {
    drop_table(conn, name)?;
    create_if_missing(conn, name, columns)?;
    Ok(Shape::new(self::columns(conn, name)?, false))
}

pub(super) fn add_column(conn: &Connection, name: &str, column: &str) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {}", quote(name), quote(column)))
}

/// Adds the declared columns that table `name` lacks, and returns them.
pub(super) fn declare(
    conn: &Connection,
    path: &Path,
    table: &Table,
    name: &str,
    shape: &mut Shape,
) -> Result<Vec<String>, DestinationError> {
    let known = shape.columns.len();
    for column in &table.columns {
        let kind = match shape.place(&column.name, known) {
            Some(_) if is_system(&column.name) => {
                Err(DataErrorKind::ReservedField { field: column.name.clone() })
            }
            Some(_) => Ok(()),
            None => shape.add(&column.name).map(drop),
        };
        kind.map_err(|kind| DestinationError::data(&table.resource, None, kind))?;
    }
    let new = shape.columns.get(known..).unwrap_or_default().to_vec();
    new.iter()
        .try_for_each(|column| add_column(conn, name, column))
        .map_err(|cause| failure::sort(path, cause))?;
    Ok(new)
}

pub(super) fn exists(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")?.exists([name])
}

pub(super) fn is_empty(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    Ok(!conn.prepare(&format!("SELECT 1 FROM {} LIMIT 1", quote(name)))?.exists([])?)
}

pub(super) fn drop_table(conn: &Connection, name: &str) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("DROP TABLE IF EXISTS {}", quote(name)))
}

/// Deletes the rows of one load, if the table is there.
pub(super) fn delete_load(conn: &Connection, name: &str, load_id: &str) -> rusqlite::Result<()> {
    if exists(conn, name)? {
        conn.execute(&format!("DELETE FROM {} WHERE {LOAD_ID} = ?1", quote(name)), [load_id])?;
    }
    Ok(())
}

/// Puts table `new` in the place of table `name`. A load that brought no row leaves the old columns, without rows.
pub(super) fn swap(conn: &Connection, new: &str, name: &str) -> rusqlite::Result<()> {
    if is_empty(conn, new)? && exists(conn, name)? {
        conn.execute_batch(&format!("DELETE FROM {}", quote(name)))?;
        return drop_table(conn, new);
    }
    let extras = names(
        conn,
        "SELECT sql FROM sqlite_master WHERE tbl_name = ?1 AND type IN ('index', 'trigger') AND sql IS NOT NULL
         AND name NOT GLOB '_sanderling_key:*'",
        name,
    )?;
    drop_table(conn, name)?;
    conn.execute_batch(&format!("ALTER TABLE {} RENAME TO {}", quote(new), quote(name)))?;
    for extra in extras {
        // A user's own index or trigger. One that names a column the API no longer sends cannot be kept, and is no reason
        // to refuse the rows.
        let _ = conn.execute_batch(&extra);
    }
    Ok(())
}

pub(super) fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    names(conn, "SELECT name FROM pragma_table_info(?1) ORDER BY cid", table)
}

fn names(conn: &Connection, sql: &str, argument: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare_cached(sql)?.query_map([argument], |row| row.get(0))?.collect()
}
