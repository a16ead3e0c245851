//! One connection: reads requests, one after the other, and has each answered.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::reply::Reply;
use crate::request::Request;
use crate::server::Shared;
use crate::wire::{self, Asked, Next};

const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
const MAX_HEADERS: usize = 128;

/// Serves a connection to its end. An error is the socket's: the peer is gone.
pub(crate) fn serve(stream: &TcpStream, connection: u64, shared: &Shared) -> io::Result<Next> {
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    loop {
        let (request, keep_open) = match read(stream, &mut unread)? {
            Incoming::Request(request, keep_open) => (request, keep_open),
            Incoming::Refused(reply) => {
                let asked = Asked { head_only: false, keep_open: false };
                return wire::send(stream, &reply, asked, &shared.stop);
            }
            Incoming::End => return Ok(Next::Close),
        };
        let asked = Asked { head_only: request.method == "HEAD", keep_open };
        let reply = shared.respond(Request { connection, ..request });
        match wire::send(stream, &reply, asked, &shared.stop)? {
            Next::KeepOpen => {}
            end => return Ok(end),
        }
    }
}

enum Incoming {
    /// A request, and whether the peer would send another one.
    Request(Request, bool),
    /// Bytes that are no request of ours.
    Refused(Box<Reply>),
    /// The peer has closed.
    End,
}

/// What the head of a request says.
struct Head {
    request: Request,
    bytes: usize,
    body_bytes: usize,
    keep_open: bool,
}

/// The next request. What the peer has sent beyond it (pipelining) stays in `unread`.
fn read(mut stream: &TcpStream, unread: &mut Vec<u8>) -> io::Result<Incoming> {
    let mut piece = [0; 8 * 1024];
    loop {
        match parse(unread) {
            Err(refusal) => return Ok(Incoming::Refused(refusal)),
            Ok(Some(mut head)) if unread.len() >= head.bytes + head.body_bytes => {
                head.request.body = unread[head.bytes..head.bytes + head.body_bytes].to_vec();
                unread.drain(..head.bytes + head.body_bytes);
                return Ok(Incoming::Request(head.request, head.keep_open));
            }
            Ok(_) => {}
        }
        match stream.read(&mut piece)? {
            0 => return Ok(Incoming::End),
            n => unread.extend_from_slice(&piece[..n]),
        }
    }
}

/// The head at the start of `bytes`; `None`: it is not whole yet.
fn parse(bytes: &[u8]) -> Result<Option<Head>, Box<Reply>> {
    let refused = |status, message: &str| Box::new(Reply::error(status, "bad_request", message));
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let head_bytes = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD_BYTES => {
            return Err(refused(431, "the request's head is too long"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(refused(400, &error.to_string())),
    };
    let target = parsed.path.unwrap_or("/").to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let request = Request {
        number: 0,
        connection: 0,
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parsed
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
            .collect(),
        body: Vec::new(),
        status: None,
        at: Duration::ZERO,
        target,
    };
    if request.header("transfer-encoding").is_some() {
        return Err(refused(411, "a chunked body is not read here"));
    }
    let body_bytes = match request.header("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(length)) if length <= MAX_BODY_BYTES => length,
        Some(Ok(_)) => return Err(refused(413, "the body is too long")),
        Some(Err(_)) => return Err(refused(400, "Content-Length is not a number")),
    };
    let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    let keep_open =
        if parsed.version == Some(1) { connection != "close" } else { connection == "keep-alive" };
    Ok(Some(Head { request, bytes: head_bytes, body_bytes, keep_open }))
}
