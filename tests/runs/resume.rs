//! Runs that break off at a request, and the runs that go on from there: the same tables as one clean run.

use sanderling_demo::{Action, Fault, When};

use crate::breaking::{Breaking, DISPOSITIONS, PAGES, To, after, sorted};

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
        assert_eq!(rows, expected, "after request {k}:\n{}\nthen:\n{}", broken.stderr, mended.stderr);
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
fn into_files_at_every_request_and_in_the_same_order() {
    for disposition in DISPOSITIONS {
        breaks_off_everywhere(To::Jsonl, disposition, 1);
    }
}
