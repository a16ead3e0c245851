//! The tables of ours, and the version of what is in them.

use std::cmp::Ordering;

use super::{ERRORS, LOADS, QUARANTINE, STATE, table_of};
use crate::sql::dialect::Dialect;
use crate::sql::session::{Change, Scalar, Session, SqlError};

/// Of the tables below. A program that knows only an older one must not write them.
const VERSION: i64 = 1;

/// A state that this program must not write to.
#[derive(Debug, thiserror::Error)]
pub(in crate::sql) enum OtherVersion {
    #[error("its state is of version {found}; this program knows {VERSION}: use a newer one")]
    Newer { found: i64 },
    #[error(
        "its state is of an older version of this program, which this one does not read; load into a new place"
    )]
    Older,
}

/// Whether the state that is there, if any, is one that this program does not know.
pub(in crate::sql) fn of_another_version(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Option<OtherVersion>, SqlError> {
    let dialect = session.dialect();
    let table = |name: &str| table_of(schema, name);
    if session.columns(&table(STATE))?.is_none() {
        // The first programs kept it in tables of its own, one for each kind of thing.
        return Ok(session.columns(&table(LOADS))?.map(|_| OtherVersion::Older));
    }
    let sql = format!(
        "SELECT value FROM {} WHERE pipeline = '' AND entry = 'version'",
        dialect.table(&table(STATE))
    );
    let found = session.query(&[&table(STATE)], &sql, &[])?;
    let found = match found.first().and_then(|row| row.first()) {
        Some(Scalar::Text(version)) => version.parse::<i64>().unwrap_or_default(),
        _ => 0,
    };
    Ok(match found.cmp(&VERSION) {
        Ordering::Equal => None,
        Ordering::Greater => Some(OtherVersion::Newer { found }),
        Ordering::Less => Some(OtherVersion::Older),
    })
}

/// Makes the tables, and proves on the way that the database can be written to. What was there, if it is of another
/// version.
pub(in crate::sql) fn create(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Option<OtherVersion>, SqlError> {
    if let Some(other) = of_another_version(session, schema)? {
        return Ok(Some(other));
    }
    let dialect = session.dialect();
    let (text, integer) = (dialect.text(), dialect.integer());
    let [state, loads, errors, quarantine] =
        [STATE, LOADS, ERRORS, QUARANTINE].map(|name| dialect.table(&table_of(schema, name)));
    // DuckDB checks keys against rows that the same transaction has deleted, and others do not check them at all.
    let key = |columns| match dialect {
        Dialect::Sqlite | Dialect::Postgres => format!(", PRIMARY KEY (pipeline, {columns})"),
        _ => String::new(),
    };
    let (of_state, of_loads) = (key("entry"), key("resource, load_id"));
    for (name, columns) in [
        (state, format!("pipeline {text}, entry {text}, value {text}{of_state}")),
        (
            loads,
            format!(
                "pipeline {text}, resource {text}, load_id {text}, table_name {text}, disposition {text},
                 status {text}, \"rows\" {integer}, pages {integer}, retries {integer}, refused_rows {integer},
                 total {integer}, started_at {text}, updated_at {text}, stopped_at {text}{of_loads}"
            ),
        ),
        (
            errors,
            format!(
                "\"at\" {text}, pipeline {text}, load_id {text}, resource {text}, partition_key {text}, url {text},
                 status {integer}, attempts {integer}, message {text}, excerpt {text}, request_id {text}"
            ),
        ),
        (
            quarantine,
            format!(
                "\"at\" {text}, pipeline {text}, load_id {text}, resource {text}, partition_key {text},
                 reason {text}, \"row\" {text}"
            ),
        ),
    ] {
        session.define(&format!("CREATE TABLE IF NOT EXISTS {name} ({columns})"))?;
    }
    let name = table_of(schema, STATE);
    let state = dialect.table(&name);
    let before = format!("DELETE FROM {state} WHERE pipeline = '' AND entry = 'version'");
    session.change(&Change::of(&name, before), &[])?;
    let version = format!("INSERT INTO {state} VALUES ('', 'version', {})", dialect.argument(1));
    session.change(&Change::of(&name, version), &[Scalar::Text(VERSION.to_string())])?;
    Ok(None)
}
