//! Pages on their way into tables: each into one of its own by the driver's bulk ingest, and from there by one statement.

use std::collections::HashMap;

use adbc_core::error::Error;
use adbc_core::options::{IngestMode, OptionStatement, OptionValue};
use adbc_core::{Connection as _, Optionable as _, Statement as _};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::DataType;
use sha2::{Digest as _, Sha256};

use super::{Adbc, arrays};
use crate::sql::dialect::{Dialect, list};
use crate::sql::session::{Change, Locked, Refusal, Scalar, SqlError, SqlErrorKind, TableName};
use crate::sql::spoken::stored;

/// The table in which a page waits to be added to its own.
const PAGE: &str = "_sanderling_page";

/// Tables of pages that are to last until their commit.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// How the names begin of those of this pipeline, and of this run.
    of_pipeline: String,
    of_run: String,
    schema: Option<String>,
    count: u64,
    /// How many commits there were. The first is that of opening, when whose turn it is is not known.
    commits: u64,
}

impl Adbc {
    /// Whose pages are sent, and where.
    pub(crate) fn works_in(&mut self, schema: Option<&str>, locked: Locked<'_>) {
        if let Locked::Pipeline(pipeline) = locked {
            // Of a pipeline in a schema: tables of pages may all be in one, and another schema's are not ours to drop.
            let whose = [schema.unwrap_or_default(), pipeline].map(|name| format!("{}:{name}", name.len()));
            let digest = Sha256::digest(whose.concat());
            let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            let of_pipeline = format!("{PAGE}_{digest}_");
            let of_run = format!("{of_pipeline}{:08x}_", fastrand::u32(..));
            self.pages = Pages { of_pipeline, of_run, schema: schema.map(str::to_owned), ..Pages::default() };
        }
    }

    /// Drops the tables of pages that runs of this pipeline have left. Whose turn it is was seen to by the commit before.
    pub(super) fn sweep(&mut self) -> Result<(), SqlError> {
        self.pages.commits += 1;
        if self.pages.commits != 2 {
            return Ok(());
        }
        let begins = stored(self.dialect, &self.pages.of_pipeline).into_owned();
        let rows = self.ask(&self.dialect.tables_like(self.pages.schema.as_deref(), &begins), &[])?;
        for name in rows.into_iter().flatten() {
            let Scalar::Text(name) = name else { continue };
            let name = stored(self.dialect, &name).into_owned();
            if name.starts_with(&self.pages.of_pipeline) && !name.starts_with(&self.pages.of_run) {
                self.send(
                    &format!("DROP TABLE IF EXISTS {}", self.dialect.table(&self.page_table(&name))),
                    &[],
                )?;
            }
        }
        Ok(())
    }

    /// A page's table. Where a driver puts it: in the schema that the session works in, for BigQuery in the one it is told.
    fn page_table(&self, name: &str) -> TableName {
        let schema = self.pages.schema.clone().filter(|_| self.dialect == Dialect::BigQuery);
        TableName { schema, name: name.to_owned() }
    }

    /// Adds rows by way of a table of their own, out of which each value becomes what its column is.
    pub(crate) fn ingest(
        &mut self,
        table: &TableName,
        kinds: Option<&HashMap<String, String>>,
        batch: &RecordBatch,
    ) -> Result<u64, SqlError> {
        if let Some(Refusal { row, column, reason }) = self.refusals(batch).into_iter().next() {
            return Err(SqlError { kind: SqlErrorKind::Value { row, column }, message: reason });
        }
        let page = arrays::page_of(self.dialect, batch).map_err(|error| self.failed(&error.into()))?;
        let kinds = kinds.filter(|_| self.dialect.casts());
        let (page_name, waits) = match &self.waiting {
            None => (PAGE.to_owned(), None),
            Some(_) => {
                self.pages.count += 1;
                let name = format!("{}{}", self.pages.of_run, self.pages.count);
                (stored(self.dialect, &name).into_owned(), Some(self.page_table(&name)))
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
        let mut sent = send().map_err(|error| self.failed(&error));
        if let Some(page) = &waits {
            sent = sent.and_then(|()| self.is_there(page, batch.num_rows()));
            if sent.is_err() {
                // What came of it would take room until the run after this one.
                let _ = self.send(&format!("DROP TABLE IF EXISTS {}", self.dialect.table(page)), &[]);
            }
        }
        sent?;
        let schema = batch.schema();
        let columns = list(schema.fields().iter().map(|field| field.name().as_str()));
        let sent = schema.fields().iter().zip(page.columns()).enumerate().map(|(place, (field, array))| {
            let kind = kinds.and_then(|kinds| kinds.get(field.name()));
            // As the driver writes it, which no database reads as another.
            let own = crate::sql::dialect::quoted(&stored(self.dialect, &arrays::name_of(place)));
            match kind {
                Some(kind) if *array.data_type() == DataType::Utf8 => self.dialect.made_of_text(&own, kind),
                _ => own,
            }
        });
        let (sent, name) = (sent.collect::<Vec<_>>().join(", "), self.dialect.table(table));
        let added = |of: &str| format!("INSERT INTO {name} ({columns}) SELECT {sent} FROM {of}");
        match (&mut self.waiting, waits) {
            (Some(waiting), Some(page)) => {
                let change = Change::of(table, added(&self.dialect.table(&page))).reading([page.clone()]);
                waiting.change(change, &[]);
                waiting.page(page);
            }
            _ => {
                let of = self.dialect.temporary(PAGE);
                self.batch(&added(&of))?;
                self.batch(&format!("DROP TABLE {of}"))?;
            }
        }
        Ok(batch.num_rows() as u64)
    }

    /// Whether a page that was committed by itself has all its rows: DuckDB's driver says so even when its disk was full.
    fn is_there(&mut self, page: &TableName, rows: usize) -> Result<(), SqlError> {
        let found = self.ask(&format!("SELECT count(*) FROM {}", self.dialect.table(page)), &[])?;
        let count = match found.first().and_then(|row| row.first()) {
            Some(Scalar::Int(count)) => usize::try_from(*count).ok(),
            Some(Scalar::Text(count)) => count.parse().ok(),
            _ => None,
        };
        if count == Some(rows) {
            return Ok(());
        }
        let message = format!("its driver has taken {rows} rows of a page, and not all of them are there");
        Err(SqlError { kind: SqlErrorKind::Other, message })
    }
}
