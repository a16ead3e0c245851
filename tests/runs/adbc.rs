//! Runs through ADBC drivers, those in the folder that `SANDERLING_ADBC` names; without one nothing is shown, and that is said.

use insta::assert_snapshot;

use crate::people::{demo, run_and_look};
use crate::postgres_server::{PASSWORD, shared};
use crate::skipped::skipped;

/// `driver=LIBRARY` for a driver that is there.
fn driver(name: &str) -> Option<String> {
    let Some(folder) = std::env::var("SANDERLING_ADBC").ok() else {
        skipped("ADBC, since SANDERLING_ADBC does not name a folder of drivers");
        return None;
    };
    Some(format!("driver={folder}/adbc_driver_{name}/libadbc_driver_{name}.so"))
}

/// Where to write with SQLite's driver.
pub(crate) fn sqlite(file: &str) -> Option<String> {
    Some(format!("adbc:sqlite?uri={file}&{}", driver("sqlite")?))
}

/// Where to write with PostgreSQL's driver, the password being in it.
pub(crate) fn postgresql(schema: &str) -> Option<String> {
    let (driver, server) = (driver("postgresql")?, shared()?);
    Some(format!("adbc:postgresql?uri={}&{driver}&schema={schema}", server.driver_url()))
}

#[test]
fn a_run_its_status_and_its_state() {
    if let Some(to) = sqlite("people.db") {
        let (_demo, folder) = demo(&to);
        let rows = || folder.table("people.db", "clients").len();
        let said = run_and_look(&folder, "adbc:sqlite?uri=people.db", rows);
        assert!(said.contains("look at it: sqlite3 people.db"), "{said}");
    }
    if let Some((driver, server)) = driver("postgresql").zip(shared()) {
        let schema = crate::postgres::new_schema();
        let place = format!("127.0.0.1:{}/postgres", server.port());
        let uri = format!("postgresql://tester:${{secrets.db_password}}@{place}");
        let (_demo, folder) = demo(&format!("adbc:postgresql?uri={uri}&{driver}&schema={schema}"));
        let shown = format!("adbc:postgresql?uri=postgresql://tester@{place}&schema={schema}");
        let rows = || crate::postgres::rows_of(&schema, "clients").len();
        let said = run_and_look(&folder, &shown, rows);
        assert!(!said.contains("look at it"), "{said}");
    }
}

#[test]
fn a_driver_that_is_not_there() {
    let (_demo, folder) = demo("adbc:snowflake?username=ada&password=${secrets.db_password}");
    let ran = folder.run(&["run", "people.json"]).expect(2);
    assert_snapshot!(ran.stderr, @r"
    error: the driver for snowflake cannot be loaded: Driver not found: snowflake
    hint: `dbc install snowflake` installs it; or name its library: adbc:snowflake?driver=LIBRARY
    ");
}

#[test]
fn what_a_driver_refuses() {
    let Some(to) = sqlite("people.db") else { return };
    let (_demo, folder) = demo(&format!("{to}&uro=${{secrets.db_password}}"));
    let ran = folder.run(&["run", "people.json"]);
    assert_snapshot!(format!("{:?}\n{}", ran.code, ran.stderr), @r"
    Some(2)
    error: people.db: [SQLite] Unknown database option uro='***'
    hint: look at the options in `to`: they are the driver's own, as its documentation names them
    ");
    if let Some(server) = shared() {
        let driver = driver("postgresql").unwrap();
        let uri =
            format!("postgresql://tester:${{secrets.db_password}}x@127.0.0.1:{}/postgres", server.port());
        let (_demo, folder) = demo(&format!("adbc:postgresql?uri={uri}&{driver}"));
        let ran = folder.run(&["run", "people.json"]);
        let said = ran.stderr.replace(&server.port().to_string(), "PORT");
        assert!(!said.contains(PASSWORD), "{said}");
        assert_snapshot!(format!("{:?}\n{said}", ran.code), @r#"
        Some(3)
        error: adbc:postgresql?uri=postgresql://tester@127.0.0.1:PORT/postgres: [libpq] Failed to connect: connection to server at "127.0.0.1", port PORT failed: FATAL:  password authentication failed for user "tester"
        hint: give a user who may, with what lets it in as a secret: `${secrets.db_password}`
        "#);
    }
}
