//! What is said of columns that are asked for and not there.

use std::path::Path;

use super::text::printable;
use super::{Words, exit};

/// A destination that keeps rows as they came.
pub(super) fn of_no_columns(target: &str) -> Words {
    Words::new(exit::CONFIG, format!("{target} has no columns: rows are kept there as they came"))
        .hint("--to names a database or parquet:DIR; `sanderling preview` shows rows")
}

/// Nothing has been loaded yet.
pub(super) fn of_undiscovered(config: &Path, target: &str, resources: &[String]) -> Words {
    if !resources.is_empty() {
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        return Words::new(exit::OTHER, of_unknown_columns(&resources));
    }
    Words::new(exit::OTHER, format!("nothing has been loaded into {target}: there are no columns yet"))
        .hint(format!("`sanderling run {}` loads it", config.display()))
}

/// Resources of which no row has come.
pub fn of_unknown_columns(resources: &[&str]) -> String {
    format!("no row has come yet of {}: there are no columns", printable(&resources.join(", ")))
}
