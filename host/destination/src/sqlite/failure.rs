//! What SQLite's errors mean to a caller.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::DestinationError;

/// Sorts `cause` by what can be done about it.
pub(super) fn sort(path: &Path, cause: rusqlite::Error) -> DestinationError {
    let path = path.to_owned();
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            DestinationError::Locked { path, by: "program" }
        }
        Some(ErrorCode::DiskFull) => DestinationError::Full { path, cause: cause.to_string() },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            DestinationError::Unwritable { path, cause: cause.to_string() }
        }
        Some(ErrorCode::NotADatabase) => DestinationError::NotOurs {
            name: path.display().to_string(),
            reason: "the file is not an SQLite database".to_owned(),
        },
        Some(ErrorCode::DatabaseCorrupt) => DestinationError::Corrupt { path, reason: cause.to_string() },
        _ => DestinationError::Sql { path, cause },
    }
}
