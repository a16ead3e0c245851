//! Lays out what a run came to: the table for people, the JSON document for programs.

pub mod check;
pub mod rows;

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::contract::Setting;
use crate::run::outcome::{Failure, Outcome, ResourceOutcome, RunNotice, Status};
use crate::run::watermark::Reach;
use crate::show::Paint;
use crate::table;
pub use crate::words::grouped;
use crate::words::{self, Subject, Words, exit};

/// The exit code of a run.
pub fn exit_code(outcome: &Outcome) -> u8 {
    if outcome.interrupted {
        return exit::INTERRUPTED;
    }
    let failed = exit::of_several(outcome.codes.iter().map(|(_, code)| *code));
    let unfinished = outcome.resources.iter().any(|resource| !resource.status.is_in_place());
    if failed == exit::COMPLETE && unfinished { exit::OTHER } else { failed }
}

/// A table of the resources that were written; no line of it ends in blanks.
pub fn table(outcome: &Outcome, paint: Paint) -> String {
    let head = ["resource", "rows", "API's total", "pages", "retries", "seconds", ""];
    let shown = |resource: &&ResourceOutcome| resource.written || !resource.status.is_in_place();
    let rows: Vec<[String; 7]> = outcome
        .resources
        .iter()
        .filter(shown)
        .map(|resource| {
            [
                words::printable(&resource.name),
                grouped(resource.rows),
                resource.total.map_or_else(|| "-".into(), grouped),
                grouped(resource.pages),
                grouped(resource.retries),
                format!("{:.1}", resource.elapsed_ms as f64 / 1_000.0),
                remark(resource),
            ]
        })
        .collect();
    table::lay_out(head, &rows, &[1, 2, 3, 4, 5], paint)
}

fn remark(resource: &ResourceOutcome) -> String {
    let mut remarks = Vec::new();
    match resource.status {
        Status::Complete => {}
        Status::Failed => remarks.push("failed".to_owned()),
        Status::Unfinished => remarks.push("not finished".to_owned()),
        Status::Limited => remarks.extend(resource.limit.iter().map(|limit| format!("stopped at {limit}"))),
    }
    if resource.refused_rows > 0 {
        remarks.push(format!("{} refused", words::counted(resource.refused_rows, "row")));
    }
    remarks.extend(left_out(resource.discarded_rows, resource.discarded_values));
    if resource.failed_parents > 0 {
        remarks.push(format!("{} failed", words::counted(resource.failed_parents, "parent")));
    }
    if resource.missing_parents > 0 {
        remarks.push(format!("{} gone", words::counted(resource.missing_parents, "parent")));
    }
    remarks.join(", ")
}

/// What a schema contract has left out, in words.
pub fn left_out(rows: u64, values: u64) -> impl Iterator<Item = String> {
    let counts = [(rows, "row"), (values, "value")].into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{} left out", words::counted(count, what)))
}

/// An error for a terminal.
pub fn lines(words: &Words, paint: Paint) -> String {
    let mut text = format!("{} {}\n", paint.error("error:"), words::printable(&words.what));
    for line in &words.snippet {
        text.push_str(&format!("  {}\n", words::printable_lines(line)));
    }
    for line in &words.more {
        text.push_str(&format!("  {}\n", words::printable(line)));
    }
    for hint in &words.hints {
        text.push_str(&format!("{} {}\n", paint.hint("hint:"), words::printable(hint)));
    }
    text
}

/// A notice for a terminal.
pub fn notice(notice: &RunNotice, paint: Paint) -> String {
    let (sentence, hint) = words::of_notice(notice);
    let mut text = note(&sentence, paint);
    if let Some(hint) = hint {
        text.push_str(&format!("{} {}\n", paint.hint("hint:"), words::printable(&hint)));
    }
    text
}

/// A sentence of a notice for a terminal.
pub fn note(sentence: &str, paint: Paint) -> String {
    format!("{} {}\n", paint.note("note:"), words::printable(sentence))
}

/// Prints on stdout what a program waits for.
///
/// # Errors
/// Stdout is closed or full.
pub fn print(text: &str) -> io::Result<()> {
    print_bytes(text.as_bytes())
}

/// The same for bytes.
///
/// # Errors
/// Stdout is closed or full.
pub fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Of the documents for programs. It changes when a program that reads the old ones would be misled; keys may be added
/// under the same number.
pub const VERSION: u32 = 1;

/// The result document of `--json`; `docs/run-result.schema.json` describes it. Its hints depend on the `subject`.
pub fn document(outcome: &Outcome, subject: Subject<'_>, pipeline: &str, to: &str, load_id: &str) -> Value {
    json!({
        "version": VERSION,
        "sanderling": env!("CARGO_PKG_VERSION"),
        "pipeline": pipeline,
        "destination": to,
        "load_id": load_id,
        "exit_code": exit_code(outcome),
        "interrupted": outcome.interrupted,
        "resources": outcome.resources.iter().map(|resource| json!({
            "name": resource.name,
            "status": word(resource.status),
            "written": resource.written,
            "rows": resource.rows,
            "total": resource.total,
            "pages": resource.pages,
            "retries": resource.retries,
            "elapsed_ms": resource.elapsed_ms,
            "missing_parents": resource.missing_parents,
            "failed_parents": resource.failed_parents,
            "refused_rows": resource.refused_rows,
            "discarded_rows": resource.discarded_rows,
            "discarded_values": resource.discarded_values,
            "limit": resource.limit,
            "watermark": resource.watermark.as_ref().map(watermark),
        })).collect::<Vec<_>>(),
        "unlisted_failures": outcome.unlisted_failures,
        "failures": outcome.failures.iter().map(|one| failure(one, subject)).collect::<Vec<_>>(),
        "notices": outcome.notices.iter().map(of_notice).collect::<Vec<_>>(),
    })
}

/// Up to where a resource has been read.
pub fn watermark(reach: &Reach) -> Value {
    let value = reach.value.as_ref();
    let value: Option<Value> =
        value.map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()));
    json!({"cursor": reach.cursor, "value": value, "parents": reach.parents})
}

/// How a resource ended, for programs.
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Limited => "limited",
        Status::Failed => "failed",
        Status::Unfinished => "unfinished",
    }
}

/// A notice for programs.
pub fn of_notice(notice: &RunNotice) -> Value {
    let (message, hint) = words::of_notice(notice);
    let settles: Vec<Value> = notice.settles().iter().map(setting).collect();
    json!({"message": message, "hint": hint, "settles": settles})
}

/// A setting; a value that is no JSON, which no connector should give, is its text.
fn setting(setting: &Setting) -> Value {
    let value: Value = serde_json::from_str(&setting.value).unwrap_or_else(|_| setting.value.clone().into());
    json!({"path": setting.path, "value": value})
}

/// The document with each of its texts passed through `redact`, which hides secrets. In the printed text a short secret of
/// digits would be found in numbers too.
pub fn redacted(document: Value, redact: &dyn Fn(&str) -> String) -> Value {
    match document {
        Value::String(text) => Value::String(redact(&text)),
        Value::Array(items) => items.into_iter().map(|item| redacted(item, redact)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, redacted(value, redact))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => document,
    }
}

/// The document of a command that failed before there was anything to run: the same keys.
pub fn document_of_error(words: &Words) -> Value {
    json!({
        "version": VERSION,
        "sanderling": env!("CARGO_PKG_VERSION"),
        "pipeline": null,
        "destination": null,
        "load_id": null,
        "exit_code": words.code,
        "interrupted": false,
        "resources": [],
        "unlisted_failures": 0,
        "failures": [{
            "resource": null,
            "partition_key": null,
            "page": null,
            "attempts": 0,
            "url": null,
            "status": null,
            "request_id": null,
            "message": words.what,
            "details": words.snippet.iter().chain(&words.more).collect::<Vec<_>>(),
            "excerpt": null,
            "hints": words.hints,
            "exit_code": words.code,
        }],
        "notices": [],
    })
}

/// The line of an error where progress is JSON.
pub fn line_of_error(words: &Words, now_ms: u64) -> Value {
    json!({
        "event": "error",
        "time_ms": now_ms,
        "message": words.what,
        "details": words.snippet.iter().chain(&words.more).collect::<Vec<_>>(),
        "hints": words.hints,
        "exit_code": words.code,
    })
}

/// A failure for programs.
fn failure(failure: &Failure, subject: Subject<'_>) -> Value {
    let (message, excerpt) = words::of_cause(&failure.cause);
    let words = words::of_failure(failure, subject);
    let exchange = failure.exchange.as_ref();
    json!({
        "resource": failure.resource,
        "partition_key": failure.partition_key,
        "page": failure.page,
        "attempts": failure.attempts,
        "url": exchange.map(|exchange| exchange.url.clone()),
        "status": exchange.and_then(|exchange| exchange.status),
        "request_id": exchange.and_then(|exchange| exchange.request_id.clone()),
        "message": message,
        "details": [],
        "excerpt": excerpt,
        "hints": words.hints,
        "exit_code": words.code,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn only_texts_are_redacted() {
        let document = json!({"rows": 1234, "to": "x1234y", "list": ["1234", 1234, null, true]});
        let redact = |text: &str| text.replace("1234", "***");
        let expected = json!({"rows": 1234, "to": "x***y", "list": ["***", 1234, null, true]});
        assert_eq!(super::redacted(document, &redact), expected);
    }
}
