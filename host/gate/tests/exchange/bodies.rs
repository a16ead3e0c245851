//! Bodies: whole or an error, never silently short, and never beyond the cap.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sanderling_gate::GateError;

use crate::server::{Server, Step, answer, ok, raw};
use crate::{body, failure, gate, get};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn read(reply: Vec<Step>) -> crate::Outcome {
    let server = Server::start(vec![reply]).await;
    gate(server.origin()).send(get(&server.url("/"))).await
}

#[tokio::test]
async fn plain_chunked_and_closed() {
    let length = read(ok("{\"rows\":[]}")).await;
    assert_eq!(body(&length), b"{\"rows\":[]}");
    assert_eq!((length.0.received_bytes, length.0.status), (11, Some(200)));
    assert_eq!(length.1.unwrap().headers()["content-length"], "11");
    let chunked = read(vec![
        raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        Step::Wait(20),
        raw("4;x=y\r\ndefg\r\n0\r\ntrailer: x\r\n\r\n"),
    ])
    .await;
    assert_eq!(body(&chunked), b"abcdefg");
    let headers = chunked.1.as_ref().unwrap().headers();
    assert!(headers.get("transfer-encoding").is_none());
    assert_eq!(headers["content-length"], "7");
    let closed = read(vec![raw("HTTP/1.1 200 OK\r\n\r\nuntil the end"), Step::Close]).await;
    assert_eq!(body(&closed), b"until the end");
    let empty = read(answer("204 No Content", "content-encoding: gzip\r\n", "")).await;
    assert_eq!(body(&empty), b"");
}

#[tokio::test]
async fn cut_short() {
    for reply in [
        vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"rows\":"), Step::Close],
        vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"rows\":"), Step::Wait(20), Step::Reset],
        vec![raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"), Step::Close],
        vec![raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc"), Step::Close],
        vec![raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n"), Step::Close],
    ] {
        let error = failure(read(reply).await);
        assert!(matches!(error, GateError::Body { .. }), "{error:?}");
        assert!(error.is_transport());
    }
}

#[tokio::test]
async fn no_answer_at_all() {
    for reply in [
        vec![Step::Close],
        vec![Step::Reset],
        vec![raw("HTTP/1.1 200 OK\r\ncontent-le"), Step::Close],
        vec![raw("SSH-2.0-OpenSSH\r\n\r\n"), Step::Close],
    ] {
        let error = failure(read(reply).await);
        assert!(matches!(error, GateError::Broken { .. }), "{error:?}");
        assert!(error.is_transport());
    }
}

#[tokio::test]
async fn compressed_with_or_without_saying_so() {
    let rows = br#"{"rows":[1,2,3]}"#;
    for headers in [
        "content-encoding: gzip\r\n",
        "content-encoding: X-GZIP\r\n",
        "",
        "content-type: application/gzip\r\n",
    ] {
        let outcome = read(answer("200 OK", headers, gzip(rows))).await;
        assert_eq!(body(&outcome), rows, "{headers}");
        let headers = outcome.1.as_ref().unwrap().headers();
        assert!(headers.get("content-encoding").is_none());
        assert_eq!(headers["content-length"], "16");
        assert_eq!(outcome.0.received_bytes, gzip(rows).len() as u64);
    }
    let packed = gzip(rows);
    let broken =
        failure(read(answer("200 OK", "content-encoding: gzip\r\n", &packed[..packed.len() - 3])).await);
    assert!(matches!(broken, GateError::Body { .. }), "{broken:?}");
    let unasked = failure(read(answer("200 OK", "content-encoding: br\r\n", "xx")).await);
    assert_eq!(unasked, GateError::Encoding { encoding: "br".into() });
}

/// S10, S11: the cap holds for the bytes on the wire and for those that come out of them.
#[tokio::test]
async fn too_large() {
    let limit = GateError::TooLarge { limit_bytes: 100_000 };
    assert_eq!(body(&read(ok(vec![b'x'; 100_000])).await).len(), 100_000);
    assert_eq!(failure(read(ok(vec![b'x'; 100_001])).await), limit);
    let mut endless = vec![raw("HTTP/1.1 200 OK\r\n\r\n")];
    endless.extend(vec![Step::Send(vec![b'x'; 10_000]); 20]);
    assert_eq!(failure(read(endless).await), limit);
    let bomb = gzip(&vec![0; 20_000_000]);
    assert!(bomb.len() < 100_000);
    assert_eq!(failure(read(answer("200 OK", "content-encoding: gzip\r\n", &bomb)).await), limit);
    assert_eq!(failure(read(answer("200 OK", "", &bomb)).await), limit);
    let lie = vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\nx")];
    assert_eq!(failure(read(lie).await), limit);
    assert!(!limit.is_transport());
}

#[tokio::test]
async fn a_head_without_end() {
    let header = format!("x-pad: {}\r\n", "x".repeat(1000));
    let many = answer("200 OK", &header.repeat(300), "");
    let long = answer("200 OK", &format!("x: {}\r\n", "y".repeat(300_000)), "");
    for reply in [many, long] {
        let error = failure(read(reply).await);
        assert!(matches!(error, GateError::HeadTooLarge { .. }), "{error:?}");
    }
}

/// A guest's call must be able to move between threads.
#[test]
fn an_exchange_is_send() {
    fn is_send(_: &impl Send) {}
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _guard = runtime.enter();
    let gate = gate("https://a.b".into());
    is_send(&gate.send(get("https://a.b/")));
}
