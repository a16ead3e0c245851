//! What `connector …` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Shown under the long help of `inspect`.
pub const INSPECT_EXAMPLES: &str = "\
Examples:
  sanderling connector inspect weather.wasm
  sanderling connector inspect weather.wasm --json | jq -r .sha256";

/// What can be done with a component.
#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// Show what a component exports and imports, and whether it is a connector
    #[command(after_long_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
}

/// `connector inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The component's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}
