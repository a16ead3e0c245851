//! Sanderling, the host: reads a config, runs a connector in a sandbox, and writes its rows with their checkpoint.
//!
//! [`source`] opens a config (`document`, `settings`, `secrets`, [`sandbox`]); [`run`] drives it page by page into a
//! destination; `progress` shows it, `words` and `report` say what it came to. The gate, the destinations and the demo
//! API are crates of their own. `ARCHITECTURE.md` has the map.
//!
//! Invariants:
//! - The host knows a source only by what its connector says through `wit/connector.wit`; it never imports the
//!   connector's code.
//! - Only [`run`] retries and sleeps.
//! - Rows and the checkpoint that they move are committed together, in order.
//! - A secret's value is read by the gate alone; everything else holds placeholders.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests"))]

pub mod cli;
pub mod clock;
pub mod commands;
pub mod contract;
pub mod discovery;
pub mod document;
pub mod error;
pub mod fix;
pub mod forecast;
pub mod import;
pub mod init;
pub mod listing;
pub mod memory;
pub mod openapi;
pub mod pace;
pub mod progress;
pub mod quota;
pub mod report;
pub mod retry;
pub mod run;
pub mod sample;
pub mod sandbox;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod show;
pub mod source;
pub mod standing;
pub mod table;
pub mod words;
