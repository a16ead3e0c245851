//! The program killed or stopped in the middle, and the runs that go on from there: the same tables as one clean run.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sanderling_demo::{Action, Fault, Server, When, bench_options, start};

use crate::breaking::{Breaking, DISPOSITIONS, PAGES, To, after, sorted};
use crate::objects::{self, Prefix};
use crate::parquet;
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
/// Blows in one place, until the table is looked at and a new place taken.
const BLOWS: u32 = 5;

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
fn killed_at_any_moment_into_sqlite() {
    killed_at_any_moment_into(&Place::File("sqlite:long.db"));
}

#[test]
fn killed_at_any_moment_into_lines() {
    killed_at_any_moment_into(&Place::File("jsonl:long"));
}

#[test]
fn killed_at_any_moment_into_parquet() {
    killed_at_any_moment_into(&Place::File("parquet:long"));
}

#[test]
fn killed_at_any_moment_into_postgresql() {
    if crate::postgres_server::shared().is_some() {
        killed_at_any_moment_into(&Place::Postgres);
    }
}

#[test]
fn killed_at_any_moment_into_duckdb() {
    if let Some(library) = crate::duckdb::library() {
        killed_at_any_moment_into(&Place::File(&format!("duckdb:long.duckdb?driver={}", library.display())));
    }
}

#[test]
fn killed_at_any_moment_through_sqlites_driver() {
    if let Some(to) = crate::adbc::sqlite("long.db") {
        killed_at_any_moment_into(&Place::File(&to));
    }
}

#[test]
fn killed_at_any_moment_through_postgresqls_driver() {
    if crate::adbc::postgresql("").is_some() {
        killed_at_any_moment_into(&Place::PostgresDriver);
    }
}

#[test]
fn killed_at_any_moment_into_an_object_store() {
    killed_at_any_moment_into(&Place::Store("parquet", objects::in_memory));
}

#[test]
fn killed_at_any_moment_into_a_real_object_store() {
    if objects::real().is_some() {
        killed_at_any_moment_into(&Place::Store("jsonl", || objects::real().unwrap()));
    }
}

/// Where the long list goes.
enum Place<'a> {
    /// As the command line has it.
    File(&'a str),
    Postgres,
    PostgresDriver,
    Store(&'static str, fn() -> Prefix),
}

/// A list, and a new place for it.
struct Long<'a> {
    _server: Server,
    folder: Folder,
    into: &'a Place<'a>,
    prefix: Option<Prefix>,
}

impl<'a> Long<'a> {
    fn new(into: &'a Place<'a>, disposition: &str) -> Self {
        let (server, mut folder) = long_list(disposition);
        let mut prefix = None;
        match into {
            Place::File(_) => {}
            Place::Postgres => {
                folder.env("SANDERLING_SECRET_TO", &crate::postgres::url(&crate::postgres::new_schema()));
            }
            Place::PostgresDriver => {
                let schema = crate::postgres::new_schema();
                folder.env("SANDERLING_SECRET_TO", &crate::adbc::postgresql(&schema).unwrap());
            }
            Place::Store(form, make) => {
                let made = make();
                folder.env("SANDERLING_SECRET_TO", &format!("{form}:{}", made.url));
                prefix = Some(made);
            }
        }
        Self { _server: server, folder, into, prefix }
    }

    fn args(&self) -> [&str; 4] {
        ["run", "long.json", "--to", if let Place::File(to) = self.into { to } else { "${secrets.to}" }]
    }

    /// Every row in words, without what each load has of its own.
    fn rows(&self) -> Vec<String> {
        match (self.into, &self.prefix) {
            (Place::Postgres | Place::PostgresDriver, _) => {
                crate::postgres::rows_of_url(&self.folder.variable("SANDERLING_SECRET_TO"), "rows")
            }
            (Place::Store(form, _), Some(prefix)) => {
                let files = objects::files_in(&prefix.object("manifest.json"), "rows");
                let bytes = files.iter().map(|file| prefix.object(file));
                match *form {
                    "parquet" => bytes.flat_map(parquet::rows).collect(),
                    _ => bytes.flat_map(|text| lines(&String::from_utf8(text).unwrap())).collect(),
                }
            }
            (Place::File(to), _) if to.starts_with("jsonl") => self.folder.lines("long/rows.jsonl"),
            (Place::File(to), _) if to.starts_with("parquet") => {
                let files = objects::files_in(self.folder.read("long/manifest.json").as_bytes(), "rows");
                let bytes =
                    files.iter().map(|file| std::fs::read(self.folder.path("long").join(file)).unwrap());
                bytes.flat_map(parquet::rows).collect()
            }
            (Place::File(to), _) if to.starts_with("duckdb") => {
                crate::duckdb::rows(&self.folder.path("long.duckdb"), "rows")
            }
            _ => self.folder.table("long.db", "rows"),
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Blows in all: 25, or what `SANDERLING_KILLS` says.
fn blows() -> u32 {
    std::env::var("SANDERLING_KILLS").map_or(25, |text| text.parse().unwrap())
}

/// Kills runs at random moments. After the last of some blows a run goes to its end, and leaves the rows of a clean one.
fn killed_at_any_moment_into(into: &Place) {
    let mut random = fastrand::Rng::new();
    let (mut hits, mut misses, mut resumed) = (0, 0, 0);
    let mut clean: HashMap<&str, (Vec<String>, Duration)> = HashMap::new();
    for round in 0..blows().div_ceil(BLOWS) {
        let disposition = DISPOSITIONS[round as usize % DISPOSITIONS.len()];
        let (clean, whole) = clean.entry(disposition).or_insert_with(|| {
            let it = Long::new(into, disposition);
            let begun = Instant::now();
            it.folder.run(&it.args()).expect(0);
            let whole = begun.elapsed();
            (sorted(it.rows()), whole)
        });
        assert_eq!(clean.len(), MANY);
        let it = Long::new(into, disposition);
        let until = hits + BLOWS;
        while hits < until {
            let mut child = it.folder.spawn(&it.args());
            std::thread::sleep(whole.mul_f64(random.f64()));
            match child.try_wait().unwrap() {
                None => hits += 1,
                // One that was faster than the blow; the next begins a pass of its own.
                Some(_) => misses += 1,
            }
            child.kill().unwrap();
            resumed += u32::from(went_on(&Ran::from(child.wait_with_output().unwrap())));
            assert!(misses < 20 * blows(), "runs are never hit");
        }
        let ran = it.folder.run(&it.args()).expect(0);
        resumed += u32::from(went_on(&ran));
        let rows = sorted(it.rows());
        let copies = rows.len() / MANY;
        assert!(copies == 1 || (copies > 1 && disposition == "append"), "{disposition}: {} rows", rows.len());
        let is_clean = rows.chunks(copies).zip(&*clean).all(|(of, row)| of.iter().all(|one| one == row));
        assert!(is_clean && rows.len() == copies * MANY, "{disposition}: {}\n{}", rows.len(), ran.stderr);
    }
    let to = match into {
        Place::File(to) => to.split('?').next().unwrap(),
        Place::Postgres => "PostgreSQL",
        Place::PostgresDriver => "PostgreSQL's driver",
        Place::Store(form, _) => form,
    };
    let said =
        format!("{to}: {hits} runs killed, {misses} had ended, {resumed} went on from where one was killed");
    let _ = writeln!(std::io::stderr(), "{said}");
}

fn went_on(ran: &Ran) -> bool {
    ran.stderr.contains("going on where the last run broke off")
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
