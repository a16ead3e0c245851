//! What a stream asks for: its address, parameters, headers and body, and who asks.

use serde_json::{Map, Value, json};

use super::manifest::Node;
use super::text::Place;
use super::{Around, Reading};
use crate::import::SecretUse;

/// What a requester comes to.
pub(super) struct Request {
    /// Everything before the path.
    pub(super) base_url: Option<String>,
    /// `path`, `method`, `params`, `headers`, `json`, `data`.
    pub(super) endpoint: Map<String, Value>,
    /// How it is authorized.
    pub(super) auth: Option<Value>,
}

const KEYS: [&str; 16] = [
    "type",
    "name",
    "url_base",
    "url",
    "path",
    "http_method",
    "authenticator",
    "request_parameters",
    "request_headers",
    "request_body_json",
    "request_body_data",
    "request_body",
    "error_handler",
    // Airbyte's own cache of answers.
    "use_cache",
    "primary_key",
    "disable_retries",
];

impl Reading<'_> {
    /// A requester.
    pub(super) fn request(&mut self, node: &Node, around: &Around) -> Request {
        if !matches!(self.manifest.kind(node, "HttpRequester"), "HttpRequester") {
            self.leave(node, "only requests of the type HttpRequester have a form in a config");
        }
        self.close(node, &KEYS);
        let mut endpoint = Map::new();
        let (base_url, path) = self.address(node, around);
        if let Some(path) = path {
            endpoint.insert("path".into(), path.into());
        }
        match self.string(node, "http_method", Place::Credential, around).as_deref() {
            None | Some("GET") => {}
            Some(other) => {
                endpoint.insert("method".into(), other.into());
            }
        }
        let parts = [("request_headers", "headers"), ("request_parameters", "params")];
        for (from, to) in
            parts.into_iter().chain([("request_body_json", "json"), ("request_body_data", "data")])
        {
            let Some(field) = self.manifest.get(node, from) else { continue };
            if self.manifest.value(&field).is_string() && to != "data" {
                self.leave(&field, &format!("`{from}` as a text has no form in a config"));
                continue;
            }
            match self.value(&field, Place::Request, around) {
                Some(Value::Object(map)) if map.is_empty() => {}
                Some(value) => {
                    let value = if to == "headers" { texts(value) } else { value };
                    endpoint.insert(to.into(), value);
                }
                None => {}
            }
        }
        if let Some(body) = self.manifest.get(node, "request_body") {
            self.body(&body, &mut endpoint, around);
        }
        let authenticator = self.manifest.get(node, "authenticator");
        let left = self.left.len();
        let auth = authenticator.as_ref().and_then(|authenticator| self.auth(authenticator, around));
        if let Some(authenticator) = authenticator.filter(|_| auth.is_none() && self.left.len() == left)
            && self.manifest.kind(&authenticator, "") != "NoAuth"
        {
            self.leave(&authenticator, "this authenticator is not whole");
        }
        Request { base_url, endpoint, auth }
    }

    fn address(&mut self, node: &Node, around: &Around) -> (Option<String>, Option<String>) {
        let path = self.string(node, "path", Place::Path, around);
        let base = self.string(node, "url_base", Place::Address, around);
        if base.is_some() {
            return (base, path);
        }
        // The whole address in one: what may hold placeholders stands behind the host.
        let Some(url) = self.manifest.get(node, "url") else { return (None, path) };
        let text = self.manifest.value(&url).as_str().unwrap_or_default();
        let host_end = text.find("://").map_or(0, |at| at + 3);
        let host_end = text[host_end..].find('/').map(|at| host_end + at);
        let in_host = host_end.map_or(text, |at| &text[..at]).contains("{{");
        let place = if in_host { Place::Address } else { Place::Path };
        let Some(Value::String(whole)) = self.value(&url, place, around) else { return (None, path) };
        let start = whole.find("://").map_or(0, |at| at + 3);
        match whole[start..].find('/') {
            Some(at) => {
                let (base, rest) = whole.split_at(start + at);
                let path = path.map_or_else(|| rest.to_owned(), |path| format!("{rest}/{path}"));
                (Some(base.to_owned()), Some(path))
            }
            None => (Some(whole), path.or_else(|| Some(String::new()))),
        }
    }

    fn body(&mut self, node: &Node, endpoint: &mut Map<String, Value>, around: &Around) {
        let kind = self.manifest.kind(node, "").to_owned();
        let key = match kind.as_str() {
            "RequestBodyJsonObject" | "RequestBodyGraphQL" => "json",
            "RequestBodyPlainText" | "RequestBodyUrlEncodedForm" => "data",
            _ => return self.leave(node, "this kind of body has no form in a config"),
        };
        let value =
            self.manifest.get(node, "value").and_then(|value| self.value(&value, Place::Request, around));
        if let Some(value) = value {
            endpoint.insert(key.into(), value);
        }
    }

    /// How requests are authorized.
    pub(super) fn auth(&mut self, node: &Node, around: &Around) -> Option<Value> {
        let kind = self.manifest.kind(node, "").to_owned();
        let credential = |reading: &mut Self, key: &str| reading.credential(node, key, around);
        match kind.as_str() {
            "NoAuth" => None,
            "BearerAuthenticator" => {
                self.close(node, &["type", "api_token"]);
                Some(json!({"type": "bearer", "token": credential(self, "api_token")?}))
            }
            "BasicHttpAuthenticator" => {
                self.close(node, &["type", "username", "password"]);
                let username = credential(self, "username")?;
                let password = credential(self, "password").unwrap_or_default();
                Some(json!({"type": "http_basic", "username": username, "password": password}))
            }
            "ApiKeyAuthenticator" => {
                self.close(node, &["type", "api_token", "header", "inject_into"]);
                let token = credential(self, "api_token")?;
                let (place, name) = match self.manifest.get(node, "inject_into") {
                    Some(option) => {
                        let place = self.manifest.text(&option, "inject_into").unwrap_or_default().to_owned();
                        (place, self.string(&option, "field_name", Place::Credential, around)?)
                    }
                    None => ("header".to_owned(), credential(self, "header")?),
                };
                let place = match place.as_str() {
                    "header" => "header",
                    "request_parameter" => "query",
                    _ => {
                        self.leave(
                            node,
                            "a key in a body has no form in `auth`: write it in `json` or `data`",
                        );
                        return None;
                    }
                };
                Some(json!({"type": "api_key", "name": name, "api_key": token, "location": place}))
            }
            "OAuthAuthenticator" => self.oauth(node, around),
            "SessionTokenAuthenticator" => self.session(node, around),
            "JwtAuthenticator" => self.jwt(node, around),
            other => {
                self.leave(node, &format!("`{other}` has no form in a config yet"));
                None
            }
        }
    }

    /// A field of an authenticator; what is written out there is not copied.
    pub(super) fn credential(&mut self, node: &Node, key: &str, around: &Around) -> Option<String> {
        let text = self.string(node, key, Place::Credential, around)?;
        let is_secret =
            ["api_token", "password", "client_secret", "refresh_token", "secret_key"].contains(&key);
        if !is_secret || text.is_empty() || text.contains("${secrets.") {
            return Some(text);
        }
        let field = self.manifest.get(node, key)?;
        let line = self.manifest.line(&field);
        let path = format!("line {line}");
        let all = (1..).map(|at| if at == 1 { key.to_owned() } else { format!("{key}_{at}") });
        let is_free = |name: &String| self.secrets.iter().all(|used| used.name != *name || used.path == path);
        let name = all.into_iter().find(is_free)?;
        if self.secrets.iter().all(|used| used.name != name) {
            let origin = format!("written out in line {line}, and is not copied");
            self.secrets.push(SecretUse { name: name.clone(), path, origin, env: None, table: None, line });
        }
        Some(format!("${{secrets.{name}}}"))
    }

    fn oauth(&mut self, node: &Node, around: &Around) -> Option<Value> {
        const KNOWN: [&str; 11] = [
            "type",
            "client_id",
            "client_secret",
            "token_refresh_endpoint",
            "grant_type",
            "refresh_request_body",
            "scopes",
            "refresh_token",
            // What RFC 6749 calls these is what they are called here.
            "access_token_name",
            "expires_in_name",
            "token_expiry_date",
        ];
        self.close(node, &KNOWN);
        for (key, usual) in [("access_token_name", "access_token"), ("expires_in_name", "expires_in")] {
            if let Some(name) = self.manifest.get(node, key).filter(|name| self.manifest.value(name) != usual)
            {
                self.leave(&name, "a token of another name has no form in a config");
                return None;
            }
        }
        let grant = self.string(node, "grant_type", Place::Credential, around);
        let (kind, own) = match grant.as_deref() {
            Some("client_credentials") => ("oauth2_client_credentials", None),
            None | Some("refresh_token") => ("oauth2_refresh_token", Some("refresh_token")),
            Some(_) => {
                self.leave(node, "OAuth of this grant has no form in a config");
                return None;
            }
        };
        let mut auth = Map::new();
        auth.insert("type".into(), kind.into());
        let fields = [
            ("token_refresh_endpoint", "access_token_url"),
            ("client_id", "client_id"),
            ("client_secret", "client_secret"),
        ];
        for (from, to) in fields.into_iter().chain(own.map(|own| (own, own))) {
            match self.credential(node, from, around) {
                Some(value) => {
                    auth.insert(to.into(), value.into());
                }
                // A client that cannot keep a secret has none.
                None if from == "client_secret" && own.is_some() => {}
                None => return None,
            }
        }
        let body = self.manifest.get(node, "refresh_request_body");
        let body = body.and_then(|body| self.value(&body, Place::Credential, around));
        if let Some(body) = body.filter(|body| body.as_object().is_some_and(|body| !body.is_empty())) {
            auth.insert("access_token_request_data".into(), body);
        }
        let scopes = self.manifest.get(node, "scopes");
        if let Some(scopes) = scopes.and_then(|scopes| self.value(&scopes, Place::Credential, around)) {
            auth.insert("scopes".into(), scopes);
        }
        Some(auth.into())
    }
}

/// Headers are texts.
fn texts(headers: Value) -> Value {
    match headers {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(_) => (name, value),
                other => (name, other.to_string().into()),
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}
