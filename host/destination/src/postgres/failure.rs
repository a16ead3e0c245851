//! What a failure of PostgreSQL, or on the way to it, means to a caller.

use std::error::Error as _;
use std::fmt::Write as _;

use postgres::error::DbError;

use crate::sql::session::{SqlError, SqlErrorKind};

/// Sorts a failure by its SQLSTATE (PostgreSQL's manual, appendix A).
pub(crate) fn sort(error: &postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(told) => SqlError { kind: kind(told), message: message(told) },
        None => {
            let lost = error.is_closed()
                || error.source().is_some_and(|cause| cause.downcast_ref::<std::io::Error>().is_some());
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(deeper) = cause {
                let _ = write!(message, ": {deeper}");
                cause = deeper.source();
            }
            SqlError { kind: if lost { SqlErrorKind::ConnectionLost } else { SqlErrorKind::Other }, message }
        }
    }
}

/// The same for a commit that was on its way: without an answer nobody knows what became of it.
pub(crate) fn sort_commit(error: &postgres::Error) -> SqlError {
    let sorted = sort(error);
    match sorted.kind {
        SqlErrorKind::ConnectionLost => SqlError { kind: SqlErrorKind::UnknownOutcome, ..sorted },
        _ => sorted,
    }
}

fn kind(told: &DbError) -> SqlErrorKind {
    let code = told.code().code();
    if let Some(kind) = kind_by_code(code) {
        return kind;
    }
    match code {
        // A value that is none of its type; limits of the server's, such as JSON's depth and size. A row that is too long
        // as a whole is noticed later, when others have been read.
        code if code.starts_with("22") || code.starts_with("5400") => {
            match told.where_().map_or((None, ""), place) {
                (_, "") if code.starts_with("54") => SqlErrorKind::Other,
                (row, column) => SqlErrorKind::Value { row, column: column.to_owned() },
            }
        }
        _ => SqlErrorKind::Other,
    }
}

/// What needs no more than its SQLSTATE.
pub(crate) fn kind_by_code(code: &str) -> Option<SqlErrorKind> {
    Some(match code {
        "23505" => SqlErrorKind::UniqueViolation,
        "53100" => SqlErrorKind::DiskFull,
        // Insufficient privilege; a read-only transaction or server.
        "42501" | "25006" => SqlErrorKind::Denied,
        // Lock not available, deadlock, canceled, too many connections, object in use.
        "55P03" | "40P01" | "57014" | "53300" | "55006" => SqlErrorKind::Busy,
        // Shut down, crashed, starting; timeouts that end the session.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => SqlErrorKind::ConnectionLost,
        "42P01" => SqlErrorKind::NoTable,
        code if code.starts_with("28") => SqlErrorKind::Denied,
        code if code.starts_with("08") => SqlErrorKind::ConnectionLost,
        _ => return None,
    })
}

/// Row (from 0) and column in a context such as `COPY tasks, line 3, column name: "…"`, where lines count from 1.
fn place(context: &str) -> (Option<u64>, &str) {
    // Other lines say where in the value.
    let copy = context.lines().find_map(|line| line.strip_prefix("COPY ")?.split_once(", line "));
    let Some((_, after)) = copy else {
        return (None, "");
    };
    let line = after.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let row = line.parse::<u64>().ok().and_then(|line| line.checked_sub(1));
    let column = after.split_once(", column ").map_or("", |(_, column)| column);
    (row, column.split_once(": ").map_or(column, |(name, _)| name))
}

fn message(told: &DbError) -> String {
    let mut message = told.message().to_owned();
    if let Some(detail) = told.detail() {
        let _ = write!(message, "; {detail}");
    }
    if let Some(hint) = told.hint() {
        let _ = write!(message, "; {hint}");
    }
    let _ = write!(message, " (SQLSTATE {})", told.code().code());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_a_copy() {
        for (context, row, column) in [
            ("COPY tasks, line 3, column name: \"x\"", Some(2), "name"),
            ("COPY tasks, line 1, column when", Some(0), "when"),
            ("COPY tasks, line 12", Some(11), ""),
            ("JSON data, line 1: {\nCOPY tasks, line 2, column j", Some(1), "j"),
            ("PL/pgSQL function f() line 3", None, ""),
        ] {
            assert_eq!(place(context), (row, column), "{context}");
        }
    }
}
