//! Rows as Parquet files, one a commit and resource; the checkpoint as a journal beside them.
//!
//! A file is written into the state folder, and put in its place (`<resource>/<load>-<number>.parquet`) once the journal has
//! the line that speaks of it; those of a `replace` or `merge` when the load is finished, all at once. A file is never
//! changed. `manifest.json` names the files that count, by resource: whoever reads it sees a commit as a whole, where a
//! reader of the folders may meet its files one after the other.

mod file;
mod load;
mod manifest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::{DataError, DestinationError};
use crate::file_name;
use crate::jsonl::actions::{length_of_log, perform_only};
use crate::jsonl::journal::{self, Action, Commit, Files, Journal, Mark, Pipelines};
use crate::jsonl::part::{Names, length_of, sync_folder};
use crate::jsonl::{COMPACT_FROM_BYTES, ERRORS, Folders, QUARANTINE, recover};
use crate::lock::Lock;
use crate::table::{Disposition, Rows, Table, Written};
use load::OpenLoad;

/// The journal in the state folder.
pub(crate) const JOURNAL: &str = "parquet.jsonl";

/// One pipeline's part of a folder.
#[derive(Debug)]
pub struct Parquet {
    folders: Folders,
    pipeline: String,
    journal: Journal,
    // Of every pipeline: a rewritten journal, and the manifest, must hold them all.
    pipelines: Pipelines,
    compacted_bytes: u64,

    // The open transaction.
    loads: BTreeMap<String, OpenLoad>,
    changes: Vec<Change>,
    // Loads that are finished or undone, and the last mark of those finished under `append`.
    closed: Vec<String>,
    finished: BTreeMap<String, Mark>,
    files: BTreeMap<String, Files>,
    actions: Vec<Action>,
    rubbish: Vec<PathBuf>,
    stopped: bool,

    _locks: [Lock; 2],
}

impl Parquet {
    pub(crate) fn open(dir: &Path, state_dir: &Path, pipeline: &str) -> Result<Self, DestinationError> {
        let folders = Folders { data: dir.to_owned(), state: state_dir.to_owned() };
        for folder in [&folders.data, &folders.state] {
            fs::create_dir_all(folder).map_err(|cause| DestinationError::io(folder, cause))?;
        }
        let locks = [
            Lock::take(folders.data.join(".lock"), dir)?,
            Lock::take(folders.state.join("lock"), state_dir)?,
        ];
        recover::prove_writable(&folders.data)?;
        let (journal, pipelines) = recover::open(&folders, JOURNAL, pipeline)?;
        if !pipelines.is_empty() {
            manifest::write(&folders, &pipelines)?;
        }
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
            files: BTreeMap::new(),
            actions: Vec::new(),
            rubbish: Vec::new(),
            stopped: false,
            _locks: locks,
        })
    }

    /// What each pipeline left in `state_dir`, read without a lock; none if nothing has been kept there.
    pub(crate) fn look(state_dir: &Path) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        let path = state_dir.join(JOURNAL);
        if length_of(&path)?.is_none() {
            return Ok(None);
        }
        let pipelines = journal::read(&path)?.pipelines;
        Ok(Some(pipelines.into_iter().map(|(pipeline, held)| (pipeline, held.state)).collect()))
    }

    pub(crate) fn state(&self) -> State {
        self.pipelines.get(&self.pipeline).map(|held| held.state.clone()).unwrap_or_default()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        self.check_others(table)?;
        let schema = match table.disposition {
            Disposition::Append => self.files_of(&table.resource).schema,
            Disposition::Replace | Disposition::Merge => sanderling_columns::Schema::default(),
        };
        let opened = OpenLoad::new(&self.names(), table, load, schema)?;
        // From here on there is such a table, if without rows.
        let files = self.files_of(&table.resource);
        self.files.insert(table.resource.clone(), files);
        self.loads.insert(table.resource.clone(), opened);
        self.changes.push(Change::Load(load.clone()));
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let of_load = |mark: &&Mark| mark.load_id == load.load_id && mark.disposition == table.disposition;
        let Some(mark) = self.mark(&table.resource).filter(of_load) else {
            let path = self.folder_of(&table.resource);
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
        let open = self.loads.remove(resource);
        let open = match open {
            Some(open) if open.load_id != load_id => {
                self.loads.insert(resource.to_owned(), open);
                None
            }
            open => open.map(|open| open.mark()),
        };
        let held = self.pipelines.get(&self.pipeline);
        let committed = self.mark(resource).filter(|mark| mark.load_id == load_id).cloned();
        let finished =
            held.and_then(|held| held.finished.get(resource)).filter(|mark| mark.load_id == load_id);
        let Some(mark) = open.or(committed).or_else(|| finished.cloned()) else { return Ok(()) };
        let parts = mark.parts.clone().unwrap_or_default().names;
        if mark.beside.is_some() {
            self.rubbish.extend(parts.iter().map(|name| self.folders.state.join(name)));
        } else {
            self.hide(resource, &parts);
        }
        let choices = mark.parts.and_then(|parts| parts.choices);
        let own = mark.keys.into_iter().chain(choices);
        self.rubbish.extend(own.map(|(name, _)| self.folders.state.join(name)));
        self.finished.remove(resource);
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
        let Some(open) = self.loads.get_mut(&table.resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        let new_columns = open.write(table, rows)?;
        self.changes.extend_from_slice(changes);
        Ok(Written { rows: rows.count, new_columns })
    }

    pub(crate) fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        let schema = self.loads.get(&table.resource).map(|open| open.schema.clone()).unwrap_or_default();
        load::breaches(table, page, schema)
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
        let resource = &table.resource;
        if !self.loads.contains_key(resource) {
            return Err(DestinationError::not_begun(resource));
        }
        self.flush(resource)?;
        let names = self.names();
        let Some(mut open) = self.loads.remove(resource) else { return Ok(()) };
        if open.is_beside() {
            self.rubbish.extend(open.mark().own_files().map(|name| self.folders.state.join(name)));
            let parts = open.kept(table, &self.folders, &names)?;
            let old = self.files_of(resource).visible;
            self.hide(resource, &old);
            for part in parts {
                self.show(resource, &open.load_id, part);
            }
        } else {
            self.finished.insert(resource.clone(), open.mark());
        }
        let mut files = self.files_of(resource);
        files.schema = open.schema;
        self.files.insert(resource.clone(), files);
        self.closed.push(resource.clone());
        self.changes.extend_from_slice(changes);
        self.changes.push(Change::Load(Load { status: LoadStatus::Complete, ..load.clone() }));
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        for resource in self.loads.keys().cloned().collect::<Vec<_>>() {
            self.flush(&resource)?;
        }
        for open in self.loads.values_mut() {
            open.sync()?;
        }
        let mut commit = Commit {
            pipeline: self.pipeline.clone(),
            changes: Vec::new(),
            marks: self.changed_marks(),
            finished: self.finished.clone(),
            actions: self.actions.clone(),
            files: self.files.clone(),
        };
        for (name, is_there, action) in LOGS {
            if self.changes.iter().any(is_there) {
                commit.actions.push(action(length_of_log(&self.folders, name)?));
            }
        }
        let idle = commit.marks.is_empty() && commit.actions.is_empty() && commit.files.is_empty();
        if self.changes.is_empty() && idle {
            return Ok(());
        }
        sync_folder(&self.folders.state)?;
        commit.changes = std::mem::take(&mut self.changes);
        // Should a step fail from here on, only the next run can tell, and does what is left.
        self.stopped = true;
        self.journal.append(&commit)?;
        journal::fold(&mut self.pipelines, &commit);
        let removes = |action: &Action| matches!(action, Action::Remove { .. });
        perform_only(&self.folders, &commit, |action| !removes(action))?;
        if !commit.files.is_empty() {
            manifest::write(&self.folders, &self.pipelines)?;
        }
        perform_only(&self.folders, &commit, removes)?;
        self.actions.clear();
        self.closed.clear();
        self.finished.clear();
        self.files.clear();
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

    /// The files of a resource, for a reader of several.
    pub(crate) fn pattern(&self, resource: &str) -> PathBuf {
        self.folder_of(resource).join("*.parquet")
    }

    fn folder_of(&self, resource: &str) -> PathBuf {
        self.folders.data.join(file_name::encode(resource))
    }

    /// The rows of a load that wait become a file.
    fn flush(&mut self, resource: &str) -> Result<(), DestinationError> {
        let names = self.names();
        let Some(open) = self.loads.get_mut(resource) else { return Ok(()) };
        let Some(part) = open.flush(&self.folders, &names)? else { return Ok(()) };
        if open.is_beside() {
            open.parts.push(part);
        } else {
            let load_id = open.load_id.clone();
            let path = self.show(resource, &load_id, part);
            if let Some(open) = self.loads.get_mut(resource) {
                open.parts.push(path);
            }
        }
        Ok(())
    }

    /// A file of the state folder becomes one of the resource's, as part of the commit. Returns its path there.
    fn show(&mut self, resource: &str, load_id: &str, part: String) -> String {
        let mut files = self.files_of(resource);
        let stem = format!("{}/{}", file_name::encode(resource), file_name::encode(load_id));
        let mut number = files.visible.len();
        let path = loop {
            let path = format!("{stem}-{number:06}.parquet");
            let placed = |action: &Action| matches!(action, Action::Place { to, .. } if *to == path);
            if !self.folders.data.join(&path).exists() && !self.actions.iter().any(placed) {
                break path;
            }
            number += 1;
        };
        files.visible.push(path.clone());
        self.files.insert(resource.to_owned(), files);
        self.actions.push(Action::Place { from: part, to: path.clone() });
        path
    }

    /// Files of the resource's are no longer to be seen, as part of the commit.
    fn hide(&mut self, resource: &str, paths: &[String]) {
        let mut files = self.files_of(resource);
        files.visible.retain(|path| !paths.contains(path));
        self.files.insert(resource.to_owned(), files);
        for path in paths {
            let placed = |action: &Action| matches!(action, Action::Place { to, .. } if to == path);
            match self.actions.iter().position(placed) {
                Some(at) => {
                    if let Action::Place { from, .. } = self.actions.remove(at) {
                        self.rubbish.push(self.folders.state.join(from));
                    }
                }
                None => self.actions.push(Action::Remove { path: path.clone() }),
            }
        }
    }

    fn files_of(&self, resource: &str) -> Files {
        let committed = || self.pipelines.get(&self.pipeline)?.files.get(resource);
        self.files.get(resource).or_else(committed).cloned().unwrap_or_default()
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
        let held = self.pipelines.get(&self.pipeline);
        let marked = held.into_iter().flat_map(|held| held.marks.keys());
        let others = self.loads.keys().chain(marked);
        table.check(&table.resource, others.map(|resource| (resource.as_str(), resource.as_str())))
    }

    /// Refuses a resource that another pipeline has files of.
    fn check_others(&self, table: &Table) -> Result<(), DestinationError> {
        for (pipeline, held) in &self.pipelines {
            let visible = held.files.get(&table.resource).is_some_and(|files| !files.visible.is_empty());
            if *pipeline != self.pipeline && visible {
                return Err(DestinationError::NotOurs {
                    name: self.folder_of(&table.resource).display().to_string(),
                    reason: format!("its files are rows of `{pipeline}`; write to another folder"),
                });
            }
        }
        Ok(())
    }
}

/// A log, which changes belong to it, and what adds them to it.
type Log = (&'static str, fn(&Change) -> bool, fn(u64) -> Action);

const LOGS: [Log; 2] = [
    (ERRORS, |change| matches!(change, Change::Error(_)), |at| Action::Errors { at }),
    (QUARANTINE, |change| matches!(change, Change::Quarantined(_)), |at| Action::Quarantine { at }),
];
