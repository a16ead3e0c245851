//! Incremental reading: what is asked for, which rows are kept, how far they reach, and what a second run does.

use std::collections::BTreeSet;

use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// 2024-06-01T00:00:00Z.
const NOW_MS: u64 = 1_717_200_000_000;

/// One page of rows, read by `incremental`.
fn config(incremental: Value) -> Value {
    endpoint(json!({
        "path": "rows", "data_selector": "$", "paginator": "single_page", "incremental": incremental
    }))
}

fn wanted(since: Option<&Watermark>) -> PageRequest {
    PageRequest { since: since.cloned(), now_ms: NOW_MS, ..first_page("r") }
}

fn read_page(config: &Value, since: Option<&Watermark>, rows: &Value) -> Result<Page, Fault> {
    page(&planned(config), &wanted(since), &ok(rows))
}

/// The `id` of each row that a page keeps.
fn kept(page: &Page) -> Vec<u64> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap();
    rows_text(page).lines().map(id).collect()
}

/// Rows with these cursors, and ids from 0 on.
fn rows(cursors: &[Value]) -> Value {
    cursors.iter().enumerate().map(|(id, at)| json!({"id": id, "at": at})).collect()
}

fn query(config: &Value, wanted: &PageRequest) -> Vec<(String, String)> {
    let sent = request(&planned(config), wanted).unwrap();
    url::Url::parse(&sent.url).unwrap().query_pairs().into_owned().collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn rows_are_kept_from_the_start_to_the_end() {
    let numbers = json!([9, 10, 15, 19, 20, 21]);
    let times = json!([
        "2024-01-01T00:59:59+01:00",
        "2024-01-01",
        "2024-01-01T02:00:00+02:00",
        "2024-02-01 10:00",
        "2024-03-01T00:00:00.000Z",
        "2024-03-01T00:00:00.001Z"
    ]);
    let cases = [
        (json!({"initial_value": 10, "end_value": 20}), &numbers, vec![1, 2, 3]),
        (
            json!({"initial_value": 10, "end_value": 20, "range_start": "open", "range_end": "closed"}),
            &numbers,
            vec![2, 3, 4],
        ),
        (json!({"initial_value": 10}), &numbers, vec![1, 2, 3, 4, 5]),
        (json!({}), &numbers, vec![0, 1, 2, 3, 4, 5]),
        (json!({"initial_value": 19, "last_value_func": "min"}), &numbers, vec![0, 1, 2, 3]),
        (json!({"initial_value": 20, "end_value": 10, "last_value_func": "min"}), &numbers, vec![2, 3, 4]),
        (json!({"initial_value": "2024-01-01", "end_value": "2024-03"}), &times, vec![1, 2, 3]),
        (
            json!({"initial_value": "2024-01-01T00:00:00Z", "end_value": "2024-03-01", "range_end": "closed"}),
            &times,
            vec![1, 2, 3, 4],
        ),
        (json!({"initial_value": "2024", "range_start": "open"}), &times, vec![3, 4, 5]),
        (json!({"initial_value": "b"}), &json!(["a", "b", "B", "ä", "ba"]), vec![1, 3, 4]),
        (json!({"initial_value": 1.5}), &json!([1, 1.5, 2, 12345678901234567890u64]), vec![1, 2, 3]),
    ];
    for (bounds, cursors, expected) in cases {
        let mut incremental = bounds.clone();
        incremental["cursor_path"] = json!("at");
        let rows = rows(cursors.as_array().unwrap());
        let page = read_page(&config(incremental), None, &rows).unwrap();
        assert_eq!(kept(&page), expected, "{bounds}");
        assert_eq!(
            (page.received, page.kept),
            (cursors.as_array().unwrap().len() as u64, expected.len() as u64)
        );
        assert_eq!(page.digest.is_some(), page.kept < page.received, "{bounds}");
        assert_eq!(page.watermark.is_some(), bounds.get("end_value").is_none(), "{bounds}");
    }
}

#[test]
fn rows_are_the_apis_bytes_and_are_not_renumbered() {
    let config = config(json!({"cursor_path": "meta.at", "initial_value": 2}));
    let body = r#"[{"id":1,"meta":{"at":1}}, {"id": 2.50, "meta": {"at": 2e0}, "x": "\u00e9"}, null]"#;
    let got = page(&planned(&config), &wanted(None), &ok(body)).unwrap();
    assert!(rows_text(&got).ends_with("}\nnull\n"), "left to the host");
    let got = page(&planned(&config), &wanted(None), &ok(body.replace(", null", ""))).unwrap();
    assert_eq!(rows_text(&got), "{\"id\": 2.50, \"meta\": {\"at\": 2e0}, \"x\": \"\\u00e9\"}\n");
    assert_eq!(got.watermark.unwrap().value, "2e0");
}

#[test]
fn rows_without_a_cursor_are_refused_taken_or_left() {
    let rows = json!([{"id": 0, "at": 5}, {"id": 1}, {"id": 2, "at": null}, {"id": 3, "at": 4}]);
    let of = |missing: Option<&str>, rows: &Value| {
        let mut incremental = json!({"cursor_path": "at"});
        incremental["on_cursor_value_missing"] = json!(missing);
        read_page(&config(incremental), None, rows)
    };
    assert_eq!(kept(&of(Some("include"), &rows).unwrap()), [0, 1, 2, 3]);
    assert_eq!(kept(&of(Some("exclude"), &rows).unwrap()), [0, 3]);
    for (missing, rows) in [(None, rows.clone()), (Some("raise"), json!([{"at": null}]))] {
        let error = bad(of(missing, &rows).unwrap_err());
        assert!(!error.retry && error.message.contains("`on_cursor_value_missing`"), "{}", error.message);
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let cases = [
        (json!({}), json!([1, "2"])),
        (json!({}), json!(["2024-01-01", "soon"])),
        (json!({}), json!([true])),
        (json!({}), json!([[1]])),
        (json!({"initial_value": 1}), json!(["5"])),
        (json!({"initial_value": "2024-01-01"}), json!([1_704_067_200])),
        (json!({"initial_value": 1, "end_value": 2}), json!(["a"])),
    ];
    for (mut incremental, cursors) in cases {
        incremental["cursor_path"] = json!("at");
        let got = read_page(&config(incremental), None, &rows(cursors.as_array().unwrap()));
        assert!(!bad(got.unwrap_err()).retry, "{cursors}");
    }
}

#[test]
fn a_second_run_asks_from_the_watermark_and_repeats_no_row_at_it() {
    let config = config(json!({"cursor_path": "at", "initial_value": 1, "start_param": "since"}));
    let first = read_page(&config, None, &rows(&[json!(1), json!(3), json!(3), json!(2)])).unwrap();
    assert_eq!(query(&config, &wanted(None)), pairs(&[("since", "1")]));
    let mark = first.watermark.unwrap();
    assert_eq!((mark.value.as_str(), mark.ties.len()), ("3", 2));

    assert_eq!(query(&config, &wanted(Some(&mark))), pairs(&[("since", "3")]));
    // Another row of that value has come, and one beyond.
    let rows = json!([
        {"id": 3, "at": 2}, {"id": 1, "at": 3}, {"id": 2, "at": 3}, {"id": 4, "at": 3.0}, {"id": 5, "at": 4}
    ]);
    let second = read_page(&config, Some(&mark), &rows).unwrap();
    assert_eq!(kept(&second), [4, 5]);
    assert!(second.watermark.unwrap().order > mark.order);
    let again = read_page(&config, Some(&mark), &json!([{"id": 1, "at": 3}])).unwrap();
    assert_eq!((again.kept, again.watermark.unwrap().order), (0, mark.order));
}

#[test]
fn rows_of_one_value_are_told_apart_by_a_key() {
    let rows = json!([{"id": 1, "at": 3, "n": 1}]);
    let changed = json!([{"id": 1, "at": 3, "n": 2}]);
    let of = |primary_key: Value, of_incremental: Value| {
        let mut config = config(json!({"cursor_path": "at", "primary_key": of_incremental}));
        config["resources"][0]["primary_key"] = primary_key;
        let mark = read_page(&config, None, &rows).unwrap().watermark.unwrap();
        read_page(&config, Some(&mark), &changed).unwrap().kept
    };
    assert_eq!(of(Value::Null, Value::Null), 1, "the row has changed");
    assert_eq!(of(json!("id"), Value::Null), 0, "the row is the same one");
    assert_eq!(of(json!("id"), json!("n")), 1);
    assert_eq!(of(json!("id"), json!([])), 1, "nothing tells them apart, so all are read");
    let mut config = config(json!({"cursor_path": "at"}));
    config["resources"][0]["primary_key"] = json!("key");
    let error = bad(read_page(&config, None, &rows).unwrap_err());
    assert!(error.message.contains("has no `key`"), "{}", error.message);
}

#[test]
fn an_open_start_needs_no_ties() {
    let config = config(json!({"cursor_path": "at", "range_start": "open"}));
    let cursors = [json!(1), json!(3)];
    let mark = read_page(&config, None, &rows(&cursors)).unwrap().watermark.unwrap();
    assert!(mark.ties.is_empty());
    assert_eq!(read_page(&config, Some(&mark), &rows(&cursors)).unwrap().kept, 0);
}

#[test]
fn a_lag_reads_some_rows_again() {
    let cases = [
        (json!(10), json!(1), json!(2), "8"),
        (json!(10), json!(9), json!(2), "9"),
        (json!(10.5), json!(1), json!(0.5), "10.0"),
        (json!("2024-05-01T00:00:30Z"), json!("2024-01-01T00:00:00Z"), json!(60), "2024-04-30T23:59:30Z"),
        (
            json!("2024-05-01 01:00:00.250+01:00"),
            json!("2024-01-01"),
            json!(3600),
            "2024-05-01 00:00:00.250+01:00",
        ),
        (json!("2024-05-01"), json!("2024-01-01"), json!(2), "2024-04-29"),
        (json!("2024-05-01"), json!("2024-04-30"), json!(2), "2024-04-30"),
    ];
    for (last, initial, lag, sent) in cases {
        let config = config(
            json!({"cursor_path": "at", "initial_value": initial, "lag": lag, "start_param": "since"}),
        );
        let rows = rows(std::slice::from_ref(&last));
        let mark = read_page(&config, None, &rows).unwrap().watermark.unwrap();
        assert_eq!(query(&config, &wanted(Some(&mark))), pairs(&[("since", sent)]), "{last}");
        assert_eq!(read_page(&config, Some(&mark), &rows).unwrap().kept, 1, "what lies within is read again");
    }
    let falling = config(json!({
        "cursor_path": "at", "last_value_func": "min", "lag": 3, "start_param": "before", "initial_value": 100
    }));
    let mark = read_page(&falling, None, &rows(&[json!(40), json!(30)])).unwrap().watermark.unwrap();
    assert_eq!(query(&falling, &wanted(Some(&mark))), pairs(&[("before", "33")]));
    let words = config(json!({"cursor_path": "at", "lag": 3}));
    let mark = read_page(&words, None, &rows(&[json!("b")])).unwrap().watermark.unwrap();
    assert!(request(&planned(&words), &wanted(Some(&mark))).is_err());
}

#[test]
fn the_watermark_stops_where_the_read_began() {
    let config = config(json!({"cursor_path": "at", "start_param": "since"}));
    let rows = rows(&[
        json!("2024-05-31T23:00:00Z"),
        json!("2024-06-01T02:30:00+02:00"),
        json!("2030-01-01T00:00:00Z"),
    ]);
    let first = read_page(&config, None, &rows).unwrap();
    assert_eq!(first.kept, 3, "they are read all the same");
    let mark = first.watermark.unwrap();
    assert_eq!(mark.value, "\"2024-06-01T00:00:00Z\"");
    assert_eq!(query(&config, &wanted(Some(&mark)))[0].1, "2024-06-01T00:00:00Z");
    let later = PageRequest { now_ms: NOW_MS + 3_600_000, ..wanted(Some(&mark)) };
    let again = page(&planned(&config), &later, &ok(&rows)).unwrap();
    assert_eq!(again.kept, 0, "and come once");
    // A row that changed while the first run read is there in the second.
    let changed = json!([{"id": 7, "at": "2024-06-01T00:00:05Z"}, rows[1], rows[2]]);
    let second = page(&planned(&config), &later, &ok(&changed)).unwrap();
    assert_eq!(kept(&second), [7]);
    let third = PageRequest { since: second.watermark, now_ms: NOW_MS + 7_200_000, ..wanted(None) };
    assert_eq!(page(&planned(&config), &third, &ok(&changed)).unwrap().kept, 0);
    // A day is the unit of dates.
    let days = super::incremental::rows(&[json!("2024-05-31"), json!("2024-06-01"), json!("2024-06-02")]);
    let mark = read_page(&config, None, &days).unwrap().watermark.unwrap();
    assert_eq!((mark.value.as_str(), mark.ties.len()), ("\"2024-06-01\"", 2));
}

#[test]
fn bounds_are_sent_where_the_config_says() {
    let of = |incremental: Value, more: Value| {
        let mut endpoint = json!({"path": "rows", "data_selector": "$", "paginator": "single_page"});
        endpoint["incremental"] = incremental;
        for (key, value) in more.as_object().unwrap() {
            endpoint[key] = value.clone();
        }
        super::endpoint(endpoint)
    };
    let bounds =
        json!({"cursor_path": "at", "initial_value": 1_600_000_000, "end_value": 1_700_000_000, "lag": 3600});
    let names = ["initial_value", "start_value", "last_value", "end_value", "lag"];
    let params: Value =
        names.iter().map(|name| ((*name).to_owned(), json!(format!("{{incremental.{name}}}")))).collect();
    let expected = ["1600000000", "1600000000", "1600000000", "1700000000", "3600"];
    let expected: Vec<(&str, &str)> = names.into_iter().zip(expected).collect();
    assert_eq!(query(&of(bounds.clone(), json!({"params": params})), &wanted(None)), pairs(&expected));

    let ends = json!({"cursor_path": "at", "initial_value": 1, "start_param": "a", "end_param": "b"});
    assert_eq!(query(&of(ends, json!({})), &wanted(None)), pairs(&[("a", "1")]), "there is no end");
    let mut ends = bounds.clone();
    ends["start_param"] = json!("a");
    ends["end_param"] = json!("b");
    let sent = query(&of(ends, json!({"params": {"a": "x", "c": "y"}})), &wanted(None));
    assert_eq!(sent, pairs(&[("c", "y"), ("a", "1600000000"), ("b", "1700000000")]));

    let none = json!({"cursor_path": "at"});
    let params = json!({"params": {"a": "{incremental.start_value}", "b": "{incremental.end_value}"}});
    assert_eq!(query(&of(none.clone(), params), &wanted(None)), []);

    let body = json!({"method": "POST", "json": {
        "from": "{incremental.start_value}", "text": "since {incremental.start_value}",
        "to": ["{incremental.end_value}"]
    }});
    let sent = request(&planned(&of(bounds, body)), &wanted(None)).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&sent.body).unwrap(),
        json!({"from": 1_600_000_000, "text": "since 1600000000", "to": [1_700_000_000]})
    );
    let body = json!({"method": "POST", "json": {"from": "{incremental.start_value}"}});
    let sent = request(&planned(&of(none, body)), &wanted(None)).unwrap();
    assert_eq!(sent.body, b"{\"from\":null}");

    let path = json!({"path": "rows/{incremental.start_value}", "headers": {"X-Since": "{incremental.start_value}"}});
    let at = json!({"cursor_path": "at", "initial_value": "2024-01-01 10:00"});
    let sent = request(&planned(&of(at, path)), &wanted(None)).unwrap();
    assert_eq!(sent.url, "https://api.test/rows/2024-01-01%2010%3A00");
    assert!(sent.headers.contains(&("X-Since".to_owned(), "2024-01-01 10:00".to_owned())));
}

#[test]
fn a_bound_is_converted_before_it_is_sent() {
    let config = config(json!({
        "cursor_path": "at", "initial_value": "2024-05-01T00:00:00Z", "start_param": "a", "end_param": "b",
        "convert": ".[:10] | split(\"-\") | join(\"\")"
    }));
    assert_eq!(query(&config, &wanted(None)), pairs(&[("a", "20240501")]));
    let mark = read_page(&config, None, &rows(&[json!("2024-05-09T10:00:00Z")])).unwrap().watermark.unwrap();
    assert_eq!(mark.value, "\"2024-05-09T10:00:00Z\"");
    assert_eq!(query(&config, &wanted(Some(&mark))), pairs(&[("a", "20240509")]));
    let until = Range { since: None, until: Some("2024-05-10".into()) };
    let wanted = PageRequest { range: Some(until), ..wanted(None) };
    assert_eq!(query(&config, &wanted), pairs(&[("a", "20240501"), ("b", "20240510")]));
}

#[test]
fn rows_are_held_against_bounds_as_steps_leave_them() {
    let mut config = config(json!({"cursor_path": "when", "initial_value": 2}));
    config["resources"][0]["processing_steps"] = json!([{"filter": ".id != 3"}, {"map": "{id, when: .at}"}]);
    let cursors = [json!(1), json!(2), json!(5), json!(9)];
    let got = read_page(&config, None, &rows(&cursors)).unwrap();
    assert_eq!(rows_text(&got), "{\"id\":1,\"when\":2}\n{\"id\":2,\"when\":5}\n");
    assert_eq!((got.received, got.watermark.unwrap().value.as_str()), (4, "5"));
}

#[test]
fn a_parameter_of_type_incremental_is_the_same() {
    let since = json!({"type": "incremental", "cursor_path": "at", "initial_value": 2});
    let config = endpoint(json!({
        "path": "rows", "data_selector": "$", "paginator": "single_page", "params": {"sort": "desc", "since": since}
    }));
    assert_eq!(query(&config, &wanted(None)), pairs(&[("sort", "desc"), ("since", "2")]));
    let page = read_page(&config, None, &rows(&[json!(1), json!(2)])).unwrap();
    assert_eq!(kept(&page), [1]);
    let info = planned(&config).source_info();
    let incremental = info.resources[0].incremental.clone().unwrap();
    assert_eq!((incremental.cursor.as_str(), incremental.sorted), ("at", false));
}

#[test]
fn a_backfill_reads_its_range_and_leaves_the_watermark() {
    let config =
        config(json!({"cursor_path": "at", "initial_value": 1, "start_param": "a", "end_param": "b"}));
    let mark = read_page(&config, None, &rows(&[json!(50)])).unwrap().watermark.unwrap();
    let cases = [
        (Some("10"), Some("20"), &[("a", "10"), ("b", "20")][..], vec![1]),
        (None, Some("20"), &[("a", "1"), ("b", "20")], vec![0, 1]),
        (Some("10"), None, &[("a", "10")], vec![1, 2, 3]),
    ];
    let rows = rows(&[json!(5), json!(10), json!(20), json!(50)]);
    for (since, until, sent, expected) in cases {
        let range = Range { since: since.map(Into::into), until: until.map(Into::into) };
        let wanted = PageRequest { range: Some(range), ..wanted(Some(&mark)) };
        assert_eq!(query(&config, &wanted), pairs(sent));
        let got = page(&planned(&config), &wanted, &ok(&rows)).unwrap();
        assert_eq!((kept(&got), got.watermark), (expected, None), "{sent:?}");
    }
}

#[test]
fn a_range_that_nothing_lies_in_is_refused() {
    let asked = |more: Value, since: &str, until: &str| {
        let mut incremental = json!({"cursor_path": "at"});
        for (key, value) in more.as_object().unwrap() {
            incremental[key] = value.clone();
        }
        let range = Range { since: Some(since.into()), until: Some(until.into()) };
        let wanted = PageRequest { range: Some(range), ..wanted(None) };
        request(&planned(&config(incremental)), &wanted).map(|_| ())
    };
    let both = json!({"range_end": "closed"});
    assert!(asked(json!({}), "2024-05-01", "2024-05-02").is_ok());
    assert!(asked(both.clone(), "2024-05-01", "2024-05-01").is_ok());
    assert!(asked(json!({"last_value_func": "min"}), "9", "3").is_ok());
    for (more, since, until) in [
        (json!({}), "2024-05-02", "2024-05-01"),
        (json!({}), "2024-05", "2024-05-01T00:00:00Z"),
        (json!({"range_end": "closed", "range_start": "open"}), "5", "5"),
        (both, "6", "5"),
        (json!({"last_value_func": "min"}), "3", "9"),
    ] {
        assert!(matches!(asked(more, since, until), Err(Fault::InvalidConfig(_))), "{since} {until}");
    }
}

#[test]
fn numbers_written_as_text_are_not_lost() {
    let config = config(json!({"cursor_path": "at"}));
    let of = |cursors: &[&str]| rows(&cursors.iter().map(|at| json!(at)).collect::<Vec<_>>());
    let mark = read_page(&config, None, &of(&["8", "9"])).unwrap().watermark.unwrap();
    let error = bad(read_page(&config, Some(&mark), &of(&["9", "10"])).unwrap_err());
    assert!(error.message.contains("\"10\"") && error.message.contains("tonumber"), "{}", error.message);
    // Where both orders agree, nothing is lost; other texts have one order only.
    assert_eq!(kept(&read_page(&config, Some(&mark), &of(&["7", "91", "9a", "1a"])).unwrap()), [1, 2]);
}

#[test]
fn a_lag_behind_a_great_number_stays_behind_it() {
    let config = config(json!({"cursor_path": "at", "lag": 1, "start_param": "since"}));
    for (at, since) in [("18446744073709551610", "18446744073709551609"), ("-5", "-6")] {
        let mark = Watermark { value: at.into(), order: Vec::new(), ties: Vec::new() };
        assert_eq!(query(&config, &wanted(Some(&mark))), pairs(&[("since", since)]));
    }
}

#[test]
fn a_text_among_times_moves_no_watermark() {
    let config = config(json!({"cursor_path": "at"}));
    let order = |at: Value| read_page(&config, None, &rows(&[at])).unwrap().watermark.unwrap().order;
    assert!(order(json!("")) < order(json!("2024-05-01")) && order(json!("n/a")) < order(json!(0)));
}

#[test]
fn an_end_in_the_config_keeps_no_watermark() {
    let config = config(json!({"cursor_path": "at", "initial_value": 1, "end_value": 100}));
    let mark = Watermark { value: "50".into(), order: vec![1], ties: Vec::new() };
    let got = read_page(&config, Some(&mark), &rows(&[json!(5)])).unwrap();
    assert_eq!((got.kept, got.watermark), (1, None));
}

#[test]
fn row_order_ends_the_read_and_owes_no_total() {
    let of = |incremental: Value, cursors: &[u64]| {
        let config = endpoint(json!({
            "path": "rows", "data_selector": "data", "paginator": {"type": "offset", "limit": 3},
            "incremental": incremental
        }));
        let cursors: Vec<Value> = cursors.iter().map(|at| json!(at)).collect();
        let body = json!({"data": rows(&cursors), "total": 30});
        let page = page(&planned(&config), &wanted(None), &ok(body)).unwrap();
        (page.continuation, page.total, page.notices.iter().any(|notice| notice.code == "row-order"))
    };
    let goes_on = |of: &(Continuation, Option<u64>, bool)| matches!(of.0, Continuation::Next(_));
    let rising = json!({"cursor_path": "at", "initial_value": 1, "end_value": 9, "row_order": "asc"});
    assert_eq!(of(rising.clone(), &[7, 8, 9]), (Continuation::End, None, false));
    assert!(goes_on(&of(rising.clone(), &[6, 7, 8])), "read one after the other, not side by side");
    let broken = of(rising, &[9, 7, 8]);
    assert!(goes_on(&broken) && broken.2, "rows in another order end nothing");
    let open = json!({"cursor_path": "at", "initial_value": 1, "row_order": "asc"});
    assert_eq!(of(open, &[7, 8, 9]).1, Some(30), "nothing ends it early");
    let falling = json!({"cursor_path": "at", "initial_value": 5, "row_order": "desc"});
    assert_eq!(of(falling.clone(), &[6, 5, 4]), (Continuation::End, None, false));
    assert!(goes_on(&of(falling.clone(), &[7, 6, 5])));
    let least =
        json!({"cursor_path": "at", "initial_value": 5, "last_value_func": "min", "row_order": "asc"});
    assert_eq!(of(least, &[4, 5, 6]).0, Continuation::End);
    let config = endpoint(json!({
        "path": "rows", "incremental": {"cursor_path": "at", "row_order": "asc"}, "paginator": "single_page"
    }));
    assert!(planned(&config).source_info().resources[0].incremental.clone().unwrap().sorted);
}

#[test]
fn configs_that_say_too_little_or_too_much_are_refused() {
    let of = |incremental: Value| refused(&config(incremental));
    let at = "/resources/0/endpoint/incremental";
    let cases = [
        (json!({}), vec![format!("{at}/cursor_path: `cursor_path` is missing")]),
        (
            json!("at"),
            vec![format!("{at}: `incremental` (an object) is expected here, but this is a string")],
        ),
        (
            json!({"cursor_path": "at", "end_value": 5}),
            vec![format!("{at}/end_value: `end_value` needs an `initial_value`: a range has two ends")],
        ),
        (
            json!({"cursor_path": "at", "initial_value": 6, "end_value": 5}),
            vec![format!("{at}/end_value: nothing lies between 6 and 5")],
        ),
        (
            json!({"cursor_path": "at", "initial_value": true}),
            vec![format!(
                "{at}/initial_value: this is a boolean, which cannot be compared with a row's cursor"
            )],
        ),
        (json!({"cursor_path": "at", "lag": -1}), vec![format!("{at}/lag: `lag` is a number, 0 or more")]),
        (
            json!({"cursor_path": "at", "row_order": "ascending"}),
            vec![format!("{at}/row_order: unknown `row_order`: `ascending`")],
        ),
        (json!({"cursor_path": "a..["}), Vec::new()),
        (
            json!({"cursor_path": "at", "transform": "."}),
            vec![format!("{at}/transform: unknown key `transform` in `incremental`")],
        ),
    ];
    for (incremental, expected) in cases {
        let got = of(incremental);
        assert!(if expected.is_empty() { got.len() == 1 } else { got == expected }, "{got:?}");
    }
    let two = json!({"type": "incremental", "cursor_path": "at"});
    let got = refused(&endpoint(json!({"path": "p", "params": {"a": two, "b": two}})));
    assert_eq!(
        got,
        ["/resources/0/endpoint/params/b: an endpoint is incremental by one cursor, and there is another"]
    );
    let ends = json!({"type": "incremental", "cursor_path": "at", "initial_value": 1, "end_value": 2});
    assert_eq!(refused(&endpoint(json!({"path": "p", "params": {"a": ends}}))).len(), 1);
    for params in [json!({"a": "{incremental.start_value}"}), json!({"a": "{incremental.then}"})] {
        assert_eq!(refused(&endpoint(json!({"path": "p", "params": params}))).len(), 1);
    }
    let text = json!({"path": "p/{incremental.start_value}/x", "incremental": {"cursor_path": "at"}});
    assert_eq!(refused(&endpoint(text)).len(), 1);
}

#[test]
fn a_cursor_may_stand_anywhere_in_a_row() {
    let rows = json!([
        {"id": 0, "events": [{"type": "a"}, {"type": "b", "at": 1}]}, {"id": 1, "events": [{"at": 5}, {"at": 1}]}
    ]);
    for (path, expected) in
        [("events[*].at", vec![1]), ("events[-1].at", vec![]), ("$.events[0].at", vec![1])]
    {
        let incremental =
            json!({"cursor_path": path, "initial_value": 2, "on_cursor_value_missing": "exclude"});
        assert_eq!(kept(&read_page(&config(incremental), None, &rows).unwrap()), expected, "{path}");
    }
}

/// Watermarks of the pages of one run, put together as a host does.
fn put_together(since: Option<Watermark>, pages: &[Page]) -> Option<Watermark> {
    let mut best = since;
    for mark in pages.iter().filter_map(|page| page.watermark.clone()) {
        best = match best {
            Some(held) if held.order > mark.order => Some(held),
            Some(mut held) if held.order == mark.order => {
                held.ties.extend(mark.ties);
                Some(held)
            }
            _ => Some(mark),
        };
    }
    best
}

proptest! {
    /// Rows in any order, in pages of any size, more of them and of any newness each run: as long as none comes that is
    /// older than what has been read, each is read once.
    #[test]
    fn each_row_is_read_once(
        runs in proptest::collection::vec(proptest::collection::vec((0u64..6, any::<u8>()), 0..12), 1..5),
        size in 1usize..5,
        func in prop_oneof!["max", "min"],
        as_time in any::<bool>(),
        ahead in any::<bool>(),
    ) {
        let config = config(json!({"cursor_path": "at", "last_value_func": func}));
        let plan = planned(&config);
        let (mut all, mut seen) = (Vec::new(), Vec::new());
        let (mut since, mut floor, mut id) = (None, 0, 0);
        for (run, new) in runs.iter().enumerate() {
            let day = |at: u64| if ahead { at * 3 } else { at };
            for (step, order) in new {
                let at = floor + step;
                let at = if func == "max" { at } else { 1_000 - at };
                // Beside the clock: some rows lie beyond the start of the run that reads them.
                let cursor = if as_time {
                    let seconds = NOW_MS as i64 / 1000 + day(at) as i64;
                    json!(crate::instant::Instant::of_seconds(seconds).write(crate::instant::Instant::read("2024-06-01T00:00:00Z").unwrap().1))
                } else {
                    json!(at)
                };
                all.push((*order, json!({"id": id, "at": cursor})));
                id += 1;
            }
            all.sort_by_key(|(order, _)| *order);
            let now_ms = NOW_MS + run as u64 * 4_000;
            let pages: Vec<Page> = all
                .chunks(size)
                .map(|rows| {
                    let rows: Value = rows.iter().map(|(_, row)| row.clone()).collect();
                    let wanted = PageRequest { since: since.clone(), now_ms, ..first_page("r") };
                    page(&plan, &wanted, &ok(rows)).unwrap()
                })
                .collect();
            seen.extend(pages.iter().flat_map(kept));
            since = put_together(since, &pages);
            floor += new.iter().map(|(step, _)| *step).max().unwrap_or(0);
        }
        let once: BTreeSet<u64> = seen.iter().copied().collect();
        prop_assert_eq!(once.len(), seen.len(), "a row came twice");
        prop_assert_eq!(once.len() as u64, id, "a row was left out");
    }
}

#[test]
fn rows_that_dlt_has_read_are_not_read_again() {
    let since = |ties: &[&str]| Watermark {
        value: "\"2024-01-03\"".into(),
        order: Vec::new(),
        ties: ties.iter().map(|tie| (*tie).to_owned()).collect(),
    };
    let came = json!([
        {"id": 5, "at": "2024-01-03"}, {"id": 6, "at": "2024-01-03"}, {"id": 5, "at": "2024-01-04"}
    ]);
    let by_key = config(json!({"cursor_path": "at", "primary_key": "id"}));
    let by_row = config(json!({"cursor_path": "at"}));
    for (config, tie, ids) in [
        (&by_key, "dlt:tIXXf9wiHssy", vec![6, 5]),
        (&by_key, "dlt:mSlPEiqP9O6/", vec![6, 5]),
        (&by_key, "dlt:other", vec![5, 6, 5]),
        // `{"at":"2024-01-03","id":6}`
        (&by_row, "dlt:6LY9SDL7uuX9", vec![5, 5]),
    ] {
        let page = read_page(config, Some(&since(&[tie, "dlt:"])), &came).unwrap();
        assert_eq!(kept(&page), ids, "{tie}");
        // From here on it is a watermark like any other.
        let mark = page.watermark.unwrap();
        assert_eq!(mark.value, "\"2024-01-04\"");
        assert!(mark.ties.iter().all(|tie| !tie.starts_with("dlt:")));
    }
}
