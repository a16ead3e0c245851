//! What is known of a resource while it is read.

use crate::run::outcome::{Event, Parents};

/// How far a resource is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Track {
    /// Its name.
    pub(super) resource: String,
    /// Rows so far.
    pub(super) rows: u64,
    /// Pages so far.
    pub(super) pages: u64,
    /// Rows in all, if known.
    pub(super) total: Option<u64>,
    /// For a child, how many of its parents are done.
    pub(super) parents: Option<Parents>,
    /// What is waited for, or was: rows of a page before it may come in meanwhile.
    pub(super) wait: Option<Wait>,
    /// When the first rows were here, and how many: what a rate counts from.
    since: Option<(u64, u64)>,
    /// Rows of a page that was not the last.
    page_rows: u64,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wait {
    /// Until when, in Unix time.
    pub(super) until_ms: u64,
    /// The answer's status; `None` where there was no answer.
    pub(super) status: Option<u16>,
    /// The number of the try that comes then.
    pub(super) attempt: u32,
}

impl Track {
    pub(super) fn new(resource: &str) -> Self {
        Self { resource: resource.to_owned(), ..Self::default() }
    }

    /// Takes an event of this resource in.
    pub(super) fn take(&mut self, event: &Event, now_ms: u64) {
        match event {
            Event::Progress { rows, pages, total, parents, .. } => {
                if *pages > self.pages {
                    self.page_rows = self.page_rows.max((rows - self.rows.min(*rows)) / (pages - self.pages));
                }
                self.since.get_or_insert((now_ms, *rows));
                (self.rows, self.pages, self.total, self.parents) = (*rows, *pages, *total, *parents);
            }
            Event::Waiting { until_ms, status, attempts, .. } => {
                self.wait = Some(Wait { until_ms: *until_ms, status: *status, attempt: attempts + 1 });
            }
            _ => {}
        }
    }

    /// Rows a second since the first page; `None` until there is something to go by.
    pub(super) fn rows_per_second(&self, now_ms: u64) -> Option<f64> {
        let (since_ms, rows) = self.since?;
        let elapsed_ms = now_ms.checked_sub(since_ms).filter(|elapsed_ms| *elapsed_ms >= 500)?;
        let rows = self.rows.checked_sub(rows).filter(|rows| *rows > 0)?;
        Some(rows as f64 * 1_000.0 / elapsed_ms as f64)
    }

    /// Pages in all, for a resource that is one chain of pages.
    pub(super) fn pages_in_all(&self) -> Option<u64> {
        let total = self.total.filter(|_| self.parents.is_none() && self.page_rows > 0)?;
        Some(total.div_ceil(self.page_rows).max(self.pages))
    }

    /// How much is done, from 0 to 1.
    pub(super) fn share(&self) -> Option<f64> {
        let share = |done: u64, all: u64| (all > 0).then(|| (done as f64 / all as f64).min(1.0));
        match self.parents {
            Some(Parents { done, known }) => share(done, known),
            None => share(self.rows, self.total?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn progress(rows: u64, pages: u64, total: Option<u64>) -> Event {
        Event::Progress { resource: "r".into(), rows, pages, total, parents: None }
    }

    #[test]
    fn pages_in_all_follow_from_the_total_and_a_page() {
        let mut track = Track::new("r");
        assert_eq!((track.pages_in_all(), track.share(), track.rows_per_second(9)), (None, None, None));
        track.take(&progress(100, 1, Some(2_450)), 1_000);
        assert_eq!(track.pages_in_all(), Some(25));
        // A short page at the end, or more than one page at once, tells nothing else.
        track.take(&progress(2_400, 24, Some(2_450)), 2_000);
        assert_eq!((track.pages_in_all(), track.rows_per_second(3_000)), (Some(25), Some(1_150.0)));
        track.take(&progress(2_450, 25, Some(2_450)), 2_100);
        assert_eq!((track.pages_in_all(), track.share()), (Some(25), Some(1.0)));
        // A server that has more than it says.
        track.take(&progress(2_500, 26, Some(2_450)), 2_200);
        assert_eq!((track.pages_in_all(), track.share()), (Some(26), Some(1.0)));
        let mut empty = Track::new("r");
        empty.take(&progress(0, 1, Some(0)), 0);
        assert_eq!((empty.pages_in_all(), empty.share()), (None, None));
    }

    #[test]
    fn a_run_that_goes_on_counts_its_own_rows_for_the_rate() {
        let mut track = Track::new("r");
        track.take(&progress(1_000_100, 10_001, None), 0);
        track.take(&progress(1_000_600, 10_006, None), 1_000);
        assert_eq!(track.rows_per_second(1_000), Some(500.0));
        assert_eq!(track.rows_per_second(100), None);
        // One that starts again.
        track.take(&progress(0, 0, None), 1_100);
        assert_eq!(track.rows_per_second(2_000), None);
    }

    #[test]
    fn rows_of_other_pages_do_not_end_a_wait() {
        let mut track = Track::new("r");
        let waiting = Event::Waiting {
            resource: "r".into(),
            until_ms: 9,
            why: "x".into(),
            status: Some(429),
            attempts: 1,
        };
        track.take(&waiting, 0);
        assert_eq!(track.wait, Some(Wait { until_ms: 9, status: Some(429), attempt: 2 }));
        track.take(&progress(1, 1, None), 10);
        assert_eq!(track.wait.map(|wait| wait.until_ms), Some(9));
    }
}
