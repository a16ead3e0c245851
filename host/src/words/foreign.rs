//! What would mend a page that a connector from elsewhere did not get: hints that name no key of the built-in one's configs.

use sanderling_gate::GateError;

use super::hints::{
    CONNECTORS_FAULT, hint_for_denial, hint_for_exchange, hint_for_guesses, hint_for_trap, hints_for_status,
};
use super::setting::to_write;
use crate::contract::Fault;
use crate::document::Document;
use crate::run::outcome::{Cause, Failure};
use crate::run::truth::Refusal;

pub(super) fn hints_for(failure: &Failure, config: &Document) -> Vec<String> {
    let format = config.format();
    let hint = match &failure.cause {
        Cause::Fault { fault: Fault::Http(http), reason }
        | Cause::Token { fault: Fault::Http(http), reason } => {
            let exchange = failure.exchange.as_ref();
            let uncredited = exchange.is_none_or(|exchange| exchange.placed.is_empty());
            return match http.status {
                401 | 403 if uncredited => vec![
                    "no credential was sent: the connector's own docs say which key takes one; give it as \"${secrets.NAME}\"".into(),
                ],
                400 | 404 | 410 | 422 => Vec::new(),
                status => hints_for_status(status, *reason, exchange, format),
            };
        }
        Cause::Unreached(error) => match error.as_ref() {
            GateError::Resolve { .. }
            | GateError::Connect { .. }
            | GateError::ConnectTimeout { .. }
            | GateError::NotTls { .. } => {
                Some("is the address in the config right, and is the server up?".into())
            }
            GateError::TooManyRedirects { .. }
            | GateError::RedirectLoop { .. }
            | GateError::BadRedirect { .. } => None,
            error => hint_for_exchange(error, "the address in the config", format),
        },
        Cause::Fault { .. } | Cause::Token { .. } | Cause::Row { .. } => None,
        Cause::NotRetried(_) => Some("run without --retry-failed: it is then read anew".into()),
        Cause::Denied(denial) => hint_for_denial(denial, format),
        Cause::Guessed(notice) => {
            return vec![to_write(&notice.settles, config), hint_for_guesses(config)];
        }
        Cause::Trap(trap) => hint_for_trap(trap, format),
        Cause::Refused(Refusal::Short { .. }) => Some("run again to read it anew".into()),
        Cause::Refused(Refusal::TooManyAbsent { .. }) => None,
        Cause::Refused(_) | Cause::Data { .. } => Some(CONNECTORS_FAULT.into()),
        Cause::Halted { .. } => Some(
            "run again once that is mended: it starts with one trial request and goes on where this stopped"
                .into(),
        ),
    };
    hint.into_iter().collect()
}
