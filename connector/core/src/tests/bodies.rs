//! Bodies: JSON with the types of what stands in it, forms, text, and how they merge.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// The request of `c`, a child of `p` with this endpoint, for this row of `p`.
fn child(row: Value, endpoint: Value) -> std::result::Result<Request, Fault> {
    let config = json!({"client": {"base_url": "https://api.test"}, "resources": [
        {"name": "p", "endpoint": {"path": "p", "paginator": "single_page", "data_selector": "data"}},
        {"name": "c", "endpoint": endpoint}
    ]});
    let plan = planned(&config);
    let got = page(&plan, &first_page("p"), &ok(json!({"data": [row]})))?;
    request(&plan, &child_page("c", &got.children[0].partitions[0]))
}

fn sent(endpoint_of: Value) -> Request {
    request(&planned(&endpoint(endpoint_of)), &first_page("r")).unwrap()
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

fn content_type(request: &Request) -> Option<&str> {
    let is = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
    assert!(request.headers.iter().filter(is).count() < 2);
    request.headers.iter().find(is).map(|(_, value)| value.as_str())
}

#[test]
fn a_text_that_is_one_placeholder_keeps_the_type() {
    let row = json!({"i": 7, "f": 1.5, "b": true, "n": null, "l": [1, {"a": 2}], "o": {"x": 1}, "t": "a\"b"});
    let json = json!({
        "i": "{resources.p.i}", "f": "{resources.p.f}", "b": "{ resources.p.b }", "n": "{resources.p.n}",
        "l": "{resources.p.l}", "o": "{resources.p.o}", "t": "{resources.p.t}",
        "mixed": "v={resources.p.i}", "two": "{resources.p.i}{resources.p.f}",
        "list": ["{resources.p.b}", 3, null], "k_{resources.p.i}": {"in": ["{resources.p.t}!"]},
        "literal": "{{resources.p.i}}", "{{k}}": 1e2,
    });
    let sent = child(row, json!({"path": "c", "method": "POST", "json": json})).unwrap();
    assert_eq!(sent.method, "POST");
    assert_eq!(content_type(&sent), Some("application/json"));
    assert_eq!(
        body(&sent),
        concat!(
            r#"{"i":7,"f":1.5,"b":true,"n":null,"l":[1,{"a":2}],"o":{"x":1},"t":"a\"b","mixed":"v=7","two":"71.5","#,
            r#""list":[true,3,null],"k_7":{"in":["a\"b!"]},"literal":"{resources.p.i}","{k}":100.0}"#
        )
    );
}

#[test]
fn numbers_keep_their_digits() {
    let config = json!({"client": {"base_url": "https://api.test"}, "resources": [
        {"name": "p", "endpoint": {"path": "p", "paginator": "single_page", "data_selector": "data"}},
        {"name": "c", "endpoint": {"path": "c", "method": "POST", "json": {"i": "{resources.p.i}", "o": "{resources.p.o}"}}}
    ]});
    let plan = planned(&config);
    let answer = ok(r#"{"data": [{"i": 123456789012345678901234567890, "o": {"x": 1.10}}]}"#);
    let got = page(&plan, &first_page("p"), &answer).unwrap();
    let sent = request(&plan, &child_page("c", &got.children[0].partitions[0])).unwrap();
    assert_eq!(body(&sent), r#"{"i":123456789012345678901234567890,"o":{"x": 1.10}}"#);
}

#[test]
fn what_has_no_text_cannot_become_a_part_of_one() {
    for (field, noun) in [("n", "null"), ("l", "a list"), ("o", "an object")] {
        for json in [
            json!({"x": format!("a{{resources.p.{field}}}")}),
            json!({"x": format!("{{resources.p.{field}}}"), format!("{{resources.p.{field}}}"): 1}),
        ] {
            let endpoint = json!({"path": "c", "method": "POST", "json": json});
            let fault = child(json!({"n": null, "l": [1], "o": {}}), endpoint).unwrap_err();
            assert!(fault.to_string().contains(&format!("is {noun}")), "{fault}");
        }
    }
}

#[test]
fn an_object_without_members_is_a_body_even_of_a_get() {
    let got = sent(json!({"path": "x", "json": {}}));
    assert_eq!((got.method, body(&got), content_type(&got)), ("GET", "{}", Some("application/json")));
    let none = sent(json!({"path": "x", "method": "POST"}));
    assert_eq!((none.method, body(&none), content_type(&none)), ("POST", "", None));
}

#[test]
fn forms_and_text() {
    let form = "application/x-www-form-urlencoded";
    let cases = [
        (
            json!({"a": 1, "b": [true, "x y&é"], "n": null, "c": "{{v}}"}),
            "a=1&b=true&b=x+y%26%C3%A9&c=%7Bv%7D",
            Some(form),
        ),
        (json!([["a", "1"], ["b", 2], ["a", "3"]]), "a=1&b=2&a=3", Some(form)),
        (json!({}), "", None),
        (json!([]), "", None),
        (json!("raw {{text}} é"), "raw {text} é", None),
        (json!(""), "", None),
    ];
    for (data, expected, kind) in cases {
        let got = sent(json!({"path": "x", "method": "POST", "data": data}));
        assert_eq!((body(&got), content_type(&got)), (expected, kind), "{data}");
    }
    let text =
        child(json!({"i": 5, "t": "a&b"}), json!({"path": "c", "method": "POST", "data": "{resources.p.i}"}));
    assert_eq!(body(&text.unwrap()), "5");
    let data = json!({"i{resources.p.i}": "{resources.p.t}"});
    let form = child(json!({"i": 5, "t": "a&b"}), json!({"path": "c", "method": "POST", "data": data}));
    assert_eq!(body(&form.unwrap()), "i5=a%26b");
}

#[test]
fn the_configs_content_type_wins() {
    let headers = json!({"Content-Type": "application/graphql+json"});
    let got = sent(
        json!({"path": "x", "method": "POST", "json": {"query": "{{ posts {{ id }} }}"}, "headers": headers}),
    );
    assert_eq!(content_type(&got), Some("application/graphql+json"));
    assert_eq!(body(&got), r#"{"query":"{ posts { id } }"}"#);
}

#[test]
fn json_of_the_defaults_is_merged_one_level_deep() {
    let config = json!({
        "client": {"base_url": "https://api.test"},
        "resource_defaults": {"endpoint": {"json": {"a": 4, "n": {"d": 1}}}},
        "resources": [
            {"name": "r", "endpoint": {"path": "x", "method": "POST", "json": {"b": 3, "n": {"r": 1}}}},
            {"name": "s", "endpoint": {"path": "x", "method": "POST"}},
        ]
    });
    let plan = planned(&config);
    let of = |name: &str| request(&plan, &first_page(name)).unwrap();
    assert_eq!(body(&of("r")), r#"{"a":4,"n":{"r":1},"b":3}"#);
    assert_eq!(body(&of("s")), r#"{"a":4,"n":{"d":1}}"#);
}

#[test]
fn headers_are_templates_names_too() {
    let endpoint = json!({"path": "c", "headers": {"X-{resources.p.i}": "v {resources.p.t}", "Y": "{{y}}"}});
    let got = child(json!({"i": 7, "t": "x"}), endpoint.clone()).unwrap();
    for header in [("X-7", "v x"), ("Y", "{y}")] {
        assert!(got.headers.contains(&(header.0.into(), header.1.into())), "{:?}", got.headers);
    }
    let fault = child(json!({"i": "a b", "t": "x"}), endpoint).unwrap_err();
    assert!(fault.to_string().contains("cannot be the name of a header"), "{fault}");
    assert_eq!(
        refused(&endpoint_of_headers("a b{resources.p.i}")),
        [
            "/resources/0/endpoint/headers/a b{resources.p.i}: `a b{resources.p.i}` cannot be the name of a header"
        ]
    );
}

fn endpoint_of_headers(name: &str) -> Value {
    json!({"client": {"base_url": "https://api.test"}, "resources": [
        {"name": "r", "endpoint": {"path": "x", "headers": {name: "1"}}}, "p"
    ]})
}

#[test]
fn bodies_that_cannot_be_sent_are_refused() {
    let cases = [
        (json!({"json": [1]}), "/json: a JSON body (an object) is expected here, but this is a list"),
        (json!({"json": {}, "data": "x"}), "/data: a request has one body: `json` or `data`, not both"),
        (json!({"data": 3}), "/data: `data` is a form (an object or a list of pairs) or text"),
        (
            json!({"data": {"a": {"b": 1}}}),
            "/data/a: a form's value is text, a number, a boolean, or a list of these",
        ),
        (json!({"data": [["a"]]}), "/data/0: a field of a form is a name and a value"),
        (json!({"json": {"a": {"b": ["{x"]}}}), "/json/a/b/0: `{` without its `}` (write `{{` for a brace)"),
        (json!({"json": {"a": "{x}"}}), "/json/a: nothing says what `{x}` is"),
        (json!({"method": "post"}), "/method: unknown method `post`"),
        (json!({"method": "PUT"}), "/method: unknown method `PUT`"),
    ];
    for (part, message) in cases {
        let mut part = part;
        part["path"] = json!("x");
        assert_eq!(refused(&endpoint(part)), [format!("/resources/0/endpoint{message}")]);
    }
    let problems = plan(&endpoint(json!({"path": "x", "method": "post"})).to_string()).unwrap_err();
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `POST`?"));
}

#[test]
fn credentials_that_are_written_into_a_body_are_named() {
    let config = endpoint(json!({"path": "x", "method": "POST", "json": {
        "query": "q", "auth": {"api_key": "k1", "token": "${secrets.t}"}, "list": [{"password": "k2"}], "secret": 5,
    }}));
    let found = planned(&config).source_info().credentials;
    assert_eq!(
        found,
        ["/resources/0/endpoint/json/auth/api_key", "/resources/0/endpoint/json/list/0/password"]
    );
    let form = endpoint(json!({"path": "x", "method": "POST", "data": {"client_secret": "k", "scope": "s"}}));
    assert_eq!(planned(&form).source_info().credentials, ["/resources/0/endpoint/data/client_secret"]);
}

#[test]
fn a_secret_stays_a_reference_in_a_body() {
    let got = sent(json!({"path": "x", "method": "POST", "json": {"key": "a ${secrets.k} b"}}));
    assert_eq!(body(&got), r#"{"key":"a ${secrets.k} b"}"#);
    let got = sent(json!({"path": "x", "method": "POST", "data": {"key": "sanderling-secret-00-k"}}));
    assert_eq!(body(&got), "key=sanderling-secret-00-k");
}

/// The bodies by which resource `r` is read, page by page, each answered by `answer`.
fn bodies(paginator: Value, mut part: Value, answer: impl Fn(&Value) -> Value) -> Vec<String> {
    part["paginator"] = paginator;
    part["path"] = json!("x");
    part["method"] = json!("POST");
    part["data_selector"] = json!("data");
    let plan = planned(&endpoint(part));
    let (mut seen, mut chains) = (Vec::new(), vec![None]);
    while let Some(cursor) = chains.pop() {
        let wanted = PageRequest { cursor, ..first_page("r") };
        let sent = request(&plan, &wanted).unwrap();
        assert_eq!(sent.url, "https://api.test/x");
        seen.push(body(&sent).to_owned());
        let asked = serde_json::from_str(body(&sent)).unwrap_or(Value::Null);
        match page(&plan, &wanted, &ok(answer(&asked))).unwrap().continuation {
            Continuation::Next(next) => chains.push(Some(next)),
            Continuation::Rest(rest) => chains.extend(rest.into_iter().rev().map(Some)),
            _ => {}
        }
    }
    seen
}

#[test]
fn paginators_write_into_bodies() {
    let cursor = json!({"type": "cursor", "cursor_path": "next", "cursor_body_path": "page.after"});
    for (next, text) in [(json!(2), "2"), (json!("2"), "\"2\"")] {
        let seen = bodies(cursor.clone(), json!({"json": {"q": 1, "page": {"size": 5}}}), |asked| {
            let next = if asked["page"]["after"].is_null() { next.clone() } else { Value::Null };
            json!({"data": [{"id": 1}], "next": next})
        });
        let second = format!(r#"{{"q":1,"page":{{"size":5,"after":{text}}}}}"#);
        assert_eq!(seen, [r#"{"q":1,"page":{"size":5}}"#, &second]);
    }
    let offset = json!({"type": "offset", "limit": 2, "offset_body_path": "p.o", "limit_body_path": "p.l"});
    let seen = bodies(
        offset,
        json!({}),
        |asked| json!({"data": ids(asked["p"]["o"].as_u64().unwrap(), 2), "total": 2}),
    );
    assert_eq!(seen[0], r#"{"p":{"o":0,"l":2}}"#);
    let pages = json!({"type": "page_number", "base_page": 1, "page_body_path": "a", "maximum_page": 3});
    let seen = bodies(pages, json!({"json": {"a": [7]}}), |asked| json!({"data": [{"id": asked["a"]}]}));
    assert_eq!(seen, [r#"{"a":1}"#, r#"{"a":2}"#]);
}

#[test]
fn a_paginator_writes_in_one_place() {
    let refused = |paginator: Value, data: Value| {
        refused(&endpoint(json!({"path": "x", "data": data, "paginator": paginator})))
    };
    assert_eq!(
        refused(json!({"type": "page_number", "page_param": "p", "page_body_path": "p"}), Value::Null),
        [
            "/resources/0/endpoint/paginator/page_body_path: it is sent as a parameter or in the body: `page_param` or `page_body_path`, not both"
        ]
    );
    assert_eq!(
        refused(json!({"type": "page_number", "page_body_path": "a..b"}), Value::Null),
        ["/resources/0/endpoint/paginator/page_body_path: `a..b` is no path in a body"]
    );
    assert_eq!(
        refused(json!({"type": "cursor", "cursor_body_path": "c"}), json!("text")),
        ["/resources/0/name: the paginator writes into a body of JSON, and this one has `data`"]
    );
}
