//! The driver: takes pages from the top of the stack, commits them in order with their checkpoint, and decides what
//! follows. Nothing else retries or sleeps.

pub mod outcome;
pub mod plan;
pub mod resume;
pub mod truth;

mod origin;
mod pages;
mod stack;
mod start;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sanderling_destination::{
    Chain, Change, Destination, DestinationError, ErrorLine, Load, LoadStatus, PendingPage, Rows,
};
use sanderling_gate::Vault;
use sha2::{Digest, Sha256};

use crate::contract::{Continuation, Page, Partition};
use crate::sandbox::Connection;
use outcome::{Cause, Event, Failure, Outcome, RunNotice, Status};
use pages::{Landed, Pages};
use plan::Plan;
use stack::{ChainKey, Item, Stack};

/// Rows, bytes and time after which pages are committed, whichever comes first.
const COMMIT_ROWS: u64 = 10_000;
const COMMIT_BYTES: usize = 8 << 20;
const COMMIT_AFTER_MS: u64 = 1_000;

/// What a run goes by.
pub struct Settings {
    /// Requests at once to one origin, at most.
    pub concurrency: usize,
    /// Pages of each resource, at most.
    pub max_pages: Option<u64>,
    /// Start again, whatever broke off.
    pub fresh: bool,
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
    stack: Stack,
    pages: Pages,
    chains: HashMap<ChainKey, Chain>,
    /// Chains that the last run left half-read: their totals must be what they were.
    resumed: HashSet<ChainKey>,
    loads: Vec<Load>,
    failed: HashSet<usize>,
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
        let window: Vec<Item> = self.stack.from_top().take(self.settings.concurrency).cloned().collect();
        for (depth, item) in window.into_iter().enumerate() {
            let resource = &self.plan.resources[item.resource];
            // The page whose turn it is must not wait for ones that are held behind it.
            let left = self.settings.max_pages.filter(|_| depth > 0);
            let left = left.map(|max| max.saturating_sub(self.loads[item.resource].pages));
            let (request, origin) = (self.request(&item), resource.origin.clone());
            if self.pages.ask(&item, request, &origin, now_ms, left) && self.started.insert(item.resource) {
                (self.tell)(Event::Started { resource: resource.name.clone() });
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
            now_ms: self.started_ms,
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
        let policy = &self.plan.resources[landed.resource].policy;
        if let Some(wait) = self.pages.land(landed, policy, now_ms, fastrand::f64()) {
            self.loads[wait.resource].retries += 1;
            let resource = self.plan.resources[wait.resource].name.clone();
            (self.tell)(Event::Waiting {
                resource,
                until_ms: wait.until_ms,
                why: wait.why,
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
            let Some(read) = self.pages.take(seq) else { break };
            match read.result {
                Ok(page) => self.take_page(item, page, read.masked, read.exchange)?,
                Err(cause) => self.fail(&item, cause, read.attempts, read.exchange)?,
            }
            self.commit_if_due()?;
        }
        Ok(())
    }

    fn take_page(
        &mut self,
        item: Item,
        mut page: Page,
        masked: bool,
        exchange: Option<sanderling_gate::Exchange>,
    ) -> Result<(), DestinationError> {
        let (plan, resource) = (self.plan, item.resource);
        let key = item.chain();
        if self.clear_trial(&item) {
            self.destination
                .record(&[Change::HaltCleared { origin: plan.resources[resource].origin.clone() }])?;
        }
        let mut chain = self.chains.get(&key).cloned().unwrap_or_else(|| self.new_chain(&key));
        if self.resumed.remove(&key) && plan.resources[resource].totals == plan::Totals::Exact {
            if let (Some(before), Some(now)) = (chain.last_total, page.total) {
                if before != now {
                    let name = plan.resources[resource].name.clone();
                    return self
                        .start_again(resource, resume::Why::TotalChanged { resource: name, before, now });
                }
            }
        }
        if masked {
            // What a server echoed is stored as the reference, which stays the same from run to run.
            page.rows = self.vault.reference(&String::from_utf8_lossy(&page.rows)).into_bytes();
        }
        let digest = hex(&Sha256::digest(&page.rows)[..16]);
        if let Err(refusal) = truth::advance(&mut chain, &page, digest) {
            return self.fail(&item, Cause::Refused(refusal), 1, exchange);
        }
        self.say_all(resource, &mut page);

        let mut limited = None;
        let follow = match std::mem::replace(&mut page.continuation, Continuation::End) {
            Continuation::End => Vec::new(),
            Continuation::Next(cursor) => vec![cursor],
            Continuation::Rest(cursors) => cursors,
            Continuation::Limit(which) => {
                chain.limited = true;
                limited = Some(which);
                Vec::new()
            }
        };
        let ended = self.stack.open_in_chain(&key) == 1 && follow.is_empty();
        let verdict = if ended { truth::end(&chain, plan.resources[resource].totals) } else { Ok(()) };
        let (pushed, mut changes) = self.what_follows(&item, follow, &mut page);
        changes.push(self.chain_change(&key, &chain, ended));
        self.count(&item, &page, &chain, ended, verdict.is_err());
        changes.push(Change::Load(self.loads[resource].clone()));

        if plan.resources[resource].written {
            let rows = Rows {
                ndjson: &page.rows,
                count: page.kept,
                partition_key: key.1.as_deref(),
                load_id: &self.loads[resource].load_id,
                loaded_at_ms: self.started_ms,
            };
            match self.destination.write(&plan.resources[resource].table, &rows, &changes) {
                Ok(_) => {}
                Err(DestinationError::Data(error)) => {
                    self.uncount(&item, &page);
                    return self.fail(&item, Cause::Data(error), 1, exchange);
                }
                Err(error) => return Err(error),
            }
        } else {
            self.destination.record(&changes)?;
        }
        self.stack.pop();
        pushed.into_iter().for_each(|item| self.stack.put(item));
        if ended {
            self.note_growth(resource, &chain);
            self.chains.remove(&key);
        } else {
            self.chains.insert(key.clone(), chain);
        }
        self.touch(resource, page.kept, page.rows.len());
        if let Some(limit) = limited {
            self.say(RunNotice::Limited { resource: plan.resources[resource].name.clone(), limit });
        }
        match verdict {
            Ok(()) => self.settle(resource),
            Err(refusal) => self.fail_chain(&item, Cause::Refused(refusal), 1, exchange),
        }
    }

    /// The items that a page puts on the stack (top last), and the changes that make them durable.
    fn what_follows(
        &mut self,
        item: &Item,
        follow: Vec<String>,
        page: &mut Page,
    ) -> (Vec<Item>, Vec<Change>) {
        let mut pushed = Vec::new();
        for cursor in follow.into_iter().rev() {
            let cursor = Some(self.vault.reference(&cursor));
            pushed.push(self.stack.item(item.resource, item.partition.clone(), cursor));
        }
        for (name, partitions) in std::mem::take(&mut page.children).into_iter().rev() {
            // A child that this run does not read opens nothing.
            let Some(child) =
                self.plan.find(&name).filter(|&at| self.plan.resources[at].parent == Some(item.resource))
            else {
                continue;
            };
            for partition in partitions.into_iter().rev() {
                let partition = Partition {
                    key: self.vault.reference(&partition.key),
                    data: self.vault.reference(&partition.data),
                };
                pushed.push(self.stack.item(child, Some(Arc::new(partition)), None));
            }
        }
        let mut changes = vec![Change::Done { seq: item.seq }];
        changes.extend(pushed.iter().map(|item| Change::Pending(self.pending(item))));
        (pushed, changes)
    }

    fn pending(&self, item: &Item) -> PendingPage {
        PendingPage {
            seq: item.seq,
            resource: self.plan.resources[item.resource].name.clone(),
            partition: item.partition.as_ref().map(|partition| sanderling_destination::Partition {
                key: partition.key.clone(),
                data: partition.data.clone(),
            }),
            cursor: item.cursor.clone(),
        }
    }

    fn new_chain(&self, key: &ChainKey) -> Chain {
        Chain {
            resource: self.plan.resources[key.0].name.clone(),
            partition_key: key.1.as_deref().map(str::to_owned),
            ..Chain::default()
        }
    }

    fn chain_change(&self, key: &ChainKey, chain: &Chain, ended: bool) -> Change {
        if !ended {
            return Change::Chain(chain.clone());
        }
        Change::ChainEnd {
            resource: self.plan.resources[key.0].name.clone(),
            partition_key: key.1.as_deref().map(str::to_owned),
        }
    }

    fn count(&mut self, item: &Item, page: &Page, chain: &Chain, ended: bool, refused: bool) {
        let now_ms = self.now_ms();
        let load = &mut self.loads[item.resource];
        load.rows += page.kept;
        load.pages += 1;
        load.updated_ms = now_ms;
        if item.partition.is_none() {
            load.total = chain.last_total;
        } else if ended {
            load.total = chain.last_total.map(|total| total + load.total.unwrap_or_default()).or(load.total);
        }
        if refused {
            load.status = LoadStatus::Refused;
        }
    }

    /// Takes back what [`Driver::count`] counted of a page that the destination did not take.
    fn uncount(&mut self, item: &Item, page: &Page) {
        let load = &mut self.loads[item.resource];
        load.rows -= page.kept;
        load.pages -= 1;
    }

    fn touch(&mut self, resource: usize, rows: u64, bytes: usize) {
        let now_ms = self.now_ms();
        self.uncommitted_rows += rows;
        self.uncommitted_bytes += bytes;
        self.commit_due_ms.get_or_insert(now_ms + COMMIT_AFTER_MS);
        if let Some((_, last_ms)) = &mut self.turns_ms[resource] {
            *last_ms = now_ms;
        }
        let load = &self.loads[resource];
        (self.tell)(Event::Progress {
            resource: self.plan.resources[resource].name.clone(),
            rows: load.rows,
            pages: load.pages,
            total: load.total,
        });
    }

    fn commit_if_due(&mut self) -> Result<(), DestinationError> {
        let late = self.commit_due_ms.is_some_and(|due_ms| self.now_ms() >= due_ms);
        if late || self.uncommitted_rows >= COMMIT_ROWS || self.uncommitted_bytes >= COMMIT_BYTES {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DestinationError> {
        self.destination.commit()?;
        (self.uncommitted_rows, self.uncommitted_bytes, self.commit_due_ms) = (0, 0, None);
        Ok(())
    }

    /// Puts a resource in place once nothing of it is left to read, and then looks at its children.
    fn settle(&mut self, resource: usize) -> Result<(), DestinationError> {
        let plan = self.plan;
        let above = plan.resources[resource].parent.is_none_or(|parent| self.is_complete(parent));
        let whole = self.stack.open_in_resource(resource) == 0 && !self.failed.contains(&resource);
        if self.is_complete(resource)
            || !above
            || !whole
            || self.loads[resource].status == LoadStatus::Refused
        {
            return Ok(());
        }
        self.loads[resource].status = LoadStatus::Complete;
        self.loads[resource].updated_ms = self.now_ms();
        let load = self.loads[resource].clone();
        let changes = [Change::Load(load.clone())];
        if plan.resources[resource].written {
            self.destination.finish(&plan.resources[resource].table, &load, &changes)?;
        } else {
            self.destination.record(&changes)?;
        }
        self.touch(resource, 0, 0);
        (self.tell)(Event::Ended { resource: load.resource, status: Status::Complete, rows: load.rows });
        plan.resources[resource].children.iter().try_for_each(|&child| self.settle(child))
    }

    fn is_complete(&self, resource: usize) -> bool {
        self.loads[resource].status == LoadStatus::Complete
    }

    fn is_beyond_max_pages(&self, resource: usize) -> bool {
        self.settings.max_pages.is_some_and(|max| self.loads[resource].pages >= max)
    }

    /// Stops a resource at a limit that the user named: what is left of it is not owed.
    fn limit(&mut self, item: &Item, which: String) -> Result<(), DestinationError> {
        let resource = item.resource;
        let name = self.plan.resources[resource].name.clone();
        self.drop_resources(|other| other == resource);
        let mut changes = vec![Change::DropPending { resource: name.clone() }];
        let keys: Vec<ChainKey> = self.chains.keys().filter(|key| key.0 == resource).cloned().collect();
        for key in keys {
            if let Some(chain) = self.chains.remove(&key) {
                changes.push(self.chain_change(&key, &chain, true));
            }
        }
        self.destination.record(&changes)?;
        let max = self.settings.max_pages.unwrap_or_default();
        self.say(RunNotice::Limited { resource: name, limit: format!("{which} {max}") });
        self.settle(resource)
    }

    /// A page that cannot be had or kept: it and what follows it in its chain stay pending for another run.
    fn fail(
        &mut self,
        item: &Item,
        cause: Cause,
        attempts: u32,
        exchange: Option<sanderling_gate::Exchange>,
    ) -> Result<(), DestinationError> {
        let resource = item.resource;
        if item.partition.is_some() && item.cursor.is_none() && cause.is_gone() {
            return self.skip_gone_parent(item, cause, attempts, exchange);
        }
        let origin = self.plan.resources[resource].origin.clone();
        let wait = match &cause {
            Cause::Fault { reason: crate::retry::Reason::WaitTooLong { wait_ms }, .. } => Some(*wait_ms),
            _ => None,
        };
        let halt = cause.is_origins() && (self.pages.failed(&origin) || wait.is_some());
        let whole = item.partition.is_none() || cause.is_resources();
        self.fail_chain(item, cause, attempts, exchange)?;
        if whole {
            self.drop_resources(|other| other == resource);
        } else {
            let gone = self.stack.drop_chain(&item.chain());
            self.pages.forget(&gone);
        }
        if halt { self.halt(&origin, wait) } else { Ok(()) }
    }

    /// Notes a failure, durably, for its resource.
    fn fail_chain(
        &mut self,
        item: &Item,
        cause: Cause,
        attempts: u32,
        exchange: Option<sanderling_gate::Exchange>,
    ) -> Result<(), DestinationError> {
        self.failed.insert(item.resource);
        if item.partition.is_some() {
            self.loads[item.resource].failed_parents += 1;
        }
        let failure = self.failure(item, cause, attempts, exchange);
        let changes =
            [Change::Error(self.error_line(&failure)), Change::Load(self.loads[item.resource].clone())];
        self.destination.record(&changes)?;
        self.touch(item.resource, 0, 0);
        self.outcome.failures.push(failure);
        Ok(())
    }

    /// A parent row that was listed a moment ago and is gone now has no rows: counted and listed, not fatal.
    fn skip_gone_parent(
        &mut self,
        item: &Item,
        cause: Cause,
        attempts: u32,
        exchange: Option<sanderling_gate::Exchange>,
    ) -> Result<(), DestinationError> {
        self.loads[item.resource].missing_parents += 1;
        let failure = self.failure(item, cause, attempts, exchange);
        self.destination.record(&[
            Change::Error(self.error_line(&failure)),
            Change::Done { seq: item.seq },
            Change::Load(self.loads[item.resource].clone()),
        ])?;
        self.stack.pop();
        self.touch(item.resource, 0, 0);
        self.settle(item.resource)
    }

    fn failure(
        &self,
        item: &Item,
        cause: Cause,
        attempts: u32,
        exchange: Option<sanderling_gate::Exchange>,
    ) -> Failure {
        Failure {
            resource: self.plan.resources[item.resource].name.clone(),
            partition_key: item.partition.as_ref().map(|partition| partition.key.clone()),
            page: self.chains.get(&item.chain()).map_or(0, |chain| chain.pages) + 1,
            attempts,
            exchange,
            cause,
        }
    }

    fn error_line(&self, failure: &Failure) -> ErrorLine {
        let (message, excerpt) = crate::words::of_cause(&failure.cause);
        let exchange = failure.exchange.as_ref();
        ErrorLine {
            at_ms: self.now_ms(),
            load_id: self.settings.load_id.clone(),
            resource: failure.resource.clone(),
            partition_key: failure.partition_key.clone(),
            url: exchange.map(|exchange| exchange.url.clone()),
            status: exchange.and_then(|exchange| exchange.status),
            attempts: failure.attempts,
            message: self.vault.redact(&message),
            excerpt: excerpt.map(|excerpt| self.vault.redact(&excerpt)),
            request_id: exchange.and_then(|exchange| exchange.request_id.clone()),
        }
    }

    /// Leaves an origin alone for the rest of the run, and remembers that.
    fn halt(&mut self, origin: &str, wait_ms: Option<u64>) -> Result<(), DestinationError> {
        let plan = self.plan;
        let at_ms = self.now_ms();
        let left: Vec<usize> = (0..plan.resources.len())
            .filter(|&at| plan.resources[at].origin == origin && self.stack.open_in_resource(at) > 0)
            .collect();
        self.drop_resources(|resource| plan.resources[resource].origin == origin);
        self.destination.record(&[Change::Halt { origin: origin.to_owned(), at_ms }])?;
        self.outcome.failures.push(Failure {
            resource: left.first().map(|&at| plan.resources[at].name.clone()).unwrap_or_default(),
            partition_key: None,
            page: 0,
            attempts: 0,
            exchange: None,
            cause: Cause::Halted {
                origin: origin.to_owned(),
                in_a_row: self.pages.failed_in_a_row(origin),
                again_at_ms: wait_ms.map(|wait_ms| at_ms + wait_ms),
            },
        });
        self.commit()
    }

    /// Gives up what is still to be read of some resources; it stays pending in the checkpoint.
    fn drop_resources(&mut self, dropped: impl Fn(usize) -> bool) {
        let gone = self.stack.drop_resources(dropped);
        self.pages.forget(&gone);
    }

    fn clear_trial(&mut self, item: &Item) -> bool {
        self.pages.succeeded(&self.plan.resources[item.resource].origin)
    }

    fn note_growth(&mut self, resource: usize, chain: &Chain) {
        if let (Some(before), Some(after)) = (chain.first_total, chain.last_total) {
            if after > before {
                let resource = self.plan.resources[resource].name.clone();
                self.say(RunNotice::Grown { resource, before, after });
            }
        }
    }

    fn say_all(&mut self, resource: usize, page: &mut Page) {
        for notice in std::mem::take(&mut page.notices) {
            let resource = self.plan.resources[resource].name.clone();
            self.say(RunNotice::Connector { resource, notice });
        }
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
            let status = if load.status == LoadStatus::Complete {
                Status::Complete
            } else if self.failed.contains(&at) || load.status == LoadStatus::Refused {
                Status::Failed
            } else {
                Status::Unfinished
            };
            if status != Status::Complete {
                let name = resource.name.clone();
                (self.tell)(Event::Ended { resource: name, status, rows: load.rows });
            }
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
            });
        }
        Ok(self.outcome)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
