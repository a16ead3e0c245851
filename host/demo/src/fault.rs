//! Which answers are spoilt, and how: plain data, and the count that decides.

use bytes::Bytes;

use crate::page::Page;
use crate::pattern;
use crate::reply::{Coding, Ending, Framing, Pace, Reply, Then};
use crate::request::Request;

/// A fault: on some of the requests that fit `path` and `query`, `action` is played.
#[derive(Clone, Debug)]
pub struct Fault {
    /// A path, in which a segment `*` stands for any one segment, and as the last one for any rest. `*`: any path.
    pub path: String,
    /// Pairs that the query must hold, decoded.
    pub query: Vec<(String, String)>,
    /// Which of the requests that fit.
    pub when: When,
    /// How often at most; `None`: no bound.
    pub times: Option<u64>,
    /// What is done.
    pub action: Action,
}

/// Which of the requests that fit a fault are spoilt. They are counted from 1, since the fault was added, and whatever
/// other faults did to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Each.
    Always,
    /// Just this one.
    Nth(u64),
    /// This one and all after it. With the path `*`: the server breaks off at its n-th request.
    From(u64),
    /// Each one whose number this divides.
    Every(u64),
}

/// How an answer is spoilt. Those marked *page* change one page of a list of this API (before it is put into words),
/// and are an error of status 500 on any other answer; the others work on every answer.
#[derive(Clone, Debug)]
pub enum Action {
    /// This answer in place of the right one. The key is not asked for.
    Answer(Reply),
    /// The right answer, later.
    Delay {
        /// The wait before its first byte.
        ms: u64,
    },
    /// The right answer, its body bit by bit.
    Slow(Pace),
    /// The head promises the whole body, and the connection is closed after this many bytes of it.
    Truncate {
        /// Bytes of the body that are sent, at most all but the last one.
        after_bytes: usize,
    },
    /// HTTP in order, but the body ends after this many bytes.
    CutJson {
        /// Bytes of the body that are left, at most all but the last one.
        bytes: usize,
    },
    /// HTTP in order, and these bytes after the right body.
    JunkAfter(Bytes),
    /// The connection is reset before an answer.
    Reset,
    /// The connection is reset after this many bytes of the body.
    ResetAfter {
        /// Bytes of the body that are sent, at most all but the last one.
        bytes: usize,
    },
    /// The connection is closed before an answer.
    Close,
    /// No answer, and the connection stays open.
    Hang,
    /// These bytes in place of an answer; not HTTP, as a rule.
    Garbage(Bytes),
    /// A page of HTML, status 200, such as a login page or a proxy's.
    Html,
    /// The right answer in chunks of this many bytes.
    Chunked {
        /// Bytes in a chunk.
        bytes: usize,
    },
    /// The right answer, compressed or said to be.
    Coded(Coding),
    /// *page*: no rows.
    EmptyPage,
    /// *page*: at most this many rows.
    ShortPage {
        /// The rows that are left.
        rows: usize,
    },
    /// *page*: the first page, whatever `offset` asks for.
    IgnoreOffset,
    /// *page*: the answer lacks `data`.
    DropRecordPath,
    /// *page*: `data` is null.
    NullRecords,
    /// *page*: the row at this place of the page is `null`.
    NullRow {
        /// Counted from 0; beyond the page's end: a further row.
        at: usize,
    },
    /// *page*: `total` is this JSON text.
    Total(String),
    /// *page*: the answer lacks `total`.
    NoTotal,
}

impl Fault {
    /// A fault without a condition on the query and without a bound.
    pub fn new(path: &str, when: When, action: Action) -> Self {
        Fault { path: path.to_owned(), query: Vec::new(), when, times: None, action }
    }
}

impl Action {
    /// An answer with this status and an error body.
    pub fn status(status: u16) -> Self {
        Action::Answer(Reply::status(status))
    }

    /// Changes a page; `false` where this is not a fault of pages.
    pub(crate) fn spoil_page(&self, page: &mut Page) -> bool {
        match self {
            Action::EmptyPage => page.pick.count = 0,
            Action::ShortPage { rows } => page.pick.count = page.pick.count.min(*rows),
            Action::IgnoreOffset => page.rewind(),
            Action::DropRecordPath => page.records_path = crate::page::RecordsPath::Missing,
            Action::NullRecords => page.records_path = crate::page::RecordsPath::Null,
            Action::NullRow { at } => page.null_row = Some(*at),
            Action::Total(json) => page.total = Some(json.clone()),
            Action::NoTotal => page.total = None,
            _ => return false,
        }
        true
    }

    /// Whether this is a fault of pages.
    pub(crate) fn is_of_pages(&self) -> bool {
        matches!(
            self,
            Action::EmptyPage
                | Action::ShortPage { .. }
                | Action::IgnoreOffset
                | Action::DropRecordPath
                | Action::NullRecords
                | Action::NullRow { .. }
                | Action::Total(_)
                | Action::NoTotal
        )
    }

    /// Changes an answer that is ready to be sent. Faults of pages have been played by then.
    pub(crate) fn spoil_reply(&self, mut reply: Reply) -> Reply {
        match self {
            Action::Delay { ms } => reply.delay_ms = *ms,
            Action::Slow(pace) => reply.pace = Some(*pace),
            Action::Truncate { after_bytes } => {
                reply.ending = Ending::Cut { after_bytes: *after_bytes, then: Then::Close };
            }
            Action::CutJson { bytes } => {
                let all_but_one = reply.body.len().saturating_sub(1);
                reply.body.truncate(all_but_one.min(*bytes));
            }
            Action::JunkAfter(junk) => reply.body = [&reply.body[..], junk].concat().into(),
            Action::Reset => reply.ending = Ending::Silent(Then::Reset),
            Action::ResetAfter { bytes } => {
                reply.ending = Ending::Cut { after_bytes: *bytes, then: Then::Reset };
            }
            Action::Close => reply.ending = Ending::Silent(Then::Close),
            Action::Hang => reply.ending = Ending::Silent(Then::Hang),
            Action::Garbage(bytes) => reply.ending = Ending::Garbage(bytes.clone()),
            Action::Chunked { bytes } => reply.framing = Framing::Chunked { chunk_bytes: *bytes },
            Action::Coded(coding) => reply.coding = *coding,
            _ => {}
        }
        reply
    }

    /// The answer that takes the place of the right one, if that is what this fault does.
    pub(crate) fn replacement(&self) -> Option<Reply> {
        match self {
            Action::Answer(reply) => Some(reply.clone()),
            Action::Html => {
                Some(Reply::html(200, "<!DOCTYPE html><title>Sign in</title><p>Please sign in.</p>\n"))
            }
            _ => None,
        }
    }
}

/// The faults of a server and how often each has been met.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Counted>);

#[derive(Debug)]
struct Counted {
    fault: Fault,
    met: u64,
    played: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(Counted { fault, met: 0, played: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a request, and says what is done to its answer: the action of the first fault that is due.
    pub(crate) fn meet(&mut self, request: &Request) -> Option<Action> {
        let mut due = None;
        for counted in &mut self.0 {
            if counted.meets(request) && due.is_none() {
                counted.played += 1;
                due = Some(counted.fault.action.clone());
            }
        }
        due
    }
}

impl Counted {
    fn meets(&mut self, request: &Request) -> bool {
        let Fault { path, query, when, times, .. } = &self.fault;
        if !pattern::fits(path, &request.path) || !query.iter().all(|pair| request.query.contains(pair)) {
            return false;
        }
        self.met += 1;
        let on = match *when {
            When::Always => true,
            When::Nth(n) => self.met == n,
            When::From(n) => self.met >= n,
            When::Every(n) => n != 0 && self.met.is_multiple_of(n),
        };
        on && times.is_none_or(|times| self.played < times)
    }
}
