//! One row read from its text, each value on its way to its column.

use std::collections::HashMap;
use std::mem;

use crate::builder::Data;
use crate::names;
use crate::options::{Nested, Options};
use crate::put::{Learning, Read, Stop, put};
use crate::record::Record;
use crate::refusal::Reason;
use crate::scan::{Cursor, Fault};
use crate::skip::Skipper;
use crate::table::Table;
use crate::value::Value;

/// What is nested deeper than this is JSON, whatever is asked for.
const MAX_DEPTH: u32 = 64;
/// The field of a row, or an item, that is no object.
pub(crate) const VALUE: &str = "value";

/// A page half read.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) cursor: Cursor<'a>,
    skipper: Skipper<'a>,
    pub(crate) tables: Vec<Table>,
    /// Which tables are there, and of which field; names are folded.
    pub(crate) table_claims: HashMap<String, (usize, String)>,
    pub(crate) learning: Learning<'a>,
    /// Counts objects: what was seen in this one.
    pub(crate) stamp: u64,
}

/// Where an object's values go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) table: usize,
    pub(crate) row: usize,
    /// How much deeper values may be nested, counted from the row and from this object.
    pub(crate) row_depth: u32,
    pub(crate) depth: u32,
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

    pub(crate) fn take_record(&mut self, table: usize) -> Record {
        self.tables.get_mut(table).map(|table| mem::take(&mut table.record)).unwrap_or_default()
    }

    pub(crate) fn give_back(&mut self, table: usize, record: Record) {
        if let Some(table) = self.tables.get_mut(table) {
            table.record = record;
        }
    }

    /// The value at the cursor as the one field of an object.
    pub(crate) fn single(&mut self, record: &mut Record, field: &str, place: Place) -> Read<()> {
        self.stamp += 1;
        let stamp = self.stamp;
        let slot = record.field(0, field, self.learning.options);
        if let Some(slot) = record.slot(0, slot) {
            slot.seen = stamp;
        }
        self.value(record, (0, slot), place, stamp)
    }

    /// The object at the cursor.
    pub(crate) fn object(&mut self, record: &mut Record, scope: usize, place: Place) -> Read<()> {
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
    pub(crate) fn as_json(&mut self, record: &mut Record, field: (usize, usize), place: Place) -> Read<()> {
        let raw = self.skip(|| path(record, field))?;
        put(&mut self.learning, record, field, place.row, Value::Nested, raw)
    }

    pub(crate) fn skip(&mut self, field: impl FnOnce() -> String) -> Read<&'a str> {
        let start = self.cursor.at;
        match self.skipper.skip(&mut self.cursor) {
            Err(Fault::LoneSurrogate) => Err(Reason::LoneSurrogate { field: field() }.into()),
            Err(fault) => Err(fault.into()),
            Ok(()) => Ok(self.cursor.since(start)),
        }
    }
}

pub(crate) fn path(record: &mut Record, (scope, slot): (usize, usize)) -> String {
    record.slot(scope, slot).map(|slot| slot.path.clone()).unwrap_or_default()
}

fn located(fault: Fault, record: &mut Record, field: (usize, usize)) -> Box<Stop> {
    match fault {
        Fault::LoneSurrogate => Reason::LoneSurrogate { field: path(record, field) }.into(),
        fault => fault.into(),
    }
}

pub(crate) fn refusal(fault: Fault, field: &str) -> Box<Stop> {
    match fault {
        Fault::LoneSurrogate => Reason::LoneSurrogate { field: field.to_owned() }.into(),
        fault => fault.into(),
    }
}
