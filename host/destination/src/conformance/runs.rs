//! Who may write to a place, and when.

use super::left_over::assert_no_leftovers;
use super::loads::{load, page, pending, table};
use super::{Place, local_places, places};
use crate::*;

#[test]
fn calls_out_of_order() {
    for place in places() {
        let mut to = place.open();
        let table = table("tasks", Disposition::Append);
        let refused = to.write(&table, &page("{}\n", "1"), &[]).unwrap_err();
        assert!(matches!(refused, DestinationError::NotBegun { .. }), "{refused}");
        let refused = to.finish(&table, &load("tasks", "1"), &[]).unwrap_err();
        assert!(matches!(refused, DestinationError::NotBegun { .. }), "{refused}");
        let refused = to.resume(&table, &load("tasks", "1")).unwrap_err();
        assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
        to.commit().unwrap();
        to.commit().unwrap();
    }
}

#[test]
fn one_run_at_a_time() {
    // In a store (below), and on a server that a driver speaks to (`sql/adbc/tests.rs`), the first one to commit keeps the others
    // from it.
    let commits = |place: &Place| {
        matches!(place.target, Target::Store { .. } | Target::Adbc { .. })
            || (place.driven.is_some() && matches!(place.target, Target::Postgres { .. }))
    };
    for place in places().into_iter().filter(|place| !commits(place)) {
        let to = place.open();
        // A server keeps pipelines apart.
        let server = matches!(place.target, Target::Postgres { .. });
        let refused = Destination::open(place.door(), if server { "demo" } else { "other" }).unwrap_err();
        let busy = matches!(
            refused,
            DestinationError::Locked { by: "run", .. }
                | DestinationError::Server { failure: ServerFailure::Busy, .. }
        );
        assert!(busy, "{refused}");
        drop(to);
        place.open();
    }
}

/// Of two runs into a store the one that commits later is refused, and nothing of it counts, now or ever.
#[test]
fn two_runs_into_a_store_at_once() {
    for place in places().into_iter().filter(|place| matches!(place.target, Target::Store { .. })) {
        let tasks = table("tasks", Disposition::Append);
        let (mut one, mut two) = (place.open(), place.open());
        for (to, id) in [(&mut one, "1"), (&mut two, "2")] {
            to.begin(&tasks, &load("tasks", id)).unwrap();
            to.write(&tasks, &page(&format!("{{\"id\":{id}}}\n"), id), &[]).unwrap();
        }
        one.commit().unwrap();
        let refused = two.commit().unwrap_err();
        assert!(
            matches!(refused, DestinationError::Locked { by: "run", .. }),
            "{:?} {refused:?}",
            place.target
        );
        assert!(matches!(two.commit(), Err(DestinationError::Stopped { .. })));
        one.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
        one.commit().unwrap();
        drop((one, two));
        assert_eq!(place.rows("tasks"), ["{\"id\":1}"], "{:?}", place.target);
        assert_eq!(place.open().state().loads["tasks"].load_id, "1");
        assert_no_leftovers(&place);
    }
}

#[test]
fn a_place_that_cannot_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for text in [
        format!("sqlite:{}/x.db", file.display()),
        format!("jsonl:{}", file.display()),
        format!("parquet:{}", file.display()),
    ] {
        let refused = Destination::open(&Target::parse(&text).unwrap(), "demo").unwrap_err();
        assert!(matches!(refused, DestinationError::Unwritable { .. }), "{text}: {refused}");
    }
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let target = Target::Sqlite { path: folder.clone() };
    let refused = Destination::open(&target, "demo").unwrap_err();
    assert!(matches!(refused, DestinationError::Unwritable { .. }), "{refused}");

    let mut permissions = std::fs::metadata(&folder).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&folder, permissions).unwrap();
    // Root may write anywhere.
    if std::fs::write(folder.join("probe"), "").is_err() {
        for text in [format!("sqlite:{}/x.db", folder.display()), format!("jsonl:{}", folder.display())] {
            let refused = Destination::open(&Target::parse(&text).unwrap(), "demo").unwrap_err();
            assert!(matches!(refused, DestinationError::Unwritable { .. }), "{text}: {refused}");
        }
    }
}

#[test]
fn pipelines_share_a_place() {
    for place in places() {
        for disposition in [Disposition::Append, Disposition::Replace] {
            let name = format!("{disposition:?}");
            let table = table(&name, disposition);
            let mut one = Destination::open(place.door(), "one").unwrap();
            one.begin(&table, &load(&name, "1")).unwrap();
            one.write(&table, &page("{\"id\":1}\n", "1"), &[pending(1)]).unwrap();
            one.commit().unwrap();
            drop(one);

            let mut two = Destination::open(place.door(), "two").unwrap();
            assert!(!two.state().loads.contains_key(&name));
            let begun = two.begin(&table, &load(&name, "2"));
            if place.is_typed() || (!place.is_database() && disposition == Disposition::Append) {
                assert!(matches!(begun, Err(DestinationError::NotOurs { .. })));
            } else {
                begun.unwrap();
                two.write(&table, &page("{\"id\":2}\n", "2"), &[pending(1)]).unwrap();
                two.commit().unwrap();
            }
            drop(two);

            let mut one = Destination::open(place.door(), "one").unwrap();
            assert_eq!(one.state().pending.len(), 1);
            one.resume(&table, &load(&name, "1")).unwrap();
            one.write(&table, &page("{\"id\":3}\n", "1"), &[]).unwrap();
            one.finish(&table, &load(&name, "1"), &[Change::Done { seq: 1 }]).unwrap();
            one.commit().unwrap();
            drop(one);
            let expected: &[&str] = match disposition {
                Disposition::Append if place.is_database() && !place.is_typed() => {
                    &["{\"id\":1}", "{\"id\":2}", "{\"id\":3}"]
                }
                _ => &["{\"id\":1}", "{\"id\":3}"],
            };
            assert_eq!(place.rows(&name), expected);
        }
    }
}

#[test]
fn looking_where_nothing_is_changes_nothing() {
    for place in places() {
        assert_eq!(Destination::look(place.door()).unwrap(), None);
        assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 0);
    }
    let [place, ..] = local_places();
    let Target::Sqlite { path } = &place.target else { unreachable!() };
    rusqlite::Connection::open(path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert_eq!(Destination::look(place.door()).unwrap(), None);
}
