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
    "total_size",
    "totalsize",
    "record_count",
    "result_count",
];
const PAGES: &[&str] = &["total_pages", "totalpages", "page_count", "pagecount", "num_pages"];
const FLAGS: &[&str] =
    &["has_more", "hasmore", "has_next", "hasnext", "has_next_page", "hasnextpage", "more"];

/// Refuses an answer that is only a part.
///
/// # Errors
/// [`Fault::BadResponse`] whose message has the paginator to write.
pub(crate) fn refuse_part(response: &Response, rows: u64, rows_span: Option<Span>) -> Result<(), Fault> {
    let Some(sign) = sign(response, rows, rows_span) else {
        return Ok(());
    };
    let limit = if rows == 0 { 100 } else { rows };
    let total = match &sign.total_path {
        Some(path) if path != "total" => format!(", total_path: {path}"),
        _ => String::new(),
    };
    let message = format!(
        "{rows} {}, but {}: name the paginator, such as `paginator: {{type: offset, limit: {limit}{total}}}`, or `paginator: single_page` if this page is all that is wanted",
        if rows == 1 { "row" } else { "rows" },
        sign.what
    );
    Err(crate::answer::bad(message, crate::answer::excerpt(&response.body), false))
}

struct Sign {
    what: String,
    total_path: Option<String>,
}

fn sign(response: &Response, rows: u64, rows_span: Option<Span>) -> Option<Sign> {
    let plain = |what: String| Sign { what, total_path: None };
    if response.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("link") && links_on(value)) {
        return Some(plain("the Link header has a next page".to_owned()));
    }
    let body = without_bom(&response.body);
    let entries = survey(body, |key, kind| kind != Kind::Array && kind != Kind::Null && tells(key)).ok()?;
    let outside = |entry: &&Entry| {
        !entry.path.is_empty()
            && rows_span.is_none_or(|rows| entry.span.start < rows.start || entry.span.start >= rows.end)
    };
    entries.iter().filter(outside).find_map(|entry| {
        let path = spelled(&entry.path.iter().cloned().map(Step::Member).collect::<Vec<_>>());
        let json = entry.span.of(body);
        let key = entry.key().to_lowercase();
        let scalar = entry.kind != Kind::Object;
        if TOTALS.contains(&key.as_str()) {
            let total = count(json).filter(|total| *total > rows)?;
            return Some(Sign { what: format!("`{path}` says {total}"), total_path: Some(path) });
        }
        if PAGES.contains(&key.as_str()) {
            let pages = count(json).filter(|pages| *pages > 1)?;
            return Some(plain(format!("`{path}` says {pages} pages")));
        }
        if FLAGS.contains(&key.as_str()) {
            return (json == b"true").then(|| plain(format!("`{path}` is true")));
        }
        // `next`, `nextLink`, `next_page_token`, `@odata.nextLink`, and below `next` a `href` or `url`.
        let usable = scalar && !matches!(plain_text(json).trim(), "" | "0" | "false");
        usable.then(|| plain(format!("`{path}` leads to a next page")))
    })
}

fn tells(key: &str) -> bool {
    let key = key.to_lowercase();
    let known = [TOTALS, PAGES, FLAGS].iter().any(|list| list.contains(&key.as_str()));
    known || key.starts_with("next") || key.contains("nextlink")
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
