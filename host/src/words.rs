//! Turns every typed error into what a person reads (what happened, why, what mends it) and into an exit code.

mod address;
mod adopt;
mod connector;
mod documented;
mod finding;
mod foreign;
mod hints;
mod import;
mod init;
mod setting;
mod state;
mod text;

use sanderling_destination::{DataError, DataType, DestinationError, ServerFailure, StoreFailure};
use sanderling_gate::{Exchange, RuleError};

use crate::contract::{BadResponse, Fault, HttpFailure, Notice, Setting};
use crate::document::edit::EditError;
use crate::document::{Document, Format, nearest, render};
use crate::error::Error;
use crate::run::outcome::{Cause, Failure, RunNotice, Status, Taken};
use crate::run::plan::PlanError;
use crate::run::truth::Refusal;
use crate::sandbox::{CallError, ListError, LoadError, Trap};
use crate::secrets::SecretError;
use crate::show::Paint;
use crate::source::Whose;
pub use adopt::{Adopted, Left, of_adoption};
pub use connector::of_connector;
use connector::of_ungranted;
pub use documented::{of_all_documented, of_compared};
pub use finding::{of_finding, of_not_tried};
use hints::{CONNECTORS_FAULT, hint_for_data, hint_for_guesses, hint_for_trap, hints_for};
use import::of_import;
pub use import::{of_left, of_secret_use, of_written};
use init::of_init;
pub use init::{ASKED_WHO, of_comparable, of_kept, of_no_first_page, of_proposal};
pub use setting::{settled, to_write};
pub use state::{Forgotten, nothing_remembered, of_edit, of_next, of_reach, of_reset};
pub use text::{clock_time, counted, grouped, of_io, printable, printable_lines, short, span};
use text::{one_line, time_of_day, without_number};

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

/// A failed command. `paint` is for the config's lines; the rest has no colour.
pub fn of_error(error: &Error, paint: Paint) -> Words {
    match error {
        Error::Unreadable { path, cause, near } => {
            let mut words = Words::new(exit::CONFIG, format!("{} cannot be read: {cause}", path.display()));
            words.hints.extend(near.iter().map(|near| format!("did you mean `{near}`?")));
            words
        }
        Error::Unwritable { path, cause } => {
            Words::new(exit::CONFIG, format!("{} cannot be written: {cause}", path.display()))
        }
        Error::Exists { path, force } => {
            let words = Words::new(exit::CONFIG, format!("{} is there already", path.display()));
            let words = if *force { words.hint("--force overwrites it") } else { words };
            words.hint("-o names another file")
        }
        Error::NotYaml(path) => {
            Words::new(exit::CONFIG, format!("{}: this config is written as YAML", path.display()))
                .hint("let the name end in .yaml")
        }
        Error::Several { path, count } => {
            Words::new(exit::CONFIG, format!("{count} configs cannot be written into {}", path.display()))
                .hint("name a folder: -o configs/")
        }
        Error::Init(problem) => of_init(problem),
        Error::Unasked(cause) => {
            Words::new(exit::OTHER, format!("a question cannot be asked: {}", without_number(cause)))
                .hint("--yes asks none")
        }
        Error::Interrupted => Words::new(exit::INTERRUPTED, "broken off; nothing was written"),
        Error::Import { path, problem } => of_import(&path.display().to_string(), *problem),
        Error::Unwritten { path, cause } => {
            Words::new(exit::CONFIG, format!("{} cannot be written: {cause}", path.display()))
                .hint("it is as it was; `sanderling check` without --fix shows the lines to write")
        }
        Error::Format(error) => Words::new(exit::CONFIG, error.to_string()),
        Error::Syntax { file_name, text, problems } => {
            let shown = render(file_name, text, problems, paint == Paint::Ansi, &str::to_owned);
            with_snippet(&shown, problems.len())
        }
        Error::Config { document, problems } => {
            with_snippet(&document.render(problems, paint == Paint::Ansi, &str::to_owned), problems.len())
        }
        Error::Guessed { document, notices } => of_guesses(notices, document),
        Error::Secrets(errors) => of_secrets(errors),
        Error::Secret(error) => Words::new(exit::CREDENTIAL, error.to_string()),
        Error::Allow(error) => Words::new(exit::CONFIG, error.to_string()).hint(RuleError::HINT),
        Error::Origin(error) => Words::new(exit::CONFIG, format!("the connector names no origin: {error}")),
        Error::Plan(error) => of_plan(error),
        Error::Load(error @ LoadError::Engine(_)) => Words::new(exit::OTHER, error.to_string()),
        Error::Load(error) => Words::new(exit::CONFIG, error.to_string()),
        Error::Connector { path, problem } => of_connector(&path.display().to_string(), problem),
        Error::Ungranted(ungranted) => of_ungranted(ungranted),
        Error::List(ListError::AsksApi) => Words::new(
            exit::CONFIG,
            "the connector asks its API what there is, which is not supported yet: nothing was sent",
        )
        .hint("a connector lists its resources from its config alone"),
        Error::List(ListError::Call(CallError::Fault(fault))) => {
            let (what, _) = of_fault(fault);
            Words::new(code_of_fault(fault), what)
        }
        Error::List(ListError::Call(CallError::Trap(trap))) => {
            let mut words = Words::new(exit::OTHER, of_trap(trap));
            words.hints.extend(hint_for_trap(trap, Format::Yaml));
            words
        }
        Error::Target(error) => Words::new(exit::CONFIG, error.to_string()),
        Error::Useless { option, why } => {
            Words::new(exit::CONFIG, format!("{option} would do nothing: {why}"))
                .hint(format!("leave {option} out"))
        }
        Error::OneStream { resources } => Words::new(
            exit::CONFIG,
            format!("standard output takes the rows of one resource, and these are {}", resources.len()),
        )
        .hint(format!(
            "name one: {}",
            resources
                .iter()
                .take(3)
                .map(|name| format!("--resource {name}"))
                .collect::<Vec<_>>()
                .join(", or ")
        )),
        Error::Destination(error) => of_destination(error),
        Error::Demo(cause) => {
            Words::new(exit::OTHER, format!("the demo API does not start: {}", without_number(cause)))
                .hint("give it another --port, or none: it then takes a free one")
        }
        Error::NoPipeline { known } => {
            let words = Words::new(exit::CONFIG, "it is not clear which pipeline is meant");
            match known.as_slice() {
                [] => words.hint("name its config, or its destination with --to"),
                known => words.hint(format!("there are {}: name one with --pipeline", known.join(", "))),
            }
        }
        Error::NotRemembered { name, known } => {
            let words = Words::new(exit::CONFIG, format!("nothing is remembered of `{name}`"));
            match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words.hint(format!("something is of {}", known.join(", "))),
            }
        }
        Error::Adopt { target, error } => adopt::of_refusal(target, error),
        Error::Edit { resource, error } => state::of_unset(resource, *error),
        Error::Unprinted(cause) => Words::new(
            exit::OTHER,
            format!("all is read, but the result cannot be printed on stdout: {}", without_number(cause)),
        ),
        Error::Runtime(cause) => Words::new(exit::OTHER, format!("the program does not start: {cause}")),
    }
}

fn with_snippet(shown: &str, count: usize) -> Words {
    let problems = if count == 1 { "a problem".to_owned() } else { format!("{count} problems") };
    let mut words = Words::new(exit::CONFIG, format!("the config has {problems}"));
    words.snippet = shown.trim_end().lines().map(str::to_owned).collect();
    words
}

/// A setting that `--fix` could not write.
pub fn of_unwritten(setting: &Setting, error: EditError, config: &Document) -> Words {
    Words::new(exit::CONFIG, format!("{} is left as it is: {error}", config.file_name()))
        .hint(to_write(std::slice::from_ref(setting), config))
}

fn of_guesses(notices: &[Notice], config: &Document) -> Words {
    let count = if notices.len() == 1 { "one".to_owned() } else { notices.len().to_string() };
    let mut words = Words::new(
        exit::CONFIG,
        format!("--frozen takes no guesses, and the config leaves {count} to be made"),
    );
    words.more = notices.iter().map(|notice| notice.message.clone()).collect();
    words.hints = notices.iter().map(|notice| to_write(&notice.settles, config)).collect();
    words.hint(hint_for_guesses(config))
}

fn of_secrets(errors: &[SecretError]) -> Words {
    let mut words = match errors {
        [one] => Words::new(exit::CREDENTIAL, one.to_string()),
        several => {
            let mut words = Words::new(exit::CREDENTIAL, format!("{} problems with secrets", several.len()));
            words.more = several.iter().map(ToString::to_string).collect();
            words
        }
    };
    for error in errors {
        match error {
            SecretError::Missing { name, places } => {
                words.hints.push(format!("give `{name}` by one of\n    {}", places.join("\n    ")));
            }
            SecretError::File { hint: Some(hint), .. } => words.hints.push(hint.clone()),
            SecretError::Flag { .. } => words.code = exit::CONFIG,
            SecretError::Unused { known, near, .. } => {
                words.code = exit::CONFIG;
                words.hints.push(match (near, known.as_slice()) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, []) => "the config refers to no secret; leave --secret out".into(),
                    (None, known) => format!("the config refers to {}", known.join(", ")),
                });
            }
            SecretError::Bound { .. } => {
                words.hints.push("give the destination a secret of its own".to_owned());
            }
            SecretError::Source { .. } | SecretError::File { .. } => {}
        }
    }
    words
}

fn of_plan(error: &PlanError) -> Words {
    let words = Words::new(exit::CONFIG, error.to_string());
    match error {
        PlanError::Unknown { name, known } => {
            let near = nearest(name, known.iter().map(String::as_str));
            let words = match near {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words,
            };
            words.hint(format!("the config has {}", known.join(", ")))
        }
        PlanError::DataType { data_type, .. } => {
            let known = DataType::ALL.map(DataType::name);
            match nearest(data_type, known) {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words.hint(format!("the types are {}", known.join(", "))),
            }
        }
        PlanError::Unsound(_) => words.hint(CONNECTORS_FAULT),
        PlanError::NoRange { replaced: true, .. } => {
            words.hint("leave `--since` and `--until` out, or name other resources")
        }
        PlanError::NoRange { .. } | PlanError::NothingIncremental => {
            words.hint("give its endpoint an `incremental` with a `cursor_path`")
        }
        PlanError::WouldAppend { .. } => words.hint("write to a database, or leave `--strict` out"),
        PlanError::NeedsDatabase { .. } => words.hint("write to a database, or leave it out"),
        PlanError::Unsupported { .. } => words,
    }
}

/// A failed destination.
pub fn of_destination(error: &DestinationError) -> Words {
    let words = |code| Words::new(code, without_number(&error.to_string()));
    match error {
        DestinationError::Locked { .. } => {
            words(exit::LATER).hint("wait for the other one to end, or write elsewhere with --to")
        }
        DestinationError::Unwritable { .. } => {
            words(exit::CONFIG).hint("name another place with --to, or mend its permissions")
        }
        DestinationError::Full { .. } => {
            words(exit::OTHER).hint("make room and run again: it goes on where it stopped")
        }
        DestinationError::Data(error) => {
            let mut words = Words::new(exit::REFUSED, format!("{}: {}", error.resource, of_data(error)));
            words.hints.extend(hint_for_data(error, None, Format::Yaml));
            words
        }
        DestinationError::Name(_) => words(exit::CONFIG).hint("give the resource another `name`"),
        DestinationError::NotOurs { .. } => {
            words(exit::CONFIG).hint("write to another place with --to, or give the resource another `name`")
        }
        DestinationError::Corrupt { .. } => {
            words(exit::OTHER).hint("put the file back as it was, or start in an empty place")
        }
        DestinationError::Server { failure, .. } => match failure {
            ServerFailure::Busy => {
                words(exit::LATER).hint("wait for the other one to end, or write elsewhere with --to")
            }
            ServerFailure::Lost => {
                words(exit::LATER).hint("run again once it can be reached: it goes on from the last commit")
            }
            ServerFailure::LostInCommit => words(exit::LATER).hint(
                "nobody knows whether the last commit was done; run again: it looks, and goes on from there",
            ),
            ServerFailure::Denied => words(exit::CREDENTIAL).hint(
                "give a user who may: `to: \"postgresql://USER:${secrets.db_password}@HOST/DATABASE\"`",
            ),
            ServerFailure::Other => words(exit::OTHER),
        },
        DestinationError::Store { failure, .. } => match failure {
            StoreFailure::Denied => words(exit::CREDENTIAL).hint(
                "give who may read, write, list and delete there: \
                 `to: \"parquet:s3://BUCKET/PREFIX?access_key_id=${secrets.key}&secret_access_key=${secrets.key_secret}\"`, \
                 or the variables of the cloud's own tools (AWS_, GOOGLE_, AZURE_)",
            ),
            StoreFailure::NoBucket => {
                words(exit::CONFIG).hint("make it first, or mend its name, `region` or `endpoint` in `to`")
            }
            StoreFailure::Lost => {
                words(exit::LATER).hint("run again once it can be reached: it goes on from the last commit")
            }
            StoreFailure::LostInCommit => words(exit::LATER).hint(
                "nobody knows whether the last commit was done; run again: it looks, and goes on from there",
            ),
            StoreFailure::Unconditional => {
                words(exit::CONFIG).hint("write to a store that heeds them, or to a folder with --to")
            }
            StoreFailure::Settings => {
                words(exit::CONFIG).hint("look at the settings in `to`: credentials, `region`, `endpoint`")
            }
            StoreFailure::Other => words(exit::OTHER),
        },
        DestinationError::NoDriver { .. } => words(exit::CONFIG).hint(
            "`dbc install duckdb` installs it; or name DuckDB's library: duckdb:FILE?driver=libduckdb.so",
        ),
        DestinationError::NotBegun { .. }
        | DestinationError::Database { .. }
        | DestinationError::Stopped { .. }
        | DestinationError::Io { .. } => words(exit::OTHER),
    }
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

fn of_fault(fault: &Fault) -> (String, Option<String>) {
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

/// A page that could not be had or kept.
/// Hints name lines of the config, which depend on the `subject`.
pub fn of_failure(failure: &Failure, subject: Subject<'_>) -> Words {
    let (what, excerpt) = of_cause(&failure.cause);
    let tries = if failure.attempts > 1 { format!(" ({} tries)", failure.attempts) } else { String::new() };
    let place = match (&failure.partition_key, failure.page) {
        _ if matches!(failure.cause, Cause::Halted { .. }) => String::new(),
        (None, 0) => format!("{}: ", failure.resource),
        // Of all pages together.
        (Some(key), _)
            if matches!(
                failure.cause,
                Cause::Refused(
                    Refusal::Short { .. } | Refusal::SharedKeys { .. } | Refusal::TooManyAbsent { .. }
                )
            ) =>
        {
            format!("{} of parent {key}: ", failure.resource)
        }
        (None, _)
            if matches!(
                failure.cause,
                Cause::Refused(
                    Refusal::Short { .. } | Refusal::SharedKeys { .. } | Refusal::TooManyAbsent { .. }
                )
            ) =>
        {
            format!("{}: ", failure.resource)
        }
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

/// Rows are counted from 1 for people.
fn of_data(error: &DataError) -> String {
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

fn code_of_fault(fault: &Fault) -> u8 {
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

#[cfg(test)]
mod tests;
