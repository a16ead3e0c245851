//! Rows as files, lines or Parquet; the checkpoint as a journal beside them.
//!
//! What a file holds of its rows counts only from the journal line (with marks, actions and names of files) that speaks of
//! it; the next run cuts off, or removes, whatever no line speaks of. What a line orders is done after it.

pub(crate) mod actions;
mod format;
pub(crate) mod head;
pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod part;
mod prospect;
pub(crate) mod recover;

use std::path::{Path, PathBuf};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::{DataError, DestinationError};
use crate::file_name;
use crate::jsonl::Lines;
use crate::objects::Objects;
use crate::parquet::Parquet;
use crate::store::StoreAddress;
use crate::table::{Rows, SharedByParents, Table, Written};
pub use format::Form;
use format::{Format, each};
use head::Head;
use ledger::Ledger;

/// The log of errors in the state folder.
pub(crate) const ERRORS: &str = "errors.jsonl";

/// The refused rows in the state folder.
pub(crate) const QUARANTINE: &str = "quarantine.jsonl";

/// Where files are.
#[derive(Debug)]
pub(crate) struct Folders {
    /// Of a store this is its address, for messages.
    pub(crate) data: PathBuf,
    /// Of a store this is a scratch folder.
    pub(crate) state: PathBuf,
}

impl Folders {
    /// The file of a resource that has one.
    pub(crate) fn data_path(&self, resource: &str) -> PathBuf {
        self.data.join(format!("{}.jsonl", file_name::encode(resource)))
    }

    /// The folder of a resource that has many.
    pub(crate) fn folder_of(&self, resource: &str) -> PathBuf {
        self.data.join(file_name::encode(resource))
    }
}

/// One pipeline's part of a folder or store.
#[derive(Debug)]
pub struct Files {
    ledger: Ledger,
    format: Format,
}

impl Files {
    pub(crate) fn open(
        form: Form,
        dir: &Path,
        state_dir: &Path,
        pipeline: &str,
    ) -> Result<Self, DestinationError> {
        let folders = Folders { data: dir.to_owned(), state: state_dir.to_owned() };
        let ledger = Ledger::open(folders, form.journal(), pipeline)?;
        let format = match form {
            Form::Lines => Format::Lines(Lines::default()),
            Form::Parquet => Format::Parquet(Parquet::open(&ledger)?),
        };
        Ok(Self { ledger, format })
    }

    pub(crate) fn open_store(
        form: Form,
        address: &StoreAddress,
        pipeline: &str,
    ) -> Result<Self, DestinationError> {
        let ledger = Ledger::open_store(form, address, pipeline)?;
        Ok(Self { ledger, format: Format::Objects(Objects::new(form)) })
    }

    /// What each pipeline left in a store; none if nothing has been kept there.
    pub(crate) fn look_store(
        form: Form,
        address: &StoreAddress,
    ) -> Result<Option<journal::Pipelines>, DestinationError> {
        Head::look(form, address)
    }

    /// What each pipeline left in `state_dir`, read without a lock; none if nothing has been kept there.
    pub(crate) fn look(form: Form, state_dir: &Path) -> Result<Option<journal::Pipelines>, DestinationError> {
        let path = state_dir.join(form.journal());
        if part::length_of(&path)?.is_none() {
            return Ok(None);
        }
        Ok(Some(journal::read(&path)?.pipelines))
    }

    pub(crate) fn state(&self) -> State {
        self.ledger.held().map(|held| held.state.clone()).unwrap_or_default()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        each!(&mut self.format, it => it.begin(&mut self.ledger, table, load))?;
        self.ledger.changes.push(Change::Load(load.clone()));
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let mark = self.ledger.mark(&table.resource);
        let ours = mark.filter(|mark| mark.load_id == load.load_id && mark.disposition == table.disposition);
        let Some(mark) = ours else {
            let path = self.path_of(&table.resource);
            let reason = format!("nothing is known of load {}, which is to go on", load.load_id);
            return Err(DestinationError::Corrupt { path, reason });
        };
        each!(&mut self.format, it => it.resume(&self.ledger, table, mark))?;
        self.ledger.changes.push(Change::Load(load.clone()));
        Ok(())
    }

    pub(crate) fn undo(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        self.ledger.check_going()?;
        each!(&mut self.format, it => it.undo(&mut self.ledger, resource, load_id))
    }

    pub(crate) fn write(
        &mut self,
        table: &Table,
        rows: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        self.ledger.check_going()?;
        let written = each!(&mut self.format, it => it.write(&self.ledger, table, rows))?;
        self.ledger.changes.extend_from_slice(changes);
        Ok(written)
    }

    /// As [`crate::Destination::breaches`].
    pub(crate) fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        match &self.format {
            // A line keeps a field that stands twice.
            Format::Lines(_) => crate::declared::breaches(table, page),
            Format::Parquet(it) => it.breaches(table, page),
            Format::Objects(it) => it.breaches(table, page),
        }
    }

    pub(crate) fn record(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        self.ledger.check_going()?;
        self.ledger.changes.extend_from_slice(changes);
        Ok(())
    }

    pub(crate) fn distinct_keys(&self, table: &Table) -> Result<Option<u64>, DestinationError> {
        each!(&self.format, it => it.loads.get(&table.resource).map_or(Ok(None), |open| open.distinct_keys()))
    }

    pub(crate) fn shared_by_parents(
        &self,
        table: &Table,
    ) -> Result<Option<SharedByParents>, DestinationError> {
        each!(&self.format, it => it.loads.get(&table.resource).map_or(Ok(None), |open| open.shared_by_parents()))
    }

    pub(crate) fn finish(
        &mut self,
        table: &Table,
        load: &Load,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        self.ledger.check_going()?;
        let finished = each!(&mut self.format, it => it.finish(&mut self.ledger, table));
        self.or_stops(finished)?;
        self.ledger.closed.push(table.resource.clone());
        self.ledger.changes.extend_from_slice(changes);
        self.ledger.changes.push(Change::Load(Load { status: LoadStatus::Complete, ..load.clone() }));
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        self.ledger.check_going()?;
        let prepared = each!(&mut self.format, it => it.prepare(&mut self.ledger));
        self.or_stops(prepared)?;
        let marks = each!(&self.format, it => {
            it.loads.iter().map(|(resource, open)| (resource.clone(), open.mark())).collect()
        });
        let first = match &self.format {
            Format::Lines(it) => it.splices(),
            Format::Parquet(_) | Format::Objects(_) => Vec::new(),
        };
        if !self.ledger.commit(marks, first)? {
            return Ok(());
        }
        if let Format::Lines(it) = &mut self.format {
            it.come_home(&self.ledger.folders)?;
        }
        self.ledger.go_on()
    }

    /// What did not arrive is not known to be whole any more: no later commit may pass over it.
    fn or_stops(&mut self, done: Result<(), DestinationError>) -> Result<(), DestinationError> {
        use DestinationError::{Full, Io, Store, Unwritable};
        if matches!(done, Err(Full { .. } | Io { .. } | Store { .. } | Unwritable { .. })) {
            self.ledger.stop();
        }
        done
    }

    /// Where the rows of a resource are: a file, or a folder of them.
    pub(crate) fn path_of(&self, resource: &str) -> PathBuf {
        match &self.format {
            Format::Lines(_) => self.ledger.folders.data_path(resource),
            Format::Parquet(_) | Format::Objects(_) => self.ledger.folders.folder_of(resource),
        }
    }

    /// What the names of a resource's files end in, where they are many.
    pub(crate) fn many(&self) -> Option<&'static str> {
        match &self.format {
            Format::Lines(_) => None,
            Format::Parquet(_) => Some(Form::Parquet.extension()),
            Format::Objects(it) => Some(it.form.extension()),
        }
    }

    /// Whether its rows have columns.
    pub(crate) fn has_columns(&self) -> bool {
        match &self.format {
            Format::Lines(_) => false,
            Format::Parquet(_) => true,
            Format::Objects(it) => it.form == Form::Parquet,
        }
    }

    fn check(&self, table: &Table) -> Result<(), DestinationError> {
        self.ledger.check_going()?;
        let marked = self.ledger.held().into_iter().flat_map(|held| held.marks.keys());
        let open: Vec<&String> = each!(&self.format, it => it.loads.keys().collect());
        let others = open.into_iter().chain(marked);
        table.check(&table.resource, others.map(|resource| (resource.as_str(), resource.as_str())))
    }
}
