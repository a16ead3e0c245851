//! What runs leave, read by other programs: Parquet by pyarrow and DuckDB, databases by their own clients.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use sanderling_demo::{Options, Reply, Server, start};
use serde_json::json;

use crate::objects::{self, Prefix};
use crate::program::Folder;
use crate::skipped::skipped;
use crate::{duckdb, postgres};

/// Reads all files of a resource as one table, and prints its columns' types and its rows.
const PYARROW: &str = r#"
import json, sys
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.fs as fs
endpoint, folder, resource = sys.argv[1:]
if endpoint:
    store = fs.S3FileSystem(endpoint_override=endpoint, scheme="http", region="us-east-1", access_key="tester", secret_key="hush/hush")
else:
    store = fs.LocalFileSystem()
manifest = json.loads(store.open_input_stream(folder + "/manifest.json").readall())
resources = manifest["resources"]
of = next(of[resource] for of in [resources] + [it.get("lists", {}) for it in resources.values()] if resource in of)
files = [pq.read_table(folder + "/" + file, filesystem=store, partitioning=None) for file in of["files"]]
table = pa.concat_tables(files, promote_options="default")
print(len(files) > 1)
for field in table.schema:
    print(field.name, field.type)
plain = lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value)
for row in table.to_pylist():
    shown = {name: value for name, value in row.items() if not name.startswith("_") or name == "_list_idx"}
    print(json.dumps(shown, default=plain, ensure_ascii=False))
"#;

/// The folder of pyarrow; none, with a word about it, where `SANDERLING_PYARROW` names none.
fn pyarrow() -> Option<OsString> {
    let folder = std::env::var_os("SANDERLING_PYARROW");
    if folder.is_none() {
        skipped("pyarrow, since SANDERLING_PYARROW does not name its folder");
    }
    folder
}

fn by_pyarrow(packages: &OsString, endpoint: &str, folder: &str, resource: &str) -> String {
    let mut python = Command::new("python3");
    python.args(["-c", PYARROW, endpoint, folder, resource]).env("PYTHONPATH", packages);
    let ran = python.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// What DuckDB reads of the files that a manifest names, as JSON.
fn by_duckdb(folder: &Path, resource: &str) -> String {
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let files = objects::files_in(&manifest, resource);
    let files: Vec<String> = files.iter().map(|file| format!("'{}'", folder.join(file).display())).collect();
    let read = format!("read_parquet([{}], union_by_name = true)", files.join(", "));
    let own = "SELECT COLUMNS(c -> NOT starts_with(c, '_') OR c = '_list_idx')";
    let rows = duckdb::ask(None, &format!("SELECT to_json(t)::text FROM ({own} FROM {read}) AS t"));
    format!("{}\n", rows.join("\n"))
}

/// A list of every kind of value, whose rows have more fields with every run.
struct Varied {
    server: Server,
    folder: Folder,
}

impl Varied {
    fn new(nested: &str) -> Self {
        let server = start(Options::default()).unwrap();
        let folder = Folder::new();
        let config = json!({
            "name": "varied",
            "nested": nested,
            "client": {"base_url": server.base_url()},
            "resources": [{
                "name": "items",
                "write_disposition": "append",
                "columns": {
                    "price": {"data_type": "decimal", "precision": 20, "scale": 4},
                    "day": {"data_type": "date"},
                    "late": {"data_type": "text"}
                },
                "endpoint": {"path": "items", "data_selector": "data", "paginator": "single_page"}
            }]
        });
        folder.write("varied.json", &config.to_string());
        Self { server, folder }
    }

    /// Loads three passes, one after the other.
    fn load(&self, to: &str) {
        let tags = json!(["ü", null, "b"]);
        let lines = json!([{"sku": "x", "n": 1}, {"sku": "☃", "n": null}]);
        let passes = [
            json!([
                {"id": 1, "name": "Zoë \u{1d11e} \"quoted\" \\ \n", "price": "1234567890123456.7891", "day": "2024-02-29",
                 "utc": "2024-01-02T03:04:05.123456Z", "naive": "2024-01-02T03:04:05", "ok": true, "x": 0.1,
                 "user": {"login": "ü", "at": {"n": 1}}, "tags": tags, "lines": lines},
                {"id": 2, "name": null, "price": "-0.0001", "day": "0001-01-01", "utc": "1969-12-31T23:59:59.999+01:00",
                 "naive": "9999-12-31T23:59:59.999999", "ok": null, "x": -1e300, "user": null, "tags": [], "lines": null}
            ]),
            // Nothing but an id, then fields that are new, one of them with a value of another type.
            json!([{"id": 9_007_199_254_740_993_u64}]),
            json!([{"id": "four", "name": "", "more": 7, "late": "1", "much": 18_446_744_073_709_551_615_u64},
                   {"id": 5, "more": 8, "lines": [{"sku": "y", "n": 3}]}]),
        ];
        for pass in passes {
            let body = json!({"data": pass}).to_string();
            self.server.set_route("/items", move |_| Reply::json(200, body.clone()));
            self.folder.run(&["run", "varied.json", "--to", to]).expect(0);
        }
    }

    fn loaded_into_a_store(nested: &str, prefix: &Prefix) {
        let mut it = Self::new(nested);
        it.folder.env("SANDERLING_SECRET_TO", &format!("parquet:{}", prefix.url));
        it.load("${secrets.to}");
    }
}

#[test]
fn parquet_with_nested_values_kept() {
    let it = Varied::new("json");
    it.load("parquet:out");
    let folder = it.folder.path("out");
    if duckdb::library().is_some() {
        assert_snapshot!("kept_by_duckdb", by_duckdb(&folder, "items"));
    }
    let Some(packages) = pyarrow() else { return };
    let read = by_pyarrow(&packages, "", folder.to_str().unwrap(), "items");
    assert_snapshot!("kept_by_pyarrow", read);
    if let Some(prefix) = objects::real() {
        Varied::loaded_into_a_store("json", &prefix);
        assert_eq!(by_pyarrow(&packages, prefix.endpoint(), &prefix.folder(), "items"), read);
    }
}

#[test]
fn parquet_with_lists_as_tables() {
    let it = Varied::new("tables");
    it.load("parquet:out");
    let folder = it.folder.path("out");
    let tables = ["items", "items__lines", "items__tags"];
    if duckdb::library().is_some() {
        let read = tables.map(|table| format!("{table}\n{}", by_duckdb(&folder, table))).join("");
        assert_snapshot!("tables_by_duckdb", read);
        // Every item of a list finds its row.
        let of = |table: &str| {
            format!("read_parquet('{}/{table}/*.parquet', union_by_name = true)", folder.display())
        };
        let joined = format!(
            "SELECT string_agg(i.id || ':' || l.sku, ' ' ORDER BY i._row_id, l._list_idx) FROM {} AS l JOIN {} AS i \
             ON l._parent_id = i._row_id",
            of("items__lines"),
            of("items")
        );
        let mut joined: Vec<String> = duckdb::ask(None, &joined)[0].split(' ').map(str::to_owned).collect();
        joined.sort();
        assert_eq!(joined, ["1:x", "1:☃", "5:y"]);
    }
    let Some(packages) = pyarrow() else { return };
    let read = |endpoint: &str, folder: &str| {
        tables.map(|table| format!("{table} {}", by_pyarrow(&packages, endpoint, folder, table))).join("")
    };
    let here = read("", folder.to_str().unwrap());
    assert_snapshot!("tables_by_pyarrow", here);
    if let Some(prefix) = objects::real() {
        Varied::loaded_into_a_store("tables", &prefix);
        assert_eq!(read(prefix.endpoint(), &prefix.folder()), here);
    }
}

/// The command that a run names for looking at its rows.
fn hint(folder: &Folder, to: &str) -> String {
    let ran = folder.run(&["run", "demo.json", "--to", to]).expect(0);
    let hint = ran.stderr.lines().find_map(|line| line.split_once("look at it: ")).unwrap();
    hint.1.to_owned()
}

/// A name that has to be quoted wherever it stands.
fn demo() -> (Server, Folder) {
    let server = start(Options::default()).unwrap();
    let folder = Folder::new();
    let config = json!({
        "name": "demo",
        "client": {"base_url": server.base_url()},
        "resources": [{"name": "order", "endpoint": {"path": "items", "data_selector": "data"}}]
    });
    server.set_route("/items", |_| Reply::json(200, r#"{"data":[{"id":1,"name":"ü"},{"id":2}]}"#));
    folder.write("demo.json", &config.to_string());
    (server, folder)
}

/// What a command prints that a person pastes.
fn pasted(folder: &Folder, command: &str) -> String {
    let ran = folder.command_of("sh", &["-c", command]).output().unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

fn is_there(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        skipped(&format!("the program {program}, which is not on this machine"));
    }
    is_there
}

#[test]
fn an_sqlite_file_is_read_as_the_program_says() {
    let (_server, folder) = demo();
    let hint = hint(&folder, "sqlite:it's.db");
    // By the library of Python, which every machine has that has pyarrow.
    let script = "import json, shlex, sqlite3, sys; _, file, query = shlex.split(sys.argv[1])
print([row[:2] for row in sqlite3.connect(file).execute(query)])";
    let ran = folder.command_of("python3", &["-c", script, &hint]).output().unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), "[(1, 'ü'), (2, None)]\n", "{:?}", ran.stderr);
    if is_there("sqlite3") {
        let printed = pasted(&folder, &hint);
        assert!(printed.starts_with("1|ü|") && printed.lines().count() == 2, "{printed}");
    }
}

#[test]
fn a_schema_of_postgresql_is_read_as_the_program_says() {
    let Some(server) = crate::postgres_server::shared() else { return };
    let (_server, mut folder) = demo();
    folder.env("PGPASSWORD", crate::postgres_server::PASSWORD);
    let by_socket = format!("{}&schema={}", server.socket_url(), postgres::new_schema());
    for url in [postgres::url(&postgres::new_schema()), by_socket] {
        folder.env("SANDERLING_SECRET_DB", &url);
        let hint = hint(&folder, "${secrets.db}");
        assert!(hint.contains(&server.port().to_string()), "{hint}");
        if is_there("psql") {
            let printed = pasted(&folder, &format!("{hint} -At"));
            assert!(printed.starts_with("1|ü|") && printed.lines().count() == 2, "{printed}");
        }
    }
}

#[test]
fn duckdb_reads_what_the_program_says() {
    let Some(library) = duckdb::library() else { return };
    let (_server, folder) = demo();
    let rows = |path: Option<&Path>, query: &str| {
        duckdb::ask(path, &format!("SELECT id || ' ' || coalesce(name, '-') FROM ({query}) ORDER BY id"))
    };
    for to in ["duckdb:duck.db", "duckdb:duck.db?schema=other"] {
        let mark = if to.contains('?') { '&' } else { '?' };
        let words = shlex::split(&hint(&folder, &format!("{to}{mark}driver={}", library.display()))).unwrap();
        assert_eq!(words[..2], ["duckdb", "duck.db"]);
        assert_eq!(rows(Some(&folder.path("duck.db")), &words[2]), ["1 ü", "2 -"]);
    }
    let words = shlex::split(&hint(&folder, "parquet:out")).unwrap();
    assert_eq!(words[..2], ["duckdb", "-c"]);
    let here = format!("'{}/out/", folder.dir().display());
    assert_eq!(rows(None, &words[2].replace("'out/", &here)), ["1 ü", "2 -"]);
}

/// Files of a later run may have columns that the first has not.
#[test]
fn what_is_said_of_files_shows_columns_that_came_later() {
    if duckdb::library().is_none() {
        return;
    }
    let it = Varied::new("json");
    it.load("parquet:out");
    let ran = it.folder.run(&["run", "varied.json", "--to", "parquet:out"]).expect(0);
    let hint = ran.stderr.lines().find_map(|line| line.split_once("look at it: ")).unwrap().1;
    let query =
        shlex::split(hint).unwrap()[2].replace("'out/", &format!("'{}/out/", it.folder.dir().display()));
    let counted =
        duckdb::ask(None, &format!("SELECT count(more)::text FROM ({})", query.replace(" limit 5", "")));
    assert_eq!(counted, ["4"]);
}
