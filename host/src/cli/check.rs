//! What `check` takes.

use clap::Args;

use super::SourceArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling check api.yaml
  sanderling check api.yaml --resource users --secret api_key=env:API_KEY

Exit codes: 0 good; 2 config or usage; 3 credential; 4 try later; 5 data refused; 1 anything else.

`sanderling run --help` shows a config.";

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is checked.
    #[command(flatten)]
    pub source: SourceArgs,
}
