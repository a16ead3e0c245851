//! A file that grows page by page, and is never longer than what was accepted into it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::error::DestinationError;
use crate::file_name;

#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    dirty: bool,
}

impl Part {
    /// Opens `path`, made if it is not there, to go on at `length`; whatever is behind it is cut off.
    pub(crate) fn open(path: PathBuf, length: u64) -> Result<Self, DestinationError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|cause| DestinationError::io(&path, cause))?;
        let mut part = Self { path, file, length, dirty: true };
        part.cut(length)?;
        Ok(part)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes accepted so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Adds all of `pieces` or, on an error, nothing.
    pub(crate) fn append(&mut self, pieces: &[&[u8]]) -> Result<(), DestinationError> {
        self.dirty = true;
        if let Err(cause) = self.try_append(pieces) {
            // Should this fail too, the next page is still written over what is left, and `sync` cuts again.
            let _ = self.file.set_len(self.length);
            return Err(DestinationError::io(&self.path, cause));
        }
        self.length += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        Ok(())
    }

    fn try_append(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        pieces.iter().try_for_each(|piece| self.file.write_all(piece))
    }

    /// Takes back everything after `length`.
    pub(crate) fn cut(&mut self, length: u64) -> Result<(), DestinationError> {
        self.dirty = true;
        self.file.set_len(length).map_err(|cause| DestinationError::io(&self.path, cause))?;
        self.length = length;
        Ok(())
    }

    /// Makes what was accepted durable.
    pub(crate) fn sync(&mut self) -> Result<(), DestinationError> {
        if self.dirty {
            self.file
                .set_len(self.length)
                .and_then(|()| self.file.sync_data())
                .map_err(|cause| DestinationError::io(&self.path, cause))?;
            self.dirty = false;
        }
        Ok(())
    }
}

/// The length of the file, or none if there is no file.
pub(crate) fn length_of(path: &Path) -> Result<Option<u64>, DestinationError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found.len())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(DestinationError::io(path, cause)),
    }
}

/// Makes the names in a folder durable. Only Unix has a way to ask for it.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), DestinationError> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|cause| DestinationError::io(folder, cause))?;
    }
    Ok(())
}

/// What the names of a pipeline's files in the state folder begin with. No encoded name holds a `~`.
pub(crate) fn prefix(pipeline: &str) -> String {
    format!("{}~", file_name::encode(pipeline))
}

/// Names for new files in the state folder.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) folder: PathBuf,
    pub(crate) pipeline: String,
    /// The journal's length: a part of each name. The journal's last line may be carried out again, so a file made after
    /// that line must not have a name that stands in it.
    pub(crate) journal_length: u64,
}

impl Names {
    /// A name that no file has had since the journal was compacted, and that file.
    pub(crate) fn create(&self, resource: &str, kind: &str) -> Result<(String, Part), DestinationError> {
        let stem =
            format!("{}{}~{}", prefix(&self.pipeline), file_name::encode(resource), self.journal_length);
        let mut number = 0_u64;
        loop {
            let name = format!("{stem}~{number}.{kind}");
            let path = self.folder.join(&name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((name, Part { path, file, length: 0, dirty: true })),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(cause) => return Err(DestinationError::io(&path, cause)),
            }
        }
    }
}
