//! Which of a DuckDB file's schemas something has been loaded into.

use std::path::Path;

use super::session::Scalar;
use super::{ledger, looking};
use crate::error::DestinationError;
use crate::target::{DuckDbLimits, Target};

/// The targets that a DuckDB file is. Where it cannot be read it is the file as a whole, whose look then tells why.
pub(crate) fn duckdb_targets(path: &Path) -> Vec<Target> {
    let target = |schema| Target::DuckDb {
        path: path.to_owned(),
        schema,
        driver: None,
        limits: DuckDbLimits::default(),
    };
    schemas(path).unwrap_or_else(|_| vec![None]).into_iter().map(target).collect()
}

/// Those that have a state of ours; `main` needs no name.
fn schemas(path: &Path) -> Result<Vec<Option<String>>, DestinationError> {
    let Some(mut looking) = looking::duckdb(path, None, None)? else { return Ok(Vec::new()) };
    let sql = "SELECT table_schema FROM information_schema.tables
               WHERE table_name = $1 AND table_catalog = current_database() ORDER BY table_schema";
    let rows = looking.session.query(&[], sql, &[Scalar::Text(ledger::STATE.to_owned())]);
    let named = |row: Vec<Scalar>| match row.into_iter().next() {
        Some(Scalar::Text(schema)) => Some(Some(schema).filter(|schema| schema != "main")),
        _ => None,
    };
    Ok(rows.map_err(|error| looking.failed(error))?.into_iter().filter_map(named).collect())
}
