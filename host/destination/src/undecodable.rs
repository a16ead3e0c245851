//! What the decoder refuses, in the words that all destinations have for it.

use sanderling_columns::{DecodeError, Reason};

use crate::declared::Declared;
use crate::error::{DataErrorKind, DestinationError};
use crate::table::Table;

/// A page that is no rows.
pub(crate) fn of_page(table: &Table, error: DecodeError) -> DestinationError {
    let (row, kind) = match error {
        DecodeError::NotUtf8 { row } => (Some(row), DataErrorKind::NotUtf8),
        DecodeError::Count { declared, found } => (None, DataErrorKind::Count { declared, found }),
        DecodeError::NotJson { row, expected, byte } => {
            let message = format!("{expected} expected at byte {byte}");
            (Some(row), DataErrorKind::NotJson { message })
        }
        DecodeError::Frozen { row, table, what } => {
            (Some(row), DataErrorKind::Frozen { table, what: what.to_string() })
        }
        other => (None, DataErrorKind::Unreadable(other)),
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
        Reason::Collision { column, first, second } => DataErrorKind::FieldsCollide {
            column: column.clone(),
            first: first.clone(),
            second: second.clone(),
        },
        other => DataErrorKind::Refused(other.clone()),
    }
}
