//! One page of a list: which rows it holds, and its JSON text.

use std::fmt::Write as _;

use crate::rows::Rows;

/// Rows of a table at equal distances: one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    /// The place of the first row in the table.
    pub(crate) first: usize,
    /// From one row to the next.
    pub(crate) step: usize,
    pub(crate) count: usize,
}

/// What a page says of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RecordsPath {
    /// `"data":[…]`
    #[default]
    Rows,
    /// No `data`.
    Missing,
    /// `"data":null`
    Null,
}

/// A page before it is put into words, so that a fault can change it without touching the rows' bytes.
#[derive(Clone, Debug)]
pub(crate) struct Page<'rows> {
    rows: &'rows Rows,
    list: Pick,
    /// The rows of this page.
    pub(crate) pick: Pick,
    offset: usize,
    limit: Option<usize>,
    /// JSON text; `None`: not said.
    pub(crate) total: Option<String>,
    pub(crate) records_path: RecordsPath,
    /// The place in the page of a row that is `null`.
    pub(crate) null_row: Option<usize>,
}

impl<'rows> Page<'rows> {
    /// The rows of `list` from `offset` on, at most `limit` of them.
    pub(crate) fn new(rows: &'rows Rows, list: Pick, offset: usize, limit: Option<usize>) -> Self {
        Page {
            rows,
            list,
            pick: window(list, offset, limit),
            offset,
            limit,
            total: Some(list.count.to_string()),
            records_path: RecordsPath::default(),
            null_row: None,
        }
    }

    /// The list's first page in this one's place.
    pub(crate) fn rewind(&mut self) {
        self.offset = 0;
        self.pick = window(self.list, 0, self.limit);
    }

    /// `{"data":[…],"total":…,"offset":…,"limit":…}`
    pub(crate) fn into_json(self) -> Vec<u8> {
        let mut body = Vec::with_capacity(128 + self.rows.bytes_of(self.pick));
        match self.records_path {
            RecordsPath::Rows => {
                body.extend_from_slice(b"{\"data\":[");
                self.push_rows(&mut body);
                body.extend_from_slice(b"],");
            }
            RecordsPath::Missing => body.push(b'{'),
            RecordsPath::Null => body.extend_from_slice(b"{\"data\":null,"),
        }
        let mut tail = String::new();
        if let Some(total) = &self.total {
            let _ = write!(tail, "\"total\":{total},");
        }
        let _ = write!(tail, "\"offset\":{},\"limit\":", self.offset);
        let _ = match self.limit {
            Some(limit) => write!(tail, "{limit}}}"),
            None => write!(tail, "null}}"),
        };
        body.extend_from_slice(tail.as_bytes());
        body
    }

    fn push_rows(&self, body: &mut Vec<u8>) {
        let Pick { first, step, count } = self.pick;
        if step == 1 && self.null_row.is_none() {
            body.extend_from_slice(self.rows.joined(first, count));
            return;
        }
        let null_row = self.null_row.map(|at| at.min(count));
        let rows = if null_row == Some(count) { count + 1 } else { count };
        for place in 0..rows {
            if place > 0 {
                body.push(b',');
            }
            match null_row {
                Some(at) if at == place => body.extend_from_slice(b"null"),
                _ => body.extend_from_slice(self.rows.joined(first + place * step, 1)),
            }
        }
    }
}

fn window(list: Pick, offset: usize, limit: Option<usize>) -> Pick {
    let skipped = offset.min(list.count);
    let left = list.count - skipped;
    Pick {
        first: list.first + skipped * list.step,
        step: list.step,
        count: limit.map_or(left, |limit| left.min(limit)),
    }
}
