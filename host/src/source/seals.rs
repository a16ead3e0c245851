//! Tokens that a connector asks for: where they may go, and where what they are asked for with may go.

use std::collections::{BTreeMap, BTreeSet};

use sanderling_gate::{Binding, Origin, Seal, SealError};
use serde_json::Value;

use crate::contract::{self, SourceInfo};
use crate::error::Error;
use crate::run::plan::PlanError;
use crate::secrets;

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
    let first = seal.first.as_ref().and_then(|pointer| config.pointer(pointer)).and_then(Value::as_str);
    Ok(Seal {
        origin: origin(&seal.origin)?,
        path: seal.path.clone(),
        fields,
        lifetime_ms: seal.lifetime_s.saturating_mul(1_000),
        first: first.map(str::to_owned),
        binding: Binding::default(),
    })
}
