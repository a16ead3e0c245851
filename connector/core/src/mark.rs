//! The value of a cursor in an order: numbers by value, times by instant, any other text by its characters.

use std::cmp::Ordering;

use crate::instant::{Instant, read_period};
use crate::json::{Kind, decode_string};

/// A value that can be compared with others of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    Number(Decimal),
    Time(Instant),
    Text(String),
}

/// A decimal number of any size: 0.DIGITS times a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Neither starts nor ends with 0; empty: zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Mark {
    /// The mark of a JSON scalar.
    ///
    /// # Errors
    /// What it is, where that has no order.
    pub(crate) fn of(json: &[u8]) -> Result<Self, &'static str> {
        match Kind::of(json.first().copied()) {
            Kind::Number => Decimal::parse(json).map(Self::Number).ok_or(Kind::Number.noun()),
            Kind::String => {
                let text = decode_string(json).ok_or("text with half a surrogate pair")?;
                Ok(Self::of_text(&text))
            }
            other => Err(other.noun()),
        }
    }

    fn of_text(text: &str) -> Self {
        match Instant::read(text) {
            Some((instant, _)) => Self::Time(instant),
            None => Self::Text(text.to_owned()),
        }
    }

    /// `None`: they are of two kinds.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => Some(one.cmp(other)),
            (Self::Time(one), Self::Time(other)) => Some(one.cmp(other)),
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Time(_) => "a time",
            Self::Text(_) => "a text that is no time",
        }
    }

    /// Bytes that sort as the marks of a kind do; `descending`: the other way round.
    pub(crate) fn order(&self, descending: bool) -> Vec<u8> {
        let mut bytes = match self {
            Self::Number(number) => number.order(),
            Self::Time(instant) => instant.order(),
            // UTF-8 has no byte 0xFF; without 0x00 nothing sorts before an end.
            Self::Text(text) => text.bytes().map(|byte| byte.saturating_add(1)).collect(),
        };
        // Where one page has times and another a text that is none, such as "", that must not hide the times.
        let kind = match self {
            Self::Text(_) => b'x',
            Self::Time(_) => b'y',
            Self::Number(_) => b'z',
        };
        if descending {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
            bytes.push(0xFF);
        }
        bytes.insert(0, kind);
        bytes
    }
}

impl Decimal {
    /// Reads a JSON number.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(json).ok()?;
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            // Beyond what can be counted it is as good as endless.
            Some((mantissa, power)) => (mantissa, power.parse::<i64>().unwrap_or_else(|_| endless(power))),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = all.iter().take_while(|digit| **digit == b'0').count();
        let end = all.iter().rposition(|digit| *digit != b'0').map_or(zeros, |last| last + 1);
        let digits = all.get(zeros..end).unwrap_or_default().to_vec();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
        Some(Self { negative, digits, exponent: point.saturating_add(power) })
    }

    fn order(&self) -> Vec<u8> {
        if self.digits.is_empty() {
            return vec![1];
        }
        let mut bytes = ((self.exponent as u64) ^ (1 << 63)).to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.digits);
        if self.negative {
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
            bytes.push(0xFF);
        }
        bytes.insert(0, if self.negative { 0 } else { 2 });
        bytes
    }
}

fn endless(power: &str) -> i64 {
    if power.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A bound that rows are held against. A text may be read in more than one way: what the rows have decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    /// As it is sent: JSON.
    pub(crate) json: String,
    readings: Vec<Mark>,
}

impl Bound {
    /// Of a JSON number or string.
    ///
    /// # Errors
    /// What it is, where that has no order.
    pub(crate) fn of(json: &str) -> Result<Self, &'static str> {
        let mark = Mark::of(json.as_bytes())?;
        let period = match &mark {
            Mark::Text(text) => read_period(text).map(Mark::Time),
            Mark::Number(_) | Mark::Time(_) => None,
        };
        Ok(Self { json: json.to_owned(), readings: [Some(mark), period].into_iter().flatten().collect() })
    }

    /// Of a text as a person types it, such as `2024-05-01` or `100`. It is sent as a number where `like` is one.
    pub(crate) fn typed(text: &str, like: Option<&Self>) -> Self {
        let quoted = serde_json::Value::from(text).to_string();
        let mut readings = vec![Mark::of_text(text)];
        readings.extend(read_period(text).map(Mark::Time));
        let number = serde_json::from_str::<serde_json::Number>(text).ok();
        readings.extend(number.and_then(|_| Decimal::parse(text.as_bytes())).map(Mark::Number));
        let is_number = |bound: &Self| matches!(bound.readings.first(), Some(Mark::Number(_)));
        let as_number = like.is_none_or(is_number) && matches!(readings.last(), Some(Mark::Number(_)));
        Self { json: if as_number { text.to_owned() } else { quoted }, readings }
    }

    /// How a row's value stands to it.
    ///
    /// # Errors
    /// What the bound is, where that cannot be compared with the value.
    pub(crate) fn compare(&self, value: &Mark) -> Result<Ordering, &'static str> {
        let found = self.readings.iter().find_map(|reading| value.compare(reading));
        found.ok_or_else(|| self.readings.first().map_or("nothing", Mark::noun))
    }

    /// Whether both are whole numbers written as text, which stand the other way round by their characters: "10" before
    /// "9".
    pub(crate) fn misleads(&self, value: &Mark) -> bool {
        let number = |mark: &Mark| match mark {
            Mark::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Decimal::parse(text.as_bytes())
            }
            _ => None,
        };
        let texts = self.readings.first().map(|own| (value.compare(own), number(value), number(own)));
        let Some((Some(order), Some(value), Some(own))) = texts else { return false };
        order == value.cmp(&own).reverse() && order.is_ne()
    }

    /// Whether it is beyond another bound of its kind, or at it.
    pub(crate) fn reaches(&self, other: &Self, descending: bool) -> bool {
        let order = self.readings.iter().find_map(|reading| other.compare(reading).ok());
        order.is_none_or(|order| if descending { order.is_le() } else { order.is_ge() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn mark(json: &str) -> Mark {
        Mark::of(json.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let rising = [
            "-1e400",
            "-12345678901234567891",
            "-12345678901234567890",
            "-1.5",
            "-1",
            "-0.12",
            "-0.1",
            "-0.001",
            "0",
            "1e-9999999999999999999999",
            "0.001",
            "0.1",
            "0.100001",
            "0.11",
            "1",
            "2",
            "10",
            "99.99",
            "100",
            "12345678901234567890",
            "12345678901234567890.5",
            "1e400",
        ];
        for pair in rising.windows(2) {
            let (low, high) = (mark(pair[0]), mark(pair[1]));
            assert_eq!(low.compare(&high), Some(Ordering::Less), "{pair:?}");
            assert!(low.order(false) < high.order(false) && low.order(true) > high.order(true), "{pair:?}");
        }
        for (one, other) in [("1", "1.0"), ("100", "1e2"), ("-0", "0.00"), ("0.01", "1E-2")] {
            assert_eq!(mark(one), mark(other));
        }
    }

    #[test]
    fn what_has_no_order_says_so() {
        let cases = [("null", "null"), ("true", "a boolean"), ("[1]", "a list"), ("{}", "an object")];
        for (json, noun) in cases {
            assert_eq!(Mark::of(json.as_bytes()), Err(noun));
        }
        assert_eq!(mark("1").compare(&mark("\"1\"")), None);
        assert_eq!(mark("\"2024-01-01\"").compare(&mark("\"n/a\"")), None);
        assert_eq!(Bound::of("1").unwrap().compare(&mark("\"1\"")), Err("a number"));
    }

    #[test]
    fn a_bound_is_read_as_the_rows_are() {
        let year = Bound::of("\"2024\"").unwrap();
        assert_eq!(year.compare(&mark("\"2025\"")), Ok(Ordering::Greater));
        assert_eq!(year.compare(&mark("\"2023-12-31T23:00:00-01:00\"")), Ok(Ordering::Equal));
        let typed = Bound::typed("100", None);
        assert_eq!((typed.json.as_str(), typed.compare(&mark("99.5"))), ("100", Ok(Ordering::Less)));
        let text = Bound::of("\"a\"").unwrap();
        assert_eq!(Bound::typed("100", Some(&text)).json, "\"100\"");
        assert_eq!(Bound::typed("2024-05-01", None).json, "\"2024-05-01\"");
    }

    fn any_json() -> impl Strategy<Value = (String, String)> {
        let number = || {
            prop_oneof![
                any::<i64>().prop_map(|n| n.to_string()),
                "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,4})?(e-?[0-9]{1,2})?"
            ]
        };
        let text = || ".{0,4}".prop_map(|text: String| serde_json::Value::from(text).to_string());
        prop_oneof![(number(), number()), (text(), text())]
    }

    proptest! {
        #[test]
        fn order_sorts_as_the_marks_do((one, other) in any_json()) {
            let (one, other) = (mark(&one), mark(&other));
            let order = one.compare(&other).unwrap();
            prop_assert_eq!(one.order(false).cmp(&other.order(false)), order);
            prop_assert_eq!(other.order(true).cmp(&one.order(true)), order);
        }
    }
}
