//! The plan: a config with its templates parsed, its parents found and its faults reported. Nothing after it can fail
//! on the config.

mod body;
mod bounds;
mod credentials;
mod draft;
mod hole;
mod parents;
mod seal;
mod tables;
mod whole;

use crate::actions::ResponseAction;
use crate::config::{
    self, Auth, Config, Method, Paginator, ResourceConfig, Strategy, TotalMode, for_the_host,
};
use crate::contract::{self, Notice, ResourceInfo, SourceInfo};
use crate::cut::Cut;
use crate::diagnostic::{Diagnostic, Problems};
use crate::incremental::{self, Incremental};
use crate::json::{Step, Wanted};
use crate::paging::{Pager, Reading};
use crate::select::Selector;
use crate::settle::{Guesses, Written};
use crate::steps;
use crate::template::Format;
pub(crate) use body::{Body, Json, Members};
use draft::Draft;
use parents::{Link, Source};

/// A config, understood.
#[derive(Debug, Clone)]
pub struct Plan {
    resources: Vec<Resource>,
    info: SourceInfo,
}

/// A text to be sent, with the places of the parent row's values.
pub(crate) type Pieces = Vec<Piece>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is to be sent.
    Text(String),
    /// The value of that number in the partition's bindings, and how it is written.
    Bound(usize, Option<Format>),
    /// A bound of what is asked for, and how it is written.
    Incremental(incremental::Value, Option<Format>),
}

#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) name: String,
    /// Scheme, host and path.
    pub(crate) url: Pieces,
    /// The query that the path came with.
    pub(crate) query: Pieces,
    pub(crate) params: Vec<(String, Pieces)>,
    pub(crate) headers: Vec<(Pieces, Pieces)>,
    pub(crate) method: Method,
    pub(crate) body: Option<Body<Piece>>,
    pub(crate) auth: Option<Auth>,
    /// Scheme, host and port of its URLs; `None`: the config is at fault.
    pub(crate) origin: Option<String>,
    pub(crate) selector: Option<Selector>,
    pub(crate) pager: Pager,
    pub(crate) empty_ok: bool,
    pub(crate) actions: Vec<ResponseAction>,
    pub(crate) incremental: Option<Incremental>,
    /// How many values a partition binds; `None` for a resource without a parent.
    pub(crate) bound: Option<usize>,
    /// Keys that a partition adds to each row.
    pub(crate) added: Vec<String>,
    /// What is done to rows before children are opened.
    pub(crate) steps: Vec<steps::Step>,
    /// What is done to rows that are handed over, after that.
    pub(crate) last: Vec<steps::Step>,
    /// The API's name, the output's name; done at the very end.
    pub(crate) rename: Vec<(String, String)>,
    pub(crate) children: Vec<Child>,
    /// What the children need of a row.
    pub(crate) row_fields: Wanted,
    pub(crate) written: Written,
    /// What the plan already takes to be meant.
    pub(crate) guesses: Guesses,
}

/// A resource that hangs on another one, as that one sees it.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) name: String,
    /// Each with whether any JSON value will do; else it becomes a part of a text.
    pub(crate) bind: Vec<(Taken, bool)>,
    pub(crate) add: Vec<Taken>,
}

/// Where a value for a child comes from.
#[derive(Debug, Clone)]
pub(crate) enum Taken {
    /// From the row: the slot in [`Resource::row_fields`], and its name for messages.
    Row { slot: usize, name: String },
    /// From each item of the list in that slot: what is wanted of an item, alone in its first slot.
    Each { slot: usize, item: Wanted, name: String },
    /// From the parent's own bindings.
    Bound(usize),
    /// From the keys that the parent's rows were given.
    Added(usize),
}

/// Reads a config (JSON) and makes its plan.
///
/// # Errors
/// Everything that is wrong with it, at once. Each diagnostic points to where the value was written, in
/// `resource_defaults` or in the resource.
pub fn plan(config_json: &str) -> Result<Plan, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let document = match serde_json::from_str(config_json) {
        Ok(document) => document,
        Err(error) => {
            problems.add("", format!("the config is not JSON: {error}"));
            return Err(problems.into_vec());
        }
    };
    let plan = config::read(&document, &mut problems).map(|config| lower(&config, &mut problems));
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(problems.into_vec()),
    }
}

impl Plan {
    /// What a host need know of it.
    pub fn source_info(&self) -> SourceInfo {
        self.info.clone()
    }

    /// The resource of that name.
    pub(crate) fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }
}

fn lower(config: &Config, problems: &mut Problems) -> Plan {
    for (index, resource) in config.resources.iter().enumerate() {
        if config.resources.iter().take(index).any(|other| other.name.value == resource.name.value) {
            let message = format!("there are two resources named `{}`", resource.name.value);
            problems.hint(&resource.name.pointer, message, "give one of them another name");
        }
    }
    tables::check(&config.resources, problems);
    let base = draft::base_url(config.client.base_url.as_ref(), problems);
    let drafts: Vec<Draft> =
        config.resources.iter().map(|resource| draft::draft(resource, &base, problems)).collect();
    let mut notices = Vec::new();
    let links = parents::links(&config.resources, &drafts, &mut notices, problems);
    whole::check(&config.resources, &links.links, problems);
    let mut resources = Vec::new();
    let mut infos = Vec::new();
    for &index in &links.order {
        let (Some(config_of), Some(draft), Some(link)) =
            (config.resources.get(index), drafts.get(index), links.links.get(index))
        else {
            continue;
        };
        let parent = link.parent.and_then(|parent| config.resources.get(parent));
        credentials::in_path(config_of, draft, &mut notices);
        let auth = auth(config, config_of).map(|auth| seal::settled(auth, &base));
        let seals = seal::seals(auth.as_ref(), problems);
        let resource = resource(config, config_of, draft, link, problems, &mut notices);
        let incremental = resource.incremental.as_ref();
        infos.push(ResourceInfo { seals, ..info(config_of, parent, draft, incremental, &mut notices) });
        resources.push(Resource { auth, ..resource });
    }
    for (link, draft) in links.links.iter().zip(&drafts) {
        let Some(parent) = link.parent.and_then(|parent| config.resources.get(parent)) else {
            continue;
        };
        if let Some(parent) = resources.iter_mut().find(|resource| resource.name == parent.name.value) {
            adopt(parent, link, draft);
        }
    }
    let info = SourceInfo { resources: infos, credentials: credentials::literal(config), notices };
    Plan { resources, info }
}

/// The endpoint's own, or the client's.
fn auth<'a>(all: &'a Config, config: &'a ResourceConfig) -> Option<&'a Auth> {
    config.endpoint.auth.as_ref().or(all.client.auth.as_ref())
}

/// Hangs a child on its parent.
fn adopt(parent: &mut Resource, link: &Link, draft: &Draft) {
    let mut take = |source: &Source| match source {
        Source::Row { steps, name } => Taken::Row { slot: parent.row_fields.add(steps), name: name.clone() },
        Source::Each { list, item, name } => {
            let mut wanted = Wanted::new();
            wanted.add(item);
            Taken::Each { slot: parent.row_fields.add(list), item: wanted, name: name.clone() }
        }
        Source::Bound(index) => Taken::Bound(*index),
        Source::Added(index) => Taken::Added(*index),
    };
    let texts = link.texts(draft);
    let bind =
        link.bind.iter().enumerate().map(|(index, source)| (take(source), !texts.contains(&index))).collect();
    let add = link.add.iter().map(|(_, source)| take(source)).collect();
    parent.children.push(Child { name: link.name.clone(), bind, add });
}

fn info(
    config: &ResourceConfig,
    parent: Option<&ResourceConfig>,
    draft: &Draft,
    incremental: Option<&Incremental>,
    notices: &mut Vec<Notice>,
) -> ResourceInfo {
    if config.parallelized.is_some() {
        notices.push(Notice {
            code: "option-unneeded",
            message: format!(
                "`parallelized` of `{}` is not needed: pages are read side by side anyway",
                config.name.value
            ),
            hint: None,
            settles: Vec::new(),
        });
    }
    let renamed = |name: &String| {
        config
            .rename
            .iter()
            .find(|(from, _)| from == name)
            .map_or_else(|| name.clone(), |(_, to)| to.value.clone())
    };
    let merge_key: Vec<String> = config.merge_key.iter().map(renamed).collect();
    let mut settings = serde_json::Map::new();
    let mut set = |key: &str, value: serde_json::Value| settings.insert(key.to_owned(), value);
    if let Some(total) = &config.total {
        set("total", total.value.name().into());
    }
    if let Some(table) = &config.tables.name {
        set("table_name", table.value.as_str().into());
    }
    if let Some(depth) = config.tables.max_nesting {
        set("max_table_nesting", depth.into());
    }
    if let Some(contract) = &config.tables.contract {
        set("schema_contract", contract.clone());
    }
    if !merge_key.is_empty() {
        set("merge_key", merge_key.into());
    }
    if let Some(Strategy::Scd2(versions)) = config.strategy.as_ref().map(|strategy| &strategy.value) {
        set("scd2", versions.settings(renamed));
    }
    if let Some(absent) = &config.delete_absent {
        set("delete_absent", absent.value.settings());
    }
    ResourceInfo {
        name: config.name.value.clone(),
        parent: parent.map(|parent| parent.name.value.clone()),
        primary_key: config.primary_key.iter().map(renamed).collect(),
        write_disposition: config.write_disposition,
        columns: for_the_host(&config.columns),
        incremental: incremental.map(|incremental| contract::Incremental {
            cursor: incremental.cursor(),
            sorted: incremental.is_sorted(),
        }),
        selected: config.selected,
        retry: config.endpoint.error_handler.clone(),
        origins: draft.origin.iter().cloned().collect(),
        seals: Vec::new(),
        settings: (!settings.is_empty()).then(|| serde_json::Value::Object(settings).to_string()),
    }
}

fn resource(
    all: &Config,
    config: &ResourceConfig,
    draft: &Draft,
    link: &Link,
    problems: &mut Problems,
    notices: &mut Vec<Notice>,
) -> Resource {
    let endpoint = &config.endpoint;
    // dlt's rule for a path that ends in a placeholder: one entity, one page, unless the endpoint says otherwise.
    let entity = draft.ends_in_placeholder;
    let named = match &endpoint.paginator {
        None | Some(Paginator::Auto) if entity => Some(&Paginator::SinglePage),
        None | Some(Paginator::Auto) => all.client.paginator.as_ref(),
        own => own.as_ref(),
    };
    let total = config.total.as_ref().map_or(TotalMode::Exact, |total| total.value);
    let incremental = endpoint.incremental.as_ref();
    let serial = incremental.is_some_and(|incremental| incremental.row_order.is_some());
    let pager = Pager::of(named.unwrap_or(&Paginator::Auto), Reading { total, serial });
    check_paging_params(config, draft, &pager, problems, notices);
    if pager.fills_body() && matches!(endpoint.body, Some(config::Body::Form(_) | config::Body::Text(_))) {
        let message = "the paginator writes into a body of JSON, and this one has `data`";
        problems.add(&config.name.pointer, message);
    }
    if let Some(total) = &config.total
        && !pager.has_totals()
        && !total.pointer.starts_with("/resource_defaults")
    {
        let message = "`total` does nothing without a paginator that reads a total";
        problems.hint(&total.pointer, message, "leave it out");
    }
    let selector = match &endpoint.selector {
        None if entity => Some(Selector::Plain(Vec::new())),
        own => own.clone(),
    };
    let mut headers = Vec::new();
    for (name, value) in &all.client.headers {
        headers.push((vec![Piece::Text(name.clone())], vec![Piece::Text(value.value.clone())]));
    }
    for (name, parts) in &draft.headers {
        // One of the same name takes the other's place when they are sent.
        headers.push((link.pieces(name), link.pieces(parts)));
    }
    let added: Vec<String> = link.add.iter().map(|(key, _)| key.clone()).collect();
    let rename: Vec<(String, String)> =
        config.rename.iter().map(|(from, to)| (from.clone(), to.value.clone())).collect();
    check_added(config, &added, problems);
    bounds::check(config, draft, problems, notices);
    Resource {
        name: config.name.value.clone(),
        url: link.pieces(&draft.path),
        query: link.pieces(&draft.query),
        params: bounds::params(config, draft, link),
        headers,
        method: endpoint.method,
        body: draft.body.as_ref().map(|body| link.body(body)),
        auth: None,
        origin: draft.origin.clone(),
        selector,
        pager,
        empty_ok: endpoint.empty_ok,
        actions: endpoint.actions.clone(),
        incremental: incremental.map(|incremental| {
            let is_sent = |key: &&String| !added.contains(key);
            let key: Vec<String> = config.primary_key.iter().filter(is_sent).cloned().collect();
            Incremental::new(incremental, &key)
        }),
        bound: link.parent.map(|_| link.bind.len()),
        steps: config.steps.clone(),
        last: last(config, &added, problems),
        added,
        rename,
        children: Vec::new(),
        row_fields: Wanted::new(),
        written: config.written.clone(),
        guesses: link.guesses.clone(),
    }
}

/// What rows that are handed over lose. Keys that the config adds stay, and so must the primary key.
fn last(config: &ResourceConfig, added: &[String], problems: &mut Problems) -> Vec<steps::Step> {
    let Some(cut) = &config.cut else {
        return Vec::new();
    };
    let (mut what, pointer) = (cut.value.clone(), &cut.pointer);
    if let Cut::Keep(fields) = &mut what {
        added.iter().for_each(|name| fields.add(&[Step::Member(name.clone())]));
    }
    let gone = |name: &&String| match &what {
        Cut::Drop(fields) => fields.has(name),
        Cut::Keep(fields) => !fields.has(name),
    };
    if let Some(gone) = config.primary_key.iter().find(gone) {
        problems.add(pointer, format!("`{gone}` is of the primary key, and rows would not have it"));
    }
    if let Some(gone) = config.merge_key.iter().find(gone) {
        problems.add(pointer, format!("`{gone}` is of the merge key, and rows would not have it"));
    }
    for column in &config.columns {
        let before = config.rename.iter().find(|(_, to)| to.value == column.name).map(|(from, _)| from);
        let hints =
            [(column.dedup_sort.is_some(), "dedup_sort"), (column.hard_delete.is_some(), "hard_delete")];
        if let Some((_, hint)) = hints.iter().find(|(is_hinted, _)| *is_hinted)
            && gone(&before.unwrap_or(&column.name))
        {
            problems.add(
                pointer,
                format!("`{}` is a column of `{hint}`, and rows would not have it", column.name),
            );
        }
    }
    vec![steps::Step::Cut(what)]
}

/// The paginator's parameters replace those of the same name in `params`, as in dlt; in the path they would be sent twice.
fn check_paging_params(
    config: &ResourceConfig,
    draft: &Draft,
    pager: &Pager,
    problems: &mut Problems,
    notices: &mut Vec<Notice>,
) {
    let (always, later) = pager.params();
    for name in always.iter().chain(&later) {
        if draft.query_names().any(|other| other == **name) {
            let path = &config.endpoint.path.pointer;
            let message = format!("`{name}` is in the path's query, and the paginator sets it too");
            problems.hint(path, message, "take it out of the path");
        }
        // What `params` has of a cursor's name is sent with the first request.
        if always.contains(name) && draft.params.iter().any(|(other, _)| other == name) {
            notices.push(Notice {
                code: "param-overridden",
                message: format!(
                    "the paginator of `{}` sets `{name}`; the one in `params` is not sent",
                    config.name.value
                ),
                hint: None,
                settles: Vec::new(),
            });
        }
    }
}

/// A key that is added must not be the new name of another one.
fn check_added(config: &ResourceConfig, added: &[String], problems: &mut Problems) {
    for key in added {
        let Some((_, to)) = config.rename.iter().find(|(from, to)| to.value == *key && from != key) else {
            continue;
        };
        let message = format!("`{key}` is the name under which rows carry a field of their parent");
        problems.hint(&to.pointer, message, "give the field another new name");
    }
}
