//! Eighteen cases of offset paging (O1 to O18), and the edges that they leave open.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn by(limit: u64) -> Value {
    offset_config(json!({"type": "offset", "limit": limit}))
}

fn without_total(limit: u64) -> Value {
    offset_config(json!({"type": "offset", "limit": limit, "total_path": null}))
}

/// An honest server with `count` rows that gives no more than `cap` of them at once.
fn honest(count: u64, cap: u64) -> impl FnMut(u64, u64) -> Value {
    move |offset, limit| json!({"data": ids(offset, (offset + limit.min(cap)).min(count)), "total": count})
}

fn bare(count: u64, cap: u64) -> impl FnMut(u64, u64) -> Value {
    move |offset, limit| json!({"data": ids(offset, (offset + limit.min(cap)).min(count))})
}

fn all(count: u64) -> Vec<u64> {
    (0..count).collect()
}

#[test]
fn o1_the_next_offset_counts_the_rows() {
    let read = read(&without_total(2), bare(7, 2)).unwrap();
    assert_eq!(read.asked, [(0, 2), (2, 2), (4, 2), (6, 2), (7, 2)]);
    assert_eq!(read.ids, all(7));
}

#[test]
fn o2_a_short_page_ends_it_where_a_total_proves_it() {
    let read = read(&by(3), honest(5, 3)).unwrap();
    assert_eq!(read.asked, [(0, 3), (3, 3)]);
    assert_eq!(read.ids, all(5));
}

#[test]
fn o3_an_empty_page_ends_it_where_no_total_is_given() {
    assert_eq!(read(&without_total(3), bare(0, 3)).unwrap().asked, [(0, 3)]);
    assert_eq!(read(&by(3), |_, _| json!({"data": []})).unwrap().asked, [(0, 3)]);
}

#[test]
fn o4_a_missing_record_path_is_an_error() {
    let error = read(&by(3), |_, _| json!({})).unwrap_err();
    assert!(error.contains("nothing at data_selector `data`"), "{error}");
    let config = endpoint(json!({
        "path": "rows", "data_selector": "data", "empty_ok": true, "paginator": {"type": "offset", "limit": 3}
    }));
    assert!(read(&config, |_, _| json!({})).unwrap().ids.is_empty());
    // Also on a later page.
    let error = read(
        &by(3),
        |offset, limit| if offset == 0 { honest(9, 3)(offset, limit) } else { json!({"total": 9}) },
    );
    assert!(error.unwrap_err().contains("nothing at data_selector"));
}

#[test]
fn o5_the_first_request_carries_its_offset() {
    assert_eq!(read(&by(4), honest(4, 4)).unwrap().asked, [(0, 4)]);
    let config = offset_config(json!({"type": "offset", "limit": 4, "offset": 6}));
    let read = read(&config, honest(13, 4)).unwrap();
    assert_eq!(read.asked, [(6, 4), (10, 4)]);
    assert_eq!(read.ids, (6..13).collect::<Vec<_>>());
    assert_eq!(read.totals[0], Some(7), "rows that this read yields, not rows that there are");
}

#[test]
fn o6_the_page_size_is_the_one_that_is_given() {
    // The server says `limit: 5` and gives 2: its rows count, not its word.
    let read =
        read(&without_total(9), |offset, _| json!({"data": ids(offset, (offset + 2).min(6)), "limit": 5}))
            .unwrap();
    assert_eq!(read.asked, [(0, 9), (2, 9), (4, 9), (6, 9)]);
    assert_eq!(read.ids, all(6));
}

#[test]
fn o7_bad_options_are_refused_before_the_first_request() {
    let refuse = |paginator: Value, words: &str| {
        let messages = refused(&offset_config(paginator)).join("\n");
        assert!(messages.contains(words), "{messages}");
    };
    refuse(
        json!({"type": "offset", "limit": "invalid value"}),
        "/resources/0/endpoint/paginator/limit: a whole number",
    );
    refuse(json!({"type": "offset"}), "needs `limit`");
    refuse(json!("offset"), "needs `limit`");
    refuse(json!({"type": "offset", "limit": 0}), "0 rows");
    refuse(
        json!({"type": "offset", "limit": 5, "offset_param": "p", "limit_param": "p"}),
        "cannot carry both",
    );
    refuse(
        json!({"type": "offset", "limit": 5, "total_path": null, "stop_after_empty_page": false}),
        "nothing would ever end",
    );
    refuse(json!({"type": "offset", "limit": 5, "total_path": "a["}), "no JSONPath");
    refuse(json!({"type": "offset", "limit": -1}), "a whole number");
}

#[test]
fn o8_a_filter_that_drops_every_row_does_not_stop_the_reading() {
    let config = endpoint(json!({
        "path": "rows", "data_selector": "data[?@.id >= 8]", "paginator": {"type": "offset", "limit": 4}
    }));
    let plan = planned(&config);
    let wanted = first_page("r");
    let got = page(&plan, &wanted, &ok(json!({"data": ids(0, 4), "total": 10}))).unwrap();
    assert_eq!((got.received, got.kept), (4, 0));
    assert!(matches!(got.continuation, Continuation::Rest(_)));
    // The rows of a span that are not owed are dropped by their place, not by their number.
    let Continuation::Rest(rest) = got.continuation else { panic!() };
    let second = PageRequest { cursor: Some(rest[0].clone()), ..wanted };
    let got = page(&plan, &second, &ok(json!({"data": ids(4, 12), "total": 20}))).unwrap();
    assert_eq!((got.received, got.kept), (4, 0));
}

#[test]
fn rows_within_entries_are_paged_by_the_entries() {
    let config = endpoint(json!({
        "path": "rows", "data_selector": "data[*].rows", "paginator": {"type": "offset", "limit": 4}
    }));
    let plan = planned(&config);
    let cursor = |text: &str| PageRequest { cursor: Some(text.into()), ..first_page("r") };
    let two = json!({"data": [{"rows": [1, 2]}, {"rows": [3]}], "total": 2});
    let got = page(&plan, &first_page("r"), &ok(&two)).unwrap();
    assert_eq!((got.kept, got.continuation), (2, Continuation::End));
    // One entry that holds a list: all of its rows are kept, and count as one step.
    let one = json!({"data": [{"rows": [1, 2, 3]}], "total": 2});
    let got = page(&plan, &first_page("r"), &ok(&one)).unwrap();
    assert_eq!((rows_text(&got), got.received), ("1\n2\n3\n", 3));
    assert_eq!(got.continuation, Continuation::Next("{\"o\":1,\"t\":2}".into()));
    let owed = page(&plan, &cursor("{\"o\":0,\"e\":1,\"t\":2}"), &ok(&two)).unwrap();
    assert_eq!((rows_text(&owed), &owed.continuation), ("[1,2]\n", &Continuation::End));
}

#[test]
fn o9_exact_multiples_make_no_extra_request_with_a_total() {
    assert_eq!(read(&by(100), honest(1000, 100)).unwrap().asked.len(), 10);
    let without = read(&without_total(100), bare(1000, 100)).unwrap();
    assert_eq!((without.asked.len(), without.ids.len()), (11, 1000));
}

#[test]
fn o10_a_short_page_in_the_middle_leaves_no_hole() {
    let mut first = true;
    let read = read(&by(1000), |offset, limit| {
        let short = offset == 1000 && std::mem::take(&mut first);
        let end = if short { 1999 } else { (offset + limit).min(2500) };
        json!({"data": ids(offset, end), "total": 2500})
    })
    .unwrap();
    assert_eq!(read.ids, all(2500));
    assert_eq!(
        read.asked,
        [(0, 1000), (1000, 1000), (1999, 1), (2000, 1000)],
        "a remainder asks for what is missing"
    );
}

#[test]
fn o11_an_empty_page_in_the_middle_is_tried_again_and_then_an_error() {
    let mut left = 2;
    let twice = read(&by(1000), |offset, limit| {
        if offset == 1000 && left > 0 {
            left -= 1;
            return json!({"data": [], "total": 2500});
        }
        honest(2500, 1000)(offset, limit)
    });
    assert_eq!(twice.unwrap().ids, all(2500));
    for total in [json!(2500), Value::Null] {
        let error = read(&by(1000), |offset, limit| match offset {
            1000 => json!({"data": [], "total": total}),
            _ => honest(2500, 1000)(offset, limit),
        });
        assert!(error.unwrap_err().starts_with("empty page at offset 1000 while the total says 2500"));
    }
    let first = read(&by(1000), |_, _| json!({"data": [], "total": 2500})).unwrap_err();
    assert!(first.starts_with("empty page at offset 0"), "{first}");
}

#[test]
fn o12_a_server_that_ignores_the_offset_is_caught_by_the_host() {
    // The guest keeps no state: it passes the same page on each time, and the host sees that it is the same.
    for config in [by(10), without_total(10)] {
        let error = read(&config, |_, _| json!({"data": ids(0, 10), "total": 40})).unwrap_err();
        assert_eq!(error, "the same page twice");
    }
}

#[test]
fn o13_a_server_that_caps_the_limit_is_read_by_what_it_gives() {
    let read = read(&by(1000), honest(2500, 100)).unwrap();
    assert_eq!(read.ids, all(2500));
    assert_eq!(read.asked.len(), 25);
    assert!(read.asked.iter().all(|(offset, limit)| offset % 100 == 0 && *limit == 1000));
    assert_eq!(super::read(&without_total(1000), bare(2500, 100)).unwrap().ids, all(2500));
}

#[test]
fn o14_totals_as_text_null_shrinking_or_growing() {
    let with = |total: fn(u64) -> Value, count: u64| {
        read(
            &by(10),
            move |offset, limit| json!({"data": ids(offset, (offset + limit).min(count)), "total": total(offset)}),
        )
    };
    let text = with(|_| json!(" 25 "), 25).unwrap();
    assert_eq!((text.ids, text.asked.len()), (all(25), 3));
    assert_eq!(with(|_| json!(25.0), 25).unwrap().asked.len(), 3);
    let null = with(|_| Value::Null, 25).unwrap();
    assert_eq!((null.ids, null.asked.len()), (all(25), 4));
    assert_eq!(with(|_| json!({"value": 25}), 25).unwrap().ids, all(25));
    assert_eq!(with(|_| json!(-1), 25).unwrap().ids, all(25));
    let lost = with(|offset| if offset == 0 { json!(25) } else { Value::Null }, 25).unwrap();
    assert_eq!((lost.ids, lost.asked.len()), (all(25), 3), "the last known total still counts");
    let shrunk = with(|offset| json!(if offset < 10 { 40 } else { 25 }), 25).unwrap();
    assert_eq!(shrunk.ids, all(25));
    assert_eq!(shrunk.totals.last().unwrap(), &Some(25));
    let grown = with(|offset| json!(if offset < 20 { 25 } else { 47 }), 47).unwrap();
    assert_eq!(grown.ids, all(47), "the open tail asks for what has been added");
}

#[test]
fn o15_a_maximum_stops_and_says_so() {
    let config = |total: Value| {
        offset_config(json!({"type": "offset", "limit": 100, "maximum_offset": 250, "total_path": total}))
    };
    for total in [json!("total"), Value::Null] {
        let read = read(&config(total), honest(1000, 100)).unwrap();
        assert_eq!(
            read.asked,
            [(0, 100), (100, 100), (200, 100)],
            "as dlt: no request starts at the maximum or beyond"
        );
        assert_eq!(read.ids, all(300));
        assert_eq!(read.limit.as_deref(), Some("maximum_offset 250"));
    }
    // All read before the maximum: no limit was met.
    assert_eq!(read(&config(json!("total")), honest(240, 100)).unwrap().limit, None);
    assert_eq!(read(&config(json!("total")), honest(300, 100)).unwrap().limit, None);
    let short = read(&config(json!("total")), honest(1000, 30)).unwrap();
    assert_eq!((short.ids, short.limit.is_some()), (all(270), true));
}

#[test]
fn o16_nothing_is_one_request() {
    let read = read(&by(10), honest(0, 10)).unwrap();
    assert_eq!((read.asked.len(), read.ids.len(), read.totals), (1, 0, vec![Some(0)]));
}

#[test]
fn o17_the_total_is_handed_to_the_host_which_compares() {
    let read = read(&by(10), honest(25, 10)).unwrap();
    assert_eq!(read.totals, [Some(25), Some(25), Some(25)]);
}

#[test]
fn o18_the_last_page_ends_it_without_another_request() {
    assert_eq!(read(&by(100), honest(100, 100)).unwrap().asked.len(), 1);
    assert_eq!(read(&by(100), honest(101, 100)).unwrap().asked, [(0, 100), (100, 100)]);
    assert_eq!(read(&by(100), honest(30, 100)).unwrap().asked.len(), 1);
}

#[test]
fn a_total_below_the_rows_is_a_lie_and_reading_goes_on() {
    let read =
        read(&by(10), |offset, limit| json!({"data": ids(offset, (offset + limit).min(35)), "total": 0}))
            .unwrap();
    assert_eq!(read.ids, all(35));
    assert_eq!(read.totals, [None, None, None, None, Some(0)]);
}

#[test]
fn a_server_that_ignores_the_limit_gives_each_row_once() {
    let read =
        read(&by(10), |offset, _| json!({"data": ids(offset, (offset + 15).min(70)), "total": 70})).unwrap();
    assert_eq!(read.ids, all(70));
    // All at once, whatever was asked.
    let read = super::read(&by(10), |offset, _| json!({"data": ids(offset, 70), "total": 70})).unwrap();
    assert_eq!((read.ids, read.asked.len()), (all(70), 1));
}

#[test]
fn a_huge_total_costs_no_more_than_256_cursors() {
    let plan = planned(&by(100));
    for total in ["1000000000000", "18446744073709551615", "1e300"] {
        let body = format!("{{\"data\":{},\"total\":{total}}}", ids(0, 100));
        let got = page(&plan, &first_page("r"), &ok(&body)).unwrap();
        let Continuation::Rest(rest) = got.continuation else { panic!() };
        assert_eq!(rest.len(), 256);
        assert!(rest[254].contains("\"e\":25600") && !rest[255].contains("\"e\""), "{}", rest[255]);
        let last = PageRequest { cursor: Some("{\"o\":18446744073709551600}".into()), ..first_page("r") };
        assert!(page(&plan, &last, &ok(&body)).is_ok());
    }
}

#[test]
fn many_spans_are_read_in_order() {
    let read = read(&by(3), honest(1700, 3)).unwrap();
    assert_eq!((read.ids, read.largest_rest), (all(1700), 256));
}

#[test]
fn has_more_leads_page_by_page() {
    let config = |total: Value| {
        offset_config(
            json!({"type": "offset", "limit": 2, "total_path": total, "has_more_path": "meta.more"}),
        )
    };
    let flagged = |words: [Value; 2]| move |offset: u64, _: u64| json!({"data": ids(offset, (offset + 2).min(5)), "meta": {"more": words[usize::from(offset < 4)]}});
    for words in [[json!(false), json!(true)], [json!("no"), json!("Yes")], [json!("0"), json!("1")]] {
        let read = read(&config(Value::Null), flagged(words)).unwrap();
        assert_eq!((read.ids, read.asked.len()), (all(5), 3));
    }
    let error = read(&config(Value::Null), |_, _| json!({"data": ids(0, 2)})).unwrap_err();
    assert_eq!(error, "nothing usable at has_more_path `meta.more`: it is missing");
    let error =
        read(&config(Value::Null), |_, _| json!({"data": ids(0, 2), "meta": {"more": 3}})).unwrap_err();
    assert_eq!(error, "nothing usable at has_more_path `meta.more`: 3");
    // Both must say more: the total ends it here.
    let both = read(
        &config(json!("total")),
        |offset, _| json!({"data": ids(offset, (offset + 2).min(4)), "total": 4, "meta": {"more": true}}),
    );
    assert_eq!(both.unwrap().asked.len(), 2);
    // dlt ends at an empty page, whatever the flag says; here it is said.
    let empty = read(
        &config(Value::Null),
        |offset, _| json!({"data": if offset == 0 { ids(0, 2) } else { json!([]) }, "meta": {"more": true}}),
    )
    .unwrap();
    assert_eq!((empty.ids, empty.notices[0].code), (all(2), "empty-page-ended"));
    let go_on = offset_config(json!({
        "type": "offset", "limit": 2, "total_path": null, "has_more_path": "meta.more", "stop_after_empty_page": false
    }));
    let error = read(&go_on, |_, _| json!({"data": [], "meta": {"more": true}})).unwrap_err();
    assert!(error.contains("`meta.more` says that more follows"), "{error}");
}

#[test]
fn without_a_stop_at_empty_pages_the_maximum_ends_it() {
    let config = offset_config(json!({
        "type": "offset", "limit": 2, "total_path": null, "maximum_offset": 8, "stop_after_empty_page": false
    }));
    let read = read(
        &config,
        |offset, limit| json!({"data": if offset == 2 { json!([]) } else { ids(offset, offset + limit) }}),
    )
    .unwrap();
    assert_eq!(read.asked, [(0, 2), (2, 2), (4, 2), (6, 2)]);
    assert_eq!((read.ids, read.limit.as_deref()), (vec![0, 1, 4, 5, 6, 7], Some("maximum_offset 8")));
}

#[test]
fn totals_may_be_estimates_or_ignored() {
    let config = |total: &str| {
        let mut config = by(10);
        config["resources"][0]["total"] = json!(total);
        config
    };
    let wrong = |offset: u64, limit: u64| json!({"data": ids(offset, (offset + limit).min(25)), "total": 30});
    let estimate = read(&config("estimate"), wrong).unwrap();
    assert_eq!((estimate.ids, estimate.asked.len(), estimate.totals[0]), (all(25), 4, Some(30)));
    let ignored = read(&config("ignore"), wrong).unwrap();
    assert_eq!((ignored.ids, ignored.totals[0]), (all(25), None));
    assert!(
        read(&config("exact"), wrong)
            .unwrap_err()
            .starts_with("empty page at offset 25 while the total says 30")
    );
    let info = planned(&config("estimate")).source_info();
    assert_eq!(info.resources[0].settings.as_deref(), Some("{\"total\":\"estimate\"}"));
}

#[test]
fn the_same_request_gives_the_same_page() {
    let plan = planned(&by(10));
    let wanted = PageRequest { cursor: Some("{\"o\":10,\"e\":20,\"t\":25}".into()), ..first_page("r") };
    let answer = ok(json!({"data": ids(10, 14), "total": 25}));
    let got = page(&plan, &wanted, &answer).unwrap();
    assert_eq!(got, page(&plan, &wanted, &answer).unwrap());
    assert_eq!(got.continuation, Continuation::Next("{\"o\":14,\"e\":20,\"l\":6,\"t\":25}".into()));
    for cursor in ["", "7", "{}", "{\"o\":-1}", "[1]"] {
        let wanted = PageRequest { cursor: Some(cursor.into()), ..first_page("r") };
        assert!(matches!(request(&plan, &wanted), Err(Fault::Other(_))), "{cursor}");
    }
}

#[test]
fn a_guessed_selector_stays_for_the_whole_read() {
    let config = endpoint(json!({"path": "rows", "paginator": {"type": "offset", "limit": 2}}));
    let plan = planned(&config);
    let got = page(&plan, &first_page("r"), &ok(json!({"data": ids(0, 2), "total": 4}))).unwrap();
    assert_eq!(got.notices[0].code, "selector-guessed");
    let Continuation::Next(cursor) = got.continuation else { panic!() };
    let second = PageRequest { cursor: Some(cursor), ..first_page("r") };
    let fault = page(&plan, &second, &ok(json!({"items": ids(2, 4), "total": 4}))).unwrap_err();
    assert!(bad(fault).message.contains("nothing at data_selector `data`: the answer has `items`, `total`"));
}

#[test]
fn a_total_is_the_first_match_of_its_path() {
    let with = |path: &str, body: fn(u64) -> Value| {
        let config = json!({"type": "offset", "limit": 2, "total_path": path});
        read(&offset_config(config), move |offset, _| body(offset)).unwrap().asked.len()
    };
    let body = |offset| json!({"data": ids(offset, (offset + 2).min(5)), "meta": [{"n": 1}, {"total": 5}]});
    for path in ["$..total", "meta[1].total", "meta[-1].total", "meta[*].total"] {
        assert_eq!(with(path, body), 3, "{path}");
    }
}

#[test]
fn a_total_that_the_config_names_must_be_there() {
    let config = |paginator: Value| offset_config(paginator);
    let named = config(json!({"type": "offset", "limit": 2, "total_path": "totl"}));
    let refused = read(&named, honest(5, 2)).unwrap_err();
    assert!(refused.to_string().contains("nothing at total_path `totl`"), "{refused}");
    let default = config(json!({"type": "offset", "limit": 2}));
    let without = |offset: u64, _: u64| json!({"data": ids(offset, (offset + 2).min(5))});
    assert_eq!(read(&default, without).unwrap().ids, all(5), "the default path is a guess, not a promise");
}
