//! The files of one unfinished load.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::Folders;
use super::journal::Mark;
use super::keys::Keys;
use super::part::{self, Part, length_of};
use crate::checkpoint::Load;
use crate::error::DestinationError;
use crate::fields;
use crate::table::{Disposition, Rows, Table};

#[derive(Debug)]
pub(super) struct OpenLoad {
    resource: String,
    load_id: String,
    disposition: Disposition,
    // Where in the resource's file (or the one beside) the load begins.
    start: u64,
    // Name in the state folder.
    beside: Option<String>,
    rows: Part,
    // Where in the resource's file `rows` begins: above 0 while the rows wait in a tail.
    offset: u64,
    keys: Option<Keys>,
}

impl OpenLoad {
    /// A new load that goes to the end of the resource's file.
    pub(super) fn at_end(folders: &Folders, table: &Table, load: &Load) -> Result<Self, DestinationError> {
        let path = folders.data_path(&table.resource);
        let length = length_of(&path)?.unwrap_or(0);
        check_end(&path, length)?;
        let rows = Part::open(path, length)?;
        part::sync_folder(&folders.data)?;
        Ok(Self::new(table, &load.load_id, rows))
    }

    /// A new load that goes to `start` of the resource's file, once the commit has cut it there; until then to `tail`.
    pub(super) fn behind(
        folders: &Folders,
        table: &Table,
        load: &Load,
        start: u64,
        tail: &str,
    ) -> Result<Self, DestinationError> {
        let rows = Part::open(folders.state.join(tail), 0)?;
        Ok(Self {
            start,
            offset: start,
            ..Self::new(table, &load.load_id, rows)
        })
    }

    /// A new load that goes to a new file.
    pub(super) fn beside(
        folders: &Folders,
        pipeline: &str,
        table: &Table,
        load: &Load,
    ) -> Result<Self, DestinationError> {
        let create = |kind| part::create(&folders.state, pipeline, &table.resource, kind);
        let (name, rows) = create("new")?;
        let keys = match table.disposition {
            Disposition::Merge => {
                let (name, part) = create("keys")?;
                Some(Keys::open(table, name, part)?)
            }
            Disposition::Append | Disposition::Replace => None,
        };
        Ok(Self {
            beside: Some(name),
            keys,
            ..Self::new(table, &load.load_id, rows)
        })
    }

    /// A load that goes on at its mark.
    pub(super) fn marked(folders: &Folders, table: &Table, mark: &Mark) -> Result<Self, DestinationError> {
        let path = rows_path(folders, &table.resource, mark);
        if !is_whole(folders, &table.resource, mark)? {
            let reason = format!("it is gone, with the rows of load {}", mark.load_id);
            return Err(DestinationError::Corrupt { path, reason });
        }
        let keys = match &mark.keys {
            Some((name, length)) => {
                let path = folders.state.join(name);
                if length_of(&path)? < Some(*length) {
                    return Err(shorter(path, mark));
                }
                Some(Keys::open(table, name.clone(), Part::open(path, *length)?)?)
            }
            None => None,
        };
        let rows = Part::open(path, mark.length)?;
        let beside = mark.beside.clone();
        Ok(Self {
            start: mark.start,
            beside,
            keys,
            ..Self::new(table, &mark.load_id, rows)
        })
    }

    fn new(table: &Table, load_id: &str, rows: Part) -> Self {
        Self {
            resource: table.resource.clone(),
            load_id: load_id.to_owned(),
            disposition: table.disposition,
            start: rows.length(),
            beside: None,
            rows,
            offset: 0,
            keys: None,
        }
    }

    pub(super) fn load_id(&self) -> &str {
        &self.load_id
    }

    pub(super) fn is_beside(&self) -> bool {
        self.beside.is_some()
    }

    /// How far it has come.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            load_id: self.load_id.clone(),
            disposition: self.disposition,
            beside: self.beside.clone(),
            start: self.start,
            length: self.offset + self.rows.length(),
            keys: self
                .keys
                .as_ref()
                .map(|keys| (keys.name.clone(), keys.part.length())),
        }
    }

    /// The files that only this load uses.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let keys = self.keys.as_ref().map(|keys| keys.part.path().to_owned());
        self.beside
            .iter()
            .map(|_| self.rows.path().to_owned())
            .chain(keys)
            .collect()
    }

    /// Writes a page: all of it or, on an error, nothing.
    pub(super) fn write<'a>(
        &mut self,
        table: &Table,
        page: &Rows<'a>,
        lines: impl Iterator<Item = (u64, &'a str)>,
    ) -> Result<(), DestinationError> {
        let newline: &[u8] = if page.ndjson.is_empty() || page.ndjson.ends_with(b"\n") {
            b""
        } else {
            b"\n"
        };
        let text = [page.ndjson, newline];
        let Some(keys) = &mut self.keys else {
            for (row, line) in lines {
                fields::for_each(line, |_, _| Ok(()))
                    .map_err(|kind| DestinationError::data(&self.resource, Some(row), kind))?;
            }
            return self.rows.append(&text);
        };
        let page_keys = keys.check(table, page.partition_key, lines)?;
        let before = keys.part.length();
        keys.append(&page_keys)?;
        if let Err(error) = self.rows.append(&text) {
            keys.part.cut(before)?;
            return Err(error);
        }
        keys.note_page(&page_keys);
        Ok(())
    }

    /// Takes back everything that the load has written, none of which is committed.
    pub(super) fn cut_to_start(&mut self) -> Result<(), DestinationError> {
        self.rows.cut(self.start.saturating_sub(self.offset))
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<(), DestinationError> {
        self.rows.sync()?;
        self.keys.as_mut().map_or(Ok(()), |keys| keys.part.sync())
    }

    /// The file of the state folder, durable, that is to take the place of the resource's; none under `append`.
    pub(super) fn complete(
        &mut self,
        folders: &Folders,
        pipeline: &str,
        table: &Table,
    ) -> Result<Option<String>, DestinationError> {
        self.sync()?;
        if let Some(keys) = &self.keys {
            let new = || part::create(&folders.state, pipeline, &table.resource, "merged");
            if let Some(merged) = keys.last_of_each(self.rows.path(), new)? {
                return Ok(Some(merged));
            }
        }
        Ok(self.beside.clone())
    }

    /// Goes on in the resource's file, into which the tail has been put.
    pub(super) fn come_home(&mut self, folders: &Folders) -> Result<(), DestinationError> {
        let length = self.offset + self.rows.length();
        self.rows = Part::open(folders.data_path(&self.resource), length)?;
        self.offset = 0;
        Ok(())
    }
}

fn rows_path(folders: &Folders, resource: &str, mark: &Mark) -> PathBuf {
    mark.beside
        .as_ref()
        .map_or_else(|| folders.data_path(resource), |name| folders.state.join(name))
}

/// Whether the file of an unfinished load is there; if it is there but shorter than it was, someone has changed it, and
/// nothing can be said of the rows in it.
pub(super) fn is_whole(folders: &Folders, resource: &str, mark: &Mark) -> Result<bool, DestinationError> {
    let path = rows_path(folders, resource, mark);
    match length_of(&path)? {
        None => Ok(false),
        Some(length) if length < mark.length => Err(shorter(path, mark)),
        Some(_) => Ok(true),
    }
}

fn shorter(path: PathBuf, mark: &Mark) -> DestinationError {
    let reason = format!(
        "it is shorter than load {} left it, so it was changed since; restore it, or move it away and start afresh",
        mark.load_id
    );
    DestinationError::Corrupt { path, reason }
}

/// Refuses to write behind half a line, of which the first new row would become a part.
fn check_end(path: &Path, length: u64) -> Result<(), DestinationError> {
    if length == 0 {
        return Ok(());
    }
    let sort = |cause| DestinationError::io(path, cause);
    let mut file = File::open(path).map_err(sort)?;
    file.seek(SeekFrom::Start(length - 1)).map_err(sort)?;
    let mut last = [0];
    file.read_exact(&mut last).map_err(sort)?;
    if last != *b"\n" {
        return Err(DestinationError::NotOurs {
            name: path.display().to_string(),
            reason: "its last line has no end; add a newline, or move the file away".to_owned(),
        });
    }
    Ok(())
}
