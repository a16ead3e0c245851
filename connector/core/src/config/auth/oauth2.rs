//! `auth` of OAuth's types: a token for a client's id and secret (RFC 6749, 4.4), for what was given with an earlier one
//! (RFC 6749, 6), or for an assertion that is signed (RFC 7523).

use super::{Put, Take, TokenAuth, TokenBody, credential, needed};
use crate::config::{Method, body};
use crate::diagnostic::Problems;
use crate::document::{At, Fields, Keys, Node};

/// dlt's `default_token_expiration`.
pub(super) const LIFETIME_S: u64 = 3_600;

const ELSEWHERE: &[(&str, &str)] = &[
    ("audience", "write it under `access_token_request_data`"),
    ("grant_type", "write it under `access_token_request_data`"),
    ("token_url", "write `access_token_url`"),
];

const CLIENT_CREDENTIALS: Keys = Keys {
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
        "scopes",
    ],
    later: &["session"],
    elsewhere: ELSEWHERE,
};

const REFRESH_TOKEN: Keys = Keys {
    of: "auth of type `oauth2_refresh_token`",
    known: &[
        "type",
        "access_token_url",
        "client_id",
        "client_secret",
        "refresh_token",
        "access_token",
        "access_token_request_data",
        "default_token_expiration",
        "token_endpoint_auth_method",
        "scopes",
    ],
    later: &[],
    elsewhere: ELSEWHERE,
};

const JWT_BEARER: Keys = Keys {
    of: "auth of type `oauth2_jwt_bearer`",
    known: &[
        "type",
        "access_token_url",
        "assertion",
        "client_id",
        "client_secret",
        "access_token",
        "access_token_request_data",
        "default_token_expiration",
        "token_endpoint_auth_method",
        "scopes",
    ],
    later: &[],
    elsewhere: ELSEWHERE,
};

pub(super) fn client_credentials(
    node: &Node<'_>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<TokenAuth> {
    let secret = credential(node, &mut fields, "client_secret", problems);
    let auth = grant(node, &mut fields, secret, Vec::new(), "client_credentials", problems);
    fields.close(&CLIENT_CREDENTIALS, problems);
    auth.filter(|auth| auth.basic.is_some() || auth.sends("client_secret"))
}

pub(super) fn refresh_token(
    node: &Node<'_>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<TokenAuth> {
    let token = credential(node, &mut fields, "refresh_token", problems);
    if let Some(token) = token.as_ref().filter(|token| is_mixed(&token.value)) {
        let hint = "write \"${secrets.refresh_token}\"";
        problems.hint(
            &token.pointer,
            "a refresh token is one secret and nothing else: another may take its place",
            hint,
        );
    }
    // A client that cannot keep a secret has none (RFC 6749, 2.1).
    let secret = fields.take("client_secret").and_then(|node| node.name("a credential", problems));
    let own = token.iter().map(|token| ("refresh_token".to_owned(), token.clone())).collect();
    let auth = grant(node, &mut fields, secret, own, "refresh_token", problems);
    fields.close(&REFRESH_TOKEN, problems);
    Some(TokenAuth { rotates: Some(token?), ..auth? })
}

pub(super) fn jwt_bearer(
    node: &Node<'_>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<TokenAuth> {
    let assertion = credential(node, &mut fields, "assertion", problems);
    let secret = fields.take("client_secret").and_then(|node| node.name("a credential", problems));
    let own = assertion.iter().map(|text| ("assertion".to_owned(), text.clone())).collect();
    let grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let auth = grant(node, &mut fields, secret, own, grant_type, problems);
    fields.close(&JWT_BEARER, problems);
    assertion.and(auth)
}

/// What the grants have in common. `own` are the grant's own fields.
fn grant(
    node: &Node<'_>,
    fields: &mut Fields<'_>,
    secret: Option<At<String>>,
    own: Vec<(String, At<String>)>,
    grant_type: &str,
    problems: &mut Problems,
) -> Option<TokenAuth> {
    let url = needed(node, fields, "access_token_url", "\"https://…/token\"", problems);
    // An assertion says itself who asks.
    let is_said = own.iter().any(|(name, _)| name == "assertion") && fields.get("client_id").is_none();
    let id = (!is_said).then(|| needed(node, fields, "client_id", "\"…\"", problems));
    let first = fields.take("access_token").and_then(|node| node.name("a token", problems));
    let mut data = Vec::new();
    if let Some(node) = fields.take("access_token_request_data") {
        data = body::form(&node, problems);
    }
    if let Some(node) = fields.take("scopes") {
        let scopes = node.names("a scope", problems).unwrap_or_default();
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.value.as_str()).collect();
        data.push((node.at("scope".to_owned()), node.at(scopes.join(" "))));
    }
    let lifetime = fields.take("default_token_expiration").and_then(|node| node.count(problems));
    let in_header = fields.take("token_endpoint_auth_method").is_some_and(|node| in_header(&node, problems));
    let url = url?;
    let id = match id {
        Some(needed) => Some(needed?),
        None => None,
    };
    // dlt's order. What `access_token_request_data` has of the same name takes a field's place, as there.
    let mut form = Vec::new();
    let basic = id.clone().zip(secret.clone()).filter(|_| in_header);
    if basic.is_none() {
        form.extend(id.map(|id| ("client_id".to_owned(), id)));
        form.extend(secret.map(|secret| ("client_secret".to_owned(), secret)));
    }
    form.push(("grant_type".to_owned(), node.at(grant_type.to_owned())));
    form.extend(own);
    let mut sent = Vec::new();
    for (name, value) in form {
        let (over, rest): (Vec<_>, Vec<_>) = data.into_iter().partition(|(other, _)| other.value == name);
        data = rest;
        match over.is_empty() {
            true => sent.push((name, value)),
            false => sent.extend(over.into_iter().map(|(name, value)| (name.value, value))),
        }
    }
    sent.extend(data.into_iter().map(|(name, value)| (name.value, value)));
    Some(TokenAuth {
        method: Method::Post,
        url,
        headers: Vec::new(),
        body: TokenBody::Form(sent),
        basic,
        take: Take::Body("/access_token".to_owned()),
        put: Put::Header { name: "Authorization".to_owned(), prefix: "Bearer ".to_owned() },
        first,
        rotates: None,
        lifetime_s: lifetime.unwrap_or(LIFETIME_S),
    })
}

/// OpenID Connect's words for where a client's secret goes.
fn in_header(node: &Node<'_>, problems: &mut Problems) -> bool {
    match node.name("a method", problems).as_ref().map(|name| name.value.as_str()) {
        Some("client_secret_basic") => true,
        Some("client_secret_post") | None => false,
        Some(other) => {
            let message = format!("unknown way to send a client's secret: `{other}`");
            problems.hint(&node.pointer, message, "`client_secret_post` or `client_secret_basic`");
            false
        }
    }
}

/// Whether a text is more than a reference to a secret.
fn is_mixed(text: &str) -> bool {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    text.contains("${secrets.") && inner.is_none_or(|inner| inner.contains(['$', '}']))
}
