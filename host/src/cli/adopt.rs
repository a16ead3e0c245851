//! What `adopt` takes.

use clap::Args;

use super::source::ConfigArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling adopt tracker.yaml --to 'duckdb:tracker.duckdb?schema=tracker_data'
  sanderling adopt tracker.yaml --to 'postgresql://me@db/app?schema=tracker_data'

The schema is dlt's dataset. Rows stay where they are; the next run goes on from what dlt had read
last, in the same tables. dlt must not load them any more.";

/// `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// The config that goes on with dlt's work.
    #[command(flatten)]
    pub file: ConfigArgs,
    /// The database that dlt loaded: duckdb:FILE?schema=DATASET, postgresql://...?schema=DATASET or sqlite:FILE [default: the config's `to`]
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,
    /// Which of dlt's pipelines, where there are several
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,
}
