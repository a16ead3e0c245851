//! What `resources` takes.

use clap::Args;

use super::ConfigArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling resources api.yaml
  sanderling resources api.yaml --json | jq -r '.resources[].name'

Secrets are not needed, and nothing is sent.";

/// `resources`.
#[derive(Debug, Args)]
pub struct ResourcesArgs {
    /// Whose resources.
    #[command(flatten)]
    pub file: ConfigArgs,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}
