//! The streams that a stream is read for, row by row.

use serde_json::{Map, Value};

use super::manifest::Node;
use super::{Around, Partition, Reading, merge};

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

    /// What a parent's rows give to a stream.
    pub(super) fn partitions(&mut self, retriever: &Node) -> Vec<Partition> {
        let mut partitions: Vec<Partition> = Vec::new();
        for router in self.routers(retriever) {
            let kind = self.manifest.kind(&router, "SubstreamPartitionRouter").to_owned();
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

    /// Parameters, headers and fields of the body that a parent's row fills.
    pub(super) fn partition_options(
        &mut self,
        retriever: &Node,
        endpoint: &mut Map<String, Value>,
        around: &Around,
    ) {
        for router in self.routers(retriever) {
            for config in self.manifest.list(&router, "parent_stream_configs") {
                let Some(option) = self.manifest.get(&config, "request_option") else { continue };
                let field = self.manifest.text(&config, "partition_field").unwrap_or_default();
                let Some(found) = around.partitions.iter().find(|partition| partition.field == field) else {
                    continue;
                };
                let placeholder = found.placeholder();
                let place = self.manifest.text(&option, "inject_into").unwrap_or_default().to_owned();
                let Some(name) = self.option_name(&option, around) else { continue };
                let mut map = Map::new();
                super::paginator::nest(&mut map, &name, placeholder.into());
                match place.as_str() {
                    "request_parameter" => {
                        let params = map.into_iter().collect();
                        merge(endpoint, "params", params);
                    }
                    "header" => merge(endpoint, "headers", map),
                    "body_json" => merge(endpoint, "json", map),
                    "body_data" => merge(endpoint, "data", map),
                    other => {
                        let what = format!("`inject_into: {other}` has no form in a config");
                        self.leave(&option, &what);
                    }
                }
            }
        }
    }
}
