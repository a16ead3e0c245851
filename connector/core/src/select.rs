//! Paths into an answer: plain member paths by a byte scan, any other JSONPath by RFC 9535.
//!
//! dlt's spelling (`jsonpath_ng`) is taken where it means the same: a bare `a.b`, a quoted name behind a dot
//! (`a.'b c'`), `['@odata.value']`, and unions of whole paths (`a, b`).

use serde_json_path::JsonPath;

use crate::json::Step;

/// Where the rows of an answer stand.
#[derive(Debug, Clone)]
pub(crate) enum Selector {
    /// A member path, with or without `[*]` behind it.
    Plain(Vec<Step>),
    /// Anything else; several for a union.
    Query(Vec<Query>),
}

/// A query, and the plain steps that it starts with.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) prefix: Vec<Step>,
    pub(crate) path: JsonPath,
    /// Whether a filter or a slice follows, which may well select nothing.
    pub(crate) narrows: bool,
    /// Whether one list, at `prefix`, holds what is selected: its length is what the API sent.
    pub(crate) of_list: bool,
}

/// A path to one value beside the rows, such as `meta.total`, `['@odata.nextLink']` or `data[-1].id`: the first match.
#[derive(Debug, Clone)]
pub(crate) struct ValuePath {
    /// As it is shown.
    pub(crate) text: String,
    pub(crate) selector: Selector,
}

impl ValuePath {
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        let selector = Selector::parse(text)?;
        let text = match &selector {
            Selector::Plain(steps) => spelled(steps),
            Selector::Query(_) => text.trim().to_owned(),
        };
        Ok(Self { text, selector })
    }

    /// Its last name, where it ends in one.
    pub(crate) fn last_name(&self) -> Option<&str> {
        match &self.selector {
            Selector::Plain(steps) => match steps.last()? {
                Step::Member(name) => Some(name),
                Step::Index(_) => None,
            },
            Selector::Query(_) => None,
        }
    }
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("this is no JSONPath that is understood here (RFC 9535): {0}")]
    Syntax(String),
    #[error("the path is empty")]
    Empty,
}

const BARE_NAME_ENDS: &[char] =
    &['.', '[', ']', '*', ',', '?', '(', ')', '@', '$', '\'', '"', '|', '&', '=', '<', '>', '`', ' ', '\t'];

/// Takes plain steps from the front of `text`; gives them and what is left.
fn plain_steps(text: &str) -> (Vec<Step>, &str) {
    let mut steps = Vec::new();
    let rooted = text.strip_prefix('$');
    let mut rest = rooted.unwrap_or(text);
    let mut bare = rooted.is_none();
    loop {
        let taken = if let Some(inner) = rest.strip_prefix('[') {
            bracket(inner)
        } else {
            match if bare { Some(rest) } else { rest.strip_prefix('.') } {
                None => None,
                Some(name) if name.starts_with(['\'', '"']) => quoted(name),
                Some(name) => match name.find(BARE_NAME_ENDS).unwrap_or(name.len()) {
                    0 => None,
                    end => {
                        name.split_at_checked(end).map(|(name, rest)| (Step::Member(name.to_owned()), rest))
                    }
                },
            }
        };
        let Some((step, after)) = taken else {
            return (steps, rest);
        };
        steps.push(step);
        rest = after;
        bare = false;
    }
}

/// `'name'`: in brackets by RFC 9535, behind a dot by `jsonpath_ng`.
fn quoted(text: &str) -> Option<(Step, &str)> {
    let quote = text.chars().next()?;
    let (name, after) = text.get(1..)?.split_once(quote)?;
    (!name.contains('\\')).then(|| (Step::Member(name.to_owned()), after))
}

/// `'name']` or `3]`.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    let inner = inner.trim_start();
    if inner.starts_with(['\'', '"']) {
        let (step, after) = quoted(inner)?;
        return Some((step, after.trim_start().strip_prefix(']')?));
    }
    let (index, after) = inner.split_once(']')?;
    Some((Step::Index(index.trim_end().parse().ok()?), after))
}

/// A path of names and indexes alone, such as `meta.total`.
pub(crate) fn plain_path(text: &str) -> Option<Vec<Step>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match plain_steps(text) {
        (steps, "") => Some(steps),
        _ => None,
    }
}

/// A path through the items of one list, such as `tags[*].id`: the steps to the list, and those from each item on.
pub(crate) fn each_path(text: &str) -> Option<(Vec<Step>, Vec<Step>)> {
    let (list, rest) = plain_steps(text.trim());
    let rest = rest.strip_prefix("[*]").filter(|_| !list.is_empty())?;
    match plain_steps(&format!("${rest}")) {
        (item, "") => Some((list, item)),
        _ => None,
    }
}

/// Steps as RFC 9535 writes them, from the root: `$['a'][0]`.
fn rooted(steps: &[Step]) -> String {
    let mut text = String::from("$");
    for step in steps {
        match step {
            Step::Member(name) => {
                text.push_str("['");
                text.push_str(&name.replace('\\', "\\\\").replace('\'', "\\'"));
                text.push_str("']");
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// A path as a config would write it: `meta.total`, `['@odata.count']`, `$` for the root.
pub(crate) fn spelled(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Member(name) if !name.is_empty() && !name.contains(BARE_NAME_ENDS) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            other => text.push_str(rooted(std::slice::from_ref(other)).trim_start_matches('$')),
        }
    }
    if text.is_empty() { "$".to_owned() } else { text }
}

impl Selector {
    /// Reads a `data_selector`.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let parts = split_union(text);
        if let [only] = parts.as_slice() {
            let (steps, rest) = plain_steps(only);
            if rest.is_empty() || rest == "[*]" {
                return Ok(Self::Plain(steps));
            }
        }
        parts.into_iter().map(Query::parse).collect::<Result<_, _>>().map(Self::Query)
    }
}

impl Query {
    fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let (prefix, rest) = plain_steps(text);
        // What plain steps cannot start must be a segment of its own; a bare first segment lacks its dot.
        let dot = if rest.is_empty() || rest.starts_with(['[', '.']) { "" } else { "." };
        let standard = format!("{}{dot}{rest}", rooted(&prefix));
        let path = JsonPath::parse(&standard).map_err(|error| PathError::Syntax(error.to_string()))?;
        let narrows = rest.contains('?') || rest.contains(':');
        Ok(Self { of_list: rest.starts_with('['), prefix, path, narrows })
    }
}

/// Splits at commas outside brackets, parentheses and quotes.
fn split_union(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0usize, None);
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (Some(open), _) => quote = (open != char).then_some(open),
            (None, '\'' | '"') => quote = Some(char),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.extend(text.get(start..at).map(str::trim));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..).map(str::trim));
    parts
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn steps(names: &[&str]) -> Vec<Step> {
        names.iter().map(|name| Step::Member((*name).into())).collect()
    }

    #[test]
    fn reads_plain_paths() {
        let cases: &[(&str, &[&str])] = &[
            ("$", &[]),
            ("$[*]", &[]),
            ("data", &["data"]),
            ("many-results", &["many-results"]),
            ("a.b", &["a", "b"]),
            ("$.a.b[*]", &["a", "b"]),
            ("['x y'].z", &["x y", "z"]),
            ("$['@odata.value']", &["@odata.value"]),
            ("a[\"b.c\"]", &["a", "b.c"]),
            ("a.'b c'.d", &["a", "b c", "d"]),
            ("\"x y\"", &["x y"]),
            ("données", &["données"]),
        ];
        for (text, names) in cases {
            let Ok(Selector::Plain(found)) = Selector::parse(text) else { panic!("{text}") };
            assert_eq!(found, steps(names), "{text}");
            let Ok(Selector::Plain(again)) = Selector::parse(&spelled(&found)) else { panic!("{text}") };
            assert_eq!(again, found, "{text}");
        }
        assert_eq!(plain_path("a[2].b").unwrap()[1], Step::Index(2));
        assert_eq!(plain_path("a..b"), None);
    }

    #[test]
    fn hands_the_rest_to_rfc_9535() {
        let cases: &[(&str, &[&str], usize)] = &[
            ("items[0:1]", &["items"], 1),
            ("$..id", &[], 1),
            ("many-results[?(@.x > 1)].y", &["many-results"], 1),
            ("items[*].v", &["items"], 1),
            ("a, b.c", &["a"], 2),
            ("*", &[], 1),
        ];
        for (text, prefix, count) in cases {
            let Ok(Selector::Query(queries)) = Selector::parse(text) else { panic!("{text}") };
            assert_eq!(queries.len(), *count, "{text}");
            assert_eq!(queries[0].prefix, steps(prefix), "{text}");
        }
        for text in ["", "@odata.value", "a b", "a[", "a.`this`", "a | b", "a,,b", "a."] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
