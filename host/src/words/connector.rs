//! Words about a connector that is not built in, before it is run: its file, and what it wants to reach.

use sanderling_gate::{Origin, Reach};

use super::hints::allow_flag;
use super::{Words, exit};
use crate::sandbox::{CONTRACT, LoadError};
use crate::source::{ConnectorError, Ungranted};

/// A file that is no connector, or not one for this program.
pub fn of_connector(path: &str, problem: &ConnectorError) -> Words {
    let words = Words::new(exit::CONFIG, format!("{path}: {problem}"));
    let ConnectorError::Load(problem) = problem else {
        return Words { what: format!("the connector {path} cannot be read: {problem}"), ..words };
    };
    match problem {
        LoadError::Engine(_) => Words::new(exit::OTHER, problem.to_string()),
        LoadError::NotWasm => words.hint("a connector is a WebAssembly component, a file that ends in .wasm"),
        LoadError::Module => words.hint(
            "build it for wasm32-wasip2, or make a component of it: wasm-tools component new",
        ),
        LoadError::Component(_) => words.hint("the file may be cut short: fetch or build it again"),
        LoadError::Import(_) => words.hint(
            "connectors get wasi:http/outgoing-handler and what standard libraries want of WASI 0.2, and nothing else: build it without",
        ),
        LoadError::World { .. } => {
            words.hint(format!("a connector exports {CONTRACT}: build it for the world of wit/connector.wit"))
        }
        LoadError::Version { .. } => {
            words.hint(format!("this program takes {CONTRACT}: build it for that, or take another version of one of both"))
        }
        LoadError::Shape(_) => words.hint("build it against the wit/connector.wit of this version"),
    }
}

pub(super) fn of_ungranted(ungranted: &Ungranted) -> Words {
    let Ungranted { missing, allowed, config, format } = ungranted;
    let origins: Vec<String> = missing.iter().map(|(origin, _)| origin.to_string()).collect();
    let mut words = Words::new(
        exit::CONFIG,
        format!("the connector wants to reach what is not allowed: {}", origins.join(", ")),
    );
    words.more = missing.iter().map(wish).collect();
    let rules: Vec<String> = allowed.iter().map(ToString::to_string).chain(origins.iter().cloned()).collect();
    let flags: Vec<String> = origins.iter().map(|origin| allow_flag(origin)).collect();
    let line = format.entry("allow", &rules);
    words.hint(format!("if it may, write `{line}` in {config}, or give {}", flags.join(" ")))
}

/// An origin and what it is wanted for. Whoever allows one that is no public API should know.
fn wish((origin, resources): &(Origin, Vec<String>)) -> String {
    let reach = origin.reach().filter(|reach| *reach != Reach::Global);
    let reach = reach.map(|reach| format!(" ({reach})")).unwrap_or_default();
    format!("{origin}{reach}: for {}", resources.join(", "))
}
