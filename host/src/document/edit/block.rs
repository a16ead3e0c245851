//! Edits of YAML's block style, where lines and their indentation say what belongs to what.

use serde_json::{Map, Value};

use super::super::Format;
use super::super::span::Place;
use super::super::write::{inline, member, name as written_name};
use super::{EditError, Splice, View};

/// Objects longer than this on one line get a line for each member.
const MAX_INLINE: usize = 60;

/// Puts a value in the place of another.
pub(super) fn replace(
    view: &View<'_>,
    pointer: &str,
    place: &Place,
    value: &Value,
) -> Result<Vec<Splice>, EditError> {
    let old = place.value.start..view.end(pointer, place);
    view.refuse_comments(pointer, &old)?;
    let after_colon = place.key.as_ref().map(|key| view.after_colon(key.end));
    if let Some(members) = in_lines(value) {
        return replace_by_lines(view, place, after_colon, members);
    }
    let text = inline(Format::Yaml, value, false);
    // From the colon on, where nothing but blanks and line breaks stands between.
    let between = after_colon.and_then(|colon| view.text().get(colon..old.start.max(colon)));
    match (after_colon, between) {
        (Some(colon), _) if place.value.is_empty() => {
            Ok(vec![Splice { range: colon..colon, text: format!(" {text}") }])
        }
        (Some(colon), Some(between)) if between.trim().is_empty() => {
            let blank = if between.contains('\n') || between.is_empty() { " " } else { between };
            Ok(vec![Splice { range: colon..old.end, text: format!("{blank}{text}") }])
        }
        _ if place.value.is_empty() => Err(EditError::Unfit),
        _ => Ok(vec![Splice { range: old, text }]),
    }
}

/// A value that stands on one line makes room for an object of several; the comment behind it stays where it is.
fn replace_by_lines(
    view: &View<'_>,
    place: &Place,
    after_colon: Option<usize>,
    members: &Map<String, Value>,
) -> Result<Vec<Splice>, EditError> {
    let old = place.value.clone();
    let text = view.text().get(old.clone()).unwrap_or_default();
    let line_break = view.line_break();
    let below = |at: usize, column: usize, lines: &[String]| {
        let indent = " ".repeat(column);
        let text: String = lines.iter().map(|line| format!("{line_break}{indent}{line}")).collect();
        Splice { range: at..at, text }
    };
    let lines = lines(members, &view.indent_unit());
    match (&place.key, after_colon) {
        (Some(key), Some(colon)) => {
            let gone = colon..if old.is_empty() { colon } else { old.end };
            let between = view.text().get(gone.start..old.start.max(gone.start)).unwrap_or_default();
            if text.contains('\n')
                || !view.is_last_in_line(gone.end)
                || !(old.is_empty() || between.trim_matches(' ').is_empty())
            {
                return Err(EditError::Unfit);
            }
            let column = view.column(key.start) + view.indent_unit().len();
            let line_end = view.line_end(gone.end);
            Ok(vec![Splice { range: gone, text: String::new() }, below(line_end, column, &lines)])
        }
        _ => {
            // An item of a list: its first member stands behind the dash.
            let (first, rest) = lines.split_first().ok_or(EditError::Unfit)?;
            if old.is_empty() || text.contains('\n') || !view.is_last_in_line(old.end) {
                return Err(EditError::Unfit);
            }
            let (column, line_end) = (view.column(old.start), view.line_end(old.end));
            Ok(vec![Splice { range: old, text: first.clone() }, below(line_end, column, rest)])
        }
    }
}

/// Adds a member below the last one of an object.
pub(super) fn insert(
    view: &View<'_>,
    object: &str,
    name: &str,
    value: &Value,
) -> Result<Vec<Splice>, EditError> {
    let members = view.members(object);
    let key = members.first().and_then(|(_, place)| place.key.clone()).ok_or(EditError::Shared)?;
    let (last, last_place) = members.last().ok_or(EditError::Shared)?;
    let end = view.end(last, last_place);
    if !view.is_last_in_line(end) && !last_place.value.is_empty() {
        return Err(EditError::Unfit);
    }
    let indent = " ".repeat(view.column(key.start));
    let mut single = Map::new();
    single.insert(name.to_owned(), value.clone());
    let line_break = view.line_break();
    let text: String = lines(&single, &view.indent_unit())
        .iter()
        .map(|line| format!("{line_break}{indent}{line}"))
        .collect();
    let at = view.line_end(end);
    Ok(vec![Splice { range: at..at, text }])
}

/// The members of an object that is to be written with a line for each.
fn in_lines(value: &Value) -> Option<&Map<String, Value>> {
    let members = value.as_object().filter(|members| !members.is_empty())?;
    let nested = members.values().any(|value| value.as_object().is_some_and(|inner| !inner.is_empty()));
    (nested || inline(Format::Yaml, value, false).chars().count() > MAX_INLINE).then_some(members)
}

/// The lines of an object in block style, those of inner objects indented by `unit`.
fn lines(members: &Map<String, Value>, unit: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (name, value) in members {
        match in_lines(value) {
            Some(inner) => {
                out.push(format!("{}:", written_name(Format::Yaml, name, false)));
                out.extend(lines(inner, unit).into_iter().map(|line| format!("{unit}{line}")));
            }
            None => out.push(member(Format::Yaml, name, value, false)),
        }
    }
    out
}
