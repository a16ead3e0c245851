//! `preview`: the first rows of a resource, as a table in a terminal and as lines of JSON elsewhere.

use std::collections::HashSet;
use std::io::{ErrorKind, IsTerminal};

use super::terminal::tell;
use super::{notices, read, request_of, settled};
use crate::cli::PreviewArgs;
use crate::error::Error;
use crate::report::rows::table;
use crate::run::outcome::RunNotice;
use crate::sample::{Miss, Sampled, Sampler};
use crate::show::{Level, Show};
use crate::source::{self, Source};
use crate::words::{self, counted, exit};
use crate::{clock, report};

/// Pages and parents without a row, one after the other, after which no more are asked for.
const MAX_BARREN: usize = 50;

/// Columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// Runs the command.
pub async fn preview(args: &PreviewArgs, show: Show) -> Result<u8, Error> {
    let text = read(&args.open.file.config)?;
    let only = [args.resource.clone()];
    let source = source::open(&request_of(&args.open, &only, &text)).await?;
    let mut teller = Teller { source: &source, show, said: HashSet::new() };
    notices(&source).into_iter().for_each(|notice| teller.notice(notice));
    let in_table = !args.json && std::io::stdout().is_terminal();

    let mut saw = |resource: &str, exchange: &sanderling_gate::Exchange| {
        if show.level >= Level::Verbose {
            tell(&format!("{}\n", show.paint.dim(&words::of_exchange(resource, exchange))));
        }
    };
    let mut sampler = Sampler::new(&source, false, clock::now_ms(), &mut saw);
    let Some(at) = source.plan.find(&args.resource) else { return Ok(exit::CONFIG) };
    let (mut rows, mut total, mut barren, mut failed) = (Vec::new(), None, 0, None);
    let wanted = usize::try_from(args.rows).unwrap_or(usize::MAX);
    let mut shown = 0;
    while shown < wanted && barren < MAX_BARREN {
        let page = match sampler.page(at, false).await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            // A parent row that is gone a moment later has no rows.
            Err(Miss::Failed(failure)) if failure.partition_key.is_some() && failure.cause.is_gone() => {
                barren += 1;
                continue;
            }
            Err(miss) => {
                failed = Some(miss);
                break;
            }
        };
        total = page.total.filter(|_| page.partition_key.is_none());
        teller.notices(&args.resource, &page);
        let fresh: Vec<&[u8]> = lines(&page.rows).take(wanted - shown).collect();
        barren = if fresh.is_empty() { barren + 1 } else { 0 };
        shown += fresh.len();
        if in_table {
            rows.extend(fresh.into_iter().map(<[u8]>::to_vec));
        } else {
            let text: Vec<u8> = fresh.into_iter().flat_map(|row| [row, b"\n"].concat()).collect();
            match report::print_bytes(&text) {
                Ok(()) => {}
                // Who reads on has had enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit::COMPLETE),
                Err(error) => return Err(Error::Unprinted(error.to_string())),
            }
        }
    }
    if in_table {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        let (text, hidden) = table(&rows, width.unwrap_or(COLUMNS), show.paint_stdout);
        super::print(source.vault.redact(&text).as_bytes())?;
        teller.hidden(&hidden);
    }
    if barren == MAX_BARREN {
        teller
            .line(&format!("{}: no more rows in {MAX_BARREN} pages, and not looked further", args.resource));
    } else if shown == 0 && failed.is_none() {
        teller.line(&format!("{}: there are no rows", args.resource));
    } else if in_table {
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        teller.line(&format!("{shown}{of} {}", if shown == 1 && total.is_none() { "row" } else { "rows" }));
    }
    Ok(failed.map_or(exit::COMPLETE, |miss| teller.miss(&args.resource, &miss)))
}

/// The lines of NDJSON.
fn lines(rows: &[u8]) -> impl Iterator<Item = &[u8]> {
    rows.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

/// The columns for which there was no room.
fn hidden(names: &[String]) -> String {
    format!("{}: {}", counted(names.len() as u64, "more field"), names.join(", "))
}

/// Says on stderr what there is to say.
struct Teller<'a> {
    source: &'a Source,
    show: Show,
    said: HashSet<String>,
}

impl Teller<'_> {
    fn notices(&mut self, resource: &str, page: &Sampled) {
        for notice in &page.notices {
            self.notice(RunNotice::Connector { resource: resource.to_owned(), notice: notice.clone() });
        }
    }

    fn notice(&mut self, notice: RunNotice) {
        let text = report::notice(&settled(notice, self.source), self.show.paint);
        if self.show.level >= Level::Normal && self.said.insert(text.clone()) {
            tell(&self.source.vault.redact(&text));
        }
    }

    fn line(&self, line: &str) {
        if self.show.level >= Level::Normal {
            tell(&format!("{}\n", self.show.paint.dim(line)));
        }
    }

    /// Names the columns for which there was no room.
    fn hidden(&self, names: &[String]) {
        if !names.is_empty() {
            self.line(&self.source.vault.redact(&hidden(names)));
        }
    }

    /// Why there are no more rows; gives the exit code.
    fn miss(&self, resource: &str, miss: &Miss) -> u8 {
        match miss {
            Miss::Failed(failure) => {
                let words = words::of_failure(failure, self.source.subject());
                if self.show.level > Level::Silent {
                    tell(&self.source.vault.redact(&report::lines(&words, self.show.paint)));
                }
                words.code
            }
            miss => {
                self.line(&format!("{resource}: {}", words::of_not_tried(miss)));
                exit::COMPLETE
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_room_are_named() {
        insta::assert_snapshot!(hidden(&["note".into()]), @"1 more field: note");
        insta::assert_snapshot!(hidden(&["note".into(), "tags".into()]), @"2 more fields: note, tags");
    }
}
