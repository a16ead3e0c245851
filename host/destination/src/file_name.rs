//! Any text as a file name that stays in its folder.

/// `name` with every byte but letters, digits, `_`, `-` and inner dots percent-encoded (RFC 3986, 2.1), so that no two
/// names share a file name, and none is hidden, `..`, or a path.
pub(crate) fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => encoded.push(char::from(byte)),
            b'.' if index > 0 => encoded.push('.'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn stays_in_its_folder() {
        for (name, file) in [
            ("time_entries", "time_entries"),
            ("v1.tasks", "v1.tasks"),
            ("..", "%2E."),
            (".", "%2E"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("a\\b:c*", "a%5Cb%3Ac%2A"),
            ("é", "%C3%A9"),
            ("100%", "100%25"),
            ("a~b", "a%7Eb"),
        ] {
            assert_eq!(encode(name), file);
        }
    }
}
