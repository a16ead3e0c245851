//! What an API says of its rate limit in the headers of an answer: how many requests are left, and until when. Pure.

use std::time::UNIX_EPOCH;

/// What is left of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests that will still be answered.
    pub left: u64,
    /// When the window ends, in Unix time.
    pub until_ms: u64,
}

/// From here on a number of seconds is a point in time (2001), and no span.
const EPOCH_S: f64 = 1e9;

/// From here on it is one in milliseconds.
const EPOCH_MS: f64 = 1e12;

/// Reads the headers (names in lower case) that speak of a limit. Where several windows are named, the one with the
/// fewest requests left counts. What has ended already is none.
///
/// Known are `RateLimit` in its forms (draft-ietf-httpapi-ratelimit-headers: `"default";r=5;t=30`, `limit=10,
/// remaining=5, reset=30`), and a pair of headers such as `X-RateLimit-Remaining` and `X-RateLimit-Reset`, whose reset is
/// a span or a point in time, in seconds or milliseconds.
pub fn read(headers: &[(String, String)], now_ms: u64) -> Option<Quota> {
    let all = headers.iter().flat_map(|(name, value)| match name.as_str() {
        "ratelimit" => structured(value),
        name => pair(name, value, headers).into_iter().collect(),
    });
    let quotas = all.filter_map(|(left, reset)| Some(Quota { left, until_ms: until(reset, now_ms)? }));
    quotas.min_by_key(|quota| (quota.left, u64::MAX - quota.until_ms))
}

/// The remainder in one header and the end of its window in another.
fn pair(name: &str, value: &str, headers: &[(String, String)]) -> Option<(u64, Reset)> {
    let prefix = name.strip_suffix("remaining")?;
    let left = value.trim().parse::<f64>().ok().filter(|left| *left >= 0.0)? as u64;
    let other = |suffix: &str| {
        let wanted = format!("{prefix}{suffix}");
        headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.trim())
    };
    let reset = match other("reset-after").and_then(|text| text.parse().ok()) {
        Some(seconds) => Reset::Seconds(seconds),
        None => Reset::parse(other("reset")?)?,
    };
    Some((left, reset))
}

enum Reset {
    /// A span, or a point in time, by its size.
    Seconds(f64),
    At(u64),
}

impl Reset {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse::<f64>() {
            return seconds.is_finite().then_some(Self::Seconds(seconds));
        }
        let at = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self::At(u64::try_from(at.as_millis()).ok()?))
    }
}

/// The items of a `RateLimit` header.
fn structured(value: &str) -> Vec<(u64, Reset)> {
    let number = |parts: &[(&str, &str)], names: [&str; 2]| {
        let found = parts.iter().find(|(name, _)| names.contains(name))?;
        found.1.trim_matches('"').parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
    };
    let parts = |text: &str, separator: char| -> Vec<(String, String)> {
        let pairs = text.split(separator).filter_map(|part| part.split_once('='));
        pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect()
    };
    let read = |parts: Vec<(String, String)>| {
        let parts: Vec<(&str, &str)> = parts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let left = number(&parts, ["r", "remaining"])?;
        Some((left as u64, Reset::Seconds(number(&parts, ["t", "reset"])?)))
    };
    if value.contains(';') {
        return value.split(',').filter_map(|item| read(parts(item, ';'))).collect();
    }
    read(parts(value, ',')).into_iter().collect()
}

fn until(reset: Reset, now_ms: u64) -> Option<u64> {
    let until_ms = match reset {
        Reset::At(at_ms) => at_ms,
        Reset::Seconds(number) if number >= EPOCH_MS => number as u64,
        Reset::Seconds(number) if number >= EPOCH_S => (number * 1_000.0).ceil() as u64,
        Reset::Seconds(number) if number > 0.0 => now_ms.saturating_add((number * 1_000.0).ceil() as u64),
        Reset::Seconds(_) => return None,
    };
    (until_ms > now_ms).then_some(until_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: u64 = 1_600_000_000_000;

    fn of(headers: &[(&str, &str)]) -> Option<(u64, u64)> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(&headers, NOW_MS).map(|quota| (quota.left, quota.until_ms - NOW_MS))
    }

    #[test]
    fn each_way_of_saying_it() {
        let x = |left: &'static str, reset: &'static str| {
            of(&[("x-ratelimit-remaining", left), ("x-ratelimit-reset", reset)])
        };
        let cases = [
            (of(&[("ratelimit", "\"default\";r=50;t=30")]), Some((50, 30_000))),
            (of(&[("ratelimit", "\"a\";r=50;t=30, \"b\";r=0;t=5")]), Some((0, 5_000))),
            (of(&[("ratelimit", "\"a\";r=0;t=30, \"b\";r=0;t=5")]), Some((0, 30_000))),
            (of(&[("ratelimit", "limit=100, remaining=7, reset=50")]), Some((7, 50_000))),
            (of(&[("ratelimit", "default;r=1")]), None),
            (of(&[("ratelimit", "nonsense")]), None),
            (
                of(&[("ratelimit-limit", "10"), ("ratelimit-remaining", "3"), ("ratelimit-reset", "8")]),
                Some((3, 8_000)),
            ),
            (of(&[("ratelimit-policy", "\"default\";q=100;w=60")]), None),
            (x("0", "60"), Some((0, 60_000))),
            (x("0", "1.5"), Some((0, 1_500))),
            (x("9", "1600000060"), Some((9, 60_000))),
            (x("9", "1600000060.5"), Some((9, 60_500))),
            (x("9", "1600000060000"), Some((9, 60_000))),
            (x("9", "Sun, 13 Sep 2020 12:27:40 GMT"), Some((9, 60_000))),
            (x("9", "1500000000"), None),
            (x("9", "0"), None),
            (x("9", "-3"), None),
            (x("-1", "60"), None),
            (x("many", "60"), None),
            (x("9", "soon"), None),
            (x("9", "nan"), None),
            (of(&[("x-ratelimit-remaining", "0")]), None),
            (of(&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "2")]), Some((0, 2_000))),
            (of(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "0.25")]), Some((0, 250))),
            (of(&[]), None),
        ];
        for (at, (found, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found, expected, "case {at}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_ends_later(name in "(x-)?rate-?limit(-remaining)?", left in ".{0,12}", reset in ".{0,16}") {
            let prefix = name.trim_end_matches("-remaining").to_owned();
            let headers = [(name.clone(), left), (format!("{prefix}-reset"), reset)];
            if let Some(quota) = read(&headers, NOW_MS) {
                prop_assert!(quota.until_ms > NOW_MS);
            }
        }
    }
}
