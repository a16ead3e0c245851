//! Looks for a key in everything that runs print or store, by undoing encodings until nothing new comes of it.

use std::collections::HashSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;

use crate::program::{Folder, Ran};

/// A part of a key of so many bytes is a leak, too: an excerpt may end in the middle of one.
const PART_BYTES: usize = 10;

/// Part of how placeholders begin. One is good for a single run: printed or stored, it would be rubbish.
const PLACEHOLDER: &str = "ng-secret-";

/// Fails if stdout, stderr or any file of the folder holds the key, or a part of it. `exempt` names files in which the
/// user wrote it down.
#[track_caller]
pub(crate) fn assert_none(folder: &Folder, ran: &[&Ran], key: &str, exempt: &[&str]) {
    for ran in ran {
        for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            for (what, needle) in [("key", key), ("placeholder", PLACEHOLDER)] {
                if let Some(form) = find(text.as_bytes(), needle) {
                    panic!("the {what} is in {name}, as {form}:\n{text}");
                }
            }
        }
    }
    let files = files(folder.dir());
    assert!(!files.is_empty());
    for file in files {
        let name = file.strip_prefix(folder.dir()).unwrap().to_string_lossy().into_owned();
        if exempt.contains(&name.as_str()) {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        if let Some(form) = find(&bytes, key) {
            panic!("the key is in {name}, as {form}");
        }
        if name.ends_with(".jsonl") {
            assert_eq!(find(&bytes, PLACEHOLDER), None, "a placeholder is in {name}");
        }
        // A long text of a database lies on several pages of its file.
        if name.ends_with(".db") {
            for text in texts(&folder.database(&name)) {
                for (what, needle) in [("key", key), ("placeholder", PLACEHOLDER)] {
                    if let Some(form) = find(text.as_bytes(), needle) {
                        panic!("the {what} is in a row of {name}, as {form}: {text}");
                    }
                }
            }
        }
    }
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Every text of every table, and the words that made them.
fn texts(database: &rusqlite::Connection) -> Vec<String> {
    let strings = |query: &str| -> Vec<String> {
        let mut statement = database.prepare(query).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            all.extend(
                (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap().as_str().unwrap_or(""))),
            );
        }
        all
    };
    let tables = strings("select name from sqlite_master where type = 'table'");
    let mut all = strings("select sql from sqlite_master");
    all.extend(tables.iter().flat_map(|table| strings(&format!("select * from {table}"))));
    all
}

/// The encoding in which the key, or a part of it, is in the bytes.
pub(crate) fn find(bytes: &[u8], key: &str) -> Option<String> {
    let key = key.as_bytes();
    let parts: Vec<_> = key.windows(PART_BYTES.min(key.len())).map(memmem::Finder::new).collect();
    let holds = |bytes: &[u8]| parts.iter().any(|part| part.find(bytes).is_some());
    let mut seen: HashSet<Vec<u8>> = HashSet::from([bytes.to_vec()]);
    let mut layer = vec![("the bytes".to_owned(), bytes.to_vec())];
    for _ in 0..4 {
        let mut next = Vec::new();
        for (path, text) in layer {
            if holds(&text) {
                return Some(path);
            }
            if base64_texts(&text).iter().any(|plain| holds(plain)) {
                return Some(format!("{path}, Base64"));
            }
            for (name, decode) in DECODERS {
                let plain = decode(&text);
                if seen.insert(plain.clone()) {
                    next.push((format!("{path}, {name}"), plain));
                }
            }
        }
        layer = next;
    }
    None
}

type Decode = fn(&[u8]) -> Vec<u8>;

const DECODERS: [(&str, Decode); 4] =
    [("percent-encoded", percent), ("form-encoded", plus), ("JSON-escaped", json), ("HTML-escaped", html)];

fn percent(text: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(text).collect()
}

fn plus(text: &[u8]) -> Vec<u8> {
    percent(&text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect::<Vec<_>>())
}

fn json(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let unit = || {
            let digits = std::str::from_utf8(after.strip_prefix(b"u")?.get(..4)?).ok()?;
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
        };
        match (byte, after.first()) {
            (b'\\', Some(b'u')) if unit().is_some() => {
                out.extend_from_slice(unit().unwrap().to_string().as_bytes());
                rest = &after[5..];
            }
            (b'\\', Some(b'"' | b'\\' | b'/')) => {
                out.push(after[0]);
                rest = &after[1..];
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(text).into_owned();
    for (entity, plain) in [("&quot;", "\""), ("&#34;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")] {
        text = text.replace(entity, plain);
    }
    text.into_bytes()
}

/// What each run of Base64 characters says, wherever in it a group of four begins.
fn base64_texts(text: &[u8]) -> Vec<Vec<u8>> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let runs = text.split(|byte| !is_base64(byte)).filter(|run| run.len() >= PART_BYTES);
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let mut all = Vec::new();
    for run in runs {
        let run: Vec<u8> = run.iter().map(standard).collect();
        for shift in 0..4.min(run.len()) {
            let mut groups = &run[shift..];
            // A last character alone carries no whole byte; bits after the last byte must not stop the decoder.
            groups = &groups[..groups.len() / 4 * 4];
            all.extend(STANDARD_NO_PAD.decode(groups));
            let lenient = base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_allow_trailing_bits(true)
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
            );
            let rest = &run[shift..];
            let whole = if rest.len() % 4 == 1 { &rest[..rest.len() - 1] } else { rest };
            all.extend(lenient.decode(whole));
        }
    }
    all
}

#[test]
fn finds_every_form_that_an_echo_has() {
    use std::io::{Read, Write};
    for key in ["plain-key-0123456789", "a&é /b+c=d%41\"k<9>Zq"] {
        let options = sanderling_demo::Options {
            key: Some(key.into()),
            echo_key: true,
            users: 1,
            ..sanderling_demo::Options::default()
        };
        let server = sanderling_demo::start(options).unwrap();
        let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
        let written = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
        write!(stream, "GET /v1/users?api_key={written} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        for header in ["X-Echo-Key", "X-Echo-Percent", "X-Echo-Base64"] {
            let line = head.lines().find(|line| line.starts_with(header)).unwrap();
            assert!(find(line.as_bytes(), key).is_some(), "{line}");
        }
        // The text of each form as it stands, quotes and escapes and all.
        let page: serde_json::Value = serde_json::from_str(body).unwrap();
        let forms = page["data"][0]["echo"].as_object().unwrap();
        assert!(forms.len() >= 8);
        for (name, form) in forms {
            let text = form.as_str().unwrap();
            assert!(find(text.as_bytes(), key).is_some(), "{name}: {text}");
            let half = &text.as_bytes()[text.len() / 3..];
            assert!(find(half, key).is_some() || half.len() < 18, "{name}: half of {text}");
        }
        let (_, ascii) = body.split_once("\"ascii\":").unwrap();
        assert!(find(ascii.split('}').next().unwrap().as_bytes(), key).is_some());
        assert!(find(b"nothing to see, 0123456, aGVsbG8gd29ybGQ, %20", key).is_none());
    }
}
