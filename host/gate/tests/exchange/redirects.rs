//! Redirects: each hop is admitted afresh, and credentials stay with those they are for.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sanderling_gate::{Binding, Denial, Gate, GateError, Secret, Vault};

use crate::server::{Server, answer, found, ok};
use crate::{KEY, body, denial, failure, gate, get, limits, policy, vault};

#[tokio::test]
async fn followed_to_the_end() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let server = Server::start(vec![
            answer(status, "location: /two?x=1#frag\r\n", "moved"),
            answer(status, "location: three\r\n", ""),
            ok("here"),
        ])
        .await;
        let outcome = gate(server.origin()).send(get(&server.url("/one"))).await;
        assert_eq!(body(&outcome), b"here", "{status}");
        assert_eq!((outcome.0.redirects, outcome.0.url), (2, server.url("/three")));
        assert!(server.requests()[1].starts_with("GET /two?x=1 HTTP"));
    }
}

#[tokio::test]
async fn handed_back() {
    let server = Server::start(vec![found("/two")]).await;
    let post = Request::post(server.url("/")).body(Bytes::from_static(b"{}")).unwrap();
    let (exchange, result) = gate(server.origin()).send(post).await;
    let response = result.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"/two".parse().unwrap())
    );
    assert_eq!(exchange.redirects, 0);
    for reply in [
        answer("304 Not Modified", "", ""),
        answer("302 Found", "", ""),
        answer("300 Multiple", "location: /x\r\n", ""),
    ] {
        let server = Server::start(vec![reply]).await;
        assert!(gate(server.origin()).send(get(&server.url("/"))).await.1.unwrap().status().is_redirection());
    }
}

#[tokio::test]
async fn without_end() {
    let server = Server::start((1..10).map(|n| found(&format!("/{n}"))).collect()).await;
    assert_eq!(
        failure(gate(server.origin()).send(get(&server.url("/"))).await),
        GateError::TooManyRedirects { limit: 5 }
    );
    assert_eq!(server.requests().len(), 6);
    let server = Server::start(vec![found("/b"), found("/a")]).await;
    let error = failure(gate(server.origin()).send(get(&server.url("/a"))).await);
    assert_eq!(error, GateError::RedirectLoop { url: server.url("/a") });
    assert_eq!(server.requests().len(), 2);
    let server = Server::start(vec![found("http://[")]).await;
    let error = failure(gate(server.origin()).send(get(&server.url("/a"))).await);
    assert!(matches!(error, GateError::BadRedirect { .. }), "{error:?}");
    insta::assert_snapshot!(error, @"a redirect leads nowhere: `Location` does not parse as a URL");
}

/// S4: not to an origin, a scheme or an address that the policy does not name.
#[tokio::test]
async fn only_to_where_the_policy_admits() {
    for target in
        ["https://evil.example/", "http://169.254.169.254/latest", "http://127.0.0.1:9/", "//evil.example/x"]
    {
        let server = Server::start(vec![found(target)]).await;
        let outcome = gate(server.origin()).send(get(&server.url("/"))).await;
        assert_eq!(outcome.0.status, Some(302));
        assert!(matches!(denial(outcome), Denial::Origin { .. }), "{target}");
    }
    for target in ["file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/"] {
        let server = Server::start(vec![found(target)]).await;
        let refused = denial(gate(server.origin()).send(get(&server.url("/"))).await);
        assert!(matches!(refused, Denial::Url { .. }), "{target}");
    }
}

/// Two origins, both allowed; the first redirects to the second.
async fn across(
    binding: impl Fn(&Server) -> Binding,
    location: impl Fn(&Server) -> String,
) -> (Server, Server, crate::Outcome) {
    let there = Server::start(vec![ok("there")]).await;
    let here = Server::start(vec![found(&location(&there))]).await;
    let (vault, key) = vault(binding(&there));
    let both = policy(&[here.origin(), there.origin()]);
    let mut request = get(&here.url(&format!("/?k={key}")));
    request.headers_mut().insert("x-key", key.parse().unwrap());
    request.headers_mut().insert("authorization", "Bearer by-hand".parse().unwrap());
    request.headers_mut().insert("cookie", "session=1".parse().unwrap());
    request.headers_mut().insert("x-page", "7".parse().unwrap());
    let outcome = Gate::new(both, vault, limits()).send(request).await;
    (here, there, outcome)
}

#[tokio::test]
async fn credentials_stay_behind() {
    let (here, there, outcome) = across(|_| Binding::default(), |there| there.url("/x")).await;
    assert_eq!(body(&outcome), b"there");
    assert!(here.requests()[0].contains(KEY));
    let seen = &there.requests()[0];
    assert!(seen.contains("x-page: 7"), "{seen}");
    for gone in [KEY, "x-key", "authorization", "cookie", "by-hand", "sanderling-secret"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
}

#[tokio::test]
async fn credentials_follow_to_where_they_are_bound() {
    let home = "http://127.0.0.1:1".parse().unwrap();
    let both =
        |there: &Server| Binding { origins: Some(vec![there.origin().parse().unwrap()]), places: None };
    // Bound to the second origin alone, the first request is refused already.
    let (here, there, outcome) = across(both, |there| there.url("/x")).await;
    assert!(matches!(denial(outcome), Denial::SecretOrigin { .. }));
    assert_eq!(here.requests().len() + there.requests().len(), 0);

    let there = Server::start(vec![ok("there")]).await;
    let here = Server::start(vec![found(&there.url("/x"))]).await;
    let origins = [&here, &there].map(|server| server.origin().parse().unwrap()).to_vec();
    let (vault, key) = vault(Binding { origins: Some([origins, vec![home]].concat()), places: None });
    let mut request = get(&here.url("/"));
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let outcome = Gate::new(policy(&[here.origin(), there.origin()]), vault, limits()).send(request).await;
    assert_eq!(body(&outcome), b"there");
    assert!(there.requests()[0].contains(&format!("authorization: Bearer {KEY}")));
}

/// A server that is told our key may write it into `Location`: it goes back to that server, and to no other.
#[tokio::test]
async fn a_key_in_the_location() {
    let escaped = utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string();
    let server = Server::start(vec![found(&format!("/next?k={escaped}&page=2")), ok("two")]).await;
    let (secrets, key) = vault(Binding::default());
    let gate = Gate::new(policy(&[server.origin()]), secrets, limits());
    let (exchange, result) = gate.send(get(&server.url(&format!("/?k={key}")))).await;
    assert_eq!(result.unwrap().body(), "two");
    assert!(server.requests()[1].starts_with("GET /next?k=k%26%C3%A9%20%2F%2B%3D%22%3Cy%3E0123&page=2 HTTP"));
    assert_eq!(exchange.url, server.url("/next?k=***&page=2"));
    assert!(exchange.masked);

    let leak = |there: &Server| there.url(&format!("/?stolen={escaped}"));
    let (_, there, outcome) = across(|_| Binding::default(), leak).await;
    assert!(matches!(denial(outcome), Denial::SecretOrigin { .. }));
    assert_eq!(there.requests().len(), 0);
    let in_path = |there: &Server| there.url(&format!("/{escaped}"));
    let (_, there, outcome) = across(|_| Binding::default(), in_path).await;
    assert!(matches!(denial(outcome), Denial::SecretPlace { .. }));
    assert_eq!(there.requests().len(), 0);
}

/// An origin that is redirected to and redirects back gets no say over what the credentials are used for.
#[tokio::test]
async fn there_and_back() {
    let here = Server::start(vec![ok("unused")]).await;
    let there = Server::start(vec![found(&here.url("/back"))]).await;
    let start = Server::start(vec![found(&there.url("/")), ok("back")]).await;
    let mut vault = Vault::new(None).unwrap();
    let key = vault.seal("KEY", Secret::new("0123456789"), Binding::default()).unwrap();
    let gate = Gate::new(policy(&[start.origin(), there.origin(), here.origin()]), Arc::new(vault), limits());
    let mut request = get(&start.url("/"));
    request.headers_mut().insert("x-key", key.parse().unwrap());
    assert_eq!(body(&gate.send(request).await), b"unused");
    assert!(start.requests()[0].contains("0123456789"));
    assert!(!there.requests()[0].contains("x-key") && !here.requests()[0].contains("x-key"));
}
