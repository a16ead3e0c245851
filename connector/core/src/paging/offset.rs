//! Offset paging that never loses rows: what to ask, and what an answer leaves owed.
//!
//! A cursor carries the span that it owes, so no page has to be of the size that was asked for. The rules:
//!
//! 1. Steps go by the rows received, never by the limit: servers cap limits, and filter after they have paged.
//! 2. A short page is not the end, and neither is an empty one, while a total or a bound says that rows are left.
//! 3. With a total, what is left becomes `rest`: spans of the size that the server really gives, then an open tail.
//! 4. Without one, pages follow each other until an empty page (dlt's rule), or as `has_more_path` says.
//! 5. A total below the rows that have come is a lie: it is dropped, and reading goes on to an empty page.

use serde_json::{Map, Value, json};

use super::said::{count, has_more};
use super::{Outcome, PagingError, Paths, Reading, Seen, Settled, ended_by_empty_page, fields, split};
use crate::config::{OffsetConfig, Spot, TotalMode};
use crate::contract::{Continuation, Notice};

/// An offset paginator, and how it is read.
#[derive(Debug, Clone)]
pub(crate) struct Offset {
    config: OffsetConfig,
    reading: Reading,
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
    pub(crate) settled: Settled,
}

impl Cursor {
    /// Whether rows from here on are known of.
    pub(crate) fn owes_more(&self) -> bool {
        self.end.or(self.total).is_some_and(|end| end > self.offset)
    }

    /// Reads what [`Cursor::text`] wrote.
    fn parse(text: &str) -> Result<Self, PagingError> {
        let fields = fields(text)?;
        let number = |key: &str| fields.get(key).and_then(Value::as_u64);
        Ok(Self {
            offset: number("o").ok_or(PagingError::Cursor)?,
            end: number("e"),
            ask: number("l"),
            total: number("t"),
            settled: Settled::parse(&fields),
        })
    }

    /// Compact JSON: `{"o":100,"e":200,"t":2500}`.
    fn text(&self) -> String {
        let mut fields = Map::new();
        fields.insert("o".to_owned(), json!(self.offset));
        for (key, value) in [("e", self.end), ("l", self.ask), ("t", self.total)] {
            fields.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        self.settled.text(fields)
    }
}

impl Offset {
    pub(crate) fn new(config: &OffsetConfig, reading: Reading) -> Self {
        Self { config: config.clone(), reading }
    }

    /// Where it writes.
    pub(crate) fn spots(&self) -> [&Spot; 2] {
        [&self.config.offset_spot, &self.config.limit_spot]
    }

    pub(super) fn paths(&self) -> Paths<'_> {
        let total = self.config.total_path.as_ref().filter(|_| self.reading.total != TotalMode::Ignore);
        Paths {
            total: total.map(|total| &total.path),
            has_more: self.config.has_more_path.as_ref(),
            next: None,
        }
    }

    /// The cursor of a request; without one, the first page's.
    pub(crate) fn cursor(&self, text: Option<&str>) -> Result<Cursor, PagingError> {
        match text {
            Some(text) => Cursor::parse(text),
            None => Ok(Cursor { offset: self.config.offset, ..Cursor::default() }),
        }
    }

    /// What asks for a page, and where it stands.
    pub(crate) fn ask(&self, cursor: &Cursor) -> [(&Spot, u64); 2] {
        let limit = cursor.ask.map_or(self.config.limit, |ask| ask.min(self.config.limit));
        [(&self.config.offset_spot, cursor.offset), (&self.config.limit_spot, limit)]
    }

    /// What a page leaves to be read. `cursor.settled` is passed on to every cursor that follows.
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
        let known = given
            .or(cursor.total.filter(|total| !lie(total)))
            .filter(|_| self.reading.total == TotalMode::Exact);
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
        let named = self.config.has_more_path.is_none() && self.reading.total == TotalMode::Exact;
        match &self.config.total_path {
            Some(total) if total.written && first && named && seen.received > 0 && seen.total.is_none() => {
                Err(PagingError::Total(total.path.text.clone()))
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
            settled: cursor.settled.clone(),
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
        let says_more = has_more(self.config.has_more_path.as_ref(), seen.has_more.as_deref());
        if seen.received == 0 {
            return self.empty(cursor, total, says_more, notice);
        }
        if says_more? == Some(false) || total.is_some_and(|total| reached >= total) {
            return Ok(Continuation::End);
        }
        if self.beyond(reached) {
            return Ok(self.limit());
        }
        let tail = |offset| Cursor { offset, total, settled: cursor.settled.clone(), ..Cursor::default() };
        match total {
            Some(total) if self.config.has_more_path.is_none() && !self.reading.serial => {
                Ok(self.rest(reached, total, seen.received, cursor))
            }
            _ => Ok(Continuation::Next(tail(reached).text())),
        }
    }

    fn empty(
        &self,
        cursor: &Cursor,
        total: Option<u64>,
        says_more: Result<Option<bool>, PagingError>,
        notice: &mut Option<Notice>,
    ) -> Result<Continuation, PagingError> {
        if let (Some(total), false) = (total, matches!(says_more, Ok(Some(false)))) {
            if total <= cursor.offset {
                return Ok(Continuation::End);
            }
            return Err(PagingError::EmptyPage { offset: cursor.offset, total });
        }
        if self.config.stop_after_empty_page {
            let ignored = matches!(says_more, Ok(Some(true)));
            *notice = ignored.then(|| ended_by_empty_page(&format!("offset {}", cursor.offset)));
            return Ok(Continuation::End);
        }
        match says_more? {
            Some(false) => return Ok(Continuation::End),
            Some(true) => {
                let path = self.config.has_more_path.as_ref().map(|path| path.text.clone());
                let at = format!("offset {}", cursor.offset);
                return Err(PagingError::EmptyMore { at, path: path.unwrap_or_default() });
            }
            None => {}
        }
        // Holes are expected then, and only the maximum ends it: dlt steps by the limit here, and so must we.
        let next = cursor.offset.saturating_add(self.config.limit);
        match self.config.maximum_offset {
            None => Err(PagingError::Stuck(format!("offset {}", cursor.offset))),
            Some(maximum) if next >= maximum => Ok(self.limit()),
            Some(_) => Ok(Continuation::Next(Cursor { offset: next, ..cursor.clone() }.text())),
        }
    }

    /// The chains for what is left of `total`, from `from` on.
    fn rest(&self, from: u64, total: u64, span: u64, cursor: &Cursor) -> Continuation {
        let make = |offset, end| {
            Cursor { offset, end, ask: None, total: Some(total), settled: cursor.settled.clone() }.text()
        };
        split::rest(from, total, span, self.config.maximum_offset, make)
    }

    /// No request may start here.
    fn beyond(&self, offset: u64) -> bool {
        self.config.maximum_offset.is_some_and(|maximum| offset >= maximum)
    }

    fn limit(&self) -> Continuation {
        Continuation::Limit(format!("maximum_offset {}", self.config.maximum_offset.unwrap_or_default()))
    }
}
