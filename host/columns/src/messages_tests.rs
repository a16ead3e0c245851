//! Every message of this crate, as it is printed.

use crate::{
    ColumnType, DataType, Declared, DecodeError, Names, Nested, Options, Page, Reason, Schema, Unforeseen,
    decode,
};

#[test]
fn pages() {
    let what = Unforeseen::DataType {
        column: "v".into(),
        stored: ColumnType::Int64,
        found: ColumnType::Decimal { precision: 38, scale: 0 },
    };
    let frozen = |what| DecodeError::Frozen { row: 3, table: "orders".into(), what };
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

#[test]
fn what_is_expected_and_what_is_found() {
    let declared = Declared {
        name: "c".into(),
        data_type: Some(DataType::Bigint),
        nullable: true,
        precision: None,
        naive: false,
    };
    let options =
        Options { columns: vec![declared], names: Names::AsIs, nested: Nested::Json, ..Options::new("t") };
    let lines = [
        "x",
        "{\"a\"}",
        "{\"a\":1",
        "[1",
        "{\"a\":1} 2",
        "\"\\x\"",
        "\"\\u12x\"",
        "\"\u{1}\"",
        "\"a",
        "{1}",
        "-",
        "[}",
        "{\"c\":[]}",
        "{\"c\":{}}",
        "{\"c\":1234567890123456789012345}",
        "{\"c\":\"somebody@example.com\"}",
        "{\"c\":\"n/a\"}",
    ];
    let said = lines.map(|line| {
        let page = Page { ndjson: line.as_bytes(), count: 1, first_row: 0, load_id: "1", loaded_at_ms: 0 };
        match decode(&page, &mut Schema::default(), &options) {
            Ok(decoded) => {
                decoded.refused.first().map_or_else(String::new, |refused| refused.reason.to_string())
            }
            Err(error) => error.to_string(),
        }
    });
    insta::assert_snapshot!(said.join("\n"));
}
