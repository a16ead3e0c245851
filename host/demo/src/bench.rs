//! Rows for measuring: of one width, open, and each page rendered just once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::options::Options;

/// Every row of `/bench/rows` has this many bytes.
pub(crate) const ROW_BYTES: usize = 363;

/// An open API with `/bench/rows?offset=&limit=` only: `rows` rows of 363 bytes (twelve plain fields, an object and a
/// list). Pages are kept once rendered, so that a second read measures the reader and not this server; the memory for
/// that is about the size of the data.
pub fn bench_options(rows: usize) -> Options {
    Options {
        projects: 0,
        tasks_per_project: 0,
        time_entries: 0,
        team_time: 0,
        expenses: 0,
        clients: 0,
        users: 0,
        resources: 0,
        bench_rows: rows,
        ..Options::default()
    }
}

/// The pages that have been asked for.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<HashMap<(usize, usize), Bytes>>);

impl Pages {
    /// The page of a list of `rows` rows, in the form of every other list of this API.
    pub(crate) fn page(&self, rows: usize, offset: usize, limit: Option<usize>) -> Bytes {
        let left = rows.saturating_sub(offset);
        let count = limit.map_or(left, |limit| left.min(limit));
        let key = (offset, limit.unwrap_or(usize::MAX));
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.entry(key).or_insert_with(|| render(rows, offset, limit, count)).clone()
    }
}

fn render(rows: usize, offset: usize, limit: Option<usize>, count: usize) -> Bytes {
    let mut text = String::with_capacity(count * (ROW_BYTES + 1) + 128);
    text.push_str("{\"data\":[");
    for place in 0..count {
        if place > 0 {
            text.push(',');
        }
        row(&mut text, offset + place);
    }
    let limit = limit.map_or_else(|| "null".to_owned(), |limit| limit.to_string());
    let _ = write!(text, "],\"total\":{rows},\"offset\":{offset},\"limit\":{limit}}}");
    text.into()
}

fn row(out: &mut String, i: usize) {
    let start = out.len();
    let _ = write!(
        out,
        r#"{{"id":{},"workspace_id":{},"project_id":{},"task_name":"Task {}","start":"2024-01-01T08:00:00Z","stop":"2024-01-01T09:30:00Z","duration":{},"billable":{},"rate":{}.25,"updated_at":"2024-01-02T08:00:00+00:00","user":{{"id":{},"name":"ana"}},"tags":[{{"id":{},"name":"tag"}}],"created_with":"web","description":"Worked on item {i}"#,
        1_000_000 + i,
        77 + i % 3,
        500 + i % 41,
        i % 97,
        300 + i * 37 % 7_200,
        i.is_multiple_of(2),
        40 + i % 200,
        9_000 + i % 8,
        10 + i % 20,
    );
    while out.len() - start < ROW_BYTES - 2 {
        out.push('.');
    }
    out.push_str("\"}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_one_width_and_are_json() {
        for i in [0, 1, 99, 12_345, 999_999, 4_000_000_000] {
            let mut text = String::new();
            row(&mut text, i);
            assert_eq!(text.len(), ROW_BYTES, "{text}");
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["id"], 1_000_000 + i);
        }
    }

    #[test]
    fn pages_end_with_the_rows() {
        let pages = Pages::default();
        for (offset, limit, expected) in [(0, Some(4), 4), (8, Some(4), 2), (10, Some(4), 0), (3, None, 7)] {
            let page: serde_json::Value = serde_json::from_slice(&pages.page(10, offset, limit)).unwrap();
            assert_eq!(page["data"].as_array().unwrap().len(), expected);
            assert_eq!(page["total"], 10);
        }
    }
}
