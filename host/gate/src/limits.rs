//! How long an exchange may take and how large its answer may be.

/// Bounds of one exchange. A guest may ask for less time, never for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Finding the address, connecting and the TLS handshake, together.
    pub connect_timeout_ms: u64,
    /// From the connection (new or pooled) to the first byte of the answer's head.
    pub first_byte_timeout_ms: u64,
    /// Between two pieces of the body.
    pub idle_timeout_ms: u64,
    /// The whole exchange, redirects and body included.
    pub total_timeout_ms: u64,
    /// The body, as it came and after decompression.
    pub max_body_bytes: u64,
    /// The answer's headers, names and values.
    pub max_header_bytes: u32,
    /// Redirects followed before the exchange is given up.
    pub max_redirects: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect_timeout_ms: 10_000,
            first_byte_timeout_ms: 60_000,
            idle_timeout_ms: 30_000,
            total_timeout_ms: 300_000,
            max_body_bytes: 64 * 1024 * 1024,
            // Also the largest piece in which an HTTP/1 body is read, hence not smaller.
            max_header_bytes: 256 * 1024,
            max_redirects: 5,
        }
    }
}
