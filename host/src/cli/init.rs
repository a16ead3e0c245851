//! What `init` takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::init::Auth;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling init https://api.example.com/v1/users
  sanderling init https://api.example.com/v1 --path users --auth bearer --secret token=env:TOKEN
  sanderling init --curl - -o users.yaml                   reads a curl line from stdin
  sanderling init --openapi openapi.yaml --path /users

In a terminal it asks for what is not said; elsewhere, and with --yes, it takes what it can see.
A key that it is given is kept in .sanderling/secrets.toml, for you alone, never in the config.

Exit codes: 0 the config is written; 2 the command is wrong, or the file is there already;
3 credential; 4 try later; 5 data refused; 1 anything else.";

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where the API is: a whole address, such as https://api.example.com/v1/users
    #[arg(value_hint = ValueHint::Url)]
    pub address: Option<String>,
    /// The path of what to read, where the address ends before it
    #[arg(long)]
    pub path: Option<String>,
    /// Take the request from a curl line; `-` reads it from stdin, where other users cannot see it
    #[arg(long, value_name = "LINE", conflicts_with_all = ["address", "path", "openapi"])]
    pub curl: Option<String>,
    /// Take address and auth from an OpenAPI file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub openapi: Option<PathBuf>,
    /// How requests are authorized: bearer, basic, header:NAME or query:NAME
    #[arg(long, value_name = "KIND", value_parser = Auth::parse)]
    pub auth: Option<Auth>,
    /// Where a secret comes from: NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND
    ///
    /// The names are token (bearer), api_key (header, query), username and password (basic).
    #[arg(long = "secret", value_name = "NAME=SOURCE")]
    pub secrets: Vec<String>,
    /// The config to write
    #[arg(short, long, value_name = "FILE", default_value = "api.yaml", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Ask nothing
    #[arg(short, long)]
    pub yes: bool,
    /// Send secrets over plain http to other machines too
    ///
    /// Anyone on the way can read them.
    #[arg(long)]
    pub plaintext_secrets: bool,
}
