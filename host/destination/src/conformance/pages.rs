//! What becomes of a page: it is written whole, or refused by what its rows are.

use super::loads::{DISPOSITIONS, load, page, pending, table};
use super::{local_places, places};
use crate::*;

#[test]
fn a_page_is_whole_or_absent() {
    for place in places() {
        for (ndjson, said) in [
            ("{\"id\":7}\nnull\n", "tasks row 1 of the page: the row is null"),
            ("{\"id\":7}\n{\"id\":\n", "tasks row 1 of the page: not JSON"),
            ("{\"id\":7}\n{\"id\":8} x\n", "tasks row 1 of the page: not JSON"),
            ("{\"id\":7}\n{\"new\":1}\n", "tasks row 1 of the page: primary key field `id` is missing"),
            ("{\"id\":7}\n{\"id\":null}\n", "tasks row 1 of the page: primary key field `id` is null"),
            ("{\"id\":7}\n3\n", "tasks row 1 of the page: primary key field `id` is missing"),
            ("{\"id\":7}\n{\"id\":8,\"id\":9}\n", "tasks row 1 of the page: field `id` stands twice in one "),
        ] {
            let table = table("tasks", Disposition::Merge);
            let mut to = place.open();
            to.begin(&table, &load("tasks", "1")).unwrap();
            to.write(&table, &page("{\"id\":1}\n", "1"), &[]).unwrap();
            let refused = to.write(&table, &page(ndjson, "1"), &[pending(9)]).unwrap_err();
            assert!(refused.to_string().starts_with(said), "{refused}");
            assert!(matches!(refused, DestinationError::Data(_)));
            let short = Rows { count: 2, ..page("{\"id\":3}\n", "1") };
            assert!(matches!(to.write(&table, &short, &[]), Err(DestinationError::Data(_))));
            to.write(&table, &page("{\"id\":2,\"newer\":1}\n", "1"), &[]).unwrap();
            to.finish(&table, &load("tasks", "1"), &[]).unwrap();
            to.commit().unwrap();
            assert_eq!(to.state().pending, []);
            drop(to);
            assert_eq!(place.rows("tasks"), ["{\"id\":1}", "{\"id\":2,\"newer\":1}"]);
        }
    }
}

#[test]
fn a_load_without_rows() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let table = table("tasks", disposition);
            let mut to = place.open();
            let mut load_nothing = |id: &str| {
                to.begin(&table, &load("tasks", id)).unwrap();
                to.write(&table, &page("", id), &[]).unwrap();
                to.finish(&table, &load("tasks", id), &[]).unwrap();
                to.commit().unwrap();
            };
            load_nothing("1");
            load_nothing("2");
            assert_eq!(place.rows("tasks"), [""; 0]);
            match &place.target {
                Target::DuckDb { path, driver, .. } => {
                    let found = crate::sql::open::duckdb_tables(path, driver.as_deref(), "tasks");
                    assert_eq!(found, ["tasks"]);
                }
                Target::Sqlite { path } => {
                    let conn = rusqlite::Connection::open(path).unwrap();
                    conn.prepare("SELECT _loaded_at, _load_id FROM tasks").unwrap();
                }
                Target::Postgres { address } => {
                    let sql =
                        format!("SELECT count((_loaded_at, _load_id))::text FROM {}.tasks", address.schema);
                    assert_eq!(crate::postgres::tests::ask(address, &sql), ["0"]);
                }
                Target::Jsonl { dir, .. } => assert!(dir.join("tasks.jsonl").exists()),
                Target::Parquet { dir, .. } => {
                    let manifest = std::fs::read_to_string(dir.join("manifest.json")).unwrap();
                    assert!(manifest.contains("\"tasks\""), "{manifest}");
                }
                Target::Store { address, .. } => {
                    let store = crate::store::Store::open(address).unwrap();
                    let manifest = store.get("manifest.json").unwrap().unwrap();
                    assert!(String::from_utf8_lossy(&manifest.bytes).contains("\"tasks\""));
                }
                Target::Adbc { .. } => {
                    let sql = "SELECT count(\"_load_id\") + count(\"_loaded_at\") FROM \"tasks\"";
                    assert_eq!(place.ask(sql), ["0"]);
                }
                Target::Stdout => unreachable!(),
            }
        }
    }
}

fn declared(resource: &str, disposition: Disposition) -> Table {
    let column = |name: &str, data_type, nullable| Column {
        name: name.to_owned(),
        data_type,
        nullable,
        ..Column::default()
    };
    Table {
        columns: vec![
            column("amount", Some(DataType::Decimal), true),
            column("id", Some(DataType::Bigint), false),
            column("late", Some(DataType::Timestamp), true),
        ],
        ..table(resource, disposition)
    }
}

#[test]
fn a_row_that_breaks_what_is_declared_refuses_its_page() {
    let cases = [
        ("{\"id\":\"x\"}", "column `id` is declared bigint, and holds \"x\""),
        ("{\"id\":2,\"amount\":\"much\"}", "column `amount` is declared decimal, and holds \"much\""),
        ("{\"late\":null,\"id\":2.5}", "column `id` is declared bigint, and holds 2.5"),
    ];
    for place in places() {
        for disposition in DISPOSITIONS {
            let table = declared("tasks", disposition);
            let mut to = place.open();
            to.begin(&table, &load("tasks", "1")).unwrap();
            for (bad, words) in cases {
                let text = format!("{{\"id\":1}}\n{bad}\n{{\"id\":3}}\n");
                let refused = to.write(&table, &page(&text, "1"), &[]).unwrap_err();
                assert_eq!(refused.to_string(), format!("tasks row 1 of the page: {words}"));
                let found = to.breaches(&table, &page(&text, "1")).unwrap();
                assert_eq!(found.iter().map(|breach| breach.row).collect::<Vec<_>>(), [Some(1)]);
                assert!(found.iter().all(|breach| breach.kind.is_of_row()));
            }
            to.write(
                &table,
                &page("{\"id\":\"1\",\"amount\":0.10}\n{\"id\":3,\"amount\":\"1e3\"}", "1"),
                &[],
            )
            .unwrap();
            to.undo(&table, "1").unwrap();
            to.commit().unwrap();
        }
    }
}

#[test]
fn declared_columns_are_there_even_where_no_row_has_them() {
    let [place, ..] = local_places();
    let columns = |resource: &str| -> Vec<String> {
        let Target::Sqlite { path } = &place.target else { unreachable!() };
        let conn = rusqlite::Connection::open(path).unwrap();
        let select = conn.prepare(&format!("SELECT * FROM \"{resource}\"")).unwrap();
        select.column_names().map(str::to_owned).collect()
    };
    let mut to = place.open();
    for (name, disposition) in ["a", "r", "m"].into_iter().zip(DISPOSITIONS) {
        let table = declared(name, disposition);
        for (load_id, rows) in [("1", ""), ("2", "{\"x\":1,\"id\":1}"), ("3", "")] {
            let load = load(name, load_id);
            to.begin(&table, &load).unwrap();
            to.write(&table, &page(rows, load_id), &[]).unwrap();
            to.finish(&table, &load, &[]).unwrap();
            to.commit().unwrap();
            let mut found = columns(name);
            found.sort();
            let expected: &[&str] = match load_id {
                "1" => &["_load_id", "_loaded_at", "amount", "id", "late"],
                _ => &["_load_id", "_loaded_at", "amount", "id", "late", "x"],
            };
            assert_eq!(found, expected, "{name} {load_id}");
        }
    }
    // A value is kept exactly, as its column is declared.
    let table = declared("kept", Disposition::Append);
    to.begin(&table, &load("kept", "1")).unwrap();
    let row = "{\"id\":\"007\",\"amount\":12345678901234567890.123456789}";
    to.write(&table, &page(row, "1"), &[]).unwrap();
    to.finish(&table, &load("kept", "1"), &[]).unwrap();
    to.commit().unwrap();
    assert_eq!(place.rows("kept"), ["{\"amount\":\"12345678901234567890.123456789\",\"id\":7}"]);
}
