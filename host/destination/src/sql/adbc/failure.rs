//! What a driver says has failed, as what can be done about it.

use adbc_core::error::{Error, Status};

use crate::postgres;
use crate::sql::session::{SqlError, SqlErrorKind};
use crate::sql::turn::ANOTHER;

/// Sorts a failure by what can be done about it: by its SQLSTATE where there is one, else by the driver's words, since some
/// give all failures one status.
pub(super) fn sort(error: &Error, secrets: &[String]) -> SqlError {
    let mut message = error.message.lines().next().unwrap_or_default().trim_end().to_owned();
    for secret in secrets {
        message = message.replace(secret.as_str(), "***");
    }
    let says = |words: &str| message.contains(words);
    let sqlstate: Vec<u8> = error.sqlstate.iter().map(|byte| byte.to_ne_bytes()[0]).collect();
    let by_code = std::str::from_utf8(&sqlstate).ok().and_then(postgres::kind_by_code);
    let kind = match error.status {
        _ if by_code.is_some() => by_code.unwrap_or(SqlErrorKind::Other),
        Status::Unauthenticated | Status::Unauthorized => SqlErrorKind::Denied,
        _ if says("Could not set lock") || says("Conflicting lock") || says("database is locked") => {
            SqlErrorKind::Busy
        }
        _ if says(ANOTHER) => SqlErrorKind::Busy,
        _ if says("No space left") || says("database or disk is full") => SqlErrorKind::DiskFull,
        _ if says("Out of Memory Error") => SqlErrorKind::OutOfMemory,
        _ if says("Permission denied")
            || says("read-only")
            || says("readonly")
            || says("authentication failed") =>
        {
            SqlErrorKind::Denied
        }
        _ if says("file is not a database") => SqlErrorKind::NoDatabase,
        _ if says("disk image is malformed") => SqlErrorKind::Damaged,
        _ if says("onnection refused")
            || says("server closed the connection")
            || says("no connection to the server") =>
        {
            SqlErrorKind::ConnectionLost
        }
        Status::Integrity => SqlErrorKind::UniqueViolation,
        Status::NotFound => SqlErrorKind::NoTable,
        Status::Timeout => SqlErrorKind::ConnectionLost,
        _ => SqlErrorKind::Other,
    };
    SqlError { kind, message }
}
