//! Puts what a load has gathered in the place where its rows belong.

use sanderling_columns::{Column, Role, Schema, TableSchema};

use super::place::sort;
use super::session::{SqlError, Statement};
use super::statements::{self, Gathered, Keys};
use super::versions::{self, Times};
use super::{Sql, absent, page};
use crate::checkpoint::Load;
use crate::error::DestinationError;
use crate::strategy::MergeStrategy;
use crate::table::{Table, Way};

impl Sql {
    /// Puts what a load has gathered in its place. Every table is there afterwards, also where no row has come.
    pub(super) fn put_in_place(
        &mut self,
        table: &Table,
        way: Way,
        schema: &Schema,
        load: &Load,
    ) -> Result<(), DestinationError> {
        let (dialect, swaps) = (self.session.dialect(), self.swaps(way));
        let bare = if schema.tables.is_empty() { Some(page::without_rows(table, dialect)?) } else { None };
        let all: Vec<&TableSchema> = bare.iter().chain(&schema.tables).collect();
        let mut gathered = Vec::new();
        let mut is_empty = true;
        for (at, of) in all.iter().enumerate() {
            let name = self.named(&of.name);
            if !swaps {
                let grown = self.known.grow(&mut self.session, &name, of, &[]);
                grown.map_err(|error| sort(&self.place, error))?;
            }
            if way.is_beside() {
                let beside = self.beside(&table.resource, if at == 0 { "" } else { &of.name });
                let columns = self.known.columns(&mut self.session, &beside);
                let is_there = columns.map_err(|error| sort(&self.place, error))?.is_some();
                is_empty &= at > 0 || !is_there;
                // Also one that no row has come to, and with columns that came after it.
                let extra = page::extra_columns(table, at, swaps);
                let grown = self.known.grow(&mut self.session, &beside, of, extra);
                grown.map_err(|error| sort(&self.place, error))?;
                gathered.push(Gathered { table: of, name, beside });
            }
        }
        let statements = match way {
            Way::Append => return Ok(()),
            Way::Replace if swaps => return self.swap(&gathered),
            Way::Replace => {
                let mut statements = Vec::new();
                for gathered in &gathered {
                    let can_swap = self.session.can_swap(&gathered.name);
                    if can_swap.map_err(|error| sort(&self.place, error))? {
                        self.known.forget();
                        statements.extend(statements::swap(dialect, gathered));
                    } else {
                        statements.extend(statements::replace(dialect, gathered));
                    }
                }
                statements
            }
            Way::DeleteInsert => {
                let Some(root) = all.first() else { return Ok(()) };
                let keys = keys(table, root);
                self.grow_behind(table, root)?;
                self.keep_indexes(&gathered, &keys).map_err(|error| self.failed(error))?;
                self.merged(table, &gathered, is_empty, &keys, load)
            }
        };
        self.run(&statements)?;
        self.drop_gathered(&table.resource)
    }

    /// Whether what was gathered takes the table's place as it is.
    pub(super) fn swaps(&self, way: Way) -> bool {
        way == Way::Replace && self.session.swaps()
    }

    fn swap(&mut self, gathered: &[Gathered]) -> Result<(), DestinationError> {
        for Gathered { name, beside, .. } in gathered {
            self.session.swap(beside, name).map_err(|error| sort(&self.place, error))?;
            [name, beside].into_iter().for_each(|name| self.known.forget_table(name));
        }
        Ok(())
    }

    /// By which a merge finds what gives way.
    fn keep_indexes(&mut self, gathered: &[Gathered], keys: &Keys) -> Result<(), SqlError> {
        for (at, Gathered { name, table, .. }) in gathered.iter().enumerate() {
            let of_root = if keys.primary.is_empty() { &keys.merge } else { &keys.primary };
            let of_lists = [statements::system(table, Role::RootId)];
            self.session.keep_index(name, if at == 0 { of_root } else { &of_lists })?;
        }
        Ok(())
    }

    /// What puts a merge in its place.
    fn merged(
        &self,
        table: &Table,
        gathered: &[Gathered],
        is_empty: bool,
        keys: &Keys,
        load: &Load,
    ) -> Vec<Statement> {
        let dialect = self.session.dialect();
        let now = i64::try_from(load.started_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        if let Some(history) = table.history() {
            let times = Times { history, system: table.shape.system, now };
            return versions::versions(dialect, gathered, keys, &times, table.is_whole(load));
        }
        let mut statements = Vec::new();
        if let Some(absent) = table.delete_absent.filter(|_| table.is_whole(load)) {
            statements.extend(absent::taken_away(dialect, gathered, keys, absent, now));
        }
        if !is_empty {
            statements.extend(match table.strategy {
                MergeStrategy::InsertOnly => statements::insert_only(dialect, gathered, keys, &load.load_id),
                _ => statements::delete_insert(dialect, gathered, keys, &load.load_id),
            });
        }
        statements
    }

    /// The columns that a table gets behind those of its rows.
    fn grow_behind(&mut self, table: &Table, root: &TableSchema) -> Result<(), DestinationError> {
        let name = self.named(&root.name);
        let moments = crate::shape::reserved(table);
        let moments: Vec<&str> = moments.iter().map(String::as_str).collect();
        let grown = self.known.grow_moments(&mut self.session, &name, &moments);
        grown.map_err(|error| sort(&self.place, error))
    }
}

/// What a merge goes by, in the table's own columns.
pub(super) fn keys<'a>(table: &'a Table, root: &'a TableSchema) -> Keys<'a> {
    let named = |fields: &'a [String]| -> Vec<&'a str> {
        fields.iter().filter_map(|field| Some(page::column_of(root, field)?.name.as_str())).collect()
    };
    let of_field = |field: &str| -> Vec<&'a Column> {
        let own = page::column_of(root, field);
        let variants = root
            .columns
            .iter()
            .filter(|column| column.role == Role::Variant && own.is_some_and(|own| column.field == own.name));
        own.into_iter().chain(variants).collect()
    };
    let sort = table.dedup_sort.as_ref();
    Keys {
        primary: named(&table.primary_key),
        merge: named(&table.merge_key),
        dedup_sort: sort.and_then(|sort| Some((page::column_of(root, &sort.field)?, sort))),
        hard_delete: table.hard_delete.as_deref().map(of_field).unwrap_or_default(),
    }
}
