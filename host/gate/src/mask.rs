//! Finds secrets and placeholders in bytes and puts something else in their place, in one pass.

use std::collections::BTreeSet;

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use crate::needles::Needle;

/// What a pattern of the automaton stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A placeholder.
    Placeholder,
    /// The secret at this index of the vault.
    Secret(usize),
}

/// Looks for many patterns at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masker {
    /// Finds the beginnings of the patterns, ten times faster than the automaton finds the patterns. Most answers
    /// hold none. None where the machine has no vector instructions, or the patterns are too many.
    beginnings: Option<Searcher>,
    /// None while there is nothing to look for.
    automaton: Option<AhoCorasick>,
    /// By pattern.
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy)]
struct Target {
    found: Found,
    before: bool,
    after: bool,
}

impl Masker {
    /// Where patterns overlap, the leftmost wins, then the longest: a placeholder is found whole even if a secret's
    /// value stands in it.
    pub(crate) fn build(patterns: impl Iterator<Item = (Found, Needle)>) -> Result<Masker, BuildError> {
        let mut targets = Vec::new();
        let mut texts = Vec::new();
        for (found, Needle { bytes, before, after }) in patterns {
            targets.push(Target { found, before, after });
            texts.push(bytes);
        }
        if texts.is_empty() {
            return Ok(Masker::default());
        }
        let beginnings = beginnings(&texts);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts)?;
        Ok(Masker { beginnings, automaton: Some(automaton), targets })
    }

    /// The text with each find replaced by what `with` gives for it; `None` if nothing was.
    pub(crate) fn replace<'a>(
        &self,
        text: &[u8],
        with: impl Fn(Found) -> Option<&'a [u8]>,
    ) -> Option<Vec<u8>> {
        let automaton = self.automaton.as_ref()?;
        if self.beginnings.as_ref().is_some_and(|beginnings| beginnings.find(text).is_none()) {
            return None;
        }
        let mut out: Option<Vec<u8>> = None;
        let mut copied = 0;
        for hit in automaton.find_iter(text) {
            let Some(target) = self.targets.get(hit.pattern().as_usize()) else {
                continue;
            };
            let Some(word) = with(target.found) else { continue };
            let (mut start, mut end) = (hit.start(), hit.end());
            if target.before && start > copied && text.get(start - 1).is_some_and(is_base64) {
                start -= 1;
            }
            if target.after && text.get(end).is_some_and(is_base64) {
                end += 1;
            }
            // The end of one find may have taken a character of the next.
            let start = start.max(copied);
            let out = out.get_or_insert_with(|| Vec::with_capacity(text.len() + word.len()));
            out.extend_from_slice(text.get(copied..start).unwrap_or_default());
            out.extend_from_slice(word);
            copied = end;
        }
        if let Some(out) = &mut out {
            out.extend_from_slice(text.get(copied..).unwrap_or_default());
        }
        out
    }
}

/// A searcher for the first bytes of each text: as many bytes as leave it few enough patterns to be fast.
fn beginnings(texts: &[Vec<u8>]) -> Option<Searcher> {
    const FAST_PATTERNS: usize = 64;
    [8, 6, 4].iter().find_map(|&length| {
        let distinct: BTreeSet<&[u8]> = texts.iter().map(|text| text.get(..length).unwrap_or(text)).collect();
        if distinct.len() > FAST_PATTERNS {
            return None;
        }
        packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder().extend(distinct).build()
    })
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)
}
