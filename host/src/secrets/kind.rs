//! `kind` of a secret in the secrets file: what the gate makes of it before it is sent.

use sanderling_gate::{Jwt, JwtAlgorithm};
use serde_json::{Map, Value};

use crate::clock;

/// Keys of a secret of the kind `jwt`.
pub(super) const JWT_KEYS: [&str; 4] = ["alg", "claims", "ttl_s", "key_id"];

/// Longer is not taken by most servers.
const LIFETIME_S: u64 = 300;

/// What is signed with a secret, if it is a key.
pub(super) fn signs(table: &toml::Table) -> Result<Option<Jwt>, String> {
    let text = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("`{key}` must be a text")),
    };
    match text("kind")? {
        None | Some("static") => return Ok(None),
        Some("jwt") => {}
        Some(other) => return Err(format!("unknown kind `{other}`; there are `static` and `jwt`")),
    }
    let names = JwtAlgorithm::ALL.map(JwtAlgorithm::name);
    let algorithm = text("alg")?.ok_or("a `jwt` needs `alg`: `RS256`, `ES256` or `HS256`")?;
    let algorithm = JwtAlgorithm::ALL.into_iter().find(|known| known.name() == algorithm);
    let algorithm = algorithm.ok_or_else(|| format!("`alg` is one of {}", names.join(", ")))?;
    let claims = match table.get("claims") {
        None => Map::new(),
        Some(claims) => match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => claims,
            _ => return Err("`claims` must be a table".into()),
        },
    };
    let lifetime_s = match table.get("ttl_s") {
        None => LIFETIME_S,
        Some(value) => {
            let seconds = value.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
            seconds.filter(|seconds| *seconds > 0).ok_or("`ttl_s` must be a number of seconds")?
        }
    };
    let key_id = text("key_id")?.map(str::to_owned);
    Ok(Some(Jwt { algorithm, claims, lifetime_s, key_id, clock: clock::now_ms }))
}
