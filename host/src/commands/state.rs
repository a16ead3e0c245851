//! `state show` and `state reset`: what is remembered of the last runs, and how it is forgotten.

use sanderling_destination::{Change, Destination, Load, LoadStatus};

use super::pipelines::{Pipeline, pipelines};
use super::print;
use super::run::shown;
use super::terminal::tell;
use crate::cli::{StateResetArgs, StateShowArgs};
use crate::error::Error;
use crate::memory;
use crate::run::left_behind::{forget as forget_load, take_back};
use crate::show::Show;
use crate::words::{self, Forgotten, exit};

/// Runs `state show`.
pub async fn show(args: &StateShowArgs, show: Show) -> Result<u8, Error> {
    let found = pipelines(&args.whose, false, show).await?;
    let known: Vec<(String, Pipeline)> =
        found.into_iter().map(|pipeline| (shown(&pipeline.target), pipeline)).collect();
    let states = known.iter().map(|(target, it)| (it.name.as_str(), target.as_str(), &it.state));
    if args.json {
        let document = memory::document(states);
        return print(format!("{document:#}\n").as_bytes());
    }
    if known.is_empty() {
        tell(&format!("{}\n", words::nothing_remembered(args.whose.to.as_deref())));
    }
    print(memory::text(states, show.paint_stdout).as_bytes())
}

/// Runs `state reset`.
pub async fn reset(args: &StateResetArgs, show: Show) -> Result<u8, Error> {
    // By accident nothing must be forgotten: somebody has to be named.
    if args.whose.config.is_none() && args.whose.to.is_none() {
        return Err(Error::NoPipeline { known: Vec::new() });
    }
    let mut found = pipelines(&args.whose, args.pipeline.is_some(), show).await?;
    if let Some(name) = &args.pipeline {
        let known = found.iter().map(|pipeline| pipeline.name.clone()).collect();
        found.retain(|pipeline| pipeline.name == *name);
        if found.is_empty() {
            return Err(Error::NoPipeline { known });
        }
    }
    let pipeline = match found.as_slice() {
        [] => {
            tell(&format!("{}\n", words::nothing_remembered(args.whose.to.as_deref())));
            return Ok(exit::COMPLETE);
        }
        [one] => one,
        several => {
            let known = several.iter().map(|pipeline| pipeline.name.clone()).collect();
            return Err(Error::NoPipeline { known });
        }
    };
    if let Some(name) = args.resources.iter().find(|name| !pipeline.state.loads.contains_key(*name)) {
        let known = pipeline.state.loads.keys().cloned().collect();
        return Err(Error::NotRemembered { name: name.clone(), known });
    }
    let forgotten = forget(pipeline, &args.resources)?;
    tell(&words::of_reset(&pipeline.name, &shown(&pipeline.target), &forgotten));
    Ok(exit::COMPLETE)
}

/// Forgets the loads of `only` these resources, or all and what else is remembered.
fn forget(pipeline: &Pipeline, only: &[String]) -> Result<Vec<Forgotten>, Error> {
    if pipeline.state.loads.is_empty() && pipeline.state.halts.is_empty() {
        return Ok(Vec::new());
    }
    let mut destination = Destination::open(&pipeline.target, &pipeline.name)?;
    // Since it was looked at, a run may have come and gone.
    let state = destination.state();
    let meant = |load: &&Load| only.is_empty() || only.contains(&load.resource);
    let mut forgotten = Vec::new();
    for load in state.loads.values().filter(meant) {
        if let Some(load_id) = &load.to_undo {
            destination.undo_unlisted(&load.resource, load_id)?;
        }
        let resource = load.resource.clone();
        destination.record(&[Change::WatermarksForgotten { resource, but_of: None }])?;
        let complete = load.status == LoadStatus::Complete;
        match complete {
            // Its rows are in their place.
            true => destination.record(&forget_load(load, &state.chains))?,
            false => take_back(&mut destination, load, &state.chains)?,
        }
        forgotten.push(Forgotten { resource: load.resource.clone(), rows: load.rows, complete });
    }
    if only.is_empty() {
        let halts = state.halts.iter().map(|halt| Change::HaltCleared { origin: halt.origin.clone() });
        destination.record(&halts.collect::<Vec<_>>())?;
    }
    destination.commit()?;
    Ok(forgotten)
}
