//! How a run reads what is incremental: from its watermarks, within a range, or all anew; and what that makes of the
//! plan.

use sanderling_destination::{Disposition, State};

use super::outcome::RunNotice;
use super::plan::{Plan, PlanError};
use crate::contract::{Range, SourceInfo, WriteDisposition};

/// How incremental resources are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// From the watermark that the last run left.
    #[default]
    Onward,
    /// Within a range, which leaves the watermark alone.
    Range(Range),
    /// From the beginning, as if nothing had been read.
    Anew,
}

impl Mode {
    /// What a checkpoint of such a run belongs to.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Onward => String::new(),
            Self::Range(range) => format!("{range:?}"),
            Self::Anew => "anew".to_owned(),
        }
    }
}

/// The resources that a range can be read of: those of `only` these, or all that are incremental.
///
/// # Errors
/// One of `only` is none, or there are none at all.
pub fn with_a_range(info: &SourceInfo, only: &[String]) -> Result<Vec<String>, PlanError> {
    let mut names = Vec::new();
    for resource in &info.resources {
        let is_meant = if only.is_empty() { resource.selected } else { only.contains(&resource.name) };
        let replaced = resource.write_disposition == WriteDisposition::Replace;
        match (&resource.incremental, is_meant) {
            (Some(_), true) if !replaced => names.push(resource.name.clone()),
            (_, true) if !only.is_empty() => {
                return Err(PlanError::NoRange { resource: resource.name.clone(), replaced });
            }
            _ => {}
        }
    }
    // Names that there are none of are told of where the plan is made.
    let unknown = only.iter().filter(|name| !info.resources.iter().any(|resource| resource.name == **name));
    names.extend(unknown.cloned());
    if names.is_empty() { Err(PlanError::NothingIncremental) } else { Ok(names) }
}

/// The plan as a run carries it out, and what is to be said of it. `files`: a merge puts a new file in the old one's
/// place, which a part of the rows must not do.
///
/// # Errors
/// With `strict`: rows would be added where the config says that they are merged.
pub fn plan(
    of: &Plan,
    mode: &Mode,
    files: bool,
    strict: bool,
    state: &State,
) -> Result<(Plan, Vec<RunNotice>), PlanError> {
    let mut plan = of.clone();
    let mut notices = Vec::new();
    for at in 0..plan.resources.len() {
        let driven = std::iter::successors(Some(at), |at| plan.resources[*at].parent)
            .any(|at| plan.resources[at].incremental.is_some());
        let resource = &mut plan.resources[at];
        if !resource.written || !driven {
            continue;
        }
        let name = || resource.name.clone();
        match (resource.table.disposition, mode) {
            (Disposition::Append, Mode::Anew) => {
                notices.push(RunNotice::Refreshed { resource: name() });
                resource.table.disposition = Disposition::Replace;
            }
            (Disposition::Merge, Mode::Onward | Mode::Range(_)) if files => {
                if strict {
                    return Err(PlanError::WouldAppend { resource: name() });
                }
                let load_id = state.loads.get(&resource.name).map_or("", |load| {
                    // What broke off goes on as it began.
                    if load.status == sanderling_destination::LoadStatus::Complete {
                        ""
                    } else {
                        &load.load_id
                    }
                });
                let is_part = |name: &String| {
                    let marks = state.watermarks.get(name);
                    marks.is_some_and(|marks| marks.values().any(|mark| mark.since(load_id).is_some()))
                };
                let above = std::iter::successors(Some(at), |at| plan.resources[*at].parent);
                let names: Vec<String> = above.map(|at| plan.resources[at].name.clone()).collect();
                if matches!(mode, Mode::Range(_)) || names.iter().any(is_part) {
                    let resource = &mut plan.resources[at];
                    notices.push(RunNotice::Appends { resource: resource.name.clone() });
                    resource.table.disposition = Disposition::Append;
                }
            }
            _ => {}
        }
    }
    Ok((plan, notices))
}
