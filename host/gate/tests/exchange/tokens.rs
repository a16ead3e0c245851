//! Tokens through the gate: one request for all, placeholders in the answer, another one when the first is refused.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use sanderling_gate::{Binding, Denial, Gate, Place, Seal, SealField, Secret, Vault};
use serde_json::{Value, json};

use crate::server::{Server, Step, answer, ok};
use crate::{body, denial, get, limits, policy};

const TOKEN: &str = "t0k&n/+=<1>";
const NEXT: &str = "n3xt-t0ken-2";

fn seal(server: &Server) -> Seal {
    Seal {
        origin: server.origin().parse().unwrap(),
        path: "/token".into(),
        fields: vec!["/access_token".parse().unwrap()],
        lifetime_ms: 60_000,
        first: None,
        rotates: None,
        binding: Binding { origins: Some(vec![server.origin().parse().unwrap()]), places: None },
    }
}

fn gate(server: &Server, seal: Seal) -> (Gate, Arc<Vault>, String) {
    let mut vault = Vault::new(None).unwrap();
    let secret = vault.seal("client_secret", Secret::new("s3cret-of-us"), Binding::default()).unwrap();
    let vault = Arc::new(vault);
    (
        Gate::new(policy(&[server.origin()]), vault.clone(), limits()).with_seals(vec![seal], None),
        vault,
        secret,
    )
}

fn ask(server: &Server, secret: &str) -> Request<Bytes> {
    Request::post(server.url("/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(format!("client_secret={secret}")))
        .unwrap()
}

fn with(server: &Server, token: &str) -> Request<Bytes> {
    let mut request = get(&server.url("/rows"));
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

fn token(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body).unwrap()["access_token"].as_str().unwrap().to_owned()
}

fn given(token: &str, more: Value) -> Vec<Step> {
    let mut body = json!({"access_token": token, "also": format!("<{token}>")});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    answer("200 OK", &format!("x-token: {token}\r\nset-cookie: a={token}\r\n"), body.to_string())
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_the_guest_never_sees_it() {
    let server =
        Server::start(vec![given(TOKEN, json!({"refresh_token": "r3fresh-t0ken", "id_token": 7})), ok("{}")])
            .await;
    let (gate, _, secret) = gate(&server, seal(&server));
    let first = gate.send(ask(&server, &secret)).await;
    let again = gate.send(ask(&server, &secret)).await;
    assert_eq!((server.requests().len(), first.0.kept, again.0.kept), (1, false, true));
    assert!(first.0.for_token && again.0.for_token);
    assert_eq!(first.0.placed, [("client_secret".to_owned(), Place::Field("client_secret".into()))]);
    assert_eq!(body(&first), body(&again));
    let response = first.1.as_ref().unwrap();
    let shown = format!("{:?} {}", response.headers(), String::from_utf8_lossy(response.body()));
    for secret in [TOKEN, "r3fresh-t0ken", "t0k", "set-cookie"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(response.headers()["content-length"], response.body().len().to_string());
    let token = token(body(&first));
    assert!(shown.contains(&format!("<{token}>")), "{shown}");
    let sent = gate.send(with(&server, &token)).await;
    assert!(sent.1.is_ok() && !sent.0.for_token);
    assert_eq!(sent.0.placed, [("access_token".to_owned(), Place::Header("authorization".into()))]);
    assert!(
        server.requests()[1].contains(&format!("authorization: Bearer {TOKEN}")),
        "{:?}",
        server.requests()
    );
    // Another body is another token.
    gate.send(ask(&server, "else")).await.1.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn who_waits_for_a_token_takes_what_comes() {
    for (status, expires_in) in [("200 OK", 60), ("200 OK", 0), ("503 Busy", 60)] {
        let mut reply = vec![Step::Wait(100)];
        reply.extend(answer(
            status,
            "",
            json!({"access_token": TOKEN, "expires_in": expires_in}).to_string(),
        ));
        let server = Server::start(vec![reply]).await;
        let (gate, _, secret) = gate(&server, seal(&server));
        let all = tokio::join!(
            gate.send(ask(&server, &secret)),
            gate.send(ask(&server, &secret)),
            gate.send(ask(&server, &secret)),
        );
        assert_eq!(server.requests().len(), 1, "{status}");
        for outcome in [all.0, all.1, all.2] {
            assert_eq!(outcome.0.status, Some(status[..3].parse().unwrap()));
            assert!(outcome.1.is_ok());
        }
        gate.send(ask(&server, &secret)).await.1.unwrap();
        let kept = status.starts_with("200") && expires_in == 60;
        assert_eq!(server.requests().len(), if kept { 1 } else { 2 }, "{status} {expires_in}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_used_again() {
    let refused = answer("401 No", "", format!("{{\"you\":\"{TOKEN}\"}}"));
    let replies = vec![given(TOKEN, json!({})), refused.clone(), given(NEXT, json!({})), refused, ok("{}")];
    let server = Server::start(replies).await;
    let (gate, vault, secret) = gate(&server, seal(&server));
    let placeholder = token(body(&gate.send(ask(&server, &secret)).await));
    let outcome = gate.send(with(&server, &placeholder)).await;
    assert!(outcome.0.token_spent);
    assert_eq!(body(&outcome), format!("{{\"you\":\"{placeholder}\"}}").as_bytes());
    assert_eq!(
        token(body(&gate.send(ask(&server, &secret)).await)),
        placeholder,
        "a guest may keep what it has"
    );
    // A page that was on its way with the first one is refused as well: that says nothing of the second.
    assert_eq!(vault.redact(TOKEN), "***");
    let outcome = gate.send(with(&server, &placeholder)).await;
    assert!(outcome.0.token_spent && server.requests()[3].contains(NEXT));
    gate.send(with(&server, &placeholder)).await.1.unwrap();
    assert_eq!(server.requests().len(), 5);
}

/// A page was on its way with the first token while another page had the second one asked for: that one stays.
#[tokio::test]
async fn a_late_refusal_spends_no_newer_token() {
    let mut late = vec![Step::Wait(150)];
    late.extend(answer("401 No", "", "{}"));
    let replies = vec![given(TOKEN, json!({})), late, answer("401 No", "", "{}"), given(NEXT, json!({}))];
    let server = Server::start(replies).await;
    let (gate, _, secret) = gate(&server, seal(&server));
    let placeholder = token(body(&gate.send(ask(&server, &secret)).await));
    let others = async {
        while server.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert!(gate.send(with(&server, &placeholder)).await.0.token_spent);
        gate.send(ask(&server, &secret)).await.1.unwrap();
    };
    let (late, ()) = tokio::join!(gate.send(with(&server, &placeholder)), others);
    assert!(late.0.token_spent, "it may be sent again, with the second one");
    assert!(gate.send(ask(&server, &secret)).await.0.kept);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_refused_secret_is_no_spent_token() {
    let server = Server::start(vec![answer("401 No", "", "{}")]).await;
    let (gate, _, secret) = gate(&server, seal(&server));
    assert!(!gate.send(with(&server, &secret)).await.0.token_spent);
    assert!(!gate.send(ask(&server, &secret)).await.0.token_spent);
    assert!(!gate.send(get(&server.url("/"))).await.0.token_spent);
}

#[tokio::test]
async fn a_token_goes_where_it_is_bound_to_only() {
    let server = Server::start(vec![given(TOKEN, json!({}))]).await;
    let bound = Binding { origins: Some(vec!["https://api.example.com".parse().unwrap()]), places: None };
    let (gate, _, secret) = gate(&server, Seal { binding: bound, ..seal(&server) });
    let placeholder = token(body(&gate.send(ask(&server, &secret)).await));
    let refused = denial(gate.send(with(&server, &placeholder)).await);
    assert!(matches!(&refused, Denial::SecretOrigin { secret, .. } if secret == "access_token"), "{refused}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn tokens_in_headers_and_deep_in_the_body() {
    let reply = answer("200 OK", &format!("x-session: {TOKEN}\r\n"), json!({"a": {"key": NEXT}}).to_string());
    let server = Server::start(vec![reply]).await;
    let fields = vec!["header:X-Session".parse().unwrap(), SealField::Body("/a/key".into())];
    let (gate, _, secret) = gate(&server, Seal { fields, ..seal(&server) });
    let outcome = gate.send(ask(&server, &secret)).await;
    let response = outcome.1.unwrap();
    let session = response.headers()["x-session"].to_str().unwrap().to_owned();
    let key: Value = serde_json::from_slice(response.body()).unwrap();
    gate.send(with(&server, &format!("{session} {}", key["a"]["key"].as_str().unwrap()))).await.1.unwrap();
    assert!(server.requests()[1].contains(&format!("Bearer {TOKEN} {NEXT}")));
}

/// RFC 6749's names are known, also where nobody has announced them; only if the request carried a secret.
#[tokio::test]
async fn a_token_that_nobody_announced() {
    let text = format!("{{ \"a\": 1.50, \"access_token\": {} }}", Value::from(TOKEN));
    let server =
        Server::start(vec![ok(&text), ok(&text), ok("[{\"access_token\": \"t0ken-in-a-row\"}]")]).await;
    let (gate, _, secret) = gate(&server, seal(&server));
    let plain = gate.send(get(&server.url("/"))).await;
    assert_eq!(body(&plain), text.as_bytes(), "what a request without a secret brings is the API's own");
    let outcome = gate.send(with(&server, &secret)).await;
    let placeholder = token(body(&outcome));
    assert_eq!(body(&outcome), format!("{{ \"a\": 1.50, \"access_token\": \"{placeholder}\" }}").as_bytes());
    let rows = gate.send(with(&server, &placeholder)).await;
    assert!(server.requests()[2].contains(&format!("Bearer {TOKEN}")));
    assert_eq!(body(&rows), b"[{\"access_token\": \"t0ken-in-a-row\"}]", "a row is a row");
}

#[tokio::test]
async fn a_first_token_is_used_until_it_is_refused() {
    let server = Server::start(vec![answer("401 No", "", "{}"), given(NEXT, json!({}))]).await;
    let mut vault = Vault::new(None).unwrap();
    let first = vault.seal("old", Secret::new("old-t0ken-1"), Binding::default()).unwrap();
    let seal = Seal { first: Some(first.clone()), ..seal(&server) };
    let gate = Gate::new(policy(&[server.origin()]), Arc::new(vault), limits()).with_seals(vec![seal], None);
    let outcome = gate.send(ask(&server, "x")).await;
    assert_eq!((token(body(&outcome)), server.requests().len()), (first.clone(), 0));
    // Pages side by side: each may be asked for once more.
    assert!(gate.send(with(&server, &first)).await.0.token_spent);
    let next = token(body(&gate.send(ask(&server, "x")).await));
    assert_ne!(next, first);
    assert_eq!(server.requests().len(), 2);
}
