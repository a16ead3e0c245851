//! What an unquoted YAML scalar means: the core schema (YAML 1.2.2, 10.3.2).

use serde_json::{Number, Value};

/// The value of an unquoted scalar. `None`: infinity or not a number, which JSON cannot say.
pub(super) fn resolve(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return None,
        _ => {}
    }
    if matches!(text.trim_start_matches(['-', '+']), ".inf" | ".Inf" | ".INF") && text.len() <= 5 {
        return None;
    }
    let number = radix(text).or_else(|| decimal(text));
    Some(number.unwrap_or_else(|| Value::String(text.to_owned())))
}

/// `0x1F` and `0o17`. One that is too big for 64 bits stays a text.
fn radix(text: &str) -> Option<Value> {
    let (digits, radix) = match text.split_at_checked(2)? {
        ("0x", digits) => (digits, 16),
        ("0o", digits) => (digits, 8),
        _ => return None,
    };
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Value::from)
}

/// Decimal numbers, brought into JSON's form and then read as serde_json reads them: `+1`, `007`, `.5` and `1.` are
/// numbers in YAML.
fn decimal(text: &str) -> Option<Value> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let exponent_digits = exponent.map(|text| text.strip_prefix(['-', '+']).unwrap_or(text));
    if !digits(whole)
        || !digits(fraction.unwrap_or_default())
        || (whole.is_empty() && fraction.is_none_or(str::is_empty))
        || exponent_digits.is_some_and(|text| text.is_empty() || !digits(text))
    {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let mut json = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    match fraction {
        Some("") => json.push_str(".0"),
        Some(fraction) => json.extend([".", fraction]),
        None => {}
    }
    json.extend(exponent.into_iter().flat_map(|text| ["e", text]));
    let number: Number = json.parse().ok()?;
    Some(Value::Number(number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn core_schema() {
        let cases = [
            ("", json!(null)),
            ("~", json!(null)),
            ("Null", json!(null)),
            ("nUll", json!("nUll")),
            ("TRUE", json!(true)),
            ("false", json!(false)),
            ("yes", json!("yes")),
            ("no", json!("no")),
            ("on", json!("on")),
            ("0", json!(0)),
            ("-0", json!(-0.0)),
            ("+12", json!(12)),
            ("007", json!(7)),
            ("-19", json!(-19)),
            ("18446744073709551615", json!(18446744073709551615_u64)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("0x", json!("0x")),
            ("0xg", json!("0xg")),
            ("-0x1", json!("-0x1")),
            ("0b1", json!("0b1")),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("-.5", json!(-0.5)),
            ("1.", json!(1.0)),
            ("1e3", json!(1000.0)),
            ("1.5E-2", json!(0.015)),
            (".", json!(".")),
            ("-", json!("-")),
            ("+", json!("+")),
            ("1e", json!("1e")),
            ("e3", json!("e3")),
            ("1e400", json!("1e400")),
            ("1_000", json!("1_000")),
            ("1.2.3", json!("1.2.3")),
            ("12:30", json!("12:30")),
            ("2024-01-01", json!("2024-01-01")),
            ("inf", json!("inf")),
            ("é", json!("é")),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text), Some(expected), "{text:?}");
        }
        for text in [".inf", "-.INF", "+.Inf", ".nan", ".NaN"] {
            assert_eq!(resolve(text), None, "{text}");
        }
    }
}
