//! One run of the program as a process of its own, and what it took.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// User and system time, in seconds.
    pub(crate) cpu_s: f64,
    pub(crate) wall_s: f64,
    /// The most memory that was resident, in MiB.
    pub(crate) peak_mib: f64,
}

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Jsonl,
    Sqlite,
}

impl Target {
    fn argument(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl:out",
            Self::Sqlite => "sqlite:out.db",
        }
    }
}

/// Reads an API into a new place in `folder`, with compiled connectors kept in `cache`. Panics where the program does
/// not end well.
pub(crate) fn run(base_url: &str, target: Target, folder: &Path, cache: &Path) -> Took {
    let config = format!(
        "client: {{base_url: \"{base_url}\"}}
resources:
  - name: rows
    primary_key: id
    endpoint: {{path: bench/rows, data_selector: data, paginator: {{type: offset, limit: 1000}}}}
"
    );
    std::fs::write(folder.join("bench.yaml"), config).unwrap();
    let stderr = folder.join("stderr");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanderling"));
    command.args(["run", "bench.yaml", "--progress", "none", "--to", target.argument()]);
    command.current_dir(folder).env_clear().env("HOME", folder).env("XDG_CACHE_HOME", cache);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&stderr).unwrap());
    let begun = Instant::now();
    let used = command.spawn().unwrap().wait4().unwrap();
    let wall_s = begun.elapsed().as_secs_f64();
    let said = std::fs::read_to_string(stderr).unwrap();
    assert!(used.status.success(), "{}:\n{said}", used.status);
    let cpu_s = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Took { cpu_s, wall_s, peak_mib: used.rusage.maxrss as f64 / 1024.0 / 1024.0 }
}

/// How many rows a run has left in `folder`.
pub(crate) fn rows_in(folder: &Path, target: Target) -> usize {
    match target {
        Target::Jsonl => {
            BufReader::new(File::open(folder.join("out/rows.jsonl")).unwrap()).split(b'\n').count()
        }
        Target::Sqlite => {
            let database = rusqlite::Connection::open(folder.join("out.db")).unwrap();
            let count: i64 = database.query_row("select count(*) from rows", [], |row| row.get(0)).unwrap();
            usize::try_from(count).unwrap()
        }
    }
}
