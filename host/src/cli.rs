//! The command line as it is typed: types for the argument parser, no behaviour.

#![allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "these comments are the help texts, which a terminal shows as they are"
)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Pulls REST APIs into files and databases, with every connector locked in a WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "sanderling", bin_name = "sanderling", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sanderling demo                                read a built-in demo API into demo.db
  sanderling check api.yaml                      try a config, write nothing
  sanderling run api.yaml --to jsonl:out         read it into out/<resource>.jsonl
  sanderling run api.yaml --secret api_key=file:key.txt

Exit codes: 0 complete; 2 config or usage; 3 credential; 4 try later; 5 data refused;
1 anything else; 130 interrupted. Of several, the first of 2, 3, 5, 4, 1.";

const CONFIG: &str = "\
A config:
  client:
    base_url: https://api.example.com
    auth: {type: bearer, token: \"${secrets.api_key}\"}
  resources:
    users: /v1/users
    projects: /v1/projects
    tasks: /v1/projects/{parent_id}/tasks

${secrets.api_key} is given by --secret, by the environment variable SANDERLING_SECRET_API_KEY, or by a line
in .sanderling/secrets.toml (mode 0600).";

impl Cli {
    /// Whether a program waits for a document on stdout.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Run(args) => args.show.json,
            Command::Demo(args) => args.command.is_none() && args.show.json,
            Command::Check(_) => false,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try a config: its keys, its secrets, one page of each resource without a parent. Writes nothing.
    #[command(after_help = CONFIG)]
    Check(CheckArgs),
    /// Read a config's resources into a database or files.
    #[command(after_help = CONFIG)]
    Run(RunArgs),
    /// Read the built-in demo API into demo.db, or serve it.
    Demo(DemoArgs),
}

/// What `check` and `run` share.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// The config: JSON or YAML, in the shape of dlt's rest_api source.
    pub config: PathBuf,
    /// Only these resources; parents are read along as needed.
    #[arg(long = "resource", value_name = "NAME")]
    pub resources: Vec<String>,
    /// Where a secret comes from: NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND.
    #[arg(long = "secret", value_name = "NAME=SOURCE")]
    pub secrets: Vec<String>,
    /// An origin that requests may go to beside the config's own, such as https://files.example.com.
    #[arg(long = "allow", value_name = "ORIGIN")]
    pub allow: Vec<String>,
    /// Send secrets over plain http to other machines too. Anyone on the way can read them.
    #[arg(long)]
    pub plaintext_secrets: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is checked.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What is read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where rows go: sqlite:FILE or jsonl:DIR [default: the config's `to`, else sqlite:<name>.db here].
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,
    /// Where a jsonl destination keeps its state [default: DIR/.sanderling].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Start again, even if the last run broke off a moment ago.
    #[arg(long)]
    pub fresh: bool,
    /// Read at most so many pages of each resource.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pages: Option<u64>,
    /// How the run is shown.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// How a run is shown.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// How progress is shown.
    #[arg(long, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub progress: Progress,
    /// Print one JSON document of the result on stdout.
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
    /// Nothing.
    None,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// What to do with the demo API.
    #[command(subcommand)]
    pub command: Option<DemoCommand>,
    /// How the run is shown.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// What `demo` can do beside running.
#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Serve the demo API on loopback until Ctrl-C, and print a config for it.
    Serve {
        /// The port [default: a free one].
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        port: u16,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
