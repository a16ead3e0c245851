//! What the streams of the program can show, as the environment and the flags say.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use clap::{ColorChoice, ValueEnum};

use crate::cli::{Color, GlobalArgs};
use crate::show::{Level, Paint, Show};
use crate::words;

/// How commands show themselves.
pub fn show(args: &GlobalArgs) -> Show {
    let (stdout, stderr) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
    Show {
        level: Level::of(args.verbose, args.quiet),
        paint: paint(args.color, stderr),
        paint_stdout: paint(args.color, stdout),
        movable: stderr && std::env::var_os("TERM").is_none_or(|term| term != "dumb" && !term.is_empty()),
    }
}

/// The colours of the parser's own texts. They are needed before it has read the flags: `--color` is looked for in
/// what was typed.
pub fn color_of_help(typed: &[OsString]) -> ColorChoice {
    let typed: Vec<_> = typed.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--").collect();
    let mut asked = Color::Auto;
    for (at, arg) in typed.iter().enumerate() {
        let value = match arg.strip_prefix("--color") {
            Some("") => typed.get(at + 1).map(|value| value.as_ref()),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        asked = value.and_then(|value| Color::from_str(value, false).ok()).unwrap_or(asked);
    }
    match asked {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// Prints what a person may want to read.
pub fn tell(text: &str) {
    // Whoever closed stderr does not want to know.
    let _ = std::io::stderr().lock().write_all(words::printable_lines(text).as_bytes());
}

/// The rules of no-color.org and bixense.com/clicolors, as the argument parser has them.
fn paint(asked: Color, terminal: bool) -> Paint {
    let colored = match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if anstyle_query::no_color() => false,
        Color::Auto if anstyle_query::clicolor_force() => true,
        Color::Auto => {
            terminal && anstyle_query::clicolor().unwrap_or(true) && anstyle_query::term_supports_ansi_color()
        }
    };
    if colored { Paint::Ansi } else { Paint::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_color_of_help_is_the_last_one_asked_for() {
        let cases: [(&[&str], ColorChoice); 6] = [
            (&["run"], ColorChoice::Auto),
            (&["run", "--color", "always"], ColorChoice::Always),
            (&["--color=never", "--help"], ColorChoice::Never),
            (&["--color=never", "--color", "always"], ColorChoice::Always),
            (&["--color", "pink", "--colorful"], ColorChoice::Auto),
            (&["--", "--color=never"], ColorChoice::Auto),
        ];
        for (typed, expected) in cases {
            let typed: Vec<OsString> = typed.iter().map(OsString::from).collect();
            assert_eq!(color_of_help(&typed), expected, "{typed:?}");
        }
    }
}
