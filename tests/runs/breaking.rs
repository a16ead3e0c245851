//! What runs break off in: a source of three trees with parents, children and pages, and what a run leaves of it.

use sanderling_demo::{Options, Server, start};

use crate::postgres;
use crate::program::Folder;

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Sqlite,
    Postgres,
    Jsonl,
}

/// What becomes of rows that are there already.
pub(crate) const DISPOSITIONS: [&str; 3] = ["append", "replace", "merge"];

/// The resources, in the order in which they are read.
pub(crate) const TABLES: [&str; 5] = ["clients", "projects", "tasks", "time", "expenses"];

/// Pages of a whole run: 2 of clients, 2 of projects, then 3 of tasks and 3 of time (whose last is empty, since no total
/// ends it) for each project, and 2 of expenses.
pub(crate) const PAGES: usize = 2 + 2 + 3 * (3 + 3) + 2;

pub(crate) fn options() -> Options {
    Options {
        clients: 3,
        projects: 3,
        tasks_per_project: 5,
        time_entries: 12,
        expenses: 3,
        ..Options::default()
    }
}

/// The rows of each table.
pub(crate) type Rows = Vec<(&'static str, Vec<String>)>;

/// A server and a folder whose `broken.json` reads it.
pub(crate) struct Breaking {
    pub(crate) server: Server,
    pub(crate) folder: Folder,
    to: To,
}

impl Breaking {
    pub(crate) fn new(to: To, disposition: &str, concurrency: usize) -> Self {
        let server = start(options()).unwrap();
        let mut folder = Folder::new();
        if to == To::Postgres {
            folder.env("SANDERLING_SECRET_DB", &postgres::url(&postgres::new_schema()));
        }
        folder.write("broken.json", &config(&server.base_url(), disposition, concurrency));
        Self { server, folder, to }
    }

    /// The command line.
    pub(crate) fn args(&self) -> [&'static str; 4] {
        match self.to {
            To::Sqlite => ["run", "broken.json", "--to", "sqlite:out.db"],
            To::Postgres => ["run", "broken.json", "--to", "${secrets.db}"],
            To::Jsonl => ["run", "broken.json", "--to", "jsonl:out"],
        }
    }

    /// All rows: of files in their order, of tables in an order of their own.
    pub(crate) fn rows(&self) -> Rows {
        TABLES.iter().map(|table| (*table, self.table(table))).collect()
    }

    pub(crate) fn table(&self, table: &str) -> Vec<String> {
        match self.to {
            To::Sqlite => self.folder.table("out.db", table),
            To::Postgres => postgres::rows(&self.folder, table),
            To::Jsonl => self.folder.lines(&format!("out/{table}.jsonl")),
        }
    }

    /// What was asked for since the log was cleared, in an order of its own.
    pub(crate) fn targets(&self) -> Vec<String> {
        sorted(self.server.requests().into_iter().map(|request| request.target).collect())
    }

    /// Has no faults and an empty log from here on.
    pub(crate) fn mend(&self) {
        self.server.clear_faults();
        self.server.clear_log();
    }
}

/// The rows that `passes` whole runs leave, given those that one leaves.
pub(crate) fn after(passes: usize, disposition: &str, to: To, once: &[(&'static str, Vec<String>)]) -> Rows {
    let times = if disposition == "append" { passes } else { 1 };
    let table = |(table, rows): &(&'static str, Vec<String>)| {
        let rows: Vec<String> = std::iter::repeat_n(rows.iter().cloned(), times).flatten().collect();
        (*table, if to != To::Jsonl { sorted(rows) } else { rows })
    };
    once.iter().map(table).collect()
}

pub(crate) fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

pub(crate) fn config(base_url: &str, disposition: &str, concurrency: usize) -> String {
    format!(
        r#"{{
  "name": "broken",
  "limits": {{"concurrency": {concurrency}}},
  "client": {{"base_url": "{base_url}"}},
  "resource_defaults": {{
    "primary_key": "id",
    "write_disposition": "{disposition}",
    "endpoint": {{
      "data_selector": "data",
      "paginator": {{"type": "offset", "limit": 2}},
      "error_handler": {{"max_retries": 0}}
    }}
  }},
  "resources": {{
    "clients": "/v1/clients",
    "projects": "/v1/projects",
    "tasks": "/v1/projects/{{parent_id}}/tasks",
    "time": {{
      "endpoint": {{
        "path": "/v1/projects/{{parent_id}}/time",
        "paginator": {{"type": "offset", "limit": 2, "total_path": null}}
      }}
    }},
    "expenses": "/v1/expenses"
  }}
}}
"#
    )
}
