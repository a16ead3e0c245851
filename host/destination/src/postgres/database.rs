//! Rows and checkpoint as tables of one PostgreSQL schema, in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use sanderling_columns::Schema;

use super::rows::{self, Open};
use super::stand_in::{Scalar, SqlError, SqlErrorKind, TableName};
use super::state::{self, Begun};
use super::{Locked, Postgres, PostgresAddress, qualified, table as tables};
use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::{DataError, DestinationError, NameError, ServerFailure};
use crate::table::{Rows, Table, Way, Written};

/// What PostgreSQL allows a name, in bytes: a longer one it would cut without a word.
pub(super) const MAX_NAME: usize = 63;

/// One pipeline's part of a schema. The transaction is opened by the first call after a commit.
pub struct Database {
    pub(super) session: Postgres,
    address: PostgresAddress,
    pub(super) pipeline: String,
    state: State,
    begun: HashMap<String, Begun>,
    // Changes are written when they are committed, and of those that take each other's place the last.
    uncommitted: Vec<Change>,
    begun_anew: BTreeSet<String>,
    // Of tables whose columns are not yet remembered as they are now.
    schemas: BTreeMap<String, Option<Remembered>>,
    open: HashMap<String, Open>,
    locked: BTreeSet<String>,
    in_transaction: bool,
    stopped: bool,
}

/// What is remembered of a table's columns.
#[derive(Debug, Clone)]
struct Remembered {
    resource: String,
    schema: Schema,
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Database").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) fn open(address: &PostgresAddress, pipeline: &str) -> Result<Self, DestinationError> {
        let sort = |error| sorted(address, error);
        let mut session = Postgres::connect(address).map_err(sort)?;
        session.lock(&address.schema, Locked::Pipeline(pipeline)).map_err(sort)?;
        if let Some(version) = state::create(&mut session, &address.schema).map_err(sort)? {
            let reason = format!(
                "its state is of version {version}, which is newer than this program: use a newer one"
            );
            return Err(DestinationError::Corrupt { path: address.to_string().into(), reason });
        }
        let state = state::read(&mut session, pipeline).map_err(sort)?;
        let begun = state::begun(&mut session, pipeline).map_err(sort)?;
        Ok(Self {
            session,
            address: address.clone(),
            pipeline: pipeline.to_owned(),
            state,
            begun,
            uncommitted: Vec::new(),
            begun_anew: BTreeSet::new(),
            schemas: BTreeMap::new(),
            open: HashMap::new(),
            locked: BTreeSet::new(),
            in_transaction: false,
            stopped: false,
        })
    }

    /// What each pipeline left in the schema; none if nothing was ever loaded into it.
    pub(crate) fn look(
        address: &PostgresAddress,
    ) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        let mut session = Postgres::connect(address).map_err(|error| sorted(address, error))?;
        state::look(&mut session, &address.schema).map_err(|error| sorted(address, error))
    }

    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let begun = Begun { load_id: load.load_id.clone(), way: table.way(), table: table.name.clone() };
        let stored = self.stored(begun.way, &table.name);
        self.lock_table(table)?;
        let open = self.atomically(|this| {
            this.check_ours(table)?;
            this.forget_parents(&table.resource)?;
            if begun.way.is_beside() {
                this.run(|session| tables::drop_table(session, &stored))?;
            }
            // A column's type is never changed, so the new rows come to the columns that were there.
            let schema = this.remembered(&table.name)?;
            let mut open = Open::new(table, stored, schema, 0);
            this.run(|session| {
                let columns = open.columns();
                tables::ensure(session, &open.stored, &columns, begun.way == Way::DeleteInsert)?;
                rows::drop_other_keys(session, table, &mut open)
            })?;
            this.declare(table, &mut open)?;
            this.remember(&[Change::Load(load.clone())]);
            Ok(open)
        })?;
        self.begun.insert(table.resource.clone(), begun);
        self.begun_anew.insert(table.resource.clone());
        self.keep(table, &open);
        self.open.insert(table.resource.clone(), open);
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let begun = Begun { load_id: load.load_id.clone(), way: table.way(), table: table.name.clone() };
        let stored = self.stored(begun.way, &table.name);
        self.lock_table(table)?;
        let open = self.atomically(|this| {
            this.check_ours(table)?;
            let there = this.run(|session| session.columns(&stored))?.is_some();
            if this.begun.get(&table.resource) != Some(&begun) || !there {
                let name = &stored.name;
                let reason = format!("what load {} was writing to table `{name}` is gone", load.load_id);
                return Err(DestinationError::Corrupt { path: this.path(), reason });
            }
            let schema = this.remembered(&stored.name)?;
            let mut open = Open::new(table, stored, schema, load.rows);
            this.run(|session| rows::drop_other_keys(session, table, &mut open))?;
            this.remember(&[Change::Load(load.clone())]);
            Ok(open)
        })?;
        self.open.insert(table.resource.clone(), open);
        Ok(())
    }

    pub(crate) fn undo(&mut self, table: &Table, load_id: &str) -> Result<(), DestinationError> {
        self.atomically(|this| {
            this.release(&table.resource, load_id)?;
            let begun = this.begun.get(&table.resource).filter(|begun| begun.load_id == load_id);
            let (way, name) = match begun {
                Some(begun) => (begun.way, begun.table.clone()),
                None => (table.way(), table.name.clone()),
            };
            let stored = this.stored(way, &name);
            match way {
                Way::Replace | Way::DeleteInsert => this.run(|session| tables::drop_table(session, &stored)),
                // The load that follows writes the same keys again, and each takes the place of what is there. What
                // stood there before the broken load is gone, so there is nothing to go back to. Under another key its
                // rows would stay beside those of the next.
                Way::Upsert if !this.run(|session| rows::has_other_key(session, table, &stored))? => Ok(()),
                Way::Upsert | Way::Append => {
                    this.check_ours(table)?;
                    this.delete_load(&stored, load_id)
                }
            }
        })?;
        self.open.remove(&table.resource);
        self.release_unwritten(&table.resource, load_id);
        Ok(())
    }

    /// Takes back what a load has written, going by how it was begun.
    pub(crate) fn undo_unlisted(&mut self, resource: &str, load_id: &str) -> Result<bool, DestinationError> {
        let taken_back = self.atomically(|this| {
            this.release(resource, load_id)?;
            let begun = this.begun.get(resource).filter(|begun| begun.load_id == load_id).cloned();
            let Some(begun) = begun else { return Ok(true) };
            let stored = this.stored(begun.way, &begun.table);
            match begun.way {
                Way::Append => this.delete_load(&stored, load_id)?,
                Way::Replace | Way::DeleteInsert => {
                    this.run(|session| tables::drop_table(session, &stored))?;
                }
                Way::Upsert => return Ok(false),
            }
            Ok(true)
        })?;
        self.release_unwritten(resource, load_id);
        Ok(taken_back)
    }

    /// The rows of a page that cannot be written as they are, each with its first breach.
    pub(crate) fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        let open = self.opened(table)?;
        rows::breaches(table, page, &open)
    }

    pub(crate) fn write(
        &mut self,
        table: &Table,
        page: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        let mut open = self.opened(table)?;
        let (columns, first_row) = (open.columns().len(), open.rows);
        let (written, open) = self.atomically(|this| {
            let written = rows::write(this, table, page, &mut open)?;
            this.remember(changes);
            Ok((written, open))
        })?;
        if open.columns().len() != columns || first_row == 0 {
            self.keep(table, &open);
        }
        self.open.insert(table.resource.clone(), open);
        Ok(written)
    }

    pub(crate) fn record(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        self.atomically(|this| {
            this.remember(changes);
            Ok(())
        })
    }

    pub(crate) fn finish(
        &mut self,
        table: &Table,
        load: &Load,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        let mut open = self.opened(table)?;
        let own = self.name(&table.name);
        self.atomically(|this| {
            this.declare(table, &mut open)?;
            match table.way() {
                Way::Append | Way::Upsert => {}
                Way::Replace => {
                    let columns = open.columns();
                    this.run(|session| tables::swap(session, &open.stored, &own, &columns))?;
                }
                Way::DeleteInsert => {
                    this.run(|session| rows::merge(session, table, &open, &own))?;
                }
            }
            this.forget_parents(&table.resource)?;
            this.remember(changes);
            this.remember(&[Change::Load(Load { status: LoadStatus::Complete, ..load.clone() })]);
            open.schema.settle();
            Ok(())
        })?;
        if open.stored != own {
            self.schemas.insert(open.stored.name.clone(), None);
        }
        self.schemas.insert(
            table.name.clone(),
            Some(Remembered { resource: table.resource.clone(), schema: open.schema }),
        );
        self.open.remove(&table.resource);
        Ok(())
    }

    pub(crate) fn distinct_keys(&mut self, table: &Table, load_id: &str) -> Result<u64, DestinationError> {
        let stored = self.stored(table.way(), &table.name);
        let rows = match table.way() {
            // One row a key.
            Way::Upsert => qualified(&stored),
            _ => {
                let open = self.opened(table)?;
                let keys = open.key_columns(&table.primary_key);
                // No row has come yet.
                let Some(keys) = keys else { return Ok(0) };
                let keys = tables::list(keys.iter().map(String::as_str));
                format!("(SELECT DISTINCT {keys}, _load_id FROM {}) AS rows", qualified(&stored))
            }
        };
        let sql = format!("SELECT count(*) FROM {rows} WHERE _load_id = $1");
        let counted = self.run(|session| session.query(&sql, &[state::text(load_id)]))?;
        match counted.first().map(Vec::as_slice) {
            Some([Scalar::Int(count)]) => Ok(count.unsigned_abs()),
            _ => Ok(0),
        }
    }

    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        if !self.in_transaction {
            return Ok(());
        }
        let changes = std::mem::take(&mut self.uncommitted);
        if let Err(error) = self.write_state(&changes).and_then(|()| self.session.commit()) {
            self.stopped = true;
            return Err(sorted(&self.address, error));
        }
        self.in_transaction = false;
        self.begun_anew.clear();
        self.schemas.clear();
        for change in changes {
            self.state.apply(change);
        }
        Ok(())
    }

    /// A shell command's words with which a person looks at a table's rows.
    pub(crate) fn peek(&self, table: &str) -> (String, String) {
        (self.address.to_string(), format!("select * from {} limit 5", qualified(&self.name(table))))
    }

    fn write_state(&mut self, changes: &[Change]) -> Result<(), SqlError> {
        for change in state::folded(changes.to_vec()) {
            state::apply(&mut self.session, &self.pipeline, &change)?;
        }
        for resource in &self.begun_anew {
            if let Some(begun) = self.begun.get(resource) {
                state::note_begun(&mut self.session, &self.pipeline, resource, begun)?;
            }
        }
        for (table, remembered) in &self.schemas {
            let Some(Remembered { resource, schema }) = remembered else {
                let sql = "DELETE FROM _sanderling_schemas WHERE table_name = $1";
                self.session.execute(sql, &[state::text(table)])?;
                continue;
            };
            let schema = serde_json::to_string(schema)
                .map_err(|error| SqlError { kind: SqlErrorKind::Other, message: error.to_string() })?;
            self.session.execute(
                "INSERT INTO _sanderling_schemas VALUES ($1, $2, $3, $4)
                 ON CONFLICT (table_name) DO UPDATE SET pipeline = $2, resource = $3, schema = $4",
                &[
                    state::text(table),
                    state::text(&self.pipeline),
                    state::text(resource),
                    state::text(&schema),
                ],
            )?;
        }
        Ok(())
    }

    /// Does all of `step` or, on an error, nothing: what came before it stays in the transaction.
    fn atomically<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, DestinationError>,
    ) -> Result<T, DestinationError> {
        self.check_going()?;
        let start = if self.in_transaction { "SAVEPOINT step" } else { "BEGIN; SAVEPOINT step" };
        self.run(|session| session.batch(start))?;
        self.in_transaction = true;
        let remembered = self.uncommitted.len();
        let done = step(self).and_then(|done| {
            self.run(|session| session.batch("RELEASE step"))?;
            Ok(done)
        });
        if done.is_err() {
            self.uncommitted.truncate(remembered);
            for open in self.open.values_mut() {
                open.forget_stage();
            }
            self.stopped |= self.session.batch("ROLLBACK TO step; RELEASE step").is_err();
        }
        done
    }

    fn check_going(&self) -> Result<(), DestinationError> {
        if self.stopped { Err(DestinationError::Stopped { path: self.path() }) } else { Ok(()) }
    }

    pub(super) fn run<T>(
        &mut self,
        statement: impl FnOnce(&mut Postgres) -> Result<T, SqlError>,
    ) -> Result<T, DestinationError> {
        statement(&mut self.session).map_err(|error| {
            // Nothing of the open transaction is left.
            self.stopped |= error.kind == SqlErrorKind::ConnectionLost;
            sorted(&self.address, error)
        })
    }

    fn remember(&mut self, changes: &[Change]) {
        self.uncommitted.extend_from_slice(changes);
    }

    fn keep(&mut self, table: &Table, open: &Open) {
        let remembered = Remembered { resource: table.resource.clone(), schema: open.schema.clone() };
        self.schemas.insert(open.stored.name.clone(), Some(remembered));
    }

    fn opened(&self, table: &Table) -> Result<Open, DestinationError> {
        self.open.get(&table.resource).cloned().ok_or_else(|| DestinationError::not_begun(&table.resource))
    }

    /// The columns of a table as they were learnt; none of a table that is not there yet.
    fn remembered(&mut self, table: &str) -> Result<Schema, DestinationError> {
        if let Some(remembered) = self.schemas.get(table) {
            return Ok(remembered.as_ref().map(|it| it.schema.clone()).unwrap_or_default());
        }
        let sql = "SELECT schema FROM _sanderling_schemas WHERE table_name = $1";
        let rows = self.run(|session| session.query(sql, &[state::text(table)]))?;
        let Some([Scalar::Text(text)]) = rows.first().map(Vec::as_slice) else {
            return Ok(Schema::default());
        };
        serde_json::from_str(text).map_err(|_| DestinationError::Corrupt {
            path: self.path(),
            reason: format!("what is remembered of the columns of table `{table}` cannot be read"),
        })
    }

    fn declare(&mut self, table: &Table, open: &mut Open) -> Result<(), DestinationError> {
        let empty = Rows { ndjson: b"", count: 0, partition_key: None, load_id: "", loaded_at_ms: 0 };
        rows::write(self, table, &empty, open).map(drop)
    }

    fn check(&self, table: &Table) -> Result<(), DestinationError> {
        let others = self.open.iter().map(|(resource, open)| (resource.as_str(), open.name.as_str()));
        table.check(&table.name, others)?;
        if table.name.len() > MAX_NAME {
            let reason =
                format!("PostgreSQL's names have at most {MAX_NAME} bytes, and `{}` has more", table.name);
            return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
        }
        Ok(())
    }

    /// Two runs that learn the columns of one table side by side would learn two tables.
    fn lock_table(&mut self, table: &Table) -> Result<(), DestinationError> {
        self.check_going()?;
        if self.locked.contains(&table.name) {
            return Ok(());
        }
        let schema = self.address.schema.clone();
        self.run(|session| session.lock(&schema, Locked::Table(&table.name)))?;
        self.locked.insert(table.name.clone());
        Ok(())
    }

    /// Refuses a table, view or sequence of that name which was not made here.
    fn check_ours(&mut self, table: &Table) -> Result<(), DestinationError> {
        let own = self.name(&table.name);
        let Some(columns) = self.run(|session| session.columns(&own))? else { return Ok(()) };
        if columns.iter().any(|(name, _)| name == "_load_id") {
            return Ok(());
        }
        Err(DestinationError::NotOurs {
            name: format!("table `{}` in {}", table.name, self.address),
            reason: "it was not made by this program: it has no column `_load_id`".to_owned(),
        })
    }

    fn delete_load(&mut self, table: &TableName, load_id: &str) -> Result<(), DestinationError> {
        if self.run(|session| session.columns(table))?.is_none() {
            return Ok(());
        }
        let sql = format!("DELETE FROM {} WHERE _load_id = $1", qualified(table));
        self.run(|session| session.execute(&sql, &[state::text(load_id)])).map(drop)
    }

    fn forget_parents(&mut self, resource: &str) -> Result<(), DestinationError> {
        let sql = "DELETE FROM _sanderling_keys WHERE pipeline = $1 AND resource = $2";
        let args = [state::text(&self.pipeline), state::text(resource)];
        self.run(|session| session.execute(sql, &args)).map(drop)
    }

    pub(super) fn name(&self, table: &str) -> TableName {
        TableName { schema: Some(self.address.schema.clone()), name: table.to_owned() }
    }

    fn release(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        self.forget_parents(resource)?;
        let pipeline = self.pipeline.clone();
        self.run(|session| state::release(session, &pipeline, resource, load_id))
    }

    fn release_unwritten(&mut self, resource: &str, load_id: &str) {
        self.uncommitted.retain(|change| match change {
            Change::Quarantined(row) => row.resource != resource || row.load_id != load_id,
            _ => true,
        });
    }

    /// The table that a load writes to.
    fn stored(&self, way: Way, table: &str) -> TableName {
        if way.is_beside() { self.name(&tables::beside(&self.pipeline, table)) } else { self.name(table) }
    }

    fn path(&self) -> std::path::PathBuf {
        self.address.to_string().into()
    }
}

/// A failure of the session as one of a destination.
pub(super) fn sorted(address: &PostgresAddress, error: SqlError) -> DestinationError {
    let at = address.to_string();
    let failure = match error.kind {
        SqlErrorKind::DiskFull => {
            return DestinationError::Full { path: at.into(), cause: error.message };
        }
        SqlErrorKind::Busy => ServerFailure::Busy,
        SqlErrorKind::ConnectionLost => ServerFailure::Lost,
        SqlErrorKind::UnknownOutcome => ServerFailure::LostInCommit,
        SqlErrorKind::Denied => ServerFailure::Denied,
        SqlErrorKind::UniqueViolation
        | SqlErrorKind::NoTable
        | SqlErrorKind::Value { .. }
        | SqlErrorKind::Other => ServerFailure::Other,
    };
    DestinationError::Server { at, cause: error.message, failure }
}
