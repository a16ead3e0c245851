//! What `import …` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Shown under the long help of `dlt`.
pub const DLT_EXAMPLES: &str = "\
Examples:
  sanderling import dlt pipeline.py > api.yaml
  sanderling import dlt pipeline.py -o api.yaml
  sanderling import dlt pipeline.py -o configs/     one file for each source

The Python is read, never run. What has no form in a config is named with its line.

Exit codes: 0 all is carried over; 5 something is not: read the lines; 2 the config is not one
that runs, or the command is wrong.";

/// Shown under the long help of `airbyte`.
pub const AIRBYTE_EXAMPLES: &str = "\
Examples:
  sanderling import airbyte manifest.yaml > api.yaml
  sanderling import airbyte manifest.yaml -o api.yaml

What a manifest asks its user for becomes a secret. What has no form in a config is named with its line.

Exit codes: 0 all is carried over; 5 something is not: read the lines; 2 the config is not one
that runs, or the command is wrong.";

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Make a config of the rest_api_source in a dlt pipeline
    #[command(after_long_help = DLT_EXAMPLES)]
    Dlt(ImportArgs),
    /// Make a config of the manifest of an Airbyte low-code connector
    #[command(after_long_help = AIRBYTE_EXAMPLES)]
    Airbyte(ImportArgs),
}

/// `import …`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What to read
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Write into this file, or one file for each source into this folder, instead of to stdout
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,
    /// Overwrite what is there
    #[arg(long, requires = "output")]
    pub force: bool,
}
