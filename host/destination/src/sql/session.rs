//! What the engine asks of a database: an open connection, as one of the kinds that there are.

use std::collections::HashMap;

use arrow_array::RecordBatch;

use super::adbc::Adbc;
use super::dialect::{Dialect, quoted};
use super::sqlite::{self, Sqlite};
use crate::postgres::Postgres;

pub(super) const BEGIN_STEP: &str = "SAVEPOINT step";
pub(super) const END_STEP: &str = "RELEASE SAVEPOINT step";
pub(super) const TAKE_BACK_STEP: &str = "ROLLBACK TO SAVEPOINT step";

/// A value in a statement's arguments, or in its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

/// The rows of an answer of two texts; others are left out.
pub(crate) fn pairs(rows: Vec<Vec<Scalar>>) -> Vec<(String, String)> {
    let pair = |row: Vec<Scalar>| match <[Scalar; 2]>::try_from(row) {
        Ok([Scalar::Text(first), Scalar::Text(second)]) => Some((first, second)),
        _ => None,
    };
    rows.into_iter().filter_map(pair).collect()
}

/// A table by its schema and name, neither quoted. Without a schema: where the session looks first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

/// A statement that changes rows, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The table whose rows it changes.
    pub(crate) of: TableName,
    /// What else it reads. Naming more than it does is no fault.
    pub(crate) reads: Vec<TableName>,
    pub(crate) sql: String,
}

impl Change {
    /// Of one table's rows, by what stands in it or in the arguments.
    pub(crate) fn of(table: &TableName, sql: String) -> Self {
        Self { of: table.clone(), reads: Vec::new(), sql }
    }

    pub(crate) fn reading(self, reads: impl IntoIterator<Item = TableName>) -> Self {
        Self { reads: reads.into_iter().collect(), ..self }
    }

    /// Whether it has to do with a table.
    pub(crate) fn concerns(&self, table: &TableName) -> bool {
        self.of == *table || self.reads.contains(table)
    }
}

/// A statement, by what it does to a transaction: a definition may end it, where the database's definitions commit by
/// themselves; a change of rows never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    Definition(String),
    Change(Change),
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The name as it is, which may differ in case from what was asked for where the database makes no difference.
    pub(crate) name: String,
    /// `table`, `view`, `index` or what else there is.
    pub(crate) kind: String,
}

/// What a caller can do about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlErrorKind {
    /// Another session holds what is needed.
    Busy,
    /// The connection is gone, and with it what was not committed.
    ConnectionLost,
    /// The connection was lost while a commit was on its way: it may have been done, or not. Only the database knows.
    UnknownOutcome,
    UniqueViolation,
    DiskFull,
    /// It needs more memory than it may take.
    OutOfMemory,
    /// The database's user may not.
    Denied,
    /// A table that is not there.
    NoTable,
    /// A value that the database cannot hold: the row of the batch, from 0, where known.
    Value {
        row: Option<u64>,
        column: String,
    },
    /// What the session was opened with: an option of a driver's, say.
    Settings,
    /// A file that is something else.
    NoDatabase,
    /// A file that is not what it was left as.
    Damaged,
    Other,
}

/// A statement that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SqlError {
    pub(crate) kind: SqlErrorKind,
    pub(crate) message: String,
}

/// A value of a batch that a database cannot hold, or a column of another type than the table's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Refusal {
    /// The row of the batch, from 0; none if it is the column as a whole.
    pub(crate) row: Option<u64>,
    pub(crate) column: String,
    pub(crate) reason: String,
}

/// What a run has for itself, in a database that others may write to at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Locked<'a> {
    /// The state of a pipeline.
    Pipeline(&'a str),
    /// The rows of a table.
    Table(&'a str),
}

/// An open connection. Closing it takes back what was not committed, and lets go of its locks.
#[derive(Debug)]
pub(crate) enum Session {
    Adbc(Adbc),
    Postgres(Postgres),
    Sqlite(Sqlite),
}

macro_rules! each {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            Self::Adbc($it) => $call,
            Self::Postgres($it) => $call,
            Self::Sqlite($it) => $call,
        }
    };
}

impl Session {
    /// How it writes SQL.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Adbc(it) => it.dialect(),
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Makes, changes or takes away what is no row: a schema, a table, an index.
    pub(crate) fn define(&mut self, sql: &str) -> Result<(), SqlError> {
        each!(self, it => it.batch(sql))
    }

    /// Changes rows. Where definitions commit by themselves this waits for the commit.
    pub(crate) fn change(&mut self, change: &Change, args: &[Scalar]) -> Result<(), SqlError> {
        match self {
            Self::Adbc(it) => it.change(change, args),
            Self::Postgres(it) => it.execute(&change.sql, args).map(drop),
            Self::Sqlite(it) => it.execute(&change.sql, args).map(drop),
        }
    }

    pub(crate) fn run(&mut self, statement: &Statement) -> Result<(), SqlError> {
        match statement {
            Statement::Definition(sql) => self.define(sql),
            Statement::Change(change) => self.change(change, &[]),
        }
    }

    /// Takes a table away, if it is there.
    pub(crate) fn drop(&mut self, table: &TableName) -> Result<(), SqlError> {
        match self {
            Self::Adbc(it) => it.drop(table),
            it => it.define(&format!("DROP TABLE IF EXISTS {}", it.dialect().table(table))),
        }
    }

    /// Asks for rows of `tables`, as the open transaction has made them. None: what is asked is no row of ours.
    pub(crate) fn query(
        &mut self,
        tables: &[&TableName],
        sql: &str,
        args: &[Scalar],
    ) -> Result<Vec<Vec<Scalar>>, SqlError> {
        match self {
            Self::Adbc(it) => it.query(tables, sql, args),
            Self::Postgres(it) => it.query(sql, args),
            Self::Sqlite(it) => it.query(sql, args),
        }
    }

    /// Opens a transaction that will write.
    pub(crate) fn begin(&mut self) -> Result<(), SqlError> {
        let sql = self.dialect().begin();
        match self {
            Self::Adbc(it) => it.begin(),
            it => it.define(sql),
        }
    }

    /// Begins a step of the transaction, or of what waits for it.
    pub(crate) fn begin_step(&mut self) -> Result<(), SqlError> {
        match self {
            Self::Adbc(it) => it.begin_step(),
            it => it.define(BEGIN_STEP),
        }
    }

    /// Ends a step, which stays.
    pub(crate) fn end_step(&mut self) -> Result<(), SqlError> {
        match self {
            Self::Adbc(it) => it.end_step(),
            it => it.define(END_STEP),
        }
    }

    /// Takes back the step that was begun, and ends it.
    pub(crate) fn take_back_step(&mut self) -> Result<(), SqlError> {
        match self {
            Self::Adbc(it) => it.take_back_step(),
            it => it.define(TAKE_BACK_STEP).and_then(|()| it.define(END_STEP)),
        }
    }

    /// Ends the open transaction. On an error it is over, unless the kind is `Busy` and the dialect
    /// [keeps it](Dialect::keeps_what_is_busy).
    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        each!(self, it => it.commit())
    }

    /// Adds rows to a table whose columns have these names, and returns how many. `kinds`: its columns and their types, as the
    /// database writes them or as they were written when they were made.
    pub(crate) fn ingest(
        &mut self,
        table: &TableName,
        kinds: Option<&HashMap<String, String>>,
        batch: &RecordBatch,
    ) -> Result<u64, SqlError> {
        match self {
            Self::Adbc(it) => it.ingest(table, kinds, batch),
            Self::Postgres(it) => it.ingest(table, batch),
            Self::Sqlite(it) => it.ingest(table, batch),
        }
    }

    /// The columns of a table and their types as the database writes them, in order. None if the table is not there.
    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        each!(self, it => it.columns(table))
    }

    /// Whether several runs may have the database open, and nothing but its rows keeps them apart.
    pub(crate) fn takes_turns(&self) -> bool {
        matches!(self, Self::Adbc(it) if !it.is_file())
    }

    /// Whether a table is replaced by another one that takes its name, as it is: in the transaction of the commit.
    pub(crate) fn swaps(&self) -> bool {
        self.dialect().swaps() && !matches!(self, Self::Adbc(it) if it.defers())
    }

    /// Sends what waits for the commit, where something does.
    pub(crate) fn flush(&mut self) -> Result<(), SqlError> {
        match self {
            Self::Adbc(it) => it.flush(),
            _ => Ok(()),
        }
    }

    /// Takes a lock until the connection ends. A file is one run's as a whole, and has no others.
    ///
    /// # Errors
    /// `Busy`, with who holds it.
    pub(crate) fn lock(&mut self, schema: Option<&str>, locked: Locked<'_>) -> Result<(), SqlError> {
        match self {
            Self::Postgres(it) => it.lock(schema.unwrap_or_default(), locked),
            Self::Adbc(it) => {
                it.works_in(schema, locked);
                Ok(())
            }
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Makes the schema if it is not there. Until the open transaction ends, no other session does so, or what follows.
    pub(crate) fn make_schema(&mut self, schema: Option<&str>) -> Result<(), SqlError> {
        match (self, schema) {
            (_, None) => Ok(()),
            (Self::Postgres(it), Some(schema)) => it.make_schema(schema),
            // It has none.
            (it, Some(_)) if it.dialect() == Dialect::Sqlite => Ok(()),
            (it, Some(schema)) => it.define(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema))),
        }
    }

    /// Whether another table can take a table's place without taking anything away that hangs on it.
    pub(crate) fn can_swap(&mut self, table: &TableName) -> Result<bool, SqlError> {
        match self {
            Self::Postgres(it) => it.can_swap(table),
            _ => Ok(false),
        }
    }

    /// Every value of a batch that no table could hold, as its columns are made here.
    pub(crate) fn refusals(&self, batch: &RecordBatch) -> Vec<Refusal> {
        match self {
            Self::Postgres(_) => Postgres::refusals(batch),
            Self::Adbc(it) => it.refusals(batch),
            Self::Sqlite(_) => Vec::new(),
        }
    }

    /// What has a table's name already, where that may be something else, or have it in other letters.
    pub(crate) fn relation(&mut self, table: &TableName) -> Result<Option<Relation>, SqlError> {
        if self.dialect() == Dialect::Sqlite { sqlite::relation(self, table) } else { Ok(None) }
    }

    /// Puts table `new` in the place of table `name`, which need not be there, with what a person has hung on that.
    /// Only where the dialect [swaps](Dialect::swaps).
    pub(crate) fn swap(&mut self, new: &TableName, name: &TableName) -> Result<(), SqlError> {
        if self.dialect() == Dialect::Sqlite { sqlite::swap(self, new, name) } else { Ok(()) }
    }

    /// What merging needs so that it does not read the whole table: an index over these columns, where the database would
    /// not do without.
    pub(crate) fn keep_index(&mut self, table: &TableName, columns: &[&str]) -> Result<(), SqlError> {
        if self.dialect() == Dialect::Sqlite { sqlite::keep_index(self, table, columns) } else { Ok(()) }
    }
}
