//! Rows and checkpoint as tables of a database, in one transaction, whichever database it is.
//!
//! Pages become typed columns (`sanderling-columns`). An `append` adds them to their table; under `replace` and `merge` they
//! are gathered in a table beside it, and put in their place by statements of SQL when the load is finished. What differs
//! between databases is in `dialect.rs` and their sessions.

mod absent;
mod adbc;
mod adopt;
pub(crate) mod dialect;
mod ledger;
mod page;
pub(crate) mod session;
mod sqlite;
mod statements;
mod tables;
mod text;
mod versions;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use sanderling_columns::{Column, Role, Schema, SystemNames, TableSchema};
use sha2::{Digest as _, Sha256};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::error::{DataError, DataErrorKind, DestinationError, NameError, ServerFailure};
use crate::lock::Lock;
use crate::postgres::{Postgres, PostgresAddress};
use crate::shell;
use crate::strategy::{Absent, DELETED_AT, MergeStrategy};
use crate::table::{Rows, Table, Way, Written};
use dialect::Dialect;
use ledger::{Begun, Ledger, Note};
use page::Parents;
#[cfg(test)]
use session::Scalar;
use session::{Locked, Relation, Session, SqlError, SqlErrorKind, TableName};
use statements::{Gathered, Keys};
use tables::Known;
use versions::Times;

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
    _lock: Option<Lock>,
}

/// A database, as errors name it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    name: PathBuf,
    is_server: bool,
    // A schema in which the session works, where that is not the database's first.
    schema: Option<String>,
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
        session.batch(session.dialect().begin()).map_err(sort)?;
        session.make_schema(schema.as_deref()).map_err(sort)?;
        if let Some(other) = ledger::create(&mut session, schema.as_deref()).map_err(sort)? {
            return Err(DestinationError::Corrupt { path: place.name, reason: other.to_string() });
        }
        session.commit().map_err(sort)?;
        let ledgers = ledger::read_all(&mut session, schema.as_deref()).map_err(sort)?;
        let committed = ledgers.unwrap_or_default().remove(pipeline).unwrap_or_default();
        Ok(Self {
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
            _lock: lock,
        })
    }

    /// What each pipeline left; none if nothing of ours is there.
    pub(crate) fn look(
        session: &mut Session,
        place: &Place,
        schema: Option<&str>,
    ) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        if let Some(other) =
            ledger::of_another_version(session, schema).map_err(|error| sort(place, error))?
        {
            return Err(DestinationError::Corrupt { path: place.name.clone(), reason: other.to_string() });
        }
        let ledgers = ledger::read_all(session, schema).map_err(|error| sort(place, error))?;
        let states = |ledgers: BTreeMap<String, Ledger>| {
            ledgers.into_iter().map(|(pipeline, ledger)| (pipeline, ledger.state)).collect()
        };
        Ok(ledgers.map(states))
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
            Dialect::Postgres => format!("psql {} -c {query}", shell::word(place.to_str()?)),
            Dialect::DuckDb => format!("duckdb {} {query}", shell::path(place)?),
            Dialect::Sqlite => format!("sqlite3 {} {query}", shell::path(place)?),
        })
    }

    pub(crate) fn state(&self) -> State {
        self.committed.state.clone()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        self.lock(table)?;
        let way = way(table);
        self.atomically(|this| {
            this.check_ours(table)?;
            this.drop_gathered(&table.resource)
        })?;
        let (load_id, way_name) = (load.load_id.clone(), name_of(way).to_owned());
        let begun = Begun { load_id, way: way_name, table: table.name.clone(), rows: 0 };
        self.notes.entry(table.resource.clone()).or_default().begun = Some(begun);
        self.remember(&[Change::Load(load.clone())]);
        self.open_table(table, way, 0, None);
        Ok(())
    }

    pub(crate) fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        self.check(table)?;
        self.lock(table)?;
        let way = way(table);
        let begun = self.begun(&table.resource, &load.load_id);
        let rows = begun.map_or(0, |begun| begun.rows);
        let is_so = begun.is_some_and(|begun| begun.way == name_of(way) && begun.table == table.name);
        let written =
            if way.is_beside() { self.beside(&table.resource, "") } else { self.named(&table.name) };
        let name = table.name.clone();
        let parents = self.atomically(|this| {
            this.check_ours(table)?;
            let is_there = this.known.columns(&mut this.session, &written);
            let is_there = is_there.map_err(|error| sort(&this.place, error))?.is_some();
            if !is_so || (!is_there && load.rows > 0) {
                let reason = format!("what load {} was writing to table `{name}` is gone", load.load_id);
                return Err(DestinationError::Corrupt { path: this.place.name.clone(), reason });
            }
            if !is_there || !way.is_beside() {
                return Ok(None);
            }
            let parents = match table.guards_parents() {
                true => Parents::read(&mut this.session, &written).map(Some),
                false => Ok(None),
            };
            parents.map_err(|error| sort(&this.place, error))
        })?;
        self.remember(&[Change::Load(load.clone())]);
        self.open_table(table, way, rows, parents);
        Ok(())
    }

    pub(crate) fn undo(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        let begun = self.begun(resource, load_id).cloned();
        self.atomically(|this| {
            this.drop_gathered(resource)?;
            let session = &mut this.session;
            ledger::release(session, this.schema.as_deref(), &this.pipeline, resource, load_id)
                .map_err(|error| sort(&this.place, error))?;
            let Some(begun) = begun.filter(|begun| begun.way == name_of(Way::Append)) else { return Ok(()) };
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
        let names = self.dialect().max_name_bytes();
        let read = page::read(table, rows, &mut schema, names, first_row, gathers, open.parents.as_ref())?;
        if let (Some(limit), true) = (self.dialect().max_columns(), schema != before) {
            let extra = gathers.map_or(0, |extra| extra(0).len());
            if schema.tables.iter().any(|table| table.columns.len() + extra > limit) {
                let kind = DataErrorKind::TooManyColumns { limit };
                return Err(DestinationError::data(&table.resource, None, kind));
            }
        }
        self.check_lists(table, &before, &schema)?;
        let new_columns = added(&before, &schema);
        self.atomically(|this| this.ingest(table, way, &schema, &read))?;
        let mut received = first_row;
        if let Some(open) = self.tables.get_mut(&table.resource) {
            open.rows += rows.count;
            received = open.rows;
            if let (Some(parents), Some(claims)) = (&mut open.parents, read.claims) {
                parents.note(claims);
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
        let is_marked = has.contains(DELETED_AT);
        if !keys.primary.iter().all(|key| has.contains(*key)) {
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
        let written = ledger::write(
            &mut self.session,
            self.schema.as_deref(),
            &self.pipeline,
            &self.committed,
            &after,
            &self.changes,
        );
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
            let ingested = self.session.ingest(&name, batch);
            ingested.map_err(|error| self.refused(table, schema, read, (*at, batch), error))?;
        }
        Ok(())
    }

    /// Puts what a load has gathered in its place. Every table is there afterwards, also where no row has come.
    fn put_in_place(
        &mut self,
        table: &Table,
        way: Way,
        schema: &Schema,
        load: &Load,
    ) -> Result<(), DestinationError> {
        let (dialect, swaps) = (self.session.dialect(), self.swaps(way));
        let bare = if schema.tables.is_empty() {
            Some(page::without_rows(table, dialect.max_name_bytes())?)
        } else {
            None
        };
        let all: Vec<&TableSchema> = bare.iter().chain(&schema.tables).collect();
        let mut gathered = Vec::new();
        let mut is_empty = true;
        for (at, of) in all.iter().enumerate() {
            let name = self.named(&of.name);
            if !swaps {
                let grown = self.known.grow(&mut self.session, &name, of, &[]);
                grown.map_err(|error| sort(&self.place, error))?;
            }
            if way.is_beside() {
                let beside = self.beside(&table.resource, if at == 0 { "" } else { &of.name });
                let columns = self.known.columns(&mut self.session, &beside);
                let is_there = columns.map_err(|error| sort(&self.place, error))?.is_some();
                is_empty &= at > 0 || !is_there;
                // Also one that no row has come to, and with columns that came after it.
                let extra = page::extra_columns(table, at, swaps);
                let grown = self.known.grow(&mut self.session, &beside, of, extra);
                grown.map_err(|error| sort(&self.place, error))?;
                gathered.push(Gathered { table: of, name, beside });
            }
        }
        let statements = match way {
            Way::Append | Way::Upsert => return Ok(()),
            Way::Replace if swaps => return self.swap(&gathered),
            Way::Replace => {
                let mut statements = Vec::new();
                for gathered in &gathered {
                    let can_swap = self.session.can_swap(&gathered.name);
                    if can_swap.map_err(|error| sort(&self.place, error))? {
                        self.known.forget();
                        statements.extend(statements::swap(dialect, gathered));
                    } else {
                        statements.extend(statements::replace(dialect, gathered));
                    }
                }
                statements
            }
            Way::DeleteInsert => {
                let Some(root) = all.first() else { return Ok(()) };
                let keys = keys(table, root);
                self.grow_behind(table, root)?;
                self.keep_indexes(&gathered, &keys).map_err(|error| self.failed(error))?;
                self.merged(table, &gathered, is_empty, &keys, load)
            }
        };
        self.run(&statements)?;
        self.drop_gathered(&table.resource)
    }

    /// Whether what was gathered takes the table's place as it is.
    fn swaps(&self, way: Way) -> bool {
        way == Way::Replace && self.session.dialect().swaps()
    }

    fn swap(&mut self, gathered: &[Gathered]) -> Result<(), DestinationError> {
        for Gathered { name, beside, .. } in gathered {
            self.session.swap(beside, name).map_err(|error| sort(&self.place, error))?;
            [name, beside].into_iter().for_each(|name| self.known.forget_table(name));
        }
        Ok(())
    }

    /// By which a merge finds what gives way.
    fn keep_indexes(&mut self, gathered: &[Gathered], keys: &Keys) -> Result<(), SqlError> {
        for (at, Gathered { name, table, .. }) in gathered.iter().enumerate() {
            let of_root = if keys.primary.is_empty() { &keys.merge } else { &keys.primary };
            let of_lists = [statements::system(table, Role::RootId)];
            self.session.keep_index(name, if at == 0 { of_root } else { &of_lists })?;
        }
        Ok(())
    }

    /// What puts a merge in its place.
    fn merged(
        &self,
        table: &Table,
        gathered: &[Gathered],
        is_empty: bool,
        keys: &Keys,
        load: &Load,
    ) -> Vec<String> {
        let dialect = self.session.dialect();
        let now = i64::try_from(load.started_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        if let Some(history) = table.history() {
            let times = Times { history, system: table.shape.system, now };
            return versions::versions(dialect, gathered, keys, &times, table.is_whole(load));
        }
        let mut statements = Vec::new();
        if let Some(absent) = table.delete_absent.filter(|_| table.is_whole(load)) {
            statements.extend(absent::taken_away(dialect, gathered, keys, absent, now));
        }
        if !is_empty {
            statements.extend(match table.strategy {
                MergeStrategy::InsertOnly => statements::insert_only(dialect, gathered, keys, &load.load_id),
                _ => statements::delete_insert(dialect, gathered, keys, &load.load_id),
            });
        }
        statements
    }

    /// The columns that a table gets behind those of its rows.
    fn grow_behind(&mut self, table: &Table, root: &TableSchema) -> Result<(), DestinationError> {
        let name = self.named(&root.name);
        let moments = crate::shape::reserved(table);
        let moments: Vec<&str> = moments.iter().map(String::as_str).collect();
        let grown = self.known.grow_moments(&mut self.session, &name, &moments);
        grown.map_err(|error| sort(&self.place, error))
    }

    /// Does all of `step` or, on an error, nothing: what came before it stays in the transaction.
    fn atomically<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, DestinationError>,
    ) -> Result<T, DestinationError> {
        self.begin_transaction()?;
        let has_savepoints = self.session.dialect().has_savepoints();
        if has_savepoints {
            self.session.batch("SAVEPOINT step").map_err(|error| self.failed(error))?;
        }
        let done = step(self).and_then(|done| {
            if has_savepoints {
                self.session.batch("RELEASE SAVEPOINT step").map_err(|error| self.failed(error))?;
            }
            Ok(done)
        });
        if done.is_err() {
            self.known.forget();
            self.stopped = if has_savepoints {
                let back = self.session.batch("ROLLBACK TO SAVEPOINT step");
                back.and_then(|()| self.session.batch("RELEASE SAVEPOINT step")).is_err()
            } else {
                // What is refused by name is refused before anything is written.
                !matches!(
                    done,
                    Err(DestinationError::Name(_)
                        | DestinationError::NotOurs { .. }
                        | DestinationError::Corrupt { .. })
                )
            };
        }
        done
    }

    fn begin_transaction(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        if !self.in_transaction {
            let begin = self.session.dialect().begin();
            self.session.batch(begin).map_err(|error| self.failed(error))?;
            self.in_transaction = true;
        }
        Ok(())
    }

    fn run(&mut self, statements: &[String]) -> Result<(), DestinationError> {
        statements
            .iter()
            .try_for_each(|sql| self.session.batch(sql))
            .map_err(|error| sort(&self.place, error))
    }

    fn remember(&mut self, changes: &[Change]) {
        self.changes.extend_from_slice(changes);
    }

    fn check_going(&self) -> Result<(), DestinationError> {
        if self.stopped { Err(DestinationError::Stopped { path: self.place.name.clone() }) } else { Ok(()) }
    }

    fn check(&self, table: &Table) -> Result<(), DestinationError> {
        self.check_going()?;
        let others = self.tables.iter().map(|(resource, open)| (resource.as_str(), open.table.as_str()));
        table.check(&table.name, others)?;
        match self.dialect().max_name_bytes() {
            Some(most) if table.name.len() > most => {
                let reason = format!("names have at most {most} bytes here, and `{}` has more", table.name);
                Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }))
            }
            _ => Ok(()),
        }
    }

    /// Two runs that learn the columns of one table side by side would learn two tables.
    fn lock(&mut self, table: &Table) -> Result<(), DestinationError> {
        let locked = self.session.lock(self.schema.as_deref(), Locked::Table(&table.name));
        locked.map_err(|error| self.failed(error))
    }

    /// Refuses lists whose tables are another's, before any of their rows is written.
    fn check_lists(
        &mut self,
        table: &Table,
        before: &Schema,
        after: &Schema,
    ) -> Result<(), DestinationError> {
        for list in after.tables.iter().skip(1).filter(|list| before.table(&list.name).is_none()) {
            let other = self.other_with(&table.resource, &list.name);
            let other = other.map(|other| format!("it is a table of `{other}`"));
            let reason = match other {
                Some(reason) => Some(reason),
                None => {
                    let schema = self.schema.as_deref();
                    let loads = ledger::loaded_by(&mut self.session, schema, &self.pipeline, &list.name);
                    let loads = loads.map_err(|error| self.failed(error))?;
                    loads.map(|pipeline| format!("the pipeline `{pipeline}` loads it"))
                }
            };
            let name = self.named(&list.name);
            let columns = self.known.columns(&mut self.session, &name);
            let columns = columns.map_err(|error| sort(&self.place, error))?;
            let parent_id = table.shape.system.name(Role::ParentId).unwrap_or_default();
            let is_made = columns.is_some_and(|columns| !columns.contains(parent_id));
            let made = || format!("one is there that has no column `{parent_id}`");
            if let Some(reason) = reason.or_else(|| is_made.then(made)) {
                let kind = DataErrorKind::ListTable { table: list.name.clone(), reason };
                return Err(DestinationError::data(&table.resource, None, kind));
            }
        }
        Ok(())
    }

    /// Another resource of the pipeline that has a table of that name.
    fn other_with(&self, resource: &str, name: &str) -> Option<&str> {
        let is_it = |(other, note): &(&String, &Note)| *other != resource && note.has_table(name);
        self.notes.iter().find(is_it).map(|(other, _)| other.as_str())
    }

    /// Refuses what was not made here, a name that differs in case only, and a table that another pipeline loads.
    fn check_ours(&mut self, table: &Table) -> Result<(), DestinationError> {
        let lists = |(other, note): &(&String, &Note)| {
            **other != table.resource
                && note.schema.tables.iter().skip(1).any(|list| list.name.eq_ignore_ascii_case(&table.name))
        };
        if let Some((other, _)) = self.notes.iter().find(lists) {
            let reason = format!("`{}` is the table of a list of `{other}`", table.name);
            return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
        }
        let name = self.named(&table.name);
        let found = self.session.relation(&name).map_err(|error| sort(&self.place, error))?;
        let mut differs = None;
        if let Some(Relation { name: other, kind }) = found {
            if kind != "table" {
                return Err(DestinationError::NotOurs {
                    name: format!("{kind} `{other}` in {}", self.place),
                    reason: "it is no table of this program's".to_owned(),
                });
            }
            differs = Some(other).filter(|other| *other != table.name);
        }
        let columns =
            self.known.columns(&mut self.session, &name).map_err(|error| sort(&self.place, error))?;
        let load_id = table.shape.system.name(Role::LoadId).unwrap_or_default();
        let other_names = match table.shape.system {
            SystemNames::Ours => (SystemNames::Dlt, "dlt"),
            SystemNames::Dlt => (SystemNames::Ours, "sanderling"),
        };
        let has = |names: SystemNames, role| {
            columns.is_some_and(|columns| names.name(role).is_some_and(|name| columns.contains(name)))
        };
        let is_ours = columns.is_none() || has(table.shape.system, Role::LoadId);
        let has_others = has(other_names.0, Role::LoadId);
        // One that was taken over gets the column with its first page.
        let note = self.notes.get(&table.resource);
        let is_known = note.is_some_and(|note| note.has_table(&table.name));
        let is_dlts =
            !is_known && has(SystemNames::Dlt, Role::LoadId) && !has(SystemNames::Dlt, Role::LoadedAt);
        let others =
            ledger::loaded_by(&mut self.session, self.schema.as_deref(), &self.pipeline, &table.name);
        if let Some(other) = others.map_err(|error| sort(&self.place, error))? {
            return Err(DestinationError::NotOurs {
                name: format!("table `{}` in {}", table.name, self.place),
                reason: format!("the pipeline `{other}` loads it"),
            });
        }
        if is_dlts {
            return Err(DestinationError::NotOurs {
                name: format!("table `{}` in {}", table.name, self.place),
                reason: "dlt made it; `sanderling adopt` takes it over".to_owned(),
            });
        }
        if !is_ours {
            return Err(DestinationError::NotOurs {
                name: format!("table `{}` in {}", table.name, self.place),
                reason: match has_others {
                    true => format!(
                        "its columns are named as `nested: {{tables: {{system: {}}}}}` has them: write that, or another table",
                        other_names.1
                    ),
                    false => format!("it was not made by this program: it has no column `{load_id}`"),
                },
            });
        }
        if let Some(other) = differs {
            let reason = format!("it differs from table `{other}` in case only");
            return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
        }
        Ok(())
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

    fn open_table(&mut self, table: &Table, way: Way, rows: u64, parents: Option<Parents>) {
        let parents = parents.or_else(|| table.guards_parents().then(Parents::default));
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

impl Place {
    pub(crate) fn file(path: &Path) -> Self {
        Self { name: path.to_owned(), is_server: false, schema: None }
    }

    fn server(address: &PostgresAddress) -> Self {
        Self { name: address.to_string().into(), is_server: true, schema: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.display().fmt(formatter)
    }
}

/// Opens a schema of a PostgreSQL database.
pub(crate) fn open_postgres(address: &PostgresAddress, pipeline: &str) -> Result<Sql, DestinationError> {
    let place = Place::server(address);
    let session = Postgres::connect(address).map_err(|error| sort(&place, error))?;
    Sql::open(Session::Postgres(session), place, Some(address.schema.clone()), pipeline, None)
}

/// What each pipeline left in a schema; none if nothing was ever loaded into it.
pub(crate) fn look_postgres(
    address: &PostgresAddress,
) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
    let place = Place::server(address);
    let session = Postgres::connect(address).map_err(|error| sort(&place, error))?;
    Sql::look(&mut Session::Postgres(session), &place, Some(&address.schema))
}

/// Opens a DuckDB file, with the driver at `driver` or the one that is installed.
pub(crate) fn open_duckdb(
    path: &Path,
    schema: Option<&str>,
    driver: Option<&Path>,
    pipeline: &str,
) -> Result<Sql, DestinationError> {
    let driver = load(driver)?;
    let lock = Lock::beside(path)?;
    let place = Place { schema: schema.map(str::to_owned), ..Place::file(path) };
    let mut session = adbc::Adbc::duckdb(driver, path, false).map_err(|error| sort(&place, error))?;
    if let Some(schema) = schema {
        session.enter(schema, true).map_err(|error| sort(&place, error))?;
    }
    Sql::open(Session::Adbc(session), place, None, pipeline, Some(lock))
}

/// What each pipeline left in a DuckDB file; none if it is not there.
pub(crate) fn look_duckdb(
    path: &Path,
    schema: Option<&str>,
    driver: Option<&Path>,
) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
    if !path.exists() {
        return Ok(None);
    }
    let place = Place::file(path);
    let mut session = adbc::Adbc::duckdb(load(driver)?, path, true).map_err(|error| sort(&place, error))?;
    if let Some(schema) = schema
        && !session.enter(schema, false).map_err(|error| sort(&place, error))?
    {
        return Ok(None);
    }
    Sql::look(&mut Session::Adbc(session), &place, None)
}

fn load(driver: Option<&Path>) -> Result<adbc_driver_manager::ManagedDriver, DestinationError> {
    adbc::duckdb_driver(driver).map_err(|cause| DestinationError::NoDriver { name: "DuckDB", cause })
}

/// A table's rows as JSON, without nulls and what is added, for tests.
#[cfg(test)]
pub(crate) fn duckdb_rows(path: &Path, driver: Option<&Path>, table: &str) -> Vec<String> {
    if duckdb_tables(path, driver, table).is_empty() {
        return Vec::new();
    }
    let mut session = adbc::Adbc::duckdb(load(driver).unwrap(), path, true).unwrap();
    let sql = format!("SELECT to_json(t)::text FROM {} AS t", dialect::quoted(table));
    let rows = session.query(&sql, &[]).unwrap();
    let plain = |row: Vec<Scalar>| {
        let Some(Scalar::Text(text)) = row.first() else { unreachable!("{row:?}") };
        let row: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let fields = row.into_iter().filter(|(name, value)| !value.is_null() && !name.starts_with("_load"));
        let fields: BTreeMap<_, _> = fields
            .map(|(name, value)| match value {
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                    (name, value.to_string().into())
                }
                value => (name, value),
            })
            .collect();
        serde_json::to_string(&fields).unwrap()
    };
    rows.into_iter().map(plain).collect()
}

/// The tables whose names begin so, for tests.
#[cfg(test)]
pub(crate) fn duckdb_tables(path: &Path, driver: Option<&Path>, begin: &str) -> Vec<String> {
    let begin = begin.replace('\'', "''");
    let sql =
        format!("SELECT table_name FROM information_schema.tables WHERE starts_with(table_name, '{begin}')");
    duckdb_ask(path, driver, &sql)
}

/// The first column of an answer, for tests.
#[cfg(test)]
pub(crate) fn duckdb_ask(path: &Path, driver: Option<&Path>, sql: &str) -> Vec<String> {
    let mut session = adbc::Adbc::duckdb(load(driver).unwrap(), path, true).unwrap();
    let rows = session.query(sql, &[]).unwrap();
    rows.into_iter()
        .map(|row| match row.first() {
            Some(Scalar::Text(name)) => name.clone(),
            _ => unreachable!("{row:?}"),
        })
        .collect()
}

/// Opens an SQLite file.
pub(crate) fn open_sqlite(path: &Path, pipeline: &str) -> Result<Sql, DestinationError> {
    let lock = Lock::beside(path)?;
    let place = Place::file(path);
    let session = sqlite::Sqlite::open(path).map_err(|error| sort(&place, error))?;
    Sql::open(Session::Sqlite(session), place, None, pipeline, Some(lock))
}

/// What each pipeline left in an SQLite file; none if it is not there.
pub(crate) fn look_sqlite(path: &Path) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
    if !path.exists() {
        return Ok(None);
    }
    let place = Place::file(path);
    let session = sqlite::Sqlite::look(path).map_err(|error| sort(&place, error))?;
    Sql::look(&mut Session::Sqlite(session), &place, None)
}

/// The columns that were added to tables which had some already.
fn added(before: &Schema, after: &Schema) -> Vec<String> {
    let new = |table: &TableSchema| -> Vec<String> {
        let Some(was) = before.table(&table.name) else { return Vec::new() };
        let new = table.columns.iter().filter(|column| was.column(&column.name).is_none());
        new.map(|column| column.name.clone()).collect()
    };
    after.tables.iter().flat_map(new).collect()
}

/// Every merge is gathered first: whatever a load brings comes at once, or not at all.
fn way(table: &Table) -> Way {
    match table.way() {
        Way::Upsert => Way::DeleteInsert,
        way => way,
    }
}

fn name_of(way: Way) -> &'static str {
    match way {
        Way::Append => "append",
        Way::Replace => "replace",
        Way::Upsert => "upsert",
        Way::DeleteInsert => "delete-insert",
    }
}

/// What a merge goes by, in the table's own columns.
fn keys<'a>(table: &'a Table, root: &'a TableSchema) -> Keys<'a> {
    let named = |fields: &'a [String]| -> Vec<&'a str> {
        fields.iter().filter_map(|field| Some(page::column_of(root, field)?.name.as_str())).collect()
    };
    let of_field = |field: &str| -> Vec<&'a Column> {
        let own = page::column_of(root, field);
        let variants = root
            .columns
            .iter()
            .filter(|column| column.role == Role::Variant && own.is_some_and(|own| column.field == own.name));
        own.into_iter().chain(variants).collect()
    };
    let sort = table.dedup_sort.as_ref();
    Keys {
        primary: named(&table.primary_key),
        merge: named(&table.merge_key),
        dedup_sort: sort.and_then(|sort| Some((page::column_of(root, &sort.field)?, sort))),
        hard_delete: table.hard_delete.as_deref().map(of_field).unwrap_or_default(),
    }
}

/// Sorts a failure by what can be done about it.
fn sort(place: &Place, error: SqlError) -> DestinationError {
    let path = place.name.clone();
    let cause = error.message;
    let failure = match error.kind {
        SqlErrorKind::DiskFull => return DestinationError::Full { path, cause },
        SqlErrorKind::NoDatabase => {
            return DestinationError::NotOurs {
                name: place.to_string(),
                reason: "the file is not an SQLite database".to_owned(),
            };
        }
        SqlErrorKind::Damaged => return DestinationError::Corrupt { path, reason: cause },
        SqlErrorKind::Busy if !place.is_server => return DestinationError::Locked { path, by: "program" },
        SqlErrorKind::Denied if !place.is_server => return DestinationError::Unwritable { path, cause },
        _ if !place.is_server => return DestinationError::Database { path, cause },
        SqlErrorKind::Busy => ServerFailure::Busy,
        SqlErrorKind::ConnectionLost => ServerFailure::Lost,
        SqlErrorKind::UnknownOutcome => ServerFailure::LostInCommit,
        SqlErrorKind::Denied => ServerFailure::Denied,
        SqlErrorKind::UniqueViolation
        | SqlErrorKind::NoTable
        | SqlErrorKind::Value { .. }
        | SqlErrorKind::Other => ServerFailure::Other,
    };
    DestinationError::Server { at: place.to_string(), cause, failure }
}
