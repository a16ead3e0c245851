//! Keeps the secrets of a run, hands out placeholders for them, and takes them out of whatever comes back.

use std::fmt;

use bytes::Bytes;
use memchr::memmem;

use crate::mask::{Found, Masker};
use crate::needles::{Needle, needles};
use crate::secret::{Binding, Secret};

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
}

/// One secret of the vault.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) name: String,
    pub(crate) placeholder: String,
    pub(crate) secret: Secret,
    pub(crate) binding: Binding,
    needles: Vec<Needle>,
}

/// The secrets of a run.
///
/// A placeholder is `sanderling-secret-<random hex>-<NAME>`, made of letters, digits, `-`, `.` and `_` only, so that no
/// encoder of URLs, forms, JSON or HTML changes it. It is random for each vault: no API can write one down beforehand.
#[derive(Clone)]
pub struct Vault {
    /// How this vault's placeholders begin.
    marker: String,
    sealed: Vec<Sealed>,
    /// Secrets of 8 bytes or more, and placeholders.
    answers: Masker,
    /// Secrets of 4 bytes or more, and placeholders.
    messages: Masker,
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
        Ok(Vault { marker, sealed: Vec::new(), answers: Masker::default(), messages: Masker::default() })
    }

    /// Takes a secret in and gives its placeholder; the same one if it is given again.
    ///
    /// # Errors
    /// The secret is empty or longer than 64 KiB, or its name is taken.
    pub fn seal(&mut self, name: &str, secret: Secret, binding: Binding) -> Result<String, VaultError> {
        let value = secret.expose();
        if name.is_empty() || name.contains('}') {
            return Err(VaultError::Name(name.to_owned()));
        }
        if value.is_empty() {
            return Err(VaultError::Empty(name.to_owned()));
        }
        if value.len() > MAX_SECRET_BYTES {
            return Err(VaultError::TooLong(name.to_owned()));
        }
        if let Some(known) = self.sealed.iter().find(|sealed| sealed.name == name) {
            let same = known.secret == secret && known.binding == binding;
            return if same {
                Ok(known.placeholder.clone())
            } else {
                Err(VaultError::Twice(name.to_owned()))
            };
        }
        let clean = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }
        };
        let label: String = name.chars().map(clean).collect();
        // The number keeps one placeholder from being the beginning of another.
        let placeholder = format!("{}{:04x}-{label}", self.marker, self.sealed.len());
        let needles = needles(value);
        self.sealed.push(Sealed {
            name: name.to_owned(),
            placeholder: placeholder.clone(),
            secret,
            binding,
            needles,
        });
        match (self.masker(MIN_MASKED_BYTES), self.masker(MIN_REDACTED_BYTES)) {
            (Ok(answers), Ok(messages)) => {
                (self.answers, self.messages) = (answers, messages);
                Ok(placeholder)
            }
            // Only a pattern set beyond the automaton's address space fails to build.
            _ => {
                self.sealed.pop();
                Err(VaultError::TooLong(name.to_owned()))
            }
        }
    }

    /// Text with `${secrets.NAME}` in each placeholder's place, fit for storing: it outlives this vault.
    pub fn reference(&self, text: &str) -> String {
        let text = text.replace(REFERENCE, ESCAPED);
        let expanded = self.expand(&text, |found| match found {
            Some(sealed) => Ok(format!("{REFERENCE}{}}}", sealed.name)),
            // A placeholder cut short leads nowhere, and its random part need not be kept.
            None => Ok::<_, std::convert::Infallible>(STARS.to_owned()),
        });
        match expanded {
            Ok(expanded) => expanded.unwrap_or(text),
        }
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
                let known = self.sealed.iter().find(|sealed| sealed.name == name);
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
        let redacted = match self.messages.replace(text.as_bytes(), |_| Some(STARS.as_bytes())) {
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
        self.answers.replace(text, |found| match found {
            Found::Placeholder => None,
            Found::Secret(index) => self.sealed.get(index).map(|sealed| sealed.placeholder.as_bytes()),
        })
    }

    /// The name of the first placeholder in the text; `?` for one that is cut short.
    pub(crate) fn placeholder_in(&self, text: &[u8]) -> Option<String> {
        let at = memmem::find(text, self.marker.as_bytes())?;
        let found = text.get(at..).unwrap_or_default();
        let sealed = self.sealed.iter().find(|sealed| found.starts_with(sealed.placeholder.as_bytes()));
        Some(sealed.map_or_else(|| "?".to_owned(), |sealed| sealed.name.clone()))
    }

    /// The first whole placeholder in the text.
    pub(crate) fn first_placeholder(&self, text: &str) -> Option<&str> {
        let found = text.get(text.find(&self.marker)?..)?;
        let sealed = self.sealed.iter().find(|sealed| found.starts_with(&sealed.placeholder))?;
        Some(&sealed.placeholder)
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
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.marker) {
            let (before, found) = rest.split_at(at);
            out.push_str(before);
            let sealed = self.sealed.iter().find(|sealed| found.starts_with(&sealed.placeholder));
            out.push_str(&value(sealed)?);
            let length = sealed.map_or(self.marker.len(), |sealed| sealed.placeholder.len());
            rest = found.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(Some(out))
    }

    fn masker(&self, min_bytes: usize) -> Result<Masker, aho_corasick::BuildError> {
        let secrets = self.sealed.iter().enumerate();
        Masker::build(secrets.flat_map(|(index, sealed)| {
            let bytes = sealed.placeholder.clone().into_bytes();
            let placeholder = (Found::Placeholder, Needle { bytes, before: false, after: false });
            let looked_for = sealed.secret.expose().len() >= min_bytes;
            let needles = sealed.needles.iter().filter(move |_| looked_for);
            let needles = needles.map(move |needle| (Found::Secret(index), needle.clone()));
            std::iter::once(placeholder).chain(needles)
        }))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.sealed.iter().map(|sealed| sealed.name.as_str()).collect();
        f.debug_struct("Vault").field("secrets", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
