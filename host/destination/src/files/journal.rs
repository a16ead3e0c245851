//! The journal: one line a commit, from which the state and the length of every open file are read back.
//!
//! A line counts from the moment its newline is on the disk. Files are made durable before the line that speaks of their
//! length, so the journal never promises rows that are not there. What a line orders done to files (`Action`) happens
//! after it, before the next line; whoever opens the journal does the last line's actions again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use sanderling_columns::Schema;
use serde::{Deserialize, Serialize};

use super::part::{Part, sync_folder};
use crate::checkpoint::{Change, State};
use crate::error::DestinationError;
use crate::table::Disposition;

/// Of the lines below. A program that knows only an older one must not write them.
const VERSION: u32 = 3;

/// A line as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// Always the first line, and never another.
    Snapshot {
        version: u32,
        pipelines: Pipelines,
    },
    Commit(Commit),
}

/// The same, as it is written.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LineRef<'a> {
    Snapshot { version: u32, pipelines: &'a Pipelines },
    Commit(&'a Commit),
}

/// What each pipeline left.
pub(crate) type Pipelines = BTreeMap<String, Held>;

/// What one pipeline's commits add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) state: State,
    /// By resource: the file of each load that is not finished. Other files may be changed by anybody.
    pub(crate) marks: BTreeMap<String, Mark>,
    /// By resource: where the rows of its latest finished load stand at the end of its own file. They are taken back with
    /// the rest of a tree that is started again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) finished: BTreeMap<String, Mark>,
    /// By resource: the files that its rows are, where they are many.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, Visible>,
}

/// The files of a resource that readers are to see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visible {
    /// Their paths in the folder, in the order in which they came.
    pub(crate) visible: Vec<String>,
    /// The columns of all of them.
    pub(crate) schema: Schema,
}

/// How far the file of an unfinished load has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) load_id: String,
    pub(crate) disposition: Disposition,
    /// The file in the state folder that will take the old one's place; none: the rows go to the resource's own file.
    pub(crate) beside: Option<String>,
    /// Where the load's rows begin.
    pub(crate) start: u64,
    /// Where they end.
    pub(crate) length: u64,
    /// The file of keys in the state folder, and its length.
    pub(crate) keys: Option<(String, u64)>,
    /// The load's own files, in the order of its rows, where these are many: in the state folder if they wait there until
    /// the load is finished, else among the resource's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<Parts>,
}

/// The files of an unfinished load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// Their names.
    pub(crate) names: Vec<String>,
    /// Those of its lists' rows, each with its table, in the order of their rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lists: Vec<(String, String)>,
    /// Rows that came, with those that a contract left out.
    #[serde(default)]
    pub(crate) received: u64,
    /// Their columns.
    pub(crate) schema: Schema,
    /// The file of the state folder by which rows of one key are chosen, and its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) choices: Option<(String, u64)>,
}

impl Parts {
    /// The names of them all.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain(self.lists.iter().map(|(_, name)| name))
    }
}

impl Mark {
    /// The names of the files in the state folder that only this load uses.
    pub(crate) fn own_files(&self) -> impl Iterator<Item = &String> {
        let parts = self.parts.iter().filter(|_| self.beside.is_some());
        let choices = self.parts.iter().filter_map(|parts| parts.choices.as_ref()).map(|(name, _)| name);
        let parts = parts.flat_map(Parts::all).chain(choices);
        self.beside.iter().chain(parts).chain(self.keys.as_ref().map(|(name, _)| name))
    }
}

/// What one commit has changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) pipeline: String,
    pub(crate) changes: Vec<Change>,
    /// By resource; none: its load is finished or undone.
    pub(crate) marks: BTreeMap<String, Option<Mark>>,
    /// By resource: the last mark of a load that is finished, and whose rows stand in the resource's own file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) finished: BTreeMap<String, Mark>,
    pub(crate) actions: Vec<Action>,
    /// By resource: its files from here on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, Visible>,
}

/// What a commit does to files. Each can be done again, in full or from the middle, with the same end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// A file of the state folder takes the place of the resource's.
    Replace { from: String, resource: String },
    /// The resource's file is cut at `start`, and the file `tail` of the state folder is put there.
    Splice { resource: String, start: u64, tail: String },
    /// A file of the state folder is put at a path in the folder of rows.
    Place { from: String, to: String },
    /// A file in the folder of rows is removed.
    Remove { path: String },
    /// The commit's error lines go to `errors.jsonl`, which is `at` bytes long without them.
    Errors { at: u64 },
    /// Adds the commit's refused rows to their log, which was `at` bytes long.
    Quarantine { at: u64 },
}

#[derive(Debug)]
pub(crate) struct Journal {
    file: Part,
}

/// What a journal holds.
pub(crate) struct Contents {
    pub(crate) pipelines: Pipelines,
    /// The last line, if it is a commit: its actions may not have been done.
    pub(crate) last: Option<Commit>,
    /// Whether the file is one whole snapshot, so that there is nothing to compact.
    compact: bool,
}

/// Folds a commit into what its pipeline holds.
pub(crate) fn fold(pipelines: &mut Pipelines, commit: &Commit) {
    let held = pipelines.entry(commit.pipeline.clone()).or_default();
    for change in &commit.changes {
        held.state.apply(change.clone());
    }
    for (resource, mark) in &commit.marks {
        match mark {
            Some(mark) => held.marks.insert(resource.clone(), mark.clone()),
            None => held.marks.remove(resource),
        };
        held.finished.remove(resource);
    }
    held.finished.extend(commit.finished.clone());
    held.files.extend(commit.files.clone());
}

/// Reads the journal. A last line that is cut short, or garbled, was never committed and is ignored.
pub(crate) fn read(path: &Path) -> Result<Contents, DestinationError> {
    let sort = |cause| DestinationError::io(path, cause);
    let mut contents = Contents { pipelines: Pipelines::new(), last: None, compact: false };
    let mut reader = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(contents),
        Err(cause) => return Err(sort(cause)),
    };
    let mut text = Vec::new();
    let mut number = 0_u64;
    loop {
        text.clear();
        if reader.read_until(b'\n', &mut text).map_err(sort)? == 0 {
            return Ok(contents);
        }
        number += 1;
        let whole = text.ends_with(b"\n");
        let line = serde_json::from_slice(&text);
        contents.compact = false;
        match line {
            Ok(Line::Snapshot { version: version @ 1..=VERSION, pipelines }) if whole && number == 1 => {
                // One of an older version is written anew before anything is added to it.
                contents = Contents { pipelines, last: None, compact: version == VERSION };
            }
            Ok(Line::Commit(commit)) if whole && number > 1 => {
                fold(&mut contents.pipelines, &commit);
                contents.last = Some(commit);
            }
            // The first line is put in place whole, by a rename, and so is never torn.
            Err(_) if number > 1 && reader.fill_buf().map_err(sort)?.is_empty() => return Ok(contents),
            Ok(Line::Commit(_)) if !whole && number > 1 => return Ok(contents),
            Ok(Line::Snapshot { version, .. }) if number == 1 && version > VERSION => {
                let reason =
                    format!("it is of version {version}; this program knows {VERSION}: use a newer one");
                return Err(DestinationError::Corrupt { path: path.to_owned(), reason });
            }
            _ => {
                let reason = format!("line {number} is not what a run writes");
                return Err(DestinationError::Corrupt { path: path.to_owned(), reason });
            }
        }
    }
}

impl Journal {
    /// Opens the journal that `contents` were read from, compacted to one line.
    pub(crate) fn open(path: PathBuf, contents: &Contents) -> Result<Self, DestinationError> {
        if !contents.compact {
            return Self::compact(&path, &contents.pipelines);
        }
        let length = fs::metadata(&path).map_err(|cause| DestinationError::io(&path, cause))?.len();
        Ok(Self { file: Part::open(path, length)? })
    }

    /// Puts a new journal, of one line, in the place of the one at `path`.
    pub(crate) fn compact(path: &Path, pipelines: &Pipelines) -> Result<Self, DestinationError> {
        let new = path.with_extension("jsonl.new");
        let text = encode(path, &LineRef::Snapshot { version: VERSION, pipelines })?;
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&new, path)
        });
        written.map_err(|cause| DestinationError::io(path, cause))?;
        if let Some(folder) = path.parent() {
            sync_folder(folder)?;
        }
        Ok(Self { file: Part::open(path.to_owned(), text.len() as u64)? })
    }

    /// Adds a line and makes it durable: the moment at which a commit happens. On an error there is no such line, unless
    /// the error is `Stopped`: then only the next run can tell.
    pub(crate) fn append(&mut self, commit: &Commit) -> Result<(), DestinationError> {
        let before = self.file.length();
        let text = encode(self.file.path(), &LineRef::Commit(commit))?;
        self.file.append(&[&text])?;
        let Err(error) = self.file.sync() else {
            return Ok(());
        };
        let taken_back = self.file.cut(before).and_then(|()| self.file.sync());
        Err(taken_back.map_or(DestinationError::Stopped { path: self.path().to_owned() }, |()| error))
    }

    pub(crate) fn length(&self) -> u64 {
        self.file.length()
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }
}

fn encode(path: &Path, line: &LineRef) -> Result<Vec<u8>, DestinationError> {
    let mut text = serde_json::to_vec(line).map_err(|error| DestinationError::io(path, error.into()))?;
    text.push(b'\n');
    Ok(text)
}
