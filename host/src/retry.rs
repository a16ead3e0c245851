//! Whether a failed page is tried again, and when: plain data, a tiny state, no clock and no sleep of its own.

use std::time::{Duration, UNIX_EPOCH};

use crate::contract;

/// Statuses tried again where a config says nothing.
pub const DEFAULT_STATUSES: [u16; 5] = [429, 500, 502, 503, 504];

/// No wait after a 429 is shorter.
const MIN_THROTTLED_MS: u64 = 1_000;

/// No single wait by backoff is longer.
const MAX_BACKOFF_MS: u64 = 300_000;

/// When failed pages are tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// HTTP statuses worth another try.
    pub statuses: Vec<u16>,
    /// Tries after the first one. 429 does not count against it, but 0 forbids that too.
    pub max_retries: u32,
    /// The n-th wait is `backoff_factor * 2^(n-1)` seconds.
    pub backoff_factor: f64,
    /// How long one page may be put off by 429, and the longest `Retry-After` that is waited for.
    pub wait_budget_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            statuses: DEFAULT_STATUSES.to_vec(),
            max_retries: 3,
            backoff_factor: 2.0,
            wait_budget_ms: 600_000,
        }
    }
}

impl From<&contract::Retry> for RetryPolicy {
    fn from(retry: &contract::Retry) -> Self {
        Self {
            statuses: retry.statuses.clone(),
            max_retries: retry.max_retries,
            backoff_factor: if retry.backoff_factor.is_finite() {
                retry.backoff_factor.max(0.0)
            } else {
                2.0
            },
            ..Self::default()
        }
    }
}

/// What is known of a failed try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Failure<'a> {
    /// The API answered.
    Status {
        /// Its HTTP status.
        status: u16,
        /// What the config says of this answer.
        retry: Option<bool>,
        /// The `Retry-After` header as it came.
        retry_after: Option<&'a str>,
    },
    /// No whole answer, or one that was damaged on the way.
    Transport,
    /// Nothing that another try could mend.
    Final,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again.
    After {
        /// How long to wait before.
        wait_ms: u64,
        /// Whether the API asked for it, so that its other pages should wait as well.
        throttled: bool,
    },
    /// Not again.
    GiveUp(Reason),
}

/// Why a page is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another try would be answered the same.
    NotRetryable,
    /// All tries are used up.
    Exhausted,
    /// The API asks for a longer wait than the budget allows.
    WaitTooLong {
        /// How long it asks for.
        wait_ms: u64,
    },
}

/// The tries of one page so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Failed tries that count against `max_retries`.
    pub failed: u32,
    /// Failed tries in all.
    pub made: u32,
    throttled: u32,
    throttled_ms: u64,
}

impl Attempts {
    /// Takes a failure in and decides. `now_ms` is Unix time, `jitter` lies in 0..1 and lengthens a wait by up to a quarter.
    pub fn next(&mut self, policy: &RetryPolicy, failure: Failure<'_>, now_ms: u64, jitter: f64) -> Decision {
        self.made += 1;
        let (status, retry_after) = match failure {
            Failure::Final => return Decision::GiveUp(Reason::NotRetryable),
            Failure::Transport => (None, None),
            Failure::Status { status, retry, retry_after } => {
                if !retry.unwrap_or_else(|| policy.statuses.contains(&status)) {
                    return Decision::GiveUp(Reason::NotRetryable);
                }
                (Some(status), retry_after.and_then(|header| parse_retry_after(header, now_ms)))
            }
        };
        if let Some(wait_ms) = retry_after.filter(|wait_ms| *wait_ms > policy.wait_budget_ms) {
            return Decision::GiveUp(Reason::WaitTooLong { wait_ms });
        }
        if policy.max_retries == 0 {
            return Decision::GiveUp(Reason::Exhausted);
        }
        if status == Some(429) {
            self.throttled += 1;
            // A 429 is never answered by asking again at once, whatever the config's factor.
            let wait_ms = retry_after.unwrap_or_else(|| backoff_ms(policy, self.throttled, jitter));
            let wait_ms = wait_ms.max(MIN_THROTTLED_MS);
            self.throttled_ms = self.throttled_ms.saturating_add(wait_ms);
            if self.throttled_ms > policy.wait_budget_ms {
                return Decision::GiveUp(Reason::Exhausted);
            }
            return Decision::After { wait_ms, throttled: true };
        }
        self.failed += 1;
        if self.failed > policy.max_retries {
            return Decision::GiveUp(Reason::Exhausted);
        }
        let wait_ms = retry_after.unwrap_or_else(|| backoff_ms(policy, self.failed, jitter));
        Decision::After { wait_ms, throttled: retry_after.is_some() }
    }
}

/// The n-th wait: `factor * 2^(n-1)` seconds, plus up to a quarter of it.
fn backoff_ms(policy: &RetryPolicy, nth: u32, jitter: f64) -> u64 {
    let exponent = f64::from(nth.saturating_sub(1).min(40));
    let base_ms = (policy.backoff_factor * 1_000.0 * exponent.exp2()).min(MAX_BACKOFF_MS as f64);
    (base_ms * (1.0 + 0.25 * jitter.clamp(0.0, 1.0))) as u64
}

/// `Retry-After` (RFC 9110, 10.2.3): delay seconds (fractions are seen in the wild) or an HTTP date. What lies in the
/// past, and zero, is no hint: a server that says it would otherwise be asked again at once.
pub fn parse_retry_after(header: &str, now_ms: u64) -> Option<u64> {
    let header = header.trim();
    let wait_ms = if header.starts_with(|first: char| first.is_ascii_digit()) && header.parse::<f64>().is_ok()
    {
        // A wait beyond u64 saturates, and is refused as too long.
        (header.parse::<f64>().ok()? * 1_000.0).ceil() as u64
    } else {
        let at = httpdate::parse_http_date(header).ok()?;
        let at_ms = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis();
        u64::try_from(at_ms).ok()?.saturating_sub(now_ms)
    };
    (wait_ms > 0).then_some(wait_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_600_000_000_000;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let cases = [
            ("60", Some(60_000)),
            (" 2 ", Some(2_000)),
            ("10.9", Some(10_900)),
            ("0", None),
            ("-5", None),
            ("60,120", None),
            ("abc61", None),
            ("", None),
            ("nan", None),
            ("inf", None),
            ("Sun, 13 Sep 2020 12:27:40 GMT", Some(60_000)),
            ("Sunday, 13-Sep-20 12:27:40 GMT", Some(60_000)),
            ("Sun, 13 Sep 2020 12:26:39 GMT", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ];
        for (header, expected) in cases {
            assert_eq!(parse_retry_after(header, NOW_MS), expected, "{header:?}");
        }
    }

    fn status(status: u16) -> Failure<'static> {
        Failure::Status { status, retry: None, retry_after: None }
    }

    #[test]
    fn waits_two_four_eight_seconds_then_gives_up() {
        let policy = RetryPolicy::default();
        for failure in [status(503), Failure::Transport] {
            let mut attempts = Attempts::default();
            let waits: Vec<_> = (0..4).map(|_| attempts.next(&policy, failure, NOW_MS, 0.0)).collect();
            let after = |wait_ms| Decision::After { wait_ms, throttled: false };
            assert_eq!(
                waits,
                [after(2_000), after(4_000), after(8_000), Decision::GiveUp(Reason::Exhausted)]
            );
            assert_eq!(attempts.made, 4);
        }
    }

    #[test]
    fn jitter_only_lengthens_a_wait_and_the_cap_holds() {
        let policy = RetryPolicy { max_retries: 60, ..RetryPolicy::default() };
        for nth in 1..60 {
            let (low, high) = (backoff_ms(&policy, nth, 0.0), backoff_ms(&policy, nth, 1.0));
            assert!(low <= MAX_BACKOFF_MS && high <= MAX_BACKOFF_MS * 5 / 4 && high >= low, "{nth}");
        }
        assert_eq!(backoff_ms(&policy, 1, 1.0), 2_500);
    }

    #[test]
    fn statuses_decide_unless_the_config_says_otherwise() {
        let policy = RetryPolicy::default();
        for code in [400, 401, 403, 404, 408, 418, 501] {
            let decision = Attempts::default().next(&policy, status(code), NOW_MS, 0.0);
            assert_eq!(decision, Decision::GiveUp(Reason::NotRetryable), "{code}");
        }
        let told = |status, retry| Failure::Status { status, retry: Some(retry), retry_after: None };
        assert!(matches!(
            Attempts::default().next(&policy, told(200, true), NOW_MS, 0.0),
            Decision::After { .. }
        ));
        let decision = Attempts::default().next(&policy, told(503, false), NOW_MS, 0.0);
        assert_eq!(decision, Decision::GiveUp(Reason::NotRetryable));
    }

    #[test]
    fn throttling_has_its_own_budget() {
        let policy = RetryPolicy { max_retries: 1, ..RetryPolicy::default() };
        let throttle = Failure::Status { status: 429, retry: None, retry_after: Some("100") };
        let mut attempts = Attempts::default();
        for _ in 0..6 {
            let decision = attempts.next(&policy, throttle, NOW_MS, 0.5);
            assert_eq!(decision, Decision::After { wait_ms: 100_000, throttled: true });
        }
        assert_eq!(attempts.next(&policy, throttle, NOW_MS, 0.5), Decision::GiveUp(Reason::Exhausted));
        assert_eq!(attempts.failed, 0);
    }

    #[test]
    fn a_429_is_never_answered_at_once_nor_for_ever() {
        let policy = RetryPolicy { backoff_factor: 0.0, ..RetryPolicy::default() };
        for retry_after in [None, Some("0"), Some("0.001")] {
            let failure = Failure::Status { status: 429, retry: None, retry_after };
            let mut attempts = Attempts::default();
            let tries = std::iter::from_fn(|| match attempts.next(&policy, failure, NOW_MS, 0.0) {
                Decision::After { wait_ms, .. } => Some(wait_ms),
                Decision::GiveUp(_) => None,
            });
            let waits: Vec<u64> = tries.take(10_000).collect();
            assert!(waits.len() == 600 && waits.iter().all(|wait_ms| *wait_ms == 1_000), "{retry_after:?}");
        }
    }

    #[test]
    fn a_wait_beyond_the_budget_is_never_cut_short() {
        let failure = Failure::Status { status: 503, retry: None, retry_after: Some("3600") };
        for max_retries in [0, 3] {
            let policy = RetryPolicy { max_retries, ..RetryPolicy::default() };
            let decision = Attempts::default().next(&policy, failure, NOW_MS, 0.0);
            assert_eq!(decision, Decision::GiveUp(Reason::WaitTooLong { wait_ms: 3_600_000 }));
        }
    }

    /// A wait that is as long as the budget is waited; one that is longer is given up at once, with nothing waited before.
    #[test]
    fn the_budget_is_the_longest_wait_that_is_waited() {
        let policy = RetryPolicy { wait_budget_ms: 100_000, ..RetryPolicy::default() };
        for (header, decision) in [
            ("99", Decision::After { wait_ms: 99_000, throttled: true }),
            ("100", Decision::After { wait_ms: 100_000, throttled: true }),
            ("101", Decision::GiveUp(Reason::WaitTooLong { wait_ms: 101_000 })),
            ("Sun, 13 Sep 2020 12:28:20 GMT", Decision::After { wait_ms: 100_000, throttled: true }),
            ("Sun, 13 Sep 2020 12:28:21 GMT", Decision::GiveUp(Reason::WaitTooLong { wait_ms: 101_000 })),
        ] {
            for status in [429, 503] {
                let failure = Failure::Status { status, retry: None, retry_after: Some(header) };
                assert_eq!(
                    Attempts::default().next(&policy, failure, NOW_MS, 0.0),
                    decision,
                    "{status} {header}"
                );
            }
        }
        let none = RetryPolicy { wait_budget_ms: 0, ..RetryPolicy::default() };
        let asks = |header| Failure::Status { status: 503, retry: None, retry_after: Some(header) };
        let at_once = |header| Attempts::default().next(&none, asks(header), NOW_MS, 0.0);
        assert!(matches!(at_once("1"), Decision::GiveUp(Reason::WaitTooLong { .. })));
        assert!(matches!(at_once("0"), Decision::After { wait_ms: 2_000, throttled: false }));
    }

    /// What is waited grows by two, from the factor, and lies between that and a quarter more.
    #[test]
    fn waits_grow_from_the_factor_and_are_not_all_the_same() {
        for (factor, expected) in [(5.0, [5_000, 10_000, 20_000]), (1.0, [1_000, 2_000, 4_000])] {
            let policy = RetryPolicy { backoff_factor: factor, ..RetryPolicy::default() };
            assert_eq!([1, 2, 3].map(|nth| backoff_ms(&policy, nth, 0.0)), expected);
        }
        let policy = RetryPolicy::default();
        let waits: std::collections::BTreeSet<u64> =
            (0..2_000).map(|at| backoff_ms(&policy, 3, f64::from(at) / 2_000.0)).collect();
        assert!(waits.len() > 1_000 && waits.iter().all(|wait_ms| (8_000..=10_000).contains(wait_ms)));
    }

    #[test]
    fn zero_retries_are_zero_tries_again_for_429_too() {
        let policy = RetryPolicy { max_retries: 0, ..RetryPolicy::default() };
        for failure in [status(429), status(500), Failure::Transport] {
            let decision = Attempts::default().next(&policy, failure, NOW_MS, 0.0);
            assert_eq!(decision, Decision::GiveUp(Reason::Exhausted));
        }
    }
}
