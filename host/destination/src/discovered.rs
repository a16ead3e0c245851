//! What a pipeline's rows have turned out to be: the tables of its resources, and the statements that make them.

use std::collections::BTreeMap;

use sanderling_columns::Schema;

use crate::files::Form;
use crate::files::journal::Held;
use crate::sql::definition;
use crate::sql::dialect::Dialect;

/// A kind of database, for which tables can be defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Engine(pub(crate) Dialect);

impl Engine {
    /// SQLite.
    pub const SQLITE: Self = Self(Dialect::Sqlite);
    /// DuckDB.
    pub const DUCKDB: Self = Self(Dialect::DuckDb);
    /// PostgreSQL.
    pub const POSTGRESQL: Self = Self(Dialect::Postgres);

    /// The statements that make the tables, parents first, none of them ended by a semicolon.
    #[must_use]
    pub fn definitions(self, discovered: &Discovered) -> Vec<String> {
        definition::definitions(self.0, discovered)
    }

    /// Whether decimals are texts in its tables: its numbers would round them.
    #[must_use]
    pub fn has_no_decimals(self) -> bool {
        self.0 == Dialect::Sqlite
    }
}

/// The tables of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Their columns. At least one table.
    pub schema: Schema,
    /// Columns of times that the resource's own table has behind these: from when to when a row held, when it was missed.
    pub times: Vec<String>,
}

/// The tables of all resources that rows have come of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discoveries {
    /// What they are in; for files, what they are most like.
    pub engine: Engine,
    resources: BTreeMap<String, Discovered>,
}

impl Discoveries {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, resources: BTreeMap::new() }
    }

    pub(crate) fn insert(&mut self, resource: String, discovered: Discovered) {
        self.resources.insert(resource, discovered);
    }

    /// What files of a pipeline have: those that are to be seen, or else those of a load that is not finished.
    pub(crate) fn of_files(form: Form, held: &Held) -> Option<Self> {
        if form == Form::Lines {
            return None;
        }
        let mut found = Self::new(Engine::POSTGRESQL);
        let unfinished =
            held.marks.iter().filter_map(|(name, mark)| Some((name, &mark.parts.as_ref()?.schema)));
        let seen = held.files.iter().map(|(name, files)| (name, &files.schema));
        for (resource, schema) in unfinished.chain(seen).filter(|(_, schema)| !schema.tables.is_empty()) {
            found.insert(resource.clone(), Discovered { schema: schema.clone(), times: Vec::new() });
        }
        Some(found)
    }

    /// Those of a resource; none if no row of it has come.
    #[must_use]
    pub fn of(&self, resource: &str) -> Option<&Discovered> {
        self.resources.get(resource)
    }

    /// The names of the resources.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.resources.keys().map(String::as_str)
    }
}
