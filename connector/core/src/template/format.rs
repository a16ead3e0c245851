//! Python's format specifications, as in `{resources.p.number:05d}`: a value written with a width, a base or a precision.
//!
//! The rules are those of Python's `format()` ("Format Specification Mini-Language"), since dlt fills its templates with it.

use std::iter::Peekable;
use std::str::Chars;

use crate::json::{Kind, decode_string};

/// `[[fill]align][sign][#][0][width][grouping][.precision][kind]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    /// As the config has it.
    pub(crate) written: String,
    fill: char,
    align: Option<Align>,
    sign: Sign,
    /// `#`: `0x` before a number of base 16.
    prefixed: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
    Centre,
    /// The padding goes between the sign and the digits.
    BehindSign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Minus,
    Plus,
    Space,
}

const MAX_WIDTH: usize = 1_000;
const MAX_PRECISION: usize = 100;

impl Format {
    /// Reads what stands behind the colon; `None` if that is no format.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.chars().peekable();
        let mut ahead = text.chars();
        let (first, second) = (ahead.next(), ahead.next());
        let (mut fill, mut align) = (None, None);
        if let (Some(char), Some(found)) = (first, second.and_then(aligned)) {
            (fill, align) = (Some(char), Some(found));
            rest = ahead.peekable();
        } else if let Some(found) = first.and_then(aligned) {
            align = Some(found);
            rest.next();
        }
        let sign = match rest.next_if(|char| matches!(char, '+' | '-' | ' ')) {
            Some('+') => Sign::Plus,
            Some(' ') => Sign::Space,
            _ => Sign::Minus,
        };
        let prefixed = rest.next_if_eq(&'#').is_some();
        let zero = rest.next_if_eq(&'0').is_some();
        let width = count(&mut rest, MAX_WIDTH)?;
        let grouping = rest.next_if(|char| matches!(char, ',' | '_'));
        let precision = match rest.next_if_eq(&'.') {
            None => None,
            Some(_) if !rest.peek()?.is_ascii_digit() => return None,
            Some(_) => Some(count(&mut rest, MAX_PRECISION)?),
        };
        let kind = rest.next_if(|char| "bcdeEfFgGnosxX%".contains(*char));
        // Python groups the zeros that it puts in front; nobody asks for that.
        if rest.next().is_some() || zero && grouping.is_some() {
            return None;
        }
        if zero && align.is_none() {
            align = Some(Align::BehindSign);
        }
        let fill = fill.unwrap_or(if zero { '0' } else { ' ' });
        let written = text.to_owned();
        Some(Self { written, fill, align, sign, prefixed, width, grouping, precision, kind })
    }

    /// A value, given as JSON, as text.
    ///
    /// # Errors
    /// What the value is, where this format is not for values of its type.
    pub(crate) fn write(&self, json: &str) -> Result<String, &'static str> {
        let kind = Kind::of(json.bytes().next());
        let (sign, digits, number) = match kind {
            Kind::String => {
                let text = decode_string(json.as_bytes()).ok_or("text with half a surrogate pair")?;
                (String::new(), self.text(&text).ok_or(kind.noun())?, false)
            }
            Kind::Bool => self.integer(if json == "true" { "1" } else { "0" }).ok_or(kind.noun())?,
            Kind::Number if json.contains(['.', 'e', 'E']) => self.float(json).ok_or("a decimal number")?,
            Kind::Number => self.integer(json).ok_or("an integer")?,
            _ => return Err(kind.noun()),
        };
        Ok(self.padded(&sign, &digits, number))
    }

    fn text(&self, text: &str) -> Option<String> {
        let plain = self.sign == Sign::Minus && !self.prefixed && self.grouping.is_none();
        if !plain || !matches!(self.kind, None | Some('s')) {
            return None;
        }
        Some(text.chars().take(self.precision.unwrap_or(usize::MAX)).collect())
    }

    fn integer(&self, json: &str) -> Option<(String, String, bool)> {
        let (minus, digits) = json.strip_prefix('-').map_or((false, json), |digits| (true, digits));
        let of_base = |prefix: &str, write: fn(u128) -> String| {
            let digits = write(digits.parse().ok()?);
            Some((if self.prefixed { prefix } else { "" }.to_owned(), grouped(&digits, self.grouping, 4)))
        };
        let decimal = || Some((String::new(), grouped(digits, self.grouping, 3)));
        let (prefix, digits) = match self.kind {
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => return self.float(json),
            _ if self.precision.is_some() => return None,
            None | Some('d' | 'n') => decimal(),
            Some('b') => of_base("0b", |number| format!("{number:b}")),
            Some('o') => of_base("0o", |number| format!("{number:o}")),
            Some('x') => of_base("0x", |number| format!("{number:x}")),
            Some('X') => of_base("0X", |number| format!("{number:X}")),
            Some('c') => {
                let char = char::from_u32(json.parse().ok()?)?;
                return Some((String::new(), char.to_string(), true));
            }
            Some(_) => None,
        }?;
        Some((format!("{}{prefix}", self.signed(minus)), digits, true))
    }

    fn float(&self, json: &str) -> Option<(String, String, bool)> {
        let value: f64 = json.parse().ok().filter(|value: &f64| value.is_finite())?;
        let (minus, value) = (value.is_sign_negative(), value.abs());
        let precision = self.precision.unwrap_or(6);
        let text = match (self.kind, self.precision) {
            // The API's own digits.
            (None, None) => json.trim_start_matches('-').to_owned(),
            (None, Some(precision)) => general(value, precision, true),
            (Some('g' | 'n'), _) => general(value, precision, false),
            (Some('G'), _) => general(value, precision, false).to_uppercase(),
            (Some('f' | 'F'), _) => format!("{value:.precision$}"),
            (Some('%'), _) => format!("{:.precision$}%", value * 100.0),
            (Some('e'), _) => exponential(value, precision),
            (Some('E'), _) => exponential(value, precision).to_uppercase(),
            _ => return None,
        };
        let whole = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
        let (whole, rest) = text.split_at(whole);
        Some((self.signed(minus), grouped(whole, self.grouping, 3) + rest, true))
    }

    fn signed(&self, minus: bool) -> String {
        match (minus, self.sign) {
            (true, _) => "-",
            (false, Sign::Minus) => "",
            (false, Sign::Plus) => "+",
            (false, Sign::Space) => " ",
        }
        .to_owned()
    }

    fn padded(&self, sign: &str, digits: &str, number: bool) -> String {
        let lacking = self.width.saturating_sub(sign.chars().count() + digits.chars().count());
        let pad = |count: usize| std::iter::repeat_n(self.fill, count).collect::<String>();
        let default = if number { Align::Right } else { Align::Left };
        match self.align.unwrap_or(default) {
            Align::BehindSign if number => format!("{sign}{}{digits}", pad(lacking)),
            Align::Left | Align::BehindSign => format!("{sign}{digits}{}", pad(lacking)),
            Align::Right => format!("{}{sign}{digits}", pad(lacking)),
            Align::Centre => {
                format!("{}{sign}{digits}{}", pad(lacking / 2), pad(lacking - lacking / 2))
            }
        }
    }
}

/// The digits that come next, as a number; none are 0.
fn count(rest: &mut Peekable<Chars<'_>>, max: usize) -> Option<usize> {
    let mut digits = String::from("0");
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.parse().ok().filter(|count| *count <= max)
}

fn aligned(char: char) -> Option<Align> {
    match char {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Centre),
        '=' => Some(Align::BehindSign),
        _ => None,
    }
}

fn grouped(digits: &str, separator: Option<char>, size: usize) -> String {
    let Some(separator) = separator else { return digits.to_owned() };
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(size) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// `1.234568e+04`: at least two digits of exponent.
fn exponential(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// Python's `g`: the shorter of both ways to write it, without zeros at the end; `point` asks for one digit behind it.
fn general(value: f64, precision: usize, point: bool) -> String {
    let precision = precision.max(1);
    let written = exponential(value, precision - 1);
    let exponent: i64 = written.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let digits = i64::try_from(precision).unwrap_or(i64::MAX);
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    // Without a kind, a number that needs all its digits before the point is written with an exponent.
    if exponent < -4 || exponent >= digits - i64::from(point) {
        let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "+00"));
        return format!("{}e{exponent}", short(mantissa));
    }
    let behind = usize::try_from(digits - 1 - exponent).unwrap_or(0);
    let text = short(&format!("{value:.behind$}"));
    if point && !text.contains('.') { text + ".0" } else { text }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let cases = [
            ("05d", "7", "00007"),
            ("05d", "-7", "-0007"),
            ("d", "true", "1"),
            ("5", "true", "    1"),
            (".2f", "1.5", "1.50"),
            (".2f", "2", "2.00"),
            (".0f", "2.5", "2"),
            ("05", r#""a""#, "a0000"),
            (">5", r#""a""#, "    a"),
            ("<5", "7", "7    "),
            ("^5", r#""a""#, "  a  "),
            ("*^7", r#""ab""#, "**ab***"),
            (",", "1234567", "1,234,567"),
            ("_", "-1234567", "-1_234_567"),
            (",.1f", "1234567.89", "1,234,567.9"),
            ("x", "255", "ff"),
            ("#X", "255", "0XFF"),
            ("b", "5", "101"),
            ("o", "8", "10"),
            ("e", "12345.678", "1.234568e+04"),
            ("g", "12345.678", "12345.7"),
            ("g", "0.00001", "1e-05"),
            ("g", "1000000", "1e+06"),
            ("%", "0.25", "25.000000%"),
            (".1%", "0.25", "25.0%"),
            ("s", r#""é""#, "é"),
            (".2", r#""abcdef""#, "ab"),
            ("+d", "5", "+5"),
            (" d", "5", " 5"),
            ("c", "65", "A"),
            ("n", "5", "5"),
            (".3", "1.23456", "1.23"),
            (".3", "123.4", "1.23e+02"),
            (".4", "100.0", "100.0"),
            ("8", "1.50", "    1.50"),
            ("=+8d", "5", "+      5"),
            ("08.3f", "-3.14159", "-003.142"),
            (
                "d",
                "123456789012345678901234567890123456789012345",
                "123456789012345678901234567890123456789012345",
            ),
        ];
        for (format, json, text) in cases {
            assert_eq!(Format::parse(format).unwrap().write(json).as_deref(), Ok(text), "{format} {json}");
        }
    }

    #[test]
    fn a_format_is_for_values_of_its_type() {
        let cases = [
            ("05d", "1.5", "a decimal number"),
            ("d", r#""7""#, Kind::String.noun()),
            (".2f", r#""7""#, Kind::String.noun()),
            ("s", "7", "an integer"),
            (".1d", "7", "an integer"),
            (">5", "null", Kind::Null.noun()),
            ("x", "99999999999999999999999999999999999999999", "an integer"),
            ("f", "1e999", "a decimal number"),
        ];
        for (format, json, what) in cases {
            assert_eq!(Format::parse(format).unwrap().write(json), Err(what), "{format} {json}");
        }
        for text in ["z", "5z", "%Y-%m-%d", ".", "99999", ".999f", "dd", "05,d"] {
            assert_eq!(Format::parse(text), None, "{text}");
        }
    }
}
