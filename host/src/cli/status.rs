//! What `status` takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling status                        every pipeline found in or below this folder
  sanderling status api.yaml               this config's, with what a next run would do
  sanderling status --to sqlite:api.db     every pipeline of this database
  sanderling status api.yaml --json

Nothing is sent, written or locked: it works while a run is under way. Secrets are not needed.";

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Whose state.
    #[command(flatten)]
    pub whose: WhoseArgs,
    /// Every pipeline of the target, not the config's alone; without either, those in and below this folder
    #[arg(long)]
    pub all: bool,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// Which pipelines are meant.
#[derive(Debug, Args)]
pub struct WhoseArgs {
    /// The config whose pipeline is meant [default: every pipeline that is found]
    #[arg(value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Its connector, if it is not built in: a WebAssembly component
    #[arg(long, value_name = "FILE", requires = "config", value_hint = ValueHint::FilePath)]
    pub connector: Option<PathBuf>,
    /// Where its rows went: sqlite:FILE, duckdb:FILE, postgresql://..., adbc:DRIVER?..., jsonl:DIR or parquet:DIR [default: as in `run`]
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,
    /// Where a jsonl destination keeps its state [default: DIR/.sanderling]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state: Option<PathBuf>,
}
