//! Whole runs of the program against the demo API, into real destinations.
//!
//! | file | what it shows |
//! |---|---|
//! | `actions.rs` | response actions: what is asked again, and how runs end |
//! | `adbc.rs` | runs through ADBC drivers |
//! | `api.rs` | the API asked directly: what runs are compared with |
//! | `bad_input.rs` | what is wrong is told, word for word |
//! | `bodies.rs` | requests with a body, secrets in them |
//! | `breaking.rs` | what runs break off in: a source of parents, children and pages, and what is left of it |
//! | `check.rs` | what `check` finds, and what `--fix` writes |
//! | `cli.rs` | the command line: usage, the result document, each option |
//! | `columns.rs` | declared columns, and rows that break what is declared |
//! | `contract_walks.rs` | walks that the contract must survive |
//! | `demo.rs` | `sanderling demo` |
//! | `dlt.rs`, `dlt/` | dlt's behaviour, case by case, and what differs on purpose |
//! | `dry_run.rs` | `run --dry-run`: what it says is what a run does, and it changes nothing |
//! | `duckdb.rs` | what a run has left in a DuckDB file |
//! | `endings.rs` | how a run ends: the lines around its table |
//! | `faults.rs` | servers that fail in every way |
//! | `config_schema.rs`, `json_schema.rs` | the schema of configs against configs; the part of JSON Schema that ours use |
//! | `foreign.rs` | a connector that is not built in: `--connector`, `allow`, `connector inspect` |
//! | `frozen.rs` | `--frozen` refuses guesses |
//! | `guest.rs` | builds the connectors of `tests/guests` |
//! | `help.rs` | what each command shows of itself |
//! | `import.rs` | configs made of what other tools read |
//! | `init.rs` | a first config of what one page shows |
//! | `keys.rs` | keys that do not tell rows apart, parents that come twice |
//! | `kill.rs` | runs that are killed or stopped, and those that go on from there |
//! | `look.rs` | configs looked at without a secret or a request, in each format |
//! | `left_behind.rs` | what broken runs leave of what is not read any more, and of partitions that come again |
//! | `merging.rs` | versions of rows, rows that are only added, rows that are gone |
//! | `million.rs` | a million rows into every kind of place, killed half-way |
//! | `messages.rs` | every message that the program can print has a snapshot |
//! | `objects.rs` | object stores for whole runs |
//! | `offset.rs` | offset paging against servers that behave in every odd way |
//! | `people.rs` | a small pipeline into a database: what is told of it, and what must not be |
//! | `peers.rs` | other tools' cases, listed in `tests/peers.md`, each with its test |
//! | `postgres.rs` | runs into a real PostgreSQL server |
//! | `preview.rs` | the first rows of a resource |
//! | `rates.rs` | rate limits: the API's own, and those of a config |
//! | `readers.rs` | what runs leave, read by other programs |
//! | `readme.rs` | what the README and `docs/` show is real |
//! | `output.rs` | what programs read: results against their schema, progress as JSON |
//! | `refusals.rs` | configs that are refused, and every message about them |
//! | `resume.rs` | runs that break off at a request, and those that go on from there |
//! | `retry_failed.rs` | `run --retry-failed` |
//! | `sandbox.rs` | connectors that mean harm, or are broken |
//! | `schema.rs` | `schema`: columns as tables, JSON Schema, SQL that runs, hints that a config takes |
//! | `seeds.rs` | the five seed configs, as they stand |
//! | `shell.rs` | what a shell gets: completions and manual pages |
//! | `shown.rs` | how much is shown, and in which colours |
//! | `status.rs` | `status`, `state show`, `state reset` |
//! | `steps.rs` | processing steps: what lands, what totals and keys go by, programs without an end |
//! | `terminal.rs` | runs in a real terminal: what its screen shows |
//! | `tokens.rs` | tokens: asked for once, renewed, and nowhere else |
//! | `leaks.rs` | looks for a key in all that runs print or store |
//! | `secrecy.rs` | credentials arrive, and are nowhere else |
//! | `paging_property.rs` | any server, any faults, any kills: each row exactly once, or a loud failure |
//! | `weather.rs` | the service that the example of a connector reads |
//! | `parquet.rs` | runs into Parquet files, and their rows |
//! | `program.rs` | the harness: a folder, the program in it, what it printed |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod actions;
mod adbc;
mod adopt;
mod api;
mod bad_input;
mod bodies;
mod breaking;
mod check;
mod cli;
mod columns;
mod config_schema;
mod contract_walks;
mod demo;
mod dlt;
mod dry_run;
mod duckdb;
mod endings;
mod faults;
mod foreign;
mod frozen;
mod guest;
mod help;
mod import;
mod incremental;
mod init;
mod json_schema;
mod keys;
mod kill;
mod leaks;
mod left_behind;
mod look;
mod merging;
mod messages;
mod million;
mod objects;
mod offset;
mod output;
mod pagers;
mod paging_property;
mod parquet;
mod peers;
mod people;
mod postgres;
#[path = "../../host/destination/tests-support/postgres_server.rs"]
#[allow(dead_code, reason = "used by other tests")]
mod postgres_server;
mod preview;
mod program;
#[path = "../../host/destination/tests-support/proxy.rs"]
mod proxy;
#[path = "../../host/destination/tests-support/python_servers.rs"]
mod python_servers;
mod rates;
mod readers;
mod readme;
mod refusals;
mod resume;
mod retry_failed;
mod sandbox;
mod schema;
mod secrecy;
mod seeds;
mod shapes;
mod shell;
mod shown;
mod signing;
#[path = "../../host/destination/tests-support/skipped.rs"]
mod skipped;
#[path = "../../host/destination/tests-support/spawned.rs"]
mod spawned;
mod status;
mod steps;
mod terminal;
mod tokens;
mod weather;
