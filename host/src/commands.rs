//! The commands, one file each, and what they share: reading the config's file, and the folder of compiled components.

pub mod adopt;
pub mod ask;
pub mod candidates;
pub mod check;
pub mod config;
pub mod connector;
pub mod demo;
pub mod dry_run;
pub mod import;
pub mod init;
pub mod pipelines;
pub mod preview;
pub mod resources;
pub mod run;
pub mod schema;
pub mod shell;
pub mod state;
pub mod status;
pub mod terminal;

use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use etcetera::BaseStrategy;
use serde_json::Value;

use crate::cli::{
    Cli, Command, ConfigArgs, ConfigCommand, ImportCommand, OpenArgs, SourceArgs, StateCommand,
};
use crate::contract::Notice;
use crate::document::{self, Document, Format};
use crate::error::Error;
use crate::report;
use crate::run::outcome::RunNotice;
use crate::source::{Request, Source};
use crate::words::{self, exit};

/// Runs a command and gives its exit code.
pub async fn execute(cli: Cli) -> Result<u8, Error> {
    let show = terminal::show(&cli.global);
    match cli.command {
        Command::Init(args) => init::init(&args, show).await,
        Command::Check(args) => check::check(&args, show).await,
        Command::Preview(args) => preview::preview(&args, show).await,
        Command::Run(args) => run::run(&args, show).await,
        Command::Demo(args) => demo::demo(&args, show).await,
        Command::Resources(args) => resources::resources(&args, show).await,
        Command::Schema(args) => schema::schema(&args, show).await,
        Command::Config(ConfigCommand::Show(args)) => config::show(&args).await,
        Command::Config(ConfigCommand::Schema) => config::schema(),
        Command::Import(ImportCommand::Dlt(args)) => import::dlt(&args, show).await,
        Command::Import(ImportCommand::Airbyte(args)) => import::airbyte(&args, show).await,
        Command::Adopt(args) => adopt::adopt(&args, show).await,
        Command::Connector(command) => connector::connector(&command, show),
        Command::Status(args) => status::status(&args, show).await,
        Command::State(StateCommand::Show(args)) => state::show(&args, show).await,
        Command::State(StateCommand::Edit(args)) => state::edit(&args, show).await,
        Command::State(StateCommand::Reset(args)) => state::reset(&args, show).await,
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}

/// Prints help and the version, which are no errors, or what is wrong with the command line; gives the exit code.
pub fn refuse(usage: &clap::Error) -> u8 {
    let _ = usage.print();
    if !usage.use_stderr() {
        return exit::COMPLETE;
    }
    let mut words = words::of_usage(&usage.to_string());
    if lacks_config(usage) {
        words.hints.extend(words::hint_for_no_config(&candidates::configs(Path::new("."))));
        terminal::tell(&words.hints.iter().map(|hint| format!("\nhint: {hint}\n")).collect::<String>());
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let _ = report::print(&format!("{:#}\n", report::document_of_error(&words)));
    }
    words.code
}

fn lacks_config(usage: &clap::Error) -> bool {
    let lacking = usage.get(ContextKind::InvalidArg);
    usage.kind() == ErrorKind::MissingRequiredArgument
        && matches!(lacking, Some(ContextValue::Strings(names)) if names.iter().any(|name| name == "<CONFIG>"))
}

/// Prints on stdout what was asked for. A reader that goes away early has had enough.
fn print(bytes: &[u8]) -> Result<u8, Error> {
    match report::print_bytes(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Unprinted(error.to_string()))
        }
        _ => Ok(exit::COMPLETE),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let near = if missing { candidates::near(path) } else { None };
        Error::Unreadable { path: path.to_owned(), cause: words::of_io(&error), near }
    })
}

/// A file of another tool's, whose format is in its name.
fn foreign(path: &Path) -> Result<Value, Error> {
    let text = read(path)?;
    let format = Format::of(path).map_err(Error::Format)?;
    let file_name = path.display().to_string();
    match document::parse_foreign(&file_name, &text, format) {
        Ok(document) => Ok(document.value),
        Err(problems) => Err(Error::Syntax { file_name, text, problems }),
    }
}

/// What the connector said of a config, with the lines that would settle what it guessed.
fn notices(source: &Source) -> Vec<RunNotice> {
    said(&source.notices, &source.document)
}

fn said(notices: &[Notice], config: &Document) -> Vec<RunNotice> {
    let said = |notice: &Notice| RunNotice::Connector {
        resource: String::new(),
        notice: words::settled(notice.clone(), config),
    };
    notices.iter().map(said).collect()
}

/// The same for what is said in the course of a run.
fn settled(notice: RunNotice, source: &Source) -> RunNotice {
    match notice {
        RunNotice::Connector { resource, notice } => {
            RunNotice::Connector { resource, notice: words::settled(notice, &source.document) }
        }
        other => other,
    }
}

/// Refuses a config that leaves something to be guessed.
fn refuse_guesses(source: &Source) -> Result<(), Error> {
    let notices: Vec<Notice> =
        source.notices.iter().filter(|notice| !notice.settles.is_empty()).cloned().collect();
    if notices.is_empty() {
        return Ok(());
    }
    Err(Error::Guessed { document: Box::new(source.document.clone()), notices })
}

/// The user's cache folder; components are compiled anew where there is none.
fn cache_dir() -> Option<PathBuf> {
    user_dir("components")
}

/// A folder of the user's cache.
fn user_dir(name: &str) -> Option<PathBuf> {
    let dirs = etcetera::choose_base_strategy().ok()?;
    Some(dirs.cache_dir().join("sanderling").join(name))
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn request<'a>(args: &'a SourceArgs, text: &'a str) -> Request<'a> {
    request_of(&args.open, &args.resources, text)
}

fn request_of<'a>(args: &'a OpenArgs, resources: &'a [String], text: &'a str) -> Request<'a> {
    Request {
        path: &args.file.config,
        text,
        connector: args.file.connector.as_deref(),
        resources,
        range: false,
        to: None,
        secrets: &args.secrets,
        allow: &args.allow,
        plaintext_secrets: args.plaintext_secrets,
        env: &env,
        dir: Path::new("."),
        cache_dir: cache_dir(),
    }
}

/// The same for a command that sends nothing.
fn request_of_config<'a>(args: &'a ConfigArgs, text: &'a str) -> Request<'a> {
    Request {
        path: &args.config,
        text,
        connector: args.connector.as_deref(),
        resources: &[],
        range: false,
        to: None,
        secrets: &[],
        allow: &[],
        plaintext_secrets: false,
        env: &env,
        dir: Path::new("."),
        cache_dir: cache_dir(),
    }
}
