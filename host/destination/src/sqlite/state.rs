//! The checkpoint as rows of tables, one set for every pipeline of the database.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::{failure, schema};
use crate::checkpoint::{
    Chain, Change, ErrorLine, Load, LoadStatus, Mark, Partition, PendingPage, QuarantinedRow, State,
    Watermark,
};
use crate::error::DestinationError;
use crate::partition_id::PartitionId;
use crate::table::{Table, Way};
use crate::timestamp::iso8601;

/// Of the tables below. A program that knows only an older one must not write them.
const VERSION: i64 = 4;

/// Columns have no types here either: a count above `i64::MAX` is kept as its digits.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS _sanderling_meta (name PRIMARY KEY, value);
    CREATE TABLE IF NOT EXISTS _sanderling_loads (
        pipeline, resource, load_id, fingerprint, connector_digest, started_ms, updated_ms, status,
        rows, pages, retries, total, missing_parents, failed_parents, disposition,
        refused_rows, stopped_at, last_complete, to_undo, unwritten, table_name,
        PRIMARY KEY (pipeline, resource)
    );
    CREATE TABLE IF NOT EXISTS _sanderling_pending (
        pipeline, seq, resource, partition_key, partition_data, cursor, failed,
        PRIMARY KEY (pipeline, seq)
    );
    CREATE INDEX IF NOT EXISTS _sanderling_pending_resource ON _sanderling_pending (pipeline, resource);
    CREATE TABLE IF NOT EXISTS _sanderling_chains (
        pipeline, resource, partition_key, received, pages, first_total, last_total, last_digest, repeats, limited,
        dropped
    );
    CREATE INDEX IF NOT EXISTS _sanderling_chains_key
        ON _sanderling_chains (pipeline, resource, partition_key);
    CREATE TABLE IF NOT EXISTS _sanderling_opened (
        pipeline, resource, partition, PRIMARY KEY (pipeline, resource, partition)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _sanderling_watermarks (
        pipeline, resource, partition_key, load_id, whole, reached, before,
        PRIMARY KEY (pipeline, resource, partition_key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS _sanderling_halts (pipeline, origin, at_ms, PRIMARY KEY (pipeline, origin));
    CREATE TABLE IF NOT EXISTS _sanderling_errors (
        at, pipeline, load_id, resource, partition_key, url, status, attempts, message, excerpt, request_id
    );
    CREATE TABLE IF NOT EXISTS _quarantine (at, pipeline, load_id, resource, partition_key, reason, row);
    CREATE TABLE IF NOT EXISTS _sanderling_keys (
        pipeline, resource, key, partition, PRIMARY KEY (pipeline, resource, key)
    ) WITHOUT ROWID;
";

/// Columns that older versions did not have. The tables that they made get them at their end, as they stand above.
const ADDED: [(&str, &str); 8] = [
    ("_sanderling_loads", "refused_rows"),
    ("_sanderling_loads", "stopped_at"),
    ("_sanderling_loads", "last_complete"),
    ("_sanderling_loads", "to_undo"),
    ("_sanderling_loads", "unwritten"),
    ("_sanderling_pending", "failed"),
    ("_sanderling_chains", "dropped"),
    ("_sanderling_loads", "table_name"),
];

/// Makes the tables, and proves on the way that the database can be written to.
pub(super) fn create(conn: &Connection, path: &Path) -> Result<(), DestinationError> {
    let sort = |cause| failure::sort(path, cause);
    conn.execute_batch("BEGIN IMMEDIATE").map_err(sort)?;
    conn.execute_batch(TABLES).map_err(sort)?;
    // An update that changes nothing still takes the way of a write.
    let version: i64 = conn
        .query_row(
            "INSERT INTO _sanderling_meta VALUES ('version', ?1)
             ON CONFLICT DO UPDATE SET value = max(value, excluded.value) RETURNING value",
            [VERSION],
            |row| row.get(0),
        )
        .map_err(sort)?;
    if version > VERSION {
        let reason =
            format!("its state is of version {version}; this program knows {VERSION}: use a newer one");
        return Err(DestinationError::Corrupt { path: path.to_owned(), reason });
    }
    for (table, column) in ADDED {
        if !has_column(conn, table, column).map_err(sort)? {
            schema::add_column(conn, table, column).map_err(sort)?;
        }
    }
    conn.execute_batch("COMMIT").map_err(sort)
}

fn has_column(conn: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?.exists([table, column])
}

/// The states of all pipelines; none if there are no tables of ours. Tables of an older version are read as they are.
pub(super) fn look(conn: &Connection) -> rusqlite::Result<Option<BTreeMap<String, State>>> {
    if !schema::exists(conn, "_sanderling_loads")? {
        return Ok(None);
    }
    let mut select = conn.prepare("SELECT DISTINCT pipeline FROM _sanderling_loads")?;
    let pipelines: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    pipelines
        .into_iter()
        .map(|pipeline| Ok((pipeline.clone(), read(conn, &pipeline)?)))
        .collect::<rusqlite::Result<_>>()
        .map(Some)
}

/// The pipeline's state.
pub(super) fn read(conn: &Connection, pipeline: &str) -> rusqlite::Result<State> {
    let column = |table: &str, column: &'static str| -> rusqlite::Result<&'static str> {
        Ok(if has_column(conn, table, column)? { column } else { "NULL" })
    };
    let [refused, limit, last, to_undo, unwritten, failed, dropped, _] = {
        let mut columns = [""; 8];
        for (slot, (table, name)) in columns.iter_mut().zip(ADDED) {
            *slot = column(table, name)?;
        }
        columns
    };
    // Folded in like any change, which also puts each list in its order.
    let mut state = State::default();
    let mut fold = |sql: &str, change: fn(&Row) -> rusqlite::Result<Change>| -> rusqlite::Result<()> {
        for change in conn.prepare(sql)?.query_map([pipeline], change)? {
            state.apply(change?);
        }
        Ok(())
    };
    fold(
        &format!(
            "SELECT resource, load_id, fingerprint, connector_digest, started_ms, updated_ms, status, rows, pages,
             retries, total, missing_parents, failed_parents, {refused}, {limit}, {last}, {to_undo},
             {unwritten}
             FROM _sanderling_loads WHERE pipeline = ?1"
        ),
        load,
    )?;
    fold(
        &format!(
            "SELECT seq, resource, partition_key, partition_data, cursor, {failed} FROM _sanderling_pending
             WHERE pipeline = ?1 ORDER BY seq"
        ),
        pending,
    )?;
    if schema::exists(conn, "_sanderling_opened")? {
        fold("SELECT resource, partition FROM _sanderling_opened WHERE pipeline = ?1", |row| {
            let partitions = PartitionId::from_bytes(row.get_ref(1)?.as_blob()?).into_iter().collect();
            Ok(Change::Opened { resource: row.get(0)?, partitions })
        })?;
    }
    fold(
        &format!(
            "SELECT resource, partition_key, received, pages, first_total, last_total, last_digest, repeats, limited,
             {dropped} FROM _sanderling_chains WHERE pipeline = ?1"
        ),
        chain,
    )?;
    if schema::exists(conn, "_sanderling_watermarks")? {
        fold(
            "SELECT resource, partition_key, load_id, whole, reached, before FROM _sanderling_watermarks
             WHERE pipeline = ?1",
            watermark,
        )?;
    }
    fold("SELECT origin, at_ms FROM _sanderling_halts WHERE pipeline = ?1", |row| {
        Ok(Change::Halt { origin: row.get(0)?, at_ms: count(row, 1)? })
    })?;
    Ok(state)
}

/// Folds `change` into the tables.
pub(super) fn apply(conn: &Connection, pipeline: &str, change: &Change) -> rusqlite::Result<()> {
    let run = |sql, values: &[&dyn ToSql]| conn.prepare_cached(sql)?.execute(values).map(drop);
    match change {
        Change::Load(load) => insert_load(conn, pipeline, load),
        Change::LoadForgotten { resource } => run(
            "DELETE FROM _sanderling_loads WHERE pipeline = ?1 AND resource = ?2",
            params![pipeline, resource],
        ),
        Change::Pending(PendingPage { seq, resource, partition, cursor, failed }) => {
            let (key, data) = partition.as_ref().map(|it| (&it.key, &it.data)).unzip();
            run(
                "INSERT OR REPLACE INTO _sanderling_pending
                 (pipeline, seq, resource, partition_key, partition_data, cursor, failed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![pipeline, Count(*seq), resource, key, data, cursor, failed],
            )
        }
        Change::Opened { resource, partitions } => partitions.iter().try_for_each(|partition| {
            run(
                "INSERT OR IGNORE INTO _sanderling_opened VALUES (?1, ?2, ?3)",
                params![pipeline, resource, partition.bytes()],
            )
        }),
        Change::OpenedForgotten { resource } => run(
            "DELETE FROM _sanderling_opened WHERE pipeline = ?1 AND resource = ?2",
            params![pipeline, resource],
        ),
        Change::Done { seq } => run(
            "DELETE FROM _sanderling_pending WHERE pipeline = ?1 AND seq = ?2",
            params![pipeline, Count(*seq)],
        ),
        Change::DropPending { resource } => run(
            "DELETE FROM _sanderling_pending WHERE pipeline = ?1 AND resource = ?2",
            params![pipeline, resource],
        ),
        Change::Chain(chain) => {
            end_chain(conn, pipeline, &chain.resource, chain.partition_key.as_ref())?;
            insert_chain(conn, pipeline, chain)
        }
        Change::ChainEnd { resource, partition_key } => {
            end_chain(conn, pipeline, resource, partition_key.as_ref())
        }
        Change::Watermark(watermark) => insert_watermark(conn, pipeline, watermark),
        Change::WatermarksBack { resource, load_id } => {
            run(
                "DELETE FROM _sanderling_watermarks
                 WHERE pipeline = ?1 AND resource = ?2 AND load_id = ?3 AND before IS NULL",
                params![pipeline, resource, load_id],
            )?;
            run(
                "UPDATE _sanderling_watermarks SET reached = before, before = NULL, whole = TRUE, load_id = ''
                 WHERE pipeline = ?1 AND resource = ?2 AND load_id = ?3",
                params![pipeline, resource, load_id],
            )
        }
        Change::WatermarksForgotten { resource, but_of } => run(
            "DELETE FROM _sanderling_watermarks
             WHERE pipeline = ?1 AND resource = ?2 AND (?3 IS NULL OR load_id <> ?3)",
            params![pipeline, resource, but_of],
        ),
        Change::Halt { origin, at_ms } => run(
            "INSERT OR REPLACE INTO _sanderling_halts VALUES (?1, ?2, ?3)",
            params![pipeline, origin, Count(*at_ms)],
        ),
        Change::HaltCleared { origin } => run(
            "DELETE FROM _sanderling_halts WHERE pipeline = ?1 AND origin = ?2",
            params![pipeline, origin],
        ),
        Change::Error(line) => insert_error(conn, pipeline, line),
        Change::Quarantined(row) => insert_quarantined(conn, pipeline, row),
    }
}

fn insert_load(conn: &Connection, pipeline: &str, load: &Load) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO _sanderling_loads (pipeline, resource, load_id, fingerprint, connector_digest, started_ms,
         updated_ms, status, rows, pages, retries, total, missing_parents, failed_parents, refused_rows, stopped_at,
         last_complete, to_undo, unwritten)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
         ON CONFLICT DO UPDATE SET load_id = ?3, fingerprint = ?4, connector_digest = ?5, started_ms = ?6,
         updated_ms = ?7, status = ?8, rows = ?9, pages = ?10, retries = ?11, total = ?12, missing_parents = ?13,
         failed_parents = ?14, refused_rows = ?15, stopped_at = ?16, last_complete = ?17, to_undo = ?18,
         unwritten = ?19",
    )?
    .execute(params![
        pipeline,
        load.resource,
        load.load_id,
        load.fingerprint,
        load.connector_digest,
        Count(load.started_ms),
        Count(load.updated_ms),
        match load.status {
            LoadStatus::Running => "running",
            LoadStatus::Refused => "refused",
            LoadStatus::Complete => "complete",
        },
        Count(load.rows),
        Count(load.pages),
        Count(load.retries),
        load.total.map(Count),
        Count(load.missing_parents),
        Count(load.failed_parents),
        Count(load.refused_rows),
        load.limit,
        load.last_complete.as_ref().and_then(|complete| serde_json::to_string(complete).ok()),
        load.to_undo,
        load.unwritten,
    ])
    .map(drop)
}

/// How a load was begun, which undoing it goes by: the config may have been changed since.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) way: Way,
    /// The table that its rows are for.
    pub(super) table: String,
}

/// Notes how the resource's load is begun.
pub(super) fn note_begun(conn: &Connection, pipeline: &str, table: &Table) -> rusqlite::Result<()> {
    let way = match table.way() {
        Way::Append => "append",
        Way::Replace => "replace",
        Way::Upsert => "merge",
        Way::DeleteInsert => "delete-insert",
    };
    conn.prepare_cached(
        "UPDATE _sanderling_loads SET disposition = ?3, table_name = ?4 WHERE pipeline = ?1 AND resource = ?2",
    )?
    .execute([pipeline, &table.resource, way, &table.name])
    .map(drop)
}

/// How the load was begun, if it is the one that the state holds.
pub(super) fn begun(
    conn: &Connection,
    pipeline: &str,
    resource: &str,
    load_id: &str,
) -> rusqlite::Result<Option<Begun>> {
    let noted: Option<(Option<String>, Option<String>)> = conn
        .prepare_cached(
            "SELECT disposition, table_name FROM _sanderling_loads
             WHERE pipeline = ?1 AND resource = ?2 AND load_id = ?3",
        )?
        .query_row([pipeline, resource, load_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((way, table)) = noted else { return Ok(None) };
    let way = match way.as_deref() {
        Some("append") => Way::Append,
        Some("replace") => Way::Replace,
        Some("merge") => Way::Upsert,
        Some("delete-insert") => Way::DeleteInsert,
        _ => return Ok(None),
    };
    Ok(Some(Begun { way, table: table.unwrap_or_else(|| resource.to_owned()) }))
}

fn load(row: &Row) -> rusqlite::Result<Change> {
    Ok(Change::Load(Load {
        resource: row.get(0)?,
        load_id: row.get(1)?,
        fingerprint: row.get(2)?,
        connector_digest: row.get(3)?,
        started_ms: count(row, 4)?,
        updated_ms: count(row, 5)?,
        // Whatever is not known to be complete is read again.
        status: match row.get_ref(6)?.as_str() {
            Ok("complete") => LoadStatus::Complete,
            Ok("refused") => LoadStatus::Refused,
            _ => LoadStatus::Running,
        },
        rows: count(row, 7)?,
        pages: count(row, 8)?,
        retries: count(row, 9)?,
        total: optional_count(row, 10)?,
        missing_parents: count(row, 11)?,
        failed_parents: count(row, 12)?,
        refused_rows: optional_count(row, 13)?.unwrap_or_default(),
        limit: row.get(14)?,
        last_complete: {
            let text: Option<String> = row.get(15)?;
            text.and_then(|text| serde_json::from_str(&text).ok())
        },
        to_undo: row.get(16)?,
        unwritten: row.get::<_, Option<bool>>(17)?.unwrap_or_default(),
    }))
}

fn pending(row: &Row) -> rusqlite::Result<Change> {
    let key: Option<String> = row.get(2)?;
    let data: Option<String> = row.get(3)?;
    Ok(Change::Pending(PendingPage {
        seq: count(row, 0)?,
        resource: row.get(1)?,
        partition: key.zip(data).map(|(key, data)| Partition { key, data }),
        cursor: row.get(4)?,
        failed: row.get::<_, Option<bool>>(5)?.unwrap_or_default(),
    }))
}

fn insert_chain(conn: &Connection, pipeline: &str, chain: &Chain) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO _sanderling_chains (pipeline, resource, partition_key, received, pages, first_total, last_total,
         last_digest, repeats, limited, dropped) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
        .execute(params![
            pipeline,
            chain.resource,
            chain.partition_key,
            Count(chain.received),
            Count(chain.pages),
            chain.first_total.map(Count),
            chain.last_total.map(Count),
            chain.last_digest,
            chain.repeats,
            chain.limited,
            Count(chain.dropped),
        ])
        .map(drop)
}

fn end_chain(
    conn: &Connection,
    pipeline: &str,
    resource: &str,
    partition_key: Option<&String>,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM _sanderling_chains WHERE pipeline = ?1 AND resource = ?2 AND partition_key IS ?3",
    )?
    .execute(params![pipeline, resource, partition_key])
    .map(drop)
}

fn chain(row: &Row) -> rusqlite::Result<Change> {
    Ok(Change::Chain(Chain {
        resource: row.get(0)?,
        partition_key: row.get(1)?,
        received: count(row, 2)?,
        pages: count(row, 3)?,
        first_total: optional_count(row, 4)?,
        last_total: optional_count(row, 5)?,
        last_digest: row.get(6)?,
        repeats: row.get(7)?,
        limited: row.get(8)?,
        dropped: optional_count(row, 9)?.unwrap_or_default(),
    }))
}

fn watermark(row: &Row) -> rusqlite::Result<Change> {
    // One that cannot be read is as good as none: its rows are read again.
    let mark = |column: usize| -> rusqlite::Result<Option<Mark>> {
        let text: Option<String> = row.get(column)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    };
    Ok(Change::Watermark(Watermark {
        resource: row.get(0)?,
        partition: row.get(1)?,
        load_id: row.get(2)?,
        whole: row.get(3)?,
        reached: mark(4)?,
        before: mark(5)?,
    }))
}

fn insert_watermark(conn: &Connection, pipeline: &str, watermark: &Watermark) -> rusqlite::Result<()> {
    let mark = |mark: &Option<Mark>| mark.as_ref().and_then(|mark| serde_json::to_string(mark).ok());
    conn.prepare_cached("INSERT OR REPLACE INTO _sanderling_watermarks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            pipeline,
            watermark.resource,
            watermark.partition,
            watermark.load_id,
            watermark.whole,
            mark(&watermark.reached),
            mark(&watermark.before),
        ])
        .map(drop)
}

fn insert_error(conn: &Connection, pipeline: &str, line: &ErrorLine) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO _sanderling_errors VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        iso8601(line.at_ms),
        pipeline,
        line.load_id,
        line.resource,
        line.partition_key,
        line.url,
        line.status,
        line.attempts,
        line.message,
        line.excerpt,
        line.request_id,
    ])
    .map(drop)
}

fn insert_quarantined(conn: &Connection, pipeline: &str, row: &QuarantinedRow) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO _quarantine VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            iso8601(row.at_ms),
            pipeline,
            row.load_id,
            row.resource,
            row.partition_key,
            row.reason,
            row.row,
        ])
        .map(drop)
}

/// Forgets the rows that a load has refused: it is taken back.
pub(super) fn release(
    conn: &Connection,
    pipeline: &str,
    resource: &str,
    load_id: &str,
) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM _quarantine WHERE pipeline = ?1 AND resource = ?2 AND load_id = ?3")?
        .execute([pipeline, resource, load_id])
        .map(drop)
}

/// A `u64` in a database whose integers end at `i64::MAX`: above it, its digits.
struct Count(u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match i64::try_from(self.0) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Text(self.0.to_string()),
        }))
    }
}

fn count(row: &Row, column: usize) -> rusqlite::Result<u64> {
    match row.get_ref(column)? {
        ValueRef::Text(digits) => {
            let digits = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            digits.ok_or(rusqlite::Error::IntegralValueOutOfRange(column, i64::MAX))
        }
        _ => {
            let integer: i64 = row.get(column)?;
            u64::try_from(integer).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, integer))
        }
    }
}

fn optional_count(row: &Row, column: usize) -> rusqlite::Result<Option<u64>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => count(row, column).map(Some),
    }
}
