//! What a commit does to files once its line is in the journal; done again after a crash, with the same end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::Serialize;

use super::journal::{Action, Commit};
use super::part::{length_of, sync_folder};
use super::{ERRORS, Folders, QUARANTINE};
use crate::checkpoint::{Change, ErrorLine, QuarantinedRow};
use crate::error::DestinationError;
use crate::timestamp::iso8601;

/// Does everything that `commit` orders.
pub(crate) fn perform(folders: &Folders, commit: &Commit) -> Result<(), DestinationError> {
    perform_only(folders, commit, |_| true)
}

/// Does what of it is `wanted`.
pub(crate) fn perform_only(
    folders: &Folders,
    commit: &Commit,
    wanted: impl Fn(&Action) -> bool,
) -> Result<(), DestinationError> {
    for action in commit.actions.iter().filter(|action| wanted(action)) {
        match action {
            Action::Replace { from, resource } => {
                let (from, to) = (folders.state.join(from), folders.data_path(resource));
                replace(&from, &to).map_err(|cause| DestinationError::io(&to, cause))?;
                sync_folder(&folders.data)?;
            }
            Action::Splice { resource, start, tail } => {
                let (tail, file) = (folders.state.join(tail), folders.data_path(resource));
                splice(&tail, &file, *start).map_err(|cause| DestinationError::io(&file, cause))?;
                sync_folder(&folders.data)?;
                // A tail that came back after a power cut would be spliced on again, perhaps to another file.
                sync_folder(&folders.state)?;
            }
            Action::Place { from, to } => {
                let (from, to) = (folders.state.join(from), folders.data.join(to));
                let folder = to.parent().unwrap_or(&folders.data);
                fs::create_dir_all(folder)
                    .and_then(|()| replace(&from, &to))
                    .map_err(|cause| DestinationError::io(&to, cause))?;
                sync_folder(folder)?;
            }
            Action::Remove { path } => {
                let path = folders.data.join(path);
                match fs::remove_file(&path) {
                    Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                        return Err(DestinationError::io(&path, cause));
                    }
                    _ => {}
                }
            }
            Action::Errors { at } => {
                let file = folders.state.join(ERRORS);
                errors(commit)
                    .and_then(|text| log(&file, *at, &text))
                    .map_err(|cause| DestinationError::io(&file, cause))?;
            }
            Action::Quarantine { at } => {
                let file = folders.state.join(QUARANTINE);
                quarantined(commit)
                    .and_then(|text| log(&file, *at, &text))
                    .map_err(|cause| DestinationError::io(&file, cause))?;
            }
        }
    }
    Ok(())
}

/// A file that is no longer there has been moved already.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    if !from.try_exists()? {
        return Ok(());
    }
    match fs::rename(from, to) {
        Err(cause) if cause.kind() == io::ErrorKind::CrossesDevices => {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(to.file_name().unwrap_or_default());
            hidden.push(".new");
            let copy = to.with_file_name(hidden);
            fs::copy(from, &copy)?;
            File::open(&copy)?.sync_data()?;
            fs::rename(&copy, to)?;
            fs::remove_file(from)
        }
        done => done,
    }
}

/// A tail that is no longer there has been put in its place already.
fn splice(tail: &Path, file: &Path, start: u64) -> io::Result<()> {
    let mut source = match File::open(tail) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut target = OpenOptions::new().create(true).truncate(false).write(true).open(file)?;
    target.set_len(start)?;
    target.seek(SeekFrom::Start(start))?;
    io::copy(&mut source, &mut target)?;
    target.sync_data()?;
    fs::remove_file(tail)
}

/// What is logged, as a person reads it.
#[derive(Serialize)]
struct Logged<'a, T> {
    at: String,
    pipeline: &'a str,
    #[serde(flatten)]
    line: &'a T,
}

impl<T: Serialize> Logged<'_, T> {
    fn put(&self, text: &mut Vec<u8>) -> io::Result<()> {
        serde_json::to_writer(&mut *text, self)?;
        text.push(b'\n');
        Ok(())
    }
}

pub(crate) fn errors(commit: &Commit) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for change in &commit.changes {
        if let Change::Error(line) = change {
            let line: &ErrorLine = line;
            Logged { at: iso8601(line.at_ms), pipeline: &commit.pipeline, line }.put(&mut text)?;
        }
    }
    Ok(text)
}

pub(crate) fn quarantined(commit: &Commit) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for change in &commit.changes {
        if let Change::Quarantined(line) = change {
            let line: &QuarantinedRow = line;
            Logged { at: iso8601(line.at_ms), pipeline: &commit.pipeline, line }.put(&mut text)?;
        }
    }
    Ok(text)
}

fn log(path: &Path, at: u64, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let length = file.metadata()?.len();
    if length >= at + text.len() as u64 {
        // Done before; whatever follows is not ours to cut.
        return Ok(());
    }
    // The log is a person's to shorten.
    let at = at.min(length);
    file.set_len(at)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(text)?;
    file.sync_data()
}

/// How long a log in the state folder is.
pub(crate) fn length_of_log(folders: &Folders, name: &str) -> Result<u64, DestinationError> {
    Ok(length_of(&folders.state.join(name))?.unwrap_or(0))
}
