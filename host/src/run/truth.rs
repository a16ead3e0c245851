//! What must be true of the pages of a chain for its rows to count: pure checks, in commit order.

use memchr::memchr_iter;
use sanderling_destination::{Chain, DataError, SharedByParents};

use super::plan::Totals;
use crate::contract::{Continuation, Page};

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
    /// Under merge, rows took each other's place.
    #[error(
        "{rows} rows came and the API counts {total}, but they have only {keys} keys ({key}): later rows took the place of earlier ones"
    )]
    SharedKeys {
        /// Rows that came.
        rows: u64,
        /// Keys that they have.
        keys: u64,
        /// What the API counts.
        total: u64,
        /// The primary key.
        key: String,
    },
    /// Under merge, rows of two parents would take each other's place.
    #[error(
        "rows {} and {} have one key ({}), but come from two parents, `{}` and `{}`",
        .shared.first.0 + 1, .shared.second.0 + 1, .key.join(", "), .shared.first.1, .shared.second.1
    )]
    SharedByParents {
        /// The first two that were found.
        shared: SharedByParents,
        /// The primary key.
        key: Vec<String>,
    },
    /// More rows would be taken away than may.
    #[error(
        "{absent} of the {rows} rows that there are did not come again, and no more than {max_percent} of a hundred may go at once: nothing is changed"
    )]
    TooManyAbsent {
        /// Rows that did not come.
        absent: u64,
        /// Rows that there are.
        rows: u64,
        /// Of a hundred, how many may go.
        max_percent: u32,
    },
    /// Too many rows break what the config declares for the rest to be trusted.
    #[error(
        "{refused} of {rows} rows break what the config declares, which is too many; one of them is row {} of this page: {}",
        .first.row.unwrap_or_default() + 1, .first.kind
    )]
    TooManyRows {
        /// How many do, in all of the load.
        refused: u64,
        /// How many rows there are, these among them.
        rows: u64,
        /// The first of the page that was one too many.
        first: Box<DataError>,
    },
    /// A cursor came up that had been read before.
    #[error("the pages run in a circle: a cursor came again")]
    Circular,
    /// `rest` splits a chain into none or too many.
    #[error("the connector splits what is left into {cursors} parts; 1 to {MAX_REST} can be")]
    Split {
        /// Into how many.
        cursors: usize,
    },
    /// What is to be remembered of a page holds a token, which the next run does not have.
    #[error(
        "the page leads on by a cursor or a parent's value that holds the token `{token}`, which cannot be stored"
    )]
    HoldsToken {
        /// Its name.
        token: String,
    },
    /// A page opens partitions of what is no child of its resource.
    #[error("the connector opens `{child}`, which it has not listed as a child of this resource")]
    Stranger {
        /// What it names.
        child: String,
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

/// The most chains that `rest` may make of one.
const MAX_REST: usize = 256;

/// Where a chain has been, in this run. A cursor that comes again would go round for ever, with or without rows; one mark, moved
/// ever more rarely, finds a circle of any length (Brent, 1980).
#[derive(Debug, Clone, Default)]
pub struct Trail {
    mark: Option<String>,
    steps: u64,
    span: u64,
    /// The least and the greatest total that its pages gave.
    totals: Option<(u64, u64)>,
}

impl Trail {
    /// Takes in a page's total. Of pages that are read side by side, one in the middle may be the latest.
    pub fn see(&mut self, total: u64) {
        let (least, greatest) = self.totals.unwrap_or((total, total));
        self.totals = Some((least.min(total), greatest.max(total)));
    }

    /// The total that a chain went to from its `first`: the `last`, or if that is the same, one in between that is not.
    pub fn drift(&self, first: u64, last: u64) -> u64 {
        match self.totals {
            _ if last != first => last,
            Some((least, _)) if least < first => least,
            Some((_, greatest)) => greatest.max(first),
            None => last,
        }
    }

    /// Goes on to the page at `cursor`.
    pub fn pass(&mut self, cursor: &str) -> Result<(), Refusal> {
        if self.mark.as_deref() == Some(cursor) {
            return Err(Refusal::Circular);
        }
        self.steps += 1;
        if self.steps >= self.span {
            self.mark = Some(cursor.to_owned());
            self.steps = 0;
            self.span = self.span.max(1).saturating_mul(2);
        }
        Ok(())
    }
}

/// Whether what follows a page can be followed.
pub fn follow(continuation: &Continuation) -> Result<(), Refusal> {
    match continuation {
        Continuation::Rest(cursors) if cursors.is_empty() || cursors.len() > MAX_REST => {
            Err(Refusal::Split { cursors: cursors.len() })
        }
        _ => Ok(()),
    }
}

/// Takes a page into its chain. `digest` is of its rows, unless the connector says what stands for those that came.
pub fn advance(chain: &mut Chain, page: &Page, digest: String) -> Result<(), Refusal> {
    let lines = memchr_iter(b'\n', &page.rows).count() as u64
        + u64::from(page.rows.last().is_some_and(|&last| last != b'\n'));
    if lines != page.kept {
        return Err(Refusal::Miscounted { received: page.received, kept: page.kept, lines });
    }
    // Of a page whose rows were dropped or altered, what came is compared.
    let (rows, digest) = match &page.digest {
        Some(came) => (page.received, came.clone()),
        None => (page.kept, digest),
    };
    let repeated = rows > 0 && chain.last_digest.as_deref() == Some(digest.as_str());
    chain.repeats = if repeated { chain.repeats + 1 } else { 0 };
    // One row may well be like the one before it; a whole page, or the third of a kind, is an API that does not move on.
    if repeated && (rows > 1 || chain.repeats > 1) {
        return Err(Refusal::Repeated { page: chain.pages + 1 });
    }
    chain.pages += 1;
    chain.received = chain.received.saturating_add(page.received);
    chain.dropped = chain.dropped.saturating_add(page.received.saturating_sub(page.kept));
    if rows > 0 {
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

    fn page(rows: &str, total: Option<u64>) -> Page {
        let kept = rows.lines().count() as u64;
        Page {
            rows: rows.as_bytes().to_vec(),
            received: kept,
            kept,
            digest: None,
            total,
            continuation: Continuation::End,
            children: Vec::new(),
            watermark: None,
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
    fn where_rows_are_altered_what_came_is_compared() {
        let shaped = |rows: &str, digest: &str| Page {
            received: 2,
            digest: Some(digest.to_owned()),
            ..page(rows, None)
        };
        let mut chain = Chain::default();
        // Alike in what is left of them, also where that is nothing.
        for (rows, digest) in [("1\n2\n", "a"), ("1\n2\n", "b"), ("", "c"), ("", "d")] {
            advance(&mut chain, &shaped(rows, digest), rows.to_owned()).unwrap();
        }
        let again = advance(&mut chain, &shaped("", "d"), String::new());
        assert_eq!(again, Err(Refusal::Repeated { page: 5 }));
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
    fn a_circle_of_any_length_is_found_and_a_long_way_is_none() {
        for (lead, length) in [(0, 1), (0, 2), (3, 1), (5, 7), (100, 64), (1, 1_000)] {
            let mut trail = Trail::default();
            let met = (0..10_000u64).find(|step| {
                let cursor = if *step < lead { *step } else { lead + (step - lead) % length };
                trail.pass(&cursor.to_string()).is_err()
            });
            assert!(met.is_some_and(|met| met <= 4 * (lead + length)), "{lead} {length}: {met:?}");
        }
        let mut trail = Trail::default();
        assert!((0..10_000).all(|step| trail.pass(&step.to_string()).is_ok()));
    }

    #[test]
    fn lines_are_counted_not_believed() {
        let mut lying = page("1\n2\n", None);
        lying.kept = 3;
        let refused = advance(&mut Chain::default(), &lying, String::new());
        assert_eq!(refused, Err(Refusal::Miscounted { received: 2, kept: 3, lines: 2 }));
    }
}
