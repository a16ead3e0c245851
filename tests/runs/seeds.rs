//! The configs of the five seed documents as they stand there, read end to end: rows, values, requests, retries, keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::types::Value as Column;
use sanderling_demo::{Action, Fault, Options, Reply, Request, Server, When, start};
use serde_json::Value;

use crate::api;
use crate::program::{Folder, Ran};

const KEY: &str = "seed-key-5d1f";

/// A seed: its config, and what each of its resources is read from.
struct Seed {
    file: &'static str,
    text: &'static str,
    lists: &'static [List],
}

struct List {
    resource: &'static str,
    path: &'static str,
    /// Rows on a page; `None`: no paginator, and so no parameters.
    limit: Option<usize>,
    rows: usize,
}

const fn list(resource: &'static str, path: &'static str, limit: Option<usize>, rows: usize) -> List {
    List { resource, path, limit, rows }
}

const SEED_000: Seed = Seed {
    file: "seed.yaml",
    text: include_str!("seeds/000.yaml"),
    lists: &[list("time_entries", "/v1/time_entries", Some(100), 2_500)],
};
const SEED_001: Seed = Seed {
    file: "seed.json",
    text: include_str!("seeds/001.json"),
    lists: &[
        list("project_details", "/v1/projects", Some(100), 20),
        list("time_entries", "/v1/time_entries", Some(100), 2_500),
        list("expenses", "/v1/expenses", Some(100), 340),
    ],
};
/// Its children are looked at apart.
const SEED_002: Seed = Seed {
    file: "seed.yaml",
    text: include_str!("seeds/002.yaml"),
    lists: &[
        list("projects", "/v1/projects", None, 20),
        list("clients", "/v1/clients", None, 12),
        list("time", "/v1/team/time", None, 400),
        list("users", "/v1/team/users", None, 8),
    ],
};
const SEED_003: Seed = Seed {
    file: "seed.yaml",
    text: include_str!("seeds/003.yaml"),
    lists: &[list("resource_name", "/v1/resource", Some(100), 250)],
};
const SEED_004: Seed = Seed {
    file: "seed.json",
    text: include_str!("seeds/004.json"),
    lists: &[list("resource_name", "/v1/resource", Some(100), 250)],
};
const ERROR_HANDLER: &str = include_str!("seeds/001_error_handler.json");

fn options(key: &str) -> Options {
    Options { key: Some(key.into()), ..Options::default() }
}

/// A config with the server in the place of the seeds' API.
fn at(server: &Server, text: &str) -> String {
    text.replace("https://api.example.com", &server.base_url())
}

/// Rows of a table, by the text of their identity.
fn stored(folder: &Folder, table: &str, identity: &str) -> BTreeMap<String, BTreeMap<String, Column>> {
    let database = folder.database("out.db");
    let mut statement = database.prepare(&format!("select * from \"{table}\"")).unwrap();
    let names: Vec<String> = statement.column_names().map(Into::into).collect();
    let mut rows = statement.query([]).unwrap();
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next().unwrap() {
        let columns: BTreeMap<String, Column> =
            names.iter().enumerate().map(|(at, name)| (name.clone(), row.get(at).unwrap())).collect();
        let Column::Integer(id) = columns[identity] else { panic!("{columns:?}") };
        assert!(all.insert(id.to_string(), columns).is_none(), "{id} is there twice");
    }
    all
}

#[track_caller]
fn assert_table(folder: &Folder, list: &List) {
    let told = api::rows(&Options::default(), list.path);
    assert_eq!(told.len(), list.rows);
    let stored = stored(folder, list.resource, "id");
    assert_eq!(stored.len(), list.rows, "{}", list.resource);
    for row in &told {
        let fields: Value = serde_json::from_str(row).unwrap();
        let columns = &stored[&fields["id"].to_string()];
        api::assert_stored(row, columns);
        let of_the_system = ["_loaded_at", "_load_id"];
        assert!(
            of_the_system
                .iter()
                .all(|name| matches!(&columns[*name], Column::Text(text) if !text.is_empty()))
        );
        assert_eq!(columns.len(), fields.as_object().unwrap().len() + of_the_system.len());
    }
}

/// Each page was asked for once, with the limit and the key in their places, and nothing else was.
#[track_caller]
fn assert_requests(seen: &[Request], lists: &[List], placed: fn(&Request) -> bool) {
    let targets: BTreeSet<&str> = seen.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(targets.len(), seen.len(), "a page was asked for twice");
    assert!(seen.iter().all(|request| request.method == "GET" && request.status == Some(200)));
    for request in seen {
        assert!(placed(request), "{request:?}");
    }
    for list in lists {
        let of_list: Vec<&Request> = seen.iter().filter(|request| request.path == list.path).collect();
        let Some(limit) = list.limit else {
            assert_eq!(of_list.len(), 1, "{}", list.path);
            assert!(of_list.iter().all(|it| it.param("offset").is_none() && it.param("limit").is_none()));
            continue;
        };
        let mut offsets: Vec<usize> =
            of_list.iter().map(|request| request.number_param("offset").unwrap()).collect();
        offsets.sort_unstable();
        assert_eq!(offsets, (0..list.rows).step_by(limit).collect::<Vec<_>>(), "{}", list.path);
        // The last page may ask for what is left only.
        for request in of_list {
            let (offset, asked) =
                (request.number_param("offset").unwrap(), request.number_param("limit").unwrap());
            assert!(asked == limit || (asked < limit && offset + asked == list.rows), "{}", request.target);
        }
    }
}

fn in_query(request: &Request) -> bool {
    request.query.iter().filter(|(name, value)| name == "api_key" && value == KEY).count() == 1
        && ["api_key", "x-api-key", "authorization"].iter().all(|name| request.header(name).is_none())
}

fn in_header(request: &Request) -> bool {
    request.header("api_key") == Some(KEY)
        && request.param("api_key").is_none()
        && ["x-api-key", "authorization"].iter().all(|name| request.header(name).is_none())
}

fn in_x_api_key(request: &Request) -> bool {
    request.header("X-Api-Key") == Some(KEY)
        && request.param("api_key").is_none()
        && ["api_key", "authorization"].iter().all(|name| request.header(name).is_none())
}

fn run_into(folder: &Folder, seed: &Seed, to: &str) -> Ran {
    folder.run(&["run", seed.file, "--to", to, "--json", "--progress", "none"]).expect(0)
}

fn load_ids(folder: &Folder, table: &str) -> Vec<String> {
    let database = folder.database("out.db");
    let mut statement = database.prepare(&format!("select distinct _load_id from \"{table}\"")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Both destinations, each twice.
fn run_seed(seed: &Seed, placed: fn(&Request) -> bool) -> (Folder, Server) {
    let server = start(options(KEY)).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write(seed.file, &at(&server, seed.text));

    let document: Value = serde_json::from_str(&run_into(&folder, seed, "sqlite:out.db").stdout).unwrap();
    assert_eq!(document["exit_code"], 0);
    assert_requests(&server.requests(), seed.lists, placed);
    for list in seed.lists {
        assert_table(&folder, list);
        let told = document["resources"].as_array().unwrap();
        let told = told.iter().find(|resource| resource["name"] == list.resource).unwrap();
        assert_eq!((&told["rows"], &told["status"]), (&list.rows.into(), &"complete".into()));
        if list.limit.is_some() {
            assert_eq!(told["total"], list.rows);
        }
    }

    let first: Vec<_> = seed.lists.iter().map(|list| load_ids(&folder, list.resource)).collect();
    server.clear_log();
    run_into(&folder, seed, "sqlite:out.db");
    assert_requests(&server.requests(), seed.lists, placed);
    for (list, first) in seed.lists.iter().zip(first) {
        assert_table(&folder, list);
        let second = load_ids(&folder, list.resource);
        assert!(first.len() == 1 && second.len() == 1 && first != second, "{first:?} {second:?}");
    }

    for _ in 0..2 {
        server.clear_log();
        run_into(&folder, seed, "jsonl:out");
        assert_requests(&server.requests(), seed.lists, placed);
        for list in seed.lists {
            let lines = folder.lines(&format!("out/{}.jsonl", list.resource));
            assert_eq!(lines, api::rows(&Options::default(), list.path), "{}", list.resource);
        }
    }
    (folder, server)
}

#[test]
fn seed_000() {
    let (folder, _server) = run_seed(&SEED_000, in_query);
    // A row by hand, so that not everything hangs on the comparison with the API.
    let entries = stored(&folder, "time_entries", "id");
    let row = &entries["500050"];
    assert_eq!(row["start_time"], Column::Text("2024-01-01T13:43:00.000000Z".into()));
    assert_eq!(row["end_time"], Column::Null);
    assert_eq!(row["duration"], Column::Integer(2_113));
    assert_eq!(row["billable"], Column::Integer(0));
    assert_eq!(row["hours"], Column::Real(0.58));
    assert_eq!(row["user"], Column::Text(r#"{"id":12,"name":"Bo \"B\" Lind"}"#.into()));
}

#[test]
fn seed_001() {
    run_seed(&SEED_001, in_query);
}

#[test]
fn seed_002() {
    let (folder, server) = run_seed(&SEED_002, in_header);
    for (table, child, each) in [("tasks", "tasks", 10), ("time_records", "time", 125)] {
        let stored = stored(&folder, table, "id");
        assert_eq!(stored.len(), 20 * each);
        let mut told = Vec::new();
        for project in 101..=120 {
            let path = format!("/v1/projects/{project}/{child}");
            assert_eq!(server.count(&path), 1, "{path}");
            for row in api::rows(&Options::default(), &path) {
                let id = serde_json::from_str::<Value>(&row).unwrap()["id"].to_string();
                api::assert_stored(&row, &stored[&id]);
                assert_eq!(stored[&id]["_projects_id"], Column::Integer(project));
                // One column more than the API has, and two of the system.
                told.push(format!("{},\"_projects_id\":{project}}}", row.strip_suffix('}').unwrap()));
            }
        }
        assert_eq!(folder.lines(&format!("out/{table}.jsonl")), told);
    }
    let notices = [
        "`{parent_id}` in the path of `tasks` is taken to be `id` of `projects`",
        "`{parent_id}` in the path of `time_records` is taken to be `id` of `projects`",
        "its rows carry it as `_projects_id`",
        "/v1/projects/{resources.projects.id}/tasks",
    ];
    let ran = run_into(&folder, &SEED_002, "sqlite:out.db").says(&notices);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let notices_told = document["notices"].as_array().unwrap();
    assert!(notices_told[0]["message"].as_str().unwrap().contains(notices[0]));
    let settled = |path: &str| {
        notices_told
            .iter()
            .flat_map(|notice| notice["settles"].as_array().unwrap())
            .filter(|setting| setting["path"].as_str().unwrap().ends_with(path))
            .count()
    };
    // The answers say by their totals that one page is all there is: no paginator is guessed.
    assert_eq!((notices_told.len(), settled("/endpoint/paginator"), settled("/endpoint/path")), (2, 0, 2));
}

#[test]
fn seed_002_with_the_header_that_its_text_names() {
    let text = SEED_002.text.replace("name: api_key", "name: X-Api-Key");
    let text: &'static str = Box::leak(text.into_boxed_str());
    run_seed(&Seed { text, ..SEED_002 }, in_x_api_key);
}

#[test]
fn seed_003() {
    run_seed(&SEED_003, in_query);
}

#[test]
fn seed_004() {
    run_seed(&SEED_004, in_query);
}

/// What a seed's Python comes to, as YAML.
fn imported(python: &str) -> String {
    let folder = Folder::new();
    folder.write("seed.py", python);
    let ran = folder.run(&["import", "dlt", "seed.py"]).expect(0);
    let hint = "hint: ${secrets.api_key}: set SANDERLING_SECRET_API_KEY, or write api_key = \"…\" in .sanderling/secrets.toml\n";
    assert!(ran.stderr.is_empty() || ran.stderr == hint, "{}", ran.stderr);
    ran.stdout
}

/// Whether the key stands where a seed wants it.
type Placed = fn(&Request) -> bool;

#[test]
fn what_is_imported_of_the_seeds_python_runs_as_they_do() {
    let seeds: [(&str, Seed, Placed); 5] = [
        (include_str!("seeds/000.py"), SEED_000, in_query),
        (include_str!("seeds/001.py"), SEED_001, in_query),
        (include_str!("seeds/002.py"), SEED_002, in_header),
        (include_str!("seeds/003.py"), SEED_003, in_query),
        (include_str!("seeds/004.py"), SEED_004, in_query),
    ];
    const NESTED: &str = "nested:\n  tables: {system: dlt}\n";
    for (python, seed, placed) in seeds {
        let text = imported(python);
        assert!(text.contains(NESTED), "{text}");
        let plain: &'static str = Box::leak(text.replacen(NESTED, "", 1).into_boxed_str());
        run_seed(&Seed { file: "seed.yaml", text: plain, ..seed }, placed);
        let text: &'static str = Box::leak(text.into_boxed_str());
        assert_lists(&Seed { file: "seed.yaml", text, ..seed });
    }
}

/// Runs a seed into tables like dlt's: each list of a row is a table, with all that is in it.
fn assert_lists(seed: &Seed) {
    let server = start(options(KEY)).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write(seed.file, &at(&server, seed.text));
    run_into(&folder, seed, "sqlite:out.db");
    for list in seed.lists {
        let count = |table: &str| folder.count("out.db", &format!("select count(*) from \"{table}\""));
        assert_eq!(count(list.resource), i64::try_from(list.rows).unwrap());
        let mut items: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for row in api::rows(&Options::default(), list.path) {
            let row: serde_json::Map<String, Value> = serde_json::from_str(&row).unwrap();
            let lists = row.iter().filter_map(|(field, value)| Some((field, value.as_array()?.len())));
            lists.for_each(|(field, length)| *items.entry(field.clone()).or_default() += length);
        }
        for (field, length) in items.into_iter().filter(|(_, length)| *length > 0) {
            let table = format!("{}__{field}", list.resource);
            assert_eq!(count(&table), i64::try_from(length).unwrap(), "{table}");
        }
    }
}

/// The second block of seed 001 is no config, but what stands in a resource of one.
#[test]
fn an_endpoint_that_stands_alone_is_imported_as_one() {
    let text = imported(include_str!("seeds/001_error_handler.py"));
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    let whole = format!(
        "client: {{base_url: \"https://api.example.com\"}}\nresources:\n  - name: resource\n{indented}"
    );
    let folder = Folder::new();
    folder.write("seed.yaml", &whole);
    folder.write("seed.json", ERROR_HANDLER);
    let resources = |file: &str| -> Value {
        let shown = folder.run(&["config", "show", file]).expect(0).stdout;
        serde_json::from_str::<Value>(&shown).unwrap()["resources"].take()
    };
    assert_eq!(resources("seed.yaml"), resources("seed.json"));
    assert!(text.contains("max_retries: 3"), "{text}");
}

/// Requests for one page, in the order in which they came, and when.
fn tries(server: &Server, offset: usize) -> Vec<(Option<u16>, Duration)> {
    let requests = server.requests();
    let of_page = requests.iter().filter(|request| request.number_param("offset") == Some(offset));
    of_page.map(|request| (request.status, request.at)).collect()
}

#[test]
fn seed_000_waits_out_429_and_500() {
    let server = start(options(KEY)).unwrap();
    let fault = |offset: usize, action| Fault {
        query: vec![("offset".into(), offset.to_string())],
        ..Fault::new("/v1/time_entries", When::Nth(1), action)
    };
    server.add_fault(fault(300, Action::Answer(Reply::status(429).header("Retry-After", "1"))));
    server.add_fault(fault(1_500, Action::status(500)));
    let folder = Folder::with_key(KEY);
    folder.write("seed.yaml", &at(&server, SEED_000.text));
    let ran = folder.run(&["run", "seed.yaml", "--to", "sqlite:out.db", "--json"]).expect(0);
    assert_table(&folder, &SEED_000.lists[0]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["resources"][0]["retries"], 2);
    assert_eq!(server.requests().len(), 27);
    // As the header says; as the seed's factor of 2 says.
    for (offset, status, wait_s) in [(300, 429, 1), (1_500, 500, 2)] {
        let tries = tries(&server, offset);
        assert_eq!(tries.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [Some(status), Some(200)]);
        let waited = tries[1].1 - tries[0].1;
        assert!(waited >= Duration::from_secs(wait_s), "{offset}: {waited:?}");
        assert!(waited < Duration::from_secs(wait_s * 2 + 1), "{offset}: {waited:?}");
    }
}

#[test]
fn seed_001_with_its_error_handler() {
    let server = start(options(KEY)).unwrap();
    server.add_fault(Fault::new("/v1/resource", When::Nth(1), Action::status(502)));
    let folder = Folder::with_key(KEY);
    folder.write("seed.json", &at(&server, ERROR_HANDLER));
    folder.run(&["run", "seed.json", "--to", "sqlite:out.db"]).expect(0);
    assert_eq!(folder.count("out.db", "select count(distinct id) from resource"), 250);
    let seen = server.requests();
    assert_eq!(seen.iter().map(|request| request.status).collect::<Vec<_>>(), [Some(502), Some(200)]);
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(2));
    assert!(seen.iter().all(in_query));

    // A status that the list does not name is no reason to ask again.
    server.clear_log();
    server.clear_faults();
    server.add_fault(Fault::new("/v1/resource", When::Always, Action::status(501)));
    let ran = folder.run(&["run", "seed.json", "--to", "sqlite:out.db"]).expect(4);
    assert!(ran.stderr.contains("501"), "{}", ran.stderr);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(folder.count("out.db", "select count(*) from resource"), 250);
}

/// Everything that queries, forms, headers and Basic treat in their own ways.
const AWKWARD: &str = "a&é /b+c=d%41\"k";

/// The key that a request carries, read as a server would.
type Carried = fn(&Request) -> Option<String>;

#[test]
fn an_awkward_key_arrives_whole() {
    let cases: [(&str, Carried); 4] = [
        ("{type: api_key, name: api_key, api_key: \"${secrets.api_key}\", location: query}", |request| {
            request.param("api_key").map(Into::into)
        }),
        ("{type: api_key, name: X-Api-Key, api_key: \"${secrets.api_key}\", location: header}", |request| {
            request.header("X-Api-Key").map(Into::into)
        }),
        ("{type: bearer, token: \"${secrets.api_key}\"}", |request| {
            request.header("Authorization")?.strip_prefix("Bearer ").map(Into::into)
        }),
        ("{type: http_basic, username: us é r, password: \"${secrets.api_key}\"}", |request| {
            use base64::Engine as _;
            let pair = request.header("Authorization")?.strip_prefix("Basic ")?;
            let pair = base64::engine::general_purpose::STANDARD.decode(pair).ok()?;
            String::from_utf8(pair).ok()?.strip_prefix("us é r:").map(Into::into)
        }),
    ];
    for (auth, carried) in cases {
        let server = start(options(AWKWARD)).unwrap();
        let folder = Folder::with_key(AWKWARD);
        let seed = at(&server, SEED_003.text);
        let (before, rest) = seed.split_once("  auth:\n").unwrap();
        let (_, after) = rest.split_once("resource_defaults").unwrap();
        folder.write("seed.yaml", &format!("{before}  auth: {auth}\nresource_defaults{after}"));
        folder.run(&["run", "seed.yaml", "--to", "sqlite:out.db"]).expect(0);
        assert_table(&folder, &SEED_003.lists[0]);
        let seen = server.requests();
        assert_eq!(seen.len(), 3, "{auth}");
        for request in seen {
            assert_eq!(carried(&request).as_deref(), Some(AWKWARD), "{request:?}");
        }
    }
}

#[test]
fn renamed_keys_merge_by_their_new_name() {
    let server = start(options(KEY)).unwrap();
    let folder = Folder::with_key(KEY);
    let text = at(&server, SEED_000.text) + "    rename: {id: entry_id}\n";
    folder.write("seed.yaml", &text);
    for _ in 0..2 {
        folder.run(&["run", "seed.yaml", "--to", "sqlite:out.db"]).expect(0);
        let rows = stored(&folder, "time_entries", "entry_id");
        assert_eq!(rows.len(), 2_500);
        assert!(rows.values().all(|columns| !columns.contains_key("id")));
        folder.run(&["run", "seed.yaml", "--to", "jsonl:out"]).expect(0);
        let told = api::rows(&Options::default(), "/v1/time_entries");
        let renamed: Vec<String> =
            told.iter().map(|row| row.replacen("{\"id\":", "{\"entry_id\":", 1)).collect();
        assert_eq!(folder.lines("out/time_entries.jsonl"), renamed);
    }
}

#[test]
fn resources_in_short() {
    let lists = [list("users", "/v1/users", None, 8), list("clients", "/v1/clients", None, 12)];
    let auth = r#"{type: bearer, token: "${secrets.api_key}"}"#;
    let head = format!(
        "client: {{base_url: \"BASE/v1\", auth: {auth}}}\nresource_defaults: {{endpoint: {{data_selector: data}}}}\n"
    );
    let cases = [
        ("list.yaml", format!("{head}resources: [users, clients]\n")),
        ("map.yaml", format!("{head}resources: {{users: users, clients: /clients}}\n")),
        ("mixed.yaml", format!("{head}resources:\n  - users\n  - {{name: clients, endpoint: clients}}\n")),
        (
            "list.json",
            r#"{"client": {"base_url": "BASE/v1/", "auth": {"token": "${secrets.api_key}"}},
                "resource_defaults": {"endpoint": {"data_selector": "data"}}, "resources": ["users", "clients"]}"#
                .to_owned(),
        ),
        (
            "map.json",
            r#"{"client": {"base_url": "BASE/v1/", "auth": {"token": "${secrets.api_key}"}},
                "resource_defaults": {"endpoint": {"data_selector": "data"}},
                "resources": {"users": "users", "clients": {"endpoint": {"path": "clients"}}}}"#
                .to_owned(),
        ),
    ];
    for (file, text) in cases {
        let server = start(options(KEY)).unwrap();
        let folder = Folder::with_key(KEY);
        folder.write(file, &text.replace("BASE", &server.base_url()));
        folder.run(&["run", file, "--to", "sqlite:out.db"]).expect(0);
        for list in &lists {
            assert_table(&folder, list);
            assert_eq!(server.count(list.path), 1, "{file}");
        }
    }
}
