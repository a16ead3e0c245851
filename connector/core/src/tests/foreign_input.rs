//! Nothing that a config, a host or a server sends makes it panic.

use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn rich_config() -> String {
    json!({
        "client": {
            "base_url": "https://api.test/v1/", "headers": {"X-A": "{{b}}"},
            "auth": {"type": "api_key", "name": "k", "api_key": "${secrets.k}", "location": "query"},
            "paginator": {"type": "offset", "limit": 10, "maximum_offset": 50, "has_more_path": "m.more"}
        },
        "resource_defaults": {"primary_key": "id", "endpoint": {"params": {"a": [1, "x"]}}},
        "resources": [
            "p",
            {"name": "c", "endpoint": "p/{x}/c", "include_from_parent": ["n"], "rename": {"id": "cid"}},
            {"name": "q", "endpoint": {"path": "q/{resources.c.id}", "data_selector": "d[?@.a > 1]", "params": {"z": "{resources.c.id}"}}}
        ]
    })
    .to_string()
}

fn edited(text: &str, edits: &[(prop::sample::Index, String, usize)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, with, length) in edits {
        let at = place.index(text.len() + 1);
        let end = (at + length).min(text.len());
        text.splice(at..end, with.chars());
    }
    text.into_iter().collect()
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, String, usize)>> {
    let with =
        prop_oneof!["[\\[\\]{}\",:.$*?@é0-9a-z_ ]{0,4}", Just("null".to_owned()), Just("\\ud800".to_owned())];
    prop::collection::vec((any::<prop::sample::Index>(), with, 0..6usize), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_config_body_and_cursor(
        config_edits in edits(), body_edits in edits(), cursor in prop::option::of("[{}\"oelts:0-9,]{0,20}"), data in edits(),
    ) {
        let Ok(plan) = plan(&edited(&rich_config(), &config_edits)) else { return Ok(()) };
        let body = edited(r#"{"d":[{"id":1,"n":{"a":[1,2]}},{"id":"é\u00e9"}],"total":"4","m":{"more":true}}"#, &body_edits);
        let data = edited(r#"{"bind":[1],"add":["x",2]}"#, &data);
        for resource in plan.source_info().resources {
            let partition = resource.parent.map(|_| Partition { key: "[1]".into(), data: data.clone() });
            let wanted = PageRequest { partition, cursor: cursor.clone(), ..first_page(&resource.name) };
            if let Ok(sent) = request(&plan, &wanted) {
                prop_assert!(sent.url.starts_with("http"));
                prop_assert!(!sent.url.contains(char::is_whitespace));
            }
            if let Ok(got) = page(&plan, &wanted, &ok(&body)) {
                prop_assert_eq!(got.rows.iter().filter(|byte| **byte == b'\n').count() as u64, got.kept);
                for line in got.rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok());
                }
            }
        }
    }
}
