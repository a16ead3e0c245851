//! A secret arrives whole where it may, and nowhere else.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::secret::{Binding, Secret};

const AWKWARD: &str = "a&é /+=%\"#?x";

fn vault(binding: Binding) -> (Vault, String) {
    vault_of(AWKWARD, binding)
}

fn vault_of(value: &str, binding: Binding) -> (Vault, String) {
    let mut vault = Vault::new(Some([7; 16])).unwrap();
    let placeholder = vault.seal("KEY", Secret::new(value), binding).unwrap();
    (vault, placeholder)
}

fn origin() -> Origin {
    "https://a.b".parse().unwrap()
}

/// Fills a request to <https://a.b> as the gate would on its first hop.
fn filled(vault: &Vault, url: &str, headers: &[(&str, &str)]) -> Result<Filled, GateError> {
    let origin = origin();
    filled_on(vault, url, headers, Hop { origin: &origin, strayed: false, trusted_wire: true })
}

fn filled_on(vault: &Vault, url: &str, headers: &[(&str, &str)], hop: Hop<'_>) -> Result<Filled, GateError> {
    let url = Url::parse(url).unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    refuse_misplaced(vault, &Method::GET, &map)?;
    refuse_misplaced_in_url(vault, &url)?;
    fill(vault, &url, &map, hop)
}

fn denied(result: Result<Filled, GateError>) -> Denial {
    match result {
        Err(GateError::Denied(denial)) => denial,
        Err(other) => panic!("{other}"),
        Ok(filled) => panic!("sent {}", filled.uri),
    }
}

#[test]
fn an_awkward_secret_arrives_whole() {
    let (vault, key) = vault(Binding::default());
    let basic = format!("Basic {}", STANDARD.encode(format!("me:{key}")));
    let headers = [("authorization", basic.as_str()), ("x-key", &format!("<{key}|{key}>"))];
    let filled =
        filled(&vault, &format!("https://a.b/v1?x=%20y&key={key}&z=pre{key}post"), &headers).unwrap();
    assert_eq!(
        filled.uri.to_string(),
        "https://a.b/v1?x=%20y&key=a%26%C3%A9%20%2F%2B%3D%25%22%23%3Fx&z=prea%26%C3%A9%20%2F%2B%3D%25%22%23%3Fxpost"
    );
    assert_eq!(filled.headers["x-key"].as_bytes(), format!("<{AWKWARD}|{AWKWARD}>").as_bytes());
    let sent = filled.headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap();
    assert_eq!(STANDARD.decode(sent).unwrap(), format!("me:{AWKWARD}").as_bytes());
    assert!(filled.headers.values().all(HeaderValue::is_sensitive));
    let places =
        [Place::Query("key".into()), Place::Query("z".into()), Place::Basic, Place::Header("x-key".into())];
    assert_eq!(filled.placed, places.map(|place| ("KEY".to_owned(), place)));
}

#[test]
fn basic_pairs() {
    let (vault, key) = vault_of("top secret", Binding::default());
    for (pair, expected) in [
        (format!("{key}:"), "top secret:"),
        (format!("{key}:{key}"), "top secret:top secret"),
        (format!("me:x{key}:y"), "me:xtop secret:y"),
        (key.clone(), "top secret:"),
    ] {
        for scheme in ["Basic", "basic", "BASIC "] {
            let encoded = STANDARD.encode(&pair);
            for encoded in [encoded.as_str(), encoded.trim_end_matches('=')] {
                let value = format!("{scheme} {encoded}");
                let filled = filled(&vault, "https://a.b", &[("authorization", &value)]).unwrap();
                let sent = filled.headers["authorization"].to_str().unwrap();
                assert_eq!(sent, format!("Basic {}", STANDARD.encode(expected)));
            }
        }
    }
    // A secret that is the encoded pair itself.
    let filled = filled(&vault, "https://a.b", &[("authorization", &format!("Basic {key}"))]).unwrap();
    assert_eq!(filled.headers["authorization"], "Basic top secret");
    assert_eq!(filled.placed[0].1, Place::Header("authorization".into()));
}

#[test]
fn no_other_place() {
    let (vault, key) = vault(Binding::default());
    let escaped = key.replace('s', "%73");
    for (url, place) in [
        (format!("https://a.b/v1/{key}/x"), "the path"),
        (format!("https://a.b/v1/{escaped}/x"), "the path"),
        (format!("https://{key}.a.b/"), "the host"),
        (format!("https://a.b/?{key}=1"), "the name of a query parameter"),
        (format!("https://a.b/?{key}"), "the name of a query parameter"),
        (format!("https://a.b/?x={escaped}"), "an escaped placeholder"),
        (format!("https://a.b/?x={}", &key[..key.len() - 1]), "the query parameter `x`, cut short"),
    ] {
        let denial = denied(filled(&vault, &url, &[]));
        assert!(matches!(&denial, Denial::SecretPlace { place: p, .. } if p == place), "{url}: {denial}");
    }
    for (name, value) in
        [("host", key.as_str()), ("accept-encoding", &key), ("proxy-authorization", &key), (&key, "x")]
    {
        let denial = denied(filled(&vault, "https://a.b", &[(name, value)]));
        assert!(matches!(denial, Denial::SecretPlace { .. }), "{name}");
    }
    let refused = |method: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        refuse_misplaced(&vault, &method, &HeaderMap::new()).is_err()
    };
    assert!(refused(&key));
    assert!(!refused("POST"));
}

/// S14: a placeholder for one origin is not filled in for another that is allowed as well.
#[test]
fn bindings() {
    let origins = |list: &[&str]| Some(list.iter().map(|origin| origin.parse().unwrap()).collect());
    let cases = [
        (origins(&["https://a.b"]), None, true),
        (origins(&["https://c.d"]), None, false),
        (origins(&["https://a.b:8443", "http://a.b"]), None, false),
        (origins(&[]), None, false),
        (None, Some(vec![Place::Header("X-Key".into())]), true),
        (None, Some(vec![Place::Header("X-Other".into()), Place::Basic]), false),
        (None, Some(vec![Place::Query("x-key".into())]), false),
    ];
    for (origins, places, sent) in cases {
        let case = format!("{origins:?} {places:?}");
        let (vault, key) = vault_of("0123456789", Binding { origins, places });
        let result = filled(&vault, "https://a.b", &[("x-key", &key)]);
        match result {
            Ok(_) => assert!(sent, "{case}"),
            Err(GateError::Denied(Denial::SecretOrigin { .. } | Denial::SecretBinding { .. })) => {
                assert!(!sent, "{case}")
            }
            Err(other) => panic!("{case}: {other}"),
        }
    }
    let (vault, key) = vault(Binding { origins: None, places: Some(vec![Place::Query("key".into())]) });
    assert!(filled(&vault, &format!("https://a.b/?key={key}"), &[]).is_ok());
    let denial = denied(filled(&vault, &format!("https://a.b/?other={key}"), &[]));
    assert_eq!(denial.to_string(), "the secret `KEY` is not bound to the query parameter `other`");
}

#[test]
fn plain_text_is_refused() {
    let (vault, key) = vault(Binding::default());
    let origin: Origin = "http://a.b".parse().unwrap();
    let hop = Hop { origin: &origin, strayed: false, trusted_wire: false };
    let denial = denied(filled_on(&vault, &format!("http://a.b/?key={key}"), &[], hop));
    assert_eq!(denial, Denial::SecretPlaintext { secret: "KEY".into(), origin: origin.clone() });
    assert!(filled_on(&vault, "http://a.b/?key=x", &[], hop).is_ok());
}

/// S8: no secret can break a header open.
#[test]
fn values_that_a_header_cannot_hold() {
    for (value, problem) in [
        ("key\r\nHost: evil", "holds a line break or another control character"),
        ("key\n", "holds a line break or another control character"),
        ("ke\0y", "holds a line break or another control character"),
        ("key\u{7f}", "holds a line break or another control character"),
        (" key", "begins or ends with a space, which HTTP drops"),
        ("key ", "begins or ends with a space, which HTTP drops"),
    ] {
        let (vault, key) = vault_of(value, Binding::default());
        let denial = denied(filled(&vault, "https://a.b", &[("x-key", &key)]));
        let place = Place::Header("x-key".into());
        assert_eq!(denial, Denial::SecretValue { secret: "KEY".into(), place, problem }, "{value:?}");
        // In a query it is escaped, and so arrives.
        assert!(filled(&vault, &format!("https://a.b/?key={key}"), &[]).is_ok());
    }
    let (vault, key) = vault_of("key ", Binding::default());
    assert!(filled(&vault, "https://a.b", &[("x-key", &format!("{key}x"))]).is_ok());
    let (vault, key) = vault_of("us:er", Binding::default());
    let user = format!("Basic {}", STANDARD.encode(format!("{key}:x")));
    let denial = denied(filled(&vault, "https://a.b", &[("authorization", &user)]));
    assert_eq!(
        denial.to_string(),
        "the secret `KEY` cannot stand in a Basic pair: it is a user name with a colon in it"
    );
}

#[test]
fn after_a_redirect_to_another_origin() {
    let there = origin();
    let hop = Hop { origin: &there, strayed: true, trusted_wire: true };
    let (free, key) = vault(Binding::default());
    let headers =
        [("x-key", key.as_str()), ("authorization", "Bearer by hand"), ("cookie", "a=b"), ("accept", "*/*")];
    let left = filled_on(&free, "https://a.b", &headers, hop).unwrap();
    assert_eq!(left.headers.keys().collect::<Vec<_>>(), ["accept"]);
    assert!(left.placed.is_empty());
    let denial = denied(filled_on(&free, &format!("https://a.b/?k={key}"), &[], hop));
    assert!(matches!(denial, Denial::SecretOrigin { .. }));

    let (bound, key) = vault_of("0123456789", Binding { origins: Some(vec![there.clone()]), places: None });
    let kept = filled_on(&bound, &format!("https://a.b/?k={key}"), &[("authorization", &key)], hop).unwrap();
    assert_eq!(kept.uri.to_string(), "https://a.b/?k=0123456789");
    assert_eq!(kept.headers["authorization"], "0123456789");
}

#[test]
fn header_bytes_that_are_not_text() {
    let (vault, key) = vault(Binding::default());
    let url = Url::parse("https://a.b").unwrap();
    let there = origin();
    let hop = Hop { origin: &there, strayed: false, trusted_wire: true };
    let with =
        |bytes: &[u8]| HeaderMap::from_iter([(header::REFERER, HeaderValue::from_bytes(bytes).unwrap())]);
    assert_eq!(
        fill(&vault, &url, &with(b"\xff\xfe"), hop).unwrap().headers["referer"].as_bytes(),
        b"\xff\xfe"
    );
    assert!(fill(&vault, &url, &with(format!("{key}\u{e9}").as_bytes()), hop).is_ok());
    let mut broken = key.into_bytes();
    broken.push(0xff);
    assert!(denied(fill(&vault, &url, &with(&broken), hop)).to_string().contains("not UTF-8"));
}

proptest! {
    // Each case builds a vault, which is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_query_value_round_trips(secret in "\\PC{1,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
        let (vault, key) = vault_of(&secret, Binding::default());
        let filled = filled(&vault, &format!("https://a.b/?x=1&k={before}{key}{after}&y=2"), &[]).unwrap();
        let query = filled.uri.query().unwrap();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let expected = [("x", "1".to_owned()), ("k", format!("{before}{secret}{after}")), ("y", "2".to_owned())];
        prop_assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn any_query_without_secrets_is_left(query in "[a-z0-9&=%+.~-]{0,30}") {
        let (vault, _) = vault(Binding::default());
        let filled = filled(&vault, &format!("https://a.b/?{query}"), &[]).unwrap();
        prop_assert_eq!(filled.uri.query().unwrap(), query);
    }
}
