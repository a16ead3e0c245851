//! `schema`: the tables that a config's rows have turned out to be, as people and programs read them.

use std::collections::BTreeSet;
use std::path::Path;

use sanderling_destination::{Destination, Engine, Table, Target};

use super::run::{shown, target};
use super::terminal::tell;
use super::{env, print, read, request_of_config};
use crate::cli::{SchemaArgs, SchemaFormat, SqlDialect};
use crate::discovery::{self, Found};
use crate::error::Error;
use crate::run::plan::{Plan, PlanError};
use crate::secrets::Sources;
use crate::show::{Level, Show};
use crate::{source, words};

/// Runs the command.
pub async fn schema(args: &SchemaArgs, show: Show) -> Result<u8, Error> {
    if args.dialect.is_some() && args.format != SchemaFormat::Sql {
        return Err(Error::Useless { option: "--dialect", why: "it is for --format sql" });
    }
    let text = read(&args.file.config)?;
    let described = source::describe(&request_of_config(&args.file, &text)).await?;
    // All that could have been loaded, selected or not.
    let all: Vec<String> = described.info.resources.iter().map(|resource| resource.name.clone()).collect();
    let plan = Plan::new(&described.info, &all)?.shaped(described.settings.shaping)?;
    if let Some(name) = args.resources.iter().find(|name| plan.find(name).is_none()) {
        return Err(PlanError::Unknown { name: name.clone(), known: all }.into());
    }
    // No flags give secrets here.
    let secrets = Sources { flags: &[], also: &BTreeSet::new(), env: &env, dir: Path::new(".") };
    let target =
        target(args.to.as_deref(), args.state.clone(), &described.settings, &described.name, secrets)?;
    if !target.has_columns() {
        let target = if target == Target::Stdout { "standard output".to_owned() } else { shown(&target) };
        return Err(Error::NoColumns { target });
    }
    let tables: Vec<&Table> = plan.resources.iter().map(|resource| &resource.table).collect();
    let found = Destination::discovered(&target, &described.name, &tables)?;
    let meant = plan
        .resources
        .iter()
        .filter(|resource| args.resources.is_empty() || args.resources.contains(&resource.name));
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for resource in meant {
        match found.as_ref().and_then(|found| found.of(&resource.name)) {
            Some(discovered) => known.push(Found { resource, discovered }),
            None => unknown.push(resource.name.as_str()),
        }
    }
    let Some(found) = found.as_ref().filter(|_| !known.is_empty()) else {
        let resources = if found.is_some() { unknown } else { Vec::new() };
        return Err(Error::Undiscovered {
            config: args.file.config.clone(),
            target: shown(&target),
            resources: resources.into_iter().map(str::to_owned).collect(),
        });
    };
    let text = if args.json {
        format!("{:#}\n", discovery::document(&described.name, &shown(&target), &known))
    } else {
        match args.format {
            SchemaFormat::Table => discovery::tables(&known, show.paint_stdout),
            SchemaFormat::JsonSchema => {
                format!("{:#}\n", discovery::json_schema(&described.name, found.engine, &known))
            }
            SchemaFormat::Sql => discovery::statements(args.dialect.map_or(found.engine, engine), &known),
            SchemaFormat::Dlt => discovery::hints(&known),
        }
    };
    if !unknown.is_empty() && (show.level >= Level::Normal) {
        tell(&format!("{}\n", show.paint.dim(&words::of_unknown_columns(&unknown))));
    }
    print(text.as_bytes())
}

fn engine(dialect: SqlDialect) -> Engine {
    match dialect {
        SqlDialect::Sqlite => Engine::SQLITE,
        SqlDialect::Postgresql => Engine::POSTGRESQL,
        SqlDialect::Duckdb => Engine::DUCKDB,
    }
}
