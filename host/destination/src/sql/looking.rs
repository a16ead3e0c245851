//! A database opened to look at it: nothing is made, locked or changed.

use std::collections::BTreeMap;
use std::path::Path;

use super::dialect::Dialect;
use super::ledger::{self, Ledger};
use super::open::load;
use super::place::{Place, sort};
use super::session::{Session, SqlError, TableName};
use super::{adbc, sqlite};
use crate::checkpoint::State;
use crate::discovered::{Discovered, Discoveries, Engine};
use crate::error::DestinationError;
use crate::postgres::{Postgres, PostgresAddress};
use crate::shape::reserved;
use crate::table::Table;
use crate::target::DuckDbLimits;

/// An open database, and the schema in it that is meant.
#[derive(Debug)]
pub(crate) struct Looking {
    pub(super) session: Session,
    pub(super) place: Place,
    pub(super) schema: Option<String>,
}

/// Looks into an SQLite file; none if it is not there.
pub(crate) fn sqlite(path: &Path) -> Result<Option<Looking>, DestinationError> {
    if !path.exists() {
        return Ok(None);
    }
    let place = Place::file(path);
    let session = sqlite::Sqlite::look(path).map_err(|error| sort(&place, error))?;
    Ok(Some(Looking { session: Session::Sqlite(session), place, schema: None }))
}

/// Looks into a schema of a PostgreSQL database.
pub(crate) fn postgres(address: &PostgresAddress) -> Result<Looking, DestinationError> {
    let place = Place::server(address);
    let session = Postgres::connect(address).map_err(|error| sort(&place, error))?;
    Ok(Looking { session: Session::Postgres(session), place, schema: Some(address.schema.clone()) })
}

/// Looks into a DuckDB file; none if it, or the schema in it, is not there.
pub(crate) fn duckdb(
    path: &Path,
    schema: Option<&str>,
    driver: Option<&Path>,
) -> Result<Option<Looking>, DestinationError> {
    if !path.exists() {
        return Ok(None);
    }
    let place = Place::file(path);
    let mut session = adbc::Adbc::duckdb(load(driver)?, path, None).map_err(|error| sort(&place, error))?;
    if let Some(schema) = schema
        && !session.enter(schema, false).map_err(|error| sort(&place, error))?
    {
        return Ok(None);
    }
    Ok(Some(Looking { session: Session::Adbc(session), place, schema: None }))
}

/// An empty SQLite database in the place of one that is not there.
pub(crate) fn no_sqlite(path: &Path) -> Result<Looking, DestinationError> {
    let place = Place::file(path);
    let session = sqlite::Sqlite::empty().map_err(|error| sort(&place, error))?;
    Ok(Looking { session: Session::Sqlite(session), place, schema: None })
}

/// An empty DuckDB database in the place of one that is not there.
pub(crate) fn no_duckdb(path: &Path, driver: Option<&Path>) -> Result<Looking, DestinationError> {
    let place = Place::file(path);
    let session = adbc::Adbc::duckdb(load(driver)?, Path::new(":memory:"), Some(&DuckDbLimits::default()));
    let session = session.map_err(|error| sort(&place, error))?;
    Ok(Looking { session: Session::Adbc(session), place, schema: None })
}

impl Looking {
    /// What each pipeline left; none if nothing of ours is there.
    pub(crate) fn states(mut self) -> Result<Option<BTreeMap<String, State>>, DestinationError> {
        let states = |ledgers: BTreeMap<String, Ledger>| {
            ledgers.into_iter().map(|(pipeline, ledger)| (pipeline, ledger.state)).collect()
        };
        Ok(self.ledgers()?.map(states))
    }

    /// The tables of a pipeline. `tables`: what the config has by now, of which some get columns behind those of their rows.
    pub(crate) fn discovered(
        mut self,
        pipeline: &str,
        tables: &[&Table],
    ) -> Result<Option<Discoveries>, DestinationError> {
        let ledger = self.ledgers()?.and_then(|mut ledgers| ledgers.remove(pipeline));
        let Some(ledger) = ledger else { return Ok(None) };
        let mut discoveries = Discoveries::new(Engine(self.dialect()));
        for (resource, note) in ledger.notes {
            let Some(name) = note.schema.tables.first().map(|root| root.name.clone()) else { continue };
            let mut times = Vec::new();
            if let Some(table) = tables.iter().find(|table| table.resource == resource) {
                let known = self.session.columns(&self.named(&name)).map_err(|error| self.failed(error))?;
                let known = known.unwrap_or_default();
                times = reserved(table);
                times.retain(|time| known.iter().any(|(column, _)| column == time));
            }
            discoveries.insert(resource, Discovered { schema: note.schema, times });
        }
        Ok(Some(discoveries))
    }

    pub(super) fn ledgers(&mut self) -> Result<Option<BTreeMap<String, Ledger>>, DestinationError> {
        let schema = self.schema.as_deref();
        let other = ledger::of_another_version(&mut self.session, schema);
        if let Some(other) = other.map_err(|error| sort(&self.place, error))? {
            let path = self.place.name.clone();
            return Err(DestinationError::Corrupt { path, reason: other.to_string() });
        }
        ledger::read_all(&mut self.session, schema).map_err(|error| sort(&self.place, error))
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    pub(super) fn named(&self, table: &str) -> TableName {
        TableName { schema: self.schema.clone(), name: table.to_owned() }
    }

    pub(super) fn failed(&self, error: SqlError) -> DestinationError {
        sort(&self.place, error)
    }
}
