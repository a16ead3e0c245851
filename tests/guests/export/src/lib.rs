//! A connector by example: it reads a weather service that exports CSV, which no declarative config could say.
//!
//! | request | answer |
//! |---|---|
//! | `GET /stations.csv` | the stations |
//! | `GET /stations/ID/export` | the manifest of a station's readings: the names of chunks, and the rows of each |
//! | `GET /stations/ID/export/CHUNK` | a chunk, and in the header `X-Checksum` the CRC-32 of its bytes |
//!
//! Its config is `url` and `token`. The host sends the config with each call and keeps all that must be kept: there is
//! no state here, no retry, no clock and no credential. `token` holds a placeholder, and the host puts the secret in
//! when the request leaves.

mod bindings;
mod http;
mod table;

use bindings::{
    BadResponse, ChildPartitions, Continuation, Diagnostic, Error, Guest, Page, PageRequest, Partition,
    ResourceInfo, SourceInfo, WriteDisposition,
};
use http::Answer;
use serde_json::Value;
use table::{Table, wrong};

/// The most chains that one page may open, by the contract.
const MAX_CURSORS: usize = 256;

struct Connector;

impl Guest for Connector {
    fn list_resources(config: String) -> Result<SourceInfo, Error> {
        let config = Config::parse(&config)?;
        let resource = |name: &str, parent: Option<&str>, key: &[&str]| ResourceInfo {
            name: name.into(),
            parent: parent.map(Into::into),
            primary_key: key.iter().map(|&column| column.into()).collect(),
            write_disposition: WriteDisposition::Merge,
            columns: None,
            incremental: None,
            selected: true,
            retry: None,
            origins: vec![config.origin.clone()],
            seals: Vec::new(),
            settings: None,
        };
        let resources = vec![
            resource("stations", None, &["id"]),
            resource("readings", Some("stations"), &["station", "at"]),
        ];
        Ok(SourceInfo { resources, credentials: Vec::new(), notices: Vec::new() })
    }

    fn fetch_page(config: String, request: PageRequest) -> Result<Page, Error> {
        let config = Config::parse(&config)?;
        let Some(station) = &request.partition else { return stations(&config) };
        let step = request.cursor.as_deref().unwrap_or("manifest:0");
        match step.split_once(':') {
            Some(("manifest", skip)) => manifest(&config, &station.data, skip.parse().unwrap_or_default()),
            Some(("chunk", name)) => chunk(&config, &station.data, name),
            _ => Err(Error::Other(format!("`{step}` is no cursor of this connector"))),
        }
    }
}

/// All stations are one page. Each opens a partition of `readings`, and is all that a reading needs to know of it.
fn stations(config: &Config) -> Result<Page, Error> {
    let table = Table::read(&config.get("/stations.csv")?.body)?;
    let partitions = table.column("id", 0)?.into_iter();
    let partitions = partitions.map(|id| Partition { key: id.into(), data: id.into() }).collect();
    let children = vec![ChildPartitions { name: "readings".into(), partitions }];
    Ok(Page { children, ..page(Some(&table), Continuation::End)? })
}

/// The first page of a station has no rows. It says how many there are, and which chunks: each a chain of its own, which
/// the host may read side by side, and goes on with after a run that broke off.
fn manifest(config: &Config, station: &str, skip: usize) -> Result<Page, Error> {
    let table = Table::read(&config.get(&format!("/stations/{}/export", segment(station)?))?.body)?;
    let chunks = table.column("chunk", skip)?;
    let mut cursors: Vec<String> = chunks.iter().map(|chunk| format!("chunk:{chunk}")).collect();
    if cursors.len() > MAX_CURSORS {
        cursors.truncate(MAX_CURSORS - 1);
        // The last chain opens further ones.
        cursors.push(format!("manifest:{}", skip + MAX_CURSORS - 1));
    }
    let rows = table.column("rows", 0)?.into_iter().map(|rows| rows.parse::<u64>());
    let rows: u64 = rows.sum::<Result<_, _>>().map_err(|_| wrong("`rows` is not a count".into(), ""))?;
    let next = if cursors.is_empty() { Continuation::End } else { Continuation::Rest(cursors) };
    Ok(Page { total: (skip == 0).then_some(rows), ..page(None, next)? })
}

/// A chunk is good if its checksum is. One that is not was damaged on the way, and asking again may help.
fn chunk(config: &Config, station: &str, name: &str) -> Result<Page, Error> {
    let path = format!("/stations/{}/export/{}", segment(station)?, segment(name)?);
    let answer = config.get(&path)?;
    let checksum = format!("{:08x}", crc32fast::hash(&answer.body));
    match answer.header("x-checksum") {
        Some(said) if said == checksum => page(Some(&Table::read(&answer.body)?), Continuation::End),
        Some(said) => Err(Error::BadResponse(BadResponse {
            message: format!("chunk {name} has the checksum {checksum}, and not {said}"),
            excerpt: answer.excerpt(),
            retry: true,
        })),
        None => Err(wrong(format!("chunk {name} comes without its checksum"), &answer.excerpt())),
    }
}

/// A page of all rows of a table, or of none.
fn page(table: Option<&Table>, continuation: Continuation) -> Result<Page, Error> {
    let count = table.map_or(0, Table::len);
    Ok(Page {
        rows: table.map_or(Ok(Vec::new()), Table::ndjson)?,
        received: count,
        kept: count,
        digest: None,
        total: None,
        continuation,
        children: Vec::new(),
        watermark: None,
        notices: Vec::new(),
    })
}

/// A name of the API's as a part of a path; one that could lead elsewhere is refused.
fn segment(text: &str) -> Result<&str, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text);
    }
    Err(wrong("a name that cannot stand in a path".into(), text))
}

struct Config {
    url: String,
    /// Scheme, host and port of `url`.
    origin: String,
    token: Option<String>,
}

impl Config {
    /// Everything that is wrong is told at once, each with its place; the host shows it in the user's file.
    fn parse(text: &str) -> Result<Config, Error> {
        let config: Value = serde_json::from_str(text).map_err(|error| Error::Other(error.to_string()))?;
        let (mut url, mut token, mut wrong) = (None, None, Vec::new());
        let mut refuse = |path: String, message: &str, hint: &str| {
            wrong.push(Diagnostic { path, message: message.into(), hint: Some(hint.into()) });
        };
        for (key, value) in config.as_object().into_iter().flatten() {
            match (key.as_str(), value.as_str()) {
                ("url", Some(text)) if origin(text).is_some() => url = Some(text.trim_end_matches('/')),
                ("url", _) => refuse("/url".into(), "not a URL", "write https://weather.example.com"),
                ("token", Some(text)) => token = Some(text.to_owned()),
                ("token", None) => refuse("/token".into(), "not a text", "write \"${secrets.token}\""),
                _ => refuse(format!("/{key}"), "unknown key", "there are `url` and `token`"),
            }
        }
        if config.get("url").is_none() {
            refuse(String::new(), "`url` is missing", "write `url: https://weather.example.com`");
        }
        match url.and_then(|url| Some((url, origin(url)?))) {
            Some((url, origin)) if wrong.is_empty() => Ok(Config { url: url.into(), origin, token }),
            _ => Err(Error::InvalidConfig(wrong)),
        }
    }

    fn get(&self, path: &str) -> Result<Answer, Error> {
        let token = self.token.iter();
        let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}").into_bytes()));
        http::get(&format!("{}{path}", self.url), &headers.collect::<Vec<_>>())
    }
}

fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    ["http", "https"].contains(&scheme).then(|| format!("{scheme}://{host}"))
}
