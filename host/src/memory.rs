//! Lays out what a checkpoint remembers: text for people, a document for programs.

use sanderling_destination::{LoadStatus, PendingPage, State};
use serde_json::{Value, json};

use crate::run::watermark;
use crate::show::Paint;
use crate::standing::load;
use crate::words::{counted, printable};
use crate::{clock, report, words};

/// So many pages and chains of a pipeline are shown; the rest is counted.
const SHOWN: usize = 5;

/// A pipeline's name, its destination as a user would write it, and its state.
type Remembered<'a> = (&'a str, &'a str, &'a State);

/// What is remembered, a pipeline after the other.
pub fn text<'a>(states: impl Iterator<Item = Remembered<'a>>, paint: Paint) -> String {
    states.map(|state| pipeline_text(state, paint)).collect::<Vec<_>>().join("\n")
}

fn pipeline_text((name, destination, state): Remembered, paint: Paint) -> String {
    let mut lines = vec![paint.head(&printable(&format!("{name} in {destination}")))];
    for load in state.loads.values() {
        let status = match load.status {
            LoadStatus::Running => "not finished",
            LoadStatus::Refused => "failed a check",
            LoadStatus::Complete => "complete",
        };
        let unwritten = if load.unwritten { ", read for its children alone" } else { "" };
        let total = load.total.map(|total| format!(" of {total}")).unwrap_or_default();
        lines.push(printable(&format!(
            "  {}: load {}, {status}{unwritten}; {}{total}, {}, last change {}",
            load.resource,
            load.load_id,
            counted(load.rows, "row"),
            counted(load.pages, "page"),
            clock::minute(load.updated_ms),
        )));
    }
    for resource in state.watermarks.keys() {
        if let Some(reach) = watermark::reach(state, resource) {
            lines.push(printable(&format!("  {resource}: {}", words::of_reach(&reach))));
        }
    }
    if !state.pending.is_empty() {
        lines.push(format!(
            "  {} still to be read, of which the first are",
            counted(state.pending.len() as u64, "page")
        ));
        lines.extend(first_pages(state).map(|page| printable(&format!("    {}", page_text(page)))));
    }
    if !state.chains.is_empty() {
        lines.push(format!("  {} half-read", counted(state.chains.len() as u64, "chain")));
        for chain in state.chains.iter().take(SHOWN) {
            let parent = of_parent(chain.partition_key.as_deref());
            lines.push(printable(&format!(
                "    {}{parent}: {} so far, {}",
                chain.resource,
                counted(chain.received, "row"),
                counted(chain.pages, "page")
            )));
        }
    }
    for (resource, partitions) in &state.opened {
        lines
            .push(printable(&format!("  {resource}: {} opened", counted(partitions.len() as u64, "parent"))));
    }
    for halt in &state.halts {
        let since = clock::minute(halt.at_ms);
        lines.push(printable(&format!("  {} is left alone since {since}", halt.origin)));
    }
    if lines.len() == 1 {
        lines.push("  nothing is remembered".to_owned());
    }
    lines.join("\n") + "\n"
}

fn page_text(page: &PendingPage) -> String {
    let parent = of_parent(page.partition.as_ref().map(|partition| partition.key.as_str()));
    let place = page.cursor.as_ref().map_or_else(|| "the start".into(), |cursor| words::short(cursor));
    let failed = if page.failed { " (failed)" } else { "" };
    format!("{}{parent}, at {place}{failed}", page.resource)
}

fn of_parent(key: Option<&str>) -> String {
    key.map(|key| format!(" of parent {}", words::short(key))).unwrap_or_default()
}

/// The ones that are read first: those with the highest numbers.
fn first_pages(state: &State) -> impl Iterator<Item = &PendingPage> {
    state.pending.iter().rev().take(SHOWN)
}

/// The document of `state show --json`. Times are in milliseconds since 1970; secrets are references.
pub fn document<'a>(states: impl Iterator<Item = Remembered<'a>>) -> Value {
    let pipeline = |(name, destination, state): Remembered| {
        let loads: serde_json::Map<String, Value> =
            state.loads.iter().map(|(resource, it)| (resource.clone(), load(it))).collect();
        let opened: serde_json::Map<String, Value> =
            state.opened.iter().map(|(resource, it)| (resource.clone(), it.len().into())).collect();
        let watermarks: serde_json::Map<String, Value> = state
            .watermarks
            .keys()
            .filter_map(|resource| {
                Some((resource.clone(), report::watermark(&watermark::reach(state, resource)?)))
            })
            .collect();
        json!({
            "pipeline": name,
            "destination": destination,
            "loads": loads,
            "pending_pages": state.pending.len(),
            "pending": first_pages(state).collect::<Vec<_>>(),
            "half_read_chains": state.chains.len(),
            "chains": state.chains.iter().take(SHOWN).collect::<Vec<_>>(),
            "opened_parents": opened,
            "watermarks": watermarks,
            "halts": state.halts,
        })
    };
    json!({ "version": 1, "pipelines": states.map(pipeline).collect::<Vec<_>>() })
}
