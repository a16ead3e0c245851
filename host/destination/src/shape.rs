//! How a table's rows become columns, as far as its config says.

use sanderling_columns::{Contract, Declared, Names, Nested, Options, Schema, SystemNames, Version};

use crate::column::Column;
use crate::strategy::DELETED_AT;
use crate::table::{Disposition, Table};

/// What a config says of all columns of a table. Files of lines have none, and pass over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// What becomes of objects and arrays; none: structs and lists where the destination has them, else JSON.
    pub nested: Option<Nested>,
    /// How fields name columns.
    pub names: Names,
    /// What may change once a load was finished.
    pub contract: Contract,
    /// The names of the columns that are added.
    pub system: SystemNames,
}

impl Default for Shape {
    fn default() -> Self {
        Self { nested: None, names: Names::SnakeCase, contract: Contract::EVOLVE, system: SystemNames::Ours }
    }
}

impl Shape {
    /// The name of a resource's table: in tables like dlt's, as dlt would name it.
    #[must_use]
    pub fn table_name(&self, name: &str) -> String {
        match self.system {
            SystemNames::Ours => name.to_owned(),
            SystemNames::Dlt => sanderling_columns::identifier(Names::SnakeCase, name),
        }
    }
}

/// What the decoder is told of a table. `nested` holds where the config says nothing.
pub(crate) fn options(table: &Table, nested: Nested, max_name_bytes: Option<usize>) -> Options {
    Options {
        nested: table.shape.nested.unwrap_or(nested),
        names: table.shape.names,
        contract: table.shape.contract,
        system: table.shape.system,
        max_name_bytes,
        columns: table.columns.iter().map(declared).collect(),
        version: table.history().map(|history| match &history.version_field {
            Some(field) => Version::Field(field.clone()),
            None => Version::Row,
        }),
        reserved: reserved(table),
        key: table.primary_key.iter().chain(&table.merge_key).cloned().collect(),
        ..Options::new(&table.name)
    }
}

/// The columns with which a load into files begins, where `known` are those of the rows that are there. Rows that take
/// the place of all of them have their own, unless the contract holds them to these.
pub(crate) fn first_schema(table: &Table, known: &Schema) -> Schema {
    match table.disposition {
        Disposition::Replace | Disposition::Merge if table.shape.contract == Contract::EVOLVE => {
            Schema::default()
        }
        _ => known.clone(),
    }
}

/// The columns that a table gets behind those of its rows.
pub(crate) fn reserved(table: &Table) -> Vec<String> {
    let (from, to) = table.history().map(|history| history.columns(table.shape.system)).unzip();
    let deleted_at = table.delete_absent.filter(|absent| absent.mark).map(|_| DELETED_AT);
    from.into_iter().chain(to).chain(deleted_at).map(str::to_owned).collect()
}

fn declared(column: &Column) -> Declared {
    Declared {
        name: column.name.clone(),
        data_type: column.data_type,
        nullable: column.nullable,
        precision: column.digits,
        naive: column.naive,
    }
}
