//! What a run must remember to go on where it broke off, and how each change folds into it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::partition_id::PartitionId;

/// One run's rows of a resource, and how far they have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Whose rows they are; one load a resource is remembered.
    pub resource: String,
    /// Tells this load's rows from others'; unique within a destination.
    pub load_id: String,
    /// Of the config, unresolved, that it was started with.
    pub fingerprint: String,
    /// Of the connector that reads it.
    pub connector_digest: String,
    /// Milliseconds since 1970: when the pass over all resources began that it belongs to.
    pub started_ms: u64,
    /// Milliseconds since 1970.
    pub updated_ms: u64,
    /// Whether it has been read to its end.
    pub status: LoadStatus,
    /// Rows written.
    pub rows: u64,
    /// Pages read.
    pub pages: u64,
    /// Pages asked for again.
    pub retries: u64,
    /// Rows that the API says there are.
    pub total: Option<u64>,
    /// Parents that were gone (404, 410) when their rows were asked for.
    pub missing_parents: u64,
    /// Parents whose rows could not be read.
    pub failed_parents: u64,
    /// Rows that were not written because they break what the config declares.
    #[serde(default)]
    pub refused_rows: u64,
    /// Rows that the schema contract left out.
    #[serde(default)]
    pub discarded_rows: u64,
    /// Values that it left out of other rows.
    #[serde(default)]
    pub discarded_values: u64,
    /// The limit of the user's at which it stopped, in words; none: it was read to its end.
    #[serde(default)]
    pub limit: Option<String>,
    /// Whether its rows are read for its children alone, and not written.
    #[serde(default)]
    pub unwritten: bool,
    /// The latest that was finished before this one.
    #[serde(default)]
    pub last_complete: Option<Complete>,
    /// A finished load of the resource, of a tree that broke off: its rows are taken back when the tree starts again.
    #[serde(default)]
    pub to_undo: Option<String>,
}

/// A load that was finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    /// Which.
    pub load_id: String,
    /// Milliseconds since 1970: when it was.
    pub at_ms: u64,
    /// Rows that it wrote.
    pub rows: u64,
    /// Rows that the API said there were.
    pub total: Option<u64>,
    /// Rows that it refused.
    pub refused_rows: u64,
    /// Rows that the schema contract left out.
    #[serde(default)]
    pub discarded_rows: u64,
    /// Values that it left out of other rows.
    #[serde(default)]
    pub discarded_values: u64,
    /// The limit at which it stopped.
    pub limit: Option<String>,
}

impl Load {
    /// The latest load of the resource that was finished: this one, or one before it.
    #[must_use]
    pub fn latest_complete(&self) -> Option<Complete> {
        if self.status != LoadStatus::Complete || self.unwritten {
            return self.last_complete.clone();
        }
        Some(Complete {
            load_id: self.load_id.clone(),
            at_ms: self.updated_ms,
            rows: self.rows,
            total: self.total,
            refused_rows: self.refused_rows,
            discarded_rows: self.discarded_rows,
            discarded_values: self.discarded_values,
            limit: self.limit.clone(),
        })
    }
}

/// Whether a load has been read to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadStatus {
    /// Not yet.
    #[default]
    Running,
    /// Its rows did not pass the checks; it must not be gone on with.
    Refused,
    /// Finished: its rows are in their place.
    Complete,
}

/// How far a resource, or one partition of it, has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Whose.
    pub resource: String,
    /// The partition's key; empty for a resource without a parent.
    pub partition: String,
    /// The load that moved it last.
    pub load_id: String,
    /// How far that load has come.
    pub reached: Option<Mark>,
    /// Whether that load has read it to its end; until then `reached` is a candidate.
    pub whole: bool,
    /// What that load started from.
    pub before: Option<Mark>,
}

/// A value up to which rows have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What it is of, as the connector says.
    pub cursor: String,
    /// JSON.
    pub value: String,
    /// Sorts as bytes; the greatest counts.
    #[serde(with = "hex")]
    pub order: Vec<u8>,
    /// Identities of rows that a read from here on would meet again.
    pub ties: Vec<String>,
}

impl Watermark {
    /// What a load starts from, all of it, also where it goes on after it broke off.
    #[must_use]
    pub fn since(&self, load_id: &str) -> Option<&Mark> {
        if self.load_id == load_id { self.before.as_ref() } else { self.settled() }
    }

    /// What the latest load that read it to its end has left.
    #[must_use]
    pub fn settled(&self) -> Option<&Mark> {
        if self.whole { self.reached.as_ref() } else { self.before.as_ref() }
    }
}

/// A page that is still to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPage {
    /// Unique within a pipeline; the highest is read first.
    pub seq: u64,
    /// Whose page it is.
    pub resource: String,
    /// The parent row it belongs to.
    pub partition: Option<Partition>,
    /// Where it starts, as the connector gave it; none: the first page.
    pub cursor: Option<String>,
    /// Whether it was asked for, and could not be had or kept.
    #[serde(default)]
    pub failed: bool,
}

/// One parent row's bindings for a child resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its stable identity.
    pub key: String,
    /// What the connector needs of it.
    pub data: String,
}

/// Progress inside one partition of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Whose partition it is.
    pub resource: String,
    /// Which; none for a resource without a parent.
    pub partition_key: Option<String>,
    /// Rows that the API sent.
    pub received: u64,
    /// Rows of these that the connector left out.
    #[serde(default)]
    pub dropped: u64,
    /// Pages read.
    pub pages: u64,
    /// The total that its first page gave.
    pub first_total: Option<u64>,
    /// The total that its latest page gave.
    pub last_total: Option<u64>,
    /// Of the latest page's rows.
    pub last_digest: Option<String>,
    /// Pages in a row with that digest.
    pub repeats: u32,
    /// Whether it stopped at a limit that the config names.
    pub limited: bool,
}

/// A failure, for a person to read afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorLine {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The load that it befell.
    pub load_id: String,
    /// The resource that it befell.
    pub resource: String,
    /// The parent that it befell.
    pub partition_key: Option<String>,
    /// What was asked for, masked.
    pub url: Option<String>,
    /// What came back.
    pub status: Option<u16>,
    /// How often it was tried.
    pub attempts: u32,
    /// What happened.
    pub message: String,
    /// The start of the answer, masked.
    pub excerpt: Option<String>,
    /// The vendor's own name for the request.
    pub request_id: Option<String>,
}

/// A row that was not written, kept whole for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedRow {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The load that left it out.
    pub load_id: String,
    /// Whose it is.
    pub resource: String,
    /// The parent that it belongs to.
    pub partition_key: Option<String>,
    /// Why it was not written.
    pub reason: String,
    /// Its JSON, with a reference in the place of each secret.
    pub row: String,
}

/// An origin that has been left alone since a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Scheme, host and port.
    pub origin: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// One step of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A load as it now stands; takes the place of the resource's former one.
    Load(Load),
    /// The resource has no load any more.
    LoadForgotten {
        /// Whose.
        resource: String,
    },
    /// A page is to be read; takes the place of one with the same `seq`.
    Pending(PendingPage),
    /// A pending page has been read, or need not be.
    Done {
        /// Which.
        seq: u64,
    },
    /// None of the resource's pages need be read. Its chains stay.
    DropPending {
        /// Whose.
        resource: String,
    },
    /// A chain as it now stands; takes the place of the partition's former one.
    Chain(Chain),
    /// A chain need not be remembered any more.
    ChainEnd {
        /// Whose.
        resource: String,
        /// Which.
        partition_key: Option<String>,
    },
    /// Partitions of a child are among those to be read, or read already.
    Opened {
        /// The child.
        resource: String,
        /// Which.
        partitions: Vec<PartitionId>,
    },
    /// Which partitions of a child were opened need not be remembered any more.
    OpenedForgotten {
        /// The child.
        resource: String,
    },
    /// A watermark as it now stands; takes the place of the partition's former one.
    Watermark(Watermark),
    /// What a load has done to a resource's watermarks is taken back.
    WatermarksBack {
        /// Whose.
        resource: String,
        /// The load.
        load_id: String,
    },
    /// The resource's watermarks need not be remembered any more, but for those that one load has moved.
    WatermarksForgotten {
        /// Whose.
        resource: String,
        /// That load.
        but_of: Option<String>,
    },
    /// An origin is left alone from now on.
    Halt {
        /// Which.
        origin: String,
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// An origin is asked again.
    HaltCleared {
        /// Which.
        origin: String,
    },
    /// A failure, kept for a person; the state does not hold it.
    Error(ErrorLine),
    /// A row that was refused, kept for a person; the state does not hold it.
    Quarantined(QuarantinedRow),
}

/// What the last commit left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// By resource.
    pub loads: BTreeMap<String, Load>,
    /// By `seq`, ascending.
    pub pending: Vec<PendingPage>,
    /// By resource, then partition key.
    pub chains: Vec<Chain>,
    /// By origin.
    pub halts: Vec<Halt>,
    /// By child, while it is not complete: the partitions that were opened, each of which is read once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub opened: BTreeMap<String, BTreeSet<PartitionId>>,
    /// By resource, then partition key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watermarks: BTreeMap<String, BTreeMap<String, Watermark>>,
}

impl State {
    /// Folds `change` in. Taking away what is not there changes nothing.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Load(load) => {
                self.loads.insert(load.resource.clone(), load);
            }
            Change::LoadForgotten { resource } => {
                self.loads.remove(&resource);
            }
            // Both ends of the work are near the end of the list: the highest `seq` is read first.
            Change::Pending(page) => {
                let place = self.pending.binary_search_by_key(&page.seq, |page| page.seq);
                put(&mut self.pending, place, page);
            }
            Change::Done { seq } => {
                let place = self.pending.binary_search_by_key(&seq, |page| page.seq);
                take(&mut self.pending, place);
            }
            Change::DropPending { resource } => self.pending.retain(|page| page.resource != resource),
            Change::Chain(chain) => {
                let place = self.chain_place(&chain.resource, chain.partition_key.as_deref());
                put(&mut self.chains, place, chain);
            }
            Change::ChainEnd { resource, partition_key } => {
                let place = self.chain_place(&resource, partition_key.as_deref());
                take(&mut self.chains, place);
            }
            Change::Opened { resource, partitions } => {
                if !partitions.is_empty() {
                    self.opened.entry(resource).or_default().extend(partitions);
                }
            }
            Change::OpenedForgotten { resource } => {
                self.opened.remove(&resource);
            }
            Change::Watermark(watermark) => {
                let of_resource = self.watermarks.entry(watermark.resource.clone()).or_default();
                of_resource.insert(watermark.partition.clone(), watermark);
            }
            Change::WatermarksBack { resource, load_id } => self.keep_watermarks(&resource, |watermark| {
                if watermark.load_id != load_id {
                    return true;
                }
                watermark.reached = watermark.before.take();
                watermark.whole = true;
                watermark.load_id.clear();
                watermark.reached.is_some()
            }),
            Change::WatermarksForgotten { resource, but_of } => self
                .keep_watermarks(&resource, |watermark| {
                    but_of.as_ref().is_some_and(|load_id| watermark.load_id == *load_id)
                }),
            Change::Halt { origin, at_ms } => {
                let place = self.halts.binary_search_by(|held| held.origin.cmp(&origin));
                put(&mut self.halts, place, Halt { origin, at_ms });
            }
            Change::HaltCleared { origin } => {
                let place = self.halts.binary_search_by(|held| held.origin.cmp(&origin));
                take(&mut self.halts, place);
            }
            Change::Error(_) | Change::Quarantined(_) => {}
        }
    }

    fn keep_watermarks(&mut self, resource: &str, mut keep: impl FnMut(&mut Watermark) -> bool) {
        let Some(of_resource) = self.watermarks.get_mut(resource) else { return };
        of_resource.retain(|_, watermark| keep(watermark));
        if of_resource.is_empty() {
            self.watermarks.remove(resource);
        }
    }

    fn chain_place(&self, resource: &str, partition_key: Option<&str>) -> Result<usize, usize> {
        self.chains.binary_search_by(|chain| {
            (chain.resource.as_str(), chain.partition_key.as_deref()).cmp(&(resource, partition_key))
        })
    }
}

fn put<T>(list: &mut Vec<T>, place: Result<usize, usize>, item: T) {
    match place {
        Ok(found) => {
            if let Some(held) = list.get_mut(found) {
                *held = item;
            }
        }
        Err(gap) => list.insert(gap, item),
    }
}

fn take<T>(list: &mut Vec<T>, place: Result<usize, usize>) {
    if let Ok(found) = place {
        list.remove(found);
    }
}

/// Bytes as hexadecimal digits.
mod hex {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u32>> = text.chars().map(|char| char.to_digit(16)).collect();
        let pairs = digits.filter(|digits| digits.len() % 2 == 0);
        let pairs = pairs.ok_or_else(|| D::Error::custom("hexadecimal"))?;
        let byte = |pair: &[u32]| pair.iter().fold(0u32, |byte, digit| byte * 16 + digit) as u8;
        Ok(pairs.chunks(2).map(byte).collect())
    }
}
