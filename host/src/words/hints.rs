//! What would mend a failed page: the config's line, the flag, the question to ask.

use sanderling_destination::{DataError, DataErrorKind};
use sanderling_gate::{Denial, Exchange, GateError, Place};
use serde_json::{Value, json};

use super::address::{host_key, token_key};
use super::text::span;
use super::{Subject, foreign};
use crate::contract::Fault;
use crate::document::{Document, Format, entry};
use crate::retry::Reason;
use crate::run::outcome::{Cause, Failure, ParentKey};
use crate::run::truth::Refusal;
use crate::sandbox::Trap;
use crate::secrets::FILE;
use crate::source::Whose;
use crate::words::setting::to_write;

pub(super) fn hints_for(failure: &Failure, subject: Subject<'_>) -> Vec<String> {
    match subject.whose {
        Whose::Ours => hints_by_our_keys(failure, subject.config),
        Whose::Foreign => foreign::hints_for(failure, subject.config),
    }
}

fn hints_by_our_keys(failure: &Failure, config: &Document) -> Vec<String> {
    let format = config.format();
    let line = |name: &str, value: &str| format!("`{}`", entry(format, name, &value.into()));
    match &failure.cause {
        // The config itself calls this answer a failure.
        Cause::Fault { fault: Fault::Http(http), .. } if http.retry == Some(false) => Vec::new(),
        Cause::Fault { fault: Fault::Http(http), reason } => {
            hints_for_status(http.status, *reason, failure.exchange.as_ref(), format)
        }
        Cause::Token { fault: Fault::Http(http), reason } => {
            // A refusal of the credential, by whatever status.
            let status = if matches!(http.status, 200..=401) { 401 } else { http.status };
            match status {
                404 | 410 => vec![hint_for_token(failure, config)],
                status => hints_for_status(status, *reason, failure.exchange.as_ref(), format),
            }
        }
        Cause::Token { .. } => vec![hint_for_token(failure, config)],
        Cause::Unreached(error) => {
            let at = host_key(failure.exchange.as_ref(), &config.value);
            hint_for_exchange(error, at, format).into_iter().collect()
        }
        Cause::Denied(denial) => hint_for_denial(denial, format).into_iter().collect(),
        Cause::Refused(Refusal::Short { .. }) => vec![format!(
            "run again to read it anew; if the API's total is only an estimate, write {} on the resource",
            line("total", "estimate")
        )],
        Cause::Refused(Refusal::TooManyRows { first, .. }) => {
            hint_for_data(first, None, format).into_iter().collect()
        }
        Cause::NotRetried(_) => vec!["run without --retry-failed: it is then read anew".into()],
        Cause::Refused(Refusal::SharedByParents { key, .. }) => vec![only_within_a_parent(key, None, format)],
        Cause::Refused(Refusal::SharedKeys { .. }) => vec![format!(
            "name a `primary_key` that tells its rows apart, or, if the last of each is what you want, write {} on the resource",
            line("total", "estimate")
        )],
        Cause::Refused(Refusal::TooManyAbsent { absent, rows, .. }) => {
            let percent = absent.saturating_mul(100).div_ceil((*rows).max(1));
            vec![format!(
                "if they are gone indeed, write `delete_absent: {{max_percent: {percent}}}` on the resource and run again"
            )]
        }
        Cause::Refused(Refusal::Repeated { .. }) => vec![format!(
            "the paginator's parameters may have other names in this API (such as `offset_param`, `page_param`, `cursor_param`), or it does not page: {}",
            line("paginator", "single_page")
        )],
        Cause::Data { error, parent } => hint_for_data(error, parent.as_ref(), format).into_iter().collect(),
        Cause::Guessed(notice) => vec![to_write(&notice.settles, config), hint_for_guesses(config)],
        Cause::Trap(trap) => {
            let endless =
                matches!(trap, Trap::OutOfTime { .. } | Trap::OutOfMemory { .. } | Trap::Broke { .. })
                    && config.text().contains("processing_steps");
            let program = endless.then(|| PROGRAM.to_owned());
            program.into_iter().chain(hint_for_trap(trap, format)).collect()
        }
        Cause::Halted { .. } => vec![
            "run again once that is mended: it starts with one trial request and goes on where this stopped"
                .into(),
        ],
        Cause::Refused(Refusal::Split { .. } | Refusal::Stranger { .. } | Refusal::Miscounted { .. }) => {
            vec![CONNECTORS_FAULT.into()]
        }
        _ => Vec::new(),
    }
}

/// What may be wrong where something answers, and not with a token.
fn hint_for_token(failure: &Failure, config: &Document) -> String {
    let asked = failure.exchange.as_ref();
    match asked.and_then(|exchange| token_key(exchange, &config.value, false)) {
        Some(key) => format!("is {key} right, where tokens are asked for?"),
        None => "is the URL that tokens are asked for at right?".into(),
    }
}

/// What a program of the user's own may have to do with it.
const PROGRAM: &str =
    "a program in `processing_steps` that has no end, or makes too much of a row, is stopped like this";

pub(super) const CONNECTORS_FAULT: &str = "the connector answers for that: tell whoever made it";

/// Who else can write what settles a guess.
pub(super) fn hint_for_guesses(config: &Document) -> String {
    format!("or let `sanderling check --fix {}` write it", config.file_name())
}

/// The limit that was met, where a user may raise it.
pub(super) fn hint_for_trap(trap: &Trap, format: Format) -> Option<String> {
    let limit = |key: &str, value: u64| limit_line(format, key, value);
    match trap {
        Trap::OutOfMemory { limit_mib } => Some(format!(
            "smaller pages need less; {} in the config allows more",
            limit("memory_mib", limit_mib.saturating_mul(2).min(2_048))
        )),
        // A page may be half as large again as a body.
        Trap::TooMuch { limit_mib } => Some(format!(
            "ask for smaller pages; {} in the config allows more",
            limit("max_body_mib", (limit_mib / 3).saturating_mul(4).min(2_048))
        )),
        Trap::OutOfTime { limit_ms } => Some(format!(
            "ask for smaller pages; {} in the config allows more",
            limit("cpu_time_ms", limit_ms.saturating_mul(2))
        )),
        // A call may take a minute longer than an exchange.
        Trap::NoAnswer { limit_ms } => Some(format!(
            "ask for smaller pages; {} in the config waits longer",
            limit("total_timeout_ms", limit_ms.saturating_sub(60_000).saturating_mul(2))
        )),
        Trap::Handles { .. } | Trap::Broke { .. } => Some(CONNECTORS_FAULT.into()),
        Trap::Panic { .. } => None,
    }
}

/// The line that raises a limit.
fn limit_line(format: Format, key: &str, value: u64) -> String {
    format!("`{}`", entry(format, "limits", &json!({ key: value })))
}

/// What would get an answer. `at`: the key that says where was asked.
pub(super) fn hint_for_exchange(error: &GateError, at: &str, format: Format) -> Option<String> {
    let longer = |key: &str, limit_ms: &u64| {
        let line = limit_line(format, key, limit_ms.saturating_mul(2));
        Some(format!("ask for smaller pages; {line} in the config waits longer"))
    };
    match error {
        GateError::NotTls { .. } => Some(format!("does {at} start with http://?")),
        GateError::Tls { .. } => Some("is its certificate one that this machine trusts?".into()),
        GateError::Resolve { .. } => {
            Some(format!("is the host's name in {at} right, and is there a network?"))
        }
        GateError::Connect { .. } | GateError::ConnectTimeout { .. } => {
            Some(format!("is {at} right, and is the server up?"))
        }
        GateError::FirstByteTimeout { limit_ms } => longer("first_byte_timeout_ms", limit_ms),
        GateError::IdleTimeout { limit_ms } => longer("idle_timeout_ms", limit_ms),
        GateError::TotalTimeout { limit_ms } => longer("total_timeout_ms", limit_ms),
        GateError::TooLarge { limit_bytes } => Some(format!(
            "ask for smaller pages; {} in the config allows more",
            limit_line(format, "max_body_mib", (limit_bytes >> 20).saturating_mul(2).clamp(1, 2_048))
        )),
        GateError::TooManyRedirects { .. }
        | GateError::RedirectLoop { .. }
        | GateError::BadRedirect { .. } => Some("is `path` right, down to the slash at its end?".into()),
        GateError::Denied(_)
        | GateError::Broken { .. }
        | GateError::Body { .. }
        | GateError::HeadTooLarge { .. }
        | GateError::Encoding { .. }
        | GateError::Token { .. }
        | GateError::Request { .. } => None,
    }
}

pub(super) fn hints_for_status(
    status: u16,
    reason: Reason,
    exchange: Option<&Exchange>,
    format: Format,
) -> Vec<String> {
    if let Reason::WaitTooLong { wait_ms } = reason {
        return vec![format!(
            "the API asks to be left alone for {}, longer than is waited here; run again then",
            span(wait_ms)
        )];
    }
    match status {
        401 | 403 => {
            let placed = exchange.map(|exchange| exchange.placed.as_slice()).unwrap_or_default();
            if placed.is_empty() {
                let auth = json!({"type": "bearer", "token": "${secrets.token}"});
                let line = entry(format, "auth", &auth);
                return vec![format!("no credential was sent; write one under `client`, such as `{line}`")];
            }
            let which: Vec<String> =
                placed.iter().map(|(name, place)| format!("`{name}` in {place}")).collect();
            let mut hints = vec![format!(
                "it was sent {}: is its value right, does it belong there, may it read this?",
                which.join(", ")
            )];
            for (_, place) in placed {
                if let Place::Header(name) = place
                    && name.contains('_')
                {
                    hints.push(format!(
                            "some servers drop headers with `_` in their names, such as `{name}`: does the API take `X-Api-Key`, or the key in the query (`{}`)?",
                            entry(format, "location", &"query".into())
                    ));
                }
            }
            hints
        }
        400 | 422 => vec!["check `params` of the resource: what the API said tells what it wants".into()],
        404 | 410 => vec!["check `path` of the resource, and `client.base_url`".into()],
        _ => Vec::new(),
    }
}

/// A rule as the command line takes it; a method stands before a space.
pub(super) fn allow_flag(rule: &str) -> String {
    if rule.contains(' ') { format!("--allow '{rule}'") } else { format!("--allow {rule}") }
}

pub(super) fn hint_for_denial(denial: &Denial, format: Format) -> Option<String> {
    let line = |rule: &str| format!("`{}`", entry(format, "allow", &json!([rule])));
    match denial {
        Denial::Origin { rule, .. } => Some(format!(
            "if it may be asked, write {} in the config, or give {}",
            line(rule),
            allow_flag(rule)
        )),
        Denial::Method { rule: Some(rule), .. } => Some(format!(
            "if it may change what is there, write {} in the config, or give {}",
            line(rule),
            allow_flag(rule)
        )),
        Denial::Address { rule: Some(rule), .. } => {
            Some(format!("if that is your own network, write {} in the config", line(rule)))
        }
        Denial::SecretBinding { secret, .. } | Denial::SecretOrigin { secret, .. } => {
            Some(format!("{FILE} says where `{secret}` may go: `origins` and `place`"))
        }
        Denial::SecretPlaintext { .. } => {
            Some("--plaintext-secrets sends it all the same; anyone on the way can read it".into())
        }
        Denial::SecretValue { .. } => Some(
            "give it without that; the last line break of a file or a command's output is left out".into(),
        ),
        Denial::Downgrade { to, .. } => {
            Some(format!("if https://{} has it too, write that in the config", to.host))
        }
        Denial::Url { .. } | Denial::Address { .. } | Denial::Method { .. } | Denial::SecretPlace { .. } => {
            None
        }
    }
}

fn only_within_a_parent(columns: &[String], parent: Option<&ParentKey>, format: Format) -> String {
    format!("the key is unique within a parent only: {}", composite_key(columns, parent, format))
}

/// The key of a child's rows that is unique over all parents.
fn composite_key(columns: &[String], parent: Option<&ParentKey>, format: Format) -> String {
    let Some(ParentKey { parent, primary_key, carried }) = parent else {
        return format!("make a field of the parent part of it, beside {}", columns.join(", "));
    };
    let key = |of_parent: &[String]| {
        let columns: Value = [of_parent, columns].concat().into();
        format!("write `{}`", entry(format, "primary_key", &columns))
    };
    if carried.is_empty() {
        let taken: Vec<String> = primary_key.iter().map(|field| format!("_{parent}_{field}")).collect();
        let fields: Value = primary_key.clone().into();
        format!("{} and `{}`", key(&taken), entry(format, "include_from_parent", &fields))
    } else {
        key(carried)
    }
}

pub(super) fn hint_for_data(error: &DataError, parent: Option<&ParentKey>, format: Format) -> Option<String> {
    let line = |name: &str, value: &Value| format!("`{}`", entry(format, name, value));
    match &error.kind {
        DataErrorKind::DuplicateAcrossParents { columns, .. } => {
            Some(only_within_a_parent(columns, parent, format))
        }
        DataErrorKind::ColumnMissing { column } | DataErrorKind::ColumnNull { column } => Some(format!(
            "if it may be null, write {} on the resource",
            line("columns", &json!({ column: { "nullable": true } }))
        )),
        DataErrorKind::ColumnType { column, .. } => Some(format!(
            "declare another `data_type` for `{column}` under `columns` of the resource, or none"
        )),
        DataErrorKind::KeyMissing { .. } | DataErrorKind::KeyNull { .. } => {
            Some("name a `primary_key` that every row has, or none".into())
        }
        DataErrorKind::ReservedField { field } => {
            let renamed = json!({ field: "another_name" });
            Some(format!("write {} on the resource", line("rename", &renamed)))
        }
        DataErrorKind::FieldsCollide { second, .. } => {
            let renamed = json!({ second: "another_name" });
            Some(format!("write {} on the resource", line("rename", &renamed)))
        }
        DataErrorKind::Frozen { .. } => Some(format!(
            "{} on the resource takes what is new; `discard_value` and `discard_row` leave it out",
            line("schema_contract", &json!("evolve"))
        )),
        DataErrorKind::ListTable { .. } => Some(format!(
            "write {} on the resource to keep its lists as JSON, or `rename` the field",
            line("max_table_nesting", &json!(0))
        )),
        DataErrorKind::TooManyColumns { .. } => Some("files have no such limit: `--to jsonl:DIR`".into()),
        _ => None,
    }
}
