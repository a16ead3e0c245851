//! Progress as JSON, one object a line, for programs; `docs/output.md` describes it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::report;
use crate::run::outcome::{Event, Parents};

/// A resource's progress is told at most so often, and once more when it ends.
const EVERY_MS: u64 = 500;

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct Json {
    /// By resource: when its progress was last told, and what was kept back since.
    told: HashMap<String, (u64, Option<Value>)>,
}

impl Json {
    /// The line for an event, or two of them, if it is time for one.
    pub(super) fn line(
        &mut self,
        event: &Event,
        now_ms: u64,
        redact: &dyn Fn(&str) -> String,
    ) -> Option<String> {
        let told = match event {
            Event::Progress { resource, .. } => {
                let last_ms = self.told.get(resource).map(|(last_ms, _)| *last_ms);
                if last_ms.is_some_and(|last_ms| now_ms.saturating_sub(last_ms) < EVERY_MS) {
                    let kept = Some(object(event, now_ms));
                    self.told.insert(resource.clone(), (last_ms.unwrap_or_default(), kept));
                    return None;
                }
                self.told.insert(resource.clone(), (now_ms, None));
                vec![object(event, now_ms)]
            }
            Event::Ended { resource, .. } => {
                let kept = self.told.remove(resource).and_then(|(_, kept)| kept);
                kept.into_iter().chain([object(event, now_ms)]).collect()
            }
            _ => vec![object(event, now_ms)],
        };
        let lines: Vec<String> =
            told.into_iter().map(|object| report::redacted(object, redact).to_string()).collect();
        Some(lines.join("\n"))
    }

    /// The lines for what the run came to, from its result document, which is redacted.
    pub(super) fn result(document: &Value, now_ms: u64) -> Vec<String> {
        let head = |event: &str| [("event".to_owned(), event.into()), ("time_ms".to_owned(), now_ms.into())];
        let line = |event: &str, fields: Map<String, Value>| {
            Value::Object(head(event).into_iter().chain(fields).collect()).to_string()
        };
        let failures = document.get("failures").and_then(Value::as_array).into_iter().flatten();
        let failures = failures.filter_map(Value::as_object).map(|failure| line("failure", failure.clone()));
        let told = ["exit_code", "interrupted", "unlisted_failures"];
        let end = told.into_iter().filter_map(|key| Some((key.to_owned(), document.get(key)?.clone())));
        let end = line("finished", end.collect());
        failures.chain([end]).collect()
    }
}

fn object(event: &Event, now_ms: u64) -> Value {
    match event {
        Event::Started { resource } => json!({"event": "started", "time_ms": now_ms, "resource": resource}),
        Event::Progress { resource, rows, pages, total, parents } => {
            let parents = parents.map(|Parents { done, known }| json!({"done": done, "known": known}));
            json!({
                "event": "progress",
                "time_ms": now_ms,
                "resource": resource,
                "rows": rows,
                "total": total,
                "pages": pages,
                "parents": parents,
            })
        }
        Event::Waiting { resource, until_ms, why, status, attempts } => json!({
            "event": "waiting",
            "time_ms": now_ms,
            "resource": resource,
            "until_ms": until_ms,
            "status": status,
            "message": why,
            "attempt": attempts + 1,
        }),
        Event::Ended { resource, status, rows, refused_rows, limit } => json!({
            "event": "ended",
            "time_ms": now_ms,
            "resource": resource,
            "status": report::word(*status),
            "rows": rows,
            "refused_rows": refused_rows,
            "limit": limit,
        }),
        Event::Asked { resource, exchange } => json!({
            "event": "request",
            "time_ms": now_ms,
            "resource": resource,
            "method": exchange.method,
            "url": exchange.url,
            "status": exchange.status,
            "received_bytes": exchange.received_bytes,
            "elapsed_ms": exchange.elapsed_ms,
        }),
        Event::Took(taken) => json!({
            "event": "page",
            "time_ms": now_ms,
            "resource": taken.resource,
            "partition_key": taken.partition_key,
            "cursor": taken.cursor,
            "received": taken.received,
            "kept": taken.kept,
        }),
        Event::Said(notice) => {
            let mut object = json!({"event": "notice", "time_ms": now_ms});
            if let (Value::Object(object), Value::Object(notice)) = (&mut object, report::of_notice(notice)) {
                object.extend(notice);
            }
            object
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::outcome::Status;

    #[test]
    fn the_last_progress_is_told_before_the_end() {
        let mut json = Json::default();
        let mut line = |event: &Event, now_ms| json.line(event, now_ms, &|text| text.replace("key", "***"));
        let progress =
            |rows| Event::Progress { resource: "key".into(), rows, pages: 1, total: None, parents: None };
        let first = line(&progress(1), 1_000).unwrap();
        assert_eq!(
            first,
            r#"{"event":"progress","time_ms":1000,"resource":"***","rows":1,"total":null,"pages":1,"parents":null}"#
        );
        assert_eq!(line(&progress(2), 1_100), None);
        assert_eq!(line(&progress(3), 1_200), None);
        let end = Event::Ended {
            resource: "key".into(),
            status: Status::Unfinished,
            rows: 3,
            refused_rows: 0,
            limit: None,
        };
        let told = line(&end, 1_300).unwrap();
        let told: Vec<&str> = told.lines().collect();
        assert!(told[0].contains(r#""time_ms":1200,"resource":"***","rows":3"#), "{told:?}");
        assert_eq!(
            told[1],
            r#"{"event":"ended","time_ms":1300,"resource":"***","status":"unfinished","rows":3,"refused_rows":0,"limit":null}"#
        );
        assert!(line(&progress(4), 1_310).is_some());
    }
}
