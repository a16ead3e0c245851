//! A page's bytes as lines that are known to be text, and as many as were declared.

use crate::error::{DataErrorKind, DestinationError};
use crate::table::Rows;

/// The lines of `rows`, numbered from 0.
pub(crate) fn lines<'a>(
    resource: &str,
    rows: &Rows<'a>,
) -> Result<impl Iterator<Item = (u64, &'a str)>, DestinationError> {
    let text = std::str::from_utf8(rows.ndjson).map_err(|error| {
        let before = rows.ndjson.get(..error.valid_up_to()).unwrap_or_default();
        DestinationError::data(resource, Some(newlines(before)), DataErrorKind::NotUtf8)
    })?;
    let ended = text.is_empty() || text.ends_with('\n');
    let found = newlines(rows.ndjson) + u64::from(!ended);
    if found != rows.count {
        let kind = DataErrorKind::Count { declared: rows.count, found };
        return Err(DestinationError::data(resource, None, kind));
    }
    Ok((0..).zip(text.split_terminator('\n')))
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ndjson: &[u8], count: u64) -> Result<Vec<(u64, &str)>, String> {
        let rows = Rows { ndjson, count, partition_key: None, load_id: "1", loaded_at_ms: 0 };
        lines("tasks", &rows).map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[test]
    fn counted_lines() {
        assert_eq!(read(b"", 0), Ok(vec![]));
        assert_eq!(read(b"1\n2\n", 2), Ok(vec![(0, "1"), (1, "2")]));
        assert_eq!(read(b"1\n2", 2), Ok(vec![(0, "1"), (1, "2")]));
        assert_eq!(read(b"1\n\n", 2), Ok(vec![(0, "1"), (1, "")]));
        assert_eq!(read(b"1\n", 2), Err("tasks: the page declares 2 rows and holds 1".into()));
        assert_eq!(read(b"1\n\xff\n", 2), Err("tasks row 1 of the page: not UTF-8".into()));
    }
}
