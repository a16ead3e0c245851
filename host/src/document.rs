//! The source config as a file: its value, and where in the text each part of it stands.
//!
//! Everything that is said about a config later (by the connector, which knows JSON pointers only, or by the host) is
//! shown to a person at the file's own line and column.

mod blocks;
pub mod edit;
mod json;
mod mask;
mod snippet;
mod span;
mod toml;
mod write;
mod yaml;

use std::ops::Range;
use std::path::Path;

use serde_json::Value;

pub use blocks::{Note, blocks};
pub use mask::without_credentials;
pub use snippet::render;
pub use span::Span;
use span::{Lines, Places};
pub use write::{entry, inline, respelled};

/// Values may be nested this deep, as in serde_json.
const MAX_DEPTH: usize = 128;

const EMPTY: &str = "the file is empty";
/// Of a number that JSON has no form for.
const NO_NUMBER: &str = "a number that is infinite, is none or is too long cannot stand in a config";
const EMPTY_HINT: &str = "`sanderling check --help` shows a config";

/// A source config that could be read.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it says: always an object.
    pub value: Value,
    file_name: String,
    format: Format,
    text: String,
    places: Places,
}

/// How a config is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259), without comments or trailing commas.
    Json,
    /// TOML 1.0.
    Toml,
    /// YAML 1.2 with its core schema, and merge keys.
    Yaml,
}

/// A file whose name does not say how it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: the name of a config ends in .yaml, .yml, .json or .toml")]
pub struct FormatError(pub String);

/// Something that is wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer (RFC 6901) to what is wrong, if that is a part of the value.
    pub pointer: Option<String>,
    /// Which part of it to point at.
    pub part: Part,
    /// A short sentence without a full stop. Holds no value of the config, which could be a credential.
    pub message: String,
    /// What would mend it.
    pub hint: Option<String>,
    /// Bytes of the text; goes before `pointer`.
    pub span: Option<Range<usize>>,
}

/// A part of an entry: `name: value`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Its name. An item of a list and the document itself have none; their value is meant then.
    Key,
    /// What it holds.
    #[default]
    Value,
}

/// Reads a config. `file_name` is for messages only.
///
/// Fails with everything that is wrong as far as could be read; [`render`] shows it.
pub fn parse(file_name: &str, text: &str, format: Format) -> Result<Document, Vec<Problem>> {
    parse_named(file_name, text, format, Names::Texts)
}

/// The same for a file of another tool's.
pub fn parse_foreign(file_name: &str, text: &str, format: Format) -> Result<Document, Vec<Problem>> {
    parse_named(file_name, text, format, Names::AsWritten)
}

/// What may stand before a colon in YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// Texts: `200:` is more likely meant as something else.
    Texts,
    /// What is no text is the name that it is written as: in OpenAPI, `200:` is.
    AsWritten,
}

fn parse_named(file_name: &str, text: &str, format: Format, names: Names) -> Result<Document, Vec<Problem>> {
    let (value, places) = match format {
        Format::Json => json::read(text)?,
        Format::Toml => toml::read(text)?,
        Format::Yaml => yaml::read(text, names)?,
    };
    if !value.is_object() {
        let problem = Problem::at(
            "",
            Part::Value,
            "a source config is a mapping of names to values, as in `client: …`",
        );
        return Err(vec![Problem { span: places.find("", Part::Value), ..problem }]);
    }
    Ok(Document { value, file_name: file_name.to_owned(), format, text: text.to_owned(), places })
}

impl Format {
    /// By the ending of the file's name, in whatever case.
    pub fn of(path: &Path) -> Result<Format, FormatError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Ok(Format::Json),
            Some("yaml" | "yml") => Ok(Format::Yaml),
            Some("toml") => Ok(Format::Toml),
            _ => Err(FormatError(path.display().to_string())),
        }
    }
}

impl Format {
    /// The line by which a list of texts stands at the top of a config.
    pub fn entry(self, key: &str, texts: &[String]) -> String {
        let quoted: Vec<String> = texts.iter().map(|text| Value::from(text.as_str()).to_string()).collect();
        let list = quoted.join(", ");
        match self {
            Format::Json => format!("\"{key}\": [{list}]"),
            Format::Toml => format!("{key} = [{list}]"),
            Format::Yaml => format!("{key}: [{list}]"),
        }
    }
}

impl Problem {
    /// One with a part of the value.
    pub fn at(pointer: &str, part: Part, message: impl Into<String>) -> Self {
        Problem { pointer: Some(pointer.to_owned()), part, message: message.into(), hint: None, span: None }
    }

    /// One with the text.
    pub fn in_text(span: Range<usize>, message: impl Into<String>) -> Self {
        Problem { pointer: None, part: Part::Value, message: message.into(), hint: None, span: Some(span) }
    }

    /// The same, and what would mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Document {
    /// The name that [`parse`] was given.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text that was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a part of the value stands, or, where there is no such part, the nearest one around it: a key that is
    /// missing is shown at the name of what lacks it. `None`: `pointer` is no JSON pointer.
    pub fn locate(&self, pointer: &str, part: Part) -> Option<Span> {
        let range = self.places.find(pointer, part)?;
        Some(Lines::new(&self.text).span(range))
    }

    /// Shows problems with this config, see [`render`]. Those that have no span get it by their pointer.
    pub fn render(&self, problems: &[Problem], color: bool, redact: &dyn Fn(&str) -> String) -> String {
        let located: Vec<Problem> = problems
            .iter()
            .map(|problem| {
                let by_pointer = || self.places.find(problem.pointer.as_deref()?, problem.part);
                Problem { span: problem.span.clone().or_else(by_pointer), ..problem.clone() }
            })
            .collect();
        render(&self.file_name, &self.text, &located, color, redact)
    }
}

/// The candidate that `name` was probably meant to be, for "did you mean". Case, and `-` for `_`, do not count;
/// otherwise one letter in three may be wrong.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let name = plain(name);
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;
