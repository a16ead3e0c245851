//! Opens each kind of database.

#[cfg(test)]
use std::collections::BTreeMap;
use std::path::Path;

use super::place::{Place, sort};
#[cfg(test)]
use super::session::Scalar;
use super::session::Session;
use super::{Sql, adbc, sqlite};
use crate::error::DestinationError;
use crate::lock::Lock;
use crate::postgres::{Postgres, PostgresAddress};
use crate::target::DuckDbLimits;

/// Opens a schema of a PostgreSQL database.
pub(crate) fn open_postgres(address: &PostgresAddress, pipeline: &str) -> Result<Sql, DestinationError> {
    let place = Place::server(address);
    let session = Postgres::connect(address).map_err(|error| sort(&place, error))?;
    Sql::open(Session::Postgres(session), place, Some(address.schema.clone()), pipeline, None)
}

/// Opens a DuckDB file, with the driver at `driver` or the one that is installed.
pub(crate) fn open_duckdb(
    path: &Path,
    schema: Option<&str>,
    driver: Option<&Path>,
    limits: &DuckDbLimits,
    pipeline: &str,
) -> Result<Sql, DestinationError> {
    let driver = load(driver)?;
    let lock = Lock::beside(path)?;
    let place = Place { schema: schema.map(str::to_owned), ..Place::file(path) };
    let session = adbc::Adbc::duckdb(driver, path, Some(limits));
    let mut session = session.map_err(|error| sort(&place, error))?;
    if let Some(schema) = schema {
        session.enter(schema, true).map_err(|error| sort(&place, error))?;
    }
    Sql::open(Session::Adbc(session), place, None, pipeline, Some(lock))
}

pub(super) fn load(driver: Option<&Path>) -> Result<adbc_driver_manager::ManagedDriver, DestinationError> {
    adbc::load("duckdb", driver, None)
        .map_err(|cause| DestinationError::NoDriver { name: "duckdb".to_owned(), cause })
}

/// Opens an SQLite file.
pub(crate) fn open_sqlite(path: &Path, pipeline: &str) -> Result<Sql, DestinationError> {
    let lock = Lock::beside(path)?;
    let place = Place::file(path);
    let session = sqlite::Sqlite::open(path).map_err(|error| sort(&place, error))?;
    Sql::open(Session::Sqlite(session), place, None, pipeline, Some(lock))
}

/// A table's rows as JSON, without nulls and what is added, for tests.
#[cfg(test)]
pub(crate) fn duckdb_rows(path: &Path, driver: Option<&Path>, table: &str) -> Vec<String> {
    if duckdb_tables(path, driver, table).is_empty() {
        return Vec::new();
    }
    let mut session = adbc::Adbc::duckdb(load(driver).unwrap(), path, None).unwrap();
    let sql = format!("SELECT to_json(t)::text FROM {} AS t", super::dialect::quoted(table));
    let rows = session.query(&[], &sql, &[]).unwrap();
    let plain = |row: Vec<Scalar>| {
        let Some(Scalar::Text(text)) = row.first() else { unreachable!("{row:?}") };
        let row: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let fields = row.into_iter().filter(|(name, value)| !value.is_null() && !name.starts_with("_load"));
        let fields: BTreeMap<_, _> = fields
            .map(|(name, value)| match value {
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                    (name, value.to_string().into())
                }
                value => (name, value),
            })
            .collect();
        serde_json::to_string(&fields).unwrap()
    };
    rows.into_iter().map(plain).collect()
}

/// The tables whose names begin so, for tests.
#[cfg(test)]
pub(crate) fn duckdb_tables(path: &Path, driver: Option<&Path>, begin: &str) -> Vec<String> {
    let begin = begin.replace('\'', "''");
    let sql =
        format!("SELECT table_name FROM information_schema.tables WHERE starts_with(table_name, '{begin}')");
    duckdb_ask(path, driver, &sql)
}

/// What a person does to a file, for tests.
#[cfg(test)]
pub(crate) fn duckdb_change(path: &Path, driver: Option<&Path>, sql: &str) {
    adbc::Adbc::duckdb(load(driver).unwrap(), path, Some(&DuckDbLimits::default()))
        .unwrap()
        .batch(sql)
        .unwrap();
}

/// The first column of an answer, for tests.
#[cfg(test)]
pub(crate) fn duckdb_ask(path: &Path, driver: Option<&Path>, sql: &str) -> Vec<String> {
    let mut session = adbc::Adbc::duckdb(load(driver).unwrap(), path, None).unwrap();
    let rows = session.query(&[], sql, &[]).unwrap();
    rows.into_iter()
        .map(|row| match row.first() {
            Some(Scalar::Text(name)) => name.clone(),
            _ => unreachable!("{row:?}"),
        })
        .collect()
}
