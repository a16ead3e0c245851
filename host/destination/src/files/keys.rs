//! The keys of a merge into a file, and which parent brought each.
//!
//! They are kept in a file beside the rows, a frame a page: the length of the parent's key (4 bytes, little-endian; all
//! ones: no parent), that key, the number of rows (4 bytes), 16 bytes a row. What is asked of all of them is answered in
//! several readings, each of a part of the keys, so that no number of rows fills the memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _};

use super::part::Part;
use crate::declared::Declared;
use crate::error::{DataErrorKind, DestinationError};
use crate::key::{self, KeyDigest};
use crate::parents::Parents;
use crate::table::{SharedByParents, Table};

const NO_PARENT: u32 = u32::MAX;

/// Rows whose keys are held at a time, some 30 MB of them.
const ROWS_AT_ONCE: u64 = if cfg!(test) { 3 } else { 500_000 };

#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) name: String,
    pub(crate) part: Part,
    parents: Option<Parents>,
}

/// A page's keys, checked but not yet noted.
pub(crate) struct PageKeys<'a> {
    partition: Option<&'a str>,
    digests: Vec<KeyDigest>,
}

/// The keys of a file, in the order of the rows.
pub(super) struct Digests {
    source: io::Take<BufReader<File>>,
    parent: Option<String>,
    rows_left: u32,
}

/// A part of all keys, of about [`ROWS_AT_ONCE`] rows.
#[derive(Clone, Copy)]
pub(super) struct Share {
    at: u32,
    of: u32,
}

impl Keys {
    /// `part` may hold the keys of earlier pages.
    pub(crate) fn open(table: &Table, name: String, part: Part) -> Result<Self, DestinationError> {
        let parents = if part.length() > 0 { Parents::resumed } else { Parents::begun };
        let keys = Self { name, part, parents: table.guards_parents().then(parents) };
        // What is damaged is told before more is read.
        keys.rows().map_err(|cause| keys.failed(cause))?;
        Ok(keys)
    }

    /// The key of each line, refused if another parent is known to have brought it.
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
            let holder = self.parents.as_ref().and_then(|parents| parents.holder(&digest));
            if let Some(second) = partition
                && let Some(first) = holder.filter(|first| *first != second)
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

    /// Writes a page's keys; `note` follows once its rows are written.
    pub(crate) fn append(&mut self, page: &PageKeys) -> Result<(), DestinationError> {
        let (Some(named), Some(rows)) = (
            page.partition.map_or(Some(NO_PARENT), |key| u32::try_from(key.len()).ok()),
            u32::try_from(page.digests.len()).ok(),
        ) else {
            return Err(self.failed(damaged()));
        };
        let partition = page.partition.unwrap_or_default().as_bytes();
        let pieces = [&named.to_le_bytes(), partition, &rows.to_le_bytes(), page.digests.as_flattened()];
        self.part.append(&pieces)
    }

    /// Remembers whose keys these are.
    pub(crate) fn note(&mut self, page: &PageKeys) {
        if let (Some(parents), Some(partition)) = (&mut self.parents, page.partition) {
            parents.note(partition, &page.digests);
        }
    }

    /// How many keys there are.
    pub(crate) fn distinct(&self) -> Result<u64, DestinationError> {
        let leaves = self.all_but_the_last()?;
        Ok(leaves.iter().filter(|leaves| !**leaves).count() as u64)
    }

    /// Of each row, whether a later one has its key.
    pub(super) fn all_but_the_last(&self) -> Result<Vec<bool>, DestinationError> {
        let read = || -> io::Result<Vec<bool>> {
            let (rows, shares) = self.shares()?;
            let mut leaves = vec![false; rows];
            for share in shares {
                let mut last: HashMap<KeyDigest, usize> = HashMap::new();
                let mut digests = self.digests()?;
                for row in 0.. {
                    let Some(digest) = digests.next()? else { break };
                    if share.has(&digest)
                        && let Some(earlier) = last.insert(digest, row)
                        && let Some(leaves) = leaves.get_mut(earlier)
                    {
                        *leaves = true;
                    }
                }
            }
            Ok(leaves)
        };
        read().map_err(|cause| self.failed(cause))
    }

    /// Rows of two parents with one key, where [`Self::check`] could not tell.
    pub(crate) fn shared_by_parents(&self) -> Result<Option<SharedByParents>, DestinationError> {
        if self.parents.as_ref().is_none_or(Parents::is_whole) {
            return Ok(None);
        }
        let read = || -> io::Result<Option<SharedByParents>> {
            for share in self.shares()?.1 {
                let mut names: Vec<String> = Vec::new();
                let mut numbers: HashMap<String, usize> = HashMap::new();
                let mut first: HashMap<KeyDigest, (u64, usize)> = HashMap::new();
                let mut digests = self.digests()?;
                for row in 0.. {
                    let Some(digest) = digests.next()? else { break };
                    let Some(parent) = digests.parent.as_deref().filter(|_| share.has(&digest)) else {
                        continue;
                    };
                    let number = match numbers.get(parent) {
                        Some(number) => *number,
                        None => {
                            names.push(parent.to_owned());
                            numbers.insert(parent.to_owned(), names.len() - 1);
                            names.len() - 1
                        }
                    };
                    let (earlier, of) = *first.entry(digest).or_insert((row, number));
                    if of != number
                        && let Some(first) = names.get(of)
                    {
                        let (first, second) = ((earlier, first.clone()), (row, parent.to_owned()));
                        return Ok(Some(SharedByParents { first, second }));
                    }
                }
            }
            Ok(None)
        };
        read().map_err(|cause| self.failed(cause))
    }

    /// How many rows there are, and the shares in which their keys are read.
    pub(super) fn shares(&self) -> io::Result<(usize, impl Iterator<Item = Share> + use<>)> {
        let rows = self.rows()?;
        let of = u32::try_from((rows as u64).div_ceil(ROWS_AT_ONCE)).unwrap_or(u32::MAX).max(1);
        Ok((rows, (0..of).map(move |at| Share { at, of })))
    }

    fn rows(&self) -> io::Result<usize> {
        let mut digests = self.digests()?;
        let mut rows = 0;
        while digests.next()?.is_some() {
            rows += 1;
        }
        Ok(rows)
    }

    pub(super) fn digests(&self) -> io::Result<Digests> {
        let source = BufReader::new(File::open(self.part.path())?).take(self.part.length());
        Ok(Digests { source, parent: None, rows_left: 0 })
    }

    /// A failure to read them.
    pub(super) fn failed(&self, cause: io::Error) -> DestinationError {
        let path = self.part.path();
        match cause.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => DestinationError::Corrupt {
                path: path.to_owned(),
                reason: "it is not what a run leaves".to_owned(),
            },
            _ => DestinationError::io(path, cause),
        }
    }
}

impl Share {
    /// Whether a key is in it.
    pub(super) fn has(self, digest: &KeyDigest) -> bool {
        let [a, b, c, d, ..] = *digest;
        u32::from_le_bytes([a, b, c, d]) % self.of == self.at
    }
}

impl Digests {
    /// The next row's; none behind the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<KeyDigest>> {
        while self.rows_left == 0 {
            if self.source.limit() == 0 {
                return Ok(None);
            }
            self.parent = match self.number()? {
                NO_PARENT => None,
                length => {
                    let mut name = Vec::new();
                    (&mut self.source).take(length.into()).read_to_end(&mut name)?;
                    if name.len() as u64 != u64::from(length) {
                        return Err(damaged());
                    }
                    Some(String::from_utf8(name).map_err(|_| damaged())?)
                }
            };
            self.rows_left = self.number()?;
        }
        self.rows_left -= 1;
        let mut digest = KeyDigest::default();
        self.source.read_exact(&mut digest)?;
        Ok(Some(digest))
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.source.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
