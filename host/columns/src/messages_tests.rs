//! Every message of this crate, as it is printed.

use crate::{ColumnType, DataType, DecodeError, Reason, Unforeseen};

#[test]
fn pages() {
    let what = Unforeseen::DataType {
        column: "v".into(),
        stored: ColumnType::Int64,
        found: ColumnType::Decimal { precision: 38, scale: 0 },
    };
    let frozen = |what| DecodeError::Frozen { row: 3, what };
    let errors = [
        DecodeError::NotUtf8 { row: 3 },
        DecodeError::NotJson { row: 3, expected: "a value", byte: 12 },
        DecodeError::Count { declared: 2, found: 1 },
        DecodeError::TooLarge { bytes: 1 << 31 },
        DecodeError::Redeclared {
            column: "v".into(),
            declared: DataType::Bigint,
            stored: ColumnType::Timestamp { utc: false },
        },
        frozen(Unforeseen::Table("orders__lines".into())),
        frozen(Unforeseen::Column("orders.note".into())),
        frozen(what),
        DecodeError::Batch { message: "all columns must have the same length".into() },
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"));
}

#[test]
fn rows() {
    let (column, field, found) = (|| "c".to_owned(), || "f".to_owned(), || "1.5".to_owned());
    let reasons = [
        Reason::NullRow,
        Reason::FieldTwice { field: field() },
        Reason::LoneSurrogate { field: field() },
        Reason::NumberTooWide { field: field(), bytes: 80 },
        Reason::Misfit { column: column(), declared: DataType::Bigint, found: found() },
        Reason::TooFine { column: column(), declared: DataType::Timestamp, found: found() },
        Reason::ColumnMissing { column: column() },
        Reason::ColumnNull { column: column() },
        Reason::KeyMissing { field: field() },
        Reason::KeyNull { field: field() },
        Reason::Reserved { field: "_load_id".into() },
        Reason::Collision {
            column: "first_name".into(),
            first: "firstName".into(),
            second: "first_name".into(),
        },
        Reason::BadFieldName { field: "a\\0b".into() },
    ];
    insta::assert_snapshot!(reasons.map(|reason| reason.to_string()).join("\n"));
}
