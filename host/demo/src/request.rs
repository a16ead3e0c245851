//! A request as it came in: plain data, also the entries of the log.

use std::time::Duration;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Counts the requests of a server from 1, in the order in which they were read.
    pub number: u64,
    /// Counts the connections of a server from 1; requests with the same number shared one.
    pub connection: u64,
    /// `GET`.
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query's pairs in their order, decoded (`+` is a space).
    pub query: Vec<(String, String)>,
    /// Headers in their order, names as they were sent. Bytes that are not UTF-8 show as U+FFFD.
    pub headers: Vec<(String, String)>,
    /// The body; requests with a chunked one are refused.
    pub body: Vec<u8>,
    /// The status that was answered; `None` while there is none, or where a fault gave none.
    pub status: Option<u16>,
    /// When it was read, since the start of the server.
    pub at: Duration,
}

impl Request {
    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// The first value of a query parameter, decoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(n, _)| n == name)?;
        Some(&found.1)
    }

    /// A query parameter as a number; `None` where it is missing or not a number.
    pub fn number_param(&self, name: &str) -> Option<usize> {
        self.param(name)?.parse().ok()
    }
}
