//! What is said in the course of a run that is no failure.

use super::{counted, span};
use crate::run::outcome::RunNotice;
/// Something said in the course of a run: the sentence, and what would mend or settle it.
pub fn of_notice(notice: &RunNotice) -> (String, Option<String>) {
    match notice {
        RunNotice::Connector { resource, notice } if resource.is_empty() => {
            (notice.message.clone(), notice.hint.clone())
        }
        RunNotice::Connector { resource, notice } => {
            (format!("{resource}: {}", notice.message), notice.hint.clone())
        }
        RunNotice::Resumed { resource, rows } => (
            format!(
                "{resource}: going on where the last run broke off, with {} there",
                counted(*rows, "row")
            ),
            None,
        ),
        RunNotice::Done { resource, rows } => (
            format!(
                "{resource}: complete since the run that broke off, with {rows} rows, and not read again"
            ),
            None,
        ),
        RunNotice::StartedAgain { resource, why } => {
            (format!("{resource}: the last run broke off and is started again: {why}"), None)
        }
        RunNotice::Removed { resource, rows } => {
            let rows = counted(*rows, "row");
            let what = "of the run that broke off are taken back";
            (format!("{resource}: it is not read any more; {rows} {what}"), None)
        }
        RunNotice::Retrying { resource, parents, age_ms } => {
            let age = age_ms.map(|age_ms| format!(", {} later", span(age_ms))).unwrap_or_default();
            (format!("{resource}: reading {} that failed once more{age}", counted(*parents, "parent")), None)
        }
        RunNotice::NothingFailed { broken } => (
            "no parent failed in the last run; nothing is asked for".into(),
            broken.then(|| "it did not read everything: run without --retry-failed to go on".into()),
        ),
        RunNotice::Reopened { resource } => {
            (format!("{resource}: parent rows came twice, or share what binds it; each is read once"), None)
        }
        RunNotice::SharedKeys { resource, rows, keys, key } => (
            format!(
                "{resource}: {rows} rows have {keys} keys ({key}); of rows with one key the last is kept"
            ),
            None,
        ),
        RunNotice::Unshared { origin, why } => (
            format!(
                "`requests_per_s` of {origin} is kept to by this run alone: other runs cannot be told ({why})"
            ),
            None,
        ),
        RunNotice::AbsentStay { resource, limited } => {
            let why = if *limited { "not all of them were read" } else { "some were refused" };
            (format!("{resource}: rows that did not come are left as they are, since {why}"), None)
        }
        RunNotice::AbsentGo { resource, rows, marked } => {
            let done = if *marked { "marked as deleted" } else { "deleted" };
            (format!("{resource}: {} did not come again: {done}", counted(*rows, "row")), None)
        }
        RunNotice::Limited { resource, limit } => {
            (format!("{resource}: stopped at {limit}; there may be more rows"), None)
        }
        RunNotice::Shrunk { resource, before, after } => (
            format!(
                "{resource}: the API's total fell from {before} to {after} while it was read: rows were taken away, and others may have been passed over"
            ),
            Some("run again when the API is at rest to be sure of them".into()),
        ),
        RunNotice::Grown { resource, before, after } => {
            (format!("{resource}: the API's total grew from {before} to {after} while it was read"), None)
        }
        RunNotice::AllGone { resource, parents } => (
            format!(
                "{resource}: not one of its parents ({parents}) was there when its rows were asked for, so it has none"
            ),
            Some("check `path` of the resource".into()),
        ),
        RunNotice::WatermarkUnused { resource, before, now } => (
            format!(
                "{resource}: it was read by `{before}` and is now read by `{now}`: what it had reached means nothing any more, and all rows are read again"
            ),
            Some("`--full-refresh` puts them in the place of those that are there".into()),
        ),
        RunNotice::WatermarkStays { resource, limit } => (
            format!(
                "{resource}: stopped at {limit} before its end, so the next run starts from where this one did"
            ),
            Some("`row_order`, where the API sorts its rows, lets it start from the last row".into()),
        ),
        RunNotice::Appends { resource } => (
            format!(
                "{resource}: a part of the rows cannot be merged into a file, so they are added to it; of rows with one key the last counts"
            ),
            None,
        ),
        RunNotice::NoColumns { keys } => {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            let does = if keys.len() == 1 { "does" } else { "do" };
            (
                format!(
                    "{} {does} nothing here: lines keep rows as they came, and have no columns",
                    keys.join(", ")
                ),
                Some("`--to parquet:DIR`, or a database, has columns".into()),
            )
        }
        RunNotice::UnknownDatabase { vendor } => (
            format!(
                "`{vendor}` is no database that is known here: it is written to in the SQL that most databases read, nested values as text, and each commit is one transaction of its driver's"
            ),
            None,
        ),
        RunNotice::Refreshed { resource } => (
            format!(
                "{resource}: read from its beginning; once all is read, it takes the place of the rows that are there"
            ),
            None,
        ),
        RunNotice::Trial { origin } => {
            (format!("{origin} was left alone a moment ago: trying it with one request"), None)
        }
    }
}
