//! Which parent brought each key of a load, as far as that is held in memory.

use std::collections::HashMap;

use crate::key::KeyDigest;

/// Some 40 MB. What a key beyond them is of is looked up when all rows have come.
const MAX_KEYS: usize = if cfg!(test) { 4 } else { 1_000_000 };

#[derive(Debug)]
pub(crate) struct Parents {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    holders: HashMap<KeyDigest, u32>,
    is_whole: bool,
}

impl Parents {
    /// Of a load that has brought nothing yet.
    pub(crate) fn begun() -> Self {
        Self { is_whole: true, ..Self::resumed() }
    }

    /// Of a load that has brought rows before.
    pub(crate) fn resumed() -> Self {
        Self { names: Vec::new(), numbers: HashMap::new(), holders: HashMap::new(), is_whole: false }
    }

    /// Whether it holds every key that has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The parent that has brought a key, where that is held.
    pub(crate) fn holder(&self, digest: &KeyDigest) -> Option<&str> {
        let number = usize::try_from(*self.holders.get(digest)?).ok()?;
        self.names.get(number).map(String::as_str)
    }

    /// Holds whose keys these are, while there is room.
    pub(crate) fn note(&mut self, parent: &str, digests: &[KeyDigest]) {
        if self.holders.len() + digests.len() > MAX_KEYS {
            self.is_whole = false;
            return;
        }
        let number = match self.numbers.get(parent) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.names.push(parent.to_owned());
                self.numbers.insert(parent.to_owned(), number);
                number
            }
        };
        self.holders.extend(digests.iter().map(|digest| (*digest, number)));
    }
}
