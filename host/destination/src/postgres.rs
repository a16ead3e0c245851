//! A session with a PostgreSQL server: statements, rows by COPY, one run at a time.

mod address;
mod connection;
mod copy;
mod failure;
mod jsonb;
#[cfg(test)]
mod messages_tests;
mod numeric;
mod scalar;
#[cfg(test)]
#[path = "../tests-support/postgres_server.rs"]
pub(crate) mod server;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

use std::fmt;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use arrow_array::RecordBatch;
use sha2::{Digest, Sha256};

pub use address::{AddressError, PostgresAddress};
use connection::Connection;
pub(crate) use failure::kind_by_code;

use crate::sql::dialect::{Dialect, quoted};
use crate::sql::session::{Locked, Refusal, Scalar, SqlError, SqlErrorKind, TableName, pairs};

/// Asks for the columns of a table and their types, in order. No row: it is not there. (A table may have no columns.)
pub(crate) const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM (SELECT to_regclass($1) AS id) t \
     LEFT JOIN pg_attribute a ON a.attrelid = t.id AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE t.id IS NOT NULL ORDER BY a.attnum";

/// What a table can have (PostgreSQL's manual, "PostgreSQL Limits").
pub(crate) const MAX_COLUMNS: usize = 1_600;
/// How long another session may hold a lock before it counts as a run.
const LOCK_WAIT_S: f64 = if cfg!(test) { 0.05 } else { 0.15 };
const LOCK_TRIES: u32 = 20;

/// An open connection. Dropped, it rolls back what was not committed, and lets go of its locks.
///
/// The client waits inside a runtime of its own, which another runtime does not allow on its threads: so the connection
/// has a thread, and callers wait for that.
pub(crate) struct Postgres {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl fmt::Debug for Postgres {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Postgres {
    pub(crate) fn connect(address: &PostgresAddress) -> Result<Self, SqlError> {
        let address = address.clone();
        let (jobs, waiting) = channel::<Job>();
        let (told, connected) = channel();
        let serve = move || match Connection::open(&address) {
            Ok(mut connection) => {
                let _ = told.send(Ok(()));
                waiting.into_iter().for_each(|job| job(&mut connection));
            }
            Err(error) => drop(told.send(Err(error))),
        };
        let thread = std::thread::Builder::new()
            .name("postgresql".to_owned())
            .spawn(serve)
            .map_err(|error| SqlError { kind: SqlErrorKind::Other, message: error.to_string() })?;
        connected.recv().unwrap_or_else(|_| Err(ended()))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn call<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let (told, done) = channel();
        let job: Job = Box::new(move |connection| drop(told.send(job(connection))));
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if sent { done.recv().unwrap_or_else(|_| Err(ended())) } else { Err(ended()) }
    }

    /// Takes the lock of a pipeline, or of a table, in a schema, until the connection ends. One that was killed a moment ago
    /// may still have to be noticed, so the server waits a little.
    ///
    /// # Errors
    /// `Busy`, with who holds it.
    pub(crate) fn lock(&mut self, schema: &str, locked: Locked<'_>) -> Result<(), SqlError> {
        let (kind, name) = match locked {
            Locked::Pipeline(name) => ("pipeline", name),
            Locked::Table(name) => ("table", name),
        };
        let key = lock_key(schema, &format!("{kind}\0{name}"));
        for again in (0..LOCK_TRIES).rev() {
            let taken = self.query("SELECT pg_try_advisory_lock($1)", &[Scalar::Int(key)])?;
            if taken == [[Scalar::Int(1)]] {
                return Ok(());
            }
            if again > 0 {
                self.batch(&format!("SELECT pg_sleep({LOCK_WAIT_S})"))?;
            }
        }
        // As `pg_locks` shows a key of 64 bits: its halves.
        let holder = self.query(
            "SELECT a.application_name || ', user ' || a.usename || coalesce(', from ' || host(a.client_addr), '') \
             || ', process ' || a.pid || ', since ' || date_trunc('second', a.backend_start)::text \
             FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted \
             AND l.objsubid = 1 AND l.classid::int8 = $1 AND l.objid::int8 = $2 \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            &[Scalar::Int((key as u64 >> 32) as i64), Scalar::Int(key & 0xFFFF_FFFF)],
        )?;
        let holder = match holder.first().map(Vec::as_slice) {
            Some([Scalar::Text(holder)]) => format!(" ({holder})"),
            _ => String::new(),
        };
        let message = format!("{kind} `{name}` is being loaded by another run{holder}");
        Err(SqlError { kind: SqlErrorKind::Busy, message })
    }

    /// Runs a statement; the answer is how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        let (sql, args) = (sql.to_owned(), args.to_vec());
        self.call(move |connection| connection.execute(&sql, &args))
    }

    /// Runs a statement; the answer is its rows.
    pub(crate) fn query(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let (sql, args) = (sql.to_owned(), args.to_vec());
        self.call(move |connection| connection.query(&sql, &args))
    }

    /// Runs several statements, in one transaction of their own where none is open.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        let sql = sql.to_owned();
        self.call(move |connection| connection.batch(&sql))
    }

    /// Ends the open transaction.
    ///
    /// # Errors
    /// `UnknownOutcome` if the connection was lost on the way. What the database says of an earlier failure in this
    /// transaction: nothing of it is kept then.
    pub(crate) fn commit(&mut self) -> Result<(), SqlError> {
        self.call(Connection::commit)
    }

    /// Adds rows to a table whose columns have these names. A batch that the table cannot hold is refused before anything
    /// is sent.
    pub(crate) fn ingest(&mut self, table: &TableName, batch: &RecordBatch) -> Result<u64, SqlError> {
        let (table, batch) = (table.clone(), batch.clone());
        self.call(move |connection| connection.ingest(&table, &batch))
    }

    /// The columns of a table and their types as the database writes them, in order. None if the table is not there.
    pub(crate) fn columns(&mut self, table: &TableName) -> Result<Option<Vec<(String, String)>>, SqlError> {
        self.query(COLUMNS, &[Scalar::Text(qualified(table))]).map(columns)
    }

    /// Makes the schema if it is not there. Two that do so at once, or make a table, would meet in the catalog: the other
    /// waits until the open transaction ends.
    pub(crate) fn make_schema(&mut self, schema: &str) -> Result<(), SqlError> {
        self.query("SELECT pg_advisory_xact_lock($1)", &[Scalar::Int(lock_key(schema, ""))])?;
        let name = Scalar::Text(schema.to_owned());
        let there = self.query("SELECT to_regnamespace(quote_ident($1)) IS NOT NULL", &[name])?;
        if there == [[Scalar::Int(1)]] {
            return Ok(());
        }
        // Who may use a schema may not therefore make one.
        self.batch(&format!("CREATE SCHEMA {}", quoted(schema)))
    }

    /// Whether nothing hangs on a table that would be lost with it, or stand in the way: views, foreign keys, triggers,
    /// policies, rights that were granted. One that is not there has nothing.
    pub(crate) fn can_swap(&mut self, table: &TableName) -> Result<bool, SqlError> {
        let plain = self.query(
            "SELECT c.relacl IS NULL AND c.relkind = 'r' AND NOT EXISTS (
                 SELECT 1 FROM pg_depend d LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
                 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n' AND a.oid IS NULL
             ) AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
             AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
             FROM pg_class c WHERE c.oid = to_regclass($1)",
            &[Scalar::Text(qualified(table))],
        )?;
        Ok(plain.is_empty() || plain == [[Scalar::Int(1)]])
    }

    /// Every value of a batch that no table could hold, as its columns are made here.
    pub(crate) fn refusals(batch: &RecordBatch) -> Vec<Refusal> {
        copy::refusals(batch)
    }
}

/// The answer to [`COLUMNS`].
pub(crate) fn columns(rows: Vec<Vec<Scalar>>) -> Option<Vec<(String, String)>> {
    if rows.is_empty() { None } else { Some(pairs(rows)) }
}

/// The connection's thread is gone.
fn ended() -> SqlError {
    SqlError { kind: SqlErrorKind::ConnectionLost, message: "connection closed".to_owned() }
}

/// The lock of a pipeline on a schema, as PostgreSQL's advisory locks want it: a number, the same on every machine.
fn lock_key(schema: &str, pipeline: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update(b"sanderling\0");
    hash.update(schema);
    hash.update(b"\0");
    hash.update(pipeline);
    let mut key = [0; 8];
    key.iter_mut().zip(hash.finalize()).for_each(|(place, byte)| *place = byte);
    i64::from_be_bytes(key)
}

fn qualified(table: &TableName) -> String {
    Dialect::Postgres.table(table)
}
