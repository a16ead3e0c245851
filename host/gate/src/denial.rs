//! Why the gate refused a request; nothing of a refused request has left the machine.

use std::net::IpAddr;

use crate::address::Reach;
use crate::origin::Origin;
use crate::secret::Place;

/// A refusal. Trying again is of no use; changing the config is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// Not an absolute http or https URL without userinfo.
    #[error("the URL is refused: {problem}")]
    Url {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Not among the rules.
    #[error("{origin} is not among the origins that this connector may reach")]
    Origin {
        /// Where the request was to go.
        origin: Origin,
        /// The line of `allow` that would admit it.
        rule: String,
    },
    /// The name resolves to nothing but addresses that no rule admits.
    #[error("{host} leads to {address}, {reach}")]
    Address {
        /// As the request named it.
        host: String,
        /// The first one refused.
        address: IpAddr,
        /// What the address is.
        reach: Reach,
        /// The line of `allow` that would admit it; `None`: nothing would.
        rule: Option<String>,
    },
    /// Another method than GET and HEAD, from a connector that may only read.
    #[error("the method {method} is refused: this connector may send GET and HEAD only")]
    Method {
        /// The method.
        method: String,
        /// Where the request was to go.
        origin: Origin,
        /// The line of `allow` that would grant it; `None`: nothing would.
        rule: Option<String>,
    },
    /// A redirect from https to http.
    #[error("the redirect from {from} to {to} would leave TLS")]
    Downgrade {
        /// Who redirects.
        from: Origin,
        /// Where to.
        to: Origin,
    },
    /// A placeholder where no secret can be put in.
    #[error(
        "the secret `{secret}` cannot be placed in {place}: only header values, query values, Basic pairs and fields of a JSON or form body"
    )]
    SecretPlace {
        /// The secret's name.
        secret: String,
        /// Such as `the path`.
        place: String,
    },
    /// A placeholder in a place that the secret is not bound to.
    #[error("the secret `{secret}` is not bound to {place}")]
    SecretBinding {
        /// The secret's name.
        secret: String,
        /// Where the placeholder stood.
        place: Place,
    },
    /// A placeholder in a request to an origin that the secret is not bound to.
    #[error("the secret `{secret}` may not be sent to {origin}")]
    SecretOrigin {
        /// The secret's name.
        secret: String,
        /// Where the request was to go.
        origin: Origin,
    },
    /// A secret over plain http to another machine.
    #[error("the secret `{secret}` would be sent to {origin} in plain text; use https")]
    SecretPlaintext {
        /// The secret's name.
        secret: String,
        /// Where the request was to go.
        origin: Origin,
    },
    /// A secret that cannot stand in this place whole.
    #[error("the secret `{secret}` cannot stand in {place}: it {problem}")]
    SecretValue {
        /// The secret's name.
        secret: String,
        /// Where the placeholder stood.
        place: Place,
        /// Such as `holds a line break`.
        problem: &'static str,
    },
}

impl Denial {
    /// The line of `allow` that would admit the request, if one would.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Denial::Origin { rule, .. } => Some(rule),
            Denial::Method { rule, .. } | Denial::Address { rule, .. } => rule.as_deref(),
            _ => None,
        }
    }

    /// The secret that was to be sent where it must not go.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Denial::SecretPlace { secret, .. }
            | Denial::SecretBinding { secret, .. }
            | Denial::SecretOrigin { secret, .. }
            | Denial::SecretPlaintext { secret, .. }
            | Denial::SecretValue { secret, .. } => Some(secret),
            _ => None,
        }
    }
}
