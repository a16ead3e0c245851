//! Whose turn it is to commit, where a database has no lock that ends with its holder: a row that each commit replaces.
//!
//! Two runs of a pipeline may load at once; the first to commit takes the turn, and the other's commit finds another row than
//! the one it knows, and is refused with all that it wrote. Nothing is left behind that would have to be cleaned up.

use super::dialect::Dialect;
use super::ledger::{self, STATE};
use super::session::{Change, Scalar, Session, SqlError, SqlErrorKind};

/// What is said of a turn that was taken.
pub(super) const ANOTHER: &str = "is being loaded by another run";

/// The entry of the row, beside those of the state.
pub(super) const ENTRY: &str = "turn";

/// What the row held when it was last seen.
#[derive(Debug)]
pub(super) struct Turn {
    seen: String,
    // What the commit under way has put there, if no other has taken the turn.
    next: String,
}

impl Turn {
    /// One that was opened, for tests.
    #[cfg(test)]
    pub(super) fn known() -> Self {
        Self { seen: fresh(), next: String::new() }
    }

    /// Makes the row if it is not there. In an open transaction that has written the state's version, which no two do at once.
    pub(super) fn open(
        session: &mut Session,
        schema: Option<&str>,
        pipeline: &str,
    ) -> Result<Self, SqlError> {
        let (name, dialect) = (ledger::table_of(schema, STATE), session.dialect());
        let state = dialect.table(&name);
        let [one, two, three] = [1, 2, 3].map(|place| dialect.argument(place));
        let found = session.query(
            &[&name],
            &format!("SELECT value FROM {state} WHERE pipeline = {one} AND entry = {two}"),
            &[text(pipeline), text(ENTRY)],
        )?;
        let mut found: Vec<Scalar> = found.into_iter().flatten().collect();
        if let Some(Scalar::Text(seen)) = found.pop() {
            // Where no key forbids it, two runs may have made one each at the very first.
            for other in found {
                let sql = format!(
                    "DELETE FROM {state} WHERE pipeline = {one} AND entry = {two} AND value = {three}"
                );
                session.change(&Change::of(&name, sql), &[text(pipeline), text(ENTRY), other])?;
            }
            return Ok(Self { seen, next: String::new() });
        }
        let seen = fresh();
        let sql = format!("INSERT INTO {state} VALUES ({one}, {two}, {three})");
        session.change(&Change::of(&name, sql), &[text(pipeline), text(ENTRY), text(&seen)])?;
        Ok(Self { seen, next: String::new() })
    }

    /// Takes the next turn, in the transaction that is to be committed, unless another run has.
    pub(super) fn take(
        &mut self,
        session: &mut Session,
        schema: Option<&str>,
        pipeline: &str,
    ) -> Result<(), SqlError> {
        let (name, dialect) = (ledger::table_of(schema, STATE), session.dialect());
        let state = dialect.table(&name);
        let [one, two, three, four] = [1, 2, 3, 4].map(|place| dialect.argument(place));
        self.next = fresh();
        let sql = format!(
            "UPDATE {state} SET value = {one} WHERE pipeline = {two} AND entry = {three} AND value = {four}"
        );
        let args = [text(&self.next), text(pipeline), text(ENTRY), text(&self.seen)];
        session.change(&Change::of(&name, sql), &args)
    }

    /// Whether it was taken, before the transaction is committed.
    ///
    /// # Errors
    /// `Busy` if another run has taken it since.
    pub(super) fn check(
        &mut self,
        session: &mut Session,
        schema: Option<&str>,
        pipeline: &str,
    ) -> Result<(), SqlError> {
        let (name, dialect) = (ledger::table_of(schema, STATE), session.dialect());
        let state = dialect.table(&name);
        let [one, two, three] = [1, 2, 3].map(|place| dialect.argument(place));
        if dialect == Dialect::BigQuery {
            // Its transaction is one text, which ends here if it is not so.
            let sql = format!(
                "ASSERT (SELECT COUNT(*) FROM {state} WHERE pipeline = {one} AND entry = {two} AND value = {three}) = 1 \
                 AS '{ANOTHER}'"
            );
            session.change(&Change::of(&name, sql), &[text(pipeline), text(ENTRY), text(&self.next)])?;
            self.seen.clone_from(&self.next);
            return Ok(());
        }
        session.flush()?;
        // Not every driver tells how many rows a statement has changed.
        let found = session.query(
            &[&name],
            &format!("SELECT value FROM {state} WHERE pipeline = {one} AND entry = {two}"),
            &[text(pipeline), text(ENTRY)],
        )?;
        if found != [[text(&self.next)]] {
            let message = format!("pipeline `{pipeline}` {ANOTHER}");
            return Err(SqlError { kind: SqlErrorKind::Busy, message });
        }
        self.seen.clone_from(&self.next);
        Ok(())
    }
}

fn fresh() -> String {
    format!("{:032x}", fastrand::u128(..))
}

fn text(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}
