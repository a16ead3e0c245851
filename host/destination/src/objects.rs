//! Rows as objects of a store: an object a commit and resource, of lines or Parquet.
//!
//! What a load writes is made in a scratch folder of this machine and sent before the commit, under names that no object
//! has had; so a load that is not finished, or undone, is one that nothing names. What a load needs to go on (its keys, for
//! one) is sent too, piece by piece: it goes on on any machine.

use std::collections::BTreeMap;

use sanderling_columns::Schema;

use crate::checkpoint::Load;
use crate::error::{DataError, DestinationError};
use crate::files::Form;
use crate::files::head::Head;
use crate::files::journal::{Mark, Parts};
use crate::files::ledger::Ledger;
use crate::shape::first_schema;
use crate::table::{Disposition, Rows, SharedByParents, Table, Written};
use crate::{declared, jsonl, parquet};

/// The open loads.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) form: Form,
    pub(crate) loads: BTreeMap<String, OpenLoad>,
}

/// An unfinished load.
#[derive(Debug)]
pub(crate) enum OpenLoad {
    /// Its rows are in one file of the scratch folder, and the objects are pieces of that.
    Lines(jsonl::OpenLoad),
    Parquet(parquet::OpenLoad),
}

impl OpenLoad {
    pub(crate) fn mark(&self) -> Mark {
        match self {
            Self::Lines(open) => open.mark(),
            Self::Parquet(open) => open.mark(),
        }
    }

    pub(crate) fn distinct_keys(&self) -> Result<Option<u64>, DestinationError> {
        match self {
            Self::Lines(open) => open.distinct_keys(),
            Self::Parquet(open) => open.distinct_keys(),
        }
    }

    pub(crate) fn shared_by_parents(&self) -> Result<Option<SharedByParents>, DestinationError> {
        match self {
            Self::Lines(open) => open.shared_by_parents(),
            Self::Parquet(open) => open.shared_by_parents(),
        }
    }
}

impl Objects {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, loads: BTreeMap::new() }
    }

    pub(crate) fn begin(
        &mut self,
        ledger: &mut Ledger,
        table: &Table,
        load: &Load,
    ) -> Result<(), DestinationError> {
        parquet::check_others(ledger, self.schemas(), table)?;
        // From here on there is such a table, if without rows.
        let files = ledger.files_of(&table.resource);
        let names = ledger.names();
        let opened = match self.form {
            Form::Lines => OpenLoad::Lines(jsonl::OpenLoad::beside(&names, table, load)?),
            Form::Parquet => {
                let schema = first_schema(table, &files.schema);
                OpenLoad::Parquet(parquet::OpenLoad::new(&names, table, load, schema)?)
            }
        };
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
        let head = ledger.head()?;
        let choices = mark.parts.as_ref().and_then(|parts| parts.choices.as_ref());
        for (name, _) in mark.keys.iter().chain(choices) {
            head.fetch(name, true)?;
        }
        let opened = match self.form {
            Form::Lines => {
                let rows = mark.beside.as_deref().unwrap_or_default();
                head.check_there(head.pieces(rows).iter().map(|piece| &piece.name))?;
                head.fetch(rows, table.disposition == Disposition::Merge)?;
                OpenLoad::Lines(jsonl::OpenLoad::marked(&ledger.folders, table, mark)?)
            }
            Form::Parquet => {
                head.check_there(mark.parts.iter().flat_map(Parts::all))?;
                OpenLoad::Parquet(parquet::OpenLoad::marked_elsewhere(&ledger.folders, table, mark)?)
            }
        };
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
            Some(open) if open.mark().load_id == load_id => self.loads.remove(resource),
            _ => None,
        };
        let committed = || ledger.mark(resource).filter(|mark| mark.load_id == load_id).cloned();
        let finished = || ledger.finished_mark(resource, load_id).cloned();
        let Some(mark) = open.map(|open| open.mark()).or_else(committed).or_else(finished) else {
            return Ok(());
        };
        let gone = objects_of(ledger.head()?, &mark);
        let mut files = ledger.files_of(resource);
        files.visible.retain(|name| !gone.contains(name));
        ledger.files.insert(resource.to_owned(), files);
        ledger.finished.remove(resource);
        ledger.closed.push(resource.to_owned());
        Ok(())
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
        let written = match &mut open {
            OpenLoad::Lines(open) => {
                open.write(table, rows).map(|()| Written { rows: rows.count, ..Written::default() })
            }
            OpenLoad::Parquet(open) => open
                .write(table, rows, |folder| parquet::owner(ledger, self.schemas(), &table.resource, folder)),
        };
        self.loads.insert(table.resource.clone(), open);
        written
    }

    fn schemas(&self) -> impl Iterator<Item = (&String, &Schema)> {
        self.loads.iter().filter_map(|(resource, open)| match open {
            OpenLoad::Parquet(open) => Some((resource, &open.schema)),
            OpenLoad::Lines(_) => None,
        })
    }

    pub(crate) fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        match (self.form, self.loads.get(&table.resource)) {
            (Form::Lines, _) => declared::breaches(table, page),
            (_, Some(OpenLoad::Parquet(open))) => parquet::breaches(table, page, open.schema.clone()),
            _ => parquet::breaches(table, page, Schema::default()),
        }
    }

    pub(crate) fn finish(&mut self, ledger: &mut Ledger, table: &Table) -> Result<(), DestinationError> {
        let resource = &table.resource;
        self.send(ledger, resource)?;
        let Some(mut open) = self.loads.remove(resource) else {
            return Err(DestinationError::not_begun(resource));
        };
        let mark = open.mark();
        let mut files = ledger.files_of(resource);
        if table.disposition == Disposition::Append {
            let names = objects_of(ledger.head()?, &mark);
            let parts = Some(mark.parts.clone().unwrap_or(Parts { names, ..Parts::default() }));
            ledger.finished.insert(resource.clone(), Mark { parts, ..mark });
        } else {
            files.visible = match &mut open {
                OpenLoad::Lines(open) => {
                    let whole = open.complete(&ledger.names(), table)?;
                    let names = objects_of(ledger.head()?, &mark);
                    match whole.filter(|whole| mark.beside.as_ref() != Some(whole)) {
                        Some(merged) => vec![send_new(ledger, resource, &mark.load_id, &merged)?],
                        None => names,
                    }
                }
                OpenLoad::Parquet(open) => kept(ledger, table, open)?,
            };
        }
        if let OpenLoad::Parquet(open) = open {
            files.schema = open.schema;
            files.schema.settle();
        }
        ledger.files.insert(resource.clone(), files);
        Ok(())
    }

    /// Sends what a commit is to name.
    pub(crate) fn prepare(&mut self, ledger: &mut Ledger) -> Result<(), DestinationError> {
        for resource in self.loads.keys().cloned().collect::<Vec<_>>() {
            self.send(ledger, &resource)?;
        }
        Ok(())
    }

    /// Sends what a load has added.
    fn send(&mut self, ledger: &mut Ledger, resource: &str) -> Result<(), DestinationError> {
        let names = ledger.names();
        let Some(open) = self.loads.get_mut(resource) else { return Ok(()) };
        let mut sent = Vec::new();
        match open {
            OpenLoad::Lines(open) => {
                open.sync()?;
                let mark = open.mark();
                let head = ledger.head_mut()?;
                if let Some(rows) = &mark.beside {
                    let name = head.data_name(resource, &mark.load_id);
                    sent.extend(head.send_growth(rows, mark.length, Some(name))?);
                    if mark.disposition != Disposition::Merge && !sent.is_empty() {
                        head.forget_bytes(rows)?;
                    }
                }
            }
            OpenLoad::Parquet(open) => {
                let made = open.flush(&ledger.folders, &names)?;
                for part in made.own {
                    let name = send_new(ledger, resource, &open.load_id, &part)?;
                    open.parts.push(name.clone());
                    sent.push(name);
                }
                for (list, part) in made.lists {
                    let name = send_new(ledger, &list, &open.load_id, &part)?;
                    open.lists.push((list, name.clone()));
                    sent.push(name);
                }
                open.sync()?;
            }
        }
        let mark = open.mark();
        let choices = mark.parts.as_ref().and_then(|parts| parts.choices.as_ref());
        for (name, length) in mark.keys.iter().chain(choices) {
            ledger.head_mut()?.send_growth(name, *length, None)?;
        }
        if mark.disposition == Disposition::Append && !sent.is_empty() {
            let mut files = ledger.files_of(resource);
            files.visible.extend(sent);
            // Readers are to see whose the files are before the load is finished.
            if let OpenLoad::Parquet(open) = open {
                files.schema = open.schema.clone();
            }
            ledger.files.insert(resource.to_owned(), files);
        }
        Ok(())
    }
}

/// The objects with the rows that stay of a merge's.
fn kept(
    ledger: &mut Ledger,
    table: &Table,
    open: &mut parquet::OpenLoad,
) -> Result<Vec<String>, DestinationError> {
    let mark = open.mark();
    let parts = mark.parts.clone().unwrap_or_default();
    let all_stay = parts.choices.is_none() && open.distinct_keys()?.is_none_or(|keys| keys == mark.length);
    if all_stay {
        return Ok(parts.all().cloned().collect());
    }
    for name in parts.all() {
        ledger.head()?.fetch_object(name)?;
    }
    let there: Vec<String> = parts.all().cloned().collect();
    let mut kept = Vec::new();
    let parquet::Files { own, lists } = open.kept(table, &ledger.folders, &ledger.names())?;
    let own = own.into_iter().map(|name| (table.resource.clone(), name));
    for (of, name) in own.chain(lists) {
        kept.push(match there.contains(&name) {
            true => name,
            false => send_new(ledger, &of, &mark.load_id, &name)?,
        });
    }
    for name in there {
        let _ = std::fs::remove_file(ledger.folders.state.join(name));
    }
    Ok(kept)
}

/// Sends a file of the scratch folder to where a resource's are.
fn send_new(ledger: &mut Ledger, table: &str, load_id: &str, file: &str) -> Result<String, DestinationError> {
    let head = ledger.head_mut()?;
    let name = head.data_name(table, load_id);
    head.send(file, name)
}

/// The objects with a load's rows.
fn objects_of(head: &Head, mark: &Mark) -> Vec<String> {
    match (&mark.parts, &mark.beside) {
        (Some(parts), _) => parts.all().cloned().collect(),
        (None, Some(rows)) => head.pieces(rows).iter().map(|piece| piece.name.clone()).collect(),
        (None, None) => Vec::new(),
    }
}
