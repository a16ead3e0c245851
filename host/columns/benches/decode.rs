//! How fast pages become columns: rows like those of a time-tracking API, 1,000 a page.
//!
//! `cargo bench -p sanderling-columns`; one number is enough here, for a change either shows or does not.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::time::Instant;

use sanderling_columns::{Nested, Options, Page, Schema, decode};

const ROWS: u64 = 1_000;
const PAGES: u64 = 200;

fn main() {
    let (flat, whole) = (page(false), page(true));
    for (name, text, nested) in [
        ("flat rows", &flat, Nested::Json),
        ("nested, as JSON", &whole, Nested::Json),
        ("nested, as columns", &whole, Nested::Columns),
        ("nested, as tables", &whole, Nested::Tables { max_depth: None }),
    ] {
        let options = Options { nested, ..Options::new("time_entries") };
        let mut schema = Schema::default();
        let started = Instant::now();
        for at in 0..PAGES {
            let ndjson = text.as_bytes();
            let page = Page { ndjson, count: ROWS, first_row: at * ROWS, load_id: "1", loaded_at_ms: 0 };
            let decoded = decode(&page, &mut schema, &options).unwrap();
            assert!(decoded.refused.is_empty());
        }
        let seconds = started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let (rows, bytes) = ((ROWS * PAGES) as f64, (text.len() as u64 * PAGES) as f64);
        println!("{name}: {:.0} rows/s, {:.0} MB/s", rows / seconds, bytes / seconds / 1e6);
    }
}

fn page(nested: bool) -> String {
    let mut text = String::new();
    for i in 0..ROWS {
        let project = if i % 5 == 0 { "null".to_owned() } else { (500 + i % 41).to_string() };
        let (hour, minute) = (i / 60 % 24, i % 60);
        let rest = if nested {
            let tags: Vec<String> =
                (0..i % 4).map(|k| format!(r#"{{"id":{},"name":"tag-{k}"}}"#, 10 + k)).collect();
            let user = format!(r#"{{"id":{},"name":"ana","email":"ana@example.com"}}"#, 9000 + i % 8);
            format!(r#","user":{user},"tags":[{}]"#, tags.join(","))
        } else {
            String::new()
        };
        text.push_str(&format!(
            concat!(
                r#"{{"id":{},"workspace_id":77,"project_id":{},"task_name":"Task {}","#,
                r#""description":"Worked on item {} of the 3rd batch, review and follow-up","#,
                r#""start":"2024-01-01T{:02}:{:02}:00Z","stop":"2024-01-01T{:02}:{:02}:30Z","duration":{},"#,
                r#""billable":{},"rate":{}.25,"created_with":"desktop app","#,
                r#""updated_at":"2024-01-02T{:02}:{:02}:01+00:00"{}}}"#,
                "\n"
            ),
            1_000_000 + i,
            project,
            i % 97,
            i,
            hour,
            minute,
            hour,
            minute,
            300 + i,
            i % 2 == 0,
            40 + i % 200,
            hour,
            minute,
            rest
        ));
    }
    text
}
