//! Shows a run while it goes on, on stderr: bars, plain lines, or nothing.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use sanderling_gate::Vault;

use crate::cli::Progress;
use crate::report;
use crate::run::outcome::Event;
use crate::show::{Level, Show};
use crate::words::{self, counted};

/// A plain line for a resource is printed at most so often.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Shows the events of a run.
pub struct Reporter {
    show: Show,
    /// Takes secrets out of what is shown.
    vault: Arc<Vault>,
    view: View,
}

/// Where events are shown.
enum View {
    /// A bar for each resource.
    Bars {
        /// All of them.
        all: MultiProgress,
        /// By resource.
        bars: HashMap<String, ProgressBar>,
    },
    /// A line now and then.
    Plain {
        /// When a resource's last line was printed.
        last: HashMap<String, Instant>,
    },
    /// Notices alone.
    None,
}

impl Reporter {
    /// The reporter for what was asked for. Bars need a terminal that can move its cursor; elsewhere nothing would be
    /// seen of them, nor of what is printed above them, so that lines take their place.
    pub fn new(how: Progress, show: Show, vault: Arc<Vault>) -> Self {
        let view = match how {
            _ if show.level < Level::Normal => View::None,
            Progress::None => View::None,
            Progress::Bar | Progress::Auto if show.movable => {
                View::Bars { all: MultiProgress::new(), bars: HashMap::new() }
            }
            Progress::Bar | Progress::Auto | Progress::Plain => View::Plain { last: HashMap::new() },
        };
        Self { show, vault, view }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Started { resource } => self.started(resource),
            Event::Progress { resource, rows, pages, total } => {
                self.progress(resource, *rows, *pages, *total)
            }
            Event::Waiting { resource, until_ms, why, attempts } => {
                let wait_ms = until_ms.saturating_sub(crate::clock::now_ms());
                self.waiting(
                    resource,
                    &format!("{why}; try {} in {:.1} s", attempts + 1, wait_ms as f64 / 1_000.0),
                );
            }
            Event::Ended { resource, status, rows, refused_rows, limit } => {
                let word = words::of_end(*status, limit.as_deref(), *refused_rows);
                self.ended(resource, &word, *rows);
            }
            Event::Said(notice) if self.show.level >= Level::Normal => {
                for line in report::notice(notice, self.show.paint).lines() {
                    self.line(line);
                }
            }
            Event::Said(_) => {}
            Event::Asked { resource, exchange } if self.show.level >= Level::Verbose => {
                self.line(&self.show.paint.dim(&words::of_exchange(resource, exchange)));
            }
            Event::Took { resource, partition_key, cursor, received, kept, next }
                if self.show.level >= Level::Debug =>
            {
                let parent =
                    partition_key.as_ref().map(|key| format!(" of parent {key}")).unwrap_or_default();
                let cursor = cursor.as_deref().unwrap_or("the start");
                let line = format!(
                    "{resource}{parent}: page at {cursor}: {received} rows came, {kept} kept, then {next}"
                );
                self.line(&self.show.paint.dim(&line));
            }
            Event::Asked { .. } | Event::Took { .. } => {}
        }
    }

    /// Ends the display: what follows is printed below it.
    pub fn close(&mut self) {
        if let View::Bars { bars, .. } = &self.view {
            for bar in bars.values().filter(|bar| !bar.is_finished()) {
                bar.abandon();
            }
            if !bars.is_empty() {
                // The last bar leaves the cursor at its end.
                let _ = writeln!(std::io::stderr());
            }
        }
    }

    /// Prints a line above the bars.
    pub fn line(&self, line: &str) {
        let line = words::printable_lines(&self.vault.redact(line));
        match &self.view {
            View::Bars { all, .. } => {
                // Where stderr is gone there is nobody left to tell.
                let _ = all.println(line);
            }
            View::Plain { .. } | View::None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    fn started(&mut self, resource: &str) {
        if let View::Bars { all, bars } = &mut self.view {
            bars.entry(resource.to_owned()).or_insert_with(|| {
                let bar = all
                    .add(ProgressBar::no_length().with_style(style(false)).with_prefix(resource.to_owned()));
                bar.enable_steady_tick(Duration::from_millis(200));
                bar
            });
        }
    }

    fn progress(&mut self, resource: &str, rows: u64, pages: u64, total: Option<u64>) {
        match &mut self.view {
            View::Bars { bars, .. } => {
                if let Some(bar) = bars.get(resource) {
                    if bar.length() != total {
                        total.inspect(|total| bar.set_length(*total));
                        bar.set_style(style(total.is_some()));
                    }
                    bar.set_position(rows);
                    bar.set_message(counted(pages, "page"));
                }
            }
            View::Plain { last } => {
                let now = Instant::now();
                let shown = last.get(resource).is_some_and(|last| now.duration_since(*last) < PLAIN_EVERY);
                if !shown {
                    last.insert(resource.to_owned(), now);
                    let rows = match total {
                        Some(total) => format!("{rows} of {}", counted(total, "row")),
                        None => counted(rows, "row"),
                    };
                    self.line(&format!("{resource}: {rows}, {}", counted(pages, "page")));
                }
            }
            View::None => {}
        }
    }

    fn waiting(&mut self, resource: &str, what: &str) {
        match &mut self.view {
            View::Bars { bars, .. } => {
                if let Some(bar) = bars.get(resource) {
                    bar.set_message(what.to_owned());
                }
            }
            View::Plain { .. } => self.line(&format!("{resource}: {what}")),
            View::None => {}
        }
    }

    fn ended(&mut self, resource: &str, word: &str, rows: u64) {
        match &mut self.view {
            View::Bars { bars, .. } => {
                if let Some(bar) = bars.get(resource) {
                    bar.abandon_with_message(word.to_owned());
                }
            }
            View::Plain { .. } => self.line(&format!("{resource}: {word}, {}", counted(rows, "row"))),
            View::None => {}
        }
    }
}

fn style(with_total: bool) -> ProgressStyle {
    let template = if with_total {
        "{prefix:>16} {bar:16} {human_pos}/{human_len} rows {rate:>8} {wide_msg}"
    } else {
        "{prefix:>16} {spinner} {human_pos} rows {wide_msg}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A rate that cannot be written is not missed.
        let _ = write!(out, "{:.0}/s", state.per_sec());
    })
}
