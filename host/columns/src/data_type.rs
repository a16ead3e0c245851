//! The types that a config can declare a column as: dlt's.

use std::fmt;

use crate::column_type::ColumnType;
use crate::number::{MAX_DIGITS, SMALL_DIGITS};

/// A declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Any scalar.
    Text,
    /// A number that a double can come near to.
    Double,
    /// `true` or `false`.
    Bool,
    /// A moment: a date and a time.
    Timestamp,
    /// A whole number of 64 bits.
    Bigint,
    /// Bytes, as base64 or hexadecimal.
    Binary,
    /// Any JSON.
    Json,
    /// A number of any size.
    Decimal,
    /// A whole number of 256 bits.
    Wei,
    /// A day.
    Date,
    /// A time of day.
    Time,
}

impl DataType {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Double,
        Self::Bool,
        Self::Timestamp,
        Self::Bigint,
        Self::Binary,
        Self::Json,
        Self::Decimal,
        Self::Wei,
        Self::Date,
        Self::Time,
    ];

    /// The type of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its name in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Double => "double",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
            Self::Bigint => "bigint",
            Self::Binary => "binary",
            Self::Json => "json",
            Self::Decimal => "decimal",
            Self::Wei => "wei",
            Self::Date => "date",
            Self::Time => "time",
        }
    }
}

impl DataType {
    /// The column that is declared so. `precision` is of decimals: digits in all, and behind the point.
    #[must_use]
    pub fn column_type(self, precision: Option<(u8, i8)>) -> ColumnType {
        let decimal = |(precision, scale): (u8, i8)| {
            let precision = if precision <= SMALL_DIGITS { precision.max(1) } else { MAX_DIGITS };
            let room = i8::try_from(precision).unwrap_or(i8::MAX);
            ColumnType::Decimal { precision, scale: scale.clamp(0, room) }
        };
        match self {
            Self::Text => ColumnType::Text,
            Self::Double => ColumnType::Double,
            Self::Bool => ColumnType::Bool,
            Self::Timestamp => ColumnType::Timestamp { utc: true },
            Self::Bigint => ColumnType::Int64,
            Self::Binary => ColumnType::Binary,
            Self::Json => ColumnType::Json,
            Self::Decimal => decimal(precision.unwrap_or((SMALL_DIGITS, 18))),
            Self::Wei => decimal(precision.unwrap_or((MAX_DIGITS, 0))),
            Self::Date => ColumnType::Date,
            Self::Time => ColumnType::Time,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_by_its_name() {
        for data_type in DataType::ALL {
            assert_eq!(DataType::parse(data_type.name()), Some(data_type));
        }
        assert_eq!(DataType::parse("integer"), None);
    }
}
