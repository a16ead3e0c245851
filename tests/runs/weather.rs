//! The weather service of `tests/guests/export`, and a folder with that connector and a config for it.

use std::path::Path;
use std::sync::OnceLock;

use sanderling_demo::{Options, Reply, Server, start};

use crate::guest::build;
use crate::program::Folder;

/// What the service asks for.
pub(crate) const TOKEN: &str = "token-7d1f0c5a93";
/// Stations, chunks of each, and readings of a chunk.
pub(crate) const STATIONS: usize = 3;
pub(crate) const CHUNKS: usize = 4;
pub(crate) const READINGS: usize = 5;
/// Requests of a whole run: the stations, and for each its manifest and its chunks.
pub(crate) const PAGES: usize = 1 + STATIONS * (1 + CHUNKS);

/// The connector's bytes.
pub(crate) fn connector() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| std::fs::read(build("sanderling-export-guest", &[])).unwrap())
}

/// The service, and a folder with `export.wasm` in it, and the token in its environment.
pub(crate) struct Weather {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
}

impl Weather {
    /// With a config that allows the service.
    pub(crate) fn allowed() -> Weather {
        let weather = Weather::new();
        weather.config(&format!("allow: [\"{}\"]\nlimits: {{concurrency: 1}}\n", weather.server.base_url()));
        weather
    }

    /// With a config that allows nothing.
    pub(crate) fn new() -> Weather {
        let server = start(Options::default()).unwrap();
        serve(&server);
        let mut folder = Folder::new();
        folder.env("SANDERLING_SECRET_TOKEN", TOKEN);
        std::fs::write(folder.path("export.wasm"), connector()).unwrap();
        let weather = Weather { server, folder };
        weather.config("");
        weather
    }

    /// Writes the config, with these lines of the host's before the connector's own.
    pub(crate) fn config(&self, lines: &str) {
        let url = self.server.base_url();
        let config = format!("connector: export.wasm\n{lines}url: {url}\ntoken: \"${{secrets.token}}\"\n");
        self.folder.write("weather.yaml", &config);
    }

    /// What was printed, without what differs from run to run.
    pub(crate) fn still(&self, text: &str) -> String {
        let port = self.server.address().port().to_string();
        let dir: &Path = self.folder.dir();
        text.replace(&port, "PORT").replace(&dir.display().to_string(), "DIR")
    }
}

/// A chunk of a station: 5 readings, one of which has no value, and one a quoted text.
pub(crate) fn chunk(station: usize, chunk: usize) -> String {
    let mut csv = String::from("station:text,at:text,temp_c:number,remark:text\r\n");
    for reading in 0..READINGS {
        let (temp, remark) = match reading {
            1 => (String::new(), "\"no value, \"\"sensor\"\" off\""),
            2 => (format!("-{chunk}.50"), "ü"),
            _ => (format!("{}{chunk}", reading + 1), ""),
        };
        csv.push_str(&format!("s{station},2026-01-{:02}T{reading:02}:00,{temp},{remark}\r\n", chunk + 1));
    }
    csv
}

/// The rows of a chunk, by hand.
pub(crate) fn rows(station: usize, chunk: usize) -> Vec<String> {
    let row = |reading: usize| {
        let (temp, remark) = match reading {
            1 => ("null".into(), r#""no value, \"sensor\" off""#),
            2 => (format!("-{chunk}.50"), "\"ü\""),
            _ => (format!("{}{chunk}", reading + 1), "null"),
        };
        let at = format!("2026-01-{:02}T{reading:02}:00", chunk + 1);
        format!("{{\"station\":\"s{station}\",\"at\":\"{at}\",\"temp_c\":{temp},\"remark\":{remark}}}")
    };
    (0..READINGS).map(row).collect()
}

/// All readings, in the order of a run.
pub(crate) fn all_rows() -> Vec<String> {
    let chunks = (0..STATIONS).flat_map(|station| (0..CHUNKS).map(move |chunk| (station, chunk)));
    chunks.flat_map(|(station, chunk)| rows(station, chunk)).collect()
}

pub(crate) fn csv(body: &str) -> Reply {
    Reply::new(200, "text/csv", body.to_owned())
}

fn summed(body: &str) -> Reply {
    csv(body).header("X-Checksum", &format!("{:08x}", crc32fast::hash(body.as_bytes())))
}

fn serve(server: &Server) {
    let behind_token = |answer: fn(&str) -> Reply| {
        move |request: &sanderling_demo::Request| match request.header("authorization") {
            Some(sent) if sent == format!("Bearer {TOKEN}") => answer(&request.path),
            _ => Reply::status(401),
        }
    };
    server.set_route(
        "/stations.csv",
        behind_token(|_| {
            let lines = (0..STATIONS).map(|station| format!("s{station},Station {station}\n"));
            csv(&format!("id:text,name:text\n{}", lines.collect::<String>()))
        }),
    );
    server.set_route(
        "/stations/*/export",
        behind_token(|_| {
            let lines = (0..CHUNKS).map(|chunk| format!("c{chunk},{READINGS}\n"));
            csv(&format!("chunk:text,rows:number\n{}", lines.collect::<String>()))
        }),
    );
    server.set_route(
        "/stations/*/export/*",
        behind_token(|path| {
            let numbers: Vec<usize> = path
                .split('/')
                .filter_map(|part| part.strip_prefix(['s', 'c']).and_then(|number| number.parse().ok()))
                .collect();
            summed(&chunk(numbers[0], numbers[1]))
        }),
    );
}
