//! Offset paging against servers that behave in every odd way, as whole runs: what was asked, which rows came, what was said.
//!
//! The numbers are those of the survey of other tools' offset paging: O1 to O18.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use sanderling_demo::{Options, Reply, start};
use serde_json::{Value, json};

use crate::program::{Folder, Ran};

/// What came of a run.
struct Came {
    ran: Ran,
    /// Offset and limit of each request, in their order.
    asked: Vec<(usize, usize)>,
    /// Of the rows, in their order.
    ids: Vec<i64>,
}

impl Came {
    #[track_caller]
    fn is(self, code: i32, asked: &[(usize, usize)], ids: std::ops::Range<i64>) -> Ran {
        assert_eq!(self.ran.code, Some(code), "{:?}\n{}", self.asked, self.ran.stderr);
        assert_eq!(self.asked, asked, "{}", self.ran.stderr);
        assert_eq!(self.ids, ids.collect::<Vec<_>>(), "{}", self.ran.stderr);
        self.ran
    }
}

/// Reads `/rows` by `paginator`. `answer` makes a page of offset, limit, and how often this offset has been asked for.
fn read(paginator: &Value, answer: impl Fn(usize, usize, usize) -> Value + Send + Sync + 'static) -> Came {
    read_with(&json!({"paginator": paginator, "data_selector": "data"}), &[], answer)
}

fn read_with(
    endpoint: &Value,
    args: &[&str],
    answer: impl Fn(usize, usize, usize) -> Value + Send + Sync + 'static,
) -> Came {
    let server = start(Options::default()).unwrap();
    let asked_before: std::sync::Mutex<HashMap<usize, usize>> = std::sync::Mutex::default();
    server.set_route("/rows", move |request| {
        let number = |name| request.number_param(name).unwrap();
        let nth = {
            let mut asked = asked_before.lock().unwrap();
            let nth = asked.entry(number("offset")).or_default();
            *nth += 1;
            *nth
        };
        Reply::json(200, answer(number("offset"), number("limit"), nth).to_string())
    });
    let folder = Folder::new();
    let mut endpoint = endpoint.clone();
    endpoint["path"] = json!("/rows");
    if endpoint.get("error_handler").is_none() {
        endpoint["error_handler"] = json!({"max_retries": 0});
    }
    let config = json!({
        "limits": {"concurrency": 1},
        "client": {"base_url": server.base_url()},
        "resources": [{"name": "rows", "write_disposition": "append", "endpoint": endpoint}],
    });
    folder.write("odd.json", &config.to_string());
    let ran = folder.run(&[&["run", "odd.json", "--to", "jsonl:out"], args].concat());
    let asked = server
        .requests()
        .iter()
        .map(|request| (request.number_param("offset").unwrap(), request.number_param("limit").unwrap()))
        .collect();
    let ids = match folder.path("out/rows.jsonl").exists() {
        true => folder.lines("out/rows.jsonl").iter().map(|line| id(line)).collect(),
        false => Vec::new(),
    };
    Came { ran, asked, ids }
}

fn id(line: &str) -> i64 {
    serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap()
}

/// A page of a server that has `rows` rows.
fn page(rows: usize, offset: usize, limit: usize, total: Value) -> Value {
    let ids = (0..rows).skip(offset).take(limit);
    json!({"data": ids.map(|id| json!({"id": id})).collect::<Vec<_>>(), "total": total})
}

fn by(limit: usize) -> Value {
    json!({"type": "offset", "limit": limit})
}

fn without_total(limit: usize) -> Value {
    json!({"type": "offset", "limit": limit, "total_path": null})
}

#[test]
fn o1_o2_o3_o5_steps_from_zero_by_what_came() {
    // With a total a short last page ends it.
    read(&by(3), |offset, limit, _| page(5, offset, limit, json!(5))).is(0, &[(0, 3), (3, 3)], 0..5);
    // Without one only an empty page does: a short one may be a server's whim.
    let asked = [(0, 2), (2, 2), (4, 2), (6, 2), (7, 2)];
    read(&without_total(2), |offset, limit, _| page(7, offset, limit, json!(99))).is(0, &asked, 0..7);
    // A path at which there is nothing is no total.
    let asked = [(0, 4), (4, 4), (7, 4)];
    read(&by(4), |offset, limit, _| json!({"data": page(7, offset, limit, json!(0))["data"]})).is(
        0,
        &asked,
        0..7,
    );
}

#[test]
fn o4_a_missing_record_path_is_an_error_unless_allowed() {
    let nothing = |_, _, _| json!({});
    read(&by(2), nothing).is(5, &[(0, 2)], 0..0).says(&["nothing at data_selector `data`", "empty_ok"]);
    let later =
        |offset, limit, _| if offset == 0 { page(6, 0, limit, json!(6)) } else { json!({"total": 6}) };
    read(&by(2), later).is(5, &[(0, 2), (2, 2)], 0..2);
    let allowed = json!({"paginator": by(2), "data_selector": "data", "empty_ok": true});
    read_with(&allowed, &[], nothing).is(0, &[(0, 2)], 0..0);
}

#[test]
fn o6_a_server_may_send_more_than_it_was_asked_for() {
    let five = |offset, _, _| page(12, offset, 5, json!(12));
    read(&by(2), five).is(0, &[(0, 2), (5, 2), (10, 2)], 0..12);
    let all = |_, _, _| page(12, 0, 12, json!(12));
    read(&by(2), all).is(0, &[(0, 2)], 0..12);
}

#[test]
fn o7_a_limit_that_is_no_number_is_refused_before_the_first_request() {
    for limit in [json!("invalid value"), json!(0), json!(-1), json!(2.5), json!(null)] {
        let paginator = json!({"type": "offset", "limit": limit});
        read(&paginator, |_, _, _| json!({})).is(2, &[], 0..0).says(&["limit"]);
    }
    read(&json!({"type": "offset"}), |_, _, _| json!({})).is(2, &[], 0..0).says(&["needs `limit`"]);
}

#[test]
fn o8_a_page_of_which_a_filter_leaves_nothing_is_not_the_end() {
    for total_path in [json!("total"), Value::Null] {
        let paginator = json!({"type": "offset", "limit": 2, "total_path": total_path});
        let endpoint = json!({"paginator": paginator, "data_selector": "$.data[?@.id >= 4]"});
        let came = read_with(&endpoint, &[], |offset, limit, _| page(6, offset, limit, json!(6)));
        assert_eq!((came.ran.code, came.ids), (Some(0), vec![4, 5]), "{}", came.ran.stderr);
    }
}

#[test]
fn o9_o18_an_exact_multiple_needs_no_further_request() {
    let asked = [(0, 2), (2, 2), (4, 2), (6, 2)];
    read(&by(2), |offset, limit, _| page(6, offset, limit, json!(6))).is(0, &asked[..3], 0..6);
    read(&without_total(2), |offset, limit, _| page(6, offset, limit, json!(6))).is(0, &asked, 0..6);
}

#[test]
fn o10_a_short_page_in_the_middle_leaves_no_hole() {
    let short =
        |offset, limit: usize, _| page(10, offset, if offset == 4 { limit - 1 } else { limit }, json!(10));
    read(&by(4), short).is(0, &[(0, 4), (4, 4), (7, 1), (8, 4)], 0..10);
    let short =
        |offset, limit: usize, _| page(10, offset, if offset == 4 { limit - 1 } else { limit }, json!(null));
    read(&by(4), short).is(0, &[(0, 4), (4, 4), (7, 4), (10, 4)], 0..10);
}

#[test]
fn o11_an_empty_page_in_the_middle_is_never_success() {
    let empty = |offset, limit, _| page(if offset == 4 { 0 } else { 10 }, offset, limit, json!(10));
    let ran = read(&by(4), empty).is(5, &[(0, 4), (4, 4)], 0..4);
    ran.says(&["empty page at offset 4 while the total says 10", "not everything is there"]);
    // One that was empty by mistake is asked for again.
    let once =
        |offset, limit, nth| page(if offset == 4 && nth == 1 { 0 } else { 10 }, offset, limit, json!(10));
    let patient = json!({
        "paginator": by(4), "data_selector": "data",
        "error_handler": {"max_retries": 1, "backoff_factor": 0.01},
    });
    read_with(&patient, &[], once).is(0, &[(0, 4), (4, 4), (4, 4), (8, 4)], 0..10);
}

#[test]
fn o12_a_server_that_ignores_the_offset_is_found_out() {
    let first = |_, limit, _| page(10, 0, limit, json!(10));
    let ran = read(&by(4), first).is(5, &[(0, 4), (4, 4)], 0..4);
    ran.says(&["page 2 holds the very rows of the page before it", "offset_param"]);
    let first = |_, limit, _| page(10, 0, limit, json!(null));
    read(&by(4), first).is(5, &[(0, 4), (4, 4)], 0..4).says(&["the API repeats itself"]);
    // One row may well be like the one before it, but not three.
    let came = read(&by(1), |_, _, _| page(1, 0, 1, json!(null)));
    assert_eq!((came.ran.code, came.asked.len(), came.ids), (Some(5), 3, vec![0, 0]), "{}", came.ran.stderr);
    came.ran.says(&["the API repeats itself"]);
}

#[test]
fn o13_a_server_that_caps_the_limit_is_followed_at_its_pace() {
    let capped = |offset, limit: usize, _| page(250, offset, limit.min(100), json!(250));
    read(&by(1_000), capped).is(0, &[(0, 1_000), (100, 1_000), (200, 1_000)], 0..250);
    let capped = |offset, limit: usize, _| page(250, offset, limit.min(100), json!(null));
    read(&by(1_000), capped).is(0, &[(0, 1_000), (100, 1_000), (200, 1_000), (250, 1_000)], 0..250);
}

#[test]
fn o14_totals_are_read_in_every_spelling() {
    for total in [json!("5"), json!(5.0), json!(" 5 ")] {
        read(&by(3), move |offset, limit, _| page(5, offset, limit, total.clone())).is(
            0,
            &[(0, 3), (3, 3)],
            0..5,
        );
    }
    for total in [json!(null), json!("many"), json!([]), json!(-1), json!(true)] {
        let asked = [(0, 3), (3, 3), (5, 3)];
        read(&by(3), move |offset, limit, _| page(5, offset, limit, total.clone())).is(0, &asked, 0..5);
    }
}

#[test]
fn o14_a_total_may_move_while_it_is_read() {
    let grows = |offset, limit, _| page(8, offset, limit, json!(if offset == 0 { 6 } else { 8 }));
    let ran = read(&by(2), grows).is(0, &[(0, 2), (2, 2), (4, 2), (6, 2)], 0..8);
    ran.says(&["rows: the API's total grew from 6 to 8 while it was read"]);
    let shrinks = |offset, limit, _| page(5, offset, limit, json!(if offset == 0 { 8 } else { 5 }));
    let ran = read(&by(2), shrinks).is(0, &[(0, 2), (2, 2), (4, 2), (6, 2)], 0..5);
    ran.says(&["rows: the API's total fell from 8 to 5 while it was read"]);
    // A total below the rows that came is a lie, and is not believed.
    let lies = |offset, limit, _| page(7, offset, limit, json!(1));
    read(&by(3), lies).is(0, &[(0, 3), (3, 3), (6, 3), (7, 3)], 0..7);
    // A total that no row bears out.
    let boasts = |offset, limit, _| page(5, offset, limit, json!(9));
    let ran = read(&by(5), boasts).is(5, &[(0, 5), (5, 5)], 0..5);
    ran.says(&["empty page at offset 5 while the total says 9"]);
}

#[test]
fn o15_a_limit_that_is_named_ends_it_with_a_word() {
    let ten = |offset, limit, _| page(10, offset, limit, json!(10));
    let bounded = json!({"type": "offset", "limit": 2, "maximum_offset": 4});
    read(&bounded, ten).is(0, &[(0, 2), (2, 2)], 0..4).says(&[
        "stopped at maximum_offset 4; there may be more rows",
        "stopped at maximum_offset 4, 4 rows",
    ]);
    let endpoint = json!({"paginator": by(2), "data_selector": "data"});
    let came = read_with(&endpoint, &["--max-pages", "3"], ten);
    came.is(0, &[(0, 2), (2, 2), (4, 2)], 0..6).says(&["stopped at --max-pages 3; there may be more rows"]);
    // Nothing is said where the limit and the end meet.
    let bounded = json!({"type": "offset", "limit": 2, "maximum_offset": 10});
    let ran = read(&bounded, ten).is(0, &[(0, 2), (2, 2), (4, 2), (6, 2), (8, 2)], 0..10);
    assert!(!ran.stderr.contains("stopped at"), "{}", ran.stderr);
    let ran = read_with(&endpoint, &["--max-pages", "5"], ten);
    let ran = ran.is(0, &[(0, 2), (2, 2), (4, 2), (6, 2), (8, 2)], 0..10);
    assert!(!ran.stderr.contains("stopped at"), "{}", ran.stderr);
}

#[test]
fn o16_nothing_is_one_request_and_success() {
    for total in [json!(0), json!("0"), json!(null)] {
        read(&by(2), move |_, _, _| page(0, 0, 0, total.clone())).is(0, &[(0, 2)], 0..0);
    }
    let rows = json!({"data": null, "total": 0});
    read(&by(2), move |_, _, _| rows.clone()).is(0, &[(0, 2)], 0..0);
}

#[test]
fn o17_rows_that_come_and_go_between_pages_are_told_of() {
    // The first row goes after the first page: one that moves up over the edge is passed over.
    let taken = |offset, limit, _| match offset {
        0 => page(6, 0, limit, json!(6)),
        _ => page(6, offset + 1, limit, json!(5)),
    };
    let came = read(&by(2), taken);
    assert_eq!((came.ran.code, came.ids), (Some(0), vec![0, 1, 3, 4, 5]), "{}", came.ran.stderr);
    came.ran.says(&["rows: the API's total fell from 6 to 5 while it was read: rows were taken away, and others may have been passed over"]);
    // A row comes in at the front: the one that moves down comes twice.
    let put_in = |offset, limit, _| match offset {
        0 => page(6, 0, limit, json!(6)),
        _ => page(6, offset - 1, limit, json!(7)),
    };
    let came = read(&by(2), put_in);
    assert_eq!((came.ran.code, came.ids), (Some(0), vec![0, 1, 1, 2, 3, 4, 5]), "{}", came.ran.stderr);
    came.ran.says(&["rows: the API's total grew from 6 to 7 while it was read"]);
    // Of pages that are read side by side, the one in the middle is answered last, after the first row has gone: as many
    // rows come as the first and the last total say, but not the same.
    let crossed = |offset, limit, _| match offset {
        2 => page(6, 3, limit, json!(5)),
        _ => page(6, offset, limit, json!(6)),
    };
    let came = read(&by(2), crossed);
    assert_eq!((came.ran.code, came.ids), (Some(0), vec![0, 1, 3, 4, 4, 5]), "{}", came.ran.stderr);
    came.ran.says(&["rows: the API's total fell from 6 to 5 while it was read: rows were taken away, and others may have been passed over"]);
}

#[test]
fn a_flag_may_say_whether_more_follow() {
    let paginator = json!({"type": "offset", "limit": 2, "total_path": null, "has_more_path": "more"});
    let with = |more: fn(usize) -> Value| {
        move |offset, limit, _| {
            let mut page = page(5, offset, limit, json!(null));
            page["more"] = more(offset);
            page
        }
    };
    read(&paginator, with(|offset| json!(offset < 4))).is(0, &[(0, 2), (2, 2), (4, 2)], 0..5);
    read(&paginator, with(|offset| json!(if offset < 2 { "yes" } else { "no" }))).is(
        0,
        &[(0, 2), (2, 2)],
        0..4,
    );
    read(&paginator, with(|_| json!(null))).is(5, &[(0, 2)], 0..0).says(&["has_more_path"]);
    // A flag that never turns is ended by an empty page, and that is told.
    read(&paginator, with(|_| json!(true)))
        .is(0, &[(0, 2), (2, 2), (4, 2), (5, 2)], 0..5)
        .says(&["was empty"]);
}

#[test]
fn pages_read_side_by_side_are_kept_in_order() {
    let server = start(Options::default()).unwrap();
    let (flying, most) = (AtomicUsize::new(0), std::sync::Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    server.set_route("/rows", move |request| {
        seen.fetch_max(flying.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let number = |name| request.number_param(name).unwrap();
        let offset = number("offset");
        // Later pages come sooner.
        std::thread::sleep(std::time::Duration::from_millis(30 - (offset as u64 * 7 % 30)));
        flying.fetch_sub(1, Ordering::SeqCst);
        // A server that caps some of its pages.
        Reply::json(200, page(100, offset, number("limit").min(5 - offset % 3), json!(100)).to_string())
    });
    let folder = Folder::new();
    let config = json!({
        "client": {"base_url": server.base_url()},
        "resources": [{"name": "rows", "endpoint": {"path": "/rows", "data_selector": "data", "paginator": by(5)}}],
    });
    folder.write("odd.json", &config.to_string());
    folder.run(&["run", "odd.json", "--to", "jsonl:out"]).expect(0);
    let ids: Vec<_> = folder.lines("out/rows.jsonl").iter().map(|line| id(line)).collect();
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
    let most = most.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} requests at once");
}
