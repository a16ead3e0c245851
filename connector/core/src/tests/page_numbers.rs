//! Page numbers: dlt's rule R, each option, and what is refused rather than lost.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::walk::*;
use super::*;

/// Pages of two, numbered from `base`, and what stands beside the rows.
fn pages_of(count: u64, base: u64, beside: Value) -> impl FnMut(&Asked) -> Response {
    move |asked| {
        let page = asked.number("page").unwrap_or(base).saturating_sub(base);
        let mut body = json!({"data": ids((page * 2).min(count), (page * 2 + 2).min(count))});
        body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        ok(body)
    }
}

fn by(options: Value) -> Value {
    let mut paginator = json!({"type": "page_number"});
    paginator.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    paged(paginator)
}

fn numbers(walk: &Walk) -> Vec<&str> {
    walk.asked.iter().map(|asked| asked.trim_start_matches("/rows?page=")).collect()
}

#[test]
fn pages_are_counted_from_their_base() {
    // options, beside the rows, the pages asked for, the rows
    let cases = [
        (json!({"total_path": "pages"}), 0, json!({"pages": 3}), vec!["0", "1", "2"], 0..5),
        (json!({"total_path": "pages", "base_page": 1}), 1, json!({"pages": 3}), vec!["1", "2", "3"], 0..5),
        (json!({"total_path": "pages", "base_page": 1}), 1, json!({"pages": "3"}), vec!["1", "2", "3"], 0..5),
        (
            json!({"total_path": "pages", "base_page": 1, "page": 2}),
            1,
            json!({"pages": 3}),
            vec!["2", "3"],
            2..5,
        ),
        (json!({"total_path": "pages", "base_page": 1, "page": 3}), 1, json!({"pages": 3}), vec!["3"], 4..5),
        // Without a total the empty page ends it.
        (json!({"total_path": null, "base_page": 1}), 1, json!({}), vec!["1", "2", "3", "4"], 0..5),
        (json!({"base_page": 1}), 1, json!({}), vec!["1", "2", "3", "4"], 0..5),
        // dlt's default may count rows; the empty page proves it.
        (json!({"base_page": 1}), 1, json!({"total": 5}), vec!["1", "2", "3", "4"], 0..5),
        (
            json!({"total_path": "meta[0].count", "base_page": 1}),
            1,
            json!({"meta": [{"count": 5}]}),
            vec!["1", "2", "3", "4"],
            0..5,
        ),
        (json!({"base_page": 1}), 1, json!({"total": 3}), vec!["1", "2", "3"], 0..5),
        (json!({"base_page": 1, "page": 2}), 1, json!({"total": 5}), vec!["2", "3", "4"], 2..5),
    ];
    for (options, base, beside, asked, rows) in cases {
        let walk = walk(&by(options.clone()), pages_of(5, base, beside.clone())).unwrap();
        assert_eq!(numbers(&walk), asked, "{options} {beside}");
        assert_eq!(walk.ids, rows.collect::<Vec<_>>(), "{options} {beside}");
        assert!(walk.notices.is_empty() && walk.limit.is_none());
    }
}

#[test]
fn a_total_is_given_on_only_when_it_surely_counts_rows() {
    let rows = walk(&by(json!({"base_page": 1})), pages_of(5, 1, json!({"total": 5}))).unwrap();
    assert_eq!(rows.totals, [None, None, None, Some(5)]);
    let pages = walk(&by(json!({"total_path": "pages"})), pages_of(5, 0, json!({"pages": 3}))).unwrap();
    assert_eq!(pages.totals, [None; 3]);
}

#[test]
fn a_total_of_pages_lets_them_be_read_side_by_side() {
    let config = by(json!({"total_path": "meta.last_page", "base_page": 1}));
    let walk = walk(&config, pages_of(1201, 1, json!({"meta": {"last_page": 601}}))).unwrap();
    assert_eq!((walk.ids, walk.asked.len(), walk.largest_rest), ((0..1201).collect(), 601, 256));
    // One that may count rows does not: they would be asked for beyond the end.
    let config = by(json!({"total_path": "meta.n", "base_page": 1}));
    let walk = super::walk::walk(&config, pages_of(9, 1, json!({"meta": {"n": 9}}))).unwrap();
    assert_eq!((walk.ids.len(), walk.largest_rest, walk.asked.len()), (9, 0, 6));
    // A page that grows out of the end is found by the open tail.
    let config = by(json!({"total_path": "pages", "base_page": 1}));
    let grown = |asked: &Asked| {
        let page = asked.number("page").unwrap();
        ok(json!({"data": ids(page * 2, page * 2 + 2), "pages": if page == 1 { 3 } else { 4 }}))
    };
    assert_eq!(numbers(&super::walk::walk(&config, grown).unwrap()), ["1", "2", "3", "4"]);
    let huge = ok("{\"data\":[{\"id\":1}],\"pages\":1e300}");
    let Continuation::Rest(rest) = page(&planned(&config), &first_page("r"), &huge).unwrap().continuation
    else {
        panic!()
    };
    assert_eq!((rest.len(), rest[0].as_str()), (256, "{\"p\":2,\"e\":3,\"t\":18446744073709551615}"));
}

#[test]
fn the_maximum_is_exclusive_and_said() {
    for (total_path, beside) in [(json!(null), json!({})), (json!("pages"), json!({"pages": 9}))] {
        let options = json!({"base_page": 1, "total_path": total_path, "maximum_page": 3});
        let walk = walk(&by(options), pages_of(18, 1, beside)).unwrap();
        assert_eq!((numbers(&walk), walk.limit.as_deref()), (vec!["1", "2"], Some("maximum_page 3")));
    }
    let options = json!({"base_page": 1, "total_path": "pages", "maximum_page": 4});
    let walk = walk(&by(options), pages_of(6, 1, json!({"pages": 3}))).unwrap();
    assert_eq!((walk.asked.len(), walk.limit), (3, None), "the end and the limit meet");
}

#[test]
fn an_empty_page_is_no_end_while_the_total_says_more() {
    let hole = |beside: Value| {
        move |asked: &Asked| {
            let page = asked.number("page").unwrap();
            let mut body = json!({"data": if page == 2 { json!([]) } else { ids(page * 2, page * 2 + 2) }});
            body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
            ok(body)
        }
    };
    let config = |options: Value| {
        let mut all = json!({"base_page": 1, "total_path": "pages"});
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        by(all)
    };
    let error = walk(&config(json!({})), hole(json!({"pages": 4}))).unwrap_err();
    assert_eq!(error, "page 2 is empty while `pages` says 4");
    let error = walk(&by(json!({"base_page": 1})), hole(json!({"total": 4}))).unwrap_err();
    assert_eq!(error, "page 2 is empty while `total` says 4");
    // Holes are expected: all other pages are read.
    let go_on = walk(&config(json!({"stop_after_empty_page": false})), hole(json!({"pages": 4}))).unwrap();
    assert_eq!((go_on.ids, go_on.asked.len()), (vec![2, 3, 6, 7, 8, 9], 4));
    // An envelope without a thought does not make it the end; a total that fell does.
    let thoughtless = |asked: &Asked| {
        let page = asked.number("page").unwrap();
        let rows = if page == 1 { ids(0, 2) } else { json!([]) };
        ok(json!({"data": rows, "pages": if page == 1 { 4 } else { 0 }}))
    };
    assert!(walk(&config(json!({})), thoughtless).unwrap_err().contains("page 2 is empty"));
    let fell = |asked: &Asked| {
        let page = asked.number("page").unwrap();
        let rows = if page < 3 { ids(page * 2, page * 2 + 2) } else { json!([]) };
        ok(json!({"data": rows, "pages": if page == 1 { 4 } else { 2 }}))
    };
    assert_eq!(walk(&config(json!({})), fell).unwrap().ids, [2, 3, 4, 5]);
}

#[test]
fn a_flag_leads_page_by_page() {
    let config = |options: Value| {
        let mut all = json!({"total_path": null, "has_more_path": "more"});
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        by(all)
    };
    let flagged = |asked: &Asked| {
        let page = asked.number("page").unwrap();
        let rows = if page == 1 { json!([]) } else { ids(page * 2, page * 2 + 2) };
        ok(json!({"data": rows, "more": page < 3}))
    };
    // dlt ends at the empty page; it is said.
    let ended = walk(&config(json!({})), flagged).unwrap();
    assert_eq!((numbers(&ended), ended.notices[0].code), (vec!["0", "1"], "empty-page-ended"));
    let on = walk(&config(json!({"stop_after_empty_page": false})), flagged).unwrap();
    assert_eq!((numbers(&on), &on.ids), (vec!["0", "1", "2", "3"], &vec![0, 1, 4, 5, 6, 7]));
    let missing = walk(&config(json!({})), pages_of(5, 0, json!({}))).unwrap_err();
    assert_eq!(missing, "nothing usable at has_more_path `more`: it is missing");
    let for_ever = |_: &Asked| ok(json!({"data": [], "more": true}));
    let error = walk(&config(json!({"stop_after_empty_page": false})), for_ever).unwrap_err();
    assert_eq!(error, "1000 pages came without a row, one after the other");
}

#[test]
fn totals_that_cannot_be_are_not_believed() {
    // Rows beside a total of none.
    let walk_of = |beside: Value| walk(&by(json!({"base_page": 1})), pages_of(5, 1, beside)).unwrap().ids;
    for total in [json!(0), json!("many"), json!(-1), json!([]), json!(null)] {
        assert_eq!(walk_of(json!({"total": total})), [0, 1, 2, 3, 4], "{total}");
    }
    let named = by(json!({"total_path": "meta.pages"}));
    let error = walk(&named, pages_of(5, 0, json!({}))).unwrap_err();
    assert_eq!(
        error,
        "nothing at total_path `meta.pages`; write `total_path: null` if the API gives no total"
    );
    let mut ignored = by(json!({"base_page": 1}));
    ignored["resources"][0]["total"] = json!("ignore");
    assert_eq!(walk(&ignored, pages_of(5, 1, json!({"total": 2}))).unwrap().ids.len(), 5);
}

#[test]
fn a_server_that_ignores_the_number_is_found_out() {
    for beside in [json!({}), json!({"pages": 4})] {
        let total_path = if beside["pages"].is_null() { Value::Null } else { json!("pages") };
        let same = |_: &Asked| {
            let mut body = json!({"data": ids(0, 2)});
            body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
            ok(body)
        };
        assert_eq!(walk(&by(json!({"total_path": total_path})), same).unwrap_err(), "the same page twice");
    }
}

#[test]
fn options_that_cannot_be_are_refused() {
    let refuse = |options: Value, words: &str| {
        let messages = refused(&by(options)).join("\n");
        assert!(messages.contains(words), "{messages}");
    };
    refuse(json!({"total_path": null, "stop_after_empty_page": false}), "nothing would ever end");
    refuse(json!({"base_page": 1, "page": 0}), "page 0 would come before `base_page` 1");
    refuse(json!({"base_page": -1}), "a whole number");
    refuse(json!({"page_param": ""}), "the name of a parameter is empty");
    refuse(json!({"page_parm": "p"}), "unknown key `page_parm` in a paginator of type `page_number`");
    let twice = endpoint(json!({"path": "rows?page=1", "paginator": "page_number"}));
    assert!(refused(&twice)[0].contains("`page` is in the path's query, and the paginator sets it too"));
    let config = endpoint(json!({"path": "rows", "params": {"page": 7}, "paginator": "page_number"}));
    let plan = planned(&config);
    assert_eq!(request(&plan, &first_page("r")).unwrap().url, "https://api.test/rows?page=0");
    assert_eq!(plan.source_info().notices[0].code, "param-overridden");
}
