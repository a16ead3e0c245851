//! The open transaction over a journal: what it will say, and what is done once it has said it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::actions::{length_of_log, perform_only};
use super::head::Head;
use super::journal::{self, Action, Commit, Held, Journal, Mark, Pipelines, Visible};
use super::part::{self, Names};
use super::{ERRORS, Folders, Form, QUARANTINE, actions, recover};
use crate::checkpoint::Change;
use crate::error::DestinationError;
use crate::lock::Lock;
use crate::parquet::manifest;
use crate::store::StoreAddress;

/// A journal is rewritten as one line when it is longer than this, and than several times that line.
const COMPACT_FROM_BYTES: u64 = 16 << 20;

/// What one pipeline has left, and is about to change.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) folders: Folders,
    pub(crate) pipeline: String,
    keeper: Keeper,
    /// Of every pipeline: a rewritten journal, and a manifest, must hold them all.
    pub(crate) pipelines: Pipelines,

    // The open transaction.
    pub(crate) changes: Vec<Change>,
    /// Loads that are finished or undone.
    pub(crate) closed: Vec<String>,
    /// Of these the finished ones whose rows stand among those of earlier loads.
    pub(crate) finished: BTreeMap<String, Mark>,
    /// The files of resources that have many.
    pub(crate) files: BTreeMap<String, Visible>,
    pub(crate) actions: Vec<Action>,
    /// What nothing will need once it is committed.
    pub(crate) rubbish: Vec<PathBuf>,
    stopped: bool,
}

/// What keeps commits.
#[derive(Debug)]
enum Keeper {
    /// Of a folder.
    Journal { journal: Journal, compacted_bytes: u64, _locks: [Lock; 2] },
    /// Of a store.
    Head(Box<Head>),
    /// None: it is only looked at.
    Nothing,
}

impl Ledger {
    pub(crate) fn open(folders: Folders, journal: &str, pipeline: &str) -> Result<Self, DestinationError> {
        for folder in [&folders.data, &folders.state] {
            fs::create_dir_all(folder).map_err(|cause| DestinationError::io(folder, cause))?;
        }
        // Both: runs may share either folder alone.
        let locks = [
            Lock::take(folders.data.join(".lock"), &folders.data)?,
            Lock::take(folders.state.join("lock"), &folders.state)?,
        ];
        recover::prove_writable(&folders.data)?;
        let (journal, pipelines) = recover::open(&folders, journal, pipeline)?;
        let keeper = Keeper::Journal { compacted_bytes: journal.length(), journal, _locks: locks };
        Ok(Self::new(folders, pipeline, keeper, pipelines))
    }

    pub(crate) fn open_store(
        form: Form,
        address: &StoreAddress,
        pipeline: &str,
    ) -> Result<Self, DestinationError> {
        let (head, pipelines) = Head::open(form, address)?;
        let folders = Folders { data: address.to_string().into(), state: head.scratch().to_owned() };
        Ok(Self::new(folders, pipeline, Keeper::Head(Box::new(head)), pipelines))
    }

    /// One that nothing can be committed to.
    pub(crate) fn to_look(folders: Folders, pipeline: &str, pipelines: Pipelines) -> Self {
        Self::new(folders, pipeline, Keeper::Nothing, pipelines)
    }

    fn new(folders: Folders, pipeline: &str, keeper: Keeper, pipelines: Pipelines) -> Self {
        Self {
            folders,
            pipeline: pipeline.to_owned(),
            keeper,
            pipelines,
            changes: Vec::new(),
            closed: Vec::new(),
            finished: BTreeMap::new(),
            files: BTreeMap::new(),
            actions: Vec::new(),
            rubbish: Vec::new(),
            stopped: false,
        }
    }

    /// The head of the store that it is over.
    pub(crate) fn head(&self) -> Result<&Head, DestinationError> {
        match &self.keeper {
            Keeper::Head(head) => Ok(head),
            Keeper::Journal { .. } | Keeper::Nothing => Err(self.stopped()),
        }
    }

    /// The same, to write.
    pub(crate) fn head_mut(&mut self) -> Result<&mut Head, DestinationError> {
        let stopped = self.stopped();
        match &mut self.keeper {
            Keeper::Head(head) => Ok(head),
            Keeper::Journal { .. } | Keeper::Nothing => Err(stopped),
        }
    }

    /// From here on nothing can be done but by the next run.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    fn stopped(&self) -> DestinationError {
        DestinationError::Stopped { path: self.folders.data.clone() }
    }

    /// What this pipeline's commits add up to.
    pub(crate) fn held(&self) -> Option<&Held> {
        self.pipelines.get(&self.pipeline)
    }

    /// The mark of an unfinished load, as committed.
    pub(crate) fn mark(&self, resource: &str) -> Option<&Mark> {
        self.held()?.marks.get(resource)
    }

    /// The last mark of a load that was finished, as committed.
    pub(crate) fn finished_mark(&self, resource: &str, load_id: &str) -> Option<&Mark> {
        self.held()?.finished.get(resource).filter(|mark| mark.load_id == load_id)
    }

    /// The files of a resource, as the open transaction will leave them.
    pub(crate) fn files_of(&self, resource: &str) -> Visible {
        let committed = || self.held()?.files.get(resource);
        self.files.get(resource).or_else(committed).cloned().unwrap_or_default()
    }

    /// Files of the state folder that nothing will need.
    pub(crate) fn discard<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        let state = &self.folders.state;
        self.rubbish.extend(names.into_iter().map(|name| state.join(name)));
    }

    pub(crate) fn names(&self) -> Names {
        Names {
            folder: self.folders.state.clone(),
            pipeline: self.pipeline.clone(),
            journal_length: match &self.keeper {
                Keeper::Journal { journal, .. } => journal.length(),
                Keeper::Head(head) => head.run(),
                Keeper::Nothing => 0,
            },
        }
    }

    pub(crate) fn check_going(&self) -> Result<(), DestinationError> {
        if self.stopped {
            return Err(self.stopped());
        }
        Ok(())
    }

    /// Writes what has changed into the journal, and does it; `marks` are those of all open loads, `first` what is done
    /// before the other actions. False if nothing has changed. Nothing more can be done until `go_on`.
    pub(crate) fn commit(
        &mut self,
        marks: BTreeMap<String, Mark>,
        first: Vec<Action>,
    ) -> Result<bool, DestinationError> {
        let mut commit = Commit {
            pipeline: self.pipeline.clone(),
            changes: Vec::new(),
            marks: self.changed_marks(marks),
            finished: self.finished.clone(),
            actions: first,
            files: self.files.clone(),
        };
        // After the first: those are of the files that are there, which these may replace.
        commit.actions.extend_from_slice(&self.actions);
        let in_folder = matches!(self.keeper, Keeper::Journal { .. });
        for (name, belongs, action) in LOGS {
            if in_folder && self.changes.iter().any(belongs) {
                commit.actions.push(action(length_of_log(&self.folders, name)?));
            }
        }
        let is_idle = commit.marks.is_empty() && commit.actions.is_empty() && commit.files.is_empty();
        if self.changes.is_empty() && is_idle {
            return Ok(false);
        }
        commit.changes = std::mem::take(&mut self.changes);
        let journal = match &mut self.keeper {
            Keeper::Nothing => return Err(DestinationError::Stopped { path: self.folders.data.clone() }),
            Keeper::Journal { journal, .. } => journal,
            Keeper::Head(head) => {
                self.stopped = true;
                journal::fold(&mut self.pipelines, &commit);
                let logs =
                    [("errors", actions::errors(&commit)), ("quarantine", actions::quarantined(&commit))];
                for (kind, lines) in logs {
                    let lines = lines.map_err(|cause| DestinationError::io(&self.folders.state, cause))?;
                    if !lines.is_empty() {
                        head.log(kind, lines)?;
                    }
                }
                head.commit(&self.pipelines)?;
                return Ok(true);
            }
        };
        if !is_idle {
            part::sync_folder(&self.folders.state)?;
        }
        if let Err(error) = journal.append(&commit) {
            self.stopped = matches!(error, DestinationError::Stopped { .. });
            self.changes = commit.changes;
            return Err(error);
        }
        // From here on the commit has happened: should a step fail, the next run does it again.
        self.stopped = true;
        journal::fold(&mut self.pipelines, &commit);
        let removes = |action: &Action| matches!(action, Action::Remove { .. });
        perform_only(&self.folders, &commit, |action| !removes(action))?;
        if !commit.files.is_empty() {
            manifest::write(&self.folders, &self.pipelines)?;
        }
        perform_only(&self.folders, &commit, removes)?;
        Ok(true)
    }

    /// Makes ready for what comes after a commit.
    pub(crate) fn go_on(&mut self) -> Result<(), DestinationError> {
        self.actions.clear();
        self.closed.clear();
        self.finished.clear();
        self.files.clear();
        for path in self.rubbish.drain(..) {
            let _ = fs::remove_file(path);
        }
        if let Keeper::Journal { journal, compacted_bytes, .. } = &mut self.keeper
            && journal.length() > COMPACT_FROM_BYTES.max(4 * *compacted_bytes)
        {
            *journal = Journal::compact(journal.path(), &self.pipelines)?;
            *compacted_bytes = journal.length();
        }
        self.stopped = false;
        Ok(())
    }

    fn changed_marks(&self, open: BTreeMap<String, Mark>) -> BTreeMap<String, Option<Mark>> {
        let closed = self.closed.iter().filter(|resource| self.mark(resource).is_some());
        let mut marks: BTreeMap<_, _> = closed.map(|resource| (resource.clone(), None)).collect();
        for (resource, mark) in open {
            if self.mark(&resource) == Some(&mark) {
                marks.remove(&resource);
            } else {
                marks.insert(resource, Some(mark));
            }
        }
        marks
    }
}

/// A log, which changes belong to it, and what adds them to it.
type Log = (&'static str, fn(&Change) -> bool, fn(u64) -> Action);

const LOGS: [Log; 2] = [
    (ERRORS, |change| matches!(change, Change::Error(_)), |at| Action::Errors { at }),
    (QUARANTINE, |change| matches!(change, Change::Quarantined(_)), |at| Action::Quarantine { at }),
];
