//! What settles a guess, written into the config in the order of the notices: nothing is guessed any more, and the same
//! is read.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Writes a setting as a host would: over what is there, or into the object that lacks it.
fn apply(config: &mut Value, setting: &Setting) {
    let value: Value = serde_json::from_str(&setting.value).unwrap();
    if let Some(place) = config.pointer_mut(&setting.path) {
        *place = value;
        return;
    }
    let (above, key) = setting.path.rsplit_once('/').unwrap();
    let object = config.pointer_mut(above).and_then(Value::as_object_mut);
    let key = key.replace("~1", "/").replace("~0", "~");
    object.unwrap_or_else(|| panic!("nothing at {above} for {setting:?}")).insert(key, value);
}

/// Everything that a config of `p` and its child `c` comes to: what is sent, what comes out, and what was guessed.
fn run(config: &Value) -> (Vec<String>, Vec<Notice>) {
    let plan = planned(config);
    let mut guesses = plan.source_info().notices;
    let mut seen = Vec::new();
    let rows = json!({"meta": {"n": 2}, "list": [{"id": 5, "k.x": 6, "a": 1}, {"id": 7, "k.x": 8, "a": 2}]});
    let of_p = page(&plan, &first_page("p"), &ok(&rows)).unwrap();
    seen.push(request(&plan, &first_page("p")).unwrap().url);
    seen.push(rows_text(&of_p).to_owned());
    guesses.extend(of_p.notices);
    for partition in of_p.children.iter().flat_map(|child| &child.partitions) {
        let wanted = child_page("c", partition);
        seen.push(request(&plan, &wanted).unwrap().url);
        let of_c = page(&plan, &wanted, &ok(json!({"items": [{"v": 1}]}))).unwrap();
        seen.push(rows_text(&of_c).to_owned());
        guesses
            .extend(of_c.notices.into_iter().filter(|notice| !guesses.contains(notice)).collect::<Vec<_>>());
    }
    guesses.retain(|notice| !notice.settles.is_empty());
    (seen, guesses)
}

#[test]
fn every_form_of_a_resource_is_settled_in_its_place() {
    let resources = [
        json!({"p": null, "c": "p/{x}/c"}),
        json!({"p": "p", "c": "p/{ x }/c"}),
        json!({"p": {}, "c": {"endpoint": "p/{x}/c"}}),
        json!({"p": {"endpoint": null}, "c": {"endpoint": {"path": "p/{x}/c"}}}),
        json!({"p": {"endpoint": {}}, "c": {"endpoint": {"path": "/p/{x}/c?q={{x}}", "paginator": "auto"}}}),
        json!({"p": {"primary_key": "k.x"}, "c": {"include_from_parent": ["a"], "endpoint": "p/{x}/c"}}),
        json!(["p", {"name": "c", "endpoint": "p/{x}/c", "include_from_parent": ["id"]}]),
        json!([{"name": "p"}, {"name": "c", "endpoint": {"path": "p/{x}/c", "data_selector": "items"}}]),
        json!([{"name": "p", "endpoint": {"path": "p", "paginator": "single_page"}}, {"name": "c", "endpoint": "p/{x}/c"}]),
    ];
    let defaults = [
        json!({}),
        json!({"include_from_parent": null, "endpoint": {"params": {"d": 1}}}),
        json!({"endpoint": {"paginator": "auto", "empty_ok": true}}),
    ];
    for resources in &resources {
        for defaults in &defaults {
            let mut config = json!({
                "client": {"base_url": "https://api.test"}, "resource_defaults": defaults, "resources": resources
            });
            let (seen, guesses) = run(&config);
            let codes: Vec<_> = guesses.iter().map(|notice| notice.code).collect();
            assert!(codes.contains(&"parent-inferred") && codes.contains(&"paginator-guessed"), "{codes:?}");
            assert!(codes.contains(&"selector-guessed"), "{codes:?}");
            for setting in guesses.iter().flat_map(|notice| &notice.settles) {
                apply(&mut config, setting);
            }
            let (again, left) = run(&config);
            assert_eq!(seen, again, "{config:#}");
            assert_eq!(left, [], "{config:#}");
        }
    }
}

#[test]
fn a_setting_says_no_more_than_it_must() {
    let settled = |resources: Value| {
        let config = json!({"client": {"base_url": "https://api.test"}, "resources": resources});
        let (_, guesses) = run(&config);
        let texts = guesses.into_iter().flat_map(|notice| notice.settles);
        texts.map(|setting| format!("{}: {}", setting.path, setting.value)).collect::<Vec<_>>()
    };
    assert_eq!(
        settled(json!({"p": "p", "c": {"endpoint": {"path": "p/{x}/c"}}})),
        [
            r#"/resources/c/endpoint/path: "p/{resources.p.id}/c""#,
            r#"/resources/c/include_from_parent: ["id"]"#,
            r#"/resources/p: {"endpoint":{"path":"p","data_selector":"list"}}"#,
            r#"/resources/p: {"endpoint":{"path":"p","data_selector":"list","paginator":"single_page"}}"#,
            r#"/resources/c/endpoint/data_selector: "items""#,
            r#"/resources/c/endpoint/paginator: "single_page""#,
        ]
    );
    assert_eq!(
        settled(json!(["p", {"name": "c", "endpoint": "p/{x}/c"}])),
        [
            r#"/resources/1/endpoint: "p/{resources.p.id}/c""#,
            r#"/resources/1/include_from_parent: ["id"]"#,
            r#"/resources/0: {"name":"p","endpoint":{"data_selector":"list"}}"#,
            r#"/resources/0: {"name":"p","endpoint":{"data_selector":"list","paginator":"single_page"}}"#,
            r#"/resources/1/endpoint: {"path":"p/{resources.p.id}/c","data_selector":"items"}"#,
            r#"/resources/1/endpoint: {"path":"p/{resources.p.id}/c","data_selector":"items","paginator":"single_page"}"#,
        ]
    );
}

#[test]
fn a_paginator_is_guessed_only_where_a_list_could_go_on() {
    let codes = |endpoint_of_r: Value, client: Value, body: Value| {
        let mut config = endpoint(endpoint_of_r);
        config["client"].as_object_mut().unwrap().extend(client.as_object().unwrap().clone());
        let got = page(&planned(&config), &first_page("r"), &ok(body)).unwrap();
        got.notices.into_iter().map(|notice| notice.code).collect::<Vec<_>>()
    };
    let path = || json!({"path": "r", "data_selector": "d"});
    let listed = json!({"d": [1]});
    assert_eq!(codes(path(), json!({}), listed.clone()), ["paginator-guessed"]);
    assert_eq!(codes(path(), json!({}), json!({"d": []})), ["paginator-guessed"]);
    assert_eq!(codes(path(), json!({"paginator": "auto"}), listed.clone()), ["paginator-guessed"]);
    assert_eq!(
        codes(json!({"path": "r", "data_selector": "d[?@.a]"}), json!({}), json!({"d": [{"a": 1}]})),
        ["paginator-guessed"]
    );
    // One thing is no list, and what is named needs no guess.
    assert!(codes(path(), json!({}), json!({"d": {"a": 1}})).is_empty());
    assert!(codes(path(), json!({"paginator": "single_page"}), listed.clone()).is_empty());
    assert!(
        codes(
            json!({"path": "r", "data_selector": "d", "paginator": "single_page"}),
            json!({}),
            listed.clone()
        )
        .is_empty()
    );
    let mut config = endpoint(path());
    config["resource_defaults"] = json!({"endpoint": {"paginator": {"type": "offset", "limit": 5}}});
    assert!(page(&planned(&config), &first_page("r"), &ok(listed)).unwrap().notices.is_empty());
}

#[test]
fn a_parent_whose_key_was_given_to_it_is_settled_too() {
    let config = json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resource_defaults": {"endpoint": {"data_selector": "$"}},
        "resources": {
            "a": {},
            "b": {"endpoint": "a/{a}/b", "primary_key": "_a_id"},
            "c": "a/{a}/b/{b}/c"
        }
    });
    let plan = planned(&config);
    let open = |from: &PageRequest, body: &str| {
        page(&plan, from, &ok(body)).unwrap().children[0].partitions[0].clone()
    };
    let b = open(&first_page("a"), r#"[{"id": 5}]"#);
    let c = open(&child_page("b", &b), "[{}]");
    assert_eq!(request(&plan, &child_page("c", &c)).unwrap().url, "https://api.test/a/5/b/5/c");
}
