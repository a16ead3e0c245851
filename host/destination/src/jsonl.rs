//! Rows as files, a line a row, exactly as they came; the checkpoint as a journal beside them.
//!
//! Rows of an `append` go to the end of the resource's own file; those of a `replace` or `merge` to a new file in the
//! state folder, which takes the old one's place when the load is finished. Bytes are written at once, but count only
//! from the journal line (a mark) that names the file's new length; the next run cuts the rest off. Where no mark guards
//! the end of a file yet, or its end is to be taken back, new rows wait in a tail until the commit splices it on.

pub(crate) mod actions;
pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod keys;
mod load;
pub(crate) mod part;
pub(crate) mod recover;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::{DestinationError, NameError};
use crate::file_name;
use crate::lock::Lock;
use crate::rows;
use crate::table::{Disposition, Rows, Table, Written};
use journal::{Action, Commit, Journal, Mark, Pipelines};
use load::OpenLoad;
use part::Names;

/// The log of errors in the state folder.
pub(crate) const ERRORS: &str = "errors.jsonl";

/// The refused rows in the state folder.
pub(crate) const QUARANTINE: &str = "quarantine.jsonl";

/// The journal in the state folder.
pub(crate) const JOURNAL: &str = "journal.jsonl";

/// A journal is rewritten as one line when it is longer than this, and than several times that line.
pub(crate) const COMPACT_FROM_BYTES: u64 = 16 << 20;

/// One pipeline's part of a folder.
#[derive(Debug)]
pub struct Jsonl {
    folders: Folders,
    pipeline: String,
    journal: Journal,
    // Of every pipeline: a rewritten journal must hold them all.
    pipelines: Pipelines,
    compacted_bytes: u64,

    // The open transaction.
    loads: BTreeMap<String, OpenLoad>,
    changes: Vec<Change>,
    // Loads that are finished or undone.
    closed: Vec<String>,
    // Of these the finished ones whose rows stand in the resource's own file.
    finished: BTreeMap<String, Mark>,
    actions: Vec<Action>,
    cuts: BTreeMap<String, Cut>,
    rubbish: Vec<PathBuf>,
    stopped: bool,

    _locks: [Lock; 2],
}

/// Where files are.
#[derive(Debug)]
pub(crate) struct Folders {
    pub(crate) data: PathBuf,
    pub(crate) state: PathBuf,
}

/// A file that the open transaction must not touch yet: its end is being taken back, or no mark says where its rows end.
/// Until the commit new rows wait in `tail`.
#[derive(Debug, Clone)]
struct Cut {
    start: u64,
    tail: String,
}

impl Folders {
    fn data_path(&self, resource: &str) -> PathBuf {
        self.data.join(format!("{}.jsonl", file_name::encode(resource)))
    }
}

impl Jsonl {
    pub(crate) fn open(dir: &Path, state_dir: &Path, pipeline: &str) -> Result<Self, DestinationError> {
        let folders = Folders { data: dir.to_owned(), state: state_dir.to_owned() };
        for folder in [&folders.data, &folders.state] {
            fs::create_dir_all(folder).map_err(|cause| DestinationError::io(folder, cause))?;
        }
        // Both: runs may share either folder alone.
        let locks = [
            Lock::take(folders.data.join(".lock"), dir)?,
            Lock::take(folders.state.join("lock"), state_dir)?,
        ];
        recover::prove_writable(&folders.data)?;
        let (journal, pipelines) = recover::open(&folders, JOURNAL, pipeline)?;
        Ok(Self {
            folders,
            pipeline: pipeline.to_owned(),
            compacted_bytes: journal.length(),
            journal,
            pipelines,
            loads: BTreeMap::new(),
            changes: Vec::new(),
            closed: Vec::new(),
            finished: BTreeMap::new(),
            actions: Vec::new(),
            cuts: BTreeMap::new(),
            rubbish: Vec::new(),
            stopped: false,
            _locks: locks,
        })
    }

    pub(crate) fn state(&self) -> State {
        self.pipelines.get(&self.pipeline).map(|held| held.state.clone()).unwrap_or_default()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        self.check_others(table)?;
        let opened = match table.disposition {
            Disposition::Append => {
                self.check_in_place(table)?;
                let Cut { start, tail } = self.tail(&table.resource)?.clone();
                OpenLoad::behind(&self.folders, table, load, start, &tail)?
            }
            Disposition::Replace | Disposition::Merge => OpenLoad::beside(&self.names(), table, load)?,
        };
        self.loads.insert(table.resource.clone(), opened);
        self.changes.push(Change::Load(load.clone()));
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let mark = self.mark(&table.resource);
        let Some(mark) = mark.filter(|mark| is_of(mark, table, &load.load_id)) else {
            let path = self.folders.data_path(&table.resource);
            let reason = format!("nothing is known of load {}, which is to go on", load.load_id);
            return Err(DestinationError::Corrupt { path, reason });
        };
        let opened = OpenLoad::marked(&self.folders, table, mark)?;
        self.loads.insert(table.resource.clone(), opened);
        self.changes.push(Change::Load(load.clone()));
        Ok(())
    }

    pub(crate) fn undo(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        self.check_going()?;
        let names = self.names();
        let committed = self.mark(resource).filter(|mark| mark.load_id == load_id).cloned();
        let open = self.loads.get_mut(resource).filter(|open| open.load_id() == load_id);
        if open.is_none() && committed.is_none() {
            return self.undo_finished(resource, load_id);
        }
        self.finished.remove(resource);
        let committed_rows =
            committed.as_ref().filter(|mark| mark.beside.is_none() && mark.length > mark.start);
        match (committed_rows, open) {
            // Rows that are committed must not go before the commit that takes them back.
            (Some(mark), _) if !self.cuts.contains_key(resource) => {
                if load::is_whole(&self.folders, resource, mark)? {
                    let (tail, _) = names.create(resource, "tail")?;
                    self.cuts.insert(resource.to_owned(), Cut { start: mark.start, tail });
                }
            }
            (_, Some(open)) if open.is_beside() => self.rubbish.extend(open.paths()),
            (_, Some(open)) => open.cut_to_start()?,
            (_, None) => {}
        }
        if let Some(mark) = committed {
            self.rubbish.extend(mark.own_files().map(|name| self.folders.state.join(name)));
        }
        self.loads.remove(resource);
        self.closed.push(resource.to_owned());
        Ok(())
    }

    pub(crate) fn write(
        &mut self,
        table: &Table,
        rows: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        self.check_going()?;
        let lines = rows::lines(&table.resource, rows)?;
        let Some(open) = self.loads.get_mut(&table.resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        open.write(table, rows, lines)?;
        self.changes.extend_from_slice(changes);
        Ok(Written { rows: rows.count, new_columns: Vec::new() })
    }

    pub(crate) fn record(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        self.check_going()?;
        self.changes.extend_from_slice(changes);
        Ok(())
    }

    pub(crate) fn distinct_keys(&self, table: &Table) -> Result<Option<u64>, DestinationError> {
        self.loads.get(&table.resource).map_or(Ok(None), OpenLoad::distinct_keys)
    }

    pub(crate) fn finish(
        &mut self,
        table: &Table,
        load: &Load,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        self.check_going()?;
        let names = self.names();
        let resource = &table.resource;
        let Some(open) = self.loads.get_mut(resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        if let Some(from) = open.complete(&names, table)? {
            self.actions.push(Action::Replace { from, resource: resource.clone() });
            self.rubbish.extend(open.paths());
        }
        if !open.is_beside() {
            self.finished.insert(resource.clone(), open.mark());
        }
        self.loads.remove(resource);
        self.closed.push(resource.clone());
        self.changes.extend_from_slice(changes);
        self.changes.push(Change::Load(Load { status: LoadStatus::Complete, ..load.clone() }));
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        for open in self.loads.values_mut() {
            open.sync()?;
        }
        let mut commit = Commit {
            pipeline: self.pipeline.clone(),
            changes: Vec::new(),
            marks: self.changed_marks(),
            finished: self.finished.clone(),
            actions: self.splices(),
            files: BTreeMap::new(),
        };
        // After the splices: those are of the file that is there, which these may replace.
        commit.actions.extend_from_slice(&self.actions);
        if self.changes.iter().any(|change| matches!(change, Change::Error(_))) {
            let at = actions::length_of_log(&self.folders, ERRORS)?;
            commit.actions.push(Action::Errors { at });
        }
        if self.changes.iter().any(|change| matches!(change, Change::Quarantined(_))) {
            let at = actions::length_of_log(&self.folders, QUARANTINE)?;
            commit.actions.push(Action::Quarantine { at });
        }
        if self.changes.is_empty() && commit.marks.is_empty() && commit.actions.is_empty() {
            return Ok(());
        }
        if !commit.marks.is_empty() || !commit.actions.is_empty() {
            part::sync_folder(&self.folders.state)?;
        }
        commit.changes = std::mem::take(&mut self.changes);
        if let Err(error) = self.journal.append(&commit) {
            self.stopped = matches!(error, DestinationError::Stopped { .. });
            self.changes = commit.changes;
            return Err(error);
        }
        // From here on the commit has happened: should a step fail, the next run does it again.
        self.stopped = true;
        journal::fold(&mut self.pipelines, &commit);
        actions::perform(&self.folders, &commit)?;
        for resource in std::mem::take(&mut self.cuts).into_keys() {
            if let Some(open) = self.loads.get_mut(&resource) {
                open.come_home(&self.folders)?;
            }
        }
        self.actions.clear();
        self.closed.clear();
        self.finished.clear();
        for path in self.rubbish.drain(..) {
            let _ = fs::remove_file(path);
        }
        if self.journal.length() > COMPACT_FROM_BYTES.max(4 * self.compacted_bytes) {
            self.journal = Journal::compact(self.journal.path(), &self.pipelines)?;
            self.compacted_bytes = self.journal.length();
        }
        self.stopped = false;
        Ok(())
    }

    /// What each pipeline left in `state_dir`, read without a lock; none if nothing has been kept there.
    pub(crate) fn look(state_dir: &Path) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        let path = state_dir.join(JOURNAL);
        if part::length_of(&path)?.is_none() {
            return Ok(None);
        }
        let pipelines = journal::read(&path)?.pipelines;
        Ok(Some(pipelines.into_iter().map(|(pipeline, held)| (pipeline, held.state)).collect()))
    }

    pub(crate) fn data_path(&self, resource: &str) -> PathBuf {
        self.folders.data_path(resource)
    }

    /// The marks of this pipeline's unfinished loads, as committed.
    fn marks(&self) -> impl Iterator<Item = (&String, &Mark)> {
        self.pipelines.get(&self.pipeline).into_iter().flat_map(|held| &held.marks)
    }

    fn mark(&self, resource: &str) -> Option<&Mark> {
        self.pipelines.get(&self.pipeline)?.marks.get(resource)
    }

    fn names(&self) -> Names {
        Names {
            folder: self.folders.state.clone(),
            pipeline: self.pipeline.clone(),
            journal_length: self.journal.length(),
        }
    }

    /// The tail in which the rows of a new load wait, made if there is none.
    fn tail(&mut self, resource: &str) -> Result<&Cut, DestinationError> {
        let names = self.names();
        Ok(match self.cuts.entry(resource.to_owned()) {
            Entry::Occupied(cut) => cut.into_mut(),
            Entry::Vacant(none) => {
                let start = load::end_of_rows(&self.folders, resource)?;
                let (tail, _) = names.create(resource, "tail")?;
                none.insert(Cut { start, tail })
            }
        })
    }

    /// Takes back the rows of a finished load, unless something else has been written behind them since.
    fn undo_finished(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        let finished = self.pipelines.get(&self.pipeline).and_then(|held| held.finished.get(resource));
        let Some(Mark { start, length, .. }) = finished.filter(|mark| mark.load_id == load_id).cloned()
        else {
            return Ok(());
        };
        let untouched = part::length_of(&self.folders.data_path(resource))? == Some(length);
        if untouched && length > start && !self.cuts.contains_key(resource) {
            let (tail, _) = self.names().create(resource, "tail")?;
            self.cuts.insert(resource.to_owned(), Cut { start, tail });
        }
        Ok(())
    }

    fn splices(&self) -> Vec<Action> {
        let splice = |(resource, cut): (&String, &Cut)| Action::Splice {
            resource: resource.clone(),
            start: cut.start,
            tail: cut.tail.clone(),
        };
        self.cuts.iter().map(splice).collect()
    }

    fn changed_marks(&self) -> BTreeMap<String, Option<Mark>> {
        let closed = self.closed.iter().filter(|resource| self.mark(resource).is_some());
        let mut marks: BTreeMap<_, _> = closed.map(|resource| (resource.clone(), None)).collect();
        for (resource, open) in &self.loads {
            let mark = open.mark();
            if self.mark(resource) == Some(&mark) {
                marks.remove(resource);
            } else {
                marks.insert(resource.clone(), Some(mark));
            }
        }
        marks
    }

    fn check_going(&self) -> Result<(), DestinationError> {
        if self.stopped {
            return Err(DestinationError::Stopped { path: self.folders.data.clone() });
        }
        Ok(())
    }

    fn check(&self, table: &Table) -> Result<(), DestinationError> {
        self.check_going()?;
        let others = self.loads.keys().chain(self.marks().map(|(resource, _)| resource));
        table.check(&table.resource, others.map(|resource| (resource.as_str(), resource.as_str())))
    }

    /// Refuses to go to the end of a file that the open transaction is about to put another in the place of.
    fn check_in_place(&self, table: &Table) -> Result<(), DestinationError> {
        let replaces = |action: &Action| matches!(action, Action::Replace { resource, .. } if *resource == table.resource);
        if self.actions.iter().any(replaces) {
            let reason =
                "a load of it has been finished under another disposition; commit that first".to_owned();
            return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
        }
        Ok(())
    }

    /// Refuses a file that another pipeline's broken load has rows at the end of: to undo those would take ours.
    fn check_others(&self, table: &Table) -> Result<(), DestinationError> {
        for (pipeline, held) in &self.pipelines {
            let mark = held.marks.get(&table.resource).filter(|mark| mark.beside.is_none());
            if *pipeline != self.pipeline && mark.is_some() {
                return Err(DestinationError::NotOurs {
                    name: self.folders.data_path(&table.resource).display().to_string(),
                    reason: format!(
                        "it ends with rows of a load that `{pipeline}` has not finished; run that first"
                    ),
                });
            }
        }
        Ok(())
    }
}

fn is_of(mark: &Mark, table: &Table, load_id: &str) -> bool {
    mark.load_id == load_id && mark.disposition == table.disposition
}
