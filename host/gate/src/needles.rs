//! The shapes in which a secret can come back: every usual encoding of it, as bytes to look for.
//!
//! Not found: a part of a secret, a secret in hexadecimal, reversed, hashed or compressed, or escaped in a way that no
//! common library does. What an API may do with a secret that it knows has no bound; these are what APIs do.

use std::collections::HashSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Bytes that give a secret away.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Needle {
    /// What to look for.
    pub(crate) bytes: Vec<u8>,
    /// The Base64 character before a match carries bits of the secret too.
    pub(crate) before: bool,
    /// The Base64 character after a match carries bits of the secret too.
    pub(crate) after: bool,
}

/// All needles of one secret, without duplicates. An empty secret has none.
pub(crate) fn needles(secret: &str) -> Vec<Needle> {
    let mut found = HashSet::new();
    for plain in escaped(secret) {
        found.insert(Needle { bytes: plain.into_bytes(), before: false, after: false });
    }
    for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
        for shift in 0..3 {
            let (core, before, after) = base64_core(secret.as_bytes(), shift, &alphabet);
            for text in escaped(&core) {
                found.insert(Needle { bytes: text.into_bytes(), before, after });
            }
        }
    }
    let mut found: Vec<Needle> = found.into_iter().filter(|needle| !needle.bytes.is_empty()).collect();
    found.sort_by(|a, b| a.bytes.cmp(&b.bytes));
    found
}

/// The Base64 characters that stand for `secret` alone when `shift` bytes (modulo 3) come before it, and whether a
/// character on either side shares bits with it.
fn base64_core(secret: &[u8], shift: usize, alphabet: &alphabet::Alphabet) -> (String, bool, bool) {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(secret);
    let bits = padded.len() * 8;
    let text = GeneralPurpose::new(alphabet, NO_PAD).encode(&padded);
    let start = (shift * 8).div_ceil(6);
    let core = text.get(start..bits / 6).unwrap_or_default().to_owned();
    (core, shift != 0, !bits.is_multiple_of(6))
}

/// The text itself and as URLs, forms, JSON and HTML write it.
fn escaped(text: &str) -> HashSet<String> {
    let mut all = HashSet::from([text.to_owned()]);
    all.extend(percent_forms(text));
    for style in &JSON_STYLES {
        let once = json(text, style);
        // A proxy that puts another API's answer into a string of its own.
        all.extend(JSON_STYLES.iter().take(4).map(|outer| json(&once, outer)));
        all.insert(once);
    }
    for quote in ["\"", "&quot;", "&#34;", "&#x22;"] {
        for apostrophe in ["'", "&#39;", "&#039;", "&#x27;", "&apos;"] {
            let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            all.insert(html.replace('"', quote).replace('\'', apostrophe));
        }
    }
    all
}

/// Bytes that an encoder leaves alone.
type Safe = fn(u8) -> bool;

const PERCENT_STYLES: [Safe; 10] = [
    // Encoders that escape all they may: letters and digits only, and with `_`.
    |byte| byte.is_ascii_alphanumeric(),
    |byte| byte.is_ascii_alphanumeric() || byte == b'_',
    // RFC 3986: unreserved only.
    |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
    // Forms (WHATWG), Java.
    |byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte),
    // Python and PHP forms of old, which escape the tilde.
    |byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte),
    // Python's `quote`.
    |byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte),
    // JavaScript's `encodeURIComponent`.
    |byte| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte),
    // JavaScript's `encodeURI`.
    |byte| byte.is_ascii_alphanumeric() || b"-_.!~*'();/?:@&=+$,#".contains(&byte),
    // A browser's query.
    |byte| byte.is_ascii_graphic() && !b"\"#<>'".contains(&byte),
    // A browser's path.
    |byte| byte.is_ascii_graphic() && !b"\"#<>?`{}^".contains(&byte),
];

fn percent_forms(text: &str) -> impl Iterator<Item = String> + '_ {
    let cases = [(false, false), (false, true), (true, false), (true, true)];
    PERCENT_STYLES.iter().flat_map(move |safe| cases.map(|(plus, lower)| percent(text, *safe, plus, lower)))
}

fn percent(text: &str, safe: Safe, plus: bool, lower: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte == b' ' && plus {
            out.push('+');
        } else if safe(byte) {
            out.push(char::from(byte));
        } else if lower {
            out.push_str(&format!("%{byte:02x}"));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// How a serialiser writes strings, beyond what JSON demands.
struct JsonStyle {
    /// `/` as `\/`.
    slash: bool,
    /// Whatever is not ASCII as `\uXXXX`.
    ascii: bool,
    /// Hexadecimal digits in upper case.
    upper: bool,
    /// Further characters written as `\uXXXX`.
    extra: &'static str,
}

const fn style(slash: bool, ascii: bool, upper: bool, extra: &'static str) -> JsonStyle {
    JsonStyle { slash, ascii, upper, extra }
}

const JSON_STYLES: [JsonStyle; 14] = [
    style(false, false, false, ""),
    style(true, false, false, ""),
    style(false, true, false, ""),
    style(true, true, false, ""),
    style(false, true, true, ""),
    style(true, true, true, ""),
    // Go, Rails.
    style(false, false, false, "&<>\u{2028}\u{2029}"),
    style(false, false, true, "&<>\u{2028}\u{2029}"),
    style(false, false, false, "&<>'"),
    style(false, true, false, "&<>'"),
    style(false, true, true, "&<>'"),
    style(true, true, true, "&<>'"),
    // Gson.
    style(false, false, false, "&<>'=\u{2028}\u{2029}"),
    // .NET.
    style(false, true, true, "&<>'\"+`\u{7f}"),
];

fn json(text: &str, style: &JsonStyle) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if style.extra.contains(letter) || (style.ascii && !letter.is_ascii()) {
            escape_units(&mut out, letter, style.upper);
            continue;
        }
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' if style.slash => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => escape_units(&mut out, letter, style.upper),
            _ => out.push(letter),
        }
    }
    out
}

fn escape_units(out: &mut String, letter: char, upper: bool) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        if upper {
            out.push_str(&format!("\\u{unit:04X}"));
        } else {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(secret: &str) -> Vec<String> {
        needles(secret).into_iter().map(|needle| String::from_utf8(needle.bytes).unwrap()).collect()
    }

    #[test]
    fn each_usual_encoding() {
        let found = texts("a&é /+=\"<b");
        for expected in [
            "a&é /+=\"<b",
            "a%26%C3%A9%20%2F%2B%3D%22%3Cb",
            "a%26%c3%a9%20%2f%2b%3d%22%3cb",
            "a%26%C3%A9+%2F%2B%3D%22%3Cb",
            "a%26%C3%A9%20/%2B%3D%22%3Cb",
            "a&%C3%A9%20/+=%22%3Cb",
            "a&é /+=\\\"<b",
            "a&é \\/+=\\\"<b",
            "a&\\u00e9 /+=\\\"<b",
            "a&\\u00E9 \\/+=\\\"<b",
            "a\\u0026é /+=\\\"\\u003cb",
            "a\\u0026\\u00E9 /\\u002B=\\u0022\\u003Cb",
            "a&é /+=\\\\\\\"<b",
            "a&amp;é /+=&quot;&lt;b",
            "a&amp;é /+=&#34;&lt;b",
            "YSbDqSAvKz0iPG",
        ] {
            assert!(found.iter().any(|text| text == expected), "{expected} in {found:#?}");
        }
    }

    #[test]
    fn encoders_that_escape_more_than_they_must() {
        let found = texts("a-b_c.d~e");
        for expected in ["a%2Db%5Fc%2Ed%7Ee", "a%2db%5fc%2ed%7ee", "a%2Db_c%2Ed%7Ee"] {
            assert!(found.iter().any(|text| text == expected), "{expected} in {found:#?}");
        }
    }

    #[test]
    fn an_ordinary_key_has_few() {
        assert_eq!(
            needles("sk_live_0123456789abcdef").len(),
            6,
            "raw, with `_` escaped in two ways, and Base64 at three shifts"
        );
        assert!(needles("").is_empty());
    }

    /// Base64 of any text around the secret holds one of the cores.
    #[test]
    fn base64_at_each_shift() {
        let secret = "p?>sécret~~key";
        for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
            for before in ["", "u:", "user:", "x", "longer user name:"] {
                for after in ["", "1", "12", "123"] {
                    let text =
                        GeneralPurpose::new(&alphabet, NO_PAD).encode(format!("{before}{secret}{after}"));
                    assert!(texts(secret).iter().any(|needle| text.contains(needle.as_str())), "{text}");
                }
            }
        }
    }
}
