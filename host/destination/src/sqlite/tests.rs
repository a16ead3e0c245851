//! What only a database can go wrong with: columns, types, tables of others, a full disk.

use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::Sqlite;
use crate::conformance::{Place, load, local_places, page, table};
use crate::*;

fn place() -> Place {
    let [sqlite, ..] = local_places();
    sqlite
}

fn path(place: &Place) -> PathBuf {
    match &place.target {
        Target::Sqlite { path } => path.clone(),
        _ => unreachable!(),
    }
}

fn reader(place: &Place) -> Connection {
    Connection::open(path(place)).unwrap()
}

fn inner(to: &mut Destination) -> &mut Sqlite {
    match to {
        Destination::Sqlite(it) => it,
        _ => unreachable!(),
    }
}

/// One load of one page.
fn write(place: &Place, table: &Table, load_id: &str, rows: &str) -> Result<Written, DestinationError> {
    let mut to = place.open();
    to.begin(table, &load(&table.resource, load_id))?;
    let written = to.write(table, &page(rows, load_id), &[])?;
    to.finish(table, &load(&table.resource, load_id), &[])?;
    to.commit()?;
    Ok(written)
}

fn columns(conn: &Connection, table: &str) -> Vec<String> {
    let select = conn.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
    select.column_names().map(str::to_owned).collect()
}

fn kind_of(rows: &str) -> DataErrorKind {
    match write(&place(), &keyless("tasks"), "1", rows).unwrap_err() {
        DestinationError::Data(data) => data.kind,
        other => panic!("{other}"),
    }
}

/// A table of which nothing is declared.
fn keyless(resource: &str) -> Table {
    Table { primary_key: Vec::new(), ..table(resource, Disposition::Append) }
}

#[test]
fn values_keep_their_kind() {
    let place = place();
    let text = |text: &str| Value::Text(text.to_owned());
    let cases = [
        ("null", Value::Null),
        ("true", Value::Integer(1)),
        ("9223372036854775807", Value::Integer(i64::MAX)),
        ("18446744073709551615", text("18446744073709551615")),
        ("1.10", Value::Real(1.1)),
        ("0.1234567890123456789", text("0.1234567890123456789")),
        ("\"007\"", text("007")),
        ("\"1e5\"", text("1e5")),
        ("\"tab\\there\"", text("tab\there")),
        ("\"nul\\u0000\"", text("nul\0")),
        ("\"\\ud800\"", text("\"\\ud800\"")),
        ("{\"a\": [1.50]}", text("{\"a\": [1.50]}")),
    ];
    // Each in a column of its own, and all in one column.
    let wide: Vec<_> =
        cases.iter().enumerate().map(|(index, (json, _))| format!("\"c{index}\":{json}")).collect();
    let tall: Vec<_> = cases.iter().map(|(json, _)| format!("{{\"all\":{json}}}\n")).collect();
    let rows = format!("{{{}}}\n{}[1, 2]\n\"x\"\n", wide.join(","), tall.concat());
    write(&place, &keyless("tasks"), "1", &rows).unwrap();
    let conn = reader(&place);
    for (index, (json, value)) in cases.iter().enumerate() {
        let sql = format!("SELECT c{index} FROM tasks LIMIT 1");
        assert_eq!(conn.query_row(&sql, [], |row| row.get::<_, Value>(0)).unwrap(), *value, "{json}");
        let sql = format!("SELECT \"all\" FROM tasks LIMIT 1 OFFSET {}", index + 1);
        assert_eq!(conn.query_row(&sql, [], |row| row.get::<_, Value>(0)).unwrap(), *value, "{json}");
    }
    let scalars = "SELECT group_concat(value) FROM tasks WHERE value IS NOT NULL";
    assert_eq!(conn.query_row(scalars, [], |row| row.get::<_, String>(0)).unwrap(), "[1, 2],x");
    let stamp = "SELECT DISTINCT _loaded_at || _load_id FROM tasks";
    assert_eq!(
        conn.query_row(stamp, [], |row| row.get::<_, String>(0)).unwrap(),
        "2026-03-01T09:30:00.250Z1"
    );
}

#[test]
fn columns_come_as_they_are_learnt() {
    let place = place();
    let tasks = keyless("tasks");
    let written = write(&place, &tasks, "1", "{\"b\":1,\"a\":2}\n{\"a\":3,\"c\":4}\n{\"b\":5}\n").unwrap();
    assert_eq!(written, Written { rows: 3, new_columns: vec!["c".to_owned()] });
    let written = write(&place, &tasks, "2", "{\"order\":1,\"\":2,\"x\\\"y\":3,\"é\":4,\"É\":5}\n").unwrap();
    assert_eq!(written.new_columns, ["order", "", "x\"y", "é", "É"]);
    let conn = reader(&place);
    let expected = ["b", "a", "_loaded_at", "_load_id", "c", "order", "", "x\"y", "é", "É"];
    assert_eq!(columns(&conn, "tasks"), expected);
    let sql = "SELECT coalesce(a, '-') || coalesce(b, '-') || coalesce(c, '-') FROM tasks";
    let mut select = conn.prepare(sql).unwrap();
    let rows: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, ["21-", "3-4", "-5-", "---"]);
}

#[test]
fn fields_that_cannot_be_columns() {
    let differ = |first: &str, second: &str| DataErrorKind::FieldsDifferInCase {
        first: first.to_owned(),
        second: second.to_owned(),
    };
    let reserved = |field: &str| DataErrorKind::ReservedField { field: field.to_owned() };
    let twice = |field: &str| DataErrorKind::FieldTwice { field: field.to_owned() };
    assert_eq!(kind_of("{\"Name\":1,\"name\":2}\n"), differ("Name", "name"));
    assert_eq!(kind_of("{\"name\":1}\n{\"NAME\":2}\n"), differ("name", "NAME"));
    assert_eq!(kind_of("{\"a\":1,\"_load_id\":2}\n"), reserved("_load_id"));
    assert_eq!(kind_of("{\"_Loaded_At\":2}\n"), reserved("_Loaded_At"));
    assert_eq!(kind_of("{\"a\":1,\"b\":1,\"a\":1}\n"), twice("a"));
    assert_eq!(kind_of("{\"a\":1,\"\\u0061\":1}\n"), twice("a"));
    assert_eq!(kind_of("{\"x\":0}\n{\"b\":1,\"b\":1}\n"), twice("b"));
    assert_eq!(kind_of("{\"a\\u0000\":1}\n"), DataErrorKind::BadFieldName { field: "a\\0".to_owned() });
    let many: Vec<_> = (0..2_100).map(|number| format!("\"c{number}\":1")).collect();
    let row = format!("{{{}}}\n", many.join(","));
    assert_eq!(kind_of(&row), DataErrorKind::TooManyColumns { limit: 2_000 });
    let row = format!("{{{}}}\n", many[..1_998].join(","));
    write(&place(), &keyless("tasks"), "1", &row).unwrap();
}

#[test]
fn merge_relocal_places_the_whole_row() {
    let place = place();
    let tasks = table("tasks", Disposition::Merge);
    write(&place, &tasks, "1", "{\"id\":1,\"a\":1,\"b\":1}\n{\"id\":2,\"a\":2}\n").unwrap();
    write(&place, &tasks, "2", "{\"c\":3,\"id\":1,\"a\":9}\n").unwrap();
    assert_eq!(place.rows("tasks"), ["{\"a\":2,\"id\":2}", "{\"a\":9,\"c\":3,\"id\":1}"]);
}

#[test]
fn a_key_that_changes() {
    let place = place();
    let merge = table("tasks", Disposition::Merge);
    let by_both = Table { primary_key: vec!["id".to_owned(), "p".to_owned()], ..merge.clone() };
    let append = table("tasks", Disposition::Append);
    write(&place, &merge, "1", "{\"id\":1,\"p\":1}\n").unwrap();
    write(&place, &by_both, "2", "{\"id\":1,\"p\":2}\n").unwrap();
    assert_eq!(place.rows("tasks").len(), 2);
    write(&place, &append, "3", "{\"id\":1,\"p\":2}\n").unwrap();
    assert_eq!(place.rows("tasks").len(), 3);
    let refused = write(&place, &by_both, "4", "{\"id\":7,\"p\":7}\n").unwrap_err();
    assert_eq!(refused.to_string(), "tasks: rows that are there already share a primary key (id, p)");
    assert_eq!(place.rows("tasks").len(), 3);
}

#[test]
fn replace_swaps_under_views_and_keeps_indexes() {
    let place = place();
    let tasks = table("tasks", Disposition::Replace);
    write(&place, &tasks, "1", "{\"id\":1,\"a\":1}\n").unwrap();
    let conn = reader(&place);
    conn.execute_batch(
        "CREATE VIEW late AS SELECT id FROM tasks; CREATE INDEX mine ON tasks (id); CREATE INDEX gone ON tasks (a);",
    )
    .unwrap();
    drop(conn);
    write(&place, &tasks, "2", "{\"id\":7}\n{\"id\":7}\n").unwrap();
    let conn = reader(&place);
    assert_eq!(
        conn.query_row("SELECT count(*) FROM late WHERE id = 7", [], |row| row.get::<_, i64>(0)),
        Ok(2)
    );
    assert_eq!(columns(&conn, "tasks"), ["id", "_loaded_at", "_load_id"]);
    let indexes = "SELECT group_concat(name) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'tasks'";
    assert_eq!(conn.query_row(indexes, [], |row| row.get::<_, String>(0)), Ok("mine".to_owned()));
    drop(conn);
    write(&place, &tasks, "3", "").unwrap();
    assert_eq!(columns(&reader(&place), "tasks"), ["id", "_loaded_at", "_load_id"]);
    assert_eq!(place.rows("tasks"), [""; 0]);
}

#[test]
fn what_others_made_is_left_alone() {
    let place = place();
    let conn = reader(&place);
    conn.execute_batch(
        "CREATE TABLE tasks (id INTEGER); INSERT INTO tasks VALUES (1);
         CREATE VIEW users AS SELECT 1 AS _load_id; CREATE TABLE Clients (_load_id, _loaded_at);",
    )
    .unwrap();
    for disposition in [Disposition::Append, Disposition::Replace, Disposition::Merge] {
        for name in ["tasks", "TASKS", "users"] {
            let refused = write(&place, &table(name, disposition), "1", "{\"id\":2}\n").unwrap_err();
            assert!(matches!(refused, DestinationError::NotOurs { .. }), "{name}: {refused}");
        }
        let refused = write(&place, &table("clients", disposition), "1", "{\"id\":2}\n").unwrap_err();
        assert!(matches!(refused, DestinationError::Name(_)), "{refused}");
    }
    let mut to = place.open();
    let refused = to.undo(&table("tasks", Disposition::Append), "1").unwrap_err();
    assert!(matches!(refused, DestinationError::NotOurs { .. }), "{refused}");
    assert_eq!(place.rows("tasks"), ["{\"id\":1}"]);
}

#[test]
fn files_that_are_no_database_of_ours() {
    let place = place();
    std::fs::write(path(&place), "id,name\n1,a\n".repeat(100)).unwrap();
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::NotOurs { .. }), "{refused}");

    let place = self::place();
    drop(place.open());
    reader(&place).execute_batch("UPDATE _sanderling_meta SET value = 9").unwrap();
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(refused.to_string().contains("version 9"), "{refused}");
}

#[test]
fn another_program_holds_it() {
    let place = place();
    let conn = reader(&place);
    conn.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::Locked { by: "program", .. }), "{refused}");
    conn.execute_batch("ROLLBACK").unwrap();
    let mut to = place.open();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = to.record(&[Change::Done { seq: 1 }]).unwrap_err();
    assert!(matches!(refused, DestinationError::Locked { by: "program", .. }), "{refused}");
    conn.execute_batch("ROLLBACK").unwrap();
    to.record(&[Change::Done { seq: 1 }]).unwrap();
    to.commit().unwrap();
}

/// When the disk fills up, either the page alone is taken back, or everything since the last commit and every later call
/// says so. A commit never succeeds over rows that are gone.
#[test]
fn a_full_disk() {
    let place = place();
    let tasks = table("tasks", Disposition::Append);
    write(&place, &tasks, "1", "{\"id\":1}\n").unwrap();
    let mut to = place.open();
    to.begin(&tasks, &load("tasks", "2")).unwrap();
    let pages: i64 = inner(&mut to).conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    inner(&mut to).conn.pragma_update(None, "max_page_count", pages + 2).unwrap();
    let row = format!("{{\"id\":2,\"text\":\"{}\"}}\n", "x".repeat(3_000));
    let mut accepted = 0;
    let refused = loop {
        match to.write(&tasks, &page(&row, "2"), &[]) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, DestinationError::Full { .. }), "{refused}");
    let committed = to.commit();
    drop(to);
    let expected = if committed.is_ok() { 1 + accepted } else { 1 };
    assert_eq!(place.rows("tasks").len(), expected);
}

#[test]
fn two_names_of_one_file_are_one_lock() {
    let place = place();
    let to = place.open();
    let odd = path(&place).parent().unwrap().join(".").join("out.db");
    let refused = Destination::open(&Target::Sqlite { path: odd }, "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::Locked { by: "run", .. }), "{refused}");
    drop(to);
    let left = crate::conformance::names(place.dir.path());
    assert_eq!(left, ["out.db"], "neither lock nor journal is left behind");
    let mode = reader(&place).query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
    assert_eq!(mode.unwrap(), "wal");
}

/// `cargo test --release -p sanderling-destination -- --ignored --nocapture speed`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr, reason = "says what it measured")]
fn speed() {
    const PAGES: u64 = 300;
    let page_of = |first: u64| -> String {
        let row = |id: u64| {
            format!(
                "{{\"id\":{id},\"project_id\":{},\"user_id\":{},\"task\":\"Task number {id} of the list\",\
                 \"notes\":\"{}\",\"hours\":{}.25,\"billable\":true,\"locked\":false,\"rate\":99.5,\
                 \"spent_on\":\"2026-03-01\",\"created_at\":\"2026-03-01T09:30:00Z\",\"tags\":[\"a\",\"b\",\"c\"]}}\n",
                id % 97,
                id % 13,
                "n".repeat(142),
                id % 8
            )
        };
        (first..first + 1_000).map(row).collect()
    };
    for place in local_places() {
        for disposition in [Disposition::Append, Disposition::Replace, Disposition::Merge] {
            for partitioned in [false, true] {
                let name = format!("{disposition:?}{partitioned}");
                let table = Table { partitioned, ..table(&name, disposition) };
                let pages: Vec<String> = (0..PAGES).map(|number| page_of(number * 1_000)).collect();
                let bytes: usize = pages.iter().map(String::len).sum();
                let mut to = place.open();
                let started = cpu_seconds();
                to.begin(&table, &load(&name, "1")).unwrap();
                for (number, ndjson) in pages.iter().enumerate() {
                    let rows = Rows { partition_key: Some("p"), count: 1_000, ..page(ndjson, "1") };
                    to.write(&table, &rows, &[]).unwrap();
                    if number % 10 == 9 {
                        to.commit().unwrap();
                    }
                }
                to.finish(&table, &load(&name, "1"), &[]).unwrap();
                to.commit().unwrap();
                let seconds = cpu_seconds() - started;
                let rows = PAGES * 1_000;
                eprintln!(
                    "{:?} {disposition:?} partitioned={partitioned}: {:.0} rows of {} bytes per CPU second",
                    std::mem::discriminant(&place.target),
                    rows as f64 / seconds,
                    bytes as u64 / rows,
                );
            }
        }
    }
}

/// Of this process, in user and system.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

/// A database that a program of version 1 left is read, looked at and gone on with.
#[test]
fn state_of_an_older_version() {
    let place = place();
    let conn = reader(&place);
    conn.execute_batch(
        "CREATE TABLE _sanderling_meta (name PRIMARY KEY, value);
         INSERT INTO _sanderling_meta VALUES ('version', 1);
         CREATE TABLE _sanderling_loads (
             pipeline, resource, load_id, fingerprint, connector_digest, started_ms, updated_ms, status,
             rows, pages, retries, total, missing_parents, failed_parents, disposition, PRIMARY KEY (pipeline, resource)
         );
         INSERT INTO _sanderling_loads VALUES
             ('demo', 'tasks', '1', 'f', 'c', 1, 2, 'running', 7, 1, 0, 9, 0, 1, 'append');
         CREATE TABLE _sanderling_pending (
             pipeline, seq, resource, partition_key, partition_data, cursor, PRIMARY KEY (pipeline, seq)
         );
         INSERT INTO _sanderling_pending VALUES ('demo', 4, 'tasks', 'k', 'd', NULL);
         CREATE TABLE _sanderling_chains (
             pipeline, resource, partition_key, received, pages, first_total, last_total, last_digest, repeats, limited
         );
         CREATE TABLE _sanderling_halts (pipeline, origin, at_ms, PRIMARY KEY (pipeline, origin));",
    )
    .unwrap();
    let expected = Load { rows: 7, pages: 1, total: Some(9), failed_parents: 1, ..load("tasks", "1") };
    let looked = Destination::look(&place.target).unwrap().unwrap().remove("demo").unwrap();
    assert_eq!(looked.loads.get("tasks"), Some(&expected));
    let mut to = place.open();
    assert_eq!(to.state(), looked);
    let changed = Load { refused_rows: 3, limit: Some("--max-pages 1".to_owned()), ..expected };
    to.record(&[Change::Load(changed.clone())]).unwrap();
    to.commit().unwrap();
    drop(to);
    assert_eq!(place.open().state().loads.get("tasks"), Some(&changed));
}
