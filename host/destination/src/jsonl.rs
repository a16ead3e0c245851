//! Rows as lines, exactly as they came, one file a resource.
//!
//! Rows of an `append` go to the end of the resource's own file; those of a `replace` or `merge` to a new file in the
//! state folder, which takes the old one's place when the load is finished. Bytes are written at once, but count only
//! from the journal line (a mark) that names the file's new length; the next run cuts the rest off. Where no mark guards
//! the end of a file yet, or its end is to be taken back, new rows wait in a tail until the commit splices it on.

mod load;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::checkpoint::Load;
use crate::error::{DestinationError, NameError};
use crate::files::Folders;
use crate::files::journal::{Action, Mark};
use crate::files::ledger::Ledger;
use crate::files::part::{Names, length_of};
use crate::table::{Disposition, Rows, Table, Written};
pub(crate) use load::OpenLoad;

/// The journal in the state folder.
pub(crate) const JOURNAL: &str = "journal.jsonl";

/// The open loads, and what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) loads: BTreeMap<String, OpenLoad>,
    cuts: BTreeMap<String, Cut>,
}

/// A file that the open transaction must not touch yet: its end is being taken back, or no mark says where its rows end.
/// Until the commit new rows wait in `tail`.
#[derive(Debug, Clone)]
struct Cut {
    start: u64,
    tail: String,
}

impl Lines {
    pub(crate) fn begin(
        &mut self,
        ledger: &mut Ledger,
        table: &Table,
        load: &Load,
    ) -> Result<(), DestinationError> {
        check_others(ledger, table)?;
        let opened = match table.disposition {
            Disposition::Append => {
                check_in_place(ledger, table)?;
                let Cut { start, tail } = self.tail(ledger, &table.resource)?.clone();
                OpenLoad::behind(&ledger.folders, table, load, start, &tail)?
            }
            Disposition::Replace | Disposition::Merge => OpenLoad::beside(&ledger.names(), table, load)?,
        };
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
        let committed = ledger.mark(resource).filter(|mark| mark.load_id == load_id).cloned();
        let open = self.loads.get_mut(resource).filter(|open| open.load_id() == load_id);
        if open.is_none() && committed.is_none() {
            return self.undo_finished(ledger, resource, load_id);
        }
        ledger.finished.remove(resource);
        let committed_rows =
            committed.as_ref().filter(|mark| mark.beside.is_none() && mark.length > mark.start);
        match (committed_rows, open) {
            // Rows that are committed must not go before the commit that takes them back.
            (Some(mark), _) if !self.cuts.contains_key(resource) => {
                if load::is_whole(&ledger.folders, resource, mark)? {
                    let (tail, _) = ledger.names().create(resource, "tail")?;
                    self.cuts.insert(resource.to_owned(), Cut { start: mark.start, tail });
                }
            }
            (_, Some(open)) if open.is_beside() => ledger.rubbish.extend(open.paths()),
            (_, Some(open)) => open.cut_to_start()?,
            (_, None) => {}
        }
        if let Some(mark) = committed {
            ledger.discard(mark.own_files());
        }
        self.loads.remove(resource);
        ledger.closed.push(resource.to_owned());
        Ok(())
    }

    pub(crate) fn write(
        &mut self,
        _ledger: &Ledger,
        table: &Table,
        rows: &Rows,
    ) -> Result<Written, DestinationError> {
        let Some(open) = self.loads.get_mut(&table.resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        open.write(table, rows)?;
        Ok(Written { rows: rows.count, ..Written::default() })
    }

    pub(crate) fn finish(&mut self, ledger: &mut Ledger, table: &Table) -> Result<(), DestinationError> {
        let names = ledger.names();
        let resource = &table.resource;
        let Some(open) = self.loads.get_mut(resource) else {
            return Err(DestinationError::not_begun(resource));
        };
        if let Some(from) = open.complete(&names, table)? {
            ledger.actions.push(Action::Replace { from, resource: resource.clone() });
            ledger.rubbish.extend(open.paths());
        }
        if !open.is_beside() {
            ledger.finished.insert(resource.clone(), open.mark());
        }
        self.loads.remove(resource);
        Ok(())
    }

    /// Makes durable what a commit is to speak of.
    pub(crate) fn prepare(&mut self, _ledger: &mut Ledger) -> Result<(), DestinationError> {
        self.loads.values_mut().try_for_each(OpenLoad::sync)
    }

    /// What the commit does before all else.
    pub(crate) fn splices(&self) -> Vec<Action> {
        let splice = |(resource, cut): (&String, &Cut)| Action::Splice {
            resource: resource.clone(),
            start: cut.start,
            tail: cut.tail.clone(),
        };
        self.cuts.iter().map(splice).collect()
    }

    /// Goes on in the files onto which the tails have been spliced.
    pub(crate) fn come_home(&mut self, folders: &Folders) -> Result<(), DestinationError> {
        for resource in std::mem::take(&mut self.cuts).into_keys() {
            if let Some(open) = self.loads.get_mut(&resource) {
                open.come_home(folders)?;
            }
        }
        Ok(())
    }

    /// The tail in which the rows of a new load wait, made if there is none.
    fn tail(&mut self, ledger: &Ledger, resource: &str) -> Result<&Cut, DestinationError> {
        let names: Names = ledger.names();
        Ok(match self.cuts.entry(resource.to_owned()) {
            Entry::Occupied(cut) => cut.into_mut(),
            Entry::Vacant(none) => {
                let start = load::end_of_rows(&ledger.folders, resource)?;
                let (tail, _) = names.create(resource, "tail")?;
                none.insert(Cut { start, tail })
            }
        })
    }

    /// Takes back the rows of a finished load, unless something else has been written behind them since.
    fn undo_finished(
        &mut self,
        ledger: &Ledger,
        resource: &str,
        load_id: &str,
    ) -> Result<(), DestinationError> {
        let Some(&Mark { start, length, .. }) = ledger.finished_mark(resource, load_id) else {
            return Ok(());
        };
        let untouched = length_of(&ledger.folders.data_path(resource))? == Some(length);
        if untouched && length > start && !self.cuts.contains_key(resource) {
            let (tail, _) = ledger.names().create(resource, "tail")?;
            self.cuts.insert(resource.to_owned(), Cut { start, tail });
        }
        Ok(())
    }
}

/// Refuses to go to the end of a file that the open transaction is about to put another in the place of.
fn check_in_place(ledger: &Ledger, table: &Table) -> Result<(), DestinationError> {
    let replaces =
        |action: &Action| matches!(action, Action::Replace { resource, .. } if *resource == table.resource);
    if ledger.actions.iter().any(replaces) {
        let reason = "a load of it has been finished under another disposition; commit that first".to_owned();
        return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
    }
    Ok(())
}

/// Refuses a file that another pipeline's broken load has rows at the end of: to undo those would take ours.
pub(crate) fn check_others(ledger: &Ledger, table: &Table) -> Result<(), DestinationError> {
    for (pipeline, held) in &ledger.pipelines {
        let mark = held.marks.get(&table.resource).filter(|mark| mark.beside.is_none());
        if *pipeline != ledger.pipeline && mark.is_some() {
            return Err(DestinationError::NotOurs {
                name: ledger.folders.data_path(&table.resource).display().to_string(),
                reason: format!(
                    "it ends with rows of a load that `{pipeline}` has not finished; run that first"
                ),
            });
        }
    }
    Ok(())
}
