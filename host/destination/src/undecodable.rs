//! What is said to the decoder of a table, and what it refuses, in the words that all destinations have for it.

use sanderling_columns::{DecodeError, Options, Reason};

use crate::column::{Column, DataType};
use crate::declared::Declared;
use crate::error::{DataErrorKind, DestinationError};
use crate::table::Table;

/// What a table says of its columns.
pub(crate) fn options(table: &Table) -> Options {
    Options {
        columns: table.columns.iter().map(declared).collect(),
        key: table.primary_key.iter().chain(&table.merge_key).cloned().collect(),
        ..Options::new(&table.resource)
    }
}

fn declared(column: &Column) -> sanderling_columns::Declared {
    sanderling_columns::Declared {
        name: column.name.clone(),
        data_type: column.data_type.map(DataType::name).and_then(sanderling_columns::DataType::parse),
        nullable: column.nullable,
        precision: None,
    }
}

/// A page that is no rows.
pub(crate) fn of_page(table: &Table, error: DecodeError) -> DestinationError {
    let (row, kind) = match error {
        DecodeError::NotUtf8 { row } => (Some(row), DataErrorKind::NotUtf8),
        DecodeError::Count { declared, found } => (None, DataErrorKind::Count { declared, found }),
        DecodeError::NotJson { row, expected, byte } => {
            let message = format!("{expected} expected at byte {byte}");
            (Some(row), DataErrorKind::NotJson { message })
        }
        other => (None, DataErrorKind::Undecodable { reason: other.to_string() }),
    };
    DestinationError::data(&table.resource, row, kind)
}

/// A row that is none of the table's.
pub(crate) fn of_row(table: &Table, line: &str, reason: &Reason) -> DataErrorKind {
    if let Err(said) = Declared::of(table).check(line) {
        return said;
    }
    match reason {
        Reason::NullRow => DataErrorKind::NullRow,
        Reason::FieldTwice { field } => DataErrorKind::FieldTwice { field: field.clone() },
        Reason::Reserved { field } => DataErrorKind::ReservedField { field: field.clone() },
        Reason::BadFieldName { field } => DataErrorKind::BadFieldName { field: field.clone() },
        other => DataErrorKind::Undecodable { reason: other.to_string() },
    }
}
