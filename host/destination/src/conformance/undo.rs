//! How what a load has written is taken back, whatever came before or after it.

use super::killed::clean;
use super::left_over::assert_no_leftovers;
use super::loads::{DISPOSITIONS, load, page, pending, table};
use super::places;
use crate::*;

#[test]
fn undo_takes_back_what_its_own_transaction_wrote() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let table = table("tasks", disposition);
            clean(&place, &table, "0");
            let before = place.rows("tasks");
            let mut to = place.open();
            for id in ["1", "2", "3"] {
                to.begin(&table, &load("tasks", id)).unwrap();
                to.write(&table, &page("{\"id\":1,\"name\":\"a\"}\n", id), &[]).unwrap();
                to.undo(&table, id).unwrap();
            }
            to.undo(&table, "never begun").unwrap();
            to.record(&[Change::LoadForgotten { resource: "tasks".to_owned() }]).unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.rows("tasks"), before, "{disposition:?}");
            assert_eq!(place.open().state(), State::default());
            assert_no_leftovers(&place);
        }
    }
}

/// Undone, begun again, undone again and begun again, with a commit after some of it.
#[test]
fn undo_of_committed_rows_waits_for_the_commit() {
    for place in places() {
        let table = table("tasks", Disposition::Append);
        clean(&place, &table, "0");
        let before = place.rows("tasks");
        let mut to = place.open();
        to.begin(&table, &load("tasks", "1")).unwrap();
        to.write(&table, &page("{\"id\":11}\n{\"id\":12}\n", "1"), &[]).unwrap();
        to.commit().unwrap();
        let committed = place.rows("tasks");
        to.undo(&table, "1").unwrap();
        to.begin(&table, &load("tasks", "2")).unwrap();
        to.write(&table, &page("{\"id\":21}\n", "2"), &[]).unwrap();
        to.undo(&table, "2").unwrap();
        to.begin(&table, &load("tasks", "3")).unwrap();
        to.write(&table, &page("{\"id\":31}\n", "3"), &[]).unwrap();
        assert_eq!(place.rows("tasks"), committed);
        drop(to);
        assert_eq!(place.rows("tasks"), committed);

        let mut to = place.open();
        assert_eq!(to.state().loads["tasks"].load_id, "1");
        to.undo(&table, "1").unwrap();
        to.begin(&table, &load("tasks", "4")).unwrap();
        to.write(&table, &page("{\"id\":41}\n", "4"), &[]).unwrap();
        to.commit().unwrap();
        to.write(&table, &page("{\"id\":42}\n", "4"), &[]).unwrap();
        to.finish(&table, &load("tasks", "4"), &[]).unwrap();
        to.commit().unwrap();
        drop(to);
        let mut expected = before;
        expected.extend(["{\"id\":41}".to_owned(), "{\"id\":42}".to_owned()]);
        expected.sort();
        assert_eq!(place.rows("tasks"), expected);
        drop(place.open());
        assert_no_leftovers(&place);
    }
}

/// Recovery looks again at the commit before; it must not take the files of what came after for its own.
#[test]
fn a_load_that_dies_after_a_finished_one() {
    for disposition in DISPOSITIONS {
        for place in places() {
            let table = table("tasks", disposition);
            let mut to = place.open();
            for id in ["1", "2"] {
                to.begin(&table, &load("tasks", id)).unwrap();
                to.write(&table, &page("{\"id\":1}\n{\"id\":1}\n", "1"), &[]).unwrap();
                to.finish(&table, &load("tasks", id), &[]).unwrap();
                to.commit().unwrap();
            }
            let expected = place.rows("tasks");
            to.begin(&table, &load("tasks", "3")).unwrap();
            to.write(&table, &page("{\"id\":9}\n{\"id\":9}\n", "3"), &[]).unwrap();
            to.finish(&table, &load("tasks", "3"), &[]).unwrap();
            drop(to);
            drop(place.open());
            assert_eq!(place.rows("tasks"), expected, "{disposition:?}");
            assert_no_leftovers(&place);
        }
    }
}

/// The config was changed after the load broke off: it is undone as it was begun.
#[test]
fn undo_under_another_disposition() {
    for was in DISPOSITIONS {
        for is in DISPOSITIONS {
            for place in places() {
                clean(&place, &table("tasks", was), "0");
                let before = place.rows("tasks");
                let mut to = place.open();
                to.begin(&table("tasks", was), &load("tasks", "1")).unwrap();
                to.write(&table("tasks", was), &page("{\"id\":1,\"name\":\"a\"}\n", "1"), &[]).unwrap();
                to.commit().unwrap();
                drop(to);
                let mut to = place.open();
                if was != is {
                    let refused = to.resume(&table("tasks", is), &load("tasks", "1")).unwrap_err();
                    assert!(matches!(refused, DestinationError::Corrupt { .. }), "{refused}");
                }
                to.undo(&table("tasks", is), "1").unwrap();
                drop(to);

                let mut to = place.open();
                to.undo(&table("tasks", is), "1").unwrap();
                to.begin(&table("tasks", is), &load("tasks", "2")).unwrap();
                to.write(&table("tasks", is), &page("{\"id\":77}\n", "2"), &[]).unwrap();
                to.finish(&table("tasks", is), &load("tasks", "2"), &[]).unwrap();
                to.commit().unwrap();
                drop(to);
                drop(place.open());
                let mut expected = before;
                if is == Disposition::Replace || (is == Disposition::Merge && !place.is_database()) {
                    expected.clear();
                }
                expected.push("{\"id\":77}".to_owned());
                expected.sort();
                assert_eq!(place.rows("tasks"), expected, "{was:?} {is:?}");
                assert_no_leftovers(&place);
            }
        }
    }
}

#[test]
fn what_an_unlisted_load_wrote_is_taken_back() {
    for place in places() {
        for disposition in DISPOSITIONS {
            let table = table("tasks", disposition);
            let mut to = place.open();
            to.begin(&table, &load("tasks", "1")).unwrap();
            to.write(&table, &page("{\"id\":1}", "1"), &[pending(1)]).unwrap();
            to.commit().unwrap();
            to.undo_unlisted("tasks", "1").unwrap();
            to.record(&[
                Change::LoadForgotten { resource: "tasks".to_owned() },
                Change::DropPending { resource: "tasks".to_owned() },
            ])
            .unwrap();
            to.commit().unwrap();
            drop(to);
            assert_eq!(place.open().state(), State::default());
            assert_eq!(place.rows("tasks"), [""; 0], "{disposition:?}");
        }
    }
}
