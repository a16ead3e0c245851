//! What a next run would do with each resource, from the checkpoint alone: no request, no secret, nothing written.

use sanderling_destination::{Load, LoadStatus, State};

use super::mode::Mode;
use super::plan::Plan;
use super::resume::{self, Now, Pass, Start, Why};
use super::retry_failed::failed_partitions;
use super::watermark::{self, Reach};

/// What a next run goes by that has no flags.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The config with its references unresolved.
    pub config: &'a str,
    /// The component.
    pub connector_digest: &'a str,
    /// Unix time.
    pub now_ms: u64,
    /// How old a run that broke off may be to go on.
    pub resume_within_ms: u64,
}

/// A resource, as the checkpoint has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Its name.
    pub resource: String,
    /// Its load; none: it was never read.
    pub load: Option<Load>,
    /// Pages that are still to be read.
    pub pending_pages: u64,
    /// Parents that failed, and can be read by themselves.
    pub failed_parents: u64,
    /// Up to where it has been read, where it is incremental.
    pub watermark: Option<Reach>,
    /// What becomes of it.
    pub next: Next,
}

/// What a next run would do with a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Reads it for the first time.
    First,
    /// Reads it anew.
    Anew,
    /// Goes on where it broke off.
    GoesOn,
    /// Leaves it as it is: what broke off goes on, and this is the part that was read to its end.
    Done,
    /// Starts again, although it broke off.
    Again(Why),
    /// Takes back what is half-read: the config has it no more.
    TakenBack,
    /// Nothing: the config has it no more.
    Gone,
    /// Goes on or starts again: without the config that cannot be told.
    Unknown,
}

/// The resources that a run of `plan` would write, in its order, then those that it knows nothing of.
pub fn of_plan(plan: &Plan, state: &State, basis: Basis<'_>) -> Vec<Outlook> {
    let starts: Vec<(usize, Start)> =
        plan.roots().map(|root| (root, start(plan, root, state, basis))).collect();
    let passes: Vec<Pass> = starts
        .iter()
        .flat_map(|(root, start)| {
            let loads = resume::loads_of_tree(plan, *root, state);
            let broken = loads.into_iter().filter(|load| load.status != LoadStatus::Complete);
            broken.filter_map(|load| Pass::of(start, load.started_ms)).collect::<Vec<_>>()
        })
        .collect();
    let mut outlooks = Vec::new();
    for (at, resource) in plan.resources.iter().enumerate().filter(|(_, resource)| resource.written) {
        let Some((root, start)) = starts.iter().find(|(root, _)| *root == plan.resources[at].root) else {
            continue;
        };
        let load = state.loads.get(&resource.name);
        let loads = resume::loads_of_tree(plan, *root, state);
        let fingerprint = resume::fingerprint(plan, *root, basis.config, None, &Mode::Onward);
        let done = || resume::is_done(&loads, &passes, now(&loads, &fingerprint, state, basis));
        let complete = load.is_some_and(|load| load.status == LoadStatus::Complete);
        let next = match start {
            Start::Fresh if load.and_then(Load::latest_complete).is_none() => Next::First,
            Start::Fresh if done() => Next::Done,
            Start::Fresh => Next::Anew,
            Start::Resume if complete => Next::Done,
            Start::Resume => Next::GoesOn,
            Start::Done => Next::Done,
            Start::Again(why) => Next::Again(why.clone()),
        };
        outlooks.push(outlook(state, &resource.name, next));
    }
    let others = state.loads.values().filter(|load| plan.is_gone(&load.resource));
    outlooks.extend(others.map(|load| {
        let next = if load.status == LoadStatus::Complete { Next::Gone } else { Next::TakenBack };
        outlook(state, &load.resource, next)
    }));
    outlooks
}

/// The same of a checkpoint whose config is not known.
pub fn of_state(state: &State) -> Vec<Outlook> {
    let written = state.loads.values().filter(|load| !load.unwritten);
    let next = |load: &Load| match load.status {
        LoadStatus::Complete => Next::Anew,
        LoadStatus::Refused => Next::Again(Why::Refused),
        LoadStatus::Running => Next::Unknown,
    };
    written.map(|load| outlook(state, &load.resource, next(load))).collect()
}

fn outlook(state: &State, resource: &str, next: Next) -> Outlook {
    let pending = state.pending.iter().filter(|page| page.resource == resource);
    Outlook {
        resource: resource.to_owned(),
        load: state.loads.get(resource).cloned(),
        pending_pages: pending.count() as u64,
        failed_parents: failed_partitions(state, |name| name == resource).len() as u64,
        watermark: watermark::reach(state, resource),
        next,
    }
}

fn start(plan: &Plan, root: usize, state: &State, basis: Basis<'_>) -> Start {
    let loads = resume::loads_of_tree(plan, root, state);
    let fingerprint = resume::fingerprint(plan, root, basis.config, None, &Mode::Onward);
    resume::decide_tree(plan, root, state, now(&loads, &fingerprint, state, basis))
}

fn now<'a>(loads: &[&Load], fingerprint: &'a str, state: &State, basis: Basis<'a>) -> Now<'a> {
    Now {
        fingerprint,
        connector_digest: basis.connector_digest,
        now_ms: basis.now_ms,
        broke_off_ms: resume::broke_off_ms(loads, state),
        resume_within_ms: basis.resume_within_ms,
        fresh: false,
    }
}

#[cfg(test)]
mod tests {
    use sanderling_destination::{Partition, PendingPage};

    use super::*;
    use crate::contract::{ResourceInfo, SourceInfo, WriteDisposition};

    fn plan() -> Plan {
        let resource = |(name, parent): (&str, Option<&str>)| ResourceInfo {
            name: name.into(),
            parent: parent.map(Into::into),
            primary_key: Vec::new(),
            write_disposition: WriteDisposition::Append,
            columns: None,
            incremental: None,
            selected: true,
            retry: None,
            origins: Vec::new(),
            seals: Vec::new(),
            settings: None,
        };
        let names = [("users", None), ("projects", None), ("tasks", Some("projects"))];
        let info = SourceInfo { resources: names.map(resource).into(), ..SourceInfo::default() };
        Plan::new(&info, &[]).unwrap()
    }

    const BASIS: Basis<'static> =
        Basis { config: "c", connector_digest: "d", now_ms: 5_000, resume_within_ms: 3_600_000 };

    /// The loads of one run; pages of `tasks` are pending, one of them failed.
    fn state(plan: &Plan, loads: &[(&str, LoadStatus)]) -> State {
        let mut state = State::default();
        for (name, status) in loads {
            let root = plan.find(name).map_or(0, |at| plan.resources[at].root);
            let load = Load {
                resource: (*name).to_owned(),
                load_id: "1".into(),
                fingerprint: resume::fingerprint(plan, root, "c", None, &Mode::Onward),
                connector_digest: "d".into(),
                started_ms: 1_000,
                updated_ms: 2_000,
                status: *status,
                ..Load::default()
            };
            state.loads.insert((*name).to_owned(), load);
            if *status != LoadStatus::Complete {
                for seq in 1..=3 {
                    state.pending.push(PendingPage {
                        seq,
                        resource: (*name).to_owned(),
                        partition: Some(Partition { key: seq.to_string(), data: String::new() }),
                        cursor: None,
                        failed: seq == 1,
                    });
                }
            }
        }
        state
    }

    fn next(plan: &Plan, state: &State, basis: Basis<'_>) -> Vec<(String, Next)> {
        of_plan(plan, state, basis).into_iter().map(|it| (it.resource, it.next)).collect()
    }

    #[test]
    fn what_a_next_run_would_do() {
        use LoadStatus::{Complete, Refused, Running};
        let plan = plan();
        let broken = [("users", Complete), ("projects", Complete), ("tasks", Running)];
        let named = |nexts: [Next; 3]| -> Vec<(String, Next)> {
            ["users", "projects", "tasks"].into_iter().map(str::to_owned).zip(nexts).collect()
        };
        let other = Basis { config: "other", ..BASIS };
        let late = Basis { now_ms: 3_700_000_000, ..BASIS };
        let old = Why::TooOld { age_ms: 3_699_998_000, within_ms: 3_600_000 };
        let again = |why: Why| named([Next::Anew, Next::Again(why.clone()), Next::Again(why)]);
        for (loads, basis, expected) in [
            (&[][..], BASIS, named([Next::First, Next::First, Next::First])),
            (&broken.map(|(name, _)| (name, Complete)), BASIS, named([Next::Anew, Next::Anew, Next::Anew])),
            (&broken, BASIS, named([Next::Done, Next::Done, Next::GoesOn])),
            (&broken, other, again(Why::ConfigChanged)),
            (&broken, late, again(old)),
            (
                &[("users", Complete), ("projects", Complete), ("tasks", Refused)],
                BASIS,
                named([Next::Done, Next::Again(Why::Refused), Next::Again(Why::Refused)]),
            ),
            (
                &[("users", Complete), ("tasks", Running)],
                BASIS,
                named([Next::Anew, Next::Again(Why::Forgotten), Next::Again(Why::Forgotten)]),
            ),
        ] {
            assert_eq!(next(&plan, &state(&plan, loads), basis), expected, "{loads:?}");
        }
        let gone = state(&plan, &[("old", Complete), ("older", Running)]);
        let shown = next(&plan, &gone, BASIS);
        assert_eq!(shown[3..], [("old".to_owned(), Next::Gone), ("older".to_owned(), Next::TakenBack)]);
        let counted = &of_plan(&plan, &state(&plan, &broken), BASIS)[2];
        assert_eq!((counted.pending_pages, counted.failed_parents), (3, 1));
    }

    #[test]
    fn without_a_config_what_can_be_told_is() {
        let state = state(&plan(), &[("a", LoadStatus::Complete), ("b", LoadStatus::Running)]);
        let nexts: Vec<Next> = of_state(&state).into_iter().map(|it| it.next).collect();
        assert_eq!(nexts, [Next::Anew, Next::Unknown]);
    }
}
