//! What files of rows are made of: lines, or columns.

use crate::jsonl::{self, Lines};
use crate::parquet::{self, Parquet};

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line a row, one file a resource.
    Lines,
    /// Parquet, a folder of files a resource.
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
}

/// The open loads, by what is written.
#[derive(Debug)]
pub(crate) enum Format {
    Lines(Lines),
    Parquet(Parquet),
}

/// Calls the same of whichever it is.
macro_rules! each {
    ($format:expr, $it:ident => $call:expr) => {
        match $format {
            Format::Lines($it) => $call,
            Format::Parquet($it) => $call,
        }
    };
}
pub(super) use each;
