//! Other tools' cases: each that `tests/peers.md` lists is shown by tests that are there.

use std::path::Path;

const LISTED: &str = include_str!("../peers.md");

/// The tests that a row names: `path/to/file.rs::name`.
fn named(row: &str) -> Vec<(&str, &str)> {
    let column = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
    column
        .split('`')
        .filter_map(|text| text.split_once(".rs::").map(|_| text))
        .filter_map(|text| text.split_once("::"))
        .collect()
}

#[test]
fn each_case_is_shown_by_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wrong = Vec::new();
    let mut section = "";
    let mut cases = std::collections::BTreeMap::new();
    for line in LISTED.lines() {
        section = line.strip_prefix("## ").unwrap_or(section);
        let is_case = line.starts_with("| ") && !line.starts_with("| case |");
        if !is_case {
            continue;
        }
        *cases.entry(section).or_insert(0) += 1;
        let tests = named(line);
        if line.matches(" | ").count() != 2 || tests.is_empty() {
            wrong.push(format!("no test: {line}"));
        }
        for (file, name) in tests {
            let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            if !is_test(&source, name) {
                wrong.push(format!("not there: {file}::{name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases.len(), 5);
    assert!(cases.values().all(|count| *count >= 8), "{cases:?}");
}

/// Whether a source has a test of this name: the attribute stands above it.
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_it = |line: &&str| {
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().enumerate().filter(|(_, line)| is_it(line)).any(|(at, _)| {
        let above =
            lines.iter().take(at).rev().take_while(|line| line.starts_with('#') || line.starts_with("//"));
        above.into_iter().any(|line| line.contains("test]") || line.contains("test("))
    })
}
