//! The only I/O: a request over wasi:http, and its answer read to the end.

use sanderling_core::{Fault, Request, Response};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

/// Bytes asked for at a time.
const READ_BYTES: u64 = 1 << 20;
/// Bytes that a stream takes at a time (wasi:io, `blocking-write-and-flush`).
const WRITE_BYTES: usize = 4096;
/// The most that is set aside on the word of a `Content-Length` alone.
const MAX_RESERVED_BYTES: usize = 16 << 20;

/// Sends a request and waits for the whole answer.
///
/// # Errors
/// [`Fault::Denied`] where the host refused it, [`Fault::Transport`] where no whole answer came.
pub(crate) fn send(request: &Request) -> Result<Response, Fault> {
    let outgoing = outgoing(request)?;
    let body = match request.body.is_empty() {
        true => None,
        false => Some(outgoing.body().map_err(|()| refused("body"))?),
    };
    let future = handle(outgoing, None).map_err(|code| fault(&code))?;
    // After `handle`: until then nobody takes the bytes, and writing could wait for ever.
    if let Some(body) = body {
        write(body, &request.body)?;
    }
    let answer = loop {
        match future.get() {
            Some(answer) => break answer,
            None => future.subscribe().block(),
        }
    };
    let answer = answer.map_err(|()| Fault::Transport("the answer was taken twice".to_owned()))?;
    receive(answer.map_err(|code| fault(&code))?)
}

/// Scheme, authority, and path with query of a URL that core has built.
fn split(url: &str) -> Option<(Scheme, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    Some((scheme, authority, if path.is_empty() { "/" } else { path }))
}

fn refused(what: &str) -> Fault {
    Fault::Other(format!("the request's {what} cannot be sent"))
}

/// Writes the request's body to its end. Where the host takes no more of it, its answer says why.
fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), Fault> {
    {
        let stream = body.write().map_err(|()| refused("body"))?;
        for piece in bytes.chunks(WRITE_BYTES) {
            if stream.blocking_write_and_flush(piece).is_err() {
                break;
            }
        }
    }
    // An error here repeats what the answer will say.
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

fn outgoing(request: &Request) -> Result<OutgoingRequest, Fault> {
    let headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let headers = Fields::from_list(&headers).map_err(|error| refused(&format!("headers ({error})")))?;
    let (scheme, authority, path) = split(&request.url).ok_or_else(|| refused("URL"))?;
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    outgoing.set_method(&method).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| refused("host"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| refused("path"))?;
    Ok(outgoing)
}

fn receive(answer: IncomingResponse) -> Result<Response, Fault> {
    let status = answer.status();
    let headers: Vec<(String, String)> = answer
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let mut response = Response { status, headers, body: Vec::new() };
    let length = response.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(MAX_RESERVED_BYTES.min(length));
    let incoming =
        answer.consume().map_err(|()| Fault::Transport("the answer has no body to read".to_owned()))?;
    let stream = incoming.stream().map_err(|()| Fault::Transport("the body was taken twice".to_owned()))?;
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(bytes) if body.is_empty() && body.capacity() <= bytes.len() => body = bytes,
            Ok(bytes) => body.extend_from_slice(&bytes),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                return Err(
                    code.map_or_else(|| Fault::Transport(error.to_debug_string()), |code| fault(&code))
                );
            }
        }
    }
    response.body = body;
    Ok(response)
}

/// A refusal is not to be tried again; anything else on the way may be better next time.
fn fault(code: &ErrorCode) -> Fault {
    match code {
        ErrorCode::HttpRequestDenied => Fault::Denied("the host allows no request like this one".to_owned()),
        ErrorCode::DestinationIpProhibited => {
            Fault::Denied("the host's address is private or otherwise not allowed".to_owned())
        }
        // The host hands the particulars of its refusals in here, where it has any.
        ErrorCode::InternalError(Some(text)) => match text.strip_prefix("denied: ") {
            Some(reason) => Fault::Denied(reason.to_owned()),
            None => Fault::Transport(text.clone()),
        },
        other => Fault::Transport(words(&format!("{other:?}"))),
    }
}

/// `ErrorCode::ConnectionReadTimeout` as `connection read timeout`.
fn words(code: &str) -> String {
    let name = code.strip_prefix("ErrorCode::").unwrap_or(code);
    let (name, rest) = name.split_at(name.find('(').unwrap_or(name.len()));
    let mut words = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(char.to_ascii_lowercase());
    }
    if matches!(rest, "" | "(None)") { words } else { format!("{words} {rest}") }
}
