//! What only files can go wrong with: torn lines, half-done commits, files changed by hand.

use std::fs;
use std::path::{Path, PathBuf};

use crate::conformance::{Place, load, local_places, names, page, table};
use crate::*;

fn place() -> Place {
    let [_, jsonl, _] = local_places();
    jsonl
}

fn folders(place: &Place) -> (PathBuf, PathBuf) {
    match &place.target {
        Target::Jsonl { dir, state_dir } => (dir.clone(), state_dir.clone()),
        _ => unreachable!(),
    }
}

/// Every file of a folder, and of the state folder in it, by path.
type Files = Vec<(PathBuf, Vec<u8>)>;

fn files(dir: &Path) -> Files {
    let state = dir.join(".sanderling");
    let of = |folder: &Path| -> Vec<PathBuf> { names(folder).iter().map(|name| folder.join(name)).collect() };
    let paths = of(dir).into_iter().chain(of(&state)).filter(|path| path.is_file());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn put(dir: &Path, files: &Files) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir_all(dir.join(".sanderling")).unwrap();
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
    }
}

fn bytes<'f>(files: &'f Files, name: &str) -> &'f [u8] {
    &files.iter().find(|(path, _)| path.ends_with(name)).unwrap().1
}

fn with(files: &Files, name: &str, bytes: &[u8]) -> Files {
    let swap = |(path, old): &(PathBuf, Vec<u8>)| {
        (path.clone(), if path.ends_with(name) { bytes.to_vec() } else { old.clone() })
    };
    files.iter().map(swap).collect()
}

/// The files before and after the commit that `last` prepares.
fn around_commit(place: &Place, last: impl FnOnce(&mut Destination)) -> (Files, Files) {
    let (dir, _) = folders(place);
    let mut to = place.open();
    last(&mut to);
    let before = files(&dir);
    to.commit().unwrap();
    drop(to);
    (before, files(&dir))
}

const OLD: &str = "{\"id\":1,\"old\":true}\n";
const NEW: &str = "{\"id\":1,\"new\":true}\n{\"id\":2}\n";

fn old_load(place: &Place, disposition: Disposition) {
    let table = table("tasks", disposition);
    let mut to = place.open();
    to.begin(&table, &load("tasks", "0")).unwrap();
    to.write(&table, &page(OLD, "0"), &[]).unwrap();
    to.finish(&table, &load("tasks", "0"), &[]).unwrap();
    to.commit().unwrap();
}

/// Whatever part of a commit was done when the process died, the next run sees all of it or nothing: all of it from the
/// last byte of the journal line on.
#[test]
fn a_commit_broken_off_anywhere() {
    for disposition in [Disposition::Append, Disposition::Replace, Disposition::Merge] {
        let place = place();
        let (dir, state_dir) = folders(&place);
        let table = table("tasks", disposition);
        old_load(&place, disposition);
        let (before, after) = around_commit(&place, |to| {
            to.begin(&table, &load("tasks", "1")).unwrap();
            to.write(&table, &page(NEW, "1"), &[]).unwrap();
            to.finish(&table, &load("tasks", "1"), &[]).unwrap();
        });
        let done = bytes(&after, "out/tasks.jsonl");
        let journal = bytes(&after, "journal.jsonl");
        let committed = bytes(&before, "journal.jsonl").len();
        for length in committed..=journal.len() {
            put(&dir, &with(&before, "journal.jsonl", &journal[..length]));
            let to = place.open();
            let whole = length == journal.len();
            assert_eq!(to.state().loads["tasks"].load_id, if whole { "1" } else { "0" });
            if whole {
                assert_eq!(fs::read(dir.join("tasks.jsonl")).unwrap(), done, "{disposition:?}");
            } else {
                assert_eq!(fs::read_to_string(dir.join("tasks.jsonl")).unwrap(), OLD);
            }
            assert_eq!(
                fs::read(state_dir.join("journal.jsonl")).unwrap().iter().filter(|b| **b == b'\n').count(),
                1
            );
            drop(to);
            assert_eq!(names(&state_dir), ["journal.jsonl"]);
        }
        // Done in full, and looked at twice more.
        put(&dir, &after);
        drop(place.open());
        drop(place.open());
        assert_eq!(fs::read(dir.join("tasks.jsonl")).unwrap(), done);
    }
}

/// A load that is still running when the journal line is torn goes back to the line before.
#[test]
fn a_torn_line_takes_its_rows_along() {
    let place = place();
    let (dir, _) = folders(&place);
    let table = table("tasks", Disposition::Append);
    old_load(&place, Disposition::Append);
    let mut to = place.open();
    to.begin(&table, &load("tasks", "1")).unwrap();
    to.write(&table, &page("{\"id\":5}\n", "1"), &[]).unwrap();
    to.commit().unwrap();
    let one = files(&dir);
    to.write(&table, &page(NEW, "1"), &[]).unwrap();
    to.commit().unwrap();
    drop(to);
    let two = files(&dir);
    let (short, long) = (bytes(&one, "journal.jsonl"), bytes(&two, "journal.jsonl"));
    for length in short.len()..long.len() {
        put(&dir, &with(&two, "journal.jsonl", &long[..length]));
        drop(place.open());
        assert_eq!(fs::read_to_string(dir.join("tasks.jsonl")).unwrap(), format!("{OLD}{{\"id\":5}}\n"));
    }
    // What a power cut may leave in the place of a line.
    let mut garbled = short.to_vec();
    garbled.extend_from_slice(&[0; 64]);
    put(&dir, &with(&two, "journal.jsonl", &garbled));
    drop(place.open());
    assert_eq!(fs::read_to_string(dir.join("tasks.jsonl")).unwrap(), format!("{OLD}{{\"id\":5}}\n"));
    // The same anywhere else is damage.
    let mut damaged = long.to_vec();
    damaged[short.len() - 5] = 0;
    put(&dir, &with(&two, "journal.jsonl", &damaged));
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
}

/// Taking committed rows back and writing others in their place, broken off between any two steps.
#[test]
fn a_splice_broken_off_anywhere() {
    let place = place();
    let (dir, state_dir) = folders(&place);
    let table = table("tasks", Disposition::Append);
    old_load(&place, Disposition::Append);
    let mut to = place.open();
    to.begin(&table, &load("tasks", "1")).unwrap();
    to.write(&table, &page("{\"id\":100}\n{\"id\":101}\n{\"id\":102}\n{\"id\":103}\n", "1"), &[]).unwrap();
    to.commit().unwrap();
    drop(to);
    let (before, after) = around_commit(&place, |to| {
        to.undo(&table, "1").unwrap();
        to.begin(&table, &load("tasks", "2")).unwrap();
        to.write(&table, &page(NEW, "2"), &[]).unwrap();
    });
    let done = format!("{OLD}{NEW}");
    assert_eq!(bytes(&after, "out/tasks.jsonl"), done.as_bytes());
    let ordered = with(&before, "journal.jsonl", bytes(&after, "journal.jsonl"));
    // The old file, whole; then the new one, from the cut on, as long as the tail has not been removed.
    let old = bytes(&before, "out/tasks.jsonl");
    let stages = (OLD.len()..=done.len()).map(|length| done.as_bytes()[..length].to_vec());
    for stage in stages.chain([old.to_vec()]) {
        put(&dir, &with(&ordered, "out/tasks.jsonl", &stage));
        let mut to = place.open();
        assert_eq!(fs::read_to_string(dir.join("tasks.jsonl")).unwrap(), done);
        assert_eq!(names(&state_dir), ["journal.jsonl", "lock"]);
        to.resume(&table, &load("tasks", "2")).unwrap();
        to.undo(&table, "2").unwrap();
        to.commit().unwrap();
        assert_eq!(fs::read_to_string(dir.join("tasks.jsonl")).unwrap(), OLD);
    }
}

#[test]
fn errors_are_logged_once_however_often_it_is_tried() {
    let place = place();
    let (dir, state_dir) = folders(&place);
    let line = ErrorLine {
        at_ms: 0,
        load_id: "1".to_owned(),
        resource: "tasks".to_owned(),
        partition_key: None,
        url: None,
        status: None,
        attempts: 1,
        message: "m".to_owned(),
        excerpt: None,
        request_id: None,
    };
    fs::create_dir_all(&state_dir).unwrap();
    fs::write(state_dir.join("errors.jsonl"), "{\"earlier\":1}\n").unwrap();
    let (before, after) = around_commit(&place, |to| to.record(&[Change::Error(line.clone())]).unwrap());
    let log = bytes(&after, "errors.jsonl").to_vec();
    let ordered = with(&before, "journal.jsonl", bytes(&after, "journal.jsonl"));
    for length in bytes(&before, "errors.jsonl").len()..=log.len() {
        put(&dir, &with(&ordered, "errors.jsonl", &log[..length]));
        drop(place.open());
        assert_eq!(fs::read(state_dir.join("errors.jsonl")).unwrap(), log);
    }
    // A person may clear the log, or add to it.
    put(&dir, &with(&after, "errors.jsonl", b""));
    drop(place.open());
    let mut more = log.clone();
    more.extend_from_slice(b"note\n");
    put(&dir, &with(&after, "errors.jsonl", &more));
    drop(place.open());
    assert_eq!(fs::read(state_dir.join("errors.jsonl")).unwrap(), more);
}

#[test]
fn files_changed_by_hand() {
    let place = place();
    let (dir, state_dir) = folders(&place);
    let table = table("tasks", Disposition::Append);
    let path = dir.join("tasks.jsonl");
    old_load(&place, Disposition::Append);
    // Between loads a file is its reader's to move or shorten.
    fs::remove_file(&path).unwrap();
    let mut to = place.open();
    to.begin(&table, &load("tasks", "1")).unwrap();
    to.write(&table, &page(NEW, "1"), &[]).unwrap();
    to.commit().unwrap();
    drop(to);
    // In the midst of one it is not.
    fs::write(&path, "{\"id\":1}\n").unwrap();
    let mut to = place.open();
    let refused = to.resume(&table, &load("tasks", "1")).unwrap_err();
    assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
    assert!(matches!(to.undo(&table, "1"), Err(DestinationError::Corrupt { .. })));
    // Without the file there is nothing to take back, and a fresh start is free.
    fs::remove_file(&path).unwrap();
    assert!(matches!(to.resume(&table, &load("tasks", "1")), Err(DestinationError::Corrupt { .. })));
    to.undo(&table, "1").unwrap();
    to.begin(&table, &load("tasks", "2")).unwrap();
    to.write(&table, &page(OLD, "2"), &[]).unwrap();
    to.finish(&table, &load("tasks", "2"), &[]).unwrap();
    to.commit().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
    drop(to);

    fs::write(&path, "{\"id\":1}").unwrap();
    let mut to = place.open();
    assert!(matches!(to.begin(&table, &load("tasks", "3")), Err(DestinationError::NotOurs { .. })));
    drop(to);

    fs::write(state_dir.join("journal.jsonl"), "{\"snapshot\":{\"version\":99,\"pipelines\":{}}}\n").unwrap();
    let refused = Destination::open(&place.target, "demo").unwrap_err();
    assert!(refused.to_string().contains("version 99"), "{refused}");
    fs::write(state_dir.join("journal.jsonl"), "{").unwrap();
    assert!(matches!(Destination::open(&place.target, "demo"), Err(DestinationError::Corrupt { .. })));
}

/// Where there are two file systems: a file that cannot be renamed into place is copied beside it first.
#[test]
fn state_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere =
        if Path::new("/dev/shm").is_dir() { tempfile::tempdir_in("/dev/shm") } else { tempfile::tempdir() };
    let Ok(elsewhere) = elsewhere else { return };
    let place = Place {
        target: Target::Jsonl { dir: dir.path().to_owned(), state_dir: elsewhere.path().to_owned() },
        dir,
        driven: None,
    };
    for disposition in [Disposition::Append, Disposition::Replace, Disposition::Merge] {
        let name = format!("{disposition:?}");
        let table = table(&name, disposition);
        let mut to = place.open();
        to.begin(&table, &load(&name, "1")).unwrap();
        to.write(&table, &page(NEW, "1"), &[]).unwrap();
        to.finish(&table, &load(&name, "1"), &[]).unwrap();
        to.commit().unwrap();
        let other =
            Target::Jsonl { dir: place.dir.path().to_owned(), state_dir: place.dir.path().join("other") };
        let refused = Destination::open(&other, "demo").unwrap_err();
        assert!(matches!(refused, DestinationError::Locked { .. }), "{refused}");
        fs::remove_dir_all(place.dir.path().join("other")).unwrap();
    }
    assert_eq!(names(place.dir.path()), ["Append.jsonl", "Merge.jsonl", "Replace.jsonl"]);
    assert_eq!(names(elsewhere.path()), ["journal.jsonl"]);
}

#[test]
fn rows_stand_as_they_came() {
    let place = place();
    let (dir, _) = folders(&place);
    let table = Table { primary_key: vec![], ..table("tasks", Disposition::Append) };
    let rows = "{\"a\" : 1.50,\"a\":null,\"_load_id\":\"\\ud800\"}\n12345678901234567890.10\n[ ]\n\"x\"";
    let mut to = place.open();
    to.begin(&table, &load("tasks", "1")).unwrap();
    to.write(&table, &page(rows, "1"), &[]).unwrap();
    to.finish(&table, &load("tasks", "1"), &[]).unwrap();
    to.commit().unwrap();
    assert_eq!(fs::read_to_string(dir.join("tasks.jsonl")).unwrap(), format!("{rows}\n"));
}

#[test]
fn a_long_journal_is_compacted() {
    let place = place();
    let (_, state_dir) = folders(&place);
    let mut to = place.open();
    let cursor = Some("x".repeat(1 << 20));
    for seq in 0..40 {
        let page = PendingPage {
            seq,
            resource: "tasks".to_owned(),
            partition: None,
            cursor: cursor.clone(),
            failed: false,
        };
        to.record(&[Change::Pending(page), Change::Done { seq: seq.saturating_sub(1) }]).unwrap();
        to.commit().unwrap();
    }
    assert!(fs::metadata(state_dir.join("journal.jsonl")).unwrap().len() < 20 << 20);
    let state = to.state();
    assert_eq!(state.pending.len(), 1);
    drop(to);
    assert_eq!(place.open().state(), state);
}

/// A journal that a program of version 1 left is read, looked at, gone on with, and written anew.
#[test]
fn a_journal_of_an_older_version() {
    let place = place();
    let (_, state_dir) = folders(&place);
    fs::create_dir_all(&state_dir).unwrap();
    let old = concat!(
        r#"{"snapshot":{"version":1,"pipelines":{"demo":{"state":{"loads":{"tasks":{"resource":"tasks","load_id":"1","#,
        r#""fingerprint":"f","connector_digest":"c","started_ms":1,"updated_ms":2,"status":"running","rows":7,"pages":1,"#,
        r#""retries":0,"total":9,"missing_parents":0,"failed_parents":1}},"pending":[{"seq":4,"resource":"tasks","#,
        r#""partition":{"key":"k","data":"d"},"cursor":null}],"chains":[],"halts":[]},"marks":{}}}}}"#,
        "\n"
    );
    let journal = state_dir.join("journal.jsonl");
    fs::write(&journal, old).unwrap();
    let expected = Load { rows: 7, pages: 1, total: Some(9), failed_parents: 1, ..load("tasks", "1") };
    let looked = Destination::look(&place.target).unwrap().unwrap().remove("demo").unwrap();
    assert_eq!(looked.loads.get("tasks"), Some(&expected));
    assert_eq!(fs::read_to_string(&journal).unwrap(), old);
    let mut to = place.open();
    assert_eq!(to.state(), looked);
    assert!(fs::read_to_string(&journal).unwrap().starts_with(r#"{"snapshot":{"version":3,"#));
    to.record(&[Change::Done { seq: 4 }]).unwrap();
    to.commit().unwrap();
    drop(to);
    assert_eq!(place.open().state().pending, []);
}
