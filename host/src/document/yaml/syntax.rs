//! Explains YAML syntax errors, above all the one that references in braces run into.

use std::ops::Range;

use super::super::Problem;

/// Said alone where the parser breaks its own word.
pub(super) const NOT_YAML: &str = "this is not YAML";

/// A problem from what the parser said of the byte `at`; `last_plain` is the last unquoted text before it.
pub(super) fn explain(text: &str, said: &str, at: usize, last_plain: Option<Range<usize>>) -> Problem {
    if let Some(problem) = last_plain.and_then(|plain| brace_in_flow(text, plain)) {
        return problem;
    }
    let next = text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    let problem = Problem::in_text(at..at + next, format!("this is not YAML: {said}"));
    let line_start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if said.contains("tab") {
        problem.hint("indent with spaces, not with tabs")
    } else if said.contains("escape") {
        problem.hint("in single quotes a `\\` is a `\\`; in double quotes it is written twice")
    } else if said.contains("quoted scalar") && said.contains("end of stream") {
        problem.hint("close the quotes that start here")
    } else if said.contains("flow") {
        problem.hint("is each `{` and each `[` above closed?")
    } else if said.contains("anchor") {
        problem.hint("`*name` repeats what `&name` marks before it; a text that starts with `*` needs quotes")
    } else if said.contains("expected key") {
        problem.hint("the names of one mapping start in one column")
    } else if said.contains("unexpected character")
        || line.contains(['{', '['])
        || said.contains("mapping values")
    {
        problem.hint("a text that holds any of `{ } [ ] , & * # ? | > % @ :` or a backtick may need quotes")
    } else {
        problem
    }
}

/// `{auth: ${secrets.key}}`: within braces or brackets an unquoted text ends at the next brace.
fn brace_in_flow(text: &str, plain: Range<usize>) -> Option<Problem> {
    let rest = text.get(plain.end..).filter(|rest| rest.starts_with('{'))?;
    let line = rest.lines().next()?;
    let close = line.find('}').map_or(line.len(), |at| at + 1);
    let after = line.get(close..)?;
    let end = close + after.find([',', '}', ']', ' ', '\r']).unwrap_or(after.len());
    let range = plain.start..plain.end + end;
    let is_reference = text.get(plain)?.ends_with('$');
    Some(if is_reference {
        Problem::in_text(range, "inside `{ }` or `[ ]` a reference to a secret needs quotes")
            .hint("quote it: \"${secrets.NAME}\"")
    } else {
        Problem::in_text(range, "inside `{ }` or `[ ]` a text with braces needs quotes")
            .hint("quote it: \"…{name}…\"")
    })
}
