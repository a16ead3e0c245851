//! Finds the pipelines that a person means, and what is remembered of them: by a config, by a target, or all below here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sanderling_destination::{Destination, State, Target, find};

use super::run::target;
use super::terminal::tell;
use super::{env, read, request_of_config};
use crate::cli::{ConfigArgs, WhoseArgs};
use crate::error::Error;
use crate::run::outlook::Basis;
use crate::run::plan::Plan;
use crate::secrets::Sources;
use crate::settings::HostSettings;
use crate::show::Show;
use crate::source::{self, Described};
use crate::{clock, report, words};

/// How deep below the current folder is looked.
const DEPTH: usize = 2;

/// One pipeline in one target.
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Where its rows go.
    pub target: Target,
    /// What is remembered.
    pub state: State,
    /// Its config, if that is known and opens.
    pub known: Option<Known>,
}

/// A config, as far as the checkpoint is concerned.
pub struct Known {
    /// What a run would read.
    pub plan: Plan,
    config: String,
    digest: String,
    resume_within_ms: u64,
}

impl Known {
    /// What a run that starts now would go by.
    pub fn basis(&self) -> Basis<'_> {
        Basis {
            config: &self.config,
            connector_digest: &self.digest,
            now_ms: clock::now_ms(),
            resume_within_ms: self.resume_within_ms,
        }
    }
}

/// The pipelines that are meant. With a config its own, also if it was never run; with `all` the others of its target too.
/// A config that does not open is told of, and the state shown without it.
pub async fn pipelines(args: &WhoseArgs, all: bool, show: Show) -> Result<Vec<Pipeline>, Error> {
    // No flags give secrets here.
    let also = BTreeSet::new();
    let from = |also| Sources { flags: &[], also, env: &env, dir: Path::new(".") };
    let Some(path) = &args.config else {
        return match &args.to {
            Some(to) => {
                let target = target(Some(to), args.state.clone(), &HostSettings::default(), "", from(&also))?;
                in_target(&target)
            }
            None => Ok(below(Path::new("."), show)),
        };
    };
    let text = read(path)?;
    match describe(path, args.connector.clone(), &text).await {
        Ok((name, settings, known)) => {
            let target = target(args.to.as_deref(), args.state.clone(), &settings, &name, from(&also))?;
            let mut found = in_target(&target)?;
            let at = found.iter().position(|pipeline| pipeline.name == name);
            let state = at.map(|at| found.remove(at).state).unwrap_or_default();
            let own = Pipeline { name, target, state, known: Some(known) };
            Ok(if all { std::iter::once(own).chain(found).collect() } else { vec![own] })
        }
        Err(error) => {
            let stem = source::stem(path);
            let target =
                target(args.to.as_deref(), args.state.clone(), &HostSettings::default(), &stem, from(&also))?;
            let found = in_target(&target)?;
            if found.is_empty() {
                return Err(error);
            }
            tell(&report::lines(&words::of_error(&error, show.paint), show.paint));
            Ok(found)
        }
    }
}

async fn describe(
    path: &Path,
    connector: Option<PathBuf>,
    text: &str,
) -> Result<(String, HostSettings, Known), Error> {
    let file = ConfigArgs { config: path.to_owned(), connector };
    let described = source::describe(&request_of_config(&file, text)).await?;
    let Described { name, settings, config, info, sandbox, .. } = described;
    let known = Known {
        plan: Plan::new(&info, &[])?,
        config: config.to_string(),
        digest: sandbox.digest().to_owned(),
        resume_within_ms: settings.resume_within_ms,
    };
    Ok((name, settings, known))
}

fn in_target(target: &Target) -> Result<Vec<Pipeline>, Error> {
    let states = Destination::look(target)?.unwrap_or_default();
    let pipeline = |(name, state)| Pipeline { name, target: target.clone(), state, known: None };
    Ok(states.into_iter().map(pipeline).collect())
}

/// Of what cannot be read it is told why.
fn below(folder: &Path, show: Show) -> Vec<Pipeline> {
    let mut found = Vec::new();
    for target in find(folder, DEPTH) {
        match in_target(&target) {
            Ok(pipelines) => found.extend(pipelines),
            // Any file may be called `*.db`.
            Err(Error::Destination(sanderling_destination::DestinationError::NotOurs { .. })) => {}
            Err(error) => tell(&report::lines(&words::of_error(&error, show.paint), show.paint)),
        }
    }
    found
}
