//! One Parquet file: written whole, read back in part.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use ::parquet::arrow::{ArrowWriter, ProjectionMask};
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};

use crate::error::DestinationError;

/// Rows in one group, at most: what readers take at once.
const GROUP_ROWS: usize = 1 << 20;

/// Writes `batches`, whose columns may be fewer than those of `schema`, and makes the file durable.
pub(super) fn write(path: &Path, schema: &Schema, batches: &[RecordBatch]) -> Result<(), DestinationError> {
    let schema = Arc::new(schema.clone());
    let written = || -> Result<(), ParquetError> {
        let file = File::create(path)?;
        let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties()))?;
        for batch in batches {
            writer.write(&widened(batch, &schema)?)?;
        }
        // Taken out by `into_inner`, it would make a text of what the disk says.
        writer.finish()?;
        writer.inner().sync_data()?;
        Ok(())
    };
    written().map_err(|error| sort(path, error))
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_created_by(concat!("sanderling ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}

/// How many rows are in it.
pub(super) fn rows(path: &Path) -> Result<usize, DestinationError> {
    let builder = reader(path)?;
    Ok(usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// The texts of one column.
pub(super) fn texts(path: &Path, column: &str) -> Result<Vec<Option<String>>, DestinationError> {
    let builder = reader(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [column]);
    let batches = builder.with_projection(mask).build().map_err(|error| sort(path, error))?;
    let mut texts = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| sort(path, error.into()))?;
        let found = batch.column_by_name(column).and_then(|column| column.as_string_opt::<i32>());
        texts.extend(found.into_iter().flatten().map(|text| text.map(str::to_owned)));
    }
    Ok(texts)
}

/// Copies the rows of `from` that stay.
pub(super) fn copy(from: &Path, to: &Path, stays: &[bool]) -> Result<(), DestinationError> {
    let selectors = stays.chunk_by(|one, other| one == other).map(|run| match run.first() {
        Some(true) => RowSelector::select(run.len()),
        _ => RowSelector::skip(run.len()),
    });
    let builder = reader(from)?.with_row_selection(RowSelection::from(selectors.collect::<Vec<_>>()));
    let schema = Arc::clone(builder.schema());
    let batches = builder.build().map_err(|error| sort(from, error))?;
    let batches: Result<Vec<_>, _> = batches.collect();
    write(to, &schema, &batches.map_err(|error| sort(from, error.into()))?)
}

fn reader(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, DestinationError> {
    let file = File::open(path).map_err(|cause| DestinationError::io(path, cause))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| sort(path, error))
}

/// The batch with all columns of `schema`: nulls where it has none.
fn widened(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let rows = batch.num_rows();
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => filled(column, field),
        None => Ok(new_null_array(field.data_type(), rows)),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_, _>>()?, &options)
}

/// A column as a field of which the structs may have more fields.
fn filled(column: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    match field.data_type() {
        DataType::Struct(fields) => {
            let of = column.as_struct_opt().ok_or_else(|| other(field))?;
            let columns = within(of, fields)?;
            Ok(Arc::new(StructArray::try_new(fields.clone(), columns, of.nulls().cloned())?))
        }
        DataType::List(item) => {
            let of = column.as_list_opt::<i32>().ok_or_else(|| other(field))?;
            let items = filled(of.values(), item)?;
            Ok(Arc::new(ListArray::try_new(
                Arc::clone(item),
                of.offsets().clone(),
                items,
                of.nulls().cloned(),
            )?))
        }
        _ => Err(other(field)),
    }
}

fn within(of: &StructArray, fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
    let columns = fields.iter().map(|field| match of.column_by_name(field.name()) {
        Some(column) => filled(column, field),
        None => Ok(new_null_array(field.data_type(), of.len())),
    });
    columns.collect()
}

fn other(field: &Field) -> ArrowError {
    ArrowError::SchemaError(field.name().clone())
}

fn sort(path: &Path, error: ParquetError) -> DestinationError {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => DestinationError::io(path, *cause),
            Err(cause) => DestinationError::io(path, io::Error::other(cause.to_string())),
        },
        error => DestinationError::io(path, io::Error::other(error.to_string())),
    }
}
