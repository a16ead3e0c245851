//! Signature Version 4 of AWS: the canonical form of a request, and the signature over it.
//!
//! Source: "Create a signed AWS API request" in AWS's documentation of IAM; for paths of S3, "Authenticating Requests".

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use ring::hmac;

use crate::inject::UNRESERVED;
use crate::secret::Secret;
use crate::sign::{Outgoing, hex, sha256_hex};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Services that see a path escaped once; all others escape the path of the URL once more.
const ESCAPED_ONCE: [&str; 4] = ["s3", "s3express", "s3-object-lambda", "s3-outposts"];

/// Who signs, and for what. The secret access key is the secret itself.
#[derive(Debug, Clone)]
pub struct SigV4 {
    /// The access key's ID.
    pub access_key_id: Secret,
    /// What comes with temporary credentials.
    pub session_token: Option<Secret>,
    /// Such as `us-east-1`.
    pub region: String,
    /// Such as `execute-api`.
    pub service: String,
    /// Unix time in milliseconds.
    pub clock: fn() -> u64,
}

/// The value of `x-amz-date`, such as `20150830T123600Z`; `None` beyond the year 9999.
pub(crate) fn amz_date(now_s: u64) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::try_from(now_s).ok()?).ok()?;
    Some(time.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The value of `Authorization` at that time, and the signature in it. `headers` are those that are signed.
pub(crate) fn authorization(
    aws: &SigV4,
    key: &Secret,
    request: &Outgoing<'_>,
    headers: &[(String, String)],
    date: &str,
) -> (String, String) {
    let (block, names) = canonical_headers(headers);
    let canonical = [
        request.method,
        &canonical_path(request.path, &aws.service),
        &canonical_query(request.query),
        &block,
        &names,
        &sha256_hex(request.body),
    ]
    .join("\n");
    let day = date.split('T').next().unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", aws.region, aws.service);
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let sign = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let first = format!("AWS4{}", key.expose()).into_bytes();
    let key =
        [day, &aws.region, &aws.service, "aws4_request"].iter().fold(first, |key, part| sign(&key, part));
    let signature = hex(&sign(&key, &to_sign));
    let id = aws.access_key_id.expose();
    let value = format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    (value, signature)
}

/// A URL's path as it is signed.
fn canonical_path(path: &str, service: &str) -> String {
    let escape = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    if ESCAPED_ONCE.contains(&service) {
        let once = |part: &str| {
            let plain: Vec<u8> = percent_decode_str(part).collect();
            percent_encoding::percent_encode(&plain, UNRESERVED).to_string()
        };
        return path.split('/').map(once).collect::<Vec<_>>().join("/");
    }
    // Empty segments go, but for the last one, which is the slash at the end.
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(escape).collect();
    if path.ends_with('/') {
        parts.push(String::new());
    }
    format!("/{}", parts.join("/"))
}

/// A URL's query as it is signed: read as a form, escaped strictly, sorted by name, then value.
fn canonical_query(query: &str) -> String {
    let strict = |text: &str| {
        let plain: Vec<u8> = percent_decode_str(&text.replace('+', "%20")).collect();
        percent_encoding::percent_encode(&plain, UNRESERVED).to_string()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (strict(name), strict(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The headers, a line each, sorted, and their names. Values of one name are joined in their order.
fn canonical_headers(headers: &[(String, String)]) -> (String, String) {
    let mut joined = std::collections::BTreeMap::<&str, Vec<String>>::new();
    for (name, value) in headers {
        let words: Vec<&str> = value.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        joined.entry(name).or_default().push(words.join(" "));
    }
    let block = joined.iter().map(|(name, values)| format!("{name}:{}\n", values.join(","))).collect();
    (block, joined.into_keys().collect::<Vec<_>>().join(";"))
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
