//! Why an exchange gave no answer.

use std::net::SocketAddr;

use crate::denial::Denial;
use crate::vault::VaultError;

/// A refused or failed exchange. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Not sent, or not followed further.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The name has no address, or the resolver did not answer.
    #[error("{host} cannot be resolved: {reason}")]
    Resolve {
        /// As the request named it.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// No address took the connection.
    #[error("no connection to {host} ({address}): {reason}")]
    Connect {
        /// As the request named it.
        host: String,
        /// The last address tried.
        address: SocketAddr,
        /// The system's words.
        reason: String,
    },
    /// No secure connection: most often a certificate.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// As the request named it.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// What answered does not speak TLS.
    #[error("{host} answers, but not over TLS")]
    NotTls {
        /// As the request named it.
        host: String,
    },
    /// `Limits::connect_timeout_ms` ran out.
    #[error("no connection to {host} within {} s", seconds(.limit_ms))]
    ConnectTimeout {
        /// As the request named it.
        host: String,
        /// The limit.
        limit_ms: u64,
    },
    /// `Limits::first_byte_timeout_ms` ran out.
    #[error("connected, but no answer within {} s", seconds(.limit_ms))]
    FirstByteTimeout {
        /// The limit.
        limit_ms: u64,
    },
    /// `Limits::idle_timeout_ms` ran out.
    #[error("the answer stopped for {} s", seconds(.limit_ms))]
    IdleTimeout {
        /// The limit.
        limit_ms: u64,
    },
    /// `Limits::total_timeout_ms` ran out.
    #[error("the exchange took longer than {} s", seconds(.limit_ms))]
    TotalTimeout {
        /// The limit.
        limit_ms: u64,
    },
    /// The connection ended, or what came was no HTTP, before there was a whole head.
    #[error("no whole answer: {reason}")]
    Broken {
        /// What went wrong.
        reason: String,
    },
    /// The body broke off, or was damaged on its way.
    #[error("the answer's body is not whole: {reason}")]
    Body {
        /// What went wrong.
        reason: String,
    },
    /// `Limits::max_body_bytes` was passed.
    #[error("the answer's body is larger than {}", size(*.limit_bytes))]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// `Limits::max_header_bytes` was passed, or there are more than 256 headers.
    #[error("the answer's head is larger than {limit_bytes} bytes or has too many headers")]
    HeadTooLarge {
        /// The limit.
        limit_bytes: u32,
    },
    /// A body in an encoding that was not asked for.
    #[error("the answer is encoded as `{encoding}`, though gzip alone was offered")]
    Encoding {
        /// The `Content-Encoding` header.
        encoding: String,
    },
    /// `Limits::max_redirects` was passed.
    #[error("more than {limit} redirects")]
    TooManyRedirects {
        /// The limit.
        limit: u8,
    },
    /// A redirect to a URL of the same chain.
    #[error("the redirects run in a circle: {url}")]
    RedirectLoop {
        /// The URL met again, without secrets.
        url: String,
    },
    /// A redirect to something that is no URL.
    #[error("a redirect leads nowhere: {reason}")]
    BadRedirect {
        /// What is wrong with `Location`.
        reason: String,
    },
    /// An answer holds a token that cannot be kept from the guest.
    #[error("the answer holds a token that cannot be kept: {problem}")]
    Token {
        /// What is wrong with it.
        problem: VaultError,
    },
    /// A request that cannot be written down, such as one with a URL that HTTP has no form for.
    #[error("the request cannot be sent: {reason}")]
    Request {
        /// What is wrong with it.
        reason: String,
    },
}

impl GateError {
    /// Whether the gate refused; trying again is of no use.
    pub fn is_denied(&self) -> bool {
        matches!(self, GateError::Denied(_))
    }

    /// Whether the network or the server failed in a way that may pass.
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            GateError::Resolve { .. }
                | GateError::Connect { .. }
                | GateError::Tls { .. }
                | GateError::NotTls { .. }
                | GateError::ConnectTimeout { .. }
                | GateError::FirstByteTimeout { .. }
                | GateError::IdleTimeout { .. }
                | GateError::TotalTimeout { .. }
                | GateError::Broken { .. }
                | GateError::Body { .. }
        )
    }
}

/// A limit in seconds, as people count.
fn seconds(limit_ms: &u64) -> f64 {
    *limit_ms as f64 / 1_000.0
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}

/// An error with its causes, in one line, without repeating what an outer message already says.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
