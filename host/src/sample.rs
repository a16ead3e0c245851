//! Reads a little of a source, without a destination: page by page, none of them asked for twice.
//!
//! A root is read from its first page on; a child for the parents that the pages read so far have opened, and where they
//! have opened none, for those of a few more. After an API has refused a credential nothing more is asked of it.

mod composite;
mod documented;
mod findings;

use std::collections::{HashSet, VecDeque};

use sanderling_destination::{Chain, State};
use sanderling_gate::Exchange;

pub use documented::{Compared, Difference, NotCompared, compare};
pub use findings::{Finding, Gap, findings};

use crate::contract::{self, Continuation, Fault, Notice, Page, PageRequest, Partition};
use crate::retry::Reason;
use crate::run::mode::Mode;
use crate::run::outcome::{Cause, Failure};
use crate::run::truth::{self, Refusal};
use crate::run::watermark;
use crate::sandbox::{CallError, Seen};
use crate::source::Source;

/// So many pages of a parent are read in search of a row that opens a child.
const MAX_SEARCHED: usize = 10;

/// How many of a child's parents are looked at.
const PARENTS: usize = 2;

/// Reads pages of a source.
pub struct Sampler<'a> {
    source: &'a Source,
    now_ms: u64,
    /// Take no guesses.
    frozen: bool,
    onward: Option<Onward<'a>>,
    saw: &'a mut dyn FnMut(&str, &Exchange),
    /// By resource: the pages that could be read next.
    queues: Vec<VecDeque<Ask>>,
    /// By resource: the keys of partitions that were opened, each of which is read once.
    opened: Vec<HashSet<String>>,
    /// Resources of which a page could not be had.
    failed: HashSet<usize>,
    /// Origins that have refused a credential.
    closed: HashSet<String>,
}

/// From where what is incremental is read; without it, all is read from its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Onward<'a> {
    /// What the last runs have left.
    pub state: &'a State,
    /// How a run would read.
    pub mode: &'a Mode,
}

/// A page that could be read.
struct Ask {
    resource: usize,
    partition: Option<Partition>,
    cursor: Option<String>,
    /// Counted from 1 within its chain.
    page: u64,
}

/// A page that was read.
pub struct Sampled {
    /// The parent's key, for a child.
    pub partition_key: Option<String>,
    /// NDJSON, as a run would write it: what a server echoes of a secret is a reference.
    pub rows: Vec<u8>,
    /// How many there are.
    pub kept: u64,
    /// Rows in all, if the API says so.
    pub total: Option<u64>,
    /// Whether there is another page.
    pub more: bool,
    /// What the connector says.
    pub notices: Vec<Notice>,
    /// The request that brought it.
    pub exchange: Option<Exchange>,
}

/// Why there is no page.
pub enum Miss {
    /// It was asked for, in vain.
    Failed(Box<Failure>),
    /// It was not: the API has refused a credential.
    Closed {
        /// Of which origin.
        origin: String,
    },
    /// Its parent could not be read.
    Orphaned {
        /// The parent.
        parent: String,
    },
    /// No row of a parent was found that opens the resource.
    Unopened {
        /// The parent.
        parent: String,
    },
}

/// What a look at a resource came to.
#[derive(Default)]
pub struct Look {
    /// First pages: of a root one, of a child those of up to two parents.
    pub pages: Vec<Sampled>,
    /// Pages that could not be had, its own or its parent's.
    pub failures: Vec<Failure>,
    /// Why there are neither.
    pub not_tried: Option<Miss>,
}

impl<'a> Sampler<'a> {
    /// One that has read nothing. `now_ms` is Unix time; `saw` is told of each request, with its resource.
    pub fn new(
        source: &'a Source,
        frozen: bool,
        now_ms: u64,
        saw: &'a mut dyn FnMut(&str, &Exchange),
    ) -> Self {
        let first = |at: usize| match source.plan.resources[at].parent {
            None => VecDeque::from([Ask { resource: at, partition: None, cursor: None, page: 1 }]),
            Some(_) => VecDeque::new(),
        };
        let count = source.plan.resources.len();
        Self {
            source,
            now_ms,
            frozen,
            onward: None,
            saw,
            queues: (0..count).map(first).collect(),
            opened: vec![HashSet::new(); count],
            failed: HashSet::new(),
            closed: HashSet::new(),
        }
    }

    /// The same, reading what a run would read.
    #[must_use]
    pub fn onward(self, onward: Onward<'a>) -> Self {
        Self { onward: Some(onward), ..self }
    }

    /// Looks at a resource of the plan. Parents are to be looked at before their children.
    pub async fn look(&mut self, resource: usize) -> Look {
        let wanted = if self.source.plan.resources[resource].parent.is_none() { 1 } else { PARENTS };
        let (mut look, mut gone) = (Look::default(), None);
        // A parent row that is gone a moment later is no fault of the config's; one more is tried for each.
        for _ in 0..wanted * 2 {
            if look.pages.len() == wanted {
                break;
            }
            match self.page(resource, true).await {
                Ok(Some(page)) => look.pages.push(page),
                Ok(None) => break,
                Err(Miss::Failed(failure)) if failure.partition_key.is_some() && failure.cause.is_gone() => {
                    gone.get_or_insert(*failure);
                }
                Err(Miss::Failed(failure)) => {
                    look.failures.push(*failure);
                    break;
                }
                Err(miss) => {
                    look.not_tried = Some(miss);
                    break;
                }
            }
        }
        if look.pages.is_empty() && look.failures.is_empty() {
            look.failures.extend(gone);
        }
        if !(look.pages.is_empty() && look.failures.is_empty()) {
            look.not_tried = None;
        }
        look
    }

    /// The next page of a resource, in the order of a run; `None`: there is none left. `first`: pages that follow
    /// another one are passed over.
    pub async fn page(&mut self, resource: usize, first: bool) -> Result<Option<Sampled>, Miss> {
        let mut searched = 0;
        loop {
            let queue = &mut self.queues[resource];
            let at = queue.iter().position(|ask| !first || ask.cursor.is_none());
            if let Some(ask) = at.and_then(|at| queue.remove(at)) {
                return self.read(ask).await.map(Some);
            }
            let Some(parent) = self.source.plan.resources[resource].parent else { return Ok(None) };
            let name = &self.source.plan.resources[parent].name;
            searched += 1;
            if searched > MAX_SEARCHED || Box::pin(self.page(parent, false)).await?.is_none() {
                // That a parent opens no more is no news where it has opened something.
                let parent_name = name.clone();
                return match self.opened[resource].is_empty() {
                    false => Ok(None),
                    true if self.failed.contains(&parent) => Err(Miss::Orphaned { parent: parent_name }),
                    true => Err(Miss::Unopened { parent: parent_name }),
                };
            }
        }
    }

    async fn read(&mut self, ask: Ask) -> Result<Sampled, Miss> {
        let resource = &self.source.plan.resources[ask.resource];
        if self.closed.contains(&resource.origin) {
            return Err(Miss::Closed { origin: resource.origin.clone() });
        }
        let request = PageRequest {
            resource: resource.name.clone(),
            partition: ask.partition.clone(),
            cursor: ask.cursor.clone(),
            since: self.since(&ask),
            range: self.range(ask.resource),
            now_ms: self.now_ms,
        };
        let (mut result, mut seen) = self.source.connection.fetch_page(&request).await;
        // As in a run: a token that has run out costs no page.
        let spent = seen.last().is_some_and(|last| last.exchange.token_spent);
        if spent {
            self.tell(&resource.name, &seen);
            (result, seen) = self.source.connection.fetch_page(&request).await;
        }
        self.tell(&resource.name, &seen);
        let masked = seen.iter().any(|seen| seen.exchange.masked);
        let (error, exchange) =
            seen.into_iter().next_back().map_or((None, None), |seen| (seen.error, Some(seen.exchange)));
        let sound = match result {
            Ok(page) => self.sound(&ask, page),
            Err(CallError::Trap(trap)) => Err(Cause::Trap(trap)),
            Err(CallError::Fault(fault)) => {
                if matches!(&fault, Fault::Http(http) if matches!(http.status, 401 | 403)) {
                    self.closed.insert(resource.origin.clone());
                }
                Err(Cause::of(fault, Reason::NotRetryable, error.as_deref(), exchange.as_ref()))
            }
        };
        let partition_key = ask.partition.as_ref().map(|it| self.source.vault.name_secrets(&it.key));
        match sound {
            Ok(page) => {
                let sampled = self.take(&ask, page, partition_key, masked);
                Ok(Sampled { exchange, ..sampled })
            }
            Err(cause) => {
                self.failed.insert(ask.resource);
                let name = resource.name.clone();
                let page = ask.page;
                let failure = Failure { resource: name, partition_key, page, attempts: 1, exchange, cause };
                Err(Miss::Failed(Box::new(failure)))
            }
        }
    }

    fn since(&self, ask: &Ask) -> Option<contract::Watermark> {
        let Onward { state, .. } = self.onward.filter(|onward| *onward.mode == Mode::Onward)?;
        let vault = &self.source.vault;
        let key = ask.partition.as_ref().map(|partition| vault.name_secrets(&partition.key));
        let restore = |text: &str| vault.restore(text).unwrap_or_else(|_| text.to_owned());
        watermark::onward(&self.source.plan, state, ask.resource, &key.unwrap_or_default(), restore)
    }

    fn range(&self, resource: usize) -> Option<contract::Range> {
        match self.onward?.mode {
            Mode::Range(range) if self.source.plan.resources[resource].incremental.is_some() => {
                Some(range.clone())
            }
            _ => None,
        }
    }

    fn tell(&mut self, resource: &str, seen: &[Seen]) {
        for seen in seen.iter().filter(|seen| !seen.exchange.kept) {
            (self.saw)(resource, &seen.exchange);
        }
    }

    /// What a run checks of a page by itself.
    fn sound(&self, ask: &Ask, page: Page) -> Result<Page, Cause> {
        let guess = page.notices.iter().find(|notice| self.frozen && !notice.settles.is_empty());
        if let Some(guess) = guess {
            return Err(Cause::Guessed(guess.clone()));
        }
        let plan = &self.source.plan;
        let stranger = page.children.iter().find(|(child, _)| !plan.is_child(child, ask.resource));
        truth::advance(&mut Chain::default(), &page, String::new())
            .and_then(|()| truth::follow(&page.continuation))
            .and_then(|()| {
                stranger.map_or(Ok(()), |(child, _)| Err(Refusal::Stranger { child: child.clone() }))
            })
            .map_err(Cause::Refused)?;
        Ok(page)
    }

    /// Queues what a page leads to, and hands over the rest of it.
    fn take(&mut self, ask: &Ask, mut page: Page, partition_key: Option<String>, masked: bool) -> Sampled {
        let follow = match page.continuation {
            Continuation::Next(cursor) => vec![cursor],
            Continuation::Rest(cursors) => cursors,
            Continuation::End | Continuation::Limit(_) => Vec::new(),
        };
        let more = !follow.is_empty();
        for cursor in follow.into_iter().rev() {
            self.queues[ask.resource].push_front(Ask {
                resource: ask.resource,
                partition: ask.partition.clone(),
                cursor: Some(cursor),
                page: ask.page + 1,
            });
        }
        for (name, partitions) in page.children {
            let Some(child) = self.source.plan.find(&name) else { continue };
            for partition in partitions {
                if self.opened[child].insert(partition.key.clone()) {
                    let partition = Some(partition);
                    self.queues[child].push_back(Ask { resource: child, partition, cursor: None, page: 1 });
                }
            }
        }
        let vault = &self.source.vault;
        if (masked || partition_key.is_some())
            && let Ok(text) = std::str::from_utf8(&page.rows)
            && vault.contains_placeholder(text)
        {
            page.rows = vault.name_secrets(text).into_bytes();
        }
        Sampled {
            partition_key,
            rows: page.rows,
            kept: page.kept,
            total: page.total,
            more,
            notices: page.notices,
            exchange: None,
        }
    }
}
