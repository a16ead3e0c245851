//! Every way in which a command can fail before or instead of having an outcome, typed; `words.rs` says them.

use std::path::PathBuf;

use sanderling_destination::{DestinationError, TargetError};
use sanderling_gate::{OriginError, RuleError, VaultError};

use crate::contract::Notice;
use crate::document::{Document, FormatError, Problem};
use crate::import::ImportError;
use crate::init::InitError;
use crate::run::plan::PlanError;
use crate::sandbox::{ListError, LoadError};
use crate::secrets::SecretError;
use crate::source::{ConnectorError, Ungranted};

/// A command that failed.
#[derive(Debug)]
pub enum Error {
    /// The config cannot be read from disk.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word for it.
        cause: String,
        /// A config that may have been meant.
        near: Option<String>,
    },
    /// A file cannot be written.
    Unwritable {
        /// The file, or its folder.
        path: PathBuf,
        /// The system's word for it.
        cause: String,
    },
    /// A file that is not to be overwritten.
    Exists {
        /// The file.
        path: PathBuf,
        /// Whether `--force` would overwrite it.
        force: bool,
    },
    /// A config that is made is written as YAML.
    NotYaml(PathBuf),
    /// Several configs cannot be one file.
    Several {
        /// The file.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// There is nothing to make a config of.
    Init(InitError),
    /// A question could not be asked.
    Unasked(String),
    /// A person broke off.
    Interrupted,
    /// Nothing can be imported from a file.
    Import {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: ImportError,
    },
    /// The fixed config cannot be put in place of the old one.
    Unwritten {
        /// The file.
        path: PathBuf,
        /// The system's word for it.
        cause: String,
    },
    /// The config's name says no format.
    Format(FormatError),
    /// The text is not in its format.
    Syntax {
        /// Names the file in messages.
        file_name: String,
        /// What it holds.
        text: String,
        /// All that is wrong, each with its place.
        problems: Vec<Problem>,
    },
    /// The config says what cannot be.
    Config {
        /// Where the problems are.
        document: Box<Document>,
        /// All of them.
        problems: Vec<Problem>,
    },
    /// `--frozen`, and a config that leaves something to be guessed.
    Guessed {
        /// Where it would be written.
        document: Box<Document>,
        /// All the guesses.
        notices: Vec<Notice>,
    },
    /// Secrets that cannot be had.
    Secrets(Vec<SecretError>),
    /// A secret that the vault does not take.
    Secret(VaultError),
    /// `allow` or `--allow` names no origin.
    Allow(RuleError),
    /// The connector wants to reach what is no origin.
    Origin(OriginError),
    /// A connector that is not built in wants to reach what the user has not allowed.
    Ungranted(Ungranted),
    /// Nothing that can be run.
    Plan(PlanError),
    /// The built-in connector cannot be loaded.
    Load(LoadError),
    /// There is no connector in a file.
    Connector {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ConnectorError,
    },
    /// The connector does not say what there is.
    List(ListError),
    /// `--to` or `to` names no destination.
    Target(TargetError),
    /// An option that would do nothing.
    Useless {
        /// Which.
        option: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The rows of several resources would be one stream.
    OneStream {
        /// All of them.
        resources: Vec<String>,
    },
    /// Columns are asked for where there are none.
    NoColumns {
        /// Where.
        target: String,
    },
    /// Columns are asked for of what was never loaded.
    Undiscovered {
        /// The config.
        config: PathBuf,
        /// Where they would be.
        target: String,
        /// The resources of which no row has come, where others have been loaded.
        resources: Vec<String>,
    },
    /// The destination failed.
    Destination(DestinationError),
    /// No pipeline is named, or several are meant.
    NoPipeline {
        /// Those that are there.
        known: Vec<String>,
    },
    /// A resource that the checkpoint does not know.
    NotRemembered {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Nothing of dlt's can be taken over.
    Adopt {
        /// Where it was looked for.
        target: String,
        /// Why.
        error: AdoptError,
    },
    /// A watermark that cannot be set.
    Edit {
        /// Of which resource.
        resource: String,
        /// Why.
        error: WatermarkError,
    },
    /// The demo API does not start.
    Demo(String),
    /// The result that `--json` promised could not be printed.
    Unprinted(String),
    /// The program's own runtime does not start.
    Runtime(String),
}

/// Why tables of dlt's are not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptError {
    /// dlt has left no state.
    NoDlt,
    /// None is named and there are several, or one that is not there.
    WhichPipeline {
        /// Those that are there.
        known: Vec<String>,
    },
    /// No resource has a table that is dlt's.
    NoTable {
        /// dlt's pipeline.
        pipeline: String,
        /// Its tables.
        tables: Vec<String>,
    },
    /// A resource has been loaded here before.
    Loaded {
        /// Its name.
        resource: String,
    },
    /// A resource is written in other columns than dlt's.
    OtherShape {
        /// Its name.
        resource: String,
    },
}

/// Why a watermark is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatermarkError {
    /// The resource is read as a whole.
    NotIncremental,
    /// A load of it is not finished.
    Unfinished,
    /// It has parents, and nothing is known of any of them, or not of this one.
    NoParent,
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<TargetError> for Error {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<DestinationError> for Error {
    fn from(error: DestinationError) -> Self {
        Self::Destination(error)
    }
}
