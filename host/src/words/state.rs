//! What is said of checkpoints: what a next run would do, and what was forgotten.

use super::text::{counted, short};
use super::{Words, exit};
use crate::error::WatermarkError;
use crate::run::outlook::{Next, Outlook};
use crate::run::watermark::Reach;

/// A load that `state reset` has forgotten.
pub struct Forgotten {
    /// Whose.
    pub resource: String,
    /// Rows that it had written.
    pub rows: u64,
    /// Whether it was finished: its rows are in their place, and stay.
    pub complete: bool,
}

/// What a next run would do with a resource.
pub fn of_next(outlook: &Outlook) -> String {
    match &outlook.next {
        Next::First => "reads it for the first time".into(),
        Next::Anew => "reads it anew".into(),
        Next::GoesOn => {
            let pages = match outlook.pending_pages {
                0 => String::new(),
                pages => format!(", {} known to be left", counted(pages, "page")),
            };
            let just = match outlook.failed_parents {
                0 => String::new(),
                parents => format!("; with --retry-failed just {}", counted(parents, "parent")),
            };
            format!("goes on where it broke off{pages}{just}")
        }
        Next::Done => "leaves it: what broke off goes on".into(),
        Next::Again(why) => format!("starts again: {why}"),
        Next::TakenBack => "takes its rows back: the config has it no more".into(),
        Next::Gone => "nothing: the config has it no more".into(),
        Next::Unknown => "goes on or starts again, as the config says".into(),
    }
}

/// Up to where a resource has been read.
pub fn of_reach(reach: &Reach) -> String {
    match &reach.value {
        Some(value) => format!("read up to {} {}", reach.cursor, short(value.trim_matches('"'))),
        None => format!("read up to a {} of its own for {}", reach.cursor, counted(reach.parents, "parent")),
    }
}

/// What `state edit` did, and what follows from it. `parents`: how many have one of their own.
pub fn of_edit(resource: &str, cursor: &str, value: &str, parents: Option<u64>) -> String {
    let value = short(value.trim_matches('"'));
    let of = parents.map(|parents| format!(" for {}", counted(parents, "parent"))).unwrap_or_default();
    format!("{resource}: counts as read up to {cursor} {value}{of}; the next run reads from there on\n")
}

/// Why a watermark is not set.
pub(super) fn of_unset(resource: &str, error: WatermarkError) -> Words {
    let words = |text: String| Words::new(exit::CONFIG, text);
    match error {
        WatermarkError::NotIncremental => {
            words(format!("resource `{resource}` is not incremental: each run reads all of it"))
        }
        WatermarkError::Unfinished => words(format!("the last load of `{resource}` is not finished")).hint(
            "`sanderling run` finishes it, or `sanderling state reset` forgets it; then set the watermark",
        ),
        WatermarkError::NoParent => words(format!(
            "no such parent of `{resource}` has been read: there is no watermark to set"
        ))
        .hint(
            "a parent is named by what its rows are asked for with: --parent 7; one that is not there yet is read from the start",
        ),
    }
}

/// Where there is no state to look at.
pub fn nothing_remembered(to: Option<&str>) -> String {
    match to {
        Some(to) => format!("nothing has been loaded into {to}"),
        None => "no run has left anything in this folder, or in the two levels below it".into(),
    }
}

/// What `state reset` did, and what follows from it.
pub fn of_reset(pipeline: &str, destination: &str, forgotten: &[Forgotten]) -> String {
    if forgotten.is_empty() {
        return format!("nothing is remembered of {pipeline} in {destination}\n");
    }
    let mut text = String::new();
    for Forgotten { resource, rows, complete } in forgotten {
        let rows = counted(*rows, "row");
        let what = match complete {
            true => format!("its last load was complete; {rows} stay"),
            false => format!("its last load was not finished; {rows} were taken back"),
        };
        text.push_str(&format!("{resource}: forgotten: {what}\n"));
    }
    text.push_str("the next run reads from the start; where rows are appended, it adds to those that stay\n");
    text
}
