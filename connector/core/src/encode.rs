//! Text made safe for its place in a URL.

use std::fmt::Write as _;

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3): safe as a whole path segment, as a part of one, and
/// as a query component. A `/` in a value cannot split a path.
pub(crate) fn component(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::component;

    #[test]
    fn leaves_nothing_that_could_split_a_url() {
        assert_eq!(component("a-1._~Z"), "a-1._~Z");
        assert_eq!(component("a/b?c#d&e=f%20 é"), "a%2Fb%3Fc%23d%26e%3Df%2520%20%C3%A9");
    }
}
