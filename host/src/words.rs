//! Turns every typed error into what a person reads (what happened, why, what mends it) and into an exit code.

mod address;
mod adopt;
mod command;
mod connector;
mod destination;
mod documented;
mod failure;
mod finding;
mod forecast;
mod foreign;
mod hints;
mod import;
mod init;
mod notice;
mod schema;
mod setting;
mod state;
mod text;

use sanderling_gate::Exchange;

use crate::document::Document;
use crate::run::outcome::{Status, Taken};
use crate::source::Whose;
pub use adopt::{Adopted, Left, of_adoption};
pub use command::{of_error, of_unwritten};
pub use connector::of_connector;
pub use destination::of_destination;
pub use documented::{of_all_documented, of_compared};
pub use failure::{code_of_cause, of_cause, of_failure, of_trap};
pub use finding::{of_finding, of_not_tried};
pub use forecast::{
    DRY, of_absent, of_left_out, of_reading, of_refused_row, of_refused_rows, of_replaced, of_table,
};
pub use import::{of_left, of_secret_use, of_written};
pub use init::{ASKED_WHO, of_comparable, of_kept, of_no_first_page, of_proposal};
pub use notice::of_notice;
pub use schema::of_unknown_columns;
pub use setting::{settled, to_write};
pub use state::{Forgotten, nothing_remembered, of_edit, of_next, of_reach, of_reset};
pub use text::{clock_time, counted, grouped, of_io, printable, printable_lines, short, span};

/// Exit codes say what to do.
pub mod exit {
    /// Everything was read and is in its place.
    pub const COMPLETE: u8 = 0;
    /// Anything else.
    pub const OTHER: u8 = 1;
    /// The config or the command line has to change.
    pub const CONFIG: u8 = 2;
    /// A credential has to change.
    pub const CREDENTIAL: u8 = 3;
    /// The same command may work later.
    pub const LATER: u8 = 4;
    /// Data that is not the whole truth, or does not fit, was refused.
    pub const REFUSED: u8 = 5;
    /// Stopped by a signal.
    pub const INTERRUPTED: u8 = 130;

    /// With several failures: the first of 2, 3, 5, 4, 1.
    pub fn of_several(codes: impl IntoIterator<Item = u8>) -> u8 {
        const ORDER: [u8; 5] = [CONFIG, CREDENTIAL, REFUSED, LATER, OTHER];
        let rank = |code: &u8| ORDER.iter().position(|known| known == code).unwrap_or(ORDER.len());
        codes.into_iter().min_by_key(rank).unwrap_or(COMPLETE)
    }
}

/// What hints are about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The config, whose format lines are shown in.
    pub config: &'a Document,
    /// Whose connector reads it, which decides what keys there are.
    pub whose: Whose,
}

/// An error as a person reads it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// What happened, and where: one line, no full stop.
    pub what: String,
    /// The config's lines that are meant, underlined; in colour where that was asked for.
    pub snippet: Vec<String>,
    /// Lines that say more.
    pub more: Vec<String>,
    /// What would mend it.
    pub hints: Vec<String>,
    /// What the program exits with, were this all.
    pub code: u8,
}

impl Words {
    fn new(code: u8, what: impl Into<String>) -> Self {
        Self { what: what.into(), code, ..Self::default() }
    }

    /// The same with secrets taken out.
    #[must_use]
    pub fn redacted(self, redact: &dyn Fn(&str) -> String) -> Self {
        let all = |lines: Vec<String>| lines.iter().map(|line| redact(line)).collect();
        Self {
            what: redact(&self.what),
            snippet: all(self.snippet),
            more: all(self.more),
            hints: all(self.hints),
            code: self.code,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// A command line that cannot be understood, from the parser's text about it.
pub fn of_usage(text: &str) -> Words {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or_default();
    let mut words = Words::new(exit::CONFIG, what.trim_start_matches("error: "));
    words.more = lines.map(str::to_owned).collect();
    words
}

/// What to name where no config was named.
pub fn hint_for_no_config(candidates: &[String]) -> Option<String> {
    match candidates {
        [] => None,
        [one] => Some(format!("`{one}` looks like one")),
        several => {
            let shown: Vec<String> = several.iter().take(5).map(|name| format!("`{name}`")).collect();
            Some(format!("these look like one: {}", shown.join(", ")))
        }
    }
}

/// How a resource has ended, in a few words.
pub fn of_end(status: Status, limit: Option<&str>, refused_rows: u64) -> String {
    let word = match (status, limit) {
        (Status::Complete, _) | (Status::Limited, None) => "complete".to_owned(),
        (Status::Limited, Some(limit)) => format!("stopped at {limit}"),
        (Status::Failed, _) => "failed".to_owned(),
        (Status::Unfinished, _) => "not finished".to_owned(),
    };
    if refused_rows == 0 { word } else { format!("{word}, {} refused", counted(refused_rows, "row")) }
}

/// A request as `--verbose` shows it: whose, the method, the URL, and what came.
pub fn of_exchange(resource: &str, exchange: &Exchange) -> String {
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let Exchange { method, url, received_bytes, elapsed_ms, .. } = exchange;
    format!("{resource}: {method} {url} -> {status}, {}, {elapsed_ms} ms", counted(*received_bytes, "byte"))
}

/// A page as `-vv` shows it.
pub fn of_taken(taken: &Taken) -> String {
    let Taken { resource, partition_key, cursor, received, kept, next } = taken;
    let parent = partition_key.as_ref().map(|key| format!(" of parent {key}")).unwrap_or_default();
    let cursor = cursor.as_deref().unwrap_or("the start");
    format!("{resource}{parent}: page at {cursor}: {received} rows came, {kept} kept, then {next}")
}

#[cfg(test)]
mod tests;
