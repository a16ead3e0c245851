//! `paginator`: how the pages of an endpoint hang together.

use super::union;
use crate::diagnostic::{Problems, did_you_mean, list};
use crate::document::{At, Fields, Keys, Node};
use crate::json::Step;
use crate::select::plain_path;

#[derive(Debug, Clone)]
pub(crate) enum Paginator {
    /// As if none were named.
    Auto,
    SinglePage,
    Offset(OffsetConfig),
}

/// dlt's `offset` paginator.
#[derive(Debug, Clone)]
pub(crate) struct OffsetConfig {
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    pub(crate) offset_param: String,
    pub(crate) limit_param: String,
    pub(crate) total_path: Option<Vec<Step>>,
    /// Whether the config names it; otherwise it is dlt's default, which many an API does not have.
    pub(crate) total_path_written: bool,
    /// No request starts at this offset or beyond it.
    pub(crate) maximum_offset: Option<u64>,
    pub(crate) stop_after_empty_page: bool,
    pub(crate) has_more_path: Option<At<Vec<Step>>>,
}

const TYPES: &[&str] = &["offset", "single_page", "auto"];
const LATER: &[&str] =
    &["page_number", "cursor", "json_link", "json_response", "header_link", "header_cursor"];
const OFFSET: Keys = Keys {
    of: "a paginator of type `offset`",
    known: &[
        "type",
        "limit",
        "offset",
        "offset_param",
        "limit_param",
        "total_path",
        "maximum_offset",
        "stop_after_empty_page",
        "has_more_path",
    ],
    later: &["offset_body_path", "limit_body_path"],
    elsewhere: &[],
};

pub(crate) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Paginator> {
    let (kind, fields) = union(node, "a paginator", problems)?;
    let Some(kind) = kind else {
        problems.hint(&node.pointer, "a paginator needs its `type`", "\"type\": \"offset\"");
        return None;
    };
    let plain = |of, paginator, fields: Fields<'_>, problems: &mut Problems| {
        fields.close(&Keys { of, known: &["type"], later: &[], elsewhere: &[] }, problems);
        Some(paginator)
    };
    match kind.value.as_str() {
        "offset" => offset(node, fields, problems).map(Paginator::Offset),
        "single_page" => plain("a paginator of type `single_page`", Paginator::SinglePage, fields, problems),
        "auto" => plain("a paginator of type `auto`", Paginator::Auto, fields, problems),
        later if LATER.contains(&later) => {
            problems.later(&kind.pointer, &format!("the paginator `{later}`"));
            None
        }
        other => {
            let hint = did_you_mean(other, TYPES.iter().chain(LATER).copied())
                .unwrap_or_else(|| format!("known here: {}", list(TYPES.iter().copied())));
            problems.hint(&kind.pointer, format!("unknown type of paginator `{other}`"), hint);
            None
        }
    }
}

fn offset(node: &Node<'_>, mut fields: Fields<'_>, problems: &mut Problems) -> Option<OffsetConfig> {
    let limit = match fields.take("limit") {
        Some(node) => node.count(problems).filter(|limit| {
            if *limit == 0 {
                problems.add(&node.pointer, "a page of 0 rows leads nowhere");
            }
            *limit > 0
        }),
        None => {
            let hint = "{\"type\": \"offset\", \"limit\": 100}";
            problems.hint(&node.pointer, "the paginator `offset` needs `limit`, the rows of a page", hint);
            None
        }
    };
    let offset = fields.take("offset").and_then(|node| node.count(problems)).unwrap_or(0);
    let mut param = |key: &str, default: &str, problems: &mut Problems| match fields.take(key) {
        Some(node) => {
            node.name("the name of a parameter", problems).map_or_else(String::new, |name| name.value)
        }
        None => default.to_owned(),
    };
    let offset_param = param("offset_param", "offset", problems);
    let limit_param = param("limit_param", "limit", problems);
    if offset_param == limit_param {
        problems.add(&node.pointer, format!("`{limit_param}` cannot carry both the offset and the limit"));
    }
    // dlt: absent means "total", null means that there is none.
    let mut total_path_written = false;
    let total_path = match fields.take_raw("total_path") {
        None => Some(vec![Step::Member("total".to_owned())]),
        Some(node) if node.value.is_null() => None,
        Some(node) => {
            total_path_written = true;
            path(&node, problems).map(|path| path.value)
        }
    };
    let maximum_offset = fields.take("maximum_offset").and_then(|node| node.count(problems));
    let stop_after_empty_page =
        fields.take("stop_after_empty_page").and_then(|node| node.boolean(problems)).unwrap_or(true);
    let has_more_path = fields.take("has_more_path").and_then(|node| path(&node, problems));
    fields.close(&OFFSET, problems);
    if total_path.is_none() && has_more_path.is_none() && maximum_offset.is_none() && !stop_after_empty_page {
        let message = "nothing would ever end this paginator";
        problems.hint(&node.pointer, message, "give `total_path`, `has_more_path` or `maximum_offset`");
    }
    Some(OffsetConfig {
        limit: limit?,
        offset,
        offset_param,
        limit_param,
        total_path,
        total_path_written,
        maximum_offset,
        stop_after_empty_page,
        has_more_path,
    })
}

fn path(node: &Node<'_>, problems: &mut Problems) -> Option<At<Vec<Step>>> {
    let text = node.name("a path", problems)?;
    match plain_path(&text.value) {
        Ok(steps) => Some(node.at(steps)),
        Err(error) => {
            problems.add(&node.pointer, error.to_string());
            None
        }
    }
}
