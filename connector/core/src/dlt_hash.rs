//! The hash by which dlt's state tells rows of one cursor value apart, for watermarks that were taken over from it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use shake::Shake128;
use shake::digest::{ExtendableOutput as _, Update as _, XofReader as _};

/// Before a hash of dlt's among the ties of a watermark.
pub(crate) const PREFIX: &str = "dlt:";

/// Characters of a hash that dlt 1.29 and later write; those of older ones have more behind them.
const CHARACTERS: usize = 12;

/// Whether one of `hashes` (without [`PREFIX`]) is that of `value`: 72 or 120 bits of SHAKE128 (FIPS 202) over its JSON,
/// keys sorted, in base64. (dlt's `digest_dedup_value`)
pub(crate) fn is_among(value: &Value, hashes: &[&str]) -> bool {
    let hash = hash(value);
    hashes.iter().any(|known| known.get(..CHARACTERS) == Some(hash.as_str()))
}

fn hash(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    let mut shake = Shake128::default();
    shake.update(value.to_string().as_bytes());
    let mut bytes = [0; CHARACTERS / 4 * 3];
    shake.finalize_xof().read(&mut bytes);
    STANDARD_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn hashes_as_dlt_1_31_writes_them() {
        let row = json!({
            "id": 1, "at": "2024-01-01", "size": 1.5, "big": 1e16, "small": 1e-7, "one": 1.0, "t": true, "n": null,
            "s": "é\"\n\u{1}/", "o": {"z": 1, "a": [1, 2.5]}
        });
        for (value, known) in [
            (json!(5), "tIXXf9wiHssy"),
            (json!(5), "tIXXf9wiHssyAgHEzQnu"),
            (json!([5]), "mSlPEiqP9O6/"),
            (json!("a-1"), "Dl9IrZKKe4gi"),
            (json!(["x", 2]), "+0CGKxEtTIUp"),
            (json!(12_345_678_901_234_567_890_u64), "Cm/8sREve6fa"),
            (row, "TMVUye3YbLHq"),
        ] {
            assert!(is_among(&value, &["", "mSlP", known]), "{value}");
            assert!(!is_among(&json!(6), &[known]));
        }
    }
}
