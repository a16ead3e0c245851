//! Python expressions, one by one, and configs printed as Python: what they come to as a config.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::document::{Format, parse};
use crate::import::dlt::import;
use crate::import::{ImportError, Part};

fn parts(text: &str) -> Vec<Part> {
    import(text).unwrap().parts
}

/// What stands under `x` in a config, with the lines of what was left out of it.
fn value_of(head: &str, expression: &str) -> (Option<Value>, usize) {
    let text = format!("{head}\nrest_api_source({{'x': {expression}}})\n");
    let part = parts(&text).pop().unwrap();
    (part.config.get("x").cloned(), part.left.len())
}

#[test]
fn expressions_that_are_known() {
    let cases = [
        ("", "'a' \"b\" r'\\n' '\\n\\x41\\u00e9\\101\\q'", json!("ab\\n\nAéA\\q")),
        ("", "'''a\n  b'''", json!("a\n  b")),
        ("", "'a\\\nb'", json!("ab")),
        ("", "f'{{x}} {1 + 2} {\"a\"} {None}'", json!("{x} 3 a None")),
        ("", "'{} {1} {{}} {k}'.format('a', 'b', k=2)", json!("a b {} 2")),
        (
            "",
            "[1_000, 0x10, -1, 1.5, -2.5, 1e3, True, None]",
            json!([1000, 16, -1, 1.5, -2.5, 1000.0, true, null]),
        ),
        ("", "18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ("", "-9223372036854775808", json!(i64::MIN)),
        ("", "(('a',), ())", json!([["a"], []])),
        ("", "[1] + [2 * 60]", json!([1, 120])),
        ("", "{'a': 1} | {'b': 2}", json!({"a": 1, "b": 2})),
        ("", "dict({'a': 1}, b=2, **{'c': 3})", json!({"a": 1, "b": 2, "c": 3})),
        ("A = {'k': [1, 2]}", "A['k'][1]", json!(2)),
        ("A = 1\nA = 2", "A", json!(2)),
        ("from base import A\nA = 3", "A", json!(3)),
        ("def f(a, b='y'):\n    '''Docs.'''\n    c = a + b\n    return [c]", "f('x')", json!(["xy"])),
        ("def f(a, b='y'):\n    return a + b", "f(b='1', a='2')", json!("21")),
        ("N = ['a', 'b']", "[f'/{n}' for n in N]", json!(["/a", "/b"])),
        ("D = {'a': 1, 'b': 2}", "{**D, 'a': 3}", json!({"a": 3, "b": 2})),
        ("import copy\nD = {'a': 1}", "copy.deepcopy(D)", json!({"a": 1})),
        ("", "dlt.secrets['sources.api.token']", json!("${secrets.token}")),
        ("", "dlt.secrets.get('k', str)", json!("${secrets.k}")),
        ("from dlt import secrets", "'Token ' + secrets['k']", json!("Token ${secrets.k}")),
        (
            "from os import environ, getenv",
            "[environ['A_B'], getenv('C')]",
            json!(["${secrets.a_b}", "${secrets.c}"]),
        ),
        (
            "",
            "[dlt.secrets['a.k'], dlt.secrets['b.k'], dlt.secrets['a.k']]",
            json!(["${secrets.k}", "${secrets.b_k}", "${secrets.k}"]),
        ),
        ("", "dlt.config.value", json!("${secrets.x}")),
        (
            "",
            "APIKeyAuth('X-Key', 'k', location='query')",
            json!({"type": "api_key", "name": "X-Key", "api_key": "k", "location": "query"}),
        ),
        ("", "auth.HttpBasicAuth('u', 'p')", json!({"type": "http_basic", "username": "u", "password": "p"})),
        (
            "",
            "OAuth2ClientCredentials(access_token_url='https://a/t', client_id='c', client_secret='s')",
            json!({"type": "oauth2_client_credentials", "access_token_url": "https://a/t", "client_id": "c", "client_secret": "s"}),
        ),
        (
            "",
            "OAuthJWTAuth(client_id='c', private_key=dlt.secrets['key'], auth_endpoint='https://a/t', scopes=['x', 'y'], default_token_expiration=60)",
            json!({"access_token_url": "https://a/t", "assertion": "${secrets.key}", "type": "oauth2_jwt_bearer", "default_token_expiration": 60}),
        ),
        ("", "SinglePagePaginator()", json!({"type": "single_page"})),
        (
            "",
            "PageNumberPaginator(base_page=1, total_path=None)",
            json!({"type": "page_number", "base_page": 1, "total_path": null}),
        ),
        ("", "OffsetPaginator(initial_limit=5)", json!({"type": "offset", "limit": 5})),
        ("", "JSONLinkPaginator('a.b')", json!({"type": "json_link", "next_url_path": "a.b"})),
        (
            "from p import JSONResponseCursorPaginator as C",
            "C(cursor_path='n', cursor_param='c')",
            json!({"type": "cursor", "cursor_path": "n", "cursor_param": "c"}),
        ),
        (
            "",
            "dlt.sources.incremental('t', initial_value=0)",
            json!({"type": "incremental", "cursor_path": "t", "initial_value": 0}),
        ),
        (
            "",
            "{'incremental': dlt.sources.incremental[int]('t', last_value_func=max)}",
            json!({"incremental": {"cursor_path": "t", "last_value_func": "max"}}),
        ),
    ];
    for (head, expression, expected) in cases {
        let (value, left) = value_of(head, expression);
        assert_eq!((value, left), (Some(expected), 0), "{head}\n{expression}");
    }
}

/// What a key signs stands beside it, in the file of secrets.
#[test]
fn keys_that_sign() {
    let of = |arguments: &str| {
        let text = format!("rest_api_source({{'client': {{'auth': OAuthJWTAuth({arguments})}}}})\n");
        let part = parts(&text).pop().unwrap();
        let given: Vec<String> = part.secrets.iter().map(crate::import::SecretUse::given_by).collect();
        let left: Vec<String> = part.left.iter().map(|left| left.what.clone()).collect();
        (part.config["client"].get("auth").is_some(), given, left)
    };
    let write = |issuer: &str, more: &str| {
        vec![format!(
            "write key = {{value = \"…\", kind = \"jwt\", alg = \"RS256\", claims = {{iss = \"{issuer}\", sub = \"{issuer}\", aud = \"https://a/t\"{more}}}}} in .sanderling/secrets.toml"
        )]
    };
    let key = "private_key=dlt.secrets['key'], auth_endpoint='https://a/t'";
    assert_eq!(
        of(&format!("client_id='c', {key}, scopes='r w'")),
        (true, write("c", ", scope = \"r w\""), Vec::new())
    );
    assert_eq!(of(&format!("client_id=dlt.secrets['id'], {key}")), (true, write("…", ""), Vec::new()));
    let written = "client_id='c', private_key='-----BEGIN', auth_endpoint='https://a/t'";
    let (_, given, left) = of(written);
    assert!(given[0].starts_with("write private_key = {value = \"…\", kind = \"jwt\""), "{given:?}");
    assert_eq!(left, Vec::<String>::new());
    let more = format!("client_id='c', {key}, headers={{'a': 'b'}}, private_key_passphrase=dlt.secrets['p']");
    let cases = [
        more.as_str(),
        "client_id='c', private_key='k3y-' + dlt.secrets['k'], auth_endpoint='https://a/t'",
        "client_id='c'",
    ];
    let told = cases.map(|arguments| {
        let (is_there, _, left) = of(arguments);
        format!("{is_there}: {}", left.join("\n      "))
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn expressions_that_only_python_knows() {
    let cases = [
        ("", "f()"),
        ("", "b'x'"),
        ("", "f'{1:03d}'"),
        ("", "f'{1!r}'"),
        ("", "'\\N{BULLET}'"),
        ("", "'%s' % 1"),
        ("", "1 if True else 2"),
        ("", "1 / 2"),
        ("", "2 ** 3"),
        ("", "18446744073709551616"),
        ("", "[n for n in [1] if n]"),
        ("", "lambda: 1"),
        ("", "{'a': 1}['b']"),
        ("", "'{}'.format()"),
        ("", "{1, 2}"),
        ("A = A", "A"),
        ("def f():\n    return f()", "f()"),
        ("def f(a):\n    if a:\n        return 1\n    return 2", "f(1)"),
        ("try:\n    A = 1\nexcept E:\n    A = 2", "A"),
        ("a, b = 1, 2", "a"),
        ("for a in [1]:\n    pass", "a"),
    ];
    for (head, expression) in cases {
        assert_eq!(value_of(head, expression), (None, 1), "{head}\n{expression}");
    }
}

/// The jq of a step, or nothing.
fn step(kind: &str, function: &str) -> Option<String> {
    let text =
        format!("rest_api_source({{'resources': [{{'processing_steps': [{{'{kind}': {function}}}]}}]}})");
    let config = parts(&text).pop().unwrap().config;
    config["resources"][0]["processing_steps"].get(0).map(|step| step[kind].as_str().unwrap().to_owned())
}

#[test]
fn small_functions_become_jq() {
    let cases = [
        ("lambda r: r['x'] > 1", ".x > 1"),
        ("lambda item: item.get('a b') == 'y'", ".[\"a b\"] == \"y\""),
        ("lambda r: r['a']['b']['and'] != -1.5", ".a.b[\"and\"] != -1.5"),
        ("lambda r: r['x'] is not None", ".x != null"),
        ("lambda r: r['x'] is True", ".x == true"),
        ("lambda r: 'k' in r", "has(\"k\")"),
        ("lambda r: r['s'] not in ('a', 'b')", "(.s == \"a\" or .s == \"b\") | not"),
        ("lambda r: len(r['tags']) >= 2", "(.tags | length) >= 2"),
        ("lambda r: len(r['tags']) == 1", "(.tags | length) == 1"),
        ("lambda r: r['on'] == 1", "(.on == 1 or .on == true)"),
        ("lambda r: 0 != r['on']", "(.on != 0 and .on != false)"),
        ("lambda r: r['on'] in (1, 2)", "(.on == 1 or .on == true) or .on == 2"),
        ("lambda r: r['a'] > 1 and not r['b'] == 2", "(.a > 1) and ((.b == 2) | not)"),
        (
            "lambda r: r['on']",
            ".on | . != null and . != false and . != 0 and . != \"\" and . != [] and . != {}",
        ),
    ];
    for (function, jq) in cases {
        assert_eq!(step("filter", function).as_deref(), Some(jq), "{function}");
    }
    let cases = [
        ("lambda r: {**r, 'n': r['a']['b'], 'k': 'v'}", ". + {\"n\": .a.b, \"k\": \"v\"}"),
        ("lambda r: {'id': r['id'], 'big': r['n'] > 5}", "{\"id\": .id, \"big\": (.n > 5)}"),
    ];
    for (function, jq) in cases {
        assert_eq!(step("map", function).as_deref(), Some(jq), "{function}");
    }
}

#[test]
fn functions_that_jq_might_take_otherwise_do_not() {
    let cases = [
        // 1 == True in Python.
        "lambda r: r['x'] == True",
        "lambda r: r['x'] in [1, True]",
        // Of two values of the row, nobody knows the kinds.
        "lambda r: r['a'] < r['b']",
        "lambda r: r['a'] + 1 > 2",
        "lambda r: r['a'].lower() == 'x'",
        "lambda r: r[0] == 1",
        "lambda r: 1 < r['a'] < 3",
        "lambda r: other['x'] == 1",
        "lambda r, s: r['x'] == 1",
        "lambda r: r.get('x', 1) == 1",
        "lambda r: {'k': r['k'], **r}",
        "lambda r: {**r, **other}",
        "lambda r: f(r)",
    ];
    for function in cases {
        assert_eq!(step("filter", function), None, "{function}");
    }
    assert_eq!(step("yield_map", "lambda r: r['items']"), None);
}

#[test]
fn sources_are_found_wherever_they_stand() {
    let config = "{'client': {'base_url': 'https://a'}, 'resources': ['x']}";
    let cases = [
        (format!("rest_api_source({config})"), 1),
        (format!("s = rest_api.rest_api_source(config={config})"), 1),
        (
            format!(
                "from dlt.sources.rest_api import rest_api_resources as r\ndef f():\n    yield from r({config})"
            ),
            1,
        ),
        (format!("c: RESTAPIConfig = {config}\nrest_api_source(c)"), 1),
        (format!("c: RESTAPIConfig = {config}\n"), 1),
        (format!("c = {config}\nother(c)"), 1),
        (format!("def make() -> RESTAPIConfig:\n    return {config}\nrest_api_source(make())"), 1),
        (format!("def make() -> RESTAPIConfig:\n    return {config}\n"), 1),
        (format!("class A:\n    def f(self):\n        return rest_api_source({config})"), 1),
        (format!("rest_api_source({config})\nrest_api_source({config})"), 2),
        ("RESTAPIConfig(client={'base_url': 'https://a'}, resources=['x'])".to_owned(), 0),
        ("c = RESTAPIConfig(client={'base_url': 'https://a'}, resources=['x'])".to_owned(), 1),
        (config.to_owned(), 1),
        ("'endpoint': {'path': 'x'}, # comment".to_owned(), 1),
    ];
    for (text, expected) in cases {
        match import(&text) {
            Ok(imported) => {
                assert_eq!(imported.parts.len(), expected, "{text}");
                assert!(imported.parts.iter().all(|part| part.left.is_empty()), "{text}");
                let wanted = if text.starts_with("'end") { "endpoint" } else { "client" };
                assert!(imported.parts.iter().all(|part| part.config.contains_key(wanted)), "{text}");
            }
            Err(error) => assert_eq!((error, expected), (ImportError::NoDltSource, 0), "{text}"),
        }
    }
}

#[test]
fn no_text_breaks_the_reader() {
    let deep = format!("rest_api_source({{'x': {}1{}}})", "[".repeat(300), "]".repeat(300));
    assert_eq!(parts(&deep)[0].left.len(), 1);
    assert_eq!(import("x = (").unwrap_err(), ImportError::NoPython { line: 1 });
}

/// A value as Python prints it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => python_text(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members =
                members.iter().map(|(key, value)| format!("{}: {}", python_text(key), python(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if char == quote => out.extend(['\\', char]),
            char if char.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push(quote);
    out
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z_/{}.]{0,12}",
        "\\PC{0,12}",
        "[a-z #:\n-]{0,30}",
        any::<String>(),
        Just("yes".to_owned()),
        Just("a: b\n  c\n\nd\n".to_owned())
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// dlt's own configs are JSON that Python prints.
    #[test]
    fn a_config_printed_as_python_is_the_same_config(client in any_value(), resources in any_value()) {
        let config = json!({"client": client, "resources": resources});
        let nested = json!({"tables": {"system": "dlt"}});
        let whole = json!({"nested": nested, "client": client, "resources": resources});
        let part = parts(&format!("source = rest_api_source({})", python(&config))).pop().unwrap();
        prop_assert_eq!(&part.left, &[]);
        prop_assert_eq!(Value::Object(part.config.clone()).to_string(), config.to_string());
        let yaml = part.to_yaml("p.py");
        prop_assert!(yaml.starts_with("# Imported"), "{}", yaml);
        prop_assert_eq!(parse("p.yaml", &yaml, Format::Yaml).unwrap().value.to_string(), whole.to_string());
    }

    #[test]
    fn no_python_breaks_the_reader(text in "\\PC{0,80}", code in "[a-z(){}\\[\\]'\"=:,.*f \n]{0,80}") {
        let _ = import(&text);
        let _ = import(&code);
        let _ = import(&format!("rest_api_source({{'x': {code}}})"));
    }
}

#[test]
fn credentials_that_are_written_out_stay_behind() {
    let file = r#"
KEY = "first"
rest_api_source({
    "client": {"base_url": "https://a.io", "auth": {"type": "bearer", "token": KEY},
        "headers": {"X-Api-Key": "second", "Accept": "text/plain"}},
    "resources": [
        {"name": "a", "endpoint": {"auth": {"type": "api_key", "api_key": os.getenv("K", "third")}}},
        {"name": "b", "endpoint": {"auth": {"token": KEY}, "params": {"token": "fourth", "limit": "5"}}},
        {"name": "c", "endpoint": {"headers": {"Authorization": "Bearer " + dlt.secrets["token"]}}},
        {"name": "d", "endpoint": {"params": {"page": os.getenv("P", "1"), "key": fetched("fifth-0123456789")}}}
    ]
})
pipeline.run(source, credentials="postgres://u:sixth@h/db")
"#;
    let imported = import(file).unwrap();
    let part = &imported.parts[0];
    let at = |pointer: &str| Value::Object(part.config.clone()).pointer(pointer).cloned();
    let told = [
        ("/client/auth/token", "${secrets.token}"),
        ("/client/headers/X-Api-Key", "${secrets.x_api_key}"),
        ("/client/headers/Accept", "text/plain"),
        ("/resources/0/endpoint/auth/api_key", "${secrets.k}"),
        ("/resources/1/endpoint/auth/token", "${secrets.token}"),
        ("/resources/1/endpoint/params/token", "${secrets.token_2}"),
        ("/resources/1/endpoint/params/limit", "5"),
        ("/resources/3/endpoint/params/page", "1"),
    ];
    for (pointer, value) in told {
        assert_eq!(at(pointer), Some(value.into()), "{pointer}");
    }
    // Nor are two secrets taken for one.
    assert_ne!(at("/resources/2/endpoint/headers/Authorization"), Some("Bearer ${secrets.token}".into()));
    let shown = format!("{} {:?} {:?}", part.to_yaml("f.py"), part.left, imported.left);
    for credential in ["first", "second", "third", "fourth", "fifth", "sixth"] {
        assert!(!shown.contains(credential), "{credential}: {shown}");
    }
    assert!(shown.contains("${secrets.token} was written out in line 4, and is not copied"), "{shown}");
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let many = |text: &str| text.repeat(50_000);
    let files = [
        format!("x = a{}\nrest_api_source({{}})", many(".a")),
        format!("rest_api_source({{'x': {}1{}}})", many("["), many("]")),
        format!("rest_api_source({{'x': {}1}})", many("not ")),
        format!("rest_api_source({{'x': lambda r: r['a']{}}})", many(" and r['a']")),
    ];
    for file in files {
        assert_eq!(import(&file).unwrap_err(), ImportError::Nested { line: 1 });
    }
}

#[test]
fn contracts_of_sources_and_runs() {
    let config = "config = {'client': {'base_url': 'https://a.io'}, 'resources': [\
                  {'name': 'a', 'schema_contract': 'evolve'}, {'name': 'b'}]}\n";
    let freeze = json!({"columns": "freeze"});
    for (text, defaults, of_a, left) in [
        // A resource's own comes before the source's, and a run's before both.
        ("rest_api_source(config, schema_contract='freeze')", json!("freeze"), json!("evolve"), 0),
        (
            "rest_api_source(config)\npipeline.run(s, schema_contract={'columns': 'freeze'})",
            freeze,
            Value::Null,
            0,
        ),
        (
            "rest_api_source(config, schema_contract='freeze')\npipeline.run(s, schema_contract='evolve')",
            json!("evolve"),
            Value::Null,
            0,
        ),
        // What cannot be said of all, or is more than that, is told.
        ("rest_api_source(config)\npipeline.run(s, schema_contract=made())", Value::Null, json!("evolve"), 1),
        (
            "rest_api_source(config)\npipeline.run(s, schema_contract='freeze', refresh='drop_data')",
            Value::Null,
            json!("evolve"),
            1,
        ),
        (
            "rest_api_source(config)\npipeline.run(s, schema_contract='freeze')\npipeline.run(t, schema_contract='evolve')",
            Value::Null,
            json!("evolve"),
            2,
        ),
        ("rest_api_source(config)\npipeline.run(data=s)\npipeline.run(t)", Value::Null, json!("evolve"), 0),
    ] {
        let imported = import(&format!("{config}{text}")).unwrap();
        let at = |pointer: &str| {
            let config = Value::Object(imported.parts[0].config.clone());
            config.pointer(pointer).cloned().unwrap_or_default()
        };
        assert_eq!(at("/resource_defaults/schema_contract"), defaults, "{text}");
        assert_eq!(at("/resources/0/schema_contract"), of_a, "{text}");
        assert_eq!(imported.left.len(), left, "{text} {:?}", imported.left);
    }
    let imported = import(&format!("{config}rest_api_source(config, schema_contract=made())")).unwrap();
    assert_eq!(imported.parts[0].left.len(), 1);
}

#[test]
fn folders_and_buckets_that_rows_go_to() {
    for (url, to) in [
        ("file:///data/x/", Some("jsonl:/data/x/set")),
        ("out", Some("jsonl:out/set")),
        ("s3://lake", Some("jsonl:s3://lake/set")),
        ("s3://lake/raw/", Some("jsonl:s3://lake/raw/set")),
        ("gs://lake/raw", Some("jsonl:gs://lake/raw/set")),
        ("az://box", Some("jsonl:az://box/set")),
        ("s3://", None),
        ("s3:///raw", None),
        ("s3://key:secret@lake", None),
        ("abfss://box@account.dfs.core.windows.net", None),
    ] {
        for call in
            [format!("filesystem('{url}')"), format!("dlt.destinations.filesystem(bucket_url='{url}')")]
        {
            let text = format!(
                "rest_api_source({{'client': {{}}, 'resources': []}})\n\
                 dlt.pipeline('p', destination={call}, dataset_name='set')"
            );
            let imported = import(&text).unwrap();
            assert_eq!(imported.parts[0].to.as_deref(), to, "{text}");
            assert_eq!(imported.left.is_empty(), to.is_some(), "{text}");
        }
    }
}
