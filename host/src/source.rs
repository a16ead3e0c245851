//! Opens a source: from the config's file to a connector that is ready to be asked for pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanderling_gate::{Binding, Gate, Methods, Policy, Rule, Secret, Vault};
use serde_json::Value;

use crate::contract::{Diagnostic, Fault, Notice, SourceInfo};
use crate::document::{self, Document, Format, Part, Problem, nearest};
use crate::error::Error;
use crate::run::plan::Plan;
use crate::sandbox::{self, CallError, Connection, Sandbox};
use crate::secrets;
use crate::settings::{self, HostSettings};

/// Where a config comes from, and what the user adds to it.
pub struct Request<'a> {
    /// Names the file in messages.
    pub path: &'a Path,
    /// The config's text.
    pub text: &'a str,
    /// Only these resources.
    pub resources: &'a [String],
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
}

/// Opens a source. Nothing is sent; everything that can be wrong before the first request is found here.
pub async fn open(request: &Request<'_>) -> Result<Source, Error> {
    let document = parse(request.path, request.text)?;
    let top = document.value.as_object().cloned().unwrap_or_default();
    let (settings, config, mut problems) = settings::split(&top);
    problems.extend(secrets::malformed_references(&config).into_iter().map(malformed_reference));
    let sandbox = Sandbox::load(sandbox::BUILT_IN, request.cache_dir.as_deref(), settings.sandbox.clone())?;
    let sandbox = Arc::new(sandbox);
    let unresolved = config.to_string();
    let mut info = match sandbox.list_resources(&unresolved).await {
        Ok(info) if problems.is_empty() => info,
        Ok(_) => return Err(invalid(document, problems)),
        Err(CallError::Fault(Fault::InvalidConfig(diagnostics))) => {
            problems.extend(diagnostics);
            return Err(invalid(document, problems));
        }
        Err(error) => return Err(Error::Call(error)),
    };
    let plan = Plan::new(&info, request.resources)?;

    let mut vault = new_vault()?;
    let config = seal(&mut vault, &config, &info, request)?;
    info.notices.extend(info.credentials.iter().map(|pointer| literal_credential(&document, pointer)));
    let vault = Arc::new(vault);
    let policy = policy(&info, &settings, request)?;
    let gate = Arc::new(Gate::new(policy, vault.clone(), settings.gate.clone()));
    let digest = sandbox.digest().to_owned();
    Ok(Source {
        name: settings.name.clone().unwrap_or_else(|| stem(request.path)),
        connection: Arc::new(sandbox.open(config.to_string(), gate)),
        settings,
        plan,
        vault,
        notices: info.notices,
        config: unresolved,
        digest,
    })
}

fn parse(path: &Path, text: &str) -> Result<Document, Error> {
    let format = Format::of(path).map_err(Error::Format)?;
    let name = path.display().to_string();
    document::parse(&name, text, format).map_err(|problems| Error::Syntax {
        file_name: name,
        text: text.to_owned(),
        problems,
    })
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "source".into(), |stem| stem.to_string_lossy().into_owned())
}

/// The connector's diagnostics with their places in the file. A misspelt key at the top may have been meant for the
/// host, of whose keys the connector does not know.
fn invalid(document: Document, diagnostics: Vec<Diagnostic>) -> Error {
    let problems = diagnostics
        .into_iter()
        .map(|diagnostic| {
            let unknown = diagnostic.message.starts_with("unknown key");
            let top = diagnostic.path.strip_prefix('/').filter(|key| unknown && !key.contains('/'));
            let known = settings::KEYS.into_iter().chain(["client", "resource_defaults", "resources"]);
            let hint = match top.and_then(|key| nearest(key, known)) {
                Some(near) => Some(format!("did you mean `{near}`?")),
                None => diagnostic.hint,
            };
            let part = if unknown { Part::Key } else { Part::Value };
            Problem { hint, ..Problem::at(&diagnostic.path, part, diagnostic.message) }
        })
        .collect();
    Error::Config { document: Box::new(document), problems }
}

fn malformed_reference(pointer: String) -> Diagnostic {
    Diagnostic {
        path: pointer,
        message: "this looks like a reference to a secret, and is none".into(),
        hint: Some("write `${secrets.NAME}`; a name has letters, digits, `_`, `-` and `.`".into()),
    }
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
            "write `{key}: \"${{secrets.{key}}}\"` and give it by {}",
            secrets::env_name(key)
        )),
        settles: Vec::new(),
    }
}

fn new_vault() -> Result<Vault, Error> {
    Vault::new(None).map_err(|error| Error::Runtime(error.to_string()))
}

/// Puts placeholders into the config: for each reference, and for each credential that is written out.
fn seal(vault: &mut Vault, config: &Value, info: &SourceInfo, request: &Request<'_>) -> Result<Value, Error> {
    let names = secrets::references(config);
    let given =
        secrets::resolve(&names, request.secrets, request.env, request.dir).map_err(Error::Secrets)?;
    let mut placeholders = std::collections::BTreeMap::new();
    for given in given {
        let sealed = vault.seal(&given.name, given.secret, given.binding);
        let placeholder = sealed.map_err(Error::Secret)?;
        placeholders.insert(given.name, placeholder);
    }
    let mut config = secrets::substitute(config, &|name| placeholders.get(name).cloned());
    for pointer in &info.credentials {
        if let Some(Value::String(text)) = config.pointer_mut(pointer) {
            let name = format!("config{}", pointer.replace('/', "."));
            let sealed = vault.seal(&name, Secret::new(std::mem::take(text)), Binding::default());
            *text = sealed.map_err(Error::Secret)?;
        }
    }
    Ok(config)
}

/// The built-in connector may reach the origins of the user's own config, and what the user allows beside them.
fn policy(info: &SourceInfo, settings: &HostSettings, request: &Request<'_>) -> Result<Policy, Error> {
    let mut rules: Vec<Rule> = Vec::new();
    for text in info.resources.iter().flat_map(|resource| &resource.origins) {
        let rule: Rule = text.parse().map_err(Error::Origin)?;
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules.extend(settings.allow.iter().cloned());
    for text in request.allow {
        rules.push(text.parse().map_err(Error::Allow)?);
    }
    Ok(Policy { rules, methods: Methods::Any, plaintext_secrets: request.plaintext_secrets })
}
