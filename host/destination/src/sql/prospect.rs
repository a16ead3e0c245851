//! What a run would be refused, and what its tables would become, found out from a database that is only looked at.

use sanderling_columns::{Column, Schema, TableSchema};

use super::Sql;
use super::looking::Looking;
use super::page;
use super::place::sort;
use crate::error::DestinationError;
use crate::prospect::Expected;
use crate::shape::reserved;
use crate::table::{Disposition, Rows, Table, Written};

impl Sql {
    /// One that nothing is written with.
    pub(crate) fn to_look(mut looking: Looking, pipeline: &str) -> Result<Self, DestinationError> {
        let mut ledgers = looking.ledgers()?.unwrap_or_default();
        let committed = ledgers.remove(pipeline).unwrap_or_default();
        let Looking { session, place, schema } = looking;
        Ok(Self::behind(session, place, schema, pipeline, committed))
    }

    /// Refuses a table as [`Sql::begin`] would.
    pub(crate) fn foresee_begin(&mut self, table: &Table) -> Result<(), DestinationError> {
        self.check(table)?;
        self.check_ours(table)
    }

    /// Learns the columns of a page, and refuses it as [`Sql::write`] would.
    pub(crate) fn foresee(&mut self, table: &Table, rows: &Rows) -> Result<Written, DestinationError> {
        let before = self.notes.get(&table.resource).map(|note| note.schema.clone()).unwrap_or_default();
        let mut schema = before.clone();
        let read = page::read(table, rows, &mut schema, self.dialect(), 0, None, None)?;
        self.check_width(table, &before, &schema, 0)?;
        self.check_lists(table, &before, &schema)?;
        let new_columns = super::added(&before, &schema);
        self.notes.entry(table.resource.clone()).or_default().schema = schema;
        Ok(Written {
            rows: rows.count - read.discarded_rows,
            new_columns,
            discarded_rows: read.discarded_rows,
            discarded_values: read.discarded_values,
        })
    }

    /// What the tables of a resource lack of what is known of its rows.
    pub(crate) fn foreseen(&mut self, table: &Table) -> Result<Vec<Expected>, DestinationError> {
        let mut schema: Schema =
            self.notes.get(&table.resource).map(|note| note.schema.clone()).unwrap_or_default();
        if schema.tables.is_empty() {
            schema.tables.push(page::without_rows(table, self.dialect())?);
        }
        let times = if table.disposition == Disposition::Merge { reserved(table) } else { Vec::new() };
        let before = self.committed.notes.get(&table.resource).map(|note| &note.schema);
        let mut expected = Vec::new();
        for (at, TableSchema { name, columns, .. }) in schema.tables.into_iter().enumerate() {
            let named = self.named(if at == 0 { &table.name } else { &name });
            let had =
                before.and_then(|before| if at == 0 { before.tables.first() } else { before.table(&name) });
            let known =
                self.known.columns(&mut self.session, &named).map_err(|error| sort(&self.place, error))?;
            let lacks = |column: &String| known.is_none_or(|known| !known.contains_key(column));
            let news = |column: Column| match had.and_then(|had| had.column(&column.name)) {
                Some(had) if !lacks(&column.name) => column.grown_since(had),
                _ if !lacks(&column.name) => Vec::new(),
                _ => vec![column],
            };
            expected.push(Expected {
                table: named.name.clone(),
                is_there: known.is_some(),
                columns: columns.into_iter().flat_map(news).collect(),
                times: times.iter().filter(|name| at == 0 && lacks(name)).cloned().collect(),
            });
        }
        Ok(expected)
    }
}
