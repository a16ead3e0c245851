//! How a store is spoken to: a pooled client over our own TLS, and what the server said last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Dial;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use rustls::{ClientConfig, RootCertStore};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a request with its answer, a part of a large object for one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Shorter than servers keep idle connections.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Of an answer that says what went wrong, this is kept.
const EXCERPT_BYTES: usize = 4096;

/// What became of the latest request.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) host: String,
    /// None: there was no answer.
    pub(super) status: Option<http::StatusCode>,
    /// The start of an answer that was no success; why there was none.
    pub(super) text: String,
}

/// Shared by a store and its client: the store asks one thing at a time.
pub(super) type Latest = Arc<Mutex<Option<Said>>>;

/// Makes clients.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) latest: Latest,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let tls =
            tls().map_err(|cause| object_store::Error::Generic { store: "TLS", source: cause.into() })?;
        let mut dial = Dial::new();
        dial.enforce_http(false);
        dial.set_nodelay(true);
        dial.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        let builder = if allow_http { builder.https_or_http() } else { builder.https_only() };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(builder.enable_http1().wrap_connector(dial));
        Ok(HttpClient::new(Service { client, latest: Arc::clone(&self.latest) }))
    }
}

#[derive(Debug)]
struct Service {
    client: Client<HttpsConnector<Dial>, HttpRequestBody>,
    latest: Latest,
}

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let asked = tokio::time::timeout(REQUEST_TIMEOUT, self.ask(request)).await;
        let asked = asked.unwrap_or_else(|late| Err(HttpError::new(HttpErrorKind::Timeout, late)));
        let (status, text) = match &asked {
            Ok((parts, body)) if !parts.status.is_success() => {
                let excerpt = body.get(..EXCERPT_BYTES).unwrap_or(body);
                (Some(parts.status), String::from_utf8_lossy(excerpt).into_owned())
            }
            Ok((parts, _)) => (Some(parts.status), String::new()),
            Err(error) => (None, chain(error)),
        };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Said { host, status, text });
        asked.map(|(parts, body)| HttpResponse::from_parts(parts, body.into()))
    }
}

impl Service {
    async fn ask(&self, request: HttpRequest) -> Result<(http::response::Parts, bytes::Bytes), HttpError> {
        let answer = self.client.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
            HttpError::new(kind, error)
        })?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
        Ok((parts, body.to_bytes()))
    }
}

/// An error and what is beneath it, each once.
fn chain(error: &HttpError) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        let said = error.to_string();
        if !text.contains(&said) {
            text = if text.is_empty() { said } else { format!("{text}: {said}") };
        }
        next = error.source();
    }
    text
}

/// Trusts what the system trusts or, on a system that has no roots, those of Mozilla.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // Certificates that the library cannot read are left out: systems carry odd ones.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
