//! Numbers without loss: the double that a text names, or its digits as a decimal.

use arrow_buffer::i256;

use crate::scan::Number;

/// Digits that Arrow's largest decimal keeps.
pub(crate) const MAX_DIGITS: u8 = 76;
/// Digits that its smaller one keeps.
pub(crate) const SMALL_DIGITS: u8 = 38;

/// The whole number of 64 bits that it is: `7`, `7.0` and `70e-1` are one.
#[inline]
pub(crate) fn int64(number: &Number) -> Option<i64> {
    let negative = number.negative;
    let signed =
        |size: u64| if negative { 0_i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() };
    match (number.mantissa, number.exponent) {
        (Some(mantissa), Some(0)) => signed(mantissa),
        (Some(0), _) => Some(0),
        _ => Decimal::read(number.text)?.whole(19)?.parse().ok(),
    }
}

/// The double that it names, if that names no other number: the shortest decimal that reads back as the double is then
/// numerically the same. `1.10` is 1.1; `0.1234567890123456789` and `1e999` are none.
#[inline]
pub(crate) fn exact_double(number: &Number) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    // IEEE 754 doubles keep any 15 digits; and both parts being exact, one operation rounds right (Clinger, 1990).
    if let (Some(mantissa @ 0..1_000_000_000_000_000), Some(exponent @ -22..=22)) =
        (number.mantissa, number.exponent)
    {
        #[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
        let mantissa = mantissa as f64;
        let power = POWERS.get(exponent.unsigned_abs() as usize)?;
        let size = if exponent < 0 { mantissa / power } else { mantissa * power };
        return Some(if number.negative { -size } else { size });
    }
    exact_double_of(number.text)
}

/// The double that `text` (a JSON number, RFC 8259, 6) names, if it names no other number.
pub fn exact_double_of(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    if !double.is_finite() {
        return None;
    }
    let wanted = Decimal::read(text)?;
    // IEEE 754 doubles keep any 15 digits, short of the ends of their range.
    if wanted.significant() <= 15 && wanted.exponent.abs() < 290 {
        return Some(double);
    }
    (wanted.same_as(&Decimal::read(&format!("{double:e}"))?)).then_some(double)
}

/// A whole number as a double, if no other whole number is that double.
pub(crate) fn double_of(int: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no more than 2^53")]
    (int.unsigned_abs() <= 1 << 53).then_some(int as f64)
}

/// A decimal as the significant digits that stand in its text, and where they end.
#[derive(Debug)]
pub struct Decimal<'a> {
    negative: bool,
    // Digits before and after the point, without the zeros at either end of the two together.
    whole: &'a [u8],
    fraction: &'a [u8],
    // Power of ten of the last digit.
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads a JSON number.
    pub fn read(text: &'a str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

        let mut whole = trim_start(whole.as_bytes());
        let mut fraction = trim_end(fraction.as_bytes());
        let mut last = -i64::try_from(fraction.len()).ok()?;
        if whole.is_empty() {
            fraction = trim_start(fraction);
        }
        if fraction.is_empty() {
            let kept = trim_end(whole);
            last = i64::try_from(whole.len() - kept.len()).ok()?;
            whole = kept;
        }
        if whole.is_empty() && fraction.is_empty() {
            return Some(Self { negative: false, whole, fraction, exponent: 0 });
        }
        // A text with an exponent beyond this type is no number that anything keeps.
        let exponent: i64 = exponent.parse().ok()?;
        Some(Self { negative, whole, fraction, exponent: exponent.checked_add(last)? })
    }

    /// Whether it is 0, of either sign.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.significant() == 0
    }

    /// Whether it is 1.
    #[must_use]
    pub fn is_one(&self) -> bool {
        !self.negative && self.exponent == 0 && self.digits().eq("1".chars())
    }

    /// Its digits behind its sign, if it is a whole number of no more than `max` digits.
    #[must_use]
    pub fn whole(&self, max: usize) -> Option<String> {
        self.scaled(0, max)
    }

    /// The digits, behind its sign, of what it is when multiplied by ten to the power of `scale`, if that is a whole number
    /// of no more than `max` digits.
    pub(crate) fn scaled(&self, scale: i8, max: usize) -> Option<String> {
        if self.is_zero() {
            return Some("0".to_owned());
        }
        let zeros = usize::try_from(self.exponent.checked_add(i64::from(scale))?).ok()?;
        if self.significant().checked_add(zeros)? > max {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        Some(sign.chars().chain(self.digits()).chain(std::iter::repeat_n('0', zeros)).collect())
    }

    /// The fewest digits behind the point that keep it, with how many digits it then has in all; none beyond any decimal.
    pub(crate) fn extent(&self) -> Option<(u8, i8)> {
        let scale = i8::try_from((-self.exponent).max(0)).ok()?;
        let zeros = usize::try_from(self.exponent.max(0)).ok()?;
        let digits = u8::try_from(self.significant().checked_add(zeros)?).ok()?.max(scale.unsigned_abs());
        (digits <= MAX_DIGITS).then_some((digits, scale))
    }

    /// One text for one number, however it was written.
    pub(crate) fn canonical(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        sign.chars().chain(self.digits()).chain(format!("e{}", self.exponent).chars()).collect()
    }

    fn digits(&self) -> impl Iterator<Item = char> {
        self.whole.iter().chain(self.fraction).map(|digit| char::from(*digit))
    }

    fn significant(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    fn same_as(&self, other: &Decimal) -> bool {
        self.negative == other.negative && self.exponent == other.exponent && self.digits().eq(other.digits())
    }
}

/// `text`, a JSON number, times ten to the power of `scale`, if that is a whole number of no more than 38 digits.
pub(crate) fn decimal128(number: &Number, precision: u8, scale: i8) -> Option<i128> {
    if let (Some(mantissa), Some(exponent)) = (number.mantissa, number.exponent)
        && let Ok(zeros @ 0..=18) = u32::try_from(exponent + i32::from(scale))
        && precision == SMALL_DIGITS
    {
        // No more than 19 and 18 digits.
        let size = i128::from(mantissa) * 10_i128.pow(zeros);
        return Some(if number.negative { -size } else { size });
    }
    Decimal::read(number.text)?.scaled(scale, usize::from(precision))?.parse().ok()
}

/// The same with as many as 76 digits.
pub(crate) fn decimal256(text: &str, precision: u8, scale: i8) -> Option<i256> {
    i256::from_string(&Decimal::read(text)?.scaled(scale, usize::from(precision))?)
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    digits.get(..digits.len() - zeros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scan::Cursor;

    fn number(text: &str) -> Number<'_> {
        Cursor::new(text).number().unwrap()
    }

    #[test]
    fn exact_or_not() {
        for (text, double) in [
            ("1.10", Some(1.1)),
            ("0.1", Some(0.1)),
            ("-0.0", Some(0.0)),
            ("0e999999", Some(0.0)),
            ("0e99999999999999999999", Some(0.0)),
            ("1e3", Some(1000.0)),
            ("1E+3", Some(1000.0)),
            ("100e-2", Some(1.0)),
            ("0.0000012300", Some(1.23e-6)),
            ("9007199254740993.0", None),
            ("9007199254740992.0", Some(9_007_199_254_740_992.0)),
            ("0.1234567890123456789", None),
            ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
            ("0.300000000000000040", Some(0.300_000_000_000_000_04)),
            ("1e999", None),
            ("1e-999", None),
            ("5e-324", Some(5e-324)),
            ("4e-324", None),
            ("1.7976931348623157e308", Some(f64::MAX)),
            ("1e99999999999999999999", None),
        ] {
            assert_eq!(exact_double(&number(text)), double, "{text}");
        }
    }

    #[test]
    fn whole_numbers_and_decimals() {
        for (text, int) in [
            ("-0", Some(0)),
            ("7.0", Some(7)),
            ("70e-1", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
            ("1e18", Some(1_000_000_000_000_000_000)),
            ("1e19", None),
            ("0.5", None),
            ("123456789012345678901234567890", None),
            ("0e99999999999", Some(0)),
        ] {
            assert_eq!(int64(&number(text)), int, "{text}");
        }
        for (text, extent) in [
            ("0", Some((0, 0))),
            ("-12.50", Some((3, 1))),
            ("0.001", Some((3, 3))),
            ("1e20", Some((21, 0))),
            ("1e76", None),
            ("1e75", Some((76, 0))),
            ("1e-76", Some((76, 76))),
            ("1e-77", None),
            ("1e-99999999999999999999", None),
        ] {
            let found = Decimal::read(text).and_then(|decimal| decimal.extent());
            assert_eq!(found, extent, "{text}");
        }
        assert_eq!(decimal128(&number("-1.5"), 38, 18), Some(-1_500_000_000_000_000_000));
        assert_eq!(decimal128(&number("1.55"), 38, 1), None);
        assert_eq!(decimal128(&number("100"), 2, 0), None);
        assert_eq!(decimal128(&number(&"9".repeat(38)), 38, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(decimal128(&number(&"9".repeat(39)), 38, 0), None);
        assert_eq!(decimal256(&"9".repeat(76), 76, 0).map(|int| int.to_string()), Some("9".repeat(76)));
        assert_eq!(double_of(i64::MAX), None);
        assert_eq!(double_of(1 << 53), Some(9_007_199_254_740_992.0));
        assert_eq!(double_of((1 << 53) + 1), None);
    }

    proptest! {
        #[test]
        fn every_double_is_itself(double in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(exact_double(&number(&format!("{double:e}"))), Some(double));
            prop_assert_eq!(exact_double(&number(&format!("{double}"))), Some(double));
        }

        #[test]
        fn the_fast_way_is_the_right_one(whole in 0u64..1_000_000_000_000_000, exponent in -30i32..30) {
            let text = format!("{whole}e{exponent}");
            prop_assert_eq!(exact_double(&number(&text)), text.parse().ok());
        }

        #[test]
        fn never_alters(whole in "(0|[1-9][0-9]{0,25})", fraction in "[0-9]{1,25}", exponent in -330i32..330) {
            let text = format!("{whole}.{fraction}e{exponent}");
            if let Some(double) = exact_double(&number(&text)) {
                let canonical = |text: &str| Decimal::read(text).unwrap().canonical();
                prop_assert_eq!(canonical(&text), canonical(&format!("{double:e}")));
            }
        }
    }
}
