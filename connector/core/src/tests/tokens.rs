//! Tokens: the request for one, what of an answer to it is taken, and which requests carry it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{authorize, token_request};

fn config(auth: Value) -> Value {
    let mut whole = json!({
        "type": "oauth2_client_credentials", "access_token_url": "https://login.test/o/token?t=1",
        "client_id": "me & you", "client_secret": "${secrets.s}"
    });
    for (key, value) in auth.as_object().unwrap() {
        whole[key] = value.clone();
    }
    json!({
        "client": {"base_url": "https://api.test", "auth": whole, "headers": {"authorization": "old"}},
        "resources": [{"name": "r", "endpoint": {"path": "x", "paginator": "json_link"}}]
    })
}

fn asked(auth: Value) -> Request {
    let plan = planned(&config(auth));
    let page = request(&plan, &first_page("r")).unwrap();
    token_request(&plan, &first_page("r"), &page).unwrap().unwrap()
}

fn form(request: &Request) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

#[test]
fn the_request_is_as_dlts() {
    let request =
        asked(json!({"access_token_request_data": {"scope": "a b", "n": 5, "none": null, "client_id": "x"}}));
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://login.test/o/token?t=1"));
    let expected = [
        ("client_id", "x"),
        ("client_secret", "${secrets.s}"),
        ("grant_type", "client_credentials"),
        ("scope", "a b"),
        ("n", "5"),
    ];
    assert_eq!(form(&request), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn the_secret_goes_into_a_header_where_that_is_asked_for() {
    let request = asked(json!({"token_endpoint_auth_method": "client_secret_basic"}));
    assert_eq!(form(&request), [("grant_type".to_owned(), "client_credentials".to_owned())]);
    let pair = STANDARD.encode("me+%26+you:${secrets.s}");
    assert!(request.headers.contains(&("Authorization".to_owned(), format!("Basic {pair}"))));
}

#[test]
fn what_the_host_is_told() {
    let data = json!({"access_token": "${secrets.a}", "access_token_request_data": {"password": "lit", "scope": "a", "code": "${secrets.c}"}, "default_token_expiration": 60});
    let info = planned(&config(data)).source_info();
    assert_eq!(
        info.credentials,
        ["/client/auth/access_token_request_data/password", "/client/headers/authorization"]
    );
    let [seal] = &info.resources[0].seals[..] else { panic!() };
    assert_eq!(
        (seal.origin.as_str(), seal.path.as_str(), seal.lifetime_s),
        ("https://login.test", "/o/token", 60)
    );
    assert_eq!(seal.fields, ["/access_token", "/refresh_token", "/id_token"]);
    assert_eq!(seal.first.as_deref(), Some("/client/auth/access_token"));
    assert_eq!(seal.spends, ["/client/auth/client_secret", "/client/auth/access_token_request_data/code"]);
    assert_eq!(info.resources[0].origins, ["https://api.test"]);
}

#[test]
fn only_requests_to_the_resources_own_origin_carry_it() {
    let plan = planned(&config(json!({})));
    let given = answer(200, r#"{"access_token": "tok", "expires_in": 5}"#);
    for (link, carries) in [("https://api.test/x?p=2", true), ("https://other.test/x?p=2", false)] {
        let first = answer(200, &json!({"next": link, "data": [{"a": 1}]}).to_string());
        let Continuation::Next(cursor) = page(&plan, &first_page("r"), &first).unwrap().continuation else {
            panic!()
        };
        let wanted = PageRequest { cursor: Some(cursor), ..first_page("r") };
        let Ok(mut request) = request(&plan, &wanted) else { panic!() };
        assert_eq!(token_request(&plan, &wanted, &request).unwrap().is_some(), carries, "{link}");
        authorize(&plan, &wanted, &mut request, &given).unwrap();
        let sent = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let sent: Vec<_> = sent.map(|(_, value)| value.as_str()).collect();
        assert_eq!(sent, if carries { vec!["Bearer tok"] } else { vec![] }, "{link}");
    }
}
