//! What a place must not hold once no load is under way.

use serde_json::Value as Json;

use super::Place;
use super::found::names;
use crate::*;

/// Nothing that belongs to no unfinished load lies about.
pub(super) fn assert_no_leftovers(place: &Place) {
    let is_deferring = match place.door() {
        Target::Adbc { address } => place.driven.is_none() || address.defers || address.taken_for.is_some(),
        _ => false,
    };
    if is_deferring {
        // A table that was made for a load that broke off stays until the next load makes it anew.
        return;
    }
    match &place.target {
        Target::Sqlite { path } => {
            let conn = rusqlite::Connection::open(path).unwrap();
            let count = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(count("SELECT count(*) FROM sqlite_master WHERE name LIKE '_sanderling_new%'"), 0);
        }
        Target::Postgres { address } => {
            let ask = |sql: &str| crate::postgres::tests::ask(address, sql);
            let schema = &address.schema;
            let tables = format!(
                "SELECT c.relname::text FROM pg_class c WHERE relnamespace = '{schema}'::regnamespace
                 AND relkind = 'r' AND starts_with(relname, '_sanderling_new')"
            );
            assert_eq!(ask(&tables), [""; 0]);
        }
        Target::DuckDb { path, driver, .. } => {
            let left = crate::sql::open::duckdb_tables(path, driver.as_deref(), "_sanderling_new");
            assert_eq!(left, [""; 0]);
        }
        Target::Jsonl { dir, state_dir } => {
            let found = names(dir);
            assert!(found.iter().all(|name| name == ".sanderling" || name.ends_with(".jsonl")), "{found:?}");
            assert_eq!(names(state_dir), ["journal.jsonl"]);
        }
        Target::Parquet { dir, state_dir } => {
            let mut found = names(dir);
            found.retain(|name| ![".sanderling", "manifest.json"].contains(&name.as_str()));
            // That those of a resource are the ones that the manifest names, `rows` sees to.
            found.iter().for_each(|resource| drop(place.rows(resource)));
            assert_eq!(names(state_dir), ["parquet.jsonl"]);
        }
        Target::Store { address, .. } => {
            // What a killed run has left goes with the next one's first commit.
            let mut to = place.open();
            to.record(&[Change::Done { seq: u64::MAX }]).unwrap();
            to.commit().unwrap();
            let store = crate::store::Store::open(address).unwrap();
            let manifest = store.get("manifest.json").unwrap().unwrap();
            let manifest: Json = serde_json::from_slice(&manifest.bytes).unwrap();
            assert_eq!(store.list(".sanderling").unwrap(), [manifest["store"]["state"].as_str().unwrap()]);
            let mut named: Vec<String> =
                serde_json::from_value(manifest["resources"]["tasks"]["files"].clone()).unwrap_or_default();
            named.sort();
            assert_eq!(store.list("tasks").unwrap(), named);
        }
        Target::Adbc { .. } | Target::Stdout => unreachable!(),
    }
}
