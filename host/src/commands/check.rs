//! `check`: tries a config without writing: its keys, its secrets, one page of each resource that has no parent.

use super::terminal::tell;
use super::{read, request};
use crate::cli::CheckArgs;
use crate::contract::{Continuation, PageRequest};
use crate::error::Error;
use crate::retry::Reason;
use crate::run::outcome::{Cause, Failure, RunNotice};
use crate::sandbox::CallError;
use crate::show::{Level, Show};
use crate::source::{self, Source};
use crate::words::{self, exit};
use crate::{clock, report};

/// Runs the command.
pub async fn check(args: &CheckArgs, show: Show) -> Result<u8, Error> {
    let text = read(&args.source.file.config)?;
    let source = source::open(&request(&args.source, &text)).await?;
    for notice in &source.notices {
        tell_notice(&RunNotice::Connector { resource: String::new(), notice: notice.clone() }, show);
    }
    let mut codes = Vec::new();
    for root in source.plan.roots() {
        codes.push(check_resource(&source, root, show).await);
    }
    let children = source.plan.resources.iter().filter(|resource| resource.parent.is_some());
    for child in children {
        let parent = child.parent.map_or("", |parent| source.plan.resources[parent].name.as_str());
        tell(&format!("{}: not tried, it is read for each row of {parent}\n", child.name));
    }
    let code = exit::of_several(codes);
    if code == exit::COMPLETE {
        tell("the config is good; nothing was written\n");
    }
    Ok(code)
}

/// Asks for the first page, once.
async fn check_resource(source: &Source, root: usize, show: Show) -> u8 {
    let name = source.plan.resources[root].name.clone();
    let request =
        PageRequest { resource: name.clone(), partition: None, cursor: None, now_ms: clock::now_ms() };
    let (result, seen) = source.connection.fetch_page(&request).await;
    let last = seen.into_iter().next_back();
    match result {
        Ok(page) => {
            for notice in page.notices {
                tell_notice(&RunNotice::Connector { resource: name.clone(), notice }, show);
            }
            let total = page.total.map(|total| format!(" of {total}")).unwrap_or_default();
            let more = if page.continuation == Continuation::End { "" } else { ", and there are more" };
            tell(&format!("{name}: good, {}{total} rows on the first page{more}\n", page.kept));
            exit::COMPLETE
        }
        Err(error) => {
            let cause = match error {
                CallError::Trap(trap) => Cause::Trap(trap),
                CallError::Fault(fault) => {
                    let error = last.as_ref().and_then(|seen| seen.error.clone());
                    Cause::of(fault, Reason::NotRetryable, error.as_deref())
                }
            };
            let exchange = last.map(|seen| seen.exchange);
            let failure =
                Failure { resource: name, partition_key: None, page: 1, attempts: 1, exchange, cause };
            let words = words::of_failure(&failure, source.whose);
            tell(&source.vault.redact(&report::lines(&words, show.paint)));
            words.code
        }
    }
}

fn tell_notice(notice: &RunNotice, show: Show) {
    if show.level >= Level::Normal {
        tell(&report::notice(notice, show.paint));
    }
}
