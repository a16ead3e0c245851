//! The one place that asks the machine what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `now_ms` as `20261121T052233Z`, for names that sort by time.
pub fn compact(now_ms: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(now_ms);
    format!("{year}{month}{day}T{hour}{minute}{second}Z")
}

/// `at_ms` as `2026-11-21 05:22 UTC`.
pub fn minute(at_ms: u64) -> String {
    let [year, month, day, hour, minute, _] = parts(at_ms);
    format!("{year}-{month}-{day} {hour}:{minute} UTC")
}

/// Year, month, day, hour, minute and second, in UTC.
fn parts(at_ms: u64) -> [String; 6] {
    let time = UNIX_EPOCH + std::time::Duration::from_millis(at_ms);
    let text = httpdate::fmt_http_date(time);
    // `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7) is fixed in width.
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| *name == part(8, 11)).unwrap_or_default() + 1;
    let [year, day, hour, minute, second] =
        [part(12, 16), part(5, 7), part(17, 19), part(20, 22), part(23, 25)].map(str::to_owned);
    [year, format!("{month:02}"), day, hour, minute, second]
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_sort_by_time() {
        assert_eq!(super::compact(1_600_000_000_000), "20200913T122640Z");
        assert_eq!(super::compact(0), "19700101T000000Z");
        assert_eq!(super::minute(1_600_000_000_000), "2020-09-13 12:26 UTC");
    }
}
