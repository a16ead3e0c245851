//! The contract's types (`wit/connector.wit`) as plain data; that file says what each of them means.

use crate::diagnostic::Diagnostic;

/// What a config describes, as far as a host need know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceInfo {
    /// Parents stand before their children.
    pub resources: Vec<ResourceInfo>,
    /// JSON pointers (RFC 6901) to credentials written out in the config.
    pub credentials: Vec<String>,
    /// What a person should be told.
    pub notices: Vec<Notice>,
}

/// One stream of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceInfo {
    /// Unique within a config.
    pub name: String,
    /// The resource whose rows drive this one.
    pub parent: Option<String>,
    /// Columns that identify a row, by their names in the output.
    pub primary_key: Vec<String>,
    /// What a load does to rows that are there already.
    pub write_disposition: WriteDisposition,
    /// Columns declared in the config, by their names in the output: a JSON object, name to `{data_type, nullable}`.
    pub columns: Option<String>,
    /// Set where a run asks only for rows beyond the watermark of the last one.
    pub incremental: Option<Incremental>,
    /// Whether rows are written.
    pub selected: bool,
    /// How failed pages are tried again; `None`: the host's own policy.
    pub retry: Option<RetryPolicy>,
    /// Origins (RFC 6454) that the pages are read from.
    pub origins: Vec<String>,
    /// Answers that hold a token.
    pub seals: Vec<Seal>,
    /// Settings that only a host uses: a JSON object.
    pub settings: Option<String>,
}

/// How a resource is read from a watermark on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// What its watermarks are of; one that was left under another text is not used.
    pub cursor: String,
    /// Whether rows come in the order of their watermarks.
    pub sorted: bool,
}

/// What a load does to rows that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteDisposition {
    /// Keeps them, and adds the new ones.
    Append,
    /// Puts the new rows in their place.
    Replace,
    /// A new row takes the place of the one with the same primary key.
    Merge,
    /// A kind of merge that the contract has no word for; `settings` says more.
    Other(&'static str),
}

/// How failed pages are tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// HTTP statuses worth another try.
    pub statuses: Vec<u16>,
    /// Tries after the first one.
    pub max_retries: u32,
    /// The n-th wait is `backoff_factor * 2^(n-1)` seconds.
    pub backoff_factor: f64,
}

/// Where an answer holds a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Who is asked.
    pub origin: String,
    /// What is asked for, without a query.
    pub path: String,
    /// JSON pointers into the body.
    pub fields: Vec<String>,
    /// How long it is used where the answer does not say so.
    pub lifetime_s: u64,
    /// JSON pointer to a token that the config gives for the first requests.
    pub first: Option<String>,
    /// JSON pointers to what of the config goes to this origin only.
    pub spends: Vec<String>,
    /// JSON pointer to the credential that an answer's `refresh_token` takes the place of.
    pub rotates: Option<String>,
}

/// Something a person should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A stable word.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// What would mend it, where that is no setting.
    pub hint: Option<String>,
    /// What would settle a guess. A notice that has settings is a guess; one that has none is not.
    pub settles: Vec<Setting>,
}

/// A value of the config, as a person would write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// JSON pointer (RFC 6901) into the config as it was given: to what is there, or to what its object lacks.
    pub path: String,
    /// JSON.
    pub value: String,
}

/// Which page is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// A [`ResourceInfo::name`].
    pub name: String,
    /// Present for each resource that has a parent.
    pub partition: Option<Partition>,
    /// Where the page starts, as a [`Continuation`] gave it. `None`: the first page.
    pub cursor: Option<String>,
    /// The watermark that the last complete run left.
    pub since: Option<Watermark>,
    /// Bounds of a backfill.
    pub range: Option<Range>,
    /// The start of the read, in milliseconds since 1970-01-01T00:00:00Z.
    pub now_ms: u64,
}

/// Bounds of a backfill, as the user wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// Where it starts.
    pub since: Option<String>,
    /// Where it ends.
    pub until: Option<String>,
}

/// How far rows reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// JSON: the value of the cursor.
    pub value: String,
    /// Sorts as bytes; the greatest is the newest.
    pub order: Vec<u8>,
    /// Identities of the rows that a read from here on would meet again.
    pub ties: Vec<String>,
}

/// One parent row's bindings for a child resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Stable identity: a JSON list of the values that are bound into the request.
    pub key: String,
    /// What this connector needs of the parent row; opaque to everybody else.
    pub data: String,
}

/// One page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// NDJSON: one JSON value a line, otherwise byte for byte as the API sent it.
    pub rows: Vec<u8>,
    /// Rows that the API sent for this page, before any filter.
    pub received: u64,
    /// Lines in `rows`.
    pub kept: u64,
    /// Stands for what the API sent, where `rows` does not.
    pub digest: Option<String>,
    /// Rows that a read from the first page to the end yields, if the API says how many.
    pub total: Option<u64>,
    /// What follows.
    pub continuation: Continuation,
    /// How far the rows reach.
    pub watermark: Option<Watermark>,
    /// The partitions that these rows open.
    pub children: Vec<ChildPartitions>,
    /// What a person should be told.
    pub notices: Vec<Notice>,
}

/// The partitions that a page opens for one child resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildPartitions {
    /// The child's [`ResourceInfo::name`].
    pub name: String,
    /// In the order of the parent's rows.
    pub partitions: Vec<Partition>,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// This chain is at its end.
    End,
    /// This chain stops before its end, at the limit that the text names.
    Limit(String),
    /// The next page of this chain.
    Next(String),
    /// What is left, as 1 to 256 chains that may be read side by side.
    Rest(Vec<String>),
}

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Absolute, without a fragment.
    pub url: String,
    /// Names as the config writes them; no name stands twice.
    pub headers: Vec<(String, String)>,
    /// Empty: no body.
    pub body: Vec<u8>,
}

/// An answer, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// As they came.
    pub headers: Vec<(String, String)>,
    /// With any content coding undone.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no page, by what the host must do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Everything that is wrong with the config.
    #[error("{}", problems(.0))]
    InvalidConfig(Vec<Diagnostic>),
    /// The API answered, and the answer is a failure.
    #[error("{}", .0.message)]
    Http(HttpFailure),
    /// No whole answer.
    #[error("no whole answer: {0}")]
    Transport(String),
    /// The host refused the request.
    #[error("refused: {0}")]
    Denied(String),
    /// An answer that cannot be read.
    #[error("{}", .0.message)]
    BadResponse(BadResponse),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

fn problems(list: &[Diagnostic]) -> String {
    match list {
        [only] => only.message.clone(),
        _ => format!("{} problems in the config", list.len()),
    }
}

/// An answer that is a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFailure {
    /// The HTTP status.
    pub status: u16,
    /// What the config says of this answer; `None`: the status decides.
    pub retry: Option<bool>,
    /// The `Retry-After` header as it came (RFC 9110, 10.2.3).
    pub retry_after: Option<String>,
    /// The sentence.
    pub message: String,
    /// The start of the body.
    pub excerpt: String,
}

/// An answer that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadResponse {
    /// The sentence.
    pub message: String,
    /// The start of the body, or the part that is at fault.
    pub excerpt: String,
    /// Whether the same request may be answered better.
    pub retry: bool,
}
