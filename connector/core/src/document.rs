//! A JSON document read by hand: each value carries the pointer to where it was written, through every merge.

use serde_json::{Map, Value};

use crate::diagnostic::{Problems, all, did_you_mean};

/// A value and the JSON pointer (RFC 6901) to it.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) pointer: String,
}

/// Something read from the document, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) pointer: String,
}

/// The pointer to `key` within `pointer`.
pub(crate) fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl<'a> Node<'a> {
    pub(crate) fn at<T>(&self, value: T) -> At<T> {
        At { value, pointer: self.pointer.clone() }
    }

    fn expected(&self, what: &str, problems: &mut Problems) {
        let is = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        problems.add(&self.pointer, format!("{what} is expected here, but this is {is}"));
    }

    pub(crate) fn string(&self, what: &str, problems: &mut Problems) -> Option<At<String>> {
        let Value::String(text) = self.value else {
            self.expected(&format!("{what} (a string)"), problems);
            return None;
        };
        Some(self.at(text.clone()))
    }

    /// A string that may not be empty.
    pub(crate) fn name(&self, what: &str, problems: &mut Problems) -> Option<At<String>> {
        let text = self.string(what, problems)?;
        if text.value.trim().is_empty() {
            problems.add(&self.pointer, format!("{what} is empty"));
            return None;
        }
        Some(text)
    }

    pub(crate) fn boolean(&self, problems: &mut Problems) -> Option<bool> {
        let Value::Bool(value) = self.value else {
            self.expected("true or false", problems);
            return None;
        };
        Some(*value)
    }

    pub(crate) fn count(&self, problems: &mut Problems) -> Option<u64> {
        let value = self.value.as_u64();
        match value {
            None if self.value.is_number() => {
                problems.add(&self.pointer, "a whole number, 0 or more, is expected here");
            }
            None => self.expected("a whole number, 0 or more,", problems),
            Some(_) => {}
        }
        value
    }

    pub(crate) fn object(&self, what: &str, problems: &mut Problems) -> Option<Fields<'a>> {
        let Value::Object(map) = self.value else {
            self.expected(&format!("{what} (an object)"), problems);
            return None;
        };
        Some(Fields::of(map, &self.pointer))
    }

    pub(crate) fn items(&self, what: &str, problems: &mut Problems) -> Option<Vec<Node<'a>>> {
        let Value::Array(items) = self.value else {
            self.expected(&format!("{what} (a list)"), problems);
            return None;
        };
        let node = |(index, value)| Node { value, pointer: format!("{}/{index}", self.pointer) };
        Some(items.iter().enumerate().map(node).collect())
    }

    /// One name, or a list of them.
    pub(crate) fn names(&self, what: &str, problems: &mut Problems) -> Option<Vec<At<String>>> {
        match self.value {
            Value::Array(_) => {
                let items = self.items(what, problems)?;
                Some(items.iter().filter_map(|item| item.name(what, problems)).collect())
            }
            _ => self.name(what, problems).map(|name| vec![name]),
        }
    }
}

/// The members of an object, in order; reading takes them out, and what is left is unknown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a>(Vec<(&'a str, Node<'a>)>);

/// Which keys an object may have.
pub(crate) struct Keys {
    /// For messages: `an endpoint`.
    pub(crate) of: &'static str,
    pub(crate) known: &'static [&'static str],
    /// dlt's keys that are refused for now.
    pub(crate) later: &'static [&'static str],
    /// Keys that belong elsewhere, with the sentence that says so.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

impl<'a> Fields<'a> {
    fn of(map: &'a Map<String, Value>, pointer: &str) -> Self {
        let node = |(key, value): (&'a String, &'a Value)| {
            (key.as_str(), Node { value, pointer: join(pointer, key) })
        };
        Self(map.iter().map(node).collect())
    }

    /// The member, `null` included.
    pub(crate) fn take_raw(&mut self, key: &str) -> Option<Node<'a>> {
        let index = self.0.iter().position(|(name, _)| *name == key)?;
        Some(self.0.remove(index).1)
    }

    /// The member; one that is `null` counts as not written.
    pub(crate) fn take(&mut self, key: &str) -> Option<Node<'a>> {
        self.take_raw(key).filter(|node| !node.value.is_null())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// A member whose name is probably a misspelt `key`.
    pub(crate) fn near(&self, key: &str) -> Option<&(&'a str, Node<'a>)> {
        self.0.iter().find(|(name, _)| did_you_mean(name, [key]).is_some())
    }

    /// Puts a member in its place, or at the end.
    pub(crate) fn set(&mut self, key: &'a str, node: Node<'a>) {
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = node,
            None => self.0.push((key, node)),
        }
    }

    /// These members, with those of `over` in place of the ones of the same name.
    pub(crate) fn overlaid(&self, over: &Self) -> Self {
        let mut merged = self.clone();
        for (key, node) in &over.0 {
            merged.set(key, node.clone());
        }
        merged
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.0.into_iter()
    }

    /// Reports what has not been taken.
    pub(crate) fn close(self, keys: &Keys, problems: &mut Problems) {
        for (key, node) in self.0 {
            if keys.later.contains(&key) {
                if !node.value.is_null() {
                    problems.later(&node.pointer, &format!("`{key}`"));
                }
                continue;
            }
            let message = format!("unknown key `{key}` in {}", keys.of);
            let elsewhere =
                keys.elsewhere.iter().find(|(name, _)| *name == key).map(|(_, hint)| (*hint).to_owned());
            let hint = elsewhere
                .or_else(|| did_you_mean(key, keys.known.iter().copied()))
                .unwrap_or_else(|| format!("known here: {}", all(keys.known.iter().copied())));
            problems.hint(&node.pointer, message, hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn pointers_survive_a_merge() {
        let (base, over) = (json!({"a": 1, "b/c": 2}), json!({"b/c": 3}));
        let mut problems = Problems::default();
        let base = Node { value: &base, pointer: "/base".into() }.object("x", &mut problems).unwrap();
        let over = Node { value: &over, pointer: "/over".into() }.object("x", &mut problems).unwrap();
        let mut merged = base.overlaid(&over);
        assert_eq!(merged.take("a").unwrap().pointer, "/base/a");
        assert_eq!(merged.take("b/c").unwrap().pointer, "/over/b~1c");
        assert!(merged.take("b/c").is_none() && problems.is_empty());
    }

    #[test]
    fn what_is_left_is_unknown() {
        let document = json!({"pth": 1, "json": {}, "auth": null, "session": null});
        let mut problems = Problems::default();
        let mut fields =
            Node { value: &document, pointer: String::new() }.object("x", &mut problems).unwrap();
        assert!(fields.take("auth").is_none());
        let keys =
            Keys { of: "an endpoint", known: &["path", "auth"], later: &["json", "session"], elsewhere: &[] };
        fields.close(&keys, &mut problems);
        let problems = problems.into_vec();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].message, "unknown key `pth` in an endpoint");
        assert_eq!(problems[0].hint.as_deref(), Some("did you mean `path`?"));
        assert_eq!(problems[1].message, "`json` is not supported yet");
    }
}
