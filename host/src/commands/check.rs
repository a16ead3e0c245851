//! `check`: tries a config without writing a row: its keys, its secrets, a page of each resource; settles what was
//! guessed, if asked to.

use super::terminal::tell;
use super::{foreign, notices, read, refuse_guesses, request, settled};
use crate::cli::CheckArgs;
use crate::contract::Setting;
use crate::document::Document;
use crate::document::edit::{EditError, changes};
use crate::error::Error;
use crate::report::check::Checked;
use crate::run::outcome::RunNotice;
use crate::sample::{Compared, Finding, Look, Sampler, compare, findings};
use crate::secrets;
use crate::show::{Level, Paint, Show};
use crate::source::{self, Source};
use crate::words::{self, Words, exit};
use crate::{clock, fix, report};

/// What settling may uncover settles in turn; more rounds than this would be a circle.
const ROUNDS: usize = 5;

/// Runs the command.
pub async fn check(args: &CheckArgs, show: Show) -> Result<u8, Error> {
    let mut checked = Checked::new(&args.source.file.config);
    let result = try_all(args, show, &mut checked).await;
    let code = match &result {
        Ok(code) => *code,
        Err(error) => {
            let words = words::of_error(error, Paint::Plain);
            checked.problem(None, &words);
            words.code
        }
    };
    checked.exit_code = code;
    if args.json && !matches!(result, Err(Error::Unprinted(_))) {
        report::print(&format!("{:#}\n", checked.document()))
            .map_err(|error| Error::Unprinted(error.to_string()))?;
    }
    result
}

async fn try_all(args: &CheckArgs, show: Show, checked: &mut Checked) -> Result<u8, Error> {
    let text = read(&args.source.file.config)?;
    let spec = args.openapi.as_deref().map(foreign).transpose()?;
    let fixed = if args.fix { Some(fixed(args, &text).await) } else { None };
    let mut fixed = match fixed.transpose() {
        Ok(fixed) => fixed,
        Err(error) => return Err(with_secrets(args, show, checked, error)),
    };
    let opened = fixed.as_ref().map_or(text.as_str(), |fixed| fixed.document.text());
    let opened = source::open(&request(&args.source, opened)).await;
    let source = opened.map_err(|error| with_secrets(args, show, checked, error))?;
    if args.frozen {
        refuse_guesses(&source)?;
    }
    for notice in notices(&source) {
        tell_notice(&source, notice, args.fix, show, checked);
    }
    let mut codes = Vec::new();
    let mut guesses: Vec<Setting> = Vec::new();
    let mut saw = |resource: &str, exchange: &sanderling_gate::Exchange| {
        if show.level >= Level::Verbose {
            tell(&format!("{}\n", show.paint.dim(&words::of_exchange(resource, exchange))));
        }
    };
    let mut sampler = Sampler::new(&source, args.frozen, clock::now_ms(), &mut saw);
    for at in 0..source.plan.resources.len() {
        let look = sampler.look(at).await;
        let found = findings(&source.plan, at, &look.pages, source.subject());
        let compared =
            spec.as_ref().and_then(|spec| compare(&source.plan, at, &look.pages, spec, source.subject()));
        let told = Told { look: &look, found: &found, compared: compared.as_ref() };
        codes.extend(tell_look(&source, at, &told, args.fix, show, checked));
        let page_notices = look.pages.iter().flat_map(|page| &page.notices);
        guesses.extend(page_notices.flat_map(|notice| notice.settles.iter().cloned()));
        guesses.extend(found.iter().flat_map(|finding| finding.settles().to_vec()));
    }
    if let Some(fixed) = &mut fixed {
        fixed.settle(args, guesses).await;
        codes.extend(write(args, fixed, &text, show, checked)?);
    }
    let code = exit::of_several(codes);
    if code == exit::COMPLETE && show.level > Level::Silent {
        let rest = if args.fix { "no rows were written" } else { "nothing was written" };
        tell(&format!("{}; {rest}\n", show.paint.good("the config is good")));
    }
    Ok(code)
}

/// A config that is wrong may lack secrets too: both are told at once.
fn with_secrets(args: &CheckArgs, show: Show, checked: &mut Checked, error: Error) -> Error {
    let Error::Config { document, .. } = &error else { return error };
    let names = secrets::references(&document.value);
    let given = &request(&args.source, "");
    // Nothing is written by `check`: what the destination needs is not looked for.
    let also = document.value.get("to").map(secrets::references).unwrap_or_default();
    let names = names.difference(&also).cloned().collect();
    let sources = secrets::Sources { flags: given.secrets, also: &also, env: given.env, dir: given.dir };
    if let Err(missing) = secrets::resolve(&names, sources) {
        let words = words::of_error(&Error::Secrets(missing), show.paint);
        tell_words(&words, show);
        checked.problem(None, &words);
    }
    error
}

fn tell_words(words: &Words, show: Show) {
    if show.level > Level::Silent {
        tell(&report::lines(words, show.paint));
    }
}

/// A guess that is going to be written need not be told: the line will be.
fn tell_notice(source: &Source, notice: RunNotice, fix: bool, show: Show, checked: &mut Checked) {
    let notice = settled(notice, source);
    if !checked.notice(&notice, &|text| source.vault.redact(text)) {
        return;
    }
    if show.level >= Level::Normal && (!fix || notice.settles().is_empty()) {
        tell(&source.vault.redact(&report::notice(&notice, show.paint)));
    }
}

/// What there is to say of a resource.
struct Told<'a> {
    look: &'a Look,
    found: &'a [Finding],
    compared: Option<&'a Compared>,
}

/// Says what a look at a resource came to; gives the exit codes of what is wrong with it.
fn tell_look(
    source: &Source,
    at: usize,
    told: &Told<'_>,
    fix: bool,
    show: Show,
    checked: &mut Checked,
) -> Vec<u8> {
    let name = &source.plan.resources[at].name;
    let Told { look, found, compared } = told;
    let redact = |text: &str| source.vault.redact(text);
    for notice in look.pages.iter().flat_map(|page| &page.notices) {
        let notice = RunNotice::Connector { resource: name.clone(), notice: notice.clone() };
        tell_notice(source, notice, fix, show, checked);
    }
    let failures = look.failures.iter().map(|failure| words::of_failure(failure, source.subject()));
    // What is going to be settled is no problem any more.
    let found = found.iter().filter(|finding| !fix || finding.settles().is_empty());
    let found = found.map(|finding| words::of_finding(name, finding, &source.document));
    let mut codes = Vec::new();
    for words in failures.chain(found) {
        let words = words.redacted(&redact);
        tell_words(&words, show);
        checked.problem(Some(name), &words);
        codes.push(words.code);
    }
    for sentence in compared.iter().flat_map(|compared| words::of_compared(name, compared)) {
        let sentence = redact(&sentence);
        if checked.note(&sentence) && show.level >= Level::Normal {
            tell(&report::note(&sentence, show.paint));
        }
    }
    let line = checked.resource(source, at, look, *compared, codes.is_empty());
    if show.level > Level::Silent
        && let Some(line) = line
    {
        tell(&format!("{line}\n"));
    }
    codes
}

/// A config on its way to leaving nothing to be guessed.
struct Fixed {
    document: Document,
    refused: Vec<(Setting, EditError)>,
}

/// Settles what the connector guesses from the config alone.
async fn fixed(args: &CheckArgs, text: &str) -> Result<Fixed, Error> {
    let described = source::describe(&request(&args.source, text)).await?;
    let guesses = described.info.notices.into_iter().flat_map(|notice| notice.settles).collect();
    let mut fixed = Fixed { document: described.document, refused: Vec::new() };
    fixed.settle(args, guesses).await;
    Ok(fixed)
}

impl Fixed {
    /// Writes settings into the text, and those that the connector then still asks for. Those that it would not take
    /// are refused.
    async fn settle(&mut self, args: &CheckArgs, mut guesses: Vec<Setting>) {
        for _ in 0..ROUNDS {
            let settled = fix::settle(&self.document, &guesses);
            for refused in settled.refused {
                if !self.refused.contains(&refused) {
                    self.refused.push(refused);
                }
            }
            if settled.document.text() == self.document.text() {
                return;
            }
            match source::describe(&request(&args.source, settled.document.text())).await {
                Ok(described) => {
                    self.document = settled.document;
                    guesses = described.info.notices.into_iter().flat_map(|notice| notice.settles).collect();
                }
                Err(_) => {
                    self.refused.extend(guesses.into_iter().map(|guess| (guess, EditError::Unfit)));
                    return;
                }
            }
        }
    }
}

/// Puts the fixed config in place, and says which lines are new; gives the exit codes of what could not be settled.
fn write(
    args: &CheckArgs,
    fixed: &Fixed,
    old: &str,
    show: Show,
    checked: &mut Checked,
) -> Result<Vec<u8>, Error> {
    let path = &args.source.file.config;
    let changed = changes(old, fixed.document.text());
    if !changed.is_empty() {
        fix::write(path, fixed.document.text())
            .map_err(|error| Error::Unwritten { path: path.clone(), cause: words::of_io(&error) })?;
    }
    let mut text = String::new();
    for change in &changed {
        let sign = if change.added { show.paint.good("+") } else { show.paint.error("-") };
        text.push_str(&format!("{}:{}: {sign} {}\n", path.display(), change.line, change.text));
    }
    if changed.is_empty() && fixed.refused.is_empty() {
        text.push_str("nothing to fix: the config leaves nothing to be guessed\n");
    }
    if show.level > Level::Silent {
        tell(&text);
    }
    checked.changes = changed;
    let mut codes = Vec::new();
    for (setting, error) in &fixed.refused {
        let words = words::of_unwritten(setting, *error, &fixed.document);
        tell_words(&words, show);
        checked.problem(None, &words);
        codes.push(words.code);
    }
    Ok(codes)
}
