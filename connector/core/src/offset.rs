//! Offset paging that never loses rows: what to ask, and what an answer leaves owed.
//!
//! A cursor carries the span that it owes, so no page has to be of the size that was asked for. The rules:
//!
//! 1. Steps go by the rows received, never by the limit: servers cap limits, and filter after they have paged.
//! 2. A short page is not the end, and neither is an empty one, while a total or a bound says that rows are left.
//! 3. With a total, what is left becomes `rest`: spans of the size that the server really gives, then an open tail.
//! 4. Without one, pages follow each other until an empty page (dlt's rule), or as `has_more_path` says.
//! 5. A total below the rows that have come is a lie: it is dropped, and reading goes on to an empty page.

use serde_json::{Value, json};

use crate::config::{OffsetConfig, TotalMode};
use crate::contract::{Continuation, Notice};
use crate::json::Step;
use crate::select::spelled;

/// Cursors in one `rest`, by the contract.
const MAX_REST: u64 = 256;

/// An offset paginator, and what totals are worth to it.
#[derive(Debug, Clone)]
pub(crate) struct Offset {
    config: OffsetConfig,
    total: TotalMode,
}

/// Where a page starts and what its chain owes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) offset: u64,
    /// The chain ends before this offset. `None`: the open tail.
    pub(crate) end: Option<u64>,
    /// Rows to ask for, where that is less than a whole page.
    pub(crate) ask: Option<u64>,
    /// The last total that the API gave, counted from offset 0.
    pub(crate) total: Option<u64>,
    /// The data selector that the first page settled.
    pub(crate) selector: Option<String>,
}

/// What a page says for itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Rows that the API sent, owed or not.
    pub(crate) received: u64,
    /// The bytes at `total_path`.
    pub(crate) total: Option<Vec<u8>>,
    /// The bytes at `has_more_path`.
    pub(crate) has_more: Option<Vec<u8>>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Rows of this page that are owed, from its start; the others belong to the next chain.
    pub(crate) owed: u64,
    pub(crate) total: Option<u64>,
    pub(crate) continuation: Continuation,
    pub(crate) notice: Option<Notice>,
}

/// An answer that contradicts itself or the config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PagingError {
    #[error("empty page at offset {offset} while the total says {total}")]
    EmptyPage { offset: u64, total: u64 },
    #[error("empty page at offset {offset} although the span up to {end} was there before")]
    EmptySpan { offset: u64, end: u64 },
    #[error(
        "empty page at offset {0}, and nothing says whether more follow (`stop_after_empty_page` is false)"
    )]
    Stuck(u64),
    #[error("nothing at total_path `{0}`; write `total_path: null` if the API gives no total")]
    Total(String),
    #[error("nothing usable at has_more_path `{path}`: {found}")]
    HasMore { path: String, found: String },
    #[error("the cursor is not one of this paginator's")]
    Cursor,
}

impl PagingError {
    /// Whether the same request may be answered better.
    pub(crate) fn retry(&self) -> bool {
        matches!(self, Self::EmptyPage { .. } | Self::EmptySpan { .. })
    }
}

impl Cursor {
    /// Reads what [`Cursor::text`] wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, PagingError> {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return Err(PagingError::Cursor);
        };
        let number = |key: &str| fields.get(key).and_then(Value::as_u64);
        Ok(Self {
            offset: number("o").ok_or(PagingError::Cursor)?,
            end: number("e"),
            ask: number("l"),
            total: number("t"),
            selector: fields.get("s").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Compact JSON: `{"o":100,"e":200,"t":2500}`.
    pub(crate) fn text(&self) -> String {
        let mut fields = serde_json::Map::new();
        fields.insert("o".to_owned(), json!(self.offset));
        for (key, value) in [("e", self.end), ("l", self.ask), ("t", self.total)] {
            fields.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        fields.extend(self.selector.as_ref().map(|selector| ("s".to_owned(), json!(selector))));
        Value::Object(fields).to_string()
    }
}

/// A total as the API writes it: a whole number, also as text or with a zero fraction. Anything else says nothing.
pub(crate) fn count(json: &[u8]) -> Option<u64> {
    let text = match serde_json::from_slice(json).ok()? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let Ok(count) = text.parse() {
        return Some(count);
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    // Casting saturates: a total beyond u64 is still more than any page.
    (number.fract() == 0.0).then_some(number as u64)
}

/// dlt's reading of a flag: a boolean, or one of the words of Python's `strtobool`.
fn flag(json: &[u8]) -> Option<bool> {
    match serde_json::from_slice(json).ok()? {
        Value::Bool(flag) => Some(flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" | "t" | "y" | "1" | "on" => Some(true),
            "no" | "false" | "f" | "n" | "0" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

impl Offset {
    pub(crate) fn new(config: &OffsetConfig, total: TotalMode) -> Self {
        Self { config: config.clone(), total }
    }

    /// The names of the parameters that it sets.
    pub(crate) fn params(&self) -> [&str; 2] {
        [&self.config.offset_param, &self.config.limit_param]
    }

    pub(crate) fn total_path(&self) -> Option<&[Step]> {
        self.config.total_path.as_deref().filter(|_| self.total != TotalMode::Ignore)
    }

    pub(crate) fn has_more_path(&self) -> Option<&[Step]> {
        self.config.has_more_path.as_ref().map(|path| path.value.as_slice())
    }

    /// The cursor of a request; without one, the first page's.
    pub(crate) fn cursor(&self, text: Option<&str>) -> Result<Cursor, PagingError> {
        match text {
            Some(text) => Cursor::parse(text),
            None => Ok(Cursor { offset: self.config.offset, ..Cursor::default() }),
        }
    }

    /// The parameters of a page: names and values.
    pub(crate) fn ask(&self, cursor: &Cursor) -> [(&str, u64); 2] {
        let limit = cursor.ask.map_or(self.config.limit, |ask| ask.min(self.config.limit));
        [(&self.config.offset_param, cursor.offset), (&self.config.limit_param, limit)]
    }

    /// What a page leaves to be read. `cursor.selector` is passed on to every cursor that follows.
    pub(crate) fn step(&self, cursor: &Cursor, seen: &Seen) -> Result<Outcome, PagingError> {
        self.refuse_missing_total(cursor, seen)?;
        let owed = match cursor.end {
            Some(end) => seen.received.min(end.saturating_sub(cursor.offset)),
            None => seen.received,
        };
        let reached = cursor.offset.saturating_add(owed);
        let given = seen.total.as_deref().and_then(count);
        // Rows beyond a total prove it wrong (rule 5).
        let lie = |total: &u64| seen.received > 0 && cursor.offset.saturating_add(seen.received) > *total;
        let given = given.filter(|total| !lie(total));
        let shown = given.map(|total| total.saturating_sub(self.config.offset));
        let known =
            given.or(cursor.total.filter(|total| !lie(total))).filter(|_| self.total == TotalMode::Exact);
        let mut notice = None;
        let continuation = match cursor.end {
            Some(end) => self.bounded(cursor, end, owed, reached, known)?,
            None => self.open(cursor, seen, reached, known, &mut notice)?,
        };
        Ok(Outcome { owed, total: shown, continuation, notice })
    }

    /// A total that the config names, and that the first page does not have, is a slip that would turn the checks off.
    fn refuse_missing_total(&self, cursor: &Cursor, seen: &Seen) -> Result<(), PagingError> {
        let first = cursor.offset == self.config.offset && cursor.end.is_none() && cursor.total.is_none();
        let named = self.config.total_path_written
            && self.config.has_more_path.is_none()
            && self.total == TotalMode::Exact;
        match self.total_path() {
            Some(path) if first && named && seen.received > 0 && seen.total.is_none() => {
                Err(PagingError::Total(spelled(path)))
            }
            _ => Ok(()),
        }
    }

    /// A chain with an end of its own: it owes all rows up to there, or up to a total that has shrunk below it.
    fn bounded(
        &self,
        cursor: &Cursor,
        end: u64,
        owed: u64,
        reached: u64,
        total: Option<u64>,
    ) -> Result<Continuation, PagingError> {
        if reached >= end {
            let cut = self.config.maximum_offset.is_some_and(|maximum| end >= maximum);
            return Ok(if cut && total.is_none_or(|total| total > end) {
                self.limit()
            } else {
                Continuation::End
            });
        }
        match total {
            Some(total) if reached >= total => return Ok(Continuation::End),
            Some(total) if owed == 0 => {
                return Err(PagingError::EmptyPage { offset: cursor.offset, total });
            }
            None if owed == 0 => {
                return Err(PagingError::EmptySpan { offset: cursor.offset, end });
            }
            _ => {}
        }
        if self.beyond(reached) {
            return Ok(self.limit());
        }
        let missing = end.saturating_sub(reached);
        let next = Cursor {
            offset: reached,
            end: Some(end),
            ask: Some(missing),
            total,
            selector: cursor.selector.clone(),
        };
        Ok(Continuation::Next(next.text()))
    }

    /// The first page, and the open tail after it.
    fn open(
        &self,
        cursor: &Cursor,
        seen: &Seen,
        reached: u64,
        total: Option<u64>,
        notice: &mut Option<Notice>,
    ) -> Result<Continuation, PagingError> {
        let says_more = self.says_more(seen);
        if seen.received == 0 {
            return self.empty(cursor, total, says_more, notice);
        }
        let more = match says_more {
            Some(more) => more? && total.is_none_or(|total| reached < total),
            None => total.is_none_or(|total| reached < total),
        };
        if !more {
            return Ok(Continuation::End);
        }
        if self.beyond(reached) {
            return Ok(self.limit());
        }
        let tail = |offset| Cursor { offset, total, selector: cursor.selector.clone(), ..Cursor::default() };
        match total {
            Some(total) if self.config.has_more_path.is_none() => {
                Ok(self.rest(reached, total, seen.received, cursor))
            }
            _ => Ok(Continuation::Next(tail(reached).text())),
        }
    }

    fn empty(
        &self,
        cursor: &Cursor,
        total: Option<u64>,
        says_more: Option<Result<bool, PagingError>>,
        notice: &mut Option<Notice>,
    ) -> Result<Continuation, PagingError> {
        if let (Some(total), false) = (total, matches!(says_more, Some(Ok(false)))) {
            if total <= cursor.offset {
                return Ok(Continuation::End);
            }
            return Err(PagingError::EmptyPage { offset: cursor.offset, total });
        }
        if self.config.stop_after_empty_page {
            if matches!(says_more, Some(Ok(true))) {
                *notice = Some(Notice {
                    code: "empty-page-ended",
                    message: format!(
                        "the page at offset {} was empty, so reading ended, though the API says that more follows",
                        cursor.offset
                    ),
                    hint: Some("\"stop_after_empty_page\": false".to_owned()),
                    settles: Vec::new(),
                });
            }
            return Ok(Continuation::End);
        }
        match says_more.transpose()? {
            Some(false) => return Ok(Continuation::End),
            Some(true) => return Err(PagingError::Stuck(cursor.offset)),
            None => {}
        }
        // Holes are expected then, and only the maximum ends it: dlt steps by the limit here, and so must we.
        let next = cursor.offset.saturating_add(self.config.limit);
        match self.config.maximum_offset {
            None => Err(PagingError::Stuck(cursor.offset)),
            Some(maximum) if next >= maximum => Ok(self.limit()),
            Some(_) => Ok(Continuation::Next(Cursor { offset: next, ..cursor.clone() }.text())),
        }
    }

    /// The chains for what is left of `total`, from `from` on. At most 256 whatever the total: the last is open.
    fn rest(&self, from: u64, total: u64, span: u64, cursor: &Cursor) -> Continuation {
        let make = |offset, end| {
            Cursor { offset, end, ask: None, total: Some(total), selector: cursor.selector.clone() }.text()
        };
        let mut cursors = Vec::new();
        let mut offset = from;
        loop {
            let end = offset.saturating_add(span);
            if self.config.maximum_offset.is_some_and(|maximum| end >= maximum) && end < total {
                cursors.push(make(offset, Some(end)));
                break;
            }
            if end >= total || cursors.len() as u64 + 1 >= MAX_REST {
                cursors.push(make(offset, None));
                break;
            }
            cursors.push(make(offset, Some(end)));
            offset = end;
        }
        match <[String; 1]>::try_from(cursors) {
            Ok([only]) => Continuation::Next(only),
            Err(cursors) => Continuation::Rest(cursors),
        }
    }

    fn says_more(&self, seen: &Seen) -> Option<Result<bool, PagingError>> {
        let path = self.config.has_more_path.as_ref()?;
        let found = seen.has_more.as_deref();
        Some(found.and_then(flag).ok_or_else(|| PagingError::HasMore {
            path: spelled(&path.value),
            found: found.map_or_else(
                || "it is missing".to_owned(),
                |json| String::from_utf8_lossy(json).chars().take(60).collect(),
            ),
        }))
    }

    /// No request may start here.
    fn beyond(&self, offset: u64) -> bool {
        self.config.maximum_offset.is_some_and(|maximum| offset >= maximum)
    }

    fn limit(&self) -> Continuation {
        Continuation::Limit(format!("maximum_offset {}", self.config.maximum_offset.unwrap_or_default()))
    }
}
