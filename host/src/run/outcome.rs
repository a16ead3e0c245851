//! What a run came to: plain data that a report is made from.

use std::collections::BTreeSet;

use sanderling_destination::{DataError, DataErrorKind};
use sanderling_gate::{Denial, Exchange, GateError};

use super::resume::Why;
use super::truth::Refusal;
use super::watermark::Reach;
use crate::contract::{Fault, Notice, Setting};
use crate::retry::Reason;
use crate::sandbox::Trap;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In the config's order.
    pub resources: Vec<ResourceOutcome>,
    /// In the order they happened, the first few of each resource.
    pub failures: Vec<Failure>,
    /// How many more there were.
    pub unlisted_failures: u64,
    /// The exit codes of all of them, each with its resource.
    pub codes: BTreeSet<(String, u8)>,
    /// What was said on the way, each once.
    pub notices: Vec<RunNotice>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// What one resource came to.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceOutcome {
    /// Its name.
    pub name: String,
    /// Rows of this load, with those of the run that it went on from.
    pub rows: u64,
    /// Rows in all, if the API says so.
    pub total: Option<u64>,
    /// Pages read.
    pub pages: u64,
    /// Tries that failed and were made again.
    pub retries: u64,
    /// From when it was its turn to its last commit, in this run.
    pub elapsed_ms: u64,
    /// How it ended.
    pub status: Status,
    /// Whether rows were written, or it was read for its children alone.
    pub written: bool,
    /// Parents that were gone (404 or 410) when their rows were asked for.
    pub missing_parents: u64,
    /// Parents whose rows could not be read.
    pub failed_parents: u64,
    /// Rows that were not written because they break what the config declares.
    pub refused_rows: u64,
    /// Rows that the schema contract left out.
    pub discarded_rows: u64,
    /// Values that it left out of other rows.
    pub discarded_values: u64,
    /// The limit at which it stopped, such as `--max-pages 3`.
    pub limit: Option<String>,
    /// Up to where it has been read, where it is incremental.
    pub watermark: Option<Reach>,
}

/// How a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Read to its end, and in place.
    Complete,
    /// In place, but read only to a limit that the user named: there may be more.
    Limited,
    /// Something of it failed; what is whole is kept.
    Failed,
    /// Nothing of it failed, but the run ended before it did.
    Unfinished,
}

impl Status {
    /// Whether its rows are in their place, and nothing of them is owed.
    pub fn is_in_place(self) -> bool {
        matches!(self, Self::Complete | Self::Limited)
    }
}

/// One page that could not be had or kept.
#[derive(Debug)]
pub struct Failure {
    /// Whose page.
    pub resource: String,
    /// The parent's key, for a child.
    pub partition_key: Option<String>,
    /// Counted from 1 within its chain.
    pub page: u64,
    /// Tries made.
    pub attempts: u32,
    /// What the gate saw last.
    pub exchange: Option<Exchange>,
    /// Why.
    pub cause: Cause,
}

/// Why a page could not be had or kept.
#[derive(Debug)]
pub enum Cause {
    /// The connector or the API said no.
    Fault {
        /// What it said.
        fault: Fault,
        /// Why it was not tried again.
        reason: Reason,
    },
    /// No token was to be had, without which the page cannot be asked for.
    Token {
        /// What its endpoint said.
        fault: Fault,
        /// Why it was not tried again.
        reason: Reason,
    },
    /// The connector broke.
    Trap(Trap),
    /// The connector guessed, in a run that takes no guesses.
    Guessed(Notice),
    /// The rows are not the whole truth.
    Refused(Refusal),
    /// The gate refused the request.
    Denied(Box<Denial>),
    /// The gate got no whole answer.
    Unreached(Box<GateError>),
    /// The destination cannot take the rows.
    Data {
        /// What is wrong with them.
        error: Box<DataError>,
        /// For a child: how its rows could say whose they are.
        parent: Option<ParentKey>,
    },
    /// A row breaks what the config declares, and was left out.
    Row {
        /// What is wrong with it.
        error: Box<DataError>,
        /// Its key, as far as it has one.
        key: Option<String>,
        /// The start of it.
        excerpt: String,
    },
    /// What failed in the last run cannot be read by itself.
    NotRetried(Why),
    /// The origin was halted, so that the page was not asked for.
    Halted {
        /// Which one.
        origin: String,
        /// How many pages in a row it had failed.
        in_a_row: u32,
        /// When it wants to be asked again, in Unix time.
        again_at_ms: Option<u64>,
    },
}

/// How the rows of a child say whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentKey {
    /// The parent's name.
    pub parent: String,
    /// What identifies the parent's rows.
    pub primary_key: Vec<String>,
    /// Fields of the child's rows that hold it; none if it was not taken along.
    pub carried: Vec<String>,
}

impl Cause {
    /// A fault for good. The guest knows only the kind of what the gate met; the gate's own words say more.
    /// `last` is what the gate saw last: where that asked for a token, the page itself was not asked for.
    pub fn of(fault: Fault, reason: Reason, error: Option<&GateError>, last: Option<&Exchange>) -> Self {
        match (fault, error) {
            (Fault::Denied(_), Some(GateError::Denied(denial))) => Self::Denied(Box::new(denial.clone())),
            (Fault::Transport(_), Some(error)) => Self::Unreached(Box::new(error.clone())),
            (fault @ (Fault::Http(_) | Fault::BadResponse(_)), _) if last.is_some_and(|it| it.for_token) => {
                Self::Token { fault, reason }
            }
            (fault, _) => Self::Fault { fault, reason },
        }
    }

    /// Whether the fault lies with the origin as a whole, so that its other pages are in danger too.
    pub fn is_origins(&self) -> bool {
        match self {
            Self::Fault { fault: Fault::Http(failure), reason } => {
                matches!(failure.status, 401 | 403)
                    || matches!(reason, Reason::Exhausted | Reason::WaitTooLong { .. })
            }
            Self::Fault { fault: Fault::Transport(_), .. } | Self::Token { .. } => true,
            Self::Unreached(error) => error.is_transport(),
            _ => false,
        }
    }

    /// Whether the resource's other parents would fail the same: the config has to change, or the origin is halted.
    pub fn is_resources(&self) -> bool {
        match self {
            Self::Halted { .. } | Self::Denied(_) | Self::Guessed(_) | Self::NotRetried(_) => true,
            Self::Refused(Refusal::TooManyRows { .. }) => true,
            Self::Fault { fault, .. } => matches!(fault, Fault::Denied(_) | Fault::InvalidConfig(_)),
            Self::Data { error, .. } => {
                error.kind.is_of_row()
                    || matches!(
                        error.kind,
                        DataErrorKind::DuplicateAcrossParents { .. }
                            | DataErrorKind::Frozen { .. }
                            | DataErrorKind::ListTable { .. }
                    )
            }
            Self::Token { .. } | Self::Trap(_) | Self::Refused(_) | Self::Row { .. } | Self::Unreached(_) => {
                false
            }
        }
    }

    /// Whether a parent row that was just listed is gone.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Fault { fault: Fault::Http(failure), .. }
            if matches!(failure.status, 404 | 410) && failure.retry.is_none())
    }
}

/// Something said in the course of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunNotice {
    /// `requests_per_s` is kept to by this run alone.
    Unshared {
        /// Whose requests.
        origin: String,
        /// Why other runs cannot be told.
        why: String,
    },
    /// The connector said it of a resource.
    Connector {
        /// Which one.
        resource: String,
        /// What.
        notice: Notice,
    },
    /// A run that broke off goes on.
    Resumed {
        /// The tree, by its root.
        resource: String,
        /// Rows that are there already.
        rows: u64,
    },
    /// The run that broke off has read it to its end.
    Done {
        /// The tree, by its root.
        resource: String,
        /// Rows that it brought.
        rows: u64,
    },
    /// A run that broke off starts again.
    StartedAgain {
        /// The tree, by its root.
        resource: String,
        /// Why.
        why: Why,
    },
    /// A load that broke off is of a resource that is not read any more: it is forgotten.
    Removed {
        /// Which one.
        resource: String,
        /// Rows that it had written.
        rows: u64,
    },
    /// The parents that failed in the last run are read once more.
    Retrying {
        /// The tree, by its root.
        resource: String,
        /// How many.
        parents: u64,
        /// How long ago that run was, if longer than a run that broke off would be gone on with.
        age_ms: Option<u64>,
    },
    /// No parent failed in the last run.
    NothingFailed {
        /// Whether something of it was not read.
        broken: bool,
    },
    /// A child's partition was opened before; it is read once.
    Reopened {
        /// The child.
        resource: String,
    },
    /// Under merge, rows of one load shared a key.
    SharedKeys {
        /// Whose.
        resource: String,
        /// Rows that came.
        rows: u64,
        /// Keys that they have.
        keys: u64,
        /// The primary key.
        key: String,
    },
    /// Rows that did not come are left alone: the read was not whole.
    AbsentStay {
        /// Whose.
        resource: String,
        /// Whether it stopped at a limit; else rows of it were refused.
        limited: bool,
    },
    /// Rows that did not come are taken away.
    AbsentGo {
        /// Whose.
        resource: String,
        /// How many.
        rows: u64,
        /// Whether they stay, marked.
        marked: bool,
    },
    /// A limit that the user named was reached.
    Limited {
        /// Whose.
        resource: String,
        /// Which one.
        limit: String,
    },
    /// The API's total fell while it was read: rows behind the one that is gone have moved up, over a page's edge.
    Shrunk {
        /// Whose.
        resource: String,
        /// At the first page.
        before: u64,
        /// At the last.
        after: u64,
    },
    /// The API's total grew while it was read.
    Grown {
        /// Whose.
        resource: String,
        /// At the first page.
        before: u64,
        /// At the last.
        after: u64,
    },
    /// Every parent of a child was gone: rather the child's path is wrong.
    AllGone {
        /// The child.
        resource: String,
        /// How many.
        parents: u64,
    },
    /// A watermark of another cursor than the config's is not used: all rows are read again.
    WatermarkUnused {
        /// Whose.
        resource: String,
        /// What it is of.
        before: String,
        /// What the config names.
        now: String,
    },
    /// A limit ended a read that is not sorted by its cursor, so that rows below the newest may be missing.
    WatermarkStays {
        /// Whose.
        resource: String,
        /// Which limit.
        limit: String,
    },
    /// Rows are added to a file where the config says that they are merged.
    Appends {
        /// Whose.
        resource: String,
    },
    /// Keys that speak of columns, where there are none.
    NoColumns {
        /// Which ones.
        keys: Vec<&'static str>,
    },
    /// The database is none whose SQL is known.
    UnknownDatabase {
        /// What it calls itself.
        vendor: String,
    },
    /// All rows are read anew, and take the place of those that are there.
    Refreshed {
        /// Whose.
        resource: String,
    },
    /// An origin that was halted a moment ago is tried with one request.
    Trial {
        /// Which one.
        origin: String,
    },
}

impl RunNotice {
    /// What would settle it, if it is a guess.
    pub fn settles(&self) -> &[Setting] {
        match self {
            Self::Connector { notice, .. } => &notice.settles,
            _ => &[],
        }
    }
}

/// What happens while a run goes on, for the one who waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A resource's first page is asked for.
    Started {
        /// Which one.
        resource: String,
    },
    /// Rows are in; absolute numbers of the load.
    Progress {
        /// Whose.
        resource: String,
        /// Rows so far.
        rows: u64,
        /// Pages so far.
        pages: u64,
        /// Rows in all, if known.
        total: Option<u64>,
        /// For a child, how many of its parents are done.
        parents: Option<Parents>,
    },
    /// A page is tried again later.
    Waiting {
        /// Whose.
        resource: String,
        /// Until when, in Unix time.
        until_ms: u64,
        /// What went wrong.
        why: String,
        /// The status of the answer, if there was one.
        status: Option<u16>,
        /// Tries made. None: it is the limit of its origin that holds it back.
        attempts: u32,
    },
    /// A resource has ended.
    Ended {
        /// Which one.
        resource: String,
        /// How.
        status: Status,
        /// Rows of the load.
        rows: u64,
        /// Rows that were refused.
        refused_rows: u64,
        /// The limit at which it stopped.
        limit: Option<String>,
    },
    /// A request was answered, or not.
    Asked {
        /// For which resource.
        resource: String,
        /// What the gate saw of it.
        exchange: Exchange,
    },
    /// A page's turn has come: its rows are taken in.
    Took(Taken),
    /// Something to say.
    Said(RunNotice),
}

/// Parent rows of a child that this run knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parents {
    /// Those whose rows need not be asked for any more.
    pub done: u64,
    /// All of them, so far.
    pub known: u64,
}

/// A page that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Whose.
    pub resource: String,
    /// The parent's key, for a child.
    pub partition_key: Option<String>,
    /// Where the page starts; `None` is the first.
    pub cursor: Option<String>,
    /// Rows that the API sent.
    pub received: u64,
    /// Rows that are kept.
    pub kept: u64,
    /// What the connector says follows.
    pub next: Follows,
}

/// What follows a page, for the one who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing: its chain is at its end.
    End,
    /// So many pages are known of.
    Pages(usize),
    /// Nothing more is asked for, by a limit.
    Limit,
}

impl std::fmt::Display for Follows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::Pages(1) => f.write_str("the next page"),
            Self::Pages(pages) => write!(f, "{pages} more pages"),
            Self::Limit => f.write_str("a limit"),
        }
    }
}
