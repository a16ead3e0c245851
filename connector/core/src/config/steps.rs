//! `processing_steps`, `drop` and `keep`: what a config has done to rows.

use std::rc::Rc;

use super::resource::rename;
use crate::cut::{Cut, Fields as CutFields};
use crate::diagnostic::Problems;
use crate::document::{At, Fields, Keys, Node};
use crate::jq::Program;
use crate::json::Step as PathStep;
use crate::select::Selector;
use crate::steps::Step;

/// dlt's kinds, in the order in which it takes those of one object, and ours.
const KINDS: &[&str] = &["filter", "map", "yield_map", "rename", "drop", "keep"];

/// Of those, dlt's.
const OF_DLT: usize = 3;

/// Reads `processing_steps`.
pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Vec<Step> {
    let items = node.items("processing steps", problems).unwrap_or_default();
    items.iter().flat_map(|item| step(item, problems)).collect()
}

fn step(node: &Node<'_>, problems: &mut Problems) -> Vec<Step> {
    let Some(mut fields) = node.object("a processing step", problems) else {
        return Vec::new();
    };
    let written: Vec<(usize, Node<'_>)> =
        KINDS.iter().enumerate().filter_map(|(index, kind)| Some((index, fields.take(kind)?))).collect();
    if written.is_empty() && fields.is_empty() {
        problems.hint(&node.pointer, "a step that does nothing", "{\"filter\": \".status == \\\"open\\\"\"}");
    } else if written.len() > 1 && written.iter().any(|(index, _)| *index >= OF_DLT) {
        problems.hint(&node.pointer, "a step does one thing", "write several, in the order that is meant");
    }
    let keys = Keys { of: "a processing step", known: KINDS, later: &[], elsewhere: &[] };
    fields.close(&keys, problems);
    let made = written.iter().filter_map(|(index, node)| match *index {
        0 => program(node, problems).map(Step::Filter),
        1 => program(node, problems).map(Step::Map),
        2 => program(node, problems).map(Step::YieldMap),
        3 => {
            let pairs = rename(node, problems);
            Some(Step::Rename(pairs.into_iter().map(|(from, to)| (from, to.value)).collect()))
        }
        4 => cut(node, problems).map(Cut::Drop).map(Step::Cut),
        _ => cut(node, problems).map(Cut::Keep).map(Step::Cut),
    });
    made.collect()
}

/// A text in jq.
pub(super) fn program(node: &Node<'_>, problems: &mut Problems) -> Option<Rc<Program>> {
    let text = node.name("a jq program", problems)?;
    match Program::compile(&text.value) {
        Ok(program) => Some(Rc::new(program)),
        Err(error) => {
            let message = format!("this is no jq program: {}", error.message);
            match error.hint {
                Some(hint) => problems.hint(&node.pointer, message, hint),
                None => problems.add(&node.pointer, message),
            }
            None
        }
    }
}

/// `drop` or `keep` of a resource.
pub(super) fn cut(node: &Node<'_>, problems: &mut Problems) -> Option<CutFields> {
    let mut fields = CutFields::default();
    let names = node.names("a field", problems)?;
    if names.is_empty() {
        problems.add(&node.pointer, "no field is named");
    }
    for name in names {
        match path(&name.value) {
            Some(steps) => fields.add(&steps),
            None => {
                let hint = "names with dots between them: `user.email`; one with a dot in it: `['a.b']`";
                problems.hint(&name.pointer, format!("`{}` is no path of a field", name.value), hint);
            }
        }
    }
    Some(fields)
}

fn path(text: &str) -> Option<Vec<PathStep>> {
    match Selector::parse(text).ok()? {
        Selector::Plain(steps) if steps.iter().all(|step| matches!(step, PathStep::Member(_))) => {
            (!steps.is_empty()).then_some(steps)
        }
        _ => None,
    }
}

/// `drop` and `keep`, which a resource has one of.
pub(super) fn cut_of(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<At<Cut>> {
    let dropped = fields.take("drop");
    let kept = fields.take("keep");
    if let (Some(_), Some(kept)) = (&dropped, &kept) {
        problems.add(&kept.pointer, "`keep` says what stays, so `drop` beside it has nothing to say");
    }
    match (dropped, kept) {
        (Some(node), _) => cut(&node, problems).map(|fields| node.at(Cut::Drop(fields))),
        (None, Some(node)) => cut(&node, problems).map(|fields| node.at(Cut::Keep(fields))),
        (None, None) => None,
    }
}
