//! A resource whose templates are parsed and whose URL is checked, before its parent is known.

use serde_json::Value;
use url::Url;

use super::body::{Body, Json, Members};
use super::hole::Hole;
use crate::config::{self, Param, ResourceConfig};
use crate::diagnostic::Problems;
use crate::document::{At, join};
use crate::encode::component;
use crate::template::{self, Format, Part, names_a_secret};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DraftPart {
    /// As it is to be sent.
    Text(String),
    Hole(Hole, Option<Format>),
}

impl DraftPart {
    fn hole(&self) -> Option<&Hole> {
        match self {
            Self::Hole(hole, _) => Some(hole),
            Self::Text(_) => None,
        }
    }
}

pub(super) type DraftParts = Vec<DraftPart>;

#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Scheme, host and path.
    pub(super) path: DraftParts,
    pub(super) query: DraftParts,
    pub(super) params: Vec<(String, DraftParts)>,
    pub(super) headers: Vec<(DraftParts, DraftParts)>,
    pub(super) body: Option<Body<DraftPart>>,
    /// The last segment of the path holds a placeholder.
    pub(super) ends_in_placeholder: bool,
    pub(super) origin: Option<String>,
}

impl Draft {
    /// Every placeholder that must be bound.
    pub(super) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.parts().into_iter().filter_map(|(part, _)| part.hole())
    }

    /// The placeholders that become a part of a text.
    pub(super) fn text_holes(&self) -> Vec<&Hole> {
        self.parts().into_iter().filter(|(_, whole)| !whole).filter_map(|(part, _)| part.hole()).collect()
    }

    /// Everything that is sent, each part with whether it is a whole value of a JSON body.
    fn parts(&self) -> Vec<(&DraftPart, bool)> {
        let params = self.params.iter().flat_map(|(_, parts)| parts);
        let headers = self.headers.iter().flat_map(|(name, value)| name.iter().chain(value));
        let texts = self.path.iter().chain(&self.query).chain(params).chain(headers);
        let mut parts: Vec<_> = texts.map(|part| (part, false)).collect();
        if let Some(body) = &self.body {
            body.each(&mut |part, whole| parts.push((part, whole)));
        }
        parts
    }

    /// The names in the query that the path came with.
    pub(super) fn query_names(&self) -> impl Iterator<Item = String> {
        let text: String =
            self.query.iter().map(|part| if let DraftPart::Text(text) = part { text } else { "" }).collect();
        let names: Vec<String> =
            form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect();
        names.into_iter()
    }
}

pub(super) fn absolute(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// Checks the base URL and gives its text. In the place of one that cannot be, any other
/// does: the rest of the config is looked at all the same.
pub(super) fn base_url(base: Option<&At<String>>, problems: &mut Problems) -> String {
    base.and_then(|base| checked_base_url(base, problems))
        .unwrap_or_else(|| "https://base.invalid".to_owned())
}

fn checked_base_url(base: &At<String>, problems: &mut Problems) -> Option<String> {
    let text = base.value.trim();
    if !absolute(text) {
        let host = text.split_once("://").map_or(text, |(_, host)| host);
        let hint = format!("https://{}", host.trim_start_matches('/'));
        problems.hint(&base.pointer, "a base URL starts with https:// or http://", hint);
        return None;
    }
    check_url(text, &base.pointer, problems)?;
    if text.contains(['?', '#']) {
        problems
            .add(&base.pointer, "a base URL has no query and no fragment; write `params` on the endpoint");
        return None;
    }
    Some(text.to_owned())
}

/// The origin of a URL that can be asked.
pub(super) fn check_url(text: &str, pointer: &str, problems: &mut Problems) -> Option<String> {
    if names_a_secret(text) {
        let message = "a secret cannot stand in a URL's host or path: only in auth, headers and params";
        problems.add(pointer, message);
        return None;
    }
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let hint = "\"auth\": {\"type\": \"http_basic\", \"username\": \"…\", \"password\": \"${secrets.password}\"}";
            problems.hint(pointer, "a URL may not carry a user's name or password", hint);
            None
        }
        Ok(url) => Some(url.origin().ascii_serialization()),
        Err(error) => {
            problems.hint(pointer, format!("not a URL: {error}"), "https://api.example.com/v1");
            None
        }
    }
}

/// Parses one template; a fault in it leaves one faulty placeholder.
fn parts(text: &At<String>, problems: &mut Problems) -> DraftParts {
    let parsed = match template::parse(&text.value) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.add(&text.pointer, error.to_string());
            return vec![DraftPart::Hole(Hole::Faulty, None)];
        }
    };
    let part = |part| match part {
        Part::Text(text) => DraftPart::Text(text),
        Part::Placeholder(name, format) => DraftPart::Hole(Hole::new(&name, &text.pointer, problems), format),
    };
    parsed.into_iter().map(part).collect()
}

pub(super) fn draft(config: &ResourceConfig, base: &str, problems: &mut Problems) -> Draft {
    let path = &config.endpoint.path;
    let text = if absolute(&path.value) {
        path.value.clone()
    } else {
        // A base URL is no template: its braces are braces.
        let base = base.replace('{', "{{").replace('}', "}}");
        match path.value.as_str() {
            "" => base,
            path => format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/')),
        }
    };
    let whole = parts(&At { value: text, pointer: path.pointer.clone() }, problems);
    let mut draft = Draft { ends_in_placeholder: ends_in_placeholder(&whole), ..Draft::default() };
    let mut spent = Vec::new();
    let mut in_query = false;
    for part in whole {
        let part = match part {
            DraftPart::Hole(Hole::Plain { name, pointer }, format) => {
                path_param(config, name, pointer, format, &mut spent, problems)
            }
            other => other,
        };
        match part {
            DraftPart::Text(text) if !in_query && text.contains('?') => {
                in_query = true;
                let (before, after) = text.split_once('?').unwrap_or((&text, ""));
                draft.path.push(DraftPart::Text(before.to_owned()));
                draft.query.push(DraftPart::Text(after.to_owned()));
            }
            part if in_query => draft.query.push(part),
            part => draft.path.push(part),
        }
    }
    draft.origin = match draft.path.as_slice() {
        [DraftPart::Hole(Hole::Faulty, _)] => None,
        _ => check_draft(&draft, path, problems),
    };
    for (name, param) in config.endpoint.params.iter().filter(|(name, _)| !spent.contains(name)) {
        match param {
            Param::Texts(texts) => {
                draft.params.extend(texts.iter().map(|text| (name.clone(), parts(text, problems))));
            }
            Param::Resolve { pointer, resource, field } => {
                let hint = format!("\"{name}\": \"{{resources.{}.{}}}\"", resource.value, field.value);
                problems.hint(
                    pointer,
                    format!("`{name}` is resolved, but `{{{name}}}` is not in the path"),
                    hint,
                );
            }
        }
    }
    for (name, value) in &config.endpoint.headers {
        let name = At { value: name.clone(), pointer: value.pointer.clone() };
        draft.headers.push((parts(&name, problems), parts(value, problems)));
    }
    draft.body = config.endpoint.body.as_ref().map(|written| body(written, problems));
    draft
}

fn body(written: &config::Body, problems: &mut Problems) -> Body<DraftPart> {
    match written {
        config::Body::Json(fields) => Body::Json(
            fields
                .iter()
                .map(|(key, value)| {
                    let key = At { value: key.clone(), pointer: value.pointer.clone() };
                    (parts(&key, problems), json(&value.value, &value.pointer, problems))
                })
                .collect(),
        ),
        config::Body::Form(fields) => Body::Form(
            fields.iter().map(|(name, value)| (parts(name, problems), parts(value, problems))).collect(),
        ),
        config::Body::Text(text) => Body::Text(parts(text, problems)),
    }
}

/// dlt's rule: a text that is one placeholder and nothing else becomes the value itself, of its own type.
fn json(value: &Value, pointer: &str, problems: &mut Problems) -> Json<DraftPart> {
    match value {
        Value::String(text) => {
            let mut parts = parts(&At { value: text.clone(), pointer: pointer.to_owned() }, problems);
            match (parts.pop(), parts.is_empty()) {
                (Some(hole @ DraftPart::Hole(_, None)), true) => Json::Whole(hole),
                (last, _) => {
                    parts.extend(last);
                    Json::Text(parts)
                }
            }
        }
        Value::Array(items) => {
            let item = |(index, item)| json(item, &format!("{pointer}/{index}"), problems);
            Json::List(items.iter().enumerate().map(item).collect())
        }
        Value::Object(fields) => {
            let mut members = Members::new();
            for (key, value) in fields {
                let pointer = join(pointer, key);
                let key = At { value: key.clone(), pointer: pointer.clone() };
                members.push((parts(&key, problems), json(value, &pointer, problems)));
            }
            Json::Object(members)
        }
        plain => Json::Plain(plain.clone()),
    }
}

/// dlt's older way: `{name}` in a path is bound from `params`, and then not sent as a parameter.
fn path_param(
    config: &ResourceConfig,
    name: String,
    pointer: String,
    format: Option<Format>,
    spent: &mut Vec<String>,
    problems: &mut Problems,
) -> DraftPart {
    let param = config.endpoint.params.iter().find(|(other, _)| *other == name);
    let part = match param {
        Some((_, Param::Texts(texts))) if let [text] = texts.as_slice() => {
            match format.map_or_else(|| Ok(text.value.clone()), |format| formatted(text, &format)) {
                Ok(text) => DraftPart::Text(component(&text)),
                Err(message) => {
                    problems.add(&pointer, message);
                    DraftPart::Hole(Hole::Faulty, None)
                }
            }
        }
        Some((_, Param::Resolve { resource, field, .. })) => {
            let (resource, field) = (resource.clone(), field.clone());
            DraftPart::Hole(Hole::Field { resource, field: field.value, pointer: field.pointer }, format)
        }
        _ => return DraftPart::Hole(Hole::Plain { name, pointer }, format),
    };
    spent.push(name);
    part
}

/// A parameter's value as a format writes it; what looks like a number is one.
fn formatted(text: &At<String>, format: &Format) -> Result<String, String> {
    let number = serde_json::from_str::<serde_json::Number>(&text.value).is_ok();
    let json = if number { text.value.clone() } else { Value::from(text.value.as_str()).to_string() };
    let format_written = &format.written;
    format.write(&json).map_err(|what| {
        format!("`{}` is {what}, which the format `{format_written}` cannot write", text.value)
    })
}

/// Whether a placeholder stands in the last segment, whatever it will be bound to.
fn ends_in_placeholder(whole: &[DraftPart]) -> bool {
    let mut found = false;
    for part in whole {
        match part {
            DraftPart::Hole(..) => found = true,
            DraftPart::Text(text) => {
                let (path, query) =
                    text.split_once('?').map_or((text.as_str(), None), |(path, query)| (path, Some(query)));
                found &= !path.contains('/');
                if query.is_some() {
                    return found;
                }
            }
        }
    }
    found
}

/// The URL as it would be with a plain value in each placeholder.
fn check_draft(draft: &Draft, path: &At<String>, problems: &mut Problems) -> Option<String> {
    let fill = |parts: &[DraftPart], value: &str| -> String {
        let text = |part: &DraftPart| match part {
            DraftPart::Text(text) => text.clone(),
            DraftPart::Hole(..) => value.to_owned(),
        };
        parts.iter().map(text).collect()
    };
    if path.value.contains('#') {
        problems.add(&path.pointer, "`#` cannot stand in a path; write `%23` for the character");
        return None;
    }
    let filled = fill(&draft.path, "x");
    let origin = check_url(&filled, &path.pointer, problems)?;
    let other = Url::parse(&fill(&draft.path, "y")).ok()?.origin().ascii_serialization();
    if other != origin {
        let hint = "write the host out, and one resource for each";
        problems.hint(&path.pointer, "a placeholder cannot choose the host", hint);
        return None;
    }
    if names_a_secret(&fill(&draft.query, "")) {
        let hint = "write it under `params`";
        problems.hint(&path.pointer, "a secret cannot stand in a path", hint);
    }
    Some(origin)
}
