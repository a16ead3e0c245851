//! Reads an answer's body whole: capped, within its time, and decompressed.

use std::io::Read as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::error::{GateError, chain};
use crate::limits::Limits;

/// How a gzip stream begins (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The body as its sender meant it. `received_bytes` counts what came off the wire, also when reading fails.
///
/// A body that is shorter than its `Content-Length` or whose last chunk is missing is an error: hyper says so.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Incoming,
    limits: &Limits,
    received_bytes: &mut u64,
) -> Result<Bytes, GateError> {
    let is_gzip = is_gzip(headers)?;
    let raw = collect(content_length(headers), body, limits, received_bytes).await?;
    // Some servers send stored .gz objects without saying so.
    let is_gzip = if raw.is_empty() { false } else { is_gzip || raw.starts_with(&GZIP_MAGIC) };
    if is_gzip { gunzip(&raw, limits.max_body_bytes) } else { Ok(raw) }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, GateError> {
    let mut is_gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for coding in text.split(',').map(|coding| coding.trim().to_ascii_lowercase()) {
            match coding.as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" if !is_gzip => is_gzip = true,
                _ => {
                    return Err(GateError::Encoding { encoding: text.trim().to_owned() });
                }
            }
        }
    }
    Ok(is_gzip)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

async fn collect(
    length: Option<u64>,
    mut body: Incoming,
    limits: &Limits,
    received_bytes: &mut u64,
) -> Result<Bytes, GateError> {
    let limit_bytes = limits.max_body_bytes;
    let idle = Duration::from_millis(limits.idle_timeout_ms);
    let mut whole = BytesMut::new();
    loop {
        let frame = timeout(idle, body.frame())
            .await
            .map_err(|_| GateError::IdleTimeout { limit_ms: limits.idle_timeout_ms })?;
        let Some(frame) = frame else {
            return Ok(whole.freeze());
        };
        let frame = frame.map_err(|error| GateError::Body { reason: chain(&error) })?;
        // Trailers are of no use to a connector.
        let Ok(piece) = frame.into_data() else { continue };
        *received_bytes = received_bytes.saturating_add(piece.len() as u64);
        if length.is_some_and(|length| length > limit_bytes)
            || (whole.len() + piece.len()) as u64 > limit_bytes
        {
            return Err(GateError::TooLarge { limit_bytes });
        }
        if whole.is_empty() {
            // One allocation, though only once the server has sent something.
            let expected = length.unwrap_or(0).min(limit_bytes).max(piece.len() as u64);
            whole.reserve(usize::try_from(expected).unwrap_or(piece.len()));
        }
        whole.extend_from_slice(&piece);
    }
}

/// Unpacks every member of a gzip file, checks its sums, and stops at the limit, however much is packed in there.
fn gunzip(packed: &[u8], limit_bytes: u64) -> Result<Bytes, GateError> {
    // A gzip file ends with its unpacked size modulo 2^32: a hint, no more, for one allocation.
    let hint = packed.last_chunk::<4>().map_or(0, |size| u64::from(u32::from_le_bytes(*size)));
    // Deflate packs by 1032 at most.
    let hint = hint.min(limit_bytes).min(packed.len() as u64 * 1032);
    let mut plain = Vec::with_capacity(usize::try_from(hint).unwrap_or(0).saturating_add(1));
    MultiGzDecoder::new(packed)
        .take(limit_bytes.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|error| GateError::Body { reason: format!("gzip: {error}") })?;
    if plain.len() as u64 > limit_bytes {
        return Err(GateError::TooLarge { limit_bytes });
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    use super::*;

    fn pack(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_in_one_piece_or_more() {
        let mut packed = pack(b"{\"a\":");
        packed.extend(pack(b"1}"));
        assert_eq!(gunzip(&packed, 100).unwrap(), "{\"a\":1}");
        assert_eq!(gunzip(&pack(b""), 0).unwrap(), "");
        assert_eq!(gunzip(&pack(b"12345"), 5).unwrap(), "12345");
        assert_eq!(gunzip(&pack(b"123456"), 5), Err(GateError::TooLarge { limit_bytes: 5 }));
    }

    #[test]
    fn gzip_that_is_not_whole() {
        let packed = pack(b"some text that is packed");
        for end in 0..packed.len() {
            assert!(matches!(gunzip(&packed[..end], 1000), Err(GateError::Body { .. })), "{end}");
        }
        let mut damaged = packed.clone();
        let sum = damaged.len() - 8;
        damaged[sum] ^= 1;
        assert!(matches!(gunzip(&damaged, 1000), Err(GateError::Body { .. })));
    }

    /// S11: a bomb is put out at the limit.
    #[test]
    fn bomb() {
        let packed = pack(&vec![0; 50_000_000]);
        assert!(packed.len() < 100_000);
        assert_eq!(gunzip(&packed, 1_000_000), Err(GateError::TooLarge { limit_bytes: 1_000_000 }));
    }

    #[test]
    fn encodings() {
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_str(value).unwrap());
            is_gzip(&headers)
        };
        assert_eq!(is_gzip(&HeaderMap::new()), Ok(false));
        assert_eq!(check("identity"), Ok(false));
        assert_eq!(check("GZIP"), Ok(true));
        assert_eq!(check("identity, x-gzip"), Ok(true));
        for other in ["br", "deflate", "gzip, gzip", "zstd"] {
            assert!(matches!(check(other), Err(GateError::Encoding { .. })), "{other}");
        }
    }
}
