//! Rows and checkpoint as tables of a database, in one transaction, whichever database it is.
//!
//! Pages become typed columns (`sanderling-columns`). An `append` adds them to their table; under `replace` and `merge` they
//! are gathered in a table beside it, and put in their place by statements of SQL when the load is finished. What differs
//! between databases is in `dialect.rs` and their sessions.

mod absent;
pub(crate) mod adbc;
mod adopt;
pub(crate) mod definition;
pub(crate) mod dialect;
pub(crate) mod found;
mod in_place;
mod ledger;
pub(crate) mod looking;
pub(crate) mod open;
mod page;
mod parents;
mod place;
mod prospect;
mod refuse;
pub(crate) mod session;
mod spoken;
mod sqlite;
mod statements;
mod step;
mod tables;
mod text;
mod turn;
mod versions;

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use sanderling_columns::{Column, Schema, TableSchema};
use sha2::{Digest as _, Sha256};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::{DataError, DataErrorKind, DestinationError};
use crate::lock::Lock;
use crate::parents::Parents;
use crate::shell;
use crate::strategy::{Absent, DELETED_AT};
use crate::table::{Rows, SharedByParents, Table, Way, Written};
use dialect::Dialect;
use in_place::keys;
use ledger::{Begun, Ledger, Note};
use place::{Place, sort};
use session::{Locked, Session, SqlError, SqlErrorKind, TableName};
use tables::Known;
use turn::Turn;

/// One pipeline's part of a database, or of a schema in it. The transaction is opened by the first call after a commit.
#[derive(Debug)]
pub struct Sql {
    session: Session,
    place: Place,
    schema: Option<String>,
    pipeline: String,
    // What the last commit left, and what the next is to make of it.
    committed: Ledger,
    notes: BTreeMap<String, Note>,
    changes: Vec<Change>,
    in_transaction: bool,
    stopped: bool,
    tables: HashMap<String, OpenTable>,
    known: Known,
    turn: Option<Turn>,
    _lock: Option<Lock>,
}

/// A table that a load is being written to.
#[derive(Debug)]
struct OpenTable {
    // Where its rows belong.
    table: String,
    way: Way,
    // Rows of the load that have come.
    rows: u64,
    parents: Option<Parents>,
}

impl Sql {
    /// `lock` is let go with the session.
    pub(crate) fn open(
        mut session: Session,
        place: Place,
        schema: Option<String>,
        pipeline: &str,
        lock: Option<Lock>,
    ) -> Result<Self, DestinationError> {
        let sort = |error| sort(&place, error);
        session.lock(schema.as_deref(), Locked::Pipeline(pipeline)).map_err(sort)?;
        session.begin().map_err(sort)?;
        session.make_schema(schema.as_deref()).map_err(sort)?;
        if let Some(other) = ledger::create(&mut session, schema.as_deref()).map_err(sort)? {
            return Err(DestinationError::Corrupt { path: place.name, reason: other.to_string() });
        }
        let turn = match session.takes_turns() {
            true => Some(Turn::open(&mut session, schema.as_deref(), pipeline).map_err(sort)?),
            false => None,
        };
        session.commit().map_err(sort)?;
        let ledgers = ledger::read_all(&mut session, schema.as_deref()).map_err(sort)?;
        let committed = ledgers.unwrap_or_default().remove(pipeline).unwrap_or_default();
        Ok(Self { turn, _lock: lock, ..Self::behind(session, place, schema, pipeline, committed) })
    }

    /// One that goes on from what a pipeline has left.
    fn behind(
        session: Session,
        place: Place,
        schema: Option<String>,
        pipeline: &str,
        committed: Ledger,
    ) -> Self {
        Self {
            session,
            place,
            schema,
            pipeline: pipeline.to_owned(),
            notes: committed.notes.clone(),
            committed,
            changes: Vec::new(),
            in_transaction: false,
            stopped: false,
            tables: HashMap::new(),
            known: Known::default(),
            turn: None,
            _lock: None,
        }
    }

    fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// A shell command with which a person looks at a table's rows.
    pub(crate) fn peek(&self, table: &str) -> Option<String> {
        let schema = self.schema.as_ref().or(self.place.schema.as_ref()).cloned();
        let name = TableName { schema, name: table.to_owned() };
        let query = format!("select * from {} limit 5", self.dialect().table(&name));
        let (query, place) = (shell::word(&query), &self.place.name);
        Some(match self.dialect() {
            // A driver's address is no other program's.
            _ if self.place.is_server && matches!(self.session, Session::Adbc(_)) => return None,
            Dialect::Snowflake | Dialect::BigQuery | Dialect::Ansi => return None,
            // `schema`, which stands last, is ours: `psql` refuses it.
            Dialect::Postgres => {
                let address = place.to_str()?;
                let last = address.rsplit_once(['?', '&']).filter(|(_, last)| last.starts_with("schema="));
                let address = last.map_or(address, |(address, _)| address);
                format!("psql {} -c {query}", shell::word(address))
            }
            Dialect::DuckDb => format!("duckdb {} {query}", shell::path(place)?),
            Dialect::Sqlite => format!("sqlite3 {} {query}", shell::path(place)?),
        })
    }

    /// What a database calls itself of which nothing is known, so that it is written to as most are.
    pub(crate) fn unknown(&self) -> Option<&str> {
        match &self.session {
            Session::Adbc(it) => it.unknown(),
            Session::Postgres(_) | Session::Sqlite(_) => None,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.committed.state.clone()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        self.lock(table)?;
        let way = table.way();
        self.atomically(|this| {
            this.check_ours(table)?;
            this.drop_gathered(&table.resource)
        })?;
        let (load_id, way_name) = (load.load_id.clone(), way.name().to_owned());
        let begun = Begun { load_id, way: way_name, table: table.name.clone(), rows: 0 };
        self.notes.entry(table.resource.clone()).or_default().begun = Some(begun);
        self.remember(&[Change::Load(load.clone())]);
        self.open_table(table, way, 0, Parents::begun);
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        self.lock(table)?;
        let way = table.way();
        let begun = self.begun(&table.resource, &load.load_id);
        let rows = begun.map_or(0, |begun| begun.rows);
        let is_so = begun.is_some_and(|begun| begun.way == way.name() && begun.table == table.name);
        let written =
            if way.is_beside() { self.beside(&table.resource, "") } else { self.named(&table.name) };
        let name = table.name.clone();
        self.atomically(|this| {
            this.check_ours(table)?;
            let is_there = this.known.columns(&mut this.session, &written);
            let is_there = is_there.map_err(|error| sort(&this.place, error))?.is_some();
            if !is_so || (!is_there && load.rows > 0) {
                let reason = format!("what load {} was writing to table `{name}` is gone", load.load_id);
                return Err(DestinationError::Corrupt { path: this.place.name.clone(), reason });
            }
            Ok(())
        })?;
        self.remember(&[Change::Load(load.clone())]);
        self.open_table(table, way, rows, Parents::resumed);
        Ok(())
    }

    pub(crate) fn undo(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        let begun = self.begun(resource, load_id).cloned();
        self.atomically(|this| {
            this.drop_gathered(resource)?;
            let session = &mut this.session;
            ledger::release(session, this.schema.as_deref(), &this.pipeline, resource, load_id)
                .map_err(|error| sort(&this.place, error))?;
            let Some(begun) = begun.filter(|begun| begun.way == Way::Append.name()) else { return Ok(()) };
            let name = this.named(&begun.table);
            let columns = this.known.columns(&mut this.session, &name);
            if columns.map_err(|error| sort(&this.place, error))?.is_none() {
                return Ok(());
            }
            let schema = this.notes.get(resource).map(|note| note.schema.clone()).unwrap_or_default();
            let tables: Vec<(TableName, &TableSchema)> = schema
                .tables
                .iter()
                .enumerate()
                .map(|(at, of)| (if at == 0 { name.clone() } else { this.named(&of.name) }, of))
                .collect();
            let statements = statements::delete_load(this.session.dialect(), &tables, load_id);
            this.run(&statements)
        })?;
        self.tables.remove(resource);
        Ok(())
    }

    pub(crate) fn write(
        &mut self,
        table: &Table,
        rows: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        self.check_going()?;
        let Some(open) = self.tables.get(&table.resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        let (way, swaps, first_row) = (open.way, self.swaps(open.way), open.rows);
        let before = self.notes.get(&table.resource).map(|note| note.schema.clone()).unwrap_or_default();
        let mut schema = before.clone();
        let extra = |at| page::extra_columns(table, at, swaps);
        let gathers: Option<&dyn Fn(usize) -> &'static [page::Extra]> =
            if way.is_beside() { Some(&extra) } else { None };
        let dialect = self.dialect();
        let read = page::read(table, rows, &mut schema, dialect, first_row, gathers, open.parents.as_ref())?;
        self.check_width(table, &before, &schema, gathers.map_or(0, |extra| extra(0).len()))?;
        self.check_lists(table, &before, &schema)?;
        let new_columns = added(&before, &schema);
        self.atomically(|this| this.ingest(table, way, &schema, &read))?;
        let mut received = first_row;
        if let Some(open) = self.tables.get_mut(&table.resource) {
            open.rows += rows.count;
            received = open.rows;
            if let (Some(parents), Some(claims)) = (&mut open.parents, read.claims) {
                parents.note(&claims.partition, &claims.digests);
            }
        }
        let note = self.notes.entry(table.resource.clone()).or_default();
        note.schema = schema;
        if let Some(begun) = &mut note.begun {
            begun.rows = received;
        }
        self.remember(changes);
        Ok(Written {
            rows: rows.count - read.discarded_rows,
            new_columns,
            discarded_rows: read.discarded_rows,
            discarded_values: read.discarded_values,
        })
    }

    pub(crate) fn record(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        self.check_going()?;
        self.remember(changes);
        Ok(())
    }

    pub(crate) fn finish(
        &mut self,
        table: &Table,
        load: &Load,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        self.check_going()?;
        let Some(way) = self.tables.get(&table.resource).map(|open| open.way) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        let mut schema = self.notes.get(&table.resource).map(|note| note.schema.clone()).unwrap_or_default();
        self.atomically(|this| this.put_in_place(table, way, &schema, load))?;
        schema.settle();
        self.notes.entry(table.resource.clone()).or_default().schema = schema;
        self.remember(changes);
        self.remember(&[Change::Load(Load { status: LoadStatus::Complete, ..load.clone() })]);
        self.tables.remove(&table.resource);
        Ok(())
    }

    /// The rows of a page that cannot be taken, each with why.
    pub(crate) fn breaches(&self, table: &Table, rows: &Rows) -> Result<Vec<DataError>, DestinationError> {
        let schema = self.notes.get(&table.resource).map(|note| note.schema.clone());
        let found = page::refusals(table, rows, &mut schema.unwrap_or_default(), &self.session)?;
        let breach = |(row, kind)| DataError { resource: table.resource.clone(), row: Some(row), kind };
        Ok(found.into_iter().map(breach).collect())
    }

    pub(crate) fn distinct_keys(&mut self, table: &Table) -> Result<u64, DestinationError> {
        let beside = self.beside(&table.resource, "");
        let schema = self.notes.get(&table.resource).map(|note| note.schema.clone());
        let schema = schema.unwrap_or_default();
        let is_there = self.known.columns(&mut self.session, &beside).map(|columns| columns.is_some());
        let (Some(root), true) = (schema.tables.first(), is_there.map_err(|error| self.failed(error))?)
        else {
            return Ok(0);
        };
        let columns: Vec<&str> = table
            .primary_key
            .iter()
            .filter_map(|field| page::column_of(root, field))
            .map(|column| column.name.as_str())
            .collect();
        tables::count_distinct(&mut self.session, &beside, &columns).map_err(|error| self.failed(error))
    }

    /// Rows of two parents with one key, where pages could not tell.
    pub(crate) fn shared_by_parents(
        &mut self,
        table: &Table,
    ) -> Result<Option<SharedByParents>, DestinationError> {
        let open = self.tables.get(&table.resource);
        if open.and_then(|open| open.parents.as_ref()).is_none_or(Parents::is_whole) {
            return Ok(None);
        }
        let beside = self.beside(&table.resource, "");
        let is_there = self.known.columns(&mut self.session, &beside).map(|columns| columns.is_some());
        match is_there.map_err(|error| self.failed(error))? {
            true => {
                parents::shared_by_parents(&mut self.session, &beside).map_err(|error| self.failed(error))
            }
            false => Ok(None),
        }
    }

    /// How many rows of a table its open load has not brought. None are where the load was the first to bring any.
    pub(crate) fn absent(&mut self, table: &Table) -> Result<Absent, DestinationError> {
        let (name, beside) = (self.named(&table.name), self.beside(&table.resource, ""));
        let schema = self.notes.get(&table.resource).map(|note| note.schema.clone()).unwrap_or_default();
        let mut columns = |name: &TableName| {
            let columns = self.known.columns(&mut self.session, name);
            columns.map(|columns| columns.cloned()).map_err(|error| sort(&self.place, error))
        };
        let (Some(root), Some(has)) = (schema.tables.first(), columns(&name)?) else {
            return Ok(Absent { absent: 0, rows: 0 });
        };
        let keys = keys(table, root);
        // One whose key is another by now has none of the rows that are meant.
        let is_gathered = columns(&beside)?.is_some();
        let is_marked = has.contains_key(DELETED_AT);
        if !keys.primary.iter().all(|key| has.contains_key(*key)) {
            return Ok(Absent { absent: 0, rows: 0 });
        }
        let beside = is_gathered.then_some(&beside);
        absent::count(&mut self.session, &name, beside, &keys.primary, is_marked)
            .map_err(|error| self.failed(error))
    }

    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        if !self.in_transaction && self.changes.is_empty() && self.notes == self.committed.notes {
            return Ok(());
        }
        self.begin_transaction()?;
        let mut after = Ledger { state: self.committed.state.clone(), notes: self.notes.clone() };
        for change in &self.changes {
            after.state.apply(change.clone());
        }
        let (session, schema) = (&mut self.session, self.schema.as_deref());
        let turn = self.turn.as_mut().map_or(Ok(()), |turn| turn.take(session, schema, &self.pipeline));
        let write =
            |()| ledger::write(session, schema, &self.pipeline, &self.committed, &after, &self.changes);
        let written = turn.and_then(write).and_then(|()| {
            self.turn.as_mut().map_or(Ok(()), |turn| turn.check(&mut self.session, schema, &self.pipeline))
        });
        // Half of a checkpoint cannot be taken back by itself.
        self.stopped = written.is_err();
        written.map_err(|error| self.failed(error))?;
        if let Err(error) = self.session.commit() {
            self.stopped = error.kind != SqlErrorKind::Busy || !self.dialect().keeps_what_is_busy();
            return Err(self.failed(error));
        }
        self.in_transaction = false;
        self.changes.clear();
        self.committed = after;
        Ok(())
    }

    /// Adds a page's rows to the tables that they are for, grown where they must be.
    fn ingest(
        &mut self,
        table: &Table,
        way: Way,
        schema: &Schema,
        read: &page::Read,
    ) -> Result<(), DestinationError> {
        let swaps = self.swaps(way);
        for (at, batch) in &read.batches {
            let Some(of) = schema.tables.get(*at) else { continue };
            let name = if way.is_beside() {
                self.beside(&table.resource, if *at == 0 { "" } else { &of.name })
            } else {
                self.named(&of.name)
            };
            let extra = if way.is_beside() { page::extra_columns(table, *at, swaps) } else { &[] };
            let grown = self.known.grow(&mut self.session, &name, of, extra);
            grown.map_err(|error| sort(&self.place, error))?;
            let kinds =
                self.known.columns(&mut self.session, &name).map_err(|error| sort(&self.place, error))?;
            let ingested = self.session.ingest(&name, kinds, batch);
            ingested.map_err(|error| self.refused(table, schema, read, (*at, batch), error))?;
        }
        Ok(())
    }

    fn remember(&mut self, changes: &[Change]) {
        self.changes.extend_from_slice(changes);
    }

    fn check_going(&self) -> Result<(), DestinationError> {
        if self.stopped { Err(DestinationError::Stopped { path: self.place.name.clone() }) } else { Ok(()) }
    }

    /// Two runs that learn the columns of one table side by side would learn two tables.
    fn lock(&mut self, table: &Table) -> Result<(), DestinationError> {
        let lists = self.notes.get(&table.resource).map(|note| &note.schema.tables);
        let lists = lists.into_iter().flatten().skip(1).map(|list| list.name.clone());
        let names: Vec<String> = std::iter::once(table.name.clone()).chain(lists).collect();
        names.iter().try_for_each(|name| self.lock_table(name))
    }

    fn lock_table(&mut self, name: &str) -> Result<(), DestinationError> {
        let locked = self.session.lock(self.schema.as_deref(), Locked::Table(name));
        locked.map_err(|error| self.failed(error))
    }

    /// Takes away what a load of the resource has gathered.
    fn drop_gathered(&mut self, resource: &str) -> Result<(), DestinationError> {
        let schema = self.notes.get(resource).map(|note| &note.schema);
        let children = schema.into_iter().flat_map(|schema| schema.tables.iter().skip(1));
        let names: Vec<TableName> = std::iter::once("")
            .chain(children.map(|child| child.name.as_str()))
            .map(|of| self.beside(resource, of))
            .collect();
        names
            .iter()
            .try_for_each(|name| self.known.drop(&mut self.session, name))
            .map_err(|error| sort(&self.place, error))
    }

    /// How the load was begun; none if it is not the last one.
    fn begun(&self, resource: &str, load_id: &str) -> Option<&Begun> {
        self.notes.get(resource)?.begun.as_ref().filter(|begun| begun.load_id == load_id)
    }

    fn named(&self, table: &str) -> TableName {
        TableName { schema: self.schema.clone(), name: table.to_owned() }
    }

    /// Where the rows of a resource are gathered: its own (`child` empty) and those of its lists. Each pipeline has its
    /// own, so that a broken load of one is not taken for another's; a digest, because names may be short.
    fn beside(&self, resource: &str, child: &str) -> TableName {
        let mut digest = Sha256::new();
        for part in [&self.pipeline, resource, child] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finalize().iter().take(10).map(|byte| format!("{byte:02x}")).collect::<String>();
        self.named(&format!("_sanderling_new_{digest}"))
    }

    fn open_table(&mut self, table: &Table, way: Way, rows: u64, parents: fn() -> Parents) {
        let parents = table.guards_parents().then(parents);
        let open = OpenTable { table: table.name.clone(), way, rows, parents };
        self.tables.insert(table.resource.clone(), open);
    }

    fn failed(&self, error: SqlError) -> DestinationError {
        sort(&self.place, error)
    }

    /// What is said of rows that the database did not take.
    fn refused(
        &self,
        table: &Table,
        schema: &Schema,
        read: &page::Read,
        (at, batch): (usize, &RecordBatch),
        error: SqlError,
    ) -> DestinationError {
        let SqlErrorKind::Value { row, column } = error.kind else { return self.failed(error) };
        let root = read.batches.first().filter(|(at, _)| *at == 0).map(|(_, batch)| batch);
        let row = row.and_then(|row| page::row_of(schema, root, at, batch, row));
        let kind = DataErrorKind::Unstorable { column, reason: error.message };
        DestinationError::data(&table.resource, row, kind)
    }
}

/// The columns that were added to tables which had some already, and those whose structs have grown.
fn added(before: &Schema, after: &Schema) -> Vec<String> {
    let new = |table: &TableSchema| -> Vec<String> {
        let Some(was) = before.table(&table.name) else { return Vec::new() };
        let is_same =
            |column: &Column| was.column(&column.name).is_some_and(|was| was.data_type == column.data_type);
        let new = table.columns.iter().filter(|column| !is_same(column));
        new.map(|column| column.name.clone()).collect()
    };
    after.tables.iter().flat_map(new).collect()
}
