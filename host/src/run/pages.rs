//! Pages on their way: asked for side by side, tried again when they fail, kept until it is their turn.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use sanderling_gate::{Exchange, GateError};
use tokio::task::{Id, JoinSet};

use super::Settings;
use super::origin::{Hold, Origin, Start};
use super::outcome::Cause;
use super::stack::Item;
use crate::contract::{Fault, Page, PageRequest};
use crate::pace::Pace;
use crate::quota;
use crate::retry::{Attempts, Decision, Failure, Reason, RetryPolicy};
use crate::sandbox::{CallError, Connection, Seen, Trap};
use crate::settings::Rates;
use crate::words;

/// A wait that is shorter is not told.
const TOLD_FROM_MS: u64 = 1_000;

/// What came of asking for a page.
pub(super) enum Asked {
    /// A request is on its way.
    Sent,
    /// Not now.
    No,
    /// Not before a time, which is to be told.
    Held {
        /// Unix time.
        until_ms: u64,
        why: Hold,
    },
}

/// The pages that have been asked for and not yet taken.
pub(super) struct Pages {
    connection: Arc<Connection>,
    concurrency: usize,
    rates: Rates,
    /// Where runs share the paces of origins.
    paces: Option<PathBuf>,
    /// Waits before a first try that have not been told yet, by origin; and those that have been, until when.
    held: HashMap<String, u64>,
    tasks: JoinSet<(Result<Page, CallError>, Vec<Seen>)>,
    flying: HashMap<Id, Flight>,
    slots: HashMap<u64, Slot>,
    origins: HashMap<String, Origin>,
}

struct Flight {
    seq: u64,
    resource: usize,
    origin: String,
}

struct Slot {
    resource: usize,
    attempts: Attempts,
    /// Whether it was asked for once more with another token.
    renewed: bool,
    state: State,
}

enum State {
    Flying,
    Waiting { until_ms: u64 },
    Here(Box<Read>),
}

/// A try that has ended.
pub(super) struct Landed {
    seq: u64,
    /// Index into the plan.
    pub(super) resource: usize,
    origin: String,
    result: Result<Page, CallError>,
    seen: Vec<Seen>,
}

impl Landed {
    /// What the gate saw of the requests that were sent.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.seen.iter().map(|seen| &seen.exchange).filter(|exchange| !exchange.kept)
    }
}

/// A page, or why there is none.
pub(super) struct Read {
    /// The page, or the last try's failure.
    pub(super) result: Result<Page, Cause>,
    /// How it came, or did not.
    pub(super) last_try: LastTry,
    /// Whether a secret was found in an answer, and a placeholder put in its place.
    pub(super) masked: bool,
}

/// How the tries of a page ended.
pub(super) struct LastTry {
    /// Tries made.
    pub(super) attempts: u32,
    /// What the gate saw last.
    pub(super) exchange: Option<Exchange>,
}

/// A page that will be tried again.
pub(super) struct Wait {
    /// Index into the plan.
    pub(super) resource: usize,
    /// Unix time.
    pub(super) until_ms: u64,
    /// What went wrong.
    pub(super) why: String,
    /// The status of the answer, if there was one.
    pub(super) status: Option<u16>,
    /// Tries made.
    pub(super) attempts: u32,
}

impl Pages {
    /// No page yet. `halted` are the origins that stopped the last run a moment ago.
    pub(super) fn new(connection: Arc<Connection>, settings: &Settings, halted: &[String]) -> Self {
        let mut pages = Self {
            connection,
            concurrency: settings.concurrency,
            rates: settings.rates.clone(),
            paces: settings.paces.clone(),
            held: HashMap::new(),
            tasks: JoinSet::new(),
            flying: HashMap::new(),
            slots: HashMap::new(),
            origins: HashMap::new(),
        };
        for origin in halted {
            let begun = pages.begun(origin, true);
            pages.origins.insert(origin.clone(), begun);
        }
        pages
    }

    /// How many pages may be asked for at once, of all origins.
    pub(super) fn window(&self) -> usize {
        let own = self.rates.origins.values().filter_map(|rate| rate.concurrency);
        own.fold(self.concurrency, usize::max)
    }

    /// Asks for a page unless it is on its way, here, or waiting, or its origin allows no more. `left` bounds the pages
    /// of its resource that may be held at once.
    pub(super) fn ask(
        &mut self,
        item: &Item,
        request: PageRequest,
        origin: &str,
        now_ms: u64,
        left: Option<u64>,
    ) -> Asked {
        let (attempts, renewed) = match self.slots.get(&item.seq) {
            None => (Attempts::default(), false),
            Some(Slot { state: State::Waiting { until_ms }, attempts, renewed, .. })
                if *until_ms <= now_ms =>
            {
                (*attempts, *renewed)
            }
            Some(_) => return Asked::No,
        };
        let held = || self.slots.values().filter(|slot| slot.resource == item.resource).count() as u64;
        if left.is_some_and(|left| held() >= left) && !self.slots.contains_key(&item.seq) {
            return Asked::No;
        }
        match self.origin(origin).start(now_ms) {
            Start::Go => {}
            Start::Full => return Asked::No,
            Start::Held { until_ms, why } => return self.held(origin, until_ms, why, now_ms),
        }
        let connection = self.connection.clone();
        let task = self.tasks.spawn(async move { connection.fetch_page(&request).await });
        self.flying
            .insert(task.id(), Flight { seq: item.seq, resource: item.resource, origin: origin.to_owned() });
        let slot = Slot { resource: item.resource, attempts, renewed, state: State::Flying };
        self.slots.insert(item.seq, slot);
        Asked::Sent
    }

    /// A wait is worth telling if it can be noticed, and once.
    fn held(&mut self, origin: &str, until_ms: u64, why: Hold, now_ms: u64) -> Asked {
        let told_ms = self.held.get(origin).copied().unwrap_or_default();
        if until_ms < now_ms + TOLD_FROM_MS || until_ms <= told_ms {
            return Asked::No;
        }
        self.held.insert(origin.to_owned(), until_ms);
        Asked::Held { until_ms, why }
    }

    /// Why the pace of an origin is not shared with other runs: the first time that this is asked.
    pub(super) fn take_unshared(&mut self, origin: &str) -> Option<String> {
        self.origin(origin).take_unshared().map(|error| error.to_string())
    }

    /// The next try that ends; `None` when none is under way.
    pub(super) async fn next(&mut self) -> Option<Landed> {
        let joined = self.tasks.join_next_with_id().await?;
        let (id, result, seen) = match joined {
            Ok((id, (result, seen))) => (id, result, seen),
            // A panic on the host's side of a call costs that page, not the process.
            Err(error) => {
                let trap = Trap::Panic { cause: error.to_string() };
                (error.id(), Err(CallError::Trap(trap)), Vec::new())
            }
        };
        let Flight { seq, resource, origin } = self.flying.remove(&id)?;
        Some(Landed { seq, resource, origin, result, seen })
    }

    /// Keeps what landed, or puts the page off. `jitter` lies in 0..1.
    pub(super) fn land(
        &mut self,
        landed: Landed,
        policy: &RetryPolicy,
        now_ms: u64,
        jitter: f64,
    ) -> Option<Wait> {
        let origin = self.origin(&landed.origin);
        origin.done();
        for seen in &landed.seen {
            // What a redirect or a token's answer says is of another origin.
            let own = seen.exchange.origin.as_ref().is_some_and(|own| own.to_string() == landed.origin);
            if let Some(quota) = quota::read(&seen.exchange.rate, now_ms).filter(|_| own) {
                origin.told(quota, now_ms);
            }
        }
        let trial = origin.is_trial();
        let slot = self.slots.get_mut(&landed.seq)?;
        let masked = landed.seen.iter().any(|seen| seen.exchange.masked);
        let last = landed.seen.into_iter().next_back();
        if last.as_ref().is_some_and(|seen| seen.exchange.token_spent) && !slot.renewed {
            // Not a failed try: a token has run out, and the next one is asked for at once.
            slot.renewed = true;
            slot.state = State::Waiting { until_ms: now_ms };
            return None;
        }
        let (error, exchange) = last.map_or((None, None), |seen| (seen.error, Some(seen.exchange)));
        let result = match landed.result {
            Ok(page) => Ok(page),
            Err(CallError::Trap(trap)) => Err(Cause::Trap(trap)),
            Err(CallError::Fault(fault)) => {
                let once = RetryPolicy { max_retries: 0, ..policy.clone() };
                let policy = if trial { &once } else { policy };
                // What the gate will not take (an answer too large, a redirect in a circle) is the same next time.
                let passes =
                    |error: &GateError| error.is_transport() || matches!(error, GateError::Encoding { .. });
                let for_good = error.as_deref().is_some_and(|error| !error.is_denied() && !passes(error));
                let failed = if for_good { Failure::Final } else { failure(&fault) };
                match slot.attempts.next(policy, failed, now_ms, jitter) {
                    Decision::GiveUp(reason) => {
                        Err(Cause::of(fault, reason, error.as_deref(), exchange.as_ref()))
                    }
                    Decision::After { wait_ms, throttled } => {
                        // The clock leaves out the millisecond that has begun; what was asked for is not cut short by it.
                        let until_ms = now_ms.saturating_add(wait_ms).saturating_add(1);
                        slot.state = State::Waiting { until_ms };
                        let attempts = slot.attempts.made;
                        if throttled {
                            self.origin(&landed.origin).throttled(until_ms);
                        }
                        let reason = Reason::NotRetryable;
                        let cause = Cause::of(fault, reason, error.as_deref(), exchange.as_ref());
                        let (why, _) = words::of_cause(&cause);
                        let status = exchange.and_then(|exchange| exchange.status);
                        return Some(Wait { resource: landed.resource, until_ms, why, status, attempts });
                    }
                }
            }
        };
        let attempts = slot.attempts.made.max(1);
        slot.state = State::Here(Box::new(Read { result, last_try: LastTry { attempts, exchange }, masked }));
        None
    }

    /// Takes a page that is here.
    pub(super) fn take(&mut self, seq: u64) -> Option<Read> {
        if !matches!(self.slots.get(&seq)?.state, State::Here(_)) {
            return None;
        }
        match self.slots.remove(&seq)?.state {
            State::Here(read) => Some(*read),
            State::Flying | State::Waiting { .. } => None,
        }
    }

    /// Drops what is known of pages that nobody waits for any more.
    pub(super) fn forget(&mut self, seqs: &[u64]) {
        for seq in seqs {
            self.slots.remove(seq);
        }
    }

    /// When the next waiting page or origin comes up. What is due already waits for a permit, which a landing frees.
    pub(super) fn wake_at_ms(&self, now_ms: u64) -> Option<u64> {
        let waiting = self.slots.values().filter_map(|slot| match slot.state {
            State::Waiting { until_ms } => Some(until_ms),
            State::Flying | State::Here(_) => None,
        });
        let paused = self.origins.values().map(Origin::paused_until_ms);
        waiting.chain(paused).filter(|at_ms| *at_ms > now_ms).min()
    }

    /// A page of this origin came. Returns whether that ended a trial.
    pub(super) fn succeeded(&mut self, origin: &str) -> bool {
        self.origin(origin).succeeded()
    }

    /// A page of this origin was given up. Returns whether the origin is to be halted.
    pub(super) fn failed(&mut self, origin: &str) -> bool {
        self.origin(origin).failed()
    }

    /// Pages of this origin that were given up one after the other.
    pub(super) fn failed_in_a_row(&self, origin: &str) -> u32 {
        self.origins.get(origin).map_or(0, Origin::failed_in_a_row)
    }

    fn origin(&mut self, origin: &str) -> &mut Origin {
        if !self.origins.contains_key(origin) {
            let begun = self.begun(origin, false);
            self.origins.insert(origin.to_owned(), begun);
        }
        self.origins.entry(origin.to_owned()).or_insert_with(|| Origin::new(1, false, None))
    }

    fn begun(&self, origin: &str, halted: bool) -> Origin {
        let pace = self.rates.per_s(origin).map(|per_s| Pace::new(per_s, origin, self.paces.as_deref()));
        Origin::new(self.rates.concurrency(origin, self.concurrency), halted, pace)
    }
}

/// How the retry policy sees a fault.
fn failure(fault: &Fault) -> Failure<'_> {
    match fault {
        Fault::Http(http) => Failure::Status {
            status: http.status,
            retry: http.retry,
            retry_after: http.retry_after.as_deref(),
        },
        Fault::Transport(_) => Failure::Transport,
        Fault::BadResponse(bad) if bad.retry => Failure::Transport,
        Fault::BadResponse(_) | Fault::Denied(_) | Fault::InvalidConfig(_) | Fault::Other(_) => {
            Failure::Final
        }
    }
}
