//! A page decoded whole: its rows read one by one, refused or kept, and made batches.

use std::collections::BTreeMap;

use crate::coerce::data_for;
use crate::names;
use crate::options::{Declared, Options, SystemNames};
use crate::page::{Decoded, Page, Refused, TableBatch};
use crate::put::Stop;
use crate::record::Record;
use crate::refusal::{DecodeError, Reason};
use crate::row_id::row_id;
use crate::scan::Fault;
use crate::schema::{Schema, TableSchema};
use crate::table::{Above, Table, in_tables};
use crate::version;
use crate::walk::Walk;

/// So often at most is a page read again. What later rows bring stays in the schema, also if they are left out: a column
/// without values, or a wider one, costs less than a page that is read once for each of its rows.
const MAX_READINGS: usize = 32;

/// Reads a page once; where a row that brings a column is left out, once more without it. On an error the schema is as it was.
pub fn decode(page: &Page, schema: &mut Schema, options: &Options) -> Result<Decoded, DecodeError> {
    let text = text(page)?;
    let mut left_out = BTreeMap::new();
    loop {
        let walk = Walk::new(text, tables(schema, options)?, options);
        match Pass::new(page, options, walk).read(&left_out)? {
            Outcome::Again(row, why) => left_out.insert(row, why),
            Outcome::Read(pass) => return pass.finish(schema),
        };
    }
}

/// The table of a resource of which no row has come: the columns that are declared, and those that are added.
pub fn without_rows(options: &Options) -> Result<TableSchema, DecodeError> {
    let page = Page { ndjson: b"", count: 0, first_row: 0, load_id: "", loaded_at_ms: 0 };
    let named = options.version.is_some() || (in_tables(options) && options.system == SystemNames::Dlt);
    let above = Above { parents: &[], roots: &[], named };
    let (name, field) = (options.table.clone(), String::new());
    let bare = TableSchema { name, parent: None, field, columns: Vec::new(), settled: false };
    let Some(root) = tables(&Schema::default(), options)?.into_iter().next() else { return Ok(bare) };
    let made = root.finish(&page, options, &above);
    made.map(|(schema, ..)| schema).map_err(|error| DecodeError::Batch { message: error.to_string() })
}

/// Why a row is in no batch.
#[derive(Debug, Clone)]
enum LeftOut {
    Refused(Reason),
    Discarded,
}

/// One reading of a page.
#[derive(Debug)]
struct Pass<'a> {
    page: &'a Page<'a>,
    options: &'a Options,
    walk: Walk<'a>,
    /// The slots of the key, and those of columns that must not be null.
    key: Vec<usize>,
    required: Vec<(usize, String)>,
    refused: Vec<Refused>,
    discarded_rows: Vec<u64>,
}

enum Outcome<'a> {
    Read(Box<Pass<'a>>),
    /// A row changed what is known of columns and was then left out: the page is to be read again without it.
    Again(u64, LeftOut),
}

fn text<'a>(page: &Page<'a>) -> Result<&'a str, DecodeError> {
    let bytes = page.ndjson.len();
    // Arrow's offsets.
    if i32::try_from(bytes).is_err() {
        return Err(DecodeError::TooLarge { bytes });
    }
    let newlines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as u64;
    let text = std::str::from_utf8(page.ndjson).map_err(|error| {
        let before = page.ndjson.get(..error.valid_up_to()).unwrap_or_default();
        DecodeError::NotUtf8 { row: newlines(before) }
    })?;
    let ended = text.is_empty() || text.ends_with('\n');
    let (declared, found) = (page.count, newlines(page.ndjson) + u64::from(!ended));
    if found != declared {
        return Err(DecodeError::Count { declared, found });
    }
    Ok(text)
}

/// The tables of a schema, without rows; the resource's own at least.
fn tables(schema: &Schema, options: &Options) -> Result<Vec<Table>, DecodeError> {
    let mut tables: Vec<Table> = Vec::with_capacity(schema.tables.len().max(1));
    for (at, stored) in schema.tables.iter().enumerate() {
        let parent = schema.tables.iter().position(|table| Some(&table.name) == stored.parent.as_ref());
        // One that hangs on nothing, or on what comes behind it, was not made here.
        let parent = if at == 0 { None } else { Some(parent.filter(|parent| *parent < at).unwrap_or(0)) };
        tables.push(Table::new(stored.clone(), false, parent, options));
    }
    if tables.is_empty() {
        let (name, field) = (options.table.clone(), String::new());
        let stored = TableSchema { name, parent: None, field, columns: Vec::new(), settled: false };
        tables.push(Table::new(stored, true, None, options));
    }
    if let Some(root) = tables.first_mut() {
        for declared in &options.columns {
            declare(&mut root.record, declared, options)?;
        }
    }
    Ok(tables)
}

fn column_name(declared: &Declared, options: &Options) -> String {
    names::shortened(names::column(options.names, &declared.name), options.max_name_bytes)
}

fn declare(record: &mut Record, declared: &Declared, options: &Options) -> Result<(), DecodeError> {
    let Some(data_type) = declared.data_type else { return Ok(()) };
    let name = column_name(declared, options);
    let data = data_for(data_type, declared);
    let known = record.column_named(&name).and_then(|at| record.columns.get_mut(at));
    let Some(known) = known else {
        record.declare(&name, declared, data);
        return Ok(());
    };
    let stored = known.data.column_type();
    if stored != data.column_type() {
        return Err(DecodeError::Redeclared { column: name, declared: data_type, stored });
    }
    known.column.declared = Some(declared.clone());
    Ok(())
}

impl<'a> Pass<'a> {
    fn new(page: &'a Page<'a>, options: &'a Options, mut walk: Walk<'a>) -> Self {
        let (mut key, mut required) = (Vec::new(), Vec::new());
        if let Some(root) = walk.tables.first_mut() {
            let record = &mut root.record;
            for field in &options.key {
                let slot = record.field(0, field, options);
                if let Some(slot) = record.slot(0, slot) {
                    slot.is_key = true;
                }
                key.push(slot);
            }
            for declared in options.columns.iter().filter(|declared| !declared.nullable) {
                required.push((record.field(0, &declared.name, options), column_name(declared, options)));
            }
        }
        Self { page, options, walk, key, required, refused: Vec::new(), discarded_rows: Vec::new() }
    }

    fn read(mut self, left_out: &BTreeMap<u64, LeftOut>) -> Result<Outcome<'a>, DecodeError> {
        let mut marks = Vec::new();
        for row in 0..self.page.count {
            let start = self.walk.cursor.at;
            if let Some(why) = left_out.get(&row) {
                self.leave_out(row, start, why.clone());
                continue;
            }
            marks.clear();
            marks.extend(self.walk.tables.iter().map(|table| table.rows));
            let discarded_values = self.walk.learning.discarded_values;
            self.walk.learning.touched = false;
            let place = marks.first().copied().unwrap_or(0);
            let why = match self.row(row, place, start).map_err(|stop| *stop) {
                Ok(()) => continue,
                Err(Stop::Refused(reason)) => LeftOut::Refused(reason),
                Err(Stop::Fault(Fault::KeyTwice(field))) => LeftOut::Refused(Reason::FieldTwice { field }),
                Err(Stop::Fault(Fault::LoneSurrogate)) => {
                    LeftOut::Refused(Reason::LoneSurrogate { field: String::new() })
                }
                Err(Stop::Discarded) => LeftOut::Discarded,
                Err(Stop::Frozen { table, what }) => {
                    let table = table.unwrap_or_else(|| self.options.table.clone());
                    return Err(DecodeError::Frozen { row, table, what });
                }
                Err(Stop::Fault(Fault::Malformed(malformed))) => {
                    let byte = malformed.at.saturating_sub(start);
                    return Err(DecodeError::NotJson { row, expected: malformed.expected, byte });
                }
            };
            if self.walk.learning.touched && left_out.len() < MAX_READINGS {
                return Ok(Outcome::Again(row, why));
            }
            self.walk.learning.discarded_values = discarded_values;
            for (at, table) in self.walk.tables.iter_mut().enumerate() {
                table.truncate(marks.get(at).copied().unwrap_or(0));
            }
            self.leave_out(row, start, why);
        }
        Ok(Outcome::Read(Box::new(self)))
    }

    fn leave_out(&mut self, row: u64, start: usize, why: LeftOut) {
        self.walk.cursor.at = start;
        self.walk.cursor.next_line();
        match why {
            LeftOut::Discarded => self.discarded_rows.push(row),
            LeftOut::Refused(reason) => {
                let line = self.walk.cursor.since(start);
                let line = line.strip_suffix('\n').unwrap_or(line).to_owned();
                self.refused.push(Refused { row, reason, line });
            }
        }
    }

    fn row(&mut self, row: u64, place: usize, start: usize) -> Result<(), Box<Stop>> {
        let stamp = self.walk.row(place)?;
        let Some(root) = self.walk.tables.first_mut() else { return Ok(()) };
        let record = &mut root.record;
        for slot in &self.key {
            let Some(slot) = record.slot(0, *slot) else { continue };
            let field = || slot.path.clone();
            if slot.seen != stamp {
                return Err(Reason::KeyMissing { field: field() }.into());
            }
            if slot.null == stamp {
                return Err(Reason::KeyNull { field: field() }.into());
            }
        }
        for (slot, column) in &self.required {
            let (seen, null) = record.slot(0, *slot).map_or((0, 0), |slot| (slot.seen, slot.null));
            let at = record.column_named(column);
            let there =
                at.and_then(|at| record.columns.get(at)).is_some_and(|column| column.len() == place + 1);
            // A list that became a table has no column.
            if there || (seen == stamp && null != stamp) {
                continue;
            }
            let column = column.clone();
            let is_null = record.is_null(column.as_str(), stamp);
            return Err(if is_null {
                Reason::ColumnNull { column }
            } else {
                Reason::ColumnMissing { column }
            }
            .into());
        }
        if let Some(of) = &self.options.version {
            let version = version::version(self.walk.cursor.since(start), of);
            root.ids.push(row_id(&[b"version", self.options.table.as_bytes(), version.as_bytes()]));
        } else if in_tables(self.options) {
            let at = (self.page.first_row + row).to_le_bytes();
            let id = row_id(&[b"row", self.options.table.as_bytes(), self.page.load_id.as_bytes(), &at]);
            root.ids.push(id);
        }
        root.rows += 1;
        Ok(())
    }

    fn finish(self, schema: &mut Schema) -> Result<Decoded, DecodeError> {
        let (page, options) = (self.page, self.options);
        let mut decoded = Decoded {
            tables: Vec::new(),
            new_columns: Vec::new(),
            refused: self.refused,
            discarded_rows: self.discarded_rows,
            discarded_values: self.walk.learning.discarded_values,
        };
        let mut learnt = Schema::default();
        let named = options.version.is_some()
            || (in_tables(options)
                && (options.system == SystemNames::Dlt
                    || self.walk.tables.iter().skip(1).any(|table| table.rows > 0 || !table.is_new)));
        // The ids of each table's rows, and of the rows of the resource's own table that they belong to.
        let mut ids: Vec<(Vec<String>, Vec<String>)> = Vec::with_capacity(self.walk.tables.len());
        for mut table in self.walk.tables {
            let none = (Vec::new(), Vec::new());
            let above = table.parent.and_then(|parent| ids.get(parent)).unwrap_or(&none);
            let own = if table.parent.is_some() {
                let name = table.stored.name.as_bytes();
                let owners = table.owners.iter().zip(&table.places);
                table.ids = owners
                    .map(|(owner, place)| {
                        let parent = above.0.get(*owner).map(String::as_bytes).unwrap_or_default();
                        row_id(&[b"item", parent, name, &place.to_le_bytes()])
                    })
                    .collect();
                let roots = if options.root_id { table.owners.as_slice() } else { &[] };
                let roots = roots.iter().filter_map(|owner| above.1.get(*owner).cloned()).collect();
                (table.ids.clone(), roots)
            } else {
                (table.ids.clone(), if options.root_id { table.ids.clone() } else { Vec::new() })
            };
            if table.rows == 0 {
                if !table.is_new {
                    learnt.tables.push(table.stored);
                }
            } else {
                let name = table.stored.name.clone();
                let above = Above { parents: &above.0, roots: &above.1, named };
                let (stored, news, batch) = (table.finish(page, options, &above))
                    .map_err(|error| DecodeError::Batch { message: error.to_string() })?;
                learnt.tables.push(stored);
                decoded.new_columns.extend(news);
                decoded.tables.push(TableBatch { table: name, batch });
            }
            ids.push(own);
        }
        *schema = learnt;
        Ok(decoded)
    }
}
