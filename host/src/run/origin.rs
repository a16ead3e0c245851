//! How one origin is treated: how many pages are asked for at once, when it is left alone, when it is given up.

use std::io;

use crate::pace::Pace;
use crate::quota::Quota;

/// An origin that fails so many pages in a row is halted.
pub(super) const HALT_AFTER: u32 = 3;

/// A halt is remembered for so long: a start within it sends one trial request first.
pub(super) const HALT_MEMORY_MS: u64 = 300_000;

/// A window that ends later is not waited for: the API's own 429 says what is to be done.
const MAX_WINDOW_MS: u64 = 600_000;

/// Windows that end this near each other are one.
const SAME_WINDOW_MS: u64 = 1_500;

/// What came of asking for a permit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Send.
    Go,
    /// Not now; what has to happen first is on its way, or has been told.
    Full,
    /// Not before a time, for a reason that may have to be told.
    Held {
        /// Unix time.
        until_ms: u64,
        why: Hold,
    },
}

/// Why an origin is not asked although a permit is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The API said how many requests it answers until when, and they are used up.
    Quota,
    /// The config says how many a second are sent.
    Pace,
}

impl Hold {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Quota => "the API's own limit is used up",
            Self::Pace => "`requests_per_s` holds it back",
        }
    }
}

/// The state of one origin in a run.
#[derive(Debug)]
pub(super) struct Origin {
    limit: usize,
    permits: usize,
    in_flight: usize,
    paused_until_ms: u64,
    failed_in_a_row: u32,
    trial: bool,
    /// What the API said last of its limit, less what was sent since.
    quota: Option<Quota>,
    pace: Option<Pace>,
    /// When the next slot of its pace is free, where one was asked for in vain.
    paced_until_ms: u64,
    /// Why its pace could not be shared with other runs.
    unshared: Option<io::Error>,
}

impl Origin {
    /// Starts with one request at a time and grows to `limit`. `halted`: the last run was stopped by this origin a
    /// moment ago.
    pub(super) fn new(limit: usize, halted: bool, pace: Option<Pace>) -> Self {
        Self {
            limit: limit.max(1),
            permits: 1,
            in_flight: 0,
            paused_until_ms: 0,
            failed_in_a_row: 0,
            trial: halted,
            quota: None,
            pace,
            paced_until_ms: 0,
            unshared: None,
        }
    }

    /// Takes a permit for a request, if there is one.
    pub(super) fn start(&mut self, now_ms: u64) -> Start {
        if self.in_flight >= self.permits || now_ms < self.paused_until_ms {
            return Start::Full;
        }
        self.quota = self.quota.filter(|quota| quota.until_ms > now_ms);
        if let Some(Quota { left: 0, until_ms }) = self.quota {
            return Start::Held { until_ms, why: Hold::Quota };
        }
        if let Some(pace) = &mut self.pace {
            let (taken, broken) = pace.take(now_ms);
            self.unshared = broken.or(self.unshared.take());
            if let Err(until_ms) = taken {
                self.paced_until_ms = until_ms;
                return Start::Held { until_ms, why: Hold::Pace };
            }
        }
        if let Some(quota) = &mut self.quota {
            quota.left -= 1;
        }
        self.in_flight += 1;
        Start::Go
    }

    /// An answer said how much is left. Requests under way may not be counted in it.
    pub(super) fn told(&mut self, quota: Quota, now_ms: u64) {
        let left = quota.left.saturating_sub(self.in_flight as u64);
        self.quota = match self.quota {
            _ if quota.until_ms.saturating_sub(now_ms) > MAX_WINDOW_MS => None,
            // Answers come in any order: within a window, less is left and never more.
            Some(known) if quota.until_ms.abs_diff(known.until_ms) <= SAME_WINDOW_MS => {
                Some(Quota { left: known.left.min(left), until_ms: known.until_ms.max(quota.until_ms) })
            }
            Some(known) if quota.until_ms < known.until_ms => Some(known),
            _ => Some(Quota { left, ..quota }),
        };
    }

    /// Why its pace could not be shared, once.
    pub(super) fn take_unshared(&mut self) -> Option<io::Error> {
        self.unshared.take()
    }

    /// Gives the permit back.
    pub(super) fn done(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A page came. Returns whether that ends a trial.
    pub(super) fn succeeded(&mut self) -> bool {
        self.failed_in_a_row = 0;
        self.permits = (self.permits + 1).min(self.limit);
        std::mem::take(&mut self.trial)
    }

    /// The API asked for patience: all its pages wait, and fewer are asked for at once afterwards.
    pub(super) fn throttled(&mut self, until_ms: u64) {
        self.permits = (self.permits / 2).max(1);
        self.paused_until_ms = self.paused_until_ms.max(until_ms);
    }

    /// A page was given up for a reason that lies with the origin. Returns whether it is to be halted.
    pub(super) fn failed(&mut self) -> bool {
        self.failed_in_a_row += 1;
        self.trial || self.failed_in_a_row >= HALT_AFTER
    }

    /// Whether the next page only tries the water.
    pub(super) fn is_trial(&self) -> bool {
        self.trial
    }

    /// Pages given up one after the other.
    pub(super) fn failed_in_a_row(&self) -> u32 {
        self.failed_in_a_row
    }

    /// Until when nothing is sent.
    pub(super) fn paused_until_ms(&self) -> u64 {
        let quota_ms = self.quota.filter(|quota| quota.left == 0).map_or(0, |quota| quota.until_ms);
        self.paused_until_ms.max(self.paced_until_ms).max(quota_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(limit: usize, halted: bool) -> Origin {
        Origin::new(limit, halted, None)
    }

    fn goes(origin: &mut Origin, now_ms: u64) -> bool {
        origin.start(now_ms) == Start::Go
    }

    #[test]
    fn permits_grow_to_the_limit_and_fall_when_throttled() {
        let mut origin = origin(3, false);
        assert!(goes(&mut origin, 0) && !goes(&mut origin, 0));
        origin.done();
        for _ in 0..5 {
            origin.succeeded();
        }
        assert_eq!((0..4).filter(|_| goes(&mut origin, 0)).count(), 3);
        for _ in 0..3 {
            origin.done();
        }
        origin.throttled(50);
        assert!(!goes(&mut origin, 49) && goes(&mut origin, 50) && !goes(&mut origin, 50));
    }

    #[test]
    fn three_failures_in_a_row_halt_and_a_page_between_them_forgives() {
        let mut origin = origin(4, false);
        assert!(!origin.failed() && !origin.failed());
        origin.succeeded();
        assert!(!origin.failed() && !origin.failed() && origin.failed());
    }

    #[test]
    fn a_trial_has_one_chance() {
        assert!(origin(4, true).failed());
        let mut origin = origin(4, true);
        assert!(origin.is_trial());
        assert!(origin.succeeded() && !origin.is_trial() && !origin.failed());
    }

    #[test]
    fn what_the_api_has_left_is_all_that_is_sent_in_its_window() {
        let mut origin = origin(8, false);
        for _ in 0..8 {
            origin.succeeded();
        }
        origin.told(Quota { left: 3, until_ms: 5_000 }, 0);
        assert_eq!((0..8).filter(|_| goes(&mut origin, 10)).count(), 3);
        assert_eq!(origin.start(10), Start::Held { until_ms: 5_000, why: Hold::Quota });
        assert_eq!(origin.paused_until_ms(), 5_000);
        // An answer that was written before others were counted brings nothing back.
        origin.done();
        origin.told(Quota { left: 2, until_ms: 5_900 }, 20);
        assert!(!goes(&mut origin, 20));
        // An older window neither; a new one does.
        origin.told(Quota { left: 9, until_ms: 2_000 }, 30);
        assert!(!goes(&mut origin, 30));
        assert!(goes(&mut origin, 5_900));
        origin.told(Quota { left: 3, until_ms: 65_000 }, 6_000);
        assert!(!goes(&mut origin, 6_000), "three are under way, and may not be counted yet");
        origin.done();
        origin.told(Quota { left: 3, until_ms: 75_000 }, 6_000);
        assert!(goes(&mut origin, 6_000));
    }

    #[test]
    fn a_window_without_end_is_not_waited_for() {
        let mut origin = origin(4, false);
        origin.told(Quota { left: 0, until_ms: 3_600_000 }, 0);
        assert!(goes(&mut origin, 0));
    }

    #[test]
    fn without_a_pace_or_a_word_of_the_api_nothing_is_held_back() {
        let mut origin = origin(100, false);
        for _ in 0..100 {
            origin.succeeded();
        }
        assert_eq!((0..100).filter(|_| goes(&mut origin, 7)).count(), 100);
        assert_eq!(origin.paused_until_ms(), 0);
    }

    #[test]
    fn a_pace_holds_though_permits_are_free() {
        let mut origin = Origin::new(4, false, Some(Pace::new(2.0, "https://a.test", None)));
        for _ in 0..4 {
            origin.succeeded();
        }
        assert!(goes(&mut origin, 10_000));
        assert_eq!(origin.start(10_000), Start::Held { until_ms: 10_499, why: Hold::Pace });
        assert_eq!(origin.paused_until_ms(), 10_499);
        assert!(goes(&mut origin, 10_499));
    }
}
