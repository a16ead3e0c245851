//! What a stream is read for: the rows of another stream, or values of a list.

use serde_json::{Map, Value};

use super::manifest::Node;
use super::text::Place;
use super::{Around, Partition, Reading, Stream, merge};

/// More values than this make no list that a person would read.
const MOST_VALUES: usize = 50;

impl Reading<'_> {
    /// The parents of a stream.
    pub(super) fn parents(&self, stream: &Node) -> Vec<Node> {
        let retriever = self.manifest.get(stream, "retriever").unwrap_or_default();
        let routers = self.routers(&retriever);
        let configs = routers.iter().flat_map(|router| self.manifest.list(router, "parent_stream_configs"));
        configs.filter_map(|config| self.manifest.get(&config, "stream")).collect()
    }

    fn routers(&self, retriever: &Node) -> Vec<Node> {
        let Some(router) = self.manifest.get(retriever, "partition_router") else { return Vec::new() };
        if self.manifest.value(&router).is_array() { self.manifest.items(&router) } else { vec![router] }
    }

    /// The values of lists that a stream is read for, a map for each time that it is read; one that is empty where there
    /// is no list. A resource has no such list, so that each value makes one of its own.
    pub(super) fn given(&mut self, stream: &Stream, streams: &[Stream]) -> Vec<Map<String, Value>> {
        let mut given = vec![Map::new()];
        let retriever = self.manifest.get(&stream.node, "retriever").unwrap_or_default();
        for router in self.routers(&retriever) {
            if self.manifest.kind(&router, "") != "ListPartitionRouter" {
                continue;
            }
            self.close(&router, &["type", "values", "cursor_field", "request_option"]);
            let field = self.manifest.text(&router, "cursor_field").unwrap_or_default().to_owned();
            let values = self.manifest.get(&router, "values");
            let secrets = self.secrets.len();
            let values = values.and_then(|values| self.value(&values, Place::Address, &Around::default()));
            self.secrets.truncate(secrets);
            let own: Vec<Value> = match values {
                Some(Value::Array(values)) => {
                    values.into_iter().filter(|value| value.is_string() || value.is_number()).collect()
                }
                _ => Vec::new(),
            };
            let count = own.len() * given.len();
            if own.is_empty()
                || count > MOST_VALUES
                || own.iter().any(|value| value.to_string().contains("${secrets."))
            {
                self.leave(&router, "the values of this list are not known here: write a resource for each");
                continue;
            }
            let is_parent = streams.iter().any(|other| {
                let name = self.manifest.text(&stream.node, "name");
                self.parents(&other.node).iter().any(|parent| self.manifest.text(parent, "name") == name)
            });
            if is_parent {
                self.leave(&router, "a parent that is read for a list of values has no form in a config");
                continue;
            }
            self.leave(
                &router,
                &format!(
                    "each of {count} values of a list is a resource of its own, with a table of its own"
                ),
            );
            let with = |given: &Map<String, Value>, value: &Value| {
                let mut given = given.clone();
                given.insert(field.clone(), value.clone());
                given
            };
            given = given.iter().flat_map(|given| own.iter().map(move |value| with(given, value))).collect();
        }
        given
    }

    /// What a parent's rows give to a stream.
    pub(super) fn partitions(&mut self, retriever: &Node) -> Vec<Partition> {
        let mut partitions: Vec<Partition> = Vec::new();
        for router in self.routers(retriever) {
            let kind = self.manifest.kind(&router, "SubstreamPartitionRouter").to_owned();
            if kind == "ListPartitionRouter" {
                continue;
            }
            if kind != "SubstreamPartitionRouter" {
                self.leave(&router, &format!("`{kind}` has no form in a config"));
                continue;
            }
            for config in self.manifest.list(&router, "parent_stream_configs") {
                const KNOWN: [&str; 7] = [
                    "type",
                    "stream",
                    "parent_key",
                    "partition_field",
                    "request_option",
                    // A child is read for the rows that its parent brings, whatever those are.
                    "incremental_dependency",
                    "lazy_read_pointer",
                ];
                self.close(&config, &KNOWN);
                let parent = self.manifest.get(&config, "stream");
                let parent = parent.and_then(|parent| self.manifest.text(&parent, "name").map(str::to_owned));
                let text = |key: &str| self.manifest.text(&config, key).map(str::to_owned);
                let (Some(parent), Some(key), Some(field)) =
                    (parent, text("parent_key"), text("partition_field"))
                else {
                    self.leave(&config, "this parent is not whole");
                    continue;
                };
                if partitions.iter().any(|known| known.parent != parent) {
                    self.leave(&config, "a second parent has no form in a config");
                    continue;
                }
                partitions.push(Partition { field, parent, key });
            }
        }
        partitions
    }

    /// Parameters, headers and fields of the body that a parent's row or a value of a list fills.
    pub(super) fn partition_options(
        &mut self,
        retriever: &Node,
        endpoint: &mut Map<String, Value>,
        around: &Around,
    ) {
        for router in self.routers(retriever) {
            let field = self.manifest.text(&router, "cursor_field").and_then(|field| around.given.get(field));
            if let (Some(value), Some(option)) = (field, self.manifest.get(&router, "request_option")) {
                self.option(&option, escaped(value), endpoint, around);
            }
            for config in self.manifest.list(&router, "parent_stream_configs") {
                let Some(option) = self.manifest.get(&config, "request_option") else { continue };
                let field = self.manifest.text(&config, "partition_field").unwrap_or_default();
                let Some(found) = around.partitions.iter().find(|partition| partition.field == field) else {
                    continue;
                };
                self.option(&option, found.placeholder().into(), endpoint, around);
            }
        }
    }

    fn option(&mut self, option: &Node, value: Value, endpoint: &mut Map<String, Value>, around: &Around) {
        let place = self.manifest.text(option, "inject_into").unwrap_or_default().to_owned();
        let Some(name) = self.option_name(option, around) else { return };
        let mut map = Map::new();
        super::paginator::nest(&mut map, &name, value);
        match place.as_str() {
            "request_parameter" => merge(endpoint, "params", map.into_iter().collect()),
            "header" => merge(endpoint, "headers", map),
            "body_json" => merge(endpoint, "json", map),
            "body_data" => merge(endpoint, "data", map),
            other => {
                let what = format!("`inject_into: {other}` has no form in a config");
                self.leave(option, &what);
            }
        }
    }
}

/// The name of a resource that reads a stream for some values.
pub(super) fn name_for(stream: &str, given: &Map<String, Value>) -> String {
    let mut name = stream.to_owned();
    for value in given.values() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let word = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        name.push('_');
        name.extend(text.chars().map(word));
    }
    name
}

/// A value where `{` begins a placeholder.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => text.replace('{', "{{").replace('}', "}}").into(),
        other => other.clone(),
    }
}
