//! The pages still to be read, as a stack: the top is what is committed next, which makes a run go depth first.

use std::collections::HashMap;
use std::sync::Arc;

use crate::contract::Partition;

/// A resource and, for a child, one parent row: what a chain of pages belongs to.
pub(super) type ChainKey = (usize, Option<Arc<str>>);

/// One page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its name in the checkpoint; of two, the higher one is read first.
    pub(super) seq: u64,
    /// Index into the plan.
    pub(super) resource: usize,
    /// The parent row, for a child.
    pub(super) partition: Option<Arc<Partition>>,
    /// Where it starts.
    pub(super) cursor: Option<String>,
}

impl Item {
    /// What its chain belongs to.
    pub(super) fn chain(&self) -> ChainKey {
        (self.resource, self.partition.as_ref().map(|partition| partition.key.as_str().into()))
    }
}

/// The stack.
#[derive(Debug, Default)]
pub(super) struct Stack {
    items: Vec<Item>,
    chains: HashMap<ChainKey, usize>,
    resources: HashMap<usize, usize>,
    partitions: HashMap<usize, usize>,
    next_seq: u64,
}

impl Stack {
    /// An empty stack whose new items come after `last_seq`.
    pub(super) fn after(last_seq: u64) -> Self {
        Self { next_seq: last_seq + 1, ..Self::default() }
    }

    /// A new item for the top; [`Stack::put`] puts it there.
    pub(super) fn item(
        &mut self,
        resource: usize,
        partition: Option<Arc<Partition>>,
        cursor: Option<String>,
    ) -> Item {
        let seq = self.next_seq;
        self.next_seq += 1;
        Item { seq, resource, partition, cursor }
    }

    /// Puts an item on top.
    pub(super) fn put(&mut self, item: Item) {
        let chain = self.chains.entry(item.chain()).or_default();
        *chain += 1;
        if *chain == 1 {
            *self.partitions.entry(item.resource).or_default() += 1;
        }
        *self.resources.entry(item.resource).or_default() += 1;
        self.items.push(item);
    }

    /// The item that is committed next.
    pub(super) fn top(&self) -> Option<&Item> {
        self.items.last()
    }

    /// Takes the top off.
    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop()?;
        self.forget(&item);
        Some(item)
    }

    /// Items from the top down.
    pub(super) fn top_down(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().rev()
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many pages are left in a chain.
    pub(super) fn open_in_chain(&self, key: &ChainKey) -> usize {
        self.chains.get(key).copied().unwrap_or_default()
    }

    /// How many pages are left of a resource.
    pub(super) fn open_in_resource(&self, resource: usize) -> usize {
        self.resources.get(&resource).copied().unwrap_or_default()
    }

    /// How many chains of a resource have pages left: for a child, of how many parents.
    pub(super) fn open_partitions(&self, resource: usize) -> usize {
        self.partitions.get(&resource).copied().unwrap_or_default()
    }

    /// Takes all items off that belong to `key`, and returns their names.
    pub(super) fn drop_chain(&mut self, key: &ChainKey) -> Vec<u64> {
        let mut gone = Vec::new();
        while self.top().is_some_and(|item| item.chain() == *key) {
            gone.extend(self.pop().map(|item| item.seq));
        }
        // As a rule a chain is together at the top. Not so where a run goes on with what failed in another: that stands
        // among the pages which were opened before and after it.
        if self.open_in_chain(key) > 0 {
            gone.extend(self.drop_items(|item| item.chain() == *key));
        }
        gone
    }

    /// Takes all items of some resources off, and returns their names.
    pub(super) fn drop_resources(&mut self, dropped: impl Fn(usize) -> bool) -> Vec<u64> {
        self.drop_items(|item| dropped(item.resource))
    }

    fn drop_items(&mut self, dropped: impl Fn(&Item) -> bool) -> Vec<u64> {
        let (gone, kept): (Vec<Item>, _) = std::mem::take(&mut self.items).into_iter().partition(dropped);
        self.items = kept;
        gone.iter().for_each(|item| self.forget(item));
        gone.into_iter().map(|item| item.seq).collect()
    }

    fn forget(&mut self, item: &Item) {
        let key = item.chain();
        if let Some(open) = self.chains.get_mut(&key) {
            *open -= 1;
            if *open == 0 {
                self.chains.remove(&key);
                if let Some(open) = self.partitions.get_mut(&item.resource) {
                    *open -= 1;
                }
            }
        }
        if let Some(open) = self.resources.get_mut(&item.resource) {
            *open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_the_items() {
        let partition = |key: &str| Some(Arc::new(Partition { key: key.into(), data: String::new() }));
        let mut stack = Stack::after(7);
        for (resource, key) in [(0, None), (1, Some("a")), (1, Some("b")), (1, Some("b"))] {
            let item = stack.item(resource, key.and_then(partition), None);
            stack.put(item);
        }
        assert_eq!(stack.top().map(|item| item.seq), Some(11));
        let b = (1, Some("b".into()));
        assert_eq!((stack.open_in_chain(&b), stack.open_in_resource(1)), (2, 3));
        assert_eq!((stack.open_partitions(1), stack.open_partitions(2)), (2, 0));
        stack.drop_chain(&b);
        assert_eq!((stack.open_in_chain(&b), stack.open_in_resource(1)), (0, 1));
        assert_eq!(stack.open_partitions(1), 1);
        let (b_again, below) = (stack.item(1, partition("b"), None), stack.item(1, partition("b"), None));
        let c = stack.item(2, partition("c"), None);
        [below, c, b_again].into_iter().for_each(|item| stack.put(item));
        assert_eq!(stack.drop_chain(&b), [12, 13]);
        assert_eq!(
            (stack.open_in_chain(&b), stack.open_in_resource(1), stack.open_in_resource(2)),
            (0, 1, 1)
        );
        stack.pop();
        stack.drop_resources(|resource| resource == 0);
        assert_eq!(stack.open_in_resource(0), 0);
        assert_eq!(stack.pop().map(|item| item.resource), Some(1));
        assert!(stack.is_empty() && stack.pop().is_none());
    }
}
