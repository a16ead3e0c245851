//! Tokens that a connector asks for: where they may go, and where what they are asked for with may go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use sanderling_gate::{Binding, Origin, Rotated, RotatedError, Seal, SealError, Secret};
use serde_json::Value;

use crate::contract::{self, SourceInfo};
use crate::error::Error;
use crate::run::plan::PlanError;
use crate::secrets::{self, SecretError};

/// Credentials that go to the origins of their tokens only.
#[derive(Default)]
pub(super) struct Bound {
    /// By the name that the config refers to it by.
    pub(super) names: BTreeMap<String, Vec<Origin>>,
    /// By the place where it is written out.
    pub(super) pointers: BTreeMap<String, Vec<Origin>>,
}

fn origin(text: &str) -> Result<Origin, Error> {
    text.parse().map_err(Error::Origin)
}

fn add(origins: &mut Vec<Origin>, origin: Origin) {
    if !origins.contains(&origin) {
        origins.push(origin);
    }
}

/// What the connector wants bound, as far as the config uses it for nothing else.
pub(super) fn bound(config: &Value, info: &SourceInfo) -> Result<Bound, Error> {
    let mut bound = Bound::default();
    let mut elsewhere = config.clone();
    for seal in info.resources.iter().flat_map(|resource| &resource.seals) {
        for pointer in &seal.spends {
            let Some(value) = config.pointer(pointer) else { continue };
            for name in secrets::references(value) {
                add(bound.names.entry(name).or_default(), origin(&seal.origin)?);
            }
            add(bound.pointers.entry(pointer.clone()).or_default(), origin(&seal.origin)?);
            if let Some(value) = elsewhere.pointer_mut(pointer) {
                *value = Value::Null;
            }
        }
    }
    let elsewhere: BTreeSet<String> = secrets::references(&elsewhere);
    bound.names.retain(|name, _| !elsewhere.contains(name));
    Ok(bound)
}

/// Refresh tokens that an API may replace.
pub(super) struct Replaced {
    /// Where the new ones are kept.
    pub(super) rotated: Arc<Rotated>,
    /// What the vault calls them.
    names: BTreeSet<String>,
}

impl Replaced {
    /// What a secret of this name is now.
    pub(super) fn latest(&self, name: &str, given: Secret) -> Result<Secret, Error> {
        if self.names.contains(name) { self.rotated.latest(name, given).map_err(unkept) } else { Ok(given) }
    }
}

/// Where refresh tokens are kept, if the config has any.
pub(super) fn replaced(config: &Value, info: &SourceInfo, dir: &Path) -> Result<Option<Replaced>, Error> {
    let seals = info.resources.iter().flat_map(|resource| &resource.seals);
    let mut names = BTreeSet::new();
    for pointer in seals.filter_map(|seal| seal.rotates.as_ref()) {
        let references = config.pointer(pointer).map(secrets::references).unwrap_or_default();
        match references.is_empty() {
            true => names.insert(secrets::written_out(pointer)),
            false => references.into_iter().fold(false, |_, name| names.insert(name)),
        };
    }
    if names.is_empty() {
        return Ok(None);
    }
    let rotated = Rotated::open(dir.join(secrets::ROTATED)).map_err(unkept)?;
    Ok(Some(Replaced { rotated: Arc::new(rotated), names }))
}

/// Why replaced tokens cannot be kept, as an error of that file.
fn unkept(error: RotatedError) -> Error {
    let hint = match &error {
        RotatedError::Io(_) => None,
        RotatedError::Malformed => Some(format!("put it back as it was, or delete {}", secrets::ROTATED)),
        RotatedError::Open(_) => Some(format!("run `chmod 600 {}`", secrets::ROTATED)),
    };
    let path = secrets::ROTATED.into();
    Error::Secrets(vec![SecretError::File { path, problem: error.to_string(), hint }])
}

/// The seals as the gate takes them. A token may go where the resources are read that ask for it. `config` has its
/// placeholders.
pub(super) fn seals(info: &SourceInfo, config: &Value) -> Result<Vec<Seal>, Error> {
    let mut seals: Vec<Seal> = Vec::new();
    for resource in &info.resources {
        for named in &resource.seals {
            let seal = lower(named, config, &resource.name)?;
            let same = |known: &Seal| {
                known.origin == seal.origin && known.path == seal.path && known.fields == seal.fields
            };
            let at = seals.iter().position(same).unwrap_or(seals.len());
            if at == seals.len() {
                seals.push(seal.clone());
            }
            let Some(known) = seals.get_mut(at) else { continue };
            if known.first != seal.first {
                // Two clients of one endpoint: it is not known there whose request it is, so each is asked for.
                known.first = None;
            }
            let origins = known.binding.origins.get_or_insert_default();
            for text in &resource.origins {
                add(origins, origin(text)?);
            }
        }
    }
    Ok(seals)
}

fn lower(seal: &contract::Seal, config: &Value, resource: &str) -> Result<Seal, Error> {
    let unsound = |what: String| PlanError::Unsound(format!("the seals of `{resource}`: {what}"));
    let fields = seal.fields.iter().map(|field| field.parse());
    let fields = fields.collect::<Result<Vec<_>, SealError>>().map_err(|error| unsound(error.to_string()))?;
    let text = |pointer: &Option<String>| config.pointer(pointer.as_ref()?)?.as_str().map(str::to_owned);
    Ok(Seal {
        origin: origin(&seal.origin)?,
        path: seal.path.clone(),
        fields,
        lifetime_ms: seal.lifetime_s.saturating_mul(1_000),
        first: text(&seal.first),
        rotates: text(&seal.rotates),
        binding: Binding::default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::{ResourceInfo, WriteDisposition};

    fn resource(name: &str, origin: &str, seals: Vec<contract::Seal>) -> ResourceInfo {
        ResourceInfo {
            name: name.into(),
            parent: None,
            primary_key: Vec::new(),
            write_disposition: WriteDisposition::Append,
            columns: None,
            incremental: None,
            selected: true,
            retry: None,
            origins: vec![origin.into()],
            seals,
            settings: None,
        }
    }

    fn seal(field: &str, spends: &[&str]) -> contract::Seal {
        contract::Seal {
            origin: "https://login.test".into(),
            path: "/token".into(),
            fields: vec![field.into()],
            lifetime_s: 60,
            first: Some("/auth/first".into()),
            rotates: None,
            spends: spends.iter().map(|&pointer| pointer.into()).collect(),
        }
    }

    #[test]
    fn a_secret_of_a_token_goes_nowhere_else_unless_the_config_sends_it() {
        let config = json!({
            "auth": {"secret": "${secrets.s}", "written": "out", "shared": "${secrets.t}"},
            "headers": {"x": "${secrets.t}"}
        });
        let spends = ["/auth/secret", "/auth/written", "/auth/shared", "/nothing"];
        let info = SourceInfo {
            resources: vec![resource("a", "https://a.test", vec![seal("/access_token", &spends)])],
            ..SourceInfo::default()
        };
        let bound = bound(&config, &info).unwrap();
        let login: Vec<Origin> = vec!["https://login.test".parse().unwrap()];
        assert_eq!(bound.names, BTreeMap::from([("s".to_owned(), login.clone())]));
        assert_eq!(bound.pointers.get("/auth/written"), Some(&login));
    }

    #[test]
    fn a_token_goes_to_the_resources_that_ask_for_it() {
        let config = json!({"auth": {"first": "a placeholder"}});
        let resources = vec![
            resource("a", "https://a.test", vec![seal("/access_token", &[])]),
            resource("b", "https://b.test", vec![seal("/access_token", &[])]),
            resource("c", "https://c.test", Vec::new()),
        ];
        let info = SourceInfo { resources, ..SourceInfo::default() };
        let seals = seals(&info, &config).unwrap();
        let [one] = &seals[..] else { panic!("{seals:?}") };
        let origins: Vec<Origin> =
            ["https://a.test", "https://b.test"].map(|it| it.parse().unwrap()).to_vec();
        assert_eq!(one.binding.origins, Some(origins));
        assert_eq!((one.first.as_deref(), one.lifetime_ms), (Some("a placeholder"), 60_000));
    }

    #[test]
    fn a_field_that_is_no_place_is_refused() {
        let info = SourceInfo {
            resources: vec![resource("a", "https://a.test", vec![seal("access_token", &[])])],
            ..SourceInfo::default()
        };
        let Err(Error::Plan(error)) = seals(&info, &json!({})) else { panic!("taken") };
        insta::assert_snapshot!(error.to_string(), @"the connector's list of resources is not sound: the seals of `a`: `access_token` is neither a JSON pointer nor `header:NAME`");
    }
}
