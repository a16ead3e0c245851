//! The transaction of a session through a driver, and what waits for it where definitions commit by themselves.

use adbc_core::options::{OptionConnection, OptionValue};
use adbc_core::{Connection as _, Optionable as _};

use super::Adbc;
use super::waiting::Waiting;
use crate::sql::dialect::Dialect;
use crate::sql::session::{
    BEGIN_STEP, Change, END_STEP, Scalar, SqlError, SqlErrorKind, TAKE_BACK_STEP, TableName,
};

impl Adbc {
    pub(crate) fn change(&mut self, change: &Change, args: &[Scalar]) -> Result<(), SqlError> {
        match self.waiting.as_mut().filter(|waiting| !waiting.is_sent()) {
            Some(waiting) => waiting.change(change.clone(), args),
            None => self.send(&change.sql, args)?,
        }
        Ok(())
    }

    /// Takes a table away if it is there; at the commit, if what waits for that has to do with it.
    pub(crate) fn drop(&mut self, table: &TableName) -> Result<(), SqlError> {
        match self.waiting.as_mut().filter(|waiting| waiting.concerns(table)) {
            Some(waiting) => waiting.drop(self.dialect, table),
            None => self.batch(&format!("DROP TABLE IF EXISTS {}", self.dialect.table(table)))?,
        }
        Ok(())
    }

    pub(crate) fn begin(&mut self) -> Result<(), SqlError> {
        match &mut self.waiting {
            Some(waiting) => *waiting = Waiting::default(),
            None => self.batch(self.dialect.begin())?,
        }
        Ok(())
    }

    pub(crate) fn begin_step(&mut self) -> Result<(), SqlError> {
        match &mut self.waiting {
            Some(waiting) => waiting.begin_step(),
            None => self.batch(BEGIN_STEP)?,
        }
        Ok(())
    }

    pub(crate) fn end_step(&mut self) -> Result<(), SqlError> {
        if self.waiting.is_some() { Ok(()) } else { self.batch(END_STEP) }
    }

    pub(crate) fn take_back_step(&mut self) -> Result<(), SqlError> {
        match &mut self.waiting {
            Some(waiting) => waiting.take_back_step(),
            None => {
                self.batch(TAKE_BACK_STEP)?;
                self.batch(END_STEP)?;
            }
        }
        Ok(())
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
                self.send_as_it_is(&self.script("COMMIT TRANSACTION"), &[]).map_err(unknown)?
            }
            Dialect::Ansi => {
                self.flush()?;
                self.connection.commit().map_err(|error| unknown(self.failed(&error)))?;
                self.auto_commit(true)?;
            }
            _ => {
                self.flush()?;
                self.send("COMMIT", &[]).map_err(unknown)?;
            }
        }
        // The rows are there; a table that stays is dropped by a later run.
        for table in self.waiting.as_mut().map(Waiting::done).unwrap_or_default() {
            let _ = self.send(&format!("DROP TABLE IF EXISTS {}", self.dialect.table(&table)), &[]);
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
            dialect => self.send(dialect.begin(), &[])?,
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.sent(true);
        }
        let done = statements.iter().try_for_each(|(change, args)| self.send(&change.sql, args));
        if done.is_err() {
            // A part of it must not be committed.
            let _ = self.roll_back();
        }
        done
    }

    pub(super) fn roll_back(&mut self) -> Result<(), SqlError> {
        match self.dialect {
            Dialect::Ansi => {
                self.connection.rollback().map_err(|error| self.failed(&error))?;
                self.auto_commit(true)?;
            }
            _ => self.send("ROLLBACK", &[])?,
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.sent(false);
        }
        Ok(())
    }

    /// What waits as one text, a transaction that ends with a statement.
    pub(super) fn script(&self, last: &str) -> String {
        self.waiting.as_ref().map(|waiting| waiting.script(self.dialect, last)).unwrap_or_default()
    }

    pub(super) fn auto_commit(&mut self, is_on: bool) -> Result<(), SqlError> {
        let value = OptionValue::from(is_on);
        self.connection.set_option(OptionConnection::AutoCommit, value).map_err(|error| self.failed(&error))
    }
}
