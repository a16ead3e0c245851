//! Page-number paging that never loses pages: what to ask, and what an answer leaves owed.
//!
//! 1. `total_path` counts pages, as in dlt. By its default, and where its name does not speak of pages, it may well count
//!    rows: then pages follow each other, and the empty page at the end must find as many rows as the total says.
//! 2. A total that counts pages becomes `rest`: one chain a page, then an open tail.
//! 3. An empty page is the end where no total says otherwise, or `stop_after_empty_page` is false and another one follows.
//! 4. A total that the page's own rows disprove is dropped, and reading goes on to an empty page.

use serde_json::{Map, Value, json};

use super::said::{count, has_more};
use super::{
    MAX_EMPTY_PAGES, Outcome, PagingError, Paths, Reading, Seen, Settled, ended_by_empty_page, fields, split,
};
use crate::config::{PageNumberConfig, Spot, TotalMode};
use crate::contract::{Continuation, Notice};

#[derive(Debug, Clone)]
pub(crate) struct PageNumber {
    config: PageNumberConfig,
    reading: Reading,
}

/// Which page, and what its chain owes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) page: u64,
    /// The chain ends before this page. `None`: the open tail.
    end: Option<u64>,
    /// The last total that the API gave.
    total: Option<u64>,
    /// Rows of the pages before, where it takes them to understand the total.
    rows: u64,
    /// Empty pages just before this one.
    empty: u64,
    pub(crate) settled: Settled,
}

impl Cursor {
    /// Whether pages from here on are known of; a total may count rows or pages.
    pub(crate) fn owes_more(&self) -> bool {
        self.end.is_some() || self.total.is_some_and(|total| total > self.page && total > self.rows)
    }

    fn parse(text: &str) -> Result<Self, PagingError> {
        let fields = fields(text)?;
        let number = |key: &str| fields.get(key).and_then(Value::as_u64);
        Ok(Self {
            page: number("p").ok_or(PagingError::Cursor)?,
            end: number("e"),
            total: number("t"),
            rows: number("n").unwrap_or(0),
            empty: number("z").unwrap_or(0),
            settled: Settled::parse(&fields),
        })
    }

    /// Compact JSON: `{"p":3,"e":4,"t":25}`.
    fn text(&self) -> String {
        let mut fields = Map::new();
        fields.insert("p".to_owned(), json!(self.page));
        let some = |number: u64| Some(number).filter(|number| *number > 0);
        for (key, value) in
            [("e", self.end), ("t", self.total), ("n", some(self.rows)), ("z", some(self.empty))]
        {
            fields.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        self.settled.text(fields)
    }
}

impl PageNumber {
    pub(super) fn new(config: &PageNumberConfig, reading: Reading) -> Self {
        Self { config: config.clone(), reading }
    }

    pub(super) fn spot(&self) -> &Spot {
        &self.config.page_spot
    }

    pub(super) fn paths(&self) -> Paths<'_> {
        let total = self.config.total_path.as_ref().filter(|_| self.reading.total != TotalMode::Ignore);
        Paths {
            total: total.map(|total| &total.path),
            has_more: self.config.has_more_path.as_ref(),
            next: None,
        }
    }

    pub(super) fn cursor(&self, text: Option<&str>) -> Result<Cursor, PagingError> {
        match text {
            Some(text) => Cursor::parse(text),
            None => Ok(Cursor { page: self.config.page, ..Cursor::default() }),
        }
    }

    /// Whether the total speaks of pages by its name, and not perhaps of rows.
    fn counts_pages(&self) -> bool {
        let total = self.config.total_path.as_ref().filter(|total| total.written);
        let name = total.and_then(|total| total.path.last_name()).unwrap_or_default();
        name.to_lowercase().contains("page")
    }

    fn is_first(&self, cursor: &Cursor) -> bool {
        cursor.page == self.config.page && cursor.end.is_none() && cursor.total.is_none()
    }

    /// The first page that does not exist by this total.
    fn end_of(&self, total: u64) -> u64 {
        self.config.base_page.saturating_add(total)
    }

    pub(super) fn step(&self, cursor: &Cursor, seen: &Seen) -> Result<Outcome, PagingError> {
        self.refuse_missing_total(cursor, seen)?;
        let given = seen.total.as_deref().and_then(count);
        // A zero beside an empty page, after others, is an envelope without a thought.
        let given = given.filter(|total| *total > 0 || seen.received > 0 || self.is_first(cursor));
        let lie = |total: &u64| seen.received > 0 && cursor.page >= self.end_of(*total);
        let known = given.filter(|total| !lie(total)).or(cursor.total.filter(|total| !lie(total)));
        let known = known.filter(|_| self.reading.total == TotalMode::Exact);
        let more = has_more(self.config.has_more_path.as_ref(), seen.has_more.as_deref());
        let mut step = Step { known, rows: cursor.rows.saturating_add(seen.received), ..Step::default() };
        let continuation = if seen.received == 0 {
            self.empty(cursor, &mut step, more)?
        } else {
            self.filled(cursor, &step, more?)
        };
        Ok(Outcome { owed: seen.received, total: step.total_rows, continuation, notice: step.notice })
    }

    /// A total that the config names, and that the first page does not have, is a slip that would turn the checks off.
    fn refuse_missing_total(&self, cursor: &Cursor, seen: &Seen) -> Result<(), PagingError> {
        let named = self.config.has_more_path.is_none() && self.reading.total == TotalMode::Exact;
        match &self.config.total_path {
            Some(total)
                if total.written
                    && named
                    && self.is_first(cursor)
                    && seen.received > 0
                    && seen.total.is_none() =>
            {
                Err(PagingError::Total(total.path.text.clone()))
            }
            _ => Ok(()),
        }
    }

    fn filled(&self, cursor: &Cursor, step: &Step, more: Option<bool>) -> Continuation {
        let next = cursor.page.saturating_add(1);
        let left = |page: u64| step.known.is_none_or(|total| page < self.end_of(total));
        if let Some(end) = cursor.end
            && next >= end
        {
            return if self.beyond(end) && left(end) { self.limit() } else { Continuation::End };
        }
        if more == Some(false) || !left(next) {
            return Continuation::End;
        }
        if self.beyond(next) {
            return self.limit();
        }
        match step.known {
            Some(total)
                if self.counts_pages() && more.is_none() && cursor.end.is_none() && !self.reading.serial =>
            {
                self.rest(next, total, cursor)
            }
            _ => Continuation::Next(self.after(cursor, step, 0).text()),
        }
    }

    fn empty(
        &self,
        cursor: &Cursor,
        step: &mut Step,
        more: Result<Option<bool>, PagingError>,
    ) -> Result<Continuation, PagingError> {
        // An empty page ends it by dlt's rule before the flag is looked for.
        let more = if self.config.stop_after_empty_page { more.unwrap_or(None) } else { more? };
        if more == Some(false) {
            return Ok(Continuation::End);
        }
        let place = format!("page {}", cursor.page);
        if let Some(total) = step.known {
            let whole = self.config.page == self.config.base_page;
            if cursor.page >= self.end_of(total) {
                return Ok(Continuation::End);
            }
            if !self.counts_pages() && (step.rows == total || !whole) {
                // It counts rows, and they are all there.
                step.total_rows = Some(total).filter(|_| whole);
                return Ok(Continuation::End);
            }
            if self.config.stop_after_empty_page {
                let path = self.config.total_path.as_ref().map(|total| total.path.text.clone());
                let path = path.unwrap_or_default();
                return Err(PagingError::EmptyNumber { page: cursor.page, path, total });
            }
        } else if self.config.stop_after_empty_page {
            step.notice = (more == Some(true)).then(|| ended_by_empty_page(&place));
            return Ok(Continuation::End);
        }
        let next = cursor.page.saturating_add(1);
        if cursor.end.is_some_and(|end| next >= end) {
            return Ok(Continuation::End);
        }
        if self.beyond(next) {
            return Ok(self.limit());
        }
        if more.is_none() && step.known.is_none() && self.config.maximum_page.is_none() {
            return Err(PagingError::Stuck(place));
        }
        if cursor.empty >= MAX_EMPTY_PAGES {
            return Err(PagingError::Hollow);
        }
        Ok(Continuation::Next(self.after(cursor, step, cursor.empty.saturating_add(1)).text()))
    }

    /// The cursor of the page after this one, in the same chain.
    fn after(&self, cursor: &Cursor, step: &Step, empty: u64) -> Cursor {
        Cursor {
            page: cursor.page.saturating_add(1),
            end: cursor.end,
            total: step.known,
            rows: if self.counts_pages() || self.config.total_path.is_none() { 0 } else { step.rows },
            empty,
            settled: cursor.settled.clone(),
        }
    }

    /// The chains for what is left of `total` pages.
    fn rest(&self, from: u64, total: u64, cursor: &Cursor) -> Continuation {
        let make = |page: u64, end: Option<u64>| {
            let settled = cursor.settled.clone();
            Cursor { page, end, total: Some(total), settled, ..Cursor::default() }.text()
        };
        split::rest(from, self.end_of(total), 1, self.config.maximum_page, make)
    }

    /// No such page may be asked for.
    fn beyond(&self, page: u64) -> bool {
        self.config.maximum_page.is_some_and(|maximum| page >= maximum)
    }

    fn limit(&self) -> Continuation {
        Continuation::Limit(format!("maximum_page {}", self.config.maximum_page.unwrap_or_default()))
    }
}

/// What one page comes to.
#[derive(Default)]
struct Step {
    /// The total that holds after it.
    known: Option<u64>,
    /// Rows so far.
    rows: u64,
    /// The total, once it is sure that it counts rows.
    total_rows: Option<u64>,
    notice: Option<Notice>,
}
