//! What a caller says of a table and of a page of its rows.

use crate::checkpoint::Load;
use crate::column::Column;
use crate::error::{DestinationError, NameError};
use crate::shape::Shape;
use crate::strategy::{DeleteAbsent, History, MergeStrategy};

/// A resource, as a destination sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Whose rows they are; state is kept under it, and it names the file.
    pub resource: String,
    /// Names the table of a database.
    pub name: String,
    /// What a load does to rows that are there already.
    pub disposition: Disposition,
    /// Fields that identify a row, by their names in the rows. Under merge this or `merge_key` is not empty.
    pub primary_key: Vec<String>,
    /// Fields by which rows belong together: under merge all rows of a group that the load brings give way to its own.
    /// Never null or missing in a row, as in dlt.
    pub merge_key: Vec<String>,
    /// Under merge, which of a load's rows of one primary key stays; none: the last.
    pub dedup_sort: Option<DedupSort>,
    /// Under merge, the field that says of a row that it is to be deleted, by its key: anything in it but null, `false`,
    /// 0 and "false".
    pub hard_delete: Option<String>,
    /// Under merge, what becomes of rows with a new one's key.
    pub strategy: MergeStrategy,
    /// Under merge by a primary key, what becomes of rows that a whole read did not bring; none: they stay.
    pub delete_absent: Option<DeleteAbsent>,
    /// Whether its reads bring a part of its rows only: those that are new, or of a range.
    pub partial: bool,
    /// Whether its rows belong to several parents. Under merge, a key that two of them bring is then an error.
    pub partitioned: bool,
    /// What the config says of its columns. There may be others.
    pub columns: Vec<Column>,
    /// What it says of all of them.
    pub shape: Shape,
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

/// The field by which one of several rows of one key is chosen. Null and missing lose; of equals the last wins. Numbers
/// come before texts, which are compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DedupSort {
    /// Its name in the rows.
    pub field: String,
    /// Whether the greatest stays, or the least.
    pub greatest: bool,
}

/// How a load's rows come to their place in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// They are added.
    Append,
    /// They are gathered beside the table, and then take its place.
    Replace,
    /// They are gathered beside the table; then what they replace is deleted, and they are added. (dlt's `delete-insert`)
    DeleteInsert,
}

impl Way {
    /// Whether rows are gathered beside the table.
    pub(crate) fn is_beside(self) -> bool {
        matches!(self, Self::Replace | Self::DeleteInsert)
    }

    /// As the ledger has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::DeleteInsert => "delete-insert",
        }
    }
}

/// Two rows of a load that have one primary key, but come from two parents: each with its place in the load, from 0, and
/// its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedByParents {
    /// The earlier one.
    pub first: (u64, String),
    /// The later one.
    pub second: (u64, String),
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
    /// Rows of the page that were written; under merge some of them may have taken the place of others.
    pub rows: u64,
    /// Columns that were added to a table which had some already. Files have no columns.
    pub new_columns: Vec<String>,
    /// Rows that the schema contract left out.
    pub discarded_rows: u64,
    /// Values that it left out; a list counts as one.
    pub discarded_values: u64,
}

impl Table {
    /// Whether rows of two parents must be told apart by key.
    pub(crate) fn guards_parents(&self) -> bool {
        self.partitioned && self.is_keyed()
    }

    /// Whether a load has one row a primary key.
    pub(crate) fn is_keyed(&self) -> bool {
        self.disposition == Disposition::Merge && !self.primary_key.is_empty()
    }

    /// How versions of its rows are kept, if they are.
    pub(crate) fn history(&self) -> Option<&History> {
        match &self.strategy {
            MergeStrategy::History(history) if self.disposition == Disposition::Merge => Some(history),
            _ => None,
        }
    }

    /// Whether a load that is read to its end has brought all rows that there are.
    #[must_use]
    pub fn is_whole(&self, load: &Load) -> bool {
        !self.partial && load.limit.is_none() && load.refused_rows == 0
    }

    /// Whether rows that a whole read does not bring mean something.
    #[must_use]
    pub fn goes_by_absence(&self) -> bool {
        let versions = self.history().is_some() && self.merge_key.is_empty();
        !self.partial && (versions || self.delete_absent.is_some())
    }

    /// What is asked of it that files cannot do, in words.
    pub(crate) fn beyond_files(&self) -> Option<&'static str> {
        match (&self.strategy, self.delete_absent) {
            _ if self.disposition != Disposition::Merge => None,
            (MergeStrategy::History(_), _) => Some("the merge strategy `scd2`"),
            (MergeStrategy::InsertOnly, _) => Some("the merge strategy `insert-only`"),
            (_, Some(_)) => Some("`delete_absent`"),
            (MergeStrategy::DeleteInsert, None) => None,
        }
    }

    /// How its rows come to their place in a database. Every merge is gathered first: whatever a load brings comes at
    /// once, or not at all.
    pub(crate) fn way(&self) -> Way {
        match self.disposition {
            Disposition::Append => Way::Append,
            Disposition::Replace => Way::Replace,
            Disposition::Merge => Way::DeleteInsert,
        }
    }

    /// Refuses what could not be stored as it is declared, or under `stored`, its name in the destination. `others` are
    /// resources that are being loaded, each with its name in the destination.
    pub(crate) fn check<'a>(
        &self,
        stored: &str,
        mut others: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), DestinationError> {
        let refuse =
            |reason| Err(DestinationError::Name(NameError { resource: self.resource.clone(), reason }));
        let lower = stored.to_ascii_lowercase();
        if stored.is_empty() || stored.contains('\0') {
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
        let alike = |(other, its): &(&str, &str)| *other != self.resource && its.eq_ignore_ascii_case(stored);
        match others.find(alike) {
            Some((other, its)) if its == stored => {
                return refuse(format!("`{stored}` is the table of `{other}` already"));
            }
            Some((_, its)) => return refuse(format!("it differs from `{its}` in case only")),
            None => {}
        }
        let is_keyed = !self.primary_key.is_empty() || !self.merge_key.is_empty();
        if self.disposition == Disposition::Merge && !is_keyed && self.history().is_none() {
            return refuse("merge needs a primary key or a merge key".to_owned());
        }
        Ok(())
    }
}
