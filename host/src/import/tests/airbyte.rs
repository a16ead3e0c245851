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
fn logins() {
    let session = |login: &str, request: &str| {
        format!(
            "authenticator: {{type: SessionTokenAuthenticator, login_requester: {{url_base: \"https://b/v1/\", path: /login, {login}}}, session_token_path: [data, token], request_authentication: {{{request}}}, expiration_duration: PT2H}}"
        )
    };
    let cases = [
        (
            "http_method: POST, request_body_json: {user: \"{{ config['user'] }}\", password: \"{{ config['secret'] }}{\"}",
            "type: Bearer",
            json!({"type": "session_token", "path": "https://b/v1/login", "method": "POST",
                "json": {"user": "${secrets.user}", "password": "${secrets.secret}{"},
                "token_path": "data.token", "default_token_expiration": 7200}),
        ),
        (
            "request_parameters: {a: 1, b: x y}, request_headers: {X-A: b}",
            "type: ApiKey, inject_into: {inject_into: header, field_name: Authorization}",
            json!({"type": "session_token", "path": "https://b/v1/login?a=1&b=x+y", "method": "GET", "headers": {"X-A": "b"},
                "token_path": "data.token", "location": "header", "prefix": "", "name": "Authorization",
                "default_token_expiration": 7200}),
        ),
        (
            "authenticator: {type: ApiKeyAuthenticator, header: X-Key, api_token: \"{{ config['secret'] }}\"}, request_body_data: {g: p}",
            "type: ApiKey, inject_into: {inject_into: request_parameter, field_name: sid}",
            json!({"type": "session_token", "path": "https://b/v1/login", "method": "GET", "data": {"g": "p"},
                "headers": {"X-Key": "${secrets.secret}"}, "token_path": "data.token", "location": "query", "name": "sid",
                "default_token_expiration": 7200}),
        ),
    ];
    for (login, request, expected) in cases {
        let (config, left) = read(&session(login, request), "", "");
        assert_eq!((&config["client"]["auth"], left), (&expected, 0), "{login}");
    }
    let unknown = [
        ("authenticator: {type: BasicHttpAuthenticator, username: u, password: p}", "type: Bearer"),
        ("request_parameters: {key: \"{{ config['secret'] }}\"}", "type: Bearer"),
        ("request_body_data: a=b", "type: Bearer"),
        ("http_method: POST", "type: Cookie"),
        ("http_method: POST", "type: ApiKey, inject_into: {inject_into: body_json, field_name: t}"),
    ];
    for (login, request) in unknown {
        let (config, left) = read(&session(login, request), "", "");
        assert_eq!((config["client"].get("auth"), left), (None, 1), "{login} {request}");
    }
    let (config, left) = read(&session("error_handler: {max_retries: 2}", "type: Bearer"), "", "");
    assert_eq!((&config["client"]["auth"]["type"], left), (&json!("session_token"), 1));
}

/// What stands in the file of secrets from now on.
fn table(in_requester: &str) -> (Value, Vec<String>, usize) {
    let text = format!(
        "streams: [{{name: s, retriever: {{requester: {{url_base: \"https://a\", path: x, {in_requester}}}}}}}]\n{SPEC}"
    );
    let part = import(&text).unwrap().parts.pop().unwrap();
    let given = part.secrets.iter().map(crate::import::SecretUse::given_by).collect();
    (part.config["client"]["auth"].clone(), given, part.left.len())
}

#[test]
fn keys_that_sign() {
    let jwt = |more: &str| {
        format!("authenticator: {{type: JwtAuthenticator, secret_key: \"{{{{ config['secret'] }}}}\"{more}}}")
    };
    let bearer = json!({"type": "bearer", "token": "${secrets.secret}"});
    let plain = |token: &str| json!({"type": "api_key", "name": "Authorization", "api_key": token, "location": "header"});
    let write = |table: &str| {
        vec![format!("write secret = {{value = \"…\", kind = \"jwt\", {table}}} in .sanderling/secrets.toml")]
    };
    let claims = ", header_prefix: Bearer, jwt_headers: {kid: k, typ: JWT}, jwt_payload: {iss: i, aud: a}, additional_jwt_payload: {n: 5}, token_duration: 60";
    let cases = [
        (
            format!(", algorithm: ES256{claims}"),
            bearer.clone(),
            write("alg = \"ES256\", claims = {iss = \"i\", aud = \"a\", n = 5}, ttl_s = 60, key_id = \"k\""),
            0,
        ),
        (
            ", algorithm: HS256".to_owned(),
            plain("${secrets.secret}"),
            write("alg = \"HS256\", ttl_s = 1200"),
            0,
        ),
        (
            ", algorithm: RS256, header_prefix: JWT, base64_encode_secret_key: true".to_owned(),
            plain("JWT ${secrets.secret}"),
            write("alg = \"RS256\", ttl_s = 1200"),
            1,
        ),
        (
            ", algorithm: RS256, jwt_payload: {iss: \"{{ config['own'] }}\"}, header_prefix: Bearer"
                .to_owned(),
            bearer,
            write("alg = \"RS256\", claims = {iss = \"…\"}, ttl_s = 1200"),
            1,
        ),
        (
            ", algorithm: HS256, request_option: {inject_into: request_parameter, field_name: jwt}"
                .to_owned(),
            json!({"type": "api_key", "name": "jwt", "api_key": "${secrets.secret}", "location": "query"}),
            write("alg = \"HS256\", ttl_s = 1200"),
            0,
        ),
    ];
    for (more, auth, given, left) in cases {
        assert_eq!(table(&jwt(&more)), (auth, given, left), "{more}");
    }
    for more in [", algorithm: PS256", ", algorithm: HS256, passphrase: p, additional_jwt_headers: {x: y}"] {
        assert_ne!(table(&jwt(more)).2, 0, "{more}");
    }
    // A key that is written out is not copied.
    let (auth, given, left) =
        table("authenticator: {type: JwtAuthenticator, algorithm: HS256, secret_key: k3y}");
    assert_eq!((&auth["api_key"], left), (&json!("${secrets.secret_key}"), 0));
    assert!(given[0].contains("secret_key = {value = \"…\", kind = \"jwt\""), "{given:?}");
}

/// A list of values makes a resource of each.
#[test]
fn lists_of_values() {
    let list = |values: &str, more: &str| {
        format!("partition_router: {{type: ListPartitionRouter, cursor_field: repo, values: {values}{more}}}")
    };
    let option = ", request_option: {inject_into: request_parameter, field_name: of}";
    let (config, left) = read(
        "",
        &list("[a/b, 7]", option),
        "transformations: [{type: AddFields, fields: [{path: [repo], value: \"{{ stream_partition['repo'] }}\"}]}]",
    );
    let resources = config["resources"].as_array().unwrap();
    assert_eq!((resources.len(), left), (2, 1));
    assert_eq!((&resources[0]["name"], &resources[1]["name"]), (&json!("s_a_b"), &json!("s_7")));
    assert_eq!(
        (&resources[0]["endpoint"]["params"], &resources[1]["endpoint"]["params"]),
        (&json!({"of": "a/b"}), &json!({"of": 7}))
    );
    assert_eq!(resources[0]["processing_steps"], json!([{"map": ". + {\"repo\": (\"a/b\")}"}]));
    let text = format!(
        "streams: [{{name: s, retriever: {{requester: {{url_base: \"https://a\", path: \"x/{{{{ stream_slice.repo }}}}\"}}, {}}}}}]",
        list("[a, 'b{']", "")
    );
    let part = import(&text).unwrap().parts.pop().unwrap();
    let paths: Vec<&Value> =
        part.config["resources"].as_array().unwrap().iter().map(|r| &r["endpoint"]["path"]).collect();
    assert_eq!(paths, ["x/a", "x/b{{"]);
    assert!(part.left[0].what.contains("each of 2 values"), "{:?}", part.left);

    let two = "partition_router: [{type: ListPartitionRouter, cursor_field: a, values: [x, y]}, {type: ListPartitionRouter, cursor_field: b, values: [1, 2]}]";
    let names: Vec<Value> =
        read("", two, "").0["resources"].as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names, ["s_x_1", "s_x_2", "s_y_1", "s_y_2"]);
    for unknown in ["\"{{ config['repos'] }}\"", "[]"] {
        let (config, left) = read("", &list(unknown, option), "");
        assert_eq!((config["resources"].as_array().unwrap().len(), left > 0), (1, true), "{unknown}");
        assert_eq!(config["resources"][0]["endpoint"].get("params"), None);
    }
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
