//! What waits for the commit, where a database's definitions commit by themselves: statements that change rows.
//!
//! Tables are made and pages are sent as they come, outside of any transaction; whatever puts rows in their place waits, and is
//! done in one transaction with the checkpoint. What a run that was killed has left are tables of pages, which nothing names.

use crate::sql::dialect::Dialect;
use crate::sql::session::{Change, Scalar, TableName};
use crate::sql::spoken::inlined;

/// Statements that have not been sent.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    statements: Vec<(Change, Vec<Scalar>)>,
    // Tables that go once the commit is done: those of pages, and others.
    pages: Vec<TableName>,
    drops: Vec<TableName>,
    // How many statements there were when the step began that is under way, and which tables were to go.
    mark: (usize, Vec<TableName>),
    is_sent: bool,
}

impl Waiting {
    /// Takes a statement in. A table that gets rows again stays.
    pub(super) fn change(&mut self, change: Change, args: &[Scalar]) {
        self.drops.retain(|table| *table != change.of);
        self.statements.push((change, args.to_vec()));
    }

    /// Whether any of it has to do with a table, so that this must stay until the commit.
    pub(super) fn concerns(&self, table: &TableName) -> bool {
        !self.is_sent && self.statements.iter().any(|(change, _)| change.concerns(table))
    }

    /// Whether any of it changes a table's rows.
    pub(super) fn changes(&self, table: &TableName) -> bool {
        !self.is_sent && self.statements.iter().any(|(change, _)| change.of == *table)
    }

    /// Takes a table away with the commit. Until then what waits needs it; a load that begins anew must not find its rows.
    pub(super) fn drop(&mut self, dialect: Dialect, table: &TableName) {
        let sql = format!("DELETE FROM {} WHERE 1 = 1", dialect.table(table));
        self.statements.push((Change::of(table, sql), Vec::new()));
        self.drops.push(table.clone());
    }

    /// A page's table, which goes with the commit.
    pub(super) fn page(&mut self, table: TableName) {
        self.pages.push(table);
    }

    pub(super) fn begin_step(&mut self) {
        self.mark = (self.statements.len(), self.drops.clone());
    }

    pub(super) fn take_back_step(&mut self) {
        let (count, drops) = &self.mark;
        self.statements.truncate(*count);
        self.drops.clone_from(drops);
    }

    pub(super) fn statements(&self) -> &[(Change, Vec<Scalar>)] {
        &self.statements
    }

    /// All of it as one text, a transaction that ends with a statement.
    pub(super) fn script(&self, dialect: Dialect, last: &str) -> String {
        let waiting = self.statements.iter().map(|(change, args)| inlined(dialect, &change.sql, args));
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
    pub(super) fn done(&mut self) -> Vec<TableName> {
        let Self { pages, drops, .. } = std::mem::take(self);
        drops.into_iter().chain(pages).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> TableName {
        TableName { schema: Some("d".to_owned()), name: name.to_owned() }
    }

    fn added(table: &str, page: &str) -> Change {
        let sql = format!("INSERT INTO \"d\".\"{table}\" (a) SELECT c0 FROM \"d\".\"{page}\"");
        Change::of(&named(table), sql).reading([named(page)])
    }

    fn texts(waiting: &Waiting) -> Vec<&str> {
        waiting.statements().iter().map(|(change, _)| change.sql.as_str()).collect()
    }

    #[test]
    fn a_step_that_is_taken_back() {
        let mut waiting = Waiting::default();
        waiting.change(added("t", "p0"), &[]);
        waiting.begin_step();
        waiting.change(added("u", "p1"), &[]);
        waiting.page(named("p1"));
        waiting.drop(Dialect::Ansi, &named("t"));
        waiting.take_back_step();
        assert_eq!(texts(&waiting), ["INSERT INTO \"d\".\"t\" (a) SELECT c0 FROM \"d\".\"p0\""]);
        assert!(waiting.concerns(&named("t")) && waiting.concerns(&named("p0")));
        assert!(!waiting.concerns(&named("u")));
        // A page that was sent has to go all the same.
        assert_eq!(waiting.done(), [named("p1")]);
    }

    #[test]
    fn a_table_that_is_needed_goes_with_the_commit() {
        let mut waiting = Waiting::default();
        waiting.change(added("t", "new"), &[]);
        assert!(waiting.changes(&named("t")) && !waiting.changes(&named("new")));
        waiting.drop(Dialect::Ansi, &named("new"));
        assert!(waiting.changes(&named("new")));
        waiting.sent(true);
        assert!(!waiting.concerns(&named("t")) && !waiting.changes(&named("t")));
        assert_eq!(
            texts(&waiting),
            [
                "INSERT INTO \"d\".\"t\" (a) SELECT c0 FROM \"d\".\"new\"",
                "DELETE FROM \"d\".\"new\" WHERE 1 = 1"
            ]
        );
        assert_eq!(waiting.done(), [named("new")]);
        assert_eq!(texts(&waiting), [""; 0]);
    }

    #[test]
    fn as_one_text() {
        let mut waiting = Waiting::default();
        waiting.change(added("t", "p"), &[]);
        let state = |sql: &str| Change::of(&named("s"), sql.to_owned());
        let args = [Scalar::Text("it's".to_owned()), Scalar::Int(7)];
        waiting.change(state("UPDATE \"d\".\"s\" SET value = ? WHERE x = ?"), &args);
        waiting.change(state("ASSERT (SELECT COUNT(*) FROM \"d\".\"s\") = 1 AS 'said'"), &[]);
        assert_eq!(
            waiting.script(Dialect::BigQuery, "COMMIT TRANSACTION"),
            "BEGIN TRANSACTION;\nINSERT INTO `d`.`t` (a) SELECT c0 FROM `d`.`p`;\n\
             UPDATE `d`.`s` SET value = 'it\\'s' WHERE x = 7;\nASSERT (SELECT COUNT(*) FROM `d`.`s`) = 1 AS 'said';\n\
             COMMIT TRANSACTION;\n"
        );
    }

    #[test]
    fn a_table_that_is_filled_again_stays() {
        let mut waiting = Waiting::default();
        waiting.change(added("t", "p"), &[]);
        waiting.drop(Dialect::Ansi, &named("t"));
        waiting.change(added("t", "q"), &[]);
        assert!(waiting.done().is_empty());
    }
}
