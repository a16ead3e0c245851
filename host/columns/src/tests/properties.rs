//! What holds for any rows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{options, page, read_back};
use crate::number::Decimal;
use crate::{Names, Nested, Options, Schema, decode};

/// JSON text of a value whose keys are few, so that rows meet in their columns.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|it| it.to_string()),
        (-100..100_i32).prop_map(|it| it.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?(e-?1?[0-9])?",
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(|it| format!("{it:e}")),
        "[a-z\\\\\"é\\n\u{0}]{0,6}".prop_map(|it| Value::from(it).to_string()),
        "20(0[0-9]|24)-0[1-9]-2[0-9][T ]1[0-9]:30(:0[0-9](\\.[0-9]{1,8})?)?(Z|\\+02:00|-05)?"
            .prop_map(|it| Value::from(it).to_string()),
        "(0001|1969|20[0-9]{2})-[01][0-9]-[0-3][0-9]".prop_map(|it| Value::from(it).to_string()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::btree_map("[abc]", value, 0..4).prop_map(|fields| {
        let fields: Vec<String> =
            fields.into_iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn any_rows() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(object(any_json()), 1..12)
}

/// Splits rows into pages.
fn pages(rows: &[String], size: usize) -> Vec<String> {
    rows.chunks(size).map(|rows| rows.join("\n")).collect()
}

/// What a value is, however it is written: numbers and moments by their value.
fn canonical(raw: &str) -> String {
    match serde_json::from_str::<BTreeMap<String, Box<serde_json::value::RawValue>>>(raw) {
        Ok(fields) => {
            let fields = fields.iter().filter(|(_, value)| value.get() != "null");
            let fields: Vec<String> =
                fields.map(|(key, value)| format!("{key}={}", canonical(value.get()))).collect();
            return format!("{{{}}}", fields.join(","));
        }
        Err(_) if raw.starts_with('[') => {
            let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(raw).unwrap();
            let items: Vec<String> = items.iter().map(|item| canonical(item.get())).collect();
            return format!("[{}]", items.join(","));
        }
        Err(_) => {}
    }
    match serde_json::from_str::<Value>(raw) {
        Ok(Value::String(text)) => text_canonical(&text),
        Ok(Value::Bool(_) | Value::Null) => raw.to_owned(),
        _ => Decimal::read(raw).unwrap().canonical(),
    }
}

fn text_canonical(text: &str) -> String {
    match crate::moment::moment(text) {
        Some(moment) => format!("{}{}", moment.micros, if moment.utc { "Z" } else { "" }),
        None => format!("{text:?}"),
    }
}

/// The same of what was read back: a variant is the value of its field.
fn canonical_row(row: &Map<String, Value>) -> String {
    let mut fields = BTreeMap::new();
    for (name, value) in row {
        if ["_load_id", "_loaded_at"].contains(&name.as_str()) {
            continue;
        }
        let field = name.split_once("__v_").map_or(name.as_str(), |(field, _)| field);
        assert!(fields.insert(field.to_owned(), canonical_value(value)).is_none(), "{field} twice");
    }
    let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn canonical_value(value: &Value) -> String {
    match value {
        Value::String(text) => text_canonical(text),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(double) => Decimal::read(&format!("{double:e}")).unwrap().canonical(),
            None => Decimal::read(&number.to_string()).unwrap().canonical(),
        },
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("json") => {
            canonical(fields["json"].as_str().unwrap())
        }
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("decimal") => {
            Decimal::read(fields["decimal"].as_str().unwrap()).unwrap().canonical()
        }
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("days") => {
            let days = jiff::Span::new().days(fields["days"].as_i64().unwrap());
            let day = jiff::civil::date(1970, 1, 1).checked_add(days).unwrap();
            text_canonical(&day.to_string())
        }
        Value::Object(fields) => canonical_row(fields),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical_value).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

fn any_nested() -> impl Strategy<Value = Nested> {
    let tables = proptest::option::of(0..4_u32).prop_map(|max_depth| Nested::Tables { max_depth });
    prop_oneof![Just(Nested::Json), Just(Nested::Columns), tables]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_read_back_is_what_came(
        rows in any_rows(),
        size in 1..12_usize,
        nested in prop_oneof![Just(Nested::Json), Just(Nested::Columns)],
    ) {
        let options = Options { names: Names::AsIs, ..options(nested) };
        let mut schema = Schema::default();
        let mut found = Vec::new();
        for text in pages(&rows, size) {
            let decoded = decode(&page(&text, 0), &mut schema, &options).unwrap();
            prop_assert_eq!(&decoded.refused, &[]);
            for table in decoded.tables {
                found.extend(read_back::rows(&table.batch).iter().map(canonical_row));
            }
        }
        let came: Vec<String> = rows.iter().map(|row| canonical(row)).collect();
        prop_assert_eq!(found, came);
    }

    #[test]
    fn columns_stay_as_they_are_and_the_same_pages_come_to_the_same(
        rows in any_rows(), size in 1..5_usize, nested in any_nested(),
    ) {
        let options = options(nested);
        let (mut schema, mut again) = (Schema::default(), Schema::default());
        let mut first_row = 0;
        for text in pages(&rows, size) {
            let before = schema.clone();
            let page = page(&text, first_row);
            first_row += page.count;
            let decoded = decode(&page, &mut schema, &options).unwrap();
            for old in &before.tables {
                let new = schema.table(&old.name).unwrap();
                prop_assert!(new.columns.len() >= old.columns.len());
                for (old, new) in old.columns.iter().zip(&new.columns) {
                    prop_assert_eq!((&old.name, old.role), (&new.name, new.role));
                    // A struct may have more fields, also within.
                    let nested = old.data_type.to_string().contains("struct(");
                    prop_assert!(nested || old.data_type == new.data_type);
                }
            }
            for table in &decoded.tables {
                let columns = schema.table(&table.table).unwrap().arrow();
                prop_assert_eq!(table.batch.schema_ref().as_ref(), &columns);
            }
            // Stored and read again, it goes on as before.
            again = serde_json::from_str(&serde_json::to_string(&again).unwrap()).unwrap();
            prop_assert_eq!(&decode(&page, &mut again, &options).unwrap(), &decoded);
            prop_assert_eq!(&again, &schema);
        }
    }

    #[test]
    fn a_refused_row_leaves_no_trace(rows in any_rows(), bad in object(any_json()), at in 0..12_usize, nested in any_nested()) {
        let options = options(nested);
        let (mut schema, mut without) = (Schema::default(), Schema::default());
        let mut all = rows.clone();
        let at = at.min(rows.len());
        // The key comes once more at its end.
        let fields = bad.trim_end_matches('}');
        let comma = if fields == "{" { "" } else { "," };
        all.insert(at, format!("{fields}{comma}\"z\":1,\"z\":2}}"));
        let closed = fields.matches(['{', '[']).count() == fields.matches(['}', ']']).count() + 1;
        prop_assume!(closed && !bad.contains('\\'));
        // Rows are named by key: one row less moves the others.
        let text = all.join("\n");
        let rest = rows.join("\n");
        let with = decode(&page(&text, 0), &mut schema, &options).unwrap();
        let alone = decode(&page(&rest, 0), &mut without, &options).unwrap();
        // Two other rows may want one table for lists of different places: the second is refused either way.
        let mut refused = with.refused.clone();
        let own = refused.iter().position(|refused| refused.row == at as u64);
        prop_assert!(own.is_some(), "{:?}", refused);
        refused.remove(own.unwrap());
        for refused in refused.iter_mut().filter(|refused| refused.row > at as u64) {
            refused.row -= 1;
        }
        prop_assert_eq!(refused, alone.refused);
        prop_assert_eq!(schema, without);
        prop_assert_eq!(with.tables.len(), alone.tables.len());
        for (with, alone) in with.tables.iter().zip(&alone.tables) {
            prop_assert_eq!(with.batch.num_rows(), alone.batch.num_rows());
            for (field, (with, alone)) in with.batch.schema().fields().iter().zip(with.batch.columns().iter().zip(alone.batch.columns())) {
                if !field.name().ends_with("_id") {
                    prop_assert_eq!(with, alone);
                }
            }
        }
    }

    #[test]
    fn no_bytes_panic(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            "[\\[\\]{}\",:0-9eE.+\\-truefalsn\\\\ud80c\n ]{0,60}".prop_map(String::into_bytes),
        ],
        nested in any_nested(),
    ) {
        let count = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
        let mut schema = Schema::default();
        let page = crate::Page { ndjson: &bytes, count, first_row: 0, load_id: "1", loaded_at_ms: u64::MAX };
        if decode(&page, &mut schema, &options(nested)).is_err() {
            prop_assert_eq!(schema, Schema::default());
        }
    }

    #[test]
    fn a_cut_page_never_panics(rows in any_rows(), cut in 0..400_usize, nested in any_nested()) {
        let text = rows.join("\n");
        let mut cut = cut.min(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let _ = decode(&page(&text[..cut], 0), &mut Schema::default(), &options(nested));
    }
}
