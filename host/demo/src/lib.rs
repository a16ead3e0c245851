//! A small time-tracking API on loopback: what `sanderling demo` reads, and the server of every test.
//!
//! It speaks HTTP/1.1 over plain sockets, a thread a connection, so that every fault of a real server can be played
//! to the byte: an answer cut short, a reset, a page that is not JSON, a total that lies. The data is deterministic.
//!
//! | file | what lives there |
//! |---|---|
//! | [`options`] | what the server offers, and the demo's own choice of it |
//! | [`fault`] | which answers are spoilt, and how |
//! | [`request`], [`reply`] | plain data: what came in, what goes out and how it goes over the wire |
//! | `server`, `connection`, `wire` | sockets: accepting, reading requests, sending replies |
//! | `api`, `auth`, `page` | the routes, the key, one page of a list |
//! | `tables`, `rows`, `render`, `calendar`, `bench` | the data |
//! | `echo` | an API that shows the caller its own key |
//!
//! What holds:
//! - Nothing but loopback is listened on.
//! - A fault that cannot be played on an answer is itself an error of status 500, never left out in silence.
//! - Dropping the [`Server`] ends every thread and connection that it started.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking"))]

mod api;
mod auth;
mod bench;
mod calendar;
mod config;
mod connection;
mod echo;
pub mod fault;
pub mod options;
mod page;
mod pattern;
mod render;
pub mod reply;
pub mod request;
mod rows;
mod server;
mod tables;
#[cfg(test)]
mod tests;
mod wire;

pub use bench::bench_options;
pub use config::demo_config;
pub use fault::{Action, Fault, When};
pub use options::{KEY, Options};
pub use reply::{Coding, Ending, Framing, Pace, Reply, Then};
pub use request::Request;
pub use server::{Handler, Server, start};
