//! `resources`: what a config reads, in the order in which it is read.

use super::terminal::tell;
use super::{print, read, request_of_config, said};
use crate::cli::ResourcesArgs;
use crate::error::Error;
use crate::listing;
use crate::report;
use crate::show::{Level, Show};
use crate::source;

/// Runs the command.
pub async fn resources(args: &ResourcesArgs, show: Show) -> Result<u8, Error> {
    let text = read(&args.file.config)?;
    let described = source::describe(&request_of_config(&args.file, &text)).await?;
    if args.json {
        let document = listing::document(&described.name, &described.info);
        return print(format!("{document:#}\n").as_bytes());
    }
    if show.level >= Level::Normal {
        for notice in said(&described.info.notices, &described.document) {
            tell(&report::notice(&notice, show.paint));
        }
    }
    print(listing::tree(&described.info.resources, show.paint_stdout).as_bytes())
}
