//! `completions` and `man`: what a shell wants to know of the command line, made from its definition.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::error::Error;
use crate::words::{self, exit};

/// Runs `completions`.
pub fn completions(args: &CompletionsArgs) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sanderling", &mut script);
    super::print(&script)
}

/// Runs `man`.
pub fn man(args: &ManArgs) -> Result<u8, Error> {
    let command = Cli::command();
    match &args.dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .map_err(|error| unwritten(Path::new("-"), &error))?;
            super::print(&page)
        }
        Some(dir) => {
            let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
            written.map_err(|error| unwritten(dir, &error))?;
            Ok(exit::COMPLETE)
        }
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::Unwritable { path: path.to_owned(), cause: words::of_io(error) }
}
