//! `resources` and `resource_defaults`: the list or map of them, and the merge.
//!
//! dlt's rule: a resource's own keys replace those of the defaults, `endpoint` key by key, `endpoint.params` and
//! `endpoint.json` one level deeper, `columns` hint by hint. Everything keeps the pointer to where it was written.

use serde_json::Value;

use super::absent::{self, DeleteAbsent};
use super::body;
use super::columns::{self, Column};
use super::disposition::{self, Strategy};
use super::endpoint::{self, ENDPOINT_KEYS, Endpoint};
use super::hints::{self, Tables};
use super::steps;
use crate::contract::WriteDisposition;
use crate::cut::Cut;
use crate::diagnostic::Problems;
use crate::document::{At, Fields, Keys, Node};
use crate::settle::{Form, Written};
use crate::steps::Step;

#[derive(Debug)]
pub(crate) struct ResourceConfig {
    pub(crate) name: At<String>,
    pub(crate) written: Written,
    pub(crate) endpoint: Endpoint,
    pub(crate) primary_key: Vec<String>,
    pub(crate) merge_key: Vec<String>,
    pub(crate) tables: Tables,
    pub(crate) write_disposition: WriteDisposition,
    pub(crate) strategy: Option<At<Strategy>>,
    pub(crate) delete_absent: Option<At<DeleteAbsent>>,
    pub(crate) columns: Vec<Column>,
    pub(crate) selected: bool,
    /// Where `parallelized` was written.
    pub(crate) parallelized: Option<String>,
    pub(crate) include_from_parent: Vec<At<String>>,
    /// The API's name, the output's name.
    pub(crate) rename: Vec<(String, At<String>)>,
    /// What is done to each row before anything else looks at it.
    pub(crate) steps: Vec<Step>,
    /// Fields that the output does not have.
    pub(crate) cut: Option<At<Cut>>,
    pub(crate) total: Option<At<TotalMode>>,
}

/// What a total that the API gives is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TotalMode {
    Exact,
    Estimate,
    Ignore,
}

impl TotalMode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimate => "estimate",
            Self::Ignore => "ignore",
        }
    }
}

const RESOURCE: Keys = Keys {
    of: "a resource",
    known: &[
        "name",
        "endpoint",
        "primary_key",
        "merge_key",
        "write_disposition",
        "delete_absent",
        "columns",
        "selected",
        "parallelized",
        "include_from_parent",
        "processing_steps",
        "drop",
        "keep",
        "rename",
        "error_handler",
        "total",
        "table_name",
        "max_table_nesting",
        "schema_contract",
    ],
    later: &[],
    elsewhere: &[],
};

/// A resource, or the defaults, opened up for merging.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer<'a> {
    fields: Fields<'a>,
    endpoint: Fields<'a>,
    params: Fields<'a>,
    json: Option<Fields<'a>>,
    columns: columns::Written<'a>,
}

fn layer<'a>(node: &Node<'a>, problems: &mut Problems) -> Option<Layer<'a>> {
    let mut fields = node.object("a resource", problems)?;
    let mut endpoint = match fields.take("endpoint") {
        None => Fields::default(),
        Some(node) if node.value.is_string() => {
            let mut endpoint = Fields::default();
            endpoint.set("path", node);
            endpoint
        }
        Some(node) => node.object("an endpoint", problems).unwrap_or_default(),
    };
    if let Some(node) = fields.take("error_handler") {
        if endpoint.get("error_handler").is_some() {
            problems.add(&node.pointer, "`error_handler` stands both here and under `endpoint`");
        } else {
            endpoint.set("error_handler", node);
        }
    }
    let params = match endpoint.take("params") {
        Some(node) => node.object("params", problems).unwrap_or_default(),
        None => Fields::default(),
    };
    let json = endpoint.take("json").and_then(|node| body::json(&node, problems));
    let columns = fields.take("columns").and_then(|node| columns::written(&node, problems));
    Some(Layer { fields, endpoint, params, json, columns: columns.unwrap_or_default() })
}

/// Reads `resource_defaults`.
pub(crate) fn defaults<'a>(node: &Node<'a>, problems: &mut Problems) -> Option<Layer<'a>> {
    let mut layer = layer(node, problems)?;
    if let Some(name) = layer.fields.take("name") {
        problems.add(&name.pointer, "a name in the defaults does nothing: each resource has its own");
    }
    if let Some(path) = layer.endpoint.take("path") {
        problems.add(&path.pointer, "a path in the defaults does nothing: each resource has its own");
    }
    Some(layer)
}

/// Reads `resources`, a list or a map from names.
pub(crate) fn resources(
    node: &Node<'_>,
    defaults: &Layer<'_>,
    problems: &mut Problems,
) -> Vec<ResourceConfig> {
    let named: Vec<(Option<At<String>>, Node<'_>)> = match node.value {
        Value::Object(_) => {
            let fields = node.object("resources", problems).unwrap_or_default();
            fields.into_iter().map(|(name, node)| (Some(node.at(name.to_owned())), node)).collect()
        }
        _ => {
            let items = node.items("resources", problems).unwrap_or_default();
            items.into_iter().map(|node| (None, node)).collect()
        }
    };
    if named.is_empty() && (node.value.is_object() || node.value.is_array()) {
        problems.hint(&node.pointer, "no resources: nothing would be read", "\"resources\": [\"posts\"]");
    }
    named.into_iter().filter_map(|(name, node)| resource(name, &node, defaults, problems)).collect()
}

fn resource(
    key: Option<At<String>>,
    node: &Node<'_>,
    defaults: &Layer<'_>,
    problems: &mut Problems,
) -> Option<ResourceConfig> {
    let mut own = match (node.value, &key) {
        (Value::String(_), _) => {
            let mut own = Layer::default();
            own.endpoint.set("path", node.clone());
            own
        }
        (Value::Null, Some(_)) => Layer::default(),
        (Value::Object(_), _) => layer(node, problems)?,
        _ => {
            problems.hint(&node.pointer, "a resource is a path or an object", "\"posts\"");
            return None;
        }
    };
    let in_list = key.is_none();
    let written = own.fields.take("name");
    let name = match (key, written) {
        (Some(_), Some(written)) => {
            let message = "the key of the map is the resource's name already";
            problems.hint(&written.pointer, message, "leave `name` out");
            None
        }
        (Some(key), None) if key.value.trim().is_empty() => {
            problems.add(&key.pointer, "a resource's name is empty");
            None
        }
        (Some(key), None) => Some(key),
        (None, Some(written)) => written.name("a resource's name", problems),
        (None, None) if node.value.is_string() => node.name("a resource's name", problems),
        (None, None) => {
            match own.fields.near("name") {
                Some((key, misspelt)) => {
                    let message = format!("unknown key `{key}` in a resource");
                    problems.hint(&misspelt.pointer, message, "did you mean `name`?");
                }
                None => problems.hint(&node.pointer, "a resource needs its `name`", "\"name\": \"posts\""),
            }
            None
        }
    }?;
    // `path:` with nothing behind it is a slip, not a wish for the resource's name.
    let path = own.endpoint.take_raw("path");
    let path = path.map(|node| node.string("a path", problems).unwrap_or_else(|| node.at(String::new())));
    let written = as_written(node, in_list, &name, path.as_ref());
    let path = path.unwrap_or_else(|| name.clone());
    let endpoint = endpoint::read(
        path,
        defaults.endpoint.overlaid(&own.endpoint),
        defaults.params.overlaid(&own.params),
        overlaid(defaults.json.as_ref(), own.json.as_ref()),
        problems,
    );
    let columns = columns::read(columns::overlaid(&defaults.columns, own.columns), problems);
    lower(name, written, endpoint, columns, defaults.fields.overlaid(&own.fields), problems)
}

/// The members of both, where either was written: an empty object is a body too.
fn overlaid<'a>(defaults: Option<&Fields<'a>>, own: Option<&Fields<'a>>) -> Option<Fields<'a>> {
    match (defaults, own) {
        (Some(defaults), Some(own)) => Some(defaults.overlaid(own)),
        (defaults, own) => own.or(defaults).cloned(),
    }
}

fn as_written(node: &Node<'_>, in_list: bool, name: &At<String>, path: Option<&At<String>>) -> Written {
    let form = match (node.value, node.value.get("endpoint")) {
        (Value::Object(_), Some(Value::Object(_))) => Form::ObjectEndpoint,
        (Value::Object(_), Some(Value::String(_))) => Form::TextEndpoint,
        (Value::Object(_), _) => Form::NoEndpoint,
        _ => Form::Short,
    };
    // A text in a list is name and path at once.
    let both = in_list && form == Form::Short;
    Written {
        pointer: node.pointer.clone(),
        form,
        name: both.then(|| name.value.clone()),
        path: path.filter(|_| !both).map(|path| path.value.clone()),
    }
}

fn lower(
    name: At<String>,
    written: Written,
    endpoint: Endpoint,
    columns: Vec<Column>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<ResourceConfig> {
    let tables = hints::read(&name.value, &mut fields, problems);
    let rename = fields.take("rename").map(|node| rename(&node, problems)).unwrap_or_default();
    let steps = fields.take("processing_steps").map(|node| steps::read(&node, problems)).unwrap_or_default();
    let cut = steps::cut_of(&mut fields, problems);
    let mut key = |which: &str, what: &str| -> Vec<String> {
        let names = fields.take(which).and_then(|node| node.names(what, problems));
        names.unwrap_or_default().into_iter().map(|key| key.value).collect()
    };
    let mut primary_key = key("primary_key", "a primary key");
    let mut merge_key = key("merge_key", "a merge key");
    for column in &columns {
        let name = name_before(column, &rename, problems);
        for (is_of, key) in [(column.primary_key, &mut primary_key), (column.merge_key, &mut merge_key)] {
            if is_of && !key.contains(name) {
                key.push(name.clone());
            }
        }
    }
    let (mut write_disposition, mut strategy) = (WriteDisposition::Append, None);
    let (mut merges, mut is_read) = (false, true);
    if let Some(node) = fields.take("write_disposition") {
        let written = disposition::read(&node, problems);
        is_read = written.is_some();
        let written = written.unwrap_or_default();
        if written.disposition == WriteDisposition::Merge {
            disposition::check_keys(&name.value, &node, &written, &primary_key, &merge_key, problems);
        }
        write_disposition = written.of_contract();
        merges = written.disposition == WriteDisposition::Merge;
        strategy = written.strategy;
    }
    let is_history = strategy.as_ref().is_some_and(|it| matches!(it.value, Strategy::Scd2(_)));
    let merges = !is_read || (merges && !is_history && !primary_key.is_empty());
    let delete_absent = absent::read(&mut fields, merges, problems);
    let selected = fields.take("selected").and_then(|node| node.boolean(problems)).unwrap_or(true);
    let parallelized = fields.take("parallelized").and_then(|node| {
        node.boolean(problems)?;
        Some(node.pointer)
    });
    let include_from_parent =
        fields.take("include_from_parent").and_then(|node| node.names("a field of the parent", problems));
    let total = fields.take("total").and_then(|node| total(&node, problems));
    let misplaced: Vec<_> = ENDPOINT_KEYS.iter().map(|key| (*key, "write it under `endpoint`")).collect();
    let misplaced: Vec<_> = misplaced.into_iter().filter(|(key, _)| !RESOURCE.known.contains(key)).collect();
    for (key, hint) in misplaced {
        if let Some(node) = fields.take_raw(key) {
            problems.hint(&node.pointer, format!("unknown key `{key}` in a resource"), hint);
        }
    }
    fields.close(&RESOURCE, problems);
    Some(ResourceConfig {
        name,
        written,
        endpoint,
        primary_key,
        merge_key,
        tables,
        write_disposition,
        strategy,
        delete_absent,
        columns,
        selected,
        parallelized,
        include_from_parent: include_from_parent.unwrap_or_default(),
        rename,
        steps,
        cut,
        total,
    })
}

/// Columns go by the names of the output, keys by those of the API.
fn name_before<'a>(
    column: &'a Column,
    rename: &'a [(String, At<String>)],
    problems: &mut Problems,
) -> &'a String {
    let name = &column.name;
    let before = rename.iter().find(|(_, to)| to.value == *name).map(|(from, _)| from);
    if before.is_none()
        && let Some((_, to)) = rename.iter().find(|(from, _)| from == name)
    {
        let message = format!("`{name}` is renamed, and columns go by the new names");
        problems.hint(&column.pointer, message, format!("write `{}`", to.value));
    }
    before.unwrap_or(name)
}

pub(super) fn rename(node: &Node<'_>, problems: &mut Problems) -> Vec<(String, At<String>)> {
    let mut pairs: Vec<(String, At<String>)> = Vec::new();
    let Some(fields) = node.object("new names", problems) else {
        return pairs;
    };
    for (from, node) in fields.into_iter() {
        let Some(to) = node.name("a new name", problems) else {
            continue;
        };
        if from == to.value {
            problems.hint(&node.pointer, format!("`{from}` has that name already"), "leave it out");
        } else if let Some((other, _)) = pairs.iter().find(|(_, other)| other.value == to.value) {
            problems.add(&node.pointer, format!("`{other}` is to be named `{}` too", to.value));
        } else {
            pairs.push((from.to_owned(), to));
        }
    }
    pairs
}

fn total(node: &Node<'_>, problems: &mut Problems) -> Option<At<TotalMode>> {
    let mode = match node.name("`exact`, `estimate` or `ignore`", problems)?.value.as_str() {
        "exact" => TotalMode::Exact,
        "estimate" => TotalMode::Estimate,
        "ignore" => TotalMode::Ignore,
        other => {
            let hint = "`exact`, `estimate` or `ignore`";
            problems.hint(&node.pointer, format!("unknown kind of total `{other}`"), hint);
            return None;
        }
    };
    Some(node.at(mode))
}
