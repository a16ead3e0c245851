//! What a session and the engine above it exchange.

/// A value in a statement's arguments, or in its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A table by its schema and name, neither quoted. Without a schema: a temporary table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
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
    /// The database's user may not.
    Denied,
    /// A table that is not there.
    NoTable,
    /// A value that the database cannot hold: the row of the batch, from 0, where known.
    Value {
        row: Option<u64>,
        column: String,
    },
    Other,
}

/// A statement that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SqlError {
    pub(crate) kind: SqlErrorKind,
    pub(crate) message: String,
}
