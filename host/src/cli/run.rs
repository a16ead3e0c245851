//! What `run` takes, and how a run is shown.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::SourceArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling run api.yaml                                into api.db, or where the config's `to` says
  sanderling run api.yaml --to jsonl:out                 into out/<resource>.jsonl
  sanderling run api.yaml --resource users --max-pages 1 --to sqlite:sample.db
  sanderling run api.yaml --dry-run                      what a run would make or change
  sanderling run api.yaml --retry-failed                 only the parents that failed last time
  sanderling run api.yaml --since 2024-05 --until 2024-06  a month of what is incremental, again
  sanderling run api.yaml --json --progress none         for programs: one document on stdout

A config:
  client:
    base_url: https://api.example.com
    auth: {type: bearer, token: \"${secrets.api_key}\"}
  resources:
    users: /v1/users
    projects: /v1/projects
    tasks: /v1/projects/{parent_id}/tasks

${secrets.api_key} is given by --secret, by the variable SANDERLING_SECRET_API_KEY, or by a
line in .sanderling/secrets.toml (mode 0600).

Exit codes: 0 complete; 2 config or usage; 3 credential; 4 try later; 5 data refused;
1 anything else; 130 interrupted. Of several, the first of 2, 3, 5, 4, 1.";

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What is read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where rows go: sqlite:FILE, duckdb:FILE, postgresql://..., adbc:DRIVER?..., jsonl:DIR, parquet:DIR or - (standard output) [default: the config's `to`, else sqlite:<name>.db here]
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,
    /// Where a jsonl destination keeps its state [default: DIR/.sanderling]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state: Option<PathBuf>,
    /// Start again, even if the last run broke off a moment ago
    #[arg(long)]
    pub fresh: bool,
    /// Read incremental resources from here on, as a backfill
    ///
    /// How far they had been read stays as it is. Rows that are there already are merged, or added once more.
    #[arg(long, value_name = "VALUE", conflicts_with = "retry_failed", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Read incremental resources up to here, as a backfill
    #[arg(long, value_name = "VALUE", conflicts_with = "retry_failed", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Read incremental resources from their beginning
    ///
    /// Once all is read, appended rows give way to the new ones. Merged rows are merged.
    #[arg(long, conflicts_with_all = ["since", "until", "retry_failed"])]
    pub full_refresh: bool,
    /// Refuse what the destination cannot do as the config says
    #[arg(long)]
    pub strict: bool,
    /// Take no guesses: what the config does not say is an error
    #[arg(long)]
    pub frozen: bool,
    /// Read only the parents whose rows could not be read in the last run
    #[arg(long, conflicts_with_all = ["fresh", "max_pages", "resources"])]
    pub retry_failed: bool,
    /// Read the first page of each resource, write nothing, and say what a run would make or change
    ///
    /// No file, folder, table or lock is made: not those of a destination that is not there either.
    #[arg(long, conflicts_with_all = ["retry_failed", "max_pages"])]
    pub dry_run: bool,
    /// Read at most so many pages of each resource
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pages: Option<u64>,
    /// How the run is shown.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// How a run is shown.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub progress: Progress,
    /// Print one JSON document of the result on stdout
    #[arg(long)]
    pub json: bool,
}

/// How progress is shown, on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars in a terminal, plain lines elsewhere.
    Auto,
    /// A bar for each resource.
    Bar,
    /// A line now and then.
    Plain,
    /// One JSON object a line, for programs; errors too.
    Json,
    /// Nothing.
    None,
}
