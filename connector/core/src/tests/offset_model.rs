//! A host and a server by made-up scripts: pages fail and are asked again, are fetched in any order near the top and
//! taken in order, while the data change. Each row exactly once, or something says so.

use proptest::prelude::*;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// What happens to one request.
#[derive(Debug, Clone, Copy)]
enum Event {
    Fine,
    /// No answer.
    Fails,
    /// An answer that is cut off.
    Cut,
    Short(u64),
    Empty,
    Long(u64),
    TotalText,
    TotalNull,
    TotalAbsent,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => Just(Event::Fine),
        2 => Just(Event::Fails),
        1 => Just(Event::Cut),
        2 => (1..9u64).prop_map(Event::Short),
        1 => Just(Event::Empty),
        1 => (1..9u64).prop_map(Event::Long),
        1 => Just(Event::TotalText),
        1 => Just(Event::TotalNull),
        1 => Just(Event::TotalAbsent),
    ];
    prop::collection::vec(event, 0..60)
}

/// How the rows change while they are read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drift {
    Rest,
    /// New rows at the end.
    Grows,
    /// The last rows go.
    Shrinks,
    /// The first rows go, and all others move up.
    MovesUp,
    /// New rows come before all others.
    MovesDown,
}

fn drift() -> impl Strategy<Value = Drift> {
    prop_oneof![
        4 => Just(Drift::Rest),
        1 => Just(Drift::Grows),
        1 => Just(Drift::Shrinks),
        1 => Just(Drift::MovesUp),
        1 => Just(Drift::MovesDown),
    ]
}

/// An API whose rows are numbers; what it counts is true at the time of the answer.
#[derive(Debug)]
struct Server {
    rows: Vec<u64>,
    /// The rows from the first offset on when the first page was given, less those that have gone since.
    owed: Vec<u64>,
    cap: u64,
    with_total: bool,
    with_more: bool,
    drift: Drift,
    events: std::vec::IntoIter<Event>,
    /// Rows that come or go, request by request.
    steps: std::vec::IntoIter<u64>,
    fresh: u64,
}

impl Server {
    fn moves(&self) -> bool {
        matches!(self.drift, Drift::MovesUp | Drift::MovesDown)
    }

    fn changes(&mut self) {
        let by = self.steps.next().unwrap_or_default();
        let fewer = (self.rows.len() as u64).saturating_sub(by);
        let mut fresh: Vec<u64> = (self.fresh..self.fresh + by).collect();
        match self.drift {
            Drift::Rest => return,
            Drift::Grows => self.rows.extend(fresh),
            Drift::Shrinks => self.rows.truncate(fewer as usize),
            Drift::MovesUp => drop(self.rows.drain(..self.rows.len() - fewer as usize)),
            Drift::MovesDown => {
                fresh.append(&mut self.rows);
                self.rows = fresh;
            }
        }
        self.fresh += by;
        self.owed.retain(|row| self.rows.contains(row));
    }

    /// The body; `None`: no answer.
    fn answer(&mut self, offset: u64, limit: u64, first: bool) -> Option<String> {
        self.changes();
        let event = match self.events.next().unwrap_or(Event::Fine) {
            // An answer whose rows have moved and that has no total says nothing of it.
            Event::TotalNull | Event::TotalAbsent if self.moves() => Event::Fine,
            // A first page without a total leaves nothing to know the end by.
            Event::TotalNull | Event::TotalAbsent if first => Event::Fine,
            event => event,
        };
        let mut given = limit.min(self.cap);
        match event {
            Event::Fails => return None,
            Event::Short(by) => given = given.saturating_sub(by).max(1),
            // Without a count, an empty page is the end by dlt's rule: nothing could tell it from one.
            Event::Empty if self.with_total || self.with_more => given = 0,
            Event::Long(by) => given += by,
            _ => {}
        }
        let all = self.rows.len() as u64;
        if first {
            self.owed = self.rows.iter().skip(offset as usize).copied().collect();
        }
        let (from, to) = (offset.min(all), offset.saturating_add(given).min(all));
        let rows: Vec<_> =
            self.rows[from as usize..to as usize].iter().map(|row| json!({"id": row})).collect();
        let mut body = json!({"data": rows});
        if self.with_total {
            match event {
                Event::TotalNull => body["total"] = Value::Null,
                Event::TotalAbsent => {}
                Event::TotalText => body["total"] = json!(all.to_string()),
                _ => body["total"] = json!(all),
            }
        }
        if self.with_more {
            body["more"] = json!(to < all);
        }
        let mut text = body.to_string();
        if matches!(event, Event::Cut) {
            text.truncate(text.len() / 2);
        }
        Some(text)
    }
}

/// What a read came to.
#[derive(Debug, Default)]
struct Came {
    ids: Vec<u64>,
    first_total: Option<u64>,
    last_total: Option<u64>,
    /// Whether any total was below the first, or above it.
    fell: bool,
    grew: bool,
    limited: bool,
    ended_early: bool,
}

/// Pages that a host asks for at once.
const WINDOW: usize = 4;

/// Reads as a host does: of the pages near the top the one that `order` picks is asked for next, three times at most;
/// they are taken in order, and a page that comes twice running or an end before both totals is an error.
fn host(config: &Value, server: &mut Server, order: &[prop::sample::Index]) -> Result<Came, String> {
    let plan = planned(config);
    let mut order = order.iter().cycle();
    let mut came = Came::default();
    let mut last: (Vec<u8>, u32) = (Vec::new(), 0);
    let mut stack: Vec<(PageRequest, Option<Page>)> = vec![(first_page("r"), None)];
    for _ in 0..4000 {
        while let Some((_, Some(_))) = stack.last() {
            let Some((_, Some(got))) = stack.pop() else { break };
            take(&mut came, &mut last, &got)?;
            match got.continuation {
                Continuation::End => {}
                Continuation::Limit(_) => came.limited = true,
                Continuation::Next(next) => stack.push((after(next), None)),
                Continuation::Rest(rest) => {
                    stack.extend(rest.into_iter().rev().map(|cursor| (after(cursor), None)))
                }
            }
        }
        let low = stack.len().saturating_sub(WINDOW);
        let mut open: Vec<_> = stack[low..].iter_mut().filter(|(_, page)| page.is_none()).collect();
        if open.is_empty() {
            break;
        }
        let pick = order.next().map_or(0, |index| index.index(open.len()));
        let (wanted, place) = &mut *open[pick];
        *place = Some(fetch(&plan, wanted, server)?);
    }
    if !stack.is_empty() {
        return Err("reads without end".into());
    }
    let received = came.ids.len() as u64;
    let short = |total: Option<u64>| total.is_some_and(|total| received < total);
    if !came.limited && short(came.first_total) && short(came.last_total) {
        return Err("fewer rows than both totals".into());
    }
    Ok(came)
}

fn after(cursor: String) -> PageRequest {
    PageRequest { cursor: Some(cursor), ..first_page("r") }
}

fn fetch(plan: &Plan, wanted: &PageRequest, server: &mut Server) -> Result<Page, String> {
    let mut fault = String::new();
    for _ in 0..3 {
        let sent = request(plan, wanted).map_err(|fault| fault.to_string())?;
        let url = url::Url::parse(&sent.url).unwrap();
        let number = |name: &str| {
            url.query_pairs().find(|(key, _)| key == name).map_or(0, |(_, value)| value.parse().unwrap())
        };
        let Some(body) = server.answer(number("offset"), number("limit"), wanted.cursor.is_none()) else {
            fault = "no answer".to_owned();
            continue;
        };
        match page(plan, wanted, &ok(body)) {
            Ok(got) => return Ok(got),
            Err(Fault::BadResponse(bad)) if bad.retry => fault = bad.message,
            Err(other) => return Err(other.to_string()),
        }
    }
    Err(fault)
}

fn take(came: &mut Came, last: &mut (Vec<u8>, u32), got: &Page) -> Result<(), String> {
    assert_eq!((got.received, rows_text(got).lines().count() as u64), (got.kept, got.kept));
    if got.kept > 0 {
        last.1 = if got.rows == last.0 { last.1 + 1 } else { 0 };
        last.0.clone_from(&got.rows);
        if last.1 > 0 && (got.kept > 1 || last.1 > 1) {
            return Err("the same page twice".into());
        }
    }
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap();
    came.ids.extend(rows_text(got).lines().map(id));
    came.first_total = came.first_total.or(got.total);
    came.last_total = got.total.or(came.last_total);
    came.fell |= got.total < came.first_total && got.total.is_some();
    came.grew |= got.total > came.first_total;
    came.ended_early |= got.notices.iter().any(|notice| notice.code == "empty-page-ended");
    Ok(())
}

/// Without what there is to say against it.
fn is_loud(message: &str) -> bool {
    let known = ["empty page", "the same page twice", "no answer", "the answer is damaged", "fewer rows"];
    known.iter().any(|start| message.starts_with(start))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_row_once_or_something_says_so(
        count in 0..300u64, limit in 1..40u64, cap in 1..40u64, start in 0..20u64,
        (with_total, with_more, drift) in (any::<bool>(), any::<bool>(), drift()),
        events in events(), steps in prop::collection::vec(0..4u64, 0..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        maximum in prop::option::weighted(0.2, 1..200u64),
    ) {
        let mut paginator = json!({"type": "offset", "limit": limit, "offset": start, "maximum_offset": maximum});
        if !with_total {
            paginator["total_path"] = Value::Null;
        }
        if with_more {
            paginator["has_more_path"] = json!("more");
        }
        let rows: Vec<u64> = (0..count).collect();
        let mut server = Server {
            owed: Vec::new(), rows, cap, with_total, with_more, drift,
            events: events.into_iter(), steps: steps.into_iter(), fresh: 1000,
        };
        let came = match host(&offset_config(paginator), &mut server, &order) {
            Ok(came) => came,
            Err(message) => {
                prop_assert!(is_loud(&message), "{}", message);
                return Ok(());
            }
        };
        let mut once = came.ids.clone();
        once.sort_unstable();
        once.dedup();
        // Rows that move past an edge between two requests come twice, or are missed: totals show it, where there are any.
        let moved = match drift {
            Drift::MovesUp => !with_total || came.fell,
            Drift::MovesDown => !with_total || came.grew,
            Drift::Rest | Drift::Grows | Drift::Shrinks => false,
        };
        if !moved {
            prop_assert_eq!(once.len(), came.ids.len(), "a row came twice: {:?}", came);
        }
        if matches!(drift, Drift::Rest | Drift::Grows | Drift::Shrinks) {
            prop_assert_eq!(&once, &came.ids, "not in the order of the API");
        }
        let missed: Vec<u64> = server.owed.iter().copied().filter(|id| !once.contains(id)).collect();
        prop_assert!(missed.is_empty() || moved || came.limited || came.ended_early, "{:?} of {:?}", missed, came);
        if came.limited && drift == Drift::Rest {
            let maximum = maximum.unwrap_or_default();
            prop_assert!(came.ids.len() as u64 >= maximum.saturating_sub(start), "{:?}", came);
            prop_assert!(count >= maximum, "nothing was cut: {:?}", came);
        }
    }

    /// One page is one request, and its rows are those of the page, whatever it says of more.
    #[test]
    fn a_single_page_is_what_came(count in 0..50u64, cap in 1..60u64, events in events(), named: bool, with_total: bool) {
        let mut config = offset_config(json!("single_page"));
        if !named {
            config["resources"][0]["endpoint"].as_object_mut().unwrap().shift_remove("paginator");
        }
        let rows: Vec<u64> = (0..count).collect();
        let mut server = Server {
            owed: Vec::new(), rows, cap, with_total, with_more: !with_total, drift: Drift::Rest,
            events: events.into_iter(), steps: Vec::new().into_iter(), fresh: 1000,
        };
        let body = server.answer(0, cap, true);
        let Some(body) = body else { return Ok(()) };
        let there = serde_json::from_str::<Value>(&body).ok().map(|body| body["data"].as_array().unwrap().len() as u64);
        match (page(&planned(&config), &first_page("r"), &ok(&body)), there) {
            (Ok(got), Some(there)) => {
                prop_assert_eq!((got.received, got.kept, &got.continuation), (there, there, &Continuation::End));
                prop_assert!(named || there == count, "a part that nobody asked for: {}", body);
            }
            (Err(Fault::BadResponse(bad)), None) => prop_assert!(bad.retry),
            (Err(Fault::BadResponse(bad)), Some(there)) => prop_assert!(!named && there < count && !bad.retry, "{:?}", bad),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
