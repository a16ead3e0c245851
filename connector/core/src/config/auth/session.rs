//! `auth` of type `session_token`: a token that a request of the config's own making brings, such as a login.

use super::oauth2::LIFETIME_S;
use super::{Put, Take, TokenAuth, TokenBody, location, needed};
use crate::config::{ApiKeyPlace, Body, Method, body, headers, inside, is_token};
use crate::diagnostic::Problems;
use crate::document::{Fields, Keys, Node};
use crate::json::Step;
use crate::select::Selector;

const KEYS: Keys = Keys {
    of: "auth of type `session_token`",
    known: &[
        "type",
        "path",
        "method",
        "headers",
        "json",
        "data",
        "token_path",
        "token_header",
        "location",
        "name",
        "prefix",
        "default_token_expiration",
    ],
    later: &[],
    elsewhere: &[("access_token_url", "write `path`"), ("params", "write them into `path`")],
};

pub(super) fn session_token(
    node: &Node<'_>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<TokenAuth> {
    let url = needed(node, &mut fields, "path", "\"/login\"", problems);
    let method = match fields.take("method") {
        None => Method::Post,
        Some(node) => match node.name("a method", problems)?.value.as_str() {
            "POST" => Method::Post,
            "GET" => Method::Get,
            other => {
                problems.hint(&node.pointer, format!("unknown method `{other}`"), "`GET` or `POST`");
                Method::Post
            }
        },
    };
    let headers = fields.take("headers").map(|node| headers(&node, false, problems)).unwrap_or_default();
    let json = fields.take("json").and_then(|node| body::json(&node, problems));
    let body = match body::read(json, fields.take("data"), problems) {
        None => TokenBody::None,
        Some(Body::Json(members)) => TokenBody::Json(members),
        Some(Body::Form(pairs)) => {
            TokenBody::Form(pairs.into_iter().map(|(name, value)| (name.value, value)).collect())
        }
        Some(Body::Text(text)) => {
            problems.add(&text.pointer, "a login is sent as `json`, or as a form: an object under `data`");
            TokenBody::None
        }
    };
    let take = take(node, &mut fields, problems);
    let (place, at) = match fields.take("location") {
        None => (ApiKeyPlace::Header, node.pointer.clone()),
        Some(node) => (location(&node, problems).unwrap_or(ApiKeyPlace::Header), node.pointer),
    };
    let name = fields.take("name").and_then(|node| node.name("the name of a header or parameter", problems));
    let prefix = fields.take("prefix").and_then(|node| node.string("what stands before the token", problems));
    let lifetime = fields.take("default_token_expiration").and_then(|node| node.count(problems));
    fields.close(&KEYS, problems);
    let name = match (name, place) {
        (Some(name), _) => name.value,
        (None, ApiKeyPlace::Header) => "Authorization".to_owned(),
        (None, _) => {
            problems.hint(
                &at,
                "auth needs `name`: what the parameter or cookie is called",
                "\"name\": \"…\"",
            );
            return None;
        }
    };
    if place != ApiKeyPlace::Query && !is_token(&name) {
        let what = if place == ApiKeyPlace::Header { "header" } else { "cookie" };
        problems.add(&inside(node, "name"), format!("`{name}` cannot be the name of a {what}"));
    }
    let put = match place {
        ApiKeyPlace::Header => {
            let usual = if name.eq_ignore_ascii_case("authorization") { "Bearer " } else { "" };
            Put::Header { name, prefix: prefix.map_or_else(|| usual.to_owned(), |prefix| prefix.value) }
        }
        other => {
            if let Some(prefix) = prefix {
                problems.hint(&prefix.pointer, "`prefix` is for a header", "leave it out");
            }
            if other == ApiKeyPlace::Query { Put::Query(name) } else { Put::Cookie(name) }
        }
    };
    Some(TokenAuth {
        method,
        url: url?,
        headers,
        body,
        basic: None,
        take: take?,
        put,
        first: None,
        rotates: None,
        lifetime_s: lifetime.unwrap_or(LIFETIME_S),
    })
}

/// Where the answer holds the token.
fn take(node: &Node<'_>, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Take> {
    let header = fields.take("token_header");
    match (fields.take("token_path"), header) {
        (Some(path), None) => match Selector::parse(&path.name("a path", problems)?.value) {
            Ok(Selector::Plain(steps)) if !steps.is_empty() => Some(Take::Body(pointer(&steps))),
            _ => {
                problems.hint(&path.pointer, "the path to a token is of plain names", "\"data.token\"");
                None
            }
        },
        (None, Some(header)) => {
            let name = header.name("a header's name", problems)?.value;
            if !is_token(&name) {
                problems.add(&header.pointer, format!("`{name}` cannot be the name of a header"));
            }
            Some(Take::Header(name))
        }
        (Some(_), Some(header)) => {
            problems.hint(&header.pointer, "the token stands in one place", "`token_path` or `token_header`");
            None
        }
        (None, None) => {
            let hint = "\"token_path\": \"data.token\", or \"token_header\": \"X-Session\"";
            problems.hint(
                &inside(node, "token_path"),
                "auth needs `token_path` or `token_header`: where the answer holds the token",
                hint,
            );
            None
        }
    }
}

fn pointer(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Member(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Index(index) => format!("/{index}"),
    };
    steps.iter().map(step).collect()
}
