//! What pages become.

mod cases;
mod dlt;
mod properties;
mod read_back;

use crate::{Decoded, Nested, Options, Page, Schema, decode};

/// Options for a table `t`.
fn options(nested: Nested) -> Options {
    Options { nested, ..Options::new("t") }
}

fn page(ndjson: &str, first_row: u64) -> Page<'_> {
    let ended = ndjson.is_empty() || ndjson.ends_with('\n');
    let count = ndjson.matches('\n').count() as u64 + u64::from(!ended);
    Page { ndjson: ndjson.as_bytes(), count, first_row, load_id: "L", loaded_at_ms: 1_000 }
}

/// Pages one after the other, with one schema.
fn decode_all(pages: &[&str], options: &Options) -> (Schema, Vec<Decoded>) {
    let mut schema = Schema::default();
    let mut first_row = 0;
    let decoded = pages.iter().map(|text| {
        let page = page(text, first_row);
        first_row += page.count;
        decode(&page, &mut schema, options).unwrap()
    });
    let decoded = decoded.collect();
    (schema, decoded)
}
