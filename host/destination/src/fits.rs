//! Whether a JSON value can be taken for a declared type, as dlt coerces: exactly, and without altering it.

use std::borrow::Cow;

use jiff::fmt::temporal::{DateTimeParser, Pieces};
use sanderling_columns::{DataType, Decimal};

use crate::value::string;

/// Whether `json`, one value that is not null and has no space around it, fits `data_type`.
pub(crate) fn fits(data_type: DataType, json: &str) -> bool {
    match (data_type, Kind::of(json)) {
        (DataType::Json, _) => true,
        (_, Kind::Nested) => false,
        (DataType::Text, _) => true,
        (DataType::Bool, Kind::Bool) => true,
        (_, Kind::Bool) => false,
        (_, Kind::Number) => number_fits(data_type, json),
        (_, Kind::Text) => text_fits(data_type, &string(json)),
    }
}

/// What a value is, in few words: rows may hold what is nobody's business.
pub(crate) fn found(json: &str) -> String {
    const MAX_NUMBER: usize = 24;
    const MAX_TEXT: usize = 16;
    match Kind::of(json) {
        Kind::Nested if json.starts_with('[') => "an array".to_owned(),
        Kind::Nested => "an object".to_owned(),
        Kind::Number if json.len() > MAX_NUMBER => format!("a number of {} characters", json.len()),
        Kind::Text => match string(json).chars().count() {
            length if length > MAX_TEXT => format!("a text of {length} characters"),
            _ => json.to_owned(),
        },
        Kind::Number | Kind::Bool => json.to_owned(),
    }
}

enum Kind {
    Bool,
    Number,
    Text,
    Nested,
}

impl Kind {
    fn of(json: &str) -> Self {
        match json.as_bytes().first() {
            Some(b'"') => Self::Text,
            Some(b'{' | b'[') => Self::Nested,
            Some(b't' | b'f') => Self::Bool,
            _ => Self::Number,
        }
    }
}

/// A JSON number.
fn number_fits(data_type: DataType, number: &str) -> bool {
    match data_type {
        DataType::Double => is_finite(number),
        DataType::Decimal => true,
        DataType::Bigint => is_bigint(number),
        DataType::Wei => is_wei(number),
        DataType::Binary => is_bigint(number) && !number.starts_with('-'),
        // dlt takes any number; what is neither 0 nor 1 says that the column is none of truth.
        DataType::Bool => Decimal::read(number).is_some_and(|decimal| decimal.is_zero() || decimal.is_one()),
        DataType::Timestamp | DataType::Date => is_unix_time(number),
        DataType::Time => false,
        DataType::Text | DataType::Json => true,
    }
}

/// What a JSON string says.
fn text_fits(data_type: DataType, text: &str) -> bool {
    let number = text.trim();
    let hex = number.strip_prefix("0x");
    match data_type {
        DataType::Bigint => match hex {
            Some(hex) => is_hex(hex) && i64::from_str_radix(hex, 16).is_ok(),
            None => unsigned(number).is_some_and(is_digits) && is_bigint(without_plus(number)),
        },
        DataType::Wei => match hex {
            Some(hex) => is_hex(hex) && hex.trim_start_matches('0').len() <= 64,
            None => is_decimal(number) && is_wei(without_plus(number)),
        },
        DataType::Decimal => hex.map_or_else(|| is_decimal(number), is_hex),
        DataType::Double => match hex {
            Some(hex) => is_hex(hex),
            None => is_decimal(number) && is_finite(without_plus(number)),
        },
        DataType::Bool => {
            let words = ["yes", "true", "t", "y", "1", "no", "false", "f", "n", "0"];
            words.iter().any(|word| word.eq_ignore_ascii_case(text))
        }
        DataType::Binary => match text.strip_prefix("0x") {
            Some(hex) => hex.len() % 2 == 0 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => is_base64(text),
        },
        DataType::Timestamp | DataType::Date => {
            is_moment(text) || (is_decimal(text) && is_unix_time(without_plus(text)))
        }
        DataType::Time => DateTimeParser::new().parse_time(text).is_ok() && text.contains(':'),
        DataType::Text | DataType::Json => true,
    }
}

fn is_finite(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_bigint(number: &str) -> bool {
    whole(number, 19).is_some_and(|digits| digits.parse::<i64>().is_ok())
}

fn is_wei(number: &str) -> bool {
    // 2^256 - 1
    const MAX: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    whole(number, MAX.len()).is_some_and(|digits| {
        let digits = digits.trim_start_matches('-');
        digits.len() < MAX.len() || digits <= MAX
    })
}

/// The digits of a whole number, with its sign, if there are no more than `max`.
fn whole(number: &str, max: usize) -> Option<Cow<'_, str>> {
    let decimal = Decimal::read(number)?;
    decimal.whole(max).map(Cow::Owned)
}

/// Seconds since 1970, within the years that a date can be written in (1 to 9999).
fn is_unix_time(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(|seconds| (-62_135_596_800.0..253_402_300_800.0).contains(&seconds))
}

/// A date, or a date and a time, in the forms of ISO 8601 and RFC 3339.
fn is_moment(text: &str) -> bool {
    let parser = DateTimeParser::new();
    // A moment with an offset, or one without: the parser keeps the two apart.
    parser.parse_timestamp(text).is_ok() || parser.parse_datetime(text).is_ok() || {
        // Its last moment with an offset is some hours before the end of the year 9999.
        Pieces::parse(text).is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some())
    }
}

/// `[+-]`, digits with or without a point among them, an exponent: what Python's `Decimal` reads, but for NaN and infinity.
fn is_decimal(text: &str) -> bool {
    let Some(unsigned) = unsigned(text) else { return false };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_exponent = |exponent: &str| self::unsigned(exponent).is_some_and(is_digits);
    !(before.is_empty() && after.is_empty())
        && all_digits(before)
        && all_digits(after)
        && exponent.is_none_or(is_exponent)
}

/// The text behind its sign; none if there are two.
fn unsigned(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!rest.starts_with(['+', '-'])).then_some(rest)
}

fn without_plus(text: &str) -> &str {
    text.strip_prefix('+').unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// RFC 4648, 4: whole groups of four, of which the last may be filled up.
fn is_base64(text: &str) -> bool {
    let filled = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    let letters = text.as_bytes().get(..text.len() - filled).unwrap_or_default();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len().is_multiple_of(4) && filled <= 2 && letters.iter().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{Bigint, Binary, Bool, Date, Decimal, Double, Text, Time, Timestamp, Wei};

    const MAX_WEI: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    const ABOVE_WEI: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639936";

    #[test]
    fn what_fits() {
        let above_wei_text = format!("\"{ABOVE_WEI}\"");
        let max_wei_text = format!("\"{MAX_WEI}\"");
        let cases: &[(DataType, &[&str], &[&str])] = &[
            (Text, &["\"x\"", "1", "1.50", "true", "\"\""], &["{}", "[]", "{\"a\":1}"]),
            (
                Bigint,
                &[
                    "1",
                    "-0",
                    "1.0",
                    "1e3",
                    "120e-1",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9223372036854775807.0",
                    "\"12\"",
                    "\" -12 \"",
                    "\"+12\"",
                    "\"007\"",
                    "\"0x1f\"",
                    "\"9223372036854775807\"",
                    "0e99999",
                ],
                &[
                    "1.5",
                    "1e-1",
                    "9223372036854775808",
                    "-9223372036854775809",
                    "9223372036854775807.5",
                    "1e19",
                    "1e999999999999",
                    "1e99999999999999999999",
                    "\"12.0\"",
                    "\"1e3\"",
                    "\"9223372036854775808\"",
                    "\"0x\"",
                    "\"0xffffffffffffffff\"",
                    "\"0x-1\"",
                    "\"--1\"",
                    "\"\"",
                    "\"-\"",
                    "\"twelve\"",
                    "\"١\"",
                    "true",
                    "[1]",
                ],
            ),
            (
                Double,
                &[
                    "1",
                    "1.5",
                    "-1e300",
                    "12345678901234567890",
                    "\"1.5\"",
                    "\"1e3\"",
                    "\".5\"",
                    "\"5.\"",
                    "\"0xff\"",
                ],
                &[
                    "1e999",
                    "\"1e999\"",
                    "\"nan\"",
                    "\"inf\"",
                    "\"1,5\"",
                    "\".\"",
                    "\"e3\"",
                    "\"1e\"",
                    "false",
                    "{}",
                ],
            ),
            (
                Decimal,
                &[
                    "1",
                    "0.1234567890123456789012345678901234567890",
                    "1e999",
                    "\"0.10\"",
                    "\"-1e+5\"",
                    "\" 12 \"",
                    "\"0xff\"",
                ],
                &["\"nan\"", "\"1 2\"", "\"1_000\"", "\"0xzz\"", "\"\"", "true", "[]"],
            ),
            (
                Wei,
                &[MAX_WEI, "1.0", "0", "-5", "1e77", "\"12\"", "\"0xff\"", &max_wei_text],
                &[ABOVE_WEI, "1e78", "1.5", "\"1.5\"", &above_wei_text, "\"x\"", "true"],
            ),
            (
                Bool,
                &["true", "false", "0", "1", "1.0", "\"true\"", "\"False\"", "\"y\"", "\"0\""],
                &["2", "-1", "0.5", "\"\"", "\"maybe\"", "\" true\"", "[]"],
            ),
            (
                Timestamp,
                &[
                    "\"2026-03-01T09:30:00Z\"",
                    "\"2026-03-01T09:30:00.123456+02:00\"",
                    "\"2026-03-01T09:30:00\"",
                    "\"2026-03-01 09:30\"",
                    "\"2026-03-01\"",
                    "\"20260301T093000Z\"",
                    "\"2026-03-01T09:30:00+0200\"",
                    "\"9999-12-31T23:59:59.999999Z\"",
                    "\"9999-12-31\"",
                    "\"1772357400\"",
                    "1772357400",
                    "1772357400.5",
                    "-1",
                ],
                &[
                    "\"2026-02-30\"",
                    "\"2026-03-01T25:00:00Z\"",
                    "\"01/03/2026\"",
                    "\"yesterday\"",
                    "\"09:30:00\"",
                    "\"\"",
                    "1772357400000",
                    "1e999",
                    "true",
                    "{}",
                ],
            ),
            (
                Date,
                &[
                    "\"2026-03-01\"",
                    "\"20260301\"",
                    "\"2026-03-01T09:30:00Z\"",
                    "\"2024-02-29\"",
                    "\"9999-12-31\"",
                    "1772357400",
                ],
                &["\"2025-02-29\"", "\"2026-13-01\"", "\"09:30\"", "\"soon\"", "false"],
            ),
            (
                Time,
                &["\"09:30\"", "\"09:30:00\"", "\"09:30:00.5\"", "\"23:59:59\""],
                &["\"24:30:00\"", "\"09:61\"", "\"930\"", "\"2026-03-01\"", "\"noon\"", "34200", "true"],
            ),
            (
                Binary,
                &["\"aGk=\"", "\"\"", "\"0xdeadBEEF\"", "\"abcd\"", "\"ab+/\"", "5"],
                &[
                    "\"abc\"",
                    "\"a===\"",
                    "\"ab=d\"",
                    "\"ab-_\"",
                    "\"0xabc\"",
                    "\"0xzz\"",
                    "-5",
                    "1.5",
                    "true",
                ],
            ),
            (DataType::Json, &["{}", "[1]", "\"x\"", "1", "true"], &[]),
        ];
        for (data_type, good, bad) in cases {
            for json in *good {
                assert!(fits(*data_type, json), "{data_type}: {json} fits");
            }
            for json in *bad {
                assert!(!fits(*data_type, json), "{data_type}: {json} does not fit");
            }
        }
    }

    #[test]
    fn what_was_found_is_told_in_short() {
        for (json, words) in [
            ("\"n/a\"", "\"n/a\""),
            ("\"somebody@example.com\"", "a text of 20 characters"),
            ("\"ééééééééééééééééé\"", "a text of 17 characters"),
            ("1.50", "1.50"),
            ("1234567890123456789012345", "a number of 25 characters"),
            ("true", "true"),
            ("[1,2]", "an array"),
            ("{\"name\":\"x\"}", "an object"),
        ] {
            assert_eq!(found(json), words);
        }
    }
}
