//! What a config says, as far as it can be known without its secrets and without a request.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Request, Whose, component};
use crate::contract::{Diagnostic, Fault, SourceInfo};
use crate::document::{self, Document, Format, Part, Problem, nearest};
use crate::error::Error;
use crate::run::plan;
use crate::sandbox::{CallError, ListError, Sandbox};
use crate::secrets;
use crate::settings::{self, HostSettings};

/// A config that its connector accepts.
pub struct Described {
    /// The pipeline's name.
    pub name: String,
    /// The host's own keys.
    pub settings: HostSettings,
    /// The connector's part of the config, its references unresolved.
    pub config: Value,
    /// What the connector makes of it.
    pub info: SourceInfo,
    /// The connector.
    pub sandbox: Arc<Sandbox>,
    /// The config as a file.
    pub document: Document,
    /// Whose connector it is.
    pub whose: Whose,
}

/// Reads a config and has the connector describe it. Secrets are not looked for; nothing is sent.
pub async fn describe(request: &Request<'_>) -> Result<Described, Error> {
    let document = parse(request.path, request.text)?;
    let top = document.value.as_object().cloned().unwrap_or_default();
    let (settings, config, mut problems) = settings::split(&top);
    problems.extend(secrets::malformed_references(&config).into_iter().map(secrets::malformed_reference));
    let file = component::file(request.connector, settings.connector.as_deref(), request.path);
    let whose = if file.is_some() { Whose::Foreign } else { Whose::Ours };
    let sandbox = match component::load(file.as_deref(), request.cache_dir.as_deref(), &settings) {
        Ok(sandbox) => Arc::new(sandbox),
        Err(_) if !problems.is_empty() => return Err(invalid(document, problems, whose)),
        Err(error) => return Err(error),
    };
    let info = match sandbox.list_resources(&config.to_string()).await {
        Ok(info) if problems.is_empty() => info,
        Ok(_) => return Err(invalid(document, problems, whose)),
        Err(ListError::Call(CallError::Fault(Fault::InvalidConfig(diagnostics)))) => {
            problems.extend(diagnostics);
            return Err(invalid(document, problems, whose));
        }
        Err(error) => return Err(Error::List(error)),
    };
    plan::places(&info.resources)?;
    let name = settings.name.clone().unwrap_or_else(|| stem(request.path));
    Ok(Described { name, settings, config, info, sandbox, document, whose })
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

/// The name of a pipeline whose config gives none: that of its file.
pub fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "source".into(), |stem| stem.to_string_lossy().into_owned())
}

/// The connector's diagnostics with their places in the file. A misspelt key at the top may have been meant for the
/// host, of whose keys the connector does not know.
fn invalid(document: Document, diagnostics: Vec<Diagnostic>, whose: Whose) -> Error {
    let format = document.format();
    let problems = diagnostics
        .into_iter()
        .map(|diagnostic| {
            let unknown = diagnostic.message.starts_with("unknown key");
            let top = diagnostic.path.strip_prefix('/').filter(|key| unknown && !key.contains('/'));
            let known = settings::KEYS.into_iter().chain(whose.top_keys().iter().copied());
            let part = if unknown || names_itself(&diagnostic) { Part::Key } else { Part::Value };
            let hint = match top.and_then(|key| nearest(key, known)) {
                Some(near) => Some(format!("did you mean `{near}`?")),
                None => diagnostic.hint.map(|hint| document::respelled(format, &hint)),
            };
            Problem { hint, ..Problem::at(&diagnostic.path, part, diagnostic.message) }
        })
        .collect();
    Error::Config { document: Box::new(document), problems }
}

/// Whether a diagnostic names the key that it points to: then that is what it is about, not the value.
fn names_itself(diagnostic: &Diagnostic) -> bool {
    let key = diagnostic.path.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
    !key.is_empty() && diagnostic.message.contains(&format!("`{key}`"))
}
