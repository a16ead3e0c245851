//! Runs that are killed at any call, and what the next ones make of what they left.

use super::Place;
use super::left_over::assert_no_leftovers;
use super::loads::{DISPOSITIONS, load, page, pending, table};
use super::places::{quick_places, slow_places};
use crate::*;

/// The pages of a load, one for each pending `seq`; rows of several loads share keys.
const PAGES: [&str; 4] = [
    "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n",
    "{\"id\":3,\"name\":\"c\",\"extra\":[1,{\"x\":null}]}\n",
    "",
    "{\"id\":4,\"gone\":null,\"late\":0.5}\n{\"id\":5}",
];

/// How a run that broke off is taken up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    Resume,
    Undo,
}

/// A run that is killed before the call numbered `dies_at`, counted in `calls`.
struct Run {
    calls: usize,
    dies_at: usize,
}

struct Killed;

impl Run {
    fn call<T>(&mut self, result: impl FnOnce() -> Result<T, DestinationError>) -> Result<T, Killed> {
        if self.calls == self.dies_at {
            return Err(Killed);
        }
        self.calls += 1;
        Ok(result().unwrap())
    }

    /// What a driver does, with a commit every `commit_every` pages.
    fn go(
        &mut self,
        place: &Place,
        table: &Table,
        load_id: &str,
        after: After,
        commit_every: usize,
    ) -> Result<(), Killed> {
        let mut to = place.open();
        let resource = &table.resource;
        let found = to.state();
        let mut running =
            found.loads.get(resource).filter(|load| load.status == LoadStatus::Running).cloned();
        if let Some(broken) = running.take_if(|_| after == After::Undo) {
            self.call(|| to.undo(table, &broken.load_id))?;
            let forget = [
                Change::DropPending { resource: resource.clone() },
                Change::LoadForgotten { resource: resource.clone() },
            ];
            self.call(|| to.record(&forget))?;
        }
        let (load, mut todo) = match running {
            Some(load) => {
                self.call(|| to.resume(table, &load))?;
                (load, found.pending.iter().map(|page| page.seq).collect())
            }
            None => {
                let load = load(resource, load_id);
                self.call(|| to.begin(table, &load))?;
                let todo: Vec<u64> = (0..PAGES.len() as u64).collect();
                let changes: Vec<Change> = todo.iter().copied().map(pending).collect();
                self.call(|| to.record(&changes))?;
                (load, todo)
            }
        };
        let mut since_commit = 0;
        while let Some(seq) = todo.pop() {
            let rows = page(PAGES[seq as usize], &load.load_id);
            self.call(|| to.write(table, &rows, &[Change::Done { seq }]))?;
            since_commit += 1;
            if since_commit == commit_every {
                since_commit = 0;
                self.call(|| to.commit())?;
            }
        }
        self.call(|| to.finish(table, &load, &[]))?;
        self.call(|| to.commit())
    }
}

pub(super) fn clean(place: &Place, table: &Table, load_id: &str) {
    let mut run = Run { calls: 0, dies_at: usize::MAX };
    assert!(run.go(place, table, load_id, After::Resume, 1).is_ok());
}

/// How often a run commits, and how it is taken up.
const WAYS: [(usize, After); 4] =
    [(1, After::Resume), (1, After::Undo), (3, After::Resume), (3, After::Undo)];

/// What one clean run leaves of rows that another has left, and what was there before it.
fn cleanly(place: &Place, table: &Table) -> (Vec<String>, Vec<String>) {
    clean(place, table, "0");
    let before = place.rows("tasks");
    clean(place, table, "1");
    let expected = place.rows("tasks");
    assert_eq!(expected.len(), if table.disposition == Disposition::Append { 10 } else { 5 });
    (before, expected)
}

fn is_whole(place: &Place, expected: &[String], context: &str) {
    assert_eq!(place.rows("tasks"), expected, "{context}");
    let state = place.open().state();
    assert_eq!(state.pending, [], "{context}");
    assert_eq!(state.loads["tasks"].status, LoadStatus::Complete);
    assert_no_leftovers(place);
}

/// A run that dies at any call, and dies again at any call, and is then let through, leaves what one clean run leaves.
fn killed_at_any_call_twice(places: fn() -> Vec<Place>, disposition: Disposition, ways: &[(usize, After)]) {
    let table = table("tasks", disposition);
    for (commit_every, after) in ways.iter().copied() {
        for (index, reference) in places().iter().enumerate() {
            let (before, expected) = cleanly(reference, &table);
            for dies_at in 0.. {
                let place = places().remove(index);
                clean(&place, &table, "0");
                let mut run = Run { calls: 0, dies_at };
                if run.go(&place, &table, "1", after, commit_every).is_ok() {
                    break;
                }
                if disposition == Disposition::Replace {
                    assert_eq!(place.rows("tasks"), before, "not swapped before the end");
                }
                let mut run = Run { calls: 0, dies_at: dies_at / 2 };
                if run.go(&place, &table, "2", after, commit_every).is_err() {
                    let_through(&place, &table, after, commit_every);
                }
                let context =
                    format!("{disposition:?} {commit_every} {after:?} {dies_at} {:?}", place.door());
                is_whole(&place, &expected, &context);
            }
        }
    }
}

fn let_through(place: &Place, table: &Table, after: After, commit_every: usize) {
    let mut run = Run { calls: 0, dies_at: usize::MAX };
    assert!(run.go(place, table, "3", after, commit_every).is_ok());
}

#[test]
fn killed_at_any_call_twice_under_append() {
    killed_at_any_call_twice(quick_places, Disposition::Append, &WAYS);
}

#[test]
fn killed_at_any_call_twice_under_replace() {
    killed_at_any_call_twice(quick_places, Disposition::Replace, &WAYS);
}

#[test]
fn killed_at_any_call_twice_under_merge() {
    killed_at_any_call_twice(quick_places, Disposition::Merge, &WAYS);
}

/// Where opening takes long, in one way only.
#[test]
fn killed_at_any_call_twice_in_slow_places() {
    killed_at_any_call_twice(slow_places, Disposition::Merge, &WAYS[..1]);
}

/// Runs of which each dies one call later than the one before, until one is through: in every way.
#[test]
fn killed_one_call_later_each_time() {
    for disposition in DISPOSITIONS {
        let table = table("tasks", disposition);
        for (index, reference) in slow_places().iter().enumerate() {
            let (before, expected) = cleanly(reference, &table);
            for (commit_every, after) in WAYS {
                let place = slow_places().remove(index);
                clean(&place, &table, "0");
                let mut dies_at = 0;
                let mut run = Run { calls: 0, dies_at };
                while run.go(&place, &table, &format!("1{dies_at}"), after, commit_every).is_err() {
                    if disposition == Disposition::Replace {
                        assert_eq!(place.rows("tasks"), before, "not swapped before the end");
                    }
                    dies_at += 1;
                    run = Run { calls: 0, dies_at };
                }
                assert!(dies_at > 4, "{dies_at}");
                let context = format!("{disposition:?} {commit_every} {after:?} {:?}", place.door());
                is_whole(&place, &expected, &context);
            }
        }
    }
}
