//! Where rows are not as an OpenAPI file documents them, as a person reads it.

use std::collections::BTreeSet;

use super::finding::listed;
use super::text::counted;
use crate::openapi::Kind;
use crate::sample::{Compared, Difference, NotCompared};

/// The notices that a comparison leads to, each a sentence.
pub fn of_compared(resource: &str, compared: &Compared) -> Vec<String> {
    match compared {
        Compared::Not(why) => vec![format!("{resource}: {}", of_not_compared(why))],
        Compared::With { operation, differences, .. } => differences
            .iter()
            .map(|difference| format!("{resource}: {}", of_difference(operation, difference)))
            .collect(),
    }
}

/// The end of a resource's line where all is as documented.
pub fn of_all_documented(compared: &Compared) -> Option<String> {
    match compared {
        Compared::With { operation, columns, differences } if differences.is_empty() => {
            let columns = counted(*columns as u64, "column");
            Some(format!("; {columns} as documented for `{operation}`"))
        }
        _ => None,
    }
}

fn of_not_compared(why: &NotCompared) -> String {
    match why {
        NotCompared::NoOperation { asked } => {
            format!("the OpenAPI file does not know `{asked}`, so its rows are not compared with it")
        }
        NotCompared::NoRows { operation, selector: Some(selector) } => {
            format!("the OpenAPI file does not say which rows `{operation}` has at `{selector}`")
        }
        NotCompared::NoRows { operation, selector: None } => {
            format!("the OpenAPI file does not say which rows `{operation}` has")
        }
        NotCompared::Altered { key } => {
            format!("its rows are not compared with the OpenAPI file: `{key}` changes them")
        }
    }
}

fn of_difference(operation: &str, difference: &Difference) -> String {
    match difference {
        Difference::Undocumented { fields } => {
            format!("not documented for `{operation}`, but in rows that came: {}", listed(fields))
        }
        Difference::Unseen { fields, rows } => {
            let rows = counted(*rows, "row");
            format!("documented for `{operation}`, but in none of {rows} that came: {}", listed(fields))
        }
        Difference::Kind { field, documented, seen, rows, of } => {
            format!(
                "`{field}` is {} in {rows} of {of} rows that came, but documented as {} for `{operation}`",
                either(seen),
                either(documented)
            )
        }
    }
}

fn either(kinds: &BTreeSet<Kind>) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or ")
}
