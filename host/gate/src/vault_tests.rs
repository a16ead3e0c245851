//! Secrets do not come through, whatever they are encoded in; everything else does.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn vault(secrets: &[(&str, &str)]) -> Vault {
    let mut vault = Vault::new(Some([7; 16])).unwrap();
    for (name, value) in secrets {
        vault.seal(name, Secret::new(*value), Binding::default()).unwrap();
    }
    vault
}

fn placeholder(vault: &Vault, index: usize) -> String {
    vault.state().sealed[index].placeholder.clone()
}

fn masked(vault: &Vault, text: &str) -> String {
    let (body, _) = vault.mask_body(Bytes::from(text.to_owned()));
    String::from_utf8(body.to_vec()).unwrap()
}

/// S13b: a placeholder is random, never the secret, and made of characters that no encoder touches.
#[test]
fn placeholders() {
    let mut one = Vault::new(None).unwrap();
    let mut two = Vault::new(None).unwrap();
    let first = one.seal("api key/é", Secret::new("hunter2hunter2"), Binding::default()).unwrap();
    let second = two.seal("api key/é", Secret::new("hunter2hunter2"), Binding::default()).unwrap();
    assert_ne!(first, second);
    assert!(first.starts_with(PREFIX) && first.ends_with("-api_key__"), "{first}");
    assert!(first.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    assert!(!first.contains("hunter2"));
}

#[test]
fn sealing() {
    let mut vault = vault(&[("key", "0123456789")]);
    let again = vault.seal("key", Secret::new("0123456789"), Binding::default()).unwrap();
    assert_eq!(again, placeholder(&vault, 0));
    let refused = |vault: &mut Vault, name: &str, value: &str| {
        vault.seal(name, Secret::new(value), Binding::default()).unwrap_err()
    };
    assert_eq!(refused(&mut vault, "key", "other value"), VaultError::Twice("key".into()));
    assert_eq!(refused(&mut vault, "none", ""), VaultError::Empty("none".into()));
    for name in ["", "a}b", "}"] {
        assert_eq!(refused(&mut vault, name, "value"), VaultError::Name(name.into()));
    }
    let long = "x".repeat(MAX_SECRET_BYTES + 1);
    assert_eq!(refused(&mut vault, "long", &long), VaultError::TooLong("long".into()));
}

#[test]
fn nothing_prints_a_secret() {
    let vault = vault(&[("key", "hunter2hunter2")]);
    assert_eq!(format!("{vault:?}"), "Vault { secrets: [\"key\"], .. }");
    assert_eq!(format!("{:?}", Secret::new("hunter2hunter2")), "[secret]");
}

#[test]
fn a_name_that_begins_another() {
    let vault = vault(&[("key", "first value"), ("key2", "second value")]);
    let text = format!("{}2 {}", placeholder(&vault, 0), placeholder(&vault, 1));
    assert_eq!(vault.reference(&text).unwrap(), "${secrets.key}2 ${secrets.key2}");
}

#[test]
fn references_go_there_and_back() {
    let vault = vault(&[("key", "first value"), ("a b", "second value")]);
    let (key, odd) = (placeholder(&vault, 0), placeholder(&vault, 1));
    for text in [
        String::new(),
        "no secret, $ and ${x}".to_owned(),
        format!("{{\"url\":\"https://a.b/?k={key}&l={odd}\"}}"),
        // An API cannot slip a reference in.
        "https://a.b/?k=${secrets.key}&l=${secrets.}${secrets.".to_owned(),
        format!("${{secrets.{key}}}"),
    ] {
        let stored = vault.reference(&text).unwrap();
        assert!(!vault.contains_placeholder(&stored), "{stored}");
        assert_eq!(vault.restore(&stored).unwrap(), text, "{stored}");
    }
    assert_eq!(vault.reference(&key).unwrap(), "${secrets.key}");
    assert_eq!(vault.restore("x${secrets.gone}"), Err(VaultError::Unknown("gone".into())));
    assert_eq!(vault.restore("x${secrets.gone"), Err(VaultError::Unknown("gone".into())));
    assert!(!vault.reference(&key[..key.len() - 1]).unwrap().contains(&vault.marker));
}

#[test]
fn messages_show_stars() {
    let vault = vault(&[("key", "hunter2hunter2"), ("pin", "4711"), ("tiny", "abc")]);
    assert_eq!(vault.redact("key hunter2hunter2, pin 4711, abc"), "key ***, pin ***, abc");
    assert_eq!(vault.redact(&format!("?k={}&x=1", placeholder(&vault, 0))), "?k=***&x=1");
    assert_eq!(vault.redact(&format!("Basic {}", STANDARD.encode("me:hunter2hunter2"))), "Basic bWU6***=");
    let cut = placeholder(&vault, 0).split_at(PREFIX.len() + 34).0.to_owned();
    assert_eq!(vault.redact(&format!("cut {cut}")), "cut ***00");
    let cut = placeholder(&vault, 0).split_at(PREFIX.len() + 3).0.to_owned();
    assert_eq!(vault.redact(&format!("cut {cut}…")), "cut ***…");
    assert_eq!(vault.redact("nothing"), "nothing");
}

#[test]
fn answers_keep_short_secrets_and_placeholders() {
    let vault = vault(&[("short", "1234567"), ("eight", "12345678")]);
    assert_eq!(masked(&vault, "1234567,1234567x"), "1234567,1234567x");
    let once = masked(&vault, "<12345678>");
    assert_eq!(once, format!("<{}>", placeholder(&vault, 1)));
    assert_eq!(masked(&vault, &once), once);
}

#[test]
fn a_secret_that_stands_in_its_own_placeholder() {
    let vault = vault(&[("sanderling", "sanderling"), ("password1", "password1")]);
    let text = format!("{} password1", placeholder(&vault, 1));
    let once = masked(&vault, &text);
    assert_eq!(once, format!("{0} {0}", placeholder(&vault, 1)));
    assert_eq!(masked(&vault, &once), once);
}

#[test]
fn overlapping_secrets() {
    let vault = vault(&[("a", "abcdefgh"), ("b", "abcdefghij"), ("c", "ghijklmn")]);
    assert_eq!(masked(&vault, "abcdefghijklmn"), format!("{}klmn", placeholder(&vault, 1)));
    assert_eq!(masked(&vault, "abcdefghabcdefgh"), placeholder(&vault, 0).repeat(2));
}

#[test]
fn without_a_find_the_same_bytes() {
    let vault = vault(&[("key", "hunter2hunter2")]);
    let body = Bytes::from_static(b"{\"rows\":[1,2,3]}");
    let (same, found) = vault.mask_body(body.clone());
    assert!(!found);
    assert_eq!(same.as_ptr(), body.as_ptr());
    assert!(!Vault::new(None).unwrap().mask_body(body).1);
}

/// More shapes than the quick search takes at once.
#[test]
fn many_secrets() {
    let values: Vec<String> = (0..40).map(|n| format!("{n:02}&é\"/<+ {}", n * 7919)).collect();
    let names: Vec<String> = (0..40).map(|n| format!("key{n}")).collect();
    let secrets: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    let vault = vault(&secrets);
    for (index, value) in values.iter().enumerate() {
        for encoded in encodings(value) {
            assert_eq!(masked(&vault, &format!("[{encoded}]")), format!("[{}]", placeholder(&vault, index)));
        }
    }
}

/// What a server can turn a secret into, by libraries that share no code with the needles where there are any.
fn encodings(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let ascii: String = json
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect()
            }
        })
        .collect();
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let nested = serde_json::to_string(&json).unwrap();
    vec![
        secret.to_owned(),
        utf8_percent_encode(secret, UNRESERVED).to_string(),
        form.clone(),
        lower_hex(&form),
        json.replace('/', "\\/"),
        json,
        ascii.replace('/', "\\/"),
        ascii,
        nested[1..nested.len() - 1].to_owned(),
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#x27;"),
    ]
}

fn lower_hex(text: &str) -> String {
    let mut out = String::new();
    let mut left = 0;
    for letter in text.chars() {
        out.push(if left > 0 { letter.to_ascii_lowercase() } else { letter });
        left = if letter == '%' { 2 } else { usize::saturating_sub(left, 1) };
    }
    out
}

/// Any characters, among them those that encoders care about.
fn secrets() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_-]{8,40}",
        "[A-Za-z0-9&é /+=\"'<>%~*()\\\\]{8,30}",
        proptest::string::string_regex("\\PC{8,20}").unwrap(),
    ]
}

proptest! {
    // Each case builds a vault, which is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_encoding_comes_through(secret in secrets(), before in "\\PC{0,20}", after in "\\PC{0,20}") {
        let vault = vault(&[("key", &secret)]);
        for encoded in encodings(&secret) {
            let text = format!("{before}{encoded}{after}");
            let out = masked(&vault, &text);
            prop_assert!(!out.replace(&placeholder(&vault, 0), "").contains(&encoded), "{encoded:?} in {out:?}");
            let shown = vault.redact(&text);
            prop_assert!(!shown.contains(&encoded), "{encoded:?} in {shown:?}");
        }
    }

    #[test]
    fn no_base64_comes_through(secret in secrets(), before in "[a-z]{0,5}:?", after in "[a-z]{0,3}") {
        let vault = vault(&[("key", &secret)]);
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let text = format!("x {} y", engine.encode(format!("{before}{secret}{after}")));
            let out = masked(&vault, &text);
            // What is left on either side decodes to nothing of the secret.
            let (left, right) = out.split_once(&placeholder(&vault, 0)).expect("masked");
            prop_assert_eq!(left.len() - 2, before.len() * 8 / 6);
            prop_assert!(right.trim_end_matches(" y").trim_end_matches('=').len() <= (after.len() * 8).div_ceil(6));
        }
    }

    #[test]
    fn everything_else_is_untouched(secret in "[A-Z]{8,20}", before in "[^A-Z]{0,40}", after in "[^A-Z]{0,40}") {
        let vault = vault(&[("key", &secret)]);
        let out = masked(&vault, &format!("{before}{secret}{after}"));
        prop_assert_eq!(out, format!("{before}{}{after}", placeholder(&vault, 0)));
        let nothing = format!("{before}{after}");
        prop_assert_eq!(masked(&vault, &nothing), nothing);
    }

    #[test]
    fn any_bytes_are_masked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let vault = vault(&[("key", "hunter2hunter2")]);
        let (same, found) = vault.mask_body(Bytes::from(bytes.clone()));
        prop_assert!(!found);
        prop_assert_eq!(same.to_vec(), bytes);
    }

    #[test]
    fn references_restore(text in "[${}a-z.secrets]{0,40}", at in 0usize..40) {
        let vault = vault(&[("key", "hunter2hunter2")]);
        let at = at.min(text.len());
        let text = format!("{}{}{}", &text[..at], placeholder(&vault, 0), &text[at..]);
        prop_assert_eq!(vault.restore(&vault.reference(&text).unwrap()).unwrap(), text);
    }
}

#[test]
fn a_token_keeps_its_placeholder_and_its_old_values_stay_masked() {
    let vault = vault(&[("access_token", "given by the user")]);
    let bound = Binding { origins: Some(vec!["https://a.b".parse().unwrap()]), places: None };
    let seal =
        |slot: &str, value: &str| vault.seal_token(slot, "access_token", Secret::new(value), &bound).unwrap();
    let (first, name, turn) = seal("one", "first value");
    assert_eq!((name.as_str(), turn), ("access_token.2", 1));
    assert_eq!(seal("one", "second value"), (first.clone(), name.clone(), 2));
    assert_eq!(seal("one", "second value").2, 3, "the same again is another one");
    assert_eq!(seal("two", "of another request").1, "access_token.3");
    assert_eq!(vault.turns()[1], (name, 3));
    let (body, masked) = vault.mask_body(Bytes::from("<first value> <second value>"));
    assert!(masked);
    assert_eq!(body, format!("<{first}> <{first}>"));
    assert_eq!(vault.redact(&format!("first value {first}")), "*** ***");
    for number in 0..10 {
        seal("one", &format!("value of number {number}"));
    }
    let kept = |text: &str| vault.mask_body(Bytes::from(text.to_owned())).1;
    assert!(kept("value of number 6") && kept("value of number 9") && !kept("value of number 5"));
}

#[test]
fn a_token_cannot_be_stored() {
    let vault = vault(&[("key", "given by the user")]);
    let (token, ..) =
        vault.seal_token("s", "id", Secret::new("a token's value"), &Binding::default()).unwrap();
    let text = format!("{} {token}", placeholder(&vault, 0));
    assert_eq!(vault.reference(&text), Err(VaultError::Fleeting("id".into())));
    assert_eq!(vault.name_secrets(&text), "${secrets.key} ${secrets.id}");
    assert_eq!(vault.restore("${secrets.id}"), Err(VaultError::Unknown("id".into())));
}

#[test]
fn a_run_is_not_given_any_number_of_tokens() {
    let vault = Vault::new(None).unwrap();
    let seal = |slot: u32| {
        vault.seal_token(&slot.to_string(), "t", Secret::new(format!("{slot:08}")), &Binding::default())
    };
    assert!((0..MAX_TOKENS as u32).all(|slot| seal(slot).is_ok()));
    assert_eq!(seal(MAX_TOKENS as u32), Err(VaultError::TooMany));
    assert!(seal(7).is_ok(), "another value of one that is there");
}
