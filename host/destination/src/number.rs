//! Whether a JSON number survives the way through a double.

/// The double that `text` (a JSON number, RFC 8259, 6) names, if it names no other number: the shortest decimal that
/// reads back as the double is then numerically `text`. `1.10` is 1.1; `0.1234567890123456789` and `1e999` are none.
pub(crate) fn exact_double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    if !double.is_finite() {
        return None;
    }
    let wanted = Decimal::read(text)?;
    // IEEE 754 doubles keep any 15 significant digits, short of the ends of their range.
    if wanted.digits() <= 15 && wanted.exponent.abs() < 290 {
        return Some(double);
    }
    let shortest = format!("{double:e}");
    (wanted.same_as(&Decimal::read(&shortest)?)).then_some(double)
}

/// A decimal as the significant digits that stand in its text, and where they end.
pub(crate) struct Decimal<'a> {
    negative: bool,
    // Digits before and after the point, without the zeros at either end of the two together.
    whole: &'a [u8],
    fraction: &'a [u8],
    // Power of ten of the last digit.
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads a JSON number.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // A text with an exponent beyond this type names no double, or zero.
        let exponent: i64 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

        let mut whole = trim_start(whole.as_bytes());
        let mut fraction = trim_end(fraction.as_bytes());
        let mut exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        if whole.is_empty() {
            fraction = trim_start(fraction);
        }
        if fraction.is_empty() {
            let kept = trim_end(whole);
            exponent = exponent.checked_add(i64::try_from(whole.len() - kept.len()).ok()?)?;
            whole = kept;
        }
        if whole.is_empty() && fraction.is_empty() {
            exponent = 0;
        }
        Some(Self { negative, whole, fraction, exponent })
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits() == 0
    }

    pub(crate) fn is_one(&self) -> bool {
        !self.negative && self.exponent == 0 && self.whole.iter().chain(self.fraction).eq(b"1")
    }

    /// Its digits behind its sign, if it is a whole number of no more than `max` digits.
    pub(crate) fn whole(&self, max: usize) -> Option<String> {
        let zeros = usize::try_from(self.exponent).ok()?;
        if self.digits().checked_add(zeros)? > max {
            return None;
        }
        let digits = self.whole.iter().chain(self.fraction).map(|digit| char::from(*digit));
        let sign = if self.negative { "-" } else { "" };
        let text: String = sign.chars().chain(digits).chain(std::iter::repeat_n('0', zeros)).collect();
        Some(if self.is_zero() { "0".to_owned() } else { text })
    }

    fn digits(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    fn same_as(&self, other: &Decimal) -> bool {
        self.negative == other.negative
            && self.exponent == other.exponent
            && self.whole.iter().chain(self.fraction).eq(other.whole.iter().chain(other.fraction))
    }
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

    use super::exact_double;

    #[test]
    fn exact_or_not() {
        for (text, double) in [
            ("1.10", Some(1.1)),
            ("0.1", Some(0.1)),
            ("-0.0", Some(0.0)),
            ("0e999999", Some(0.0)),
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
            assert_eq!(exact_double(text), double, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_double_is_itself(double in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(exact_double(&format!("{double:e}")), Some(double));
            prop_assert_eq!(exact_double(&format!("{double}")), Some(double));
        }

        #[test]
        fn never_alters(whole in "(0|[1-9][0-9]{0,25})", fraction in "[0-9]{1,25}", exponent in -330i32..330) {
            let text = format!("{whole}.{fraction}e{exponent}");
            if let Some(double) = exact_double(&text) {
                // Compared as integers scaled to one exponent, in plain digits.
                let scaled = |text: &str| {
                    let (mantissa, exponent) = text.split_once('e').unwrap();
                    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
                    let digits = format!("{whole}{fraction}");
                    let digits = digits.trim_start_matches('0');
                    let kept = digits.trim_end_matches('0');
                    let exponent: i32 = exponent.parse().unwrap();
                    let shift = exponent - fraction.len() as i32 + (digits.len() - kept.len()) as i32;
                    (kept.to_owned(), if kept.is_empty() { 0 } else { shift })
                };
                prop_assert_eq!(scaled(&text), scaled(&format!("{double:e}")));
            }
        }
    }
}
