//! The key of a partition in a size that can be kept for each of a million.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// 128 bits of a partition key's SHA-256. In JSON: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId([u8; 16]);

impl PartitionId {
    /// Of a partition's key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let mut id = [0; 16];
        for (byte, hashed) in id.iter_mut().zip(Sha256::digest(key)) {
            *byte = hashed;
        }
        Self(id)
    }
}

impl Serialize for PartitionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for PartitionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).map_err(D::Error::custom)?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::PartitionId;

    #[test]
    fn comes_back_from_text() {
        for key in ["", "1", "a key of some length"] {
            let id = PartitionId::of(key);
            let text = serde_json::to_string(&id).unwrap();
            assert_eq!(text.len(), 34);
            assert_eq!(serde_json::from_str::<PartitionId>(&text).unwrap(), id);
        }
        assert_ne!(PartitionId::of("1"), PartitionId::of("2"));
    }
}
