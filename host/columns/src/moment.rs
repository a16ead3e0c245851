//! Texts that are a date and a time, as ISO 8601 and RFC 3339 write them.

/// A date and a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since 1970-01-01T00:00:00: in UTC, or wherever it was written.
    pub(crate) micros: i64,
    /// Whether it came with an offset.
    pub(crate) utc: bool,
}

/// `2024-01-02T03:04[:05[.123456]]`, with a space for the `T` too, and with or without `Z`, `+02`, `+0200` or `+02:00`.
/// None for anything else: for what names no day or time, and for more than six digits of a second, which microseconds
/// could not keep. (Even if the rest are zeros: the next value of that field will have others.)
#[inline]
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    // Most texts are seen here to be none.
    if bytes.len() < 16 || bytes.get(4) != Some(&b'-') || bytes.get(13) != Some(&b':') {
        return None;
    }
    let days = date(bytes.get(..10)?)?;
    if !matches!(bytes.get(10), Some(b'T' | b' ')) {
        return None;
    }
    let (day_micros, rest) = time(bytes.get(11..)?)?;
    let offset = offset_minutes(rest)?;
    let micros = days * DAY_MICROS + day_micros - offset.unwrap_or(0) * 60_000_000;
    in_range(micros).then_some(Moment { micros, utc: offset.is_some() })
}

pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// Whether it lies within the years 1 to 9999.
pub(crate) fn in_range(micros: i64) -> bool {
    (-62_135_596_800_000_000..253_402_300_800_000_000).contains(&micros)
}

/// `2024-01-02`, as days since 1970-01-01.
pub(crate) fn date(bytes: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else { return None };
    let (year, month, day) = (two(*y1, *y2)? * 100 + two(*y3, *y4)?, two(*m1, *m2)?, two(*d1, *d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year == 0 || day == 0 || day > length {
        return None;
    }
    // Days of a calendar whose years begin in March (Hinnant, "chrono-compatible low-level date algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// `03:04[:05[.123456]]` as microseconds of a day, and what follows.
pub(crate) fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let [h1, h2, b':', m1, m2, rest @ ..] = bytes else { return None };
    let (hour, minute) = (two(*h1, *h2)?, two(*m1, *m2)?);
    let (second, fraction, rest) = match rest {
        [b':', s1, s2, b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=6).contains(&digits) {
                return None;
            }
            let (fraction, rest) = rest.split_at_checked(digits)?;
            let fraction = fraction.iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
            let places = u32::try_from(6 - digits).ok()?;
            (two(*s1, *s2)?, fraction * 10_i64.pow(places), rest)
        }
        [b':', s1, s2, rest @ ..] => (two(*s1, *s2)?, 0, rest),
        rest => (0, 0, rest),
    };
    // No leap second: it would become another one.
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction, rest))
}

/// Nothing is no offset; what is none is `None`.
fn offset_minutes(bytes: &[u8]) -> Option<Option<i64>> {
    let (sign, rest) = match bytes {
        [] => return Some(None),
        [b'Z'] => return Some(Some(0)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hour, minute) = match rest {
        [h1, h2] => (two(*h1, *h2)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two(*h1, *h2)?, two(*m1, *m2)?),
        _ => return None,
    };
    (hour <= 23 && minute <= 59).then_some(Some(sign * (hour * 60 + minute)))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::DateTime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_moment() {
        for (text, micros, utc) in [
            ("1970-01-01T00:00:00Z", 0, true),
            ("1970-01-01 00:00:01.5", 1_500_000, false),
            ("1970-01-01T00:01", 60_000_000, false),
            ("1970-01-01T02:00:00.000001+02:00", 1, true),
            ("1970-01-01T02:00:00+0200", 0, true),
            ("1969-12-31 22:00:00-02", 0, true),
            ("2024-02-29T12:00:00Z", 1_709_208_000_000_000, true),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000, true),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999, true),
        ] {
            assert_eq!(moment(text), Some(Moment { micros, utc }), "{text}");
        }
        for text in [
            "2024-01-02",
            "03:04:05",
            "2024-01-02T03",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00",
            "2024-13-01T00:00",
            "2024-00-01T00:00",
            "2024-01-00T00:00",
            "0000-01-01T00:00",
            "2024-01-02T24:00:00Z",
            "2024-01-02T03:60",
            "2016-12-31T23:59:60Z",
            "2024-01-02T03:04:05.1234567Z",
            "2024-01-02T03:04:05.000000000Z",
            "2024-01-02T03:04:05.Z",
            "2024-01-02T03:04:05 UTC",
            "2024-01-02T03:04:05+2",
            "2024-01-02T03:04:05+24:00",
            "2024-01-02T03:04:05Zx",
            "2024-01-02t03:04:05z",
            "0001-01-01T00:00:00+05:00",
            "2024-01-02é3:04:05Z",
            "٢٠٢٤-01-02T03:04",
            "20240102T030405Z",
            "",
            "2024-1-2T03:04:05Z0",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn as_jiff_reads_them(micros in -62_135_596_800_000_000_i64..253_402_200_000_000_000, hours in -12_i64..12) {
            let at = Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(moment(&at.to_string()), Some(Moment { micros, utc: true }));
            let civil: DateTime = jiff::tz::Offset::UTC.to_datetime(at);
            prop_assert_eq!(moment(&civil.to_string()), Some(Moment { micros, utc: false }));
            let there = micros - hours * 3_600_000_000;
            if in_range(there) {
                let text = format!("{civil}{hours:+03}:00");
                prop_assert_eq!(moment(&text), Some(Moment { micros: there, utc: true }), "{}", text);
            }
        }

        #[test]
        fn nothing_panics(text in "[0-9T:.Z+\\- é]{0,30}") {
            moment(&text);
        }
    }
}
