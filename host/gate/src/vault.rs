//! Keeps the secrets of a run, hands out placeholders for them, and takes them out of whatever comes back.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use memchr::memmem;

use crate::jwt::{Jwt, KeyError, Minter};
use crate::mask::{Found, Masker};
use crate::needles::{Needle, needles};
use crate::rotated::RotatedError;
use crate::secret::{Binding, Secret};
use crate::sign::Signer;

/// How each placeholder begins; the vault's nonce follows.
const PREFIX: &str = "sanderling-secret-";
/// How a stored reference to a secret begins.
const REFERENCE: &str = "${secrets.";
/// A reference to nothing: in stored text it stands for the characters of `REFERENCE` themselves.
const ESCAPED: &str = "${secrets.}";
/// What people see in a secret's place.
const STARS: &str = "***";
/// Shorter secrets are not masked in answers: they would be found by chance, and rows would be altered.
const MIN_MASKED_BYTES: usize = 8;
/// Shorter secrets are not looked for in messages either.
const MIN_REDACTED_BYTES: usize = 4;
/// No credential is longer.
const MAX_SECRET_BYTES: usize = 64 * 1024;
/// Values of one token that are looked for in answers: the latest.
const MAX_REMEMBERED: usize = 4;
/// Tokens that a run may be given. No API has so many; a connector could make them up.
const MAX_TOKENS: usize = 256;

/// Why a vault cannot be made or take a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Placeholders cannot be made unguessable.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// `${secrets.NAME}` could not be read back.
    #[error("`{0}` cannot name a secret: a name has at least one character and no `}}`")]
    Name(String),
    /// Almost always an unset variable.
    #[error("the secret `{0}` is empty")]
    Empty(String),
    /// More than 64 KiB.
    #[error("the secret `{0}` is longer than 64 KiB")]
    TooLong(String),
    /// A name stands for one value during a run.
    #[error("the secret `{0}` was given twice, with different values or bindings")]
    Twice(String),
    /// Text names a secret that this vault does not hold.
    #[error("the secret `{0}` is not known")]
    Unknown(String),
    /// Text that is to outlive the run holds a token, which does not.
    #[error("it holds the token `{0}`, which is another one in the next run")]
    Fleeting(String),
    /// A key that cannot sign what it is to sign.
    #[error("the key `{name}` cannot be used: {problem}")]
    Key {
        /// The secret's name.
        name: String,
        /// Why not.
        problem: KeyError,
    },
    /// A replaced refresh token would be lost.
    #[error("what takes the place of `{name}` cannot be stored: {problem}")]
    Unstored {
        /// The secret's name.
        name: String,
        /// Why.
        problem: RotatedError,
    },
    /// More than 256 tokens.
    #[error("more tokens were given out than a run can keep ({MAX_TOKENS})")]
    TooMany,
}

/// One secret of the vault.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) name: String,
    pub(crate) placeholder: String,
    pub(crate) secret: Secret,
    pub(crate) binding: Binding,
    /// How often a token was given out; 0 for what is no token but was given by the user.
    turn: u64,
    /// What a token is known by: the request that asks for it, and its place in the answer.
    slot: Option<String>,
    /// What makes its value, and when the last one was made (Unix time, seconds).
    minted: Option<(Arc<Minter>, u64)>,
    /// What signs requests, if the value is a key, which is then sent nowhere.
    pub(crate) signs: Option<Arc<Signer>>,
    /// What gives it away, with the length of the value; of a token also its last values.
    needles: Vec<(usize, Vec<Needle>)>,
}

/// The secrets as they stand. Tokens are added and replaced while requests are under way.
#[derive(Clone, Default)]
struct State {
    sealed: Vec<Sealed>,
    /// Secrets of 8 bytes or more, and placeholders.
    answers: Masker,
    /// Secrets of 4 bytes or more, and placeholders.
    messages: Masker,
}

/// The secrets of a run.
///
/// A placeholder is `sanderling-secret-<random hex>-<NAME>`, made of letters, digits, `-`, `.` and `_` only, so that no
/// encoder of URLs, forms, JSON or HTML changes it. It is random for each vault: no API can write one down beforehand.
pub struct Vault {
    /// How this vault's placeholders begin.
    marker: String,
    state: RwLock<Arc<State>>,
}

impl Vault {
    /// An empty vault; with a `nonce` its placeholders are the same each time, which only tests want.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn new(nonce: Option<[u8; 16]>) -> Result<Vault, VaultError> {
        let nonce = match nonce {
            Some(nonce) => nonce,
            None => {
                let mut nonce = [0; 16];
                let random = rustls::crypto::ring::default_provider().secure_random;
                random.fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
                nonce
            }
        };
        let mut marker = String::from(PREFIX);
        for byte in nonce {
            marker.push_str(&format!("{byte:02x}"));
        }
        Ok(Vault { marker, state: RwLock::default() })
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a secret in and gives its placeholder; the same one if it is given again.
    ///
    /// # Errors
    /// The secret is empty or longer than 64 KiB, or its name is taken.
    pub fn seal(&mut self, name: &str, secret: Secret, binding: Binding) -> Result<String, VaultError> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = state.sealed.iter().find(|sealed| sealed.name == name) {
            let same = known.secret == secret && known.binding == binding;
            return if same {
                Ok(known.placeholder.clone())
            } else {
                Err(VaultError::Twice(name.to_owned()))
            };
        }
        let mut next = State::clone(state);
        let placeholder = next.add(&self.marker, name, secret, binding, None)?;
        *state = Arc::new(next);
        Ok(placeholder)
    }

    /// Takes a key in, and gives the placeholder of the tokens that are signed with it. The key goes nowhere.
    ///
    /// # Errors
    /// The key does not fit, or the name is taken.
    pub fn seal_jwt(
        &mut self,
        name: &str,
        key: &Secret,
        jwt: Jwt,
        binding: Binding,
    ) -> Result<String, VaultError> {
        let wrong = |problem| VaultError::Key { name: name.to_owned(), problem };
        let minter = Minter::new(jwt, key).map_err(wrong)?;
        let now_s = minter.now_s();
        let token = minter.mint(now_s).map_err(wrong)?;
        if self.state().sealed.iter().any(|sealed| sealed.name == name) {
            return Err(VaultError::Twice(name.to_owned()));
        }
        let placeholder = self.seal(name, token, binding)?;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(state);
        if let Some(sealed) = next.sealed.iter_mut().find(|sealed| sealed.name == name) {
            sealed.minted = Some((Arc::new(minter), now_s));
        }
        *state = Arc::new(next);
        Ok(placeholder)
    }

    /// Takes a key in, and gives the placeholder of the signatures that are made with it. The key goes nowhere.
    ///
    /// # Errors
    /// A part is empty or too long, or the name is taken.
    pub fn seal_signer(
        &mut self,
        name: &str,
        key: Secret,
        signer: Signer,
        binding: Binding,
    ) -> Result<String, VaultError> {
        if self.state().sealed.iter().any(|sealed| sealed.name == name) {
            return Err(VaultError::Twice(name.to_owned()));
        }
        for (part, secret) in signer.parts() {
            // Only a signature brings it anywhere.
            let nowhere = Binding { origins: Some(Vec::new()), places: Some(Vec::new()) };
            self.seal(&format!("{name}.{part}"), secret, nowhere)?;
        }
        let placeholder = self.seal(name, key, binding)?;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(state);
        if let Some(sealed) = next.sealed.iter_mut().find(|sealed| sealed.name == name) {
            sealed.signs = Some(Arc::new(signer));
        }
        *state = Arc::new(next);
        Ok(placeholder)
    }

    /// Signs anew what is past half of its life.
    pub(crate) fn mint(&self) -> Result<(), VaultError> {
        let is_due =
            |sealed: &Sealed| sealed.minted.as_ref().is_some_and(|(minter, at_s)| minter.is_due(*at_s));
        if !self.state().sealed.iter().any(is_due) {
            return Ok(());
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(&state);
        for at in 0..next.sealed.len() {
            let Some(sealed) = next.sealed.get_mut(at).filter(|sealed| is_due(sealed)) else { continue };
            let Some((minter, at_s)) = &mut sealed.minted else { continue };
            *at_s = minter.now_s();
            let token = minter.mint(*at_s);
            let token = token.map_err(|problem| VaultError::Key { name: sealed.name.clone(), problem })?;
            next.replace(at, token)?;
        }
        *state = Arc::new(next);
        Ok(())
    }

    /// Takes a token in and gives its placeholder, which is the same for each value that the slot ever has, the name by
    /// which people know it, and how many values that is so far.
    pub(crate) fn seal_token(
        &self,
        slot: &str,
        name: &str,
        token: Secret,
        binding: &Binding,
    ) -> Result<(String, String, u64), VaultError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(&state);
        let known = next.sealed.iter().position(|sealed| sealed.slot.as_deref() == Some(slot));
        let at = match known {
            Some(at) => at,
            None => {
                if next.sealed.iter().filter(|sealed| sealed.slot.is_some()).count() >= MAX_TOKENS {
                    return Err(VaultError::TooMany);
                }
                let is_free = |name: &String| !next.sealed.iter().any(|sealed| sealed.name == *name);
                let numbered = (2..).map(|number| format!("{name}.{number}"));
                let name = std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
                next.add(&self.marker, &name, token.clone(), binding.clone(), Some(slot.to_owned()))?;
                next.sealed.len() - 1
            }
        };
        let sealed = next.sealed.get_mut(at).ok_or(VaultError::TooMany)?;
        sealed.turn += 1;
        let turn = sealed.turn;
        next.replace(at, token)?;
        let (placeholder, name) = next
            .sealed
            .get(at)
            .map(|sealed| (sealed.placeholder.clone(), sealed.name.clone()))
            .unwrap_or_default();
        *state = Arc::new(next);
        Ok((placeholder, name, turn))
    }

    /// Puts another value in a secret's place; its placeholder stays.
    pub(crate) fn replace(&self, name: &str, value: Secret) -> Result<(), VaultError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(&state);
        let at = next.sealed.iter().position(|sealed| sealed.name == name);
        next.replace(at.ok_or_else(|| VaultError::Unknown(name.to_owned()))?, value)?;
        *state = Arc::new(next);
        Ok(())
    }

    /// Each secret's name, with how often it was given out; 0 for what is no token.
    pub(crate) fn turns(&self) -> Vec<(String, u64)> {
        self.state().sealed.iter().map(|sealed| (sealed.name.clone(), sealed.turn)).collect()
    }

    /// Text with `${secrets.NAME}` in each placeholder's place, fit for storing: it outlives this vault.
    ///
    /// # Errors
    /// [`VaultError::Fleeting`]: the text holds a token, which no other run could put back.
    pub fn reference(&self, text: &str) -> Result<String, VaultError> {
        self.referenced(text, |sealed| match sealed.slot {
            Some(_) => Err(VaultError::Fleeting(sealed.name.clone())),
            None => Ok(()),
        })
    }

    /// The same for text that is stored and never restored, such as rows: tokens are named as well.
    pub fn name_secrets(&self, text: &str) -> String {
        let named: Result<_, std::convert::Infallible> = self.referenced(text, |_| Ok(()));
        match named {
            Ok(named) => named,
        }
    }

    fn referenced<E>(&self, text: &str, may: impl Fn(&Sealed) -> Result<(), E>) -> Result<String, E> {
        let text = text.replace(REFERENCE, ESCAPED);
        let expanded = self.expand(&text, |found| match found {
            Some(sealed) => may(sealed).map(|()| format!("{REFERENCE}{}}}", sealed.name)),
            // A placeholder cut short leads nowhere, and its random part need not be kept.
            None => Ok(STARS.to_owned()),
        })?;
        Ok(expanded.unwrap_or(text))
    }

    /// The way back from [`Vault::reference`].
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: the text refers to a secret that this vault does not hold.
    pub fn restore(&self, text: &str) -> Result<String, VaultError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(REFERENCE) {
            out.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            if name.is_empty() {
                out.push_str(REFERENCE);
            } else {
                let state = self.state();
                let known = state.sealed.iter().find(|sealed| sealed.name == name && sealed.slot.is_none());
                out.push_str(&known.ok_or_else(|| VaultError::Unknown(name.to_owned()))?.placeholder);
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Whether the text holds one of this vault's placeholders, or the beginning of one.
    pub fn contains_placeholder(&self, text: &str) -> bool {
        text.contains(&self.marker)
    }

    /// Text for people and logs: `***` in the place of each placeholder, and of each secret of 4 bytes or more in any
    /// usual encoding.
    pub fn redact(&self, text: &str) -> String {
        let redacted = match self.state().messages.replace(text.as_bytes(), |_| Some(STARS.as_bytes())) {
            Some(redacted) => String::from_utf8_lossy(&redacted).into_owned(),
            None => text.to_owned(),
        };
        self.without_fragments(redacted)
    }

    /// An excerpt may end in the middle of a placeholder.
    fn without_fragments(&self, text: String) -> String {
        let nonce = self.marker.trim_start_matches(PREFIX);
        let (mut out, mut rest) = (String::new(), text.as_str());
        while let Some((before, after)) = rest.split_once(PREFIX) {
            let cut = after.bytes().zip(nonce.bytes()).take_while(|(ours, theirs)| ours == theirs).count();
            out.push_str(before);
            out.push_str(STARS);
            rest = after.get(cut..).unwrap_or_default();
        }
        if out.is_empty() { text } else { out + rest }
    }

    /// An answer's bytes with each secret's placeholder in its place, and whether there was one. Secrets shorter than
    /// 8 bytes are left: they would be found by chance. Without a find, the very same bytes.
    pub fn mask_body(&self, body: Bytes) -> (Bytes, bool) {
        match self.mask(&body) {
            Some(masked) => (Bytes::from(masked), true),
            None => (body, false),
        }
    }

    pub(crate) fn mask(&self, text: &[u8]) -> Option<Vec<u8>> {
        let state = self.state();
        state.answers.replace(text, |found| match found {
            Found::Placeholder => None,
            Found::Secret(index) => state.sealed.get(index).map(|sealed| sealed.placeholder.as_bytes()),
        })
    }

    /// The name of the first placeholder in the text; `?` for one that is cut short.
    pub(crate) fn placeholder_in(&self, text: &[u8]) -> Option<String> {
        let at = memmem::find(text, self.marker.as_bytes())?;
        let found = text.get(at..).unwrap_or_default();
        let state = self.state();
        let sealed = state.sealed.iter().find(|sealed| found.starts_with(sealed.placeholder.as_bytes()));
        Some(sealed.map_or_else(|| "?".to_owned(), |sealed| sealed.name.clone()))
    }

    /// The first whole placeholder in the text.
    pub(crate) fn first_placeholder(&self, text: &str) -> Option<String> {
        let found = text.get(text.find(&self.marker)?..)?;
        let state = self.state();
        let sealed = state.sealed.iter().find(|sealed| found.starts_with(&sealed.placeholder))?;
        Some(sealed.placeholder.clone())
    }

    /// The text with each placeholder replaced by what `value` gives, which is asked with `None` for one that is cut
    /// short; `None` if there is no placeholder.
    pub(crate) fn expand<E>(
        &self,
        text: &str,
        mut value: impl FnMut(Option<&Sealed>) -> Result<String, E>,
    ) -> Result<Option<String>, E> {
        if !self.contains_placeholder(text) {
            return Ok(None);
        }
        let state = self.state();
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.marker) {
            let (before, found) = rest.split_at(at);
            out.push_str(before);
            let sealed = state.sealed.iter().find(|sealed| found.starts_with(&sealed.placeholder));
            out.push_str(&value(sealed)?);
            let length = sealed.map_or(self.marker.len(), |sealed| sealed.placeholder.len());
            rest = found.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(Some(out))
    }
}

impl State {
    fn add(
        &mut self,
        marker: &str,
        name: &str,
        secret: Secret,
        binding: Binding,
        slot: Option<String>,
    ) -> Result<String, VaultError> {
        if name.is_empty() || name.contains('}') {
            return Err(VaultError::Name(name.to_owned()));
        }
        checked(name, &secret)?;
        let clean = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }
        };
        let label: String = name.chars().map(clean).collect();
        // The number keeps one placeholder from being the beginning of another.
        let placeholder = format!("{marker}{:04x}-{label}", self.sealed.len());
        let needles = vec![(secret.expose().len(), needles(secret.expose()))];
        let placed = placeholder.clone();
        self.sealed.push(Sealed {
            name: name.to_owned(),
            placeholder,
            secret,
            binding,
            turn: 0,
            slot,
            minted: None,
            signs: None,
            needles,
        });
        self.rebuild().map_err(|_| VaultError::TooLong(name.to_owned()))?;
        Ok(placed)
    }

    fn replace(&mut self, at: usize, value: Secret) -> Result<(), VaultError> {
        let Some(sealed) = self.sealed.get_mut(at).filter(|sealed| sealed.secret != value) else {
            return Ok(());
        };
        checked(&sealed.name, &value)?;
        sealed.needles.insert(0, (value.expose().len(), needles(value.expose())));
        sealed.needles.truncate(MAX_REMEMBERED);
        sealed.secret = value;
        let name = sealed.name.clone();
        self.rebuild().map_err(|_| VaultError::TooLong(name))
    }

    /// Only a pattern set beyond the automaton's address space fails to build.
    fn rebuild(&mut self) -> Result<(), aho_corasick::BuildError> {
        self.answers = self.masker(MIN_MASKED_BYTES)?;
        self.messages = self.masker(MIN_REDACTED_BYTES)?;
        Ok(())
    }

    fn masker(&self, min_bytes: usize) -> Result<Masker, aho_corasick::BuildError> {
        let secrets = self.sealed.iter().enumerate();
        Masker::build(secrets.flat_map(|(index, sealed)| {
            let bytes = sealed.placeholder.clone().into_bytes();
            let placeholder = (Found::Placeholder, Needle { bytes, before: false, after: false });
            let looked_for = sealed.needles.iter().filter(move |(length, _)| *length >= min_bytes);
            let needles = looked_for.flat_map(|(_, needles)| needles);
            let needles = needles.map(move |needle| (Found::Secret(index), needle.clone()));
            std::iter::once(placeholder).chain(needles)
        }))
    }
}

fn checked(name: &str, secret: &Secret) -> Result<(), VaultError> {
    match secret.expose().len() {
        0 => Err(VaultError::Empty(name.to_owned())),
        length if length > MAX_SECRET_BYTES => Err(VaultError::TooLong(name.to_owned())),
        _ => Ok(()),
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let names: Vec<&str> = state.sealed.iter().map(|sealed| sealed.name.as_str()).collect();
        f.debug_struct("Vault").field("secrets", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
