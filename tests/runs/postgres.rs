//! Runs into a real PostgreSQL server; where the machine has none, nothing is shown, and that is said.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::breaking::{Breaking, DISPOSITIONS, TABLES, To, after, sorted};
use crate::people::run_and_look;
use crate::postgres_server::{PASSWORD, Server, shared};
use crate::program::Folder;
use crate::proxy::losing_a_commit;

/// A schema that no other test has.
pub(crate) fn new_schema() -> String {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    format!("runs_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed))
}

fn server() -> &'static Server {
    shared().unwrap()
}

pub(crate) fn url(schema: &str) -> String {
    server().url(&format!("schema={schema}"))
}

pub(crate) fn client(server: &Server) -> postgres::Client {
    let mut config = postgres::Config::new();
    config.host("127.0.0.1").port(server.port()).user("tester").password(PASSWORD).dbname("postgres");
    config.connect(postgres::NoTls).unwrap()
}

/// The first column of an answer, which is text.
pub(crate) fn ask(sql: &str) -> Vec<String> {
    let rows = client(server()).query(sql, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Runs statements.
pub(crate) fn batch(sql: &str) {
    client(server()).batch_execute(sql).unwrap();
}

/// The rows of a table of the folder's schema, as JSON without the system columns, in an order of their own.
pub(crate) fn rows(folder: &Folder, table: &str) -> Vec<String> {
    let url = folder.variable("SANDERLING_SECRET_DB");
    rows_of_url(&url, table)
}

/// The same of the schema that an address names.
pub(crate) fn rows_of_url(url: &str, table: &str) -> Vec<String> {
    rows_of(url.rsplit_once("schema=").unwrap().1, table)
}

pub(crate) fn rows_of(schema: &str, table: &str) -> Vec<String> {
    sorted(ask(&format!(
        "SELECT (to_jsonb(t) - '_load_id' - '_loaded_at')::text FROM {schema}.\"{table}\" AS t"
    )))
}

/// The small pipeline into a schema of its own, and which that is.
fn demo(to: &str) -> (sanderling_demo::Server, Folder, String) {
    let schema = new_schema();
    let to = to.replace("SERVER", &format!("127.0.0.1:{}", server().port())).replace("SCHEMA", &schema);
    let (demo, folder) = crate::people::demo(&to);
    (demo, folder, schema)
}

const TO: &str = "postgresql://tester:${secrets.db_password}@SERVER/postgres?schema=SCHEMA";

#[test]
fn a_run_its_status_and_its_state() {
    if shared().is_none() {
        return;
    }
    let (_demo, folder, schema) = demo(TO);
    let shown = format!("postgresql://tester@127.0.0.1:{}/postgres?schema={schema}", server().port());
    let address = shown.split('?').next().unwrap();
    let look = format!("look at it: psql {address} -c 'select * from \"{schema}\".\"clients\" limit 5'");
    let said = run_and_look(&folder, &shown, || rows_of(&schema, "clients").len());
    assert!(said.contains(&look), "{said}");
    let types = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname)
                 FROM pg_attribute WHERE attnum > 0 AND attrelid = ";
    let types = ask(&format!("{types} '{schema}.clients'::regclass"));
    assert!(
        types[0].contains("_loaded_at timestamp with time zone") && types[0].contains("id bigint"),
        "{types:?}"
    );
}

#[test]
fn what_a_server_refuses() {
    if shared().is_none() {
        return;
    }
    let (_demo, mut folder, schema) = demo(TO);
    folder.env("SANDERLING_SECRET_DB_PASSWORD", "hunter2/@hunter2");
    let ran = folder.run(&["run", "people.json"]).expect(3);
    let ran = ran.says(&["password authentication failed for user \"tester\"", "give a user who may"]);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let to = format!("postgresql://u@{closed}/db?schema={schema}");
    let ran = folder.run(&["run", "people.json", "--to", &to]).expect(4);
    ran.says(&["onnection refused", "run again once it can be reached"]);
    let (_demo, folder, _) = demo("postgresql://u:${secrets.db_passwort}@SERVER/postgres");
    folder.run(&["run", "people.json"]).expect(3).says(&["the secret `db_passwort` is not given"]);
    let (_demo, folder, _) = demo("postgresql://u:${secret.db}@SERVER/postgres");
    folder.run(&["check", "people.json"]).expect(2).says(&["this looks like a reference to a secret"]);
    let (_demo, folder, _) = demo("postgresql://SERVER/postgres?shema=x");
    folder.run(&["check", "people.json"]).expect(2).says(&["did you mean `schema`?"]);
}

#[test]
fn what_hangs_on_a_replaced_table_stays() {
    if shared().is_none() {
        return;
    }
    let it = Breaking::new(To::Postgres, "replace", 1);
    it.folder.run(&it.args()).expect(0);
    let url = it.folder.variable("SANDERLING_SECRET_DB");
    let schema = url.rsplit_once("schema=").unwrap().1;
    let clients = it.table("clients");
    ask(&format!("CREATE VIEW {schema}.seen AS SELECT id FROM {schema}.clients"));
    ask(&format!("GRANT SELECT ON {schema}.projects TO pg_monitor"));
    let tables = |name: &str| ask(&format!("SELECT '{schema}.{name}'::regclass::oid::text")).remove(0);
    let (before, other) = (tables("clients"), tables("tasks"));
    it.folder.run(&it.args()).expect(0);
    assert_eq!(it.table("clients"), clients);
    assert_eq!(ask(&format!("SELECT count(*)::text FROM {schema}.seen")), ["3"]);
    assert_eq!(
        ask(&format!("SELECT has_table_privilege('pg_monitor', '{schema}.projects', 'SELECT')::text")),
        ["true"]
    );
    assert_eq!(before, tables("clients"));
    assert_ne!(other, tables("tasks"), "where nothing hangs on it the new table takes its place");
}

/// The connection breaks off at each commit that there is, before the server has it and after.
#[test]
fn a_commit_that_is_lost_ends_the_run_and_the_next_one_finds_out() {
    let Some(server) = shared() else { return };
    for (disposition, done) in DISPOSITIONS.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let clean = Breaking::new(To::Postgres, disposition, 1);
        clean.folder.run(&clean.args()).expect(0);
        let mut lost = 0;
        loop {
            let mut it = Breaking::new(To::Postgres, disposition, 1);
            let url = it.folder.variable("SANDERLING_SECRET_DB");
            let port = losing_a_commit(server.port(), lost + 1, done).to_string();
            it.folder.env("SANDERLING_SECRET_DB", &url.replace(&server.port().to_string(), &port));
            let ran = it.folder.run(&it.args());
            if ran.code == Some(0) {
                break;
            }
            lost += 1;
            ran.expect(4).says(&["nobody knows whether the last commit was done"]);
            it.folder.run(&it.args()).expect(0);
            // If the last of all commits was done, the next run is one of its own.
            let passes = 1..=if done { 2 } else { 1 };
            let are_whole = passes.map(|passes| after(passes, disposition, To::Postgres, &clean.rows()));
            assert!(
                are_whole.into_iter().any(|rows| rows == it.rows()),
                "{disposition}, commit {lost}, {done}"
            );
        }
        assert!(lost > 1, "{lost} commits");
    }
}

#[test]
fn a_machine_that_has_only_the_database_goes_on() {
    if shared().is_none() {
        return;
    }
    for disposition in DISPOSITIONS {
        let it = Breaking::new(To::Postgres, disposition, 1);
        it.server.add_fault(sanderling_demo::Fault::new(
            "*",
            sanderling_demo::When::From(9),
            sanderling_demo::Action::status(500),
        ));
        it.folder.run(&it.args()).expect(4);
        it.mend();
        let mut elsewhere = Folder::new();
        elsewhere.env("SANDERLING_SECRET_DB", &it.folder.variable("SANDERLING_SECRET_DB"));
        elsewhere.write("broken.json", &it.folder.read("broken.json"));
        elsewhere.run(&it.args()).expect(0);
        let whole = Breaking::new(To::Postgres, disposition, 1);
        whole.folder.run(&whole.args()).expect(0);
        for table in TABLES {
            assert_eq!(it.table(table), whole.table(table), "{disposition} {table}");
        }
    }
}
