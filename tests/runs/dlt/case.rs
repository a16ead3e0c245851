//! One case: a config, what the server is told to answer, and what dlt did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A case of `cases.json`, with the folder of what dlt did.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) config: Value,
    #[serde(default = "one")]
    pub(super) runs: usize,
    /// Answers by path, the same in each run.
    #[serde(default)]
    script: Option<Value>,
    /// Answers by path, for each run.
    #[serde(default)]
    scripts: Vec<Value>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    #[serde(skip)]
    expected: PathBuf,
    #[serde(skip)]
    pub(super) outcome: Outcome,
}

/// How dlt ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    #[default]
    Ok,
    /// Something failed while it ran.
    RunError,
    /// The config was refused: what was sent before that does not matter.
    ConfigError,
}

#[derive(Deserialize)]
struct Meta {
    outcome: Outcome,
}

fn one() -> usize {
    1
}

/// All cases for which it is known what dlt did.
pub(super) fn all(folder: &Path) -> Vec<Case> {
    let file = folder.join("cases.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    cases.retain_mut(|case| {
        case.expected = folder.join("expected").join(&case.id);
        let Ok(meta) = std::fs::read_to_string(case.expected.join("meta.json")) else { return false };
        case.outcome = serde_json::from_str::<Meta>(&meta).unwrap().outcome;
        true
    });
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

impl Case {
    /// What the id begins with: `pag` of `pag_offset_start`.
    pub(super) fn family(&self) -> &str {
        self.id.split('_').next().unwrap_or(&self.id)
    }

    /// What the server is to answer in a run, counted from 0.
    pub(super) fn script(&self, run: usize) -> Option<&Value> {
        self.scripts.get(run).or(self.script.as_ref())
    }

    /// The requests that dlt sent.
    pub(super) fn requests(&self) -> Vec<Value> {
        json_lines(&self.expected.join("requests.jsonl"))
    }

    /// The tables that dlt made, by name. `_row` numbers a row, `_parent_row` that of the row above it.
    pub(super) fn tables(&self) -> BTreeMap<String, Vec<Value>> {
        let entries = std::fs::read_dir(&self.expected).unwrap().map(|entry| entry.unwrap().path());
        let tables = entries.filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_prefix("table.")?.strip_suffix(".jsonl")?.to_owned();
            Some((name, json_lines(&path)))
        });
        tables.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// The rows that dlt's resources gave, by name: as they yielded them or, where rows are left out by their cursor (which
    /// dlt does behind the resource), as they were loaded.
    pub(super) fn rows(&self) -> BTreeMap<String, Vec<Value>> {
        let is_incremental = self.config.to_string().contains("cursor_path");
        let entries = std::fs::read_dir(&self.expected).unwrap().map(|entry| entry.unwrap().path());
        let rows = entries.filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_prefix("rows.")?.strip_suffix(".jsonl")?.to_owned();
            if !is_incremental {
                return Some((name, json_lines(&path)));
            }
            let mut loaded = json_lines(&self.expected.join(format!("table.{name}.jsonl")));
            for row in &mut loaded {
                row.as_object_mut().unwrap().remove("_row");
            }
            Some((name, loaded))
        });
        rows.collect()
    }
}

/// The lines of a JSONL file; none where there is no file.
pub(super) fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
