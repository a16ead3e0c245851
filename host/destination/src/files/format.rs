//! What files of rows are made of: lines, or columns.

use serde::{Deserialize, Serialize};

use crate::jsonl::{self, Lines};
use crate::objects::Objects;
use crate::parquet::{self, Parquet};

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// A line a row; in a folder one file a resource.
    #[serde(rename = "jsonl")]
    Lines,
    /// Parquet, a folder of files a resource.
    #[serde(rename = "parquet")]
    Parquet,
}

impl Form {
    /// The name of its journal in the state folder.
    pub(crate) fn journal(self) -> &'static str {
        match self {
            Self::Lines => jsonl::JOURNAL,
            Self::Parquet => parquet::JOURNAL,
        }
    }

    /// What names of files end in; also the scheme of targets.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Lines => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

/// The open loads, by what is written.
#[derive(Debug)]
pub(crate) enum Format {
    Lines(Lines),
    Parquet(Parquet),
    /// Either, in a store.
    Objects(Objects),
}

/// Calls the same of whichever it is.
macro_rules! each {
    ($format:expr, $it:ident => $call:expr) => {
        match $format {
            Format::Lines($it) => $call,
            Format::Parquet($it) => $call,
            Format::Objects($it) => $call,
        }
    };
}
pub(super) use each;
