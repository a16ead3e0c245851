//! Merges beyond keys, as whole runs: versions, rows that are only added, rows that a whole read no longer has.

use sanderling_demo::{Options, Reply, Server, start};

use crate::program::{Folder, Ran};

/// The databases that are there.
fn databases() -> Vec<String> {
    let duckdb = crate::duckdb::library();
    let duckdb = duckdb.map(|driver| format!("duckdb:x.duckdb?driver={}", driver.display()));
    ["sqlite:x.db".to_owned()].into_iter().chain(duckdb).collect()
}

struct Given {
    server: Server,
    folder: Folder,
    extra: &'static str,
}

impl Given {
    fn new(extra: &'static str) -> Self {
        Self { server: start(Options::default()).unwrap(), folder: Folder::new(), extra }
    }

    fn configured(&self, extra: &str) {
        let base_url = self.server.base_url();
        let config = format!(
            r#"{{"client": {{"base_url": "{base_url}"}}, "resources": [{{"name": "x", "primary_key": "id",
            "endpoint": {{"data_selector": "data", "paginator": {{"type": "offset", "limit": 20}}}}, {extra}}}]}}"#
        );
        self.folder.write("x.json", &config);
    }

    /// A run in which the API has these rows.
    fn run(&self, ids: std::ops::Range<u32>, v: u32, args: &[&str]) -> Ran {
        let rows: Vec<String> = ids.map(|id| format!("{{\"id\":{id},\"v\":{v}}}")).collect();
        let total = rows.len();
        let page = |rows: &[String]| {
            Reply::new(
                200,
                "application/json",
                format!("{{\"data\":[{}],\"total\":{total}}}", rows.join(",")),
            )
        };
        let pages: Vec<Reply> =
            if rows.is_empty() { vec![page(&[])] } else { rows.chunks(20).map(page).collect() };
        self.server.script("/x", pages);
        self.configured(self.extra);
        self.folder.run(&[&["run", "x.json"], args].concat())
    }
}

#[test]
fn what_a_whole_read_no_longer_has_goes_but_not_too_much_of_it() {
    for to in databases() {
        let mut it = Given::new(r#""write_disposition": "merge", "delete_absent": true"#);
        let to = ["--to", &to];
        it.run(0..40, 1, &to).expect(0);
        it.run(0..39, 1, &to).expect(0).says(&["note: x: 1 row did not come again: deleted"]);
        let ran = it.run(0..20, 1, &to).expect(5);
        ran.says(&[
            "x: 19 of the 39 rows that there are did not come again, and no more than 5 of a hundred may go at once",
            "hint: if they are gone indeed, write `delete_absent: {max_percent: 49}` on the resource",
        ]);
        // Nothing was changed: they would go again.
        it.run(0..20, 1, &to).expect(5).says(&["x: 19 of the 39 rows"]);
        let limited = it.run(0..39, 2, &[&to[..], &["--max-pages", "1"]].concat()).expect(0);
        limited.says(&["x: rows that did not come are left as they are, since not all of them were read"]);
        it.extra = r#""write_disposition": "merge", "delete_absent": {"max_percent": 49, "mark": true}"#;
        it.run(0..20, 1, &to).expect(0).says(&["note: x: 19 rows did not come again: marked as deleted"]);
        let quiet = it.run(0..20, 1, &to).expect(0);
        assert!(!quiet.stderr.contains("did not come"), "{}", quiet.stderr);
    }
}

#[test]
fn versions_and_rows_that_are_only_added() {
    for extra in [
        r#""write_disposition": {"disposition": "merge", "strategy": "scd2"}"#,
        r#""write_disposition": {"disposition": "merge", "strategy": "insert-only"}"#,
    ] {
        for to in databases() {
            let it = Given::new(extra);
            for (rows, v) in [(0..30, 1), (0..25, 2), (3..30, 1)] {
                it.run(rows, v, &["--to", &to]).expect(0);
            }
            if !to.starts_with("sqlite:") {
                continue;
            }
            if extra.contains("scd2") {
                // 30 first; 25 changed, 5 gone; 22 of those back as they were, and the 5.
                assert_eq!(it.folder.count("x.db", "select count(*) from x"), 30 + 25 + 22 + 5);
                assert_eq!(it.folder.count("x.db", "select count(*) from x where _valid_to is null"), 27);
            } else {
                assert_eq!(it.folder.count("x.db", "select sum(v) from x"), 30);
            }
        }
    }
}

#[test]
fn files_say_so_before_anything_is_asked() {
    for (extra, what) in [
        (r#""write_disposition": {"disposition": "merge", "strategy": "scd2"}"#, "the merge strategy `scd2`"),
        (
            r#""write_disposition": {"disposition": "merge", "strategy": "insert-only"}"#,
            "the merge strategy `insert-only`",
        ),
        (r#""write_disposition": "merge", "delete_absent": "mark""#, "`delete_absent`"),
    ] {
        for to in ["jsonl:out", "parquet:out", "-"] {
            let it = Given::new(extra);
            let ran = it.run(0..1, 1, &["--to", to]).expect(2);
            let said = format!("error: resource `x`: {what} needs a database");
            ran.says(&[&said, "hint: write to a database, or leave it out"]);
            assert_eq!(it.server.count("/x"), 0);
        }
    }
}

/// A full read into files puts new ones in the old ones' place; a part of the rows can only be added.
#[test]
fn a_full_read_into_parquet_is_a_snapshot_and_a_part_is_added() {
    let it = Given::new(r#""write_disposition": "merge""#);
    let files = || -> Vec<String> {
        let manifest: serde_json::Value = serde_json::from_str(&it.folder.read("out/manifest.json")).unwrap();
        let files = manifest["resources"]["x"]["files"].as_array().unwrap();
        files.iter().map(|file| file.as_str().unwrap().to_owned()).collect()
    };
    let to = ["--to", "parquet:out"];
    it.run(0..30, 1, &to).expect(0);
    let first = files();
    it.run(5..30, 2, &to).expect(0);
    let second = files();
    assert!(!second.is_empty() && second.iter().all(|file| !first.contains(file)));

    let page = || vec![Reply::new(200, "application/json", r#"{"data":[{"id":7,"v":3}],"total":1}"#)];
    it.server.script("/x", page());
    let base_url = it.server.base_url();
    let incremental = format!(
        r#"{{"client": {{"base_url": "{base_url}"}}, "resources": [{{"name": "x", "primary_key": "id",
        "write_disposition": "merge", "endpoint": {{"data_selector": "data", "paginator": "single_page",
        "incremental": {{"cursor_path": "v", "start_param": "since"}}}}}}]}}"#
    );
    it.folder.write("x.json", &incremental);
    let run = |args: &[&str]| {
        it.server.script("/x", page());
        it.folder.run(&[&["run", "x.json"], &to[..], args].concat())
    };
    run(&[]).expect(0);
    let before = files();
    run(&[]).expect(0).says(&["a part of the rows cannot be merged into a file, so they are added to it"]);
    assert!(before.iter().all(|file| files().contains(file)));
    run(&["--strict"]).expect(2);
    it.folder.run(&["run", "x.json", "--to", "parquet:elsewhere", "--strict"]).expect(2);
    assert!(!it.folder.path("elsewhere").exists());
    run(&["--full-refresh"]).expect(0);
    assert!(before.iter().all(|file| !files().contains(file)));
}
