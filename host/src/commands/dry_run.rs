//! `run --dry-run`: reads the first page of each resource, and says what a run would make of it. Nothing is written.

use std::collections::HashSet;

use sanderling_destination::{DestinationError, Load, LoadStatus, Prospect, Rows, State, Target};

use super::terminal::tell;
use super::{notices, print, settled};
use crate::cli::RunArgs;
use crate::error::Error;
use crate::forecast::{self, Forecast, Reading};
use crate::run::mode::{self, Mode};
use crate::run::outcome::RunNotice;
use crate::run::outlook::{self, Basis, Next};
use crate::run::plan::{Plan, Resource};
use crate::run::{refuse, watermark};
use crate::sample::{Look, Onward, Sampler};
use crate::show::{Level, Show};
use crate::source::Source;
use crate::words::{self, Words, exit};
use crate::{clock, report};

/// The load that these rows would be of, if they were written.
const LOAD_ID: &str = "dry-run";

/// Runs the command.
pub async fn dry_run(
    source: &Source,
    target: &Target,
    args: &RunArgs,
    mode: &Mode,
    show: Show,
) -> Result<u8, Error> {
    let mut prospect = Prospect::open(target, &source.name)?;
    let state = prospect.state().clone();
    let (plan, of_plan) = mode::plan(&source.plan, mode, target.is_files(), args.strict, &state)?;
    let mut teller = Teller { source, show, notices: Vec::new(), said: HashSet::new() };
    notices(source).into_iter().chain(of_plan).for_each(|notice| teller.notice(notice));
    let unused = if target.has_columns() { Vec::new() } else { plan.of_columns(source.settings.shaping) };
    if !unused.is_empty() {
        teller.notice(RunNotice::NoColumns { keys: unused });
    }
    let mut saw = |resource: &str, exchange: &sanderling_gate::Exchange| {
        if show.level >= Level::Verbose {
            tell(&format!("{}\n", show.paint.dim(&words::of_exchange(resource, exchange))));
        }
    };
    let now_ms = clock::now_ms();
    let onward = Onward { state: &state, mode };
    let mut sampler = Sampler::new(source, args.frozen, now_ms, &mut saw).onward(onward);
    let next = next(source, &plan, &state, mode, args.fresh);
    let mut forecasts = Vec::new();
    for (at, resource) in plan.resources.iter().enumerate() {
        let look = sampler.look(at).await;
        for notice in look.pages.iter().flat_map(|page| &page.notices) {
            teller.notice(RunNotice::Connector { resource: resource.name.clone(), notice: notice.clone() });
        }
        let mut problems: Vec<Words> = Vec::new();
        problems.extend(look.failures.iter().map(|failure| words::of_failure(failure, source.subject())));
        if !resource.written && problems.is_empty() {
            continue;
        }
        let next = next.iter().find(|(name, _)| *name == resource.name).map(|(_, next)| next.clone());
        let load = state.loads.get(&resource.name);
        let mut forecast =
            Forecast { next, ..Forecast::new(resource, reading(resource, &state, mode), look) };
        if resource.written {
            problems.extend(foresee(source, &mut prospect, &mut forecast, load, now_ms)?);
        }
        for problem in problems {
            let problem = problem.redacted(&|text| source.vault.redact(text));
            if show.level > Level::Silent && !args.show.json {
                tell(&report::lines(&problem, show.paint));
            }
            forecast.problems.push(problem);
        }
        forecasts.push(forecast);
    }
    let codes = forecasts.iter().flat_map(Forecast::codes);
    let code = exit::of_several(codes);
    let redact = |text: &str| source.vault.redact(text);
    if args.show.json {
        let shown = super::run::shown(target);
        let document = forecast::document(&source.name, &shown, code, &forecasts, &teller.notices);
        print(format!("{:#}\n", report::redacted(document, &redact)).as_bytes())?;
        return Ok(code);
    }
    print(redact(&forecast::text(&forecasts, show.paint_stdout)).as_bytes())?;
    if show.level >= Level::Normal {
        tell(&format!("{}\n", show.paint.dim(words::DRY)));
    }
    Ok(code)
}

/// What would become of the rows that were looked at; gives what is wrong with the rest of them.
fn foresee(
    source: &Source,
    prospect: &mut Prospect,
    forecast: &mut Forecast<'_>,
    load: Option<&Load>,
    now_ms: u64,
) -> Result<Vec<Words>, Error> {
    let table = &forecast.resource.table;
    let told =
        |error: DestinationError| words::of_error(&Error::Destination(error), crate::show::Paint::Plain);
    match prospect.begin(table) {
        Ok(()) => {}
        Err(error @ (DestinationError::NotOurs { .. } | DestinationError::Name(_))) => {
            return Ok(vec![told(error)]);
        }
        Err(error) => return Err(error.into()),
    }
    let mut problems = Vec::new();
    let mut seen = 0;
    for page in &forecast.look.pages {
        let rows = |ndjson, count| Rows {
            ndjson,
            count,
            partition_key: page.partition_key.as_deref(),
            load_id: LOAD_ID,
            loaded_at_ms: now_ms,
        };
        seen += page.kept;
        let mut breaches = match prospect.breaches(table, &rows(&page.rows, page.kept)) {
            Ok(breaches) => breaches,
            Err(error @ DestinationError::Data(_)) => {
                problems.push(told(error));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let is_kept = |at: u64| breaches.iter().all(|breach| breach.row != Some(at));
        let lines = page.rows.split_inclusive(|&byte| byte == b'\n').zip(0..);
        let kept: Vec<u8> =
            lines.filter(|(_, at)| is_kept(*at)).flat_map(|(line, _)| line.to_vec()).collect();
        match prospect.write(table, &rows(&kept, page.kept - breaches.len() as u64)) {
            Ok(written) => {
                forecast.discarded_rows += written.discarded_rows;
                forecast.discarded_values += written.discarded_values;
            }
            Err(error @ DestinationError::Data(_)) => problems.push(told(error)),
            Err(error) => return Err(error.into()),
        }
        forecast.refused.append(&mut breaches);
    }
    let last = load.and_then(Load::latest_complete);
    let refused = forecast.refused.len() as u64;
    forecast.fails = refused > 0
        && (last.is_none()
            || source.settings.on_bad_row == refuse::OnBadRow::Fail
            || refuse::are_too_many(refused, seen));
    forecast.loaded_rows = last.map(|last| last.rows);
    // What fails is not put in its place.
    if !forecast.fails && problems.is_empty() && forecast.look.failures.is_empty() {
        forecast.tables = prospect.tables(table)?;
    }
    Ok(problems)
}

/// What is to be done with each resource of which a load broke off.
fn next(source: &Source, plan: &Plan, state: &State, mode: &Mode, fresh: bool) -> Vec<(String, String)> {
    if fresh || *mode != Mode::Onward {
        return Vec::new();
    }
    let basis = Basis {
        config: &source.config,
        connector_digest: &source.digest,
        now_ms: clock::now_ms(),
        resume_within_ms: source.settings.resume_within_ms,
    };
    let broken = |outlook: &outlook::Outlook| {
        let load = outlook.load.as_ref();
        let is_broken = load.is_some_and(|load| load.status != LoadStatus::Complete);
        is_broken || matches!(outlook.next, Next::Done | Next::Again(_))
    };
    let outlooks = outlook::of_plan(plan, state, basis).into_iter().filter(broken);
    outlooks.map(|outlook| (outlook.resource.clone(), words::of_next(&outlook))).collect()
}

fn reading(resource: &Resource, state: &State, mode: &Mode) -> Reading {
    let Some(incremental) = &resource.incremental else { return Reading::Whole };
    match mode {
        Mode::Range(range) => Reading::Range(range.clone()),
        Mode::Anew => Reading::Start { cursor: incremental.cursor.clone() },
        Mode::Onward => match watermark::reach(state, &resource.name) {
            Some(reach) if reach.cursor == incremental.cursor => Reading::From(reach),
            _ => Reading::Start { cursor: incremental.cursor.clone() },
        },
    }
}

/// Says on stderr what there is to say, each thing once.
struct Teller<'a> {
    source: &'a Source,
    show: Show,
    notices: Vec<RunNotice>,
    said: HashSet<String>,
}

impl Teller<'_> {
    fn notice(&mut self, notice: RunNotice) {
        let notice = settled(notice, self.source);
        let text = self.source.vault.redact(&report::notice(&notice, self.show.paint));
        if !self.said.insert(text.clone()) {
            return;
        }
        if self.show.level >= Level::Normal {
            tell(&text);
        }
        self.notices.push(notice);
    }
}

/// What a look came to is kept with what is foreseen of it.
impl<'a> Forecast<'a> {
    fn new(resource: &'a Resource, reading: Reading, look: Look) -> Self {
        Self {
            resource,
            reading,
            look,
            next: None,
            refused: Vec::new(),
            fails: false,
            discarded_rows: 0,
            discarded_values: 0,
            loaded_rows: None,
            tables: Vec::new(),
            problems: Vec::new(),
        }
    }
}
