//! A server of Azure's blob protocol for tests: Azurite, in memory, gone with the tests however they end.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::skipped::skipped;

/// Runs a server until standard input ends, which it does with the process of the tests.
const UNTIL_INPUT_ENDS: &str = r#""$@" & read _; kill -KILL $!"#;
const READY: Duration = Duration::from_secs(60);

/// Its one account, with the key that is the same in every Azurite.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Makes container `lake`, signed as "Authorize with Shared Key" has it: node PORT ACCOUNT KEY.
const MAKE_CONTAINER: &str = r#"
const [port, account, key] = process.argv.slice(1);
const headers = {"x-ms-date": new Date().toUTCString(), "x-ms-version": "2021-08-06", "content-length": "0"};
const resource = `/${account}/${account}/lake\nrestype:container`;
const text = "PUT" + "\n".repeat(12) + `x-ms-date:${headers["x-ms-date"]}\nx-ms-version:2021-08-06\n${resource}`;
const sign = require("crypto").createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64");
headers.authorization = `SharedKey ${account}:${sign}`;
const target = {host: "127.0.0.1", port, path: `/${account}/lake?restype=container`, method: "PUT", headers};
require("http").request(target, answer => process.exit(answer.statusCode === 201 ? 0 : 1))
  .on("error", () => process.exit(1)).end();
"#;

/// A server on a free port of loopback, with a container.
pub(crate) struct Server {
    url: String,
    _child: Child,
}

/// The one that all tests share; none, with a word about it, where `SANDERLING_AZURITE` names no program.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let Some(program) = std::env::var_os("SANDERLING_AZURITE").map(PathBuf::from) else {
                skipped("Azure's protocol, since SANDERLING_AZURITE does not name Azurite's blob server");
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

    fn start(program: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh", "node"]).arg(program).args([
            "--inMemoryPersistence",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--silent",
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            &port,
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let started = Instant::now();
        let make =
            || Command::new("node").args(["-e", MAKE_CONTAINER, &port, ACCOUNT, KEY]).status().unwrap();
        while !make().success() {
            assert!(started.elapsed() < READY, "Azurite does not start");
            std::thread::sleep(Duration::from_millis(200));
        }
        let key = KEY.replace('+', "%2B").replace('/', "%2F");
        let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
        let url =
            format!("az://lake?endpoint={endpoint}&account_name={ACCOUNT}&account_key={key}&allow_http=true");
        Self { url, _child: child }
    }
}
