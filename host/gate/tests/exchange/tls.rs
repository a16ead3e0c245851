//! TLS: a certificate counts if the user's roots say so, and only then; HTTP/2 where the server speaks it.

use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sanderling_gate::{Gate, GateError, Limits};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::Server;
use crate::{failure, gate, get, limits, policy, vault};

/// Says which version and which host it was asked by.
async fn serve(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get("host").map(|host| host.as_bytes());
    let text = format!("{:?} {}", request.version(), host.map_or("-".into(), String::from_utf8_lossy));
    Ok(Response::new(Full::new(Bytes::from(text))))
}

async fn start(config: ServerConfig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let stream = TokioIo::new(stream);
            tokio::spawn(async move {
                if is_h2 {
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(stream, service_fn(serve)).await;
                } else {
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ = server.serve_connection(stream, service_fn(serve)).await;
                }
            });
        }
    });
    port
}

/// Roots are read from the environment, once in a process: each case is a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn certificates() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let http1 = start(config.clone()).await;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let http2 = start(config).await;
    let child = |test: &str, roots: Option<&std::path::Path>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", test]).env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        command.env("TLS_PORTS", format!("{http1} {http2}"));
        if let Some(roots) = roots {
            command.env("SSL_CERT_FILE", roots);
        }
        let output = command.output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{test}: {output:?}");
    };
    child("tls::child_that_trusts", Some(&roots));
    child("tls::child_that_does_not", None);
}

fn ports() -> [u16; 2] {
    let ports = std::env::var("TLS_PORTS").unwrap();
    let (http1, http2) = ports.split_once(' ').unwrap();
    [http1, http2].map(|port| port.parse().unwrap())
}

#[tokio::test]
#[ignore = "run by `certificates`"]
async fn child_that_trusts() {
    let [http1, http2] = ports();
    let expected = [
        (http1, Version::HTTP_11, format!("HTTP/1.1 localhost:{http1}")),
        // The authority alone says whom it is for; a `Host` beside it is refused by strict servers.
        (http2, Version::HTTP_2, "HTTP/2.0 -".to_owned()),
    ];
    for (port, version, text) in expected {
        let origin = format!("https://localhost:{port}");
        let pooled = gate(origin.clone());
        for _ in 0..3 {
            let mut request = get(&origin);
            request.headers_mut().insert("host", "evil.example".parse().unwrap());
            let response = pooled.send(request).await.1.unwrap();
            assert_eq!((response.version(), response.body()), (version, &Bytes::from(text.clone())));
        }
        // The name in the certificate is `localhost`.
        let by_address = format!("https://127.0.0.1:{port}");
        let error = failure(gate(by_address.clone()).send(get(&by_address)).await);
        assert!(matches!(error, GateError::Tls { .. }), "{error:?}");
    }
}

#[tokio::test]
#[ignore = "run by `certificates`"]
async fn child_that_does_not() {
    for port in ports() {
        let origin = format!("https://localhost:{port}");
        let error = failure(gate(origin.clone()).send(get(&origin)).await);
        assert!(
            matches!(&error, GateError::Tls { reason, .. } if reason.contains("certificate")),
            "{error:?}"
        );
    }
}

/// The limit on connecting covers the handshake: a server that waits for something else does not hold us up.
#[tokio::test]
async fn no_tls_spoken_there() {
    let server = Server::start(vec![]).await;
    let origin = format!("https://127.0.0.1:{}", server.port);
    let limits = Limits { connect_timeout_ms: 200, ..limits() };
    let gate = Gate::new(policy(std::slice::from_ref(&origin)), vault(Default::default()).0, limits);
    let error = failure(gate.send(get(&origin)).await);
    assert_eq!(error, GateError::ConnectTimeout { host: "127.0.0.1".into(), limit_ms: 200 });
}
