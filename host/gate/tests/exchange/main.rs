//! Whole exchanges with a server on loopback, through the public API alone.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bodies;
mod redirects;
mod requests;
mod secrets;
mod server;
mod signing;
mod times;
mod tls;
mod tokens;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use sanderling_gate::{Binding, Denial, Exchange, Gate, GateError, Limits, Methods, Policy, Secret, Vault};

/// With everything that a credential may hold and a URL, header or JSON text must escape.
const KEY: &str = "k&é /+=\"<y>0123";

fn policy(rules: &[String]) -> Policy {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Policy { rules, methods: Methods::Any, plaintext_secrets: false }
}

/// A gate to one origin, with short limits.
fn gate(origin: String) -> Gate {
    Gate::new(policy(&[origin]), Arc::new(Vault::new(None).unwrap()), limits())
}

fn limits() -> Limits {
    Limits {
        connect_timeout_ms: 2_000,
        first_byte_timeout_ms: 300,
        idle_timeout_ms: 300,
        total_timeout_ms: 5_000,
        max_body_bytes: 100_000,
        ..Limits::default()
    }
}

/// A vault with `KEY`, and its placeholder.
fn vault(binding: Binding) -> (Arc<Vault>, String) {
    let mut vault = Vault::new(None).unwrap();
    let placeholder = vault.seal("API_KEY", Secret::new(KEY), binding).unwrap();
    (Arc::new(vault), placeholder)
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

type Outcome = (Exchange, Result<Response<Bytes>, GateError>);

fn body(outcome: &Outcome) -> &[u8] {
    outcome.1.as_ref().unwrap().body()
}

fn failure(outcome: Outcome) -> GateError {
    match outcome.1 {
        Err(error) => error,
        Ok(response) => panic!("answered with {}", response.status()),
    }
}

fn denial(outcome: Outcome) -> Denial {
    match failure(outcome) {
        GateError::Denied(denial) => denial,
        other => panic!("not denied: {other}"),
    }
}
