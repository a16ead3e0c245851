//! Why a row, or a page, cannot become columns.

use crate::column_type::ColumnType;
use crate::data_type::DataType;

/// A page of which nothing can be taken. The schema is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Bytes that are not UTF-8 (RFC 3629).
    #[error("not UTF-8")]
    NotUtf8 {
        /// Which row, from 0.
        row: u64,
    },
    /// A line that is not one JSON value (RFC 8259).
    #[error("not JSON: {expected} expected at byte {byte}")]
    NotJson {
        /// Which row, from 0.
        row: u64,
        /// What should stand there.
        expected: &'static str,
        /// Where in the line, from 0.
        byte: usize,
    },
    /// More or fewer lines than the page declares.
    #[error("the page declares {declared} rows and holds {found}")]
    Count {
        /// What it says.
        declared: u64,
        /// What it has.
        found: u64,
    },
    /// A page of 2 GiB or more.
    #[error("the page has {bytes} bytes; a page can have 2147483647")]
    TooLarge {
        /// Bytes of it.
        bytes: usize,
    },
    /// A column that is declared of another type than it has already.
    #[error(
        "column `{column}` is declared {declared}, and the table has it as {stored}; a column's type is never changed"
    )]
    Redeclared {
        /// Its name.
        column: String,
        /// As the config has it.
        declared: DataType,
        /// As the table has it.
        stored: ColumnType,
    },
    /// Something new that the contract forbids.
    #[error("table `{table}` gets {what}, which its schema contract freezes")]
    Frozen {
        /// Which row, from 0.
        row: u64,
        /// The table; for a new one, that on which it hangs.
        table: String,
        /// What it is.
        what: Unforeseen,
    },
    /// A batch that Arrow refuses: a fault of this program.
    #[error("columns that do not make a batch: {message}")]
    Batch {
        /// Arrow's word for it.
        message: String,
    },
}

/// What a contract did not foresee.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unforeseen {
    /// A list that has no table yet.
    #[error("a new table, `{0}`")]
    Table(String),
    /// A field that has no column yet.
    #[error("a new column, `{0}`")]
    Column(String),
    /// A value that does not fit its column.
    #[error("a value of type {found} for column `{column}`, which is {stored}")]
    DataType {
        /// The column.
        column: String,
        /// Its type.
        stored: ColumnType,
        /// What the value is.
        found: ColumnType,
    },
}

/// Why one row cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is `null`.
    #[error("the row is null")]
    NullRow,
    /// An object has a key twice.
    #[error("field `{field}` stands twice in one object")]
    FieldTwice {
        /// The key.
        field: String,
    },
    /// Half of a surrogate pair: JSON, but no Unicode text.
    #[error("field `{field}` holds a lone surrogate, which is no text")]
    LoneSurrogate {
        /// The field of the row.
        field: String,
    },
    /// A number that not even 76 digits keep.
    #[error("field `{field}` holds a number of {bytes} characters, which no type keeps")]
    NumberTooWide {
        /// The field of the row.
        field: String,
        /// Characters of it.
        bytes: usize,
    },
    /// A value that is not of its column's declared type.
    #[error("column `{column}` is declared {declared}, and holds {found}")]
    Misfit {
        /// The column's name.
        column: String,
        /// Its type.
        declared: DataType,
        /// The value if it is short, else what kind it is.
        found: String,
    },
    /// A value of the declared type that could only be kept rounded.
    #[error("column `{column}` is declared {declared}, which would round {found}")]
    TooFine {
        /// The column's name.
        column: String,
        /// Its type.
        declared: DataType,
        /// The value if it is short, else what kind it is.
        found: String,
    },
    /// A column that is declared not to be null, and that the row lacks.
    #[error("column `{column}` must not be null, and is missing")]
    ColumnMissing {
        /// Its name.
        column: String,
    },
    /// A column that is declared not to be null, and is.
    #[error("column `{column}` must not be null, and is")]
    ColumnNull {
        /// Its name.
        column: String,
    },
    /// A row without a field of the primary key.
    #[error("primary key field `{field}` is missing")]
    KeyMissing {
        /// Its name.
        field: String,
    },
    /// A row with `null` in a field of the primary key.
    #[error("primary key field `{field}` is null")]
    KeyNull {
        /// Its name.
        field: String,
    },
    /// A field with the name of a column that is added here.
    #[error("field `{field}` has the name of a column that every table gets; rename it")]
    Reserved {
        /// Its name.
        field: String,
    },
    /// Two fields that would be one column.
    #[error("fields `{first}` and `{second}` would both be `{column}`; rename one")]
    Collision {
        /// The column, or table.
        column: String,
        /// The one that was there first.
        first: String,
        /// The other.
        second: String,
    },
    /// A field that cannot name a column.
    #[error("field `{field}` cannot name a column: it holds a NUL")]
    BadFieldName {
        /// Its name, with the NUL escaped.
        field: String,
    },
}

impl Reason {
    /// Whether it is what all rows are named that is wrong, and not this one.
    #[must_use]
    pub fn is_of_names(&self) -> bool {
        matches!(self, Self::Reserved { .. } | Self::Collision { .. } | Self::BadFieldName { .. })
    }
}
