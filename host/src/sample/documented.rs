//! Where sampled rows differ from what an OpenAPI file documents of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Sampled;
use super::composite::find;
use super::findings::rows;
use crate::document::Document;
use crate::openapi::{Asked, Documented, Kind, Unknown, documented};
use crate::run::plan::{Plan, Resource};
use crate::source::Whose;
use crate::words::Subject;

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// There was none.
    Not(NotCompared),
    /// Rows and documented fields were compared.
    With {
        /// The method, and the path as the file writes it: `GET /users`.
        operation: String,
        /// Fields that rows have or the file names.
        columns: usize,
        /// Where they are not the same.
        differences: Vec<Difference>,
    },
}

impl Compared {
    /// Whether rows are as documented; `None`: they were not compared.
    pub fn is_documented(&self) -> Option<bool> {
        match self {
            Self::Not(_) => None,
            Self::With { differences, .. } => Some(differences.is_empty()),
        }
    }
}

/// Why rows were not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCompared {
    /// The file has no such operation.
    NoOperation {
        /// The method and the path of the request.
        asked: String,
    },
    /// The file does not say what rows the answer has.
    NoRows {
        /// The method, and the path as the file writes it.
        operation: String,
        /// Where they stand in the answer, if that is known.
        selector: Option<String>,
    },
    /// The config makes others of them.
    Altered {
        /// The key that does.
        key: &'static str,
    },
}

/// Something that is not as documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Rows have fields of which the file says nothing.
    Undocumented {
        /// Their names.
        fields: Vec<String>,
    },
    /// No row has fields that the file names.
    Unseen {
        /// Their names.
        fields: Vec<String>,
        /// Rows that came.
        rows: u64,
    },
    /// Values are of another kind.
    Kind {
        /// The field.
        field: String,
        /// What the file says.
        documented: BTreeSet<Kind>,
        /// What came instead.
        seen: BTreeSet<Kind>,
        /// In so many rows.
        rows: u64,
        /// Of so many.
        of: u64,
    },
}

/// Compares the pages of one resource with what `spec` says of them. `None`: no row came, or what was asked is not known.
pub fn compare(
    plan: &Plan,
    resource: usize,
    pages: &[Sampled],
    spec: &Value,
    subject: Subject<'_>,
) -> Option<Compared> {
    let resource = &plan.resources[resource];
    let asked = pages.iter().find_map(|page| page.exchange.as_ref())?;
    let asked = Asked { method: &asked.method, url: &asked.url, status: asked.status? };
    let rows: Vec<Map<String, Value>> = rows(pages).into_iter().map(|(_, row)| row).collect();
    if rows.is_empty() {
        return None;
    }
    let written = Written::of(resource, subject);
    if written.is_altered() {
        return Some(Compared::Not(NotCompared::Altered { key: "processing_steps" }));
    }
    let parent = resource.parent.map(|parent| format!("_{}_", plan.resources[parent].name));
    let own = |name: &&String| parent.as_ref().is_none_or(|parent| !name.starts_with(parent));
    let seen: BTreeSet<String> = rows.iter().flat_map(|row| row.keys()).filter(own).cloned().collect();
    let selector = written.selector().or_else(|| guessed_selector(pages));
    let (path, mut documented) = match documented(spec, &asked, selector.as_deref(), &seen) {
        Ok(found) => found,
        Err(unknown) => return Some(Compared::Not(not_compared(unknown, &asked, selector))),
    };
    written.apply(&mut documented);
    let columns = seen.iter().chain(documented.fields.keys()).collect::<BTreeSet<_>>().len();
    let differences = differences(&rows, &seen, &documented);
    Some(Compared::With { operation: format!("{} {path}", asked.method), columns, differences })
}

fn not_compared(unknown: Unknown, asked: &Asked<'_>, selector: Option<String>) -> NotCompared {
    match unknown {
        Unknown::Path => {
            let url = asked.url.split(['?', '#']).next().unwrap_or_default();
            NotCompared::NoOperation { asked: format!("{} {url}", asked.method) }
        }
        Unknown::Rows { path } => {
            NotCompared::NoRows { operation: format!("{} {path}", asked.method), selector }
        }
    }
}

fn differences(
    rows: &[Map<String, Value>],
    seen: &BTreeSet<String>,
    documented: &Documented,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let fields = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<String>>();
    let strangers = fields(&mut seen.iter().filter(|name| !documented.fields.contains_key(*name)));
    if !strangers.is_empty() && !documented.open {
        found.push(Difference::Undocumented { fields: strangers });
    }
    let of = rows.len() as u64;
    let unseen = fields(&mut documented.fields.keys().filter(|name| !seen.contains(*name)));
    if !unseen.is_empty() {
        found.push(Difference::Unseen { fields: unseen, rows: of });
    }
    for (field, kinds) in documented.fields.iter().filter(|(_, kinds)| !kinds.is_empty()) {
        let other: Vec<Kind> = rows
            .iter()
            .filter_map(|row| row.get(field).map(Kind::of))
            .filter(|kind| !allows(kinds, *kind))
            .collect();
        if !other.is_empty() {
            found.push(Difference::Kind {
                field: field.clone(),
                documented: kinds.clone(),
                rows: other.len() as u64,
                seen: other.into_iter().collect(),
                of,
            });
        }
    }
    found
}

fn allows(documented: &BTreeSet<Kind>, kind: Kind) -> bool {
    documented.contains(&kind) || (kind == Kind::Integer && documented.contains(&Kind::Number))
}

/// The selector that the connector took by itself.
fn guessed_selector(pages: &[Sampled]) -> Option<String> {
    let settles = pages.iter().flat_map(|page| &page.notices).flat_map(|notice| &notice.settles);
    settles.into_iter().find_map(|setting| {
        let value: Value = serde_json::from_str(&setting.value).ok()?;
        let inside = ["/data_selector", "/endpoint/data_selector"].iter().find_map(|at| value.pointer(at));
        let itself = setting.path.ends_with("/data_selector").then_some(&value);
        itself.or(inside)?.as_str().map(str::to_owned)
    })
}

/// What the config says of a resource. Of another's connector nothing is known.
struct Written<'a> {
    own: Option<&'a Value>,
    defaults: Option<&'a Value>,
}

impl<'a> Written<'a> {
    fn of(resource: &Resource, subject: Subject<'a>) -> Self {
        if subject.whose != Whose::Ours {
            return Self { own: None, defaults: None };
        }
        let config: &Document = subject.config;
        let own = find(&resource.name, config).map(|(_, written)| written);
        Self { own, defaults: config.value.get("resource_defaults") }
    }

    fn get(&self, pointer: &str) -> Option<&'a Value> {
        let at = |value: Option<&'a Value>| value.and_then(|value| value.pointer(pointer));
        at(self.own).or_else(|| at(self.defaults))
    }

    fn selector(&self) -> Option<String> {
        self.get("/endpoint/data_selector").and_then(Value::as_str).map(str::to_owned)
    }

    /// Whether steps do more than leave rows out.
    fn is_altered(&self) -> bool {
        let steps = self.get("/processing_steps").and_then(Value::as_array);
        let filters =
            |step: &Value| step.as_object().is_some_and(|step| step.keys().all(|key| key == "filter"));
        !steps.into_iter().flatten().all(filters)
    }

    /// Does to what is documented what `drop`, `keep` and `rename` do to rows, in their order.
    fn apply(&self, documented: &mut Documented) {
        let dropped = self.names("/drop");
        documented.fields.retain(|name, _| !dropped.contains(&name.as_str()));
        let kept = self.names("/keep");
        let keeps = |name: &String| {
            let below = |kept: &&str| {
                kept.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            kept.contains(&name.as_str()) || kept.iter().any(below)
        };
        if !kept.is_empty() {
            documented.fields.retain(|name, _| keeps(name));
        }
        let names = self.get("/rename").and_then(Value::as_object);
        let new = |name: String| {
            let new = names.and_then(|names| names.get(&name)).and_then(Value::as_str);
            new.map(str::to_owned).unwrap_or(name)
        };
        let fields = std::mem::take(&mut documented.fields);
        documented.fields =
            fields.into_iter().map(|(name, kinds)| (new(name), kinds)).collect::<BTreeMap<_, _>>();
    }

    fn names(&self, pointer: &str) -> Vec<&'a str> {
        match self.get(pointer) {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::{Notice, Setting, SourceInfo};
    use crate::document::{Format, parse};
    use crate::sample::findings::tests::{info, page};

    const ROWS: &str = "{\"id\":1,\"b\":2,\"_p_x\":1}\n{\"id\":2.5,\"c\":null}\n";

    fn spec() -> Value {
        let row = json!({"properties": {"id": {"type": "integer"}, "a": {}, "b": {"type": "number"}, "c": {"type": ["string", "null"]}}});
        let schema =
            json!({"properties": {"data": {"items": row}, "more": {"items": {"properties": {"x": {}}}}}});
        json!({"paths": {"/t": {"get": {"responses": {"200": {"schema": schema}}}}}})
    }

    /// What comes of rows of `t`, which a config with these keys reads.
    fn compared(keys: &str, pages: &[Sampled]) -> Option<Compared> {
        let info = SourceInfo {
            resources: vec![info("p", None, &[], None), info("t", Some("p"), &[], None)],
            ..SourceInfo::default()
        };
        let plan = Plan::new(&info, &[]).unwrap();
        let config = parse("c", &format!("resources: [p, {{name: t{keys}}}]"), Format::Yaml).unwrap();
        compare(&plan, 1, pages, &spec(), Subject { config: &config, whose: Whose::Ours })
    }

    fn answered(rows: &str, notices: Vec<Notice>) -> [Sampled; 1] {
        let exchange = crate::sample::findings::tests::exchange("https://a.io/t?x=1");
        [Sampled { exchange: Some(exchange), notices, ..page(rows) }]
    }

    fn differences(keys: &str) -> Vec<String> {
        match compared(keys, &answered(ROWS, Vec::new())) {
            Some(Compared::With { differences, .. }) => differences
                .into_iter()
                .map(|difference| match difference {
                    Difference::Undocumented { fields } => format!("+{}", fields.join(",")),
                    Difference::Unseen { fields, rows } => format!("-{} {rows}", fields.join(",")),
                    Difference::Kind { field, seen, rows, of, .. } => format!("{field} {seen:?} {rows}/{of}"),
                })
                .collect(),
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn rows_beside_what_is_documented() {
        let id = "id {Number} 1/2";
        assert_eq!(differences(""), ["-a 2", id]);
        assert_eq!(differences(", endpoint: {data_selector: more}"), ["+b,c,id", "-x 2"]);
        assert_eq!(differences(", drop: a"), [id]);
        assert_eq!(differences(", keep: [id, b.x, c]"), [id]);
        assert_eq!(differences(", rename: {a: d}"), ["-d 2", id]);
        assert_eq!(differences(", processing_steps: [{filter: .id}], drop: [a]"), [id]);
    }

    #[test]
    fn rows_that_are_not_compared() {
        let no_rows: [Sampled; 1] = answered("", Vec::new());
        assert_eq!(compared("", &no_rows), None);
        assert_eq!(compared("", &[page(ROWS)]), None);
        let altered = NotCompared::Altered { key: "processing_steps" };
        let steps = ", processing_steps: [{map: .}]";
        assert_eq!(compared(steps, &answered(ROWS, Vec::new())), Some(Compared::Not(altered)));
        // What was guessed of the place of the rows counts as what is written.
        for (path, value) in [
            ("/resources/1/endpoint/data_selector", "\"deep\""),
            ("/resources/1/endpoint", r#"{"data_selector": "deep"}"#),
            ("/resources/1", r#"{"endpoint": {"data_selector": "deep"}}"#),
        ] {
            let settles = vec![Setting { path: path.into(), value: value.into() }];
            let notice = Notice { code: String::new(), message: String::new(), hint: None, settles };
            let unknown = NotCompared::NoRows { operation: "GET /t".into(), selector: Some("deep".into()) };
            assert_eq!(compared("", &answered(ROWS, vec![notice])), Some(Compared::Not(unknown)));
        }
    }
}
