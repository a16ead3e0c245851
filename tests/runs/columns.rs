//! Declared columns, and what becomes of rows that break what is declared.

use sanderling_demo::{Action, Fault, Options, Reply, Server, When, start};
use serde_json::Value;

use crate::program::{Folder, Ran};

const TARGETS: [&str; 2] = ["sqlite:out.db", "jsonl:out"];

/// A resource `t` of `rows` (JSON texts), read in pages of 50.
struct Api {
    server: Server,
    folder: Folder,
}

fn api(disposition: &str, columns: &str) -> Api {
    let (server, folder) = (start(Options::default()).unwrap(), Folder::new());
    folder.write(
        "t.json",
        &format!(
            r#"{{"client": {{"base_url": "{}"}}, "resource_defaults": {{"endpoint": {{"data_selector": "data",
            "paginator": {{"type": "offset", "limit": 50}}}}}},
            "resources": [{{"name": "t", "primary_key": "id", "write_disposition": "{disposition}", {columns}}}]}}"#,
            server.base_url()
        ),
    );
    Api { server, folder }
}

impl Api {
    fn serve(&self, rows: Vec<String>) {
        self.server.set_route("/t", move |request| {
            let number = |name| request.number_param(name).unwrap();
            let page: Vec<&str> =
                rows.iter().skip(number("offset")).take(number("limit")).map(String::as_str).collect();
            Reply::json(200, format!("{{\"data\":[{}],\"total\":{}}}", page.join(","), rows.len()))
        });
    }

    fn run(&self, target: &str, flags: &[&str]) -> Ran {
        self.folder.run(&[&["run", "t.json", "--to", target, "--json"], flags].concat())
    }

    fn rows(&self, target: &str) -> usize {
        match target {
            "jsonl:out" => self.folder.lines("out/t.jsonl").len(),
            _ => self.folder.count("out.db", "select count(*) from t") as usize,
        }
    }

    /// The log of errors, a line an error.
    fn errors(&self, target: &str) -> Vec<String> {
        if target == "jsonl:out" {
            return self.folder.lines("out/.sanderling/errors.jsonl");
        }
        let conn = self.folder.database("out.db");
        let mut select = conn.prepare("select message || ' ' || excerpt from _sanderling_errors").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

/// The rows that were kept aside, with their reasons.
fn quarantined(folder: &Folder, target: &str) -> Vec<(String, String)> {
    if target == "jsonl:out" {
        let lines = folder.lines("out/.sanderling/quarantine.jsonl");
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        return lines
            .map(|it| (it["reason"].as_str().unwrap().into(), it["row"].as_str().unwrap().into()))
            .collect();
    }
    let conn = folder.database("out.db");
    let mut select = conn.prepare("select reason, row from _quarantine order by rowid").unwrap();
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Makes a row that breaks something.
type Broken = fn(usize) -> String;

/// `count` rows, those at `bad` as `broken` makes them.
fn rows(count: usize, bad: &[usize], broken: Broken) -> Vec<String> {
    let good = |id| format!("{{\"id\":{id},\"n\":\"{id}\",\"at\":\"2026-03-01T09:30:00Z\"}}");
    (0..count).map(|id| if bad.contains(&id) { broken(id) } else { good(id) }).collect()
}

const COLUMNS: &str = r#""columns": {"n": {"data_type": "bigint", "nullable": false}, "at": {"data_type": "timestamp"},
    "note": {"data_type": "text"}}"#;

fn misfit(id: usize) -> String {
    format!("{{\"id\":{id},\"n\":\"many\",\"secret\":\"nobody's business\"}}")
}

fn first(ran: &Ran) -> (Value, Value) {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    (document["resources"][0].clone(), document)
}

#[test]
fn a_few_rows_are_refused_and_the_rest_is_there() {
    for (target, disposition) in
        TARGETS.into_iter().flat_map(|target| ["append", "replace", "merge"].map(|how| (target, how)))
    {
        let api = api(disposition, COLUMNS);
        api.serve(rows(400, &[60, 220, 320], misfit));
        let ran = api.run(target, &[]).expect(5).says(&[
            "error: t, page 2: row 11 (id = 60) is refused: column `n` is declared bigint, and holds \"many\"",
            "error: t, page 7: row 21 (id = 320) is refused",
            "3 rows refused",
            "t: complete, 3 rows refused, 397 rows",
        ]);
        assert!(!ran.stderr.contains("business"), "{}", ran.stderr);
        let (resource, document) = first(&ran);
        assert_eq!((resource["rows"].as_u64(), resource["refused_rows"].as_u64()), (Some(397), Some(3)));
        assert_eq!(
            (resource["status"].as_str(), document["exit_code"].as_u64()),
            (Some("complete"), Some(5))
        );
        assert_eq!(document["failures"].as_array().unwrap().len(), 3);
        assert_eq!(api.rows(target), 397, "{target} {disposition}");
        let errors = api.errors(target);
        assert!(errors.len() == 3 && errors[0].contains("row 11 (id = 60)"), "{errors:?}");
        assert!(errors[0].contains("nobody's business"), "{errors:?}");
        let aside = quarantined(&api.folder, target);
        let reason = "column `n` is declared bigint, and holds \"many\"".to_owned();
        assert_eq!(aside, [60, 220, 320].map(|id| (reason.clone(), misfit(id))));
        // The next run reads anew.
        api.serve(rows(400, &[], misfit));
        let ran = api.run(target, &[]).expect(0);
        assert_eq!(first(&ran).0["refused_rows"], 0);
        assert_eq!(api.rows(target), if disposition == "append" { 797 } else { 400 });
    }
}

#[test]
fn rows_that_no_declaration_is_needed_for() {
    let broken: [(&str, Broken, &str); 2] = [
        (
            "sqlite:out.db",
            |id| format!("{{\"id\":{id},\"n\":1,\"n\":2}}"),
            "field `n` stands twice in one row",
        ),
        ("jsonl:out", |_| "null".into(), "the row is null"),
    ];
    for (target, broken, words) in broken.into_iter().chain([("sqlite:out.db", broken[1].1, broken[1].2)]) {
        let api = api("append", "\"columns\": {}");
        api.serve(rows(300, &[60], broken));
        api.run(target, &[]).expect(5).says(&[words, "1 row refused"]);
        assert_eq!(api.rows(target), 299);
        assert_eq!(quarantined(&api.folder, target), [(words.to_owned(), broken(60))]);
    }
}

#[test]
fn a_config_that_takes_no_bad_row() {
    for target in TARGETS {
        let api = api("append", COLUMNS);
        api.serve(rows(400, &[160], misfit));
        let config = api.folder.read("t.json").replacen('{', "{\"on_bad_row\": \"fail\",", 1);
        api.folder.write("t.json", &config);
        api.run(target, &[])
            .expect(5)
            .says(&["page 4: row 11 of the page: column `n` is declared", "t: failed"]);
        assert_eq!(api.rows(target), 150);
        api.folder.write("t.json", &config.replace("\"fail\"", "\"skip\""));
        api.run(target, &[]).expect(2).says(&["`quarantine` or `fail` is expected here"]);
    }
}

/// A load that is taken back takes its refused rows with it.
#[test]
fn a_row_is_kept_aside_once() {
    let api = api("append", COLUMNS);
    api.serve(rows(300, &[60], misfit));
    let fault = Fault::new("/t", When::Always, Action::status(404));
    api.server.add_fault(Fault { query: vec![("offset".into(), "150".into())], ..fault });
    api.run("sqlite:out.db", &[]).expect(5);
    assert_eq!(quarantined(&api.folder, "sqlite:out.db").len(), 1);
    api.server.clear_faults();
    api.run("sqlite:out.db", &["--fresh"]).expect(5);
    assert_eq!(quarantined(&api.folder, "sqlite:out.db").len(), 1);
}

#[test]
fn a_first_page_or_too_many_rows_fail_at_once() {
    for target in TARGETS {
        let api = api("replace", COLUMNS);
        api.serve(rows(400, &[10], misfit));
        api.run(target, &[])
            .expect(5)
            .says(&["error: t, page 1: row 11 of the page: column `n` is declared bigint", "t: failed"]);
        api.serve(rows(400, &[], misfit));
        api.run(target, &["--fresh"]).expect(0);
        assert_eq!(api.rows(target), 400);
        // Once a load was complete, the declaration is not what is wrong.
        api.serve(rows(400, &[10], misfit));
        api.run(target, &[]).expect(5).says(&["1 row refused"]);
        assert_eq!(api.rows(target), 399);
        // Two of the first hundred, or three of two hundred and fifty.
        for bad in [&[10, 60][..], &[10, 210, 220]] {
            api.serve(rows(400, bad, misfit));
            let ran =
                api.run(target, &[]).expect(5).says(&["which is too many; one of them is row", "t: failed"]);
            assert_eq!(first(&ran).0["status"], "failed");
            // What was there stays.
            assert_eq!(api.rows(target), 399, "{target}\n{}", ran.stderr);
        }
        api.serve(rows(400, &[10, 210, 320], misfit));
        api.run(target, &[]).expect(5).says(&["its rows did not pass the checks", "3 rows refused"]);
        assert_eq!(api.rows(target), 397);
    }
}

#[test]
fn null_and_missing_are_told_apart_and_a_key_under_merge_must_be_there() {
    let broken: [(&str, Broken, &str); 3] = [
        ("append", |id| format!("{{\"id\":{id},\"n\":null}}"), "column `n` must not be null, and is\n"),
        ("append", |id| format!("{{\"id\":{id}}}"), "column `n` must not be null, and is missing"),
        ("merge", |id| format!("{{\"n\":{id}}}"), "primary key field `id` is missing"),
    ];
    for target in TARGETS {
        for (disposition, broken, words) in broken {
            let api = api(disposition, COLUMNS);
            api.serve(rows(100, &[77], broken));
            api.run(target, &[]).expect(5).says(&[words, "1 row refused"]);
            assert_eq!(api.rows(target), 99);
        }
    }
}

#[test]
fn a_run_that_goes_on_keeps_the_count() {
    for target in TARGETS {
        let api = api("append", COLUMNS);
        api.serve(rows(300, &[60], misfit));
        let fault = Fault::new("/t", When::Always, Action::status(404));
        api.server.add_fault(Fault { query: vec![("offset".into(), "150".into())], ..fault });
        api.run(target, &[]).expect(5);
        api.server.clear_faults();
        let ran =
            api.run(target, &[]).expect(5).says(&["going on where the last run broke off", "1 row refused"]);
        let (resource, document) = first(&ran);
        assert_eq!((resource["rows"].as_u64(), resource["refused_rows"].as_u64()), (Some(299), Some(1)));
        assert_eq!(document["failures"].as_array().unwrap().len(), 0);
        assert_eq!(api.rows(target), 299);
    }
}

#[test]
fn only_the_first_ten_are_listed_and_columns_are_there_without_rows() {
    let api = api("append", COLUMNS);
    let bad: Vec<usize> = (0..15).map(|n| 1_600 + n * 20).collect();
    api.serve(rows(2_000, &bad, misfit));
    let ran =
        api.run("sqlite:out.db", &[]).expect(5).says(&["and 5 more failures, listed in the destination"]);
    let document = first(&ran).1;
    assert_eq!(
        (document["failures"].as_array().unwrap().len(), &document["unlisted_failures"]),
        (10, &5.into())
    );
    assert_eq!(api.errors("sqlite:out.db").len(), 15);
    assert_eq!(api.folder.count("out.db", "select count(*) from t where note is null"), 1_985);
}

#[test]
fn a_type_that_there_is_not_is_told_with_what_was_meant() {
    let api = api("append", r#""columns": {"n": {"data_type": "bigin"}}"#);
    api.run("sqlite:out.db", &[]).expect(2).says(&["bigint"]);
}
