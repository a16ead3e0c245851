//! From a plan and a page request to the HTTP request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::config::{ApiKeyPlace, Auth};
use crate::contract::{Fault, PageRequest, Request};
use crate::encode::component;
use crate::partition::Bindings;
use crate::plan::{Pager, Piece, Pieces, Plan, Resource};

/// The request for a page.
///
/// # Errors
/// [`Fault::Other`] for a resource, cursor or partition that this plan has never given, and for a value of the parent's
/// row that cannot stand where the config puts it.
pub fn request(plan: &Plan, request: &PageRequest) -> Result<Request, Fault> {
    let resource = resource(plan, &request.name)?;
    let bindings = Bindings::of(resource, request.partition.as_ref())?;
    let mut query = Query::new(fill(&resource.query, &bindings, component)?);
    let paging = match &resource.pager {
        Pager::Offset(offset) => {
            let cursor =
                offset.cursor(request.cursor.as_deref()).map_err(|error| Fault::Other(error.to_string()))?;
            offset.ask(&cursor).map(|(name, value)| (name.to_owned(), value)).to_vec()
        }
        Pager::Unnamed | Pager::SinglePage if request.cursor.is_some() => {
            return Err(Fault::Other(format!(
                "`{}` has one page, but a cursor came with the request",
                resource.name
            )));
        }
        Pager::Unnamed | Pager::SinglePage => Vec::new(),
    };
    for (name, pieces) in &resource.params {
        if !paging.iter().any(|(other, _)| other == name) {
            query.form(name, &fill(pieces, &bindings, str::to_owned)?);
        }
    }
    for (name, value) in &paging {
        query.form(name, &value.to_string());
    }
    let mut headers = headers(resource, &bindings)?;
    sign(resource.auth.as_ref(), &mut query, &mut headers);
    let url = url(resource, &bindings, &query.0)?;
    Ok(Request { method: "GET", url, headers, body: Vec::new() })
}

pub(crate) fn resource<'a>(plan: &'a Plan, name: &str) -> Result<&'a Resource, Fault> {
    plan.resource(name).ok_or_else(|| Fault::Other(format!("the config has no resource `{name}`")))
}

/// The text with every value in its place, each made safe by `encode`.
fn fill(pieces: &Pieces, bindings: &Bindings, encode: fn(&str) -> String) -> Result<String, Fault> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Bound(index) => {
                let value = bindings.text(*index);
                let value = value.ok_or_else(|| Fault::Other("the partition lacks a value".to_owned()))?;
                text.push_str(&encode(&value));
            }
        }
    }
    Ok(text)
}

struct Query(String);

impl Query {
    fn new(start: String) -> Self {
        Self(start)
    }

    fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() && !self.0.ends_with('&') {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(value);
    }

    /// As a form writes it, which is what dlt sends.
    fn form(&mut self, name: &str, value: &str) {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        self.push(&encode(name), &encode(value));
    }
}

/// Puts a header in the place of one of the same name, in any case.
fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}

fn headers(resource: &Resource, bindings: &Bindings) -> Result<Vec<(String, String)>, Fault> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    for (name, pieces) in &resource.headers {
        let value = fill(pieces, bindings, str::to_owned)?;
        if value.contains(|char: char| char.is_ascii_control() && char != '\t') {
            let message = format!(
                "the parent's value cannot stand in the header `{name}`: it holds a control character"
            );
            return Err(Fault::Other(message));
        }
        set(&mut headers, name, value);
    }
    Ok(headers)
}

/// Says who is asking. The credentials are placeholders, which the host fills in.
fn sign(auth: Option<&Auth>, query: &mut Query, headers: &mut Vec<(String, String)>) {
    match auth {
        None => {}
        Some(Auth::Bearer { token }) => set(headers, "Authorization", format!("Bearer {}", token.value)),
        Some(Auth::Basic { username, password }) => {
            let pair = STANDARD.encode(format!("{}:{}", username.value, password.value));
            set(headers, "Authorization", format!("Basic {pair}"));
        }
        Some(Auth::ApiKey { name, key, place: ApiKeyPlace::Header }) => set(headers, name, key.value.clone()),
        Some(Auth::ApiKey { name, key, place: ApiKeyPlace::Query }) => {
            query.push(&component(name), &component(&key.value));
        }
    }
}

fn url(resource: &Resource, bindings: &Bindings, query: &str) -> Result<String, Fault> {
    for piece in &resource.url {
        let Piece::Bound(index) = piece else { continue };
        if bindings.text(*index).is_some_and(|value| value.is_empty()) {
            return Err(Fault::Other(
                "the parent's value is empty, and would ask for another path".to_owned(),
            ));
        }
    }
    let text = fill(&resource.url, bindings, component)?;
    // A client would resolve `.` and `..` to another path (RFC 3986, 5.2.4); written into the config they are meant.
    let bound = resource.url.iter().any(|piece| matches!(piece, Piece::Bound(_)));
    let fixed = |text: &str| text.split('/').filter(|segment| matches!(*segment, "." | "..")).count();
    let written: usize =
        resource.url.iter().map(|piece| if let Piece::Text(text) = piece { fixed(text) } else { 0 }).sum();
    if bound && fixed(&text) > written {
        return Err(Fault::Other(
            "the parent's value is `.` or `..`, and would ask for another path".to_owned(),
        ));
    }
    let mut url = Url::parse(&text).map_err(|error| Fault::Other(format!("not a URL: {error}")))?;
    url.set_query((!query.is_empty()).then_some(query));
    Ok(url.into())
}
