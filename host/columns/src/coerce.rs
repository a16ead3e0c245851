//! Values taken for a type: exactly for what was learnt; for a declared type, as dlt coerces.

use std::borrow::Cow;

use arrow_buffer::i256;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;

use crate::builder::Data;
use crate::column_type::ColumnType;
use crate::data_type::DataType;
use crate::moment::{DAY_MICROS, date, in_range, moment, time};
use crate::number::{Decimal, decimal128, decimal256, exact_double, int64};
use crate::options::Declared;
use crate::scan::{Cursor, Number};
use crate::value::Value;

/// A value as a column stores it.
#[derive(Debug, PartialEq)]
pub(crate) enum Scalar<'v> {
    Bool(bool),
    Int(i64),
    Double(f64),
    /// A decimal, times ten to the power of its column's scale.
    Small(i128),
    Large(i256),
    Text(Cow<'v, str>),
    Json(Cow<'v, str>),
    Timestamp(i64),
    Date(i32),
    Time(i64),
    Binary(Vec<u8>),
}

/// Why a value cannot be taken for a declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It is of another kind.
    Kind,
    /// It could only be kept rounded.
    TooFine,
}

/// `value` (`raw` in the text) for a column that was learnt: the same value, or none.
pub(crate) fn exact<'v>(data: &Data, value: &Value<'v>, raw: &'v str) -> Option<Scalar<'v>> {
    Some(match (data, value) {
        (Data::Bool(_), Value::Bool(value)) => Scalar::Bool(*value),
        (Data::Int(_), Value::Number(number)) => Scalar::Int(int64(number)?),
        (Data::Double(_), Value::Number(number)) => Scalar::Double(exact_double(number)?),
        (Data::Small { precision, scale, .. }, Value::Number(number)) => {
            Scalar::Small(decimal128(number, *precision, *scale)?)
        }
        (Data::Large { precision, scale, .. }, Value::Number(number)) => {
            Scalar::Large(decimal256(number.text, *precision, *scale)?)
        }
        (Data::Text(_), Value::Text(text)) => Scalar::Text(Cow::Borrowed(text)),
        (Data::Timestamp { utc, .. }, Value::Text(text)) => {
            Scalar::Timestamp(moment(text).filter(|it| it.utc == *utc)?.micros)
        }
        (Data::Date(_), Value::Text(text)) => Scalar::Date(i32::try_from(date(text.as_bytes())?).ok()?),
        (Data::Time(_), Value::Text(text)) => match time(text.as_bytes())? {
            (micros, []) => Scalar::Time(micros),
            _ => return None,
        },
        (Data::Json(_), _) => Scalar::Json(Cow::Borrowed(raw)),
        _ => return None,
    })
}

/// `value` (`raw` in the text) for a column that is declared `declared`, whose data is `data`.
pub(crate) fn declared<'v>(
    declared: DataType,
    data: &Data,
    value: &Value<'v>,
    raw: &'v str,
) -> Result<Scalar<'v>, Unfit> {
    match (declared, value) {
        (DataType::Json, _) => Ok(Scalar::Json(Cow::Borrowed(raw))),
        (_, Value::Nested) => Err(Unfit::Kind),
        (DataType::Text, Value::Text(text)) => Ok(Scalar::Text(Cow::Borrowed(text))),
        (DataType::Text, _) => Ok(Scalar::Text(Cow::Borrowed(raw))),
        (DataType::Bool, Value::Bool(value)) => Ok(Scalar::Bool(*value)),
        (_, Value::Bool(_)) => Err(Unfit::Kind),
        (_, Value::Number(number)) => of_number(declared, data, number),
        (_, Value::Text(text)) => of_text(declared, data, text),
    }
}

fn of_number<'v>(declared: DataType, data: &Data, number: &Number) -> Result<Scalar<'v>, Unfit> {
    match declared {
        DataType::Bigint => int64(number).map(Scalar::Int).ok_or(Unfit::Kind),
        DataType::Double => double(number.text),
        DataType::Decimal | DataType::Wei => decimal(data, number.text),
        DataType::Binary => {
            // dlt's rule: the bytes of the number, the least first.
            let int = int64(number).and_then(|int| u64::try_from(int).ok()).ok_or(Unfit::Kind)?;
            let length = 8 - int.leading_zeros() as usize / 8;
            Ok(Scalar::Binary(int.to_le_bytes().into_iter().take(length).collect()))
        }
        DataType::Bool => {
            let decimal = Decimal::read(number.text).ok_or(Unfit::Kind)?;
            let known = decimal.is_zero() || decimal.is_one();
            known.then(|| Scalar::Bool(decimal.is_one())).ok_or(Unfit::Kind)
        }
        DataType::Timestamp => unix_micros(number.text).map(Scalar::Timestamp),
        DataType::Date => day(unix_micros(number.text)?),
        DataType::Time | DataType::Text | DataType::Json => Err(Unfit::Kind),
    }
}

fn of_text<'v>(declared: DataType, data: &Data, text: &str) -> Result<Scalar<'v>, Unfit> {
    let number = text.trim();
    let hex = number.strip_prefix("0x");
    match declared {
        DataType::Bigint => match hex {
            Some(hex) if is_hex(hex) => {
                i64::from_str_radix(hex, 16).map(Scalar::Int).map_err(|_| Unfit::Kind)
            }
            Some(_) => Err(Unfit::Kind),
            None => {
                let digits = unsigned(number).is_some_and(is_digits);
                digits.then(|| number.parse().ok()).flatten().map(Scalar::Int).ok_or(Unfit::Kind)
            }
        },
        DataType::Double => match hex {
            #[expect(clippy::cast_precision_loss, reason = "the column is declared a double")]
            Some(_) => hex_value(hex).map(|int| Scalar::Double(int as f64)),
            None => double(&plain_decimal(number)?),
        },
        DataType::Decimal | DataType::Wei => match hex {
            Some(_) => decimal(data, &hex_value(hex)?.to_string()),
            None => decimal(data, &plain_decimal(number)?),
        },
        DataType::Bool => {
            let is_one_of = |words: [&str; 5]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
            match (is_one_of(["yes", "true", "t", "y", "1"]), is_one_of(["no", "false", "f", "n", "0"])) {
                (true, _) => Ok(Scalar::Bool(true)),
                (_, true) => Ok(Scalar::Bool(false)),
                _ => Err(Unfit::Kind),
            }
        }
        DataType::Binary => bytes(text).map(Scalar::Binary).ok_or(Unfit::Kind),
        DataType::Timestamp => moment_micros(text).map(Scalar::Timestamp),
        DataType::Date => day(moment_micros(text)?),
        DataType::Time => time_of_day(text),
        DataType::Text | DataType::Json => Err(Unfit::Kind),
    }
}

/// The double next to it.
fn double<'v>(text: &str) -> Result<Scalar<'v>, Unfit> {
    text.parse().ok().filter(|double: &f64| double.is_finite()).map(Scalar::Double).ok_or(Unfit::Kind)
}

fn decimal<'v>(data: &Data, text: &str) -> Result<Scalar<'v>, Unfit> {
    let number = Cursor::new(text).number().map_err(|_| Unfit::Kind)?;
    let (found, scale) = match data {
        Data::Small { precision, scale, .. } => {
            (decimal128(&number, *precision, *scale).map(Scalar::Small), *scale)
        }
        Data::Large { precision, scale, .. } => {
            (decimal256(text, *precision, *scale).map(Scalar::Large), *scale)
        }
        _ => (None, 0),
    };
    found.ok_or_else(|| match Decimal::read(text).and_then(|decimal| decimal.extent()) {
        Some((_, places)) if places > scale && scale > 0 => Unfit::TooFine,
        _ => Unfit::Kind,
    })
}

/// Seconds since 1970.
fn unix_micros(text: &str) -> Result<i64, Unfit> {
    let near: f64 = text.parse().map_err(|_| Unfit::Kind)?;
    if !(-62_135_596_800.0..253_402_300_800.0).contains(&near) {
        return Err(Unfit::Kind);
    }
    let micros = Decimal::read(text).and_then(|decimal| decimal.scaled(6, 18)?.parse().ok());
    micros.filter(|micros| in_range(*micros)).ok_or(Unfit::TooFine)
}

/// A date, or a date and a time; without an offset it is UTC, which is dlt's rule for declared columns.
fn moment_micros(text: &str) -> Result<i64, Unfit> {
    if let Some(moment) = moment(text) {
        return Ok(moment.micros);
    }
    // The parser's last moment is some hours before the end of the year 9999.
    if let Some(days) = date(text.as_bytes()) {
        return Ok(days * DAY_MICROS);
    }
    let parser = DateTimeParser::new();
    let civil = |time: DateTime| jiff::tz::Offset::UTC.to_timestamp(time).ok();
    let at = parser.parse_timestamp(text).ok().or_else(|| parser.parse_datetime(text).ok().and_then(civil));
    let Some(at) = at else {
        return unix_micros(&plain_decimal(text)?);
    };
    // The parser takes a leap second for the one before it.
    let leaps = text.contains(":60") || text.contains("60Z");
    if at.subsec_nanosecond() % 1_000 != 0 || leaps {
        return Err(Unfit::TooFine);
    }
    Some(at.as_microsecond()).filter(|micros| in_range(*micros)).ok_or(Unfit::Kind)
}

fn day<'v>(micros: i64) -> Result<Scalar<'v>, Unfit> {
    i32::try_from(micros.div_euclid(DAY_MICROS)).map(Scalar::Date).map_err(|_| Unfit::Kind)
}

fn time_of_day<'v>(text: &str) -> Result<Scalar<'v>, Unfit> {
    let parsed =
        DateTimeParser::new().parse_time(text).ok().filter(|_| text.contains(':')).ok_or(Unfit::Kind)?;
    let nanos = parsed.duration_since(jiff::civil::Time::midnight()).as_nanos();
    if nanos % 1_000 != 0 || text.contains(":60") {
        return Err(Unfit::TooFine);
    }
    i64::try_from(nanos / 1_000).map(Scalar::Time).map_err(|_| Unfit::Kind)
}

/// `[+-]`, digits with or without a point among them, an exponent: what Python's `Decimal` reads, but for NaN and infinity;
/// as JSON writes it.
fn plain_decimal(text: &str) -> Result<String, Unfit> {
    let rest = unsigned(text).ok_or(Unfit::Kind)?;
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let good = !(before.is_empty() && after.is_empty())
        && all_digits(before)
        && all_digits(after)
        && exponent.is_none_or(|exponent| unsigned(exponent).is_some_and(is_digits));
    if !good {
        return Err(Unfit::Kind);
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let before = before.trim_start_matches('0');
    let before = if before.is_empty() { "0" } else { before };
    let point = if after.is_empty() { "" } else { "." };
    let exponent = exponent.map(|exponent| format!("e{exponent}")).unwrap_or_default();
    Ok(format!("{sign}{before}{point}{after}{exponent}"))
}

/// The text behind its sign; none if there are two.
fn unsigned(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!rest.starts_with(['+', '-'])).then_some(rest)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex_value(hex: Option<&str>) -> Result<u128, Unfit> {
    let hex = hex.filter(|hex| is_hex(hex)).ok_or(Unfit::Kind)?;
    u128::from_str_radix(hex, 16).map_err(|_| Unfit::Kind)
}

/// Hexadecimal behind `0x`, else base64 (RFC 4648, 4).
fn bytes(text: &str) -> Option<Vec<u8>> {
    let Some(hex) = text.strip_prefix("0x") else {
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
        return GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(text).ok();
    };
    let digits = hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The data of a column that is declared so.
pub(crate) fn data_for(data_type: DataType, declared: &Declared) -> Data {
    let column_type = match data_type.column_type(declared.precision) {
        ColumnType::Timestamp { .. } => ColumnType::Timestamp { utc: !declared.naive },
        other => other,
    };
    Data::of(&column_type, false)
}

/// What a value is, in few words: rows may hold what is nobody's business.
pub(crate) fn found(value: &Value, raw: &str) -> String {
    const MAX_NUMBER: usize = 24;
    const MAX_TEXT: usize = 16;
    match value {
        Value::Nested if raw.starts_with('[') => "an array".to_owned(),
        Value::Nested => "an object".to_owned(),
        Value::Number(number) if number.text.len() > MAX_NUMBER => {
            format!("a number of {} characters", number.text.len())
        }
        Value::Text(text) => match text.chars().count() {
            length if length > MAX_TEXT => format!("a text of {length} characters"),
            _ => raw.to_owned(),
        },
        Value::Number(_) | Value::Bool(_) => raw.to_owned(),
    }
}
