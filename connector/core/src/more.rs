//! Signs that an answer is not all there is, for a resource that names no paginator.

use crate::answer::plain_text;
use crate::contract::{Fault, Response};
use crate::json::{Entry, Kind, Span, Step, survey, without_bom};
use crate::offset::count;
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
const TOTAL_HEADERS: &[&str] = &["x-total-count", "x-total", "x-wp-total", "total-count"];
const PAGES_HEADERS: &[&str] = &["x-total-pages", "x-wp-totalpages"];

/// Refuses an answer that is only a part.
///
/// # Errors
/// [`Fault::BadResponse`] whose message has the paginator to write.
pub(crate) fn refuse_part(response: &Response, rows: u64, rows_span: Option<Span>) -> Result<(), Fault> {
    let mut signs = header_signs(response, rows);
    signs.extend(body_signs(response, rows, rows_span));
    // The one that says most about how the API pages; among equals the first.
    let Some(sign) = signs.iter().min_by_key(|sign| sign.tells.rank()) else {
        return Ok(());
    };
    let total = signs.iter().find(|sign| matches!(sign.tells, Tells::Total { in_body: true }));
    let message = format!(
        "{rows} {}, but {}: {} `paginator: single_page` if this page is all that is wanted",
        if rows == 1 { "row" } else { "rows" },
        sign.what,
        advice(sign, total, rows)
    );
    Err(crate::answer::bad(message, crate::answer::excerpt(&response.body), false))
}

/// Something in an answer that speaks of more rows.
struct Sign {
    /// The path in the body, or the header's name.
    place: String,
    /// For the message.
    what: String,
    tells: Tells,
}

/// How the API seems to page, by dlt's rules of detection first, then by what else is usual.
enum Tells {
    /// The request for the next page is this one with an offset.
    Offset {
        limit: Option<u64>,
    },
    HeaderLink,
    NextUrl,
    Pages {
        in_body: bool,
    },
    HeaderCursor,
    Cursor,
    Total {
        in_body: bool,
    },
    Flag,
}

impl Tells {
    fn rank(&self) -> u8 {
        match self {
            Self::Offset { .. } => 0,
            Self::HeaderLink => 1,
            Self::NextUrl => 2,
            Self::Pages { .. } => 3,
            Self::HeaderCursor => 4,
            Self::Cursor => 5,
            Self::Total { .. } => 6,
            Self::Flag => 7,
        }
    }
}

/// What to write, with a paginator that there is, or the one that there would have to be.
fn advice(sign: &Sign, total: Option<&Sign>, rows: u64) -> String {
    let place = &sign.place;
    let offset = |limit: Option<u64>, more: &str| {
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(if rows == 0 { 100 } else { rows });
        format!("`paginator: {{type: offset, limit: {limit}{more}}}`")
    };
    let total = total.map(|total| match total.place.as_str() {
        "total" => String::new(),
        path => format!(", total_path: {path}"),
    });
    let needed = match &sign.tells {
        Tells::Offset { limit } => {
            let more = total.unwrap_or_else(|| ", total_path: null".to_owned());
            return format!("name the paginator, such as {}, or", offset(*limit, &more));
        }
        Tells::Total { in_body: true } => {
            return format!("name the paginator, such as {}, or", offset(None, &total.unwrap_or_default()));
        }
        Tells::Total { in_body: false } => {
            return format!("name the paginator, such as {}, or", offset(None, ", total_path: null"));
        }
        Tells::Flag => {
            let more = format!(", total_path: null, has_more_path: {place}");
            return format!("name the paginator, such as {}, or", offset(None, &more));
        }
        Tells::HeaderLink => "header_link".to_owned(),
        Tells::NextUrl => format!("{{type: json_link, next_url_path: {place}}}"),
        Tells::Pages { in_body: true } => format!("{{type: page_number, total_path: {place}}}"),
        Tells::Pages { in_body: false } => "{type: page_number, total_path: null}".to_owned(),
        Tells::HeaderCursor => format!("{{type: header_cursor, cursor_key: {place}}}"),
        Tells::Cursor => format!("{{type: cursor, cursor_path: {place}}}"),
    };
    let instead = match total {
        Some(total) => format!("{} if the API takes offsets too, or", offset(None, &total)),
        None => "write".to_owned(),
    };
    format!("that takes `paginator: {needed}`, which is not supported yet; {instead}")
}

fn header_signs(response: &Response, rows: u64) -> Vec<Sign> {
    let mut signs = Vec::new();
    for (name, value) in &response.headers {
        let place = name.to_ascii_lowercase();
        let mut add = |what: String, tells: Tells| signs.push(Sign { place: place.clone(), what, tells });
        let number = value.trim().parse::<u64>().ok();
        match place.as_str() {
            "link" if links_on(value) => {
                add("the Link header has a next page".to_owned(), Tells::HeaderLink);
            }
            "x-next-page" | "x-next-cursor" if !value.trim().is_empty() => {
                add(format!("the header `{name}` leads to a next page"), Tells::HeaderCursor);
            }
            // RFC 9110, 14.4: `items 0-9/250`.
            "content-range" => {
                let total = value.rsplit('/').next().and_then(|total| total.trim().parse::<u64>().ok());
                if let Some(total) = total.filter(|total| *total > rows) {
                    add(format!("the header `{name}` says {total}"), Tells::Total { in_body: false });
                }
            }
            header if TOTAL_HEADERS.contains(&header) => {
                if let Some(total) = number.filter(|total| *total > rows) {
                    add(format!("the header `{name}` says {total}"), Tells::Total { in_body: false });
                }
            }
            header if PAGES_HEADERS.contains(&header) => {
                if let Some(pages) = number.filter(|pages| *pages > 1) {
                    add(format!("the header `{name}` says {pages} pages"), Tells::Pages { in_body: false });
                }
            }
            _ => {}
        }
    }
    signs
}

fn body_signs(response: &Response, rows: u64, rows_span: Option<Span>) -> Vec<Sign> {
    let body = without_bom(&response.body);
    let found = survey(body, |key, kind| kind != Kind::Array && kind != Kind::Null && tells(key));
    let outside = |entry: &&Entry| {
        !entry.path.is_empty()
            && rows_span.is_none_or(|rows| entry.span.start < rows.start || entry.span.start >= rows.end)
    };
    found
        .unwrap_or_default()
        .iter()
        .filter(outside)
        .filter_map(|entry| body_sign(entry, body, rows))
        .collect()
}

fn body_sign(entry: &Entry, body: &[u8], rows: u64) -> Option<Sign> {
    let place = spelled(&entry.path.iter().cloned().map(Step::Member).collect::<Vec<_>>());
    let json = entry.span.of(body);
    let key = entry.key().to_lowercase();
    let sign = |what: String, tells: Tells| Some(Sign { place: place.clone(), what, tells });
    if TOTALS.contains(&key.as_str()) {
        let total = count(json).filter(|total| *total > rows)?;
        return sign(format!("`{place}` says {total}"), Tells::Total { in_body: true });
    }
    if PAGES.contains(&key.as_str()) {
        let pages = count(json).filter(|pages| *pages > 1)?;
        return sign(format!("`{place}` says {pages} pages"), Tells::Pages { in_body: true });
    }
    if FLAGS.contains(&key.as_str()) {
        return if json == b"true" { sign(format!("`{place}` is true"), Tells::Flag) } else { None };
    }
    // `next`, `nextLink`, `next_page_token`, `@odata.nextLink`, and below `next` a `href` or `url`.
    let above = entry.path.iter().rev().nth(1).map(|key| key.to_lowercase());
    let below_next = is_link(&key) && above.is_some_and(|above| above.starts_with("next"));
    if entry.kind == Kind::Object || (is_link(&key) && !below_next) {
        return None;
    }
    let text = plain_text(json);
    let text = text.trim();
    let tells = match text {
        "" | "0" | "false" => return None,
        "true" => return sign(format!("`{place}` is true"), Tells::Flag),
        _ if key.contains("offset") && count(json).is_some() => Tells::Offset { limit: None },
        link if link.starts_with("http") || link.starts_with('/') || below_next || key.contains("link") => {
            offset_in(link).unwrap_or(Tells::NextUrl)
        }
        _ => Tells::Cursor,
    };
    sign(format!("`{place}` leads to a next page"), tells)
}

/// A link that asks by `offset` and `limit` shows how the API pages.
fn offset_in(link: &str) -> Option<Tells> {
    let (_, query) = link.split_once('?')?;
    let number = |wanted: &str| {
        let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted)?;
        found.1.parse::<u64>().ok()
    };
    number("offset").map(|_| Tells::Offset { limit: number("limit") })
}

fn tells(key: &str) -> bool {
    let key = key.to_lowercase();
    let known = [TOTALS, PAGES, FLAGS].iter().any(|list| list.contains(&key.as_str()));
    known || key.starts_with("next") || key.contains("nextlink") || is_link(&key)
}

/// dlt's names for a link within an object.
fn is_link(key: &str) -> bool {
    key.starts_with("href") || key.starts_with("url")
}

/// Whether a `Link` header (RFC 8288) has a link to the next page.
fn links_on(header: &str) -> bool {
    header.split(',').any(|link| {
        link.split(';').skip(1).filter_map(|param| param.split_once('=')).any(|(name, value)| {
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        })
    })
}
