//! What names a row: 16 characters that the same row of the same load always gets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A hash of `parts`, each told apart from the next: 96 bits of SHA-256 in base64 (RFC 4648, 5).
pub(crate) fn row_id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    URL_SAFE_NO_PAD.encode(hash.get(..12).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::row_id;

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(row_id(&[b"a", b"b"]), "z2q2E-OUI5H4jtaY");
        assert_ne!(row_id(&[b"a", b"b"]), row_id(&[b"ab", b""]));
        assert_eq!(row_id(&[]).len(), 16);
    }
}
