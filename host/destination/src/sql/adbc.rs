//! A session through an ADBC driver: a library that is loaded when it is asked for.

mod address;
mod arrays;
mod driver;
mod open;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use adbc_core::error::{Error, Status};
use adbc_core::options::{
    InfoCode, IngestMode, OptionConnection, OptionDatabase, OptionStatement, OptionValue,
};
use adbc_core::{Connection as _, Database as _, Driver as _, Optionable as _, Statement as _};
use adbc_driver_manager::{ManagedConnection, ManagedDriver, ManagedStatement};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::{ArrowError, DataType};

pub use address::{AdbcAddress, AdbcAddressError};
pub(crate) use driver::load;
pub(crate) use open::{look, open};

use sha2::{Digest as _, Sha256};

use super::dialect::{Dialect, list, quoted};
use super::session::{Locked, Refusal, Scalar, SqlError, SqlErrorKind, TableName, pairs};
use super::spoken::{inlined, spoken, stored};
use super::turn::ANOTHER;
use crate::postgres::{self, Postgres};
use waiting::{Turn, Waiting};

/// The table in which a page waits to be added to its own.
const PAGE: &str = "_sanderling_page";

/// An open connection.
pub(crate) struct Adbc {
    connection: ManagedConnection,
    dialect: Dialect,
    // What waits for the commit, where definitions do not.
    waiting: Option<Waiting>,
    pages: Pages,
    // One that a lock beside it keeps for this run.
    is_file: bool,
    // What no message repeats.
    secrets: Vec<String>,
}

/// Tables of pages that are to last until their commit.
#[derive(Debug, Default)]
struct Pages {
    /// How the names begin of those of this pipeline, and of this run.
    of_pipeline: String,
    of_run: String,
    schema: Option<String>,
    count: u64,
    /// Whether those that former runs have left are gone.
    is_swept: bool,
}

impl fmt::Debug for Adbc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Adbc").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl Adbc {
    /// Opens a DuckDB file, made if it is not there unless it is only `looked` at.
    pub(crate) fn duckdb(driver: ManagedDriver, path: &Path, looked: bool) -> Result<Self, SqlError> {
        let Some(path) = path.to_str() else {
            let message = "the path is no Unicode text".to_owned();
            return Err(SqlError { kind: SqlErrorKind::Denied, message });
        };
        let mut options = vec![("path".to_owned(), path.to_owned())];
        if looked {
            options.push(("access_mode".to_owned(), "READ_ONLY".to_owned()));
        }
        let session = Self::connect(driver, &options, Vec::new(), looked, None)?;
        Ok(Self { is_file: true, ..session })
    }

    /// Opens what an address says. A file that is only `looked` at is left as it is.
    pub(crate) fn open(driver: ManagedDriver, address: &AdbcAddress, looked: bool) -> Result<Self, SqlError> {
        let mut options = address.options.clone();
        if looked && address.driver == "duckdb" {
            options.push(("access_mode".to_owned(), "READ_ONLY".to_owned()));
        }
        let session = Self::connect(driver, &options, address.secrets(), looked, address.taken_for)?;
        let waiting = session.waiting.or_else(|| address.defers.then(Waiting::default));
        Ok(Self { is_file: address.file().is_some(), waiting, ..session })
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
            Self { connection, dialect, waiting, pages: Pages::default(), is_file: false, secrets };
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

    /// Works in a schema from here on, which is `made` if it is not there; whether it is there. Tables are named without it:
    /// `tracker.events` could also be one of a database `tracker`. For DuckDB.
    pub(crate) fn enter(&mut self, schema: &str, made: bool) -> Result<bool, SqlError> {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let found = self.query("SELECT current_database()", &[])?;
        let Some(Scalar::Text(database)) = found.first().and_then(|row| row.first()).cloned() else {
            return Ok(false);
        };
        let whole = format!("{}.{}", quoted(&database), quoted(schema));
        if made {
            self.batch(&format!("CREATE SCHEMA IF NOT EXISTS {whole}"))?;
        }
        let found = self.query(
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
        self.send(&format!("USE SCHEMA {}", quoted(schema)), &[]).map(drop)
    }

    pub(crate) fn execute(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        match self.waiting.as_mut().map(|waiting| waiting.take(sql, args)) {
            Some(Turn::Kept) => Ok(0),
            Some(Turn::Now) | None => self.send(sql, args),
        }
    }

    fn send(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        self.send_as_it_is(&spoken(self.dialect, sql), args)
    }

    fn send_as_it_is(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        let mut statement = self.prepared(sql, args)?;
        let rows = statement.execute_update().map_err(|error| self.failed(&error))?;
        Ok(rows.map(i64::unsigned_abs).unwrap_or_default())
    }

    pub(crate) fn query(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        if !self.waiting.as_ref().is_some_and(|waiting| waiting.concerns(sql)) {
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
        self.ask_as_it_is(&spoken(self.dialect, sql), args)
    }

    fn ask_as_it_is(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let mut statement = self.prepared(sql, args)?;
        let reader = statement.execute().map_err(|error| self.failed(&error))?;
        arrays::read(reader).map_err(|error| self.failed(&error.into()))
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        self.execute(sql, &[]).map(drop)
    }

    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        let unknown = |error: SqlError| match error.kind {
            SqlErrorKind::ConnectionLost => SqlError { kind: SqlErrorKind::UnknownOutcome, ..error },
            _ => error,
        };
        if self.waiting.is_none() {
            return self.batch("COMMIT").map_err(unknown);
        }
        match self.dialect {
            Dialect::BigQuery => {
                self.send_as_it_is(&self.script("COMMIT TRANSACTION"), &[]).map(drop).map_err(unknown)?
            }
            Dialect::Ansi => {
                self.flush()?;
                self.connection.commit().map_err(|error| unknown(self.failed(&error)))?;
                self.auto_commit(true)?;
            }
            _ => {
                self.flush()?;
                self.send("COMMIT", &[]).map(drop).map_err(unknown)?;
            }
        }
        // The rows are there; a table that stays is dropped by a later run.
        for table in self.waiting.as_mut().map(Waiting::done).unwrap_or_default() {
            let _ = self.send(&format!("DROP TABLE IF EXISTS {table}"), &[]);
        }
        let _ = self.sweep();
        Ok(())
    }

    /// Opens the transaction, and does what waits for it.
    pub(crate) fn flush(&mut self) -> Result<(), SqlError> {
        let Some(waiting) = self.waiting.as_ref().filter(|waiting| !waiting.is_sent()) else { return Ok(()) };
        if self.dialect == Dialect::BigQuery {
            return Ok(());
        }
        let statements = waiting.statements().to_vec();
        match self.dialect {
            Dialect::Ansi => self.auto_commit(false)?,
            dialect => self.send(dialect.begin(), &[]).map(drop)?,
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.sent(true);
        }
        let done = statements.iter().try_for_each(|(sql, args)| self.send(sql, args).map(drop));
        if done.is_err() {
            // A part of it must not be committed.
            let _ = self.roll_back();
        }
        done
    }

    fn roll_back(&mut self) -> Result<(), SqlError> {
        match self.dialect {
            Dialect::Ansi => {
                self.connection.rollback().map_err(|error| self.failed(&error))?;
                self.auto_commit(true)?;
            }
            _ => self.send("ROLLBACK", &[]).map(drop)?,
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.sent(false);
        }
        Ok(())
    }

    /// What waits as one text, a transaction that ends with a statement.
    fn script(&self, last: &str) -> String {
        self.waiting.as_ref().map(|waiting| waiting.script(self.dialect, last)).unwrap_or_default()
    }

    fn auto_commit(&mut self, is_on: bool) -> Result<(), SqlError> {
        let value = OptionValue::from(is_on);
        self.connection.set_option(OptionConnection::AutoCommit, value).map_err(|error| self.failed(&error))
    }

    /// Whose pages are sent, and where.
    pub(crate) fn works_in(&mut self, schema: Option<&str>, locked: Locked<'_>) {
        if let Locked::Pipeline(pipeline) = locked {
            let digest = Sha256::digest(pipeline);
            let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            let of_pipeline = format!("{PAGE}_{digest}_");
            let of_run = format!("{of_pipeline}{:08x}_", fastrand::u32(..));
            self.pages = Pages { of_pipeline, of_run, schema: schema.map(str::to_owned), ..Pages::default() };
        }
    }

    /// Drops the tables of pages that runs of this pipeline have left. Whose turn it is was seen to by the commit before.
    fn sweep(&mut self) -> Result<(), SqlError> {
        if std::mem::replace(&mut self.pages.is_swept, true) {
            return Ok(());
        }
        let begins = stored(self.dialect, &self.pages.of_pipeline).into_owned();
        let rows = self.ask(&self.dialect.tables_like(self.pages.schema.as_deref(), &begins), &[])?;
        for name in rows.into_iter().flatten() {
            let Scalar::Text(name) = name else { continue };
            let name = stored(self.dialect, &name).into_owned();
            if name.starts_with(&self.pages.of_pipeline) && !name.starts_with(&self.pages.of_run) {
                self.send(&format!("DROP TABLE IF EXISTS {}", self.page_table(&name)), &[])?;
            }
        }
        Ok(())
    }

    /// A page's table. Where a driver puts it: in the schema that the session works in, for BigQuery in the one it is told.
    fn page_table(&self, name: &str) -> String {
        let schema = self.pages.schema.clone().filter(|_| self.dialect == Dialect::BigQuery);
        self.dialect.table(&TableName { schema, name: name.to_owned() })
    }

    /// Adds rows by way of a table of their own, out of which each value becomes what its column is.
    pub(crate) fn ingest(&mut self, table: &TableName, batch: &RecordBatch) -> Result<u64, SqlError> {
        if let Some(Refusal { row, column, reason }) = self.refusals(batch).into_iter().next() {
            return Err(SqlError { kind: SqlErrorKind::Value { row, column }, message: reason });
        }
        let page = arrays::page_of(self.dialect, batch).map_err(|error| self.failed(&error.into()))?;
        let kinds = if self.dialect.casts() { self.columns(table)?.unwrap_or_default() } else { Vec::new() };
        let (page_name, of) = match &self.waiting {
            None => (PAGE.to_owned(), self.dialect.temporary(PAGE)),
            Some(_) => {
                self.pages.count += 1;
                let name = format!("{}{}", self.pages.of_run, self.pages.count);
                let table = self.page_table(&name);
                (stored(self.dialect, &name).into_owned(), table)
            }
        };
        let send = || -> Result<(), Error> {
            let mut statement = self.connection.clone().new_statement()?;
            statement.set_option(OptionStatement::TargetTable, OptionValue::from(page_name.as_str()))?;
            match (&self.waiting, &self.pages.schema) {
                (None, _) => statement.set_option(OptionStatement::Temporary, OptionValue::from("true"))?,
                (Some(_), Some(schema)) if self.dialect == Dialect::BigQuery => {
                    statement
                        .set_option(OptionStatement::TargetDbSchema, OptionValue::from(schema.as_str()))?;
                }
                _ => {}
            }
            statement.set_option(OptionStatement::IngestMode, IngestMode::Create.into())?;
            statement.bind(page.clone())?;
            statement.execute_update().map(drop)
        };
        send().map_err(|error| self.failed(&error))?;
        let schema = batch.schema();
        let columns = list(schema.fields().iter().map(|field| field.name().as_str()));
        let sent = schema.fields().iter().zip(page.columns()).enumerate().map(|(place, (field, array))| {
            let kind = kinds.iter().find(|(name, _)| name == field.name()).map(|(_, kind)| kind.as_str());
            // As the driver writes it, which no database reads as another.
            let own = super::dialect::quoted(&stored(self.dialect, &arrays::name_of(place)));
            match kind {
                Some(kind) if *array.data_type() == DataType::Utf8 => self.dialect.made_of_text(&own, kind),
                _ => own,
            }
        });
        let (sent, name) = (sent.collect::<Vec<_>>().join(", "), self.dialect.table(table));
        self.batch(&format!("INSERT INTO {name} ({columns}) SELECT {sent} FROM {of}"))?;
        match &mut self.waiting {
            None => self.batch(&format!("DROP TABLE {of}"))?,
            Some(waiting) => waiting.page(&of),
        }
        Ok(batch.num_rows() as u64)
    }

    /// Every value of a batch that no table could hold.
    pub(crate) fn refusals(&self, batch: &RecordBatch) -> Vec<Refusal> {
        if self.dialect == Dialect::Postgres { Postgres::refusals(batch) } else { Vec::new() }
    }

    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let rows = match self.dialect {
            Dialect::Sqlite => self.query(super::sqlite::COLUMNS, &[text(&table.name)])?,
            Dialect::Postgres => {
                return self
                    .query(postgres::COLUMNS, &[text(&Dialect::Postgres.table(table))])
                    .map(postgres::columns);
            }
            Dialect::DuckDb => {
                let schema = table.schema.clone().map_or(Scalar::Null, Scalar::Text);
                self.query(
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

/// Sorts a failure by what can be done about it: by its SQLSTATE where there is one, else by the driver's words, since some
/// give all failures one status.
fn sort(error: &Error, secrets: &[String]) -> SqlError {
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
