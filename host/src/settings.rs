//! The host's own keys of a source config, taken out of it; what is left is the connector's, unread.

pub mod shaping;

use std::collections::BTreeMap;

use sanderling_destination::Target;
use sanderling_gate::{Limits as GateLimits, Origin, Rule, RuleError};
use serde_json::{Map, Value, json};

use crate::contract::Diagnostic;
use crate::document::nearest;
use crate::run::refuse::OnBadRow;
use crate::sandbox::Limits as SandboxLimits;
use crate::secrets;
use shaping::Shaping;

/// The host's keys, in the order of the docs.
pub const KEYS: [&str; 10] =
    ["name", "connector", "to", "allow", "on_bad_row", "nested", "names", "total", "resume_within", "limits"];

/// Keys that are the host's and mean nothing yet.
const LATER: [&str; 1] = ["secrets"];

/// Keys of `limits`.
pub const LIMIT_KEYS: [&str; 10] = [
    "concurrency",
    "requests_per_s",
    "origins",
    "connect_timeout_ms",
    "first_byte_timeout_ms",
    "idle_timeout_ms",
    "total_timeout_ms",
    "max_body_mib",
    "memory_mib",
    "cpu_time_ms",
];

/// What the host's keys say.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// `name`: the pipeline's name, under which its state is kept.
    pub name: Option<String>,
    /// `connector`: the file of a connector that is not built in, from the config's folder.
    pub connector: Option<String>,
    /// `to`: the destination.
    pub to: Option<String>,
    /// `allow`: origins beside the config's own; all that there are to a connector which is not built in.
    pub allow: Vec<Rule>,
    /// The same, as written.
    pub allowed: Vec<String>,
    /// `on_bad_row`: what becomes of rows that do not fit.
    pub on_bad_row: OnBadRow,
    /// What holds for all resources.
    pub shaping: Shaping,
    /// `resume_within`: how old a run that broke off may be to go on.
    pub resume_within_ms: u64,
    /// `limits.concurrency`: requests at once to one origin.
    pub concurrency: usize,
    /// `limits.requests_per_s` and `limits.origins`.
    pub rates: Rates,
    /// The gate's part of `limits`.
    pub gate: GateLimits,
    /// The sandbox's part of `limits`.
    pub sandbox: SandboxLimits,
}

/// How fast origins may be asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rates {
    /// Requests per second to each origin; `None`: as fast as it answers.
    pub per_s: Option<f64>,
    /// What holds for an origin instead.
    pub origins: BTreeMap<String, OriginRate>,
}

/// What a config says of one origin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OriginRate {
    /// Requests at once.
    pub concurrency: Option<usize>,
    /// Requests per second.
    pub per_s: Option<f64>,
}

impl Rates {
    /// Requests at once to an origin, where `otherwise` holds for those of which nothing is said.
    pub fn concurrency(&self, origin: &str, otherwise: usize) -> usize {
        self.origins.get(origin).and_then(|rate| rate.concurrency).unwrap_or(otherwise)
    }

    /// Requests per second to an origin.
    pub fn per_s(&self, origin: &str) -> Option<f64> {
        self.origins.get(origin).and_then(|rate| rate.per_s).or(self.per_s)
    }

    fn to_json(&self) -> Map<String, Value> {
        let mut limits = Map::new();
        limits.extend(self.per_s.map(|per_s| ("requests_per_s".to_owned(), json!(per_s))));
        let of = |rate: &OriginRate| {
            let mut keys = Map::new();
            keys.extend(rate.concurrency.map(|number| ("concurrency".to_owned(), json!(number))));
            keys.extend(rate.per_s.map(|per_s| ("requests_per_s".to_owned(), json!(per_s))));
            Value::Object(keys)
        };
        if !self.origins.is_empty() {
            let origins = self.origins.iter().map(|(origin, rate)| (origin.clone(), of(rate)));
            limits.insert("origins".to_owned(), Value::Object(origins.collect()));
        }
        limits
    }
}

impl HostSettings {
    /// The host's keys as a config that says all of them, which it reads as it reads the one they are from.
    pub fn to_json(&self, name: &str) -> Map<String, Value> {
        let mib = |bytes: u64| bytes >> 20;
        let mut limits = json!({
            "concurrency": self.concurrency,
            "connect_timeout_ms": self.gate.connect_timeout_ms,
            "first_byte_timeout_ms": self.gate.first_byte_timeout_ms,
            "idle_timeout_ms": self.gate.idle_timeout_ms,
            "total_timeout_ms": self.gate.total_timeout_ms,
            "max_body_mib": mib(self.gate.max_body_bytes),
            "memory_mib": mib(self.sandbox.memory_bytes as u64),
            "cpu_time_ms": self.sandbox.cpu_time_ms,
        });
        if let Some(limits) = limits.as_object_mut() {
            limits.extend(self.rates.to_json());
        }
        let to = self.to.clone().unwrap_or_else(|| format!("sqlite:{name}.db"));
        let allow = self.allowed.clone();
        let connector = self.connector.as_deref().map(|file| ("connector", file.into()));
        let shaping = self.shaping.to_json();
        let keys: [(&str, Value); 6] = [
            ("name", name.into()),
            ("to", to.into()),
            ("allow", allow.into()),
            ("on_bad_row", self.on_bad_row.name().into()),
            ("resume_within", (self.resume_within_ms / 1_000).into()),
            ("limits", limits),
        ];
        keys.into_iter().chain(connector).chain(shaping).map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

const DEFAULT_RESUME_WITHIN_MS: u64 = 3_600_000;
const DEFAULT_CONCURRENCY: usize = 4;
const MAX_CONCURRENCY: u64 = 64;

/// Requests per second: from one in a quarter of an hour to a thousand.
const PER_S: std::ops::RangeInclusive<f64> = 0.001..=1_000.0;

/// Keys of an origin in `limits.origins`.
const ORIGIN_KEYS: [&str; 2] = ["concurrency", "requests_per_s"];

/// Splits a source config into the host's settings and the connector's part, and says what is wrong with the former.
pub fn split(config: &Map<String, Value>) -> (HostSettings, Value, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut settings = HostSettings {
        resume_within_ms: DEFAULT_RESUME_WITHIN_MS,
        concurrency: DEFAULT_CONCURRENCY,
        ..HostSettings::default()
    };
    let mut rest = Map::new();
    for (key, value) in config {
        let path = format!("/{key}");
        match key.as_str() {
            // For editors.
            "$schema" => {}
            "name" => settings.name = reader.name(&path, value),
            "connector" => settings.connector = reader.text(&path, value),
            "to" => settings.to = reader.target(&path, value),
            "allow" => (settings.allow, settings.allowed) = reader.rules(&path, value),
            "on_bad_row" => settings.on_bad_row = reader.on_bad_row(&path, value),
            "nested" => settings.shaping.nested = shaping::nested(&mut reader.problems, &path, value),
            "names" => settings.shaping.names = shaping::names(&mut reader.problems, &path, value),
            "total" => settings.shaping.total = shaping::total(&mut reader.problems, &path, value),
            "resume_within" => settings.resume_within_ms = reader.duration_ms(&path, value),
            "limits" => reader.limits(value, &mut settings),
            later if LATER.contains(&later) => {
                reader.refuse(&path, format!("`{later}` is not supported yet"), Some("remove it".into()));
            }
            _ => {
                rest.insert(key.clone(), value.clone());
            }
        }
    }
    (settings, Value::Object(rest), reader.problems)
}

#[derive(Default)]
struct Reader {
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn refuse(&mut self, path: &str, message: String, hint: Option<String>) {
        self.problems.push(Diagnostic { path: path.to_owned(), message, hint });
    }

    fn text(&mut self, path: &str, value: &Value) -> Option<String> {
        match value.as_str().filter(|text| !text.is_empty()) {
            Some(text) => Some(text.to_owned()),
            None => {
                self.refuse(path, "a text is expected here".into(), None);
                None
            }
        }
    }

    /// A name that can be part of a file's.
    fn name(&mut self, path: &str, value: &Value) -> Option<String> {
        let name = self.text(path, value)?;
        if name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control()) {
            let message = "`/`, `\\` and control characters cannot stand in a name";
            self.refuse(path, message.into(), Some("`to` says where the rows go".into()));
            return None;
        }
        Some(name)
    }

    fn target(&mut self, path: &str, value: &Value) -> Option<String> {
        let text = self.text(path, value)?;
        if !secrets::malformed_references(value).is_empty() {
            self.problems.push(secrets::malformed_reference(path.to_owned()));
        // Secrets are not looked for: any value will do for one that is a part.
        } else if !secrets::is_reference(&text)
            && let Err(error) = Target::parse(&secrets::blank(&text))
        {
            self.refuse(path, error.to_string(), None);
        }
        Some(text)
    }

    fn rules(&mut self, path: &str, value: &Value) -> (Vec<Rule>, Vec<String>) {
        let items = match value {
            Value::String(_) => vec![(path.to_owned(), value)],
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (format!("{path}/{at}"), item)).collect()
            }
            _ => {
                let hint = "[\"https://files.example.com\"]";
                self.refuse(path, "a list of origins is expected here".into(), Some(hint.into()));
                Vec::new()
            }
        };
        let (mut rules, mut texts) = (Vec::new(), Vec::new());
        for (path, item) in items {
            let Some(text) = self.text(&path, item) else { continue };
            match text.parse::<Rule>() {
                Ok(rule) => {
                    rules.push(rule);
                    texts.push(text);
                }
                Err(error) => self.refuse(&path, error.to_string(), Some(RuleError::HINT.into())),
            }
        }
        (rules, texts)
    }

    fn on_bad_row(&mut self, path: &str, value: &Value) -> OnBadRow {
        let known = OnBadRow::ALL.into_iter().find(|known| value == known.name());
        known.unwrap_or_else(|| {
            let message = "`quarantine` or `fail` is expected here";
            let hint = "quarantine keeps rows that do not fit aside, and writes the rest";
            self.refuse(path, message.into(), Some(hint.into()));
            OnBadRow::default()
        })
    }

    /// Seconds as a number, or a number with `s`, `m`, `h` or `d`.
    fn duration_ms(&mut self, path: &str, value: &Value) -> u64 {
        let read = match value {
            Value::Number(seconds) => seconds.as_u64().and_then(|seconds| seconds.checked_mul(1_000)),
            Value::String(text) => parse_duration_ms(text),
            _ => None,
        };
        read.unwrap_or_else(|| {
            self.refuse(
                path,
                "not a length of time".into(),
                Some("write seconds, or `90s`, `30m`, `1h`, `1d`".into()),
            );
            DEFAULT_RESUME_WITHIN_MS
        })
    }

    fn limits(&mut self, value: &Value, settings: &mut HostSettings) {
        let Value::Object(limits) = value else {
            return self.refuse(
                "/limits",
                "an object is expected here".into(),
                Some(format!("known here: {}", known_limits())),
            );
        };
        for (key, value) in limits {
            let path = format!("/limits/{key}");
            if !LIMIT_KEYS.contains(&key.as_str()) {
                let hint = match nearest(key, LIMIT_KEYS) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("known here: {}", known_limits()),
                };
                self.refuse(&path, format!("unknown key `{key}` in `limits`"), Some(hint));
                continue;
            }
            match key.as_str() {
                "requests_per_s" => {
                    settings.rates.per_s = self.per_s(&path, value);
                    continue;
                }
                "origins" => {
                    settings.rates.origins = self.origins(&path, value);
                    continue;
                }
                _ => {}
            }
            let Some(number) = value.as_u64().filter(|number| (1..=u64::from(u32::MAX)).contains(number))
            else {
                self.refuse(&path, "a whole number above 0 is expected here".into(), None);
                continue;
            };
            match key.as_str() {
                "concurrency" => {
                    settings.concurrency = self.concurrency(&path, value).unwrap_or(DEFAULT_CONCURRENCY);
                }
                "connect_timeout_ms" => settings.gate.connect_timeout_ms = number,
                "first_byte_timeout_ms" => settings.gate.first_byte_timeout_ms = number,
                "idle_timeout_ms" => settings.gate.idle_timeout_ms = number,
                "total_timeout_ms" => {
                    settings.gate.total_timeout_ms = number;
                    settings.sandbox.call_time_ms = number.saturating_add(60_000);
                }
                "max_body_mib" | "memory_mib" if number > 2_048 => {
                    self.refuse(&path, "more than 2048 MiB are refused".into(), None);
                }
                "max_body_mib" => {
                    settings.gate.max_body_bytes = number << 20;
                    settings.sandbox.page_bytes = ((number + number / 2) << 20) as usize;
                }
                "memory_mib" => settings.sandbox.memory_bytes = (number << 20) as usize,
                _ => settings.sandbox.cpu_time_ms = number,
            }
        }
    }
}

impl Reader {
    fn concurrency(&mut self, path: &str, value: &Value) -> Option<usize> {
        let message = match value.as_u64() {
            Some(number @ 1..=MAX_CONCURRENCY) => return usize::try_from(number).ok(),
            Some(1..) => format!("more than {MAX_CONCURRENCY} requests at once are refused"),
            _ => "a whole number above 0 is expected here".to_owned(),
        };
        self.refuse(path, message, None);
        None
    }

    fn per_s(&mut self, path: &str, value: &Value) -> Option<f64> {
        let number = value.as_f64().filter(|number| PER_S.contains(number));
        if number.is_none() {
            let hint = "0.5 is one request in two seconds";
            self.refuse(path, "a number from 0.001 to 1000 is expected here".into(), Some(hint.into()));
        }
        number
    }

    fn origins(&mut self, path: &str, value: &Value) -> BTreeMap<String, OriginRate> {
        let mut rates = BTreeMap::new();
        let Value::Object(origins) = value else {
            let hint = "\"origins\": {\"https://api.example.com\": {\"requests_per_s\": 5}}";
            self.refuse(path, "an object from origins is expected here".into(), Some(hint.into()));
            return rates;
        };
        for (text, value) in origins {
            let path = format!("{path}/{}", text.replace('~', "~0").replace('/', "~1"));
            let origin = match text.parse::<Origin>() {
                Ok(origin) => origin.to_string(),
                Err(error) => {
                    self.refuse(&path, error.to_string(), None);
                    continue;
                }
            };
            let Value::Object(keys) = value else {
                let hint = "\"requests_per_s\": 5";
                self.refuse(&path, "an object is expected here".into(), Some(hint.into()));
                continue;
            };
            let mut rate = OriginRate::default();
            for (key, value) in keys {
                let path = format!("{path}/{key}");
                match key.as_str() {
                    "concurrency" => rate.concurrency = self.concurrency(&path, value),
                    "requests_per_s" => rate.per_s = self.per_s(&path, value),
                    other => {
                        let hint = match nearest(other, ORIGIN_KEYS) {
                            Some(name) => format!("did you mean `{name}`?"),
                            None => "known here: `concurrency`, `requests_per_s`".to_owned(),
                        };
                        self.refuse(&path, format!("unknown key `{other}` of an origin"), Some(hint));
                    }
                }
            }
            rates.insert(origin, rate);
        }
        rates
    }
}

fn parse_duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit_ms = match &text[digits.len()..] {
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    digits.trim_end().parse::<u64>().ok()?.checked_mul(unit_ms)
}

fn known_limits() -> String {
    LIMIT_KEYS.map(|key| format!("`{key}`")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_dlt_document_is_a_valid_file() {
        let config = json!({"client": {"base_url": "https://a"}, "resources": ["x"]});
        let (settings, rest, problems) = split(config.as_object().unwrap());
        assert_eq!((rest, settings.resume_within_ms, settings.concurrency), (config, 3_600_000, 4));
        assert_eq!(problems, []);
    }

    #[test]
    fn the_hosts_keys_are_taken_out() {
        let config = json!({
            "name": "n", "connector": "c.wasm", "to": "sqlite:x.db", "allow": ["https://b"], "resume_within": "30m",
            "limits": {"concurrency": 2, "max_body_mib": 8}, "client": {}
        });
        let (settings, rest, problems) = split(config.as_object().unwrap());
        assert_eq!(problems, []);
        assert_eq!(rest, json!({"client": {}}));
        assert_eq!((settings.name.as_deref(), settings.connector.as_deref()), (Some("n"), Some("c.wasm")));
        assert_eq!((settings.resume_within_ms, settings.concurrency), (1_800_000, 2));
        assert_eq!(settings.gate.max_body_bytes, 8 << 20);
    }

    #[test]
    fn rates_hold_by_origin() {
        let config = json!({"limits": {"requests_per_s": 5, "concurrency": 3, "origins": {
            "https://API.example.com:443/": {"requests_per_s": 0.5}, "http://127.0.0.1:80": {"concurrency": 1}
        }}});
        let (settings, _, problems) = split(config.as_object().unwrap());
        assert_eq!(problems, []);
        let of = |origin: &str| (settings.rates.concurrency(origin, 3), settings.rates.per_s(origin));
        assert_eq!(of("https://api.example.com"), (3, Some(0.5)));
        assert_eq!(of("http://127.0.0.1"), (1, Some(5.0)));
        assert_eq!(of("https://other.example.com"), (3, Some(5.0)));
        let again = json!({"limits": settings.to_json("n")["limits"]});
        assert_eq!(split(again.as_object().unwrap()).0.rates, settings.rates);
        for wrong in [
            json!({"requests_per_s": 0}),
            json!({"requests_per_s": "5"}),
            json!({"requests_per_s": 5000}),
            json!({"origins": 5}),
            json!({"origins": {"api.example.com": {}}}),
            json!({"origins": {"https://a.test/v1": {}}}),
            json!({"origins": {"https://a.test": 5}}),
            json!({"origins": {"https://a.test": {"concurrency": 0}}}),
            json!({"origins": {"https://a.test": {"memory_mib": 5}}}),
        ] {
            let config = json!({"limits": wrong});
            assert_eq!(split(config.as_object().unwrap()).2.len(), 1, "{config}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let config = json!({
            "name": 3, "connector": "", "resume_within": "soon", "nested": "tabels",
            "limits": {"concurency": 2, "memory_mib": 0, "concurrency": 1000}
        });
        let paths: Vec<_> =
            split(config.as_object().unwrap()).2.into_iter().map(|problem| problem.path).collect();
        let expected = [
            "/name",
            "/connector",
            "/resume_within",
            "/nested",
            "/limits/concurency",
            "/limits/memory_mib",
            "/limits/concurrency",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn durations_have_units() {
        let cases = [
            ("90", Some(90_000)),
            ("90s", Some(90_000)),
            ("2 m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("1w", None),
            ("", None),
            ("h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration_ms(text), expected, "{text:?}");
        }
    }
}
