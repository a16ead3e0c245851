//! Edits between brackets: all of JSON, and YAML's flow style.

use serde_json::Value;

use super::super::span::Place;
use super::super::write::{inline, member, name as written_name};
use super::{EditError, Splice, View};
use crate::document::Format;

/// Lines longer than this are broken up where the text around has a line for each member.
const MAX_COLUMNS: usize = 80;

/// Puts a value in the place of another.
pub(super) fn replace(
    view: &View<'_>,
    pointer: &str,
    place: &Place,
    value: &Value,
) -> Result<Vec<Splice>, EditError> {
    view.refuse_comments(pointer, &place.value)?;
    if place.value.is_empty() {
        return Err(EditError::Unfit);
    }
    let start = place.key.as_ref().map_or(place.value.start, |key| key.start);
    let text = match view.indent(start) {
        Some(indent) => broken_up(view, value, indent, view.column(place.value.start)),
        None => inline(view.format(), value, true),
    };
    Ok(vec![Splice { range: place.value.clone(), text }])
}

/// Adds a member to the end of an object.
pub(super) fn insert(
    view: &View<'_>,
    object: &str,
    place: &Place,
    name: &str,
    value: &Value,
) -> Result<Vec<Splice>, EditError> {
    let splice = |at, text| Splice { range: at..at, text };
    let Some((last, last_place)) = view.members(object).into_iter().next_back() else {
        let inside = place.value.start + 1..place.value.end.saturating_sub(1);
        let blank = view.text().get(inside.clone()).is_some_and(|text| text.trim().is_empty());
        if !blank {
            return Err(EditError::Unfit);
        }
        return Ok(vec![Splice { range: inside, text: member(view.format(), name, value, true) }]);
    };
    let end = view.end(&last, &last_place).max(last_place.key.as_ref().map_or(0, |key| key.end));
    let start = last_place.key.as_ref().map_or(last_place.value.start, |key| key.start);
    let Some(indent) = view.indent(start) else {
        return Ok(vec![splice(end, format!(", {}", member(view.format(), name, value, true)))]);
    };
    // A line for each member: the new one gets its own, behind the comment of the last one.
    let written = written_name(view.format(), name, true);
    let column = indent.chars().count() + written.chars().count() + 2;
    let line = format!("{indent}{written}: {}", broken_up(view, value, indent, column));
    let rest = view.rest_of_line(end);
    let comma = rest.trim_start().starts_with(',');
    let behind = if comma { end + rest.find(',').unwrap_or_default() + 1 } else { end };
    let line_break = view.line_break();
    if !view.is_last_in_line(behind) {
        return Ok(vec![splice(end, format!(",{line_break}{line}"))]);
    }
    let below = view.line_end(behind);
    let (before, after) = if comma { ("", ",") } else { (",", "") };
    if below == end {
        return Ok(vec![splice(end, format!("{before}{line_break}{line}{after}"))]);
    }
    Ok(vec![splice(end, before.to_owned()), splice(below, format!("{line_break}{line}{after}"))])
}

/// A value whose members have lines of their own where one line would be too long. `indent` is that of the line that it
/// begins in, `column` where it begins there.
fn broken_up(view: &View<'_>, value: &Value, indent: &str, column: usize) -> String {
    let on_one_line = inline(view.format(), value, true);
    let deeper = format!("{indent}{}", view.indent_unit());
    match value {
        // YAML's readers differ about brackets over several lines; JSON's do not.
        Value::Object(members)
            if view.format() == Format::Json && column + on_one_line.chars().count() > MAX_COLUMNS =>
        {
            let line_break = view.line_break();
            let lines: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    let written = written_name(view.format(), name, true);
                    let column = deeper.chars().count() + written.chars().count() + 2;
                    format!("{deeper}{written}: {}", broken_up(view, value, &deeper, column))
                })
                .collect();
            format!("{{{line_break}{}{line_break}{indent}}}", lines.join(&format!(",{line_break}")))
        }
        _ => on_one_line,
    }
}
