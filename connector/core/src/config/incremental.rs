//! `incremental`: which field of a row tells how new it is, and from where to where rows are read.

use std::rc::Rc;

use serde_json::Value;

use super::{inside, steps};
use crate::diagnostic::{Problems, did_you_mean};
use crate::document::{At, Fields, Keys, Node};
use crate::jq::Program;
use crate::mark::Bound;
use crate::select::ValuePath;

/// As the config writes it, in `endpoint.incremental` or as a parameter of type `incremental`.
#[derive(Debug, Clone)]
pub(crate) struct Incremental {
    pub(crate) pointer: String,
    /// Within a row.
    pub(crate) cursor_path: ValuePath,
    pub(crate) initial_value: Option<Bound>,
    pub(crate) end_value: Option<Bound>,
    /// `last_value_func: min`: rows grow newer as the value falls.
    pub(crate) descending: bool,
    pub(crate) lag: Option<serde_json::Number>,
    pub(crate) row_order: Option<RowOrder>,
    /// `range_start: open`: a row at the start is not wanted.
    pub(crate) open_start: bool,
    /// `range_end: closed`: a row at the end is wanted.
    pub(crate) closed_end: bool,
    pub(crate) missing: Missing,
    pub(crate) start_param: Option<At<String>>,
    pub(crate) end_param: Option<At<String>>,
    /// What a bound becomes before it is sent.
    pub(crate) convert: Option<Rc<Program>>,
    /// What tells rows of one value apart; `None`: the resource's primary key. Empty: nothing does.
    pub(crate) primary_key: Option<Vec<String>>,
    /// Where `allow_external_schedulers: true` was written, which only schedulers of dlt's take up.
    pub(crate) schedulers: Option<String>,
}

/// The order in which the API sends its rows, by the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOrder {
    Rising,
    Falling,
}

/// What becomes of a row without a cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Missing {
    #[default]
    Raise,
    Include,
    Exclude,
}

const INCREMENTAL: Keys = Keys {
    of: "`incremental`",
    known: &[
        "cursor_path",
        "initial_value",
        "end_value",
        "last_value_func",
        "lag",
        "row_order",
        "range_start",
        "range_end",
        "on_cursor_value_missing",
        "start_param",
        "end_param",
        "primary_key",
        "allow_external_schedulers",
        "convert",
    ],
    later: &[],
    elsewhere: &[("transform", "it is named `convert`")],
};

/// The same without the keys that only `endpoint.incremental` has.
const PARAM: Keys = Keys {
    of: "a parameter of type `incremental`",
    known: &[
        "type",
        "cursor_path",
        "initial_value",
        "last_value_func",
        "lag",
        "row_order",
        "range_start",
        "range_end",
        "on_cursor_value_missing",
        "primary_key",
        "allow_external_schedulers",
        "convert",
    ],
    later: INCREMENTAL.later,
    elsewhere: INCREMENTAL.elsewhere,
};

const NOT_OF_A_PARAM: [&str; 3] = ["end_value", "start_param", "end_param"];

/// Reads `endpoint.incremental`.
pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Incremental> {
    let fields = node.object("`incremental`", problems)?;
    fields_of(node, fields, &INCREMENTAL, problems)
}

/// Reads a parameter of type `incremental`, whose `type` has been taken: `name` is what the start is sent as.
pub(super) fn param(
    name: &str,
    node: &Node<'_>,
    mut fields: Fields<'_>,
    problems: &mut Problems,
) -> Option<Incremental> {
    for key in NOT_OF_A_PARAM {
        if let Some(node) = fields.take_raw(key) {
            let message = format!("a parameter of type `incremental` has no `{key}`");
            problems.hint(&node.pointer, message, "write `incremental` under `endpoint`, beside `params`");
        }
    }
    let start_param = Some(node.at(name.to_owned()));
    Some(Incremental { start_param, ..fields_of(node, fields, &PARAM, problems)? })
}

fn fields_of(
    node: &Node<'_>,
    mut fields: Fields<'_>,
    keys: &Keys,
    problems: &mut Problems,
) -> Option<Incremental> {
    let cursor_path = match fields.take("cursor_path") {
        Some(node) => path(&node, problems),
        None => {
            let hint = "\"cursor_path\": \"updated_at\"";
            problems.hint(&inside(node, "cursor_path"), "`cursor_path` is missing", hint);
            None
        }
    };
    let mut bound = |key: &str, problems: &mut Problems| {
        fields.take(key).and_then(|node| Some((bound(&node, problems)?, node.pointer)))
    };
    let initial_value = bound("initial_value", problems);
    let end_value = bound("end_value", problems);
    let descending = choice(&mut fields, "last_value_func", ["max", "min"], problems) == Some(1);
    if let (Some((end, pointer)), None) = (&end_value, &initial_value) {
        let message = "`end_value` needs an `initial_value`: a range has two ends";
        problems.hint(pointer, message, format!("\"initial_value\": {}", end.json));
    }
    if let (Some((initial, _)), Some((end, pointer))) = (&initial_value, &end_value)
        && !end.reaches(initial, descending)
    {
        let message = format!("nothing lies between {} and {}", initial.json, end.json);
        problems.hint(pointer, message, "let `end_value` lie beyond `initial_value`");
    }
    let row_order = choice(&mut fields, "row_order", ["asc", "desc"], problems);
    let missing = choice(&mut fields, "on_cursor_value_missing", ["raise", "include", "exclude"], problems);
    let open_start = choice(&mut fields, "range_start", ["closed", "open"], problems) == Some(1);
    let closed_end = choice(&mut fields, "range_end", ["open", "closed"], problems) == Some(1);
    let lag = fields.take("lag").and_then(|node| lag(&node, problems));
    let mut name = |key: &str, problems: &mut Problems| {
        fields.take(key).and_then(|node| node.name("a parameter's name", problems))
    };
    let (start_param, end_param) = (name("start_param", problems), name("end_param", problems));
    let primary_key = fields.take("primary_key").and_then(|node| node.names("a field of a row", problems));
    let convert = fields.take("convert").and_then(|node| steps::program(&node, problems));
    let schedulers = fields
        .take("allow_external_schedulers")
        .filter(|node| node.boolean(problems) == Some(true))
        .map(|node| node.pointer);
    fields.close(keys, problems);
    Some(Incremental {
        pointer: node.pointer.clone(),
        cursor_path: cursor_path?,
        initial_value: initial_value.map(|(bound, _)| bound),
        end_value: end_value.map(|(bound, _)| bound),
        descending,
        lag,
        row_order: row_order.map(|at| if at == 0 { RowOrder::Rising } else { RowOrder::Falling }),
        open_start,
        closed_end,
        missing: match missing {
            Some(1) => Missing::Include,
            Some(2) => Missing::Exclude,
            _ => Missing::Raise,
        },
        start_param,
        end_param,
        convert,
        primary_key: primary_key.map(|names| names.into_iter().map(|name| name.value).collect()),
        schedulers,
    })
}

fn path(node: &Node<'_>, problems: &mut Problems) -> Option<ValuePath> {
    let text = node.name("a JSONPath", problems)?;
    let path = ValuePath::parse(&text.value);
    path.map_err(|error| {
        let hint = "quote unusual names: `['@odata.value']`";
        problems.hint(&node.pointer, format!("`{}`: {error}", text.value), hint);
    })
    .ok()
}

fn bound(node: &Node<'_>, problems: &mut Problems) -> Option<Bound> {
    Bound::of(&node.value.to_string())
        .map_err(|noun| {
            let message = format!("this is {noun}, which cannot be compared with a row's cursor");
            problems.hint(&node.pointer, message, "write a number, a time or a text, as the rows have it");
        })
        .ok()
}

fn lag(node: &Node<'_>, problems: &mut Problems) -> Option<serde_json::Number> {
    match node.value {
        Value::Number(number) if number.as_f64().is_some_and(|lag| lag >= 0.0) => Some(number.clone()),
        _ => {
            let hint = "seconds for times, days for dates, else in the cursor's own unit";
            problems.hint(&node.pointer, "`lag` is a number, 0 or more", hint);
            None
        }
    }
}

/// Which of a few words stands there.
fn choice<const N: usize>(
    fields: &mut Fields<'_>,
    key: &str,
    words: [&'static str; N],
    problems: &mut Problems,
) -> Option<usize> {
    let text = fields.take(key)?.name(&format!("`{key}`"), problems)?;
    let found = words.iter().position(|word| *word == text.value);
    if found.is_none() {
        let all = words.map(|word| format!("`{word}`")).join(" or ");
        let hint = did_you_mean(&text.value, words).unwrap_or(all);
        problems.hint(&text.pointer, format!("unknown `{key}`: `{}`", text.value), hint);
    }
    found
}
