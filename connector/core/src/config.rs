//! The config as written: every value read by hand, with the pointer to its place; defaults merged, nothing resolved.

mod absent;
mod actions;
mod auth;
mod body;
mod columns;
mod disposition;
mod endpoint;
mod hints;
mod incremental;
mod paginator;
mod resource;
mod steps;

use std::borrow::Cow;

use serde_json::Value;

pub(crate) use auth::{ApiKeyPlace, Auth, Put, Take, TokenAuth, TokenBody};
pub(crate) use body::Body;
pub(crate) use columns::for_the_host;
pub(crate) use disposition::Strategy;
pub(crate) use endpoint::{Method, Param};
pub(crate) use incremental::{Incremental, Missing, RowOrder};
pub(crate) use paginator::{
    CursorConfig, LinkConfig, OffsetConfig, PageNumberConfig, Paginator, Source, Spot, read as read_paginator,
};
pub(crate) use resource::{ResourceConfig, TotalMode};

use crate::diagnostic::Problems;
use crate::document::{At, Fields, Keys, Node, join};
use crate::template::without_placeholders;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) client: Client,
    pub(crate) resources: Vec<ResourceConfig>,
}

#[derive(Debug, Default)]
pub(crate) struct Client {
    /// `None`: it is missing, and that has been reported.
    pub(crate) base_url: Option<At<String>>,
    pub(crate) headers: Headers,
    pub(crate) auth: Option<Auth>,
    pub(crate) paginator: Option<Paginator>,
}

/// Names and values, in the order of writing.
pub(crate) type Headers = Vec<(String, At<String>)>;

const TOP: Keys = Keys {
    of: "the config",
    known: &["client", "resource_defaults", "resources"],
    later: &[],
    elsewhere: &[("base_url", "write it under `client`"), ("auth", "write it under `client`")],
};

const CLIENT: Keys = Keys {
    of: "`client`",
    known: &["base_url", "headers", "auth", "paginator"],
    later: &["session"],
    elsewhere: &[
        ("params", "write it under `resource_defaults.endpoint`"),
        ("error_handler", "write it under `resource_defaults.endpoint`"),
    ],
};

/// Reads a config; what cannot be read is in `problems`, and the rest is read all the same.
pub(crate) fn read(document: &Value, problems: &mut Problems) -> Option<Config> {
    let root = Node { value: document, pointer: String::new() };
    let mut fields = root.object("a config", problems)?;
    let client = match fields.take("client") {
        Some(node) => client(&node, problems),
        None => {
            problems.hint("", "`client` is missing", "\"client\": {\"base_url\": \"https://…\"}");
            Client::default()
        }
    };
    let defaults = fields.take("resource_defaults").and_then(|node| resource::defaults(&node, problems));
    let resources = match fields.take("resources") {
        Some(node) => resource::resources(&node, &defaults.unwrap_or_default(), problems),
        None => {
            problems.hint("", "`resources` is missing", "\"resources\": [\"posts\"]");
            Vec::new()
        }
    };
    fields.close(&TOP, problems);
    Some(Config { client, resources })
}

fn client(node: &Node<'_>, problems: &mut Problems) -> Client {
    let Some(mut fields) = node.object("`client`", problems) else {
        return Client::default();
    };
    let base_url = match fields.take("base_url") {
        Some(node) => node.name("a base URL", problems),
        None => {
            let hint = "\"base_url\": \"https://…\"";
            problems.hint(&inside(node, "base_url"), "`base_url` is missing", hint);
            None
        }
    };
    let headers = fields.take("headers").map(|node| headers(&node, false, problems)).unwrap_or_default();
    let auth = fields.take("auth").and_then(|node| auth::read(&node, problems));
    let paginator = fields.take("paginator").and_then(|node| paginator::read(&node, problems));
    fields.close(&CLIENT, problems);
    Client { base_url, headers, auth, paginator }
}

/// Characters of a header's name (RFC 9110, 5.6.2).
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Headers of the connection, not of the request: wasi:http refuses them.
const SET_BY_THE_HOST: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// `templated`: placeholders may stand in names, as they may in an endpoint's.
fn headers(node: &Node<'_>, templated: bool, problems: &mut Problems) -> Headers {
    let Some(fields) = node.object("headers", problems) else {
        return Vec::new();
    };
    let mut headers: Headers = Vec::new();
    for (name, node) in fields.into_iter() {
        let Some(value) = node.string("a header's value", problems) else {
            continue;
        };
        let plain = if templated { without_placeholders(name) } else { Cow::Borrowed(name) };
        if !is_token(&plain) {
            problems.add(&node.pointer, format!("`{name}` cannot be the name of a header"));
        } else if SET_BY_THE_HOST.contains(&name.to_ascii_lowercase().as_str()) {
            problems.add(
                &node.pointer,
                format!("the header `{name}` belongs to the connection and cannot be set"),
            );
        } else if value.value.contains(|char: char| char.is_ascii_control() && char != '\t') {
            problems.add(&node.pointer, format!("a control character cannot stand in the header `{name}`"));
        } else if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            problems.add(&node.pointer, format!("the header `{name}` stands twice"));
        } else {
            headers.push((name.to_owned(), value));
        }
    }
    headers
}

/// The `type` of a union such as auth or paginator: the text itself, or the object's key.
fn union<'a>(
    node: &Node<'a>,
    what: &str,
    problems: &mut Problems,
) -> Option<(Option<At<String>>, Fields<'a>)> {
    if node.value.is_string() {
        return Some((node.name(what, problems), Fields::default()));
    }
    let mut fields = node.object(what, problems)?;
    let kind = match fields.take("type") {
        Some(node) => Some(node.name("a type", problems)?),
        None => None,
    };
    Some((kind, fields))
}

/// A pointer for something that should stand in `node` but does not.
pub(crate) fn inside(node: &Node<'_>, key: &str) -> String {
    if node.value.is_object() { join(&node.pointer, key) } else { node.pointer.clone() }
}
