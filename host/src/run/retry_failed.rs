//! `--retry-failed`: reads the parents that failed in the last run once more, and nothing else.

use std::collections::HashSet;

use sanderling_destination::{DestinationError, LoadStatus, State};

use super::Driver;
use super::outcome::{Cause, Failure, RunNotice};
use super::resume::{self, Start};

/// Partitions, by resource and key.
pub(super) type Partitions = HashSet<(String, String)>;

/// The partitions of some resources that a page of failed.
pub(super) fn failed_partitions(state: &State, of: impl Fn(&str) -> bool) -> Partitions {
    let failed = state.pending.iter().filter(|page| page.failed && of(&page.resource));
    failed.filter_map(|page| Some((page.resource.clone(), page.partition.as_ref()?.key.clone()))).collect()
}

impl Driver<'_> {
    /// Puts what failed of each tree on the stack, if it can be gone on with: the config and the connector must be what
    /// they were. Age does not matter: what a tree has written stays as it is until the tree is complete.
    pub(super) fn retry_failed(&mut self, state: &State) -> Result<(), DestinationError> {
        let plan = self.plan;
        let mut broken = false;
        // The last tree first: what is put on the stack last is read first.
        for root in plan.roots().collect::<Vec<_>>().into_iter().rev() {
            let of_tree = |name: &str| plan.find(name).is_some_and(|at| plan.resources[at].root == root);
            let failed = failed_partitions(state, of_tree);
            let loads = resume::loads_of_tree(plan, root, state);
            let age_ms = self.started_ms.saturating_sub(resume::broke_off_ms(&loads, state));
            let unread = loads.iter().any(|load| load.status != LoadStatus::Complete);
            let (parents, lost) = (failed.len() as u64, loads.iter().any(|load| load.failed_parents > 0));
            self.left.extend(plan.tree(root));
            if parents == 0 && !lost {
                broken |= unread;
                continue;
            }
            match self.how_to_start(root, state)? {
                Start::Resume if parents > 0 => {
                    self.left.retain(|&at| plan.resources[at].root != root);
                    self.resume(root, state, Some(&failed))?;
                    let resource = plan.resources[root].name.clone();
                    let old = (age_ms > self.settings.resume_within_ms).then_some(age_ms);
                    self.say(RunNotice::Retrying { resource, parents, age_ms: old });
                }
                Start::Again(why) => self.list(Failure {
                    resource: plan.resources[root].name.clone(),
                    partition_key: None,
                    page: 0,
                    attempts: 0,
                    exchange: None,
                    cause: Cause::NotRetried(why),
                }),
                Start::Resume | Start::Fresh | Start::Done => broken |= unread,
            }
        }
        if self.stack.is_empty() && self.outcome.failures.is_empty() {
            self.say(RunNotice::NothingFailed { broken });
        }
        Ok(())
    }
}
