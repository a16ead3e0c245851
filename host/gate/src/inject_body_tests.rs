//! A secret arrives whole in a body, in no other place of it, and only in bodies that can be read.

use proptest::prelude::*;

use super::*;
use crate::origin::Origin;
use crate::secret::{Binding, Secret};

const AWKWARD: &str = "a&é /+=%\"\\#?\n\u{1}x";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn vault_of(value: &str, binding: Binding) -> (Vault, String) {
    let mut vault = Vault::new(Some([7; 16])).unwrap();
    let placeholder = vault.seal("KEY", Secret::new(value), binding).unwrap();
    (vault, placeholder)
}

fn filled(vault: &Vault, kind: &str, body: &str) -> Result<(String, Vec<(String, Place)>), Denial> {
    let origin: Origin = "https://a.b".parse().unwrap();
    let hop = Hop { origin: &origin, strayed: false, trusted_wire: true };
    let mut headers = HeaderMap::new();
    if !kind.is_empty() {
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
    }
    let mut placed = Vec::new();
    let body = fill_body(vault, &headers, &Bytes::from(body.to_owned()), hop, &mut placed)?;
    Ok((String::from_utf8(body.to_vec()).unwrap(), placed))
}

fn field(name: &str) -> (String, Place) {
    ("KEY".to_owned(), Place::Field(name.to_owned()))
}

#[test]
fn json_is_filled_in_its_strings_and_otherwise_untouched() {
    let (vault, key) = vault_of(AWKWARD, Binding::default());
    let body = format!(
        r#"{{ "n" : 1.10, "auth":{{"key" :"a {key} \"b\" {key}"}}, "list":[ {{"k":"\u0061"}},"{key}"] }}"#
    );
    let (sent, placed) = filled(&vault, JSON, &body).unwrap();
    let read: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(read["auth"]["key"], format!("a {AWKWARD} \"b\" {AWKWARD}"));
    assert_eq!(read["list"][1], AWKWARD);
    assert!(sent.starts_with(r#"{ "n" : 1.10, "auth":{"key" :"#), "{sent}");
    assert!(sent.contains(r#""list":[ {"k":"\u0061"},"#), "{sent}");
    assert_eq!(placed, [field("key"), field("list")]);
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/graphql+json"] {
        assert_eq!(filled(&vault, kind, &body).unwrap().0, sent);
    }
}

#[test]
fn a_form_is_filled_in_its_values() {
    let (vault, key) = vault_of(AWKWARD, Binding::default());
    let body = format!("a=1&client%5Fsecret=x+{key}&&b=%20&flag");
    let (sent, placed) = filled(&vault, FORM, &body).unwrap();
    let read: Vec<_> = form_urlencoded::parse(sent.as_bytes()).into_owned().collect();
    assert_eq!(read[1], ("client_secret".to_owned(), format!("x {AWKWARD}")));
    assert!(sent.starts_with("a=1&") && sent.ends_with("&&b=%20&flag"), "{sent}");
    assert_eq!(placed, [field("client_secret")]);
}

/// Escaped by the guest, a placeholder would reach the API, which could then write it into its answers.
#[test]
fn an_escaped_placeholder_is_one() {
    let (vault, key) = vault_of("secret", Binding::default());
    let json = format!(r#"{{"k":"{}"}}"#, key.replacen('s', "\\u0073", 1));
    assert_eq!(filled(&vault, JSON, &json).unwrap().0, r#"{"k":"secret"}"#);
    let form = format!("k={}", key.replacen('s', "%73", 1));
    assert_eq!(filled(&vault, FORM, &form).unwrap().0, "k=secret");
}

#[test]
fn nowhere_else() {
    let (vault, key) = vault_of("secret", Binding::default());
    let escaped = key.replacen('s', "\\u0073", 1);
    let cases = [
        ("", format!("{{\"k\":\"{key}\"}}"), "neither JSON nor a form"),
        ("text/plain", format!("k={key}"), "neither JSON nor a form"),
        ("multipart/form-data", format!("k={key}"), "neither JSON nor a form"),
        (JSON, format!("{{\"{key}\":1}}"), "the name of a field"),
        (JSON, format!("{{\"{escaped}\" : 1}}"), "the name of a field"),
        (JSON, format!("{{\"k\":\"{key}\""), "not JSON"),
        (JSON, format!("k={key}"), "not JSON"),
        (JSON, format!("{{\"k\":\"{}\"}}", &key[..key.len() - 1]), "cut short"),
        (FORM, format!("{key}=1"), "the name of a field"),
        (FORM, key.clone(), "the name of a field"),
        (FORM, format!("k={key}%FF"), "not UTF-8"),
    ];
    for (kind, body, words) in cases {
        let denial = filled(&vault, kind, &body).unwrap_err();
        assert!(matches!(denial, Denial::SecretPlace { .. }), "{body}: {denial}");
        assert!(denial.to_string().contains(words), "{body}: {denial}");
    }
    let mut twice = HeaderMap::new();
    twice.append(CONTENT_TYPE, JSON.parse().unwrap());
    twice.append(CONTENT_TYPE, FORM.parse().unwrap());
    assert_eq!(form(&twice), None);
}

#[test]
fn bindings_hold_in_bodies_too() {
    let bound = |origin: &str, place: Place| Binding {
        origins: Some(vec![origin.parse().unwrap()]),
        places: Some(vec![place]),
    };
    let cases = [
        (bound("https://a.b", Place::Field("k".into())), true),
        (bound("https://a.b", Place::Field("other".into())), false),
        (bound("https://a.b", Place::Basic), false),
        (bound("https://c.d", Place::Field("k".into())), false),
    ];
    for (binding, sent) in cases {
        let (vault, key) = vault_of("secret", binding.clone());
        for (kind, body) in [(JSON, format!("{{\"k\":[\"{key}\"]}}")), (FORM, format!("k={key}"))] {
            assert_eq!(filled(&vault, kind, &body).is_ok(), sent, "{binding:?}");
        }
    }
}

#[test]
fn a_body_without_a_placeholder_is_the_very_same() {
    let (vault, _) = vault_of("secret", Binding::default());
    for (kind, body) in
        [(JSON, r#"{"a":"\n\u00e9\\"}"#), (JSON, "no json \\"), (FORM, "a=%zz&b=%FF"), ("", "x")]
    {
        let (sent, placed) = filled(&vault, kind, body).unwrap();
        assert_eq!((sent.as_str(), placed.len()), (body, 0));
    }
}

proptest! {
    /// Whatever the secret and the text around it, an API reads both as they are.
    #[test]
    fn any_secret_arrives(secret in ".{1,20}", before in "[^\u{0}]{0,8}", after in ".{0,8}") {
        let (vault, key) = vault_of(&secret, Binding::default());
        let text = format!("{before}{key}{after}");
        let expected = format!("{before}{secret}{after}");
        let (sent, _) = filled(&vault, JSON, &serde_json::json!({"k": [text], "e": ""}).to_string()).unwrap();
        let read: Value = serde_json::from_str(&sent).unwrap();
        prop_assert_eq!(&read["k"][0], &Value::from(expected.as_str()));
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("k", &text).finish();
        let (sent, _) = filled(&vault, FORM, &body).unwrap();
        let read: Vec<_> = form_urlencoded::parse(sent.as_bytes()).into_owned().collect();
        prop_assert_eq!(read, [("k".to_owned(), expected)]);
    }
}
