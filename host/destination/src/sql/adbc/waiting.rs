//! What waits for the commit, where a database's definitions commit by themselves: statements that change rows.
//!
//! Tables are made and pages are sent as they come, outside of any transaction; whatever puts rows in their place waits, and is
//! done in one transaction with the checkpoint. What a run that was killed has left are tables of pages, which nothing names.

use crate::sql::dialect::Dialect;
use crate::sql::session::Scalar;
use crate::sql::spoken::inlined;

/// Statements that have not been sent.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    statements: Vec<(String, Vec<Scalar>)>,
    // How many there were when the step began that is under way.
    mark: usize,
    // Tables that go once the commit is done.
    drops: Vec<String>,
    is_sent: bool,
}

/// What is to be done with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is sent as it is.
    Now,
    /// It waits, or was not for the database.
    Kept,
}

impl Waiting {
    /// Takes a statement in, or says that it is to be sent.
    pub(super) fn take(&mut self, sql: &str, args: &[Scalar]) -> Turn {
        let first = sql.split_whitespace().next().unwrap_or_default();
        match first {
            _ if self.is_sent => return Turn::Now,
            "BEGIN" => *self = Self::default(),
            "SAVEPOINT" => self.mark = self.statements.len(),
            "ROLLBACK" => self.statements.truncate(self.mark),
            "RELEASE" => {}
            "INSERT" | "UPDATE" | "DELETE" | "ASSERT" => {
                self.drops.retain(|table| !sql.contains(table.as_str()));
                self.statements.push((sql.to_owned(), args.to_vec()));
            }
            "DROP" => {
                let table = sql.strip_prefix("DROP TABLE IF EXISTS ").unwrap_or_default();
                if table.is_empty() || !self.names(table) {
                    return Turn::Now;
                }
                // What waits needs it; a load that begins anew must not find its rows.
                self.statements.push((format!("DELETE FROM {table} WHERE 1 = 1"), Vec::new()));
                self.drops.push(table.to_owned());
            }
            _ => return Turn::Now,
        }
        Turn::Kept
    }

    /// A page's table, which goes with the commit.
    pub(super) fn page(&mut self, table: &str) {
        self.drops.push(table.to_owned());
    }

    /// Whether what a query reads is among what waits: by the table that each statement changes.
    pub(super) fn concerns(&self, query: &str) -> bool {
        !self.is_sent
            && self.statements.iter().any(|(sql, _)| changed(sql).is_some_and(|table| query.contains(table)))
    }

    fn names(&self, table: &str) -> bool {
        self.statements.iter().any(|(sql, _)| sql.contains(table))
    }

    pub(super) fn statements(&self) -> &[(String, Vec<Scalar>)] {
        &self.statements
    }

    /// All of it as one text, a transaction that ends with a statement.
    pub(super) fn script(&self, dialect: Dialect, last: &str) -> String {
        let waiting = self.statements.iter().map(|(sql, args)| inlined(dialect, sql, args));
        let all = [dialect.begin().to_owned()].into_iter().chain(waiting).chain([last.to_owned()]);
        all.map(|statement| format!("{statement};\n")).collect()
    }

    /// Whether they are in the open transaction.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    pub(super) fn sent(&mut self, is_sent: bool) {
        self.is_sent = is_sent;
    }

    /// The commit is done; what is to be dropped.
    pub(super) fn done(&mut self) -> Vec<String> {
        std::mem::take(self).drops
    }
}

/// The table that a statement changes, as it is written.
fn changed(sql: &str) -> Option<&str> {
    let rest = ["INSERT INTO ", "DELETE FROM ", "UPDATE "].iter().find_map(|verb| sql.strip_prefix(verb))?;
    let mut in_quotes = false;
    let end = rest.find(|c: char| {
        if c == '"' {
            in_quotes = !in_quotes;
        }
        !in_quotes && (c == ' ' || c == '(')
    });
    Some(rest.split_at(end.unwrap_or(rest.len())).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(waiting: &Waiting) -> Vec<&str> {
        waiting.statements().iter().map(|(sql, _)| sql.as_str()).collect()
    }

    #[test]
    fn rows_wait_and_definitions_do_not() {
        let mut waiting = Waiting::default();
        for (sql, turn) in [
            ("BEGIN", Turn::Kept),
            ("CREATE TABLE \"t\" (a bigint)", Turn::Now),
            ("INSERT INTO \"t\" (a) SELECT c0 FROM \"p0\"", Turn::Kept),
            ("SAVEPOINT step", Turn::Kept),
            ("INSERT INTO \"u\" (a) SELECT c0 FROM \"p1\"", Turn::Kept),
            ("ROLLBACK TO SAVEPOINT step", Turn::Kept),
            ("RELEASE SAVEPOINT step", Turn::Kept),
            ("DROP TABLE IF EXISTS \"u\"", Turn::Now),
            ("DROP TABLE IF EXISTS \"t\"", Turn::Kept),
        ] {
            assert_eq!(waiting.take(sql, &[]), turn, "{sql}");
        }
        assert_eq!(
            texts(&waiting),
            ["INSERT INTO \"t\" (a) SELECT c0 FROM \"p0\"", "DELETE FROM \"t\" WHERE 1 = 1"]
        );
        assert!(waiting.concerns("SELECT count(*) FROM \"t\""));
        assert!(!waiting.concerns("SELECT count(*) FROM \"p0\""));
        waiting.page("\"p0\"");
        waiting.sent(true);
        assert!(!waiting.concerns("SELECT count(*) FROM \"t\""));
        assert_eq!(waiting.take("COMMIT", &[]), Turn::Now);
        assert_eq!(waiting.done(), ["\"t\"", "\"p0\""]);
        assert_eq!(texts(&waiting), [""; 0]);
    }

    #[test]
    fn as_one_text() {
        let mut waiting = Waiting::default();
        waiting.take("INSERT INTO \"d\".\"t\" (\"a\") SELECT \"c0\" FROM \"d\".\"p\"", &[]);
        waiting.take(
            "UPDATE \"d\".\"s\" SET value = ? WHERE x = ?",
            &[Scalar::Text("it's".to_owned()), Scalar::Int(7)],
        );
        waiting.take("ASSERT (SELECT COUNT(*) FROM \"d\".\"s\") = 1 AS 'said'", &[]);
        assert_eq!(
            waiting.script(Dialect::BigQuery, "COMMIT TRANSACTION"),
            "BEGIN TRANSACTION;\nINSERT INTO `d`.`t` (`a`) SELECT `c0` FROM `d`.`p`;\n\
             UPDATE `d`.`s` SET value = 'it\\'s' WHERE x = 7;\nASSERT (SELECT COUNT(*) FROM `d`.`s`) = 1 AS 'said';\n\
             COMMIT TRANSACTION;\n"
        );
    }

    #[test]
    fn a_table_that_is_filled_again_stays() {
        let mut waiting = Waiting::default();
        for sql in
            ["INSERT INTO \"t\" VALUES (1)", "DROP TABLE IF EXISTS \"t\"", "INSERT INTO \"t\" VALUES (2)"]
        {
            assert_eq!(waiting.take(sql, &[]), Turn::Kept);
        }
        assert_eq!(waiting.done(), [""; 0]);
    }

    #[test]
    fn what_a_statement_changes() {
        for (sql, table) in [
            ("INSERT INTO \"a b\".\"c (d\" (x) SELECT 1", Some("\"a b\".\"c (d\"")),
            ("DELETE FROM \"t\"", Some("\"t\"")),
            ("UPDATE \"t\" SET x = 1", Some("\"t\"")),
            ("SELECT 1 FROM \"t\"", None),
        ] {
            assert_eq!(changed(sql), table, "{sql}");
        }
    }
}
