//! The benchmark: the real program as whole processes, against an API in another process.
//!
//! `cargo bench --bench speed` measures and prints a table; without `--bench`, as under `cargo test`, it measures tiny
//! reads to show that it works.
//!
//! | file | what lives there |
//! |---|---|
//! | `process.rs` | one run of the program, and what it took |
//! | `measure.rs` | what is measured, how often, and the medians |
//! | `server.rs` | the API: this program again, in a process of its own |
//! | `show.rs` | the table, the aims and the JSON document |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a benchmark is for")]

mod measure;
mod process;
mod server;
mod show;

use clap::Parser;

/// Measures the program: rows per CPU second, CPU and wall time, peak memory. CPU is user and system time.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench speed --")]
struct Args {
    /// How many rows are read, to JSONL and to SQLite each.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "100000,1000000")]
    rows: Vec<usize>,
    /// Of how many runs the median is shown; four times as many for reads of ten rows.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Only measures whose name contains this, such as `jsonl`.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    only: String,
    /// Print a JSON document, with every single run.
    #[arg(long)]
    json: bool,
    /// Serve so many rows until stdin ends: what the benchmark starts itself.
    #[arg(long, hide = true, value_name = "ROWS")]
    serve: Option<usize>,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if !given.iter().any(|arg| arg == "--bench" || arg == "--help") {
        return smoke(&given);
    }
    let args = Args::parse();
    if let Some(rows) = args.serve {
        return server::serve(rows);
    }
    let measures = measure::measures(&args.rows);
    let only = args.only.to_lowercase();
    let chosen: Vec<_> = measures.into_iter().filter(|m| m.name().to_lowercase().contains(&only)).collect();
    assert!(!chosen.is_empty(), "nothing is named `{}`", args.only);
    let results = measure::take(&chosen, usize::from(args.runs), |name| eprintln!("measuring {name} …"));
    if args.json {
        println!("{:#}", show::document(&results));
    } else {
        print!("{}{}", show::table(&results), show::aims(&results));
    }
}

/// As a test: everything once, with few rows. Arguments are the test runner's: a filter that does not mean this
/// benchmark passes it by.
fn smoke(given: &[String]) {
    let mut filters = given.iter().filter(|arg| !arg.starts_with('-')).peekable();
    let is_meant = filters.peek().is_none() || filters.any(|filter| "speed".contains(filter.as_str()));
    if !is_meant || given.iter().any(|arg| arg == "--list") {
        return;
    }
    let results = measure::take(&measure::measures(&[2_000]), 1, |_| ());
    let table = show::table(&results);
    for name in
        ["10 rows to SQLite, first start", "10 rows to SQLite", "2,000 rows to JSONL", "2,000 rows to SQLite"]
    {
        assert!(table.contains(&format!("| {name} ")), "{table}");
    }
    let document = show::document(&results);
    for measured in document["measures"].as_array().unwrap() {
        for key in ["rows_per_cpu_s", "cpu_s", "wall_s", "peak_mib"] {
            let median = measured[key].as_f64().unwrap();
            assert!(median > 0.0, "{key} of {measured}");
        }
        assert!(!measured["runs"].as_array().unwrap().is_empty());
    }
    print!("{table}");
}
