//! Files that other programs read, and what becomes of those of loads that grow or break off.

use std::process::Command;

use super::manifest::NAME;
use crate::conformance::{load, names, page, table};
use crate::{Destination, Disposition, Target};

fn open(dir: &tempfile::TempDir) -> Destination {
    Destination::open(&Target::parse(&format!("parquet:{}/out", dir.path().display())).unwrap(), "demo")
        .unwrap()
}

fn whole(dir: &tempfile::TempDir, disposition: Disposition, load_id: &str, pages: &[&str]) {
    let table = table("tasks", disposition);
    let mut to = open(dir);
    to.begin(&table, &load("tasks", load_id)).unwrap();
    for text in pages {
        to.write(&table, &page(text, load_id), &[]).unwrap();
        to.commit().unwrap();
    }
    to.finish(&table, &load("tasks", load_id), &[]).unwrap();
    to.commit().unwrap();
}

/// Fields of structs that come later are filled with nulls in what waits for the same commit.
#[test]
fn one_file_a_commit_with_all_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = table("tasks", Disposition::Append);
    let mut to = open(&dir);
    to.begin(&tasks, &load("tasks", "7")).unwrap();
    to.write(&tasks, &page("{\"id\":1,\"user\":{\"name\":\"a\"},\"tags\":[{\"x\":1}]}\n", "7"), &[]).unwrap();
    let row = "{\"id\":2,\"user\":{\"age\":5},\"tags\":[{\"y\":true}],\"at\":\"2024-01-02T03:04:05Z\"}\n";
    let written = to.write(&tasks, &page(row, "7"), &[]).unwrap();
    assert_eq!(written.new_columns, ["user", "tags", "at"]);
    to.commit().unwrap();
    to.write(&tasks, &page("{\"id\":3}\n", "7"), &[]).unwrap();
    to.finish(&tasks, &load("tasks", "7"), &[]).unwrap();
    to.commit().unwrap();
    let out = dir.path().join("out");
    assert_eq!(names(&out.join("tasks")), ["7-000000.parquet", "7-000001.parquet"]);
    insta::assert_snapshot!(std::fs::read_to_string(out.join(NAME)).unwrap());
    let found = super::file::rows(&out.join("tasks/7-000000.parquet")).unwrap();
    assert_eq!(found, 2);
}

#[test]
fn a_merge_keeps_the_last_row_of_each_key_whatever_file_it_is_in() {
    let dir = tempfile::tempdir().unwrap();
    whole(&dir, Disposition::Append, "1", &["{\"id\":0}\n"]);
    let pages = ["{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n", "{\"id\":2}\n", "{\"id\":2,\"a\":1}\n{\"id\":4}\n"];
    whole(&dir, Disposition::Merge, "2", &pages);
    let folder = dir.path().join("out/tasks");
    let rows: Vec<usize> =
        names(&folder).iter().map(|name| super::file::rows(&folder.join(name)).unwrap()).collect();
    assert_eq!(rows, [2, 2]);
}

/// What pyarrow and DuckDB make of the files; skipped, loudly, where Python has neither.
#[test]
fn other_programs_read_them() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "{\"id\":1,\"big\":18446744073709551615,\"at\":\"2024-01-02T03:04:05.5+02:00\",\"n\":\"2024-01-02 03:04:05\",\"user\":{\"name\":\"é\"},\"tags\":[1,2]}\n{\"id\":2}\n";
    whole(&dir, Disposition::Append, "1", &[rows, "{\"id\":3,\"late\":1.5}\n"]);
    let script = include_str!("tests/read.py");
    let python = std::env::var("SANDERLING_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let ran = Command::new(python).args(["-c", script]).arg(dir.path().join("out/tasks")).output();
    let said = match ran {
        Ok(ran) if ran.status.success() => String::from_utf8(ran.stdout).unwrap(),
        Ok(ran) => panic!("{}", String::from_utf8_lossy(&ran.stderr)),
        Err(error) => format!("skipped: {error}"),
    };
    if said.starts_with("skipped") {
        #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
        {
            eprintln!("{said}");
        }
        return;
    }
    let expected = "2 files; id=[1, 2, 3]; big=[18446744073709551615, None, None]; \
         at=2024-01-02 01:04:05.500000+00:00; n=2024-01-02 03:04:05; user={'name': 'é'}; tags=[1, 2]; late=[None, None, 1.5]";
    for line in said.lines() {
        assert_eq!(line.split_once(": ").map(|(_, read)| read), Some(expected), "{line}");
    }
}
