//! The API that is read: a process of its own, so that the program's CPU time is the program's alone.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// The server's process; it ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    /// Without a slash at the end.
    pub(crate) base_url: String,
}

/// Starts this program again, to serve so many rows.
pub(crate) fn start(rows: usize) -> Server {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--bench", "--serve", &rows.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut base_url = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut base_url).unwrap();
    assert!(base_url.starts_with("http://127.0.0.1:"), "the server did not start");
    Server { process, base_url: base_url.trim_end().to_owned() }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Serves until stdin ends, which it does when the benchmark ends, however that comes.
pub(crate) fn serve(rows: usize) {
    let server = sanderling_demo::start(sanderling_demo::bench_options(rows)).unwrap();
    println!("{}", server.base_url());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
