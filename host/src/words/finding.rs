//! What sampled rows tell of a config, as a person reads it.

use serde_json::json;

use super::setting::to_write;
use super::{Words, exit};
use crate::document::{Document, entry};
use crate::sample::{Finding, Gap, Miss};

/// At so many fields a list of them breaks off.
const MAX_FIELDS: usize = 12;

/// Something that a run would stumble over.
pub fn of_finding(resource: &str, finding: &Finding, config: &Document) -> Words {
    match finding {
        Finding::NullRows { rows, of } => Words::new(
            exit::REFUSED,
            format!("{resource}: {rows} of {of} rows that came are null, which no run writes"),
        ),
        Finding::KeyUnknown { field, known, near } => {
            let mut words = Words::new(
                exit::CONFIG,
                format!("{resource}: no row that came has `{field}`, which `primary_key` names"),
            );
            words.more.push(format!("the rows have {}", listed(known)));
            match near {
                Some(near) => words.hint(format!("did you mean `{near}`?")),
                None => words,
            }
        }
        Finding::KeyGap(gap) => {
            let Gap { field, of, .. } = gap;
            Words::new(
                exit::REFUSED,
                format!(
                    "{resource}: of {of} rows that came, {} `{field}`, a part of its primary key",
                    lacks(gap)
                ),
            )
            .hint("name a `primary_key` that every row has, or none")
        }
        Finding::KeyShared { key, settles } => {
            let words = Words::new(
                exit::REFUSED,
                format!(
                    "{resource}: rows of two parents have the same key ({}): merged, one would take the other's place",
                    key.join(", ")
                ),
            );
            if settles.is_empty() {
                words.hint(format!("make a field of the parent part of the key, beside {}", key.join(", ")))
            } else {
                words.hint(to_write(settles, config))
            }
        }
        Finding::ColumnGap(gap) => {
            let Gap { field, of, .. } = gap;
            let line = entry(config.format(), "nullable", &json!(true));
            Words::new(
                exit::REFUSED,
                format!(
                    "{resource}: of {of} rows that came, {} `{field}`, which is declared to be in each",
                    lacks(gap)
                ),
            )
            .hint(format!("if it may be missing, write `{line}` for the column"))
        }
    }
}

/// Why a resource was not tried.
pub fn of_not_tried(miss: &Miss) -> String {
    match miss {
        Miss::Failed(failure) => format!("{} failed", failure.resource),
        Miss::Orphaned { parent } => format!("{parent} failed"),
        Miss::Closed { origin } => format!("{origin} has refused the credential"),
        Miss::Unopened { parent } => format!("no row of {parent} was found to read it for"),
    }
}

fn lacks(gap: &Gap) -> String {
    let lack = |count: u64| if count == 1 { "1 lacks".to_owned() } else { format!("{count} lack") };
    let null = |count: u64| format!("{count} {} null in", if count == 1 { "has" } else { "have" });
    match (gap.missing, gap.null) {
        (missing, 0) => lack(missing),
        (0, nulls) => null(nulls),
        (missing, nulls) => format!("{} and {}", lack(missing), null(nulls)),
    }
}

pub(super) fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_FIELDS).map(String::as_str).collect();
    let left = names.len() - shown.len();
    if left == 0 { shown.join(", ") } else { format!("{} and {left} more fields", shown.join(", ")) }
}
