//! The one door to every destination: an enum, matched.

use std::collections::BTreeMap;

use sanderling_columns::Schema;

use crate::checkpoint::{Change, Load, State};
use crate::declared;
use crate::discovered::Discoveries;
use crate::dlt::DltPipeline;
use crate::error::{DataError, DestinationError};
use crate::files::journal::Pipelines;
use crate::files::{Files, Form};
use crate::shell;
use crate::sql::adbc;
use crate::sql::looking::{self, Looking};
use crate::sql::{Sql, open};
use crate::stdout::Stdout;
use crate::strategy::Absent;
use crate::table::{Rows, SharedByParents, Table, Written};
use crate::target::Target;

/// An open destination: locked against other runs until it is dropped. What was not committed by then is gone when it is
/// opened again.
#[derive(Debug)]
pub enum Destination {
    /// A database.
    Sql(Box<Sql>),
    /// A folder of files, or an object store.
    Files(Box<Files>),
    /// A stream.
    Stdout(Box<Stdout>),
}

/// Calls the same method of whichever it is.
macro_rules! each {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            Self::Sql($it) => $call,
            Self::Files($it) => $call,
            Self::Stdout($it) => $call,
        }
    };
}

impl Destination {
    /// Makes the target if it is not there, proves that it can be written to, locks it, mends what a killed run left, and
    /// reads the state of `pipeline` (several may share one target).
    pub fn open(target: &Target, pipeline: &str) -> Result<Self, DestinationError> {
        Ok(match target {
            Target::Sqlite { path } => Self::Sql(Box::new(open::open_sqlite(path, pipeline)?)),
            Target::Postgres { address } => Self::Sql(Box::new(open::open_postgres(address, pipeline)?)),
            Target::Jsonl { dir, state_dir } => {
                Self::Files(Box::new(Files::open(Form::Lines, dir, state_dir, pipeline)?))
            }
            Target::Parquet { dir, state_dir } => {
                Self::Files(Box::new(Files::open(Form::Parquet, dir, state_dir, pipeline)?))
            }
            Target::Store { form, address } => {
                Self::Files(Box::new(Files::open_store(*form, address, pipeline)?))
            }
            Target::Stdout => Self::Stdout(Box::new(Stdout::open())),
            Target::Adbc { address } => Self::Sql(Box::new(adbc::open(address, pipeline)?)),
            Target::DuckDb { path, schema, driver, limits } => {
                let (schema, driver) = (schema.as_deref(), driver.as_deref());
                Self::Sql(Box::new(open::open_duckdb(path, schema, driver, limits, pipeline)?))
            }
        })
    }

    /// What each pipeline left in a target, by name, without a lock and without changing anything: a run may be under way.
    /// None if the target is not there, or nothing was ever loaded into it.
    pub fn look(target: &Target) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        match target {
            Target::Jsonl { state_dir, .. } => Files::look(Form::Lines, state_dir).map(states),
            Target::Parquet { state_dir, .. } => Files::look(Form::Parquet, state_dir).map(states),
            Target::Store { form, address } => Files::look_store(*form, address).map(states),
            Target::Stdout => Ok(None),
            Target::Sqlite { .. } | Target::Postgres { .. } | Target::DuckDb { .. } | Target::Adbc { .. } => {
                into_database(target)?.map_or(Ok(None), Looking::states)
            }
        }
    }

    /// The tables that a pipeline's rows have been found to make, as of the last commit; looked at like [`Self::look`].
    /// `tables`: those of the config. None if nothing was ever loaded, or what was has no columns.
    pub fn discovered(
        target: &Target,
        pipeline: &str,
        tables: &[&Table],
    ) -> Result<Option<Discoveries>, DestinationError> {
        let (form, pipelines) = match target {
            Target::Jsonl { .. } | Target::Stdout => return Ok(None),
            Target::Parquet { state_dir, .. } => (Form::Parquet, Files::look(Form::Parquet, state_dir)?),
            Target::Store { form, address } => (*form, Files::look_store(*form, address)?),
            Target::Sqlite { .. } | Target::Postgres { .. } | Target::DuckDb { .. } | Target::Adbc { .. } => {
                return into_database(target)?.map_or(Ok(None), |it| it.discovered(pipeline, tables));
            }
        };
        let held = pipelines.and_then(|mut pipelines| pipelines.remove(pipeline));
        Ok(held.and_then(|held| Discoveries::of_files(form, &held)))
    }

    /// What a database calls itself of which nothing is known here: it is written to in the SQL that most databases read.
    #[must_use]
    pub fn unknown_database(&self) -> Option<&str> {
        match self {
            Self::Sql(it) => it.unknown(),
            Self::Files(_) | Self::Stdout(_) => None,
        }
    }

    /// What the last commit left.
    #[must_use]
    pub fn state(&self) -> State {
        each!(self, it => it.state())
    }

    /// Starts a load of a table, and remembers `load`. Under `replace` its rows go beside the table until it is finished
    /// (for files, under `merge` too). Part of the open transaction, like everything up to `commit`.
    ///
    /// A former load that broke off is to be undone first.
    pub fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        each!(self, it => it.begin(table, load))
    }

    /// Goes on with a load that `state` holds as running, and remembers `load`. Without what that load wrote (someone
    /// removed or changed it) the error is `Corrupt`.
    pub fn resume(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        each!(self, it => it.resume(table, load))
    }

    /// Takes back what a load that broke off has written. The state is the caller's to change (`LoadForgotten`, or the
    /// `begin` that follows). Without effect if there is nothing to take back.
    pub fn undo(&mut self, table: &Table, load_id: &str) -> Result<(), DestinationError> {
        self.undo_unlisted(&table.resource, load_id)
    }

    /// The same for a resource of which nothing is known but what the state says.
    pub fn undo_unlisted(&mut self, resource: &str, load_id: &str) -> Result<(), DestinationError> {
        match self {
            Self::Sql(it) => it.undo(resource, load_id),
            Self::Files(it) => it.undo(resource, load_id),
            // Nothing is remembered that could be taken back.
            Self::Stdout(_) => Ok(()),
        }
    }

    /// One page and the changes that go with it: all of it or, on an error, nothing. Earlier pages stay either way,
    /// unless a later call says `Stopped`.
    pub fn write(
        &mut self,
        table: &Table,
        rows: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        each!(self, it => it.write(table, rows, changes))
    }

    /// The rows of a page that this destination cannot take as they are, each with what is wrong with it: without them the
    /// page can be written, if nothing else is wrong with it.
    ///
    /// # Errors
    /// The page as a whole is not what it says.
    pub fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        match self {
            Self::Sql(it) => it.breaches(table, page),
            Self::Files(it) => it.breaches(table, page),
            Self::Stdout(_) => declared::breaches(table, page),
        }
    }

    /// What pipelines of dlt's have left in a database, each as of its latest run, without changing anything. Nothing where
    /// dlt never wrote, where nothing is, and where rows are files.
    ///
    /// # Errors
    /// What they left cannot be read.
    pub fn left_by_dlt(target: &Target) -> Result<Vec<DltPipeline>, DestinationError> {
        into_database(target)?.map_or(Ok(Vec::new()), Looking::left_by_dlt)
    }

    /// Takes over the tables of a resource that another program made, with the columns of `schema`, as what `load` has
    /// loaded. Returns the rows of the resource's own table; none if that is not there. Part of the open transaction.
    ///
    /// # Errors
    /// A table without a column of `schema`, or one that another pipeline loads.
    pub fn adopt(
        &mut self,
        table: &Table,
        schema: Schema,
        load: &Load,
    ) -> Result<Option<u64>, DestinationError> {
        match self {
            Self::Sql(it) => it.adopt(table, schema, load),
            _ => Ok(None),
        }
    }

    /// Changes without rows.
    pub fn record(&mut self, changes: &[Change]) -> Result<(), DestinationError> {
        match self {
            Self::Sql(it) => it.record(changes),
            Self::Files(it) => it.record(changes),
            Self::Stdout(it) => {
                it.record(changes);
                Ok(())
            }
        }
    }

    /// Ends a load: its rows take their place, `changes` are remembered, and then `load` as complete, whatever its status
    /// says.
    pub fn finish(&mut self, table: &Table, load: &Load, changes: &[Change]) -> Result<(), DestinationError> {
        each!(self, it => it.finish(table, load, changes))
    }

    /// Under `merge` by a primary key, how many keys the rows of an open load have: fewer than rows, where one took the
    /// place of another. `None` otherwise.
    pub fn distinct_keys(&mut self, table: &Table) -> Result<Option<u64>, DestinationError> {
        if !table.is_keyed() {
            return Ok(None);
        }
        match self {
            Self::Sql(it) => it.distinct_keys(table).map(Some),
            Self::Files(it) => it.distinct_keys(table),
            Self::Stdout(_) => Ok(None),
        }
    }

    /// Under `merge` by a primary key, rows of an open load that two parents have brought under one key: those that
    /// [`Self::write`] could not refuse, because it does not hold the keys of any number of rows.
    pub fn shared_by_parents(&mut self, table: &Table) -> Result<Option<SharedByParents>, DestinationError> {
        match self {
            Self::Sql(it) => it.shared_by_parents(table),
            Self::Files(it) => it.shared_by_parents(table),
            Self::Stdout(_) => Ok(None),
        }
    }

    /// Of a table whose absent rows are to go, how many the open load would take away; none where it is not to.
    pub fn absent(&mut self, table: &Table, load: &Load) -> Result<Option<Absent>, DestinationError> {
        match self {
            Self::Sql(it) if table.delete_absent.is_some() && table.is_whole(load) => {
                it.absent(table).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Makes everything since the last commit durable, rows and state together.
    pub fn commit(&mut self) -> Result<(), DestinationError> {
        each!(self, it => it.commit())
    }

    /// A shell command with which a person looks at a table's rows.
    #[must_use]
    pub fn peek(&self, table: &Table) -> Option<String> {
        match self {
            Self::Files(it) if it.many().is_some() => {
                let files = it.path_of(&table.resource).join(format!("*.{}", it.many()?));
                let files = files.to_str()?.replace('\'', "''");
                let read = match it.many()? {
                    // Those of later loads may have more columns than the first.
                    "parquet" => format!("read_parquet('{files}', union_by_name=true)"),
                    _ => format!("'{files}'"),
                };
                let query = format!("select * from {read} limit 5");
                Some(format!("duckdb -c {}", shell::word(&query)))
            }
            Self::Files(it) => Some(format!("head -5 {}", shell::path(&it.path_of(&table.resource))?)),
            Self::Sql(it) => it.peek(&table.name),
            Self::Stdout(_) => None,
        }
    }
}

/// Opens a database to look at it; none if it is not there, or is none.
fn into_database(target: &Target) -> Result<Option<Looking>, DestinationError> {
    match target {
        Target::Sqlite { path } => looking::sqlite(path),
        Target::Postgres { address } => looking::postgres(address).map(Some),
        Target::DuckDb { path, schema, driver, .. } => {
            looking::duckdb(path, schema.as_deref(), driver.as_deref())
        }
        Target::Adbc { address } => adbc::look(address),
        Target::Jsonl { .. } | Target::Parquet { .. } | Target::Store { .. } | Target::Stdout => Ok(None),
    }
}

fn states(pipelines: Option<Pipelines>) -> Option<BTreeMap<String, State>> {
    pipelines.map(|all| all.into_iter().map(|(pipeline, held)| (pipeline, held.state)).collect())
}
