//! One page of rows into a table, columns learnt as they come.

use std::borrow::Cow;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use super::failure;
use super::parents::Parents;
use super::schema::{self, LOAD_ID, LOADED_AT, MAX_COLUMNS, Shape};
use crate::error::{DataErrorKind, DestinationError};
use crate::table::{Rows, Table, Way, Written};
use crate::value::Value;
use crate::{column, fields, key, rows, timestamp};

/// What to write, and where.
pub(super) struct Page<'p> {
    pub(super) table: &'p Table,
    /// The table in the database: the resource's, or the one beside it.
    pub(super) name: &'p str,
    pub(super) rows: &'p Rows<'p>,
    pub(super) pipeline: &'p str,
}

/// Writes the page and returns the table's shape after it. On an error the caller rolls back.
pub(super) fn write(
    conn: &Connection,
    path: &Path,
    page: &Page,
    mut shape: Shape,
) -> Result<(Written, Shape), DestinationError> {
    let sort = |cause| failure::sort(path, cause);
    let Page { table, name, rows, .. } = *page;
    let mut written = Written { rows: rows.count, new_columns: Vec::new() };
    let mut lines = rows::lines(&table.resource, rows)?.peekable();

    if let Some((_, first)) = lines.peek()
        && shape.is_bare()
        && schema::is_empty(conn, name).map_err(sort)?
    {
        shape = schema::recreate(conn, name, &plain_columns(first)).map_err(sort)?;
    }
    if !shape.declared {
        written.new_columns = schema::declare(conn, path, table, name, &mut shape)?;
        shape.declared = true;
    }
    let declared: Vec<Option<usize>> =
        table.columns.iter().map(|column| shape.place(&column.name, 0)).collect();

    let loaded_at = timestamp::iso8601(rows.loaded_at_ms);
    let mut parents = match rows.partition_key {
        Some(partition) if table.guards_parents() => Some((Parents::open(conn).map_err(sort)?, partition)),
        _ => None,
    };
    let mut insert: Option<Insert> = None;
    let mut fields = Vec::new();
    for (index, line) in lines {
        let refuse = |kind| DestinationError::data(&table.resource, Some(index), kind);
        let known = shape.columns.len();
        find_fields(line, &mut shape, &mut fields).map_err(refuse)?;
        if let Some(new @ [_, ..]) = shape.columns.get(known..) {
            for column in new {
                schema::add_column(conn, name, column).map_err(sort)?;
            }
            written.new_columns.extend_from_slice(new);
            insert = None;
        }
        let check_columns = || {
            column::check(&table.columns, |at| {
                let place = declared.get(at).copied().flatten();
                fields.iter().find(|(other, _)| Some(*other) == place).map(|(_, json)| *json)
            })
        };
        let values = key_values(table, &shape, &fields).map_err(refuse)?;
        check_columns().map_err(refuse)?;
        if table.is_keyed() {
            if !shape.keyed && table.way() == Way::Upsert {
                schema::make_key(conn, path, table)?;
                shape.keyed = true;
            }
            if let Some((parents, partition)) = &mut parents {
                let key = key::comparable(&values);
                let other = parents.claim(page.pipeline, &table.resource, &key, partition).map_err(sort)?;
                if let Some(first_partition) = other {
                    return Err(refuse(DataErrorKind::DuplicateAcrossParents {
                        columns: table.primary_key.clone(),
                        key: values.iter().map(|&json| json.to_owned()).collect(),
                        first_partition,
                        second_partition: (*partition).to_owned(),
                    }));
                }
            }
        }
        let insert = match &mut insert {
            Some(insert) => insert,
            none => none.insert(Insert::prepare(conn, page, &shape).map_err(sort)?),
        };
        insert.row(&fields, &loaded_at, rows.load_id).map_err(sort)?;
    }
    drop((insert, parents));
    Ok((written, shape))
}

/// A field of a row: its column's place, and its JSON.
type Field<'a> = (usize, &'a str);

/// Puts the fields of `line` into `found`, and columns that are not there yet into `shape`.
fn find_fields<'a>(
    line: &'a str,
    shape: &mut Shape,
    found: &mut Vec<Field<'a>>,
) -> Result<(), DataErrorKind> {
    found.clear();
    // Rows tend to have the same fields in the same order, so the next field is probably the next column.
    let mut guess = 0;
    let mut in_order = true;
    fields::for_each(line, |name, json| {
        let place = match shape.place(&name, guess) {
            Some(_) if schema::is_system(&name) => {
                return Err(DataErrorKind::ReservedField { field: name.into_owned() });
            }
            Some(place) => place,
            None => shape.add(&name)?,
        };
        // Fields whose columns rise cannot hold one twice; only after a step back must they be compared.
        in_order &= place >= guess;
        if !in_order && found.iter().any(|(other, _)| *other == place) {
            return Err(DataErrorKind::FieldTwice { field: name.into_owned() });
        }
        guess = place + 1;
        found.push((place, json));
        Ok(())
    })
}

/// The columns that a first row brings. What is wrong with it is left to be found where it is written.
fn plain_columns(line: &str) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let _ = fields::for_each(line, |name: Cow<str>, _| {
        let known = columns.iter().any(|column| column.eq_ignore_ascii_case(&name));
        let reserved = [LOADED_AT, LOAD_ID].iter().any(|system| system.eq_ignore_ascii_case(&name));
        if !known && !reserved && !name.contains('\0') && columns.len() + 2 < MAX_COLUMNS {
            columns.push(name.into_owned());
        }
        Ok(())
    });
    columns
}

fn key_values<'a>(table: &Table, shape: &Shape, fields: &[Field<'a>]) -> Result<Vec<&'a str>, DataErrorKind> {
    let json_of = |column: &String| {
        let place = shape.place(column, 0)?;
        fields.iter().find(|(other, _)| *other == place).map(|(_, json)| *json)
    };
    let key = table.primary_key.iter().map(|column| key::require(column, json_of(column))).collect();
    table.merge_key.iter().try_for_each(|column| key::require_to_merge(column, json_of(column))).and(key)
}

/// The statement that writes one row: every column of the table, so that one that the row lacks becomes NULL.
struct Insert<'c> {
    statement: CachedStatement<'c>,
    columns: usize,
    // 1-based, as SQLite counts parameters.
    loaded_at: usize,
    load_id: usize,
    system_bound: bool,
}

impl<'c> Insert<'c> {
    fn prepare(conn: &'c Connection, page: &Page, shape: &Shape) -> rusqlite::Result<Self> {
        let columns = shape.columns.len();
        let values: Vec<_> = (1..=columns).map(|number| format!("?{number}")).collect();
        let mut sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            schema::quote(page.name),
            schema::list(&shape.columns),
            values.join(", ")
        );
        if page.table.way() == Way::Upsert {
            let key = &page.table.primary_key;
            let updates: Vec<_> = shape
                .columns
                .iter()
                .filter(|column| !key.contains(column))
                .map(|column| schema::quote(column))
                .map(|column| format!("{column} = excluded.{column}"))
                .collect();
            sql += &format!(" ON CONFLICT ({}) DO UPDATE SET {}", schema::list(key), updates.join(", "));
        }
        let place = |column| shape.place(column, 0).map_or(0, |place| place + 1);
        Ok(Self {
            statement: conn.prepare_cached(&sql)?,
            columns,
            loaded_at: place(LOADED_AT),
            load_id: place(LOAD_ID),
            system_bound: false,
        })
    }

    fn row(&mut self, fields: &[Field], loaded_at: &str, load_id: &str) -> rusqlite::Result<()> {
        // Bindings outlive a row: those of a column that this one lacks would be the last row's.
        if fields.len() + 2 < self.columns {
            self.statement.clear_bindings();
            self.system_bound = false;
        }
        if !self.system_bound {
            self.statement.raw_bind_parameter(self.loaded_at, loaded_at)?;
            self.statement.raw_bind_parameter(self.load_id, load_id)?;
            self.system_bound = true;
        }
        for (place, json) in fields {
            self.statement.raw_bind_parameter(place + 1, Value::of(json))?;
        }
        self.statement.raw_execute()?;
        Ok(())
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
