//! dlt's `page_number` paginator, as it is configured.

use super::spot::{self, Spot};
use super::{TotalPath, count_at, expect_end, flag_or, path, total_path};
use crate::diagnostic::Problems;
use crate::document::{Fields, Keys, Node};
use crate::select::ValuePath;

#[derive(Debug, Clone)]
pub(crate) struct PageNumberConfig {
    /// The number of the API's first page.
    pub(crate) base_page: u64,
    /// The first page that is asked for.
    pub(crate) page: u64,
    pub(crate) page_spot: Spot,
    /// Where the API says how many pages there are.
    pub(crate) total_path: Option<TotalPath>,
    /// No page of this number or beyond it is asked for.
    pub(crate) maximum_page: Option<u64>,
    pub(crate) stop_after_empty_page: bool,
    pub(crate) has_more_path: Option<ValuePath>,
}

pub(super) const KEYS: Keys = Keys {
    of: "a paginator of type `page_number`",
    known: &[
        "type",
        "base_page",
        "page",
        "page_param",
        "page_body_path",
        "total_path",
        "maximum_page",
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
) -> Option<PageNumberConfig> {
    let base_page = count_at(fields, "base_page", problems).unwrap_or(0);
    let config = PageNumberConfig {
        base_page,
        page: count_at(fields, "page", problems).unwrap_or(base_page),
        page_spot: spot::read(fields, ["page_param", "page_body_path"], "page", problems),
        total_path: total_path(fields, problems),
        maximum_page: count_at(fields, "maximum_page", problems),
        stop_after_empty_page: flag_or(fields, "stop_after_empty_page", true, problems),
        has_more_path: fields.take("has_more_path").and_then(|node| path(&node, problems)),
    };
    let says = config.total_path.is_some() || config.has_more_path.is_some() || config.maximum_page.is_some();
    expect_end(says || config.stop_after_empty_page, node, "maximum_page", problems);
    if config.page < config.base_page {
        let message = format!("page {} would come before `base_page` {}", config.page, config.base_page);
        problems.add(&node.pointer, message);
    }
    Some(config)
}
