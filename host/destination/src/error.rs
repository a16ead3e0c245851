//! Everything that can go wrong at a destination, by what a caller must do about it.

use std::io;
use std::path::{Path, PathBuf};

use sanderling_columns::{DataType, DecodeError, Reason};
/// Why a destination could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// Another run or program has it open; try again later.
    #[error("{} is in use by another {by}", .path.display())]
    Locked {
        /// The database, or the lock of a folder.
        path: PathBuf,
        /// `run` or `program`.
        by: &'static str,
    },
    /// It cannot be made or written to: permissions, a read-only file system, a file where a folder should be.
    #[error("{} cannot be written to: {cause}", .path.display())]
    Unwritable {
        /// What was tried.
        path: PathBuf,
        /// The system's word for it.
        cause: String,
    },
    /// The disk, or the user's share of it, is full.
    #[error("no space is left for {}: {cause}", .path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
        /// The system's word for it.
        cause: String,
    },
    /// A database may not take the memory that it needs.
    #[error("{}: {cause}", .path.display())]
    Memory {
        /// Its file.
        path: PathBuf,
        /// Its word for it.
        cause: String,
    },
    /// A row that cannot be stored as it is.
    #[error(transparent)]
    Data(Box<DataError>),
    /// A resource that cannot be stored under its name, or as declared.
    #[error(transparent)]
    Name(NameError),
    /// Something of that name is there, and is another's.
    #[error("{name}: {reason}")]
    NotOurs {
        /// The table or file.
        name: String,
        /// How that was seen.
        reason: String,
    },
    /// What is stored is not what a run of this program leaves: changed by hand, or damaged.
    #[error("{}: {reason}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A commit failed, or took the open transaction with it: what was written since the last one is gone. Open the
    /// destination again and go on from its state.
    #[error("{}: an earlier failure has ended the open transaction", .path.display())]
    Stopped {
        /// The database or folder.
        path: PathBuf,
    },
    /// A caller's mistake: a page, or an end, of a load that was neither begun nor resumed.
    #[error("no load of `{resource}` is open")]
    NotBegun {
        /// Whose.
        resource: String,
    },
    /// Any other failure of the file system.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// What was being read or written.
        path: PathBuf,
        /// The failure.
        cause: io::Error,
    },
    /// A database server refuses, or cannot be reached.
    #[error("{at}: {cause}")]
    Server {
        /// Its address, without the password.
        at: String,
        /// Its word for it.
        cause: String,
        /// What can be done about it.
        failure: ServerFailure,
    },
    /// An object store refuses, or cannot be reached.
    #[error("{at}: {cause}")]
    Store {
        /// Its address, without what lets one in.
        at: String,
        /// Its word for it.
        cause: String,
        /// What can be done about it.
        failure: StoreFailure,
    },
    /// The library that speaks to a database is not there, or is not what it should be.
    #[error("the driver for {name} cannot be loaded: {cause}")]
    NoDriver {
        /// The driver's name, under which it is installed.
        name: String,
        /// The loader's word for it.
        cause: String,
    },
    /// Any other failure of a database that a driver speaks to.
    #[error("{}: {cause}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Its words.
        cause: String,
    },
}

/// What a caller can do about a failure of a database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFailure {
    /// Somebody else holds what is needed, another run of the pipeline for one; try again later.
    Busy,
    /// The connection is gone, or was never made, and with it what was not committed.
    Lost,
    /// The connection was lost while a commit was on its way. Whether it was done, the state tells when the destination is
    /// opened again.
    LostInCommit,
    /// The user may not log in, or not do this.
    Denied,
    /// What it was opened with is not so: an option that its driver does not know, a place that is not there.
    Settings,
    /// Anything else.
    Other,
}

/// What a caller can do about a failure of an object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFailure {
    /// Nobody, or not the one who asks, may do this.
    Denied,
    /// There is no such bucket or container.
    NoBucket,
    /// It cannot be reached, or not now.
    Lost,
    /// The connection was lost while a commit was on its way. Whether it was done, the state tells when the destination is
    /// opened again.
    LostInCommit,
    /// It writes without looking at conditions.
    Unconditional,
    /// A setting of its address is missing or wrong, its region for one.
    Settings,
    /// Anything else.
    Other,
}

/// A resource that cannot be stored under its name, or as declared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("resource `{resource}` cannot be stored: {reason}")]
pub struct NameError {
    /// Its name.
    pub resource: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A page that cannot be stored as it is. Nothing of it has been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{resource}{}: {kind}", at(*.row))]
pub struct DataError {
    /// Whose row it is.
    pub resource: String,
    /// Which row of the page, from 0; none if it is the page as a whole.
    pub row: Option<u64>,
    /// What is wrong with it.
    pub kind: DataErrorKind,
}

/// What is wrong with a row or page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataErrorKind {
    /// Bytes that are not UTF-8 (RFC 3629).
    #[error("not UTF-8")]
    NotUtf8,
    /// A line that is not one JSON value (RFC 8259).
    #[error("not JSON: {message}")]
    NotJson {
        /// The parser's word for it.
        message: String,
    },
    /// A row that is `null`.
    #[error("the row is null")]
    NullRow,
    /// More or fewer lines than the page declares.
    #[error("the page declares {declared} rows and holds {found}")]
    Count {
        /// What it says.
        declared: u64,
        /// What it has.
        found: u64,
    },
    /// A field with the name of a column that is added here.
    #[error("field `{field}` has the name of a column that every table gets; rename it")]
    ReservedField {
        /// Its name.
        field: String,
    },
    /// Two fields that would be one column.
    #[error("fields `{first}` and `{second}` would both be `{column}`; rename one")]
    FieldsCollide {
        /// The column.
        column: String,
        /// The one that was there first.
        first: String,
        /// The other.
        second: String,
    },
    /// A field that a row has twice.
    #[error("field `{field}` stands twice in one row")]
    FieldTwice {
        /// Its name.
        field: String,
    },
    /// A field that cannot name a column.
    #[error("field `{field}` cannot name a column: it holds a NUL")]
    BadFieldName {
        /// Its name, with the NUL escaped.
        field: String,
    },
    /// Something new that the schema contract forbids.
    #[error("table `{table}` gets {what}, which its schema contract freezes")]
    Frozen {
        /// The table; of a new one, that on which it hangs.
        table: String,
        /// What it is.
        what: String,
    },
    /// A list whose rows would be a table that is another's.
    #[error("a list would be table `{table}`, and {reason}")]
    ListTable {
        /// The table's name.
        table: String,
        /// Whose that is.
        reason: String,
    },
    /// More fields than a table can have columns.
    #[error("more than {limit} columns")]
    TooManyColumns {
        /// What the database allows.
        limit: usize,
    },
    /// A value that the database cannot hold.
    #[error("column `{column}`: {reason}")]
    Unstorable {
        /// The column's name.
        column: String,
        /// Why not.
        reason: String,
    },
    /// A row without a field of the primary key, under merge.
    #[error("primary key field `{field}` is missing")]
    KeyMissing {
        /// Its name.
        field: String,
    },
    /// A row with `null` in a field of the primary key, under merge.
    #[error("primary key field `{field}` is null")]
    KeyNull {
        /// Its name.
        field: String,
    },
    /// A row without a field of the merge key.
    #[error("merge key field `{field}` is missing")]
    MergeKeyMissing {
        /// Its name.
        field: String,
    },
    /// A row with `null` in a field of the merge key.
    #[error("merge key field `{field}` is null")]
    MergeKeyNull {
        /// Its name.
        field: String,
    },
    /// A column that is declared not to be null, and that the row lacks.
    #[error("column `{column}` must not be null, and is missing")]
    ColumnMissing {
        /// Its name.
        column: String,
    },
    /// A column that is declared not to be null, and is.
    #[error("column `{column}` must not be null, and is")]
    ColumnNull {
        /// Its name.
        column: String,
    },
    /// A value that is not of its column's type.
    #[error("column `{column}` is declared {declared}, and holds {found}")]
    ColumnType {
        /// The column's name.
        column: String,
        /// Its type.
        declared: DataType,
        /// The value if it is short, else what kind it is.
        found: String,
    },
    /// A row that cannot become columns.
    #[error(transparent)]
    Refused(Reason),
    /// A page that cannot become columns.
    #[error(transparent)]
    Unreadable(DecodeError),
    /// A key that is not of the type of its column, so that a merge would not find its row.
    #[error("key field `{field}` is not of the type that the table has it as")]
    KeyOfAnotherType {
        /// Its name.
        field: String,
    },
    /// Two parents' rows with one key, under merge: one would take the other's place.
    #[error(
        "key ({}) = ({}) comes from two parents, `{first_partition}` and `{second_partition}`",
        .columns.join(", "), .key.join(", ")
    )]
    DuplicateAcrossParents {
        /// The primary key.
        columns: Vec<String>,
        /// Its values in this row, as JSON.
        key: Vec<String>,
        /// The parent that brought it before.
        first_partition: String,
        /// The parent that brings it now.
        second_partition: String,
    },
}

impl DataErrorKind {
    /// Whether it is this one row's, and the page can be written without it.
    #[must_use]
    pub fn is_of_row(&self) -> bool {
        if let Self::Refused(reason) = self {
            return !reason.is_of_names();
        }
        matches!(
            self,
            Self::NullRow
                | Self::FieldTwice { .. }
                | Self::KeyMissing { .. }
                | Self::KeyNull { .. }
                | Self::MergeKeyMissing { .. }
                | Self::MergeKeyNull { .. }
                | Self::ColumnMissing { .. }
                | Self::ColumnNull { .. }
                | Self::ColumnType { .. }
                | Self::Unstorable { .. }
                | Self::KeyOfAnotherType { .. }
        )
    }
}

impl DestinationError {
    /// A page of `resource` that cannot be stored.
    pub(crate) fn data(resource: &str, row: Option<u64>, kind: DataErrorKind) -> Self {
        Self::Data(Box::new(DataError { resource: resource.to_owned(), row, kind }))
    }

    /// A page, or an end, of a load that is not open.
    pub(crate) fn not_begun(resource: &str) -> Self {
        Self::NotBegun { resource: resource.to_owned() }
    }

    /// Sorts a failure of the file system at `path`.
    pub(crate) fn io(path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path, cause: cause.to_string() }
            }
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::InvalidFilename => Self::Unwritable { path, cause: cause.to_string() },
            _ => Self::Io { path, cause },
        }
    }
}

fn at(row: Option<u64>) -> String {
    row.map(|row| format!(" row {row} of the page")).unwrap_or_default()
}
