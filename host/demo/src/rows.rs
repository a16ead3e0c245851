//! The rows of one table, as JSON text.

use crate::page::Pick;

/// The rows of a table.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// All rows, each followed by a comma.
    text: Vec<u8>,
    /// Where each row starts, and at last the text's length.
    starts: Vec<usize>,
}

impl Rows {
    /// Renders `count` rows; `render` writes the row at a place, an object, without its closing brace. `ending` closes
    /// each row.
    pub(crate) fn build(count: usize, ending: &str, render: impl Fn(&mut String, usize)) -> Rows {
        let mut text = String::with_capacity(count * 360);
        let mut starts = Vec::with_capacity(count + 1);
        for place in 0..count {
            starts.push(text.len());
            render(&mut text, place);
            text.push_str(ending);
            text.push(',');
        }
        starts.push(text.len());
        Rows { text: text.into_bytes(), starts }
    }

    /// Rows that stand side by side, with commas between them; empty where there are none.
    pub(crate) fn joined(&self, first: usize, count: usize) -> &[u8] {
        match (self.starts.get(first), self.starts.get(first + count)) {
            (Some(&start), Some(&end)) if start < end => &self.text[start..end - 1],
            _ => &[],
        }
    }

    /// About how many bytes these rows take.
    pub(crate) fn bytes_of(&self, pick: Pick) -> usize {
        let rows = self.starts.len().saturating_sub(1).max(1);
        self.text.len().div_ceil(rows) * pick.count
    }
}
