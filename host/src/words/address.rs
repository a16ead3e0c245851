//! Which key of a config says where a request went.

use sanderling_gate::Exchange;
use serde_json::Value;

/// The key that names the host, as a person reads it. A token may be asked for at another host than pages are.
pub(super) fn host_key(exchange: Option<&Exchange>, config: &Value) -> &'static str {
    let token = exchange.filter(|exchange| exchange.for_token);
    token.and_then(|exchange| token_key(exchange, config, true)).unwrap_or("`client.base_url`")
}

/// The key that names the address of a request for a token, or only those that name a host.
pub(super) fn token_key(exchange: &Exchange, config: &Value, with_host: bool) -> Option<&'static str> {
    let mut own = Vec::new();
    addresses(config, &mut own);
    own.retain(|(_, url)| !with_host || url.contains("://"));
    let host = |url: &str| authority(url).map(str::to_ascii_lowercase);
    let asked = own.iter().find(|(_, url)| host(url) == host(&exchange.url));
    // A secret in a host's name shows in neither.
    asked.or(own.first()).map(|(key, _)| *key)
}

/// The addresses that tokens are asked for at, each with its key.
fn addresses<'a>(value: &'a Value, found: &mut Vec<(&'static str, &'a str)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str);
            let login = text("path").filter(|_| text("type") == Some("session_token"));
            let own =
                [("`access_token_url`", text("access_token_url")), ("`path` of the login in `auth`", login)];
            found.extend(own.into_iter().filter_map(|(key, url)| Some((key, url?))));
            fields.values().for_each(|value| addresses(value, found));
        }
        _ => {}
    }
}

/// The host of a URL, with its port.
fn authority(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split(['/', '?', '#']).next()
}
