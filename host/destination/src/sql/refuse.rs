//! Refuses, before a row is written, tables and names that are not a resource's to write.

use sanderling_columns::{Role, Schema, SystemNames};

use super::Sql;
use super::ledger::{self, Note};
use super::place::sort;
use super::session::Relation;
use crate::error::{DataErrorKind, DestinationError, NameError};
use crate::table::Table;

impl Sql {
    pub(super) fn check(&self, table: &Table) -> Result<(), DestinationError> {
        self.check_going()?;
        let others = self.tables.iter().map(|(resource, open)| (resource.as_str(), open.table.as_str()));
        table.check(&table.name, others)?;
        match self.dialect().max_name_bytes() {
            Some(most) if table.name.len() > most => {
                let reason = format!("names have at most {most} bytes here, and `{}` has more", table.name);
                Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }))
            }
            _ => Ok(()),
        }
    }

    /// Refuses more columns than a table can have, with so many of the program's own.
    pub(super) fn check_width(
        &self,
        table: &Table,
        before: &Schema,
        after: &Schema,
        extra: usize,
    ) -> Result<(), DestinationError> {
        match self.dialect().max_columns() {
            Some(limit)
                if before != after && after.tables.iter().any(|of| of.columns.len() + extra > limit) =>
            {
                let kind = DataErrorKind::TooManyColumns { limit };
                Err(DestinationError::data(&table.resource, None, kind))
            }
            _ => Ok(()),
        }
    }

    /// Refuses lists whose tables are another's, before any of their rows is written.
    pub(super) fn check_lists(
        &mut self,
        table: &Table,
        before: &Schema,
        after: &Schema,
    ) -> Result<(), DestinationError> {
        for list in after.tables.iter().skip(1).filter(|list| before.table(&list.name).is_none()) {
            // Another pipeline's that is not committed yet is not seen below.
            self.lock_table(&list.name)?;
            let other = self.other_with(&table.resource, &list.name);
            let other = other.map(|other| format!("it is a table of `{other}`"));
            let reason = match other {
                Some(reason) => Some(reason),
                None => {
                    let schema = self.schema.as_deref();
                    let loads = ledger::loaded_by(&mut self.session, schema, &self.pipeline, &list.name);
                    let loads = loads.map_err(|error| self.failed(error))?;
                    loads.map(|pipeline| format!("the pipeline `{pipeline}` loads it"))
                }
            };
            let name = self.named(&list.name);
            let columns = self.known.columns(&mut self.session, &name);
            let columns = columns.map_err(|error| sort(&self.place, error))?;
            let parent_id = table.shape.system.name(Role::ParentId).unwrap_or_default();
            let is_made = columns.is_some_and(|columns| !columns.contains_key(parent_id));
            let made = || format!("one is there that has no column `{parent_id}`");
            if let Some(reason) = reason.or_else(|| is_made.then(made)) {
                let kind = DataErrorKind::ListTable { table: list.name.clone(), reason };
                return Err(DestinationError::data(&table.resource, None, kind));
            }
        }
        Ok(())
    }

    /// Another resource of the pipeline that has a table of that name.
    fn other_with(&self, resource: &str, name: &str) -> Option<&str> {
        let is_it = |(other, note): &(&String, &Note)| *other != resource && note.has_table(name);
        self.notes.iter().find(is_it).map(|(other, _)| other.as_str())
    }

    /// Refuses what was not made here, a name that differs in case only, and a table that another pipeline loads.
    pub(super) fn check_ours(&mut self, table: &Table) -> Result<(), DestinationError> {
        let lists = |(other, note): &(&String, &Note)| {
            **other != table.resource
                && note.schema.tables.iter().skip(1).any(|list| list.name.eq_ignore_ascii_case(&table.name))
        };
        if let Some((other, _)) = self.notes.iter().find(lists) {
            let reason = format!("`{}` is the table of a list of `{other}`", table.name);
            return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
        }
        let name = self.named(&table.name);
        let found = self.session.relation(&name).map_err(|error| sort(&self.place, error))?;
        let mut differs = None;
        if let Some(Relation { name: other, kind }) = found {
            if kind != "table" {
                return Err(DestinationError::NotOurs {
                    name: format!("{kind} `{other}` in {}", self.place),
                    reason: "it is no table of this program's".to_owned(),
                });
            }
            differs = Some(other).filter(|other| *other != table.name);
        }
        let columns =
            self.known.columns(&mut self.session, &name).map_err(|error| sort(&self.place, error))?;
        let load_id = table.shape.system.name(Role::LoadId).unwrap_or_default();
        let other_names = match table.shape.system {
            SystemNames::Ours => (SystemNames::Dlt, "dlt"),
            SystemNames::Dlt => (SystemNames::Ours, "sanderling"),
        };
        let has = |names: SystemNames, role| {
            columns.is_some_and(|columns| names.name(role).is_some_and(|name| columns.contains_key(name)))
        };
        let is_ours = columns.is_none() || has(table.shape.system, Role::LoadId);
        let has_others = has(other_names.0, Role::LoadId);
        // One that was taken over gets the column with its first page.
        let note = self.notes.get(&table.resource);
        let is_known = note.is_some_and(|note| note.has_table(&table.name));
        let is_dlts =
            !is_known && has(SystemNames::Dlt, Role::LoadId) && !has(SystemNames::Dlt, Role::LoadedAt);
        let others =
            ledger::loaded_by(&mut self.session, self.schema.as_deref(), &self.pipeline, &table.name);
        if let Some(other) = others.map_err(|error| sort(&self.place, error))? {
            return Err(DestinationError::NotOurs {
                name: format!("table `{}` in {}", table.name, self.place),
                reason: format!("the pipeline `{other}` loads it"),
            });
        }
        if is_dlts {
            return Err(DestinationError::NotOurs {
                name: format!("table `{}` in {}", table.name, self.place),
                reason: "dlt made it; `sanderling adopt` takes it over".to_owned(),
            });
        }
        if !is_ours {
            return Err(DestinationError::NotOurs {
                name: format!("table `{}` in {}", table.name, self.place),
                reason: match has_others {
                    true => format!(
                        "its columns are named as `nested: {{tables: {{system: {}}}}}` has them: write that, or another table",
                        other_names.1
                    ),
                    false => format!("it was not made by this program: it has no column `{load_id}`"),
                },
            });
        }
        if let Some(other) = differs {
            let reason = format!("it differs from table `{other}` in case only");
            return Err(DestinationError::Name(NameError { resource: table.resource.clone(), reason }));
        }
        Ok(())
    }
}
