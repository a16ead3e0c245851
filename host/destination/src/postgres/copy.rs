//! Record batches as PostgreSQL's binary COPY (its manual, COPY, "Binary Format").

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, TimeUnit};
use memchr::memchr;
use postgres::types::Type;

use super::{jsonb, numeric};
use crate::sql::session::Refusal;

/// What every such stream begins with: a signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// As many bytes are handed on at once.
const CHUNK: usize = 64 * 1024;
/// A field's length is a signed number of 32 bits, and the server takes less than 1 GiB.
const MAX_FIELD: usize = (1 << 30) - 1024;
/// PostgreSQL counts from 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// 4714-11-24 BC, the first day there is.
const FIRST_DAY: i32 = -2_451_545;
const FIRST_MICROS: i64 = FIRST_DAY as i64 * 86_400_000_000;
/// The day after 5874897-12-31.
const END_DAY: i32 = 2_145_031_949;
const DAY_MICROS: i64 = 86_400_000_000;

/// Every value of a batch that no table could hold, as its columns are made here.
pub(crate) fn refusals(batch: &RecordBatch) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (array, field) in batch.columns().iter().zip(batch.schema_ref().fields()) {
        let json = field.metadata().get(sanderling_columns::TYPE_KEY).is_some_and(|ty| ty == "json");
        let Some(ty) = natural(array.data_type(), json) else { continue };
        let (mut rest, mut start) = (array.clone(), 0);
        while let Err((Some(row), reason)) = cells(&rest, &ty) {
            let column = field.name().clone();
            refusals.push(Refusal { row: Some((start + row) as u64), column, reason });
            start += row + 1;
            rest = array.slice(start, array.len() - start);
        }
    }
    refusals
}

/// The type of the column that is made for such values.
fn natural(data_type: &DataType, json: bool) -> Option<Type> {
    Some(match data_type {
        DataType::Utf8 if json => Type::JSONB,
        DataType::Utf8 => Type::TEXT,
        DataType::Timestamp(_, None) => Type::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        DataType::Date32 => Type::DATE,
        DataType::Time64(_) => Type::TIME,
        DataType::Binary => Type::BYTEA,
        _ => return None,
    })
}

/// A column, ready to be written: nothing in it can fail any more.
enum Cells<'a> {
    Bool(&'a arrow_array::BooleanArray),
    Int2(&'a PrimitiveArray<Int64Type>),
    Int4(&'a PrimitiveArray<Int64Type>),
    Int8(&'a PrimitiveArray<Int64Type>),
    IntNumeric(&'a PrimitiveArray<Int64Type>),
    Float8(&'a PrimitiveArray<Float64Type>),
    Text(&'a StringArray),
    Jsonb(&'a StringArray),
    Numeric(&'a PrimitiveArray<Decimal128Type>, u8),
    WideNumeric(&'a PrimitiveArray<Decimal256Type>, u8),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    Date(&'a PrimitiveArray<Date32Type>),
    Time(&'a PrimitiveArray<Time64MicrosecondType>),
    Bytes(&'a arrow_array::BinaryArray),
}

/// A batch that fits the columns of a table.
pub(crate) struct Copy<'a> {
    columns: Vec<(&'a ArrayRef, Cells<'a>)>,
    rows: usize,
}

impl<'a> Copy<'a> {
    /// Holds a batch against its columns' types in the table; `types` has one for each.
    pub(crate) fn new(batch: &'a RecordBatch, types: &[Type]) -> Result<Self, Refusal> {
        let schema = batch.schema_ref();
        let mut columns = Vec::with_capacity(batch.num_columns());
        for ((array, field), ty) in batch.columns().iter().zip(schema.fields()).zip(types) {
            let cells = cells(array, ty).map_err(|(row, reason)| Refusal {
                row: row.map(|row| row as u64),
                column: field.name().clone(),
                reason,
            })?;
            columns.push((array, cells));
        }
        Ok(Self { columns, rows: batch.num_rows() })
    }

    /// Hands the whole stream on in chunks.
    pub(crate) fn write<E>(&self, mut send: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut out = Vec::with_capacity(CHUNK + CHUNK / 4);
        out.extend_from_slice(HEADER);
        // A table has at most 1,600 columns.
        let count = (self.columns.len() as u16).to_be_bytes();
        for row in 0..self.rows {
            out.extend_from_slice(&count);
            for (array, cells) in &self.columns {
                if array.is_null(row) {
                    out.extend_from_slice(&(-1_i32).to_be_bytes());
                } else {
                    cells.write(row, &mut out);
                }
            }
            if out.len() >= CHUNK {
                send(&out)?;
                out.clear();
            }
        }
        out.extend_from_slice(&(-1_i16).to_be_bytes());
        send(&out)
    }
}

impl Cells<'_> {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Bool(array) => field(out, &[u8::from(array.value(row))]),
            Self::Int2(array) => field(out, &(array.value(row) as i16).to_be_bytes()),
            Self::Int4(array) => field(out, &(array.value(row) as i32).to_be_bytes()),
            Self::Int8(array) => field(out, &array.value(row).to_be_bytes()),
            Self::IntNumeric(array) => counted(out, |out| numeric::write(array.value(row).into(), 0, out)),
            Self::Float8(array) => field(out, &array.value(row).to_be_bytes()),
            Self::Text(array) => field(out, array.value(row).as_bytes()),
            Self::Jsonb(array) => {
                let text = array.value(row).as_bytes();
                out.extend_from_slice(&(text.len() as u32 + 1).to_be_bytes());
                out.push(1);
                out.extend_from_slice(text);
            }
            Self::Numeric(array, scale) => counted(out, |out| numeric::write(array.value(row), *scale, out)),
            Self::WideNumeric(array, scale) => {
                counted(out, |out| numeric::write_wide(array.value(row), *scale, out));
            }
            Self::Timestamp(array) => field(out, &(array.value(row) - EPOCH_MICROS).to_be_bytes()),
            Self::Date(array) => field(out, &(array.value(row) - EPOCH_DAYS).to_be_bytes()),
            Self::Time(array) => field(out, &array.value(row).to_be_bytes()),
            Self::Bytes(array) => field(out, array.value(row)),
        }
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A field whose length shows when it is written.
fn counted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = (out.len() - start - 4) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

type Bad = (Option<usize>, String);

fn cells<'a>(array: &'a ArrayRef, ty: &Type) -> Result<Cells<'a>, Bad> {
    let cells = match (array.data_type(), ty) {
        (DataType::Boolean, &Type::BOOL) => Cells::Bool(array.as_boolean()),
        (DataType::Int64, &Type::INT8) => Cells::Int8(array.as_primitive()),
        (DataType::Int64, &Type::INT4) => Cells::Int4(in_range(array, i32::MIN.into(), i32::MAX.into())?),
        (DataType::Int64, &Type::INT2) => Cells::Int2(in_range(array, i16::MIN.into(), i16::MAX.into())?),
        (DataType::Int64, &Type::NUMERIC) => Cells::IntNumeric(array.as_primitive()),
        (DataType::Float64, &Type::FLOAT8) => Cells::Float8(array.as_primitive()),
        (DataType::Utf8, &(Type::TEXT | Type::VARCHAR | Type::BPCHAR)) => Cells::Text(text(array)?),
        // Kept as it is, escapes and all.
        (DataType::Utf8, &Type::JSON) => Cells::Text(text(array)?),
        (DataType::Utf8, &Type::JSONB) => Cells::Jsonb(json(array)?),
        (DataType::Decimal128(_, scale), &Type::NUMERIC) => {
            Cells::Numeric(array.as_primitive(), decimals(*scale)?)
        }
        (DataType::Decimal256(_, scale), &Type::NUMERIC) => {
            Cells::WideNumeric(array.as_primitive(), decimals(*scale)?)
        }
        (DataType::Timestamp(TimeUnit::Microsecond, None), &Type::TIMESTAMP)
        | (DataType::Timestamp(TimeUnit::Microsecond, Some(_)), &Type::TIMESTAMPTZ) => {
            // The last microsecond that 64 bits hold lies before PostgreSQL's last.
            Cells::Timestamp(in_range(array, FIRST_MICROS + EPOCH_MICROS, i64::MAX)?)
        }
        (DataType::Date32, &Type::DATE) => {
            Cells::Date(in_range(array, FIRST_DAY + EPOCH_DAYS, END_DAY - 1 + EPOCH_DAYS)?)
        }
        (DataType::Time64(TimeUnit::Microsecond), &Type::TIME) => {
            Cells::Time(in_range(array, 0, DAY_MICROS)?)
        }
        (DataType::Binary, &Type::BYTEA) => {
            let array = array.as_binary::<i32>();
            short_enough((0..array.len()).map(|row| array.value(row).len()))?;
            Cells::Bytes(array)
        }
        (given, ty) => {
            return Err((None, format!("the table's column is `{}`, which takes no {given}", ty.name())));
        }
    };
    Ok(cells)
}

fn in_range<T>(array: &ArrayRef, first: T::Native, last: T::Native) -> Result<&PrimitiveArray<T>, Bad>
where
    T: ArrowPrimitiveType,
    T::Native: PartialOrd + std::fmt::Display,
{
    let array = array.as_primitive::<T>();
    let outside = |value: &T::Native| *value < first || *value > last;
    // What stands where a value is null is anything.
    if array.values().iter().any(outside)
        && let Some((row, value)) =
            array.iter().enumerate().find_map(|(row, value)| Some((row, value.filter(outside)?)))
    {
        return Err((Some(row), format!("{value} is beyond what the column's type holds")));
    }
    Ok(array)
}

fn decimals(scale: i8) -> Result<u8, Bad> {
    u8::try_from(scale).map_err(|_| (None, format!("a decimal scale of {scale}")))
}

/// PostgreSQL's text holds every character but NUL.
fn text(array: &ArrayRef) -> Result<&StringArray, Bad> {
    let array = array.as_string::<i32>();
    if memchr(0, array.value_data()).is_some()
        && let Some(row) = array.iter().position(|text| text.is_some_and(|text| text.contains('\0')))
    {
        return Err((Some(row), "PostgreSQL's text cannot hold a NUL character (U+0000)".to_owned()));
    }
    short_enough((0..array.len()).map(|row| array.value(row).len()))?;
    Ok(array)
}

/// JSON that `jsonb` holds.
fn json(array: &ArrayRef) -> Result<&StringArray, Bad> {
    let array = text(array)?;
    let refusal = |json: Option<&str>| json.and_then(|json| jsonb::refusal(json.as_bytes()));
    match array.iter().enumerate().find_map(|(row, json)| Some((row, refusal(json)?))) {
        Some((row, reason)) => Err((Some(row), reason.to_owned())),
        None => Ok(array),
    }
}

fn short_enough(lengths: impl Iterator<Item = usize>) -> Result<(), Bad> {
    for (row, length) in lengths.enumerate() {
        if length > MAX_FIELD {
            return Err((Some(row), format!("PostgreSQL cannot hold a value of {length} bytes")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_stands_where_a_value_is_null_does_not_count() {
        let days =
            PrimitiveArray::<Date32Type>::new(vec![i32::MIN, 0].into(), Some(vec![false, true].into()));
        let array: ArrayRef = Arc::new(days);
        assert!(cells(&array, &Type::DATE).is_ok());
    }
}
