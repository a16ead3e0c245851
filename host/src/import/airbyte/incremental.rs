//! Where a stream that is read on from its last row begins.

use serde_json::{Map, Value};

use super::manifest::Node;
use super::text::Place;
use super::{Around, Reading};

/// What an incremental stream says.
#[derive(Default)]
pub(super) struct Incremental {
    /// `endpoint.incremental`
    pub(super) config: Option<Value>,
    /// The start, where it goes into the body.
    pub(super) json: Map<String, Value>,
    /// The start, where it goes into a header.
    pub(super) headers: Map<String, Value>,
    /// There is an end value.
    pub(super) has_end: bool,
}

const KNOWN: [&str; 14] = [
    "type",
    "cursor_field",
    "start_datetime",
    "end_datetime",
    "start_time_option",
    "end_time_option",
    "lookback_window",
    "datetime_format",
    // They say how Airbyte cuts time into windows, and reads its own state.
    "cursor_granularity",
    "cursor_datetime_formats",
    "partition_field_start",
    "partition_field_end",
    "step",
    "is_data_feed",
];

/// Formats that are compared as times, and sent as they came.
const ISO: [&str; 7] = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
];

impl Reading<'_> {
    /// `incremental_sync`
    pub(super) fn incremental(&mut self, node: &Node, around: &Around) -> Incremental {
        let kind = self.manifest.kind(node, "DatetimeBasedCursor").to_owned();
        if kind != "DatetimeBasedCursor" {
            self.leave(node, &format!("`{kind}` has no form in a config"));
            return Incremental::default();
        }
        self.close(node, &KNOWN);
        let mut read = Incremental::default();
        let mut config = Map::new();
        let Some(cursor) = self.string(node, "cursor_field", Place::Credential, around) else { return read };
        config.insert("cursor_path".into(), cursor.into());
        if let Some(start) = self.moment(node, "start_datetime", around) {
            config.insert("initial_value".into(), start.into());
        }
        if let Some(end) = self.moment(node, "end_datetime", around) {
            config.insert("end_value".into(), end.into());
            read.has_end = true;
        }
        let format = self.manifest.text(node, "datetime_format").unwrap_or_default().to_owned();
        if let Some(window) = self.string(node, "lookback_window", Place::Credential, around) {
            match seconds(&window).and_then(|seconds| lag(seconds, &format)) {
                Some(lag) => {
                    config.insert("lag".into(), lag.into());
                }
                None => self.leave(node, "this `lookback_window` has no form in a config"),
            }
        }
        if let Some(format) = self.manifest.get(node, "datetime_format") {
            let text = self.manifest.value(&format).as_str().unwrap_or_default().to_owned();
            if !ISO.contains(&text.as_str()) {
                let what = format!("times as `{text}`: they are sent as the rows have them");
                self.leave(&format, &what);
            }
        }
        if let Some(step) = self.manifest.get(node, "step") {
            self.leave(&step, "all of the time is asked for at once, not step by step");
        }
        self.start_option(node, &mut config, &mut read, around);
        if read.has_end
            && let Some(option) = self.manifest.get(node, "end_time_option")
            && let Some(name) = self.option_name(&option, around)
        {
            match self.manifest.text(&option, "inject_into").unwrap_or_default() {
                "request_parameter" => {
                    config.insert("end_param".into(), name.into());
                }
                _ => self.leave(&option, "the end of the time goes into a parameter only"),
            }
        } else if let Some(option) = self.manifest.get(node, "end_time_option") {
            self.leave(&option, "without an end that is known, none is sent");
        }
        read.config = Some(config.into());
        read
    }

    fn start_option(
        &mut self,
        node: &Node,
        config: &mut Map<String, Value>,
        read: &mut Incremental,
        around: &Around,
    ) {
        let Some(option) = self.manifest.get(node, "start_time_option") else { return };
        let Some(name) = self.option_name(&option, around) else { return };
        let start = Value::from("{incremental.start_value}");
        match self.manifest.text(&option, "inject_into").unwrap_or_default().to_owned().as_str() {
            "request_parameter" => {
                config.insert("start_param".into(), name.into());
            }
            "body_json" => super::paginator::nest(&mut read.json, &name, start),
            "header" => {
                read.headers.insert(name, start);
            }
            other => {
                let what = format!("`inject_into: {other}` has no form in a config");
                self.leave(&option, &what);
            }
        }
    }

    /// A moment that is written down; what is worked out, or asked of the user, is named.
    fn moment(&mut self, node: &Node, key: &str, around: &Around) -> Option<String> {
        let field = self.manifest.get(node, key)?;
        let field = match self.manifest.value(&field) {
            Value::Object(_) => self.manifest.get(&field, "datetime")?,
            _ => field,
        };
        let text = self.manifest.value(&field).as_str().unwrap_or_default().to_owned();
        // Up to now is what is read anyway.
        if key == "end_datetime" && (text.contains("now_utc") || text.contains("today")) {
            return None;
        }
        let secrets = self.secrets.len();
        match self.value(&field, Place::Address, around)? {
            Value::String(text) if !text.contains("${secrets.") => Some(text),
            _ => {
                self.secrets.truncate(secrets);
                None
            }
        }
    }
}

/// So many seconds in the unit of a cursor: dates are counted by days, numbers as they are.
fn lag(seconds: u64, format: &str) -> Option<u64> {
    match format {
        "%Y-%m-%d" => Some(seconds.div_ceil(86_400)),
        "%ms" => seconds.checked_mul(1_000),
        _ => Some(seconds),
    }
}

/// A length of time of ISO 8601, as whole seconds; months and years have no length.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let rest = text.strip_prefix('P')?;
    let (days, times) = rest.split_once('T').unwrap_or((rest, ""));
    let mut total = 0_u64;
    for (part, units) in
        [(days, &[('W', 604_800), ('D', 86_400)][..]), (times, &[('H', 3_600), ('M', 60), ('S', 1)][..])]
    {
        let mut number = String::new();
        for char in part.chars() {
            if char.is_ascii_digit() {
                number.push(char);
                continue;
            }
            let (_, unit) = units.iter().find(|(unit, _)| *unit == char)?;
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit)?)?;
            number.clear();
        }
        if !number.is_empty() {
            return None;
        }
    }
    Some(total)
}
