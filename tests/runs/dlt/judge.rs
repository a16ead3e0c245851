//! Whether what a case came to is what the list of differences says.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

/// What is compared with dlt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Aspect {
    /// Whether it ended well.
    Outcome,
    /// What was sent, in any order.
    Requests,
    /// What each resource gave, in any order.
    Rows,
    /// The tables that these are in a database, in tables like dlt's; compared where all else but requests is as dlt's.
    Tables,
}

/// Why a difference is one on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    /// What dlt takes, or passes over, is refused.
    Stricter,
    /// It does what dlt does, with less that can go wrong.
    Safer,
    /// Rows come that dlt does not bring.
    MoreComplete,
    /// A feature that is not here yet, and says so: nothing is read or lost meanwhile.
    Later,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stricter => "stricter",
            Self::Safer => "safer",
            Self::MoreComplete => "more complete",
            Self::Later => "later",
        })
    }
}

/// An entry of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Difference {
    pub(super) class: Class,
    pub(super) differs: BTreeSet<Aspect>,
    pub(super) why: String,
    /// What the program prints for it.
    #[serde(default)]
    pub(super) says: Option<String>,
}

/// What the program did on a case.
#[derive(Debug)]
pub(super) struct Seen {
    /// In what it was not as dlt.
    pub(super) differs: BTreeSet<Aspect>,
    /// The exit code of each run.
    pub(super) codes: Vec<Option<i32>>,
    pub(super) is_dlt_ok: bool,
    pub(super) stderr: String,
}

/// What is wrong with the list, if anything is.
pub(super) fn judge(seen: &Seen, listed: Option<&Difference>) -> Option<String> {
    let Some(listed) = listed else {
        return (!seen.differs.is_empty())
            .then(|| format!("differs in {:?} and is not listed", seen.differs));
    };
    if seen.differs.is_empty() {
        return Some("no longer differs: take it off the list".to_owned());
    }
    if seen.differs != listed.differs {
        return Some(format!("differs in {:?}, and the list says {:?}", seen.differs, listed.differs));
    }
    if let Some(says) = listed.says.as_ref().filter(|says| !seen.stderr.contains(says.as_str())) {
        return Some(format!("does not say `{says}`"));
    }
    let is_ok = seen.codes.iter().all(|code| *code == Some(0));
    let is_refused = seen.codes.iter().all(|code| matches!(code, Some(2 | 5)));
    match listed.class {
        Class::Later if !is_refused => Some(format!("is not here yet, and not refused: {:?}", seen.codes)),
        Class::MoreComplete if !is_ok => Some(format!("is no more complete: {:?}", seen.codes)),
        Class::Stricter if !seen.is_dlt_ok && is_ok => Some("takes what dlt refuses".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(differs: &[Aspect], code: i32, is_dlt_ok: bool) -> Seen {
        let differs = differs.iter().copied().collect();
        Seen { differs, codes: vec![Some(code)], is_dlt_ok, stderr: "error: no such thing".into() }
    }

    fn listed(class: &str, says: &str) -> Difference {
        let says = if says.is_empty() { String::new() } else { format!("says = \"{says}\"") };
        toml::from_str(&format!("class = \"{class}\"\ndiffers = [\"outcome\"]\nwhy = \"it is so\"\n{says}"))
            .unwrap()
    }

    #[test]
    fn a_list_that_is_not_so_is_found() {
        use Aspect::{Outcome, Rows};
        let cases = [
            (seen(&[], 0, true), None, None),
            (seen(&[Rows], 0, true), None, Some("not listed")),
            (seen(&[], 0, true), Some(listed("safer", "")), Some("no longer differs")),
            (seen(&[Rows], 0, true), Some(listed("safer", "")), Some("the list says")),
            (seen(&[Outcome, Rows], 0, true), Some(listed("safer", "")), Some("the list says")),
            (seen(&[Outcome], 5, true), Some(listed("stricter", "")), None),
            (seen(&[Outcome], 5, true), Some(listed("stricter", "no such thing")), None),
            (seen(&[Outcome], 5, true), Some(listed("stricter", "another")), Some("does not say")),
            (seen(&[Outcome], 0, false), Some(listed("stricter", "")), Some("takes what dlt refuses")),
            (seen(&[Outcome], 2, true), Some(listed("later", "no such")), None),
            (seen(&[Outcome], 1, true), Some(listed("later", "no such")), Some("not refused")),
            (seen(&[Outcome], 0, false), Some(listed("later", "no such")), Some("not refused")),
            (seen(&[Outcome], 0, false), Some(listed("more-complete", "")), None),
            (seen(&[Outcome], 5, true), Some(listed("more-complete", "")), Some("no more complete")),
        ];
        for (at, (seen, listed, expected)) in cases.iter().enumerate() {
            let found = judge(seen, listed.as_ref());
            match expected {
                None => assert_eq!(found, None, "case {at}"),
                Some(part) => {
                    assert!(found.as_ref().is_some_and(|f| f.contains(part)), "case {at}: {found:?}")
                }
            }
        }
    }
}
