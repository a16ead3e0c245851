//! What would settle a guess: the settings that a person would write, in the place and form that the resource has.

use serde_json::{Map, Value, json};

use crate::contract::Setting;
use crate::document::join;

/// How a resource is written in the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// JSON pointer to it.
    pub(crate) pointer: String,
    pub(crate) form: Form,
    /// Its name, where a short form must be given one when it becomes an object.
    pub(crate) name: Option<String>,
    /// Its path, where it has one that is not its name.
    pub(crate) path: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A path, or nothing at all: `tasks: /v1/tasks`.
    Short,
    /// An object without an endpoint of its own, whatever the defaults have.
    NoEndpoint,
    /// An object whose endpoint is a path.
    TextEndpoint,
    /// An object whose endpoint is one.
    ObjectEndpoint,
}

/// What was guessed of one resource so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Guesses {
    /// The path with its parent named.
    pub(crate) path: Option<String>,
    /// All fields of the parent that the rows carry.
    pub(crate) include_from_parent: Option<Vec<String>>,
    pub(crate) data_selector: Option<String>,
    pub(crate) paginator: Option<Value>,
}

impl Guesses {
    /// Takes in one more guess and gives its settings. Where it shares a place with earlier ones, because a text has to
    /// become an object, they are part of the value: settings that are written in the order of their notices settle all.
    pub(crate) fn take(&mut self, written: &Written, guess: impl FnOnce(&mut Self)) -> Vec<Setting> {
        let before = self.settings(written);
        guess(self);
        let mut now = self.settings(written);
        now.retain(|setting| !before.contains(setting));
        now
    }

    fn settings(&self, written: &Written) -> Vec<Setting> {
        let setting = |path: String, value: Value| Setting { path, value: value.to_string() };
        let place = |key: &str| join(&written.pointer, key);
        let endpoint = place("endpoint");
        let mut settings = Vec::new();
        match written.form {
            Form::ObjectEndpoint => {
                settings.extend(self.members().map(|(key, value)| setting(join(&endpoint, key), value)));
            }
            Form::TextEndpoint | Form::NoEndpoint => {
                settings.extend(self.endpoint(written).map(|value| setting(endpoint, value)));
            }
            Form::Short => {
                let mut resource = Map::new();
                resource.extend(written.name.iter().map(|name| ("name".to_owned(), json!(name))));
                resource.extend(self.endpoint(written).map(|value| ("endpoint".to_owned(), value)));
                resource.extend(self.include().map(|value| ("include_from_parent".to_owned(), value)));
                return if *self == Self::default() {
                    settings
                } else {
                    vec![setting(written.pointer.clone(), Value::Object(resource))]
                };
            }
        }
        settings.extend(self.include().map(|value| setting(place("include_from_parent"), value)));
        settings
    }

    fn include(&self) -> Option<Value> {
        self.include_from_parent.as_ref().map(|fields| json!(fields))
    }

    /// Members of the endpoint.
    fn members(&self) -> impl Iterator<Item = (&'static str, Value)> {
        [
            ("path", self.path.as_deref().map(Value::from)),
            ("data_selector", self.data_selector.as_deref().map(Value::from)),
            ("paginator", self.paginator.clone()),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }

    /// The endpoint where it was none, or a text: a text still, if a path is all that it needs.
    fn endpoint(&self, written: &Written) -> Option<Value> {
        let mut members = Map::new();
        if let (None, Some(path)) = (&self.path, &written.path) {
            members.insert("path".to_owned(), json!(path));
        }
        members.extend(self.members().map(|(key, value)| (key.to_owned(), value)));
        match (&self.path, &self.data_selector, &self.paginator) {
            (None, None, None) => None,
            (Some(path), None, None) => Some(json!(path)),
            _ => Some(Value::Object(members)),
        }
    }
}
