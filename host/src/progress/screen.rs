//! The terminal that bars are drawn on: stderr, with the cursor left at the start of the last line that was drawn.
//!
//! The bars' crate leaves it behind the last column, where the `^C` that a terminal shows for Ctrl-C wraps into a line of its
//! own: the bars would be looked for one line too low, and not be taken away.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use console::Term;
use indicatif::TermLike;

/// Stderr as a terminal.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    term: Term,
    /// Whether the cursor stands on a line that is drawn, so that what is written next belongs below it.
    on_text: Arc<AtomicBool>,
    /// Whether anything has been written since the last flush.
    written: Arc<AtomicBool>,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { term: Term::buffered_stderr(), on_text: Arc::default(), written: Arc::default() }
    }

    /// Columns and rows as they are now.
    pub(super) fn size(&self) -> (usize, usize) {
        (usize::from(self.width()), usize::from(self.height()))
    }

    /// Leaves the cursor where others may write.
    pub(super) fn close(&self) {
        if self.on_text.swap(false, Relaxed) {
            // Where stderr is gone there is nobody left to tell.
            let _ = self.term.write_line("").and_then(|()| self.term.flush());
        }
    }

    /// What is drawn anew is written over: the cursor is where it belongs.
    fn redraws(&self) {
        self.on_text.store(false, Relaxed);
        self.written.store(false, Relaxed);
    }

    fn writes(&self) -> io::Result<()> {
        self.written.store(true, Relaxed);
        if self.on_text.swap(false, Relaxed) { self.term.write_line("") } else { Ok(()) }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n > 0 {
            self.redraws();
        }
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.writes()?;
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.writes()?;
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.redraws();
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        if self.written.swap(false, Relaxed) {
            self.on_text.store(true, Relaxed);
            self.term.write_str("\r")?;
        }
        self.term.flush()
    }
}
