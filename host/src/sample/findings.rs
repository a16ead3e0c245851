//! What sampled rows tell of a config: keys and columns that they do not have, keys that they share.

use std::collections::{BTreeSet, HashMap};

use sanderling_destination::Disposition;
use serde_json::{Map, Value};

use super::Sampled;
use super::composite;
use crate::contract::Setting;
use crate::document::nearest;
use crate::run::plan::{Plan, Resource};
use crate::source::Whose;
use crate::words::Subject;

/// Something that a run would stumble over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Rows that are `null`.
    NullRows {
        /// How many.
        rows: u64,
        /// Rows in all.
        of: u64,
    },
    /// No row has a field of the primary key.
    KeyUnknown {
        /// The field.
        field: String,
        /// What the rows have.
        known: Vec<String>,
        /// The one that was probably meant.
        near: Option<String>,
    },
    /// Rows lack a part of their key.
    KeyGap(Gap),
    /// Rows of different parents have one key.
    KeyShared {
        /// The key's fields.
        key: Vec<String>,
        /// What would settle it.
        settles: Vec<Setting>,
    },
    /// Rows lack a column that is declared to be in each.
    ColumnGap(Gap),
}

/// Rows that lack a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The field.
    pub field: String,
    /// Rows that do not have it.
    pub missing: u64,
    /// Rows in which it is null.
    pub null: u64,
    /// Rows in all.
    pub of: u64,
}

impl Finding {
    /// What a person would write to settle it; empty: that is not known.
    pub fn settles(&self) -> &[Setting] {
        match self {
            Self::KeyShared { settles, .. } => settles,
            Self::NullRows { .. } | Self::KeyUnknown { .. } | Self::KeyGap(_) | Self::ColumnGap(_) => &[],
        }
    }
}

/// What the pages of one resource tell.
pub fn findings(plan: &Plan, resource: usize, pages: &[Sampled], subject: Subject<'_>) -> Vec<Finding> {
    let resource = &plan.resources[resource];
    let rows = rows(pages);
    let mut found = Vec::new();
    let nulls = lines(pages).filter(|(_, line)| is_null(line)).count() as u64;
    if nulls > 0 {
        found.push(Finding::NullRows { rows: nulls, of: nulls + rows.len() as u64 });
    }
    if rows.is_empty() {
        return found;
    }
    let of = &resource.table;
    // By `dedup_sort` the config itself says that rows share a key.
    let one_a_key =
        of.disposition == Disposition::Merge && !of.primary_key.is_empty() && of.dedup_sort.is_none();
    let gap = |field: &String| Gap {
        field: field.clone(),
        missing: count(&rows, |row| !row.contains_key(field)),
        null: count(&rows, |row| row.get(field).is_some_and(Value::is_null)),
        of: rows.len() as u64,
    };
    for field in &resource.table.primary_key {
        let gap = gap(field);
        if gap.missing == gap.of {
            let known: BTreeSet<&String> = rows.iter().flat_map(|(_, row)| row.keys()).collect();
            let near = nearest(field, known.iter().map(|name| name.as_str())).map(str::to_owned);
            let known = known.into_iter().cloned().collect();
            found.push(Finding::KeyUnknown { field: field.clone(), known, near });
        } else if gap.missing + gap.null > 0 {
            found.push(Finding::KeyGap(gap));
        }
    }
    if one_a_key && found.iter().all(|it| matches!(it, Finding::NullRows { .. })) {
        found.extend(shared(plan, resource, &rows, subject));
    }
    for column in resource.columns.iter().filter(|column| column.nullable == Some(false)) {
        let told = resource.table.primary_key.contains(&column.name);
        let gap = gap(&column.name);
        if !told && gap.missing + gap.null > 0 {
            found.push(Finding::ColumnGap(gap));
        }
    }
    found
}

/// The rows of pages that are not `null`, each with the index of its page.
pub(super) fn rows(pages: &[Sampled]) -> Vec<(usize, Map<String, Value>)> {
    lines(pages).filter(|(_, line)| !is_null(line)).map(|(at, line)| (at, fields(line))).collect()
}

fn lines(pages: &[Sampled]) -> impl Iterator<Item = (usize, &[u8])> {
    (0..)
        .zip(pages)
        .flat_map(|(at, page)| page.rows.split(|&byte| byte == b'\n').map(move |line| (at, line)))
        .filter(|(_, line)| !line.is_empty())
}

fn is_null(line: &[u8]) -> bool {
    line == b"null"
}

/// A row's fields; what is no object has one, `value`, as in a destination.
fn fields(line: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(fields)) => fields,
        Ok(value) => Map::from_iter([("value".to_owned(), value)]),
        Err(_) => Map::new(),
    }
}

fn count(rows: &[(usize, Map<String, Value>)], of: impl Fn(&Map<String, Value>) -> bool) -> u64 {
    rows.iter().filter(|(_, row)| of(row)).count() as u64
}

/// Whether rows of two parents have one key.
fn shared(
    plan: &Plan,
    resource: &Resource,
    rows: &[(usize, Map<String, Value>)],
    subject: Subject<'_>,
) -> Option<Finding> {
    let parent = &plan.resources[resource.parent?];
    let columns = &resource.table.primary_key;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let twice = rows.iter().find(|(page, row)| {
        let key: Vec<Option<&Value>> = columns.iter().map(|column| row.get(column)).collect();
        let first = *seen.entry(serde_json::to_string(&key).unwrap_or_default()).or_insert(*page);
        first != *page
    });
    let (_, row) = twice.filter(|_| !columns.is_empty())?;
    let prefix = format!("_{}_", parent.name);
    let carried: Vec<String> = row.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
    let key = composite::Key {
        resource: &resource.name,
        columns,
        parent: &parent.name,
        parent_key: &parent.table.primary_key,
        carried: &carried,
    };
    // How a config of another connector says so is not known here.
    let known = (subject.whose == Whose::Ours).then(|| composite::settings(&key, subject.config));
    let settles = known.flatten().unwrap_or_default();
    Some(Finding::KeyShared { key: columns.clone(), settles })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::contract::{ResourceInfo, SourceInfo, WriteDisposition};
    use crate::document::{Format, parse};

    pub(in crate::sample) fn info(
        name: &str,
        parent: Option<&str>,
        key: &[&str],
        columns: Option<&str>,
    ) -> ResourceInfo {
        ResourceInfo {
            name: name.into(),
            parent: parent.map(Into::into),
            primary_key: key.iter().map(|name| (*name).into()).collect(),
            write_disposition: WriteDisposition::Merge,
            columns: columns.map(Into::into),
            incremental: None,
            selected: true,
            retry: None,
            origins: Vec::new(),
            seals: Vec::new(),
            settings: None,
        }
    }

    pub(in crate::sample) fn page(rows: &str) -> Sampled {
        Sampled {
            partition_key: None,
            rows: rows.into(),
            kept: rows.lines().count() as u64,
            total: None,
            more: false,
            notices: Vec::new(),
            exchange: None,
        }
    }

    pub(in crate::sample) fn exchange(url: &str) -> sanderling_gate::Exchange {
        sanderling_gate::Exchange {
            method: "GET".into(),
            url: url.into(),
            origin: None,
            status: Some(200),
            placed: Vec::new(),
            retry_after: None,
            request_id: None,
            elapsed_ms: 1,
            sent_bytes: 0,
            received_bytes: 0,
            masked: false,
            redirects: 0,
            for_token: false,
            kept: false,
            token_spent: false,
            rate: Vec::new(),
        }
    }

    fn gap(field: &str, missing: u64, null: u64, of: u64) -> Gap {
        Gap { field: field.into(), missing, null, of }
    }

    fn look(key: &[&str], columns: Option<&str>, rows: &[&str]) -> Vec<Finding> {
        let info = SourceInfo {
            resources: vec![info("p", None, &["id"], None), info("t", Some("p"), key, columns)],
            ..SourceInfo::default()
        };
        let plan = Plan::new(&info, &[]).unwrap();
        let config = parse("c", "resources: {p: /p, t: {endpoint: /t}}", Format::Yaml).unwrap();
        let pages: Vec<Sampled> = rows.iter().map(|rows| page(rows)).collect();
        findings(&plan, 1, &pages, Subject { config: &config, whose: Whose::Ours })
    }

    #[test]
    fn keys_that_are_not_there() {
        assert_eq!(look(&["id"], None, &["{\"id\":1}\n{\"id\":2}\n"]), []);
        assert_eq!(look(&["id"], None, &[]), []);
        let unknown = Finding::KeyUnknown {
            field: "ID_".into(),
            known: vec!["id".into(), "name".into()],
            near: Some("id".into()),
        };
        assert_eq!(look(&["ID_"], None, &["{\"id\":1}\n{\"name\":2}\n"]), [unknown]);
        assert_eq!(
            look(&["id"], None, &["{\"id\":1}\n{\"id\":null}\n", "{\"a\":1}\n"]),
            [Finding::KeyGap(gap("id", 1, 1, 3))]
        );
        assert_eq!(look(&["value"], None, &["1\n2\n"]), []);
    }

    #[test]
    fn rows_that_are_null_are_no_rows_without_a_key() {
        let nulls = |rows, of| Finding::NullRows { rows, of };
        assert_eq!(look(&["id"], None, &["{\"id\":1}\nnull\n"]), [nulls(1, 2)]);
        assert_eq!(look(&[], None, &["null\n", "null\n"]), [nulls(2, 2)]);
    }

    #[test]
    fn keys_that_two_parents_share() {
        let rows = ["{\"id\":1,\"_p_id\":7}\n", "{\"id\":2}\n{\"id\":1,\"_p_id\":8}\n"];
        let setting = Setting { path: "/resources/t/primary_key".into(), value: r#"["_p_id","id"]"#.into() };
        let shared = Finding::KeyShared { key: vec!["id".into()], settles: vec![setting] };
        assert_eq!(look(&["id"], None, &rows), [shared]);
        assert_eq!(look(&["_p_id", "id"], None, &["{\"id\":1,\"_p_id\":7}", "{\"id\":1,\"_p_id\":8}"]), []);
        // One parent's own rows are another matter.
        assert_eq!(look(&["id"], None, &["{\"id\":1}\n{\"id\":1}\n"]), []);
    }

    #[test]
    fn columns_that_must_be_in_each_row() {
        let columns = r#"{"a": {"nullable": false}, "b": {"nullable": true}, "id": {"nullable": false}}"#;
        let rows = ["{\"id\":1,\"a\":1}\n{\"id\":2,\"a\":null}\n{\"id\":3}\n"];
        assert_eq!(look(&["id"], Some(columns), &rows), [Finding::ColumnGap(gap("a", 1, 1, 3))]);
    }
}
