//! The program: parse, execute, report, exit.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use sanderling::cli::Cli;
use sanderling::commands::{self, terminal};
use sanderling::error::Error;
use sanderling::show::{Level, Paint};
use sanderling::words::{self, Words};
use sanderling::{clock, report};

fn main() -> ExitCode {
    let typed: Vec<_> = std::env::args_os().collect();
    let parser = Cli::command().color(terminal::color_of_help(&typed));
    let parsed = parser.try_get_matches_from(&typed).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(usage) => return ExitCode::from(commands::refuse(&usage)),
    };
    let (show, json, json_lines) = (terminal::show(&cli.global), cli.wants_json(), cli.wants_json_lines());
    ExitCode::from(match start(cli) {
        Ok(code) => code,
        Err(error) => {
            let plain = words::of_error(&error, Paint::Plain);
            if json_lines {
                terminal::tell(&format!("{}\n", report::line_of_error(&plain, clock::now_ms())));
            } else if show.level > Level::Silent {
                terminal::tell(&report::lines(&words::of_error(&error, show.paint), show.paint));
            }
            if json && !matches!(error, Error::Unprinted(_)) {
                print_document(&plain);
            }
            plain.code
        }
    })
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
