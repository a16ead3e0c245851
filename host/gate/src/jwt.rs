//! JSON Web Tokens that the gate signs itself (RFC 7519): a secret whose value is made from a key, and anew before it expires.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};

use crate::secret::Secret;

/// How a token is signed (RFC 7518, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// RSA with SHA-256; the key is PEM.
    Rs256,
    /// ECDSA on P-256 with SHA-256; the key is PEM, as PKCS#8.
    Es256,
    /// HMAC with SHA-256; the key is any text.
    Hs256,
}

impl JwtAlgorithm {
    /// All of them.
    pub const ALL: [JwtAlgorithm; 3] = [JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::Hs256];

    /// As a token's header has it.
    pub fn name(self) -> &'static str {
        match self {
            JwtAlgorithm::Rs256 => "RS256",
            JwtAlgorithm::Es256 => "ES256",
            JwtAlgorithm::Hs256 => "HS256",
        }
    }
}

/// What a token says, and for how long.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// What it claims, beside `iat` and `exp`, which are the gate's unless they stand here.
    pub claims: Map<String, Value>,
    /// How long one is good for.
    pub lifetime_s: u64,
    /// The key's name (`kid`).
    pub key_id: Option<String>,
    /// Unix time in milliseconds.
    pub clock: fn() -> u64,
}

/// A key that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM block with a private key in it.
    #[error("it is no private key in PEM (`-----BEGIN PRIVATE KEY-----` …)")]
    Pem,
    /// A key of another kind.
    #[error("it is a private key, and none for {0}")]
    Kind(&'static str),
    /// The signature failed.
    #[error("it does not sign")]
    Unsigned,
}

enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Hmac(hmac::Key),
}

/// A token with the key to make it.
pub(crate) struct Minter {
    jwt: Jwt,
    key: Key,
}

impl Minter {
    pub(crate) fn new(jwt: Jwt, key: &Secret) -> Result<Minter, KeyError> {
        let kind = KeyError::Kind(jwt.algorithm.name());
        let pem = || PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| KeyError::Pem);
        let key = match jwt.algorithm {
            JwtAlgorithm::Hs256 => Key::Hmac(hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes())),
            JwtAlgorithm::Rs256 => Key::Rsa(
                match pem()? {
                    PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                    PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    _ => return Err(kind),
                }
                .map_err(|_| kind)?,
            ),
            JwtAlgorithm::Es256 => {
                let PrivateKeyDer::Pkcs8(der) = pem()? else { return Err(kind) };
                let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der(), &SystemRandom::new());
                Key::Ec(pair.map_err(|_| kind)?)
            }
        };
        Ok(Minter { jwt, key })
    }

    pub(crate) fn now_s(&self) -> u64 {
        (self.jwt.clock)() / 1_000
    }

    /// Whether a token made at that time is past half of its life: a server's clock may be ahead of ours.
    pub(crate) fn is_due(&self, minted_s: u64) -> bool {
        let now_s = self.now_s();
        now_s < minted_s || now_s - minted_s >= self.jwt.lifetime_s.div_ceil(2)
    }

    /// The token that begins now.
    pub(crate) fn mint(&self, now_s: u64) -> Result<Secret, KeyError> {
        let mut header = json!({"alg": self.jwt.algorithm.name(), "typ": "JWT"});
        if let Some(key_id) = &self.jwt.key_id {
            header["kid"] = key_id.as_str().into();
        }
        let mut claims = self.jwt.claims.clone();
        claims.entry("iat").or_insert_with(|| now_s.into());
        claims.entry("exp").or_insert_with(|| now_s.saturating_add(self.jwt.lifetime_s).into());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&Value::Object(claims)));
        let message = signed.as_bytes();
        let signature = match &self.key {
            Key::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Key::Ec(key) => {
                let signature = key.sign(&SystemRandom::new(), message);
                signature.map_err(|_| KeyError::Unsigned)?.as_ref().to_vec()
            }
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| KeyError::Unsigned)?;
                signature
            }
        };
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter").field("jwt", &self.jwt).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
