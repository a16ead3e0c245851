//! Asking for a token, and putting it into a request. The guest sees placeholders only, and remembers none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use crate::answer::{bad, excerpt};
use crate::config::{Auth, Put, Take, TokenAuth, TokenBody};
use crate::contract::{Fault, HttpFailure, PageRequest, Request, Response};
use crate::diagnostic::list;
use crate::json::without_bom;
use crate::plan::{Plan, Resource};
use crate::request::{resource, set, set_cookie, with_param};

/// Where RFC 6749 (5.1) puts tokens; the first is the one that requests carry.
pub(crate) const FIELDS: [&str; 3] = ["/access_token", "/refresh_token", "/id_token"];

/// The request for the token that a page's `request` needs, to be sent before it each time: the host answers it from what
/// it has. `None`: that one needs none, or goes to another origin than the resource's own.
///
/// # Errors
/// As [`crate::request`].
pub fn token_request(plan: &Plan, wanted: &PageRequest, request: &Request) -> Result<Option<Request>, Fault> {
    let resource = resource(plan, &wanted.name)?;
    let Some(auth) = token_auth(resource, request) else { return Ok(None) };
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    for (name, value) in &auth.headers {
        set(&mut headers, name, value.value.clone());
    }
    if let Some((id, secret)) = &auth.basic {
        // RFC 6749, 2.3.1. The secret is a placeholder, which no encoding changes.
        let id: String = form_urlencoded::byte_serialize(id.value.as_bytes()).collect();
        let pair = STANDARD.encode(format!("{id}:{}", secret.value));
        set(&mut headers, "Authorization", format!("Basic {pair}"));
    }
    let body = match &auth.body {
        TokenBody::None => Vec::new(),
        TokenBody::Form(fields) => {
            set(&mut headers, "content-type", "application/x-www-form-urlencoded".to_owned());
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &value.value);
            }
            form.finish().into_bytes()
        }
        TokenBody::Json(members) => {
            set(&mut headers, "content-type", "application/json".to_owned());
            let members = members.iter().map(|(name, value)| (name.clone(), value.value.clone()));
            Value::Object(members.collect()).to_string().into_bytes()
        }
    };
    Ok(Some(Request { method: auth.method.name(), url: auth.url.value.clone(), headers, body }))
}

/// Puts the token of an answer to [`token_request`] into the page's request.
///
/// # Errors
/// [`Fault::Http`] where the answer is a refusal, [`Fault::BadResponse`] where it holds no token.
pub fn authorize(
    plan: &Plan,
    wanted: &PageRequest,
    request: &mut Request,
    answer: &Response,
) -> Result<(), Fault> {
    let resource = resource(plan, &wanted.name)?;
    if let Some(auth) = token_auth(resource, request) {
        let token = token(auth, answer)?;
        match &auth.put {
            Put::Header { name, prefix } => set(&mut request.headers, name, format!("{prefix}{token}")),
            Put::Query(name) => request.url = with_param(&request.url, name, &token)?,
            Put::Cookie(name) => set_cookie(&mut request.headers, name, &token),
        }
    }
    Ok(())
}

fn token_auth<'a>(resource: &'a Resource, request: &Request) -> Option<&'a TokenAuth> {
    let Some(Auth::Token(auth)) = &resource.auth else { return None };
    let origin = Url::parse(&request.url).ok()?.origin().ascii_serialization();
    (resource.origin.as_ref() == Some(&origin)).then_some(auth)
}

fn token(auth: &TokenAuth, answer: &Response) -> Result<String, Fault> {
    let from = &auth.url.value;
    let body: Option<Value> = serde_json::from_slice(without_bom(&answer.body)).ok();
    let said = body.as_ref().and_then(words).map(|words| format!(" ({words})")).unwrap_or_default();
    if !(200..300).contains(&answer.status) {
        return Err(Fault::Http(HttpFailure {
            status: answer.status,
            retry: None,
            retry_after: answer.header("retry-after").map(str::to_owned),
            message: format!("no token from {from}: it answered {}{said}", answer.status),
            excerpt: excerpt(&answer.body),
        }));
    }
    // No excerpt of a success: it may hold a token where nobody looks for one.
    let pointer = match &auth.take {
        Take::Body(pointer) => pointer,
        Take::Header(name) => {
            let token = answer.header(name).map(str::trim).filter(|token| !token.is_empty());
            let message = || format!("no token from {from}: its answer has no header `{name}`");
            return token.map(str::to_owned).ok_or_else(|| bad(message(), String::new(), false));
        }
    };
    let Some(body) = body else {
        let message = format!("no token from {from}: what it answered is not JSON");
        return Err(bad(message, String::new(), false));
    };
    match body.pointer(pointer).and_then(Value::as_str).filter(|token| !token.is_empty()) {
        Some(token) => Ok(token.to_owned()),
        None if !said.is_empty() => Err(Fault::Http(HttpFailure {
            status: answer.status,
            retry: Some(false),
            retry_after: None,
            message: format!("no token from {from}: it answered {}{said}", answer.status),
            excerpt: String::new(),
        })),
        None => {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let keys = body.as_object().map(|fields| list(fields.keys().map(String::as_str)));
            let keys = keys.filter(|keys| !keys.is_empty()).unwrap_or_else(|| "no fields".to_owned());
            let message = format!("no token from {from}: its answer has no text `{field}`, but {keys}");
            Err(bad(message, String::new(), false))
        }
    }
}

/// `error` and `error_description` (RFC 6749, 5.2), or how else an API may word it.
fn words(body: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
    let error = body.get("error")?;
    let code = text(error).or_else(|| text(error.get("code")?));
    let more = body.get("error_description").and_then(text).or_else(|| text(error.get("message")?));
    match (code, more) {
        (Some(code), Some(more)) => Some(format!("{code}: {more}")),
        (code, more) => code.or(more),
    }
}
