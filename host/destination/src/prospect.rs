//! A destination looked at by who would write to it: what it would refuse, and what its tables would become.

use std::collections::BTreeMap;

use sanderling_columns::{Column, Schema};

use crate::checkpoint::State;
use crate::declared;
use crate::error::{DataError, DestinationError};
use crate::files::Files;
use crate::sql::Sql;
use crate::sql::adbc;
use crate::sql::looking;
use crate::table::{Rows, Table, Written};
use crate::target::Target;

/// A destination as it is, in which nothing is made, locked or changed. What pages would make of it is kept in memory.
#[derive(Debug)]
pub struct Prospect {
    of: Of,
    state: State,
}

#[derive(Debug)]
enum Of {
    Sql(Box<Sql>),
    Files { files: Box<Files>, schemas: BTreeMap<String, Schema> },
    Stdout,
}

/// What would become of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub table: String,
    /// Whether it is there; else it would be made.
    pub is_there: bool,
    /// The columns that it would get: all of them, where it would be made; and fields that structs in it would get, named by
    /// the way to them (`user.geo.lat`, `lines[].id`). Lines have none.
    pub columns: Vec<Column>,
    /// Columns of times that it would get behind these.
    pub times: Vec<String>,
}

impl Prospect {
    /// Looks at a target, which need not be there.
    ///
    /// # Errors
    /// What is there cannot be read, or is not ours.
    pub fn open(target: &Target, pipeline: &str) -> Result<Self, DestinationError> {
        let sql = |looking| Sql::to_look(looking, pipeline).map(|sql| Of::Sql(Box::new(sql)));
        let files = |files| Of::Files { files: Box::new(files), schemas: BTreeMap::new() };
        let of = match target {
            Target::Sqlite { path } => {
                sql(looking::sqlite(path)?.map_or_else(|| looking::no_sqlite(path), Ok)?)
            }
            Target::Postgres { address } => sql(looking::postgres(address)?),
            Target::DuckDb { path, schema, driver, .. } => {
                let (schema, driver) = (schema.as_deref(), driver.as_deref());
                let there = looking::duckdb(path, schema, driver)?;
                sql(there.map_or_else(|| looking::no_duckdb(path, driver), Ok)?)
            }
            Target::Adbc { address } => sql(match (adbc::look(address)?, address.file()) {
                (Some(there), _) => there,
                (None, Some(path)) if address.driver == "duckdb" => {
                    looking::no_duckdb(&path, address.library.as_deref())?
                }
                (None, path) => looking::no_sqlite(&path.unwrap_or_default())?,
            }),
            Target::Jsonl { dir, state_dir } => {
                Ok(files(Files::to_look(crate::Form::Lines, dir, state_dir, pipeline)?))
            }
            Target::Parquet { dir, state_dir } => {
                Ok(files(Files::to_look(crate::Form::Parquet, dir, state_dir, pipeline)?))
            }
            Target::Store { form, address } => Ok(files(Files::store_to_look(*form, address, pipeline)?)),
            Target::Stdout => Ok(Of::Stdout),
        }?;
        let state = match &of {
            Of::Sql(it) => it.state(),
            Of::Files { files, .. } => files.state(),
            Of::Stdout => State::default(),
        };
        Ok(Self { of, state })
    }

    /// What the last commit left.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Refuses a table as a load of it would be refused.
    pub fn begin(&mut self, table: &Table) -> Result<(), DestinationError> {
        match &mut self.of {
            Of::Sql(it) => it.foresee_begin(table),
            Of::Files { files, .. } => files.foresee_begin(table),
            Of::Stdout => Ok(()),
        }
    }

    /// The rows of a page that would be refused, each with why.
    pub fn breaches(&self, table: &Table, page: &Rows) -> Result<Vec<DataError>, DestinationError> {
        match &self.of {
            Of::Sql(it) => it.breaches(table, page),
            Of::Files { files, schemas } => {
                files.foresee_breaches(table, page, schemas.get(&table.resource).cloned())
            }
            Of::Stdout => declared::breaches(table, page),
        }
    }

    /// What a page without such rows would come to, and what it brings to the columns of its tables. On an error they are as
    /// before.
    pub fn write(&mut self, table: &Table, page: &Rows) -> Result<Written, DestinationError> {
        match &mut self.of {
            Of::Sql(it) => it.foresee(table, page),
            Of::Files { files, schemas } => {
                let mut schema =
                    schemas.get(&table.resource).cloned().unwrap_or_else(|| files.schema_of(table));
                let written = files.foresee(table, page, &mut schema)?;
                schemas.insert(table.resource.clone(), schema);
                Ok(written)
            }
            Of::Stdout => Ok(Written { rows: page.count, ..Written::default() }),
        }
    }

    /// What would become of the tables of a resource, its own first.
    pub fn tables(&mut self, table: &Table) -> Result<Vec<Expected>, DestinationError> {
        match &mut self.of {
            Of::Sql(it) => it.foreseen(table),
            Of::Files { files, schemas } => files.foreseen(table, schemas.get(&table.resource)),
            Of::Stdout => Ok(Vec::new()),
        }
    }
}
