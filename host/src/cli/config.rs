//! What `config …` takes.

use clap::{Args, Subcommand};

use super::ConfigArgs;

/// Shown under the long help of `show`.
pub const SHOW_EXAMPLES: &str = "\
Examples:
  sanderling config show api.toml
  sanderling config show api.yaml | jq .limits

Credentials are hidden; references such as ${secrets.api_key} stay. Nothing is sent.";

/// Shown under the long help of `schema`.
pub const SCHEMA_EXAMPLES: &str = "\
Examples:
  sanderling config schema > sanderling.schema.json

A YAML config names it in its first line: # yaml-language-server: $schema=sanderling.schema.json";

/// What can be done with a config.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a config as it is understood, defaults filled in, as JSON
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(ConfigShowArgs),
    /// Print the JSON Schema of a config, from which editors complete and check
    #[command(after_long_help = SCHEMA_EXAMPLES)]
    Schema,
}

/// `config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Which config.
    #[command(flatten)]
    pub file: ConfigArgs,
}
