//! Tokens that an API gives out: which answers hold one, how long it is used, and when another one is asked for.
//!
//! A guest has no memory, so it asks for its token before each page. Only the first of these requests is sent; the
//! guest gets the answer with a placeholder in the token's place, and the same answer again until the token is spent.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use memchr::memmem;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::GateError;
use crate::exchange::Exchange;
use crate::gate::absolute;
use crate::origin::Origin;
use crate::rotated::{Rotated, RotatedError};
use crate::secret::{Binding, Secret};
use crate::vault::{Vault, VaultError};

/// What RFC 6749 (5.1) and OpenID Connect call what they give out.
const STANDARD_FIELDS: [&str; 3] = ["access_token", "refresh_token", "id_token"];
/// A token is used until a tenth of its life is left, but no less and no more than these.
const MIN_MARGIN_MS: u64 = 1_000;
const MAX_MARGIN_MS: u64 = 30_000;
/// Longer than any run.
const MAX_LIFETIME_MS: u64 = 365 * 24 * 3_600_000;

/// Where an answer holds a token, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Who gives the token out.
    pub origin: Origin,
    /// The path that is asked, without a query.
    pub path: String,
    /// Where it stands.
    pub fields: Vec<SealField>,
    /// How long it is used where the answer does not say so (`expires_in`).
    pub lifetime_ms: u64,
    /// A token that is used before any is asked for, as the guest writes it.
    pub first: Option<String>,
    /// A secret, as the guest writes it, that an answer's `refresh_token` takes the place of.
    pub rotates: Option<String>,
    /// Where the token may go.
    pub binding: Binding,
}

/// A place in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealField {
    /// A JSON pointer (RFC 6901) into the body.
    Body(String),
    /// A header.
    Header(HeaderName),
}

/// A text that names no place in an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a JSON pointer nor `header:NAME`")]
pub struct SealError(pub String);

impl std::str::FromStr for SealField {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        let wrong = || SealError(text.to_owned());
        match text.strip_prefix("header:") {
            Some(name) => name.parse().map(SealField::Header).map_err(|_| wrong()),
            None if text.starts_with('/') => Ok(SealField::Body(text.to_owned())),
            None => Err(wrong()),
        }
    }
}

/// The tokens of an answer.
#[derive(Default)]
pub(crate) struct Sealed {
    /// Headers that hold one, with the placeholder that takes its place.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Each token's name, and which of its values this is.
    turns: Vec<(String, u64)>,
    /// How long they last, as far as the answer says.
    lifetime_ms: Option<u64>,
}

/// What a run has been given.
#[derive(Default)]
pub(crate) struct Tokens {
    seals: Vec<Seal>,
    /// Where replaced refresh tokens are kept.
    rotated: Option<Arc<Rotated>>,
    kept: Mutex<HashMap<String, Kept>>,
    /// Requests whose seal has a first token that the API has refused, with its name.
    first_spent: Mutex<HashMap<String, String>>,
    flights: Mutex<HashMap<String, Arc<Flight>>>,
}

struct Kept {
    answer: Response<Bytes>,
    until: Instant,
    turns: Vec<(String, u64)>,
    /// Whether it is the seal's first token, which nobody has asked for.
    first: bool,
}

/// What a request came to.
type Outcome = (Exchange, Result<Response<Bytes>, GateError>);

/// The requests for one token: one at a time, and who waits for it takes what it brings.
#[derive(Default)]
pub(crate) struct Flight {
    landed: AtomicU64,
    pub(crate) last: tokio::sync::Mutex<Option<Outcome>>,
}

impl Flight {
    pub(crate) fn landed(&self) -> u64 {
        self.landed.load(Ordering::Acquire)
    }

    pub(crate) fn land(&self) {
        self.landed.fetch_add(1, Ordering::Release);
    }
}

impl Tokens {
    pub(crate) fn new(seals: Vec<Seal>, rotated: Option<Arc<Rotated>>) -> Tokens {
        Tokens { seals, rotated, ..Tokens::default() }
    }

    /// The seal that names a request.
    pub(crate) fn seal_of(&self, request: &Request<Bytes>) -> Option<&Seal> {
        if self.seals.is_empty() {
            return None;
        }
        let url = absolute(request.uri()).ok()?;
        let origin = Origin::of(&url).ok()?;
        self.seals.iter().find(|seal| seal.origin == origin && seal.path == url.path())
    }

    /// The answer to a request for a token, if it need not be sent.
    pub(crate) fn kept(&self, key: &str, seal: &Seal, vault: &Vault) -> Option<Response<Bytes>> {
        let mut kept = lock(&self.kept);
        if let Some(first) = seal.first.as_deref().filter(|_| !kept.contains_key(key))
            && !lock(&self.first_spent).contains_key(key)
            && let Some(first) = Kept::first(first, seal, vault)
        {
            kept.insert(key.to_owned(), first);
        }
        let kept = kept.get(key)?;
        (Instant::now() < kept.until).then(|| kept.answer.clone())
    }

    pub(crate) fn flight(&self, key: &str) -> Arc<Flight> {
        Arc::clone(lock(&self.flights).entry(key.to_owned()).or_default())
    }

    /// Before a refresh token is sent: another process may have had it replaced.
    pub(crate) fn catch_up(&self, seal: &Seal, vault: &Vault) -> Result<(), GateError> {
        if let Some((name, rotated)) = self.rotates(seal, vault)
            && let Some(newest) = rotated.newest(&name).map_err(|problem| unstored(&name, problem))?
        {
            vault.replace(&name, newest).map_err(|problem| GateError::Token { problem })?;
        }
        Ok(())
    }

    fn rotates(&self, seal: &Seal, vault: &Vault) -> Option<(String, &Rotated)> {
        let name = vault.placeholder_in(seal.rotates.as_ref()?.as_bytes())?;
        Some((name, self.rotated.as_deref()?))
    }

    /// Takes a new refresh token out of an answer: it is stored before anything else is done with the answer.
    pub(crate) fn rotate(&self, seal: &Seal, vault: &Vault, body: Bytes) -> Result<Bytes, GateError> {
        let Some((name, rotated)) = self.rotates(seal, vault) else { return Ok(body) };
        let Ok(mut document) = serde_json::from_slice::<Value>(&body) else { return Ok(body) };
        let Some(Value::String(text)) = document.get_mut("refresh_token") else { return Ok(body) };
        if text.is_empty() {
            return Ok(body);
        }
        let value = Secret::new(text.as_str());
        rotated.keep(&name, &value).map_err(|problem| unstored(&name, problem))?;
        vault.replace(&name, value).map_err(|problem| GateError::Token { problem })?;
        document.as_object_mut().map(|members| members.remove("refresh_token"));
        Ok(Bytes::from(document.to_string()))
    }

    /// Keeps an answer that holds a token, until shortly before that expires. `started` is when it was asked for.
    pub(crate) fn keep(
        &self,
        key: &str,
        seal: &Seal,
        started: Instant,
        answer: &Response<Bytes>,
        sealed: Sealed,
    ) {
        if !answer.status().is_success() || sealed.turns.is_empty() {
            return;
        }
        let lifetime_ms = sealed.lifetime_ms.unwrap_or(seal.lifetime_ms).min(MAX_LIFETIME_MS);
        let margin_ms = (lifetime_ms / 10).clamp(MIN_MARGIN_MS, MAX_MARGIN_MS);
        let until = started + Duration::from_millis(lifetime_ms.saturating_sub(margin_ms));
        let kept = Kept { answer: answer.clone(), until, turns: sealed.turns, first: false };
        lock(&self.kept).insert(key.to_owned(), kept);
    }

    /// The API has refused a token: it is not used again, unless another one has taken its place already. Returns
    /// whether the secret of that name is a token at all.
    pub(crate) fn spend(&self, name: &str, turn: u64) -> bool {
        // Pages side by side may all have carried the first one.
        let mut is_token = turn > 0 || lock(&self.first_spent).values().any(|first| first == name);
        lock(&self.kept).retain(|key, kept| {
            let spent = kept.turns.iter().any(|(other, of)| other == name && *of == turn);
            is_token |= spent;
            if spent && kept.first {
                lock(&self.first_spent).insert(key.clone(), name.to_owned());
            }
            !spent
        });
        is_token
    }
}

impl Kept {
    /// An answer as the API might have given it, with a token that is here already.
    fn first(text: &str, seal: &Seal, vault: &Vault) -> Option<Kept> {
        let name = vault.placeholder_in(text.as_bytes())?;
        let Some(SealField::Body(pointer)) = seal.fields.first() else { return None };
        let mut body = Value::from(text);
        for key in pointer.rsplit('/').filter(|key| !key.is_empty()) {
            body = serde_json::json!({ key: body });
        }
        let answer = Response::builder()
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .ok()?;
        let until = Instant::now() + Duration::from_millis(MAX_LIFETIME_MS);
        Some(Kept { answer, until, turns: vec![(name, 0)], first: true })
    }
}

fn unstored(name: &str, problem: RotatedError) -> GateError {
    GateError::Token { problem: VaultError::Unstored { name: name.to_owned(), problem } }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells requests for tokens apart: all of what the guest wrote, placeholders and all.
pub(crate) fn key(request: &Request<Bytes>) -> String {
    let mut headers: Vec<String> =
        request.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    let body = String::from_utf8_lossy(request.body());
    format!("{} {}\n{}\n\n{body}", request.method(), request.uri(), headers.join("\n"))
}

/// The answer to a request for a token, with placeholders in the places of its tokens.
pub(crate) fn seal_answer(
    vault: &Vault,
    seal: &Seal,
    key: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(Bytes, Sealed), GateError> {
    let mut sealed = Sealed::default();
    let mut document: Option<Value> = serde_json::from_slice(&body).ok();
    sealed.lifetime_ms = document.as_ref().and_then(|document| lifetime_ms(document.get("expires_in")?));
    let mut take = |field: &str, value: &str| -> Result<String, GateError> {
        let name = field.rsplit(['/', ':']).next().unwrap_or_default();
        let name = if name.is_empty() || name.contains('}') { "token" } else { name };
        let (placeholder, name, turn) = vault
            .seal_token(&format!("{key}\n{field}"), name, Secret::new(value), &seal.binding)
            .map_err(|problem| GateError::Token { problem })?;
        sealed.turns.push((name, turn));
        Ok(placeholder)
    };
    let mut in_headers = Vec::new();
    for field in &seal.fields {
        if let SealField::Header(name) = field
            && let Some(value) =
                headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
            && !value.trim().is_empty()
            && let Ok(placeholder) = HeaderValue::from_str(&take(&format!("header:{name}"), value.trim())?)
        {
            in_headers.push((name.clone(), placeholder));
        }
    }
    let standard = STANDARD_FIELDS.map(|name| format!("/{name}"));
    let named = seal.fields.iter().filter_map(|field| match field {
        SealField::Body(pointer) => Some(pointer),
        SealField::Header(_) => None,
    });
    let mut changed = false;
    if let Some(document) = &mut document {
        let mut pointers: Vec<&String> = named.chain(&standard).collect();
        let mut seen = HashSet::new();
        pointers.retain(|pointer| seen.insert(*pointer));
        for pointer in pointers {
            if let Some(Value::String(text)) = document.pointer_mut(pointer)
                && !text.is_empty()
            {
                *text = take(pointer, text)?;
                changed = true;
            }
        }
    }
    sealed.headers = in_headers;
    let body = document.filter(|_| changed).map_or(body, |document| Bytes::from(document.to_string()));
    Ok((body, sealed))
}

/// `expires_in` (RFC 6749, 5.1): seconds, which some servers write as text.
fn lifetime_ms(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // A cast saturates, and makes nothing of what is no number.
    Some((seconds.max(0.0) * 1_000.0) as u64)
}

/// An answer to a request that carried a secret, with placeholders in the place of what RFC 6749 calls a token; `None`
/// if there is none. The rest of it stays as it is, byte for byte.
pub(crate) fn seal_unasked(vault: &Vault, url: &str, body: &Bytes) -> Result<Option<Bytes>, GateError> {
    let names = STANDARD_FIELDS.iter().any(|name| memmem::find(body, name.as_bytes()).is_some());
    if !names || body.trim_ascii_start().first() != Some(&b'{') {
        return Ok(None);
    }
    let Ok(members) = serde_json::from_slice::<HashMap<String, &RawValue>>(body) else { return Ok(None) };
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut out = body.to_vec();
    let mut found = Vec::new();
    for name in STANDARD_FIELDS {
        let Some(raw) = members.get(name) else { continue };
        let Ok(token) = serde_json::from_str::<String>(raw.get()) else { continue };
        if !token.is_empty() {
            let at = (raw.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
            found.push((at, raw.get().len(), name, token));
        }
    }
    // From the back, so that places stay what they are.
    found.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    for (at, length, name, token) in &found {
        let slot = format!("{path}\n{name}");
        let (placeholder, ..) = vault
            .seal_token(&slot, name, Secret::new(token.as_str()), &Binding::default())
            .map_err(|problem| GateError::Token { problem })?;
        if out.len() >= at + length {
            out.splice(*at..at + length, Value::from(placeholder).to_string().into_bytes());
        }
    }
    Ok((!found.is_empty()).then(|| Bytes::from(out)))
}
