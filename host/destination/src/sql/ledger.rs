//! The checkpoint as rows of one table, a JSON value each; and tables of loads and failures for people to read.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use sanderling_columns::Schema;
use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::session::{Scalar, Session, SqlError, TableName};
use crate::checkpoint::{
    Chain, Change, ErrorLine, Load, LoadStatus, PendingPage, QuarantinedRow, State, Watermark,
};
use crate::partition_id::PartitionId;
use crate::timestamp::iso8601;

/// Of the tables below. A program that knows only an older one must not write them.
pub(super) const VERSION: i64 = 1;

pub(super) const STATE: &str = "_sanderling_state";
const LOADS: &str = "_sanderling_loads";
const ERRORS: &str = "_sanderling_errors";
const QUARANTINE: &str = "_quarantine";

/// A database's index takes no more than some 2,700 bytes; of an entry with a longer key a digest stands for the key.
const MAX_ENTRY_BYTES: usize = 1_000;

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

/// What one row of the table is of. A partition is in the value too, and here only tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Note(String),
    Load(String),
    Pending(u64),
    Chain(String, Option<String>),
    Opened(String, PartitionId),
    Watermark(String, String),
    Halt(String),
}

impl Entry {
    /// As it stands in the table.
    fn text(&self) -> Option<String> {
        let whole = json(self).filter(|text| text.len() <= MAX_ENTRY_BYTES);
        let digest = |partition: &str| json(&PartitionId::of(partition));
        whole.or_else(|| {
            json(&match self {
                Self::Chain(resource, Some(partition)) => Self::Chain(resource.clone(), digest(partition)),
                Self::Watermark(resource, partition) => Self::Watermark(resource.clone(), digest(partition)?),
                other => other.clone(),
            })
        })
    }
}

/// What a pipeline has left.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ledger {
    pub(super) state: State,
    /// By resource.
    pub(super) notes: BTreeMap<String, Note>,
}

/// A state that this program must not write to.
#[derive(Debug, thiserror::Error)]
pub(super) enum OtherVersion {
    #[error("its state is of version {found}; this program knows {VERSION}: use a newer one")]
    Newer { found: i64 },
    #[error(
        "its state is of an older version of this program, which this one does not read; load into a new place"
    )]
    Older,
}

/// Whether the state that is there, if any, is one that this program does not know.
pub(super) fn of_another_version(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Option<OtherVersion>, SqlError> {
    let dialect = session.dialect();
    let table = |name: &str| TableName { schema: schema.map(str::to_owned), name: name.to_owned() };
    if session.columns(&table(STATE))?.is_none() {
        // The first programs kept it in tables of its own, one for each kind of thing.
        return Ok(session.columns(&table(LOADS))?.map(|_| OtherVersion::Older));
    }
    let sql = format!(
        "SELECT value FROM {} WHERE pipeline = '' AND entry = 'version'",
        dialect.table(&table(STATE))
    );
    let found = session.query(&sql, &[])?;
    let found = match found.first().and_then(|row| row.first()) {
        Some(Scalar::Text(version)) => version.parse::<i64>().unwrap_or_default(),
        _ => 0,
    };
    Ok(match found.cmp(&VERSION) {
        Ordering::Equal => None,
        Ordering::Greater => Some(OtherVersion::Newer { found }),
        Ordering::Less => Some(OtherVersion::Older),
    })
}

/// Makes the tables, and proves on the way that the database can be written to. What was there, if it is of another
/// version.
pub(super) fn create(session: &mut Session, schema: Option<&str>) -> Result<Option<OtherVersion>, SqlError> {
    if let Some(other) = of_another_version(session, schema)? {
        return Ok(Some(other));
    }
    let dialect = session.dialect();
    let (text, integer) = (dialect.text(), dialect.integer());
    let [state, loads, errors, quarantine] =
        [STATE, LOADS, ERRORS, QUARANTINE].map(|name| named(dialect, schema, name));
    // DuckDB checks keys against rows that the same transaction has deleted: it gets none.
    let key = |columns| match dialect {
        Dialect::DuckDb => String::new(),
        _ => format!(", PRIMARY KEY (pipeline, {columns})"),
    };
    let (of_state, of_loads) = (key("entry"), key("resource, load_id"));
    for (name, columns) in [
        (state, format!("pipeline {text}, entry {text}, value {text}{of_state}")),
        (
            loads,
            format!(
                "pipeline {text}, resource {text}, load_id {text}, table_name {text}, disposition {text},
                 status {text}, \"rows\" {integer}, pages {integer}, retries {integer}, refused_rows {integer},
                 total {integer}, started_at {text}, updated_at {text}, stopped_at {text}{of_loads}"
            ),
        ),
        (
            errors,
            format!(
                "\"at\" {text}, pipeline {text}, load_id {text}, resource {text}, partition_key {text}, url {text},
                 status {integer}, attempts {integer}, message {text}, excerpt {text}, request_id {text}"
            ),
        ),
        (
            quarantine,
            format!(
                "\"at\" {text}, pipeline {text}, load_id {text}, resource {text}, partition_key {text},
                 reason {text}, \"row\" {text}"
            ),
        ),
    ] {
        session.batch(&format!("CREATE TABLE IF NOT EXISTS {name} ({columns})"))?;
    }
    let state = named(dialect, schema, STATE);
    session.execute(&format!("DELETE FROM {state} WHERE pipeline = '' AND entry = 'version'"), &[])?;
    session.execute(
        &format!("INSERT INTO {state} VALUES ('', 'version', {})", dialect.argument(1)),
        &[Scalar::Text(VERSION.to_string())],
    )?;
    Ok(None)
}

/// What every pipeline has left, by name; nothing if the table is not there.
pub(super) fn read_all(
    session: &mut Session,
    schema: Option<&str>,
) -> Result<Option<BTreeMap<String, Ledger>>, SqlError> {
    let table = TableName { schema: schema.map(str::to_owned), name: STATE.to_owned() };
    if session.columns(&table)?.is_none() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT pipeline, entry, value FROM {} WHERE pipeline <> '' ORDER BY pipeline, entry",
        session.dialect().table(&table)
    );
    let mut ledgers: BTreeMap<String, Ledger> = BTreeMap::new();
    for row in session.query(&sql, &[])? {
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
    let sql = format!(
        "SELECT pipeline, value FROM {} WHERE pipeline <> '' AND pipeline <> {} AND entry LIKE '{{\"note\":%'",
        named(dialect, schema, STATE),
        dialect.argument(1)
    );
    let rows = session.query(&sql, &[Scalar::Text(pipeline.to_owned())])?;
    let loads = |row: Vec<Scalar>| {
        let Ok([Scalar::Text(other), Scalar::Text(value)]) = <[Scalar; 2]>::try_from(row) else {
            return None;
        };
        let note: Note = serde_json::from_str(&value).ok()?;
        note.has_table(table).then_some(other)
    };
    Ok(rows.into_iter().find_map(loads))
}

impl Ledger {
    /// Folds a row of the table in. One that is not understood is as if it were not there: what it was of is read again.
    fn take(&mut self, entry: &str, value: &str) {
        let Ok(entry) = serde_json::from_str::<Entry>(entry) else { return };
        let change = match entry {
            Entry::Note(resource) => {
                if let Ok(note) = serde_json::from_str(value) {
                    self.notes.insert(resource, note);
                }
                return;
            }
            Entry::Opened(resource, partition) => {
                Some(Change::Opened { resource, partitions: vec![partition] })
            }
            Entry::Load(_) => serde_json::from_str(value).ok().map(Change::Load),
            Entry::Pending(_) => serde_json::from_str::<PendingPage>(value).ok().map(Change::Pending),
            Entry::Chain(..) => serde_json::from_str::<Chain>(value).ok().map(Change::Chain),
            Entry::Watermark(..) => serde_json::from_str::<Watermark>(value).ok().map(Change::Watermark),
            Entry::Halt(origin) => {
                serde_json::from_str(value).ok().map(|at_ms| Change::Halt { origin, at_ms })
            }
        };
        if let Some(change) = change {
            self.state.apply(change);
        }
    }

    /// The JSON of an entry as it now stands; none if it is no more.
    fn value(&self, entry: &Entry) -> Option<String> {
        let state = &self.state;
        match entry {
            Entry::Note(resource) => json(self.notes.get(resource)?),
            Entry::Load(resource) => json(state.loads.get(resource)?),
            Entry::Pending(seq) => {
                let at = state.pending.binary_search_by_key(seq, |page| page.seq).ok()?;
                json(state.pending.get(at)?)
            }
            Entry::Chain(resource, partition) => {
                let is_it = |chain: &&Chain| chain.resource == *resource && chain.partition_key == *partition;
                json(state.chains.iter().find(is_it)?)
            }
            Entry::Opened(resource, partition) => {
                state.opened.get(resource)?.contains(partition).then(|| "true".to_owned())
            }
            Entry::Watermark(resource, partition) => json(state.watermarks.get(resource)?.get(partition)?),
            Entry::Halt(origin) => json(&state.halts.iter().find(|halt| halt.origin == *origin)?.at_ms),
        }
    }
}

fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
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
        [STATE, LOADS, ERRORS, QUARANTINE].map(|name| named(dialect, schema, name));
    let rows: Vec<(String, Option<String>)> =
        entries.iter().filter_map(|entry| Some((entry.text()?, after.value(entry)))).collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let places: Vec<String> = (0..rows.len()).map(|at| dialect.argument(at + 2)).collect();
        let mut args = vec![Scalar::Text(pipeline.to_owned())];
        args.extend(rows.iter().map(|(entry, _)| Scalar::Text(entry.clone())));
        let first = dialect.argument(1);
        session.execute(
            &format!("DELETE FROM {state} WHERE pipeline = {first} AND entry IN ({})", places.join(", ")),
            &args,
        )?;
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
        session.execute(
            &format!(
                "DELETE FROM {loads_table} WHERE pipeline = {one} AND resource = {two} AND load_id = {three}"
            ),
            &args,
        )?;
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
    let sql = format!(
        "DELETE FROM {} WHERE pipeline = {one} AND resource = {two} AND load_id = {three}",
        named(dialect, schema, QUARANTINE)
    );
    session.execute(&sql, &[pipeline, resource, load_id].map(|text| Scalar::Text(text.to_owned()))).map(drop)
}

/// The entries that a change may have made another; `before` holds those that it takes away.
fn touched(change: &Change, before: &State, entries: &mut BTreeSet<Entry>) {
    match change {
        Change::Load(load) => entries.extend([Entry::Load(load.resource.clone())]),
        Change::LoadForgotten { resource } => entries.extend([Entry::Load(resource.clone())]),
        Change::Pending(page) => entries.extend([Entry::Pending(page.seq)]),
        Change::Done { seq } => entries.extend([Entry::Pending(*seq)]),
        Change::DropPending { resource } => entries.extend(
            before
                .pending
                .iter()
                .filter(|page| page.resource == *resource)
                .map(|page| Entry::Pending(page.seq)),
        ),
        Change::Chain(chain) => {
            entries.extend([Entry::Chain(chain.resource.clone(), chain.partition_key.clone())]);
        }
        Change::ChainEnd { resource, partition_key } => {
            entries.extend([Entry::Chain(resource.clone(), partition_key.clone())]);
        }
        Change::Opened { resource, partitions } => {
            entries.extend(partitions.iter().map(|partition| Entry::Opened(resource.clone(), *partition)));
        }
        Change::OpenedForgotten { resource } => entries.extend(
            before
                .opened
                .get(resource)
                .into_iter()
                .flatten()
                .map(|partition| Entry::Opened(resource.clone(), *partition)),
        ),
        Change::Watermark(mark) => {
            entries.extend([Entry::Watermark(mark.resource.clone(), mark.partition.clone())]);
        }
        Change::WatermarksBack { resource, .. } | Change::WatermarksForgotten { resource, .. } => {
            entries.extend(
                before
                    .watermarks
                    .get(resource)
                    .into_iter()
                    .flat_map(BTreeMap::keys)
                    .map(|partition| Entry::Watermark(resource.clone(), partition.clone())),
            );
        }
        Change::Halt { origin, .. } | Change::HaltCleared { origin } => {
            entries.extend([Entry::Halt(origin.clone())]);
        }
        Change::Error(_) | Change::Quarantined(_) => {}
    }
}

fn insert<const N: usize>(session: &mut Session, table: &str, rows: &[[Scalar; N]]) -> Result<(), SqlError> {
    if rows.is_empty() {
        return Ok(());
    }
    let values = session.dialect().values(rows.len(), N);
    let args: Vec<Scalar> = rows.iter().flatten().cloned().collect();
    session.execute(&format!("INSERT INTO {table} VALUES {values}"), &args).map(drop)
}

fn named(dialect: Dialect, schema: Option<&str>, name: &str) -> String {
    dialect.table(&TableName { schema: schema.map(str::to_owned), name: name.to_owned() })
}

fn readable(pipeline: &str, load: &Load, begun: Option<&Begun>) -> [Scalar; 14] {
    let begun = begun.filter(|begun| begun.load_id == load.load_id);
    let status = match load.status {
        LoadStatus::Running => "running",
        LoadStatus::Refused => "refused",
        LoadStatus::Complete => "complete",
    };
    [
        text(pipeline),
        text(&load.resource),
        text(&load.load_id),
        optional(begun.map(|begun| begun.table.as_str())),
        optional(begun.map(|begun| begun.way.as_str())),
        text(status),
        count(load.rows),
        count(load.pages),
        count(load.retries),
        count(load.refused_rows),
        load.total.map_or(Scalar::Null, count),
        text(&iso8601(load.started_ms)),
        text(&iso8601(load.updated_ms)),
        optional(load.limit.as_deref()),
    ]
}

fn failure(pipeline: &str, line: &ErrorLine) -> [Scalar; 11] {
    [
        text(&iso8601(line.at_ms)),
        text(pipeline),
        text(&line.load_id),
        text(&line.resource),
        optional(line.partition_key.as_deref()),
        optional(line.url.as_deref()),
        line.status.map_or(Scalar::Null, |status| Scalar::Int(status.into())),
        count(line.attempts.into()),
        text(&line.message),
        optional(line.excerpt.as_deref()),
        optional(line.request_id.as_deref()),
    ]
}

fn kept(pipeline: &str, row: &QuarantinedRow) -> [Scalar; 7] {
    [
        text(&iso8601(row.at_ms)),
        text(pipeline),
        text(&row.load_id),
        text(&row.resource),
        optional(row.partition_key.as_deref()),
        text(&row.reason),
        text(&row.row),
    ]
}

fn text(text: &str) -> Scalar {
    // No text of a database holds one.
    Scalar::Text(text.replace('\0', "\u{fffd}"))
}

fn optional(value: Option<&str>) -> Scalar {
    value.map_or(Scalar::Null, text)
}

fn count(count: u64) -> Scalar {
    Scalar::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
