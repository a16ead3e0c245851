//! A database as errors name it, and what a failure of it is to a caller.

use std::fmt;
use std::path::{Path, PathBuf};

use super::adbc::AdbcAddress;
use super::session::{SqlError, SqlErrorKind};
use crate::error::{DestinationError, ServerFailure};
use crate::postgres::PostgresAddress;

/// A database, as errors name it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(super) name: PathBuf,
    pub(super) is_server: bool,
    // A schema in which the session works, where that is not the database's first.
    pub(super) schema: Option<String>,
}

impl Place {
    pub(crate) fn file(path: &Path) -> Self {
        Self { name: path.to_owned(), is_server: false, schema: None }
    }

    /// What a driver opens: its file, or where it connects to.
    pub(super) fn driven(address: &AdbcAddress) -> Self {
        match address.file() {
            Some(path) => Self::file(&path),
            None => Self { name: address.to_string().into(), is_server: true, schema: None },
        }
    }

    pub(super) fn server(address: &PostgresAddress) -> Self {
        Self { name: address.to_string().into(), is_server: true, schema: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.display().fmt(formatter)
    }
}

/// Sorts a failure by what can be done about it.
pub(super) fn sort(place: &Place, error: SqlError) -> DestinationError {
    let path = place.name.clone();
    let cause = error.message;
    let failure = match error.kind {
        SqlErrorKind::DiskFull => return DestinationError::Full { path, cause },
        SqlErrorKind::OutOfMemory if !place.is_server => return DestinationError::Memory { path, cause },
        SqlErrorKind::NoDatabase => {
            return DestinationError::NotOurs {
                name: place.to_string(),
                reason: "the file is not an SQLite database".to_owned(),
            };
        }
        SqlErrorKind::Damaged => return DestinationError::Corrupt { path, reason: cause },
        SqlErrorKind::Busy if !place.is_server => return DestinationError::Locked { path, by: "program" },
        SqlErrorKind::Denied if !place.is_server => return DestinationError::Unwritable { path, cause },
        SqlErrorKind::Settings => ServerFailure::Settings,
        _ if !place.is_server => return DestinationError::Database { path, cause },
        SqlErrorKind::Busy => ServerFailure::Busy,
        SqlErrorKind::ConnectionLost => ServerFailure::Lost,
        SqlErrorKind::UnknownOutcome => ServerFailure::LostInCommit,
        SqlErrorKind::Denied => ServerFailure::Denied,
        SqlErrorKind::UniqueViolation
        | SqlErrorKind::NoTable
        | SqlErrorKind::OutOfMemory
        | SqlErrorKind::Value { .. }
        | SqlErrorKind::Other => ServerFailure::Other,
    };
    DestinationError::Server { at: place.to_string(), cause, failure }
}
