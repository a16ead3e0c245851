//! What a host is told of the answers that hold a token.

use url::Url;

use super::draft::{absolute, check_url};
use crate::config::{Auth, TokenAuth};
use crate::contract::Seal;
use crate::diagnostic::Problems;
use crate::template::names_a_secret;
use crate::token::FIELDS;

pub(super) fn seals(auth: Option<&Auth>, problems: &mut Problems) -> Vec<Seal> {
    match auth {
        Some(Auth::Token(auth)) => seal(auth, problems).into_iter().collect(),
        _ => Vec::new(),
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
    let mut spends = Vec::new();
    for (name, value) in auth.sent() {
        // What is written out is taken out of the config by the host; its name says that it is a credential.
        let is_secret = names_a_secret(&value.value) || name == "client_secret";
        if is_secret && !spends.contains(&value.pointer) {
            spends.push(value.pointer.clone());
        }
    }
    Some(Seal {
        origin,
        path,
        fields: FIELDS.map(str::to_owned).to_vec(),
        lifetime_s: auth.lifetime_s,
        first: auth.first.as_ref().map(|first| first.pointer.clone()),
        spends,
    })
}
