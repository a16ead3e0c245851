//! Processing steps: what rows become, what stays byte for byte, and what is told of a row that a step fails on.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Resource `r`, whose rows stand at the top, with these keys beside its endpoint.
fn with(more: Value) -> Value {
    let mut config = endpoint(json!({"path": "x", "paginator": "single_page", "data_selector": "$"}));
    let resource = config["resources"][0].as_object_mut().unwrap();
    resource.extend(more.as_object().unwrap().clone());
    config
}

fn read(more: Value, body: &str) -> std::result::Result<Page, Fault> {
    page(&planned(&with(more)), &first_page("r"), &ok(body))
}

fn lines(more: Value, body: &str) -> String {
    rows_text(&read(more, body).unwrap()).to_owned()
}

#[test]
fn steps_are_taken_in_order() {
    let rows = r#"[{"id": 1, "on": true, "tags": ["a", "b"]}, {"id": 2, "on": false, "tags": []},
        {"id": 3, "on": 1, "tags": ["c"]}, {"id": 4, "on": null, "tags": ["d"]}]"#;
    let cases = [
        (json!([]), rows.lines().count(), ""),
        (json!([{"filter": ".on"}, {"map": ".id"}]), 0, "1\n3\n"),
        (json!([{"map": ".id"}, {"filter": ". > 2"}]), 0, "3\n4\n"),
        (json!([{"yield_map": ".tags[]"}]), 0, "\"a\"\n\"b\"\n\"c\"\n\"d\"\n"),
        (
            json!([{"yield_map": ".tags[]"}, {"filter": ". != \"b\""}, {"map": "{t: .}"}]),
            0,
            "{\"t\":\"a\"}\n{\"t\":\"c\"}\n{\"t\":\"d\"}\n",
        ),
        (json!([{"filter": ".id == 1"}, {"rename": {"id": "key"}}, {"map": "{key}"}]), 0, "{\"key\":1}\n"),
        (json!([{"filter": ".id == 1"}, {"drop": "tags"}]), 0, "{\"id\":1,\"on\":true}\n"),
        (
            json!([{"filter": ".id == 1"}, {"keep": ["id", "tags"]}]),
            0,
            "{\"id\":1,\"tags\":[\"a\", \"b\"]}\n",
        ),
        (json!([{"map": ".x = 1"}, {"keep": "x"}, {"filter": ".x == 2"}]), 0, ""),
        // dlt's order for several in one.
        (json!([{"map": ".id", "filter": ".on"}]), 0, "1\n3\n"),
    ];
    for (steps, same, left) in cases {
        let page = read(json!({"processing_steps": steps}), rows).unwrap();
        if same == 0 {
            assert_eq!(rows_text(&page), left, "{steps}");
        }
        assert_eq!(page.received, 4, "{steps}");
        assert_eq!(page.kept, rows_text(&page).lines().count() as u64, "{steps}");
        assert_eq!(page.digest.is_some(), steps != json!([]), "{steps}");
    }
}

#[test]
fn a_row_that_a_filter_keeps_is_the_apis_own() {
    // Doubled names, numbers and escapes stay; half of a pair does too, where nothing reads it.
    let whole = r#"{ "n": 1e400, "m":-0, "s":"\u00e9", "n":12345678901234567890.10 }"#;
    let filtered = lines(json!({"processing_steps": [{"filter": ".m == 0"}]}), &format!("[{whole}]"));
    assert_eq!(filtered, format!("{whole}\n"));
    let half = r#"{"n":1e400,"s":"\ud800","n":-0}"#;
    let cut = lines(json!({"processing_steps": [{"drop": "x"}]}), &format!("[{half}]"));
    assert_eq!(cut, format!("{half}\n"));
}

#[test]
fn fields_are_cut_by_their_paths() {
    let row = r#"[{"a":1,"b":{"c":1.10,"d":2},"l":[{"c":1,"d":[2]},{"d":3}, 5],"a.b":7}]"#;
    let cases = [
        ("drop", json!("a"), r#"{"b":{"c":1.10,"d":2},"l":[{"c":1,"d":[2]},{"d":3}, 5],"a.b":7}"#),
        ("drop", json!(["b.c", "l.d", "none", "a.x"]), r#"{"a":1,"b":{"d":2},"l":[{"c":1},{},5],"a.b":7}"#),
        ("drop", json!("['a.b']"), r#"{"a":1,"b":{"c":1.10,"d":2},"l":[{"c":1,"d":[2]},{"d":3}, 5]}"#),
        ("drop", json!(["a", "b", "l", "['a.b']"]), "{}"),
        ("keep", json!(["a", "b.d"]), r#"{"a":1,"b":{"d":2}}"#),
        ("keep", json!(["l.c", "none"]), r#"{"l":[{"c":1},{},5]}"#),
        ("keep", json!(["b", "b.c"]), r#"{"b":{"c":1.10,"d":2}}"#),
        ("keep", json!(["b.c", "b"]), r#"{"b":{"c":1.10,"d":2}}"#),
    ];
    for (what, fields, left) in cases {
        for more in [json!({what: fields}), json!({"processing_steps": [{what: fields}]})] {
            assert_eq!(lines(more, row), format!("{left}\n"), "{what} {fields}");
        }
    }
}

#[test]
fn children_see_what_steps_leave_and_not_what_the_output_lacks() {
    let config = json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resource_defaults": {"endpoint": {"data_selector": "$"}},
        "resources": [
            {"name": "p", "processing_steps": [{"filter": ".id > 1"}, {"map": ".key = \"k\\(.id)\""}], "keep": ["n"],
                "rename": {"n": "name"}},
            {"name": "c", "include_from_parent": ["n"], "endpoint": "p/{resources.p.key}/c",
                "processing_steps": [{"map": ".up = ._p_n"}], "keep": ["up"], "rename": {"up": "upper"}}
        ]
    });
    let plan = planned(&config);
    let parents = page(&plan, &first_page("p"), &ok(r#"[{"id":1,"n":"a"},{"id":2,"n":"b"}]"#)).unwrap();
    assert_eq!(rows_text(&parents), "{\"name\":\"b\"}\n");
    assert_eq!((parents.received, parents.kept), (2, 1));
    let partition = &parents.children[0].partitions;
    assert_eq!(partition.len(), 1);
    assert_eq!(request(&plan, &child_page("c", &partition[0])).unwrap().url, "https://api.test/p/k2/c");
    let children = page(&plan, &child_page("c", &partition[0]), &ok(r#"[{"id":7}]"#)).unwrap();
    // What the config adds stays, whatever is kept.
    assert_eq!(rows_text(&children), "{\"_p_n\":\"b\",\"upper\":\"b\"}\n");
}

#[test]
fn paging_goes_by_what_came() {
    let mut config = offset_config(json!({"type": "offset", "limit": 2, "total_path": "total"}));
    config["resources"][0]["processing_steps"] = json!([{"filter": "false"}]);
    let plan = planned(&config);
    let first = page(&plan, &first_page("r"), &ok(json!({"data": ids(0, 2), "total": 4}))).unwrap();
    assert_eq!((first.received, first.kept, first.total), (2, 0, Some(4)));
    assert!(matches!(first.continuation, Continuation::Next(_) | Continuation::Rest(_)));
    let other = page(&plan, &first_page("r"), &ok(json!({"data": ids(2, 4), "total": 4}))).unwrap();
    assert_ne!(first.digest, other.digest);
    let again = page(&plan, &first_page("r"), &ok(json!({"data": ids(0, 2), "total": 5}))).unwrap();
    assert_eq!(first.digest, again.digest);
}

#[test]
fn defaults_are_replaced_as_a_whole() {
    let config = json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resource_defaults": {"processing_steps": [{"map": ".a"}], "endpoint": {"data_selector": "$"}},
        "resources": ["d", {"name": "o", "processing_steps": [{"map": ".b"}]}, {"name": "n", "processing_steps": []}]
    });
    let plan = planned(&config);
    let rows = |name: &str| {
        rows_text(&page(&plan, &first_page(name), &ok(r#"[{"a":1,"b":2}]"#)).unwrap()).to_owned()
    };
    assert_eq!([rows("d"), rows("o"), rows("n")], ["1\n", "2\n", "{\"a\":1,\"b\":2}\n"]);
}

#[test]
fn a_row_that_a_step_fails_on_is_never_left_out() {
    let rows = r#"[{"id": 1, "t": "x"}, {"id": 2, "t": 5}]"#;
    for steps in [
        json!([{"filter": ".t | test(\"x\")"}]),
        json!([{"filter": "select(.id == 1)"}]),
        json!([{"filter": ".id, .t"}]),
        json!([{"map": "select(.id == 1)"}]),
        json!([{"map": ".id, .t"}]),
        json!([{"map": ".t | ltrimstr(\"x\") | ascii_upcase"}]),
        json!([{"yield_map": "1, (.t | ascii_upcase)"}]),
        json!([{"map": "if .id == 2 then null end"}]),
        json!([{"map": "if .id == 2 then nan end"}]),
        json!([{"map": ".id"}, {"drop": "x"}]),
    ] {
        let fault = bad(read(json!({"processing_steps": steps}), rows).unwrap_err());
        assert!(fault.message.starts_with("row "), "{steps}: {}", fault.message);
        assert!(!fault.retry, "{steps}");
    }
}
