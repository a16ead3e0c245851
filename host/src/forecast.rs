//! Lays out what a run would do: for people, and as a document for programs.

use sanderling_destination::{DataError, Disposition, Expected, MergeStrategy};
use serde_json::{Value, json};

use crate::contract::Range;
use crate::discovery;
use crate::report::{self, grouped};
use crate::run::outcome::RunNotice;
use crate::run::plan::Resource;
use crate::run::watermark::Reach;
use crate::sample::Look;
use crate::show::Paint;
use crate::words::{self, Words, exit};

/// Refused rows that are shown; of more it is told how many there are.
const MAX_REFUSED: usize = 10;

/// What a run would do with a resource, as far as its first page shows.
pub struct Forecast<'a> {
    /// As the run would write it.
    pub resource: &'a Resource,
    /// From where it is read.
    pub reading: Reading,
    /// What was looked at.
    pub look: Look,
    /// What becomes of a load that broke off.
    pub next: Option<String>,
    /// Rows that would be refused.
    pub refused: Vec<DataError>,
    /// Whether the resource would fail because of them.
    pub fails: bool,
    /// Rows that its contract would leave out.
    pub discarded_rows: u64,
    /// Values that it would leave out.
    pub discarded_values: u64,
    /// Rows of its last complete load.
    pub loaded_rows: Option<u64>,
    /// What would become of its tables.
    pub tables: Vec<Expected>,
    /// What would keep it from being read or written.
    pub problems: Vec<Words>,
}

/// From where a resource is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// All of it, each time.
    Whole,
    /// It is incremental, and read from its beginning.
    Start {
        /// What its watermarks are of.
        cursor: String,
    },
    /// From a watermark on.
    From(Reach),
    /// Within a range.
    Range(Range),
}

impl Forecast<'_> {
    /// What a run would exit with, were this all.
    pub fn codes(&self) -> Vec<u8> {
        let refused = (!self.refused.is_empty()).then_some(exit::REFUSED);
        self.problems.iter().map(|words| words.code).chain(refused).collect()
    }

    fn rows(&self) -> u64 {
        self.look.pages.iter().map(|page| page.kept).sum()
    }

    fn total(&self) -> Option<u64> {
        let totals: Option<Vec<u64>> = self.look.pages.iter().map(|page| page.total).collect();
        totals.filter(|totals| !totals.is_empty()).map(|totals| totals.iter().sum())
    }

    fn more(&self) -> bool {
        self.look.pages.iter().any(|page| page.more)
    }

    /// Whether what is there would give way.
    fn replaced(&self) -> Option<u64> {
        let is_replaced = self.resource.table.disposition == Disposition::Replace;
        self.loaded_rows.filter(|rows| is_replaced && *rows > 0)
    }
}

/// A part for each resource that would be written, under its name.
pub fn text(forecasts: &[Forecast], paint: Paint) -> String {
    let written = forecasts.iter().filter(|forecast| forecast.resource.written);
    written.map(|forecast| part(forecast, paint)).collect::<Vec<_>>().join("\n")
}

fn part(forecast: &Forecast, paint: Paint) -> String {
    let mut lines: Vec<String> = vec![words::of_reading(&forecast.resource.table, &forecast.reading)];
    lines.extend(forecast.next.clone());
    match &forecast.look.not_tried {
        Some(miss) => lines.push(format!("not looked at: {}", words::of_not_tried(miss))),
        None if forecast.look.pages.is_empty() => {}
        None => lines.push(looked_at(forecast)),
    }
    if !forecast.refused.is_empty() {
        lines.push(words::of_refused_rows(forecast.refused.len() as u64, forecast.fails));
        let shown = forecast.refused.iter().take(MAX_REFUSED);
        lines.extend(shown.map(|error| format!("  {}", words::of_refused_row(error))));
        lines.extend((forecast.refused.len() > MAX_REFUSED).then(|| "  and more".to_owned()));
    }
    if forecast.discarded_rows + forecast.discarded_values > 0 {
        lines.push(words::of_left_out(forecast.discarded_rows, forecast.discarded_values));
    }
    lines.extend(forecast.replaced().map(words::of_replaced));
    lines
        .extend(forecast.resource.table.delete_absent.map(|absent| words::of_absent(absent.mark).to_owned()));
    let mut text = format!("{}\n", paint.head(&words::printable(&forecast.resource.name)));
    for line in lines {
        text.push_str(&format!("  {}\n", words::printable(&line)));
    }
    for (at, table) in forecast.tables.iter().enumerate() {
        text.push_str(&format!("  {}\n", words::printable(&words::of_table(table))));
        let columns = discovery::columns(forecast.resource, at == 0, &table.columns, &table.times, paint);
        for line in columns.iter().flat_map(|columns| columns.lines()) {
            text.push_str(&format!("   {line}\n"));
        }
    }
    text
}

/// How many rows were looked at, and of how many.
fn looked_at(forecast: &Forecast) -> String {
    let (rows, total) = (forecast.rows(), forecast.total());
    let of = total.map(|total| format!(" of {}", grouped(total))).unwrap_or_default();
    let noun = if total.unwrap_or(rows) == 1 { "row" } else { "rows" };
    let place = match (forecast.resource.parent, forecast.look.pages.len()) {
        (None, _) => "its first page".to_owned(),
        (Some(_), 1) => "the first page of one parent".to_owned(),
        (Some(_), parents) => format!("the first pages of {parents} parents"),
    };
    let more = if forecast.more() { ", and there are more" } else { "" };
    format!("looked at {}{of} {noun}, {place}{more}", grouped(rows))
}

/// The document of `run --dry-run --json`.
pub fn document(
    pipeline: &str,
    destination: &str,
    exit_code: u8,
    forecasts: &[Forecast],
    notices: &[RunNotice],
) -> Value {
    json!({
        "version": report::VERSION,
        "sanderling": env!("CARGO_PKG_VERSION"),
        "dry_run": true,
        "pipeline": pipeline,
        "destination": destination,
        "exit_code": exit_code,
        "resources": forecasts.iter().map(resource).collect::<Vec<_>>(),
        "notices": notices.iter().map(report::of_notice).collect::<Vec<_>>(),
    })
}

fn resource(forecast: &Forecast) -> Value {
    let Forecast { resource, look, .. } = forecast;
    let table = |(at, table): (usize, &Expected)| {
        let columns = table.columns.iter();
        let columns = columns.map(|column| discovery::column_document(resource, at == 0, column));
        let times = table.times.iter().map(|name| discovery::time_document(name));
        json!({
            "name": table.table,
            "is_there": table.is_there,
            "new_columns": columns.chain(times).collect::<Vec<_>>(),
        })
    };
    let refused = |error: &DataError| json!({"row": error.row, "message": words::of_refused_row(error)});
    json!({
        "name": resource.name,
        "written": resource.written,
        "write_disposition": match resource.table.disposition {
            Disposition::Append => "append",
            Disposition::Replace => "replace",
            Disposition::Merge => match resource.table.strategy {
                MergeStrategy::DeleteInsert => "merge",
                MergeStrategy::InsertOnly => "insert-only",
                MergeStrategy::History(_) => "scd2",
            },
        },
        "incremental": match &forecast.reading {
            Reading::Whole => Value::Null,
            Reading::Start { cursor } => json!({"cursor": cursor}),
            Reading::From(reach) => report::watermark(reach),
            Reading::Range(range) => json!({"since": range.since, "until": range.until}),
        },
        "broken_off": forecast.next,
        "not_looked_at": look.not_tried.as_ref().map(words::of_not_tried),
        "pages": look.pages.len(),
        "rows": forecast.rows(),
        "total": forecast.total(),
        "more": forecast.more(),
        "refused_rows": forecast.refused.iter().map(refused).collect::<Vec<_>>(),
        "fails": forecast.fails,
        "discarded_rows": forecast.discarded_rows,
        "discarded_values": forecast.discarded_values,
        "replaced_rows": forecast.replaced(),
        "tables": forecast.tables.iter().enumerate().map(table).collect::<Vec<_>>(),
        "problems": forecast.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn problem(words: &Words) -> Value {
    json!({
        "message": words.what,
        "details": words.snippet.iter().chain(&words.more).collect::<Vec<_>>(),
        "hints": words.hints,
        "exit_code": words.code,
    })
}
