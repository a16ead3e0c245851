//! Values at the edges of their types, and columns that come as rows have them.

use std::collections::BTreeMap;

use ::parquet::file::reader::{ChunkReader, FileReader as _, SerializedFileReader};
use ::parquet::record::RowAccessor as _;

use super::found::files_in;
use super::loads::{DISPOSITIONS, load, page, table};
use super::{Place, places};
use crate::*;

/// A column, what is declared of it, and its values.
type Edges = (&'static str, Option<DataType>, &'static [&'static str]);

const EDGES: [Edges; 15] = [
    ("truth", None, &["true", "false"]),
    ("whole", None, &["9223372036854775807", "-9223372036854775808", "0"]),
    ("beyond", None, &["18446744073709551615", "-9223372036854775809", "1"]),
    ("real", None, &["0.1", "1.7976931348623157e308", "5e-324", "-0.0", "-1e300"]),
    ("real_said", Some(DataType::Double), &["5", "9007199254740993.0", "\"2.5\""]),
    ("exact", Some(DataType::Decimal), &["12345678901234567890.1234567890", "-0.0000000001", "\"1e3\"", "7"]),
    ("digits", None, &["0.1234567890123456789", "-1.10"]),
    (
        "text",
        None,
        &[r#""""#, r#""\u0001\t\n'\"\\%_ \ufeff""#, r#""\ud834\udd1e\udbff\udfff""#, r#""007""#, r#""null""#],
    ),
    ("text_said", Some(DataType::Text), &["7", "1.50", "true"]),
    (
        "moment",
        None,
        &[
            r#""0001-01-01T00:00:00Z""#,
            r#""9999-12-31T23:59:59.999999Z""#,
            r#""1969-12-31T23:59:59.999999Z""#,
            r#""2026-03-01T00:30:00+14:00""#,
            r#""2024-02-29T12:00:00.5-00:30""#,
        ],
    ),
    ("naive", None, &[r#""0001-01-01T00:00:00""#, r#""9999-12-31T23:59:59.999999""#]),
    ("day", Some(DataType::Date), &[r#""0001-01-01""#, r#""9999-12-31""#, r#""2024-02-29""#]),
    ("time", Some(DataType::Time), &[r#""00:00:00""#, r#""23:59:59.999999""#]),
    ("bytes", Some(DataType::Binary), &[r#""""#, r#""AP8=""#]),
    ("nested", None, &[r#"{"a": [1, 2.5, null, {"b": "ü"}]}"#, r#"{"a": []}"#, r#"{}"#]),
];

/// As many rows as the longest list of values has, and one more, which has nothing but its id.
fn ndjson() -> String {
    let rows = EDGES.iter().map(|(_, _, values)| values.len()).max().unwrap_or_default();
    let row = |row: usize| {
        let fields = EDGES
            .iter()
            .filter_map(|(name, _, values)| values.get(row).map(|value| format!(",\"{name}\":{value}")));
        format!("{{\"id\":{row}{}}}\n", fields.collect::<String>())
    };
    (0..=rows).map(row).collect()
}

fn edges() -> Table {
    let declared = EDGES.iter().filter_map(|(name, data_type, _)| {
        let data_type = Some((*data_type)?);
        Some(Column { name: (*name).to_owned(), data_type, nullable: true, ..Column::default() })
    });
    Table { columns: declared.collect(), ..table("edges", Disposition::Append) }
}

/// What is read of each value by another way than the one it was written by.
fn read(place: &Place) -> String {
    match &place.target {
        Target::Jsonl { dir, .. } => std::fs::read_to_string(dir.join("edges.jsonl")).unwrap(),
        Target::Parquet { dir, .. } => {
            let manifest = std::fs::read(dir.join("manifest.json")).unwrap();
            let files = files_in(&serde_json::from_slice(&manifest).unwrap(), "edges");
            by_rows(std::fs::File::open(dir.join(files[0].as_str().unwrap())).unwrap())
        }
        Target::Store { form, address } => {
            let store = crate::store::Store::open(address).unwrap();
            let manifest = store.get("manifest.json").unwrap().unwrap().bytes;
            let files = files_in(&serde_json::from_slice(&manifest).unwrap(), "edges");
            let bytes = store.get(files[0].as_str().unwrap()).unwrap().unwrap().bytes;
            match form {
                Form::Lines => String::from_utf8(bytes.to_vec()).unwrap(),
                Form::Parquet => by_rows(bytes),
            }
        }
        _ => EDGES
            .iter()
            .map(|(name, _, values)| {
                let sql = format!("SELECT coalesce({}, 'NULL') FROM edges ORDER BY id", as_text(place, name));
                let mut found = place.ask(&sql);
                assert!(found.split_off(values.len()).iter().all(|value| value == "NULL"), "{name}");
                format!(
                    "{name}: {}\n",
                    found.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
                )
            })
            .collect(),
    }
}

/// SQLite's own text of a double is shorter than what it holds.
fn as_text(place: &Place, name: &str) -> String {
    match (&place.target, name) {
        (Target::Sqlite { .. }, "real" | "real_said") => {
            format!("iif({name} IS NULL, NULL, printf('%!.17g', {name}))")
        }
        (Target::Sqlite { .. }, "bytes") => format!("iif({name} IS NULL, NULL, 'x' || hex({name}))"),
        _ => format!("CAST(\"{name}\" AS text)"),
    }
}

/// By rows, where it was written by columns.
fn by_rows(file: impl ChunkReader + 'static) -> String {
    let mut found: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
    let reader = SerializedFileReader::new(file).unwrap();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let fields = row.get_column_iter().map(|(name, field)| (name.clone(), field.to_string()));
        let id = row.get_column_iter().position(|(name, _)| name == "id").unwrap();
        found.insert(row.get_long(id).unwrap(), fields.collect());
    }
    let line = |(name, _, values): &Edges| {
        let mut found: Vec<&str> = found.values().map(|row| row[*name].as_str()).collect();
        assert!(found.split_off(values.len()).iter().all(|value| *value == "null"), "{name} {found:?}");
        format!("{name}: {}\n", found.join(" "))
    };
    EDGES.iter().map(line).collect()
}

#[test]
fn types_at_their_edges() {
    let mut told: BTreeMap<&str, String> = BTreeMap::new();
    for place in places() {
        let table = edges();
        let mut to = place.open();
        to.begin(&table, &load("edges", "1")).unwrap();
        to.write(&table, &page(&ndjson(), "1"), &[]).unwrap();
        to.finish(&table, &load("edges", "1"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        let kind = match &place.target {
            Target::Sqlite { .. } => "sqlite",
            Target::Postgres { .. } => "postgresql",
            // It keeps what is nested as text.
            Target::DuckDb { .. } if place.driven.is_some() => "not_known",
            Target::DuckDb { .. } => "duckdb",
            Target::Parquet { .. } | Target::Store { form: Form::Parquet, .. } => "parquet",
            Target::Jsonl { .. } | Target::Store { form: Form::Lines, .. } => "jsonl",
            Target::Adbc { .. } if place.is_snowflake() => "snowflake",
            Target::Adbc { .. } => "not_known",
            Target::Stdout => unreachable!(),
        };
        let read = read(&place);
        // By whatever way they came, the same is there.
        let known = told.entry(kind).or_insert_with(|| read.clone());
        assert_eq!(*known, read, "{:?}", place.door());
    }
    assert_eq!(told.remove("jsonl").unwrap(), ndjson());
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (kind, read) in told {
            insta::assert_snapshot!(kind, read);
        }
    });
}

#[test]
fn columns_come_as_rows_have_them() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let tasks = table("tasks", disposition);
            let pages =
                ["{\"id\":1,\"v\":1}\n", "{\"id\":2,\"v\":\"x\",\"new\":\"a\"}\n", "{\"id\":3,\"v\":2}\n"];
            for (load_id, pages) in [("1", &pages[..2]), ("2", &pages[..])] {
                let mut to = place.open();
                to.begin(&tasks, &load("tasks", load_id)).unwrap();
                for rows in pages {
                    to.write(&tasks, &page(rows, load_id), &[]).unwrap();
                    // Each has its columns with its own commit.
                    to.commit().unwrap();
                }
                to.finish(&tasks, &load("tasks", load_id), &[]).unwrap();
                to.commit().unwrap();
            }
            let other = if place.is_typed() { "v__v_text" } else { "v" };
            let two = format!("{{\"id\":2,\"new\":\"a\",\"{other}\":\"x\"}}");
            let mut expected = vec!["{\"id\":1,\"v\":1}".to_owned(), two, "{\"id\":3,\"v\":2}".to_owned()];
            if disposition == Disposition::Append {
                expected.extend(expected[..2].to_vec());
            }
            expected.sort();
            assert_eq!(place.rows("tasks"), expected, "{disposition:?} {:?}", place.door());
        }
    }
}
