//! The driver: takes pages from the top of the stack, commits them in order with their checkpoint, and decides what
//! follows. Nothing else retries or sleeps.

pub mod mode;
pub mod outcome;
pub mod outlook;
pub mod plan;
pub mod refuse;
pub mod resume;
pub mod truth;
pub mod watermark;

mod give_up;
pub(crate) mod left_behind;
mod origin;
mod pages;
mod retry_failed;
mod settle;
mod stack;
mod start;
mod take;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sanderling_destination::{Chain, Destination, DestinationError, Load, LoadStatus, PartitionId};
use sanderling_gate::Vault;

use crate::contract::Partition;
use crate::sandbox::Connection;
use crate::settings::Rates;
use crate::words::exit;
pub use origin::Hold;
use outcome::{Event, Outcome, Parents, RunNotice, Status};
use pages::{Asked, Landed, Pages, Read};
use plan::Plan;
use stack::{ChainKey, Item, Stack};
use take::Arrived;
use truth::Trail;

/// Rows, bytes and time after which pages are committed, whichever comes first.
const COMMIT_ROWS: u64 = 10_000;
const COMMIT_BYTES: usize = 8 << 20;
const COMMIT_AFTER_MS: u64 = 1_000;

/// What a run goes by.
pub struct Settings {
    /// Requests at once to one origin, at most.
    pub concurrency: usize,
    /// How fast origins may be asked.
    pub rates: Rates,
    /// A folder in which runs on this machine share the paces of origins; `None`: this one keeps its own.
    pub paces: Option<PathBuf>,
    /// Pages of each resource, at most.
    pub max_pages: Option<u64>,
    /// Start again, whatever broke off.
    pub fresh: bool,
    /// Refuse a page that comes with a guess.
    pub frozen: bool,
    /// `on_bad_row`: what becomes of rows that do not fit.
    pub on_bad_row: refuse::OnBadRow,
    /// How what is incremental is read.
    pub mode: mode::Mode,
    /// Read the parents that failed in the last run, and nothing else.
    pub retry_failed: bool,
    /// How old a run that broke off may be to go on.
    pub resume_within_ms: u64,
    /// Names this run's rows.
    pub load_id: String,
    /// The config with its references unresolved: what a checkpoint belongs to.
    pub config: String,
    /// The component.
    pub connector_digest: String,
    /// Unix time.
    pub clock: fn() -> u64,
}

/// Reads everything that `plan` names into `destination`. Returns when all is read, nothing more can be, or `stop`
/// resolves; what was committed stays either way. An error is one of the destination, after which nothing can be kept.
pub async fn run(
    plan: &Plan,
    connection: Arc<Connection>,
    destination: &mut Destination,
    vault: Arc<Vault>,
    settings: &Settings,
    tell: &mut dyn FnMut(Event),
    stop: impl Future<Output = ()>,
) -> Result<Outcome, DestinationError> {
    let mut driver = Driver::start(plan, connection, destination, vault, settings, tell)?;
    tokio::pin!(stop);
    loop {
        driver.commit_what_landed()?;
        if driver.stack.is_empty() {
            break;
        }
        driver.ask();
        let wake_ms = driver.wake_at_ms().saturating_sub((settings.clock)());
        tokio::select! {
            biased;
            () = &mut stop => {
                driver.outcome.interrupted = true;
                break;
            }
            Some(landed) = driver.pages.next() => driver.land(landed),
            () = tokio::time::sleep(Duration::from_millis(wake_ms)) => {}
        }
        driver.commit_if_due()?;
    }
    driver.end()
}

struct Driver<'a> {
    plan: &'a Plan,
    destination: &'a mut Destination,
    vault: Arc<Vault>,
    settings: &'a Settings,
    tell: &'a mut dyn FnMut(Event),
    started_ms: u64,
    /// When the pass began that this run is, or goes on with: it marks the loads that belong together.
    pass_ms: u64,
    stack: Stack,
    pages: Pages,
    chains: HashMap<ChainKey, Chain>,
    /// Where chains have been in this run.
    trails: HashMap<ChainKey, Trail>,
    watermarks: watermark::Watermarks,
    /// Those that have moved since the last commit.
    unrecorded: HashSet<(usize, String)>,
    /// Resources whose rows do not come in the order that is said of them.
    disordered: HashSet<usize>,
    /// Chains that the last run left half-read: their totals must be what they were.
    resumed: HashSet<ChainKey>,
    loads: Vec<Load>,
    /// By child, the partitions that were opened since its load began: each is read once.
    opened: HashMap<usize, HashSet<PartitionId>>,
    /// By resource, the rows that its ended chains owe together.
    owed: Vec<u64>,
    /// Whether rows of a resource were left out or split by its connector: what is owed then says nothing of its keys.
    reshaped: Vec<bool>,
    failed: HashSet<usize>,
    /// Resources of which nothing more is asked in this run; what their parents still open stays pending.
    abandoned: HashSet<usize>,
    /// Resources with pages that are pending, and not for this run to read.
    unread: HashSet<usize>,
    /// Resources that this run has nothing to do with.
    left: HashSet<usize>,
    started: HashSet<usize>,
    /// From when it was a resource's turn to its last commit. Pages read ahead do not count.
    turns_ms: Vec<Option<(u64, u64)>>,
    outcome: Outcome,
    said: HashSet<String>,
    uncommitted_rows: u64,
    uncommitted_bytes: usize,
    commit_due_ms: Option<u64>,
}

impl Driver<'_> {
    fn now_ms(&self) -> u64 {
        (self.settings.clock)()
    }

    /// Asks for the pages at the top of the stack, as many as their origins allow.
    fn ask(&mut self) {
        let now_ms = self.now_ms();
        let window: Vec<Item> = self.stack.top_down().take(self.pages.window()).cloned().collect();
        for (depth, item) in window.into_iter().enumerate() {
            let resource = &self.plan.resources[item.resource];
            // The page whose turn it is must not wait for ones that are held behind it.
            let left = self.settings.max_pages.filter(|_| depth > 0);
            let left = left.map(|max| max.saturating_sub(self.loads[item.resource].pages));
            let (request, origin) = (self.request(&item), resource.origin.clone());
            let resource = resource.name.clone();
            match self.pages.ask(&item, request, &origin, now_ms, left) {
                Asked::Sent if self.started.insert(item.resource) => {
                    (self.tell)(Event::Started { resource });
                }
                Asked::Held { until_ms, why } => {
                    let why = why.words().to_owned();
                    (self.tell)(Event::Waiting { resource, until_ms, why, status: None, attempts: 0 });
                }
                Asked::Sent | Asked::No => {}
            }
            if let Some(why) = self.pages.take_unshared(&origin) {
                self.say(RunNotice::Unshared { origin, why });
            }
        }
    }

    fn request(&self, item: &Item) -> crate::contract::PageRequest {
        // What cannot be restored was refused when the checkpoint was read.
        let restore = |text: &str| self.vault.restore(text).unwrap_or_else(|_| text.to_owned());
        crate::contract::PageRequest {
            resource: self.plan.resources[item.resource].name.clone(),
            partition: item
                .partition
                .as_ref()
                .map(|partition| Partition { key: restore(&partition.key), data: restore(&partition.data) }),
            cursor: item.cursor.as_deref().map(restore),
            since: self.since(item),
            range: self.range(item.resource),
            // When its load began, also where that broke off: what has changed since is for the next one.
            now_ms: self.loads[item.resource].started_ms,
        }
    }

    /// When there is something to do, should no page land before.
    fn wake_at_ms(&self) -> u64 {
        let far = self.now_ms() + 3_600_000;
        self.pages.wake_at_ms(self.now_ms()).unwrap_or(far).min(self.commit_due_ms.unwrap_or(far))
    }

    /// A try has ended: keeps its page for its turn, or says when it is tried again.
    fn land(&mut self, landed: Landed) {
        let now_ms = self.now_ms();
        for exchange in landed.exchanges() {
            let resource = self.plan.resources[landed.resource].name.clone();
            (self.tell)(Event::Asked { resource, exchange: exchange.clone() });
        }
        let policy = &self.plan.resources[landed.resource].policy;
        if let Some(wait) = self.pages.land(landed, policy, now_ms, fastrand::f64()) {
            self.loads[wait.resource].retries += 1;
            let resource = self.plan.resources[wait.resource].name.clone();
            (self.tell)(Event::Waiting {
                resource,
                until_ms: wait.until_ms,
                why: wait.why,
                status: wait.status,
                attempts: wait.attempts,
            });
        }
    }

    /// Takes in every page that is at the top of the stack and there, in order.
    fn commit_what_landed(&mut self) -> Result<(), DestinationError> {
        while let Some(top) = self.stack.top() {
            let (seq, item) = (top.seq, top.clone());
            let now_ms = self.now_ms();
            self.turns_ms[item.resource].get_or_insert((now_ms, now_ms));
            if self.is_beyond_max_pages(item.resource) {
                self.limit(&item, "--max-pages".into())?;
                continue;
            }
            let Some(Read { result, last_try, masked }) = self.pages.take(seq) else { break };
            match result {
                Ok(page) => self.take_page(&item, Arrived { page, masked, last_try })?,
                Err(cause) => self.fail(&item, cause, last_try)?,
            }
            self.commit_if_due()?;
        }
        Ok(())
    }

    fn touch(&mut self, resource: usize, rows: u64, bytes: usize) {
        let now_ms = self.now_ms();
        self.uncommitted_rows += rows;
        self.uncommitted_bytes += bytes;
        self.commit_due_ms.get_or_insert(now_ms + COMMIT_AFTER_MS);
        if let Some((_, last_ms)) = &mut self.turns_ms[resource] {
            *last_ms = now_ms;
        }
        let parents = self.parents(resource);
        let load = &self.loads[resource];
        (self.tell)(Event::Progress {
            resource: self.plan.resources[resource].name.clone(),
            rows: load.rows,
            pages: load.pages,
            total: load.total,
            parents,
        });
    }

    /// How many of a child's parents are done, of those that this run knows of.
    fn parents(&self, resource: usize) -> Option<Parents> {
        self.plan.resources[resource].parent?;
        let known = self.opened.get(&resource).map_or(0, HashSet::len) as u64;
        let open = self.stack.open_partitions(resource) as u64;
        Some(Parents { done: known.saturating_sub(open), known })
    }

    fn commit_if_due(&mut self) -> Result<(), DestinationError> {
        let late = self.commit_due_ms.is_some_and(|due_ms| self.now_ms() >= due_ms);
        if late || self.uncommitted_rows >= COMMIT_ROWS || self.uncommitted_bytes >= COMMIT_BYTES {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DestinationError> {
        let moved = self.moved_watermarks();
        if !moved.is_empty() {
            self.destination.record(&moved)?;
        }
        self.destination.commit()?;
        (self.uncommitted_rows, self.uncommitted_bytes, self.commit_due_ms) = (0, 0, None);
        Ok(())
    }

    /// Says a thing once.
    fn say(&mut self, notice: RunNotice) {
        if self.said.insert(format!("{notice:?}")) {
            (self.tell)(Event::Said(notice.clone()));
            self.outcome.notices.push(notice);
        }
    }

    fn end(mut self) -> Result<Outcome, DestinationError> {
        self.commit()?;
        let plan = self.plan;
        for (at, resource) in plan.resources.iter().enumerate() {
            let load = &self.loads[at];
            if self.left.contains(&at) {
                continue;
            }
            let status = if load.status == LoadStatus::Complete {
                settle::status_in_place(load)
            } else if self.failed.contains(&at) || load.status == LoadStatus::Refused {
                Status::Failed
            } else {
                Status::Unfinished
            };
            if load.refused_rows > 0 {
                // Also where that was in the run that this one goes on with.
                self.outcome.codes.insert((resource.name.clone(), exit::REFUSED));
            }
            if !status.is_in_place() {
                self.tell_end(at, status);
            }
            let load = &self.loads[at];
            self.outcome.resources.push(outcome::ResourceOutcome {
                name: resource.name.clone(),
                rows: load.rows,
                total: load.total,
                pages: load.pages,
                retries: load.retries,
                elapsed_ms: self.turns_ms[at].map_or(0, |(first, last)| last.saturating_sub(first)),
                status,
                written: resource.written,
                missing_parents: load.missing_parents,
                failed_parents: load.failed_parents,
                refused_rows: load.refused_rows,
                discarded_rows: load.discarded_rows,
                discarded_values: load.discarded_values,
                limit: load.limit.clone(),
                watermark: self.reach(at),
            });
        }
        Ok(self.outcome)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
