//! Flags that every command takes, before its name or behind it.

use clap::{ArgAction, Args, ValueEnum};

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Show a line for each request; twice, also each page and why a run does what it does
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Show errors and the result only; twice, nothing but the exit code
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub quiet: u8,
    /// Whether to use colors [default: auto]
    ///
    /// `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them everywhere.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: Color,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// In a terminal that has them.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}
