//! A real server of S3's protocol for tests: SeaweedFS, in a new folder, gone with the tests however they end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::make_bucket;
use crate::skipped::skipped;

/// Runs a server until standard input ends, which it does with the process of the tests, and removes its folder.
const UNTIL_INPUT_ENDS: &str = r#"dir=$1; shift; "$@" & read _; kill -KILL $!; wait $!; rm -rf "$dir""#;
/// It starts several servers within itself.
const READY: Duration = Duration::from_secs(60);

/// A server on free ports of loopback, with a bucket.
pub(crate) struct Server {
    url: String,
    filer: u16,
    _child: Child,
}

/// The one that all tests share; none, with a word about it, where `SANDERLING_WEED` names no program.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let Some(program) = std::env::var_os("SANDERLING_WEED").map(PathBuf::from) else {
                skipped("a real object store, since SANDERLING_WEED does not name SeaweedFS's `weed`");
                return None;
            };
            Some(Server::start(&program))
        })
        .as_ref()
}

impl Server {
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    fn start(program: &std::path::Path) -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let held: Vec<TcpListener> = (0..8).map(|_| free()).collect();
        let ports: Vec<u16> = held.iter().map(|held| held.local_addr().unwrap().port()).collect();
        drop(held);
        let users = r#"{"identities":[{"name":"tester","credentials":[{"accessKey":"tester","secretKey":"hush/hush"}],"actions":["Admin","Read","Write","List","Tagging"]}]}"#;
        std::fs::write(dir.join("s3.json"), users).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh"]).arg(&dir).arg(program);
        command.args([
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3",
            "-s3.autoCreateBucket",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=100",
        ]);
        command
            .arg(format!("-dir={}", dir.display()))
            .arg(format!("-s3.config={}", dir.join("s3.json").display()));
        let names = [
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port",
            "s3.port.grpc",
        ];
        command.args(names.iter().zip(&ports).map(|(name, port)| format!("-{name}={port}")));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let port = ports[6];
        let url = format!(
            "s3://lake?endpoint=http://127.0.0.1:{port}&access_key_id=tester&secret_access_key=hush%2Fhush"
        );
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < READY, "SeaweedFS does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        // A bucket is made by writing into it, once all of its servers have found each other.
        while let Err(error) = make_bucket(&url) {
            assert!(started.elapsed() < READY, "{error}");
            std::thread::sleep(Duration::from_millis(200));
        }
        Self { url, filer: ports[4], _child: child }
    }

    /// The bytes of an object, past S3; none where there is none.
    pub(crate) fn object(&self, name: &str) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.filer)).unwrap();
        write!(stream, "GET /buckets/lake/{name} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let body = answer.split_off(head + 4);
        let status = String::from_utf8_lossy(&answer).into_owned();
        assert!(status.contains(" 200 ") || status.contains(" 404 "), "{status}");
        status.contains(" 200 ").then_some(body)
    }
}
