//! What is said of what is remembered.

use insta::assert_snapshot;
use sanderling_destination::{
    Chain, Halt, Load, LoadStatus, Mark, Partition, PartitionId, PendingPage, State, Watermark,
};

use crate::memory;
use crate::run::outlook::{Next, Outlook};
use crate::run::resume::Why;
use crate::show::Paint;
use crate::standing::{self, Standing};
use crate::words::{Adopted, Forgotten, Left, nothing_remembered, of_adoption, of_edit, of_reset};

/// 2023-11-14 22:13 UTC.
const AT_MS: u64 = 1_700_000_000_000;

fn load(resource: &str, status: LoadStatus) -> Load {
    Load {
        resource: resource.into(),
        load_id: "17".into(),
        updated_ms: AT_MS,
        status,
        rows: 1_200,
        pages: 12,
        total: Some(3_000),
        ..Load::default()
    }
}

fn outlook(resource: &str, load: Option<Load>, next: Next) -> Outlook {
    Outlook { resource: resource.into(), load, pending_pages: 0, failed_parents: 0, watermark: None, next }
}

#[test]
fn where_a_pipeline_stands() {
    let broken = Load { failed_parents: 1, refused_rows: 2, ..load("d", LoadStatus::Running) };
    let limited = Load { limit: Some("--max-pages 2".into()), ..load("b", LoadStatus::Complete) };
    let goes_on = Outlook { pending_pages: 3, failed_parents: 2, ..outlook("d", Some(broken), Next::GoesOn) };
    let outlooks = vec![
        outlook("a", None, Next::First),
        outlook("b", Some(limited), Next::Anew),
        outlook("c", Some(load("c", LoadStatus::Complete)), Next::Done),
        goes_on,
        outlook("e", Some(load("e", LoadStatus::Refused)), Next::Again(Why::Refused)),
        outlook("f", Some(load("f", LoadStatus::Running)), Next::Again(Why::Forgotten)),
        outlook("g", Some(load("g", LoadStatus::Running)), Next::TakenBack),
        outlook("h", Some(load("h", LoadStatus::Complete)), Next::Gone),
        outlook("i", Some(load("i", LoadStatus::Running)), Next::Unknown),
    ];
    let standing = Standing { pipeline: "time".into(), destination: "sqlite:time.db".into(), outlooks };
    assert_snapshot!(standing::text(&[standing], AT_MS + 7_200_000, Paint::Plain));
}

#[test]
fn what_is_remembered() {
    let page = |seq, parent: Option<&str>, cursor: Option<&str>, failed| PendingPage {
        seq,
        resource: "tasks".into(),
        partition: parent.map(|key| Partition { key: key.into(), data: "{}".into() }),
        cursor: cursor.map(str::to_owned),
        failed,
    };
    let half_read = Chain {
        resource: "tasks".into(),
        partition_key: Some("[7]".into()),
        received: 400,
        pages: 4,
        ..Chain::default()
    };
    let loads = [
        load("projects", LoadStatus::Complete),
        Load { unwritten: true, ..load("teams", LoadStatus::Complete) },
        load("tasks", LoadStatus::Running),
        load("users", LoadStatus::Refused),
    ];
    let watermarks = |resource: &str, marks: &[(&str, &str)]| {
        let watermark = |(partition, value): &(&str, &str)| {
            let reached = Mark { cursor: "updated_at".into(), value: (*value).into(), ..Mark::default() };
            let watermark = Watermark {
                resource: resource.into(),
                partition: (*partition).into(),
                reached: Some(reached),
                whole: true,
                ..Watermark::default()
            };
            ((*partition).to_owned(), watermark)
        };
        (resource.to_owned(), marks.iter().map(watermark).collect())
    };
    let state = State {
        loads: loads.into_iter().map(|load| (load.resource.clone(), load)).collect(),
        pending: vec![page(1, None, None, false), page(2, Some("[7]"), Some("{\"o\":400}"), true)],
        chains: vec![half_read],
        halts: vec![Halt { origin: "https://api.example.com".into(), at_ms: AT_MS }],
        opened: [("tasks".to_owned(), [PartitionId::of("[7]")].into())].into(),
        watermarks: [
            watermarks("projects", &[("", "\"2024-05-01T10:00:00Z\"")]),
            watermarks("tasks", &[("[7]", "5"), ("[8]", "9")]),
        ]
        .into(),
    };
    let nothing = State::default();
    let states = [("time", "sqlite:time.db", &state), ("none", "jsonl:out", &nothing)];
    assert_snapshot!(memory::text(states.into_iter(), Paint::Plain));
}

#[test]
fn what_was_forgotten() {
    let all = [true, false].map(|complete| Forgotten { resource: "tasks".into(), rows: 7, complete });
    assert_snapshot!(format!(
        "{}{}{}\n{}\n",
        of_reset("time", "sqlite:time.db", &all),
        of_reset("time", "sqlite:time.db", &[]),
        nothing_remembered(None),
        nothing_remembered(Some("sqlite:time.db")),
    ));
}

#[test]
fn what_was_set_or_taken_over() {
    let adopted = |table: &str, reached, left| Adopted { table: table.into(), rows: 1_200, reached, left };
    let all = [
        adopted("events", Some(("at".into(), "\"2024-01-03\"".into())), None),
        adopted("issues", None, Some(Left::NoMark { cursor: "updated".into() })),
        adopted("notes", None, Some(Left::PerParent)),
        adopted("users", None, None),
    ];
    let told = [
        of_adoption("tracker", "duckdb:a.db", &all, &["tags", "teams"]),
        of_adoption("tracker", "duckdb:a.db", &all[3..], &[]),
        of_edit("tasks", "at", "\"2024-01-03\"", None),
        of_edit("tasks", "id", "7", Some(2)),
    ];
    assert_snapshot!(told.concat());
}
