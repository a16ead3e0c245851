//! Authenticators whose token has to be made first: by a login, or with a key that signs.

use serde_json::{Map, Value, json};

use super::incremental::seconds;
use super::manifest::Node;
use super::text::Place;
use super::{Around, Reading};
use crate::import::secret_name;

/// What Airbyte lets a token live for where nothing is said.
const JWT_LIFETIME_S: u64 = 1_200;

/// Where a token goes.
struct Carried {
    /// `header` or `query`.
    location: &'static str,
    /// Of the header or parameter.
    name: String,
}

impl Reading<'_> {
    /// A login, as a session's token.
    pub(super) fn session(&mut self, node: &Node, around: &Around) -> Option<Value> {
        const KNOWN: [&str; 5] = [
            "type",
            "login_requester",
            "session_token_path",
            "expiration_duration",
            "request_authentication",
        ];
        self.close(node, &KNOWN);
        let requester = self.manifest.get(node, "login_requester")?;
        let login = self.request(&requester, &Around::default());
        if let Some(handler) = self.manifest.get(&requester, "error_handler") {
            self.leave(&handler, "how a failed login is tried again has no form in a config");
        }
        let mut endpoint = login.endpoint;
        let path =
            endpoint.remove("path").and_then(|path| path.as_str().map(str::to_owned)).unwrap_or_default();
        let base = login.base_url.unwrap_or_default();
        let mut url = format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'));
        if let Some(params) = endpoint.remove("params") {
            match query(&params) {
                Some(query) => url = format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' }),
                None => {
                    let params = self.manifest.get(&requester, "request_parameters").unwrap_or_default();
                    self.leave(&params, "these parameters of a login have no form in a config");
                    return None;
                }
            }
        }
        if let Some(auth) = login.auth {
            let mut headers = Map::new();
            match (auth["type"].as_str(), auth["location"].as_str()) {
                (Some("bearer"), _) => {
                    let token = auth["token"].as_str().unwrap_or_default();
                    headers.insert("Authorization".into(), format!("Bearer {token}").into());
                }
                (Some("api_key"), Some("header")) => {
                    let name = auth["name"].as_str().unwrap_or_default().to_owned();
                    headers.insert(name, auth["api_key"].clone());
                }
                _ => {
                    self.leave(&requester, "a login that is authorized like this has no form in a config");
                    return None;
                }
            }
            super::merge(&mut endpoint, "headers", headers);
        }
        if endpoint.get("data").is_some_and(Value::is_string) {
            self.leave(&requester, "a login is sent as JSON or as a form: this body has no form in a config");
            return None;
        }
        let keys: Vec<Value> = self
            .manifest
            .list(node, "session_token_path")
            .iter()
            .map(|key| self.manifest.value(key).clone())
            .collect();
        let Some(token) = super::rows::json_path(&keys).filter(|path| !path.is_empty()) else {
            self.leave(node, "the path to this token has no form in a config");
            return None;
        };
        let mut auth = Map::from_iter([
            ("type".to_owned(), json!("session_token")),
            ("path".to_owned(), unescaped(url.into())),
        ]);
        let method = endpoint.remove("method").unwrap_or_else(|| "GET".into());
        auth.insert("method".into(), method);
        auth.extend(endpoint.into_iter().map(|(key, value)| (key, unescaped(value))));
        auth.insert("token_path".into(), token.into());
        self.carried_session(node, &mut auth, around)?;
        if let Some(length) = self.manifest.get(node, "expiration_duration") {
            match self.manifest.value(&length).as_str().and_then(seconds) {
                Some(seconds) => {
                    auth.insert("default_token_expiration".into(), seconds.into());
                }
                None => self.leave(&length, "this length of time has no form in a config"),
            }
        }
        Some(auth.into())
    }

    /// Where requests carry the session's token.
    fn carried_session(&mut self, node: &Node, auth: &mut Map<String, Value>, around: &Around) -> Option<()> {
        let request = self.manifest.get(node, "request_authentication").unwrap_or_default();
        match self.manifest.kind(&request, "").to_owned().as_str() {
            "Bearer" => self.close(&request, &["type"]),
            "ApiKey" => {
                self.close(&request, &["type", "inject_into"]);
                let option = self.manifest.get(&request, "inject_into")?;
                let carried = self.carried(&option, around)?;
                auth.insert("location".into(), carried.location.into());
                // A header of this name would have `Bearer ` in it.
                if carried.name.eq_ignore_ascii_case("authorization") {
                    auth.insert("prefix".into(), "".into());
                }
                auth.insert("name".into(), carried.name.into());
            }
            other => {
                let what = format!("a session that is carried as `{other}` has no form in a config");
                self.leave(&request, &what);
                return None;
            }
        }
        Some(())
    }

    fn carried(&mut self, option: &Node, around: &Around) -> Option<Carried> {
        let name = self.string(option, "field_name", Place::Credential, around)?;
        match self.manifest.text(option, "inject_into").unwrap_or_default().to_owned().as_str() {
            "header" => Some(Carried { location: "header", name }),
            "request_parameter" => Some(Carried { location: "query", name }),
            other => {
                let what = format!("a token in `{other}` has no form in a config");
                self.leave(option, &what);
                None
            }
        }
    }

    /// A token that a key signs: a secret of the kind `jwt`, which stands in the file of secrets.
    pub(super) fn jwt(&mut self, node: &Node, around: &Around) -> Option<Value> {
        const KNOWN: [&str; 11] = [
            "type",
            "secret_key",
            "algorithm",
            "token_duration",
            "header_prefix",
            "jwt_headers",
            "jwt_payload",
            "additional_jwt_payload",
            "base64_encode_secret_key",
            "request_option",
            "additional_jwt_headers",
        ];
        self.close(node, &KNOWN);
        let algorithm = self.string(node, "algorithm", Place::Credential, around)?;
        if !matches!(algorithm.as_str(), "HS256" | "RS256" | "ES256") {
            self.leave(node, &format!("tokens signed by `{algorithm}` have no form in a config"));
            return None;
        }
        let key = self.credential(node, "secret_key", around)?;
        let Some(name) = secret_name(&key).map(str::to_owned) else {
            self.leave(
                node,
                "the key of a token is a secret by itself in a config, and nothing is added to it",
            );
            return None;
        };
        let mut secret = json!({"value": "…", "kind": "jwt", "alg": algorithm});
        let claims = self.claims(node, around);
        if !claims.is_empty() {
            secret["claims"] = claims.into();
        }
        let lifetime =
            self.manifest.get(node, "token_duration").map(|node| self.manifest.value(&node).clone());
        secret["ttl_s"] = lifetime
            .filter(|value| value.as_u64().is_some_and(|s| s > 0))
            .unwrap_or_else(|| JWT_LIFETIME_S.into());
        if let Some(headers) = self.manifest.get(node, "jwt_headers") {
            self.close(&headers, &["kid", "typ"]);
            if let Some(key_id) = self.claim(&headers, "kid", around) {
                secret["key_id"] = key_id;
            }
        }
        if let Some(headers) = self.manifest.get(node, "additional_jwt_headers")
            && self.manifest.value(&headers).as_object().is_some_and(|headers| !headers.is_empty())
        {
            self.leave(&headers, "more headers of a token have no form in a config");
        }
        if let Some(encoded) = self.manifest.get(node, "base64_encode_secret_key")
            && self.manifest.value(&encoded) == true
        {
            self.leave(&encoded, "the key is encoded first: give the secret as its Base64");
        }
        if let Some(used) = self.secrets.iter_mut().find(|used| used.name == name) {
            used.table = Some(secret);
        }
        let carried = match self.manifest.get(node, "request_option") {
            Some(option) => self.carried(&option, around)?,
            None => Carried { location: "header", name: "Authorization".to_owned() },
        };
        let prefix = self.string(node, "header_prefix", Place::Credential, around).unwrap_or_default();
        Some(match (carried.location, prefix.as_str()) {
            ("header", "Bearer") if carried.name.eq_ignore_ascii_case("authorization") => {
                json!({"type": "bearer", "token": key})
            }
            (location, prefix) => {
                let token = format!("{prefix} {key}").trim_start().to_owned();
                json!({"type": "api_key", "name": carried.name, "api_key": token, "location": location})
            }
        })
    }

    fn claims(&mut self, node: &Node, around: &Around) -> Map<String, Value> {
        let mut claims = Map::new();
        for part in ["jwt_payload", "additional_jwt_payload"] {
            let Some(part) = self.manifest.get(node, part) else { continue };
            for (name, _) in self.manifest.entries(&part) {
                if let Some(claim) = self.claim(&part, &name, around) {
                    claims.insert(name, claim);
                }
            }
        }
        claims
    }

    /// What a token says, which stands in the file of secrets: what Airbyte asks its user for is to be written there.
    fn claim(&mut self, node: &Node, name: &str, around: &Around) -> Option<Value> {
        let field = self.manifest.get(node, name)?;
        let secrets = self.secrets.len();
        let value = self.value(&field, Place::Credential, around)?;
        if !value.to_string().contains("${secrets.") {
            return Some(value);
        }
        self.secrets.truncate(secrets);
        self.leave(
            &field,
            &format!("`{name}` of a token is asked of the user: write it beside the secret's key"),
        );
        Some("…".into())
    }
}

/// Parameters as a query; `None` where a secret would stand in it.
fn query(params: &Value) -> Option<String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in params.as_object()? {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        if value.contains("${secrets.") {
            return None;
        }
        query.append_pair(name, &value);
    }
    Some(query.finish())
}

/// A login has no placeholders, so that its braces are braces.
fn unescaped(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace("{{", "{").replace("}}", "}").into(),
        Value::Array(items) => items.into_iter().map(unescaped).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key, unescaped(value))).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}
