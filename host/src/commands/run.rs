//! `run`: reads a source into a destination, shows how it goes, and says what it came to.

use std::path::PathBuf;

use sanderling_destination::{Destination, Form, State, Target};

use super::terminal::tell;
use super::{notices, read, refuse_guesses, request, settled};
use crate::cli::{RunArgs, ShowArgs};
use crate::contract::Range;
use crate::error::Error;
use crate::progress::Reporter;
use crate::run::mode::Mode;
use crate::run::outcome::{Event, Outcome, ResourceOutcome, RunNotice};
use crate::run::plan::Plan;
use crate::run::{self, Settings};
use crate::secrets::{self, Sources};
use crate::settings::HostSettings;
use crate::show::{Level, Show};
use crate::source::{self, Request, Source};
use crate::words::exit;
use crate::{clock, report, words};

/// Runs the command.
pub async fn run(args: &RunArgs, show: Show) -> Result<u8, Error> {
    let text = read(&args.source.file.config)?;
    let mode = mode(args);
    let range = matches!(mode, Mode::Range(_));
    let to = args.to.as_deref();
    let request = Request { range, to, ..request(&args.source, &text) };
    let source = source::open(&request).await?;
    if args.frozen {
        refuse_guesses(&source)?;
    }
    let also = secrets::references(&source.document.value);
    let secrets = Sources { flags: request.secrets, also: &also, env: request.env, dir: request.dir };
    let target = target(to, args.state.clone(), &source.settings, &source.name, secrets)?;
    if args.dry_run {
        if target == Target::Stdout {
            one_stream(&source, false)?;
        }
        source.plan.check_against(&target)?;
        return super::dry_run::dry_run(&source, &target, args, &mode, show).await;
    }
    let how = How {
        fresh: args.fresh,
        frozen: args.frozen,
        retry_failed: args.retry_failed,
        max_pages: args.max_pages,
        mode,
        strict: args.strict,
        again: "run the same command again",
    };
    into(&source, &target, &args.show, show, how).await
}

fn mode(args: &RunArgs) -> Mode {
    if args.full_refresh {
        return Mode::Anew;
    }
    let range = Range { since: args.since.clone(), until: args.until.clone() };
    if range == Range::default() { Mode::Onward } else { Mode::Range(range) }
}

/// Where rows go: `--to`, else the config's `to`, else a database named like the pipeline, here.
pub(super) fn target(
    to: Option<&str>,
    state: Option<PathBuf>,
    settings: &HostSettings,
    name: &str,
    secrets: Sources<'_>,
) -> Result<Target, Error> {
    let default = format!("sqlite:{name}.db");
    let text = to.or(settings.to.as_deref()).unwrap_or(&default);
    let text = secrets::fill(text, secrets).map_err(Error::Secrets)?;
    let mut target: Target = Target::parse(&text)?;
    match (&mut target, state) {
        (Target::Jsonl { state_dir, .. } | Target::Parquet { state_dir, .. }, Some(dir)) => *state_dir = dir,
        (
            Target::Sqlite { .. } | Target::DuckDb { .. } | Target::Postgres { .. } | Target::Adbc { .. },
            Some(_),
        ) => {
            return Err(Error::Useless { option: "--state", why: "a database keeps its own state" });
        }
        (Target::Store { .. }, Some(_)) => {
            return Err(Error::Useless { option: "--state", why: "an object store keeps its own state" });
        }
        (Target::Stdout, Some(_)) => {
            return Err(Error::Useless {
                option: "--state",
                why: "nothing is remembered of standard output",
            });
        }
        (Target::Store { address, .. }, None) => {
            let text = std::ffi::OsString::into_string;
            let variables = std::env::vars_os();
            address.take_environment(
                variables.filter_map(|(name, value)| Some((text(name).ok()?, text(value).ok()?))),
            );
        }
        (_, None) => {}
    }
    Ok(target)
}

/// How a source is run.
pub struct How {
    /// `--fresh`.
    pub fresh: bool,
    /// `--frozen`.
    pub frozen: bool,
    /// `--retry-failed`.
    pub retry_failed: bool,
    /// `--max-pages`.
    pub max_pages: Option<u64>,
    /// How what is incremental is read.
    pub mode: Mode,
    /// `--strict`.
    pub strict: bool,
    /// How a run that was stopped goes on.
    pub again: &'static str,
}

/// Reads `source` into `target`.
pub async fn into(
    source: &Source,
    target: &Target,
    args: &ShowArgs,
    show: Show,
    how: How,
) -> Result<u8, Error> {
    if *target == Target::Stdout {
        one_stream(source, args.json)?;
    }
    source.plan.check_against(target)?;
    let planned =
        |state: &State| run::mode::plan(&source.plan, &how.mode, target.is_files(), how.strict, state);
    // What `--strict` refuses is refused before anything is made, whatever is there.
    planned(&State::default())?;
    // A place that cannot be written to must be known before the first request.
    let mut destination = Destination::open(target, &source.name)?;
    let (plan, of_plan) = planned(&destination.state())?;
    let mut reporter = Reporter::new(args.progress, show, source.vault.clone());
    let mut said = notices(source);
    said.extend(of_plan);
    let unused = if target.has_columns() { Vec::new() } else { plan.of_columns(source.settings.shaping) };
    said.extend((!unused.is_empty()).then_some(RunNotice::NoColumns { keys: unused }));
    said.extend(
        destination.unknown_database().map(|vendor| RunNotice::UnknownDatabase { vendor: vendor.into() }),
    );
    for notice in &said {
        reporter.show(&Event::Said(notice.clone()));
    }
    let now_ms = clock::now_ms();
    let settings = Settings {
        concurrency: source.settings.concurrency,
        rates: source.settings.rates.clone(),
        paces: super::user_dir("paces"),
        max_pages: how.max_pages,
        fresh: how.fresh,
        frozen: how.frozen,
        on_bad_row: source.settings.on_bad_row,
        retry_failed: how.retry_failed,
        mode: how.mode,
        resume_within_ms: source.settings.resume_within_ms,
        load_id: format!("{}-{:06x}", clock::compact(now_ms), fastrand::u32(..0x100_0000)),
        config: source.config.clone(),
        connector_digest: source.digest.clone(),
        clock: clock::now_ms,
    };
    let mut show_event = |event| match event {
        Event::Said(notice) => reporter.show(&Event::Said(settled(notice, source))),
        event => reporter.show(&event),
    };
    let outcome = run::run(
        &plan,
        source.connection.clone(),
        &mut destination,
        source.vault.clone(),
        &settings,
        &mut show_event,
        stop_signal(show),
    )
    .await;
    reporter.close();
    let mut outcome = outcome?;
    said.extend(std::mem::take(&mut outcome.notices).into_iter().map(|notice| settled(notice, source)));
    outcome.notices = said;
    let document =
        report::document(&outcome, source.subject(), &source.name, &shown(target), &settings.load_id);
    let document = report::redacted(document, &|text| source.vault.redact(text));
    if !reporter.result(&document) && show.level > Level::Silent {
        tell(&outcome_text(&outcome, &plan, source, &destination, how.again, show));
    }
    let code = report::exit_code(&outcome);
    if !args.json {
        return Ok(code);
    }
    match report::print(&format!("{document:#}\n")) {
        // Whoever waits for the result must not take its absence for success.
        Err(cause) if code == exit::COMPLETE => Err(Error::Unprinted(cause.to_string())),
        _ => Ok(code),
    }
}

/// Standard output has room for the rows of one resource and for nothing else: lines do not say whose they are.
fn one_stream(source: &Source, json: bool) -> Result<(), Error> {
    if json {
        return Err(Error::Useless { option: "--json", why: "rows go to standard output" });
    }
    let written = source.plan.resources.iter().filter(|resource| resource.written);
    let resources: Vec<String> = written.map(|resource| resource.name.clone()).collect();
    if resources.len() > 1 { Err(Error::OneStream { resources }) } else { Ok(()) }
}

fn outcome_text(
    outcome: &Outcome,
    plan: &Plan,
    source: &Source,
    destination: &Destination,
    again: &str,
    show: Show,
) -> String {
    let mut text = String::new();
    for failure in &outcome.failures {
        text.push_str(
            &source.vault.redact(&report::lines(&words::of_failure(failure, source.subject()), show.paint)),
        );
    }
    if outcome.unlisted_failures > 0 {
        text.push_str(&format!(
            "and {} more failures, listed in the destination\n",
            outcome.unlisted_failures
        ));
    }
    if !outcome.resources.is_empty() {
        text.push_str(&report::table(outcome, show.paint));
    }
    let seen =
        |resource: &&ResourceOutcome| resource.written && resource.rows > 0 && resource.status.is_in_place();
    let first = outcome.resources.iter().find(seen);
    let table = first.and_then(|of| Some(&plan.resources.get(plan.find(&of.name)?)?.table));
    if let Some(look) = table.and_then(|table| destination.peek(table)) {
        text.push_str(&format!("look at it: {look}\n"));
    }
    if outcome.interrupted {
        text.push_str(&format!("stopped; what is whole was kept: {again} to go on from there\n"));
    } else if outcome.resources.iter().any(|resource| !resource.status.is_in_place()) {
        text.push_str(&match report::exit_code(outcome) {
            exit::LATER => format!("not everything is there: {again} later to go on from there\n"),
            _ => format!("not everything is there: once that is mended, {again}\n"),
        });
    }
    text
}

/// The destination as a user would write it.
pub(super) fn shown(target: &Target) -> String {
    match target {
        Target::Sqlite { path } => format!("sqlite:{}", path.display()),
        Target::Postgres { address } => address.to_string(),
        Target::Adbc { address } => address.to_string(),
        Target::Jsonl { dir, .. } => format!("jsonl:{}", dir.display()),
        Target::Parquet { dir, .. } => format!("parquet:{}", dir.display()),
        Target::DuckDb { path, schema: None, .. } => format!("duckdb:{}", path.display()),
        Target::DuckDb { path, schema: Some(schema), .. } => {
            format!("duckdb:{}?schema={schema}", path.display())
        }
        Target::Store { form: Form::Lines, address } => format!("jsonl:{address}"),
        Target::Store { form: Form::Parquet, address } => format!("parquet:{address}"),
        Target::Stdout => "-".to_owned(),
    }
}

/// Resolves at Ctrl-C or SIGTERM. A second signal ends the process at once; the checkpoint makes that safe.
fn stop_signal(show: Show) -> impl Future<Output = ()> {
    let (told, stop) = tokio::sync::oneshot::channel();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Listened to from now on, and beside the run: a destination that holds it up must not hold the user.
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            let mut told = Some(told);
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    match told.take() {
                        // Whoever is no longer there to be told has ended the run already.
                        Some(told) => drop(told.send(())),
                        None => end_now(show),
                    }
                }
            });
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = told.send(());
        }
    });
    async {
        if stop.await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(unix)]
#[expect(clippy::exit, reason = "the user asked twice")]
fn end_now(show: Show) {
    if show.movable {
        // The shell's prompt is not to stand behind a bar.
        tell("\n");
    }
    std::process::exit(i32::from(exit::INTERRUPTED));
}
