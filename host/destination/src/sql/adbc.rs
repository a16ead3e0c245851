//! A session through an ADBC driver: a library that is loaded when it is asked for.

mod address;
mod arrays;
mod driver;
mod failure;
mod open;
mod pages;
#[cfg(test)]
mod parsed;
#[cfg(test)]
pub(crate) mod served;
#[cfg(test)]
mod tests;
mod transaction;
mod waiting;

use std::collections::HashSet;
use std::fmt;
use std::num::NonZero;
use std::path::Path;
use std::thread;

use adbc_core::error::Error;
use adbc_core::options::{InfoCode, OptionDatabase, OptionValue};
use adbc_core::{Connection as _, Database as _, Driver as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedDriver, ManagedStatement};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::ArrowError;

pub use address::{AdbcAddress, AdbcAddressError};
pub(crate) use driver::load;
pub(crate) use open::{look, open};

use super::dialect::{Dialect, quoted};
use super::session::{Refusal, Scalar, SqlError, SqlErrorKind, TableName, pairs};
use super::spoken::{asked, inlined, stored};
use crate::postgres::{self, Postgres};
use crate::target::DuckDbLimits;
use failure::sort;
use pages::Pages;
use waiting::Waiting;

/// What DuckDB may take where a config does not say. A merge of 5,000,000 rows is done within less than half of it.
const MEMORY_LIMIT: &str = "512MiB";
const MAX_THREADS: usize = 4;

/// An open connection.
pub(crate) struct Adbc {
    connection: ManagedConnection,
    dialect: Dialect,
    // What the database calls itself.
    vendor: String,
    // What waits for the commit, where definitions do not.
    waiting: Option<Waiting>,
    pages: Pages,
    // One that a lock beside it keeps for this run.
    is_file: bool,
    // What no message repeats.
    secrets: Vec<String>,
}

/// Not every connection takes its transaction with it: Flight SQL's live on the server.
impl Drop for Adbc {
    fn drop(&mut self) {
        if self.waiting.as_ref().is_some_and(Waiting::is_sent) {
            // Where that fails too, the database has to do it.
            let _ = self.roll_back();
        }
    }
}

impl fmt::Debug for Adbc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Adbc").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl Adbc {
    /// Opens a DuckDB file, made if it is not there; without `limits` only to look at it.
    pub(crate) fn duckdb(
        driver: ManagedDriver,
        path: &Path,
        limits: Option<&DuckDbLimits>,
    ) -> Result<Self, SqlError> {
        let Some(path) = path.to_str() else {
            let message = "the path is no Unicode text".to_owned();
            return Err(SqlError { kind: SqlErrorKind::Denied, message });
        };
        let mut options = vec![("path".to_owned(), path.to_owned())];
        if limits.is_none() {
            options.push(("access_mode".to_owned(), "READ_ONLY".to_owned()));
        }
        let mut session = Self::connect(driver, &options, Vec::new(), limits.is_none(), None)?;
        if let Some(DuckDbLimits { memory_limit, threads }) = limits {
            let own = || thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
            let memory_limit = memory_limit.as_deref().unwrap_or(MEMORY_LIMIT).replace('\'', "''");
            let threads = threads.unwrap_or_else(own);
            for setting in [format!("memory_limit = '{memory_limit}'"), format!("threads = {threads}")] {
                let set = session.batch(&format!("SET {setting}"));
                set.map_err(|error| SqlError { kind: SqlErrorKind::Settings, ..error })?;
            }
        }
        session.is_file = true;
        Ok(session)
    }

    /// Opens what an address says. A file that is only `looked` at is left as it is.
    pub(crate) fn open(driver: ManagedDriver, address: &AdbcAddress, looked: bool) -> Result<Self, SqlError> {
        let mut options = address.options.clone();
        if looked && address.driver == "duckdb" {
            options.push(("access_mode".to_owned(), "READ_ONLY".to_owned()));
        }
        let mut session = Self::connect(driver, &options, address.secrets(), looked, address.taken_for)?;
        if address.defers && session.waiting.is_none() {
            session.waiting = Some(Waiting::default());
        }
        session.is_file = address.file().is_some();
        Ok(session)
    }

    fn connect(
        mut driver: ManagedDriver,
        options: &[(String, String)],
        secrets: Vec<String>,
        looked: bool,
        taken_for: Option<Dialect>,
    ) -> Result<Self, SqlError> {
        let options = options
            .iter()
            .map(|(name, value)| (OptionDatabase::from(name.as_str()), OptionValue::from(value.as_str())));
        let connect = || -> Result<(ManagedConnection, String), Error> {
            let connection = driver.new_database_with_opts(options)?.new_connection()?;
            let vendor = vendor(&connection)?;
            Ok((connection, vendor))
        };
        let sort_open = |error| {
            let error = sort(&error, &secrets);
            let kind = match error.kind {
                SqlErrorKind::Other => SqlErrorKind::Settings,
                kind => kind,
            };
            SqlError { kind, ..error }
        };
        let (connection, vendor) = connect().map_err(sort_open)?;
        let dialect = taken_for.unwrap_or_else(|| Dialect::of_vendor(&vendor));
        let waiting = dialect.defers().then(Waiting::default);
        let mut session =
            Self { connection, dialect, vendor, waiting, pages: Pages::default(), is_file: false, secrets };
        if dialect == Dialect::Ansi {
            // Asked for here, so that no page is read in vain.
            let transactions = session.auto_commit(false).and_then(|()| session.auto_commit(true));
            if let Err(SqlError { kind, message }) = transactions {
                let kind = if kind == SqlErrorKind::Other { SqlErrorKind::Settings } else { kind };
                let message = format!(
                    "its driver has no transactions, so that rows and checkpoint could not be committed together: {message}"
                );
                return Err(SqlError { kind, message });
            }
        }
        for setting in dialect.settings(looked) {
            session.batch(setting)?;
        }
        Ok(session)
    }

    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    /// Whether what changes rows waits for the commit.
    pub(crate) fn defers(&self) -> bool {
        self.waiting.is_some()
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What the database calls itself, if nothing is known of one that does.
    pub(crate) fn unknown(&self) -> Option<&str> {
        (self.dialect == Dialect::Ansi).then_some(&*self.vendor)
    }

    /// Works in a schema from here on, which is `made` if it is not there; whether it is there. Tables are named without it:
    /// `tracker.events` could also be one of a database `tracker`. For DuckDB.
    pub(crate) fn enter(&mut self, schema: &str, made: bool) -> Result<bool, SqlError> {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let found = self.ask("SELECT current_database()", &[])?;
        let Some(Scalar::Text(database)) = found.first().and_then(|row| row.first()).cloned() else {
            return Ok(false);
        };
        let whole = format!("{}.{}", quoted(&database), quoted(schema));
        if made {
            self.batch(&format!("CREATE SCHEMA IF NOT EXISTS {whole}"))?;
        }
        let found = self.ask(
            "SELECT schema_name FROM information_schema.schemata WHERE catalog_name = $1 AND schema_name = $2",
            &[text(&database), text(schema)],
        )?;
        if found.is_empty() {
            return Ok(false);
        }
        self.batch(&format!("USE {whole}"))?;
        Ok(true)
    }

    /// Works in a schema of Snowflake's from here on, made if it is not there.
    pub(crate) fn work_in(&mut self, schema: &str) -> Result<(), SqlError> {
        self.send(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema)), &[])?;
        self.send(&format!("USE SCHEMA {}", quoted(schema)), &[])
    }

    fn send(&mut self, sql: &str, args: &[Scalar]) -> Result<(), SqlError> {
        let (sql, args) = asked(self.dialect, sql, args);
        self.send_as_it_is(&sql, &args)
    }

    fn send_as_it_is(&mut self, sql: &str, args: &[Scalar]) -> Result<(), SqlError> {
        let mut statement = self.prepared(sql, args)?;
        statement.execute_update().map(drop).map_err(|error| self.failed(&error))
    }

    pub(crate) fn query(
        &mut self,
        tables: &[&TableName],
        sql: &str,
        args: &[Scalar],
    ) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let waits = |waiting: &Waiting| tables.iter().any(|table| waiting.changes(table));
        if !self.waiting.as_ref().is_some_and(waits) {
            return self.ask(sql, args);
        }
        if self.dialect == Dialect::BigQuery {
            // A transaction that its text does not end is taken back, and the answer is that of the last statement.
            return self.ask_as_it_is(&self.script(&inlined(self.dialect, sql, args)), &[]);
        }
        // What waits is done, for the answer only.
        self.flush()?;
        let answer = self.ask(sql, args);
        self.roll_back()?;
        answer
    }

    fn ask(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let (sql, args) = asked(self.dialect, sql, args);
        self.ask_as_it_is(&sql, &args)
    }

    fn ask_as_it_is(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let mut statement = self.prepared(sql, args)?;
        let reader = statement.execute().map_err(|error| self.failed(&error))?;
        arrays::read(reader).map_err(|error| self.failed(&error.into()))
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        self.send(sql, &[])
    }

    /// Every value of a batch that no table could hold.
    pub(crate) fn refusals(&self, batch: &RecordBatch) -> Vec<Refusal> {
        if self.dialect == Dialect::Postgres { Postgres::refusals(batch) } else { Vec::new() }
    }

    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let rows = match self.dialect {
            Dialect::Sqlite => self.ask(super::sqlite::COLUMNS, &[text(&table.name)])?,
            Dialect::Postgres => {
                return self
                    .ask(postgres::COLUMNS, &[text(&Dialect::Postgres.table(table))])
                    .map(postgres::columns);
            }
            Dialect::DuckDb => {
                let schema = table.schema.clone().map_or(Scalar::Null, Scalar::Text);
                self.ask(
                    "SELECT column_name, data_type FROM information_schema.columns \
                     WHERE table_catalog = current_database() AND table_schema = coalesce($1::text, current_schema()) \
                     AND table_name = $2 ORDER BY ordinal_position",
                    &[schema, text(&table.name)],
                )?
            }
            Dialect::Snowflake | Dialect::BigQuery | Dialect::Ansi => {
                let name = stored(self.dialect, &table.name).into_owned();
                let schema = table.schema.as_deref().map(|schema| stored(self.dialect, schema).into_owned());
                let sql = self.dialect.columns_of(table.schema.as_deref());
                let schema = schema.filter(|_| self.dialect != Dialect::BigQuery);
                let args: Vec<Scalar> = schema.iter().chain([&name]).map(|name| text(name)).collect();
                let rows = pairs(self.ask(&sql, &args)?);
                let own = |(name, kind): (String, String)| (stored(self.dialect, &name).into_owned(), kind);
                let columns: Vec<(String, String)> = rows.into_iter().map(own).collect();
                return Ok((!columns.is_empty()).then_some(columns));
            }
        };
        let columns = pairs(rows);
        Ok((!columns.is_empty()).then_some(columns))
    }

    fn prepared(&self, sql: &str, args: &[Scalar]) -> Result<ManagedStatement, SqlError> {
        let prepare = || -> Result<ManagedStatement, Error> {
            let mut statement = self.connection.clone().new_statement()?;
            statement.set_sql_query(sql)?;
            if !args.is_empty() {
                statement.prepare()?;
                statement.bind(arrays::row_of(self.dialect, args).map_err(Error::from)?)?;
            }
            Ok(statement)
        };
        prepare().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &Error) -> SqlError {
        sort(error, &self.secrets)
    }
}

/// The database that a driver speaks to, as it calls it.
fn vendor(connection: &ManagedConnection) -> Result<String, Error> {
    let asked = HashSet::from([InfoCode::VendorName]);
    for batch in connection.get_info(Some(asked))? {
        let batch = batch.map_err(|error: ArrowError| Error::from(error))?;
        let Some(values) = batch.column_by_name("info_value").and_then(|column| column.as_union_opt()) else {
            continue;
        };
        for row in 0..batch.num_rows() {
            let value = values.value(row);
            if let Some(text) =
                value.as_string_opt::<i32>().filter(|text| !text.is_empty() && text.is_valid(0))
            {
                return Ok(text.value(0).to_owned());
            }
        }
    }
    Ok("a database that it does not name".to_owned())
}
