//! A signature by HMAC (RFC 2104) over what a template says of a request.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use ring::hmac;

use crate::headers::is_gates_own;
use crate::secret::Secret;
use crate::sign::{Outgoing, hex, sha256_hex};

/// The digest within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-1, which old APIs ask for; as an HMAC it still holds.
    Sha1,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacEncoding {
    /// Hexadecimal, in lower case.
    Hex,
    /// Base64 with its padding (RFC 4648, 4).
    Base64,
}

/// How requests are signed by HMAC.
#[derive(Debug, Clone)]
pub struct Mac {
    /// The digest.
    pub algorithm: MacAlgorithm,
    /// How the signature is written.
    pub encoding: MacEncoding,
    /// What is signed.
    pub template: MacTemplate,
    /// A header in which the gate says the time that it signed, in seconds of Unix time.
    pub timestamp_header: Option<HeaderName>,
    /// What stands before the signature, such as `sha256=`.
    pub prefix: String,
    /// Unix time in milliseconds.
    pub clock: fn() -> u64,
}

/// Text with a request's parts in it: `{method} {path} {query} {body} {body_sha256} {timestamp} {host}`. A brace of the
/// text itself is doubled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Method,
    Path,
    Query,
    Body,
    BodySha256,
    Timestamp,
    Host,
}

/// A template that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacTemplateError {
    /// No part of a request is called so.
    #[error(
        "there is no `{{{0}}}`; there are {{method}}, {{path}}, {{query}}, {{body}}, {{body_sha256}}, {{timestamp}} and {{host}}"
    )]
    Unknown(String),
    /// A brace by itself.
    #[error("a brace stands alone; one that is meant is written twice")]
    Brace,
}

impl FromStr for MacTemplate {
    type Err = MacTemplateError;

    fn from_str(text: &str) -> Result<MacTemplate, MacTemplateError> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, found) = rest.split_at(at);
            plain.push_str(before);
            let doubled = [("{{", '{'), ("}}", '}')];
            if let Some((brace, after)) =
                doubled.iter().find_map(|(two, one)| Some((*one, found.strip_prefix(two)?)))
            {
                plain.push(brace);
                rest = after;
                continue;
            }
            let inner = found.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, after) = inner.ok_or(MacTemplateError::Brace)?;
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(match name {
                "method" => Part::Method,
                "path" => Part::Path,
                "query" => Part::Query,
                "body" => Part::Body,
                "body_sha256" => Part::BodySha256,
                "timestamp" => Part::Timestamp,
                "host" => Part::Host,
                other => return Err(MacTemplateError::Unknown(other.to_owned())),
            });
            rest = after;
        }
        parts.push(Part::Text(plain + rest));
        Ok(MacTemplate(parts))
    }
}

/// The header of this name, unless it is none that can be set for a request.
pub fn timestamp_header(name: &str) -> Option<HeaderName> {
    HeaderName::try_from(name.to_ascii_lowercase()).ok().filter(|name| !is_gates_own(name))
}

impl Mac {
    /// The bytes that are signed.
    fn signed(&self, request: &Outgoing<'_>, now_s: u64) -> Vec<u8> {
        let mut signed = Vec::new();
        for part in &self.template.0 {
            match part {
                Part::Text(text) => signed.extend_from_slice(text.as_bytes()),
                Part::Method => signed.extend_from_slice(request.method.as_bytes()),
                Part::Path => signed.extend_from_slice(request.path.as_bytes()),
                Part::Query => signed.extend_from_slice(request.query.as_bytes()),
                Part::Body => signed.extend_from_slice(request.body),
                Part::BodySha256 => signed.extend_from_slice(sha256_hex(request.body).as_bytes()),
                Part::Timestamp => signed.extend_from_slice(now_s.to_string().as_bytes()),
                Part::Host => signed.extend_from_slice(request.host.as_bytes()),
            }
        }
        signed
    }

    /// The request's signature at that time, without the prefix.
    pub(crate) fn signature(&self, key: &Secret, request: &Outgoing<'_>, now_s: u64) -> String {
        let algorithm = match self.algorithm {
            MacAlgorithm::Sha256 => hmac::HMAC_SHA256,
            MacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            MacAlgorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let key = hmac::Key::new(algorithm, key.expose().as_bytes());
        let tag = hmac::sign(&key, &self.signed(request, now_s));
        match self.encoding {
            MacEncoding::Hex => hex(tag.as_ref()),
            MacEncoding::Base64 => STANDARD.encode(tag),
        }
    }
}

#[cfg(test)]
#[path = "mac_tests.rs"]
mod tests;
