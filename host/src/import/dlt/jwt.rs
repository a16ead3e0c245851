//! `OAuthJWTAuth`: a key whose assertions are exchanged for a token.

use serde_json::{Map, Value, json};
use tree_sitter::Node;

use super::evaluate::{Evaluator, Why};
use crate::import::secret_name;

impl<'t> Evaluator<'t> {
    /// The auth that says the same as dlt's arguments. What the key signs stands beside it, in the file of secrets.
    pub(super) fn jwt_bearer(&mut self, node: Node<'t>, mut given: Map<String, Value>) -> Result<Value, Why> {
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let endpoint = text(given.remove("auth_endpoint"));
        let client_id = text(given.remove("client_id"));
        let key = text(given.remove("private_key"));
        let (Some(endpoint), Some(client_id), Some(key)) = (endpoint, client_id, key) else {
            return Err(self.why(node, "is not whole: it wants auth_endpoint, client_id and private_key"));
        };
        let Some(name) = secret_name(&key).map(str::to_owned) else {
            return Err(self.why(node, "has its key in the program: keep that as a secret"));
        };
        let mut claims = Map::new();
        let mut claim = |claimed: &str, value: &str| {
            let value = if value.contains("${secrets.") { "…" } else { value };
            claims.insert(claimed.to_owned(), value.into());
        };
        claim("iss", &client_id);
        claim("sub", &client_id);
        claim("aud", &endpoint);
        match given.remove("scopes") {
            Some(Value::String(scopes)) => claim("scope", &scopes),
            Some(Value::Array(scopes)) => {
                let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
                claim("scope", &scopes.join(" "));
            }
            _ => {}
        }
        if let Some(used) = self.secrets.iter_mut().find(|used| used.name == name) {
            used.table = Some(json!({"value": "…", "kind": "jwt", "alg": "RS256", "claims": claims}));
        }
        // What only the claims speak of is written with them.
        if let Some(name) = secret_name(&client_id) {
            self.secrets.retain(|used| used.name != name);
        }
        let mut auth = Map::from_iter([
            ("access_token_url".to_owned(), endpoint.into()),
            ("assertion".to_owned(), key.into()),
        ]);
        auth.insert("type".into(), "oauth2_jwt_bearer".into());
        given.remove("type");
        auth.extend(
            given
                .remove("default_token_expiration")
                .map(|value| ("default_token_expiration".to_owned(), value)),
        );
        for (key, value) in given {
            if !value.is_null() {
                let why = self.why(node, &format!("has `{key}`, which has no form in a config"));
                self.leave_out(Some(&key), why);
            }
        }
        Ok(auth.into())
    }
}
