//! Reads a resource by any paginator, as a host does: for the tests of the paginators.

use super::*;

/// What a walk did, page by page.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What was asked, without scheme and host.
    pub(super) asked: Vec<String>,
    pub(super) ids: Vec<u64>,
    pub(super) totals: Vec<Option<u64>>,
    pub(super) limit: Option<String>,
    pub(super) notices: Vec<Notice>,
    pub(super) largest_rest: usize,
}

/// The query of a request.
pub(super) struct Asked(pub(super) url::Url);

impl Asked {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name).map(|text| text.parse().unwrap())
    }
}

/// One resource `r` at `rows` whose rows stand at `data`.
pub(super) fn paged(paginator: Value) -> Value {
    endpoint(json!({"path": "rows", "data_selector": "data", "paginator": paginator}))
}

/// Reads resource `r`: chains in order, each page's continuation in its place, a damaged answer tried again twice; the
/// same page of two or more rows twice running, the same row three times running and a cursor that comes again in its
/// chain are refused, and so are fewer rows than both the first and the last total.
pub(super) fn walk(
    config: &Value,
    mut server: impl FnMut(&Asked) -> Response,
) -> std::result::Result<Walk, String> {
    let plan = planned(config);
    let mut walk = Walk::default();
    let mut chains: Vec<Option<String>> = vec![None];
    let (mut last, mut repeats) = (Vec::new(), 0);
    let mut cursors = std::collections::BTreeSet::new();
    let mut failures = 0;
    while let Some(cursor) = chains.pop() {
        let wanted = PageRequest { cursor: cursor.clone(), ..first_page("r") };
        let sent = request(&plan, &wanted).map_err(|fault| fault.to_string())?;
        let asked = Asked(url::Url::parse(&sent.url).unwrap());
        walk.asked.push(sent.url.trim_start_matches("https://api.test").to_owned());
        if walk.asked.len() > 5000 {
            return Err("reads without end".into());
        }
        let got = match page(&plan, &wanted, &server(&asked)) {
            Err(Fault::BadResponse(bad)) if bad.retry && failures < 2 => {
                failures += 1;
                chains.push(cursor);
                continue;
            }
            Err(fault) => return Err(fault.to_string()),
            Ok(got) => got,
        };
        failures = 0;
        if cursor.is_some_and(|cursor| !cursors.insert(cursor)) {
            return Err("a cursor came again".into());
        }
        let again = got.kept > 0 && got.rows == last;
        repeats = if again { repeats + 1 } else { 0 };
        if again && (got.kept > 1 || repeats > 1) {
            return Err("the same page twice".into());
        }
        if got.kept > 0 {
            last.clone_from(&got.rows);
        }
        let ids = rows_text(&got)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap());
        walk.ids.extend(ids);
        walk.totals.push(got.total);
        walk.notices.extend(got.notices);
        match got.continuation {
            Continuation::End => {}
            Continuation::Limit(which) => walk.limit = Some(which),
            Continuation::Next(next) => chains.push(Some(next)),
            Continuation::Rest(rest) => {
                assert!((1..=256).contains(&rest.len()));
                walk.largest_rest = walk.largest_rest.max(rest.len());
                chains.extend(rest.into_iter().rev().map(Some));
            }
        }
    }
    let mut totals = walk.totals.iter().flatten();
    let first = totals.next();
    let last = totals.next_back().or(first);
    let rows = walk.ids.len() as u64;
    match first.min(last) {
        Some(total) if rows < *total && walk.limit.is_none() => Err(format!("{rows} rows of {total}")),
        _ => Ok(walk),
    }
}
