//! The cases' own server: a Python process on a free port, told what to answer and asked what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The server, ended when it is dropped.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts it. The port is chosen here, since the server cannot say which one it got: another process may be faster.
    pub(super) fn start(folder: &Path) -> Self {
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut process = Command::new("python3")
                .arg(folder.join("server.py"))
                .args(["--port", &port.to_string()])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("the cases' server needs python3");
            let mut ready = String::new();
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
            let server = Self { process, port };
            if ready.starts_with("ready") {
                return server;
            }
        }
        panic!("{} does not start", folder.join("server.py").display());
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Forgets all requests, and answers as `script` says from now on.
    pub(super) fn reset(&self, script: Option<&Value>) {
        self.call("POST", "/__reset", "{}");
        if let Some(script) = script {
            self.call("POST", "/__script", &script.to_string());
        }
    }

    /// The requests since the reset.
    pub(super) fn log(&self) -> Vec<Value> {
        serde_json::from_str(&self.call("GET", "/__log", "")).unwrap()
    }

    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: cases\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{method} {path}: {head}");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
