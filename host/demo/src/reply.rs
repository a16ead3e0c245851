//! An answer, and how it goes over the wire: plain data.

use bytes::Bytes;

/// One answer. What `Content-Length`, `Transfer-Encoding`, `Content-Encoding` and `Connection` say follows from the
/// fields; `headers` holds the others, and wins where it names one of these.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200 …
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body before coding and framing.
    pub body: Bytes,
    /// How long to wait before the first byte of the answer.
    pub delay_ms: u64,
    /// How the body is compressed.
    pub coding: Coding,
    /// How the end of the body is marked.
    pub framing: Framing,
    /// Sends the body bit by bit.
    pub pace: Option<Pace>,
    /// How the answer ends.
    pub ending: Ending,
}

/// How a body is compressed (RFC 9110, 8.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    #[default]
    Identity,
    /// Gzip, and the header says so.
    Gzip,
    /// Gzip, and no header says so.
    GzipUnsaid,
    /// Not compressed, though the header says gzip.
    GzipFalsely,
}

/// How the end of a body is marked (RFC 9112, 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By `Content-Length`.
    #[default]
    Length,
    /// By chunks of this many bytes (at least 1).
    Chunked {
        /// Bytes in each chunk but the last.
        chunk_bytes: usize,
    },
    /// By closing the connection.
    UntilClose,
}

/// The body in pieces, with a pause before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes in a piece (at least 1).
    pub bytes: usize,
    /// The pause before each piece.
    pub pause_ms: u64,
}

/// How an answer ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Whole.
    #[default]
    Whole,
    /// The head as if all were well, then this many bytes of the body as framed, and no more.
    Cut {
        /// Bytes of the body that are sent, at most all but the last one (chunks: all, without the mark of their end).
        after_bytes: usize,
        /// What follows them.
        then: Then,
    },
    /// Not a byte.
    Silent(Then),
    /// These bytes in place of the whole answer, head and all; then the connection is closed.
    Garbage(Bytes),
}

/// What becomes of the connection after a broken answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is closed in an orderly way (FIN).
    Close,
    /// It is reset (RST); the peer may lose bytes that it had not read.
    Reset,
    /// It stays open, and nothing comes, until the peer or the server is gone.
    Hang,
}

impl Reply {
    /// A whole answer with a body of this type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Reply {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
            delay_ms: 0,
            coding: Coding::default(),
            framing: Framing::default(),
            pace: None,
            ending: Ending::default(),
        }
    }

    /// A JSON answer; `body` is not looked at.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Reply::new(status, "application/json", body)
    }

    /// A page of HTML.
    pub fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Reply::new(status, "text/html; charset=utf-8", body)
    }

    /// A JSON answer that says what the status means, as this API words its errors.
    pub fn status(status: u16) -> Self {
        let name = reason(status).to_ascii_lowercase();
        Reply::error(status, &name.replace(' ', "_"), &format!("the server says: {name}"))
    }

    /// A JSON error: `{"error":{"code":…,"message":…}}`.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"error": {"code": code, "message": message}});
        Reply::json(status, body.to_string())
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with another ending.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// Whether `headers` names this one, in whatever case.
    pub(crate) fn names(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header))
    }
}

/// The reason phrase of the statuses that servers use (RFC 9110, 15).
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
