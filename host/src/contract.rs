//! The contract of `wit/connector.wit` as plain Rust types, which is all that the rest of the host sees of it.

/// What a config describes, as far as the host need know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceInfo {
    /// Parents stand before their children.
    pub resources: Vec<ResourceInfo>,
    /// JSON pointers to credentials written out in the config.
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
    /// Output columns that identify a row.
    pub primary_key: Vec<String>,
    /// What a load does to rows that are there already.
    pub write_disposition: WriteDisposition,
    /// Declared columns: a JSON object, which [`columns`] reads.
    pub columns: Option<String>,
    /// Set where rows are read from a watermark on.
    pub incremental: Option<Incremental>,
    /// Whether rows are written.
    pub selected: bool,
    /// How failed pages are tried again.
    pub retry: Option<Retry>,
    /// Origins that the pages are read from.
    pub origins: Vec<String>,
    /// Answers that hold a token, which the connector must not see.
    pub seals: Vec<Seal>,
    /// Settings that only the host uses: a JSON object.
    pub settings: Option<String>,
}

/// Where an answer holds a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Who is asked.
    pub origin: String,
    /// What is asked for, without a query.
    pub path: String,
    /// JSON pointers into the body, or `header:NAME`.
    pub fields: Vec<String>,
    /// Seconds for which it is used where the answer does not say so.
    pub lifetime_s: u64,
    /// JSON pointer into the config, to what is used before anything is asked for.
    pub first: Option<String>,
    /// JSON pointers into the config, to credentials that go to this origin only.
    pub spends: Vec<String>,
    /// JSON pointer into the config, to a credential that an answer's `refresh_token` takes the place of.
    pub rotates: Option<String>,
}

/// How a resource is read from a watermark on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// What its watermarks are of; one that was left under another text is not used.
    pub cursor: String,
    /// Whether rows come in the order of their watermarks.
    pub sorted: bool,
}

/// A column as the config declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the output.
    pub name: String,
    /// dlt's word for its type, such as `bigint`; not checked here.
    pub data_type: Option<String>,
    /// Of a decimal: digits in all, and how many of them behind the point; not checked here.
    pub digits: Option<(u8, i8)>,
    /// Of a timestamp: whether it is kept in UTC; `None`: the config does not say.
    pub timezone: Option<bool>,
    /// Whether a row may lack it, or have null in it; `None`: the config does not say.
    pub nullable: Option<bool>,
    /// `asc` or `desc`: which of a load's rows of one key stays; not checked here.
    pub dedup_sort: Option<String>,
    /// Whether what is in it says that a row is to be deleted.
    pub hard_delete: bool,
}

/// Reads [`ResourceInfo::columns`], in the connector's order. Hints that this host does not know are passed over.
///
/// # Errors
/// It is no JSON object of objects, or a hint is of the wrong type.
pub fn columns(json: &str) -> Result<Vec<Column>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Hints {
        data_type: Option<String>,
        precision: Option<u8>,
        scale: Option<i8>,
        timezone: Option<bool>,
        nullable: Option<bool>,
        dedup_sort: Option<String>,
        #[serde(default)]
        hard_delete: bool,
    }
    let columns: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json)?;
    let column = |(name, hints)| {
        let hints: Hints = serde_json::from_value(hints)?;
        let Hints { data_type, timezone, nullable, dedup_sort, hard_delete, .. } = hints;
        let digits = hints.precision.zip(hints.scale);
        Ok(Column { name, data_type, digits, timezone, nullable, dedup_sort, hard_delete })
    };
    columns.into_iter().map(column).collect()
}

/// What a load does to rows that are there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteDisposition {
    /// Keeps them.
    Append,
    /// Puts the new rows in their place.
    Replace,
    /// Replaces rows of the same primary key.
    Merge,
    /// A word that this host does not know.
    Other(String),
}

/// A config's own retry policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// HTTP statuses worth another try.
    pub statuses: Vec<u16>,
    /// Tries after the first one.
    pub max_retries: u32,
    /// The n-th wait is `backoff_factor * 2^(n-1)` seconds.
    pub backoff_factor: f64,
}

/// Something a person should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A stable word, such as `parent-inferred`.
    pub code: String,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// A resource's name.
    pub resource: String,
    /// The parent row's bindings, for a resource that has a parent.
    pub partition: Option<Partition>,
    /// Where the page starts; `None` is the first page.
    pub cursor: Option<String>,
    /// What the last complete run left.
    pub since: Option<Watermark>,
    /// Bounds of a backfill.
    pub range: Option<Range>,
    /// The start of the read, in milliseconds since 1970, UTC.
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
    /// JSON.
    pub value: String,
    /// Sorts as bytes; the greatest counts.
    pub order: Vec<u8>,
    /// Identities of rows that a read from here on would meet again.
    pub ties: Vec<String>,
}

/// One parent row's bindings for a child resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Stable identity: state and duplicate checks go by it.
    pub key: String,
    /// Opaque bindings.
    pub data: String,
}

/// One page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// NDJSON.
    pub rows: Vec<u8>,
    /// Rows that the API sent, before any filter.
    pub received: u64,
    /// Lines in `rows`.
    pub kept: u64,
    /// Stands for what the API sent, where `rows` does not.
    pub digest: Option<String>,
    /// Rows that a whole read of this partition yields, if the API says.
    pub total: Option<u64>,
    /// What follows.
    pub continuation: Continuation,
    /// Partitions that these rows open, by child resource.
    pub children: Vec<(String, Vec<Partition>)>,
    /// How far the rows reach.
    pub watermark: Option<Watermark>,
    /// What a person should be told.
    pub notices: Vec<Notice>,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// The chain is at its end.
    End,
    /// The chain stops at a limit that the config names.
    Limit(String),
    /// The next page of the chain.
    Next(String),
    /// What is left, as chains of their own, in commit order.
    Rest(Vec<String>),
}

/// Why there is no page, by what the host must do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Everything that is wrong with the config.
    InvalidConfig(Vec<Diagnostic>),
    /// The API answered with a failure.
    Http(HttpFailure),
    /// No whole answer.
    Transport(String),
    /// The gate refused the request.
    Denied(String),
    /// An answer that cannot be read.
    BadResponse(BadResponse),
    /// Anything else.
    Other(String),
}

/// One thing that is wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// JSON pointer to it.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub hint: Option<String>,
}

/// An answer that is a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFailure {
    /// HTTP status.
    pub status: u16,
    /// What the config says of this answer.
    pub retry: Option<bool>,
    /// The `Retry-After` header as it came.
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
    /// The start of the body, or the part at fault.
    pub excerpt: String,
    /// Whether the same request may be answered better.
    pub retry: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_they_are_declared() {
        let read =
            columns(r#"{"b": {"data_type": "bigint", "later": [1]}, "a": {"nullable": false}, "c": {}}"#)
                .unwrap();
        let column = |name: &str, data_type: Option<&str>, nullable| Column {
            name: name.into(),
            data_type: data_type.map(Into::into),
            digits: None,
            timezone: None,
            nullable,
            dedup_sort: None,
            hard_delete: false,
        };
        let expected =
            [column("b", Some("bigint"), None), column("a", None, Some(false)), column("c", None, None)];
        assert_eq!(read, expected);
        for bad in
            ["", "[]", "5", r#"{"a": 1}"#, r#"{"a": {"nullable": "no"}}"#, r#"{"a": {"data_type": 5}}"#]
        {
            assert!(columns(bad).is_err(), "{bad}");
        }
    }
}
