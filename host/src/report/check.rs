//! Lays out what a check came to: a line a resource for people, the JSON document for programs.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use super::grouped;
use crate::document::edit::Change;
use crate::run::outcome::RunNotice;
use crate::sample::{Compared, Look};
use crate::source::Source;
use crate::words::{self, Words};

/// What a check has come to so far.
#[derive(Debug, Default)]
pub struct Checked {
    /// What the program exits with.
    pub exit_code: u8,
    /// Lines that were written into the config.
    pub changes: Vec<Change>,
    config: String,
    resources: Vec<Value>,
    problems: Vec<Value>,
    notices: Vec<Value>,
    said: HashSet<String>,
}

impl Checked {
    /// Of the config at `path`, nothing yet.
    pub fn new(path: &Path) -> Self {
        Self { config: path.display().to_string(), ..Self::default() }
    }

    /// Notes a problem, of a resource or of the config as a whole.
    pub fn problem(&mut self, resource: Option<&str>, words: &Words) {
        self.problems.push(json!({
            "resource": resource,
            "message": words.what,
            "details": words.snippet.iter().chain(&words.more).collect::<Vec<_>>(),
            "hints": words.hints,
            "exit_code": words.code,
        }));
    }

    /// Notes a notice; `false`: it was noted before.
    pub fn notice(&mut self, notice: &RunNotice, redact: &dyn Fn(&str) -> String) -> bool {
        let (message, hint) = words::of_notice(notice);
        let settles = notice.settles().iter().map(super::setting).collect();
        self.said(&redact(&message), hint.map(|hint| redact(&hint)), settles)
    }

    /// Notes a sentence; `false`: it was noted before.
    pub fn note(&mut self, message: &str) -> bool {
        self.said(message, None, Vec::new())
    }

    fn said(&mut self, message: &str, hint: Option<String>, settles: Vec<Value>) -> bool {
        let new = self.said.insert(message.to_owned());
        if new {
            self.notices.push(json!({"message": message, "hint": hint, "settles": settles}));
        }
        new
    }

    /// Notes a resource; gives the line that says of it what no problem has said.
    pub fn resource(
        &mut self,
        source: &Source,
        at: usize,
        look: &Look,
        compared: Option<&Compared>,
        good: bool,
    ) -> Option<String> {
        let resource = &source.plan.resources[at];
        let name = &resource.name;
        let rows: u64 = look.pages.iter().map(|page| page.kept).sum();
        let totals: Option<Vec<u64>> = look.pages.iter().map(|page| page.total).collect();
        let total = totals.filter(|totals| !totals.is_empty()).map(|totals| totals.iter().sum::<u64>());
        let more = look.pages.iter().any(|page| page.more);
        let why = look.not_tried.as_ref().map(words::of_not_tried);
        let status = match (&why, good) {
            (_, false) => "failed",
            (Some(_), true) => "not-tried",
            (None, true) => "good",
        };
        self.resources.push(json!({
            "name": name,
            "parent": resource.parent.map(|parent| source.plan.resources[parent].name.clone()),
            "status": status,
            "why": why,
            "pages": look.pages.len(),
            "rows": rows,
            "total": total,
            "more": more,
            "documented": compared.and_then(Compared::is_documented),
        }));
        if let Some(why) = why {
            return Some(format!("{name}: not tried: {why}"));
        }
        if !good {
            return None;
        }
        let of = total.map(|total| format!(" of {}", grouped(total))).unwrap_or_default();
        let noun = if total.unwrap_or(rows) == 1 { "row" } else { "rows" };
        let place = match (resource.parent, look.pages.len()) {
            (None, _) => "on the first page".to_owned(),
            (Some(_), 1) => "on the first page of one parent".to_owned(),
            (Some(_), parents) => format!("on the first pages of {parents} parents"),
        };
        let more = if more { ", and there are more" } else { "" };
        let documented = compared.and_then(words::of_all_documented).unwrap_or_default();
        Some(format!("{name}: good, {}{of} {noun} {place}{more}{documented}", grouped(rows)))
    }

    /// The document of `--json`.
    pub fn document(&self) -> Value {
        let change =
            |change: &Change| json!({"line": change.line, "added": change.added, "text": change.text});
        json!({
            "version": 1,
            "config": self.config,
            "exit_code": self.exit_code,
            "resources": self.resources,
            "problems": self.problems,
            "notices": self.notices,
            "changes": self.changes.iter().map(change).collect::<Vec<_>>(),
        })
    }
}
