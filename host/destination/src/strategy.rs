//! What a config says of how a merge goes, beyond its keys.

use sanderling_columns::SystemNames;

/// What becomes of the rows that are there with the key of a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MergeStrategy {
    /// They give way to it. The new row takes the place as a whole: a field that it lacks is null afterwards. (dlt's
    /// `delete-insert` and `upsert`)
    #[default]
    DeleteInsert,
    /// They stay as they are; only rows of new keys are added. (dlt's `insert-only`)
    InsertOnly,
    /// They stay as former versions, with the time at which they ended. (dlt's `scd2`)
    History(History),
}

/// How versions of rows are kept. A row is told apart by what it holds, so a key is not needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Names of the columns that say from when to when a version held; none: `_valid_from` and `_valid_to`.
    pub columns: Option<(String, String)>,
    /// When versions end that still hold, in microseconds since 1970; none: null.
    pub active_micros: Option<i64>,
    /// When this load's versions begin and the former ones end, in microseconds since 1970; none: when its pass began.
    pub boundary_micros: Option<i64>,
    /// The field that tells versions apart; none: all of the row.
    pub version_field: Option<String>,
}

/// What becomes of rows that a whole read did not bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteAbsent {
    /// Whether they stay, with the time at which they were missed in [`DELETED_AT`].
    pub mark: bool,
    /// Of a hundred rows of the table, how many may go in one load.
    pub max_percent: u32,
}

/// Of what a whole read would take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent {
    /// Rows that it did not bring.
    pub absent: u64,
    /// Rows that there are.
    pub rows: u64,
}

/// The column that says of a row when it was missed.
pub const DELETED_AT: &str = "_deleted_at";

impl DeleteAbsent {
    /// Rows of a hundred that may go where nothing is said.
    pub const MAX_PERCENT: u32 = 5;

    /// Whether more would go than may.
    #[must_use]
    pub fn is_too_many(self, found: Absent) -> bool {
        found.absent.saturating_mul(100) > found.rows.saturating_mul(u64::from(self.max_percent))
    }
}

impl History {
    /// The names of its two columns.
    pub(crate) fn columns(&self, system: SystemNames) -> (&str, &str) {
        match (&self.columns, system) {
            (Some((from, to)), _) => (from, to),
            (None, SystemNames::Ours) => ("_valid_from", "_valid_to"),
            (None, SystemNames::Dlt) => ("_dlt_valid_from", "_dlt_valid_to"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_may_go() {
        let absent = |absent, rows| Absent { absent, rows };
        let five = DeleteAbsent { mark: false, max_percent: 5 };
        for (found, is_too_many) in [
            (absent(0, 0), false),
            (absent(5, 100), false),
            (absent(6, 100), true),
            (absent(1, 19), true),
            (absent(1, 20), false),
        ] {
            assert_eq!(five.is_too_many(found), is_too_many, "{found:?}");
        }
        let all = DeleteAbsent { mark: true, max_percent: 100 };
        assert!(!all.is_too_many(absent(9, 9)));
        let none = DeleteAbsent { mark: false, max_percent: 0 };
        assert!(none.is_too_many(absent(1, u64::MAX)));
    }
}
