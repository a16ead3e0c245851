//! Batches as JSON, to hold them against the rows that they were made of.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field};
use serde_json::{Map, Value, json};

use crate::TYPE_KEY;

/// The rows of a batch, without nulls.
pub(super) fn rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    let schema = batch.schema();
    (0..batch.num_rows()).map(|row| fields(schema.fields(), batch.columns(), row)).collect()
}

fn fields(
    fields: &arrow_schema::Fields,
    columns: &[arrow_array::ArrayRef],
    row: usize,
) -> Map<String, Value> {
    let there = fields.iter().zip(columns).filter(|(_, column)| column.is_valid(row));
    there.map(|(field, column)| (field.name().clone(), value(field, column, row))).collect()
}

fn value(field: &Field, column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => {
            json!({"decimal": column.as_primitive::<Decimal128Type>().value_as_string(row)})
        }
        DataType::Decimal256(..) => {
            json!({"decimal": column.as_primitive::<Decimal256Type>().value_as_string(row)})
        }
        DataType::Utf8 if field.metadata().contains_key(TYPE_KEY) => {
            json!({"json": column.as_string::<i32>().value(row)})
        }
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Binary => json!({"bytes": column.as_binary::<i32>().value(row)}),
        DataType::Timestamp(_, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let at = jiff::Timestamp::from_microsecond(micros).unwrap();
            match zone {
                Some(_) => json!(at.to_string()),
                None => json!(jiff::tz::Offset::UTC.to_datetime(at).to_string()),
            }
        }
        DataType::Date32 => json!({"days": column.as_primitive::<Date32Type>().value(row)}),
        DataType::Time64(_) => json!({"micros": column.as_primitive::<Time64MicrosecondType>().value(row)}),
        DataType::Struct(inner) => Value::Object(fields(inner, column.as_struct().columns(), row)),
        DataType::List(item) => {
            let items = column.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|row| value(item, &items, row)).collect())
        }
        other => panic!("{other}"),
    }
}
