//! Puts secrets into a request's body: into strings of JSON and values of a form. No other body may hold a placeholder.
//!
//! Texts are looked at as an API would read them: a placeholder that the guest has escaped is one as well.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use percent_encoding::{percent_decode, utf8_percent_encode};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::denial::Denial;
use crate::inject::{Hop, UNRESERVED, permit};
use crate::secret::Place;
use crate::vault::Vault;

/// How a body is written, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Urlencoded,
}

fn form(headers: &HeaderMap) -> Option<Form> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return None };
    let essence = only.to_str().ok()?.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Some(Form::Json),
        "application/x-www-form-urlencoded" => Some(Form::Urlencoded),
        other if other.starts_with("application/") && other.ends_with("+json") => Some(Form::Json),
        _ => None,
    }
}

/// The body as it goes out on this hop.
pub(crate) fn fill_body(
    vault: &Vault,
    headers: &HeaderMap,
    body: &Bytes,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<Bytes, Denial> {
    let form = form(headers);
    let escape = match form {
        None => None,
        Some(Form::Json) => Some(b'\\'),
        Some(Form::Urlencoded) => Some(b'%'),
    };
    let escaped = escape.is_some_and(|escape| body.contains(&escape));
    if vault.placeholder_in(body).is_none() && !escaped {
        return Ok(body.clone());
    }
    let filled = match (form, std::str::from_utf8(body)) {
        (Some(Form::Json), Ok(text)) => fill_json(vault, text, hop, placed)?,
        (Some(Form::Urlencoded), Ok(text)) => fill_form(vault, text, hop, placed)?,
        _ => {
            refuse(vault, body, "the body, which is neither JSON nor a form by its `Content-Type`")?;
            None
        }
    };
    Ok(filled.map_or_else(|| body.clone(), Bytes::from))
}

fn refuse(vault: &Vault, text: &[u8], place: &str) -> Result<(), Denial> {
    match vault.placeholder_in(text) {
        Some(secret) => Err(Denial::SecretPlace { secret, place: place.to_owned() }),
        None => Ok(()),
    }
}

/// A text of the body with its secrets; `None` if it has none.
fn expand(
    vault: &Vault,
    text: &str,
    field: &str,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<Option<String>, Denial> {
    vault.expand(text, |found| {
        let sealed = permit(found, Place::Field(field.to_owned()), hop, placed)?;
        Ok(sealed.secret.expose().to_owned())
    })
}

/// JSON text with its strings filled, otherwise byte for byte as it was; `None` if no string holds a placeholder.
fn fill_json(
    vault: &Vault,
    text: &str,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<Option<String>, Denial> {
    if serde_json::from_str::<&RawValue>(text).is_err() {
        refuse(vault, text.as_bytes(), "the body, which is not JSON though its `Content-Type` says so")?;
        return Ok(None);
    }
    // What follows walks valid JSON: strings are all that can hold a quotation mark.
    let mut out: Option<String> = None;
    let mut copied = 0;
    // The name of the member that each open list or object is the value of, or that it is at.
    let mut names: Vec<String> = vec![String::new()];
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => names.push(names.last().cloned().unwrap_or_default()),
            b'}' | b']' => {
                names.pop();
            }
            b'"' => {
                let end = string_end(bytes, at);
                let token = text.get(at..end).unwrap_or_default();
                let string: String = serde_json::from_str(token).unwrap_or_default();
                let rest = bytes.get(end..).unwrap_or_default();
                if rest.trim_ascii_start().first() == Some(&b':') {
                    refuse(vault, string.as_bytes(), "the name of a field")?;
                    if let Some(name) = names.last_mut() {
                        *name = string;
                    }
                } else {
                    let field = names.last().map_or("", String::as_str);
                    if let Some(filled) = expand(vault, &string, field, hop, placed)? {
                        let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
                        out.push_str(text.get(copied..at).unwrap_or_default());
                        out.push_str(&Value::from(filled).to_string());
                        copied = end;
                    }
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    if let Some(out) = &mut out {
        out.push_str(text.get(copied..).unwrap_or_default());
    }
    Ok(out)
}

/// Where the string that begins at `start` is over.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') | None => return (at + 1).min(bytes.len()),
            Some(_) => at += 1,
        }
    }
}

/// A form with its values filled; `None` if no value holds a placeholder.
fn fill_form(
    vault: &Vault,
    text: &str,
    hop: Hop<'_>,
    placed: &mut Vec<(String, Place)>,
) -> Result<Option<String>, Denial> {
    let decoded = |part: &str| -> Vec<u8> { percent_decode(part.replace('+', " ").as_bytes()).collect() };
    let mut found = false;
    let mut parts = Vec::new();
    for part in text.split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let field = decoded(name);
        refuse(vault, &field, "the name of a field")?;
        let plain = decoded(value);
        let filled = match std::str::from_utf8(&plain) {
            Ok(plain) => expand(vault, plain, &String::from_utf8_lossy(&field), hop, placed)?,
            Err(_) => {
                refuse(vault, &plain, "a field that is not UTF-8")?;
                None
            }
        };
        found |= filled.is_some();
        parts.push(match filled {
            Some(filled) => format!("{name}={}", utf8_percent_encode(&filled, UNRESERVED)),
            None => part.to_owned(),
        });
    }
    Ok(found.then(|| parts.join("&")))
}

#[cfg(test)]
#[path = "inject_body_tests.rs"]
mod tests;
