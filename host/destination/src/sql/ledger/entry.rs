//! The entries of the table that holds the checkpoint: what each is of, and its JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Ledger;
use crate::checkpoint::{Chain, Change, PendingPage, State, Watermark};
use crate::partition_id::PartitionId;

/// A database's index takes no more than some 2,700 bytes; of an entry with a longer key a digest stands for the key.
const MAX_ENTRY_BYTES: usize = 1_000;

/// What one row of the table is of. A partition is in the value too, and here only tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Note(String),
    Load(String),
    Pending(u64),
    Chain(String, Option<String>),
    Opened(String, PartitionId),
    Watermark(String, String),
    Halt(String),
}

impl Entry {
    /// As it stands in the table.
    pub(super) fn text(&self) -> Option<String> {
        let whole = json(self).filter(|text| text.len() <= MAX_ENTRY_BYTES);
        let digest = |partition: &str| json(&PartitionId::of(partition));
        whole.or_else(|| {
            json(&match self {
                Self::Chain(resource, Some(partition)) => Self::Chain(resource.clone(), digest(partition)),
                Self::Watermark(resource, partition) => Self::Watermark(resource.clone(), digest(partition)?),
                other => other.clone(),
            })
        })
    }
}

impl Ledger {
    /// Folds a row of the table in. One that is not understood is as if it were not there: what it was of is read again.
    pub(super) fn take(&mut self, entry: &str, value: &str) {
        let Ok(entry) = serde_json::from_str::<Entry>(entry) else { return };
        let change = match entry {
            Entry::Note(resource) => {
                if let Ok(note) = serde_json::from_str(value) {
                    self.notes.insert(resource, note);
                }
                return;
            }
            Entry::Opened(resource, partition) => {
                Some(Change::Opened { resource, partitions: vec![partition] })
            }
            Entry::Load(_) => serde_json::from_str(value).ok().map(Change::Load),
            Entry::Pending(_) => serde_json::from_str::<PendingPage>(value).ok().map(Change::Pending),
            Entry::Chain(..) => serde_json::from_str::<Chain>(value).ok().map(Change::Chain),
            Entry::Watermark(..) => serde_json::from_str::<Watermark>(value).ok().map(Change::Watermark),
            Entry::Halt(origin) => {
                serde_json::from_str(value).ok().map(|at_ms| Change::Halt { origin, at_ms })
            }
        };
        if let Some(change) = change {
            self.state.apply(change);
        }
    }

    /// The JSON of an entry as it now stands; none if it is no more.
    pub(super) fn value(&self, entry: &Entry) -> Option<String> {
        let state = &self.state;
        match entry {
            Entry::Note(resource) => json(self.notes.get(resource)?),
            Entry::Load(resource) => json(state.loads.get(resource)?),
            Entry::Pending(seq) => {
                let at = state.pending.binary_search_by_key(seq, |page| page.seq).ok()?;
                json(state.pending.get(at)?)
            }
            Entry::Chain(resource, partition) => {
                let is_it = |chain: &&Chain| chain.resource == *resource && chain.partition_key == *partition;
                json(state.chains.iter().find(is_it)?)
            }
            Entry::Opened(resource, partition) => {
                state.opened.get(resource)?.contains(partition).then(|| "true".to_owned())
            }
            Entry::Watermark(resource, partition) => json(state.watermarks.get(resource)?.get(partition)?),
            Entry::Halt(origin) => json(&state.halts.iter().find(|halt| halt.origin == *origin)?.at_ms),
        }
    }
}

fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// The entries that a change may have made another; `before` holds those that it takes away.
pub(super) fn touched(change: &Change, before: &State, entries: &mut BTreeSet<Entry>) {
    match change {
        Change::Load(load) => entries.extend([Entry::Load(load.resource.clone())]),
        Change::LoadForgotten { resource } => entries.extend([Entry::Load(resource.clone())]),
        Change::Pending(page) => entries.extend([Entry::Pending(page.seq)]),
        Change::Done { seq } => entries.extend([Entry::Pending(*seq)]),
        Change::DropPending { resource } => entries.extend(
            before
                .pending
                .iter()
                .filter(|page| page.resource == *resource)
                .map(|page| Entry::Pending(page.seq)),
        ),
        Change::Chain(chain) => {
            entries.extend([Entry::Chain(chain.resource.clone(), chain.partition_key.clone())]);
        }
        Change::ChainEnd { resource, partition_key } => {
            entries.extend([Entry::Chain(resource.clone(), partition_key.clone())]);
        }
        Change::Opened { resource, partitions } => {
            entries.extend(partitions.iter().map(|partition| Entry::Opened(resource.clone(), *partition)));
        }
        Change::OpenedForgotten { resource } => entries.extend(
            before
                .opened
                .get(resource)
                .into_iter()
                .flatten()
                .map(|partition| Entry::Opened(resource.clone(), *partition)),
        ),
        Change::Watermark(mark) => {
            entries.extend([Entry::Watermark(mark.resource.clone(), mark.partition.clone())]);
        }
        Change::WatermarksBack { resource, .. } | Change::WatermarksForgotten { resource, .. } => {
            entries.extend(
                before
                    .watermarks
                    .get(resource)
                    .into_iter()
                    .flat_map(BTreeMap::keys)
                    .map(|partition| Entry::Watermark(resource.clone(), partition.clone())),
            );
        }
        Change::Halt { origin, .. } | Change::HaltCleared { origin } => {
            entries.extend([Entry::Halt(origin.clone())]);
        }
        Change::Error(_) | Change::Quarantined(_) => {}
    }
}
