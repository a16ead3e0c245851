//! Requests: URLs joined as dlt joins them, every value safe in its place, credentials where the config puts them.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn url_of(base: &str, part: Value) -> String {
    let config = json!({"client": {"base_url": base}, "resources": [{"name": "r", "endpoint": part}]});
    request(&planned(&config), &first_page("r")).unwrap().url
}

#[test]
fn urls_are_joined_as_dlt_joins_them() {
    let cases = [
        ("https://api.test", "x", "https://api.test/x"),
        ("https://api.test/v1/", "/x/y", "https://api.test/v1/x/y"),
        ("https://api.test/v1", "", "https://api.test/v1"),
        ("https://api.test/v1/", "", "https://api.test/v1/"),
        ("https://api.test/v1", "/", "https://api.test/v1/"),
        ("https://api.test/v1", "http://other.test/z", "http://other.test/z"),
        ("https://api.test", "x?a=1&b=%20", "https://api.test/x?a=1&b=%20"),
        ("https://api.test", "a b/é", "https://api.test/a%20b/%C3%A9"),
        ("https://api.test/{v}", "x{{y}}", "https://api.test/%7Bv%7D/x%7By%7D"),
    ];
    for (base, path, url) in cases {
        assert_eq!(url_of(base, json!({"path": path})), url);
    }
}

#[test]
fn parameters_keep_their_order_and_are_form_encoded() {
    let params = json!({"b": "x y&é+", "a": [1, true, "t"], "n": null, "f": 1.5, "k[]": "{{v}}"});
    assert_eq!(
        url_of("https://api.test", json!({"path": "x?p=1", "params": params})),
        "https://api.test/x?p=1&b=x+y%26%C3%A9%2B&a=1&a=true&a=t&f=1.5&k%5B%5D=%7Bv%7D"
    );
    let both = json!({"path": "{a}/{b}", "params": {"a": "p/q", "b": 3, "q": "1"}});
    assert_eq!(url_of("https://api.test", both), "https://api.test/p%2Fq/3?q=1");
}

#[test]
fn the_paginator_sets_its_parameters_over_those_of_the_config() {
    let config = endpoint(json!({
        "path": "x", "params": {"limit": 20, "skip": 15, "keep": "y"},
        "paginator": {"type": "offset", "limit": 5, "offset_param": "skip"}
    }));
    let plan = planned(&config);
    assert_eq!(request(&plan, &first_page("r")).unwrap().url, "https://api.test/x?keep=y&skip=0&limit=5");
    assert_eq!(plan.source_info().notices.len(), 2);
}

#[test]
fn credentials_stand_where_the_config_puts_them() {
    let sent = |auth: Value| {
        let config = json!({
            "client": {"base_url": "https://api.test", "auth": auth, "headers": {"authorization": "old", "X-A": "1"}},
            "resources": [{"name": "r", "endpoint": {"path": "x", "headers": {"x-a": "2"}}}]
        });
        request(&planned(&config), &first_page("r")).unwrap()
    };
    let header = |request: &Request, name: &str| {
        let found: Vec<_> =
            request.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).collect();
        assert!(found.len() < 2, "{found:?}");
        found.first().map(|(_, value)| value.clone())
    };
    let bearer = sent(json!({"type": "bearer", "token": "sanderling-secret-1"}));
    assert_eq!(header(&bearer, "Authorization").unwrap(), "Bearer sanderling-secret-1");
    assert_eq!(header(&bearer, "x-a").unwrap(), "2", "the endpoint's header wins");
    assert_eq!(header(&bearer, "accept").unwrap(), "application/json");
    assert_eq!(header(&sent(json!({"token": "t"})), "authorization").unwrap(), "Bearer t");
    let basic = sent(json!({"type": "http_basic", "username": "Aladdin", "password": "open sesame"}));
    assert_eq!(header(&basic, "authorization").unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let key = sent(json!({"type": "api_key", "name": "X-Api-Key", "api_key": "k"}));
    assert_eq!(header(&key, "x-api-key").unwrap(), "k");
    assert_eq!(header(&sent(json!({"type": "api_key", "api_key": "k"})), "authorization").unwrap(), "k");
    for location in ["query", "param"] {
        let query =
            sent(json!({"type": "api_key", "name": "api key", "api_key": "a&é /+=", "location": location}));
        assert_eq!(query.url, "https://api.test/x?api%20key=a%26%C3%A9%20%2F%2B%3D");
        assert_eq!(header(&query, "authorization").unwrap(), "old");
    }
}

#[test]
fn a_key_in_a_cookie_stands_beside_the_others() {
    let sent = |headers: Value| {
        let config = json!({
            "client": {
                "base_url": "https://api.test", "headers": headers,
                "auth": {"type": "api_key", "api_key": "${secrets.k}", "name": "sid", "location": "cookie"}
            },
            "resources": ["r"]
        });
        let sent = request(&planned(&config), &first_page("r")).unwrap();
        let cookies = sent.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        cookies.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sent(json!({})), ["sid=${secrets.k}"]);
    assert_eq!(sent(json!({"cookie": "a=1; sid=old;b=2"})), ["a=1; b=2; sid=${secrets.k}"]);
}

#[test]
fn an_endpoints_auth_takes_the_place_of_the_clients() {
    let config = json!({
        "client": {"base_url": "https://api.test", "auth": {"token": "a"}},
        "resources": [{"name": "r", "endpoint": {"auth": {"type": "api_key", "name": "k", "api_key": "b", "location": "query"}}}]
    });
    let sent = request(&planned(&config), &first_page("r")).unwrap();
    assert_eq!(sent.url, "https://api.test/r?k=b");
    assert!(!sent.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")));
}
