//! The lists of the API: which rows each table has, and which of them are one project's.
//!
//! A table is rendered when it is first read, and kept.

use std::sync::OnceLock;

use crate::options::Options;
use crate::page::Pick;
use crate::render;
use crate::rows::Rows;

/// The tables of a server.
#[derive(Debug)]
pub(crate) struct Tables {
    options: Options,
    /// What closes each row: `}`, or the echoed key and `}`.
    ending: String,
    tables: [OnceLock<Rows>; 8],
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Projects,
    Tasks,
    TimeEntries,
    TeamTime,
    Expenses,
    Clients,
    Users,
    Resources,
}

impl Tables {
    /// `echo` is a JSON member that each row ends in.
    pub(crate) fn new(options: &Options, echo: Option<&str>) -> Self {
        Tables {
            options: options.clone(),
            ending: echo.map_or_else(|| "}".to_owned(), |member| format!(",{member}}}")),
            tables: Default::default(),
        }
    }

    pub(crate) fn rows(&self, table: Table) -> &Rows {
        self.tables[table as usize].get_or_init(|| {
            let render = |out: &mut String, i| render::row(&self.options, table, out, i);
            Rows::build(self.count(table), &self.ending, render)
        })
    }

    /// The whole table as a list.
    pub(crate) fn all(&self, table: Table) -> Pick {
        Pick { first: 0, step: 1, count: self.count(table) }
    }

    /// The rows of one project, of `Tasks` or `TimeEntries`; `None` where there is no such project.
    pub(crate) fn of_project(&self, table: Table, project_id: &str) -> Option<Pick> {
        let id: usize = project_id.parse().ok()?;
        let project = id.checked_sub(render::FIRST_PROJECT).filter(|&at| at < self.options.projects)?;
        let each = self.options.tasks_per_project;
        Some(match table {
            Table::Tasks => Pick { first: project * each, step: 1, count: each },
            _ => {
                let step = self.options.projects;
                let count = self.count(table).saturating_sub(project).div_ceil(step);
                Pick { first: project, step, count }
            }
        })
    }

    fn count(&self, table: Table) -> usize {
        let options = &self.options;
        match table {
            Table::Projects => options.projects,
            Table::Tasks => options.projects * options.tasks_per_project,
            Table::TimeEntries => options.time_entries,
            Table::TeamTime => options.team_time,
            Table::Expenses => options.expenses,
            Table::Clients => options.clients,
            Table::Users => options.users,
            Table::Resources => options.resources,
        }
    }
}

#[cfg(test)]
#[path = "tables_tests.rs"]
mod tests;
