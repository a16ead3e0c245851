//! Tables and columns: making them, growing them.

use std::collections::{HashMap, HashSet};

use sanderling_columns::{Column, ColumnType, TableSchema};

use super::dialect::{Dialect, list, quoted};
use super::page::{Extra, Holds};
use super::session::{Session, SqlError, TableName};

/// The columns that tables are known to have, so that a page need not ask.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<TableName, HashSet<String>>);

impl Known {
    /// Makes the table if it is not there, and adds the columns that it lacks.
    pub(super) fn grow(
        &mut self,
        session: &mut Session,
        name: &TableName,
        table: &TableSchema,
        extra: &[Extra],
    ) -> Result<(), SqlError> {
        let dialect = session.dialect();
        if self.columns(session, name)?.is_none() {
            let mut columns = columns_of(dialect, table);
            columns.extend(extra.iter().map(|column| {
                let kind = match column.holds {
                    Holds::Text => dialect.text(),
                    Holds::Number => dialect.integer(),
                    Holds::RowNumber => dialect.row_number(),
                };
                (column.name, kind.to_owned())
            }));
            return self.make(session, name, &columns);
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
        known.extend(added);
        Ok(())
    }

    /// Adds the columns of times that a table lacks.
    pub(super) fn grow_moments(
        &mut self,
        session: &mut Session,
        name: &TableName,
        columns: &[&str],
    ) -> Result<(), SqlError> {
        let dialect = session.dialect();
        let kind = dialect.column_type(&ColumnType::Timestamp { utc: true });
        for column in columns {
            if self.columns(session, name)?.is_none_or(|known| known.contains(*column)) {
                continue;
            }
            let (table, quoted) = (dialect.table(name), quoted(column));
            session.batch(&format!("ALTER TABLE {table} ADD COLUMN {quoted} {kind}"))?;
            self.0.entry(name.clone()).or_default().insert((*column).to_owned());
        }
        Ok(())
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

    /// A table was changed by other means: what is known of it may not be so.
    pub(super) fn forget_table(&mut self, name: &TableName) {
        self.0.remove(name);
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
        session.batch(&creation(session.dialect(), name, columns))?;
        let names = columns.iter().map(|(column, _)| (*column).to_owned()).collect();
        self.0.insert(name.clone(), names);
        Ok(())
    }
}

/// The columns of a table, each with its type.
pub(super) fn columns_of(dialect: Dialect, table: &TableSchema) -> Vec<(&str, String)> {
    let typed = |column: &'_ Column| dialect.column_type(&column.data_type);
    table.columns.iter().map(|column| (column.name.as_str(), typed(column))).collect()
}

/// The statement that makes a table.
pub(super) fn creation(dialect: Dialect, name: &TableName, columns: &[(&str, String)]) -> String {
    let defined: Vec<String> =
        columns.iter().map(|(column, kind)| format!("\n  {} {kind}", quoted(column))).collect();
    format!("CREATE TABLE {} ({}\n)", dialect.table(name), defined.join(","))
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
