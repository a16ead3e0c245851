//! Watermarks: what a page starts from, how far it has come, and when that counts.
//!
//! A watermark is a candidate until its partition has been read to the end and its load is complete. The load that moves
//! it remembers what it started from, so that every page of the load starts there, also after it broke off, and so that
//! it can be taken back with the load's rows.

use sanderling_destination::{Change, LoadStatus, Mark, State, Watermark};

use super::Driver;
use super::mode::Mode;
use super::outcome::RunNotice;
use super::plan::Plan;
use super::stack::Item;
use crate::contract::{self, Page};

/// The notice of a connector whose rows come in another order than its config says (`incremental.sorted`).
const DISORDER: &str = "row-order";

/// By resource and partition key, which is empty for a resource without a parent.
pub(super) type Watermarks = std::collections::HashMap<(usize, String), Watermark>;

/// Up to where a resource has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// What it is counted by.
    pub cursor: String,
    /// JSON; `None`: it is counted for each parent.
    pub value: Option<String>,
    /// How many parents have one of their own.
    pub parents: u64,
}

/// Up to where the latest complete reads of `resource` have come.
pub fn reach(state: &State, resource: &str) -> Option<Reach> {
    reach_of(state.watermarks.get(resource)?.values())
}

/// From which value on a run that is about to begin would read a partition of a resource; none: from its beginning.
/// `restore` puts back what the checkpoint names.
pub fn onward(
    plan: &Plan,
    state: &State,
    resource: usize,
    partition: &str,
    restore: impl Fn(&str) -> String,
) -> Option<contract::Watermark> {
    let resource = plan.resources.get(resource)?;
    let incremental = resource.incremental.as_ref()?;
    let load = state.loads.get(&resource.name).filter(|load| load.status != LoadStatus::Complete);
    let load_id = load.map_or("", |load| load.load_id.as_str());
    let mark = state.watermarks.get(&resource.name)?.get(partition)?.since(load_id)?;
    (mark.cursor == incremental.cursor).then(|| contract::Watermark {
        value: restore(&mark.value),
        order: mark.order.clone(),
        ties: mark.ties.clone(),
    })
}

fn reach_of<'w>(watermarks: impl Iterator<Item = &'w Watermark>) -> Option<Reach> {
    let settled: Vec<(&Watermark, &Mark)> =
        watermarks.filter_map(|watermark| Some((watermark, watermark.settled()?))).collect();
    let (_, first) = settled.first()?;
    Some(match settled.as_slice() {
        [(only, mark)] if only.partition.is_empty() => {
            Reach { cursor: mark.cursor.clone(), value: Some(mark.value.clone()), parents: 0 }
        }
        several => Reach { cursor: first.cursor.clone(), value: None, parents: several.len() as u64 },
    })
}

/// The watermarks of a plan's resources.
pub(super) fn of_plan(plan: &Plan, state: &State) -> Watermarks {
    let incremental = (0..plan.resources.len()).filter(|&at| plan.resources[at].incremental.is_some());
    let of_resource = |at: usize| {
        let held = state.watermarks.get(&plan.resources[at].name).into_iter().flatten();
        held.map(move |(partition, watermark)| ((at, partition.clone()), watermark.clone()))
    };
    incremental.flat_map(of_resource).collect()
}

impl Driver<'_> {
    /// What the pages of an item's partition start from.
    pub(super) fn since(&self, item: &Item) -> Option<contract::Watermark> {
        let load_id = &self.loads[item.resource].load_id;
        let mark = self.usable(item.resource, self.watermarks.get(&key(item))?.since(load_id))?;
        // What cannot be restored was refused when the checkpoint was read.
        let restore = |text: &String| self.vault.restore(text).unwrap_or_else(|_| text.clone());
        Some(contract::Watermark {
            value: restore(&mark.value),
            order: mark.order.clone(),
            ties: mark.ties.clone(),
        })
    }

    /// A watermark that this run goes by: of the cursor that the config names.
    fn usable<'m>(&self, resource: usize, mark: Option<&'m Mark>) -> Option<&'m Mark> {
        let incremental = self.plan.resources[resource].incremental.as_ref()?;
        mark.filter(|mark| self.settings.mode == Mode::Onward && mark.cursor == incremental.cursor)
    }

    /// The range that a resource is read within.
    pub(super) fn range(&self, resource: usize) -> Option<contract::Range> {
        match &self.settings.mode {
            Mode::Range(range) if self.plan.resources[resource].incremental.is_some() => Some(range.clone()),
            _ => None,
        }
    }

    /// The watermark of a page's partition, with the page; `None`: it does not move. `whole`: it is read to its end.
    pub(super) fn moved(&self, item: &Item, page: &mut Page, whole: bool) -> Option<Watermark> {
        let resource = &self.plan.resources[item.resource];
        let incremental = resource.incremental.as_ref().filter(|it| it.keeps)?;
        if matches!(self.settings.mode, Mode::Range(_)) {
            return None;
        }
        let load_id = &self.loads[item.resource].load_id;
        let key = key(item);
        let held = self.watermarks.get(&key);
        let of_this_load = held.filter(|held| held.load_id == *load_id);
        let came = page.watermark.take().map(|came| Mark {
            cursor: incremental.cursor.clone(),
            value: came.value,
            order: came.order,
            ties: came.ties,
        });
        if came.is_none() && !(whole && of_this_load.is_some()) {
            return None;
        }
        let before = held.and_then(|held| match of_this_load {
            Some(own) => own.before.clone(),
            None => held.settled().cloned(),
        });
        let from = match of_this_load {
            Some(own) => own.reached.clone(),
            None => self.usable(item.resource, before.as_ref()).cloned(),
        };
        Some(Watermark {
            resource: resource.name.clone(),
            partition: key.1,
            load_id: load_id.clone(),
            reached: united(from, came),
            whole,
            before,
        })
    }

    /// Keeps the watermark of a page that has been written. It is recorded with the next commit, not with each page: where
    /// many rows share the newest value, it holds the identities of all of them.
    pub(super) fn keep_watermark(&mut self, resource: usize, watermark: Watermark) {
        let key = (resource, watermark.partition.clone());
        self.unrecorded.insert(key.clone());
        self.watermarks.insert(key, watermark);
    }

    /// The watermarks that have moved since the last commit.
    pub(super) fn moved_watermarks(&mut self) -> Vec<Change> {
        let keys = std::mem::take(&mut self.unrecorded);
        // What was taken back since is not there, or as it was before.
        keys.iter().filter_map(|key| self.watermarks.get(key).cloned()).map(Change::Watermark).collect()
    }

    /// Whether the rows of a resource come in the order of its cursor, as its config says and its pages do.
    pub(super) fn is_sorted(&self, resource: usize) -> bool {
        let said = self.plan.resources[resource].incremental.as_ref().is_some_and(|it| it.sorted);
        said && !self.disordered.contains(&resource)
    }

    /// Remembers rows that come in another order than their config says: a limit may then leave out some that are below the
    /// watermark.
    pub(super) fn note_disorder(&mut self, item: &Item, page: &Page) {
        let load_id = &self.loads[item.resource].load_id;
        let held = self.watermarks.get(&key(item)).filter(|held| held.load_id == *load_id);
        let reached = held.and_then(|held| held.reached.as_ref());
        let falls =
            page.watermark.as_ref().zip(reached).is_some_and(|(came, reached)| came.order < reached.order);
        if falls || page.notices.iter().any(|notice| notice.code == DISORDER) {
            self.disordered.insert(item.resource);
        }
    }

    /// Takes back what a load has done to the watermarks of a resource.
    pub(super) fn watermarks_back(&mut self, resource: usize, load_id: &str) -> Change {
        self.watermarks.retain(|(at, _), watermark| {
            if *at != resource || watermark.load_id != load_id {
                return true;
            }
            watermark.reached = watermark.before.take();
            watermark.whole = true;
            watermark.load_id.clear();
            watermark.reached.is_some()
        });
        Change::WatermarksBack {
            resource: self.plan.resources[resource].name.clone(),
            load_id: load_id.to_owned(),
        }
    }

    /// What is read in the order of its cursor is whole up to where it was stopped; anything else stays a candidate.
    pub(super) fn stop_watermarks(&mut self, resource: usize, limit: &str) -> Vec<Change> {
        let sorted = self.is_sorted(resource);
        let load_id = self.loads[resource].load_id.clone();
        let open = self.watermarks.iter_mut().filter(|((at, _), watermark)| {
            *at == resource && watermark.load_id == load_id && !watermark.whole
        });
        let mut changes = Vec::new();
        let mut stays = false;
        for (_, watermark) in open {
            if sorted {
                watermark.whole = true;
                changes.push(Change::Watermark(watermark.clone()));
            } else {
                stays = true;
            }
        }
        if stays {
            self.say_watermark_stays(resource, limit);
        }
        changes
    }

    pub(super) fn say_watermark_stays(&mut self, resource: usize, limit: &str) {
        let resource = self.plan.resources[resource].name.clone();
        self.say(RunNotice::WatermarkStays { resource, limit: limit.to_owned() });
    }

    /// Says which watermarks are of another cursor than the config's.
    pub(super) fn say_unused_watermarks(&mut self) {
        for at in 0..self.plan.resources.len() {
            let resource = &self.plan.resources[at];
            let Some(incremental) = &resource.incremental else { continue };
            let other = self.watermarks.iter().find_map(|((of, _), watermark)| {
                let mark = watermark.settled().filter(|_| *of == at)?;
                (mark.cursor != incremental.cursor).then(|| mark.cursor.clone())
            });
            if let (Some(before), Mode::Onward) = (other, &self.settings.mode) {
                let (resource, now) = (resource.name.clone(), incremental.cursor.clone());
                self.say(RunNotice::WatermarkUnused { resource, before, now });
            }
        }
    }

    /// Up to where a resource has been read, as far as that counts now.
    pub(super) fn reach(&self, resource: usize) -> Option<Reach> {
        reach_of(
            self.watermarks.iter().filter(|((at, _), _)| *at == resource).map(|(_, watermark)| watermark),
        )
    }
}

fn key(item: &Item) -> (usize, String) {
    let partition = item.partition.as_ref().map(|partition| partition.key.clone());
    (item.resource, partition.unwrap_or_default())
}

/// The one that reaches further; of two that reach as far, the ties of both.
fn united(one: Option<Mark>, other: Option<Mark>) -> Option<Mark> {
    let (mut one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.or(other),
    };
    match one.order.cmp(&other.order) {
        std::cmp::Ordering::Less => Some(other),
        std::cmp::Ordering::Greater => Some(one),
        std::cmp::Ordering::Equal => {
            let known: std::collections::HashSet<&str> = one.ties.iter().map(String::as_str).collect();
            let new: Vec<String> =
                other.ties.into_iter().filter(|tie| !known.contains(tie.as_str())).collect();
            one.ties.extend(new);
            Some(one)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(order: u8, ties: &[&str]) -> Option<Mark> {
        let ties = ties.iter().map(|tie| (*tie).to_owned()).collect();
        Some(Mark { cursor: "at".into(), value: order.to_string(), order: vec![order], ties })
    }

    #[test]
    fn the_further_one_counts_and_ties_of_equals_are_united() {
        let cases = [
            (None, None, None),
            (mark(1, &["a"]), None, mark(1, &["a"])),
            (None, mark(1, &["a"]), mark(1, &["a"])),
            (mark(1, &["a"]), mark(2, &["b"]), mark(2, &["b"])),
            (mark(2, &["a"]), mark(1, &["b"]), mark(2, &["a"])),
            (mark(2, &["a", "c"]), mark(2, &["b", "a"]), mark(2, &["a", "c", "b"])),
        ];
        for (one, other, expected) in cases {
            assert_eq!(united(one, other), expected);
        }
    }

    #[test]
    fn a_load_starts_from_where_it_began_and_a_candidate_does_not_count() {
        let mut watermark = Watermark {
            load_id: "2".into(),
            reached: mark(5, &[]),
            before: mark(3, &[]),
            ..Watermark::default()
        };
        assert_eq!(
            (watermark.since("2"), watermark.since("3")),
            (mark(3, &[]).as_ref(), mark(3, &[]).as_ref())
        );
        watermark.whole = true;
        assert_eq!(
            (watermark.since("2"), watermark.since("3")),
            (mark(3, &[]).as_ref(), mark(5, &[]).as_ref())
        );
    }
}
