//! A scalar of a row, and what type is its own.

use crate::column_type::ColumnType;
use crate::moment::{date, moment};
use crate::number::{Decimal, MAX_DIGITS, SMALL_DIGITS, exact_double, int64};
use crate::options::SystemNames;
use crate::scan::Number;

/// A value that is not null.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'v> {
    Bool(bool),
    Number(Number<'v>),
    /// A string.
    Text(&'v str),
    /// An object or array that is to stay one piece.
    Nested,
}

impl Value<'_> {
    /// The type that keeps it exactly; none for a number that no type keeps.
    pub(crate) fn own_type(&self, system: SystemNames) -> Option<ColumnType> {
        Some(match self {
            Self::Bool(_) => ColumnType::Bool,
            Self::Number(number) => return number_type(number),
            Self::Text(text) => text_type(text, system),
            Self::Nested => ColumnType::Json,
        })
    }
}

/// dlt learns moments, but no days: SQL that was written for its tables compares those as texts.
fn text_type(text: &str, system: SystemNames) -> ColumnType {
    if let Some(moment) = moment(text) {
        return ColumnType::Timestamp { utc: moment.utc };
    }
    match system {
        SystemNames::Ours if date(text.as_bytes()).is_some() => ColumnType::Date,
        SystemNames::Ours | SystemNames::Dlt => ColumnType::Text,
    }
}

fn number_type(number: &Number) -> Option<ColumnType> {
    if number.integral {
        if int64(number).is_some() {
            return Some(ColumnType::Int64);
        }
    } else if exact_double(number).is_some() {
        return Some(ColumnType::Double);
    }
    let (digits, scale) = Decimal::read(number.text)?.extent()?;
    DECIMALS
        .into_iter()
        .find(|(precision, room)| scale <= *room && fits_whole(digits, scale, *precision, *room))
        .or(Some((MAX_DIGITS, scale)))
        .map(|(precision, scale)| ColumnType::Decimal { precision, scale })
}

/// The decimals that are learnt, the narrower first: one type serves many values. What fits none gets a type of its own.
pub(crate) const DECIMALS: [(u8, i8); 4] =
    [(SMALL_DIGITS, 0), (SMALL_DIGITS, 18), (MAX_DIGITS, 0), (MAX_DIGITS, 38)];

/// Whether digits before the point have room.
fn fits_whole(digits: u8, scale: i8, precision: u8, room: i8) -> bool {
    digits.saturating_sub(scale.unsigned_abs()) <= precision.saturating_sub(room.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Cursor;

    #[test]
    fn types_of_numbers() {
        let decimal = |precision, scale| Some(ColumnType::Decimal { precision, scale });
        for (text, expected) in [
            ("1", Some(ColumnType::Int64)),
            ("1.0", Some(ColumnType::Double)),
            ("1e300", Some(ColumnType::Double)),
            ("18446744073709551615", decimal(38, 0)),
            ("0.1234567890123456789", decimal(76, 38)),
            ("12345678901.123456789", decimal(38, 18)),
            ("123456789012345678901.5", decimal(76, 38)),
            ("1234567890123456789012345678901234567890", decimal(76, 0)),
            ("1234567890123456789012345678901234567890.25", decimal(76, 2)),
            ("0.12345678901234567890123456789012345678901234567890", decimal(76, 49)),
        ] {
            let number = Cursor::new(text).number().unwrap();
            assert_eq!(Value::Number(number).own_type(SystemNames::Ours), expected, "{text}");
        }
        let long = "1".repeat(77);
        let number = Cursor::new(&long).number().unwrap();
        assert_eq!(Value::Number(number).own_type(SystemNames::Ours), None);
    }

    #[test]
    fn types_of_texts() {
        let utc = |utc| ColumnType::Timestamp { utc };
        for (text, ours, dlts) in [
            ("2026-01-02T03:04:05Z", utc(true), utc(true)),
            ("2026-01-02 03:04", utc(false), utc(false)),
            ("2026-01-02", ColumnType::Date, ColumnType::Text),
            ("0001-01-01", ColumnType::Date, ColumnType::Text),
            ("9999-12-31", ColumnType::Date, ColumnType::Text),
            ("2026-02-30", ColumnType::Text, ColumnType::Text),
            ("0000-00-00", ColumnType::Text, ColumnType::Text),
            ("2026-1-2", ColumnType::Text, ColumnType::Text),
            ("20260102", ColumnType::Text, ColumnType::Text),
            ("2026-01", ColumnType::Text, ColumnType::Text),
            ("03:04:05", ColumnType::Text, ColumnType::Text),
            ("", ColumnType::Text, ColumnType::Text),
        ] {
            assert_eq!(Value::Text(text).own_type(SystemNames::Ours), Some(ours), "{text}");
            assert_eq!(Value::Text(text).own_type(SystemNames::Dlt), Some(dlts), "{text}");
        }
    }
}
