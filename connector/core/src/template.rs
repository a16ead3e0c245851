//! Text with `{placeholders}`: parsed once, before anything is sent. Knows nothing of resources.

mod format;

use std::borrow::Cow;

pub(crate) use format::Format;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// What stands between the braces: a name, and how its value is to be written.
    Placeholder(String, Option<Format>),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("`{{` without its `}}` (write `{{{{` for a brace)")]
    Open,
    #[error("`}}` without its `{{` (write `}}}}` for a brace)")]
    Close,
    #[error("`{{}}` names nothing")]
    Empty,
    #[error("`{0}` is no format for a value (`05d` and `.2f` are, as in Python)")]
    Format(String),
    #[error("`!` in `{{{0}}}` is Python's; `{{name}}` is the value's text")]
    Conversion(String),
}

/// The start of a secret's reference, and of the placeholder that the host puts in its place.
const SECRET_MARKS: [&str; 2] = ["${secrets.", "sanderling-secret-"];

/// Whether the host will put a secret into this text, as opposed to one written out.
pub(crate) fn names_a_secret(text: &str) -> bool {
    SECRET_MARKS.iter().any(|mark| text.contains(mark))
}

/// `text` with `{name}` replaced by `{by}`.
pub(crate) fn renamed(text: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.find(['{', '}']).map(|at| rest.split_at(at)) {
        out.push_str(before);
        let (token, after) = match from.split_at_checked(2) {
            Some((brace @ ("{{" | "}}"), after)) => (brace, after),
            _ => from.split_at(from.find('}').map_or(from.len(), |end| end + 1)),
        };
        let inner = token.strip_prefix('{').and_then(|token| token.strip_suffix('}'));
        match inner.map(named) {
            Some((found, format)) if found.trim() == name => out.push_str(&format!("{{{by}{format}}}")),
            _ => out.push_str(token),
        }
        rest = after;
    }
    out + rest
}

/// A placeholder's name, and its format from the colon on. By Python's rule neither begins within square brackets.
fn named(inner: &str) -> (&str, &str) {
    let mut within = false;
    let end = inner.find(|char| {
        within = char == '[' || within && char != ']';
        !within && matches!(char, ':' | '!')
    });
    inner.split_at(end.unwrap_or(inner.len()))
}

/// `text` with a letter in the place of each placeholder: what can be said of it before they are filled.
pub(crate) fn without_placeholders(text: &str) -> Cow<'_, str> {
    match parse(text) {
        Ok(parts) if parts.iter().any(|part| matches!(part, Part::Placeholder(..))) => {
            let text = parts.into_iter().map(|part| match part {
                Part::Text(text) => text,
                Part::Placeholder(..) => "x".to_owned(),
            });
            Cow::Owned(text.collect())
        }
        _ => Cow::Borrowed(text),
    }
}

/// Splits `text` by Python's `str.format` rules, without conversions: `{{` and `}}` are braces. A reference to a secret, `${secrets.NAME}`, is text.
pub(crate) fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            plain.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            plain.push('}');
            rest = after;
        } else if from.starts_with('}') {
            return Err(TemplateError::Close);
        } else {
            let (token, after) = from.split_once('}').ok_or(TemplateError::Open)?;
            let name = token.trim_start_matches('{');
            rest = after;
            if before.ends_with('$') && name.starts_with("secrets.") {
                plain.push_str(token);
                plain.push('}');
                continue;
            }
            let (name, format) = named(name);
            let name = name.trim();
            if name.is_empty() {
                return Err(TemplateError::Empty);
            }
            if name.contains('{') {
                return Err(TemplateError::Open);
            }
            let format = match format.strip_prefix(':') {
                None if format.is_empty() => None,
                None => return Err(TemplateError::Conversion(format!("{name}{format}"))),
                Some("") => None,
                Some(spec) => {
                    Some(Format::parse(spec).ok_or_else(|| TemplateError::Format(spec.to_owned()))?)
                }
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Placeholder(name.to_owned(), format));
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    fn hole(name: &str) -> Part {
        Part::Placeholder(name.into(), None)
    }

    #[test]
    fn splits_by_the_rules_of_str_format() {
        let cases: &[(&str, &[Part])] = &[
            ("", &[]),
            ("plain", &[text("plain")]),
            ("a/{id}/b", &[text("a/"), hole("id"), text("/b")]),
            ("{a}{ resources.p.f }", &[hole("a"), hole("resources.p.f")]),
            ("{{x}} {{{y}}}", &[text("{x} {"), hole("y"), text("}")]),
            ("k ${secrets.api_key}!", &[text("k ${secrets.api_key}!")]),
            ("${x}", &[text("$"), hole("x")]),
            ("{resources.p.tags[0:2]}", &[hole("resources.p.tags[0:2]")]),
            ("{n:}", &[hole("n")]),
            ("{n :05d}", &[Part::Placeholder("n".into(), Format::parse("05d"))]),
        ];
        for (source, parts) in cases {
            assert_eq!(parse(source).as_deref(), Ok(*parts), "{source}");
        }
    }

    #[test]
    fn a_placeholder_is_renamed_with_its_format() {
        let text = "{{x}}/{x}/{ x:05d}/{xy}/{y[x]}";
        assert_eq!(
            renamed(text, "x", "resources.p.id"),
            "{{x}}/{resources.p.id}/{resources.p.id:05d}/{xy}/{y[x]}"
        );
    }

    #[test]
    fn refuses_loose_braces() {
        let cases = [
            ("{a", TemplateError::Open),
            ("a}", TemplateError::Close),
            ("{}", TemplateError::Empty),
            ("{a{b}", TemplateError::Open),
            ("{n:%Y}", TemplateError::Format("%Y".into())),
            ("{n!r}", TemplateError::Conversion("n!r".into())),
        ];
        for (source, error) in cases {
            assert_eq!(parse(source), Err(error), "{source}");
        }
    }
}
