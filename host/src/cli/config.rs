//! What `config …` takes.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// Shown under the long help of `show`.
pub const SHOW_EXAMPLES: &str = "\
Examples:
  sanderling config show api.toml
  sanderling config show api.yaml | jq .limits

Credentials are hidden; references such as ${secrets.api_key} stay. Nothing is sent.";

/// What can be done with a config.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a config as it is understood, defaults filled in, as JSON
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(ConfigShowArgs),
}

/// `config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Which config.
    #[command(flatten)]
    pub file: ConfigArgs,
}
