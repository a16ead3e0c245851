//! The commands, one file each, and what they share: reading the config's file, and the folder of compiled components.

pub mod check;
pub mod demo;
pub mod run;

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::cli::{Cli, Command, SourceArgs};
use crate::error::Error;
use crate::source::Request;
use crate::words;

/// Runs a command and gives its exit code.
pub async fn execute(cli: Cli) -> Result<u8, Error> {
    match cli.command {
        Command::Check(args) => check::check(&args).await,
        Command::Run(args) => run::run(&args).await,
        Command::Demo(args) => demo::demo(&args).await,
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::Unreadable { path: path.to_owned(), cause: words::of_io(&error) })
}

/// The user's cache folder; components are compiled anew where there is none.
fn cache_dir() -> Option<PathBuf> {
    let dirs = etcetera::choose_base_strategy().ok()?;
    Some(dirs.cache_dir().join("sanderling").join("components"))
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn request<'a>(args: &'a SourceArgs, text: &'a str) -> Request<'a> {
    Request {
        path: &args.config,
        text,
        resources: &args.resources,
        secrets: &args.secrets,
        allow: &args.allow,
        plaintext_secrets: args.plaintext_secrets,
        env: &env,
        dir: Path::new("."),
        cache_dir: cache_dir(),
    }
}
