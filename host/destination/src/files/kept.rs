//! Which lines of a finished merge stay.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::part::Part;
use crate::error::DestinationError;
use crate::key::KeyDigest;
use crate::table::{DedupSort, Table};
use crate::{fields, merge};

/// Which lines of `rows` do not stay: of each key (a digest a line) all but the one that counts, and those that are
/// deleted. The list may be short: lines behind its end stay.
pub(crate) fn leaves(
    table: &Table,
    rows: &Path,
    digests: Option<&[KeyDigest]>,
) -> Result<Vec<bool>, DestinationError> {
    let io = |cause| DestinationError::io(rows, cause);
    let mut leaves = match (digests, &table.dedup_sort) {
        (None, _) => Vec::new(),
        (Some(digests), None) => all_but_the_last(digests),
        (Some(digests), Some(sort)) => all_but_the_best(digests, sort, rows).map_err(io)?,
    };
    if let Some(field) = &table.hard_delete {
        each_line(rows, |at, line| {
            if merge::is_deleted(value(line, field)) {
                put(&mut leaves, at, true);
            }
            Ok(())
        })
        .map_err(io)?;
    }
    Ok(leaves)
}

/// Copies to `new` the lines of `rows` that stay. None if all of them do: nothing is then written.
pub(crate) fn copy(
    table: &Table,
    rows: &Path,
    digests: Option<&[KeyDigest]>,
    new: impl FnOnce() -> Result<(String, Part), DestinationError>,
) -> Result<Option<String>, DestinationError> {
    let leaves = leaves(table, rows, digests)?;
    if !leaves.contains(&true) {
        return Ok(None);
    }

    let (name, part) = new()?;
    let copied = (|| {
        let mut target = BufWriter::new(File::create(part.path())?);
        each_line(rows, |at, line| match leaves.get(at) {
            Some(true) => Ok(()),
            _ => target.write_all(line.as_bytes()),
        })?;
        target.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
    })();
    copied.map_err(|cause| DestinationError::io(part.path(), cause))?;
    Ok(Some(name))
}

/// Which lines do not stay, where the last of each key does.
fn all_but_the_last(digests: &[KeyDigest]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..digests.len()).collect();
    order.sort_unstable_by_key(|line| (digests.get(*line), *line));
    let mut leaves = vec![false; digests.len()];
    for (earlier, later) in order.iter().zip(order.iter().skip(1)) {
        if digests.get(*earlier) == digests.get(*later) {
            put(&mut leaves, *earlier, true);
        }
    }
    leaves
}

/// The same where the best by `sort` stays. Only of keys that several rows have are values held.
fn all_but_the_best(digests: &[KeyDigest], sort: &DedupSort, rows: &Path) -> io::Result<Vec<bool>> {
    let mut leaves = all_but_the_last(digests);
    let mut best: HashMap<KeyDigest, (usize, Option<String>)> =
        leaves.iter().zip(digests).filter(|(leaves, _)| **leaves).map(|(_, key)| (*key, (0, None))).collect();
    if best.is_empty() {
        return Ok(leaves);
    }
    let mut seen = std::collections::HashSet::new();
    each_line(rows, |at, line| {
        let Some((key, best)) = digests.get(at).and_then(|key| Some((key, best.get_mut(key)?))) else {
            return Ok(());
        };
        let json = value(line, &sort.field);
        if seen.insert(*key) {
            *best = (at, json.map(str::to_owned));
        } else if merge::rank(sort, json, best.1.as_deref()) == Ordering::Less {
            put(&mut leaves, at, true);
        } else {
            put(&mut leaves, best.0, true);
            *best = (at, json.map(str::to_owned));
        }
        Ok(())
    })?;
    best.into_values().for_each(|(at, _)| put(&mut leaves, at, false));
    Ok(leaves)
}

fn put(leaves: &mut Vec<bool>, at: usize, leaves_it: bool) {
    if leaves.len() <= at {
        leaves.resize(at + 1, false);
    }
    if let Some(slot) = leaves.get_mut(at) {
        *slot = leaves_it;
    }
}

/// The JSON of a field; lines have been read before they were written.
fn value<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    fields::find(line, &[field]).ok()?.pop().flatten()
}

fn each_line(path: &Path, mut each: impl FnMut(usize, &str) -> io::Result<()>) -> io::Result<()> {
    let mut source = BufReader::new(File::open(path)?);
    let mut line = String::new();
    let mut at = 0;
    while source.read_line(&mut line)? > 0 {
        each(at, &line)?;
        line.clear();
        at += 1;
    }
    Ok(())
}
