//! What is done before a folder is used: half-done commits are completed, and what was never committed is cut off.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::journal::{self, Held, Journal, Mark, Pipelines};
use super::part::{self, length_of};
use super::{Folders, actions};
use crate::error::DestinationError;

/// Opens the journal `name`, with every file as the last commit left it.
pub(crate) fn open(
    folders: &Folders,
    name: &str,
    pipeline: &str,
) -> Result<(Journal, Pipelines), DestinationError> {
    let path = folders.state.join(name);
    let contents = journal::read(&path)?;
    if let Some(commit) = &contents.last {
        actions::perform(folders, commit)?;
    }
    // Only now may the last line, and its actions with it, be folded into a snapshot.
    let journal = Journal::open(path, &contents)?;
    let held = contents.pipelines.get(pipeline);
    remove_strays(folders, pipeline, held)?;
    cut_uncommitted(folders, held)?;
    Ok((journal, contents.pipelines))
}

/// Makes and removes a file in `folder`.
pub(crate) fn prove_writable(folder: &Path) -> Result<(), DestinationError> {
    let probe = folder.join(".sanderling-probe");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|cause| DestinationError::io(folder, cause))
}

/// Removes the pipeline's files in the state folder that no unfinished load uses.
fn remove_strays(folders: &Folders, pipeline: &str, held: Option<&Held>) -> Result<(), DestinationError> {
    let sort = |cause| DestinationError::io(&folders.state, cause);
    let prefix = part::prefix(pipeline);
    let used: Vec<&str> = held
        .iter()
        .flat_map(|held| held.marks.values())
        .flat_map(Mark::own_files)
        .map(String::as_str)
        .collect();
    for entry in fs::read_dir(&folders.state).map_err(sort)? {
        let name = entry.map_err(sort)?.file_name();
        if let Some(name) = name.to_str()
            && name.starts_with(&prefix)
            && !used.contains(&name)
        {
            fs::remove_file(folders.state.join(name)).map_err(sort)?;
        }
    }
    Ok(())
}

/// Cuts the pipeline's files to their marks. One that is too short is left for `resume` and `undo` to report: a fresh start
/// may not need it.
fn cut_uncommitted(folders: &Folders, held: Option<&Held>) -> Result<(), DestinationError> {
    for (resource, mark) in held.iter().flat_map(|held| &held.marks) {
        // Parts are whole, or not there.
        if mark.parts.is_none() {
            let rows = match &mark.beside {
                Some(name) => folders.state.join(name),
                None => folders.data_path(resource),
            };
            cut(&rows, mark.length)?;
        }
        if let Some((name, length)) = &mark.keys {
            cut(&folders.state.join(name), *length)?;
        }
    }
    Ok(())
}

fn cut(path: &Path, length: u64) -> Result<(), DestinationError> {
    if length_of(path)? > Some(length) {
        let cut = || -> io::Result<()> { OpenOptions::new().write(true).open(path)?.set_len(length) };
        cut().map_err(|cause| DestinationError::io(path, cause))?;
    }
    Ok(())
}
