//! Runs through ADBC drivers, those in the folder that `SANDERLING_ADBC` names; without one nothing is shown, and that is said.

use insta::assert_snapshot;
use sanderling_demo::{Options, start};

use crate::postgres_server::{PASSWORD, shared};
use crate::program::Folder;
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

/// A demo config, and the folder it is in.
fn demo(to: &str) -> (sanderling_demo::Server, Folder) {
    let demo = start(Options { clients: 3, ..Options::default() }).unwrap();
    let mut folder = Folder::new();
    folder.env("SANDERLING_SECRET_DB_PASSWORD", PASSWORD);
    let config = format!(
        r#"{{"name": "people", "to": "{to}", "client": {{"base_url": "{}"}},
            "resources": [{{"name": "clients", "primary_key": "id", "write_disposition": "merge",
                "endpoint": {{"path": "/v1/clients", "data_selector": "data",
                    "paginator": {{"type": "offset", "limit": 2}}}}}}]}}"#,
        demo.base_url()
    );
    folder.write("people.json", &config);
    (demo, folder)
}

#[test]
fn a_run_its_status_and_its_state() {
    let schema = crate::postgres::new_schema();
    // Its password is the secret `db_password`.
    let postgresql = driver("postgresql").zip(shared()).map(|(driver, server)| {
        let host = format!("127.0.0.1:{}", server.port());
        let uri = format!("postgresql://tester:${{secrets.db_password}}@{host}/postgres");
        format!("adbc:postgresql?uri={uri}&{driver}&schema={schema}")
    });
    for to in sqlite("people.db").into_iter().chain(postgresql) {
        let (_demo, folder) = demo(&to);
        let shown = match shared().filter(|_| to.starts_with("adbc:postgresql")) {
            Some(server) => {
                format!(
                    "adbc:postgresql?uri=postgresql://tester@127.0.0.1:{}/postgres&schema={schema}",
                    server.port()
                )
            }
            None => "adbc:sqlite?uri=people.db".to_owned(),
        };
        folder.run(&["check", "people.json"]).expect(0);
        folder.run(&["status", "people.json"]).expect(0);
        let mut said = String::new();
        for round in 0..2 {
            let ran = folder.run(&["run", "people.json", "--json"]).expect(0);
            let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(document["destination"], shown.as_str());
            let looks = ran.stderr.contains("look at it: sqlite3 people.db");
            assert_eq!(looks, to.starts_with("adbc:sqlite"), "{}", ran.stderr);
            said.push_str(&(ran.stdout + &ran.stderr));
            let rows = match to.starts_with("adbc:sqlite") {
                true => folder.table("people.db", "clients").len(),
                false => crate::postgres::rows_of(&schema, "clients").len(),
            };
            assert_eq!(rows, 3, "round {round}");
        }
        let status = folder.run(&["status", "people.json"]).expect(0);
        assert!(status.stdout.contains("clients"), "{}", status.stdout);
        let state = folder.run(&["state", "show", "people.json", "--json"]).expect(0);
        assert!(state.stdout.contains("complete"), "{}", state.stdout);
        for ran in [status, state] {
            said.push_str(&(ran.stdout + &ran.stderr));
        }
        assert!(!said.contains(PASSWORD) && !said.contains("p%40ss"), "{said}");
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
