//! A session through an ADBC driver: a library that is loaded when it is asked for. DuckDB is the one that is known.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use adbc_core::error::{Error, Status};
use adbc_core::options::{AdbcVersion, IngestMode, OptionDatabase, OptionStatement, OptionValue};
use adbc_core::{
    Connection as _, Database as _, Driver as _, LOAD_FLAG_DEFAULT, Optionable as _, Statement as _,
};
use adbc_driver_manager::{ManagedConnection, ManagedDriver, ManagedStatement};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal256Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchReader, StringArray};
use arrow_schema::{DataType, Field, Schema};

use super::dialect::{Dialect, list, quoted};
use super::session::{Scalar, SqlError, SqlErrorKind, TableName};

/// The table in which a page waits to be added to its own, column by column's name.
const PAGE: &str = "_sanderling_page";

/// An open connection.
pub(crate) struct Adbc {
    connection: ManagedConnection,
}

impl fmt::Debug for Adbc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Adbc").finish_non_exhaustive()
    }
}

/// Loads DuckDB's driver: the library at `driver`, or the one that is installed (`dbc install duckdb`).
///
/// # Errors
/// The loader's words.
pub(crate) fn duckdb_driver(driver: Option<&Path>) -> Result<ManagedDriver, String> {
    let entry: Option<&[u8]> = Some(b"duckdb_adbc_init");
    let loaded = match driver {
        Some(path) => ManagedDriver::load_dynamic_from_filename(path, entry, AdbcVersion::V110),
        None => ManagedDriver::load_from_name("duckdb", None, AdbcVersion::V110, LOAD_FLAG_DEFAULT, None),
    };
    loaded.map_err(|error| error.message)
}

impl Adbc {
    /// Opens a DuckDB file, made if it is not there unless it is only `looked` at.
    pub(crate) fn duckdb(mut driver: ManagedDriver, path: &Path, looked: bool) -> Result<Self, SqlError> {
        let Some(path) = path.to_str() else {
            let message = "the path is no Unicode text".to_owned();
            return Err(SqlError { kind: SqlErrorKind::Denied, message });
        };
        let mut options = vec![(OptionDatabase::Other("path".to_owned()), OptionValue::from(path))];
        if looked {
            let read_only = OptionValue::from("READ_ONLY");
            options.push((OptionDatabase::Other("access_mode".to_owned()), read_only));
        }
        let mut session = driver
            .new_database_with_opts(options)
            .and_then(|database| database.new_connection())
            .map(|connection| Self { connection })
            .map_err(|error| sort(&error))?;
        session.batch("SET TimeZone = 'UTC'")?;
        Ok(session)
    }

    /// Works in a schema from here on, which is `made` if it is not there; whether it is there. Tables are named without it:
    /// `tracker.events` could also be one of a database `tracker`.
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

    pub(crate) fn execute(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        let mut statement = self.prepared(sql, args)?;
        let rows = statement.execute_update().map_err(|error| sort(&error))?;
        Ok(rows.map(i64::unsigned_abs).unwrap_or_default())
    }

    pub(crate) fn query(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let mut statement = self.prepared(sql, args)?;
        let reader = statement.execute().map_err(|error| sort(&error))?;
        read(reader)
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        self.execute(sql, &[]).map(drop)
    }

    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        self.batch("COMMIT")
    }

    pub(crate) fn ingest(&mut self, table: &TableName, batch: &RecordBatch) -> Result<u64, SqlError> {
        let batch = without_wide_decimals(batch)?;
        let schema = batch.schema();
        let columns = list(schema.fields().iter().map(|field| field.name().as_str()));
        let rows = batch.num_rows() as u64;
        let send = || -> Result<(), Error> {
            let mut statement = self.connection.new_statement()?;
            statement.set_option(OptionStatement::TargetTable, OptionValue::from(PAGE))?;
            statement.set_option(OptionStatement::Temporary, OptionValue::from("true"))?;
            statement.set_option(OptionStatement::IngestMode, IngestMode::Create.into())?;
            statement.bind(batch)?;
            statement.execute_update().map(drop)
        };
        send().map_err(|error| sort(&error))?;
        let name = Dialect::DuckDb.table(table);
        self.batch(&format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM temp.{PAGE}"))?;
        self.batch(&format!("DROP TABLE temp.{PAGE}"))?;
        Ok(rows)
    }

    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        let schema = table.schema.clone().map_or(Scalar::Null, Scalar::Text);
        let rows = self.query(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_catalog = current_database() AND table_schema = coalesce($1::text, current_schema()) \
             AND table_name = $2 ORDER BY ordinal_position",
            &[schema, Scalar::Text(table.name.clone())],
        )?;
        let columns: Vec<(String, String)> = rows
            .into_iter()
            .filter_map(|row| match <[Scalar; 2]>::try_from(row) {
                Ok([Scalar::Text(name), Scalar::Text(kind)]) => Some((name, kind)),
                _ => None,
            })
            .collect();
        Ok((!columns.is_empty()).then_some(columns))
    }

    fn prepared(&mut self, sql: &str, args: &[Scalar]) -> Result<ManagedStatement, SqlError> {
        let mut prepare = || -> Result<ManagedStatement, Error> {
            let mut statement = self.connection.new_statement()?;
            statement.set_sql_query(sql)?;
            if !args.is_empty() {
                statement.prepare()?;
                statement.bind(row_of(args).map_err(Error::from)?)?;
            }
            Ok(statement)
        };
        prepare().map_err(|error| sort(&error))
    }
}

/// Arguments as a batch of one row.
fn row_of(args: &[Scalar]) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let arrays: Vec<ArrayRef> = args
        .iter()
        .map(|arg| -> ArrayRef {
            match arg {
                Scalar::Null => Arc::new(StringArray::new_null(1)),
                Scalar::Int(integer) => Arc::new(Int64Array::from_iter_values([*integer])),
                Scalar::Real(real) => Arc::new(Float64Array::from_iter_values([*real])),
                Scalar::Text(text) => Arc::new(StringArray::from_iter_values([text])),
            }
        })
        .collect();
    let field = |(at, array): (usize, &ArrayRef)| Field::new(at.to_string(), array.data_type().clone(), true);
    let fields: Vec<Field> = arrays.iter().enumerate().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn read(reader: impl RecordBatchReader) -> Result<Vec<Vec<Scalar>>, SqlError> {
    let mut rows = Vec::new();
    for batch in reader {
        let batch =
            batch.map_err(|error| SqlError { kind: SqlErrorKind::Other, message: error.to_string() })?;
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| scalar(column.as_ref(), row)).collect());
        }
    }
    Ok(rows)
}

fn scalar(array: &dyn Array, row: usize) -> Scalar {
    if array.is_null(row) {
        return Scalar::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Scalar::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Scalar::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Scalar::Text(array.as_string_view().value(row).to_owned()),
        DataType::Int64 => Scalar::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Int32 => Scalar::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Float64 => Scalar::Real(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Scalar::Int(array.as_boolean().value(row).into()),
        _ => Scalar::Null,
    }
}

/// Decimals of more than 38 digits as text: DuckDB has no wider ones.
fn without_wide_decimals(batch: &RecordBatch) -> Result<RecordBatch, SqlError> {
    let schema = batch.schema();
    let is_wide = |field: &Field| matches!(field.data_type(), DataType::Decimal256(..));
    if !schema.fields().iter().any(|field| is_wide(field)) {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        if !is_wide(field) {
            return (field.as_ref().clone(), array.clone());
        }
        let wide = array.as_primitive::<Decimal256Type>();
        let texts = (0..wide.len()).map(|row| wide.is_valid(row).then(|| wide.value_as_string(row)));
        (Field::new(field.name(), DataType::Utf8, true), Arc::new(texts.collect::<StringArray>()) as ArrayRef)
    });
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| SqlError { kind: SqlErrorKind::Other, message: error.to_string() })
}

/// Sorts a failure by what can be done about it. DuckDB gives all of them one status, so its words decide.
fn sort(error: &Error) -> SqlError {
    let message = error.message.lines().next().unwrap_or_default().to_owned();
    let says = |words: &str| message.contains(words);
    let kind = match error.status {
        Status::Unauthenticated | Status::Unauthorized => SqlErrorKind::Denied,
        _ if says("Could not set lock") || says("Conflicting lock") => SqlErrorKind::Busy,
        _ if says("No space left") => SqlErrorKind::DiskFull,
        _ if says("Permission denied") || says("read-only") => SqlErrorKind::Denied,
        Status::Integrity => SqlErrorKind::UniqueViolation,
        Status::NotFound => SqlErrorKind::NoTable,
        _ => SqlErrorKind::Other,
    };
    SqlError { kind, message }
}
