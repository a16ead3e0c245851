//! The program: parse, execute, report, exit.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use sanderling::cli::Cli;
use sanderling::error::Error;
use sanderling::{commands, report, words};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let code = match start(cli) {
        Ok(code) => code,
        Err(error) => {
            let words = words::of_error(&error);
            // Whoever closed stderr still gets the exit code.
            let _ = std::io::stderr().lock().write_all(report::lines(&words).as_bytes());
            words.code
        }
    };
    ExitCode::from(code)
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
