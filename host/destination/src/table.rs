//! What a caller says of a table and of a page of its rows.

use crate::column::Column;
use crate::error::{DestinationError, NameError};

/// A resource, as a destination sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Names the table or file.
    pub resource: String,
    /// What a load does to rows that are there already.
    pub disposition: Disposition,
    /// Fields that identify a row, by their names in the rows. Not empty under merge.
    pub primary_key: Vec<String>,
    /// Whether its rows belong to several parents. Under merge, a key that two of them bring is then an error.
    pub partitioned: bool,
    /// What the config says of its columns. There may be others.
    pub columns: Vec<Column>,
}

/// What a load does to rows that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Keeps them, and adds the new ones.
    Append,
    /// Puts the new rows in their place, all at once, when the load is finished.
    Replace,
    /// A new row takes the place of the one with the same primary key. A database keeps its other rows; a file is
    /// replaced by the load's rows, one a key.
    Merge,
}

/// One page of rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// One JSON value a line.
    pub ndjson: &'a [u8],
    /// Lines in `ndjson`; another count in fact is an error.
    pub count: u64,
    /// The parent that these rows belong to, if the table is partitioned.
    pub partition_key: Option<&'a str>,
    /// The load that writes them.
    pub load_id: &'a str,
    /// When they came, in milliseconds since 1970-01-01T00:00:00Z.
    pub loaded_at_ms: u64,
}

/// What a page has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of the page; under merge some of them may have taken the place of others.
    pub rows: u64,
    /// Columns that were added to a table which had some already. Files have no columns.
    pub new_columns: Vec<String>,
}

impl Table {
    /// Whether rows of two parents must be told apart by key.
    pub(crate) fn guards_parents(&self) -> bool {
        self.partitioned && self.disposition == Disposition::Merge
    }

    /// Refuses what could not be stored under its own name, or as it is declared.
    pub(crate) fn check<'a>(
        &self,
        mut others: impl Iterator<Item = &'a str>,
    ) -> Result<(), DestinationError> {
        let refuse =
            |reason| Err(DestinationError::Name(NameError { resource: self.resource.clone(), reason }));
        let lower = self.resource.to_ascii_lowercase();
        if self.resource.is_empty() || self.resource.contains('\0') {
            return refuse("a name must not be empty or hold a NUL".to_owned());
        }
        for reserved in ["_sanderling", "sqlite_"] {
            if lower.starts_with(reserved) {
                return refuse(format!("names that begin with `{reserved}` are reserved"));
            }
        }
        if lower == "_quarantine" {
            return refuse("`_quarantine` holds the rows that are refused".to_owned());
        }
        // Tables everywhere, and files on some systems, have one name in both cases.
        if let Some(other) =
            others.find(|other| *other != self.resource && other.eq_ignore_ascii_case(&self.resource))
        {
            return refuse(format!("it differs from `{other}` in case only"));
        }
        if self.disposition == Disposition::Merge && self.primary_key.is_empty() {
            return refuse("merge needs a primary key".to_owned());
        }
        Ok(())
    }
}
