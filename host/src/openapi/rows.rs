//! Where in the schema of an answer its rows stand.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::{documented, items, member, parts};

/// Lists are looked for so many levels down.
const MAX_DEPTH: usize = 4;

/// A step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a field.
    Member(String),
    /// Into an item of a list, whichever.
    Item,
}

/// The steps of a JSONPath: `data`, `$.data[*]`, `['a.b'][0].items[?@.on]`. `None`: it does more than walk down.
pub(super) fn steps(selector: &str) -> Option<Vec<Step>> {
    let mut rest = selector.trim();
    rest = rest.strip_prefix('$').unwrap_or(rest);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let quote = bracket.chars().next().filter(|char| matches!(char, '\'' | '"'));
            let (inside, behind) = match quote {
                Some(quote) => {
                    let (name, behind) = bracket.get(1..)?.split_once(quote)?;
                    (name, behind.strip_prefix(']')?)
                }
                None => bracket.split_once(']')?,
            };
            let plain = !inside.contains(['\\', '[', ',']);
            match quote {
                Some(_) if plain => steps.push(Step::Member(inside.to_owned())),
                // Which items are meant does not matter to what they are like.
                None if plain => steps.push(Step::Item),
                _ => return None,
            }
            rest = behind;
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = (rest.get(..end)?, rest.get(end..)?);
        match name {
            "" => return None,
            "*" => steps.push(Step::Item),
            name if name.contains([',', '|', '(', '`', '?', ' ']) => return None,
            name => steps.push(Step::Member(name.to_owned())),
        }
        rest = behind;
    }
    Some(steps)
}

/// What the rows at `steps` are like: a list there stands for its items.
pub(super) fn at<'a>(spec: &'a Value, answer: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    let mut schema = answer;
    for step in steps {
        schema = match step {
            Step::Member(name) => member(spec, schema, name)?,
            Step::Item => items(spec, schema).or_else(|| any_member(spec, schema))?,
        };
    }
    Some(items(spec, schema).unwrap_or(schema))
}

/// Any field: what a wildcard finds in an object.
fn any_member<'a>(spec: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    parts(spec, schema).into_iter().find_map(|part| {
        let free = part.get("additionalProperties").filter(|any| any.is_object());
        free.or_else(|| part.get("properties")?.as_object()?.values().next())
    })
}

/// Of all lists of an answer, the items of the one that has the most fields in common with `seen`; of none, the answer
/// itself.
pub(super) fn most_alike<'a>(spec: &'a Value, answer: &'a Value, seen: &BTreeSet<String>) -> &'a Value {
    let mut found: Vec<&Value> = Vec::new();
    let mut level = vec![answer];
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for schema in level {
            if let Some(item) = items(spec, schema) {
                found.push(item);
                continue;
            }
            for part in parts(spec, schema) {
                next.extend(
                    part.get("properties")
                        .and_then(Value::as_object)
                        .into_iter()
                        .flat_map(|all| all.values()),
                );
            }
        }
        level = next;
    }
    let shared =
        |item: &&Value| documented(spec, item).fields.keys().filter(|name| seen.contains(*name)).count();
    // The last of equals is taken, which is the one nearest to the top.
    found.into_iter().rev().max_by_key(shared).unwrap_or(answer)
}
