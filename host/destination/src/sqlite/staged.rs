//! dlt's `delete-insert`: rows gathered beside a table, then put in the place of those that they replace.

use std::path::Path;

use rusqlite::Connection;

use super::{failure, schema};
use crate::error::DestinationError;
use crate::table::Table;

/// Makes the table in which rows are gathered, with the columns that the rows' own table has by now: a field that would
/// clash with one of them is then refused with its row.
pub(super) fn create(conn: &Connection, table: &Table, staged: &str) -> rusqlite::Result<()> {
    schema::drop_table(conn, staged)?;
    let known = schema::columns(conn, &table.name)?;
    let known: Vec<String> = known.into_iter().filter(|column| !schema::is_system(column)).collect();
    schema::create_if_missing(conn, staged, &known)
}

/// Puts the rows of table `staged` in their place, and takes it away. What has the primary key of one of them goes, what
/// has the merge key of one of them goes; of the rows of one primary key one stays, and none that is deleted.
pub(super) fn merge(
    conn: &Connection,
    path: &Path,
    table: &Table,
    staged: &str,
) -> Result<(), DestinationError> {
    let sort = |cause| failure::sort(path, cause);
    let columns = schema::columns(conn, staged).map_err(sort)?;
    let own: Vec<String> = columns.iter().filter(|column| !schema::is_system(column)).cloned().collect();
    schema::create_if_missing(conn, &table.name, &own).map_err(sort)?;
    if schema::is_empty(conn, staged).map_err(sort)? {
        return schema::drop_table(conn, staged).map_err(sort);
    }
    let mut shape = schema::read(conn, path, table, &table.name)?;
    for column in &own {
        if shape.place(column, 0).is_none() {
            shape.add(column).map_err(|kind| DestinationError::data(&table.resource, None, kind))?;
            schema::add_column(conn, &table.name, column).map_err(sort)?;
        }
    }
    let statements = statements(table, staged, &columns);
    statements.iter().try_for_each(|sql| conn.execute_batch(sql)).map_err(sort)?;
    schema::drop_table(conn, staged).map_err(sort)
}

fn statements(table: &Table, staged: &str, columns: &[String]) -> Vec<String> {
    let (name, staged) = (schema::quote(&table.name), schema::quote(staged));
    let mut statements = Vec::new();
    for key in [&table.primary_key, &table.merge_key].into_iter().filter(|key| !key.is_empty()) {
        let key = schema::list(key);
        statements.push(format!("DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {staged})"));
    }
    // A field may have the name of one of them.
    let row = ["_rowid_", "rowid", "oid"]
        .into_iter()
        .find(|row| !columns.iter().any(|column| column.eq_ignore_ascii_case(row)))
        .unwrap_or("_rowid_");
    let mut stays = Vec::new();
    if !table.primary_key.is_empty() {
        let order = table.dedup_sort.as_ref().filter(|sort| columns.contains(&sort.field)).map(|sort| {
            let column = schema::quote(&sort.field);
            format!("{column} IS NULL, {column} {}, ", if sort.greatest { "DESC" } else { "ASC" })
        });
        stays.push(format!(
            "{row} IN (SELECT _row FROM (SELECT {row} AS _row, row_number() OVER (PARTITION BY {} ORDER BY {}{row} DESC)
             AS _place FROM {staged}) WHERE _place = 1)",
            schema::list(&table.primary_key),
            order.unwrap_or_default(),
        ));
    }
    if let Some(deleted) = table.hard_delete.as_ref().filter(|column| columns.contains(column)) {
        let deleted = schema::quote(deleted);
        stays.push(format!("({deleted} IS NULL OR {deleted} = 0 OR lower({deleted}) = 'false')"));
    }
    let stays = if stays.is_empty() { String::new() } else { format!(" WHERE {}", stays.join(" AND ")) };
    let columns = schema::list(columns);
    statements
        .push(format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {staged}{stays} ORDER BY {row}"));
    statements
}
