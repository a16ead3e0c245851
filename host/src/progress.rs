//! Shows a run while it goes on, on stderr: bars, plain lines, JSON lines, or notices alone.

mod bars;
mod json;
mod line;
mod plain;
mod screen;
mod track;

use std::io::Write;
use std::sync::Arc;

use sanderling_gate::Vault;
use serde_json::Value;

use crate::cli::Progress;
use crate::report;
use crate::run::outcome::Event;
use crate::show::{Level, Show};
use crate::words;
use bars::Bars;
use json::Json;
use plain::Plain;

/// Shows the events of a run.
pub struct Reporter {
    show: Show,
    /// Takes secrets out of what is shown.
    vault: Arc<Vault>,
    view: View,
}

/// Where events are shown.
enum View {
    Bars(Bars),
    Plain(Plain),
    Json(Json),
    /// Notices alone.
    None,
}

impl Reporter {
    /// The reporter for what was asked for. Bars need a terminal that can move its cursor; elsewhere nothing would be
    /// seen of them, nor of what is printed above them, so that lines take their place.
    pub fn new(how: Progress, show: Show, vault: Arc<Vault>) -> Self {
        let view = match how {
            Progress::Json => View::Json(Json::default()),
            _ if show.level < Level::Normal => View::None,
            Progress::None => View::None,
            Progress::Bar | Progress::Auto if show.movable => View::Bars(Bars::new(show.paint)),
            Progress::Bar | Progress::Auto | Progress::Plain => View::Plain(Plain::default()),
        };
        Self { show, vault, view }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        if self.show.level < wanted_by(event) {
            return;
        }
        let now_ms = crate::clock::now_ms();
        match &mut self.view {
            View::Json(json) => {
                if let Some(line) = json.line(event, now_ms, &|text| self.vault.redact(text)) {
                    print(&line);
                }
                return;
            }
            View::Plain(plain) => {
                if let Some(line) = plain.line(event, now_ms) {
                    self.line(&line);
                }
            }
            View::Bars(bars) => {
                let ended = bars.show(event, now_ms);
                ended.into_iter().for_each(|line| self.line(&line));
            }
            View::None => {}
        }
        let paint = self.show.paint;
        match event {
            Event::Said(notice) => report::notice(notice, paint).lines().for_each(|line| self.line(line)),
            Event::Asked { resource, exchange } => {
                self.line(&paint.dim(&words::of_exchange(resource, exchange)))
            }
            Event::Took(taken) => self.line(&paint.dim(&words::of_taken(taken))),
            Event::Started { .. } | Event::Progress { .. } | Event::Waiting { .. } | Event::Ended { .. } => {}
        }
    }

    /// Ends the display: what follows is printed below it.
    pub fn close(&mut self) {
        if let View::Bars(bars) = &mut self.view {
            let left = bars.close();
            left.into_iter().for_each(|line| self.line(&line));
        }
        if let View::Bars(bars) = &self.view {
            bars.leave();
        }
    }

    /// Says what the run came to, where that is an event like any other; returns whether it is. `document` is the
    /// redacted result.
    pub fn result(&self, document: &Value) -> bool {
        let View::Json(_) = &self.view else { return false };
        if self.show.level > Level::Silent {
            Json::result(document, crate::clock::now_ms()).iter().for_each(|line| print(line));
        }
        true
    }

    /// Prints a line above the bars.
    fn line(&self, line: &str) {
        let line = words::printable_lines(&self.vault.redact(line));
        match &self.view {
            View::Bars(bars) => bars.print_above(&line),
            View::Plain(_) | View::Json(_) | View::None => print(&line),
        }
    }
}

/// The level from which on an event is shown.
fn wanted_by(event: &Event) -> Level {
    match event {
        Event::Asked { .. } => Level::Verbose,
        Event::Took { .. } => Level::Debug,
        _ => Level::Normal,
    }
}

fn print(line: &str) {
    // Where stderr is gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
