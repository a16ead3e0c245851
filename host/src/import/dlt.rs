//! Finds the sources of a dlt pipeline in its Python, and gives them as configs.

mod call;
mod evaluate;
mod jwt;
mod lambda;
mod operator;
mod scope;
mod secret;

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value};
use tree_sitter::Node;

use super::python::{self, Python, line, part, parts, text_of};
use super::{ImportError, Imported, LeftOut, Part, short};
use evaluate::Evaluator;
use scope::{Meaning, Scope, called};

/// What makes a source of a config.
const SOURCES: [&str; 2] = ["rest_api_source", "rest_api_resources"];

/// An argument of sources and runs: what becomes of columns and tables that are new.
const CONTRACT: &str = "schema_contract";

/// The type of a config.
const CONFIG: &str = "RESTAPIConfig";

/// Methods of a source or a resource that change what is read, and functions that make resources.
const DONE_BY_PYTHON: [&str; 9] = [
    "add_map",
    "add_filter",
    "add_yield_map",
    "add_limit",
    "add_step",
    "apply_hints",
    "with_resources",
    "register_paginator",
    "register_auth",
];

/// A config that was found, not worked out yet.
struct Found<'t> {
    config: Node<'t>,
    scope: Rc<Scope<'t>>,
    /// Of the source, where it is given them: its name, how deep lists become tables, and its schema contract.
    name: Option<Node<'t>>,
    max_nesting: Option<Node<'t>>,
    contract: Option<Node<'t>>,
    /// It is a call that reads it, not a value that may never be used.
    is_read: bool,
}

impl<'t> Found<'t> {
    /// One that stands by itself.
    fn bare(config: Node<'t>, scope: Rc<Scope<'t>>) -> Self {
        Self { config, scope, name: None, max_nesting: None, contract: None, is_read: false }
    }
}

/// Reads a file of Python.
///
/// # Errors
/// It is no Python, or has no source.
pub fn import(text: &str) -> Result<Imported, ImportError> {
    let python = python::parse(text)?;
    let mut reading = Reading::new(&python);
    reading.walk(python.root());
    let mut parts = reading.sources();
    if parts.is_empty() {
        parts.extend(reading.bare_config(&python));
    }
    if parts.is_empty() {
        return Err(ImportError::NoDltSource);
    }
    reading.runs(&mut parts);
    let mut left = reading.left();
    left.extend(reading.place(&mut parts));
    left.sort_by_key(|left| left.line);
    Ok(Imported { parts, left })
}

struct Reading<'t> {
    text: &'t str,
    module: Rc<Scope<'t>>,
    found: Vec<Found<'t>>,
    pipelines: Vec<(Node<'t>, Rc<Scope<'t>>)>,
    runs: Vec<(Node<'t>, Rc<Scope<'t>>)>,
    /// What Python does beside the configs.
    beside: Vec<Node<'t>>,
}

impl<'t> Reading<'t> {
    fn new(python: &'t Python) -> Self {
        let module = Rc::new(Scope::of_block(python.root(), python.text(), None));
        let (found, pipelines, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { text: python.text(), module, found, pipelines, runs, beside: Vec::new() }
    }

    /// Goes through everything, in the order of the file.
    fn walk(&mut self, root: Node<'t>) {
        let mut stack = vec![(root, self.module.clone())];
        while let Some((node, scope)) = stack.pop() {
            let inner = match node.kind() {
                "function_definition" => Rc::new(Scope::of_function(node, self.text, scope.clone())),
                _ => scope.clone(),
            };
            match node.kind() {
                "call" => self.call(node, &scope),
                "assignment" => self.assignment(node, &scope),
                "function_definition" if self.returns_config(node) => {
                    if let Some(config) = call::returned(node) {
                        self.found.push(Found::bare(config, inner.clone()));
                    }
                }
                "decorator" if self.makes_resource(node) => self.beside.push(node),
                _ => {}
            }
            let children: Vec<Node<'t>> = parts(node).collect();
            stack.extend(children.into_iter().rev().map(|child| (child, inner.clone())));
        }
    }

    fn call(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) {
        let Some(name) = called(node, self.text, scope) else { return };
        if SOURCES.contains(&name.as_str()) {
            let given = |at, name| argument(node, at, name, self.text);
            let (name, max_nesting) = (given(1, "name"), given(3, "max_table_nesting"));
            let contract = given(6, CONTRACT);
            if let Some(config) = given(0, "config") {
                let scope = scope.clone();
                self.found.push(Found { config, scope, name, max_nesting, contract, is_read: true });
            }
        } else if name == "pipeline" && argument(node, 0, "pipeline_name", self.text).is_some() {
            self.pipelines.push((node, scope.clone()));
        } else if DONE_BY_PYTHON.contains(&name.as_str()) {
            self.beside.push(node);
        } else if name == "run" && self.is_on_pipeline(node) {
            self.runs.push((node, scope.clone()));
        }
    }

    /// `pipeline.run(…)`
    fn is_on_pipeline(&self, node: Node<'t>) -> bool {
        part(node, "function")
            .and_then(|function| part(function, "object"))
            .is_some_and(|object| text_of(object, self.text).ends_with("pipeline"))
    }

    /// What runs say of their source, `pipeline.run(source, schema_contract=…)`: the contract of the only run is all
    /// resources', and whatever else there is, is done by Python.
    fn runs(&mut self, sources: &mut [Part]) {
        let mut evaluator = Evaluator::new(self.text);
        for (node, scope) in &self.runs {
            let names = part(*node, "arguments").into_iter().flat_map(parts);
            let names = names.filter(|argument| argument.kind() == "keyword_argument");
            let names = names.filter_map(|argument| Some(text_of(part(argument, "name")?, self.text)));
            let names: Vec<&str> = names.filter(|name| *name != "data").collect();
            let contract = argument(*node, usize::MAX, CONTRACT, self.text);
            let contract = contract.and_then(|contract| evaluator.quietly(contract, scope));
            match contract.filter(|_| names == [CONTRACT] && self.runs.len() == 1) {
                Some(contract) => sources.iter_mut().for_each(|source| all_have(source, &contract)),
                None if names.is_empty() => {}
                None => self.beside.push(*node),
            }
        }
    }

    fn assignment(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) {
        let Some(right) = part(node, "right") else { return };
        let typed = part(node, "type").is_some_and(|of| text_of(of, self.text).contains(CONFIG));
        let made =
            right.kind() == "call" && called(right, self.text, scope).is_some_and(|name| name == CONFIG);
        if typed || made {
            self.found.push(Found::bare(right, scope.clone()));
        }
    }

    fn returns_config(&self, function: Node<'t>) -> bool {
        part(function, "return_type").is_some_and(|of| text_of(of, self.text).contains(CONFIG))
    }

    /// `@dlt.resource`, `@dlt.transformer`
    fn makes_resource(&self, decorator: Node<'t>) -> bool {
        let name = text_of(decorator, self.text);
        ["@dlt.resource", "@dlt.transformer"].iter().any(|known| name.starts_with(known))
    }

    /// The configs that are read, and those that are made for it, each once.
    fn sources(&self) -> Vec<Part> {
        let mut seen = BTreeSet::new();
        let mut parts: Vec<Part> = Vec::new();
        for is_read in [true, false] {
            for found in self.found.iter().filter(|found| found.is_read == is_read) {
                let root = self.root_of(found.config, &found.scope);
                if seen.insert(root) {
                    let line = self.text.get(..root).unwrap_or_default().matches('\n').count() + 1;
                    parts.extend(self.part_of(found, line));
                }
            }
        }
        parts.sort_by_key(|part| part.line);
        parts
    }

    /// Where the value of a config stands, in bytes: what two names of one config have in common.
    fn root_of(&self, mut node: Node<'t>, scope: &Rc<Scope<'t>>) -> usize {
        let mut scope = scope.clone();
        for _ in 0..10 {
            let name = match node.kind() {
                "identifier" => Some(text_of(node, self.text).to_owned()),
                "call" => called(node, self.text, &scope),
                _ => None,
            };
            let Some(name) = name else { break };
            let Some((meaning, owner)) = scope.find(&name, node.start_byte()) else { break };
            let owner = owner.clone();
            let next = match meaning {
                Meaning::Expression(expression) if node.kind() == "identifier" => Some(expression),
                Meaning::Function(function) => call::returned(function),
                _ => None,
            };
            let Some(next) = next else { break };
            (node, scope) = (next, owner);
        }
        node.start_byte()
    }

    fn part_of(&self, found: &Found<'t>, line: usize) -> Option<Part> {
        let mut evaluator = Evaluator::new(self.text);
        let value = match evaluator.value(found.config, &found.scope) {
            Ok(value) => value,
            Err(why) => {
                evaluator.leave_out(None, why);
                Value::Object(Map::new())
            }
        };
        let Value::Object(config) = value else { return None };
        let name = found.name.and_then(|name| evaluator.quietly(name, &found.scope));
        let name = name.and_then(|name| name.as_str().map(str::to_owned));
        let depth = found.max_nesting.and_then(|depth| evaluator.quietly(depth, &found.scope));
        let depth = depth.and_then(|depth| depth.as_u64());
        let contract = found.contract.and_then(|contract| match evaluator.value(contract, &found.scope) {
            Ok(contract) => Some(contract),
            Err(why) => {
                evaluator.leave_out(None, why);
                None
            }
        });
        let mut part = Part { nested: Some(nested(depth)), ..part_with(line, name, config, evaluator) };
        if let Some(contract) = contract {
            by_default(&mut part, &contract, false);
        }
        Some(part)
    }

    /// A config, a resource or an endpoint that stands alone, as documents show them.
    fn bare_config(&self, python: &'t Python) -> Option<Part> {
        let root = python.root();
        let candidates: Vec<Node<'t>> = parts(root)
            .flat_map(|statement| parts(statement).collect::<Vec<_>>())
            .map(|expression| part(expression, "right").unwrap_or(expression))
            .filter(|expression| expression.kind() == "dictionary")
            .collect();
        candidates.into_iter().find_map(|config| {
            let mut evaluator = Evaluator::new(self.text);
            let Ok(Value::Object(map)) = evaluator.value(config, &self.module) else { return None };
            let is_config = ["client", "resources"].iter().all(|key| map.contains_key(*key));
            let is_part = python.is_fragment && ["endpoint", "path"].iter().any(|key| map.contains_key(*key));
            if !is_config && !is_part {
                return None;
            }
            let mut part = part_with(line(config), None, map, evaluator);
            part.is_fragment = !is_config;
            Some(part)
        })
    }

    fn left(&self) -> Vec<LeftOut> {
        let left = self.beside.iter().map(|node| {
            let text = text_of(*node, self.text);
            // Of a chain of calls, the last one.
            let shown = part(*node, "function").map_or(text, |function| {
                let from = part(function, "object").map_or(function.start_byte(), |object| {
                    if object.kind() == "call" { object.end_byte() } else { object.start_byte() }
                });
                self.text.get(from..node.end_byte()).unwrap_or(text)
            });
            let line =
                part(*node, "function").map_or(line(*node), |function| function.end_position().row + 1);
            LeftOut {
                line,
                within: Vec::new(),
                key: None,
                what: format!("`{}` is done by Python", short(shown)),
            }
        });
        left.collect()
    }

    /// What the file's one pipeline says of its source: its name, and where its rows go.
    fn place(&self, sources: &mut [Part]) -> Vec<LeftOut> {
        let [(pipeline, scope)] = self.pipelines.as_slice() else { return Vec::new() };
        let mut evaluator = Evaluator::new(self.text);
        let mut text = |call: Node<'t>, at: usize, name: &str| {
            let node = argument(call, at, name, self.text)?;
            evaluator.quietly(node, scope)?.as_str().map(str::to_owned)
        };
        if let [source] = sources {
            source.name = text(*pipeline, 0, "pipeline_name").or(source.name.take());
        }
        let Some(destination) = argument(*pipeline, 2, "destination", self.text) else { return Vec::new() };
        let is_files = called(destination, self.text, scope).is_some_and(|name| name == "filesystem");
        let url = if is_files { text(destination, 0, "bucket_url") } else { None };
        if let Some(folder) = url.as_deref().and_then(folder_of) {
            let dataset =
                text(*pipeline, 4, "dataset_name").map(|name| format!("/{name}")).unwrap_or_default();
            for source in sources {
                // Lines keep rows as they came.
                source.nested = None;
                source.to = Some(format!("jsonl:{}{dataset}", folder.trim_end_matches('/')));
            }
            return Vec::new();
        }
        let shown = short(text_of(destination, self.text));
        let what = format!("`destination={shown}`: without `to`, rows go into SQLite");
        vec![LeftOut { line: line(destination), within: Vec::new(), key: None, what }]
    }
}

fn part_with(
    line: usize,
    name: Option<String>,
    config: Map<String, Value>,
    evaluator: Evaluator<'_>,
) -> Part {
    let mut left = evaluator.left;
    left.sort_by_key(|left| left.line);
    left.dedup();
    Part {
        line,
        name,
        to: None,
        nested: Some(nested(None)),
        config,
        left,
        secrets: evaluator.secrets,
        is_fragment: false,
    }
}

/// dlt's shape of nested data, with its names of columns: SQL that was written for its tables still runs.
fn nested(max_depth: Option<u64>) -> Value {
    let depth = max_depth.map(|depth| ("max_depth".to_owned(), depth.into()));
    let tables: Map<String, Value> = depth.into_iter().chain([("system".to_owned(), "dlt".into())]).collect();
    serde_json::json!({"tables": tables})
}

/// A folder of this machine, or one in an object store: with a bucket, and nothing that would say more of it.
fn folder_of(url: &str) -> Option<&str> {
    match url.split_once("://") {
        Some(("file", path)) => path.starts_with('/').then_some(path),
        Some(("s3" | "gs" | "az", path)) => {
            let is_plain = !path.is_empty() && !path.starts_with('/') && !path.contains(['@', '?', '#', ':']);
            is_plain.then_some(url)
        }
        Some(_) => None,
        None => (!url.is_empty()).then_some(url),
    }
}

/// What holds for all resources of a config that do not say otherwise gets a contract; one that is there stays unless it
/// is `forced`.
fn by_default(part: &mut Part, contract: &Value, forced: bool) {
    let defaults = part.config.entry("resource_defaults").or_insert_with(|| Value::Object(Map::new()));
    if let Some(defaults) = defaults.as_object_mut()
        && (forced || !defaults.contains_key(CONTRACT))
    {
        defaults.insert(CONTRACT.to_owned(), contract.clone());
    }
}

/// A run's contract takes the place of those of resources, as in dlt.
fn all_have(part: &mut Part, contract: &Value) {
    for resource in part.config.get_mut("resources").and_then(Value::as_array_mut).into_iter().flatten() {
        resource.as_object_mut().map(|resource| resource.remove(CONTRACT));
    }
    by_default(part, contract, true);
}

/// An argument of a call, by its place or its name.
fn argument<'t>(call: Node<'t>, place: usize, name: &str, text: &str) -> Option<Node<'t>> {
    let list = part(call, "arguments").filter(|list| list.kind() == "argument_list")?;
    let by_name = |argument: &Node<'t>| {
        argument.kind() == "keyword_argument"
            && part(*argument, "name").is_some_and(|given| text_of(given, text) == name)
    };
    if let Some(named) = parts(list).find(by_name) {
        return part(named, "value");
    }
    let plain = |argument: &Node<'t>| {
        !matches!(argument.kind(), "keyword_argument" | "dictionary_splat" | "list_splat")
    };
    parts(list).take_while(plain).nth(place)
}
