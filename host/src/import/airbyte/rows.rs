//! Which rows a stream has, and what becomes of them: selector, filter, transformations.

use serde_json::{Map, Value, json};

use super::jinja::{self, Expression, Piece};
use super::manifest::Node;
use super::{Around, Reading};
use crate::import::{jq, short};

/// What rows come to beside the endpoint.
#[derive(Default)]
pub(super) struct Rows {
    /// `processing_steps`, in order.
    pub(super) steps: Vec<Value>,
    /// Fields of the parent row, each with the name that it gets.
    pub(super) of_parent: Vec<(String, String)>,
}

impl Reading<'_> {
    /// The JSONPath of the rows of a page.
    pub(super) fn selector(&mut self, node: &Node) -> Option<String> {
        self.close(
            node,
            &["type", "extractor", "record_filter", "schema_normalization", "transform_before_filtering"],
        );
        let extractor = self.manifest.get(node, "extractor")?;
        let kind = self.manifest.kind(&extractor, "DpathExtractor").to_owned();
        if kind != "DpathExtractor" {
            self.leave(&extractor, &format!("`{kind}` has no form in a config"));
            return None;
        }
        self.close(&extractor, &["type", "field_path", "decoder"]);
        let keys: Vec<Value> = self
            .manifest
            .list(&extractor, "field_path")
            .iter()
            .map(|key| self.manifest.value(key).clone())
            .collect();
        let path = if keys.is_empty() { Some("$".to_owned()) } else { json_path(&keys) };
        if path.is_none() {
            self.leave(&extractor, "this path has no form in a config");
        }
        path
    }

    /// Filter and transformations of a stream.
    pub(super) fn rows(&mut self, stream: &Node, selector: Option<&Node>, around: &Around) -> Rows {
        let mut rows = Rows::default();
        let filter = selector.and_then(|selector| self.manifest.get(selector, "record_filter"));
        let before = selector.and_then(|selector| self.manifest.get(selector, "transform_before_filtering"));
        let filters_last = before.is_some_and(|before| self.manifest.value(&before) == true);
        if let (Some(filter), false) = (&filter, filters_last) {
            self.filter(filter, &mut rows);
        }
        for transformation in self.manifest.list(stream, "transformations") {
            self.transformation(&transformation, &mut rows, around);
        }
        if let (Some(filter), true) = (&filter, filters_last) {
            self.filter(filter, &mut rows);
        }
        rows
    }

    fn filter(&mut self, filter: &Node, rows: &mut Rows) {
        let condition = self.manifest.text(filter, "condition").unwrap_or_default().to_owned();
        match one(&condition).as_ref().and_then(jq_condition) {
            Some(jq) => rows.steps.push(json!({"filter": jq})),
            None => {
                let what =
                    format!("the filter `{}` has no form in jq that is surely the same", short(&condition));
                self.leave(filter, &what);
            }
        }
    }

    fn transformation(&mut self, node: &Node, rows: &mut Rows, around: &Around) {
        let kind = self.manifest.kind(node, "").to_owned();
        if let Some(condition) = self.manifest.get(node, "condition") {
            return self.leave(&condition, "a transformation with a condition has no form in a config");
        }
        match kind.as_str() {
            "AddFields" => {
                for field in self.manifest.list(node, "fields") {
                    self.added(&field, rows, around);
                }
            }
            "RemoveFields" => {
                let pointers: Option<Vec<String>> = self
                    .manifest
                    .list(node, "field_pointers")
                    .iter()
                    .map(|pointer| removed(&self.keys(pointer)))
                    .collect();
                match pointers {
                    Some(pointers) => rows.steps.push(json!({"map": pointers.join(" | ")})),
                    None => self.leave(node, "these fields have no form in jq"),
                }
            }
            other => self.leave(node, &format!("`{other}` has no form in a config")),
        }
    }

    fn added(&mut self, field: &Node, rows: &mut Rows, around: &Around) {
        let path = self.manifest.get(field, "path").map(|path| self.keys(&path)).unwrap_or_default();
        let text = self.manifest.get(field, "value").map(|value| self.manifest.value(&value).clone());
        let text = match &text {
            Some(Value::String(text)) => text.as_str(),
            _ => "",
        };
        let value = one(text);
        if let (Some(value), [Value::String(name)]) = (&value, path.as_slice())
            && let Some((_, key)) = around.parent_field(value)
        {
            rows.of_parent.push((key, name.clone()));
            return;
        }
        let value = value.map(|value| around.with_given(value));
        let plain = jinja::pieces(text).is_some_and(|pieces| matches!(pieces.as_slice(), [Piece::Text(_)]));
        let value = if plain { Some(jq::literal(text)) } else { value.as_ref().and_then(jq_value) };
        match value.and_then(|value| set("", &path, &value)) {
            Some(jq) => rows.steps.push(json!({"map": jq})),
            None => {
                let what = format!("the field `{}` has no form in jq that is surely the same", short(text));
                self.leave(field, &what);
            }
        }
    }

    fn keys(&self, list: &Node) -> Vec<Value> {
        self.manifest.items(list).iter().map(|key| self.manifest.value(key).clone()).collect()
    }
}

/// A text that is one expression, with or without braces around it.
fn one(text: &str) -> Option<Expression> {
    match jinja::pieces(text)?.as_slice() {
        [Piece::Expression(inner)] => jinja::parse(inner),
        _ => None,
    }
}

/// Keys as a JSONPath; `*` and `**` as dpath has them are only taken alone.
pub(super) fn json_path(keys: &[Value]) -> Option<String> {
    let mut path = String::new();
    for key in keys {
        match key {
            Value::Number(at) => path.push_str(&format!("[{at}]")),
            Value::String(key) if key == "*" => path.push_str("[*]"),
            Value::String(key) => {
                let is_word = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if key.contains(['{', '*', '\'', '\\']) {
                    return None;
                } else if is_word {
                    let dot = if path.is_empty() { "" } else { "." };
                    path.push_str(&format!("{dot}{key}"));
                } else {
                    path.push_str(&format!("['{key}']"));
                }
            }
            _ => return None,
        }
    }
    Some(path)
}

fn jq_path(keys: &[Value]) -> Option<String> {
    let mut path = String::new();
    for key in keys {
        match key {
            Value::String(key) if !key.contains(['{', '*']) => path = jq::field(&path, key),
            Value::Number(at) if !path.is_empty() => path.push_str(&format!("[{at}]")),
            _ => return None,
        }
    }
    (!path.is_empty()).then_some(path)
}

/// The object that a path leads to, `.` at first; where there is none, an empty one.
fn object_at(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    format!("(if {} then {path} else {{}} end)", is_object(path))
}

/// Whether there is an object where a path leads; on the way there may be anything.
fn is_object(path: &str) -> String {
    format!("(try ({path} | type) catch null) == \"object\"")
}

/// The object at `path` with a value below it. (jaq sets no path through what is not there.)
fn set(path: &str, keys: &[Value], value: &str) -> Option<String> {
    let (key, rest) = keys.split_first()?;
    let key = key.as_str().filter(|key| !key.contains(['{', '*']))?;
    let value = match rest {
        [] => format!("({value})"),
        rest => format!("({})", set(&jq::field(path, key), rest, value)?),
    };
    Some(format!("{} + {{{}: {value}}}", object_at(path), jq::literal(key)))
}

/// The row without a field.
fn removed(keys: &[Value]) -> Option<String> {
    let (_, parents) = keys.split_last()?;
    let path = jq_path(keys)?;
    if parents.is_empty() {
        return Some(format!("del({path})"));
    }
    Some(format!("(if {} then del({path}) else . end)", is_object(&jq_path(parents)?)))
}

/// A value that comes of the row.
fn jq_value(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Literal(Value::Object(_)) => None,
        Expression::Literal(value) => Some(value.to_string()),
        Expression::Filter(of, filter) if filter == "length" || filter == "count" => {
            Some(format!("({} | length)", jq_value(of)?))
        }
        Expression::Call(_, arguments) if arguments.len() != 1 => None,
        other => {
            let (root, keys) = jinja::path(other)?;
            (root == "record").then(|| jq_path(&keys)).flatten()
        }
    }
}

/// A condition; true where Jinja has it true, for every row that Jinja takes.
fn jq_condition(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Not(of) => Some(format!("({}) | not", jq_condition(of)?)),
        Expression::Both(left, operator, right) => {
            Some(format!("({}) {operator} ({})", jq_condition(left)?, jq_condition(right)?))
        }
        Expression::Compare(left, operator, right) => jq_comparison(left, operator, right),
        other => Some(jq::truth(&jq_value(other)?)),
    }
}

fn jq_comparison(left: &Expression, operator: &str, right: &Expression) -> Option<String> {
    let not = |jq: String| format!("({jq}) | not");
    let literal = |of: &Expression| match of {
        Expression::Literal(value) => Some(value.clone()),
        _ => None,
    };
    match (operator, literal(right)) {
        // What is missing is undefined, and not none.
        ("==" | "is", Some(Value::Null)) => is_null(left),
        ("!=" | "is not", Some(Value::Null)) => is_null(left).map(not),
        ("is", Some(Value::Bool(bool))) => Some(format!("{} == {bool}", jq_value(left)?)),
        // To Jinja as to Python, true is 1.
        ("==", Some(Value::Bool(bool))) => {
            let value = jq_value(left)?;
            Some(format!("{value} == {bool} or {value} == {}", u8::from(bool)))
        }
        ("==" | "!=", Some(right @ (Value::String(_) | Value::Number(_)))) => {
            Some(jq::equality(&jq_value(left)?, operator == "==", &right.to_string()))
        }
        // Between kinds Jinja fails, and jq has an order.
        ("<" | ">" | "<=" | ">=", Some(right @ (Value::String(_) | Value::Number(_)))) => {
            Some(format!("{} {operator} {right}", jq_value(left)?))
        }
        ("is" | "is not", None) if *right == Expression::Name("defined".into()) => {
            let has = has(left)?;
            Some(if operator == "is" { has } else { not(has) })
        }
        ("in" | "not in", None) => {
            let found = match (left, right) {
                (Expression::Literal(Value::String(key)), Expression::Name(name)) if name == "record" => {
                    format!("has({})", jq::literal(key))
                }
                (left, Expression::List(items)) => {
                    let value = jq_value(left)?;
                    let each: Option<Vec<String>> = items
                        .iter()
                        .map(|item| match literal(item)? {
                            item @ (Value::String(_) | Value::Number(_)) => {
                                Some(jq::equality(&value, true, &item.to_string()))
                            }
                            _ => None,
                        })
                        .collect();
                    each.filter(|each| !each.is_empty())?.join(" or ")
                }
                _ => return None,
            };
            Some(if operator == "in" { found } else { not(found) })
        }
        _ => None,
    }
}

fn has(of: &Expression) -> Option<String> {
    match jinja::path(of)? {
        ("record", keys) => match keys.as_slice() {
            [Value::String(key)] => Some(format!("has({})", jq::literal(key))),
            _ => None,
        },
        _ => None,
    }
}

fn is_null(of: &Expression) -> Option<String> {
    let is_null = format!("{} == null", jq_value(of)?);
    Some([has(of)?, is_null].join(" and "))
}

/// `include_from_parent` and the names that its columns get.
pub(super) fn add_parent_fields(
    resource: &mut Map<String, Value>,
    parent: &str,
    fields: &[(String, String)],
) {
    if fields.is_empty() {
        return;
    }
    let include: Vec<&String> = fields.iter().map(|(field, _)| field).collect();
    resource.insert("include_from_parent".into(), json!(include));
    let rename: Map<String, Value> =
        fields.iter().map(|(field, name)| (format!("_{parent}_{field}"), name.clone().into())).collect();
    resource.insert("rename".into(), rename.into());
}
