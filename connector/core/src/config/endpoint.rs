//! `endpoint`: one kind of request, and how its answers are read.

use serde_json::Value;

use super::{
    Auth, Body, Headers, Incremental, Paginator, actions, auth, body, headers, incremental, inside, paginator,
};
use crate::actions::ResponseAction;
use crate::contract::RetryPolicy;
use crate::diagnostic::Problems;
use crate::document::{At, Fields, Keys, Node};
use crate::select::Selector;

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) path: At<String>,
    pub(crate) method: Method,
    pub(crate) params: Vec<(String, Param)>,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Body>,
    pub(crate) auth: Option<Auth>,
    pub(crate) selector: Option<Selector>,
    pub(crate) paginator: Option<Paginator>,
    pub(crate) empty_ok: bool,
    pub(crate) error_handler: Option<ErrorHandler>,
    pub(crate) actions: Vec<ResponseAction>,
    pub(crate) incremental: Option<Incremental>,
}

/// dlt's two. Either reads: a request that failed is sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Method {
    #[default]
    Get,
    Post,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A value of `params`; `null` has been dropped.
#[derive(Debug)]
pub(crate) enum Param {
    /// One text for each time that the parameter is sent.
    Texts(Vec<At<String>>),
    /// dlt's older way to name a parent's field.
    Resolve { pointer: String, resource: At<String>, field: At<String> },
}

/// `error_handler`, what the seeds call their retry policy.
pub(crate) type ErrorHandler = RetryPolicy;

pub(crate) const ENDPOINT_KEYS: &[&str] = &[
    "path",
    "method",
    "params",
    "headers",
    "json",
    "data",
    "auth",
    "data_selector",
    "paginator",
    "error_handler",
    "response_actions",
    "empty_ok",
    "incremental",
];

const ENDPOINT: Keys = Keys {
    of: "an endpoint",
    known: ENDPOINT_KEYS,
    later: &[],
    elsewhere: &[
        ("primary_key", "write it on the resource, beside `endpoint`"),
        ("write_disposition", "write it on the resource, beside `endpoint`"),
        ("include_from_parent", "write it on the resource, beside `endpoint`"),
        ("rename", "write it on the resource, beside `endpoint`"),
        ("total", "write it on the resource, beside `endpoint`"),
        ("selected", "write it on the resource, beside `endpoint`"),
    ],
};

/// Reads an endpoint from its merged members; `params` and `json` come merged on their own.
pub(crate) fn read(
    path: At<String>,
    mut fields: Fields<'_>,
    merged_params: Fields<'_>,
    merged_json: Option<Fields<'_>>,
    problems: &mut Problems,
) -> Endpoint {
    let (params, of_params) = params(merged_params, problems);
    let incremental = fields.take("incremental").and_then(|node| incremental::read(&node, problems));
    let endpoint = Endpoint {
        path,
        method: fields.take("method").and_then(|node| method(&node, problems)).unwrap_or_default(),
        params,
        headers: fields.take("headers").map(|node| headers(&node, true, problems)).unwrap_or_default(),
        body: body::read(merged_json, fields.take("data"), problems),
        auth: fields.take("auth").and_then(|node| auth::read(&node, problems)),
        selector: fields.take("data_selector").and_then(|node| selector(&node, problems)),
        paginator: fields.take("paginator").and_then(|node| paginator::read(&node, problems)),
        empty_ok: fields.take("empty_ok").and_then(|node| node.boolean(problems)).unwrap_or(false),
        error_handler: fields.take("error_handler").and_then(|node| error_handler(&node, problems)),
        actions: fields
            .take("response_actions")
            .map(|node| actions::read(&node, problems))
            .unwrap_or_default(),
        incremental: only_one(incremental, of_params, problems),
    };
    fields.close(&ENDPOINT, problems);
    endpoint
}

fn method(node: &Node<'_>, problems: &mut Problems) -> Option<Method> {
    let method = node.string("a method", problems)?;
    match method.value.as_str() {
        "GET" => Some(Method::Get),
        "POST" => Some(Method::Post),
        other => {
            let meant = ["GET", "POST"].into_iter().find(|known| known.eq_ignore_ascii_case(other));
            let hint = meant.map_or("`GET` or `POST`".to_owned(), |known| format!("did you mean `{known}`?"));
            problems.hint(&node.pointer, format!("unknown method `{other}`"), hint);
            None
        }
    }
}

fn selector(node: &Node<'_>, problems: &mut Problems) -> Option<Selector> {
    let text = node.name("a JSONPath", problems)?;
    Selector::parse(&text.value)
        .map_err(|error| {
            let hint = "quote unusual names: `['@odata.value']`";
            problems.hint(&node.pointer, format!("`{}`: {error}", text.value), hint);
        })
        .ok()
}

/// What a value of `params` may be.
enum Written {
    Param(Param),
    Incremental(Box<Incremental>),
}

/// The parameters, and what those of type `incremental` say.
fn params(fields: Fields<'_>, problems: &mut Problems) -> (Vec<(String, Param)>, Vec<Incremental>) {
    let (mut params, mut incrementals) = (Vec::new(), Vec::new());
    for (name, node) in fields.into_iter() {
        match param(name, &node, problems) {
            Some(Written::Param(param)) => params.push((name.to_owned(), param)),
            Some(Written::Incremental(incremental)) => incrementals.push(*incremental),
            None => {}
        }
    }
    (params, incrementals)
}

/// An endpoint is read by one cursor.
fn only_one(
    own: Option<Incremental>,
    of_params: Vec<Incremental>,
    problems: &mut Problems,
) -> Option<Incremental> {
    let mut all = own.into_iter().chain(of_params);
    let first = all.next();
    for other in all {
        let message = "an endpoint is incremental by one cursor, and there is another";
        problems.hint(&other.pointer, message, "leave out all but one");
    }
    first
}

fn param(name: &str, node: &Node<'_>, problems: &mut Problems) -> Option<Written> {
    let texts = match node.value {
        Value::Null => return None,
        Value::Object(_) => return typed(name, node, problems),
        Value::Array(_) => {
            let items = node.items("params", problems)?;
            items.iter().filter_map(|item| scalar(item, problems)).collect()
        }
        _ => vec![scalar(node, problems)?],
    };
    (!texts.is_empty()).then_some(Written::Param(Param::Texts(texts)))
}

/// The text of a parameter: a string as it is, numbers and booleans as JSON writes them.
fn scalar(node: &Node<'_>, problems: &mut Problems) -> Option<At<String>> {
    match node.value {
        Value::String(text) => Some(node.at(text.clone())),
        Value::Number(number) => Some(node.at(number.to_string())),
        Value::Bool(value) => Some(node.at(value.to_string())),
        Value::Null => {
            problems.hint(&node.pointer, "null has no text that could be sent", "leave it out");
            None
        }
        Value::Array(_) | Value::Object(_) => {
            problems.add(&node.pointer, "a parameter is text, a number, a boolean, or a list of these");
            None
        }
    }
}

fn typed(name: &str, node: &Node<'_>, problems: &mut Problems) -> Option<Written> {
    let mut fields = node.object("a parameter", problems)?;
    let kind = match fields.take("type") {
        Some(node) => node.name("a type", problems)?.value,
        None => String::new(),
    };
    match kind.as_str() {
        "resolve" => {}
        "incremental" => {
            let incremental = incremental::param(name, node, fields, problems)?;
            return Some(Written::Incremental(Box::new(incremental)));
        }
        _ => {
            let message = "a parameter that is an object must be of type `resolve` or `incremental`";
            let hint = "{\"type\": \"resolve\", \"resource\": \"…\", \"field\": \"…\"}";
            problems.hint(&node.pointer, message, hint);
            return None;
        }
    }
    let mut name = |key: &str, problems: &mut Problems| match fields.take(key) {
        Some(node) => node.name(&format!("`{key}`"), problems),
        None => {
            problems.add(&inside(node, key), format!("`{key}` is missing"));
            None
        }
    };
    let resource = name("resource", problems);
    let field = name("field", problems);
    let known = &["type", "resource", "field"];
    fields.close(&Keys { of: "a parameter of type `resolve`", known, later: &[], elsewhere: &[] }, problems);
    let (resource, field) = (resource?, field?);
    Some(Written::Param(Param::Resolve { pointer: node.pointer.clone(), resource, field }))
}

/// Values that are not written are the host's own: see the design's retries by default.
fn error_handler(node: &Node<'_>, problems: &mut Problems) -> Option<ErrorHandler> {
    let mut fields = node.object("an error handler", problems)?;
    let mut policy =
        ErrorHandler { statuses: vec![429, 500, 502, 503, 504], max_retries: 3, backoff_factor: 2.0 };
    if let Some(node) = fields.take("retry_on_status_codes")
        && let Some(items) = node.items("HTTP statuses", problems)
    {
        policy.statuses = items.iter().filter_map(|item| status(item, problems)).collect();
    }
    if let Some(node) = fields.take("max_retries")
        && let Some(count) = node.count(problems)
    {
        match u32::try_from(count) {
            Ok(count) if count <= 100 => policy.max_retries = count,
            _ => problems.add(&node.pointer, "more than 100 retries are not allowed"),
        }
    }
    if let Some(node) = fields.take("backoff_factor") {
        match node.value.as_f64() {
            Some(factor) if factor.is_finite() && factor >= 0.0 => policy.backoff_factor = factor,
            _ => problems.add(&node.pointer, "a number of seconds, 0 or more, is expected here"),
        }
    }
    let known = &["retry_on_status_codes", "max_retries", "backoff_factor"];
    fields.close(&Keys { of: "`error_handler`", known, later: &[], elsewhere: &[] }, problems);
    Some(policy)
}

/// A status, as a number or its text.
pub(super) fn status(node: &Node<'_>, problems: &mut Problems) -> Option<u16> {
    let number = node.value.as_str().map_or_else(|| node.value.as_u64(), |text| text.parse().ok());
    match number.and_then(|status| u16::try_from(status).ok()) {
        Some(status @ 100..=599) => Some(status),
        _ => {
            problems.add(&node.pointer, "an HTTP status (100 to 599) is expected here");
            None
        }
    }
}
