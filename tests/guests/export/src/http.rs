//! One GET over wasi:http, and what can become of it. It is never tried again here: the host does that.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

use crate::bindings::{Error, HttpFailure};

/// An answer of status 200.
pub(crate) struct Answer {
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The start of the body, for people.
    pub(crate) fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }
}

/// Asks for `url` with these headers. Any status but 200 is an [`Error::Http`].
pub(crate) fn get(url: &str, headers: &[(String, Vec<u8>)]) -> Result<Answer, Error> {
    let future = handle(request(url, headers)?, None).map_err(failed)?;
    future.subscribe().block();
    let answer = match future.get() {
        Some(Ok(answer)) => answer.map_err(failed)?,
        _ => return Err(Error::Transport("no answer".into())),
    };
    let (status, headers) = (answer.status(), answer.headers().entries());
    let answer = Answer { headers, body: read(answer)? };
    if status == 200 {
        return Ok(answer);
    }
    // What to make of it is the host's to decide; it wants the header as it came.
    Err(Error::Http(HttpFailure {
        status,
        retry: None,
        retry_after: answer.header("retry-after").map(Into::into),
        message: String::new(),
        excerpt: answer.excerpt(),
    }))
}

fn request(url: &str, headers: &[(String, Vec<u8>)]) -> Result<OutgoingRequest, Error> {
    let refused = || Error::Other(format!("no request can be made for {url}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(refused)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let request = OutgoingRequest::new(Fields::from_list(headers).map_err(|_| refused())?);
    request.set_scheme(Some(&scheme)).map_err(|()| refused())?;
    request.set_authority(Some(authority)).map_err(|()| refused())?;
    request.set_path_with_query(Some(path)).map_err(|()| refused())?;
    Ok(request)
}

fn read(answer: IncomingResponse) -> Result<Vec<u8>, Error> {
    let taken = |()| Error::Transport("the body was taken twice".into());
    let body = answer.consume().map_err(taken)?;
    let stream = body.stream().map_err(taken)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(more) => bytes.extend_from_slice(&more),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(Error::Transport(error.to_debug_string()));
            }
        }
    }
}

/// The host's refusals are for good; all else on the way may be better next time.
fn failed(code: ErrorCode) -> Error {
    match code {
        ErrorCode::HttpRequestDenied => Error::Denied("the host allows no such request".into()),
        other => Error::Transport(other.to_string()),
    }
}
