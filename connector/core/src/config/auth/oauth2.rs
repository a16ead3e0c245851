//! `auth` of type `oauth2_client_credentials`: a token that is asked for with a client's id and secret (RFC 6749, 4.4).

use super::{TokenAuth, credential};
use crate::config::{body, inside};
use crate::diagnostic::Problems;
use crate::document::{Fields, Keys, Node};

/// dlt's `default_token_expiration`.
const LIFETIME_S: u64 = 3_600;

const KEYS: Keys = Keys {
    of: "auth of type `oauth2_client_credentials`",
    known: &[
        "type",
        "access_token_url",
        "client_id",
        "client_secret",
        "access_token",
        "access_token_request_data",
        "default_token_expiration",
        "token_endpoint_auth_method",
    ],
    later: &["session"],
    elsewhere: &[
        ("scope", "write it under `access_token_request_data`"),
        ("audience", "write it under `access_token_request_data`"),
        ("grant_type", "write it under `access_token_request_data`"),
    ],
};

pub(super) fn client_credentials(
    node: &Node<'_>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<TokenAuth> {
    let url = needed(node, &mut fields, "access_token_url", "\"https://…/token\"", problems);
    let id = needed(node, &mut fields, "client_id", "\"…\"", problems);
    let secret = credential(node, &mut fields, "client_secret", problems);
    let first = fields.take("access_token").and_then(|node| node.name("a token", problems));
    let mut form = Vec::new();
    if let Some(data) = fields.take("access_token_request_data") {
        form = body::form(&data, problems);
    }
    let lifetime = fields.take("default_token_expiration").map(|node| node.count(problems));
    let in_header = match fields.take("token_endpoint_auth_method") {
        None => false,
        Some(node) => match node.name("a method", problems)?.value.as_str() {
            "client_secret_basic" => true,
            "client_secret_post" => false,
            other => {
                let message = format!("unknown way to send a client's secret: `{other}`");
                problems.hint(&node.pointer, message, "`client_secret_post` or `client_secret_basic`");
                false
            }
        },
    };
    fields.close(&KEYS, problems);
    let (id, secret) = (id?, secret?);
    // dlt's order. What `access_token_request_data` has of the same name takes a field's place, as there.
    let mut own = Vec::new();
    if !in_header {
        own.extend([("client_id", id.clone()), ("client_secret", secret.clone())]);
    }
    own.push(("grant_type", node.at("client_credentials".to_owned())));
    let mut sent = Vec::new();
    for (name, value) in own {
        let (over, rest): (Vec<_>, Vec<_>) = form.into_iter().partition(|(other, _)| other.value == name);
        form = rest;
        match over.is_empty() {
            true => sent.push((name.to_owned(), value)),
            false => sent.extend(over.into_iter().map(|(name, value)| (name.value, value))),
        }
    }
    sent.extend(form.into_iter().map(|(name, value)| (name.value, value)));
    Some(TokenAuth {
        url: url?,
        form: sent,
        basic: in_header.then_some((id, secret)),
        first,
        lifetime_s: lifetime.flatten().unwrap_or(LIFETIME_S),
    })
}

/// A text that must be there and is no credential.
fn needed(
    node: &Node<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    value: &str,
    problems: &mut Problems,
) -> Option<crate::document::At<String>> {
    match fields.take(key) {
        Some(node) => node.name(&format!("`{key}`"), problems),
        None => {
            problems.hint(&inside(node, key), format!("auth needs `{key}`"), format!("\"{key}\": {value}"));
            None
        }
    }
}
