//! Takes back what a broken load has written, where nothing will ever go on with it.

use sanderling_destination::{Chain, Change, Destination, DestinationError, Load, LoadStatus, State};

use super::Driver;
use super::outcome::RunNotice;

impl Driver<'_> {
    /// Takes back what is half-read of resources that are not read any more: nothing would ever go on with it.
    pub(super) fn take_back_removed(&mut self, state: &State) -> Result<(), DestinationError> {
        let plan = self.plan;
        let gone = |load: &&Load| load.status != LoadStatus::Complete && plan.is_gone(&load.resource);
        for load in state.loads.values().filter(gone) {
            take_back(self.destination, load, &state.chains)?;
            self.say(RunNotice::Removed { resource: load.resource.clone(), rows: load.rows });
        }
        Ok(())
    }
}

/// Forgets a broken load, and takes back what it has written.
pub(crate) fn take_back(
    destination: &mut Destination,
    load: &Load,
    chains: &[Chain],
) -> Result<(), DestinationError> {
    destination.undo_unlisted(&load.resource, &load.load_id)?;
    destination.record(&forget(load, chains))
}

/// The changes that forget a load and all that belongs to it.
pub(crate) fn forget(load: &Load, chains: &[Chain]) -> Vec<Change> {
    let resource = || load.resource.clone();
    let chains = chains.iter().filter(|chain| chain.resource == load.resource);
    let ends = chains
        .map(|chain| Change::ChainEnd { resource: resource(), partition_key: chain.partition_key.clone() });
    let forgotten = [
        Change::DropPending { resource: resource() },
        Change::WatermarksBack { resource: resource(), load_id: load.load_id.clone() },
        Change::OpenedForgotten { resource: resource() },
        Change::LoadForgotten { resource: resource() },
    ];
    ends.chain(forgotten).collect()
}
