//! A strict scanner over JSON text: it steps over values without building them.

use std::borrow::Cow;

/// Containers that may stand inside each other, as in serde_json.
pub(crate) const MAX_DEPTH: usize = 128;

/// A range of bytes of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of the value that starts with this byte; anything that no value starts with counts as a number, which
    /// the scanner then refuses.
    pub(crate) fn of(first: Option<u8>) -> Self {
        match first {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Bool,
            Some(b'n') => Self::Null,
            _ => Self::Number,
        }
    }

    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

/// Why a document cannot be read. Positions count bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("cut short at byte {at}")]
    Cut { at: usize },
    #[error("bytes left over after the end, at byte {at}")]
    LeftOver { at: usize },
    #[error("broken JSON at byte {at}: {what}")]
    Broken { at: usize, what: &'static str },
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 { at: usize },
    #[error("more than {MAX_DEPTH} levels deep at byte {at}")]
    TooDeep { at: usize },
    #[error("`{key}` stands twice in one object, at byte {at}")]
    Twice { at: usize, key: String },
}

impl JsonError {
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Cut { at }
            | Self::LeftOver { at }
            | Self::Broken { at, .. }
            | Self::NotUtf8 { at }
            | Self::TooDeep { at }
            | Self::Twice { at, .. } => *at,
        }
    }
}

pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    pub(crate) at: usize,
    /// Line breaks stepped over so far. Strings cannot hold one, so all of them stood between tokens.
    pub(crate) line_breaks: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bytes before the first that ends a run of plain string text: `"`, `\` or a control character. 8: none of these.
///
/// Each test marks the high bit of a hit; a borrow can only mark bytes above a true hit, so the lowest mark is exact.
fn plain_bytes(word: u64) -> usize {
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    let hits = ((quote.wrapping_sub(ONES) & !quote)
        | (slash.wrapping_sub(ONES) & !slash)
        | (word.wrapping_sub(ONES * 0x20) & !word))
        & HIGHS;
    (hits.trailing_zeros() / 8) as usize
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line_breaks: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn broken<T>(&self, what: &'static str) -> Result<T, JsonError> {
        if self.at >= self.bytes.len() {
            Err(JsonError::Cut { at: self.bytes.len() })
        } else {
            Err(JsonError::Broken { at: self.at, what })
        }
    }

    pub(crate) fn space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.line_breaks += 1,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Takes `byte`, or says what was wanted instead.
    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        self.broken(what)
    }

    /// After the root value: nothing but white space.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at < self.bytes.len() { Err(JsonError::LeftOver { at: self.at }) } else { Ok(()) }
    }

    /// A string, both quotes included.
    pub(crate) fn string(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.expect(b'"', "a string was expected")?;
        loop {
            while let Some(chunk) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
                let plain = plain_bytes(u64::from_le_bytes(*chunk));
                self.at += plain;
                if plain < 8 {
                    break;
                }
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Span { start, end: self.at });
                }
                Some(b'\\') => self.escape()?,
                Some(0x20..) => self.at += 1,
                _ => return self.broken("a control character in a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match self.peek() {
                        Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                        _ => return self.broken("`\\u` without four hexadecimal digits"),
                    }
                }
            }
            _ => return self.broken("an unknown escape in a string"),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.broken("a digit was expected") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.broken("a value was expected"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        for &byte in word {
            self.expect(byte, "a value was expected")?;
        }
        Ok(())
    }

    /// A member's name and its colon; the value comes next.
    pub(crate) fn key(&mut self) -> Result<Span, JsonError> {
        self.space();
        let span = self.string()?;
        self.space();
        self.expect(b':', "`:` was expected")?;
        self.space();
        Ok(span)
    }

    /// Steps over a container's opening bracket. False: it is empty, and has been stepped over whole.
    pub(crate) fn open(&mut self, close: u8, depth: usize) -> Result<bool, JsonError> {
        if depth >= MAX_DEPTH {
            return Err(JsonError::TooDeep { at: self.at });
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After an element: true if another follows, false once the container is closed.
    pub(crate) fn more(&mut self, close: u8) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.broken("`,` or the end of a list or object was expected"),
        }
    }

    /// Steps over the value here, which stands inside `depth` containers. Does not recurse: the kinds of the open
    /// containers are the bits of one number.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), JsonError> {
        let mut open = 0usize;
        let mut objects = 0u128;
        loop {
            let opened = match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    false
                }
                Some(b'{') => {
                    let opened = self.open(b'}', depth + open)?;
                    if opened {
                        objects = objects << 1 | 1;
                        self.key()?;
                    }
                    opened
                }
                Some(b'[') => {
                    let opened = self.open(b']', depth + open)?;
                    objects <<= usize::from(opened);
                    opened
                }
                Some(b't') => self.word(b"true").map(|()| false)?,
                Some(b'f') => self.word(b"false").map(|()| false)?,
                Some(b'n') => self.word(b"null").map(|()| false)?,
                _ => self.number().map(|()| false)?,
            };
            if opened {
                open += 1;
                continue;
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                if self.more(if in_object { b'}' } else { b']' })? {
                    if in_object {
                        self.key()?;
                    }
                    break;
                }
                open -= 1;
                objects >>= 1;
            }
        }
    }
}

/// The text of a JSON string, quotes and escapes resolved; `None` for what is no string or holds a lone surrogate.
pub(crate) fn decode_string(token: &[u8]) -> Option<Cow<'_, str>> {
    let inner = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(token).ok().map(Cow::Owned)
}

/// The members of an object that has been checked before: the name's token and the value's span. Empty for any other
/// value.
pub(crate) fn members(object: &[u8]) -> Vec<(Span, Span)> {
    let mut found = Vec::new();
    let mut scan = Scanner::new(object);
    scan.space();
    if scan.peek() != Some(b'{') {
        return found;
    }
    let mut walk = || -> Result<(), JsonError> {
        if !scan.open(b'}', 0)? {
            return Ok(());
        }
        loop {
            let key = scan.key()?;
            let start = scan.at;
            scan.skip(1)?;
            found.push((key, Span { start, end: scan.at }));
            if !scan.more(b'}')? {
                return Ok(());
            }
        }
    };
    if walk().is_err() {
        found.clear();
    }
    found
}
