//! Where an incremental endpoint sends its bounds: parameters of their own, and placeholders.

use super::draft::{Draft, DraftPart};
use super::hole::Hole;
use super::parents::Link;
use super::{Piece, Pieces};
use crate::config::ResourceConfig;
use crate::contract::Notice;
use crate::diagnostic::Problems;
use crate::incremental::{VALUES, Value};

/// The parameters of a resource, with those that its bounds are sent as.
pub(super) fn params(config: &ResourceConfig, draft: &Draft, link: &Link) -> Vec<(String, Pieces)> {
    let own = own(config);
    let given = draft.params.iter().filter(|(name, _)| !own.iter().any(|(other, _)| other == name));
    let given = given.map(|(name, parts)| (name.clone(), link.pieces(parts)));
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), vec![Piece::Incremental(*value, None)]));
    given.chain(own).collect()
}

fn own(config: &ResourceConfig) -> Vec<(&str, Value)> {
    let Some(incremental) = &config.endpoint.incremental else { return Vec::new() };
    let params = [(&incremental.start_param, Value::Start), (&incremental.end_param, Value::End)];
    params.into_iter().filter_map(|(name, value)| Some((name.as_ref()?.value.as_str(), value))).collect()
}

/// Says what cannot be sent, and what is sent in another's place.
pub(super) fn check(
    config: &ResourceConfig,
    draft: &Draft,
    problems: &mut Problems,
    notices: &mut Vec<Notice>,
) {
    for (name, _) in own(config) {
        if draft.params.iter().any(|(other, _)| other == name) {
            notices.push(Notice {
                code: "param-overridden",
                message: format!(
                    "`incremental` of `{}` sets `{name}`; the one in `params` is not sent",
                    config.name.value
                ),
                hint: None,
                settles: Vec::new(),
            });
        }
    }
    if let Some(pointer) = config.endpoint.incremental.as_ref().and_then(|it| it.schedulers.as_ref()) {
        notices.push(Notice {
            code: "option-unneeded",
            message: format!("`allow_external_schedulers` at {pointer} does nothing here"),
            hint: Some("`run --since … --until …` reads a range".to_owned()),
            settles: Vec::new(),
        });
    }
    let lone: Vec<&DraftPart> = draft
        .params
        .iter()
        .filter_map(|(_, parts)| if let [only] = parts.as_slice() { Some(only) } else { None })
        .collect();
    let in_text = draft.text_holes();
    for hole in draft.holes() {
        let Hole::Incremental { value, pointer } = hole else { continue };
        let name = VALUES.iter().find(|(_, other)| other == value).map_or("", |(name, _)| *name);
        let Some(incremental) = &config.endpoint.incremental else {
            let message = format!("`{{incremental.{name}}}`, but the endpoint has no `incremental`");
            problems.hint(
                pointer,
                message,
                "\"incremental\": {\"cursor_path\": \"…\", \"initial_value\": \"…\"}",
            );
            continue;
        };
        let (is_given, key) = match value {
            Value::Start | Value::Last | Value::Initial => {
                (incremental.initial_value.is_some(), "initial_value")
            }
            Value::End => (incremental.end_value.is_some(), "end_value"),
            Value::Lag => (incremental.lag.is_some(), "lag"),
        };
        let alone = lone.iter().any(|part| matches!(part, DraftPart::Hole(other, _) if other == hole));
        if !is_given && !alone && in_text.contains(&hole) {
            let message =
                format!("`{{incremental.{name}}}` stands in a text, and has no value on the first run");
            problems.hint(pointer, message, format!("give `incremental` its `{key}`"));
        }
    }
}
