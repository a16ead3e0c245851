//! Rows as Parquet, a file a commit and resource.
//!
//! A file is written into the state folder, and put in its place (`<resource>/<load>-<number>.parquet`) once the journal has
//! the line that speaks of it; those of a `replace` or `merge` when the load is finished, all at once. A file is never
//! changed. `manifest.json` names the files that count, by resource: whoever reads it sees a commit as a whole, where a
//! reader of the folders may meet its files one after the other.

mod file;
mod load;
pub(crate) mod manifest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sanderling_columns::Schema;

use crate::checkpoint::Load;
use crate::error::{DataError, DestinationError, NameError};
use crate::file_name;
use crate::files::journal::{Action, Mark, Parts};
use crate::files::ledger::Ledger;
use crate::shape::first_schema;
use crate::table::{Rows, Table, Written};
pub(crate) use load::{Files, OpenLoad, breaches, foresee};

/// The journal in the state folder.
pub(crate) const JOURNAL: &str = "parquet.jsonl";

/// The open loads.
#[derive(Debug, Default)]
pub(crate) struct Parquet {
    pub(crate) loads: BTreeMap<String, OpenLoad>,
}

impl Parquet {
    /// The manifest may be one commit behind.
    pub(crate) fn open(ledger: &Ledger) -> Result<Self, DestinationError> {
        if !ledger.pipelines.is_empty() {
            manifest::write(&ledger.folders, &ledger.pipelines)?;
        }
        Ok(Self { loads: BTreeMap::new() })
    }

    pub(crate) fn begin(
        &mut self,
        ledger: &mut Ledger,
        table: &Table,
        load: &Load,
    ) -> Result<(), DestinationError> {
        check_others(ledger, self.schemas(), table)?;
        // From here on there is such a table, if without rows.
        let files = ledger.files_of(&table.resource);
        let schema = first_schema(table, &files.schema);
        let opened = OpenLoad::new(&ledger.names(), table, load, schema)?;
        ledger.files.insert(table.resource.clone(), files);
        self.loads.insert(table.resource.clone(), opened);
        Ok(())
    }

    pub(crate) fn resume(
        &mut self,
        ledger: &Ledger,
        table: &Table,
        mark: &Mark,
    ) -> Result<(), DestinationError> {
        let opened = OpenLoad::marked(&ledger.folders, table, mark)?;
        self.loads.insert(table.resource.clone(), opened);
        Ok(())
    }

    pub(crate) fn undo(
        &mut self,
        ledger: &mut Ledger,
        resource: &str,
        load_id: &str,
    ) -> Result<(), DestinationError> {
        let open = match self.loads.get(resource) {
            Some(open) if open.load_id == load_id => self.loads.remove(resource),
            _ => None,
        };
        let committed = || ledger.mark(resource).filter(|mark| mark.load_id == load_id).cloned();
        let finished = || ledger.finished_mark(resource, load_id).cloned();
        let Some(mark) = open.map(|open| open.mark()).or_else(committed).or_else(finished) else {
            return Ok(());
        };
        let parts: Vec<String> = mark.parts.iter().flat_map(Parts::all).cloned().collect();
        if mark.beside.is_some() {
            ledger.discard(&parts);
        } else {
            hide(ledger, resource, &parts);
        }
        let choices = mark.parts.and_then(|parts| parts.choices);
        ledger.discard(mark.keys.iter().chain(&choices).map(|(name, _)| name));
        ledger.finished.remove(resource);
        ledger.closed.push(resource.to_owned());
        Ok(())
    }

    pub(crate) fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        let schema = self.loads.get(&table.resource).map(|open| open.schema.clone()).unwrap_or_default();
        breaches(table, page, schema)
    }

    pub(crate) fn write(
        &mut self,
        ledger: &Ledger,
        table: &Table,
        rows: &Rows,
    ) -> Result<Written, DestinationError> {
        let Some(mut open) = self.loads.remove(&table.resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        let written =
            open.write(table, rows, |folder| owner(ledger, self.schemas(), &table.resource, folder));
        self.loads.insert(table.resource.clone(), open);
        written
    }

    pub(crate) fn finish(&mut self, ledger: &mut Ledger, table: &Table) -> Result<(), DestinationError> {
        let resource = &table.resource;
        self.flush(ledger, resource)?;
        let Some(mut open) = self.loads.remove(resource) else {
            return Err(DestinationError::not_begun(resource));
        };
        if open.is_beside() {
            ledger.discard(open.mark().own_files());
            let parts = open.kept(table, &ledger.folders, &ledger.names())?;
            let old = ledger.files_of(resource).visible;
            hide(ledger, resource, &old);
            for part in parts.own {
                show(ledger, resource, resource, &open.load_id, part);
            }
            for (list, part) in parts.lists {
                show(ledger, resource, &list, &open.load_id, part);
            }
        } else {
            ledger.finished.insert(resource.clone(), open.mark());
        }
        let mut files = ledger.files_of(resource);
        files.schema = open.schema;
        files.schema.settle();
        ledger.files.insert(resource.clone(), files);
        Ok(())
    }

    /// Makes durable what a commit is to speak of.
    pub(crate) fn prepare(&mut self, ledger: &mut Ledger) -> Result<(), DestinationError> {
        for resource in self.loads.keys().cloned().collect::<Vec<_>>() {
            self.flush(ledger, &resource)?;
        }
        self.loads.values_mut().try_for_each(OpenLoad::sync)
    }

    /// The rows of a load that wait become files.
    fn flush(&mut self, ledger: &mut Ledger, resource: &str) -> Result<(), DestinationError> {
        let names = ledger.names();
        let Some(open) = self.loads.get_mut(resource) else { return Ok(()) };
        let mut files = open.flush(&ledger.folders, &names)?;
        if !open.is_beside() && !files.own.is_empty() {
            for part in &mut files.own {
                *part = show(ledger, resource, resource, &open.load_id, std::mem::take(part));
            }
            for (list, part) in &mut files.lists {
                *part = show(ledger, resource, list, &open.load_id, std::mem::take(part));
            }
            // Readers are to see whose the files are before the load is finished.
            if let Some(visible) = ledger.files.get_mut(resource) {
                visible.schema = open.schema.clone();
            }
        }
        open.parts.extend(files.own);
        open.lists.extend(files.lists);
        Ok(())
    }

    fn schemas(&self) -> impl Iterator<Item = (&String, &Schema)> {
        self.loads.iter().map(|(resource, open)| (resource, &open.schema))
    }
}

/// The resource, but for `but`, that has its rows or a list's in a folder, or is about to. `open` are loads.
pub(crate) fn owner<'a>(
    ledger: &'a Ledger,
    open: impl Iterator<Item = (&'a String, &'a Schema)>,
    but: &str,
    folder: &str,
) -> Option<String> {
    let is_its = |resource: &str, schema: &Schema| {
        let lists = schema.tables.iter().skip(1).map(|list| list.name.as_str());
        std::iter::once(resource).chain(lists).any(|name| name.eq_ignore_ascii_case(folder))
    };
    let kept = ledger.pipelines.iter().flat_map(|(pipeline, held)| {
        let is_own = *pipeline == ledger.pipeline;
        held.files.iter().filter(move |(resource, _)| !is_own || *resource != but)
    });
    let kept = kept.map(|(resource, files)| (resource, &files.schema));
    let begun = ledger.files.iter().map(|(resource, files)| (resource, &files.schema));
    let mut others = kept.chain(begun.chain(open).filter(|(resource, _)| *resource != but));
    others.find(|(resource, schema)| is_its(resource, schema)).map(|(resource, _)| resource.clone())
}

/// Refuses a resource that another pipeline has files of, or another resource's list.
pub(crate) fn check_others<'a>(
    ledger: &'a Ledger,
    open: impl Iterator<Item = (&'a String, &'a Schema)>,
    table: &Table,
) -> Result<(), DestinationError> {
    let name = &table.resource;
    if let Some(other) = owner(ledger, open, name, name).filter(|other| !other.eq_ignore_ascii_case(name)) {
        let reason = format!("`{name}` is the table of a list of `{other}`");
        return Err(DestinationError::Name(NameError { resource: name.clone(), reason }));
    }
    check_pipelines(ledger, table)
}

/// A file of the state folder becomes one of the resource's, as part of the commit: in the folder of its own rows, or of a
/// list's. Returns its path there.
fn show(ledger: &mut Ledger, resource: &str, table: &str, load_id: &str, part: String) -> String {
    let mut files = ledger.files_of(resource);
    let stem = format!("{}/{}", file_name::encode(table), file_name::encode(load_id));
    let mut number = files.visible.len();
    let path = loop {
        let path = format!("{stem}-{number:06}.parquet");
        let placed = |action: &Action| matches!(action, Action::Place { to, .. } if *to == path);
        if !ledger.folders.data.join(&path).exists() && !ledger.actions.iter().any(placed) {
            break path;
        }
        number += 1;
    };
    files.visible.push(path.clone());
    ledger.files.insert(resource.to_owned(), files);
    ledger.actions.push(Action::Place { from: part, to: path.clone() });
    path
}

/// Files of the resource's are no longer to be seen, as part of the commit.
fn hide(ledger: &mut Ledger, resource: &str, paths: &[String]) {
    let mut files = ledger.files_of(resource);
    files.visible.retain(|path| !paths.contains(path));
    ledger.files.insert(resource.to_owned(), files);
    for path in paths {
        let placed = |action: &Action| matches!(action, Action::Place { to, .. } if to == path);
        match ledger.actions.iter().position(placed) {
            Some(at) => {
                if let Action::Place { from, .. } = ledger.actions.remove(at) {
                    ledger.discard([&from]);
                }
            }
            None => ledger.actions.push(Action::Remove { path: path.clone() }),
        }
    }
}

/// Refuses a resource that another pipeline has files of.
fn check_pipelines(ledger: &Ledger, table: &Table) -> Result<(), DestinationError> {
    for (pipeline, held) in &ledger.pipelines {
        let visible = held.files.get(&table.resource).is_some_and(|files| !files.visible.is_empty());
        if *pipeline != ledger.pipeline && visible {
            return Err(DestinationError::NotOurs {
                name: ledger.folders.folder_of(&table.resource).display().to_string(),
                reason: format!("its files are rows of `{pipeline}`; write to another folder"),
            });
        }
    }
    Ok(())
}
