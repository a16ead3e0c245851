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

fn planned_with(auth: Value) -> Plan {
    planned(&json!({
        "client": {"base_url": "https://api.test/v1/", "auth": auth},
        "resources": [{"name": "r", "endpoint": {"path": "x?a=1", "headers": {"cookie": "c=1"}}}]
    }))
}

/// The request for the token, and the page's with the token of this answer.
fn both(auth: Value, given: &Response) -> (Request, Request) {
    let plan = planned_with(auth);
    let mut page = request(&plan, &first_page("r")).unwrap();
    let asked = token_request(&plan, &first_page("r"), &page).unwrap().unwrap();
    authorize(&plan, &first_page("r"), &mut page, given).unwrap();
    (asked, page)
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut found = request.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none());
    value
}

#[test]
fn a_login_whose_answer_is_a_token() {
    let given = Response {
        headers: vec![("x-session".into(), "in-header".into())],
        ..answer(200, r#"{"data": [{"a/b": "in-body"}]}"#)
    };
    let (asked, page) = both(
        json!({
            "type": "session_token", "path": "/login?x=1", "token_path": "data[0]['a/b']",
            "json": {"user": "u", "deep": [{"password": "${secrets.p}"}]}, "headers": {"X-A": "1"}
        }),
        &given,
    );
    assert_eq!((asked.method, asked.url.as_str()), ("POST", "https://api.test/v1/login?x=1"));
    assert_eq!(asked.body, br#"{"user":"u","deep":[{"password":"${secrets.p}"}]}"#);
    assert_eq!(
        (header(&asked, "content-type"), header(&asked, "x-a")),
        (Some("application/json"), Some("1"))
    );
    assert_eq!(header(&page, "authorization"), Some("Bearer in-body"));

    let (asked, page) = both(
        json!({
            "type": "session_token", "path": "https://login.test/in", "method": "GET", "token_header": "X-Session",
            "location": "query", "name": "s id"
        }),
        &given,
    );
    assert_eq!((asked.method, asked.url.as_str(), asked.body.len()), ("GET", "https://login.test/in", 0));
    assert_eq!(page.url, "https://api.test/v1/x?a=1&s%20id=in-header");

    let login = |part: Value| {
        let mut auth =
            json!({"type": "session_token", "path": "in", "token_header": "X-Session", "data": {"u": "a b"}});
        for (key, value) in part.as_object().unwrap() {
            auth[key] = value.clone();
        }
        both(auth, &given)
    };
    let (asked, page) = login(json!({"location": "cookie", "name": "sid"}));
    assert_eq!(form(&asked), [("u".to_owned(), "a b".to_owned())]);
    assert_eq!(header(&page, "cookie"), Some("c=1; sid=in-header"));
    assert_eq!(header(&login(json!({"name": "X-Token"})).1, "x-token"), Some("in-header"));
    assert_eq!(header(&login(json!({"prefix": "Token "})).1, "authorization"), Some("Token in-header"));
}

#[test]
fn what_the_host_is_told_of_a_login() {
    let plan = planned_with(json!({
        "type": "session_token", "path": "in", "token_header": "X-Session", "default_token_expiration": 5,
        "json": {"a": [{"password": "lit"}, "${secrets.x}"]}, "headers": {"x-token": "${secrets.y}"}
    }));
    let info = plan.source_info();
    assert_eq!(info.credentials, ["/client/auth/json/a/0/password", "/resources/0/endpoint/headers/cookie"]);
    let [seal] = &info.resources[0].seals[..] else { panic!() };
    assert_eq!((seal.origin.as_str(), seal.path.as_str()), ("https://api.test", "/v1/in"));
    assert_eq!((seal.fields[0].as_str(), seal.lifetime_s), ("header:X-Session", 5));
    assert_eq!(seal.spends, ["/client/auth/headers/x-token", "/client/auth/json/a/1"]);
}

#[test]
fn a_refresh_token_is_sent_and_may_be_replaced() {
    let auth = json!({
        "type": "oauth2_refresh_token", "access_token_url": "https://login.test/t", "client_id": "me",
        "refresh_token": "${secrets.r}", "scopes": ["a", "b"]
    });
    let (asked, page) = both(auth.clone(), &answer(200, r#"{"access_token": "tok"}"#));
    let sent = [
        ("client_id", "me"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "${secrets.r}"),
        ("scope", "a b"),
    ];
    assert_eq!(form(&asked), sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(header(&page, "authorization"), Some("Bearer tok"));
    let info = planned_with(auth).source_info();
    let [seal] = &info.resources[0].seals[..] else { panic!() };
    assert_eq!(seal.rotates.as_deref(), Some("/client/auth/refresh_token"));
    assert_eq!(seal.spends, ["/client/auth/refresh_token"]);
}

#[test]
fn an_assertion_is_sent_for_a_token() {
    let auth = json!({
        "type": "oauth2_jwt_bearer", "access_token_url": "https://login.test/t", "assertion": "${secrets.a}",
        "scopes": "x"
    });
    let (asked, page) = both(auth.clone(), &answer(200, r#"{"access_token": "tok"}"#));
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let sent = [("grant_type", grant), ("assertion", "${secrets.a}"), ("scope", "x")];
    assert_eq!(form(&asked), sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(header(&page, "authorization"), Some("Bearer tok"));
    assert_eq!(planned_with(auth).source_info().resources[0].seals[0].spends, ["/client/auth/assertion"]);
}
