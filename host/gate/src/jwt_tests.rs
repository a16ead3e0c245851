//! Tokens that are signed here are ones that others accept.

use ring::signature::{KeyPair as _, UnparsedPublicKey};

use super::*;
use crate::{Binding, Vault, VaultError};

const NOW_MS: u64 = 1_700_000_000_500;

fn jwt(algorithm: JwtAlgorithm) -> Jwt {
    let claims = json!({"iss": "me", "aud": "https://login.test"});
    let claims = claims.as_object().unwrap().clone();
    Jwt { algorithm, claims, lifetime_s: 300, key_id: Some("k1".into()), clock: || NOW_MS }
}

/// Header, claims, what is signed, and the signature.
fn parts(token: &Secret) -> (Value, Value, String, Vec<u8>) {
    let [header, claims, signature] =
        <[&str; 3]>::try_from(token.expose().split('.').collect::<Vec<_>>()).unwrap();
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let value = |part: &str| serde_json::from_slice(&bytes(part)).unwrap();
    (value(header), value(claims), format!("{header}.{claims}"), bytes(signature))
}

#[test]
fn each_signature_is_one_that_verifies() {
    let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let rsa = include_str!("jwt_tests_rsa.pem");
    let pkcs8 = include_str!("jwt_tests_rsa_pkcs8.pem");
    for (algorithm, key) in [
        (JwtAlgorithm::Hs256, "any text"),
        (JwtAlgorithm::Es256, ec.as_str()),
        (JwtAlgorithm::Rs256, rsa),
        (JwtAlgorithm::Rs256, pkcs8),
    ] {
        let minter = Minter::new(jwt(algorithm), &Secret::new(key)).unwrap();
        let (header, claims, signed, signature) = parts(&minter.mint(minter.now_s()).unwrap());
        assert_eq!(header, json!({"alg": algorithm.name(), "typ": "JWT", "kid": "k1"}));
        let expected =
            json!({"iss": "me", "aud": "https://login.test", "iat": 1_700_000_000, "exp": 1_700_000_300});
        assert_eq!(claims, expected);
        match &minter.key {
            Key::Hmac(key) => hmac::verify(key, signed.as_bytes(), &signature).unwrap(),
            Key::Ec(pair) => {
                let algorithm = &signature::ECDSA_P256_SHA256_FIXED;
                let public = UnparsedPublicKey::new(algorithm, pair.public_key().as_ref().to_vec());
                public.verify(signed.as_bytes(), &signature).unwrap();
            }
            Key::Rsa(pair) => {
                let algorithm = &signature::RSA_PKCS1_2048_8192_SHA256;
                let public = UnparsedPublicKey::new(algorithm, pair.public_key().as_ref().to_vec());
                public.verify(signed.as_bytes(), &signature).unwrap();
            }
        }
    }
}

/// RFC 7515, A.1, whose claims and header are written otherwise; the signature of our own text is checked with its key.
#[test]
fn claims_of_the_users_own_come_first() {
    let mut jwt = jwt(JwtAlgorithm::Hs256);
    jwt.claims = json!({"iat": 5, "exp": "never"}).as_object().unwrap().clone();
    jwt.key_id = None;
    let minter = Minter::new(jwt, &Secret::new("k")).unwrap();
    let (header, claims, ..) = parts(&minter.mint(7).unwrap());
    assert_eq!((header, claims), (json!({"alg": "HS256", "typ": "JWT"}), json!({"iat": 5, "exp": "never"})));
}

#[test]
fn keys_that_do_not_fit() {
    let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let of = |algorithm, key: &str| Minter::new(jwt(algorithm), &Secret::new(key)).err();
    assert_eq!(of(JwtAlgorithm::Rs256, "a text"), Some(KeyError::Pem));
    assert_eq!(of(JwtAlgorithm::Rs256, &ec), Some(KeyError::Kind("RS256")));
    assert_eq!(of(JwtAlgorithm::Es256, include_str!("jwt_tests_rsa.pem")), Some(KeyError::Kind("ES256")));
    assert_eq!(
        of(JwtAlgorithm::Es256, include_str!("jwt_tests_rsa_pkcs8.pem")),
        Some(KeyError::Kind("ES256"))
    );
}

#[test]
fn a_token_is_made_anew_at_half_of_its_life() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NOW: AtomicU64 = AtomicU64::new(NOW_MS);
    let jwt = Jwt { clock: || NOW.load(Ordering::Relaxed), ..jwt(JwtAlgorithm::Hs256) };
    let mut vault = Vault::new(None).unwrap();
    let placeholder = vault.seal_jwt("a", &Secret::new("k"), jwt.clone(), Binding::default()).unwrap();
    let value = |vault: &Vault| {
        vault.mint().unwrap();
        let value =
            vault.expand(&placeholder, |found| Ok::<_, ()>(found.unwrap().secret.expose().to_owned()));
        value.unwrap().unwrap()
    };
    let first = value(&vault);
    NOW.fetch_add(149_000, Ordering::Relaxed);
    assert_eq!(value(&vault), first);
    NOW.fetch_add(1_000, Ordering::Relaxed);
    let second = value(&vault);
    assert_ne!(second, first);
    assert_eq!(vault.redact(&format!("{first} {second}")), "*** ***", "the first may still come back");
    assert_eq!(vault.restore(&vault.reference(&placeholder).unwrap()).unwrap(), placeholder);
    let again = vault.seal_jwt("a", &Secret::new("k"), jwt, Binding::default());
    assert_eq!(again, Err(VaultError::Twice("a".into())));
}
