//! Decimals, days, times and moments as text, for databases that have no types for them.
//!
//! Times are in the form of ISO 8601 that most APIs have and SQLite's own functions read. Moments have six digits behind the
//! second, always: texts of one length, whose order is the order in time, with a `Z` or without.

use std::fmt::Write as _;

const MICROS_A_DAY: i64 = 86_400_000_000;

/// A decimal, which Arrow writes with all digits that its column has behind the point, with as many as it needs.
pub(crate) fn decimal(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// Writes into one buffer; a text holds until the next.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: String,
    // What `text` is of, where it is a timestamp: neighbours are often alike.
    timestamp: Option<(i64, bool)>,
}

impl Texts {
    /// Microseconds since 1970 as `2024-01-02T03:04:05.250000Z`; without the `Z` where it came without an offset.
    pub(crate) fn timestamp(&mut self, micros: i64, utc: bool) -> &str {
        if self.timestamp == Some((micros, utc)) {
            return &self.text;
        }
        self.text.clear();
        self.push_date(micros.div_euclid(MICROS_A_DAY));
        self.text.push('T');
        let of_day = micros.rem_euclid(MICROS_A_DAY);
        self.push_seconds(of_day);
        self.text.push('.');
        let fraction = of_day % 1_000_000;
        for two in [fraction / 10_000, fraction / 100 % 100, fraction % 100] {
            self.push_two(two);
        }
        if utc {
            self.text.push('Z');
        }
        self.timestamp = Some((micros, utc));
        &self.text
    }

    /// Days since 1970 as `2024-01-02`.
    pub(crate) fn date(&mut self, days: i32) -> &str {
        self.timestamp = None;
        self.text.clear();
        self.push_date(days.into());
        &self.text
    }

    /// Microseconds since midnight as `03:04:05.250`.
    pub(crate) fn time(&mut self, micros: i64) -> &str {
        self.timestamp = None;
        self.text.clear();
        self.push_time(micros);
        &self.text
    }

    /// By the proleptic Gregorian calendar, in eras of 400 years that begin in March.
    fn push_date(&mut self, days: i64) {
        let days = days + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        if (0..=9_999).contains(&year) {
            self.push_two(year / 100);
            self.push_two(year % 100);
        } else {
            let _ = write!(self.text, "{year:+07}");
        }
        self.text.push('-');
        self.push_two(month);
        self.text.push('-');
        self.push_two(day);
    }

    /// With three or six digits behind the second where there are some.
    fn push_time(&mut self, micros: i64) {
        self.push_seconds(micros);
        let fraction = micros % 1_000_000;
        let _ = match (fraction, fraction % 1_000) {
            (0, _) => Ok(()),
            (_, 0) => write!(self.text, ".{:03}", fraction / 1_000),
            _ => write!(self.text, ".{fraction:06}"),
        };
    }

    fn push_seconds(&mut self, micros: i64) {
        let seconds = micros / 1_000_000;
        self.push_two(seconds / 3_600);
        self.text.push(':');
        self.push_two(seconds / 60 % 60);
        self.text.push(':');
        self.push_two(seconds % 60);
    }

    fn push_two(&mut self, number: i64) {
        let digit = |number: i64| char::from(b'0' + u8::try_from(number % 10).unwrap_or_default());
        self.text.push(digit(number / 10));
        self.text.push(digit(number));
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil, tz};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_as_text() {
        let mut texts = Texts::default();
        for (micros, utc, text) in [
            (0, true, "1970-01-01T00:00:00.000000Z"),
            (0, false, "1970-01-01T00:00:00.000000"),
            (1_704_164_645_250_000, true, "2024-01-02T03:04:05.250000Z"),
            (1_704_164_645_000_001, false, "2024-01-02T03:04:05.000001"),
            (-1, true, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, false, "2000-02-29T00:00:00.000000"),
            (-62_135_596_800_000_000, true, "0001-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(texts.timestamp(micros, utc), text);
            assert_eq!(texts.timestamp(micros, utc), text, "again");
        }
        assert_eq!(texts.date(19_724), "2024-01-02");
        assert_eq!(texts.time(3_661_500_000), "01:01:01.500");
        assert_eq!(texts.timestamp(0, true), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn decimals_as_text() {
        for (arrow, text) in
            [("0.100", "0.1"), ("12.00", "12"), ("100", "100"), ("-0.05", "-0.05"), ("0.0", "0")]
        {
            assert_eq!(decimal(arrow), text);
        }
    }

    proptest! {
        #[test]
        fn as_another_calendar_has_it_and_in_order(
            one in -62_135_596_800_000_000..253_402_207_200_000_000_i64,
            step in prop_oneof![0..2_000_000_i64, 0..100_000_000_000_i64],
        ) {
            let at = tz::Offset::UTC.to_datetime(Timestamp::from_microsecond(one).unwrap());
            let mut texts = Texts::default();
            let naive = texts.timestamp(one, false).to_owned();
            let text = texts.timestamp(one, true).to_owned();
            prop_assert_eq!(text.strip_suffix('Z').unwrap().parse::<civil::DateTime>().unwrap(), at);
            let other = (one + step).min(253_402_207_200_000_000);
            prop_assert_eq!(naive.as_str().cmp(texts.timestamp(other, false)), one.cmp(&other));
            prop_assert_eq!(text.as_str().cmp(texts.timestamp(other, true)), one.cmp(&other));
        }
    }
}
