//! Reads what other tools take for a source, as a config of this one; what cannot be carried over is named.

pub mod airbyte;
pub mod dlt;
mod jq;
mod masked;
mod python;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::document::{Format, Note, blocks, entry};
use crate::secrets;

/// What a file of another tool came to.
#[derive(Debug)]
pub struct Imported {
    /// Its sources, in the order of the file; at least one.
    pub parts: Vec<Part>,
    /// What the file does beside them, which was not carried over.
    pub left: Vec<LeftOut>,
}

/// A source, or a part of one that stood alone.
#[derive(Debug)]
pub struct Part {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// What it is called, if the file says so.
    pub name: Option<String>,
    /// Where its rows go, if the file names a place that is one of ours.
    pub to: Option<String>,
    /// What becomes of nested data, where that is not as it is here.
    pub nested: Option<Value>,
    /// The connector's part of the config.
    pub config: Map<String, Value>,
    /// What was not carried over.
    pub left: Vec<LeftOut>,
    /// The secrets that it refers to.
    pub secrets: Vec<SecretUse>,
    /// It is a resource or an endpoint, not a whole config.
    pub is_fragment: bool,
}

/// Something that has no form in a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its line in the file that is imported, from 1.
    pub line: usize,
    /// The keys and places that lead to the object or list which it is missing from.
    pub within: Vec<String>,
    /// Its key there.
    pub key: Option<String>,
    /// What it is, and why it stays behind.
    pub what: String,
}

/// A secret, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// Its name in the config.
    pub name: String,
    /// What it is looked up by in the other tool.
    pub path: String,
    /// How the file wrote it; it may be code with a credential in it, which is not to be shown.
    pub origin: String,
    /// The environment variable that it came from.
    pub env: Option<String>,
    /// What has to stand in the file of secrets, where that is more than its value.
    pub table: Option<Value>,
    /// Where, from 1.
    pub line: usize,
}

/// A file that nothing can be imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It cannot be parsed.
    #[error("line {line} is no Python")]
    NoPython {
        /// Where, from 1.
        line: usize,
    },
    /// It is nested deeper than Python itself reads it.
    #[error("line {line} is nested too deep")]
    Nested {
        /// Where, from 1.
        line: usize,
    },
    /// It is no YAML.
    #[error("line {line} is no YAML")]
    NoYaml {
        /// Where, from 1.
        line: usize,
    },
    /// It has no streams.
    #[error("there are no streams in it")]
    NoStreams,
    /// It has no source of dlt's.
    #[error("there is no config of a REST API source in it")]
    NoDltSource,
}

impl Part {
    /// The whole config: the host's keys, then the connector's.
    pub fn whole(&self) -> Map<String, Value> {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        let own = [("name", text(&self.name)), ("to", text(&self.to)), ("nested", self.nested.clone())];
        let own = own.into_iter().filter(|_| !self.is_fragment);
        let own = own.filter_map(|(key, value)| Some((key.to_owned(), value?)));
        own.chain(self.config.clone()).collect()
    }

    /// The config as YAML, with comments where something is missing.
    pub fn to_yaml(&self, file: &str) -> String {
        let mut head = vec![format!("Imported from {file}, line {}.", self.line)];
        if self.is_fragment {
            head.push("This is a part of a config, not a whole one.".to_owned());
        }
        for secret in &self.secrets {
            head.push(format!(
                "${{secrets.{}}} was {}: {}.",
                secret.name,
                short(&secret.origin),
                secret.given_by()
            ));
        }
        let notes: Vec<Note> = self
            .left
            .iter()
            .map(|left| Note {
                within: left.within.clone(),
                text: format!("not carried over ({file}:{}): {}{}", left.line, left.shown_key(), left.what),
            })
            .collect();
        blocks(&Value::Object(self.whole()), &head, &notes)
    }

    /// Where something is missing, for a person: a resource by its name.
    pub fn place_of(&self, left: &LeftOut) -> String {
        let mut value = self.config.get(left.within.first().map(String::as_str).unwrap_or_default());
        let mut shown: Vec<String> = left.within.iter().take(1).cloned().collect();
        for step in left.within.iter().skip(1) {
            value = value.and_then(|value| match value {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?),
                other => other.get(step),
            });
            let name = value.and_then(|value| value.get("name")).and_then(Value::as_str);
            shown.push(name.unwrap_or(step).to_owned());
        }
        shown.extend(left.key.clone());
        shown.join(".")
    }
}

impl LeftOut {
    fn shown_key(&self) -> String {
        self.key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default()
    }
}

impl SecretUse {
    /// How it is given from now on.
    pub fn given_by(&self) -> String {
        if let Some(table) = &self.table {
            let line = entry(Format::Toml, &self.name, table);
            return format!("write {line} in .sanderling/secrets.toml");
        }
        match &self.env {
            Some(env) => format!("give it by --secret {}=env:{env}", self.name),
            None => format!(
                "set {}, or write {} = \"…\" in .sanderling/secrets.toml",
                secrets::env_name(&self.name),
                self.name
            ),
        }
    }
}

/// The secret that a text is a placeholder of, and nothing else.
fn secret_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${secrets.")?.strip_suffix('}')?;
    (!name.contains('}')).then_some(name)
}

/// The first line of a piece of code, cut where it is long, and without what may be a credential.
fn short(code: &str) -> String {
    const MOST: usize = 60;
    let text = masked::masked(code);
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default().trim_end();
    if line.chars().count() <= MOST && lines.next().is_none() {
        return line.to_owned();
    }
    format!("{}…", line.chars().take(MOST).collect::<String>())
}
