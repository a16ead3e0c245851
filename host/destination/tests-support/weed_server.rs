//! A real server of S3's protocol for tests: SeaweedFS, in a new folder, gone with the tests however they end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::make_bucket;
use crate::skipped::skipped;
use crate::spawned::{Spawned, free_ports};

/// The servers within it, each with a port for what is asked of it and one for the others.
const SERVERS: [&str; 4] = ["master", "volume", "filer", "s3"];

/// A server on free ports of loopback, with a bucket.
pub(crate) struct Server {
    url: String,
    filer: u16,
    _spawned: Spawned,
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
        let [master, volume, filer, port, inner @ ..]: [u16; 8] = free_ports();
        let users = r#"{"identities":[{"name":"tester","credentials":[{"accessKey":"tester","secretKey":"hush/hush"}],"actions":["Admin","Read","Write","List","Tagging"]}]}"#;
        std::fs::write(dir.join("s3.json"), users).unwrap();
        let mut command = Command::new(program);
        command.args([
            "server",
            "-dir=.",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3",
            "-s3.config=s3.json",
            "-s3.autoCreateBucket",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.localSocket=s3.sock",
            "-filer.localSocket=filer.sock",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=100",
        ]);
        for ((name, port), inner) in SERVERS.iter().zip([master, volume, filer, port]).zip(inner) {
            command.args([format!("-{name}.port={port}"), format!("-{name}.port.grpc={inner}")]);
        }
        // Through these its servers speak to each other; where they are is not ours to say.
        let sockets =
            SERVERS.iter().zip(inner).map(|(name, port)| format!("/tmp/seaweedfs-{name}-grpc-{port}.sock"));
        let spawned = Spawned::start(&command, "-KILL", dir, &sockets.collect::<Vec<_>>());
        let url = format!(
            "s3://lake?endpoint=http://127.0.0.1:{port}&access_key_id=tester&secret_access_key=hush%2Fhush"
        );
        // A bucket is made by writing into it, once all of its servers have found each other.
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        spawned.wait_until(|_| answers() && make_bucket(&url).is_ok());
        Self { url, filer, _spawned: spawned }
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
