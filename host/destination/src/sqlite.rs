//! Rows and checkpoint as tables of one SQLite database, in one transaction.

mod failure;
mod insert;
mod parents;
mod schema;
mod staged;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::DestinationError;
use crate::lock::Lock;
use crate::table::{Rows, Table, Way, Written};
use schema::Shape;

/// How long another program may hold the database before it counts as in use.
const BUSY_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 5_000 });

/// One pipeline's part of a database. The transaction is opened by the first call after a commit.
#[derive(Debug)]
pub struct Sqlite {
    // Closed before the lock is let go: fields are dropped in this order.
    conn: Connection,
    path: PathBuf,
    pipeline: String,
    state: State,
    uncommitted: Vec<Change>,
    in_transaction: bool,
    stopped: bool,
    tables: HashMap<String, OpenTable>,
    _lock: Lock,
}

/// A table that a load is being written to.
#[derive(Debug)]
struct OpenTable {
    // Where its rows belong.
    table: String,
    // Where they are written: the same, or the one beside it.
    name: String,
    // None: to be read anew, since a page that failed may have taken columns back.
    shape: Option<Shape>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, pipeline: &str) -> Result<Self, DestinationError> {
        let lock = Lock::beside(path)?;
        // No URI flag: a file name that begins with `file:` is a file name.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sort = |cause| failure::sort(path, cause);
        let conn = Connection::open_with_flags(path, flags).map_err(sort)?;
        configure(&conn).map_err(sort)?;
        state::create(&conn, path)?;
        let state = state::read(&conn, pipeline).map_err(sort)?;
        Ok(Self {
            conn,
            path: path.to_owned(),
            pipeline: pipeline.to_owned(),
            state,
            uncommitted: Vec::new(),
            in_transaction: false,
            stopped: false,
            tables: HashMap::new(),
            _lock: lock,
        })
    }

    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let name = self.target(&table.resource, table.way(), &table.name);
        self.atomically(|this| {
            schema::check_ours(&this.conn, &this.path, &table.resource, &table.name)?;
            this.forget_parents(table)?;
            match table.way() {
                Way::Append | Way::Upsert => this.run(|conn| schema::create_if_missing(conn, &name, &[]))?,
                Way::Replace => this.run(|conn| {
                    schema::drop_table(conn, &name)?;
                    schema::create_if_missing(conn, &name, &[])
                })?,
                Way::DeleteInsert => this.run(|conn| staged::create(conn, table, &name))?,
            }
            this.remember(&[Change::Load(load.clone())])?;
            this.run(|conn| state::note_begun(conn, &this.pipeline, table))
        })?;
        self.open_table(table, name);
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        let name = self.target(&table.resource, table.way(), &table.name);
        self.atomically(|this| {
            schema::check_ours(&this.conn, &this.path, &table.resource, &table.name)?;
            let begun = state::Begun { way: table.way(), table: table.name.clone() };
            if this.begun(&table.resource, &load.load_id)? != Some(begun)
                || !this.run(|conn| schema::exists(conn, &name))?
            {
                let reason = format!("what load {} was writing to table `{name}` is gone", load.load_id);
                return Err(DestinationError::Corrupt { path: this.path.clone(), reason });
            }
            this.remember(&[Change::Load(load.clone())])
        })?;
        self.open_table(table, name);
        Ok(())
    }

    pub(crate) fn undo(&mut self, table: &Table, load_id: &str) -> Result<(), DestinationError> {
        self.atomically(|this| {
            this.forget_parents(table)?;
            this.run(|conn| state::release(conn, &this.pipeline, &table.resource, load_id))?;
            let as_planned = || state::Begun { way: table.way(), table: table.name.clone() };
            let begun = this.begun(&table.resource, load_id)?.unwrap_or_else(as_planned);
            let name = this.target(&table.resource, begun.way, &begun.table);
            match begun.way {
                Way::Replace | Way::DeleteInsert => this.run(|conn| schema::drop_table(conn, &name)),
                // The load that follows writes the same keys again, and each takes the place of what is there. What
                // stood there before the broken load is gone, so there is nothing to go back to. Under another key, or
                // in another table, the rows of the broken load would stay beside those of the next.
                Way::Upsert
                    if begun.table == table.name
                        && !this.run(|conn| schema::has_other_key(conn, table))? =>
                {
                    Ok(())
                }
                Way::Append | Way::Upsert => {
                    schema::check_ours(&this.conn, &this.path, &table.resource, &begun.table)?;
                    this.run(|conn| schema::delete_load(conn, &name, load_id))
                }
            }
        })?;
        self.tables.remove(&table.resource);
        Ok(())
    }

    /// Takes back what a load has written, going by how it was begun.
    pub(crate) fn undo_unlisted(&mut self, resource: &str, load_id: &str) -> Result<bool, DestinationError> {
        self.atomically(|this| {
            this.run(|conn| parents::forget(conn, &this.pipeline, resource))?;
            this.run(|conn| state::release(conn, &this.pipeline, resource, load_id))?;
            let Some(begun) = this.begun(resource, load_id)? else { return Ok(true) };
            let name = this.target(resource, begun.way, &begun.table);
            match begun.way {
                Way::Append => {
                    schema::check_ours(&this.conn, &this.path, resource, &begun.table)?;
                    this.run(|conn| schema::delete_load(conn, &name, load_id))?;
                }
                Way::Replace | Way::DeleteInsert => this.run(|conn| schema::drop_table(conn, &name))?,
                Way::Upsert => return Ok(false),
            }
            Ok(true)
        })
    }

    /// What each pipeline left in the database; none if there is no database, or nothing of ours in it.
    pub(crate) fn look(path: &Path) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        if !path.exists() {
            return Ok(None);
        }
        let sort = |cause| failure::sort(path, cause);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(sort)?;
        conn.busy_timeout(BUSY_TIMEOUT).map_err(sort)?;
        // One transaction: a run may commit meanwhile.
        conn.execute_batch("BEGIN").map_err(sort)?;
        state::look(&conn).map_err(sort)
    }

    pub(crate) fn write(
        &mut self,
        table: &Table,
        rows: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        self.atomically(|this| {
            let Some(open) = this.tables.get_mut(&table.resource) else {
                return Err(DestinationError::not_begun(&table.resource));
            };
            let shape = match open.shape.take() {
                Some(shape) => shape,
                None => schema::read(&this.conn, &this.path, table, &open.name)?,
            };
            let page = insert::Page { table, name: &open.name, rows, pipeline: &this.pipeline };
            let (written, shape) = insert::write(&this.conn, &this.path, &page, shape)?;
            open.shape = Some(shape);
            this.remember(changes)?;
            Ok(written)
        })
    }

    pub(crate) fn record(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        self.atomically(|this| this.remember(changes))
    }

    pub(crate) fn finish(
        &mut self,
        table: &Table,
        load: &Load,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        self.atomically(|this| {
            let Some(open) = this.tables.get(&table.resource) else {
                return Err(DestinationError::not_begun(&table.resource));
            };
            match table.way() {
                Way::Replace => schema::swap(&this.conn, &open.name, &table.name)
                    .map_err(|cause| failure::sort(&this.path, cause))?,
                Way::DeleteInsert => staged::merge(&this.conn, &this.path, table, &open.name)?,
                Way::Append | Way::Upsert => {}
            }
            // Also where no row has brought them.
            if !table.columns.is_empty() {
                let mut shape = schema::read(&this.conn, &this.path, table, &table.name)?;
                schema::declare(&this.conn, &this.path, table, &table.name, &mut shape)?;
            }
            this.forget_parents(table)?;
            this.remember(changes)?;
            this.remember(&[Change::Load(Load { status: LoadStatus::Complete, ..load.clone() })])
        })?;
        self.tables.remove(&table.resource);
        Ok(())
    }

    pub(crate) fn distinct_keys(&self, table: &Table, load_id: &str) -> Result<u64, DestinationError> {
        let name = self.target(&table.resource, table.way(), &table.name);
        let keys = schema::list(&table.primary_key);
        let query = match table.way() {
            // One row a key.
            Way::Upsert => format!("SELECT count(*) FROM {} WHERE _load_id = ?1", schema::quote(&name)),
            _ => format!(
                "SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {} WHERE _load_id = ?1)",
                schema::quote(&name)
            ),
        };
        self.conn
            .query_row(&query, [load_id], |row| row.get(0).map(i64::unsigned_abs))
            .map_err(|cause| failure::sort(&self.path, cause))
    }

    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        if !self.in_transaction {
            return Ok(());
        }
        if let Err(error) = self.run(|conn| conn.execute_batch("COMMIT")) {
            // A reader may keep SQLite from committing; the transaction then waits for another try.
            self.stopped = self.conn.is_autocommit();
            return Err(error);
        }
        self.in_transaction = false;
        for change in self.uncommitted.drain(..) {
            self.state.apply(change);
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Does all of `step` or, on an error, nothing: what came before it stays in the transaction.
    fn atomically<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, DestinationError>,
    ) -> Result<T, DestinationError> {
        self.check_going()?;
        if !self.in_transaction {
            self.run(|conn| conn.execute_batch("BEGIN IMMEDIATE"))?;
            self.in_transaction = true;
        }
        let remembered = self.uncommitted.len();
        self.run(|conn| conn.execute_batch("SAVEPOINT step"))?;
        let done = step(self).and_then(|done| {
            self.run(|conn| conn.execute_batch("RELEASE step"))?;
            Ok(done)
        });
        if done.is_err() {
            self.uncommitted.truncate(remembered);
            for table in self.tables.values_mut() {
                table.shape = None;
            }
            // A full disk, among others, makes SQLite roll back the whole transaction. Pages that were accepted are then
            // gone, and a commit must not pretend otherwise.
            self.stopped = self.conn.is_autocommit()
                || self.conn.execute_batch("ROLLBACK TO step; RELEASE step").is_err();
        }
        done
    }

    fn check_going(&self) -> Result<(), DestinationError> {
        if self.stopped { Err(DestinationError::Stopped { path: self.path.clone() }) } else { Ok(()) }
    }

    fn run<T>(
        &self,
        statement: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DestinationError> {
        statement(&self.conn).map_err(|cause| failure::sort(&self.path, cause))
    }

    fn remember(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        for change in changes {
            self.run(|conn| state::apply(conn, &self.pipeline, change))?;
            self.uncommitted.push(change.clone());
        }
        Ok(())
    }

    fn forget_parents(&self, table: &Table) -> Result<(), DestinationError> {
        self.run(|conn| parents::forget(conn, &self.pipeline, &table.resource))
    }

    /// How the load was begun; none if it is not the one that is remembered.
    fn begun(&self, resource: &str, load_id: &str) -> Result<Option<state::Begun>, DestinationError> {
        self.run(|conn| state::begun(conn, &self.pipeline, resource, load_id))
    }

    /// The table that a load of `resource` for `table` writes to.
    fn target(&self, resource: &str, way: Way, table: &str) -> String {
        if way.is_beside() { schema::beside(&self.pipeline, resource) } else { table.to_owned() }
    }

    fn check(&self, table: &Table) -> Result<(), DestinationError> {
        let others = self.tables.iter().map(|(resource, open)| (resource.as_str(), open.table.as_str()));
        table.check(&table.name, others)
    }

    fn open_table(&mut self, table: &Table, name: String) {
        let open = OpenTable { table: table.name.clone(), name, shape: None };
        self.tables.insert(table.resource.clone(), open);
    }
}

/// WAL with `synchronous=NORMAL`: a power cut may take the last commits back, rows and checkpoint together, but never
/// damages the database; a killed process loses nothing that was committed.
fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "normal")?;
    conn.pragma_update(None, "cache_size", -16_384)?;
    // A user's view over a table that is being replaced must neither stop the swap nor be bent to the new table.
    conn.pragma_update(None, "legacy_alter_table", true)
}
