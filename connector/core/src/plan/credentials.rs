//! Credentials that are written out in the config, for the host to seal.

use super::draft::Draft;
use crate::config::{Auth, Config, Headers, Param, ResourceConfig};
use crate::contract::Notice;
use crate::document::At;
use crate::template::names_a_secret;

/// Parameters that carry a credential whenever they carry a value.
const SECRET_PARAMS: &[&str] = &[
    "api_key",
    "apikey",
    "api-key",
    "access_token",
    "access-token",
    "auth_token",
    "client_secret",
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
    if let Some(auth) = auth {
        note(auth.credential(), found);
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
        if let Param::Texts(texts) = param
            && SECRET_PARAMS.contains(&name.to_ascii_lowercase().as_str())
        {
            texts.iter().filter(|text| !text.value.contains('{')).for_each(|text| note(text, found));
        }
    }
}
