//! Arrays as rows of tables of their own.

use crate::names::{self, SEPARATOR};
use crate::put::{Read, Stop};
use crate::record::Record;
use crate::refusal::{Reason, Unforeseen};
use crate::schema::TableSchema;
use crate::table::Table;
use crate::walk::{Place, VALUE, Walk, path};

/// The field of a list within a list.
const LIST: &str = "list";

impl Walk<'_> {
    /// The array at the cursor as rows of a table of its own.
    pub(crate) fn as_table(&mut self, record: &mut Record, field: (usize, usize), place: Place) -> Read<()> {
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
        read.map_err(|stop| self.of_table(stop, table))
    }

    /// What stopped a row, with the table in which it did.
    fn of_table(&self, mut stop: Box<Stop>, at: usize) -> Box<Stop> {
        if let Stop::Frozen { table: table @ None, .. } = &mut *stop {
            *table = self.tables.get(at).map(|table| table.stored.name.clone());
        }
        stop
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
        if let Some((at, first)) = self.table_claims.get_mut(&names::folded(&name)) {
            let table = self.tables.get_mut(*at).filter(|table| table.parent == Some(parent));
            match table {
                Some(_) if *first == path => {}
                // One that was taken over: which list it was is not known.
                Some(table) if first.is_empty() => {
                    first.clone_from(&path);
                    table.stored.field = path;
                }
                _ => {
                    let (column, first, second) = (name, first.clone(), path);
                    return Err(Reason::Collision { column, first, second }.into());
                }
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
}
