//! What a connector may reach: the built-in one its config's origins, any other what the user has allowed.

use sanderling_gate::{Methods, Origin, Policy, Rule};

use super::{Request, Whose};
use crate::contract::SourceInfo;
use crate::document::Format;
use crate::error::Error;
use crate::run::plan::Plan;
use crate::settings::HostSettings;

/// Origins that a connector wants and the user has not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ungranted {
    /// Each with the resources that are read from it.
    pub missing: Vec<(Origin, Vec<String>)>,
    /// What `allow` in the config names already.
    pub allowed: Vec<Rule>,
    /// Names the config's file.
    pub config: String,
    /// How the config is written.
    pub format: Format,
}

/// The policy of a connector.
///
/// The origins that a connector lists are trusted only of the built-in one, which takes them from the user's own config
/// as it stands. Of any other they are wishes: it reaches what `allow` names, and with GET and HEAD only, unless `allow`
/// grants another method.
pub(super) fn policy(
    whose: Whose,
    plan: &Plan,
    info: &SourceInfo,
    settings: &HostSettings,
    request: &Request<'_>,
) -> Result<Policy, Error> {
    let mut rules = settings.allow.clone();
    for text in request.allow {
        rules.push(text.parse().map_err(Error::Allow)?);
    }
    let mut missing: Vec<(Origin, Vec<String>)> = Vec::new();
    for resource in &info.resources {
        let read = plan.resources.iter().any(|planned| planned.name == resource.name);
        let tokens = resource.seals.iter().map(|seal| &seal.origin);
        for text in resource.origins.iter().chain(tokens) {
            // No rule is read from a connector's words: one might say `private:`.
            let origin: Origin = text.parse().map_err(Error::Origin)?;
            if !read || rules.iter().any(|rule| rule.origin == origin) {
                continue;
            }
            match (whose, missing.iter_mut().find(|(known, _)| *known == origin)) {
                (Whose::Ours, _) => rules.push(origin.into()),
                (Whose::Foreign, Some((_, resources))) if resources.contains(&resource.name) => {}
                (Whose::Foreign, Some((_, resources))) => resources.push(resource.name.clone()),
                (Whose::Foreign, None) => missing.push((origin, vec![resource.name.clone()])),
            }
        }
    }
    if !missing.is_empty() {
        return Err(Error::Ungranted(Ungranted {
            missing,
            allowed: settings.allow.clone(),
            config: request.path.display().to_string(),
            format: Format::of(request.path).map_err(Error::Format)?,
        }));
    }
    let methods = match whose {
        Whose::Ours => Methods::Any,
        Whose::Foreign => Methods::ReadOnly,
    };
    Ok(Policy { rules, methods, plaintext_secrets: request.plaintext_secrets })
}
