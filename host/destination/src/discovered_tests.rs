//! What is found of tables by who only looks, in each destination.

use sanderling_columns::{Nested, Role};

use crate::conformance::{Place, load, page, places, table};
use crate::*;

fn found(place: &Place, table: &Table) -> Option<Discoveries> {
    Destination::discovered(&place.target, "demo", &[table]).unwrap()
}

fn columns(found: &Discovered) -> Vec<String> {
    let of = |table: &TableSchema| {
        let columns =
            table.columns.iter().filter(|column| matches!(column.role, Role::Field | Role::Variant));
        let columns: Vec<String> =
            columns.map(|column| format!("{} {}", column.name, column.data_type)).collect();
        format!("{}: {}", table.name, columns.join(", "))
    };
    found.schema.tables.iter().map(of).collect()
}

#[test]
fn tables_are_found_as_the_last_commit_left_them() {
    for place in places() {
        let tables = Nested::Tables { max_depth: None };
        let shape = Shape { nested: Some(tables), ..Shape::default() };
        let table = Table { shape, ..table("tasks", Disposition::Append) };
        assert_eq!(found(&place, &table), None, "{:?}", place.target);
        let mut to = place.open();
        to.begin(&table, &load("tasks", "1")).unwrap();
        to.write(
            &table,
            &page("{\"id\":1,\"v\":1,\"tags\":[{\"n\":1.5}]}\n{\"id\":2,\"v\":\"x\"}\n", "1"),
            &[],
        )
        .unwrap();
        to.commit().unwrap();
        let expected = ["tasks: id bigint, v bigint, v__v_text text", "tasks__tags: n double"];
        let lines = matches!(place.target, Target::Jsonl { .. } | Target::Store { form: Form::Lines, .. });
        let look = || found(&place, &table).and_then(|all| all.of("tasks").map(columns));
        if lines {
            assert_eq!(look(), None, "{:?}", place.target);
            continue;
        }
        // Also while a run is under way, where a file can be looked into then.
        if !matches!(place.target, Target::DuckDb { .. }) {
            assert_eq!(look().unwrap(), expected, "{:?}", place.target);
        }
        to.finish(&table, &load("tasks", "1"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        assert_eq!(look().unwrap(), expected, "{:?}", place.target);
        let all = found(&place, &table).unwrap();
        assert_eq!((all.names().collect::<Vec<_>>(), all.of("users")), (vec!["tasks"], None));
        assert_eq!(all.of("tasks").unwrap().times, [""; 0]);
        assert_eq!(Destination::discovered(&place.target, "other", &[&table]).unwrap(), None);
    }
}

#[test]
fn columns_behind_those_of_rows_are_found_where_they_are() {
    for place in crate::conformance::typed_places() {
        let history = Table {
            strategy: MergeStrategy::History(History::default()),
            ..table("tasks", Disposition::Merge)
        };
        let mut to = place.open();
        to.begin(&history, &load("tasks", "1")).unwrap();
        to.write(&history, &page("{\"id\":1}\n", "1"), &[]).unwrap();
        to.finish(&history, &load("tasks", "1"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        let found = found(&place, &history).unwrap();
        let tasks = found.of("tasks").unwrap();
        assert_eq!(tasks.times, ["_valid_from", "_valid_to"]);
        let made = found.engine.definitions(tasks);
        assert!(made[0].contains("\n  \"_valid_to\" ") && made[0].ends_with("\n)"), "{made:?}");
        let plain = table("tasks", Disposition::Merge);
        let found = Destination::discovered(&place.target, "demo", &[&plain]).unwrap().unwrap();
        assert_eq!(found.of("tasks").unwrap().times, [""; 0]);
    }
}

#[test]
fn names_are_no_longer_than_the_engine_takes_them() {
    let place = crate::conformance::typed_place();
    let tasks = table("tasks", Disposition::Append);
    let long = "n".repeat(70);
    let mut to = place.open();
    to.begin(&tasks, &load("tasks", "1")).unwrap();
    to.write(&tasks, &page(&format!("{{\"id\":1,\"{long}\":true}}\n"), "1"), &[]).unwrap();
    to.commit().unwrap();
    drop(to);
    let found = found(&place, &tasks).unwrap();
    let made = |engine: Engine| engine.definitions(found.of("tasks").unwrap()).concat();
    assert!(made(Engine::SQLITE).contains(&long) && made(Engine::DUCKDB).contains(&long));
    let postgres = made(Engine::POSTGRESQL);
    let widest = postgres.split('"').map(str::len).max().unwrap();
    assert!(!postgres.contains(&long) && widest == 63, "{postgres}");
}
