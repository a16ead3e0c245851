//! Runs through ADBC drivers, those in the folder that `SANDERLING_ADBC` names; without one nothing is shown, and that is said.

use insta::assert_snapshot;

use crate::people::{demo, run_and_look};
use crate::postgres_server::{PASSWORD, shared};
use crate::program::Folder;
use crate::python_servers;
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

/// Snowflake as fakesnow has it, and a database that nobody knows behind Flight SQL: a second run on another machine goes on.
#[test]
fn runs_on_servers_that_only_drivers_speak_to() {
    let flight = python_servers::flight("people");
    for to in python_servers::snowflake("people").into_iter().chain(flight.clone()) {
        let (_demo, folder) = demo(&to);
        let first = folder.run(&["run", "people.json"]).expect(0);
        let said = "`Anywhere` is no database that is known here";
        assert_eq!(
            first.stderr.matches(said).count(),
            usize::from(flight.as_ref() == Some(&to)),
            "{}",
            first.stderr
        );
        let mut elsewhere = Folder::new();
        elsewhere.env("SANDERLING_SECRET_DB_PASSWORD", PASSWORD);
        elsewhere.write("people.json", &folder.read("people.json"));
        let second = elsewhere.run(&["run", "people.json", "--json"]).expect(0);
        let document: serde_json::Value = serde_json::from_str(&second.stdout).unwrap();
        assert_eq!(document["resources"][0]["rows"], 3, "{document:#}");
        let state = elsewhere.run(&["state", "show", "people.json", "--json"]).expect(0);
        assert!(state.stdout.contains("complete"), "{}", state.stdout);
        let schema = elsewhere.run(&["schema", "people.json", "--format", "sql"]).expect(0);
        let id = if flight.as_ref() == Some(&to) { "\"id\" bigint" } else { "\"ID\" bigint" };
        assert!(schema.stdout.contains(id), "{}", schema.stdout);
        for ran in [first, second, state, schema] {
            assert!(!(ran.stdout + &ran.stderr).contains("geheim"));
        }
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
