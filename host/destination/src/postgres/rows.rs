//! A page of rows on its way into a table: decoded, checked, copied, merged.

use sanderling_columns::{
    Column, ColumnType, DecodeError, Nested, Options, Page, Reason, Schema, TableBatch, TableSchema,
};

use super::database::{Database, MAX_NAME};
use super::stand_in::{Scalar, SqlError, SqlErrorKind, TableName};
use super::table::{self as tables, ARRIVAL};
use super::{Postgres, copy, qualified, quoted, state};
use crate::declared::Declared;
use crate::error::{DataError, DataErrorKind, DestinationError};
use crate::shape::options;
use crate::table::{Rows, Table, Way, Written};
use crate::{fields, rows};

/// A table that a load is being written to.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// The resource's own table.
    pub(super) name: String,
    /// The one that rows go to: that, or the one beside it.
    pub(super) stored: TableName,
    /// Its columns.
    pub(super) schema: Schema,
    /// Rows of the load so far.
    pub(super) rows: u64,
    options: Options,
    /// Whether the unique index that merge needs is there.
    keyed: bool,
    /// Columns of the temporary table in which a page's rows wait to be merged; none: it is not there.
    staged: usize,
}

impl Open {
    pub(super) fn new(table: &Table, stored: TableName, mut schema: Schema, rows: u64) -> Self {
        // A table that was put in another's place brings its schema along.
        if let Some(root) = schema.tables.first_mut() {
            root.name.clone_from(&table.name);
        }
        Self {
            name: table.name.clone(),
            stored,
            schema,
            rows,
            options: options(table, Nested::Json, Some(MAX_NAME)),
            keyed: false,
            staged: 0,
        }
    }

    pub(super) fn columns(&self) -> Vec<Column> {
        self.root().map(|root| root.columns.clone()).unwrap_or_default()
    }

    fn root(&self) -> Option<&TableSchema> {
        self.schema.tables.first()
    }

    /// The columns that hold these fields; none while one of them has none.
    pub(super) fn key_columns(&self, key: &[String]) -> Option<Vec<String>> {
        key.iter().map(|field| Some(tables::column_of(self.root(), field)?.name.clone())).collect()
    }

    pub(super) fn forget_stage(&mut self) {
        self.staged = 0;
        self.keyed = false;
    }
}

/// Writes a page; on an error the caller rolls back.
pub(super) fn write(
    database: &mut Database,
    table: &Table,
    page: &Rows,
    open: &mut Open,
) -> Result<Written, DestinationError> {
    let refuse = |row, kind| DestinationError::data(&table.resource, row, kind);
    let page_of_rows = as_decoded(page, open);
    let decoded = sanderling_columns::decode(&page_of_rows, &mut open.schema, &open.options)
        .map_err(|error| of_page(table, page, error))?;
    if let Some(refused) = decoded.refused.first() {
        let kind = of_refused(table, &refused.line, &refused.reason);
        return Err(refuse(Some(refused.row), kind));
    }
    // Rows are told apart by one column a field.
    let keys = table.primary_key.iter().chain(&table.merge_key);
    let split = |field: &&String| table.is_keyed() && tables::columns_of(open.root(), field).count() > 1;
    if let Some(field) = keys.into_iter().find(split) {
        let reason = format!("key field `{field}` has values of a type that its column does not hold");
        return Err(refuse(None, DataErrorKind::Undecodable { reason }));
    }
    let mut written = Written { rows: page.count, new_columns: Vec::new() };
    let had_columns = open.rows > 0;
    let new: Vec<&Column> =
        decoded.new_columns.iter().filter(|new| new.table == open.name).map(|new| &new.column).collect();
    if !new.is_empty() {
        database.run(|session| tables::add(session, &open.stored, &new))?;
        open.staged = 0;
        if had_columns {
            written.new_columns =
                new.iter().filter(|new| new.is_of_rows()).map(|new| new.name.clone()).collect();
        }
    }
    let rows = decoded.tables.into_iter().find(|batch| batch.table == open.name);
    if let Some(batch) = rows.filter(|batch| batch.batch.num_rows() > 0) {
        put(database, table, page, open, &batch)?;
    }
    open.rows += page.count;
    Ok(written)
}

/// The rows of a page that cannot be written as they are, each with its first breach.
pub(super) fn breaches(table: &Table, page: &Rows, open: &Open) -> Result<Vec<DataError>, DestinationError> {
    let mut schema = open.schema.clone();
    let decoded = sanderling_columns::decode(&as_decoded(page, open), &mut schema, &open.options)
        .map_err(|error| of_page(table, page, error))?;
    let breach = |row, kind| DataError { resource: table.resource.clone(), row: Some(row), kind };
    let mut breaches: Vec<DataError> = decoded
        .refused
        .iter()
        .map(|refused| breach(refused.row, of_refused(table, &refused.line, &refused.reason)))
        .collect();
    let kept: Vec<u64> =
        (0..page.count).filter(|row| decoded.refused.iter().all(|refused| refused.row != *row)).collect();
    // A column that is new has the type that is made for it, and takes what text does not.
    let batch = decoded.tables.into_iter().find(|batch| batch.table == open.name);
    if let Some(batch) = batch {
        for refusal in copy::refusals(&batch.batch) {
            let row = refusal.row.and_then(|row| kept.get(usize::try_from(row).ok()?).copied());
            let kind = DataErrorKind::Unstorable { column: refusal.column, reason: refusal.reason };
            breaches.extend(row.map(|row| breach(row, kind)));
        }
    }
    breaches.sort_by_key(|breach| breach.row);
    Ok(breaches)
}

fn as_decoded<'p>(page: &Rows<'p>, open: &Open) -> Page<'p> {
    Page {
        ndjson: page.ndjson,
        count: page.count,
        first_row: open.rows,
        load_id: page.load_id,
        loaded_at_ms: page.loaded_at_ms,
    }
}

/// What the config declares is told in the words that all destinations have for it.
fn of_refused(table: &Table, line: &str, reason: &Reason) -> DataErrorKind {
    Declared::of(table).check(line).err().unwrap_or_else(|| of_row(reason.clone()))
}

fn put(
    database: &mut Database,
    table: &Table,
    page: &Rows,
    open: &mut Open,
    batch: &TableBatch,
) -> Result<(), DestinationError> {
    let stored = open.stored.clone();
    let guarded = page.partition_key.filter(|_| table.guards_parents());
    if table.way() != Way::Upsert {
        ingest(database, table, &stored, batch)?;
        if let Some(partition) = guarded {
            let keys = open.key_columns(&table.primary_key).unwrap_or_default();
            claim(database, table, page, &keys, &stored, partition)?;
        }
        return Ok(());
    }
    let Some(keys) = open.key_columns(&table.primary_key) else { return Ok(()) };
    if !open.keyed {
        make_key(database, table, &stored, &keys)?;
        open.keyed = true;
    }
    let columns = open.columns();
    let stage = stage_of(&open.name);
    if open.staged != columns.len() {
        let definitions: Vec<String> = columns
            .iter()
            .map(|column| format!("{} {}", quoted(&column.name), tables::type_name(&column.data_type)))
            .collect();
        let (name, definitions) = (qualified(&stage), definitions.join(", "));
        database.run(|session| {
            session.batch(&format!(
                "DROP TABLE IF EXISTS {name};
                 CREATE TEMPORARY TABLE {} ({definitions}, {ARRIVAL} bigserial) ON COMMIT DELETE ROWS",
                quoted(&stage.name)
            ))
        })?;
        open.staged = columns.len();
    } else {
        database.run(|session| session.batch(&format!("TRUNCATE {}", qualified(&stage))))?;
    }
    ingest(database, table, &stage, batch)?;
    if let Some(partition) = guarded {
        claim(database, table, page, &keys, &stage, partition)?;
    }
    let names = tables::list(columns.iter().map(|column| column.name.as_str()));
    let updates: Vec<String> = columns
        .iter()
        .filter(|column| !keys.contains(&column.name))
        .map(|column| quoted(&column.name))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    let keys = tables::list(keys.iter().map(String::as_str));
    let sql = format!(
        "INSERT INTO {} ({names}) SELECT {names} FROM
         (SELECT DISTINCT ON ({keys}) * FROM {} ORDER BY {keys}, {ARRIVAL} DESC) AS rows ORDER BY {ARRIVAL}
         ON CONFLICT ({keys}) DO UPDATE SET {}",
        qualified(&stored),
        qualified(&stage),
        updates.join(", ")
    );
    database.run(|session| session.batch(&sql))
}

fn stage_of(table: &str) -> TableName {
    TableName { schema: None, name: tables::beside("stage", table) }
}

fn ingest(
    database: &mut Database,
    table: &Table,
    to: &TableName,
    batch: &TableBatch,
) -> Result<(), DestinationError> {
    match database.session.ingest(to, &batch.batch) {
        Ok(_) => Ok(()),
        Err(SqlError { kind: SqlErrorKind::Value { row, column }, message }) => {
            let kind = DataErrorKind::Unstorable { column, reason: message };
            Err(DestinationError::data(&table.resource, row, kind))
        }
        Err(error) => database.run(|_| Err(error)),
    }
}

/// Notes which parent brings each key of a page, and refuses a row whose key another parent brought before.
fn claim(
    database: &mut Database,
    table: &Table,
    page: &Rows,
    keys: &[String],
    from: &TableName,
    partition: &str,
) -> Result<(), DestinationError> {
    // The key as one value, equal for equal keys.
    let parts: Vec<String> = keys.iter().map(|key| format!("r.{}", quoted(key))).collect();
    let key = format!("sha256(convert_to(jsonb_build_array({})::text, 'UTF8'))", parts.join(", "));
    let from = qualified(from);
    let args = [
        state::text(&database.pipeline),
        state::text(&table.resource),
        state::text(partition),
        state::text(page.load_id),
    ];
    let claim = format!(
        "INSERT INTO _sanderling_keys (pipeline, resource, key, partition)
         SELECT DISTINCT $1, $2, {key}, $3 FROM {from} AS r WHERE r._load_id = $4 ON CONFLICT DO NOTHING"
    );
    database.run(|session| session.execute(&claim, &args))?;
    let other = format!(
        "SELECT r.{ARRIVAL}, k.partition FROM {from} AS r JOIN _sanderling_keys k
         ON k.pipeline = $1 AND k.resource = $2 AND k.key = {key}
         WHERE k.partition <> $3 AND r._load_id = $4
         AND r.{ARRIVAL} > (SELECT max({ARRIVAL}) FROM {from}) - {} ORDER BY 1 LIMIT 1",
        page.count
    );
    let found = database.run(|session| session.query(&other, &args))?;
    let Some([Scalar::Int(arrival), Scalar::Text(first)]) = found.first().map(Vec::as_slice) else {
        return Ok(());
    };
    let last = database
        .run(|session| session.query(&format!("SELECT max({ARRIVAL}) FROM {from}"), &[]))?
        .first()
        .and_then(|row| match row.as_slice() {
            [Scalar::Int(last)] => Some(*last),
            _ => None,
        })
        .unwrap_or(*arrival);
    let row = page.count.saturating_sub(1).saturating_sub(last.abs_diff(*arrival));
    let line = rows::lines(&table.resource, page)?.find(|(at, _)| *at == row).map(|(_, line)| line);
    let names: Vec<&str> = table.primary_key.iter().map(String::as_str).collect();
    let values = line.and_then(|line| fields::find(line, &names).ok()).unwrap_or_default();
    Err(DestinationError::data(
        &table.resource,
        Some(row),
        DataErrorKind::DuplicateAcrossParents {
            columns: table.primary_key.clone(),
            key: values.into_iter().map(|json| json.unwrap_or("null").to_owned()).collect(),
            first_partition: first.clone(),
            second_partition: partition.to_owned(),
        },
    ))
}

fn make_key(
    database: &mut Database,
    table: &Table,
    stored: &TableName,
    keys: &[String],
) -> Result<(), DestinationError> {
    let index = tables::key_index(&table.name, &table.primary_key);
    let sql = format!(
        "CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} ({})",
        quoted(&index),
        qualified(stored),
        tables::list(keys.iter().map(String::as_str))
    );
    match database.session.batch(&sql) {
        Err(error) if error.kind == SqlErrorKind::UniqueViolation => {
            let kind = DataErrorKind::ExistingDuplicates { columns: table.primary_key.clone() };
            Err(DestinationError::data(&table.resource, None, kind))
        }
        made => database.run(|_| made),
    }
}

/// Takes away the unique indexes of keys that the table has no more, or need not keep to.
pub(super) fn drop_other_keys(
    session: &mut Postgres,
    table: &Table,
    open: &mut Open,
) -> Result<(), SqlError> {
    let wanted = (table.way() == Way::Upsert).then(|| tables::key_index(&table.name, &table.primary_key));
    let own = TableName { name: open.name.clone(), ..open.stored.clone() };
    for index in tables::key_indexes(session, &own)? {
        if Some(&index) == wanted.as_ref() {
            open.keyed = true;
        } else {
            let index = TableName { name: index, ..open.stored.clone() };
            session.batch(&format!("DROP INDEX {}", qualified(&index)))?;
        }
    }
    Ok(())
}

/// Whether the table is kept to another key than this.
pub(super) fn has_other_key(
    session: &mut Postgres,
    table: &Table,
    stored: &TableName,
) -> Result<bool, SqlError> {
    let wanted = tables::key_index(&table.name, &table.primary_key);
    Ok(tables::key_indexes(session, stored)?.iter().any(|index| *index != wanted))
}

/// Puts the rows of a load, gathered beside their table, in their place. What has the primary key of one of them goes, what
/// has the merge key of one of them goes; of the rows of one primary key one stays, and none that is deleted.
pub(super) fn merge(
    session: &mut Postgres,
    table: &Table,
    open: &Open,
    own: &TableName,
) -> Result<(), SqlError> {
    let columns = open.columns();
    tables::ensure(session, own, &columns, false)?;
    let (to, from) = (qualified(own), qualified(&open.stored));
    let mut statements = Vec::new();
    for key in [&table.primary_key, &table.merge_key].into_iter().filter(|key| !key.is_empty()) {
        let Some(key) = open.key_columns(key) else { continue };
        let key = tables::list(key.iter().map(String::as_str));
        statements.push(format!("DELETE FROM {to} WHERE ({key}) IN (SELECT {key} FROM {from})"));
    }
    let mut stays = Vec::new();
    if let Some(key) = open.key_columns(&table.primary_key).filter(|key| !key.is_empty()) {
        let sort = table.dedup_sort.as_ref().and_then(|sort| {
            let column = tables::column_of(open.root(), &sort.field)?;
            let collation = if column.data_type == ColumnType::Text { " COLLATE \"C\"" } else { "" };
            let (name, order) = (quoted(&column.name), if sort.greatest { "DESC" } else { "ASC" });
            Some(format!("{name}{collation} {order} NULLS LAST, "))
        });
        stays.push(format!(
            "{ARRIVAL} IN (SELECT {ARRIVAL} FROM (SELECT {ARRIVAL}, row_number() OVER (PARTITION BY {}
             ORDER BY {}{ARRIVAL} DESC) AS place FROM {from}) AS placed WHERE place = 1)",
            tables::list(key.iter().map(String::as_str)),
            sort.unwrap_or_default(),
        ));
    }
    // A value that did not fit its column stands in another of the same field.
    let deleted = table.hard_delete.iter().flat_map(|field| tables::columns_of(open.root(), field));
    for column in deleted {
        let name = quoted(&column.name);
        stays.push(match column.data_type {
            ColumnType::Bool => format!("({name} IS NULL OR NOT {name})"),
            ColumnType::Int64 | ColumnType::Decimal { .. } | ColumnType::Double => {
                format!("({name} IS NULL OR {name} = 0)")
            }
            _ => format!("({name} IS NULL OR lower({name}::text) IN ('false', 'null'))"),
        });
    }
    let stays = if stays.is_empty() { String::new() } else { format!("WHERE {}", stays.join(" AND ")) };
    let names = tables::list(columns.iter().map(|column| column.name.as_str()));
    statements
        .push(format!("INSERT INTO {to} ({names}) SELECT {names} FROM {from} {stays} ORDER BY {ARRIVAL}"));
    statements.push(format!("DROP TABLE {from}"));
    session.batch(&statements.join(";\n"))
}

fn of_page(table: &Table, page: &Rows, error: DecodeError) -> DestinationError {
    let (row, kind) = match error {
        DecodeError::NotUtf8 { row } => (Some(row), DataErrorKind::NotUtf8),
        DecodeError::NotJson { row, .. } => {
            // As all destinations say it.
            let line = rows::lines(&table.resource, page)
                .ok()
                .and_then(|mut lines| lines.find(|(at, _)| *at == row));
            let told = line.and_then(|(_, line)| fields::find(line, &[]).err());
            let message = error.to_string();
            (Some(row), told.unwrap_or(DataErrorKind::NotJson { message }))
        }
        DecodeError::Count { declared, found } => (None, DataErrorKind::Count { declared, found }),
        error => (None, DataErrorKind::Undecodable { reason: error.to_string() }),
    };
    DestinationError::data(&table.resource, row, kind)
}

fn of_row(reason: Reason) -> DataErrorKind {
    match reason {
        Reason::NullRow => DataErrorKind::NullRow,
        Reason::FieldTwice { field } => DataErrorKind::FieldTwice { field },
        Reason::Reserved { field } => DataErrorKind::ReservedField { field },
        Reason::BadFieldName { field } => DataErrorKind::BadFieldName { field },
        Reason::KeyMissing { field } => DataErrorKind::KeyMissing { field },
        Reason::KeyNull { field } => DataErrorKind::KeyNull { field },
        Reason::ColumnMissing { column } => DataErrorKind::ColumnMissing { column },
        Reason::ColumnNull { column } => DataErrorKind::ColumnNull { column },
        reason => DataErrorKind::Undecodable { reason: reason.to_string() },
    }
}
