//! Cases of other tools' suites that no test beside these holds; `tests/peers.md` lists all of them.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::walk::*;
use super::*;

/// What is asked for where each answer is the next of these.
fn asked(paginator: Value, bodies: &[Value]) -> Vec<String> {
    let mut bodies = bodies.iter();
    walk(&paged(paginator), |_| ok(bodies.next().expect("one answer too few"))).unwrap().asked
}

#[test]
fn a_cursor_that_is_not_there_ends_it() {
    let cursor = json!({"type": "cursor", "cursor_path": "meta.next"});
    let row = json!([{"id": 1}]);
    for last in [json!({"data": row}), json!({"data": row, "meta": {}}), json!({"data": row, "meta": null})] {
        assert_eq!(asked(cursor.clone(), &[last]), ["/rows"]);
    }
}

#[test]
fn the_last_row_of_an_empty_page_leads_nowhere() {
    let cursor = json!({"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "after"});
    let pages = [json!({"data": [{"id": 4}, {"id": 7}]}), json!({"data": []})];
    assert_eq!(asked(cursor.clone(), &pages), ["/rows", "/rows?after=7"]);
    assert_eq!(asked(cursor, &pages[1..]), ["/rows"]);
}

#[test]
fn a_token_in_a_header_ends_with_the_header() {
    let config = paged(json!({"type": "header_cursor", "cursor_key": "next", "cursor_param": "at"}));
    let mut tokens = [Some("a"), Some("b"), None].into_iter();
    let mut id = 0;
    let walk = walk(&config, |_| {
        id += 1;
        let mut answer = ok(json!({"data": [{"id": id}]}));
        let token = tokens.next().flatten();
        answer.headers.extend(token.map(|token| ("Next".to_owned(), token.to_owned())));
        answer
    });
    assert_eq!(walk.unwrap().asked, ["/rows", "/rows?at=a", "/rows?at=b"]);
}

#[test]
fn pages_from_zero_and_from_one_are_each_asked_for_once() {
    for base in [0, 1] {
        let config = paged(json!({"type": "page_number", "base_page": base, "total_path": null}));
        let walk = walk(&config, |asked| {
            let page = asked.number("page").expect("a number") - base;
            ok(json!({"data": ids((page * 2).min(4), (page * 2 + 2).min(4))}))
        })
        .unwrap();
        let pages = [base, base + 1, base + 2].map(|page| format!("/rows?page={page}"));
        assert_eq!((walk.asked, walk.ids), (pages.to_vec(), vec![0, 1, 2, 3]));
    }
}

#[test]
fn rows_below_each_item_of_a_list() {
    let body = json!({"list": [{"item": {"id": 1}}, {"item": {"id": 2}}]});
    for selector in ["list[*].item", "list.*.item"] {
        let config = endpoint(json!({"path": "rows", "paginator": "single_page", "data_selector": selector}));
        let page = page(&planned(&config), &first_page("r"), &ok(&body)).unwrap();
        assert_eq!(rows_text(&page), "{\"id\":1}\n{\"id\":2}\n", "{selector}");
    }
}
