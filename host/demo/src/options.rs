//! What a server offers: its key, the sizes of its lists, its limits and its faults.

use crate::fault::{Action, Fault, When};
use crate::reply::Reply;

/// The key of the demo.
pub const KEY: &str = "demo-key-4f1c9b7e2a";

/// What a server offers. Rows of every list have an `id` that is unique over the whole list, also where the list is
/// read parent by parent.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API key that each request needs; `None`: the API is open.
    pub key: Option<String>,
    /// Rows of `/v1/projects`.
    pub projects: usize,
    /// Rows of `/v1/projects/{id}/tasks`; `/v1/tasks` has those of all projects.
    pub tasks_per_project: usize,
    /// Rows of `/v1/time_entries`, dealt to the projects in turn as `/v1/projects/{id}/time`.
    pub time_entries: usize,
    /// Rows of `/v1/team/time`.
    pub team_time: usize,
    /// Rows of `/v1/expenses`.
    pub expenses: usize,
    /// Rows of `/v1/clients`.
    pub clients: usize,
    /// Rows of `/v1/users`, which are those of `/v1/team/users` too.
    pub users: usize,
    /// Rows of `/v1/resource`.
    pub resources: usize,
    /// Rows of `/bench/rows`, see [`crate::bench_options`].
    pub bench_rows: usize,
    /// The most rows that a page holds, whatever `limit` asks for.
    pub max_limit: Option<usize>,
    /// Faults there from the start.
    pub faults: Vec<Fault>,
    /// Whether answers show the caller the key: in headers, beside the rows and in each row, as it is,
    /// percent-encoded, form-encoded and in Base64.
    pub echo_key: bool,
    /// The port on 127.0.0.1; 0: any free one.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            key: None,
            projects: 20,
            tasks_per_project: 10,
            time_entries: 2_500,
            team_time: 400,
            expenses: 340,
            clients: 12,
            users: 8,
            resources: 250,
            bench_rows: 0,
            max_limit: None,
            faults: Vec::new(),
            echo_key: false,
            port: 0,
        }
    }
}

impl Options {
    /// The demo: the key is needed, and on the way there is one 429 that says when to come back, and one 503.
    pub fn demo() -> Self {
        let slow_down = Reply::status(429).header("Retry-After", "1");
        Options {
            key: Some(KEY.to_owned()),
            faults: vec![
                Fault::new("/v1/time_entries", When::Nth(7), Action::Answer(slow_down)),
                Fault::new("/v1/expenses", When::Nth(2), Action::status(503)),
            ],
            ..Options::default()
        }
    }
}
