//! Shows a run while it goes on, on stderr: bars, plain lines, or nothing.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::Progress;
use crate::run::outcome::{Event, Status};
use crate::words;

/// A plain line for a resource is printed at most so often.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Where events of a run are shown.
pub enum Reporter {
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
    Quiet,
}

impl Reporter {
    /// The reporter for what was asked for; `auto` looks at stderr.
    pub fn new(how: Progress) -> Self {
        match how {
            Progress::None => Self::Quiet,
            Progress::Plain => Self::Plain { last: HashMap::new() },
            Progress::Auto if !std::io::stderr().is_terminal() => Self::Plain { last: HashMap::new() },
            Progress::Bar | Progress::Auto => Self::Bars { all: MultiProgress::new(), bars: HashMap::new() },
        }
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
            Event::Ended { resource, status, rows } => self.ended(resource, *status, *rows),
            Event::Said(notice) => {
                let (sentence, hint) = words::of_notice(notice);
                self.line(&format!("note: {sentence}"));
                if let Some(hint) = hint {
                    self.line(&format!("      {hint}"));
                }
            }
        }
    }

    /// Ends the display: what follows is printed below it.
    pub fn close(&mut self) {
        if let Self::Bars { bars, .. } = self {
            for bar in bars.values().filter(|bar| !bar.is_finished()) {
                bar.abandon();
            }
        }
    }

    /// Prints a line above the bars.
    pub fn line(&self, line: &str) {
        match self {
            Self::Bars { all, .. } => {
                // Where stderr is gone there is nobody left to tell.
                let _ = all.println(line);
            }
            Self::Plain { .. } | Self::Quiet => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    fn started(&mut self, resource: &str) {
        if let Self::Bars { all, bars } = self {
            bars.entry(resource.to_owned()).or_insert_with(|| {
                let bar = all
                    .add(ProgressBar::no_length().with_style(style(false)).with_prefix(resource.to_owned()));
                bar.enable_steady_tick(Duration::from_millis(200));
                bar
            });
        }
    }

    fn progress(&mut self, resource: &str, rows: u64, pages: u64, total: Option<u64>) {
        match self {
            Self::Bars { bars, .. } => {
                if let Some(bar) = bars.get(resource) {
                    if bar.length() != total {
                        total.inspect(|total| bar.set_length(*total));
                        bar.set_style(style(total.is_some()));
                    }
                    bar.set_position(rows);
                    bar.set_message(counted(pages));
                }
            }
            Self::Plain { last } => {
                let now = Instant::now();
                let shown = last.get(resource).is_some_and(|last| now.duration_since(*last) < PLAIN_EVERY);
                if !shown {
                    last.insert(resource.to_owned(), now);
                    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
                    self.line(&format!("{resource}: {rows}{of} rows, {}", counted(pages)));
                }
            }
            Self::Quiet => {}
        }
    }

    fn waiting(&mut self, resource: &str, what: &str) {
        match self {
            Self::Bars { bars, .. } => {
                if let Some(bar) = bars.get(resource) {
                    bar.set_message(what.to_owned());
                }
            }
            Self::Plain { .. } => self.line(&format!("{resource}: {what}")),
            Self::Quiet => {}
        }
    }

    fn ended(&mut self, resource: &str, status: Status, rows: u64) {
        let word = match status {
            Status::Complete => "complete",
            Status::Failed => "failed",
            Status::Unfinished => "not finished",
        };
        match self {
            Self::Bars { bars, .. } => {
                if let Some(bar) = bars.get(resource) {
                    bar.abandon_with_message(word);
                }
            }
            Self::Plain { .. } => self.line(&format!("{resource}: {word}, {rows} rows")),
            Self::Quiet => {}
        }
    }
}

fn counted(pages: u64) -> String {
    if pages == 1 { "1 page".into() } else { format!("{pages} pages") }
}

fn style(with_total: bool) -> ProgressStyle {
    let template = if with_total {
        "{prefix:>20} {bar:24} {human_pos}/{human_len} rows {per_sec:>12} {msg}"
    } else {
        "{prefix:>20} {spinner} {human_pos} rows {msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
