//! Structs and lists in a database that has such columns: DuckDB.

use crate::conformance::{Place, load, page, table, typed_places};
use crate::sql::open::duckdb_change;
use crate::{Destination, Disposition, Table, Target};

/// DuckDB's files, by the built-in destination and by its driver's address; none where it is not there.
fn places() -> Vec<Place> {
    let built_in =
        || typed_places().into_iter().filter(|place| matches!(place.door(), Target::DuckDb { .. }));
    let driven = built_in().map(|place| {
        let Target::DuckDb { path, driver, .. } = &place.target else { unreachable!() };
        let (path, driver) = (path.display(), driver.as_ref().unwrap().display());
        let driven = Target::parse(&format!("adbc:duckdb?path={path}&driver={driver}")).unwrap();
        Place { driven: Some(driven), ..place }
    });
    built_in().chain(driven).collect()
}

fn write(to: &mut Destination, table: &Table, rows: &str, load_id: &str) -> Vec<String> {
    to.write(table, &page(rows, load_id), &[]).unwrap().new_columns
}

fn loaded(place: &Place, table: &Table, rows: &str, load_id: &str) {
    let mut to = place.open();
    let load = load(&table.resource, load_id);
    to.begin(table, &load).unwrap();
    write(&mut to, table, rows, load_id);
    to.finish(table, &load, &[]).unwrap();
    to.commit().unwrap();
}

fn types(place: &Place, table: &str) -> Vec<String> {
    place.ask(&format!(
        "SELECT column_name || ' ' || data_type FROM information_schema.columns \
         WHERE table_name = '{table}' AND column_name NOT LIKE '\\_load%' ESCAPE '\\' ORDER BY ordinal_position"
    ))
}

#[test]
fn they_grow_with_the_rows() {
    for place in places() {
        let tasks = table("tasks", Disposition::Append);
        let mut to = place.open();
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        let first = "{\"id\":1,\"u\":{\"Name\":\"a\",\"geo\":{\"lat\":1.5}},\"lines\":[{\"sku\":\"x\"},{}],\"empty\":{}}\n";
        assert_eq!(write(&mut to, &tasks, first, "1"), Vec::<String>::new());
        // Within a commit, deeper, in the items of lists, and with types that DuckDB has no room for.
        let second = "{\"id\":2,\"u\":{\"geo\":{\"lon\":2.5},\"on\":\"2026-01-02\"},\"lines\":[{\"n\":[1,2]}]}\n\
                      {\"id\":3,\"u\":{\"wei\":1234567890123456789012345678901234567890},\"lines\":[]}\n";
        assert_eq!(write(&mut to, &tasks, second, "1"), ["u", "lines"]);
        to.commit().unwrap();
        let third = "{\"id\":4,\"u\":{\"geo\":{\"lat\":\"north\"},\"any\":[1,\"x\"],\"wei\":2}}\n";
        assert_eq!(write(&mut to, &tasks, third, "1"), ["u"]);
        to.commit().unwrap();
        // What is not committed is gone with what it had made.
        write(&mut to, &tasks, "{\"id\":5,\"u\":{\"lost\":{\"x\":1}}}\n", "1");
        drop(to);
        let mut to = place.open();
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        let fourth =
            "{\"id\":5,\"u\":{\"at\":\"2026-01-02T03:04:05Z\"},\"lines\":[{\"weird \\\"name\":true}]}\n";
        assert_eq!(write(&mut to, &tasks, fourth, "1"), ["u", "lines"]);
        to.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        assert_eq!(
            types(&place, "tasks"),
            [
                "id BIGINT",
                "u STRUCT(\"name\" VARCHAR, geo STRUCT(lat DOUBLE, lon DOUBLE, lat__v_text VARCHAR), \"on\" DATE, \
                 wei VARCHAR, \"any\" JSON, \"at\" TIMESTAMP WITH TIME ZONE)",
                "lines STRUCT(sku VARCHAR, n BIGINT[], weird_name BOOLEAN)[]",
                "empty JSON",
            ]
        );
        let asked = |what: &str| {
            place.ask(&format!("SELECT coalesce(({what})::text, '-') FROM tasks ORDER BY id")).join(" ")
        };
        assert_eq!(asked("u.name"), "a - - - -");
        assert_eq!(asked("u.geo.lat"), "1.5 - - - -");
        assert_eq!(asked("u.geo.lat__v_text"), "- - - north -");
        assert_eq!(asked("u.geo.lon"), "- 2.5 - - -");
        assert_eq!(asked("u.on"), "- 2026-01-02 - - -");
        assert_eq!(asked("u.wei"), "- - 1234567890123456789012345678901234567890 2 -");
        assert_eq!(asked("u.any"), "- - - [1,\"x\"] -");
        assert_eq!(asked("epoch(u.at)::bigint"), "- - - - 1767323045");
        assert_eq!(asked("to_json(list_transform(lines, x -> x.sku))"), "[\"x\",null] [null] [] - [null]");
        assert_eq!(asked("lines[1].n[2]"), "- 2 - - -");
        assert_eq!(asked("lines[1].weird_name"), "- - - - true");
    }
}

#[test]
fn they_grow_in_tables_that_are_merged_and_replaced() {
    for place in places() {
        for disposition in [Disposition::Merge, Disposition::Replace] {
            let name = if disposition == Disposition::Merge { "merged" } else { "replaced" };
            let table = table(name, disposition);
            loaded(&place, &table, "{\"id\":1,\"u\":{\"a\":1}}\n{\"id\":2,\"u\":{\"a\":2}}\n", "1");
            let rows = "{\"id\":2,\"u\":{\"b\":[{\"c\":3}]}}\n{\"id\":3}\n";
            loaded(&place, &table, rows, "2");
            loaded(&place, &table, "{\"id\":3,\"u\":{\"b\":[{\"d\":\"x\"}]}}\n", "3");
            let kept = place
                .ask(&format!("SELECT id || ' ' || coalesce(to_json(u)::text, '-') FROM {name} ORDER BY id"));
            let last = "3 {\"a\":null,\"b\":[{\"c\":null,\"d\":\"x\"}]}";
            match disposition {
                Disposition::Merge => assert_eq!(
                    kept,
                    ["1 {\"a\":1,\"b\":null}", "2 {\"a\":null,\"b\":[{\"c\":3,\"d\":null}]}", last]
                ),
                _ => assert_eq!(kept, [last]),
            }
        }
    }
}

/// What a person did to the table stays.
#[test]
fn fields_that_are_there_already_are_no_matter() {
    for place in places() {
        let tasks = table("tasks", Disposition::Append);
        loaded(&place, &tasks, "{\"id\":1,\"u\":{\"a\":1}}\n", "1");
        let Target::DuckDb { path, driver, .. } = &place.target else { unreachable!() };
        for sql in ["ALTER TABLE tasks ADD COLUMN u.b text", "CREATE INDEX by_id ON tasks (id)"] {
            duckdb_change(path, driver.as_deref(), sql);
        }
        loaded(&place, &tasks, "{\"id\":2,\"u\":{\"b\":\"x\",\"a\":2}}\n", "2");
        assert_eq!(
            place.ask("SELECT to_json(u)::text FROM tasks ORDER BY id"),
            ["{\"a\":1,\"b\":null}", "{\"a\":2,\"b\":\"x\"}"]
        );
    }
}
