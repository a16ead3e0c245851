//! What must be true of the pages of a chain for its rows to count: pure checks, in commit order.

use memchr::memchr_iter;
use sanderling_destination::Chain;

use super::plan::Totals;
use crate::contract::Page;

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The same rows came twice in a row.
    #[error("page {page} holds the very rows of the page before it: the API repeats itself")]
    Repeated {
        /// Counted from 1 within the chain.
        page: u64,
    },
    /// The end came before the total.
    #[error("{received} rows came, but the API counts {total}")]
    Short {
        /// Rows that came.
        received: u64,
        /// The smaller of the first and the last total.
        total: u64,
    },
    /// The connector's numbers do not fit its rows.
    #[error("the connector says {kept} of {received} rows, but hands over {lines} lines")]
    Miscounted {
        /// What it says it received.
        received: u64,
        /// What it says it kept.
        kept: u64,
        /// What is there.
        lines: u64,
    },
}

/// Takes a page into its chain. `digest` is of its rows.
pub fn advance(chain: &mut Chain, page: &Page, digest: String) -> Result<(), Refusal> {
    let lines = memchr_iter(b'\n', &page.rows).count() as u64
        + u64::from(page.rows.last().is_some_and(|&last| last != b'\n'));
    if lines != page.kept || page.kept > page.received {
        return Err(Refusal::Miscounted { received: page.received, kept: page.kept, lines });
    }
    let repeated = page.kept > 0 && chain.last_digest.as_deref() == Some(digest.as_str());
    chain.repeats = if repeated { chain.repeats + 1 } else { 0 };
    // One row may well be like the one before it; a whole page, or the third of a kind, is an API that does not move on.
    if repeated && (page.kept > 1 || chain.repeats > 1) {
        return Err(Refusal::Repeated { page: chain.pages + 1 });
    }
    chain.pages += 1;
    chain.received += page.received;
    if page.kept > 0 {
        chain.last_digest = Some(digest);
    }
    chain.first_total = chain.first_total.or(page.total);
    chain.last_total = page.total.or(chain.last_total);
    Ok(())
}

/// What a chain comes to at its end.
pub fn end(chain: &Chain, totals: Totals) -> Result<(), Refusal> {
    if chain.limited || totals != Totals::Exact {
        return Ok(());
    }
    match chain.first_total.min(chain.last_total) {
        Some(total) if chain.received < total => Err(Refusal::Short { received: chain.received, total }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Continuation;

    fn page(rows: &str, total: Option<u64>) -> Page {
        let kept = rows.lines().count() as u64;
        Page {
            rows: rows.as_bytes().to_vec(),
            received: kept,
            kept,
            total,
            continuation: Continuation::End,
            children: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn take(chain: &mut Chain, rows: &str, total: Option<u64>) -> Result<(), Refusal> {
        advance(chain, &page(rows, total), rows.to_owned())
    }

    #[test]
    fn a_page_that_comes_again_is_refused() {
        let mut chain = Chain::default();
        take(&mut chain, "1\n2\n", None).unwrap();
        take(&mut chain, "3\n4\n", None).unwrap();
        take(&mut chain, "1\n2\n", None).unwrap();
        assert_eq!(take(&mut chain, "1\n2\n", None), Err(Refusal::Repeated { page: 4 }));
    }

    #[test]
    fn one_row_may_come_twice_but_not_thrice() {
        let mut chain = Chain::default();
        take(&mut chain, "1\n", None).unwrap();
        take(&mut chain, "1\n", None).unwrap();
        assert_eq!(take(&mut chain, "1\n", None), Err(Refusal::Repeated { page: 3 }));
    }

    #[test]
    fn an_empty_page_does_not_hide_a_repetition() {
        let mut chain = Chain::default();
        take(&mut chain, "1\n2\n", None).unwrap();
        take(&mut chain, "", None).unwrap();
        assert!(take(&mut chain, "1\n2\n", None).is_err());
    }

    #[test]
    fn fewer_rows_than_both_totals_is_a_failure() {
        // first total, last total, rows, whether that is enough
        let cases = [
            (Some(3), Some(3), 3, true),
            (Some(3), Some(3), 2, false),
            (Some(3), Some(2), 2, true),
            (Some(2), Some(3), 2, true),
            (Some(2), Some(3), 1, false),
            (None, None, 0, true),
            (Some(0), Some(0), 0, true),
            (Some(1_000_000_000_000), Some(1_000_000_000_000), 5, false),
        ];
        for (first_total, last_total, received, enough) in cases {
            let chain = Chain { first_total, last_total, received, ..Chain::default() };
            assert_eq!(end(&chain, Totals::Exact).is_ok(), enough, "{chain:?}");
            assert!(end(&chain, Totals::Estimate).is_ok());
            assert!(end(&Chain { limited: true, ..chain }, Totals::Exact).is_ok());
        }
    }

    #[test]
    fn lines_are_counted_not_believed() {
        let mut lying = page("1\n2\n", None);
        lying.kept = 3;
        let refused = advance(&mut Chain::default(), &lying, String::new());
        assert_eq!(refused, Err(Refusal::Miscounted { received: 2, kept: 3, lines: 2 }));
    }
}
