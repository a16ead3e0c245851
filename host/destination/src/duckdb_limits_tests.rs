//! What DuckDB may take of the machine.

use std::path::Path;

use crate::conformance::{Place, load, page, table, typed_places};
use crate::sql::adbc::{Adbc, load as driver_of};
use crate::sql::session::Scalar;
use crate::{Destination, DestinationError, Disposition, DuckDbLimits, Target};

fn place() -> Option<Place> {
    typed_places().into_iter().find(|place| matches!(place.door(), Target::DuckDb { .. }))
}

fn settings(path: &Path, driver: Option<&Path>, limits: &DuckDbLimits) -> String {
    let mut session = Adbc::duckdb(driver_of("duckdb", driver, None).unwrap(), path, Some(limits)).unwrap();
    let sql = "SELECT current_setting('memory_limit') || ' ' || current_setting('threads')";
    match session.query(&[], sql, &[]).unwrap().as_slice() {
        [row] => match row.as_slice() {
            [Scalar::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn its_own_limits_or_those_of_the_address() {
    let Some(place) = place() else { return };
    let Target::DuckDb { path, driver, .. } = &place.target else { unreachable!() };
    let own = settings(path, driver.as_deref(), &DuckDbLimits::default());
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(own, format!("512.0 MiB {}", cores.min(4)));
    let limits = DuckDbLimits { memory_limit: Some("1GiB".to_owned()), threads: Some(7) };
    assert_eq!(settings(path, driver.as_deref(), &limits), "1.0 GiB 7");
    let wrong = DuckDbLimits { memory_limit: Some("much".to_owned()), threads: None };
    let target = Target::DuckDb { path: path.clone(), schema: None, driver: driver.clone(), limits: wrong };
    let refused = Destination::open(&target, "demo").unwrap_err();
    insta::assert_snapshot!(refused.to_string().replace(path.to_str().unwrap(), "FILE"), @"FILE: Parser Error: Memory must have a number (e.g. 1GB)");
}

/// A run that has too little says so, and goes on when it has more.
#[test]
fn too_little_loses_nothing() {
    let Some(place) = place() else { return };
    let Target::DuckDb { path, driver, .. } = &place.target else { unreachable!() };
    let rows: String = (0..20_000).map(|id| format!("{{\"id\":{id},\"text\":\"{id:0200}\"}}\n")).collect();
    let tasks = table("tasks", Disposition::Replace);
    let written = |target: &Target| -> Result<(), DestinationError> {
        let mut to = Destination::open(target, "demo")?;
        to.begin(&tasks, &load("tasks", "1"))?;
        to.write(&tasks, &page(&rows, "1"), &[])?;
        to.finish(&tasks, &load("tasks", "1"), &[])?;
        to.commit()
    };
    let limits = DuckDbLimits { memory_limit: Some("1MB".to_owned()), threads: Some(1) };
    let tight = Target::DuckDb { path: path.clone(), schema: None, driver: driver.clone(), limits };
    let refused = written(&tight).unwrap_err();
    assert!(matches!(refused, DestinationError::Memory { .. }), "{refused:?}");
    assert_eq!(place.rows("tasks").len(), 0);
    written(&place.target).unwrap();
    assert_eq!(place.rows("tasks").len(), 20_000);
}
