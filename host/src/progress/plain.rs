//! Progress as plain lines, now and then: what is piped, or shown by a terminal that cannot do bars.

use std::collections::HashMap;

use crate::run::outcome::{Event, Parents};
use crate::words::{counted, of_end};

/// A line for a resource is printed at most so often.
const EVERY_MS: u64 = 2_000;

/// What has been shown.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// When a resource's last line was printed.
    last_ms: HashMap<String, u64>,
}

impl Plain {
    /// The line for an event, if it is time for one.
    pub(super) fn line(&mut self, event: &Event, now_ms: u64) -> Option<String> {
        match event {
            Event::Progress { resource, rows, pages, total, parents } => {
                if self
                    .last_ms
                    .get(resource)
                    .is_some_and(|last_ms| now_ms.saturating_sub(*last_ms) < EVERY_MS)
                {
                    return None;
                }
                self.last_ms.insert(resource.clone(), now_ms);
                let pages = counted(*pages, "page");
                Some(match (parents, total) {
                    (Some(Parents { done, known }), _) => {
                        format!(
                            "{resource}: {}, {pages}, {done} of {}",
                            counted(*rows, "row"),
                            counted(*known, "parent")
                        )
                    }
                    (None, Some(total)) => {
                        format!("{resource}: {rows} of {}, {pages}", counted(*total, "row"))
                    }
                    (None, None) => format!("{resource}: {}, {pages}", counted(*rows, "row")),
                })
            }
            Event::Waiting { resource, until_ms, why, attempts, .. } => {
                let wait_s = until_ms.saturating_sub(now_ms) as f64 / 1_000.0;
                if *attempts == 0 {
                    return Some(format!("{resource}: {why}; going on in {wait_s:.1} s"));
                }
                Some(format!("{resource}: {why}; try {} in {wait_s:.1} s", attempts + 1))
            }
            Event::Ended { resource, status, rows, refused_rows, limit } => {
                let word = of_end(*status, limit.as_deref(), *refused_rows);
                Some(format!("{resource}: {word}, {}", counted(*rows, "row")))
            }
            Event::Started { .. } | Event::Asked { .. } | Event::Took { .. } | Event::Said(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Hold;

    #[test]
    fn a_line_now_and_then() {
        let mut plain = Plain::default();
        let progress =
            |rows, total, parents| Event::Progress { resource: "r".into(), rows, pages: 1, total, parents };
        let parents = Some(Parents { done: 1, known: 20 });
        let cases = [
            (progress(1, None, None), 0, Some("r: 1 row, 1 page")),
            (progress(2, None, None), 1_999, None),
            (progress(3, Some(9), None), 2_000, Some("r: 3 of 9 rows, 1 page")),
            (progress(4, Some(9), parents), 4_000, Some("r: 4 rows, 1 page, 1 of 20 parents")),
        ];
        for (event, now_ms, expected) in cases {
            assert_eq!(plain.line(&event, now_ms).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_waited_for() {
        let line = |why: &str, status, attempts| {
            let (resource, why) = ("r".to_owned(), why.to_owned());
            let waiting = Event::Waiting { resource, until_ms: 12_500, why, status, attempts };
            Plain::default().line(&waiting, 1_000).unwrap_or_default() + "\n"
        };
        let lines = [
            line("the API answered 429 (too many requests)", Some(429), 1),
            line(Hold::Quota.words(), None, 0),
            line(Hold::Pace.words(), None, 0),
        ];
        insta::assert_snapshot!(lines.concat());
    }
}
