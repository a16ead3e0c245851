//! How versions of rows are kept (dlt's `scd2`), as text of SQL.

use sanderling_columns::{Role, SystemNames};

use super::dialect::{Dialect, list, quoted};
use super::session::Statement;
use super::statements::{Gathered, Keys, ROW, change, missing, stays, system};
use crate::strategy::History;

/// From when to when versions hold.
pub(super) struct Times<'a> {
    pub(super) history: &'a History,
    pub(super) system: SystemNames,
    /// Microseconds since 1970: when the load's pass began.
    pub(super) now: i64,
}

/// Ends the versions that a load has not brought again, and adds those that are new. What it did not bring at all has ended
/// if it was `whole` and there is no merge key; else only rows end of which another version came, by merge key or primary
/// key. A version is named by what it holds, and so are its rows in other tables: those of one that was there before are
/// still there.
pub(super) fn versions(
    dialect: Dialect,
    tables: &[Gathered],
    keys: &Keys,
    times: &Times,
    whole: bool,
) -> Vec<Statement> {
    let Some((root, children)) = tables.split_first() else { return Vec::new() };
    let id = system(root.table, Role::RowId);
    if root.table.column(id).is_none() {
        // No row has ever come.
        return Vec::new();
    }
    let (name, beside) = (dialect.table(&root.name), dialect.table(&root.beside));
    let (from, to) = times.history.columns(times.system);
    let (from, to) = (quoted(from), quoted(to));
    let boundary = dialect.moment(times.history.boundary_micros.unwrap_or(times.now));
    let end = times.history.active_micros.map(|micros| dialect.moment(micros));
    let holds = match &end {
        None => format!("{to} IS NULL"),
        Some(end) => format!("({to} IS NULL OR {to} = {end})"),
    };
    let (own, row) = (quoted(&root.name.name), quoted(ROW));
    let one_of = if keys.primary.is_empty() { &[id][..] } else { &keys.primary };
    let stays = stays(dialect, keys, one_of, &beside);
    let came = |key: &[&str]| format!(" AND NOT {}", missing(dialect, key, &own, &root.beside, ""));
    let scope = match (keys.merge.is_empty(), keys.primary.is_empty()) {
        (false, _) => Some(came(&keys.merge)),
        (true, _) if whole => Some(String::new()),
        (true, false) => Some(came(&keys.primary)),
        (true, true) => None,
    };
    let id = quoted(id);
    // Of several versions that one load brings of a row, one counts. The others are of no name from here on.
    let unnamed = format!("UPDATE {beside} SET {id} = '' WHERE NOT ({stays})");
    let mut statements = vec![change(tables, &root.beside, unnamed)];
    if let Some(scope) = scope {
        let is_gone = missing(dialect, &[system(root.table, Role::RowId)], &own, &root.beside, "");
        let sql = format!(
            "UPDATE {name} SET {to} = {boundary} WHERE {holds} AND ({id} IS NULL OR {is_gone}){scope}"
        );
        statements.push(change(tables, &root.name, sql));
    }
    for child in children {
        let columns = list(child.table.columns.iter().map(|column| column.name.as_str()));
        let child_id = quoted(system(child.table, Role::RowId));
        let is_new = missing(dialect, &[system(child.table, Role::RowId)], "ranked", &child.name, "");
        let sql = format!(
            "INSERT INTO {} ({columns}) SELECT {columns} FROM \
             (SELECT *, row_number() OVER (PARTITION BY {child_id} ORDER BY {row}) AS place_of_key FROM {}) AS ranked \
             WHERE place_of_key = 1 AND {} IN (SELECT {id} FROM {beside}) AND {is_new} ORDER BY {row}",
            dialect.table(&child.name),
            dialect.table(&child.beside),
            quoted(system(child.table, Role::RootId)),
        );
        statements.push(change(tables, &child.name, sql));
    }
    let columns = list(root.table.columns.iter().map(|column| column.name.as_str()));
    let end = end.as_deref().unwrap_or("NULL");
    let is_new =
        missing(dialect, &[system(root.table, Role::RowId)], &quoted(&root.beside.name), &root.name, &holds);
    let sql = format!(
        "INSERT INTO {name} ({columns}, {from}, {to}) SELECT {columns}, {boundary}, {end} FROM {beside} \
         WHERE {id} <> '' AND {is_new} ORDER BY {row}"
    );
    statements.push(change(tables, &root.name, sql));
    statements
}
