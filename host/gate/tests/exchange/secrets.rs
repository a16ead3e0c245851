//! S15: an API that sends our key back, in whatever form and place, does not get it through.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sanderling_gate::{Denial, Gate, GateError, Place};

use crate::server::{Server, Step, answer, ok};
use crate::{KEY, denial, get, limits, policy, vault};

/// The key in each form that a server may give it.
fn echoes() -> Vec<String> {
    let json = serde_json::to_string(KEY).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    vec![
        KEY.to_owned(),
        utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string(),
        KEY.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        json.replace('é', "\\u00e9").replace('/', "\\/"),
        json,
        STANDARD.encode(KEY),
        STANDARD.encode(format!("user:{KEY}")),
        URL_SAFE_NO_PAD.encode(format!("{KEY}:")),
    ]
}

#[tokio::test]
async fn echoes_are_masked_wherever_they_stand() {
    let text = format!("{{\"a\":\"{}\",\"total\":7}}", echoes().join("\",\"b\":\""));
    let mut reply =
        format!("HTTP/1.1 401 Nope\r\nx-request-id: {KEY}\r\nretry-after: {KEY}\r\n").into_bytes();
    for (number, echo) in echoes().iter().enumerate() {
        reply.extend_from_slice(
            format!("x-echo-{number}: <{echo}>\r\nlocation: https://a.b/?k={echo}\r\n").as_bytes(),
        );
    }
    reply.extend_from_slice(format!("content-length: {}\r\n\r\n{text}", text.len()).as_bytes());
    let server = Server::start(vec![vec![Step::Send(reply)]]).await;
    let (vault, key) = vault(Default::default());
    let gate = Gate::new(policy(&[server.origin()]), vault, limits());
    let mut request = get(&server.url(&format!("/?k={key}")));
    request.headers_mut().insert("x-key", key.parse().unwrap());
    let (exchange, result) = gate.send(request).await;
    let response = result.unwrap();
    assert!(exchange.masked);
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    let mut shown = body.clone();
    for (name, value) in response.headers() {
        shown.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    shown.push_str(&format!("\n{exchange:?}"));
    let echoes = echoes();
    for echo in &echoes {
        assert!(!shown.contains(echo.as_str()), "{echo} in {shown}");
    }
    assert!(body.starts_with(&format!("{{\"a\":\"{key}\",\"b\":\"{key}\"")), "{body}");
    assert!(body.ends_with("\"total\":7}"), "{body}");
    assert_eq!(response.headers()["content-length"], body.len().to_string());
    assert_eq!(exchange.request_id.as_deref(), Some("***"));
    assert_eq!(exchange.retry_after.as_deref(), Some("***"));
}

/// The placeholder stands in the place of the whole pair, as plain text: what is stored must not vary from run to run.
#[tokio::test]
async fn a_basic_pair_comes_back_as_its_placeholder() {
    let sent = STANDARD.encode(format!("me:{KEY}"));
    let server = Server::start(vec![ok(format!("<Basic {sent}>"))]).await;
    let (vault, key) = vault(Default::default());
    let gate = Gate::new(policy(&[server.origin()]), vault, limits());
    let written = STANDARD.encode(format!("me:{key}"));
    let mut request = get(&server.url("/"));
    request.headers_mut().insert("authorization", format!("Basic {written}").parse().unwrap());
    let (exchange, result) = gate.send(request).await;
    let body = String::from_utf8(result.unwrap().body().to_vec()).unwrap();
    assert_eq!(body.replace('=', ""), format!("<Basic {key}>"));
    assert!(server.requests()[0].contains(&format!("authorization: Basic {sent}")));
    assert_eq!(exchange.placed, [("API_KEY".to_owned(), Place::Basic)]);
}

#[tokio::test]
async fn an_answer_without_secrets_is_untouched() {
    let server = Server::start(vec![answer("200 OK", "x-a: b\r\n", "{\"k\":\"v\"}")]).await;
    let (vault, key) = vault(Default::default());
    let gate = Gate::new(policy(&[server.origin()]), vault, limits());
    let (exchange, result) = gate.send(get(&server.url(&format!("/?k={key}")))).await;
    assert_eq!(result.unwrap().body(), "{\"k\":\"v\"}");
    assert!(!exchange.masked);
}

/// S16: a next-page link to another host, followed by the guest itself with its key.
#[tokio::test]
async fn a_next_page_of_another_origin() {
    let (here, there) = (Server::start(vec![ok("")]).await, Server::start(vec![ok("")]).await);
    let bound =
        sanderling_gate::Binding { origins: Some(vec![here.origin().parse().unwrap()]), places: None };
    let (vault, key) = vault(bound);
    let gate = Gate::new(policy(&[here.origin(), there.origin()]), vault, limits());
    let refused = denial(gate.send(get(&there.url(&format!("/?k={key}")))).await);
    assert!(matches!(refused, Denial::SecretOrigin { .. }));
    assert_eq!(refused.secret(), Some("API_KEY"));
    assert_eq!(there.connections(), 0);
    assert!(gate.send(get(&here.url(&format!("/?k={key}")))).await.1.is_ok());
}

#[tokio::test]
async fn an_error_does_not_repeat_the_key() {
    let reply = answer("200 OK", &format!("content-encoding: {KEY}\r\n"), "x");
    let server = Server::start(vec![reply]).await;
    let gate = Gate::new(policy(&[server.origin()]), vault(Default::default()).0, limits());
    let error = gate.send(get(&server.url("/"))).await.1.unwrap_err();
    assert_eq!(error, GateError::Encoding { encoding: "***".into() });
}
