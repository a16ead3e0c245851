//! Sends an answer over a socket, with the faults that it asks for.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::reply::{Coding, Ending, Framing, Reply, Then, reason};

/// Tells every thread that the server stops; waits can be cut short by it.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Stop {
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
    }

    pub(crate) fn is_rung(&self) -> bool {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until the server stops.
    pub(crate) fn wait(&self, ms: u64) {
        if ms > 0 {
            let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = self.bell.wait_timeout_while(rung, Duration::from_millis(ms), |rung| !*rung);
        }
    }
}

/// What the request that is answered says about the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// `HEAD`: no body.
    pub(crate) head_only: bool,
    /// Whether the peer wants to send more requests.
    pub(crate) keep_open: bool,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    KeepOpen,
    Close,
    Reset,
}

/// Sends an answer. An error is the socket's: the peer is gone.
pub(crate) fn send(mut stream: &TcpStream, reply: &Reply, asked: Asked, stop: &Stop) -> io::Result<Next> {
    stop.wait(reply.delay_ms);
    let bodiless = asked.head_only || matches!(reply.status, 100..=199 | 204 | 304);
    let (cut, then) = match &reply.ending {
        Ending::Silent(then) => return break_off(stream, *then),
        Ending::Garbage(bytes) => {
            stream.write_all(bytes)?;
            return break_off(stream, Then::Close);
        }
        Ending::Cut { after_bytes, then } => (*after_bytes, Some(*then)),
        Ending::Whole => (usize::MAX, None),
    };
    let coded = code(reply)?;
    let keep_open = asked.keep_open && reply.framing != Framing::UntilClose;
    let head = head(reply, coded.len(), keep_open);
    let framed = if bodiless { Bytes::new() } else { frame(reply.framing, coded, then.is_some()) };
    // A body that is cut lacks a byte at least, or the fault would not be one. (That of chunks lacks its last chunk.)
    let most = match (then, reply.framing) {
        (Some(_), Framing::Length) => framed.len().saturating_sub(1),
        _ => framed.len(),
    };
    let body = &framed[..most.min(cut)];
    match reply.pace {
        None => write_both(stream, &head, body)?,
        Some(pace) => {
            stream.write_all(&head)?;
            for piece in body.chunks(pace.bytes.max(1)) {
                stop.wait(pace.pause_ms);
                stream.write_all(piece)?;
            }
        }
    }
    match then {
        Some(then) => break_off(stream, then),
        None if keep_open => Ok(Next::KeepOpen),
        None => break_off(stream, Then::Close),
    }
}

fn code(reply: &Reply) -> io::Result<Bytes> {
    match reply.coding {
        Coding::Identity | Coding::GzipFalsely => Ok(reply.body.clone()),
        Coding::Gzip | Coding::GzipUnsaid => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&reply.body)?;
            Ok(encoder.finish()?.into())
        }
    }
}

fn head(reply: &Reply, body_bytes: usize, keep_open: bool) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status)).into_bytes();
    let mut line = |name: &str, value: &str| {
        for part in [name, ": ", value, "\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
    };
    for (name, value) in &reply.headers {
        line(name, value);
    }
    let mut unless_named = |name: &str, value: &str| {
        if !reply.names(name) {
            line(name, value);
        }
    };
    match reply.framing {
        Framing::Length if !matches!(reply.status, 204 | 304) => {
            unless_named("Content-Length", &body_bytes.to_string());
        }
        Framing::Chunked { .. } => unless_named("Transfer-Encoding", "chunked"),
        Framing::Length | Framing::UntilClose => {}
    }
    if matches!(reply.coding, Coding::Gzip | Coding::GzipFalsely) {
        unless_named("Content-Encoding", "gzip");
    }
    if !keep_open {
        unless_named("Connection", "close");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The body in its frame; a chunked one that will be cut lacks the last chunk, so that however late the cut, the body
/// is not whole.
fn frame(framing: Framing, body: Bytes, cut: bool) -> Bytes {
    let Framing::Chunked { chunk_bytes } = framing else {
        return body;
    };
    let mut framed = Vec::with_capacity(body.len() + body.len() / 64 + 64);
    for chunk in body.chunks(chunk_bytes.max(1)) {
        framed.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
    }
    if !cut {
        framed.extend_from_slice(b"0\r\n\r\n");
    }
    framed.into()
}

/// Head and body in one system call where the kernel takes both: one packet for a small answer, no copy of a big one.
fn write_both(mut stream: &TcpStream, head: &[u8], body: &[u8]) -> io::Result<()> {
    let sent = stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)])?;
    if sent < head.len() {
        stream.write_all(&head[sent..])?;
        stream.write_all(body)
    } else {
        stream.write_all(&body[sent - head.len()..])
    }
}

fn break_off(mut stream: &TcpStream, then: Then) -> io::Result<Next> {
    let mut ignored = [0; 1024];
    match then {
        Then::Reset => return Ok(Next::Reset),
        Then::Hang => while stream.read(&mut ignored)? > 0 {},
        Then::Close => {
            // Closing a socket that has unread bytes resets it, and the peer may lose what was sent.
            stream.shutdown(Shutdown::Write)?;
            stream.set_read_timeout(Some(Duration::from_millis(50)))?;
            while stream.read(&mut ignored)? > 0 {}
        }
    }
    Ok(Next::Close)
}
