//! A PostgreSQL server of its own for tests: made in a new folder, and gone with it however the tests end.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::skipped::skipped;
use crate::spawned::{Spawned, free_ports};

pub(crate) const PASSWORD: &str = "p@ss/w%rd";
/// PostgreSQL refuses to run as root, so that root's tests run it as this user and group (Linux's `nobody`).
const NOBODY: u32 = 65_534;
/// Runs a server for which a folder is a file system of so much memory, and its own.
const ON_SMALL_DISK: &str =
    r#"mount -t tmpfs -o "size=$0,uid=65534,gid=65534,mode=700" none "$1" && shift && exec "$@""#;

/// A server on a socket and on a free port of loopback, its user `tester`.
pub(crate) struct Server {
    spawned: Spawned,
    port: u16,
}

impl Server {
    /// None, with a word about it, where the machine has no PostgreSQL. `files` are put beside the data.
    pub(crate) fn start(settings: &[&str], files: &[(&str, &str)]) -> Option<Self> {
        Self::start_in(settings, files, None)
    }

    /// One that sees a disk of so many MiB, at the folder that comes with it. None, with a word about it, also where that
    /// cannot be had: it is a file system in memory, which root alone may make.
    pub(crate) fn with_small_disk(mib: u32) -> Option<(Self, PathBuf)> {
        let may_mount =
            Command::new("unshare").args(["-m", "true"]).output().is_ok_and(|out| out.status.success());
        if !may_mount || !is_root() {
            say("SKIPPED: a full disk, which root alone can make");
            return None;
        }
        let server = Self::start_in(&[], &[], Some(mib))?;
        let disk = server.spawned.dir().join("small");
        Some((server, disk))
    }

    fn start_in(settings: &[&str], files: &[(&str, &str)], disk_mib: Option<u32>) -> Option<Self> {
        let Some(programs) = programs() else {
            skipped("PostgreSQL, since its programs (initdb, postgres) are not on this machine");
            return None;
        };
        let dir = tempfile::tempdir().unwrap().keep();
        for (name, text) in [("password", PASSWORD)].iter().chain(files) {
            std::fs::write(dir.join(name), text).unwrap();
        }
        std::fs::create_dir(dir.join("data")).unwrap();
        std::fs::create_dir(dir.join("small")).unwrap();
        give_away(&dir);
        let made = as_nobody(&programs.join("initdb"))
            .args([
                "--auth=scram-sha-256",
                "--username=tester",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ])
            .args(["--pwfile=password", "-D", "data"])
            .current_dir(&dir)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let [port] = free_ports();
        let server = as_nobody(&programs.join("postgres"));
        let mut command = match disk_mib {
            None => Command::new(server.get_program()),
            Some(mib) => {
                let mut command = Command::new("unshare");
                command.args(["-m", "sh", "-c", ON_SMALL_DISK, &format!("{mib}m")]).arg(dir.join("small"));
                command.arg(server.get_program());
                command
            }
        };
        command.args(server.get_args());
        command.arg("-D").arg(dir.join("data")).arg("-k").arg(&dir).args(["-p", &port.to_string()]);
        for setting in ["fsync=off", "listen_addresses=127.0.0.1"].iter().chain(settings) {
            command.args(["-c", setting]);
        }
        let spawned = Spawned::start(&command, "-QUIT", dir, &[]);
        spawned.wait_until(|log| log.contains("database system is ready to accept connections"));
        Some(Self { spawned, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `settings` are what follows the question mark.
    pub(crate) fn url(&self, settings: &str) -> String {
        let password = PASSWORD.replace('%', "%25");
        format!("postgresql://tester:{password}@127.0.0.1:{}/postgres?{settings}", self.port)
    }

    /// The same as libpq reads it, which wants more of the password encoded.
    #[allow(dead_code, reason = "not every test that starts a server speaks to it through a driver")]
    pub(crate) fn driver_url(&self) -> String {
        let password = PASSWORD.replace('%', "%25").replace('@', "%40").replace('/', "%2F");
        format!("postgresql://tester:{password}@127.0.0.1:{}/postgres", self.port)
    }

    /// The same over the socket.
    pub(crate) fn socket_url(&self) -> String {
        let password = PASSWORD.replace('%', "%25");
        let (dir, port) = (self.spawned.dir().display(), self.port);
        format!("postgresql://tester:{password}@/postgres?host={dir}&port={port}")
    }
}

fn say(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// The server that the tests of one process share, each in schemas of its own.
pub(crate) fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[], &[])).as_ref()
}

/// The folder of `initdb` and `postgres`: on the path, or where Debian has them (the newest).
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    dirs.sort();
    dirs.reverse();
    dirs.extend(std::env::split_paths(&path));
    dirs.into_iter().find(|dir| dir.join("initdb").exists() && dir.join("postgres").exists())
}

fn as_nobody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--clear-groups", "--"]);
    command.arg(program);
    command
}

fn is_root() -> bool {
    tempfile::tempfile().unwrap().metadata().unwrap().uid() == 0
}

/// Hands a folder and what is in it to the server's user; keys have to be readable by it alone.
fn give_away(dir: &Path) {
    let inside = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    for path in inside.chain([dir.to_owned()]) {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        if is_root() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}
