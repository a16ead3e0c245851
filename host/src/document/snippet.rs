//! Shows problems with the lines they are about, underlined.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::span::{Lines, Span};
use super::{Problem, mask};
use crate::words::printable;

/// Shows problems in the order of the text: the message, `file:line:column`, the line with the place underlined, and
/// the hint. Problems without a place come first.
///
/// What looks like a credential by its name is hidden in the lines shown; `redact` hides what the caller knows to be
/// one, in lines, messages and hints. The color is by ANSI sequences.
pub fn render(
    file_name: &str,
    text: &str,
    problems: &[Problem],
    color: bool,
    redact: &dyn Fn(&str) -> String,
) -> String {
    let lines = Lines::new(text);
    let mut ordered: Vec<&Problem> = problems.iter().collect();
    ordered.sort_by_key(|problem| problem.span.as_ref().map(|span| span.start));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let redacted_text = redact(text);
    let mut shown = String::new();
    for problem in ordered {
        let mut group = Group::with_title(Level::ERROR.primary_title(printable(&redact(&problem.message))));
        let origin = Origin::path(file_name);
        match problem.span.clone().map(|range| lines.span(range)) {
            None => group = group.element(origin),
            Some(span) => {
                let Shown { line, marked, moved } = shown_line(text, &lines, &span, redact, &redacted_text);
                let mut snippet = Snippet::source(line).line_start(span.line);
                if moved {
                    // The column that the snippet would count is that of the line shown, not of the file.
                    group = group.element(origin.line(span.line).char_column(span.column));
                } else {
                    snippet = snippet.path(file_name);
                }
                group = group.element(snippet.annotation(AnnotationKind::Primary.span(marked)));
            }
        }
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.with_name("hint").message(printable(&redact(hint))));
        }
        shown.push_str(&renderer.render(&[group]));
        shown.push_str("\n\n");
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// A line as it may be shown.
struct Shown {
    line: String,
    /// Which of its bytes to underline: as much of the place as is in the line.
    marked: Range<usize>,
    /// Whether that starts elsewhere than in the file.
    moved: bool,
}

fn shown_line(
    text: &str,
    lines: &Lines<'_>,
    span: &Span,
    redact: &dyn Fn(&str) -> String,
    redacted_text: &str,
) -> Shown {
    let line = lines.line(span.line);
    let start = lines.start(span.line);
    let within = |offset: usize| offset.saturating_sub(start).min(line.len());
    let marked = within(span.range.start)..within(span.range.end);

    let all: Vec<&str> = text.lines().collect();
    let mut shown = redact(&mask::line(&all, span.line - 1));
    if redact(line) == line && !redacted_text.lines().any(|other| other == line) && redacted_text != text {
        // A credential of several lines: not even a part of it is shown.
        shown = "***".to_owned();
    }
    let place = carried_over(line, &shown, marked.clone());
    Shown { line: shown, moved: place.start != marked.start, marked: place }
}

/// The same place in a line of which a part was replaced: before and behind that part it is exact, within it, it is the
/// whole part.
fn carried_over(old: &str, new: &str, place: Range<usize>) -> Range<usize> {
    if old == new {
        return place;
    }
    let same_from_start =
        old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let most = old.len().min(new.len()) - same_from_start;
    let mut same_at_end = 0;
    for (a, b) in old.chars().rev().zip(new.chars().rev()) {
        if a != b || same_at_end + a.len_utf8() > most {
            break;
        }
        same_at_end += a.len_utf8();
    }
    let (old_end, new_end) = (old.len() - same_at_end, new.len() - same_at_end);
    let start = match place.start {
        start if start <= same_from_start => start,
        start if start >= old_end => start - old_end + new_end,
        _ => same_from_start,
    };
    let end = match place.end {
        end if end <= same_from_start => end,
        end if end >= old_end => end - old_end + new_end,
        _ => new_end,
    };
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_with_the_text() {
        let cases = [
            ("abc", "abc", 1..2, 1..2),
            ("a: secret, b", "a: ***, b", 0..1, 0..1),
            ("a: secret, b", "a: ***, b", 3..9, 3..6),
            ("a: secret, b", "a: ***, b", 5..7, 3..6),
            ("a: secret, b", "a: ***, b", 11..12, 8..9),
            ("aaa", "a", 1..3, 1..1),
            ("", "***", 0..0, 0..0),
            ("čč secret", "čč ***", 5..11, 5..8),
        ];
        for (old, new, place, expected) in cases {
            assert_eq!(carried_over(old, new, place.clone()), expected, "{old} {new} {place:?}");
        }
    }
}
