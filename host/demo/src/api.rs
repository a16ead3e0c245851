//! The routes of the API: which list a path names, and the answer to a request without faults.

use bytes::Bytes;

use crate::bench;
use crate::fault::Action;
use crate::options::Options;
use crate::page::{Page, Pick};
use crate::reply::Reply;
use crate::request::Request;
use crate::tables::{Table, Tables};
use crate::{auth, echo::Echo};

/// All that the answers are made of.
#[derive(Debug)]
pub(crate) struct Api {
    key: Option<String>,
    max_limit: Option<usize>,
    bench_rows: usize,
    pub(crate) echo: Option<Echo>,
    tables: Tables,
    bench: bench::Pages,
}

impl Api {
    pub(crate) fn new(options: &Options) -> Self {
        let echo = options.key.as_deref().filter(|_| options.echo_key).map(Echo::new);
        Api {
            key: options.key.clone(),
            max_limit: options.max_limit,
            bench_rows: options.bench_rows,
            tables: Tables::new(options, echo.as_ref().map(|echo| echo.member.as_str())),
            echo,
            bench: bench::Pages::default(),
        }
    }

    /// The right answer, or the one with a page that `fault` has changed.
    pub(crate) fn answer(&self, request: &Request, fault: Option<&Action>) -> Reply {
        if let Some(refusal) = self.key.as_deref().and_then(|key| auth::refuse(request, key)) {
            return refusal;
        }
        if request.path == "/bench/rows" && self.bench_rows > 0 {
            return self.bench(request);
        }
        let Some((table, list)) = self.list(&request.path) else {
            return Reply::error(404, "not_found", &format!("there is nothing at {}", request.path));
        };
        if let Some(refusal) = refuse_method(request) {
            return refusal;
        }
        let (offset, limit) = match self.window(request) {
            Ok(window) => window,
            Err(refusal) => return *refusal,
        };
        let mut page = Page::new(self.tables.rows(table), list, offset, limit);
        if let Some(action) = fault {
            action.spoil_page(&mut page);
        }
        Reply::json(200, page.into_json())
    }

    /// Whether faults of pages can be played on this path.
    pub(crate) fn has_list(&self, path: &str) -> bool {
        self.list(path).is_some()
    }

    fn bench(&self, request: &Request) -> Reply {
        let page = |(offset, limit)| -> Bytes { self.bench.page(self.bench_rows, offset, limit) };
        match (refuse_method(request), self.window(request)) {
            (Some(refusal), _) => refusal,
            (None, Err(refusal)) => *refusal,
            (None, Ok(window)) => Reply::json(200, page(window)),
        }
    }

    fn list(&self, path: &str) -> Option<(Table, Pick)> {
        let table = match path {
            "/v1/projects" => Table::Projects,
            "/v1/tasks" => Table::Tasks,
            "/v1/time_entries" => Table::TimeEntries,
            "/v1/team/time" => Table::TeamTime,
            "/v1/expenses" => Table::Expenses,
            "/v1/clients" => Table::Clients,
            "/v1/users" | "/v1/team/users" => Table::Users,
            "/v1/resource" => Table::Resources,
            _ => {
                let (id, child) = path.strip_prefix("/v1/projects/")?.split_once('/')?;
                let table = match child {
                    "tasks" => Table::Tasks,
                    "time" => Table::TimeEntries,
                    _ => return None,
                };
                return Some((table, self.tables.of_project(table, id)?));
            }
        };
        Some((table, self.tables.all(table)))
    }

    /// The `offset` and `limit` that a request asks for, as far as this API grants them.
    fn window(&self, request: &Request) -> Result<(usize, Option<usize>), Box<Reply>> {
        let number = |name: &str| {
            let Some(text) = request.param(name) else {
                return Ok(None);
            };
            text.parse().map(Some).map_err(|_| {
                let message = format!("{name} must be a number of 0 or more, not {text:?}");
                Box::new(Reply::error(400, "bad_request", &message))
            })
        };
        let offset: usize = number("offset")?.unwrap_or(0);
        let limit: Option<usize> = number("limit")?;
        Ok((offset, limit.into_iter().chain(self.max_limit).min()))
    }
}

fn refuse_method(request: &Request) -> Option<Reply> {
    let fits = matches!(request.method.as_str(), "GET" | "HEAD");
    (!fits).then(|| {
        Reply::error(405, "method_not_allowed", "this is read with GET").header("Allow", "GET, HEAD")
    })
}
