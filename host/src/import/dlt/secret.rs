//! Recognises where a program gets a value from outside: dlt's secrets and config, and the environment.

use std::rc::Rc;

use tree_sitter::Node;

use super::scope::{Meaning, Scope};
use crate::import::python::{Piece, dotted, part, parts, pieces};

/// A value from outside.
pub(super) struct Found<'t> {
    /// What it is looked up by; none where dlt takes the name of the parameter.
    pub(super) name: Option<String>,
    /// Whether it is a variable of the environment, by that very name.
    pub(super) env: Option<String>,
    /// What holds where it is not set.
    pub(super) default: Option<Node<'t>>,
}

/// What an expression gets from outside, if it does.
pub(super) fn find<'t>(node: Node<'t>, text: &'t str, scope: &Rc<Scope<'t>>) -> Option<Found<'t>> {
    let full = |node: Node<'t>| origin(node, text, scope);
    let (place, key, default) = match node.kind() {
        "attribute" => {
            let name = full(node)?;
            let known = name == "dlt.secrets.value" || name == "dlt.config.value";
            return known.then_some(Found { name: None, env: None, default: None });
        }
        "subscript" => (full(part(node, "value")?)?, part(node, "subscript")?, None),
        "call" => {
            let function = full(part(node, "function")?)?;
            let place = match function.as_str() {
                "os.getenv" | "getenv" => "os.environ",
                other => other.strip_suffix(".get")?,
            };
            let mut arguments = parts(part(node, "arguments")?);
            let (key, default) = (arguments.next()?, arguments.next());
            // The second argument of dlt's is a type.
            (place.to_owned(), key, default.filter(|_| place.ends_with("environ")))
        }
        _ => return None,
    };
    let key = literal(key, text)?;
    match place.as_str() {
        "dlt.secrets" | "dlt.config" => Some(Found { name: Some(key), env: None, default: None }),
        "os.environ" | "environ" => Some(Found { name: Some(key.clone()), env: Some(key), default }),
        _ => None,
    }
}

/// The full name of something, by where its first part was imported from.
fn origin<'t>(node: Node<'t>, text: &'t str, scope: &Rc<Scope<'t>>) -> Option<String> {
    let name = dotted(node, text)?;
    let (first, rest) =
        name.split_once('.').map_or((name.as_str(), None), |(first, rest)| (first, Some(rest)));
    let first = match scope.find(first, node.start_byte()) {
        Some((Meaning::Imported(origin), _)) => match origin.as_str() {
            "secrets" | "config" => format!("dlt.{origin}"),
            _ => origin,
        },
        Some(_) => return None,
        None => first.to_owned(),
    };
    Some(match rest {
        Some(rest) => format!("{first}.{rest}"),
        None => first,
    })
}

fn literal(node: Node<'_>, text: &str) -> Option<String> {
    match pieces(node, text).filter(|_| node.kind() == "string")?.as_slice() {
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}
