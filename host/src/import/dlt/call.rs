//! Calls that have a form in a config: dlt's classes for auth and paginators, `dict(…)`, functions of the file itself.

use std::rc::Rc;

use serde_json::{Map, Value};
use tree_sitter::Node;

use super::evaluate::{Evaluator, Why};
use super::operator::spelled;
use super::scope::{Meaning, Scope, called, parameters};
use crate::import::python::{part, parts};

/// A class of dlt's, its `type` in a config, and its arguments in order, as far as the order has never changed.
struct Class {
    name: &'static str,
    kind: &'static str,
    arguments: &'static [&'static str],
}

const fn class(name: &'static str, kind: &'static str, arguments: &'static [&'static str]) -> Class {
    Class { name, kind, arguments }
}

const CLASSES: &[Class] = &[
    class("BearerTokenAuth", "bearer", &["token"]),
    class("APIKeyAuth", "api_key", &["name", "api_key", "location"]),
    class("HttpBasicAuth", "http_basic", &["username", "password"]),
    class("HTTPBasicAuth", "http_basic", &["username", "password"]),
    class(
        "OAuth2ClientCredentials",
        "oauth2_client_credentials",
        &["access_token_url", "client_id", "client_secret", "access_token_request_data"],
    ),
    class("SinglePagePaginator", "single_page", &[]),
    class("OffsetPaginator", "offset", &["limit", "offset", "offset_param", "limit_param", "total_path"]),
    class("PageNumberPaginator", "page_number", &["base_page", "page"]),
    class("JSONLinkPaginator", "json_link", &["next_url_path"]),
    class("JSONResponsePaginator", "json_link", &["next_url_path"]),
    class("HeaderLinkPaginator", "header_link", &["links_next_key"]),
    class("HeaderCursorPaginator", "header_cursor", &["cursor_key", "cursor_param"]),
    class("JSONResponseCursorPaginator", "cursor", &["cursor_path", "cursor_param"]),
];

const INCREMENTAL: Class =
    class("incremental", "incremental", &["cursor_path", "initial_value", "last_value_func"]);

/// Typed dicts: calling one makes a dict.
const DICTS: [&str; 7] = [
    "dict",
    "RESTAPIConfig",
    "ClientConfig",
    "EndpointResource",
    "EndpointResourceBase",
    "Endpoint",
    "IncrementalConfig",
];

impl<'t> Evaluator<'t> {
    /// What a call gives.
    pub(super) fn call(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let Some(name) = called(node, self.text, scope) else { return self.format(node, scope) };
        if let Some((Meaning::Function(function), owner)) = scope.find(&name, node.start_byte()) {
            let owner = owner.clone();
            return self.inline(node, function, scope, &owner);
        }
        if DICTS.contains(&name.as_str()) {
            return self.dict(node, scope);
        }
        if name == INCREMENTAL.name {
            let kind = if self.key() == "incremental" { None } else { Some(INCREMENTAL.kind) };
            return self.object(node, INCREMENTAL.arguments, kind, scope);
        }
        if let Some(class) = CLASSES.iter().find(|class| class.name == name) {
            return self.object(node, class.arguments, Some(class.kind), scope);
        }
        if name == "OAuthJWTAuth" {
            let Value::Object(given) = self.object(node, &[], None, scope)? else {
                return Err(self.worked_out(node));
            };
            return self.jwt_bearer(node, given);
        }
        match (name.as_str(), self.arguments(node).as_slice()) {
            ("deepcopy" | "copy", [one]) => self.value(*one, scope),
            ("str", [one]) => {
                let value = self.value(*one, scope)?;
                spelled(&value).map(Value::String).ok_or_else(|| self.worked_out(node))
            }
            ("format", _) => self.format(node, scope),
            _ => Err(self.worked_out(node)),
        }
    }

    fn arguments(&self, call: Node<'t>) -> Vec<Node<'t>> {
        part(call, "arguments")
            .filter(|list| list.kind() == "argument_list")
            .map_or_else(Vec::new, |list| parts(list).collect())
    }

    /// `dict(other, key=value, **more)`
    fn dict(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let mut map = Map::new();
        for argument in self.arguments(node) {
            match argument.kind() {
                "keyword_argument" | "dictionary_splat" => self.keyword(&mut map, argument, scope),
                _ => match self.value(argument, scope)? {
                    Value::Object(other) => map.extend(other),
                    _ => return Err(self.worked_out(node)),
                },
            }
        }
        Ok(map.into())
    }

    fn keyword(&mut self, map: &mut Map<String, Value>, argument: Node<'t>, scope: &Rc<Scope<'t>>) {
        match (part(argument, "name"), part(argument, "value")) {
            (Some(name), Some(value)) => {
                let name = match self.text_of(name) {
                    // As they were called once.
                    "initial_limit" => "limit",
                    "initial_offset" => "offset",
                    "initial_page" => "page",
                    name => name,
                };
                self.entry(map, name, value, scope);
            }
            _ => self.spread(map, argument, scope),
        }
    }

    /// An object of a class, as the dict that says the same.
    fn object(
        &mut self,
        node: Node<'t>,
        names: &[&str],
        kind: Option<&str>,
        scope: &Rc<Scope<'t>>,
    ) -> Result<Value, Why> {
        let mut map = Map::new();
        if let Some(kind) = kind {
            map.insert("type".into(), kind.into());
        }
        let mut names = names.iter();
        for argument in self.arguments(node) {
            match argument.kind() {
                "keyword_argument" | "dictionary_splat" => self.keyword(&mut map, argument, scope),
                _ => match names.next() {
                    Some(name) => self.entry(&mut map, name, argument, scope),
                    None => return Err(self.why(argument, "is an argument without a name")),
                },
            }
        }
        Ok(map.into())
    }

    /// A call of a function of this file that does nothing but return.
    fn inline(
        &mut self,
        node: Node<'t>,
        function: Node<'t>,
        scope: &Rc<Scope<'t>>,
        owner: &Rc<Scope<'t>>,
    ) -> Result<Value, Why> {
        let Some(returned) = returned(function) else { return Err(self.worked_out(node)) };
        let mut inner = Scope::of_function(function, self.text, owner.clone());
        let names: Vec<String> = parameters(function, self.text).into_iter().map(|(name, _)| name).collect();
        let mut names = names.into_iter();
        for argument in self.arguments(node) {
            let (name, value) = match argument.kind() {
                "keyword_argument" => (
                    part(argument, "name").map(|name| self.text_of(name).to_owned()),
                    part(argument, "value"),
                ),
                "list_splat" | "dictionary_splat" => return Err(self.worked_out(node)),
                _ => (names.next(), Some(argument)),
            };
            let (Some(name), Some(value)) = (name, value) else { return Err(self.worked_out(node)) };
            let value = self.value(value, scope)?;
            inner.give(name, value);
        }
        self.value(returned, &Rc::new(inner))
    }

    /// `"…{}…".format(…)`
    fn format(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let template = part(node, "function")
            .filter(|function| {
                part(*function, "attribute").is_some_and(|name| self.text_of(name) == "format")
            })
            .and_then(|function| part(function, "object"));
        let Some(template) = template else { return Err(self.worked_out(node)) };
        let Value::String(template) = self.value(template, scope)? else { return Err(self.worked_out(node)) };
        let (mut by_place, mut by_name) = (Vec::new(), Map::new());
        for argument in self.arguments(node) {
            match (part(argument, "name"), part(argument, "value")) {
                (Some(name), Some(value)) if argument.kind() == "keyword_argument" => {
                    let value = self.value(value, scope)?;
                    by_name.insert(self.text_of(name).to_owned(), value);
                }
                _ => by_place.push(self.value(argument, scope)?),
            }
        }
        filled(&template, &by_place, &by_name).map(Value::String).ok_or_else(|| self.worked_out(node))
    }
}

/// What a function returns, if that is one expression whatever happens.
pub(super) fn returned(function: Node<'_>) -> Option<Node<'_>> {
    let body = part(function, "body")?;
    let mut returned = None;
    for statement in parts(body) {
        match statement.kind() {
            "return_statement" => returned = returned.or_else(|| parts(statement).next()),
            "expression_statement" | "function_definition" | "import_statement" | "import_from_statement" => {
            }
            _ => return None,
        }
    }
    returned
}

/// A template of Python's `str.format`, as far as it has plain holes only.
fn filled(template: &str, by_place: &[Value], by_name: &Map<String, Value>) -> Option<String> {
    let (mut out, mut rest, mut next) = (String::new(), template, 0_usize);
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..];
        if brace.starts_with("{{") || brace.starts_with("}}") {
            out.push_str(&brace[..1]);
            rest = &brace[2..];
            continue;
        }
        let (hole, after) = brace.strip_prefix('{')?.split_once('}')?;
        let value = match hole.parse::<usize>() {
            Ok(place) => by_place.get(place),
            Err(_) if hole.is_empty() => {
                next += 1;
                by_place.get(next - 1)
            }
            Err(_) => by_name.get(hole),
        };
        out.push_str(&spelled(value?)?);
        rest = after;
    }
    Some(out + rest)
}
