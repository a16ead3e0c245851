//! `write_disposition`: what becomes of the rows that are there, as a word or an object with a merge strategy.

use serde_json::{Map, Value};

use crate::contract::WriteDisposition;
use crate::diagnostic::{Problems, did_you_mean};
use crate::document::{At, Keys, Node};
use crate::instant::Instant;

/// As it was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) disposition: WriteDisposition,
    /// Where it is written.
    pub(super) strategy: Option<At<Strategy>>,
}

/// dlt's merge strategies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Strategy {
    DeleteInsert,
    /// Goes by the primary key alone.
    Upsert,
    InsertOnly,
    Scd2(Versions),
}

/// How versions of rows are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    /// The columns that say from when to when one held.
    pub(crate) columns: Option<(String, String)>,
    /// When those end that still hold, in microseconds since 1970.
    pub(crate) active: Option<i64>,
    /// When this load's begin, likewise.
    pub(crate) boundary: Option<i64>,
    /// The field that tells versions apart.
    pub(crate) field: Option<String>,
}

const OBJECT: Keys = Keys {
    of: "a write disposition",
    known: &[
        "disposition",
        "strategy",
        "deduplicated",
        "validity_column_names",
        "active_record_timestamp",
        "boundary_timestamp",
        "row_version_column_name",
    ],
    later: &[],
    elsewhere: &[],
};

/// What is of `scd2` alone.
const OF_VERSIONS: [&str; 4] =
    ["validity_column_names", "active_record_timestamp", "boundary_timestamp", "row_version_column_name"];

/// The strategies of dlt.
const STRATEGIES: [&str; 5] = ["delete-insert", "upsert", "scd2", "insert-only", "cdc"];

const KNOWN: &str = "`delete-insert`, `upsert`, `insert-only` or `scd2`";

impl Written {
    fn plain(disposition: WriteDisposition) -> Self {
        Self { disposition, strategy: None }
    }

    /// How the contract says it: what it has no word for is named, so that no host takes it for a plain merge.
    pub(super) fn of_contract(&self) -> WriteDisposition {
        match self.strategy.as_ref().map(|strategy| &strategy.value) {
            Some(Strategy::InsertOnly) => WriteDisposition::Other("insert-only"),
            Some(Strategy::Scd2(_)) => WriteDisposition::Other("scd2"),
            _ => self.disposition,
        }
    }
}

impl Default for Written {
    fn default() -> Self {
        Self::plain(WriteDisposition::Append)
    }
}

impl Versions {
    /// As a host is told of it; `renamed`: the output's name of a field.
    pub(crate) fn settings(&self, renamed: impl Fn(&String) -> String) -> Value {
        let mut settings = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            settings.extend(value.map(|value| (key.to_owned(), value)));
        };
        let columns = self.columns.clone();
        set("columns", columns.map(|(from, to)| Value::from(vec![from, to])));
        set("active_micros", self.active.map(Value::from));
        set("boundary_micros", self.boundary.map(Value::from));
        set("version_field", self.field.as_ref().map(|field| renamed(field).into()));
        settings.into()
    }
}

pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Written> {
    if !node.value.is_object() {
        return word(node, problems).map(Written::plain);
    }
    let mut fields = node.object("a write disposition", problems)?;
    let disposition = match fields.take("disposition") {
        Some(node) => word(&node, problems),
        None => {
            problems.hint(&node.pointer, "`disposition` is missing", "\"disposition\": \"merge\"");
            None
        }
    };
    let strategy = fields.take("strategy");
    // dlt's promise that no two rows of a load have one key: to look all the same costs nothing here.
    let deduplicated = fields.take("deduplicated");
    if let Some(node) = &deduplicated {
        node.boolean(problems);
    }
    let of_versions: Vec<(&str, Node<'_>)> =
        OF_VERSIONS.into_iter().filter_map(|key| Some((key, fields.take(key)?))).collect();
    let versions = versions(&of_versions, problems);
    fields.close(&OBJECT, problems);
    let disposition = disposition?;
    if disposition != WriteDisposition::Merge {
        for (key, node) in [("strategy", &strategy), ("deduplicated", &deduplicated)] {
            if let Some(node) = node {
                let message = format!("`{key}` is of the write disposition `merge`");
                problems.hint(&node.pointer, message, "leave it out");
            }
        }
    }
    let merges = disposition == WriteDisposition::Merge;
    let strategy = match strategy.filter(|_| merges) {
        Some(node) => Some(node.at(strategy_of(&node, versions, problems)?)),
        None => None,
    };
    if !matches!(&strategy, Some(At { value: Strategy::Scd2(_), .. })) {
        for (key, node) in &of_versions {
            let message = format!("`{key}` is of the merge strategy `scd2`");
            problems.hint(&node.pointer, message, "leave it out");
        }
    }
    Some(Written { disposition, strategy })
}

fn strategy_of(node: &Node<'_>, versions: Versions, problems: &mut Problems) -> Option<Strategy> {
    let text = node.name("a merge strategy", problems)?;
    Some(match text.value.as_str() {
        "delete-insert" => Strategy::DeleteInsert,
        "upsert" => Strategy::Upsert,
        "insert-only" => Strategy::InsertOnly,
        "scd2" => Strategy::Scd2(versions),
        known if STRATEGIES.contains(&known) => {
            let instead = "`upsert`, with `delete_absent` for rows that are gone";
            problems.later_but(&node.pointer, &format!("the merge strategy `{known}`"), instead);
            return None;
        }
        other => {
            let hint = did_you_mean(other, STRATEGIES).unwrap_or_else(|| KNOWN.to_owned());
            problems.hint(&node.pointer, format!("unknown merge strategy `{other}`"), hint);
            return None;
        }
    })
}

fn versions(of_versions: &[(&str, Node<'_>)], problems: &mut Problems) -> Versions {
    let mut versions = Versions::default();
    for (key, node) in of_versions {
        match *key {
            "validity_column_names" => versions.columns = columns(node, problems),
            "active_record_timestamp" => versions.active = moment(node, problems),
            "boundary_timestamp" => versions.boundary = moment(node, problems),
            _ => versions.field = node.name("a field's name", problems).map(|name| name.value),
        }
    }
    versions
}

fn columns(node: &Node<'_>, problems: &mut Problems) -> Option<(String, String)> {
    let names = node.items("the names of two columns", problems)?;
    let names: Vec<String> = names
        .iter()
        .filter_map(|name| name.name("a column's name", problems))
        .map(|name| name.value)
        .collect();
    match <[String; 2]>::try_from(names) {
        Ok([from, to]) if from != to => Some((from, to)),
        _ => {
            let message = "two columns: from when a version held, and to when";
            problems.hint(&node.pointer, message, "[\"valid_from\", \"valid_to\"]");
            None
        }
    }
}

fn moment(node: &Node<'_>, problems: &mut Problems) -> Option<i64> {
    let text = node.name("a time", problems)?.value;
    let read = Instant::read(&text);
    if read.is_none() {
        let message = format!("`{text}` is no time");
        problems.hint(&node.pointer, message, "\"9999-12-31T00:00:00Z\"");
    }
    read.map(|(instant, _)| instant.micros())
}

/// Merge goes by keys.
pub(super) fn check_keys(
    resource: &str,
    node: &Node<'_>,
    written: &Written,
    primary_key: &[String],
    merge_key: &[String],
    problems: &mut Problems,
) {
    let keyless = primary_key.is_empty();
    match &written.strategy {
        Some(At { value: Strategy::Scd2(_), .. }) => {}
        Some(At { value: strategy @ (Strategy::Upsert | Strategy::InsertOnly), pointer }) => {
            let (name, done) = match strategy {
                Strategy::Upsert => ("upsert", "upserted"),
                _ => ("insert-only", "added to by key"),
            };
            if keyless {
                let message = format!("`{resource}` is to be {done}, but has no `primary_key` to do it by");
                problems.hint(pointer, message, "\"primary_key\": \"id\"");
            } else if !merge_key.is_empty() {
                let message = format!("`{name}` goes by the primary key alone, and there is a `merge_key`");
                problems.hint(pointer, message, "write `delete-insert`, or leave `merge_key` out");
            }
        }
        _ if keyless && merge_key.is_empty() => {
            let message = format!("`{resource}` is to be merged, but has no `primary_key` to merge by");
            problems.hint(&node.pointer, message, "\"primary_key\": \"id\"");
        }
        _ => {}
    }
}

fn word(node: &Node<'_>, problems: &mut Problems) -> Option<WriteDisposition> {
    let text = node.name("a write disposition", problems)?;
    match text.value.as_str() {
        "append" => Some(WriteDisposition::Append),
        "replace" => Some(WriteDisposition::Replace),
        "merge" => Some(WriteDisposition::Merge),
        "skip" => {
            problems.later(&text.pointer, "the write disposition `skip`");
            None
        }
        other => {
            let known = ["append", "replace", "merge"];
            let hint =
                did_you_mean(other, known).unwrap_or_else(|| "`append`, `replace` or `merge`".to_owned());
            problems.hint(&text.pointer, format!("unknown write disposition `{other}`"), hint);
            None
        }
    }
}
