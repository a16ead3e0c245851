//! Configs as files: values, places, and what is said of broken ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn keep(text: &str) -> String {
    text.to_owned()
}

fn read(text: &str, format: Format) -> Document {
    parse("c.yaml", text, format).unwrap_or_else(|p| panic!("{}", render("c.yaml", text, &p, false, &keep)))
}

/// `line:column marked text: message / hint` for each problem.
fn problems(text: &str, format: Format) -> Vec<String> {
    let problems = parse("c", text, format).expect_err(text);
    let lines = Lines::new(text);
    let told = problems.into_iter().map(|problem| {
        let span = lines.span(problem.span.expect("a place"));
        let marked = text[span.range.clone()].replace('\n', "⏎");
        let hint = problem.hint.map(|hint| format!(" / {hint}")).unwrap_or_default();
        format!("{}:{} [{marked}] {}{hint}", span.line, span.column, problem.message)
    });
    told.collect()
}

#[test]
fn formats_by_file_name() {
    let of = |name: &str| Format::of(Path::new(name));
    assert_eq!(of("a/b.json"), Ok(Format::Json));
    assert_eq!(of("b.YAML"), Ok(Format::Yaml));
    assert_eq!(of("b.yml"), Ok(Format::Yaml));
    assert_eq!(of("b.toml"), Ok(Format::Toml));
    for name in ["b", "b.txt", ".yaml", ""] {
        assert!(matches!(of(name), Err(FormatError(_))), "{name}");
    }
}

#[test]
fn a_config_in_both_formats() {
    let yaml = r#"# comment
client:
  base_url: https://api.example.com
  auth: {type: api_key, name: api_key, api_key: "${secrets.api_key}", location: query}
  token: ${secrets.other}
resource_defaults: {primary_key: id, write_disposition: merge}
resources:
  - name: time_entries
    endpoint:
      path: /v1/projects/{parent_id}/time
      paginator: {type: offset, limit: 100}
  - users
"#;
    let document = read(yaml, Format::Yaml);
    assert_eq!(document.value["client"]["auth"]["api_key"], "${secrets.api_key}");
    assert_eq!(document.value["client"]["token"], "${secrets.other}");
    assert_eq!(document.value["resources"][0]["endpoint"]["paginator"]["limit"], 100);
    assert_eq!(document.value["resources"][0]["endpoint"]["path"], "/v1/projects/{parent_id}/time");
    let names: Vec<&String> = document.value.as_object().unwrap().keys().collect();
    assert_eq!(names, ["client", "resource_defaults", "resources"]);

    let pretty = serde_json::to_string_pretty(&document.value).unwrap();
    assert_eq!(read(&pretty, Format::Json).value, document.value);
    assert_eq!(read(&pretty, Format::Yaml).value, document.value);
}

#[test]
fn places_in_yaml() {
    let text = "client:\n  \"báse\": ž1 # c\n  empty:\nlist:\n- a\n- {b: [1, 'two']}\n- - x\n\n  - y\ntext: |\n  one\n  two\n\nlast: 1\n";
    let document = read(text, Format::Yaml);
    let cases = [
        ("/client", Part::Key, "client"),
        ("/client", Part::Value, "\"báse\": ž1 # c\n  empty"),
        ("/client/báse", Part::Key, "\"báse\""),
        ("/client/báse", Part::Value, "ž1"),
        ("/client/empty", Part::Key, "empty"),
        ("/client/empty", Part::Value, ""),
        ("/client/missing/deep", Part::Value, "client"),
        ("/list/0", Part::Key, "a"),
        ("/list/1", Part::Value, "{b: [1, 'two']}"),
        ("/list/1/b", Part::Value, "[1, 'two']"),
        ("/list/1/b/1", Part::Value, "'two'"),
        ("/list/2", Part::Value, "- x\n\n  - y"),
        ("/list/9", Part::Value, "list"),
        ("/text", Part::Value, "one\n  two"),
        ("/last", Part::Value, "1"),
    ];
    for (pointer, part, expected) in cases {
        let span = document.locate(pointer, part).unwrap();
        assert_eq!(&text[span.range], expected, "{pointer}");
    }
    let span = document.locate("/client/báse", Part::Value).unwrap();
    assert_eq!((span.line, span.column), (2, 11));
    assert_eq!(document.locate("no pointer", Part::Value), None);
    assert_eq!(document.locate("/nothing", Part::Value).unwrap().line, 1);
}

#[test]
fn places_in_json() {
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}{{\r\n  \"é/~\": [1, {{\"b\": \"ž\"}}],\r\n  \"c\": null\r\n}}\r\n");
        let document = read(&text, Format::Json);
        let cases = [
            ("/é~1~0", Part::Key, "\"é/~\""),
            ("/é~1~0", Part::Value, "[1, {\"b\": \"ž\"}]"),
            ("/é~1~0/1/b", Part::Value, "\"ž\""),
            ("/c", Part::Value, "null"),
            ("/d", Part::Value, text.trim_start_matches('\u{feff}').trim_end()),
        ];
        for (pointer, part, expected) in cases {
            let span = document.locate(pointer, part).unwrap();
            assert_eq!(&text[span.range], expected, "{pointer}");
        }
        assert_eq!(document.locate("/c", Part::Key).unwrap().column, 3);
    }
}

#[test]
fn a_config_in_toml() {
    let text = r#"# comment
name = 'x'
resource_defaults.primary_key = "id"
resource_defaults.endpoint.paginator = { type = "offset", limit = 100 }

[client]
base_url = "https://api.example.com"
auth = { type = "api_key", api_key = "${secrets.api_key}" }

[client.headers]
"X-A/B" = """two
lines"""

[[resources]]
name = "time_entries"
endpoint.path = "/v1/projects/{parent_id}/time"
endpoint.params.since = 2026-11-21T07:32:00Z
endpoint.params.day = 2026-11-21
endpoint.params.at = 07:32:00

[[resources]]
name = "users"
[resources.endpoint]
path = "/v1/users"
"#;
    let document = read(text, Format::Toml);
    let expected = json!({
        "name": "x",
        "resource_defaults": {"primary_key": "id", "endpoint": {"paginator": {"type": "offset", "limit": 100}}},
        "client": {
            "base_url": "https://api.example.com",
            "auth": {"type": "api_key", "api_key": "${secrets.api_key}"},
            "headers": {"X-A/B": "two\nlines"},
        },
        "resources": [
            {
                "name": "time_entries",
                "endpoint": {
                    "path": "/v1/projects/{parent_id}/time",
                    "params": {"since": "2026-11-21T07:32:00Z", "day": "2026-11-21", "at": "07:32:00"},
                },
            },
            {"name": "users", "endpoint": {"path": "/v1/users"}},
        ],
    });
    // In the order of the text, too.
    assert_eq!(document.value.to_string(), expected.to_string());
    let cases = [
        ("/name", Part::Key, "name"),
        ("/name", Part::Value, "'x'"),
        ("/resource_defaults", Part::Key, "resource_defaults"),
        ("/resource_defaults/primary_key", Part::Key, "primary_key"),
        ("/resource_defaults/endpoint/paginator/limit", Part::Value, "100"),
        ("/client", Part::Key, "client"),
        ("/client/auth/type", Part::Value, "\"api_key\""),
        ("/client/auth/missing", Part::Value, "auth"),
        ("/client/headers", Part::Key, "headers"),
        ("/client/headers/X-A~1B", Part::Key, "\"X-A/B\""),
        ("/client/headers/X-A~1B", Part::Value, "\"\"\"two\nlines\"\"\""),
        ("/resources/0", Part::Value, "[[resources]]"),
        ("/resources/0/endpoint/params/day", Part::Value, "2026-11-21"),
        ("/resources/1/name", Part::Value, "\"users\""),
        ("/resources/1/endpoint", Part::Key, "endpoint"),
        ("/resources/1/endpoint/path", Part::Key, "path"),
    ];
    for (pointer, part, expected) in cases {
        let span = document.locate(pointer, part).unwrap();
        assert_eq!(&text[span.range], expected, "{pointer}");
    }
    let line = |pointer: &str| document.locate(pointer, Part::Value).unwrap().line;
    let lines = ["/resources/0", "/resources/1", "/resources/1/endpoint/path", "/client/headers"].map(line);
    assert_eq!(lines, [14, 21, 24, 10]);
    assert_eq!(read(&format!("\u{feff}{text}").replace('\n', "\r\n"), Format::Toml).value["name"], "x");
}

#[test]
fn numbers_in_toml() {
    let text = "a = [0, -0, +7, 1_000, 0xFF, 0o17, 0b11, 9223372036854775807, 18446744073709551615, 1.50, -2e3, 6.626e-34]";
    let expected = json!([0, 0, 7, 1000, 255, 15, 3, i64::MAX, u64::MAX, 1.5, -2000.0, 6.626e-34]);
    assert_eq!(read(text, Format::Toml).value["a"].to_string(), expected.to_string());
}

#[test]
fn json_numbers_are_serde_jsons() {
    let text = r#"{"a":[0,-0,1.0,1e2,1.5e-3,18446744073709551615,-9223372036854775808,123456789012345678901234567890,0.1]}"#;
    let expected: Value = serde_json::from_str(text).unwrap();
    assert_eq!(read(text, Format::Json).value.to_string(), expected.to_string());
}

#[test]
fn anchors_and_merge_keys() {
    let text = "a: &one {x: 1, y: {z: 2}}\nb: *one\nc:\n  y: 3\n  <<: *one\n  w: 4\nd:\n  <<: [{x: 5}, *one]\ne: &text v\nf: *text\ng: {<<: {q: 1}}\nh: {\"<<\": 1}\n&key i: *key\n";
    let document = read(text, Format::Yaml);
    let expected = json!({
        "a": {"x": 1, "y": {"z": 2}},
        "b": {"x": 1, "y": {"z": 2}},
        "c": {"y": 3, "w": 4, "x": 1},
        "d": {"x": 5, "y": {"z": 2}},
        "e": "v",
        "f": "v",
        "g": {"q": 1},
        "h": {"<<": 1},
        "i": "i",
    });
    assert_eq!(document.value, expected);
    let line_and_text = |pointer: &str| {
        let span = document.locate(pointer, Part::Value).unwrap();
        (span.line, &text[span.range])
    };
    assert_eq!(line_and_text("/b"), (2, "*one"));
    assert_eq!(line_and_text("/b/y/z"), (1, "2"));
    assert_eq!(line_and_text("/c/y"), (4, "3"));
    assert_eq!(line_and_text("/c/x"), (1, "1"));
    assert_eq!(line_and_text("/d/x"), (8, "5"));
    assert_eq!(line_and_text("/g/q"), (11, "1"));
}

#[test]
fn aliases_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(problems(&text, Format::Yaml)[0].contains("aliases repeat more than 10000 values"));
    let deep = format!("a: {}", "- ".repeat(100_000));
    assert_eq!(problems(&deep, Format::Yaml).len(), 1);
    let deep = format!("- {}", "- ".repeat(100_000));
    assert!(problems(&deep, Format::Yaml)[0].contains("nested more than 128 deep"));
    assert!(problems(&"[".repeat(100_000), Format::Yaml)[0].contains("this is not YAML"));
    assert!(problems(&"[".repeat(100_000), Format::Json)[0].contains("this is not JSON"));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(problems(&deep, Format::Json)[0].contains("recursion limit"));
}

#[test]
fn broken_yaml() {
    let quotes = " / a text that holds any of `{ } [ ] , & * # ? | > % @ :` or a backtick may need quotes";
    let reference =
        "inside `{ }` or `[ ]` a reference to a secret needs quotes / quote it: \"${secrets.NAME}\"";
    let braces = "inside `{ }` or `[ ]` a text with braces needs quotes / quote it: \"…{name}…\"";
    let cases: &[(&str, &[&str])] = &[
        ("", &["1:1 [] the file is empty / `sanderling check --help` shows a config"]),
        ("# only\n", &["1:1 [] the file is empty / `sanderling check --help` shows a config"]),
        ("--- \n...\n", &["2:1 [] a source config is a mapping of names to values, as in `client: …`"]),
        (
            "just text",
            &["1:1 [just text] a source config is a mapping of names to values, as in `client: …`"],
        ),
        ("- a\n- b", &["1:1 [- a⏎- b] a source config is a mapping of names to values, as in `client: …`"]),
        ("{auth: ${secrets.x}}", &[&format!("1:8 [${{secrets.x}}] {reference}")]),
        ("a:\n  b: {c: 1, auth: ${secrets.x}, d: 2}", &[&format!("2:19 [${{secrets.x}}] {reference}")]),
        ("a: [ ${secrets.x} ]", &[&format!("1:6 [${{secrets.x}}] {reference}")]),
        ("a: {b: Bearer ${secrets.x}}", &[&format!("1:8 [Bearer ${{secrets.x}}] {reference}")]),
        ("a: {b: ${x", &[&format!("1:8 [${{x] {reference}")]),
        ("a: {p: /v1/{id}/t, b: 1}", &[&format!("1:8 [/v1/{{id}}/t] {braces}")]),
        (
            "a: 1\nb: 2\na: 3\nb: 4",
            &[
                "3:1 [a] `a` stands twice in one mapping, first in line 1",
                "4:1 [b] `b` stands twice in one mapping, first in line 2",
            ],
        ),
        ("a: {b: 1, 'b': 2}", &["1:11 ['b'] `b` stands twice in one mapping, first in line 1"]),
        (
            "a: 1\n---\nb: 2\n",
            &[
                "2:1 [---] a second document starts here; a config is one document / put it into a file of its own",
            ],
        ),
        (
            "1: x\ntrue: y\n~: z\n'1': ok\n404: {a: 1, a: 2}",
            &[
                "1:1 [1] a name is a text / put it in quotes",
                "2:1 [true] a name is a text / put it in quotes",
                "3:1 [~] a name is a text / put it in quotes",
                "5:1 [404] a name is a text / put it in quotes",
                "5:13 [a] `a` stands twice in one mapping, first in line 5",
            ],
        ),
        (
            "? [a, b]\n: c\n? {d: e}\n: f",
            &[
                "1:3 [[] a name is a text, not a list, a mapping or an alias",
                "3:3 [{] a name is a text, not a list, a mapping or an alias",
            ],
        ),
        ("a: &x b\n*x : c", &["2:1 [*x] a name is a text, not a list, a mapping or an alias"]),
        (
            "a: !!str 1\nb: !mine {c: d}",
            &[
                "1:4 [!!str 1] tags (`!…`) are not used in a config / to make a text of a value, put it in quotes",
                "2:4 [!mine {] tags (`!…`) are not used in a config / to make a text of a value, put it in quotes",
            ],
        ),
        (
            "!!str a: 1",
            &[
                "1:1 [!!str a] tags (`!…`) are not used in a config / to make a text of a value, put it in quotes",
            ],
        ),
        (
            "a: .inf",
            &["1:4 [.inf] a number that is infinite, is none or is too long cannot stand in a config"],
        ),
        ("a: &x [*x]", &["1:8 [*x] an alias cannot stand inside what it names"]),
        (
            "a: *no",
            &[
                "1:4 [*] this is not YAML: while parsing node, found unknown anchor / `*name` repeats what `&name` marks before it; a text that starts with `*` needs quotes",
            ],
        ),
        ("<<: 1", &["1:5 [1] `<<` takes a mapping, or a list of mappings"]),
        ("<<: [{a: 1}, 2]", &["1:5 [[{a: 1}, 2]] `<<` takes a mapping, or a list of mappings"]),
        (
            "a:\n\tb: 1",
            &[
                "2:2 [b] this is not YAML: tabs disallowed within this context (block indentation) / indent with spaces, not with tabs",
            ],
        ),
        ("a: @x", &[&format!("1:4 [@] this is not YAML: unexpected character: `@'{quotes}")]),
        (
            "a: b: c",
            &[&format!("1:5 [:] this is not YAML: mapping values are not allowed in this context{quotes}")],
        ),
        (
            "a: {b: c\n",
            &[
                "2:1 [] this is not YAML: while parsing a flow mapping, did not find expected ',' or '}' / is each `{` and each `[` above closed?",
            ],
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            &[
                "3:2 [c] this is not YAML: while parsing a block mapping, did not find expected key / the names of one mapping start in one column",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(&problems(text, Format::Yaml), expected, "{text}");
    }
}

#[test]
fn broken_json() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["1:1 [] the file is empty / `sanderling check --help` shows a config"]),
        (" \n", &["1:1 [] the file is empty / `sanderling check --help` shows a config"]),
        ("[1]", &["1:1 [[1]] a source config is a mapping of names to values, as in `client: …`"]),
        (
            "{\"a\": 1,}",
            &["1:8 [,] this is not JSON: trailing commas are not allowed / take the last comma away"],
        ),
        (
            "{\"a\": [1,]}",
            &["1:9 [,] this is not JSON: trailing commas are not allowed / take the last comma away"],
        ),
        (
            "{\n // x\n}",
            &[
                "2:2 [// x] this is not JSON: comments are not allowed / JSON has no comments; in a .yaml file they start with #",
            ],
        ),
        (
            "{a: 1}",
            &[
                "1:2 [a] this is not JSON: expected string for object property / names and texts stand in double quotes",
            ],
        ),
        (
            "{'a': 1}",
            &[
                "1:2 ['] this is not JSON: single-quoted strings are not allowed / names and texts stand in double quotes",
            ],
        ),
        (
            "{\"a\": b}",
            &["1:7 [b] this is not JSON: unexpected token / names and texts stand in double quotes"],
        ),
        (
            "{\"a\" 1}",
            &["1:6 [1] this is not JSON: expected colon after the string or word in object property"],
        ),
        ("{\"a\": 1 \"b\": 2}", &["1:8 [ ] this is not JSON: expected comma"]),
        ("{\"a\": 1", &["1:1 [{\"a\": 1] this is not JSON: unterminated object"]),
        ("{\"a\": 1} x", &["1:10 [x] this is not JSON: text cannot contain more than one JSON value"]),
        ("{\"a\": 0x1}", &["1:7 [0] this is not JSON: hexadecimal numbers are not allowed"]),
        (
            "{\"a\": 1, \"b\": {}, \"a\": 2}",
            &["1:19 [\"a\"] `a` stands twice in one object, first in line 1"],
        ),
        (
            "{\"a\": {\"é\": 1,\n\"\\u00e9\": 2}}",
            &["2:1 [\"\\u00e9\"] `é` stands twice in one object, first in line 1"],
        ),
        ("{\"a\": 01}", &["1:8 [1] this is not JSON: expected comma"]),
        ("{\"a\": 1e999}", &["1:11 [9] this is not JSON: number out of range"]),
        (
            "{\"a\": \"\\ud800\"}",
            &["1:8 [\\ud800\"] this is not JSON: a text that does not end, or has an escape that is none"],
        ),
        (
            "{\"a\": \"b",
            &["1:7 [\"b] this is not JSON: a text that does not end, or has an escape that is none"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(&problems(text, Format::Json), expected, "{text}");
    }
}

#[test]
fn broken_toml() {
    let twice = "`a` stands twice / a name is given once, and a table is written in one place";
    let quotes = "this is not TOML: string values must be quoted, expected literal string / texts stand in quotes: \"…\"";
    let cases: &[(&str, &[&str])] = &[
        (
            "a = inf",
            &["1:5 [inf] a number that is infinite, is none or is too long cannot stand in a config"],
        ),
        (
            "a = [-nan, 1]\nb = { c = +inf }",
            &[
                "1:6 [-nan] a number that is infinite, is none or is too long cannot stand in a config",
                "2:11 [+inf] a number that is infinite, is none or is too long cannot stand in a config",
            ],
        ),
        (
            "a = 99999999999999999999",
            &[
                "1:5 [99999999999999999999] a number that is infinite, is none or is too long cannot stand in a config",
            ],
        ),
        ("a = 1\na = 2", &[&format!("2:1 [a] {twice}")]),
        ("[a]\nb = 1\n[a]\nc = 1", &[&format!("3:2 [a] {twice}")]),
        ("a.b = 1\na = 2", &[&format!("2:1 [a] {twice}")]),
        (
            "a: 1",
            &[
                "1:2 [:] this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_` / write `name = value`",
            ],
        ),
        ("a = ${secrets.x}", &[&format!("1:5 [$] {quotes}")]),
        (
            "a = b\nc = \"d",
            &[&format!("1:5 [b] {quotes}"), "2:7 [] this is not TOML: invalid basic string, expected `\"`"],
        ),
        ("a = { b = 1", &["1:12 [] this is not TOML: unclosed inline table, expected `}`"]),
        (
            "= 1",
            &["1:1 [] this is not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"],
        ),
        (
            "a = 2026-13-41",
            &["1:5 [2026-13-41] this is not TOML: invalid date, expected month between 01 and 12"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(&problems(text, Format::Toml), expected, "{text}");
    }
    let empty = read("", Format::Toml);
    assert_eq!((empty.value, empty.text.as_str()), (json!({}), ""));
    for deep in
        [format!("a = {}", "[".repeat(100_000)), format!("a{} = 1", ".a".repeat(100_000)), "[a".repeat(200)]
    {
        assert!(
            problems(&deep, Format::Toml)[0].contains("this is not TOML"),
            "{}",
            problems(&deep, Format::Toml)[0]
        );
    }
}

#[test]
fn nearest_names() {
    let known = ["paginator", "path", "params", "data_selector", "method", "json", "primary_key"];
    let cases = [
        ("paginatr", Some("paginator")),
        ("pagniator", Some("paginator")),
        ("Path", Some("path")),
        ("paths", Some("path")),
        ("data-selector", Some("data_selector")),
        ("primarykey", Some("primary_key")),
        ("parms", Some("params")),
        ("x", None),
        ("", None),
        ("completely_else", None),
    ];
    for (name, expected) in cases {
        assert_eq!(nearest(name, known), expected, "{name}");
    }
    assert_eq!(nearest("a", ["b"]), None);
    assert_eq!(nearest("x", []), None);
}

#[test]
fn shows_the_line_and_the_hint() {
    let document = read("client:\n  base_url: x\n  paginatr: offset\nresources: [\n  a ]\n", Format::Yaml);
    let problems = [
        Problem::at("/client/paginatr", Part::Key, "unknown key `paginatr`")
            .hint("did you mean `paginator`?"),
        Problem::at("/resources/0/endpoint/path", Part::Value, "`path` is missing"),
        Problem { pointer: None, ..Problem::at("", Part::Value, "no secret") },
    ];
    let shown = document.render(&problems, false, &keep);
    let expected = "\
error: no secret
--> c.yaml

error: unknown key `paginatr`
 --> c.yaml:3:3
  |
3 |   paginatr: offset
  |   ^^^^^^^^
  |
  = hint: did you mean `paginator`?

error: `path` is missing
 --> c.yaml:5:3
  |
5 |   a ]
  |   ^";
    assert_eq!(shown, expected);
}

#[test]
fn hides_credentials() {
    let text = "client:\n  auth: {type: bearer, tokn: hunter2hunter2, x: 1}\n  pem: |\n    first-half\n    second-half\n  token: other-secret\n";
    let document = read(text, Format::Yaml);
    let redact =
        |text: &str| text.replace("hunter2hunter2", "***").replace("first-half\n    second-half", "***");
    let problems = [
        Problem::at("/client/auth/tokn", Part::Key, "unknown key, holds hunter2hunter2")
            .hint("not hunter2hunter2"),
        Problem::at("/client/auth/x", Part::Value, "bad"),
        Problem::at("/client/pem", Part::Value, "bad"),
        Problem::at("/client/token", Part::Value, "bad"),
    ];
    let shown = document.render(&problems, false, &redact);
    let expected = "\
error: unknown key, holds ***
 --> c.yaml:2:24
  |
2 |   auth: {type: bearer, tokn: ***, x: 1}
  |                        ^^^^
  |
  = hint: not ***

error: bad
 --> c.yaml:2:49
  |
 ::: 
2 |   auth: {type: bearer, tokn: ***, x: 1}
  |                                      ^

error: bad
 --> c.yaml:4:5
  |
 ::: 
4 | ***
  | ^^^

error: bad
 --> c.yaml:6:10
  |
6 |   token: ***
  |          ^^^";
    assert_eq!(shown, expected);
    for secret in ["hunter2", "half", "other"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let broken = "token: abc123abc\nauth: {password: abc123abc, b: ${x}, c}\n";
    let shown = render("c.yaml", broken, &parse("c.yaml", broken, Format::Yaml).unwrap_err(), true, &keep);
    assert!(!shown.contains("abc123abc") && shown.contains("needs quotes"), "{shown}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        "\\PC{0,12}".prop_map(Value::from),
        "[a-z${}\\[\\]:,#&*!|>'\"%@`\\\\/~ .0-9-]{0,12}".prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-z/~. é]{1,6}", inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    prop::collection::vec(("[a-z]{1,6}", tree), 0..5)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// Every part of the value stands where it is said to stand.
fn check_places(document: &Document, value: &Value, pointer: &str) {
    let span = document.locate(pointer, Part::Value).unwrap();
    let there: Value = serde_json::from_str(&document.text()[span.range]).unwrap();
    assert_eq!(&there, value, "{pointer}");
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check_places(document, item, &span::child(pointer, &at.to_string()));
            }
        }
        Value::Object(entries) => {
            for (name, entry) in entries {
                let pointer = span::child(pointer, name);
                let key = document.locate(&pointer, Part::Key).unwrap();
                assert_eq!(serde_json::from_str::<String>(&document.text()[key.range]).unwrap(), *name);
                check_places(document, entry, &pointer);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn json_keeps_values_and_places(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        for format in [Format::Json, Format::Yaml] {
            let document = read(&text, format);
            prop_assert_eq!(&document.value, &value);
            check_places(&document, &value, "");
        }
    }

    #[test]
    fn nothing_panics(text in "[a-c{}\\[\\]:,#&*!|>'\"%@?$<~ .0-9\n\r\té\u{feff}-]{0,60}", from in 0usize..70, to in 0usize..70) {
        for format in [Format::Json, Format::Toml, Format::Yaml] {
            let found = match parse("c", &text, format) {
                Ok(_) => vec![Problem::in_text(from..to, "x")],
                Err(problems) => problems,
            };
            let shown = render("c", &text, &found, true, &|text| text.replace('a', "***"));
            prop_assert!(!found.is_empty() && shown.contains("error"));
        }
    }
}

#[test]
fn names_of_foreign_files_are_as_written() {
    let text = "200: ok\ntrue: {1.50: a, ~: b, no: c}\n";
    let value = parse_foreign("c", text, Format::Yaml).unwrap().value;
    assert_eq!(value, json!({"200": "ok", "true": {"1.50": "a", "~": "b", "no": "c"}}));
    assert!(parse("c", text, Format::Yaml).is_err());
}
