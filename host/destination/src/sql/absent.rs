//! How rows that a whole read did not bring are counted and taken away, as text of SQL.

use sanderling_columns::Role;

use super::dialect::{Dialect, quoted};
use super::session::{Scalar, Session, SqlError, Statement, TableName};
use super::statements::{Gathered, Keys, change, missing, system};
use crate::strategy::{Absent, DELETED_AT, DeleteAbsent};

/// Of the rows of a table that are not marked, how many have a primary key that was not gathered (`beside`: none was).
pub(super) fn count(
    session: &mut Session,
    name: &TableName,
    beside: Option<&TableName>,
    key: &[&str],
    is_marked: bool,
) -> Result<Absent, SqlError> {
    let dialect = session.dialect();
    let table = dialect.table(name);
    let is_there = if is_marked { format!("{} IS NULL", quoted(DELETED_AT)) } else { "1 = 1".to_owned() };
    let mut number = |sql: &str| -> Result<u64, SqlError> {
        let tables: Vec<&TableName> = [name].into_iter().chain(beside).collect();
        let rows = session.query(&tables, sql, &[])?;
        Ok(match rows.first().and_then(|row| row.first()) {
            Some(Scalar::Int(count)) => count.unsigned_abs(),
            _ => 0,
        })
    };
    let rows = number(&format!("SELECT count(*) FROM {table} WHERE {is_there}"))?;
    let absent = match beside {
        None => rows,
        Some(beside) => {
            let missing = missing(dialect, key, &quoted(&name.name), beside, "");
            number(&format!("SELECT count(*) FROM {table} WHERE {is_there} AND {missing}"))?
        }
    };
    Ok(Absent { absent, rows })
}

/// Deletes those rows, with their rows in other tables, or marks them as missed at `now`. A marked row that has come again
/// is as any other.
pub(super) fn taken_away(
    dialect: Dialect,
    tables: &[Gathered],
    keys: &Keys,
    absent: DeleteAbsent,
    now: i64,
) -> Vec<Statement> {
    let Some((root, children)) = tables.split_first() else { return Vec::new() };
    if keys.primary.is_empty() {
        return Vec::new();
    }
    let name = dialect.table(&root.name);
    let given = missing(dialect, &keys.primary, &quoted(&root.name.name), &root.beside, "");
    if absent.mark {
        let (mark, now) = (quoted(DELETED_AT), dialect.moment(now));
        return [
            format!("UPDATE {name} SET {mark} = NULL WHERE {mark} IS NOT NULL AND NOT {given}"),
            format!("UPDATE {name} SET {mark} = {now} WHERE {mark} IS NULL AND {given}"),
        ]
        .map(|sql| change(tables, &root.name, sql))
        .into();
    }
    let ids = format!("SELECT {} FROM {name} WHERE {given}", quoted(system(root.table, Role::RowId)));
    let mut statements: Vec<Statement> = children
        .iter()
        .map(|child| {
            let root_id = quoted(system(child.table, Role::RootId));
            let sql = format!("DELETE FROM {} WHERE {root_id} IN ({ids})", dialect.table(&child.name));
            change(tables, &child.name, sql)
        })
        .collect();
    statements.push(change(tables, &root.name, format!("DELETE FROM {name} WHERE {given}")));
    statements
}
