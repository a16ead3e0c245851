//! The files of one unfinished load.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use crate::checkpoint::Load;
use crate::declared::Declared;
use crate::error::DestinationError;
use crate::fields;
use crate::files::journal::Mark;
use crate::files::keys::Keys;
use crate::files::part::{Names, Part, length_of};
use crate::files::{Folders, kept};
use crate::rows;
use crate::table::{Disposition, Rows, SharedByParents, Table};

#[derive(Debug)]
pub(crate) struct OpenLoad {
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
    /// A new load that goes to `start` of the resource's file, once the commit has put it there; until then to `tail`.
    pub(super) fn behind(
        folders: &Folders,
        table: &Table,
        load: &Load,
        start: u64,
        tail: &str,
    ) -> Result<Self, DestinationError> {
        let rows = Part::open(folders.state.join(tail), 0)?;
        Ok(Self { start, offset: start, ..Self::new(table, &load.load_id, rows) })
    }

    /// A new load that goes to a new file.
    pub(crate) fn beside(names: &Names, table: &Table, load: &Load) -> Result<Self, DestinationError> {
        let create = |kind| names.create(&table.resource, kind);
        let (name, rows) = create("new")?;
        let keys = match table.disposition {
            Disposition::Merge if table.is_keyed() => {
                let (name, part) = create("keys")?;
                Some(Keys::open(table, name, part)?)
            }
            Disposition::Append | Disposition::Replace | Disposition::Merge => None,
        };
        Ok(Self { beside: Some(name), keys, ..Self::new(table, &load.load_id, rows) })
    }

    /// A load that goes on at its mark.
    pub(crate) fn marked(folders: &Folders, table: &Table, mark: &Mark) -> Result<Self, DestinationError> {
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
        Ok(Self { start: mark.start, beside, keys, ..Self::new(table, &mark.load_id, rows) })
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
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            load_id: self.load_id.clone(),
            disposition: self.disposition,
            beside: self.beside.clone(),
            start: self.start,
            length: self.offset + self.rows.length(),
            keys: self.keys.as_ref().map(|keys| (keys.name.clone(), keys.part.length())),
            parts: None,
        }
    }

    /// The files that only this load uses.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let keys = self.keys.as_ref().map(|keys| keys.part.path().to_owned());
        self.beside.iter().map(|_| self.rows.path().to_owned()).chain(keys).collect()
    }

    /// Writes a page: all of it or, on an error, nothing.
    pub(crate) fn write(&mut self, table: &Table, page: &Rows) -> Result<(), DestinationError> {
        let lines = rows::lines(&self.resource, page)?;
        let newline: &[u8] = if page.ndjson.is_empty() || page.ndjson.ends_with(b"\n") { b"" } else { b"\n" };
        let text = [page.ndjson, newline];
        let Some(keys) = &mut self.keys else {
            let declared = Declared::of(table);
            for (row, line) in lines {
                let read = match declared.is_empty() {
                    true => fields::for_each(line, |_, _| Ok(())),
                    false => declared.check(line).map(drop),
                };
                read.map_err(|kind| DestinationError::data(&self.resource, Some(row), kind))?;
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
        keys.note(&page_keys);
        Ok(())
    }

    /// Takes back everything that the load has written, none of which is committed.
    pub(super) fn cut_to_start(&mut self) -> Result<(), DestinationError> {
        self.rows.cut(self.start.saturating_sub(self.offset))
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&mut self) -> Result<(), DestinationError> {
        self.rows.sync()?;
        self.keys.as_mut().map_or(Ok(()), |keys| keys.part.sync())
    }

    pub(crate) fn distinct_keys(&self) -> Result<Option<u64>, DestinationError> {
        self.keys.as_ref().map(Keys::distinct).transpose()
    }

    pub(crate) fn shared_by_parents(&self) -> Result<Option<SharedByParents>, DestinationError> {
        self.keys.as_ref().map_or(Ok(None), Keys::shared_by_parents)
    }

    /// The file of the state folder, durable, that is to take the place of the resource's; none under `append`.
    pub(crate) fn complete(
        &mut self,
        names: &Names,
        table: &Table,
    ) -> Result<Option<String>, DestinationError> {
        self.sync()?;
        if table.disposition == Disposition::Merge {
            let new = || names.create(&self.resource, "merged");
            if let Some(merged) = kept::copy(table, self.rows.path(), self.keys.as_ref(), new)? {
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
    mark.beside.as_ref().map_or_else(|| folders.data_path(resource), |name| folders.state.join(name))
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

/// The length of the resource's file, made if it is not there, behind which a load may write: not behind half a line, of
/// which the first new row would become a part.
pub(super) fn end_of_rows(folders: &Folders, resource: &str) -> Result<u64, DestinationError> {
    let path = folders.data_path(resource);
    let last = || -> io::Result<(u64, u8)> {
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        let length = file.metadata()?.len();
        let mut last = *b"\n";
        if length > 0 {
            file.seek(SeekFrom::Start(length - 1))?;
            file.read_exact(&mut last)?;
        }
        Ok((length, last[0]))
    };
    match last().map_err(|cause| DestinationError::io(&path, cause))? {
        (length, b'\n') => Ok(length),
        _ => Err(DestinationError::NotOurs {
            name: path.display().to_string(),
            reason: "its last line has no end; add a newline, or move the file away".to_owned(),
        }),
    }
}
