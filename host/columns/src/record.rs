//! The columns of one table, or of one struct, and how the fields of an object find them.

use std::collections::HashMap;

use crate::builder::{Builder, Data, Meta};
use crate::names::{self, SEPARATOR};
use crate::options::{Declared, Names, Options};
use crate::refusal::Reason;
use crate::schema::{Column, Role};

/// Columns, and the objects whose fields they hold.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) columns: Vec<Builder>,
    /// Whom each name belongs to; names are folded.
    claims: HashMap<String, Claim>,
    /// The object itself first; then those that are flattened into the same columns.
    pub(crate) scopes: Vec<Scope>,
    /// Whether the contract holds for new columns.
    pub(crate) settled: bool,
}

#[derive(Debug, Clone)]
struct Claim {
    holder: Holder,
    column: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Holder {
    /// A field, by the way to it.
    Field(String),
    /// A field that was only declared so far.
    Declared,
    /// A variant of another column.
    Variant(String),
    /// A column that every table gets.
    System,
}

/// The fields of one object.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// What stands before a column's name: `user__`.
    prefix: String,
    /// What stands before a field's path: `user.`.
    path: String,
    pub(crate) slots: Vec<Slot>,
    by_field: HashMap<String, usize>,
    /// The field that came first in the last object.
    pub(crate) first: usize,
}

/// One field of an object, and where its values go.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its key in the text with quotes and colon, if nothing in it needs an escape.
    pub(crate) quoted: Vec<u8>,
    /// The way to it from the row: `user.city`.
    pub(crate) path: String,
    /// Its column's name.
    pub(crate) name: String,
    /// The field that came after it in the last object.
    pub(crate) next: usize,
    /// The object that had it last, and the one in which it was null.
    pub(crate) seen: u64,
    pub(crate) null: u64,
    /// Where its value stands in the page, if it is of the key.
    pub(crate) span: Option<(usize, usize)>,
    pub(crate) is_key: bool,
    claimed: bool,
    pub(crate) column: Option<usize>,
    /// The scope of its objects, where those are flattened.
    pub(crate) object: Option<usize>,
    /// The table of its lists.
    pub(crate) list: Option<usize>,
}

impl Record {
    pub(crate) fn new(settled: bool) -> Self {
        Self { settled, scopes: vec![Scope::default()], ..Self::default() }
    }

    /// The columns that rows brought to a schema, without values.
    pub(crate) fn stored(columns: &[Column], settled: bool) -> Self {
        let mut record = Self::new(settled);
        for column in columns {
            let holder = match column.role {
                Role::Field if column.field.is_empty() && column.name != names::column(Names::AsIs, "") => {
                    Holder::Declared
                }
                Role::Field => Holder::Field(column.field.clone()),
                Role::Variant => Holder::Variant(column.field.clone()),
                _ => {
                    record.reserve(&column.name);
                    continue;
                }
            };
            let claim = Claim { holder, column: Some(record.columns.len()) };
            record.claims.insert(names::folded(&column.name), claim);
            record.columns.push(Builder::stored(column, settled));
        }
        for at in 0..record.columns.len() {
            let Some(Meta { role: Role::Variant, field, .. }) =
                record.columns.get(at).map(|it| it.column.clone())
            else {
                continue;
            };
            let base = record
                .columns
                .iter_mut()
                .find(|it| it.column.role == Role::Field && it.column.field == field);
            if let Some(base) = base {
                base.variants.push(at);
            }
        }
        record
    }

    /// Keeps a name for a column that is added.
    pub(crate) fn reserve(&mut self, name: &str) {
        let claim = Claim { holder: Holder::System, column: None };
        self.claims.entry(names::folded(name)).or_insert(claim);
    }

    /// The column of that name.
    pub(crate) fn column_named(&self, name: &str) -> Option<usize> {
        self.claims.get(&names::folded(name))?.column
    }

    /// Adds a column that no row has brought yet.
    pub(crate) fn declare(&mut self, name: &str, declared: &Declared, data: Data) {
        let column = Meta {
            name: name.to_owned(),
            field: String::new(),
            role: Role::Field,
            nullable: declared.nullable,
            declared: Some(declared.clone()),
            new: true,
        };
        let claim = Claim { holder: Holder::Declared, column: Some(self.columns.len()) };
        self.claims.insert(names::folded(name), claim);
        self.columns.push(Builder::new(column, data));
    }

    /// Adds a column for a field, whose name it has claimed.
    pub(crate) fn add(&mut self, scope: usize, slot: usize, data: Data, nullable: bool) -> Option<usize> {
        let at = self.columns.len();
        let slot = self.slot(scope, slot)?;
        slot.column = Some(at);
        let (name, field) = (slot.name.clone(), slot.path.clone());
        if let Some(claim) = self.claims.get_mut(&names::folded(&name)) {
            claim.column = Some(at);
        }
        let column = Meta { name, field, role: Role::Field, nullable, declared: None, new: true };
        self.columns.push(Builder::new(column, data));
        Some(at)
    }

    /// Adds a variant of the column at `base`.
    pub(crate) fn add_variant(
        &mut self,
        base: usize,
        options: &Options,
        data: Data,
    ) -> Result<usize, Reason> {
        let at = self.columns.len();
        let Some(of) = self.columns.get_mut(base) else { return Ok(at) };
        let name = format!("{}{SEPARATOR}v_{}", of.column.name, data.column_type().suffix());
        let name = names::shortened(name, options.max_name_bytes);
        let field = of.column.field.clone();
        let holder = Holder::Variant(field.clone());
        if let Some(claim) = self.claims.get(&names::folded(&name)) {
            return Err(collision(&name, &claim.holder, &field));
        }
        of.variants.push(at);
        self.claims.insert(names::folded(&name), Claim { holder, column: Some(at) });
        let column = Meta { name, field, role: Role::Variant, nullable: true, declared: None, new: true };
        self.columns.push(Builder::new(column, data));
        Ok(at)
    }

    #[inline]
    pub(crate) fn slot(&mut self, scope: usize, slot: usize) -> Option<&mut Slot> {
        self.scopes.get_mut(scope)?.slots.get_mut(slot)
    }

    /// Makes sure that the name of a field with a value is its own. Whether that is news.
    pub(crate) fn claim(&mut self, scope: usize, slot: usize) -> Result<bool, Reason> {
        let Some(slot) = self.scopes.get_mut(scope).and_then(|scope| scope.slots.get_mut(slot)) else {
            return Ok(false);
        };
        if slot.claimed {
            return Ok(false);
        }
        if slot.name.contains('\0') {
            return Err(Reason::BadFieldName { field: slot.path.escape_debug().to_string() });
        }
        let holder = Holder::Field(slot.path.clone());
        let claim = self.claims.entry(names::folded(&slot.name));
        let claim = claim.or_insert_with(|| Claim { holder: holder.clone(), column: None });
        if claim.holder == Holder::Declared {
            claim.holder = holder.clone();
            if let Some(column) = claim.column.and_then(|at| self.columns.get_mut(at)) {
                column.column.field.clone_from(&slot.path);
            }
        }
        if claim.holder != holder {
            return Err(collision(&slot.name, &claim.holder, &slot.path));
        }
        slot.claimed = true;
        slot.column = claim.column;
        Ok(true)
    }

    /// The slot of a field, made if it is new.
    pub(crate) fn field(&mut self, scope: usize, field: &str, options: &Options) -> usize {
        let Some(scope) = self.scopes.get_mut(scope) else { return 0 };
        if let Some(slot) = scope.by_field.get(field) {
            return *slot;
        }
        let name = format!("{}{}", scope.prefix, names::column(options.names, field));
        let at = scope.slots.len();
        let plain = field.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        scope.by_field.insert(field.to_owned(), at);
        scope.slots.push(Slot {
            quoted: if plain { format!("\"{field}\":").into_bytes() } else { Vec::new() },
            path: format!("{}{field}", scope.path),
            name: names::shortened(name, options.max_name_bytes),
            // Objects with the same fields have them in the same order.
            next: at + 1,
            seen: 0,
            null: 0,
            span: None,
            is_key: false,
            claimed: false,
            column: None,
            object: None,
            list: None,
        });
        at
    }

    /// The scope of a field's objects, made if it is new.
    pub(crate) fn scope(&mut self, scope: usize, slot: usize) -> usize {
        let at = self.scopes.len();
        let Some(slot) = self.slot(scope, slot) else { return 0 };
        if let Some(object) = slot.object {
            return object;
        }
        slot.object = Some(at);
        let (prefix, path) = (format!("{}{SEPARATOR}", slot.name), format!("{}.", slot.path));
        self.scopes.push(Scope { prefix, path, ..Scope::default() });
        at
    }

    /// Whether the field of that column was null in object `stamp`.
    pub(crate) fn is_null(&self, column: &str, stamp: u64) -> bool {
        let mut slots = self.scopes.iter().flat_map(|scope| &scope.slots);
        slots.any(|slot| slot.null >= stamp && names::folded(&slot.name) == names::folded(column))
    }

    /// Takes back what is behind `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
    }
}

fn collision(column: &str, holder: &Holder, path: &str) -> Reason {
    let column = column.to_owned();
    let second = path.to_owned();
    match holder {
        Holder::System => Reason::Reserved { field: second },
        Holder::Field(first) => Reason::Collision { column, first: first.clone(), second },
        Holder::Variant(of) => Reason::Collision { column, first: of.clone(), second },
        Holder::Declared => Reason::Collision { first: column.clone(), column, second },
    }
}
