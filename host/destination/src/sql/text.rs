//! Days, times and moments as text, for databases that have no types for them.

use jiff::{Timestamp, ToSpan as _, civil, tz};

/// Microseconds since 1970 as `2024-01-02T03:04:05.25Z`, with as many digits behind the second as there are; without `Z`
/// where it came without an offset.
pub(crate) fn timestamp(micros: i64, utc: bool) -> String {
    let at = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    format!("{}{}", tz::Offset::UTC.to_datetime(at), if utc { "Z" } else { "" })
}

/// Days since 1970 as `2024-01-02`.
pub(crate) fn date(days: i32) -> String {
    let epoch = civil::date(1970, 1, 1);
    epoch.checked_add(i64::from(days).days()).unwrap_or(civil::Date::MAX).to_string()
}

/// Microseconds since midnight as `03:04:05.25`.
pub(crate) fn time(micros: i64) -> String {
    civil::Time::midnight().checked_add(micros.microseconds()).unwrap_or(civil::Time::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_text() {
        for (micros, utc, text) in [
            (0, true, "1970-01-01T00:00:00Z"),
            (1_704_164_645_250_000, true, "2024-01-02T03:04:05.25Z"),
            (1_704_164_645_000_001, false, "2024-01-02T03:04:05.000001"),
            (-1, true, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, false, "2000-02-29T00:00:00"),
            (-62_135_596_800_000_000, true, "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(micros, utc), text);
        }
        assert_eq!(date(19_724), "2024-01-02");
        assert_eq!(time(3_661_500_000), "01:01:01.5");
    }
}
