//! A page as it goes into the decoder, and as it comes out.

use arrow_array::RecordBatch;

use crate::refusal::Reason;
use crate::schema::NewColumn;

/// One page of rows.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// One JSON value a line.
    pub ndjson: &'a [u8],
    /// Lines in `ndjson`; another count in fact is an error.
    pub count: u64,
    /// Rows of this load before this page: a row without a key is named by its place in its load.
    pub first_row: u64,
    /// The load that writes them.
    pub load_id: &'a str,
    /// When they came, in milliseconds since 1970-01-01T00:00:00Z.
    pub loaded_at_ms: u64,
}

/// A page as columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The tables that got rows, the resource's own first, parents before children. The columns of a batch are all those
    /// of its table's schema, in that order.
    pub tables: Vec<TableBatch>,
    /// What the page changed in the schema, in the order of the schema.
    pub new_columns: Vec<NewColumn>,
    /// Rows that cannot be taken, and are in no batch.
    pub refused: Vec<Refused>,
    /// Rows that the contract left out, which of the page, in order; they are in no batch.
    pub discarded_rows: Vec<u64>,
    /// Values that the contract left out; a list counts as one.
    pub discarded_values: u64,
}

/// The rows that a page brought to one table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableBatch {
    /// Its name.
    pub table: String,
    /// Its rows, in the page's order.
    pub batch: RecordBatch,
}

/// A row that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which of the page, from 0.
    pub row: u64,
    /// Why.
    pub reason: Reason,
    /// Its line, without the newline.
    pub line: String,
}
