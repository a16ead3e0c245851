//! The rules, case by case.

use serde_json::{Value, json};

use super::{decode_all, options, page, read_back};
use crate::{
    Change, Column, ColumnType, Contract, DataType, Declared, DecodeError, Decoded, Mode, Names, Nested,
    Options, Reason, Role, Schema, SystemNames, TableSchema, Unforeseen, decode,
};

const TABLES: Nested = Nested::Tables { max_depth: None };

/// `name type` of each column that rows brought, by table.
fn types(schema: &Schema) -> Vec<String> {
    let tables = schema.tables.iter().map(|table| {
        let columns = table.columns.iter().filter(|column| column.is_of_rows());
        columns.map(|column| format!("{} {}", column.name, column.data_type)).collect::<Vec<_>>().join(", ")
    });
    tables.collect()
}

/// The rows of all pages by table, without what is added.
fn rows(decoded: &[Decoded]) -> Vec<(String, Vec<Value>)> {
    let mut tables: Vec<(String, Vec<Value>)> = Vec::new();
    for table in decoded.iter().flat_map(|decoded| &decoded.tables) {
        let rows = read_back::rows(&table.batch).into_iter().map(|mut row| {
            row.retain(|name, _| {
                !["_load_id", "_loaded_at", "_row_id", "_parent_id", "_list_idx"].contains(&name.as_str())
            });
            Value::Object(row)
        });
        match tables.iter_mut().find(|(name, _)| *name == table.table) {
            Some((_, all)) => all.extend(rows),
            None => tables.push((table.table.clone(), rows.collect())),
        }
    }
    tables
}

/// The types, and the rows of the one table, of pages.
fn learnt(pages: &[&str], options: &Options) -> (String, Vec<Value>) {
    let (schema, decoded) = decode_all(pages, options);
    let rows = rows(&decoded).into_iter().next().map(|(_, rows)| rows);
    (types(&schema).join("; "), rows.unwrap_or_default())
}

fn json_rows(pages: &[&str]) -> (String, Vec<Value>) {
    learnt(pages, &options(Nested::Json))
}

#[test]
fn a_type_is_that_of_the_first_value() {
    let types = |text: &str| json_rows(&[text]).0;
    for (json, expected) in [
        ("true", "a bool"),
        ("1", "a bigint"),
        ("-0", "a bigint"),
        ("18446744073709551615", "a decimal(38, 0)"),
        ("1.5", "a double"),
        ("1e2", "a double"),
        ("0.30000000000000004", "a double"),
        ("0.1234567890123456789", "a decimal(76, 38)"),
        ("\"x\"", "a text"),
        ("\"\"", "a text"),
        ("\"2024-01-02\"", "a date"),
        ("\"2024-02-30\"", "a text"),
        ("\"12:30:00\"", "a text"),
        ("\"2024-01-02T03:04:05Z\"", "a timestamp"),
        ("\"2024-01-02 03:04:05\"", "a datetime"),
        ("\"2024-01-02T03:04:05.1234567Z\"", "a text"),
        ("{}", "a json"),
        ("[1]", "a json"),
        ("null", ""),
    ] {
        assert_eq!(types(&format!("{{\"a\":{json}}}")), expected, "{json}");
    }
}

#[test]
fn numbers_widen_within_the_first_page_and_no_further() {
    let v = |value: Value| json!({"v": value});
    let decimal = |text: &str| v(json!({"decimal": text}));
    let (types, rows) = json_rows(&["{\"v\":1}\n{\"v\":1.5}\n{}\n{\"v\":2}"]);
    assert_eq!(
        (types.as_str(), rows),
        ("v double", vec![v(json!(1.0)), v(json!(1.5)), json!({}), v(json!(2.0))])
    );
    // 2^53 + 1 is no double.
    let (types, rows) = json_rows(&["{\"v\":9007199254740993}\n{\"v\":1.5}"]);
    assert_eq!(types, "v decimal(38, 18)");
    assert_eq!(rows, [decimal("9007199254740993.000000000000000000"), decimal("1.500000000000000000")]);
    let (types, rows) = json_rows(&["{\"v\":1}\n{\"v\":18446744073709551615}"]);
    assert_eq!(
        (types.as_str(), rows),
        ("v decimal(38, 0)", vec![decimal("1"), decimal("18446744073709551615")])
    );
    // No decimal keeps both.
    let (types, _) = json_rows(&["{\"v\":1e300}\n{\"v\":0.1234567890123456789}"]);
    assert_eq!(types, "v double, v__v_decimal_76_38 decimal(76, 38)");
    // Whole numbers stay so, however they are written.
    let (types, rows) = json_rows(&["{\"v\":1}\n{\"v\":2.0}"]);
    assert_eq!((types.as_str(), rows), ("v bigint", vec![v(json!(1)), v(json!(2))]));
    let (types, rows) = json_rows(&["{\"v\":1}", "{\"v\":1.5}\n{\"v\":3}", "{\"v\":2.5}"]);
    assert_eq!(types, "v bigint, v__v_double double");
    assert_eq!(rows[1..], [json!({"v__v_double": 1.5}), v(json!(3)), json!({"v__v_double": 2.5})]);
}

#[test]
fn what_does_not_fit_goes_to_a_variant() {
    let text = "{\"v\":\"2024-01-02T03:04:05Z\"}\n{\"v\":\"2024-01-02T03:04:05\"}\n{\"v\":\"x\"}\n{\"v\":{\"a\":1}}\n{\"v\":true}\n{\"v\":7}";
    let (types, rows) = json_rows(&[text, text]);
    assert_eq!(
        types,
        "v timestamp, v__v_datetime datetime, v__v_text text, v__v_json json, v__v_bool bool, v__v_bigint bigint"
    );
    assert_eq!(rows[..6], rows[6..]);
    assert_eq!(
        rows[..4],
        [
            json!({"v": "2024-01-02T03:04:05Z"}),
            json!({"v__v_datetime": "2024-01-02T03:04:05"}),
            json!({"v__v_text": "x"}),
            json!({"v__v_json": {"json": "{\"a\":1}"}}),
        ]
    );
    // JSON and text are wide enough for what they are.
    let (types, rows) = json_rows(&["{\"v\":[]}\n{\"v\":\"x\"}\n{\"v\":1.50}", "{\"v\":false}"]);
    assert_eq!(types, "v json");
    assert_eq!(rows[2..], [json!({"v": {"json": "1.50"}}), json!({"v": {"json": "false"}})]);
    for later in ["2024-01-02T03:04:05Z", "2024-01-02"] {
        let (types, _) = json_rows(&[&format!("{{\"v\":\"x\"}}\n{{\"v\":\"{later}\"}}")]);
        assert_eq!(types, "v text");
    }
}

#[test]
fn days_are_days_beside_moments_and_texts() {
    let text =
        "{\"v\":\"2024-01-02\"}\n{\"v\":\"2024-01-02T03:04:05Z\"}\n{\"v\":\"\"}\n{\"v\":\"1969-12-31\"}";
    let (types, rows) = json_rows(&[text]);
    assert_eq!(types, "v date, v__v_timestamp timestamp, v__v_text text");
    assert_eq!(
        rows,
        [
            json!({"v": {"days": 19_724}}),
            json!({"v__v_timestamp": "2024-01-02T03:04:05Z"}),
            json!({"v__v_text": ""}),
            json!({"v": {"days": -1}}),
        ]
    );
    let (types, rows) = json_rows(&["{\"v\":\"2024-01-02T03:04:05Z\"}\n{\"v\":\"1970-01-02\"}"]);
    assert_eq!(types, "v timestamp, v__v_date date");
    assert_eq!(rows[1], json!({"v__v_date": {"days": 1}}));
    let dlts = Options { system: SystemNames::Dlt, ..options(TABLES) };
    assert_eq!(learnt(&[text], &dlts).0, "v text");
    let nested = "{\"u\":{\"on\":\"1970-01-02\"},\"l\":[\"1970-01-03\"],\"m\":[\"1970-01-03\",\"soon\"]}";
    let (types, rows) = learnt(&[nested], &options(Nested::Columns));
    assert_eq!(types, "u struct(on date), l date[], m json");
    assert_eq!((&rows[0]["u"], &rows[0]["l"]), (&json!({"on": {"days": 1}}), &json!([{"days": 2}])));
}

#[test]
fn moments_are_in_utc_or_naive() {
    let (_, rows) = json_rows(&["{\"a\":\"2024-01-02T03:04:05.5+02:00\",\"b\":\"2024-01-02 03:04\"}"]);
    assert_eq!(rows, [json!({"a": "2024-01-02T01:04:05.5Z", "b": "2024-01-02T03:04:00"})]);
}

#[test]
fn names_and_their_collisions() {
    let refused = |text: &str, options: &Options| -> Vec<Reason> {
        let (_, decoded) = decode_all(&[text], options);
        decoded[0].refused.iter().map(|refused| refused.reason.clone()).collect()
    };
    let collision = |column: &str, first: &str, second: &str| Reason::Collision {
        column: column.into(),
        first: first.into(),
        second: second.into(),
    };
    let snake = options(Nested::Json);
    let as_is = Options { names: Names::AsIs, ..options(Nested::Json) };
    let tables = options(TABLES);
    let both = "{\"firstName\":1,\"first_name\":2}";
    assert_eq!(refused(both, &snake), [collision("first_name", "firstName", "first_name")]);
    assert_eq!(refused(both, &as_is), []);
    // Also from row to row; but not for a null.
    assert_eq!(refused("{\"aB\":1}\n{\"a_b\":2}\n{\"a_b\":null}", &snake), [collision("a_b", "aB", "a_b")]);
    assert_eq!(refused("{\"ID\":1,\"id\":2}", &as_is), [collision("id", "ID", "id")]);
    assert_eq!(refused("{\"a\":{\"b\":1},\"a__b\":2}", &tables), [collision("a__b", "a.b", "a__b")]);
    assert_eq!(refused("{\"a\":{\"b\":[1]},\"a__b\":[2]}", &tables), [collision("t__a__b", "a.b", "a__b")]);
    assert_eq!(
        refused("{\"v\":1}\n{\"v\":\"x\"}\n{\"v__v_text\":1}", &tables),
        [collision("v__v_text", "v", "v__v_text")]
    );
    assert_eq!(refused("{\"_loadId\":1}", &snake), [Reason::Reserved { field: "_loadId".into() }]);
    assert_eq!(refused("{\"_row_id\":1}", &tables), [Reason::Reserved { field: "_row_id".into() }]);
    assert_eq!(refused("{\"_row_id\":1}", &snake), []);
    assert_eq!(refused("{\"a\\u0000b\":1}", &as_is), [Reason::BadFieldName { field: "a\\0b".into() }]);
    assert_eq!(refused("{\"a\\u0000b\":1}", &snake), []);
}

#[test]
fn a_field_keeps_its_column_from_page_to_page() {
    let (schema, decoded) =
        decode_all(&["{\"firstName\":1}", "{\"first_name\":2}", "{\"firstName\":3}"], &options(Nested::Json));
    assert_eq!(decoded[1].refused.len(), 1);
    assert_eq!(types(&schema), ["first_name bigint"]);
    assert_eq!(schema.tables[0].columns[0].field, "firstName");
    let names: Vec<_> = schema.tables[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["first_name", "_load_id", "_loaded_at"]);
}

#[test]
fn rows_that_cannot_be_taken() {
    let wide = "1".repeat(80);
    let number = format!("{{\"n\":{wide}}}");
    let field = || "f".to_owned();
    for (line, reason) in [
        (" null ", Reason::NullRow),
        ("{\"f\":1,\"g\":2,\"f\":3}", Reason::FieldTwice { field: field() }),
        ("{\"f\":1,\"\\u0066\":3}", Reason::FieldTwice { field: field() }),
        ("{\"g\":{\"f\":1,\"f\":1}}", Reason::FieldTwice { field: field() }),
        ("{\"f\":\"\\ud800\"}", Reason::LoneSurrogate { field: field() }),
        ("{\"f\":[\"\\udc00x\"]}", Reason::LoneSurrogate { field: field() }),
        (number.as_str(), Reason::NumberTooWide { field: "n".into(), bytes: 80 }),
    ] {
        let text = format!("{{\"a\":1}}\n{line}\n{{\"a\":2}}");
        for nested in [Nested::Json, Nested::Columns] {
            let (schema, decoded) = decode_all(&[&text], &options(nested));
            assert_eq!(types(&schema), ["a bigint"], "{line}");
            assert_eq!(rows(&decoded)[0].1, [json!({"a": 1}), json!({"a": 2})], "{line}");
            let [refused] = &decoded[0].refused[..] else { panic!("{line}") };
            assert_eq!((refused.row, &refused.reason, refused.line.as_str()), (1, &reason, line));
        }
    }
    // What a refused row alone would have changed is not changed.
    let text = "{\"v\":1}\n{\"v\":1.5,\"new\":1,\"v\":1}\n{\"v\":2}\nnull\n";
    let (schema, decoded) = decode_all(&[text], &options(Nested::Json));
    assert_eq!((types(&schema), decoded[0].refused.len()), (vec!["v bigint".to_owned()], 2));
    let nothing = decode_all(&["null\n"], &options(Nested::Json));
    assert_eq!((nothing.0, nothing.1[0].tables.len()), (Schema::default(), 0));
}

#[test]
fn pages_that_cannot_be_taken() {
    let mut schema = Schema::default();
    let mut said = |page| decode(&page, &mut schema, &options(Nested::Json)).unwrap_err();
    let not_json = |row, expected, byte| DecodeError::NotJson { row, expected, byte };
    assert_eq!(said(page("{\"a\":1}\n{\"a\"1}", 0)), not_json(1, "a colon", 4));
    assert_eq!(said(page("{\"a\":1}x", 0)), not_json(0, "the end of the line", 7));
    assert_eq!(said(page("\n", 0)), not_json(0, "a value", 0));
    assert_eq!(said(page("[1,\n2]", 0)), not_json(0, "a value", 3));
    assert_eq!(said(page("{\"a\":01}", 0)), not_json(0, "a comma or a closing brace", 6));
    assert_eq!(said(crate::Page { count: 2, ..page("1", 0) }), DecodeError::Count { declared: 2, found: 1 });
    let bytes = crate::Page { ndjson: b"1\n\xff", ..page("1\n2", 0) };
    assert_eq!(said(bytes), DecodeError::NotUtf8 { row: 1 });
    assert_eq!(schema, Schema::default());
}

fn declared(name: &str, data_type: Option<DataType>, nullable: bool) -> Declared {
    Declared { name: name.into(), data_type, nullable, precision: None, naive: false }
}

/// A type; what fits it, and becomes what; what does not; what would be rounded.
type DeclaredCase<'c> = (DataType, &'c [(&'c str, Value)], &'c [&'c str], &'c [&'c str]);

#[test]
fn declared_types_convert_what_fits() {
    let max = "9".repeat(76);
    let max_json = format!("\"{max}\"");
    let day = |days: i32| json!({"days": days});
    let decimal = |text: &str| json!({"decimal": text});
    let noon = "2026-03-01T09:30:00Z";
    let cases: &[DeclaredCase] = &[
        (
            DataType::Text,
            &[("\"x\"", json!("x")), ("1.50", json!("1.50")), ("true", json!("true"))],
            &["{}", "[]"],
            &[],
        ),
        (
            DataType::Bigint,
            &[
                ("1", json!(1)),
                ("1e3", json!(1000)),
                ("\" -12 \"", json!(-12)),
                ("\"+12\"", json!(12)),
                ("\"007\"", json!(7)),
                ("\"0x1f\"", json!(31)),
                ("9223372036854775807.0", json!(i64::MAX)),
            ],
            &[
                "1.5",
                "9223372036854775808",
                "\"12.0\"",
                "\"\"",
                "\"--1\"",
                "\"0x-1\"",
                "true",
                "[1]",
                "\"١\"",
            ],
            &[],
        ),
        (
            DataType::Double,
            &[
                ("1", json!(1.0)),
                ("0.1234567890123456789", json!(0.123_456_789_012_345_68)),
                ("\"1e3\"", json!(1000.0)),
                ("\".5\"", json!(0.5)),
                ("\"5.\"", json!(5.0)),
                ("\"0xff\"", json!(255.0)),
            ],
            &["1e999", "\"nan\"", "\"1,5\"", "\".\"", "false", "{}"],
            &[],
        ),
        (
            DataType::Decimal,
            &[
                ("1", decimal("1.000000000000000000")),
                ("\"-1e+5\"", decimal("-100000.000000000000000000")),
                ("\" 0.10 \"", decimal("0.100000000000000000")),
                ("\"0xff\"", decimal("255.000000000000000000")),
            ],
            &["\"nan\"", "\"1_000\"", "\"0xzz\"", "true", "[]", "1e30"],
            &["0.1234567890123456789"],
        ),
        (
            DataType::Wei,
            &[("1.0", decimal("1")), (&max_json, decimal(&max))],
            &["1.5", "1e77", "\"x\"", "true"],
            &[],
        ),
        (
            DataType::Bool,
            &[
                ("true", json!(true)),
                ("0", json!(false)),
                ("1.0", json!(true)),
                ("\"False\"", json!(false)),
                ("\"y\"", json!(true)),
            ],
            &["2", "0.5", "\"\"", "\" true\"", "[]"],
            &[],
        ),
        (
            DataType::Timestamp,
            &[
                ("\"2026-03-01T09:30:00Z\"", json!(noon)),
                ("\"2026-03-01T09:30:00\"", json!(noon)),
                ("\"2026-03-01 09:30\"", json!(noon)),
                ("\"2026-03-01\"", json!("2026-03-01T00:00:00Z")),
                ("\"20260301T093000Z\"", json!(noon)),
                ("\"2026-03-01T11:30:00+0200\"", json!(noon)),
                ("\"1772357400\"", json!(noon)),
                ("1772357400.5", json!("2026-03-01T09:30:00.5Z")),
                ("\"2026-03-01T09:30:00.000000000Z\"", json!(noon)),
            ],
            &["\"2026-02-30\"", "\"yesterday\"", "\"\"", "1772357400000", "true", "{}"],
            &["\"2026-03-01T09:30:00.1234567Z\"", "1772357400.1234567", "\"2016-12-31T23:59:60Z\""],
        ),
        (
            DataType::Date,
            &[
                ("\"2026-03-01\"", day(20513)),
                ("\"20260301\"", day(20513)),
                ("\"2026-03-01T09:30:00Z\"", day(20513)),
                ("-1", day(-1)),
            ],
            &["\"2025-02-29\"", "\"09:30\"", "false"],
            &[],
        ),
        (
            DataType::Time,
            &[
                ("\"09:30\"", json!({"micros": 34_200_000_000_i64})),
                ("\"00:00:00.5\"", json!({"micros": 500_000})),
            ],
            &["\"24:30:00\"", "\"930\"", "\"2026-03-01\"", "34200", "true"],
            &["\"00:00:00.1234567\""],
        ),
        (
            DataType::Binary,
            &[
                ("\"aGk=\"", json!({"bytes": b"hi"})),
                ("\"\"", json!({"bytes": []})),
                ("\"0xdeadBEEF\"", json!({"bytes": [0xde, 0xad, 0xbe, 0xef]})),
                ("258", json!({"bytes": [2, 1]})),
            ],
            &["\"abc\"", "\"ab-_\"", "\"0xabc\"", "\"0xzz\"", "-5", "1.5", "true"],
            &[],
        ),
        (DataType::Json, &[("{ }", json!({"json": "{ }"})), ("1.0", json!({"json": "1.0"}))], &[], &[]),
    ];
    for (data_type, good, bad, too_fine) in cases {
        let options = Options { columns: vec![declared("c", Some(*data_type), true)], ..options(TABLES) };
        for (json, expected) in *good {
            let (_, decoded) = decode_all(&[&format!("{{\"c\":{json}}}")], &options);
            assert_eq!(decoded[0].refused, [], "{data_type} {json}");
            assert_eq!(rows(&decoded)[0].1, [json!({"c": expected})], "{data_type} {json}");
        }
        for (json, fine) in
            bad.iter().map(|json| (json, false)).chain(too_fine.iter().map(|json| (json, true)))
        {
            // An object would be other columns, and an array a table.
            if json.starts_with(['{', '[']) {
                continue;
            }
            let (_, decoded) = decode_all(&[&format!("{{\"c\":{json}}}")], &options);
            let reason = decoded[0].refused.first().map(|refused| &refused.reason);
            let right = match reason {
                Some(Reason::Misfit { .. }) => !fine,
                Some(Reason::TooFine { .. }) => fine,
                _ => false,
            };
            assert!(right, "{data_type} {json} {reason:?}");
        }
    }
}

#[test]
fn declared_columns_are_there_from_the_start_and_stay() {
    let columns = vec![declared("createdAt", Some(DataType::Timestamp), true), declared("n", None, true)];
    let typed = Options { columns, ..options(Nested::Json) };
    let (mut schema, decoded) = decode_all(&["{\"n\":1}", "{\"createdAt\":5}"], &typed);
    assert_eq!(types(&schema), ["created_at timestamp, n bigint"]);
    assert_eq!(schema.tables[0].columns[0].field, "createdAt");
    assert_eq!(rows(&decoded)[0].1[1], json!({"created_at": "1970-01-01T00:00:05Z"}));
    let exact = vec![
        Declared { precision: Some((10, 2)), ..declared("price", Some(DataType::Decimal), true) },
        Declared { naive: true, ..declared("at", Some(DataType::Timestamp), true) },
    ];
    let exact = Options { columns: exact, ..options(Nested::Json) };
    let page_of =
        ["{\"price\":\"1.5\",\"at\":\"2026-03-01T09:30:00\"}", "{\"at\":\"2026-03-01T09:30:00+01:00\"}"];
    let (learnt, decoded) = decode_all(&page_of, &exact);
    assert_eq!(types(&learnt), ["price decimal(10, 2), at datetime"]);
    assert_eq!(rows(&decoded)[0].1[0], json!({"price": {"decimal": "1.50"}, "at": "2026-03-01T09:30:00"}));
    assert_eq!(rows(&decoded)[0].1[1], json!({"at": "2026-03-01T08:30:00"}));
    let columns = vec![declared("n", Some(DataType::Text), true)];
    let other = Options { columns, ..options(Nested::Json) };
    let error = decode(&page("{\"n\":1}", 0), &mut schema, &other).unwrap_err();
    let expected =
        DecodeError::Redeclared { column: "n".into(), declared: DataType::Text, stored: ColumnType::Int64 };
    assert_eq!(error, expected);
}

#[test]
fn what_must_be_there() {
    let columns = vec![declared("a", None, false), declared("user__name", None, false)];
    let strict = Options { columns, key: vec!["id".into()], ..options(TABLES) };
    for (line, reason) in [
        ("{\"a\":1,\"user\":{\"name\":1}}", Some(Reason::KeyMissing { field: "id".into() })),
        ("{\"id\":null,\"a\":1,\"user\":{\"name\":1}}", Some(Reason::KeyNull { field: "id".into() })),
        ("{\"id\":1,\"user\":{\"name\":1}}", Some(Reason::ColumnMissing { column: "a".into() })),
        ("{\"id\":1,\"a\":null,\"user\":{\"name\":1}}", Some(Reason::ColumnNull { column: "a".into() })),
        ("{\"id\":1,\"a\":1}", Some(Reason::ColumnMissing { column: "user__name".into() })),
        ("{\"id\":1,\"a\":[1],\"user\":{\"name\":1}}", None),
        ("{\"id\":0,\"a\":1,\"user\":{\"name\":1}}", None),
    ] {
        let good = "{\"id\":1,\"a\":1,\"user\":{\"name\":1}}";
        let (_, decoded) = decode_all(&[&format!("{good}\n{line}\n{good}\n")], &strict);
        let found = decoded[0].refused.first().map(|refused| refused.reason.clone());
        assert_eq!(found, reason, "{line}");
    }
}

#[test]
fn structs_and_lists() {
    let columns = options(Nested::Columns);
    let text = "{\"u\":{\"name\":\"a\",\"geo\":{\"lat\":1}},\"tags\":[{\"id\":1},null,{\"x\":[]}],\"l\":[]}\n{\"u\":null}\n{\"u\":{\"geo\":{\"lat\":1.5}},\"l\":[[1],[]]}";
    let (types, rows) = learnt(&[text], &columns);
    assert_eq!(
        types,
        "u struct(name text, geo struct(lat double)), tags struct(id bigint, x json[])[], l bigint[][]"
    );
    assert_eq!(
        rows,
        [
            json!({"u": {"name": "a", "geo": {"lat": 1.0}}, "tags": [{"id": 1}, null, {"x": []}], "l": []}),
            json!({}),
            json!({"u": {"geo": {"lat": 1.5}}, "l": [[1], []]}),
        ]
    );
    // A struct grows; a variant stands beside the field within it.
    let (schema, decoded) =
        decode_all(&["{\"u\":{\"a\":1}}", "{\"u\":{\"b\":true,\"a\":\"x\"}}\n{\"u\":5}"], &columns);
    let change = &decoded[1].new_columns[0];
    assert_eq!(
        (change.change, change.column.data_type.to_string().as_str()),
        (Change::Grown, "struct(a bigint, b bool, a__v_text text)")
    );
    assert_eq!(types_of(&schema), "u struct(a bigint, b bool, a__v_text text), u__v_bigint bigint");
    // Items of several types are one piece; so is what comes to nothing.
    let (types, rows) = learnt(&["{\"a\":[1,\"x\"],\"b\":{}}", "{\"a\":[1],\"b\":{\"c\":1}}"], &columns);
    assert_eq!(types, "a json, b json");
    assert_eq!(rows[1], json!({"a": {"json": "[1]"}, "b": {"json": "{\"c\":1}"}}));
    let (types, rows) = learnt(
        &["{\"a\":[1]}\n{\"a\":[2,\"x\"]}\n{\"a\":[2.5]}", "{\"a\":[2,\"x\"]}\n{\"a\":[7]}"],
        &columns,
    );
    assert_eq!(types, "a double[], a__v_json json");
    assert_eq!(rows[3..], [json!({"a__v_json": {"json": "[2,\"x\"]"}}), json!({"a": [7.0]})]);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(learnt(&[&deep], &columns).0.contains("json[]"));
    let map: Vec<String> = (0..500).map(|at| format!("\"k{at}\":{at}")).collect();
    let map = format!("{{\"a\":{{{}}}}}", map.join(","));
    assert_eq!(learnt(&[&map, &map], &columns).0, "a json");
}

fn types_of(schema: &Schema) -> String {
    types(schema).join("; ")
}

#[test]
fn tables_of_lists() {
    let text = "{\"id\":1,\"user\":{\"name\":\"a\",\"tags\":[\"x\",null]},\"lines\":[{\"sku\":\"s\",\"sub\":[{\"q\":1},{\"q\":2}]},{}],\"e\":[],\"o\":{}}";
    let (schema, decoded) = decode_all(&[text], &options(TABLES));
    let shapes: Vec<_> =
        schema.tables.iter().map(|it| (it.name.as_str(), it.parent.as_deref(), it.field.as_str())).collect();
    assert_eq!(
        shapes,
        [
            ("t", None, ""),
            ("t__user__tags", Some("t"), "user.tags"),
            ("t__lines", Some("t"), "lines"),
            ("t__lines__sub", Some("t__lines"), "sub"),
        ]
    );
    let raw: Vec<_> = decoded[0].tables.iter().map(|table| read_back::rows(&table.batch)).collect();
    let id = |table: usize, row: usize| raw[table][row]["_row_id"].clone();
    assert_eq!(raw[0][0]["user__name"], json!("a"));
    assert_eq!(
        raw[2][1],
        json!({"_row_id": id(2, 1), "_parent_id": id(0, 0), "_list_idx": 1}).as_object().unwrap().clone()
    );
    assert_eq!(raw[3][1]["_parent_id"], id(2, 0));
    assert_eq!(raw[1][1].get("value"), None);
    assert!(raw[0][0].contains_key("_load_id") && !raw[1][0].contains_key("_load_id"));
}

#[test]
fn tables_down_to_a_depth() {
    let text = "{\"u\":{\"a\":1,\"g\":{\"b\":1}},\"l\":[{\"s\":[1],\"o\":{\"c\":1}},[2]]}";
    let shapes = |max_depth| {
        let (schema, _) = decode_all(&[text], &options(Nested::Tables { max_depth: Some(max_depth) }));
        types(&schema)
    };
    assert_eq!(shapes(0), ["u json, l json"]);
    assert_eq!(shapes(1), ["u__a bigint, u__g json", "s json, o json, list json"]);
    assert_eq!(shapes(2), ["u__a bigint, u__g__b bigint", "o__c bigint, list json", "value bigint"]);
    // What a list of a list brings is the third level.
    assert_eq!(shapes(3).len(), 4);
}

#[test]
fn row_ids_are_of_the_key_or_of_the_place() {
    let ids = |options: &Options, pages: &[&str], load_id: &str| -> Vec<String> {
        let mut schema = Schema::default();
        let mut first_row = 0;
        let mut ids = Vec::new();
        for text in pages {
            let page = crate::Page { load_id, ..page(text, first_row) };
            first_row += page.count;
            for table in decode(&page, &mut schema, options).unwrap().tables {
                let rows = read_back::rows(&table.batch);
                ids.extend(rows.iter().map(|row| format!("{} {}", table.table, row["_row_id"])));
            }
        }
        ids.sort();
        ids
    };
    let by_place = options(TABLES);
    let two = ["{\"id\":1,\"l\":[1,2]}\n", "{\"id\":\"1\",\"l\":[3]}\n"];
    let one = two.concat();
    let found = ids(&by_place, &two, "1");
    assert_eq!(found, ids(&by_place, &[&one], "1"));
    let mut single = found.clone();
    single.dedup();
    assert_eq!(single.len(), 5);
    assert_ne!(found, ids(&by_place, &two, "2"));
    // Rows on which none hang need none, but in tables like dlt's.
    let plain = decode_all(&["{\"id\":1}"], &by_place).0;
    assert!(plain.tables[0].columns.iter().all(|column| column.role != Role::RowId));
    let dlt = Options { system: SystemNames::Dlt, ..by_place };
    assert!(decode_all(&["{\"id\":1}"], &dlt).0.tables[0].column("_dlt_id").is_some());
}

#[test]
fn names_of_dlts_system_columns_and_the_root() {
    let dlt = Options { system: SystemNames::Dlt, root_id: true, ..options(TABLES) };
    let (schema, decoded) = decode_all(&["{\"l\":[[1]]}"], &dlt);
    let names: Vec<Vec<&str>> = schema
        .tables
        .iter()
        .map(|it| it.columns.iter().map(|column| column.name.as_str()).collect())
        .collect();
    assert_eq!(names[0], ["_dlt_load_id", "_loaded_at", "_dlt_id"]);
    assert_eq!(names[2], ["value", "_dlt_id", "_dlt_parent_id", "_dlt_list_idx", "_dlt_root_id"]);
    let raw: Vec<_> = decoded[0].tables.iter().map(|table| read_back::rows(&table.batch)).collect();
    assert_eq!(raw[2][0]["_dlt_root_id"], raw[0][0]["_dlt_id"]);
    assert_eq!(schema.tables[2].columns[4].role, Role::RootId);
}

#[test]
fn contracts() {
    let first = "{\"a\":1}";
    let with = |contract: Contract| Options { contract, ..options(TABLES) };
    let page_of = |text: &str, contract: Contract| {
        let mut schema = Schema::default();
        decode(&page(first, 0), &mut schema, &with(contract)).unwrap();
        schema.settle();
        let before = schema.clone();
        let decoded = decode(&page(text, 1), &mut schema, &with(contract));
        (decoded, types(&schema) == types(&before))
    };
    let all = |mode| Contract { tables: mode, columns: mode, data_type: mode };
    let good = "{\"a\":2}\n";
    for (line, what) in [
        ("{\"a\":3,\"b\":1}", Unforeseen::Column("b".into())),
        ("{\"a\":3,\"l\":[1]}", Unforeseen::Table("t__l".into())),
        (
            "{\"a\":\"x\"}",
            Unforeseen::DataType { column: "a".into(), stored: ColumnType::Int64, found: ColumnType::Text },
        ),
    ] {
        let text = format!("{good}{line}\n{good}");
        let (decoded, same) = page_of(&text, all(Mode::Freeze));
        assert_eq!(
            (decoded.unwrap_err(), same),
            (DecodeError::Frozen { row: 1, table: "t".into(), what }, true)
        );
        let (decoded, same) = page_of(&text, all(Mode::DiscardRow));
        let decoded = decoded.unwrap();
        assert_eq!((decoded.discarded_rows, decoded.discarded_values, same), (vec![1], 0, true), "{line}");
        assert_eq!(decoded.tables[0].batch.num_rows(), 2);
        let (decoded, same) = page_of(&text, all(Mode::DiscardValue));
        let decoded = decoded.unwrap();
        assert_eq!((decoded.discarded_rows, decoded.discarded_values, same), (vec![], 1, true), "{line}");
        assert_eq!(decoded.tables[0].batch.num_rows(), 3);
        let (decoded, same) = page_of(&text, Contract::EVOLVE);
        assert_eq!((decoded.is_ok(), same), (true, false));
    }
    // A list's table is named where the new column is.
    let mut schema = Schema::default();
    let frozen = with(all(Mode::Freeze));
    decode(&page("{\"l\":[{\"a\":1}]}", 0), &mut schema, &frozen).unwrap();
    schema.settle();
    let error = decode(&page("{\"l\":[{\"a\":1,\"b\":2}]}", 1), &mut schema, &frozen).unwrap_err();
    let said = "table `t__l` gets a new column, `b`, which its schema contract freezes";
    assert_eq!(error.to_string(), said);
    // Before a load was finished, everything is new.
    let (schema, _) = decode_all(&[first, "{\"b\":[1]}"], &with(all(Mode::Freeze)));
    assert_eq!(schema.tables.len(), 2);
}

#[test]
fn rows_that_bring_columns_and_are_refused_do_not_cost_a_reading_each() {
    let mut lines = String::new();
    for at in 0..200 {
        lines += &if at % 2 == 0 {
            format!("{{\"id\":{at},\"o\":{{\"a\":{at}}},\"l\":[{at}],\"v\":{at}}}\n")
        } else {
            format!(
                "{{\"n{at}\":[{{\"x\":1}}],\"o\":{{\"b{at}\":1}},\"l\":[\"x\"],\"v\":1.5,\"id\":1,\"id\":2}}\n"
            )
        };
    }
    for nested in [Nested::Json, Nested::Columns, TABLES] {
        let (schema, decoded) = decode_all(&[&lines], &options(nested));
        assert_eq!(decoded[0].refused.len(), 100);
        let root = &rows(&decoded)[0].1;
        let ids: Vec<i64> = root.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (0..200).step_by(2).collect::<Vec<_>>());
        assert!(root.iter().all(|row| row.as_object().unwrap().len() <= 4), "{:?}", root[0]);
        // The first of them have left nothing; the later ones have, and it is empty.
        let named = |name: &str| schema.tables.iter().any(|it| it.columns.iter().any(|it| it.name == name));
        assert!(!named("n1") && !named("o__b1"));
        if nested == Nested::Json {
            let last = &root[99];
            assert_eq!((last["v"].as_f64(), &last["o"]["json"]), (Some(198.0), &json!("{\"a\":198}")));
        }
    }
}

#[test]
fn columns_and_tables_whose_fields_are_not_known_go_to_the_first_that_have_their_names() {
    let column = |name: &str, role| Column {
        name: name.to_owned(),
        field: String::new(),
        data_type: ColumnType::Text,
        nullable: true,
        role,
    };
    let table = |name: &str, parent: Option<&str>, column_name: &str| TableSchema {
        name: name.to_owned(),
        parent: parent.map(str::to_owned),
        field: String::new(),
        columns: vec![column(column_name, Role::Field), column("_row_id", Role::RowId)],
        settled: true,
    };
    let mut schema = Schema {
        tables: vec![table("t", None, "user__first_name"), table("t__all_tags", Some("t"), "value")],
    };
    let text = r#"{"user":{"firstName":"x"},"allTags":["a"]}"#;
    let decoded = decode(&page(text, 0), &mut schema, &options(TABLES)).unwrap();
    assert_eq!(
        rows(&[decoded]),
        [
            ("t".to_owned(), vec![json!({"user__first_name": "x"})]),
            ("t__all_tags".to_owned(), vec![json!({"value": "a"})])
        ]
    );
    let [root, tags] = schema.tables.as_slice() else { panic!("{schema:?}") };
    assert_eq!((root.columns[0].field.as_str(), tags.field.as_str()), ("user.firstName", "allTags"));
    let other = r#"{"user":{"FirstName":"x"}}"#;
    let decoded = decode(&page(other, 0), &mut schema, &options(TABLES)).unwrap();
    assert!(matches!(decoded.refused[0].reason, Reason::Collision { .. }));
    let other = r#"{"all_tags":["a"]}"#;
    let decoded = decode(&page(other, 0), &mut schema, &options(TABLES)).unwrap();
    assert!(matches!(decoded.refused[0].reason, Reason::Collision { .. }));
}

#[test]
fn whether_a_column_was_null_is_known() {
    let nullable = |pages: &[&str], options: &Options| -> Vec<String> {
        let (schema, _) = decode_all(pages, options);
        let columns = schema.tables.iter().flat_map(|table| &table.columns).filter(|column| column.nullable);
        columns.map(|column| column.name.clone()).collect()
    };
    let json = options(Nested::Json);
    let first = "{\"a\":1,\"b\":1,\"c\":1}\n{\"a\":2,\"b\":null,\"c\":2}";
    assert_eq!(nullable(&[first], &json), ["b"]);
    assert_eq!(nullable(&[first, "{\"a\":3,\"b\":3}"], &json), ["b", "c"]);
    // What comes later was missing before; what was null once has been.
    assert_eq!(nullable(&[first, "{\"a\":3,\"b\":3,\"c\":3,\"d\":4}", "{\"a\":4}"], &json), ["b", "c", "d"]);
    let one = "{\"a\":1}\n{\"a\":\"x\"}";
    assert_eq!(nullable(&[one], &json), ["a", "a__v_text"]);
    // A row that is refused has not been.
    assert_eq!(nullable(&["{\"a\":1}\n{\"a\":2,\"a\":null}\nnull"], &json), [""; 0]);
    let lists = "{\"l\":[{\"x\":1},{\"x\":2,\"y\":1}]}\n{\"l\":[]}";
    assert_eq!(nullable(&[lists], &options(TABLES)), ["y"]);
    let declared =
        Options { columns: vec![declared("z", Some(DataType::Text), true)], ..options(Nested::Json) };
    assert_eq!(nullable(&["{\"a\":1}"], &declared), ["z"]);
}
