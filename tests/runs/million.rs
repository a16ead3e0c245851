//! A million rows by whole runs into every kind of place: one is killed half-way, the next goes on, each row is there once.

use std::fmt::Write as _;

use sanderling_demo::{Options, Reply, Server, start};

use crate::kill::{kill, wait_for};
use crate::program::Folder;
use crate::{duckdb, objects, parquet, postgres};

const ROWS: usize = 1_000_000;
const LIMIT: usize = 10_000;

fn value(id: usize) -> usize {
    id * 7_919 % 1_000_003
}

/// Small rows: what is shown is that none is lost, not how fast they come.
fn source() -> (Server, Folder) {
    let server = start(Options::default()).unwrap();
    server.set_route("/rows", |request| {
        let offset = request.number_param("offset").unwrap_or_default();
        let mut text = format!("{{\"total\":{ROWS},\"data\":[");
        for id in offset..(offset + LIMIT).min(ROWS) {
            let comma = if id == offset { "" } else { "," };
            let _ = write!(text, "{comma}{{\"id\":{id},\"v\":{}}}", value(id));
        }
        text.push_str("]}");
        Reply::json(200, text)
    });
    let folder = Folder::new();
    let config = format!(
        r#"{{"name": "many", "client": {{"base_url": "{}"}}, "resources": [{{"name": "rows",
            "endpoint": {{"data_selector": "data", "paginator": {{"type": "offset", "limit": {LIMIT}, "total_path": "total"}}}}}}]}}"#,
        server.base_url()
    );
    folder.write("many.json", &config);
    (server, folder)
}

/// A run that is killed when half of its pages were asked for, and one that goes on. Returns the folder.
fn loaded(to: &str, secret: Option<&str>) -> Folder {
    let (server, mut folder) = source();
    secret.into_iter().for_each(|secret| folder.env("SANDERLING_SECRET_DB", secret));
    let args = ["run", "many.json", "--to", to];
    let child = folder.spawn(&args);
    wait_for(&server, ROWS / LIMIT / 2);
    kill(child);
    folder.run(&args).expect(0).says(&["rows: complete, 1000000 rows"]);
    folder
}

/// Rows, ids, values and products of both, in sums.
fn expected() -> String {
    let all = |of: fn(usize) -> usize| (0..ROWS).map(of).sum::<usize>();
    format!("{ROWS} {} {} {}", all(|id| id), all(value), all(|id| id * value(id)))
}

const SUMS: &str = "SELECT CAST(count(*) AS text) || ' ' || CAST(sum(id) AS text) || ' ' || CAST(sum(v) AS text) \
                    || ' ' || CAST(sum(id * v) AS text) FROM ";

#[test]
fn a_million_rows_into_sqlite() {
    let folder = loaded("sqlite:many.db", None);
    let sums: String =
        folder.database("many.db").query_row(&format!("{SUMS}rows"), [], |row| row.get(0)).unwrap();
    assert_eq!(sums, expected());
}

#[test]
fn a_million_rows_into_postgresql() {
    if crate::postgres_server::shared().is_some() {
        let schema = postgres::new_schema();
        loaded("${secrets.db}", Some(&postgres::url(&schema)));
        assert_eq!(postgres::ask(&format!("{SUMS}{schema}.rows")), [expected()]);
    }
}

#[test]
fn a_million_rows_into_duckdb() {
    let Some(library) = duckdb::library() else { return };
    let folder = loaded(&format!("duckdb:many.duckdb?driver={}", library.display()), None);
    assert_eq!(duckdb::ask(Some(&folder.path("many.duckdb")), &format!("{SUMS}rows")), [expected()]);
}

#[test]
fn a_million_rows_into_parquet() {
    let folder = loaded("parquet:many", None);
    let mut sums = [0_u64; 4];
    for file in objects::files_in(folder.read("many/manifest.json").as_bytes(), "rows") {
        for (id, value) in parquet::pairs(std::fs::read(folder.path("many").join(file)).unwrap(), "id", "v") {
            let (id, value) = (id.unsigned_abs(), value.unsigned_abs());
            sums.iter_mut().zip([1, id, value, id * value]).for_each(|(sum, more)| *sum += more);
        }
    }
    assert_eq!(sums.map(|sum| sum.to_string()).join(" "), expected());
}
