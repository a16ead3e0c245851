//! What the commands take that are about the checkpoint.

use clap::{Args, Subcommand};

use super::status::WhoseArgs;

/// Shown under the long help of `show`.
pub const SHOW_EXAMPLES: &str = "\
Examples:
  sanderling state show api.yaml
  sanderling state show --to jsonl:out --json

Secrets do not stand in it: only the names by which the config refers to them.";

/// Shown under the long help of `reset`.
pub const RESET_EXAMPLES: &str = "\
Examples:
  sanderling state reset api.yaml                      all of it
  sanderling state reset api.yaml --resource tasks     of one resource
  sanderling state reset --to sqlite:api.db --pipeline api

What a run that broke off has half-written is taken back. What is complete stays: where rows are
appended, the next run adds them once more.";

/// Shown under the long help of `edit`.
pub const EDIT_EXAMPLES: &str = "\
Examples:
  sanderling state edit api.yaml --resource tasks --watermark 2024-06-01
  sanderling state edit api.yaml --resource notes --watermark 1200 --parent 7

The next run reads from that value on, rows that have it among them: where rows are appended, those
that are there already come once more.";

/// `state`.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Show what is remembered of the last runs
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(StateShowArgs),
    /// Set up to where an incremental resource counts as read
    #[command(after_long_help = EDIT_EXAMPLES)]
    Edit(StateEditArgs),
    /// Forget it: the next run reads anew
    #[command(after_long_help = RESET_EXAMPLES)]
    Reset(StateResetArgs),
}

/// `state show`.
#[derive(Debug, Args)]
pub struct StateShowArgs {
    /// Whose state.
    #[command(flatten)]
    pub whose: WhoseArgs,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `state edit`.
#[derive(Debug, Args)]
pub struct StateEditArgs {
    /// Whose state.
    #[command(flatten)]
    pub whose: WhoseArgs,
    /// The resource
    #[arg(long, value_name = "NAME")]
    pub resource: String,
    /// The value up to which it counts as read: a number, a time or a text, as its rows have it
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub watermark: String,
    /// Of this parent alone, named by what its rows are asked for with [default: of all that are known]
    #[arg(long, value_name = "KEY")]
    pub parent: Option<String>,
}

/// `state reset`.
#[derive(Debug, Args)]
pub struct StateResetArgs {
    /// Whose state.
    #[command(flatten)]
    pub whose: WhoseArgs,
    /// Which pipeline of the target, where there are several
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
    /// Only this resource (may be repeated)
    #[arg(long = "resource", value_name = "NAME")]
    pub resources: Vec<String>,
}
