//! `state show`, `state edit` and `state reset`: what is remembered of the last runs, and how it is changed.

use sanderling_destination::{Change, Destination, Load, LoadStatus, Mark, Watermark};

use super::pipelines::{Pipeline, pipelines};
use super::print;
use super::run::shown;
use super::terminal::tell;
use crate::cli::{StateEditArgs, StateResetArgs, StateShowArgs};
use crate::error::{Error, WatermarkError};
use crate::memory;
use crate::run::left_behind::{forget as forget_load, take_back};
use crate::run::plan::PlanError;
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

/// Runs `state edit`.
pub async fn edit(args: &StateEditArgs, show: Show) -> Result<u8, Error> {
    let unset = |error| Error::Edit { resource: args.resource.clone(), error };
    let found =
        if args.whose.config.is_some() { pipelines(&args.whose, false, show).await? } else { Vec::new() };
    let [Pipeline { name, target, known: Some(known), .. }] = found.as_slice() else {
        return Err(Error::NoPipeline { known: Vec::new() });
    };
    let Some(at) = known.plan.find(&args.resource) else {
        let known = known.plan.resources.iter().map(|resource| resource.name.clone()).collect();
        return Err(PlanError::Unknown { name: args.resource.clone(), known }.into());
    };
    let resource = &known.plan.resources[at];
    let Some(incremental) = &resource.incremental else {
        return Err(unset(WatermarkError::NotIncremental));
    };
    let mut destination = Destination::open(target, name)?;
    let state = destination.state();
    if state.loads.get(&resource.name).is_some_and(|load| load.status != LoadStatus::Complete) {
        return Err(unset(WatermarkError::Unfinished));
    }
    let held = state.watermarks.get(&resource.name);
    let parents: Vec<String> = match (&resource.parent, &args.parent) {
        (None, None) => vec![String::new()],
        (None, Some(_)) => Vec::new(),
        (Some(_), wanted) => {
            let keys = held.into_iter().flat_map(|held| held.keys());
            keys.filter(|key| wanted.as_ref().is_none_or(|wanted| is_parent(key, wanted))).cloned().collect()
        }
    };
    if parents.is_empty() {
        return Err(unset(WatermarkError::NoParent));
    }
    let before = held.into_iter().flat_map(|held| held.values()).find_map(Watermark::settled);
    let value = json_like(&args.watermark, before.map(|mark| mark.value.as_str()));
    let mark = Mark {
        cursor: incremental.cursor.clone(),
        value: value.clone(),
        // Of a value that no page brought nothing is known but the value: whatever comes after it moves it.
        ..Mark::default()
    };
    let set = |partition: &String| {
        Change::Watermark(Watermark {
            resource: resource.name.clone(),
            partition: partition.clone(),
            reached: Some(mark.clone()),
            whole: true,
            ..Watermark::default()
        })
    };
    destination.record(&parents.iter().map(set).collect::<Vec<_>>())?;
    destination.commit()?;
    let count = resource.parent.map(|_| parents.len() as u64);
    tell(&words::of_edit(&resource.name, &incremental.cursor, &value, count));
    Ok(exit::COMPLETE)
}

/// Whether a parent is meant: by the values that its rows are asked for with, a JSON list, or by the only one of them.
fn is_parent(key: &str, wanted: &str) -> bool {
    let is_text = || serde_json::from_str::<[String; 1]>(key).is_ok_and(|[only]| only == wanted);
    key == wanted || key == format!("[{wanted}]") || is_text()
}

/// A value as JSON: of the kind that it has had, else a number if it reads like one.
fn json_like(text: &str, before: Option<&str>) -> String {
    let was_text = before.is_some_and(|json| json.starts_with('"'));
    let is_number = serde_json::from_str::<serde_json::Number>(text).is_ok();
    if is_number && !was_text { text.to_owned() } else { serde_json::Value::from(text).to_string() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_meant_by_what_it_is_asked_for_with() {
        for (key, wanted) in
            [("[7]", "7"), ("[\"a b\"]", "a b"), ("[\"7\"]", "7"), ("[7,\"a\"]", "[7,\"a\"]")]
        {
            assert!(is_parent(key, wanted), "{key}");
        }
        assert!(!is_parent("[7,8]", "7"));
    }

    #[test]
    fn a_value_is_of_the_kind_that_it_was() {
        for (text, before, json) in [
            ("12", None, "12"),
            ("12", Some("\"7\""), "\"12\""),
            ("2024-01-01", None, "\"2024-01-01\""),
            ("2024-01-01", Some("7"), "\"2024-01-01\""),
            ("-1.5", Some("7"), "-1.5"),
            ("a\"b", None, "\"a\\\"b\""),
        ] {
            assert_eq!(json_like(text, before), json);
        }
    }
}
