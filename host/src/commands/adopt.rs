//! `adopt`: tables that dlt has loaded become a pipeline's own, with how far they have been read.

use std::collections::BTreeSet;
use std::path::Path;

use sanderling_destination::{
    Change, Destination, DltMark, DltPipeline, Load, Mark, Nested, State, SystemNames, Watermark,
};

use super::run::{shown, target};
use super::terminal::tell;
use super::{env, read, request_of_config};
use crate::cli::AdoptArgs;
use crate::error::{AdoptError, Error};
use crate::run::plan::{Plan, Resource};
use crate::secrets::Sources;
use crate::show::Show;
use crate::words::{self, Adopted, Left, exit};
use crate::{clock, source};

/// What is taken over has this load's id.
const LOAD_ID: &str = "adopted-from-dlt";

/// Runs the command.
pub async fn adopt(args: &AdoptArgs, _show: Show) -> Result<u8, Error> {
    let text = read(&args.file.config)?;
    let described = source::describe(&request_of_config(&args.file, &text)).await?;
    let plan = Plan::new(&described.info, &[])?.shaped(described.settings.shaping)?;
    // No flags give secrets here.
    let secrets = Sources { flags: &[], also: &BTreeSet::new(), env: &env, dir: Path::new(".") };
    let target = target(args.to.as_deref(), None, &described.settings, &described.name, secrets)?;
    let shown = shown(&target);
    let failed = |error| Error::Adopt { target: shown.clone(), error };

    // Opening it would make what is not there.
    let found = Destination::left_by_dlt(&target)?;
    let pipeline = named(found, args.pipeline.as_deref()).map_err(failed)?;
    let mut destination = Destination::open(&target, &described.name)?;
    let state = destination.state();
    let mut adopted = Vec::new();
    for resource in plan.resources.iter().filter(|resource| resource.written) {
        let taken = take_over(&mut destination, &state, &pipeline, resource)?.map_err(failed)?;
        adopted.extend(taken);
    }
    if adopted.is_empty() {
        let tables = pipeline.schemas.into_keys().collect();
        return Err(failed(AdoptError::NoTable { pipeline: pipeline.name, tables }));
    }
    destination.commit()?;
    let others = pipeline.schemas.keys().filter(|name| adopted.iter().all(|taken| taken.table != **name));
    let others: Vec<&str> = others.map(String::as_str).collect();
    tell(&words::of_adoption(&pipeline.name, &shown, &adopted, &others));
    Ok(exit::COMPLETE)
}

/// The pipeline that is meant.
fn named(mut found: Vec<DltPipeline>, name: Option<&str>) -> Result<DltPipeline, AdoptError> {
    if found.is_empty() {
        return Err(AdoptError::NoDlt);
    }
    if let Some(name) = name {
        let at = found.iter().position(|pipeline| pipeline.name == name);
        return match at {
            Some(at) => Ok(found.swap_remove(at)),
            None => Err(AdoptError::WhichPipeline { known: names(&found) }),
        };
    }
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        last => {
            found.extend(last);
            Err(AdoptError::WhichPipeline { known: names(&found) })
        }
    }
}

fn names(found: &[DltPipeline]) -> Vec<String> {
    found.iter().map(|pipeline| pipeline.name.clone()).collect()
}

/// Takes over the table of a resource; none if dlt has not made it. What cannot be is refused before anything is written.
fn take_over(
    destination: &mut Destination,
    state: &State,
    pipeline: &DltPipeline,
    resource: &Resource,
) -> Result<Result<Option<Adopted>, AdoptError>, Error> {
    let table = &resource.table;
    let Some(schema) = pipeline.schemas.get(&table.name) else { return Ok(Ok(None)) };
    if state.loads.contains_key(&resource.name) {
        return Ok(Err(AdoptError::Loaded { resource: resource.name.clone() }));
    }
    let is_alike =
        matches!(table.shape.nested, Some(Nested::Tables { .. })) && table.shape.system == SystemNames::Dlt;
    if !is_alike {
        return Ok(Err(AdoptError::OtherShape { resource: resource.name.clone() }));
    }
    let now_ms = clock::now_ms();
    let load = Load {
        resource: resource.name.clone(),
        load_id: LOAD_ID.to_owned(),
        started_ms: now_ms,
        updated_ms: now_ms,
        ..Load::default()
    };
    let Some(rows) = destination.adopt(table, schema.clone(), &load)? else { return Ok(Ok(None)) };
    let (watermark, left) = match mark(pipeline, resource) {
        Ok(found) => (found, None),
        Err(left) => (None, Some(left)),
    };
    let reach = watermark.map(|(cursor, mark)| {
        let reached = Mark {
            cursor: cursor.clone(),
            value: mark.value.clone(),
            // Of a value that no page brought nothing is known but the value: whatever comes after it moves it.
            order: Vec::new(),
            ties: mark.hashes.iter().map(|hash| format!("dlt:{hash}")).collect(),
        };
        (cursor, mark.value, reached)
    });
    if let Some((_, _, reached)) = &reach {
        let watermark = Watermark {
            resource: resource.name.clone(),
            reached: Some(reached.clone()),
            whole: true,
            ..Watermark::default()
        };
        destination.record(&[Change::Watermark(watermark)])?;
    }
    Ok(Ok(Some(Adopted {
        table: table.name.clone(),
        rows,
        reached: reach.map(|(cursor, value, _)| (cursor, value)),
        left,
    })))
}

/// How far dlt has read a resource, under the name of the config's own cursor; none where the config has no cursor.
fn mark(pipeline: &DltPipeline, resource: &Resource) -> Result<Option<(String, DltMark)>, Left> {
    let Some(incremental) = &resource.incremental else { return Ok(None) };
    // A connector may say more than the path: `min updated_at`.
    let path = incremental.cursor.rsplit(' ').next().unwrap_or_default();
    let marks = pipeline.marks.get(&resource.name);
    match marks.and_then(|marks| marks.get(path)) {
        // dlt keeps one for all parents: of some of them rows may be older, and not read.
        Some(_) if resource.parent.is_some() => Err(Left::PerParent),
        Some(mark) => Ok(Some((incremental.cursor.clone(), mark.clone()))),
        None => Err(Left::NoMark { cursor: path.to_owned() }),
    }
}
