//! What becomes of answers that are errors.

use serde_json::{Map, Value, json};

use super::manifest::Node;
use super::{Around, Reading};
use crate::import::airbyte::text::Place;

/// Statuses that are tried again unless a config says otherwise.
const RETRIED: [u64; 5] = [429, 500, 502, 503, 504];

impl Reading<'_> {
    /// An error handler, or several.
    pub(super) fn errors(&mut self, node: &Node, endpoint: &mut Map<String, Value>) {
        let mut handler = Map::new();
        let mut actions = Vec::new();
        self.handler(node, &mut handler, &mut actions, 0);
        if !handler.is_empty() {
            endpoint.insert("error_handler".into(), handler.into());
        }
        if !actions.is_empty() {
            endpoint.insert("response_actions".into(), actions.into());
        }
    }

    fn handler(
        &mut self,
        node: &Node,
        handler: &mut Map<String, Value>,
        actions: &mut Vec<Value>,
        depth: usize,
    ) {
        match self.manifest.kind(node, "DefaultErrorHandler").to_owned().as_str() {
            "CompositeErrorHandler" if depth < 5 => {
                for inner in self.manifest.list(node, "error_handlers") {
                    self.handler(&inner, handler, actions, depth + 1);
                }
            }
            "DefaultErrorHandler" => {
                self.close(node, &["type", "max_retries", "backoff_strategies", "response_filters"]);
                let retries = self.manifest.get(node, "max_retries");
                let retries =
                    retries.and_then(|retries| self.value(&retries, Place::Credential, &Around::default()));
                if let Some(retries) = retries.filter(Value::is_u64) {
                    handler.insert("max_retries".into(), retries);
                }
                for strategy in self.manifest.list(node, "backoff_strategies") {
                    self.backoff(&strategy, handler);
                }
                for filter in self.manifest.list(node, "response_filters") {
                    self.filtered(&filter, handler, actions);
                }
            }
            other => {
                let what = format!("`{other}` has no form in a config");
                self.leave(node, &what);
            }
        }
    }

    fn backoff(&mut self, node: &Node, handler: &mut Map<String, Value>) {
        match self.manifest.kind(node, "").to_owned().as_str() {
            "ExponentialBackoffStrategy" => {
                let factor =
                    self.manifest.get(node, "factor").map(|factor| self.manifest.value(&factor).clone());
                if let Some(factor) = factor.filter(Value::is_number) {
                    handler.insert("backoff_factor".into(), factor);
                }
            }
            // It is heeded without being asked to.
            "WaitTimeFromHeader"
                if self
                    .manifest
                    .text(node, "header")
                    .is_some_and(|header| header.eq_ignore_ascii_case("retry-after"))
                    && self.manifest.get(node, "regex").is_none() => {}
            other => {
                let what =
                    format!("`{other}`: waits grow by `backoff_factor`, or are what `Retry-After` says");
                self.leave(node, &what);
            }
        }
    }

    fn filtered(&mut self, node: &Node, handler: &mut Map<String, Value>, actions: &mut Vec<Value>) {
        // Without its predicate it would catch more.
        if let Some(predicate) = self.manifest.get(node, "predicate") {
            return self.leave(&predicate, "a filter of answers by `predicate` has no form in a config");
        }
        // `failure_type` is for Airbyte's own reports.
        const KNOWN: [&str; 6] =
            ["type", "action", "http_codes", "error_message_contains", "error_message", "failure_type"];
        self.close(node, &KNOWN);
        let statuses: Vec<u64> = self
            .manifest
            .list(node, "http_codes")
            .iter()
            .filter_map(|code| {
                let code = self.manifest.value(code);
                code.as_u64().or_else(|| code.as_str()?.parse().ok())
            })
            .collect();
        let content = self.manifest.text(node, "error_message_contains").map(str::to_owned);
        let message = self.manifest.text(node, "error_message").filter(|message| !message.contains("{{"));
        let message = message.map(str::to_owned);
        if statuses.is_empty() && content.is_none() {
            return self.leave(node, "a filter of answers needs a status or a content");
        }
        let default = if statuses.is_empty() { "FAIL" } else { "RETRY" };
        let asked = self.manifest.text(node, "action").unwrap_or(default).to_owned();
        let action = match asked.as_str() {
            "IGNORE" => "ignore",
            "FAIL" => "fail",
            "RETRY" | "RATE_LIMITED" => "retry",
            other => {
                let what = format!("the action `{other}` has no form in a config");
                return self.leave(node, &what);
            }
        };
        if action == "retry" && content.is_none() {
            let known = handler.entry("retry_on_status_codes").or_insert_with(|| json!(RETRIED));
            if let Value::Array(known) = known {
                let new = statuses.iter().map(|status| json!(status));
                let new: Vec<Value> = new.filter(|status| !known.contains(status)).collect();
                known.extend(new);
            }
            return;
        }
        let statuses: Vec<Option<u64>> =
            if statuses.is_empty() { vec![None] } else { statuses.into_iter().map(Some).collect() };
        for status in statuses {
            let mut entry = Map::new();
            entry.extend(status.map(|status| ("status_code".to_owned(), json!(status))));
            entry.extend(content.clone().map(|content| ("content".to_owned(), content.into())));
            entry.insert("action".into(), action.into());
            if action == "fail" {
                entry.extend(message.clone().map(|message| ("message".to_owned(), message.into())));
            }
            actions.push(entry.into());
        }
    }
}
