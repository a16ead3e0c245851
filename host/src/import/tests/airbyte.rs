//! Parts of manifests, one by one: what they come to in a config.

use serde_json::{Value, json};

use crate::import::airbyte::import;

/// The config of a stream `s` with these parts, and how many things of it were left out. `in_requester` and
/// `in_retriever` are YAML in flow style, without the braces around it.
fn read(in_requester: &str, in_retriever: &str, in_stream: &str) -> (Value, usize) {
    let comma = |text: &str| if text.is_empty() { String::new() } else { format!(", {text}") };
    let text = format!(
        "streams: [{{name: s{}, retriever: {{requester: {{url_base: \"https://a\", path: x{}}}{}}}}}]\n{SPEC}",
        comma(in_stream),
        comma(in_requester),
        comma(in_retriever)
    );
    let part = import(&text).unwrap_or_else(|error| panic!("{text}: {error}")).parts.pop().unwrap();
    (Value::Object(part.config), part.left.len())
}

const SPEC: &str = "spec: {connection_specification: {properties: {secret: {airbyte_secret: true, default: x}, size: {default: 50}}}}";

#[track_caller]
fn assert_endpoint(in_requester: &str, in_retriever: &str, key: &str, expected: Value) {
    let (config, left) = read(in_requester, in_retriever, "");
    assert_eq!(
        (&config["resources"][0]["endpoint"][key], left),
        (&expected, 0),
        "{in_requester} {in_retriever}"
    );
}

fn paged(token: &str, strategy: &str) -> String {
    let option = "page_size_option: {inject_into: request_parameter, field_name: size}";
    format!(
        "record_selector: {{extractor: {{field_path: [data]}}}}, paginator: {{page_token_option: {{{token}}}, {option}, pagination_strategy: {{{strategy}}}}}"
    )
}

#[test]
fn paginators() {
    let param = "inject_into: request_parameter, field_name: p";
    let body = "inject_into: body_json, field_path: [page, at]";
    let link = "type: RequestPath";
    let cases = [
        (
            param,
            "type: OffsetIncrement, page_size: 10",
            json!({"type": "offset", "limit": 10, "offset_param": "p", "limit_param": "size", "total_path": null}),
        ),
        (
            body,
            "type: OffsetIncrement, page_size: '20'",
            json!({"type": "offset", "limit": 20, "offset_body_path": "page.at", "limit_param": "size", "total_path": null}),
        ),
        (
            param,
            "type: PageIncrement, start_from_page: 1, page_size: 10",
            json!({"type": "page_number", "base_page": 1, "page_param": "p", "total_path": null}),
        ),
        (
            param,
            "type: PageIncrement",
            json!({"type": "page_number", "base_page": 0, "page_param": "p", "total_path": null}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ response.next }}\"",
            json!({"type": "cursor", "cursor_path": "next", "cursor_param": "p"}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ response.get('meta', {}).get('next') }}\"",
            json!({"type": "cursor", "cursor_path": "meta.next", "cursor_param": "p"}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ response['a b'].c }}\", stop_condition: \"{{ not response.more }}\"",
            json!({"type": "cursor", "cursor_path": "['a b'].c", "cursor_param": "p", "has_more_path": "more"}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ response.c }}\", stop_condition: \"{{ response.more == false }}\"",
            json!({"type": "cursor", "cursor_path": "c", "cursor_param": "p", "has_more_path": "more"}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ response.c }}\", stop_condition: \"{{ response.c is none }}\"",
            json!({"type": "cursor", "cursor_path": "c", "cursor_param": "p"}),
        ),
        (
            body,
            "type: CursorPagination, cursor_value: \"{{ last_records[-1]['id'] }}\"",
            json!({"type": "cursor", "cursor_path": "data[-1].id", "cursor_body_path": "page.at"}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ last_record.id }}\"",
            json!({"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "p"}),
        ),
        (
            param,
            "type: CursorPagination, cursor_value: \"{{ headers['x-next'] }}\"",
            json!({"type": "header_cursor", "cursor_key": "x-next", "cursor_param": "p"}),
        ),
        (
            link,
            "type: CursorPagination, cursor_value: \"{{ response['links']['next'] }}\"",
            json!({"type": "json_link", "next_url_path": "links.next"}),
        ),
        (
            link,
            "type: CursorPagination, cursor_value: \"{{ headers['link']['next']['url'] }}\"",
            json!({"type": "header_link", "links_next_key": "next"}),
        ),
    ];
    for (token, strategy, expected) in cases {
        assert_endpoint("", &paged(token, strategy), "paginator", expected);
    }
    assert_endpoint("", "paginator: {type: NoPagination}", "paginator", json!("single_page"));
    assert_endpoint("", "", "paginator", json!("single_page"));
    // Where the paginator does not send it, the request does.
    assert_endpoint("", &paged(param, "type: PageIncrement, page_size: 10"), "params", json!({"size": 10}));
}

#[test]
fn requests() {
    let cases = [
        ("http_method: POST", "method", json!("POST")),
        (
            "request_parameters: {a: 1, b: [x, y], c: \"{{ config['secret'] }}\"}",
            "params",
            json!({"a": 1, "b": ["x", "y"], "c": "${secrets.secret}"}),
        ),
        (
            "request_headers: {X-N: 2, X-T: \"a{{ config.get('own') }}\"}",
            "headers",
            json!({"X-N": "2", "X-T": "a${secrets.own}"}),
        ),
        (
            "request_body_json: {query: \"query { x(a: {}) }\", n: {k: [true]}}",
            "json",
            json!({"query": "query {{ x(a: {{}}) }}", "n": {"k": [true]}}),
        ),
        ("request_body_data: a=b", "data", json!("a=b")),
        ("request_body: {type: RequestBodyGraphQL, value: {query: q}}", "json", json!({"query": "q"})),
        (
            "$parameters: {kind: {deep: v}}, request_parameters: {k: \"{{ parameters['kind'].deep }}-{{ 'x' }}\"}",
            "params",
            json!({"k": "v-x"}),
        ),
    ];
    for (requester, key, expected) in cases {
        assert_endpoint(requester, "", key, expected);
    }
}

#[test]
fn authenticators() {
    let cases = [
        (
            "type: BearerAuthenticator, api_token: \"{{ config['secret'] }}\"",
            json!({"type": "bearer", "token": "${secrets.secret}"}),
        ),
        (
            "type: BasicHttpAuthenticator, username: \"{{ config.credentials.key }}\"",
            json!({"type": "http_basic", "username": "${secrets.key}", "password": ""}),
        ),
        (
            "type: ApiKeyAuthenticator, api_token: \"{{ config['k'] }}\", header: X-Key",
            json!({"type": "api_key", "name": "X-Key", "api_key": "${secrets.k}", "location": "header"}),
        ),
        (
            "type: ApiKeyAuthenticator, api_token: k, inject_into: {inject_into: request_parameter, field_name: key}",
            json!({"type": "api_key", "name": "key", "api_key": "${secrets.api_token}", "location": "query"}),
        ),
        (
            "type: OAuthAuthenticator, grant_type: client_credentials, token_refresh_endpoint: \"https://a/t\", client_id: c, client_secret: \"{{ config['cs'] }}\", scopes: [a, b], refresh_request_body: {audience: x}",
            json!({"type": "oauth2_client_credentials", "access_token_url": "https://a/t", "client_id": "c", "client_secret": "${secrets.cs}", "access_token_request_data": {"audience": "x"}, "scopes": ["a", "b"]}),
        ),
        (
            "type: OAuthAuthenticator, token_refresh_endpoint: \"https://a/t\", client_id: c, refresh_token: \"{{ config['rt'] }}\"",
            json!({"type": "oauth2_refresh_token", "access_token_url": "https://a/t", "client_id": "c", "refresh_token": "${secrets.rt}"}),
        ),
    ];
    for (authenticator, expected) in cases {
        let (config, left) = read(&format!("authenticator: {{{authenticator}}}"), "", "");
        assert_eq!((&config["client"]["auth"], left), (&expected, 0), "{authenticator}");
    }
    assert_eq!(read("authenticator: {type: NoAuth}", "", "").0["client"].get("auth"), None);
}

#[test]
fn selectors() {
    let cases = [("[]", json!("$")), ("[data]", json!("data")), ("[a, b c, '*', d]", json!("a['b c'][*].d"))];
    for (path, expected) in cases {
        let selector = format!("record_selector: {{extractor: {{field_path: {path}}}}}");
        assert_endpoint("", &selector, "data_selector", expected);
    }
}

#[test]
fn filters() {
    let known = [
        ("record.x == 'a'", ".x == \"a\""),
        ("record['x']['y'] >= 5", ".x.y >= 5"),
        ("record.x in ['a', 2]", ".x == \"a\" or .x == 2"),
        ("record.x not in ['a']", "(.x == \"a\") | not"),
        ("'k' in record", "has(\"k\")"),
        ("record.x is defined", "has(\"x\")"),
        ("record.x is not none", "(has(\"x\") and .x == null) | not"),
        ("record.x == true", ".x == true or .x == 1"),
        ("record.x == 1", "(.x == 1 or .x == true)"),
        ("record.x != 0", "(.x != 0 and .x != false)"),
        ("record.x in [0, 2]", "(.x == 0 or .x == false) or .x == 2"),
        ("not record.x == -1 and record.tags | length > 0", "((.x == -1) | not) and ((.tags | length) > 0)"),
        ("record.get('x')", ".x | . != null and . != false and . != 0 and . != \"\" and . != [] and . != {}"),
    ];
    let selector = |condition: &str| {
        format!(
            "record_selector: {{extractor: {{field_path: []}}, record_filter: {{condition: \"{{{{ {condition} }}}}\"}}}}"
        )
    };
    for (condition, jq) in known {
        let (config, left) = read("", &selector(condition), "");
        assert_eq!(
            (&config["resources"][0]["processing_steps"], left),
            (&json!([{"filter": jq}]), 0),
            "{condition}"
        );
    }
    let unknown = [
        "record.a.b is none",
        "record.a > record.b",
        "record.at >= stream_interval.start_time",
        "record.x + 1 > 2",
        "record.x.startswith('a')",
        "record.get('x', 1) == 1",
        "record.x == 1 if true else false",
        "x == 1",
        "record.x == 1)",
    ];
    for condition in unknown {
        let (config, left) = read("", &selector(condition), "");
        assert_eq!((config["resources"][0].get("processing_steps"), left), (None, 1), "{condition}");
    }
}

#[test]
fn transformations() {
    let stream = "transformations: [{type: AddFields, fields: [{path: [a, b], value: \"{{ record['x'].y }}\"}, {path: [c], value: text}]}, {type: RemoveFields, field_pointers: [[x], [y, z]]}]";
    let (config, left) = read("", "", stream);
    let is_object = |path: &str| format!("(try ({path} | type) catch null) == \"object\"");
    let expected = json!([
        {"map": format!(". + {{\"a\": ((if {} then .a else {{}} end) + {{\"b\": (.x.y)}})}}", is_object(".a"))},
        {"map": ". + {\"c\": (\"text\")}"},
        {"map": format!("del(.x) | (if {} then del(.y.z) else . end)", is_object(".y"))}
    ]);
    assert_eq!((&config["resources"][0]["processing_steps"], left), (&expected, 0));
}

#[test]
fn keys_and_dispositions() {
    let cases = [
        ("primary_key: id", json!("id"), "merge"),
        ("primary_key: [id]", json!("id"), "merge"),
        ("primary_key: [a, b]", json!(["a", "b"]), "merge"),
        ("primary_key: [[a], [b]]", json!(["a", "b"]), "merge"),
        ("primary_key: []", Value::Null, "replace"),
        ("incremental_sync: {cursor_field: t}", Value::Null, "append"),
    ];
    for (stream, key, disposition) in cases {
        let (config, left) = read("", "", stream);
        let resource = &config["resources"][0];
        assert_eq!((&resource["primary_key"], left), (&key, 0), "{stream}");
        assert_eq!(resource["write_disposition"], disposition, "{stream}");
    }
}

#[test]
fn incremental_streams() {
    let cursor = "incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: {datetime: '2024-01-01'}, end_datetime: '2024-02-01', lookback_window: P1DT2H, start_time_option: {inject_into: request_parameter, field_name: from}, end_time_option: {inject_into: request_parameter, field_name: to}}";
    let (config, left) = read("request_parameters: {q: \"at>{{ stream_interval.start_time }}\"}", "", cursor);
    let endpoint = &config["resources"][0]["endpoint"];
    let expected = json!({
        "cursor_path": "at", "initial_value": "2024-01-01", "end_value": "2024-02-01", "lag": 2,
        "start_param": "from", "end_param": "to"
    });
    assert_eq!((&endpoint["incremental"], left), (&expected, 0));
    assert_eq!(endpoint["params"]["q"], "at>{incremental.start_value}");
}

#[test]
fn errors_of_an_api() {
    let filters = "error_handler: {max_retries: 7, response_filters: [{http_codes: [404, '410'], action: IGNORE}, {http_codes: [500, 409], action: RETRY}, {http_codes: [403], action: FAIL, error_message: no}, {error_message_contains: busy, action: RATE_LIMITED}]}";
    assert_endpoint(
        filters,
        "",
        "error_handler",
        json!({"max_retries": 7, "retry_on_status_codes": [429, 500, 502, 503, 504, 409]}),
    );
    let actions = json!([
        {"status_code": 404, "action": "ignore"},
        {"status_code": 410, "action": "ignore"},
        {"status_code": 403, "action": "fail", "message": "no"},
        {"content": "busy", "action": "retry"}
    ]);
    assert_endpoint(filters, "", "response_actions", actions);
}

#[test]
fn a_parent_that_is_no_stream_of_its_own_is_read_all_the_same() {
    let parent = "{name: p, retriever: {requester: {url_base: \"https://a\", path: p}}}";
    let router = format!(
        "partition_router: {{parent_stream_configs: [{{stream: {parent}, parent_key: id, partition_field: f, request_option: {{inject_into: request_parameter, field_name: of}}}}]}}"
    );
    let (config, left) = read("", &router, "");
    assert_eq!(
        (&config["resources"][0]["endpoint"]["params"], left),
        (&json!({"of": "{resources.p.id}"}), 0)
    );
    assert_eq!(
        (&config["resources"][1]["name"], &config["resources"][1]["selected"]),
        (&json!("p"), &json!(false))
    );
}

#[test]
fn what_streams_do_not_share_stands_with_each() {
    let text = "streams:\n- {name: a, retriever: {requester: {url_base: \"https://a/v1/\", path: /x, authenticator: {type: BearerAuthenticator, api_token: t}}}}\n- {name: b, retriever: {requester: {url_base: \"https://b\", path: y}}}\n- {name: c, retriever: {requester: {url: \"https://b/z/{{ 1 }}\"}}}\n";
    let config = import(text).unwrap().parts.pop().unwrap().config;
    assert_eq!(config["client"], json!({"base_url": "https://b"}));
    let paths: Vec<&Value> =
        config["resources"].as_array().unwrap().iter().map(|r| &r["endpoint"]["path"]).collect();
    assert_eq!(paths, ["https://a/v1/x", "y", "/z/1"]);
    assert_eq!(config["resources"][0]["endpoint"]["auth"]["token"], "${secrets.api_token}");
}

#[test]
fn a_circle_of_references_ends() {
    let text = "definitions: {a: {$ref: '#/definitions/b'}, b: {$ref: '#/definitions/a'}}\nstreams: ['#/definitions/a', '#/streams/1', {name: s, retriever: {$ref: '#/streams/2'}}]\n";
    let part = import(text).unwrap().parts.pop().unwrap();
    assert!(part.config.contains_key("resources"));
}

#[test]
fn a_lookback_is_in_the_unit_of_its_cursor() {
    let lag = |format: &str, window: &str| {
        let sync = format!(
            "incremental_sync: {{type: DatetimeBasedCursor, cursor_field: at, datetime_format: '{format}', start_datetime: '0', lookback_window: {window}}}"
        );
        let (config, _) = read("", "", &sync);
        config["resources"][0]["endpoint"]["incremental"]["lag"].as_u64()
    };
    let cases = [
        ("%Y-%m-%d", "P30D", 30),
        ("%Y-%m-%d", "PT1H", 1),
        ("%s", "PT1H", 3_600),
        ("%ms", "PT1H", 3_600_000),
        ("%Y-%m-%dT%H:%M:%SZ", "P1D", 86_400),
    ];
    for (format, window, expected) in cases {
        assert_eq!(lag(format, window), Some(expected), "{format} {window}");
    }
}

#[test]
fn a_manifest_that_refers_to_itself_ends() {
    let stream = |params: &str| {
        format!(
            "{{name: s, retriever: {{requester: {{url_base: \"https://a\", path: x, request_parameters: {params}}}}}}}"
        )
    };
    let doubled: String = (0..40)
        .map(|at| {
            format!(
                "  x{at}: {{a: {{$ref: '#/definitions/x{0}'}}, b: {{$ref: '#/definitions/x{0}'}}}}\n",
                at + 1
            )
        })
        .collect();
    let of = "{$ref: '#/definitions/x0'}";
    let itself = "{type: ConditionalStreams, condition: c, streams: [{$ref: '#/definitions/x0'}, {$ref: '#/definitions/x0'}]}";
    let manifests = [
        format!("definitions:\n  x0: {{b: {of}}}\nstreams: [{}]", stream(of)),
        format!("definitions:\n{doubled}  x40: 1\nstreams: [{}]", stream(of)),
        format!("definitions:\n  x0: {itself}\nstreams: [{of}, {}]", stream("{}")),
    ];
    for manifest in manifests {
        let part = import(&manifest).unwrap().parts.pop().unwrap();
        assert!(part.left.iter().any(|left| left.what.contains("refers to itself")), "{manifest}");
    }
    let deep = stream(&format!("{{a: \"{{{{ config{} }}}}\"}}", ".a".repeat(50_000)));
    assert_eq!(import(&format!("streams: [{deep}]")).unwrap().parts[0].left.len(), 1);
}

#[test]
fn a_credential_that_is_written_out_stays_behind() {
    let auth = |of: &str| read(&format!("authenticator: {{{of}}}"), "", "").0["client"]["auth"].clone();
    assert_eq!(
        auth("type: BearerAuthenticator, api_token: abc"),
        json!({"type": "bearer", "token": "${secrets.api_token}"})
    );
    assert_eq!(
        auth("type: BasicHttpAuthenticator, username: me, password: abc"),
        json!({"type": "http_basic", "username": "me", "password": "${secrets.password}"})
    );
    assert_eq!(auth("type: BasicHttpAuthenticator, username: me")["password"], "");
}
