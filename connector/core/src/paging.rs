//! How an endpoint's pages hang together: what a page is asked by, and what it leaves to be read.
//!
//! A paginator is a value, and so is its cursor: small JSON text that says where a page starts and what its chain owes.
//! Nothing is remembered between pages but what is in the cursor, what the first page settled included.

mod cursor;
mod link;
mod link_header;
mod offset;
mod page_number;
mod said;
mod split;

use serde_json::{Map, Value};

use crate::config::{Paginator, Spot, TotalMode, read_paginator};
use crate::contract::{Continuation, Notice, Response};
use crate::diagnostic::Problems;
use crate::document::Node;
use crate::json::without_bom;
use crate::select::ValuePath;

pub(crate) use link_header::next_link;
pub(crate) use said::count;

/// What holds for the pages of a resource, however they are paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What totals are worth.
    pub(crate) total: TotalMode,
    /// Whether pages are read one after the other, never side by side.
    pub(crate) serial: bool,
}

/// A paginator of the plan.
#[derive(Debug, Clone)]
pub(crate) enum Pager {
    /// None was named: the first answer shows what it is, which is then read so.
    Auto(Reading),
    SinglePage,
    Offset(offset::Offset),
    PageNumber(page_number::PageNumber),
    Cursor(cursor::CursorPager),
    Link(link::LinkPager),
}

/// A paginator at one page.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// The first page, from which a paginator is to be guessed.
    Guess(Reading),
    /// The only page.
    Only,
    Offset(offset::Offset, offset::Cursor),
    PageNumber(page_number::PageNumber, page_number::Cursor),
    Cursor(cursor::CursorPager, cursor::Cursor),
    Link(link::LinkPager, link::Cursor),
}

/// What a page is asked by, beside what the config says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Parameters, which take the place of those of the same name, and members of a body, whose values are JSON.
    Values(Vec<(Spot, String)>),
    /// A URL, complete.
    Url(String),
}

/// What the first page settled for all that follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The data selector that was guessed.
    pub(crate) selector: Option<String>,
    /// The paginator that was guessed, as a config would write it.
    pub(crate) paginator: Option<Value>,
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
    /// The next cursor or link, as JSON.
    pub(crate) next: Option<Vec<u8>>,
    /// The URL that was asked.
    pub(crate) url: String,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Rows of this page that are owed, from its start; the others belong to the next chain.
    pub(crate) owed: u64,
    /// Rows that the whole read yields, if the API says how many.
    pub(crate) total: Option<u64>,
    pub(crate) continuation: Continuation,
    pub(crate) notice: Option<Notice>,
}

/// Paths beside the rows that a paginator looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Paths<'a> {
    pub(crate) total: Option<&'a ValuePath>,
    pub(crate) has_more: Option<&'a ValuePath>,
    pub(crate) next: Option<&'a ValuePath>,
}

impl<'a> Paths<'a> {
    /// Those that there are, in the order in which [`Seen::of`] takes their values.
    pub(crate) fn list(&self) -> Vec<&'a ValuePath> {
        [self.total, self.has_more, self.next].into_iter().flatten().collect()
    }
}

/// An answer that contradicts itself or the config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PagingError {
    #[error("empty page at offset {offset} while the total says {total}")]
    EmptyPage { offset: u64, total: u64 },
    #[error("empty page at offset {offset} although the span up to {end} was there before")]
    EmptySpan { offset: u64, end: u64 },
    #[error("page {page} is empty while `{path}` says {total}")]
    EmptyNumber { page: u64, path: String, total: u64 },
    #[error("empty page at {0}, and nothing says whether more follow (`stop_after_empty_page` is false)")]
    Stuck(String),
    #[error("empty page at {at}, though `{path}` says that more follows")]
    EmptyMore { at: String, path: String },
    #[error("{MAX_EMPTY_PAGES} pages came without a row, one after the other")]
    Hollow,
    #[error("nothing at total_path `{0}`; write `total_path: null` if the API gives no total")]
    Total(String),
    #[error("nothing usable at has_more_path `{path}`: {found}")]
    HasMore { path: String, found: String },
    #[error("`{has_more}` says that more follows, but {place} leads nowhere")]
    NoCursor { has_more: String, place: String },
    #[error("{place} leads to this page again: the pages would run in a circle")]
    Circle { place: String },
    #[error("{place} holds {found}, which is no {what}")]
    NotNext { place: String, found: String, what: &'static str },
    #[error("{place} leads to `{link}`, which is no URL to follow: {problem}")]
    NoUrl { place: String, link: String, problem: String },
    #[error("the cursor is not one of this paginator's")]
    Cursor,
}

/// Pages without a row that may come in a row: an API that filters after it has paged may send many.
pub(crate) const MAX_EMPTY_PAGES: u64 = 1_000;

impl PagingError {
    /// Whether the same request may be answered better.
    pub(crate) fn retry(&self) -> bool {
        matches!(self, Self::EmptyPage { .. } | Self::EmptySpan { .. } | Self::EmptyNumber { .. })
    }
}

impl Settled {
    fn parse(fields: &Map<String, Value>) -> Self {
        Self {
            selector: fields.get("s").and_then(Value::as_str).map(str::to_owned),
            paginator: fields.get("g").cloned(),
        }
    }

    /// The cursor's text: its own fields, then these.
    fn text(&self, mut fields: Map<String, Value>) -> String {
        fields
            .extend(self.selector.as_ref().map(|selector| ("s".to_owned(), Value::from(selector.as_str()))));
        fields.extend(self.paginator.as_ref().map(|paginator| ("g".to_owned(), paginator.clone())));
        Value::Object(fields).to_string()
    }
}

/// The fields of a cursor's text.
fn fields(text: &str) -> Result<Map<String, Value>, PagingError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(PagingError::Cursor),
    }
}

impl Seen {
    /// What `found` (the values of [`Paths::list`]) and the headers say.
    pub(crate) fn of(
        turn: &Turn,
        received: u64,
        found: &[Option<crate::json::Item>],
        response: &Response,
        url: String,
    ) -> Self {
        let body = without_bom(&response.body);
        let paths = turn.paths();
        let mut found = found.iter();
        let mut take = |path: Option<&ValuePath>| {
            path.and_then(|_| found.next()).copied().flatten().map(|item| item.span.of(body).to_vec())
        };
        let (total, has_more, next) = (take(paths.total), take(paths.has_more), take(paths.next));
        let in_header = || turn.header(response).map(|text| Value::from(text).to_string().into_bytes());
        Self { received, total, has_more, next: next.or_else(in_header), url }
    }
}

impl Pager {
    /// The paginator that a config names.
    pub(crate) fn of(paginator: &Paginator, reading: Reading) -> Self {
        match paginator {
            Paginator::Auto => Self::Auto(reading),
            Paginator::SinglePage => Self::SinglePage,
            Paginator::Offset(config) => Self::Offset(offset::Offset::new(config, reading)),
            Paginator::PageNumber(config) => Self::PageNumber(page_number::PageNumber::new(config, reading)),
            Paginator::Cursor(config) => Self::Cursor(cursor::CursorPager::new(config)),
            Paginator::Link(config) => Self::Link(link::LinkPager::new(config)),
        }
    }

    /// The paginator that a guess says, in the words of a config.
    pub(crate) fn guessed(paginator: &Value, reading: Reading) -> Result<Self, PagingError> {
        let mut problems = Problems::default();
        let node = Node { value: paginator, pointer: String::new() };
        match read_paginator(&node, &mut problems) {
            Some(paginator) if problems.is_empty() => Ok(Self::of(&paginator, reading)),
            _ => Err(PagingError::Cursor),
        }
    }

    /// Whether it reads a total, which `total` could then speak of.
    pub(crate) fn has_totals(&self) -> bool {
        matches!(self, Self::Auto(_) | Self::Offset(_) | Self::PageNumber(_))
    }

    /// Whether it writes into a body of JSON.
    pub(crate) fn fills_body(&self) -> bool {
        let spots = match self {
            Self::Auto(_) | Self::SinglePage | Self::Link(_) => Vec::new(),
            Self::Offset(offset) => offset.spots().to_vec(),
            Self::PageNumber(pages) => vec![pages.spot()],
            Self::Cursor(cursor) => vec![cursor.spot()],
        };
        spots.iter().any(|spot| spot.param().is_none())
    }

    /// The parameters that it sets: those of every request, and those of all but the first.
    pub(crate) fn params(&self) -> (Vec<&str>, Vec<&str>) {
        match self {
            Self::Auto(_) | Self::SinglePage | Self::Link(_) => (Vec::new(), Vec::new()),
            Self::Offset(offset) => {
                (offset.spots().into_iter().filter_map(Spot::param).collect(), Vec::new())
            }
            Self::PageNumber(pages) => (pages.spot().param().into_iter().collect(), Vec::new()),
            Self::Cursor(cursor) => (Vec::new(), cursor.spot().param().into_iter().collect()),
        }
    }

    /// The paginator at the page of a request.
    pub(crate) fn turn(&self, cursor: Option<&str>) -> Result<Turn, PagingError> {
        Ok(match (self, cursor) {
            (Self::Auto(reading), None) => Turn::Guess(*reading),
            (Self::SinglePage, None) => Turn::Only,
            (Self::SinglePage, Some(_)) => return Err(PagingError::Cursor),
            (Self::Auto(reading), Some(text)) => {
                let guess = Settled::parse(&fields(text)?).paginator.ok_or(PagingError::Cursor)?;
                match Self::guessed(&guess, *reading)? {
                    Self::Auto(_) => return Err(PagingError::Cursor),
                    pager => return pager.turn(cursor),
                }
            }
            (Self::Offset(offset), _) => Turn::Offset(offset.clone(), offset.cursor(cursor)?),
            (Self::PageNumber(pages), _) => Turn::PageNumber(pages.clone(), pages.cursor(cursor)?),
            (Self::Cursor(pager), _) => Turn::Cursor(pager.clone(), cursor::Cursor::read(cursor)?),
            (Self::Link(pager), _) => Turn::Link(pager.clone(), link::Cursor::read(cursor)?),
        })
    }
}

impl Turn {
    pub(crate) fn ask(&self) -> Ask {
        Ask::Values(match self {
            Self::Guess(_) | Self::Only => Vec::new(),
            Self::Offset(offset, cursor) => {
                offset.ask(cursor).map(|(spot, value)| (spot.clone(), value.to_string())).to_vec()
            }
            Self::PageNumber(pages, cursor) => vec![(pages.spot().clone(), cursor.page.to_string())],
            Self::Cursor(pager, cursor) => {
                let value = cursor.sent(pager.spot());
                value.map(|value| (pager.spot().clone(), value)).into_iter().collect()
            }
            Self::Link(_, cursor) => match &cursor.url {
                Some(url) => return Ask::Url(url.clone()),
                None => Vec::new(),
            },
        })
    }

    pub(crate) fn paths(&self) -> Paths<'_> {
        match self {
            Self::Guess(_) | Self::Only => Paths::default(),
            Self::Offset(offset, _) => offset.paths(),
            Self::PageNumber(pages, _) => pages.paths(),
            Self::Cursor(pager, _) => pager.paths(),
            Self::Link(pager, _) => pager.paths(),
        }
    }

    /// What a header says of the next page.
    fn header(&self, response: &Response) -> Option<String> {
        match self {
            Self::Guess(_) | Self::Only | Self::Offset(..) | Self::PageNumber(..) => None,
            Self::Cursor(pager, _) => pager.header(response),
            Self::Link(pager, _) => pager.header(response),
        }
    }

    /// Whether it is known that rows would be missing if nothing came any more.
    pub(crate) fn owes_more(&self) -> bool {
        match self {
            Self::Guess(_) | Self::Only | Self::Cursor(..) | Self::Link(..) => false,
            Self::Offset(_, cursor) => cursor.owes_more(),
            Self::PageNumber(_, cursor) => cursor.owes_more(),
        }
    }

    /// What the first page settled.
    pub(crate) fn settled(&mut self) -> Option<&mut Settled> {
        match self {
            Self::Guess(_) | Self::Only => None,
            Self::Offset(_, cursor) => Some(&mut cursor.settled),
            Self::PageNumber(_, cursor) => Some(&mut cursor.settled),
            Self::Cursor(_, cursor) => Some(&mut cursor.settled),
            Self::Link(_, cursor) => Some(&mut cursor.settled),
        }
    }

    /// What a page leaves to be read. What is settled is passed on to every cursor that follows.
    pub(crate) fn step(&self, seen: &Seen) -> Result<Outcome, PagingError> {
        match self {
            Self::Guess(_) | Self::Only => Ok(Outcome {
                owed: seen.received,
                total: None,
                continuation: Continuation::End,
                notice: None,
            }),
            Self::Offset(offset, cursor) => offset.step(cursor, seen),
            Self::PageNumber(pages, cursor) => pages.step(cursor, seen),
            Self::Cursor(pager, cursor) => pager.step(cursor, seen),
            Self::Link(pager, cursor) => pager.step(cursor, seen),
        }
    }
}

/// Said where an empty page ends a read by dlt's rule, though the API says that more follows.
fn ended_by_empty_page(place: &str) -> Notice {
    Notice {
        code: "empty-page-ended",
        message: format!(
            "the page at {place} was empty, so reading ended, though the API says that more follows"
        ),
        hint: Some("\"stop_after_empty_page\": false".to_owned()),
        settles: Vec::new(),
    }
}
