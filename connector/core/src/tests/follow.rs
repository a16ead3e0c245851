//! Cursors and links: what follows an answer, where it ends, and where it may not lead.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::walk::*;
use super::*;

/// Answers by turns.
fn turns(bodies: Vec<Value>) -> impl FnMut(&Asked) -> Response {
    let mut bodies = bodies.into_iter();
    move |_| ok(bodies.next().expect("one answer too few"))
}

fn with_header(name: &str, value: &str) -> Response {
    let mut answer = ok(json!({"data": ids(0, 2)}));
    answer.headers.push((name.into(), value.into()));
    answer
}

fn row(id: u64) -> Value {
    json!([{"id": id}])
}

#[test]
fn a_cursor_is_sent_with_the_next_request() {
    let cases = [
        (json!("cursor"), json!({"cursors": {"next": "a b&"}}), "/rows?cursor=a+b%26"),
        (json!({"type": "cursor", "cursor_path": "n"}), json!({"n": 33}), "/rows?cursor=33"),
        (json!({"type": "cursor", "cursor_path": "n"}), json!({"n": "0"}), "/rows?cursor=0"),
        (json!({"type": "cursor", "cursor_path": "n", "cursor_param": "p"}), json!({"n": "x"}), "/rows?p=x"),
        (json!({"type": "cursor", "cursor_path": "data[-1].id"}), json!({}), "/rows?cursor=7"),
    ];
    for (paginator, beside, second) in cases {
        let mut body = json!({"data": row(7)});
        body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        let walk = walk(&paged(paginator), turns(vec![body, json!({"data": []})])).unwrap();
        assert_eq!(walk.asked, ["/rows", second]);
    }
    // What `params` has of that name goes with the first request.
    let config = endpoint(json!({
        "path": "rows", "data_selector": "data", "params": {"cursor": "*", "q": 1}, "paginator": "cursor"
    }));
    let walk = walk(
        &config,
        turns(vec![json!({"data": row(1), "cursors": {"next": "b"}}), json!({"data": row(2)})]),
    )
    .unwrap();
    assert_eq!(walk.asked, ["/rows?cursor=*&q=1", "/rows?q=1&cursor=b"]);
    assert!(walk.notices.is_empty());
}

#[test]
fn a_cursor_that_is_false_ends_it() {
    for last in [json!(null), json!(""), json!(0), json!(false), json!([])] {
        let config = paged(json!({"type": "cursor", "cursor_path": "n"}));
        assert_eq!(walk(&config, turns(vec![json!({"data": row(1), "n": last})])).unwrap().asked.len(), 1);
    }
    let config = paged(json!({"type": "cursor", "cursor_path": "n"}));
    for odd in [json!(true), json!({"a": 1}), json!([1])] {
        let error = walk(&config, turns(vec![json!({"data": row(1), "n": odd})])).unwrap_err();
        assert!(error.starts_with("cursor_path `n` holds"), "{error}");
    }
}

#[test]
fn a_flag_and_a_cursor_must_both_say_more() {
    let config = paged(json!({"type": "cursor", "cursor_path": "n", "has_more_path": "more"}));
    let page = |id: u64, next: Value, more: Value| json!({"data": row(id), "n": next, "more": more});
    let both = vec![page(1, json!("a"), json!(true)), page(2, json!("b"), json!(false))];
    assert_eq!(walk(&config, turns(both)).unwrap().ids, [1, 2]);
    // dlt ends here, and the rows that the flag speaks of are lost.
    let error = walk(&config, turns(vec![page(1, json!(null), json!(true))])).unwrap_err();
    assert_eq!(error, "`more` says that more follows, but cursor_path `n` leads nowhere");
    let error = walk(&config, turns(vec![json!({"data": row(1), "n": "a"})])).unwrap_err();
    assert_eq!(error, "nothing usable at has_more_path `more`: it is missing");
}

#[test]
fn an_empty_page_does_not_end_a_chain_of_cursors_unless_asked() {
    let pages = || {
        vec![
            json!({"data": row(1), "n": "a"}),
            json!({"data": [], "n": "b"}),
            json!({"data": row(2), "n": null}),
        ]
    };
    let config =
        |stop: bool| paged(json!({"type": "cursor", "cursor_path": "n", "stop_after_empty_page": stop}));
    assert_eq!(walk(&config(false), turns(pages())).unwrap().ids, [1, 2]);
    let stopped = walk(&config(true), turns(pages())).unwrap();
    assert_eq!((stopped.ids, stopped.notices[0].code), (vec![1], "empty-page-ended"));
    let mut nth = 0;
    let error = walk(&config(false), |_| {
        nth += 1;
        ok(json!({"data": [], "n": nth}))
    });
    assert_eq!(error.unwrap_err(), "1000 pages came without a row, one after the other");
}

#[test]
fn a_way_back_to_the_same_page_is_an_error_and_no_endless_run() {
    let cursor = paged(json!({"type": "cursor", "cursor_path": "n"}));
    let link = paged(json!("json_link"));
    let mut id = 0;
    let mut each_time = |beside: Value| {
        let mut body = beside;
        id += 1;
        body["data"] = row(id);
        ok(body)
    };
    let error = walk(&cursor, |_| each_time(json!({"n": "x"}))).unwrap_err();
    assert_eq!(error, "cursor_path `n` leads to this page again: the pages would run in a circle");
    let error = walk(&link, |_| each_time(json!({"next": "/rows?p=2"}))).unwrap_err();
    assert_eq!(error, "next_url_path `next` leads to this page again: the pages would run in a circle");
    // The first page's own URL, once: how far it is may be known by other things.
    let mut asked = 0;
    let error = walk(&link, |_| {
        asked += 1;
        each_time(json!({"next": "/rows"}))
    });
    assert!(error.unwrap_err().contains("leads to this page again") && asked == 2);
    // A longer circle is the host's to find: the same cursor is the same text.
    let error = walk(&cursor, |asked| {
        each_time(json!({"n": if asked.text("cursor").as_deref() == Some("x") { "y" } else { "x" }}))
    });
    assert_eq!(error.unwrap_err(), "a cursor came again");
    // Without rows it says that there is nothing new.
    let pages = vec![json!({"data": row(1), "n": "x"}), json!({"data": [], "n": "x"})];
    assert_eq!(walk(&cursor, turns(pages)).unwrap().ids, [1]);
}

#[test]
fn a_link_is_complete_and_resolved() {
    let config = |paginator: Value| {
        endpoint(json!({
            "path": "v1/rows", "data_selector": "data", "params": {"q": 1}, "paginator": paginator
        }))
    };
    let cases = [
        (json!("json_link"), json!({"next": "https://api.test/v1/rows?p=2"}), "/v1/rows?p=2"),
        (json!("json_response"), json!({"next": "?p=2"}), "/v1/rows?p=2"),
        (
            json!({"type": "json_link", "next_url_path": "links.next.href"}),
            json!({"links": {"next": {"href": "/v2/rows#x"}}}),
            "/v2/rows",
        ),
        (
            json!({"type": "json_link", "next_url_path": "['@odata.nextLink']"}),
            json!({"@odata.nextLink": "rows?$skip=2"}),
            "/v1/rows?$skip=2",
        ),
        (
            json!({"type": "json_link", "next_url_path": "$.links[?@.rel == 'next'].href"}),
            json!({"links": [{"rel": "self", "href": "/x"}, {"rel": "next", "href": "/y"}]}),
            "/y",
        ),
    ];
    for (paginator, beside, second) in cases {
        let mut body = json!({"data": row(1)});
        body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        let walk =
            walk(&config(paginator), turns(vec![body, json!({"data": row(2), "next": null})])).unwrap();
        assert_eq!(walk.asked, ["/v1/rows?q=1", second]);
    }
}

#[test]
fn a_link_that_is_none_ends_it_and_one_that_cannot_be_is_refused() {
    let config = paged(json!("json_link"));
    for end in [json!(null), json!(""), json!("  "), json!(false)] {
        assert_eq!(walk(&config, turns(vec![json!({"data": row(1), "next": end})])).unwrap().ids, [1]);
    }
    for (odd, words) in [
        (json!(7), "next_url_path `next` holds 7, which is no URL"),
        (json!({"href": "/x"}), "next_url_path `next` holds an object, which is no URL"),
        (json!("ftp://api.test/x"), "its scheme is `ftp`"),
        (json!("https://me:pw@api.test/x"), "a user's name or password"),
        (json!("https://"), "which is no URL to follow"),
    ] {
        let error = walk(&config, turns(vec![json!({"data": row(1), "next": odd})])).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn headers_lead_on_too() {
    let config = paged(json!("header_link"));
    let link = |asked: &Asked| match asked.number("page") {
        None => {
            with_header("link", "<https://api.test/rows?page=2&per_page=100>; rel=\"next\", <x>; rel=last")
        }
        Some(_) => ok(json!({"data": ids(2, 3)})),
    };
    assert_eq!(walk(&config, link).unwrap().asked, ["/rows", "/rows?page=2&per_page=100"]);
    let prev = paged(json!({"type": "header_link", "links_next_key": "prev"}));
    let link = |asked: &Asked| match asked.number("page") {
        None => with_header("Link", "</rows?page=2>; rel=\"prev\", </x>; rel=\"next\""),
        Some(_) => ok(json!({"data": ids(2, 3)})),
    };
    assert_eq!(walk(&prev, link).unwrap().asked, ["/rows", "/rows?page=2"]);

    let config = paged(json!({"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "page"}));
    let cursor = |asked: &Asked| match asked.number("page") {
        None => with_header("x-next", "2"),
        // GitLab's last page has the header, and nothing in it.
        Some(2) => {
            Response { body: json!({"data": ids(2, 3)}).to_string().into(), ..with_header("x-next", "") }
        }
        Some(_) => panic!("a page too much"),
    };
    assert_eq!(walk(&config, cursor).unwrap().asked, ["/rows", "/rows?page=2"]);
}

fn followed(config: Value, link: &str) -> Request {
    let plan = planned(&config);
    let cursor = json!({"u": link}).to_string();
    request(&plan, &PageRequest { cursor: Some(cursor), ..first_page("r") }).unwrap()
}

fn with_auth(auth: Value) -> Value {
    json!({
        "client": {
            "base_url": "https://api.test", "auth": auth,
            "headers": {"X-Plain": "1", "X-Secret": "${secrets.other}", "Cookie": "c=1"}
        },
        "resources": [{"name": "r", "endpoint": {
            "path": "rows", "params": {"q": 1, "token": "${secrets.t}"}, "paginator": "json_link"
        }}]
    })
}

#[test]
fn credentials_go_along_at_home_once() {
    let bearer = json!({"type": "bearer", "token": "${secrets.b}"});
    let sent = followed(with_auth(bearer), "https://api.test/rows?p=2");
    assert_eq!(sent.url, "https://api.test/rows?p=2&token=%24%7Bsecrets.t%7D");
    let names: Vec<&str> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["accept", "X-Plain", "X-Secret", "Cookie", "Authorization"]);
    // A link that echoes the key: the gate has put the placeholder in its place; it is sent once.
    let key =
        json!({"type": "api_key", "api_key": "sanderling-secret-k", "name": "api_key", "location": "query"});
    for link in [
        "https://api.test/rows?api_key=sanderling-secret-k&p=2&token=x",
        "https://api.test/rows?p=2",
        "https://api.test/rows?p=2&api%5Fkey=x",
    ] {
        let sent = followed(with_auth(key.clone()), link);
        let expected = "https://api.test/rows?p=2&token=%24%7Bsecrets.t%7D&api_key=sanderling-secret-k";
        assert_eq!(sent.url, expected, "{link}");
    }
}

#[test]
fn credentials_stay_at_home() {
    for auth in [
        json!({"type": "bearer", "token": "${secrets.b}"}),
        json!({"type": "http_basic", "username": "u", "password": "${secrets.b}"}),
        json!({"type": "api_key", "api_key": "${secrets.b}", "name": "k"}),
        json!({"type": "api_key", "api_key": "${secrets.b}", "name": "k", "location": "query"}),
    ] {
        for link in ["https://other.test/rows?p=2", "https://api.test:8443/rows", "http://api.test:80/rows"] {
            let sent = followed(with_auth(auth.clone()), link);
            assert_eq!(sent.url, url::Url::parse(link).unwrap().as_str());
            let names: Vec<&str> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["accept", "X-Plain"], "{link}");
        }
    }
}

#[test]
fn cursors_that_are_not_ours_are_refused() {
    for (paginator, cursors) in [
        (json!("json_link"), ["", "{}", "{\"u\":1}", "{\"u\":\"not a url\"}", "{\"c\":\"x\"}"]),
        (json!("cursor"), ["", "[]", "{\"c\":1}", "{\"u\":\"x\"}", "{}"]),
        (json!("page_number"), ["", "3", "{\"p\":-1}", "{\"o\":1}", "{\"p\":\"1\"}"]),
        (
            json!("auto"),
            ["", "{}", "{\"p\":1}", "{\"p\":1,\"g\":\"auto\"}", "{\"p\":1,\"g\":{\"type\":\"x\"}}"],
        ),
    ] {
        let plan = planned(&paged(paginator.clone()));
        for cursor in cursors {
            let wanted = PageRequest { cursor: Some(cursor.into()), ..first_page("r") };
            assert!(matches!(request(&plan, &wanted), Err(Fault::Other(_))), "{paginator} {cursor}");
            assert!(matches!(page(&plan, &wanted, &ok("{\"data\":[]}")), Err(Fault::Other(_))), "{cursor}");
        }
    }
}
