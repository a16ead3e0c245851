//! Which rows of a page are wanted by their cursor, and how far they reach.

use std::cmp::Ordering;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::config::{Missing, RowOrder};
use crate::contract::Watermark;
use crate::dlt_hash;
use crate::incremental::{Identity, Window};
use crate::instant::Instant;
use crate::json::{Found, Item, Kind, Step, decode_string, find};
use crate::mark::{Bound, Mark};
use crate::rows::RowError;
use crate::select::Selector;

/// What a page comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sifted {
    /// The places of the rows that are wanted.
    pub(crate) kept: Vec<usize>,
    pub(crate) watermark: Option<Watermark>,
    /// A row lay out of bounds behind which, by `row_order`, none is wanted.
    pub(crate) over: bool,
    /// The rows are not in the order that `row_order` says.
    pub(crate) disorder: bool,
}

/// A row that is within bounds.
struct Within<'a> {
    mark: Mark,
    row: &'a [u8],
    /// The cursor's JSON.
    json: &'a [u8],
    found: Found,
}

/// Before the identity of a row that lies beyond the start of the read.
const AHEAD: char = '>';

/// Holds each row against the window.
///
/// # Errors
/// A row without a cursor, unless the config takes or drops such rows; a cursor that cannot be compared.
pub(crate) fn sift(window: &Window<'_>, body: &[u8], rows: &[Item]) -> Result<Sifted, RowError> {
    let config = &window.of.config;
    let path = &config.cursor_path.text;
    let mut sifted = Sifted::default();
    let mut within = Vec::new();
    let mut last: Option<Mark> = None;
    let (mut early, mut late) = (false, false);
    let any_ahead = window.ties.iter().any(|tie| tie.starts_with(AHEAD));
    let ties: HashSet<&str> = window.ties.iter().map(|tie| tie.trim_start_matches(AHEAD)).collect();
    let of_dlt: Vec<&str> = ties.iter().filter_map(|tie| tie.strip_prefix(dlt_hash::PREFIX)).collect();
    for (index, row) in rows.iter().enumerate() {
        let error = |message| RowError { index, message };
        if row.kind == Kind::Null {
            // Refused where rows are written.
            sifted.kept.push(index);
            continue;
        }
        let bytes = row.span.of(body);
        let found = find(bytes, &window.of.wanted).map_err(|fault| error(fault.to_string()))?;
        let item = match window.of.cursor_slot {
            Some(slot) => found.value(slot),
            None => queried(bytes, &config.cursor_path.selector).map_err(error)?,
        };
        let Some(item) = item.filter(|item| item.kind != Kind::Null) else {
            match config.missing {
                Missing::Include => sifted.kept.push(index),
                Missing::Exclude => {}
                Missing::Raise => {
                    let lack = if item.is_some() { "has null in" } else { "has no" };
                    return Err(error(format!(
                        "{lack} `{path}`, by which rows are read; `on_cursor_value_missing` can be `include` or `exclude`"
                    )));
                }
            }
            continue;
        };
        let json = item.span.of(bytes);
        let mark = Mark::of(json)
            .map_err(|noun| error(format!("has {noun} in `{path}`, which cannot be compared")))?;
        if let Some(last) = &last {
            let order = last.compare(&mark).ok_or_else(|| {
                error(format!(
                    "has {} in `{path}`, and a row before it {}: they cannot be compared",
                    mark.noun(),
                    last.noun()
                ))
            })?;
            sifted.disorder |= match config.row_order {
                Some(RowOrder::Rising) => order.is_gt(),
                Some(RowOrder::Falling) => order.is_lt(),
                None => false,
            };
        }
        let against = |bound: &Option<Bound>, name: &str| {
            let Some(bound) = bound else { return Ok(None) };
            let order = bound.compare(&mark).map_err(|noun| {
                error(format!(
                    "has {} in `{path}`, and the {name} {} is {noun}: they cannot be compared",
                    mark.noun(),
                    bound.json
                ))
            })?;
            Ok(Some(if config.descending { order.reverse() } else { order }))
        };
        let (start, end) = (against(&window.start, "start")?, against(&window.end, "end")?);
        last = Some(mark.clone());
        let is_early = start == Some(Ordering::Less) || (config.open_start && start == Some(Ordering::Equal));
        let is_late = end == Some(Ordering::Greater) || (!config.closed_end && end == Some(Ordering::Equal));
        early |= is_early;
        late |= is_late;
        if is_early || is_late {
            let bounds = [&window.start, &window.end].into_iter().flatten();
            if let Some(bound) = bounds.into_iter().find(|bound| bound.misleads(&mark)) {
                return Err(error(format!(
                    "has {} in `{path}`, a number written as text, which by its characters stands on the wrong side of {}; \
                     a step can make numbers of them: {{\"map\": \".{path} |= tonumber\"}}",
                    String::from_utf8_lossy(json),
                    bound.json
                )));
            }
            continue;
        }
        let row = Within { mark, row: bytes, json, found };
        let may_be_known = !ties.is_empty() && (any_ahead || start == Some(Ordering::Equal));
        let identity = if may_be_known { identity(window, &row).map_err(error)? } else { None };
        let is_known = identity.is_some_and(|identity| ties.contains(identity.as_str()))
            || (start == Some(Ordering::Equal) && is_known_to_dlt(window, &row, &of_dlt).map_err(error)?);
        if !is_known {
            sifted.kept.push(index);
        }
        within.push((index, row));
    }
    sifted.over = window.can_stop() && !sifted.disorder && if window.of.is_sorted() { late } else { early };
    if window.moves {
        sifted.watermark = watermark(window, &within)?;
    }
    Ok(sifted)
}

/// The first match in a row of a path that is no plain one.
fn queried(row: &[u8], selector: &Selector) -> Result<Option<Item>, String> {
    let Selector::Query(queries) = selector else { return Ok(None) };
    let tree: serde_json::Value = serde_json::from_slice(row).map_err(|error| error.to_string())?;
    let first = queries.iter().find_map(|query| query.path.query_located(&tree).into_iter().next());
    let Some(first) = first else { return Ok(None) };
    let steps: Vec<Step> = first
        .location()
        .iter()
        .map(|element| match element {
            serde_json_path::PathElement::Name(name) => Step::Member((*name).to_owned()),
            serde_json_path::PathElement::Index(index) => Step::Index(*index),
        })
        .collect();
    let mut wanted = crate::json::Wanted::new();
    let slot = wanted.add(&steps);
    let found = find(row, &wanted).map_err(|fault| fault.to_string())?;
    Ok(found.value(slot))
}

/// How far the rows reach: the newest value, but no further than to where the read began. What an API changes while it
/// is read lies beyond that, and may have been on a page that was read before; the next read starts there again. Rows
/// that lie beyond are read now all the same, and remembered, so that they come once.
fn watermark(window: &Window<'_>, within: &[(usize, Within<'_>)]) -> Result<Option<Watermark>, RowError> {
    let descending = window.of.config.descending;
    let newer = |one: &Mark, other: &Mark| {
        let order = one.compare(other).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    };
    let Some((_, newest)) = within.iter().max_by(|(_, one), (_, other)| newer(&one.mark, &other.mark)) else {
        return Ok(None);
    };
    let cap = if descending { None } else { cap(window, newest) };
    let (value, mark) = match &cap {
        Some((value, mark)) => (value.clone(), mark),
        None => (String::from_utf8_lossy(newest.json).into_owned(), &newest.mark),
    };
    let mut ties = Vec::new();
    for (index, row) in within {
        let order = newer(&row.mark, mark);
        let wanted = match order {
            Ordering::Greater => true,
            Ordering::Equal => !window.of.config.open_start,
            Ordering::Less => false,
        };
        if !wanted {
            continue;
        }
        let identity = identity(window, row).map_err(|message| RowError { index: *index, message })?;
        ties.extend(identity.map(|identity| match order {
            Ordering::Greater => format!("{AHEAD}{identity}"),
            _ => identity,
        }));
    }
    Ok(Some(Watermark { value, order: mark.order(descending), ties }))
}

/// The start of the read, written as the newest value is, where that lies beyond it.
fn cap(window: &Window<'_>, newest: &Within<'_>) -> Option<(String, Mark)> {
    let Mark::Time(instant) = &newest.mark else { return None };
    let now = Instant::of_seconds(i64::try_from(window.now_ms / 1_000).ok()?);
    if window.now_ms == 0 || *instant <= now {
        return None;
    }
    let text = decode_string(newest.json)?;
    let (_, style) = Instant::read(&text)?;
    let text = now.write(style);
    let (instant, _) = Instant::read(&text)?;
    Some((serde_json::Value::from(text).to_string(), Mark::Time(instant)))
}

/// Whether dlt had read the row before its watermark was taken over.
fn is_known_to_dlt(window: &Window<'_>, row: &Within<'_>, hashes: &[&str]) -> Result<bool, String> {
    if hashes.is_empty() {
        return Ok(false);
    }
    let json =
        |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).map_err(|error| error.to_string());
    match &window.of.identity {
        Identity::None => Ok(false),
        Identity::Row => Ok(dlt_hash::is_among(&json(row.row)?, hashes)),
        Identity::Fields(fields) => {
            let values = fields.iter().filter_map(|(_, slot)| row.found.value(*slot));
            let values: Vec<serde_json::Value> =
                values.map(|item| json(item.span.of(row.row))).collect::<Result<_, _>>()?;
            // dlt hashes a key that is named alone by itself, and one in a list as a list.
            let alone = values.first().filter(|_| values.len() == 1);
            let is_known = alone.is_some_and(|value| dlt_hash::is_among(value, hashes));
            Ok(is_known || dlt_hash::is_among(&serde_json::Value::from(values), hashes))
        }
    }
}

/// What tells a row from others: a hash of its key, or of all of it, and of its cursor.
fn identity(window: &Window<'_>, row: &Within<'_>) -> Result<Option<String>, String> {
    let mut hash = Sha256::new();
    hash.update(row.mark.order(false));
    match &window.of.identity {
        Identity::None => return Ok(None),
        Identity::Row => hash.update(row.row),
        Identity::Fields(fields) => {
            for (name, slot) in fields {
                let item = row.found.value(*slot);
                let item = item.ok_or_else(|| {
                    format!(
                        "has no `{name}`, which tells rows of one `{}` apart",
                        window.of.config.cursor_path.text
                    )
                })?;
                hash.update([0]);
                hash.update(item.span.of(row.row));
            }
        }
    }
    Ok(hash.finalize().get(..12).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)))
}
