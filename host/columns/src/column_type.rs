//! What the values of a column are, here and in Arrow.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Fields, TimeUnit};

use crate::schema::Column;

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits.
    Int64,
    /// A number that no double and no 64 bits keep, or that is declared a decimal.
    Decimal {
        /// Digits in all: 38 (Arrow's Decimal128) or 76 (Decimal256).
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
    /// A number that a double keeps.
    Double,
    /// Text.
    Text,
    /// A date and a time, in microseconds.
    Timestamp {
        /// Whether it is a moment, in UTC; else it came without an offset, and no zone is guessed.
        utc: bool,
    },
    /// A day.
    Date,
    /// A time of day, in microseconds.
    Time,
    /// Bytes.
    Binary,
    /// JSON, as the API wrote it.
    Json,
    /// An object with the fields that were seen so far. Not without any.
    Struct(Vec<Column>),
    /// An array.
    List(Box<ColumnType>),
}

/// The metadata key of an Arrow field whose text is JSON; its value is `json`.
pub const TYPE_KEY: &str = "sanderling.type";

impl ColumnType {
    /// The same in Arrow. JSON is text there (see [`TYPE_KEY`]).
    #[must_use]
    pub fn arrow(&self) -> Arrow {
        match self {
            Self::Bool => Arrow::Boolean,
            Self::Int64 => Arrow::Int64,
            Self::Decimal { precision, scale } if *precision <= 38 => Arrow::Decimal128(*precision, *scale),
            Self::Decimal { precision, scale } => Arrow::Decimal256(*precision, *scale),
            Self::Double => Arrow::Float64,
            Self::Text | Self::Json => Arrow::Utf8,
            Self::Timestamp { utc } => Arrow::Timestamp(TimeUnit::Microsecond, utc.then(|| "+00:00".into())),
            Self::Date => Arrow::Date32,
            Self::Time => Arrow::Time64(TimeUnit::Microsecond),
            Self::Binary => Arrow::Binary,
            Self::Struct(fields) => Arrow::Struct(fields.iter().map(Column::arrow).collect::<Fields>()),
            Self::List(item) => Arrow::List(Arc::new(item.item_field())),
        }
    }

    /// The Arrow field of the items of a list of this.
    pub(crate) fn item_field(&self) -> Field {
        self.field(Field::LIST_FIELD_DEFAULT_NAME, true)
    }

    pub(crate) fn field(&self, name: &str, nullable: bool) -> Field {
        let field = Field::new(name, self.arrow(), nullable);
        match self {
            Self::Json => field.with_metadata([(TYPE_KEY.to_owned(), "json".to_owned())]),
            _ => field,
        }
    }

    /// What a variant column of this type has behind its name: `v__v_text`, as dlt has it, where dlt has such a type.
    #[must_use]
    pub fn suffix(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int64 => "bigint".to_owned(),
            Self::Decimal { precision: 38, scale: 18 } => "decimal".to_owned(),
            Self::Decimal { precision, scale } => format!("decimal_{precision}_{scale}"),
            Self::Double => "double".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Timestamp { utc: true } => "timestamp".to_owned(),
            Self::Timestamp { utc: false } => "datetime".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Time => "time".to_owned(),
            Self::Binary => "binary".to_owned(),
            Self::Json | Self::Struct(_) | Self::List(_) => "json".to_owned(),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(formatter, "decimal({precision}, {scale})"),
            Self::Struct(fields) => {
                formatter.write_str("struct(")?;
                for (at, field) in fields.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(formatter, "{comma}{} {}", field.name, field.data_type)?;
                }
                formatter.write_str(")")
            }
            Self::List(item) => write!(formatter, "{item}[]"),
            other => formatter.write_str(&other.suffix()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Role;

    #[test]
    fn each_type_in_words_and_in_arrow() {
        let field = |name: &str, data_type| Column {
            name: name.into(),
            field: name.into(),
            data_type,
            nullable: true,
            role: Role::Field,
        };
        let nested = ColumnType::List(Box::new(ColumnType::Struct(vec![
            field("a", ColumnType::Json),
            field("b", ColumnType::Decimal { precision: 76, scale: 3 }),
        ])));
        assert_eq!(nested.to_string(), "struct(a json, b decimal(76, 3))[]");
        let Arrow::List(item) = nested.arrow() else { panic!("no list") };
        let Arrow::Struct(fields) = item.data_type() else { panic!("no struct") };
        assert_eq!(fields[0].metadata().get(TYPE_KEY).map(String::as_str), Some("json"));
        assert_eq!(fields[1].data_type(), &Arrow::Decimal256(76, 3));
        assert_eq!(
            ColumnType::Timestamp { utc: false }.arrow(),
            Arrow::Timestamp(TimeUnit::Microsecond, None)
        );
        assert_eq!(ColumnType::Timestamp { utc: true }.to_string(), "timestamp");
    }
}
