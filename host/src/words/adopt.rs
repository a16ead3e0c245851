//! What is said of tables that were taken over from dlt.

use super::Words;
use super::exit;
use super::text::{counted, short};
use crate::error::AdoptError;

/// A table that was taken over.
pub struct Adopted {
    /// Its name.
    pub table: String,
    /// Rows that are in it.
    pub rows: u64,
    /// Up to which value (JSON) of which cursor it has been read.
    pub reached: Option<(String, String)>,
    /// Why not, where the config reads it from a cursor on.
    pub left: Option<Left>,
}

/// Why a resource is read from the start though its table was taken over.
pub enum Left {
    /// dlt has no value of that cursor.
    NoMark {
        /// Its path.
        cursor: String,
    },
    /// dlt has one value for all parents, and each has its own here.
    PerParent,
}

/// What was taken over, and what follows from it.
pub fn of_adoption(pipeline: &str, target: &str, adopted: &[Adopted], others: &[&str]) -> String {
    let mut text = format!("taken over from dlt's pipeline {pipeline} in {target}:\n");
    for Adopted { table, rows, reached, left } in adopted {
        let how_far = match (reached, left) {
            (Some((cursor, value)), _) => format!("read up to {cursor} {}", short(value.trim_matches('"'))),
            (None, Some(Left::NoMark { cursor })) => {
                format!("dlt has no value of {cursor}: the next run reads it from the start")
            }
            (None, Some(Left::PerParent)) => {
                "dlt has one value for all parents: the next run reads it from the start".to_owned()
            }
            (None, None) => "read as a whole by each run".to_owned(),
        };
        text.push_str(&format!("  {table}: {}, {how_far}\n", counted(*rows, "row")));
    }
    if !others.is_empty() {
        text.push_str(&format!(
            "left alone, since no resource of the config is theirs: {}\n",
            others.join(", ")
        ));
    }
    text.push_str("the next run goes on in these tables; dlt must not load them any more\n");
    text
}

/// Why nothing was taken over.
pub(super) fn of_refusal(target: &str, error: &AdoptError) -> Words {
    let words = |text: String| Words::new(exit::CONFIG, text);
    match error {
        AdoptError::NoDlt => words(format!("dlt has left no state in {target}")).hint(
            "name the dataset as the schema: duckdb:FILE?schema=DATASET or postgresql://...?schema=DATASET",
        ),
        AdoptError::WhichPipeline { known } => {
            words(format!("it is not clear which of dlt's pipelines in {target} is meant"))
                .hint(format!("there are {}: name one with --pipeline", known.join(", ")))
        }
        AdoptError::NoTable { pipeline, tables } => {
            words(format!("no resource of the config has a table of dlt's pipeline {pipeline} in {target}"))
                .hint(format!("its tables are {}; a resource's `table_name` can name one", tables.join(", ")))
        }
        AdoptError::Loaded { resource } => {
            words(format!("resource `{resource}` has been loaded into {target} already")).hint(
                "what is to be taken over must be so before the first run; `sanderling state reset` forgets one",
            )
        }
        AdoptError::OtherShape { resource } => {
            words(format!("resource `{resource}` would not be written as dlt's tables are")).hint(
                "write `nested: {tables: {system: dlt}}` at the top of the config: lists in tables of their own, and dlt's column names",
            )
        }
    }
}
