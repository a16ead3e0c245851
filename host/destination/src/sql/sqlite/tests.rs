//! What only an SQLite file can go wrong with: columns, types, tables of others, a full disk.

use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::conformance::{Place, load, local_places, page, table};
use crate::sql::session::Session;
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

fn connection(to: &Destination) -> &Connection {
    match to {
        Destination::Sql(it) => match &it.session {
            Session::Sqlite(session) => &session.conn,
            _ => unreachable!(),
        },
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
fn values_as_their_types() {
    let place = place();
    let text = |text: &str| Value::Text(text.to_owned());
    let cases = [
        ("true", Some(DataType::Bool), "BOOLEAN", Value::Integer(1)),
        ("9223372036854775807", None, "INTEGER", Value::Integer(i64::MAX)),
        ("18446744073709551615", None, "TEXT", text("18446744073709551615")),
        ("1.10", None, "REAL", Value::Real(1.1)),
        ("5", Some(DataType::Double), "REAL", Value::Real(5.0)),
        ("0.1", Some(DataType::Decimal), "TEXT", text("0.1")),
        ("\"1e3\"", Some(DataType::Decimal), "TEXT", text("1000")),
        ("0.1234567890123456789", None, "TEXT", text("0.1234567890123456789")),
        ("\"007\"", None, "TEXT", text("007")),
        ("\"1e5\"", None, "TEXT", text("1e5")),
        ("7", Some(DataType::Text), "TEXT", text("7")),
        ("\"tab\\there\"", None, "TEXT", text("tab\there")),
        ("\"nul\\u0000\"", None, "TEXT", text("nul\0")),
        ("{\"a\": [1.50]}", None, "TEXT", text("{\"a\": [1.50]}")),
        ("\"2026-03-01T09:30:00.250Z\"", None, "TEXT", text("2026-03-01T09:30:00.250000Z")),
        ("\"2026-03-01T11:30:00+02:00\"", None, "TEXT", text("2026-03-01T09:30:00.000000Z")),
        ("\"2026-03-01\"", Some(DataType::Date), "TEXT", text("2026-03-01")),
        ("\"09:30:00\"", Some(DataType::Time), "TEXT", text("09:30:00")),
        ("\"AQI=\"", Some(DataType::Binary), "BLOB", Value::Blob(vec![1, 2])),
    ];
    let fields: Vec<_> =
        cases.iter().enumerate().map(|(index, (json, ..))| format!("\"c{index}\":{json}")).collect();
    let declared = |(index, (_, data_type, ..)): (usize, &(_, Option<DataType>, _, _))| {
        data_type.map(|data_type| Column {
            name: format!("c{index}"),
            data_type: Some(data_type),
            nullable: true,
            ..Column::default()
        })
    };
    let columns = cases.iter().enumerate().filter_map(declared).collect();
    let table = Table { columns, ..keyless("tasks") };
    write(&place, &table, "1", &format!("{{{}}}\n{{\"c0\":null}}\n", fields.join(","))).unwrap();
    let conn = reader(&place);
    let one = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, Value>(0)).unwrap();
    for (index, (json, _, column_type, value)) in cases.iter().enumerate() {
        assert_eq!(one(&format!("SELECT c{index} FROM tasks LIMIT 1")), *value, "{json}");
        assert_eq!(one(&format!("SELECT c{index} FROM tasks LIMIT 1 OFFSET 1")), Value::Null, "{json}");
        let declared = format!("SELECT type FROM pragma_table_info('tasks') WHERE name = 'c{index}'");
        assert_eq!(one(&declared), text(column_type), "{json}");
    }
    let stamp = "SELECT DISTINCT _loaded_at || _load_id FROM tasks";
    assert_eq!(one(stamp), text("2026-03-01T09:30:00.250000Z1"));
    let read = "SELECT (strftime('%s', c14) - strftime('%s', c15)) || ' ' || datetime(_loaded_at) FROM tasks";
    assert_eq!(one(read), text("0 2026-03-01 09:30:00"), "SQLite's own functions read them");
}

#[test]
fn columns_come_as_they_are_learnt() {
    let place = place();
    let tasks = keyless("tasks");
    let written = write(&place, &tasks, "1", "{\"b\":1,\"a\":2}\n{\"a\":3,\"c\":4}\n{\"b\":5}\n").unwrap();
    assert_eq!(written, Written { rows: 3, ..Written::default() });
    let written = write(&place, &tasks, "2", "{\"order\":1,\"x\\\"y\":3,\"workTime\":4}\n").unwrap();
    assert_eq!(written.new_columns, ["order", "x_y", "work_time"]);
    let conn = reader(&place);
    let expected = ["b", "a", "c", "_load_id", "_loaded_at", "order", "x_y", "work_time"];
    assert_eq!(columns(&conn, "tasks"), expected);
    let sql = "SELECT coalesce(a, '-') || coalesce(b, '-') || coalesce(c, '-') FROM tasks";
    let mut select = conn.prepare(sql).unwrap();
    let rows: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, ["21-", "3-4", "-5-", "---"]);
}

#[test]
fn fields_that_cannot_be_columns() {
    let collide = |column: &str, first: &str, second: &str| DataErrorKind::FieldsCollide {
        column: column.to_owned(),
        first: first.to_owned(),
        second: second.to_owned(),
    };
    let reserved = |field: &str| DataErrorKind::ReservedField { field: field.to_owned() };
    assert_eq!(kind_of("{\"Name\":1,\"name\":2}\n"), collide("name", "Name", "name"));
    assert_eq!(kind_of("{\"name\":1}\n{\"NAME\":2}\n"), collide("name", "name", "NAME"));
    assert_eq!(kind_of("{\"a\":1,\"_load_id\":2}\n"), reserved("_load_id"));
    assert_eq!(kind_of("{\"_Loaded_At\":2}\n"), reserved("_Loaded_At"));
    let twice = DataErrorKind::FieldTwice { field: "a".to_owned() };
    assert_eq!(kind_of("{\"a\":1,\"b\":1,\"a\":1}\n"), twice);
    assert_eq!(kind_of("{\"a\":1,\"\\u0061\":1}\n"), twice);
    let surrogate = kind_of("{\"a\":\"\\ud800\"}\n");
    assert_eq!(surrogate.to_string(), "field `a` holds a lone surrogate, which is no text");
    let many: Vec<_> = (0..2_100).map(|number| format!("\"c{number}\":1")).collect();
    let row = format!("{{{}}}\n", many.join(","));
    assert_eq!(kind_of(&row), DataErrorKind::TooManyColumns { limit: 2_000 });
    let row = format!("{{{}}}\n", many[..1_998].join(","));
    write(&place(), &keyless("tasks"), "1", &row).unwrap();
}

#[test]
fn merge_replaces_the_whole_row() {
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
    // What shares a key gives way together.
    write(&place, &by_both, "4", "{\"id\":1,\"p\":2}\n{\"id\":7,\"p\":7}\n").unwrap();
    assert_eq!(place.rows("tasks"), ["{\"id\":1,\"p\":1}", "{\"id\":1,\"p\":2}", "{\"id\":7,\"p\":7}"]);
    let conn = reader(&place);
    let index = "SELECT group_concat(name) FROM pragma_index_info('_sanderling_key:tasks')";
    assert_eq!(conn.query_row(index, [], |row| row.get::<_, String>(0)), Ok("id,p".to_owned()));
}

/// Where a value is kept as text, it is not the text that counts.
#[test]
fn of_rows_of_one_key_the_greatest_number_and_the_latest_moment_stay() {
    for (data_type, least, greatest) in [
        (DataType::Decimal, "\"9.5\"", "\"10\""),
        (DataType::Decimal, "\"-10\"", "\"-9.5\""),
        (DataType::Timestamp, "\"2026-03-01T09:30:00Z\"", "\"2026-03-01T09:30:00.250Z\""),
        (DataType::Timestamp, "\"2026-03-01T09:30:00.250Z\"", "\"2026-03-01T09:30:00.250001Z\""),
    ] {
        let place = place();
        let column =
            Column { name: "v".to_owned(), data_type: Some(data_type), nullable: true, ..Column::default() };
        let dedup_sort = Some(DedupSort { field: "v".to_owned(), greatest: true });
        let tasks = Table { columns: vec![column], dedup_sort, ..table("tasks", Disposition::Merge) };
        let row = |id, value, which| format!("{{\"id\":{id},\"v\":{value},\"which\":\"{which}\"}}\n");
        let rows = [
            row(1, greatest, "most"),
            row(1, least, "least"),
            row(2, least, "least"),
            row(2, greatest, "most"),
        ];
        write(&place, &tasks, "1", &rows.concat()).unwrap();
        let which = "SELECT group_concat(DISTINCT which) FROM tasks";
        let which = reader(&place).query_row(which, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(which, "most", "{least} {greatest}");
    }
}

#[test]
fn replace_swaps_under_views_and_keeps_indexes() {
    let place = place();
    let tasks = table("tasks", Disposition::Replace);
    write(&place, &tasks, "1", "{\"id\":1,\"a\":1}\n").unwrap();
    let conn = reader(&place);
    conn.execute_batch(
        "CREATE VIEW late AS SELECT id FROM tasks; CREATE INDEX mine ON tasks (id); CREATE INDEX theirs ON tasks (a);
         CREATE TRIGGER kept AFTER DELETE ON tasks BEGIN SELECT 1; END;",
    )
    .unwrap();
    drop(conn);
    write(&place, &tasks, "2", "{\"id\":7}\n{\"id\":7}\n").unwrap();
    let conn = reader(&place);
    assert_eq!(
        conn.query_row("SELECT count(*) FROM late WHERE id = 7", [], |row| row.get::<_, i64>(0)),
        Ok(2)
    );
    // Also those that no row has any more: a person's queries name them.
    assert_eq!(columns(&conn, "tasks"), ["id", "a", "_load_id", "_loaded_at"]);
    let objects = "SELECT group_concat(name) FROM sqlite_master WHERE type <> 'table' AND tbl_name = 'tasks'";
    assert_eq!(conn.query_row(objects, [], |row| row.get::<_, String>(0)), Ok("mine,theirs,kept".to_owned()));
    drop(conn);
    write(&place, &tasks, "3", "").unwrap();
    assert_eq!(columns(&reader(&place), "tasks"), ["id", "a", "_load_id", "_loaded_at"]);
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
    to.undo(&table("tasks", Disposition::Append), "1").unwrap();
    to.commit().unwrap();
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
    reader(&place).execute_batch("UPDATE _sanderling_state SET value = 9 WHERE entry = 'version'").unwrap();
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(refused.to_string().contains("version 9"), "{refused}");
    assert!(Destination::look(&place.target).is_err());
}

/// Nothing of what is there is changed, or taken for nothing.
#[test]
fn state_of_an_older_version() {
    let place = place();
    reader(&place)
        .execute_batch(
            "CREATE TABLE _sanderling_meta (name, value); CREATE TABLE _sanderling_loads (pipeline);",
        )
        .unwrap();
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(refused.to_string().contains("older version"), "{refused}");
    let refused = Destination::look(&place.target).unwrap_err();
    assert!(refused.to_string().contains("older version"), "{refused}");
    let tables = "SELECT group_concat(name) FROM sqlite_master";
    let tables = reader(&place).query_row(tables, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(tables, "_sanderling_meta,_sanderling_loads");
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
    let tasks = table("tasks", Disposition::Append);
    let refused = to.begin(&tasks, &load("tasks", "1")).unwrap_err();
    assert!(matches!(refused, DestinationError::Locked { by: "program", .. }), "{refused}");
    conn.execute_batch("ROLLBACK").unwrap();
    to.begin(&tasks, &load("tasks", "1")).unwrap();
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
    let pages: i64 = connection(&to).query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    connection(&to).pragma_update(None, "max_page_count", pages + 2).unwrap();
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

#[test]
fn who_only_looks_leaves_nothing_behind() {
    for name in ["out.db", "a b?c%#é.db", "file:x.db"] {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { target: Target::Sqlite { path: dir.path().join(name) }, dir, driven: None };
        let tasks = table("tasks", Disposition::Append);
        let names = || {
            let entries = std::fs::read_dir(place.dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let seen = || Destination::look(&place.target).unwrap().unwrap_or_default();
        write(&place, &tasks, "1", "{\"id\":1}\n").unwrap();
        let before = names();
        assert_eq!(seen().into_keys().collect::<Vec<_>>(), ["demo"], "{name}");
        assert_eq!(names(), before, "{name}");
        // What is committed while someone has it open is seen too.
        let mut open = Destination::open(&place.target, "other").unwrap();
        open.begin(
            &Table { name: "more".to_owned(), ..table("more", Disposition::Append) },
            &load("more", "1"),
        )
        .unwrap();
        open.commit().unwrap();
        assert_eq!(seen().into_keys().collect::<Vec<_>>(), ["demo", "other"], "{name}");
    }
}
