//! What the engine asks of a database: an open connection, as one of the kinds that there are.

use arrow_array::RecordBatch;

use super::adbc::Adbc;
use super::dialect::Dialect;
#[cfg(test)]
use super::lite::Lite;

/// A value in a statement's arguments, or in its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

/// A table by its schema and name, neither quoted. Without a schema: where the session looks first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

/// What a caller can do about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlErrorKind {
    /// Another session holds what is needed.
    Busy,
    UniqueViolation,
    DiskFull,
    /// The database's user may not.
    Denied,
    /// A table that is not there.
    NoTable,
    Other,
}

/// A statement that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SqlError {
    pub(crate) kind: SqlErrorKind,
    pub(crate) message: String,
}

/// An open connection. Closing it takes back what was not committed, and lets go of its locks.
#[derive(Debug)]
pub(crate) enum Session {
    /// DuckDB.
    Adbc(Adbc),
    #[cfg(test)]
    Lite(Lite),
}

macro_rules! each {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            Self::Adbc($it) => $call,
            #[cfg(test)]
            Self::Lite($it) => $call,
        }
    };
}

impl Session {
    /// How it writes SQL.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Adbc(_) => Dialect::DuckDb,
            #[cfg(test)]
            Self::Lite(_) => Dialect::Sqlite,
        }
    }

    /// Runs a statement; the answer is how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        each!(self, it => it.execute(sql, args))
    }

    /// Runs a statement; the answer is its rows.
    pub(crate) fn query(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        each!(self, it => it.query(sql, args))
    }

    /// Runs a statement.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        each!(self, it => it.batch(sql))
    }

    /// Ends the open transaction. On an error it is over, unless the kind is `Busy`.
    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        each!(self, it => it.commit())
    }

    /// Adds rows to a table whose columns have these names, and returns how many.
    pub(crate) fn ingest(&mut self, table: &TableName, batch: &RecordBatch) -> Result<u64, SqlError> {
        each!(self, it => it.ingest(table, batch))
    }

    /// The columns of a table and their types as the database writes them, in order. None if the table is not there.
    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        each!(self, it => it.columns(table))
    }
}
