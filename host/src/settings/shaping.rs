//! What a config says of the columns and tables of all its resources.

use sanderling_destination::{Names, Nested, Shape, SystemNames};
use serde_json::{Map, Value, json};

use crate::contract::Diagnostic;
use crate::document::nearest;
use crate::run::plan::Totals;

/// Lists are nested less deep than this, or stay JSON.
const MAX_DEPTH: u64 = 64;

/// What a config says of all resources; none: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shaping {
    /// `nested`.
    pub nested: Option<NestedIn>,
    /// `names`.
    pub names: Option<Names>,
    /// `total`.
    pub total: Option<Totals>,
}

/// What becomes of objects and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NestedIn {
    /// They stay in their column.
    Column,
    /// Objects are flattened, lists become tables of their own.
    Tables {
        /// What is nested deeper is JSON; none: up to 64.
        max_depth: Option<u32>,
        /// How the columns are named that are added.
        system: SystemNames,
    },
}

impl Shaping {
    /// The keys that were written, as a config says them.
    pub(super) fn to_json(self) -> Vec<(&'static str, Value)> {
        let nested = self.nested.map(|nested| match nested {
            NestedIn::Column => json!("json"),
            NestedIn::Tables { max_depth, system } => {
                let mut tables = Map::new();
                tables.extend(max_depth.map(|depth| ("max_depth".to_owned(), depth.into())));
                tables.insert("system".to_owned(), system_name(system).into());
                json!({"tables": tables})
            }
        });
        let names = self.names.map(|names| match names {
            Names::SnakeCase => json!("snake_case"),
            Names::AsIs => json!("as_is"),
        });
        let total = self.total.map(|total| json!(total.name()));
        let keys = [("nested", nested), ("names", names), ("total", total)];
        keys.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// How the rows of a resource become columns, which says itself how deep lists are to be tables.
    pub fn shape(self, of: Shape, max_nesting: Option<u32>) -> Shape {
        let system = match self.nested {
            Some(NestedIn::Tables { system, .. }) => system,
            Some(NestedIn::Column) | None => SystemNames::Ours,
        };
        let nested = match (max_nesting, self.nested) {
            // Tables like dlt's have an id for each row, also where no list hangs on one.
            (Some(depth), Some(NestedIn::Tables { .. })) => Some(Nested::Tables { max_depth: Some(depth) }),
            (Some(0), _) => Some(Nested::Json),
            (Some(depth), _) => Some(Nested::Tables { max_depth: Some(depth) }),
            (None, Some(NestedIn::Tables { max_depth, .. })) => Some(Nested::Tables { max_depth }),
            (None, Some(NestedIn::Column) | None) => None,
        };
        Shape { nested, names: self.names.unwrap_or(of.names), system, ..of }
    }
}

fn system_name(system: SystemNames) -> &'static str {
    match system {
        SystemNames::Ours => "sanderling",
        SystemNames::Dlt => "dlt",
    }
}

fn refuse(problems: &mut Vec<Diagnostic>, path: &str, message: &str, hint: &str) {
    let hint = Some(hint.to_owned());
    problems.push(Diagnostic { path: path.to_owned(), message: message.to_owned(), hint });
}

/// A word out of a few.
fn word<T: Copy>(
    problems: &mut Vec<Diagnostic>,
    path: &str,
    value: &Value,
    words: &[(&str, T)],
    hint: &str,
) -> Option<T> {
    let known = words.iter().find(|(word, _)| value == word);
    if known.is_none() {
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let near = value.as_str().and_then(|text| nearest(text, words.iter().map(|(word, _)| *word)));
        let hint = near.map_or_else(|| hint.to_owned(), |word| format!("did you mean `{word}`?"));
        refuse(problems, path, &format!("{} is expected here", all.join(" or ")), &hint);
    }
    known.map(|(_, known)| *known)
}

pub(super) fn nested(problems: &mut Vec<Diagnostic>, path: &str, value: &Value) -> Option<NestedIn> {
    let plain = NestedIn::Tables { max_depth: None, system: SystemNames::Ours };
    let words = [("json", NestedIn::Column), ("tables", plain)];
    let hint = "tables makes lists tables of their own; {tables: {max_depth: 2}} down to a depth";
    let Value::Object(object) = value else { return word(problems, path, value, &words, hint) };
    let (Some(tables), 1) = (object.get("tables"), object.len()) else {
        refuse(problems, path, "`tables` alone is expected in this object", hint);
        return None;
    };
    let path = format!("{path}/tables");
    let none = Map::new();
    let keys = match tables {
        Value::Object(keys) => keys,
        Value::Null => &none,
        _ => {
            refuse(problems, &path, "an object is expected here", "known here: `max_depth`, `system`");
            return None;
        }
    };
    let (mut max_depth, mut system) = (None, SystemNames::Ours);
    for (key, value) in keys {
        let path = format!("{path}/{key}");
        match key.as_str() {
            "max_depth" => {
                max_depth = value
                    .as_u64()
                    .filter(|depth| *depth <= MAX_DEPTH)
                    .and_then(|depth| u32::try_from(depth).ok());
                if max_depth.is_none() {
                    let hint = "1 makes lists tables, and leaves the lists in their rows as JSON";
                    refuse(problems, &path, "a whole number from 0 to 64 is expected here", hint);
                }
            }
            "system" => {
                let words = [SystemNames::Ours, SystemNames::Dlt].map(|names| (system_name(names), names));
                let hint = "dlt names the added columns as dlt does: `_dlt_load_id`, `_dlt_id` and so on";
                system = word(problems, &path, value, &words, hint).unwrap_or_default();
            }
            other => {
                let hint = match nearest(other, ["max_depth", "system"]) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "known here: `max_depth`, `system`".to_owned(),
                };
                refuse(problems, &path, &format!("unknown key `{other}` of `tables`"), &hint);
            }
        }
    }
    Some(NestedIn::Tables { max_depth, system })
}

pub(super) fn names(problems: &mut Vec<Diagnostic>, path: &str, value: &Value) -> Option<Names> {
    let words = [("snake_case", Names::SnakeCase), ("as_is", Names::AsIs)];
    word(problems, path, value, &words, "snake_case makes `firstName` the column `first_name`")
}

pub(super) fn total(problems: &mut Vec<Diagnostic>, path: &str, value: &Value) -> Option<Totals> {
    let words = [Totals::Exact, Totals::Estimate, Totals::Ignore].map(|total| (total.name(), total));
    word(problems, path, value, &words, "exact: fewer rows than the API's total are a failure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_all_and_of_one() {
        let read = |value: Value| {
            let mut problems = Vec::new();
            let nested = nested(&mut problems, "/nested", &value);
            (nested, problems.into_iter().map(|it| it.path).collect::<Vec<_>>())
        };
        let tables = |max_depth, system| Some(NestedIn::Tables { max_depth, system });
        for (value, expected) in [
            (json!("json"), Some(NestedIn::Column)),
            (json!("tables"), tables(None, SystemNames::Ours)),
            (json!({"tables": null}), tables(None, SystemNames::Ours)),
            (json!({"tables": {"max_depth": 2, "system": "dlt"}}), tables(Some(2), SystemNames::Dlt)),
        ] {
            assert_eq!(read(value.clone()), (expected, vec![]), "{value}");
        }
        for (value, path) in [
            (json!("tabels"), "/nested"),
            (json!({"json": {}}), "/nested"),
            (json!({"tables": 2}), "/nested/tables"),
            (json!({"tables": {"max_depth": 65}}), "/nested/tables/max_depth"),
            (json!({"tables": {"system": "ours"}}), "/nested/tables/system"),
            (json!({"tables": {"depth": 2}}), "/nested/tables/depth"),
        ] {
            assert_eq!(read(value.clone()).1, [path], "{value}");
        }
        let shape = |nested, max_nesting| {
            let shaping = Shaping { nested, ..Shaping::default() };
            let shape = shaping.shape(Shape::default(), max_nesting);
            (shape.nested, shape.system)
        };
        let (ours, dlt) = (SystemNames::Ours, SystemNames::Dlt);
        let down_to = |max_depth| Some(Nested::Tables { max_depth });
        for (nested, max_nesting, expected) in [
            (None, None, (None, ours)),
            (None, Some(0), (Some(Nested::Json), ours)),
            (None, Some(2), (down_to(Some(2)), ours)),
            (Some(NestedIn::Column), Some(1), (down_to(Some(1)), ours)),
            (tables(None, dlt), None, (down_to(None), dlt)),
            (tables(Some(3), dlt), None, (down_to(Some(3)), dlt)),
            (tables(Some(3), dlt), Some(0), (down_to(Some(0)), dlt)),
        ] {
            assert_eq!(shape(nested, max_nesting), expected, "{nested:?} {max_nesting:?}");
        }
    }
}
