//! The values of one column as they come, in the buffers that Arrow takes over.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float64Array,
    Int64Array, ListArray, StringArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::{
    BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer, i256,
};
use arrow_schema::{ArrowError, Field, Fields};

use crate::coerce::Scalar;
use crate::column_type::ColumnType;
use crate::number::SMALL_DIGITS;
use crate::options::Declared;
use crate::record::Record;
use crate::schema::{Column, Role};

/// A column of a table, or of a struct, or the items of a list.
#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) column: Meta,
    pub(crate) data: Data,
    pub(crate) nulls: NullBufferBuilder,
    /// The columns of the same record that hold what this one could not.
    pub(crate) variants: Vec<usize>,
}

/// What is known of a column, but its type: that is its data's.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    pub(crate) name: String,
    pub(crate) field: String,
    pub(crate) role: Role,
    pub(crate) nullable: bool,
    /// What the config declares it to be, if it declares a type.
    pub(crate) declared: Option<Declared>,
    /// Not in the schema yet: its type may still widen.
    pub(crate) new: bool,
}

#[derive(Debug)]
pub(crate) enum Data {
    /// Items of a list in which there was nothing but nulls so far.
    Unknown,
    Bool(BooleanBufferBuilder),
    Int(Vec<i64>),
    Double(Vec<f64>),
    Small {
        precision: u8,
        scale: i8,
        values: Vec<i128>,
    },
    Large {
        precision: u8,
        scale: i8,
        values: Vec<i256>,
    },
    Text(Bytes),
    Json(Bytes),
    Binary(Bytes),
    Timestamp {
        utc: bool,
        values: Vec<i64>,
    },
    Date(Vec<i32>),
    Time(Vec<i64>),
    Struct(Box<Record>),
    List {
        ends: Vec<i32>,
        item: Box<Builder>,
    },
}

/// Values of any length, end to end.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    ends: Vec<i32>,
    bytes: Vec<u8>,
}

impl Bytes {
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.end();
    }

    fn end(&mut self) {
        // A page is no longer than an i32 says, and no text here is longer than it stands there.
        self.ends.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        let kept = self.ends.last().copied().unwrap_or(0);
        self.bytes.truncate(usize::try_from(kept).unwrap_or(0));
    }

    fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        (offsets(self.ends), Buffer::from_vec(self.bytes))
    }
}

/// Ends of values as Arrow's offsets, which begin with 0.
fn offsets(mut ends: Vec<i32>) -> OffsetBuffer<i32> {
    ends.insert(0, 0);
    OffsetBuffer::new(ScalarBuffer::from(ends))
}

impl Builder {
    pub(crate) fn new(column: Meta, data: Data) -> Self {
        Self { column, data, nulls: NullBufferBuilder::new(1024), variants: Vec::new() }
    }

    /// The column as a schema has it.
    pub(crate) fn stored(column: &Column, settled: bool) -> Self {
        let meta = Meta {
            name: column.name.clone(),
            field: column.field.clone(),
            role: column.role,
            nullable: column.nullable,
            declared: None,
            new: false,
        };
        Self::new(meta, Data::of(&column.data_type, settled))
    }

    /// The items of a list.
    fn item(data: Data, new: bool) -> Self {
        let (name, field) = (Field::LIST_FIELD_DEFAULT_NAME.to_owned(), String::new());
        let meta = Meta { name, field, role: Role::Field, nullable: true, declared: None, new };
        Self::new(meta, data)
    }

    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Nulls until it has `len` values.
    #[inline]
    pub(crate) fn pad(&mut self, len: usize) {
        let missing = len.saturating_sub(self.len());
        if missing > 0 {
            self.pad_by(missing);
        }
    }

    #[cold]
    fn pad_by(&mut self, missing: usize) {
        let len = self.len() + missing;
        match &mut self.data {
            Data::Unknown | Data::Struct(_) => {}
            Data::Bool(values) => values.append_n(missing, false),
            Data::Int(values) | Data::Timestamp { values, .. } | Data::Time(values) => values.resize(len, 0),
            Data::Double(values) => values.resize(len, 0.0),
            Data::Small { values, .. } => values.resize(len, 0),
            Data::Large { values, .. } => values.resize(len, i256::ZERO),
            Data::Text(bytes) | Data::Json(bytes) | Data::Binary(bytes) => {
                let end = bytes.ends.last().copied().unwrap_or(0);
                bytes.ends.resize(len, end);
            }
            Data::Date(values) => values.resize(len, 0),
            Data::List { ends, .. } => ends.resize(len, ends.last().copied().unwrap_or(0)),
        }
        self.nulls.append_n_nulls(missing);
    }

    /// Makes it one of another type. It must hold nothing but nulls.
    pub(crate) fn retype(&mut self, data: Data) {
        let len = self.len();
        self.data = data;
        self.nulls = NullBufferBuilder::new(1024);
        self.pad(len);
    }

    /// Takes back what is behind `len`, also of an object or list that was begun and not ended.
    pub(crate) fn truncate(&mut self, len: usize) {
        match &mut self.data {
            Data::Unknown => {}
            Data::Bool(values) => values.truncate(len.min(values.len())),
            Data::Int(values) | Data::Timestamp { values, .. } | Data::Time(values) => values.truncate(len),
            Data::Double(values) => values.truncate(len),
            Data::Small { values, .. } => values.truncate(len),
            Data::Large { values, .. } => values.truncate(len),
            Data::Text(bytes) | Data::Json(bytes) | Data::Binary(bytes) => bytes.truncate(len),
            Data::Date(values) => values.truncate(len),
            Data::Struct(record) => record.truncate(len),
            Data::List { ends, item } => {
                ends.truncate(len);
                item.truncate(ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0)));
            }
        }
        self.nulls.truncate(len.min(self.nulls.len()));
    }

    /// Whether nothing but nulls is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.nulls.finish_cloned().map_or(self.len() == 0, |nulls| nulls.null_count() == nulls.len())
    }

    /// One value of the data's own type, at place `len`; false if it is of another.
    pub(crate) fn push(&mut self, scalar: Scalar) -> bool {
        match (&mut self.data, scalar) {
            (Data::Bool(values), Scalar::Bool(value)) => values.append(value),
            (Data::Int(values), Scalar::Int(value))
            | (Data::Timestamp { values, .. }, Scalar::Timestamp(value))
            | (Data::Time(values), Scalar::Time(value)) => values.push(value),
            (Data::Double(values), Scalar::Double(value)) => values.push(value),
            (Data::Small { values, .. }, Scalar::Small(value)) => values.push(value),
            (Data::Large { values, .. }, Scalar::Large(value)) => values.push(value),
            (Data::Text(bytes), Scalar::Text(text)) | (Data::Json(bytes), Scalar::Json(text)) => {
                bytes.push(text.as_bytes());
            }
            (Data::Binary(bytes), Scalar::Binary(value)) => bytes.push(&value),
            (Data::Date(values), Scalar::Date(value)) => values.push(value),
            _ => return false,
        }
        self.nulls.append_non_null();
        true
    }

    /// What holds nothing that has a type becomes JSON: `[]`, `{}`. Only a new column can be so.
    pub(crate) fn settle(&mut self) {
        match &mut self.data {
            Data::Unknown => self.data = Data::of(&ColumnType::Json, false),
            Data::Struct(record) if record.columns.is_empty() => {
                let mut json = Bytes::default();
                let nulls = self.nulls.finish_cloned();
                for row in 0..self.nulls.len() {
                    let there = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
                    json.push(if there { b"{}" } else { b"" });
                }
                self.data = Data::Json(json);
            }
            Data::Struct(record) => record.columns.iter_mut().for_each(Self::settle),
            Data::List { item, .. } => item.settle(),
            _ => {}
        }
        let len = self.len();
        if let Data::Json(bytes) = &mut self.data {
            bytes.ends.resize(len, bytes.ends.last().copied().unwrap_or(0));
        }
    }

    /// As a schema has it. Its data must be settled.
    pub(crate) fn to_column(&self) -> Column {
        let Meta { name, field, role, nullable, .. } = self.column.clone();
        Column { name, field, data_type: self.data.column_type(), nullable, role }
    }

    /// Its values, filled up to `rows` with nulls.
    pub(crate) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.pad(rows);
        let nulls = self.nulls.finish();
        self.data.finish(rows, nulls)
    }
}

impl Data {
    /// No values yet.
    pub(crate) fn of(data_type: &ColumnType, settled: bool) -> Self {
        match data_type {
            ColumnType::Bool => Self::Bool(BooleanBufferBuilder::new(0)),
            ColumnType::Int64 => Self::Int(Vec::new()),
            ColumnType::Double => Self::Double(Vec::new()),
            ColumnType::Decimal { precision, scale } if *precision <= SMALL_DIGITS => {
                Self::Small { precision: *precision, scale: *scale, values: Vec::new() }
            }
            ColumnType::Decimal { precision, scale } => {
                Self::Large { precision: *precision, scale: *scale, values: Vec::new() }
            }
            ColumnType::Text => Self::Text(Bytes::default()),
            ColumnType::Json => Self::Json(Bytes::default()),
            ColumnType::Binary => Self::Binary(Bytes::default()),
            ColumnType::Timestamp { utc } => Self::Timestamp { utc: *utc, values: Vec::new() },
            ColumnType::Date => Self::Date(Vec::new()),
            ColumnType::Time => Self::Time(Vec::new()),
            ColumnType::Struct(fields) => Self::Struct(Box::new(Record::stored(fields, settled))),
            ColumnType::List(item) => {
                Self::List { ends: Vec::new(), item: Box::new(Builder::item(Self::of(item, settled), false)) }
            }
        }
    }

    /// A list of which no item was seen.
    pub(crate) fn new_list() -> Self {
        Self::List { ends: Vec::new(), item: Box::new(Builder::item(Self::Unknown, true)) }
    }

    pub(crate) fn column_type(&self) -> ColumnType {
        match self {
            Self::Bool(_) => ColumnType::Bool,
            Self::Int(_) => ColumnType::Int64,
            Self::Double(_) => ColumnType::Double,
            Self::Small { precision, scale, .. } | Self::Large { precision, scale, .. } => {
                ColumnType::Decimal { precision: *precision, scale: *scale }
            }
            Self::Text(_) => ColumnType::Text,
            Self::Unknown | Self::Json(_) => ColumnType::Json,
            Self::Binary(_) => ColumnType::Binary,
            Self::Timestamp { utc, .. } => ColumnType::Timestamp { utc: *utc },
            Self::Date(_) => ColumnType::Date,
            Self::Time(_) => ColumnType::Time,
            Self::Struct(record) => {
                ColumnType::Struct(record.columns.iter().map(Builder::to_column).collect())
            }
            Self::List { item, .. } => ColumnType::List(Box::new(item.data.column_type())),
        }
    }

    fn finish(self, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Bool(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Self::Int(values) => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            Self::Double(values) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
            Self::Small { precision, scale, values } => {
                let array = Decimal128Array::try_new(values.into(), nulls)?;
                Arc::new(array.with_precision_and_scale(precision, scale)?)
            }
            Self::Large { precision, scale, values } => {
                let array = Decimal256Array::try_new(values.into(), nulls)?;
                Arc::new(array.with_precision_and_scale(precision, scale)?)
            }
            Self::Text(bytes) | Self::Json(bytes) => {
                let (offsets, bytes) = bytes.finish();
                Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
            }
            Self::Unknown => Arc::new(StringArray::new_null(rows)),
            Self::Binary(bytes) => {
                let (offsets, bytes) = bytes.finish();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            Self::Timestamp { utc, values } => {
                let array = TimestampMicrosecondArray::try_new(values.into(), nulls)?;
                Arc::new(if utc { array.with_timezone("+00:00") } else { array })
            }
            Self::Date(values) => Arc::new(Date32Array::try_new(values.into(), nulls)?),
            Self::Time(values) => Arc::new(Time64MicrosecondArray::try_new(values.into(), nulls)?),
            Self::Struct(record) => {
                let fields: Fields = record.columns.iter().map(|column| column.to_column().arrow()).collect();
                let columns: Result<Vec<_>, _> =
                    record.columns.into_iter().map(|column| column.finish(rows)).collect();
                Arc::new(StructArray::try_new(fields, columns?, nulls)?)
            }
            Self::List { ends, item } => {
                let items = ends.last().map_or(0, |end| usize::try_from(*end).unwrap_or(0));
                let field = item.data.column_type().item_field();
                Arc::new(ListArray::try_new(Arc::new(field), offsets(ends), item.finish(items)?, nulls)?)
            }
        })
    }
}
