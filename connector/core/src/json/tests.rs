//! The walk against serde_json, and its positions against the bytes.

use proptest::prelude::*;
use serde_json::{Value, json};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn walk(bytes: &[u8]) -> Result<Found, JsonError> {
    find(bytes, &Wanted::new())
}

fn member(name: &str) -> Step {
    Step::Member(name.to_owned())
}

#[test]
fn accepts_and_refuses_what_rfc_8259_does() {
    let good: &[&str] = &[
        "null",
        " true ",
        "-0",
        "1e400",
        "-0.0e-0",
        "12E+3",
        r#""""#,
        r#""\ud800""#,
        r#""\u00e9\/\b""#,
        "[]",
        "[ ]",
        "{}",
        r#"{"a":{"b":[1,{"c":null}]},"a":2}"#,
        "\u{feff}[1]",
        "[\r\n1\t,2 ]",
        "\"\u{7f}é\u{2028}\"",
        "12345678901234567890123456789",
    ];
    for text in good {
        assert!(walk(text.as_bytes()).is_ok(), "{text}");
    }
    let bad: &[(&str, JsonError)] = &[
        ("", JsonError::Cut { at: 0 }),
        ("{\"a\":[1,2", JsonError::Cut { at: 9 }),
        ("{\"a\":tru", JsonError::Cut { at: 8 }),
        ("\"abc", JsonError::Cut { at: 4 }),
        ("\"ab\\", JsonError::Cut { at: 4 }),
        ("[1] x", JsonError::LeftOver { at: 4 }),
        ("{}{}", JsonError::LeftOver { at: 2 }),
        ("01", JsonError::LeftOver { at: 1 }),
        ("[1,]", JsonError::Broken { at: 3, what: "a value was expected" }),
        ("{\"a\":1,}", JsonError::Broken { at: 7, what: "a string was expected" }),
        ("[+1]", JsonError::Broken { at: 1, what: "a value was expected" }),
        ("[1.]", JsonError::Broken { at: 3, what: "a digit was expected" }),
        ("[.5]", JsonError::Broken { at: 1, what: "a value was expected" }),
        ("[NaN]", JsonError::Broken { at: 1, what: "a value was expected" }),
        ("\"a\nb\"", JsonError::Broken { at: 2, what: "a control character in a string" }),
        ("\"\\x\"", JsonError::Broken { at: 2, what: "an unknown escape in a string" }),
        ("[1}", JsonError::Broken { at: 2, what: "`,` or the end of a list or object was expected" }),
    ];
    for (text, error) in bad {
        assert_eq!(walk(text.as_bytes()).unwrap_err(), *error, "{text}");
    }
    assert_eq!(walk(b"\"\xff\"").unwrap_err(), JsonError::NotUtf8 { at: 1 });
    assert_eq!(walk(b"\"\xc3").unwrap_err(), JsonError::Cut { at: 2 });
}

#[test]
fn nesting_is_capped() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(walk(deep(128).as_bytes()).is_ok());
    assert!(matches!(walk(deep(129).as_bytes()), Err(JsonError::TooDeep { at: 128 })));
    let mixed = format!("{}1{}", "{\"a\":[".repeat(64), "]}".repeat(64));
    assert!(walk(mixed.as_bytes()).is_ok());
}

#[test]
fn finds_several_paths_in_one_pass() {
    let body = br#" {"meta":{"total":"7","more":false},"da\u0074a":[ {"id":1} ,2,
        [3] ],"x":[10,[20,21]]}"#;
    let mut wanted = Wanted::new();
    let rows = wanted.add_items(&[member("data")]);
    let total = wanted.add(&[member("meta"), member("total")]);
    let more = wanted.add(&[member("meta"), member("more")]);
    let nested = wanted.add(&[member("x"), Step::Index(1), Step::Index(0)]);
    let missing = wanted.add(&[member("x"), member("y")]);
    let again = wanted.add(&[member("data")]);
    let found = find(body, &wanted).unwrap();
    let text = |slot| found.value(slot).map(|item| item.span.of(body).to_vec());
    assert_eq!(rows, again);
    assert_eq!(text(total).unwrap(), b"\"7\"");
    assert_eq!(text(more).unwrap(), b"false");
    assert_eq!(text(nested).unwrap(), b"20");
    assert_eq!(text(missing), None);
    assert!(found.value(rows).unwrap().line_breaks);
    let items: Vec<_> = found.items.iter().map(|item| (item.span.of(body), item.line_breaks)).collect();
    assert_eq!(items, [(&b"{\"id\":1}"[..], false), (b"2", false), (b"[3]", false)]);
}

#[test]
fn a_wanted_name_may_not_stand_twice() {
    let mut wanted = Wanted::new();
    wanted.add_items(&[member("data")]);
    let error = find(br#"{"data":[1],"data":[2]}"#, &wanted).unwrap_err();
    assert_eq!(error, JsonError::Twice { at: 19, key: "data".into() });
}

#[test]
fn surveys_three_names_deep() {
    let body = br#"{"a":{"b":{"c":[1],"d":{"e":[2]}}},"f":[{"g":[3]}],"n":5}"#;
    let found = survey(body, 3, |_, kind| kind == Kind::Array).unwrap();
    let paths: Vec<_> = found.iter().map(|entry| (entry.path.join("."), entry.span.of(body))).collect();
    assert_eq!(paths.len(), 3);
    assert_eq!(paths[1], ("a.b.c".into(), &b"[1]"[..]));
    assert_eq!(paths[2], ("f".into(), &b"[{\"g\":[3]}]"[..]));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| json!(n)),
        "[ -~\u{e9}\u{1f600}\n\"\\\\]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-d\"\\\\]{0,3}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to a document's bytes, the walk and serde_json say the same of it. (serde_json's own tree
    /// refuses lone surrogates and numbers beyond f64; `IgnoredAny` takes them as we do.)
    #[test]
    fn agrees_with_serde_json(value in any_json(), pretty: bool, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..3)) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let mut bytes = text.unwrap().into_bytes();
        for (place, byte, what) in edits {
            if bytes.is_empty() { break; }
            let at = place.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.truncate(at),
                _ => bytes.insert(at, b"{}[]\",:\\0e"[usize::from(byte) % 10]),
            }
        }
        let theirs = std::str::from_utf8(&bytes).is_ok() && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        prop_assert_eq!(walk(&bytes).is_ok(), theirs, "{:?}", String::from_utf8_lossy(&bytes));
    }

    /// Each item's span holds just that item.
    #[test]
    fn spans_hold_the_values(items in prop::collection::vec(any_json(), 0..8), pretty: bool) {
        let document = json!({"meta": {"list": []}, "data": {"rows": items}, "z": 1});
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
        let mut wanted = Wanted::new();
        wanted.add_items(&[member("data"), member("rows")]);
        let found = find(text.as_bytes(), &wanted).unwrap();
        prop_assert_eq!(found.items.len(), items.len());
        for (item, value) in found.items.iter().zip(&items) {
            let bytes = item.span.of(text.as_bytes());
            let text = serde_json::to_string(value).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap(); // floats lose their last bit on the way in
            prop_assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap(), expected);
            prop_assert_eq!(item.line_breaks, bytes.contains(&b'\n'));
        }
    }
}
