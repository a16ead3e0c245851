//! The transaction that everything until the next commit is in, and steps of it that are done as a whole or not at all.

use super::Sql;
use super::place::sort;
use super::session::Statement;
use crate::error::DestinationError;

impl Sql {
    /// Does all of `step` or, on an error, nothing: what came before it stays in the transaction.
    pub(super) fn atomically<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, DestinationError>,
    ) -> Result<T, DestinationError> {
        self.begin_transaction()?;
        let has_savepoints = self.session.dialect().has_savepoints();
        if has_savepoints {
            self.session.begin_step().map_err(|error| self.failed(error))?;
        }
        let done = step(self).and_then(|done| {
            if has_savepoints {
                self.session.end_step().map_err(|error| self.failed(error))?;
            }
            Ok(done)
        });
        if done.is_err() {
            self.known.forget();
            self.stopped = if has_savepoints {
                self.session.take_back_step().is_err()
            } else {
                // What is refused by name is refused before anything is written.
                !matches!(
                    done,
                    Err(DestinationError::Name(_)
                        | DestinationError::NotOurs { .. }
                        | DestinationError::Corrupt { .. })
                )
            };
        }
        done
    }

    pub(super) fn begin_transaction(&mut self) -> Result<(), DestinationError> {
        self.check_going()?;
        if !self.in_transaction {
            self.session.begin().map_err(|error| self.failed(error))?;
            self.in_transaction = true;
        }
        Ok(())
    }

    pub(super) fn run(&mut self, statements: &[Statement]) -> Result<(), DestinationError> {
        statements
            .iter()
            .try_for_each(|statement| self.session.run(statement))
            .map_err(|error| sort(&self.place, error))
    }
}
