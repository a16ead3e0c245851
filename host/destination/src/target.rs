//! What a user writes to say where rows go: `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:s3://…` or `-`.

use std::path::{Path, PathBuf};

use crate::files::Form;
use crate::postgres::{AddressError, PostgresAddress};
use crate::sql::adbc::{AdbcAddress, AdbcAddressError};
use crate::store::{StoreAddress, StoreAddressError};
use crate::table::Table;

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Tables of one database file, the checkpoint among them.
    Sqlite {
        /// The database; made, with its folders, if it is not there.
        path: PathBuf,
    },
    /// Tables of a PostgreSQL database, the checkpoint among them.
    Postgres {
        /// Which, and who logs in.
        address: Box<PostgresAddress>,
    },
    /// One file of rows a resource.
    Jsonl {
        /// Holds `<resource>.jsonl`.
        dir: PathBuf,
        /// Holds the checkpoint and whatever is not yet whole. Best on the file system of `dir`: a finished file is then
        /// put in its place without a copy.
        state_dir: PathBuf,
    },
    /// Parquet files, a folder a resource.
    Parquet {
        /// Holds `<resource>/*.parquet` and `manifest.json`.
        dir: PathBuf,
        /// As that of `Jsonl`.
        state_dir: PathBuf,
    },
    /// Files in an object store, the checkpoint among them.
    Store {
        /// What they are.
        form: Form,
        /// Where, and who writes them.
        address: Box<StoreAddress>,
    },
    /// Tables of a database that an ADBC driver speaks to, the checkpoint among them.
    Adbc {
        /// Which driver, and what it is told.
        address: Box<AdbcAddress>,
    },
    /// Standard output; no checkpoint.
    Stdout,
    /// Tables of one DuckDB file, the checkpoint among them.
    DuckDb {
        /// The database; made, with its folders, if it is not there.
        path: PathBuf,
        /// The schema that they are in, made if it is not there; none: `main`.
        schema: Option<String>,
        /// DuckDB's library; none: the driver that is installed.
        driver: Option<PathBuf>,
        /// What it may take of the machine.
        limits: DuckDbLimits,
    },
}

/// What DuckDB may take of the machine while a run writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DuckDbLimits {
    /// Its `memory_limit`, a size as it reads them (`2GB`): what is more goes to a folder beside the file. None: 512 MiB.
    pub memory_limit: Option<String>,
    /// Threads, at least one. None: one for each core, but no more than four, for which the memory suffices.
    pub threads: Option<usize>,
}

/// Why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No `scheme:` in front.
    #[error(
        "`{text}` does not say what kind of destination it is; write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`"
    )]
    NoScheme {
        /// What was written.
        text: String,
    },
    /// A scheme that is none of ours.
    #[error("`{scheme}:` is no destination; {}write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`", did_you_mean(*.nearest))]
    UnknownScheme {
        /// What was written before the colon.
        scheme: String,
        /// The scheme that was probably meant.
        nearest: Option<&'static str>,
    },
    /// Nothing, or nothing that can be kept, after the colon.
    #[error("`{scheme}:` names no file or folder; write `{}`", form(.scheme))]
    NoPath {
        /// What was written before the colon.
        scheme: &'static str,
    },
    /// `postgresql:…` that is no address of a database.
    #[error("this is no address of a PostgreSQL database: {0}")]
    Address(#[from] AddressError),
    /// `adbc:…` that says no driver, or tells it what cannot be.
    #[error("this is no address for a driver: {0}")]
    Adbc(#[from] AdbcAddressError),
    /// Something behind the `?` of `duckdb:FILE?…`.
    #[error(
        "`{text}` says nothing to DuckDB; write `duckdb:FILE?` and then `schema=NAME`, `driver=LIBRARY`, `memory_limit=2GB` or `threads=2`, with `&` between"
    )]
    Parameter {
        /// What was written.
        text: String,
    },
    /// `s3:…` that is no address in a store.
    #[error("this is no address in an object store: {0}")]
    Store(#[from] StoreAddressError),
    /// `sqlite://…`: programs differ over what the slashes mean, so that the rows could end up in either of two places.
    #[error("`{text}` can be read as two paths; write `{}` without `//`", form(.scheme))]
    Url {
        /// What was written before the colon.
        scheme: &'static str,
        /// What was written.
        text: String,
    },
}

const SCHEMES: [&str; 7] = ["sqlite", "duckdb", "adbc", "postgresql", "postgres", "jsonl", "parquet"];

/// Other words for the same things.
const ALIASES: [(&str, &str); 9] = [
    ("pg", "postgresql"),
    ("pgsql", "postgresql"),
    ("sqlite3", "sqlite"),
    ("db", "sqlite"),
    ("sql", "sqlite"),
    ("json", "jsonl"),
    ("ndjson", "jsonl"),
    ("file", "jsonl"),
    ("pq", "parquet"),
];

impl Target {
    /// Whether rows are files there, in a folder or a store.
    #[must_use]
    pub fn is_files(&self) -> bool {
        matches!(self, Self::Jsonl { .. } | Self::Parquet { .. } | Self::Store { .. })
    }

    /// What is asked of a table that cannot be done there, in words. Nothing is opened.
    #[must_use]
    pub fn cannot(&self, table: &Table) -> Option<&'static str> {
        if self.is_files() || *self == Self::Stdout { table.beyond_files() } else { None }
    }

    /// Whether rows become columns there.
    #[must_use]
    pub fn has_columns(&self) -> bool {
        match self {
            Self::Sqlite { .. }
            | Self::Postgres { .. }
            | Self::DuckDb { .. }
            | Self::Adbc { .. }
            | Self::Parquet { .. } => true,
            Self::Store { form, .. } => *form == Form::Parquet,
            Self::Jsonl { .. } | Self::Stdout => false,
        }
    }

    /// Reads any of the forms; files keep their state in `DIR/.sanderling`.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text == "-" {
            return Ok(Self::Stdout);
        }
        let Some((scheme, path)) = text.split_once(':') else {
            return Err(TargetError::NoScheme { text: text.to_owned() });
        };
        let Some(scheme) = SCHEMES.into_iter().find(|known| *known == scheme) else {
            return Err(TargetError::UnknownScheme { scheme: scheme.to_owned(), nearest: nearest(scheme) });
        };
        if scheme.starts_with("postgres") {
            return Ok(Self::Postgres { address: Box::new(PostgresAddress::parse(text)?) });
        }
        if scheme == "adbc" {
            return Ok(Self::Adbc { address: Box::new(AdbcAddress::parse(text)?) });
        }
        let form = match scheme {
            "jsonl" => Some(Form::Lines),
            "parquet" => Some(Form::Parquet),
            _ => None,
        };
        if let Some((form, address)) = form.and_then(|form| Some((form, StoreAddress::parse(path)?))) {
            return Ok(Self::Store { form, address: Box::new(address?) });
        }
        if path.starts_with("//") {
            return Err(TargetError::Url { scheme, text: text.to_owned() });
        }
        // A database in memory would be gone with the process, and the checkpoint with it.
        if path.trim().is_empty() || path == ":memory:" {
            return Err(TargetError::NoPath { scheme });
        }
        let state_dir = default_state_dir(Path::new(path));
        Ok(match scheme {
            "sqlite" => Self::Sqlite { path: PathBuf::from(path) },
            "duckdb" => {
                let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
                let (mut schema, mut driver, mut limits) = (None, None, DuckDbLimits::default());
                for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
                    match parameter.split_once('=') {
                        Some(("schema", name)) if !name.is_empty() => schema = Some(name.to_owned()),
                        Some(("driver", library)) if !library.is_empty() => driver = Some(library.into()),
                        Some(("memory_limit", size)) if !size.is_empty() => {
                            limits.memory_limit = Some(size.to_owned());
                        }
                        Some(("threads", count)) if count.parse().is_ok_and(|count: usize| count > 0) => {
                            limits.threads = count.parse().ok();
                        }
                        _ => return Err(TargetError::Parameter { text: parameter.to_owned() }),
                    }
                }
                Self::DuckDb { path: PathBuf::from(path), schema, driver, limits }
            }
            "parquet" => Self::Parquet { state_dir, dir: PathBuf::from(path) },
            _ => Self::Jsonl { state_dir, dir: PathBuf::from(path) },
        })
    }
}

fn default_state_dir(dir: &Path) -> PathBuf {
    dir.join(".sanderling")
}

fn nearest(scheme: &str) -> Option<&'static str> {
    let scheme = scheme.to_ascii_lowercase();
    if let Some((_, meant)) = ALIASES.into_iter().find(|(alias, _)| *alias == scheme) {
        return Some(meant);
    }
    SCHEMES
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, &scheme), known))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, known)| known)
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("did you mean `{name}:`? ")).unwrap_or_default()
}

fn form(scheme: &str) -> &'static str {
    match scheme {
        "sqlite" => "sqlite:FILE",
        "parquet" => "parquet:DIR",
        "duckdb" => "duckdb:FILE",
        _ => "jsonl:DIR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form() {
        assert_eq!(Target::parse("-"), Ok(Target::Stdout));
        let duck = |schema: Option<&str>, driver: Option<&str>| Target::DuckDb {
            path: "a.db".into(),
            schema: schema.map(Into::into),
            driver: driver.map(Into::into),
            limits: DuckDbLimits::default(),
        };
        assert_eq!(Target::parse("duckdb:a.db"), Ok(duck(None, None)));
        assert_eq!(Target::parse("duckdb:a.db?driver=/x/libd.so"), Ok(duck(None, Some("/x/libd.so"))));
        assert_eq!(Target::parse("duckdb:a.db?schema=s&driver=d"), Ok(duck(Some("s"), Some("d"))));
        let limited = Target::DuckDb {
            path: "a.db".into(),
            schema: None,
            driver: None,
            limits: DuckDbLimits { memory_limit: Some("2GB".to_owned()), threads: Some(3) },
        };
        assert_eq!(Target::parse("duckdb:a.db?threads=3&memory_limit=2GB"), Ok(limited));
        for wrong in ["threads=0", "threads=many", "threads=-1", "memory_limit=", "memory=1GB"] {
            let refused = Target::parse(&format!("duckdb:a.db?{wrong}"));
            assert_eq!(refused, Err(TargetError::Parameter { text: wrong.to_owned() }));
        }
        assert_eq!(Target::parse("sqlite:a b.db"), Ok(Target::Sqlite { path: "a b.db".into() }));
        assert_eq!(Target::parse("sqlite:/tmp/x:y.db"), Ok(Target::Sqlite { path: "/tmp/x:y.db".into() }));
        let out = Target::Jsonl { dir: "out".into(), state_dir: "out/.sanderling".into() };
        assert_eq!(Target::parse("jsonl:out"), Ok(out));
        let out = Target::Parquet { dir: "out".into(), state_dir: "out/.sanderling".into() };
        assert_eq!(Target::parse("parquet:out"), Ok(out));
    }

    #[test]
    fn each_refusal_says_what_to_write() {
        for (text, said) in [
            (
                "demo.db",
                "`demo.db` does not say what kind of destination it is; write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
            ),
            (
                "duckdb:x.db?dataset=x",
                "`dataset=x` says nothing to DuckDB; write `duckdb:FILE?` and then `schema=NAME`, `driver=LIBRARY`, `memory_limit=2GB` or `threads=2`, with `&` between",
            ),
            (
                "sqlit:x",
                "`sqlit:` is no destination; did you mean `sqlite:`? write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
            ),
            (
                "SQLite:x",
                "`SQLite:` is no destination; did you mean `sqlite:`? write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
            ),
            (
                "ndjson:x",
                "`ndjson:` is no destination; did you mean `jsonl:`? write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
            ),
            (
                "mysql://h/db",
                "`mysql:` is no destination; write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
            ),
            (
                "parqet:x",
                "`parqet:` is no destination; did you mean `parquet:`? write `sqlite:FILE`, `postgresql://…`, `jsonl:DIR`, `parquet:DIR` or `-`",
            ),
            ("parquet:", "`parquet:` names no file or folder; write `parquet:DIR`"),
            ("sqlite:", "`sqlite:` names no file or folder; write `sqlite:FILE`"),
            ("sqlite::memory:", "`sqlite:` names no file or folder; write `sqlite:FILE`"),
            ("jsonl: ", "`jsonl:` names no file or folder; write `jsonl:DIR`"),
            ("sqlite:///x.db", "`sqlite:///x.db` can be read as two paths; write `sqlite:FILE` without `//`"),
        ] {
            assert_eq!(Target::parse(text).unwrap_err().to_string(), said, "{text}");
        }
    }
}
