//! One row read from its text, each value on its way to its column.

use std::collections::HashMap;
use std::mem;

use crate::builder::{Builder, Data};
use crate::coerce::exact;
use crate::names::{self, SEPARATOR};
use crate::options::{Nested, Options};
use crate::put::{Learning, Read, Stop, add, claimed, misfit, put, widen};
use crate::record::Record;
use crate::refusal::{Reason, Unforeseen};
use crate::scan::{Cursor, Fault, Skipper};
use crate::schema::TableSchema;
use crate::table::Table;
use crate::value::Value;

/// What is nested deeper than this is JSON, whatever is asked for.
const MAX_DEPTH: u32 = 64;
/// Objects with more fields than this are taken for maps, and stay JSON.
const MAX_STRUCT_FIELDS: usize = 400;
/// The field of a row, or an item, that is no object.
pub(crate) const VALUE: &str = "value";
/// The field of a list within a list.
const LIST: &str = "list";

/// A page half read.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) cursor: Cursor<'a>,
    skipper: Skipper<'a>,
    pub(crate) tables: Vec<Table>,
    /// Which tables are there, and of which field; names are folded.
    table_claims: HashMap<String, (usize, String)>,
    pub(crate) learning: Learning<'a>,
    /// Counts objects: what was seen in this one.
    pub(crate) stamp: u64,
}

/// Where an object's values go.
#[derive(Debug, Clone, Copy)]
struct Place {
    table: usize,
    row: usize,
    /// How much deeper values may be nested, counted from the row and from this object.
    row_depth: u32,
    depth: u32,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(text: &'a str, tables: Vec<Table>, options: &'a Options) -> Self {
        let claim = |(at, table): (usize, &Table)| {
            (names::folded(&table.stored.name), (at, table.stored.field.clone()))
        };
        let table_claims = tables.iter().enumerate().map(claim).collect();
        let learning = Learning { options, touched: false, discarded_values: 0 };
        let cursor = Cursor::new(text);
        Self { cursor, skipper: Skipper::default(), tables, table_claims, learning, stamp: 0 }
    }

    /// The row at the cursor into row `row` of the resource's own table, up to its end. What was counted as the object is
    /// returned.
    pub(crate) fn row(&mut self, row: usize) -> Read<u64> {
        let depth = match self.learning.options.nested {
            Nested::Tables { max_depth } => max_depth.unwrap_or(MAX_DEPTH).min(MAX_DEPTH),
            Nested::Json | Nested::Columns => MAX_DEPTH,
        };
        self.cursor.space();
        if self.cursor.peek() == Some(b'n') {
            self.cursor.word("null")?;
            self.end_of_row()?;
            return Err(Reason::NullRow.into());
        }
        let stamp = self.stamp + 1;
        let place = Place { table: 0, row, row_depth: depth, depth };
        let mut record = self.take_record(0);
        let read = if self.cursor.peek() == Some(b'{') {
            self.object(&mut record, 0, place)
        } else {
            self.single(&mut record, VALUE, place)
        };
        self.give_back(0, record);
        read?;
        self.end_of_row()?;
        Ok(stamp)
    }

    fn end_of_row(&mut self) -> Read<()> {
        self.cursor.space();
        if self.cursor.peek().is_some() && !self.cursor.eat(b'\n') {
            return Ok(self.cursor.expected("the end of the line")?);
        }
        Ok(())
    }

    fn take_record(&mut self, table: usize) -> Record {
        self.tables.get_mut(table).map(|table| mem::take(&mut table.record)).unwrap_or_default()
    }

    fn give_back(&mut self, table: usize, record: Record) {
        if let Some(table) = self.tables.get_mut(table) {
            table.record = record;
        }
    }

    /// The value at the cursor as the one field of an object.
    fn single(&mut self, record: &mut Record, field: &str, place: Place) -> Read<()> {
        self.stamp += 1;
        let stamp = self.stamp;
        let slot = record.field(0, field, self.learning.options);
        if let Some(slot) = record.slot(0, slot) {
            slot.seen = stamp;
        }
        self.value(record, (0, slot), place, stamp)
    }

    /// The object at the cursor.
    fn object(&mut self, record: &mut Record, scope: usize, place: Place) -> Read<()> {
        self.stamp += 1;
        let stamp = self.stamp;
        self.cursor.at += 1;
        self.cursor.space();
        if self.cursor.eat(b'}') {
            return Ok(());
        }
        let mut before = None;
        loop {
            let slot = self.key(record, scope, before)?;
            if let Some(slot) = record.slot(scope, slot) {
                if slot.seen == stamp {
                    return Err(Fault::KeyTwice(slot.path.clone()).into());
                }
                slot.seen = stamp;
            }
            self.cursor.space();
            self.value(record, (scope, slot), place, stamp)?;
            self.cursor.space();
            if self.cursor.eat(b',') {
                self.cursor.space();
                before = Some(slot);
            } else if self.cursor.eat(b'}') {
                return Ok(());
            } else {
                return Ok(self.cursor.expected("a comma or a closing brace")?);
            }
        }
    }

    /// The key at the cursor, with its colon: the field that stood here in the last object, or one that is looked up.
    #[inline]
    fn key(&mut self, record: &mut Record, scope: usize, before: Option<usize>) -> Read<usize> {
        let known = record.scopes.get(scope);
        let guess = known.and_then(|scope| match before {
            None => Some(scope.first),
            Some(before) => scope.slots.get(before).map(|slot| slot.next),
        });
        let guessed = guess.and_then(|guess| Some((guess, known?.slots.get(guess)?)));
        if let Some((guess, slot)) = guessed
            && !slot.quoted.is_empty()
            && self.cursor.take(&slot.quoted)
        {
            return Ok(guess);
        }
        let key = self.cursor.string()?;
        let key = key.text().map_err(|fault| refusal(fault, key.raw))?;
        self.cursor.space();
        if !self.cursor.eat(b':') {
            return Ok(self.cursor.expected("a colon")?);
        }
        let slot = record.field(scope, &key, self.learning.options);
        match before {
            None => {
                if let Some(scope) = record.scopes.get_mut(scope) {
                    scope.first = slot;
                }
            }
            Some(before) => {
                if let Some(before) = record.slot(scope, before) {
                    before.next = slot;
                }
            }
        }
        Ok(slot)
    }

    /// The value at the cursor into the column of its field.
    #[inline]
    fn value(&mut self, record: &mut Record, field: (usize, usize), place: Place, stamp: u64) -> Read<()> {
        let start = self.cursor.at;
        match self.cursor.peek() {
            Some(b'"') => {
                let quoted = self.cursor.string()?;
                let raw = self.cursor.since(start);
                let text = quoted.text().map_err(|fault| located(fault, record, field))?;
                put(&mut self.learning, record, field, place.row, Value::Text(&text), raw)?;
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.cursor.number()?;
                put(&mut self.learning, record, field, place.row, Value::Number(number), number.text)?;
            }
            Some(b'n') => {
                self.cursor.word("null")?;
                if let Some(slot) = record.slot(field.0, field.1) {
                    slot.null = stamp;
                }
            }
            Some(b't') => {
                self.cursor.word("true")?;
                put(&mut self.learning, record, field, place.row, Value::Bool(true), "true")?;
            }
            Some(b'f') => {
                self.cursor.word("false")?;
                put(&mut self.learning, record, field, place.row, Value::Bool(false), "false")?;
            }
            Some(bracket @ (b'{' | b'[')) => self.nested(record, field, place, bracket)?,
            _ => return Ok(self.cursor.expected("a value")?),
        }
        if let Some(slot) = record.slot(field.0, field.1)
            && slot.is_key
        {
            slot.span = Some((start, self.cursor.at));
        }
        Ok(())
    }

    fn nested(&mut self, record: &mut Record, field: (usize, usize), place: Place, bracket: u8) -> Read<()> {
        match self.learning.options.nested {
            _ if place.depth == 0 => self.as_json(record, field, place),
            Nested::Json => self.as_json(record, field, place),
            Nested::Columns => self.as_columns(record, field, place, bracket),
            Nested::Tables { .. } => {
                let known =
                    record.slot(field.0, field.1).map(|slot| (slot.object, slot.list, slot.name.clone()));
                let Some((object, list, name)) = known else { return Ok(()) };
                if object.is_none() && list.is_none() {
                    // A column that is JSON, by what is declared or was learnt at another setting, stays so.
                    let column = record.column_named(&name).and_then(|at| record.columns.get(at));
                    if column.is_some_and(|column| matches!(column.data, Data::Json(_))) {
                        return self.as_json(record, field, place);
                    }
                }
                if bracket == b'{' {
                    let scope = record.scope(field.0, field.1);
                    return self.object(record, scope, Place { depth: place.depth - 1, ..place });
                }
                self.as_table(record, field, place)
            }
        }
    }

    /// The value at the cursor as one piece.
    fn as_json(&mut self, record: &mut Record, field: (usize, usize), place: Place) -> Read<()> {
        let raw = self.skip(|| path(record, field))?;
        put(&mut self.learning, record, field, place.row, Value::Nested, raw)
    }

    fn skip(&mut self, field: impl FnOnce() -> String) -> Read<&'a str> {
        let start = self.cursor.at;
        match self.skipper.skip(&mut self.cursor) {
            Err(Fault::LoneSurrogate) => Err(Reason::LoneSurrogate { field: field() }.into()),
            Err(fault) => Err(fault.into()),
            Ok(()) => Ok(self.cursor.since(start)),
        }
    }

    /// The array at the cursor as rows of a table of its own.
    fn as_table(&mut self, record: &mut Record, field: (usize, usize), place: Place) -> Read<()> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        self.cursor.space();
        if self.cursor.eat(b']') {
            return Ok(());
        }
        let Some(slot) = record.slot(field.0, field.1) else { return Ok(()) };
        let table = match slot.list {
            Some(table) => table,
            None => {
                let (name, way) = (slot.name.clone(), slot.path.clone());
                let Some(table) = self.table_for(place.table, &name, way)? else {
                    self.cursor.at = start;
                    self.skip(|| path(record, field))?;
                    return Ok(());
                };
                if let Some(slot) = record.slot(field.0, field.1) {
                    slot.list = Some(table);
                }
                table
            }
        };
        let depth = place.row_depth - 1;
        let mut items = self.take_record(table);
        let read = self.items(&mut items, table, place.row, depth);
        self.give_back(table, items);
        read
    }

    fn items(&mut self, record: &mut Record, table: usize, owner: usize, depth: u32) -> Read<()> {
        let mut index = 0;
        loop {
            let Some(rows) = self.tables.get_mut(table) else { return Ok(()) };
            let row = rows.rows;
            rows.rows += 1;
            rows.owners.push(owner);
            rows.places.push(index);
            let place = Place { table, row, row_depth: depth, depth };
            self.cursor.space();
            match self.cursor.peek() {
                Some(b'{') => self.object(record, 0, place)?,
                Some(b'[') => {
                    let depth = depth.saturating_sub(1);
                    self.single(record, LIST, Place { row_depth: depth, depth, ..place })?;
                }
                _ => self.single(record, VALUE, place)?,
            }
            index += 1;
            self.cursor.space();
            if self.cursor.eat(b']') {
                return Ok(());
            }
            if !self.cursor.eat(b',') {
                return Ok(self.cursor.expected("a comma or a closing bracket")?);
            }
        }
    }

    /// The table of a list; none if it is to be left out.
    fn table_for(&mut self, parent: usize, name: &str, path: String) -> Read<Option<usize>> {
        let options = self.learning.options;
        let Some(of) = self.tables.get(parent) else { return Ok(None) };
        let parent_name = of.stored.name.clone();
        let name = names::shortened(format!("{parent_name}{SEPARATOR}{name}"), options.max_name_bytes);
        if let Some((at, first)) = self.table_claims.get(&names::folded(&name)) {
            let same =
                *first == path && self.tables.get(*at).is_some_and(|table| table.parent == Some(parent));
            if !same {
                let (column, first, second) = (name, first.clone(), path);
                return Err(Reason::Collision { column, first, second }.into());
            }
            return Ok(Some(*at));
        }
        let (settled, mode) =
            (self.tables.first().is_some_and(|it| it.stored.settled), options.contract.tables);
        if !self.learning.allows(settled, mode, || Unforeseen::Table(name.clone()))? {
            return Ok(None);
        }
        let at = self.tables.len();
        self.table_claims.insert(names::folded(&name), (at, path.clone()));
        let stored =
            TableSchema { name, parent: Some(parent_name), field: path, columns: Vec::new(), settled: false };
        self.tables.push(Table::new(stored, true, Some(parent), options));
        Ok(Some(at))
    }

    /// The object or array at the cursor into a struct or list.
    fn as_columns(
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
            column.retype(Data::of(&crate::ColumnType::Json, false));
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
            let Some(own) = value.own_type() else {
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

fn path(record: &mut Record, (scope, slot): (usize, usize)) -> String {
    record.slot(scope, slot).map(|slot| slot.path.clone()).unwrap_or_default()
}

fn path_of_column(record: &Record, at: usize) -> String {
    record.columns.get(at).map(|column| column.column.field.clone()).unwrap_or_default()
}

fn located(fault: Fault, record: &mut Record, field: (usize, usize)) -> Box<Stop> {
    match fault {
        Fault::LoneSurrogate => Reason::LoneSurrogate { field: path(record, field) }.into(),
        fault => fault.into(),
    }
}

fn refusal(fault: Fault, field: &str) -> Box<Stop> {
    match fault {
        Fault::LoneSurrogate => Reason::LoneSurrogate { field: field.to_owned() }.into(),
        fault => fault.into(),
    }
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
