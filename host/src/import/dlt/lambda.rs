//! Small functions of one row as expressions of jq, where both surely say the same for every row that Python takes.

use tree_sitter::Node;

use super::call::returned;
use crate::import::jq;
use crate::import::python::{Piece, bare, number, part, parts, pieces, text_of};

/// A lambda of one row.
pub(super) fn jq_of_lambda(lambda: Node<'_>, text: &str) -> Option<String> {
    let parameters: Vec<Node<'_>> = parts(part(lambda, "parameters")?).collect();
    let [row] = parameters.as_slice() else { return None };
    let row = Row { name: text_of(*row, text), text };
    row.top(part(lambda, "body")?)
}

/// A function of one row that only returns.
pub(super) fn jq_of_function(function: Node<'_>, text: &str) -> Option<String> {
    let parameters = super::scope::parameters(function, text);
    let [(name, None)] = parameters.as_slice() else { return None };
    let statements = parts(part(function, "body")?).count();
    let row = Row { name, text };
    row.top(returned(function).filter(|_| statements == 1)?)
}

struct Row<'t> {
    name: &'t str,
    text: &'t str,
}

impl Row<'_> {
    /// The whole: a condition, a value that is taken for one, or a new row.
    fn top(&self, node: Node<'_>) -> Option<String> {
        let node = bare(node);
        match node.kind() {
            "dictionary" => self.object(node),
            _ => self.condition(node),
        }
    }

    /// As Python's `bool(…)` has it.
    fn condition(&self, node: Node<'_>) -> Option<String> {
        let node = bare(node);
        match node.kind() {
            "comparison_operator" => self.comparison(node),
            "boolean_operator" => {
                let operator = text_of(part(node, "operator")?, self.text);
                let (left, right) =
                    (self.condition(part(node, "left")?)?, self.condition(part(node, "right")?)?);
                Some(format!("({left}) {operator} ({right})"))
            }
            "not_operator" => Some(format!("({}) | not", self.condition(part(node, "argument")?)?)),
            "true" | "false" => Some(text_of(node, self.text).to_ascii_lowercase()),
            _ => Some(jq::truth(&self.value(node)?)),
        }
    }

    fn comparison(&self, node: Node<'_>) -> Option<String> {
        let operands: Vec<Node<'_>> = parts(node).collect();
        let [left, right] = operands.as_slice() else { return None };
        let operator: Vec<&str> = (0..node.child_count())
            .filter_map(|at| node.child(at))
            .filter(|child| !operands.contains(child))
            .flat_map(|child| text_of(child, self.text).split_whitespace())
            .collect();
        let (left, right) = (bare(*left), bare(*right));
        match operator.join(" ").as_str() {
            // To Python, True is 1.
            operator @ ("==" | "!=") if !is_bool(left) && !is_bool(right) => {
                let (value, other) = if is_literal(left) { (right, left) } else { (left, right) };
                let (value, other) = (self.value(value)?, self.value(other)?);
                Some(jq::equality(&value, operator == "==", &other))
            }
            // Between kinds Python fails, and jq has an order.
            operator @ ("<" | ">" | "<=" | ">=") if is_literal(left) || is_literal(right) => {
                Some(format!("{} {operator} {}", self.value(left)?, self.value(right)?))
            }
            operator @ ("is" | "is not") if is_bool(right) || right.kind() == "none" => {
                let sign = if operator == "is" { "==" } else { "!=" };
                Some(format!("{} {sign} {}", self.value(left)?, self.value(right)?))
            }
            operator @ ("in" | "not in") => {
                let found = self.membership(left, right)?;
                Some(if operator == "in" { found } else { format!("({found}) | not") })
            }
            _ => None,
        }
    }

    /// `"key" in row`, `value in [1, 2]`
    fn membership(&self, left: Node<'_>, right: Node<'_>) -> Option<String> {
        if right.kind() == "identifier" && text_of(right, self.text) == self.name {
            return Some(format!("has({})", self.literal(left).filter(|_| left.kind() == "string")?));
        }
        let items: Vec<Node<'_>> = parts(right).map(bare).collect();
        let plain = matches!(right.kind(), "list" | "tuple" | "set") && !items.is_empty();
        let value = self.value(left).filter(|_| plain && !items.iter().any(|item| is_bool(*item)))?;
        let each: Option<Vec<String>> =
            items.iter().map(|item| Some(jq::equality(&value, true, &self.literal(*item)?))).collect();
        Some(each?.join(" or "))
    }

    /// A value that comes of the row.
    fn value(&self, node: Node<'_>) -> Option<String> {
        let node = bare(node);
        match node.kind() {
            "subscript" => {
                let key = part(node, "subscript").filter(|key| key.kind() == "string")?;
                self.field(part(node, "value")?, key)
            }
            "call" => self.call(node),
            _ => self.literal(node),
        }
    }

    fn field(&self, of: Node<'_>, key: Node<'_>) -> Option<String> {
        let of = bare(of);
        let within = if of.kind() == "identifier" && text_of(of, self.text) == self.name {
            String::new()
        } else {
            self.value(of).filter(|value| value.starts_with('.'))?
        };
        let key = match pieces(key, self.text)?.as_slice() {
            [Piece::Text(key)] => key.clone(),
            _ => return None,
        };
        Some(jq::field(&within, &key))
    }

    fn call(&self, node: Node<'_>) -> Option<String> {
        let function = part(node, "function")?;
        let arguments: Vec<Node<'_>> = parts(part(node, "arguments")?).collect();
        if function.kind() == "identifier" && text_of(function, self.text) == "len" {
            let [of] = arguments.as_slice() else { return None };
            return Some(format!("({} | length)", self.value(*of)?));
        }
        let method = part(function, "attribute").map(|name| text_of(name, self.text));
        match (method, arguments.as_slice()) {
            (Some("get"), [key]) if key.kind() == "string" => self.field(part(function, "object")?, *key),
            _ => None,
        }
    }

    /// `{**row, "key": value}`
    fn object(&self, node: Node<'_>) -> Option<String> {
        let (mut rest, mut fields) = (None, Vec::new());
        for (at, entry) in parts(node).enumerate() {
            if entry.kind() == "dictionary_splat" {
                let of = parts(entry).next().filter(|of| at == 0 && text_of(*of, self.text) == self.name);
                rest = Some(of?);
                continue;
            }
            let (key, value) = (part(entry, "key")?, bare(part(entry, "value")?));
            let key = self.literal(key).filter(|_| key.kind() == "string")?;
            let value = if value.kind() == "comparison_operator" {
                format!("({})", self.comparison(value)?)
            } else {
                self.value(value)?
            };
            fields.push(format!("{key}: {value}"));
        }
        let fields = format!("{{{}}}", fields.join(", "));
        Some(if rest.is_some() { format!(". + {fields}") } else { fields })
    }

    fn literal(&self, node: Node<'_>) -> Option<String> {
        match node.kind() {
            "none" => Some("null".into()),
            "true" => Some("true".into()),
            "false" => Some("false".into()),
            "integer" | "float" => number(text_of(node, self.text)).map(|number| number.to_string()),
            "unary_operator" => {
                let argument =
                    part(node, "argument").filter(|inner| matches!(inner.kind(), "integer" | "float"))?;
                let minus = text_of(part(node, "operator")?, self.text);
                Some(format!("{minus}{}", self.literal(argument)?)).filter(|_| minus == "-")
            }
            "string" => match pieces(node, self.text)?.as_slice() {
                [Piece::Text(text)] => Some(jq::literal(text)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn is_bool(node: Node<'_>) -> bool {
    matches!(node.kind(), "true" | "false")
}

fn is_literal(node: Node<'_>) -> bool {
    matches!(node.kind(), "integer" | "float" | "string" | "unary_operator")
}
