//! dlt's behaviour, case by case: each is as dlt's, or listed in `tests/dlt/differences.toml` with a reason.
//!
//! The cases stand beside the repository, in `../shared/dlt-cases` or where `SANDERLING_DLT_CASES` points: configs, a
//! server for them (Python's standard library only), and what dlt did on each.

mod case;
mod judge;
mod replay;
mod server;
mod tables;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use case::Case;
use judge::{Class, Difference, Seen, judge};
use server::Server;

/// Two cores and a server a worker: more bring nothing.
const WORKERS: usize = 4;

const LISTED: &str = include_str!("../dlt/differences.toml");

#[test]
fn each_case_is_as_dlts_or_listed() {
    let Some(folder) = folder() else { return };
    let cases = case::all(&folder);
    let listed: BTreeMap<String, Difference> = toml::from_str(LISTED).unwrap();
    let (queue, done) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let server = Server::start(&folder);
                loop {
                    let Some(case) = queue.lock().unwrap().next() else { return };
                    let seen = replay::replay(case, &server);
                    done.lock().unwrap().push((case, seen));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(case, _)| &case.id);
    assert_eq!(done.len(), cases.len());

    let wrong = done.iter().filter_map(|(case, seen)| {
        let why = judge(seen, listed.get(&case.id))?;
        Some(format!("{}: {why}\n{}", case.id, seen.stderr))
    });
    let unknown = listed.keys().filter(|id| !cases.iter().any(|case| case.id == **id));
    let wrong: Vec<String> = wrong.chain(unknown.map(|id| format!("{id}: listed, and no case"))).collect();
    say(&summary(&done, &listed));
    assert!(wrong.is_empty(), "{} of {} cases:\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The config of each case, where there are cases; servers stand nowhere.
pub(crate) fn configs() -> Vec<(String, serde_json::Value)> {
    let cases = folder().map(|folder| case::all(&folder)).unwrap_or_default();
    let config = |case: Case| {
        let text = case.config.to_string().replace("${BASE}", "http://127.0.0.1:1");
        (case.id, serde_json::from_str(&text).unwrap_or_default())
    };
    cases.into_iter().map(config).collect()
}

/// Where the cases are; `None` where nobody has put them.
fn folder() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("SANDERLING_DLT_CASES") {
        return Some(given.into());
    }
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/dlt-cases");
    if usual.exists() {
        return Some(usual);
    }
    say(
        "SKIPPED: dlt's cases are not in ../shared/dlt-cases, and SANDERLING_DLT_CASES does not say where they are",
    );
    None
}

/// A line a family: how many cases are as dlt's, how many are listed as what.
fn summary(done: &[(&Case, Seen)], listed: &BTreeMap<String, Difference>) -> String {
    let mut families: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for (case, seen) in done {
        let class = match listed.get(&case.id) {
            _ if seen.differs.is_empty() => "as dlt".to_owned(),
            Some(difference) => difference.class.to_string(),
            None => "NOT LISTED".to_owned(),
        };
        *families.entry(case.family()).or_default().entry(class).or_default() += 1;
    }
    let lines = families.iter().map(|(family, classes)| {
        let classes: Vec<String> = classes.iter().map(|(class, count)| format!("{count} {class}")).collect();
        format!("  {family}: {}", classes.join(", "))
    });
    format!("dlt's cases, by family:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Shown even where a test passes, whose prints are kept back otherwise.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[test]
fn the_list_gives_reasons() {
    let listed: BTreeMap<String, Difference> = toml::from_str(LISTED).unwrap();
    for (id, difference) in &listed {
        assert!(!difference.differs.is_empty(), "{id} says nothing");
        assert!(difference.why.split_whitespace().count() >= 3, "{id} gives no reason");
        assert!(
            difference.class != Class::Later || difference.says.is_some(),
            "{id} does not prove that it is refused"
        );
    }
}
