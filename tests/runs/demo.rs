//! `sanderling demo`: what a newcomer runs first, in an empty folder.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use sanderling_demo::{KEY, Options};

use crate::api;
use crate::program::Folder;

const LISTS: [(&str, &str, usize); 6] = [
    ("projects", "/v1/projects", 20),
    ("tasks", "/v1/tasks", 200),
    ("time_entries", "/v1/time_entries", 2_500),
    ("expenses", "/v1/expenses", 340),
    ("clients", "/v1/clients", 12),
    ("users", "/v1/users", 8),
];

/// The cells of the report's line for a resource.
fn cells<'a>(report: &'a str, resource: &str) -> Vec<&'a str> {
    let lines = report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.filter(|cells| cells.len() == 6).find(|cells| cells[0] == resource).unwrap()
}

fn assert_tables(folder: &Folder) {
    for (table, path, rows) in LISTS {
        assert_eq!(api::rows(&Options::demo(), path).len(), rows);
        let count = |what: &str| folder.count("demo.db", &format!("select count({what}) from \"{table}\""));
        assert_eq!([count("*"), count("distinct id")], [rows as i64; 2], "{table}");
        assert_eq!([count("_loaded_at"), count("_load_id")], [rows as i64; 2], "{table}");
        assert_eq!(count("distinct _load_id"), 1, "{table}");
    }
}

#[test]
fn reads_everything_once_and_again() {
    let folder = Folder::new();
    let begun = Instant::now();
    let ran = folder.run(&["demo"]).expect(0);
    // One 429 that asks for a second, one 503 that is tried again after two.
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_tables(&folder);
    assert_eq!(ran.stdout, "");
    let header = ran.stderr.lines().find(|line| line.trim_start().starts_with("resource ")).unwrap();
    let header: Vec<_> = header.split_whitespace().collect();
    assert_eq!(header.join(" "), "resource rows API's total pages retries seconds");
    for (resource, numbers) in [
        ("projects", ["20", "20", "1", "0"]),
        ("tasks", ["200", "200", "20", "0"]),
        ("time_entries", ["2,500", "2,500", "25", "1"]),
        ("expenses", ["340", "340", "4", "1"]),
        ("clients", ["12", "12", "1", "0"]),
        ("users", ["8", "8", "1", "0"]),
    ] {
        assert_eq!(cells(&ran.stderr, resource)[1..5], numbers, "{resource}");
    }
    let seconds = |resource| cells(&ran.stderr, resource)[5].parse::<f64>().unwrap();
    assert!(seconds("time_entries") >= 1.0 && seconds("expenses") >= 2.0, "{}", ran.stderr);
    let ran = ran.says(&[
        "429",
        "503",
        "`_projects_id`",
        "look at it: sqlite3 demo.db 'select * from \"projects\" limit 5'",
    ]);
    assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);
    let made: Vec<_> =
        std::fs::read_dir(folder.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(made.iter().all(|name| name.to_string_lossy().starts_with("demo.db")), "{made:?}");

    let before = folder.table("demo.db", "time_entries");
    let first = folder.database("demo.db");
    let load_id = |database: &rusqlite::Connection| -> String {
        database.query_row("select _load_id from time_entries limit 1", [], |row| row.get(0)).unwrap()
    };
    let (first_id, first) = (load_id(&first), first);
    drop(first);
    folder.run(&["demo"]).expect(0);
    assert_tables(&folder);
    assert_eq!(folder.table("demo.db", "time_entries"), before);
    assert_ne!(load_id(&folder.database("demo.db")), first_id);
}

#[test]
fn serves_and_prints_a_config_that_run_reads() {
    let mut folder = Folder::new();
    let mut serving = folder.spawn(&["demo", "serve"]);
    // The last lines are on stderr; with them the config is complete.
    let mut said = String::new();
    let mut stderr = BufReader::new(serving.stderr.take().unwrap());
    while !said.contains("Ctrl-C ends it") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let (_, after) = said.split_once("127.0.0.1:").unwrap();
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    insta::assert_snapshot!(said.replace(&port, "PORT"), @r"
    serving http://127.0.0.1:PORT; its key is demo-key-4f1c9b7e2a
    read it from another terminal: SANDERLING_SECRET_API_KEY=demo-key-4f1c9b7e2a sanderling run demo.yaml, with the config above in demo.yaml
    Ctrl-C ends it
    ");
    let mut config = String::new();
    let mut stdout = BufReader::new(serving.stdout.take().unwrap());
    while !config.contains("users:") {
        assert_ne!(stdout.read_line(&mut config).unwrap(), 0, "{config}");
    }
    assert!(!config.contains(KEY) && said.contains(KEY), "{config}{said}");
    folder.write("demo.yaml", &config);
    folder.env("SANDERLING_SECRET_API_KEY", KEY);
    let ran = folder.run(&["run", "demo.yaml"]);
    serving.kill().unwrap();
    serving.wait().unwrap();
    ran.expect(0);
    assert_tables(&folder);
}
