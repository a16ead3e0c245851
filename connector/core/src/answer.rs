//! Rows found in an answer: where they stand, how many were sent, and what is wrong with a body that has none.

use serde_json::Value;
use serde_json_path::PathElement;

use crate::contract::{BadResponse, Fault, Response};
use crate::diagnostic::list;
use crate::json::{
    Found, Item, JsonError, Kind, Scanner, Span, Step, Wanted, decode_string, find, keys_at, survey,
    without_bom,
};
use crate::select::{Query, Selector, ValuePath, spelled};

/// Characters of a body that a message may carry.
const EXCERPT_CHARS: usize = 300;

/// The rows of one answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Item>,
    /// For each row its place in the list that the API sent; `None`: each row is an entry.
    places: Option<Vec<u64>>,
    /// Whether the rows stood in a list; otherwise one value was taken for a row.
    pub(crate) listed: bool,
    /// Entries that the API sent: with a filter, more than there are rows.
    pub(crate) sent: u64,
    /// All of the rows together, for telling them from what stands around them.
    pub(crate) span: Option<Span>,
    /// Values at the side paths, in their order.
    pub(crate) sides: Vec<Option<Item>>,
}

impl Answer {
    /// Keeps the rows of the first `entries` entries.
    pub(crate) fn keep(&mut self, entries: u64) {
        if entries >= self.sent {
            return;
        }
        match &self.places {
            None => self.rows.truncate(usize::try_from(entries).unwrap_or(usize::MAX)),
            Some(places) => {
                let mut places = places.iter();
                self.rows.retain(|_| places.next().is_some_and(|place| *place < entries));
            }
        }
        self.sent = entries;
    }
}

/// The start of a body, for a message.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let head = body.get(..EXCERPT_CHARS * 4).unwrap_or(body);
    String::from_utf8_lossy(head).chars().take(EXCERPT_CHARS).collect()
}

pub(crate) fn bad(message: impl Into<String>, excerpt: String, retry: bool) -> Fault {
    Fault::BadResponse(BadResponse { message: message.into(), excerpt, retry })
}

/// What a body that is no JSON looks like; `None`: it starts as JSON does.
fn foreign(response: &Response, body: &[u8]) -> Option<String> {
    let kind = response.header("content-type").unwrap_or("none");
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace())?;
    let html = kind.to_ascii_lowercase().contains("html");
    let advice = "a wrong base_url or path, or a login page?";
    if ["ndjson", "jsonl", "json-seq"].iter().any(|lines| kind.to_ascii_lowercase().contains(lines)) {
        return Some(format!(
            "the server answered with JSON Lines (content-type {kind}), not JSON: can it be asked for a list?"
        ));
    }
    match first {
        b'<' if html || body.windows(5).take(400).any(|window| window.eq_ignore_ascii_case(b"<html")) => {
            Some(format!("the server answered with an HTML page (content-type {kind}): {advice}"))
        }
        b'<' => Some(format!("the server answered with XML (content-type {kind}), not JSON")),
        0x1F if body.starts_with(&[0x1F, 0x8B]) => {
            Some(format!("the body is gzip without the header that says so (content-type {kind})"))
        }
        b'{' | b'[' | b'"' => None,
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if find(body, &Wanted::new()).is_ok() => None,
        _ => Some(format!(
            "the server answered with something that is not JSON (content-type {kind}): {advice}"
        )),
    }
}

/// The fault for a body that is damaged.
fn damaged(error: &JsonError, response: &Response, body: &[u8]) -> Fault {
    if let Some(message) = foreign(response, body) {
        return bad(message, excerpt(body), false);
    }
    let around = body.get(error.at().saturating_sub(120)..).unwrap_or(body);
    let retry = !matches!(error, JsonError::TooDeep { .. } | JsonError::Twice { .. });
    bad(format!("the answer is damaged: {error}"), excerpt(around), retry)
}

/// An answer without a body.
pub(crate) fn empty_body(response: &Response, empty_ok: bool) -> Option<Result<Answer, Fault>> {
    if !response.body.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    Some(if empty_ok {
        Ok(Answer::default())
    } else {
        let message = format!(
            "the answer (status {}) has no body; `empty_ok: true` takes that for a page without rows",
            response.status
        );
        Err(bad(message, String::new(), response.status != 204))
    })
}

/// The values at `paths`; a pass over the whole body.
pub(crate) fn values(response: &Response, paths: &[&ValuePath]) -> Result<Vec<Option<Item>>, Fault> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let body = without_bom(&response.body);
    let mut wanted = Wanted::new();
    let slots = side_slots(&mut wanted, paths, body)?;
    let found = find(body, &wanted).map_err(|error| damaged(&error, response, body))?;
    Ok(side_items(&slots, &found))
}

/// Wants the values at `paths`. Those that are no plain paths are looked for in a tree first.
fn side_slots(wanted: &mut Wanted, paths: &[&ValuePath], body: &[u8]) -> Result<Vec<Option<usize>>, Fault> {
    let in_tree = paths.iter().any(|path| matches!(path.selector, Selector::Query(_)));
    let tree = if in_tree { tree_of(body)? } else { Value::Null };
    let slot = |path: &&ValuePath| match &path.selector {
        Selector::Plain(steps) => Some(wanted.add(steps)),
        Selector::Query(queries) => {
            let first =
                queries.iter().find_map(|query| query.path.query_located(&tree).into_iter().next())?;
            Some(wanted.add(&first.location().iter().map(step).collect::<Vec<_>>()))
        }
    };
    Ok(paths.iter().map(slot).collect())
}

fn side_items(slots: &[Option<usize>], found: &Found) -> Vec<Option<Item>> {
    slots.iter().map(|slot| slot.and_then(|slot| found.value(slot))).collect()
}

fn tree_of(body: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(body).map_err(|error| {
        bad(
            format!("a JSONPath other than plain names cannot be applied to this answer: {error}"),
            excerpt(body),
            false,
        )
    })
}

/// Finds the rows at `selector`, and the values at `sides`, in one pass where all of these are plain paths.
pub(crate) fn read(
    response: &Response,
    selector: &Selector,
    sides: &[&ValuePath],
    empty_ok: bool,
) -> Result<Answer, Fault> {
    let body = without_bom(&response.body);
    if sides.iter().any(|side| matches!(side.selector, Selector::Query(_))) {
        // The walk comes first: it says what is damaged, and refuses what a tree would swallow.
        find(body, &Wanted::new()).map_err(|error| damaged(&error, response, body))?;
    }
    match selector {
        Selector::Plain(steps) => {
            let mut wanted = Wanted::new();
            let slots = side_slots(&mut wanted, sides, body)?;
            let slot = wanted.add_items(steps);
            let found = find(body, &wanted).map_err(|error| damaged(&error, response, body))?;
            let sides = side_items(&slots, &found);
            let mut answer = match found.value(slot) {
                Some(value) => unwrapped(value, found.items),
                None if empty_ok => Answer::default(),
                None => return Err(missing(body, steps)),
            };
            answer.sides = sides;
            Ok(answer)
        }
        Selector::Query(queries) => query(response, body, queries, sides, empty_ok),
    }
}

/// One match: a list is its items, `null` is nothing, anything else is one row.
fn unwrapped(value: Item, items: Vec<Item>) -> Answer {
    let rows = match value.kind {
        Kind::Array => items,
        Kind::Null => Vec::new(),
        _ => vec![value],
    };
    let listed = value.kind == Kind::Array;
    Answer { sent: rows.len() as u64, rows, listed, span: Some(value.span), ..Answer::default() }
}

fn missing(body: &[u8], steps: &[Step]) -> Fault {
    let (taken, keys, is_list) = keys_at(body, steps);
    let place = match steps.get(..taken) {
        Some([]) | None => "the answer".to_owned(),
        Some(taken) => format!("`{}`", spelled(taken)),
    };
    let there = if is_list {
        let meant = steps.get(..taken).filter(|taken| !taken.is_empty()).map(spelled);
        format!("is a list, so `data_selector: {}` is meant?", meant.unwrap_or_else(|| "$".into()))
    } else if keys.is_empty() {
        "has no keys".to_owned()
    } else {
        format!("has {}", list(keys.iter().map(String::as_str)))
    };
    let message = format!(
        "nothing at data_selector `{}`: {place} {there}{}",
        spelled(steps),
        if is_list { "" } else { "; `empty_ok: true` takes that for a page without rows" }
    );
    bad(message, excerpt(body), false)
}

/// Selects by RFC 9535 on a tree, and takes the bytes of what it selects.
fn query(
    response: &Response,
    body: &[u8],
    queries: &[Query],
    sides: &[&ValuePath],
    empty_ok: bool,
) -> Result<Answer, Fault> {
    // The walk comes first: it says what is damaged, and refuses what a tree would swallow.
    let mut wanted = Wanted::new();
    let prefixes: Vec<usize> = queries.iter().map(|query| wanted.add(&query.prefix)).collect();
    let first = find(body, &wanted).map_err(|error| damaged(&error, response, body))?;
    let tree = tree_of(body)?;
    let mut wanted = Wanted::new();
    let slots = side_slots(&mut wanted, sides, body)?;
    let mut matches: Vec<(usize, Option<u64>)> = Vec::new();
    let mut only = Vec::new();
    for query in queries {
        for located in query.path.query_located(&tree).iter() {
            let steps: Vec<Step> = located.location().iter().map(step).collect();
            let place = match steps.get(query.prefix.len()) {
                Some(Step::Index(index)) if query.of_list => Some(*index as u64),
                _ => None,
            };
            matches.push((wanted.add(&steps), place));
            only = steps;
        }
    }
    if matches.len() == 1 {
        wanted.add_items(&only);
    }
    let found = find(body, &wanted).map_err(|error| damaged(&error, response, body))?;
    let mut answer = match matches.as_slice() {
        [] => {
            nothing(queries, &prefixes, &first, body, empty_ok)?;
            Answer::default()
        }
        [(slot, _)] => {
            found.value(*slot).map(|value| unwrapped(value, found.items.clone())).unwrap_or_default()
        }
        several => {
            let rows: Option<Vec<Item>> = several.iter().map(|(slot, _)| found.value(*slot)).collect();
            let rows =
                rows.ok_or_else(|| missing(body, queries.first().map_or(&[], |query| &query.prefix)))?;
            Answer { sent: rows.len() as u64, rows, listed: true, ..Answer::default() }
        }
    };
    answer.listed |= queries.iter().any(|query| query.of_list);
    if let ([query], [slot]) = (queries, prefixes.as_slice())
        && query.of_list
        && let Some(Value::Array(entries)) = first.value(*slot).and_then(|_| at(&tree, &query.prefix))
    {
        // Paging counts what the API sent, not what the selector left of it.
        answer.sent = entries.len() as u64;
        // A single match may be a list in a list: all of its rows stand at its place.
        answer.places = match matches.as_slice() {
            [(_, place)] => place.map(|place| vec![place; answer.rows.len()]),
            several => several.iter().map(|(_, place)| *place).collect(),
        };
    }
    answer.span =
        queries.iter().zip(&prefixes).find_map(|(_, slot)| first.value(*slot)).map(|item| item.span);
    answer.sides = side_items(&slots, &found);
    Ok(answer)
}

fn step(element: &PathElement<'_>) -> Step {
    match element {
        PathElement::Name(name) => Step::Member((*name).to_owned()),
        PathElement::Index(index) => Step::Index(*index),
    }
}

fn at<'a>(tree: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(tree, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Index(index) => value.get(index),
    })
}

/// Nothing was selected: well enough where a filter looked at a list, or the list is empty; else the path is wrong.
fn nothing(
    queries: &[Query],
    prefixes: &[usize],
    first: &Found,
    body: &[u8],
    empty_ok: bool,
) -> Result<(), Fault> {
    let fine = queries.iter().zip(prefixes).any(|(query, slot)| {
        first.value(*slot).is_some_and(|item| {
            let text = item.span.of(body);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            let bare = matches!(item.kind, Kind::Array) && inner.iter().all(u8::is_ascii_whitespace);
            item.kind == Kind::Null || bare || query.narrows
        })
    });
    if fine || empty_ok {
        return Ok(());
    }
    let missed = queries.iter().zip(prefixes).find(|(_, slot)| first.value(**slot).is_none());
    match missed {
        Some((query, _)) => Err(missing(body, &query.prefix)),
        None => Err(bad(
            "nothing matches the data_selector; `empty_ok: true` takes that for a page without rows",
            excerpt(body),
            false,
        )),
    }
}

/// dlt's names for the list of rows.
const ROW_KEYS: &[&str] = &[
    "data", "items", "results", "entries", "records", "rows", "entities", "payload", "content", "objects",
    "values",
];

/// Names on the way to the rows; dlt looks three deep too.
const MAX_PATH: usize = 3;

/// Guesses where the rows stand, by dlt's rule: the first list under a telling name, no more than three names deep;
/// else the first list that looks like rows; else the whole answer.
///
/// Gives the path as a config would write it, and the sentence that says so, where there was anything to guess.
pub(crate) fn guess(
    response: &Response,
    resource: &str,
) -> Result<(Selector, Option<(String, String)>), Fault> {
    let body = without_bom(&response.body);
    let found = survey(body, MAX_PATH, |_, kind| kind == Kind::Array)
        .map_err(|error| damaged(&error, response, body))?;
    let Some((root, lists)) = found.split_first() else {
        return Ok((Selector::Plain(Vec::new()), None));
    };
    if root.kind != Kind::Object {
        return Ok((Selector::Plain(Vec::new()), None));
    }
    let of_objects = |span: Span| {
        let mut scan = Scanner::new(span.of(body));
        scan.at = 1;
        scan.space();
        scan.peek() == Some(b'{')
    };
    let chosen = lists
        .iter()
        .find(|entry| ROW_KEYS.contains(&entry.key()))
        .or_else(|| lists.iter().find(|entry| of_objects(entry.span)))
        .or_else(|| lists.first());
    let steps: Vec<Step> = chosen.iter().flat_map(|entry| &entry.path).cloned().map(Step::Member).collect();
    let others: Vec<String> = lists
        .iter()
        .filter(|entry| Some(*entry) != chosen)
        .map(|entry| spelled(&entry.path.iter().cloned().map(Step::Member).collect::<Vec<_>>()))
        .collect();
    let path = spelled(&steps);
    let mut message = match chosen {
        Some(_) => format!("the rows of `{resource}` are taken to stand at `{path}`"),
        None => format!("the answer to `{resource}` holds no list: it is taken to be one row"),
    };
    if !others.is_empty() {
        message.push_str(&format!(", not at {}", list(others.iter().map(String::as_str))));
    }
    Ok((Selector::Plain(steps), Some((path, message))))
}

/// The text of a JSON string or of any other scalar.
pub(crate) fn plain_text(json: &[u8]) -> String {
    decode_string(json).map_or_else(|| String::from_utf8_lossy(json).into_owned(), |text| text.into_owned())
}
