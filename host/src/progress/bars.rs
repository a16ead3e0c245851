//! Progress as bars in a terminal: one for each resource that is being read, lines above them for those that have ended.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use unicode_width::UnicodeWidthStr;

use super::line;
use super::screen::Screen;
use super::track::Track;
use crate::run::outcome::{Event, Status};
use crate::show::Paint;
use crate::words::{grouped, of_end, printable};

/// How often countdowns and rates move.
const TICK: Duration = Duration::from_millis(250);

/// Rows of the terminal that are left free of bars.
const FREE_ROWS: usize = 3;

/// How often the bars are drawn, at most.
const DRAWS_PER_SECOND: u8 = 15;

/// The bars.
pub(super) struct Bars {
    all: MultiProgress,
    screen: Screen,
    paint: Paint,
    /// Resources being read, in the order in which they began.
    reading: Vec<Reading>,
    /// Columns of the longest name.
    name_width: Arc<Mutex<usize>>,
    /// Says how many have no bar.
    more: Option<ProgressBar>,
}

struct Reading {
    track: Arc<Mutex<Track>>,
    /// `None` where the terminal has no row left.
    bar: Option<ProgressBar>,
}

impl Bars {
    pub(super) fn new(paint: Paint) -> Self {
        let name_width = Arc::new(Mutex::new(0));
        let screen = Screen::new();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), DRAWS_PER_SECOND);
        let all = MultiProgress::with_draw_target(target);
        Self { all, screen, paint, reading: Vec::new(), name_width, more: None }
    }

    /// Takes an event in; returns the lines that are to stand above the bars from now on.
    pub(super) fn show(&mut self, event: &Event, now_ms: u64) -> Vec<String> {
        match event {
            Event::Started { resource } => self.start(resource),
            Event::Progress { resource, .. } | Event::Waiting { resource, .. } => {
                if let Some(reading) = self.find(resource) {
                    lock(&reading.track).take(event, now_ms);
                    // Drawn at most so often as the terminal is refreshed.
                    if let Some(bar) = &reading.bar {
                        bar.tick();
                    }
                }
            }
            Event::Ended { resource, status, rows, refused_rows, limit } => {
                let word = of_end(*status, limit.as_deref(), *refused_rows);
                return vec![self.end(resource, *status, &word, *rows)];
            }
            Event::Asked { .. } | Event::Took { .. } | Event::Said(_) => {}
        }
        Vec::new()
    }

    /// Prints a line above the bars.
    pub(super) fn print_above(&self, line: &str) {
        // Where stderr is gone there is nobody left to tell.
        let _ = self.all.println(line);
    }

    /// Takes the bars away, and returns the lines of what had not ended.
    pub(super) fn close(&mut self) -> Vec<String> {
        let left: Vec<(String, u64)> = self
            .reading
            .iter()
            .map(|reading| lock(&reading.track))
            .map(|track| (track.resource.clone(), track.rows))
            .collect();
        let word = of_end(Status::Unfinished, None, 0);
        left.into_iter().map(|(name, rows)| self.end(&name, Status::Unfinished, &word, rows)).collect()
    }

    /// Ends the display: others may write from now on.
    pub(super) fn leave(&self) {
        self.screen.close();
    }

    fn find(&self, resource: &str) -> Option<&Reading> {
        self.reading.iter().find(|reading| lock(&reading.track).resource == resource)
    }

    fn start(&mut self, resource: &str) {
        if self.find(resource).is_some() {
            return;
        }
        let mut width = lock(&self.name_width);
        *width = printable(resource).width().max(*width);
        drop(width);
        self.reading.push(Reading { track: Arc::new(Mutex::new(Track::new(resource))), bar: None });
        self.fill();
    }

    /// Ends a resource: its bar makes room, and its line is returned.
    fn end(&mut self, resource: &str, status: Status, word: &str, rows: u64) -> String {
        if let Some(at) = self.reading.iter().position(|reading| lock(&reading.track).resource == resource) {
            if let Some(bar) = self.reading.remove(at).bar {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
            self.fill();
        }
        let paint = match status {
            Status::Complete => Paint::good,
            Status::Failed => Paint::error,
            Status::Limited | Status::Unfinished => Paint::note,
        };
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(rows)) };
        format!(" {}: {}, {rows}", self.paint.head(&printable(resource)), paint(self.paint, &printable(word)))
    }

    /// Gives bars to resources that have none, as long as the terminal has room; says how many are left.
    fn fill(&mut self) {
        let room = self.screen.size().1.saturating_sub(FREE_ROWS).max(1);
        let mut shown = self.reading.iter().filter(|reading| reading.bar.is_some()).count();
        for reading in self.reading.iter_mut().filter(|reading| reading.bar.is_none()) {
            if shown == room {
                break;
            }
            let bar = ProgressBar::no_length().with_style(style(
                &reading.track,
                &self.name_width,
                &self.screen,
                self.paint,
            ));
            let bar = match &self.more {
                Some(more) => self.all.insert_before(more, bar),
                None => self.all.add(bar),
            };
            bar.enable_steady_tick(TICK);
            reading.bar = Some(bar);
            shown += 1;
        }
        let without = self.reading.len() - shown;
        if let Some(more) = self.more.take() {
            more.finish_and_clear();
            self.all.remove(&more);
        }
        if without > 0 {
            let text = self.paint.dim(&format!(" and {without} more"));
            let style =
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            let more = self.all.add(ProgressBar::no_length().with_style(style));
            more.set_message(text);
            more.tick();
            self.more = Some(more);
        }
    }
}

/// A bar's whole line is of our own making: it is laid out anew, for the terminal's width, whenever it is drawn.
fn style(
    track: &Arc<Mutex<Track>>,
    name_width: &Arc<Mutex<usize>>,
    screen: &Screen,
    paint: Paint,
) -> ProgressStyle {
    let (track, name_width, screen) = (track.clone(), name_width.clone(), screen.clone());
    let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("line", move |_: &ProgressState, out: &mut dyn Write| {
        let name_width = *lock(&name_width);
        // The last column stays free: a full line wraps in some terminals.
        let width = screen.size().0.saturating_sub(1);
        let line = line::bar(&lock(&track), crate::clock::now_ms(), width, name_width, paint);
        // What cannot be written is drawn the next time.
        let _ = out.write_str(&line);
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
