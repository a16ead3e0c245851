//! What would mend a failed page: the config's line, the flag, the question to ask.

use sanderling_destination::{DataError, DataErrorKind};
use sanderling_gate::{Denial, Exchange, Place};

use super::foreign;
use crate::contract::{Fault, Notice};
use crate::retry::Reason;
use crate::run::outcome::{Cause, Failure, ParentKey};
use crate::run::truth::Refusal;
use crate::sandbox::Trap;
use crate::secrets::FILE;
use crate::source::Whose;

pub(super) fn hints_for(failure: &Failure, whose: Whose) -> Vec<String> {
    match whose {
        Whose::Ours => hints_by_our_keys(failure),
        Whose::Foreign => foreign::hints_for(failure),
    }
}

fn hints_by_our_keys(failure: &Failure) -> Vec<String> {
    match &failure.cause {
        Cause::Fault { fault: Fault::Http(http), reason } => hints_for_status(http.status, *reason, failure.exchange.as_ref()),
        Cause::Fault { fault: Fault::Transport(message), .. } => {
            vec![hint_for_transport(message).into()]
        }
        Cause::Denied(denial) => hint_for_denial(denial).into_iter().collect(),
        Cause::Refused(Refusal::Short { .. }) => vec![
            "run again to read it anew; if the API's total is only an estimate, write `total: estimate` on the resource".into(),
        ],
        Cause::Refused(Refusal::SharedKeys { .. }) => vec![
            "name a `primary_key` that tells its rows apart, or, if the last of each is what you want, write `total: estimate` on the resource".into(),
        ],
        Cause::Refused(Refusal::Repeated { .. }) => vec![
            "the paginator's parameters may have other names in this API (`offset_param`, `limit_param`), or it does not page: `paginator: single_page`".into(),
        ],
        Cause::Data { error, parent } => hint_for_data(error, parent.as_ref()).into_iter().collect(),
        Cause::Trap(trap) => hint_for_trap(trap).into_iter().map(str::to_owned).collect(),
        Cause::Halted { .. } => vec!["run again once that is mended: it starts with one trial request and goes on where this stopped".into()],
        _ => Vec::new(),
    }
}

/// The limit that was met, where a user may raise it.
pub(super) fn hint_for_trap(trap: &Trap) -> Option<&'static str> {
    match trap {
        Trap::OutOfMemory { .. } => {
            Some("smaller pages need less; `limits: {memory_mib: …}` in the config allows more")
        }
        Trap::TooMuch { .. } => {
            Some("ask for smaller pages; `limits: {max_body_mib: …}` in the config allows more")
        }
        Trap::OutOfTime { .. } => {
            Some("ask for smaller pages; `limits: {cpu_time_ms: …}` in the config allows more")
        }
        Trap::NoAnswer { .. } | Trap::Handles { .. } | Trap::Broke { .. } | Trap::Panic { .. } => None,
    }
}

/// What would mend what a connector says, or settle what it guessed.
pub(super) fn hint_of_notice(notice: &Notice) -> Option<String> {
    let settled = || {
        let lines =
            notice.settles.iter().map(|setting| match setting.path.rsplit('/').next().unwrap_or_default() {
                index if index.bytes().all(|byte| byte.is_ascii_digit()) => setting.value.clone(),
                key => format!("\"{}\": {}", key.replace("~1", "/").replace("~0", "~"), setting.value),
            });
        lines.collect::<Vec<_>>().join(" and ")
    };
    notice.hint.clone().or_else(|| Some(settled()).filter(|text| !text.is_empty()))
}

fn hint_for_transport(message: &str) -> &'static str {
    if message.contains("InvalidContentType") {
        "what answers there does not speak TLS: does `client.base_url` start with http://?"
    } else if message.contains("cannot be resolved") {
        "is the host's name in `client.base_url` right, and is there a network?"
    } else {
        "is `client.base_url` right, and is the server up?"
    }
}

pub(super) fn hints_for_status(status: u16, reason: Reason, exchange: Option<&Exchange>) -> Vec<String> {
    if let Reason::WaitTooLong { wait_ms } = reason {
        return vec![format!(
            "the API wants {} s of patience, more than is waited for; run again then",
            wait_ms.div_ceil(1_000)
        )];
    }
    match status {
        401 | 403 => {
            let placed = exchange.map(|exchange| exchange.placed.as_slice()).unwrap_or_default();
            if placed.is_empty() {
                let auth = "{type: api_key, name: …, api_key: \"${secrets.api_key}\", location: header}";
                return vec![format!("no credential was sent; write one under `client`: `auth: {auth}`")];
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
                            "some servers drop headers with `_` in their names, such as `{name}`: does the API take `X-Api-Key`, or the key in the query (`location: query`)?"
                    ));
                }
            }
            hints
        }
        404 | 410 => vec!["check `path` of the resource, and `client.base_url`".into()],
        _ => Vec::new(),
    }
}

/// A rule as the command line takes it; a method stands before a space.
pub(super) fn allow_flag(rule: &str) -> String {
    if rule.contains(' ') { format!("--allow '{rule}'") } else { format!("--allow {rule}") }
}

pub(super) fn hint_for_denial(denial: &Denial) -> Option<String> {
    match denial {
        Denial::Origin { rule, .. } => Some(format!(
            "if it may be asked, write `allow: [\"{rule}\"]` in the config, or give {}",
            allow_flag(rule)
        )),
        Denial::Method { rule: Some(rule), .. } => Some(format!(
            "if it may change what is there, write `allow: [\"{rule}\"]` in the config, or give {}",
            allow_flag(rule)
        )),
        Denial::Address { rule: Some(rule), .. } => {
            Some(format!("if that is your own network, write `allow: [\"{rule}\"]` in the config"))
        }
        Denial::SecretBinding { secret, .. } | Denial::SecretOrigin { secret, .. } => {
            Some(format!("{FILE} says where `{secret}` may go: `origins` and `place`"))
        }
        Denial::SecretPlaintext { .. } => {
            Some("--plaintext-secrets sends it all the same; anyone on the way can read it".into())
        }
        _ => None,
    }
}

/// The key of a child's rows that is unique over all parents.
fn composite_key(columns: &[String], parent: Option<&ParentKey>) -> String {
    let Some(ParentKey { parent, primary_key, carried }) = parent else {
        return format!("make a field of the parent part of it, beside {}", columns.join(", "));
    };
    let key = |of_parent: &[String]| [of_parent, columns].concat().join(", ");
    if carried.is_empty() {
        let taken: Vec<String> = primary_key.iter().map(|field| format!("_{parent}_{field}")).collect();
        let fields = primary_key.join(", ");
        format!("write `primary_key: [{}]` and `include_from_parent: [{fields}]`", key(&taken))
    } else {
        format!("write `primary_key: [{}]`", key(carried))
    }
}

pub(super) fn hint_for_data(error: &DataError, parent: Option<&ParentKey>) -> Option<String> {
    match &error.kind {
        DataErrorKind::DuplicateAcrossParents { columns, .. } => {
            Some(format!("the key is unique within a parent only: {}", composite_key(columns, parent)))
        }
        DataErrorKind::KeyMissing { .. } | DataErrorKind::KeyNull { .. } => Some(
            "name a `primary_key` that every row has, or use `write_disposition: append` or `replace`".into(),
        ),
        DataErrorKind::ReservedField { field } => {
            Some(format!("write `rename: {{{field}: another_name}}` on the resource"))
        }
        _ => None,
    }
}
