//! Credentials that are written out in the config, for the host to seal.

use serde_json::Value;

use super::draft::Draft;
use crate::config::{Auth, Body, Config, Headers, Param, ResourceConfig};
use crate::contract::Notice;
use crate::document::{At, join};
use crate::template::names_a_secret;

/// Parameters that carry a credential whenever they carry a value.
const SECRET_PARAMS: &[&str] = &[
    "api_key",
    "apikey",
    "api-key",
    "access_token",
    "access-token",
    "auth_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "refresh_token",
    "secret",
    "password",
    "pwd",
    "token",
];

/// JSON pointers to the credentials that no `${secrets.…}` stands for, in the order of the document's reading.
pub(super) fn literal(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    auth(config.client.auth.as_ref(), &mut found);
    headers(&config.client.headers, &mut found);
    for resource in &config.resources {
        auth(resource.endpoint.auth.as_ref(), &mut found);
        headers(&resource.endpoint.headers, &mut found);
        params(resource, &mut found);
        body(resource.endpoint.body.as_ref(), &mut found);
    }
    found
}

/// Says of each query parameter in a path that looks like a credential that it cannot be sealed where it stands.
pub(super) fn in_path(resource: &ResourceConfig, draft: &Draft, notices: &mut Vec<Notice>) {
    for name in draft.query_names().filter(|name| SECRET_PARAMS.contains(&name.to_ascii_lowercase().as_str()))
    {
        notices.push(Notice {
            code: "credential-in-path",
            message: format!(
                "`{name}` in the path of `{}` looks like a credential; there it is neither kept from the connector nor taken out of what the API repeats",
                resource.name.value
            ),
            hint: Some(format!("\"params\": {{\"{name}\": \"${{secrets.{name}}}\"}}")),
            settles: Vec::new(),
        });
    }
}

fn note(text: &At<String>, found: &mut Vec<String>) {
    if !text.value.is_empty() && !names_a_secret(&text.value) && !found.contains(&text.pointer) {
        found.push(text.pointer.clone());
    }
}

fn auth(auth: Option<&Auth>, found: &mut Vec<String>) {
    if let Some(credential) = auth.and_then(Auth::credential) {
        note(credential, found);
    }
    if let Some(Auth::Token(auth)) = auth {
        auth.sent(&mut |name, value, pointer| json(name, value, pointer, found));
    }
}

fn headers(headers: &Headers, found: &mut Vec<String>) {
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let tells = ["authorization", "token", "cookie", "secret", "api-key", "api_key", "apikey"];
        // A placeholder is filled from a row, so the text around it is no credential of its own.
        if tells.iter().any(|word| name.contains(word)) && !value.value.contains('{') {
            note(value, found);
        }
    }
}

fn params(resource: &ResourceConfig, found: &mut Vec<String>) {
    for (name, param) in &resource.endpoint.params {
        if let Param::Texts(texts) = param {
            texts.iter().for_each(|text| named(name, text, found));
        }
    }
}

fn body(body: Option<&Body>, found: &mut Vec<String>) {
    match body {
        None | Some(Body::Text(_)) => {}
        Some(Body::Json(members)) => {
            members.iter().for_each(|(key, value)| json(key, &value.value, &value.pointer, found));
        }
        Some(Body::Form(fields)) => fields.iter().for_each(|(name, value)| named(&name.value, value, found)),
    }
}

fn json(key: &str, value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => named(key, &At { value: text.clone(), pointer: pointer.to_owned() }, found),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| json(key, value, &join(pointer, key), found));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                json(key, item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A value whose name says that it is a credential. One with a placeholder is filled from a row.
fn named(name: &str, value: &At<String>, found: &mut Vec<String>) {
    if SECRET_PARAMS.contains(&name.to_ascii_lowercase().as_str()) && !value.value.contains('{') {
        note(value, found);
    }
}
