//! Programs: what they may see, how numbers pass them, and what is said of those that cannot be read.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn texts(code: &str, input: &str) -> Vec<Result<String, String>> {
    let program = Program::compile(code).unwrap();
    let values = program.run(read(input.as_bytes()).unwrap()).map(|value| {
        let mut text = Vec::new();
        write(&value?, &mut text)?;
        Ok(String::from_utf8(text).unwrap())
    });
    values.collect()
}

#[test]
fn programs_say_what_jq_says() {
    let cases: &[(&str, &str, &[&str])] = &[
        (".a", r#"{"a":1}"#, &["1"]),
        (".a.b?", r#"{"a":1}"#, &[]),
        (".[]", "[1,[2],null]", &["1", "[2]", "null"]),
        ("{b: .a, c}", r#"{"a":1,"c":"x"}"#, &[r#"{"b":1,"c":"x"}"#]),
        ("del(.a)", r#"{"a":1,"b":2}"#, &[r#"{"b":2}"#]),
        (".a += 1", r#"{"b":2,"a":1}"#, &[r#"{"b":2,"a":2}"#]),
        (r#".at | fromdate"#, r#"{"at":"2024-01-02T03:04:05Z"}"#, &["1704164645"]),
        ("todate", "1704164645", &[r#""2024-01-02T03:04:05Z""#]),
        (r#"strftime("%Y-%m-%d")"#, "4102444800", &[r#""2100-01-01""#]),
        (r#"test("^a.c$")"#, r#""abc""#, &["true"]),
        (r#"sub("b"; "x")"#, r#""abc""#, &[r#""axc""#]),
        ("@base64", r#""abc""#, &[r#""YWJj""#]),
        ("tostring, tojson", r#"{"n":1.10}"#, &[r#""{\"n\":1.10}""#, r#""{\"n\":1.10}""#]),
        ("select(.x > 1)", r#"{"x":1}"#, &[]),
    ];
    for (code, input, values) in cases {
        let values: Vec<_> = values.iter().map(|value| Ok((*value).to_owned())).collect();
        assert_eq!(texts(code, input), values, "{code} on {input}");
    }
}

#[test]
fn what_a_program_does_not_touch_keeps_its_text() {
    for text in [
        "12345678901234567890",
        "-99999999999999999999999999999999",
        "1.10",
        "1e400",
        "-1.0E-999",
        "0.1000000000000000055511151231257827",
        "4294967296",
        r#""\u00e9\ud83d\ude00\u0000\"\\""#,
    ] {
        let row = format!(r#"{{"id":1,"v":{text},"l":[{text}]}}"#);
        let left = texts("{v, l}", &row).remove(0).unwrap();
        if text.starts_with('"') {
            // Escapes may be written in another way; the text is the same.
            let values: Vec<serde_json::Value> =
                [&row, &left].iter().map(|json| serde_json::from_str(json).unwrap()).collect();
            assert_eq!(values[0]["v"], values[1]["v"]);
        } else {
            assert_eq!(left, format!(r#"{{"v":{text},"l":[{text}]}}"#));
        }
    }
}

#[test]
fn arithmetic_on_large_whole_numbers_is_exact() {
    assert_eq!(texts(". + 1", "12345678901234567890"), [Ok("12345678901234567891".to_owned())]);
    assert_eq!(texts(". * .", "4294967296"), [Ok("18446744073709551616".to_owned())]);
}

#[test]
fn nothing_outside_is_in_reach() {
    for code in [
        "now",
        "env",
        "env.HOME",
        "$ENV",
        "$ENV.HOME",
        "input",
        "[inputs]",
        "input_filename",
        "debug",
        "debug(\"x\")",
        "stderr",
        "halt",
        "halt_error",
        "halt(1)",
        "localtime",
        "strflocaltime(\"%Y\")",
        "import \"x\" as x; .",
        "include \"x\"; .",
        "debug_empty",
        "stderr_empty",
    ] {
        assert!(Program::compile(code).is_err(), "{code}");
    }
}

#[test]
fn what_json_does_not_have_is_refused() {
    for code in
        ["nan", "infinite", "-infinite", "[1, nan]", "{a: {b: nan}}", "tobytes", "{(.|tostring|tobytes): 1}"]
    {
        let said = texts(code, "1").remove(0);
        assert!(said.is_err(), "{code}: {said:?}");
    }
    let deep = texts("reduce range(200) as $i (0; [.])", "1").remove(0);
    assert_eq!(deep, Err("a value that is nested too deep".to_owned()));
    let fits = texts("reduce range(128) as $i (0; [.])", "1").remove(0).unwrap();
    assert!(read(fits.as_bytes()).is_ok());
}

#[test]
fn a_program_ends_with_its_first_error() {
    assert_eq!(texts("1, error(\"no\"), 2", "null"), [Ok("1".to_owned()), Err("no".to_owned())]);
    let long = texts("error(\"x\" * 1000)", "null").remove(0).unwrap_err();
    assert_eq!(long.chars().count(), SHOWN_CHARS + 1);
}

#[test]
fn one_value_is_one_value() {
    let one = |code: &str| Program::compile(code).unwrap().one(Val::Null);
    assert_eq!(one("1"), Ok(Val::from(1usize)));
    assert_eq!(one("empty"), Err(NotOne::None));
    assert_eq!(one("1, 2"), Err(NotOne::Several));
    assert_eq!(one("1, error(\"x\")"), Err(NotOne::Failed("x".into())));
}

#[test]
fn what_is_no_program_is_told_with_its_place() {
    let said = |code: &str| {
        let error = Program::compile(code).unwrap_err();
        format!("{}{}", error.message, error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default())
    };
    let cases = [
        "",
        ".a ==",
        ".a == )",
        "(.a",
        "\"x",
        ".a\n| foo(",
        ".a |\n  bar",
        "selct(.a)",
        "ltrimstr(1; 2)",
        "$x",
        "now",
        "$ENV.HOME",
        "lambda r: r[\"x\"] > 1",
        "def f(row): return row",
        "if .a then 1",
        "{a; b}",
        ". as",
        "label",
        "reduce . as $x",
        "0e",
        "\"\\q\"",
        "\"\\ud800\"",
        "&",
        "@",
        ".[0:1",
        "foo::bar",
        "break $x",
        "[1,",
        "import \"x\" as y; .",
        ".a as [$x; $y] | .",
        "f(1:2)",
        "def :",
        "def f(1): 2; .",
    ];
    let said: String = cases.iter().map(|code| format!("{code:?}\n  {}\n", said(code))).collect();
    #[cfg(not(target_arch = "wasm32"))]
    insta::assert_snapshot!(said);
    assert!(!said.is_empty());
}
