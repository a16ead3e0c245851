//! Tables and columns: making them, growing them.

use std::collections::{HashMap, HashSet};

use sanderling_columns::{Column, ColumnType, Role, TableSchema};

use super::dialect::{list, quoted};
use super::page::Extra;
use super::session::{Session, SqlError, TableName};
use super::statements::system;

/// The columns that tables are known to have, so that a page need not ask.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<TableName, HashSet<String>>);

impl Known {
    /// Makes the table if it is not there, and adds the columns that it lacks. What was added to a table that was there.
    pub(super) fn grow(
        &mut self,
        session: &mut Session,
        name: &TableName,
        table: &TableSchema,
        extra: &[Extra],
    ) -> Result<Vec<String>, SqlError> {
        let dialect = session.dialect();
        if self.columns(session, name)?.is_none() {
            let columns = table.columns.iter();
            let mut columns: Vec<(&str, String)> = columns
                .map(|column| (column.name.as_str(), dialect.column_type(&column.data_type)))
                .collect();
            columns.extend(extra.iter().map(|column| {
                let kind = if column.is_text { dialect.text() } else { dialect.integer() };
                (column.name, kind.to_owned())
            }));
            self.make(session, name, &columns)?;
            return Ok(Vec::new());
        }
        let known = self.0.entry(name.clone()).or_default();
        let mut added = Vec::new();
        for column in table.columns.iter().filter(|column| !known.contains(&column.name)) {
            session.batch(&format!(
                "ALTER TABLE {} ADD COLUMN {} {}",
                dialect.table(name),
                quoted(&column.name),
                dialect.column_type(&column.data_type)
            ))?;
            added.push(column.name.clone());
        }
        known.extend(added.iter().cloned());
        Ok(added)
    }

    /// Takes table `name` away, if it is there.
    pub(super) fn drop(&mut self, session: &mut Session, name: &TableName) -> Result<(), SqlError> {
        self.0.remove(name);
        session.batch(&format!("DROP TABLE IF EXISTS {}", session.dialect().table(name)))
    }

    /// The names of a table's columns; none if it is not there.
    pub(super) fn columns(
        &mut self,
        session: &mut Session,
        name: &TableName,
    ) -> Result<Option<&HashSet<String>>, SqlError> {
        if !self.0.contains_key(name) {
            let Some(columns) = session.columns(name)? else { return Ok(None) };
            self.0.insert(name.clone(), columns.into_iter().map(|(column, _)| column).collect());
        }
        Ok(self.0.get(name))
    }

    /// Something was taken back: what is known may not be so.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn make(
        &mut self,
        session: &mut Session,
        name: &TableName,
        columns: &[(&str, String)],
    ) -> Result<(), SqlError> {
        if self.columns(session, name)?.is_some() {
            return Ok(());
        }
        let defined: Vec<String> =
            columns.iter().map(|(column, kind)| format!("{} {kind}", quoted(column))).collect();
        session.batch(&format!("CREATE TABLE {} ({})", session.dialect().table(name), defined.join(", ")))?;
        let names = columns.iter().map(|(column, _)| (*column).to_owned()).collect();
        self.0.insert(name.clone(), names);
        Ok(())
    }
}

/// A table of which no row has come yet: the columns that every resource's own table gets.
pub(super) fn bare(name: &str) -> TableSchema {
    let column = |role, data_type| Column {
        name: system(role).to_owned(),
        field: String::new(),
        data_type,
        nullable: true,
        role,
    };
    TableSchema {
        name: name.to_owned(),
        parent: None,
        field: String::new(),
        columns: vec![
            column(Role::LoadedAt, ColumnType::Timestamp { utc: true }),
            column(Role::LoadId, ColumnType::Text),
        ],
        settled: false,
    }
}

/// How many values the columns have together; rows with null in one do not count.
pub(super) fn count_distinct(
    session: &mut Session,
    name: &TableName,
    columns: &[&str],
) -> Result<u64, SqlError> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT DISTINCT {} FROM {}) AS keys",
        list(columns.iter().copied()),
        session.dialect().table(name)
    );
    let rows = session.query(&sql, &[])?;
    Ok(match rows.first().and_then(|row| row.first()) {
        Some(super::session::Scalar::Int(count)) => count.unsigned_abs(),
        _ => 0,
    })
}
