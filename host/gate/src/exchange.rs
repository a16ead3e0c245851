//! What there is to tell about an exchange, whether it gave an answer or not.

use crate::origin::Origin;
use crate::secret::Place;

/// The record of one exchange. Fit for people and logs: no field holds a secret or a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The URL last asked, with `***` in each secret's place.
    pub url: String,
    /// Whose URL it is; `None` for a URL that was refused as such.
    pub origin: Option<Origin>,
    /// The last status that came.
    pub status: Option<u16>,
    /// Which secrets were sent, and in which place; a place is listed once.
    pub placed: Vec<(String, Place)>,
    /// The `Retry-After` header as it came (RFC 9110, 10.2.3).
    pub retry_after: Option<String>,
    /// Headers of the answer that speak of a rate limit, names in lower case, as they came.
    pub rate: Vec<(String, String)>,
    /// The vendor's own name for the exchange.
    pub request_id: Option<String>,
    /// From the call to its end.
    pub elapsed_ms: u64,
    /// Bytes of the request's body, counted once.
    pub sent_bytes: u64,
    /// Bytes of the answer's body as they came, before decompression.
    pub received_bytes: u64,
    /// Whether a secret was found in an answer.
    pub masked: bool,
    /// Redirects followed.
    pub redirects: u8,
    /// Whether it asked for a token: for what a [`crate::Seal`] names.
    pub for_token: bool,
    /// Whether nothing was sent for it: the answer was here already, or another request brought it.
    pub kept: bool,
    /// Whether the API refused a token (401) for which another one can be had: the same request, sent again, carries
    /// that.
    pub token_spent: bool,
}
