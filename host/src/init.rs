//! A first config: what is known of one resource before it is asked, and what its first page adds.

pub mod curl;
pub mod key;
pub mod openapi;

use serde_json::{Map, Value, json};

use crate::contract::Setting;
use crate::document::{Format, blocks, inline};
use crate::secrets::{self, named};

/// What is known of a resource.
#[derive(Clone, Default)]
pub struct Draft {
    /// Everything before the path.
    pub base_url: String,
    /// Behind it.
    pub path: String,
    /// `POST`, unless it is GET.
    pub method: Option<String>,
    /// Parameters of the query.
    pub params: Map<String, Value>,
    /// Headers.
    pub headers: Map<String, Value>,
    /// A body of JSON.
    pub json: Option<Value>,
    /// Any other body.
    pub data: Option<Value>,
    /// How it is authorized.
    pub auth: Option<Auth>,
    /// Credentials that were given with it, by the name of the secret that each becomes.
    pub credentials: Vec<(String, String)>,
    /// What the names of its secrets end in, where another API's are kept under the same ones.
    pub suffix: String,
    /// The password is given, and empty: some APIs take a key for the name, and nothing behind it.
    pub no_password: bool,
}

/// How requests are authorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// A key in a header.
    Header(String),
    /// A key in a parameter.
    Query(String),
    /// A name and a password.
    Basic,
}

/// Why there is nothing to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InitError {
    /// Nothing says where the API is.
    #[error("it is not clear which API is meant")]
    NoAddress,
    /// The address is none of HTTP.
    #[error("the address does not begin with https:// or http://")]
    NotHttp,
    /// A curl line that cannot be read. No part of it is repeated: it may hold a credential.
    #[error("the curl line cannot be read: {0}")]
    Curl(&'static str),
    /// An OpenAPI file that does not say enough.
    #[error("the OpenAPI file is of no use here: {0}")]
    OpenApi(&'static str),
    /// It is not clear which path of it is meant.
    #[error("{} paths of the OpenAPI file could be read", .0.len())]
    WhichPath(Vec<String>),
    /// The API gave neither a page nor a failure.
    #[error("the API gave no page")]
    NoPage,
    /// A path that it does not have.
    #[error("the OpenAPI file has no `get` for `{path}`")]
    NoSuchPath {
        /// What was asked for.
        path: String,
        /// The one that was probably meant.
        near: Option<String>,
    },
}

impl Auth {
    /// Reads `bearer`, `basic`, `header:NAME` or `query:NAME`.
    ///
    /// # Errors
    /// What can be written instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            None if text == "bearer" => Ok(Self::Bearer),
            None if text == "basic" => Ok(Self::Basic),
            _ => Err("write bearer, basic, header:NAME or query:NAME".to_owned()),
        }
    }

    /// The names of the secrets that it takes.
    pub fn secrets(&self) -> &'static [&'static str] {
        match self {
            Self::Bearer => &["token"],
            Self::Header(_) | Self::Query(_) => &["api_key"],
            Self::Basic => &["username", "password"],
        }
    }

    fn config(&self) -> Value {
        match self {
            Self::Bearer => json!({"type": "bearer", "token": "${secrets.token}"}),
            Self::Header(name) => {
                json!({"type": "api_key", "name": name, "api_key": "${secrets.api_key}", "location": "header"})
            }
            Self::Query(name) => {
                json!({"type": "api_key", "name": name, "api_key": "${secrets.api_key}", "location": "query"})
            }
            Self::Basic => {
                json!({"type": "http_basic", "username": "${secrets.username}", "password": "${secrets.password}"})
            }
        }
    }
}

impl Draft {
    /// Of an address, with its path apart or as its end.
    ///
    /// # Errors
    /// It is none of HTTP.
    pub fn of_address(address: &str, path: Option<&str>) -> Result<Self, InitError> {
        let address = address.trim().split('#').next().unwrap_or_default();
        let (scheme, rest) = address.split_once("://").ok_or(InitError::NotHttp)?;
        if !matches!(scheme, "http" | "https") || rest.is_empty() {
            return Err(InitError::NotHttp);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, before) = rest.split_once('/').unwrap_or((rest, ""));
        let mut draft = Self::default();
        let host = match host.rsplit_once('@') {
            Some((user, host)) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                draft.basic(decoded(name), Some(decoded(password)));
                host
            }
            None => host,
        };
        let before = before.trim_end_matches('/');
        let (base, path) = match path {
            Some(path) => (before, path),
            None => before.rsplit_once('/').unwrap_or(("", before)),
        };
        draft.base_url = format!("{scheme}://{host}/{base}").trim_end_matches('/').to_owned();
        let (path, more) = path.split_once('?').unwrap_or((path, ""));
        draft.path = path.trim_matches('/').to_owned();
        for (name, value) in
            [query, more].iter().flat_map(|query| form_urlencoded::parse(query.as_bytes()).into_owned())
        {
            draft.param(name, value);
        }
        Ok(draft)
    }

    /// Keeps a credential under a name of its own, and gives the reference to it.
    fn keep(&mut self, name: &str, value: String) -> String {
        let name = named::secret_name(name);
        let all = (1..).map(|at| if at == 1 { name.clone() } else { format!("{name}_{at}") });
        let is_free =
            |name: &String| self.credentials.iter().all(|(known, of)| known != name || *of == value);
        let name = all.into_iter().find(is_free).unwrap_or_default();
        let reference = format!("${{secrets.{name}}}");
        if !self.credentials.iter().any(|(known, _)| *known == name) {
            self.credentials.push((name, value));
        }
        reference
    }

    /// Authorizes by what goes into `Authorization`. A key that was taken for the auth stays where it was.
    fn authorize(&mut self, auth: Auth) {
        match self.auth.replace(auth) {
            Some(Auth::Query(name)) => {
                self.params.insert(name, "${secrets.api_key}".into());
            }
            Some(Auth::Header(name)) => {
                self.headers.insert(name, "${secrets.api_key}".into());
            }
            Some(Auth::Basic) => {
                self.credentials.retain(|(name, _)| name != "username" && name != "password");
            }
            Some(Auth::Bearer) => self.credentials.retain(|(name, _)| name != "token"),
            None => {}
        }
    }

    /// A name with its password, which may be none.
    fn basic(&mut self, name: String, password: Option<String>) {
        self.authorize(Auth::Basic);
        self.credentials.push(("username".into(), name));
        self.no_password = password.as_deref() == Some("");
        let password = password.filter(|password| !password.is_empty());
        self.credentials.extend(password.map(|password| ("password".to_owned(), password)));
    }

    /// Adds a parameter; a credential becomes one.
    fn param(&mut self, name: String, value: String) {
        let is_credential = named::is_credential(&name) && !value.is_empty();
        if is_credential && self.auth.is_none() {
            self.auth = Some(Auth::Query(name));
            self.credentials.push(("api_key".into(), value));
            return;
        }
        let value: Value = match value.parse::<u64>() {
            _ if is_credential => self.keep(&name, value).into(),
            Ok(number) if number.to_string() == value => number.into(),
            _ => value.into(),
        };
        match self.params.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = vec![first.take(), value].into(),
            None => {
                self.params.insert(name, value);
            }
        }
    }

    /// The name of the resource: the last word of its path.
    pub fn name(&self) -> String {
        let is_word = |part: &&str| part.chars().any(char::is_alphabetic) && !part.contains('{');
        let last = self.path.split('/').rev().find(is_word).unwrap_or("rows");
        let last = last.rsplit_once('.').map_or(last, |(name, _)| name);
        let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        last.chars().map(plain).collect()
    }

    /// The address as a person reads it; it holds no credential.
    pub fn address(&self) -> String {
        format!("{}/{}", self.base_url, self.path)
    }

    /// The config, as far as it is known.
    pub fn config(&self, key: Option<&str>) -> Value {
        let mut client = Map::new();
        client.insert("base_url".into(), self.base_url.clone().into());
        let mut auth = self.auth.as_ref().map(Auth::config);
        if let Some(auth) = auth.as_mut().filter(|auth| self.no_password && auth.get("password").is_some()) {
            auth["password"] = "".into();
        }
        client.extend(auth.map(|auth| ("auth".to_owned(), auth)));
        let mut endpoint = Map::new();
        endpoint.insert("path".into(), self.path.clone().into());
        endpoint.extend(self.method.clone().map(|method| ("method".to_owned(), method.into())));
        let parts = [("headers", &self.headers), ("params", &self.params)];
        endpoint.extend(
            parts
                .into_iter()
                .filter(|(_, map)| !map.is_empty())
                .map(|(key, map)| (key.to_owned(), map.clone().into())),
        );
        endpoint.extend(self.json.clone().map(|json| ("json".to_owned(), json)));
        endpoint.extend(self.data.clone().map(|data| ("data".to_owned(), data)));
        let mut resource = Map::new();
        resource.insert("name".into(), self.name().into());
        resource.extend(key.map(|key| ("primary_key".to_owned(), key.into())));
        let disposition = if key.is_some() { "merge" } else { "replace" };
        resource.insert("write_disposition".into(), disposition.into());
        resource.insert("endpoint".into(), endpoint.into());
        let config = json!({"client": client, "resources": [resource]});
        secrets::substitute(&config, &|name| Some(format!("${{secrets.{name}{}}}", self.suffix)))
    }

    /// Where the API is.
    pub fn origin(&self) -> String {
        let host_at = self.base_url.find("://").map_or(0, |at| at + 3);
        let end = self.base_url[host_at..].find('/').map_or(self.base_url.len(), |at| host_at + at);
        self.base_url[..end].to_owned()
    }
}

fn decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).next().unwrap_or_default()
}

/// Puts what a first page has shown into a config. Parameters that the paginator sends from now on are taken out.
pub fn settled(mut config: Value, settings: &[Setting]) -> Value {
    for setting in settings {
        let Ok(value) = serde_json::from_str::<Value>(&setting.value) else { continue };
        if let Some(known) = config.pointer_mut(&setting.path) {
            *known = value;
        } else if let Some((parent, key)) = setting.path.rsplit_once('/')
            && let Some(Value::Object(parent)) = config.pointer_mut(parent)
        {
            parent.insert(key.replace("~1", "/").replace("~0", "~"), value);
        }
    }
    if let Some(Value::Object(endpoint)) = config.pointer_mut("/resources/0/endpoint") {
        let sent = endpoint.get("paginator").map(sent_by).unwrap_or_default();
        if let Some(Value::Object(params)) = endpoint.get_mut("params") {
            params.retain(|name, _| !sent.contains(name));
            if params.is_empty() {
                endpoint.shift_remove("params");
            }
        }
    }
    config
}

/// The parameters that a paginator writes.
fn sent_by(paginator: &Value) -> Vec<String> {
    let name =
        |key: &str, default: &str| paginator.get(key).and_then(Value::as_str).unwrap_or(default).to_owned();
    match paginator.get("type").and_then(Value::as_str) {
        Some("offset") => vec![name("offset_param", "offset"), name("limit_param", "limit")],
        Some("page_number") => vec![name("page_param", "page")],
        Some("cursor" | "header_cursor") => vec![name("cursor_param", "cursor")],
        _ => Vec::new(),
    }
}

/// The config as a file.
pub fn text(config: &Value, address: &str) -> String {
    blocks(config, &[format!("Made by `sanderling init` from {address}.")], &[])
}

/// A part of the config on one line, as a proposal shows it.
pub fn shown(config: &Value, pointer: &str) -> Option<String> {
    config.pointer(pointer).map(|value| inline(Format::Yaml, value, false))
}
