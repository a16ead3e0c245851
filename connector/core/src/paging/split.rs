//! What is left of a known total, as chains that may be read side by side.

use crate::contract::Continuation;

/// Cursors in one `rest`, by the contract.
const MAX_CHAINS: usize = 256;

/// The chains from `from` on to `total`, `span` apart. The last one is open: a total may grow while it is read. No chain
/// goes beyond `maximum`, if there is one; one that is cut off by it has an end. `make` writes the cursor of a chain: where
/// it starts, and where it ends.
pub(super) fn rest(
    from: u64,
    total: u64,
    span: u64,
    maximum: Option<u64>,
    make: impl Fn(u64, Option<u64>) -> String,
) -> Continuation {
    let mut cursors = Vec::new();
    let mut start = from;
    loop {
        let end = start.saturating_add(span);
        let is_cut = maximum.is_some_and(|maximum| end >= maximum) && end < total;
        let is_last = end >= total || cursors.len() + 1 >= MAX_CHAINS;
        cursors.push(make(start, (is_cut || !is_last).then_some(end)));
        if is_cut || is_last {
            break;
        }
        start = end;
    }
    match <[String; 1]>::try_from(cursors) {
        Ok([only]) => Continuation::Next(only),
        Err(cursors) => Continuation::Rest(cursors),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn chains_lie_end_to_end_and_the_last_is_open() {
        let split = |from, total, span, maximum| {
            let make = |start: u64, end: Option<u64>| match end {
                Some(end) => format!("{start}-{end}"),
                None => format!("{start}-"),
            };
            match rest(from, total, span, maximum, make) {
                Continuation::Rest(chains) => chains.join(" "),
                Continuation::Next(chain) => format!("only {chain}"),
                other => format!("{other:?}"),
            }
        };
        for (from, total, span, maximum, expected) in [
            (2, 8, 2, None, "2-4 4-6 6-"),
            (2, 7, 2, None, "2-4 4-6 6-"),
            (6, 7, 2, None, "only 6-"),
            (9, 7, 2, None, "only 9-"),
            (2, 8, 2, Some(6), "2-4 4-6"),
            (2, 8, 2, Some(5), "2-4 4-6"),
            (2, 8, 2, Some(8), "2-4 4-6 6-"),
            (2, 8, 2, Some(3), "only 2-4"),
            (u64::MAX - 1, u64::MAX, 2, None, "only 18446744073709551614-"),
        ] {
            assert_eq!(split(from, total, span, maximum), expected, "{from} {total} {span} {maximum:?}");
        }
        let many = split(0, u64::MAX, 1, None);
        assert!(many.split(' ').count() == MAX_CHAINS && many.ends_with(" 255-"), "{many}");
    }
}
