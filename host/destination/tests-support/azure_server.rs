//! A server of Azure's blob protocol for tests: Azurite, in memory, gone with the tests however they end.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::skipped::skipped;
use crate::spawned::{Spawned, free_ports};

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
    _spawned: Spawned,
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
        let [port] = free_ports();
        let text = port.to_string();
        let mut command = Command::new("node");
        command.arg(program).args(["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]);
        command.args(["--silent", "--blobHost", "127.0.0.1", "--blobPort", &text]);
        let spawned = Spawned::start(&command, "-KILL", tempfile::tempdir().unwrap().keep(), &[]);
        let make =
            || Command::new("node").args(["-e", MAKE_CONTAINER, &text, ACCOUNT, KEY]).status().unwrap();
        spawned.wait_until(|_| TcpStream::connect(("127.0.0.1", port)).is_ok() && make().success());
        let key = KEY.replace('+', "%2B").replace('/', "%2F");
        let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
        let url =
            format!("az://lake?endpoint={endpoint}&account_name={ACCOUNT}&account_key={key}&allow_http=true");
        Self { url, _spawned: spawned }
    }
}
