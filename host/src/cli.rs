//! The command line as it is typed: types for the argument parser, no behaviour; what one command takes is in its file.

#![allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "these comments are the help texts, which a terminal shows as they are"
)]

pub mod adopt;
pub mod check;
pub mod config;
pub mod connector;
pub mod demo;
pub mod global;
pub mod import;
pub mod init;
pub mod preview;
pub mod resources;
pub mod run;
pub mod schema;
pub mod shell;
pub mod source;
pub mod state;
pub mod status;

use clap::{Parser, Subcommand};

pub use adopt::AdoptArgs;
pub use check::CheckArgs;
pub use config::{ConfigCommand, ConfigShowArgs};
pub use connector::{ConnectorCommand, InspectArgs};
pub use demo::{DemoArgs, DemoCommand};
pub use global::{Color, GlobalArgs};
pub use import::{ImportArgs, ImportCommand};
pub use init::InitArgs;
pub use preview::PreviewArgs;
pub use resources::ResourcesArgs;
pub use run::{Progress, RunArgs, ShowArgs};
pub use schema::{SchemaArgs, SchemaFormat, SqlDialect};
pub use shell::{CompletionsArgs, ManArgs};
pub use source::{ConfigArgs, OpenArgs, SourceArgs};
pub use state::{StateCommand, StateEditArgs, StateResetArgs, StateShowArgs};
pub use status::{StatusArgs, WhoseArgs};

/// Pulls REST APIs into files and databases, with every connector locked in a WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "sanderling", bin_name = "sanderling", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
}

const EXAMPLES: &str = "\
Examples:
  sanderling demo                                read a built-in demo API into demo.db
  sanderling check api.yaml                      try a config, write nothing
  sanderling preview api.yaml users              look at the first rows
  sanderling run api.yaml --to jsonl:out         read it into out/<resource>.jsonl
  sanderling run api.yaml --secret api_key=file:key.txt

Exit codes: 0 complete; 2 config or usage; 3 credential; 4 try later; 5 data refused;
1 anything else; 130 interrupted. Of several, the first of 2, 3, 5, 4, 1.";

impl Cli {
    /// Whether a program waits for a document on stdout.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Run(args) => args.show.json,
            Command::Demo(args) => args.command.is_none() && args.show.json,
            Command::Resources(args) => args.json,
            Command::Schema(args) => args.json,
            Command::Connector(ConnectorCommand::Inspect(args)) => args.json,
            Command::Status(args) => args.json,
            Command::State(StateCommand::Show(args)) => args.json,
            Command::Init(_)
            | Command::Check(_)
            | Command::State(StateCommand::Reset(_) | StateCommand::Edit(_))
            | Command::Preview(_)
            | Command::Config(_)
            | Command::Import(_)
            | Command::Adopt(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }

    /// Whether a program reads stderr, line by line.
    pub fn wants_json_lines(&self) -> bool {
        match &self.command {
            Command::Run(args) => args.show.progress == Progress::Json,
            Command::Demo(args) => args.command.is_none() && args.show.progress == Progress::Json,
            _ => false,
        }
    }
}

// In the order of `--help`: what is typed daily, then what is looked up now and then, by noun, then the shell's.
/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a first config: asks the API for one page
    #[command(after_long_help = init::EXAMPLES)]
    Init(InitArgs),
    /// Try a config: its keys, its secrets, a page of each resource. Writes no rows
    #[command(after_long_help = check::EXAMPLES)]
    Check(CheckArgs),
    /// Show the first rows of a resource. Writes nothing
    #[command(after_long_help = preview::EXAMPLES)]
    Preview(PreviewArgs),
    /// Read a config's resources into a database or files
    #[command(after_long_help = run::EXAMPLES)]
    Run(RunArgs),
    /// Show where pipelines stand, and what a next run would do
    #[command(after_long_help = status::EXAMPLES)]
    Status(StatusArgs),
    /// Read the built-in demo API into demo.db, or serve it
    #[command(after_long_help = demo::EXAMPLES)]
    Demo(DemoArgs),
    /// List a config's resources, as they are read
    #[command(after_long_help = resources::EXAMPLES)]
    Resources(ResourcesArgs),
    /// Show the columns of what was loaded; also as JSON Schema, SQL, dlt's hints
    #[command(after_long_help = schema::EXAMPLES)]
    Schema(SchemaArgs),
    /// Look at what is remembered of the last runs, change or forget it
    #[command(subcommand)]
    State(StateCommand),
    /// Look at a config
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make a config of what another tool reads
    #[command(subcommand)]
    Import(ImportCommand),
    /// Take over the tables of a dlt pipeline, and go on where it stopped
    #[command(after_long_help = adopt::EXAMPLES)]
    Adopt(AdoptArgs),
    /// Look at connectors that are not built in
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Print a script that completes commands and flags in a shell
    #[command(after_long_help = shell::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    #[command(after_long_help = shell::MAN_EXAMPLES)]
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_behind_the_command() {
        for args in [["-v", "check", "c.yaml", "-v"], ["check", "-v", "-v", "c.yaml"]] {
            let cli = Cli::try_parse_from([&["sanderling"][..], &args].concat()).unwrap();
            assert!(cli.global.verbose >= 1, "{args:?}");
        }
        let cli = Cli::try_parse_from(["sanderling", "run", "c.yaml", "--color", "never", "-qq"]).unwrap();
        assert_eq!((cli.global.color, cli.global.quiet), (super::Color::Never, 2));
    }

    #[test]
    fn every_command_shows_examples() {
        fn walk(command: &clap::Command, path: &str) {
            for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
                let path = format!("{path} {}", below.get_name());
                // A command that only holds others shows theirs.
                if below.has_subcommands() && below.get_arguments().next().is_none() {
                    walk(below, &path);
                    continue;
                }
                let after = below.get_after_long_help().or(below.get_after_help());
                let shown = after.map(ToString::to_string).unwrap_or_default();
                assert!(shown.contains("Examples:\n"), "{path}: {shown}");
                for line in shown.lines().filter(|line| line.starts_with("  sanderling ")) {
                    assert!(line.starts_with(&format!("  {path}")), "{path}: {line}");
                    let words = line.split("  ").find(|part| !part.is_empty()).unwrap_or_default();
                    let words: Vec<&str> =
                        words.split_whitespace().take_while(|word| !matches!(*word, "|" | ">")).collect();
                    let parsed = Cli::try_parse_from(&words);
                    assert!(parsed.is_ok(), "{words:?}: {}", parsed.unwrap_err());
                }
                walk(below, &path);
            }
        }
        walk(&Cli::command(), "sanderling");
    }
}
