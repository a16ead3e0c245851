//! Lays out where pipelines stand: a table for people, a document for programs.

use sanderling_destination::{Complete, Load, LoadStatus};
use serde_json::{Value, json};

use crate::report::{self, grouped};
use crate::run::outlook::{Next, Outlook};
use crate::run::watermark::Reach;
use crate::show::Paint;
use crate::{clock, table, words};

/// A pipeline, and what a next run would do with its resources.
pub struct Standing {
    /// Its name.
    pub pipeline: String,
    /// Where its rows go, as a user would write it.
    pub destination: String,
    /// Its resources.
    pub outlooks: Vec<Outlook>,
}

/// A table for each pipeline, under its name.
pub fn text(standings: &[Standing], now_ms: u64, paint: Paint) -> String {
    let table = |standing: &Standing| {
        let head = ["resource", "last complete", "rows", "API's total", "next run", ""];
        let rows: Vec<_> = standing.outlooks.iter().map(|outlook| row(outlook, now_ms)).collect();
        let name = words::printable(&format!("{} in {}", standing.pipeline, standing.destination));
        format!("{}\n{}", paint.head(&name), table::lay_out(head, &rows, &[2, 3], paint))
    };
    standings.iter().map(table).collect::<Vec<_>>().join("\n")
}

fn row(outlook: &Outlook, now_ms: u64) -> [String; 6] {
    let load = outlook.load.as_ref();
    let last = load.and_then(Load::latest_complete);
    // Where nothing is complete yet, what is there of the load that broke off.
    let (rows, total) = match (&last, load) {
        (Some(last), _) => (Some(last.rows), last.total),
        (None, Some(load)) => (Some(load.rows), load.total),
        (None, None) => (None, None),
    };
    let number = |number: Option<u64>| number.map_or_else(|| "-".into(), grouped);
    [
        words::printable(&outlook.resource),
        last.map_or_else(|| "never".into(), |last| when(last.at_ms, now_ms)),
        number(rows),
        number(total),
        words::printable(&words::of_next(outlook)),
        remark(load, outlook.watermark.as_ref()),
    ]
}

fn when(at_ms: u64, now_ms: u64) -> String {
    format!("{} ({} ago)", clock::minute(at_ms), words::span(now_ms.saturating_sub(at_ms)))
}

fn remark(load: Option<&Load>, watermark: Option<&Reach>) -> String {
    let mut remarks: Vec<String> = watermark.map(words::of_reach).into_iter().collect();
    let Some(load) = load else { return remarks.join(", ") };
    match load.status {
        LoadStatus::Complete => {}
        LoadStatus::Running => remarks.push(format!("broke off at {}", words::counted(load.rows, "row"))),
        LoadStatus::Refused => remarks.push("failed a check".to_owned()),
    }
    if load.failed_parents > 0 {
        remarks.push(format!("{} failed", words::counted(load.failed_parents, "parent")));
    }
    if load.refused_rows > 0 {
        remarks.push(format!("{} refused", words::counted(load.refused_rows, "row")));
    }
    remarks.extend(report::left_out(load.discarded_rows, load.discarded_values));
    remarks.extend(load.limit.iter().map(|limit| format!("stopped at {limit}")));
    remarks.join(", ")
}

/// The document of `status --json`. Times are in milliseconds since 1970.
pub fn document(standings: &[Standing], now_ms: u64) -> Value {
    let pipeline = |standing: &Standing| {
        json!({
            "pipeline": standing.pipeline,
            "destination": standing.destination,
            "resources": standing.outlooks.iter().map(resource).collect::<Vec<_>>(),
        })
    };
    json!({
        "version": 1,
        "now_ms": now_ms,
        "pipelines": standings.iter().map(pipeline).collect::<Vec<_>>(),
    })
}

fn resource(outlook: &Outlook) -> Value {
    json!({
        "name": outlook.resource,
        "last_complete": outlook.load.as_ref().and_then(Load::latest_complete).map(|last| complete(&last)),
        "load": outlook.load.as_ref().map(load),
        "pending_pages": outlook.pending_pages,
        "failed_parents": outlook.failed_parents,
        "watermark": outlook.watermark.as_ref().map(report::watermark),
        "next": match &outlook.next {
            Next::First => "first",
            Next::Anew => "anew",
            Next::GoesOn => "goes_on",
            Next::Done => "done",
            Next::Again(_) => "again",
            Next::TakenBack => "taken_back",
            Next::Gone => "gone",
            Next::Unknown => "unknown",
        },
        "why": match &outlook.next {
            Next::Again(why) => Some(why.to_string()),
            _ => None,
        },
    })
}

fn complete(last: &Complete) -> Value {
    json!({
        "load_id": last.load_id,
        "at_ms": last.at_ms,
        "rows": last.rows,
        "total": last.total,
        "refused_rows": last.refused_rows,
        "discarded_rows": last.discarded_rows,
        "discarded_values": last.discarded_values,
        "limit": last.limit,
    })
}

/// A load as documents show it.
pub fn load(load: &Load) -> Value {
    json!({
        "load_id": load.load_id,
        "status": match load.status {
            LoadStatus::Running => "unfinished",
            LoadStatus::Refused => "refused",
            LoadStatus::Complete if load.limit.is_some() => "limited",
            LoadStatus::Complete => "complete",
        },
        "started_ms": load.started_ms,
        "updated_ms": load.updated_ms,
        "rows": load.rows,
        "total": load.total,
        "pages": load.pages,
        "missing_parents": load.missing_parents,
        "failed_parents": load.failed_parents,
        "refused_rows": load.refused_rows,
        "discarded_rows": load.discarded_rows,
        "discarded_values": load.discarded_values,
        "limit": load.limit,
    })
}
