//! Writes a config as YAML for people: blocks, short objects on one line, comments where something is missing.

use serde_json::{Map, Value};

use super::{Format, entry, inline, parse};

/// A comment in an object or a list.
pub struct Note {
    /// The keys and places that lead to it. Where nothing stands, it is what stands nearest.
    pub within: Vec<String>,
    /// One line.
    pub text: String,
}

/// Lines of an entry on one line end here.
const WIDTH: usize = 100;

/// A whole document; `head` are comments at its top. It reads as `value`: where blocks would not, it is JSON.
pub fn blocks(value: &Value, head: &[String], notes: &[Note]) -> String {
    let mut out = String::new();
    for line in head {
        comment(&mut out, 0, line);
    }
    let mut writer =
        Writer { notes: notes.iter().map(|note| (nearest(value, &note.within), &note.text)).collect() };
    if let Value::Object(members) = value {
        writer.object(&mut out, members, 0, &mut Vec::new(), false);
    }
    for (_, text) in writer.notes {
        comment(&mut out, 0, text);
    }
    match parse("imported", &out, Format::Yaml) {
        Ok(read) if read.value == *value => out,
        _ => format!("{value:#}\n"),
    }
}

/// As far as a path leads to something with parts.
fn nearest(value: &Value, within: &[String]) -> Vec<String> {
    let mut at = value;
    let mut path = Vec::new();
    for step in within {
        let next = match at {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|place| items.get(place)),
            other => other.get(step),
        };
        match next {
            Some(next @ (Value::Object(_) | Value::Array(_))) => at = next,
            _ => break,
        }
        path.push(step.clone());
    }
    path
}

fn comment(out: &mut String, indent: usize, text: &str) {
    let text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    out.push_str(&format!("{:indent$}# {text}\n", ""));
}

struct Writer<'a> {
    notes: Vec<(Vec<String>, &'a String)>,
}

impl Writer<'_> {
    /// `follows`: the first line stands behind a `- `.
    fn object(
        &mut self,
        out: &mut String,
        members: &Map<String, Value>,
        indent: usize,
        path: &mut Vec<String>,
        mut follows: bool,
    ) {
        for (name, value) in members {
            let pad = if follows { 0 } else { indent };
            follows = false;
            path.push(name.clone());
            self.member(out, name, value, (pad, indent), path);
            path.pop();
        }
        self.comments(out, indent, path);
    }

    fn member(
        &mut self,
        out: &mut String,
        name: &str,
        value: &Value,
        (pad, indent): (usize, usize),
        path: &mut Vec<String>,
    ) {
        let line = entry(Format::Yaml, name, value);
        // `name:` as the one-line form has it.
        let key = || entry(Format::Yaml, name, &Value::from(0)).trim_end_matches(" 0").to_owned();
        let fits = indent + line.chars().count() <= WIDTH && !self.has_notes(path);
        match value {
            Value::Object(members)
                if !members.is_empty() && (!fits || path.len() == 1 || !is_flat(members)) =>
            {
                out.push_str(&format!("{:pad$}{}\n", "", key()));
                self.object(out, members, indent + 2, path, false);
            }
            Value::Array(items) if !items.is_empty() && (!fits || !items.iter().all(is_scalar)) => {
                out.push_str(&format!("{:pad$}{}\n", "", key()));
                self.items(out, items, indent + 2, path);
            }
            Value::String(text) if is_block(text) => {
                let strip = if text.ends_with('\n') { "" } else { "-" };
                out.push_str(&format!("{:pad$}{} |{strip}\n", "", key()));
                for line in text.trim_end_matches('\n').split('\n') {
                    let within = if line.is_empty() { 0 } else { indent + 2 };
                    out.push_str(&format!("{:within$}{line}\n", ""));
                }
            }
            _ => {
                out.push_str(&format!("{:pad$}{line}\n", ""));
                self.comments(out, indent, path);
            }
        }
    }

    fn items(&mut self, out: &mut String, items: &[Value], indent: usize, path: &mut Vec<String>) {
        for (at, item) in items.iter().enumerate() {
            path.push(at.to_string());
            out.push_str(&format!("{:indent$}- ", ""));
            let line = inline(Format::Yaml, item, false);
            let fits = indent + 2 + line.chars().count() <= WIDTH && !self.has_notes(path);
            match item {
                Value::Object(members) if !members.is_empty() && (!fits || !is_flat(members)) => {
                    self.object(out, members, indent + 2, path, true);
                }
                _ => {
                    out.push_str(&format!("{line}\n"));
                    self.comments(out, indent, path);
                }
            }
            path.pop();
        }
        self.comments(out, indent, path);
    }

    fn has_notes(&self, path: &[String]) -> bool {
        self.notes.iter().any(|(at, _)| at.starts_with(path))
    }

    fn comments(&mut self, out: &mut String, indent: usize, path: &[String]) {
        // In a list on one line, and below, there is no room for comments of its own.
        let (here, rest) = std::mem::take(&mut self.notes).into_iter().partition(|(at, _)| at == path);
        self.notes = rest;
        let here: Vec<(Vec<String>, &String)> = here;
        for (_, text) in here {
            comment(out, indent, text);
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

fn is_flat(members: &Map<String, Value>) -> bool {
    members.values().all(|value| match value {
        Value::Array(items) => items.iter().all(is_scalar),
        Value::String(text) => !is_block(text),
        value => is_scalar(value),
    })
}

/// A text of several lines that YAML can show as it is.
fn is_block(text: &str) -> bool {
    let shown = text.strip_suffix('\n').unwrap_or(text);
    shown.contains('\n')
        && !shown.ends_with('\n')
        && !shown.starts_with([' ', '\n'])
        && shown.split('\n').all(|line| !line.ends_with(' '))
        && shown.chars().all(|char| {
            char == '\n'
                || !(char.is_control() || matches!(char, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
        })
}
