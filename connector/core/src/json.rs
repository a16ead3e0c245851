//! JSON by its bytes: a strict walk of a whole document that remembers where the wanted values stand.
//!
//! Nothing here builds a tree. A document is checked against RFC 8259 from its first byte to its last, and what was
//! asked for comes back as byte ranges, so that rows can be passed on exactly as the API wrote them.

mod find;
mod scan;
mod survey;

pub(crate) use find::{Found, Item, Step, Wanted, find, keys_at};
pub(crate) use scan::{JsonError, Kind, MAX_DEPTH, Scanner, Span, decode_string, members};
pub(crate) use survey::{Entry, survey};

#[cfg(test)]
mod tests;

/// The bytes without a byte order mark (RFC 8259, 8.1 lets a reader ignore one).
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}
