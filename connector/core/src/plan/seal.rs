//! The requests for tokens with whole URLs, and what a host is told of their answers.

use serde_json::Value;
use url::Url;

use super::draft::{absolute, check_url};
use crate::config::{Auth, Take, TokenAuth};
use crate::contract::Seal;
use crate::diagnostic::Problems;
use crate::document::At;
use crate::template::names_a_secret;
use crate::token::FIELDS;

/// The auth as it is used: a token's URL is whole. `base` is the client's.
pub(super) fn settled(auth: &Auth, base: &str) -> Auth {
    match auth {
        Auth::Token(auth) if auth.relative() => {
            let (base, path) = (base.trim_end_matches('/'), auth.url.value.trim_start_matches('/'));
            let url = At { value: format!("{base}/{path}"), pointer: auth.url.pointer.clone() };
            Auth::Token(Box::new(TokenAuth { url, ..TokenAuth::clone(auth) }))
        }
        other => other.clone(),
    }
}

pub(super) fn seals(auth: Option<&Auth>, problems: &mut Problems) -> Vec<Seal> {
    match auth {
        Some(Auth::Token(auth)) => seal(auth, problems).into_iter().collect(),
        _ => Vec::new(),
    }
}

impl TokenAuth {
    /// Whether the URL may be a path below the base URL: only OAuth's is always whole.
    fn relative(&self) -> bool {
        !absolute(&self.url.value) && !self.url.pointer.ends_with("/access_token_url")
    }
}

fn seal(auth: &TokenAuth, problems: &mut Problems) -> Option<Seal> {
    let url = &auth.url;
    if !absolute(&url.value) {
        problems.hint(&url.pointer, "the URL of a token is a whole one", "https://login.example.com/token");
        return None;
    }
    let origin = check_url(&url.value, &url.pointer, problems)?;
    if url.value.contains('#') {
        problems.add(&url.pointer, "the URL of a token has no fragment (`#`)");
    }
    let path = Url::parse(&url.value).ok()?.path().to_owned();
    let mut spends: Vec<String> = Vec::new();
    auth.sent(&mut |name, value: &Value, pointer| {
        // What is written out is taken out of the config by the host; its name says that it is a credential.
        let is_secret = value.as_str().is_some_and(names_a_secret) || name == "client_secret";
        if is_secret && !spends.iter().any(|known| known == pointer) {
            spends.push(pointer.to_owned());
        }
    });
    let own = match &auth.take {
        Take::Body(pointer) => pointer.clone(),
        Take::Header(name) => format!("header:{name}"),
    };
    let others = FIELDS.into_iter().map(str::to_owned).filter(|field| *field != own);
    let fields = std::iter::once(own.clone()).chain(others).collect();
    Some(Seal {
        origin,
        path,
        fields,
        lifetime_s: auth.lifetime_s,
        first: auth.first.as_ref().map(|first| first.pointer.clone()),
        spends,
        rotates: auth.rotates.as_ref().map(|token| token.pointer.clone()),
    })
}
