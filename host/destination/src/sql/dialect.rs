//! How databases write SQL: names, types, arguments.

use std::fmt::Write as _;

use sanderling_columns::ColumnType;

use super::session::TableName;
use super::text::Texts;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    DuckDb,
    Postgres,
}

/// A name as SQL writes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names with commas between them.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

impl Dialect {
    /// A table's name, with its schema where the database has such.
    pub(crate) fn table(self, table: &TableName) -> String {
        match &table.schema {
            Some(schema) if self != Self::Sqlite => format!("{}.{}", quoted(schema), quoted(&table.name)),
            _ => quoted(&table.name),
        }
    }

    /// The argument at a place, from 1.
    pub(crate) fn argument(self, place: usize) -> String {
        match self {
            Self::Sqlite => format!("?{place}"),
            Self::DuckDb | Self::Postgres => format!("${place}"),
        }
    }

    /// `rows` lists of `width` arguments, for `VALUES`.
    pub(crate) fn values(self, rows: usize, width: usize) -> String {
        let mut text = String::new();
        for row in 0..rows {
            let places: Vec<String> = (1..=width).map(|place| self.argument(row * width + place)).collect();
            let comma = if row == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}({})", places.join(", "));
        }
        text
    }

    /// The type of a column. SQLite has none for decimals, which its numbers would round, and none for times.
    pub(crate) fn column_type(self, data_type: &ColumnType) -> String {
        match (self, data_type) {
            (Self::Sqlite, ColumnType::Bool) => "BOOLEAN".to_owned(),
            (Self::Sqlite, ColumnType::Int64) => "INTEGER".to_owned(),
            (Self::Sqlite, ColumnType::Double) => "REAL".to_owned(),
            (Self::Sqlite, ColumnType::Binary) => "BLOB".to_owned(),
            (Self::Sqlite, _) => "TEXT".to_owned(),
            (_, ColumnType::Bool) => "boolean".to_owned(),
            (_, ColumnType::Int64) => "bigint".to_owned(),
            (_, ColumnType::Double) => "double precision".to_owned(),
            (_, ColumnType::Date) => "date".to_owned(),
            (_, ColumnType::Time) => "time".to_owned(),
            (_, ColumnType::Timestamp { utc: true }) => "timestamp with time zone".to_owned(),
            (_, ColumnType::Timestamp { utc: false }) => "timestamp".to_owned(),
            // It has none wider; those are text.
            (Self::DuckDb, ColumnType::Decimal { precision, scale }) if *precision <= 38 => {
                format!("decimal({precision}, {scale})")
            }
            // The decoder gives no value to a column that it would have to round it for.
            (Self::Postgres, ColumnType::Decimal { precision, scale }) => {
                format!("numeric({precision}, {scale})")
            }
            (Self::DuckDb, ColumnType::Binary) => "blob".to_owned(),
            (Self::Postgres, ColumnType::Binary) => "bytea".to_owned(),
            (Self::Postgres, ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_)) => {
                "jsonb".to_owned()
            }
            (_, ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_)) => "json".to_owned(),
            (_, ColumnType::Text | ColumnType::Decimal { .. }) => "text".to_owned(),
        }
    }

    /// A moment, in microseconds since 1970, as a column of such holds it.
    pub(crate) fn moment(self, micros: i64) -> String {
        let mut texts = Texts::default();
        let text = texts.timestamp(micros, true);
        if self == Self::Sqlite { format!("'{text}'") } else { format!("TIMESTAMP WITH TIME ZONE '{text}'") }
    }

    /// The type of texts, and of whole numbers, in tables of ours.
    pub(crate) fn text(self) -> &'static str {
        if self == Self::Sqlite { "TEXT" } else { "text" }
    }

    pub(crate) fn integer(self) -> &'static str {
        if self == Self::Sqlite { "INTEGER" } else { "bigint" }
    }

    /// Whether a part of a transaction can be taken back.
    pub(crate) fn has_savepoints(self) -> bool {
        self != Self::DuckDb
    }

    /// Whether a transaction is as it was after a commit that was refused because someone else holds what it needs.
    pub(crate) fn keeps_what_is_busy(self) -> bool {
        self != Self::Postgres
    }

    /// What a table's or column's name may have, in bytes, where a longer one would be cut without a word.
    pub(crate) fn max_name_bytes(self) -> Option<usize> {
        (self == Self::Postgres).then_some(63)
    }

    /// A column to be sorted by, as its values are; texts byte by byte, whatever the database's language.
    pub(crate) fn sorted_by(self, column: &str, data_type: &ColumnType) -> String {
        let name = quoted(column);
        match (self, data_type) {
            (Self::Postgres, ColumnType::Text) => format!("{name} COLLATE \"C\""),
            (Self::Sqlite, ColumnType::Decimal { .. }) => format!("CAST({name} AS REAL)"),
            _ => name,
        }
    }

    /// What opens a transaction that will write.
    pub(crate) fn begin(self) -> &'static str {
        if self == Self::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" }
    }

    /// Whether a table is replaced by another one that takes its name, as it is.
    pub(crate) fn swaps(self) -> bool {
        self == Self::Sqlite
    }

    /// The type of a column that numbers a table's rows.
    pub(crate) fn row_number(self) -> &'static str {
        if self == Self::Sqlite { "INTEGER PRIMARY KEY" } else { self.integer() }
    }

    /// How many columns a table can have.
    pub(crate) fn max_columns(self) -> Option<usize> {
        match self {
            Self::Sqlite => Some(super::sqlite::MAX_COLUMNS),
            Self::Postgres => Some(crate::postgres::MAX_COLUMNS),
            Self::DuckDb => None,
        }
    }
}
