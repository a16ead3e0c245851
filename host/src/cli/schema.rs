//! What `schema` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::ConfigArgs;

/// Shown under its long help.
pub const EXAMPLES: &str = "\
Examples:
  sanderling schema api.yaml                        the columns of each table
  sanderling schema api.yaml tasks --format dlt     what `columns` of the config would say of them
  sanderling schema api.yaml --format sql > tables.sql
  sanderling schema api.yaml --format sql --dialect postgresql
  sanderling schema api.yaml --format json-schema > rows.schema.json

It looks at what runs have left in the destination; the API is not asked.";

/// `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Whose tables.
    #[command(flatten)]
    pub file: ConfigArgs,
    /// Only these resources
    #[arg(value_name = "RESOURCE")]
    pub resources: Vec<String>,
    /// Where its rows went [default: as in `run`]
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,
    /// Where a parquet destination keeps its state [default: DIR/.sanderling]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state: Option<PathBuf>,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = SchemaFormat::Table, value_name = "FORMAT")]
    pub format: SchemaFormat,
    /// For which database statements are written [default: the destination's own; for files, PostgreSQL]
    #[arg(long, value_enum, value_name = "DATABASE")]
    pub dialect: Option<SqlDialect>,
    /// Print one JSON document on stdout
    #[arg(long, conflicts_with_all = ["format", "dialect"])]
    pub json: bool,
}

/// What columns are printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// A table for each table.
    Table,
    /// A JSON Schema (draft 2020-12) with a definition for each table.
    JsonSchema,
    /// Statements that make the tables.
    Sql,
    /// YAML, as `columns` of dlt's resources and of this program's take it.
    Dlt,
}

/// For which database statements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SqlDialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
    /// DuckDB.
    Duckdb,
}
