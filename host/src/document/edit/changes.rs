//! Which lines of a text an edit has changed, as a person reads them.

use similar::{ChangeTag, TextDiff};

use super::super::mask;

/// A line that is no longer there, or one that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// From 1; of the old text for a line that is gone, else of the new one.
    pub line: usize,
    /// Whether it is new.
    pub added: bool,
    /// The line, without the indentation that it shares with its neighbours of the same kind; what looks like a
    /// credential is hidden.
    pub text: String,
}

/// The lines that differ between two texts, in their order.
pub fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::from_slices(&old_lines, &new_lines);
    let change = |change: similar::Change<&str>| {
        let (at, added, lines) = match change.tag() {
            ChangeTag::Equal => return None,
            ChangeTag::Delete => (change.old_index()?, false, &old_lines),
            ChangeTag::Insert => (change.new_index()?, true, &new_lines),
        };
        Some(Change { line: at + 1, added, text: mask::line(lines, at).trim_end().to_owned() })
    };
    let mut all: Vec<Change> = diff.iter_all_changes().filter_map(change).collect();
    for group in all.chunk_by_mut(|one, next| one.added == next.added && one.line + 1 == next.line) {
        let indent = |change: &Change| change.text.len() - change.text.trim_start().len();
        let bare = |change: &&Change| !change.text.is_empty();
        let shared = group.iter().filter(bare).map(indent).min().unwrap_or_default();
        for change in group {
            change.text = change.text.get(shared..).unwrap_or_default().to_owned();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_went_and_lines_that_came() {
        let old = "a:\n  b: /x # c \n  token: abc\nd: 1\n";
        let new = "a:\n  b: # c\n    path: /x\n  token: abc\nd: 1\ne: {token: abc}";
        let shown: Vec<String> = changes(old, new)
            .into_iter()
            .map(|change| format!("{} {} {}", change.line, if change.added { '+' } else { '-' }, change.text))
            .collect();
        assert_eq!(shown, ["2 - b: /x # c", "2 + b: # c", "3 +   path: /x", "6 + e: {token: ***"]);
        assert_eq!(changes(old, old), []);
    }
}
