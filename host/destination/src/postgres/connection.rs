//! One connection to a server, as its thread has it: statements, and rows by COPY.

use std::collections::HashMap;
use std::io::Write as _;

use arrow_array::RecordBatch;
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement};

use super::copy::Copy;
use super::{PostgresAddress, failure, qualified, tls};
use crate::sql::dialect::list;
use crate::sql::session::{Scalar, SqlError, SqlErrorKind, TableName};

/// What every session is set to: plain forms for values as text, and no end of the session while an API is waited for.
/// A table that someone else has locked (a long query, an open transaction) is waited for, though not for ever.
const SETTINGS: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET client_min_messages = warning; \
    SET standard_conforming_strings = on; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s'";
/// What statements begin with that change no table's columns.
const KEEP_TABLES: [&str; 5] = ["SAVEPOINT", "RELEASE", "BEGIN", "DELETE", "INSERT"];
/// As many prepared statements are kept.
const KEPT_STATEMENTS: usize = 64;

/// A connection, and what is remembered of its statements.
pub(super) struct Connection {
    client: Client,
    // By their text: those whose answer has no columns, so that no change of a table spoils them.
    prepared: HashMap<String, Statement>,
    // Types of the columns of a COPY, by its text.
    copied: HashMap<String, Vec<Type>>,
}

impl Connection {
    pub(super) fn open(address: &PostgresAddress) -> Result<Self, SqlError> {
        let tls =
            tls::connector(address).map_err(|message| SqlError { kind: SqlErrorKind::Denied, message })?;
        let mut client = address.config().connect(tls).map_err(|error| failure::sort(&error))?;
        client.batch_execute(SETTINGS).map_err(|error| failure::sort(&error))?;
        Ok(Self { client, prepared: HashMap::new(), copied: HashMap::new() })
    }

    pub(super) fn execute(&mut self, sql: &str, args: &[Scalar]) -> Result<u64, SqlError> {
        let statement = match self.prepared.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.client.prepare(sql).map_err(|error| failure::sort(&error))?;
                if self.prepared.len() >= KEPT_STATEMENTS {
                    self.prepared.clear();
                }
                if statement.columns().is_empty() {
                    self.prepared.insert(sql.to_owned(), statement.clone());
                }
                statement
            }
        };
        let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| arg as _).collect();
        self.client.execute(&statement, &args).map_err(|error| self.failed(&error))
    }

    pub(super) fn query(&mut self, sql: &str, args: &[Scalar]) -> Result<Vec<Vec<Scalar>>, SqlError> {
        let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| arg as _).collect();
        let rows = self.client.query(sql, &args).map_err(|error| self.failed(&error))?;
        let read = |row: &postgres::Row| (0..row.len()).map(|at| row.try_get(at)).collect();
        let rows: Result<_, postgres::Error> = rows.iter().map(read).collect();
        rows.map_err(|error| failure::sort(&error))
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        // Of all else tables may be others now.
        if !KEEP_TABLES.iter().any(|word| sql.starts_with(word)) {
            self.copied.clear();
        }
        self.client.batch_execute(sql).map_err(|error| self.failed(&error))
    }

    pub(super) fn commit(&mut self) -> Result<(), SqlError> {
        // After a failure the server answers COMMIT by rolling back, as if all were well. A statement before it fails.
        self.client.batch_execute("SELECT 1; COMMIT").map_err(|error| failure::sort_commit(&error))
    }

    pub(super) fn ingest(&mut self, table: &TableName, batch: &RecordBatch) -> Result<u64, SqlError> {
        if batch.num_rows() == 0 {
            return Ok(0);
        }
        let columns = list(batch.schema_ref().fields().iter().map(|field| field.name().as_str()));
        let sql = format!("COPY {} ({columns}) FROM STDIN (FORMAT binary)", qualified(table));
        if !self.copied.contains_key(&sql) {
            let select = format!("SELECT {columns} FROM {}", qualified(table));
            let statement = self.client.prepare(&select).map_err(|error| self.failed(&error))?;
            let types = statement.columns().iter().map(|column| column.type_().clone()).collect();
            self.copied.insert(sql.clone(), types);
        }
        let types = self.copied.get(&sql).map(Vec::as_slice).unwrap_or_default();
        let copy = Copy::new(batch, types).map_err(|refusal| SqlError {
            message: refusal.to_string(),
            kind: SqlErrorKind::Value { row: refusal.row, column: refusal.column },
        })?;
        let mut writer = self.client.copy_in(&sql).map_err(|error| failure::sort(&error))?;
        // What goes wrong on the way is told at the end.
        let sent = copy.write(|chunk| writer.write_all(chunk));
        writer.finish().map_err(|error| match sent {
            Err(sent) if error.is_closed() => sent
                .get_ref()
                .and_then(|cause| cause.downcast_ref())
                .map_or_else(|| failure::sort(&error), failure::sort),
            _ => failure::sort(&error),
        })
    }

    /// Sorts a failure, and forgets what it may have spoiled.
    fn failed(&mut self, error: &postgres::Error) -> SqlError {
        self.copied.clear();
        failure::sort(error)
    }
}
