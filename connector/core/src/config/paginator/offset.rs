//! dlt's `offset` paginator, as it is configured.

use super::spot::{self, Spot};
use super::{TotalPath, count_at, expect_end, flag_or, path, total_path};
use crate::config::inside;
use crate::diagnostic::Problems;
use crate::document::{Fields, Keys, Node};
use crate::select::ValuePath;

#[derive(Debug, Clone)]
pub(crate) struct OffsetConfig {
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    pub(crate) offset_spot: Spot,
    pub(crate) limit_spot: Spot,
    pub(crate) total_path: Option<TotalPath>,
    /// No request starts at this offset or beyond it.
    pub(crate) maximum_offset: Option<u64>,
    pub(crate) stop_after_empty_page: bool,
    pub(crate) has_more_path: Option<ValuePath>,
}

pub(super) const KEYS: Keys = Keys {
    of: "a paginator of type `offset`",
    known: &[
        "type",
        "limit",
        "offset",
        "offset_param",
        "limit_param",
        "offset_body_path",
        "limit_body_path",
        "total_path",
        "maximum_offset",
        "stop_after_empty_page",
        "has_more_path",
    ],
    later: &[],
    elsewhere: &[],
};

pub(super) fn read(
    node: &Node<'_>,
    fields: &mut Fields<'_>,
    problems: &mut Problems,
) -> Option<OffsetConfig> {
    let limit = match fields.take("limit") {
        Some(node) => node.count(problems).filter(|limit| {
            if *limit == 0 {
                problems.hint(&node.pointer, "a page of 0 rows leads nowhere", "\"limit\": 100");
            }
            *limit > 0
        }),
        None => {
            let hint = "{\"type\": \"offset\", \"limit\": 100}";
            let message = "the paginator `offset` needs `limit`, the rows of a page";
            problems.hint(&inside(node, "limit"), message, hint);
            None
        }
    };
    let offset = count_at(fields, "offset", problems).unwrap_or(0);
    let offset_spot = spot::read(fields, ["offset_param", "offset_body_path"], "offset", problems);
    let limit_spot = spot::read(fields, ["limit_param", "limit_body_path"], "limit", problems);
    if offset_spot == limit_spot {
        problems.add(&node.pointer, format!("`{limit_spot}` cannot carry both the offset and the limit"));
    }
    let total_path = total_path(fields, problems);
    let maximum_offset = count_at(fields, "maximum_offset", problems);
    let stop_after_empty_page = flag_or(fields, "stop_after_empty_page", true, problems);
    let has_more_path = fields.take("has_more_path").and_then(|node| path(&node, problems));
    let says = total_path.is_some() || has_more_path.is_some() || maximum_offset.is_some();
    expect_end(says || stop_after_empty_page, node, "maximum_offset", problems);
    Some(OffsetConfig {
        limit: limit?,
        offset,
        offset_spot,
        limit_spot,
        total_path,
        maximum_offset,
        stop_after_empty_page,
        has_more_path,
    })
}
