//! Operators and text literals: what they come to once their parts are known.

use std::rc::Rc;

use serde_json::{Number, Value};
use tree_sitter::Node;

use super::evaluate::{Evaluator, Why};
use super::scope::Scope;
use crate::import::python::{Piece, part, pieces};

impl<'t> Evaluator<'t> {
    /// A text literal, holes filled in.
    pub(super) fn string(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<String, Why> {
        let Some(pieces) = pieces(node, self.text) else { return Err(self.worked_out(node)) };
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(&text),
                Piece::Hole(_, Some(_)) => return Err(self.worked_out(node)),
                Piece::Hole(expression, None) => {
                    let value = self.value(expression, scope)?;
                    out.push_str(&spelled(&value).ok_or_else(|| self.worked_out(node))?);
                }
            }
        }
        Ok(out)
    }

    /// `a + b`, as far as it is sure.
    pub(super) fn operation(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let operands = (part(node, "left"), part(node, "operator"), part(node, "right"));
        let (Some(left), Some(operator), Some(right)) = operands else { return Err(self.worked_out(node)) };
        let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
        let operator = self.text_of(operator);
        let whole = |left: &Value, right: &Value| {
            let (left, right) = (left.as_i64()?, right.as_i64()?);
            match operator {
                "+" => left.checked_add(right),
                "-" => left.checked_sub(right),
                "*" => left.checked_mul(right),
                _ => None,
            }
        };
        match (left, operator, right) {
            (Value::String(left), "+", Value::String(right)) => Ok((left + &right).into()),
            (Value::Array(mut left), "+", Value::Array(right)) => {
                left.extend(right);
                Ok(left.into())
            }
            (Value::Object(mut left), "|", Value::Object(right)) => {
                left.extend(right);
                Ok(left.into())
            }
            (left, _, right) => whole(&left, &right).map(Value::from).ok_or_else(|| self.worked_out(node)),
        }
    }

    /// `-a`
    pub(super) fn negative(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let is_minus = part(node, "operator").is_some_and(|operator| self.text_of(operator) == "-");
        let Some(argument) = part(node, "argument").filter(|_| is_minus) else {
            return Err(self.worked_out(node));
        };
        let Value::Number(number) = self.value(argument, scope)? else { return Err(self.worked_out(node)) };
        let negative = match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => 0_i64.checked_sub_unsigned(whole).map(Number::from),
            (None, Some(float)) => Number::from_f64(-float),
            (None, None) => None,
        };
        negative.map(Value::Number).ok_or_else(|| self.worked_out(node))
    }

    /// `value[key]`
    pub(super) fn member(&mut self, node: Node<'t>, scope: &Rc<Scope<'t>>) -> Result<Value, Why> {
        let (Some(of), Some(key)) = (part(node, "value"), part(node, "subscript")) else {
            return Err(self.worked_out(node));
        };
        let (of, key) = (self.value(of, scope)?, self.value(key, scope)?);
        let found = match (&of, &key) {
            (Value::Object(map), Value::String(key)) => map.get(key),
            (Value::Array(items), Value::Number(at)) => {
                at.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?))
            }
            _ => None,
        };
        found.cloned().ok_or_else(|| self.worked_out(node))
    }
}

/// A value as Python's `str` spells it, where that is sure.
pub(super) fn spelled(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".into()),
        Value::Bool(false) => Some("False".into()),
        Value::Null => Some("None".into()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}
