//! Any server and any run: whatever breaks, each row is there exactly once, or the exit code is not 0.
//!
//! A case is a script: what the API holds, how it is paged, what goes wrong at which request, and when the program is
//! killed or stopped. proptest prints the smallest script that fails. The runs are whole ones, of the program itself.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sanderling_demo::{Action, Fault, Options, Reply, Server, When, start};
use serde_json::json;

use crate::api;
use crate::breaking::To;
use crate::program::{Folder, Ran};

/// Cases of each of the four tests.
const CASES: u32 = 24;

/// A list of its own, parents, and their children.
const TABLES: [&str; 3] = ["expenses", "projects", "tasks"];

#[derive(Debug, Clone)]
struct Script {
    expenses: usize,
    projects: usize,
    tasks_per_project: usize,
    limit: usize,
    /// The most rows that the server gives at once.
    cap: usize,
    with_total: bool,
    disposition: &'static str,
    max_retries: u32,
    /// Runs that end too early: at which request, and how.
    stops: Vec<(u64, Stop)>,
    /// What the run after them meets: at which request, and what.
    spoilt: Vec<(u64, Spoil)>,
}

#[derive(Debug, Clone, Copy)]
enum Stop {
    Kill,
    Terminate,
}

#[derive(Debug, Clone, Copy)]
enum Spoil {
    Status(u16),
    Reset,
    Close,
    Truncate(usize),
    CutJson(usize),
    Junk,
    Short(usize),
    /// Only where a total tells that it is not the end.
    Empty,
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        // A wait of a second each, so seldom.
        1 => Just(Spoil::Status(429)),
        6 => prop::sample::select(vec![500, 502, 503, 504]).prop_map(Spoil::Status),
        3 => Just(Spoil::Reset),
        3 => Just(Spoil::Close),
        3 => (0..400usize).prop_map(Spoil::Truncate),
        3 => (0..400usize).prop_map(Spoil::CutJson),
        2 => Just(Spoil::Junk),
        6 => (1..4usize).prop_map(Spoil::Short),
        3 => Just(Spoil::Empty),
    ]
}

prop_compose! {
    fn script()(
        (expenses, projects, tasks_per_project) in (0..40usize, 0..4usize, 0..12usize),
        (limit, cap) in (1..9usize, 1..12usize),
        with_total: bool,
        disposition in prop::sample::select(vec!["append", "replace", "merge"]),
        max_retries in 0..4u32,
        stops in prop::collection::vec((1..20u64, prop_oneof![Just(Stop::Kill), Just(Stop::Terminate)]), 0..3),
        spoilt in prop::collection::vec((1..30u64, spoil()), 0..8),
    ) -> Script {
        Script {
            expenses, projects, tasks_per_project, limit, cap, with_total, disposition, max_retries, stops, spoilt,
        }
    }
}

impl Script {
    fn options(&self) -> Options {
        Options {
            expenses: self.expenses,
            projects: self.projects,
            tasks_per_project: self.tasks_per_project,
            max_limit: Some(self.cap),
            ..Options::default()
        }
    }

    fn config(&self, base_url: &str, concurrency: usize) -> String {
        let mut paginator = json!({"type": "offset", "limit": self.limit});
        if !self.with_total {
            paginator["total_path"] = json!(null);
        }
        json!({
            "name": "scripted",
            "limits": {"concurrency": concurrency},
            "client": {"base_url": base_url},
            "resource_defaults": {
                "primary_key": "id",
                "write_disposition": self.disposition,
                "endpoint": {
                    "data_selector": "data",
                    "paginator": paginator,
                    "error_handler": {"max_retries": self.max_retries, "backoff_factor": 0.001},
                },
            },
            "resources": {
                "expenses": "/v1/expenses",
                "projects": "/v1/projects",
                "tasks": "/v1/projects/{parent_id}/tasks",
            },
        })
        .to_string()
    }

    fn spoil(&self, server: &Server) {
        for &(nth, spoil) in &self.spoilt {
            let action = match spoil {
                Spoil::Status(status) => Action::Answer(Reply::status(status)),
                Spoil::Reset => Action::Reset,
                Spoil::Close => Action::Close,
                Spoil::Truncate(after_bytes) => Action::Truncate { after_bytes },
                Spoil::CutJson(bytes) => Action::CutJson { bytes },
                Spoil::Junk => Action::JunkAfter("]".into()),
                Spoil::Short(rows) => Action::ShortPage { rows },
                Spoil::Empty if self.with_total => Action::EmptyPage,
                Spoil::Empty => continue,
            };
            server.add_fault(Fault::new("*", When::Nth(nth), action));
        }
    }
}

/// How often each id is in a table.
type Ids = BTreeMap<i64, usize>;

fn counted(ids: impl Iterator<Item = i64>) -> Ids {
    let mut counts = Ids::new();
    ids.for_each(|id| *counts.entry(id).or_default() += 1);
    counts
}

fn id(row: &str) -> i64 {
    serde_json::from_str::<serde_json::Value>(row).unwrap()["id"].as_i64().unwrap()
}

/// What the API holds.
fn told(script: &Script) -> [Ids; 3] {
    let of = |path: &str| counted(api::rows(&script.options(), path).iter().map(|row| id(row)));
    [of("/v1/expenses?limit=1000"), of("/v1/projects?limit=1000"), of("/v1/tasks?limit=1000")]
}

/// What the run has left.
fn kept(folder: &Folder, to: To) -> [Ids; 3] {
    TABLES.map(|table| match to {
        To::Jsonl => {
            let file = format!("out/{table}.jsonl");
            let lines = if folder.path(&file).exists() { folder.lines(&file) } else { Vec::new() };
            counted(lines.iter().map(|line| id(line)))
        }
        To::Postgres => unreachable!("a script runs into files or a local database"),
        To::Sqlite => {
            let database = folder.database("out.db");
            let there = "select count(*) from sqlite_schema where name = ?1";
            if database.query_row(there, [table], |row| row.get::<_, i64>(0)).unwrap() == 0 {
                return Ids::new();
            }
            // A table that no row has come to has no columns of the API's.
            let Ok(mut rows) =
                database.prepare(&format!("select \"id\" from \"{table}\" where _load_id is not null"))
            else {
                return Ids::new();
            };
            let ids: Vec<i64> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            counted(ids.into_iter())
        }
    })
}

/// Runs the program until the server has been asked `nth` times and answers no more, then ends it.
fn stopped(folder: &Folder, server: &Server, args: &[&str], nth: u64, stop: Stop) -> Ran {
    server.clear_log();
    server.add_fault(Fault::new("*", When::From(nth), Action::Hang));
    let mut child = folder.spawn(args);
    let begun = Instant::now();
    while (server.requests().len() as u64) < nth && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "neither asked nor ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    match stop {
        Stop::Kill => child.kill().unwrap(),
        Stop::Terminate => {
            let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).output();
            told.unwrap();
        }
    }
    let ran = Ran::from(child.wait_with_output().unwrap());
    server.clear_faults();
    ran
}

/// Plays a script: the runs that are stopped, the run that is spoilt, and, where that failed, one that nothing keeps
/// from its end.
fn play(script: &Script, to: To, concurrency: usize) -> Result<(), TestCaseError> {
    let server = start(script.options()).unwrap();
    let folder = Folder::new();
    folder.write("scripted.json", &script.config(&server.base_url(), concurrency));
    let to_text = if to == To::Sqlite { "sqlite:out.db" } else { "jsonl:out" };
    let args = ["run", "scripted.json", "--to", to_text];
    let told = told(script);
    let all_there = |ran: &Ran| {
        prop_assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        prop_assert_eq!(&kept(&folder, to), &told, "{}", ran.stderr);
        Ok(())
    };
    for &(nth, stop) in &script.stops {
        let ran = stopped(&folder, &server, &args, nth, stop);
        if ran.code == Some(0) {
            // It had ended by itself; under `append` another run would rightly add the rows again.
            return all_there(&ran);
        }
    }
    script.spoil(&server);
    let ran = folder.run(&args);
    if ran.code == Some(0) {
        return all_there(&ran);
    }
    prop_assert!(ran.stderr.contains("error: "), "exit code {:?} without a word: {}", ran.code, ran.stderr);
    server.clear_faults();
    all_there(&folder.run(&args))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn one_after_the_other_into_sqlite(script in script()) {
        play(&script, To::Sqlite, 1)?;
    }

    #[test]
    fn one_after_the_other_into_files(script in script()) {
        play(&script, To::Jsonl, 1)?;
    }

    #[test]
    fn side_by_side_into_sqlite(script in script()) {
        play(&script, To::Sqlite, 4)?;
    }

    #[test]
    fn side_by_side_into_files(script in script()) {
        play(&script, To::Jsonl, 4)?;
    }
}
