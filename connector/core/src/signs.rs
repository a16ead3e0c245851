//! What an answer says of pages beside its rows: the signs by which a paginator is guessed, and rows are missed.

use crate::answer::plain_text;
use crate::contract::Response;
use crate::json::{Entry, Kind, Span, Step, survey, without_bom};
use crate::paging::{count, next_link};
use crate::select::spelled;

/// Names under which APIs say how many rows there are.
const TOTALS: &[&str] = &[
    "total",
    "total_count",
    "totalcount",
    "count",
    "total_results",
    "totalresults",
    "total_items",
    "totalitems",
    "total_records",
    "totalrecords",
    "total_rows",
    "totalrows",
    "total_elements",
    "totalelements",
    "total_entries",
    "totalentries",
    "total_size",
    "totalsize",
    "record_count",
    "result_count",
    "numfound",
];
const PAGES: &[&str] =
    &["total_pages", "totalpages", "pages", "page_count", "pagecount", "num_pages", "last_page", "lastpage"];
const FLAGS: &[&str] = &[
    "has_more",
    "hasmore",
    "has_next",
    "hasnext",
    "has_next_page",
    "hasnextpage",
    "more",
    "is_truncated",
    "istruncated",
    "truncated",
];
/// Names under which APIs repeat what they were asked for.
const PAGE_NUMBERS: &[&str] = &[
    "page",
    "current_page",
    "currentpage",
    "page_number",
    "pagenumber",
    "page_index",
    "pageindex",
    "page_no",
    "number",
    "current",
];
const OFFSETS: &[&str] = &["offset", "skip", "startat", "start_at"];
const LIMITS: &[&str] = &["limit", "maxresults", "max_results", "take", "per_page", "page_size", "pagesize"];
const TOTAL_HEADERS: &[&str] = &["x-total-count", "x-total", "x-wp-total", "total-count"];
const PAGES_HEADERS: &[&str] = &["x-total-pages", "x-wp-totalpages"];
/// Names on the way to a sign.
const MAX_PATH: usize = 8;

/// Something in an answer that speaks of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sign {
    /// The path in the body, or the header's name in lower case.
    pub(crate) place: String,
    /// The last name of the path, as it is written.
    pub(crate) key: String,
    /// For the message.
    pub(crate) what: String,
    pub(crate) tells: Tells,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tells {
    HeaderLink,
    HeaderCursor,
    /// The URL of the next page.
    NextUrl,
    /// What the next page is asked by.
    Cursor,
    /// The number of the next page.
    NextPage,
    /// The offset of the next page.
    NextOffset,
    /// So many pages.
    Pages {
        pages: u64,
        in_body: bool,
    },
    /// So many rows.
    Total {
        rows: u64,
        in_body: bool,
    },
    /// Whether there is more.
    Flag(bool),
    /// The number of this page.
    Page(u64),
    /// The offset of this page.
    Offset(u64),
    /// The rows that a page may have.
    Limit(u64),
    /// A place for the next page, and nothing there.
    NoNext,
}

impl Sign {
    /// Whether it says that an answer of so many rows is not all there is.
    pub(crate) fn says_more(&self, received: u64) -> bool {
        match self.tells {
            Tells::HeaderLink
            | Tells::HeaderCursor
            | Tells::NextUrl
            | Tells::Cursor
            | Tells::NextPage
            | Tells::NextOffset => true,
            Tells::Pages { pages, .. } => pages > 1,
            Tells::Total { rows, .. } => rows > received,
            Tells::Flag(more) => more,
            Tells::Page(_) | Tells::Offset(_) | Tells::Limit(_) | Tells::NoNext => false,
        }
    }
}

/// The signs in the headers, then those in the body outside of the rows, in its order.
pub(crate) fn signs(response: &Response, rows_span: Option<Span>) -> Vec<Sign> {
    let mut signs = header_signs(response);
    let body = without_bom(&response.body);
    let found = survey(body, MAX_PATH, |key, kind| kind != Kind::Array && tells(key)).unwrap_or_default();
    let outside = |entry: &&Entry| {
        !entry.path.is_empty()
            && rows_span.is_none_or(|rows| entry.span.start < rows.start || entry.span.start >= rows.end)
    };
    signs.extend(found.iter().filter(outside).filter_map(|entry| body_sign(entry, body)));
    signs
}

fn header_signs(response: &Response) -> Vec<Sign> {
    let mut signs = Vec::new();
    if next_link(response, "next").is_some() {
        signs.push(Sign {
            place: "link".to_owned(),
            key: "link".to_owned(),
            what: says(&Tells::HeaderLink),
            tells: Tells::HeaderLink,
        });
    }
    for (name, value) in &response.headers {
        let place = name.to_ascii_lowercase();
        let number = value.trim().parse::<u64>().ok();
        let tells = match place.as_str() {
            "x-next-page" | "x-next-cursor" if value.trim().is_empty() => Some(Tells::NoNext),
            "x-next-page" | "x-next-cursor" => Some(Tells::HeaderCursor),
            // RFC 9110, 14.4: `items 0-9/250`.
            "content-range" => {
                let total = value.rsplit('/').next().and_then(|total| total.trim().parse::<u64>().ok());
                total.map(|rows| Tells::Total { rows, in_body: false })
            }
            header if TOTAL_HEADERS.contains(&header) => {
                number.map(|rows| Tells::Total { rows, in_body: false })
            }
            header if PAGES_HEADERS.contains(&header) => {
                number.map(|pages| Tells::Pages { pages, in_body: false })
            }
            _ => None,
        };
        let Some(tells) = tells else { continue };
        let what = format!("the header `{name}` {}", says(&tells));
        signs.push(Sign { key: place.clone(), place, what, tells });
    }
    signs
}

fn body_sign(entry: &Entry, body: &[u8]) -> Option<Sign> {
    let place = spelled(&entry.path.iter().cloned().map(Step::Member).collect::<Vec<_>>());
    let tells = body_tells(entry, entry.span.of(body))?;
    let what = format!("`{place}` {}", says(&tells));
    Some(Sign { place, key: entry.key().to_owned(), what, tells })
}

fn body_tells(entry: &Entry, json: &[u8]) -> Option<Tells> {
    let key = folded(entry.key());
    let key = key.as_str();
    let above = entry.path.iter().rev().nth(1).map(|above| folded(above)).unwrap_or_default();
    if TOTALS.contains(&key) {
        return count(json).map(|rows| Tells::Total { rows, in_body: true });
    }
    if PAGES.contains(&key) {
        return count(json).map(|pages| Tells::Pages { pages, in_body: true });
    }
    if FLAGS.contains(&key) {
        return match json {
            b"true" => Some(Tells::Flag(true)),
            b"false" => Some(Tells::Flag(false)),
            _ => None,
        };
    }
    if PAGE_NUMBERS.contains(&key) {
        let plain = !matches!(key, "number" | "current") || above.starts_with("pag");
        return count(json).filter(|_| plain).map(Tells::Page);
    }
    if LIMITS.contains(&key) {
        return count(json).map(Tells::Limit);
    }
    if OFFSETS.contains(&key) {
        return match entry.kind {
            // A word where a number would be is what the next page is asked by.
            Kind::String if count(json).is_none() && json != b"\"\"" => Some(Tells::Cursor),
            _ => count(json).map(Tells::Offset),
        };
    }
    // `next`, `nextLink`, `next_page_token`, `@odata.nextLink`, and below `next` a `href`, `url` or `link`.
    let below_next = is_link(key) && above.starts_with("next");
    if entry.kind == Kind::Object || (is_link(key) && !below_next) {
        return None;
    }
    let text = plain_text(json);
    let text = text.trim();
    let is_number = count(json).is_some();
    Some(match text {
        "" | "0" | "false" | "null" => Tells::NoNext,
        "true" => Tells::Flag(true),
        _ if key.contains("offset") && is_number => Tells::NextOffset,
        _ if matches!(key, "next_page" | "nextpage" | "next_page_number") && is_number => Tells::NextPage,
        _ if text.starts_with("http") || text.starts_with(['/', '?']) || below_next => Tells::NextUrl,
        _ if (key.contains("link") || key.contains("url")) && !is_number => Tells::NextUrl,
        _ => Tells::Cursor,
    })
}

fn says(tells: &Tells) -> String {
    match tells {
        Tells::Total { rows, .. } => format!("says {rows}"),
        Tells::Pages { pages, .. } => format!("says {pages} pages"),
        Tells::Flag(flag) => format!("is {flag}"),
        // A guess is made from it, and nothing is refused.
        _ => String::new(),
    }
}

/// A name as it is compared.
fn folded(key: &str) -> String {
    key.trim_start_matches(['_', '@']).to_lowercase()
}

fn tells(key: &str) -> bool {
    let key = folded(key);
    let known = [TOTALS, PAGES, FLAGS, PAGE_NUMBERS, OFFSETS, LIMITS];
    known.iter().any(|list| list.contains(&key.as_str()))
        || key.starts_with("next")
        || key.contains("nextlink")
        || is_link(&key)
}

/// dlt's names for a link within an object, and one more.
fn is_link(key: &str) -> bool {
    key.starts_with("href") || key.starts_with("url") || key == "link"
}
