//! A page, or a resource, that could not be had or kept; and what the program then exits with.

use sanderling_destination::DataError;

use super::hints::hints_for;
use super::text::{one_line, time_of_day, without_number};
use super::{Subject, Words, exit};
use crate::contract::{BadResponse, Fault, HttpFailure};
use crate::run::outcome::{Cause, Failure};
use crate::run::truth::Refusal;
use crate::sandbox::Trap;
/// A page that could not be had or kept.
/// Hints name lines of the config, which depend on the `subject`.
pub fn of_failure(failure: &Failure, subject: Subject<'_>) -> Words {
    let (what, excerpt) = of_cause(&failure.cause);
    let tries = if failure.attempts > 1 { format!(" ({} tries)", failure.attempts) } else { String::new() };
    let of_all_pages = matches!(
        failure.cause,
        Cause::Refused(
            Refusal::Short { .. }
                | Refusal::SharedKeys { .. }
                | Refusal::SharedByParents { .. }
                | Refusal::TooManyAbsent { .. }
        )
    );
    let place = match (&failure.partition_key, failure.page) {
        _ if matches!(failure.cause, Cause::Halted { .. }) => String::new(),
        (None, 0) => format!("{}: ", failure.resource),
        (Some(key), _) if of_all_pages => format!("{} of parent {key}: ", failure.resource),
        (None, _) if of_all_pages => format!("{}: ", failure.resource),
        (Some(key), page) => format!("{} of parent {key}, page {page}: ", failure.resource),
        (None, page) => format!("{}, page {page}: ", failure.resource),
    };
    let denied = matches!(failure.cause, Cause::Denied(_));
    let status = failure.exchange.as_ref().and_then(|exchange| exchange.status).unwrap_or_default();
    let led = if denied && (300..400).contains(&status) { "redirected, but " } else { "" };
    let mut words = Words::new(code_of_cause(&failure.cause), format!("{place}{led}{what}{tries}"));
    if let Some(exchange) = &failure.exchange {
        let id = exchange.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
        let sent = if denied { "not sent: " } else { "" };
        let told = denied
            || matches!(
                failure.cause,
                Cause::Fault { fault: Fault::Http(_), .. } | Cause::Token { fault: Fault::Http(_), .. }
            );
        let answered =
            exchange.status.filter(|_| !told).map(|status| format!(" -> {status}")).unwrap_or_default();
        words.more.push(format!("{sent}{} {}{answered}{id}", exchange.method, exchange.url));
    }
    // What a row holds is not shown where anyone may look over a shoulder; the destination's log of errors has it.
    let shown = excerpt.filter(|_| !matches!(failure.cause, Cause::Row { .. }));
    if let Some(excerpt) = shown {
        words.more.push(format!("it said: {}", one_line(&excerpt)));
    }
    words.hints = hints_for(failure, subject);
    words
}

/// What happened, and the start of the answer, if there was one that could not be used.
pub fn of_cause(cause: &Cause) -> (String, Option<String>) {
    match cause {
        Cause::Fault { fault, .. } => of_fault(fault),
        // The connector says which endpoint, and what that said.
        Cause::Token { fault: Fault::Http(HttpFailure { message, excerpt, .. }), .. } => {
            (message.clone(), Some(excerpt.clone()).filter(|excerpt| !excerpt.trim().is_empty()))
        }
        Cause::Token { fault, .. } => of_fault(fault),
        Cause::Guessed(notice) => {
            (format!("--frozen takes no guesses, and here is one: {}", notice.message), None)
        }
        Cause::Trap(trap) => (of_trap(trap), None),
        Cause::Refused(refusal) => (refusal.to_string(), None),
        Cause::Denied(denial) => (denial.to_string(), None),
        Cause::Unreached(error) => (without_number(&error.to_string()), None),
        Cause::Data { error, .. } => (of_data(error), None),
        Cause::Row { error, key, excerpt } => {
            let key = key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
            let row = error.row.unwrap_or_default() + 1;
            (format!("row {row}{key} is refused: {}", error.kind), Some(excerpt.clone()))
        }
        Cause::NotRetried(why) => (format!("what failed cannot be read by itself: {why}"), None),
        Cause::Halted { origin, in_a_row: ..=1, again_at_ms: None } => {
            (format!("{origin} still fails and is left alone; nothing more was asked of it"), None)
        }
        Cause::Halted { origin, in_a_row, again_at_ms: None } => (
            format!(
                "{origin} failed {in_a_row} pages in a row and is left alone; nothing more was asked of it"
            ),
            None,
        ),
        Cause::Halted { origin, again_at_ms: Some(at_ms), .. } => (
            format!(
                "{origin} wants to be asked again at {}; nothing more was asked of it",
                time_of_day(*at_ms)
            ),
            None,
        ),
    }
}

pub(super) fn of_fault(fault: &Fault) -> (String, Option<String>) {
    let some = |excerpt: &String| Some(excerpt.clone()).filter(|excerpt| !excerpt.trim().is_empty());
    match fault {
        Fault::InvalidConfig(diagnostics) => {
            let all: Vec<_> =
                diagnostics.iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
            (format!("the connector refuses the config: {}", all.join("; ")), None)
        }
        Fault::Http(HttpFailure { status, retry, message, excerpt, .. }) => {
            let said = match (status, message.is_empty()) {
                // What the config says of an answer is told in its own words.
                (_, false) if retry.is_some() => message.clone(),
                (401 | 403, _) => format!("the API refuses the credential ({status})"),
                (_, true) => format!("the API answered {status}"),
                (_, false) => message.clone(),
            };
            (said, some(excerpt))
        }
        // What the guest alone knows of; what the gate met is `Cause::Unreached`.
        Fault::Transport(message) => (format!("no whole answer: {}", without_number(message)), None),
        Fault::Denied(message) => (message.clone(), None),
        Fault::BadResponse(BadResponse { message, excerpt, .. }) => (message.clone(), some(excerpt)),
        Fault::Other(message) => (message.clone(), None),
    }
}

/// A connector that broke or was stopped.
pub fn of_trap(trap: &Trap) -> String {
    let seconds = |ms: &u64| *ms as f64 / 1_000.0;
    match trap {
        Trap::OutOfTime { limit_ms } => {
            format!("the connector ran for more than {} s in one call and was stopped", seconds(limit_ms))
        }
        Trap::NoAnswer { limit_ms } => format!("the connector gave no answer in {} s", seconds(limit_ms)),
        Trap::OutOfMemory { limit_mib } => {
            format!("the connector wanted more than {limit_mib} MiB of memory and was stopped")
        }
        Trap::TooMuch { limit_mib } => {
            format!("the connector handed over more than {limit_mib} MiB in one call and was stopped")
        }
        Trap::Handles { limit } => format!("the connector held more than {limit} handles and was stopped"),
        Trap::Broke { cause, last_words } if last_words.is_empty() => format!("the connector broke: {cause}"),
        Trap::Broke { cause, last_words } => {
            format!("the connector broke: {cause}; its last words: {last_words}")
        }
        Trap::Panic { cause } => format!("the call broke: {cause}"),
    }
}

/// Rows are counted from 1 for people.
pub(super) fn of_data(error: &DataError) -> String {
    match error.row {
        Some(row) => format!("row {} of the page: {}", row + 1, error.kind),
        None => error.kind.to_string(),
    }
}

/// What the program exits with for a page that could not be had or kept.
pub fn code_of_cause(cause: &Cause) -> u8 {
    match cause {
        Cause::Fault { fault, .. } => code_of_fault(fault),
        // RFC 6749 (5.2) has 400 for most of what can be wrong with a credential; some APIs say so with 200.
        Cause::Token { fault: Fault::Http(http), .. } if !matches!(http.status, 404 | 408 | 429 | 500..) => {
            exit::CREDENTIAL
        }
        Cause::Token { fault, .. } => code_of_fault(fault),
        Cause::Trap(_) => exit::OTHER,
        Cause::Denied(_) | Cause::Guessed(_) | Cause::NotRetried(_) => exit::CONFIG,
        Cause::Unreached(error) if error.is_transport() => exit::LATER,
        Cause::Unreached(_) => exit::OTHER,
        Cause::Refused(_) | Cause::Data { .. } | Cause::Row { .. } => exit::REFUSED,
        Cause::Halted { .. } => exit::LATER,
    }
}

pub(super) fn code_of_fault(fault: &Fault) -> u8 {
    match fault {
        Fault::InvalidConfig(_) | Fault::Denied(_) => exit::CONFIG,
        Fault::Http(http) => match http.status {
            401 | 403 => exit::CREDENTIAL,
            408 | 429 | 500.. => exit::LATER,
            // An answer that is well but for what the config says of it.
            200..300 if http.retry == Some(true) => exit::LATER,
            200..300 => exit::REFUSED,
            _ => exit::OTHER,
        },
        Fault::Transport(_) => exit::LATER,
        Fault::BadResponse(_) => exit::REFUSED,
        Fault::Other(_) => exit::OTHER,
    }
}
