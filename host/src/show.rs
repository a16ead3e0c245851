//! What a person is shown: how much of it, and in which colours. Plain values; commands fill them in.

use anstyle::{AnsiColor, Color, Style};

/// How a command shows itself.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// How much is said.
    pub level: Level,
    /// The colours of stderr.
    pub paint: Paint,
    /// The colours of stdout.
    pub paint_stdout: Paint,
    /// Whether stderr is a terminal whose cursor can be moved.
    pub movable: bool,
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Silent,
    /// Errors and the result.
    Quiet,
    /// Also notices, and how it goes.
    Normal,
    /// Also each request.
    Verbose,
    /// Also each page, and why a run does what it does.
    Debug,
}

impl Level {
    /// The level of so many `-v` and `-q`; one takes the other back.
    pub fn of(verbose: u8, quiet: u8) -> Self {
        match i16::from(verbose) - i16::from(quiet) {
            ..=-2 => Self::Silent,
            -1 => Self::Quiet,
            0 => Self::Normal,
            1 => Self::Verbose,
            2.. => Self::Debug,
        }
    }
}

/// The colours of a stream, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// The text as it is.
    Plain,
    /// ANSI sequences around it.
    Ansi,
}

impl Paint {
    /// What failed.
    pub fn error(self, text: &str) -> String {
        self.put(text, foreground(AnsiColor::Red).bold())
    }

    /// What is worth knowing.
    pub fn note(self, text: &str) -> String {
        self.put(text, foreground(AnsiColor::Yellow).bold())
    }

    /// What would mend it.
    pub fn hint(self, text: &str) -> String {
        self.put(text, foreground(AnsiColor::Cyan).bold())
    }

    /// What went well.
    pub fn good(self, text: &str) -> String {
        self.put(text, foreground(AnsiColor::Green))
    }

    /// The head of a table, the name of a resource.
    pub fn head(self, text: &str) -> String {
        self.put(text, Style::new().bold())
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.put(text, Style::new().dimmed())
    }

    fn put(self, text: &str, style: Style) -> String {
        match self {
            Self::Ansi if !text.is_empty() => format!("{style}{text}{style:#}"),
            Self::Ansi | Self::Plain => text.to_owned(),
        }
    }
}

fn foreground(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_take_each_other_back() {
        let cases = [
            ((0, 0), Level::Normal),
            ((1, 0), Level::Verbose),
            ((9, 0), Level::Debug),
            ((0, 1), Level::Quiet),
            ((0, 255), Level::Silent),
            ((1, 1), Level::Normal),
        ];
        for ((verbose, quiet), expected) in cases {
            assert_eq!(Level::of(verbose, quiet), expected);
        }
    }

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(Paint::Plain.error("no"), "no");
        assert_eq!(Paint::Ansi.error("no"), "\u{1b}[1m\u{1b}[31mno\u{1b}[0m");
        assert_eq!(Paint::Ansi.error(""), "");
    }
}
