//! One value into its column: taken as it is, or the column made, widened, or given a variant.

use arrow_buffer::i256;

use crate::builder::{Builder, Data};
use crate::coerce::{Unfit, declared, exact, found};
use crate::column_type::ColumnType;
use crate::number::{decimal128, decimal256, double_of};
use crate::options::{Mode, Options};
use crate::record::Record;
use crate::refusal::{Reason, Unforeseen};
use crate::scan::{Cursor, Fault};
use crate::schema::Role;
use crate::value::{DECIMALS, Value};

/// Why a row is not read to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Fault(Fault),
    Refused(Reason),
    /// The contract leaves it out.
    Discarded,
    /// The contract makes it an error.
    Frozen {
        /// Whose; none: the resource's own table.
        table: Option<String>,
        what: Unforeseen,
    },
}

pub(crate) type Read<T> = Result<T, Box<Stop>>;

impl<T: Into<Fault>> From<T> for Box<Stop> {
    fn from(fault: T) -> Self {
        Box::new(Stop::Fault(fault.into()))
    }
}

impl From<Reason> for Box<Stop> {
    fn from(reason: Reason) -> Self {
        Box::new(Stop::Refused(reason))
    }
}

/// What is learnt while a page is read.
#[derive(Debug)]
pub(crate) struct Learning<'o> {
    pub(crate) options: &'o Options,
    /// Whether the row at hand has changed what is known of columns.
    pub(crate) touched: bool,
    pub(crate) discarded_values: u64,
}

impl Learning<'_> {
    /// Whether something may be added that a contract did not foresee; if not, it is to be left out.
    pub(crate) fn allows(
        &mut self,
        settled: bool,
        mode: Mode,
        what: impl FnOnce() -> Unforeseen,
    ) -> Read<bool> {
        let mode = if settled { mode } else { Mode::Evolve };
        match mode {
            Mode::Evolve => {
                self.touched = true;
                Ok(true)
            }
            Mode::Freeze => Err(Box::new(Stop::Frozen { table: None, what: what() })),
            Mode::DiscardRow => Err(Box::new(Stop::Discarded)),
            Mode::DiscardValue => {
                self.discarded_values += 1;
                Ok(false)
            }
        }
    }
}

/// Puts `value` (`raw` in the text) into the column of a slot, in row `row` of `record`.
#[inline]
pub(crate) fn put(
    learning: &mut Learning,
    record: &mut Record,
    (scope, slot): (usize, usize),
    row: usize,
    value: Value,
    raw: &str,
) -> Read<()> {
    let known = record.slot(scope, slot).and_then(|slot| slot.column);
    let Some(at) =
        known.map_or_else(|| column_for(learning, record, (scope, slot), &value), |at| Ok(Some(at)))?
    else {
        return Ok(());
    };
    let Some(column) = record.columns.get_mut(at) else { return Ok(()) };
    if column.len() > row {
        return Err(Reason::FieldTwice { field: column.column.field.clone() }.into());
    }
    column.pad(row);
    if column.column.declared.is_some() {
        return put_declared(column, &value, raw);
    }
    // The usual cases, without a detour.
    match (&mut column.data, value) {
        (Data::Text(bytes), Value::Text(text)) => bytes.push(text.as_bytes()),
        (Data::Bool(values), Value::Bool(value)) => values.append(value),
        (data, value) => {
            let Some(scalar) = exact(data, &value, raw) else {
                return misfit(learning, record, at, row, value, raw);
            };
            column.push(scalar);
            return Ok(());
        }
    }
    column.nulls.append_non_null();
    Ok(())
}

/// The column of a field that has none yet; none if it is to be left out.
fn column_for(
    learning: &mut Learning,
    record: &mut Record,
    (scope, slot): (usize, usize),
    value: &Value,
) -> Read<Option<usize>> {
    if let Some(at) = claimed(learning, record, (scope, slot))? {
        return Ok(Some(at));
    }
    let Some(own) = value.own_type(learning.options.system) else {
        let field = record.slot(scope, slot).map(|slot| slot.path.clone()).unwrap_or_default();
        return Err(too_wide(field, value));
    };
    add(learning, record, (scope, slot), Data::of(&own, false))
}

/// The column that the schema has for a field, whose name is its own from here on.
pub(crate) fn claimed(
    learning: &mut Learning,
    record: &mut Record,
    (scope, slot): (usize, usize),
) -> Read<Option<usize>> {
    learning.touched |= record.claim(scope, slot)?;
    Ok(record.slot(scope, slot).and_then(|slot| slot.column))
}

/// Adds the column of a field, if the contract allows it.
pub(crate) fn add(
    learning: &mut Learning,
    record: &mut Record,
    (scope, slot): (usize, usize),
    data: Data,
) -> Read<Option<usize>> {
    let (settled, mode) = (record.settled, learning.options.contract.columns);
    let Some(field) = record.slot(scope, slot) else { return Ok(None) };
    let (name, path) = (&field.name, &field.path);
    let nullable = learning
        .options
        .columns
        .iter()
        .all(|declared| declared.nullable || (declared.name != *name && declared.name != *path));
    if !learning.allows(settled, mode, || Unforeseen::Column(path.clone()))? {
        return Ok(None);
    }
    Ok(record.add(scope, slot, data, nullable))
}

fn too_wide(field: String, value: &Value) -> Box<Stop> {
    let bytes = if let Value::Number(number) = value { number.text.len() } else { 0 };
    Reason::NumberTooWide { field, bytes }.into()
}

fn put_declared(column: &mut Builder, value: &Value, raw: &str) -> Read<()> {
    let Some(wanted) = column.column.declared.as_ref().and_then(|it| it.data_type) else { return Ok(()) };
    let unfit = match declared(wanted, &column.data, value, raw) {
        Ok(scalar) => {
            column.push(scalar);
            return Ok(());
        }
        Err(unfit) => unfit,
    };
    let (column, found) = (column.column.name.clone(), found(value, raw));
    Err(match unfit {
        Unfit::Kind => Reason::Misfit { column, declared: wanted, found },
        Unfit::TooFine => Reason::TooFine { column, declared: wanted, found },
    }
    .into())
}

/// A value that its column cannot take. A column of which nothing was promised yet may become a wider number; else
/// the value goes to a variant.
#[cold]
pub(crate) fn misfit(
    learning: &mut Learning,
    record: &mut Record,
    at: usize,
    row: usize,
    value: Value,
    raw: &str,
) -> Read<()> {
    let settled = record.settled;
    let Some(column) = record.columns.get_mut(at) else { return Ok(()) };
    if column.column.role == Role::Field && widen(column, &value, raw) {
        learning.touched = true;
        return Ok(());
    }
    let (name, stored) = (column.column.name.clone(), column.data.column_type());
    let field = column.column.field.clone();
    let variants = column.variants.clone();
    let Some(found) = value.own_type(learning.options.system) else { return Err(too_wide(field, &value)) };
    let has_type = |record: &Record, at: usize| {
        record.columns.get(at).is_some_and(|column| column.data.column_type() == found)
    };
    let known = variants.into_iter().find(|at| has_type(record, *at));
    let variant = if let Some(known) = known {
        known
    } else {
        let data = Data::of(&found, false);
        let what = || Unforeseen::DataType { column: name, stored, found };
        if !learning.allows(settled, learning.options.contract.data_type, what)? {
            return Ok(());
        }
        record.add_variant(at, learning.options, data)?
    };
    let Some(column) = record.columns.get_mut(variant) else { return Ok(()) };
    column.pad(row);
    if let Some(scalar) = exact(&column.data, &value, raw) {
        column.push(scalar);
    }
    Ok(())
}

/// Takes `value` by making a new column of numbers one of a wider type, if there is one that keeps all of them.
pub(crate) fn widen(column: &mut Builder, value: &Value, raw: &str) -> bool {
    if !column.column.new || !matches!(value, Value::Number(_)) {
        return false;
    }
    let decimals = DECIMALS.map(|(precision, scale)| ColumnType::Decimal { precision, scale });
    for wider in std::iter::once(ColumnType::Double).chain(decimals) {
        let empty = Data::of(&wider, false);
        let Some(scalar) = exact(&empty, value, raw) else { continue };
        let Some(data) = widened(&column.data, empty) else { continue };
        column.data = data;
        column.push(scalar);
        return true;
    }
    false
}

/// All of `data` in `wider`, which is empty; none if one of them has no place there.
fn widened(data: &Data, wider: Data) -> Option<Data> {
    match (data, wider) {
        (Data::Int(values), Data::Double(_)) => {
            values.iter().map(|int| double_of(*int)).collect::<Option<_>>().map(Data::Double)
        }
        (data, Data::Small { precision, scale, .. }) => {
            let texts = texts(data)?;
            let values =
                texts.iter().map(|text| decimal128(&Cursor::new(text).number().ok()?, precision, scale));
            values.collect::<Option<_>>().map(|values| Data::Small { precision, scale, values })
        }
        (data, Data::Large { precision, scale, .. }) => {
            let texts = texts(data)?;
            let values = texts.iter().map(|text| decimal256(text, precision, scale));
            values.collect::<Option<_>>().map(|values| Data::Large { precision, scale, values })
        }
        _ => None,
    }
}

/// Numbers as JSON writes them, exactly.
fn texts(data: &Data) -> Option<Vec<String>> {
    let scaled = |digits: String, scale: i8| format!("{digits}e-{scale}");
    Some(match data {
        Data::Int(values) => values.iter().map(i64::to_string).collect(),
        Data::Double(values) => values.iter().map(|double| format!("{double:e}")).collect(),
        Data::Small { scale, values, .. } => {
            values.iter().map(|int| scaled(int.to_string(), *scale)).collect()
        }
        Data::Large { scale, values, .. } => {
            values.iter().map(|int: &i256| scaled(int.to_string(), *scale)).collect()
        }
        _ => return None,
    })
}
