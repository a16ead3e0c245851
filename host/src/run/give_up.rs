//! Gives up a page, a resource or an origin, durably: what is not read stays pending for another run.

use sanderling_destination::{Change, DestinationError, ErrorLine, LoadStatus, PendingPage};

use super::Driver;
use super::outcome::{Cause, Failure};
use super::pages::LastTry;
use super::stack::Item;
use super::truth::Refusal;
use crate::retry::Reason;
use crate::words;

/// Failures of one resource that are told one by one.
const MAX_LISTED: usize = 10;

impl Driver<'_> {
    /// A page that cannot be had or kept: it and what follows it in its chain stay pending for another run.
    pub(super) fn fail(
        &mut self,
        item: &Item,
        cause: Cause,
        last_try: LastTry,
    ) -> Result<(), DestinationError> {
        let resource = item.resource;
        if item.partition.is_some() && item.cursor.is_none() && cause.is_gone() {
            return self.skip_gone_parent(item, cause, last_try);
        }
        let origin = self.plan.resources[resource].origin.clone();
        let wait = match &cause {
            Cause::Fault { reason: Reason::WaitTooLong { wait_ms }, .. }
            | Cause::Token { reason: Reason::WaitTooLong { wait_ms }, .. } => Some(*wait_ms),
            _ => None,
        };
        let halt = cause.is_origins() && (self.pages.failed(&origin) || wait.is_some());
        let whole = item.partition.is_none() || cause.is_resources();
        if matches!(cause, Cause::Refused(_)) {
            // Going on from pages that failed a check would build on them.
            self.loads[resource].status = LoadStatus::Refused;
        }
        self.fail_chain(item, cause, last_try)?;
        let failed = PendingPage { failed: true, ..self.pending(item) };
        self.destination.record(&[Change::Pending(failed)])?;
        if whole {
            self.abandon(|other| other == resource);
        } else {
            let gone = self.stack.drop_chain(&item.chain());
            self.pages.forget(&gone);
        }
        if halt { self.halt(&origin, wait) } else { Ok(()) }
    }

    /// Notes a failure, durably, for its resource.
    pub(super) fn fail_chain(
        &mut self,
        item: &Item,
        cause: Cause,
        last_try: LastTry,
    ) -> Result<(), DestinationError> {
        self.failed.insert(item.resource);
        if item.partition.is_some() {
            self.loads[item.resource].failed_parents += 1;
        }
        let failure = self.failure(item, cause, last_try);
        let changes =
            [Change::Error(self.error_line(&failure)), Change::Load(self.loads[item.resource].clone())];
        self.destination.record(&changes)?;
        self.touch(item.resource, 0, 0);
        self.list(failure);
        Ok(())
    }

    /// Refuses a resource that was read to its end: it does not take its place, and starts again next time.
    pub(super) fn refuse(&mut self, resource: usize, refusal: Refusal) -> Result<(), DestinationError> {
        self.failed.insert(resource);
        self.loads[resource].status = LoadStatus::Refused;
        let failure = Failure {
            resource: self.plan.resources[resource].name.clone(),
            partition_key: None,
            page: 0,
            attempts: 1,
            exchange: None,
            cause: Cause::Refused(refusal),
        };
        let changes = [Change::Error(self.error_line(&failure)), Change::Load(self.loads[resource].clone())];
        self.destination.record(&changes)?;
        self.touch(resource, 0, 0);
        self.list(failure);
        Ok(())
    }

    /// A parent row that was listed a moment ago and is gone now has no rows: counted and listed, not fatal.
    fn skip_gone_parent(
        &mut self,
        item: &Item,
        cause: Cause,
        last_try: LastTry,
    ) -> Result<(), DestinationError> {
        self.end_trial(item)?;
        self.loads[item.resource].missing_parents += 1;
        let failure = self.failure(item, cause, last_try);
        self.destination.record(&[
            Change::Error(self.error_line(&failure)),
            Change::Done { seq: item.seq },
            Change::Load(self.loads[item.resource].clone()),
        ])?;
        self.stack.pop();
        self.touch(item.resource, 0, 0);
        self.settle(item.resource)
    }

    /// Lists a failure in the outcome. Of a resource that fails for thousands of parents a few will do: the
    /// destination has them all.
    pub(super) fn list(&mut self, failure: Failure) {
        self.outcome.codes.insert((failure.resource.clone(), words::code_of_cause(&failure.cause)));
        let listed = self.outcome.failures.iter().filter(|other| other.resource == failure.resource).count();
        if listed < MAX_LISTED {
            self.outcome.failures.push(failure);
        } else {
            self.outcome.unlisted_failures += 1;
        }
    }

    pub(super) fn failure(&self, item: &Item, cause: Cause, last_try: LastTry) -> Failure {
        Failure {
            resource: self.plan.resources[item.resource].name.clone(),
            partition_key: item.partition.as_ref().map(|partition| partition.key.clone()),
            page: self.chains.get(&item.chain()).map_or(0, |chain| chain.pages) + 1,
            attempts: last_try.attempts,
            exchange: last_try.exchange,
            cause,
        }
    }

    pub(super) fn error_line(&self, failure: &Failure) -> ErrorLine {
        let (message, excerpt) = words::of_cause(&failure.cause);
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
        self.abandon(|resource| plan.resources[resource].origin == origin);
        self.destination.record(&[Change::Halt { origin: origin.to_owned(), at_ms }])?;
        self.list(Failure {
            resource: left.first().map(|&at| plan.resources[at].name.clone()).unwrap_or_default(),
            partition_key: None,
            page: 0,
            attempts: 0,
            exchange: None,
            cause: Cause::Halted {
                origin: origin.to_owned(),
                in_a_row: self.pages.failed_in_a_row(origin),
                again_at_ms: wait_ms.map(|wait_ms| at_ms.saturating_add(wait_ms)),
            },
        });
        self.commit()
    }

    /// Asks nothing more of some resources in this run; what is still to be read of them stays pending.
    fn abandon(&mut self, given_up: impl Fn(usize) -> bool) {
        self.abandoned.extend((0..self.plan.resources.len()).filter(|&at| given_up(at)));
        self.drop_resources(given_up);
    }

    /// Gives up what is still to be read of some resources; it stays pending in the checkpoint.
    pub(super) fn drop_resources(&mut self, dropped: impl Fn(usize) -> bool) {
        let gone = self.stack.drop_resources(dropped);
        self.pages.forget(&gone);
    }
}
