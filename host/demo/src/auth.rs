//! The key: where a request may carry it, and what is answered without it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::reply::Reply;
use crate::request::Request;

/// `None` where the request carries the key; otherwise 401 for none at all, 403 for a wrong one.
///
/// It is taken from the query parameter `api_key`, the headers `api_key` and `X-Api-Key`, `Authorization: Bearer`, and
/// the password of `Authorization: Basic` (RFC 7617).
pub(crate) fn refuse(request: &Request, key: &str) -> Option<Reply> {
    let given = offered(request);
    if given.iter().any(|one| one == key) {
        return None;
    }
    Some(if given.is_empty() {
        Reply::error(
            401,
            "unauthorized",
            "an API key is needed: in the query as api_key, or in the header X-Api-Key",
        )
        .header("WWW-Authenticate", "Bearer")
    } else {
        Reply::error(403, "forbidden", "this API key is not known")
    })
}

fn offered(request: &Request) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    keys.extend(request.param("api_key").map(str::to_owned));
    keys.extend(["api_key", "x-api-key"].iter().filter_map(|name| request.header(name)).map(str::to_owned));
    if let Some((scheme, rest)) = request.header("authorization").and_then(|value| value.split_once(' ')) {
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            keys.push(rest.to_owned());
        } else if scheme.eq_ignore_ascii_case("basic") {
            let pair = STANDARD.decode(rest).unwrap_or_default();
            let pair = String::from_utf8_lossy(&pair);
            // A user that is the key, with an empty password, is a wrong key here.
            keys.push(pair.split_once(':').map_or_else(String::new, |(_, password)| password.to_owned()));
        }
    }
    keys
}
