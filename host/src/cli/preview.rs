//! What `preview` takes.

use clap::Args;

use super::source::OpenArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling preview api.yaml users             a table of the first 20 rows
  sanderling preview api.yaml tasks -n 100 | jq .name

In a pipe each row is a line of JSON, as `run` would write it.

Exit codes: 0 shown; 2 config or usage; 3 credential; 4 try later; 5 data refused; 1 anything else.";

/// `preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// What is read.
    #[command(flatten)]
    pub open: OpenArgs,
    /// Whose rows; parents are read along as needed
    pub resource: String,
    /// How many rows
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub rows: u64,
    /// Print rows as lines of JSON in a terminal too
    #[arg(long)]
    pub json: bool,
}
