//! What JSON `jsonb` does not hold: NUL as an escape, which it unescapes, and numbers beyond its `numeric`.

use memchr::memmem;

/// `numeric` has at most so many digits before the point, and behind it (PostgreSQL's manual, "Numeric Types").
const WHOLE: i64 = 131_072;
const DECIMALS: i64 = 16_383;
/// An exponent that is not even read.
const EXPONENT: i64 = (i32::MAX / 2) as i64;

/// Why it does not hold a JSON value; none if it does.
pub(super) fn refusal(json: &[u8]) -> Option<&'static str> {
    if holds_nul(json) {
        Some("PostgreSQL's jsonb cannot hold a NUL character (U+0000)")
    } else if may_hold_wide(json) && holds_wide(json) {
        Some("PostgreSQL's jsonb cannot hold a number of more than 131072 digits, or 16383 behind the point")
    } else {
        None
    }
}

/// Whether a backslash before `u0000` is not itself escaped.
fn holds_nul(json: &[u8]) -> bool {
    memmem::find_iter(json, b"\\u0000").any(|at| {
        let before = json.get(..at).unwrap_or_default();
        before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
    })
}

/// A quick look: an exponent of four digits or more, or a text that is longer than the longest fraction.
fn may_hold_wide(json: &[u8]) -> bool {
    let is_long = |at: usize| {
        let after = json.get(at + 1..).unwrap_or_default();
        let digits = after.strip_prefix(b"-").or(after.strip_prefix(b"+")).unwrap_or(after);
        digits.get(..4).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    };
    json.len() as i64 > DECIMALS || memchr::memchr2_iter(b'e', b'E', json).any(is_long)
}

/// Whether one of its numbers is too wide.
fn holds_wide(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => behind_text(after),
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| !b"+-.0123456789eE".contains(byte));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                if is_wide(number) {
                    return true;
                }
                after
            }
            _ => after,
        };
    }
    false
}

fn behind_text(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let escaped = rest.get(at) == Some(&b'\\');
        rest = rest.get(at + 1 + usize::from(escaped)..).unwrap_or_default();
        if !escaped {
            break;
        }
    }
    rest
}

fn is_wide(number: &[u8]) -> bool {
    let split = |text: &[u8], is: fn(&u8) -> bool| {
        let at = text.iter().position(is).unwrap_or(text.len());
        (text.get(..at).unwrap_or_default().to_vec(), text.get(at + 1..).unwrap_or_default().to_vec())
    };
    let (digits, exponent) =
        split(number.strip_prefix(b"-").unwrap_or(number), |byte| matches!(byte, b'e' | b'E'));
    let (whole, decimals) = split(&digits, |byte| *byte == b'.');
    let exponent = std::str::from_utf8(&exponent).unwrap_or_default();
    // One that 64 bits do not hold is too great either way.
    let exponent = if exponent.is_empty() { 0 } else { exponent.parse::<i64>().unwrap_or(i64::MAX) };
    if exponent.abs() >= EXPONENT || decimals.len() as i64 - exponent > DECIMALS {
        return true;
    }
    let leading = |digits: &[u8]| digits.iter().position(|digit| *digit != b'0').map(|at| at as i64);
    let before_point = match (leading(&whole), leading(&decimals)) {
        (Some(zeros), _) => whole.len() as i64 - zeros,
        (None, Some(zeros)) => -zeros,
        (None, None) => return false,
    };
    before_point + exponent > WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::tests::texts;
    use crate::postgres::{Postgres, PostgresAddress, server};

    #[test]
    fn a_nul_behind_escapes() {
        for (json, nul) in [
            (r#""\u0000""#, true),
            (r#""\\u0000""#, false),
            (r#""\\\u0000""#, true),
            (r#""\\u0000 \u0000""#, true),
            (r#""\u0001""#, false),
        ] {
            assert_eq!(refusal(json.as_bytes()).is_some(), nul, "{json}");
        }
    }

    #[test]
    fn numbers_as_the_server_takes_them() {
        let digits = |count: usize| "7".repeat(count);
        let cases = [
            ("1e131071".to_owned(), false),
            ("1e131072".to_owned(), true),
            ("-0.001e131074".to_owned(), false),
            ("0.001e131075".to_owned(), true),
            ("12E+131070".to_owned(), false),
            ("12E+131071".to_owned(), true),
            ("1e-16383".to_owned(), false),
            ("1e-16384".to_owned(), true),
            ("0.5e-16382".to_owned(), false),
            ("0.5e-16383".to_owned(), true),
            ("0e999999".to_owned(), false),
            ("0e-16384".to_owned(), true),
            ("1e99999999999999999999".to_owned(), true),
            ("0e-99999999999999999999".to_owned(), true),
            ("5e-0001".to_owned(), false),
            (digits(131_072), false),
            (digits(131_073), true),
            (format!("0.{}", digits(16_383)), false),
            (format!("0.{}", digits(16_384)), true),
            ("{\"a 1e999999\": [\"\\\"1e999999\", 1.5, true, null]}".to_owned(), false),
            ("{\"a\": [\"\\\\\", 1e999999]}".to_owned(), true),
        ];
        let session = server::shared()
            .map(|server| Postgres::connect(&PostgresAddress::parse(&server.socket_url()).unwrap()).unwrap());
        for (json, wide) in &cases {
            let short: String = json.chars().take(40).collect();
            assert_eq!(refusal(json.as_bytes()).is_some(), *wide, "{short}");
        }
        let Some(mut session) = session else { return };
        for (json, wide) in cases {
            let sql = format!("SELECT length('{json}'::jsonb::text)::text");
            let short: String = json.chars().take(40).collect();
            assert_eq!(session.query(&sql, &[]).is_err(), wide, "{short}");
        }
        assert_eq!(texts(&mut session, "SELECT 'on'"), [Some("on".to_owned())]);
    }
}
