//! Requests per second to one origin: when the next may be sent, for this run and for others on this machine.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A time in a file that lies further ahead than this many intervals, or minutes, is of a clock that was set back.
const FAR: f64 = 2.0;

/// Takes the next slot. `free_ms` is when it is free, `now_ms` the time; both Unix time.
///
/// Slots lie evenly: so many a second never come at once. `Ok`: the request may be sent, and the slot after it is free
/// then. `Err`: not before that time.
pub fn take(free_ms: f64, now_ms: u64, per_s: f64) -> Result<f64, u64> {
    let (now, interval_ms) = (now_ms as f64, 1_000.0 / per_s);
    if free_ms > now && free_ms - now <= FAR * interval_ms.max(60_000.0) {
        return Err(free_ms.ceil() as u64);
    }
    // The clock leaves out the millisecond that has begun.
    let slot_ms = if free_ms > now { now } else { free_ms.max(now - 1.0) };
    Ok(slot_ms + interval_ms)
}

/// The pace of one origin.
#[derive(Debug)]
pub struct Pace {
    per_s: f64,
    free_ms: f64,
    /// The file that all runs on this machine go by.
    shared: Option<PathBuf>,
}

impl Pace {
    /// `folder` is where runs share their paces; `None`: this one keeps its own.
    pub fn new(per_s: f64, origin: &str, folder: Option<&Path>) -> Self {
        let name = |origin: &str| {
            let digest = Sha256::digest(origin.as_bytes());
            digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        Self { per_s, free_ms: 0.0, shared: folder.map(|folder| folder.join(name(origin))) }
    }

    /// Takes a slot: `Err(until_ms)` where the next one is not free yet. A file that cannot be used is left alone from then
    /// on, and given back for what is to be said of it.
    pub fn take(&mut self, now_ms: u64) -> (Result<(), u64>, Option<io::Error>) {
        let mut broken = None;
        if let Some(file) = &self.shared {
            match take_in(file, self.free_ms, now_ms, self.per_s) {
                Ok(taken) => return (self.keep(taken), None),
                Err(error) => broken = Some(error),
            }
            self.shared = None;
        }
        let taken = take(self.free_ms, now_ms, self.per_s);
        (self.keep(taken), broken)
    }

    fn keep(&mut self, taken: Result<f64, u64>) -> Result<(), u64> {
        taken.map(|free_ms| self.free_ms = free_ms)
    }
}

/// The same on the time that stands in a file, under its lock.
fn take_in(path: &Path, own_ms: f64, now_ms: u64, per_s: f64) -> io::Result<Result<f64, u64>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    let taken = take(stored(&mut file)?.max(own_ms), now_ms, per_s);
    if let Ok(free_ms) = taken {
        file.rewind()?;
        file.set_len(0)?;
        write!(file, "{free_ms:.3}")?;
    }
    // Closing unlocks.
    Ok(taken)
}

/// A text that is no time, such as that of a run which was cut off while it wrote, is none.
fn stored(file: &mut File) -> io::Result<f64> {
    let mut text = Vec::new();
    file.take(64).read_to_end(&mut text)?;
    let time = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<f64>().ok());
    Ok(time.filter(|time| time.is_finite()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slots_lie_evenly() {
        let cases = [
            // free, now, per second, what comes of it
            (0.0, 10_000, 5.0, Ok(10_199.0)),
            (10_200.0, 10_000, 5.0, Err(10_200)),
            (10_199.5, 10_199, 5.0, Err(10_200)),
            (10_199.5, 10_200, 5.0, Ok(10_399.5)),
            (10_200.0, 10_200, 5.0, Ok(10_400.0)),
            (0.0, 10_000, 0.5, Ok(11_999.0)),
            // A clock that was set back by a day.
            (86_410_000.0, 10_000, 5.0, Ok(10_200.0)),
            // A slow pace may well have its next slot minutes ahead.
            (150_000.0, 10_000, 0.01, Err(150_000)),
        ];
        for (free_ms, now_ms, per_s, expected) in cases {
            assert_eq!(take(free_ms, now_ms, per_s), expected, "{free_ms} {now_ms} {per_s}");
        }
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_its_share(per_s in 0.2..50.0f64, steps in prop::collection::vec(0..400u64, 1..200)) {
            let (mut free_ms, mut now_ms, mut sent) = (0.0, 1_000_000u64, Vec::new());
            for step in steps {
                now_ms += step;
                if let Ok(next_ms) = take(free_ms, now_ms, per_s) {
                    (free_ms, _) = (next_ms, sent.push(now_ms));
                }
            }
            for (at, first) in sent.iter().enumerate() {
                let within = sent.iter().skip(at).filter(|time| **time < first + 1_000).count();
                prop_assert!(within as f64 <= per_s.ceil() + 1.0, "{within} in a second");
            }
        }

        #[test]
        fn who_waits_as_told_is_served(per_s in 0.2..50.0f64, now_ms in 0..u64::from(u32::MAX)) {
            let free_ms = take(0.0, now_ms, per_s).unwrap();
            if let Err(until_ms) = take(free_ms, now_ms, per_s) {
                prop_assert!(take(free_ms, until_ms, per_s).is_ok());
            }
        }
    }

    #[test]
    fn runs_on_one_machine_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let pace = || Pace::new(10.0, "https://api.test", Some(folder.path()));
        let (mut one, mut two) = (pace(), pace());
        assert_eq!(one.take(5_000).0, Ok(()));
        assert_eq!(two.take(5_000).0, Err(5_099));
        assert_eq!(two.take(5_099).0, Ok(()));
        assert_eq!(one.take(5_100).0, Err(5_199));
        let mut other = Pace::new(10.0, "https://other.test", Some(folder.path()));
        assert_eq!(other.take(5_000).0, Ok(()));
        // What is no time is none.
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::write(file.unwrap().path(), "soon").unwrap();
        }
        assert_eq!(pace().take(5_000).0, Ok(()));
    }

    #[test]
    fn where_nothing_can_be_shared_it_is_said_and_the_pace_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut pace = Pace::new(10.0, "https://api.test", Some(&file.join("below")));
        let (taken, broken) = pace.take(5_000);
        assert!(taken.is_ok() && broken.is_some());
        let (taken, broken) = pace.take(5_000);
        assert!(taken.is_err() && broken.is_none());
    }
}
