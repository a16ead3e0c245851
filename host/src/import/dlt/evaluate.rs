//! Works out what an expression says, as far as that can be known without running it; what cannot be is left out by name.

use std::rc::Rc;

use serde_json::{Map, Value};
use tree_sitter::Node;

use super::scope::{Meaning, Scope};
use super::{lambda, secret};
use crate::import::python::{bare, line, number, part, parts, text_of};
use crate::import::{LeftOut, SecretUse, short};
use crate::secrets::named::{is_credential, secret_name};

/// Why an expression has no value here.
pub(super) struct Why {
    /// Its line, from 1.
    line: usize,
    what: String,
}

/// Expressions may be nested this deep; names that mean themselves end here too.
const MAX_DEPTH: usize = 100;

/// Keys of a credential, which may be given later.
const CREDENTIALS: [&str; 6] = ["token", "api_key", "username", "password", "client_id", "client_secret"];

/// Works expressions out, and remembers what it had to leave out.
pub(super) struct Evaluator<'t> {
    pub(super) text: &'t str,
    /// Where in the config the value will stand.
    path: Vec<String>,
    pub(super) left: Vec<LeftOut>,
    pub(super) secrets: Vec<SecretUse>,
    /// Credentials that the file writes out, with the name that each has been given.
    written_out: Vec<(String, String)>,
    depth: usize,
}

impl<'t> Evaluator<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            path: Vec::new(),
            left: Vec::new(),
            secrets: Vec::new(),
            written_out: Vec::new(),
            depth: 0,
        }
    }

    /// What an expression says, or why that cannot be known.
    pub(super) fn value(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        if self.depth == MAX_DEPTH {
            return Err(self.worked_out(node));
        }
        self.depth += 1;
        let value = self.value_of(bare(node), scope);
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        if let Some(found) = secret::find(node, self.text, scope) {
            return self.secret(node, found, scope);
        }
        match node.kind() {
            "string" => self.string(node, scope).map(Value::String),
            "concatenated_string" => {
                let texts: Result<String, Why> = parts(node).map(|part| self.string(part, scope)).collect();
                texts.map(Value::String)
            }
            "integer" | "float" => match number(self.text_of(node)) {
                Some(number) => Ok(number.into()),
                None => Err(self.why(node, "is a number that JSON has no form for")),
            },
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            "none" => Ok(Value::Null),
            "identifier" => self.name(node, scope),
            "dictionary" => {
                let mut map = Map::new();
                for entry in parts(node) {
                    self.dict_entry(&mut map, entry, scope);
                }
                Ok(map.into())
            }
            "list" | "tuple" => Ok(self.items(node, scope).into()),
            "list_comprehension" => self.comprehension(node, scope),
            "binary_operator" => self.operation(node, scope),
            "unary_operator" => self.negative(node, scope),
            "subscript" => self.member(node, scope),
            "call" => self.call(node, scope),
            "lambda" => self.step(node),
            _ => Err(self.worked_out(node)),
        }
    }

    /// An expression that is no part of a config: nothing of it is left out by name.
    pub(super) fn quietly(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Option<Value> {
        let (left, secrets) = (self.left.len(), self.secrets.len());
        let value = self.value(node, scope).ok();
        let is_whole = self.left.len() == left && self.secrets.len() == secrets;
        self.left.truncate(left);
        self.secrets.truncate(secrets);
        value.filter(|_| is_whole)
    }

    pub(super) fn text_of(&self, node: Node<'_>) -> &'t str {
        text_of(node, self.text)
    }

    pub(super) fn why(&self, node: Node<'_>, what: &str) -> Why {
        Why { line: line(node), what: format!("`{}` {what}", short(self.text_of(node))) }
    }

    pub(super) fn worked_out(&self, node: Node<'_>) -> Why {
        self.why(node, "is worked out by Python")
    }

    /// The key that the value will stand under.
    pub(super) fn key(&self) -> &str {
        self.path.last().map(String::as_str).unwrap_or_default()
    }

    pub(super) fn leave_out(&mut self, key: Option<&str>, why: Why) {
        let key = key.map(str::to_owned);
        self.left.push(LeftOut { line: why.line, within: self.path.clone(), key, what: why.what });
    }

    fn dict_entry(&mut self, map: &mut Map<String, Value>, entry: Node<'t>, scope: &Rc<Scope<'t>>) {
        if entry.kind() == "dictionary_splat" {
            return self.spread(map, entry, scope);
        }
        let (Some(key), Some(value)) = (part(entry, "key"), part(entry, "value")) else {
            let why = self.worked_out(entry);
            return self.leave_out(None, why);
        };
        match self.value(key, scope) {
            Ok(Value::String(key)) => self.entry(map, &key, value, scope),
            Ok(_) => {
                let why = self.why(key, "is no text, and keys of a config are");
                self.leave_out(None, why);
            }
            Err(why) => self.leave_out(None, why),
        }
    }

    /// `**other`
    pub(super) fn spread(&mut self, map: &mut Map<String, Value>, node: Node<'t>, scope: &Rc<Scope<'t>>) {
        match parts(node).next().map(|other| self.value(other, scope)) {
            Some(Ok(Value::Object(other))) => map.extend(other),
            Some(Err(why)) => self.leave_out(None, why),
            _ => {
                let why = self.worked_out(node);
                self.leave_out(None, why);
            }
        }
    }

    /// Puts an entry into an object, or names it as left out.
    pub(super) fn entry(
        &mut self,
        map: &mut Map<String, Value>,
        key: &str,
        value: Node<'t>,
        scope: &Rc<Scope<'t>>,
    ) {
        let (of_auth, left) = (self.key() == "auth", self.left.len());
        let holds_credential = holds_credential(self.key(), key);
        self.path.push(key.to_owned());
        let result = self.value(value, scope).map(|found| match found {
            Value::String(text) if holds_credential && is_written_out(&text) => {
                self.written_out(key, text, line(value)).into()
            }
            found => found,
        });
        self.path.pop();
        let of_functions = matches!(key, "processing_steps" | "response_actions");
        match result {
            Ok(Value::Array(rest)) if of_functions && rest.is_empty() && self.left.len() > left => {}
            Ok(value) => {
                map.insert(key.to_owned(), value);
            }
            Err(why) => {
                if of_auth && CREDENTIALS.contains(&key) {
                    map.insert(key.to_owned(), format!("${{secrets.{key}}}").into());
                }
                self.leave_out(Some(key), why);
            }
        }
    }

    /// Takes a credential out of the config: whoever has the file knows it, whoever gets the config need not.
    fn written_out(&mut self, key: &str, value: String, line: usize) -> String {
        let known = self.written_out.iter().find(|(known, _)| *known == value);
        let name = match known {
            Some((_, name)) => name.clone(),
            None => {
                let plain = secret_name(key);
                let all = (1..).map(|at| if at == 1 { plain.clone() } else { format!("{plain}_{at}") });
                let is_free = |name: &String| self.secrets.iter().all(|used| used.name != *name);
                let name = all.into_iter().find(is_free).unwrap_or_default();
                self.written_out.push((value, name.clone()));
                let origin = format!("written out in line {line}, and is not copied");
                let path = format!("line {line}");
                self.secrets.push(SecretUse {
                    name: name.clone(),
                    path,
                    origin,
                    env: None,
                    table: None,
                    line,
                });
                name
            }
        };
        format!("${{secrets.{name}}}")
    }

    fn items(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Vec<Value> {
        let mut items = Vec::new();
        for item in parts(node) {
            if item.kind() == "list_splat" {
                match parts(item).next().map(|inner| self.value(inner, scope)) {
                    Some(Ok(Value::Array(inner))) => items.extend(inner),
                    Some(Err(why)) => self.leave_out(None, why),
                    _ => {
                        let why = self.worked_out(item);
                        self.leave_out(None, why);
                    }
                }
                continue;
            }
            self.item(&mut items, item, scope);
        }
        items
    }

    fn item(&mut self, items: &mut Vec<Value>, item: Node<'t>, scope: &Rc<Scope<'t>>) {
        let left = self.left.len();
        let of = self.key().to_owned();
        self.path.push(items.len().to_string());
        let result = self.value(item, scope);
        self.path.pop();
        match result {
            // What is left of a step or an action without its function would do something else, or nothing.
            Ok(Value::Object(rest))
                if self.left.len() > left
                    && ((of == "processing_steps" && rest.is_empty())
                        || (of == "response_actions" && !rest.contains_key("action"))) => {}
            Ok(value) => items.push(value),
            Err(why) => self.leave_out(None, why),
        }
    }

    /// `[… for name in list]`
    fn comprehension(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let clauses: Vec<Node<'t>> = parts(node).skip(1).collect();
        let ([clause], Some(body)) = (clauses.as_slice(), part(node, "body")) else {
            return Err(self.worked_out(node));
        };
        let name = part(*clause, "left").filter(|left| left.kind() == "identifier");
        let (Some(name), Some(right)) = (name, part(*clause, "right")) else {
            return Err(self.worked_out(node));
        };
        let Value::Array(over) = self.value(right, scope)? else { return Err(self.worked_out(node)) };
        let mut items = Vec::new();
        for each in over {
            let inner = Rc::new(Scope::with(self.text_of(name).to_owned(), each, scope.clone()));
            self.item(&mut items, body, &inner);
        }
        Ok(items.into())
    }

    fn name(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let name = self.text_of(node);
        let Some((meaning, owner)) = scope.find(name, node.start_byte()) else {
            return match name {
                "max" | "min" if self.key() == "last_value_func" => Ok(name.into()),
                _ => Err(self.why(node, "is not defined in this file")),
            };
        };
        let owner = owner.clone();
        match meaning {
            Meaning::Value(value) => Ok(value),
            Meaning::Expression(expression) => {
                let changes: Vec<Why> = owner
                    .changes_of(name)
                    .map(|change| Why {
                        line: change.line,
                        what: format!("`{}` changes it afterwards", short(&change.text)),
                    })
                    .collect();
                for why in changes {
                    self.leave_out(None, why);
                }
                self.value(expression, &owner)
            }
            Meaning::Parameter { default: Some(default), .. } => {
                match secret::find(default, self.text, &owner) {
                    // dlt looks for it under the parameter's name.
                    Some(found) if found.name.is_none() => {
                        let found = secret::Found { name: Some(name.to_owned()), ..found };
                        self.secret(default, found, &owner)
                    }
                    _ => self.value(default, &owner),
                }
            }
            Meaning::Parameter { of, default: None } => {
                Err(self.why(node, &format!("is given by whoever calls `{of}`")))
            }
            Meaning::Function(function) => match lambda::jq_of_function(function, self.text) {
                Some(jq) if self.is_step() => Ok(jq.into()),
                _ => Err(self.why(node, "is a function")),
            },
            Meaning::Class => Err(self.why(node, "is a class")),
            Meaning::Imported(_) => Err(self.why(node, "is imported: its value stands elsewhere")),
            Meaning::Unsure => Err(self.why(node, "depends on how the program goes")),
        }
    }

    fn is_step(&self) -> bool {
        matches!(self.key(), "filter" | "map") && self.path.iter().any(|key| key == "processing_steps")
    }

    fn step(&mut self, node: Node<'t>) -> Result<Value, Why> {
        match lambda::jq_of_lambda(node, self.text) {
            Some(jq) if self.is_step() => Ok(jq.into()),
            _ => Err(self.why(node, "has no form in jq that is surely the same")),
        }
    }

    fn secret(
        &mut self,
        node: Node<'t>,
        found: secret::Found<'t>,
        scope: &Rc<Scope<'t>>,
    ) -> Result<Value, Why> {
        let above = self.path.len().checked_sub(2).and_then(|at| self.path.get(at));
        let of_credential = above.is_some_and(|above| holds_credential(above, self.key()));
        let default = found.default.filter(|_| !of_credential);
        if let Some(default) = default.and_then(|default| self.value(default, scope).ok()) {
            let why = self.why(node, "may be set from outside: its default is taken");
            let key = self.path.pop();
            self.leave_out(key.as_deref(), why);
            self.path.extend(key);
            return Ok(default);
        }
        let name = found.name.unwrap_or_else(|| self.key().to_owned());
        let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let origin = match (&found.env, found.default) {
            // A default may be a credential itself.
            (Some(env), Some(_)) => format!("the environment variable {env}"),
            _ => self.text_of(node).to_owned(),
        };
        let used = |short: &str| self.secrets.iter().find(|used| used.name == short);
        let is_other = |short: &str| used(short).is_some_and(|used| used.path != name);
        // Two that end alike are told apart by all of their names, or else by number.
        let whole = name.replace('.', "_").to_ascii_lowercase();
        let numbered = (2..).map(|at| format!("{whole}_{at}"));
        let mut names = [last, whole.clone()].into_iter().chain(numbered);
        let short = names.find(|short| !is_other(short)).unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if short.is_empty() || !short.chars().all(is_name) {
            return Err(self.why(node, "cannot be the name of a secret"));
        }
        if used(&short).is_none() {
            self.secrets.push(SecretUse {
                name: short.clone(),
                path: name,
                origin,
                env: found.env,
                table: None,
                line: line(node),
            });
        }
        Ok(format!("${{secrets.{short}}}").into())
    }
}

/// Whether what stands under a key is sent as a credential; `above` is the key of the object that it stands in.
fn holds_credential(above: &str, key: &str) -> bool {
    const OF_AUTH: [&str; 7] =
        ["token", "api_key", "password", "client_secret", "access_token", "refresh_token", "private_key"];
    match above {
        "auth" => OF_AUTH.contains(&key),
        "headers" | "params" | "json" | "data" | "access_token_request_data" => is_credential(key),
        _ => false,
    }
}

/// Whether a text is all there, and no placeholder.
fn is_written_out(text: &str) -> bool {
    !text.is_empty() && !text.contains("${secrets.") && !text.contains('{')
}
