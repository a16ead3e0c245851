//! Opens a source: from the config's file to a connector that is ready to be asked for pages.

mod component;
mod describe;
mod grants;
mod seals;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanderling_gate::{Binding, Gate, Secret, Vault};
use serde_json::Value;

use crate::contract::{Notice, SourceInfo};
use crate::document::{Document, Part, entry};
use crate::error::Error;
use crate::run::mode;
use crate::run::plan::Plan;
use crate::sandbox::Connection;
use crate::secrets;
use crate::settings::HostSettings;
use crate::words::Subject;
pub use component::{ConnectorError, Whose, read as read_connector};
pub use describe::{Described, describe, stem};
pub use grants::Ungranted;

/// Where a config comes from, and what the user adds to it.
pub struct Request<'a> {
    /// Names the file in messages.
    pub path: &'a Path,
    /// The config's text.
    pub text: &'a str,
    /// `--connector`: the file of a connector that is not built in.
    pub connector: Option<&'a Path>,
    /// Only these resources.
    pub resources: &'a [String],
    /// Of these, or of all, those that a range can be read of.
    pub range: bool,
    /// `--to`, as typed: it may refer to secrets.
    pub to: Option<&'a str>,
    /// `--secret`, as typed.
    pub secrets: &'a [String],
    /// `--allow`, as typed.
    pub allow: &'a [String],
    /// `--plaintext-secrets`.
    pub plaintext_secrets: bool,
    /// Reads the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The current folder.
    pub dir: &'a Path,
    /// Where compiled components are kept.
    pub cache_dir: Option<PathBuf>,
}

/// A source that is ready.
pub struct Source {
    /// The config as a file.
    pub document: Document,
    /// The pipeline's name.
    pub name: String,
    /// The host's own keys.
    pub settings: HostSettings,
    /// What is read.
    pub plan: Plan,
    /// Reads its pages.
    pub connection: Arc<Connection>,
    /// Holds its secrets.
    pub vault: Arc<Vault>,
    /// What the connector says of the config.
    pub notices: Vec<Notice>,
    /// The connector's part of the config, its references unresolved.
    pub config: String,
    /// The component's identity.
    pub digest: String,
    /// Whose connector reads it.
    pub whose: Whose,
}

impl Source {
    /// What hints about it go by.
    pub fn subject(&self) -> Subject<'_> {
        Subject { config: &self.document, whose: self.whose }
    }
}

/// Opens a source. Nothing is sent; everything that can be wrong before the first request is found here.
pub async fn open(request: &Request<'_>) -> Result<Source, Error> {
    let Described { name, settings, config, mut info, sandbox, document, whose } = describe(request).await?;
    let plan = match request.range {
        true => Plan::new(&info, &mode::with_a_range(&info, request.resources)?)?,
        false => Plan::new(&info, request.resources)?,
    };
    let plan = plan.shaped(settings.shaping)?;
    let policy = grants::policy(whose, &plan, &info, &settings, request)?;
    let unresolved = config.to_string();
    let mut vault = new_vault()?;
    let bound = seals::bound(&config, &info)?;
    let replaced = seals::replaced(&config, &info, request.dir)?;
    // Of the destination, which asks for its secrets itself.
    let also =
        request.to.or(settings.to.as_deref()).map(|to| secrets::references(&to.into())).unwrap_or_default();
    let sources =
        secrets::Sources { flags: request.secrets, also: &also, env: request.env, dir: request.dir };
    let config = seal(&mut vault, &config, &info, &bound, replaced.as_ref(), sources)?;
    let seals = seals::seals(&info, &config)?;
    info.notices.extend(info.credentials.iter().map(|pointer| literal_credential(&document, pointer)));
    let vault = Arc::new(vault);
    let gate = Arc::new(
        Gate::new(policy, vault.clone(), settings.gate.clone())
            .with_seals(seals, replaced.map(|replaced| replaced.rotated)),
    );
    let digest = sandbox.digest().to_owned();
    Ok(Source {
        name,
        connection: Arc::new(sandbox.open(config.to_string(), gate)),
        document,
        settings,
        plan,
        vault,
        notices: info.notices,
        config: unresolved,
        digest,
        whose,
    })
}

fn literal_credential(document: &Document, pointer: &str) -> Notice {
    let span = document.locate(pointer, Part::Value);
    let line = span.map(|span| format!(" (line {})", span.line)).unwrap_or_default();
    let key = pointer.rsplit('/').next().unwrap_or_default();
    Notice {
        code: "literal-credential".into(),
        message: format!(
            "a credential is written into the config at {pointer}{line}; it is kept from the connector, but not from who reads the file"
        ),
        hint: Some(format!(
            "write `{}` and give it by {}",
            entry(document.format(), key, &format!("${{secrets.{key}}}").into()),
            secrets::env_name(key)
        )),
        settles: Vec::new(),
    }
}

fn new_vault() -> Result<Vault, Error> {
    Vault::new(None).map_err(|error| Error::Runtime(error.to_string()))
}

/// Puts placeholders into the config: for each reference, and for each credential that is written out. `bound` says
/// where some of them may go, unless the user says so.
fn seal(
    vault: &mut Vault,
    config: &Value,
    info: &SourceInfo,
    bound: &seals::Bound,
    replaced: Option<&seals::Replaced>,
    sources: secrets::Sources<'_>,
) -> Result<Value, Error> {
    let latest = |name: &str, secret: Secret| match replaced {
        Some(replaced) => replaced.latest(name, secret),
        None => Ok(secret),
    };
    let names = secrets::references(config);
    let given = secrets::resolve(&names, sources).map_err(Error::Secrets)?;
    let mut placeholders = std::collections::BTreeMap::new();
    for given in given {
        let mut binding = given.binding;
        binding.origins = binding.origins.or_else(|| bound.names.get(&given.name).cloned());
        let sealed = match given.signs {
            Some(secrets::Signs::Jwt(jwt)) => vault.seal_jwt(&given.name, &given.secret, jwt, binding),
            Some(secrets::Signs::Request(signer)) => {
                vault.seal_signer(&given.name, given.secret, signer, binding)
            }
            None => vault.seal(&given.name, latest(&given.name, given.secret)?, binding),
        };
        let placeholder = sealed.map_err(Error::Secret)?;
        placeholders.insert(given.name, placeholder);
    }
    let mut config = secrets::substitute(config, &|name| placeholders.get(name).cloned());
    for pointer in &info.credentials {
        if let Some(Value::String(text)) = config.pointer_mut(pointer) {
            let name = secrets::written_out(pointer);
            let binding = Binding { origins: bound.pointers.get(pointer).cloned(), places: None };
            let sealed = vault.seal(&name, latest(&name, Secret::new(std::mem::take(text)))?, binding);
            *text = sealed.map_err(Error::Secret)?;
        }
    }
    Ok(config)
}
