//! Where rows go: SQLite, PostgreSQL, DuckDB and JSONL, with the checkpoint in the same commit, or standard output.
//!
//! A run opens one [`Destination`], which locks it, mends what a killed run left, and reads the [`State`]. Then, from
//! one thread and in commit order: [`Destination::begin`] or [`Destination::resume`] a load of each table,
//! [`Destination::write`] its pages, [`Destination::finish`] it, and [`Destination::commit`] as often as it likes.
//!
//! | file | what lives there |
//! |---|---|
//! | `target.rs` | `sqlite:FILE`, `jsonl:DIR`, `parquet:s3://…`, `-` and the others, parsed |
//! | `destination.rs` | the one enum that callers use |
//! | `table.rs`, `checkpoint.rs`, `error.rs` | the plain data that crosses the border |
//! | `rows.rs`, `fields.rs`, `value.rs`, `key.rs` | reading rows: lines, fields, values, identities; pure |
//! | `column.rs`, `fits.rs`, `declared.rs` | what a config declares of columns and keys, held against rows; pure |
//! | `shape.rs` | what it says of how rows become columns; pure |
//! | `prospect.rs` | what a run would be refused, and would make of tables, found out without changing anything |
//! | `discovered.rs` | what rows have turned out to be, for those who ask |
//! | `dlt.rs` | what dlt has left in a database; pure |
//! | `merge.rs` | which of a load's rows stay under merge; pure |
//! | `parents.rs` | which parent brought each key of a load; pure |
//! | `find.rs`, `partition_id.rs` | targets below a folder; partitions in 16 bytes |
//! | `sql.rs`, `sql/` | rows and state as tables of a database: one engine over sessions |
//! | `postgres.rs`, `postgres/` | a session with a PostgreSQL server: where it is, what is copied into it, what its failures mean |
//! | `files.rs`, `files/` | rows as files; state as a journal beside them |
//! | `jsonl.rs`, `jsonl/` | what is written there as lines |
//! | `objects.rs`, `store.rs`, `store/` | both in an object store: files by commit, state in one object; the client |
//! | `stdout.rs` | rows as lines on standard output |
//! | `parquet.rs`, `parquet/` | and as columns, by `sanderling-columns` |
//! | `undecodable.rs` | what cannot become columns, in the words of all destinations |
//! | `lock.rs`, `timestamp.rs`, `file_name.rs`, `shell.rs` | one run at a time; times, names and commands as text |
//!
//! What holds, whatever happens:
//! 1. Rows and the checkpoint that speaks of them become durable together, in [`Destination::commit`], or not at all.
//!    A process killed at any moment leaves what its last commit left.
//! 2. A page is written whole or, on an error, not at all; the pages before it stay.
//! 3. A value is stored exactly or refused with a typed error; nothing is rounded, cut, merged or dropped.
//! 4. A table or file that was not made here is not touched.
//! 5. Nothing here knows of HTTP or WebAssembly, is async, prints, or reads the environment.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")
)]

mod checkpoint;
mod column;
mod declared;
mod destination;
mod discovered;
mod dlt;
mod error;
mod fields;
mod file_name;
mod files;
mod find;
mod fits;
mod jsonl;
mod key;
mod lock;
mod merge;
#[cfg(test)]
mod messages_tests;
mod objects;
#[cfg(test)]
mod objects_tests;
mod parents;
mod parquet;
mod partition_id;
mod postgres;
mod prospect;
mod rows;
mod shape;
mod shell;
mod sql;
mod stdout;
mod store;
mod strategy;
mod table;
mod target;
mod timestamp;
mod undecodable;
mod value;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod discovered_tests;
#[cfg(test)]
mod duckdb_limits_tests;
#[cfg(test)]
#[path = "../tests-support/proxy.rs"]
mod proxy;
#[cfg(test)]
#[path = "../tests-support/skipped.rs"]
mod skipped;
#[cfg(test)]
#[path = "../tests-support/spawned.rs"]
mod spawned;
#[cfg(test)]
mod structs_tests;

pub use checkpoint::{
    Chain, Change, Complete, ErrorLine, Halt, Load, LoadStatus, Mark, Partition, PendingPage, QuarantinedRow,
    State, Watermark,
};
pub use column::Column;
pub use destination::Destination;
pub use discovered::{Discovered, Discoveries, Engine};
pub use dlt::{DltError, DltMark, DltPipeline};
pub use error::{DataError, DataErrorKind, DestinationError, NameError, ServerFailure, StoreFailure};
pub use files::Form;
pub use find::find;
pub use partition_id::PartitionId;
pub use postgres::{AddressError, PostgresAddress};
pub use prospect::{Expected, Prospect};
pub use sanderling_columns::{
    Column as StoredColumn, ColumnType, Contract, DataType, Mode, Names, Nested, Role, Schema, SystemNames,
    TableSchema,
};
pub use shape::Shape;
pub use sql::adbc::{AdbcAddress, AdbcAddressError};
pub use store::{StoreAddress, StoreAddressError};
pub use strategy::{Absent, DELETED_AT, DeleteAbsent, History, MergeStrategy};
pub use table::{DedupSort, Disposition, Rows, SharedByParents, Table, Written};
pub use target::{DuckDbLimits, Target, TargetError};
