//! How a run begins: what broke off goes on, the rest starts at its first page.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sanderling_destination::{Chain, Change, Destination, DestinationError, Load, LoadStatus, State};
use sanderling_gate::Vault;
use sha2::{Digest, Sha256};

use super::origin::HALT_MEMORY_MS;
use super::outcome::{Event, Outcome, RunNotice};
use super::pages::Pages;
use super::plan::Plan;
use super::resume::{self, Now, Start, Why};
use super::stack::{Item, Stack};
use super::{Driver, Settings, hex};
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
            stack: Stack::after(last_seq),
            pages: Pages::new(connection, settings.concurrency, &halted),
            chains: HashMap::new(),
            resumed: HashSet::new(),
            loads: plan
                .resources
                .iter()
                .map(|resource| Load { resource: resource.name.clone(), ..Load::default() })
                .collect(),
            failed: HashSet::new(),
            abandoned: HashSet::new(),
            started: HashSet::new(),
            turns_ms: vec![None; plan.resources.len()],
            outcome: Outcome::default(),
            said: HashSet::new(),
            uncommitted_rows: 0,
            uncommitted_bytes: 0,
            commit_due_ms: None,
        };
        for origin in halted {
            driver.say(RunNotice::Trial { origin });
        }
        // The last tree first: what is put on the stack last is read first.
        for root in plan.roots().rev() {
            driver.start_tree(root, &state)?;
        }
        driver.commit()?;
        Ok(driver)
    }

    fn start_tree(&mut self, root: usize, state: &State) -> Result<(), DestinationError> {
        let names: HashSet<&str> =
            self.plan.tree(root).map(|at| self.plan.resources[at].name.as_str()).collect();
        let loads: Vec<&Load> =
            state.loads.values().filter(|load| names.contains(load.resource.as_str())).collect();
        let mut pages = state.pending.iter().filter(|page| names.contains(page.resource.as_str())).peekable();
        let pending = pages.peek().is_some();
        // A reference that means nothing any more is a config that has changed.
        let restorable = pages.all(|page| {
            let partition = page.partition.as_ref();
            let texts = [page.cursor.as_ref(), partition.map(|it| &it.key), partition.map(|it| &it.data)];
            texts.into_iter().flatten().all(|text| self.vault.restore(text).is_ok())
        });
        let fingerprint = self.fingerprint(root);
        let now = Now {
            fingerprint: &fingerprint,
            connector_digest: &self.settings.connector_digest,
            now_ms: self.started_ms,
            resume_within_ms: self.settings.resume_within_ms,
            fresh: self.settings.fresh,
        };
        let start = match resume::decide(&loads, pending, now) {
            Start::Resume if !restorable => Start::Again(Why::ConfigChanged),
            Start::Resume => match self.open_loads(root, state) {
                Ok(()) => Start::Resume,
                Err(DestinationError::Corrupt { path, reason }) => {
                    Start::Again(Why::OutputChanged(format!("{}: {reason}", path.display())))
                }
                Err(error) => return Err(error),
            },
            start => start,
        };
        match start {
            Start::Resume => self.resume(root, state),
            Start::Fresh => self.begin(root, &loads, &state.chains),
            Start::Again(why) => {
                let resource = self.plan.resources[root].name.clone();
                self.say(RunNotice::StartedAgain { resource, why });
                self.begin(root, &loads, &state.chains)
            }
        }
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

    /// Takes over the loads, chains and pending pages of the run that broke off.
    fn resume(&mut self, root: usize, state: &State) -> Result<(), DestinationError> {
        let plan = self.plan;
        let mut rows = 0;
        for at in plan.tree(root) {
            let resource = &plan.resources[at];
            let Some(load) = state.loads.get(&resource.name) else {
                continue;
            };
            self.loads[at] = load.clone();
            rows += if resource.written { load.rows } else { 0 };
            self.loads[at].failed_parents = 0;
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
            self.stack.put(Item { seq: page.seq, resource: at, partition, cursor: page.cursor.clone() });
        }
        self.say(RunNotice::Resumed { resource: plan.resources[root].name.clone(), rows });
        Ok(())
    }

    /// Begins a tree at its first page, after undoing what a broken load of it had written.
    fn begin(&mut self, root: usize, broken: &[&Load], chains: &[Chain]) -> Result<(), DestinationError> {
        let plan = self.plan;
        let fingerprint = self.fingerprint(root);
        let mut changes = Vec::new();
        for at in plan.tree(root) {
            let resource = &plan.resources[at];
            let before = broken.iter().find(|load| load.resource == resource.name);
            if let Some(load) = before.filter(|load| load.status != LoadStatus::Complete) {
                self.destination.undo(&resource.table, &load.load_id)?;
            }
            let load = Load {
                resource: resource.name.clone(),
                load_id: self.settings.load_id.clone(),
                fingerprint: fingerprint.clone(),
                connector_digest: self.settings.connector_digest.clone(),
                started_ms: self.now_ms(),
                updated_ms: self.now_ms(),
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
        let (chains, kept) = std::mem::take(&mut self.chains)
            .into_iter()
            .partition(|(key, _)| plan.resources[key.0].root == root);
        self.chains = kept;
        let chains: HashMap<_, Chain> = chains;
        self.resumed.retain(|key| plan.resources[key.0].root != root);
        self.say(RunNotice::StartedAgain { resource: plan.resources[root].name.clone(), why });
        self.begin(root, &broken.iter().collect::<Vec<_>>(), &chains.into_values().collect::<Vec<_>>())
    }

    /// What a checkpoint of this tree belongs to: the config, and which of the tree's resources are read and written.
    fn fingerprint(&self, root: usize) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.settings.config);
        for at in self.plan.tree(root) {
            let resource = &self.plan.resources[at];
            hash.update([0, u8::from(resource.written)]);
            hash.update(&resource.name);
        }
        hex(&hash.finalize())
    }
}
