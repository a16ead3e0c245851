//! Whether a run that broke off goes on or starts again: a pure decision for each tree of resources.

use std::collections::HashSet;

use sanderling_destination::{Load, LoadStatus, State};
use sha2::{Digest, Sha256};

use super::hex;
use super::mode::Mode;
use super::plan::Plan;

/// How a tree starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Where the last run broke off.
    Resume,
    /// From the first page.
    Fresh,
    /// Not at all: the run that broke off has read it to its end, and this one goes on with that run.
    Done,
    /// From the first page, although the last run broke off; what it had written is undone.
    Again(Why),
}

/// Why a run that broke off cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// `--fresh`.
    #[error("--fresh was given")]
    Asked,
    /// Another config, or other resources of it.
    #[error("the config, or what is read of it, has changed since")]
    ConfigChanged,
    /// Another connector.
    #[error("the connector has changed since")]
    ConnectorChanged,
    /// It is too long ago.
    #[error("it broke off {} ago, and `resume_within` is {}", span(*.age_ms), span(*.within_ms))]
    TooOld {
        /// Since its last commit.
        age_ms: u64,
        /// What is allowed.
        within_ms: u64,
    },
    /// Its rows failed a check, so that they are not to be trusted.
    #[error("its rows did not pass the checks")]
    Refused,
    /// What it had written is not as it left it.
    #[error("what it had written has been changed: {0}")]
    OutputChanged(String),
    /// A part of the state is not there any more.
    #[error("a part of its state has been reset")]
    Forgotten,
    /// The rows under its pages have moved.
    #[error("`{resource}` had {before} rows then and has {now} now")]
    TotalChanged {
        /// Whose total.
        resource: String,
        /// Then.
        before: u64,
        /// Now.
        now: u64,
    },
}

fn span(time_ms: u64) -> String {
    match time_ms / 1_000 {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// What the checkpoint of a tree belongs to: the config, and which of the tree's resources are read and written.
pub fn fingerprint(plan: &Plan, root: usize, config: &str, max_pages: Option<u64>, mode: &Mode) -> String {
    let mut hash = Sha256::new();
    hash.update(config);
    // What is complete within `--max-pages` is not complete without.
    hash.update(format!("\0{max_pages:?}{}", mode.fingerprint()));
    for at in plan.tree(root) {
        let resource = &plan.resources[at];
        hash.update([0, u8::from(resource.written)]);
        hash.update(&resource.name);
    }
    hex(&hash.finalize())
}

/// The loads of a tree, as far as there are any.
pub fn loads_of_tree<'s>(plan: &Plan, root: usize, state: &'s State) -> Vec<&'s Load> {
    plan.tree(root).filter_map(|at| state.loads.get(&plan.resources[at].name)).collect()
}

/// Decides for the tree of `root`.
pub fn decide_tree(plan: &Plan, root: usize, state: &State, now: Now<'_>) -> Start {
    let of_tree = |name: &str| plan.find(name).is_some_and(|at| plan.resources[at].root == root);
    let pending = state.pending.iter().any(|page| of_tree(&page.resource));
    let loads = loads_of_tree(plan, root, state);
    match decide(&loads, pending, now) {
        Start::Resume if loads.len() < plan.tree(root).count() => Start::Again(Why::Forgotten),
        start => start,
    }
}

/// When the pass that the broken of `loads` belong to made its last commit, in Unix time.
pub fn broke_off_ms(loads: &[&Load], state: &State) -> u64 {
    let broken = loads.iter().filter(|load| load.status != LoadStatus::Complete);
    let passes: HashSet<u64> = broken.map(|load| load.started_ms).collect();
    let of_pass = state.loads.values().filter(|load| passes.contains(&load.started_ms));
    of_pass.map(|load| load.updated_ms).max().unwrap_or_default()
}

/// What a decision goes by.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// Of the tree's config.
    pub fingerprint: &'a str,
    /// Of the component.
    pub connector_digest: &'a str,
    /// Unix time.
    pub now_ms: u64,
    /// When the run that broke off made its last commit.
    pub broke_off_ms: u64,
    /// How old a broken load may be.
    pub resume_within_ms: u64,
    /// `--fresh`.
    pub fresh: bool,
}

/// Decides for the loads of one tree; `pending` says whether pages of it were left.
pub fn decide(loads: &[&Load], pending: bool, now: Now<'_>) -> Start {
    if loads.iter().all(|load| load.status == LoadStatus::Complete) {
        return Start::Fresh;
    }
    let age_ms = now.now_ms.saturating_sub(now.broke_off_ms);
    Start::Again(if now.fresh {
        Why::Asked
    } else if !pending || loads.iter().any(|load| load.status == LoadStatus::Refused) {
        Why::Refused
    } else if loads.iter().any(|load| load.fingerprint != now.fingerprint) {
        Why::ConfigChanged
    } else if loads.iter().any(|load| load.connector_digest != now.connector_digest) {
        Why::ConnectorChanged
    } else if age_ms > now.resume_within_ms {
        Why::TooOld { age_ms, within_ms: now.resume_within_ms }
    } else {
        return Start::Resume;
    })
}

/// A pass over all trees that the last run broke off in, and that this one goes on with. What the pass has finished is
/// not read again: it would be there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The mark of its loads.
    pub began_ms: u64,
    /// Whether a tree of it goes on where it broke off, and does not start again only.
    pub resumes: bool,
}

impl Pass {
    /// The pass of a tree that starts so, if it goes on.
    pub fn of(start: &Start, began_ms: u64) -> Option<Self> {
        match start {
            Start::Resume => Some(Self { began_ms, resumes: true }),
            Start::Again(Why::Refused | Why::OutputChanged(_) | Why::TotalChanged { .. }) => {
                Some(Self { began_ms, resumes: false })
            }
            Start::Again(
                Why::Asked | Why::ConfigChanged | Why::ConnectorChanged | Why::Forgotten | Why::TooOld { .. },
            )
            | Start::Fresh
            | Start::Done => None,
        }
    }
}

/// Whether the loads of one tree are complete, and of a pass that goes on.
pub fn is_done(loads: &[&Load], passes: &[Pass], now: Now<'_>) -> bool {
    let done = |load: &&Load| {
        // A tree that is refused time and again must not keep the others from ever being read anew.
        let young = now.now_ms.saturating_sub(load.updated_ms) <= now.resume_within_ms;
        load.status == LoadStatus::Complete
            && passes.iter().any(|pass| pass.began_ms == load.started_ms && (pass.resumes || young))
            && load.fingerprint == now.fingerprint
            && load.connector_digest == now.connector_digest
    };
    !loads.is_empty() && loads.iter().all(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(status: LoadStatus) -> Load {
        Load {
            fingerprint: "f".into(),
            connector_digest: "d".into(),
            started_ms: 500,
            updated_ms: 1_000,
            status,
            ..Load::default()
        }
    }

    const NOW: Now<'static> = Now {
        fingerprint: "f",
        connector_digest: "d",
        now_ms: 2_000,
        broke_off_ms: 1_000,
        resume_within_ms: 3_600_000,
        fresh: false,
    };

    #[test]
    fn what_is_complete_starts_afresh_and_what_broke_off_goes_on() {
        let (complete, running) = (load(LoadStatus::Complete), load(LoadStatus::Running));
        assert_eq!(decide(&[], false, NOW), Start::Fresh);
        assert_eq!(decide(&[&complete], false, NOW), Start::Fresh);
        assert_eq!(decide(&[&complete, &running], true, NOW), Start::Resume);
    }

    #[test]
    fn what_is_complete_is_done_while_its_pass_goes_on() {
        let (complete, running) = (load(LoadStatus::Complete), load(LoadStatus::Running));
        let changed = Now { fingerprint: "g", ..NOW };
        let pass = |began_ms, resumes| [Pass { began_ms, resumes }];
        assert!(is_done(&[&complete, &complete], &pass(500, true), NOW));
        assert!(!is_done(&[&complete], &pass(400, true), NOW) && !is_done(&[&complete], &[], NOW));
        assert!(!is_done(&[&complete, &running], &pass(500, true), NOW));
        assert!(!is_done(&[], &pass(500, true), NOW));
        assert!(!is_done(&[&complete], &pass(500, true), changed));
        let late = Now { now_ms: 3_601_001, ..NOW };
        assert!(is_done(&[&complete], &pass(500, true), late));
        assert!(
            is_done(&[&complete], &pass(500, false), NOW) && !is_done(&[&complete], &pass(500, false), late)
        );
    }

    #[test]
    fn what_cannot_go_on_says_why() {
        let running = load(LoadStatus::Running);
        let refused = load(LoadStatus::Refused);
        let late = Now { now_ms: 3_601_001, ..NOW };
        let cases = [
            (&running, true, Now { fresh: true, ..NOW }, Why::Asked),
            (&running, false, NOW, Why::Refused),
            (&refused, true, NOW, Why::Refused),
            (&running, true, Now { fingerprint: "g", ..NOW }, Why::ConfigChanged),
            (&running, true, Now { connector_digest: "e", ..NOW }, Why::ConnectorChanged),
            (&running, true, late, Why::TooOld { age_ms: 3_600_001, within_ms: 3_600_000 }),
        ];
        for (load, pending, now, why) in cases {
            assert_eq!(decide(&[load], pending, now), Start::Again(why));
        }
    }
}
