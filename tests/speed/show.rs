//! What was measured, as a table, against the aims, and as a JSON document.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::Measured;
use crate::process::Target;

/// Markdown, as it stands in the README.
pub(crate) fn table(results: &[Measured]) -> String {
    let header = ["", "rows per CPU s", "CPU s", "wall s", "peak MiB"].map(str::to_owned);
    let lines = results.iter().map(|result| {
        let pace =
            if result.measure.rows < 1_000 { String::new() } else { thousands(result.rows_per_cpu_s()) };
        let seconds = |s: f64| if s < 0.1 { format!("{s:.3}") } else { format!("{s:.2}") };
        let peak = format!("{:.0}", result.peak_mib());
        [result.measure.name(), pace, seconds(result.cpu_s()), seconds(result.wall_s()), peak]
    });
    let lines: Vec<[String; 5]> = std::iter::once(header).chain(lines).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|at| lines.iter().map(|line| line[at].len()).max().unwrap_or(0));
    let mut text = String::new();
    for (number, [name, cells @ ..]) in lines.iter().enumerate() {
        let _ = write!(text, "| {name:<width$} |", width = widths[0]);
        for (cell, width) in cells.iter().zip(&widths[1..]) {
            let _ = write!(text, " {cell:>width$} |");
        }
        text.push('\n');
        if number == 0 {
            let _ = write!(text, "|{}|", "-".repeat(widths[0] + 2));
            for width in &widths[1..] {
                let _ = write!(text, "{}:|", "-".repeat(width + 1));
            }
            text.push('\n');
        }
    }
    text
}

/// A line for each aim that was measured: whether it is met.
pub(crate) fn aims(results: &[Measured]) -> String {
    let mut text = String::new();
    for result in results {
        let Some((aim, is_met)) = aim(result) else { continue };
        let verdict = if is_met { "met" } else { "MISSED" };
        let _ = writeln!(text, "aim {verdict}: {}, {aim}", result.measure.name());
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn aim(result: &Measured) -> Option<(String, bool)> {
    let measure = &result.measure;
    match (measure.target, measure.rows) {
        (Target::Sqlite, 10) if !measure.is_first_start => {
            Some(("at most 60 ms".into(), result.wall_s() <= 0.06))
        }
        (Target::Jsonl, 1_000_000) => {
            let is_met = result.rows_per_cpu_s() >= 300_000.0 && result.peak_mib() <= 80.0;
            Some(("at least 300,000 rows per CPU second and at most 80 MiB".into(), is_met))
        }
        (Target::Sqlite, 1_000_000) => {
            let is_met = result.rows_per_cpu_s() >= 100_000.0 && result.peak_mib() <= 80.0;
            Some(("at least 100,000 rows per CPU second and at most 80 MiB".into(), is_met))
        }
        _ => None,
    }
}

/// Everything, with each run. Seconds, MiB, rows per CPU second.
pub(crate) fn document(results: &[Measured]) -> Value {
    let measures: Vec<Value> = results
        .iter()
        .map(|result| {
            let runs: Vec<Value> = result
                .runs
                .iter()
                .map(|run| json!({"cpu_s": run.cpu_s, "wall_s": run.wall_s, "peak_mib": run.peak_mib}))
                .collect();
            json!({
                "name": result.measure.name(),
                "rows": result.measure.rows,
                "rows_per_cpu_s": result.rows_per_cpu_s(),
                "cpu_s": result.cpu_s(),
                "wall_s": result.wall_s(),
                "peak_mib": result.peak_mib(),
                "runs": runs,
            })
        })
        .collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({"version": env!("CARGO_PKG_VERSION"), "cores": cores, "measures": measures})
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
