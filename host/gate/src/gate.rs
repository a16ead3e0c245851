//! One exchange, from a guest's request to the answer that the guest may see. Read this file first.
//!
//! Admit, put secrets in, send, follow redirects, read, take secrets out. Nothing is tried twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use memchr::memmem;
use tokio::time::timeout;
use url::Url;

use crate::body;
use crate::connect::Connector;
use crate::denial::Denial;
use crate::error::{GateError, chain};
use crate::exchange::Exchange;
use crate::headers;
use crate::inject::{BasicPair, Hop, fill, refuse_misplaced, refuse_misplaced_in_url};
use crate::inject_body::fill_body;
use crate::limits::Limits;
use crate::origin::{Origin, Scheme};
use crate::policy::Policy;
use crate::rotated::Rotated;
use crate::shown::shown;
use crate::sign::sign;
use crate::token::{self, Seal, Sealed, Tokens};
use crate::vault::Vault;

/// Connections kept open to one host: as many as pages are read side by side, with room.
const MAX_IDLE_CONNECTIONS: usize = 16;
/// Servers close idle connections after a minute or more; ours go first.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(50);
/// More headers than this are an attack.
const MAX_HEADERS: usize = 256;

/// A connector's way out: its policy, the secrets it may use, its limits, and a pool of connections that no other
/// policy shares. Clones share the pool.
#[derive(Clone)]
pub struct Gate {
    client: Client<Connector, Full<Bytes>>,
    policy: Arc<Policy>,
    vault: Arc<Vault>,
    limits: Arc<Limits>,
    tokens: Arc<Tokens>,
}

impl Gate {
    /// A gate with no connection yet. Must be used within a tokio runtime.
    pub fn new(policy: Policy, vault: Arc<Vault>, limits: Limits) -> Gate {
        let policy = Arc::new(policy);
        let connector =
            Connector { policy: Arc::clone(&policy), connect_timeout_ms: limits.connect_timeout_ms };
        let head_bytes = limits.max_header_bytes.max(8 * 1024);
        // `retry_canceled_requests` stays on: it sends a request again only if a pooled connection turned out dead
        // before a byte of the request was written, so the server sees it once.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .http1_max_buf_size(usize::try_from(head_bytes).unwrap_or(usize::MAX))
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(head_bytes)
            .http2_adaptive_window(true)
            .build(connector);
        Gate { client, policy, vault, limits: Arc::new(limits), tokens: Arc::default() }
    }

    /// The same gate, which keeps the tokens of these answers from the guest, and asks for each once. Refresh tokens that
    /// are replaced are kept by `rotated`.
    #[must_use]
    pub fn with_seals(mut self, seals: Vec<Seal>, rotated: Option<Arc<Rotated>>) -> Gate {
        self.tokens = Arc::new(Tokens::new(seals, rotated));
        self
    }

    /// Sends one request and gives back the answer, whole, decompressed and without secrets, and a record of what
    /// happened. An answer of any status is an answer. A GET or HEAD is redirected at most `Limits::max_redirects`
    /// times; a redirect of another method is handed back.
    ///
    /// The request's URI is absolute. A guest's `Host`, `Accept-Encoding` and framing headers are dropped.
    ///
    /// A request that a [`Seal`] names is answered from what is here, while that holds, by one request for all.
    pub async fn send(&self, request: Request<Bytes>) -> (Exchange, Result<Response<Bytes>, GateError>) {
        match self.tokens.seal_of(&request) {
            None => self.exchange(request, None).await,
            Some(seal) => self.token(request, seal).await,
        }
    }

    async fn token(
        &self,
        request: Request<Bytes>,
        seal: &Seal,
    ) -> (Exchange, Result<Response<Bytes>, GateError>) {
        let key = token::key(&request);
        let kept = |answer| (Exchange { for_token: true, kept: true, ..self.begun(&request) }, Ok(answer));
        if let Some(answer) = self.tokens.kept(&key, seal, &self.vault) {
            return kept(answer);
        }
        let flight = self.tokens.flight(&key);
        let landed = flight.landed();
        let mut last = flight.last.lock().await;
        if flight.landed() != landed
            && let Some((exchange, result)) = &*last
        {
            return (Exchange { kept: true, ..exchange.clone() }, result.clone());
        }
        if let Some(answer) = self.tokens.kept(&key, seal, &self.vault) {
            return kept(answer);
        }
        let outcome = self.exchange(request, Some((seal, &key))).await;
        *last = Some(outcome.clone());
        flight.land();
        outcome
    }

    /// The record of an exchange of which nothing has happened yet.
    fn begun(&self, request: &Request<Bytes>) -> Exchange {
        Exchange {
            method: self.vault.redact(request.method().as_str()),
            url: self.shown(&request.uri().to_string()),
            origin: None,
            status: None,
            placed: Vec::new(),
            retry_after: None,
            rate: Vec::new(),
            request_id: None,
            elapsed_ms: 0,
            sent_bytes: request.body().len() as u64,
            received_bytes: 0,
            masked: false,
            redirects: 0,
            for_token: false,
            kept: false,
            token_spent: false,
        }
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        seal: Option<(&Seal, &str)>,
    ) -> (Exchange, Result<Response<Bytes>, GateError>) {
        let started = Instant::now();
        let mut exchange = Exchange { for_token: seal.is_some(), ..self.begun(&request) };
        let turns = self.vault.turns();
        let limit_ms = self.limits.total_timeout_ms;
        let result = timeout(Duration::from_millis(limit_ms), self.follow(request, &mut exchange, seal))
            .await
            .unwrap_or(Err(GateError::TotalTimeout { limit_ms }));
        exchange.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if exchange.status.is_none() && matches!(result, Err(GateError::Denied(_))) {
            exchange.sent_bytes = 0;
            exchange.placed.clear();
        }
        if seal.is_none() && exchange.status == Some(StatusCode::UNAUTHORIZED.as_u16()) {
            let sent =
                turns.iter().filter(|(name, _)| exchange.placed.iter().any(|(placed, _)| placed == name));
            let spent = sent.filter(|(name, turn)| self.tokens.spend(name, *turn)).count();
            exchange.token_spent = spent > 0;
        }
        (exchange, result)
    }

    async fn follow(
        &self,
        request: Request<Bytes>,
        exchange: &mut Exchange,
        seal: Option<(&Seal, &str)>,
    ) -> Result<Response<Bytes>, GateError> {
        let started = Instant::now();
        self.vault.mint().map_err(|problem| GateError::Token { problem })?;
        if let Some((seal, _)) = seal {
            self.tokens.catch_up(seal, &self.vault)?;
        }
        let (parts, mut body) = request.into_parts();
        let (method, mut headers) = (parts.method, parts.headers);
        let mut url = absolute(&parts.uri)?;
        refuse_misplaced(&self.vault, &method, &headers)?;
        headers::clean_request(&mut headers);
        let mut visited = vec![url.clone()];
        let mut previous: Option<Origin> = None;
        let mut strayed = false;
        loop {
            exchange.url = self.shown(url.as_str());
            exchange.origin = Origin::of(&url).ok();
            refuse_misplaced_in_url(&self.vault, &url)?;
            let origin = self.policy.admit(&url, &method)?.origin;
            if let Some(from) = previous.take().filter(|from| *from != origin) {
                if from.scheme == Scheme::Https && origin.scheme == Scheme::Http {
                    return Err(Denial::Downgrade { from, to: origin }.into());
                }
                // For good: an origin that redirects back must not choose what our credentials are used for.
                strayed = true;
                body = Bytes::new();
            }
            let hop = Hop { origin: &origin, strayed, trusted_wire: self.policy.trusts_wire(&origin) };
            let mut filled = fill(&self.vault, &url, &headers, hop)?;
            let sent = fill_body(&self.vault, &headers, &body, hop, &mut filled.placed)?;
            sign(&self.vault, &method, &mut filled, &sent)?;
            for entry in filled.placed {
                if !exchange.placed.contains(&entry) {
                    exchange.placed.push(entry);
                }
            }
            let answer = self.ask(&method, filled.uri, filled.headers, sent).await?;
            exchange.status = Some(answer.status().as_u16());
            let Some(next) = self.redirect(&method, &url, &answer, &filled.pairs, exchange)? else {
                let (answer, sealed) = self.read(answer, &filled.pairs, exchange, seal).await?;
                if let Some((seal, key)) = seal {
                    self.tokens.keep(key, seal, started, &answer, sealed);
                }
                return Ok(answer);
            };
            if exchange.redirects >= self.limits.max_redirects {
                return Err(GateError::TooManyRedirects { limit: self.limits.max_redirects });
            }
            if visited.contains(&next) {
                return Err(GateError::RedirectLoop { url: self.shown(next.as_str()) });
            }
            exchange.redirects = exchange.redirects.saturating_add(1);
            visited.push(next.clone());
            previous = Some(origin);
            url = next;
        }
    }

    /// Sends the request as it stands, and waits for the answer's head.
    async fn ask(
        &self,
        method: &Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, GateError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let mut connection = capture_connection(&mut request);
        let answer = self.client.request(request);
        tokio::pin!(answer);
        // The connection has a limit of its own; the answer's time starts once there is one.
        let connected = async {
            let _ = connection.wait_for_connection_metadata().await;
        };
        let answer = tokio::select! {
            biased;
            answer = &mut answer => answer,
            () = connected => {
                let limit_ms = self.limits.first_byte_timeout_ms;
                timeout(Duration::from_millis(limit_ms), answer)
                    .await
                    .map_err(|_| GateError::FirstByteTimeout { limit_ms })?
            }
        };
        let answer = answer.map_err(|error| self.failure(&error))?;
        // The client's own limit is that of its buffer, which may be passed by a piece.
        let bytes =
            answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
        if bytes as u64 > u64::from(self.limits.max_header_bytes) {
            return Err(GateError::HeadTooLarge { limit_bytes: self.limits.max_header_bytes });
        }
        Ok(answer)
    }

    /// Where the answer sends us, secrets that stand in it turned into placeholders; `None`: nowhere.
    fn redirect(
        &self,
        method: &Method,
        from: &Url,
        answer: &Response<Incoming>,
        pairs: &[BasicPair],
        exchange: &mut Exchange,
    ) -> Result<Option<Url>, GateError> {
        let redirects = matches!(
            answer.status(),
            StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT
        );
        if !redirects || (method != Method::GET && method != Method::HEAD) {
            return Ok(None);
        }
        let Some(location) = answer.headers().get(LOCATION) else {
            return Ok(None);
        };
        let masked = self.masked(location.as_bytes(), pairs, exchange);
        let location = masked.as_deref().unwrap_or(location.as_bytes());
        let fail = |reason: &str| GateError::BadRedirect { reason: reason.to_owned() };
        let text = std::str::from_utf8(location).map_err(|_| fail("`Location` is not UTF-8"))?;
        let mut next = from.join(text).map_err(|_| fail("`Location` does not parse as a URL"))?;
        next.set_fragment(None);
        Ok(Some(next))
    }

    /// Reads the body and hands the answer out.
    async fn read(
        &self,
        answer: Response<Incoming>,
        pairs: &[BasicPair],
        exchange: &mut Exchange,
        seal: Option<(&Seal, &str)>,
    ) -> Result<(Response<Bytes>, Sealed), GateError> {
        let (mut parts, body) = answer.into_parts();
        parts.extensions.clear();
        let raw_headers = std::mem::take(&mut parts.headers);
        let mut clean = self.masked_headers(&raw_headers, pairs, exchange);
        headers::clean_response(&mut clean);
        exchange.retry_after = headers::text(&clean, "retry-after").map(|text| self.vault.redact(&text));
        exchange.rate = headers::rate(&clean);
        exchange.request_id = headers::request_id(&clean).map(|text| self.vault.redact(&text));
        let body = body::read(&raw_headers, body, &self.limits, &mut exchange.received_bytes)
            .await
            .map_err(|error| self.redacted(error))?;
        let mut sealed = Sealed::default();
        let body = match seal {
            None if exchange.placed.is_empty() => body,
            None => token::seal_unasked(&self.vault, &exchange.url, &body)?.unwrap_or(body),
            Some((seal, key)) => {
                let body = self.tokens.rotate(seal, &self.vault, body)?;
                let (body, found) = token::seal_answer(&self.vault, seal, key, &raw_headers, body)?;
                // What was sealed may stand in other headers as well.
                clean = self.masked_headers(&raw_headers, pairs, exchange);
                headers::clean_response(&mut clean);
                for (name, placeholder) in &found.headers {
                    clean.insert(name.clone(), placeholder.clone());
                }
                sealed = found;
                body
            }
        };
        let body = match self.masked(&body, pairs, exchange) {
            Some(masked) => Bytes::from(masked),
            None => body,
        };
        if !body.is_empty() {
            clean.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        parts.headers = clean;
        Ok((Response::from_parts(parts, body), sealed))
    }

    /// Bytes from a server without secrets; `None` if there were none.
    fn masked(&self, bytes: &[u8], pairs: &[BasicPair], exchange: &mut Exchange) -> Option<Vec<u8>> {
        let mut out: Option<Vec<u8>> = None;
        for pair in pairs {
            let text = out.as_deref().unwrap_or(bytes);
            if let Some(replaced) = replace(text, pair.sent.as_bytes(), pair.placeholder.as_bytes()) {
                out = Some(replaced);
            }
        }
        if let Some(masked) = self.vault.mask(out.as_deref().unwrap_or(bytes)) {
            out = Some(masked);
        }
        exchange.masked |= out.is_some();
        out
    }

    fn masked_headers(&self, raw: &HeaderMap, pairs: &[BasicPair], exchange: &mut Exchange) -> HeaderMap {
        let mut clean = HeaderMap::with_capacity(raw.len());
        for (name, value) in raw {
            // A name cannot carry a placeholder, and no API needs a header that is named after a secret.
            if self.masked(name.as_str().as_bytes(), &[], exchange).is_some() {
                continue;
            }
            match self.masked(value.as_bytes(), pairs, exchange) {
                None => {
                    clean.append(name.clone(), value.clone());
                }
                Some(masked) => {
                    if let Ok(masked) = HeaderValue::from_bytes(&masked) {
                        clean.append(name.clone(), masked);
                    }
                }
            }
        }
        clean
    }

    /// What a failed request amounts to.
    fn failure(&self, error: &ClientError) -> GateError {
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            if let Some(ours) = inner.downcast_ref::<GateError>() {
                return self.redacted(ours.clone());
            }
            // hyper offers `is_parse_too_large` to servers only.
            if inner
                .downcast_ref::<hyper::Error>()
                .is_some_and(|error| error.is_parse() && error.to_string().contains("head is too large"))
            {
                return GateError::HeadTooLarge { limit_bytes: self.limits.max_header_bytes };
            }
            cause = inner.source();
        }
        GateError::Broken { reason: self.vault.redact(&chain(error)) }
    }

    /// The error without what a server may have written into its words.
    fn redacted(&self, error: GateError) -> GateError {
        match error {
            GateError::Body { reason } => GateError::Body { reason: self.vault.redact(&reason) },
            GateError::Encoding { encoding } => {
                GateError::Encoding { encoding: self.vault.redact(&encoding) }
            }
            GateError::Tls { host, reason } => GateError::Tls { host, reason: self.vault.redact(&reason) },
            other => other,
        }
    }

    fn shown(&self, url: &str) -> String {
        self.vault.redact(&shown(url))
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("policy", &self.policy)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

pub(crate) fn absolute(uri: &Uri) -> Result<Url, Denial> {
    Url::parse(&uri.to_string()).map_err(|_| Denial::Url { problem: "it is not absolute" })
}

/// The text with `new` in place of each `old`; `None` if there is none.
fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let finder = memmem::Finder::new(old);
    let mut out = None;
    let mut copied = 0;
    for at in finder.find_iter(text) {
        let out: &mut Vec<u8> = out.get_or_insert_with(|| Vec::with_capacity(text.len() + new.len()));
        out.extend_from_slice(text.get(copied..at).unwrap_or_default());
        out.extend_from_slice(new);
        copied = at + old.len();
    }
    if let Some(out) = &mut out {
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
    }
    out
}
