//! How a run begins: what broke off goes on, the rest starts at its first page.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sanderling_destination::{
    Chain, Change, Destination, DestinationError, Load, LoadStatus, PartitionId, State,
};
use sanderling_gate::Vault;

use super::origin::HALT_MEMORY_MS;
use super::outcome::{Event, Outcome, RunNotice};
use super::pages::Pages;
use super::plan::Plan;
use super::resume::{self, Now, Pass, Start, Why};
use super::retry_failed::Partitions;
use super::stack::{Item, Stack};
use super::{Driver, Settings, watermark};
use crate::contract::Partition;
use crate::sandbox::Connection;

impl<'a> Driver<'a> {
    pub(super) fn start(
        plan: &'a Plan,
        connection: Arc<Connection>,
        destination: &'a mut Destination,
        vault: Arc<Vault>,
        settings: &'a Settings,
        tell: &'a mut dyn FnMut(Event),
    ) -> Result<Self, DestinationError> {
        let state = destination.state();
        let now_ms = (settings.clock)();
        let halted: Vec<String> = state
            .halts
            .iter()
            .filter(|halt| now_ms.saturating_sub(halt.at_ms) < HALT_MEMORY_MS)
            .map(|halt| halt.origin.clone())
            .filter(|origin| plan.resources.iter().any(|resource| resource.origin == *origin))
            .collect();
        let last_seq = state.pending.iter().map(|page| page.seq).max().unwrap_or_default();
        let mut driver = Self {
            plan,
            destination,
            vault,
            settings,
            tell,
            started_ms: now_ms,
            pass_ms: now_ms,
            stack: Stack::after(last_seq),
            pages: Pages::new(connection, settings, &halted),
            chains: HashMap::new(),
            trails: HashMap::new(),
            watermarks: watermark::of_plan(plan, &state),
            unrecorded: HashSet::new(),
            disordered: HashSet::new(),
            resumed: HashSet::new(),
            loads: plan
                .resources
                .iter()
                .map(|resource| Load { resource: resource.name.clone(), ..Load::default() })
                .collect(),
            opened: HashMap::new(),
            owed: vec![0; plan.resources.len()],
            reshaped: vec![false; plan.resources.len()],
            failed: HashSet::new(),
            abandoned: HashSet::new(),
            unread: HashSet::new(),
            left: HashSet::new(),
            started: HashSet::new(),
            turns_ms: vec![None; plan.resources.len()],
            outcome: Outcome::default(),
            said: HashSet::new(),
            uncommitted_rows: 0,
            uncommitted_bytes: 0,
            commit_due_ms: None,
        };
        driver.say_unused_watermarks();
        for origin in halted {
            driver.say(RunNotice::Trial { origin });
        }
        if settings.retry_failed {
            driver.retry_failed(&state)?;
            driver.commit()?;
            return Ok(driver);
        }
        driver.take_back_removed(&state)?;
        let mut starts = Vec::new();
        let mut passes = Vec::new();
        for root in plan.roots() {
            let start = driver.how_to_start(root, &state)?;
            let loads = resume::loads_of_tree(plan, root, &state);
            let broken = loads.iter().filter(|load| load.status != LoadStatus::Complete);
            passes.extend(broken.filter_map(|load| Pass::of(&start, load.started_ms)));
            starts.push((root, start));
        }
        driver.pass_ms = passes.iter().map(|pass| pass.began_ms).max().unwrap_or(now_ms);
        // The last tree first: what is put on the stack last is read first.
        for (root, start) in starts.into_iter().rev() {
            driver.start_tree(root, start, &passes, &state)?;
        }
        driver.commit()?;
        Ok(driver)
    }

    /// What a decision goes by for the tree of `loads`.
    fn now<'s>(&'s self, loads: &[&Load], fingerprint: &'s str, state: &State) -> Now<'s> {
        Now {
            fingerprint,
            connector_digest: &self.settings.connector_digest,
            now_ms: self.started_ms,
            broke_off_ms: resume::broke_off_ms(loads, state),
            resume_within_ms: if self.settings.retry_failed {
                u64::MAX
            } else {
                self.settings.resume_within_ms
            },
            fresh: self.settings.fresh,
        }
    }

    pub(super) fn how_to_start(&mut self, root: usize, state: &State) -> Result<Start, DestinationError> {
        let names: HashSet<&str> =
            self.plan.tree(root).map(|at| self.plan.resources[at].name.as_str()).collect();
        let loads = resume::loads_of_tree(self.plan, root, state);
        // A reference that means nothing any more is a config that has changed.
        let restorable =
            state.pending.iter().filter(|page| names.contains(page.resource.as_str())).all(|page| {
                let partition = page.partition.as_ref();
                let texts = [page.cursor.as_ref(), partition.map(|it| &it.key), partition.map(|it| &it.data)];
                texts.into_iter().flatten().all(|text| self.vault.restore(text).is_ok())
            });
        let fingerprint = self.fingerprint(root);
        let start = resume::decide_tree(self.plan, root, state, self.now(&loads, &fingerprint, state));
        Ok(match start {
            Start::Resume if !restorable => Start::Again(Why::ConfigChanged),
            Start::Resume => match self.open_loads(root, state) {
                Ok(()) => Start::Resume,
                Err(DestinationError::Corrupt { path, reason }) => {
                    Start::Again(Why::OutputChanged(format!("{}: {reason}", path.display())))
                }
                Err(error) => return Err(error),
            },
            start => start,
        })
    }

    fn start_tree(
        &mut self,
        root: usize,
        start: Start,
        passes: &[Pass],
        state: &State,
    ) -> Result<(), DestinationError> {
        let loads = resume::loads_of_tree(self.plan, root, state);
        let fingerprint = self.fingerprint(root);
        let done =
            start == Start::Fresh && resume::is_done(&loads, passes, self.now(&loads, &fingerprint, state));
        match if done { Start::Done } else { start } {
            Start::Resume => {
                self.resume(root, state, None)?;
                let rows = self.rows_written(root);
                self.say(RunNotice::Resumed { resource: self.plan.resources[root].name.clone(), rows });
                Ok(())
            }
            Start::Fresh => self.begin(root, &loads, &self.broken_ids(root, state), &state.chains),
            Start::Done => {
                for at in self.plan.tree(root) {
                    if let Some(load) = state.loads.get(&self.plan.resources[at].name) {
                        self.loads[at] = load.clone();
                    }
                }
                let rows = self.rows_written(root);
                self.say(RunNotice::Done { resource: self.plan.resources[root].name.clone(), rows });
                Ok(())
            }
            Start::Again(why) => {
                let resource = self.plan.resources[root].name.clone();
                self.say(RunNotice::StartedAgain { resource, why });
                self.begin(root, &loads, &self.broken_ids(root, state), &state.chains)
            }
        }
    }

    /// The loads of a tree that broke off, also where this run does not read all of the tree.
    fn broken_ids(&self, root: usize, state: &State) -> HashSet<String> {
        let broken =
            |load: &&Load| load.status != LoadStatus::Complete && self.plan.is_below(&load.resource, root);
        state.loads.values().filter(broken).map(|load| load.load_id.clone()).collect()
    }

    /// Opens what a run that broke off was writing to.
    fn open_loads(&mut self, root: usize, state: &State) -> Result<(), DestinationError> {
        let plan = self.plan;
        for resource in plan.tree(root).map(|at| &plan.resources[at]).filter(|resource| resource.written) {
            if let Some(load) =
                state.loads.get(&resource.name).filter(|load| load.status != LoadStatus::Complete)
            {
                self.destination.resume(&resource.table, load)?;
            }
        }
        Ok(())
    }

    /// Takes over the loads, chains and pending pages of the run that broke off; of the pages those of `only` some
    /// partitions, if these are named: the rest stays pending.
    pub(super) fn resume(
        &mut self,
        root: usize,
        state: &State,
        only: Option<&Partitions>,
    ) -> Result<(), DestinationError> {
        let plan = self.plan;
        for at in plan.tree(root) {
            let resource = &plan.resources[at];
            let Some(load) = state.loads.get(&resource.name) else {
                continue;
            };
            self.loads[at] = load.clone();
            self.loads[at].failed_parents = 0;
            if let Some(opened) = state.opened.get(&resource.name) {
                self.opened.insert(at, opened.iter().copied().collect());
            }
        }
        for chain in &state.chains {
            let Some(at) = plan.find(&chain.resource).filter(|&at| plan.resources[at].root == root) else {
                continue;
            };
            let key = (at, chain.partition_key.as_deref().map(Into::into));
            self.resumed.insert(key.clone());
            self.chains.insert(key, chain.clone());
        }
        let mut pages: Vec<_> = state.pending.iter().collect();
        pages.sort_by_key(|page| page.seq);
        for page in pages {
            let Some(at) = plan.find(&page.resource).filter(|&at| plan.resources[at].root == root) else {
                continue;
            };
            let partition = page.partition.as_ref().map(|partition| {
                Arc::new(Partition { key: partition.key.clone(), data: partition.data.clone() })
            });
            if let Some(partition) = &partition {
                self.opened.entry(at).or_default().insert(PartitionId::of(&partition.key));
            }
            let key = partition.as_ref().map(|partition| partition.key.clone());
            let wanted =
                |only: &Partitions| key.is_some_and(|key| only.contains(&(page.resource.clone(), key)));
            if !only.is_none_or(wanted) {
                self.unread.insert(at);
                continue;
            }
            self.stack.put(Item { seq: page.seq, resource: at, partition, cursor: page.cursor.clone() });
        }
        Ok(())
    }

    /// Rows of a tree that are there already.
    fn rows_written(&self, root: usize) -> u64 {
        self.plan.tree(root).filter(|&at| self.plan.resources[at].written).map(|at| self.loads[at].rows).sum()
    }

    /// Begins a tree at its first page, after undoing what a broken load of it had written. A tree breaks off as a whole:
    /// what the loads `broken_ids` had finished of it by then is read anew too.
    fn begin(
        &mut self,
        root: usize,
        former: &[&Load],
        broken_ids: &HashSet<String>,
        chains: &[Chain],
    ) -> Result<(), DestinationError> {
        let plan = self.plan;
        let fingerprint = self.fingerprint(root);
        let mut changes = Vec::new();
        for at in plan.tree(root) {
            let resource = &plan.resources[at];
            let before = former.iter().find(|load| load.resource == resource.name);
            let undone = |load: &&&Load| {
                // What is whole, and not written in this run, would be missing.
                load.status != LoadStatus::Complete
                    || (resource.written && broken_ids.contains(&load.load_id))
            };
            let finished =
                |load: &Load| load.status == LoadStatus::Complete && broken_ids.contains(&load.load_id);
            let mut last_complete = before.and_then(|load| load.latest_complete());
            let mut to_undo = before.and_then(|load| load.to_undo.clone());
            if let Some(load) = before.filter(|load| undone(load) || finished(load)) {
                changes.push(self.watermarks_back(at, &load.load_id));
            }
            if let Some(load) = before.filter(undone) {
                self.destination.undo(&resource.table, &load.load_id)?;
                last_complete = load.last_complete.clone();
            } else if let Some(load) = before.filter(|load| finished(load)) {
                // Its tree starts again without it. When it is written again, its rows would be there twice.
                to_undo = to_undo.or_else(|| Some(load.load_id.clone()));
            }
            if resource.written
                && let Some(load_id) = to_undo.take()
            {
                self.destination.undo(&resource.table, &load_id)?;
                last_complete = last_complete.filter(|complete| complete.load_id != load_id);
            }
            let load = Load {
                resource: resource.name.clone(),
                load_id: self.settings.load_id.clone(),
                fingerprint: fingerprint.clone(),
                connector_digest: self.settings.connector_digest.clone(),
                started_ms: self.pass_ms,
                updated_ms: self.now_ms(),
                unwritten: !resource.written,
                last_complete,
                to_undo,
                ..Load::default()
            };
            if resource.written {
                self.destination.begin(&resource.table, &load)?;
            }
            changes.push(Change::DropPending { resource: resource.name.clone() });
            changes.extend(chains.iter().filter(|chain| chain.resource == resource.name).map(|chain| {
                Change::ChainEnd {
                    resource: chain.resource.clone(),
                    partition_key: chain.partition_key.clone(),
                }
            }));
            changes.push(Change::OpenedForgotten { resource: resource.name.clone() });
            changes.push(Change::Load(load.clone()));
            self.loads[at] = load;
        }
        let item = self.stack.item(root, None, None);
        changes.push(Change::Pending(self.pending(&item)));
        self.stack.put(item);
        self.destination.record(&changes)
    }

    /// Drops a resumed tree and begins it anew: going on would lose rows or count them twice.
    pub(super) fn start_again(&mut self, resource: usize, why: Why) -> Result<(), DestinationError> {
        let plan = self.plan;
        let root = plan.resources[resource].root;
        let broken: Vec<Load> = plan.tree(root).map(|at| self.loads[at].clone()).collect();
        self.drop_resources(|other| plan.resources[other].root == root);
        self.trails.retain(|key, _| plan.resources[key.0].root != root);
        let (chains, kept) = std::mem::take(&mut self.chains)
            .into_iter()
            .partition(|(key, _)| plan.resources[key.0].root == root);
        self.chains = kept;
        let chains: HashMap<_, Chain> = chains;
        self.resumed.retain(|key| plan.resources[key.0].root != root);
        // What failed of it before is asked for once more, and did not happen as far as the outcome goes.
        self.failed.retain(|&at| plan.resources[at].root != root);
        self.opened.retain(|&at, _| plan.resources[at].root != root);
        plan.tree(root).for_each(|at| self.owed[at] = 0);
        self.abandoned.retain(|&at| plan.resources[at].root != root);
        let other = |name: &str| plan.find(name).is_none_or(|at| plan.resources[at].root != root);
        self.outcome.failures.retain(|failure| other(&failure.resource));
        self.outcome.codes.retain(|(name, _)| other(name));
        self.say(RunNotice::StartedAgain { resource: plan.resources[root].name.clone(), why });
        let broken_ids = broken.iter().filter(|load| load.status != LoadStatus::Complete);
        let broken_ids = broken_ids.map(|load| load.load_id.clone()).collect();
        let former: Vec<&Load> = broken.iter().collect();
        self.begin(root, &former, &broken_ids, &chains.into_values().collect::<Vec<_>>())
    }

    fn fingerprint(&self, root: usize) -> String {
        resume::fingerprint(
            self.plan,
            root,
            &self.settings.config,
            self.settings.max_pages,
            &self.settings.mode,
        )
    }
}
