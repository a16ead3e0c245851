//! `adopt`: files that dlt made (`tests/dlt/adopted/make.py`) are gone on with.

use std::io::Read as _;

use flate2::read::GzDecoder;
use sanderling_demo::{Options, Reply, Server, start};
use serde_json::{Value, json};

use crate::duckdb;
use crate::program::Folder;

const DUCKDB: &[u8] = include_bytes!("../dlt/adopted/tracker.duckdb.gz");
const SQLITE: &[u8] = include_bytes!("../dlt/adopted/tracker.db.gz");
const POSTGRES: &[u8] = include_bytes!("../dlt/adopted/tracker.sql.gz");

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

/// dlt has read four events, the last two at one moment, and five issues.
fn config(server: &Server, more: &Value) -> Value {
    let mut config = json!({
        "name": "tracker",
        "nested": {"tables": {"system": "dlt"}},
        "client": {"base_url": server.base_url(), "paginator": "single_page"},
        "resources": [
            {"name": "events", "endpoint": {"path": "events", "data_selector": "$", "params": {
                "since": {"type": "incremental", "cursor_path": "at", "initial_value": "2024-01-01T00:00:00Z"}
            }}},
            {"name": "issues", "primary_key": "id", "write_disposition": "merge", "endpoint": {
                "path": "issues", "data_selector": "$",
                "incremental": {"cursor_path": "updatedAt", "initial_value": 0, "start_param": "from"}
            }}
        ]
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn event(id: u64, at: &str, labels: &[&str]) -> Value {
    let labels: Vec<Value> = labels.iter().map(|name| json!({"name": name, "n": id})).collect();
    let user = json!({"loginName": format!("u{id}")});
    json!({"id": id, "at": at, "kind": "made", "size": id as f64 * 1.5, "labels": labels, "user": user})
}

/// dlt's tables in some database, and how a column of them is read.
struct Dlts<'a> {
    server: &'a Server,
    folder: &'a Folder,
    to: &'a str,
    column: &'a dyn Fn(&str, &str) -> Vec<String>,
}

impl Dlts<'_> {
    fn command(&self, command: &str) -> crate::program::Ran {
        self.folder.run(&[command, "c.json", "--to", self.to])
    }

    fn write(&self, more: &Value) {
        self.folder.write("c.json", &config(self.server, more).to_string());
    }

    /// Taken over, they are gone on with: no row is lost, and none is there twice.
    fn are_gone_on_with(&self) -> String {
        self.write(&json!({}));
        let adopted = self.command("adopt").expect(0);
        self.command("adopt").expect(2).says(&["resource `events` has been loaded into"]);
        let old = |id| event(id, "2024-01-03T10:00:00Z", &["a", "b"]);
        let events = json!([
            old(3),
            event(4, "2024-01-03T10:00:00Z", &[]),
            old(6),
            event(7, "2024-01-05T00:00:00Z", &["c"])
        ]);
        self.server.set_route("/events", move |_| Reply::json(200, events.to_string()));
        let issues = json!([
            {"id": 5, "title": "issue 5", "updatedAt": 1_700_000_005},
            {"id": 2, "title": "changed", "updatedAt": 1_700_000_006},
            {"id": 9, "title": "new", "updatedAt": 1_700_000_007, "closedAt": "2024-02-01T00:00:00Z"}
        ]);
        self.server.set_route("/issues", move |_| Reply::json(200, issues.to_string()));
        let column = |table: &str, name: &str| {
            let mut values = (self.column)(table, name);
            values.sort();
            values
        };
        for _ in 0..2 {
            self.command("run").expect(0);
            // Two were known by dlt's hashes of them, one of the same moment was not.
            assert_eq!(column("events", "id"), ["1", "2", "3", "4", "6", "7"]);
            assert_eq!(column("events__labels", "n"), ["1", "1", "2", "2", "3", "3", "6", "6", "7"]);
            assert_eq!(column("issues", "id"), ["1", "2", "3", "4", "5", "9"]);
        }
        assert_eq!(column("issues", "title"), ["changed", "issue 1", "issue 3", "issue 4", "issue 5", "new"]);
        assert_eq!(column("events", "user__login_name"), ["u1", "u2", "u3", "u4", "u6", "u7"]);
        let requests = self.server.requests();
        let sent: Vec<&str> = requests.iter().map(|request| request.target.as_str()).collect();
        assert_eq!(sent[..2], ["/events?since=2024-01-03T10%3A00%3A00Z", "/issues?from=1700000005"]);
        // What hangs on a row still does.
        let ids: std::collections::HashSet<String> = column("events", "_dlt_id").into_iter().collect();
        assert_eq!(ids.len(), 6);
        assert!(column("events__labels", "_dlt_parent_id").iter().all(|id| ids.contains(id)));
        adopted.stderr
    }
}

#[test]
fn tables_and_watermarks_of_dlt_are_gone_on_with() {
    let Some(library) = duckdb::library() else { return };
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    std::fs::write(folder.path("tracker.duckdb"), unpacked(DUCKDB)).unwrap();
    let to = format!("duckdb:tracker.duckdb?schema=tracker&driver={}", library.display());
    let column = |table: &str, name: &str| {
        duckdb::column(&folder.path("tracker.duckdb"), &format!("tracker\".\"tracker\".\"{table}"), name)
    };
    let dlts = Dlts { server: &server, folder: &folder, to: &to, column: &column };

    dlts.write(&json!({"nested": "json"}));
    dlts.command("adopt").expect(2).says(&["resource `events` would not be written as dlt's tables are"]);
    dlts.write(&json!({"resources": [{"name": "other", "endpoint": "other"}]}));
    dlts.command("adopt")
        .expect(2)
        .says(&["no resource of the config has a table of dlt's pipeline duck", "events"]);
    dlts.write(&json!({}));
    let ran = folder.run(&["adopt", "c.json", "--to", &to.replace("schema=tracker", "schema=none")]);
    ran.expect(2).says(&["dlt has left no state in duckdb:tracker.duckdb?schema=none"]);
    let ran = folder.run(&["adopt", "c.json", "--to", &to, "--pipeline", "dack"]);
    ran.expect(2).says(&["it is not clear which of dlt's pipelines", "there are duck"]);
    // Without being taken over they are somebody else's.
    let ran = folder.run(&["run", "c.json", "--to", &to, "--resource", "issues"]).expect(2);
    insta::assert_snapshot!("dlts_own", ran.stderr);

    insta::assert_snapshot!(dlts.are_gone_on_with());
}

#[test]
fn those_in_sqlite_are_gone_on_with() {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    std::fs::write(folder.path("tracker.db"), unpacked(SQLITE)).unwrap();
    let column = |table: &str, name: &str| -> Vec<String> {
        let database = folder.database("tracker.db");
        let sql = format!("SELECT CAST(\"{name}\" AS TEXT) FROM \"{table}\"");
        let mut select = database.prepare(&sql).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let dlts = Dlts { server: &server, folder: &folder, to: "sqlite:tracker.db", column: &column };
    insta::assert_snapshot!(dlts.are_gone_on_with(), @r"
    taken over from dlt's pipeline lite in sqlite:tracker.db:
      events: 4 rows, read up to at 2024-01-03T10:00:00Z
      issues: 5 rows, read up to updatedAt 1700000005
    the next run goes on in these tables; dlt must not load them any more
    ");
}

#[test]
fn those_in_postgresql_are_gone_on_with() {
    let Some(database) = crate::postgres_server::shared() else { return };
    let (server, mut folder) = (start(Options::default()).unwrap(), Folder::new());
    folder.env("SANDERLING_SECRET_DB", &database.url("schema=tracker"));
    crate::postgres::batch(std::str::from_utf8(&unpacked(POSTGRES)).unwrap());
    let column = |table: &str, name: &str| {
        crate::postgres::ask(&format!("SELECT \"{name}\"::text FROM tracker.\"{table}\""))
    };
    let dlts = Dlts { server: &server, folder: &folder, to: "${secrets.db}", column: &column };
    let said = dlts.are_gone_on_with().replace(&database.port().to_string(), "PORT");
    insta::assert_snapshot!(said, @r"
    taken over from dlt's pipeline elephant in postgresql://tester@127.0.0.1:PORT/postgres?schema=tracker:
      events: 4 rows, read up to at 2024-01-03T10:00:00Z
      issues: 5 rows, read up to updatedAt 1700000005
    the next run goes on in these tables; dlt must not load them any more
    ");
}

#[test]
fn where_nothing_is_nothing_is_made() {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    let mut places = vec!["sqlite:none.db".to_owned(), "jsonl:none".to_owned(), "parquet:none".to_owned()];
    if let Some(library) = duckdb::library() {
        places.push(format!("duckdb:none.duckdb?driver={}", library.display()));
    }
    folder.write("c.json", &config(&server, &json!({})).to_string());
    for to in places {
        folder.run(&["adopt", "c.json", "--to", &to]).expect(2).says(&["dlt has left no state in"]);
        assert_eq!(folder.names(), ["c.json"], "{to}");
    }
}
