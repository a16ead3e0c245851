//! Dates of the data, counted from the start of 2024.

/// The day that is so many days after 2024-01-01, `2024-02-29`.
pub(crate) fn day(days: usize) -> String {
    // Days since 2000-03-01: years that begin in March have their leap day at the end.
    let count = days + 8_706;
    let (era, of_era) = (count / 146_097, count % 146_097);
    let of_era_year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = 2_000 + era * 400 + of_era_year + usize::from(month <= 2);
    format!("{year}-{month:02}-{:02}", of_year - (153 * march_month + 2) / 5 + 1)
}

/// The moment that is so many minutes after 2024-01-01T08:00:00Z, in that form.
pub(crate) fn instant(minutes: usize) -> String {
    let minutes = minutes + 8 * 60;
    let of_day = minutes % 1_440;
    format!("{}T{:02}:{:02}:00Z", day(minutes / 1_440), of_day / 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let cases = [
            (0, "2024-01-01"),
            (30, "2024-01-31"),
            (31, "2024-02-01"),
            (59, "2024-02-29"),
            (60, "2024-03-01"),
            (365, "2024-12-31"),
            (366, "2025-01-01"),
            (366 + 58, "2025-02-28"),
            (366 + 59, "2025-03-01"),
            (1461, "2028-01-01"),
            (27_759, "2100-01-01"),
            (27_759 + 59, "2100-03-01"),
        ];
        for (days, expected) in cases {
            assert_eq!(day(days), expected);
        }
        assert_eq!(instant(0), "2024-01-01T08:00:00Z");
        assert_eq!(instant(16 * 60 + 1), "2024-01-02T00:01:00Z");
    }
}
