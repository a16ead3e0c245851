//! Takes in a page whose turn it is.

use std::sync::Arc;

use sanderling_destination::{Chain, Change, DestinationError, LoadStatus, PartitionId, PendingPage, Rows};
use sanderling_gate::VaultError;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::outcome::{Cause, Event, Follows, ParentKey, RunNotice, Taken};
use super::pages::LastTry;
use super::plan::Totals;
use super::resume::Why;
use super::stack::{ChainKey, Item};
use super::truth::Refusal;
use super::{Driver, hex, truth};
use crate::contract::{Continuation, Notice, Page};

/// A page that is here.
pub(super) struct Arrived {
    /// The page.
    pub(super) page: Page,
    /// Whether a secret was found in the answer, and a placeholder put in its place.
    pub(super) masked: bool,
    /// How it came.
    pub(super) last_try: LastTry,
}

impl Driver<'_> {
    /// Takes in a page whose turn it is: checks it, writes its rows with its checkpoint, and puts what follows on the
    /// stack.
    pub(super) fn take_page(&mut self, item: &Item, read: Arrived) -> Result<(), DestinationError> {
        let Arrived { mut page, masked, last_try } = read;
        let (plan, resource, key) = (self.plan, item.resource, item.chain());
        self.end_trial(item)?;
        let mut chain = self.chains.get(&key).cloned().unwrap_or_else(|| self.new_chain(&key));
        if let Some(why) = self.moved_since(&key, &chain, &page) {
            // What else there is of the tree is not for this run to read.
            return match self.settings.retry_failed {
                true => self.fail(item, Cause::NotRetried(why), last_try),
                false => self.start_again(resource, why),
            };
        }
        if let Some(guess) = self.guess(&page) {
            return self.fail(item, Cause::Guessed(guess), last_try);
        }
        if masked || item.partition.is_some() {
            // What a server echoed, here or in the parent's row, is stored as the reference, which stays the same from
            // run to run.
            self.refer(&mut page.rows);
        }
        if let Err(refusal) = self.refer_markers(&mut page) {
            return self.fail(item, Cause::Refused(refusal), last_try);
        }
        let digest = page.digest.clone().unwrap_or_else(|| hex(&Sha256::digest(&page.rows)[..16]));
        let sound = truth::advance(&mut chain, &page, digest).and_then(|()| self.follow(item, &page));
        if let Err(refusal) = sound {
            return self.fail(item, Cause::Refused(refusal), last_try);
        }
        self.note_disorder(item, &page);
        self.say_all(resource, &mut page);
        if let Some(total) = page.total {
            self.trails.entry(key.clone()).or_default().see(total);
        }

        let (follow, limited) = split(std::mem::replace(&mut page.continuation, Continuation::End));
        let next = match follow.len() {
            0 if limited.is_some() => Follows::Limit,
            0 => Follows::End,
            pages => Follows::Pages(pages),
        };
        chain.limited |= limited.is_some();
        let ended = self.stack.open_in_chain(&key) == 1 && follow.is_empty();
        let verdict = if ended { truth::end(&chain, plan.resources[resource].totals) } else { Ok(()) };
        let before = self.loads[resource].clone();
        self.count(item, &page, &chain, ended, verdict.is_err());
        self.reshaped[resource] |= page.kept != page.received;
        if let Some(limit) = &limited {
            self.loads[resource].limit = Some(limit.clone());
        }
        let (pushed, mut changes) = self.what_follows(item, follow, &mut page);
        changes.push(self.chain_change(&key, &chain, ended));
        let whole = ended && verdict.is_ok() && (self.is_sorted(resource) || !chain.limited);
        let watermark = self.moved(item, &mut page, whole);
        let written = match self.write(item, &page, &changes) {
            Ok(()) => Ok(()),
            Err(DestinationError::Data(error)) if error.kind.is_of_row() => {
                self.write_the_rest(item, &mut page, &last_try, &changes, error)?
            }
            Err(DestinationError::Data(error)) => {
                Err(Cause::Data { error, parent: self.parent_key(resource, &page.rows) })
            }
            Err(error) => return Err(error),
        };
        if let Err(cause) = written {
            self.loads[resource] = before;
            return self.fail(item, cause, last_try);
        }

        if let Some(watermark) = watermark {
            if let Some(limit) = limited.as_ref().filter(|_| ended && !whole) {
                self.say_watermark_stays(resource, limit);
            }
            self.keep_watermark(resource, watermark);
        }
        self.stack.pop();
        for item in pushed {
            if !self.abandoned.contains(&item.resource) {
                self.stack.put(item);
            }
        }
        if ended {
            self.note_drift(resource, &key, &chain);
            if !chain.limited && plan.resources[resource].totals == Totals::Exact {
                let total = chain.first_total.min(chain.last_total).unwrap_or_default();
                self.owed[resource] += total.saturating_sub(chain.dropped);
            }
            self.chains.remove(&key);
            self.trails.remove(&key);
        } else {
            self.chains.insert(key, chain);
        }
        (self.tell)(Event::Took(Taken {
            resource: plan.resources[resource].name.clone(),
            partition_key: item.partition.as_ref().map(|partition| partition.key.clone()),
            cursor: item.cursor.clone(),
            received: page.received,
            kept: page.kept,
            next,
        }));
        self.touch(resource, page.kept, page.rows.len());
        if let Some(limit) = limited {
            self.say(RunNotice::Limited { resource: plan.resources[resource].name.clone(), limit });
        }
        match verdict {
            Ok(()) => self.settle(resource),
            Err(refusal) => self.fail_chain(item, Cause::Refused(refusal), last_try),
        }
    }

    /// What the connector guessed for this page, in a run that takes no guesses.
    fn guess(&self, page: &Page) -> Option<Notice> {
        page.notices.iter().find(|notice| self.settings.frozen && !notice.settles.is_empty()).cloned()
    }

    /// Puts references in the place of placeholders, where there are any.
    fn refer(&self, rows: &mut Vec<u8>) {
        if let Ok(text) = std::str::from_utf8(rows)
            && self.vault.contains_placeholder(text)
        {
            *rows = self.vault.name_secrets(text).into_bytes();
        }
    }

    /// Puts references in the place of placeholders in what a page leaves to be read: it outlives this run.
    fn refer_markers(&self, page: &mut Page) -> Result<(), Refusal> {
        let cursors: &mut [String] = match &mut page.continuation {
            Continuation::Next(cursor) => std::slice::from_mut(cursor),
            Continuation::Rest(cursors) => cursors,
            Continuation::End | Continuation::Limit(_) => &mut [],
        };
        let partitions = page.children.iter_mut().flat_map(|(_, partitions)| partitions);
        let partitions =
            partitions.flat_map(|partition| [&mut partition.key, &mut partition.data].into_iter());
        let watermark = page.watermark.iter_mut().map(|watermark| &mut watermark.value);
        for text in cursors.iter_mut().chain(partitions).chain(watermark) {
            *text = self.vault.reference(text).map_err(|error| match error {
                VaultError::Fleeting(token) => Refusal::HoldsToken { token },
                other => Refusal::HoldsToken { token: other.to_string() },
            })?;
        }
        Ok(())
    }

    /// Whether a page leads on, and to what its connector has listed.
    fn follow(&mut self, item: &Item, page: &Page) -> Result<(), Refusal> {
        if let Some(cursor) = &item.cursor {
            self.trails.entry(item.chain()).or_default().pass(cursor)?;
        }
        truth::follow(&page.continuation)?;
        let stranger = page.children.iter().find(|(child, _)| !self.plan.is_child(child, item.resource));
        stranger.map_or(Ok(()), |(child, _)| Err(Refusal::Stranger { child: child.clone() }))
    }

    /// Writes a page's rows, with `changes` and the load as it now stands.
    pub(super) fn write(
        &mut self,
        item: &Item,
        page: &Page,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        let resource = &self.plan.resources[item.resource];
        let load = &self.loads[item.resource];
        let changes = [changes, &[Change::Load(load.clone())]].concat();
        if !resource.written {
            return self.destination.record(&changes);
        }
        let rows = rows(item, page, &load.load_id, self.started_ms);
        let written = self.destination.write(&resource.table, &rows, &changes)?;
        if written.discarded_rows + written.discarded_values == 0 {
            return Ok(());
        }
        // What the contract leaves out is known only now.
        let load = &mut self.loads[item.resource];
        load.rows -= written.discarded_rows;
        load.discarded_rows += written.discarded_rows;
        load.discarded_values += written.discarded_values;
        self.destination.record(&[Change::Load(load.clone())])
    }

    /// How the rows of a child could say whose they are, for what is said when they cannot.
    pub(super) fn parent_key(&self, resource: usize, rows: &[u8]) -> Option<ParentKey> {
        let parent = &self.plan.resources[self.plan.resources[resource].parent?];
        let first = rows.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let row: Map<String, Value> = serde_json::from_slice(first).unwrap_or_default();
        let prefix = format!("_{}_", parent.name);
        Some(ParentKey {
            parent: parent.name.clone(),
            primary_key: parent.table.primary_key.clone(),
            carried: row.into_iter().map(|(name, _)| name).filter(|name| name.starts_with(&prefix)).collect(),
        })
    }

    /// A page that came from an origin which had been left alone ends its trial.
    pub(super) fn end_trial(&mut self, item: &Item) -> Result<(), DestinationError> {
        let origin = &self.plan.resources[item.resource].origin;
        if self.pages.succeeded(origin) {
            self.destination.record(&[Change::HaltCleared { origin: origin.clone() }])?;
        }
        Ok(())
    }

    /// Whether the rows under a chain that a former run left half-read have moved since.
    fn moved_since(&mut self, key: &ChainKey, chain: &Chain, page: &Page) -> Option<Why> {
        let resource = &self.plan.resources[key.0];
        if !self.resumed.remove(key) || resource.totals != Totals::Exact {
            return None;
        }
        let (before, now) = (chain.last_total?, page.total?);
        (before != now).then(|| Why::TotalChanged { resource: resource.name.clone(), before, now })
    }

    /// The items that a page puts on the stack (top last), and the changes that make them durable.
    fn what_follows(
        &mut self,
        item: &Item,
        follow: Vec<String>,
        page: &mut Page,
    ) -> (Vec<Item>, Vec<Change>) {
        let mut pushed = Vec::new();
        let mut changes = vec![Change::Done { seq: item.seq }];
        for cursor in follow.into_iter().rev() {
            pushed.push(self.stack.item(item.resource, item.partition.clone(), Some(cursor)));
        }
        for (name, partitions) in std::mem::take(&mut page.children).into_iter().rev() {
            // A child that this run does not read opens nothing.
            let Some(child) =
                self.plan.find(&name).filter(|&at| self.plan.resources[at].parent == Some(item.resource))
            else {
                continue;
            };
            let (mut opened, mut ids) = (Vec::new(), Vec::new());
            for partition in partitions {
                // Rows move between a parent's pages while it is read, and several parents may share what binds a child.
                let id = PartitionId::of(&partition.key);
                if !self.opened.entry(child).or_default().insert(id) {
                    self.say(RunNotice::Reopened { resource: name.clone() });
                    continue;
                }
                ids.push(id);
                opened.push(Arc::new(partition));
            }
            for partition in opened.into_iter().rev() {
                pushed.push(self.stack.item(child, Some(partition), None));
            }
            changes.push(Change::Opened { resource: name, partitions: ids });
        }
        changes.extend(pushed.iter().map(|item| Change::Pending(self.pending(item))));
        (pushed, changes)
    }

    pub(super) fn pending(&self, item: &Item) -> PendingPage {
        PendingPage {
            seq: item.seq,
            resource: self.plan.resources[item.resource].name.clone(),
            partition: item.partition.as_ref().map(|partition| sanderling_destination::Partition {
                key: partition.key.clone(),
                data: partition.data.clone(),
            }),
            cursor: item.cursor.clone(),
            failed: false,
        }
    }

    fn new_chain(&self, key: &ChainKey) -> Chain {
        Chain {
            resource: self.plan.resources[key.0].name.clone(),
            partition_key: key.1.as_deref().map(str::to_owned),
            ..Chain::default()
        }
    }

    pub(super) fn chain_change(&self, key: &ChainKey, chain: &Chain, ended: bool) -> Change {
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
            load.total = chain
                .last_total
                .map(|total| total.saturating_add(load.total.unwrap_or_default()))
                .or(load.total);
        }
        if refused {
            load.status = LoadStatus::Refused;
        }
    }

    fn note_drift(&mut self, resource: usize, key: &ChainKey, chain: &Chain) {
        let Some((before, last)) = chain.first_total.zip(chain.last_total) else { return };
        let after = self.trails.get(key).map_or(last, |trail| trail.drift(before, last));
        let resource = self.plan.resources[resource].name.clone();
        if after > before {
            self.say(RunNotice::Grown { resource, before, after });
        } else if after < before && !chain.limited {
            self.say(RunNotice::Shrunk { resource, before, after });
        }
    }

    fn say_all(&mut self, resource: usize, page: &mut Page) {
        for notice in std::mem::take(&mut page.notices) {
            let resource = self.plan.resources[resource].name.clone();
            self.say(RunNotice::Connector { resource, notice });
        }
    }
}

/// A page's rows as a destination takes them.
pub(super) fn rows<'p>(item: &'p Item, page: &'p Page, load_id: &'p str, loaded_at_ms: u64) -> Rows<'p> {
    Rows {
        ndjson: &page.rows,
        count: page.kept,
        partition_key: item.partition.as_ref().map(|partition| partition.key.as_str()),
        load_id,
        loaded_at_ms,
    }
}

/// The cursors that follow a page, in commit order, or the limit at which its chain stops.
fn split(continuation: Continuation) -> (Vec<String>, Option<String>) {
    match continuation {
        Continuation::End => (Vec::new(), None),
        Continuation::Next(cursor) => (vec![cursor], None),
        Continuation::Rest(cursors) => (cursors, None),
        Continuation::Limit(which) => (Vec::new(), Some(which)),
    }
}
