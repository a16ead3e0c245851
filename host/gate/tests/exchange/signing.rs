//! Requests that the gate signs: over what is sent, on each hop, and only where the key is bound to.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use ring::hmac;
use sanderling_gate::{
    Binding, Denial, Gate, Mac, MacAlgorithm, MacEncoding, Origin, Secret, SigV4, Signer, Vault,
};

use crate::server::{Server, answer, found, ok};
use crate::{KEY, body, denial, get, limits, policy};

const NOW_S: u64 = 1_440_938_160;

fn mac(template: &str) -> Signer {
    Signer::Mac(Mac {
        algorithm: MacAlgorithm::Sha256,
        encoding: MacEncoding::Hex,
        template: template.parse().unwrap(),
        timestamp_header: sanderling_gate::timestamp_header("X-Time"),
        prefix: "v1=".into(),
        clock: || NOW_S * 1_000,
    })
}

fn aws(session_token: Option<&str>) -> Signer {
    Signer::SigV4(SigV4 {
        access_key_id: Secret::new("AKIDEXAMPLE"),
        session_token: session_token.map(Secret::new),
        region: "us-east-1".into(),
        service: "execute-api".into(),
        clock: || NOW_S * 1_000,
    })
}

/// A gate to these servers, and the key's placeholder.
fn gate(signer: Signer, bound: &[&Server], servers: &[&Server]) -> (Gate, String) {
    let mut vault = Vault::new(None).unwrap();
    let origins = |servers: &[&Server]| -> Vec<String> { servers.iter().map(|it| it.origin()).collect() };
    let bound: Vec<Origin> = origins(bound).iter().map(|it| it.parse().unwrap()).collect();
    let binding = Binding { origins: Some(bound), places: None };
    let placeholder = vault.seal_signer("sig", Secret::new(KEY), signer, binding).unwrap();
    (Gate::new(policy(&origins(servers)), Arc::new(vault), limits()), placeholder)
}

fn with(mut request: Request<Bytes>, name: &'static str, value: &str) -> Request<Bytes> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn expected(text: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), text.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a header in a request as the server saw it.
fn seen<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn what_is_sent_is_what_is_signed() {
    let signature = expected(&format!("POST\n/rows\na=1&b=%20\n{NOW_S}\n{{\"x\": 1}}"));
    let echo = format!("{{\"you\": \"v1={signature}\"}}");
    let server = Server::start(vec![answer("200 OK", &format!("x-you: {signature}\r\n"), echo)]).await;
    let template = "{method}\n{path}\n{query}\n{timestamp}\n{body}";
    let (gate, key) = gate(mac(template), &[&server], &[&server]);
    let request =
        Request::post(server.url("/rows?a=1&b=%20")).body(Bytes::from_static(b"{\"x\": 1}")).unwrap();
    let request = with(with(request, "x-sig", &format!("<{key}>")), "x-time", "of the guest");
    let outcome = gate.send(request).await;
    let sent = &server.requests()[0];
    assert_eq!(seen(sent, "x-sig"), Some(&*format!("<v1={signature}>")), "{sent}");
    assert_eq!(seen(sent, "x-time"), Some(&*NOW_S.to_string()));
    assert!(!sent.contains(KEY) && !sent.contains("sanderling-secret"));
    // What comes back of it is the placeholder again.
    assert_eq!(body(&outcome), format!("{{\"you\": \"v1={key}\"}}").as_bytes());
    assert_eq!(outcome.1.unwrap().headers()["x-you"], key);
    let placed: Vec<String> =
        outcome.0.placed.iter().map(|(name, place)| format!("{name} {place}")).collect();
    assert_eq!(placed, ["sig the header `x-sig`"]);
}

#[tokio::test]
async fn each_hop_is_signed_anew() {
    let there = Server::start(vec![ok("there")]).await;
    let here = Server::start(vec![found("/two"), found(&there.url("/three"))]).await;
    let (gate, key) = gate(mac("{host}{path}"), &[&here, &there], &[&here, &there]);
    let outcome = gate.send(with(get(&here.url("/one")), "x-sig", &key)).await;
    assert_eq!(body(&outcome), b"there");
    let mut requests = here.requests();
    requests.extend(there.requests());
    for (request, path) in requests.iter().zip(["/one", "/two", "/three"]) {
        let host = seen(request, "host").unwrap();
        let signature = expected(&format!("{host}{path}"));
        assert_eq!(seen(request, "x-sig"), Some(&*format!("v1={signature}")), "{request}");
    }
}

#[tokio::test]
async fn another_origin_is_sent_no_signature() {
    for (signer, name) in [(mac("{path}"), "x-sig"), (aws(Some("s3ssion-token")), "authorization")] {
        let there = Server::start(vec![ok("there")]).await;
        let here = Server::start(vec![found(&there.url("/x"))]).await;
        let (gate, key) = gate(signer, &[&here], &[&here, &there]);
        let outcome = gate.send(with(get(&here.url("/")), name, &key)).await;
        assert_eq!(body(&outcome), b"there");
        assert!(seen(&here.requests()[0], name).is_some());
        for gone in [name, "x-time", "x-amz", "s3ssion", "AKID", "sanderling-secret"] {
            assert!(!there.requests()[0].contains(gone), "{gone} in {}", there.requests()[0]);
        }
        let asked = gate.send(with(get(&there.url("/")), name, &key)).await;
        assert!(matches!(denial(asked), Denial::SecretOrigin { .. }));
        assert_eq!(there.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_request_to_aws_carries_all_that_it_takes() {
    let server = Server::start(vec![ok("{}"), ok("{}")]).await;
    for token in [None, Some("s3ssion-token")] {
        let (gate, key) = gate(aws(token), &[&server], &[&server]);
        let request = with(get(&server.url("/rows?b=2&a=1")), "authorization", &key);
        gate.send(with(request, "x-amz-date", "of the guest")).await.1.unwrap();
        let requests = server.requests();
        let sent = requests.last().unwrap();
        assert_eq!(seen(sent, "x-amz-date"), Some("20150830T123600Z"), "{sent}");
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(seen(sent, "x-amz-content-sha256"), Some(empty));
        assert_eq!(seen(sent, "x-amz-security-token"), token);
        let names = match token {
            None => "host;x-amz-content-sha256;x-amz-date",
            Some(_) => "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
        };
        let value = seen(sent, "authorization").unwrap();
        let scope = "AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request";
        let begins = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature=");
        assert_eq!(value.strip_prefix(&begins).map(str::len), Some(64), "{value}");
        assert!(!sent.contains(KEY));
    }
}

#[tokio::test]
async fn an_answer_that_shows_what_was_signed_with() {
    let echo = answer("200 OK", "x-token: s3ssion-token\r\n", format!("AKIDEXAMPLE s3ssion-token {KEY}"));
    let server = Server::start(vec![echo]).await;
    let (gate, key) = gate(aws(Some("s3ssion-token")), &[&server], &[&server]);
    let outcome = gate.send(with(get(&server.url("/")), "authorization", &key)).await;
    let text = String::from_utf8(body(&outcome).to_vec()).unwrap();
    for secret in ["AKIDEXAMPLE", "s3ssion", KEY] {
        assert!(!text.contains(secret), "{text}");
    }
    let shown = outcome.1.unwrap().headers()["x-token"].clone();
    assert!(shown.to_str().unwrap().ends_with("sig.session_token"));
    // What stands for it is of no use to a guest.
    let back = gate.send(with(get(&server.url("/")), "x-token", shown.to_str().unwrap())).await;
    assert!(matches!(denial(back), Denial::SecretOrigin { .. }));
}

#[tokio::test]
async fn a_signature_stands_in_a_header_only() {
    use base64::Engine as _;
    let server = Server::start(Vec::new()).await;
    for signer in [mac("{path}"), aws(None)] {
        let is_aws = matches!(signer, Signer::SigV4(_));
        let (gate, key) = gate(signer, &[&server], &[&server]);
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("me:{key}"));
        let url = server.url("/");
        let json = Request::post(&url).header("content-type", "application/json");
        let form = Request::post(&url).header("content-type", "application/x-www-form-urlencoded");
        let mut requests = vec![
            get(&server.url(&format!("/?sig={key}"))),
            with(get(&url), "authorization", &format!("Basic {pair}")),
            json.body(Bytes::from(format!("{{\"sig\": \"{key}\"}}"))).unwrap(),
            form.body(Bytes::from(format!("sig={key}"))).unwrap(),
        ];
        if is_aws {
            requests.push(with(get(&url), "x-sig", &key));
            requests.push(with(get(&url), "authorization", &format!("Bearer {key}")));
        }
        for request in requests {
            let refused = denial(gate.send(request).await);
            assert!(matches!(refused, Denial::SecretValue { .. }), "{refused}");
        }
    }
    assert_eq!(server.requests().len(), 0);
}
