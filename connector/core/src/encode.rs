//! Text made safe for its place in a URL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes all but unreserved characters: safe as a path segment, as a part of one, and as a query component.
/// A `/` in a value cannot split a path.
pub(crate) fn component(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::component;

    #[test]
    fn leaves_nothing_that_could_split_a_url() {
        assert_eq!(component("a-1._~Z"), "a-1._~Z");
        assert_eq!(component("a/b?c#d&e=f%20 é"), "a%2Fb%3Fc%23d%26e%3Df%2520%20%C3%A9");
    }
}
