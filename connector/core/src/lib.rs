//! What the declarative connector knows, as pure functions: no I/O, no clock, no bindings.
//!
//! A config becomes a [`Plan`] ([`plan()`]); a plan and a page request become an HTTP request ([`request()`]); the answer
//! becomes a page ([`page()`]). Everything that must be remembered between pages is in the cursor and the partition, so
//! any instance can read any page, again and in any order.
//!
//! | | |
//! |---|---|
//! | `document`, `config` | the document as written: every value with the pointer to its place, defaults merged |
//! | `template`, `select` | the two little languages in it: placeholders and paths |
//! | `plan` | all of it understood: parents found, templates bound, credentials located; nothing later fails on the config |
//! | `request`, `body` | plan and bindings to a URL, headers and a body |
//! | `token` | the request before that one, where a page needs a token |
//! | `json` | one strict pass over an answer's bytes that finds what is wanted |
//! | `actions` | what is done about an answer before it is read |
//! | `answer` | where the rows are |
//! | `signs`, `detect`, `more` | what speaks of more pages; the paginator that shows; whether a page is all there is |
//! | `paging` | what a page is asked by, and what it leaves to be read |
//! | `steps`, `jq`, `cut` | what a config has done to rows: programs, and fields taken away |
//! | `rows`, `partition` | NDJSON out of the API's own bytes; what child resources need of them |
//! | `incremental`, `sift` | from where to where rows are asked for; which of a page are, and how far they reach |
//! | `mark`, `instant` | values in an order; times |
//! | `dlt_hash` | how dlt tells rows of one cursor value apart |
//! | `settle` | what a person would write where something was guessed |
//! | `page` | the order in which these are called |
//! | `surface` | what a config may say, as data: the schema and the reference are written from it |
//!
//! What holds everywhere:
//! - A row is passed on, or the call fails: no rule drops one but a filter that the config names
//!   and what `incremental` says is out of bounds.
//! - Rows are the API's bytes. Nothing is parsed into a tree and written again, but where a program of the config makes
//!   new rows.
//! - Credentials are placeholders; this crate never sees one, and an error carries none.
//! - Nothing that a server, a config or a host sends makes it panic.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a failed test may panic"
    )
)]

mod actions;
mod answer;
mod body;
mod config;
mod contract;
mod cut;
mod detect;
mod diagnostic;
mod dlt_hash;
mod document;
mod encode;
mod incremental;
mod instant;
mod jq;
mod json;
mod mark;
mod more;
mod page;
mod paging;
mod partition;
mod plan;
mod request;
mod rows;
mod select;
mod settle;
mod sift;
mod signs;
mod steps;
pub mod surface;
mod template;
mod token;

#[cfg(test)]
mod tests;

pub use contract::{
    BadResponse, ChildPartitions, Continuation, Fault, HttpFailure, Incremental, Notice, Page, PageRequest,
    Partition, Range, Request, ResourceInfo, Response, RetryPolicy, Seal, Setting, SourceInfo, Watermark,
    WriteDisposition,
};
pub use diagnostic::Diagnostic;
pub use page::page;
pub use plan::{Plan, plan};
pub use request::request;
pub use token::{authorize, token_request};
