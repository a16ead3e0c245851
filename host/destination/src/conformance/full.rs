//! A disk that fills up under a load: what is committed stays, and the run goes on once there is room again.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::Place;
use super::left_over::assert_no_leftovers;
use super::loads::{DISPOSITIONS, load, page, pending, table};
use super::places::file_places;
use crate::*;

/// Runs a program for which a folder is a file system of so much memory, with nothing but its own files in it.
const ON_SMALL_DISK: &str =
    r#"mount -t tmpfs -o "size=$0" none "$1" && export TMPDIR="$1" && shift && exec "$@""#;
const DISK: &str = "32m";
/// Says to the program that its disk is small, so that it does not fill another.
const IS_SMALL: &str = "SANDERLING_TESTS_SMALL_DISK";

const PAGES: u64 = 6;
const ROWS: u64 = 250;
/// A run commits after so many pages.
const COMMIT_EVERY: usize = 2;

#[test]
fn a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    // Who is not root may be it for himself, on most machines.
    let small = |flags: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", ON_SMALL_DISK, DISK]).arg(dir.path());
        command
    };
    let may = |flags: &&str| small(flags).arg("true").output().is_ok_and(|out| out.status.success());
    let Some(flags) = ["-m", "-rm"].into_iter().find(may) else {
        // What a user may do, no set-up can fetch.
        let _ = writeln!(std::io::stderr(), "SKIPPED: a full disk, since this user may not mount one");
        return;
    };
    let ran = small(flags)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "conformance::full::on_a_small_disk", "--ignored", "--nocapture"])
        .env(IS_SMALL, "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "fills its disk: `a_full_disk` runs it on a small one"]
fn on_a_small_disk() {
    if std::env::var_os(IS_SMALL).is_none() {
        return;
    }
    for disposition in DISPOSITIONS {
        for index in 0..file_places().len() {
            let mut broken = 0;
            // So much is free, each time twice as much, until it is enough.
            let mut free = 0;
            while broke_off(&file_places().remove(index), disposition, free) {
                (broken, free) = (broken + 1, (free * 2).max(16 << 10));
            }
            assert!(broken > 2, "{disposition:?} {index}: {broken}");
        }
    }
}

/// Loads into a place of which so much is free, and again once all is. Whether the first run broke off.
fn broke_off(place: &Place, disposition: Disposition, free: u64) -> bool {
    let context = format!("{disposition:?} {:?} {free}", place.door());
    let table = Table { partitioned: false, ..table("tasks", disposition) };
    let mut to = place.open();
    to.begin(&table, &load("tasks", "0")).unwrap();
    to.write(&table, &page("{\"id\":0}\n", "0"), &[]).unwrap();
    to.finish(&table, &load("tasks", "0"), &[]).unwrap();
    to.commit().unwrap();
    drop(to);
    let before = place.rows("tasks");
    let filler = fill(place.dir.path(), free);
    let ended = run(place, &table);
    drop(filler);
    std::fs::remove_file(place.dir.path().join("filler")).unwrap();
    if let Err(error) = &ended {
        let is_full = matches!(error, DestinationError::Full { .. });
        // Of what a driver was told it does not pass on everything.
        let is_told =
            is_full || (place.driven.is_some() && matches!(error, DestinationError::Database { .. }));
        assert!(is_told, "{context}: {error:?}");
        // As of the last commit, to who only looks; lines behind that are cut off by the next run.
        if matches!(place.target, Target::Jsonl { .. }) {
            drop(place.open());
        }
        let state = Destination::look(place.door()).unwrap().unwrap_or_default().remove("demo").unwrap();
        let mut committed = before.clone();
        if state.loads["tasks"].load_id == "1" && disposition == Disposition::Append {
            let is_open = |seq| state.pending.iter().any(|page| page.seq == seq);
            committed.extend((0..PAGES).filter(|seq| !is_open(*seq)).flat_map(rows));
        }
        committed.sort();
        assert!(place.rows("tasks") == committed, "{context}: {} rows", place.rows("tasks").len());
        run(place, &table).unwrap();
    }
    let mut whole: Vec<String> = (0..PAGES).flat_map(rows).collect();
    if disposition == Disposition::Append || (disposition == Disposition::Merge && place.is_database()) {
        whole.extend(before);
    }
    whole.sort();
    assert!(place.rows("tasks") == whole, "{context}: {} rows, {ended:?}", place.rows("tasks").len());
    assert_eq!(place.open().state().pending, []);
    assert_no_leftovers(place);
    ended.is_err()
}

/// Leaves so many bytes of a disk.
fn fill(dir: &Path, free: u64) -> File {
    let mut filler = File::create(dir.join("filler")).unwrap();
    let mut written = 0;
    while let Ok(more @ 1..) = filler.write(&[1; 4096]) {
        written += more as u64;
    }
    filler.set_len(written - free).unwrap();
    filler
}

/// Loads the pages that are left, as far as it gets.
fn run(place: &Place, table: &Table) -> Result<(), DestinationError> {
    let mut to = Destination::open(place.door(), "demo")?;
    let state = to.state();
    let todo: Vec<u64> = match state.loads.get("tasks").filter(|load| load.status == LoadStatus::Running) {
        Some(running) => {
            to.resume(table, running)?;
            state.pending.iter().map(|page| page.seq).collect()
        }
        None => {
            to.begin(table, &load("tasks", "1"))?;
            to.record(&(0..PAGES).map(pending).collect::<Vec<_>>())?;
            (0..PAGES).collect()
        }
    };
    let mut load_them = || {
        for (at, seq) in todo.iter().copied().enumerate() {
            let text = rows(seq).join("\n") + "\n";
            to.write(table, &page(&text, "1"), &[Change::Done { seq }])?;
            if at % COMMIT_EVERY == 1 {
                to.commit()?;
            }
        }
        to.finish(table, &load("tasks", "1"), &[])?;
        to.commit()
    };
    let done = load_them();
    if done.is_err() {
        // It may be refused, or done; it does not pass over rows that are gone.
        let _ = to.commit();
    }
    done
}

/// The rows of a page, which nothing can write in fewer bytes.
fn rows(seq: u64) -> Vec<String> {
    let row = |id: u64| {
        let mut noise = String::new();
        for part in 0..3_u8 {
            for byte in Sha256::digest(format!("{id} {part}")) {
                let _ = write!(noise, "{byte:02x}");
            }
        }
        format!("{{\"id\":{id},\"noise\":\"{noise}\"}}")
    };
    (1 + seq * ROWS..=(seq + 1) * ROWS).map(row).collect()
}
