//! Which lines of a finished merge stay.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::keys::Keys;
use super::part::Part;
use crate::error::DestinationError;
use crate::key::KeyDigest;
use crate::table::{DedupSort, Table};
use crate::{fields, merge};

/// Which lines of `rows` do not stay: of each key (one a line) all but the one that counts, and those that are
/// deleted. The list may be short: lines behind its end stay.
pub(crate) fn leaves(table: &Table, rows: &Path, keys: Option<&Keys>) -> Result<Vec<bool>, DestinationError> {
    let io = |cause| DestinationError::io(rows, cause);
    let mut leaves = keys.map_or(Ok(Vec::new()), Keys::all_but_the_last)?;
    if let (Some(keys), Some(sort)) = (keys, &table.dedup_sort) {
        all_but_the_best(&mut leaves, keys, sort, rows).map_err(|cause| keys.failed(cause))?;
    }
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
    keys: Option<&Keys>,
    new: impl FnOnce() -> Result<(String, Part), DestinationError>,
) -> Result<Option<String>, DestinationError> {
    let leaves = leaves(table, rows, keys)?;
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

/// Has the best by `sort` stay of each key, where `leaves` has the last. Only of keys that several rows have are values
/// held.
fn all_but_the_best(leaves: &mut Vec<bool>, keys: &Keys, sort: &DedupSort, rows: &Path) -> io::Result<()> {
    if !leaves.contains(&true) {
        return Ok(());
    }
    for share in keys.shares()?.1 {
        let mut best: HashMap<KeyDigest, Option<(usize, Option<String>)>> = HashMap::new();
        let mut digests = keys.digests()?;
        for leaves in leaves.iter() {
            let Some(digest) = digests.next()? else { break };
            if *leaves && share.has(&digest) {
                best.insert(digest, None);
            }
        }
        let mut digests = keys.digests()?;
        each_line(rows, |at, line| {
            let Some(best) = digests.next()?.and_then(|digest| best.get_mut(&digest)) else { return Ok(()) };
            let json = value(line, &sort.field);
            let loser = match best {
                Some((_, than)) if merge::rank(sort, json, than.as_deref()) == Ordering::Less => Some(at),
                _ => best.replace((at, json.map(str::to_owned))).map(|(beaten, _)| beaten),
            };
            if let Some(loser) = loser {
                put(leaves, loser, true);
            }
            Ok(())
        })?;
        best.into_values().flatten().for_each(|(at, _)| put(leaves, at, false));
    }
    Ok(())
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
