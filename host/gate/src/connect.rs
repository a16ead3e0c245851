//! Opens connections: resolves once, drops the addresses that the policy does not admit, connects to one of the rest.
//!
//! The check stands here, and not before the request, because a name may lead elsewhere the second time it is asked.
//! No proxy is ever taken from the environment: behind one, the check would see the proxy alone.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service;
use url::Host;

use crate::error::{GateError, chain};
use crate::origin::{Origin, Scheme};
use crate::policy::Policy;
use crate::tls;

/// How long an address may stay silent before the next one is tried beside it (RFC 8305, 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

type Connecting<S> = Pin<Box<dyn Future<Output = Result<S, GateError>> + Send>>;

/// A connector for the pooled client, over TLS or not, bound to one policy. A pool must not be shared between two
/// policies: a connection that one admits could serve the other.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) policy: Arc<Policy>,
    pub(crate) connect_timeout_ms: u64,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = GateError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), GateError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit_ms = self.connect_timeout_ms;
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let origin = Origin::covering(&uri.to_string())
                .map_err(|error| GateError::Request { reason: error.to_string() })?;
            let host = origin.host.to_string();
            timeout(Duration::from_millis(limit_ms), open(policy, origin, uri))
                .await
                .unwrap_or(Err(GateError::ConnectTimeout { host, limit_ms }))
        })
    }
}

async fn open(
    policy: Arc<Policy>,
    origin: Origin,
    uri: Uri,
) -> Result<MaybeHttpsStream<TokioIo<TcpStream>>, GateError> {
    let host = origin.host.to_string();
    let scheme = origin.scheme;
    let dial = Dial { policy, origin };
    if scheme == Scheme::Http {
        return Ok(MaybeHttpsStream::Http(dial.connect().await?));
    }
    let config = tls::config().map_err(|reason| GateError::Tls { host: host.clone(), reason })?;
    HttpsConnector::from((dial, config)).call(uri).await.map_err(|error| {
        match error.downcast::<GateError>() {
            Ok(ours) => *ours,
            Err(theirs) if is_not_tls(&*theirs) => GateError::NotTls { host },
            Err(theirs) => GateError::Tls { host, reason: chain(&*theirs) },
        }
    })
}

/// Whether the first bytes that came are none of TLS: most often plain http is spoken there.
fn is_not_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return *error == rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
    }
    // An I/O error passes over the error within it when it is asked for its source.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => is_not_tls(inner),
        None => error.source().is_some_and(is_not_tls),
    }
}

/// The plain connection below TLS.
#[derive(Clone)]
struct Dial {
    policy: Arc<Policy>,
    origin: Origin,
}

impl Dial {
    async fn connect(self) -> Result<TokioIo<TcpStream>, GateError> {
        let resolved = resolve(&self.origin).await?;
        let admitted = self.policy.admit_addresses(&self.origin, resolved)?;
        let stream = race(&self.origin, admitted).await?;
        // Requests are written whole; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = GateError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), GateError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

async fn resolve(origin: &Origin) -> Result<Vec<IpAddr>, GateError> {
    let name = match &origin.host {
        Host::Ipv4(v4) => return Ok(vec![IpAddr::V4(*v4)]),
        Host::Ipv6(v6) => return Ok(vec![IpAddr::V6(*v6)]),
        Host::Domain(name) => name,
    };
    let found = tokio::net::lookup_host((name.as_str(), origin.port)).await;
    match found {
        Ok(found) => Ok(found.map(|at| at.ip()).collect()),
        Err(error) => Err(GateError::Resolve { host: name.clone(), reason: error.to_string() }),
    }
}

/// The first address to answer, each tried a little after the one before it or as soon as that has failed.
pub(crate) async fn race(origin: &Origin, addresses: Vec<IpAddr>) -> Result<TcpStream, GateError> {
    let mut waiting = addresses.into_iter().map(|ip| SocketAddr::new(ip, origin.port));
    let mut trying = JoinSet::new();
    let mut failure =
        GateError::Resolve { host: origin.host.to_string(), reason: "it has no address".to_owned() };
    loop {
        let more = match waiting.next() {
            Some(address) => {
                trying.spawn(
                    async move { TcpStream::connect(address).await.map_err(|error| (address, error)) },
                );
                true
            }
            None => false,
        };
        tokio::select! {
            ended = trying.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err((address, error)))) => failure = refused(origin, address, &error),
                // A task that panicked or was cancelled: neither happens, and neither is a connection.
                Some(Err(_)) => {}
                None => return Err(failure),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if more => {}
        }
    }
}

fn refused(origin: &Origin, address: SocketAddr, error: &io::Error) -> GateError {
    GateError::Connect { host: origin.host.to_string(), address, reason: error.to_string() }
}
