//! Runs that break off at a request, and the runs that go on from there: the same tables as one clean run.

use std::collections::HashSet;
use std::time::Duration;

use sanderling_demo::{Action, Fault, Reply, When};

use crate::breaking::{Breaking, DISPOSITIONS, PAGES, Rows, To, after, sorted};

/// How the server breaks off, by turns, and what a run that meets it exits with.
fn fault(turn: usize) -> (Action, i32) {
    match turn % 4 {
        0 => (Action::status(500), 4),
        1 => (Action::Reset, 4),
        2 => (Action::Truncate { after_bytes: 30 }, 4),
        _ => (Action::CutJson { bytes: 30 }, 5),
    }
}

/// Breaks runs off at their k-th request, for every k, all in one folder, and mends each by a second run.
fn breaks_off_everywhere(to: To, disposition: &str, concurrency: usize) {
    let it = Breaking::new(to, disposition, concurrency);
    it.folder.run(&it.args()).expect(0);
    let (clean, asked) = (it.rows(), it.targets());
    assert_eq!(asked.len(), PAGES);
    for k in 1..=PAGES {
        let (action, code) = fault(k);
        it.mend();
        it.server.add_fault(Fault::new("*", When::From(k as u64), action));
        let broken = it.folder.run(&it.args());
        let before: Vec<String> =
            it.server.requests().into_iter().take(k - 1).map(|request| request.target).collect();
        assert_eq!(broken.code, Some(code), "broken off at request {k}:\n{}", broken.stderr);

        it.mend();
        let mended = it.folder.run(&it.args());
        assert_eq!(mended.code, Some(0), "after request {k}:\n{}\nthen:\n{}", broken.stderr, mended.stderr);
        let rows = it.rows();
        let expected = after(k + 1, disposition, to, &clean);
        assert!(rows == expected, "after request {k}:\n{}\nthen:\n{}", broken.stderr, mended.stderr);
        if concurrency == 1 {
            let both = sorted([before, it.targets()].concat());
            assert_eq!(both, asked, "what was kept at request {k} is not asked for again");
        }
    }
}

#[test]
fn into_sqlite_at_every_request() {
    for disposition in DISPOSITIONS {
        breaks_off_everywhere(To::Sqlite, disposition, 4);
    }
}

#[test]
fn into_postgresql_at_every_request() {
    if crate::postgres_server::shared().is_some() {
        for disposition in DISPOSITIONS {
            breaks_off_everywhere(To::Postgres, disposition, 4);
        }
    }
}

#[test]
fn into_files_at_every_request_and_in_the_same_order() {
    for disposition in DISPOSITIONS {
        breaks_off_everywhere(To::Jsonl, disposition, 1);
    }
}

/// A run that has broken off: clients and projects are complete, tasks and time are not, expenses has not begun. With
/// it the rows of one whole run.
fn broken_off(to: To, disposition: &str) -> (Breaking, Rows) {
    let it = Breaking::new(to, disposition, 4);
    let twin = Breaking::new(to, disposition, 4);
    twin.folder.run(&twin.args()).expect(0);
    let paths = ["/v1/projects/103/tasks", "/v1/projects/103/time"];
    for path in paths {
        it.server.add_fault(Fault::new(path, When::From(2), Action::status(500)));
    }
    it.server.add_fault(Fault::new("/v1/expenses", When::Always, Action::status(500)));
    let ran = it.folder.run(&it.args()).expect(4);
    let [clients, projects, tasks, time, expenses] = ["clients", "projects", "tasks", "time", "expenses"]
        .map(|table| ran.stderr.lines().rfind(|line| line.starts_with(&format!(" {table} "))));
    for line in [clients, projects] {
        assert!(!line.unwrap().contains("f"), "{}", ran.stderr);
    }
    for line in [tasks, time, expenses] {
        assert!(line.unwrap().contains("failed"), "{}", ran.stderr);
    }
    it.mend();
    (it, twin.rows())
}

/// Each table's rows are those of so many whole runs, where rows are added.
#[track_caller]
fn assert_rows(it: &Breaking, to: To, disposition: &str, once: &Rows, times: [usize; 5], stderr: &str) {
    for ((table, rows), (one, times)) in it.rows().into_iter().zip(once.iter().zip(times)) {
        let expected = after(times, disposition, to, std::slice::from_ref(one)).remove(0).1;
        assert!(sorted(rows.clone()) == sorted(expected), "{table}: {} rows\n{stderr}", rows.len());
    }
}

#[test]
fn another_config_starts_again() {
    for (to, disposition) in every() {
        let (it, once) = broken_off(to, disposition);
        let config = it.folder.read("broken.json");
        it.folder.write("broken.json", &config.replace("\"limit\": 2", "\"limit\": 3"));
        let ran = it.folder.run(&it.args()).expect(0).says(&[
            "projects: the last run broke off and is started again: the config, or what is read of it, has changed since",
        ]);
        assert_rows(&it, to, disposition, &once, [2, 1, 1, 1, 1], &ran.stderr);
    }
}

#[test]
fn fresh_starts_again() {
    for (to, disposition) in every() {
        let (it, once) = broken_off(to, disposition);
        let ran = it.folder.run(&[&it.args()[..], &["--fresh"]].concat()).expect(0);
        let ran = ran.says(&["projects: the last run broke off and is started again: --fresh was given"]);
        assert_rows(&it, to, disposition, &once, [2, 1, 1, 1, 1], &ran.stderr);
    }
}

#[test]
fn a_total_that_has_changed_starts_the_tree_again_and_leaves_the_others() {
    for (to, disposition) in every() {
        let (it, once) = broken_off(to, disposition);
        let changed = Fault::new("/v1/projects/103/tasks", When::Nth(1), Action::Total("6".into()));
        it.server.add_fault(Fault { query: vec![("offset".into(), "2".into())], ..changed });
        let ran = it.folder.run(&it.args()).expect(0).says(&[
            "projects: the last run broke off and is started again: `tasks` had 5 rows then and has 6 now",
            "clients: complete since the run that broke off, with 3 rows, and not read again",
        ]);
        assert_eq!(it.server.count("/v1/clients"), 0);
        assert_rows(&it, to, disposition, &once, [1, 1, 1, 1, 1], &ran.stderr);
        // The pass is over: the next run is another one.
        let ran = it.folder.run(&it.args()).expect(0);
        assert!(!ran.stderr.contains("broke off"), "{}", ran.stderr);
        assert_rows(&it, to, disposition, &once, [2, 2, 2, 2, 2], &ran.stderr);
    }
}

#[test]
fn output_that_was_taken_away_starts_again() {
    for (disposition, table) in DISPOSITIONS.iter().flat_map(|it| [(*it, "tasks"), (*it, "time")]) {
        let (it, once) = broken_off(To::Jsonl, disposition);
        if disposition == "append" {
            std::fs::remove_file(it.folder.path(&format!("out/{table}.jsonl"))).unwrap();
        } else {
            for entry in std::fs::read_dir(it.folder.path("out/.sanderling")).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().contains(table) {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
        let ran = it.folder.run(&it.args()).expect(0).says(&["what it had written has been changed"]);
        assert_rows(&it, To::Jsonl, disposition, &once, [1, 1, 1, 1, 1], &ran.stderr);
    }
    for table in ["tasks", "time"] {
        let (it, once) = broken_off(To::Sqlite, "append");
        it.folder.database("out.db").execute_batch(&format!("drop table {table}")).unwrap();
        let ran = it.folder.run(&it.args()).expect(0).says(&["what it had written has been changed"]);
        assert_rows(&it, To::Sqlite, "append", &once, [1, 1, 1, 1, 1], &ran.stderr);
    }
}

#[test]
fn a_run_that_broke_off_long_ago_starts_again() {
    for to in [To::Sqlite, To::Jsonl] {
        let it = Breaking::new(to, "append", 4);
        let config = it.folder.read("broken.json");
        it.folder.write("broken.json", &config.replacen('{', "{\"resume_within\": \"1s\",", 1));
        it.server.add_fault(Fault::new("/v1/projects/103/tasks", When::Always, Action::status(500)));
        it.folder.run(&it.args()).expect(4);
        it.mend();
        std::thread::sleep(Duration::from_millis(2_100));
        let ran = it.folder.run(&it.args()).expect(0);
        let ran = ran.says(&["projects: the last run broke off and is started again: it broke off 2 s ago, and `resume_within` is 1 s"]);
        let counts = it.rows().into_iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>();
        // Clients and expenses were complete, and are read in a pass of their own now.
        assert_eq!(counts, [6, 3, 15, 12, 6], "{}", ran.stderr);
    }
}

#[test]
fn other_resources_start_again_and_take_nothing_away() {
    for (to, disposition) in every() {
        let (it, once) = broken_off(to, disposition);
        let ran = it.folder.run(&[&it.args()[..], &["--resource", "tasks"]].concat()).expect(0);
        let ran = ran.says(&["projects: the last run broke off and is started again"]);
        assert_eq!(it.server.count("/v1/clients") + it.server.count("/v1/projects/*/time"), 0);
        for (table, rows) in &once[1..=2] {
            assert!(sorted(it.table(table)) == sorted(rows.clone()), "{table}\n{}", ran.stderr);
        }
        // The rest is read by the run after it, which goes on with the first one where that is not in the way. What the first
        // one had finished of the tree is taken back: only the tasks have been read twice as a whole.
        let ran = it.folder.run(&it.args()).expect(0);
        assert_rows(&it, to, disposition, &once, [1, 1, 2, 1, 1], &ran.stderr);
    }
}

#[test]
fn three_failures_in_a_row_halt_and_a_trial_goes_on() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    it.server.add_fault(Fault::new("*", When::From(4), Action::status(503)));
    let halted = ["failed 3 pages in a row and is left alone", "hint: run again once that is mended"];
    it.folder.run(&it.args()).expect(4).says(&halted);
    // Three good ones, then tasks and time of the first project, and tasks of the second.
    assert_eq!(it.server.requests().len(), 3 + 3);
    for _ in 0..2 {
        it.server.clear_log();
        let ran = it.folder.run(&it.args()).expect(4).says(&["trying it with one request"]);
        assert_eq!(it.server.requests().len(), 1, "{}", ran.stderr);
    }
    it.mend();
    it.folder.run(&it.args()).expect(0).says(&["trying it with one request"]);
    assert_eq!(it.server.requests().len(), PAGES - 3);
    let ran = it.folder.run(&it.args()).expect(0);
    assert!(!ran.stderr.contains("one request"), "{}", ran.stderr);
}

#[test]
fn pages_that_come_between_failures_forgive() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    it.server.add_fault(Fault::new("*", When::Every(2), Action::status(503)));
    let ran = it.folder.run(&it.args()).expect(4);
    assert!(!ran.stderr.contains("left alone"), "{}", ran.stderr);
}

/// Three levels, of which every n-th request fails: run by run it comes together, each row once.
#[test]
fn what_fails_here_and_there_comes_together() {
    let notes = |id: usize, offset: usize, limit: usize| {
        let rows = (0..3).map(|n| format!("{{\"id\":{}}}", id * 10 + n)).skip(offset).take(limit);
        format!("{{\"data\":[{}],\"total\":3}}", rows.collect::<Vec<_>>().join(","))
    };
    for (to, n) in [(To::Sqlite, 2), (To::Sqlite, 3), (To::Sqlite, 7), (To::Jsonl, 3), (To::Jsonl, 5)] {
        let it = Breaking::new(to, "append", 4);
        let config = it.folder.read("broken.json");
        let third = "\"expenses\": \"/v1/expenses\",\n    \"notes\": \"/v1/notes/{resources.tasks.id}\"";
        it.folder.write("broken.json", &config.replace("\"expenses\": \"/v1/expenses\"", third));
        it.server.set_route("/v1/notes/*", move |request| {
            let id = request.path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap();
            let number = |name| request.number_param(name).unwrap();
            Reply::json(200, notes(id, number("offset"), number("limit")))
        });
        it.server.add_fault(Fault::new("*", When::Every(n), Action::status(500)));
        let mut runs = 0;
        let ran = loop {
            let ran = it.folder.run(&it.args());
            runs += 1;
            if ran.code == Some(0) {
                break ran;
            }
            assert!(ran.code == Some(4) && runs < 60, "every {n}, run {runs}:\n{}", ran.stderr);
        };
        let counts: Vec<_> = it.rows().iter().map(|(_, rows)| distinct(rows)).collect();
        assert_eq!(counts, [(3, 3), (3, 3), (15, 15), (12, 12), (3, 3)], "every {n}\n{}", ran.stderr);
        let notes = it.table("notes");
        assert_eq!(distinct(&notes), (45, 45), "every {n}\n{}", ran.stderr);
    }
}

/// How many rows there are, and how many different ones.
fn distinct(rows: &[String]) -> (usize, usize) {
    (rows.len(), rows.iter().collect::<HashSet<_>>().len())
}

fn every() -> impl Iterator<Item = (To, &'static str)> {
    [To::Sqlite, To::Jsonl].into_iter().flat_map(|to| DISPOSITIONS.map(|disposition| (to, disposition)))
}

/// With a limit on pages as without: what broke off goes on under the same limit, and starts again under another.
#[test]
fn a_limit_on_pages_is_kept_when_a_run_goes_on() {
    let it = Breaking::new(To::Sqlite, "append", 1);
    let limited = [&it.args()[..], &["--max-pages", "2"]].concat();
    it.folder.run(&limited).expect(0).says(&["tasks: stopped at --max-pages 2"]);
    let (clean, pages) = (it.rows(), it.server.requests().len());
    assert_eq!(pages, 2 + 2 + 2 + 2 + 2);
    for k in 1..=pages {
        it.mend();
        it.server.add_fault(Fault::new("*", When::From(k as u64), Action::status(500)));
        let broken = it.folder.run(&limited).expect(4);
        it.mend();
        let ran = it.folder.run(&limited).expect(0);
        let expected = after(k + 1, "append", To::Sqlite, &clean);
        assert!(it.rows() == expected, "after request {k}:\n{}\nthen:\n{}", broken.stderr, ran.stderr);
    }
    it.server.add_fault(Fault::new("/v1/expenses", When::Always, Action::status(500)));
    it.folder.run(&limited).expect(4);
    it.mend();
    it.folder.run(&it.args()).expect(0).says(&["expenses: the last run broke off and is started again"]);
    // What was complete within the limit is not complete without it.
    assert_eq!(it.server.requests().len(), PAGES);
}

/// A tree that starts again in the middle of a run forgets what had failed of it before that.
#[test]
fn what_failed_before_a_tree_started_again_is_asked_for_again() {
    for to in [To::Sqlite, To::Jsonl] {
        let it = Breaking::new(to, "append", 1);
        let second = |path: &str, action| {
            let fault = Fault::new(path, When::Nth(1), action);
            Fault { query: vec![("offset".into(), "2".into())], ..fault }
        };
        for path in ["/v1/projects/102/tasks", "/v1/projects/103/tasks"] {
            it.server.add_fault(second(path, Action::status(500)));
        }
        it.folder.run(&it.args()).expect(4);
        it.mend();
        // What was opened last is read first.
        it.server.add_fault(second("/v1/projects/103/tasks", Action::status(500)));
        it.server.add_fault(second("/v1/projects/102/tasks", Action::Total("6".into())));
        let ran = it.folder.run(&it.args()).expect(0);
        let ran = ran.says(&["projects: the last run broke off and is started again: `tasks` had 5 rows"]);
        let counts: Vec<_> = it.rows().iter().map(|(_, rows)| distinct(rows)).collect();
        assert_eq!(counts, [(3, 3), (3, 3), (15, 15), (12, 12), (3, 3)], "{}", ran.stderr);
    }
}

/// Rows that are not the whole truth are taken back; what another tree has finished stays.
#[test]
fn rows_that_were_refused_are_read_anew() {
    for (to, disposition) in every() {
        let it = Breaking::new(to, disposition, 4);
        let config = it.folder.read("broken.json");
        let flagged = r#""expenses": {"endpoint": {"path": "/rows", "paginator":
            {"type": "offset", "limit": 2, "has_more_path": "more"}}}"#;
        it.folder.write("broken.json", &config.replace("\"expenses\": \"/v1/expenses\"", flagged));
        let serve = |last: usize| {
            it.server.set_route("/rows", move |request| {
                let offset = request.number_param("offset").unwrap();
                let rows: Vec<_> = (offset..6).take(2).map(|id| format!("{{\"id\":{id}}}")).collect();
                let more = offset + 2 < last;
                Reply::json(200, format!("{{\"data\":[{}],\"total\":6,\"more\":{more}}}", rows.join(",")))
            });
        };
        serve(4);
        let ran = it.folder.run(&it.args()).expect(5);
        ran.says(&["error: expenses: 4 rows came, but the API counts 6", "`\"total\": \"estimate\"`"]);
        serve(6);
        it.server.clear_log();
        let ran = it.folder.run(&it.args()).expect(0).says(&[
            "expenses: the last run broke off and is started again: its rows did not pass the checks",
            "projects: complete since the run that broke off",
        ]);
        assert_eq!(it.server.requests().len(), 3, "{}", ran.stderr);
        let counts: Vec<_> = it.rows().iter().map(|(_, rows)| distinct(rows)).collect();
        assert_eq!(counts, [(3, 3), (3, 3), (15, 15), (12, 12), (6, 6)], "{}", ran.stderr);
    }
}
