//! The words in which a destination refuses, each from what leads to it.

use std::fs;

use insta::assert_snapshot;

use crate::conformance::{Place, load, local_places, page, table, typed_place};
use crate::*;

/// What was refused, without the folder's name.
fn said<T>(place: &Place, result: Result<T, DestinationError>) -> String {
    let told = match result {
        Ok(_) => "done".to_owned(),
        Err(error) => error.to_string(),
    };
    format!("{}\n", told.replace(&place.dir.path().display().to_string(), "DIR"))
}

/// One load that is finished and committed.
fn whole(place: &Place, table: &Table, rows: &str) {
    let mut to = place.open();
    to.begin(table, &load(&table.resource, "0")).unwrap();
    to.write(table, &page(rows, "0"), &[]).unwrap();
    to.finish(table, &load(&table.resource, "0"), &[]).unwrap();
    to.commit().unwrap();
}

/// One page of a load that breaks off.
fn broken_off(place: &Place, table: &Table) {
    let mut to = place.open();
    to.begin(table, &load(&table.resource, "1")).unwrap();
    to.write(table, &page("{\"id\":1}\n{\"id\":2}\n", "1"), &[]).unwrap();
    to.commit().unwrap();
}

#[test]
fn names_and_calls() {
    let mut told = String::new();
    for place in local_places() {
        let appended = |name: &str| table(name, Disposition::Append);
        let mut to = place.open();
        for name in ["", "_sanderling_loads", "_quarantine"] {
            told += &said(&place, to.begin(&appended(name), &load(name, "1")));
        }
        let keyless = Table { primary_key: vec![], ..table("tasks", Disposition::Merge) };
        told += &said(&place, to.begin(&keyless, &load("tasks", "1")));
        told += &said(&place, to.resume(&appended("tasks"), &load("tasks", "1")));
        let grouped = Table { merge_key: vec!["day".to_owned()], ..appended("grouped") };
        to.begin(&grouped, &load("grouped", "1")).unwrap();
        for row in ["{\"id\":1}", "{\"id\":1,\"day\":null}"] {
            told += &said(&place, to.write(&grouped, &page(row, "1"), &[]));
        }
        to.undo(&grouped, "1").unwrap();
        let named = |resource| Table { name: "work".to_owned(), ..appended(resource) };
        to.begin(&named("first"), &load("first", "1")).unwrap();
        told += &said(&place, to.begin(&named("second"), &load("second", "1")));
        to.begin(&appended("Tasks"), &load("Tasks", "1")).unwrap();
        to.write(&appended("Tasks"), &page("{\"id\":1}\n", "1"), &[]).unwrap();
        told += &said(&place, to.begin(&appended("tasks"), &load("tasks", "1")));
        told += &said(&place, Destination::open(place.door(), "other"));
        to.commit().unwrap();
        drop(to);
        told += &said(&place, place.open().begin(&appended("tasks"), &load("tasks", "1")));
        let replaced = table("both", Disposition::Replace);
        let mut to = place.open();
        to.begin(&replaced, &load("both", "1")).unwrap();
        to.finish(&replaced, &load("both", "1"), &[]).unwrap();
        told += &said(&place, to.begin(&appended("both"), &load("both", "2")));
        drop(to);
        broken_off(&place, &appended("shared"));
        let mut other = Destination::open(place.door(), "other").unwrap();
        told += &said(&place, other.begin(&appended("shared"), &load("shared", "2")));
    }
    assert_snapshot!(told);
}

#[test]
fn typed_tables() {
    let mut told = String::new();
    for place in [typed_place()] {
        broken_off(&place, &table("shared", Disposition::Append));
        let mut other = Destination::open(place.door(), "other").unwrap();
        told += &said(&place, other.begin(&table("shared", Disposition::Append), &load("shared", "2")));
        drop(other);
        let merged = table("merged", Disposition::Merge);
        whole(&place, &merged, "{\"id\":1}\n");
        let mut to = place.open();
        to.begin(&merged, &load("merged", "2")).unwrap();
        for row in ["{\"id\":\"x\"}", "{\"id\":1,\"id\":2}", "{\"id\":", "{\"id\":1,\"a_b\":1,\"a-b\":2}"] {
            told += &said(&place, to.write(&merged, &page(row, "2"), &[]));
        }
        drop(to);
        told += &said(&place, place.open().resume(&merged, &load("merged", "7")));
    }
    assert_snapshot!(told);
}

#[test]
fn files_that_others_changed() {
    let [_, place, _] = local_places();
    let dir = place.dir.path().join("out");
    let Target::Jsonl { dir, state_dir } = &place.target else { panic!("{dir:?}") };
    let append = |name: &str| table(name, Disposition::Append);
    let mut told = String::new();
    for (name, rows) in [("shorter", Some("{\"id\":1}\n")), ("gone", None)] {
        broken_off(&place, &append(name));
        let file = dir.join(format!("{name}.jsonl"));
        match rows {
            Some(rows) => fs::write(&file, rows).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        told += &said(&place, place.open().resume(&append(name), &load(name, "1")));
    }
    fs::write(dir.join("torn.jsonl"), "{\"id\":1}").unwrap();
    told += &said(&place, place.open().begin(&append("torn"), &load("torn", "1")));
    let merged = table("merged", Disposition::Merge);
    broken_off(&place, &merged);
    for entry in fs::read_dir(state_dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.to_string_lossy().contains("keys") {
            let length = fs::metadata(&entry).unwrap().len();
            fs::write(&entry, vec![0xFE; usize::try_from(length).unwrap()]).unwrap();
        }
    }
    told += &said(&place, place.open().resume(&merged, &load("merged", "1")));
    for journal in ["{\"snapshot\":{\"version\":99,\"pipelines\":{}}}\n", "{"] {
        fs::write(state_dir.join("journal.jsonl"), journal).unwrap();
        told += &said(&place, Destination::open(place.door(), "demo"));
    }
    assert_snapshot!(told);
}

#[test]
fn databases_that_others_changed() {
    let [place, ..] = local_places();
    let Target::Sqlite { path } = &place.target else { panic!("{:?}", place.target) };
    let reader = || rusqlite::Connection::open(path).unwrap();
    let mut told = String::new();
    broken_off(&place, &table("tasks", Disposition::Append));
    reader()
        .execute_batch("DROP TABLE tasks; CREATE TABLE theirs (id); CREATE VIEW seen AS SELECT 1 AS id")
        .unwrap();
    let append = |name: &str| table(name, Disposition::Append);
    let wrote = Load { rows: 2, ..load("tasks", "1") };
    told += &said(&place, place.open().resume(&append("tasks"), &wrote));
    for name in ["theirs", "seen"] {
        told += &said(&place, place.open().begin(&append(name), &load(name, "1")));
    }
    let version = |version| format!("UPDATE _sanderling_state SET value = {version} WHERE entry = 'version'");
    for older_or_newer in [0, 9] {
        reader().execute_batch(&version(older_or_newer)).unwrap();
        told += &said(&place, Destination::open(place.door(), "demo"));
    }
    fs::write(path, "id,name\n1,a\n".repeat(100)).unwrap();
    told += &said(&place, Destination::open(place.door(), "demo"));
    assert_snapshot!(told);
}

#[test]
fn tables_of_lists() {
    let mut told = String::new();
    let parquet = local_places().into_iter().filter(|place| matches!(place.target, Target::Parquet { .. }));
    for place in [typed_place()].into_iter().chain(parquet) {
        let shape = Shape { nested: Some(Nested::Tables { max_depth: None }), ..Shape::default() };
        let appended = |name: &str| Table { shape, ..table(name, Disposition::Append) };
        let write = |to: &mut Destination, name: &str, load_id: &str, rows: &str| {
            let begun = to.begin(&appended(name), &load(name, load_id));
            let written = begun.and_then(|()| to.write(&appended(name), &page(rows, load_id), &[]));
            let _ = to.commit();
            said(&place, written)
        };
        let mut to = place.open();
        told += &write(&mut to, "tasks", "1", "{\"id\":1,\"tags\":[1]}\n");
        told += &write(&mut to, "tasks__tags", "2", "{\"id\":1}\n");
        told += &write(&mut to, "work__tags", "3", "{\"id\":1}\n");
        told += &write(&mut to, "work", "4", "{\"id\":1,\"tags\":[1]}\n");
        drop(to);
        let mut to = Destination::open(place.door(), "other").unwrap();
        told += &write(&mut to, "tasks__tags", "5", "{\"id\":1}\n");
        told += &write(&mut to, "job", "6", "{\"id\":1,\"l\":[1]}\n");
        drop(to);
        if let Target::Sqlite { path } = &place.target {
            let conn = rusqlite::Connection::open(path).unwrap();
            conn.execute_batch("CREATE TABLE mine__l (a)").unwrap();
        }
        let mut to = place.open();
        told += &write(&mut to, "job__l", "7", "{\"id\":1}\n");
        told += &write(&mut to, "mine", "8", "{\"id\":1,\"l\":[1]}\n");
        let dlt = Table { shape: Shape { system: SystemNames::Dlt, ..shape }, ..appended("tasks") };
        told += &said(&place, to.begin(&dlt, &load("tasks", "9")));
        to.undo(&dlt, "9").unwrap();
        let contract = Contract { columns: Mode::Freeze, ..Contract::EVOLVE };
        let frozen = Table { shape: Shape { contract, ..shape }, ..table("frozen", Disposition::Append) };
        drop(to);
        whole(&place, &frozen, "{\"id\":1}\n");
        let mut to = place.open();
        to.begin(&frozen, &load("frozen", "9")).unwrap();
        told += &said(&place, to.write(&frozen, &page("{\"id\":1,\"b\":1}\n", "9"), &[]));
    }
    assert_snapshot!(told);
}

#[test]
fn rows_that_do_not_fit() {
    let mut told = String::new();
    for place in local_places() {
        let merged = table("tasks", Disposition::Merge);
        let mut to = place.open();
        to.begin(&merged, &load("tasks", "1")).unwrap();
        let wide: String = (0..2_100).map(|at| format!(",\"f{at}\":1")).collect();
        for row in [
            "null".to_owned(),
            "{\"id\":1}{".to_owned(),
            "{\"id\":null}".to_owned(),
            "{}".to_owned(),
            "{\"id\":1,\"id\":2}".to_owned(),
            "{\"id\":1,\"_load_id\":2}".to_owned(),
            "{\"id\":1,\"a\":1,\"A\":2}".to_owned(),
            format!("{{\"id\":1{wide}}}"),
        ] {
            told += &said(&place, to.write(&merged, &page(&row, "1"), &[]));
        }
        let shape = Shape { names: Names::AsIs, ..Shape::default() };
        let as_is = Table { shape, ..table("as is", Disposition::Append) };
        to.begin(&as_is, &load("as is", "1")).unwrap();
        told += &said(&place, to.write(&as_is, &page("{\"id\":1,\"a\\u0000\":1}", "1"), &[]));
        let declared = |name: &str, data_type| Column {
            name: name.into(),
            data_type,
            nullable: false,
            ..Column::default()
        };
        let columns = vec![declared("id", Some(DataType::Bigint)), declared("at", None)];
        let typed = Table { columns, ..table("typed", Disposition::Append) };
        to.begin(&typed, &load("typed", "1")).unwrap();
        for row in [
            "{\"id\":1}".to_owned(),
            "{\"id\":1,\"at\":null}".to_owned(),
            "{\"id\":\"n/a\",\"at\":1}".to_owned(),
            "{\"id\":[1],\"at\":1}".to_owned(),
            "{\"id\":{},\"at\":1}".to_owned(),
            format!("{{\"id\":1.{},\"at\":1}}", "1".repeat(40)),
            format!("{{\"id\":\"{}\",\"at\":1}}", "x".repeat(40)),
        ] {
            told += &said(&place, to.write(&typed, &page(&row, "1"), &[]));
        }
        let miscounted = Rows { count: 5, ..page("{\"id\":1}\n", "1") };
        told += &said(&place, to.write(&merged, &miscounted, &[]));
        let bytes = Rows { ndjson: b"{\"id\":\"\xFF\"}", ..page("{}", "1") };
        told += &said(&place, to.write(&merged, &bytes, &[]));
        for (parent, row) in [("[1]", "{\"id\":7}\n"), ("[2]", "{\"id\":7}\n")] {
            told += &said(
                &place,
                to.write(&merged, &Rows { partition_key: Some(parent), ..page(row, "1") }, &[]),
            );
        }
    }
    assert_snapshot!(told);
}
