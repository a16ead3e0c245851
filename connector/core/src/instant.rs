//! Times as APIs write them (ISO 8601): read to an instant, and another instant written in the same style.

/// A point in time; comparing two compares the times, however they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub(crate) seconds: i64,
    /// Digits behind the point, without zeros at the end.
    fraction: String,
}

/// How a time was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// `None`: a date alone.
    time: Option<TimeStyle>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TimeStyle {
    /// Between date and time: `T`, `t` or a blank.
    separator: char,
    seconds: bool,
    /// The point, `.` or `,`, and how many digits stand behind it.
    fraction: Option<(char, usize)>,
    /// Whether a blank stands before the zone.
    spaced: bool,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// None is said: taken for UTC.
    Naive,
    /// `Z`, `z` or `UTC`.
    Utc(&'static str),
    /// Minutes east of UTC, and how they were written.
    Offset { minutes: i64, form: OffsetForm },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OffsetForm {
    Hours,
    Digits,
    Colon,
}

impl Style {
    /// Whether it is a date alone, whose unit is the day.
    pub(crate) fn is_date(self) -> bool {
        self.time.is_none()
    }
}

impl Instant {
    pub(crate) fn of_seconds(seconds: i64) -> Self {
        Self { seconds, fraction: String::new() }
    }

    /// So many whole seconds later.
    pub(crate) fn plus_seconds(&self, seconds: i64) -> Self {
        Self { seconds: self.seconds.saturating_add(seconds), fraction: self.fraction.clone() }
    }

    /// Microseconds since 1970-01-01T00:00:00Z; what is finer is left off.
    pub(crate) fn micros(&self) -> i64 {
        let digits = self.fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
        let micros = digits.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'));
        self.seconds.saturating_mul(1_000_000).saturating_add(micros)
    }

    /// Bytes that sort as the instants do.
    pub(crate) fn order(&self) -> Vec<u8> {
        let mut bytes = ((self.seconds as u64) ^ (1 << 63)).to_be_bytes().to_vec();
        bytes.extend_from_slice(self.fraction.as_bytes());
        bytes
    }

    /// Reads a date, or a date with a time: `2024-05-01`, `2024-05-01T10:00:00.5+02:00`, `2024-05-01 10:00`.
    pub(crate) fn read(text: &str) -> Option<(Self, Style)> {
        let mut reader = Reader(text);
        let year = reader.digits(4)?;
        reader.one(&['-'])?;
        let month = reader.digits(2)?;
        reader.one(&['-'])?;
        let day = reader.digits(2)?;
        let days = days_of(year, month, day)?;
        if reader.0.is_empty() {
            return Some((Self::of_seconds(days * DAY_SECONDS), Style { time: None }));
        }
        let separator = reader.one(&['T', 't', ' '])?;
        let hour = reader.digits(2).filter(|hour| *hour < 24)?;
        reader.one(&[':'])?;
        let minute = reader.digits(2).filter(|minute| *minute < 60)?;
        let mut second = 0;
        let mut fraction = "";
        let seconds = reader.one(&[':']).is_some();
        let mut point = None;
        if seconds {
            // 60: a leap second.
            second = reader.digits(2).filter(|second| *second <= 60)?;
            point = reader.one(&['.', ',']);
            if point.is_some() {
                fraction = reader.all_digits()?;
            }
        }
        let spaced = !reader.0.is_empty() && reader.one(&[' ']).is_some();
        let zone = reader.zone()?;
        if spaced && zone == Zone::Naive {
            return None;
        }
        let east_minutes = if let Zone::Offset { minutes, .. } = zone { minutes } else { 0 };
        let of_day = hour * 3600 + minute * 60 + second - east_minutes * 60;
        let time = TimeStyle {
            separator,
            seconds,
            fraction: point.map(|point| (point, fraction.len())),
            spaced,
            zone,
        };
        let instant = Self {
            seconds: days * DAY_SECONDS + of_day,
            fraction: fraction.trim_end_matches('0').to_owned(),
        };
        Some((instant, Style { time: Some(time) }))
    }

    /// The instant in a style; what the style has no digits for is cut off.
    pub(crate) fn write(&self, style: Style) -> String {
        let Some(time) = style.time else { return date(self.seconds.div_euclid(DAY_SECONDS)) };
        let east_minutes = if let Zone::Offset { minutes, .. } = time.zone { minutes } else { 0 };
        let local = self.seconds.saturating_add(east_minutes * 60);
        let of_day = local.rem_euclid(DAY_SECONDS);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let mut text = date(local.div_euclid(DAY_SECONDS));
        text.push(time.separator);
        text.push_str(&format!("{hour:02}:{minute:02}"));
        if time.seconds {
            text.push_str(&format!(":{second:02}"));
        }
        if let Some((point, digits)) = time.fraction {
            let kept: String = self.fraction.chars().take(digits).collect();
            text.push_str(&format!("{point}{kept:0<digits$}"));
        }
        if time.spaced {
            text.push(' ');
        }
        match time.zone {
            Zone::Naive => {}
            Zone::Utc(name) => text.push_str(name),
            Zone::Offset { minutes, form } => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
                text.push_str(&match form {
                    OffsetForm::Hours => format!("{sign}{hours:02}"),
                    OffsetForm::Digits => format!("{sign}{hours:02}{minutes:02}"),
                    OffsetForm::Colon => format!("{sign}{hours:02}:{minutes:02}"),
                });
            }
        }
        text
    }
}

/// A year or a month, `2024` or `2024-05`: where a person writes one as a bound, its first moment.
pub(crate) fn read_period(text: &str) -> Option<Instant> {
    let filled = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => return None,
    };
    Instant::read(&filled).map(|(instant, _)| instant)
}

const DAY_SECONDS: i64 = 86_400;

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        digits.parse().ok()
    }

    fn all_digits(&mut self) -> Option<&'a str> {
        let end = self.0.find(|char: char| !char.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!digits.is_empty()).then_some(digits)
    }

    fn one(&mut self, chars: &[char]) -> Option<char> {
        let first = self.0.chars().next().filter(|first| chars.contains(first))?;
        self.0 = self.0.strip_prefix(first)?;
        Some(first)
    }

    /// What is left must be a zone, or nothing.
    fn zone(&mut self) -> Option<Zone> {
        match self.0 {
            "" => return Some(Zone::Naive),
            "Z" => return Some(Zone::Utc("Z")),
            "z" => return Some(Zone::Utc("z")),
            "UTC" => return Some(Zone::Utc("UTC")),
            _ => {}
        }
        let sign = if self.one(&['+', '-'])? == '-' { -1 } else { 1 };
        let hours = self.digits(2).filter(|hours| *hours < 24)?;
        let form = match self.0 {
            "" => OffsetForm::Hours,
            rest if rest.starts_with(':') => OffsetForm::Colon,
            _ => OffsetForm::Digits,
        };
        let minutes = match form {
            OffsetForm::Hours => 0,
            OffsetForm::Digits => self.digits(2)?,
            OffsetForm::Colon => {
                self.one(&[':'])?;
                self.digits(2)?
            }
        };
        (self.0.is_empty() && minutes < 60)
            .then_some(Zone::Offset { minutes: sign * (hours * 60 + minutes), form })
    }
}

/// Days since 1970-01-01, by the Gregorian calendar; `None` for a day that there is not.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The date of so many days since 1970-01-01.
fn date(days: i64) -> String {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + era * 400, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", year + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn one_instant_in_many_spellings() {
        let same = [
            "2024-05-01T10:00:00Z",
            "2024-05-01T10:00:00z",
            "2024-05-01t10:00:00.000Z",
            "2024-05-01T12:00:00+02:00",
            "2024-05-01T12:00:00+0200",
            "2024-05-01 12:00:00+02",
            "2024-05-01T05:30:00,0-04:30",
            "2024-05-01 10:00:00",
            "2024-05-01T10:00",
            "2024-05-01 10:00:00 UTC",
            "2024-05-01 10:00:00 +0000",
            "2024-04-30T23:00:00-11:00",
        ];
        for text in same {
            let (instant, style) = Instant::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(instant, Instant::of_seconds(1_714_557_600), "{text}");
            assert_eq!(instant.write(style), text);
        }
    }

    #[test]
    fn what_is_no_time() {
        let cases = [
            "",
            "2024",
            "2024-05",
            "20240501",
            "2024-13-01",
            "2023-02-29",
            "2024-05-32",
            "2024-05-01T",
            "2024-05-01T24:00:00",
            "2024-05-01T10:60",
            "2024-05-01T10:00:00.",
            "2024-05-01T10:00:00 ",
            "2024-05-01T10:00:00+2",
            "2024-05-01T10:00:00+02:00x",
            "2024-05-01x",
            "x2024-05-01",
            "é024-05-01",
            "2024-05-01T10:00:00Zé",
        ];
        for text in cases {
            assert_eq!(Instant::read(text), None, "{text}");
        }
        assert_eq!(read_period("2024"), read_period("2024-01"));
        assert!(read_period("2024-5").is_none() && read_period("abcd").is_none());
    }

    #[test]
    fn order_is_of_time() {
        let texts = [
            "0001-01-01",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01",
            "1970-01-01T00:00:00.0000000001Z",
            "1970-01-01T00:00:00.1Z",
            "1970-01-01T00:00:00.10001Z",
            "1970-01-01T00:00:01Z",
            "2024-02-29",
            "2024-03-01",
            "2024-03-01T00:00:00-00:01",
            "9999-12-31",
        ];
        let instants: Vec<Instant> = texts.iter().map(|text| Instant::read(text).unwrap().0).collect();
        for pair in instants.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].order() < pair[1].order(), "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn dates_come_back(days in -700_000i64..2_900_000) {
            let text = date(days);
            let (instant, style) = Instant::read(&text).unwrap();
            prop_assert_eq!(instant.seconds, days * DAY_SECONDS);
            prop_assert_eq!(instant.write(style), text);
        }
    }
}
