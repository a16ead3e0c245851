//! The program killed or stopped in the middle, and the runs that go on from there: the same tables as one clean run.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sanderling_demo::{Action, Fault, Server, When, bench_options, start};

use crate::breaking::{Breaking, DISPOSITIONS, PAGES, To, after};
use crate::program::{Folder, Ran};

/// Waits until `server` has had `requests` requests.
pub(crate) fn wait_for(server: &Server, requests: usize) {
    let begun = Instant::now();
    while server.requests().len() < requests {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} requests came", server.requests().len());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end of a process that must be near.
fn ended(mut child: Child) -> Ran {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ran::from(child.wait_with_output().unwrap())
}

/// Kills a run at its k-th request for every k: at once, or after the commit that is made every second. All runs of a
/// kind hang side by side, each on a server of its own.
fn killed_everywhere(to: To, disposition: &str, wait: Duration) {
    let clean = Breaking::new(to, disposition, 4);
    clean.folder.run(&clean.args()).expect(0);
    let clean = clean.rows();
    let mut hung = Vec::new();
    // Before the first commit one moment is like the other.
    for k in (1..=PAGES).step_by(if wait.is_zero() { 5 } else { 1 }) {
        let it = Breaking::new(to, disposition, if wait.is_zero() { 4 } else { 1 });
        if k % 2 == 0 {
            // Rows that a former run has left.
            it.folder.run(&it.args()).expect(0);
        }
        it.mend();
        it.server.add_fault(Fault::new("*", When::From(k as u64), Action::Hang));
        let child = it.folder.spawn(&it.args());
        wait_for(&it.server, k);
        if wait.is_zero() {
            kill(child);
            hung.push((k, it, None));
        } else {
            hung.push((k, it, Some(child)));
        }
    }
    std::thread::sleep(wait);
    for (k, it, child) in hung {
        if let Some(child) = child {
            kill(child);
        }
        it.mend();
        let ran = it.folder.run(&it.args());
        assert_eq!(ran.code, Some(0), "killed at request {k}\n{}", ran.stderr);
        let expected = after(if k % 2 == 0 { 2 } else { 1 }, disposition, to, &clean);
        assert!(it.rows() == expected, "killed at request {k}\n{}", ran.stderr);
        if !wait.is_zero() {
            assert_eq!(it.server.requests().len(), PAGES - (k - 1), "killed at request {k}\n{}", ran.stderr);
        }
    }
}

pub(crate) fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_at_every_request_into_sqlite() {
    for disposition in DISPOSITIONS {
        killed_everywhere(To::Sqlite, disposition, Duration::ZERO);
        killed_everywhere(To::Sqlite, disposition, Duration::from_millis(1_200));
    }
}

#[test]
fn killed_at_every_request_into_postgresql() {
    if crate::postgres_server::shared().is_some() {
        for disposition in DISPOSITIONS {
            killed_everywhere(To::Postgres, disposition, Duration::ZERO);
            killed_everywhere(To::Postgres, disposition, Duration::from_millis(1_200));
        }
    }
}

#[test]
fn killed_at_every_request_into_files() {
    for disposition in DISPOSITIONS {
        killed_everywhere(To::Jsonl, disposition, Duration::ZERO);
        killed_everywhere(To::Jsonl, disposition, Duration::from_millis(1_200));
    }
}

const MANY: usize = 40_000;

/// A source of one long list, of which ten pages make a commit.
fn long_list(disposition: &str) -> (Server, Folder) {
    let server = start(bench_options(MANY)).unwrap();
    let folder = Folder::new();
    let config = format!(
        r#"{{"name": "long", "client": {{"base_url": "{}"}},
            "resources": [{{"name": "rows", "primary_key": "id", "write_disposition": "{disposition}",
                "endpoint": {{"path": "/bench/rows", "data_selector": "data",
                              "paginator": {{"type": "offset", "limit": 1000}}}}}}]}}"#,
        server.base_url()
    );
    folder.write("long.json", &config);
    (server, folder)
}

#[test]
fn killed_at_any_moment() {
    killed_at_any_moment_into(&["sqlite:long.db", "jsonl:long"]);
}

#[test]
fn killed_at_any_moment_into_postgresql() {
    if crate::postgres_server::shared().is_some() {
        killed_at_any_moment_into(&["${secrets.db}"]);
    }
}

#[test]
fn killed_at_any_moment_into_duckdb() {
    if let Some(library) = crate::duckdb::library() {
        killed_at_any_moment_into(&[&format!("duckdb:long.duckdb?driver={}", library.display())]);
    }
}

fn killed_at_any_moment_into(places: &[&str]) {
    for disposition in DISPOSITIONS {
        for to in places.iter().copied() {
            let (_server, mut folder) = long_list(disposition);
            if to == "${secrets.db}" {
                folder.env("SANDERLING_SECRET_DB", &crate::postgres::url(&crate::postgres::new_schema()));
            }
            let args = ["run", "long.json", "--to", to];
            let begun = Instant::now();
            folder.run(&args).expect(0);
            let whole = begun.elapsed();
            for nth in 1..=6 {
                let child = folder.spawn(&args);
                std::thread::sleep(whole * nth / 7);
                kill(child);
            }
            // A run that was faster than the blow has begun a pass of its own.
            folder.run(&args).expect(0);
            let mut copies = HashMap::new();
            ids(&folder, to).into_iter().for_each(|id| *copies.entry(id).or_insert(0_usize) += 1);
            assert_eq!(copies.len(), MANY, "{disposition} {to}");
            let copies: HashSet<usize> = copies.into_values().collect();
            assert_eq!(
                copies.len(),
                1,
                "each row is there as often as any other: {disposition} {to} {copies:?}"
            );
            assert!(disposition == "append" || copies.contains(&1), "{disposition} {to} {copies:?}");
        }
    }
}

fn ids(folder: &Folder, to: &str) -> Vec<String> {
    if to.starts_with("jsonl") {
        return folder.lines("long/rows.jsonl");
    }
    if to == "${secrets.db}" {
        return crate::postgres::rows(folder, "rows");
    }
    if to.starts_with("duckdb") {
        return crate::duckdb::column(&folder.path("long.duckdb"), "rows", "id");
    }
    let database = folder.database("long.db");
    let mut ids = database.prepare("select id from rows").unwrap();
    ids.query_map([], |row| row.get::<_, i64>(0)).unwrap().map(|id| id.unwrap().to_string()).collect()
}

#[test]
fn a_reader_sees_whole_commits_only() {
    let (server, folder) = long_list("append");
    server.add_fault(Fault::new("*", When::Always, Action::Delay { ms: 15 }));
    let child = folder.spawn(&["run", "long.json", "--to", "sqlite:long.db"]);
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                seen.extend(look(&folder));
                std::thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        let ran = ended(child).expect(0);
        done.store(true, Ordering::Relaxed);
        drop(ran);
        reader.join().unwrap()
    });
    assert!(seen.len() >= 3, "the reader came too late: {seen:?}");
    for (rows, said) in seen {
        assert_eq!(rows, said, "rows and checkpoint are of one commit");
        assert_eq!(rows % 1_000, 0, "no page is there in part");
    }
}

/// Rows in the table, and rows that the checkpoint speaks of, in one look; `None` while there is no table yet.
fn look(folder: &Folder) -> Option<(i64, i64)> {
    let database = rusqlite::Connection::open_with_flags(
        folder.path("long.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .ok()?;
    let both = "select (select count(*) from \"rows\"), (select \"rows\" from _sanderling_loads)";
    database.query_row(both, [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
}

#[test]
fn a_signal_keeps_what_is_whole_and_says_how_to_go_on() {
    for (to, name) in [(To::Sqlite, "-INT"), (To::Jsonl, "-INT"), (To::Sqlite, "-TERM"), (To::Jsonl, "-TERM")]
    {
        for disposition in DISPOSITIONS {
            let it = Breaking::new(to, disposition, 1);
            it.folder.run(&it.args()).expect(0);
            let clean = it.rows();
            it.mend();
            let k = 12;
            it.server.add_fault(Fault::new("*", When::From(k as u64), Action::Hang));
            let child = it.folder.spawn(&it.args());
            wait_for(&it.server, k);
            signal(&child, name);
            let begun = Instant::now();
            let ran = ended(child).expect(130);
            assert!(begun.elapsed() < Duration::from_secs(2));
            ran.says(&["stopped; what is whole was kept: run the same command again to go on from there"]);
            it.mend();
            let ran = it.folder.run(&it.args()).expect(0).says(&["going on where the last run broke off"]);
            assert_eq!(it.server.requests().len(), PAGES - (k - 1), "{}", ran.stderr);
            assert!(it.rows() == after(2, disposition, to, &clean), "{name}\n{}", ran.stderr);
        }
    }
}

/// A database that somebody else is writing to holds the program up for seconds: it cannot commit, and the first signal
/// has to wait for that.
#[test]
fn a_second_signal_ends_at_once() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    it.server.add_fault(Fault::new("*", When::Nth(1), Action::Delay { ms: 300 }));
    let child = it.folder.spawn(&it.args());
    wait_for(&it.server, 1);
    let database = it.folder.database("out.db");
    database.execute_batch("begin immediate").unwrap();
    std::thread::sleep(Duration::from_millis(600));
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    signal(&child, "-INT");
    let ran = ended(child);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    ran.expect(130);
    database.execute_batch("rollback").unwrap();
    it.folder.run(&it.args()).expect(0);
    assert_eq!(it.rows().iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [3, 3, 15, 12, 3]);
}

#[test]
fn two_runs_at_once_do_not_mix() {
    let server = crate::postgres_server::shared().map(|_| To::Postgres);
    for to in [To::Sqlite, To::Jsonl].into_iter().chain(server) {
        let it = Breaking::new(to, "append", 1);
        it.server.add_fault(Fault::new("*", When::Nth(3), Action::Delay { ms: 4_000 }));
        let first = it.folder.spawn(&it.args());
        wait_for(&it.server, 3);
        it.folder.run(&it.args()).expect(4);
        assert_eq!(it.server.requests().len(), 3, "the second run asks for nothing");
        ended(first).expect(0);
        assert_eq!(it.rows().iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [3, 3, 15, 12, 3]);
    }
}

#[test]
fn a_run_that_is_stopped_again_and_again_comes_to_its_end() {
    for to in [To::Sqlite, To::Jsonl] {
        let it = Breaking::new(to, "append", 4);
        it.folder.run(&it.args()).expect(0);
        let clean = it.rows();
        let mut runs = 1;
        loop {
            it.mend();
            it.server.add_fault(Fault::new("*", When::From(4), Action::Hang));
            let mut child = it.folder.spawn(&it.args());
            while it.server.requests().len() < 4 && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if child.try_wait().unwrap().is_none() {
                signal(&child, "-TERM");
            }
            let ran = ended(child);
            if ran.code == Some(0) {
                break;
            }
            runs += 1;
            assert!(ran.code == Some(130) && runs < 40, "{runs}\n{}", ran.stderr);
        }
        assert!(runs > PAGES / 4);
        assert!(it.rows() == after(2, "append", to, &clean), "{runs} runs");
    }
}
