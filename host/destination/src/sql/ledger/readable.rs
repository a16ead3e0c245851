//! What the checkpoint says, as rows for people to read: of loads, failures, refused rows.

use super::Begun;
use crate::checkpoint::{ErrorLine, Load, LoadStatus, QuarantinedRow};
use crate::sql::session::Scalar;
use crate::timestamp::iso8601;

pub(super) fn readable(pipeline: &str, load: &Load, begun: Option<&Begun>) -> [Scalar; 14] {
    let begun = begun.filter(|begun| begun.load_id == load.load_id);
    let status = match load.status {
        LoadStatus::Running => "running",
        LoadStatus::Refused => "refused",
        LoadStatus::Complete => "complete",
    };
    [
        text(pipeline),
        text(&load.resource),
        text(&load.load_id),
        optional(begun.map(|begun| begun.table.as_str())),
        optional(begun.map(|begun| begun.way.as_str())),
        text(status),
        count(load.rows),
        count(load.pages),
        count(load.retries),
        count(load.refused_rows),
        load.total.map_or(Scalar::Null, count),
        text(&iso8601(load.started_ms)),
        text(&iso8601(load.updated_ms)),
        optional(load.limit.as_deref()),
    ]
}

pub(super) fn failure(pipeline: &str, line: &ErrorLine) -> [Scalar; 11] {
    [
        text(&iso8601(line.at_ms)),
        text(pipeline),
        text(&line.load_id),
        text(&line.resource),
        optional(line.partition_key.as_deref()),
        optional(line.url.as_deref()),
        line.status.map_or(Scalar::Null, |status| Scalar::Int(status.into())),
        count(line.attempts.into()),
        text(&line.message),
        optional(line.excerpt.as_deref()),
        optional(line.request_id.as_deref()),
    ]
}

pub(super) fn kept(pipeline: &str, row: &QuarantinedRow) -> [Scalar; 7] {
    [
        text(&iso8601(row.at_ms)),
        text(pipeline),
        text(&row.load_id),
        text(&row.resource),
        optional(row.partition_key.as_deref()),
        text(&row.reason),
        text(&row.row),
    ]
}

fn text(text: &str) -> Scalar {
    // No text of a database holds one.
    Scalar::Text(text.replace('\0', "\u{fffd}"))
}

fn optional(value: Option<&str>) -> Scalar {
    value.map_or(Scalar::Null, text)
}

fn count(count: u64) -> Scalar {
    Scalar::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
