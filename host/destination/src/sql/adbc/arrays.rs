//! Values on their way to a driver and back: arguments and pages as batches, answers as values.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, ListArray, NullArray, RecordBatch, RecordBatchReader,
    StringArray, StructArray,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, TimeUnit};

use crate::sql::dialect::Dialect;
use crate::sql::session::Scalar;
use crate::sql::text::{self, Texts};

/// Arguments as a batch of one row.
pub(super) fn row_of(dialect: Dialect, args: &[Scalar]) -> Result<RecordBatch, ArrowError> {
    let arrays: Vec<ArrayRef> = args
        .iter()
        .map(|arg| -> ArrayRef {
            match arg {
                Scalar::Null if dialect == Dialect::DuckDb => Arc::new(StringArray::new_null(1)),
                // Of no type, which a strict database takes for whatever it wants there.
                Scalar::Null => Arc::new(NullArray::new(1)),
                Scalar::Int(integer) => Arc::new(Int64Array::from_iter_values([*integer])),
                Scalar::Real(real) => Arc::new(Float64Array::from_iter_values([*real])),
                Scalar::Text(text) => Arc::new(StringArray::from_iter_values([text])),
            }
        })
        .collect();
    by_place(arrays)
}

/// The rows of an answer.
pub(super) fn read(reader: impl RecordBatchReader) -> Result<Vec<Vec<Scalar>>, ArrowError> {
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| scalar(column.as_ref(), row)).collect());
        }
    }
    Ok(rows)
}

fn scalar(array: &dyn Array, row: usize) -> Scalar {
    if array.is_null(row) {
        return Scalar::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Scalar::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Scalar::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Scalar::Text(array.as_string_view().value(row).to_owned()),
        DataType::Int64 => Scalar::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Int32 => Scalar::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int16 => Scalar::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Float64 => Scalar::Real(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Scalar::Int(array.as_boolean().value(row).into()),
        // Whole numbers of databases that have no others.
        DataType::Decimal128(_, 0) => {
            let number = array.as_primitive::<Decimal128Type>().value(row);
            i64::try_from(number).map_or(Scalar::Null, Scalar::Int)
        }
        _ => Scalar::Null,
    }
}

/// A page as a driver takes it: its columns by place, their values of kinds that it knows, and text where it does not.
pub(super) fn page_of(dialect: Dialect, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    by_place(batch.columns().iter().map(|array| taken(dialect, array)).collect::<Result<_, _>>()?)
}

/// The name of the column of a page at a place.
pub(super) fn name_of(place: usize) -> String {
    format!("c{place}")
}

fn by_place(arrays: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    let field = |(at, array): (usize, &ArrayRef)| Field::new(name_of(at), array.data_type().clone(), true);
    let fields: Vec<Field> = arrays.iter().enumerate().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn taken(dialect: Dialect, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let is_known = match dialect {
        Dialect::Sqlite => matches!(
            array.data_type(),
            DataType::Int64 | DataType::Float64 | DataType::Utf8 | DataType::Binary
        ),
        // It has none wider.
        Dialect::DuckDb => !matches!(array.data_type(), DataType::Decimal256(..)),
        // Its numeric is made of text, exactly.
        Dialect::Postgres => {
            !matches!(array.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..))
        }
        Dialect::Snowflake | Dialect::Ansi => !matches!(array.data_type(), DataType::Decimal256(..)),
        Dialect::BigQuery => !matches!(
            array.data_type(),
            DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Time64(..)
        ),
    };
    if is_known {
        return within(dialect, array);
    }
    Ok(match array.data_type() {
        DataType::Boolean => {
            Arc::new(array.as_boolean().iter().map(|value| value.map(i64::from)).collect::<Int64Array>())
        }
        _ => Arc::new(texts_of(dialect, array)),
    })
}

/// The same with all that is in its structs and lists.
fn within(dialect: Dialect, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field = |field: &FieldRef, array: &ArrayRef| {
        Arc::new(Field::new(field.name(), array.data_type().clone(), field.is_nullable()))
    };
    Ok(match array.data_type() {
        DataType::Struct(fields) => {
            let nested = array.as_struct();
            let columns: Vec<ArrayRef> =
                nested.columns().iter().map(|column| taken(dialect, column)).collect::<Result<_, _>>()?;
            let fields = fields.iter().zip(&columns).map(|(of, column)| field(of, column));
            Arc::new(StructArray::try_new(fields.collect(), columns, nested.nulls().cloned())?)
        }
        DataType::List(of) => {
            let list = array.as_list::<i32>();
            let items = taken(dialect, list.values())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(field(of, &items), offsets, items, nulls)?)
        }
        _ => Arc::clone(array),
    })
}

fn texts_of(dialect: Dialect, array: &ArrayRef) -> StringArray {
    let mut texts = Texts::default();
    let mut text = |row: usize| -> Option<String> {
        if array.is_null(row) {
            return None;
        }
        let decimal =
            |text: String| if dialect == Dialect::Sqlite { text::decimal(&text).to_owned() } else { text };
        Some(match array.data_type() {
            DataType::Decimal128(..) => decimal(array.as_primitive::<Decimal128Type>().value_as_string(row)),
            DataType::Decimal256(..) => decimal(array.as_primitive::<Decimal256Type>().value_as_string(row)),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                texts.timestamp(micros, zone.is_some()).to_owned()
            }
            DataType::Date32 => texts.date(array.as_primitive::<Date32Type>().value(row)).to_owned(),
            DataType::Time64(TimeUnit::Microsecond) => {
                texts.time(array.as_primitive::<Time64MicrosecondType>().value(row)).to_owned()
            }
            // Kinds that no decoder makes.
            _ => return None,
        })
    };
    (0..array.len()).map(&mut text).collect()
}
