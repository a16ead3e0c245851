//! The paginator that an answer shows: guessed, said, carried on in the cursor, and settled by a line of the config.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::walk::*;
use super::*;

fn auto() -> Value {
    endpoint(json!({"path": "rows", "data_selector": "data"}))
}

/// The first page of these members beside two rows: what is guessed, and what is asked next.
fn guessed(beside: Value, headers: &[(&str, &str)]) -> (Value, String) {
    let plan = planned(&auto());
    let mut body = json!({"data": ids(0, 2)});
    body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
    let mut answer = ok(body);
    answer.headers.extend(headers.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let got = page(&plan, &first_page("r"), &answer).unwrap();
    let [notice] = got.notices.as_slice() else { panic!("{beside}: {:?}", got.notices) };
    assert_eq!((notice.code, notice.settles.len()), ("paginator-guessed", 1));
    assert_eq!(notice.settles[0].path, "/resources/0/endpoint/paginator");
    let next = match got.continuation {
        Continuation::Next(next) => next,
        Continuation::Rest(rest) => rest[0].clone(),
        _ => return (serde_json::from_str(&notice.settles[0].value).unwrap(), String::new()),
    };
    let sent = request(&plan, &PageRequest { cursor: Some(next), ..first_page("r") }).unwrap();
    let asked = sent.url.trim_start_matches("https://api.test").to_owned();
    (serde_json::from_str(&notice.settles[0].value).unwrap(), asked)
}

#[test]
fn each_shape_of_an_answer_shows_its_paginator() {
    let number = |base: u64, total: &str| match (base, total) {
        (0, total) => json!({"type": "page_number", "total_path": total}),
        (base, total) => json!({"type": "page_number", "base_page": base, "total_path": total}),
    };
    let cursor = |path: &str| json!({"type": "cursor", "cursor_path": path});
    let link = |path: &str| json!({"type": "json_link", "next_url_path": path});
    let cases = [
        // dlt's rules, in dlt's order.
        (json!({"next": "https://api.test/rows?page=2"}), json!("json_link"), "/rows?page=2"),
        (
            json!({"links": {"nextPage": "/rows?page=2&limit=2"}, "meta": {"totalPages": 50}}),
            link("links.nextPage"),
            "/rows?page=2&limit=2",
        ),
        (
            json!({"_links": {"self": {"href": "/rows"}, "next": {"href": "rows?page=2"}}}),
            link("_links.next.href"),
            "/rows?page=2",
        ),
        (json!({"total": 3, "next": "/rows?page=2"}), json!("json_link"), "/rows?page=2"),
        (json!({"next_cursor": "x", "total_pages": 2}), number(1, "total_pages"), "/rows?page=2"),
        (json!({"cursors": {"next": "NjM=", "previous": "MTk="}}), json!("cursor"), "/rows?cursor=NjM%3D"),
        (json!({"next_id": 33, "limit": 2}), cursor("next_id"), "/rows?cursor=33"),
        // What dlt misses, or gets wrong.
        (
            json!({"@odata.nextLink": "https://api.test/rows?$skip=2"}),
            link("['@odata.nextLink']"),
            "/rows?$skip=2",
        ),
        (json!({"d": {"__next": "/rows?s=2"}}), link("d.__next"), "/rows?s=2"),
        (
            json!({"paging": {"next": {"after": "NTI1", "link": "?after=NTI1"}}}),
            link("paging.next.link"),
            "/rows?after=NTI1",
        ),
        (
            json!({"page_info": {"current_page": 1, "items_per_page": 2, "total_pages": 50}}),
            number(1, "page_info.total_pages"),
            "/rows?page=2",
        ),
        (
            json!({"page": {"number": 0, "totalElements": 9, "totalPages": 5}}),
            number(0, "page.totalPages"),
            "/rows?page=1",
        ),
        (json!({"meta": {"last_page": 2}}), number(1, "meta.last_page"), "/rows?page=2"),
        (json!({"pages": 5}), number(1, "pages"), "/rows?page=2"),
        (
            json!({"nextPageToken": "t"}),
            json!({"type": "cursor", "cursor_path": "nextPageToken", "cursor_param": "pageToken"}),
            "/rows?pageToken=t",
        ),
        (
            json!({"next_page": 2}),
            json!({"type": "cursor", "cursor_path": "next_page", "cursor_param": "page"}),
            "/rows?page=2",
        ),
        (
            json!({"next_offset": 2}),
            json!({"type": "cursor", "cursor_path": "next_offset", "cursor_param": "offset"}),
            "/rows?offset=2",
        ),
        (
            json!({"offset": "itr/rec"}),
            json!({"type": "cursor", "cursor_path": "offset", "cursor_param": "offset"}),
            "/rows?offset=itr%2Frec",
        ),
        (
            json!({"has_more": true, "next_cursor": "x"}),
            json!({"type": "cursor", "cursor_path": "next_cursor", "has_more_path": "has_more"}),
            "/rows?cursor=x",
        ),
        (
            json!({"pagination": {"offset": 0, "limit": 2, "total": 100}}),
            json!({"type": "offset", "limit": 2, "total_path": "pagination.total"}),
            "/rows?offset=2&limit=2",
        ),
        (
            json!({"startAt": 0, "maxResults": 2, "total": 5}),
            json!({"type": "offset", "limit": 2, "offset_param": "startAt", "limit_param": "maxResults"}),
            "/rows?startAt=2&maxResults=2",
        ),
        (
            json!({"offset": 0, "limit": 2}),
            json!({"type": "offset", "limit": 2, "total_path": null}),
            "/rows?offset=2&limit=2",
        ),
        (
            json!({"offset": 0, "limit": 2, "has_more": true}),
            json!({"type": "offset", "limit": 2, "total_path": null, "has_more_path": "has_more"}),
            "/rows?offset=2&limit=2",
        ),
        (
            json!({"page": 1, "per_page": 2, "total": 100}),
            json!({"type": "page_number", "base_page": 1}),
            "/rows?page=2",
        ),
        (
            json!({"page": 0, "has_next": true}),
            json!({"type": "page_number", "total_path": null, "has_more_path": "has_next"}),
            "/rows?page=1",
        ),
        // The last page of a kind.
        (json!({"total_pages": 1}), number(1, "total_pages"), ""),
    ];
    for (beside, paginator, asked) in cases {
        assert_eq!(guessed(beside.clone(), &[]), (paginator, asked.to_owned()), "{beside}");
    }
    let headers = [
        (("Link", "</rows?p=2>; rel=\"next\""), json!("header_link"), "/rows?p=2"),
        (
            ("X-Next-Page", "2"),
            json!({"type": "header_cursor", "cursor_key": "x-next-page", "cursor_param": "page"}),
            "/rows?page=2",
        ),
        (
            ("X-Total-Pages", "4"),
            json!({"type": "page_number", "base_page": 1, "total_path": null}),
            "/rows?page=2",
        ),
    ];
    for (header, paginator, asked) in headers {
        assert_eq!(guessed(json!({}), &[header]), (paginator, asked.to_owned()), "{header:?}");
    }
    let first = guessed(json!({"next": "/no"}), &[("Link", "</rows?p=2>; rel=next")]);
    assert_eq!(first.1, "/rows?p=2", "the header comes first");
}

#[test]
fn what_is_guessed_and_what_settles_it_read_the_same() {
    let page_of = |asked: &Asked, name: &str| asked.number(name).unwrap_or(0);
    type Server<'a> = Box<dyn Fn(&Asked) -> Value + 'a>;
    let servers: Vec<Server<'_>> = vec![
        Box::new(|asked| {
            let at = page_of(asked, "offset");
            json!({"data": ids(at, (at + 2).min(7)), "offset": at, "limit": 2, "total": 7})
        }),
        Box::new(|asked| {
            let page = asked.number("page").unwrap_or(1);
            json!({"data": ids(page * 2, (page * 2 + 2).min(9)), "page": page, "total_pages": 4})
        }),
        Box::new(|asked| {
            let page = asked.number("page").unwrap_or(1);
            json!({"data": ids((page * 2).min(9), (page * 2 + 2).min(9)), "page": page, "total": 7})
        }),
        Box::new(|asked| {
            let at = page_of(asked, "p");
            json!({"data": ids(at, at + 2), "next": (at < 6).then(|| format!("/rows?p={}", at + 2))})
        }),
        Box::new(|asked| {
            let at = page_of(asked, "cursor");
            json!({"data": ids(at, at + 2), "meta": {"next_cursor": if at < 6 { at + 2 } else { 0 }}})
        }),
    ];
    for server in servers {
        let found = walk(&auto(), |asked| ok(server(asked))).unwrap();
        let [notice] = found.notices.as_slice() else { panic!("{:?}", found.notices) };
        let mut settled = auto();
        settled["resources"][0]["endpoint"]["paginator"] =
            serde_json::from_str(&notice.settles[0].value).unwrap();
        let again = walk(&settled, |asked| ok(server(asked))).unwrap();
        assert_eq!((&again.ids, again.notices.len()), (&found.ids, 0));
        assert_eq!(again.asked.len(), found.asked.len());
        let mut unique = found.ids.clone();
        unique.dedup();
        assert!(found.ids.len() >= 7 && unique == found.ids, "{:?}", found.ids);
    }
}

#[test]
fn a_wrong_guess_is_loud() {
    // The API does not know the parameter, and gives its first page again.
    for beside in [
        json!({"offset": 0, "limit": 2, "total": 7}),
        json!({"page": 1, "total": 7}),
        json!({"total_pages": 4}),
        json!({"next_cursor": "x"}),
        json!({"next_page": 2}),
        json!({"page": 1, "has_more": true}),
    ] {
        let mut body = json!({"data": ids(0, 2)});
        body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        let error = walk(&auto(), |_| ok(&body)).unwrap_err();
        assert!(error == "the same page twice" || error.contains("again"), "{beside}: {error}");
    }
    // Pages count from 0 after all: the last one that is asked for is not there.
    let from_zero = |asked: &Asked| {
        let page = asked.number("page").unwrap_or(0);
        ok(json!({"data": ids((page * 2).min(8), (page * 2 + 2).min(8)), "total_pages": 4}))
    };
    assert_eq!(walk(&auto(), from_zero).unwrap_err(), "page 4 is empty while `total_pages` says 4");
}

#[test]
fn the_guess_stays_for_the_whole_read() {
    let plan = planned(&endpoint(json!("rows")));
    let first = ok(json!({"items": ids(0, 2), "next_cursor": "x"}));
    let got = page(&plan, &first_page("r"), &first).unwrap();
    assert_eq!(got.notices.len(), 2);
    let Continuation::Next(cursor) = got.continuation else { panic!() };
    assert_eq!(cursor, r#"{"c":"x","s":"items","g":{"type":"cursor","cursor_path":"next_cursor"}}"#);
    // The second page says something else: it is not guessed again.
    let second = ok(json!({"items": ids(2, 4), "next": "/rows?p=3", "next_cursor": null}));
    let got = page(&plan, &PageRequest { cursor: Some(cursor), ..first_page("r") }, &second).unwrap();
    assert_eq!((got.continuation, got.notices), (Continuation::End, vec![]));
}

#[test]
fn a_path_that_already_asks_for_a_page_is_asked_for_once() {
    let plan = planned(&endpoint(json!({"path": "rows?limit=2&q=1", "data_selector": "data"})));
    let first = ok(json!({"data": ids(0, 2), "offset": 0, "limit": 2, "total": 3}));
    let Continuation::Next(cursor) = page(&plan, &first_page("r"), &first).unwrap().continuation else {
        panic!()
    };
    let sent = request(&plan, &PageRequest { cursor: Some(cursor), ..first_page("r") }).unwrap();
    assert_eq!(sent.url, "https://api.test/rows?q=1&offset=2&limit=2");
}

#[test]
fn precedence_is_dlts() {
    let asked = |client: Value, defaults: Value, own: Value, path: &str| {
        let mut config = json!({
            "client": {"base_url": "https://api.test", "paginator": client},
            "resource_defaults": {"endpoint": {"paginator": defaults}},
            "resources": [{"name": "p", "primary_key": "id"}, {"name": "r", "endpoint": {"path": path}}]
        });
        if !own.is_null() {
            config["resources"][1]["endpoint"]["paginator"] = own;
        }
        let plan = planned(&config);
        let partition = Partition { key: "[1]".into(), data: "[[\"1\"],[]]".into() };
        let wanted = PageRequest { partition: path.contains('{').then_some(partition), ..first_page("r") };
        request(&plan, &wanted).map_or_else(|fault| fault.to_string(), |sent| sent.url)
    };
    let number = |param: &str| json!({"type": "page_number", "page_param": param});
    let one = |param: &str| format!("https://api.test/r?{param}=0");
    assert_eq!(asked(number("c"), number("d"), number("o"), "r"), one("o"));
    assert_eq!(asked(number("c"), number("d"), Value::Null, "r"), one("d"));
    assert_eq!(asked(number("c"), Value::Null, Value::Null, "r"), one("c"));
    assert_eq!(
        asked(number("c"), number("d"), json!("auto"), "r"),
        one("c"),
        "auto is not written, says dlt"
    );
    assert_eq!(asked(Value::Null, Value::Null, Value::Null, "r"), "https://api.test/r");
}
