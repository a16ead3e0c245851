//! `connector inspect`: what a component is, and whether it can be run as a connector. Nothing of it is run.

use serde_json::json;

use super::terminal::tell;
use super::{cache_dir, print};
use crate::cli::{ConnectorCommand, InspectArgs};
use crate::error::Error;
use crate::report;
use crate::sandbox::{self, Inspection, Limits};
use crate::show::Show;
use crate::source;
use crate::words::{self, Words, exit, printable};

/// Runs the command.
pub fn connector(command: &ConnectorCommand, show: Show) -> Result<u8, Error> {
    match command {
        ConnectorCommand::Inspect(args) => inspect(args, show),
    }
}

fn inspect(args: &InspectArgs, show: Show) -> Result<u8, Error> {
    let file = args.file.display().to_string();
    let wasm = source::read_connector(&args.file)
        .map_err(|problem| Error::Connector { path: args.file.clone(), problem })?;
    let mut inspection = sandbox::inspect(&wasm, cache_dir().as_deref(), Limits::default());
    let loaded = std::mem::replace(&mut inspection.loaded, Err(sandbox::LoadError::NotWasm));
    let problem = loaded.err().map(|error| words::of_connector(&file, &error.into()));
    let text = if args.json {
        document(&file, wasm.len(), &inspection, problem.as_ref())
    } else {
        table(&file, wasm.len(), &inspection, problem.is_none())
    };
    print(text.as_bytes())?;
    let Some(words) = problem else { return Ok(exit::COMPLETE) };
    tell(&report::lines(&words, show.paint));
    Ok(words.code)
}

fn document(file: &str, size_bytes: usize, inspection: &Inspection, problem: Option<&Words>) -> String {
    let document = json!({
        "file": file,
        "size_bytes": size_bytes,
        "sha256": inspection.digest,
        "exports": inspection.exports,
        "imports": inspection.imports,
        "loads": problem.is_none(),
        "problem": problem.map(|words| &words.what),
        "hints": problem.map(|words| words.hints.as_slice()).unwrap_or_default(),
    });
    format!("{document:#}\n")
}

/// A line for each fact; further names stand below the first one.
fn table(file: &str, size_bytes: usize, inspection: &Inspection, loads: bool) -> String {
    let size = format!("{} bytes", report::grouped(size_bytes as u64));
    let list = |names: &[String]| if names.is_empty() { "nothing".into() } else { names.join("\n         ") };
    let facts = [
        ("file", file.to_owned()),
        ("size", size),
        ("sha256", inspection.digest.clone()),
        ("exports", list(&inspection.exports)),
        ("imports", list(&inspection.imports)),
        ("loads", if loads { "yes" } else { "no" }.to_owned()),
    ];
    facts.iter().map(|(name, fact)| format!("{name:<8} {}\n", printable(fact))).collect()
}
