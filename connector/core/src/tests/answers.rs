//! Answers of every kind: where rows are found, what they look like afterwards, and what is refused.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn single(selector: Option<&str>) -> Plan {
    let mut config = endpoint(json!({"path": "rows", "paginator": "single_page"}));
    if let Some(selector) = selector {
        config["resources"][0]["endpoint"]["data_selector"] = json!(selector);
    }
    planned(&config)
}

fn select(selector: &str, body: &str) -> std::result::Result<String, Fault> {
    page(&single(Some(selector)), &first_page("r"), &ok(body)).map(|page| rows_text(&page).to_owned())
}

#[test]
fn selectors_find_rows_by_their_bytes() {
    let cases: &[(&str, &str, &str)] = &[
        ("data", r#"{"data":[{"a":1},{"a":2}]}"#, "{\"a\":1}\n{\"a\":2}\n"),
        ("$.data", r#"{"data":[{"a":1}]}"#, "{\"a\":1}\n"),
        ("a.b[*]", r#"{"a":{"b":[1,"x"]}}"#, "1\n\"x\"\n"),
        ("data", r#"{"data":{"id":1}}"#, "{\"id\":1}\n"),
        ("data", r#"{"data":null}"#, ""),
        ("data", r#"{"data":[]}"#, ""),
        ("data[*]", r#"{"data":[]}"#, ""),
        ("$", r#"[{"a":1}]"#, "{\"a\":1}\n"),
        ("$", r#"{"a":1}"#, "{\"a\":1}\n"),
        ("n", r#"{"n":5}"#, "5\n"),
        ("['@odata.value']", r#"{"@odata.value":[1]}"#, "1\n"),
        ("items[0:1]", r#"{"items":[{"id":1.50},{"id":2}]}"#, "{\"id\":1.50}\n"),
        ("items[?(@.id > 1)]", r#"{"items":[{"id":1},{"id":2.0}]}"#, "{\"id\":2.0}\n"),
        ("items[?@.id > 9]", r#"{"items":[{"id":1}]}"#, ""),
        ("$..id", r#"{"a":{"id":1},"b":[{"id":2}]}"#, "1\n2\n"),
        ("items[*].v", r#"{"items":[{"v":[{"id":1},{"id":2}]}]}"#, "{\"id\":1}\n{\"id\":2}\n"),
        ("items[*].v", r#"{"items":[{"v":[{"id":1}]},{"v":[{"id":2}]}]}"#, "[{\"id\":1}]\n[{\"id\":2}]\n"),
        ("items[*].v", r#"{"items":[]}"#, ""),
        (
            "data[*].list[*].d[*]",
            r#"{"data":[{"list":[{"d":[{"id":1}]},{"d":[{"id":2}]}]},{"list":[{"d":[{"id":3},{"id":4}]}]}]}"#,
            "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n",
        ),
        ("b, a", r#"{"a":1,"b":2}"#, "2\n1\n"),
        // Nothing is rewritten: numbers, escapes, lone surrogates, order and doubled keys stay.
        (
            "d",
            r#"{"d":[{"n":1e400,"m":-0,"s":"\ud800\u00e9","n":12345678901234567890.10}]}"#,
            "{\"n\":1e400,\"m\":-0,\"s\":\"\\ud800\\u00e9\",\"n\":12345678901234567890.10}\n",
        ),
        (
            "d",
            "{\"d\":[ {\r\n \"a\" : \"x\\ny\" ,\n\"b\":[\n1 ]} ,\n 2 ]}",
            "{ \"a\" : \"x\\ny\" ,\"b\":[1 ]}\n2\n",
        ),
        ("d", "\u{feff}{\"d\":[1]}", "1\n"),
    ];
    for (selector, body, rows) in cases {
        assert_eq!(select(selector, body).as_deref(), Ok(*rows), "{selector} of {body}");
    }
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_is() {
    let missing = bad(select("meta.rows", r#"{"meta":{"row":[],"x":1},"y":2}"#).unwrap_err());
    assert!(
        missing.message.starts_with("nothing at data_selector `meta.rows`: `meta` has `row`, `x`"),
        "{}",
        missing.message
    );
    assert!(!missing.retry);
    let root = bad(select("rows", "[1,2]").unwrap_err());
    assert!(
        root.message.contains("the answer is a list, so `data_selector: $` is meant?"),
        "{}",
        root.message
    );
    for (selector, body) in
        [("items[0:1]", "{\"x\":1}"), ("items[*].v", "{\"items\":[{\"w\":1}]}"), ("$..id", "{\"x\":1}")]
    {
        assert!(!bad(select(selector, body).unwrap_err()).retry, "{selector}");
    }
    let null = select("d", r#"{"d":[{"a":1},null]}"#).unwrap();
    assert_eq!(null, "{\"a\":1}\nnull\n", "left to the host");
    let twice = bad(select("d", r#"{"d":[1],"d":[2]}"#).unwrap_err());
    assert!(twice.message.contains("`d` stands twice"), "{}", twice.message);
}

#[test]
fn damage_on_the_way_is_worth_another_try() {
    let cases = [
        (r#"{"data":[{"a":1},{"a":"#, "cut short at byte 22"),
        (r#"{"data":[1]}{"data":[2]}"#, "bytes left over after the end, at byte 12"),
        (r#"{"data":[1,]}"#, "broken JSON at byte 11"),
        (r#"{"data":[1],"x"}"#, "broken JSON at byte 15"),
    ];
    for (body, words) in cases {
        for selector in ["data", "data[0:9]"] {
            let fault = bad(select(selector, body).unwrap_err());
            assert!(fault.retry && fault.message.contains(words), "{fault:?}");
        }
    }
    let mut latin = b"{\"data\":[\"".to_vec();
    latin.extend(b"\xe9\"]}");
    let response = Response { body: latin, ..ok("") };
    assert!(
        bad(page(&single(Some("data")), &first_page("r"), &response).unwrap_err())
            .message
            .contains("not UTF-8")
    );
}

#[test]
fn what_is_no_json_at_all_is_not() {
    let cases = [
        (
            "text/html; charset=utf-8",
            "<!doctype html><html>Log in</html>",
            "an HTML page (content-type text/html; charset=utf-8): a wrong base_url",
        ),
        ("text/plain", "  <html><body>", "an HTML page"),
        ("application/xml", "<?xml version=\"1.0\"?><a/>", "XML"),
        ("text/plain", "not found", "not JSON"),
        ("text/plain", "12 monkeys", "not JSON"),
        ("text/csv", "id,name\n1,x", "not JSON"),
        ("application/x-ndjson", "{\"data\":[1]}\n{\"data\":[2]}\n", "with JSON Lines"),
        ("application/jsonl", "[1]\n[2]", "with JSON Lines"),
    ];
    for (kind, body, words) in cases {
        for plan in [single(Some("data")), single(None), single(Some("data[0:1]"))] {
            let response = Response { headers: vec![("content-type".into(), kind.into())], ..ok(body) };
            let fault = bad(page(&plan, &first_page("r"), &response).unwrap_err());
            assert!(!fault.retry && fault.message.contains(words), "{fault:?}");
        }
    }
}

#[test]
fn an_empty_body_is_a_page_only_where_the_config_says_so() {
    let empty_ok = planned(&endpoint(json!({"path": "rows", "paginator": "single_page", "empty_ok": true})));
    for status in [200, 204] {
        let response = Response { status, ..Response::default() };
        let fault = bad(page(&single(None), &first_page("r"), &response).unwrap_err());
        assert_eq!(fault.retry, status == 200);
        assert_eq!(page(&empty_ok, &first_page("r"), &response).unwrap().received, 0);
    }
}

#[test]
fn a_status_that_is_no_success_is_a_fault() {
    for status in [100, 301, 400, 401, 404, 429, 500, 503] {
        let mut response = ok("x".repeat(1000));
        response.status = status;
        response.headers.push(("Retry-After".into(), "Fri, 31 Dec 1999 23:59:59 GMT".into()));
        let Err(Fault::Http(failure)) = page(&single(None), &first_page("r"), &response) else {
            panic!("{status}")
        };
        assert_eq!((failure.status, failure.retry, failure.excerpt.len()), (status, None, 300));
        assert_eq!(failure.retry_after.as_deref(), Some("Fri, 31 Dec 1999 23:59:59 GMT"));
    }
}

#[test]
fn the_selector_is_guessed_by_dlts_rule_and_said() {
    let cases = [
        (json!([{"a": 1}]), "{\"a\":1}\n", None),
        (json!({"data": [{"a": 1}]}), "{\"a\":1}\n", Some("data")),
        (json!({"errors": [], "meta": {"results": [1]}}), "1\n", Some("meta.results")),
        (json!({"tags": ["x"], "posts": [{"a": 1}]}), "{\"a\":1}\n", Some("posts")),
        (json!({"posts": []}), "", Some("posts")),
        (json!({"id": 7}), "{\"id\":7}\n", Some("$")),
        (json!({"a b": [1]}), "1\n", Some("['a b']")),
    ];
    for (body, rows, path) in cases {
        let got = page(&single(None), &first_page("r"), &ok(&body)).unwrap();
        assert_eq!(rows_text(&got), rows);
        let settles = path.map(|path| Setting {
            path: "/resources/0/endpoint/data_selector".into(),
            value: json!(path).to_string(),
        });
        assert_eq!(
            got.notices.first().map(|notice| (notice.code, notice.settles.clone())),
            settles.map(|setting| ("selector-guessed", vec![setting]))
        );
    }
}

#[test]
fn one_page_must_be_all_where_no_paginator_is_named_and_none_shows() {
    let plan = planned(&endpoint(json!({"path": "rows", "data_selector": "data"})));
    let data = || ids(0, 2);
    let message = |sign: &str, more: &str| {
        format!(
            "2 rows, but {sign}, and how to ask for them cannot be told: name the paginator, such as `paginator: {{type: offset, limit: 2{more}}}`, or `paginator: single_page` if this page is all that is wanted"
        )
    };
    let more = [
        (json!({"data": data(), "total": 3}), message("`total` says 3", "")),
        (json!({"data": data(), "total": "3"}), message("`total` says 3", "")),
        (
            json!({"has_more": true, "meta": {"pagination": {"total_count": 3}}, "data": data()}),
            message("`meta.pagination.total_count` says 3", ", total_path: meta.pagination.total_count"),
        ),
        (
            json!({"data": data(), "has_more": true}),
            message("`has_more` is true", ", total_path: null, has_more_path: has_more"),
        ),
        (
            json!({"data": data(), "next": true}),
            message("`next` is true", ", total_path: null, has_more_path: next"),
        ),
    ];
    for (body, message) in &more {
        let fault = bad(page(&plan, &first_page("r"), &ok(body)).unwrap_err());
        assert_eq!((&fault.message, fault.retry), (message, false), "{body}");
    }
    for (name, value, sign) in [
        ("X-Total-Count", "3", "the header `X-Total-Count` says 3"),
        ("Content-Range", "items 0-1/3", "the header `Content-Range` says 3"),
    ] {
        let mut answer = ok(json!({"data": data()}));
        answer.headers.push((name.into(), value.into()));
        let fault = bad(page(&plan, &first_page("r"), &answer).unwrap_err());
        assert_eq!(fault.message, message(sign, ", total_path: null"), "{name}");
    }
    // Where the API speaks of pages, and of no further one, nothing is guessed.
    let all = [
        json!({"data": data(), "total": 2, "next": null, "has_more": false, "links": {"next": ""}}),
        json!({"data": data(), "nextToken": 0, "count": -1, "total_count": null}),
        json!({"data": data(), "url": "/rows?page=2", "self": {"href": "/rows"}, "page": 1}),
        json!({"data": data(), "offset": 0, "limit": 5, "total": 2}),
        json!({"data": data(), "offset": 0, "limit": 5, "has_more": false}),
    ];
    for body in all {
        let mut answer = ok(&body);
        for (name, value) in [
            ("X-Total-Count", "1"),
            ("X-Next-Page", ""),
            ("Content-Range", "items 0-1/*"),
            ("X-Total-Pages", "1"),
        ] {
            answer.headers.push((name.into(), value.into()));
        }
        let got = page(&plan, &first_page("r"), &answer).unwrap();
        assert_eq!((got.continuation, got.notices), (Continuation::End, vec![]), "{body}");
    }
    // What stands within the rows is theirs.
    let row = ok(json!({"data": {"id": 1, "total": 900, "next_invoice": "2026-01-01"}}));
    assert_eq!(page(&plan, &first_page("r"), &row).unwrap().continuation, Continuation::End);
    // One page was asked for: then it is not refused.
    assert!(page(&single(Some("data")), &first_page("r"), &ok(&more[0].0)).is_ok());
}

#[test]
fn rename_comes_last_and_hides_nothing() {
    let with = |rename: Value| {
        let mut config = endpoint(json!({"path": "rows", "paginator": "single_page", "data_selector": "d"}));
        config["resources"][0]["rename"] = rename;
        planned(&config)
    };
    let run = |rename: Value, row: &str| {
        let body = format!("{{\"d\":[{row}]}}");
        page(&with(rename), &first_page("r"), &ok(&body)).map(|page| rows_text(&page).trim_end().to_owned())
    };
    assert_eq!(
        run(json!({"id": "entry_id"}), r#"{"id": 1 ,"x":{"id":2}}"#).unwrap(),
        r#"{"entry_id": 1 ,"x":{"id":2}}"#
    );
    assert_eq!(run(json!({"a": "b", "b": "a"}), r#"{"a":1,"b":2}"#).unwrap(), r#"{"b":1,"a":2}"#);
    assert_eq!(run(json!({"é": "q\"q"}), r#"{"\u00e9":1}"#).unwrap(), r#"{"q\"q":1}"#);
    assert_eq!(run(json!({"id": "n"}), "{}").unwrap(), "{}");
    assert!(
        bad(run(json!({"id": "n"}), r#"{"id":1,"n":2}"#).unwrap_err()).message.contains("has a `n` already")
    );
    assert!(bad(run(json!({"id": "n"}), "5").unwrap_err()).message.contains("only an object"));
}

#[test]
fn an_unknown_resource_is_an_error_and_no_panic() {
    assert!(matches!(request(&single(None), &first_page("nope")), Err(Fault::Other(_))));
    assert!(matches!(page(&single(None), &first_page("nope"), &ok("[]")), Err(Fault::Other(_))));
}
