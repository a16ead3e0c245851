//! The words in which the gate refuses, each from what leads to it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use insta::assert_snapshot;
use url::Url;

use crate::inject::{Hop, fill, refuse_misplaced, refuse_misplaced_in_url};
use crate::{Binding, Origin, Place, Policy, Rule, Secret, Vault};

fn lines(said: impl IntoIterator<Item = String>) -> String {
    said.into_iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_cannot_be_allowed() {
    let rules = [
        "",
        "foo bar",
        "GET https://a.example.com",
        "ftp://a.example.com",
        "https://me:hunter2@a.example.com",
        "https://a.example.com/path",
        "https://*.example.com",
        "private:",
        "a.example.com:99999",
    ];
    let said = rules.map(|text| text.parse::<Rule>().unwrap_err().to_string());
    let origin = "a.example.com".parse::<Origin>().unwrap_err().to_string();
    assert_snapshot!(lines(said.into_iter().chain([origin])));
}

#[test]
fn what_a_vault_does_not_take() {
    let mut vault = Vault::new(Some([7; 16])).unwrap();
    let mut seal = |name: &str, value: &str| {
        vault
            .seal(name, Secret::new(value), Binding::default())
            .map_or_else(|error| error.to_string(), |_| "taken".into())
    };
    let said = [
        seal("", "x"),
        seal("a}", "x"),
        seal("k", ""),
        seal("k", &"x".repeat(65 * 1024)),
        seal("k", "one"),
        seal("k", "two"),
    ];
    let unknown = vault.restore("${secrets.other}").unwrap_err().to_string();
    let token = |slot: &str, value: &str| {
        let sealed = vault.seal_token(slot, "token", Secret::new(value), &Binding::default());
        sealed.map(|(placeholder, ..)| placeholder)
    };
    let fleeting = vault.reference(&token("t", "a token").unwrap()).unwrap_err().to_string();
    let problem = token("t", &"x".repeat(65 * 1024)).unwrap_err();
    let long = crate::GateError::Token { problem }.to_string();
    let problem = crate::RotatedError::Io("no space left".to_owned());
    let lost = crate::vault::VaultError::Unstored { name: "refresh_token".to_owned(), problem }.to_string();
    let malformed = crate::RotatedError::Malformed.to_string();
    let open = crate::RotatedError::Open(0o640).to_string();
    let jwt = |algorithm, key: &str| {
        let claims = serde_json::Map::new();
        let jwt = crate::Jwt { algorithm, claims, lifetime_s: 5, key_id: None, clock: || 0 };
        Vault::new(None).unwrap().seal_jwt("key", &Secret::new(key), jwt, Binding::default()).unwrap_err()
    };
    let pem = jwt(crate::JwtAlgorithm::Rs256, "x").to_string();
    let kind = jwt(crate::JwtAlgorithm::Es256, include_str!("jwt_tests_rsa.pem")).to_string();
    let unsigned = crate::KeyError::Unsigned.to_string();
    let many = (0..300).find_map(|slot| token(&slot.to_string(), "a token").err()).unwrap().to_string();
    let field = "access_token".parse::<crate::SealField>().unwrap_err().to_string();
    assert_snapshot!(lines(
        said.into_iter()
            .chain([unknown, fleeting, long, lost, malformed, open, pem, kind, unsigned, many, field])
    ));
}

#[test]
fn what_is_not_asked() {
    let policy = Policy { rules: vec!["https://a.example.com".parse().unwrap()], ..Policy::default() };
    let ask = |url: &str, method: Method| {
        let url = Url::parse(url).unwrap();
        policy.admit(&url, &method).map_or_else(|denial| denial.to_string(), |_| "asked".into())
    };
    let origin = "https://a.example.com".parse().unwrap();
    let address = |ip: &str| {
        let found = policy.admit_addresses(&origin, [ip.parse().unwrap()]);
        found.map_or_else(|denial| denial.to_string(), |_| "connected".into())
    };
    assert_snapshot!(lines([
        ask("file:///etc/passwd", Method::GET),
        ask("https://me:pw@a.example.com", Method::GET),
        ask("https://b.example.com/x", Method::GET),
        ask("https://a.example.com/x", Method::DELETE),
        address("10.0.0.1"),
        address("127.0.0.1"),
        address("169.254.169.254"),
        address("0.0.0.0"),
        crate::reach("1.1.1.1".parse().unwrap()).to_string(),
        crate::gate::absolute(&"/x".parse().unwrap()).unwrap_err().to_string(),
    ]));
}

#[test]
fn where_a_secret_does_not_go() {
    let said = |value: &str, binding: Binding, url: &str, headers: &[(&str, &str)], hop: (bool, bool)| {
        let mut vault = Vault::new(Some([7; 16])).unwrap();
        let key = vault.seal("key", Secret::new(value), binding).unwrap();
        let escaped: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = Url::parse(&url.replace("KEY", &key).replace("ESC", &escaped)).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = match value.strip_prefix("basic ") {
                Some(pair) => {
                    use base64::Engine as _;
                    let pair = pair.replace("KEY", &key);
                    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)).into_bytes()
                }
                None => value
                    .replace("CUT", &key[..key.len() - 3])
                    .replace("KEY", &key)
                    .replace('¿', "\u{0}")
                    .into_bytes(),
            };
            let value: Vec<u8> = value.into_iter().map(|byte| if byte == 0 { 0xFF } else { byte }).collect();
            let name = HeaderName::try_from(name.replace("KEY", &key).to_lowercase()).unwrap();
            map.append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        let (strayed, trusted_wire) = hop;
        let origin: Origin = "https://a.example.com".parse().unwrap();
        let misplaced =
            refuse_misplaced(&vault, &Method::GET, &map).and_then(|()| refuse_misplaced_in_url(&vault, &url));
        match misplaced {
            Err(denial) => denial.to_string(),
            Ok(()) => match fill(&vault, &url, &map, Hop { origin: &origin, strayed, trusted_wire }) {
                Err(error) => error.to_string(),
                Ok(_) => "sent".to_owned(),
            },
        }
    };
    let free = Binding::default;
    let (url, first) = ("https://a.example.com/x", (false, true));
    let bound = |place| Binding { places: Some(vec![place]), ..Binding::default() };
    let elsewhere = Binding { origins: Some(vec!["https://b.example.com".parse().unwrap()]), places: None };
    let cases = [
        said("secret", free(), "https://a.example.com/KEY", &[], first),
        said("secret", free(), "https://a.example.com/x?KEY=1", &[], first),
        said("secret", free(), "https://a.example.com/x?k=ESC", &[], first),
        said("secret", free(), url, &[("xKEY", "1")], first),
        said("se;cret", free(), url, &[("cookie", "sid=KEY")], first),
        said("secret", free(), url, &[("content-length", "KEY")], first),
        said("secret", free(), url, &[("x-key", "¿KEY")], first),
        said("secret", free(), url, &[("x-key", "CUT")], first),
        said("secret", bound(Place::Basic), url, &[("x-key", "KEY")], first),
        said("secret", elsewhere, url, &[("x-key", "KEY")], first),
        said("secret", free(), "https://a.example.com/x?k=KEY", &[], (true, true)),
        said("secret", free(), url, &[("x-key", "KEY")], (false, false)),
        said("two\nlines", free(), url, &[("x-key", "KEY")], first),
        said(" spaced ", free(), url, &[("x-key", "KEY")], first),
        said("two\nlines", free(), url, &[("authorization", "basic me:KEY")], first),
        said("a:b", free(), url, &[("authorization", "basic KEY:pw")], first),
        said("secret", free(), &format!("https://a.example.com/{}", "x".repeat(70_000)), &[], first),
    ];
    assert_snapshot!(lines(cases));
}

#[test]
fn where_a_secret_does_not_go_in_a_body() {
    let said = |kind: &str, body: &[u8]| {
        let mut vault = Vault::new(Some([7; 16])).unwrap();
        let binding = Binding { origins: None, places: Some(vec![Place::Basic]) };
        let key = vault.seal("key", Secret::new("secret"), binding).unwrap();
        let at = body.windows(3).position(|three| three == b"KEY").unwrap();
        let body = Bytes::from([&body[..at], key.as_bytes(), &body[at + 3..]].concat());
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        let origin = "https://a.example.com".parse().unwrap();
        let hop = Hop { origin: &origin, strayed: false, trusted_wire: true };
        match crate::inject_body::fill_body(&vault, &headers, &body, hop, &mut Vec::new()) {
            Err(denial) => denial.to_string(),
            Ok(_) => "sent".to_owned(),
        }
    };
    let form = "application/x-www-form-urlencoded";
    assert_snapshot!(lines([
        said("text/plain", b"KEY"),
        said("application/json", b"{KEY"),
        said("application/json", br#"{"KEY": 1}"#),
        said("application/json", br#"{"q": "KEY"}"#),
        said(form, b"KEY=1"),
        said(form, b"q=%FFKEY"),
    ]));
}

#[test]
fn where_a_signature_does_not_stand() {
    let said = |signer: crate::Signer, url: &str, header: &str| {
        let mut vault = Vault::new(Some([7; 16])).unwrap();
        let key = vault.seal_signer("key", Secret::new("secret"), signer, Binding::default()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-sig", HeaderValue::from_str(&header.replace("KEY", &key)).unwrap());
        let origin: Origin = "https://a.example.com".parse().unwrap();
        let hop = Hop { origin: &origin, strayed: false, trusted_wire: true };
        match fill(&vault, &Url::parse(&url.replace("KEY", &key)).unwrap(), &headers, hop) {
            Err(error) => error.to_string(),
            Ok(_) => "sent".to_owned(),
        }
    };
    let mac = || {
        crate::Signer::Mac(crate::Mac {
            algorithm: crate::MacAlgorithm::Sha256,
            encoding: crate::MacEncoding::Hex,
            template: "{path}".parse().unwrap(),
            timestamp_header: None,
            prefix: String::new(),
            clock: || 0,
        })
    };
    let aws = crate::Signer::SigV4(crate::SigV4 {
        access_key_id: Secret::new("AKIDEXAMPLE"),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "service".to_owned(),
        clock: || 0,
    });
    assert_snapshot!(lines([
        said(mac(), "https://a.example.com/x", "v1=KEY"),
        said(mac(), "https://a.example.com/x?sig=KEY", "1"),
        said(aws, "https://a.example.com/x", "KEY"),
        "{url}".parse::<crate::MacTemplate>().unwrap_err().to_string(),
        "{".parse::<crate::MacTemplate>().unwrap_err().to_string(),
    ]));
}

#[tokio::test]
async fn a_name_without_an_address() {
    let origin = "https://a.example.com".parse().unwrap();
    assert_snapshot!(crate::connect::race(&origin, Vec::new()).await.unwrap_err());
}
