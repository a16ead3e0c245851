//! The keys of a merge into a file, and which parent brought each.
//!
//! They are kept in a file beside the rows, a frame a page: the length of the parent's key (4 bytes, little-endian; all
//! ones: no parent), that key, the number of rows (4 bytes), 16 bytes a row.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use super::part::Part;
use crate::declared::Declared;
use crate::error::{DataErrorKind, DestinationError};
use crate::key::{self, KeyDigest};
use crate::table::Table;

const NO_PARENT: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) name: String,
    pub(crate) part: Part,
    parents: Option<Parents>,
}

/// Only where rows have several parents are keys held in memory, 20 bytes each.
#[derive(Debug, Default)]
struct Parents {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    holders: HashMap<KeyDigest, u32>,
}

/// A page's keys, checked but not yet noted.
pub(crate) struct PageKeys<'a> {
    partition: Option<&'a str>,
    digests: Vec<KeyDigest>,
}

impl Keys {
    /// `part` may hold the keys of earlier pages.
    pub(crate) fn open(table: &Table, name: String, part: Part) -> Result<Self, DestinationError> {
        let mut keys = Self { name, part, parents: table.guards_parents().then(Parents::default) };
        if keys.parents.is_some() && keys.part.length() > 0 {
            let path = keys.part.path().to_owned();
            read(&path, keys.part.length(), |partition, digests| keys.note(partition, digests))?;
        }
        Ok(keys)
    }

    /// The key of each line, refused if another parent has brought it.
    pub(crate) fn check<'a>(
        &self,
        table: &Table,
        partition: Option<&'a str>,
        lines: impl Iterator<Item = (u64, &'a str)>,
    ) -> Result<PageKeys<'a>, DestinationError> {
        let declared = Declared::of(table);
        let mut digests = Vec::new();
        for (row, line) in lines {
            let refuse = |kind| DestinationError::data(&table.resource, Some(row), kind);
            let values = declared.check(line).map_err(refuse)?;
            let digest = key::digest(&values);
            if let Some(second) = partition
                && let Some(first) = self.holder(&digest).filter(|first| *first != second)
            {
                return Err(refuse(DataErrorKind::DuplicateAcrossParents {
                    columns: table.primary_key.clone(),
                    key: values.iter().map(|&json| json.to_owned()).collect(),
                    first_partition: first.to_owned(),
                    second_partition: second.to_owned(),
                }));
            }
            digests.push(digest);
        }
        Ok(PageKeys { partition, digests })
    }

    fn holder(&self, digest: &KeyDigest) -> Option<&str> {
        let parents = self.parents.as_ref()?;
        let number = usize::try_from(*parents.holders.get(digest)?).ok()?;
        parents.names.get(number).map(String::as_str)
    }

    /// Writes a page's keys; `note` follows once its rows are written.
    pub(crate) fn append(&mut self, page: &PageKeys) -> Result<(), DestinationError> {
        let (Some(named), Some(rows)) = (
            page.partition.map_or(Some(NO_PARENT), |key| u32::try_from(key.len()).ok()),
            u32::try_from(page.digests.len()).ok(),
        ) else {
            return Err(self.damaged(DAMAGED));
        };
        let partition = page.partition.unwrap_or_default().as_bytes();
        let pieces = [&named.to_le_bytes(), partition, &rows.to_le_bytes(), page.digests.as_flattened()];
        self.part.append(&pieces)
    }

    /// Remembers whose keys these are.
    pub(crate) fn note_page(&mut self, page: &PageKeys) {
        self.note(page.partition, &page.digests);
    }

    fn note(&mut self, partition: Option<&str>, digests: &[KeyDigest]) {
        let (Some(parents), Some(partition)) = (&mut self.parents, partition) else {
            return;
        };
        let number = match parents.numbers.get(partition) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(parents.names.len()).unwrap_or(u32::MAX);
                parents.names.push(partition.to_owned());
                parents.numbers.insert(partition.to_owned(), number);
                number
            }
        };
        parents.holders.extend(digests.iter().map(|digest| (*digest, number)));
    }

    /// How many keys there are.
    pub(crate) fn distinct(&self) -> Result<u64, DestinationError> {
        let mut seen = HashSet::new();
        read(self.part.path(), self.part.length(), |_, page| seen.extend(page.iter().copied()))?;
        Ok(seen.len() as u64)
    }

    /// The key of each row, in the order of the rows.
    pub(crate) fn digests(&self) -> Result<Vec<KeyDigest>, DestinationError> {
        let mut digests = Vec::new();
        read(self.part.path(), self.part.length(), |_, page| digests.extend_from_slice(page))?;
        Ok(digests)
    }

    fn damaged(&self, reason: &str) -> DestinationError {
        DestinationError::Corrupt { path: self.part.path().to_owned(), reason: reason.to_owned() }
    }
}

const DAMAGED: &str = "it is not what a run leaves";

/// Calls `each` with every frame of the first `length` bytes.
fn read(
    path: &Path,
    length: u64,
    mut each: impl FnMut(Option<&str>, &[KeyDigest]),
) -> Result<(), DestinationError> {
    let bytes = fs::read(path).map_err(|cause| DestinationError::io(path, cause))?;
    let mut rest = usize::try_from(length).ok().and_then(|length| bytes.get(..length)).unwrap_or(&bytes);
    while !rest.is_empty() {
        let Some(()) = frame(&mut rest, &mut each) else {
            let reason = DAMAGED.to_owned();
            return Err(DestinationError::Corrupt { path: path.to_owned(), reason });
        };
    }
    Ok(())
}

fn frame(rest: &mut &[u8], each: &mut impl FnMut(Option<&str>, &[KeyDigest])) -> Option<()> {
    let named = u32::from_le_bytes(*rest.split_off(..4)?.first_chunk()?);
    let partition = match named {
        NO_PARENT => None,
        named => Some(std::str::from_utf8(rest.split_off(..usize::try_from(named).ok()?)?).ok()?),
    };
    let rows = u32::from_le_bytes(*rest.split_off(..4)?.first_chunk()?);
    let digests = rest.split_off(..usize::try_from(rows).ok()?.checked_mul(16)?)?;
    each(partition, digests.as_chunks().0);
    Some(())
}
