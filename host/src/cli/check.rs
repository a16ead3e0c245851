//! What `check` takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::SourceArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling check api.yaml
  sanderling check api.yaml --resource users --secret api_key=env:API_KEY
  sanderling check api.yaml --fix       write what was guessed into api.yaml; comments stay
  sanderling check api.yaml --openapi openapi.yaml

Exit codes: 0 good; 2 config or usage; 3 credential; 4 try later; 5 data refused; 1 anything else.
Of several, the first of 2, 3, 5, 4, 1.

`sanderling run --help` shows a config.";

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is checked.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Write what was guessed into the config, and leave all else in it as it is
    #[arg(long, conflicts_with = "frozen")]
    pub fix: bool,
    /// Take no guesses: what the config does not say is an error
    #[arg(long)]
    pub frozen: bool,
    /// Compare the columns that come with those that an OpenAPI file documents
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub openapi: Option<PathBuf>,
    /// Print one JSON document of the result on stdout
    #[arg(long)]
    pub json: bool,
}
