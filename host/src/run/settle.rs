//! Puts a resource in its place once it is read, or ends it at a limit that the user named.

use sanderling_destination::{Change, DestinationError, Load, LoadStatus};

use super::Driver;
use super::mode::Mode;
use super::outcome::{Event, RunNotice, Status};
use super::stack::{ChainKey, Item};
use super::truth::Refusal;

impl Driver<'_> {
    /// Puts a resource in place once nothing of it is left to read, and then looks at its children.
    pub(super) fn settle(&mut self, resource: usize) -> Result<(), DestinationError> {
        let plan = self.plan;
        let above = plan.resources[resource].parent.is_none_or(|parent| self.is_complete(parent));
        let given_up = self.failed.contains(&resource)
            || self.abandoned.contains(&resource)
            || self.unread.contains(&resource);
        let whole = self.stack.open_in_resource(resource) == 0 && !given_up;
        if self.is_complete(resource)
            || !above
            || !whole
            || self.loads[resource].status == LoadStatus::Refused
        {
            return Ok(());
        }
        if let Some(refusal) = self.shared_by_parents(resource)? {
            return self.refuse(resource, refusal);
        }
        if let Some(refusal) = self.shared_keys(resource)? {
            return self.refuse(resource, refusal);
        }
        if let Some(refusal) = self.absent(resource)? {
            return self.refuse(resource, refusal);
        }
        self.loads[resource].status = LoadStatus::Complete;
        self.loads[resource].updated_ms = self.now_ms();
        let load = self.loads[resource].clone();
        let forgotten = Change::OpenedForgotten { resource: load.resource.clone() };
        let mut changes = vec![Change::Load(load.clone()), forgotten];
        if self.settings.mode == Mode::Anew && plan.resources[resource].incremental.is_some() {
            // What was read before is not there any more.
            self.watermarks.retain(|(at, _), mark| *at != resource || mark.load_id == load.load_id);
            changes.push(Change::WatermarksForgotten {
                resource: load.resource.clone(),
                but_of: Some(load.load_id.clone()),
            });
        }
        if plan.resources[resource].written {
            self.destination.finish(&plan.resources[resource].table, &load, &changes)?;
        } else {
            self.destination.record(&changes)?;
        }
        self.touch(resource, 0, 0);
        if load.pages == 0 && load.missing_parents > 0 {
            let (resource, parents) = (load.resource.clone(), load.missing_parents);
            self.say(RunNotice::AllGone { resource, parents });
        }
        self.tell_end(resource, status_in_place(&load));
        plan.resources[resource].children.iter().try_for_each(|&child| self.settle(child))
    }

    /// Rows of two parents that have one key, where there were too many for their pages to tell.
    fn shared_by_parents(&mut self, resource: usize) -> Result<Option<Refusal>, DestinationError> {
        let of = &self.plan.resources[resource];
        if !of.written {
            return Ok(None);
        }
        let shared = self.destination.shared_by_parents(&of.table)?;
        Ok(shared.map(|shared| Refusal::SharedByParents { shared, key: of.table.primary_key.clone() }))
    }

    /// Under merge, rows that share a key take each other's place. That is told; and where fewer keys are left than the API
    /// counts rows, the key does not tell its rows apart.
    fn shared_keys(&mut self, resource: usize) -> Result<Option<Refusal>, DestinationError> {
        let plan = self.plan;
        let (of, load) = (&plan.resources[resource], &self.loads[resource]);
        let left_out = load.refused_rows + load.discarded_rows;
        let (rows, owed) = (load.rows, self.owed[resource].saturating_sub(left_out));
        // By `dedup_sort` the config itself says that rows share a key.
        if !of.written || of.table.dedup_sort.is_some() {
            return Ok(None);
        }
        let Some(keys) = self.destination.distinct_keys(&of.table)?.filter(|keys| *keys < rows) else {
            return Ok(None);
        };
        if keys < owed && !self.reshaped[resource] {
            return Ok(Some(Refusal::SharedKeys {
                rows,
                keys,
                total: owed,
                key: of.table.primary_key.join(", "),
            }));
        }
        let (resource, key) = (of.name.clone(), of.table.primary_key.join(", "));
        self.say(RunNotice::SharedKeys { resource, rows, keys, key });
        Ok(None)
    }

    /// What becomes of rows that the read did not bring is told before it is done; and it is not done where they are many.
    fn absent(&mut self, resource: usize) -> Result<Option<Refusal>, DestinationError> {
        let plan = self.plan;
        let of = &plan.resources[resource];
        let table = &of.table;
        if !of.written || !table.goes_by_absence() {
            return Ok(None);
        }
        let load = &self.loads[resource];
        if !table.is_whole(load) {
            let limited = load.limit.is_some();
            self.say(RunNotice::AbsentStay { resource: of.name.clone(), limited });
            return Ok(None);
        }
        let (Some(asked), Some(found)) = (table.delete_absent, self.destination.absent(table, load)?) else {
            return Ok(None);
        };
        if asked.is_too_many(found) {
            let max_percent = asked.max_percent;
            return Ok(Some(Refusal::TooManyAbsent { absent: found.absent, rows: found.rows, max_percent }));
        }
        if found.absent > 0 {
            let resource = of.name.clone();
            self.say(RunNotice::AbsentGo { resource, rows: found.absent, marked: asked.mark });
        }
        Ok(None)
    }

    fn is_complete(&self, resource: usize) -> bool {
        self.loads[resource].status == LoadStatus::Complete
    }

    pub(super) fn is_beyond_max_pages(&self, resource: usize) -> bool {
        self.settings.max_pages.is_some_and(|max| self.loads[resource].pages >= max)
    }

    /// Stops a resource at a limit that the user named: what is left of it is not owed.
    pub(super) fn limit(&mut self, item: &Item, which: String) -> Result<(), DestinationError> {
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
        let limit = format!("{which} {}", self.settings.max_pages.unwrap_or_default());
        self.loads[resource].limit = Some(limit.clone());
        changes.push(Change::Load(self.loads[resource].clone()));
        changes.extend(self.stop_watermarks(resource, &limit));
        self.destination.record(&changes)?;
        self.say(RunNotice::Limited { resource: name, limit });
        self.settle(resource)
    }

    /// Says that a resource has ended.
    pub(super) fn tell_end(&mut self, resource: usize, status: Status) {
        let load = &self.loads[resource];
        (self.tell)(Event::Ended {
            resource: load.resource.clone(),
            status,
            rows: load.rows,
            refused_rows: load.refused_rows,
            limit: load.limit.clone(),
        });
    }
}

/// How a load has ended that is in its place.
pub(super) fn status_in_place(load: &Load) -> Status {
    if load.limit.is_some() { Status::Limited } else { Status::Complete }
}
