//! From a plan and a page request to the HTTP request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::body::{self, Rendered};
use crate::config::{ApiKeyPlace, Auth, Spot, is_token};
use crate::contract::{Fault, PageRequest, Request};
use crate::encode::component;
use crate::paging::Ask;
use crate::partition::Bindings;
use crate::plan::{Piece, Pieces, Plan, Resource};
use crate::template::names_a_secret;

/// The request for a page.
///
/// # Errors
/// [`Fault::Other`] for a resource, cursor or partition that this plan has never given, and for a value of the parent's
/// row that cannot stand where the config puts it.
pub fn request(plan: &Plan, request: &PageRequest) -> Result<Request, Fault> {
    let resource = resource(plan, &request.name)?;
    let bindings = Bindings::of_request(resource, request)?;
    let turn = resource.pager.turn(request.cursor.as_deref());
    let turn = turn.map_err(|error| Fault::Other(error.to_string()))?;
    let paging = match turn.ask() {
        Ask::Values(values) => values,
        Ask::Url(link) => return follow(resource, &bindings, &link),
    };
    let (mut params, mut members) = (Vec::new(), Vec::new());
    for (spot, value) in paging {
        match spot {
            Spot::Param(name) => params.push((name, value)),
            Spot::Body(path) => members.push((path, value)),
        }
    }
    let mut query = Query::new(fill(&resource.query, &bindings, component)?);
    for (name, pieces) in &resource.params {
        // What has no value is not sent.
        let is_empty = matches!(pieces.as_slice(), [Piece::Incremental(value, _)] if bindings.sent.json(*value).is_none());
        if !is_empty && !params.iter().any(|(other, _)| other == name) {
            query.form(name, &fill(pieces, &bindings, str::to_owned)?);
        }
    }
    for (name, value) in &params {
        // The path's own, where the paginator was guessed; a named one is refused then.
        query.drop(name);
        query.form(name, value);
    }
    let mut headers = headers(resource, &bindings)?;
    sign(resource.auth.as_ref(), &mut query, &mut headers);
    let url = url(resource, &bindings, &query.0)?;
    let body = attach(body::render(resource.body.as_ref(), &bindings, &members)?, &mut headers);
    Ok(Request { method: resource.method.name(), url, headers, body })
}

/// The body of a rendered one, whose type is said unless the config says one.
fn attach(rendered: Rendered, headers: &mut Vec<(String, String)>) -> Vec<u8> {
    let said = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(content_type) = rendered.content_type.filter(|_| !said) {
        headers.push(("content-type".to_owned(), content_type.to_owned()));
    }
    rendered.bytes
}

/// The request for a link. It is complete: of the config's parameters only credentials are added, those that it does not
/// carry already; the body goes as it is. At another origin than the resource's own it goes without any credential.
fn follow(resource: &Resource, bindings: &Bindings, link: &str) -> Result<Request, Fault> {
    let not_a_url = |error: url::ParseError| Fault::Other(format!("not a URL: {error}"));
    let mut target = Url::parse(link).map_err(not_a_url)?;
    let own = Url::parse(&url(resource, bindings, "")?).map_err(not_a_url)?;
    let mut headers = headers(resource, bindings)?;
    let rendered = body::render(resource.body.as_ref(), bindings, &[])?;
    if target.origin() != own.origin() {
        headers.retain(|(name, value)| !names_a_secret(value) && !is_credential(name));
        if names_a_secret(&String::from_utf8_lossy(&rendered.bytes)) {
            let message = "the link leads to another origin, and the body holds a credential";
            return Err(Fault::Other(message.to_owned()));
        }
        let body = attach(rendered, &mut headers);
        return Ok(Request { method: resource.method.name(), url: target.into(), headers, body });
    }
    let mut query = Query::new(target.query().unwrap_or_default().to_owned());
    for (name, pieces) in &resource.params {
        let is_secret = pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if names_a_secret(text)));
        if is_secret {
            query.drop(name);
            query.form(name, &fill(pieces, bindings, str::to_owned)?);
        }
    }
    sign(resource.auth.as_ref(), &mut query, &mut headers);
    target.set_query((!query.0.is_empty()).then_some(&query.0));
    let body = attach(rendered, &mut headers);
    Ok(Request { method: resource.method.name(), url: target.into(), headers, body })
}

/// Headers that carry a credential whatever their value.
fn is_credential(name: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization"].iter().any(|other| name.eq_ignore_ascii_case(other))
}

pub(crate) fn resource<'a>(plan: &'a Plan, name: &str) -> Result<&'a Resource, Fault> {
    plan.resource(name).ok_or_else(|| Fault::Other(format!("the config has no resource `{name}`")))
}

/// The text with every value in its place, each made safe by `encode`.
pub(crate) fn fill(
    pieces: &Pieces,
    bindings: &Bindings,
    encode: fn(&str) -> String,
) -> Result<String, Fault> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Bound(..) | Piece::Incremental(..) => text.push_str(&encode(&bindings.text_of(piece)?)),
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

    /// Takes out every pair of this name.
    fn drop(&mut self, name: &str) {
        let is_it = |pair: &&str| {
            form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(other, _)| other == name)
        };
        self.0 = self.0.split('&').filter(|pair| !is_it(pair)).collect::<Vec<_>>().join("&");
    }

    /// As a form writes it, which is what dlt sends.
    fn form(&mut self, name: &str, value: &str) {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        self.push(&encode(name), &encode(value));
    }
}

/// Puts a header in the place of one of the same name, in any case.
pub(crate) fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}

fn headers(resource: &Resource, bindings: &Bindings) -> Result<Vec<(String, String)>, Fault> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    for (name, pieces) in &resource.headers {
        let name = &fill(name, bindings, str::to_owned)?;
        if !is_token(name) {
            return Err(Fault::Other(format!(
                "with the parent's value, `{name}` cannot be the name of a header"
            )));
        }
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
        // A token is put in when it is there.
        None | Some(Auth::Token(_)) => {}
        Some(Auth::Bearer { token }) => set(headers, "Authorization", format!("Bearer {}", token.value)),
        Some(Auth::Basic { username, password }) => {
            let pair = STANDARD.encode(format!("{}:{}", username.value, password.value));
            set(headers, "Authorization", format!("Basic {pair}"));
        }
        Some(Auth::ApiKey { name, key, place: ApiKeyPlace::Header }) => set(headers, name, key.value.clone()),
        Some(Auth::ApiKey { name, key, place: ApiKeyPlace::Query }) => {
            query.drop(name);
            query.push(&component(name), &component(&key.value));
        }
        Some(Auth::ApiKey { name, key, place: ApiKeyPlace::Cookie }) => set_cookie(headers, name, &key.value),
    }
}

/// Puts a cookie beside the others, in the place of one of the same name.
pub(crate) fn set_cookie(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    let old = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case("cookie"));
    let old = old.map(|(_, value)| value.clone()).unwrap_or_default();
    let is_it = |pair: &str| pair.split_once('=').is_some_and(|(other, _)| other == name);
    let mut pairs: Vec<&str> =
        old.split(';').map(str::trim).filter(|pair| !pair.is_empty() && !is_it(pair)).collect();
    let own = format!("{name}={value}");
    pairs.push(&own);
    let all = pairs.join("; ");
    set(headers, "Cookie", all);
}

/// A URL with a parameter in the place of one of the same name.
pub(crate) fn with_param(url: &str, name: &str, value: &str) -> Result<String, Fault> {
    let mut url = Url::parse(url).map_err(|error| Fault::Other(format!("not a URL: {error}")))?;
    let mut query = Query::new(url.query().unwrap_or_default().to_owned());
    query.drop(name);
    query.push(&component(name), &component(value));
    url.set_query(Some(&query.0));
    Ok(url.into())
}

fn url(resource: &Resource, bindings: &Bindings, query: &str) -> Result<String, Fault> {
    for piece in &resource.url {
        if !matches!(piece, Piece::Text(_)) && bindings.text_of(piece)?.is_empty() {
            return Err(Fault::Other(
                "the parent's value is empty, and would ask for another path".to_owned(),
            ));
        }
    }
    let text = fill(&resource.url, bindings, component)?;
    // A client would resolve `.` and `..` to another path (RFC 3986, 5.2.4); written into the config they are meant.
    let bound = resource.url.iter().any(|piece| !matches!(piece, Piece::Text(_)));
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
