//! What leaves the machine, and what does not.

use std::process::Command;

use bytes::Bytes;
use http::Request;
use sanderling_gate::{Denial, Gate, Methods, Place, Policy};

use crate::server::{Server, answer, ok};
use crate::{KEY, body, denial, gate, get, limits, policy, vault};

/// S9, S9e: the host names itself, the server and the encodings.
#[tokio::test]
async fn headers_that_a_guest_may_not_set() {
    let server = Server::start(vec![ok("")]).await;
    let request = Request::post(server.url("/v1?a=%20&b"))
        .header("Host", "evil.example")
        .header("Accept-Encoding", "br")
        .header("Connection", "upgrade")
        .header("Proxy-Authorization", "x")
        .header("Transfer-Encoding", "chunked")
        .header("Content-Length", "999")
        .header("X-Kept", "yes")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    let (exchange, result) = gate(server.origin()).send(request).await;
    assert_eq!(result.unwrap().status(), 200);
    let seen = server.requests().concat().to_ascii_lowercase();
    assert!(seen.starts_with("post /v1?a=%20&b http/1.1\r\n"), "{seen}");
    for line in [
        format!("host: 127.0.0.1:{}", server.port),
        "accept-encoding: gzip".into(),
        "content-length: 2".into(),
        format!("user-agent: sanderling/{}", env!("CARGO_PKG_VERSION")),
        "x-kept: yes".into(),
    ] {
        assert_eq!(seen.matches(&line).count(), 1, "{line} in {seen}");
    }
    for absent in ["evil", "br\r\n", "upgrade", "proxy-", "chunked", "999"] {
        assert!(!seen.contains(absent), "{absent} in {seen}");
    }
    assert_eq!((exchange.method.as_str(), exchange.sent_bytes), ("POST", 2));
}

#[tokio::test]
async fn a_guest_may_name_itself() {
    let server = Server::start(vec![ok("")]).await;
    let mut request = get(&server.url("/"));
    request.headers_mut().insert("user-agent", "mine/1".parse().unwrap());
    gate(server.origin()).send(request).await.1.unwrap();
    assert!(server.requests().concat().contains("user-agent: mine/1\r\n"));
}

#[tokio::test]
async fn answers_without_framing_and_cookies() {
    let headers = "set-cookie: a=b\r\nkeep-alive: x\r\nconnection: keep-alive\r\nX-Total: 7\r\nretry-after: 120\r\nx-request-id: r-1\r\n";
    let server = Server::start(vec![answer("429 Too Many Requests", headers, "slow")]).await;
    let (exchange, result) = gate(server.origin()).send(get(&server.url("/"))).await;
    let response = result.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["x-total"], "7");
    for gone in ["set-cookie", "keep-alive", "connection"] {
        assert!(response.headers().get(gone).is_none(), "{gone}");
    }
    assert_eq!(exchange.retry_after.as_deref(), Some("120"));
    assert_eq!(exchange.request_id.as_deref(), Some("r-1"));
    assert_eq!(exchange.status, Some(429));
}

/// S1, S13: a refused request never becomes a connection.
#[tokio::test]
async fn nothing_is_sent_without_a_grant() {
    let server = Server::start(vec![ok("")]).await;
    let (vault, key) = vault(Default::default());
    let shut = Gate::new(Policy::default(), vault.clone(), limits());
    let refused = denial(shut.send(get(&server.url("/"))).await);
    assert_eq!(refused.rule(), Some(server.origin().to_string().as_str()));
    let read_only = Policy { methods: Methods::ReadOnly, ..policy(&[server.origin()]) };
    let open = Gate::new(read_only, vault, limits());
    let post = Request::post(server.url("/")).body(Bytes::new()).unwrap();
    assert!(matches!(denial(open.send(post).await), Denial::Method { .. }));
    let relative = Request::get("/v1").body(Bytes::new()).unwrap();
    assert!(matches!(denial(open.send(relative).await), Denial::Url { .. }));
    let (exchange, result) = open.send(get(&format!("http://me:pass@127.0.0.1:{}/", server.port))).await;
    assert!(result.unwrap_err().is_denied());
    assert!(!exchange.url.contains("pass"), "{}", exchange.url);
    let (exchange, result) = open.send(get(&server.url(&format!("/{key}")))).await;
    assert!(result.unwrap_err().is_denied());
    assert_eq!(exchange.url, server.url("/***"));
    assert_eq!((server.connections(), exchange.placed.len()), (0, 0));
}

#[tokio::test]
async fn an_awkward_secret_arrives_whole() {
    let server = Server::start(vec![ok("")]).await;
    let (vault, key) = vault(Default::default());
    let gate = Gate::new(policy(&[server.origin()]), vault, limits());
    let mut request = get(&server.url(&format!("/?key={key}&x=1")));
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let (exchange, result) = gate.send(request).await;
    result.unwrap();
    let seen = server.requests().concat();
    assert!(seen.starts_with("GET /?key=k%26%C3%A9%20%2F%2B%3D%22%3Cy%3E0123&x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("authorization: Bearer {KEY}\r\n")), "{seen}");
    assert_eq!(exchange.url, server.url("/?key=***&x=1"));
    let places = [Place::Query("key".into()), Place::Header("authorization".into())];
    assert_eq!(exchange.placed, places.map(|place| ("API_KEY".to_owned(), place)));
}

/// S3: a name that leads to this machine, where no rule says that it may.
#[tokio::test]
async fn names_that_lead_home() {
    let server = Server::start(vec![ok("hello")]).await;
    let local = format!("http://localhost:{}", server.port);
    assert_eq!(body(&gate(local.clone()).send(get(&local)).await), b"hello");
    let refused = denial(gate("http://0.0.0.0:9".into()).send(get("http://0.0.0.0:9/")).await);
    assert!(matches!(refused, Denial::Address { .. }), "{refused}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(vec![ok("1")]).await;
    let gate = gate(server.origin());
    for _ in 0..5 {
        assert_eq!(body(&gate.clone().send(get(&server.url("/"))).await), b"1");
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 5));
}

#[tokio::test]
async fn head_has_no_body() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\ncontent-encoding: gzip\r\n\r\n";
    let server = Server::start(vec![vec![crate::server::raw(head)]]).await;
    let request = Request::head(server.url("/")).body(Bytes::new()).unwrap();
    assert_eq!(body(&gate(server.origin()).send(request).await), b"");
}

/// S9b: runs the test above in a process whose environment names a proxy that is not there.
#[test]
fn no_proxy_from_the_environment() {
    let proxy = "http://127.0.0.1:9";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "requests::connections_are_used_again"])
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"].map(|name| (name, proxy)))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&status.stdout).contains("1 passed"), "{status:?}");
}
