//! Configs as people write them: what is accepted, what is refused, and where the finger points.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn the_seed_configs_are_accepted() {
    let seed = |location: &str, resources: Value| {
        json!({
            "client": {
                "base_url": "https://api.example.com",
                "auth": {"type": "api_key", "name": "api_key", "api_key": "${secrets.api_key}", "location": location}
            },
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": resources
        })
    };
    let paged = |name: &str, path: &str| json!({"name": name, "endpoint": {"path": path, "data_selector": "data", "paginator": {"type": "offset", "limit": 100}}});
    let three = json!([
        paged("project_details", "/v1/projects"),
        paged("time_entries", "/v1/time_entries"),
        paged("expenses", "/v1/expenses")
    ]);
    let mut handled = seed("query", json!([paged("resource", "/v1/resource")]));
    handled["resources"][0]["endpoint"]["error_handler"] =
        json!({"retry_on_status_codes": [429, 500, 502, 503, 504], "max_retries": 3, "backoff_factor": 2});
    for config in [seed("query", three), handled.clone()] {
        let info = planned(&config).source_info();
        assert!(info.credentials.is_empty() && info.notices.is_empty(), "{info:?}");
        assert_eq!(info.resources[0].origins, ["https://api.example.com"]);
        assert_eq!(info.resources[0].primary_key, ["id"]);
        assert_eq!(info.resources[0].write_disposition, WriteDisposition::Merge);
    }
    let retry = planned(&handled).source_info().resources[0].retry.clone().unwrap();
    assert_eq!((retry.statuses.len(), retry.max_retries, retry.backoff_factor), (5, 3, 2.0));
}

#[test]
fn all_problems_come_at_once_each_with_its_place() {
    let config = json!({
        "client": {"base_url": "https://api.test", "auth": {"type": "berer", "token": "x"}, "sesion": 1},
        "resource_defaults": {"primary_kye": "id"},
        "resources": [
            {"name": "a", "endpoint": {"path": "a", "data_selectr": "d", "incremental": {"cursor_path": 1}}},
            {"name": "a", "path": "x"},
            5
        ],
        "to": "x"
    });
    let problems = plan(&config.to_string()).unwrap_err();
    let find = |path: &str| {
        problems
            .iter()
            .find(|problem| problem.path == path)
            .unwrap_or_else(|| panic!("{path}: {problems:#?}"))
    };
    assert_eq!(find("/client/auth/type").hint.as_deref(), Some("did you mean `bearer`?"));
    assert_eq!(find("/client/sesion").message, "unknown key `sesion` in `client`");
    assert_eq!(find("/resource_defaults/primary_kye").hint.as_deref(), Some("did you mean `primary_key`?"));
    assert_eq!(
        find("/resources/0/endpoint/data_selectr").hint.as_deref(),
        Some("did you mean `data_selector`?")
    );
    let said = "a JSONPath (a string) is expected here, but this is a number";
    assert_eq!(find("/resources/0/endpoint/incremental/cursor_path").message, said);
    assert_eq!(find("/resources/1/path").hint.as_deref(), Some("write it under `endpoint`"));
    assert_eq!(find("/resources/2").message, "a resource is a path or an object");
    assert!(find("/to").hint.is_some());
}

#[test]
fn every_part_of_dlt_that_is_missing_is_refused_by_name() {
    let cases = [(
        json!({"path": "x", "auth": {"type": "oauth2_client_credentials", "session": 1}}),
        "`session` is not supported yet",
    )];
    for (part, message) in cases {
        let messages = refused(&endpoint(part.clone()));
        assert!(messages.iter().any(|line| line.ends_with(message)), "{part}: {messages:?}");
    }
    for (key, value) in [
        ("table_format", json!("delta")),
        ("file_format", json!("parquet")),
        ("references", json!([])),
        ("nested_hints", json!({})),
    ] {
        let mut config = endpoint(json!("x"));
        config["resources"][0][key] = value;
        assert_eq!(refused(&config), [format!("/resources/0/{key}: `{key}` is not supported yet")]);
    }
}

#[test]
fn hints_on_tables_are_taken() {
    for (key, value) in [
        ("max_table_nesting", json!(0)),
        ("max_table_nesting", json!(3)),
        ("schema_contract", json!("freeze")),
        ("schema_contract", json!({"tables": "discard_row", "columns": "discard_value"})),
        ("schema_contract", json!("evolve")),
        ("schema_contract", json!({"tables": "evolve", "columns": "evolve", "data_type": null})),
        ("merge_key", json!(null)),
    ] {
        let mut config = endpoint(json!("x"));
        config["resources"][0][key] = value.clone();
        assert!(plan(&config.to_string()).is_ok(), "{key}: {value}");
        config["resource_defaults"] = json!({key: value});
        config["resources"][0].as_object_mut().unwrap().remove(key);
        assert!(plan(&config.to_string()).is_ok(), "{key} of the defaults");
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let with = |client: Value, resources: Value| json!({"client": client, "resources": resources});
    let base = || json!({"base_url": "https://api.test"});
    let one = |resource: Value| with(base(), json!([resource]));
    let cases = [
        (json!([]), ": a config (an object) is expected here, but this is a list"),
        (json!({"resources": ["x"]}), ": `client` is missing"),
        (json!({"client": base()}), ": `resources` is missing"),
        (
            with(json!("https://x"), json!(["x"])),
            "/client: `client` (an object) is expected here, but this is a string",
        ),
        (with(json!({}), json!(["x"])), "/client/base_url: `base_url` is missing"),
        (
            with(json!({"base_url": "api.test"}), json!(["x"])),
            "/client/base_url: a base URL starts with https:// or http://",
        ),
        (
            with(json!({"base_url": "https://u:p@api.test"}), json!(["x"])),
            "/client/base_url: a URL may not carry a user's name or password",
        ),
        (
            with(json!({"base_url": "https://api.test/${secrets.k}"}), json!(["x"])),
            "/client/base_url: a secret cannot stand in a URL's host or path: only in auth, headers and params",
        ),
        (
            with(json!({"base_url": "https://api.test", "headers": {"X": 1}}), json!(["x"])),
            "/client/headers/X: a header's value (a string) is expected here, but this is a number",
        ),
        (
            with(json!({"base_url": "https://api.test", "headers": {"a b": "1"}}), json!(["x"])),
            "/client/headers/a b: `a b` cannot be the name of a header",
        ),
        (with(base(), json!([])), "/resources: no resources: nothing would be read"),
        (with(base(), json!(["x", "x"])), "/resources/1: there are two resources named `x`"),
        (
            one(json!({"name": "x", "selected": "yes"})),
            "/resources/0/selected: true or false is expected here, but this is a string",
        ),
        (one(json!({"endpoint": "x"})), "/resources/0: a resource needs its `name`"),
        (one(json!({"name": " ", "endpoint": "x"})), "/resources/0/name: a resource's name is empty"),
        (
            one(json!({"name": "x", "write_disposition": "upsert"})),
            "/resources/0/write_disposition: unknown write disposition `upsert`",
        ),
        (
            one(json!({"name": "x", "write_disposition": "merge"})),
            "/resources/0/write_disposition: `x` is to be merged, but has no `primary_key` to merge by",
        ),
        (
            one(
                json!({"name": "x", "write_disposition": {"disposition": "merge", "strategy": "upsert"}, "merge_key": "d"}),
            ),
            "/resources/0/write_disposition/strategy: `x` is to be upserted, but has no `primary_key` to do it by",
        ),
        (
            one(
                json!({"name": "x", "write_disposition": {"disposition": "merge", "strategy": "upsert"}, "merge_key": "d", "primary_key": "i"}),
            ),
            "/resources/0/write_disposition/strategy: `upsert` goes by the primary key alone, and there is a `merge_key`",
        ),
        (
            one(
                json!({"name": "x", "write_disposition": {"disposition": "merge", "strategy": "cdc"}, "primary_key": "i"}),
            ),
            "/resources/0/write_disposition/strategy: the merge strategy `cdc` is not supported yet",
        ),
        (
            one(
                json!({"name": "x", "write_disposition": {"disposition": "merge", "strategy": "up-sert"}, "primary_key": "i"}),
            ),
            "/resources/0/write_disposition/strategy: unknown merge strategy `up-sert`",
        ),
        (
            one(json!({"name": "x", "write_disposition": {"disposition": "append", "strategy": "upsert"}})),
            "/resources/0/write_disposition/strategy: `strategy` is of the write disposition `merge`",
        ),
        (
            one(json!({"name": "x", "endpoint": {"path": "a#b"}})),
            "/resources/0/endpoint/path: `#` cannot stand in a path; write `%23` for the character",
        ),
        (
            one(json!({"name": "x", "endpoint": {"params": {"a": {"type": "foo"}}}})),
            "/resources/0/endpoint/params/a: a parameter that is an object must be of type `resolve` or `incremental`",
        ),
        (
            one(json!({"name": "x", "endpoint": {"method": "post"}})),
            "/resources/0/endpoint/method: unknown method `post`",
        ),
        (
            one(json!({"name": "x", "endpoint": {"paginator": {"limit": 3}}})),
            "/resources/0/endpoint/paginator/type: a paginator needs its `type`",
        ),
        (
            one(json!({"name": "x", "endpoint": {"paginator": {"type": "auto", "limit": 1}}})),
            "/resources/0/endpoint/paginator/limit: unknown key `limit` in a paginator of type `auto`",
        ),
        (
            one(json!({"name": "x", "endpoint": {"auth": {"type": "bearer", "api_key": "x"}}})),
            "/resources/0/endpoint/auth/token: auth needs `token`",
        ),
        (
            one(json!({"name": "x", "endpoint": {"auth": "api_key"}})),
            "/resources/0/endpoint/auth: auth needs `api_key`",
        ),
        (
            one(json!({"name": "x", "rename": {"a": "b", "c": "b"}})),
            "/resources/0/rename/c: `a` is to be named `b` too",
        ),
        (
            one(json!({"name": "x", "error_handler": {"max_retries": 101}})),
            "/resources/0/error_handler/max_retries: more than 100 retries are not allowed",
        ),
        (
            one(json!({"name": "x", "endpoint": {"data_selector": "a |"}})),
            "/resources/0/endpoint/data_selector: ",
        ),
        (
            one(json!({"name": "x", "include_from_parent": ["id"]})),
            "/resources/0/include_from_parent/0: `x` has no parent to include fields from",
        ),
        (
            one(
                json!({"name": "x", "endpoint": {"path": "x?limit=5", "paginator": {"type": "offset", "limit": 2}}}),
            ),
            "/resources/0/endpoint/path: `limit` is in the path's query, and the paginator sets it too",
        ),
    ];
    for (config, message) in cases {
        let messages = refused(&config);
        assert!(messages.iter().any(|line| line.starts_with(message)), "{message}\n{messages:#?}");
    }
    assert_eq!(plan("{").unwrap_err().len(), 1);
}

#[test]
fn headers_totals_and_auth_that_cannot_be() {
    let config = json!({
        "client": {"base_url": "https://api.test", "headers": {"Host": "x"}, "auth": "tok-123"},
        "resources": ["x"]
    });
    assert_eq!(
        refused(&config),
        [
            "/client/headers/Host: the header `Host` belongs to the connection and cannot be set",
            "/client/auth: this text is no type of auth",
        ]
    );
    assert!(!format!("{:?}", plan(&config.to_string())).contains("tok-123"), "it may be a credential");
    let mut total = endpoint(json!({"path": "x", "paginator": "single_page"}));
    total["resources"][0]["total"] = json!("exact");
    assert!(refused(&total)[0].starts_with("/resources/0/total: `total` does nothing"));
    let by_default = json!({
        "client": {"base_url": "https://api.test"}, "resource_defaults": {"total": "estimate"}, "resources": ["x"]
    });
    planned(&by_default);
}

#[test]
fn a_problem_in_the_defaults_points_to_the_defaults_once() {
    let mut config = json!({
        "client": {"base_url": "https://api.test"},
        "resource_defaults": {"endpoint": {"paginator": {"type": "offset"}, "params": {"a": {}}}},
        "resources": ["x", "y", {"name": "z", "endpoint": {"params": {"b": {}}}}]
    });
    assert_eq!(
        refused(&config),
        [
            "/resource_defaults/endpoint/params/a: a parameter that is an object must be of type `resolve` or `incremental`",
            "/resource_defaults/endpoint/paginator/limit: the paginator `offset` needs `limit`, the rows of a page",
            "/resources/2/endpoint/params/b: a parameter that is an object must be of type `resolve` or `incremental`",
        ]
    );
    config["resource_defaults"] = json!({"name": "x", "endpoint": "y"});
    assert_eq!(refused(&config).len(), 3);
}

#[test]
fn defaults_are_merged_as_dlt_merges_them() {
    let config = json!({
        "client": {"base_url": "https://api.test", "paginator": "single_page"},
        "resource_defaults": {
            "primary_key": ["id"],
            "columns": {"a": {"data_type": "text", "nullable": false}, "b": {"data_type": "bigint"}},
            "error_handler": {"max_retries": 7},
            "endpoint": {"headers": {"X-D": "1"}, "params": {"p": 1, "q": 2, "r": 3}}
        },
        "resources": {
            "plain": null,
            "own": {
                "primary_key": "uid",
                "columns": [{"name": "a", "data_type": "bigint"}, {"name": "c", "data_type": "date"}],
                "endpoint": {"path": "o", "headers": {"X-O": "2"}, "params": {"q": "x", "r": null, "s": true}, "error_handler": {"max_retries": 0}}
            },
            "text": "/t/"
        }
    });
    let plan = planned(&config);
    let info = plan.source_info();
    let sent = |name: &str| request(&plan, &first_page(name)).unwrap();
    assert_eq!(sent("plain").url, "https://api.test/plain?p=1&q=2&r=3");
    assert_eq!(sent("own").url, "https://api.test/o?p=1&q=x&s=true");
    assert_eq!(sent("text").url, "https://api.test/t/?p=1&q=2&r=3");
    let has = |name: &str, header: &str| sent(name).headers.iter().any(|(other, _)| other == header);
    assert!(has("plain", "X-D") && has("own", "X-O") && !has("own", "X-D"), "headers are replaced whole");
    assert_eq!(
        (&info.resources[0].primary_key[0], &info.resources[1].primary_key[0]),
        (&"id".into(), &"uid".into())
    );
    assert_eq!(info.resources[0].retry.as_ref().unwrap().max_retries, 7);
    assert_eq!(info.resources[1].retry.as_ref().unwrap().max_retries, 0);
    let columns: Value = serde_json::from_str(info.resources[1].columns.as_ref().unwrap()).unwrap();
    assert_eq!(
        columns,
        json!({
            "a": {"data_type": "bigint", "nullable": false}, "b": {"data_type": "bigint"}, "c": {"data_type": "date"}
        })
    );
}

#[test]
fn literal_credentials_are_named_and_references_are_not() {
    let config = json!({
        "client": {
            "base_url": "https://api.test",
            "auth": {"type": "http_basic", "username": "literal-name", "password": "literal-password"},
            "headers": {"X-Api-Key": "literal", "Accept-Language": "de", "Cookie": "sanderling-secret-1"}
        },
        "resource_defaults": {"endpoint": {"auth": {"token": "literal"}}},
        "resources": [
            "a",
            {"name": "b", "endpoint": {"auth": {"type": "api_key", "api_key": "${secrets.k}"}, "headers": {"authorization": "Bearer x"}}},
            {"name": "c", "endpoint": {"auth": {"type": "api_key", "api_key": "sanderling-secret-7"}, "params": {"access_token": "lit", "q": "x"}}},
            {"name": "d", "endpoint": {"auth": {"type": "http_basic", "username": "literal-key", "password": ""}}}
        ]
    });
    assert_eq!(
        planned(&config).source_info().credentials,
        [
            "/client/auth/password",
            "/client/headers/X-Api-Key",
            "/resource_defaults/endpoint/auth/token",
            "/resources/1/endpoint/headers/authorization",
            "/resources/2/endpoint/params/access_token",
            "/resources/3/endpoint/auth/username",
        ]
    );
}

#[test]
fn hints_for_a_host_are_passed_on() {
    let config = json!({
        "client": {"base_url": "http://127.0.0.1:8080/x/"},
        "resources": [{
            "name": "r", "selected": false, "parallelized": true, "primary_key": ["id", "day"],
            "rename": {"id": "entry_id"}, "write_disposition": {"disposition": "replace"}, "endpoint": "https://OTHER.test:443/y"
        }]
    });
    let info = planned(&config).source_info();
    let resource = &info.resources[0];
    assert_eq!(resource.primary_key, ["entry_id", "day"], "keys by their names in the output");
    assert_eq!((resource.write_disposition, resource.selected), (WriteDisposition::Replace, false));
    assert_eq!(resource.origins, ["https://other.test"]);
    assert_eq!(info.notices[0].code, "option-unneeded");
    assert_eq!(resource.settings, None);
}

#[test]
fn a_credential_in_a_path_is_told_of() {
    let codes = |path: &str| {
        let config = json!({"client": {"base_url": "https://api.test"}, "resources": [{"name": "r", "endpoint": path}]});
        planned(&config).source_info().notices.into_iter().map(|notice| notice.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("/x?API_KEY=hunter2&page=1"), ["credential-in-path"]);
    assert!(codes("/x?page=1&q=token").is_empty());
}

#[test]
fn a_path_with_nothing_in_it_is_a_slip() {
    let config = json!({"client": {"base_url": "https://api.test"}, "resources": [{"name": "r", "endpoint": {"path": null}}]});
    let problems = plan(&config.to_string()).unwrap_err();
    assert_eq!(problems[0].path, "/resources/0/endpoint/path");
}
