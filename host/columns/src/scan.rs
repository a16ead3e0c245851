//! JSON read strictly (RFC 8259) off a page's text, without building a tree.

use std::borrow::Cow;

/// What should stand where something else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) expected: &'static str,
    /// Where in the page.
    pub(crate) at: usize,
}

/// Why a value could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed(Malformed),
    /// JSON, but no text.
    LoneSurrogate,
    /// An object has this key twice.
    KeyTwice(String),
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// A place in a page.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    pub(crate) at: usize,
}

/// A string between its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'a> {
    pub(crate) raw: &'a str,
    escaped: bool,
    pub(crate) lone: bool,
}

/// A number, and what of it fits machine words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number<'a> {
    pub(crate) text: &'a str,
    pub(crate) negative: bool,
    /// Neither point nor exponent.
    pub(crate) integral: bool,
    /// Its digits without point, if there are no more than 19 behind leading zeros.
    pub(crate) mantissa: Option<u64>,
    /// The power of ten that the mantissa is multiplied by; none if it is beyond any sense.
    pub(crate) exponent: Option<i32>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips what is space within a line.
    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the text goes on with `bytes`; if so, they are taken.
    #[inline]
    pub(crate) fn take(&mut self, bytes: &[u8]) -> bool {
        let there = self.text.as_bytes().get(self.at..self.at + bytes.len()) == Some(bytes);
        if there {
            self.at += bytes.len();
        }
        there
    }

    /// Whether the next byte is `byte`; if so, it is taken.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(crate) fn expected<T>(&self, expected: &'static str) -> Result<T, Malformed> {
        Err(Malformed { expected, at: self.at })
    }

    /// Behind the next newline, or at the end.
    pub(crate) fn next_line(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
    }

    /// The text from `start` to here.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A string, from its quote on.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Quoted<'a>, Malformed> {
        if !self.eat(b'"') {
            return self.expected("a string");
        }
        let start = self.at;
        let (mut escaped, mut lone) = (false, false);
        loop {
            self.at = special(self.text.as_bytes(), self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    lone |= self.escape()?;
                }
                Some(_) => return self.expected("no control character"),
                None => return self.expected("the end of a string"),
            }
        }
        let raw = self.since(start);
        self.at += 1;
        Ok(Quoted { raw, escaped, lone })
    }

    /// What follows a backslash; whether it is half of a surrogate pair.
    fn escape(&mut self) -> Result<bool, Malformed> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(false)
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex4()? {
                    0xd800..=0xdbff => {
                        let after = self.at;
                        if self.take(b"\\u") && (0xdc00..=0xdfff).contains(&self.hex4()?) {
                            return Ok(false);
                        }
                        // Whatever follows is read for itself.
                        self.at = after;
                        Ok(true)
                    }
                    unit => Ok((0xdc00..=0xdfff).contains(&unit)),
                }
            }
            _ => self.expected("an escape"),
        }
    }

    fn hex4(&mut self) -> Result<u32, Malformed> {
        let mut unit = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => unit = unit * 16 + digit,
                None => return self.expected("four hexadecimal digits"),
            }
            self.at += 1;
        }
        Ok(unit)
    }

    /// A number, from its first character on.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'a>, Malformed> {
        let start = self.at;
        let negative = self.eat(b'-');
        let mut digits = Digits { mantissa: 0, count: 0 };
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => {
                self.digits(&mut digits);
            }
            _ => return self.expected("a digit"),
        }
        let mut exponent = Some(0);
        let mut integral = true;
        if self.eat(b'.') {
            integral = false;
            let places = self.digits(&mut digits);
            if places == 0 {
                return self.expected("a digit");
            }
            exponent = i32::try_from(places).ok().map(|places| -places);
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integral = false;
            self.at += 1;
            let minus = self.eat(b'-');
            if !minus {
                self.eat(b'+');
            }
            let mut power = Digits { mantissa: 0, count: 0 };
            if self.digits(&mut power) == 0 {
                return self.expected("a digit");
            }
            let power =
                (power.count <= 19).then_some(power.mantissa).and_then(|power| i32::try_from(power).ok());
            exponent = match (exponent, power) {
                (Some(places), Some(power)) => places.checked_add(if minus { -power } else { power }),
                _ => None,
            };
        }
        let mantissa = (digits.count <= 19).then_some(digits.mantissa);
        Ok(Number { text: self.since(start), negative, integral, mantissa, exponent })
    }

    /// How many digits there are, added to those before.
    #[inline]
    fn digits(&mut self, digits: &mut Digits) -> usize {
        let start = self.at;
        while let Some(byte @ b'0'..=b'9') = self.peek() {
            // Ten to the 19th is less than 2^64; beyond it nobody looks.
            digits.mantissa = digits.mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            digits.count += usize::from(digits.count > 0 || byte != b'0');
            self.at += 1;
        }
        self.at - start
    }

    /// `true`, `false` or `null`, if it is `word`.
    #[inline]
    pub(crate) fn word(&mut self, word: &'static str) -> Result<(), Malformed> {
        if self.take(word.as_bytes()) { Ok(()) } else { self.expected("a value") }
    }
}

struct Digits {
    mantissa: u64,
    count: usize,
}

impl<'a> Quoted<'a> {
    /// The text that it stands for.
    #[inline]
    pub(crate) fn text(self) -> Result<Cow<'a, str>, Fault> {
        if !self.escaped {
            return Ok(Cow::Borrowed(self.raw));
        }
        if self.lone {
            return Err(Fault::LoneSurrogate);
        }
        Ok(Cow::Owned(unescape(self.raw)))
    }
}

/// The text of a string without lone surrogates whose escapes were checked.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = after.chars();
        let plain = match chars.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let unit = |at: usize| {
                    after.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0xfffd)
                };
                let first = unit(1);
                let (code, taken) = if (0xd800..0xdc00).contains(&first) {
                    (0x10000 + ((first - 0xd800) << 10) + (unit(7) & 0x3ff), 11)
                } else {
                    (first, 5)
                };
                text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                rest = after.get(taken..).unwrap_or_default();
                continue;
            }
            Some(other) => other,
            None => break,
        };
        text.push(plain);
        rest = chars.as_str();
    }
    text.push_str(rest);
    text
}

/// The next quote, backslash or control character at or behind `at`; the end if there is none.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    while let Some(Ok(word)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(word);
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        // The lowest bit that is set is never a false one: what is subtracted is borrowed from higher bytes only.
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGHS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_parts() {
        let number = |text| {
            let mut cursor = Cursor::new(text);
            let number = cursor.number().unwrap();
            assert_eq!(cursor.at, text.len());
            (number.negative, number.integral, number.mantissa, number.exponent)
        };
        for (text, parts) in [
            ("0", (false, true, Some(0), Some(0))),
            ("-12", (true, true, Some(12), Some(0))),
            ("0.00120", (false, false, Some(120), Some(-5))),
            ("1.5e3", (false, false, Some(15), Some(2))),
            ("1e99999999999", (false, false, Some(1), None)),
            ("12345678901234567890", (false, true, None, Some(0))),
            ("9999999999999999999", (false, true, Some(9_999_999_999_999_999_999), Some(0))),
        ] {
            assert_eq!(number(text), parts, "{text}");
        }
    }

    proptest! {
        #[test]
        fn strings_are_what_serde_json_reads(text in "[\\PC\\x00-\\x20\"\\\\]{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(&*Cursor::new(&json).string().unwrap().text().unwrap(), &*text);
            let ascii: String = json.chars().map(|c| if c.is_ascii() { c.to_string() } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }).collect();
            prop_assert_eq!(&*Cursor::new(&ascii).string().unwrap().text().unwrap(), &*text);
        }
    }
}
