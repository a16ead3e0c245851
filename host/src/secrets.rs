//! Where secrets come from: flags, the environment, `.sanderling/secrets.toml`; and how a config refers to them.

mod kind;
pub mod named;
mod references;
pub mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use sanderling_gate::{Binding, Place, Secret};

use crate::document::nearest;
use crate::words::of_io;
pub use kind::Signs;
use kind::{Kind, kind};
pub use references::{
    blank, is_reference, malformed_reference, malformed_references, references, substitute,
};
use references::{is_name, replace};

/// Where secrets are looked for in the current folder.
pub const FILE: &str = ".sanderling/secrets.toml";

/// Where refresh tokens are kept that an API has replaced.
pub const ROTATED: &str = ".sanderling/rotated.json";

/// What a credential is called that stands in the config itself.
pub fn written_out(pointer: &str) -> String {
    format!("config{}", pointer.replace('/', "."))
}

/// What a name in the environment starts with. No other name is ever read: a config that came from elsewhere must not
/// be able to name what lies around there.
pub const ENV_PREFIX: &str = "SANDERLING_SECRET_";

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nowhere to be found.
    #[error("the secret `{name}` is not given")]
    Missing {
        /// Its name.
        name: String,
        /// Where it could be given, a line each.
        places: Vec<String>,
    },
    /// `--secret` is not NAME=SOURCE.
    #[error("--secret {shown}: {problem}")]
    Flag {
        /// The part that may be shown: a value given by mistake must not be.
        shown: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `--secret` for a name that the config does not refer to.
    #[error("--secret {name}=…: the config has no `${{secrets.{name}}}`")]
    Unused {
        /// The name.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// What the config refers to.
        known: Vec<String>,
    },
    /// A source that does not give the secret.
    #[error("the secret `{name}` cannot be read from {source_name}: {problem}")]
    Source {
        /// Its name.
        name: String,
        /// Such as `env:KEY`.
        source_name: String,
        /// What is wrong.
        problem: String,
    },
    /// A destination asks for what is meant for requests.
    #[error("the secret `{name}` is bound to requests, so no destination gets it")]
    Bound {
        /// Its name.
        name: String,
    },
    /// The secrets file is open to others, or not to be understood.
    #[error("{}: {problem}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What would mend it.
        hint: Option<String>,
    },
}

/// The name in the environment for a secret.
pub fn env_name(name: &str) -> String {
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }
    };
    format!("{ENV_PREFIX}{}", name.chars().map(upper).collect::<String>())
}

/// A secret with what it is bound to.
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its value, which nothing here prints.
    pub secret: Secret,
    /// Where it may go.
    pub binding: Binding,
    /// What is made with it, where it is a key.
    pub signs: Option<Signs>,
}

/// Where secrets may be given.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// `--secret`, as typed.
    pub flags: &'a [String],
    /// Names that flags may give beside those that are asked for: somebody else asks for them.
    pub also: &'a BTreeSet<String>,
    /// Reads the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The current folder.
    pub dir: &'a Path,
}

/// Finds each of `names`, or says of all that are missing where they could be given.
pub fn resolve(names: &BTreeSet<String>, sources: Sources<'_>) -> Result<Vec<Given>, Vec<SecretError>> {
    find_each(names, sources, |name, value, entry, parts| Given {
        name: name.to_owned(),
        secret: Secret::new(value),
        binding: entry.map(|entry| entry.binding.clone()).unwrap_or_default(),
        signs: entry.and_then(|entry| entry.kind.clone().signs(parts)),
    })
}

/// The text of a destination with its secrets in place: percent-encoded as parts of a URL, unless one is the whole text.
/// What comes of it is for the destination alone. A config must not be able to send a secret around the gate: one that is
/// bound, or a key that signs, is refused.
pub fn fill(text: &str, sources: Sources<'_>) -> Result<String, Vec<SecretError>> {
    let names = references(&text.into());
    let found = find_each(&names, sources, |name, value, entry, parts| {
        let bound = entry.is_some_and(|entry| {
            let Binding { origins, places } = &entry.binding;
            origins.is_some() || places.is_some() || entry.kind.clone().signs(parts).is_some()
        });
        (name.to_owned(), value, bound)
    })?;
    let bound = found.iter().filter(|(.., bound)| *bound);
    let errors: Vec<SecretError> =
        bound.map(|(name, ..)| SecretError::Bound { name: name.clone() }).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let values: BTreeMap<String, String> = found.into_iter().map(|(name, value, _)| (name, value)).collect();
    let whole = is_reference(text);
    Ok(replace(text, &mut |name| {
        let value = values.get(name)?;
        let url = !whole && (text.contains("://") || text.starts_with("adbc:"));
        Some(if url { percent_encode(value.as_bytes(), NON_ALPHANUMERIC).to_string() } else { value.clone() })
    }))
}

/// Finds each of `names`, and makes of its value what `make` makes of it.
fn find_each<T>(
    names: &BTreeSet<String>,
    sources: Sources<'_>,
    make: impl Fn(&str, String, Option<&Entry>, Vec<Option<String>>) -> T,
) -> Result<Vec<T>, Vec<SecretError>> {
    let Sources { flags, also, env, dir } = sources;
    let mut errors = Vec::new();
    let (file, wrong) = match read_file(&dir.join(FILE)) {
        Ok(file) => (file, Vec::new()),
        Err(wrong) => (BTreeMap::new(), wrong),
    };
    let parts = |name: &String| file.get(name).map(|entry| entry.kind.parts(name)).unwrap_or_default();
    let with_parts = |names: &BTreeSet<String>| {
        let parts = names.iter().flat_map(parts).map(|(part, ..)| part);
        names.iter().cloned().chain(parts).collect::<BTreeSet<String>>()
    };
    let (known, also) = (with_parts(names), with_parts(also));
    let mut sources = BTreeMap::new();
    for flag in flags {
        match parse_flag(flag, &known.union(&also).cloned().collect()) {
            Ok((name, source)) => {
                sources.insert(name, source);
            }
            Err(error) => errors.push(error),
        }
    }
    for name in sources.keys().filter(|name| !known.contains(*name) && !also.contains(*name)) {
        let near = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        let known = names.iter().map(|name| format!("`{name}`")).collect();
        errors.push(SecretError::Unused { name: name.clone(), near, known });
    }
    errors.extend(wrong);
    let (mut given, mut missing) = (Vec::new(), Vec::new());
    let mut find = |name: &str, written: Option<String>, may_miss: bool| {
        let value = match sources.get(name) {
            Some(source) => source.read(name, env).map(Some),
            None => Ok(env(&env_name(name)).or(written)),
        };
        match value {
            Ok(Some(value)) if value.is_empty() => errors.push(SecretError::Source {
                name: name.to_owned(),
                source_name: sources.get(name).map_or_else(|| env_name(name), Source::to_string),
                problem: "it is empty".into(),
            }),
            Ok(Some(value)) => return Some(value),
            Ok(None) if may_miss => {}
            Ok(None) => {
                missing.push(SecretError::Missing { name: name.to_owned(), places: places(name) });
            }
            Err(error) => errors.push(error),
        }
        None
    };
    let written = |name: &str| file.get(name).and_then(|entry| entry.value.clone());
    for name in names {
        let value = find(name, written(name), false);
        let parts = parts(name)
            .into_iter()
            .map(|(part, here, may_miss)| find(&part, here.or_else(|| written(&part)), may_miss))
            .collect();
        let Some(value) = value else { continue };
        given.push(make(name, value, file.get(name), parts));
    }
    // A secret may be missing only because what should give it is wrong; that is said first, and alone.
    if errors.is_empty() {
        errors = missing;
    }
    if errors.is_empty() { Ok(given) } else { Err(errors) }
}

fn places(name: &str) -> Vec<String> {
    vec![
        format!("--secret {name}=env:VAR, {name}=file:PATH or {name}=cmd:COMMAND"),
        format!("the environment variable {}", env_name(name)),
        format!("a line `{} = \"…\"` in {FILE} (mode 0600)", toml_key(name)),
    ]
}

fn toml_key(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

enum Source {
    Env(String),
    File(PathBuf),
    Cmd(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Cmd(command) => write!(f, "cmd:{command}"),
        }
    }
}

fn parse_flag(flag: &str, names: &BTreeSet<String>) -> Result<(String, Source), SecretError> {
    let (name, source) = flag.split_once('=').unwrap_or((flag, ""));
    let refuse = |problem| {
        // A value may stand where the name should, and Base64 ends in `=`: only a name that is known is repeated.
        let shown = if names.contains(name) { format!("{name}=…") } else { "…".into() };
        SecretError::Flag { shown, problem }
    };
    if !is_name(name) || source.is_empty() {
        return Err(refuse("write NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND"));
    }
    let source = match source.split_once(':') {
        Some(("env", name)) => Source::Env(name.to_owned()),
        Some(("file", path)) => Source::File(path.into()),
        Some(("cmd", command)) => Source::Cmd(command.to_owned()),
        _ => {
            return Err(refuse(
                "a value does not belong on the command line, where other users see it; write env:VAR, file:PATH or cmd:COMMAND",
            ));
        }
    };
    Ok((name.to_owned(), source))
}

impl Source {
    fn read(&self, name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, SecretError> {
        let failed = |problem: String| SecretError::Source {
            name: name.to_owned(),
            source_name: self.to_string(),
            problem,
        };
        let text = match self {
            Self::Env(variable) => return env(variable).ok_or_else(|| failed("it is not set".into())),
            Self::File(path) => std::fs::read_to_string(path).map_err(|error| failed(of_io(&error)))?,
            Self::Cmd(command) => {
                let shell = Command::new("sh").arg("-c").arg(command).stderr(Stdio::inherit()).output();
                let output = shell.map_err(|error| failed(error.to_string()))?;
                if !output.status.success() {
                    return Err(failed(format!("it failed ({})", output.status)));
                }
                String::from_utf8(output.stdout).map_err(|_| failed("its output is not UTF-8".into()))?
            }
        };
        // Editors and `echo` end what they write with a line break that is not part of the secret.
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}

struct Entry {
    value: Option<String>,
    binding: Binding,
    kind: Kind,
}

/// `NAME = "value"`, or a table `[NAME]` with `value`, `origins` and `place` (`header:NAME`, `query:NAME`, `body:NAME`, `basic`).
fn read_file(path: &Path) -> Result<BTreeMap<String, Entry>, Vec<SecretError>> {
    let shown = path.strip_prefix(".").unwrap_or(path);
    let wrong =
        |problem: String, hint: Option<String>| SecretError::File { path: shown.to_owned(), problem, hint };
    let file = |problem: String, hint: Option<String>| vec![wrong(problem, hint)];
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(file(of_io(&error), None)),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            std::fs::metadata(path).map_err(|error| file(error.to_string(), None))?.permissions().mode();
        if mode & 0o077 != 0 {
            let hint = format!("run `chmod 600 {}`", shown.display());
            return Err(file(format!("others may read it (mode {:04o})", mode & 0o7777), Some(hint)));
        }
    }
    // The parser's own message would quote the line, and with it the secret.
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        file(format!("line {line} is not TOML"), Some("write `name = \"value\"`".into()))
    })?;
    let (mut entries, mut errors) = (BTreeMap::new(), Vec::new());
    for (name, value) in table {
        match entry(&value) {
            Ok(entry) => {
                entries.insert(name, entry);
            }
            Err(problem) => errors.push(wrong(format!("`{name}`: {problem}"), None)),
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

const NO_ORIGINS: &str = "`origins` must be a list of texts";

fn entry(value: &toml::Value) -> Result<Entry, String> {
    let table = match value {
        toml::Value::String(value) => {
            return Ok(Entry { value: Some(value.clone()), binding: Binding::default(), kind: Kind::Static });
        }
        toml::Value::Table(table) => table,
        _ => return Err("a text, or a table with `value`, `origins` and `place`, is expected".into()),
    };
    let kind = kind(table)?;
    let known =
        |key: &str| ["value", "origins", "place", "kind"].contains(&key) || kind.keys().contains(&key);
    if let Some(key) = table.keys().find(|key| !known(key.as_str())) {
        let more = kind.more();
        return Err(format!("unknown key `{key}`; there are `value`, `origins`, `place` and `kind`{more}"));
    }
    let text = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` must be a text")),
    };
    let origins = match table.get("origins") {
        None => None,
        Some(toml::Value::Array(items)) => {
            let parse = |item: &toml::Value| {
                let text = item.as_str().ok_or_else(|| NO_ORIGINS.to_owned())?;
                text.parse().map_err(|error| format!("`origins`: {error}"))
            };
            Some(items.iter().map(parse).collect::<Result<Vec<_>, String>>()?)
        }
        Some(_) => return Err(NO_ORIGINS.into()),
    };
    let places = match text("place")? {
        None => None,
        Some(text) => {
            Some(vec![place(&text).ok_or("`place` is `header:NAME`, `query:NAME`, `body:NAME` or `basic`")?])
        }
    };
    Ok(Entry { value: text("value")?, binding: Binding { origins, places }, kind })
}

fn place(text: &str) -> Option<Place> {
    match text.split_once(':') {
        Some(("header", name)) if !name.is_empty() => Some(Place::Header(name.to_owned())),
        Some(("query", name)) if !name.is_empty() => Some(Place::Query(name.to_owned())),
        Some(("body", name)) if !name.is_empty() => Some(Place::Field(name.to_owned())),
        None if text == "basic" => Some(Place::Basic),
        _ => None,
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
