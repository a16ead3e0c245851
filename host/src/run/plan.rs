//! What a run reads and writes: the connector's resources, narrowed to what the user asked for.

use std::collections::HashMap;

use sanderling_destination::{DataType, DedupSort, Disposition, Shape, Table};
use serde::Deserialize;

use crate::contract::{self, Column, ResourceInfo, SourceInfo, WriteDisposition};
use crate::retry::RetryPolicy;

/// Resources above one another: more is no API's doing.
const MAX_DEPTH: usize = 32;

/// The resources of a run, parents before children.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Indices into this list are how a run names resources.
    pub resources: Vec<Resource>,
    /// Everything that the connector lists, read or not, with its parent.
    parents: HashMap<String, Option<String>>,
    /// Whether all that is selected is read: `--resource` was not given.
    whole: bool,
}

/// One resource of a run.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name in the config.
    pub name: String,
    /// Where its rows go.
    pub table: Table,
    /// What the config says of its columns.
    pub columns: Vec<Column>,
    /// Whether they go anywhere: a parent may be read for its children alone.
    pub written: bool,
    /// The resource whose rows drive it.
    pub parent: Option<usize>,
    /// The resources that its rows drive.
    pub children: Vec<usize>,
    /// The parentless resource at the top of its tree.
    pub root: usize,
    /// How failed pages are tried again.
    pub policy: RetryPolicy,
    /// What the API's totals are worth.
    pub totals: Totals,
    /// Set where it is read from a watermark on.
    pub incremental: Option<Incremental>,
    /// The origin that it is read from, as far as the connector says.
    pub origin: String,
}

/// How a resource is read from a watermark on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// What its watermarks are of.
    pub cursor: String,
    /// Whether rows come in the order of their watermarks.
    pub sorted: bool,
    /// Whether the run moves them: not where a parent's rows are left out that another run would write.
    pub keeps: bool,
}

/// What an API's totals are worth (`total` of a resource).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Totals {
    /// Fewer rows than the total is a failure.
    #[default]
    Exact,
    /// Shown, and nothing more.
    Estimate,
    /// As if there were none.
    Ignore,
}

/// Why there is nothing that can be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `--resource` names none of them.
    #[error("no resource is called `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A resource wants what this host does not have.
    #[error("resource `{resource}`: {what} is not supported yet")]
    Unsupported {
        /// Its name.
        resource: String,
        /// What it wants.
        what: String,
    },
    /// A column of a type that there is not.
    #[error("resource `{resource}`: column `{column}` is declared `{data_type}`, which is no type")]
    DataType {
        /// The resource's name.
        resource: String,
        /// The column's name.
        column: String,
        /// What it is declared as.
        data_type: String,
    },
    /// A range is asked for of a resource that has none.
    #[error(
        "resource `{resource}` {}: a range of it cannot be read",
        if *.replaced { "is replaced as a whole by each run" } else { "is not incremental" }
    )]
    NoRange {
        /// Its name.
        resource: String,
        /// Whether it is replaced.
        replaced: bool,
    },
    /// A range is asked for, and no resource has any.
    #[error("no resource of the config is incremental: there is no range to read")]
    NothingIncremental,
    /// `--strict`, and rows would be added where they are to be merged.
    #[error(
        "resource `{resource}`: files cannot be merged into by a part of the rows, which `--strict` wants"
    )]
    WouldAppend {
        /// Its name.
        resource: String,
    },
    /// The connector contradicts itself.
    #[error("the connector's list of resources is not sound: {0}")]
    Unsound(String),
}

impl Plan {
    /// Whether the connector lists `name` as a child of the resource at `parent`, read in this run or not.
    pub fn is_child(&self, name: &str, parent: usize) -> bool {
        let above = self.parents.get(name).and_then(Option::as_deref);
        above == Some(self.resources[parent].name.as_str())
    }

    /// Whether the config has no resource `name` any more, or has it and does not select it. Of what `--resource` leaves
    /// out nothing is said.
    pub fn is_gone(&self, name: &str) -> bool {
        self.find(name).is_none() && (self.whole || !self.parents.contains_key(name))
    }

    /// Whether `name`, read in this run or not, is the root or stands below it.
    pub fn is_below(&self, name: &str, root: usize) -> bool {
        let top = std::iter::successors(Some(name), |name| self.parents.get(*name)?.as_deref()).last();
        top == Some(self.resources[root].name.as_str())
    }

    /// All of `info`'s resources, or `only` those and the parents that drive them.
    pub fn new(info: &SourceInfo, only: &[String]) -> Result<Self, PlanError> {
        let index = places(&info.resources)?;
        if let Some(name) = only.iter().find(|name| !index.contains_key(name.as_str())) {
            let known = info.resources.iter().map(|resource| resource.name.clone()).collect();
            return Err(PlanError::Unknown { name: name.clone(), known });
        }
        let written: Vec<bool> = info
            .resources
            .iter()
            .map(|resource| if only.is_empty() { resource.selected } else { only.contains(&resource.name) })
            .collect();
        let mut read = written.clone();
        for (position, resource) in info.resources.iter().enumerate().rev() {
            let Some(parent) = &resource.parent else { continue };
            if let Some(&above) = index.get(parent.as_str()) {
                read[above] |= read[position];
            }
        }

        let parents =
            info.resources.iter().map(|resource| (resource.name.clone(), resource.parent.clone())).collect();
        let mut plan = Self { resources: Vec::new(), parents, whole: only.is_empty() };
        let mut place = vec![None; info.resources.len()];
        for (position, resource) in info.resources.iter().enumerate().filter(|(position, _)| read[*position])
        {
            let at = plan.resources.len();
            let parent = resource.parent.as_deref().and_then(|parent| place[*index.get(parent)?]);
            let root = parent.map_or(at, |parent: usize| plan.resources[parent].root);
            plan.resources.push(lower(resource, parent, root, written[position])?);
            if let Some(parent) = parent {
                plan.resources[parent].children.push(at);
            }
            place[position] = Some(at);
        }
        shared_table(&plan.resources).map_or(Ok(plan), Err)
    }

    /// The index of a resource.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.resources.iter().position(|resource| resource.name == name)
    }

    /// Resources without a parent, in the config's order.
    pub fn roots(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.resources.len()).filter(|&at| self.resources[at].parent.is_none())
    }

    /// A root and everything below it, parents before children.
    pub fn tree(&self, root: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.resources.len()).filter(move |&at| self.resources[at].root == root)
    }
}

/// Where each resource stands, by its name. Every list of a connector's must pass this, since code below goes by it.
///
/// # Errors
/// A name is there twice, a parent does not stand before its child, or they are nested too deep.
pub fn places(resources: &[ResourceInfo]) -> Result<HashMap<&str, usize>, PlanError> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(resources.len());
    let mut depths: Vec<usize> = Vec::with_capacity(resources.len());
    for (position, resource) in resources.iter().enumerate() {
        let unsound = |what: String| Err(PlanError::Unsound(what));
        let above = resource.parent.as_ref().map(|parent| places.get(parent.as_str()));
        let depth = match above {
            None => 0,
            Some(Some(&above)) => depths.get(above).map_or(0, |depth| depth + 1),
            Some(None) => {
                let parent = resource.parent.as_deref().unwrap_or_default();
                return unsound(format!("`{parent}` does not stand before `{}`", resource.name));
            }
        };
        if depth > MAX_DEPTH {
            return unsound(format!("`{}` is nested deeper than {MAX_DEPTH} resources", resource.name));
        }
        if places.insert(&resource.name, position).is_some() {
            return unsound(format!("`{}` is there twice", resource.name));
        }
        depths.push(depth);
    }
    Ok(places)
}

fn lower(
    info: &ResourceInfo,
    parent: Option<usize>,
    root: usize,
    written: bool,
) -> Result<Resource, PlanError> {
    let unsupported =
        |what: &str| PlanError::Unsupported { resource: info.name.clone(), what: what.to_owned() };
    let disposition = match &info.write_disposition {
        WriteDisposition::Append => Disposition::Append,
        WriteDisposition::Replace => Disposition::Replace,
        WriteDisposition::Merge => Disposition::Merge,
        WriteDisposition::Other(word) => return Err(unsupported(&format!("write_disposition `{word}`"))),
    };
    let columns = contract::columns(info.columns.as_deref().unwrap_or("{}"));
    let columns =
        columns.map_err(|error| PlanError::Unsound(format!("the columns of `{}`: {error}", info.name)))?;
    let settings = settings(info)?;
    let sort = columns.iter().find_map(|column| Some((column, column.dedup_sort.as_deref()?)));
    let dedup_sort = match sort {
        None => None,
        Some((column, order @ ("asc" | "desc"))) => {
            Some(DedupSort { field: column.name.clone(), greatest: order == "desc" })
        }
        Some((_, other)) => return Err(unsupported(&format!("dedup_sort `{other}`"))),
    };
    let hard_delete = columns.iter().find(|column| column.hard_delete).map(|column| column.name.clone());
    Ok(Resource {
        name: info.name.clone(),
        table: Table {
            resource: info.name.clone(),
            name: settings.table_name.unwrap_or_else(|| info.name.clone()),
            disposition,
            primary_key: info.primary_key.clone(),
            merge_key: settings.merge_key,
            dedup_sort,
            hard_delete,
            partitioned: parent.is_some(),
            columns: declared(&info.name, &columns)?,
            shape: Shape::default(),
        },
        columns,
        written,
        parent,
        children: Vec::new(),
        root,
        policy: info.retry.as_ref().map(RetryPolicy::from).unwrap_or_default(),
        totals: settings.total,
        incremental: incremental(info, &disposition, written),
        origin: info.origins.first().cloned().unwrap_or_default(),
    })
}

/// What is replaced as a whole is read as a whole, by dlt's rule too.
fn incremental(info: &ResourceInfo, disposition: &Disposition, written: bool) -> Option<Incremental> {
    let incremental = info.incremental.as_ref().filter(|_| *disposition != Disposition::Replace)?;
    Some(Incremental {
        cursor: incremental.cursor.clone(),
        sorted: incremental.sorted,
        keeps: written || !info.selected,
    })
}

/// The columns as a destination checks them. A config that does not say otherwise lets them be null, as in dlt.
fn declared(resource: &str, columns: &[Column]) -> Result<Vec<sanderling_destination::Column>, PlanError> {
    let column = |column: &Column| {
        let data_type = column.data_type.as_deref().map(|name| {
            DataType::parse(name).ok_or_else(|| PlanError::DataType {
                resource: resource.to_owned(),
                column: column.name.clone(),
                data_type: name.to_owned(),
            })
        });
        Ok(sanderling_destination::Column {
            name: column.name.clone(),
            data_type: data_type.transpose()?,
            nullable: column.nullable.unwrap_or(true),
        })
    };
    columns.iter().map(column).collect()
}

/// What a resource asks of this host. What it does not know is passed over.
#[derive(Debug, Default, Deserialize)]
struct ResourceSettings {
    #[serde(default)]
    total: Totals,
    /// The table's name, where it is not the resource's.
    table_name: Option<String>,
    /// Columns by which rows belong together.
    #[serde(default)]
    merge_key: Vec<String>,
}

fn settings(info: &ResourceInfo) -> Result<ResourceSettings, PlanError> {
    let Some(text) = &info.settings else { return Ok(ResourceSettings::default()) };
    serde_json::from_str(text)
        .map_err(|error| PlanError::Unsound(format!("the settings of `{}`: {error}", info.name)))
}

/// Two resources would be one table; in a database names in both cases are one.
fn shared_table(resources: &[Resource]) -> Option<PlanError> {
    let mut tables: HashMap<String, &str> = HashMap::new();
    resources.iter().find_map(|resource| {
        let name = &resource.table.name;
        let other = tables.insert(name.to_ascii_lowercase(), &resource.name)?;
        // Names of their own are a destination's to judge: files may tell them apart.
        let named = *name != resource.name || !other.eq_ignore_ascii_case(&resource.name);
        named.then(|| {
            PlanError::Unsound(format!("`{other}` and `{}` would both be table `{name}`", resource.name))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(names: &[(&str, Option<&str>)]) -> SourceInfo {
        let resource = |&(name, parent): &(&str, Option<&str>)| ResourceInfo {
            name: name.into(),
            parent: parent.map(Into::into),
            primary_key: vec!["id".into()],
            write_disposition: WriteDisposition::Merge,
            columns: None,
            incremental: None,
            selected: true,
            retry: None,
            origins: vec!["https://api.example.com".into()],
            seals: Vec::new(),
            settings: None,
        };
        SourceInfo { resources: names.iter().map(resource).collect(), ..SourceInfo::default() }
    }

    #[test]
    fn a_child_that_is_asked_for_brings_its_parents_unwritten() {
        let all = info(&[
            ("users", None),
            ("projects", None),
            ("tasks", Some("projects")),
            ("notes", Some("tasks")),
        ]);
        let plan = Plan::new(&all, &["notes".into()]).unwrap();
        let seen: Vec<_> =
            plan.resources.iter().map(|r| (r.name.as_str(), r.written, r.parent, r.root)).collect();
        assert_eq!(
            seen,
            [("projects", false, None, 0), ("tasks", false, Some(0), 0), ("notes", true, Some(1), 0)]
        );
    }

    #[test]
    fn a_list_that_is_not_sound_is_refused() {
        for bad in [
            info(&[("a", Some("b")), ("b", None)]),
            info(&[("a", None), ("a", None)]),
            info(&[("a", Some("a"))]),
        ] {
            assert!(matches!(Plan::new(&bad, &[]), Err(PlanError::Unsound(_))));
        }
    }

    #[test]
    fn settings_are_read_and_tables_are_one_resources() {
        let mut all = info(&[("users", None), ("people", None)]);
        let settings = r#"{"table_name": "People", "merge_key": ["day"], "total": "ignore", "later": 1}"#;
        all.resources[0].settings = Some(settings.into());
        all.resources[0].columns =
            Some(r#"{"at": {"dedup_sort": "desc"}, "no": {"hard_delete": true}}"#.into());
        let plan = Plan::new(&all, &["users".into()]).unwrap();
        let Resource { table, totals, .. } = &plan.resources[0];
        assert_eq!((table.name.as_str(), *totals), ("People", Totals::Ignore));
        assert_eq!(table.merge_key, ["day"]);
        assert_eq!(table.dedup_sort, Some(DedupSort { field: "at".into(), greatest: true }));
        assert_eq!(table.hard_delete.as_deref(), Some("no"));
        let error = Plan::new(&all, &[]).unwrap_err().to_string();
        assert!(error.ends_with("`users` and `people` would both be table `people`"), "{error}");
        all.resources[0].settings = Some(r#"{"merge_key": "day"}"#.into());
        assert!(matches!(Plan::new(&all, &[]), Err(PlanError::Unsound(_))));
    }

    #[test]
    fn an_unknown_resource_is_named_with_what_there_is() {
        let error = Plan::new(&info(&[("users", None)]), &["user".into()]).unwrap_err();
        assert_eq!(error, PlanError::Unknown { name: "user".into(), known: vec!["users".into()] });
    }

    #[test]
    fn a_type_that_there_is_not_is_named() {
        let mut all = info(&[("users", None)]);
        all.resources[0].columns = Some(r#"{"id": {"nullable": false}, "at": {"data_type": "date"}}"#.into());
        let plan = Plan::new(&all, &[]).unwrap();
        let columns = &plan.resources[0].table.columns;
        assert_eq!(
            columns.iter().map(|it| (it.data_type, it.nullable)).collect::<Vec<_>>(),
            [(None, false), (Some(DataType::Date), true)]
        );
        all.resources[0].columns = Some(r#"{"at": {"data_type": "datetime"}}"#.into());
        let error = Plan::new(&all, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "resource `users`: column `at` is declared `datetime`, which is no type"
        );
    }

    #[test]
    fn what_is_left_out_is_not_gone() {
        let mut all = info(&[("users", None), ("projects", None), ("tasks", Some("projects"))]);
        all.resources[0].selected = false;
        let gone = |plan: &Plan| ["users", "projects", "tasks", "old"].map(|name| plan.is_gone(name));
        assert_eq!(gone(&Plan::new(&all, &[]).unwrap()), [true, false, false, true]);
        assert_eq!(gone(&Plan::new(&all, &["projects".into()]).unwrap()), [false, false, false, true]);
    }
}
