//! A page as batches for a database: typed columns, and what a gathering table needs beside them.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType as Arrow, Field};
use sanderling_columns as columns;
use sanderling_columns::{Column, DecodeError, Options, Role, Schema, TableSchema};

use super::dialect::Dialect;
use super::session::{Refusal, Session};
use super::statements::{KEY, PARTITION, ROW};
use crate::error::{DataErrorKind, DestinationError};
use crate::key::{self, KeyDigest};
use crate::parents::Parents;
use crate::shape::options;
use crate::table::{Rows, Table};
use crate::{fields, rows, undecodable};

/// A page, read.
pub(super) struct Read {
    /// By the place of their table in the schema.
    pub(super) batches: Vec<(usize, RecordBatch)>,
    /// The keys of its rows, where they belong to several parents.
    pub(super) claims: Option<Claims>,
    /// Rows, and values, that the schema contract left out.
    pub(super) discarded_rows: u64,
    pub(super) discarded_values: u64,
}

/// Keys that one parent's rows have.
pub(super) struct Claims {
    pub(super) partition: String,
    pub(super) digests: Vec<KeyDigest>,
}

/// A column that only a gathering table has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra {
    pub(super) name: &'static str,
    pub(super) holds: Holds,
}

/// What the values of such a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Number,
    /// Another number in each row.
    RowNumber,
}

const NUMBERED: [Extra; 1] = [Extra { name: ROW, holds: Holds::RowNumber }];
const BY_PARENTS: [Extra; 3] =
    [NUMBERED[0], Extra { name: KEY, holds: Holds::Text }, Extra { name: PARTITION, holds: Holds::Text }];
const OF_LISTS: [Extra; 1] = [Extra { name: ROW, holds: Holds::Number }];

/// The columns that the table has in which rows of the schema's table at a place are gathered. None where it will be the
/// table itself.
pub(super) fn extra_columns(table: &Table, at: usize, swaps: bool) -> &'static [Extra] {
    match at {
        _ if swaps => &[],
        0 if table.guards_parents() => &BY_PARENTS,
        0 => &NUMBERED,
        _ => &OF_LISTS,
    }
}

/// Reads a page, and adds what it brings to `schema`. `first_row`: how many rows of its load have come before; `gathers`:
/// by which columns they are put in their place, if so.
pub(super) fn read(
    table: &Table,
    page: &Rows,
    schema: &mut Schema,
    dialect: Dialect,
    first_row: u64,
    gathers: Option<&dyn Fn(usize) -> &'static [Extra]>,
    parents: Option<&Parents>,
) -> Result<Read, DestinationError> {
    let refuse = |row, kind| DestinationError::data(&table.resource, row, kind);
    let decoded = decode(table, page, schema, dialect, first_row)?;
    if let Some(first) = decoded.refused.first() {
        let kind = undecodable::of_row(table, &first.line, &first.reason);
        return Err(refuse(Some(first.row), kind));
    }
    let left_out = &decoded.discarded_rows;
    if let Some((row, kind)) = without_key(table, page, schema, &decoded).into_iter().next() {
        return Err(refuse(Some(row), kind));
    }
    let claims = match (parents, page.partition_key) {
        (Some(parents), Some(partition)) => Some(claims(table, page, left_out, parents, partition)?),
        _ => None,
    };
    let mut batches = Vec::new();
    for found in decoded.tables {
        let Some(at) = schema.tables.iter().position(|known| known.name == found.table) else { continue };
        let batch = match gathers.map(|extra| extra(at)) {
            None | Some([]) => found.batch,
            Some(extra) => {
                let claims = claims.as_ref().filter(|_| at == 0);
                numbered(&found.batch, first_row, extra, claims).map_err(|error| {
                    undecodable::of_page(table, DecodeError::Batch { message: error.to_string() })
                })?
            }
        };
        batches.push((at, batch));
    }
    let (discarded_rows, discarded_values) = (decoded.discarded_rows.len() as u64, decoded.discarded_values);
    Ok(Read { batches, claims, discarded_rows, discarded_values })
}

/// The rows that cannot be taken, each with why.
pub(super) fn refusals(
    table: &Table,
    page: &Rows,
    schema: &mut Schema,
    session: &Session,
) -> Result<Vec<(u64, DataErrorKind)>, DestinationError> {
    let decoded = decode(table, page, schema, session.dialect(), 0)?;
    let refused: Vec<u64> = decoded.refused.iter().map(|refused| refused.row).collect();
    let mut found: Vec<(u64, DataErrorKind)> = decoded
        .refused
        .iter()
        .map(|refused| (refused.row, undecodable::of_row(table, &refused.line, &refused.reason)))
        .filter(|(_, kind)| kind.is_of_row())
        .collect();
    if refused.is_empty() {
        found.extend(without_key(table, page, schema, &decoded));
    }
    let is_taken = |row: &u64| !refused.contains(row) && decoded.discarded_rows.binary_search(row).is_err();
    let taken: Vec<u64> = (0..page.count).filter(is_taken).collect();
    let root = decoded.tables.first().map(|found| &found.batch);
    for of in &decoded.tables {
        let Some(at) = schema.tables.iter().position(|known| known.name == of.table) else { continue };
        for Refusal { row, column, reason } in session.refusals(&of.batch) {
            let row = row.and_then(|row| row_of(schema, root, at, &of.batch, row));
            let row = row.and_then(|row| taken.get(usize::try_from(row).ok()?).copied());
            found.extend(row.map(|row| (row, DataErrorKind::Unstorable { column, reason })));
        }
    }
    found.sort_by_key(|(row, _)| *row);
    found.dedup_by_key(|(row, _)| *row);
    Ok(found)
}

/// The row of the resource's own batch to which a row of the batch of the schema's table at a place belongs, both from 0.
pub(super) fn row_of(
    schema: &Schema,
    root: Option<&RecordBatch>,
    at: usize,
    batch: &RecordBatch,
    row: u64,
) -> Option<u64> {
    if at == 0 {
        return Some(row);
    }
    let column = |at: usize, batch: &RecordBatch, role| -> Option<ArrayRef> {
        let column = schema.tables.get(at)?.columns.iter().find(|column| column.role == role)?;
        batch.column_by_name(&column.name).cloned()
    };
    let ids = column(0, root?, Role::RowId)?;
    let of = column(at, batch, Role::RootId)?;
    let of = of.as_string_opt::<i32>()?.value(usize::try_from(row).ok()?);
    ids.as_string_opt::<i32>()?.iter().position(|id| id == Some(of)).map(|row| row as u64)
}

fn decode(
    table: &Table,
    page: &Rows,
    schema: &mut Schema,
    dialect: Dialect,
    first_row: u64,
) -> Result<columns::Decoded, DestinationError> {
    let page = columns::Page {
        ndjson: page.ndjson,
        count: page.count,
        first_row,
        load_id: page.load_id,
        loaded_at_ms: page.loaded_at_ms,
    };
    let options = decoded_by(table, dialect);
    columns::decode(&page, schema, &options).map_err(|error| undecodable::of_page(table, error))
}

/// A table of which no row has come.
pub(super) fn without_rows(table: &Table, dialect: Dialect) -> Result<TableSchema, DestinationError> {
    let options = decoded_by(table, dialect);
    columns::without_rows(&options).map_err(|error| undecodable::of_page(table, error))
}

fn decoded_by(table: &Table, dialect: Dialect) -> Options {
    // What lacks its merge key is told below.
    let key = table.primary_key.clone();
    Options { root_id: true, key, ..options(table, dialect.nested(), dialect.max_name_bytes()) }
}

/// Rows whose key is not in the key's own columns: a merge would not find them.
fn without_key(
    table: &Table,
    page: &Rows,
    schema: &Schema,
    decoded: &columns::Decoded,
) -> Vec<(u64, DataErrorKind)> {
    let (Some(root), Some(first)) = (schema.tables.first(), decoded.tables.first()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (field, merges) in table
        .primary_key
        .iter()
        .map(|field| (field, false))
        .chain(table.merge_key.iter().map(|field| (field, true)))
    {
        let column = column_of(root, field).and_then(|column| first.batch.column_by_name(&column.name));
        let nulls =
            (0..first.batch.num_rows()).filter(|row| column.is_none_or(|column| column.is_null(*row)));
        found.extend(nulls.map(|row| {
            let lines = rows::lines(&table.resource, page).ok();
            let line = lines.and_then(|lines| lines.filter(is_in(&decoded.discarded_rows)).nth(row));
            let place = line.map_or(row as u64, |(place, _)| place);
            let json = line.and_then(|(_, line)| fields::find(line, &[field]).ok()?.pop().flatten());
            let missing = if merges { key::require_to_merge(field, json).err() } else { None };
            (place, missing.unwrap_or_else(|| DataErrorKind::KeyOfAnotherType { field: field.clone() }))
        }));
    }
    found.sort_by_key(|(row, _)| *row);
    found.dedup_by_key(|(row, _)| *row);
    found
}

fn claims(
    table: &Table,
    page: &Rows,
    left_out: &[u64],
    parents: &Parents,
    partition: &str,
) -> Result<Claims, DestinationError> {
    let names: Vec<&str> = table.primary_key.iter().map(String::as_str).collect();
    let mut digests = Vec::new();
    for (row, line) in rows::lines(&table.resource, page)?.filter(is_in(left_out)) {
        let refuse = |kind| DestinationError::data(&table.resource, Some(row), kind);
        let values: Vec<&str> =
            fields::find(line, &names).map_err(refuse)?.into_iter().map(Option::unwrap_or_default).collect();
        let digest = key::digest(&values);
        if let Some(first) = parents.holder(&digest).filter(|first| *first != partition) {
            return Err(refuse(DataErrorKind::DuplicateAcrossParents {
                columns: table.primary_key.clone(),
                key: values.iter().map(|&json| json.to_owned()).collect(),
                first_partition: first.to_owned(),
                second_partition: partition.to_owned(),
            }));
        }
        digests.push(digest);
    }
    Ok(Claims { partition: partition.to_owned(), digests })
}

/// Whether a line is of a row that was not left out.
fn is_in<'l>(left_out: &'l [u64]) -> impl Fn(&(u64, &str)) -> bool + use<'l> {
    |(row, _)| left_out.binary_search(row).is_err()
}

/// The column that holds a field's values, as far as they fit it.
pub(super) fn column_of<'a>(root: &'a TableSchema, field: &str) -> Option<&'a Column> {
    root.columns.iter().find(|column| column.role == Role::Field && column.field == field)
}

fn numbered(
    batch: &RecordBatch,
    first: u64,
    extra: &[Extra],
    claims: Option<&Claims>,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let count = batch.num_rows();
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    let mut fields: Vec<_> = batch.schema_ref().fields().iter().cloned().collect();
    let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
    for column in extra {
        let array: ArrayRef = match (column.name, claims) {
            (ROW, _) => Arc::new(Int64Array::from_iter_values((first..).take(count))),
            (KEY, Some(claims)) => {
                let hex = |digest: &KeyDigest| format!("{:032x}", u128::from_be_bytes(*digest));
                Arc::new(StringArray::from_iter_values(claims.digests.iter().map(hex)))
            }
            (PARTITION, Some(claims)) => {
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&claims.partition, count)))
            }
            _ => Arc::new(StringArray::new_null(count)),
        };
        let kind = if column.holds == Holds::Text { Arrow::Utf8 } else { Arrow::Int64 };
        fields.push(Arc::new(Field::new(column.name, kind, true)));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(arrow_schema::Schema::new(fields)), arrays)
}
