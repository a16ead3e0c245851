//! Whole runs of the program against the demo API, into real destinations.
//!
//! | file | what it shows |
//! |---|---|
//! | `api.rs` | the API asked directly: what runs are compared with |
//! | `demo.rs` | `sanderling demo` |
//! | `seeds.rs` | the five seed configs, as they stand |
//! | `program.rs` | the harness: a folder, the program in it, what it printed |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod demo;
mod program;
mod seeds;
