//! Objects and arrays as structs and lists.

use crate::builder::{Builder, Data};
use crate::coerce::exact;
use crate::column_type::ColumnType;
use crate::put::{Read, Stop, add, claimed, misfit, put, widen};
use crate::record::Record;
use crate::refusal::Reason;
use crate::value::Value;
use crate::walk::{Place, Walk, path, refusal};

/// Objects with more fields than this are taken for maps, and stay JSON.
const MAX_STRUCT_FIELDS: usize = 400;

impl Walk<'_> {
    /// The object or array at the cursor into a struct or list.
    pub(crate) fn as_columns(
        &mut self,
        record: &mut Record,
        field: (usize, usize),
        place: Place,
        bracket: u8,
    ) -> Read<()> {
        let known = match record.slot(field.0, field.1).and_then(|slot| slot.column) {
            Some(at) => Some(at),
            None => claimed(&mut self.learning, record, field)?,
        };
        let at = match known {
            Some(at) => at,
            None => {
                let data = if bracket == b'{' { new_struct() } else { Data::new_list() };
                match add(&mut self.learning, record, field, data)? {
                    Some(at) => at,
                    None => {
                        self.skip(|| path(record, field))?;
                        return Ok(());
                    }
                }
            }
        };
        let start = self.cursor.at;
        let Some(column) = record.columns.get_mut(at) else { return Ok(()) };
        if column.column.declared.is_some() || !is_of_kind(&column.data, bracket) {
            return self.as_json(record, field, place);
        }
        column.pad(place.row);
        let name = column.column.field.clone();
        if self.tree(column, place.depth).map_err(|stop| named(stop, &name))? {
            return Ok(());
        }
        // Items of several types, or more fields than a struct has: the value as a whole is JSON.
        self.cursor.at = start;
        let raw = self.skip(|| path_of_column(record, at))?;
        let Some(column) = record.columns.get_mut(at) else { return Ok(()) };
        column.truncate(place.row);
        if column.column.new && column.is_empty() {
            column.retype(Data::of(&ColumnType::Json, false));
            column.pad(place.row);
            return put(&mut self.learning, record, field, place.row, Value::Nested, raw);
        }
        misfit(&mut self.learning, record, at, place.row, Value::Nested, raw)
    }

    /// The value at the cursor behind those of `column`, which is a struct or a list as the value is. False if it has no
    /// place there; what was done must then be taken back.
    fn tree(&mut self, column: &mut Builder, depth: u32) -> Read<bool> {
        let row = column.len();
        match &mut column.data {
            Data::Struct(record) => {
                let place = Place { table: 0, row, row_depth: depth - 1, depth: depth - 1 };
                self.object(record, 0, place)?;
                if record.columns.len() > MAX_STRUCT_FIELDS {
                    return Ok(false);
                }
            }
            Data::List { ends, item } => {
                self.cursor.at += 1;
                self.cursor.space();
                if !self.cursor.eat(b']') {
                    loop {
                        if !self.item(item, depth - 1)? {
                            return Ok(false);
                        }
                        self.cursor.space();
                        if self.cursor.eat(b']') {
                            break;
                        }
                        if !self.cursor.eat(b',') {
                            return Ok(self.cursor.expected("a comma or a closing bracket")?);
                        }
                    }
                }
                ends.push(i32::try_from(item.len()).unwrap_or(i32::MAX));
            }
            _ => return Ok(false),
        }
        column.nulls.append_non_null();
        Ok(true)
    }

    /// The item at the cursor behind the others; false if it has no place among them.
    fn item(&mut self, item: &mut Builder, depth: u32) -> Read<bool> {
        self.cursor.space();
        let start = self.cursor.at;
        let text;
        let (value, raw) = match self.cursor.peek() {
            Some(b'n') => {
                self.cursor.word("null")?;
                item.pad(item.len() + 1);
                return Ok(true);
            }
            Some(bracket @ (b'{' | b'[')) => {
                if depth > 0 && matches!(item.data, Data::Unknown) {
                    item.retype(if bracket == b'{' { new_struct() } else { Data::new_list() });
                }
                if depth > 0 && is_of_kind(&item.data, bracket) {
                    return self.tree(item, depth);
                }
                (Value::Nested, self.skip(String::new)?)
            }
            Some(b'"') => {
                let quoted = self.cursor.string()?;
                text = quoted.text().map_err(|fault| refusal(fault, ""))?;
                (Value::Text(&text), self.cursor.since(start))
            }
            Some(b't') => {
                self.cursor.word("true")?;
                (Value::Bool(true), "true")
            }
            Some(b'f') => {
                self.cursor.word("false")?;
                (Value::Bool(false), "false")
            }
            _ => {
                let number = self.cursor.number()?;
                (Value::Number(number), number.text)
            }
        };
        if matches!(item.data, Data::Unknown) {
            let Some(own) = value.own_type(self.learning.options.system) else {
                return Err(Reason::NumberTooWide { field: String::new(), bytes: raw.len() }.into());
            };
            item.retype(Data::of(&own, false));
        }
        if let Some(scalar) = exact(&item.data, &value, raw) {
            return Ok(item.push(scalar));
        }
        let widened = widen(item, &value, raw);
        self.learning.touched |= widened;
        Ok(widened)
    }
}

fn new_struct() -> Data {
    Data::Struct(Box::new(Record::new(false)))
}

fn is_of_kind(data: &Data, bracket: u8) -> bool {
    match data {
        Data::Struct(record) => bracket == b'{' && record.columns.len() <= MAX_STRUCT_FIELDS,
        Data::List { .. } => bracket == b'[',
        _ => false,
    }
}

fn path_of_column(record: &Record, at: usize) -> String {
    record.columns.get(at).map(|column| column.column.field.clone()).unwrap_or_default()
}

/// What was refused in a list, with the field that the list is.
fn named(mut stop: Box<Stop>, name: &str) -> Box<Stop> {
    if let Stop::Refused(Reason::NumberTooWide { field, .. } | Reason::LoneSurrogate { field }) = &mut *stop
        && field.is_empty()
    {
        name.clone_into(field);
    }
    stop
}
