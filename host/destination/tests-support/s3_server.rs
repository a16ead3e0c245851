//! What tests need of S3: objects in memory behind its protocol, with conditions, parts, listings and faults by order. Google's
//! is the same but for who asks, and for conditions, which go by an object's generation ("Request preconditions" of Cloud Storage).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};

use percent_encoding::percent_decode_str;

/// What goes wrong, once, with the next request that it fits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// The connection ends before anything is done.
    Before { method: &'static str, name: &'static str, times: u32 },
    /// The connection ends when all is done.
    After { method: &'static str, name: &'static str, times: u32 },
    /// This status, with this code in the answer.
    Answer { name: &'static str, status: u16, code: &'static str },
}

#[derive(Default)]
struct Held {
    objects: BTreeMap<String, (Vec<u8>, String)>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    fault: Option<Fault>,
    heedless: bool,
    count: u64,
    requests: Vec<String>,
}

/// A server on a free port of loopback, with one bucket, `lake`, until the process ends.
#[derive(Clone)]
pub(crate) struct Server {
    port: u16,
    held: Arc<Mutex<Held>>,
}

struct Request {
    method: String,
    /// Below the bucket.
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    bucket: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), held: Arc::default() };
        let served = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = served.clone();
                std::thread::spawn(move || server.serve(&stream));
            }
        });
        server
    }

    /// One that all tests share who want no faults.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub(crate) fn url(&self, prefix: &str) -> String {
        format!(
            "s3://lake/{prefix}?endpoint=http://127.0.0.1:{}&access_key_id=tester&secret_access_key=hush%2Fhush",
            self.port
        )
    }

    /// The same by Google's protocol.
    pub(crate) fn google_url(&self, prefix: &str) -> String {
        format!(
            "gs://lake/{prefix}?endpoint=http://127.0.0.1:{}&bearer_token=hush%2Fhush&allow_http=true",
            self.port
        )
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.held.lock().unwrap().fault = Some(fault);
    }

    /// From now on conditions are passed over.
    pub(crate) fn heedless(&self) {
        self.held.lock().unwrap().heedless = true;
    }

    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.held.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(crate) fn object(&self, name: &str) -> Option<Vec<u8>> {
        self.held.lock().unwrap().objects.get(name).map(|(bytes, _)| bytes.clone())
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.held.lock().unwrap().objects.insert(name.to_owned(), (bytes.to_vec(), "\"x\"".to_owned()));
    }

    pub(crate) fn remove(&self, name: &str) {
        self.held.lock().unwrap().objects.remove(name);
    }

    /// Methods and names of all requests since this was asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.held.lock().unwrap().requests)
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(request) = read(&mut reader) {
            let fault = self.next_fault(&request);
            let answer = match &fault {
                Some(Fault::Before { .. }) => return,
                Some(Fault::Answer { status, code, .. }) => error(*status, code),
                _ => self.answer(&request),
            };
            if matches!(fault, Some(Fault::After { .. })) {
                return;
            }
            let (status, headers, body) = answer;
            let length = match headers.iter().any(|(name, _)| *name == "content-length") {
                true => String::new(),
                false => format!("content-length: {}\r\n", body.len()),
            };
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let mut text = format!("HTTP/1.1 {status} X\r\n{headers}{length}\r\n").into_bytes();
            text.extend(body);
            let mut stream = stream;
            // At once: a second write would wait for the first to be acknowledged.
            if stream.write_all(&text).is_err() {
                return;
            }
        }
    }

    fn next_fault(&self, request: &Request) -> Option<Fault> {
        let mut held = self.held.lock().unwrap();
        held.requests.push(format!("{} {}", request.method, request.key));
        let fits = |asked: &str, name: &str| request.method == asked && request.key.ends_with(name);
        match &mut held.fault {
            Some(fault @ (Fault::Before { .. } | Fault::After { .. })) => {
                let (Fault::Before { method, name, times } | Fault::After { method, name, times }) = fault
                else {
                    unreachable!()
                };
                if !fits(method, name) || *times == 0 {
                    return None;
                }
                *times -= 1;
            }
            Some(Fault::Answer { name, .. }) if request.key.contains(*name) => {}
            _ => return None,
        }
        held.fault.clone()
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut held = self.held.lock().unwrap();
        if request.bucket != "lake" {
            return error(404, "NoSuchBucket");
        }
        let key = request.key.clone();
        let query = |name: &str| request.query.get(name).cloned();
        match request.method.as_str() {
            "GET" if key.is_empty() => (200, vec![], list(&held, &query("prefix").unwrap_or_default())),
            "GET" | "HEAD" => match held.objects.get(&key) {
                Some((bytes, tag)) => {
                    let date = "Sun, 01 Mar 2026 09:30:00 GMT".to_owned();
                    let mut headers =
                        vec![("etag", tag.clone()), (GENERATION, generation(tag)), ("last-modified", date)];
                    if request.method == "HEAD" {
                        headers.push(("content-length", bytes.len().to_string()));
                        return (200, headers, vec![]);
                    }
                    (200, headers, bytes.clone())
                }
                None => error(404, "NoSuchKey"),
            },
            "PUT" => {
                if let (Some(upload), Some(number)) = (query("uploadId"), query("partNumber")) {
                    let parts = held.uploads.get_mut(&upload).unwrap();
                    parts.insert(number.parse().unwrap(), request.body.clone());
                    return (200, vec![("etag", format!("\"{number}\""))], vec![]);
                }
                let there = held.objects.get(&key).map(|(_, tag)| tag.clone());
                let is_met = match request.is_google() {
                    true => {
                        let there = there.as_deref().map_or_else(|| "0".to_owned(), generation);
                        request.headers.get("x-goog-if-generation-match").is_none_or(|it| *it == there)
                    }
                    false => {
                        let absent = request.headers.contains_key("if-none-match") && there.is_some();
                        let same = request.headers.get("if-match");
                        !absent && same.is_none_or(|wanted| Some(wanted) == there.as_ref())
                    }
                };
                if !held.heedless && !is_met {
                    return error(412, "PreconditionFailed");
                }
                store(&mut held, key, request.body.clone())
            }
            "POST" if request.query.contains_key("delete") => {
                let text = String::from_utf8_lossy(&request.body).into_owned();
                let mut gone = String::new();
                for key in text.split("<Key>").skip(1) {
                    let key = key.split("</Key>").next().unwrap();
                    held.objects.remove(key);
                    gone.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
                }
                (200, vec![], format!("<DeleteResult>{gone}</DeleteResult>").into_bytes())
            }
            "POST" if request.query.contains_key("uploads") => {
                held.count += 1;
                let id = held.count.to_string();
                held.uploads.insert(id.clone(), BTreeMap::new());
                let text = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                (200, vec![], text.into_bytes())
            }
            "POST" => {
                let parts = held.uploads.remove(&query("uploadId").unwrap()).unwrap();
                let whole = parts.into_values().flatten().collect();
                let (status, headers, _) = store(&mut held, key, whole);
                let tag = headers[0].1.replace('"', "&quot;");
                let text = format!(
                    "<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
                );
                (status, headers, text.into_bytes())
            }
            "DELETE" => {
                held.objects.remove(&key);
                (204, vec![], vec![])
            }
            _ => error(405, "MethodNotAllowed"),
        }
    }
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

fn store(held: &mut Held, key: String, body: Vec<u8>) -> Answer {
    held.count += 1;
    let tag = format!("\"{:032x}\"", held.count);
    held.objects.insert(key, (body, tag.clone()));
    let generation = generation(&tag);
    (200, vec![("etag", tag), (GENERATION, generation)], vec![])
}

const GENERATION: &str = "x-goog-generation";

/// A number that no object had before, by the tag that no object had.
fn generation(tag: &str) -> String {
    let number = u128::from_str_radix(tag.trim_matches('"'), 16).unwrap_or_default();
    (1_772_357_400_000_000 + number).to_string()
}

impl Request {
    fn is_google(&self) -> bool {
        self.headers.get("authorization").is_some_and(|by| by == "Bearer hush/hush")
    }
}

fn error(status: u16, code: &str) -> Answer {
    let text =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>said by a test</Message></Error>");
    (status, vec![], text.into_bytes())
}

/// By the delimiter `/`.
fn list(held: &Held, prefix: &str) -> Vec<u8> {
    let mut text = "<ListBucketResult>".to_owned();
    for (key, (bytes, tag)) in &held.objects {
        if key.strip_prefix(prefix).is_some_and(|rest| !rest.contains('/')) {
            text.push_str(&format!(
                "<Contents><Key>{}</Key><LastModified>2026-03-01T09:30:00.000Z</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                key.replace('&', "&amp;"),
                tag.replace('"', "&quot;"),
                bytes.len()
            ));
        }
    }
    text.push_str("</ListBucketResult>");
    text.into_bytes()
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (bucket, key) =
        path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(&value.replace('+', " ")))
    });
    Some(Request { method, key: decode(key), bucket: decode(bucket), query: query.collect(), headers, body })
}
