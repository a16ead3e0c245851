//! Cursor paging: each answer gives the value that the next request is asked by.
//!
//! A cursor that leads to its own page would do so for ever: with rows that is an error, without any it is the end. A
//! circle over several pages is the host's to find, by the cursors' texts: the same value is the same text.

use serde_json::{Map, Value};

use super::said::{has_more, next};
use super::{MAX_EMPTY_PAGES, Outcome, PagingError, Paths, Seen, Settled, ended_by_empty_page, fields};
use crate::config::{CursorConfig, Source, Spot};
use crate::contract::{Continuation, Response};
use crate::json::Kind;

#[derive(Debug, Clone)]
pub(crate) struct CursorPager {
    config: CursorConfig,
}

/// The value that a page is asked by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// `None`: the first page.
    pub(crate) value: Option<String>,
    /// Whether the API gave it as a number, as which a body of JSON takes it back.
    number: bool,
    /// Empty pages just before this one.
    empty: u64,
    pub(crate) settled: Settled,
}

impl Cursor {
    pub(super) fn read(text: Option<&str>) -> Result<Self, PagingError> {
        let Some(text) = text else { return Ok(Self::default()) };
        let fields = fields(text)?;
        let value = fields.get("c").and_then(Value::as_str).ok_or(PagingError::Cursor)?;
        Ok(Self {
            value: Some(value.to_owned()),
            number: fields.contains_key("n"),
            empty: fields.get("z").and_then(Value::as_u64).unwrap_or(0),
            settled: Settled::parse(&fields),
        })
    }

    /// The value as it stands in the request: in a body as JSON.
    pub(super) fn sent(&self, spot: &Spot) -> Option<String> {
        let value = self.value.clone()?;
        let is_text = matches!(spot, Spot::Body(_)) && !self.number;
        Some(if is_text { Value::from(value).to_string() } else { value })
    }

    /// Compact JSON: `{"c":"abc"}`.
    fn text(&self) -> String {
        let mut fields = Map::new();
        fields.insert("c".to_owned(), Value::from(self.value.as_deref().unwrap_or_default()));
        if self.number {
            fields.insert("n".to_owned(), Value::from(true));
        }
        if self.empty > 0 {
            fields.insert("z".to_owned(), Value::from(self.empty));
        }
        self.settled.text(fields)
    }
}

impl CursorPager {
    pub(super) fn new(config: &CursorConfig) -> Self {
        Self { config: config.clone() }
    }

    pub(super) fn spot(&self) -> &Spot {
        &self.config.spot
    }

    pub(super) fn paths(&self) -> Paths<'_> {
        let next = match &self.config.source {
            Source::Body(path) => Some(path),
            Source::Header(_) => None,
        };
        Paths { total: None, has_more: self.config.has_more_path.as_ref(), next }
    }

    pub(super) fn header(&self, response: &Response) -> Option<String> {
        match &self.config.source {
            Source::Body(_) => None,
            Source::Header(name) => response.header(name).map(|value| value.trim().to_owned()),
        }
    }

    fn place(&self) -> String {
        match &self.config.source {
            Source::Body(path) => format!("cursor_path `{}`", path.text),
            Source::Header(name) => format!("the header `{name}`"),
        }
    }

    pub(super) fn step(&self, cursor: &Cursor, seen: &Seen) -> Result<Outcome, PagingError> {
        let mut outcome =
            Outcome { owed: seen.received, total: None, continuation: Continuation::End, notice: None };
        let value = next(seen.next.as_deref(), &self.place(), "cursor")?;
        if seen.received == 0 && self.config.stop_after_empty_page {
            outcome.notice = value.is_some().then(|| ended_by_empty_page("this cursor"));
            return Ok(outcome);
        }
        let has_more_path = self.config.has_more_path.as_ref();
        let more = has_more(has_more_path, seen.has_more.as_deref())?;
        let Some(value) = value.filter(|_| more != Some(false)) else {
            return match (more, has_more_path) {
                (Some(true), Some(path)) => {
                    Err(PagingError::NoCursor { has_more: path.text.clone(), place: self.place() })
                }
                _ => Ok(outcome),
            };
        };
        if cursor.value.as_ref() == Some(&value) {
            return if seen.received == 0 {
                Ok(outcome)
            } else {
                Err(PagingError::Circle { place: self.place() })
            };
        }
        let empty = if seen.received == 0 { cursor.empty.saturating_add(1) } else { 0 };
        if empty > MAX_EMPTY_PAGES {
            return Err(PagingError::Hollow);
        }
        let given = seen.next.as_deref().and_then(|json| json.first().copied());
        let number = Kind::of(given) == Kind::Number && self.config.spot.param().is_none();
        let next = Cursor { value: Some(value), number, empty, settled: cursor.settled.clone() };
        outcome.continuation = Continuation::Next(next.text());
        Ok(outcome)
    }
}
