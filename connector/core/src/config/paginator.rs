//! `paginator`: how the pages of an endpoint hang together.

mod follow;
mod offset;
mod page_number;
mod spot;

use super::{inside, union};
use crate::diagnostic::{Problems, did_you_mean, list};
use crate::document::{Fields, Keys, Node};
use crate::select::ValuePath;

pub(crate) use follow::{CursorConfig, LinkConfig, Source};
pub(crate) use offset::OffsetConfig;
pub(crate) use page_number::PageNumberConfig;
pub(crate) use spot::Spot;

#[derive(Debug, Clone)]
pub(crate) enum Paginator {
    /// As if none were named.
    Auto,
    SinglePage,
    Offset(OffsetConfig),
    PageNumber(PageNumberConfig),
    /// `cursor` and `header_cursor`.
    Cursor(CursorConfig),
    /// `json_link` and `header_link`.
    Link(LinkConfig),
}

/// Where an API says how many rows or pages there are.
#[derive(Debug, Clone)]
pub(crate) struct TotalPath {
    pub(crate) path: ValuePath,
    /// Whether the config names it; otherwise it is dlt's default, which many an API does not have.
    pub(crate) written: bool,
}

const TYPES: &[&str] = &[
    "offset",
    "page_number",
    "cursor",
    "json_link",
    "header_link",
    "header_cursor",
    "single_page",
    "auto",
    "json_response",
];

pub(crate) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Paginator> {
    let (kind, mut fields) = union(node, "a paginator", problems)?;
    let Some(kind) = kind else {
        problems.hint(&inside(node, "type"), "a paginator needs its `type`", "\"type\": \"offset\"");
        return None;
    };
    let (paginator, keys) = match kind.value.as_str() {
        "offset" => (offset::read(node, &mut fields, problems).map(Paginator::Offset), &offset::KEYS),
        "page_number" => {
            (page_number::read(node, &mut fields, problems).map(Paginator::PageNumber), &page_number::KEYS)
        }
        "cursor" => (follow::cursor(&mut fields, problems).map(Paginator::Cursor), &follow::CURSOR),
        "header_cursor" => {
            (follow::header_cursor(&mut fields, problems).map(Paginator::Cursor), &follow::HEADER_CURSOR)
        }
        // dlt's older name for the same.
        "json_link" | "json_response" => {
            (follow::json_link(&mut fields, problems).map(Paginator::Link), &follow::JSON_LINK)
        }
        "header_link" => {
            (follow::header_link(&mut fields, problems).map(Paginator::Link), &follow::HEADER_LINK)
        }
        "single_page" => (Some(Paginator::SinglePage), &SINGLE_PAGE),
        "auto" => (Some(Paginator::Auto), &AUTO),
        other => {
            let hint = did_you_mean(other, TYPES.iter().copied())
                .unwrap_or_else(|| format!("known here: {}", list(TYPES.iter().copied())));
            problems.hint(&kind.pointer, format!("unknown type of paginator `{other}`"), hint);
            return None;
        }
    };
    fields.close(keys, problems);
    paginator
}

const SINGLE_PAGE: Keys =
    Keys { of: "a paginator of type `single_page`", known: &["type"], later: &[], elsewhere: &[] };
const AUTO: Keys = Keys { of: "a paginator of type `auto`", known: &["type"], later: &[], elsewhere: &[] };

fn path(node: &Node<'_>, problems: &mut Problems) -> Option<ValuePath> {
    let text = node.name("a path", problems)?;
    ValuePath::parse(&text.value)
        .map_err(|error| {
            let hint = "quote unusual names: `['@odata.nextLink']`";
            problems.hint(&node.pointer, format!("`{}`: {error}", text.value), hint);
        })
        .ok()
}

/// The path at `key`, or the default.
fn path_or(fields: &mut Fields<'_>, key: &str, default: &str, problems: &mut Problems) -> Option<ValuePath> {
    match fields.take(key) {
        Some(node) => path(&node, problems),
        None => ValuePath::parse(default).ok(),
    }
}

/// `total_path`: absent means `total`, null means that there is none.
fn total_path(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<TotalPath> {
    let (path, written) = match fields.take_raw("total_path") {
        None => (ValuePath::parse("total").ok(), false),
        Some(node) if node.value.is_null() => (None, false),
        Some(node) => (path(&node, problems), true),
    };
    path.map(|path| TotalPath { path, written })
}

/// Says of a paginator that has no end in sight what would give it one; `maximum` is the key of its limit.
fn expect_end(has_end: bool, node: &Node<'_>, maximum: &str, problems: &mut Problems) {
    if !has_end {
        let hint = format!("give `total_path`, `has_more_path` or `{maximum}`");
        problems.hint(&node.pointer, "nothing would ever end this paginator", hint);
    }
}

/// The name at `key`, or the default; empty where it cannot be read, which has been said.
fn name_or(fields: &mut Fields<'_>, key: &str, what: &str, default: &str, problems: &mut Problems) -> String {
    match fields.take(key) {
        Some(node) => node.name(what, problems).map_or_else(String::new, |name| name.value),
        None => default.to_owned(),
    }
}

fn count_at(fields: &mut Fields<'_>, key: &str, problems: &mut Problems) -> Option<u64> {
    fields.take(key).and_then(|node| node.count(problems))
}

fn flag_or(fields: &mut Fields<'_>, key: &str, default: bool, problems: &mut Problems) -> bool {
    fields.take(key).and_then(|node| node.boolean(problems)).unwrap_or(default)
}
