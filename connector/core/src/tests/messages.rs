//! Each message about a page, whole: what the host prints behind the resource, the parent and the page.

use insta::assert_snapshot;

use super::*;

/// Each case, and what is said of it.
fn told<'a>(cases: impl IntoIterator<Item = (&'a str, String)>) -> String {
    cases.into_iter().map(|(what, said)| format!("{what}\n  {said}\n")).collect()
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::BadResponse(bad) => {
            format!("{}{}", bad.message, if bad.retry { " (tried again)" } else { "" })
        }
        other => other.to_string(),
    }
}

fn of_notice(notice: &Notice) -> String {
    let hint = notice.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
    let settles = notice.settles.iter().map(|setting| format!("\n  {} = {}", setting.path, setting.value));
    format!("{}{hint}{}", notice.message, settles.collect::<String>())
}

/// What is said of this answer to the first page of `r`.
fn answer(of: Value, response: &Response) -> String {
    match page(&planned(&endpoint(of)), &first_page("r"), response) {
        Ok(page) => page.notices.iter().map(of_notice).collect::<Vec<_>>().join("\n  "),
        Err(error) => fault(&error),
    }
}

fn typed(kind: &str, body: &str) -> Response {
    let headers = vec![("content-type".into(), kind.into())];
    Response { status: 200, headers, body: body.as_bytes().to_vec() }
}

#[test]
fn answers_that_are_no_json() {
    let plain = || json!({"path": "x", "paginator": "single_page", "data_selector": "data"});
    let cases = [
        ("html", typed("text/html", "<!DOCTYPE html><html>")),
        ("xml", typed("application/xml", "<?xml version=\"1.0\"?><a/>")),
        ("gzip", Response { body: vec![0x1F, 0x8B, 8, 0], ..typed("application/json", "") }),
        ("text", typed("text/plain", "Service temporarily unavailable")),
        ("lines", typed("application/x-ndjson", "{\"id\": 1}\n{\"id\": 2}\n")),
        ("no body", Response { status: 204, ..Response::default() }),
        ("cut", ok(r#"{"data": [1, 2"#)),
        ("more", ok(r#"{"data": []} x"#)),
        ("comma", ok(r#"{"data": [1 2]}"#)),
        ("colon", ok(r#"{"data" []}"#)),
        ("name", ok(r#"{data: []}"#)),
        ("value", ok(r#"{"data": [x]}"#)),
        ("digit", ok(r#"{"data": [1.]}"#)),
        ("escape", ok(r#"{"data": ["\x"]}"#)),
        ("digits", ok(r#"{"data": ["\u12"]}"#)),
        ("break", ok("{\"data\": [\"a\nb\"]}")),
        ("bytes", Response { body: b"{\"data\": [\"\xFF\"]}".to_vec(), ..ok("") }),
        ("deep", ok(format!("{{\"data\": {}}}", "[".repeat(200)))),
        ("twice", ok(r#"{"data": [], "data": [1]}"#)),
    ];
    assert_snapshot!(told(cases.iter().map(|(what, response)| (*what, answer(plain(), response)))));
}

#[test]
fn statuses() {
    let cases = [103, 304, 400, 401, 403, 404, 410, 418, 429, 503].map(|status| {
        let response = Response { status, ..ok(r#"{"error": "no"}"#) };
        ("status", answer(json!({"path": "x"}), &response))
    });
    assert_snapshot!(told(cases));
}

#[test]
fn rows_that_are_not_where_they_should_be() {
    let at = |selector: &str| json!({"path": "x", "paginator": "single_page", "data_selector": selector});
    let cases = [
        ("another name", answer(at("data"), &ok(r#"{"items": [], "meta": {}}"#))),
        ("no names", answer(at("data"), &ok("{}"))),
        ("below", answer(at("data.rows"), &ok(r#"{"data": {"items": []}}"#))),
        ("a list", answer(at("data"), &ok("[1]"))),
        ("a list below", answer(at("data.rows"), &ok(r#"{"data": [1]}"#))),
        ("a filter on nothing", answer(at("rows[?(@.x > 1)]"), &ok(r#"{"data": []}"#))),
        ("a path to nothing", answer(at("data[*].id"), &ok(r#"{"data": [{"a": 1}]}"#))),
        ("a number beyond", answer(at("data[?(@.x > 1)]"), &ok(r#"{"data": [{"x": 1e999}]}"#))),
        (
            "guessed",
            answer(json!({"path": "x", "paginator": "single_page"}), &ok(r#"{"data": [], "tags": []}"#)),
        ),
        ("no list", answer(json!({"path": "x"}), &ok(r#"{"id": 1}"#))),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn rows_that_do_not_fit_the_config() {
    let renamed = |row: &str| {
        let mut config = endpoint(json!({"path": "x", "paginator": "single_page", "data_selector": "$"}));
        config["resources"][0]["rename"] = json!({"a": "b"});
        match page(&planned(&config), &first_page("r"), &ok(format!("[{row}]"))) {
            Ok(_) => "taken".to_owned(),
            Err(error) => fault(&error),
        }
    };
    let family = |selector: &str| {
        planned(&json!({
            "client": {"base_url": "https://api.test", "paginator": "single_page"},
            "resources": [
                {"name": "p", "endpoint": {"path": "p", "data_selector": selector}},
                {"name": "c", "include_from_parent": ["name"], "endpoint": "p/{resources.p.id}/c"},
                {"name": "h", "endpoint": {"path": "h", "headers": {"X-P": "{resources.p.id}"}}},
                {"name": "k", "endpoint": {"path": "k", "headers": {"X-{resources.p.id}": "1"}}},
                {"name": "f", "endpoint": "p/{resources.p.id:05d}/f"},
                {"name": "g", "endpoint": "p/{resources.p.id:s}/g"}
            ]
        }))
    };
    let parents = |body: &str| match page(&family("$"), &first_page("p"), &ok(body)) {
        Ok(page) => page.notices.iter().map(|notice| notice.message.clone()).collect(),
        Err(error) => fault(&error),
    };
    let plan = family("$");
    let child = |body: &str| {
        let partition = Partition { key: "[1]".into(), data: r#"{"bind":[1],"add":["\"n\""]}"#.into() };
        page(&plan, &child_page("c", &partition), &ok(body))
            .map_or_else(|error| fault(&error), |_| "taken".into())
    };
    let asked = |name: &str, data: &str| {
        let partition = Partition { key: "[]".into(), data: data.into() };
        request(&plan, &child_page(name, &partition)).map_or_else(|error| fault(&error), |sent| sent.url)
    };
    let cases = [
        ("no object", renamed("5")),
        ("the new name is there", renamed(r#"{"a": 1, "b": 2}"#)),
        ("a row that is no object", parents("[5]")),
        ("a field is missing", parents(r#"[{"name": "x"}]"#)),
        ("a field that cannot be sent", parents(r#"[{"id": [1], "name": "x"}]"#)),
        ("half of a pair", parents(r#"[{"id": "\ud800", "name": "x"}]"#)),
        ("the same parent twice", parents(r#"[{"id": 1, "name": "x"}, {"id": 1, "name": "x"}]"#)),
        ("no list to go through", {
            let config = json!({
                "client": {"base_url": "https://api.test", "paginator": "single_page"},
                "resources": [
                    {"name": "p", "endpoint": {"path": "p", "data_selector": "$"}},
                    {"name": "c", "endpoint": "c/{resources.p.tags[*]}"}
                ]
            });
            match page(&planned(&config), &first_page("p"), &ok(r#"[{"tags": {}}]"#)) {
                Ok(_) => "taken".to_owned(),
                Err(error) => fault(&error),
            }
        }),
        ("a format for another type", asked("f", r#"{"bind":["x"],"add":[]}"#)),
        ("a format for integers", asked("f", r#"{"bind":[1.5],"add":[]}"#)),
        ("a format for text", asked("g", r#"{"bind":[1],"add":[]}"#)),
        ("a key of its own", child(r#"[{"_p_name": "x"}]"#)),
        ("no child", child("[5]")),
        ("an empty value", asked("c", r#"{"bind":["\"\""],"add":["1"]}"#)),
        ("empty", asked("c", r#"{"bind":[""],"add":[1]}"#)),
        ("a dot", asked("c", r#"{"bind":[".."],"add":[1]}"#)),
        ("a line break", asked("h", r#"{"bind":["a\nb"],"add":[]}"#)),
        ("a space in a name", asked("k", r#"{"bind":["a b"],"add":[]}"#)),
        ("half of a pair in the partition", asked("c", r#"{"bind":["\ud800"],"add":[1]}"#)),
        ("other data", asked("c", "{}")),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn answers_that_the_config_speaks_of() {
    let told_of = |action: Value, status: u16| {
        let mut config = offset_config(json!({"type": "offset", "limit": 2}));
        config["resources"][0]["endpoint"]["response_actions"] = json!([action]);
        let wanted = PageRequest { cursor: Some(r#"{"o":2,"t":9}"#.into()), ..first_page("r") };
        match page(&planned(&config), &wanted, &Response { status, ..ok("an error") }) {
            Ok(page) => format!("{:?}\n  {}", page.continuation, of_notice(&page.notices[0])),
            Err(error) => fault(&error),
        }
    };
    let cases = [
        ("ignored", told_of(json!({"status_code": 404, "action": "ignore"}), 404)),
        ("asked again", told_of(json!({"status_code": 200, "content": "error", "action": "retry"}), 200)),
        ("a failure", told_of(json!({"content": "error", "action": "fail"}), 200)),
        ("a failure by its status", told_of(json!({"status_code": 403, "action": "fail"}), 403)),
        (
            "a failure with words",
            told_of(json!({"content": "error", "action": "fail", "message": "no more"}), 200),
        ),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn rows_that_a_step_fails_on() {
    let told_of = |steps: Value, rows: &str| {
        let mut config = endpoint(json!({"path": "x", "paginator": "single_page", "data_selector": "$"}));
        config["resources"][0]["processing_steps"] = steps;
        match page(&planned(&config), &first_page("r"), &ok(rows)) {
            Ok(_) => "taken".to_owned(),
            Err(error) => fault(&error),
        }
    };
    let rows = r#"[{"id": 1, "t": "x"}, {"id": 2, "t": 5}]"#;
    let cases = [
        ("a program fails", told_of(json!([{"filter": ".id"}, {"map": ".t | ascii_upcase"}]), rows)),
        ("its own error", told_of(json!([{"map": "error(\"no: \\(.id)\")"}]), rows)),
        ("a filter with nothing", told_of(json!([{"filter": "select(.id == 1)"}]), rows)),
        ("a filter with several", told_of(json!([{"filter": ".id, .t"}]), rows)),
        ("a map with nothing", told_of(json!([{"map": "empty"}]), rows)),
        ("a map with several", told_of(json!([{"map": ".id, .t"}]), rows)),
        ("a map to null", told_of(json!([{"map": "null"}]), rows)),
        ("a map to no number", told_of(json!([{"map": "nan"}]), rows)),
        ("a map to bytes", told_of(json!([{"map": ".t | tobytes"}]), rows)),
        ("a map to names that are none", told_of(json!([{"map": "{(1): 2}"}]), rows)),
        ("a map to what is no text", told_of(json!([{"map": "[-255] | implode"}]), rows)),
        ("a map to depths", told_of(json!([{"map": "reduce range(200) as $i (0; [.])"}]), rows)),
        ("no object", told_of(json!([{"map": ".id"}, {"keep": "x"}]), rows)),
        ("no object to rename", told_of(json!([{"map": ".id"}, {"rename": {"x": "y"}}]), rows)),
        ("no object for the output", {
            let mut config = endpoint(json!({"path": "x", "paginator": "single_page", "data_selector": "$"}));
            config["resources"][0]["keep"] = json!("x");
            let page = page(&planned(&config), &first_page("r"), &ok("[5]"));
            page.map_or_else(|error| fault(&error), |_| "taken".to_owned())
        }),
        ("half of a pair", told_of(json!([{"map": ".s"}]), r#"[{"s": "\ud800"}]"#)),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn pages_that_contradict_themselves() {
    let offset = |more: Value| {
        let mut paginator = json!({"type": "offset", "limit": 2});
        paginator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        planned(&offset_config(paginator))
    };
    let at = |plan: &Plan, cursor: Option<&str>, body: Value| {
        let wanted = PageRequest { cursor: cursor.map(Into::into), ..first_page("r") };
        match page(plan, &wanted, &ok(body)) {
            Ok(page) => match page.continuation {
                Continuation::Limit(limit) => format!("limit: {limit}"),
                _ => page.notices.iter().map(of_notice).collect(),
            },
            Err(error) => fault(&error),
        }
    };
    let none = json!({});
    let rows = json!([{"id": 1}, {"id": 2}]);
    let endless = json!({"total_path": null, "has_more_path": "more", "stop_after_empty_page": false});
    let numbers = planned(&offset_config(json!({"type": "page_number", "total_path": "pages"})));
    let begun = page(&numbers, &first_page("r"), &ok(json!({"data": rows, "pages": 4})));
    let second = match begun.map(|page| page.continuation) {
        Ok(Continuation::Next(cursor)) => cursor,
        Ok(Continuation::Rest(cursors)) => cursors[0].clone(),
        other => panic!("{other:?}"),
    };
    let cases = [
        (
            "empty, but more pages are counted",
            at(&numbers, Some(second.as_str()), json!({"data": [], "pages": 4})),
        ),
        (
            "empty, but the total says more",
            at(&offset(none.clone()), Some(r#"{"o":2,"t":9}"#), json!({"data": []})),
        ),
        (
            "empty, though it was there",
            at(&offset(none.clone()), Some(r#"{"o":2,"e":4}"#), json!({"data": []})),
        ),
        (
            "no total where one is named",
            at(&offset(json!({"total_path": "meta.n"})), None, json!({"data": rows})),
        ),
        (
            "empty, but more follows",
            at(&offset(json!({"has_more_path": "more"})), None, json!({"data": [], "more": true})),
        ),
        ("empty, and no end", at(&offset(endless.clone()), None, json!({"data": [], "more": true}))),
        (
            "empty, and nothing to go by",
            at(&offset(json!({"stop_after_empty_page": false})), None, json!({"data": []})),
        ),
        ("no flag", at(&offset(endless.clone()), None, json!({"data": rows}))),
        ("another flag", at(&offset(endless), None, json!({"data": rows, "more": "perhaps"}))),
        (
            "the config's end",
            at(&offset(json!({"maximum_offset": 2, "total_path": null})), None, json!({"data": rows})),
        ),
        ("another's cursor", at(&offset(none), Some("x"), json!({"data": rows}))),
    ];
    assert_snapshot!(told(cases));
}

/// The page that a paginator makes of an answer, or what is said of it.
fn paged(paginator: Value, cursor: Option<&str>, response: &Response) -> (String, Option<String>) {
    let plan = planned(&offset_config(paginator));
    let wanted = PageRequest { cursor: cursor.map(Into::into), ..first_page("r") };
    match page(&plan, &wanted, response) {
        Ok(page) => {
            let notices: Vec<String> = page.notices.iter().map(of_notice).collect();
            match page.continuation {
                Continuation::Limit(limit) => (format!("limit: {limit}"), None),
                Continuation::Next(next) => (notices.join("\n  "), Some(next)),
                Continuation::Rest(rest) => (notices.join("\n  "), rest.into_iter().next()),
                Continuation::End => (notices.join("\n  "), None),
            }
        }
        Err(error) => (fault(&error), None),
    }
}

#[test]
fn cursors_and_links_that_lead_nowhere() {
    let first = |paginator: Value, body: Value| paged(paginator, None, &ok(body)).0;
    // The answer to the second page is that to the first one.
    let again = |paginator: Value, body: Value| {
        let (_, next) = paged(paginator.clone(), None, &ok(&body));
        paged(paginator, next.as_deref(), &ok(body)).0
    };
    let cursor = || json!({"type": "cursor", "cursor_path": "next"});
    let flagged = json!({"type": "cursor", "cursor_path": "next", "has_more_path": "more"});
    let stopping = json!({"type": "cursor", "cursor_path": "next", "stop_after_empty_page": true});
    let rows = || json!([{"id": 1}, {"id": 2}]);
    let header = |name: &str, value: &str| {
        let mut response = ok(json!({"data": rows()}));
        response.headers.push((name.into(), value.into()));
        response
    };
    let link = |value: &str| header("link", &format!("<{value}>; rel=\"next\""));
    let number = |more: Value| {
        let mut paginator = json!({"type": "page_number", "base_page": 1});
        paginator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        paginator
    };
    let mut hollow = (String::new(), None);
    for at in 0..1_010 {
        hollow = paged(cursor(), hollow.1.as_deref(), &ok(json!({"data": [], "next": format!("c{at}")})));
        if hollow.1.is_none() {
            break;
        }
    }
    let cases = [
        ("a flag for a cursor", first(cursor(), json!({"data": rows(), "next": true}))),
        ("a list for a cursor", first(cursor(), json!({"data": rows(), "next": [1]}))),
        ("half of a pair for a cursor", paged(cursor(), None, &ok(r#"{"data":[1],"next":"\ud800"}"#)).0),
        ("more, and no cursor", first(flagged, json!({"data": rows(), "more": true}))),
        ("the cursor again", again(cursor(), json!({"data": rows(), "next": "c"}))),
        ("empty, and a cursor", first(stopping, json!({"data": [], "next": "c"}))),
        ("pages without rows", hollow.0),
        ("the link again", again(json!("json_link"), json!({"data": rows(), "next": "/x"}))),
        ("a number for a link", first(json!("json_link"), json!({"data": rows(), "next": 7}))),
        ("a link to nothing", first(json!("json_link"), json!({"data": rows(), "next": "http://["}))),
        ("a link by mail", paged(json!("header_link"), None, &link("mailto:a@b")).0),
        ("a link with a password", paged(json!("header_link"), None, &link("https://u:p@api.test/x")).0),
        ("an empty page below the total", {
            let (_, next) = paged(number(json!({})), None, &ok(json!({"data": rows(), "total": 3})));
            paged(number(json!({})), next.as_deref(), &ok(json!({"data": [], "total": 3}))).0
        }),
        ("the config's end", {
            first(number(json!({"maximum_page": 2, "total_path": null})), json!({"data": rows()}))
        }),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn paginators_that_an_answer_shows() {
    let shown = |beside: Value, headers: &[(&str, &str)]| {
        let mut body = json!({"data": [{"id": 1}, {"id": 2}]});
        body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        let mut response = ok(body);
        response.headers.extend(headers.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        answer(json!({"path": "x", "data_selector": "data"}), &response)
    };
    let cases = [
        ("none", shown(json!({}), &[])),
        ("a Link header", shown(json!({}), &[("link", "<https://api.test/x?page=2>; rel=\"next\"")])),
        ("a link", shown(json!({"links": {"next": "/x?page=2"}}), &[])),
        ("a number of pages", shown(json!({"total_pages": 3}), &[])),
        ("a header's cursor", shown(json!({}), &[("X-Next-Cursor", "abc")])),
        ("a cursor", shown(json!({"next_cursor": "abc", "has_more": true}), &[])),
        ("a header's pages", shown(json!({}), &[("X-Total-Pages", "3")])),
        ("an offset", shown(json!({"offset": 0, "limit": 2, "total": 9}), &[])),
        ("an offset without a total", shown(json!({"offset": 0, "limit": 2, "has_more": true}), &[])),
        ("a page and a total", shown(json!({"page": 1, "total": 9}), &[])),
        ("a page and a flag", shown(json!({"page": 1, "has_more": true}), &[])),
        (
            "a number of pages on another page than the first",
            shown(json!({"page": 5, "total_pages": 9}), &[]),
        ),
        ("a flag alone", shown(json!({"has_more": true}), &[])),
        ("a total alone", shown(json!({"total": 9}), &[])),
        ("a header's total alone", shown(json!({}), &[("X-Total-Count", "9")])),
        ("a header's range alone", shown(json!({}), &[("Content-Range", "items 0-1/9")])),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn what_no_host_should_ask() {
    let plan = planned(&json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resources": ["p", {"name": "c", "endpoint": "p/{resources.p.id}/c"}]
    }));
    let partition = Partition { key: "[1]".into(), data: r#"{"bind":[1]}"#.into() };
    let ask =
        |wanted: &PageRequest| request(&plan, wanted).map_or_else(|error| fault(&error), |sent| sent.url);
    let key = "${secrets.key}";
    let posted = planned(&endpoint(json!({"path": "x", "paginator": "json_link", "json": {"key": key}})));
    let away = ok(json!({"data": [{"id": 1}], "next": "https://other.test/x"}));
    let Ok(Continuation::Next(away)) = page(&posted, &first_page("r"), &away).map(|page| page.continuation)
    else {
        panic!("no next page")
    };
    let cases = [
        ("no such resource", ask(&first_page("q"))),
        ("a cursor for one page", ask(&PageRequest { cursor: Some("2".into()), ..first_page("p") })),
        ("a child without a parent", ask(&first_page("c"))),
        ("a parent for no child", ask(&child_page("p", &partition))),
        ("a key in the body, elsewhere", {
            let wanted = PageRequest { cursor: Some(away), ..first_page("r") };
            request(&posted, &wanted).map_or_else(|error| fault(&error), |sent| sent.url)
        }),
        ("a config that is no JSON", fault(&Fault::InvalidConfig(crate::plan("{").unwrap_err()))),
        ("a wrong config", fault(&Fault::InvalidConfig(crate::plan("{}").unwrap_err()))),
        ("the way", fault(&Fault::Transport("the line is cut".into()))),
        ("the host", fault(&Fault::Denied("not there".into()))),
    ];
    assert_snapshot!(told(cases));
}

#[test]
fn notices_on_the_config() {
    let plan = planned(&json!({
        "client": {"base_url": "https://api.test"},
        "resources": [
            {"name": "p", "parallelized": true, "endpoint": "p?token=abc"},
            {"name": "q", "endpoint": {"path": "q", "params": {"limit": 5}, "paginator": {"type": "offset", "limit": 2}}},
            {"name": "c", "endpoint": "q/{id}/c"}
        ]
    }));
    let notices = plan.source_info().notices;
    assert_snapshot!(told(notices.iter().map(|notice| (notice.code, of_notice(notice)))));
}

#[test]
fn answers_without_a_token() {
    let auth = json!({
        "type": "oauth2_client_credentials", "access_token_url": "https://login.test/token", "client_id": "me",
        "client_secret": "${secrets.s}"
    });
    let plan = planned(&endpoint(json!({"path": "x", "auth": auth})));
    let said = |(status, body): (u16, &str)| {
        let answer = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let mut request = request(&plan, &first_page("r")).unwrap();
        let what = format!("{status} {body}");
        (what, fault(&crate::authorize(&plan, &first_page("r"), &mut request, &answer).unwrap_err()))
    };
    let failures = [
        said((401, r#"{"error": "invalid_client", "error_description": "no such client"}"#)),
        said((400, r#"{"error": {"message": "no"}}"#)),
        said((503, "<html>")),
        said((200, r#"{"error": "bad"}"#)),
        said((200, "access_token=tok&token_type=bearer")),
        said((200, r#"{"access_token": "", "token": "tok"}"#)),
        said((200, r#"{"access_token": 5}"#)),
        said((200, "[1]")),
        said((302, "")),
    ];
    let session = json!({"type": "session_token", "path": "in", "token_header": "X-Session"});
    let plan = planned(&endpoint(json!({"path": "x", "auth": session})));
    let mut request = request(&plan, &first_page("r")).unwrap();
    let headless = crate::authorize(&plan, &first_page("r"), &mut request, &ok("{}")).unwrap_err();
    let failures = failures.into_iter().chain([("a header".to_owned(), fault(&headless))]);
    let failures: Vec<_> = failures.collect();
    assert_snapshot!(told(failures.iter().map(|(what, said)| (what.as_str(), said.clone()))));
}

#[test]
fn rows_by_their_cursor() {
    let of = |part: Value, cursors: Value| {
        let mut incremental = json!({"cursor_path": "at"});
        for (key, value) in part.as_object().unwrap() {
            incremental[key] = value.clone();
        }
        let rows: Value = cursors.as_array().unwrap().iter().map(|at| json!({"at": at})).collect();
        let endpoint = json!({
            "path": "x", "paginator": {"type": "offset", "limit": 3, "total_path": null}, "data_selector": "$",
            "incremental": incremental
        });
        answer(endpoint, &ok(rows))
    };
    let plain = || json!({"path": "x", "paginator": "single_page", "data_selector": "$", "incremental": {"cursor_path": "at"}});
    let key = json!({"primary_key": "key"});
    let cases = [
        ("no cursor", answer(plain(), &ok(r#"[{"at": 1}, {"id": 1}]"#))),
        ("null", of(json!({}), json!([null]))),
        ("a list", of(json!({}), json!([[1]]))),
        ("a mix", of(json!({}), json!([1, "2024-01-01"]))),
        ("another mix", of(json!({}), json!(["2024-01-01", "soon"]))),
        ("a start of another kind", of(json!({"initial_value": "2024-01-01"}), json!([1_700_000_000]))),
        ("an end of another kind", of(json!({"initial_value": 1, "end_value": 5}), json!(["2024-01-01"]))),
        ("a number in a text", of(json!({"initial_value": "9"}), json!(["10"]))),
        ("no key", of(key, json!([1]))),
        ("no order", of(json!({"row_order": "desc", "initial_value": 1}), json!([1, 2]))),
    ];
    let mark = |value: &str| Watermark { value: value.into(), order: Vec::new(), ties: Vec::new() };
    let ask = |part: Value, since: Option<&str>| {
        let endpoint = endpoint(part);
        let wanted = PageRequest { since: since.map(mark), ..first_page("r") };
        request(&planned(&endpoint), &wanted).map_or_else(|error| fault(&error), |sent| sent.url)
    };
    let lag = json!({"path": "x", "incremental": {"cursor_path": "at", "lag": 3}});
    let end = json!({
        "path": "x/{incremental.start_value}", "incremental": {"cursor_path": "at", "initial_value": 1}
    });
    let convert = json!({
        "path": "x", "incremental": {"cursor_path": "at", "initial_value": 1, "start_param": "a", "convert": "empty"}
    });
    let format = json!({
        "path": "x/{incremental.start_value:05d}",
        "incremental": {"cursor_path": "at", "initial_value": "2024-01-01"}
    });
    let since_until = || {
        let range = Range { since: Some("9".into()), until: Some("5".into()) };
        let wanted = PageRequest { range: Some(range), ..first_page("r") };
        request(&planned(&endpoint(plain())), &wanted).map_or_else(|error| fault(&error), |sent| sent.url)
    };
    let asked = [
        ("an empty range", since_until()),
        ("a lag of texts", ask(lag.clone(), Some("\"abc\""))),
        ("a watermark that is none", ask(lag, Some("{}"))),
        ("a path", ask(end, None)),
        ("a format", ask(format, None)),
        ("a program", ask(convert, None)),
    ];
    assert_snapshot!(told(cases.into_iter().chain(asked)));
}

#[test]
fn notices_on_incremental() {
    let incremental = json!({"cursor_path": "at", "allow_external_schedulers": true, "start_param": "since"});
    let plan = planned(&endpoint(json!({"path": "x", "params": {"since": 1}, "incremental": incremental})));
    let notices = plan.source_info().notices;
    assert_snapshot!(told(notices.iter().map(|notice| (notice.code, of_notice(notice)))));
}

#[test]
fn configs_that_are_not_incremental() {
    let cases = [
        ("nothing", json!({})),
        ("no start", json!({"cursor_path": "at", "end_value": 5})),
        ("no names", json!({"cursor_path": "at", "start_param": 5, "primary_key": [5]})),
    ];
    let of = |incremental: Value| {
        let problems = crate::plan(&endpoint(json!({"path": "x", "incremental": incremental})).to_string());
        let said = problems.unwrap_err().into_iter().map(|problem| match problem.hint {
            Some(hint) => format!("{}\n  {hint}", problem.message),
            None => problem.message,
        });
        said.collect::<Vec<_>>().join("\n  ")
    };
    assert_snapshot!(told(cases.map(|(what, incremental)| (what, of(incremental)))));
}
