//! What tables may be called, where their rows go, and how a person looks at them.

use std::path::PathBuf;

use super::found::names;
use super::killed::clean;
use super::left_over::assert_no_leftovers;
use super::loads::{DISPOSITIONS, load, page, table};
use super::{Place, local_places, places};
use crate::*;

#[test]
fn a_table_of_another_name() {
    for place in places() {
        for disposition in DISPOSITIONS {
            let name = format!("My {disposition:?}");
            let table = Table { name: name.clone(), ..table(&format!("{disposition:?}"), disposition) };
            clean(&place, &table, "1");
            let (named, own) = (place.rows(&name), place.rows(&table.resource));
            assert_eq!(named.is_empty(), !place.is_database());
            assert_eq!(own.is_empty(), place.is_database());
            // What a load has begun under one name is taken back there.
            let mut to = place.open();
            to.begin(&table, &load(&table.resource, "2")).unwrap();
            to.write(&table, &page("{\"id\":99}", "2"), &[]).unwrap();
            to.commit().unwrap();
            let renamed = Table { name: "Other".to_owned(), ..table.clone() };
            let gone = to.resume(&renamed, &load(&table.resource, "2"));
            assert_eq!(gone.is_err(), place.is_database());
            to.undo(&renamed, "2").unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.rows(&name), named);
            assert_eq!(place.rows(&table.resource), own);
            assert_no_leftovers(&place);
        }
        let mut to = place.open();
        let named = |resource: &str| Table { name: "t".to_owned(), ..table(resource, Disposition::Append) };
        to.begin(&named("a"), &load("a", "1")).unwrap();
        let second = to.begin(&named("b"), &load("b", "1"));
        assert_eq!(second.is_err(), place.is_database());
    }
}

#[test]
fn names_that_cannot_be_stored() {
    for place in places() {
        let mut to = place.open();
        for name in ["", "_sanderling_loads", "_Sanderling", "sqlite_master", "a\0b"] {
            let refused = to.begin(&table(name, Disposition::Append), &load(name, "1")).unwrap_err();
            assert!(matches!(refused, DestinationError::Name(_)), "{name}: {refused}");
        }
        let keyless = Table { primary_key: vec![], ..table("tasks", Disposition::Merge) };
        assert!(matches!(to.begin(&keyless, &load("tasks", "1")), Err(DestinationError::Name(_))));
        to.begin(&table("Tasks", Disposition::Append), &load("Tasks", "1")).unwrap();
        let refused = to.begin(&table("tasks", Disposition::Append), &load("tasks", "1")).unwrap_err();
        assert!(matches!(refused, DestinationError::Name(_)), "{refused}");
        // Fakesnow cannot say that it has made a table in whose name there is a quote.
        let quote = if place.is_snowflake() { "" } else { "'" };
        for odd in ["../up", &format!("a b\"c{quote}d;--"), "..", "é/ü"] {
            let table = table(odd, Disposition::Replace);
            to.begin(&table, &load(odd, "1")).unwrap();
            to.write(&table, &page("{\"id\":1,\"a\\\"b\":2}\n", "1"), &[]).unwrap();
            to.finish(&table, &load(odd, "1"), &[]).unwrap();
        }
        to.commit().unwrap();
        assert_eq!(names(place.dir.path()).iter().filter(|name| name.contains("up")).count(), 0);
    }
}

#[test]
fn looking_at_the_rows() {
    let [sqlite, jsonl, parquet] = local_places();
    let path = |place: &Place| -> PathBuf { place.dir.path().to_owned() };
    let table = table("my tasks", Disposition::Append);
    assert_eq!(
        sqlite.open().peek(&table),
        Some(format!("sqlite3 {}/out.db 'select * from \"my tasks\" limit 5'", path(&sqlite).display()))
    );
    let said = jsonl.open().peek(&table).unwrap();
    assert_eq!(said, format!("head -5 {}/out/my%20tasks.jsonl", path(&jsonl).display()));
    let said = parquet.open().peek(&table).unwrap();
    let files = format!("{}/out/my%20tasks/*.parquet", path(&parquet).display());
    assert_eq!(
        said,
        format!(r"duckdb -c 'select * from read_parquet('\''{files}'\'', union_by_name=true) limit 5'")
    );
}
