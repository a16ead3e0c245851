//! Any server, honest or not: each row exactly once, or a loud fault.

use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// How one answer is spoilt.
#[derive(Debug, Clone, Copy)]
enum Spoil {
    Short(u64),
    Empty,
    Long(u64),
    TotalText,
    TotalNull,
    TotalAbsent,
    TotalSmaller(u64),
    TotalLarger(u64),
    TotalZero,
}

fn spoil() -> impl Strategy<Value = Option<Spoil>> {
    prop_oneof![
        4 => Just(None),
        1 => (1..9u64).prop_map(|by| Some(Spoil::Short(by))),
        1 => Just(Some(Spoil::Empty)),
        1 => (1..9u64).prop_map(|by| Some(Spoil::Long(by))),
        1 => Just(Some(Spoil::TotalText)),
        1 => Just(Some(Spoil::TotalNull)),
        1 => Just(Some(Spoil::TotalAbsent)),
        1 => (1..9u64).prop_map(|by| Some(Spoil::TotalSmaller(by))),
        1 => (1..9u64).prop_map(|by| Some(Spoil::TotalLarger(by))),
        1 => Just(Some(Spoil::TotalZero)),
    ]
}

fn answer(spoil: Option<Spoil>, (offset, limit): (u64, u64), cap: u64, count: u64) -> Value {
    let given = limit.min(cap);
    let (mut rows, mut total) = (given, json!(count));
    match spoil {
        None => {}
        Some(Spoil::Short(by)) => rows = given.saturating_sub(by).max(1),
        Some(Spoil::Empty) => rows = 0,
        Some(Spoil::Long(by)) => rows = given + by,
        Some(Spoil::TotalText) => total = json!(count.to_string()),
        Some(Spoil::TotalNull) => total = Value::Null,
        Some(Spoil::TotalAbsent) => return json!({"data": ids(offset, (offset + rows).min(count))}),
        Some(Spoil::TotalSmaller(by)) => total = json!(count.saturating_sub(by)),
        Some(Spoil::TotalLarger(by)) => total = json!(count + by),
        Some(Spoil::TotalZero) => total = json!(0),
    }
    json!({"data": ids(offset, (offset + rows).min(count)), "total": total})
}

/// Whether the host's comparison of totals would call this read short: fewer rows than both the first and the last.
fn short_by_totals(read: &Read) -> bool {
    let mut totals = read.totals.iter().flatten();
    let first = totals.next();
    let last = totals.next_back().or(first);
    let rows = read.ids.len() as u64;
    first.is_some_and(|total| rows < *total) && last.is_some_and(|total| rows < *total)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Totals that are right, missing or written oddly; pages of any size. Nothing can be lost or come twice.
    #[test]
    fn each_row_once_while_totals_are_true(
        count in 0..400u64, limit in 1..40u64, cap in 1..40u64, start in 0..30u64,
        faults in prop::collection::vec(spoil(), 0..40), with_total: bool,
    ) {
        let mut config = offset_config(json!({"type": "offset", "limit": limit, "offset": start}));
        if !with_total {
            config["resources"][0]["endpoint"]["paginator"]["total_path"] = Value::Null;
        }
        let mut faults = faults.into_iter();
        let result = read(&config, |offset, limit| {
            let spoil = faults.next().flatten().filter(|spoil| !matches!(
                spoil, Spoil::TotalSmaller(_) | Spoil::TotalLarger(_) | Spoil::TotalZero
            ));
            // Without a total an empty page is the end by dlt's rule: nothing can tell it from one.
            let spoil = spoil.filter(|spoil| !matches!(spoil, Spoil::Empty) || with_total);
            // A first page without a total, then an empty one: the same.
            let spoil = spoil.filter(|spoil| !(offset == start && matches!(spoil, Spoil::TotalNull | Spoil::TotalAbsent)));
            answer(spoil, (offset, limit), cap, count)
        });
        // A span that stays empty is loud; all else must be whole.
        match result {
            Ok(read) => prop_assert_eq!(read.ids, (start..count.max(start)).collect::<Vec<_>>()),
            Err(message) => prop_assert!(message.starts_with("empty page") || message == "the same page twice", "{}", message),
        }
    }

    /// Totals that lie. No row comes twice, and rows are lost only where the host's comparison shows it, or where the
    /// API itself says that they are gone.
    #[test]
    fn no_row_twice_whatever_totals_say(
        count in 0..300u64, limit in 1..40u64, cap in 1..40u64, faults in prop::collection::vec(spoil(), 0..60),
    ) {
        let mut spoils = faults.into_iter();
        let mut said_less = false;
        let config = offset_config(json!({"type": "offset", "limit": limit}));
        let result = read(&config, |offset, limit| {
            let spoil = spoils.next().flatten();
            said_less |= matches!(spoil, Some(
                Spoil::TotalSmaller(_) | Spoil::TotalZero | Spoil::Empty | Spoil::TotalNull | Spoil::TotalAbsent
            ));
            answer(spoil, (offset, limit), cap, count)
        });
        if let Ok(read) = result {
            let mut sorted = read.ids.clone();
            sorted.dedup();
            prop_assert_eq!(&sorted, &read.ids, "a row came twice");
            prop_assert!(sorted.is_sorted());
            let whole = read.ids.len() as u64 == count;
            prop_assert!(whole || said_less || short_by_totals(&read), "{:?}", read);
        }
    }
}
