//! The tables of a resource as they were learnt so far: plain data that grows, for a destination to keep.

use arrow_schema::Field;

use crate::column_type::ColumnType;

/// The tables of a resource: its own first, then those of its lists, each behind the one it hangs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Schema {
    /// None before the first row.
    pub tables: Vec<TableSchema>,
}

/// The columns of one table, in their order. A column is never taken away, and its type never changed, but that the
/// struct of a nested column gets more fields.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableSchema {
    /// Its name.
    pub name: String,
    /// The table whose rows its rows belong to; none for a resource's own.
    pub parent: Option<String>,
    /// The list in the parent's rows; empty for a resource's own.
    pub field: String,
    /// Those of its rows' fields, and those that are added (see [`Role`]).
    pub columns: Vec<Column>,
    /// Whether a load of it was finished. From then on the contract holds for new columns.
    pub settled: bool,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// The field it holds, as rows name it; `user.city` where an object was flattened. For a variant, its base's; empty for
    /// what is added here.
    pub field: String,
    /// What its values are.
    pub data_type: ColumnType,
    /// Whether it was null in a row, or missing, so far. Of a struct's field: always.
    pub nullable: bool,
    /// Why it is there.
    pub role: Role,
}

/// Why a column is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Rows have such a field.
    Field,
    /// Rows had values that the field's own column could not hold: `v__v_text` beside `v`.
    Variant,
    /// Added: which load wrote the row.
    LoadId,
    /// Added: when the row came.
    LoadedAt,
    /// Added: what names the row.
    RowId,
    /// Added: the row of the parent's table that it belongs to.
    ParentId,
    /// Added: its place in the parent's list, from 0.
    ListIndex,
    /// Added: the row of the resource's own table that it belongs to.
    RootId,
}

/// A column that a page has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    /// Whose.
    pub table: String,
    /// As it is now.
    pub column: Column,
    /// How it came to be there.
    pub change: Change,
}

/// What a page did to a table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The table is new, and the column with it.
    NewTable,
    /// The column is new.
    Added,
    /// The column is a struct, or holds some, and they have more fields than before.
    Grown,
}

impl Schema {
    /// The table of that name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// A load has been finished: the contract holds from here.
    pub fn settle(&mut self) {
        for table in &mut self.tables {
            table.settled = true;
        }
    }
}

impl TableSchema {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Its columns in Arrow: the schema of every batch of it.
    #[must_use]
    pub fn arrow(&self) -> arrow_schema::Schema {
        arrow_schema::Schema::new(self.columns.iter().map(Column::arrow).collect::<Vec<Field>>())
    }
}

impl Column {
    /// The same in Arrow. Nullable whatever is said of it: what must be there is held against the rows.
    #[must_use]
    pub fn arrow(&self) -> Field {
        self.data_type.field(&self.name, true)
    }

    /// Whether it holds what rows brought.
    #[must_use]
    pub fn is_of_rows(&self) -> bool {
        matches!(self.role, Role::Field | Role::Variant)
    }
}
