//! What a run reads and writes: the connector's resources, narrowed to what the user asked for.

use std::collections::HashMap;

use sanderling_destination::{
    Contract, DataType, DedupSort, DeleteAbsent, Disposition, History, MergeStrategy, Mode, Shape, Table,
    Target,
};
use serde::Deserialize;

use crate::contract::{self, Column, ResourceInfo, SourceInfo, WriteDisposition};
use crate::retry::RetryPolicy;
use crate::settings::shaping::Shaping;

/// Dispositions that the contract has no words for.
const SCD2: &str = "scd2";
const INSERT_ONLY: &str = "insert-only";

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
    /// What it says itself of its tables.
    pub tables: OwnTables,
    /// Set where it is read from a watermark on.
    pub incremental: Option<Incremental>,
    /// The origin that it is read from, as far as the connector says.
    pub origin: String,
}

/// What a resource says of its own tables; what it does not say, the host's keys do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnTables {
    /// `max_table_nesting`.
    pub max_nesting: Option<u32>,
    /// Whether it has a `schema_contract` that does not take everything.
    pub is_bound: bool,
    /// Whether it has a `total`.
    pub has_total: bool,
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

impl Totals {
    /// As a config names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimate => "estimate",
            Self::Ignore => "ignore",
        }
    }
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
    /// Something is asked for that the destination cannot do.
    #[error("resource `{resource}`: {what} needs a database")]
    NeedsDatabase {
        /// Its name.
        resource: String,
        /// What it wants.
        what: &'static str,
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
            let mut lowered = lower(resource, parent, root, written[position])?;
            let below_part = parent.is_some_and(|parent: usize| plan.resources[parent].table.partial);
            lowered.table.partial = below_part || lowered.incremental.is_some();
            plan.resources.push(lowered);
            if let Some(parent) = parent {
                plan.resources[parent].children.push(at);
            }
            place[position] = Some(at);
        }
        shared_table(&plan.resources).map_or(Ok(plan), Err)
    }

    /// The same, with what the host's keys say of all resources.
    pub fn shaped(mut self, shaping: Shaping) -> Result<Self, PlanError> {
        for resource in &mut self.resources {
            let table = &mut resource.table;
            table.shape = shaping.shape(table.shape, resource.tables.max_nesting);
            table.name = table.shape.table_name(&table.name);
            if let Some(total) = shaping.total.filter(|_| !resource.tables.has_total) {
                resource.totals = total;
            }
        }
        shared_table(&self.resources).map_or(Ok(self), Err)
    }

    /// Keys of the config, and of resources that are written, which speak of columns.
    pub fn of_columns(&self, shaping: Shaping) -> Vec<&'static str> {
        let any = |is_it: fn(&OwnTables) -> bool| {
            self.resources.iter().any(|resource| resource.written && is_it(&resource.tables))
        };
        let keys = [
            ("nested", shaping.nested.is_some()),
            ("names", shaping.names.is_some()),
            ("max_table_nesting", any(|tables| tables.max_nesting.is_some())),
            ("schema_contract", any(|tables| tables.is_bound)),
        ];
        keys.into_iter().filter_map(|(key, is_said)| is_said.then_some(key)).collect()
    }

    /// Refuses what cannot be done in `target`, before anything is made there.
    pub fn check_against(&self, target: &Target) -> Result<(), PlanError> {
        let mut written = self.resources.iter().filter(|resource| resource.written);
        let found = written.find_map(|of| Some((of.name.clone(), target.cannot(&of.table)?)));
        match found {
            Some((resource, what)) => Err(PlanError::NeedsDatabase { resource, what }),
            None => Ok(()),
        }
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
        WriteDisposition::Other(word) if word == SCD2 || word == INSERT_ONLY => Disposition::Merge,
        WriteDisposition::Other(word) => return Err(unsupported(&format!("write_disposition `{word}`"))),
    };
    let columns = contract::columns(info.columns.as_deref().unwrap_or("{}"));
    let columns =
        columns.map_err(|error| PlanError::Unsound(format!("the columns of `{}`: {error}", info.name)))?;
    let settings = settings(info)?;
    let strategy = match &info.write_disposition {
        WriteDisposition::Other(word) if word == SCD2 => MergeStrategy::History(settings.scd2.into()),
        WriteDisposition::Other(_) => MergeStrategy::InsertOnly,
        _ => MergeStrategy::DeleteInsert,
    };
    let sort = columns.iter().find_map(|column| Some((column, column.dedup_sort.as_deref()?)));
    let dedup_sort = match sort {
        None => None,
        Some((column, order @ ("asc" | "desc"))) => {
            Some(DedupSort { field: column.name.clone(), greatest: order == "desc" })
        }
        Some((_, other)) => return Err(unsupported(&format!("dedup_sort `{other}`"))),
    };
    let contract = contract_of(settings.schema_contract.as_ref());
    let tables = OwnTables {
        max_nesting: settings.max_table_nesting.map(|depth| u32::try_from(depth).unwrap_or(u32::MAX)),
        is_bound: contract != Contract::EVOLVE,
        has_total: settings.total.is_some(),
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
            strategy,
            delete_absent: settings.delete_absent.map(DeleteAbsent::from),
            partial: false,
            partitioned: parent.is_some(),
            columns: declared(&info.name, &columns)?,
            shape: Shape { contract, ..Shape::default() },
        },
        columns,
        written,
        parent,
        children: Vec::new(),
        root,
        policy: info.retry.as_ref().map(RetryPolicy::from).unwrap_or_default(),
        totals: settings.total.unwrap_or_default(),
        tables,
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
            digits: column.digits,
            naive: column.timezone == Some(false),
        })
    };
    columns.iter().map(column).collect()
}

/// What a resource asks of this host. What it does not know is passed over.
#[derive(Debug, Default, Deserialize)]
struct ResourceSettings {
    total: Option<Totals>,
    /// The table's name, where it is not the resource's.
    table_name: Option<String>,
    /// Columns by which rows belong together.
    #[serde(default)]
    merge_key: Vec<String>,
    /// How versions of rows are kept.
    #[serde(default)]
    scd2: Versions,
    /// What becomes of rows that a whole read did not bring.
    delete_absent: Option<Absent>,
    /// How deep lists become tables of their own.
    max_table_nesting: Option<u64>,
    schema_contract: Option<WrittenContract>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Versions {
    columns: Option<(String, String)>,
    active_micros: Option<i64>,
    boundary_micros: Option<i64>,
    version_field: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Absent {
    #[serde(default)]
    mark: bool,
    max_percent: Option<u32>,
}

impl From<Versions> for History {
    fn from(versions: Versions) -> Self {
        let Versions { columns, active_micros, boundary_micros, version_field } = versions;
        Self { columns, active_micros, boundary_micros, version_field }
    }
}

impl From<Absent> for DeleteAbsent {
    fn from(absent: Absent) -> Self {
        Self { mark: absent.mark, max_percent: absent.max_percent.unwrap_or(Self::MAX_PERCENT) }
    }
}

/// dlt's two forms of a contract: one mode, or one for each part.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WrittenContract {
    All(WrittenMode),
    Each { tables: Option<WrittenMode>, columns: Option<WrittenMode>, data_type: Option<WrittenMode> },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenMode {
    Evolve,
    Freeze,
    DiscardRow,
    DiscardValue,
}

fn contract_of(written: Option<&WrittenContract>) -> Contract {
    let mode = |mode: Option<WrittenMode>| match mode {
        None | Some(WrittenMode::Evolve) => Mode::Evolve,
        Some(WrittenMode::Freeze) => Mode::Freeze,
        Some(WrittenMode::DiscardRow) => Mode::DiscardRow,
        Some(WrittenMode::DiscardValue) => Mode::DiscardValue,
    };
    let (tables, columns, data_type) = match written {
        None => (None, None, None),
        Some(WrittenContract::All(all)) => (Some(*all), Some(*all), Some(*all)),
        Some(WrittenContract::Each { tables, columns, data_type }) => (*tables, *columns, *data_type),
    };
    Contract { tables: mode(tables), columns: mode(columns), data_type: mode(data_type) }
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
    fn what_is_said_of_tables_reaches_the_destination() {
        let mut all = info(&[("userTasks", None), ("notes", None), ("logs", None)]);
        let settings =
            r#"{"max_table_nesting": 1, "schema_contract": {"columns": "freeze"}, "total": "exact"}"#;
        all.resources[1].settings = Some(settings.into());
        all.resources[2].settings = Some(r#"{"schema_contract": "discard_row"}"#.into());
        let plan = || Plan::new(&all, &[]).unwrap();
        let bare = plan().shaped(Shaping::default()).unwrap();
        let contracts: Vec<_> = bare.resources.iter().map(|it| it.table.shape.contract).collect();
        let one = Mode::DiscardRow;
        assert_eq!(
            contracts,
            [
                Contract::EVOLVE,
                Contract { columns: Mode::Freeze, ..Contract::EVOLVE },
                Contract { tables: one, columns: one, data_type: one }
            ]
        );
        let tables = Some(sanderling_destination::Nested::Tables { max_depth: Some(1) });
        assert_eq!(
            bare.resources.iter().map(|it| it.table.shape.nested).collect::<Vec<_>>(),
            [None, tables, None]
        );
        assert_eq!(bare.of_columns(Shaping::default()), ["max_table_nesting", "schema_contract"]);
        let system = sanderling_destination::SystemNames::Dlt;
        let nested = Some(crate::settings::shaping::NestedIn::Tables { max_depth: None, system });
        let shaping = Shaping { nested, total: Some(Totals::Ignore), ..Shaping::default() };
        let dlt = plan().shaped(shaping).unwrap();
        assert_eq!(dlt.resources[0].table.name, "user_tasks");
        assert_eq!(dlt.resources[0].table.resource, "userTasks");
        let totals: Vec<_> = dlt.resources.iter().map(|it| it.totals).collect();
        assert_eq!(totals, [Totals::Ignore, Totals::Exact, Totals::Ignore]);
        all.resources[1].settings = Some(r#"{"table_name": "user_tasks"}"#.into());
        assert!(matches!(Plan::new(&all, &[]).unwrap().shaped(shaping), Err(PlanError::Unsound(_))));
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
