//! `auth`: how requests say who they are.

mod oauth2;
mod session;

use serde_json::Value;

use super::{Headers, Method, inside, union};
use crate::diagnostic::{Problems, did_you_mean, list};
use crate::document::{At, Fields, Keys, Node, join};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Auth {
    Bearer { token: At<String> },
    ApiKey { name: String, key: At<String>, place: ApiKeyPlace },
    Basic { username: At<String>, password: At<String> },
    Token(Box<TokenAuth>),
}

/// A token that a request of its own asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenAuth {
    pub(crate) method: Method,
    /// Where; a plan has it whole.
    pub(crate) url: At<String>,
    pub(crate) headers: Headers,
    pub(crate) body: TokenBody,
    /// A client's id and secret, where they go into a header.
    pub(crate) basic: Option<(At<String>, At<String>)>,
    /// Where the answer holds the token.
    pub(crate) take: Take,
    /// Where requests carry it.
    pub(crate) put: Put,
    /// A token that is used before any is asked for.
    pub(crate) first: Option<At<String>>,
    /// What an answer's `refresh_token` takes the place of.
    pub(crate) rotates: Option<At<String>>,
    /// How long a token is used whose answer does not say so.
    pub(crate) lifetime_s: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenBody {
    None,
    Form(Vec<(String, At<String>)>),
    Json(Vec<(String, At<Value>)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Take {
    /// A JSON pointer.
    Body(String),
    /// A header.
    Header(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Put {
    Header { name: String, prefix: String },
    Query(String),
    Cookie(String),
}

impl TokenAuth {
    /// Shows everything that is sent for the token and may be a credential: its name, what it is, and where it is written.
    pub(crate) fn sent(&self, see: &mut dyn FnMut(&str, &Value, &str)) {
        let text = |value: &At<String>| Value::from(value.value.as_str());
        for (name, value) in &self.headers {
            see(name, &text(value), &value.pointer);
        }
        match &self.body {
            TokenBody::None => {}
            TokenBody::Form(fields) => {
                fields.iter().for_each(|(name, value)| see(name, &text(value), &value.pointer));
            }
            TokenBody::Json(members) => {
                members.iter().for_each(|(name, value)| texts(name, &value.value, &value.pointer, see));
            }
        }
        if let Some((_, secret)) = &self.basic {
            see("client_secret", &text(secret), &secret.pointer);
        }
    }

    fn sends(&self, field: &str) -> bool {
        matches!(&self.body, TokenBody::Form(fields) if fields.iter().any(|(name, _)| name == field))
    }
}

/// Each text of JSON, with the name that it stands under and its place.
fn texts(key: &str, value: &Value, pointer: &str, see: &mut dyn FnMut(&str, &Value, &str)) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| texts(key, value, &join(pointer, key), see));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(key, item, &format!("{pointer}/{index}"), see);
            }
        }
        text => see(key, text, pointer),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiKeyPlace {
    Header,
    Query,
    Cookie,
}

impl Auth {
    /// What must not be written out: a token, a key or a password; a user's name only where it takes the password's
    /// place.
    pub(crate) fn credential(&self) -> Option<&At<String>> {
        match self {
            Self::Bearer { token } => Some(token),
            Self::ApiKey { key, .. } => Some(key),
            Self::Basic { username, password } if password.value.is_empty() => Some(username),
            Self::Basic { password, .. } => Some(password),
            Self::Token(auth) => auth.first.as_ref(),
        }
    }
}

const TYPES: &[&str] = &[
    "api_key",
    "bearer",
    "http_basic",
    "oauth2_client_credentials",
    "oauth2_jwt_bearer",
    "oauth2_refresh_token",
    "session_token",
];

pub(crate) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Auth> {
    let (kind, fields) = union(node, "auth", problems)?;
    // dlt takes an object without a type for a bearer token.
    let name = kind.as_ref().map_or("bearer", |kind| kind.value.as_str());
    match name {
        "bearer" => bearer(node, fields, problems),
        "api_key" => api_key(node, fields, problems),
        "http_basic" => basic(node, fields, problems),
        "oauth2_client_credentials" => {
            oauth2::client_credentials(node, fields, problems).map(Box::new).map(Auth::Token)
        }
        "oauth2_jwt_bearer" => oauth2::jwt_bearer(node, fields, problems).map(Box::new).map(Auth::Token),
        "oauth2_refresh_token" => {
            oauth2::refresh_token(node, fields, problems).map(Box::new).map(Auth::Token)
        }
        "session_token" => session::session_token(node, fields, problems).map(Box::new).map(Auth::Token),
        other => {
            if node.value.is_string() {
                // It may be the credential itself, which no message may repeat.
                let hint = "{\"type\": \"bearer\", \"token\": \"${secrets.token}\"}";
                problems.hint(&node.pointer, "this text is no type of auth", hint);
                return None;
            }
            let pointer = kind.as_ref().map_or(&node.pointer, |kind| &kind.pointer);
            let hint = did_you_mean(other, TYPES.iter().copied())
                .unwrap_or_else(|| format!("known here: {}", list(TYPES.iter().copied())));
            problems.hint(pointer, format!("unknown type of auth `{other}`"), hint);
            None
        }
    }
}

/// A credential that must be there; dlt would look for a missing one in its own secrets.
fn credential(
    node: &Node<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    problems: &mut Problems,
) -> Option<At<String>> {
    match fields.take(key) {
        Some(node) => node.name("a credential", problems),
        None => {
            let hint = format!("\"{key}\": \"${{secrets.{key}}}\"");
            problems.hint(&inside(node, key), format!("auth needs `{key}`"), hint);
            None
        }
    }
}

/// A text that must be there and is no credential.
fn needed(
    node: &Node<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    value: &str,
    problems: &mut Problems,
) -> Option<At<String>> {
    match fields.take(key) {
        Some(node) => node.name(&format!("`{key}`"), problems),
        None => {
            problems.hint(&inside(node, key), format!("auth needs `{key}`"), format!("\"{key}\": {value}"));
            None
        }
    }
}

/// Where a key or a token goes.
fn location(node: &Node<'_>, problems: &mut Problems) -> Option<ApiKeyPlace> {
    match node.name("a location", problems)?.value.as_str() {
        "header" => Some(ApiKeyPlace::Header),
        "query" | "param" => Some(ApiKeyPlace::Query),
        "cookie" => Some(ApiKeyPlace::Cookie),
        other => {
            let message = format!("unknown location `{other}`");
            problems.hint(&node.pointer, message, "`header`, `query` or `cookie`");
            None
        }
    }
}

fn bearer(node: &Node<'_>, mut fields: Fields<'_>, problems: &mut Problems) -> Option<Auth> {
    let token = credential(node, &mut fields, "token", problems);
    fields.close(
        &Keys { of: "auth of type `bearer`", known: &["type", "token"], later: &[], elsewhere: &[] },
        problems,
    );
    Some(Auth::Bearer { token: token? })
}

fn api_key(node: &Node<'_>, mut fields: Fields<'_>, problems: &mut Problems) -> Option<Auth> {
    let key = credential(node, &mut fields, "api_key", problems);
    let name = match fields.take("name") {
        Some(node) => node.name("the name of a header or parameter", problems)?.value,
        None => "Authorization".to_owned(),
    };
    let place = match fields.take("location") {
        None => ApiKeyPlace::Header,
        Some(node) => location(&node, problems).unwrap_or(ApiKeyPlace::Query),
    };
    if place != ApiKeyPlace::Query && !super::is_token(&name) {
        let what = if place == ApiKeyPlace::Header { "header" } else { "cookie" };
        problems.add(&inside(node, "name"), format!("`{name}` cannot be the name of a {what}"));
    }
    let known = &["type", "name", "api_key", "location"];
    fields.close(&Keys { of: "auth of type `api_key`", known, later: &[], elsewhere: &[] }, problems);
    Some(Auth::ApiKey { name, key: key?, place })
}

fn basic(node: &Node<'_>, mut fields: Fields<'_>, problems: &mut Problems) -> Option<Auth> {
    let username = match fields.take("username") {
        Some(node) => node.string("a user's name", problems),
        None => {
            problems.hint(&inside(node, "username"), "auth needs `username`", "\"username\": \"…\"");
            None
        }
    };
    if username.as_ref().is_some_and(|name| name.value.contains(':')) {
        let hint = "what follows the first `:` is the password";
        problems.hint(&inside(node, "username"), "`:` cannot stand in a user's name (RFC 7617)", hint);
    }
    // An empty password is usual where the user's name is the key.
    let password = match fields.get("password").map(|node| node.value.as_str()) {
        Some(Some("")) => fields.take("password").map(|node| node.at(String::new())),
        _ => credential(node, &mut fields, "password", problems),
    };
    let known = &["type", "username", "password"];
    fields.close(&Keys { of: "auth of type `http_basic`", known, later: &[], elsewhere: &[] }, problems);
    Some(Auth::Basic { username: username?, password: password? })
}
