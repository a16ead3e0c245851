//! What is said of what a run would do.

use sanderling_destination::{DataError, Disposition, Expected, MergeStrategy, Table};

use super::state::of_reach;
use super::text::{counted, grouped, short};
use crate::forecast::Reading;

/// Under a dry run.
pub const DRY: &str = "nothing was written; of each resource only the first page was looked at";

/// How a resource's rows are read, and what they do to those that are there.
pub fn of_reading(table: &Table, reading: &Reading) -> String {
    let keys = if table.primary_key.is_empty() { &table.merge_key } else { &table.primary_key };
    let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
    let write = match (table.disposition, &table.strategy) {
        (Disposition::Append, _) => "append".to_owned(),
        (Disposition::Replace, _) => "replace".to_owned(),
        (Disposition::Merge, MergeStrategy::DeleteInsert) => format!("merge{by}"),
        (Disposition::Merge, MergeStrategy::InsertOnly) => format!("merge{by}, new keys only"),
        (Disposition::Merge, MergeStrategy::History(_)) => "merge, each version of a row kept".to_owned(),
    };
    let read = match reading {
        Reading::Whole => "read as a whole".to_owned(),
        Reading::Start { cursor } => format!("incremental by {cursor}, from the start"),
        Reading::From(reach) => format!("incremental: {}, and goes on from there", of_reach(reach)),
        Reading::Range(range) => {
            let end = |word: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!(" {word} {}", short(value))).unwrap_or_default()
            };
            format!("read{}{}", end("from", &range.since), end("to", &range.until))
        }
    };
    format!("{write}; {read}")
}

/// What becomes of a table; its new columns follow.
pub fn of_table(table: &Expected) -> String {
    let Expected { table: name, is_there, columns, times } = table;
    match (is_there, columns.len() + times.len()) {
        (true, 0) => format!("{name}: is there, and stays as it is"),
        (true, new) => format!("{name}: is there, and gets {}", counted(new as u64, "column")),
        (false, 0) => format!("{name}: is made"),
        (false, new) => format!("{name}: is made, with {}", counted(new as u64, "column")),
    }
}

/// How many rows would be refused.
pub fn of_refused_rows(rows: u64, fails: bool) -> String {
    match fails {
        true => format!("{} of these rows would be refused, and the resource with them:", grouped(rows)),
        false => format!("{} of these rows would be refused:", grouped(rows)),
    }
}

/// A row that would be.
pub fn of_refused_row(error: &DataError) -> String {
    match error.row {
        Some(row) => format!("row {}: {}", row + 1, error.kind),
        None => error.kind.to_string(),
    }
}

/// What a contract would leave out.
pub fn of_left_out(rows: u64, values: u64) -> String {
    format!("its schema contract would leave out {} and {}", counted(rows, "row"), counted(values, "value"))
}

/// Rows that give way.
pub fn of_replaced(rows: u64) -> String {
    format!("once all is read, the {} of the last load give way", counted(rows, "row"))
}

/// Rows that are missed.
pub fn of_absent(mark: bool) -> &'static str {
    match mark {
        true => "rows that are not there any more would be marked, once all is read",
        false => "rows that are not there any more would be deleted, once all is read",
    }
}
