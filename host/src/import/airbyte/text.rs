//! Texts with Jinja in them, as texts with this config's own placeholders.

use serde_json::{Map, Value};

use super::jinja::{self, Expression, Piece};
use super::manifest::Node;
use super::{Around, Reading};
use crate::import::{SecretUse, short};

/// Where a text stands, which decides what may stand in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `base_url`: known before the first request.
    Address,
    /// A credential: anything that is known, and secrets.
    Credential,
    /// A path: placeholders, and no secrets.
    Path,
    /// Parameters, headers, bodies: placeholders and secrets.
    Request,
}

impl Place {
    /// Whether `{` begins a placeholder there.
    fn is_templated(self) -> bool {
        matches!(self, Place::Path | Place::Request)
    }
}

/// What an expression comes to.
enum Known {
    Value(Value),
    /// With its braces.
    Placeholder(String),
}

impl Reading<'_> {
    /// A value that may hold Jinja, to any depth; what cannot be known is named and left out.
    pub(super) fn value(&mut self, node: &Node, place: Place, around: &Around) -> Option<Value> {
        self.deeper(node, |reading| reading.any_value(node, place, around)).flatten()
    }

    fn any_value(&mut self, node: &Node, place: Place, around: &Around) -> Option<Value> {
        match self.manifest.value(node).clone() {
            Value::String(text) => self.text(&text, node, place, around),
            Value::Array(_) => {
                let items = self.manifest.items(node);
                Some(items.iter().filter_map(|item| self.value(item, place, around)).collect())
            }
            Value::Object(_) => {
                let mut map = Map::new();
                for (key, node) in self.manifest.entries(node) {
                    if let Some(value) = self.value(&node, place, around) {
                        map.insert(key, value);
                    }
                }
                Some(map.into())
            }
            other => Some(other),
        }
    }

    /// The same of a field that is a text.
    pub(super) fn string(&mut self, node: &Node, key: &str, place: Place, around: &Around) -> Option<String> {
        let field = self.manifest.get(node, key)?;
        match self.value(&field, place, around)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(bool) => Some(if bool { "True" } else { "False" }.into()),
            _ => None,
        }
    }

    fn text(&mut self, text: &str, node: &Node, place: Place, around: &Around) -> Option<Value> {
        let Some(pieces) = jinja::pieces(text) else {
            self.leave(node, &format!("`{}` is worked out by Jinja", short(text)));
            return None;
        };
        if let [Piece::Expression(expression)] = pieces.as_slice() {
            return Some(match self.known(expression, node, place, around)? {
                Known::Value(Value::String(text)) => Value::String(escaped(&text, place)),
                Known::Value(value) => value,
                Known::Placeholder(text) => text.into(),
            });
        }
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(&escaped(text, place)),
                Piece::Expression(expression) => match self.known(expression, node, place, around)? {
                    Known::Value(Value::String(text)) => out.push_str(&escaped(&text, place)),
                    Known::Value(value) => out.push_str(&value.to_string()),
                    Known::Placeholder(text) => out.push_str(&text),
                },
            }
        }
        Some(out.into())
    }

    fn known(&mut self, text: &str, node: &Node, place: Place, around: &Around) -> Option<Known> {
        let known =
            jinja::parse(text).and_then(|expression| self.resolve(&expression, text, node, place, around));
        if known.is_none() {
            self.leave(node, &format!("`{{{{ {} }}}}` has no form in a config", short(text)));
        }
        known
    }

    fn resolve(
        &mut self,
        expression: &Expression,
        text: &str,
        node: &Node,
        place: Place,
        around: &Around,
    ) -> Option<Known> {
        let (first, default) = match expression {
            Expression::Literal(value) => return Some(Known::Value(value.clone())),
            Expression::Both(first, "or", default) => match default.as_ref() {
                Expression::Literal(default) => (first.as_ref(), Some(default.clone())),
                _ => return None,
            },
            Expression::Call(_, arguments) => match arguments.get(1) {
                Some(Expression::Literal(default)) => (expression, Some(default.clone())),
                _ => (expression, None),
            },
            _ => (expression, None),
        };
        let (root, keys) = jinja::path(first)?;
        let names: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        match (root, names.as_slice()) {
            ("config", [_, ..]) if names.len() == keys.len() => {
                Some(self.asked(&names, default, text, node, place))
            }
            ("parameters", [name, rest @ ..]) => {
                let value = rest
                    .iter()
                    .try_fold(self.manifest.parameter(node, name)?, |value, key| value.get(*key))?;
                let is_plain = !value.as_str().is_some_and(|text| text.contains("{{"));
                is_plain.then(|| Known::Value(value.clone()))
            }
            ("stream_partition" | "stream_slice", [field]) if around.given.contains_key(*field) => {
                around.given.get(*field).cloned().map(Known::Value)
            }
            ("stream_partition" | "stream_slice", [field]) if place.is_templated() => {
                let found = around.partitions.iter().find(|partition| partition.field == *field);
                match found {
                    Some(found) => Some(Known::Placeholder(found.placeholder())),
                    None => around.interval(field),
                }
            }
            ("stream_interval", [field]) if place.is_templated() => around.interval(field),
            _ => None,
        }
    }

    /// Something that Airbyte asks its user for.
    fn asked(
        &mut self,
        keys: &[&str],
        default: Option<Value>,
        text: &str,
        node: &Node,
        place: Place,
    ) -> Known {
        let (is_secret, specified) = self.specified(keys);
        let default = specified.or(default).filter(|default| !is_secret && !default.is_null());
        if let Some(default) = default {
            self.leave(
                node,
                &format!("`{{{{ {} }}}}` is asked of the user: its default is taken", short(text)),
            );
            return Known::Value(default);
        }
        if matches!(place, Place::Address | Place::Path) {
            self.leave(
                node,
                &format!("`{{{{ {} }}}}` is asked of the user: write its value here", short(text)),
            );
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let last = keys.last().copied().unwrap_or_default();
        let name: String = last.chars().map(|c| if is_name(c) { c } else { '_' }).collect();
        let path = keys.join(".");
        let used =
            |name: &str| self.secrets.iter().find(|used| used.name == name).map(|used| used.path == path);
        let name = if used(&name) == Some(false) { path.replace('.', "_") } else { name };
        if used(&name).is_none() {
            self.secrets.push(SecretUse {
                name: name.clone(),
                path,
                origin: format!("{{{{ {text} }}}}"),
                env: None,
                table: None,
                line: self.manifest.line(node),
            });
        }
        Known::Placeholder(format!("${{secrets.{name}}}"))
    }

    /// What the manifest says of something that it asks for: whether it is a secret, and its default.
    fn specified(&self, keys: &[&str]) -> (bool, Option<Value>) {
        let mut at = self.manifest.document.value.pointer("/spec/connection_specification");
        for key in keys {
            at = at.and_then(|at| at.get("properties")?.get(key));
        }
        let is_secret = at.and_then(|at| at.get("airbyte_secret")?.as_bool()).unwrap_or(false);
        (is_secret, at.and_then(|at| at.get("default")).cloned())
    }
}

impl Around {
    fn interval(&self, field: &str) -> Option<Known> {
        let placeholder = match field {
            "start_time" if self.has_start => "{incremental.start_value}",
            "end_time" if self.has_end => "{incremental.end_value}",
            _ => return None,
        };
        Some(Known::Placeholder(placeholder.to_owned()))
    }
}

fn escaped(text: &str, place: Place) -> String {
    if place.is_templated() { text.replace('{', "{{").replace('}', "}}") } else { text.to_owned() }
}
