//! What a config says of how rows become columns.

use crate::data_type::DataType;
use crate::schema::Role;

/// What a config, and its destination, say of the tables of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The name of the resource's own table.
    pub table: String,
    /// What becomes of objects and arrays.
    pub nested: Nested,
    /// How fields name columns.
    pub names: Names,
    /// The longest name that a column or table can have, in bytes; longer ones are cut in the middle.
    pub max_name_bytes: Option<usize>,
    /// What may change once a load was finished.
    pub contract: Contract,
    /// The names of the columns that are added; with dlt's, types are learnt as dlt learns them.
    pub system: SystemNames,
    /// What is declared of columns.
    pub columns: Vec<Declared>,
    /// Fields that every row must have, and not null, by their names in the rows.
    pub key: Vec<String>,
    /// What makes a row another version, where versions of one row are told apart: it then names the row, whatever its key
    /// is, and every row is named. None: they are not.
    pub version: Option<Version>,
    /// Names of columns that are added behind these; no field has them.
    pub reserved: Vec<String>,
    /// Whether the rows of child tables also name the row of the resource's own table.
    pub root_id: bool,
}

/// What makes a row another version of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// Anything in it, however it is written: fields in another order are none, and null is as missing.
    Row,
    /// This field of it.
    Field(String),
}

/// What becomes of objects and arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nested {
    /// Text: the API's own bytes.
    Json,
    /// Structs and lists.
    Columns,
    /// dlt's shape: objects flattened into `user__city`, arrays as child tables `parent__field`.
    Tables {
        /// dlt's `max_table_nesting`: what is nested deeper is JSON. None: up to 64.
        max_depth: Option<u32>,
    },
}

/// How fields name columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// dlt's rule: `firstName` is `first_name`.
    SnakeCase,
    /// As they stand.
    AsIs,
}

/// The names of the columns that are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SystemNames {
    /// `_load_id`, `_row_id` and so on.
    #[default]
    Ours,
    /// `_dlt_load_id`, `_dlt_id` and so on, so that SQL that was written for dlt's tables still runs.
    Dlt,
}

/// dlt's schema contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// A list that has no table yet.
    pub tables: Mode,
    /// A field that has no column yet.
    pub columns: Mode,
    /// A value that does not fit its column.
    pub data_type: Mode,
}

/// What is done with what a contract did not foresee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It is taken.
    #[default]
    Evolve,
    /// It is an error.
    Freeze,
    /// The row is left out, and counted.
    DiscardRow,
    /// The value is left out, and counted.
    DiscardValue,
}

/// What is declared of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name as it stands in the rows, or as it is in the table.
    pub name: String,
    /// What its values are; none: what they turn out to be.
    pub data_type: Option<DataType>,
    /// Whether it may be null, or missing.
    pub nullable: bool,
    /// Digits of a decimal, and how many of them behind the point; none: 38 and 18.
    pub precision: Option<(u8, i8)>,
    /// Whether moments are kept as they came, without a zone; else in UTC.
    pub naive: bool,
}

impl Options {
    /// What holds for a table of which nothing is said.
    #[must_use]
    pub fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            nested: Nested::Json,
            names: Names::SnakeCase,
            max_name_bytes: None,
            contract: Contract::EVOLVE,
            system: SystemNames::Ours,
            columns: Vec::new(),
            key: Vec::new(),
            version: None,
            reserved: Vec::new(),
            root_id: false,
        }
    }
}

impl Contract {
    /// Everything is taken.
    pub const EVOLVE: Self = Self { tables: Mode::Evolve, columns: Mode::Evolve, data_type: Mode::Evolve };
}

impl SystemNames {
    /// The name of the column that is added for `role`; none for what rows bring.
    #[must_use]
    pub fn name(self, role: Role) -> Option<&'static str> {
        let (ours, dlt) = match role {
            Role::Field | Role::Variant => return None,
            Role::LoadId => ("_load_id", "_dlt_load_id"),
            // dlt has no such column.
            Role::LoadedAt => ("_loaded_at", "_loaded_at"),
            Role::RowId => ("_row_id", "_dlt_id"),
            Role::ParentId => ("_parent_id", "_dlt_parent_id"),
            Role::ListIndex => ("_list_idx", "_dlt_list_idx"),
            Role::RootId => ("_root_id", "_dlt_root_id"),
        };
        Some(match self {
            Self::Ours => ours,
            Self::Dlt => dlt,
        })
    }
}
