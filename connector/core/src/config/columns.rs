//! `columns`: what is said of a resource's columns, by their names in the output.
//!
//! dlt's two spellings, a map from names and a list of objects with a `name`; its rule for the merge, hint by hint; and
//! its rule for keys: a column that says `primary_key` joins those that the resource names.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Problems, did_you_mean, list};
use crate::document::{At, Fields, Keys, Node};

/// The hints of each column as written, in the order of writing.
pub(crate) type Written<'a> = Vec<(String, Hints<'a>)>;

#[derive(Debug, Clone)]
pub(crate) struct Hints<'a> {
    /// Where the column was written.
    pointer: String,
    fields: Fields<'a>,
}

/// A column as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Where it was written.
    pub(crate) pointer: String,
    pub(crate) data_type: Option<String>,
    /// Of decimals: digits in all, and how many of them behind the point.
    pub(crate) digits: Option<(u64, u64)>,
    /// Of moments: whether they are kept in UTC, or as they came, without a zone.
    pub(crate) timezone: Option<bool>,
    pub(crate) nullable: Option<bool>,
    pub(crate) primary_key: bool,
    pub(crate) merge_key: bool,
    /// Which of a load's rows of one key stays, by this column.
    pub(crate) dedup_sort: Option<At<Order>>,
    /// Set where what is in it says that a row is to be deleted: where that was written.
    pub(crate) hard_delete: Option<String>,
}

/// Which end of a column is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Asc,
    Desc,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// dlt's data types.
const DATA_TYPES: &[&str] =
    &["text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"];

/// Digits of the widest decimal.
const MAX_DIGITS: u64 = 76;

/// What other tools call them.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("string", "text"),
    ("str", "text"),
    ("varchar", "text"),
    ("uuid", "text"),
    ("float", "double"),
    ("real", "double"),
    ("number", "double"),
    ("boolean", "bool"),
    ("datetime", "timestamp"),
    ("timestamptz", "timestamp"),
    ("int", "bigint"),
    ("integer", "bigint"),
    ("bytes", "binary"),
    ("blob", "binary"),
    ("object", "json"),
    ("array", "json"),
    ("jsonb", "json"),
    ("complex", "json"),
    ("numeric", "decimal"),
];

const COLUMN: Keys = Keys {
    of: "a column",
    known: &[
        "data_type",
        "precision",
        "scale",
        "timezone",
        "nullable",
        "primary_key",
        "merge_key",
        "dedup_sort",
        "hard_delete",
        "description",
    ],
    later: &[
        "cluster",
        "incremental",
        "parent_key",
        "partition",
        "root_key",
        "row_key",
        "sort",
        "unique",
        "variant",
    ],
    elsewhere: &[("type", "did you mean `data_type`?"), ("required", "write `nullable: false`")],
};

/// Reads either spelling.
pub(crate) fn written<'a>(node: &Node<'a>, problems: &mut Problems) -> Option<Written<'a>> {
    let mut columns: Written<'a> = Vec::new();
    if !node.value.is_array() {
        for (name, node) in node.object("columns", problems)?.into_iter() {
            if let Some(fields) = node.object("the hints of a column", problems) {
                add(&mut columns, name.to_owned(), Hints { pointer: node.pointer, fields }, problems);
            }
        }
        return Some(columns);
    }
    for item in node.items("columns", problems)? {
        let Some(mut fields) = item.object("a column", problems) else {
            continue;
        };
        match fields.take("name") {
            Some(name) => {
                let hints = Hints { pointer: item.pointer, fields };
                if let Some(name) = name.string("a column's name", problems) {
                    add(&mut columns, name.value, hints, problems);
                }
            }
            None => problems.hint(&item.pointer, "a column in a list needs its `name`", "\"name\": \"id\""),
        }
    }
    Some(columns)
}

fn add<'a>(columns: &mut Written<'a>, name: String, hints: Hints<'a>, problems: &mut Problems) {
    if name.is_empty() {
        problems.add(&hints.pointer, "a column's name is empty");
    } else if columns.iter().any(|(other, _)| *other == name) {
        problems.add(&hints.pointer, format!("there are two columns named `{name}`"));
    } else {
        columns.push((name, hints));
    }
}

/// These columns, with the hints of `over` in place of those of the same column and name.
pub(crate) fn overlaid<'a>(base: &Written<'a>, over: Written<'a>) -> Written<'a> {
    let mut merged = base.clone();
    for (name, hints) in over {
        match merged.iter_mut().find(|(other, _)| *other == name) {
            Some((_, into)) => {
                *into = Hints { pointer: hints.pointer, fields: into.fields.overlaid(&hints.fields) };
            }
            None => merged.push((name, hints)),
        }
    }
    merged
}

/// Reads the hints of merged columns.
pub(crate) fn read(columns: Written<'_>, problems: &mut Problems) -> Vec<Column> {
    let mut read = |(name, hints): (String, Hints<'_>)| {
        let Hints { pointer, mut fields } = hints;
        let data_type = fields.take("data_type").and_then(|node| data_type(&node, problems));
        let column = Column {
            name,
            pointer,
            digits: digits(&mut fields, data_type.as_deref(), problems),
            timezone: timezone(&mut fields, data_type.as_deref(), problems),
            data_type,
            nullable: fields.take("nullable").and_then(|node| node.boolean(problems)),
            primary_key: fields
                .take("primary_key")
                .and_then(|node| node.boolean(problems))
                .unwrap_or_default(),
            merge_key: fields.take("merge_key").and_then(|node| node.boolean(problems)).unwrap_or_default(),
            dedup_sort: fields.take("dedup_sort").and_then(|node| order(&node, problems)),
            hard_delete: fields
                .take("hard_delete")
                .and_then(|node| node.boolean(problems)?.then_some(node.pointer)),
        };
        // For who reads the config; there is nothing to act on.
        fields.take("description").and_then(|node| node.string("a description", problems));
        fields.close(&COLUMN, problems);
        column
    };
    let columns: Vec<Column> = columns.into_iter().map(&mut read).collect();
    let sorts = columns.iter().filter_map(|column| Some((column, &column.dedup_sort.as_ref()?.pointer)));
    one(sorts, "dedup_sort", problems);
    let deletes = columns.iter().filter_map(|column| Some((column, column.hard_delete.as_ref()?)));
    one(deletes, "hard_delete", problems);
    columns
}

/// Refuses a hint that two columns have: it would have to be chosen between them.
fn one<'a>(mut found: impl Iterator<Item = (&'a Column, &'a String)>, hint: &str, problems: &mut Problems) {
    let Some((first, _)) = found.next() else { return };
    for (_, pointer) in found {
        let message = format!("`{}` has a `{hint}` already; a table can have one", first.name);
        problems.hint(pointer, message, "leave one of them out");
    }
}

fn order(node: &Node<'_>, problems: &mut Problems) -> Option<At<Order>> {
    let text = node.name("`asc` or `desc`", problems)?.value;
    let order = match text.as_str() {
        "asc" => Order::Asc,
        "desc" => Order::Desc,
        other => {
            let hint = did_you_mean(other, ["asc", "desc"]).unwrap_or_else(|| "`asc` or `desc`".to_owned());
            problems.hint(&node.pointer, format!("unknown order `{other}`"), hint);
            return None;
        }
    };
    Some(node.at(order))
}

/// `precision` and `scale`, which are of decimals alone: nothing else is cut to a length.
fn digits(fields: &mut Fields<'_>, data_type: Option<&str>, problems: &mut Problems) -> Option<(u64, u64)> {
    let (precision, scale) = (fields.take("precision"), fields.take("scale"));
    let given = precision.as_ref().or(scale.as_ref())?;
    if !matches!(data_type, Some("decimal" | "wei")) {
        let message = "`precision` and `scale` are of columns of the type `decimal`";
        problems.hint(&given.pointer, message, "leave it out: whatever comes is kept whole");
        return None;
    }
    let (Some(digits), Some(places)) = (&precision, &scale) else {
        let message = "a decimal that says one of `precision` and `scale` has to say both";
        problems.hint(&given.pointer, message, "write both; 38 and 9 are what dlt goes by");
        return None;
    };
    let (most, behind) = (digits.count(problems)?, places.count(problems)?);
    if !(1..=MAX_DIGITS).contains(&most) {
        problems.add(&digits.pointer, format!("a number from 1 to {MAX_DIGITS} is expected here"));
        return None;
    }
    if behind > most {
        problems.add(&places.pointer, format!("of {most} digits no {behind} can be behind the point"));
        return None;
    }
    Some((most, behind))
}

fn timezone(fields: &mut Fields<'_>, data_type: Option<&str>, problems: &mut Problems) -> Option<bool> {
    let node = fields.take("timezone")?;
    if data_type != Some("timestamp") {
        problems.add(&node.pointer, "`timezone` is of columns of the type `timestamp`");
        return None;
    }
    node.boolean(problems)
}

fn data_type(node: &Node<'_>, problems: &mut Problems) -> Option<String> {
    let text = node.name("a data type", problems)?.value;
    if DATA_TYPES.contains(&text.as_str()) {
        return Some(text);
    }
    let lower = text.to_ascii_lowercase();
    let meant = OTHER_NAMES.iter().find(|(other, _)| *other == lower).map(|(_, name)| *name);
    let hint = meant
        .map(|name| format!("did you mean `{name}`?"))
        .or_else(|| did_you_mean(&text, DATA_TYPES.iter().copied()))
        .unwrap_or_else(|| format!("known here: {}", list(DATA_TYPES.iter().copied())));
    problems.hint(&node.pointer, format!("unknown data type `{text}`"), hint);
    None
}

/// The columns that say more than that they are keys, as the contract's JSON object.
pub(crate) fn for_the_host(columns: &[Column]) -> Option<String> {
    let mut map = Map::new();
    for column in columns {
        let mut hints = Map::new();
        hints.extend(column.data_type.as_ref().map(|text| ("data_type".to_owned(), json!(text))));
        for (name, digits) in
            column.digits.iter().flat_map(|(most, behind)| [("precision", most), ("scale", behind)])
        {
            hints.insert(name.to_owned(), json!(digits));
        }
        hints.extend(column.timezone.map(|timezone| ("timezone".to_owned(), json!(timezone))));
        hints.extend(column.nullable.map(|nullable| ("nullable".to_owned(), json!(nullable))));
        let order = column.dedup_sort.as_ref().map(|order| order.value.name());
        hints.extend(order.map(|order| ("dedup_sort".to_owned(), json!(order))));
        hints.extend(column.hard_delete.is_some().then(|| ("hard_delete".to_owned(), json!(true))));
        if !hints.is_empty() {
            map.insert(column.name.clone(), Value::Object(hints));
        }
    }
    (!map.is_empty()).then(|| Value::Object(map).to_string())
}
