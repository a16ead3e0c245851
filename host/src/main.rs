//! The program: parse, execute, report, exit.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use sanderling::cli::Cli;
use sanderling::error::Error;
use sanderling::words::Words;
use sanderling::{commands, report, words};

fn main() -> ExitCode {
    let (result, json) = match Cli::try_parse() {
        Ok(cli) => {
            let json = cli.wants_json();
            (start(cli), json)
        }
        Err(usage) => return refuse(&usage),
    };
    ExitCode::from(match result {
        Ok(code) => code,
        Err(error) => {
            let words = words::of_error(&error);
            // Whoever closed stderr still gets the exit code.
            let _ = std::io::stderr().lock().write_all(report::lines(&words).as_bytes());
            if json && !matches!(error, Error::Unprinted(_)) {
                print_document(&words);
            }
            words.code
        }
    })
}

/// Help and the version, which are no errors, or what is wrong with the command line.
fn refuse(usage: &clap::Error) -> ExitCode {
    let _ = usage.print();
    if usage.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        print_document(&words::of_usage(&usage.to_string()));
    }
    ExitCode::from(if usage.use_stderr() { words::exit::CONFIG } else { words::exit::COMPLETE })
}

/// A program that asked for a document gets one, whatever went wrong.
fn print_document(words: &Words) {
    let _ = report::print(&format!("{:#}\n", report::document_of_error(words)));
}

fn start(cli: Cli) -> Result<u8, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Runtime(error.to_string()))?;
    let result = runtime.block_on(commands::execute(cli));
    // A name that is still being looked up must not hold the exit.
    runtime.shutdown_background();
    result
}
