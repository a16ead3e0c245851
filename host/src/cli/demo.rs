//! What `demo` takes.

use clap::{Args, Subcommand};

use super::ShowArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling demo                       read it into demo.db; a second time merges, and doubles nothing
  sanderling demo serve > demo.yaml     serve it until Ctrl-C, and make a config that reads it";

/// Shown under the long help of `serve`.
pub const SERVE_EXAMPLES: &str = "\
Examples:
  sanderling demo serve > demo.yaml
  sanderling demo serve --port 8080";

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
    /// Serve the demo API on loopback until Ctrl-C, and print a config for it
    #[command(after_long_help = SERVE_EXAMPLES)]
    Serve {
        /// The port [default: a free one]
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        port: u16,
    },
}
