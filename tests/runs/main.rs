//! Whole runs of the program against the demo API, into real destinations.
//!
//! | file | what it shows |
//! |---|---|
//! | `program.rs` | the harness: a folder, the program in it, what it printed |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod program;
