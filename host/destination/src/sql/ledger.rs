//! The checkpoint as rows of one table, a JSON value each; and tables of loads and failures for people to read.

mod entry;
mod readable;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use sanderling_columns::Schema;
use serde::{Deserialize, Serialize};

use super::session::{self, Scalar, Session, SqlError, TableName};
use super::turn;
use crate::checkpoint::{Change, Load, State};
use entry::{Entry, touched};
use readable::{failure, kept, readable};
pub(super) use version::{create, of_another_version};

pub(super) const STATE: &str = "_sanderling_state";
const LOADS: &str = "_sanderling_loads";
const ERRORS: &str = "_sanderling_errors";
const QUARANTINE: &str = "_quarantine";

/// Rows that one statement writes.
const ROWS_AT_ONCE: usize = 500;

/// What the database remembers of a resource beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The load that was begun last, and how.
    pub(super) begun: Option<Begun>,
    /// The columns of its tables, as far as they have been learnt.
    pub(super) schema: Schema,
}

/// How a load was begun, which undoing it goes by: the config may have been changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) load_id: String,
    /// `append`, `replace` or `delete-insert`.
    pub(super) way: String,
    /// The table that its rows are for.
    pub(super) table: String,
    /// Rows that have come, by which rows are named.
    #[serde(default)]
    pub(super) rows: u64,
}

impl Note {
    /// Whether it has a table of that name, for its own rows or those of a list.
    pub(super) fn has_table(&self, name: &str) -> bool {
        let own = self.begun.iter().map(|begun| &begun.table);
        let lists = self.schema.tables.iter().skip(1).map(|list| &list.name);
        own.chain(lists).any(|table| table.eq_ignore_ascii_case(name))
    }
}

/// What a pipeline has left.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ledger {
    pub(super) state: State,
    /// By resource.
    pub(super) notes: BTreeMap<String, Note>,
}

/// What every pipeline has left, by name; nothing if the table is not there.
pub(super) fn read_all(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Option<BTreeMap<String, Ledger>>, SqlError> {
    let table = table_of(schema, STATE);
    if session.columns(&table)?.is_none() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT pipeline, entry, value FROM {} WHERE pipeline <> '' AND entry <> '{}' ORDER BY pipeline, entry",
        session.dialect().table(&table),
        turn::ENTRY,
    );
    let mut ledgers: BTreeMap<String, Ledger> = BTreeMap::new();
    for row in session.query(&[&table], &sql, &[])? {
        if let Ok([Scalar::Text(pipeline), Scalar::Text(entry), Scalar::Text(value)]) =
            <[Scalar; 3]>::try_from(row)
        {
            ledgers.entry(pipeline).or_default().take(&entry, &value);
        }
    }
    Ok(Some(ledgers))
}

/// Another pipeline that loads a table, if there is one.
pub(super) fn loaded_by(
    session: &mut Session,
    schema: Option<&str>,
    pipeline: &str,
    table: &str,
) -> Result<Option<String>, SqlError> {
    let dialect = session.dialect();
    // Where it is only looked, nothing of ours need be there.
    let state = table_of(schema, STATE);
    if session.columns(&state)?.is_none() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT pipeline, value FROM {} WHERE pipeline <> '' AND pipeline <> {} AND entry LIKE '{{\"note\":%'",
        dialect.table(&state),
        dialect.argument(1)
    );
    let rows = session.query(&[&state], &sql, &[Scalar::Text(pipeline.to_owned())])?;
    let loads = |row: Vec<Scalar>| {
        let Ok([Scalar::Text(other), Scalar::Text(value)]) = <[Scalar; 2]>::try_from(row) else {
            return None;
        };
        let note: Note = serde_json::from_str(&value).ok()?;
        note.has_table(table).then_some(other)
    };
    Ok(rows.into_iter().find_map(loads))
}

/// Writes what `changes` have made of `before`, which `after` shows, and the notes of `resources`.
pub(super) fn write(
    session: &mut Session,
    schema: Option<&str>,
    pipeline: &str,
    before: &Ledger,
    after: &Ledger,
    changes: &[Change],
) -> Result<(), SqlError> {
    let mut entries = BTreeSet::new();
    for change in changes {
        touched(change, &before.state, &mut entries);
    }
    let changed = |resource: &&String| before.notes.get(*resource) != after.notes.get(*resource);
    entries.extend(after.notes.keys().filter(changed).cloned().map(Entry::Note));
    let loads: Vec<&Load> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Load(resource) => after.state.loads.get(resource),
            _ => None,
        })
        .collect();

    let dialect = session.dialect();
    let [state, loads_table, errors, quarantine] =
        [STATE, LOADS, ERRORS, QUARANTINE].map(|name| table_of(schema, name));
    let rows: Vec<(String, Option<String>)> =
        entries.iter().filter_map(|entry| Some((entry.text()?, after.value(entry)))).collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let places: Vec<String> = (0..rows.len()).map(|at| dialect.argument(at + 2)).collect();
        let mut args = vec![Scalar::Text(pipeline.to_owned())];
        args.extend(rows.iter().map(|(entry, _)| Scalar::Text(entry.clone())));
        let first = dialect.argument(1);
        let before = format!(
            "DELETE FROM {} WHERE pipeline = {first} AND entry IN ({})",
            dialect.table(&state),
            places.join(", ")
        );
        session.change(&session::Change::of(&state, before), &args)?;
        let kept: Vec<[Scalar; 3]> = rows
            .iter()
            .filter_map(|(entry, value)| {
                Some([pipeline, entry, value.as_deref()?].map(|text| Scalar::Text(text.to_owned())))
            })
            .collect();
        insert(session, &state, &kept)?;
    }
    for load in &loads {
        let note = after.notes.get(&load.resource).and_then(|note| note.begun.as_ref());
        let args = [pipeline, &load.resource, &load.load_id].map(|text| Scalar::Text(text.to_owned()));
        let [one, two, three] = [1, 2, 3].map(|place| dialect.argument(place));
        let before = format!(
            "DELETE FROM {} WHERE pipeline = {one} AND resource = {two} AND load_id = {three}",
            dialect.table(&loads_table)
        );
        session.change(&session::Change::of(&loads_table, before), &args)?;
        insert(session, &loads_table, &[readable(pipeline, load, note)])?;
    }
    let failures: Vec<[Scalar; 11]> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Error(line) => Some(failure(pipeline, line)),
            _ => None,
        })
        .collect();
    failures.chunks(ROWS_AT_ONCE).try_for_each(|rows| insert(session, &errors, rows))?;
    let refused: Vec<[Scalar; 7]> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Quarantined(row) => Some(kept(pipeline, row)),
            _ => None,
        })
        .collect();
    refused.chunks(ROWS_AT_ONCE).try_for_each(|rows| insert(session, &quarantine, rows))
}

/// Takes away the refused rows of a load that is undone.
pub(super) fn release(
    session: &mut Session,
    schema: Option<&str>,
    pipeline: &str,
    resource: &str,
    load_id: &str,
) -> Result<(), SqlError> {
    let dialect = session.dialect();
    let [one, two, three] = [1, 2, 3].map(|place| dialect.argument(place));
    let quarantine = table_of(schema, QUARANTINE);
    let sql = format!(
        "DELETE FROM {} WHERE pipeline = {one} AND resource = {two} AND load_id = {three}",
        dialect.table(&quarantine)
    );
    let args = [pipeline, resource, load_id].map(|text| Scalar::Text(text.to_owned()));
    session.change(&session::Change::of(&quarantine, sql), &args)
}

fn insert<const N: usize>(
    session: &mut Session,
    table: &TableName,
    rows: &[[Scalar; N]],
) -> Result<(), SqlError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (dialect, args) = (session.dialect(), rows.iter().flatten().cloned().collect::<Vec<_>>());
    let sql = format!("INSERT INTO {} VALUES {}", dialect.table(table), dialect.values(rows.len(), N));
    session.change(&session::Change::of(table, sql), &args)
}

pub(super) fn table_of(schema: Option<&str>, name: &str) -> TableName {
    TableName { schema: schema.map(str::to_owned), name: name.to_owned() }
}
