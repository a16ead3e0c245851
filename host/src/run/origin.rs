//! How one origin is treated: how many pages are asked for at once, when it is left alone, when it is given up.

/// An origin that fails so many pages in a row is halted.
pub(super) const HALT_AFTER: u32 = 3;

/// A halt is remembered for so long: a start within it sends one trial request first.
pub(super) const HALT_MEMORY_MS: u64 = 300_000;

/// The state of one origin in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    limit: usize,
    permits: usize,
    in_flight: usize,
    paused_until_ms: u64,
    failed_in_a_row: u32,
    trial: bool,
}

impl Origin {
    /// Starts with one request at a time and grows to `limit`. `halted`: the last run was stopped by this origin a
    /// moment ago.
    pub(super) fn new(limit: usize, halted: bool) -> Self {
        Self {
            limit: limit.max(1),
            permits: 1,
            in_flight: 0,
            paused_until_ms: 0,
            failed_in_a_row: 0,
            trial: halted,
        }
    }

    /// Takes a permit for a request, if there is one.
    pub(super) fn start(&mut self, now_ms: u64) -> bool {
        let free = self.in_flight < self.permits && now_ms >= self.paused_until_ms;
        self.in_flight += usize::from(free);
        free
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
        self.paused_until_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_grow_to_the_limit_and_fall_when_throttled() {
        let mut origin = Origin::new(3, false);
        assert!(origin.start(0) && !origin.start(0));
        origin.done();
        for _ in 0..5 {
            origin.succeeded();
        }
        assert!(origin.start(0) && origin.start(0) && origin.start(0) && !origin.start(0));
        for _ in 0..3 {
            origin.done();
        }
        origin.throttled(50);
        assert!(!origin.start(49) && origin.start(50) && !origin.start(50));
    }

    #[test]
    fn three_failures_in_a_row_halt_and_a_page_between_them_forgives() {
        let mut origin = Origin::new(4, false);
        assert!(!origin.failed() && !origin.failed());
        origin.succeeded();
        assert!(!origin.failed() && !origin.failed() && origin.failed());
    }

    #[test]
    fn a_trial_has_one_chance() {
        let mut origin = Origin::new(4, true);
        assert!(origin.is_trial() && origin.clone().failed());
        assert!(origin.succeeded() && !origin.is_trial() && !origin.failed());
    }
}
