//! PostgreSQL's `numeric` on the wire: digits of base 10,000, written by hand so that no digit is rounded.
//!
//! The form is that of `numeric_send` in PostgreSQL's sources: four 16-bit numbers (digits that follow, weight of the
//! first, sign, decimals to show), then the digits.

use arrow_buffer::i256;

const BASE: u64 = 10_000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
/// 256 bits are 77 digits: at most 20 groups, one more where the decimal point cuts one.
const GROUPS: usize = 21;

/// Writes `value / 10^scale`.
pub(crate) fn write(value: i128, scale: u8, out: &mut Vec<u8>) {
    let mut rest = value.unsigned_abs();
    let cut = |rest: &mut u128, by: u64| {
        // Most numbers are small, and division in 64 bits is many times faster.
        if let Ok(small) = u64::try_from(*rest) {
            *rest = u128::from(small / by);
            return (small % by) as u16;
        }
        let by = u128::from(by);
        let group = (*rest % by) as u16;
        *rest /= by;
        group
    };
    groups(value < 0, scale, out, |by| (cut(&mut rest, by), rest == 0));
}

/// Writes `value / 10^scale`.
pub(crate) fn write_wide(value: i256, scale: u8, out: &mut Vec<u8>) {
    let negative = value < i256::ZERO;
    // The lowest number has no positive twin; as an unsigned number its bits are right, and 2^255 has 77 digits.
    let (low, high) = value.wrapping_abs().to_parts();
    let mut limbs = [(high as u128 >> 64) as u64, high as u64, (low >> 64) as u64, low as u64];
    groups(negative, scale, out, |by| {
        let mut remainder = 0_u128;
        for limb in &mut limbs {
            let part = (remainder << 64) | u128::from(*limb);
            *limb = (part / u128::from(by)) as u64;
            remainder = part % u128::from(by);
        }
        (remainder as u16, limbs == [0; 4])
    });
}

/// `next(by)` cuts off the lowest digits (`number % by`), and says whether nothing is left.
fn groups(negative: bool, scale: u8, out: &mut Vec<u8>, mut next: impl FnMut(u64) -> (u16, bool)) {
    let mut groups = [0_u16; GROUPS + 1];
    let mut count = 0;
    // The decimal point stands between two groups: the lowest may lack digits.
    let (by, shift) = match scale % 4 {
        1 => (10, 1_000),
        2 => (100, 100),
        3 => (1_000, 10),
        _ => (BASE, 1),
    };
    let (group, mut done) = next(by);
    groups[0] = group * shift;
    count += 1;
    while !done && count < groups.len() {
        let (group, ended) = next(BASE);
        groups[count] = group;
        count += 1;
        done = ended;
    }
    // Zeros at either end are not written.
    while count > 0 && groups[count - 1] == 0 {
        count -= 1;
    }
    let lowest = groups[..count].iter().position(|group| *group != 0).unwrap_or(count);
    let decimals = usize::from(scale).div_ceil(4);
    let weight = if count == lowest { 0 } else { count as i16 - decimals as i16 - 1 };
    out.extend_from_slice(&((count - lowest) as u16).to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    let sign = if negative && count > lowest { NEGATIVE } else { 0 };
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&u16::from(scale).to_be_bytes());
    for group in groups[lowest..count].iter().rev() {
        out.extend_from_slice(&group.to_be_bytes());
    }
}

/// The number as text, with the decimals that it shows. None for bytes that are no `numeric`.
pub(crate) fn read(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    let (count, weight, sign, scale) = (words.next()?, words.next()? as i16, words.next()?, words.next()?);
    match sign {
        NAN => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let groups: Vec<u16> = words.collect();
    if groups.len() != usize::from(count) {
        return None;
    }
    let mut text = String::from(if sign == NEGATIVE { "-" } else { "" });
    let group = |at: i32| usize::try_from(at).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
    let weight = i32::from(weight);
    let whole: String = (0..=weight).map(|at| format!("{:04}", group(at))).collect();
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let decimals: String =
            (1..=i32::from(scale.div_ceil(4))).map(|after| format!("{:04}", group(weight + after))).collect();
        text.push('.');
        text.extend(decimals.chars().take(usize::from(scale)));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(value: i128, scale: u8) -> String {
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        write(value, scale, &mut narrow);
        write_wide(i256::from_i128(value), scale, &mut wide);
        assert_eq!(narrow, wide);
        read(&narrow).unwrap()
    }

    /// The slow way, digit by digit.
    fn plain(value: i128, scale: u8) -> String {
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
        let (whole, decimals) = digits.split_at(digits.len() - usize::from(scale));
        let sign = if value < 0 { "-" } else { "" };
        if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") }
    }

    #[test]
    fn at_the_edges() {
        for (value, scale, text) in [
            (0, 0, "0"),
            (0, 3, "0.000"),
            (1, 0, "1"),
            (-1, 4, "-0.0001"),
            (1, 5, "0.00001"),
            (1, 9, "0.000000001"),
            (10_000, 0, "10000"),
            (99_990_000, 4, "9999.0000"),
            (-12_345_678, 3, "-12345.678"),
        ] {
            assert_eq!(both(value, scale), text);
        }
        let (mut out, nines) = (Vec::new(), "9".repeat(76));
        write_wide(i256::from_string(&nines).unwrap(), 38, &mut out);
        assert_eq!(read(&out).unwrap(), format!("{}.{}", "9".repeat(38), "9".repeat(38)));
        assert_eq!(read(&[0, 9]), None);
    }

    proptest! {
        #[test]
        fn no_digit_is_lost(value in any::<i128>(), shift in 0_u32..127, scale in 0_u8..=38) {
            let value = value >> shift;
            prop_assert_eq!(both(value, scale), plain(value, scale));
        }
    }
}
