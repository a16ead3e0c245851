//! Which headers cross the gate, in either direction.

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

/// What the gate calls itself where the guest gives no name.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("sanderling/", env!("CARGO_PKG_VERSION")));

/// Whether the connection or the gate decides this header, in both directions (RFC 9110, 7.6.1).
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::CONTENT_LENGTH
    ) || name.as_str() == "keep-alive"
        || name.as_str() == "http2-settings"
        || name.as_str().starts_with("proxy-")
}

/// Whether a guest may not set this header: whom it speaks to, how the message is framed, which encodings come back.
pub(crate) fn is_gates_own(name: &HeaderName) -> bool {
    is_hop_by_hop(name) || matches!(*name, header::HOST | header::EXPECT | header::ACCEPT_ENCODING)
}

/// Drops what a guest may not set, and sets what the gate does.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    remove(headers, is_gates_own);
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
}

/// Drops what described the connection or the bytes on it, and cookies, which no connector may keep.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    remove(headers, |name| {
        is_hop_by_hop(name) || matches!(*name, header::CONTENT_ENCODING | header::SET_COOKIE)
    });
}

fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Bytes of a header that speaks of a rate limit; no honest one is longer.
const RATE_BYTES: usize = 256;

/// What an answer says of its API's rate limit: `RateLimit`, `X-RateLimit-Remaining` and their like.
pub(crate) fn rate(headers: &HeaderMap) -> Vec<(String, String)> {
    let speaks = |name: &str| name.contains("ratelimit") || name.contains("rate-limit");
    let found = headers.iter().filter(|(name, value)| speaks(name.as_str()) && value.len() <= RATE_BYTES);
    let found =
        found.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    found.take(16).collect()
}

/// The vendor's own name for the exchange, under the names in use.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 9] = [
        "x-request-id",
        "request-id",
        "x-correlation-id",
        "x-github-request-id",
        "x-amzn-requestid",
        "x-amz-request-id",
        "x-ms-request-id",
        "x-trace-id",
        "cf-ray",
    ];
    NAMES.iter().find_map(|name| text(headers, name))
}

/// A header's text, if it has any.
pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    let value = String::from_utf8_lossy(value.as_bytes());
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}
