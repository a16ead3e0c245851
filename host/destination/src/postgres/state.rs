//! The checkpoint as rows of tables, one set for every pipeline of a schema.

use std::collections::{BTreeMap, HashMap};

use super::stand_in::{Scalar, SqlError, SqlErrorKind};
use super::{Postgres, quoted};
use crate::checkpoint::{
    Chain, Change, ErrorLine, Load, LoadStatus, Mark, Partition, PendingPage, QuarantinedRow, State,
    Watermark,
};
use crate::partition_id::PartitionId;
use crate::table::Way;
use crate::timestamp::iso8601;

/// Of the tables below. A program that knows only an older one must not write them.
const VERSION: i64 = 1;

/// Counts are numbers of 64 bits without a sign, which `bigint` does not hold.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS _sanderling_meta (name text PRIMARY KEY, value bigint);
    CREATE TABLE IF NOT EXISTS _sanderling_loads (
        pipeline text, resource text, load_id text, fingerprint text, connector_digest text, started_ms numeric(20),
        updated_ms numeric(20), status text, rows numeric(20), pages numeric(20), retries numeric(20),
        total numeric(20), missing_parents numeric(20), failed_parents numeric(20), refused_rows numeric(20),
        stopped_at text, last_complete text, to_undo text, unwritten boolean, way text, table_name text,
        PRIMARY KEY (pipeline, resource)
    );
    CREATE TABLE IF NOT EXISTS _sanderling_pending (
        pipeline text, seq numeric(20), resource text, partition_key text, partition_data text, cursor text,
        failed boolean, PRIMARY KEY (pipeline, seq)
    );
    CREATE INDEX IF NOT EXISTS _sanderling_pending_resource ON _sanderling_pending (pipeline, resource);
    CREATE TABLE IF NOT EXISTS _sanderling_chains (
        pipeline text, resource text, partition_key text, received numeric(20), pages numeric(20),
        first_total numeric(20), last_total numeric(20), last_digest text, repeats bigint, limited boolean,
        dropped numeric(20)
    );
    CREATE INDEX IF NOT EXISTS _sanderling_chains_key
        ON _sanderling_chains (pipeline, resource, left(partition_key, 200));
    CREATE TABLE IF NOT EXISTS _sanderling_opened (
        pipeline text, resource text, partition bytea, PRIMARY KEY (pipeline, resource, partition)
    );
    CREATE TABLE IF NOT EXISTS _sanderling_watermarks (
        pipeline text, resource text, partition_key text, load_id text, whole boolean, reached text, before text
    );
    CREATE INDEX IF NOT EXISTS _sanderling_watermarks_key
        ON _sanderling_watermarks (pipeline, resource, left(partition_key, 200));
    CREATE TABLE IF NOT EXISTS _sanderling_halts (
        pipeline text, origin text, at_ms numeric(20), PRIMARY KEY (pipeline, origin)
    );
    CREATE TABLE IF NOT EXISTS _sanderling_errors (
        at timestamptz, pipeline text, load_id text, resource text, partition_key text, url text, status bigint,
        attempts bigint, message text, excerpt text, request_id text
    );
    CREATE TABLE IF NOT EXISTS _quarantine (
        at timestamptz, pipeline text, load_id text, resource text, partition_key text, reason text, row text
    );
    CREATE TABLE IF NOT EXISTS _sanderling_keys (
        pipeline text, resource text, key bytea, partition text, PRIMARY KEY (pipeline, resource, key)
    );
    CREATE TABLE IF NOT EXISTS _sanderling_schemas (
        table_name text PRIMARY KEY, pipeline text, resource text, schema text
    );
";

/// How a load was begun, which undoing it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) load_id: String,
    pub(super) way: Way,
    pub(super) table: String,
}

/// Makes the schema and the tables, and proves on the way that they can be written to. The answer is the version of what
/// is there, if this program must not write it.
pub(super) fn create(session: &mut Postgres, schema: &str) -> Result<Option<i64>, SqlError> {
    session.batch("BEGIN")?;
    // Two that do this at once would meet in the catalog.
    session.query("SELECT pg_advisory_xact_lock($1)", &[Scalar::Int(super::lock_key(schema, ""))])?;
    let there = session.query("SELECT to_regnamespace(quote_ident($1)) IS NOT NULL", &[text(schema)])?;
    if there != [[Scalar::Int(1)]] {
        session.batch(&format!("CREATE SCHEMA {}", quoted(schema)))?;
    }
    session.batch(&format!("SET search_path = {}", quoted(schema)))?;
    session.batch(TABLES)?;
    // An update that changes nothing still takes the way of a write.
    let rows = session.query(
        "INSERT INTO _sanderling_meta VALUES ('version', $1)
         ON CONFLICT (name) DO UPDATE SET value = greatest(_sanderling_meta.value, excluded.value) RETURNING value",
        &[Scalar::Int(VERSION)],
    )?;
    session.commit()?;
    Ok(match rows.first().map(Vec::as_slice) {
        Some([Scalar::Int(version)]) if *version > VERSION => Some(*version),
        _ => None,
    })
}

/// The states of all pipelines; none if there are no tables of ours.
pub(super) fn look(
    session: &mut Postgres,
    schema: &str,
) -> Result<Option<BTreeMap<String, State>>, SqlError> {
    // One snapshot: a run may commit meanwhile.
    session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    session.batch(&format!("SET search_path = {}", quoted(schema)))?;
    let there = session.query("SELECT to_regclass('_sanderling_loads') IS NOT NULL", &[])?;
    if there != [[Scalar::Int(1)]] {
        return Ok(None);
    }
    let pipelines = session.query("SELECT DISTINCT pipeline FROM _sanderling_loads", &[])?;
    let mut states = BTreeMap::new();
    for row in pipelines {
        let pipeline = Row::of(row).text()?;
        let state = read(session, &pipeline)?;
        states.insert(pipeline, state);
    }
    Ok(Some(states))
}

/// The pipeline's state. Folded in like any change, which also puts each list in its order.
pub(super) fn read(session: &mut Postgres, pipeline: &str) -> Result<State, SqlError> {
    let mut state = State::default();
    let mut fold = |sql: &str, change: fn(Row) -> Result<Change, SqlError>| -> Result<(), SqlError> {
        for row in session.query(sql, &[text(pipeline)])? {
            state.apply(change(Row::of(row))?);
        }
        Ok(())
    };
    fold(
        "SELECT resource, load_id, fingerprint, connector_digest, started_ms, updated_ms, status, rows, pages, retries,
         total, missing_parents, failed_parents, refused_rows, stopped_at, last_complete, to_undo, unwritten
         FROM _sanderling_loads WHERE pipeline = $1",
        load,
    )?;
    fold(
        "SELECT seq, resource, partition_key, partition_data, cursor, failed FROM _sanderling_pending
         WHERE pipeline = $1 ORDER BY seq",
        |mut row| {
            let (seq, resource) = (row.count()?, row.text()?);
            let (key, data) = (row.optional()?, row.optional()?);
            let partition = key.zip(data).map(|(key, data)| Partition { key, data });
            Ok(Change::Pending(PendingPage {
                seq,
                resource,
                partition,
                cursor: row.optional()?,
                failed: row.flag(),
            }))
        },
    )?;
    fold("SELECT resource, partition FROM _sanderling_opened WHERE pipeline = $1", |mut row| {
        let resource = row.text()?;
        let partitions = PartitionId::from_bytes(&row.bytes()).into_iter().collect();
        Ok(Change::Opened { resource, partitions })
    })?;
    fold(
        "SELECT resource, partition_key, received, pages, first_total, last_total, last_digest, repeats, limited, dropped
         FROM _sanderling_chains WHERE pipeline = $1",
        |mut row| {
            Ok(Change::Chain(Chain {
                resource: row.text()?,
                partition_key: row.optional()?,
                received: row.count()?,
                pages: row.count()?,
                first_total: row.optional_count()?,
                last_total: row.optional_count()?,
                last_digest: row.optional()?,
                repeats: u32::try_from(row.count()?).unwrap_or(u32::MAX),
                limited: row.flag(),
                dropped: row.count()?,
            }))
        },
    )?;
    fold(
        "SELECT resource, partition_key, load_id, whole, reached, before FROM _sanderling_watermarks
         WHERE pipeline = $1",
        |mut row| {
            Ok(Change::Watermark(Watermark {
                resource: row.text()?,
                partition: row.text()?,
                load_id: row.text()?,
                whole: row.flag(),
                reached: row.mark()?,
                before: row.mark()?,
            }))
        },
    )?;
    fold("SELECT origin, at_ms FROM _sanderling_halts WHERE pipeline = $1", |mut row| {
        Ok(Change::Halt { origin: row.text()?, at_ms: row.count()? })
    })?;
    Ok(state)
}

fn load(mut row: Row) -> Result<Change, SqlError> {
    Ok(Change::Load(Load {
        resource: row.text()?,
        load_id: row.text()?,
        fingerprint: row.text()?,
        connector_digest: row.text()?,
        started_ms: row.count()?,
        updated_ms: row.count()?,
        // Whatever is not known to be complete is read again.
        status: match row.text()?.as_str() {
            "complete" => LoadStatus::Complete,
            "refused" => LoadStatus::Refused,
            _ => LoadStatus::Running,
        },
        rows: row.count()?,
        pages: row.count()?,
        retries: row.count()?,
        total: row.optional_count()?,
        missing_parents: row.count()?,
        failed_parents: row.count()?,
        refused_rows: row.count()?,
        limit: row.optional()?,
        last_complete: row.optional()?.and_then(|text| serde_json::from_str(&text).ok()),
        to_undo: row.optional()?,
        unwritten: row.flag(),
    }))
}

/// How each resource's load was begun.
pub(super) fn begun(session: &mut Postgres, pipeline: &str) -> Result<HashMap<String, Begun>, SqlError> {
    let sql = "SELECT resource, load_id, way, table_name FROM _sanderling_loads
               WHERE pipeline = $1 AND way IS NOT NULL AND table_name IS NOT NULL";
    let mut all = HashMap::new();
    for row in session.query(sql, &[text(pipeline)])? {
        let mut row = Row::of(row);
        let (resource, load_id, way) = (row.text()?, row.text()?, row.text()?);
        if let Some((way, _)) = WAYS.into_iter().find(|(_, name)| *name == way) {
            all.insert(resource, Begun { load_id, way, table: row.text()? });
        }
    }
    Ok(all)
}

const WAYS: [(Way, &str); 4] = [
    (Way::Append, "append"),
    (Way::Replace, "replace"),
    (Way::Upsert, "upsert"),
    (Way::DeleteInsert, "delete_insert"),
];

/// Remembers how a resource's load was begun. Its row is there already.
pub(super) fn note_begun(
    session: &mut Postgres,
    pipeline: &str,
    resource: &str,
    begun: &Begun,
) -> Result<(), SqlError> {
    let way = WAYS.into_iter().find(|(way, _)| *way == begun.way).map_or("", |(_, name)| name);
    session
        .execute(
            "UPDATE _sanderling_loads SET way = $4, table_name = $5
             WHERE pipeline = $1 AND resource = $2 AND load_id = $3",
            &[text(pipeline), text(resource), text(&begun.load_id), text(way), text(&begun.table)],
        )
        .map(drop)
}

/// Only what counts of a list of changes, in an order that comes to the same: of several that take each other's place the
/// last.
pub(super) fn folded(changes: Vec<Change>) -> Vec<Change> {
    #[derive(PartialEq, Eq, Hash)]
    enum Place {
        Load(String),
        Seq(u64),
        Chain(String, Option<String>),
    }
    let mut slots: Vec<Option<Change>> = Vec::with_capacity(changes.len());
    let mut latest: HashMap<Place, usize> = HashMap::new();
    for change in changes {
        let place = match &change {
            Change::Load(load) => Some(Place::Load(load.resource.clone())),
            Change::Pending(page) => Some(Place::Seq(page.seq)),
            Change::Done { seq } => Some(Place::Seq(*seq)),
            Change::Chain(Chain { resource, partition_key, .. })
            | Change::ChainEnd { resource, partition_key } => {
                Some(Place::Chain(resource.clone(), partition_key.clone()))
            }
            Change::Error(_) | Change::Quarantined(_) | Change::Opened { .. } | Change::Watermark(_) => None,
            // Takes away several: what comes after it must stay after it.
            _ => {
                latest.clear();
                None
            }
        };
        if let Some(place) = place
            && let Some(before) = latest.insert(place, slots.len())
            && let Some(slot) = slots.get_mut(before)
        {
            *slot = None;
        }
        slots.push(Some(change));
    }
    slots.into_iter().flatten().collect()
}

/// Folds a change into the tables.
pub(super) fn apply(session: &mut Postgres, pipeline: &str, change: &Change) -> Result<(), SqlError> {
    let mut run = |sql: &str, args: &[Scalar]| {
        let mut all = vec![text(pipeline)];
        all.extend_from_slice(args);
        session.execute(sql, &all).map(drop)
    };
    match change {
        Change::Load(load) => insert_load(&mut run, load),
        Change::LoadForgotten { resource } => {
            run("DELETE FROM _sanderling_loads WHERE pipeline = $1 AND resource = $2", &[text(resource)])
        }
        Change::Pending(PendingPage { seq, resource, partition, cursor, failed }) => {
            let (key, data) = partition.as_ref().map(|it| (&it.key, &it.data)).unzip();
            run(
                "INSERT INTO _sanderling_pending VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (pipeline, seq) DO UPDATE SET resource = $3, partition_key = $4, partition_data = $5,
                 cursor = $6, failed = $7",
                &[
                    count(*seq),
                    text(resource),
                    optional(key),
                    optional(data),
                    optional(cursor.as_ref()),
                    flag(*failed),
                ],
            )
        }
        Change::Opened { resource, partitions } => {
            let ids: Vec<String> = partitions.iter().map(|id| hex(id.bytes())).collect();
            run(
                "INSERT INTO _sanderling_opened SELECT $1, $2, decode(id, 'hex') FROM
                 unnest(string_to_array($3, ',')) AS id ON CONFLICT DO NOTHING",
                &[text(resource), text(&ids.join(","))],
            )
        }
        Change::OpenedForgotten { resource } => {
            run("DELETE FROM _sanderling_opened WHERE pipeline = $1 AND resource = $2", &[text(resource)])
        }
        Change::Done { seq } => {
            run("DELETE FROM _sanderling_pending WHERE pipeline = $1 AND seq = $2", &[count(*seq)])
        }
        Change::DropPending { resource } => {
            run("DELETE FROM _sanderling_pending WHERE pipeline = $1 AND resource = $2", &[text(resource)])
        }
        Change::Chain(chain) => {
            end_chain(&mut run, &chain.resource, chain.partition_key.as_ref())?;
            run(
                "INSERT INTO _sanderling_chains VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                &[
                    text(&chain.resource),
                    optional(chain.partition_key.as_ref()),
                    count(chain.received),
                    count(chain.pages),
                    optional_count(chain.first_total),
                    optional_count(chain.last_total),
                    optional(chain.last_digest.as_ref()),
                    count(chain.repeats.into()),
                    flag(chain.limited),
                    count(chain.dropped),
                ],
            )
        }
        Change::ChainEnd { resource, partition_key } => end_chain(&mut run, resource, partition_key.as_ref()),
        Change::Watermark(watermark) => {
            let mark = |mark: &Option<Mark>| {
                optional(mark.as_ref().and_then(|mark| serde_json::to_string(mark).ok()).as_ref())
            };
            run(
                "DELETE FROM _sanderling_watermarks WHERE pipeline = $1 AND resource = $2
                 AND left(partition_key, 200) = left($3, 200) AND partition_key = $3",
                &[text(&watermark.resource), text(&watermark.partition)],
            )?;
            run(
                "INSERT INTO _sanderling_watermarks VALUES ($1, $2, $3, $4, $5, $6, $7)",
                &[
                    text(&watermark.resource),
                    text(&watermark.partition),
                    text(&watermark.load_id),
                    flag(watermark.whole),
                    mark(&watermark.reached),
                    mark(&watermark.before),
                ],
            )
        }
        Change::WatermarksBack { resource, load_id } => {
            let args = [text(resource), text(load_id)];
            run(
                "DELETE FROM _sanderling_watermarks
                 WHERE pipeline = $1 AND resource = $2 AND load_id = $3 AND before IS NULL",
                &args,
            )?;
            run(
                "UPDATE _sanderling_watermarks SET reached = before, before = NULL, whole = TRUE, load_id = ''
                 WHERE pipeline = $1 AND resource = $2 AND load_id = $3",
                &args,
            )
        }
        Change::WatermarksForgotten { resource, but_of } => run(
            "DELETE FROM _sanderling_watermarks
             WHERE pipeline = $1 AND resource = $2 AND ($3::text IS NULL OR load_id <> $3)",
            &[text(resource), optional(but_of.as_ref())],
        ),
        Change::Halt { origin, at_ms } => run(
            "INSERT INTO _sanderling_halts VALUES ($1, $2, $3)
             ON CONFLICT (pipeline, origin) DO UPDATE SET at_ms = $3",
            &[text(origin), count(*at_ms)],
        ),
        Change::HaltCleared { origin } => {
            run("DELETE FROM _sanderling_halts WHERE pipeline = $1 AND origin = $2", &[text(origin)])
        }
        Change::Error(line) => insert_error(&mut run, line),
        Change::Quarantined(row) => insert_quarantined(&mut run, row),
    }
}

type Run<'r> = &'r mut dyn FnMut(&str, &[Scalar]) -> Result<(), SqlError>;

fn insert_load(run: Run<'_>, load: &Load) -> Result<(), SqlError> {
    let complete = load.last_complete.as_ref().and_then(|complete| serde_json::to_string(complete).ok());
    run(
        "INSERT INTO _sanderling_loads (pipeline, resource, load_id, fingerprint, connector_digest, started_ms,
         updated_ms, status, rows, pages, retries, total, missing_parents, failed_parents, refused_rows, stopped_at,
         last_complete, to_undo, unwritten)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
         ON CONFLICT (pipeline, resource) DO UPDATE SET load_id = $3, fingerprint = $4, connector_digest = $5,
         started_ms = $6, updated_ms = $7, status = $8, rows = $9, pages = $10, retries = $11, total = $12,
         missing_parents = $13, failed_parents = $14, refused_rows = $15, stopped_at = $16, last_complete = $17,
         to_undo = $18, unwritten = $19",
        &[
            text(&load.resource),
            text(&load.load_id),
            text(&load.fingerprint),
            text(&load.connector_digest),
            count(load.started_ms),
            count(load.updated_ms),
            text(match load.status {
                LoadStatus::Running => "running",
                LoadStatus::Refused => "refused",
                LoadStatus::Complete => "complete",
            }),
            count(load.rows),
            count(load.pages),
            count(load.retries),
            optional_count(load.total),
            count(load.missing_parents),
            count(load.failed_parents),
            count(load.refused_rows),
            optional(load.limit.as_ref()),
            optional(complete.as_ref()),
            optional(load.to_undo.as_ref()),
            flag(load.unwritten),
        ],
    )
}

fn end_chain(run: Run<'_>, resource: &str, partition_key: Option<&String>) -> Result<(), SqlError> {
    match partition_key {
        Some(key) => run(
            "DELETE FROM _sanderling_chains WHERE pipeline = $1 AND resource = $2
             AND left(partition_key, 200) = left($3, 200) AND partition_key = $3",
            &[text(resource), text(key)],
        ),
        None => run(
            "DELETE FROM _sanderling_chains WHERE pipeline = $1 AND resource = $2 AND partition_key IS NULL",
            &[text(resource)],
        ),
    }
}

fn insert_error(run: Run<'_>, line: &ErrorLine) -> Result<(), SqlError> {
    run(
        "INSERT INTO _sanderling_errors (pipeline, at, load_id, resource, partition_key, url, status, attempts, message,
         excerpt, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            Scalar::Text(iso8601(line.at_ms)),
            text(&line.load_id),
            text(&line.resource),
            optional(line.partition_key.as_ref()),
            optional(line.url.as_ref()),
            line.status.map_or(Scalar::Null, |status| Scalar::Int(status.into())),
            Scalar::Int(line.attempts.into()),
            text(&line.message),
            optional(line.excerpt.as_ref()),
            optional(line.request_id.as_ref()),
        ],
    )
}

fn insert_quarantined(run: Run<'_>, row: &QuarantinedRow) -> Result<(), SqlError> {
    run(
        "INSERT INTO _quarantine (pipeline, at, load_id, resource, partition_key, reason, row)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            Scalar::Text(iso8601(row.at_ms)),
            text(&row.load_id),
            text(&row.resource),
            optional(row.partition_key.as_ref()),
            text(&row.reason),
            text(&row.row),
        ],
    )
}

/// Forgets the rows that a load has refused: it is taken back.
pub(super) fn release(
    session: &mut Postgres,
    pipeline: &str,
    resource: &str,
    load_id: &str,
) -> Result<(), SqlError> {
    let sql = "DELETE FROM _quarantine WHERE pipeline = $1 AND resource = $2 AND load_id = $3";
    session.execute(sql, &[text(pipeline), text(resource), text(load_id)]).map(drop)
}

/// Text that PostgreSQL can hold: a NUL is written as `\0` behind a mark that no other text begins with.
pub(super) fn text(text: &str) -> Scalar {
    if !text.contains('\0') && !text.starts_with(MARK) {
        return Scalar::Text(text.to_owned());
    }
    Scalar::Text(format!("{MARK}{}", text.replace('\\', "\\\\").replace('\0', "\\0")))
}

const MARK: char = '\u{1}';

fn unmarked(text: String) -> String {
    let Some(marked) = text.strip_prefix(MARK) else { return text };
    let (mut plain, mut characters) = (String::with_capacity(marked.len()), marked.chars());
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('0') => '\0',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    plain
}

fn optional(value: Option<&String>) -> Scalar {
    value.map_or(Scalar::Null, |value| text(value))
}

fn count(count: u64) -> Scalar {
    Scalar::Text(count.to_string())
}

fn optional_count(value: Option<u64>) -> Scalar {
    value.map_or(Scalar::Null, count)
}

fn flag(flag: bool) -> Scalar {
    Scalar::Int(flag.into())
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A row of an answer, taken apart from its left.
struct Row(std::vec::IntoIter<Scalar>);

impl Row {
    fn of(row: Vec<Scalar>) -> Self {
        Self(row.into_iter())
    }

    fn next(&mut self) -> Scalar {
        self.0.next().unwrap_or(Scalar::Null)
    }

    fn optional(&mut self) -> Result<Option<String>, SqlError> {
        match self.next() {
            Scalar::Null => Ok(None),
            Scalar::Text(text) => Ok(Some(unmarked(text))),
            other => Err(damaged(&other)),
        }
    }

    fn text(&mut self) -> Result<String, SqlError> {
        Ok(self.optional()?.unwrap_or_default())
    }

    fn optional_count(&mut self) -> Result<Option<u64>, SqlError> {
        match self.next() {
            Scalar::Null => Ok(None),
            Scalar::Int(integer) => {
                u64::try_from(integer).map(Some).map_err(|_| damaged(&Scalar::Int(integer)))
            }
            Scalar::Text(digits) => match digits.parse() {
                Ok(count) => Ok(Some(count)),
                Err(_) => Err(damaged(&Scalar::Text(digits))),
            },
            other => Err(damaged(&other)),
        }
    }

    fn count(&mut self) -> Result<u64, SqlError> {
        Ok(self.optional_count()?.unwrap_or_default())
    }

    fn flag(&mut self) -> bool {
        self.next() == Scalar::Int(1)
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.next() {
            Scalar::Bytes(bytes) => bytes,
            _ => Vec::new(),
        }
    }

    /// One that cannot be read is as good as none: its rows are read again.
    fn mark(&mut self) -> Result<Option<Mark>, SqlError> {
        Ok(self.optional()?.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

fn damaged(value: &Scalar) -> SqlError {
    let message = format!("the state holds {value:?} where something else should be");
    SqlError { kind: SqlErrorKind::Other, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_both_ways() {
        for plain in ["", "a", "a\0b", "\0", "\u{1}x", "\u{1}\0\\0", "\\0"] {
            let Scalar::Text(stored) = text(plain) else { panic!("{plain:?}") };
            assert!(!stored.contains('\0'), "{plain:?}");
            assert_eq!(unmarked(stored), plain);
        }
    }

    #[test]
    fn changes_that_take_each_others_place() {
        let load = |rows| Change::Load(Load { resource: "a".to_owned(), rows, ..Load::default() });
        let done = |seq| Change::Done { seq };
        let dropped = || Change::DropPending { resource: "a".to_owned() };
        assert_eq!(folded(vec![load(1), done(1), load(2), done(2)]), [done(1), load(2), done(2)]);
        assert_eq!(folded(vec![load(1), dropped(), load(2)]), [load(1), dropped(), load(2)]);
    }
}
