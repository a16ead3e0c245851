//! What commands take that open a config.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// A config alone: what commands take that send nothing.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The config: YAML, JSON or TOML, in the shape of dlt's rest_api source
    #[arg(value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// A connector that is not built in: a WebAssembly component
    ///
    /// The config is then what that connector takes, beside Sanderling's own keys. It reaches only what is allowed.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub connector: Option<PathBuf>,
}

/// A config, what is added to it to read it, and which of its resources.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Only this resource (may be repeated); parents are read along as needed
    #[arg(long = "resource", value_name = "NAME")]
    pub resources: Vec<String>,
    /// What is opened.
    #[command(flatten)]
    pub open: OpenArgs,
}

impl std::ops::Deref for SourceArgs {
    type Target = OpenArgs;

    fn deref(&self) -> &OpenArgs {
        &self.open
    }
}

/// A config, and what is added to it to read it.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// Which config.
    #[command(flatten)]
    pub file: ConfigArgs,
    /// Where a secret comes from: NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND
    #[arg(long = "secret", value_name = "NAME=SOURCE")]
    pub secrets: Vec<String>,
    /// An origin that requests may go to beside the config's own, such as https://files.example.com
    ///
    /// A connector that is not built in may reach no other. It may send GET and HEAD; 'POST https://files.example.com'
    /// lets it send POST there too.
    #[arg(long = "allow", value_name = "ORIGIN")]
    pub allow: Vec<String>,
    /// Send secrets over plain http to other machines too
    ///
    /// Anyone on the way can read them.
    #[arg(long)]
    pub plaintext_secrets: bool,
}
