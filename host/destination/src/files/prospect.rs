//! What a run would be refused, and what its files would become, found out from a folder or store that is only looked at.

use std::path::Path;

use sanderling_columns::{Column, Schema};

use super::format::Format;
use super::ledger::Ledger;
use super::{Files, Folders, Form};
use crate::error::{DataError, DestinationError};
use crate::jsonl::{self, Lines};
use crate::objects::Objects;
use crate::parquet::{self, Parquet};
use crate::prospect::Expected;
use crate::shape::first_schema;
use crate::store::StoreAddress;
use crate::table::{Rows, Table, Written};

impl Files {
    /// One that nothing is written with.
    pub(crate) fn to_look(
        form: Form,
        dir: &Path,
        state_dir: &Path,
        pipeline: &str,
    ) -> Result<Self, DestinationError> {
        let folders = Folders { data: dir.to_owned(), state: state_dir.to_owned() };
        let pipelines = Self::look(form, state_dir)?.unwrap_or_default();
        let format = match form {
            Form::Lines => Format::Lines(Lines::default()),
            Form::Parquet => Format::Parquet(Parquet::default()),
        };
        Ok(Self { ledger: Ledger::to_look(folders, pipeline, pipelines), format })
    }

    /// The same of a store.
    pub(crate) fn store_to_look(
        form: Form,
        address: &StoreAddress,
        pipeline: &str,
    ) -> Result<Self, DestinationError> {
        let pipelines = Self::look_store(form, address)?.unwrap_or_default();
        let folders = Folders { data: address.to_string().into(), state: address.to_string().into() };
        let format = Format::Objects(Objects::new(form));
        Ok(Self { ledger: Ledger::to_look(folders, pipeline, pipelines), format })
    }

    /// Refuses a table as [`Files::begin`] would.
    pub(crate) fn foresee_begin(&self, table: &Table) -> Result<(), DestinationError> {
        self.check(table)?;
        match &self.format {
            Format::Lines(_) => jsonl::check_others(&self.ledger, table),
            Format::Parquet(_) | Format::Objects(_) => {
                parquet::check_others(&self.ledger, std::iter::empty(), table)
            }
        }
    }

    /// The columns that a load of a table begins with: those that are there, unless it makes them anew.
    pub(crate) fn schema_of(&self, table: &Table) -> Schema {
        first_schema(table, &self.ledger.files_of(&table.resource).schema)
    }

    pub(crate) fn foresee_breaches(
        &self,
        table: &Table,
        page: &Rows,
        schema: Option<Schema>,
    ) -> Result<Vec<DataError>, DestinationError> {
        match self.has_columns() {
            true => parquet::breaches(table, page, schema.unwrap_or_else(|| self.schema_of(table))),
            false => crate::declared::breaches(table, page),
        }
    }

    /// Learns the columns of a page.
    pub(crate) fn foresee(
        &self,
        table: &Table,
        page: &Rows,
        schema: &mut Schema,
    ) -> Result<Written, DestinationError> {
        if !self.has_columns() {
            return Ok(Written { rows: page.count, ..Written::default() });
        }
        parquet::foresee(table, page, schema)
    }

    /// What files of a resource would have that those which are there do not.
    pub(crate) fn foreseen(
        &self,
        table: &Table,
        schema: Option<&Schema>,
    ) -> Result<Vec<Expected>, DestinationError> {
        let there = self.ledger.held().and_then(|held| held.files.get(&table.resource));
        let own = |is_there, columns| Expected {
            table: table.resource.clone(),
            is_there,
            columns,
            times: Vec::new(),
        };
        if let Format::Lines(_) = &self.format {
            let path = self.ledger.folders.data_path(&table.resource);
            return Ok(vec![own(super::part::length_of(&path)?.is_some(), Vec::new())]);
        }
        let is_there = there.is_some_and(|files| !files.visible.is_empty());
        let tables = schema.map(|schema| schema.tables.as_slice()).unwrap_or_default();
        let has = there.map(|files| &files.schema);
        let expected = tables.iter().enumerate().map(|(at, of)| {
            let known = has.and_then(|has| if at == 0 { has.tables.first() } else { has.table(&of.name) });
            let new = |column: &Column| match known.and_then(|it| it.column(&column.name)) {
                Some(known) => column.grown_since(known),
                None => vec![column.clone()],
            };
            let columns = of.columns.iter().flat_map(new).collect();
            match at {
                0 => own(is_there, columns),
                _ => {
                    Expected { table: of.name.clone(), is_there: known.is_some(), columns, times: Vec::new() }
                }
            }
        });
        let expected: Vec<Expected> = expected.collect();
        Ok(if expected.is_empty() { vec![own(is_there, Vec::new())] } else { expected })
    }
}
