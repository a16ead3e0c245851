//! A server in a folder of its own for tests: both are gone with them, however they end.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a server until standard input ends, which it does with the process of the tests, and removes what it leaves.
const UNTIL_INPUT_ENDS: &str =
    r#"signal=$0 dir=$1 left=$2; shift 2; "$@" & read _; kill "$signal" $!; wait $!; rm -rf "$dir" $left"#;
/// What starts several servers within itself takes its time.
const READY: Duration = Duration::from_secs(60);

/// A process. Dropped, it is ended by its signal, and waited for.
pub(crate) struct Spawned {
    name: String,
    child: Child,
    dir: PathBuf,
}

impl Spawned {
    /// Runs a command in `dir`, which goes with it, and so do the files that it leaves `elsewhere` (their names without spaces).
    pub(crate) fn start(command: &Command, signal: &str, dir: PathBuf, elsewhere: &[String]) -> Self {
        let name = Path::new(command.get_program()).display().to_string();
        let child = Command::new("sh")
            .args(["-c", UNTIL_INPUT_ENDS, signal])
            .arg(&dir)
            .arg(elsewhere.join(" "))
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(&dir)
            .env("TMPDIR", &dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(dir.join("log")).unwrap())
            .spawn()
            .unwrap();
        Self { name, child, dir }
    }

    /// Waits until it answers. The question gets what it has said so far.
    pub(crate) fn wait_until(&self, answers: impl Fn(&str) -> bool) {
        let end = Instant::now() + READY;
        loop {
            let log = std::fs::read(self.dir.join("log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            if answers(&log) {
                return;
            }
            assert!(Instant::now() < end, "{} does not start: {log}", self.name);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Ports of loopback that nobody has, no two the same.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|held| held.local_addr().unwrap().port())
}
