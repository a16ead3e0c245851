//! How rows that were gathered beside tables take their place, as text of SQL.

use sanderling_columns::{Column, ColumnType, Role, SystemNames, TableSchema};

use super::dialect::{Dialect, list, quoted};
use super::session::{Change, Statement, TableName};
use crate::table::DedupSort;

/// The column of a gathering table that numbers a load's rows, from 0.
pub(super) const ROW: &str = "_sanderling_row";
/// Of a gathering table whose rows belong to several parents: a digest of the row's key, and the parent.
pub(super) const KEY: &str = "_sanderling_key";
pub(super) const PARTITION: &str = "_sanderling_partition";

/// A table, and the one beside it in which its rows are gathered.
pub(super) struct Gathered<'a> {
    pub(super) table: &'a TableSchema,
    pub(super) name: TableName,
    pub(super) beside: TableName,
}

/// What a merge goes by, as columns.
pub(super) struct Keys<'a> {
    pub(super) primary: Vec<&'a str>,
    pub(super) merge: Vec<&'a str>,
    pub(super) dedup_sort: Option<(&'a Column, &'a DedupSort)>,
    /// The field's own column, and its variants.
    pub(super) hard_delete: Vec<&'a Column>,
}

/// All rows give way to the new ones. The table stays, with what a person has hung on it.
pub(super) fn replace(dialect: Dialect, gathered: &Gathered) -> Vec<Statement> {
    let sql = format!("DELETE FROM {} WHERE 1 = 1", dialect.table(&gathered.name));
    vec![
        Statement::Change(Change::of(&gathered.name, sql)),
        added(dialect, std::slice::from_ref(gathered), gathered, ""),
    ]
}

/// The table gives way to the one in which the new rows were gathered.
pub(super) fn swap(dialect: Dialect, gathered: &Gathered) -> Vec<Statement> {
    let beside = dialect.table(&gathered.beside);
    [
        format!("DROP TABLE {}", dialect.table(&gathered.name)),
        format!("ALTER TABLE {beside} DROP COLUMN {}", quoted(ROW)),
        format!("ALTER TABLE {beside} RENAME TO {}", quoted(&gathered.name.name)),
    ]
    .map(Statement::Definition)
    .into()
}

/// dlt's `delete-insert`: what has the primary key of a new row goes, and what has the merge key of one, each with its
/// rows in other tables; of the new rows of one primary key one stays, and none that is deleted.
pub(super) fn delete_insert(
    dialect: Dialect,
    tables: &[Gathered],
    keys: &Keys,
    load_id: &str,
) -> Vec<Statement> {
    let Some((root, children)) = tables.split_first() else { return Vec::new() };
    let (name, beside) = (dialect.table(&root.name), dialect.table(&root.beside));
    let mut statements = Vec::new();
    for key in [&keys.primary, &keys.merge].into_iter().filter(|key| !key.is_empty()) {
        let given = format!("WHERE {}", dialect.among(key, &quoted(&root.name.name), &beside));
        for child in children {
            let ids = format!("SELECT {} FROM {name} {given}", added_as(root.table, Role::RowId));
            let sql = format!(
                "DELETE FROM {} WHERE {} IN ({ids})",
                dialect.table(&child.name),
                added_as(child.table, Role::RootId)
            );
            statements.push(change(tables, &child.name, sql));
        }
        statements.push(change(tables, &root.name, format!("DELETE FROM {name} {given}")));
    }
    let stays = stays(dialect, keys, &keys.primary, &beside);
    let stays = if stays.is_empty() { String::new() } else { format!(" WHERE {stays}") };
    statements.push(added(dialect, tables, root, &stays));
    statements.extend(children_added(dialect, tables, load_id));
    statements
}

/// dlt's `insert-only`: of the new rows, of which one a primary key counts, those whose key is not there yet are added.
pub(super) fn insert_only(
    dialect: Dialect,
    tables: &[Gathered],
    keys: &Keys,
    load_id: &str,
) -> Vec<Statement> {
    let Some(root) = tables.first() else { return Vec::new() };
    let stays = stays(dialect, keys, &keys.primary, &dialect.table(&root.beside));
    let is_new = missing(dialect, &keys.primary, &quoted(&root.beside.name), &root.name, "");
    let stays = if stays.is_empty() { is_new } else { format!("{stays} AND {is_new}") };
    let mut statements = vec![added(dialect, tables, root, &format!(" WHERE {stays}"))];
    statements.extend(children_added(dialect, tables, load_id));
    statements
}

/// Of gathered rows, those that stay: one of each `one_of`, and none that is deleted. Empty: all.
pub(super) fn stays(dialect: Dialect, keys: &Keys, one_of: &[&str], beside: &str) -> String {
    let mut stays: Vec<String> = keys.hard_delete.iter().map(|column| is_kept(column)).collect();
    if !one_of.is_empty() {
        let order = keys.dedup_sort.map(|(column, sort)| {
            let column = dialect.sorted_by(&column.name, &column.data_type);
            format!("{column} IS NULL, {column} {}, ", if sort.greatest { "DESC" } else { "ASC" })
        });
        stays.push(format!(
            "{} IN (SELECT {} FROM (SELECT {}, row_number() OVER (PARTITION BY {} ORDER BY {}{} DESC) AS place_of_key \
             FROM {beside}) AS ranked WHERE place_of_key = 1)",
            quoted(ROW),
            quoted(ROW),
            quoted(ROW),
            list(one_of.iter().copied()),
            order.unwrap_or_default(),
            quoted(ROW),
        ));
    }
    stays.join(" AND ")
}

/// The rows in other tables of those that a load has added.
fn children_added(dialect: Dialect, tables: &[Gathered], load_id: &str) -> Vec<Statement> {
    let Some((root, children)) = tables.split_first() else { return Vec::new() };
    let ids = format!(
        "SELECT {} FROM {} WHERE {} = {}",
        added_as(root.table, Role::RowId),
        dialect.table(&root.name),
        added_as(root.table, Role::LoadId),
        literal(load_id)
    );
    let given = |child: &Gathered| format!(" WHERE {} IN ({ids})", added_as(child.table, Role::RootId));
    children.iter().map(|child| added(dialect, tables, child, &given(child))).collect()
}

/// Whether a row of `of`, a table as the statement has it, has a key that no row of table `among` for which `given` holds
/// has. (SQLite looks a list up by an index that it makes for it; others make a plan for `EXISTS` alone that does not go
/// through the list for each row.)
pub(super) fn missing(dialect: Dialect, key: &[&str], of: &str, among: &TableName, given: &str) -> String {
    let table = dialect.table(among);
    let mut all: Vec<String> = Vec::new();
    if !given.is_empty() {
        all.push(given.to_owned());
    }
    if dialect == Dialect::Sqlite {
        // A null in a list makes it say nothing of what is not in it.
        all.extend(key.iter().map(|column| format!("{} IS NOT NULL", quoted(column))));
        let key = list(key.iter().copied());
        return format!("({key}) NOT IN (SELECT {key} FROM {table} WHERE {})", all.join(" AND "));
    }
    all.extend(key.iter().map(|column| format!("other.{0} = {of}.{0}", quoted(column))));
    format!("NOT EXISTS (SELECT 1 FROM {table} AS other WHERE {})", all.join(" AND "))
}

/// What takes back the rows that a load has added: to a resource's own table, which is the first, and to those of its lists.
pub(super) fn delete_load(
    dialect: Dialect,
    tables: &[(TableName, &TableSchema)],
    load_id: &str,
) -> Vec<Statement> {
    let Some(((root_name, root), children)) = tables.split_first() else { return Vec::new() };
    let name = dialect.table(root_name);
    let given = format!("WHERE {} = {}", added_as(root, Role::LoadId), literal(load_id));
    let mut statements: Vec<Statement> = children
        .iter()
        .map(|(child, of)| {
            let ids = format!("SELECT {} FROM {name} {given}", added_as(root, Role::RowId));
            let sql = format!(
                "DELETE FROM {} WHERE {} IN ({ids})",
                dialect.table(child),
                added_as(of, Role::RootId)
            );
            Statement::Change(Change::of(child, sql).reading([root_name.clone()]))
        })
        .collect();
    statements.push(Statement::Change(Change::of(root_name, format!("DELETE FROM {name} {given}"))));
    statements
}

/// A change of the rows of `of` by what any of `tables` holds.
pub(super) fn change(tables: &[Gathered], of: &TableName, sql: String) -> Statement {
    let both = |gathered: &Gathered| [gathered.name.clone(), gathered.beside.clone()];
    Statement::Change(Change::of(of, sql).reading(tables.iter().flat_map(both)))
}

fn added(dialect: Dialect, tables: &[Gathered], gathered: &Gathered, given: &str) -> Statement {
    let columns = list(gathered.table.columns.iter().map(|column| column.name.as_str()));
    let sql = format!(
        "INSERT INTO {} ({columns}) SELECT {columns} FROM {}{given} ORDER BY {}",
        dialect.table(&gathered.name),
        dialect.table(&gathered.beside),
        quoted(ROW)
    );
    change(tables, &gathered.name, sql)
}

/// As [`crate::merge::is_deleted`] has it, by a column's type.
fn is_kept(column: &Column) -> String {
    let name = quoted(&column.name);
    match column.data_type {
        ColumnType::Bool => format!("({name} IS NULL OR NOT {name})"),
        ColumnType::Int64 | ColumnType::Double | ColumnType::Decimal { .. } => {
            format!("({name} IS NULL OR {name} = 0)")
        }
        ColumnType::Text => format!("({name} IS NULL OR lower({name}) = 'false')"),
        _ => format!("{name} IS NULL"),
    }
}

/// The column that was added to a table for `role`, whichever names it was made with.
pub(super) fn system(table: &TableSchema, role: Role) -> &str {
    let column = table.columns.iter().find(|column| column.role == role);
    column.map_or_else(|| SystemNames::Ours.name(role).unwrap_or_default(), |column| &column.name)
}

fn added_as(table: &TableSchema, role: Role) -> String {
    quoted(system(table, role))
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
