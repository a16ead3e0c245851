//! One table of a page: its rows as they come, and the batch and schema that they make.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::ArrowError;

use crate::builder::Builder;
use crate::column_type::ColumnType;
use crate::options::{Nested, Options};
use crate::page::Page;
use crate::record::Record;
use crate::schema::{Change, Column, NewColumn, Role, TableSchema};

/// A table and the rows that a page brings to it.
#[derive(Debug)]
pub(crate) struct Table {
    /// As it was before the page; a new one without columns.
    pub(crate) stored: TableSchema,
    pub(crate) is_new: bool,
    /// Of which table's rows its rows are; none for the resource's own.
    pub(crate) parent: Option<usize>,
    pub(crate) record: Record,
    pub(crate) rows: usize,
    /// Rows of the parent, and places in their lists.
    pub(crate) owners: Vec<usize>,
    pub(crate) places: Vec<i64>,
    /// What names its rows: for the resource's own table as they come, for others when all are there.
    pub(crate) ids: Vec<String>,
}

/// What names the rows of the tables above.
pub(crate) struct Above<'t> {
    pub(crate) parents: &'t [String],
    pub(crate) roots: &'t [String],
    /// Whether rows of the resource's own table have an id: where others hang on them, and always in dlt's tables.
    pub(crate) named: bool,
}

impl Table {
    pub(crate) fn new(stored: TableSchema, is_new: bool, parent: Option<usize>, options: &Options) -> Self {
        let mut record = Record::stored(&stored.columns, stored.settled);
        for role in added(options, parent.is_none()) {
            if let Some(name) = options.system.name(role) {
                record.reserve(name);
            }
        }
        if parent.is_none() {
            options.reserved.iter().for_each(|name| record.reserve(name));
        }
        let (owners, places, ids) = (Vec::new(), Vec::new(), Vec::new());
        Self { stored, is_new, parent, record, rows: 0, owners, places, ids }
    }

    /// Takes back what is behind `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        self.record.truncate(rows);
        self.owners.truncate(rows);
        self.places.truncate(rows);
        self.ids.truncate(rows);
    }

    /// Its batch, its schema, and what is new in that. `roots` are the ids of the rows of the resource's own table that its
    /// rows belong to.
    pub(crate) fn finish(
        mut self,
        page: &Page,
        options: &Options,
        above: &Above,
    ) -> Result<(TableSchema, Vec<NewColumn>, RecordBatch), ArrowError> {
        let mut columns: Vec<Column> = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        let mut news = Vec::new();
        let mut builders = std::mem::take(&mut self.record.columns).into_iter();

        for old in &self.stored.columns {
            if !old.is_of_rows() {
                arrays.push(self.added(old.role, page, above));
                columns.push(old.clone());
                continue;
            }
            let Some(builder) = builders.next() else { continue };
            let column = finish_into(builder, self.rows, old.nullable, &mut arrays)?;
            if column.data_type != old.data_type {
                news.push((column.clone(), Change::Grown));
            }
            columns.push(column);
        }
        let change = if self.is_new { Change::NewTable } else { Change::Added };
        for builder in builders {
            let column = finish_into(builder, self.rows, !self.is_new, &mut arrays)?;
            news.push((column.clone(), change));
            columns.push(column);
        }
        for role in added(options, self.parent.is_none()) {
            let unnamed = role == Role::RowId && self.parent.is_none() && !above.named;
            if unnamed || columns.iter().any(|column| column.role == role) {
                continue;
            }
            let Some(name) = options.system.name(role) else { continue };
            let (name, field, data_type) = (name.to_owned(), String::new(), type_of(role));
            let column = Column { name, field, data_type, nullable: !self.is_new, role };
            arrays.push(self.added(role, page, above));
            news.push((column.clone(), change));
            columns.push(column);
        }
        let schema = TableSchema { columns, ..self.stored };
        let rows = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::new(schema.arrow()), arrays, &rows)?;
        let table = schema.name.clone();
        let news =
            news.into_iter().map(|(column, change)| NewColumn { table: table.clone(), column, change });
        Ok((schema, news.collect(), batch))
    }

    /// The values of a column that is added.
    fn added(&self, role: Role, page: &Page, above: &Above) -> ArrayRef {
        let rows = self.rows;
        let of_owner = |ids: &[String]| -> ArrayRef {
            Arc::new(self.owners.iter().map(|owner| ids.get(*owner)).collect::<StringArray>())
        };
        match role {
            Role::LoadId => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(page.load_id, rows))),
            Role::LoadedAt => {
                let micros = i64::try_from(page.loaded_at_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
                Arc::new(TimestampMicrosecondArray::from_value(micros, rows).with_timezone("+00:00"))
            }
            Role::RowId if self.ids.len() == rows => Arc::new(StringArray::from_iter_values(&self.ids)),
            Role::ParentId => of_owner(above.parents),
            Role::RootId => of_owner(above.roots),
            Role::ListIndex => Arc::new(Int64Array::from(self.places.clone())),
            Role::RowId | Role::Field | Role::Variant => Arc::new(StringArray::new_null(rows)),
        }
    }
}

/// `was_null`: whether rows before these lack it.
fn finish_into(
    mut builder: Builder,
    rows: usize,
    was_null: bool,
    arrays: &mut Vec<ArrayRef>,
) -> Result<Column, ArrowError> {
    builder.settle();
    let column = builder.to_column();
    let array = builder.finish(rows)?;
    let nullable = was_null || array.null_count() > 0;
    arrays.push(array);
    Ok(Column { nullable, ..column })
}

/// The columns that may be added to a table.
pub(crate) fn added(options: &Options, is_root: bool) -> impl Iterator<Item = Role> {
    let in_tables = in_tables(options);
    let roles = [
        (Role::LoadId, is_root),
        (Role::LoadedAt, is_root),
        (Role::RowId, in_tables || (is_root && options.version.is_some())),
        (Role::ParentId, !is_root),
        (Role::ListIndex, !is_root),
        (Role::RootId, !is_root && options.root_id),
    ];
    roles.into_iter().filter_map(|(role, is_there)| is_there.then_some(role))
}

/// Whether lists become tables, however deep.
pub(crate) fn in_tables(options: &Options) -> bool {
    matches!(options.nested, Nested::Tables { .. })
}

fn type_of(role: Role) -> ColumnType {
    match role {
        Role::LoadedAt => ColumnType::Timestamp { utc: true },
        Role::ListIndex => ColumnType::Int64,
        _ => ColumnType::Text,
    }
}
