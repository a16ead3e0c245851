//! Tables and columns: making them, growing them.

use std::collections::{HashMap, HashSet};

use sanderling_columns::{Column, ColumnType, Nested, Step, TableSchema};

use super::dialect::{Dialect, list, quoted};
use super::page::{Extra, Holds};
use super::session::{Session, SqlError, TableName};

/// The columns that tables are known to have, so that a page need not ask: each with its type, as the database writes it or
/// as it was written when the column was made.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<TableName, Columns>);

/// Those of one table.
#[derive(Debug, Default)]
struct Columns {
    /// By name, the types.
    kinds: HashMap<String, String>,
    /// Fields of structs among them, as statements name them: those that this session has made, or found.
    fields: HashSet<String>,
}

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
            self.make(session, name, &columns)?;
            let fields = table.columns.iter().flat_map(|column| fields_of(dialect, column));
            self.0.entry(name.clone()).or_default().fields.extend(fields.map(|(field, _)| field));
            return Ok(());
        }
        let known = self.0.entry(name.clone()).or_default();
        let named = dialect.table(name);
        for column in &table.columns {
            if !known.kinds.contains_key(&column.name) {
                let kind = dialect.column_type(&column.data_type);
                session.define(&format!("ALTER TABLE {named} ADD COLUMN {} {kind}", quoted(&column.name)))?;
                known.kinds.insert(column.name.clone(), kind);
                known.fields.extend(fields_of(dialect, column).map(|(field, _)| field));
            }
            // Of a table that is found, which it has is not asked.
            for (field, kind) in fields_of(dialect, column) {
                if !known.fields.contains(&field) {
                    session
                        .define(&format!("ALTER TABLE {named} ADD COLUMN IF NOT EXISTS {field} {kind}"))?;
                    known.fields.insert(field);
                }
            }
        }
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
            if self.columns(session, name)?.is_none_or(|known| known.contains_key(*column)) {
                continue;
            }
            let (table, quoted) = (dialect.table(name), quoted(column));
            session.define(&format!("ALTER TABLE {table} ADD COLUMN {quoted} {kind}"))?;
            self.0.entry(name.clone()).or_default().kinds.insert((*column).to_owned(), kind.clone());
        }
        Ok(())
    }

    /// Takes table `name` away, if it is there.
    pub(super) fn drop(&mut self, session: &mut Session, name: &TableName) -> Result<(), SqlError> {
        self.0.remove(name);
        session.drop(name)
    }

    /// A table's columns; none if it is not there.
    pub(super) fn columns(
        &mut self,
        session: &mut Session,
        name: &TableName,
    ) -> Result<Option<&HashMap<String, String>>, SqlError> {
        if !self.0.contains_key(name) {
            let Some(columns) = session.columns(name)? else { return Ok(None) };
            let kinds = columns.into_iter().collect();
            self.0.insert(name.clone(), Columns { kinds, ..Columns::default() });
        }
        Ok(self.0.get(name).map(|known| &known.kinds))
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
        session.define(&creation(session.dialect(), name, columns))?;
        let kinds = columns.iter().map(|(column, kind)| ((*column).to_owned(), kind.clone())).collect();
        self.0.insert(name.clone(), Columns { kinds, ..Columns::default() });
        Ok(())
    }
}

/// The fields of a column's structs as statements name them, each with its type, and before those within it.
fn fields_of(dialect: Dialect, column: &Column) -> impl Iterator<Item = (String, String)> {
    let within = if dialect.nested() == Nested::Columns { column.within() } else { Vec::new() };
    within.into_iter().map(move |it| (field(&it.way), dialect.column_type(&it.column.data_type)))
}

/// The way to a field of a struct, as DuckDB reads it.
fn field(way: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(name) => quoted(name),
        Step::Item => "element".to_owned(),
    };
    way.iter().map(step).collect::<Vec<_>>().join(".")
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
    let rows = session.query(&[name], &sql, &[])?;
    Ok(match rows.first().and_then(|row| row.first()) {
        Some(super::session::Scalar::Int(count)) => count.unsigned_abs(),
        _ => 0,
    })
}
