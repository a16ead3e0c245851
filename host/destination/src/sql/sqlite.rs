//! A session with an SQLite database.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::dialect::{Dialect, list, quoted};
use super::session::{Relation, Scalar, Session, SqlError, SqlErrorKind, TableName, pairs};
use super::text;

/// How long another program may hold the database before it counts as in use.
const BUSY_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 5_000 });

/// What SQLite allows a table, unless it is built otherwise.
pub(super) const MAX_COLUMNS: usize = 2_000;

/// Asks for the columns of a table and their types, in order.
pub(super) const COLUMNS: &str = "SELECT name, type FROM pragma_table_info(?1) ORDER BY cid";

/// Begins the name of an index of ours.
const INDEX: &str = "_sanderling_key:";

/// An open database file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    conn: Connection,
}

impl Sqlite {
    /// Opens a database, made if it is not there. WAL with `synchronous=NORMAL`: a power cut may take the last commits
    /// back, rows and checkpoint together, but never damages the database; a killed process loses nothing that was
    /// committed.
    pub(crate) fn open(path: &Path) -> Result<Self, SqlError> {
        let open = || -> rusqlite::Result<Connection> {
            let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
            conn.set_prepared_statement_cache_capacity(64);
            conn.pragma_update(None, "journal_mode", "wal")?;
            conn.pragma_update(None, "synchronous", "normal")?;
            conn.pragma_update(None, "cache_size", -16_384)?;
            // A user's view over a table that is being replaced must neither stop the swap nor be bent to the new table.
            conn.pragma_update(None, "legacy_alter_table", true)?;
            Ok(conn)
        };
        open().map(|conn| Self { conn }).map_err(|cause| sort(&cause))
    }

    /// Opens a database to look at it as it is now, whatever a run commits meanwhile. Nothing is left beside it.
    pub(crate) fn look(path: &Path) -> Result<Self, SqlError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let conn = match untouched(path) {
            // Who looks at a database in WAL mode that nobody has open would make files for that.
            Some(uri) => connect(Path::new(&uri), flags | OpenFlags::SQLITE_OPEN_URI),
            None => connect(path, flags),
        };
        let conn = conn.map_err(|cause| sort(&cause))?;
        let mut session = Self { conn };
        session.batch("BEGIN")?;
        Ok(session)
    }

    /// A database of which nothing is there.
    pub(crate) fn empty() -> Result<Self, SqlError> {
        Connection::open_in_memory().map(|conn| Self { conn }).map_err(|cause| sort(&cause))
    }

    pub(crate) fn execute(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        let run = || self.conn.prepare_cached(sql)?.execute(params_from_iter(args));
        run().map(|rows| rows as u64).map_err(|cause| sort(&cause))
    }

    pub(crate) fn query(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let run = || -> rusqlite::Result<Vec<Vec<Scalar>>> {
            let mut statement = self.conn.prepare_cached(sql)?;
            let count = statement.column_count();
            let read = |row: &rusqlite::Row| -> rusqlite::Result<Vec<Scalar>> {
                (0..count).map(|at| row.get::<_, Value>(at).map(Scalar::from)).collect()
            };
            statement.query_map(params_from_iter(args), read)?.collect()
        };
        run().map_err(|cause| sort(&cause))
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        self.conn.execute_batch(sql).map_err(|cause| sort(&cause))
    }

    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        self.batch("COMMIT")
    }

    pub(crate) fn ingest(&mut self, table: &TableName, batch: &RecordBatch) -> Result<u64, SqlError> {
        let schema = batch.schema_ref();
        let names: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            Dialect::Sqlite.table(table),
            names.join(", "),
            places.join(", ")
        );
        let cells: Vec<Cells> = batch.columns().iter().map(|column| Cells::of(column.as_ref())).collect();
        let mut texts = text::Texts::default();
        let mut run = || -> rusqlite::Result<()> {
            let mut insert = self.conn.prepare_cached(&sql)?;
            for row in 0..batch.num_rows() {
                for (place, cells) in (1..).zip(&cells) {
                    cells.bind(row, place, &mut insert, &mut texts)?;
                }
                insert.raw_execute()?;
            }
            Ok(())
        };
        run().map_err(|cause| sort(&cause))?;
        Ok(batch.num_rows() as u64)
    }

    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        let columns = pairs(self.query(COLUMNS, &[Scalar::Text(table.name.clone())])?);
        Ok((!columns.is_empty()).then_some(columns))
    }
}

/// What has a table's name, in whatever case.
pub(crate) fn relation(session: &mut Session, table: &TableName) -> Result<Option<Relation>, SqlError> {
    let rows = session.query(
        &[],
        "SELECT name, type FROM sqlite_master WHERE name = ?1 COLLATE NOCASE ORDER BY name <> ?1",
        &[Scalar::Text(table.name.clone())],
    )?;
    Ok(pairs(rows).into_iter().next().map(|(name, kind)| Relation { name, kind }))
}

/// Renames table `new` to `name`, whose own is dropped. A person's indexes and triggers are made again; views stand as
/// they are.
pub(crate) fn swap(session: &mut Session, new: &TableName, name: &TableName) -> Result<(), SqlError> {
    let extras = session.query(
        &[],
        "SELECT sql FROM sqlite_master WHERE tbl_name = ?1 AND type IN ('index', 'trigger') AND sql IS NOT NULL \
         AND substr(name, 1, length(?2)) <> ?2",
        &[Scalar::Text(name.name.clone()), Scalar::Text(INDEX.to_owned())],
    )?;
    let [new, name] = [new, name].map(|table| Dialect::Sqlite.table(table));
    session.define(&format!("DROP TABLE IF EXISTS {name}"))?;
    session.define(&format!("ALTER TABLE {new} RENAME TO {name}"))?;
    for extra in extras.into_iter().flatten() {
        if let Scalar::Text(extra) = extra {
            // One that cannot be kept is no reason to refuse the rows.
            let _ = session.define(&extra);
        }
    }
    Ok(())
}

/// Keeps an index over these columns of a table, and none of ours over others.
pub(crate) fn keep_index(session: &mut Session, table: &TableName, columns: &[&str]) -> Result<(), SqlError> {
    let index = format!("{INDEX}{}", table.name);
    let found = session.query(
        &[],
        "SELECT name FROM pragma_index_info(?1) ORDER BY seqno",
        &[Scalar::Text(index.clone())],
    )?;
    let is_it = |(row, column): (&Vec<Scalar>, &&str)| matches!(row.first(), Some(Scalar::Text(name)) if name == column);
    if found.len() == columns.len() && found.iter().zip(columns).all(is_it) {
        return Ok(());
    }
    let (index, name) = (quoted(&index), Dialect::Sqlite.table(table));
    session.define(&format!("DROP INDEX IF EXISTS {index}"))?;
    if columns.is_empty() {
        return Ok(());
    }
    session.define(&format!("CREATE INDEX {index} ON {name} ({})", list(columns.iter().copied())))
}

/// The address of a file that nobody is writing to, by which it is read as one that does not change.
fn untouched(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if cfg!(windows) || Path::new(&format!("{text}-wal")).exists() {
        return None;
    }
    let mut uri = "file:".to_owned();
    // Two slashes would begin a host.
    uri.push_str(if text.starts_with('/') { "//" } else { "" });
    for byte in text.bytes() {
        if is_plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(uri + "?immutable=1")
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // Without the URI flag a file name that begins with `file:` is a file name.
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(conn)
}

impl ToSql for Scalar {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Scalar::Null => ValueRef::Null,
            Scalar::Int(integer) => ValueRef::Integer(*integer),
            Scalar::Real(real) => ValueRef::Real(*real),
            Scalar::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl From<Value> for Scalar {
    fn from(value: Value) -> Self {
        match value {
            Value::Null | Value::Blob(_) => Self::Null,
            Value::Integer(integer) => Self::Int(integer),
            Value::Real(real) => Self::Real(real),
            Value::Text(text) => Self::Text(text),
        }
    }
}

/// A column of a batch. SQLite has no decimals and no times: those are text, in the form that its own functions read.
enum Cells<'a> {
    Bool(&'a arrow_array::BooleanArray),
    Int(&'a arrow_array::PrimitiveArray<Int64Type>),
    Real(&'a arrow_array::PrimitiveArray<Float64Type>),
    Text(&'a arrow_array::StringArray),
    Bytes(&'a arrow_array::BinaryArray),
    Decimal(&'a arrow_array::PrimitiveArray<Decimal128Type>),
    Wide(&'a arrow_array::PrimitiveArray<Decimal256Type>),
    Timestamp(&'a arrow_array::PrimitiveArray<TimestampMicrosecondType>, bool),
    Date(&'a arrow_array::PrimitiveArray<Date32Type>),
    Time(&'a arrow_array::PrimitiveArray<Time64MicrosecondType>),
    // Kinds that no decoder makes.
    Other,
}

impl<'a> Cells<'a> {
    fn of(array: &'a dyn Array) -> Self {
        match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Int64 => Self::Int(array.as_primitive()),
            DataType::Float64 => Self::Real(array.as_primitive()),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Bytes(array.as_binary()),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive()),
            DataType::Decimal256(..) => Self::Wide(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Self::Timestamp(array.as_primitive(), zone.is_some())
            }
            DataType::Date32 => Self::Date(array.as_primitive()),
            DataType::Time64(TimeUnit::Microsecond) => Self::Time(array.as_primitive()),
            _ => Self::Other,
        }
    }

    fn bind(
        &self,
        row: usize,
        place: usize,
        to: &mut rusqlite::Statement,
        texts: &mut text::Texts,
    ) -> rusqlite::Result<()> {
        match self {
            Self::Bool(array) if array.is_valid(row) => to.raw_bind_parameter(place, array.value(row)),
            Self::Int(array) if array.is_valid(row) => to.raw_bind_parameter(place, array.value(row)),
            Self::Real(array) if array.is_valid(row) => to.raw_bind_parameter(place, array.value(row)),
            Self::Text(array) if array.is_valid(row) => to.raw_bind_parameter(place, array.value(row)),
            Self::Bytes(array) if array.is_valid(row) => to.raw_bind_parameter(place, array.value(row)),
            Self::Decimal(array) if array.is_valid(row) => {
                to.raw_bind_parameter(place, text::decimal(&array.value_as_string(row)))
            }
            Self::Wide(array) if array.is_valid(row) => {
                to.raw_bind_parameter(place, text::decimal(&array.value_as_string(row)))
            }
            Self::Timestamp(array, utc) if array.is_valid(row) => {
                to.raw_bind_parameter(place, texts.timestamp(array.value(row), *utc))
            }
            Self::Date(array) if array.is_valid(row) => {
                to.raw_bind_parameter(place, texts.date(array.value(row)))
            }
            Self::Time(array) if array.is_valid(row) => {
                to.raw_bind_parameter(place, texts.time(array.value(row)))
            }
            _ => to.raw_bind_parameter(place, rusqlite::types::Null),
        }
    }
}

/// Sorts a failure by what can be done about it.
fn sort(cause: &rusqlite::Error) -> SqlError {
    let kind = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqlErrorKind::Busy,
        Some(ErrorCode::DiskFull) => SqlErrorKind::DiskFull,
        // The index of its log could not be made larger.
        _ if cause.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHMSIZE) => {
            SqlErrorKind::DiskFull
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            SqlErrorKind::Denied
        }
        Some(ErrorCode::ConstraintViolation) => SqlErrorKind::UniqueViolation,
        Some(ErrorCode::NotADatabase) => SqlErrorKind::NoDatabase,
        Some(ErrorCode::DatabaseCorrupt) => SqlErrorKind::Damaged,
        _ => SqlErrorKind::Other,
    };
    SqlError { kind, message: cause.to_string() }
}
