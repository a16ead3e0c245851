//! dlt's paginators that follow what an answer gives, as they are configured: cursors and links.

use super::spot::{self, Spot};
use super::{flag_or, name_or, path, path_or};
use crate::diagnostic::Problems;
use crate::document::{Fields, Keys};
use crate::select::ValuePath;

/// Where an answer says how it goes on.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Body(ValuePath),
    /// For a cursor the name of the header; for a link its relation in the `Link` headers (RFC 8288).
    Header(String),
}

/// `cursor` and `header_cursor`: a value to be sent with the next request.
#[derive(Debug, Clone)]
pub(crate) struct CursorConfig {
    pub(crate) source: Source,
    /// Where it is sent.
    pub(crate) spot: Spot,
    pub(crate) stop_after_empty_page: bool,
    pub(crate) has_more_path: Option<ValuePath>,
}

/// `json_link` and `header_link`: the URL of the next request.
#[derive(Debug, Clone)]
pub(crate) struct LinkConfig {
    pub(crate) source: Source,
}

pub(super) const CURSOR: Keys = Keys {
    of: "a paginator of type `cursor`",
    known: &[
        "type",
        "cursor_path",
        "cursor_param",
        "cursor_body_path",
        "stop_after_empty_page",
        "has_more_path",
    ],
    later: &[],
    elsewhere: &[],
};

pub(super) const HEADER_CURSOR: Keys = Keys {
    of: "a paginator of type `header_cursor`",
    known: &["type", "cursor_key", "cursor_param"],
    later: &[],
    elsewhere: &[],
};

pub(super) const JSON_LINK: Keys = Keys {
    of: "a paginator of type `json_link`",
    known: &["type", "next_url_path"],
    later: &[],
    elsewhere: &[],
};

pub(super) const HEADER_LINK: Keys = Keys {
    of: "a paginator of type `header_link`",
    known: &["type", "links_next_key"],
    later: &[],
    elsewhere: &[],
};

pub(super) fn cursor(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<CursorConfig> {
    let source = path_or(fields, "cursor_path", "cursors.next", problems);
    let spot = spot::read(fields, ["cursor_param", "cursor_body_path"], "cursor", problems);
    let stop_after_empty_page = flag_or(fields, "stop_after_empty_page", false, problems);
    let has_more_path = fields.take("has_more_path").and_then(|node| path(&node, problems));
    Some(CursorConfig { source: Source::Body(source?), spot, stop_after_empty_page, has_more_path })
}

pub(super) fn header_cursor(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<CursorConfig> {
    let key = name_or(fields, "cursor_key", "the name of a header", "next", problems);
    let param = name_or(fields, "cursor_param", "the name of a parameter", "cursor", problems);
    Some(CursorConfig {
        source: Source::Header(key),
        spot: Spot::Param(param),
        stop_after_empty_page: false,
        has_more_path: None,
    })
}

pub(super) fn json_link(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<LinkConfig> {
    let path = path_or(fields, "next_url_path", "next", problems)?;
    Some(LinkConfig { source: Source::Body(path) })
}

pub(super) fn header_link(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<LinkConfig> {
    let relation = name_or(fields, "links_next_key", "a link's relation", "next", problems);
    Some(LinkConfig { source: Source::Header(relation) })
}
