//! From where to where a request asks: the watermark, the config's bounds or a backfill's range.

use crate::config::{self, RowOrder};
use crate::contract::{Fault, PageRequest};
use crate::diagnostic::Diagnostic;
use crate::instant::Instant;
use crate::jq;
use crate::json::{Step, Wanted};
use crate::mark::Bound;
use crate::select::Selector;

/// `incremental` of an endpoint, as a plan holds it.
#[derive(Debug, Clone)]
pub(crate) struct Incremental {
    pub(crate) config: config::Incremental,
    /// What is looked for in each row.
    pub(crate) wanted: Wanted,
    /// Of the cursor; `None`: its path is no plain one.
    pub(crate) cursor_slot: Option<usize>,
    pub(crate) identity: Identity,
}

/// What tells rows of one cursor value apart.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// Nothing.
    None,
    /// The row's bytes.
    Row,
    /// Fields: their names, and their slots in [`Incremental::wanted`].
    Fields(Vec<(String, usize)>),
}

impl Incremental {
    /// `key` is what identifies a row of the resource, as far as the API sends it.
    pub(crate) fn new(config: &config::Incremental, key: &[String]) -> Self {
        let mut wanted = Wanted::new();
        let cursor_slot = match &config.cursor_path.selector {
            Selector::Plain(steps) => Some(wanted.add(steps)),
            Selector::Query(_) => None,
        };
        let mut fields = |names: &[String]| {
            let slot = |name: &String| (name.clone(), wanted.add(&[Step::Member(name.clone())]));
            Identity::Fields(names.iter().map(slot).collect())
        };
        let identity = match &config.primary_key {
            Some(names) if names.is_empty() => Identity::None,
            Some(names) => fields(names),
            None if key.is_empty() => Identity::Row,
            None => fields(key),
        };
        Self { config: config.clone(), wanted, cursor_slot, identity }
    }

    /// What its watermarks are of: those of another cursor mean nothing to it.
    pub(crate) fn cursor(&self) -> String {
        let path = &self.config.cursor_path.text;
        if self.config.descending { format!("min {path}") } else { path.clone() }
    }

    /// Whether rows come in the order in which they grow newer.
    pub(crate) fn is_sorted(&self) -> bool {
        match self.config.row_order {
            Some(order) => (order == RowOrder::Rising) != self.config.descending,
            None => false,
        }
    }

    /// The bounds of a request.
    ///
    /// # Errors
    /// A watermark that is none of this config's, or from which the lag cannot be taken.
    pub(crate) fn window<'a>(&'a self, request: &'a PageRequest) -> Result<Window<'a>, Fault> {
        let config = &self.config;
        let initial = config.initial_value.as_ref();
        let mut window = Window {
            of: self,
            start: initial.cloned(),
            end: config.end_value.clone(),
            ties: &[],
            moves: false,
            now_ms: request.now_ms,
        };
        if let Some(range) = &request.range {
            let typed = |text: &String| Bound::typed(text, initial);
            window.start = range.since.as_ref().map(typed).or(window.start);
            window.end = range.until.as_ref().map(typed).or(window.end);
            return if window.is_empty() { Err(nothing_between(&window)) } else { Ok(window) };
        }
        if window.end.is_some() {
            // dlt's rule: what has an end is read anew each time.
            return Ok(window);
        }
        window.moves = true;
        let Some(since) = &request.since else { return Ok(window) };
        let last = Bound::of(&since.value)
            .map_err(|_| Fault::Other("the watermark is not one of this connector's".to_owned()))?;
        let lag = config.lag.as_ref().filter(|lag| lag.as_f64() != Some(0.0));
        let start = match lag {
            Some(lag) => before(&last, lag, config.descending)?,
            None => {
                window.ties = &since.ties;
                last
            }
        };
        // An initial value that was raised since counts too.
        window.start = Some(match window.start {
            Some(initial) if !start.reaches(&initial, config.descending) => initial,
            _ => start,
        });
        Ok(window)
    }

    /// What a request sends of them.
    ///
    /// # Errors
    /// As [`Incremental::window`].
    pub(crate) fn sent(&self, request: &PageRequest) -> Result<Sent, Fault> {
        let window = self.window(request)?;
        let json = |bound: Option<&Bound>| bound.map(|bound| self.converted(&bound.json)).transpose();
        Ok(Sent {
            start: json(window.start.as_ref())?,
            end: json(window.end.as_ref())?,
            initial: json(self.config.initial_value.as_ref())?,
            lag: self.config.lag.as_ref().map(ToString::to_string),
        })
    }
}

impl Incremental {
    /// A bound as it is sent.
    fn converted(&self, json: &str) -> Result<String, Fault> {
        let Some(program) = &self.config.convert else { return Ok(json.to_owned()) };
        let failed =
            |what: &dyn std::fmt::Display| Fault::Other(format!("`convert` of {json} fails: {what}"));
        let value = jq::read(json.as_bytes()).map_err(|error| failed(&error))?;
        let value = program.one(value).map_err(|error| failed(&error))?;
        let mut out = Vec::new();
        jq::write(&value, &mut out).map_err(|error| failed(&error))?;
        String::from_utf8(out).map_err(|error| failed(&error))
    }
}

/// What rows of one request are held against.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) of: &'a Incremental,
    pub(crate) start: Option<Bound>,
    pub(crate) end: Option<Bound>,
    /// Rows at the start, or beyond the last run's beginning, that have been read.
    pub(crate) ties: &'a [String],
    /// Whether its rows move the watermark.
    pub(crate) moves: bool,
    /// When the read began.
    pub(crate) now_ms: u64,
}

impl Window<'_> {
    /// Whether no value lies within: its end is before its start, or at it where one of them is left out.
    fn is_empty(&self) -> bool {
        let config = &self.of.config;
        let (Some(start), Some(end)) = (&self.start, &self.end) else { return false };
        let with_both = config.closed_end && !config.open_start;
        !end.reaches(start, config.descending) || (!with_both && start.reaches(end, config.descending))
    }

    /// Whether a row out of bounds can be the last that is worth asking for.
    pub(crate) fn can_stop(&self) -> bool {
        match self.of.config.row_order {
            None => false,
            Some(_) if self.of.is_sorted() => self.end.is_some(),
            Some(_) => self.start.is_some(),
        }
    }
}

/// A value that a template names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Start,
    Last,
    Initial,
    End,
    Lag,
}

/// The names of [`Value`], without `incremental.`
pub(crate) const VALUES: [(&str, Value); 5] = [
    ("start_value", Value::Start),
    ("last_value", Value::Last),
    ("initial_value", Value::Initial),
    ("end_value", Value::End),
    ("lag", Value::Lag),
];

/// What a request sends of its bounds: JSON.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
    initial: Option<String>,
    lag: Option<String>,
}

impl Sent {
    pub(crate) fn json(&self, value: Value) -> Option<&str> {
        match value {
            // Fixed for the whole read: what the last one left.
            Value::Start | Value::Last => self.start.as_deref(),
            Value::Initial => self.initial.as_deref(),
            Value::End => self.end.as_deref(),
            Value::Lag => self.lag.as_deref(),
        }
    }
}

/// What is said of a range that no row can lie in: read as it stands, it would look like an API without rows.
fn nothing_between(window: &Window<'_>) -> Fault {
    let json = |bound: &Option<Bound>| bound.as_ref().map_or_else(String::new, |bound| bound.json.clone());
    Fault::InvalidConfig(vec![Diagnostic {
        path: window.of.config.pointer.clone(),
        message: format!(
            "the range that is asked for is empty: nothing lies between {} and {}",
            json(&window.start),
            json(&window.end)
        ),
        hint: None,
    }])
}

/// A bound moved back by the lag. dlt's units: seconds for times, days for dates, else the cursor's own. Parts of a
/// second or a day count as whole ones, so that rather more is read than less.
fn before(last: &Bound, lag: &serde_json::Number, descending: bool) -> Result<Bound, Fault> {
    let back = if descending { 1 } else { -1 };
    let size = lag.as_f64().unwrap_or_default();
    let moved = match serde_json::from_str(&last.json) {
        Ok(serde_json::Value::String(text)) => Instant::read(&text).map(|(instant, style)| {
            let unit = if style.is_date() { 86_400 } else { 1 };
            let seconds = (size.ceil() as i64).saturating_mul(unit).saturating_mul(back);
            serde_json::Value::from(instant.plus_seconds(seconds).write(style))
        }),
        Ok(serde_json::Value::Number(number)) => match (number.as_i128(), lag.as_i128()) {
            // Not by way of a float, which could come to lie beyond the watermark.
            (Some(number), Some(lag)) => {
                let moved = number.checked_add(lag.saturating_mul(i128::from(back)));
                moved.and_then(serde_json::Number::from_i128).map(Into::into)
            }
            _ => number.as_f64().map(|number| (number + size * back as f64).into()),
        },
        _ => None,
    };
    let moved = moved.and_then(|value| Bound::of(&value.to_string()).ok());
    moved.ok_or_else(|| {
        Fault::Other(format!(
            "`lag` cannot be taken from the watermark {}: it is neither a number nor a time",
            last.json
        ))
    })
}
