//! Reads a manifest of Airbyte's low-code connectors as a config.

mod errors;
mod incremental;
mod jinja;
mod manifest;
mod minted;
mod paginator;
mod parent;
mod request;
mod rows;
mod text;

use serde_json::{Map, Value, json};

use super::{ImportError, Imported, LeftOut, Part, SecretUse};
use crate::document::{self, Document, Format};
use jinja::Expression;
use manifest::{Manifest, Node};
use request::Request;

/// References may lead on this deep, and to so many values in all: a manifest may refer to itself.
const MAX_DEPTH: usize = 50;
const MAX_VALUES: usize = 100_000;

/// Keys at the top that say nothing of what is read.
const NOT_OF_READING: [&str; 10] = [
    "type",
    "version",
    "check",
    "spec",
    "definitions",
    "schemas",
    "metadata",
    "description",
    "streams",
    "concurrency_level",
];

/// Keys of a stream. Types are learnt from the rows, so a schema is not needed.
const STREAM: [&str; 8] = [
    "type",
    "name",
    "primary_key",
    "retriever",
    "incremental_sync",
    "schema_loader",
    "transformations",
    "state_migrations",
];

const RETRIEVER: [&str; 8] = [
    "type",
    "name",
    "primary_key",
    "requester",
    "record_selector",
    "paginator",
    "partition_router",
    "ignore_stream_slicer_parameters_on_paginated_requests",
];

/// Reads a manifest.
///
/// # Errors
/// It is no YAML, or has no streams.
pub fn import(text: &str) -> Result<Imported, ImportError> {
    let document = document::parse_foreign("manifest", text, Format::Yaml).map_err(|problems| {
        let at = problems.first().and_then(|problem| problem.span.clone()).map_or(0, |span| span.start);
        ImportError::NoYaml { line: text.get(..at).unwrap_or_default().matches('\n').count() + 1 }
    })?;
    let mut reading = Reading::new(&document);
    let root = reading.manifest.root();
    reading.close(&root, &NOT_OF_READING);
    let mut streams = reading.streams(&reading.manifest.list(&root, "streams"));
    if streams.is_empty() {
        return Err(ImportError::NoStreams);
    }
    // A parent need not be a stream of its own.
    let mut at = 0;
    while let Some(stream) = streams.get(at).map(|stream| stream.node.clone()) {
        for parent in reading.parents(&stream) {
            let name = reading.manifest.text(&parent, "name").map(str::to_owned);
            if !streams.iter().any(|known| reading.manifest.text(&known.node, "name") == name.as_deref()) {
                streams.push(Stream { node: parent, is_selected: false });
            }
        }
        at += 1;
    }
    let mut read: Vec<Read> = Vec::new();
    for stream in &streams {
        reading.within = vec!["resources".to_owned(), read.len().to_string()];
        for given in reading.given(stream, &streams) {
            reading.within = vec!["resources".to_owned(), read.len().to_string()];
            read.push(reading.stream(stream, given));
        }
    }
    let mut config = assembled(read);
    if let Some(concurrency) = reading.concurrency(&root) {
        config.insert("limits".into(), json!({"concurrency": concurrency}));
    }
    let mut left = Vec::new();
    for one in reading.left {
        // What several streams refer to is said once.
        if !left.iter().any(|known: &LeftOut| known.line == one.line && known.what == one.what) {
            left.push(one);
        }
    }
    left.sort_by_key(|left| left.line);
    let line = root_line(&document);
    let part = Part {
        line,
        name: None,
        to: None,
        nested: None,
        config,
        left,
        secrets: reading.secrets,
        is_fragment: false,
    };
    Ok(Imported { parts: vec![part], left: Vec::new() })
}

fn root_line(document: &Document) -> usize {
    document.locate("/streams", document::Part::Key).map_or(1, |span| span.line)
}

/// Reads the parts of a manifest, and remembers what it had to leave out.
struct Reading<'d> {
    manifest: Manifest<'d>,
    left: Vec<LeftOut>,
    secrets: Vec<SecretUse>,
    /// Where in the config that is which is being read.
    within: Vec<String>,
    depth: usize,
    values: usize,
}

/// A stream that becomes a resource.
struct Stream {
    node: Node,
    is_selected: bool,
}

/// A stream that was read.
struct Read {
    resource: Map<String, Value>,
    request: Request,
}

/// What expressions of a stream may speak of.
#[derive(Default)]
struct Around {
    partitions: Vec<Partition>,
    /// Values that the stream is read for, by their names in expressions.
    given: Map<String, Value>,
    /// There is a watermark to start from.
    has_start: bool,
    /// There is an end to it.
    has_end: bool,
}

/// What a parent row gives its children.
struct Partition {
    /// Its name in expressions.
    field: String,
    /// The resource.
    parent: String,
    /// The field of its rows.
    key: String,
}

impl Partition {
    fn placeholder(&self) -> String {
        format!("{{resources.{}.{}}}", self.parent, self.key)
    }
}

impl Around {
    /// An expression, or the value of a list that it means.
    fn with_given(&self, expression: Expression) -> Expression {
        let value = jinja::path(&expression).and_then(|(root, keys)| match keys.as_slice() {
            [Value::String(field)] if matches!(root, "stream_partition" | "stream_slice") => {
                self.given.get(field)
            }
            _ => None,
        });
        value.map_or(expression.clone(), |value| Expression::Literal(value.clone()))
    }

    /// The parent and its field that an expression means.
    fn parent_field(&self, expression: &Expression) -> Option<(String, String)> {
        let (root, keys) = jinja::path(expression)?;
        let field = match keys.as_slice() {
            [Value::String(field)] if matches!(root, "stream_partition" | "stream_slice") => field,
            _ => return None,
        };
        let found = self.partitions.iter().find(|partition| partition.field == *field)?;
        Some((found.parent.clone(), found.key.clone()))
    }
}

impl<'d> Reading<'d> {
    fn new(document: &'d Document) -> Self {
        Self {
            manifest: Manifest { document },
            left: Vec::new(),
            secrets: Vec::new(),
            within: Vec::new(),
            depth: 0,
            values: 0,
        }
    }

    /// Goes on with what a part refers to; `None`: it leads on without an end, which is said once.
    fn deeper<T>(&mut self, node: &Node, go_on: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.values += 1;
        if self.depth == MAX_DEPTH || self.values > MAX_VALUES {
            const WHAT: &str = "this refers to itself, or to too much";
            if !self.left.iter().any(|left| left.what == WHAT) {
                self.leave(node, WHAT);
            }
            return None;
        }
        self.depth += 1;
        let result = go_on(self);
        self.depth -= 1;
        Some(result)
    }

    /// Names something that is not carried over.
    fn leave(&mut self, node: &Node, what: &str) {
        let line = self.manifest.line(node);
        self.left.push(LeftOut { line, within: self.within.clone(), key: None, what: what.to_owned() });
    }

    /// Names the fields of a component that nobody has read.
    fn close(&mut self, node: &Node, known: &[&str]) {
        for (key, field) in self.manifest.entries(node) {
            if !known.contains(&key.as_str()) {
                self.leave(&field, &format!("`{key}` has no form in a config"));
            }
        }
    }

    /// The streams of a list; those that others hold are taken out.
    fn streams(&mut self, list: &[Node]) -> Vec<Stream> {
        let mut streams = Vec::new();
        for node in list {
            match self.manifest.kind(node, "DeclarativeStream").to_owned().as_str() {
                "DeclarativeStream" => streams.push(Stream { node: node.clone(), is_selected: true }),
                "StateDelegatingStream" => {
                    if let Some(inner) = self.manifest.get(node, "incremental_stream") {
                        let more =
                            self.deeper(&inner, |reading| reading.streams(std::slice::from_ref(&inner)));
                        streams.extend(more.into_iter().flatten());
                    }
                }
                "ConditionalStreams" => {
                    if let Some(condition) = self.manifest.get(node, "condition") {
                        self.leave(
                            &condition,
                            "a condition for streams has no form: they are read in any case",
                        );
                    }
                    let inner = self.manifest.list(node, "streams");
                    let more = self.deeper(node, |reading| reading.streams(&inner));
                    streams.extend(more.into_iter().flatten());
                }
                other => {
                    let what = format!("`{other}` has no form in a config");
                    self.leave(node, &what);
                }
            }
        }
        streams
    }

    /// A stream, for one set of the values that it is read for.
    fn stream(&mut self, stream: &Stream, given: Map<String, Value>) -> Read {
        let node = &stream.node;
        self.close(node, &STREAM);
        let mut resource = Map::new();
        let name = self.manifest.text(node, "name").unwrap_or("stream");
        let name = parent::name_for(name, &given);
        resource.insert("name".into(), name.into());
        if !stream.is_selected {
            resource.insert("selected".into(), false.into());
        }
        let key =
            self.manifest.get(node, "primary_key").and_then(|key| primary_key(self.manifest.value(&key)));
        let incremental = self.manifest.get(node, "incremental_sync");
        let disposition = match (&key, &incremental) {
            (Some(_), _) => "merge",
            (None, None) => "replace",
            (None, Some(_)) => "append",
        };
        resource.extend(key.map(|key| ("primary_key".to_owned(), key)));
        resource.insert("write_disposition".into(), disposition.into());
        let retriever = self.manifest.get(node, "retriever").unwrap_or_default();
        let kind = self.manifest.kind(&retriever, "SimpleRetriever").to_owned();
        if kind != "SimpleRetriever" {
            self.leave(&retriever, &format!("`{kind}` has no form in a config"));
        }
        self.close(&retriever, &RETRIEVER);
        let mut around = Around { partitions: self.partitions(&retriever), given, ..Around::default() };
        let incremental = incremental.map(|incremental| self.incremental(&incremental, &around));
        if let Some(incremental) = &incremental {
            around.has_start = true;
            around.has_end = incremental.has_end;
        }
        let requester = self.manifest.get(&retriever, "requester").unwrap_or_default();
        let mut request = self.request(&requester, &around);
        let endpoint = &mut request.endpoint;
        self.partition_options(&retriever, endpoint, &around);
        let selector = self.manifest.get(&retriever, "record_selector");
        let path = selector.as_ref().and_then(|selector| self.selector(selector));
        if let Some(path) = &path {
            endpoint.insert("data_selector".into(), path.clone().into());
        }
        let paging = match self.manifest.get(&retriever, "paginator") {
            Some(paginator) => self.paging(&paginator, path.as_deref().unwrap_or("$"), &around),
            None => paginator::Paging { paginator: Some("single_page".into()), ..Default::default() },
        };
        merge(endpoint, "params", paging.params);
        merge(endpoint, "json", paging.json);
        endpoint.extend(paging.paginator.map(|paginator| ("paginator".to_owned(), paginator)));
        if let Some(incremental) = incremental {
            merge(endpoint, "json", incremental.json);
            merge(endpoint, "headers", incremental.headers);
            endpoint.extend(incremental.config.map(|config| ("incremental".to_owned(), config)));
        }
        if let Some(handler) = self.manifest.get(&requester, "error_handler") {
            self.errors(&handler, endpoint);
        }
        let rows = self.rows(node, selector.as_ref(), &around);
        if !rows.steps.is_empty() {
            resource.insert("processing_steps".into(), rows.steps.into());
        }
        if let Some(parent) = around.partitions.first() {
            rows::add_parent_fields(&mut resource, &parent.parent, &rows.of_parent);
        }
        Read { resource, request }
    }

    /// How many requests at once.
    fn concurrency(&self, root: &Node) -> Option<u64> {
        let level = self.manifest.get(root, "concurrency_level")?;
        let asked = self.manifest.get(&level, "default_concurrency")?;
        self.manifest.value(&asked).as_u64().filter(|asked| (1..=64).contains(asked))
    }
}

/// One column or several; a path of several keys names the last one's column in no form that is sure.
fn primary_key(key: &Value) -> Option<Value> {
    match key {
        Value::String(_) => Some(key.clone()),
        Value::Array(keys) if keys.is_empty() => None,
        Value::Array(keys) => {
            let names: Option<Vec<Value>> = keys
                .iter()
                .map(|key| match key {
                    Value::String(_) => Some(key.clone()),
                    Value::Array(path) => match path.as_slice() {
                        [name @ Value::String(_)] => Some(name.clone()),
                        _ => None,
                    },
                    _ => None,
                })
                .collect();
            match names?.as_slice() {
                [one] => Some(one.clone()),
                several => Some(several.to_vec().into()),
            }
        }
        _ => None,
    }
}

/// Adds entries to an object under a key.
fn merge(endpoint: &mut Map<String, Value>, key: &str, more: Map<String, Value>) {
    if more.is_empty() {
        return;
    }
    if let Value::Object(known) = endpoint.entry(key).or_insert_with(|| Map::new().into()) {
        known.extend(more);
    }
}

/// The config: what all streams have in common stands at the client.
fn assembled(read: Vec<Read>) -> Map<String, Value> {
    let mut urls: Vec<(&str, usize)> = Vec::new();
    for url in read.iter().filter_map(|read| read.request.base_url.as_deref()) {
        match urls.iter_mut().find(|(known, _)| *known == url) {
            Some((_, count)) => *count += 1,
            None => urls.push((url, 1)),
        }
    }
    let most = urls.iter().map(|(_, count)| *count).max();
    let base_url = urls.iter().find(|(_, count)| Some(*count) == most).map(|(url, _)| (*url).to_owned());
    let auth = read.first().and_then(|first| first.request.auth.clone());
    let is_common = read.iter().all(|read| read.request.auth == auth);
    let mut client = Map::new();
    client.extend(base_url.clone().map(|url| ("base_url".to_owned(), url.into())));
    if is_common {
        client.extend(auth.map(|auth| ("auth".to_owned(), auth)));
    }
    let resources = read.into_iter().map(|Read { mut resource, request }| {
        let mut endpoint = request.endpoint;
        if let Some(url) = request.base_url.filter(|url| Some(url) != base_url.as_ref()) {
            let path = endpoint.get("path").and_then(Value::as_str).unwrap_or_default();
            let whole = format!("{}/{}", url.trim_end_matches('/'), path.trim_start_matches('/'));
            endpoint.insert("path".into(), whole.into());
        }
        if !is_common {
            endpoint.extend(request.auth.map(|auth| ("auth".to_owned(), auth)));
        }
        resource.insert("endpoint".into(), endpoint.into());
        Value::Object(resource)
    });
    let resources: Vec<Value> = resources.collect();
    [("client".to_owned(), client.into()), ("resources".to_owned(), resources.into())].into_iter().collect()
}
