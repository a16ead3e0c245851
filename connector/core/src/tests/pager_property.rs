//! Every paginator against any server: each row exactly once, or a loud fault.

use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::walk::*;
use super::*;

/// How one answer is spoilt.
#[derive(Debug, Clone, Copy)]
enum Spoil {
    Empty,
    Same,
    NoNext,
    TotalLess(u64),
    TotalMore(u64),
    TotalZero,
    NoTotal,
}

fn spoil() -> impl Strategy<Value = Option<Spoil>> {
    prop_oneof![
        5 => Just(None),
        1 => Just(Some(Spoil::Empty)),
        1 => Just(Some(Spoil::Same)),
        1 => Just(Some(Spoil::NoNext)),
        1 => (1..5u64).prop_map(|by| Some(Spoil::TotalLess(by))),
        1 => (1..5u64).prop_map(|by| Some(Spoil::TotalMore(by))),
        1 => Just(Some(Spoil::TotalZero)),
        1 => Just(Some(Spoil::NoTotal)),
    ]
}

fn pages(count: u64, size: u64) -> u64 {
    count.div_ceil(size)
}

fn rows_of(page: u64, size: u64, count: u64) -> Value {
    ids((page * size).min(count), ((page + 1) * size).min(count))
}

/// A total as the fault leaves it.
fn spoilt_total(spoil: Option<Spoil>, total: u64) -> Option<u64> {
    match spoil {
        Some(Spoil::TotalLess(by)) => Some(total.saturating_sub(by)),
        Some(Spoil::TotalMore(by)) => Some(total + by),
        Some(Spoil::TotalZero) => Some(0),
        Some(Spoil::NoTotal) => None,
        _ => Some(total),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Page numbers with a total of pages, of rows, or none, from any base: whole while totals are true, whatever page
    /// comes empty.
    #[test]
    fn page_numbers(
        count in 0..120u64, size in 1..9u64, base in 0..3u64, kind in 0..4u8, faults in prop::collection::vec(spoil(), 0..30),
    ) {
        let total_path = match kind {
            0 => json!("pages"),
            1 => json!("total"),
            2 => json!("rows"),
            _ => Value::Null,
        };
        let config = paged(json!({"type": "page_number", "base_page": base, "total_path": total_path}));
        let mut faults = faults.into_iter();
        let mut first = true;
        let mut lied = false;
        let result = walk(&config, |asked| {
            let page = asked.number("page").unwrap() - base;
            let was_first = std::mem::replace(&mut first, false);
            let mut spoil = faults.next().flatten();
            // Without a total nothing can tell an empty page from the end.
            if matches!(spoil, Some(Spoil::Empty)) && (kind == 3 || (was_first && count > 0)) {
                spoil = None;
            }
            if matches!(spoil, Some(Spoil::NoTotal)) && was_first {
                spoil = None;
            }
            lied |= matches!(spoil, Some(Spoil::TotalLess(_) | Spoil::TotalMore(_) | Spoil::TotalZero));
            let rows = match spoil {
                Some(Spoil::Empty) => json!([]),
                Some(Spoil::Same) => rows_of(0, size, count),
                _ => rows_of(page, size, count),
            };
            let mut body = json!({"data": rows});
            for (name, total) in [("pages", pages(count, size)), ("total", count), ("rows", count)] {
                if let Some(total) = spoilt_total(spoil, total) {
                    body[name] = json!(total);
                }
            }
            ok(body)
        });
        if let Ok(walk) = result {
            let whole: Vec<u64> = (0..count).collect();
            let repeated = walk.ids.iter().collect::<std::collections::BTreeSet<_>>().len() != walk.ids.len();
            // A page in another one's place cannot be told from that one by any number; nor a total that lies.
            if !lied && !repeated {
                prop_assert_eq!(walk.ids, whole);
            }
        }
    }

    /// Cursors and links: every row once, whatever pages come empty on the way; a cursor that goes missing is the only
    /// loss that nothing can show, and with a flag it is loud too.
    #[test]
    fn cursors_and_links(
        count in 0..120u64, size in 1..9u64, kind in 0..3u8, empties in prop::collection::vec(0..20u64, 0..6), lose in prop::option::of(0..20u64),
    ) {
        let paginator = match kind {
            0 => json!({"type": "cursor", "cursor_path": "next", "cursor_param": "p", "has_more_path": "more"}),
            1 => json!("json_link"),
            _ => json!({"type": "header_cursor", "cursor_param": "p"}),
        };
        let lose = lose.filter(|_| kind == 0);
        // Steps of the chain: an empty page stands before the page of its number.
        let mut steps = Vec::new();
        for page in 0..pages(count, size).max(1) {
            steps.extend(empties.iter().filter(|empty| **empty == page).map(|_| None));
            steps.push(Some(page));
        }
        let result = walk(&paged(paginator), |asked| {
            let at = asked.number("p").unwrap_or(0);
            let rows = match steps[at as usize] {
                Some(page) => rows_of(page, size, count),
                None => json!([]),
            };
            let more = at + 1 < steps.len() as u64;
            let next = more.then_some(at + 1).filter(|_| lose != Some(at));
            let mut body = json!({"data": rows, "more": more});
            match kind {
                0 => body["next"] = json!(next),
                1 => body["next"] = json!(next.map(|next| format!("/rows?p={next}"))),
                _ => {}
            }
            let mut answer = ok(body);
            answer.headers.extend(next.filter(|_| kind == 2).map(|next| ("Next".to_owned(), next.to_string())));
            answer
        });
        match result {
            Ok(walk) => prop_assert_eq!(walk.ids, (0..count).collect::<Vec<_>>()),
            Err(message) => prop_assert!(lose.is_some() && message.contains("leads nowhere"), "{}", message),
        }
    }

    /// What is guessed from any such envelope reads every row once, or fails loudly.
    #[test]
    fn guesses(count in 0..90u64, size in 2..9u64, shape in 0..6u8, base in 0..2u64, honours: bool, says_base: bool) {
        let config = endpoint(json!({"path": "rows", "data_selector": "data"}));
        let result = walk(&config, |asked| {
            let number = |name: &str| asked.number(name).filter(|_| honours);
            let page = number("page").unwrap_or(base).saturating_sub(base);
            let mut body = match shape {
                0 => json!({"data": rows_of(page, size, count), "total_pages": pages(count, size)}),
                1 => json!({"data": rows_of(page, size, count), "total": count}),
                2 => json!({"data": rows_of(page, size, count), "has_more": page + 1 < pages(count, size)}),
                3 => {
                    let at = number("offset").unwrap_or(0);
                    json!({"data": ids(at.min(count), (at + size).min(count)), "offset": at, "limit": size, "total": count})
                }
                4 => {
                    let at = number("cursor").unwrap_or(0);
                    let next = (at + 1 < pages(count, size)).then_some(at + 1);
                    json!({"data": rows_of(at, size, count), "next_cursor": next})
                }
                _ => {
                    let at = number("p").unwrap_or(0);
                    let next = (at + 1 < pages(count, size)).then(|| format!("?p={}", at + 1));
                    json!({"data": rows_of(at, size, count), "links": {"next": next}})
                }
            };
            if says_base && shape < 3 {
                body["page"] = json!(page + base);
            }
            ok(body)
        });
        if let Ok(walk) = result {
            prop_assert_eq!(walk.ids, (0..count).collect::<Vec<_>>());
        }
    }
}
