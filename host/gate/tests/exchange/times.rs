//! Every kind of waiting has an end.

use std::time::Instant;

use sanderling_gate::{Gate, GateError, Limits};

use crate::server::{Server, Step, ok, raw};
use crate::{failure, gate, get, limits, policy, vault};

#[tokio::test]
async fn no_answer_is_given() {
    let server = Server::start(vec![vec![Step::Wait(60_000)]]).await;
    let error = failure(gate(server.origin()).send(get(&server.url("/"))).await);
    assert_eq!(error, GateError::FirstByteTimeout { limit_ms: 300 });
}

/// The limit counts for a connection out of the pool as well.
#[tokio::test]
async fn no_second_answer_is_given() {
    let server = Server::start(vec![ok("1"), vec![Step::Wait(60_000)]]).await;
    let gate = gate(server.origin());
    assert!(gate.send(get(&server.url("/"))).await.1.is_ok());
    let error = failure(gate.send(get(&server.url("/"))).await);
    assert_eq!(error, GateError::FirstByteTimeout { limit_ms: 300 });
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_body_stops() {
    let begun = raw("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"rows\":");
    let server = Server::start(vec![vec![begun, Step::Wait(60_000)]]).await;
    let outcome = gate(server.origin()).send(get(&server.url("/"))).await;
    assert_eq!((outcome.0.status, outcome.0.received_bytes), (Some(200), 8));
    assert_eq!(failure(outcome), GateError::IdleTimeout { limit_ms: 300 });
}

/// S12: bytes that keep dripping in never pass for progress beyond the total.
#[tokio::test]
async fn slow_loris() {
    let limits = Limits { total_timeout_ms: 400, ..limits() };
    let head =
        Step::Trickle(b"HTTP/1.1 200 OK\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n".to_vec(), 20);
    let body = Step::Trickle(vec![b'x'; 1000], 20);
    for reply in [vec![head], vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"), body]] {
        let server = Server::start(vec![reply]).await;
        let gate = Gate::new(policy(&[server.origin()]), vault(Default::default()).0, limits.clone());
        let started = Instant::now();
        let (exchange, result) = gate.send(get(&server.url("/"))).await;
        let error = result.unwrap_err();
        assert!(
            matches!(error, GateError::TotalTimeout { limit_ms: 400 } | GateError::FirstByteTimeout { .. }),
            "{error:?}"
        );
        assert!(started.elapsed().as_millis() < 2_000);
        assert!((250..2_000).contains(&exchange.elapsed_ms), "{}", exchange.elapsed_ms);
    }
}

#[tokio::test]
async fn nobody_listens() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let origin = format!("http://127.0.0.1:{port}");
    let error = failure(gate(origin.clone()).send(get(&origin)).await);
    assert!(matches!(error, GateError::Connect { .. }), "{error:?}");
    assert!(error.is_transport());
}

#[tokio::test]
async fn no_such_name() {
    let outcome = gate("https://nowhere.invalid".into()).send(get("https://nowhere.invalid/")).await;
    let error = failure(outcome);
    assert!(matches!(error, GateError::Resolve { .. }), "{error:?}");
}
