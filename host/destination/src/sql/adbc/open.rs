//! Opening the place that an `adbc:` address says: the driver, the file's lock where it is a file, the session.

use super::{Adbc, AdbcAddress};
use crate::error::DestinationError;
use crate::lock::Lock;
use crate::sql::Sql;
use crate::sql::dialect::Dialect;
use crate::sql::looking::Looking;
use crate::sql::place::{Place, sort};
use crate::sql::session::{Session, SqlError, SqlErrorKind};

/// Opens one pipeline's part of the database.
pub(crate) fn open(address: &AdbcAddress, pipeline: &str) -> Result<Sql, DestinationError> {
    let driver = load(address)?;
    let lock = address.file().map(|path| Lock::beside(&path)).transpose()?;
    let place = Place::driven(address);
    let mut session = Adbc::open(driver, address, false).map_err(|error| sort(&place, error))?;
    let mut schema = address.schema.clone();
    if let (Dialect::DuckDb, Some(name)) = (session.dialect(), &schema) {
        session.enter(name, true).map_err(|error| sort(&place, error))?;
        schema = None;
    }
    if let (Dialect::Snowflake, Some(name)) = (session.dialect(), &schema) {
        // Its driver sends pages to where the session works.
        session.work_in(name).map_err(|error| sort(&place, error))?;
    }
    has_schema(&session, schema.as_deref()).map_err(|error| sort(&place, error))?;
    Sql::open(Session::Adbc(session), place, schema, pipeline, lock)
}

/// Looks into the database; none if its file, or the schema in it, is not there.
pub(crate) fn look(address: &AdbcAddress) -> Result<Option<Looking>, DestinationError> {
    let driver = load(address)?;
    if address.file().is_some_and(|path| !path.exists()) {
        return Ok(None);
    }
    let place = Place::driven(address);
    let mut session = Adbc::open(driver, address, true).map_err(|error| sort(&place, error))?;
    let mut schema = address.schema.clone();
    if let (Dialect::DuckDb, Some(name)) = (session.dialect(), &schema) {
        if !session.enter(name, false).map_err(|error| sort(&place, error))? {
            return Ok(None);
        }
        schema = None;
    }
    has_schema(&session, schema.as_deref()).map_err(|error| sort(&place, error))?;
    Ok(Some(Looking { session: Session::Adbc(session), place, schema }))
}

/// Where tables are cannot be told of every database but by the schema's name.
fn has_schema(session: &Adbc, schema: Option<&str>) -> Result<(), SqlError> {
    if schema.is_some() || !matches!(session.dialect(), Dialect::BigQuery | Dialect::Ansi) {
        return Ok(());
    }
    let message = "say where tables go: `schema=NAME` in `to`".to_owned();
    Err(SqlError { kind: SqlErrorKind::Settings, message })
}

fn load(address: &AdbcAddress) -> Result<adbc_driver_manager::ManagedDriver, DestinationError> {
    address.load().map_err(|cause| DestinationError::NoDriver { name: address.driver.clone(), cause })
}
